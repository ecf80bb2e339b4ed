"""What fitted models of the user's predict, checked: class probabilities, targets."""

import numpy as np

from ._sklearn import num_samples


def class_probabilities(model, X, classes, **options):
    """Probabilities in the order of `classes`, whatever order the model has.

    Parameters
    ----------
    model : fitted classifier
        With ``predict_proba`` and ``classes_``. It may know fewer classes: the others
        have probability 0.

    X : {array-like, sparse matrix} of shape (n_rows, n_features)
        Rows.

    classes : ndarray of shape (n_classes,)
        Sorted, of the type of the model's.

    **options : dict
        Further parameters of ``predict_proba``.

    Returns
    -------
    probabilities : ndarray of shape (n_rows, n_classes)
        Finite.

    Raises
    ------
    ValueError
        If the model returns something else; the message names it.
    """
    name = type(model).__name__
    known = getattr(model, "classes_", None)
    if known is None:
        raise ValueError(
            f"estimator={name} has no classes_ after fit, so that the columns of its "
            "predict_proba cannot be told apart; give a classifier that sets them."
        )
    found = np.asarray(model.predict_proba(X, **options))
    if found.ndim != 2 or found.shape[1] != len(known):
        raise ValueError(
            f"estimator={name}: predict_proba returned shape {found.shape} for "
            f"{len(known)} classes; it must return one column a class."
        )
    if not np.isfinite(found).all():
        raise ValueError(
            f"estimator={name}: predict_proba returned NaN or infinity; probabilities "
            "must be finite. Scale the rows, or give another classifier."
        )
    if len(known) == len(classes) and np.array_equal(known, classes):
        return found
    places = np.searchsorted(classes, known)
    if not np.array_equal(classes[places.clip(max=len(classes) - 1)], known):
        raise ValueError(
            f"estimator={name}: classes_ {list(known)[:20]} are not among the labels "
            f"{list(classes)[:20]} of y."
        )
    probabilities = np.zeros((len(found), len(classes)), dtype=found.dtype)
    probabilities[:, places] = found
    return probabilities


def probabilities_or_votes(model, X, n_classes, **options):
    """Probability of each class code, or 1 for the predicted one.

    Parameters
    ----------
    model : fitted classifier
        Of class codes; it may know fewer of them.

    X : {array-like, sparse matrix} of shape (n_rows, n_features)
        Rows.

    n_classes : int
        Number of classes.

    **options : dict
        Further parameters of ``predict_proba``, where the model has one.

    Returns
    -------
    probabilities : ndarray of shape (n_rows, n_classes)
        Finite.
    """
    if not hasattr(model, "predict_proba"):
        return np.eye(n_classes)[np.asarray(model.predict(X)).astype(np.intp)]
    return class_probabilities(model, X, np.arange(n_classes), **options)


def finite_predictions(model, X, **options):
    """Real predictions of a model, one a row.

    Parameters
    ----------
    model : fitted regressor
        With ``predict``.

    X : {array-like, sparse matrix} of shape (n_rows, n_features)
        Rows.

    **options : dict
        Further parameters of ``predict``.

    Returns
    -------
    predictions : ndarray of shape (n_rows,)
        Finite.

    Raises
    ------
    ValueError
        If the model returns something else; the message names it.
    """
    predicted = np.asarray(model.predict(X, **options), dtype=float)
    if predicted.shape != (num_samples(X),) or not np.isfinite(predicted).all():
        raise ValueError(
            f"estimator={type(model).__name__}: predict returned NaN, infinity or "
            f"shape {predicted.shape}; it must return one finite number a row."
        )
    return predicted
