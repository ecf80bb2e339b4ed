r"""Subsample influence: values by comparing random subsets with and without a row.

.. math:: \phi_i = \mathbb{E}\big[U(T) \mid i \in T\big]
          - \mathbb{E}\big[U(T) \mid i \notin T\big]

Feldman & Zhang, "What Neural Networks Memorize and Why: Discovering the Long Tail via
Influence Estimation", NeurIPS 2020.
"""

from numbers import Real

from .._coalitions.enumeration import difference_of_means
from .._coalitions.sizes import FixedSizes
from .._coalitions.subsets import ReusedSubsets
from ..utils._sklearn import Interval
from ._sampling_valuator import SamplingValuator


class SubsampleInfluence(SamplingValuator):
    r"""Mean utility of subsets with the row minus mean utility of subsets without it.

    .. math:: \phi_i = \mathbb{E}\big[U(T) \mid i \in T\big]
              - \mathbb{E}\big[U(T) \mid i \notin T\big],

    with T uniform among the subsets of a fixed size. It is the estimator that papers on
    data valuation run under the name of influence function.

    Parameters
    ----------
    estimator : estimator object, default=None
        What is fitted on coalitions: any classifier or regressor, Pipelines included.
        None: `LogisticRegression`; `Ridge` for continuous targets. Where it would draw
        its own ``random_state`` it gets one seed for all coalitions.

    subsample : float, default=0.7
        Share of the rows in a subset, in (0, 1).

    scoring : str, callable or None, default=None
        Utility of a fitted coalition on held-out rows: a scorer name, a callable
        ``scorer(estimator, X, y)``, or None for the mean predicted probability of the
        true class (accuracy where there is no ``predict_proba``); for regression R²,
        clipped at -1.

    max_evaluations : int or None, default=1000
        Fits of coalitions at most, over all folds. None: 1000.

    tol : float, "auto" or None, default="auto"
        Stop when the largest standard error is at most `tol` times the standard
        deviation of the values. A `ConvergenceWarning` where `max_evaluations` ends
        before says what was reached, and which budget would do. ``"auto"``: 0.05, with
        a warning only where the values are mostly noise. 0 or None: use all of
        `max_evaluations`.

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
        `max_evaluations` or a smaller `tol`. The values are those of one long fit.

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

    data_values_stderr_ : ndarray of shape (n_samples,), dtype float64
        Their Monte-Carlo standard errors, in units of `scoring`: two of them cover the
        exact value in about 95 % of the cases, however few the coalitions. NaN where
        fewer than two of them count.

    n_evaluations_ : int
        Fits of coalitions that the values are made of.

    least_evaluations_ : int
        Fits of coalitions that the least budget costs.

    history_ : list of dict
        How the values settled, after 1, 2, 3, 4, 6, 8, 12, ... blocks of coalitions and
        at the end: ``"evaluations"`` so far; ``"max_stderr"``, the largest standard
        error in standard deviations of the values; ``"rank_correlation"``, Spearman's
        with the values at half as many blocks, NaN where there are none.

    groups_ : ndarray of shape (n_groups,)
        The labels of the groups, sorted, where `fit` got `groups`.

    group_values_ : ndarray of shape (n_groups,), dtype float64
        Value of each of them: as a player with ``unit="groups"``, where each of its
        rows gets an equal share; else the sum of the values of its rows.

    group_values_stderr_ : ndarray of shape (n_groups,), dtype float64
        With ``unit="groups"``, standard errors of `group_values_`; 0 where exact.

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
    AME : Regression on subsets of several sizes.
    DataBanzhaf : Subsets of all sizes, half of the rows on average.

    Notes
    -----
    One fit a subset; memory is linear in n.

    References
    ----------
    V. Feldman and C. Zhang (2020). What Neural Networks Memorize and Why: Discovering
    the Long Tail via Influence Estimation. NeurIPS.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from skvalue import SubsampleInfluence
    >>> X, y = make_classification(100, 5, class_sep=2.0, random_state=0)
    >>> y[:10] = 1 - y[:10]
    >>> valuator = SubsampleInfluence(random_state=0).fit(X, y)
    >>> flipped, others = valuator.data_values_[:10], valuator.data_values_[10:]
    >>> bool(flipped.mean() < others.mean())
    True
    """

    _parameter_constraints = {
        **SamplingValuator._parameter_constraints,
        "subsample": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        estimator=None,
        *,
        subsample=0.7,
        scoring=None,
        max_evaluations=1000,
        tol="auto",
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
            tol=tol,
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
        self.subsample = subsample
        self.unit = unit

    def _size(self, n_players):
        """Members of a subset: at least one player in and one out."""
        return min(max(round(self.subsample * n_players), 1), n_players - 1)

    def _make_sampler(self, utility):
        n_players = utility.n_players
        return ReusedSubsets(FixedSizes(self._size(n_players), n_players))

    def _exact_values(self, worth, n_players):
        return difference_of_means(worth, self._size(n_players))
