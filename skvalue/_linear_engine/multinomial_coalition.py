r"""A multinomial model of one coalition, and those of its neighbours.

The model after row :math:`i` changes sides is :math:`\theta + H^{-1} (c_i \otimes x_i)`
with the Hessian :math:`H` of all classes together, the K by K block
:math:`h_i = (I \otimes x_i)^\top H^{-1} (I \otimes x_i)` and

- :math:`c_i = y_i - \mathrm{softmax}(\theta x_i + h_i c_i)` for a row that enters,
- :math:`c_i = (I - S_i h_i)^{-1} (p_i - y_i)`, :math:`S_i = \mathrm{diag}(p_i) - p_i
  p_i^\top`, for one that leaves.

Rows that move far, and all rows of the smallest coalitions, go on from that step to
tolerance, side by side with the inverse that is at hand (`multinomial_neighbours`).
"""

import torch

from .joint_newton import JointInverse, contrasts, joint_hessian
from .linear_fits import OVERSHOT_SLOPE
from .multinomial_neighbours import MultinomialNeighbours, covariance
from .neighbours import EXACT_STEPS, MAX_STEPS
from .objectives import MultinomialObjective, inverse_of
from .rows import MaskedRows, OneRowChanged, Table
from .scores import softmax_

# Rows a class of the coalitions whose pairs are all solved to tolerance. Steps in
# larger ones are judged by how far they lead: the number of parameters says little
# where the penalty holds most of them.
REFINED_ROWS = 4
REFINED_SHIFT = 0.5
# A step of this length is no place to go on from.
LOST_SHIFT = 8.0
# What the equation of an entering row may leave open.
REFINED_EXCESS = 1e-2
PROXIMAL_STEPS = 16
# What it may leave open before the last step.
PROXIMAL_TOLERANCE = 3e-3
MAX_BLOCK_ELEMENTS = 2**20


