"""Tables and pictures of rows, for `RowsDisplay`."""

import numpy as np

from ._drawing import REFERENCE, WRONG, panels

IMAGES_A_LINE = 8
# Inches of a character, a line of text, and the gap between two columns of a table.
CHARACTER, LINE_HEIGHT, GAP = 0.083, 0.19, 0.2
FONT_SIZE = 9


def draw_tables(display, ax, name, style):
    """A table for each end.

    Parameters
    ----------
    display : RowsDisplay
        What to draw.

    ax : matplotlib Axes, array-like of Axes or None
        Where.

    name : str or None
        For the title.

    style : dict
        Of the texts.

    Returns
    -------
    outer : matplotlib Axes
        What holds the tables.

    axes : ndarray of shape (n_ends,), of matplotlib Axes
        One for each end.
    """
    ends = display.ends()
    columns = display.columns
    widths = np.array(
        [
            max(len(line) for cell in [heading, *cells] for line in cell.split("\n"))
            for heading, cells in columns.items()
        ]
    )
    widths = widths * CHARACTER + GAP
    n_lines = [
        [max(cells[row].count("\n") + 1 for cells in columns.values()) for row in rows]
        for rows in (range(*part.indices(len(display.rows))) for _, part in ends)
    ]
    # Title and heading of a table take three lines.
    heights = [(sum(lines) + 0.6 * len(lines) + 3) * LINE_HEIGHT for lines in n_lines]
    size = max(4.5, widths.sum() + 0.3), sum(heights) + 0.3
    if ax is not None:
        # What is too small for the table makes its letters smaller.
        first = np.asarray(ax, dtype=object).ravel()[0]
        available = first.get_window_extent().width / first.figure.dpi
        style = {"fontsize": FONT_SIZE * min(1, available / widths.sum())} | style
    outer, grid = panels(ax, len(ends), 1, size, heights=heights)
    for axes, (title, part), lines in zip(grid[:, 0], ends, n_lines, strict=True):
        cells = {heading: column[part] for heading, column in columns.items()}
        _draw_table(axes, cells, widths, lines, style)
        title = title.capitalize()
        axes.set_title(
            title if name is None else f"{title}, {name}", loc="left", fontsize="medium"
        )
    return outer, grid[:, 0]


def _draw_table(axes, columns, widths, lines, style):
    """Texts at places in inches, as far as the axes have them."""
    axes.set_axis_off()
    total = max(4.2, widths.sum())
    starts = np.append(0, np.cumsum(widths))[:-1]
    row_heights = np.array([1.6, *(count + 0.6 for count in lines)])
    bottoms = -np.cumsum(row_heights)
    axes.set(xlim=(0, total), ylim=(bottoms[-1], 0.2))
    labels = columns.get("label", columns.get("suggested"))
    own = {"fontsize": FONT_SIZE, "va": "center", "clip_on": False}
    # What a user's cells say is no formula, whatever signs it has.
    own = own | {"parse_math": False} | style
    for (heading, cells), start, width in zip(
        columns.items(), starts, widths, strict=True
    ):
        # Numbers end below each other, texts begin so.
        right = all(_is_number(cell) for cell in cells)
        place = start + width - GAP if right else start
        own["ha"] = "right" if right else "left"
        for row, cell in enumerate([heading, *cells]):
            middle = bottoms[row] + row_heights[row] / 2
            emphasis = {}
            if not row:
                emphasis = {"fontweight": "bold"}
            elif heading == "suggested" and cell != labels[row - 1]:
                emphasis = {"color": WRONG, "fontweight": "bold"}
            axes.text(place, middle, cell, **(own | emphasis))
    for row, bottom in enumerate(bottoms):
        axes.plot(
            [0, widths.sum() - GAP],
            [bottom, bottom],
            color=REFERENCE,
            linewidth=0.4 if row else 1.2,
        )


def _is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True


def draw_images(display, ax, name, style):
    """A picture a row, the lowest values above the highest.

    Parameters
    ----------
    display : RowsDisplay
        What to draw.

    ax : matplotlib Axes, array-like of Axes or None
        Where.

    name : str or None
        For the title.

    style : dict
        Of ``imshow``.

    Returns
    -------
    outer : matplotlib Axes
        What holds the pictures.

    axes : ndarray of shape (n_shown,), of matplotlib Axes
        One for each row.
    """
    counts = [len(display.rows[part]) for _, part in display.ends()]
    n_columns = min(IMAGES_A_LINE, max(counts))
    n_lines = sum(-(-count // n_columns) for count in counts)
    size = max(4.5, 1.3 * n_columns), 1.75 * n_lines + 0.5
    outer, grid = panels(ax, n_lines, n_columns, size)
    for axes in grid.flat:
        axes.set_axis_off()
    used, line = [], 0
    for (title, part), count in zip(display.ends(), counts, strict=True):
        block = grid[line:].ravel()[:count]
        rows = range(*part.indices(len(display.rows)))
        for axes, row in zip(block, rows, strict=True):
            gray = {"cmap": "gray_r"} if display.images.ndim == 3 else {}
            axes.imshow(display.images[row], **(gray | style))
            wrong = display.is_wrong is not None and display.is_wrong[row]
            axes.set_title(
                _caption(display.columns, row),
                fontsize=FONT_SIZE,
                pad=3,
                parse_math=False,
                **({"color": WRONG} if wrong else {}),
            )
        block[0].text(
            -0.08,
            0.5,
            title.replace(" ", "\n"),
            transform=block[0].transAxes,
            ha="right",
            va="center",
            fontsize=FONT_SIZE,
            color=REFERENCE,
        )
        used.extend(block)
        line += -(-count // n_columns)
    title = ["value"]
    if "label" in display.columns:
        title.insert(0, "label")
    if "suggested" in display.columns:
        title.insert(1, "suggested label")
    heading = " → ".join(title[:-1])
    heading = f"{heading}, value" if heading else "value"
    if name is not None:
        heading = f"{name}: {heading}"
    if display.is_wrong is not None:
        heading += " (orange: known to be wrong)"
    if ax is None:
        outer.figure.suptitle(heading, fontsize="medium")
    return outer, np.array(used, dtype=object)


def _caption(columns, row):
    words = [columns[key][row] for key in ("label", "suggested") if key in columns]
    # A suggestion that is the label itself suggests nothing.
    words = [" → ".join(dict.fromkeys(words))] if words else []
    return "\n".join([*words, columns["value"][row]])
