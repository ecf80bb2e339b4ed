r"""Optimal transport between rows of uniform weight: one problem, or many small ones.

.. math:: \min_P \langle P, C \rangle - \tau H(P), \quad
          P 1 = 1/n, \; P^\top 1 = 1/m

by Sinkhorn iterations (Cuturi, "Sinkhorn Distances: Lightspeed Computation of Optimal
Transport", NeurIPS 2013), from warm to cold and stabilised (Schmitzer, "Stabilized
Sparse Scaling Algorithms for Entropy Regularized Transport Problems", 2019), or exactly
by the network simplex of POT.
"""

import math
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

# The network simplex ends by itself; this only bounds a pathological case.
SIMPLEX_ITERATIONS = 10**8
SINKHORN_ITERATIONS = 1000
# Share of the rows' mass that the plan may misplace.
SINKHORN_TOLERANCE = 1e-3
# Problems of more pairs of rows than this gain nothing by being solved together.
MAX_POOLED_PAIRS = 2**12
# Pairs of rows, padding included, that are solved together.
POOL_SIZE = 2**19


def import_ot():
    """POT, which the exact solution needs."""
    try:
        import ot
    except ImportError as error:
        raise ImportError(
            "LAVA(regularization=0) needs POT (Python Optimal Transport); install the "
            'extra, pip install "skvalue[ot]", or use regularization > 0.'
        ) from error
    return ot


def solve_transport(cost, regularization):
    """Dual potentials of either side and the transport cost, for uniform weights.

    Parameters
    ----------
    cost : ndarray of shape (n_rows, n_others)
        Of moving a row to another.

    regularization : float
        Temperature in units of the mean cost; 0 is exact.

    Returns
    -------
    potential : ndarray of shape (n_rows,)
        Of the rows.

    other_potential : ndarray of shape (n_others,)
        Of the others.

    total : float
        Mean cost of the plan.
    """
    weights, other_weights = (np.full(size, 1 / size) for size in cost.shape)
    scale = cost.mean()
    if scale == 0:
        return np.zeros(len(weights)), np.zeros(len(other_weights)), 0.0
    if regularization == 0:
        _, log = import_ot().emd(
            weights, other_weights, cost, numItermax=SIMPLEX_ITERATIONS, log=True
        )
        return log["u"], log["v"], float(log["cost"])
    sizes = (np.array([size]) for size in cost.shape)
    pool = _Pool(cost[None], *sizes, np.array([scale]), regularization)
    _warn_of(pool.errors)
    return pool.potential[0], pool.other_potential[0], float(pool.total_costs()[0])


def transport_costs(blocks, regularization):
    """Mean cost of the plan of each of many transports.

    Small ones are padded to common shapes and solved together, which takes a small part
    of the time: an iteration costs the same few calls for thousands of them.

    Parameters
    ----------
    blocks : list of ndarray of shape (n_rows, n_others)
        The costs of each transport.

    regularization : float
        Temperature of each in units of its mean cost; 0 is exact.

    Returns
    -------
    totals : ndarray of shape (n_blocks,)
        As the third result of `solve_transport`.
    """
    totals = np.zeros(len(blocks))
    pools = {}
    for number, block in enumerate(blocks):
        shape = tuple(_padded(size) for size in block.shape)
        if regularization == 0 or math.prod(shape) > MAX_POOLED_PAIRS:
            totals[number] = solve_transport(block, regularization)[2]
        elif block.any():
            pools.setdefault(shape, []).append(number)
    errors = []
    for shape, numbers in pools.items():
        step = POOL_SIZE // math.prod(shape)
        for start in range(0, len(numbers), step):
            part = numbers[start : start + step]
            padded = np.full((len(part), *shape), np.inf)
            sizes = np.array([blocks[number].shape for number in part])
            for place, number in zip(padded, part, strict=True):
                place[tuple(map(slice, blocks[number].shape))] = blocks[number]
            means = np.array([blocks[number].mean() for number in part])
            pool = _Pool(padded, *sizes.T, means, regularization)
            errors.append(pool.errors)
            totals[part] = pool.total_costs()
    if errors:
        _warn_of(np.concatenate(errors))
    return totals


def _padded(size):
    """The next power of 2, or 3/2 of one: few shapes, little padding."""
    power = 1 << (size - 1).bit_length()
    return 3 * power // 4 if 4 * size <= 3 * power else power


