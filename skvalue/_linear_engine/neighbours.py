"""Logistic models of a coalition with one row changed, from the coalition's Hessian.

The Hessian of a neighbour is the coalition's, changed by :math:`w_i x_i x_i^\\top`, so
Newton directions of many neighbours are one product with the coalition's inverse and
a Sherman-Morrison term. A model that the first of them does not solve goes on by
conjugate gradients, which that inverse preconditions (Nocedal & Wright, "Numerical
Optimization", 2006, chapter 5), with the exact curvature along each direction.
"""

import torch

MAX_STEPS = 8
# The last step is taken after its decrement is seen, and leaves a small part of it.
STEP_AHEAD = 30.0
# A squared decrement that grows by this much calls for a new Hessian.
MOST_GROWTH = 2.0
# A row that alone holds a direction up leaves 1 - w h near 0.
SMALLEST_REMAINDER = 0.05


class Neighbours:
    """Models of one coalition, each with another row added or taken out.

    Parameters
    ----------
    rows : OneRowChanged
        B neighbours of the coalition.

    direction : Tensor of shape (B, p)
        The changed rows times the inverse Hessian of the coalition's model.

    leverage : Tensor of shape (B,)
        Their products with the rows.

    inverse : Tensor of shape (p, p)
        The inverse Hessian.

    penalty : Tensor of shape (p,)
        The weight of half the squared coefficients.
    """

    def __init__(self, rows, direction, leverage, inverse, penalty):
        self.rows, self.direction, self.leverage = rows, direction, leverage
        self.inverse, self.penalty = inverse, penalty

    def descend(self, theta, tolerance):
        """Minimise from `theta` (B, p) to a tolerance on the squared decrement.

        Returns
        -------
        theta : Tensor of shape (B, p)
            The solutions.

        unsolved : Tensor of int
            Places of the models that the coalition's Hessian misleads.
        """
        solution, unsolved = theta, []
        active = torch.arange(len(theta), device=theta.device)
        models, last = self, None
        for _ in range(MAX_STEPS):
            gradient, step = models.newton_step(theta)
            decrement = (gradient * step).sum(1)
            # The models that are not solved yet are written again.
            if last is None:
                solution = theta - step
            else:
                solution[active] = theta - step
            left = decrement > STEP_AHEAD * tolerance
            if last is not None:
                stray = ~(decrement <= MOST_GROWTH * last[2]) & left
                unsolved.append(active[stray])
                left &= ~stray
            left = left.nonzero().squeeze(1)
            if not len(left):
                return solution, torch.cat([active[:0], *unsolved])
            active, tolerance, theta = active[left], tolerance[left], theta[left]
            models, gradient, step = models.take(left), gradient[left], step[left]
            decrement, move = decrement[left], -step
            if last is not None:
                last_move, last_gradient, last_decrement = (kept[left] for kept in last)
                overlap = (step * last_gradient).sum(1)
                ratio = ((decrement - overlap) / last_decrement).clamp(min=0)
                move.addcmul_(ratio[:, None], last_move)
            slope, curvature = (gradient * move).sum(1), models.curvature(move)
            theta = theta - (slope / curvature)[:, None] * move
            last = move, gradient, decrement
        return solution, torch.cat([active, *unsolved])

    def take(self, index):
        taken = Neighbours(
            self.rows.take(index),
            self.direction[index],
            self.leverage[index],
            self.inverse,
            self.penalty,
        )
        taken.probability = self.probability[index]
        taken.own_weight = self.own_weight[index]
        return taken

    def newton_step(self, theta):
        """Gradients, and their products with the inverses of the neighbours."""
        rows, table = self.rows, self.rows.table
        self.probability = (theta @ table.X.T).sigmoid_()
        own = (theta * rows.X).sum(1).sigmoid_()
        gradient = (self.probability - table.target) @ table.X
        gradient.addcmul_(theta, self.penalty)
        gradient.addcmul_((rows.sign * (own - rows.y[:, 0]))[:, None], rows.X)
        self.own_weight = rows.sign * own * (1 - own)
        remainder = 1 + self.own_weight * self.leverage
        along = (gradient * self.direction).sum(1) * self.own_weight
        along = along / remainder.clamp(min=SMALLEST_REMAINDER)
        step = gradient @ self.inverse
        return gradient, step.addcmul_(along[:, None], self.direction, value=-1)

    def curvature(self, move):
        """Second derivatives along moves (B, p) from where the last gradients were."""
        rows, weight = self.rows, self.probability * (1 - self.probability)
        along = (move @ rows.table.X.T).square_()
        own = (move * rows.X).sum(1).square_()
        flat = (move * move) @ self.penalty
        return (weight * along).sum(1) + self.own_weight * own + flat
