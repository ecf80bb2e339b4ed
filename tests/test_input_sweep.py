"""Every kind of input, to every public estimator: the right values or one clear error.

Right are the values of the plain float64 array of the same numbers. An error is clear
if it is a ValueError or TypeError whose message names an argument. No warning passes.

    PYTHONPATH=tests python tests/test_input_sweep.py [words]

prints the number of cells of each outcome; with words, of the kinds that hold them.
"""

import re
import sys
import time
import warnings
from collections import Counter
from functools import cache
from unittest import mock

import joblib
import numpy as np
import pandas as pd
import pytest
from _held_out_kinds import OF_HELD_OUT
from _input_kinds import OF_FRAMES, OF_SPARSE, OF_X
from _value_kinds import OF_LABELS, OF_NUMBERS, OF_TARGETS
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesRegressor, IsolationForest
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from test_common import CHEAP, small_coalitions

import skvalue
from skvalue.base import BaseValuator

KINDS = {
    **OF_X,
    **OF_FRAMES,
    **OF_SPARSE,
    **OF_NUMBERS,
    **OF_LABELS,
    **OF_TARGETS,
    **OF_HELD_OUT,
}

FOLDS = {"cv": 2, "random_state": 0}
FEW = {"max_evaluations": 8, **FOLDS}
NDDV = skvalue.NDDVValuator(n_members=1, max_epochs=1, random_state=0)
# Cheaper than those of the other checks, and with the default models.
ESTIMATORS = {
    "AME": skvalue.AME(max_evaluations=16, **FOLDS),
    "AmortizedShapley": skvalue.AmortizedShapley(
        skvalue.DataShapley(**FEW), max_epochs=(1,), random_state=0
    ),
    "BetaShapley": skvalue.BetaShapley(**FEW),
    "BoostingInfluence": skvalue.BoostingInfluence(**FOLDS),
    "ConsensusValuator": skvalue.ConsensusValuator(
        [
            ("confidence", skvalue.SelfConfidence(cv=2)),
            ("knn", skvalue.KNNShapley(cv=2)),
        ],
        random_state=0,
    ),
    "CuratedEstimator": skvalue.CuratedEstimator(
        DecisionTreeClassifier(max_depth=2, random_state=0),
        skvalue.KNNShapley(drop=0.2, **FOLDS),
    ),
    "DataBanzhaf": skvalue.DataBanzhaf(max_evaluations=24, **FOLDS),
    "DataOOB": skvalue.DataOOB(n_estimators=20, random_state=0),
    "DataShapley": skvalue.DataShapley(**FEW),
    "Datamodels": skvalue.Datamodels(max_evaluations=4, random_state=0),
    "DistributionalShapley": skvalue.DistributionalShapley(
        min_coalition_size=4, max_coalition_size=6, **FEW
    ),
    "DVRL": skvalue.DVRL(max_epochs=2, **FOLDS),
    "FeatureConfidence": skvalue.FeatureConfidence(
        ExtraTreesRegressor(15, bootstrap=True), n_columns=2, random_state=0
    ),
    "InfluenceFunction": skvalue.InfluenceFunction(**FOLDS),
    "KAIROS": skvalue.KAIROS(**FOLDS),
    "KNNShapley": skvalue.KNNShapley(**FOLDS),
    "LAVA": skvalue.LAVA(**FOLDS),
    "LeaveOneOut": skvalue.LeaveOneOut(**FOLDS),
    "NDDVValuator": NDDV,
    "OutlierValuator": skvalue.OutlierValuator(
        IsolationForest(n_estimators=3), random_state=0
    ),
    "SelfConfidence": skvalue.SelfConfidence(**FOLDS),
    "Semivalue": skvalue.Semivalue(small_coalitions, **FEW),
    "SubsampleInfluence": skvalue.SubsampleInfluence(
        DecisionTreeClassifier(max_depth=2), max_evaluations=40, **FOLDS
    ),
    "ValueSampler": skvalue.ValueSampler(clone(NDDV).set_params(drop=0.2)),
}
REGRESSORS = {
    "CuratedEstimator": {"estimator": DecisionTreeRegressor(max_depth=2)},
    "SubsampleInfluence": {"estimator": DecisionTreeRegressor(max_depth=2)},
}
# Here rows as they came go to an estimator that is not ours.
WITH_THE_USERS = {"CuratedEstimator", "OutlierValuator", "SubsampleInfluence"}
# What a method or scikit-learn says of data that it can work with.
ALLOWED_WARNINGS = [ConvergenceWarning, DataConversionWarning]
ALLOWED_WORDS = [
    "X (has|does not have valid) feature names",
    "pandas.DataFrame with sparse columns",
    "y has .* distinct whole numbers, which .* values as classes",
    "The number of unique classes is greater than 50%",
    "Using the fractional value max_samples",
    # Held-out rows that are far off: true, and no error.
    "X_val: the mean",
]
# Advice that does not help where the numbers are at fault.
MISLEADING = ["raise max_evaluations", "lower the learning rate", "damping > 0"]


