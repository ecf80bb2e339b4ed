"""One thread of numerical libraries for as long as a computation lasts.

Sums may be taken in another order when they are split over threads, so a fixed number
of threads is what makes the same seed give bitwise the same values on any machine. It
also keeps a process that was forked after a fit alive: a pool of threads does not
survive a fork, and with one thread there is no pool.

BLAS libraries and torch have one count a process, OpenMP has one a thread. The first of
several concurrent users saves the former and the last restores them; every user saves
and restores its own of the latter.
"""

import os
import sys
import threading
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_n_users = 0
# What the last user gives back: functions that set the counts of the process.
_restore = {}


@contextmanager
def one_thread():
    """Limit BLAS, OpenMP and torch to one thread; nests, and runs concurrently."""
    global _n_users
    with _lock:
        torch = sys.modules.get("torch")
        libraries = _libraries(torch is not None)
        own = [(library, library.num_threads) for library in libraries["openmp"]]
        for library in libraries["process"]:
            if library.filepath not in _restore:
                _restore[library.filepath] = (
                    library.set_num_threads,
                    library.num_threads,
                )
        if torch is not None and "torch" not in _restore:
            _restore["torch"] = torch.set_num_threads, torch.get_num_threads()
        _n_users += 1
        for library in (*libraries["process"], *libraries["openmp"]):
            library.set_num_threads(1)
        if torch is not None:
            torch.set_num_threads(1)
            # A new thread takes torch's count over when it first asks for it: now.
            torch.get_num_threads()
    try:
        yield
    finally:
        with _lock:
            _n_users -= 1
            if _n_users == 0:
                for set_num_threads, count in _restore.values():
                    set_num_threads(count)
                _restore.clear()
            for library, count in own:
                library.set_num_threads(count)


def keep_to_one_thread():
    """Set the counts of a new thread's own, inside of `one_thread` in another."""
    torch = sys.modules.get("torch")
    for library in _libraries(torch is not None)["openmp"]:
        library.set_num_threads(1)
    if torch is not None:
        torch.get_num_threads()


def _renew_lock():
    """A thread that held it when the process was forked is not there to release it."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


@cache
def _libraries(with_torch):
    """Controllers of the loaded libraries; looking for them takes milliseconds.

    Importing torch loads more of them, hence the argument.
    """
    controllers = ThreadpoolController().lib_controllers
    kinds = {"openmp": [], "process": []}
    for library in controllers:
        kinds["openmp" if library.user_api == "openmp" else "process"].append(library)
    return kinds
