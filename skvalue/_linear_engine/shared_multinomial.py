"""The contribution of every row to a coalition, for multinomial models.

As in `shared_subsets`, with blocks of one number a class: the model after row
:math:`i` changes sides is :math:`\\theta + H^{-1} (c_i \\otimes x_i)` with the Hessian
:math:`H` of all classes together, the K by K block
:math:`h_i = (I \\otimes x_i)^\\top H^{-1} (I \\otimes x_i)` and

- :math:`c_i = y_i - \\mathrm{softmax}(\\theta x_i + h_i c_i)` for a row that enters,
- :math:`c_i = (I - S_i h_i)^{-1} (p_i - y_i)`, :math:`S_i = \\mathrm{diag}(p_i) - p_i
  p_i^\\top`, for one that leaves.

Small coalitions, rows that move far, and rows that bring a class or take its last
member away are solved to tolerance.
"""

import torch

from .joint_newton import joint_hessian
from .multinomial_neighbours import MultinomialNeighbours
from .neighbours import EXACT_STEPS
from .objectives import MultinomialObjective, inverse_of
from .rows import MaskedRows

REFINED_ROWS = 4
REFINED_SHIFT = 1.0
# What the equation of an entering row may leave open.
REFINED_EXCESS = 1e-2
PROXIMAL_STEPS = 3
MAX_BLOCK_ELEMENTS = 2**20


class MultinomialSharing:
    """Multinomial regressions of a batch of coalitions, and of their neighbours."""

    def __init__(self, problem, masks, counts):
        self.problem, self.masks, self.counts = problem, masks, counts
        self.sizes, self.present = counts.sum(1), counts > 0
        self.theta = problem.fit(masks, self.sizes, counts)
        free = (problem.n_classes - 1) * problem.X.shape[1]
        self.small = self.sizes <= REFINED_ROWS * free
        self.far = torch.zeros_like(masks, dtype=torch.bool)
        # Inverse Hessians of all classes, of the coalition at hand.
        self.inverses = {}

    def unsolved(self, place):
        """Rows whose step may be far off."""
        return self.far[place] | self.small[place]

    def solve(self, place, index, rows, sizes, counts):
        """Models of pairs to tolerance, from the model of the coalition."""
        theta = self.theta[place].repeat(len(index), 1, 1)
        left = slice(None)
        if self.problem.exact:
            theta, left = self._descend(place, rows, sizes, counts, theta)
            if not len(left):
                return theta
            rows = rows.take(left)
        theta[left] = self.problem.solve(rows, sizes[left], counts[left], theta[left])
        return theta

    def _descend(self, place, rows, sizes, counts, theta):
        """Models by the joint Hessian, and the places of those that it misleads."""
        if place not in self.inverses:
            self.inverses = {place: self._joint_inverse(place)}
        same = ((counts > 0) == self.present[place]).all(1)
        left = [(~same).nonzero().squeeze(1)]
        penalty = self.problem.coalition_penalty(self.present[place, None])[0]
        K, p = theta.shape[1:]
        step = max(1, MAX_BLOCK_ELEMENTS // (K * K * p))
        for chunk in same.nonzero().squeeze(1).split(step):
            neighbours = MultinomialNeighbours(
                rows.take(chunk),
                self.theta[place],
                self.inverses[place],
                penalty,
                self.present[place],
            )
            solved, unsolved = neighbours.descend(
                theta[chunk].flatten(1),
                self.problem.tolerance(sizes[chunk]),
                EXACT_STEPS,
            )
            theta[chunk] = solved.view(-1, K, p)
            left.append(chunk[unsolved])
        return theta, torch.cat(left)

    def values_after(self):
        """Value of each coalition after each row changes sides, (B, n)."""
        after = torch.zeros_like(self.masks, dtype=torch.float64)
        for place in (~self.small).nonzero().squeeze(1).tolist():
            inverse = self._joint_inverse(place)
            K, p, _, _ = inverse.shape
            step = max(1, MAX_BLOCK_ELEMENTS // (K * K * p))
            for a in range(0, self.masks.shape[1], step):
                part = slice(a, a + step)
                after[place, part] = self._values_of_part(place, inverse, part)
        return after

    def _joint_inverse(self, place):
        """Inverse Hessian of all classes, (K, p, K, p); the model takes a last step."""
        problem, present = self.problem, self.present[place]
        rows = MaskedRows(problem.table, self.masks[place, None])
        penalty = problem.coalition_penalty(present[None])
        objective = MultinomialObjective(rows, penalty, penalty, present[None])
        gradient = objective.gradient(self.theta[place, None])[0]
        hessian = joint_hessian(
            rows,
            [probability[0] for probability in objective.probabilities],
            penalty[0],
            present,
        )
        K, p = gradient.shape
        inverse = inverse_of(hessian)[0]
        self.theta[place] -= (inverse @ gradient.reshape(-1)).view(K, p)
        return inverse.view(K, p, K, p)

    def _values_of_part(self, place, inverse, part):
        problem, present = self.problem, self.present[place]
        theta, X = self.theta[place], problem.X[part]
        K, p = theta.shape
        directions = (X @ inverse.reshape(K * p * K, p).T).view(-1, K, p, K)
        block = torch.einsum("ip,ikpl->ikl", X, directions)
        target, margins = problem.members[part], X @ theta.T
        inside = self.masks[place, part] > 0
        entering, excess = _entering(margins, block, target, present)
        leaving = _leaving(margins, block, target, present)
        shift = torch.where(inside[:, None], leaving, entering)[:, :, None]
        moved = (block @ shift).squeeze(2).abs().amax(1)
        # Also where the step is not finite.
        near = (moved <= REFINED_SHIFT) & (inside | (excess <= REFINED_EXCESS))
        self.far[place, part] = ~near
        change = (directions.reshape(-1, K * p, K) @ shift).view(-1, K, p)
        return problem.values(theta + change, self.counts[place].expand(len(X), -1))


def _entering(margins, block, target, present):
    eye = torch.eye(margins.shape[1], dtype=margins.dtype, device=margins.device)
    shift = torch.zeros_like(margins)
    for _ in range(1 + PROXIMAL_STEPS):
        moved = margins + (block @ shift[:, :, None]).squeeze(2)
        probability = _softmax(moved, present)
        excess = shift - target + probability
        jacobian = eye + _covariance(probability) @ block
        shift = shift - torch.linalg.solve_ex(jacobian, excess)[0]
    return shift, excess.abs().amax(1)


def _leaving(margins, block, target, present):
    eye = torch.eye(margins.shape[1], dtype=margins.dtype, device=margins.device)
    probability = _softmax(margins, present)
    jacobian = eye - _covariance(probability) @ block
    return torch.linalg.solve_ex(jacobian, probability - target)[0]


def _softmax(margins, present):
    return margins.masked_fill(~present, -torch.inf).softmax(1)


def _covariance(probability):
    outer = probability[:, :, None] * probability[:, None]
    return torch.diag_embed(probability) - outer
