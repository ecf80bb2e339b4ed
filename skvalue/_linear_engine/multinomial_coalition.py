r"""A multinomial model of one coalition, and those of its neighbours.

The model after row :math:`i` changes sides is :math:`\theta + H^{-1} (c_i \otimes x_i)`
with the Hessian :math:`H` of all classes together, the K by K block
:math:`h_i = (I \otimes x_i)^\top H^{-1} (I \otimes x_i)` and

- :math:`c_i = y_i - \mathrm{softmax}(\theta x_i + h_i c_i)` for a row that enters,
- :math:`c_i = (I - S_i h_i)^{-1} (p_i - y_i)`, :math:`S_i = \mathrm{diag}(p_i) - p_i
  p_i^\top`, for one that leaves.

Rows come in the order of the squared length :math:`c_i^\top h_i c_i` of their steps.
The longest go on from there, side by side with the inverse that is at hand
(`multinomial_refined`), until a seventh of a block leaves no more than a step may.
Those after them keep their step, whose miss is made up for, and the shortest do without
a model: where first derivatives of the value foretell those of a block, they stand for
the rest.
"""

import math

import torch

from .joint_newton import JointInverse, contrasts, joint_hessian
from .linear_fits import OVERSHOT_SLOPE, centred
from .multinomial_neighbours import MultinomialNeighbours, covariance, growing_blocks
from .multinomial_refined import RefinedNeighbours, make_up
from .neighbours import STEP_AHEAD
from .objectives import MultinomialObjective, inverse_of
from .rows import MaskedRows, Table
from .scores import softmax_

