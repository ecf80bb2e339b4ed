r"""Samplers: which coalitions to score, and what each score says about every row.

A semivalue weighs marginal contributions by the size :math:`k` of the coalition,

.. math:: \phi_i = \sum_{k=0}^{n-1} p(k)\; \mathbb{E}_{|S| = k,\, i \notin S}
          \big[U(S \cup i) - U(S)\big], \qquad \sum_k p(k) = 1,

with :math:`p(k) = 1/n` for Shapley. With ``min_size`` the sum starts there and
:math:`p` is scaled to sum to one again.

A sampler is a small immutable object. Its `run` is a pure function of a game, seeds and
a block's place in the run, so blocks may be computed anywhere and added up in order.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ._moments import RatioMoments, ScoreRecord
from .utils._sklearn import one_thread

# Consecutive subsets whose contributions are added up at once.
SUBSETS_A_BATCH = 4

# Shares of the distribution of sizes where the next stratum of the standard error
# begins. Sizes are spread evenly, so what differs between strata is no error. The first
# ones are narrow: contributions change most from one small coalition to the next.
STRATA = (1 / 32, 1 / 8, 1 / 4, 1 / 2, 3 / 4)

GOLDEN_RATIO = (np.sqrt(5) - 1) / 2


def run_block(game, sampler, seeds, start, n_units):
    """One task of a worker.

    Parameters
    ----------
    game : Game
        What coalitions are worth.

    sampler : sampler of this module
        Which coalitions.

    seeds : tuple of int
        Identifies the run and the game in it.

    start : int
        Number of units in the blocks before this one.

    n_units : int
        Units of this block.

    Returns
    -------
    accumulator : RatioMoments or ScoreRecord
        What the block says.

    n_evaluations : int
        Coalitions that were fitted.
    """
    # Sums depend on the number of threads in their last digits.
    with one_thread():
        return sampler.run(game, seeds, start, n_units)


def size_probabilities(relative_weight, min_size):
    """Probability of each coalition size, from weights relative to Shapley's.

    Parameters
    ----------
    relative_weight : ndarray of shape (n_samples,)
        Weight of a marginal contribution to a coalition of 0, 1, ... rows.

    min_size : int
        Sizes below get probability zero.

    Returns
    -------
    probabilities : ndarray of shape (n_samples,)
        They sum to one.
    """
    probabilities = np.array(relative_weight, dtype=np.float64)
    probabilities[:min_size] = 0
    return probabilities / probabilities.sum()


def unit_rngs(seeds, start, n_units):
    """A generator for each unit, so that its draws do not depend on its block."""
    return [np.random.default_rng((*seeds, start + unit)) for unit in range(n_units)]


def random_masks(seeds, start, sizes, n_samples):
    """Uniformly random coalitions of the given sizes, as masks; one a unit."""
    masks = np.zeros((len(sizes), n_samples), dtype=bool)
    rngs = unit_rngs(seeds, start, len(sizes))
    for mask, size, rng in zip(masks, sizes, rngs, strict=True):
        mask[rng.permutation(n_samples)[:size]] = True
    return masks


def spread_uniforms(seeds, start, count):
    """Uniform numbers that cover (0, 1) evenly however many of them are taken.

    The golden-ratio sequence with a random shift: each number is uniform, any run of
    them is stratified, and no planned length is needed, so that a run can be extended.
    """
    shift = np.random.default_rng(seeds).random()
    return (shift + GOLDEN_RATIO * np.arange(start, start + count)) % 1.0


def stratum_of(shares):
    """Number of the stratum that holds each of these shares of the distribution."""
    # Rounding may leave a share just below an edge.
    return np.searchsorted(STRATA, np.asarray(shares) + 1e-9, side="right")


# ------------------------------------------------------------------- permutations


@dataclass(frozen=True, eq=False)
class PermutationWalks:
    """Walks along permutations; a unit is a permutation, by default with its reverse.

    The reverse gives every row a contribution to a large coalition for each one to a
    small coalition, which lowers the variance, and it values the rows that the first
    ``min_size`` places leave out (Mitchell et al., "Sampling Permutations for Shapley
    Value Estimation", JMLR 2022). Without it each of those rows joins a random
    coalition of its own.
    """

    relative_weight: np.ndarray
    min_size: int
    truncation_tol: float = 0.0
    antithetic: bool = True

    new_accumulator = staticmethod(lambda n_samples: RatioMoments(1, n_samples))

    def unit_cost(self, game):
        # Truncation compares with the worth of all rows.
        whole = int(self._truncates(game))
        if self.antithetic:
            return 2 * self._walk_cost(game.n_samples) + whole
        return self._walk_cost(game.n_samples) + 2 * self.min_size + whole

    def _truncates(self, game):
        # The engine's walks have no fits to save.
        return self.truncation_tol > 0 and not game.is_batched

    def _walk_cost(self, n_samples):
        # The empty coalition is not fitted.
        return n_samples - max(self.min_size, 1) + 1

    def block_size(self, game):
        return max(1, game.block_size("walk") // self._walks_a_unit)

    @property
    def _walks_a_unit(self):
        return 2 if self.antithetic else 1

    def run(self, game, seeds, start, n_units):
        moments = self.new_accumulator(game.n_samples)
        rngs = unit_rngs(seeds, start, n_units)
        orders = np.array([rng.permutation(game.n_samples) for rng in rngs])
        permutations = orders
        if self.antithetic:
            permutations = np.stack([orders, orders[:, ::-1]], axis=1)
            permutations = permutations.reshape(2 * n_units, game.n_samples)
        if self._truncates(game):
            contributions, n_evaluations = self._truncated_walks(game, permutations)
        else:
            contributions = game.walk(permutations, self.min_size)
            n_evaluations = len(permutations) * self._walk_cost(game.n_samples)
        weights = np.empty(permutations.shape)
        joined = np.where(
            np.arange(game.n_samples) < self.min_size, 0.0, self.relative_weight
        )
        np.put_along_axis(weights, permutations, joined[None], axis=1)
        if not self.antithetic and self.min_size:
            firsts = orders[:, : self.min_size]
            alone, sizes = self._contributions_alone(game, firsts, rngs)
            np.put_along_axis(contributions, firsts, alone, axis=1)
            np.put_along_axis(weights, firsts, self.relative_weight[sizes], axis=1)
            n_evaluations += 2 * firsts.size
        numerators = np.where(weights > 0, weights * contributions, 0.0)
        for unit in range(n_units):
            walks = slice(self._walks_a_unit * unit, self._walks_a_unit * (unit + 1))
            moments.add(
                numerators[walks].sum(axis=0)[None], weights[walks].sum(axis=0)[None]
            )
        return moments, n_evaluations

    def _contributions_alone(self, game, rows, rngs):
        """Contribution of each row to a random coalition, and the size of that.

        The sizes are as likely as those that the other rows of a permutation meet.
        """
        n_samples = game.n_samples
        sizes = np.empty(rows.shape, dtype=int)
        masks = np.zeros((*rows.shape, n_samples), dtype=bool)
        for mask, size, row, rng in zip(masks, sizes, rows, rngs, strict=True):
            size[:] = rng.integers(self.min_size, n_samples, size=len(row))
            for place, player in enumerate(row):
                others = rng.permutation(n_samples)
                mask[place, others[others != player][: size[place]]] = True
        masks = masks.reshape(-1, n_samples)
        before = game.scores(masks)
        masks[np.arange(len(masks)), rows.ravel()] = True
        return (game.scores(masks) - before).reshape(rows.shape), sizes

    def _truncated_walks(self, game, permutations):
        """Walks that end where the coalition is worth as much as all rows."""
        contributions = np.zeros(permutations.shape)
        full_value = game.value(np.arange(game.n_samples))
        n_evaluations = 1
        for contribution, permutation in zip(contributions, permutations, strict=True):
            size = self.min_size
            before = game.value(np.sort(permutation[:size]))
            n_evaluations += size > 0
            while (
                size < game.n_samples and abs(full_value - before) > self.truncation_tol
            ):
                after = game.value(np.sort(permutation[: size + 1]))
                contribution[permutation[size]] = after - before
                before = after
                size += 1
                n_evaluations += 1
        return contributions, n_evaluations


# ------------------------------------------------------------------------- subsets


@dataclass(frozen=True, eq=False)
class SubsetSizes:
    r"""Sizes t of subsets whose members and non-members both serve.

    A subset T of size t holds coalitions of size t, to which a row outside T may be
    added, and of size t - 1, from which a row of T was taken:
    :math:`q(t) \propto (1 - t/n) p(t) + (t/n) p(t-1)`, scaled by the share of rows
    that serve. For Shapley this is the uniform distribution on ``min_size..n``.
    """

    probabilities: np.ndarray
    min_size: int

    @cached_property
    def distribution(self):
        n_samples = len(self.probabilities)
        share_in = np.arange(n_samples + 1) / n_samples
        as_outsider = np.append(self.probabilities, 0.0)
        as_member = np.insert(self.probabilities, 0, 0.0)
        serves_outsider = np.append(np.arange(n_samples) >= self.min_size, False)
        serves_member = np.insert(np.arange(n_samples) >= self.min_size, 0, False)
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
        below = np.cumsum(self.distribution) - self.distribution
        return stratum_of(below)

    @cached_property
    def contribution_weight(self):
        """p(k) over how often a row meets a coalition of k others; shape (n,)."""
        n_samples = len(self.probabilities)
        size = np.arange(n_samples)
        met = (
            self.distribution[:-1] * (n_samples - size)
            + self.distribution[1:] * (size + 1)
        ) / n_samples
        return np.divide(
            self.probabilities, met, out=np.zeros(n_samples), where=met > 0
        )

    @cached_property
    def member_weight(self):
        """p(t - 1) over how often a row is in a subset of t; shape (n + 1,)."""
        return self._ratio(np.insert(self.probabilities, 0, 0.0), lambda share: share)

    @cached_property
    def outsider_weight(self):
        """p(t) over how often a row is outside a subset of t; shape (n + 1,)."""
        return self._ratio(np.append(self.probabilities, 0.0), lambda share: 1 - share)

    def _ratio(self, wanted, share_of):
        share = np.arange(len(wanted)) / (len(wanted) - 1)
        met = self.distribution * share_of(share)
        return np.divide(wanted, met, out=np.zeros(len(wanted)), where=met > 0)


@dataclass(frozen=True, eq=False)
class SharedSubsets:
    """Every row's contribution to each subset, in or out; a unit is a subset.

    The weighted mean of a row's contributions is the semivalue. A row's contribution to
    a coalition smaller than ``min_size`` has weight zero.
    """

    sizes: SubsetSizes

    new_accumulator = staticmethod(
        lambda n_samples: RatioMoments(1, n_samples, len(STRATA) + 1)
    )

    def unit_cost(self, game):
        return 1 if game.shares_subsets else game.n_samples + 1

    def block_size(self, game):
        return game.block_size("in_out")

    def run(self, game, seeds, start, n_units):
        sizes = self.sizes.draw(spread_uniforms(seeds, start, n_units))
        masks = random_masks(seeds, start, sizes, game.n_samples)
        contributions = game.in_out(masks)
        moments = self.new_accumulator(game.n_samples)
        for first in range(0, n_units, SUBSETS_A_BATCH):
            batch = slice(first, first + SUBSETS_A_BATCH)
            others = sizes[batch, None] - masks[batch]
            weights = self.sizes.contribution_weight[others]
            numerators = np.where(weights > 0, weights * contributions[batch], 0.0)
            strata = self.sizes.strata[sizes[batch]]
            moments.add_all(numerators[:, None], weights[:, None], strata)
        return moments, n_units * self.unit_cost(game)


@dataclass(frozen=True, eq=False)
class ReusedSubsets:
    """Mean utility with a row minus mean utility without it; a unit is a subset.

    Every utility serves every row: maximum sample reuse (Wang & Jia, "Data Banzhaf: A
    Robust Data Valuation Framework for Machine Learning", AISTATS 2023).
    """

    sizes: SubsetSizes

    new_accumulator = staticmethod(lambda n_samples: RatioMoments(2, n_samples))

    def unit_cost(self, game):
        return 1

    def block_size(self, game):
        return game.block_size("scores")

    def run(self, game, seeds, start, n_units):
        sizes = self.sizes.draw(spread_uniforms(seeds, start, n_units))
        masks = random_masks(seeds, start, sizes, game.n_samples)
        scores = game.scores(masks)
        weights = np.where(
            masks,
            self.sizes.member_weight[sizes][:, None],
            self.sizes.outsider_weight[sizes][:, None],
        )
        moments = self.new_accumulator(game.n_samples)
        for first in range(0, n_units, SUBSETS_A_BATCH):
            batch = slice(first, first + SUBSETS_A_BATCH)
            sides = np.stack([masks[batch], ~masks[batch]], axis=1)
            sides = sides * weights[batch, None]
            utilities = scores[batch, None, None]
            # Which rows are in varies more than the worth of a size: one stratum.
            moments.add_all(sides * utilities, sides, np.zeros(len(sides), dtype=int))
        return moments, n_units


@dataclass(frozen=True, eq=False)
class FixedSizes:
    """One subset size; every row in or out weighs the same."""

    size: int
    n_samples: int

    def draw(self, uniforms):
        return np.full(len(uniforms), self.size)

    @cached_property
    def member_weight(self):
        return np.ones(self.n_samples + 1)

    @cached_property
    def outsider_weight(self):
        return np.ones(self.n_samples + 1)


@dataclass(frozen=True, eq=False)
class BernoulliSubsets:
    """Subsets that hold each row with one of several probabilities, in turn.

    Records the utilities; `masks` gives the subsets again. A unit is a subset.
    """

    inclusion_probabilities: tuple

    new_accumulator = staticmethod(lambda n_samples: ScoreRecord())

    def unit_cost(self, game):
        return 1

    def block_size(self, game):
        return game.block_size("scores")

    def run(self, game, seeds, start, n_units):
        masks = self.masks(game.n_samples, seeds, start, n_units)
        return ScoreRecord(game.scores(masks)), n_units

    def masks(self, n_samples, seeds, start, n_units):
        """Subsets of the units from `start` on."""
        probability = self.probability(start, n_units)
        rngs = unit_rngs(seeds, start, n_units)
        pairs = zip(rngs, probability, strict=True)
        return np.array([rng.random(n_samples) < p for rng, p in pairs])

    def probability(self, start, n_units):
        """Inclusion probability of each subset from `start` on."""
        turn = np.arange(start, start + n_units) % len(self.inclusion_probabilities)
        return np.asarray(self.inclusion_probabilities)[turn]
