"""Fits that are kept: what a valuator has computed once need not be computed again.

`drop` only reads the values, yet every candidate of a search over it is fitted anew.
With `memory`, what ``_fit`` sets is kept by `joblib.Memory`, under a key of all that it
can see. Rows and parameters are validated in every fit, so that errors, warnings and
names of rows are those of the data at hand.
"""

import os
import pickle
import warnings
from functools import partial
from numbers import Integral

import joblib
import numpy as np

from ._coalitions.fingerprint import fingerprint
from ._coalitions.object_parts import sha256
from .utils._rows import is_frame

# Parameters that decide how fast, from where or how loudly values are computed, or what
# is done with them.
NOT_COMPUTING = {
    *("drop", "memory", "n_jobs", "verbose"),
    *("warm_start", "checkpoint", "checkpoint_interval"),
}

# What a valuator holds that neither a fit computes nor its values depend on.
NOT_FITTED = {
    "_callback_fit_ctx",
    "_metadata_request",
    "_parent_callback_ctx",
    "_row_names",
    "_skl_callbacks",
    "_skl_callbacks_to_teardown",
    "_sklearn_output_config",
}

# Arguments of ``fit`` that a valuator holds while it runs: part of the key, not of what
# the last fit left.
ARGUMENTS = {"_given_noisy"}


class FitMemory:
    """The memory of one fit, from its beginning.

    Parameters
    ----------
    valuator : BaseValuator
        Its `memory` is asked, and whether its fit can be told by its parameters. Where
        it is used, what the last fit left is forgotten: it is no part of the next one.

    Raises
    ------
    ValueError
        If there can be no such folder.
    """

    def __init__(self, valuator):
        self.valuator = valuator
        self.memory = memory_of(getattr(valuator, "memory", None))
        if self.memory is None:
            return
        reason = _why_not(valuator)
        if reason is not None:
            warnings.warn(
                f"memory is neither read nor written: {reason}.",
                UserWarning,
                stacklevel=5,
            )
            self.memory = None
            return
        for name in self._fitted().keys() - ARGUMENTS:
            delattr(valuator, name)

    def fit(self, X, y, X_val, y_val, **given):
        """Set what ``_fit`` sets: as it was kept, or else by a fit, which is kept.

        Parameters
        ----------
        X, y, X_val, y_val, **given
            Arguments of ``_fit``, after validation.

        Raises
        ------
        ValueError
            If a parameter cannot be told from another.
        """
        fit = partial(self.valuator._fit, X, y, X_val, y_val, **given)
        if self.memory is None:
            fit()
            return
        before = self._attributes()
        is_kept = True

        def compute():
            nonlocal is_kept
            is_kept = False
            fit()
            return self._pickle_changed(before)

        key = self._key({"X": X, "y": y, "X_val": X_val, "y_val": y_val, **given})
        kept = self.memory.cache(pickled_state, ignore=["compute"])
        try:
            state = kept(key, compute)
        except NotPickledError as error:
            reason = f"memory keeps no such fit: {error.__cause__}"
            warnings.warn(reason, UserWarning, stacklevel=6)
            return
        if is_kept:
            vars(self.valuator).update(pickle.loads(state))

    def _pickle_changed(self, before):
        """What a fit has set, as bytes: a later fit gets objects of its own."""
        state = {
            name: value
            for name, value in self._attributes().items()
            if not (name in before and before[name] is value)
        }
        try:
            return pickle.dumps(state, protocol=pickle.HIGHEST_PROTOCOL)
        except Exception as error:  # Any class may raise anything.
            raise NotPickledError from error

    def _attributes(self):
        """All but parameters, and what is set on any estimator."""
        others = NOT_FITTED.union(self.valuator._get_param_names())
        held = vars(self.valuator)
        return {name: value for name, value in held.items() if name not in others}

    def _fitted(self):
        """Attributes that come from a fit, not from the user, by their names."""
        return {
            name: value
            for name, value in self._attributes().items()
            if name.startswith("_") or name.endswith("_")
        }

    def _key(self, data):
        """Text that is equal for fits of equal results: of all that ``_fit`` sees."""
        # Estimators as they are, not clones: a network may be used as it was trained.
        seen = computing_params(self.valuator) | self._fitted()
        if "random_state" in seen:
            seen["random_state"] = int(seen["random_state"])
        # Sums over rows that lie otherwise in memory differ in their last bits.
        seen["layout"] = [_strides(data["X"]), _strides(data["X_val"])]
        seen["class"] = type(self.valuator)
        return sha256(repr(sorted(fingerprint(data, seen).items())))


class NotPickledError(Exception):
    """A fitted state that no file can hold."""


def pickled_state(key, compute):
    """What joblib keeps, by the key alone."""
    return compute()


def computing_params(valuator):
    """Parameters that what a fit computes depends on: all that it may keep of them.

    Parameters
    ----------
    valuator : BaseValuator
        Left as it is.

    Returns
    -------
    parameters : dict
        By name.
    """
    return {
        name: value
        for name, value in valuator.get_params(deep=False).items()
        if name not in NOT_COMPUTING
    }


def memory_of(memory):
    """The user's memory, or that of the user's folder.

    Parameters
    ----------
    memory : str, path-like, joblib.Memory or None
        As given.

    Returns
    -------
    memory : joblib.Memory or None
        None where nothing is kept.

    Raises
    ------
    ValueError
        If there can be no such folder.
    """
    if isinstance(memory, (str, os.PathLike)):
        try:
            return joblib.Memory(os.fspath(memory), verbose=0)
        except OSError as error:
            raise ValueError(
                f"memory={os.fspath(memory)!r} cannot be used as a folder: "
                f"{error.strerror or error}."
            ) from error
    return None if getattr(memory, "location", memory) is None else memory


def _why_not(valuator):
    """Why another fit of the same parameters may give other values, or None."""
    parameters = valuator.get_params(deep=True)
    random_state = parameters.get("random_state", 0)
    if not isinstance(random_state, Integral):
        return (
            f"random_state={random_state!r} draws anew in every fit; give it an integer"
        )
    if parameters.get("warm_start"):
        return "with warm_start=True a fit goes on with the last one"
    for name, value in parameters.items():
        if name.rpartition("__")[2] == "checkpoint" and value is not None:
            return f"a fit goes on with the file of {name}={os.fspath(value)!r}"
    return None


def _strides(rows):
    if is_frame(rows):
        return [np.asarray(rows[name]).strides for name in rows.columns]
    return getattr(rows, "strides", None)
