"""Ours beside the paper's: F1, detection, removal and addition, ablations, time."""

import re

import numpy as np
import pandas as pd
from _nddv_paper_methods import METHODS, VARIANTS

METHODS_OF_PAPER = [
    "LOO",
    "Data Shapley",
    "Beta Shapley",
    "Data Banzhaf",
    "Influence",
    "KNN Shapley",
    "AME",
    "Data-OOB",
    "NDDV, paper",
]
OF_10_000 = ["KNN Shapley", "AME", "Data-OOB", "NDDV, paper"]
WORDS = {
    "detection": "1000 rows",
    "detection_large": "10 000 rows",
    "label_noise": "Wrong labels",
    "feature_noise": "Noisy features",
    "ablation": "Ablations",
}
NOT_RUN = "\u2013"
CURVES = ["remove_highest", "add_lowest", "remove_lowest", "add_highest"]


def _printed(names, rows):
    """Figures as the paper prints them, by method and column."""
    return {
        name: dict(zip(names, map(float, figures.split()), strict=True))
        for name, figures in rows.items()
    }


# Two-means F1 as printed, in the order of the columns of the paper.
PRINTED = {
    "detection": _printed(
        METHODS_OF_PAPER,
        {
            "2dplanes": ".17 .17 .19 .18 .21 .34 .18 .60 .67",
            "electricity": ".18 .20 .20 .35 .17 .24 .18 .35 .39",
            "bbc": ".19 .16 .18 .14 .16 .33 .18 .78 .90",
        },
    ),
    "detection_large": _printed(
        OF_10_000,
        {"2dplanes": ".37 .01 .71 .79", "electricity": ".32 .01 .38 .44"},
    ),
    "label_noise": _printed(
        METHODS_OF_PAPER,
        {
            0.05: ".09 .12 .11 .09 .11 .17 .01 .62 .74",
            0.1: ".16 .19 .19 .18 .18 .30 .18 .74 .76",
            0.2: ".30 .25 .25 .31 .31 .45 .01 .79 .77",
            0.3: ".39 .52 .51 .42 .42 .55 .46 .80 .78",
            0.4: ".54 .55 .56 .48 .46 .60 .58 .73 .74",
            0.45: ".55 .55 .62 .48 .48 .56 .27 .63 .67",
        },
    ),
    "feature_noise": _printed(
        METHODS_OF_PAPER,
        {
            0.05: ".09 .10 .10 .07 .10 .17 .09 .15 .30",
            0.1: ".18 .18 .18 .15 .15 .15 .18 .21 .46",
            0.2: ".33 .01 .01 .28 .30 .27 .01 .32 .34",
            0.3: ".43 .01 .01 .33 .35 .35 .01 .37 .45",
            0.4: ".51 .01 .01 .01 .37 .40 .01 .43 .57",
            0.45: ".53 .01 .01 .50 .47 .39 .01 .46 .62",
        },
    ),
}


def print_tables(frames, rst=False):
    """Print what the CSV files of the experiments say."""
    for experiment, frame in frames.items():
        for title, table in tables(experiment, frame):
            print(f"\n{_list_table(title, table) if rst else _plain(title, table)}")


def tables(experiment, frame):
    """Titles and tables of texts of one experiment."""
    if experiment.startswith("time"):
        return time_tables(frame)
    if experiment == "training":
        return [("Figures S1 and S2: mean losses, first and last epoch", losses(frame))]
    column = "rate" if experiment.endswith("noise") else "data"
    seeds = frame.groupby([column, "method"])["seed"].nunique()
    few, many = seeds.min(), seeds.max()
    of_seeds = f"{few} to {many} seeds" if few < many else f"seeds: {many}"
    theirs = " / theirs" if experiment in PRINTED else ""
    words = WORDS.get(experiment, experiment)
    title = f"{words}: F1 of the lower cluster, ours{theirs}, {of_seeds}"
    result = [(title, f1(frame))]
    auc = _by_method(frame, "roc_auc", column).map(_short, places=3)
    result.append((f"{words}: ROC-AUC, {of_seeds}", auc))
    spent = _by_method(frame, "cpu_seconds", column).map(_seconds)
    result.append((f"{words}: CPU seconds of a fit, {of_seeds}", spent))
    if frame["figure"].isin(CURVES).any():
        # Means are of the data sets, or rates, that all methods have.
        methods = frame.groupby(column)["method"].nunique()
        whole = methods.index[methods == frame["method"].nunique()]
        title = (
            f"{words}: accuracy above that of a random order, in points, mean of "
            f"10 to 50 % of the rows and of {', '.join(map(str, whole))}, {of_seeds}"
        )
        if len(whole):
            result.append((title, curves(frame[frame[column].isin(whole)])))
    return result


