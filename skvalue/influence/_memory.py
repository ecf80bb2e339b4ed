"""Whether a dense Hessian fits here, asked before it is allocated.

Where memory is overcommitted, as on Linux, an array that does not fit is granted, and
the process is killed when it is filled: no error would name the parameter.
"""

import os
from pathlib import Path

# The Hessian and what is made of it: the blocks that it is summed from, its factor.
N_COPIES = 2
# Memory limit of the container, where there is one.
CGROUP_LIMITS = [
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
]


def check_hessian_fits(n_parameters):
    """Refuse a Hessian that is larger than the machine.

    Parameters
    ----------
    n_parameters : int
        Its rows and columns.

    Raises
    ------
    ValueError
        If it does not fit; the message says which solvers do without.
    """
    needed = N_COPIES * 8 * n_parameters**2
    if needed > memory():
        raise ValueError(
            f'solver="exact" holds the Hessian of {n_parameters} parameters, '
            f"{needed / 2**30:.3g} GiB, and there are {memory() / 2**30:.3g}; use "
            'solver="cg" or solver="lissa", which need its products only.'
        )


def memory():
    """Bytes of memory that a process may have here; infinity where nothing tells."""
    try:
        limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    except (AttributeError, ValueError, OSError):
        limits = []
    for path in CGROUP_LIMITS:
        try:
            limits.append(int(path.read_text(encoding="ascii")))
        except (OSError, ValueError):
            # No such limit, or "max".
            continue
    return min(limits, default=float("inf"))
