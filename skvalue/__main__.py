"""``python -m skvalue``: values and clean rows of a table, from the command line."""

import sys


def main(argv=None):
    """Run the command line.

    Parameters
    ----------
    argv : list of str or None, default=None
        Arguments; None: those of the process.

    Returns
    -------
    code : int
        0: done; 2: an error, which is one line on stderr; 130: interrupted.
    """
    from skvalue import __version__

    from ._command_line.errors import CommandError, say
    from ._command_line.parser import make_parser

    arguments = sys.argv[1:] if argv is None else argv
    try:
        options = make_parser(__version__).parse_args(arguments)
        # What reads tables and computes is loaded once there is something to do.
        from ._command_line.run import run

        run(options)
    except CommandError as error:
        say(error, "error")
        return 2
    except KeyboardInterrupt:
        say("interrupted; nothing was written.", "error")
        return 130
    except Exception as error:
        if "--debug" in arguments:
            raise
        say(_in_words(error), "error")
        return 2
    return 0


def _in_words(error):
    """What a library says, in the words of the command line."""
    import re

    message = str(error) or type(error).__name__
    if isinstance(error, MemoryError):
        message = f"out of memory: {message}"
    message = re.sub(r'give \w+ task="(\w+)"', r"say --task \1", message)
    message = message.replace(
        "drop the column, or give an encoder that reads it", "leave it out by --ignore"
    )
    return re.sub(r"\bdrop=", "--drop ", message)


if __name__ == "__main__":
    sys.exit(main())
