"""Losses that the engine minimises, for a batch of coalitions at once.

Each knows its gradient, a step to take from there, and the inverse of the Hessian that
steps are made of.
"""

import torch
from torch.nn.functional import softplus

MAX_CONJUGATE_STEPS = 60
# Beyond this squared decrement a Hessian from elsewhere misleads.
LARGE_DECREMENT = 1.0
UNSOLVABLE = (
    "A coalition of the rows of X has a Hessian that is singular, or not finite, to "
    "rounding; rescale X, for example with StandardScaler, or {}."
)


class LogisticObjective:
    """Penalised logistic losses of a batch of coalitions."""

    def __init__(self, rows, penalty, inverse=None, previous=None):
        self.rows, self.penalty, self.inverse = rows, penalty, inverse
        # Squared decrements one step ago: has the stale Hessian contracted enough?
        self.previous = previous

    def take(self, index):
        inverse = None if self.inverse is None else self.inverse[index]
        previous = None if self.previous is None else self.previous[index]
        return LogisticObjective(self.rows.take(index), self.penalty, inverse, previous)

    def to(self, dtype):
        return LogisticObjective(self.rows.to(dtype), self.penalty.to(dtype))

    def fresh(self):
        """The same losses, without a Hessian from elsewhere."""
        return LogisticObjective(self.rows, self.penalty)

    def loss(self, theta):
        """Loss of each model, (B,)."""
        total = 0.5 * (theta.square() * self.penalty).sum((1, 2))
        for part in self.rows.parts():
            margins = self.rows.margins(theta, part)
            losses = softplus(margins) - self.rows.target(part) * margins
            weights = self.rows.weights(part)
            if weights is not None:
                losses = weights[:, None] * losses
            total += losses.sum((1, 2))
        return total

    def gradient(self, theta):
        total = (theta * self.penalty).double()
        self.probabilities = []
        for part in self.rows.parts():
            probability = self.rows.margins(theta, part).sigmoid_()
            self.probabilities.append(probability)
            residual = probability - self.rows.target(part)
            weights = self.rows.weights(part)
            if weights is not None:
                residual.mul_(weights[:, None])
            total += self.rows.adjoint(residual, part)
        return total.to(theta.dtype)

    def step(self, gradient):
        if self.inverse is None:
            self.inverse = self.inverse_hessian()
            step = torch.bmm(gradient, self.inverse)
        else:
            step = torch.bmm(gradient, self.inverse)
            decrement = (gradient * step).sum((1, 2))
            stale = decrement > LARGE_DECREMENT
            if self.previous is not None:
                stale |= decrement * self.rows.enough_contraction > self.previous
            if stale.any():
                self.inverse = self.inverse.clone()
                self.inverse[stale] = self.inverse_hessian(stale)
                step = torch.bmm(gradient, self.inverse)
        self.previous = (gradient * step).sum((1, 2))
        return step

    def inverse_hessian(self, index=slice(None)):
        """Inverse Hessians at the parameters of the last `gradient`."""
        hessian = 0.0
        for part, probability in zip(
            self.rows.parts(), self.probabilities, strict=True
        ):
            probability = probability[index].squeeze(1)
            curvature = probability * (1 - probability)
            weights = self.rows.weights(part)
            if weights is not None:
                curvature = curvature.mul_(weights[index])
            hessian = hessian + self.rows.gram(curvature, part, index)
        return inverse_of(hessian + torch.diag(self.penalty))


