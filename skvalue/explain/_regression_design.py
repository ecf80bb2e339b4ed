r"""Games that are learned from some of their coalitions: one solve serves all rows.

With D the differences of coalitions and their complements, the posterior mean of the
Shapley values under an `InteractionPrior` is linear in D,

.. math:: \hat\phi = C\, K^{-1} D / 2,

and so is every prediction of D that was left out. Regression-adjusted reuse takes what
the others foretell of a coalition, f, as a control, and adds what it misses,

.. math:: \tilde\phi = \phi(f) + \frac{1}{a} \Pi \sum_S w_S\, s\, (D - f), \qquad
          a = 1 - \mathbb{E}[s_i s_j],

with :math:`\Pi` the removal of the mean over the players: unbiased whatever f is.
Banzhaf values are the mean of :math:`s\,(D - f)` itself over uniform coalitions.
Sources: Witter, Liu & Musco, "Regression-adjusted Monte Carlo Estimators for Shapley
Values and Probabilistic Values", NeurIPS 2025; Covert & Lee, "Improving KernelSHAP",
AISTATS 2021, for the mean that it corrects.
"""

import numpy as np
from scipy.special import comb

from ._chosen_pairs import chosen_pairs
from ._designs import Design, differences, with_complements
from ._interaction_prior import InteractionPrior, learn_prior
from ._kernel_design import kernel_pairs
from ._uniform_designs import BanzhafDesign

# Pairs at most: their covariances are 128 MB then.
MOST_PAIRS = 4096

# Leaving out one pair after the other says too much of a covariance (Efron & Stein,
# "The Jackknife Estimate of Variance", 1981): 5 to 13 per cent for columns of tables.
JACKKNIFE = 0.9

# Pairs, and rows of the background, by which the prior is chosen. Fewer coalitions a
# player tell too little.
LEAST_A_PLAYER = 8
PAIRS_TO_LEARN_FROM = 256
ROWS_TO_LEARN_FROM = 16


class GaussianProcessDesign(Design):
    """Pairs of complementary coalitions, and a Gaussian process over games.

    A draw has the pairs that tell it most, see `chosen_pairs`.

    Parameters
    ----------
    halves, weights, is_drawn : ndarrays
        See `KernelDesign`.

    prior : InteractionPrior or None, default=None
        What is expected of the games; None: nothing in particular.
    """

    def __init__(self, halves, weights, is_drawn, prior=None):
        self.halves, self.is_drawn = halves, is_drawn
        self.weights = weights / weights.sum()
        self.masks = with_complements(halves)
        self.prior = prior or InteractionPrior.typical(halves.shape[1])
        self._inverse = self.prior.inverse(self.signs, np.append(self.weights, 0.0))
        self._covariance = self._value_covariance()
        self._weights = self._covariance @ self._inverse / 2

    @classmethod
    def draw(cls, n_players, n_samples, rng, prior=None, singles=False):
        prior = prior or InteractionPrior.typical(n_players)
        n_pairs = n_samples // 2
        if singles:
            # They come on top, less what draws of the same budget have of them.
            n_pairs = len(kernel_pairs(n_players, n_pairs, rng, singles=True)[0])
        halves = chosen_pairs(prior, n_pairs, rng)
        return cls(halves, np.ones(len(halves)), np.ones(len(halves), bool), prior)

    @classmethod
    def most_samples(cls):
        return 2 * MOST_PAIRS

    def joined(self, other):
        names = ("halves", "weights", "is_drawn")
        both = [
            np.concatenate([getattr(self, name), getattr(other, name)])
            for name in names
        ]
        return type(self)(*both, self.prior)

    @property
    def signs(self):
        """Members as 1, others as -1, of one coalition a pair; all players last."""
        return signs_of(self.halves)

    def _value_covariance(self):
        """Of the values of the players with the worth of the coalitions."""
        return self.prior.shapley_covariance(self.signs)

    def estimate(self, worth, total):
        values = self._weights @ self._changes(worth, total)
        return values + (total - values.sum(axis=0)) / len(values)

    def variance(self, worth, total, values):
        changes = self._changes(worth, total)
        explained = 2 * np.sum(self._covariance * self._weights, axis=1)
        left = np.maximum(self.prior.shapley_variance() - explained, 0.0)
        # How large this game is, beside those that the prior has in mind.
        scale = np.sum(changes * (self._inverse @ changes), axis=0) / (4 * len(changes))
        return np.outer(left, np.maximum(scale, 0.0))

    def _changes(self, worth, total):
        return np.vstack([differences(worth), total])