class _Pool:
    """Entropic transports that are solved together.

    Parameters
    ----------
    cost : ndarray of shape (n_blocks, n_rows, n_others)
        Of each transport, with infinite costs at the end where it is smaller.

    n_rows, n_others : ndarray of shape (n_blocks,)
        Sizes of each.

    mean_cost : ndarray of shape (n_blocks,)
        Without padding.

    regularization : float
        Temperature of each in units of its mean cost.

    Attributes
    ----------
    potential, other_potential : ndarray of shape (n_blocks, ...)
        Of the rows of either side.

    errors : ndarray of shape (n_blocks,)
        Share of the mass that each plan misplaces.
    """

    def __init__(self, cost, n_rows, n_others, mean_cost, regularization):
        self.cost, self.n_rows, self.n_others = cost, n_rows, n_others
        self.rows, self.others = (
            np.arange(size) < counts[:, None]
            for size, counts in zip(cost.shape[1:], (n_rows, n_others), strict=True)
        )
        self.temperature = regularization * mean_cost
        self.potential = np.zeros(self.rows.shape)
        self.other_potential = np.zeros(self.others.shape)
        n_halvings = max(0, math.ceil(-math.log2(regularization)))
        for warmth in 2.0 ** np.arange(n_halvings, -1, -1):
            self.errors = self._solve_at(warmth * self.temperature[:, None])

    def total_costs(self):
        """Mean cost of each plan."""
        # No plan moves anything at an infinite cost.
        spent = np.where(self._kernel > 0, self.cost, 0)
        spent *= self._kernel
        return ((spent @ self._other_scaling)[:, :, 0] * self._scaling).sum(axis=1)

    def _solve_at(self, warmth):
        """Move the potentials to those of a temperature; returns the errors."""
        # One array from the costs to the plan, and one pass of the exponential.
        kernel = self.other_potential[:, None] - self.cost
        kernel /= warmth[:, :, None]
        highest = np.where(self.rows, kernel.max(axis=2), 0)
        kernel -= highest[:, :, None]
        np.exp(kernel, out=kernel)
        mass = np.where(self.rows, kernel.sum(axis=2), 1) * self.n_rows[:, None]
        potential = np.where(self.rows, -warmth * (highest + np.log(mass)), 0)
        # Potentials inside the kernel keep its entries and the scalings near one.
        kernel /= mass[:, :, None]
        scaling, other_scaling, errors = self._scale(kernel)
        self.potential = potential + warmth * np.log(scaling)
        self.other_potential += warmth * np.log(other_scaling)
        self._kernel = kernel
        self._scaling, self._other_scaling = scaling, other_scaling[:, :, None]
        return errors

    def _scale(self, kernel):
        """Scalings of either side that make each kernel a plan; 1 where padded."""
        rows, others = self.rows, self.others
        scaling, other_scaling = np.ones(rows.shape), np.ones(others.shape)
        errors, going = np.full(len(kernel), np.inf), np.arange(len(kernel))
        share, other_share = 1 / self.n_rows[:, None], 1 / self.n_others[:, None]
        own = scaling.copy()
        for _ in range(SINKHORN_ITERATIONS):
            mass = (own[:, None] @ kernel)[:, 0]
            other = np.divide(other_share, mass, where=others, out=np.ones_like(mass))
            mass = (kernel @ other[:, :, None])[:, :, 0]
            error = np.abs(np.where(rows, own * mass - share, 0)).sum(axis=1)
            # What has ended stays as it was: no result depends on its neighbours.
            open_ = errors[going] > SINKHORN_TOLERANCE
            places = going[open_]
            scaling[places], other_scaling[places] = own[open_], other[open_]
            errors[places] = error[open_]
            left = errors[going] > SINKHORN_TOLERANCE
            if not left.any():
                break
            own = np.divide(share, mass, where=rows, out=np.ones_like(mass))
            if 2 * left.sum() <= len(left):
                going, own, kernel = going[left], own[left], kernel[left]
                rows, others = rows[left], others[left]
                share, other_share = share[left], other_share[left]
        return scaling, other_scaling, errors


def _warn_of(errors):
    left = ~(errors <= SINKHORN_TOLERANCE)
    if left.any():
        warnings.warn(
            f"Sinkhorn left a share {errors.max():.1e} of the rows misplaced after "
            f"{SINKHORN_ITERATIONS} iterations; raise regularization.",
            ConvergenceWarning,
            stacklevel=2,
        )
