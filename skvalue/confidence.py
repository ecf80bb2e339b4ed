r"""Self-confidence: the cross-validated probability of each row's own label.

.. math:: v_i = \log \hat p_{-k(i)}(y_i \mid x_i),

with :math:`\hat p_{-k(i)}` fitted without the fold that holds row i.

Source: Northcutt, Jiang, Chuang, "Confident Learning: Estimating Uncertainty in Dataset
Labels", JAIR 2021.
"""

from numbers import Integral

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.parallel import delayed

from ._encoder import made_of
from .base import BaseValuator
from .utils._folds import make_folds, mean_over_parts, of_one_table
from .utils._naming import reading
from .utils._predictions import class_probabilities, finite_predictions
from .utils._progress import in_parallel
from .utils._random import integer_seed, seeded
from .utils._rows import take_rows
from .utils._sample_weight import check_takes_weights, fit_weighted
from .utils._scaling import ScaledRows, n_scaled_columns
from .utils._sklearn import HasMethods, StrOptions

# A regression row is implausible beyond this many standard deviations.
_RESIDUAL_LIMIT = 3.0


class SelfConfidence(BaseValuator):
    r"""Cross-validated confidence in each row's own label.

    With :math:`p_i(c)` the probability of class c for row i, predicted by the
    estimator fitted without the fold of row i, ``scoring`` is

    - ``"log_proba"``: :math:`\log \max(p_i(y_i), 1 / (2 n))`;
    - ``"proba"``: :math:`p_i(y_i)`;
    - ``"margin"``: :math:`p_i(y_i) - \max_{c \ne y_i} p_i(c)`;
    - regression: :math:`-|y_i - \hat y_i| / \sigma`, :math:`\sigma` the root mean
      square of the residuals, whatever ``scoring``.

    Not a paper's contribution as a data value, but the cheapest strong baseline.

    Parameters
    ----------
    estimator : estimator or None, default=None
        Classifier with ``predict_proba``, or a regressor. None: standardised columns
        and `LogisticRegression` with C of 1 over their number, or `Ridge`. The levels
        of categories are replaced by as many principal directions as there are
        columns of categories.

    cv : int, cross-validation generator or iterable, default=5
        Folds; every row must be held out once at least. An integer deals shuffled
        rows to that many folds, stratified by label.

    scoring : {"log_proba", "proba", "margin"}, default="log_proba"
        What is computed from the probabilities, see above. The logarithm sets wrong
        labels furthest apart from right ones, which ``drop="auto"`` needs.

    task : {"auto", "classification", "regression"}, default="auto"
        Whether `y` holds class labels or real targets, see `BaseValuator`.

    encoder : {"auto"}, transformer or None, default="auto"
        What makes numbers of the rows, see `BaseValuator`.

    drop : float, "auto", "negative" or callable, default="auto"
        Which rows are of low value, see `BaseValuator`.

    n_jobs : int or None, default=None
        Number of folds in parallel. The values do not depend on it.

    random_state : int, RandomState instance or None, default=None
        Deals the rows to folds, and seeds an estimator whose own `random_state` is
        None.

    memory : str, path-like, joblib.Memory or None, default=None
        Keeps fits, so that another `drop` values no row anew, see `BaseValuator`.

    verbose : int, default=0
        1: print a line of progress now and then, with the time left; 2: all of them.

    Attributes
    ----------
    data_values_ : ndarray of shape (n_samples,), dtype float64
        Value of each training row, in units of `scoring` (nats for ``"log_proba"``;
        regression: standard deviations of the residuals); higher is better.

    class_probabilities_ : ndarray of shape (n_samples, n_classes)
        Cross-validated probability of each class, in the order of `classes_`;
        classification only.

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
        If `cv` never holds out a row, or the estimator has no ``predict_proba``.

    See Also
    --------
    DataOOB : The same idea with bagged trees, which see interactions.
    ConsensusValuator : Mean of several methods.

    Notes
    -----
    Costs `cv` fits of the estimator; memory O(n n_classes). ``X_val`` is not used. A
    class that a fold's training rows lack has probability 0 there.

    References
    ----------
    .. [1] C. G. Northcutt, L. Jiang, I. L. Chuang, "Confident Learning: Estimating
       Uncertainty in Dataset Labels", JAIR 2021.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skvalue.confidence import SelfConfidence
    >>> X, y = load_iris(return_X_y=True)
    >>> y[0] = 2
    >>> valuator = SelfConfidence(random_state=0).fit(X, y)
    >>> int(valuator.data_values_.argmin())
    0
    """

    _cost = "`cv` fits"

    _parameter_constraints = {
        **BaseValuator._parameter_constraints,
        "estimator": [HasMethods(["fit", "predict"]), None],
        "cv": ["cv_object"],
        "scoring": [StrOptions({"log_proba", "proba", "margin"})],
        "n_jobs": [Integral, None],
    }

    _accept_sparse = "csr"

    def __init__(
        self,
        estimator=None,
        *,
        cv=5,
        scoring="log_proba",
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
        self.cv = cv
        self.scoring = scoring
        self.n_jobs = n_jobs

    def _model_of_y(self):
        return self.estimator

    def _reader(self):
        return self.estimator

    def _fit(self, X, y, X_val, y_val, *, sample_weight=None, groups=None):
        classification = hasattr(self, "classes_")
        seed = integer_seed(self.random_state)
        estimator = seeded(self._estimator(X), seed)
        check_takes_weights(estimator, sample_weight)
        folds = make_folds(X, y, self.cv, classification, seed, groups=groups)
        self._check_all_held_out(folds, len(y))
        if sample_weight is not None:
            # A row without weight teaches nothing.
            folds = [(rows[sample_weight[rows] > 0], held) for rows, held in folds]
        if classification:
            self._check_classes(folds, y)
        n_classes = len(self.classes_) if classification else None
        tasks = (
            delayed(_predict_fold)(estimator, X, y, *fold, n_classes, sample_weight)
            for fold in folds
        )
        progress = self._progress(len(folds), "folds")
        predictions = in_parallel(tasks, progress, n_jobs=self.n_jobs)
        held_out = [rows for _, rows in folds]
        mean = mean_over_parts(held_out, predictions, len(y))
        self._keep_class_probabilities(mean if classification else None)
        if classification:
            self.data_values_ = self._confidence(mean, y)
        else:
            residual = y - mean[:, 0]
            scale = np.sqrt(np.average(residual**2, weights=sample_weight)) or 1.0
            self.data_values_ = -np.abs(residual) / scale

    def _estimator(self, X):
        if self.estimator is None:
            made = made_of(self, X.shape[1])
            if issparse(X) or (made.what == "number").all():
                scaler = StandardScaler(with_mean=not issparse(X))
                n_columns = X.shape[1]
            else:
                scaler, n_columns = ScaledRows(made), n_scaled_columns(made)
            if not hasattr(self, "classes_"):
                return make_pipeline(scaler, Ridge())
            # Margins of variance 1 before the labels are seen, for any number of
            # columns: with C=1 many columns learn wrong labels by heart.
            return make_pipeline(scaler, LogisticRegression(C=1 / n_columns))
        if hasattr(self, "classes_") and not hasattr(self.estimator, "predict_proba"):
            raise ValueError(
                f"estimator={self.estimator!r} has no predict_proba, which confidence "
                "in a label needs; calibrate it (CalibratedClassifierCV) or give "
                "another classifier."
            )
        return self.estimator

    def _check_all_held_out(self, folds, n_samples):
        held_out = np.zeros(n_samples, dtype=bool)
        for _, rows in folds:
            held_out[rows] = True
        if not held_out.all():
            raise ValueError(
                f"cv={self.cv!r} never holds out row {np.argmin(held_out)}, so that it "
                "has no value; use a splitter whose test sets cover all rows."
                f"{of_one_table(self.cv)}"
            )

    def _check_classes(self, folds, y):
        """Refuse folds whose training rows are of one class: no model tells it."""
        for rows, _ in folds:
            if len(rows) == 0:
                raise ValueError(
                    f"cv={self.cv!r} leaves training rows of sample_weight 0 only; "
                    "give another cv, or other weights."
                )
            if (y[rows] == y[rows[0]]).all():
                label = self.classes_[y[rows[0]]].item()
                raise ValueError(
                    f"cv={self.cv!r} leaves training rows of one class ({label!r}) "
                    "only; give more rows of each label in y, or another cv."
                )

    def _confidence(self, probabilities, y):
        if self.scoring == "proba":
            return self.label_probabilities_.copy()
        if self.scoring == "log_proba":
            # n rows cannot tell a smaller probability from 0.
            return np.log(np.maximum(self.label_probabilities_, 1 / (2 * len(y))))
        others = probabilities.copy()
        others[np.arange(len(y)), y] = -np.inf
        return self.label_probabilities_ - others.max(axis=1)

    def _plausible_rows(self):
        if hasattr(self, "classes_"):
            return super()._plausible_rows()
        return self.data_values_ >= -_RESIDUAL_LIMIT


def _predict_fold(estimator, X, y, rows, held_out, n_classes, sample_weight):
    """Predictions for the held-out rows, of shape (n_held_out, n_classes or 1)."""
    held_out = take_rows(X, held_out)
    weights = None if sample_weight is None else sample_weight[rows]
    with reading("estimator", estimator, X):
        fitted = fit_weighted(clone(estimator), take_rows(X, rows), y[rows], weights)
        if n_classes is None:
            return finite_predictions(fitted, held_out)[:, None]
        return class_probabilities(fitted, held_out, np.arange(n_classes))
