"""What `verbose` prints, in one style for every method.

    [DataShapley] 400 of 1000 evaluations, 12 s left: largest standard error 0.31
    [DataShapley] 1000 of 1000 evaluations in 20 s: largest standard error 0.24

The first is printed now and then, the second at the end. Times are the clock's and go
nowhere but to the screen.
"""

import time

from sklearn.utils.parallel import Parallel

# Seconds between two lines with verbose=1.
INTERVAL = 2.0


class Progress:
    """Lines that say how far a computation is and how long it will take.

    Parameters
    ----------
    who : str
        What computes, such as the name of a valuator.

    total : int
        Units of the whole.

    unit : str
        Their name, in the plural.

    verbose : int
        0: print nothing; 1: a line every other second and one at the end; 2: a line at
        every update.

    done : int, default=0
        Units that an earlier computation has done.
    """

    def __init__(self, who, total, unit, verbose, *, done=0):
        self.who, self.total, self.unit = who, total, unit
        self.verbose = verbose
        self.done = self._already_done = done
        self._began = self._printed = time.monotonic()

    def update(self, done, note=None, total=None):
        """Say how far it is, if it is time for a line.

        Parameters
        ----------
        done : int
            Units so far.

        note : callable or None, default=None
            Returns what else to print; called only where it is printed.

        total : int or None, default=None
            Units that it will probably take, where that is not the whole.
        """
        self.done = done
        now = time.monotonic()
        is_soon = self.verbose < 2 and now - self._printed < INTERVAL
        newly = done - self._already_done
        if not self.verbose or is_soon or newly <= 0 or done >= self.total:
            return
        rest = (self.total if total is None else total) - done
        left = max(0, rest) * (now - self._began) / newly
        self._print(f", {duration(left)} left", note)
        self._printed = now

    def finish(self, note=None):
        """Say that it is done, and how long it took."""
        if self.verbose:
            self._print(f" in {duration(time.monotonic() - self._began)}", note)

    def over(self, results):
        """Yield results of an iterable, one a unit; the end is said, too."""
        for count, result in enumerate(results, start=1):
            yield result
            self.update(self._already_done + count)
        self.finish()

    def _print(self, when, note):
        note = note and note()
        note = f": {note}" if note else ""
        count = f"{self.done} of {self.total} {self.unit}"
        print(f"[{self.who}] {count}{when}{note}", flush=True)


def duration(seconds):
    """A time in words, to two digits or so."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def in_parallel(tasks, progress, *, n_jobs, prefer=None):
    """Results of delayed calls in their order, with a line for those that are done.

    Parameters
    ----------
    tasks : iterable of delayed calls
        One a unit of `progress`.

    progress : Progress
        Counts them.

    n_jobs : int or None
        Joblib workers.

    prefer : {"threads", "processes"} or None, default=None
        As joblib takes it.

    Returns
    -------
    results : list
        In the order of the tasks.
    """
    # Not every backend hands results over as they come, and in silence none has to.
    return_as = "generator" if progress.verbose else "list"
    parallel = Parallel(n_jobs=n_jobs, prefer=prefer, return_as=return_as)
    return list(progress.over(parallel(tasks)))
