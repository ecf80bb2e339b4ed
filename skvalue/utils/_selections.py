"""What a selection of training rows is worth: how a model of it does on other rows."""

import numpy as np
from sklearn.base import clone

from ._predictions import finite_predictions, probabilities_or_votes
from ._rows import take_rows
from ._sample_weight import fit_weighted


def held_out_score(estimator, X, y, selected, split, n_classes):
    """Score on the held-out rows of an estimator fitted on a selection.

    Parameters
    ----------
    estimator : estimator
        Cloned and fitted.

    X : {ndarray, sparse matrix, dataframe, list} of shape (n_samples, ...)
        Training rows of the split.

    y : ndarray of shape (n_samples,)
        Class codes, or real targets.

    selected : ndarray of int
        Numbers of the rows selected; none, or rows of one class, predict that.

    split : Split
        Held-out rows, and weights.

    n_classes : int or None
        None in regression.

    Returns
    -------
    score : float
        Mean probability of the held-out labels, or the negative squared error over the
        variance; higher is better.
    """
    weights, held_out = split.sample_weight, split.sample_weight_val
    if weights is not None:
        selected = selected[weights[selected] > 0]
        weights = weights[selected]
    X, y = take_rows(X, selected), y[selected]
    if n_classes is None:
        predicted = 0.0
        if len(y):
            model = fit_weighted(clone(estimator), X, y, weights)
            predicted = finite_predictions(model, split.X_val)
        error = split.y_val - predicted
        centred = split.y_val - np.average(split.y_val, weights=held_out)
        variance = np.average(centred**2, weights=held_out)
        return -np.average(error**2, weights=held_out) / variance
    if len(np.unique(y)) < 2:
        probabilities = np.zeros((len(split.y_val), n_classes))
        probabilities[:, y[:1]] = 1.0
    else:
        model = fit_weighted(clone(estimator), X, y, weights)
        probabilities = probabilities_or_votes(model, split.X_val, n_classes)
    own = probabilities[np.arange(len(split.y_val)), split.y_val]
    return np.average(own, weights=held_out)
