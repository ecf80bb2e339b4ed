"""Labels, colours and places of attributions."""

import numpy as np

from ..utils._sklearn import num_samples


def place_of(outputs, output):
    """Place of an output among those that are explained."""
    if output is None:
        if len(outputs) > 1:
            raise ValueError(
                f"output=None, but there are {len(outputs)}; give one of "
                f"{list(outputs)[:20]}."
            )
        return 0
    found = np.flatnonzero(np.asarray(outputs) == output)
    if len(found) == 0:
        raise ValueError(f"output={output!r} is none of {list(outputs)[:20]}.")
    return found[0]


def cells_of(X, n_players):
    """What each player's cells hold; None where players are groups of columns."""
    cells = np.asarray(X, dtype=object)
    if cells.shape != (num_samples(X), n_players):
        return None
    return cells


def shown(cell):
    """A cell as text, short."""
    if isinstance(cell, (float, np.floating)):
        return f"{cell:.4g}"
    text = str(cell)
    return text if len(text) <= 24 else f"{text[:23]}…"


def ranks_of(cells):
    """Ranks of numbers in [0, 1]; None for what are none."""
    try:
        numbers = cells.astype(np.float64)
    except (TypeError, ValueError):
        return None
    known = np.unique(numbers[np.isfinite(numbers)])
    if len(known) < 2:
        return None
    return np.clip(np.searchsorted(known, numbers) / (len(known) - 1), 0, 1)


def heights(values):
    """Heights in [-1, 1] that part dots of near values: more where many are."""
    low, high = values.min(), values.max()
    bins = np.floor(60 * (values - low) / (high - low or 1)).astype(int)
    counts = np.bincount(bins)
    order = np.argsort(bins, kind="stable")
    start = np.concatenate([[0], counts.cumsum()[:-1]])
    within = np.empty(len(values))
    within[order] = np.arange(len(values)) - start[bins[order]]
    # From the middle outwards, in turn below and above.
    sides = np.where(within % 2 == 0, 1, -1) * np.ceil(within / 2)
    return sides / max(1, np.ceil((counts.max() - 1) / 2))
