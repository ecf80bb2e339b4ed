"""Weights of rows in fits and scores of the user's objects: the one way to pass them.

What takes weights gets them; what does not is refused before anything is fitted, since
a fit that ignores them would be another fit.
"""

from inspect import Parameter, signature

from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from ._sklearn import routing_enabled


def weight_names(estimator):
    """Parameters of ``fit`` by which an estimator takes weights of rows.

    Parameters
    ----------
    estimator : estimator
        Without metadata routing, a Pipeline takes them for every step that does, as
        ``step__sample_weight``, if the last one does. With it, what requests them.

    Returns
    -------
    names : list of str
        Empty where it takes none.
    """
    if hasattr(estimator, "_weight_names"):
        return estimator._weight_names
    if has_fit_parameter(estimator, "sample_weight"):
        return ["sample_weight"]
    if routing_enabled():
        # A router takes it as one of **params, if a part of it requests it.
        requests = get_routing_for_object(estimator)
        return ["sample_weight"] if requests.consumes("fit", ["sample_weight"]) else []
    if isinstance(estimator, Pipeline) and weight_names(estimator.steps[-1][1]):
        return [
            f"{name}__{of_step}"
            for name, step in estimator.steps
            for of_step in weight_names(step)
        ]
    return []


def check_takes_weights(estimator, sample_weight, name="estimator"):
    """Refuse weights that an estimator could not take.

    Parameters
    ----------
    estimator : estimator
        Unfitted.

    sample_weight : object
        None: no weights, nothing to refuse.

    name : str, default="estimator"
        What it is to the user.
    """
    if sample_weight is not None and not weight_names(estimator):
        kind = type(estimator).__name__
        raise ValueError(
            f"sample_weight needs a fit that takes it, and that of {name}={kind} does "
            "not; give another, or leave sample_weight out. A search takes it where "
            "metadata routing is enabled and requests it."
        )


def fit_weighted(estimator, X, y, sample_weight):
    """Fit on weighted rows; without weights, the plain fit.

    Parameters
    ----------
    estimator : estimator
        Fitted in place; `check_takes_weights` has passed it.

    X, y : array-like
        Rows and targets.

    sample_weight : ndarray of shape (n_rows,) or None
        Their weights.

    Returns
    -------
    estimator : estimator
        The same.
    """
    if sample_weight is None:
        return estimator.fit(X, y)
    return estimator.fit(X, y, **dict.fromkeys(weight_names(estimator), sample_weight))


def check_scores_weights(scorer, sample_weight, scoring):
    """Refuse weights that a scorer could not take.

    Parameters
    ----------
    scorer : callable
        ``scorer(estimator, X, y)``.

    sample_weight : object
        Weights of held-out rows; None: nothing to refuse.

    scoring : object
        What the user gave, for the message.
    """
    if sample_weight is None:
        return
    parameters = signature(getattr(scorer, "_score_func", scorer)).parameters
    takes_any = any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values())
    if not takes_any and "sample_weight" not in parameters:
        raise ValueError(
            f"sample_weight needs a scoring that takes it, and scoring={scoring!r} "
            "does not; give another, or X_val and y_val, whose rows count the same."
        )
