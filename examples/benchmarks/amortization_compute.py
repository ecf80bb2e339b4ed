"""What amortizing is worth at equal cost: r with the ground truth against CPU seconds.

`engine`: logistic regression, whose coalitions the batched engine fits; permutations,
shared subsets, and both amortized. `refits`: a decision tree, which has to be refitted
for every contribution; permutations, and amortized.

    SKVALUE_DATA=... python examples/benchmarks/amortization_compute.py engine refits
        [--data adult] [--seeds 3] [--cache FOLDER] [--plot FILE]

A fifth of the labels flipped, 100 clean held-out rows, utility accuracy; 1000 rows and
4000 permutations as ground truth for the engine, 300 and 500 for refits. One thread.
"""

import argparse
import time

import numpy as np
from amortization import (
    cached_values,
    ground_truth,
    make_rows,
    r,
    shared_subsets,
    show,
    walks,
)
from sklearn.tree import DecisionTreeClassifier

from skvalue import AmortizedShapley

ENGINE_ROWS, REFIT_ROWS = 1000, 300
TRUE_REFITTED_PERMUTATIONS = 500
CONTRIBUTIONS = [1, 5, 10, 50, 200]
REFITTED_CONTRIBUTIONS = [1, 5, 10, 50]
SUBSETS = [20, 50, 100, 500, 2000]


def with_amortized(label, valuators):
    return {
        label: valuators,
        f"{label}, amortized": {k: AmortizedShapley(v) for k, v in valuators.items()},
    }


def engine(options):
    n = ENGINE_ROWS
    return compare(
        n,
        {
            **with_amortized("permutations", {k: walks(n, k) for k in CONTRIBUTIONS}),
            **with_amortized("shared subsets", {k: shared_subsets(k) for k in SUBSETS}),
        },
        lambda seed: ground_truth(options.data, n, seed, options.cache),
        options,
        f"{options.data}, {n} rows, logistic regression",
    )


def refits(options):
    n, tree = REFIT_ROWS, DecisionTreeClassifier(max_depth=4, random_state=0)

    def truth(seed):
        valuator = walks(
            n,
            TRUE_REFITTED_PERMUTATIONS,
            10_000 + seed,
            antithetic=True,
            estimator=tree,
        )
        cache = options.cache and f"{options.cache}/{options.data}-tree"
        return cached_values(valuator, options.data, n, seed, cache)

    return compare(
        n,
        with_amortized(
            "permutations",
            {k: walks(n, k, estimator=tree) for k in REFITTED_CONTRIBUTIONS},
        ),
        truth,
        options,
        f"{options.data}, {n} rows, decision tree",
    )


def compare(n, curves, truth, options, title):
    """Print the table; return its title and the medians of each curve."""
    warm_up(options)
    references = [truth(seed) for seed in range(options.seeds)]
    print(f"\n{title}\n{'':30}{'CPU seconds':>15}{'r':>15}")
    points = {}
    for label, valuators in curves.items():
        for k, valuator in valuators.items():
            records = []
            for seed, reference in enumerate(references):
                (X, y), (X_val, y_val), _ = make_rows(options.data, n, seed)
                valuator.set_params(random_state=seed)
                start = time.process_time()
                valuator.fit(X, y, X_val=X_val, y_val=y_val)
                spent = time.process_time() - start
                found = r(valuator.data_values_, reference)
                records.append({"seconds": spent, "r": found})
            show(f"{k} {label}", ["seconds", "r"], records)
            medians = [np.median([q[c] for q in records]) for c in ("seconds", "r")]
            points.setdefault(label, []).append(medians)
    return title, points


def warm_up(options):
    """Import and start what the first fit would be charged for."""
    (X, y), (X_val, y_val), _ = make_rows(options.data, 100, 0)
    AmortizedShapley(shared_subsets(20)).fit(X, y, X_val=X_val, y_val=y_val)


def plot(panels, path):
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, len(panels), figsize=(4.5 * len(panels), 4), squeeze=False, sharey=True
    )
    for axis, (title, points) in zip(axes[0], panels, strict=True):
        for label, curve in points.items():
            style = "o-" if label.endswith("amortized") else "o--"
            color = "C0" if label.startswith("permutations") else "C1"
            axis.semilogx(*np.transpose(curve), style, color=color, label=label)
        axis.set(xlabel="CPU seconds", title=title)
        axis.legend(loc="lower right")
    axes[0, 0].set_ylabel("r with the ground truth")
    figure.tight_layout()
    figure.savefig(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tables = {"engine": engine, "refits": refits}
    parser.add_argument("table", nargs="+", choices=tables)
    parser.add_argument("--data", default="adult")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cache", help="folder of ground truths")
    parser.add_argument("--plot", help="file that the tables are drawn into")
    arguments = parser.parse_args()
    panels = [tables[table](arguments) for table in arguments.table]
    if arguments.plot:
        plot(panels, arguments.plot)
