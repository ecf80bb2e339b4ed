"""The figures of `amortization_paper.py`, and the tables beside them."""

from pathlib import Path

import numpy as np
from _amortization_paper_attribution import METRICS, SOURCES

MEASURES = ["normalized_squared_error", "pearson", "spearman", "sign_agreement"]
DETECTION = ["roc_auc", "average_precision", "negative_share"]
CLEANING = ["log-loss", "accuracy"]
PARTS = {"labels": "C7--", "predicted": "C0-", "combined": "C2-", "unseen": "C1:"}


class Panel:
    """Curves of one axis, and lines of one table.

    Parameters
    ----------
    title : str
        Above it.

    xlabel, ylabel : str
        Beside it.

    log : str, default=""
        Axes that are logarithmic, with a tick at each x; "XY": both, with any ticks.
    """

    def __init__(self, title, xlabel, ylabel, log=""):
        self.title, self.xlabel, self.ylabel, self.log = title, xlabel, ylabel, log
        self.curves = {}

    def add(self, label, points, style=None):
        """A curve; points whose number is not known are left out."""
        points = [(x, y) for x, y in points if np.isfinite(y)]
        if points:
            self.curves[label] = points, style

    def draw(self, axis):
        """All curves."""
        for label, (points, style) in self.curves.items():
            axis.plot(*zip(*points, strict=True), style or "o-", label=label, ms=3)
        axis.set(title=self.title, xlabel=self.xlabel, ylabel=self.ylabel)
        if "x" in self.log:
            axis.set_xscale("log")
            ticks = sorted({x for points, _ in self.curves.values() for x, _ in points})
            axis.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks], fontsize="small")
            axis.minorticks_off()
        if "y" in self.log:
            axis.set_yscale("log")
        if self.log == "XY":
            axis.loglog()

    def lines(self):
        """The same as text."""
        yield f"{self.title}: {self.ylabel} by {self.xlabel}"
        for label, (points, _) in self.curves.items():
            yield f"  {label:34s}" + "  ".join(f"{x:g}: {y:.3g}" for x, y in points)


class Scatter(Panel):
    """Attributions beside the true ones."""

    def draw(self, axis):
        for points, _ in self.curves.values():
            axis.scatter(*zip(*points, strict=True), s=2, alpha=0.3)
        axis.axline((0, 0), slope=1, color="black", linewidth=0.8)
        axis.set(title=self.title, xlabel=self.xlabel, ylabel=self.ylabel)

    def lines(self):
        for label, (points, _) in self.curves.items():
            found, true = np.transpose(points)
            yield f"  {label:34s}r {np.corrcoef(found, true)[0, 1]:.3f}"


