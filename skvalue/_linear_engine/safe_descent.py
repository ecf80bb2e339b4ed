"""Newton steps that never raise the loss, for the few models that elude longer ones.

Where hardly any row is uncertain and the penalty is hardly noticeable, as for rows of
large scale, a Newton step may lead far off. Here each step is halved until the loss
falls by enough (Armijo, 1966), so it ends at the minimum, or where rounding does.
"""

import torch

MAX_DESCENTS = 2000
# Share of the fall that the slope promises.
ENOUGH_FALL = 1e-4
SHORTEST = 2.0**-40


def descend_safely(objective, theta, tolerance):
    """Minimise the losses of a batch, one after the other.

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
        Inverses of the objectives there.

    unsolved : Tensor of int
        Places of the models whose loss could not be made to end.
    """
    solutions, inverses, unsolved = [], [], []
    for place in range(len(theta)):
        one = slice(place, place + 1)
        solution, inverse, is_solved = _descend(
            objective.take(one), theta[one], float(tolerance[place])
        )
        solutions.append(solution)
        inverses.append(inverse)
        unsolved += [] if is_solved else [place]
    places = torch.tensor(unsolved, dtype=torch.long, device=theta.device)
    return torch.cat(solutions), torch.cat(inverses), places


def _descend(objective, theta, tolerance):
    loss = objective.loss(theta)
    for _ in range(MAX_DESCENTS):
        objective = objective.fresh()
        gradient = objective.gradient(theta)
        step = objective.step(gradient)
        slope = float((gradient * step).sum())
        if slope <= tolerance:
            return theta - step, objective.inverse, True
        length = 1.0
        moved, lower = theta - step, objective.loss(theta - step)
        while not lower <= loss - ENOUGH_FALL * length * slope:
            length /= 2
            if length < SHORTEST:
                # No step is short enough to be seen: the minimum, to rounding.
                return theta, objective.inverse, bool(theta.isfinite().all())
            moved = theta - length * step
            lower = objective.loss(moved)
        theta, loss = moved, lower
    return theta, objective.inverse, False