# The last step is seen to gain no more than so many tolerances. What it leaves of
# contributions is a few per cent of their spread where models move farthest.
FAR_GAIN, SMALL_GAIN = 100.0, 10.0
# Rows a class of small coalitions: their neighbours, and those of coalitions with a new
# class, move so far that gains by the coalition's Hessian say little.
SMALL_ROWS = 5
# A step that changes a margin by so much is no place to go on from; in double precision
# one that changes it by less than the second will do.
LOST_SHIFT, REFINED_SHIFT = 8.0, 0.2
# Squared decrements of the equation of an entering row: beyond the first its model is
# refined, below the second it is solved by a last step. A small rest would not do: with
# a large block it stands for any margins.
REFINED_EXCESS = 1e-2
PROXIMAL_TOLERANCE = 1e-3
PROXIMAL_STEPS = 10
# First derivatives will do after a block of which they miss no more, root mean square
# and mean, of the spread of contributions.
SLOPE_ERROR, SLOPE_BIAS = 0.05, 0.01
MAX_BLOCK_ELEMENTS = 2**20
MAX_SCORED_ELEMENTS = 2**18


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

    present : Tensor of shape (K,), dtype bool
        Its classes; one more of its neighbours, where each of these brings that.

    inside : Tensor of int
        Their numbers.
    """

    def __init__(self, problem, columns, mask, present, inside, is_new=False):
        self.problem, self.columns, self.mask = problem, columns, mask
        self.size, self.present = len(inside), present
        is_small = is_new or len(inside) <= SMALL_ROWS * int(present.sum())
        self.gain = SMALL_GAIN if is_small else FAR_GAIN
        # In double precision each row is judged by itself: what it gets does not depend
        # on the others that were asked for.
        self.is_small, self.is_precise = is_small, problem.dtype == torch.float64
        if problem.exact:
            self.gain = STEP_AHEAD
        self.penalty = problem.coalition_penalty(self.present[None], columns.penalty)[0]
        self.inside, self.table = inside, columns.table.take(inside)

    def with_class(self, code, theta):
        """The coalition in the eyes of its neighbours that bring a class.

        Its model (K, p) gets that class, as likely as one row in the coalition's number
        and one more.
        """
        present = self.present.clone()
        present[code] = True
        extended = MultinomialCoalition(
            self.problem,
            self.columns,
            self.mask,
            present,
            self.inside,
            is_new=True,
        )
        theta = theta.clone()
        if self.problem.penalty[-1] == 0:
            margins = self.problem.X[self.inside] @ theta.T
            margins.masked_fill_(~self.present, -torch.inf)
            theta[code, -1] = margins.logsumexp(1).mean() - math.log(self.size)
        extended.start(centred(theta[None], present[None])[0])
        return extended

    def start(self, theta):
        """Find the inverse Hessian, and take a last step from a model (K, p)."""
        theta = self.columns.of_model(theta)
        rows = MaskedRows(self.table, theta.new_ones(1, len(self.table.X)))
        penalty, present = self.penalty[None], self.present[None]
        objective = MultinomialObjective(rows, penalty, penalty, present)
        gradient = objective.gradient(theta[None])
        basis = contrasts(self.present, theta.dtype)
        hessian = joint_hessian(rows, objective.probabilities, penalty, basis)
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
        for chunk in self._chunks(torch.arange(len(rows)), theta.shape[2]):
            some = rows.take(chunk)
            theta[chunk], _, unsolved = self.descend(
                some,
                self.inverse.blocks(Table(some.X, None)),
                sizes[chunk],
                lambda places: self.theta.repeat(len(places), 1, 1),
                self.gain,
            )
            left.append(chunk[unsolved])
        return theta, torch.cat([torch.arange(0), *left])

    def neighbours(self, index):
        """Values after each of some rows changes sides.

        Parameters
        ----------
        index : Tensor of int
            Rows of the table.

        Yields
        ------
        index : Tensor of int, shape (m,)
            Some of them.

        values : Tensor of shape (m,) or (m, n_val)
            Of their models.

        left : Tensor of int
            Rows whose models are still far off.
        """
        if not len(index):
            return
        blocks = self.inverse.blocks(self.columns.table)
        chunks = self._chunks(index, len(self.present))
        steps = [self._steps(chunk, blocks[chunk]) for chunk in chunks]
        shift, moved, reach = (torch.cat(part) for part in zip(*steps, strict=True))
        order = (reach if self.is_precise else moved).argsort(descending=True)
        index, shift, moved, reach = (
            kept[order] for kept in (index, shift, moved, reach)
        )
        is_lost = ~(reach <= LOST_SHIFT)
        n_far, done, slopes = len(index), 0, None
        if not self.is_precise:
            slopes = self._slopes(index, shift)
        elif not self.is_small:
            n_far = int((~(reach <= REFINED_SHIFT)).sum())
        largest = max(1, MAX_BLOCK_ELEMENTS // self.theta.numel())
        # First models that are solved, then those of single steps, then only values.
        is_far, is_foretold = n_far > 0, False
        while is_far:
            part = slice(done, min(done + largest, n_far))
            some = index[part]
            start = self._start(some, shift[part], is_lost[part])
            refined = RefinedNeighbours(self, some, start, blocks[some])
            values, left = refined.values()
            is_far = len(values) == len(some) and part.stop < n_far
            part = slice(done, done + len(values))
            done = part.stop
            is_foretold = not is_far and _foretell(slopes, part, values)
            yield index[part], values, some[left]
        first, single = done, []
        while done < len(index) and not is_foretold:
            part = next(growing_blocks(len(index), largest, done))
            models = self._models(index[part], shift[part])
            single.append(self.values(models, index[part]))
            done = part.stop
            is_foretold = _foretell(slopes, part, single[-1])
        if single:
            stepped = slice(first, done)
            some, values = index[stepped], torch.cat(single)
            if not self.is_precise:
                start = self._start(some, shift[stepped], is_lost[stepped])
                make_up(self, values, some, moved[stepped], start, blocks[some])
            yield some, values, some[:0]
        if done < len(index):
            yield index[done:], slopes[done:], index[:0]

    def _start(self, index, shift, is_lost):
        """Where models of these rows begin: after their steps, or before."""

        def start(places):
            models = self._models(index[places], shift[places])
            models[is_lost[places]] = self.theta
            return models

        return start

    def _models(self, index, shift):
        """Models (m, K, p) to which the steps of rows lead."""
        X = self.columns.table.X[index]
        return self.inverse.times_rows(shift, X).add_(self.theta)

    def _chunks(self, index, width):
        """Rows of which so many numbers a class are held at once."""
        size = max(1, MAX_BLOCK_ELEMENTS // (len(self.present) * width))
        return index.to(self.mask.device).split(size)

    def _steps(self, index, block):
        """Shifts (m, K), how far they lead, and the largest change of a margin."""
        X, target = self.columns.table.X[index], self.problem.members[index]
        inside = self.mask[index] > 0
        margins = X @ self.theta.T
        margins.masked_fill_(~self.present, -torch.inf)
        shift, excess = torch.empty_like(target), X.new_zeros(len(X))
        shift[inside] = _leaving(margins[inside], block[inside], target[inside])
        shift[~inside], excess[~inside] = _entering(
            margins[~inside], block[~inside], target[~inside]
        )
        change = (block @ shift[:, :, None]).squeeze(2)
        moved = (change * shift).sum(1)
        # Also where the step is not finite.
        reach = change.abs().amax(1).nan_to_num(nan=torch.inf)
        is_open = ~(excess <= REFINED_EXCESS)
        moved[is_open | (reach > LOST_SHIFT)] = torch.inf
        reach[is_open] = reach[is_open].clamp(min=LOST_SHIFT)
        return shift, moved, reach

    def _slopes(self, index, shift):
        """Values after the steps of rows by first derivatives, or None."""
        margins = self.columns.margins(self.theta[None], index[:1])
        present = self.present[None]
        slope = self.problem.score.slope(margins, present)
        if slope is None:
            return None
        value = self.problem.score(margins, present).double()
        direction = self.inverse.times(slope @ self.columns.X_own)[0]
        X = self.columns.table.X[index]
        return value + ((X @ direction.T) * shift).sum(1).double()

    def values(self, models, index):
        """Values of models with these rows changed, (m,) or by held-out row."""
        width = len(self.present) * len(self.problem.X_val)
        step = max(1, MAX_SCORED_ELEMENTS // width)
        values = []
        for a in range(0, len(models), step):
            part = slice(a, a + step)
            margins = self.columns.margins(models[part], index[part])
            present = self.present.expand(len(margins), -1)
            values.append(self.problem.score(margins, present).double())
        return torch.cat(values)

    def descend(self, rows, block, sizes, start, gain, near=None):
        """Models (B, K, p), last gains, and the places of those far from tolerance."""
        neighbours = MultinomialNeighbours(
            rows, self.theta, self.inverse, block, self.penalty, self.present
        )
        tolerance = gain * self.problem.tolerance(sizes)
        return neighbours.descend(start, tolerance, self.problem.exact, near)


def _foretell(slopes, part, values):
    """Whether rows are left that first derivatives tell well enough, as this part."""
    if slopes is None or part.stop == len(slopes):
        return False
    miss, spread = values - slopes[part], float(slopes.std())
    return (
        float(miss.square().mean().sqrt()) <= SLOPE_ERROR * spread
        and abs(float(miss.mean())) <= SLOPE_BIAS * spread
    )


def _entering(margins, block, target):
    """Shifts ``c_i`` of rows that enter, and squared decrements before the last step.

    The shift minimises ``c' h c / 2 + logsumexp(z + h c) - y' h c``, by Newton steps; a
    step that went too far is seen by the slope behind it and cut by the secant.
    """
    shift, excess = torch.zeros_like(target), torch.zeros_like(target[:, 0])
    eye = torch.eye(margins.shape[1], dtype=margins.dtype, device=margins.device)
    active = torch.arange(len(target), device=margins.device)
    at, last = shift, None
    for _ in range(PROXIMAL_STEPS):
        probability = softmax_(margins + (block @ at[:, :, None]).squeeze(2))
        left = at - target + probability
        jacobian = eye + covariance(probability) @ block
        step = torch.linalg.solve_ex(jacobian, left)[0]
        pull = (block @ left[:, :, None]).squeeze(2)
        slope = decrement = (pull * step).sum(1)
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
        shift[active], excess[active] = at, decrement
        going = (~(decrement <= PROXIMAL_TOLERANCE)).nonzero().squeeze(1)
        if not len(going):
            break
        active, at, last = active[going], at[going], (moved[going], slope[going])
        margins, block, target = margins[going], block[going], target[going]
    return shift, excess


def _leaving(margins, block, target):
    """Shifts ``c_i`` of rows that leave."""
    eye = torch.eye(margins.shape[1], dtype=margins.dtype, device=margins.device)
    probability = margins.softmax(1)
    jacobian = eye - covariance(probability) @ block
    return torch.linalg.solve_ex(jacobian, probability - target)[0]