def fitted_values(name, kind):
    """Values, or what an estimator without values decides, from one fit."""
    estimator = clone(ESTIMATORS[name])
    held_out = {}
    if kind.X_val is not None or kind.y_val is not None:
        held_out = {"X_val": kind.X_val, "y_val": kind.y_val}
    if name in REGRESSORS and is_real(kind.y):
        estimator.set_params(**REGRESSORS[name])
    if isinstance(estimator, BaseValuator):
        with mock.patch.object(type(estimator), "_fit", remembering(name, estimator)):
            estimator.fit(kind.X, kind.y, **held_out)
        return estimator.data_values_
    if isinstance(estimator, skvalue.Datamodels):
        # Its targets are what the others hold out.
        targets = {name.replace("val", "target"): held_out[name] for name in held_out}
        return estimator.fit(kind.X, kind.y, **targets).data_values_
    estimator.fit(kind.X, kind.y, **held_out)
    return estimator.valuator_.data_values_


def is_real(y):
    """Whether these are targets for a regressor; what is no array is left to fit."""
    if isinstance(y, list) and y and isinstance(y[0], float):
        y = np.array(y)
    if not isinstance(y, (np.ndarray, pd.Series)) or y.dtype.kind != "f":
        return False
    y = np.asarray(y)
    return bool(np.any(y != np.round(y)))


REMEMBERED = {}


def remembering(name, estimator):
    """`_fit`, done once for the same arrays: they decide the values."""
    original = type(estimator)._fit

    def fit(self, *arrays):
        classes = getattr(self, "classes_", None)
        key = (name, *map(description, [*arrays, classes]))
        if key not in REMEMBERED:
            original(self, *arrays)
            REMEMBERED[key] = self.data_values_
        self.data_values_ = REMEMBERED[key]

    return fit


def description(array):
    """All that a method can tell about an array."""
    if array is None:
        return None
    if sparse.issparse(array):
        parts = (array.data, array.indices, array.indptr)
        return type(array), array.shape, *map(description, parts)
    if not isinstance(array, np.ndarray):
        # Rows as they came, for an estimator of the user's.
        return type(array), joblib.hash(array)
    flags = array.flags
    return (
        type(array),
        array.dtype.str,
        array.shape,
        array.strides,
        (flags.aligned, flags.writeable),
        joblib.hash(np.asarray(array)),
    )


@cache
def plain_values(name, role):
    return fitted_values(name, PLAIN[role])


PLAIN = {}


def outcome(name, kind):
    """A result, an error or something suspicious, and why."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for words in ALLOWED_WORDS:
            warnings.filterwarnings("ignore", words)
        for allowed in ALLOWED_WARNINGS:
            warnings.simplefilter("ignore", allowed)
        try:
            values = fitted_values(name, kind)
        except Exception as error:  # The test is what becomes of any of them.
            return judge_error(name, kind, error)
        return judge_values(name, kind, values)


def judge_error(name, kind, error):
    said = f"{type(error).__name__}: {error}"
    if kind.is_refused is False or (kind.is_encoded and name not in WITH_THE_USERS):
        return "suspicious", f"refused: {said}"
    if not isinstance(error, (ValueError, TypeError)):
        return "suspicious", said
    if any(advice in said for advice in MISLEADING):
        return "suspicious", said
    parameters = {full.split("__")[-1] for full in ESTIMATORS[name].get_params()}
    arguments = {"X", "y", "X_val", "y_val", "X_target", "y_target"} | parameters
    if not any(re.search(rf"\b{argument}\b", str(error)) for argument in arguments):
        return "suspicious", f"no argument is named: {said}"
    return "error", said


def judge_values(name, kind, values):
    if kind.is_refused:
        return "suspicious", "taken"
    if not np.isfinite(values).all():
        return "suspicious", "not finite"
    if kind.like is not None:
        role = joblib.hash(kind.like)
        PLAIN[role] = kind._replace(
            **dict(zip(["X", "y", "X_val", "y_val"], kind.like, strict=True))
        )
        expected = plain_values(name, role)
        difference = np.abs(values - expected).max()
        if difference > kind.tolerance * np.ptp(expected):
            return "suspicious", f"off by {difference / np.ptp(expected):.2g}"
    return "result", ""


def test_every_public_estimator_is_swept():
    # These give no row a value: tests/explain has what they are given.
    explaining = {"AmortizedAttribution", "FeatureAttribution"}
    assert set(ESTIMATORS) == set(CHEAP) - explaining


def test_there_are_at_least_150_kinds():
    assert len(KINDS) >= 150


@pytest.mark.parametrize("kind", KINDS)
def test_right_values_or_one_clear_error(kind):
    outcomes = {name: outcome(name, KINDS[kind]) for name in ESTIMATORS}
    suspicious = {
        name: why for name, (what, why) in outcomes.items() if what == "suspicious"
    }
    assert not suspicious


if __name__ == "__main__":
    wanted = " ".join(sys.argv[1:])
    kinds = {kind: given for kind, given in KINDS.items() if wanted in kind}
    counts, seconds = Counter(), Counter()
    for kind, given in kinds.items():
        for name in ESTIMATORS:
            begun = time.process_time()
            what, why = outcome(name, given)
            seconds[name] += time.process_time() - begun
            counts[what] += 1
            if what == "suspicious":
                print(f"{kind} | {name} | {why[:300]!r}")
    print(f"{len(kinds)} kinds x {len(ESTIMATORS)} estimators: {dict(counts)}")
    print({name: round(spent, 1) for name, spent in seconds.most_common()})
