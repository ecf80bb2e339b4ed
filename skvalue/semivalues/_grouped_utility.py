"""The game whose players are groups of rows: all rows of a group join together."""

import numpy as np

from .._coalitions.game import Game


class GroupedUtility(Game):
    """Worth of coalitions of groups, from a game of rows.

    Parameters
    ----------
    utility : Utility
        The game of the rows.

    codes : ndarray of shape (n_rows,), dtype int
        Group of each row, all of ``0 .. n_groups - 1``.
    """

    # Groups are left out by refits: there are few.
    exact_engine = None

    def __init__(self, utility, codes):
        self.utility = utility
        self.codes = codes
        self.n_players = int(codes.max()) + 1

    def value(self, players):
        """Worth of one coalition, see `Game.value`."""
        return self.utility.value(np.flatnonzero(np.isin(self.codes, players)))

    @property
    def _engine(self):
        """Engine that solves coalitions to rounding: few players average no errors."""
        engine = self.utility.exact_engine
        return engine if engine is not None and engine.supports_exact_scores else None

    @property
    def is_batched(self):
        """Whether the engine of the rows applies."""
        return self._engine is not None

    def scores(self, masks):
        """Worth of coalitions, see `Game.scores`."""
        masks = np.asarray(masks)
        if not self.is_batched:
            return super().scores(masks)
        return self._engine.scores(masks[:, self.codes])

    def walk(self, permutations, min_size=0):
        """Marginal contributions along permutations, see `Game.walk`."""
        if not self.is_batched:
            return super().walk(permutations, min_size)
        # Each walk's coalitions, from the first `min_size` groups to all of them.
        places = np.argsort(permutations, axis=1)
        sizes = np.arange(min_size, self.n_players + 1)
        masks = places[:, None, :] < sizes[:, None]
        worth = self._in_batches(masks.reshape(-1, self.n_players))
        steps = np.diff(worth.reshape(len(permutations), len(sizes)), axis=1)
        contributions = np.full(permutations.shape, np.nan)
        np.put_along_axis(contributions, permutations[:, min_size:], steps, axis=1)
        return contributions

    def in_out(self, masks):
        """Contribution of every group to each coalition, see `Game.in_out`."""
        if not self.is_batched:
            return super().in_out(masks)
        others = np.repeat(np.eye(self.n_players, dtype=bool)[None], len(masks), axis=0)
        toggled = (masks[:, None] ^ others).reshape(-1, self.n_players)
        worth = self._in_batches(np.concatenate([masks, toggled]))
        base, change = worth[: len(masks), None], worth[len(masks) :]
        change = change.reshape(masks.shape) - base
        return np.where(masks, -change, change)

    def _in_batches(self, masks):
        size = self.block_size("scores")
        return np.concatenate(
            [
                self.scores(masks[start : start + size])
                for start in range(0, len(masks), size)
            ]
        )

    def block_size(self, kind):
        """Coalitions (permutations for "walk") that make up one task."""
        if not self.is_batched:
            return super().block_size(kind)
        # It counts the Hessians that an exact engine keeps.
        size = self._engine.block_size("in_out")
        return size if kind == "scores" else max(1, size // (self.n_players + 1))

    def __sizeof__(self):
        # See `Utility`: what Dask sends once a worker.
        return object.__sizeof__(self) + self.utility.__sizeof__()
