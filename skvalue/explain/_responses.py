"""What is explained: a function of rows, from a fitted estimator or a callable."""

import numpy as np
from sklearn.base import is_classifier as has_tag_of_classifiers
from sklearn.base import is_outlier_detector
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

AUTO_OF_CLASSIFIERS = ("predict_proba", "decision_function", "predict")


def is_fitted(estimator):
    """Whether an estimator, or any callable, may predict."""
    if not hasattr(estimator, "fit"):
        return True
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


def is_classifier(estimator):
    """The same as scikit-learn's, for estimators without tags, too."""
    if has_tags(estimator):
        return has_tag_of_classifiers(estimator)
    return hasattr(estimator, "predict_proba")


def has_tags(estimator):
    """Whether scikit-learn can tell what kind of estimator this is."""
    return hasattr(estimator, "__sklearn_tags__")


class Response:
    """Outputs of a model as float64, one column each.

    Parameters
    ----------
    estimator : fitted estimator or callable
        A callable takes rows, and returns ``(n_rows,)`` or ``(n_rows, n_outputs)``.

    method : str
        Name of the method of an estimator; "auto" is resolved.

    output : object or None
        Label of a class, or number of an output; None: all of them, and of two classes
        the second.

    Attributes
    ----------
    classes : ndarray or None
        Labels of the outputs of a classifier.

    column : int or None
        The one output.
    """

    def __init__(self, estimator, method, output):
        self.estimator, self.output = estimator, output
        self.method = self._resolve(method)
        self.classes = None
        scores = self.method in {"predict_proba", "predict_log_proba"}
        if scores or self.method == "decision_function":
            self.classes = getattr(estimator, "classes_", None)
        if isinstance(self.classes, list):
            raise ValueError(
                f"estimator={type(estimator).__name__} has several outputs of classes "
                "each; give a callable that returns the probability to be explained."
            )
        self.column, self._sign = self._resolve_output()

    def __call__(self, X):
        """Outputs ``(n_rows, n_outputs)`` of these rows."""
        call = self.estimator if self.method is None else self._bound()
        found = call(X)
        try:
            found = np.asarray(found, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{self._name} must return numbers to be explained, one row of them a "
                f"row; got {type(found).__name__}. Choose another response_method."
            ) from error
        if found.ndim == 1:
            found = found[:, None]
        if found.ndim != 2 or len(found) != len(X):
            raise ValueError(
                f"{self._name} returned shape {found.shape} for {len(X)} rows; it must "
                "return (n_rows,) or (n_rows, n_outputs)."
            )
        if not np.isfinite(found).all():
            raise ValueError(
                f"{self._name} returned NaN or infinity; only finite outputs can be "
                "explained."
            )
        if self.column is None:
            return found
        if self.column >= found.shape[1]:
            raise ValueError(
                f"output={self.output!r} is not one of the {found.shape[1]} outputs of "
                f"{self._name}."
            )
        return self._sign * found[:, self.column : self.column + 1]

    def labels(self, n_outputs):
        """Labels of the classes that are explained, or numbers of the outputs."""
        if self.classes is not None:
            if self.output is not None:
                return np.asarray([self.output])
            return self.classes[1:] if n_outputs == 1 else self.classes
        if self.column is not None:
            return np.array([self.column])
        return np.arange(n_outputs)

    @property
    def _name(self):
        if self.method is None:
            return "estimator (a callable)"
        return f"{self.method} of estimator={type(self.estimator).__name__}"

    def _bound(self):
        return getattr(self.estimator, self.method)

    def _resolve(self, method):
        if not any(hasattr(self.estimator, name) for name in ("fit", "predict")):
            if method != "auto":
                raise ValueError(
                    f'response_method={method!r} needs an estimator; "auto" calls '
                    "what is callable."
                )
            return None
        if method == "auto":
            choices = ("predict",)
            if is_classifier(self.estimator):
                choices = AUTO_OF_CLASSIFIERS
            elif has_tags(self.estimator) and is_outlier_detector(self.estimator):
                choices = ("decision_function",)
        else:
            choices = (method,)
        for choice in choices:
            if hasattr(self.estimator, choice):
                return choice
        raise ValueError(
            f"estimator={type(self.estimator).__name__} has no {' or '.join(choices)}, "
            f"which response_method={method!r} asks for."
        )

    def _resolve_output(self):
        """Column of the outputs, and the sign by which it counts."""
        is_binary = self.classes is not None and len(self.classes) == 2
        if self.classes is None:
            if self.output is None:
                return None, 1.0
            is_number = isinstance(self.output, (int, np.integer))
            if not is_number or isinstance(self.output, bool) or self.output < 0:
                raise ValueError(
                    f"output={self.output!r} must be the number of an output, an "
                    "integer >= 0, where there are no classes."
                )
            return int(self.output), 1.0
        places = np.arange(len(self.classes))
        if self.output is not None:
            places = np.flatnonzero(self.classes == self.output)
            if len(places) != 1:
                raise ValueError(
                    f"output={self.output!r} is none of the classes "
                    f"{list(self.classes)[:20]} of the estimator."
                )
        elif is_binary:
            places = places[1:]
        else:
            return None, 1.0
        if is_binary and self.method == "decision_function":
            # One column, for the second class.
            return 0, 1.0 if places[0] == 1 else -1.0
        return int(places[0]), 1.0
