r"""Values of the neighbours of a coalition whose models move farthest.

Their models are minimised, from their single steps on. In double precision each is
judged by itself. In single precision they are solved loosely; what the last step leaves
is then looked at where a few are solved on. It grows with the length of that step and,
of rows that enter, has a sign, so it is made up for on all of them in proportion. The
rest tells how far off the others are; where that is too much, they are solved on.
"""

import torch

from .rows import OneRowChanged

# Rows of a class that a row leaves where the coalition's Hessian says little of gains.
RARE_ROWS, RARE_GAIN = 3, 1.0
# A loose solution takes so many times the gain. It will do where so many models, solved
# on, show margins to be off by no more of what they moved.
LOOSE, CHECKED, CHECKED_GAIN, LOOSE_ERROR = 20.0, 16, 10.0, 0.12


class RefinedNeighbours:
    """Neighbours of one coalition that are minimised side by side.

    Parameters
    ----------
    coalition : MultinomialCoalition
        The coalition, with the inverse of its Hessian.

    index : Tensor of int, shape (m,)
        Rows that change sides; first those that move the model farthest.

    start : callable
        From places in `index` to the models (k, K, p) to begin with.

    block : Tensor of shape (m, K, K)
        The inverse Hessian between these rows under one class and under another.
    """

    def __init__(self, coalition, index, start, block):
        self.coalition, self.index = coalition, index
        self.start, self.block = start, block
        target = coalition.problem.members[index]
        self.sign = 1 - 2 * coalition.mask[index]
        self.rows = OneRowChanged(
            coalition.table, coalition.columns.table.X[index], target, self.sign
        )
        self.sizes = coalition.size + self.sign
        is_rare = target @ coalition.table.target.sum(1) <= RARE_ROWS
        self.gain = torch.where(
            is_rare & (self.sign < 0), min(RARE_GAIN, coalition.gain), coalition.gain
        )

    def values(self):
        """Values of the first rows, until steps do, and places of models left far."""
        coalition = self.coalition
        near, gain = None, self.gain
        is_loose = not (coalition.is_precise or coalition.is_small)
        if not coalition.is_precise:
            near = coalition.problem.step_tolerance(self.sizes)
        if is_loose:
            gain = LOOSE * gain
        models, gains, left = coalition.descend(
            self.rows, self.block, self.sizes, self.start, gain, near
        )
        values = coalition.values(models, self.index[: len(models)])
        if not is_loose:
            return values, left
        is_open = gains > coalition.problem.tolerance(self.sizes)[: len(models)]
        is_open[left] = False
        unfinished = is_open.nonzero().squeeze(1)
        if len(unfinished):
            left = torch.cat([left, self._improve(values, models, gains, unfinished)])
        return values, left

    def _improve(self, values, models, gains, unfinished):
        """Make up for what loose models miss; return places of those found far off."""
        # Cells that grow like squares of places: rows differ most among the first.
        count = min(CHECKED, len(unfinished))
        ends = torch.linspace(0, 1, count + 1, dtype=torch.float64, device=gains.device)
        ends = ends.square() * len(unfinished)
        weight = ends.diff()
        checked = unfinished[((ends[1:] + ends[:-1]) / 2).long()]
        solved, found = self._go_on(models, checked, CHECKED_GAIN)
        weight[found] = 0.0
        margins = self.coalition.table.X.T
        rest, moved = (
            weight @ (moves @ margins).square().sum((1, 2)).double()
            for moves in (solved - models[checked], solved - self.coalition.theta)
        )
        if not rest < LOOSE_ERROR**2 * moved:
            solved, found = self._go_on(models, unfinished, self.gain[unfinished])
            values[unfinished] = self.coalition.values(solved, self.index[unfinished])
            return unfinished[found]
        miss = self.coalition.values(solved, self.index[checked]) - values[checked]
        length = gains.double().sqrt() * (self.sign[: len(gains)] > 0)
        weight *= length[checked] > 0
        total = weight @ length[checked]
        if total > 0:
            slope = weight @ miss / total
            made_up = torch.tensordot(length[unfinished, None], slope[None], 1)
            values[unfinished] += made_up
        return checked[found]

    def _go_on(self, models, places, gain):
        """Some models solved on, and which of them are far off."""
        solved, _, left = self.coalition.descend(
            self.rows.take(places),
            self.block[places],
            self.sizes[places],
            lambda some: models[places[some]],
            gain,
        )
        return solved, left