class MultinomialObjective:
    """Penalised multinomial losses of a batch of coalitions."""

    def __init__(self, rows, penalty, inverse, present):
        self.rows, self.penalty, self.inverse = rows, penalty, inverse
        self.present = present
        self.barrier = torch.zeros_like(present, dtype=penalty.dtype)
        self.barrier.masked_fill_(~present, -torch.inf)

    def take(self, index):
        return MultinomialObjective(
            self.rows.take(index),
            self.penalty[index],
            self.inverse[index],
            self.present[index],
        )

    def to(self, dtype):
        return MultinomialObjective(
            self.rows.to(dtype),
            self.penalty.to(dtype),
            self.inverse.to(dtype),
            self.present,
        )

    def fresh(self):
        """The losses themselves: the preconditioner holds everywhere."""
        return self

    def loss(self, theta):
        """Loss of each model, (B,)."""
        total = 0.5 * (theta.square() * self.penalty[:, None]).sum((1, 2))
        for part in self.rows.parts():
            margins = self.rows.margins(theta, part)
            likely = (self.rows.target(part) * margins).sum(1)
            losses = (margins + self.barrier[:, :, None]).logsumexp(1) - likely
            weights = self.rows.weights(part)
            total += (losses if weights is None else weights * losses).sum(1)
        return total

    def gradient(self, theta):
        total = (theta * self.penalty[:, None]).double()
        self.probabilities = []
        for part in self.rows.parts():
            margins = self.rows.margins(theta, part) + self.barrier[:, :, None]
            probability = margins.softmax(1)
            self.probabilities.append(probability)
            residual = probability - self.rows.target(part)
            weights = self.rows.weights(part)
            if weights is not None:
                residual.mul_(weights[:, None])
            total += self.rows.adjoint(residual, part)
        return total.to(theta.dtype)

    def hessian_times(self, direction):
        product = direction * self.penalty[:, None]
        for part, probability in zip(
            self.rows.parts(), self.probabilities, strict=True
        ):
            margins = self.rows.margins(direction, part)
            mean = (probability * margins).sum(1, keepdim=True)
            change = margins.sub_(mean).mul_(probability)
            weights = self.rows.weights(part)
            if weights is not None:
                change.mul_(weights[:, None])
            product = product + self.rows.adjoint(change, part)
        return product

    def step(self, gradient):
        """Solve H step = gradient to a tenth by preconditioned conjugate gradients."""
        step, residual = torch.zeros_like(gradient), gradient
        search = preconditioned = residual @ self.inverse
        energy = first = (residual * preconditioned).sum((1, 2))
        for _ in range(MAX_CONJUGATE_STEPS):
            product = self.hessian_times(search)
            curvature = (search * product).sum((1, 2))
            # A model whose system is solved has nothing left to move by.
            length = torch.where(curvature > 0, energy / curvature, 0.0)[:, None, None]
            step = step + length * search
            residual = residual - length * product
            preconditioned = residual @ self.inverse
            previous, energy = energy, (residual * preconditioned).sum((1, 2))
            if (energy <= 0.01 * first).all():
                break
            ratio = torch.where(previous > 0, energy / previous, 0.0)
            search = preconditioned + ratio[:, None, None] * search
        return step


def bohning_inverse(rows, penalty):
    """Inverse of half the Gram matrix of each coalition plus its penalty, (B, p, p)."""
    gram = 0.0
    for part in rows.parts():
        weights = rows.weights(part)
        if weights is None:
            weights = rows.X.new_ones(rows.X.shape[:2])
        gram = gram + rows.gram(weights, part)
    return inverse_of(0.5 * gram + torch.diag_embed(penalty))


def inverse_of(hessian):
    """Inverses of symmetric positive definite matrices.

    Matrices that rounding has made indefinite are lifted a little: they then belong to
    a shorter step, not to another solution.
    """
    factor, failed = torch.linalg.cholesky_ex(hessian)
    if failed.any():
        bad = failed > 0
        mean = hessian[bad].diagonal(dim1=1, dim2=2).mean(1)
        eye = torch.eye(hessian.shape[-1], dtype=hessian.dtype, device=hessian.device)
        lift = 1e-3 * mean.clamp(min=1e-6)[:, None, None] * eye
        factor = factor.clone()
        lifted, failed = torch.linalg.cholesky_ex(hessian[bad] + lift)
        if failed.any() and hessian.dtype == torch.float64:
            raise ValueError(UNSOLVABLE.format("lower C"))
        # What is beyond repair stays unsolved, for double precision to solve.
        lifted[failed > 0] = eye
        factor[bad] = lifted
    return torch.cholesky_inverse(factor)
