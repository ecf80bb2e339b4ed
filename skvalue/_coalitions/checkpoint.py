"""Saving a run so that a killed one can go on: all of a file, or none of it.

A file is a magic line, the SHA-256 of the rest, and the rest: numpy arrays and a JSON
header. Nothing is pickled. It is written beside its place, flushed to the disk and
renamed over it, so that a reader finds the old file or the new one. Its place is tried
and locked before there is anything to lose.
"""

import errno
import hashlib
import io
import json
import os
import shutil
import stat
import time
import warnings
import zipfile
import zlib
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np

from .file_lock import FileLock

MAGIC = b"skvalue checkpoint, format 3\n"

# What every header tells: how the run began, and what it must have in common with one
# that goes on with it.
HEADER = {"seed", "fingerprint"}

# What numpy and zipfile raise on bytes that are no archive of arrays.
NO_ARCHIVE = (
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


class Checkpoint:
    """One file that holds the state of one run; a context that keeps others out of it.

    Leaving the context writes the latest state that is not yet in the file, also after
    an exception. Without a path everything here does nothing.

    Parameters
    ----------
    path : str, path-like or None
        The file; a link is followed.

    interval : float, default=60.0
        Seconds between two writes, at least.

    Raises
    ------
    ValueError
        On entering: if the file cannot be written, is none that should be, or is used
        by another run. It is left as it was.
    """

    def __init__(self, path, interval=60.0):
        self.path = path
        self.interval = interval
        self._latest = None

    def __enter__(self):
        if self.path is not None:
            try:
                self._take_place()
            except OSError as error:
                raise self._error(f"cannot be written: {_reason(error)}.") from error
        return self

    def __exit__(self, *exception):
        if self.path is None:
            return
        try:
            if self._latest is not None:
                self.save(*self._latest)
        finally:
            self._lock.release()

    # ------------------------------------------------------------------- reading

    def load(self):
        """Read the file.

        Returns
        -------
        header : dict or None
            None without a file.

        arrays : dict of str to ndarray or None
            None without a file.

        Raises
        ------
        ValueError
            If it holds something else, or is damaged. It is left as it was.
        """
        if self.path is None:
            return None, None
        try:
            with open(self._target, "rb") as file:
                if file.read(len(MAGIC)) != MAGIC:
                    raise self._not_ours()
                digest, payload = file.read(32), file.read()
        except FileNotFoundError:
            return None, None
        except OSError as error:
            raise self._error(f"cannot be read: {_reason(error)}.") from error
        if hashlib.sha256(payload).digest() != digest:
            raise self._error(
                "is truncated or damaged; it is left as it was. Remove the file to "
                "start again."
            )
        try:
            with np.load(io.BytesIO(payload), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            header = json.loads(str(arrays.pop("header")))
        except NO_ARCHIVE as error:
            raise self._not_ours() from error
        if not isinstance(header, dict) or HEADER - header.keys():
            raise self._not_ours()
        return header, arrays

    # ------------------------------------------------------------------- writing

    def save_if_due(self, header, state):
        """Write the state if the interval is over; else keep it for later.

        Parameters
        ----------
        header : dict
            JSON, with ``seed`` and ``fingerprint``.

        state : callable
            Returns the arrays, as a dict; they are not modified afterwards.
        """
        if self.path is None:
            return
        self._latest = header, state()
        if time.monotonic() - self._saved_at >= self.interval:
            self.save(*self._latest)

    def save(self, header, arrays):
        """Write atomically; where that fails, warn, keep the old file and go on.

        Parameters
        ----------
        header : dict
            JSON, with ``seed`` and ``fingerprint``.

        arrays : dict of str to ndarray
            The state.
        """
        # A forked child has lost the lock, and must not write beside its parent.
        if self.path is None or not self._lock.is_held:
            return
        try:
            self._replace(header, arrays)
            self._latest = None
        except (OSError, MemoryError) as error:
            self._warn(
                f"could not be written: {_reason(error)}. The fit goes on and tries "
                "again at the next interval and at its end; the file is left as it was."
            )
        finally:
            self._saved_at = time.monotonic()

    def _replace(self, header, arrays):
        buffer = io.BytesIO()
        np.savez(buffer, header=np.array(json.dumps(header)), **arrays)
        payload = buffer.getbuffer()
        try:
            self._write_temporary(MAGIC, hashlib.sha256(payload).digest(), payload)
            with suppress(OSError):
                shutil.copymode(self._target, self._temporary)
            os.replace(self._temporary, self._target)
        finally:
            self._remove_temporary()
        _sync_directory(os.path.dirname(self._target))

    def _write_temporary(self, *parts):
        self._remove_temporary()
        # "x": never through a link that somebody put there.
        with open(self._temporary, "xb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())

    def _remove_temporary(self):
        with suppress(OSError):
            os.unlink(self._temporary)

    # ----------------------------------------------------------------- the place

    def _take_place(self):
        """Find the file, lock it, and try to write beside it."""
        self._target = self._find_target()
        folder, name = os.path.split(self._target)
        self._temporary = os.path.join(folder, f".{name}.skvalue-tmp")
        self._lock = FileLock(os.path.join(folder, f".{name}.skvalue-lock"))
        if not self._lock.acquire():
            raise self._error(
                "is in use by another fit, in this process or another; wait for it, or "
                "give each fit a file of its own."
            )
        with ExitStack() as undo:
            undo.callback(self._lock.release)
            if not self._lock.is_supported:
                self._warn(
                    "cannot be locked on this file system: make sure that no other fit "
                    "uses it."
                )
            # Also removes what a killed run may have left there.
            try:
                self._write_temporary(MAGIC)
            finally:
                self._remove_temporary()
            undo.pop_all()
        self._saved_at = time.monotonic()

    def _find_target(self):
        """Absolute path of the regular file, links followed, that may be written."""
        path = os.fsdecode(self.path)
        if not path or "\0" in path:
            raise self._error("is no file name; give the path of a file.")
        try:
            target = os.path.realpath(path)
        except ValueError as error:
            raise self._error(f"is no file name: {error}.") from error
        folder = Path(target if os.path.islink(path) else path).parent
        if not folder.is_dir():
            raise self._error(f"cannot be written: there is no folder {folder}.")
        try:
            mode = os.stat(target).st_mode
        except FileNotFoundError:
            mode = None
        if path.endswith(os.sep) or (mode is not None and stat.S_ISDIR(mode)):
            raise self._error("is a folder; give the path of a file in it.")
        if mode is not None and not stat.S_ISREG(mode):
            raise self._error(
                "is not a regular file but a device, a pipe or a socket; give the path "
                "of a file."
            )
        # The superuser may write what is marked as read-only, but should not.
        if mode is not None and not (mode & 0o222 and os.access(target, os.W_OK)):
            raise self._error(
                "is a read-only file, which is left as it was; give another path, or "
                "allow writing to it."
            )
        return target

    # ------------------------------------------------------------------ messages

    def _error(self, what):
        return ValueError(f"checkpoint={os.fsdecode(self.path)!r} {what}")

    def _not_ours(self):
        return self._error(
            "is not a checkpoint of this version of skvalue; it is left as it was. "
            "Give another path, or remove the file."
        )

    def _warn(self, what):
        warnings.warn(
            f"checkpoint={os.fsdecode(self.path)!r} {what}",
            RuntimeWarning,
            stacklevel=2,
        )


def _reason(error):
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _sync_directory(directory):
    """The rename itself reaches the disk; Windows cannot and need not."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems sync files only.
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)
