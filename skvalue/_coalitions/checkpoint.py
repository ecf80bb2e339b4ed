"""Saving a run so that a killed one can go on: all of a file, or none of it.

A file is a magic line, the SHA-256 of the rest, and the rest: numpy arrays and a JSON
header with the fingerprint of what was being computed. Nothing is pickled. It is
written beside its place, flushed to the disk and renamed over it, so that a reader
finds the old file or the new one.
"""

import hashlib
import io
import json
import os
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

MAGIC = b"skvalue checkpoint, format 1\n"


def save(path, header, arrays):
    """Write a checkpoint atomically.

    Parameters
    ----------
    path : str or path-like
        Where to; replaced in one step.

    header : dict
        Anything JSON.

    arrays : dict of str to ndarray
        The state.
    """
    path = Path(path)
    buffer = io.BytesIO()
    np.savez(buffer, header=np.array(json.dumps(header)), **arrays)
    payload = buffer.getvalue()
    temporary = path.with_name(f".{path.name}.skvalue-tmp")
    with open(temporary, "wb") as file:
        file.write(MAGIC + hashlib.sha256(payload).digest() + payload)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    _sync_directory(path.parent)


def _sync_directory(directory):
    """The rename itself reaches the disk; Windows cannot and need not."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def load(path):
    """Read a checkpoint.

    Parameters
    ----------
    path : str or path-like
        File that `save` wrote, or that does not exist yet.

    Returns
    -------
    header : dict or None
        None without a file.

    arrays : dict of str to ndarray or None
        None without a file.

    Raises
    ------
    ValueError
        If there is a file of something else, or a damaged one. It is left as it was.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise ValueError(f"checkpoint={str(path)!r}: there is no folder {path.parent}.")
    if not path.exists():
        return None, None
    content = path.read_bytes()
    if not content.startswith(MAGIC):
        raise ValueError(
            f"checkpoint={str(path)!r} is not a checkpoint of this version of skvalue; "
            "it is left as it was. Give another path, or remove the file."
        )
    digest, payload = content[len(MAGIC) :][:32], content[len(MAGIC) + 32 :]
    if hashlib.sha256(payload).digest() != digest:
        raise ValueError(
            f"checkpoint={str(path)!r} is truncated or damaged; it is left as it was. "
            "Remove the file to start again."
        )
    with np.load(io.BytesIO(payload), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return json.loads(str(arrays.pop("header"))), arrays


def check_same_run(saved, current, source):
    """Raise unless two fingerprints agree.

    Parameters
    ----------
    saved, current : dict of str to str
        See `fingerprint`.

    source : str
        What holds the saved one, for the message.

    Raises
    ------
    ValueError
        If they differ; the message names what.
    """
    names = sorted(saved.keys() | current.keys())
    different = [name for name in names if saved.get(name) != current.get(name)]
    if different:
        raise ValueError(
            f"{source} belongs to another run: {', '.join(different)} differ(s). It is "
            "left as it was; fit with what it was made with, or start anew."
        )


def fingerprint(data, parameters):
    """What must be equal for one run to go on with the state of another.

    Parameters
    ----------
    data : dict of str to array or None
        Arrays and sparse matrices.

    parameters : dict of str to object
        Constructor parameters.

    Returns
    -------
    fingerprint : dict of str to str
        One entry each, and the versions of what computes.
    """
    prints = {name: digest(array) for name, array in data.items()}
    prints |= {name: describe(value) for name, value in parameters.items()}
    for package in ("numpy", "scipy", "scikit-learn", "torch", "skvalue"):
        prints[f"{package} version"] = version(package)
    return prints


def digest(array):
    """SHA-256 of the content, type and shape of an array or sparse matrix."""
    if array is None:
        return "None"
    if sparse.issparse(array):
        parts = [digest(part) for part in (array.data, array.indices, array.indptr)]
        return f"{array.format}{array.shape}" + "".join(parts)
    array = np.ascontiguousarray(array)
    content = (
        array.tobytes() if array.dtype != object else repr(array.tolist()).encode()
    )
    return f"{array.dtype}{array.shape}" + hashlib.sha256(content).hexdigest()


def describe(value):
    """Text that is equal for equal parameters, in any process."""
    if isinstance(value, BaseEstimator):
        parameters = value.get_params(deep=False)
        inside = ", ".join(f"{k}={describe(parameters[k])}" for k in sorted(parameters))
        return f"{_qualified_name(type(value))}({inside})"
    if isinstance(value, np.ndarray) or sparse.issparse(value):
        return digest(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {describe(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__}({', '.join(map(describe, value))})"
    if isinstance(value, partial):
        return f"partial({describe([value.func, value.args, value.keywords])})"
    if hasattr(value, "__code__"):
        # What a closure holds is a parameter of it like its defaults.
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        inputs = describe([cells, value.__defaults__, value.__kwdefaults__])
        return f"{_qualified_name(value)}({_code(value.__code__)}, {inputs})"
    if callable(value) and hasattr(value, "__qualname__"):
        return _qualified_name(value)
    if isinstance(value, np.random.RandomState):
        return describe(value.get_state(legacy=False))
    if hasattr(value, "__dict__"):
        return f"{_qualified_name(type(value))}({describe(vars(value))})"
    return repr(value)


def _code(code):
    """What a function does, without where it lies in memory."""
    constants = [
        _code(constant) if hasattr(constant, "co_code") else repr(constant)
        for constant in code.co_consts
    ]
    content = repr((code.co_code, code.co_names, constants))
    return hashlib.sha256(content.encode()).hexdigest()


def _qualified_name(value):
    return f"{value.__module__}.{value.__qualname__}"
