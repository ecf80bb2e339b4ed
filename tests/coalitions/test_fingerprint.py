"""Fingerprints see every difference, and nothing of the process that makes them."""

import json
import os
import subprocess
import sys
import threading
import types
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pytest
import torch
from coalition_oracles import CentroidClassifier
from fingerprint_objects import NAMES, OBJECTS, Net, Slots, descriptions
from scipy.sparse import coo_array, csr_array
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from skorch import NeuralNetClassifier

from skvalue._coalitions.fingerprint import describe, fingerprint
from skvalue.semivalues import DataBanzhaf

X, Y = make_classification(30, 4, random_state=0)


def test_fingerprints_are_the_same_in_any_process():
    script = Path(__file__).with_name("fingerprint_objects.py")
    found = descriptions()
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, script],
            check=True,
            capture_output=True,
            # What chooses the kernels of BLAS, and so last digits, is inherited.
            env=os.environ
            | {"PYTHONPATH": str(script.parents[2]), "PYTHONHASHSEED": seed},
        )
        assert json.loads(run.stdout) == found


def test_fingerprints_of_different_objects_differ():
    texts = descriptions()
    assert len(set(texts.values())) == len(OBJECTS)


def test_a_clone_has_the_fingerprint_of_the_original():
    for name in ("a pipeline", "a frozen estimator", "a skorch net"):
        assert describe(clone(OBJECTS[name])) == describe(OBJECTS[name])


# ------------------------------------------------------------------ what must be seen

THRESHOLD = 1
users_module = types.ModuleType("users_module")


class Weights:
    def __init__(self, weight):
        self.weight = weight

    def score(self, estimator, X, y):
        return self.weight

    def __call__(self, estimator, X, y):
        return self.weight


class Twin(Weights):
    offset = 1

    def score(self, estimator, X, y):
        return self.weight + self.offset


def reads_a_global(estimator, X, y):
    return THRESHOLD


def reads_through_another(estimator, X, y):
    return [reads_a_global(estimator, X, y) for _ in y]


def reads_in_an_inner_function(estimator, X, y):
    def inner():
        return THRESHOLD

    return inner()


def reads_a_module(estimator, X, y):
    return users_module.inner.threshold


def reads_a_class(estimator, X, y):
    return Twin(1)


def add(amount):
    return lambda x: x + amount


def slots(number):
    made = Slots()
    made.number = number
    return made


def with_attribute(value):
    def scorer(estimator, X, y):
        return scorer.value

    scorer.value = value
    return scorer


def advanced(generator):
    generator.random()
    return generator


def weighted(value):
    net = Net()
    with torch.no_grad():
        net.layer.weight[0, 0] = value
    return net


def cycle(end):
    made = [end]
    made.insert(0, made)
    return made


def of_names(extra):
    return lru_cache(lambda x, names=frozenset({*NAMES, extra}): x in names)


PAIRS = {
    "bound method": lambda n: Weights(n).score,
    "callable": Weights,
    "closure": add,
    "default": lambda n: eval(f"lambda x=[{n}]: x"),
    "keyword default": lambda n: eval(f"lambda *, x={n}: x"),
    "constant": lambda n: eval(f"lambda x: x in {{'a', 'b', 'c{n}'}}"),
    "name of an argument": lambda n: eval(f"lambda a{n}, b: 0"),
    "function attribute": with_attribute,
    "cached function": of_names,
    "partial": partial(partial, add),
    "slots": slots,
    "cycle": cycle,
    "set": lambda n: {"a", "b", n},
    "dict": lambda n: {"a": {"b": n}},
    "type": lambda n: [1, 1.0][n - 1],
    "list or tuple": lambda n: [[1], (1,)][n - 1],
    "array": np.arange,
    "times": lambda n: np.array([n], dtype="M8[D]"),
    "long scalar": np.longdouble,
    "time": lambda n: np.datetime64(n, "s"),
    "strings": lambda n: np.array(["a", str(n)]),
    "record": lambda n: np.array([(n, {n})], dtype=[("a", int), ("b", object)])[0],
    "empty": lambda n: np.empty((0, n)),
    "scalar or array": lambda n: [np.array(5), np.array([5])][n - 1],
    "object array": lambda n: np.array([{"a": n}], dtype=object),
    "masked array": lambda n: np.ma.array([1, 2], mask=[n - 1, 0]),
    "sparse": lambda n: csr_array(np.eye(2) * n),
    "coordinates": lambda n: coo_array(np.eye(2) * n),
    "pipeline": lambda n: make_pipeline(StandardScaler(with_mean=n == 1), add(1)),
    "step": lambda n: make_pipeline(FunctionTransformer(add(n)), LogisticRegression()),
    "frozen": lambda n: FrozenEstimator(LogisticRegression(C=0.5).fit(X[n:], Y[n:])),
    "scorer": lambda n: make_scorer(accuracy_score, normalize=n == 1),
    "generator": lambda n: np.random.default_rng(n),
    "advanced generator": lambda n: [advanced, lambda g: g][n - 1](
        np.random.default_rng(0)
    ),
    "random state": lambda n: ShuffleSplit(2, random_state=np.random.RandomState(n)),
    "tensor": torch.arange,
    "net": lambda n: NeuralNetClassifier(weighted(n)),
    "net parameter": lambda n: NeuralNetClassifier(Net, module__n_units=n),
}


