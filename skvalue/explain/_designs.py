r"""Coalitions of columns, and how attributions follow from what they are worth.

Every estimator here is linear in the worth of its coalitions,

.. math:: \hat\phi = W u + c\, u(N), \qquad u(S) = f(x_S) - f(x_\emptyset),

and W, c do not depend on the row. So one set of coalitions, one design, serves all rows
and outputs of a model, and its arithmetic is a product of matrices.
"""

import numpy as np

from .._coalitions.enumeration import coalitions


class Design:
    """Coalitions to evaluate, and what their worth says about every player.

    Attributes
    ----------
    masks : ndarray of shape (n_coalitions, n_players), dtype bool
        Neither the empty nor the full coalition is among them.
    """

    # Whether attributions sum to the worth of all players.
    is_efficient = True

    # Whether the same coalitions give another estimate, of less error but with a bias.
    has_posterior = False

    @classmethod
    def draw(cls, n_players, n_samples, rng):
        """A design of at most `n_samples` coalitions."""
        raise NotImplementedError

    @classmethod
    def least_samples(cls, n_players):
        """Fewest coalitions that say something about every player."""
        return 2

    def joined(self, other):
        """The design that holds the coalitions of this one and then those of another.

        Parameters
        ----------
        other : Design
            Of the same class and as many players.

        Returns
        -------
        design : Design
            As one draw of both budgets.
        """
        raise NotImplementedError

    def estimate(self, worth, total):
        """Attributions of every player.

        Parameters
        ----------
        worth : ndarray of shape (n_coalitions, n_games)
            Worth of the coalitions, less that of the empty one.

        total : ndarray of shape (n_games,)
            That of all players.

        Returns
        -------
        values : ndarray of shape (n_players, n_games)
            In units of the worth.
        """
        raise NotImplementedError

    def variance(self, worth, total, values):
        """Squared standard errors.

        Parameters
        ----------
        worth, total : ndarrays
            See `estimate`.

        values : ndarray of shape (n_players, n_games)
            What it returned.

        Returns
        -------
        variance : ndarray of shape (n_players, n_games)
            NaN where this draw cannot tell.
        """
        return np.full_like(values, np.nan)


class ExactDesign(Design):
    """All coalitions.

    Parameters
    ----------
    n_players : int
        Number of players.

    weights_of : callable
        Takes all masks, empty and full ones included; returns the weight of each
        coalition in the attribution of each player, ``(n_players, 2 ** n_players)``.
    """

    def __init__(self, n_players, weights_of):
        masks = coalitions(n_players)
        weights = weights_of(masks)
        self.masks = masks[1:-1]
        self._weights, self._weight_of_all = weights[:, 1:-1], weights[:, -1]

    def joined(self, other):
        return self

    def estimate(self, worth, total):
        # An enumeration that is joined with itself is evaluated twice.
        values = self._weights @ worth[: len(self.masks)]
        return values + np.outer(self._weight_of_all, total)

    def variance(self, worth, total, values):
        return np.zeros_like(values)


def random_coalitions(sizes, n_players, rng):
    """Uniformly random coalitions of the given sizes, as masks."""
    places = rng.random((len(sizes), n_players)).argsort(axis=1).argsort(axis=1)
    return places < np.asarray(sizes)[:, None]


def with_complements(halves):
    """Each coalition, followed by its complement."""
    pairs = np.stack([halves, ~halves], axis=1)
    return pairs.reshape(-1, halves.shape[1])


def differences(worth):
    """Worth of each coalition less that of its complement."""
    return worth[0::2] - worth[1::2]
