r"""Cooperative games whose semivalues have a closed form.

Test oracles, and examples to think with: the worth of a coalition is known without
fitting anything. A semivalue with relative weights :math:`w(k)` of coalitions of k
others is

.. math:: \phi_i = \frac{1}{n} \sum_{k=0}^{n-1} w(k)\;
          \mathbb{E}_{|S| = k,\, i \notin S} \big[v(S \cup i) - v(S)\big],

and :math:`w = 1` is the Shapley value (Shapley, "A Value for n-Person Games", 1953).
"""

from math import comb

import numpy as np
from scipy.special import gammaln

from ._coalitions.enumeration import semivalue_of, worth_of_all
from ._coalitions.game import Game


class ClosedFormGame(Game):
    """Base of the games of this module.

    A subclass gives `value` and `_mean_contributions`.
    """

    def semivalue(self, relative_weight=None):
        """Exact semivalue of every player.

        Parameters
        ----------
        relative_weight : array-like of shape (n_players,), default=None
            Weight of coalitions of 0, 1, ... others, relative to Shapley's
            ``1 / n_players``; the mean is 1. None: all ones, the Shapley value.

        Returns
        -------
        values : ndarray of shape (n_players,)
            In units of the game.
        """
        if relative_weight is None:
            relative_weight = np.ones(self.n_players)
        weight = np.asarray(relative_weight, dtype=float)
        return self._mean_contributions() @ weight / self.n_players

    def _mean_contributions(self):
        """Mean contribution of each player to coalitions of each size, (n, n)."""
        raise NotImplementedError


class AirportGame(ClosedFormGame):
    r"""Airplanes that share a runway: a coalition needs one for its largest airplane.

    .. math:: v(S) = \max_{i \in S} c_i

    Parameters
    ----------
    costs : array-like of shape (n_players,)
        Cost of the runway that each airplane needs, >= 0.

    References
    ----------
    S. C. Littlechild and G. Owen (1973). A Simple Expression for the Shapley Value in a
    Special Case. Management Science 20.

    Examples
    --------
    >>> from skvalue.games import AirportGame
    >>> AirportGame([1.0, 2.0, 4.0]).semivalue().round(3)
    array([0.333, 0.833, 2.833])
    """

    def __init__(self, costs):
        self.costs = np.asarray(costs, dtype=float)
        if self.costs.ndim != 1 or (self.costs < 0).any():
            raise ValueError(f"costs must be a list of numbers >= 0, not {costs!r}.")
        self.n_players = len(self.costs)

    def value(self, players):
        """Return the cost of the longest runway that a member of the coalition needs.

        Parameters
        ----------
        players : ndarray of shape (n_members,), dtype int
            Members of the coalition.

        Returns
        -------
        value : float
            In units of the game.
        """
        return self.costs[players].max(initial=0.0)

    def _mean_contributions(self):
        # A player pays for a piece of the runway unless another one needs it too.
        order = np.argsort(self.costs, kind="stable")
        pieces = np.diff(self.costs[order], prepend=0.0)
        n_players = self.n_players
        n_others_needing = n_players - 1 - np.arange(n_players)
        alone = _probability_none(n_players - 1, n_others_needing)
        contributions = np.empty((n_players, n_players))
        contributions[order] = np.cumsum(pieces[:, None] * alone, axis=0)
        return contributions


class WeightedVotingGame(ClosedFormGame):
    r"""Parties with seats: a coalition wins where its seats reach the quota.

    .. math:: v(S) = 1\Big[\sum_{i \in S} w_i \ge q\Big]

    Parameters
    ----------
    seats : array-like of shape (n_players,), dtype int
        Seats of each party, >= 0.

    quota : int
        Seats that win, > 0.

    References
    ----------
    I. Mann and L. S. Shapley (1962). Values of Large Games, VI: Evaluating the
    Electoral College Exactly. RAND Corporation, RM-3158-PR.

    Examples
    --------
    >>> from skvalue.games import WeightedVotingGame
    >>> WeightedVotingGame([3, 2, 1], quota=4).semivalue().round(3)
    array([0.667, 0.167, 0.167])
    """

    def __init__(self, seats, quota):
        self.seats = np.asarray(seats)
        if self.seats.dtype.kind not in "iu" or (self.seats < 0).any() or quota <= 0:
            raise ValueError(
                f"seats must be integers >= 0 and quota > 0, not {seats!r}, {quota!r}."
            )
        self.quota = quota
        self.n_players = len(self.seats)

    def value(self, players):
        """Return one where the coalition has the quota, else zero.

        Parameters
        ----------
        players : ndarray of shape (n_members,), dtype int
            Members of the coalition.

        Returns
        -------
        value : float
            In units of the game.
        """
        return float(self.seats[players].sum() >= self.quota)

    def _mean_contributions(self):
        n_players, quota = self.n_players, self.quota
        n_coalitions = np.array(
            [comb(n_players - 1, k) for k in range(n_players)], float
        )
        contributions = np.empty((n_players, n_players))
        for player, own in enumerate(self.seats):
            counts = self._counts(np.delete(self.seats, player))
            # The player decides where the others fall short by at most its own seats.
            contributions[player] = counts[:, max(quota - own, 0) :].sum(axis=1)
        return contributions / n_coalitions

    def _counts(self, seats):
        """Number of losing coalitions of each size and number of seats."""
        counts = np.zeros((len(seats) + 1, self.quota))
        counts[0, 0] = 1
        for own in seats:
            if own < self.quota:
                with_it = counts[:-1, : self.quota - own].copy()
                counts[1:, own:] += with_it
        return counts


