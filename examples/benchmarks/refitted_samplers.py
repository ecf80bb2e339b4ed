"""Errors of Data Shapley from refits: permutations, reused utilities, regression.

For estimators that no engine knows. The truth is ``sampler="regression"`` from many
fits of another seed, which is unbiased; what it errs itself, by its standard errors, is
taken off. An error is the squared distance to the truth over the squared length of the
truth, the mean over seeds; "root" is its root over that of permutations (of "msr" for
Data Banzhaf). "regression" is the default. The rows below it use the same coalitions,
with another function of the coalition:

- "sizes": of the size alone;
- "members": of the size, and a coefficient a row;
- "row_columns": beside these, means of known columns over the members, so that a few
  coefficients make those of all rows: label, out-of-fold probability of the own class,
  KNN-Shapley and leave-one-out values, Shapley values and influence columns of a
  logistic regression;
- "engine": beside these, what the coalition is worth to a logistic regression, whose
  Shapley values are known from 4000 shared subsets;
- "cells_and_engine": the default, and what "engine" adds.

"amortized" is what `AmortizedShapley` makes of single permutations, and
"amortized_regression" of "regression", a sixth of whose fits it keeps to choose by. Ten
per cent of the labels are flipped, 100 clean rows are held out. One thread.

    python examples/benchmarks/refitted_samplers.py [--data adult] [--model tree]
        [--n 300] [--truth 20000] [--seeds 4] [--multiples 1 2 5 10]
        [--value shapley] [--rows msr sizes regression ...] [--cache folder]
        [--csv file]

`--cache` keeps every fit that is paid for, so that a run which was stopped goes on and
more seeds or budgets cost what they add; `--csv` appends the figures to a file.
"""

import argparse
import csv
import os
import time
from pathlib import Path
from unittest import mock

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
from _data import load
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.tree import DecisionTreeClassifier

from skvalue import (
    AmortizedShapley,
    BetaShapley,
    DataBanzhaf,
    DataShapley,
    KNNShapley,
    LeaveOneOut,
)
from skvalue._coalitions import size_regression
from skvalue._coalitions.cell_means import CellMeans
from skvalue._coalitions.regressed_subsets import RegressedSubsets, SubsetRecord
from skvalue._coalitions.runner import run_block
from skvalue._coalitions.sizes import SubsetSizes, size_probabilities
from skvalue._coalitions.subsets import ReusedSubsets, SharedSubsets
from skvalue.amortized._statistics import InfluenceColumns
from skvalue.semivalues._utility import Utility

MODELS = {
    "tree": DecisionTreeClassifier(random_state=0),
    "forest": RandomForestClassifier(20, random_state=0),
    "boosting": HistGradientBoostingClassifier(max_iter=30, random_state=0),
}
VALUES = {
    "shapley": DataShapley(),
    "beta": BetaShapley(16, 1),
    "banzhaf": DataBanzhaf(),
}
N_VAL = 100
LEAST = 5
TRUTH_SEED = 10**6
ENGINE_SUBSETS = 4000
# Fits between two writes of the cache.
AT_ONCE = 200


def make_game(data, model, n, seed=0):
    """Utility of a model on standardised rows of which a tenth are mislabelled."""
    X, y = load(data)
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(X))[: n + N_VAL]
    X, y = X[rows].astype(float), y[rows].copy()
    scale = X.std(axis=0)
    X = (X - X.mean(axis=0)) / np.where(scale > 0, scale, 1)
    flipped = rng.choice(n, round(0.1 * n), replace=False)
    y[flipped] = 1 - y[flipped]
    classes = np.array([0, 1])
    return Utility(MODELS[model], X[:n], y[:n], X[n:], y[n:], classes=classes)


def make_samplers(value, game):
    """Sampler of each name; walks are not for Data Banzhaf."""
    valuator = clone(VALUES[value])
    weight = valuator._weight(np.arange(game.n_players), game.n_players)
    reused = SubsetSizes(size_probabilities(weight, LEAST), LEAST)
    walks = [] if value == "banzhaf" else ["single_permutation", "permutation"]
    # "msr" is offered for Data Banzhaf only.
    samplers = {"msr": ReusedSubsets(reused)}
    for name in [*walks, "regression"]:
        valuator.set_params(sampler=name, min_coalition_size=LEAST)
        samplers[name] = valuator._make_sampler(game)
    return samplers


