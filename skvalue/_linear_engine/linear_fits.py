"""Many regularised linear models fitted at once, each on its own coalition.

Each model minimises

.. math:: F(\\theta) = \\sum_{i \\in S} \\ell(y_i, \\theta x_i)
          + \\tfrac12 \\sum_{k,j} \\lambda_j \\theta_{kj}^2 .

- Squared loss: the normal equations, one Cholesky factor a coalition for any number of
  targets.
- Logistic loss: damped Newton steps on the whole batch; a model keeps its inverse
  Hessian for as long as the steps contract.
- Multinomial loss: Newton directions by conjugate gradients, preconditioned by
  Böhning's bound :math:`\\tfrac12 (I - 11^\\top / K) \\otimes X^\\top W X` of the
  Hessian, whose inverse is one p by p matrix a coalition (Böhning, "Multinomial
  Logistic Regression Algorithm", 1992). What these do not solve, the Hessian of all
  classes does.

A model is solved when its squared Newton decrement :math:`g^\\top H^{-1} g`, which does
not depend on the scale of the features, falls below a tolerance; the step at which
that is seen is still taken.
"""

import torch

from . import MAX_JOINT_PARAMETERS
from .joint_newton import JointObjective
from .objectives import UNSOLVABLE, LogisticObjective, MultinomialObjective
from .safe_descent import descend_safely

MAX_ITERATIONS = 40
MAX_ITERATIONS_FLOAT64 = 400
# Largest change of a coefficient (of standardised features) in one step.
MAX_STEP = 5.0
# A step went too far when the slope behind it is steeper than this share of before.
OVERSHOT_SLOPE = 0.25


def fit_logistic(rows, penalty, tolerance, theta, inverse=None):
    """Binary logistic regressions.

    Parameters
    ----------
    rows : MaskedRows, OwnRows or OneRowChanged
        B coalitions, each with both classes.

    penalty : Tensor of shape (p,)
        The weight of half the squared coefficient.

    tolerance : Tensor of shape (B,)
        On the squared Newton decrement.

    theta : Tensor of shape (B, 1, p)
        Where to start.

    inverse : Tensor of shape (B, p, p) or None
        Approximate inverse Hessians there, if known.

    Returns
    -------
    theta : Tensor of shape (B, 1, p)
        The solutions.

    inverse : Tensor of shape (B, p, p)
        Inverse Hessians of the last refresh of each model.
    """
    objective = LogisticObjective(rows, penalty, inverse)
    return minimise(objective, theta, tolerance)


def fit_multinomial(rows, penalty, tolerance, theta, present, inverse):
    """Multinomial logistic regressions; classes that are absent keep zeros.

    Parameters
    ----------
    rows : MaskedRows, OwnRows or OneRowChanged
        B coalitions, each with at least two classes.

    penalty : Tensor of shape (B, p)
        The weight of half the squared coefficients.

    tolerance : Tensor of shape (B,)
        On the squared Newton decrement.

    theta : Tensor of shape (B, c, p)
        Where to start.

    present : Tensor of shape (B, c), dtype bool
        Classes of each coalition.

    inverse : Tensor of shape (B, p, p)
        Inverses of Böhning's bound, see `bohning_inverse`.

    Returns
    -------
    theta : Tensor of shape (B, c, p)
        The solutions, centred over the classes present.
    """
    objective = MultinomialObjective(rows, penalty, inverse, present)
    return minimise(objective, centred(theta, present), tolerance)[0]


def fit_joint(rows, penalty, tolerance, theta, present):
    """The same models by the Hessian of all classes."""
    objective = JointObjective(rows, penalty, present)
    return minimise(objective, centred(theta, present), tolerance)[0]


def fit_joint_safely(rows, penalty, tolerance, theta, present):
    """The same, in double precision and by steps that never raise the loss."""
    objective = JointObjective(rows, penalty, present)
    theta, _, failed = descend_safely(objective, centred(theta, present), tolerance)
    if len(failed):
        # Where all rows are certain the Hessian tells no way; at zero none is.
        start = torch.zeros_like(theta[failed])
        theta[failed] = _safely(objective.take(failed), start, tolerance[failed])[0]
    return theta


def centred(theta, present):
    """Multinomial models that predict the same, with mean 0 over the classes present.

    Minima of the penalised loss are so, and gradients keep them so.
    """
    theta = theta * present[:, :, None]
    mean = theta.sum(1, keepdim=True) / present.sum(1)[:, None, None]
    return (theta - mean) * present[:, :, None]


