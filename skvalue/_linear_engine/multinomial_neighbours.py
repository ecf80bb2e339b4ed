"""Multinomial models of a coalition with one row changed, from the joint Hessian.

As in `neighbours`, with all classes of a model in one vector: the Hessian of a
neighbour is the coalition's, changed by :math:`\\pm S_i \\otimes x_i x_i^\\top` with
the K by K covariance :math:`S_i` of the row's class. Where a row leaves, which may take
most of a direction away, its inverse follows from the coalition's by Woodbury's
identity. Where one enters, the coalition's inverse alone preconditions nearly as well,
at half the cost.

A single row may turn many others from certain to uncertain, so Hessians change along
the way. Steps have the length that the curvature along them asks for; one that went too
far all the same is seen by the slope behind it and cut by the secant.
"""

import torch

from .linear_fits import OVERSHOT_SLOPE
from .neighbours import EXACT_STEPS
from .scores import softmax_

MAX_STEPS = 30
# Of the models of a block, so many may leave more than they should.
OPEN_SHARE = 0.85
# Share of a tolerance at which a step need not be measured, and of the steps of a block
# to measure beyond which all are.
EASY, SORTED = 0.2, 0.7
SMALLEST_BLOCK = 32
MAX_BLOCK_ELEMENTS = 2**20


def covariance(probability):
    """K by K covariances of a class drawn by these probabilities (B, K)."""
    outer = probability[:, :, None] * probability[:, None]
    return torch.diag_embed(probability) - outer


