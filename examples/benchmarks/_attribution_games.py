"""Tables, models and games of columns for the benchmark of attributions."""

import warnings
from math import comb

import numpy as np
from _data import load
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.utils import Bunch

from skvalue import FeatureAttribution

MODELS = {
    "network": MLPClassifier((64, 64), max_iter=40),
    "forest": RandomForestClassifier(30, max_depth=8),
    "logistic": LogisticRegression(max_iter=300),
}
# Players of every table.
TABLES = {
    "2dplanes": 10,
    "adult": 12,
    "digits": 16,
    "mnist_test": 16,
    "breast_cancer": 30,
}
N_TRAINING, N_TEST = 2000, 200
# Up to so many players all coalitions are evaluated.
MOST_ENUMERATED = 16
# Beyond them the truth is a mean of so many unbiased estimates of so many coalitions.
TRUTH_DRAWS, TRUTH_SAMPLES = 12, 4096


def table(name, seed):
    """Rows for training and rows to explain of a data set, and its players.

    Columns of adult and breast cancer are z-scored. The players of images are 16 square
    blocks of pixels, four by four of them.
    """
    rng = np.random.default_rng(seed)
    groups = None
    if name == "breast_cancer":
        X, y = load_breast_cancer(return_X_y=True)
    else:
        X, y = load(name)
    n_test = min(N_TEST, len(X) // 8)
    rows = rng.permutation(len(X))[: min(len(X), N_TRAINING + n_test)]
    X, y = X[rows].astype(np.float64), y[rows]
    if TABLES[name] == MOST_ENUMERATED:
        groups = super_pixels(round(X.shape[1] ** 0.5))
        X = X / X.max()
    else:
        X = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-6)
        # Indicators of frequent levels are rarely far out.
        order = np.argsort(np.abs(X).max(axis=0), kind="stable")
        X = X[:, np.sort(order[: TABLES[name]])]
    X = X.astype(np.float32)
    return Bunch(X=X[n_test:], y=y[n_test:], X_test=X[:n_test], groups=groups)


def super_pixels(side, n_blocks=4):
    """Numbers of the pixels of square blocks of an image, row by row."""
    block = np.arange(side) * n_blocks // side
    owner = (n_blocks * block[:, None] + block).ravel()
    return [np.flatnonzero(owner == player).tolist() for player in range(n_blocks**2)]


def fitted(name, rows, seed):
    """A model, fitted to the training rows."""
    model = clone(MODELS[name])
    if "random_state" in model.get_params():
        model.set_params(random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(rows.X, rows.y)


class Game:
    """What coalitions of columns are worth: the probability of the predicted class.

    Parameters
    ----------
    model : fitted classifier
        Gives probabilities.

    row, background : ndarray of shape (n_columns,)
        Cells of known columns, and of others.

    groups : list of lists of int or None
        Columns of each player; None: one each.
    """

    def __init__(self, model, row, background, groups):
        self.row, self.background = row, background
        self.n_players = len(groups) if groups else len(row)
        self.player_of = np.arange(len(row))
        for player, columns in enumerate(groups or []):
            self.player_of[columns] = player
        self._predict = probabilities_of(model)
        self.place = int(np.argmax(self._predict(row[None])[0]))
        self.worth = None

    def __call__(self, masks):
        if self.worth is not None:
            return self.worth[masks @ (1 << np.arange(self.n_players))]
        known = masks[:, self.player_of]
        return self._predict(np.where(known, self.row, self.background))[:, self.place]

    def enumerated(self):
        """Shapley values from all coalitions, which are looked up from now on."""
        count = 2**self.n_players
        masks = np.arange(count)[:, None] >> np.arange(self.n_players) & 1 == 1
        worth = np.concatenate([self(part) for part in np.array_split(masks, 16)])
        size = masks.sum(axis=1)
        share = [
            1 / self.n_players / comb(self.n_players - 1, k)
            for k in range(self.n_players)
        ]
        joined = np.array([0.0, *share])[size]
        left_out = np.array([*share, 0.0])[size]
        self.look_up(worth)
        return np.where(masks.T, joined, -left_out) @ self.worth

    def look_up(self, worth):
        """Take the worth of coalitions from a table of all of them from now on."""
        self.worth = worth.astype(np.float64)


def probabilities_of(model):
    """The model's probabilities, without checks: peers ask for one row at a time."""
    if not isinstance(model, RandomForestClassifier):
        return model.predict_proba
    trees = [tree.tree_ for tree in model.estimators_]

    def predict(rows):
        rows = np.ascontiguousarray(rows, dtype=np.float32)
        return sum(tree.predict(rows) for tree in trees) / len(trees)

    return predict


def attributions(model, rows, X, places, **options):
    """Our attributions of the probability of the class that each row is given."""
    attribution = FeatureAttribution(model, column_groups=rows.groups, **options)
    values = attribution.fit(rows.X).transform(X)
    if values.ndim == 2:
        # Of two classes the second is explained.
        return np.where(np.array(places)[:, None] == 1, values, -values)
    return values[np.arange(len(X)), :, places]


def truth(model, rows, X, games):
    """Shapley values of rows: exact, or the mean of estimates without bias."""
    if games[0].n_players <= MOST_ENUMERATED:
        return np.array([game.enumerated() for game in games])
    draws = [
        attributions(
            model,
            rows,
            X,
            [game.place for game in games],
            method="regression",
            n_samples=TRUTH_SAMPLES,
            random_state=10_000 + draw,
        )
        for draw in range(TRUTH_DRAWS)
    ]
    return np.mean(draws, axis=0)
