"""Newton steps that never raise the loss, for the few models that elude longer ones.

Where hardly any row is uncertain and the penalty is hardly noticeable, as for rows of
large scale, a Newton step may lead far off. Here each step is halved until the loss
falls by enough (Armijo, 1966), so it ends at the minimum, or where rounding does. No
step is capped: coefficients of hundreds are reached in some twenty.
"""

import torch

MAX_DESCENTS = 2000
# Share of the fall that the slope promises.
ENOUGH_FALL = 1e-4
SHORTEST = 2.0**-40
# Beside so small a decrement the loss is rounding; a last step all but ends it.
ROUNDING = 2**8 * torch.finfo(torch.float64).eps
# Of the loss, and of that of one row, what a minimum to rounding may leave.
SMALL = 1e-6


def descend_safely(objective, theta, tolerance):
    """Minimise the losses of a batch; solved models leave it.

    Parameters
    ----------
    objective : LogisticObjective, MultinomialObjective or JointObjective
        In double precision.

    theta : Tensor of shape (B, c, p)
        Where to start.

    tolerance : Tensor of shape (B,)
        On the squared Newton decrement.

    Returns
    -------
    theta : Tensor of shape (B, c, p)
        The solutions.

    inverse : Tensor of shape (B, p, p)
        Inverses of the objectives there; zeros where they have one for all classes.

    unsolved : Tensor of int
        Places of the models whose loss could not be made to end.
    """
    B, _, p = theta.shape
    solution, inverse = theta.clone(), theta.new_zeros(B, p, p)
    places, unsolved = torch.arange(B, device=theta.device), []
    loss = objective.loss(theta)
    for _ in range(MAX_DESCENTS):
        objective = objective.fresh()
        gradient = objective.gradient(theta)
        step = objective.step(gradient)
        slope = (gradient * step).sum((1, 2))
        is_solved = slope <= torch.maximum(tolerance, ROUNDING * loss)
        moved, lower, is_stuck = _lowered(
            objective, theta, step, slope, loss, is_solved
        )
        # No step is short enough to be seen: the minimum to rounding, or a place where
        # that is all there is of the Hessian.
        is_end = (slope <= SMALL * (1 + loss)) & theta.isfinite().all(2).all(1)
        unsolved.append(places[is_stuck & ~is_end])
        solution[places], inverse[places] = moved, objective.inverse
        going = (~is_solved & ~is_stuck).nonzero().squeeze(1)
        if not len(going):
            return solution, inverse, torch.cat(unsolved)
        if len(going) < len(places):
            objective, places = objective.take(going), places[going]
        theta, loss, tolerance = moved[going], lower[going], tolerance[going]
    return solution, inverse, torch.cat([*unsolved, places])


def _lowered(objective, theta, step, slope, loss, is_last):
    """Models after steps that lower their losses, these, and which have none.

    Where it is the last, the step is taken as it is.
    """
    moved = theta - step
    lower = objective.loss(moved)
    length = torch.ones_like(loss)
    is_stuck = torch.zeros_like(loss, dtype=torch.bool)
    while True:
        # In rounding, a loss may fall by enough and not fall.
        is_low = (lower <= loss - ENOUGH_FALL * length * slope) & (lower < loss)
        high = (~is_low & ~is_stuck & ~is_last).nonzero().squeeze(1)
        if not len(high):
            return moved, lower, is_stuck
        length[high] /= 2
        is_stuck[high] = length[high] < SHORTEST
        moved[high] = theta[high] - length[high, None, None] * step[high]
        moved[is_stuck] = theta[is_stuck]
        lower[high] = objective.take(high).loss(moved[high])
