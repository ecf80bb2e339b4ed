"""Exact marginal contributions of the rows along permutations, many side by side.

For a permutation :math:`\\pi` and each size :math:`k`, the contribution of row
:math:`\\pi_k` is :math:`U(\\pi_1 .. \\pi_k) - U(\\pi_1 .. \\pi_{k-1})` (Ghorbani & Zou,
"Data Shapley", 2019). Adding a row moves a model little, so it is not fitted again:

- the proximal rank-one step :math:`\\theta + c H^{-1} x`, where the scalar
  :math:`c = y - \\sigma(x^\\top\\theta + c\\, x^\\top H^{-1} x)` is solved by Newton
  steps;
- a Sherman-Morrison update of :math:`H^{-1}`;
- a Newton step with the gradient of all rows, whose decrement says how far off the
  steps since the last one were: the number of rows between two checks follows it;
- a fresh Hessian each time the coalition has grown by `GROWTH`.

For squared loss the rank-one step is the exact solution.
"""

import torch

from .linear_fits import fit_multinomial, fit_ridge, minimise
from .objectives import LogisticObjective, bohning_inverse
from .proximal import proximal_shift
from .rows import MaskedRows, OwnRows

GROWTH = 1.05
RIDGE_GROWTH = 1.25
MAX_STEPS_BETWEEN_CHECKS = 64
# Rows between two checks, at most, relative to those that have joined.
UNCHECKED_GROWTH = 0.02
# A row that moves its own margin by more has its models checked at once.
FAR_SHIFT = 0.5
PROXIMAL_STEPS = 2
# Models whose scores are taken together.
SCORED_STEPS = 16
MAX_OWN_ROWS = 2048
OWN_ROWS_SHARE = 0.2


def walk(problem, permutations, min_size):
    """Contributions (P, n) of the rows of each permutation; NaN for the first ones."""
    n_permutations, n = permutations.shape
    walker = WALKERS[problem.kind](problem, permutations, min_size)
    utilities = torch.empty(
        n_permutations, n + 1 - min_size, dtype=torch.float64, device=problem.X.device
    )
    for first in range(min_size, n + 1, SCORED_STEPS):
        models, counts = [], []
        for size in range(first, min(first + SCORED_STEPS, n + 1)):
            if size > min_size:
                walker.add_row(size)
            models.append(walker.theta)
            counts.append(walker.counts)
        values = _utilities(problem, torch.cat(models), torch.cat(counts))
        place = slice(first - min_size, first - min_size + len(models))
        utilities[:, place] = values.view(len(models), n_permutations).T
    contributions = torch.full(
        permutations.shape, torch.nan, dtype=torch.float64, device=problem.X.device
    )
    return contributions.scatter_(1, permutations[:, min_size:], utilities.diff(dim=1))


def _utilities(problem, theta, counts):
    plain = problem.needs_model(counts)
    if plain.all():
        return problem.values(theta, counts)
    values = problem.without_model(counts)
    if plain.any():
        values[plain] = problem.values(theta[plain], counts[plain])
    return values


class Walker:
    """Models of growing prefixes of permutations; subclasses say how a row joins."""

    def __init__(self, problem, permutations, min_size):
        self.problem, self.permutations = problem, permutations
        n_permutations, n = permutations.shape
        self.everyone = torch.arange(n_permutations, device=permutations.device)
        self.masks = problem.X.new_zeros(n_permutations, n)
        self.masks.scatter_(1, permutations[:, :min_size], 1.0)
        self.counts = self.masks @ problem.members
        copied = permutations[:, : min(int(OWN_ROWS_SHARE * n) + 1, MAX_OWN_ROWS)]
        self.own_X = problem.X[copied]
        self.own_target = problem.target[:, copied].transpose(0, 1)
        self.theta = problem.zeros(n_permutations)
        p = problem.X.shape[1]
        self.inverse = problem.X.new_zeros(n_permutations, p, p)
        self.plain = problem.needs_model(self.counts)
        self.all_plain = bool(self.plain.all())
        self.refreshed = min_size
        self.fit_from_scratch(min_size, self.plain)

    def rows(self, size):
        """The rows of every prefix."""
        if size <= self.own_X.shape[1]:
            return OwnRows(self.own_X[:, :size], self.own_target[:, :, :size])
        return MaskedRows(self.problem.table, self.masks)

    def add_row(self, size):
        """Let the row at place `size` (from 1) join every prefix."""
        index = self.permutations[:, size - 1]
        x, target = self.problem.X[index], self.problem.target[:, index].T
        self.masks[self.everyone, index] = 1.0
        previous, moving = self.counts, self.plain
        self.counts = previous + self.problem.members[index]
        if self.all_plain:
            self.step(size, x, target, self.everyone, previous)
            return
        self.plain = self.problem.needs_model(self.counts)
        self.all_plain = bool(self.plain.all())
        if moving.any():
            moving_index = moving.nonzero().squeeze(1)
            self.step(size, x * moving[:, None], target, moving_index, previous)
        self.fit_from_scratch(size, self.plain & ~moving)

    def fit_from_scratch(self, size, which):
        """Fit the models of the prefixes that just came to need one."""
        index = which.nonzero().squeeze(1)
        if len(index):
            self.theta = self.theta.clone()
            self.theta[index] = 0.0
            self.refresh(size, index)

    def refresh(self, size, index):
        """Fit some models, and their inverses anew, from where they are."""
        raise NotImplementedError

    def step(self, size, x, target, index, previous):
        """Move the models `index` by their new rows; the others' `x` is zero."""
        raise NotImplementedError

    def rank_one_update(self, direction, leverage, weight):
        """Sherman-Morrison: the inverse after adding ``weight * x x'``."""
        scaled = direction * (weight / (1 + weight * leverage))[:, None]
        self.inverse = torch.baddbmm(
            self.inverse, scaled[:, :, None], direction[:, None], alpha=-1
        )

    def replace(self, index, theta, inverse):
        if len(index) == len(self.theta):
            self.theta, self.inverse = theta, inverse
            return
        # What was handed out for scoring stays as it was.
        self.theta = self.theta.index_copy(0, index, theta)
        self.inverse = self.inverse.index_copy(0, index, inverse)

    def taken(self, size, index):
        rows = self.rows(size)
        return rows if len(index) == len(self.theta) else rows.take(index)


