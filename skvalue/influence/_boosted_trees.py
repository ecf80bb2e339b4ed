"""Fitted gradient boosting as leaves and leaf values: the one adapter to its trees.

Whatever the model, stage t adds ``values[k][leaf]`` to score k of a row, where ``leaf``
is the node that the row ends in. A leaf's value is ``shrinkage`` times a Newton step,

    values[k][leaf] = shrinkage * theta,   theta = - sum w g / (sum w h + l2),

over the training rows in it. Documented attributes are used where they exist;
`HistGradientBoosting*` keeps its trees in private ones, and a version of scikit-learn
without them gets an error that says so.
"""

import numpy as np
from sklearn.base import is_classifier
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.utils.class_weight import compute_class_weight

_HISTOGRAM = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
_CLASSIC = (GradientBoostingClassifier, GradientBoostingRegressor)
BOOSTING_MODELS = (*_HISTOGRAM, *_CLASSIC)


class BoostedTrees:
    """The trees of one fitted model.

    Parameters
    ----------
    model : estimator
        One of `BOOSTING_MODELS`, fitted, that passes `check_boosting`.

    y : ndarray of shape (n_samples,)
        The labels or targets that it was fitted on.
    """

    def __init__(self, model, y):
        self.model = model
        self.is_histogram = isinstance(model, _HISTOGRAM)
        try:
            self._stages = model._predictors if self.is_histogram else model.estimators_
            if self.is_histogram:
                mapper = model._bin_mapper
                self._categories = mapper.make_known_categories_bitsets()
        except AttributeError as error:
            raise _unknown_version(model) from error
        self.n_stages, self.n_outputs = len(self._stages), len(self._stages[0])
        self.classes = model.classes_ if is_classifier(model) else None
        self.shrinkage = model.learning_rate
        # What scikit-learn adds to the denominator of a leaf.
        self.l2 = model.l2_regularization + 1e-15 if self.is_histogram else 0.0
        if not self.is_histogram and self.n_outputs > 1:
            # Friedman's factor for several classes, which only the older model has.
            self.shrinkage *= (self.n_outputs - 1) / self.n_outputs
        self._class_weights = None
        if getattr(model, "class_weight", None) is not None:
            self._class_weights = compute_class_weight(
                model.class_weight, classes=self.classes, y=y
            )
        # Whether the first scores are the best constant, not a model of the user's.
        self.starts_at_constant = self.is_histogram or model.init is None

    def knows(self, y):
        """Whether the model was trained on a row of each of these labels."""
        return np.isin(y, y if self.classes is None else self.classes)

    def weights(self, y):
        """Weight of rows of these labels in the sums of their leaves."""
        if self._class_weights is None:
            return np.ones(len(y))
        return self._class_weights[np.searchsorted(self.classes, y)]

    def prepared(self, X):
        """Rows in the form that `leaves` takes; checked once, not once a tree."""
        if not self.is_histogram:
            return np.ascontiguousarray(X, dtype=np.float32)
        try:
            return self.model._preprocess_X(X, reset=False)
        except (AttributeError, TypeError) as error:
            raise _unknown_version(self.model) from error

    def scores(self, X):
        """Scores after the last stage, of shape (n_rows, n_outputs)."""
        model = self.model
        predict = model.predict if self.classes is None else model.decision_function
        scores = predict(X)
        return scores.reshape(len(X), self.n_outputs).astype(np.float64)

    def target(self, y):
        """What the scores' means are compared with, of shape (n_rows, n_outputs)."""
        if self.classes is None:
            return np.asarray(y, dtype=np.float64)[:, None]
        wanted = self.classes[1:] if self.n_outputs == 1 else self.classes
        return (y[:, None] == wanted).astype(np.float64)

    def leaves(self, stage, prepared):
        """For each output, the number of the node that each row ends in."""
        if not self.is_histogram:
            trees = self._stages[stage]
            return [tree.apply(prepared, check_input=False) for tree in trees]
        return [
            self._numbered(tree).predict(prepared, *self._categories, 1).astype(np.intp)
            for tree in self._stages[stage]
        ]

    def values(self, stage):
        """For each output, what each node adds to the score."""
        if self.is_histogram:
            return [tree.nodes["value"] for tree in self._stages[stage]]
        rate = self.model.learning_rate
        return [rate * tree.tree_.value[:, 0, 0] for tree in self._stages[stage]]

    def _numbered(self, tree):
        """The same tree, which predicts the number of the leaf, not its value."""
        try:
            nodes = tree.nodes.copy()
            nodes["value"] = np.arange(len(nodes))
            bitsets = tree.binned_left_cat_bitsets, tree.raw_left_cat_bitsets
            return type(tree)(nodes, *bitsets)
        except (AttributeError, TypeError, ValueError) as error:
            raise _unknown_version(self.model) from error


def check_boosting(model):
    """Refuse what the equations of the leaves do not hold for, before any fit.

    Parameters
    ----------
    model : object
        What the user passed as `estimator`.
    """
    problem = None
    if not isinstance(model, BOOSTING_MODELS):
        names = ", ".join(kind.__name__ for kind in BOOSTING_MODELS)
        problem = f"is not a gradient boosting whose leaves are known; use {names}"
    elif model.loss not in {"log_loss", "squared_error"}:
        wanted = "log_loss" if is_classifier(model) else "squared_error"
        problem = f'has loss={model.loss!r}; only loss="{wanted}" is supported'
    elif getattr(model, "monotonic_cst", None) is not None:
        problem = "bounds its leaf values by monotonic_cst; use monotonic_cst=None"
    elif getattr(model, "early_stopping", None) is True:
        problem = (
            "holds training rows back by early_stopping=True, which leaves them "
            "without influence; use early_stopping=False and set max_iter"
        )
    elif getattr(model, "n_iter_no_change", None) and isinstance(model, _CLASSIC):
        problem = (
            "holds training rows back by n_iter_no_change, which leaves them without "
            "influence; use n_iter_no_change=None and set n_estimators"
        )
    elif getattr(model, "subsample", 1.0) != 1.0:
        problem = (
            f"has subsample={model.subsample}, and which rows each tree saw is not "
            "recorded; use subsample=1.0"
        )
    if problem:
        raise ValueError(f"estimator={model!r} {problem}.")


def _unknown_version(model):
    return RuntimeError(
        f"{type(model).__name__} of this version of scikit-learn does not keep its "
        "trees where BoostingInfluence looks for them; give a GradientBoosting model, "
        "or report this with the version."
    )
