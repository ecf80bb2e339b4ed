r"""What a coalition of training rows is worth for each held-out row by itself.

.. math:: v_e(S) = \mathrm{output}\big(\mathrm{fit}(S);\ x_e, y_e\big)

A game for each held-out row; one fit plays all of them. What a coalition without rows,
or with rows of one class, is worth is decided in `_utility`.
"""

import numpy as np

from .._linear_engine import LARGEST_MARGIN
from ..utils._predictions import class_probabilities, finite_predictions
from ..utils._sample_weight import check_takes_weights
from ._utility import Utility, _blaming, _KnownClasses

# Outputs, and a scoring of the engine that takes the same models.
CLASSIFICATION_OUTPUTS = {
    "margin": "neg_log_loss",
    "probability": "neg_log_loss",
    "neg_log_loss": "neg_log_loss",
    "accuracy": "accuracy",
}
REGRESSION_OUTPUTS = {"neg_squared_error": "neg_mean_squared_error"}
# Scorers that are means of an output over the held-out rows.
OF_MEANS = {
    "accuracy": "accuracy",
    "neg_log_loss": "neg_log_loss",
    "neg_mean_squared_error": "neg_squared_error",
}
ENGINE_SCORINGS = CLASSIFICATION_OUTPUTS | REGRESSION_OUTPUTS


class RowUtility(Utility):
    """Outputs for held-out rows of an estimator fitted on a coalition.

    Parameters of `Utility`; values and scores have one dimension more, the last, of the
    held-out rows. `scoring` is one of

    - ``"margin"``: log odds of the row's own class, clipped at 36 (double precision);
    - ``"probability"``: probability of its class;
    - ``"neg_log_loss"``: log of that, clipped at -36;
    - ``"accuracy"``: 1 where its class is predicted, else 0;
    - ``"neg_squared_error"``: minus the squared error of the prediction.
    """

    _by_row = True
    # Of `Datamodels`, the only ones with coalitions of few rows that are refitted.
    _more_rows = "raise inclusion_probability or subset_size"

    def _check(self):
        check_takes_weights(self.estimator, self.sample_weight)

    @property
    def _engine_scoring(self):
        return ENGINE_SCORINGS[self.scoring]

    def in_out_sums(self, masks, weights):
        """Weighted sums of `in_out` over coalitions, where subsets are shared.

        Parameters
        ----------
        masks : ndarray of shape (n_coalitions, n_players), dtype bool
            Coalitions.

        weights : ndarray of shape (n_coalitions, n_players)
            Of each row's contribution to each of them.

        Returns
        -------
        sums : ndarray of shape (n_players, n_val)
            One row for each training row.
        """
        return self.engine.in_out_sums(masks, weights)

    def _score(self, model, fitted_on="constant predictions"):
        if self.classes is not None and not np.array_equal(
            getattr(model, "classes_", ()), self.classes
        ):
            model = _KnownClasses(model, self.classes)
        name = type(self.estimator).__name__
        failed = f"{name}, fitted on {fitted_on}, failed to predict"
        with _blaming(failed, self._more_rows):
            if self.classes is None:
                return -((finite_predictions(model, self.X_val) - self.y_val) ** 2)
            if self.scoring == "accuracy":
                hit = model.predict(self.X_val) == self._labels(self.y_val)
                return np.asarray(hit, dtype=np.float64)
            probabilities = class_probabilities(model, self.X_val, self.classes)
        return own_outputs(probabilities, self.y_val, self.scoring)


def resolve_output(output, estimator, is_classification):
    """The output that ``"auto"`` stands for; any other if it is defined.

    Parameters
    ----------
    output : str
        "auto", or an output of `RowUtility`.

    estimator : estimator object or None
        The user's; None has class probabilities.

    is_classification : bool
        Whether rows have labels.

    Returns
    -------
    output : str
        An output of `RowUtility`.
    """
    has_probabilities = estimator is None or hasattr(estimator, "predict_proba")
    if output == "auto":
        if not is_classification:
            return "neg_squared_error"
        return "margin" if has_probabilities else "accuracy"
    allowed = CLASSIFICATION_OUTPUTS if is_classification else REGRESSION_OUTPUTS
    if output not in allowed:
        kind = "labels" if is_classification else "real targets"
        raise ValueError(
            f"output={output!r} is not defined where y holds {kind}; use one of "
            f"{list(allowed)}."
        )
    if is_classification and output != "accuracy" and not has_probabilities:
        raise ValueError(
            f"output={output!r} needs probabilities, and "
            f"estimator={type(estimator).__name__} has no predict_proba; use "
            '"accuracy", or another estimator.'
        )
    return output


def output_of_scoring(scoring, estimator, classes):
    """The output whose mean over held-out rows is a score of theirs.

    Parameters
    ----------
    scoring : str, callable or None
        Of `Utility`.

    estimator : estimator object
        Whether it has probabilities is asked.

    classes : ndarray of shape (n_classes,) or None
        None for regression.

    Returns
    -------
    output : str
        Of `RowUtility`.

    is_ratio : bool
        Whether the score is the mean over the variance of the held-out targets, but
        for a constant: R².
    """
    is_ratio = classes is None and scoring in (None, "r2")
    if is_ratio:
        return "neg_squared_error", True
    if scoring is None:
        has_probabilities = hasattr(estimator, "predict_proba")
        return ("probability" if has_probabilities else "accuracy"), False
    if not isinstance(scoring, str) or scoring not in OF_MEANS:
        raise ValueError(
            f"scoring={scoring!r} is not known as a mean over held-out rows, so it has "
            f"no attributions; use None or one of {[*OF_MEANS, 'r2']}."
        )
    return OF_MEANS[scoring], False


def own_outputs(probabilities, codes, output):
    """Output of each row from the probabilities of all classes.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_classes)
        Left as they are.

    codes : ndarray of shape (n_rows,)
        Class of each row.

    output : {"margin", "probability", "neg_log_loss"}
        What is asked for.

    Returns
    -------
    outputs : ndarray of shape (n_rows,), dtype float64
        Finite.
    """
    probabilities = np.array(probabilities, dtype=np.float64)
    rows = np.arange(len(codes))
    own = probabilities[rows, codes]
    if output == "probability":
        return own
    with np.errstate(divide="ignore"):
        logarithm = np.log(own)
        if output == "margin":
            # Not one minus the own: that has no digits where the class is certain.
            probabilities[rows, codes] = 0.0
            logarithm -= np.log(probabilities.sum(axis=1))
    return np.clip(logarithm, -LARGEST_MARGIN, LARGEST_MARGIN)
