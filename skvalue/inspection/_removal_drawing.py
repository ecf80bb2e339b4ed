"""Curves of scores as rows go or come, for `RemovalCurveDisplay`."""

from sklearn.base import is_classifier

from ..utils._sklearn import validate_style_kwargs
from ._drawing import REFERENCE, legend, own_axes, percent, reference_line
from ._experiments import draw_spread

ENDS = {
    "lowest": {"linestyle": "-", "marker": "o"},
    "highest": {"linestyle": "--", "marker": "s"},
}
VERBS = {"remove": ("Removing rows", "removed"), "add": ("Adding rows", "added")}


def draw_curves(display, ax, name, style):
    """A curve for each end, and a band for random orders.

    Parameters
    ----------
    display : RemovalCurveDisplay
        What to draw.

    ax : matplotlib Axes or None
        Where.

    name : str or None
        For the legend.

    style : dict
        Of the curves of the values.

    Returns
    -------
    ax : matplotlib Axes
        Where they were drawn.

    lines : dict of str to matplotlib Line2D
        The curves, by their key in the scores.
    """
    ax = own_axes(ax)
    lines = {}
    # The curves of one valuator have one colour: the next of the axes.
    (probe,) = ax.plot([], [])
    color = probe.get_color()
    probe.remove()
    for which in [which for which in ENDS if which in display.scores]:
        label = f"{which} first"
        own = {
            "label": label if name is None else f"{name}, {label}",
            "color": color,
            "markersize": 4,
            # Empty markers hide nothing that lies below.
            "markerfacecolor": color if which == "lowest" else "none",
            **ENDS[which],
        }
        (lines[which],) = ax.plot(
            display.shares, display.scores[which], **validate_style_kwargs(own, style)
        )
        if display.spreads is not None:
            draw_spread(
                ax,
                display.shares,
                display.scores[which],
                display.spreads[which],
                lines[which].get_color(),
            )
    if "random" in display.scores:
        lines["random"] = _draw_random(ax, display.shares, display.scores["random"])
    title, done = VERBS[display.action]
    ax.set(
        xlabel=f"rows {done}",
        ylabel=f"{display.score_name} on test rows",
        title=f"{title} by value",
    )
    percent(ax.xaxis)
    legend(ax)
    return ax, lines


def _draw_random(ax, shares, scores):
    mean, spread = scores.mean(axis=0), scores.std(axis=0)
    label = f"{len(scores)} random orders (mean ± SD)"
    if len(scores) == 1:
        label = "a random order"
    line, is_new = reference_line(ax, shares, mean, label, linestyle=":", linewidth=1.5)
    if is_new and len(scores) > 1:
        ax.fill_between(
            shares,
            mean - spread,
            mean + spread,
            color=REFERENCE,
            alpha=0.2,
            linewidth=0,
            zorder=1.4,
        )
    return line


def name_of_score(estimator, scoring):
    """What a scorer gives, in words.

    Parameters
    ----------
    estimator : estimator
        What is scored.

    scoring : str, callable or None
        As the user gave it.

    Returns
    -------
    name : str
        For an axis.
    """
    if scoring is None:
        return "accuracy" if is_classifier(estimator) else "R²"
    if isinstance(scoring, str):
        return scoring.replace("neg_", "negative ").replace("_", " ")
    return "score"
