"""Newton's method for multinomial models with the Hessian of all classes together.

.. math:: H = \\sum_{i \\in S} (\\mathrm{diag}\\, p_i - p_i p_i^\\top) \\otimes
          x_i x_i^\\top + I \\otimes \\mathrm{diag}\\, \\lambda

One Cholesky factor of ``K p`` parameters a step: dear, but it reaches solutions to the
last digits where conjugate gradients stall, on rows of which hardly any are uncertain.
"""

import torch

from .linear_fits import centred, minimise
from .objectives import MultinomialObjective, inverse_of


def joint_hessian(rows, probabilities, penalty, present):
    """Hessian of one coalition's model.

    Parameters
    ----------
    rows : MaskedRows or OneRowChanged
        The coalition.

    probabilities : list of Tensor of shape (K, m)
        Those of the model, a part of the rows.

    penalty : Tensor of shape (p,)
        The weight of half the squared coefficients.

    present : Tensor of shape (K,), dtype bool
        Classes of the coalition.

    Returns
    -------
    hessian : Tensor of shape (1, K p, K p)
        Regular, also along directions that no gradient has.
    """
    K = len(present)
    first, second = torch.triu_indices(K, K, device=present.device)
    blocks = 0.0
    for part, probability in zip(rows.parts(), probabilities, strict=True):
        same = (first == second).to(probability.dtype)[:, None]
        weights = probability[first] * (same - probability[second])
        blocks = blocks + rows.gram(weights * rows.weights(part), part)
    p = blocks.shape[-1]
    hessian = blocks.new_zeros(K, K, p, p)
    hessian[first, second] = hessian[second, first] = blocks
    classes = torch.arange(K, device=blocks.device)
    hessian[classes, classes] += torch.diag(penalty)
    # Moving every class alike changes no probability, and gradients are orthogonal
    # to it: curvature there keeps the matrix regular and the solution as it is. So
    # does curvature of the classes that the coalition lacks.
    shared = present.to(blocks.dtype)
    scale = torch.diag(hessian[classes, classes].mean(0).diagonal() + 1e-6)
    hessian += torch.outer(shared, shared)[:, :, None, None] * scale
    hessian[classes[~present], classes[~present]] += scale
    return hessian.permute(0, 2, 1, 3).reshape(1, K * p, K * p)


def fit_joint(rows, penalty, tolerance, theta, present):
    """Multinomial logistic regressions, as `fit_multinomial`.

    Parameters
    ----------
    rows : MaskedRows or OneRowChanged
        B coalitions, each with at least two classes.

    penalty : Tensor of shape (B, p)
        The weight of half the squared coefficients.

    tolerance : Tensor of shape (B,)
        On the squared Newton decrement.

    theta : Tensor of shape (B, c, p)
        Where to start.

    present : Tensor of shape (B, c), dtype bool
        Classes of each coalition.

    Returns
    -------
    theta : Tensor of shape (B, c, p)
        The solutions, centred over the classes present.
    """
    objective = JointObjective(rows, penalty, present)
    return minimise(objective, centred(theta, present), tolerance)[0]


class JointObjective(MultinomialObjective):
    """Penalised multinomial losses, minimised by steps with the whole Hessian."""

    def __init__(self, rows, penalty, present):
        super().__init__(rows, penalty, penalty.new_zeros(()), present)

    def take(self, index):
        return JointObjective(
            self.rows.take(index), self.penalty[index], self.present[index]
        )

    def to(self, dtype):
        return JointObjective(self.rows.to(dtype), self.penalty.to(dtype), self.present)

    def step(self, gradient):
        steps = []
        for j, slope in enumerate(gradient):
            hessian = joint_hessian(
                self.rows.take(slice(j, j + 1)),
                [probability[j] for probability in self.probabilities],
                self.penalty[j],
                self.present[j],
            )
            steps.append((inverse_of(hessian)[0] @ slope.flatten()).view_as(slope))
        return torch.stack(steps)
