"""Multinomial models of a coalition with one row changed, from the joint Hessian.

As in `neighbours`, with all classes of a model in one vector of ``K p`` parameters: the
Hessian of a neighbour is the coalition's, changed by :math:`\\pm S_i \\otimes x_i
x_i^\\top` with the K by K covariance :math:`S_i` of the row's class, so its inverse
follows from the coalition's by Woodbury's identity.
"""

import torch

from .neighbours import Neighbours


class MultinomialNeighbours(Neighbours):
    """Models of one coalition, each with another row added or taken out.

    Neither adds a class to the coalition nor takes the last row of one away.

    Parameters
    ----------
    rows : OneRowChanged
        B neighbours of the coalition.

    theta : Tensor of shape (K, p)
        The model of the coalition.

    inverse : Tensor of shape (K, p, K, p)
        The inverse of its Hessian.

    penalty : Tensor of shape (p,)
        The weight of half the squared coefficients.

    present : Tensor of shape (K,), dtype bool
        Classes of the coalition.
    """

    def __init__(self, rows, theta, inverse, penalty, present):
        self.rows, self.penalty = rows, penalty
        self.barrier = torch.zeros_like(present, dtype=penalty.dtype)
        self.barrier.masked_fill_(~present, -torch.inf)
        self.shape = K, p = theta.shape
        X = rows.X
        directions = (X @ inverse.reshape(K * p * K, p).T).view(-1, K, p, K)
        block = torch.einsum("ip,ikpl->ikl", X, directions)
        probability = (X @ theta.T + self.barrier).softmax(1)
        change = torch.diag_embed(probability)
        change = change - probability[:, :, None] * probability[:, None]
        change = change * rows.sign[:, None, None]
        eye = torch.eye(K, dtype=X.dtype, device=X.device)
        self.woodbury = torch.linalg.solve_ex(eye + change @ block, change)[0]
        self.directions = directions.reshape(-1, K * p, K)
        self.inverse = inverse.reshape(K * p, K * p)

    def take(self, index):
        taken = object.__new__(MultinomialNeighbours)
        taken.__dict__.update(vars(self))
        taken.rows = self.rows.take(index)
        for name in ("woodbury", "directions", "probability", "own"):
            setattr(taken, name, getattr(self, name)[index])
        return taken

    def newton_step(self, theta):
        """Gradients, and their products with the inverses of the neighbours."""
        rows, table = self.rows, self.rows.table
        theta = theta.view(-1, *self.shape)
        margins = theta @ table.X.T + self.barrier[:, None]
        self.probability = margins.softmax(1)
        own = (theta @ rows.X[:, :, None]).squeeze(2) + self.barrier
        self.own = own.softmax(1)
        gradient = (self.probability - table.target) @ table.X
        gradient.addcmul_(theta, self.penalty)
        residual = rows.sign[:, None] * (self.own - rows.y)
        gradient.addcmul_(residual[:, :, None], rows.X[:, None])
        gradient = gradient.flatten(1)
        step = gradient @ self.inverse
        along = torch.bmm(self.directions.mT, gradient[:, :, None])
        along = torch.bmm(self.directions, torch.bmm(self.woodbury, along))
        return gradient, step - along.squeeze(2)

    def curvature(self, move):
        """Second derivatives along moves from where the last gradients were."""
        rows, move = self.rows, move.view(-1, *self.shape)
        along = move @ rows.table.X.T
        mean = (self.probability * along).sum(1)
        spread = (self.probability * along.square()).sum(1) - mean.square()
        own = (move @ rows.X[:, :, None]).squeeze(2)
        own_mean = (self.own * own).sum(1)
        own_spread = (self.own * own.square()).sum(1) - own_mean.square()
        flat = (move.square() @ self.penalty).sum(1)
        return spread.sum(1) + rows.sign * own_spread + flat
