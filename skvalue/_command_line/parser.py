"""The options of the command line."""

import argparse

from .errors import CommandError
from .methods import METHODS, MOST_FOR_CONSENSUS

_DESCRIPTION = """\
What is each row of a table worth to a model that is trained on it? Rows with wrong
labels get low values. DATA is text (comma, semicolon or tab; UTF-8, UTF-16 or Latin-1)
or Parquet, packed by gzip or not.
"""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message):
        raise CommandError(f"{message} (see {self.prog} --help)")


def make_parser(version):
    """The parser of ``skvalue`` and its commands.

    Parameters
    ----------
    version : str
        What ``--version`` says.

    Returns
    -------
    parser : ArgumentParser
        Its errors are `CommandError`.
    """
    parser = _Parser(prog="skvalue", description=_DESCRIPTION, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"skvalue {version}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    clean = commands.add_parser(
        "clean",
        allow_abbrev=False,
        help="write the rows worth keeping, and, if asked for, values and a report",
        description=f"{_DESCRIPTION} Writes the rows worth keeping, as they were.",
    )
    report = commands.add_parser(
        "report",
        allow_abbrev=False,
        help="write the report alone",
        description=f"{_DESCRIPTION} Writes one page of HTML, nothing else.",
    )
    for command in (clean, report):
        _add_input(command)
        _add_method(command)
    _add_outputs(clean)
    _add_report(clean, "a report of one page of HTML")
    _add_report(report, "the report (default: the name of DATA and _report.html)")
    return parser


def _add_input(command):
    command.add_argument("data", metavar="DATA", help="table with a header")
    command.add_argument(
        "--target", required=True, metavar="COLUMN", help="labels or real targets"
    )
    command.add_argument(
        "--task",
        choices=["auto", "classification", "regression"],
        default="auto",
        help="what the target is (auto: numbers not all whole are real targets)",
    )
    command.add_argument(
        "--group",
        metavar="COLUMN",
        help="where a row comes from: groups get values; it is not used as a feature",
    )
    command.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="COLUMN",
        help="a column that is no feature, though the cleaned file keeps it; "
        "may be given again",
    )
    command.add_argument(
        "--use-ids",
        action="store_true",
        help="use columns that are another in every row and look like ids",
    )
    command.add_argument(
        "--missing",
        action="append",
        metavar="TEXT",
        help='a cell of text that holds nothing (default: empty, "?", NA, nan, ...); '
        "may be given again",
    )
    command.add_argument(
        "--held-out",
        metavar="FILE",
        help="a table of the same columns: the report says which rows stand in it, too",
    )


def _add_method(command):
    command.add_argument(
        "--method",
        choices=["auto", *METHODS],
        default="auto",
        help="what values the rows (auto: consensus, and quick-consensus beyond "
        f"{MOST_FOR_CONSENSUS} rows)",
    )
    command.add_argument(
        "--drop",
        type=_drop,
        default="auto",
        metavar="{auto,negative,SHARE}",
        help="rows that go: those that the method doubts, those of negative value, or "
        "the share of lowest value (default: auto)",
    )
    command.add_argument(
        "--random-state",
        type=_seed,
        default=0,
        metavar="INTEGER",
        help="the same one gives the same values (default: 0)",
    )
    command.add_argument(
        "--n-jobs",
        type=_n_jobs,
        default=-1,
        metavar="INTEGER",
        help="processes; no value depends on it (default: -1, one a core)",
    )
    command.add_argument(
        "--debug", action="store_true", help="show where in the code an error arose"
    )


def _add_outputs(command):
    command.add_argument(
        "--out",
        metavar="FILE",
        help="the rows worth keeping (default: the name of DATA and _clean); "
        ".gz packs it",
    )
    command.add_argument(
        "--values",
        metavar="FILE",
        help="a line a row: value, whether kept, label, suggested label; "
        ".csv, .csv.gz or .parquet",
    )


def _add_report(command, what):
    command.add_argument("--report", metavar="FILE", help=what)
    command.add_argument(
        "--rows",
        type=_n_rows,
        default=50,
        metavar="INTEGER",
        help="rows of lowest value in the report (default: 50)",
    )
    command.add_argument(
        "--force", action="store_true", help="replace files that are there already"
    )


def _drop(text):
    if text in {"auto", "negative"}:
        return text
    try:
        share = float(text)
    except ValueError:
        share = -1
    if not 0 <= share < 1:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither auto, negative nor a share in [0, 1)"
        )
    return share


def _whole(text, allowed, words):
    try:
        number = int(text)
    except ValueError:
        number = None
    if number is None or not allowed(number):
        raise argparse.ArgumentTypeError(f"{text!r} is not {words}")
    return number


def _seed(text):
    return _whole(text, lambda n: 0 <= n < 2**32, "an integer from 0 to 4294967295")


def _n_jobs(text):
    return _whole(text, lambda n: n != 0, "an integer other than 0")


def _n_rows(text):
    return _whole(text, lambda n: n >= 1, "an integer of at least 1")
