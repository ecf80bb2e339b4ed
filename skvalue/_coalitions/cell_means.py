r"""Games of means over the members of a cell, whose semivalues have a closed form.

Players are sorted into cells, and each has a number :math:`d_i`; those of a cell sum to
zero. A coalition T of size t is worth the mean number of its members in each cell,

.. math:: h(T) = b(t) \sum_{C:\, C \cap T \neq \emptyset}
                 \frac{1}{|C \cap T|} \sum_{i \in C \cap T} d_i ,

which is what a tree whose leaves are the cells predicts from the coalition's labels,
less what it would predict from all. Given t, all coalitions are as likely, so the
others of i's cell are worth :math:`-d_i / (s - 1)` each, s being the number of its
players, whichever of them are in. With :math:`P(N, s)` the probability that none of s
among N players is in,

.. math:: \mathbb{E}\,[h \mid i \in T] = b(t)\, d_i\,
              \frac{\frac{n}{t} \big(1 - P_t(n, s)\big) - 1}{s - 1}, \qquad
          \mathbb{E}\,[h \mid i \notin T] = - b(t)\, d_i\,
              \frac{1 - P_t(n - 1, s - 1)}{s - 1} .

Given the size alone, the mean of h is zero.
"""

import numpy as np
from scipy.sparse import csr_array
from scipy.special import gammaln

# Numbers that are kept of a few coalitions at once: one a cell and coalition.
MOST_AT_ONCE = 2**23

# Smaller deviations, beside the largest number, are none.
ROUNDING = 1e-9

# The factors b: cells matter more, or less, in large coalitions than in small ones.
N_PROFILES = 2


def size_profiles(n_players):
    """Factors of each size, one and the logarithm; (N_PROFILES, n_players + 1)."""
    sizes = np.maximum(np.arange(n_players + 1), 1)
    return np.stack([np.ones(n_players + 1), np.log(sizes / n_players)])


class CellMeans:
    """The mean of such games, one of each way to sort the players into cells.

    Parameters
    ----------
    cells : ndarray of shape (n_players, n_sortings), dtype int
        Cell of each player, any numbers, in each way to sort them.

    numbers : ndarray of shape (n_players, n_sortings)
        What each player adds to its cell, up to what is the same for all of the cell.
    """

    def __init__(self, cells, numbers):
        n_players, n_sortings = cells.shape
        places = np.empty(cells.shape, dtype=np.int32)
        n_cells = 0
        for place, column in zip(places.T, cells.T, strict=True):
            labels, codes = np.unique(column, return_inverse=True)
            place[:] = codes + n_cells
            n_cells += len(labels)
        counts = np.bincount(places.ravel(), minlength=n_cells)
        sums = np.bincount(places.ravel(), numbers.ravel(), minlength=n_cells)
        deviations = numbers - (sums / counts)[places]
        # What should be zero must not become a game of rounding errors.
        rounded = np.abs(deviations) <= ROUNDING * np.abs(numbers).max(initial=0.0)
        deviations[rounded] = 0.0
        pointers = np.arange(0, places.size + 1, n_sortings)
        shape = n_players, n_cells
        self._deviations, self._cell_sizes = deviations / n_sortings, counts[places]
        ones = np.ones(places.size, dtype=np.float32)
        self._member = csr_array((ones, places.ravel(), pointers), shape).T.tocsr()
        data = self._deviations.astype(np.float32).ravel()
        self._number = csr_array((data, places.ravel(), pointers), shape).T.tocsr()

    def columns(self, masks):
        """Worth of coalitions, one column for each size profile.

        Parameters
        ----------
        masks : ndarray of shape (n_coalitions, n_players), dtype bool
            Coalitions.

        Returns
        -------
        columns : ndarray of shape (n_coalitions, N_PROFILES)
            In units of the numbers.
        """
        worth = np.empty(len(masks))
        few = max(1, MOST_AT_ONCE // self._member.shape[0])
        for start in range(0, len(masks), few):
            chunk = slice(start, start + few)
            members = np.ascontiguousarray(masks[chunk].T, dtype=np.float32)
            means = self._number @ members
            means /= np.maximum(self._member @ members, 1)
            worth[chunk] = means.sum(axis=0, dtype=np.float64)
        sizes = masks.sum(axis=1)
        return (size_profiles(masks.shape[1])[:, sizes] * worth).T

    def semivalues(self, probabilities):
        """Exact semivalues of each column's game.

        Parameters
        ----------
        probabilities : ndarray of shape (n_players,)
            Of coalitions of 0, 1, ... others.

        Returns
        -------
        values : ndarray of shape (N_PROFILES, n_players)
            In units of the numbers.
        """
        n_players = len(probabilities)
        profiles = size_profiles(n_players)
        joined = profiles[:, 1:] * probabilities
        left = profiles[:, :-1] * probabilities
        shares = n_players / np.arange(1.0, n_players + 1)
        factors = np.zeros((N_PROFILES, n_players + 1))
        # A player that is alone in its cell differs from nobody.
        for size in np.setdiff1d(self._cell_sizes, [1]):
            with_it = shares * (1 - _none_of(size, n_players)[1:]) - 1
            without = 1 - _none_of(size - 1, n_players - 1)
            factors[:, size] = (joined @ with_it + left @ without) / (size - 1)
        return np.sum(factors[:, self._cell_sizes] * self._deviations, axis=2)


def _none_of(n_chosen, n_players):
    """Probability that coalitions of 0, 1, ... players hold none of the chosen."""
    sizes = np.arange(n_players - n_chosen + 1)
    others = n_players - n_chosen
    logarithm = gammaln(others + 1) - gammaln(others - sizes + 1)
    logarithm -= gammaln(n_players + 1) - gammaln(n_players - sizes + 1)
    probability = np.zeros(n_players + 1)
    probability[: others + 1] = np.exp(logarithm)
    return probability
