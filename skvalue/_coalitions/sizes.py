"""Sizes of coalitions: how often each is drawn, and what a draw then weighs."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

# Shares of the distribution of sizes where the next stratum of the standard error
# begins. Sizes are spread evenly, so what differs between strata is no error. The first
# ones are narrow: contributions change most from one small coalition to the next.
STRATA = (1 / 32, 1 / 8, 1 / 4, 1 / 2, 3 / 4)


def stratum_of(shares):
    """Number of the stratum that holds each of these shares of the distribution."""
    # Rounding may leave a share just below an edge.
    return np.searchsorted(STRATA, np.asarray(shares) + 1e-9, side="right")


def size_probabilities(relative_weight, min_size):
    """Probability of each coalition size, from weights relative to Shapley's.

    Parameters
    ----------
    relative_weight : ndarray of shape (n_players,)
        Weight of a marginal contribution to a coalition of 0, 1, ... players.

    min_size : int
        Sizes below get probability zero.

    Returns
    -------
    probabilities : ndarray of shape (n_players,)
        They sum to one.
    """
    probabilities = np.array(relative_weight, dtype=np.float64)
    probabilities[:min_size] = 0
    return probabilities / probabilities.sum()


@dataclass(frozen=True, eq=False)
class SubsetSizes:
    r"""Sizes t of subsets whose members and non-members both serve.

    A subset T of size t holds coalitions of size t, to which a player outside T may be
    added, and of size t - 1, from which a player of T was taken:
    :math:`q(t) \propto (1 - t/n) p(t) + (t/n) p(t-1)`, scaled by the share of players
    that serve. For Shapley this is the uniform distribution on ``min_size..n``.
    """

    probabilities: np.ndarray
    min_size: int

    @cached_property
    def distribution(self):
        n_players = len(self.probabilities)
        share_in = np.arange(n_players + 1) / n_players
        as_outsider = np.append(self.probabilities, 0.0)
        as_member = np.insert(self.probabilities, 0, 0.0)
        serves_outsider = np.append(np.arange(n_players) >= self.min_size, False)
        serves_member = np.insert(np.arange(n_players) >= self.min_size, 0, False)
        serving = (1 - share_in) * serves_outsider + share_in * serves_member
        weight = (1 - share_in) * as_outsider + share_in * as_member
        weight = np.divide(
            weight, serving, out=np.zeros_like(weight), where=serving > 0
        )
        return weight / weight.sum()

    def draw(self, uniforms):
        """Sizes at these points of the distribution function."""
        edges = np.cumsum(self.distribution)
        # Rounding may leave the last edge below one.
        last = np.flatnonzero(self.distribution)[-1]
        return np.minimum(np.searchsorted(edges, uniforms, side="right"), last)

    @cached_property
    def strata(self):
        """Stratum of the standard error of each size; shape (n + 1,)."""
        return stratum_of(np.cumsum(self.distribution) - self.distribution)

    @cached_property
    def contribution_weight(self):
        """p(k) over how often a player meets a coalition of k others; shape (n,)."""
        n_players = len(self.probabilities)
        size = np.arange(n_players)
        met = (
            self.distribution[:-1] * (n_players - size)
            + self.distribution[1:] * (size + 1)
        ) / n_players
        return np.divide(
            self.probabilities, met, out=np.zeros(n_players), where=met > 0
        )

    @cached_property
    def member_weight(self):
        """p(t - 1) over how often a player is in a subset of t; shape (n + 1,)."""
        return self._ratio(np.insert(self.probabilities, 0, 0.0), lambda share: share)

    @cached_property
    def outsider_weight(self):
        """p(t) over how often a player is outside a subset of t; shape (n + 1,)."""
        return self._ratio(np.append(self.probabilities, 0.0), lambda share: 1 - share)

    def _ratio(self, wanted, share_of):
        share = np.arange(len(wanted)) / (len(wanted) - 1)
        met = self.distribution * share_of(share)
        return np.divide(wanted, met, out=np.zeros(len(wanted)), where=met > 0)


@dataclass(frozen=True, eq=False)
class FixedSizes:
    """One subset size; every player in or out weighs the same."""

    size: int
    n_players: int

    def draw(self, uniforms):
        return np.full(len(uniforms), self.size)

    @cached_property
    def member_weight(self):
        return np.ones(self.n_players + 1)

    @cached_property
    def outsider_weight(self):
        return np.ones(self.n_players + 1)
