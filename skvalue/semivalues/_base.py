"""What the semivalues share: a weight for each coalition size gives the sampler."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np

from .._coalitions.enumeration import semivalue_of
from .._coalitions.permutations import PermutationWalks
from .._coalitions.sizes import SubsetSizes, size_probabilities
from .._coalitions.subsets import ReusedSubsets, SharedSubsets
from .._coalitions.weighted_walks import WeightedWalks, weighs_unevenly
from ..utils._sklearn import Interval, StrOptions
from ._sampling_valuator import SamplingValuator

# Fewer rows make no model worth comparing; the fewest groups can be many rows.
LEAST_ROWS = 5

# A weight is checked to average to one over the sizes, to this precision.
WEIGHT_TOLERANCE = 1e-6


# The constructor only stores, so a dataclass writes it. Equality and repr stay those of
# scikit-learn.
@dataclass(kw_only=True, eq=False, repr=False)
class BaseSemivalue(SamplingValuator):
    """Base of the semivalues. A subclass gives one thing, `_weight`.

    Its fields are its parameters: its own by position, with `estimator` after them,
    then those below by name.
    """

    _parameter_constraints = {
        **SamplingValuator._parameter_constraints,
        "sampler": [
            StrOptions({"auto", "shared", "permutation", "single_permutation"})
        ],
        "min_coalition_size": [
            Interval(Integral, 0, None, closed="left"),
            StrOptions({"auto"}),
        ],
    }

    # The sampler of "auto" where every contribution costs a fit.
    _without_engine = "permutation"

    scoring: object = None
    sampler: str = "auto"
    max_evaluations: int | None = None
    tol: float | str | None = "auto"
    cv: object = 5
    unit: str = "rows"
    min_coalition_size: int | str = "auto"
    task: str = "auto"
    encoder: object = "auto"
    drop: object = "auto"
    warm_start: bool = False
    checkpoint: object = None
    checkpoint_interval: float = 60.0
    device: str = "cpu"
    n_jobs: int | None = None
    random_state: object = None
    memory: object = None
    verbose: int = 0

    def _weight(self, sizes, n_samples):
        """Weight of coalitions of these sizes, relative to Shapley's 1/n_samples.

        Parameters
        ----------
        sizes : ndarray of shape (n_samples,)
            0, 1, ..., n_samples - 1: rows of a coalition that another row joins.

        n_samples : int
            Rows of the game.

        Returns
        -------
        weight : ndarray of shape (n_samples,)
            Not negative; the mean is one.
        """
        raise NotImplementedError

    def _make_sampler(self, utility):
        n_samples, least = utility.n_players, self._least_size
        if n_samples <= least:
            players = "groups" if self._by_groups else "training rows"
            raise ValueError(
                f"min_coalition_size={least} leaves no coalition to join in a game of "
                f"{n_samples} {players}; lower it, or give more rows."
            )
        weight = self._checked_weight(n_samples)
        sampler = self._resolve_sampler(utility)
        if sampler.endswith("permutation"):
            return self._make_walks(weight, antithetic=sampler == "permutation")
        probabilities = size_probabilities(weight, least)
        sizes = SubsetSizes(probabilities, least)
        return SharedSubsets(sizes) if sampler == "shared" else ReusedSubsets(sizes)

    def _make_walks(self, weight, antithetic):
        if weighs_unevenly(weight, self._least_size):
            return WeightedWalks(weight, self._least_size, antithetic)
        return PermutationWalks(weight, self._least_size, antithetic=antithetic)

    def _exact_values(self, worth, n_players):
        # Refuses sizes that leave nothing, as sampling does.
        weight = self._checked_weight(n_players)
        return semivalue_of(worth, weight, self._least_size)

    @property
    def _least_size(self):
        """Players of the smallest coalition that counts."""
        if self.min_coalition_size != "auto":
            return self.min_coalition_size
        return 0 if self._by_groups else LEAST_ROWS

    def _resolve_sampler(self, utility):
        if self.sampler != "auto":
            return self.sampler
        return "shared" if utility.shares_subsets else self._without_engine

    def _checked_weight(self, n_samples):
        weight = np.asarray(self._weight(np.arange(n_samples), n_samples), dtype=float)
        if weight.shape != (n_samples,):
            raise ValueError(
                f"weight returned an array of shape {weight.shape} for {n_samples} "
                "coalition sizes; it must return one weight a size."
            )
        if not (np.isfinite(weight).all() and (weight >= 0).all()):
            raise ValueError("weight returned weights that are negative or not finite.")
        if abs(weight.mean() - 1) > WEIGHT_TOLERANCE:
            raise ValueError(
                "weight must average to 1 over the coalition sizes 0..n_samples - 1 "
                f"(it is relative to Shapley's 1/n_samples); it averages to "
                f"{weight.mean():.6g} for n_samples={n_samples}."
            )
        if weight[self._least_size :].sum() == 0:
            raise ValueError(
                "weight is zero for every coalition of at least "
                f"min_coalition_size={self._least_size} players; lower it."
            )
        return weight
