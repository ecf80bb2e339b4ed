"""A Pipeline that ends in a valuator stands for one: raw rows in, values of them out.

Its last step values the rows that the earlier steps make; what is cut, or given back,
are the rows as they came.
"""

from sklearn.pipeline import Pipeline

from ._targets import last_step
from .base import BaseValuator


def is_valuator(candidate):
    """Whether this is a valuator of skvalue, or a Pipeline that ends in one.

    Parameters
    ----------
    candidate : object
        Anything.

    Returns
    -------
    is_valuator : bool
        False for classes.
    """
    return isinstance(last_step(candidate), BaseValuator)


def fit_valuator(valuator, X, y, **params):
    """Fit a valuator, or the steps of a Pipeline that ends in one.

    Parameters
    ----------
    valuator : valuator object or Pipeline
        A clone of the user's.

    X, y : array-like
        Rows as they came, and their targets.

    **params : dict
        Parameters of the valuator's ``fit``. `X_val` passes the earlier steps as `X`
        does.

    Returns
    -------
    valuator : valuator object or Pipeline
        The same, fitted.
    """
    if not isinstance(valuator, Pipeline):
        return valuator.fit(X, y, **params)
    *_, (name, last) = valuator.steps
    if len(valuator) > 1:
        earlier = valuator[:-1]
        X = earlier.fit_transform(X, y)
        if params.get("X_val") is not None:
            params = params | {"X_val": earlier.transform(params["X_val"])}
        # With `memory`, the fitted steps are others than those given.
        valuator.steps = [*earlier.steps, (name, last)]
    last.fit(X, y, **params)
    return valuator


def rows_for_last_step(valuator, X):
    """Rows as the last step of a fitted Pipeline gets them.

    Parameters
    ----------
    valuator : valuator object or Pipeline
        Fitted.

    X : array-like
        Rows as they came.

    Returns
    -------
    X : array-like
        The same where there is no earlier step.
    """
    is_longer = isinstance(valuator, Pipeline) and len(valuator) > 1
    return valuator[:-1].transform(X) if is_longer else X
