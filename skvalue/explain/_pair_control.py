r"""What a row adds to a linear model of other rows, target by target.

.. math:: c_{ie} = v_e(A \cup i) - v_e(A)

for a half A of the training rows that lacks row i, read off one fit of the linear model
on A (`_linear_engine`): the influence of the row on it, with the leverage that a first
derivative leaves out. The halves are drawn at random and stratified; a training row
gets the mean over the halves that lack it, any other row over all.
"""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge

from ..semivalues._row_utility import RowUtility
from ..utils._chunks import row_chunks

# Divisions of the rows into two halves.
N_DIVISIONS = 8
# Parameters of a linear model at most: beyond, the rows' first principal components.
MAX_PARAMETERS = 2000
MAX_COLUMNS = 256


class PairControl:
    """Influence on linear models of halves of the rows.

    Parameters
    ----------
    model : estimator or None
        What is attributed, where the batched engine fits it: then the control is free
        of bias. None: logistic or ridge regression.

    X : ndarray of shape (n_samples, n_features)
        Training rows, standardised unless there is a model.

    y : ndarray of shape (n_samples,)
        Class codes, or real targets.

    n_classes : int or None
        None: regression.

    output : str
        What is attributed, see `Datamodels`.

    seed : int
        Of the halves.
    """

    def __init__(self, model, X, y, n_classes, output, seed):
        self._n_classes, self._output = n_classes, output
        default = Ridge() if n_classes is None else LogisticRegression()
        self._model = default if model is None else model
        n_columns = min(MAX_COLUMNS, max(1, MAX_PARAMETERS // (n_classes or 1)))
        self._components = None
        if model is None and min(X.shape) > n_columns:
            self._components = PCA(n_columns, random_state=0).fit(X)
        X = self._reduced(X)
        self._X, self._y, self._halves = X, y, []
        rng = np.random.RandomState(seed)
        for _ in range(N_DIVISIONS):
            is_second = _alternate(y, n_classes, rng)
            self._halves += [np.flatnonzero(~is_second), np.flatnonzero(is_second)]

    def of_training_rows(self, rows, X_target, y_target):
        """Control of some training rows, by number, (n_rows, n_targets)."""
        X_target = self._reduced(X_target)
        total, count = np.zeros((len(rows), len(y_target))), np.zeros((len(rows), 1))
        for half in self._halves:
            places = np.flatnonzero(~np.isin(rows, half))
            others = rows[places]
            total[places] += self._added(
                half, self._X[others], self._y[others], X_target, y_target
            )
            count[places] += 1
        total /= np.maximum(count, 1)
        return total

    def of_new_rows(self, X, y, X_target, y_target):
        """Control of rows that are no training rows, (n_rows, n_targets)."""
        X, X_target = self._reduced(X), self._reduced(X_target)
        total = np.zeros((len(y), len(y_target)))
        for half in self._halves:
            total += self._added(half, X, y, X_target, y_target)
        total /= len(self._halves)
        return total

    def _reduced(self, X):
        return X if self._components is None else self._components.transform(X)

    def _added(self, half, X, y, X_target, y_target):
        """What rows add to a half, target by target."""
        added = np.empty((len(y), len(y_target)))
        for chunk in row_chunks(len(y), len(y_target)):
            joined = RowUtility(
                self._model,
                np.concatenate([self._X[half], X[chunk]]),
                np.concatenate([self._y[half], y[chunk]]),
                X_target,
                y_target,
                classes=self._n_classes and np.arange(self._n_classes),
                scoring=self._output,
                # What a pair gets must not depend on the others.
                precision="float64",
            )
            mask = np.arange(joined.n_players) < len(half)
            added[chunk] = joined.in_out(mask[None])[0, len(half) :]
        return added


def _alternate(y, n_classes, rng):
    """A random half of the rows, and of each class, as a mask."""
    order = rng.permutation(len(y))
    if n_classes is not None:
        order = order[np.argsort(y[order], kind="stable")]
    is_second = np.zeros(len(y), dtype=bool)
    is_second[order[1::2]] = True
    return is_second