class MultinomialCoalition:
    """One coalition whose neighbours have the same classes.

    Parameters
    ----------
    problem : LinearProblem
        Rows, penalties, tolerances.

    columns : AllColumns or SpannedColumns
        What coefficients belong to.

    mask : Tensor of shape (n,)
        1 for the members.

    counts : Tensor of shape (K,)
        Members of each class.

    inside : Tensor of int
        Their numbers.
    """

    def __init__(self, problem, columns, mask, counts, inside):
        self.problem, self.columns, self.mask = problem, columns, mask
        self.size, self.present = counts.sum(), counts > 0
        self.penalty = problem.coalition_penalty(self.present[None], columns.penalty)[0]
        self.table = columns.table.take(inside)

    def start(self, theta):
        """Find the inverse Hessian, and take a last step from a model (K, p)."""
        theta = self.columns.of_model(theta)
        rows = MaskedRows(self.table, theta.new_ones(1, len(self.table.X)))
        penalty, present = self.penalty[None], self.present[None]
        objective = MultinomialObjective(rows, penalty, penalty, present)
        gradient = objective.gradient(theta[None])
        basis = contrasts(self.present, theta.dtype)
        probabilities = [probability[0] for probability in objective.probabilities]
        hessian = joint_hessian(rows, probabilities, self.penalty, basis)
        self.inverse = JointInverse(inverse_of(hessian)[0], basis)
        self.theta = theta - self.inverse.times(gradient)[0]
        return self.columns.to_model(self.theta)

    def solve(self, rows, sizes):
        """Models (B, K, p) of neighbours to tolerance, and places of those left.

        Parameters
        ----------
        rows : OneRowChanged
            The neighbours, in these columns.

        sizes : Tensor of shape (B,)
            Their numbers of rows.
        """
        theta = self.theta.repeat(len(rows), 1, 1)
        left = []
        for chunk in self._chunks(torch.arange(len(rows)), len(rows.table.X)):
            some = rows.take(chunk)
            block = self.inverse.blocks(Table(some.X, None))
            theta[chunk], unsolved = self._descend(
                some, block, sizes[chunk], theta[chunk]
            )
            left.append(chunk[unsolved])
        return theta, torch.cat(left)

    def neighbours(self):
        """Models after each row changes sides.

        Yields
        ------
        index : Tensor of int, shape (m,)
            Rows of the table.

        models : Tensor of shape (m, K, p)
            In the columns of the problem.

        far : Tensor of int
            Rows whose models are still far off.
        """
        blocks = self.inverse.blocks(self.columns.table)
        width = max(self.problem.X.shape[1], len(self.problem.X_val))
        for index in self._chunks(torch.arange(len(blocks)), width):
            models, far = self._models_after(index, blocks[index])
            yield index, self.columns.to_models(models, index), far

    def _chunks(self, index, width):
        """Models that are moved at once, of so many numbers a class."""
        size = max(1, MAX_BLOCK_ELEMENTS // (len(self.present) * width))
        return index.to(self.mask.device).split(size)

    def _models_after(self, index, block):
        """Models (m, K, p) with each row of `index` changed, and those left far off."""
        X, target = self.columns.table.X[index], self.problem.members[index]
        inside = self.mask[index] > 0
        margins = X @ self.theta.T
        margins.masked_fill_(~self.present, -torch.inf)
        shift, excess = torch.empty_like(target), X.new_zeros(len(X))
        shift[inside] = _leaving(margins[inside], block[inside], target[inside])
        shift[~inside], excess[~inside] = _entering(
            margins[~inside], block[~inside], target[~inside]
        )
        moved = (block @ shift[:, :, None]).squeeze(2).abs().amax(1)
        models = self.inverse.times_rows(shift, X).add_(self.theta)
        # Also where the step is not finite.
        models[~(moved <= LOST_SHIFT)] = self.theta
        far = ~((moved <= REFINED_SHIFT) & (excess <= REFINED_EXCESS))
        if self.size <= REFINED_ROWS * len(self.present):
            far = torch.ones_like(far)
        left = [index[:0]]
        for chunk in self._chunks(far.nonzero().squeeze(1), len(self.table.X)):
            sign = 1 - 2 * self.mask[index[chunk]]
            rows = OneRowChanged(self.table, X[chunk], target[chunk], sign)
            models[chunk], unsolved = self._descend(
                rows, block[chunk], self.size + sign, models[chunk]
            )
            left.append(index[chunk[unsolved]])
        return models, torch.cat(left)

    def _descend(self, rows, block, sizes, theta):
        """Models (B, K, p) to tolerance, and the places of those not brought there."""
        neighbours = MultinomialNeighbours(
            rows, self.theta, self.inverse, block, self.penalty, self.present
        )
        solved, unsolved = neighbours.descend(
            theta.flatten(1),
            self.problem.tolerance(sizes),
            EXACT_STEPS if self.problem.exact else MAX_STEPS,
        )
        return solved.view_as(theta), unsolved


def _entering(margins, block, target):
    """Shifts ``c_i`` of rows that enter, and what their equations leave open.

    The shift minimises ``c' h c / 2 + logsumexp(z + h c) - y' h c``, by Newton steps; a
    step that went too far is seen by the slope behind it and cut by the secant.
    """
    shift, excess = torch.zeros_like(target), torch.ones_like(target)
    eye = torch.eye(margins.shape[1], dtype=margins.dtype, device=margins.device)
    active = torch.arange(len(target), device=margins.device)
    at, last = shift, None
    for _ in range(PROXIMAL_STEPS):
        probability = softmax_(margins + (block @ at[:, :, None]).squeeze(2))
        left = at - target + probability
        jacobian = eye + covariance(probability) @ block
        step = torch.linalg.solve_ex(jacobian, left)[0]
        pull = (block @ left[:, :, None]).squeeze(2)
        slope = (pull * step).sum(1)
        if last is not None:
            last_step, last_slope = last
            behind = -(pull * last_step).sum(1)
            overshot = behind > OVERSHOT_SLOPE * last_slope
            back = torch.where(overshot, behind / (behind + last_slope), 0.0)
            slope = torch.where(overshot, last_slope * (1 - back), slope)
            back, overshot = back[:, None], overshot[:, None]
            step, moved = (
                torch.where(overshot, -back * last_step, step),
                torch.where(overshot, (1 - back) * last_step, step),
            )
        else:
            moved = step
        at = at - step
        shift[active], excess[active] = at, left
        going = (left.abs().amax(1) > PROXIMAL_TOLERANCE).nonzero().squeeze(1)
        if not len(going):
            break
        active, at, last = active[going], at[going], (moved[going], slope[going])
        margins, block, target = margins[going], block[going], target[going]
    return shift, excess.abs().amax(1)


def _leaving(margins, block, target):
    """Shifts ``c_i`` of rows that leave."""
    eye = torch.eye(margins.shape[1], dtype=margins.dtype, device=margins.device)
    probability = margins.softmax(1)
    jacobian = eye - covariance(probability) @ block
    return torch.linalg.solve_ex(jacobian, probability - target)[0]
