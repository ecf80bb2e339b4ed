r"""Values from the worth of every coalition: exact, for games of few players.

.. math:: \phi_i = \frac{1}{n} \sum_{k=0}^{n-1} w(k)\;
          \mathbb{E}_{|S| = k,\, i \notin S} \big[U(S \cup i) - U(S)\big]

Coalitions are numbered: player i is a member of coalition c where bit i of c is set.
"""

import numpy as np
from scipy.special import comb
from sklearn.utils.parallel import Parallel, delayed

from ..utils._threads import one_thread


def coalitions(n_players):
    """Masks of all coalitions, ``(2 ** n_players, n_players)``."""
    numbers = np.arange(2**n_players)[:, None]
    return (numbers >> np.arange(n_players) & 1).astype(bool)


def worth_of_all(game, n_jobs=None):
    """Worth of every coalition of a game, in the order of `coalitions`.

    Parameters
    ----------
    game : Game
        Of few players.

    n_jobs : int or None, default=None
        Joblib workers; the result does not depend on it.

    Returns
    -------
    worth : ndarray of shape (2 ** n_players,)
        In units of the game.
    """
    masks, size = coalitions(game.n_players), game.block_size("scores")
    blocks = Parallel(n_jobs=n_jobs)(
        delayed(_scores)(game, masks[start : start + size])
        for start in range(0, len(masks), size)
    )
    return np.concatenate(blocks)


def _scores(game, masks):
    with one_thread():
        return game.scores(masks)


def semivalue_of(worth, relative_weight, min_size=0):
    """Semivalue of every player.

    Parameters
    ----------
    worth : ndarray of shape (2 ** n_players,)
        See `worth_of_all`.

    relative_weight : ndarray of shape (n_players,)
        Weight of coalitions of 0, 1, ... others, relative to ``1 / n_players``.

    min_size : int, default=0
        Coalitions of fewer others do not count; the other weights are scaled up.

    Returns
    -------
    values : ndarray of shape (n_players,)
        In units of the game.
    """
    n_players = len(relative_weight)
    weight = np.where(np.arange(n_players) < min_size, 0.0, relative_weight)
    share = weight / weight.sum() / comb(n_players - 1, np.arange(n_players))
    numbers = np.arange(2**n_players)
    sizes = coalitions(n_players).sum(axis=1)
    values = np.empty(n_players)
    for player in range(n_players):
        without = numbers[numbers >> player & 1 == 0]
        gains = worth[without | 1 << player] - worth[without]
        values[player] = share[sizes[without]] @ gains
    return values


def difference_of_means(worth, size):
    """Mean worth of the coalitions of one size with, minus without, each player.

    Parameters
    ----------
    worth : ndarray of shape (2 ** n_players,)
        See `worth_of_all`.

    size : int
        Members of the coalitions that count, from 1 to ``n_players - 1``.

    Returns
    -------
    values : ndarray of shape (n_players,)
        In units of the game.
    """
    masks = coalitions(len(worth).bit_length() - 1)
    counting = masks.sum(axis=1) == size
    members, of_size = masks[counting], worth[counting]
    return np.array(
        [of_size[joins].mean() - of_size[~joins].mean() for joins in members.T]
    )
