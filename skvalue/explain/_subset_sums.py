"""What random subsets have given so far: a state that a later fit can go on with.

Sums grow by whole blocks, in the order of the subsets. A last block that the budget
cuts short counts for the result, but not for what is saved: a longer fit computes the
whole of it, so that its sums are bitwise those of a fit that was never stopped.
"""

import numpy as np

from ..utils._threads import one_thread

PARTS = "first", "held_out"


class SubsetSums:
    """Sums over subsets, and their outputs where these are kept.

    Parameters
    ----------
    draws : SubsetDraws
        Where the subsets come from.

    of_sums : class
        `OutputMoments` or `ContributionMoments`.

    n_targets : int
        Number of outputs of a subset.

    n_first : int or None
        Where the subsets that are held out begin; None: nowhere.

    keeps : bool
        Whether outputs are kept, too.

    Attributes
    ----------
    moments : list of OutputMoments or ContributionMoments
        Of the subsets before `n_first`, and of those from there on.
    """

    def __init__(self, draws, of_sums, n_targets, n_first, keeps):
        self.draws, self.of_sums, self.n_targets = draws, of_sums, n_targets
        self.n_first, self.keeps = n_first, keeps
        self.moments, self._outputs = [], []

    @property
    def n_subsets(self):
        """Subsets so far."""
        return sum(moments.n_subsets for moments in self.moments)

    def add(self, start, masks, outputs, *sums):
        """Add a block: its first subset, subsets, their outputs, what else is summed.

        Held-out subsets begin with a block.
        """
        if not self.moments or start == self.n_first:
            first = self.moments[0] if self.moments else None
            origin = first.origin if first else outputs.mean(axis=0)
            self.moments.append(self.of_sums(self.draws, self.n_targets, origin))
        with one_thread():
            self.moments[-1].add(masks, outputs, *sums)
        if self.keeps:
            self._outputs.append(outputs)

    def outputs(self):
        """Outputs of all subsets, ``(n_subsets, n_targets)``; None if not kept."""
        return np.concatenate(self._outputs) if self.keeps else None

    def to_arrays(self):
        """What another fit needs to go on from here."""
        arrays = {
            f"{part}.{name}": np.array(getattr(moments, name))
            for part, moments in zip(PARTS, self.moments, strict=False)
            for name in ("origin", *moments.summed)
        }
        if self.keeps:
            arrays["outputs"] = self.outputs()
        return arrays

    def restore(self, arrays):
        """Go on from what `to_arrays` returned."""
        for part in PARTS:
            if f"{part}.origin" not in arrays:
                continue
            origin = arrays[f"{part}.origin"]
            moments = self.of_sums(self.draws, self.n_targets, origin)
            for name in moments.summed:
                value = arrays[f"{part}.{name}"]
                setattr(moments, name, value if value.ndim else int(value))
            self.moments.append(moments)
        if self.keeps:
            self._outputs.append(arrays["outputs"])
