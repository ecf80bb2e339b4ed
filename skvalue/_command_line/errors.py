"""Errors and notes that are made for a terminal: one line each."""

import sys


class CommandError(Exception):
    """What the person at the terminal can mend; its message is one line."""


def one_line(message):
    """A message without line breaks.

    Parameters
    ----------
    message : object
        Anything that has a string.

    Returns
    -------
    line : str
        Its words, one blank between them.
    """
    return " ".join(str(message).split())


def say(message, kind=None):
    """Print a line on stderr.

    Parameters
    ----------
    message : object
        What to say.

    kind : {"error", "warning"} or None, default=None
        What it is; None: something good to know.
    """
    prefix = "skvalue: " if kind is None else f"skvalue: {kind}: "
    print(prefix + one_line(message), file=sys.stderr, flush=True)
