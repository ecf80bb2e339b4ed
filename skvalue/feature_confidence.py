r"""Feature confidence: how well the columns of a row predict one another.

.. math:: v_i = -\frac{1}{|J|} \sum_{j \in J}
   \log\Bigl(1 + \frac{e_{ij}^2}{\operatorname{median}_i e_{ij}^2}\Bigr),

with :math:`e_{ij}` the out-of-bag error of column j predicted from the other columns.
No value that is computed from labels sees noise in the features; this one does.

Source: this library; each column's model is that of missing-value imputation by
forests (Stekhoven, Buehlmann, "MissForest", Bioinformatics 2012).
"""

import math
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.utils import check_random_state
from sklearn.utils.parallel import delayed

from ._encoder import made_of
from .base import BaseValuator
from .utils._progress import in_parallel
from .utils._random import draw_seed, integer_seed, seeded
from .utils._sklearn import HasMethods, Interval

# A row is implausible whose errors are, in the geometric mean of 1 + e^2 / median, as
# large as those of a row with three times the median error in every column.
_ERROR_LIMIT = 3.0
# The median squared error of a column counts as this share of its variance at least:
# a column that the others determine would outweigh all the rest.
_ERROR_FLOOR = 1e-6


class Target(NamedTuple):
    """A column that is predicted, and what encoding made of it and of the others."""

    column: int
    places: np.ndarray
    marks: np.ndarray
    others: np.ndarray
    is_categorical: bool


