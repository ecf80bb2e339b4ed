"""The report: one page that shows what was found before anybody acts on it."""

from itertools import pairwise

import numpy as np

from .duplicates import FEWEST_COLUMNS, RULES, find_duplicates, in_held_out
from .histogram import histogram
from .page import Cell, facts, heading, number, page, paragraph, table

# Features beside the lowest rows, and groups of like rows, that are shown.
_SHOWN_FEATURES = 12
_SHOWN_GROUPS = 20
_SHOWN_ROWS = 8

_TITLES = {
    "same": "The same features",
    "near": "Nearly the same features",
    "one apart": "All features but one the same",
}


def make_report(source, problem, found, *, n_lowest, held_out=None):
    """The page.

    Parameters
    ----------
    source : TextTable or ParquetTable
        What was valued.

    problem : Problem
        What of it.

    found : Found
        The values.

    n_lowest : int
        Rows of the lowest values that are shown.

    held_out : (str, DataFrame) or None, default=None
        Name of a held-out table, and its features.

    Returns
    -------
    html : str
        Self-contained; every cell is escaped.
    """
    parts = [
        *_summary(source, problem, found),
        heading("Distribution of the values"),
        histogram(found.frame["value"].to_numpy(), found.kept),
        paragraph(
            "Higher is better. Low value is not proof of a mistake: rare rows get low "
            "values, too. Look before you delete.",
            soft=True,
        ),
        *_lowest(source, problem, found, n_lowest),
        *_dropped_by_class(problem, found),
        *_groups(found),
        *_duplicates(source, problem),
    ]
    if held_out is not None:
        parts += _held_out(source, problem, *held_out)
    return page(f"The rows of {source.name}", parts)


def _summary(source, problem, found):
    n_rows, n_dropped = len(problem.rows), int((~found.kept).sum())
    figures = [
        ("rows", f"{source.n_rows:,}"),
        ("features", len(problem.features)),
        ("target", source.names[found.target]),
        ("task", problem.task),
        ("method", found.method),
        ("seconds", f"{found.seconds:.1f}"),
        ("drop", found.drop),
        ("rows dropped", f"{n_dropped:,} ({n_dropped / n_rows:.1%})"),
    ]
    parts = [facts(figures)]
    if problem.no_target:
        count = sum(problem.no_target.values())
        cells = ", ".join(repr(cell) for cell in problem.no_target)
        parts.append(
            paragraph(
                f"No target in {count:,} rows ({cells}): these are not valued, and not "
                "in the cleaned file."
            )
        )
    others = {
        name: why
        for name, why in problem.left_out.items()
        if why not in {"the target", "the group"}
    }
    if others:
        listed = ", ".join(f"{name} ({why})" for name, why in others.items())
        parts.append(paragraph(f"Not used as features: {listed}."))
    return parts


def _lowest(source, problem, found, n_lowest):
    frame = found.frame
    order = np.argsort(frame["value"].to_numpy(), kind="stable")[:n_lowest]
    features = problem.features[:_SHOWN_FEATURES]
    suggests = "suggested_label" in frame
    header = [Cell("row", "number"), Cell("value", "number"), "outcome"]
    header += [_word_for_y(problem)]
    header += ["suggested label"] if suggests else []
    header += ["group"] if "group" in frame else []
    header += [source.names[place] for place in features]
    columns = [source.shown(place, problem.rows[order]) for place in features]
    lines = []
    for at, row in enumerate(order):
        record = frame.iloc[row]
        kept = Cell("kept", "kept") if record["kept"] else Cell("dropped", "dropped")
        line = [
            number(problem.rows[row] + 1),
            number(record["value"], ".4g"),
            kept,
            _plain(record["label"]),
        ]
        if suggests:
            line.append(_suggestion(record))
        if "group" in frame:
            line.append(_plain(record["group"]))
        lines.append(line + [column[at] for column in columns])
    note = "Row 1 is the first below the header."
    if len(problem.features) > len(features):
        note += (
            f" The first {len(features)} of {len(problem.features)} features are shown."
        )
    title = f"The {len(order)} rows of lowest value"
    return [heading(title), paragraph(note, soft=True), table(header, lines, title)]


def _suggestion(record):
    label = _plain(record["suggested_label"])
    if label == _plain(record["label"]):
        return Cell("its own", "kept")
    probability = record.get("suggested_probability")
    return label if probability is None else f"{label} ({probability:.0%})"


def _word_for_y(problem):
    return "target" if problem.task == "regression" else "label"


def _plain(value):
    return f"{value:g}" if isinstance(value, float) else str(value)


