r"""Data-OOB: how well the estimators that never saw a row predict it.

.. math:: v_i = \frac{\sum_b 1[w_{bi} = 0]\, T(y_i, \hat f_b(x_i))}
   {\sum_b 1[w_{bi} = 0]},

where :math:`w_{bi}` counts how often the bootstrap sample of estimator b drew row i,
and T scores a prediction.

Source: Kwon, Zou, "Data-OOB: Out-of-bag Estimate as a Simple and Efficient Data Value",
ICML 2023.
"""

import math
from numbers import Integral

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.utils.parallel import Parallel, delayed

from .base import BaseValuator
from .utils._bags import score_block
from .utils._random import integer_seed
from .utils._row_numbers import of_row_numbers
from .utils._sample_weight import check_takes_weights
from .utils._sklearn import HasMethods, Interval, RealNotInt, StrOptions

# Estimators that are fitted before their scores are added and they are discarded.
_BLOCK = 8
# Leaves of fewer rows repeat the label of a wrong row next to it.
_MIN_SAMPLES_LEAF = 3
# A regression row is implausible beyond this many median absolute residuals.
_RESIDUAL_LIMIT = 4.5


class DataOOB(BaseValuator):
    r"""Out-of-bag score of each row over an ensemble of bagged estimators.

    The value of row i is the mean score of its label under the estimators whose
    bootstrap sample does not hold it,
    :math:`v_i = \operatorname{mean}_{b: w_{bi} = 0} T(y_i, \hat f_b(x_i))`.

    Parameters
    ----------
    estimator : estimator or None, default=None
        What is bagged, by `BaggingClassifier` or `BaggingRegressor`. None: the trees
        of a random forest, with leaves of at least 3 rows and else with scikit-learn's
        defaults.

    n_estimators : int, default=1000
        Number of estimators, at least 1.

    max_samples : int or float, default=1.0
        Rows that each bootstrap sample draws with replacement: a number, or a share
        of the rows in (0, 1].

    scoring : {"accuracy", "log_proba"} or callable, default="accuracy"
        - ``"accuracy"``: share of the out-of-bag estimators that predict the label;
          regression: minus their mean squared error, in squared units of `y`;
        - ``"log_proba"``: natural logarithm of the mean out-of-bag probability of the
          label, floored at 1 / (2 count), with `count` the number of out-of-bag
          estimators of the row; regression: :math:`-\log(1 + e^2 / s^2)` of the
          residual e of the mean out-of-bag prediction, s the median \|e\| (a Cauchy
          log-density up to a constant). Its two clusters lie further apart, which
          ``drop="auto"`` needs;
        - callable ``scoring(y, y_pred) -> ndarray of shape (n_rows,)``: score of each
          row under one estimator, averaged; higher is better. Labels are as given.

    warm_start : bool, default=False
        Continue a previous `fit` on the same rows with more estimators. The values
        are those of one long fit with the same `random_state`.

    task : {"auto", "classification", "regression"}, default="auto"
        Whether `y` holds class labels or real targets, see `BaseValuator`.

    encoder : {"auto"}, transformer or None, default="auto"
        What makes numbers of the rows, see `BaseValuator`.

    drop : float, "auto", "negative" or callable, default="auto"
        Which rows are of low value, see `BaseValuator`.

    n_jobs : int or None, default=None
        Number of blocks of estimators in parallel. The values do not depend on it.

    random_state : int, RandomState instance or None, default=None
        Draws the bootstrap samples and the randomness of the estimators, as the
        ensembles of scikit-learn do with the same integer.

    memory : str, path-like, joblib.Memory or None, default=None
        Keeps fits, so that another `drop` values no row anew, see `BaseValuator`.

    verbose : int, default=0
        1: print a line of progress now and then, with the time left; 2: all of them.

    Attributes
    ----------
    data_values_ : ndarray of shape (n_samples,), dtype float64
        Value of each training row, in units of `scoring`; higher is better.

    data_values_stderr_ : ndarray of shape (n_samples,)
        Standard error of the values over the estimators, in the same units.

    n_evaluations_ : int
        Number of estimators fitted.

    oob_counts_ : ndarray of shape (n_samples,), dtype int64
        Number of out-of-bag estimators of each row.

    class_probabilities_ : ndarray of shape (n_samples, n_classes)
        Mean out-of-bag probability of each class (votes, where the estimator has no
        ``predict_proba``), in the order of `classes_`; classification only.

    label_probabilities_ : ndarray of shape (n_samples,)
        That of each row's own label.

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

    Raises
    ------
    ValueError
        If a row is never out of bag, with the number of estimators that it takes.

    See Also
    --------
    SelfConfidence : Cross-validated probability of each label, from a few fits.
    KNNShapley : Exact values for nearest neighbours.

    Notes
    -----
    Costs the fit of the ensemble, O(n_estimators n log(n)^2) for trees, and a
    prediction of the rows out of bag, about 37 % of them. Estimators are discarded
    block by block: memory is O(n n_classes) whatever `n_estimators` is. ``X_val`` is
    not used.

    References
    ----------
    .. [1] Y. Kwon, J. Zou, "Data-OOB: Out-of-bag Estimate as a Simple and Efficient
       Data Value", ICML 2023.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skvalue.data_oob import DataOOB
    >>> X, y = load_iris(return_X_y=True)
    >>> y[:3] = 2
    >>> valuator = DataOOB(n_estimators=50, random_state=0).fit(X, y)
    >>> valuator.data_values_[:3].tolist()
    [0.0, 0.0, 0.0]
    """

    _cost = "one forest"

    _parameter_constraints = {
        **BaseValuator._parameter_constraints,
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "max_samples": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="right"),
        ],
        "scoring": [StrOptions({"accuracy", "log_proba"}), callable],
        "warm_start": ["boolean"],
        "n_jobs": [Integral, None],
    }

    _accept_sparse = "csr"

    def __init__(
        self,
        estimator=None,
        *,
        n_estimators=1000,
        max_samples=1.0,
        scoring="accuracy",
        warm_start=False,
        task="auto",
        encoder="auto",
        drop="auto",
        n_jobs=None,
        random_state=None,
        memory=None,
        verbose=0,
    ):
        super().__init__(
            task=task,
            encoder=encoder,
            drop=drop,
            random_state=random_state,
            memory=memory,
            verbose=verbose,
        )
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.max_samples = max_samples
        self.scoring = scoring
        self.warm_start = warm_start
        self.n_jobs = n_jobs

    def _model_of_y(self):
        return self.estimator

    def _reader(self):
        return self.estimator

    def _fit(self, X, y, X_val, y_val, *, sample_weight=None):
        n_done = self._begin(X, y, sample_weight)
        if self.estimator is not None:
            check_takes_weights(self.estimator, sample_weight)
        ensemble = self._ensemble()
        if self._takes_rows and not isinstance(X, np.ndarray):
            X = self._bag_row_numbers(ensemble, X, y)
        data = X, y, sample_weight
        # Blocks lie on one grid, so that a warm start redoes no estimator.
        blocks = [
            (start, min(start + _BLOCK, self.n_estimators))
            for start in range(n_done, self.n_estimators, _BLOCK)
        ]
        parallel = Parallel(
            n_jobs=self.n_jobs,
            prefer="threads",
            return_as="generator",
        )
        results = parallel(
            delayed(score_block)(
                clone(ensemble), data, self._seed, block, self._score()
            )
            for block in blocks
        )
        progress = self._progress(self.n_estimators, "estimators", done=n_done)
        for block, result in zip(blocks, results, strict=True):
            with self._task(f"estimators {block[0]}-{block[1] - 1}"):
                for rows, scores, probabilities in result:
                    self._add(rows, scores, probabilities)
            progress.update(block[1])
        progress.finish()
        self.n_evaluations_ = self.n_estimators
        self._check_counts(len(y))
        self._summarise(y)

    def _begin(self, X, y, sample_weight):
        """Number of estimators whose sums an earlier fit left, for a warm start."""
        data = joblib.hash((X, y, sample_weight)) if self.warm_start else None
        if self.warm_start and hasattr(self, "data_values_"):
            if data != self._data:
                raise ValueError(
                    "warm_start=True continues a fit on the same rows, and "
                    "sample_weight, X or y differ from it; use warm_start=False."
                )
            if self.n_estimators < self.n_evaluations_:
                raise ValueError(
                    f"n_estimators={self.n_estimators} must be at least the "
                    f"{self.n_evaluations_} estimators fitted so far, as "
                    "warm_start=True."
                )
            # Added to in place: a fit that is interrupted leaves the old ones alone.
            self.oob_counts_, self._sums = self.oob_counts_.copy(), self._sums.copy()
            self._class_sums = self._class_sums.copy()
            return self.n_evaluations_
        self._data = data
        self._seed = integer_seed(self.random_state)
        self.oob_counts_ = np.zeros(len(y), dtype=np.int64)
        self._sums = np.zeros((2, len(y)))
        self._class_sums = np.zeros((len(y), len(getattr(self, "classes_", ()))))
        return 0

    def _ensemble(self):
        """Bagging ensemble without a size or a seed."""
        classification = hasattr(self, "classes_")
        settings = {"max_samples": self.max_samples, "n_jobs": 1}
        if self.estimator is None:
            forest = RandomForestClassifier if classification else RandomForestRegressor
            return forest(min_samples_leaf=_MIN_SAMPLES_LEAF, **settings)
        bagging = BaggingClassifier if classification else BaggingRegressor
        return bagging(self.estimator, **settings)

    def _bag_row_numbers(self, ensemble, X, y):
        """Let an ensemble bag rows as they came; it would make an array of them."""
        ensemble.set_params(estimator=of_row_numbers(self.estimator, X))
        return np.arange(len(y))[:, None]

    def _score(self):
        """What `score_block` returns for each row: a name or (callable, classes)."""
        if callable(self.scoring):
            return self.scoring, getattr(self, "classes_", None)
        return self.scoring, None

    def _add(self, rows, scores, probabilities):
        self.oob_counts_[rows] += 1
        self._sums[0, rows] += scores
        self._sums[1, rows] += scores**2
        if probabilities is not None:
            self._class_sums[rows] += probabilities

    def _check_counts(self, n_samples):
        missing = np.count_nonzero(self.oob_counts_ == 0)
        if missing == 0:
            return
        n_drawn = self.max_samples
        if not isinstance(n_drawn, Integral):
            n_drawn = max(1, int(n_drawn * n_samples))
        always = -math.expm1(n_drawn * math.log1p(-1 / n_samples))
        # Expected number of rows never out of bag below 0.001.
        needed = math.ceil(math.log(0.001 / n_samples) / math.log(always))
        raise ValueError(
            f"n_estimators={self.n_estimators} leaves {missing} of {n_samples} rows in "
            f"every bag, so that they have no out-of-bag score; use n_estimators >= "
            f"{max(needed, self.n_estimators + 1)} or a lower max_samples."
        )

    def _summarise(self, y):
        count, (total, squares) = self.oob_counts_, self._sums
        mean = total / count
        variance = np.maximum(squares / count - mean**2, 0)
        stderr = np.sqrt(variance / np.maximum(count - 1, 1))
        classification = hasattr(self, "classes_")
        self._keep_class_probabilities(
            self._class_sums / count[:, None] if classification else None
        )
        if self.scoring != "log_proba":
            self.data_values_, self.data_values_stderr_ = mean, stderr
        elif classification:
            floored = np.maximum(mean, 1 / (2 * count))
            self.data_values_ = np.log(floored)
            self.data_values_stderr_ = stderr / floored
        else:
            residual = y - mean
            scale = np.median(np.abs(residual)) or np.finfo(float).tiny
            ratio = residual / scale
            self.data_values_ = -np.log1p(ratio**2)
            slope = 2 * np.abs(ratio) / (1 + ratio**2) / scale
            self.data_values_stderr_ = slope * stderr

    def _plausible_rows(self):
        if hasattr(self, "classes_") or self.scoring != "log_proba":
            return super()._plausible_rows()
        return self.data_values_ >= -math.log1p(_RESIDUAL_LIMIT**2)
