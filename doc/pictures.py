"""Pictures that are made from what stands in the repository.

    python doc/pictures.py

writes doc/user_guide/comparison.svg from the tables of comparison.rst beside it, and
doc/quickstart.png, which the README shows, by examples/plot_quickstart.py. A test fails
where the first is not of the tables as they are.
"""

import hashlib
import os
import re
import runpy
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).resolve().parent
TABLES = HERE / "user_guide" / "comparison.rst"
COMPARISON = TABLES.with_suffix(".svg")
QUICKSTART = HERE / "quickstart.png"
SHOWN = ["ROC-AUC, wrong labels", "ROC-AUC, noisy features"]
MEAN, SINGLE, CHANCE = "#1b1f24", "#3b6fb6", "0.6"


def tables():
    """The tables of `SHOWN`, with their data sets as the first row."""
    text = TABLES.read_text(encoding="utf-8")
    found = {}
    for title in SHOWN:
        body = text.split(f".. list-table:: {title}\n", 1)[1]
        body = re.split(r"\n(?=\S)", body, maxsplit=1)[0]
        rows = [
            [cell.strip() for cell in re.split(r"\n\s+- ", row)]
            for row in re.split(r"\n\s+\* - ?", body)[1:]
        ]
        found[title] = rows
    return found


def digest():
    """What the picture was made of, in a few letters."""
    return hashlib.sha256(repr(tables()).encode()).hexdigest()[:16]


def draw_comparison():
    """A dot a data set and method, and a line at the mean; methods by their means."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "skvalue"})
    plt.rcParams.update({"font.family": "sans-serif", "font.size": 10})
    found = tables()
    heights = [len(rows) - 1 for rows in found.values()]
    figure, panels = plt.subplots(
        2, 1, figsize=(7, 8.5), height_ratios=heights, sharex=True, layout="constrained"
    )
    for panel, (title, (_, *rows)) in zip(panels, found.items(), strict=True):
        rows = sorted(rows, key=lambda row: float(row[-1]))
        names = [re.sub(r"[`:]|class:", "", name) for name, *_ in rows]
        dots = [(float(x), y) for y, row in enumerate(rows) for x in row[1:-1]]
        panel.plot(*zip(*dots, strict=True), "o", ms=5, mec=SINGLE, mfc="none")
        means = [float(row[-1]) for row in rows]
        panel.plot(means, range(len(rows)), "|", ms=18, mew=2.5, color=MEAN)
        panel.axvline(0.5, color=CHANCE, linestyle=":")
        panel.set_yticks(range(len(rows)), names)
        panel.grid(axis="x", alpha=0.3)
        panel.set_title(title.removeprefix("ROC-AUC, ").capitalize(), loc="left")
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_xlabel("")
    panels[1].set_xlabel(
        "ROC-AUC: a dot a data set, a line at their mean; .5 is a coin"
    )
    figure.savefig(COMPARISON, metadata={"Description": digest(), "Date": None})


def draw_quickstart():
    """The figure of the quickstart, in few colours."""
    import matplotlib

    matplotlib.use("agg")
    from PIL import Image

    before = Path.cwd()
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        runpy.run_path(str(HERE.parent / "examples" / "plot_quickstart.py"))
        picture = Image.open("quickstart.png").convert("RGB")
        os.chdir(before)
    picture.thumbnail((1000, 1000), Image.Resampling.LANCZOS)
    picture.quantize(24, dither=Image.Dither.NONE).save(QUICKSTART, optimize=True)


if __name__ == "__main__":
    draw_comparison()
    draw_quickstart()
