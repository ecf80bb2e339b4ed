r"""Reused utilities, adjusted by what a regression on the coalitions explains.

With :math:`a(t) = p(t-1) / (q(t)\, t/n)` for members and
:math:`b(t) = p(t) / (q(t)\, (1 - t/n))` for the others, of coalitions T of size t drawn
with probability q(t), the semivalue of any function U of the coalition is

.. math:: \phi_i(U) = \mathbb{E}\,[w_i(T)\, U(T)], \qquad
          w_i(T) = a(t)\, 1[i \in T] - b(t)\, 1[i \notin T],

so every utility serves every player. Its mean over coalitions drowns in what U owes to
the size alone. A function f whose semivalue is known takes that away:

.. math:: \hat\phi_i = \phi_i(f) + \frac{1}{m} \sum_T w_i(T)\, (U(T) - f(T)).

What f knows beside the coalitions, games that resemble U, is given to the sampler;
`SizeRegression` learns how far they do. Coalitions are dealt out to folds, and those of
a fold meet the f that was learned from the other folds, so the mean is exactly the
semivalue whatever f is; a bad one costs precision only. Source: Witter, Liu & Musco,
"Regression-adjusted Monte Carlo Estimators for Shapley Values and Probabilistic
Values", NeurIPS 2025.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..utils._threads import one_thread
from .draws import GOLDEN_RATIO, random_masks
from .moments import RatioMoments, ScoreRecord
from .size_regression import SizeRegression
from .sizes import STRATA, SubsetSizes

N_FOLDS = 5

# Coalitions that are looked at together, and between two looks at the precision.
CHUNK = 256
LOOK_AFTER = 16

# Utilities of coalitions of one size spread less the larger it is: from trees of 7 to
# 260 rows, as its power -0.26.
SPREAD_POWER = -0.25

# Squares of probabilities round to zero where the probabilities do not.
NEGLIGIBLE = 1e-9


@dataclass(frozen=True, eq=False)
class ReusedSizes(SubsetSizes):
    r"""Sizes for which the mean of :math:`w_i U` varies least.

    .. math:: q(t) \propto \sigma(t) \sqrt{\frac{p(t-1)^2}{t/n} +
              \frac{p(t)^2}{1 - t/n}}

    with :math:`\sigma(t)` the spread of the utilities of a size. Neyman, "On the Two
    Different Aspects of the Representative Method", JRSS 1934.

    Attributes
    ----------
    drawn_for : ndarray of shape (n_players,) or None
        Probabilities of the semivalue that the sizes were drawn for; None: this one.
    """

    drawn_for: np.ndarray | None = None

    @cached_property
    def distribution(self):
        wanted = self.probabilities if self.drawn_for is None else self.drawn_for
        sizes = np.arange(len(wanted) + 1)
        members = np.insert(wanted**2, 0, 0.0) / np.maximum(sizes, 1)
        others = np.append(wanted**2, 0.0) / np.maximum(sizes[::-1], 1)
        weight = np.maximum(sizes, 1.0) ** SPREAD_POWER * np.sqrt(members + others)
        return weight / weight.sum()

    def reused_for(self, probabilities):
        """The same sizes, for the values of another semivalue.

        Raises
        ------
        ValueError
            If that needs sizes which are not drawn.
        """
        needed = np.append(probabilities, 0.0) + np.insert(probabilities, 0, 0.0)
        if needed[self.distribution == 0].sum() > NEGLIGIBLE:
            raise ValueError(
                "weight counts coalitions of sizes that were not sampled: those that "
                "the weight of the fitted valuator leaves out."
            )
        return replace(self, probabilities=probabilities, drawn_for=self.probabilities)


@dataclass(frozen=True, eq=False)
class RegressedSubsets:
    """Reused utilities, adjusted by regression; a unit is a subset.

    Attributes
    ----------
    sizes : ReusedSizes
        How often each size is drawn.

    games : tuple of CellMeans
        What the regression knows of the players.
    """

    sizes: ReusedSizes
    games: tuple = ()

    def __reduce__(self):
        # A worker only draws. What its record is merged into knows the games.
        return RegressedSubsets, (self.sizes,)

    def new_accumulator(self, n_players):
        return SubsetRecord(self, n_players)

    def unit_cost(self, game):
        return 1

    def usual_units(self, game):
        """As many coalitions as players: a tenth of what is drawn by default."""
        return game.n_players

    def block_size(self, game):
        return game.block_size("scores")

    def run(self, game, seeds, start, n_units):
        scores = game.scores(self.masks(game.n_players, seeds, start, n_units))
        return SubsetRecord(self, game.n_players, seeds, scores), n_units

    def masks(self, n_players, seeds, start, n_units):
        """Coalitions of the units from `start` on, whose folds take turns."""
        sizes = self.sizes.draw(_fold_uniforms(seeds, start, n_units))
        return random_masks(seeds, start, sizes, n_players)


class SubsetRecord(ScoreRecord):
    """Utilities of the subsets of a sampler, which the seeds give again.

    Parameters
    ----------
    sampler : RegressedSubsets
        What drew the coalitions.

    n_players : int
        Number of players.

    seeds : tuple of int, default=()
        Of the coalitions; of no use without any.

    scores : array-like of shape (n_coalitions,), default=()
        Utilities of the first coalitions, or of those of one block.

    games : _KnownGames or None, default=None
        Those of the sampler, with what is known of the coalitions; None: nothing yet.
    """

    has_errors = True

    def __init__(self, sampler, n_players, seeds=(), scores=(), games=None):
        super().__init__(scores)
        self.sampler, self.n_players = sampler, n_players
        self.seeds = tuple(seeds)
        self._games = _KnownGames(sampler.games) if games is None else games

    @property
    def n_batches(self):
        """Coalitions so far."""
        return len(self.scores)

    @property
    def is_due(self):
        """Whether to judge the precision now.

        That costs a regression: the numbers of coalitions between two looks are an
        eighth to a quarter of all.
        """
        n_looks = len(self.scores) // LOOK_AFTER
        step = 1 << max(n_looks.bit_length() - 3, 0)
        return n_looks > 0 and n_looks % step == 0

    def merge(self, other):
        """Append what `other` has recorded."""
        super().merge(other)
        self.seeds = self.seeds or other.seeds

    def copy(self):
        """Independent copy."""
        return SubsetRecord(
            self.sampler, self.n_players, self.seeds, self.scores, self._games
        )

    def estimate(self):
        """Value of each player, see `RatioMoments.estimate`."""
        return self._own_moments.estimate()

    def variance(self):
        """Variance of `estimate`, see `RatioMoments.variance`."""
        return self._own_moments.variance()

    def standard_error(self):
        """Standard error of `estimate`, see `RatioMoments.standard_error`."""
        return self._own_moments.standard_error()

    @property
    def _own_moments(self):
        n_scores, moments = getattr(self, "_computed", (None, None))
        if n_scores != len(self.scores):
            # Sums depend on the number of threads in their last digits.
            with one_thread():
                moments = self.moments(self.sampler.sizes)
            self._computed = len(self.scores), moments
        return moments

    def moments(self, sizes):
        """Terms of the mean that is a value, one a coalition.

        Parameters
        ----------
        sizes : SubsetSizes
            How often each size was drawn, and the semivalue that is asked for.

        Returns
        -------
        moments : RatioMoments
            Of the adjusted utilities.
        """
        moments = RatioMoments(1, self.n_players, len(STRATA) + 1)
        count = len(self.scores)
        masks = np.empty((count, self.n_players), dtype=np.float32)
        for first in range(0, count, CHUNK):
            chunk = masks[first : first + CHUNK]
            chunk[:] = self._masks(first, len(chunk))
        columns = self._games.columns(count, self._masks)
        known = self._games.semivalues(sizes.probabilities)
        drawn = masks.sum(axis=1).astype(int)
        inside, outside = sizes.member_weight[drawn], sizes.outsider_weight[drawn]
        # What a residual adds to the variances of all values.
        matters = drawn * inside**2 + (self.n_players - drawn) * outside**2
        folds = np.arange(count) % N_FOLDS
        for fold in range(min(N_FOLDS, count)):
            mine = folds == fold
            learned = np.where(mine, 0.0, matters)
            model = SizeRegression(masks, self.scores, learned, columns)
            residuals = self.scores - model.predict()
            value = model.semivalue(sizes.probabilities, known)
            mine = np.flatnonzero(mine)
            for start in range(0, len(mine), CHUNK):
                few = mine[start : start + CHUNK]
                weights = np.where(
                    masks[few] > 0, inside[few, None], -outside[few, None]
                )
                terms = (value + weights * residuals[few, None])[:, None]
                moments.add_all(terms, np.ones_like(terms), sizes.strata[drawn[few]])
        return moments

    def _masks(self, start, count):
        return self.sampler.masks(self.n_players, self.seeds, start, count)

    def to_arrays(self):
        """What a checkpoint saves."""
        seeds = np.array(self.seeds, dtype=np.uint64)
        return {"scores": self.scores, "seeds": seeds}

    def from_arrays(self, arrays):
        """Record of the same sampler that `to_arrays` described."""
        return SubsetRecord(
            self.sampler, self.n_players, arrays["seeds"].tolist(), arrays["scores"]
        )


class _KnownGames:
    """Games whose semivalues are known, and what they say of the coalitions.

    Coalitions are looked at in whole chunks, beyond those of any worth yet: products
    of one shape are the same to the last bit, wherever a run was interrupted.
    """

    def __init__(self, games):
        self.games, self._chunks = games, []

    def columns(self, count, masks_of):
        """Worth of the first coalitions in each game; (count, n_columns)."""
        if not self.games:
            return np.zeros((count, 0))
        while len(self._chunks) * CHUNK < count:
            masks = masks_of(len(self._chunks) * CHUNK, CHUNK)
            worth = [game.columns(masks) for game in self.games]
            self._chunks.append(np.hstack(worth))
        return np.concatenate(self._chunks)[:count]

    def semivalues(self, probabilities):
        """Exact semivalues of each column; (n_columns, n_players), or None."""
        values = [game.semivalues(probabilities) for game in self.games]
        return np.concatenate(values) if values else None


def _fold_uniforms(seeds, start, count):
    """Uniform numbers that are spread evenly in each fold, independently of others."""
    shifts = np.array(
        [np.random.default_rng((*seeds, fold, 1)).random() for fold in range(N_FOLDS)]
    )
    unit = np.arange(start, start + count)
    return (shifts[unit % N_FOLDS] + GOLDEN_RATIO * (unit // N_FOLDS)) % 1.0
