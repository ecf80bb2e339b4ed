"""`memory`: what a fit computes is kept, and found again by all that it depends on."""

import os
import re
from functools import wraps
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from _valuators import NeighbourAgreement
from numpy.testing import assert_array_equal
from scipy.sparse import csc_array, csr_array
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from skorch import NeuralNetClassifier
from test_common import VALUATORS
from torch import nn

import skvalue
from skvalue import (
    ConsensusValuator,
    CuratedEstimator,
    DataShapley,
    InfluenceFunction,
    KNNShapley,
    LeaveOneOut,
    NDDVValuator,
    SelfConfidence,
    ValueSampler,
)
from skvalue._coalitions import fingerprint as fingerprint_module
from skvalue._coalitions.fingerprint import describe
from skvalue._memory import NOT_COMPUTING, FitMemory
from skvalue.utils import _cleaning_checks

X, Y = make_classification(60, 4, flip_y=0.1, random_state=0)
X_VAL, Y_VAL = make_classification(20, 4, random_state=0)
GROUPS = np.arange(60) % 4
WEIGHTS = np.linspace(1, 2, 60)

# They hold times, the `n_jobs` of the fit that is kept, or what pickling changes.
HELD_DIFFERENTLY = {"net_", "_models", "history_", "named_valuators_", "valuator_"}


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path / "memory")


def entries(folder):
    """Files of fits that are kept."""
    return sorted(Path(folder).rglob("output.pkl"))


@pytest.fixture
def count_fits(monkeypatch):
    """Function of a class of skvalue: a list that grows by each of its ``_fit``."""

    def count(kind):
        calls, fit = [], kind._fit

        @wraps(fit)
        def counting(self, *args, **kwargs):
            calls.append(self)
            return fit(self, *args, **kwargs)

        monkeypatch.setattr(kind, "_fit", counting)
        return calls

    return count


def fitted_state(valuator):
    """Text of each attribute that does not come from the constructor."""
    parameters = valuator._get_param_names()
    return {
        name: describe(value)
        for name, value in vars(valuator).items()
        if name not in HELD_DIFFERENTLY.union(parameters, ["_row_names"])
    }


def assert_same_fit(actual, expected):
    """Bitwise the same values, and all else that a fit leaves."""
    assert_array_equal(actual.data_values_, expected.data_values_)
    assert list(vars(actual)) == list(vars(expected))
    assert fitted_state(actual) == fitted_state(expected)


# ---------------------------------------------------------------------------- hits


@pytest.mark.parametrize("name", VALUATORS)
def test_a_hit_is_a_fit(name, folder, count_fits):
    valuator = clone(VALUATORS[name]).set_params(random_state=0)
    expected = clone(valuator).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    calls = count_fits(type(valuator))
    for drop, n_jobs, verbose in [(0.1, 1, 0), (0.2, 1, 0), (0.3, 2, 1)]:
        other = clone(valuator).set_params(memory=folder, drop=drop, verbose=verbose)
        if "n_jobs" in other.get_params(deep=False):
            other.set_params(n_jobs=n_jobs)
        other.fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
        assert_same_fit(other, expected)
        assert other.get_support().sum() == 60 - round(60 * drop)
        if hasattr(other, "predict_values"):
            assert_array_equal(
                other.predict_values(X_VAL, Y_VAL),
                expected.predict_values(X_VAL, Y_VAL),
            )
    assert len(calls) == len(entries(folder)) == 1


@pytest.mark.parametrize("name", VALUATORS)
def test_the_key_has_every_parameter_that_computes(name, folder):
    valuator = clone(VALUATORS[name]).set_params(random_state=0, memory=folder)
    data = {"X": X, "y": Y, "X_val": None, "y_val": None}

    def key():
        return FitMemory(valuator)._key(data)

    before = key()
    for parameter, value in valuator.get_params(deep=False).items():
        setattr(valuator, parameter, 7 if parameter == "random_state" else "another")
        if parameter not in {"memory", "warm_start", "checkpoint"}:
            assert (key() == before) == (parameter in NOT_COMPUTING), parameter
        setattr(valuator, parameter, value)
    assert key() == before