class FeatureConfidence(BaseValuator):
    r"""How well the columns of each row are predicted from one another.

    For column j, :math:`e_{ij}` is the error of row i under bagged extremely
    randomised trees that predict it from the other columns, out of bag. The value is
    :math:`v_i = -\operatorname{mean}_j \log(1 + e_{ij}^2 / \operatorname{median}_i
    e_{ij}^2)`; for a categorical column the term is the log loss of its category.
    Labels are not used: it finds rows with corrupted features, not wrong labels.

    Parameters
    ----------
    estimator : regressor or None, default=None
        Regressor with an ``oob_score`` parameter and ``oob_prediction_`` after fit,
        such as `ExtraTreesRegressor` or `BaggingRegressor`. None: 60 bagged extremely
        randomised trees with at least 3 rows a leaf and half of the columns a split.

    n_columns : int or None, default=None
        Number of columns, drawn at random, that are predicted; at least 1. None: all.

    categorical_features : array-like of int or bool, or None, default=None
        Columns of categories: their indices, or a mask of shape (n_features,). They
        are predicted by the classifier that matches the default `estimator`, as are
        columns of strings and categories, whether listed or not.

    task : {"auto", "classification", "regression"}, default="auto"
        Whether `y` holds class labels or real targets, see `BaseValuator`.

    encoder : {"auto"}, transformer or None, default="auto"
        What makes numbers of the rows, see `BaseValuator`.

    drop : float, "auto", "negative" or callable, default="auto"
        Which rows are of low value, see `BaseValuator`.

    n_jobs : int or None, default=None
        Number of columns in parallel. The values do not depend on it.

    random_state : int, RandomState instance or None, default=None
        Draws the columns and seeds the trees.

    memory : str, path-like, joblib.Memory or None, default=None
        Keeps fits, so that another `drop` values no row anew, see `BaseValuator`.

    verbose : int, default=0
        1: print a line of progress now and then, with the time left; 2: all of them.

    Attributes
    ----------
    data_values_ : ndarray of shape (n_samples,), dtype float64
        Value of each training row, at most 0, in nats a column; higher is better.

    columns_ : ndarray of shape (n_predicted,)
        Indices of the columns predicted; constant columns say nothing and are left
        out. With a transformer as `encoder`, of the columns that it makes.

    classes_ : ndarray of shape (n_classes,)
        The labels, in classification.

    encoder_ : transformer
        The fitted `encoder`.

    n_features_in_ : int
        Number of columns.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where `X` has them.

    fill_indices_ : ndarray of shape (n_samples,)
        After ``fit_transform``: the training row at each place of its output.

    Raises
    ------
    ValueError
        If `X` has a single column, or none that varies.

    See Also
    --------
    OutlierValuator : Isolated rows, by any outlier detector; cheaper.
    ConsensusValuator : Mean of several methods, for both kinds of noise.

    Notes
    -----
    Costs one ensemble a column: O(n_columns n_trees n_features n log(n)). Memory
    O(n n_columns). A missing entry has no error. Columns that are independent of all
    others only show outliers.

    References
    ----------
    .. [1] D. J. Stekhoven, P. Buehlmann, "MissForest: non-parametric missing value
       imputation for mixed-type data", Bioinformatics 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import ExtraTreesRegressor
    >>> from skvalue.feature_confidence import FeatureConfidence
    >>> t = np.linspace(0, 1, 100)
    >>> X, y = np.column_stack([t, 2 * t, t**2]), np.arange(100) % 2
    >>> X[7, 1] = 0.9
    >>> trees = ExtraTreesRegressor(40, bootstrap=True)
    >>> valuator = FeatureConfidence(trees, random_state=0).fit(X, y)
    >>> int(valuator.data_values_.argmin())
    7
    """

    _cost = "one forest a column"

    _parameter_constraints = {
        **BaseValuator._parameter_constraints,
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_columns": [Interval(Integral, 1, None, closed="left"), None],
        "categorical_features": ["array-like", None],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        estimator=None,
        *,
        n_columns=None,
        categorical_features=None,
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
        self.n_columns = n_columns
        self.categorical_features = categorical_features
        self.n_jobs = n_jobs

    def _fit(self, X, y, X_val, y_val):
        rng = check_random_state(integer_seed(self.random_state))
        made = made_of(self, X.shape[1])
        targets = self._draw_targets(X, made, rng)
        self.columns_ = np.array([target.column for target in targets])
        models = [
            seeded(
                _classifier() if target.is_categorical else self._regressor(),
                draw_seed(rng),
            )
            for target in targets
        ]
        tasks = (
            delayed(_column_loss)(model, X, target)
            for model, target in zip(models, targets, strict=True)
        )
        progress = self._progress(len(targets), "columns")
        losses = in_parallel(tasks, progress, n_jobs=self.n_jobs, prefer="threads")
        self.data_values_ = -_mean_of_known(np.array(losses))

    def _categorical_mask(self, n_features):
        mask = np.zeros(n_features, dtype=bool)
        if self.categorical_features is None:
            return mask
        chosen = np.asarray(self.categorical_features)
        if chosen.dtype == bool and chosen.shape == (n_features,):
            return chosen
        if chosen.dtype.kind in "iu" and np.all((chosen >= 0) & (chosen < n_features)):
            mask[chosen] = True
            return mask
        raise ValueError(
            f"categorical_features={self.categorical_features!r} must be column "
            f"indices in [0, {n_features}), or a boolean mask of shape "
            f"({n_features},)."
        )

    def _draw_targets(self, X, made, rng):
        """Columns of the user's that are predicted, as encoding left them."""
        n_features = X.shape[1]
        if isinstance(self.encoder, str):
            n_features = getattr(self, "n_features_in_", n_features)
        categorical = self._categorical_mask(n_features)
        # A direction is made of all columns, and counts as one itself.
        own = np.where(made.origin < 0, np.arange(X.shape[1]), made.origin)
        if len(np.unique(own)) < 2:
            raise ValueError(
                "FeatureConfidence predicts each column from the others, so that X "
                "needs two at least; it has n_features = 1."
            )
        varies = np.ptp(X, axis=0) > 0
        targets = []
        for column in np.unique(own[varies & (made.what != "missing")]):
            mine = own == column
            places = np.flatnonzero(mine & (made.what != "missing"))
            marks = np.flatnonzero(mine & (made.what == "missing"))
            is_categorical = made.what[places[0]] == "level" or (
                made.what[places[0]] == "number" and categorical[column]
            )
            if len(places) > X.shape[0] / 2:
                # Names, not levels: too few rows each to be told from others.
                continue
            others = np.flatnonzero(~mine)
            targets.append(Target(column, places, marks, others, is_categorical))
        if len(targets) == 0:
            raise ValueError("X has constant columns only; no column can be predicted.")
        if self.n_columns is None or self.n_columns >= len(targets):
            return targets
        chosen = np.sort(rng.choice(len(targets), self.n_columns, replace=False))
        return [targets[place] for place in chosen]

    def _regressor(self):
        if self.estimator is None:
            return ExtraTreesRegressor(**_TREES)
        if "oob_score" not in self.estimator.get_params():
            raise ValueError(
                f"estimator={self.estimator!r} has no out-of-bag predictions "
                "(oob_score); use ExtraTreesRegressor, RandomForestRegressor or "
                "BaggingRegressor."
            )
        return self.estimator

    def _plausible_rows(self):
        return self.data_values_ >= -math.log1p(_ERROR_LIMIT**2)


_TREES = {
    "n_estimators": 60,
    "min_samples_leaf": 3,
    "max_features": 0.5,
    "bootstrap": True,
}


def _classifier():
    return ExtraTreesClassifier(**_TREES)


def _column_loss(model, X, target):
    """Loss of each row's entry in a column, predicted from the others out of bag.

    NaN where the entry is missing.
    """
    others, entries = X[:, target.others], X[:, target.places]
    if entries.shape[1] > 1:
        entries = entries.argmax(axis=1)
    loss = _loss(model, others, entries.ravel(), target.is_categorical)
    loss[X[:, target.marks].any(axis=1)] = np.nan
    return loss


def _loss(model, others, entries, is_categorical):
    model.set_params(oob_score=True)
    if is_categorical:
        codes = np.unique(entries, return_inverse=True)[1]
        shares = model.fit(others, codes).oob_decision_function_
        own = np.take_along_axis(shares, codes[:, None], axis=1)[:, 0]
        return -np.log(np.maximum(own, 1 / (2 * len(codes))))
    # It asks whether real numbers are whole by a cast, which large ones overflow.
    with np.errstate(invalid="ignore"):
        model.fit(others, entries)
    squared = (entries - model.oob_prediction_) ** 2
    scale = max(np.median(squared), _ERROR_FLOOR * np.var(entries))
    return np.log1p(squared / scale)


def _mean_of_known(losses):
    """Mean over the columns of what is not NaN; a row without any is like the mean."""
    is_known = np.isfinite(losses)
    total = np.where(is_known, losses, 0.0).sum(axis=0)
    count = is_known.sum(axis=0)
    mean = total / np.maximum(count, 1)
    mean[count == 0] = total.sum() / max(count.sum(), 1)
    return mean
