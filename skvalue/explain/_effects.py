"""What a row's own prediction tells of its attributions before any is drawn."""

from typing import NamedTuple

import numpy as np

from ._shrinkage import efficient


class Effects(NamedTuple):
    """Deterministic parts of the game of each row.

    Attributes
    ----------
    predictions : ndarray of shape (n_rows, n_outputs)
        Worth of all players.

    empty : ndarray of shape (n_outputs,)
        Worth of none.

    add_one, leave_one_out : ndarray of shape (n_rows, n_players, n_outputs) or None
        f({j}) - f(empty), and f(all) - f(all but j). None without controls.
    """

    predictions: np.ndarray
    empty: np.ndarray
    add_one: np.ndarray | None = None
    leave_one_out: np.ndarray | None = None

    @classmethod
    def of(cls, attribution, X, controls):
        """Ask the model of an attribution: ``2 d + 2`` coalitions a row, or two.

        Parameters
        ----------
        attribution : FeatureAttribution
            Fitted.

        X : {ndarray, dataframe} of shape (n_rows, n_columns)
            Rows.

        controls : bool
            Whether single and missing players are asked about, too.
        """
        one = np.eye(attribution.n_players_, dtype=bool)
        some = [one[:1] | True, *([one, ~one] if controls else [])]
        worth = attribution._worth(X, np.concatenate(some))
        empty = np.reshape(attribution.base_values_, -1)
        predictions = worth[:, 0]
        if not controls:
            return cls(predictions, empty)
        single, missing = np.split(worth[:, 1:], 2, axis=1)
        return cls(predictions, empty, single - empty, predictions[:, None] - missing)

    @property
    def total(self):
        """What efficient attributions sum to, (n_rows, n_outputs)."""
        return self.predictions - self.empty

    def baseline(self, shape, is_efficient, normalize):
        """Attributions by these alone; exact where the response is additive.

        Parameters
        ----------
        shape : tuple of (int, int)
            Players and outputs.

        is_efficient : bool
            Whether they are shifted to sum to `total`.

        normalize : bool
            Whether those of a row and output get unit norm.

        Returns
        -------
        baseline : ndarray of shape (n_rows, n_players, n_outputs)
            The mean of both effects; zeros, or equal shares of the total, without them.
        """
        if self.add_one is None:
            found = np.zeros((len(self.predictions), *shape))
        else:
            found = (self.add_one + self.leave_one_out) / 2
        if normalize:
            return unit_norm(found)
        return efficient(found, self.total if is_efficient else None)

    def columns(self, normalize):
        """Both effects side by side, (n_rows, 2 * n_players * n_outputs), or none."""
        if self.add_one is None:
            return np.empty((len(self.predictions), 0))
        parts = [self.add_one, self.leave_one_out]
        if normalize:
            parts = [unit_norm(part) for part in parts]
        return np.hstack([part.reshape(len(part), -1) for part in parts])


def unit_norm(attributions):
    """Attributions of each row and output, divided by their norm; zeros stay."""
    norm = np.linalg.norm(attributions, axis=1, keepdims=True)
    return attributions / np.where(norm > 0, norm, 1.0)
