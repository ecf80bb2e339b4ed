r"""Average marginal effects: values by regression on random subsets.

.. math:: \mathrm{AME}_i = \mathbb{E}_p\, \mathbb{E}_{S \sim \mathrm{Bernoulli}(p)}
          \big[U(S \cup i) - U(S \setminus i)\big]

Lin et al., "Measuring the Effect of Training Data on Deep Learning Predictions via
Randomized Experiments", ICML 2022.
"""

import numpy as np
from scipy.stats import binom
from sklearn.linear_model import LassoCV

from .._coalitions.enumeration import semivalue_of
from .._coalitions.subsets import BernoulliSubsets
from ..utils._folds import average_over_splits
from ._sampling_valuator import SamplingValuator

# Folds of the regression that chooses the penalty.
LASSO_FOLDS = 5

# Of the coordinate descent; the default of scikit-learn is often too few here.
LASSO_ITERATIONS = 20_000


class AME(SamplingValuator):
    r"""Average marginal effect of a row, by sparse regression on random subsets.

    Rows enter a subset S with probability p, p itself one of a few. The utility is
    regressed on the indicators :math:`x_i = 1 / (\sqrt{v} p)` for rows in S and
    :math:`-1 / (\sqrt{v} (1 - p))` for the others. They are uncorrelated with variance
    one where :math:`v = \mathbb{E}_p[1 / (p (1 - p))]`, so the coefficients are

    .. math:: \beta_i = \frac{1}{\sqrt{v}}\, \mathbb{E}_p\,
              \mathbb{E}_{S \sim \mathrm{Bernoulli}(p)}
              \big[U(S \cup i) - U(S \setminus i)\big],

    and the values are :math:`\sqrt{v} \beta_i`, in units of the utility.

    The LASSO finds the rows with an effect from fewer subsets than rows, and gives the
    others the value zero.

    Parameters
    ----------
    estimator : estimator object, default=None
        What is fitted on coalitions: any classifier or regressor, Pipelines included.
        None: `LogisticRegression`; `Ridge` for continuous targets. Where it would draw
        its own ``random_state`` it gets one seed for all coalitions.

    inclusion_probabilities : tuple of float, default=(0.2, 0.4, 0.6, 0.8)
        Probabilities p, each of them for an equal number of subsets; in (0, 1).

    scoring : str, callable or None, default=None
        Utility of a fitted coalition on held-out rows: a scorer name, a callable
        ``scorer(estimator, X, y)``, or None for the mean predicted probability of the
        true class (accuracy where there is no ``predict_proba``); for regression R²,
        clipped at -1.

    max_evaluations : int or None, default=1000
        Fits of coalitions at most, over all folds. None: 1000.

    cv : int, cross-validation generator or iterable, default=5
        Folds that are held out in turn where `fit` gets no `X_val`; a row's value is
        the mean over the folds that it is not held out in.

    unit : {"rows", "groups"}, default="rows"
        What the players are: single rows, or the `groups` that `fit` gets, whose rows
        join together. Up to 12 groups are valued exactly, by all their coalitions,
        where `max_evaluations` pays for them.

    task : {"auto", "classification", "regression"}, default="auto"
        Whether `y` holds class labels or real targets, see `BaseValuator`.

    encoder : {"auto"}, transformer or None, default="auto"
        What makes numbers of the rows, see `BaseValuator`.

    drop : float, "auto", "negative" or callable, default="auto"
        Which rows are of low value, see `BaseValuator`.

    warm_start : bool, default=False
        Whether `fit` on the same data goes on where the last one stopped, for a larger
        `max_evaluations`. The values are those of one long fit.

    checkpoint : str, path-like or None, default=None
        File that holds the state: `fit` goes on from it after a kill, and the values
        are bitwise those of a fit that was never stopped.

    checkpoint_interval : float, default=60.0
        Seconds between two writes of the checkpoint, at least; it is also written at
        the end.

    device : str, default="cpu"
        Torch device of the batched engine.

    n_jobs : int or None, default=None
        Joblib workers. ``joblib.parallel_config(backend="dask")`` spreads the same call
        over a cluster. The values do not depend on it.

    random_state : int, RandomState instance or None, default=None
        Seed of the coalitions and the folds.

    memory : str, path-like, joblib.Memory or None, default=None
        Keeps fits, so that another `drop` values no row anew, see `BaseValuator`.

    verbose : int, default=0
        1: print a line of progress now and then, with the time left; 2: all of them.

    Attributes
    ----------
    data_values_ : ndarray of shape (n_samples,), dtype float64
        Values, in units of `scoring`; higher is better.

    n_evaluations_ : int
        Fits of coalitions that the values are made of.

    least_evaluations_ : int
        Fits of coalitions that the least budget costs.

    groups_ : ndarray of shape (n_groups,)
        The labels of the groups, sorted, where `fit` got `groups`.

    group_values_ : ndarray of shape (n_groups,), dtype float64
        Value of each of them: as a player with ``unit="groups"``, where each of its
        rows gets an equal share; else the sum of the values of its rows.

    classes_ : ndarray of shape (n_classes,)
        The labels, in classification.

    encoder_ : transformer
        The fitted `encoder`, where the rows are read encoded.

    n_features_in_ : int
        Number of columns.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where `X` has them.

    fill_indices_ : ndarray of shape (n_samples,)
        After ``fit_transform``: the training row at each place of its output.

    See Also
    --------
    SubsampleInfluence : Compares means instead.
    DataShapley : AME with p uniform on (0, 1) is the Shapley value.

    Notes
    -----
    One fit a subset, then a LASSO path of :math:`O(n)` times the number of subsets;
    memory is their product.

    References
    ----------
    J. Lin, A. Zhang, M. Lecuyer, J. Li, A. Panda and S. Sen (2022). Measuring the
    Effect of Training Data on Deep Learning Predictions via Randomized Experiments.
    ICML.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from skvalue import AME
    >>> X, y = make_classification(100, 5, class_sep=2.0, random_state=0)
    >>> y[:10] = 1 - y[:10]
    >>> valuator = AME(max_evaluations=500, random_state=0).fit(X, y)
    >>> flipped, others = valuator.data_values_[:10], valuator.data_values_[10:]
    >>> bool(flipped.mean() < others.mean())
    True
    """

    _parameter_constraints = {
        **SamplingValuator._parameter_constraints,
        "inclusion_probabilities": ["array-like"],
    }
    _parameter_constraints.pop("tol")

    _least_units = LASSO_FOLDS

    def __init__(
        self,
        estimator=None,
        *,
        inclusion_probabilities=(0.2, 0.4, 0.6, 0.8),
        scoring=None,
        max_evaluations=1000,
        cv=5,
        unit="rows",
        task="auto",
        encoder="auto",
        drop="auto",
        warm_start=False,
        checkpoint=None,
        checkpoint_interval=60.0,
        device="cpu",
        n_jobs=None,
        random_state=None,
        memory=None,
        verbose=0,
    ):
        super().__init__(
            estimator,
            scoring=scoring,
            max_evaluations=max_evaluations,
            tol=None,
            cv=cv,
            task=task,
            encoder=encoder,
            drop=drop,
            warm_start=warm_start,
            checkpoint=checkpoint,
            checkpoint_interval=checkpoint_interval,
            device=device,
            n_jobs=n_jobs,
            random_state=random_state,
            memory=memory,
            verbose=verbose,
        )
        self.inclusion_probabilities = inclusion_probabilities
        self.unit = unit

    def _checked_probabilities(self):
        probabilities = np.asarray(self.inclusion_probabilities, dtype=float)
        if not (
            probabilities.size and ((probabilities > 0) & (probabilities < 1)).all()
        ):
            raise ValueError(
                f"inclusion_probabilities={self.inclusion_probabilities!r} must lie "
                "strictly between 0 and 1."
            )
        return probabilities

    def _make_sampler(self, utility):
        return BernoulliSubsets(tuple(self._checked_probabilities().tolist()))

    def _exact_values(self, worth, n_players):
        # The number of others in a subset is binomial, with each p as often.
        sizes = np.arange(n_players)
        shares = binom.pmf(sizes, n_players - 1, self._checked_probabilities()[:, None])
        return semivalue_of(worth, n_players * shares.mean(axis=0))

    def _keep_exact_values(self, values):
        self._keep_values(values)

    def _set_values(self, run, seed):
        values = [
            self._effects(game.n_players, sampler, (seed, number), record.scores)
            for number, (game, sampler, record) in enumerate(
                zip(run.games, run.samplers, run.totals(), strict=True)
            )
        ]
        self._keep_values(average_over_splits(run.players, values, run.n_players))

    def _effects(self, n_players, sampler, seeds, scores):
        """Effects of one game's rows: coefficients of the LASSO, scaled back."""
        if np.ptp(scores) == 0:
            return np.zeros(n_players)
        masks = sampler.masks(n_players, seeds, 0, len(scores))
        p = sampler.probability(0, len(scores))[:, None]
        scale = np.sqrt(np.mean(1 / (p * (1 - p))))
        indicators = np.where(masks, 1 / (scale * p), -1 / (scale * (1 - p)))
        # Cyclic descent is not random, but reads the global state without a seed.
        lasso = LassoCV(cv=LASSO_FOLDS, max_iter=LASSO_ITERATIONS, random_state=0)
        return scale * lasso.fit(indicators, scores).coef_
