"""One torch thread for as long as a computation lasts.

Matrix products may sum in another order when they are split over threads, so a fixed
thread count is what makes the same seed give bitwise the same values on any machine.
"""

import threading
from contextlib import contextmanager

import torch

_lock = threading.Lock()
_users = 0
_threads_before = None


@contextmanager
def single_thread():
    """Run torch on one thread; the last concurrent user restores the old count."""
    global _users, _threads_before
    with _lock:
        if _users == 0:
            _threads_before = torch.get_num_threads()
        _users += 1
        torch.set_num_threads(1)
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                torch.set_num_threads(_threads_before)