class GloveGame(ClosedFormGame):
    r"""Owners of left and of right gloves: a coalition is worth its pairs.

    .. math:: v(S) = \min(|S \cap L|, |S \cap R|)

    Parameters
    ----------
    n_left, n_right : int
        Players with a left and with a right glove; the left ones come first.

    References
    ----------
    L. S. Shapley and M. Shubik (1969). Pure Competition, Coalitional Power, and Fair
    Division. International Economic Review 10.

    Examples
    --------
    >>> from skvalue.games import GloveGame
    >>> GloveGame(1, 2).semivalue().round(3)
    array([0.667, 0.167, 0.167])
    """

    def __init__(self, n_left, n_right):
        if min(n_left, n_right) < 1:
            raise ValueError(
                f"n_left and n_right must be >= 1, not {n_left!r} and {n_right!r}."
            )
        self.n_left = n_left
        self.n_right = n_right
        self.n_players = n_left + n_right

    def value(self, players):
        """Return the number of pairs in the coalition.

        Parameters
        ----------
        players : ndarray of shape (n_members,), dtype int
            Members of the coalition.

        Returns
        -------
        value : float
            In units of the game.
        """
        n_left = np.count_nonzero(np.asarray(players) < self.n_left)
        return float(min(n_left, len(players) - n_left))

    def _mean_contributions(self):
        # A glove makes a pair where the coalition has more of the other side.
        left = self._probability_of_more(self.n_right, self.n_left - 1)
        right = self._probability_of_more(self.n_left, self.n_right - 1)
        return np.repeat([left, right], [self.n_left, self.n_right], axis=0)

    def _probability_of_more(self, n_other, n_same):
        """P(more others than same among k of both), for each k (hypergeometric)."""
        total = n_other + n_same
        return np.array(
            [
                sum(
                    comb(n_other, others) * comb(n_same, size - others)
                    for others in range(size // 2 + 1, size + 1)
                )
                / comb(total, size)
                for size in range(total + 1)
            ]
        )


def enumerate_semivalue(game, relative_weight=None, min_size=0):
    """Semivalue by its definition, from the worth of all 2^n coalitions.

    Parameters
    ----------
    game : Game
        Of at most 20 players.

    relative_weight : array-like of shape (n_players,), default=None
        Weight of coalitions of 0, 1, ... others, relative to ``1 / n_players``. None:
        all ones, the Shapley value.

    min_size : int, default=0
        Coalitions of fewer others do not count; the other weights are scaled up.

    Returns
    -------
    values : ndarray of shape (n_players,)
        In units of the game.

    Examples
    --------
    >>> from skvalue.games import GloveGame, enumerate_semivalue
    >>> enumerate_semivalue(GloveGame(1, 2)).round(3)
    array([0.667, 0.167, 0.167])
    """
    n_players = game.n_players
    if n_players > 20:
        raise ValueError(
            f"the game has {n_players} players; at most 20 are enumerated."
        )
    weight = np.ones(n_players) if relative_weight is None else relative_weight
    return semivalue_of(worth_of_all(game), np.asarray(weight, dtype=float), min_size)


def _probability_none(n_others, n_excluded):
    """P(k of `n_others` hold none of `n_excluded`), shape (len(n_excluded), k + 1)."""
    size = np.arange(n_others + 1)
    room = n_others - np.asarray(n_excluded)[:, None] - size
    possible = np.maximum(room, 0)
    log_probability = (
        gammaln(n_others - np.asarray(n_excluded)[:, None] + 1)
        - gammaln(possible + 1)
        - gammaln(n_others + 1)
        + gammaln(n_others - size + 1)
    )
    return np.where(room >= 0, np.exp(log_probability), 0.0)