class Figures:
    """Every figure that there are numbers for, as panels.

    Parameters
    ----------
    records : Records
        What was measured.

    folder : Path
        Where the attributions of Figure 2 are.

    Attributes
    ----------
    found : dict of str to list of Panel
        By title.
    """

    def __init__(self, records, folder):
        self.records, self.folder = records, folder
        self.found = {}

    def add(self, title, panels):
        """A figure, unless nothing of it was measured."""
        if panels := [panel for panel in panels if panel.curves]:
            self.found[title] = panels

    def amounts(self, table, data):
        """Budgets, numbers of rows or shares that there are figures for."""
        keys = self.records.found
        found = {amount for t, d, _, amount, _ in keys if (t, d) == (table, data)}
        return sorted(found - {""}, key=float)

    def methods(self, table, data):
        """In the order in which they were measured."""
        keys = self.records.found
        return list(dict.fromkeys(k[2] for k in keys if k[:2] == (table, data)))

    def curve(self, table, data, method, figure):
        """Points of a figure by the amount."""
        of = table, data, method
        return [
            (float(amount), self.records.mean(*of, amount, figure))
            for amount in self.amounts(table, data)
        ]

    def by_flops(self, table, data, method, part):
        """Points of an error by what it costs, training included unless of labels."""
        asked, training, error = (
            self.curve(table, data, method, figure)
            for figure in ("label flops", "training", f"{part} squared_error")
        )
        return [
            (x if part == "labels" else x + more, y)
            for (_, x), (_, more), (_, y) in zip(asked, training, error, strict=True)
        ]

    def measured(self, of, parts, xlabel, measures=METRICS):
        """A panel a measure: `of` is a table, its data and a method."""
        for measure in measures:
            log = "xy" if "squared_error" in measure else "x"
            panel = Panel(f"{of[1]}, {of[2]}", xlabel, measure, log)
            for part in parts:
                panel.add(part, self.curve(*of, f"{part} {measure}"), PARTS[part])
            yield panel

    def explained(self, data):
        """Figures of feature attribution."""
        budget = "coalitions a player"
        path = self.folder / f"figure2_{data}.npz"
        if path.exists():
            panels = []
            with np.load(path) as file:
                for part in ("labels", "predicted"):
                    panels.append(Scatter(part, "attribution", "by enumeration"))
                    pairs = np.column_stack([file[part].ravel(), file["truth"].ravel()])
                    panels[-1].add(part, [tuple(pair) for pair in pairs])
            self.add(f"Figure 2, {data}", panels)
        for title, parts in {
            "Figures 3 (left) and 10": ["labels", "predicted", "combined"],
            "Figure 12": ["labels", "unseen"],
        }.items():
            panels = []
            for method in SOURCES:
                panels += self.measured(("labels", data, method), parts, budget)
            self.add(f"{title}, {data}", panels)
        panel = Panel(f"Figures 3 (centre), 9 and 13, {data}", "FLOPs", "error", "XY")
        for part in ("labels", "predicted", "combined"):
            points = self.by_flops("labels", data, "kernel_shap", part)
            panel.add(f"KernelSHAP, {part}", points, PARTS[part])
        points = self.by_flops("fastshap", data, "fastshap", "predicted")
        panel.add("FastSHAP", points, "C3-")
        self.add(panel.title, [panel])
        of, parts = ("rows", data, "kernel_shap"), ["labels", "predicted", "unseen"]
        panels = list(self.measured(of, parts, "rows"))
        self.add(f"Figures 3 (right), 7 and 8, {data}", panels)
        panel = Panel(f"Figures 6 and 11, {data}", budget, "error", "xy")
        for method in SOURCES:
            points = self.curve("single", data, method, "labels squared_error")
            panel.add(f"{method}, one row", points, "--")
            points = self.curve("labels", data, method, "predicted squared_error")
            panel.add(f"{method}, amortized", points)
        self.add(panel.title, [panel])
        panel = Panel(f"Figure 14, {data}", "share of the norms, %", "norm", "y")
        for method in ("kernel_shap", "banzhaf", "lime"):
            of = "norms", data, method, ""
            shares = [10, 25, 50, 75, 90, 100]
            panel.add(method, [(s, self.records.mean(*of, f"{s} %")) for s in shares])
        self.add(panel.title, [panel])
        for number, method in ((15, "banzhaf"), (16, "lime")):
            panels = []
            for kind in (method, f"{method}, unit norm"):
                parts = ["labels", "predicted", "combined"]
                panels += self.measured(("others", data, kind), parts, budget)
            self.add(f"Figure {number}, {data}", panels)

    def valued(self, data):
        """Figures of the values of a table's rows, and of datamodels."""
        a_row = "contributions a row"
        parts = ["labels", "predicted", "combined"]
        for n in self.methods("values", data):
            panels = list(self.measured(("values", data, n), parts, a_row, MEASURES))
            self.add(f"Figures 4, 17 and 18, {data}, {n} rows", panels)
        panel = Panel(f"{data}, 50 contributions a row", "rows", "r", "x")
        for part in parts:
            points = self.curve("sizes", data, 50, f"{part} pearson")
            panel.add(part, points, PARTS[part])
        self.add(f"Figure 4 (right), {data}", [panel])
        parts = ["labels", "predicted", "unseen"]
        for n in self.methods("distributional", data):
            of = "distributional", data, n
            panels = list(self.measured(of, parts, a_row, MEASURES))
            self.add(f"Figures 5 and 19, {data}, {n} rows", panels)
        of = "distributional rows", data, 5
        panels = list(self.measured(of, parts, "rows", MEASURES[:2]))
        self.add(f"Figure 5 (right), {data}", panels)
        panel = Panel(data, "fits", "error", "xy")
        for part in ("closed_form", "ridge", "amortized", "shared"):
            panel.add(part, self.curve("datamodels", data, "", part))
        self.add(f"Datamodels, {data}", [panel])

    def pictures(self, data):
        """Figures of wrong labels among images."""
        panels = []
        for noise in self.amounts("detection", data):
            title = f"{data}, {100 * float(noise):g} % wrong"
            panel = Panel(title, "inspected, %", "share found")
            for method in self.methods("detection", data):
                of = "detection", data, method, noise
                shares = [5, 10, 15, 25, 50]
                figures = (self.records.mean(*of, f"lowest {s} %") for s in shares)
                panel.add(method, list(zip(shares, figures, strict=True)))
            panels.append(panel)
        self.add(f"Figure 20, {data}", panels)
        for title, table, xlabel, measures in (
            ("Table 2", "detection", "share of wrong labels", DETECTION),
            ("Figure 21", "cleaning", "share removed or relabelled", CLEANING),
        ):
            panels = []
            for measure in measures:
                panels.append(Panel(data, xlabel, measure))
                for method in self.methods(table, data):
                    points = self.curve(table, data, method, measure)
                    panels[-1].add(method, points)
            self.add(f"{title}, {data}", panels)


def write(figures, folder):
    """One picture a figure, and all numbers as text."""
    import matplotlib.pyplot as plt

    folder = Path(folder)
    for title, panels in figures.items():
        print(f"\n{title}")
        for panel in panels:
            print("\n".join(panel.lines()))
        n_columns = min(len(panels), 4)
        n_rows = -(-len(panels) // n_columns)
        figure, axes = plt.subplots(
            n_rows,
            n_columns,
            figsize=(3.6 * n_columns, 2.8 * n_rows),
            squeeze=False,
            layout="constrained",
        )
        for panel, axis in zip(panels, axes.flat, strict=False):
            panel.draw(axis)
        for axis in axes.flat[len(panels) :]:
            axis.set_axis_off()
        if axes.flat[0].get_legend_handles_labels()[0]:
            axes.flat[0].legend(fontsize="x-small")
        name = "".join(c if c.isalnum() else "_" for c in title.lower())
        figure.savefig(folder / f"{name}.png", dpi=110)
        plt.close(figure)
