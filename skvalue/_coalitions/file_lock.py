"""A lock that dies with its owner: no process can leave it locked behind it.

The operating system locks an open file (``flock``; ``msvcrt.locking`` on Windows) and
unlocks it when the process ends, however it ends. What is locked is an empty file
beside the one that is meant, because that one is replaced at every write, and Windows
replaces no file that is open. Whoever unlocks also removes it; one that a kill left
there is free, and the next owner takes and removes it.
"""

import errno
import os
import weakref
from contextlib import suppress

if os.name == "nt":
    import msvcrt
else:
    import fcntl

# What the systems answer where another owner holds the lock, and on file systems that
# have none.
HELD = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK}
UNSUPPORTED = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK}

_locks = weakref.WeakSet()


class FileLock:
    """Exclusive among processes, and among the threads of one.

    Parameters
    ----------
    path : str
        The empty file. It exists only while the lock is held, but for a kill.

    Attributes
    ----------
    is_supported : bool
        False where the file system has no locks: then nothing is exclusive.
    """

    def __init__(self, path):
        self.path = path
        self.is_supported = True
        self._descriptor = None

    def acquire(self):
        """Take the lock, or learn at once that another has it.

        Returns
        -------
        acquired : bool
            False where another owner holds it.

        Raises
        ------
        OSError
            If there can be no such file.
        """
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        is_free = True
        while is_free and self._descriptor is None:
            descriptor = os.open(self.path, flags, 0o666)
            try:
                is_free = self._lock(descriptor)
                # The last owner may have removed the file after we had opened it: then
                # a lock on it keeps nobody out.
                if is_free and self._is_the_file(descriptor):
                    self._descriptor = descriptor
                    _locks.add(self)
            finally:
                if self._descriptor is None:
                    os.close(descriptor)
        return is_free

    @property
    def is_held(self):
        """Whether it is ours; not in a child that was forked while it was held."""
        return self._descriptor is not None

    def release(self):
        """Remove the file, and let others in."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        _locks.discard(self)
        is_ours = self._is_the_file(descriptor)
        if os.name == "nt":
            # Windows removes no open file: neither ours, nor, after we have closed it,
            # that of the next owner.
            os.close(descriptor)
        with suppress(OSError):
            if is_ours:
                os.unlink(self.path)
        if os.name != "nt":
            # Unlocked last, so that nobody can lock the file that is being removed
            # and be alone with it.
            os.close(descriptor)

    def _lock(self, descriptor):
        try:
            if os.name == "nt":
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in HELD:
                return False
            if error.errno not in UNSUPPORTED:
                raise
            self.is_supported = False
        return True

    def _is_the_file(self, descriptor):
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(self.path))
        except FileNotFoundError:
            return False

    def _forget(self):
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _forget_all():
    for lock in list(_locks):
        lock._forget()


if hasattr(os, "register_at_fork"):
    # A forked child has the open file too and would keep it locked after its parent's
    # death; closing the child's descriptor leaves the parent's lock as it is.
    os.register_at_fork(after_in_child=_forget_all)