class Runs:
    """What samplers say after some fits, each of which is paid for once.

    Parameters
    ----------
    game : Utility
        What coalitions are worth.

    samplers : dict of str to sampler
        As `make_samplers` returns them.

    name : str
        Of the game and the value, for the files.

    cache : str or None
        Folder of the files; None keeps what is paid for in memory.
    """

    def __init__(self, game, samplers, name, cache):
        self.game, self.samplers, self.name = game, samplers, name
        self._cache = None if cache is None else Path(cache)
        self._kept = {}

    def said(self, source, seed, budgets, games=None):
        """Values after each of the budgets, NaN before the first unit.

        `games` replace those that the regression knows.
        """
        sampler = self.samplers[source]
        counts = [int(budget // sampler.unit_cost(self.game)) for budget in budgets]
        if isinstance(sampler, RegressedSubsets):
            return np.array([r.estimate() for r in self.records(seed, counts, games)])
        known = self.load(source, seed)
        if not {str(count) for count in counts if count} <= set(known):
            self._run_through(sampler, seed, counts, known)
            self.save(source, seed, known)
        nothing = np.full(self.game.n_players, np.nan)
        return np.array([known.get(str(count), nothing) for count in counts])

    def _run_through(self, sampler, seed, counts, known):
        """Add the estimates after each number of units to those that are known."""
        total, n_units = sampler.new_accumulator(self.game.n_players), 0
        for count in counts:
            while n_units < count:
                few = min(sampler.block_size(self.game), count - n_units)
                block, _ = run_block(self.game, sampler, (seed, 0), n_units, few)
                total.merge(block)
                n_units += few
            if count:
                known[str(count)] = total.estimate()

    def records(self, seed, counts, games=None):
        """What the regression has after so many fits, one growing record."""
        sampler = self.samplers["regression"]
        if games is not None:
            sampler = RegressedSubsets(sampler.sizes, tuple(games))
        record = sampler.new_accumulator(self.game.n_players)
        for count in counts:
            scores = self._utilities(sampler, seed, count)[record.n_batches : count]
            few = SubsetRecord(sampler, self.game.n_players, (seed, 0), scores)
            record.merge(few)
            yield record

    def _utilities(self, sampler, seed, count):
        """Utilities of the first coalitions of a seed, at least so many."""
        scores = self.load("utilities", seed).get("scores", np.zeros(0))
        while len(scores) < count:
            few = min(AT_ONCE, count - len(scores))
            block, _ = run_block(self.game, sampler, (seed, 0), len(scores), few)
            scores = np.concatenate([scores, block.scores])
            self.save("utilities", seed, {"scores": scores})
        return scores

    def amortized(self, source, seed, budgets):
        """What `AmortizedShapley` makes of two independent runs within each budget."""
        cost = self.samplers[source].unit_cost(self.game)
        seconds = [max(cost, round(budget / 6)) for budget in budgets]
        firsts = [max(0, b - s) for b, s in zip(budgets, seconds, strict=True)]
        first = self.said(source, seed, firsts)
        second = self.said(source, seed + 10**5, seconds)
        said = np.full(first.shape, np.nan)
        for place in range(len(budgets)):
            counts = firsts[place] // cost, seconds[place] // cost
            if min(counts) > 0:
                noisy = first[place], second[place], counts
                valuator = AmortizedShapley(random_state=seed)
                valuator.fit(self.game.X, self.game.y, noisy_values=noisy)
                said[place] = valuator.data_values_
        return said

    def _path(self, what, seed):
        return self._cache / f"{self.name}_{what}_{seed}.npz"

    def load(self, what, seed):
        if (what, seed) not in self._kept:
            self._kept[what, seed] = {}
            if self._cache is not None and self._path(what, seed).exists():
                with np.load(self._path(what, seed)) as file:
                    self._kept[what, seed] = dict(file)
        return self._kept[what, seed]

    def save(self, what, seed, arrays):
        self._kept[what, seed] = arrays
        if self._cache is not None:
            self._cache.mkdir(parents=True, exist_ok=True)
            part = self._path(what, seed).with_suffix(".part.npz")
            np.savez(part, **arrays)
            part.replace(self._path(what, seed))


# ------------------------------------------------------ other functions of coalitions


class EngineGame:
    """What coalitions are worth to a logistic regression, as a game that is known."""

    def __init__(self, game):
        self._game = Utility(
            LogisticRegression(),
            *(game.X, game.y, game.X_val, game.y_val),
            classes=game.classes,
        )
        self._values = None

    def columns(self, masks):
        """Worth of coalitions in chunks that the engine takes; one column."""
        few = self._game.block_size("scores")
        chunks = [masks[start : start + few] for start in range(0, len(masks), few)]
        return np.concatenate([self._game.scores(chunk) for chunk in chunks])[:, None]

    def semivalues(self, probabilities):
        """Semivalues from shared subsets; always of the same probabilities."""
        if self._values is None:
            sampler = SharedSubsets(SubsetSizes(probabilities, LEAST))
            total = sampler.new_accumulator(len(probabilities))
            few = sampler.block_size(self._game)
            for start in range(0, ENGINE_SUBSETS, few):
                block, _ = run_block(self._game, sampler, (0, 1), start, few)
                total.merge(block)
            self._values = total.estimate()[None]
        return self._values


def row_columns(game):
    """Means over the members of what is known of a row, one game a column."""
    X, y, n = game.X, game.y, game.n_players
    held_out = {"X_val": game.X_val, "y_val": game.y_val}
    forest = RandomForestClassifier(100, min_samples_leaf=5, random_state=0)
    unseen = cross_val_predict(forest, X, y, method="predict_proba")
    valuators = KNNShapley(), LeaveOneOut(), DataShapley(random_state=0, tol=None)
    columns = [
        y,
        unseen[np.arange(n), y],
        *(valuator.fit(X, y, **held_out).data_values_ for valuator in valuators),
        *InfluenceColumns(X, y, 2).transform(X, y).T,
    ]
    together = np.zeros((n, 1), dtype=int)
    return [CellMeans(together, np.asarray(each)[:, None]) for each in columns]


def of_size_alone(self, target):
    """In place of `SizeRegression._fit_members`."""
    return np.zeros(self._masks.shape[1])


def regressed(runs, seed, budgets, games):
    """What the regression says that knows other games, however many they are."""
    with mock.patch.object(size_regression, "COALITIONS_A_COLUMN", 0):
        return runs.said("regression", seed, budgets, games)


def by_size(runs, seed, budgets, games):
    """What the regression says that knows of no row."""
    with mock.patch.object(
        size_regression.SizeRegression, "_fit_members", of_size_alone
    ):
        return regressed(runs, seed, budgets, games)


# How each row of the table is found: from which sampler, or with which games.
SAMPLED = ("permutation", "single_permutation", "msr", "regression")
GAMES = {
    "sizes": lambda game: [],
    "members": lambda game: [],
    "row_columns": row_columns,
    "engine": lambda game: [EngineGame(game)],
    "cells_and_engine": lambda game: [*game.known_games(), EngineGame(game)],
}
AMORTIZED = {
    "amortized": "single_permutation",
    "amortized_regression": "regression",
}
ROWS = [*SAMPLED, *GAMES, *AMORTIZED]


def find(row, runs, seeds, budgets):
    """Values of a row of the table, for each seed and budget."""
    if row in SAMPLED:
        return np.array([runs.said(row, seed, budgets) for seed in seeds])
    if row in AMORTIZED:
        return np.array([runs.amortized(AMORTIZED[row], s, budgets) for s in seeds])
    games, how = GAMES[row](runs.game), by_size if row == "sizes" else regressed
    return np.array([how(runs, seed, budgets, games) for seed in seeds])


def find_truth(runs, n_fits):
    """Values from many fits, and their mean squared error."""
    known = runs.load(f"truth_{n_fits}", TRUTH_SEED)
    if not known:
        (record,) = runs.records(TRUTH_SEED, [n_fits])
        error = np.mean(record.variance()[0])
        known = {"values": record.estimate(), "error": error}
        runs.save(f"truth_{n_fits}", TRUTH_SEED, known)
    return known["values"], float(known["error"])


def main(arguments):
    """Print the table of one data set, model and number of rows."""
    about = arguments.data, arguments.model, arguments.n, arguments.value
    game = make_game(*about[:3])
    samplers = make_samplers(arguments.value, game)
    runs = Runs(game, samplers, "_".join(map(str, about)), arguments.cache)
    start = time.process_time()
    truth, doubt = find_truth(runs, arguments.truth)
    length = np.mean(truth**2) - doubt
    print(
        f"{arguments.value}, {arguments.model} on {arguments.data}, n={arguments.n}: "
        f"truth from {arguments.truth} fits, {time.process_time() - start:.0f} CPU s, "
        f"its own error {doubt / length:.3f}",
        flush=True,
    )
    # A walk through all rows is a fit more than there are rows.
    budgets = [int(multiple * (arguments.n + 1)) for multiple in arguments.multiples]
    print(" " * 20, *(f"{multiple:>6}n" for multiple in arguments.multiples), "  root")
    errors = {}
    for name in arguments.rows:
        if AMORTIZED.get(name, name) not in {*samplers, *GAMES}:
            continue
        start = time.process_time()
        said = find(name, runs, range(arguments.seeds), budgets)
        squares = np.mean((said - truth) ** 2, axis=2) - doubt
        spread = squares.std(axis=0) / max(arguments.seeds - 1, 1) ** 0.5 / length
        errors[name] = squares.mean(axis=0) / length
        base = errors.get("permutation", next(iter(errors.values())))
        print(
            f"{name:<20}",
            *(f"{one:7.3f}" for one in errors[name]),
            "  ",
            *(f"{root:5.2f}" for root in np.sqrt(errors[name] / base)),
            f"  {time.process_time() - start:5.0f} CPU s; standard errors",
            *(f"{one:.3f}" for one in spread),
            flush=True,
        )
        if arguments.csv is not None:
            figures = zip(arguments.multiples, errors[name], spread, strict=True)
            with open(arguments.csv, "a", newline="") as file:
                csv.writer(file).writerows(
                    [*about, arguments.truth, arguments.seeds, name, *each]
                    for each in figures
                )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="adult")
    parser.add_argument("--model", default="tree", choices=MODELS)
    parser.add_argument("--n", type=int, default=300)
    parser.add_argument("--truth", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--multiples", type=float, nargs="+", default=[1, 2, 5, 10])
    parser.add_argument("--value", default="shapley", choices=VALUES)
    parser.add_argument("--rows", nargs="+", default=ROWS, choices=ROWS)
    parser.add_argument("--cache", default=None)
    parser.add_argument("--csv", default=None)
    main(parser.parse_args())
