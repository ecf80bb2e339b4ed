"""Multinomial models of a coalition with one row changed, from the joint Hessian.

As in `neighbours`, with all classes of a model in one vector: the Hessian of a
neighbour is the coalition's, changed by :math:`\\pm S_i \\otimes x_i x_i^\\top` with
the K by K covariance :math:`S_i` of the row's class. Where a row leaves, which may take
most of a direction away, its inverse follows from the coalition's by Woodbury's
identity. Where one enters, the coalition's inverse alone preconditions nearly as well,
at half the cost.
"""

import torch

from .neighbours import Neighbours
from .scores import softmax_


def covariance(probability):
    """K by K covariances of a class drawn by these probabilities (B, K)."""
    outer = probability[:, :, None] * probability[:, None]
    return torch.diag_embed(probability) - outer


class MultinomialNeighbours(Neighbours):
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
        self.barrier = torch.zeros_like(present, dtype=penalty.dtype)
        self.barrier.masked_fill_(~present, -torch.inf)
        self.shape = theta.shape
        self.leaving = rows.sign < 0
        X = rows.X[self.leaving]
        change = -covariance(softmax_(X @ theta.T + self.barrier))
        eye = torch.eye(len(theta), dtype=theta.dtype, device=theta.device)
        self.woodbury = block.new_zeros(len(block), *eye.shape)
        self.woodbury[self.leaving] = torch.linalg.solve_ex(
            eye + change @ block[self.leaving], change
        )[0]

    def take(self, index):
        taken = object.__new__(MultinomialNeighbours)
        taken.__dict__.update(vars(self))
        taken.rows = self.rows.take(index)
        for name in ("leaving", "woodbury", "probability", "own"):
            setattr(taken, name, getattr(self, name)[index])
        return taken

    def newton_step(self, theta):
        """Gradients, and their products with the inverses of the neighbours."""
        rows, table = self.rows, self.rows.table
        theta = theta.view(-1, *self.shape)
        (K, p), n = self.shape, len(table.X)
        margins = (theta.reshape(-1, p) @ table.X.T).view(len(theta), K, n)
        self.probability = softmax_(margins.add_(self.barrier[:, None]))
        own = (theta @ rows.X[:, :, None]).squeeze(2) + self.barrier
        self.own = softmax_(own)
        residual = (self.probability - table.target).view(len(theta) * K, n)
        gradient = (residual @ table.X).view_as(theta)
        gradient.addcmul_(theta, self.penalty)
        residual = rows.sign[:, None] * (self.own - rows.y)
        gradient.addcmul_(residual[:, :, None], rows.X[:, None])
        step = self.inverse.times(gradient)
        left = self.leaving.nonzero().squeeze(1)
        if len(left):
            along = self.woodbury[left] @ (step[left] @ rows.X[left, :, None])
            step[left] -= self.inverse.times_rows(along.squeeze(2), rows.X[left])
        return gradient.flatten(1), step.flatten(1)

    def curvature(self, move):
        """Second derivatives along moves from where the last gradients were."""
        rows, move = self.rows, move.view(-1, *self.shape)
        (K, p), n = self.shape, len(rows.table.X)
        along = (move.reshape(-1, p) @ rows.table.X.T).view(len(move), K, n)
        weighted = self.probability * along
        mean = weighted.sum(1)
        spread = weighted.mul_(along).sum(1) - mean.square()
        own = (move @ rows.X[:, :, None]).squeeze(2)
        own_mean = (self.own * own).sum(1)
        own_spread = (self.own * own.square()).sum(1) - own_mean.square()
        flat = (move.square() @ self.penalty).sum(1)
        return spread.sum(1) + rows.sign * own_spread + flat
