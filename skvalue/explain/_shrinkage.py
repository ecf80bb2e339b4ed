r"""How far noisy attributions are to be trusted beside predictions of them.

A row's noisy attribution :math:`h` has variance :math:`\sigma^2` around the truth; a
prediction :math:`\hat\phi` that was made without it has the mean squared error
:math:`\tau^2`. Where the former has no bias, :math:`\mathbb{E}(h - \hat\phi)^2 =
\tau^2 + \sigma^2`; its standard errors tell :math:`\sigma^2`, or two independent ones
of the same row do, :math:`2 \sigma^2 = \mathbb{E}(h_1 - h_2)^2`. The posterior mean is
:math:`\hat\phi + \tau^2 / (\tau^2 + \sigma^2) (h - \hat\phi)` (Efron & Morris, "Stein's
Estimation Rule and Its Competitors", 1973).

A third estimate g of the same coalitions as h, of less error but with a bias, errs in
the direction of both others. As h has no bias, and :math:`\kappa`, the covariance of
its errors with those of g, is known, the products of differences tell all second
moments of the errors,

.. math:: \mathbb{E}(g - \phi)^2 = \mathbb{E}(h - g)^2 - \sigma^2 + 2 \kappa, \qquad
          \mathbb{E}(g - \phi)(\hat\phi - \phi) = \mathbb{E}(h - g)(h - \hat\phi)
          - \sigma^2 + \kappa ,

and so the mean of the three with the least error.
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


def combine_three(noisy, predictions, total):
    """Means of noisy attributions, posterior ones and predictions, of least error.

    Parameters
    ----------
    noisy : Noisy
        With another estimate from the same coalitions.

    predictions : ndarray of shape (n_rows, n_players, n_outputs)
        Made without them.

    total : ndarray of shape (n_rows, n_outputs) or None
        What the attributions of a row sum to; None where they need not.

    Returns
    -------
    combined : ndarray of shape (n_rows, n_players, n_outputs)
        Between the three.

    variance : ndarray of shape (1, n_players, n_outputs)
        Estimated mean squared error of `combined`.

    weights : ndarray of shape (3, n_players, n_outputs)
        Of each, at least 0; they sum to one. Half a player's own, and half those of all
        players.
    """
    first, posterior = noisy.first, noisy.posterior
    moments = error_moments(
        *(first, posterior, predictions), noisy.variance, noisy.shared
    )
    common = least_error_weights(moments.sum(axis=(2, 3)))
    weights = (least_error_weights(moments) + common[:, None, None]) / 2
    variance = np.einsum("ijk,iljk,ljk->jk", weights, moments, weights)
    variance = np.maximum(variance, 0.0)[None]
    estimates = np.stack([first, posterior, predictions])
    combined = np.einsum("ijk,irjk->rjk", weights, estimates)
    return efficient(combined, total, variance), variance, weights


def error_moments(noisy, posterior, predictions, noise, shared):
    """Second moments of the errors of three estimates, means over the rows.

    Parameters
    ----------
    noisy, posterior, predictions : ndarray of shape (n_rows, n_players, n_outputs)
        The estimates.

    noise : ndarray of shape (n_players, n_outputs)
        The estimated variance of a noisy attribution.

    shared : ndarray of shape (n_players, n_outputs)
        The estimated covariance of the errors of the first two.

    Returns
    -------
    moments : ndarray of shape (3, 3, n_players, n_outputs)
        In the order of the estimates.
    """
    to_posterior, to_predictions = noisy - posterior, noisy - predictions
    of_posterior = np.mean(to_posterior**2, axis=0) - noise + 2 * shared
    of_predictions = np.mean(to_predictions**2, axis=0) - noise
    of_both = np.mean(to_posterior * to_predictions, axis=0) - noise + shared
    none = np.zeros_like(noise)
    return np.array(
        [
            [noise, shared, none],
            [shared, of_posterior, of_both],
            [none, of_both, of_predictions],
        ]
    )


def least_error_weights(moments):
    """Weights of a mean of three estimates with the least squared error.

    Parameters
    ----------
    moments : ndarray of shape (3, 3, ...)
        Second moments of their errors, of differences that are those of estimates.

    Returns
    -------
    weights : ndarray of shape (3, ...)
        At least 0; they sum to one.
    """
    corners = np.eye(3)
    found = [np.broadcast_to(_like(c, moments), moments.shape[1:]) for c in corners]
    # The least error of all three, or of two of them, where that lies between them.
    for some in ([0, 1, 2], [0, 1], [0, 2], [1, 2]):
        last = some[-1]
        steps = [corners[each] - corners[last] for each in some[:-1]]
        found.append(_least(moments, corners[last], steps))
    found = np.stack(found)
    error = np.einsum("ci...,il...,cl...->c...", found, moments, found)
    error = np.where(np.all(found >= 0, axis=1), error, np.inf)
    best = np.argmin(error, axis=0)
    return np.take_along_axis(found, best[None, None], axis=0)[0]


def _like(weights, moments):
    return weights.reshape(-1, *[1] * (moments.ndim - 2))


def _least(moments, start, steps):
    """The point of least error of a line or a plane through `start`."""
    slope = np.einsum("si,il...,l->...s", steps, moments, start)
    curvature = np.einsum("si,il...,tl->...st", steps, moments, steps)
    size = -(np.linalg.pinv(curvature, hermitian=True) @ slope[..., None])[..., 0]
    moved = np.einsum("...s,si->i...", size, steps)
    return np.broadcast_to(_like(start, moments), moved.shape) + moved


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
