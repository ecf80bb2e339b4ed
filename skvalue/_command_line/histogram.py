"""The distribution of the values as a picture: SVG, without a library."""

import numpy as np

_BINS = 48
_WIDTH, _HEIGHT, _FLOOR = 720, 240, 190
_LEFT, _RIGHT = 50, 10


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
    low, high = values.min(), values.max()
    if not high > low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, _BINS + 1)
    counts = [np.histogram(values[mask], edges)[0] for mask in (kept, ~kept)]
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
        f"Histogram of {len(values)} values from {low:.3g} to {high:.3g}; "
        f"{int((~kept).sum())} rows are dropped."
    )
    ticks = "".join(
        f'<text x="{_LEFT + share * (_WIDTH - _LEFT - _RIGHT):.0f}" y="{_FLOOR + 20}" '
        f'text-anchor="{anchor}">{low + share * (high - low):.3g}</text>'
        for share, anchor in [(0, "start"), (0.5, "middle"), (1, "end")]
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
<rect class="dropped" x="{_LEFT + 80}" y="{_HEIGHT - 18}" width="12" height="12"/>
<text x="{_LEFT + 98}" y="{_HEIGHT - 7}">dropped</text>
<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 7}" text-anchor="end">value, rows</text>
</svg>"""