CHANGES = {
    "a cell of X": {"X": np.where(np.arange(240).reshape(60, 4) == 9, 0.0, X)},
    "dtype of X": {"X": X.astype(np.float32)},
    "names of the columns": {
        "X": pd.DataFrame(X, columns=list("abcd")),
        "X_val": pd.DataFrame(X_VAL, columns=list("abcd")),
    },
    "sparse X": {"X": csr_array(X)},
    "a label": {"y": np.where(np.arange(60) == 3, 1 - Y, Y)},
    "names of the labels": {
        "y": np.array(["no", "yes"])[Y],
        "y_val": np.array(["no", "yes"])[Y_VAL],
    },
    "X_val": {"X_val": X_VAL + 1e-9},
    "y_val": {"y_val": 1 - Y_VAL},
    "no held-out rows": {"X_val": None, "y_val": None},
    "weights": {"sample_weight": WEIGHTS},
    "other weights": {"sample_weight": WEIGHTS[::-1]},
    "groups": {"groups": GROUPS},
    "other groups": {"groups": GROUPS[::-1]},
    "names of the groups": {"groups": np.array(list("abcd"))[GROUPS]},
}


def test_the_key_has_all_of_the_data(folder, count_fits):
    data = {"X": X, "y": Y, "X_val": X_VAL, "y_val": Y_VAL}
    plain = LeaveOneOut(cv=3, random_state=0)
    calls = count_fits(LeaveOneOut)
    valuator = clone(plain).set_params(memory=folder)
    valuator.fit(**data)
    for number, change in enumerate(CHANGES.values(), start=2):
        expected = clone(plain).fit(**data | change)
        for _ in range(2):
            assert_same_fit(clone(valuator).fit(**data | change), expected)
        assert len(entries(folder)) == number
    assert len(calls) == 1 + 2 * len(CHANGES)


