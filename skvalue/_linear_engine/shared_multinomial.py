"""The contribution of every row to a coalition, for multinomial models.

As in `shared_subsets`, with blocks of one number a class: the model after row
:math:`i` changes sides is :math:`\\theta + H^{-1} (c_i \\otimes x_i)` with the Hessian
:math:`H` of all classes together, the K by K block
:math:`h_i = (I \\otimes x_i)^\\top H^{-1} (I \\otimes x_i)` and

- :math:`c_i = y_i - \\mathrm{softmax}(\\theta x_i + h_i c_i)` for a row that enters,
- :math:`c_i = (I - S_i h_i)^{-1} (p_i - y_i)`, :math:`S_i = \\mathrm{diag}(p_i) - p_i
  p_i^\\top`, for one that leaves.

Rows that move far, and all rows of the smallest coalitions, go on from that step to
tolerance, side by side with the inverse that is at hand (`multinomial_neighbours`).
Rows that bring a class or take its last member away are solved from the start.
"""

import torch

from .joint_newton import joint_hessian
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


class MultinomialSharing:
    """Multinomial regressions of a batch of coalitions, and of their neighbours."""

    def __init__(self, problem, masks, counts):
        self.problem, self.masks, self.counts = problem, masks, counts
        self.sizes, self.present = counts.sum(1), counts > 0
        self.theta = problem.fit(masks, self.sizes, counts)
        self.small = self.sizes <= REFINED_ROWS * problem.n_classes
        self.far = torch.zeros_like(masks, dtype=torch.bool)
        # Inverse Hessian of all classes, of the coalition at hand.
        self.inverses = {}

    def unsolved(self, place):
        """Rows whose models are still far off."""
        return self.far[place]

    # ------------------------------------------------------------ pairs by themselves

    def solve(self, place, index, rows, sizes, counts):
        """Models of pairs to tolerance, from the model of the coalition."""
        theta = self.theta[place].repeat(len(index), 1, 1)
        left = slice(None)
        if self.problem.exact:
            theta, left = self._solve_by_inverse(place, rows, sizes, counts, theta)
            if not len(left):
                return theta
            rows = rows.take(left)
        theta[left] = self.problem.solve(rows, sizes[left], counts[left], theta[left])
        return theta

    def _solve_by_inverse(self, place, rows, sizes, counts, theta):
        """Models by the joint Hessian, and the places of those that it misleads."""
        if place not in self.inverses:
            self.inverses = {place: self._joint_inverse(place)}
        inverse = self.inverses[place]
        same = ((counts > 0) == self.present[place]).all(1)
        left = [(~same).nonzero().squeeze(1)]
        if not same.any():
            return theta, left[0]
        for chunk in same.nonzero().squeeze(1).split(self._chunk(len(rows.table.X))):
            some = rows.take(chunk)
            block = self._blocks(inverse, Table(some.X, None))
            theta[chunk], unsolved = self._descend(
                place, some, block, sizes[chunk], theta[chunk], inverse
            )
            left.append(chunk[unsolved])
        return theta, torch.cat(left)

    def _descend(self, place, rows, block, sizes, theta, inverse):
        """Models (B, K, p) to tolerance, and the places of those not brought there."""
        problem, present = self.problem, self.present[place]
        neighbours = MultinomialNeighbours(
            rows,
            self.theta[place],
            theta,
            inverse,
            block,
            problem.coalition_penalty(present[None])[0],
            present,
        )
        solved, unsolved = neighbours.descend(
            theta.flatten(1),
            problem.tolerance(sizes),
            EXACT_STEPS if problem.exact else MAX_STEPS,
        )
        return solved.view_as(theta), unsolved

    # -------------------------------------------------------- all rows of a coalition

    def values_after(self):
        """Value of each coalition after each row changes sides, (B, n) or by row."""
        after = self.problem.empty_values(self.masks.shape)
        for place in range(len(self.masks)):
            inverse = self._joint_inverse(place)
            blocks = self._blocks(inverse, self.problem.table)
            inside = self.masks[place].nonzero().squeeze(1)
            table = Table(self.problem.X[inside], self.problem.target[:, inside])
            width = max(self.problem.X.shape[1], len(self.problem.X_val))
            for rows in torch.arange(len(blocks)).split(self._chunk(width)):
                models = self._models_after(place, rows, blocks[rows], inverse, table)
                counts = self.counts[place].expand(len(rows), -1)
                after[place, rows] = self.problem.values(models, counts)
        return after

    def _chunk(self, width):
        """Models that are moved at once, of so many numbers a class."""
        return max(1, MAX_BLOCK_ELEMENTS // (self.problem.n_classes * width))

    def _joint_inverse(self, place):
        """Inverse Hessian of all classes, (K p, K p); the model takes a last step."""
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
        inverse = inverse_of(hessian)[0]
        self.theta[place] -= (inverse @ gradient.reshape(-1)).view_as(gradient)
        return inverse

    def _blocks(self, inverse, table):
        """The blocks ``h_i`` of the rows of a table, (m, K, K)."""
        K, p = self.problem.n_classes, table.X.shape[1]
        first, second = torch.triu_indices(K, K, device=inverse.device)
        matrices = inverse.view(K, p, K, p)[first, :, second]
        matrices = (matrices + matrices.mT) / 2
        packed = torch.cat(
            [
                table.quadratic(matrices, part)
                for part in MaskedRows(table, None).parts()
            ],
            1,
        )
        place = torch.empty(K, K, dtype=torch.long, device=inverse.device)
        place[first, second] = place[second, first] = torch.arange(
            len(first), device=inverse.device
        )
        return packed.T[:, place.view(-1)].view(-1, K, K)

    def _models_after(self, place, index, block, inverse, table):
        """Models (m, K, p) of the coalition with each row of `index` changed."""
        problem, theta = self.problem, self.theta[place]
        X, target = problem.X[index], problem.members[index]
        inside = self.masks[place, index] > 0
        margins = X @ theta.T
        margins.masked_fill_(~self.present[place], -torch.inf)
        shift, excess = torch.empty_like(target), X.new_zeros(len(X))
        shift[inside] = _leaving(margins[inside], block[inside], target[inside])
        shift[~inside], excess[~inside] = _entering(
            margins[~inside], block[~inside], target[~inside]
        )
        moved = (block @ shift[:, :, None]).squeeze(2).abs().amax(1)
        change = (shift[:, :, None] * X[:, None]).flatten(1) @ inverse
        models = theta + change.view(-1, *theta.shape)
        # Also where the step is not finite.
        models[~(moved <= LOST_SHIFT)] = theta
        far = ~((moved <= REFINED_SHIFT) & (excess <= REFINED_EXCESS))
        far = (far | self.small[place]).nonzero().squeeze(1)
        for chunk in far.split(self._chunk(len(table.X))):
            sign = 1 - 2 * self.masks[place, index[chunk]]
            rows = OneRowChanged(table, X[chunk], target[chunk], sign)
            models[chunk], unsolved = self._descend(
                place,
                rows,
                block[chunk],
                self.sizes[place] + sign,
                models[chunk],
                inverse,
            )
            self.far[place, index[chunk[unsolved]]] = True
        return models


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
