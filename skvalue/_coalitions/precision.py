r"""How precise values are beside what tells them apart, and what more would cost.

Errors fall with the square root of the evaluations :math:`N`, and the variance of the
values is that of the exact ones, :math:`S^2`, plus the mean :math:`E^2` of the squared
errors. So an error :math:`e` after :math:`N` evaluations is :math:`t` standard
deviations of the values after

.. math:: N' = N \frac{e^2 - t^2 E^2}{t^2 S^2}.
"""

import math
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

# What tol="auto" stops at.
AUTO_TOL = 0.05

# With tol="auto", values are worth a warning where more of their variance is noise:
# with the default budget it is .3 to .65 for trees on a hundred rows.
MOST_NOISE = 0.75
# Typical errors should rather be below this many standard deviations.
MODEST_ERROR = 0.5


def relative_error(values, errors):
    """Largest standard error, in standard deviations of the values.

    Parameters
    ----------
    values, errors : ndarray of shape (n_players,)
        Values and their standard errors.

    Returns
    -------
    largest : float
        NaN where a player has no error yet.
    """
    largest, spread = float(errors.max()), float(values.std())
    if spread > 0 or math.isnan(largest):
        return largest / spread if spread else math.nan
    return math.inf if largest > 0 else 0.0


def needed_evaluations(n_evaluations, values, errors, error, target):
    """Evaluations after which an error is `target` standard deviations of the values.

    Parameters
    ----------
    n_evaluations : int
        Evaluations so far.

    values, errors : ndarray of shape (n_players,)
        What they gave.

    error : float
        The error now, in units of the values.

    target : float
        What it should be, in standard deviations of the values; positive.

    Returns
    -------
    needed : int or None
        To two digits, rounded up; None where the values differ by no more than their
        errors, so that nothing can be foretold.
    """
    noise = float(np.mean(errors**2))
    signal = float(values.var()) - noise
    if not signal > 0:
        return None
    needed = n_evaluations * (error**2 - target**2 * noise) / (target**2 * signal)
    return _round_up(needed) if math.isfinite(needed) else None


def warn_unless_precise(who, run, tol, max_evaluations):
    """Warn of a `tol` that was not reached, or of values that are mostly noise.

    Parameters
    ----------
    who : str
        Name of the valuator.

    run : SamplingRun
        At its end.

    tol : float, "auto" or None
        As the user gave it. Nothing can reach 0, and None asks for nothing: neither
        warns. ``"auto"`` warns only where most of the values' variance is noise.

    max_evaluations : int or None
        As the user gave it.
    """
    if tol is None or tol == 0:
        return
    values, errors = run.estimate()
    largest = relative_error(values, errors)
    if largest <= (AUTO_TOL if tol == "auto" else tol):
        return
    if tol != "auto":
        problem = f"tol={tol} was not reached"
        found = (
            "not every value has a standard error yet"
            if math.isnan(largest)
            else f"the largest standard error is {largest:.2g} of the standard "
            "deviation of the values"
        )
        error, target = float(errors.max()), tol
        goal = f"reach tol={tol}, or raise tol"
    else:
        error, target = math.sqrt(np.mean(errors**2)), MODEST_ERROR
        # NaN compares false: then nothing is known. Noise leaves no values all equal.
        variance = values.var()
        if not (run.knows_errors and error**2 > MOST_NOISE * variance > 0):
            return
        problem = "the values are mostly noise"
        found = (
            f"their typical standard error is {error / values.std():.2g} of their "
            "standard deviation"
        )
        goal = f"make that {target}; tol=None silences this warning"
    needed = needed_evaluations(run.n_evaluations, values, errors, error, target)
    advice = (
        "The values do not differ by more than their errors, so that no budget can be "
        "foretold: try ten times as much."
        if needed is None
        # A budget also has to buy whole blocks, and enough of them to judge by.
        else f"About max_evaluations={max(needed, _round_up(1.1 * sum(run.budgets)))} "
        f"would {goal}."
    )
    warnings.warn(
        f"{who}: {problem}: after {run.n_evaluations} evaluations "
        f"({max_evaluations=}) {found}. {advice}",
        ConvergenceWarning,
        stacklevel=2,
    )


def _round_up(number):
    """To two digits."""
    unit = 10 ** max(0, math.floor(math.log10(max(number, 1))) - 1)
    return math.ceil(number / unit) * unit
