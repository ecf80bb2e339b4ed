"""Figures of a benchmark in a CSV file, so that a run that was ended goes on."""

import csv
from pathlib import Path

import numpy as np

KEYS = ("table", "data", "method", "amount", "seed")


class Records:
    """What was measured, by table, data, method, amount and seed.

    Parameters
    ----------
    path : str or None
        A CSV file, read where it exists and added to; None keeps nothing. It has one
        line a figure.
    """

    def __init__(self, path=None):
        self.path = path and Path(path)
        self.found = {}
        if self.path and self.path.exists():
            with open(self.path, newline="") as file:
                for line in csv.DictReader(file):
                    key = tuple(line[name] for name in KEYS)
                    value = float(line["value"])
                    self.found.setdefault(key, {})[line["name"]] = value

    def get(self, key, measure):
        """The figures of a key, measured if they are new.

        Parameters
        ----------
        key : tuple
            One entry for each of `KEYS`.

        measure : callable
            Returns a dict of numbers.

        Returns
        -------
        figures : dict of str to float
            By name.
        """
        key = tuple(map(str, key))
        if key not in self.found:
            figures = {name: float(value) for name, value in measure().items()}
            self.found[key] = figures
            self._write(key, figures)
        return self.found[key]

    def mean(self, table, data, method, amount, name):
        """Mean over the seeds, NaN where nothing was measured."""
        wanted = tuple(map(str, (table, data, method, amount)))
        values = [
            figures[name]
            for key, figures in self.found.items()
            if key[:4] == wanted and name in figures
        ]
        return float(np.mean(values)) if values else float("nan")

    def _write(self, key, figures):
        if not self.path:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not self.path.exists()
        with open(self.path, "a", newline="") as file:
            writer = csv.writer(file)
            if is_new:
                writer.writerow([*KEYS, "name", "value"])
            writer.writerows([*key, name, value] for name, value in figures.items())