def fit_ridge(rows, penalty):
    """Ridge regressions of the same rows on any number of targets.

    Parameters
    ----------
    rows : MaskedRows, OwnRows or OneRowChanged
        B coalitions, none empty.

    penalty : Tensor of shape (p,)
        The weight of half the squared coefficient.

    Returns
    -------
    theta : Tensor of shape (B, c, p)
        The solutions.

    inverse : Tensor of shape (B, p, p)
        Inverses of the shared normal matrices.
    """
    gram, moment = 0.0, 0.0
    for part in rows.parts():
        target = rows.target(part)
        weights = rows.weights(part)
        if weights is None:
            weights = target.new_ones(len(rows), target.shape[-1])
        gram = gram + rows.gram(weights, part)
        moment = moment + rows.adjoint(weights[:, None] * target, part)
    factor, failed = torch.linalg.cholesky_ex(gram + torch.diag(penalty))
    if failed.any():
        raise ValueError(UNSOLVABLE.format("raise alpha"))
    theta = torch.cholesky_solve(moment.mT, factor).mT
    return theta, torch.cholesky_inverse(factor)


def minimise(objective, theta, tolerance):
    """Damped Newton steps on a batch; solved models leave it.

    Returns the solutions and the objectives' inverses.
    """
    theta, inverse, unsolved = _newton(objective, theta, tolerance, MAX_ITERATIONS)
    if len(unsolved):
        # Single precision cannot resolve these: nearly singular, or far from 0.
        hard = objective.take(unsolved).to(torch.float64)
        start = torch.zeros_like(theta[unsolved], dtype=torch.float64)
        solved, precise = _from_zero(hard, start, tolerance[unsolved].double())
        theta[unsolved] = solved.to(theta.dtype)
        inverse[unsolved] = precise.to(theta.dtype)
    return theta, inverse


def _from_zero(objective, start, tolerance):
    """In double precision, by steps that get there however far it is."""
    if not isinstance(objective, MultinomialObjective):
        return _safely(objective, start, tolerance)
    if start[0].numel() <= MAX_JOINT_PARAMETERS:
        # Where hardly any row is uncertain, conjugate gradients hardly move.
        joint = JointObjective(objective.rows, objective.penalty, objective.present)
        return _safely(joint, start, tolerance)
    theta, inverse, left = _newton(objective, start, tolerance, MAX_ITERATIONS_FLOAT64)
    if len(left):
        theta[left], inverse[left] = _safely(
            objective.take(left), start[left], tolerance[left]
        )
    return theta, inverse


def _safely(objective, start, tolerance):
    """By steps that never raise the loss; an error where these do not get there."""
    theta, inverse, failed = descend_safely(objective, start, tolerance)
    if len(failed):
        raise ValueError(
            f"{len(failed)} of {len(theta)} coalitions of the rows of X could not "
            "be fitted; rescale X, for example with StandardScaler, or lower C."
        )
    return theta, inverse


def _newton(objective, theta, tolerance, max_iterations):
    B, _, p = theta.shape
    solution, inverse = theta.clone(), theta.new_zeros(B, p, p)
    active = torch.arange(B, device=theta.device)
    theta, last = solution, None
    for _ in range(max_iterations):
        gradient = objective.gradient(theta)
        step = objective.step(gradient)
        decrement = (gradient * step).sum((1, 2))
        solved = decrement <= tolerance
        size = step.abs().amax((1, 2))
        step = step * (MAX_STEP / size.clamp(min=MAX_STEP))[:, None, None]
        slope = (gradient * step).sum((1, 2))
        if last is not None:
            # Convexity: the slope behind a step tells whether it went too far, so
            # the line search costs no evaluation of its own. The secant says where.
            last_step, last_slope = last
            behind = -(gradient * last_step).sum((1, 2))
            overshot = (behind > OVERSHOT_SLOPE * last_slope) & ~solved
            back = torch.where(overshot, behind / (behind + last_slope), 0.0)
            slope = torch.where(overshot, last_slope * (1 - back), slope)
            back, overshot = back[:, None, None], overshot[:, None, None]
            step = torch.where(overshot, -back * last_step, step)
            moved = torch.where(overshot, (1 - back) * last_step, step)
        else:
            moved = step
        theta = theta - step
        n_left = len(active) - int(solved.sum())
        if n_left == 0 or n_left < 0.8 * len(active):
            solution[active], inverse[active] = theta, objective.inverse
            left = ~solved
            if n_left == 0:
                return solution, inverse, active[:0]
            active, theta, tolerance = active[left], theta[left], tolerance[left]
            objective = objective.take(left)
            moved, slope = moved[left], slope[left]
        last = moved, slope
    solution[active], inverse[active] = theta, objective.inverse
    return solution, inverse, active[~solved] if len(solved) == len(active) else active
