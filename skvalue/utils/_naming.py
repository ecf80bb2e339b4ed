"""Errors of validation, and of the user's models, that name the culprit."""

from contextlib import contextmanager

import numpy as np
from sklearn.base import clone

from ._predictions import class_probabilities


@contextmanager
def naming(*names):
    """Make sure that an error of scikit-learn's validation names the argument."""
    try:
        yield
    except (TypeError, ValueError, OverflowError) as error:
        message = str(error)
        no_number = "convert string" in message or "float() argument" in message
        if no_number and names[0].startswith("X"):
            message += (
                '; leave encoder="auto", or encode columns that are not numbers first '
                "(OneHotEncoder)"
            )
        words = message.replace(":", " ").split()
        # scikit-learn's own wording about column names can only mean X.
        named = any(name in words for name in names) or (
            "X" in names and "feature names" in message.lower()
        )
        if not named:
            subject = " and ".join(names) if "inconsistent" in message else names[0]
            message = f"{subject}: {message}"
        if message == str(error) and not isinstance(error, OverflowError):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(message) from error


def refuse_classes(**given):
    """Refuse a class where an instance is meant: its parentheses were forgotten."""
    for name, value in given.items():
        if isinstance(value, type) and hasattr(value, "fit"):
            raise ValueError(
                f"{name} must be an instance, such as {value.__name__}(), not a class."
            )


@contextmanager
def reading(argument, estimator, X):
    """Make an error of a user's estimator say what it was given.

    Parameters
    ----------
    argument : str
        The parameter that it is.

    estimator : estimator
        That of the user.

    X : {ndarray, dataframe, sparse matrix, list}
        Rows as they came. Errors on an array of numbers are left as they are.
    """
    try:
        yield
    except Exception as error:
        if _is_numbers(X):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        form = f"{'sparse ' if hasattr(X, 'nnz') else ''}{type(X).__name__}"
        raise kind(
            f"{argument}={type(estimator).__name__} failed on the rows of X as they "
            f"came ({form}): {str(error).rstrip('.')}. Give one that reads them, such "
            "as a Pipeline, or an encoder, which the rows then pass first."
        ) from error


def try_on(estimator, X, y):
    """Fit once what will be fitted often, where rows are not numbers only.

    An error comes before the first of many fits, and is not one of a coalition.

    Parameters
    ----------
    estimator : estimator
        Cloned.

    X : {ndarray, dataframe, sparse matrix, list}
        Training rows as they came.

    y : ndarray of shape (n_samples,)
        Labels or targets.
    """
    if _is_numbers(X):
        return
    with reading("estimator", estimator, X):
        model = clone(estimator).fit(X, y)
        if hasattr(model, "predict_proba"):
            class_probabilities(model, X, model.classes_)


def _is_numbers(X):
    """Whether rows are numbers without missing cells, in any container but sparse."""
    try:
        array = np.asarray(X)
        return array.dtype.kind in "biuf" and not np.isnan(array).any()
    except (TypeError, ValueError):
        return False


def sorted_labels(labels, name, **options):
    """`numpy.unique` of labels, or an error that says that they cannot be compared.

    Parameters
    ----------
    labels : ndarray of shape (n_rows,)
        Labels of any type.

    name : str
        The argument, for errors.

    **options : dict
        Of `numpy.unique`.

    Returns
    -------
    unique : ndarray or tuple of ndarray
        As `numpy.unique` returns them.
    """
    try:
        return np.unique(labels, **options)
    except TypeError as error:
        kinds = sorted({type(label).__name__ for label in labels})
        raise ValueError(
            f"{name} mixes labels that cannot be compared ({', '.join(kinds)}); use "
            "labels of one type, without missing ones."
        ) from error