def _dropped_by_class(problem, found):
    title, kind = "What was dropped by class", "class"
    if problem.task == "regression":
        title, kind = "What was dropped by tenth of the target", "target"
        edges = np.unique(np.quantile(problem.y, np.linspace(0, 1, 11)))
        codes = np.clip(np.searchsorted(edges, problem.y, side="right") - 1, 0, None)
        codes = np.minimum(codes, max(len(edges) - 2, 0))
        names = [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)]
    else:
        names, codes = np.unique(problem.y, return_inverse=True)
    sizes = np.bincount(codes, minlength=len(names))
    gone = np.bincount(codes[~found.kept], minlength=len(names))
    lines = [
        [
            str(name),
            number(size, ","),
            number(lost, ","),
            number(lost / max(size, 1), ".1%"),
        ]
        for name, size, lost in zip(names, sizes, gone, strict=True)
    ]
    header = [kind, *(Cell(n, "number") for n in ("rows", "dropped", "share"))]
    return [heading(title), table(header, lines, title)]


def _groups(found):
    if found.groups is None:
        return []
    title = f"What each {found.group_name} is worth"
    lines = [
        [
            str(name),
            number(n_rows, ","),
            number(n_dropped / n_rows, ".1%"),
            number(value / n_rows, ".4g"),
            number(value, ".4g"),
        ]
        for name, n_rows, n_dropped, value in sorted(
            found.groups, key=lambda group: group[3] / group[1]
        )
    ]
    names = ["rows", "dropped", "value a row", "value of all"]
    header = [found.group_name, *(Cell(name, "number") for name in names)]
    return [heading(title), table(header, lines, title)]


def _duplicates(source, problem):
    found = find_duplicates(problem.X, problem.y)
    parts = [heading("Rows that resemble each other")]
    for rule, (groups, n_rows, disagree) in found.items():
        if rule == "one apart" and len(problem.features) < FEWEST_COLUMNS:
            continue
        count = "no rows"
        if groups:
            count = (
                f"{n_rows:,} rows in {len(groups):,} group{'s' * (len(groups) > 1)}; "
                f"the {_word_for_y(problem)}s disagree in {sum(disagree):,}"
            )
        parts.append(paragraph(f"{_TITLES[rule]}: {count}. Rule: {RULES[rule]}."))
        if not groups:
            continue
        # Those that disagree are the ones to look at.
        order = np.argsort(~np.array(disagree), kind="stable")[:_SHOWN_GROUPS]
        lines = [
            [
                number(len(groups[at])),
                _listed(problem.rows[groups[at]] + 1),
                _listed_labels(problem.y[groups[at]]),
            ]
            for at in order
        ]
        header = [Cell("how many", "number"), "rows", f"{_word_for_y(problem)}s"]
        parts.append(table(header, lines, _TITLES[rule]))
        if len(groups) > _SHOWN_GROUPS:
            parts.append(
                paragraph(f"{_SHOWN_GROUPS} of {len(groups):,} groups are shown.", True)
            )
    return parts


def _listed(rows):
    shown = ", ".join(str(row) for row in rows[:_SHOWN_ROWS])
    return shown + (", …" if len(rows) > _SHOWN_ROWS else "")


def _listed_labels(labels):
    names, counts = np.unique(labels, return_counts=True)
    shown = [
        f"{count} of {_plain(name.item())}"
        for name, count in zip(names[:_SHOWN_ROWS], counts[:_SHOWN_ROWS], strict=True)
    ]
    return ", ".join(shown) + (", …" if len(names) > _SHOWN_ROWS else "")


def _held_out(source, problem, name, features):
    same, near = in_held_out(problem.X, features)
    n_same, n_near = int((same >= 0).sum()), int(((near >= 0) & (same < 0)).sum())
    title = "Rows that also stand in the held-out set"
    parts = [
        heading(title),
        paragraph(
            f"{n_same:,} rows stand in {name} ({len(features):,} rows) with the same "
            f"features, {n_near:,} more with nearly the same (the rules are those "
            "above). A score on that set is too good by them. The held-out set has no "
            "part in the values."
        ),
    ]
    rows = np.flatnonzero(near >= 0)
    rows = rows[np.argsort(same[rows] < 0, kind="stable")][:_SHOWN_GROUPS]
    if len(rows):
        lines = [
            [
                number(problem.rows[row] + 1),
                number((same[row] if same[row] >= 0 else near[row]) + 1),
                "the same" if same[row] >= 0 else "nearly the same",
                _plain(problem.y[row].item()),
            ]
            for row in rows
        ]
        header = [Cell("row", "number"), Cell("row held out", "number"), "features"]
        parts.append(table([*header, _word_for_y(problem)], lines, title))
    return parts
