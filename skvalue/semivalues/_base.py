"""What the semivalues share: a weight for each coalition size gives the sampler."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._coalitions.enumeration import semivalue_of
from .._coalitions.permutations import PermutationWalks
from .._coalitions.regressed_subsets import RegressedSubsets, ReusedSizes, SubsetRecord
from .._coalitions.run import mean_over_games
from .._coalitions.sizes import SubsetSizes, size_probabilities
from .._coalitions.subsets import ReusedSubsets, SharedSubsets
from .._coalitions.weighted_walks import WeightedWalks, weighs_unevenly
from ..utils._sklearn import Interval, StrOptions
from ..utils._threads import one_thread
from ._sampling_valuator import SamplingValuator
from ._shared_attributions import SharedAttributions

# Fewer rows make no model worth comparing; the fewest groups can be many rows.
LEAST_ROWS = 5

# From so many players on, utilities that serve all of them are the most precise.
LEAST_REGRESSED = 40

# A weight is checked to average to one over the sizes, to this precision.
WEIGHT_TOLERANCE = 1e-6


# The constructor only stores, so a dataclass writes it. Equality and repr stay those of
# scikit-learn.
@dataclass(kw_only=True, eq=False, repr=False)
class BaseSemivalue(SharedAttributions, SamplingValuator):
    """Base of the semivalues. A subclass gives one thing, `_weight`.

    Its fields are its parameters: its own by position, with `estimator` after them,
    then those below by name.
    """

    _parameter_constraints = {
        **SamplingValuator._parameter_constraints,
        "sampler": [
            StrOptions(
                {"auto", "shared", "permutation", "single_permutation", "regression"}
            )
        ],
        "min_coalition_size": [
            Interval(Integral, 0, None, closed="left"),
            StrOptions({"auto"}),
        ],
    }

    # What `values_for` goes by: players of the games, and what their subsets said.
    _sampled = None
    # The samplers of "auto" where fits are dear, for few players and for more.
    _of_few = _of_many = "permutation"

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
        if sampler == "regression":
            sizes = ReusedSizes(probabilities, least)
            return RegressedSubsets(sizes, utility.known_games())
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

    def _set_values(self, run, seed):
        super()._set_values(run, seed)
        totals = run.totals()
        kept = all(isinstance(total, SubsetRecord) for total in totals)
        self._sampled = (run.players, totals) if kept else None

    def _keep_exact_values(self, values):
        super()._keep_exact_values(values)
        self._sampled = None

    def values_for(self, weight):
        """Values of another semivalue, from the coalitions that `fit` has paid for.

        Only where `fit` took ``sampler="regression"``, whose utilities serve every
        semivalue. They were drawn for the weight of this valuator: errors are larger
        than after as many fits with a sampler of the other weight.

        Parameters
        ----------
        weight : callable or semivalue valuator
            ``weight(sizes, n_samples)`` as `Semivalue` takes it, or a valuator such as
            ``DataBanzhaf()``, of which only the weight is read.

        Returns
        -------
        values : ndarray of shape (n_samples,)
            In units of `scoring`; of the groups with ``unit="groups"``.

        errors : ndarray of shape (n_samples,)
            Their standard errors.

        Raises
        ------
        ValueError
            If `fit` took another sampler, or `weight` is no weight of coalition sizes
            or counts sizes that were not sampled.
        """
        check_is_fitted(self)
        if self._sampled is None:
            raise ValueError(
                "values_for needs utilities that serve every semivalue, and this fit "
                'kept none; fit with sampler="regression".'
            )
        if isinstance(weight, BaseSemivalue):
            weight = weight._weight
        players, records = self._sampled
        moments = []
        for record in records:
            checked = self._checked_weight(record.n_players, weight)
            probabilities = size_probabilities(checked, self._least_size)
            sizes = record.sampler.sizes.reused_for(probabilities)
            with one_thread():
                moments.append(record.moments(sizes))
        return mean_over_games(players, moments, self._n_players)

    @property
    def _least_size(self):
        """Players of the smallest coalition that counts."""
        if self.min_coalition_size != "auto":
            return self.min_coalition_size
        return 0 if self._by_groups else LEAST_ROWS

    def _resolve_sampler(self, utility):
        if self.sampler != "auto":
            return self.sampler
        if utility.shares_subsets:
            return "shared"
        # The engine walks for less than refits.
        if utility.is_batched or utility.n_players < LEAST_REGRESSED:
            return self._of_few
        return self._of_many

    def _checked_weight(self, n_samples, weight=None):
        weigh = self._weight if weight is None else weight
        weight = np.asarray(weigh(np.arange(n_samples), n_samples), dtype=float)
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
