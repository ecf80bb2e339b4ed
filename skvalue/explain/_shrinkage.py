r"""How far noisy attributions are to be trusted beside predictions of them.

A row's noisy attribution :math:`h` has variance :math:`\sigma^2` around the truth; a
prediction :math:`\hat\phi` that was made without it has the mean squared error
:math:`\tau^2`. Where the former has no bias, :math:`\mathbb{E}(h - \hat\phi)^2 =
\tau^2 + \sigma^2`; its standard errors tell :math:`\sigma^2`, or two independent ones
of the same row do, :math:`2 \sigma^2 = \mathbb{E}(h_1 - h_2)^2`. The posterior mean is
:math:`\hat\phi + \tau^2 / (\tau^2 + \sigma^2) (h - \hat\phi)` (Efron & Morris, "Stein's
Estimation Rule and Its Competitors", 1973).
"""

import numpy as np


def variances(noisy, predictions, noise):
    """Variance of a noisy attribution, and of a prediction, for each player.

    Parameters
    ----------
    noisy : ndarray of shape (n_rows, n_players, n_outputs)
        One noisy attribution a row.

    predictions : ndarray of shape (n_rows, n_players, n_outputs)
        Made without them.

    noise : ndarray of shape (n_players, n_outputs)
        The estimated variance of a noisy attribution.

    Returns
    -------
    noise, error : ndarray of shape (n_players, n_outputs)
        :math:`\\sigma^2` and :math:`\\tau^2`. Their shares of the sum, which many rows
        tell precisely, are half a player's own and half those of all players.
    """
    both = np.mean((noisy - predictions) ** 2, axis=0)
    whole = both.sum()
    common = min(1.0, noise.sum() / whole) if whole > 0 else 0.0
    own = np.divide(noise, both, out=np.full_like(noise, common), where=both > 0)
    share = (np.minimum(own, 1.0) + common) / 2
    return share * both, (1 - share) * both


def combine(noisy, n_noisy, predictions, noise, error, total):
    """Posterior means of attributions, and their variances.

    Parameters
    ----------
    noisy : ndarray of shape (n_rows, n_players, n_outputs)
        Means of a row's noisy attributions.

    n_noisy : ndarray of shape (n_rows,)
        How many they are the means of.

    predictions : ndarray of shape (n_rows, n_players, n_outputs)
        Made without them.

    noise, error : ndarray of shape (n_players, n_outputs)
        Variances of one noisy attribution and of a prediction.

    total : ndarray of shape (n_rows, n_outputs) or None
        What the attributions of a row sum to; None where they need not.

    Returns
    -------
    combined, variance : ndarray of shape (n_rows, n_players, n_outputs)
        Between prediction and noisy attribution.
    """
    noise = noise / n_noisy[:, None, None]
    both = noise + error
    # Noisy attributions without noise are the attributions.
    weight = np.divide(error, both, out=np.ones_like(both), where=both > 0)
    weight[noise <= 0] = 1.0
    combined = predictions + weight * (noisy - predictions)
    variance = weight * noise
    return efficient(combined, total, variance), variance


def efficient(attributions, total, variance=None):
    """Attributions that sum to the total; the less certain ones move more.

    Parameters
    ----------
    attributions : ndarray of shape (n_rows, n_players, n_outputs)
        What they are so far.

    total : ndarray of shape (n_rows, n_outputs) or None
        What they are to sum to; None leaves them as they are.

    variance : ndarray of shape (n_rows, n_players, n_outputs) or None, default=None
        Of each; None: the same.

    Returns
    -------
    attributions : ndarray of shape (n_rows, n_players, n_outputs)
        Changed in proportion to the variances.
    """
    if total is None:
        return attributions
    gap = (total - attributions.sum(axis=1))[:, None]
    share = np.full(attributions.shape, 1 / attributions.shape[1])
    if variance is not None:
        whole = np.broadcast_to(variance.sum(axis=1, keepdims=True), share.shape)
        share = np.divide(variance, whole, out=share, where=whole > 0)
    return attributions + share * gap
