"""The commands: read, value, write."""

import contextlib
import os
import sys
import time
import warnings
from typing import NamedTuple

import numpy as np

from .errors import CommandError, one_line, say
from .kinds import MISSING
from .methods import choose, make_valuator
from .outputs import Outputs
from .problem import find_problem
from .report import make_report
from .table import PARQUET, format_of, import_parquet, read_table


class Found(NamedTuple):
    """Values and what became of the rows that have a target."""

    # As `values_frame` has it; its rows are those of `Problem.rows`.
    frame: object
    kept: np.ndarray
    method: str
    drop: object
    seconds: float
    target: int
    group_name: str | None
    # Name, number of rows, number of dropped ones, value; None without --group.
    groups: list | None


def run(options):
    """Do what the command line asks for.

    Parameters
    ----------
    options : Namespace
        As the parser of `parser` makes it.

    Raises
    ------
    CommandError
        Before anything is computed, where that can be known.
    """
    _check_pandas()
    outputs = _outputs(options)
    table = read_table(options.data, options.missing or MISSING)
    _check_formats(options, table)
    method, why = choose(options.method, table.n_rows)
    valuator = make_valuator(
        method,
        drop=options.drop,
        random_state=options.random_state,
        n_jobs=options.n_jobs,
    )
    problem = find_problem(
        table,
        options.target,
        group=options.group,
        task=options.task,
        ignore=options.ignore,
        use_ids=options.use_ids,
        valuator=valuator,
    )
    held_out = _held_out(options, table, problem)
    _say_what(table, problem, method, why)
    found = _value(
        options, table, problem, valuator.set_params(task=problem.task), method
    )
    with outputs:
        kept_rows = problem.rows[found.kept]
        outputs.write("--out", lambda file: table.write(file, kept_rows))
        outputs.write(
            "--values", lambda file: _write_values(file, options, table, problem, found)
        )
        if "--report" in outputs.paths:
            html = make_report(
                table, problem, found, n_lowest=options.rows, held_out=held_out
            )
            outputs.write(
                "--report", lambda file: file.write(html.encode("utf-8", "replace"))
            )
    n_rows = len(problem.rows)
    print(f"{len(kept_rows)} of {n_rows} rows kept, {n_rows - len(kept_rows)} dropped.")
    for option, path in outputs.paths.items():
        print(f"{option.lstrip('-')}: {path}")


def _check_pandas():
    try:
        import pandas  # noqa: F401
    except ImportError as error:
        raise CommandError(
            "the command line needs pandas; install it, pip install 'skvalue[cli]'."
        ) from error


def _outputs(options):
    sources = {"the input": options.data}
    if options.held_out:
        sources["the held-out set"] = options.held_out
    stem, ending = _split_name(options.data)
    paths = {"--report": options.report}
    if options.command == "clean":
        out = options.out or f"{stem}_clean{ending}"
        if options.held_out and not options.report:
            raise CommandError("--held-out is for the report; say --report FILE, too.")
        paths = {"--out": out, "--values": options.values, **paths}
    else:
        paths["--report"] = options.report or f"{stem}_report.html"
    return Outputs(paths, sources, options.force)


def _split_name(path):
    """Name without and of the ending, ``.csv.gz`` being one."""
    stem, ending = os.path.splitext(path)
    if ending.lower() == ".gz":
        stem, inner = os.path.splitext(stem)
        ending = inner + ending
    return stem, ending


def _check_formats(options, table):
    if options.command != "clean":
        return
    if options.out and format_of(options.out) != table.form:
        raise CommandError(
            f"--out: {options.data} holds {table.form}, and so does the cleaned file; "
            f"{options.out} is the name of one of {format_of(options.out)}."
        )
    if options.values and format_of(options.values) == PARQUET:
        import_parquet()


def _held_out(options, table, problem):
    """Name and features of the held-out set."""
    if not options.held_out:
        return None
    import pandas as pd

    other = read_table(options.held_out, options.missing or MISSING)
    columns = {}
    for place in problem.features:
        name = table.names[place]
        at = other.place(name, "--held-out")
        columns[name] = column = other.typed(at)
        if column.dtype.kind in "if" and problem.X[name].dtype.kind not in "iuf":
            # A number here is a level there.
            shown = pd.Series(other.shown(at, range(other.n_rows)), dtype=object)
            columns[name] = shown.where(column.notna(), None)
    return os.path.basename(options.held_out), pd.DataFrame(columns)


def _say_what(table, problem, method, why):
    for name, reason in problem.left_out.items():
        if reason not in {"the target", "the group", "ignored"}:
            say(f"column {name!r} is not used: {reason}.")
    if problem.no_target:
        cells = ", ".join(
            f"{cell!r} in {count}" for cell, count in problem.no_target.items()
        )
        say(
            f"no target in {sum(problem.no_target.values())} of {table.n_rows} rows "
            f"({cells}): these are not valued, and not in the cleaned file.",
            "warning",
        )
    say(
        f"{len(problem.rows)} rows, {len(problem.features)} features, "
        f"{problem.task}, method {method}{f' ({why})' if why else ''}."
    )


def _value(options, table, problem, valuator, method):
    began = time.perf_counter()
    with _on_stderr():
        valuator.fit(problem.X, problem.y, groups=problem.groups)
    kept = valuator.get_support()
    groups = None
    if problem.groups is not None:
        codes = np.searchsorted(valuator.groups_, problem.groups)
        sizes = np.bincount(codes)
        gone = np.bincount(codes[~kept], minlength=len(sizes))
        columns = (valuator.groups_, sizes, gone, valuator.group_values_)
        groups = list(zip(*(column.tolist() for column in columns), strict=True))
    return Found(
        frame=valuator.values_frame(),
        kept=kept,
        method=method,
        drop=options.drop,
        seconds=time.perf_counter() - began,
        target=table.place(options.target, "--target"),
        group_name=options.group,
        groups=groups,
    )


@contextlib.contextmanager
def _on_stderr():
    """Progress and warnings as lines on stderr, each warning once."""
    said = set()

    def show(message, category, *args, **kwargs):
        line = one_line(message)
        if line not in said and not issubclass(
            category, (DeprecationWarning, FutureWarning)
        ):
            said.add(line)
            say(line, "warning")

    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = show
        yield


def _write_values(file, options, table, problem, found):
    """One line a row of the table; rows without a target have no value."""
    frame = found.frame.set_axis(problem.rows)
    frame = frame.reindex(range(table.n_rows))
    frame["kept"] = frame["kept"].eq(True)
    if "label" in frame:
        place = found.target
        frame["label"] = table.shown(place, range(table.n_rows))
    frame.insert(0, "row", np.arange(1, table.n_rows + 1))
    if format_of(options.values) == PARQUET:
        frame.to_parquet(file, index=False)
    else:
        frame.to_csv(file, index=False, encoding="utf-8", lineterminator="\n")
