"""Fits of bagged estimators, and how well they predict the rows out of their bags."""

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from ._predictions import finite_predictions, probabilities_or_votes
from ._sample_weight import fit_weighted


def score_block(ensemble, data, seed, block, scoring):
    """Out-of-bag rows, scores and class probabilities of a few estimators.

    Parameters
    ----------
    ensemble : bagging ensemble or forest
        Without a size or a seed; it is fitted here.

    data : tuple (X, y, sample_weight)
        Rows, class codes or targets, and weights or None.

    seed : int
        Of the whole ensemble.

    block : tuple of int
        The estimators are numbers ``block[0]`` to ``block[1] - 1`` of the ensemble that
        scikit-learn grows from the same seed.

    scoring : tuple (scoring, classes)
        A name of `skvalue.data_oob.DataOOB`, or a callable with the labels.

    Returns
    -------
    results : list of tuple (rows, scores, probabilities)
        One an estimator that leaves out rows; in regression without probabilities.
    """
    (X, y, sample_weight), (start, stop) = data, block
    rng = np.random.RandomState(seed)
    # One draw an estimator: how scikit-learn's own warm start skips those done.
    rng.randint(np.iinfo(np.int32).max, size=start)
    ensemble.set_params(n_estimators=stop - start, random_state=rng)
    ensemble.fit(X, y)
    trees = isinstance(ensemble, (RandomForestClassifier, RandomForestRegressor))
    # The type that trees compute on: converted once, not once a tree.
    X = X.astype(np.float32) if trees else X
    results = []
    for estimator, drawn in zip(
        ensemble.estimators_, ensemble.estimators_samples_, strict=True
    ):
        out_of_bag = np.ones(len(y), dtype=bool)
        out_of_bag[drawn] = False
        rows = np.flatnonzero(out_of_bag)
        if sample_weight is not None:
            # scikit-learn would draw by weight: a heavy row would be in every bag.
            weights = sample_weight * np.bincount(drawn, minlength=len(y))
            estimator = _refit(estimator, X, y, weights)
        if len(rows) == 0 or estimator is None:
            continue
        options = {"check_input": False} if trees else {}
        results.append(
            (
                rows,
                *_row_scores(ensemble, estimator, X[rows], y[rows], scoring, options),
            )
        )
    return results


def _refit(estimator, X, y, weights):
    """The estimator of a bag, fitted with weights; None where nothing has any."""
    rows = np.flatnonzero(weights)
    if len(rows) == 0:
        return None
    return fit_weighted(clone(estimator), X[rows], y[rows], weights[rows])


def _row_scores(ensemble, estimator, X, y, scoring, options):
    """Score of each row, and its class probabilities (None in regression)."""
    scoring, classes = scoring
    if not hasattr(ensemble, "classes_"):
        predicted = finite_predictions(estimator, X, **options)
        if callable(scoring):
            return _checked(scoring(y, predicted), len(y)), None
        return (predicted if scoring == "log_proba" else -((y - predicted) ** 2)), None
    # The members of an ensemble are trained on codes; a bag may lack a class.
    probabilities = probabilities_or_votes(estimator, X, ensemble.n_classes_, **options)
    predicted = probabilities.argmax(axis=1)
    if callable(scoring):
        scores = _checked(scoring(classes[y], classes[predicted]), len(y))
    elif scoring == "log_proba":
        scores = probabilities[np.arange(len(y)), y]
    else:
        scores = predicted == y
    return scores, probabilities


def _checked(scores, n_rows):
    scores = np.asarray(scores, dtype=np.float64)
    if scores.shape != (n_rows,):
        raise ValueError(
            f"scoring returned an array of shape {scores.shape}; it must return the "
            f"score of each row, of shape ({n_rows},)."
        )
    return scores
