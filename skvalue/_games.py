"""Which rows are valued against which held-out rows.

With ``X_val`` there is one game: all training rows against it. Without, the training
rows are dealt to ``cv`` folds, and each fold in turn is held out: a row is valued in
the games where it is a training row, and its values are averaged.
"""

from typing import NamedTuple

import numpy as np
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state


class Game(NamedTuple):
    """Training rows, what they are measured on, and the seed of all randomness."""

    rows: np.ndarray | slice
    X_val: np.ndarray
    y_val: np.ndarray
    seed: int


def make_games(X, y, X_val, y_val, *, cv, classification, random_state):
    """Games that value every row of `X` at least once.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...)
        Training rows.

    y : ndarray of shape (n_samples,)
        Class codes, or real targets.

    X_val : ndarray of shape (n_val, ...) or None
        Held-out rows; None to cross-fit.

    y_val : ndarray of shape (n_val,) or None
        Labels of `X_val`.

    cv : int or cross-validation splitter
        Number of folds, or what makes them.

    classification : bool
        Whether `y` holds class codes.

    random_state : int, RandomState instance or None
        Deals the rows to folds and seeds the games.

    Returns
    -------
    games : list of Game
        One game a fold; a single one where `X_val` is given.
    """
    # None draws fresh entropy: numpy's global state is the user's.
    fresh = np.random.RandomState() if random_state is None else random_state
    random_state = check_random_state(fresh)
    if X_val is not None:
        return [Game(slice(None), X_val, y_val, _seed(random_state))]
    games = []
    for rows, held_out in splits(X, y, cv, classification, random_state):
        if classification:
            # No model of these rows can be measured on a class that it never saw.
            held_out = held_out[np.isin(y[held_out], y[rows])]
        if len(held_out) == 0:
            raise ValueError(
                f"cv={cv!r} leaves a fold without held-out rows of a class that its "
                "training rows have; lower cv, or give X_val and y_val."
            )
        games.append(Game(rows, X[held_out], y[held_out], _seed(random_state)))
    n_games = np.bincount(np.concatenate([game.rows for game in games]), None, len(y))
    if not n_games.all():
        raise ValueError(
            f"cv={cv!r} never trains on row {np.argmin(n_games)}, so it has no value; "
            "use a splitter whose training sets cover all rows."
        )
    return games


def _seed(random_state):
    return int(random_state.randint(np.iinfo(np.int32).max))


def splits(X, y, cv, classification, random_state):
    """Training and held-out rows of each fold."""
    if not isinstance(cv, int):
        yield from check_cv(cv, y, classifier=classification).split(X, y)
        return
    if cv > len(y):
        raise ValueError(f"cv={cv} needs as many rows; X has {len(y)}.")
    # Dealing the shuffled rows out in the order of their labels stratifies the folds,
    # for real targets too, and lets a class have fewer rows than there are folds.
    shuffled = random_state.permutation(len(y))
    fold = np.empty(len(y), dtype=int)
    fold[shuffled[np.argsort(y[shuffled], kind="stable")]] = np.arange(len(y)) % cv
    for held_out in range(cv):
        yield np.flatnonzero(fold != held_out), np.flatnonzero(fold == held_out)


def mean_over_games(games, results, n_samples):
    """Average of each row's values over the games that it was a training row of.

    Parameters
    ----------
    games : list of Game
        As `make_games` returns them.

    results : list of ndarray of shape (n_rows_of_the_game,)
        The values of each game's rows.

    n_samples : int
        Number of training rows.

    Returns
    -------
    values : ndarray of shape (n_samples,)
        Mean values.
    """
    total, count = np.zeros(n_samples), np.zeros(n_samples)
    for game, values in zip(games, results, strict=True):
        total[game.rows] += values
        count[game.rows] += 1
    return total / count
