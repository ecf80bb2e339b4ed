r"""Distributional Shapley: the value of a row among samples of a distribution.

.. math:: \nu(z) = \mathbb{E}_{k}\, \mathbb{E}_{S \sim D^k}
          \big[U(S \cup z) - U(S)\big]

Ghorbani, Kim & Zou, "A Distributional Framework for Data Valuation", ICML 2020. The
distribution D is that of the training rows: coalitions are drawn with replacement.
"""

import math
from numbers import Integral, Real

import numpy as np
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from .._coalitions.runner import run_block
from .._validation import validate_more_rows
from ..utils._sklearn import Interval
from ._drawn_coalitions import DrawnCoalitions
from ._sampling_valuator import SamplingValuator


class DistributionalShapley(SamplingValuator):
    r"""Distributional Shapley: what a row adds to random samples of the distribution.

    .. math:: \nu(z) = \mathbb{E}_{k}\, \mathbb{E}_{S \sim D^k}
              \big[U(S \cup z) - U(S)\big],

    with k uniform on `min_coalition_size` .. `max_coalition_size` and D the
    distribution of the training rows. The value depends on the distribution, not on the
    other rows of one training set, so rows that were never in one have values too:
    `predict_values`.

    Parameters
    ----------
    estimator : estimator object, default=None
        What is fitted on coalitions: any classifier or regressor, Pipelines included.
        None: `LogisticRegression`; `Ridge` for continuous targets. Where it would draw
        its own ``random_state`` it gets one seed for all coalitions.

    scoring : str, callable or None, default=None
        Utility of a fitted coalition on held-out rows: a scorer name, a callable
        ``scorer(estimator, X, y)``, or None for the mean predicted probability of the
        true class (accuracy where there is no ``predict_proba``); for regression R²,
        clipped at -1.

    max_evaluations : int or None, default=None
        Fits of coalitions at most, over all folds. None: 1000, or ten
        coalitions in each fold where they cost more.

    tol : float, "auto" or None, default="auto"
        Stop when the largest standard error is at most `tol` times the standard
        deviation of the values. A `ConvergenceWarning` where `max_evaluations` ends
        before says what was reached, and which budget would do. ``"auto"``: 0.05, with
        a warning only where the values are mostly noise. 0 or None: use all of
        `max_evaluations`.

    cv : int, cross-validation generator or iterable, default=5
        Folds that are held out in turn where `fit` gets no `X_val`; a row's value is
        the mean over the folds that it is not held out in.

    min_coalition_size : int, default=100
        Rows in the smallest coalitions.

    max_coalition_size : int, default=1000
        Rows in the largest coalitions. They are drawn with replacement, so it may
        exceed the number of training rows.

    valued_share : float, default=1.0
        Share of the training rows that a coalition values. Rows valued by the same
        coalitions have errors in common; a small share, which takes as many more
        coalitions, makes them nearly independent, as `AmortizedShapley` needs them. The
        rows are dealt to the coalitions in turn, and every row gets as many.

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
    DataShapley : The value of a row among these very rows.

    Notes
    -----
    A coalition costs one fit where the batched engine reads every row's contribution
    off it, else one more for each row that is valued; memory is linear in the number of
    rows. `predict_values` repeats the coalitions of `fit` and costs as much for as many
    rows.

    References
    ----------
    A. Ghorbani, M. P. Kim and J. Zou (2020). A Distributional Framework for Data
    Valuation. ICML.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from skvalue import DistributionalShapley
    >>> X, y = make_classification(120, 5, class_sep=2.0, random_state=0)
    >>> valuator = DistributionalShapley(max_evaluations=20, random_state=0)
    >>> valuator.fit(X[:100], y[:100]).data_values_.shape
    (100,)
    >>> right = valuator.predict_values(X[100:], y[100:])
    >>> wrong = valuator.predict_values(X[100:], 1 - y[100:])
    >>> bool(wrong.mean() < right.mean())
    True
    """

    _parameter_constraints = {
        **SamplingValuator._parameter_constraints,
        "min_coalition_size": [Interval(Integral, 1, None, closed="left")],
        "max_coalition_size": [Interval(Integral, 1, None, closed="left")],
        "valued_share": [Interval(Real, 0, 1, closed="right")],
    }
    _parameter_constraints.pop("unit")

    def __init__(
        self,
        estimator=None,
        *,
        scoring=None,
        max_evaluations=None,
        tol="auto",
        cv=5,
        min_coalition_size=100,
        max_coalition_size=1000,
        valued_share=1.0,
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
        self.min_coalition_size = min_coalition_size
        self.max_coalition_size = max_coalition_size
        self.valued_share = valued_share

    @property
    def _n_parts(self):
        # A share of .1 is ten parts, though 1 / .1 may round to just above.
        return math.ceil(round(1 / self.valued_share, 9))

    @property
    def _least_units(self):
        return self._n_parts

    def _make_sampler(self, utility):
        if self.max_coalition_size < self.min_coalition_size:
            raise ValueError(
                f"max_coalition_size={self.max_coalition_size} is below "
                f"min_coalition_size={self.min_coalition_size}."
            )
        return self._sampler_of(
            utility.X, utility.y, utility.sample_weight, self._n_parts
        )

    def _set_values(self, run, seed):
        super()._set_values(run, seed)
        # What predict_values draws again: coalitions of each pool, by its seeds.
        self._pools = [
            (game, (seed, number), n_coalitions)
            for number, (game, n_coalitions) in enumerate(
                zip(run.games, run.n_units(), strict=True)
            )
        ]

    def predict_values(self, X, y):
        """Value rows that `fit` need not have seen.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_features)
            Rows.

        y : array-like of shape (n_rows,)
            Their labels, of the training labels, or targets.

        Returns
        -------
        values : ndarray of shape (n_rows,), dtype float64
            Mean contribution to the coalitions of `fit`, over all folds; in units of
            `scoring`.
        """
        check_is_fitted(self, "data_values_")
        X, y = validate_more_rows(self, X, y)
        values = []
        with Parallel(n_jobs=self.n_jobs) as parallel:
            for pool, seeds, n_coalitions in self._pools:
                weights = None if pool.sample_weight is None else np.ones(len(y))
                sampler = self._sampler_of(X, y, weights)
                size = sampler.block_size(pool)
                blocks = parallel(
                    delayed(run_block)(
                        pool, sampler, seeds, start, min(size, n_coalitions - start)
                    )
                    for start in range(0, n_coalitions, size)
                )
                moments = sampler.new_accumulator(len(y))
                for block, _ in blocks:
                    moments.merge(block)
                values.append(moments.estimate())
        return np.mean(values, axis=0)

    def _sampler_of(self, X, y, sample_weight, n_parts=1):
        sizes = self.min_coalition_size, self.max_coalition_size
        return DrawnCoalitions(*sizes, X, y, sample_weight, n_parts)