@pytest.mark.parametrize("kind", PAIRS)
def test_fingerprints_see_any_difference(kind):
    make = PAIRS[kind]
    assert describe(make(1)) != describe(make(2))
    assert describe(make(1)) == describe(make(1))


@pytest.mark.parametrize(
    "scorer", [reads_a_global, reads_through_another, reads_in_an_inner_function]
)
def test_fingerprints_see_globals(scorer, monkeypatch):
    before = describe(scorer)
    monkeypatch.setitem(globals(), "THRESHOLD", 2)
    assert describe(scorer) != before
    monkeypatch.setitem(globals(), "THRESHOLD", 1)
    assert describe(scorer) == before


def test_fingerprints_see_what_a_function_reads_of_the_users_modules(monkeypatch):
    users_module.inner = types.ModuleType("users_module.inner")
    users_module.inner.threshold, users_module.inner.unread = 1, 1
    before = describe(reads_a_module)
    users_module.inner.unread = 2
    assert describe(reads_a_module) == before
    users_module.inner.threshold = 2
    assert describe(reads_a_module) != before


def test_fingerprints_see_the_code_and_attributes_of_classes(monkeypatch):
    before = describe(Twin(1)), describe(reads_a_class)
    assert before[0] != describe(Weights(1))
    monkeypatch.setattr(Twin, "offset", 2)
    assert describe(Twin(1)) != before[0]
    assert describe(reads_a_class) != before[1]


def test_what_an_estimator_learnt_counts_only_where_it_is_kept():
    valuator = DataBanzhaf(
        max_evaluations=20, tol=None, warm_start=True, random_state=0, cv=2
    )
    valuator.set_params(estimator=CentroidClassifier()).fit(X, Y)
    valuator.estimator.fit(X, Y)
    valuator.fit(X, Y)
    frozen = [LogisticRegression().fit(X[k:], Y[k:]) for k in (0, 5)]
    valuator = clone(valuator).set_params(estimator=FrozenEstimator(frozen[0]))
    valuator.fit(X, Y).set_params(estimator=FrozenEstimator(frozen[1]))
    with pytest.raises(ValueError, match="another run: estimator differ"):
        valuator.fit(X, Y)


def test_the_global_random_state_is_no_parameter():
    before = describe(OBJECTS["a search"])
    np.random.random()
    assert describe(OBJECTS["a search"]) == before


def test_a_run_with_another_object_behind_a_bound_scorer_is_not_continued(tmp_path):
    path = tmp_path / "values.ckpt"
    valuator = DataBanzhaf(
        CentroidClassifier(), max_evaluations=40, checkpoint=path, random_state=0
    )
    valuator.set_params(scoring=Weights(0.5).score).fit(X, Y)
    valuator.set_params(scoring=Weights(0.7).score)
    with pytest.raises(ValueError, match="another run: scoring differ"):
        valuator.fit(X, Y)


# --------------------------------------------------------------- what cannot be seen


def holds(value):
    """A scorer that holds it deep inside."""
    return partial(accuracy_score, [{"value": add(value)}])


def deep():
    made = []
    for _ in range(10_000):
        made = [made]
    return made


WITHOUT_STATE = {
    "an address": (object(), "builtins.object"),
    "a lock": (threading.Lock(), "_thread.lock"),
    "a generator": ((number for number in range(3)), "builtins.generator"),
    "a file": (os.fdopen(os.dup(0)), "_io.TextIOWrapper"),
    "a ufunc of Python": (np.frompyfunc(add, 1, 1), "numpy.ufunc"),
    "a tensor without data": (torch.ones(2, device="meta"), "torch.Tensor"),
    "no end": (deep(), "too deeply"),
}


@pytest.mark.parametrize("kind", WITHOUT_STATE)
@pytest.mark.parametrize("parameter", ["checkpoint", "warm_start"])
def test_what_has_no_state_raises_before_any_work(kind, parameter, tmp_path):
    value, message = WITHOUT_STATE[kind]
    path = tmp_path / "values.ckpt"
    valuator = DataBanzhaf(CentroidClassifier(), scoring=holds(value), cv=2)
    valuator.set_params(**{parameter: path if parameter == "checkpoint" else True})
    with pytest.raises(ValueError, match=f"^scoring cannot be told .*{message}"):
        valuator.fit(X, Y)
    assert list(tmp_path.iterdir()) == []


def test_the_parameter_without_a_state_is_named():
    parameters = {"fine": 1, "cv": (split for split in [])}
    with pytest.raises(ValueError, match=r"^cv cannot be told .*checkpoint"):
        fingerprint({}, parameters)
