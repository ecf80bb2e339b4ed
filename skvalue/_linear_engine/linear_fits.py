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
  Logistic Regression Algorithm", 1992).

A model is solved when its squared Newton decrement :math:`g^\\top H^{-1} g`, which does
not depend on the scale of the features, falls below a tolerance; the step at which
that is seen is still taken.
"""

import torch

MAX_ITERATIONS = 40
MAX_ITERATIONS_FLOAT64 = 400
# Largest change of a coefficient (of standardised features) in one step.
MAX_STEP = 5.0
# A step went too far when the slope behind it is steeper than this share of before.
OVERSHOT_SLOPE = 0.25
MAX_CONJUGATE_STEPS = 60
# Beyond this squared decrement a Hessian from elsewhere misleads.
LARGE_DECREMENT = 1.0


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
    theta = theta * present[:, :, None]
    mean = theta.sum(1, keepdim=True) / present.sum(1)[:, None, None]
    theta = (theta - mean) * present[:, :, None]
    objective = MultinomialObjective(rows, penalty, inverse, present)
    return minimise(objective, theta, tolerance)[0]


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
    factor = torch.linalg.cholesky(gram + torch.diag(penalty))
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
        solved, precise, failed = _newton(
            hard,
            torch.zeros_like(theta[unsolved], dtype=torch.float64),
            tolerance[unsolved].double(),
            MAX_ITERATIONS_FLOAT64,
        )
        if len(failed):
            raise ValueError(
                f"{len(failed)} of {len(theta)} coalitions could not be fitted in "
                f"{MAX_ITERATIONS_FLOAT64} Newton steps; scale X, or lower C."
            )
        theta[unsolved] = solved.to(theta.dtype)
        inverse[unsolved] = precise.to(theta.dtype)
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
        factor[bad] = torch.linalg.cholesky(hessian[bad] + lift)
    return torch.cholesky_inverse(factor)
