"""What a run looked like on its way: evaluations, precision, and how ranks settle.

A run is looked at after 1, 2, 3, 4, 6, 8, 12, 16, ... rounds, so that it has been
looked at after half of each number, too. Rounds are the same for any number of workers
and wherever a run was stopped, so the history is part of its state.
"""

import numpy as np
from scipy.stats import rankdata

from .precision import relative_error

# What is known of a look, beside the values.
FIELDS = {
    "rounds": int,
    "evaluations": int,
    "max_stderr": float,
    "rank_correlation": float,
}


class RunHistory:
    """Looks at a run that adds up coalitions.

    Attributes
    ----------
    looks : list of dict
        One a look, with the keys of `FIELDS`.

    values : list of ndarray of shape (n_players,)
        Values at the latest of them: as many as a later look may need.
    """

    def __init__(self, looks=(), values=()):
        self.looks, self.values = list(looks), list(values)

    def is_due(self, rounds):
        """Whether to look after so many rounds."""
        power = 1 << (rounds.bit_length() - 1)
        regular = rounds == power or 2 * rounds == 3 * power
        return regular and (not self.looks or rounds > self.looks[-1]["rounds"])

    def look(self, rounds, evaluations, values, errors):
        """Remember a state of the run.

        Parameters
        ----------
        rounds : int
            Rounds behind it.

        evaluations : int
            Fits behind it.

        values, errors : ndarray of shape (n_players,)
            Values and standard errors then.
        """
        self.looks.append(self._describe(rounds, evaluations, values, errors))
        # From here on the number of rounds is at least this, and half of it is needed.
        earlier = self._half_way(rounds) or 0
        self.values = [*self.values[earlier:], values]

    def with_last(self, rounds, evaluations, values, errors):
        """All looks and the end of a run, which no longer run goes on from.

        Returns
        -------
        history : list of dict
            With ``evaluations``, ``max_stderr`` and ``rank_correlation``.
        """
        looks = list(self.looks)
        if not looks or looks[-1]["evaluations"] < evaluations:
            looks.append(self._describe(rounds, evaluations, values, errors))
        return [
            {name: look[name] for name in FIELDS if name != "rounds"} for look in looks
        ]

    def _describe(self, rounds, evaluations, values, errors):
        earlier = self._half_way(rounds)
        return {
            "rounds": rounds,
            "evaluations": evaluations,
            "max_stderr": relative_error(values, errors),
            "rank_correlation": np.nan
            if earlier is None
            else rank_correlation(values, self.values[earlier]),
        }

    def _half_way(self, rounds):
        """Place in `values` of the latest look at half as many rounds, or fewer."""
        kept = self.looks[len(self.looks) - len(self.values) :]
        n_earlier = sum(2 * look["rounds"] <= rounds for look in kept)
        return n_earlier - 1 if n_earlier else None

    def to_arrays(self):
        """What a checkpoint saves."""
        arrays = {
            name: np.array([look[name] for look in self.looks], dtype=kind)
            for name, kind in FIELDS.items()
        }
        return arrays | {"values": np.array(self.values)}

    @classmethod
    def from_arrays(cls, arrays):
        """History that `to_arrays` described."""
        rows = zip(*(arrays[name].tolist() for name in FIELDS), strict=True)
        looks = [dict(zip(FIELDS, row, strict=True)) for row in rows]
        return cls(looks, arrays["values"])


def rank_correlation(values, earlier):
    """Spearman's correlation of the players that both have values of.

    Parameters
    ----------
    values, earlier : ndarray of shape (n_players,)
        NaN where unknown.

    Returns
    -------
    correlation : float
        In [-1, 1]; NaN where all values are equal, or fewer than two are known.
    """
    both = np.isfinite(values) & np.isfinite(earlier)
    if both.sum() < 2:
        return np.nan
    ranks = np.stack([rankdata(values[both]), rankdata(earlier[both])])
    ranks -= ranks.mean(axis=1, keepdims=True)
    squares = np.sum(ranks**2, axis=1)
    if not squares.all():
        return np.nan
    return float(np.clip(ranks[0] @ ranks[1] / np.sqrt(squares.prod()), -1, 1))
