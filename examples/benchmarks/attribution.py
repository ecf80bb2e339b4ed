"""Feature attribution: error at equal samples, and what a row costs.

`errors`: Shapley values of the probability of the predicted class, of a network, a
forest and a logistic regression, by every method of ours and by the packages shap and
shapiq where they are installed. Tables of 10, 12 and 30 columns, and images of 8 by 8
and 28 by 28 pixels with 16 super-pixels (Covert et al., NeurIPS 2024, figures 2, 3 and
6 to 9). The error is the squared error over the squared size of the attributions, in
per cent, after m = 2 d to 17 d coalitions a row. True values are enumerated for up to
16 players; for 30 they are means of twelve unbiased estimates of 4096 coalitions each.
A seed has its own training rows, model, explained rows and coalitions. The cache, a
folder, keeps what has been run.

`speed`: milliseconds and multiply-adds a row for 30 columns and 512 coalitions, beside
the model's own for the same rows of masked cells, and beside both packages: medians of
rounds in which everything runs once, of the time of one processor.

    SKVALUE_DATA=... python examples/benchmarks/attribution.py errors [--cache F]
        [--seeds 3] [--draws 4] [--rows 8] [--tables adult ...] [--models network ...]
    python examples/benchmarks/attribution.py speed [--rounds 9]
"""

import argparse
import csv
import os
import warnings
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
from _attribution_games import MODELS, TABLES, Game, attributions, fitted, table, truth
from _attribution_peers import peers
from _attribution_speed import speed

MULTIPLES = [2, 4, 8, 17]
# "auto" is "gaussian_process" at all of these budgets.
OURS = ["auto", "regression", "kernel_shap", "permutation"]
FIELDS = ["table", "model", "seed", "method", "multiple", "error", "size"]


def errors_of(name, model_name, seed, methods, options):
    """Records of one table, model and seed, a method after the other."""
    rows = table(name, seed)
    model = fitted(model_name, rows, seed)
    X = rows.X_test[: options.rows]
    background = rows.X.mean(axis=0, dtype=np.float64).astype(rows.X.dtype)
    games = [Game(model, row, background, rows.groups) for row in X]
    places = [game.place for game in games]
    n_players = games[0].n_players
    path = options.cache / f"{name}-{model_name}-{seed}.npz"
    true_values = cached_truth(path, model, rows, X, games)

    def estimate(method, n_samples, draw):
        if method in OURS:
            return attributions(
                model,
                rows,
                X,
                places,
                method=method,
                n_samples=n_samples,
                random_state=draw,
            )
        estimator = peers()[0][method]
        return np.array(
            [
                estimator(game, n_players, n_samples, 1000 * draw + place)
                for place, game in enumerate(games)
            ]
        )

    for method in methods:
        for multiple in MULTIPLES:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    draws = [
                        estimate(method, multiple * n_players, 100 * seed + draw)
                        for draw in range(options.draws)
                    ]
            except ValueError as refusal:
                print(f"{method}, {multiple} d: {refusal}")
                continue
            yield {
                "table": name,
                "model": model_name,
                "seed": seed,
                "method": method,
                "multiple": multiple,
                "error": np.mean((np.array(draws) - true_values) ** 2),
                "size": np.mean(true_values**2),
            }


def cached_truth(path, model, rows, X, games):
    """True values, and what coalitions are worth, computed once."""
    if path.exists():
        with np.load(path) as file:
            if "worth" in file:
                for game, worth in zip(games, file["worth"], strict=True):
                    game.look_up(worth)
            return file["values"]
    values = truth(model, rows, X, games)
    found = {"values": values}
    if games[0].worth is not None:
        found["worth"] = [game.worth for game in games]
    np.savez(path, **found)
    return values


def errors(options):
    """Run what the cache lacks, and print all of it."""
    options.cache.mkdir(parents=True, exist_ok=True)
    path = options.cache / "errors.csv"
    if not path.exists():
        path.write_text(",".join(FIELDS) + "\n")
    with path.open(newline="") as file:
        records = list(csv.DictReader(file))
    done = {
        (record["table"], record["model"], int(record["seed"]), record["method"])
        for record in records
    }
    methods = options.methods + ([] if options.skip_peers else list(peers()[0]))
    for seed in range(options.seeds):
        for name in options.tables:
            for model_name in options.models:
                place = name, model_name, seed
                left = [method for method in methods if (*place, method) not in done]
                if not left:
                    continue
                new = list(errors_of(*place, left, options))
                records += new
                with path.open("a", newline="") as file:
                    csv.DictWriter(file, FIELDS).writerows(new)
    for name in options.tables:
        for model_name in options.models:
            print_errors(name, model_name, records)


def print_errors(name, model_name, records):
    """A table: methods by budgets."""
    cells = {}
    for record in records:
        if (record["table"], record["model"]) == (name, model_name):
            key = record["method"], int(record["multiple"])
            cells.setdefault(key, []).append(
                (float(record["error"]), float(record["size"]))
            )
    shares = {}
    for key, values in cells.items():
        error, size = np.mean(values, axis=0)
        shares[key] = 100 * error / size
    print(f"\n{name}, {TABLES[name]} players, {model_name}: squared error, %")
    print(f"{'':32}" + "".join(f"{multiple:>8} d" for multiple in MULTIPLES))
    for method in dict.fromkeys(method for method, _ in shares):
        row = [shares.get((method, multiple), np.nan) for multiple in MULTIPLES]
        print(f"{method:32}" + "".join(f"{share:>10.3g}" for share in row))
    ratios = []
    for multiple in MULTIPLES:
        column = {m: share for (m, at), share in shares.items() if at == multiple}
        others = [share for method, share in column.items() if method != "auto"]
        ratios.append(column.get("auto", np.nan) / min(others))
    print(
        f"{'auto over best of the others':32}" + "".join(f"{r:>10.3g}" for r in ratios)
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mode", choices=["errors", "speed"])
    parser.add_argument("--cache", type=Path, default="attribution-cache")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--tables", nargs="+", default=list(TABLES))
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--methods", nargs="*", default=OURS)
    parser.add_argument("--skip-peers", action="store_true")
    options = parser.parse_args()
    for line in peers()[1]:
        print(line)
    if options.mode == "errors":
        errors(options)
    else:
        speed(options)


if __name__ == "__main__":
    main()
