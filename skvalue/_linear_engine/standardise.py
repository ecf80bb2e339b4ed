"""Rows as the engine works on them: centred, scaled, and not wider than there are rows.

Rows are centred (where there is an intercept to absorb it) and scaled once. The penalty
is divided by the squared scales, so the problem is the same one, but its Hessians are
well conditioned in single precision.
"""

import torch

from .wide import is_reducible, reduced

# Spread of a column that is constant but for rounding, relative to its largest value.
CONSTANT = 4 * torch.finfo(torch.float64).eps
# Up to here the rounding error of the mean may count beside the spread.
NEARLY_CONSTANT = 2**12 * torch.finfo(torch.float64).eps
# Holds any coefficient at zero, and leaves room for products in single precision.
MAX_PENALTY = 1e20


def standardise(X, X_val, penalty, fit_intercept, dtype):
    """Rows and penalties of an equivalent, well conditioned problem.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Training rows.

    X_val : ndarray of shape (n_val, d)
        Held-out rows.

    penalty : float
        The weight of half the squared coefficients.

    fit_intercept : bool
        Whether to add the constant column, which is not penalised, at the end.

    dtype : torch.dtype
        Precision of the result; the work is done in double precision.

    Returns
    -------
    X : Tensor of shape (n, p)
        Training rows.

    X_val : Tensor of shape (n_val, p)
        Held-out rows.

    penalty : Tensor of shape (p,)
        The weight of half the squared coefficient of each column.
    """
    X = torch.as_tensor(X).to(torch.float64)
    X_val = torch.as_tensor(X_val).to(torch.float64)
    center, scale = _center_and_scale(X, fit_intercept)
    _check_finite("X", X, scale)
    X_centred, X_val_centred = X - center, X_val - center
    # What held-out rows hold in a column without spread meets no coefficient.
    X_val_centred[:, scale == 0] = 0.0
    if is_reducible(X_centred, scale):
        X_centred, X_val_centred = reduced(X_centred, X_val_centred)
        scale = _root_mean_square(X_centred)
    else:
        # A column that is constant up to rounding must not be blown up to unit scale.
        rounding = CONSTANT * X.abs().amax(0)
        scale = torch.where(scale > rounding, scale, scale.clamp(min=1.0))
    penalty = (penalty / scale**2).clamp(max=MAX_PENALTY)
    X_scaled, X_val_scaled = X_centred / scale, X_val_centred / scale
    if fit_intercept:
        X_scaled = torch.nn.functional.pad(X_scaled, (0, 1), value=1.0)
        X_val_scaled = torch.nn.functional.pad(X_val_scaled, (0, 1), value=1.0)
        penalty = torch.nn.functional.pad(penalty, (0, 1), value=0.0)
    X_scaled, X_val_scaled = X_scaled.to(dtype), X_val_scaled.to(dtype)
    _check_finite("X", X, X_scaled.abs().amax(0))
    _check_finite("X_val", X_val, X_val_scaled.abs().amax(0))
    return X_scaled, X_val_scaled, penalty.to(dtype)


def _center_and_scale(X, fit_intercept):
    if not fit_intercept:
        return X.new_zeros(X.shape[1]), _root_mean_square(X)
    center = X.mean(0)
    scale = _root_mean_square(X - center)
    near = scale <= NEARLY_CONSTANT * X.abs().amax(0)
    if near.any():
        # A second pass: beside a huge offset the first mean is off by as much as the
        # column varies.
        columns = X[:, near]
        center[near] += (columns - center[near]).mean(0)
        scale[near] = _root_mean_square(columns - center[near])
    return center, scale


def _root_mean_square(X):
    return (X**2).mean(0).sqrt()


def _check_finite(name, rows, column_sizes):
    """Refuse rows whose columns left the range of numbers, by their name."""
    if not column_sizes.isfinite().all():
        largest = float(rows.abs().amax())
        raise ValueError(
            f"{name} holds numbers of up to {largest:.3g}, too large beside the spread "
            "of X for the batched linear engine; rescale the columns, for example with "
            "StandardScaler."
        )
