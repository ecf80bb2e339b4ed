"""The distribution of the values as a picture: SVG, without a library."""

import numpy as np

_BINS = 48
_WIDTH, _HEIGHT, _FLOOR = 720, 240, 190
_LEFT, _RIGHT = 50, 10
_TICKS = [(0, "start", "\u2264 "), (0.5, "middle", ""), (1, "end", "\u2265 ")]
# A tail that is longer than this share of the picture, and holds fewer rows than that,
# is drawn in the bar at its end.
_LONG, _FEW = 0.3, 0.005


def histogram(values, kept):
    """Bars of the values, those of dropped rows in another colour on top.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        All of them.

    kept : ndarray of shape (n_rows,), dtype bool
        Which rows `drop` keeps.

    Returns
    -------
    svg : str
        Its colours are those of the page.
    """
    low, high = _limits(values)
    edges = np.linspace(low, high, _BINS + 1)
    inside = np.clip(values, low, high)
    counts = [np.histogram(inside[mask], edges)[0] for mask in (kept, ~kept)]
    tallest = (counts[0] + counts[1]).max()
    scale = (_FLOOR - 20) / tallest
    width = (_WIDTH - _LEFT - _RIGHT) / _BINS
    bars = []
    for place, (good, bad) in enumerate(zip(*counts, strict=True)):
        top = _FLOOR
        for kind, count in [("kept", good), ("dropped", bad)]:
            height = count * scale
            top -= height
            if count:
                bars.append(
                    f'<rect class="{kind}" x="{_LEFT + place * width:.1f}" '
                    f'y="{top:.1f}" width="{width - 1:.1f}" height="{height:.1f}"/>'
                )
    label = (
        f"Histogram of {len(values)} values from {values.min():.3g} to "
        f"{values.max():.3g}; "
        f"{int((~kept).sum())} rows are dropped."
    )
    beyond = [bool(values.min() < low), False, bool(values.max() > high)]
    ticks = "".join(
        f'<text x="{_LEFT + share * (_WIDTH - _LEFT - _RIGHT):.0f}" y="{_FLOOR + 20}" '
        f'text-anchor="{anchor}">{sign * is_beyond}'
        f"{low + share * (high - low):.3g}</text>"
        for (share, anchor, sign), is_beyond in zip(_TICKS, beyond, strict=True)
    )
    return f"""<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">
<title>{label}</title>
<line x1="{_LEFT}" y1="20" x2="{_WIDTH - _RIGHT}" y2="20"/>
<text x="{_LEFT - 6}" y="25" text-anchor="end">{tallest}</text>
<text x="{_LEFT - 6}" y="{_FLOOR}" text-anchor="end">0</text>
{"".join(bars)}
<line x1="{_LEFT}" y1="{_FLOOR}" x2="{_WIDTH - _RIGHT}" y2="{_FLOOR}"/>
{ticks}
<rect class="kept" x="{_LEFT}" y="{_HEIGHT - 18}" width="12" height="12"/>
<text x="{_LEFT + 18}" y="{_HEIGHT - 7}">kept</text>
<rect class="dropped" x="{_LEFT + 100}" y="{_HEIGHT - 18}" width="12" height="12"/>
<text x="{_LEFT + 118}" y="{_HEIGHT - 7}">dropped</text>
<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 7}" text-anchor="end">value, rows</text>
</svg>"""


def _limits(values):
    """Of the axis: the least and the highest value, without long tails of few rows."""
    low, high = values.min(), values.max()
    inner_low, inner_high = np.quantile(values, [_FEW, 1 - _FEW])
    is_low, is_high = [
        tail > _LONG * (high - low) for tail in (inner_low - low, high - inner_high)
    ]
    low, high = (inner_low if is_low else low), (inner_high if is_high else high)
    return (low, high) if high > low else (low - 0.5, high + 0.5)
