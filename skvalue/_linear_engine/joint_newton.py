"""Newton's method for multinomial models with the Hessian of all classes together.

.. math:: H = \\sum_{i \\in S} (\\mathrm{diag}\\, p_i - p_i p_i^\\top) \\otimes
          x_i x_i^\\top + I \\otimes \\mathrm{diag}\\, \\lambda

Moving every class alike changes no probability, and gradients are orthogonal to it, so
:math:`H` is only looked at on contrasts between the q classes of a coalition: one
Cholesky factor of ``(q - 1) p`` parameters a step. Dear, but it reaches solutions to
the last digits where conjugate gradients stall, on rows of which hardly any are
uncertain.
"""

import torch

from .objectives import MultinomialObjective, inverse_of
from .rows import MaskedRows

# Of Hessians that are held at once.
MAX_HESSIAN_ELEMENTS = 2**22


def contrasts(present, dtype):
    """Orthonormal contrasts of the classes present (Helmert), (K, q - 1)."""
    q = int(present.sum())
    numbers = torch.arange(1, q, dtype=dtype, device=present.device)
    matrix = torch.ones(q, q - 1, dtype=dtype, device=present.device).triu()
    matrix.diagonal(-1).copy_(-numbers)
    basis = matrix.new_zeros(len(present), q - 1)
    basis[present] = matrix / (numbers * (numbers + 1)).sqrt()
    return basis


def joint_hessian(rows, probabilities, penalty, basis):
    """Hessians of coalitions of the same classes.

    Parameters
    ----------
    rows : MaskedRows, OwnRows or OneRowChanged
        The coalitions.

    probabilities : list of Tensor of shape (B, K, m)
        Those of the models, a part of the rows.

    penalty : Tensor of shape (B, p)
        The weight of half the squared coefficients.

    basis : Tensor of shape (K, c)
        The contrasts that the parameters belong to.

    Returns
    -------
    hessian : Tensor of shape (B, c p, c p)
        Second derivatives by contrast and column.
    """
    c = basis.shape[1]
    first, second = torch.triu_indices(c, c, device=basis.device)
    pairs = (basis[:, first] * basis[:, second]).T
    blocks = 0.0
    for part, probability in zip(rows.parts(), probabilities, strict=True):
        mean = basis.T @ probability
        weights = pairs @ probability - mean[:, first] * mean[:, second]
        counted = rows.weights(part)
        if counted is not None:
            weights = weights.mul_(counted[:, None])
        blocks = blocks + rows.gram(weights, part)
    B, _, p, _ = blocks.shape
    hessian = blocks.new_empty(B, c, p, c, p)
    by_pair = hessian.permute(0, 1, 3, 2, 4)
    by_pair[:, first, second] = by_pair[:, second, first] = blocks
    hessian = hessian.view(B, c * p, c * p)
    hessian.diagonal(dim1=1, dim2=2).add_(penalty.repeat(1, c))
    return hessian


class JointInverse:
    """The inverse Hessian of one coalition's model, of contrasts between classes.

    Parameters
    ----------
    matrix : Tensor of shape (c p, c p)
        The inverse of `joint_hessian`.

    basis : Tensor of shape (K, c)
        The contrasts.
    """

    def __init__(self, matrix, basis):
        self.matrix, self.basis = matrix, basis

    def times(self, moves):
        """Products with vectors (B, K, p) that sum to zero over the classes."""
        return self._product(self.basis.T @ moves)

    def times_rows(self, shifts, X):
        """Products with ``shifts_i``, (B, K), times ``x_i``, (B, p)."""
        return self._product((shifts @ self.basis)[:, :, None] * X[:, None])

    def _product(self, moves):
        product = moves.flatten(1) @ self.matrix
        return self.basis @ product.view_as(moves)

    def blocks(self, table):
        """The K by K blocks between classes of each row of a table, (m, K, K)."""
        basis, p = self.basis, table.X.shape[1]
        (K, c), device = basis.shape, basis.device
        first, second = torch.triu_indices(c, c, device=device)
        matrices = self.matrix.view(c, p, c, p)[first, :, second]
        matrices = (matrices + matrices.mT) / 2
        packed = [
            table.quadratic(matrices, part) for part in MaskedRows(table, None).parts()
        ]
        # Of contrast pairs to pairs of classes: each pair stands for its mirror, too.
        spread = basis[:, None, first] * basis[None, :, second]
        mirror = (first != second).to(basis.dtype)
        spread = spread + spread.transpose(0, 1) * mirror
        return (torch.cat(packed, 1).T @ spread.view(K * K, -1).T).view(-1, K, K)


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
        step = torch.empty_like(gradient)
        for index, basis in self._alike(gradient):
            hessian = joint_hessian(
                self.rows.take(index),
                [probability[index] for probability in self.probabilities],
                self.penalty[index],
                basis,
            )
            slope = basis.T @ gradient[index]
            product = slope.flatten(1)[:, None] @ inverse_of(hessian)
            step[index] = basis @ product.view_as(slope)
        return step

    def _alike(self, gradient):
        """Places of models of the same classes, and contrasts between these."""
        size = max(1, MAX_HESSIAN_ELEMENTS // gradient[0].numel() ** 2)
        for present in self.present.unique(dim=0):
            basis = contrasts(present, gradient.dtype)
            index = (self.present == present).all(1).nonzero().squeeze(1)
            yield from ((some, basis) for some in index.split(size))
