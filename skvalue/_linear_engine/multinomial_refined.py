r"""Values of the neighbours of a coalition whose models move farthest.

Their models are minimised, from their single steps on. In double precision each is
judged by itself. In single precision they are solved loosely; what the last step leaves
is then looked at where a few are solved on. It grows with the length of that step and,
of rows that enter, has a sign, so it is made up for on all of them in proportion. The
rest tells how far off the others are; where that is too much, they are solved on.

What single steps miss grows with their squared length and has a sign, too, of rows that
enter and of rows that leave. A few models of either are solved to tell it.
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

    def closely(self):
        """Values of all of these rows, and places of models left far."""
        models, _, left = self.coalition.descend(
            self.rows, self.block, self.sizes, self.start, CHECKED_GAIN
        )
        return self.coalition.values(models, self.index), left

    def _improve(self, values, models, gains, unfinished):
        """Make up for what loose models miss; return places of those found far off."""
        checked, weight = _sample(unfinished, CHECKED)
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
        values[unfinished] += _in_proportion(
            length[unfinished], length[checked], weight, miss
        )
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


def make_up(coalition, values, index, moved, start, block):
    """Add to the values of single steps what these miss, in proportion.

    Parameters
    ----------
    coalition : MultinomialCoalition
        The coalition.

    values : Tensor of shape (m,) or (m, n_val)
        After the steps of rows; changed in place.

    index : Tensor of int, shape (m,)
        The rows, in the order of their steps, the longest first.

    moved : Tensor of shape (m,)
        Squared lengths of the steps.

    start : callable
        From places in `index` to the models after their steps.

    block : Tensor of shape (m, K, K)
        As in `RefinedNeighbours`.
    """
    length, inside = moved.double(), coalition.mask[index] > 0
    for side in (inside, ~inside):
        side = (side & length.isfinite()).nonzero().squeeze(1)
        if not len(side):
            continue
        checked, weight = _sample(side, CHECKED // 2)
        some = RefinedNeighbours(
            coalition,
            index[checked],
            lambda places, checked=checked: start(checked[places]),
            block[checked],
        )
        solved, left = some.closely()
        weight[left] = 0.0
        values[side] += _in_proportion(
            length[side], length[checked], weight, solved - values[checked]
        )


def _sample(rows, count):
    """Some rows, and how many each stands for; denser among the first."""
    # Cells that grow like squares of places: rows differ most among the first.
    ends = torch.linspace(
        0, 1, min(count, len(rows)) + 1, dtype=torch.float64, device=rows.device
    )
    ends = ends.square() * len(rows)
    return rows[((ends[1:] + ends[:-1]) / 2).long()], ends.diff()


def _in_proportion(length, checked, weight, miss):
    """What rows miss, (m,) or (m, n_val), as a sample of them does to its lengths."""
    total = weight @ checked
    slope = weight @ miss / total if total > 0 else torch.zeros_like(miss[0])
    return torch.tensordot(length[:, None], slope[None], 1)
