r"""
How fast noisy labels are learned
=================================

A model :math:`a(b; \theta)` that is fitted to noisy labels :math:`\tilde a(b)` has an
error that can be measured, :math:`\tilde L`, and one that matters, :math:`L`, its
distance from the truth. With the variance N of the labels and their squared bias B,

.. math:: \Bigl(\sqrt{\tilde L - N} - \sqrt{B}\Bigr)^2 \le L \le
          \Bigl(\sqrt{\tilde L - N} + \sqrt{B}\Bigr)^2 ,

and for a linear model :math:`\tilde L - N` falls with the number of steps as 1 / T: Eq.
4 and Theorem 1 of Covert et al. (2024), here beside what stochastic gradient descent
does.
"""

# %%
# Labels of which everything is known
# -----------------------------------
# The Shapley values of a linear regression are :math:`w_j (x_j - \mathbb{E}\, x_j)`. A
# single row of the background, in place of its mean, gives labels without bias: their
# variance is that of :math:`w_j x_j`. A descent that is stopped early, as SGD-Shapley,
# has not come far from equal shares: labels half way there are biased.
import matplotlib.pyplot as plt
import numpy as np

n_columns, n_steps, n_runs = 5, 10_000, 50
weights = np.array([1.5, -1.0, 0.7, 0.4, 0.1])
covariance = 0.3 ** np.abs(np.subtract.outer(range(n_columns), range(n_columns)))
truth = np.diag(weights)
half_way = (np.eye(n_columns) + 1 / n_columns) / 2 @ truth


def squared_error(theta, other):
    """Of linear models, in the mean over rows."""
    gap = theta - other
    return np.einsum("...ij,jk,...ik->...", gap, covariance, gap)


# %%
# Stochastic gradient descent
# ---------------------------
# Each step takes one row and one label, and is 2 / (alpha (t + 1)) long, where alpha is
# twice the least eigenvalue of the covariance; parameters stay in a ball of radius D.
# The model is the mean of all iterates, the t-th of weight t.
alpha = 2 * np.linalg.eigvalsh(covariance)[0]
radius = 2.0


def descend(target, n_backgrounds):
    """Errors of the mean iterate from `target` and from the truth, (n_steps, n_runs).

    A label is the mean over `n_backgrounds` rows of the background.
    """
    rng = np.random.default_rng(0)
    root = np.linalg.cholesky(covariance)
    theta = np.zeros((n_runs, n_columns, n_columns))
    mean, errors = theta.copy(), []
    for t in range(1, n_steps + 1):
        # The mean over the first t iterates, of weights 2 s / (t (t + 1)).
        mean += 2 / (t + 1) * (theta - mean)
        errors.append([squared_error(mean, target), squared_error(mean, truth)])
        row, background = rng.normal(size=(2, n_runs, n_columns)) @ root.T
        label = row @ target.T - weights * background / np.sqrt(n_backgrounds)
        residual = (theta @ row[..., None])[..., 0] - label
        theta = theta - 4 / (alpha * (t + 1)) * residual[..., None] * row[:, None]
        norm = np.sqrt(np.sum(theta**2, axis=(1, 2), keepdims=True))
        theta = theta * np.minimum(1, radius / norm)
    return np.moveaxis(np.array(errors), 1, 0)


backgrounds = [1, 10, 100]
unbiased = {n: descend(truth, n) for n in backgrounds}
biased = descend(half_way, 10)

# %%
# Theorem 1: noise slows
# ----------------------
# The bound has the noise in its numerator. It holds, and is loose: it counts the whole
# radius as the distance to go. The error itself falls as fast.
trace = np.trace(covariance)
# Of rows drawn in proportion to their squared norm; they are Gaussian.
largest = np.linalg.eigvalsh(covariance + 2 * covariance @ covariance / trace)[-1]
steps = np.arange(1, n_steps + 1)


def bound(n_backgrounds):
    noise = np.sum(weights**2) / n_backgrounds
    numerator = 4 * trace * (noise + 4 * largest * radius**2)
    return numerator / (alpha / 2 * (steps + 1))


print(f"after {n_steps} steps:{'error':>14}{'bound':>9}{'slope':>9}")
for n, (excess, _) in unbiased.items():
    error = excess.mean(axis=1)
    slope = np.log10(error[-1] / error[n_steps // 10])
    print(f"{n:4d} background rows {error[-1]:12.5f}{bound(n)[-1]:9.3f}{slope:9.2f}")
    assert np.all(error <= bound(n))

# %%
# Eq. 4: bias stays
# -----------------
# Labels without bias: both errors are the same, and go on falling. Labels half way to
# equal shares: the model comes as close to them as it likes, and the error from the
# truth comes to a stop at their bias, between the two bounds all the way.
bias = squared_error(half_way, truth)
excess, error = biased
lower, upper = (
    (np.sqrt(excess) + sign * np.sqrt(bias)).mean(axis=1) ** 2 for sign in (-1, 1)
)
assert np.all((np.sqrt(excess) - np.sqrt(bias)) ** 2 <= error + 1e-12)
assert np.all(error <= (np.sqrt(excess) + np.sqrt(bias)) ** 2 + 1e-12)
print(f"squared bias {bias:.3f}, error after {n_steps} steps {error[-1].mean():.3f}")

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
for color, n in enumerate(backgrounds):
    label = f"{n} background row{'s' * (n > 1)}"
    left.loglog(steps, unbiased[n][0].mean(axis=1), color=f"C{color}", label=label)
    left.loglog(steps, bound(n), "--", color=f"C{color}")
left.set(title="Theorem 1, bounds dashed", xlabel="steps", ylabel="error less noise")
left.legend()
right.loglog(steps, unbiased[10][1].mean(axis=1), label="unbiased labels")
right.loglog(steps, error.mean(axis=1), color="C3", label="biased labels")
right.fill_between(steps, lower, upper, color="C3", alpha=0.2, label="Eq. 4")
right.axhline(bias, color="black", linewidth=0.8, linestyle=":", label="squared bias")
right.set(title="Eq. 4", xlabel="steps", ylabel="error from the truth")
right.legend(loc="lower left")
plt.show()
