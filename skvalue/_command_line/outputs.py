"""Files that appear whole or not at all, and never in place of another unasked."""

import contextlib
import gzip
import os

from .errors import CommandError


class Outputs:
    """Where results will go; checked before anything is computed.

    Parameters
    ----------
    paths : dict of str to str or None
        File name by option; None: not wanted.

    sources : dict of str to str
        Files that are read, by what they are called; never written.

    force : bool
        Whether files that are there may be replaced.
    """

    def __init__(self, paths, sources, force):
        self.paths = {option: path for option, path in paths.items() if path}
        self.force = force
        self._written = {}
        for option, path in self.paths.items():
            self._check(option, path, sources)

    def _check(self, option, path, sources):
        final = os.path.realpath(path)
        for source, name in sources.items():
            if final == os.path.realpath(name):
                raise CommandError(
                    f"{option}: {path} is {source}, which is never written; give "
                    "another name."
                )
        for other, name in self.paths.items():
            if other != option and final == os.path.realpath(name):
                raise CommandError(f"{option} and {other} are the same file, {path}.")
        if os.path.lexists(final):
            if not os.path.isfile(final):
                raise CommandError(f"{option}: {path} is not a file.")
            self._refuse_existing(option, path)
        folder = os.path.dirname(final)
        if not os.path.isdir(folder):
            raise CommandError(f"{option}: there is no folder {folder}.")
        # Only writing tells whether one may: permissions, disks, quotas.
        temporary = _temporary(final)
        try:
            with open(temporary, "xb"):
                pass
            os.remove(temporary)
        except OSError as error:
            raise CommandError(
                f"{option}: cannot write {path}: {error.strerror}."
            ) from error

    def _refuse_existing(self, option, path):
        if not self.force and os.path.lexists(os.path.realpath(path)):
            raise CommandError(
                f"{option}: {path} is there already; --force replaces it."
            )

    def write(self, option, write):
        """Write one output beside its place, if it is wanted.

        Parameters
        ----------
        option : str
            Which.

        write : callable
            Gets a binary file.
        """
        if option not in self.paths:
            return
        path = self.paths[option]
        temporary = _temporary(os.path.realpath(path))
        self._written[option] = temporary
        try:
            with open(temporary, "xb") as file:
                if path.lower().endswith(".gz"):
                    # Without the time, so that the same rows are the same bytes.
                    with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                        write(packed)
                else:
                    write(file)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise CommandError(f"{option}: cannot write {path}: {error}.") from error

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        """Put all in their places, or leave nothing behind."""
        try:
            if kind is None:
                for option in self._written:
                    self._refuse_existing(option, self.paths[option])
                for option, temporary in self._written.items():
                    os.replace(temporary, os.path.realpath(self.paths[option]))
        finally:
            for temporary in self._written.values():
                with contextlib.suppress(FileNotFoundError):
                    os.remove(temporary)


def _temporary(final):
    folder, name = os.path.split(final)
    return os.path.join(folder, f".{name}.{os.getpid()}.tmp")