def f1(frame):
    """Two-means F1 of ours, and of theirs where the paper has it."""
    experiment = _experiment(frame)
    column = "rate" if experiment.endswith("noise") else "data"
    ours = _by_method(frame, "two_means_f1", column)
    printed = PRINTED.get(experiment, {})
    table = ours.map(_short)
    for name in table.columns:
        for method, figure in printed.get(name, {}).items():
            if method in table.index:
                table.loc[method, name] = f"{table.loc[method, name] or NOT_RUN} / "
                table.loc[method, name] += _short(figure)
    if column == "rate":
        # Of a share p of wrong rows: 2p / (1 + p).
        table.loc["all rows flagged"] = [_short(2 * p / (1 + p)) for p in ours.columns]
    return table


def _experiment(frame):
    """Which experiment a frame is of, by what varies in it."""
    if frame["rate"].nunique() > 1:
        return "label_noise" if frame["noise"].iloc[0] == "labels" else "feature_noise"
    if set(frame["method"]) <= {*VARIANTS, "random"}:
        return "ablation"
    return "detection_large" if frame["n"].max() > 1000 else "detection"


def curves(frame):
    """Mean over the shares and settings of each curve, less that of a random order."""
    chosen = frame[frame["figure"].isin(CURVES) & (frame["at"] > 0)]
    means = chosen.groupby(["data", "rate", "seed", "method", "figure"])["value"].mean()
    wide = means.unstack("figure")[CURVES]
    if "random" in frame["method"].to_numpy():
        wide = wide - wide.xs("random", level="method").reindex(
            wide.index.droplevel("method")
        ).set_axis(wide.index)
    table = 100 * wide.groupby("method").mean()
    return _ordered(table).map(lambda points: f"{points:+.1f}")


def losses(frame):
    """Losses of the first and the last epoch, by data set."""
    chosen = frame[frame["figure"].str.endswith("loss")].sort_values("at")
    ends = chosen.groupby(["data", "figure"])["value"].agg(["first", "last"])
    return ends.unstack("figure").swaplevel(axis=1).sort_index(axis=1).map(_short)


def time_tables(frame):
    """Seconds and memory, by method, columns and rows."""
    result = []
    for figure, title in [
        ("seconds", "seconds (CPU seconds)"),
        ("peak_mb", "peak memory of the process in MB, rows (float32) included"),
    ]:
        table = _times(frame, figure).map(_seconds)
        if figure == "seconds":
            spent = _times(frame, "cpu_seconds").map(_seconds)
            table = table + " (" + spent + ")"
        table.index = [f"{method}, {d} columns" for method, d in table.index]
        table.columns = [f"{n} rows" for n in table.columns]
        result.append((f"Time: {title}", table.replace(" ()", "").fillna("")))
    return result


def _times(frame, figure):
    chosen = frame[frame["figure"] == figure]
    return chosen.pivot_table("value", ["method", "d"], "n")


def _by_method(frame, figure, column):
    chosen = frame[frame["figure"] == figure]
    return _ordered(chosen.pivot_table("value", "method", column))


def _ordered(table):
    order = [m for m in [*METHODS, *VARIANTS] if m in table.index]
    return table.loc[order]


def _short(figure, places=2):
    """Two or three places, without the zero before the point."""
    return "" if np.isnan(figure) else f"{figure:.{places}f}".removeprefix("0")


def _seconds(figure):
    if np.isnan(figure):
        return ""
    return f"{figure:.0f}" if figure >= 10 else f"{figure:.2g}"


def fill(page, frames):
    """Text of a page with its tables replaced by what the CSV files say.

    A table follows a comment such as ``.. nddv_paper.py: detection 0``, with the
    experiment and the number among its `tables`; one that was not run stays.
    """

    def table(match):
        experiment, number = match["experiment"], int(match["number"])
        if experiment not in frames:
            return match[0]
        chosen = _list_table(*tables(experiment, frames[experiment])[number])
        return f"{match['marker']}\n\n{chosen}\n\n"

    return re.sub(
        r"^(?P<marker>\.\. nddv_paper\.py: (?P<experiment>\w+) (?P<number>\d))\n"
        r"(?:\n|[ \t].*\n|\.\. list-table::.*\n)*",
        table,
        page,
        flags=re.MULTILINE,
    )


def _plain(title, table):
    with pd.option_context("display.width", 200, "display.max_columns", 50):
        return f"{title}\n{table.to_string()}"


def _list_table(title, table):
    """A list-table of reStructuredText."""
    lines = [f".. list-table:: {title}", "   :class: compact", "   :header-rows: 1", ""]
    names = [_text(name) for name in table.columns]
    for label, cells in [("", names), *zip(table.index, table.to_numpy(), strict=True)]:
        texts = [_text(label), *map(str, cells)]
        for number, text in enumerate(texts):
            lines.append(f"   {'  ' if number else '* '}- {text}".rstrip())
    return "\n".join(lines)


def _text(name):
    text = ", ".join(map(str, name)) if isinstance(name, tuple) else str(name)
    return text.replace("_", " ")