@pytest.mark.parametrize(
    "change",
    [
        {"random_state": 1},
        {"max_epochs": 3},
        {"interaction": 2.0},
        {"utility": "state"},
        {"net_params": {"optimizer__weight_decay": 0.1}},
        {"module": lambda n_features: nn.Linear(n_features, n_features)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_parameter_is_a_miss(change, folder, count_fits):
    calls = count_fits(NDDVValuator)
    valuator = NDDVValuator(n_members=1, max_epochs=2, random_state=0, memory=folder)
    valuator.fit(X, Y)
    changed = clone(valuator).set_params(**change).fit(X, Y)
    assert len(calls) == 2
    assert not np.array_equal(changed.data_values_, valuator.data_values_)


def test_the_key_has_the_layout_in_memory():
    """Sums over columns that lie apart are not taken in the same order."""
    valuator = LeaveOneOut(random_state=0)

    def key(rows):
        data = {"X": rows, "y": Y, "X_val": None, "y_val": None}
        return FitMemory(valuator)._key(data)

    by_rows = pd.DataFrame(X, columns=list("abcd"), copy=False)
    by_columns = pd.DataFrame(np.asfortranarray(X), columns=list("abcd"), copy=False)
    assert key(X) == key(X.copy()) != key(np.asfortranarray(X))
    assert key(by_rows) == key(by_rows[:]) != key(by_columns)


def test_other_code_is_a_miss(folder):
    def kind(sign):
        class Signed(NeighbourAgreement):
            def _fit(self, X, y, X_val, y_val):
                super()._fit(X, y, X_val, y_val)
                self.data_values_ = sign * self.data_values_

        return Signed

    def fit(sign):
        valuator = kind(sign)(random_state=0)
        valuator.memory = folder
        return valuator.fit(X, Y).data_values_

    assert_array_equal(fit(1), -fit(-1))


def test_another_version_is_a_miss(folder, monkeypatch):
    valuator = KNNShapley(random_state=0, memory=folder).fit(X, Y)
    version = fingerprint_module.version
    for package in ["skvalue", "numpy", "scikit-learn", "torch"]:
        monkeypatch.setattr(
            fingerprint_module,
            "version",
            lambda name, other=package: "99" if name == other else version(name),
        )
        before = len(entries(folder))
        clone(valuator).fit(X, Y)
        assert len(entries(folder)) == before + 1


def test_what_a_network_has_learnt_is_in_the_key(folder):
    """It is valued as it was trained; a clone of it would be untrained."""
    X32, y = X.astype(np.float32), Y.astype(np.int64)

    def trained(lr):
        net = NeuralNetClassifier(
            nn.Linear, module__in_features=4, module__out_features=2, verbose=0, lr=lr
        )
        net.set_params(criterion=nn.CrossEntropyLoss, max_epochs=3)
        return net.fit(X32, y)

    for net in [trained(0.01), trained(0.5)]:
        held_out = {"X_val": X32[:20], "y_val": y[:20]}
        settings = {"random_state": 0, "damping": 1.0}
        kept = InfluenceFunction(net, memory=folder, **settings).fit(X32, y, **held_out)
        plain = InfluenceFunction(net, **settings).fit(X32, y, **held_out)
        assert_array_equal(kept.data_values_, plain.data_values_)
    assert len(entries(folder)) == 2


# ---------------------------------------------------------------------- containers


def mixed_frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": rng.normal(size=60).round(2),
            "job": rng.choice(["nurse", "smith", "judge"], 60),
            "city": pd.Categorical(rng.choice(["Ulm", "Jena"], 60)),
        }
    )


def estimator_of_frames():
    one_hot = OneHotEncoder(handle_unknown="ignore")
    return make_pipeline(one_hot, DecisionTreeClassifier(max_depth=3))


@pytest.mark.parametrize(
    "valuator",
    [
        SelfConfidence(cv=2),
        SelfConfidence(estimator_of_frames(), cv=2),
        LeaveOneOut(estimator_of_frames(), cv=2),
    ],
    ids=["encoded", "raw", "game"],
)
def test_frames_with_strings(valuator, folder, count_fits):
    frame = mixed_frame()
    before = frame.copy(deep=True)
    expected = clone(valuator).set_params(random_state=0).fit(frame, Y)
    calls = count_fits(type(valuator))
    valuator = clone(valuator).set_params(random_state=0, memory=folder)
    for drop in (0.1, 0.2):
        other = clone(valuator).set_params(drop=drop).fit(frame, Y)
        assert_same_fit(other, expected)
    assert len(calls) == 1
    renamed = frame.set_axis([f"row {number}" for number in range(60)])
    hit = clone(valuator).fit(renamed, Y)
    assert len(calls) == 1
    assert list(hit.values_frame().index[:2]) == ["row 0", "row 1"]
    frame.loc[5, "job"] = "baker"
    clone(valuator).fit(frame, Y)
    assert len(calls) == 2
    pd.testing.assert_frame_equal(before.drop(index=5), frame.drop(index=5))


@pytest.mark.parametrize("form", [csr_array, csc_array])
def test_sparse_rows(form, folder, count_fits):
    rows = form(np.where(np.abs(X) > 0.5, X, 0))
    valuator = LeaveOneOut(cv=2, random_state=0, memory=folder)
    calls = count_fits(LeaveOneOut)
    first, second = clone(valuator).fit(rows, Y), clone(valuator).fit(rows, Y)
    assert_same_fit(second, first)
    assert len(calls) == 1


@pytest.mark.parametrize("valuator", [KNNShapley(), DataShapley(max_evaluations=20)])
@pytest.mark.parametrize(
    "check",
    [
        _cleaning_checks.check_inputs_unmodified,
        _cleaning_checks.check_parameters_unmodified,
        _cleaning_checks.check_pickle,
    ],
)
def test_a_hit_changes_neither_inputs_nor_parameters(valuator, check, folder):
    for _ in range(2):
        check(clone(valuator).set_params(memory=folder))


# ----------------------------------------------------------------- the same object


def test_a_refit_finds_its_own_entry(folder, count_fits):
    calls = count_fits(NDDVValuator)
    valuator = NDDVValuator(n_members=1, max_epochs=2, random_state=0, memory=folder)
    valuator.note = "mine"
    first = clone(valuator).fit(X, Y)
    # In between, rows and attributes of another fit: none of them may stay.
    valuator.set_params(reweight=True)
    valuator.fit_transform(X[:40], Y[:40], X_val=X_VAL, y_val=Y_VAL)
    valuator.set_params(reweight="auto")
    for _ in range(2):
        valuator.fit(X, Y)
        assert_same_fit(clone(first).fit(X, Y), first)
        assert sorted(set(vars(valuator)) - {"note"}) == sorted(vars(first))
        assert fitted_state(valuator) == fitted_state(first) | {
            "note": describe("mine")
        }
    assert len(calls) == 2


def test_values_of_groups_on_a_hit(folder):
    valuator = DataShapley(unit="groups", cv=2, random_state=0, memory=folder)
    first = clone(valuator).fit(X, Y, groups=GROUPS, X_val=X_VAL, y_val=Y_VAL)
    again = clone(valuator).fit(X, Y, groups=GROUPS, X_val=X_VAL, y_val=Y_VAL)
    assert_same_fit(again, first)
    assert_array_equal(again.group_values_, first.group_values_)


def test_a_hit_is_seen_by_callbacks(folder):
    events = []

    class Recording:
        def setup(self, estimator, context):
            events.append("setup")

        def on_fit_task_begin(self, estimator, context, **kwargs):
            events.append("begin")

        def on_fit_task_end(self, estimator, context, **kwargs):
            events.append("end")

        def teardown(self, estimator, context):
            events.append("teardown")

    valuator = NDDVValuator(n_members=1, max_epochs=2, random_state=0, memory=folder)
    valuator.fit(X, Y)
    clone(valuator).set_callbacks(Recording()).fit(X, Y)
    assert events == ["setup", "begin", "end", "teardown"]


# ------------------------------------------------------------- what must not be kept


@pytest.mark.parametrize("random_state", [None, np.random.RandomState(0)])
def test_without_an_integer_seed_nothing_is_kept(random_state, folder):
    valuator = NDDVValuator(n_members=1, max_epochs=2, memory=folder)
    valuator.set_params(random_state=random_state)
    values = []
    for _ in range(2):
        with pytest.warns(UserWarning, match="neither read nor written.*random_state"):
            values.append(valuator.fit(X, Y).data_values_)
    assert not np.array_equal(*values)
    assert entries(folder) == []


@pytest.mark.parametrize(
    ("valuator", "reason"),
    [
        (DataShapley(max_evaluations=20, warm_start=True), "warm_start=True"),
        (DataShapley(max_evaluations=20, checkpoint="values"), "checkpoint='values'"),
        (
            ConsensusValuator(
                [("one", DataShapley(max_evaluations=20, checkpoint="values"))]
            ),
            "one__checkpoint='values'",
        ),
    ],
)
def test_a_fit_that_goes_on_is_not_kept(valuator, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    valuator.set_params(random_state=0, memory="kept")
    with pytest.warns(UserWarning, match=f"neither read nor written.*{reason}"):
        valuator.fit(X, Y)
    assert entries("kept") == []


def test_a_checkpoint_does_not_depend_on_memory(tmp_path):
    """Its fingerprint leaves `memory` out."""
    path = tmp_path / "values.ckpt"
    valuator = DataShapley(max_evaluations=20, random_state=0, checkpoint=path)
    first = clone(valuator).fit(X, Y)
    with pytest.warns(UserWarning, match="neither read nor written"):
        again = clone(valuator).set_params(memory=tmp_path / "kept").fit(X, Y)
    assert_array_equal(again.data_values_, first.data_values_)


@pytest.mark.parametrize("damage", [0, 0.5, 0.99])
def test_a_truncated_entry_is_no_entry(damage, folder, count_fits):
    valuator = KNNShapley(random_state=0, memory=folder)
    first = clone(valuator).fit(X, Y)
    calls = count_fits(KNNShapley)
    (path,) = entries(folder)
    os.truncate(path, int(damage * path.stat().st_size))
    assert_same_fit(clone(valuator).fit(X, Y), first)
    assert len(calls) == 1
    assert_same_fit(clone(valuator).fit(X, Y), first)
    assert len(calls) == 1


class Interrupted:
    """What is interrupted while it is written."""

    def __reduce__(self):
        raise KeyboardInterrupt


def test_an_interrupted_write_is_no_entry(folder, count_fits, monkeypatch):
    valuator = KNNShapley(random_state=0, memory=folder)
    expected = KNNShapley(random_state=0).fit(X, Y)
    fit = KNNShapley._fit
    with monkeypatch.context() as patch:

        def half_written(self, X, y, X_val, y_val):
            fit(self, X, y, X_val, y_val)
            self.last_ = Interrupted()

        patch.setattr(KNNShapley, "_fit", half_written)
        with pytest.raises(KeyboardInterrupt):
            valuator.fit(X, Y)
    assert not hasattr(valuator, "data_values_")
    assert entries(folder) == []
    assert_same_fit(valuator.fit(X, Y), expected)


def test_a_fit_that_fails_is_no_entry(folder):
    valuator = KNNShapley(n_neighbors=5, random_state=0, memory=folder).fit(X, Y)
    values, before = valuator.data_values_, entries(folder)
    with pytest.raises(ValueError, match="cv"):
        valuator.set_params(cv=61).fit(X, Y)
    assert valuator.data_values_ is values
    assert entries(folder) == before


# ------------------------------------------------------------------- several at once


def fit_in_process(folder, drop):
    valuator = NDDVValuator(n_members=1, max_epochs=5, random_state=0, memory=folder)
    valuator.set_params(drop=drop)
    return valuator.fit(X, Y).data_values_


def test_processes_at_once(folder):
    parallel = joblib.Parallel(n_jobs=2, pre_dispatch="all", batch_size=1)
    drops = [0.0, 0.1, 0.2, 0.3] * 2
    values = parallel(joblib.delayed(fit_in_process)(folder, drop) for drop in drops)
    expected = fit_in_process(None, 0.0)
    for one in values:
        assert_array_equal(one, expected)
    (path,) = entries(folder)
    # Nothing half-written is left beside it.
    assert {file.name for file in path.parent.iterdir()} <= {
        "output.pkl",
        "metadata.json",
    }


# --------------------------------------------------------------------------- searches


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_over_drop_values_each_fold_once(n_jobs, folder, count_fits):
    drops = {"nddvvaluator__drop": [0.0, 0.1, 0.2, "auto"]}

    def search(memory):
        valuator = NDDVValuator(n_members=1, max_epochs=3, random_state=0)
        valuator.set_params(memory=memory)
        pipe = make_pipeline(StandardScaler(), valuator, LogisticRegression())
        return GridSearchCV(pipe, drops, cv=3, n_jobs=n_jobs).fit(X, Y)

    plain = search(None)
    calls = count_fits(NDDVValuator)
    kept = search(folder)
    scores = [name for name in plain.cv_results_ if name.endswith("score")]
    for name in scores:
        assert_array_equal(kept.cv_results_[name], plain.cv_results_[name])
    assert kept.best_params_ == plain.best_params_
    # Three folds, and all rows for the refit of the best.
    assert len(entries(folder)) == 4
    if n_jobs == 1:
        assert len(calls) == 4


@pytest.mark.parametrize("kept_as", [str, Path, joblib.Memory])
def test_what_acts_on_values_gains_by_it(kept_as, folder, count_fits):
    memory = kept_as(folder) if kept_as is not joblib.Memory else joblib.Memory(folder)
    if kept_as is joblib.Memory:
        memory.verbose = 0
    calls = count_fits(KNNShapley)
    valuator = KNNShapley(random_state=0, memory=memory)
    search = GridSearchCV(
        CuratedEstimator(LogisticRegression(), valuator),
        {"valuator__drop": [0.0, 0.1, 0.2], "weighting": [None, "rank"]},
        cv=2,
    ).fit(X, Y)
    assert len(calls) == 3
    pipe = make_pipeline(StandardScaler(), valuator)
    for drop in (0.1, 0.2):
        sampler = ValueSampler(clone(pipe).set_params(knnshapley__drop=drop))
        assert len(sampler.fit_resample(X, Y)[1]) == 60 - 60 * drop
    assert len(calls) == 4
    assert search.best_estimator_.valuator_.memory is not None


def test_members_keep_their_own_fits(folder, count_fits):
    """The weights of a consensus change no member."""
    calls = count_fits(KNNShapley)
    members = [
        ("knn", KNNShapley(memory=folder)),
        ("confidence", SelfConfidence(cv=2)),
    ]
    values = [
        ConsensusValuator(members, weights=weights, random_state=0)
        .fit(X, Y)
        .data_values_
        for weights in ([1, 1], [1, 2])
    ]
    assert len(calls) == 1
    assert not np.array_equal(*values)


# ----------------------------------------------------------------------- bad input


def test_what_is_no_memory_is_refused():
    with pytest.raises(ValueError, match="The 'memory' parameter of KNNShapley"):
        KNNShapley(memory=3).fit(X, Y)


def test_a_file_is_no_folder(tmp_path):
    path = tmp_path / "file"
    path.write_text("mine")
    message = re.escape(f"memory={str(path)!r} cannot be used as a folder")
    with pytest.raises(ValueError, match=message):
        KNNShapley(random_state=0, memory=path).fit(X, Y)
    assert path.read_text() == "mine"


def test_a_parameter_without_a_state_is_named(folder, count_fits):
    calls = count_fits(LeaveOneOut)
    splits = ((rows, np.arange(10)) for rows in [np.arange(10, 60)])
    with pytest.raises(ValueError, match=r"^cv cannot be told .*memory"):
        LeaveOneOut(cv=splits, random_state=0, memory=folder).fit(X, Y)
    assert calls == []


def test_a_state_that_cannot_be_pickled_is_not_kept(folder):
    class Local(NeighbourAgreement):
        def _fit(self, X, y, X_val, y_val):
            super()._fit(X, y, X_val, y_val)
            self.rule_ = lambda: None

    valuator = Local(random_state=0)
    valuator.memory = folder
    with pytest.warns(UserWarning, match="memory keeps no such fit.*pickle"):
        valuator.fit(X, Y)
    expected = NeighbourAgreement(random_state=0).fit(X, Y)
    assert_array_equal(valuator.data_values_, expected.data_values_)
    assert entries(folder) == []


def test_a_memory_without_a_place_keeps_nothing(count_fits):
    calls = count_fits(KNNShapley)
    valuator = KNNShapley(memory=joblib.Memory(None, verbose=0))
    for _ in range(2):
        valuator.fit(X, Y)
    assert len(calls) == 2


def test_every_valuator_has_it_and_says_so():
    for name, valuator in VALUATORS.items():
        assert valuator.get_params()["memory"] is None, name
        assert "\n    memory : " in getattr(skvalue, name).__doc__, name
