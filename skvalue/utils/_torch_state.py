"""torch as a fresh process has it, for as long as our own computation lasts.

`torch.set_default_dtype(torch.float64)` and `torch.inference_mode()` around a fit are
meant for the user's own code. Ours makes float32 weights and needs gradients, and the
same seed must give the same values under either. A user's estimator, which may rely on
them, is fitted outside.
"""

import sys
import threading
from contextlib import contextmanager

_lock = threading.Lock()
_n_users = 0
# What the last user gives back; the default dtype is one for all threads.
_saved_dtype = None


@contextmanager
def plain_torch():
    """Compute with float32 as the default dtype and with gradients; nests."""
    torch = sys.modules.get("torch")
    if torch is None:
        # Not imported yet, so nobody has set anything.
        yield
        return
    with _float32_default(torch), torch.inference_mode(False), torch.enable_grad():
        yield


@contextmanager
def _float32_default(torch):
    """The first of several concurrent users saves the dtype, the last restores it."""
    global _n_users, _saved_dtype
    with _lock:
        if _n_users == 0:
            _saved_dtype = torch.get_default_dtype()
            if _saved_dtype != torch.float32:
                torch.set_default_dtype(torch.float32)
        _n_users += 1
    try:
        yield
    finally:
        with _lock:
            _n_users -= 1
            if _n_users == 0 and _saved_dtype != torch.float32:
                torch.set_default_dtype(_saved_dtype)
