"""Values of every public estimator on three fixed data sets, as hashes.

A change that should not change values is run before and after::

    python examples/benchmarks/value_hashes.py --out before.npz
    python examples/benchmarks/value_hashes.py --against before.npz

The second prints, for each line, whether the values are bitwise the same, else how far
apart they are and how they correlate. Hashes are comparable on one machine and in one
environment only: the last digits depend on the processor's linear algebra.
"""

import argparse
import hashlib
import warnings

import numpy as np
from sklearn.datasets import load_iris, make_classification, make_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import skvalue
from skvalue.base import BaseValuator

SEEDS = (0, 1)


def problems():
    """Name, training rows, held-out rows and whether the targets are classes."""
    X, y = make_classification(130, 6, n_informative=4, random_state=0)
    y[:8] = 1 - y[:8]
    yield "two classes", X, y, True
    X, y = load_iris(return_X_y=True)
    order = np.random.RandomState(0).permutation(len(y))[:130]
    X, y = X[order], y[order]
    y[:8] = (y[:8] + 1) % 3
    yield "three classes", X, y, True
    X, y = make_regression(130, 6, noise=10.0, random_state=0)
    yield "regression", X, y, False


def half_weighted(sizes, n_samples):
    """Weight of a semivalue: smaller coalitions count more."""
    weight = 1.0 - 0.5 * sizes / n_samples
    return weight / weight.mean()


def estimators(is_classification):
    """A line each: engine, refits and the methods that have neither."""
    tree = DecisionTreeClassifier if is_classification else DecisionTreeRegressor
    linear = LogisticRegression() if is_classification else Ridge()
    tree = tree(max_depth=3)
    fits = {"tol": None, "max_evaluations": 60}
    refits = {"tol": None, "max_evaluations": 1100, "cv": 2}
    v = skvalue
    yield "AME", v.AME(max_evaluations=60)
    yield "AME, refits", v.AME(tree, max_evaluations=60)
    yield (
        "AmortizedShapley",
        v.AmortizedShapley(
            v.DataShapley(tol=None, max_evaluations=300), max_epochs=(3,)
        ),
    )
    yield "BetaShapley", v.BetaShapley(**fits)
    yield "BetaShapley, refits", v.BetaShapley(estimator=tree, **refits)
    yield "DataBanzhaf", v.DataBanzhaf(**fits)
    yield "DataBanzhaf, msr", v.DataBanzhaf(sampler="msr", **fits)
    yield "DataBanzhaf, refits", v.DataBanzhaf(tree, **fits)
    yield "DataShapley", v.DataShapley(**fits)
    yield (
        "DataShapley, walks",
        v.DataShapley(sampler="permutation", max_evaluations=2100, tol=None),
    )
    yield (
        "DataShapley, single walks",
        v.DataShapley(sampler="single_permutation", max_evaluations=1100, tol=None),
    )
    yield "DataShapley, refits", v.DataShapley(tree, **refits)
    yield (
        "DataShapley, truncated",
        v.DataShapley(tree, truncation_tol=0.05, sampler="permutation", **refits),
    )
    sizes = {"min_coalition_size": 20, "max_coalition_size": 60}
    yield "DistributionalShapley", v.DistributionalShapley(**sizes, **fits)
    yield (
        "DistributionalShapley, refits",
        v.DistributionalShapley(tree, **sizes, **refits),
    )
    yield "LeaveOneOut", v.LeaveOneOut()
    yield "LeaveOneOut, refits", v.LeaveOneOut(tree)
    yield "Semivalue", v.Semivalue(half_weighted, **fits)
    yield "SubsampleInfluence", v.SubsampleInfluence(**fits)
    yield "ConsensusValuator", v.ConsensusValuator()
    yield "DVRL", v.DVRL(max_epochs=5)
    yield "DataOOB", v.DataOOB(n_estimators=60)
    yield "DataOOB, bagging", v.DataOOB(tree, n_estimators=60)
    yield "FeatureConfidence", v.FeatureConfidence(n_columns=2)
    yield "BoostingInfluence", v.BoostingInfluence()
    yield "InfluenceFunction", v.InfluenceFunction()
    yield "InfluenceFunction, cg", v.InfluenceFunction(solver="cg")
    yield "KAIROS", v.KAIROS()
    yield "KNNShapley", v.KNNShapley()
    yield "LAVA", v.LAVA()
    yield "NDDVValuator", v.NDDVValuator(max_epochs=5)
    yield "OutlierValuator", v.OutlierValuator()
    yield "SelfConfidence", v.SelfConfidence()
    yield "SelfConfidence, tree", v.SelfConfidence(tree)
    yield "CuratedEstimator", v.CuratedEstimator(linear, v.DataOOB(n_estimators=60))
    yield "ValueSampler", v.ValueSampler(v.DataOOB(n_estimators=60))


def outcomes():
    """Name and numbers of each fit."""
    for problem, X, y, is_classification in problems():
        held_out = {"X_val": X[100:], "y_val": y[100:]}
        for name, estimator in estimators(is_classification):
            for kind, params in (("folds", {}), ("held out", held_out)):
                for seed in SEEDS:
                    seeded = with_seed(estimator, seed)
                    seeded.fit(X[:100], y[:100], **params)
                    key = f"{problem} | {name} | {kind} | seed {seed}"
                    yield key, numbers_of(seeded, X)


def with_seed(estimator, seed):
    if isinstance(estimator, BaseValuator):
        return estimator.set_params(random_state=seed)
    return estimator.set_params(valuator__random_state=seed)


def numbers_of(fitted, X):
    if hasattr(fitted, "data_values_"):
        return fitted.data_values_
    if hasattr(fitted, "predict"):
        return np.asarray(fitted.predict(X), dtype=float)
    return fitted.sample_indices_.astype(float)


def compare(now, before):
    """A word on how two arrays of values differ."""
    if before is None:
        return "new"
    if now.tobytes() == before.tobytes():
        return "same"
    if now.shape != before.shape:
        return f"shape {now.shape} instead of {before.shape}"
    spread = before.std() or 1.0
    far = np.abs(now - before).max() / spread
    correlation = np.corrcoef(now, before)[0, 1]
    return f"DIFFERS by {far:.1e} of the spread, r = {correlation:.6f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", help="save the values, to compare with later")
    parser.add_argument("--against", help="values that an earlier run saved")
    options = parser.parse_args()
    before = dict(np.load(options.against)) if options.against else {}
    found, n_same = {}, 0
    with warnings.catch_warnings():
        # Budgets are small on purpose.
        warnings.simplefilter("ignore")
        for key, values in outcomes():
            found[key] = values
            line = f"{key:70s} {hashlib.sha256(values.tobytes()).hexdigest()[:16]}"
            if options.against:
                verdict = compare(values, before.get(key))
                n_same += verdict == "same"
                line += f"  {verdict}"
            print(line, flush=True)
    if options.against:
        print(f"{n_same} of {len(found)} bitwise the same")
    if options.out:
        np.savez(options.out, **found)


if __name__ == "__main__":
    main()
