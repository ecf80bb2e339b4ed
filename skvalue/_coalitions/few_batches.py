r"""Standard errors from few batches: what two of them cover.

Two standard errors are read as a probability, :math:`\Phi(2) - \Phi(-2) = .954`. An
error estimated from few batches is itself uncertain, and the same probability takes
more of it: with :math:`\nu` degrees of freedom

.. math:: \mathrm{se}_\nu = \mathrm{se}\;
          \frac{t_\nu^{-1}\big(\Phi(2)\big)}{2},

7.0 times the error with one degree of freedom, 1.3 times with five and 1.05 times with
thirty. Source: Student, "The Probable Error of a Mean", Biometrika 1908.

A player whose few contributions happen to be equal has a variance of zero, which no
such factor mends. But players are many: `moderate` takes their variances for draws of
one distribution, and from there what a few batches do not tell.
"""

import numpy as np
from scipy.special import ndtr, stdtrit

# Batches of a stratum, at least, that its variance is estimated from.
LEAST_OF_A_STRATUM = 3

# Players, at least, that a distribution of variances is estimated from.
LEAST_PLAYERS = 3

# It counts for no more than so many times the degrees of freedom of a player's own
# variance: players share their coalitions, so that all of them may be far off at once.
MOST_OF_THE_OTHERS = 2.0


def error_scale(degrees):
    """Factor by which errors with these degrees of freedom are reported.

    Parameters
    ----------
    degrees : ndarray
        At least 1; NaN where there is no error.

    Returns
    -------
    scale : ndarray
        Above one, and one for infinitely many degrees of freedom.
    """
    return stdtrit(degrees, ndtr(2.0)) / 2.0


def pool_degrees(variances, degrees):
    r"""Degrees of freedom of a sum of independent estimates.

    .. math:: \nu = \Big(\sum_g v_g\Big)^2 \Big/ \sum_g \frac{v_g^2}{\nu_g}

    Satterthwaite, "An Approximate Distribution of Estimates of Variance Components",
    Biometrics Bulletin 1946.

    Parameters
    ----------
    variances : ndarray of shape (n_terms, n_players)
        Estimated variances of the terms.

    degrees : ndarray of shape (n_terms, n_players)
        Their degrees of freedom.

    Returns
    -------
    degrees : ndarray of shape (n_players,)
        From the smallest of those given to their sum; the smallest where all variances
        are zero.
    """
    largest = variances.max(axis=0)
    # Variances may be as small as their squares underflow.
    shares = variances / np.where(largest > 0, largest, 1.0)
    squares = (shares**2 / degrees).sum(axis=0)
    pooled = shares.sum(axis=0) ** 2 / np.where(squares > 0, squares, 1.0)
    return np.where(squares > 0, pooled, degrees.min(axis=0))


def moderate(variances, degrees):
    r"""Variances that lean on those of the other players, as far as these agree.

    With :math:`v_i` the variance of a player, estimated with :math:`\nu_i` degrees of
    freedom, and :math:`m` their mean with weights :math:`w_i \propto \nu_i`,

    .. math:: c^2 = \frac{1}{m^2} \sum_i w_i \Big((v_i - m)^2
              - \frac{2 v_i^2}{\nu_i + 2}\Big), \qquad
              \nu_0 = 4 + \frac{2}{c^2}, \qquad
              \tilde v_i = \frac{\nu_0 m + \nu_i v_i}{\nu_0 + \nu_i},

    with :math:`\nu_0 + \nu_i` degrees of freedom: :math:`c` is the coefficient of
    variation of the true variances, and :math:`\nu_0` that of the inverse
    :math:`\chi^2` distribution which varies so much. Source: Smyth, "Linear Models and
    Empirical Bayes Methods for Assessing Differential Expression in Microarray
    Experiments", Statistical Applications in Genetics and Molecular Biology 2004, with
    moments of the variances in place of those of their logarithms, as some are zero.

    Parameters
    ----------
    variances : ndarray of shape (n_players,)
        NaN where there is none.

    degrees : ndarray of shape (n_players,)
        Their degrees of freedom.

    Returns
    -------
    variances, degrees : ndarray of shape (n_players,)
        NaN where they were.
    """
    known = np.isfinite(variances)
    if np.count_nonzero(known) < LEAST_PLAYERS:
        return variances, degrees
    weights = np.where(known, degrees, 0.0) / degrees[known].sum()
    largest = variances[known].max()
    # Variances may be as small as their squares underflow.
    shares = np.where(known, variances, 0.0) / (largest if largest > 0 else 1.0)
    mean = weights @ shares
    own = np.where(known, degrees, 1.0)
    varies = weights @ ((shares - mean) ** 2 - 2 * shares**2 / (own + 2))
    prior = np.mean(degrees[known]) * MOST_OF_THE_OTHERS
    if varies > 0:
        prior = min(prior, 4 + 2 * mean**2 / varies)
    total = prior + degrees
    return (prior * mean * largest + degrees * variances) / total, total


