"""Pictures of the CSV files: one for each experiment of the NDDV paper."""

import matplotlib as mpl
from _nddv_paper_methods import METHODS, TIMED, VARIANTS
from matplotlib.figure import Figure

CURVES = {
    "found": "wrong rows found,\nby rows inspected",
    "remove_highest": "accuracy,\nhighest removed first",
    "add_lowest": "accuracy,\nlowest added first",
    "remove_lowest": "accuracy,\nlowest removed first",
    "add_highest": "accuracy,\nhighest added first",
}
# Figures S12 to S16: the base and what varies.
PANELS = {
    "S12 weights": ["paper", "without re-weighting"],
    "S13 interaction": [m for m in VARIANTS if m.startswith("a =")],
    "S14 diffusion": ["paper", *(m for m in VARIANTS if m.startswith("sigma"))],
    "S15 meta rows": ["paper", *(m for m in VARIANTS if m.endswith("rows"))],
    "S16 hidden nodes": ["paper", *(m for m in VARIANTS if m.endswith("nodes"))],
}
STYLE = {"font.size": 7, "svg.hashsalt": "skvalue", "axes.titlesize": 7}


def draw(frames, folder):
    """Write ``experiment.svg`` for each frame.

    Parameters
    ----------
    frames : dict of str to DataFrame
        Lines of the CSV files by experiment.

    folder : Path
        Where the pictures go.
    """
    for experiment, frame in frames.items():
        with mpl.rc_context(STYLE):
            if experiment.startswith("time"):
                figure = draw_time(frame)
            elif experiment == "training":
                figure = draw_training(frame)
            elif experiment == "ablation":
                rows = {t: frame[frame["method"].isin(m)] for t, m in PANELS.items()}
                figure = draw_curves(rows)
            else:
                by = "rate" if experiment.endswith("noise") else "data"
                rows = {str(key): part for key, part in frame.groupby(by)}
                figure = draw_curves(rows)
            path = folder / f"{experiment}.svg"
            figure.savefig(path, bbox_inches="tight", metadata={"Date": None})


def draw_curves(parts):
    """A row of axes for each part, a column for each curve, a line for each method.

    Parameters
    ----------
    parts : dict of str to DataFrame
        Lines of a row of axes by its title.

    Returns
    -------
    figure : Figure
        With a legend in every row where the rows have methods of their own.
    """
    parts = {title: part for title, part in parts.items() if len(part)}
    kinds = [k for k in CURVES if any((p["figure"] == k).any() for p in parts.values())]
    figure = Figure(figsize=(2.1 * len(kinds), 1.6 * len(parts)), layout="constrained")
    grid = figure.subplots(len(parts), len(kinds), squeeze=False)
    own = all(set(part["method"]) <= set(VARIANTS) for part in parts.values())
    lines = {}
    for axes, (title, part) in zip(grid, parts.items(), strict=True):
        means = part.groupby(["figure", "method", "at"])["value"].mean()
        for ax, kind in zip(axes, kinds, strict=True):
            for method in _present(part):
                if (kind, method) in means:
                    line = means[kind, method]
                    drawn = ax.plot(line.index, line, label=method, **_style(method))
                    lines[method] = drawn[0]
        axes[0].set_ylabel(title)
        if own:
            axes[0].legend(fontsize=5)
    for ax, kind in zip(grid[0], kinds, strict=True):
        ax.set_title(CURVES[kind])
    if not own:
        figure.legend(lines.values(), lines, loc="outside lower center", ncols=7)
    return figure


def draw_training(frame):
    """Losses and values by epoch, norms of states and costates by time."""
    panels = {
        "loss, by epoch": "loss",
        "mean value, by epoch": "value",
        "mean norm of the states, by time": "state",
        "mean norm of the costates, by time": "costate",
    }
    data = list(dict.fromkeys(frame["data"]))
    figure = Figure(figsize=(8.4, 1.7 * len(data)), layout="constrained")
    grid = figure.subplots(len(data), len(panels), squeeze=False)
    for axes, name in zip(grid, data, strict=True):
        part = frame[frame["data"] == name]
        for ax, (title, word) in zip(axes, panels.items(), strict=True):
            for label, line in part.groupby("figure"):
                if word in label.replace(",", "").split():
                    ax.plot(line["at"], line["value"], label=label)
            ax.set_title(f"{name}\n{title}")
            ax.legend(fontsize=5)
    return figure


def draw_time(frame):
    """CPU seconds and memory against the rows, a column of axes for each width."""
    widths = sorted(frame["d"].unique())
    figure = Figure(figsize=(2.8 * len(widths), 4), layout="constrained")
    grid = figure.subplots(2, len(widths), squeeze=False, sharex="col", sharey="row")
    labels = {"cpu_seconds": "CPU seconds", "peak_mb": "peak memory, MB"}
    for axes, (kind, label) in zip(grid, labels.items(), strict=True):
        for ax, d in zip(axes, widths, strict=True):
            part = frame[(frame["d"] == d) & (frame["figure"] == kind)]
            for method in _present(part):
                line = part[part["method"] == method].sort_values("n")
                style = _style(method) | {"marker": "."}
                ax.loglog(line["n"], line["value"], label=method, **style)
            ax.set_title(f"{label}, d = {d}")
    grid[1, 0].set_xlabel("rows")
    lines = {}
    for ax in grid[0]:
        lines |= dict(zip(*ax.get_legend_handles_labels()[::-1], strict=True))
    figure.legend(lines.values(), lines, loc="outside lower center", ncols=5)
    return figure


def _present(part):
    there = set(part["method"])
    return [method for method in [*TIMED, *METHODS, *VARIANTS] if method in there]


def _style(method):
    """A colour of its own for each method; NDDV stands out, chance is grey."""
    names = [m for m in METHODS if m != "random"]
    if method == "random":
        return {"color": "0.6", "linestyle": ":"}
    if method not in names:
        return {"color": "black", "linewidth": 1.8} if method in TIMED else {}
    place = names.index(method)
    wide = 1.8 if method.startswith("NDDV") else 0.9
    return {
        "color": f"C{place % 10}",
        "linewidth": wide,
        "linestyle": "-" if place < 10 else "--",
    }
