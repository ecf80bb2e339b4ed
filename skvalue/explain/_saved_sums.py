"""What a fit of datamodels must share with another one to go on with its sums."""

import os
from numbers import Integral

from sklearn.base import clone

from .._coalitions.fingerprint import check_same_run, fingerprint

# Parameters that decide how fast, how loudly or how the sums are read, but no sum.
NOT_SUMMED = {
    *("alpha", "checkpoint", "checkpoint_interval", "n_jobs", "verbose"),
    # None continues any seed; a RandomState instance has moved on by then.
    "random_state",
    # How they were resolved counts.
    *("method", "output"),
    # Subsets are those of a longer fit, too.
    "max_evaluations",
}


def header_of(datamodels, rows, seed, n_subsets):
    """Seed and fingerprint of a fit.

    Parameters
    ----------
    datamodels : Datamodels
        With `method_` and `output_`.

    rows : tuple of (X, y, X_target, y_target)
        Validated.

    seed : int
        Of all subsets.

    n_subsets : int
        That the fit will train on.

    Returns
    -------
    header : dict
        For a `Checkpoint`.
    """
    data = dict(zip(("X", "y", "X_target", "y_target"), rows, strict=True))
    data["classes"] = getattr(datamodels, "classes_", None)
    given = datamodels.get_params(deep=False)
    parameters = {
        name: value for name, value in given.items() if name not in NOT_SUMMED
    }
    parameters |= {"method": datamodels.method_, "output": datamodels.output_}
    if datamodels.estimator is not None:
        # Only clones are fitted: what it may have learnt before does not count.
        parameters["estimator"] = clone(datamodels.estimator)
    if isinstance(datamodels.random_state, Integral):
        parameters["random_state"] = int(datamodels.random_state)
    if datamodels.amortize:
        # The last subsets are held out, so that none can follow them.
        parameters["max_evaluations"] = n_subsets
    return {"seed": seed, "fingerprint": fingerprint(data, parameters)}


def restore(sampling, saved, header, path):
    """Let a sampling go on from what a file holds.

    Parameters
    ----------
    sampling : OutputSampling
        At its beginning.

    saved : tuple of (dict or None, dict or None)
        What `Checkpoint.load` returned.

    header : dict
        Of this fit.

    path : str or path-like
        The file, for the message.

    Raises
    ------
    ValueError
        If it holds another fit; the message names what differs.
    """
    earlier, arrays = saved
    if earlier is None:
        return
    prints = [
        part["fingerprint"] | {"seed": part["seed"]} for part in (earlier, header)
    ]
    check_same_run(*prints, f"checkpoint={os.fsdecode(path)!r}")
    sampling.sums.restore(arrays)
