"""Errors of Data Shapley from refits: permutations, reused utilities, regression.

For estimators that no engine knows. The truth is ``sampler="regression"`` from many
fits of another seed, which is unbiased; what it errs itself, by its standard errors, is
taken off. An error is the squared distance to the truth over the squared length of the
truth, the mean over seeds; "root" is its root over that of permutations (of "msr" for
Data Banzhaf). "sizes" is "regression" with a function of the size alone, "amortized"
what `AmortizedShapley` makes of single permutations, or of "regression", a sixth of
whose fits it keeps to choose by. Ten per cent of the labels are flipped, 100 clean rows
are held out. One thread.

    python examples/benchmarks/refitted_samplers.py [--data adult] [--model tree]
        [--n 300] [--truth 20000] [--seeds 4] [--multiples 1 2 5 10]
        [--value shapley] [--rows msr sizes regression ...] [--cache folder]

`--cache` keeps the truths of earlier runs; a truth of another budget is made anew.
"""

import argparse
import os
import time
from pathlib import Path
from unittest import mock

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
from _data import load
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from skvalue import AmortizedShapley, BetaShapley, DataBanzhaf, DataShapley
from skvalue._coalitions.runner import run_block
from skvalue._coalitions.size_regression import SizeRegression
from skvalue._coalitions.sizes import SubsetSizes, size_probabilities
from skvalue._coalitions.subsets import ReusedSubsets
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
    valuator = VALUES[value]
    weight = valuator._weight(np.arange(game.n_players), game.n_players)
    reused = SubsetSizes(size_probabilities(weight, LEAST), LEAST)
    walks = [] if value == "banzhaf" else ["single_permutation", "permutation"]
    # "msr" is offered for Data Banzhaf only.
    samplers = {"msr": ReusedSubsets(reused)}
    for name in [*walks, "regression"]:
        valuator.set_params(sampler=name, min_coalition_size=LEAST)
        samplers[name] = valuator._make_sampler(game)
    return samplers


def run(game, sampler, seed, budgets):
    """What a run says whenever it has used up a budget; NaN before its first unit."""
    total, used, n_units, said = sampler.new_accumulator(game.n_players), 0, 0, []
    cost, at_once = sampler.unit_cost(game), sampler.block_size(game)
    for budget in budgets:
        while n_units < int(budget // cost):
            few = min(at_once, int(budget // cost) - n_units)
            block, spent = run_block(game, sampler, (seed, 0), n_units, few)
            total.merge(block)
            n_units, used = n_units + few, used + spent
        said.append(total.estimate() if n_units else np.full(game.n_players, np.nan))
    return np.array(said), total


def run_sizes(game, sampler, seed, budgets):
    """As `run`, of regressions without coefficients of the members."""

    def none(self, target):
        return np.zeros(self._masks.shape[1])

    with mock.patch.object(SizeRegression, "_fit_members", none):
        return run(game, sampler, seed, budgets)


def run_amortized(game, sampler, seed, budgets):
    """What `AmortizedShapley` makes of two independent runs within each budget."""
    cost = sampler.unit_cost(game)
    seconds = [max(cost, round(budget / 6)) for budget in budgets]
    firsts = [budget - second for budget, second in zip(budgets, seconds, strict=True)]
    first, _ = run(game, sampler, seed, firsts)
    second, _ = run(game, sampler, seed + 10**5, seconds)
    said = np.full((len(budgets), game.n_players), np.nan)
    for place, noisy in enumerate(zip(first, second, strict=True)):
        counts = firsts[place] // cost, seconds[place] // cost
        if min(counts) > 0:
            valuator = AmortizedShapley(random_state=seed)
            valuator.fit(game.X, game.y, noisy_values=(*noisy, counts))
            said[place] = valuator.data_values_
    return said, None


# How each row of the table is found, and from which sampler.
ROWS = {
    "permutation": (run, "permutation"),
    "single_permutation": (run, "single_permutation"),
    "msr": (run, "msr"),
    "sizes": (run_sizes, "regression"),
    "regression": (run, "regression"),
    "amortized": (run_amortized, "single_permutation"),
    "amortized_regression": (run_amortized, "regression"),
}


def find_truth(arguments, game, sampler):
    """Values from many fits, and their mean squared error."""
    name = "_".join(
        str(part)
        for part in (
            *(arguments.data, arguments.model, arguments.n),
            *(arguments.value, arguments.truth),
        )
    )
    path = None if arguments.cache is None else Path(arguments.cache) / f"{name}.npz"
    if path is not None and path.exists():
        with np.load(path) as file:
            return file["values"], float(file["error"])
    (values,), total = run(game, sampler, 10**6, [arguments.truth])
    error = float(np.mean(total.variance()[0]))
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, values=values, error=error)
    return values, error


def main(arguments):
    """Print the table of one data set, model and number of rows."""
    game = make_game(arguments.data, arguments.model, arguments.n)
    samplers = make_samplers(arguments.value, game)
    start = time.process_time()
    truth, doubt = find_truth(arguments, game, samplers["regression"])
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
        find, source = ROWS[name]
        if source not in samplers:
            continue
        start = time.process_time()
        said = np.array(
            [
                find(game, samplers[source], seed, budgets)[0]
                for seed in range(arguments.seeds)
            ]
        )
        squares = np.mean((said - truth) ** 2, axis=2) - doubt
        spread = squares.std(axis=0) / max(arguments.seeds - 1, 1) ** 0.5 / length
        errors[name] = squares.mean(axis=0) / length
        base = errors.get("permutation", errors[arguments.rows[0]])
        print(
            f"{name:<20}",
            *(f"{one:7.3f}" for one in errors[name]),
            "  ",
            *(f"{root:5.2f}" for root in np.sqrt(errors[name] / base)),
            f"  {time.process_time() - start:5.0f} CPU s; standard errors",
            *(f"{one:.3f}" for one in spread),
            flush=True,
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
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=ROWS)
    parser.add_argument("--cache", default=None)
    main(parser.parse_args())