def few_that_count(totals, squares, spread):
    r"""How many batches a ratio rests on, and what its variance lacks for that.

    With :math:`c_b` the denominators, Kish's number of batches that count is
    :math:`m = (\sum_b c_b)^2 / \sum_b c_b^2`. The residuals
    :math:`s_b - \hat\phi c_b` fit the ratio that was estimated from them, which makes
    their squares too small by :math:`1 - \rho / m`; :math:`\rho` is the part of
    :math:`\sum_b c_b^2` that is spread within the strata: zero where all denominators
    of a stratum are equal, as the residuals' own mean is then taken off, and one where
    few batches have any.

    Parameters
    ----------
    totals, squares : ndarray of shape (n_ratios, n_players)
        Sums of the denominators and of their squares.

    spread : ndarray of shape (n_ratios, n_players)
        Sums of the squares about the means of the strata.

    Returns
    -------
    n_counting : ndarray of shape (n_ratios, n_players)
        Above 1; NaN where only one batch counts.

    correction : ndarray of shape (n_ratios, n_players)
        At least 1; NaN where only one batch counts.
    """
    squares = np.where(squares > 0, squares, np.nan)
    n_counting = totals**2 / squares
    # Rounding may leave one batch just above one.
    n_counting = np.where(n_counting > 1 + 1e-9, n_counting, np.nan)
    rho = np.clip(spread / squares, 0, 1)
    return n_counting, 1 / (1 - rho / n_counting)


def merge_strata(counts):
    """Neighbouring strata put together until each has enough batches.

    Parameters
    ----------
    counts : ndarray of shape (n_strata,)
        Batches of each stratum.

    Returns
    -------
    groups : list of slice
        At least `LEAST_OF_A_STRATUM` batches in each, or one group of all.
    """
    groups, first = [], 0
    for stop in range(1, len(counts) + 1):
        enough = counts[first:stop].sum() >= LEAST_OF_A_STRATUM
        if enough and counts[stop:].sum() >= LEAST_OF_A_STRATUM:
            groups.append(slice(first, stop))
            first = stop
    return [*groups, slice(first, len(counts))]


def degrees_over_games(players, variances, degrees, n_players):
    """Degrees of freedom of each player's mean over the games that it plays in.

    Parameters
    ----------
    players : list of ndarray of shape (n_game_players,)
        Numbers of each game's players.

    variances, degrees : list of ndarray of shape (n_game_players,)
        Of the values in each game; NaN where there is none.

    n_players : int
        Number of players in all.

    Returns
    -------
    degrees : ndarray of shape (n_players,)
        NaN where no game has any.
    """
    # A game without a player adds no variance, and as much certainty as one likes.
    table = np.zeros((2, len(players), n_players))
    table[1] = np.inf
    for game, index in enumerate(players):
        known = np.isfinite(variances[game])
        table[0, game, index[known]] = variances[game][known]
        table[1, game, index[known]] = degrees[game][known]
    pooled = pool_degrees(*table)
    return np.where(np.isfinite(pooled), pooled, np.nan)