class RegressionDesign(GaussianProcessDesign):
    """The same, adjusted by what the regression misses: without bias.

    The sizes of pairs are drawn independently of each other. Given the others, a pair
    is then a fair draw from those of its size that are left, and what the others
    foretell of it has no part in that; those that are not left are known.
    """

    has_posterior = True

    def __init__(self, halves, weights, is_drawn, prior=None):
        super().__init__(halves, weights, is_drawn, prior)
        self._posterior = self._weights
        inverse = self._inverse[:-1]
        # What the other pairs miss of each one.
        self._misses = inverse / np.diag(self._inverse)[:-1, None]
        mean = self._reuse(weights)
        known, self._left = self._known_and_left(weights)
        self._mean = np.where(is_drawn, mean, 0.0)
        # Without each of the drawn pairs in turn: the values, and what is missed of
        # those that are known.
        share = (is_drawn / max(np.count_nonzero(is_drawn), 1))[:, None]
        without = share * self._misses
        noise = self.prior.noise_of(self.weights)[:, None]
        of_known = noise * (inverse - inverse[:, :-1] @ without)
        self._weights = (
            self._weights
            - self._weights[:, :-1] @ without
            + (self._mean * self._left) @ self._misses
            + (mean * known) @ of_known
        )

    @classmethod
    def draw(cls, n_players, n_samples, rng, prior=None, singles=False):
        options = {"independent": True, "singles": singles}
        return cls(*kernel_pairs(n_players, n_samples // 2, rng, **options), prior)

    def posterior(self, worth, total):
        """What the Gaussian process says, of less error but with a bias.

        Parameters
        ----------
        worth, total : ndarrays
            See `estimate`.

        Returns
        -------
        values : ndarray of shape (n_players, n_games)
            In units of the worth.
        """
        values = self._posterior @ self._changes(worth, total)
        return values + (total - values.sum(axis=0)) / len(values)

    def shared_variance(self, worth, total):
        """Covariance of the errors of `posterior` and of `estimate`.

        Each pair adds to both: to one by its weight, to the other by what the others
        miss of it, which is all that it tells that these do not.

        Parameters
        ----------
        worth, total : ndarrays
            See `estimate`.

        Returns
        -------
        covariance : ndarray of shape (n_players, n_games)
            An estimate of it.
        """
        missed = self._misses @ self._changes(worth, total)
        weights = self._posterior[:, :-1]
        weights = weights - weights.mean(axis=0)
        return JACKKNIFE * (self._mean * self._left * weights) @ missed**2

    def _known_and_left(self, weights):
        """Shares of a pair in its weight, and of all that are not seen.

        A pair that is drawn stands for itself, and for all of its size that are left.
        """
        n_players = self.halves.shape[1]
        sizes = np.arange(1, n_players // 2 + 1)
        twice = np.where(2 * sizes == n_players, 1.0, 2.0)
        mass = twice / (sizes * (n_players - sizes))
        among = comb(n_players, sizes) * twice / 2
        size = self.halves.sum(axis=1)
        place = np.minimum(size, n_players - size) - 1
        drawn = np.bincount(place, minlength=len(sizes))
        left = np.maximum(among - drawn + 1, 0) / among
        return (mass / mass.sum() / among)[place] / weights, left[place]

    def _reuse(self, weights):
        """Weights of the changes of pairs in the values, ``(n_players, n_pairs)``."""
        n_players = self.halves.shape[1]
        sizes = np.arange(1, n_players)
        kernel = 1 / (sizes * (n_players - sizes))
        pairs = n_players * (n_players - 1)
        alike = ((n_players - 2 * sizes) ** 2 - n_players) / pairs
        apart = 1 - kernel @ alike / kernel.sum()
        mean = self.signs[:-1].T * weights / apart
        return mean - mean.mean(axis=0)

    def variance(self, worth, total, values):
        count = np.count_nonzero(self.is_drawn)
        if count == 1:
            return np.full_like(values, np.nan)
        missed = self._misses @ self._changes(worth, total)
        mean = self._mean * np.sqrt(self._left)
        variance = mean**2 @ missed**2
        if count:
            variance -= (mean @ missed) ** 2 / count
            variance *= count / (count - 1)
        return np.maximum(variance, 0.0)


class AdjustedBanzhafDesign(RegressionDesign):
    """Banzhaf values by maximum sample reuse, adjusted in the same way."""

    is_efficient = False
    has_posterior = False

    @classmethod
    def draw(cls, n_players, n_samples, rng, prior=None):
        halves = BanzhafDesign.draw(n_players, n_samples, rng).halves
        return cls(halves, np.ones(len(halves)), np.ones(len(halves), bool), prior)

    def _value_covariance(self):
        return self.prior.banzhaf_covariance(self.signs)

    def _known_and_left(self, weights):
        # Drawn with replacement, from more than will ever be seen.
        return np.zeros(len(weights)), np.ones(len(weights))

    def _reuse(self, weights):
        return self.signs[:-1].T / len(self.halves)

    def estimate(self, worth, total):
        return self._weights @ self._changes(worth, total)


def signs_of(halves):
    """Members as 1, others as -1, of one coalition a pair; all players last."""
    return np.vstack([np.where(halves, 1.0, -1.0), np.ones(halves.shape[1])])


def learned_prior(game, table, empty, n_samples, rng):
    """The prior that suits the games of some rows of the background.

    Parameters
    ----------
    game : ColumnGame
        Evaluates coalitions.

    table : Table
        The background.

    empty : ndarray of shape (n_outputs,)
        Worth of the empty coalition.

    n_samples : int
        Coalitions a row that rows will be explained with.

    rng : numpy.random.Generator
        Of the rows and the coalitions.

    Returns
    -------
    prior : InteractionPrior
        See `learn_prior`.
    """
    count = min(len(table), ROWS_TO_LEARN_FROM)
    rows = table.part(np.sort(rng.choice(len(table), count, replace=False)))
    n_players = game.player_of.max() + 1
    n_pairs = max(n_samples, LEAST_A_PLAYER * n_players) // 2
    halves, weights, _ = kernel_pairs(n_players, n_pairs, rng)
    if len(halves) > PAIRS_TO_LEARN_FROM:
        kept = np.linspace(0, len(halves) - 1, PAIRS_TO_LEARN_FROM).round().astype(int)
        halves, weights = halves[kept], weights[kept]
    worth = game.worth(rows, with_complements(halves)) - empty
    total = game.predictions(rows) - empty
    changes = np.concatenate([differences(worth), total[None]])
    weights = np.append(weights / weights.sum(), 0.0)
    changes = changes.reshape(len(changes), -1)
    return learn_prior(signs_of(halves), weights, changes / 2)
