"""Coalitions that are drawn from a distribution, and what rows add to them.

The sampler of `DistributionalShapley`, for the training rows and for those that come
later.
"""

import math
from dataclasses import dataclass

import numpy as np

from .._coalitions.draws import spread_uniforms, unit_rngs
from .._coalitions.moments import RatioMoments
from .._coalitions.sizes import STRATA, stratum_of
from .._coalitions.subsets import SUBSETS_A_BATCH
from ..utils._rows import stack_rows, take_rows
from ._utility import Utility

# Coalitions of one task.
COALITIONS_A_BLOCK = 8

# Sets the seeds of the parts that coalitions value apart from those of the coalitions.
PARTS = 1


@dataclass(frozen=True, eq=False)
class DrawnCoalitions:
    """Contributions of given rows to coalitions drawn with replacement.

    A unit is a coalition. The rows that are valued join as copies of their own, whether
    the coalition holds them already or not. With several parts, each coalition values
    one part of a random partition of the rows; after the last part comes a new one.
    """

    min_size: int
    max_size: int
    X: object
    y: np.ndarray
    # Of the rows that are valued; None where all rows weigh the same.
    sample_weight: np.ndarray | None = None
    n_parts: int = 1

    new_accumulator = staticmethod(
        lambda n_samples: RatioMoments(1, n_samples, len(STRATA) + 1)
    )

    def unit_cost(self, pool):
        if pool.shares_subsets:
            return 1
        return 1 + math.ceil(len(self.y) / self.n_parts)

    def block_size(self, pool):
        return COALITIONS_A_BLOCK if pool.shares_subsets else SUBSETS_A_BATCH

    def run(self, pool, seeds, start, n_units):
        span = self.max_size - self.min_size + 1
        uniforms = spread_uniforms(seeds, start, n_units)
        sizes = self.min_size + np.floor(span * uniforms).astype(int)
        rngs = unit_rngs(seeds, start, n_units)
        gains = np.zeros((n_units, len(self.y)))
        counts = np.zeros_like(gains)
        n_evaluations = 0
        for unit, (size, rng) in enumerate(zip(sizes, rngs, strict=True)):
            drawn = rng.integers(pool.n_players, size=size)
            rows = self._part(seeds, start + unit)
            gains[unit, rows] = self._gains(pool, drawn, rows)
            counts[unit, rows] = 1
            n_evaluations += 1 if pool.shares_subsets else 1 + len(rows)
        moments = self.new_accumulator(len(self.y))
        for first in range(0, n_units, SUBSETS_A_BATCH):
            batch = slice(first, first + SUBSETS_A_BATCH)
            strata = stratum_of(uniforms[batch])
            moments.add_all(gains[batch, None], counts[batch, None], strata)
        return moments, n_evaluations

    def _part(self, seeds, unit):
        """Rows that a coalition values."""
        if self.n_parts == 1:
            return np.arange(len(self.y))
        partition, part = divmod(unit, self.n_parts)
        order = np.random.default_rng((*seeds, partition, PARTS)).permutation(
            len(self.y)
        )
        return np.sort(np.array_split(order, self.n_parts)[part])

    def _gains(self, pool, drawn, rows):
        """U(S with z) - U(S) for each of these rows z."""
        weights = None
        if self.sample_weight is not None:
            weights = np.r_[pool.sample_weight[drawn], self.sample_weight[rows]]
        joined = Utility(
            pool.estimator,
            stack_rows(take_rows(pool.X, drawn), take_rows(self.X, rows)),
            np.concatenate([pool.y[drawn], self.y[rows]]),
            pool.X_val,
            pool.y_val,
            classes=pool.classes,
            scoring=pool.scoring,
            device=pool.device,
            # A row's value must not depend on those that are valued beside it.
            precision="float64",
            sample_weight=weights,
            sample_weight_val=pool.sample_weight_val,
        )
        coalition = np.arange(len(drawn))
        if joined.shares_subsets:
            mask = np.arange(joined.n_players) < len(drawn)
            return joined.in_out(mask[None])[0, len(drawn) :]
        base = joined.value(coalition)
        return np.array(
            [
                joined.value(np.append(coalition, place)) - base
                for place in range(len(drawn), joined.n_players)
            ]
        )
