"""What `AmortizedAttribution` learns from: noisy attributions, or coalitions."""

from typing import NamedTuple

import numpy as np

from ..utils._random import draw_seed
from ..utils._rows import take_rows
from ._designs import with_complements
from ._effects import Effects, unit_norm
from ._kernel_design import kernel_pairs

# Rows that share coalitions: the model gets them in one batch, but the errors of their
# attributions are related. So there are this many sets of coalitions, or more.
N_DESIGNS = 40
ROWS_A_DESIGN = 16
# Methods whose standard errors are right on average; those of KernelSHAP are too large
# where coalitions are few, or nearly all of them.
KNOWN_ERRORS = {"permutation", "regression", "gaussian_process"}
# Those whose errors are no noise: shrinking towards models that learned them does harm.
BIASED = {"gaussian_process"}
# Where one draw does not tell its variance, this share of the rows is drawn twice, and
# no fewer than these.
REPEATED_SHARE, LEAST_REPEATED = 1 / 16, 20


class Noisy(NamedTuple):
    """Noisy attributions of rows.

    Attributes
    ----------
    first : ndarray of shape (n_rows, n_players, n_outputs)
        One draw a row.

    variance : ndarray of shape (n_players, n_outputs)
        Of one draw.

    again : ndarray of int
        Rows that were drawn twice.

    second : ndarray of shape (n_again, n_players, n_outputs)
        Their other draw, independent of the first.

    n_evaluations : float
        Coalitions that the model was asked about, a row.

    posterior : ndarray of shape (n_rows, n_players, n_outputs) or None
        Another estimate from the same coalitions, of less error but with a bias.

    shared : ndarray of shape (n_players, n_outputs) or None
        Covariance of its errors with those of `first`.
    """

    first: np.ndarray
    variance: np.ndarray
    again: np.ndarray
    second: np.ndarray
    n_evaluations: float
    posterior: np.ndarray | None = None
    shared: np.ndarray | None = None

    def pooled(self):
        """Mean of the draws of each row, and their number."""
        mean, count = self.first.copy(), np.ones(len(self.first))
        mean[self.again] = (self.first[self.again] + self.second) / 2
        count[self.again] = 2.0
        return mean, count


def designs_of(n_rows):
    """Rows that share a design."""
    return int(np.clip(n_rows // N_DESIGNS, 1, ROWS_A_DESIGN))


def deal(n_rows, n_folds):
    """Folds of rows: those that share a design are in the same one."""
    designs = np.arange(n_rows) // designs_of(n_rows)
    n_folds = min(n_folds, designs[-1] + 1)
    return [np.flatnonzero(designs % n_folds == fold) for fold in range(n_folds)]


def draw_noisy(attribution, X, settings, rng):
    """Draw attributions for all rows, once more for a share of them.

    Parameters
    ----------
    attribution : FeatureAttribution
        Fitted.

    X : {ndarray, dataframe} of shape (n_rows, n_columns)
        In random order.

    settings : dict
        `n_samples`, `controls` and `normalize` of `AmortizedAttribution`.

    rng : RandomState instance
        Draws the seeds.

    Returns
    -------
    noisy : Noisy
        The attributions.

    effects : Effects
        Of the rows.
    """
    n_rows, n_samples = len(X), settings["n_samples"]
    drawn = attribution._draw(
        X,
        draw_seed(rng),
        n_samples=n_samples,
        effects=settings["controls"],
        posterior=not settings["normalize"],
        rows_a_design=designs_of(n_rows),
    )
    effects = Effects(
        drawn.predictions, drawn.empty, drawn.add_one, drawn.leave_one_out
    )
    first, stderr = drawn.values, drawn.stderr
    again, seed = rng.permutation(n_rows), draw_seed(rng)
    is_known = attribution.method_ in KNOWN_ERRORS or not stderr.any()
    if settings["normalize"]:
        first = unit_norm(first)
    elif is_known and np.isfinite(stderr).all():
        variance = np.mean(stderr**2, axis=0)
        nobody = np.empty(0, dtype=int)
        noisy = Noisy(first, variance, nobody, first[nobody], drawn.n_evaluations)
        if drawn.posterior is not None:
            shared = np.mean(drawn.shared_variance, axis=0)
            noisy = noisy._replace(posterior=drawn.posterior, shared=shared)
        return noisy, effects
    again = np.sort(again[: max(LEAST_REPEATED, round(REPEATED_SHARE * n_rows))])
    more = attribution._draw(
        take_rows(X, again), seed, n_samples=n_samples, errors=False, rows_a_design=1
    )
    second = unit_norm(more.values) if settings["normalize"] else more.values
    variance = np.mean((first[again] - second) ** 2, axis=0) / 2
    n_evaluations = drawn.n_evaluations + more.n_evaluations * len(again) / n_rows
    return Noisy(first, variance, again, second, n_evaluations), effects


def draw_coalitions(attribution, X, n_samples, effects, rng):
    """Coalitions for the objective of FastSHAP, and what they are worth.

    Parameters
    ----------
    attribution : FeatureAttribution
        Fitted; of at least two players.

    X : {ndarray, dataframe} of shape (n_rows, n_columns)
        In random order.

    n_samples : int
        Coalitions of a row.

    effects : Effects
        Of the rows.

    rng : RandomState instance
        Draws a seed.

    Returns
    -------
    targets : ndarray of shape (n_rows, 1 + n_coalitions * n_outputs)
        The number of a row's design, and the worth of its coalitions less the empty.

    coalitions : ndarray of shape (n_designs, n_coalitions, n_players), dtype bool
        Drawn from the Shapley kernel, with their complements.

    weights : ndarray of shape (n_designs, n_coalitions)
        Of each in the objective; those of a design sum to one.
    """
    generator = np.random.default_rng(draw_seed(rng))
    n_rows, size = len(X), designs_of(len(X))
    targets, coalitions, weights = [], [], []
    for start in range(0, n_rows, size):
        pairs, weight, _ = kernel_pairs(
            attribution.n_players_, max(1, n_samples // 2), generator
        )
        masks = with_complements(pairs)
        rows = slice(start, min(start + size, n_rows))
        worth = attribution._worth(take_rows(X, rows), masks) - effects.empty
        number = np.full((len(worth), 1), len(coalitions))
        targets.append(np.hstack([number, worth.reshape(len(worth), -1)]))
        coalitions.append(masks)
        weights.append(np.repeat(weight, 2) / (2 * weight.sum()))
    return np.concatenate(targets), np.stack(coalitions), np.stack(weights)
