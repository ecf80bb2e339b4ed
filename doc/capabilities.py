"""The table of what each valuator takes and gives, made from the estimators' tags.

    python doc/capabilities.py

writes it between its marks in README.md and doc/user_guide/capabilities.rst; a test
fails where one of them differs.
"""

from pathlib import Path

from sklearn.utils import get_tags

import skvalue
from skvalue.base import BaseValuator

HEADER = [
    "",
    "missing values",
    "sparse rows",
    "real targets",
    "held-out rows",
    "values new rows",
    "weights of rows",
    "cost, n rows",
]
HERE = Path(__file__).parent
# Each file with the marks that the table stands between, and the style of its cells.
PLACES = {
    HERE.parent / "README.md": (
        "<!-- capabilities -->\n",
        "<!-- end of capabilities -->",
    ),
    HERE / "user_guide" / "capabilities.rst": (
        ".. capabilities\n\n",
        ".. end of capabilities",
    ),
}


def valuators():
    """Every public valuator, with its defaults."""
    for name in sorted(skvalue.__all__):
        kind = getattr(skvalue, name)
        if isinstance(kind, type) and issubclass(kind, BaseValuator):
            yield kind(lambda sizes, n: 1) if name == "Semivalue" else kind()


def row(valuator):
    """What the tags of a valuator say, in words."""
    tags = get_tags(valuator)
    takes, values = tags.input_tags, tags.valuator_tags
    return [
        type(valuator).__name__,
        "yes" if takes.allow_nan else "no",
        "yes" if takes.sparse else "no",
        "yes" if values.regression else "no",
        "used, else folds" if values.held_out else "not used",
        "yes" if values.new_rows else "no",
        "yes" if values.sample_weight else "no",
        values.cost,
    ]


def markdown(rows):
    """Rows as a table of Markdown."""
    lines = [HEADER, ["---"] * len(HEADER)]
    lines += [[f"`{name}`", *cells] for name, *cells in rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def restructured(rows):
    """Rows as a list table of reStructuredText."""
    text = ".. list-table::\n   :header-rows: 1\n   :widths: 22 9 8 8 14 8 9 22\n"
    for name, *cells in [HEADER, *rows]:
        first = f":class:`~skvalue.{name}`" if name else ""
        cells = [cell.replace("`cv`", "``cv``") for cell in cells]
        entries = "\n     - ".join([first, *cells])
        text += f"\n   * - {entries}".rstrip()
    return text.replace(" * - \n", " * -\n") + "\n\n"


def with_table(path):
    """Text of a file with the table as the tags have it now."""
    start, end = PLACES[path]
    text = path.read_text(encoding="utf-8")
    before, rest = text.split(start)
    _, after = rest.split(end)
    rows = [row(valuator) for valuator in valuators()]
    table = markdown(rows) if path.suffix == ".md" else restructured(rows)
    return before + start + table + end + after


if __name__ == "__main__":
    for place in PLACES:
        place.write_text(with_table(place), encoding="utf-8")