def growing_blocks(count, largest, start=0):
    """Slices of places, as long as those before together, a sixteenth at most."""
    while start < count:
        size = min(
            max(start, SMALLEST_BLOCK), max(count // 16, SMALLEST_BLOCK), largest
        )
        yield slice(start, min(count, start + size))
        start += size


class MultinomialNeighbours:
    """Models of one coalition, each with another row added or taken out.

    Neither adds a class to the coalition nor takes the last row of one away.

    Parameters
    ----------
    rows : OneRowChanged
        B neighbours of the coalition.

    theta : Tensor of shape (K, p)
        The model of the coalition.

    inverse : JointInverse
        Of its Hessian.

    block : Tensor of shape (B, K, K)
        That inverse between the changed row under one class and under another.

    penalty : Tensor of shape (p,)
        The weight of half the squared coefficients.

    present : Tensor of shape (K,), dtype bool
        Classes of the coalition.
    """

    def __init__(self, rows, theta, inverse, block, penalty, present):
        self.rows, self.inverse, self.penalty = rows, inverse, penalty
        self.barrier = self.probability = None
        if not present.all():
            self.barrier = torch.zeros_like(present, dtype=penalty.dtype)
            self.barrier.masked_fill_(~present, -torch.inf)
        self.theta, self.present, self.block = theta, present, block
        self.leaving = rows.sign < 0
        self.woodbury = torch.zeros_like(block)

    def prepare(self, index):
        """Make the inverses of some neighbours known."""
        index = index[self.leaving[index]]
        margins = self.rows.X[index] @ self.theta.T
        margins.masked_fill_(~self.present, -torch.inf)
        change = -covariance(softmax_(margins))
        eye = torch.eye(len(self.theta), dtype=change.dtype, device=change.device)
        self.woodbury[index] = torch.linalg.solve_ex(
            eye + change @ self.block[index], change
        )[0]

    def take(self, index):
        taken = object.__new__(MultinomialNeighbours)
        taken.__dict__.update(vars(self))
        taken.rows = self.rows.take(index)
        taken.leaving, taken.woodbury = self.leaving[index], self.woodbury[index]
        if self.probability is not None:
            taken.probability, taken.own = self.probability[index], self.own[index]
        return taken

    def descend(self, start, tolerance, is_exact=False, near=None):
        """Minimise to a tolerance on the squared decrement.

        Parameters
        ----------
        start : callable
            From places to models (m, K, p) to begin with.

        tolerance : Tensor of shape (B,)
            On the squared decrement; where that is seen, another step is taken.

        is_exact : bool, default=False
            Whether to go on until rounding ends it.

        near : Tensor of shape (B,) or None, default=None
            Squared decrements at which a start will do. Models come in the order of how
            far they moved, and where a seventh of a block leaves no more, those after
            it are left alone. None: all are minimised.

        Returns
        -------
        theta : Tensor of shape (m, K, p)
            The solutions of the first m.

        gains : Tensor of shape (m,)
            Squared decrements before their last steps.

        unsolved : Tensor of int
            Places of the models that the coalition's Hessian misleads.
        """
        max_steps = EXACT_STEPS if is_exact else MAX_STEPS
        (K, p), count = self.theta.shape, len(self.rows)
        size = max(1, MAX_BLOCK_ELEMENTS // (K * len(self.rows.table.X)))
        solution, going = self.theta.new_empty(count, K, p), []
        gains = self.theta.new_empty(count)
        places = torch.arange(count, device=self.theta.device)
        for block in growing_blocks(count, size):
            index = places[block]
            self.prepare(index)
            state = self._advance(solution, gains, tolerance, index, start(index))
            going.append(state)
            if near is not None:
                n_far = int((~(gains[index] <= near[index])).sum())
                if n_far <= OPEN_SHARE * len(index):
                    solution, gains = solution[: block.stop], gains[: block.stop]
                    break
        for _ in range(max_steps - 1):
            state = [torch.cat(parts) for parts in zip(*going, strict=True)]
            if not len(state[0]):
                return solution, gains, state[0]
            going = [
                self._advance(solution, gains, tolerance, *chunk)
                for chunk in zip(*(part.split(size) for part in state), strict=True)
            ]
        return solution, gains, torch.cat([state[0] for state in going])

    def _advance(self, solution, gains, tolerance, index, theta, *last):
        """Take a step with the models of these places.

        Returns those to go on with, from where, and the last move with the slope,
        gradient and decrement before it.
        """
        models = self.take(index)
        gradient, step = models.newton_step(theta)
        decrement = (gradient * step).sum((1, 2))
        gains[index] = decrement
        # Many steps leave so little that their length does not matter. Where they are
        # many enough it pays to sort them out.
        solution[index] = theta - step
        hard = (~(decrement <= EASY * tolerance[index])).nonzero().squeeze(1)
        if len(hard) < SORTED * len(index):
            models = models.take(hard)
            index, theta, gradient, step, decrement = (
                kept[hard] for kept in (index, theta, gradient, step, decrement)
            )
            last = [kept[hard] for kept in last]
        move = -step
        if last:
            last_move, last_slope, last_gradient, last_decrement = last
            overlap = (step * last_gradient).sum((1, 2))
            ratio = ((decrement - overlap) / last_decrement).clamp(min=0)
            move.addcmul_(ratio[:, None, None], last_move)
        slope = (gradient * move).sum((1, 2))
        length = -slope / models.curvature(move)
        move, slope = move.mul_(length[:, None, None]), slope * length
        # What the step gains, twice, by the curvature here and by the coalition's.
        gain = torch.maximum(-slope, decrement)
        gains[index] = gain
        solution[index] = moved = theta + move
        left = (~(gain <= tolerance[index])).nonzero().squeeze(1)
        state = [index, moved, move, slope, gradient, decrement]
        if len(left) < len(index):
            state, last = ([kept[left] for kept in some] for some in (state, last))
        if last:
            index, theta, move, slope, gradient, decrement = state
            last_move, last_slope, last_gradient, last_decrement = last
            behind = (gradient * last_move).sum((1, 2))
            far = (behind > OVERSHOT_SLOPE * -last_slope).nonzero().squeeze(1)
            if len(far):
                # Back on the way of the last move, which then was a shorter one.
                back = behind[far] / (behind[far] - last_slope[far])
                kept = (1 - back)[:, None, None] * last_move[far]
                theta[far] += (kept - last_move[far]) - move[far]
                move[far], slope[far] = kept, (1 - back) * last_slope[far]
                gradient[far] = last_gradient[far]
                decrement[far] = last_decrement[far]
        return state

    def newton_step(self, theta):
        """Gradients, and their products with the inverses of the neighbours."""
        rows, table = self.rows, self.rows.table
        (B, K, p), n = theta.shape, len(table.X)
        margins = (theta.reshape(-1, p) @ table.X.T).view(B, K, n)
        own = (theta @ rows.X[:, :, None]).squeeze(2)
        if self.barrier is not None:
            margins, own = margins.add_(self.barrier[:, None]), own + self.barrier
        self.probability, self.own = margins.softmax(1), softmax_(own)
        residual = (self.probability - table.target).view(B * K, n)
        gradient = (residual @ table.X).view(B, K, p)
        gradient.addcmul_(theta, self.penalty)
        residual = rows.sign[:, None] * (self.own - rows.y)
        gradient.addcmul_(residual[:, :, None], rows.X[:, None])
        step = self.inverse.times(gradient)
        left = self.leaving.nonzero().squeeze(1)
        if len(left):
            along = self.woodbury[left] @ (step[left] @ rows.X[left, :, None])
            step[left] -= self.inverse.times_rows(along.squeeze(2), rows.X[left])
        return gradient, step

    def curvature(self, move):
        """Second derivatives along moves from where the last gradients were."""
        rows = self.rows
        (B, K, p), n = move.shape, len(rows.table.X)
        along = (move.reshape(-1, p) @ rows.table.X.T).view(B, K, n)
        weighted = self.probability * along
        mean = weighted.sum(1)
        spread = weighted.mul_(along).sum((1, 2)) - mean.square_().sum(1)
        along = (move @ rows.X[:, :, None]).squeeze(2)
        weighted = self.own * along
        own_spread = (weighted * along).sum(1) - weighted.sum(1).square()
        flat = (move.square() @ self.penalty).sum(1)
        return spread + rows.sign * own_spread + flat