class RidgeWalker(Walker):
    """Ridge regressions: rank-one steps are exact."""

    def refresh(self, size, index):
        theta, inverse = fit_ridge(self.taken(size, index), self.problem.penalty)
        self.replace(index, theta, inverse)

    def step(self, size, x, target, index, previous):
        if size > RIDGE_GROWTH * self.refreshed:
            # The rounding errors of the updates do not outlive it.
            self.refreshed = size
            self.refresh(size, index)
            return
        direction = torch.bmm(self.inverse, x[:, :, None]).squeeze(2)
        leverage = (direction * x).sum(1)
        residual = target - torch.bmm(self.theta, x[:, :, None]).squeeze(2)
        shift = residual / (1 + leverage)[:, None]
        self.theta = self.theta + shift[:, :, None] * direction[:, None]
        self.rank_one_update(direction, leverage, torch.ones_like(leverage))


class LogisticWalker(Walker):
    """Binary logistic regressions: proximal steps, checked by gradients."""

    def __init__(self, problem, permutations, min_size):
        self.checked, self.stride = min_size, 1
        super().__init__(problem, permutations, min_size)

    def refresh(self, size, index):
        self._correct(size, index, None)

    def step(self, size, x, target, index, previous):
        moved = self._proximal_step(x, target[:, 0])
        if size > GROWTH * self.refreshed:
            self._correct(size, index, None)
            self.refreshed = self.checked = size
        elif size >= self.checked + min(self.stride, UNCHECKED_GROWTH * size):
            drift = self._correct(size, index, self.inverse[index])
            if drift > 1:
                self.stride = max(1, self.stride // 2)
            elif drift < 0.25:
                self.stride = min(2 * self.stride, MAX_STEPS_BETWEEN_CHECKS)
            self.checked = size
        else:
            far = (moved > FAR_SHIFT).nonzero().squeeze(1)
            if len(far):
                self._correct(size, far, self.inverse[far])

    def _proximal_step(self, x, target):
        direction = torch.bmm(self.inverse, x[:, :, None]).squeeze(2)
        leverage = (direction * x).sum(1)
        margin = (self.theta.squeeze(1) * x).sum(1)
        shift, _ = proximal_shift(margin, leverage, target, PROXIMAL_STEPS)
        self.theta = self.theta + (shift[:, None] * direction)[:, None]
        moved = leverage * shift
        probability = torch.sigmoid(margin + moved)
        self.rank_one_update(direction, leverage, probability * (1 - probability))
        return moved.abs()

    def _correct(self, size, index, inverse):
        """Newton steps with the gradient of all rows, to tolerance.

        Returns how far off the models were, in units of the tolerance.
        """
        tolerance = self.problem.tolerance(self.problem.X.new_tensor(float(size)))
        rows, penalty = self.taken(size, index), self.problem.penalty
        objective = LogisticObjective(rows, penalty, inverse)
        theta = self.theta[index]
        theta = theta - objective.step(objective.gradient(theta))
        self.replace(index, theta, objective.inverse)
        drift = objective.previous / tolerance
        off = (drift > 1).nonzero().squeeze(1)
        if len(off):
            # A second step for the few that need it, and more as they do.
            objective = LogisticObjective(
                rows.take(off), penalty, self.inverse[index[off]]
            )
            solved = minimise(objective, theta[off], tolerance.expand(len(off)))
            self.replace(index[off], *solved)
        return float(drift.max())


class MultinomialWalker(Walker):
    """Multinomial regressions: warm Newton steps, preconditioned by Böhning's bound."""

    def refresh(self, size, index):
        penalty = self.problem.coalition_penalty(self.counts[index] > 0)
        inverse = bohning_inverse(self.taken(size, index), penalty)
        self.replace(index, self.theta[index], inverse)
        self._solve(size, index)

    def step(self, size, x, target, index, previous):
        # The bound's weights are constant, so the update of its inverse is exact.
        direction = torch.bmm(self.inverse, x[:, :, None]).squeeze(2)
        leverage = (direction * x).sum(1)
        self.rank_one_update(direction, leverage, torch.full_like(leverage, 0.5))
        if size > 2 * self.refreshed:
            self.refreshed = size
            self.refresh(size, index)
            return
        gained = ((self.counts > 0).sum(1) != (previous > 0).sum(1))[index]
        if gained.any():
            # A third class ends the doubled penalty of two.
            self.refresh(size, index[gained])
            index = index[~gained]
        if len(index):
            self._solve(size, index)

    def _solve(self, size, index):
        present = self.counts[index] > 0
        theta = fit_multinomial(
            self.taken(size, index),
            self.problem.coalition_penalty(present),
            self.problem.tolerance(self.counts[index].sum(1)),
            self.theta[index],
            present,
            self.inverse[index],
        )
        self.replace(index, theta, self.inverse[index])


WALKERS = {
    "squared": RidgeWalker,
    "logistic": LogisticWalker,
    "multinomial": MultinomialWalker,
}
