"""Runs that are stopped and continued, by the user or by the budget."""

import numpy as np
import pytest
from coalition_oracles import CentroidClassifier
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning

from skvalue.semivalues import (
    AME,
    BetaShapley,
    DataBanzhaf,
    DataShapley,
    SubsampleInfluence,
)

X, Y = make_classification(30, 4, random_state=0)

WALKS = {"cv": 2, "min_coalition_size": 3, "random_state": 0, "tol": None}
SUBSETS = {"cv": 2, "random_state": 0}
VALUATORS = {
    "shapley": (DataShapley(CentroidClassifier(), **WALKS), 60, 400),
    "truncated": (
        DataShapley(CentroidClassifier(), truncation_tol=0.02, **WALKS),
        60,
        400,
    ),
    "beta": (BetaShapley(estimator=CentroidClassifier(), **WALKS), 100, 400),
    "banzhaf": (DataBanzhaf(CentroidClassifier(), tol=None, **SUBSETS), 45, 150),
    "influence": (SubsampleInfluence(CentroidClassifier(), **SUBSETS), 60, 150),
    "ame": (AME(CentroidClassifier(), **SUBSETS), 45, 80),
}


def state_of(valuator):
    return (
        valuator.data_values_,
        getattr(valuator, "data_values_stderr_", None),
        valuator.n_evaluations_,
    )


@pytest.mark.parametrize("name", VALUATORS)
def test_more_evaluations_later_are_one_long_fit(name):
    valuator, few, many = VALUATORS[name]
    whole = clone(valuator).set_params(max_evaluations=many).fit(X, Y)
    parts = clone(valuator).set_params(warm_start=True)
    for budget in (few, (few + many) // 2, many):
        parts.set_params(max_evaluations=budget).fit(X, Y)
        assert parts.n_evaluations_ <= budget
    for part, expected in zip(state_of(parts), state_of(whole), strict=True):
        assert_array_equal(part, expected)


@pytest.mark.parametrize("name", ["shapley", "ame"])
def test_a_checkpoint_is_continued_like_a_warm_start(name, tmp_path):
    valuator, few, many = VALUATORS[name]
    whole = clone(valuator).set_params(max_evaluations=many).fit(X, Y)
    path = tmp_path / "values.ckpt"
    for budget in (few, many):
        part = clone(valuator).set_params(max_evaluations=budget, checkpoint=path)
        part.fit(X, Y)
    assert_array_equal(part.data_values_, whole.data_values_)
    assert [file.name for file in tmp_path.iterdir()] == ["values.ckpt"]


def test_tol_stops_a_continued_fit_where_it_stops_a_long_one():
    valuator = DataShapley(CentroidClassifier(), cv=2, random_state=0)
    valuator.set_params(max_evaluations=20_000, tol=1.5)
    whole = clone(valuator).fit(X, Y)
    assert whole.n_evaluations_ < 20_000
    largest = whole.data_values_stderr_.max()
    assert largest <= 1.5 * whole.data_values_.std()
    parts = clone(valuator).set_params(warm_start=True, max_evaluations=300)
    with pytest.warns(ConvergenceWarning, match="tol=1.5 was not reached"):
        parts.fit(X, Y)
    parts.set_params(max_evaluations=20_000).fit(X, Y)
    assert_array_equal(parts.data_values_, whole.data_values_)
    again = parts.n_evaluations_
    assert parts.fit(X, Y).n_evaluations_ == again


def test_a_fit_without_a_seed_is_continued_with_its_own(tmp_path):
    path = tmp_path / "values.ckpt"
    valuator = DataBanzhaf(
        CentroidClassifier(), checkpoint=path, max_evaluations=64, tol=None
    )
    first = clone(valuator).fit(X, Y).data_values_
    assert_array_equal(clone(valuator).fit(X, Y).data_values_, first)
    fresh = clone(valuator).set_params(checkpoint=None).fit(X, Y).data_values_
    assert not np.array_equal(fresh, first)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: (v, X[:, ::-1], Y), "X differ"),
        (lambda v: (v, X, 1 - Y), "y differ"),
        (lambda v: (v.set_params(random_state=1), X, Y), "random_state differ"),
        (lambda v: (v.set_params(scoring="accuracy"), X, Y), "scoring differ"),
        (lambda v: (v.set_params(min_coalition_size=0), X, Y), "min_coalition_size"),
        (lambda v: (v.set_params(cv=3), X, Y), "cv, folds differ"),
        (lambda v: (v, X[:20], Y[:20]), "X, folds, y differ"),
    ],
)
@pytest.mark.parametrize("kind", ["checkpoint", "warm_start"])
def test_the_state_of_another_run_raises_and_stays(kind, change, message, tmp_path):
    path = tmp_path / "values.ckpt"
    valuator = DataBanzhaf(
        CentroidClassifier(), max_evaluations=40, tol=None, **SUBSETS
    )
    warm = kind == "warm_start"
    valuator.set_params(**{kind: True if warm else path}).fit(X, Y)
    before = None if warm else path.read_bytes()
    valuator, X_new, y_new = change(valuator)
    with pytest.raises(ValueError, match=f"another run: .*{message}"):
        valuator.fit(X_new, y_new)
    assert warm or path.read_bytes() == before


@pytest.mark.parametrize("kind", ["foreign", "truncated", "flipped bit", "empty"])
def test_files_of_something_else_raise_and_stay(kind, tmp_path):
    path = tmp_path / "values.ckpt"
    valuator = DataBanzhaf(
        CentroidClassifier(), max_evaluations=40, tol=None, checkpoint=path, **SUBSETS
    ).fit(X, Y)
    content = path.read_bytes()
    if kind == "flipped bit":
        middle = len(content) // 2
        flipped = bytes([content[middle] ^ 1])
        content = content[:middle] + flipped + content[middle + 1 :]
    else:
        content = {
            "foreign": b"the only copy of my thesis",
            "truncated": content[: len(content) // 2],
            "empty": b"",
        }[kind]
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"not a checkpoint|truncated or damaged"):
        valuator.fit(X, Y)
    assert path.read_bytes() == content
