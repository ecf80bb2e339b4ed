"""Lines of an experiment's frame that a curve is drawn of.

The frames are those of `skvalue.evaluation`, fresh or read from a file.
"""

from ..metrics._removal import RANDOM

# What the lines of a curve must have in common.
SETTING = ("dataset", "noise", "noise_rate", "estimator", "action")


def lines_of_one(frame, figures, valuator):
    """Lines of one setting and valuator.

    Parameters
    ----------
    frame : DataFrame
        As the user gave it.

    figures : list of str
        Columns that it must have beside those of the setting.

    valuator : str or None
        Whose lines; None: those of the only one.

    Returns
    -------
    lines : DataFrame
        Those of random orders are among them.

    valuator : str
        Whose they are.
    """
    needed = ["noise_rate", "valuator", *figures]
    missing = [name for name in needed if name not in getattr(frame, "columns", ())]
    if missing:
        raise ValueError(
            f"frame has no column {missing[0]!r}; give curves that an experiment of "
            "skvalue.evaluation has returned."
        )
    for name in SETTING:
        found = frame[name].unique().tolist() if name in frame.columns else []
        if len(found) > 1:
            raise ValueError(
                f"frame holds curves of several settings of {name!r}: {found}; give "
                f"the lines of one, such as frame[frame[{name!r}] == {found[0]!r}]."
            )
    names = [name for name in frame["valuator"].unique().tolist() if name != RANDOM]
    if valuator is None and len(names) == 1:
        valuator = names[0]
    if valuator not in names:
        raise ValueError(
            f"valuator={valuator!r} must be one of those in frame: {names}."
        )
    return frame[frame["valuator"].isin([valuator, RANDOM])], valuator


def mean_and_spread(lines, by, figure):
    """A figure over the repeats of an experiment.

    Parameters
    ----------
    lines : DataFrame
        Of one curve.

    by : str
        Column of the x axis.

    figure : str
        Column of the y axis; NaN, what failed, is left out.

    Returns
    -------
    x, mean, spread : ndarray of shape (n_points,)
        Sorted by x; the spread is the standard deviation.
    """
    groups = lines.groupby(by)[figure]
    mean, spread = groups.mean(), groups.std(ddof=0)
    return mean.index.to_numpy(), mean.to_numpy(), spread.to_numpy()


def curves_of_lines(lines):
    """What a `RemovalCurveDisplay` holds.

    Parameters
    ----------
    lines : DataFrame
        As `lines_of_one` returns them.

    Returns
    -------
    shares : ndarray of shape (n_shares,)
        In order.

    scores : dict of str to ndarray
        Means over the repeats by end, and all random orders.

    spreads : dict of str to ndarray
        Standard deviations over the repeats by end.
    """
    is_random = lines["valuator"] == RANDOM
    scores, spreads = {}, {}
    for end, part in lines[~is_random].groupby("first"):
        shares, scores[end], spreads[end] = mean_and_spread(part, "share", "score")
    if is_random.any():
        orders = lines[is_random].pivot_table(
            index=["repeat", "first"], columns="share", values="score"
        )
        scores[RANDOM] = orders.to_numpy()
    return shares, scores, spreads


def draw_spread(ax, x, mean, spread, color):
    """A band of one standard deviation on both sides of a curve.

    Parameters
    ----------
    ax : matplotlib Axes
        Where.

    x, mean, spread : ndarray of shape (n_points,)
        As `mean_and_spread` returns them.

    color : color
        That of the curve.
    """
    low, high = mean - spread, mean + spread
    ax.fill_between(x, low, high, color=color, alpha=0.15, linewidth=0, zorder=1.4)
