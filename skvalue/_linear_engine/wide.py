"""Fewer columns for rows that are wider than there are of them, and the same models.

The gradient of a loss of margins is a combination of rows, so the coefficients that an
isotropic penalty goes with lie in the span of the rows, for every coalition of them:

.. math:: \\theta = Q \\beta, \\quad \\lVert \\theta \\rVert = \\lVert \\beta \\rVert,
          \\quad x^\\top \\theta = (Q^\\top x)^\\top \\beta

with an orthonormal basis :math:`Q` of that span (the representer theorem; Hastie &
Tibshirani, "Efficient quadratic regularization for expression arrays", 2004). Rows with
coordinates :math:`Q^\\top x`, of which there are at most as many as rows, give the same
problem. The penalty stays isotropic only while the columns are not scaled, so this
comes before scaling.
"""

import torch

# Rounding in the largest column, which the basis spreads over all, must stay far below
# the smallest: single precision is lost beyond this ratio of their scales.
MAX_SCALE_RATIO = 1e8


def is_reducible(X, scale):
    """Whether centred rows (n, d) should be reduced; a fixed rule.

    Parameters
    ----------
    X : Tensor of shape (n, d)
        Centred rows.

    scale : Tensor of shape (d,)
        Root mean squares of their columns.

    Returns
    -------
    reducible : bool
        With more columns than rows, none of which needs a precision of its own.
    """
    n, d = X.shape
    moving = scale[scale > 0]
    if d <= n or not len(moving):
        return False
    return bool(moving.amax() <= MAX_SCALE_RATIO * moving.amin())


def reduced(X, X_val):
    """Coordinates of rows in an orthonormal basis of the span of the first.

    Parameters
    ----------
    X : Tensor of shape (n, d), dtype float64
        Centred training rows, d > n.

    X_val : Tensor of shape (n_val, d), dtype float64
        Held-out rows, centred alike; only their part in the span meets coefficients.

    Returns
    -------
    X : Tensor of shape (n, rank)
        Coordinates along the principal axes, so that columns are uncorrelated: the
        Hessians of single precision fits are then nearly diagonal.

    X_val : Tensor of shape (n_val, rank)
        Those of the held-out rows.
    """
    basis, triangle = torch.linalg.qr(X.T)
    # Turning by eigenvectors keeps lengths whatever their own error is, so squaring the
    # condition here costs no accuracy.
    _, axes = torch.linalg.eigh(triangle @ triangle.T)
    axes = axes.flip(1)
    coordinates = triangle.T @ axes
    length = coordinates.norm(dim=0)
    rounding = len(X) * torch.finfo(X.dtype).eps * length.amax()
    kept = length > rounding
    return coordinates[:, kept], X_val @ basis @ axes[:, kept]
