"""values_frame: the table that a person opens first, in the library that X was of."""

import pickle
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from _valuators import GivenValues, NeighbourAgreement
from coalition_oracles import CentroidClassifier
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skvalue import (
    CuratedEstimator,
    DataShapley,
    NDDVValuator,
    ValueSampler,
)
from skvalue._class_values import ClassValuesMixin

VALUES = np.array([3.0, -2.0, 1.0, 0.0, -1.0, 5.0, 1.0, -3.0])
LABELS = np.array(list("aaaabbbb"))
X8 = np.arange(16.0).reshape(8, 2)
INDEX = pd.Index([f"row {number}" for number in range(8)], name="id")


class WithOpinion(GivenValues):
    """Finds class "b" more probable the later a row comes."""

    def _fit(self, X, y, X_val, y_val):
        super()._fit(X, y, X_val, y_val)
        later = np.linspace(0.1, 0.9, len(y))
        self.class_probabilities_ = np.column_stack([1 - later, later])


def frame_of(X, valuator=None, y=LABELS, **params):
    valuator = GivenValues(VALUES, drop=0.25) if valuator is None else valuator
    return valuator.fit(X, y).values_frame(**params)


# ------------------------------------------------------------------------- containers


def test_a_frame_of_pandas_keeps_its_index():
    frame = frame_of(pd.DataFrame(X8, index=INDEX, columns=["u", "v"]))
    pd.testing.assert_index_equal(frame.index, INDEX)
    assert list(frame) == ["value", "kept", "label"]
    assert_array_equal(frame["value"], VALUES)
    assert_array_equal(frame["kept"], [1, 0, 1, 1, 1, 1, 1, 0])
    assert list(frame["label"]) == list(LABELS)


def test_an_index_of_several_levels_and_one_that_repeats_are_kept():
    levels = pd.MultiIndex.from_product([["u", "v"], [3, 1, 2, 0]], names=["x", "y"])
    for index in [levels, pd.Index([7] * 8), pd.RangeIndex(8, name="id")]:
        frame = frame_of(pd.DataFrame(X8, index=index), sort=True)
        pd.testing.assert_index_equal(
            frame.index, index.take(np.argsort(VALUES, kind="stable"))
        )


@pytest.mark.parametrize("X", [X8, X8.tolist()], ids=["array", "lists"])
def test_rows_without_names_are_numbered(X):
    frame = frame_of(X, sort=True)
    assert isinstance(frame, pd.DataFrame)
    assert_array_equal(frame.index, [7, 1, 4, 3, 2, 6, 0, 5])


def test_lowest_values_come_first_and_equal_ones_stay_in_order():
    frame = frame_of(pd.DataFrame(X8, index=INDEX), sort=True)
    assert_array_equal(frame["value"], np.sort(VALUES))
    assert list(frame.index[4:6]) == ["row 2", "row 6"]
    assert_array_equal(frame["kept"], [0, 0, 1, 1, 1, 1, 1, 1])
    assert "".join(frame["label"]) == "babaabab"


@pytest.mark.parametrize("labels", [LABELS, LABELS.astype(object), LABELS == "a"])
def test_a_frame_of_polars_has_the_row_number_as_a_column(labels):
    frame = frame_of(pl.DataFrame(X8), y=labels, sort=True)
    assert frame.columns == ["index", "value", "kept", "label"]
    assert frame["index"].to_list() == [7, 1, 4, 3, 2, 6, 0, 5]
    assert frame["label"].to_list() == labels[frame["index"].to_numpy()].tolist()
    assert frame.schema["label"] == (pl.Boolean if labels.dtype == bool else pl.String)


def test_renaming_the_index_afterwards_does_not_reach_the_valuator():
    X = pd.DataFrame(X8, index=INDEX.copy())
    valuator = GivenValues(VALUES).fit(X, LABELS)
    X.index.name = "other"
    valuator.values_frame().index.name = "third"
    assert valuator.values_frame().index.name == "id"


def test_a_refit_on_an_array_forgets_the_index():
    valuator = GivenValues(VALUES).fit(pd.DataFrame(X8, index=INDEX), LABELS)
    valuator.fit(X8, LABELS)
    assert_array_equal(valuator.values_frame().index, np.arange(8))


def test_what_is_written_into_the_frame_does_not_reach_the_valuator():
    valuator = GivenValues(VALUES).fit(X8, LABELS)
    frame = valuator.values_frame()
    frame.loc[:, "value"] = 9.0
    assert_array_equal(valuator.data_values_, VALUES)


def test_no_rows_are_kept():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(4000, 100)))
    y = np.tile(["a", "b"], 2000)
    size = len(pickle.dumps(GivenValues(np.zeros(4000)).fit(X, y)))
    assert size < X.to_numpy().nbytes / 20


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, np.asarray])
def test_a_pickle_gives_the_same_frame(make):
    X = make(X8)
    valuator = WithOpinion(VALUES, drop=0.25).fit(X, LABELS)
    expected = valuator.values_frame(sort=True)
    assert expected.equals(pickle.loads(pickle.dumps(valuator)).values_frame(sort=True))


# ----------------------------------------------------------------------- missing parts


def test_without_pandas_an_array_gets_a_frame_of_polars(monkeypatch):
    valuator = GivenValues(VALUES).fit(X8, LABELS)
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert isinstance(valuator.values_frame(), pl.DataFrame)


@pytest.mark.parametrize(
    ("make", "missing", "words"),
    [
        (np.asarray, ["pandas", "polars"], "needs pandas or polars; install it"),
        (pd.DataFrame, ["pandas"], "needs pandas, as X was a frame of it"),
        (pl.DataFrame, ["polars"], "needs polars, as X was a frame of it"),
    ],
)
def test_a_missing_library_is_named_and_so_is_the_method(
    monkeypatch, make, missing, words
):
    valuator = GivenValues(VALUES).fit(make(X8), LABELS)
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=f"values_frame {words}"):
        valuator.values_frame()


def test_before_fit_and_with_a_wrong_parameter():
    with pytest.raises(NotFittedError):
        GivenValues(VALUES).values_frame()
    with pytest.raises(ValueError, match="values_frame must be"):
        frame_of(X8, sort="value")


# ----------------------------------------------------------------------------- columns


def test_a_real_target_is_the_label():
    target = np.linspace(0.5, 3.5, 8)
    frame = frame_of(X8, y=target)
    assert list(frame) == ["value", "kept", "label"]
    assert_array_equal(frame["label"], target)


def test_the_most_probable_class_is_suggested():
    frame = frame_of(X8, WithOpinion(VALUES))
    assert "".join(frame["suggested_label"]) == "aaaabbbb"
    later = np.linspace(0.1, 0.9, 8)
    assert_array_equal(frame["suggested_probability"], np.maximum(later, 1 - later))


@pytest.mark.parametrize("make", [np.asarray, pl.DataFrame])
def test_groups_stand_beside_their_rows(make):
    groups = np.array(["north", "south"], dtype=object)[[0, 0, 1, 1, 0, 0, 1, 1]]
    valuator = GivenValues(VALUES).fit(make(X8), LABELS, groups=groups)
    frame = valuator.values_frame(sort=True)
    assert list(frame["group"]) == list(groups[[7, 1, 4, 3, 2, 6, 0, 5]])
    assert "group" not in valuator.fit(make(X8), LABELS).values_frame()


def test_standard_errors_stand_beside_their_values(noisy_blobs):
    X, y = noisy_blobs
    valuator = DataShapley(
        CentroidClassifier(), max_evaluations=300, min_coalition_size=1, cv=2
    )
    frame = frame_of(X, valuator, y)
    assert list(frame) == ["value", "stderr", "kept", "label"]
    assert_array_equal(frame["stderr"], valuator.data_values_stderr_)


@pytest.fixture(scope="module")
def noisy_blobs():
    rng = np.random.default_rng(0)
    truth = np.tile([0, 1], 30)
    X = rng.normal(size=(60, 2)) + 6 * truth[:, None]
    y = np.array(["no", "yes"])[truth]
    y[:4] = ["yes", "no", "yes", "no"]
    return X, y


class WithClassValues(ClassValuesMixin, GivenValues):
    """Values class "b" by the first column, "a" by its negative."""

    def _fit(self, X, y, X_val, y_val):
        super()._fit(X, y, X_val, y_val)
        self._keep_best_classes(X)

    def _predict_class_values(self, X):
        return np.column_stack([-X[:, 0], X[:, 0]])


def test_a_model_of_class_values_suggests_the_class_of_highest_value():
    valuator = WithClassValues(VALUES)
    frame = frame_of(X8 - 5, valuator)
    assert list(frame) == ["value", "kept", "label", "suggested_label"]
    assert "".join(frame["suggested_label"]) == "aaabbbbb"
    assert list(frame_of(X8, valuator, X8[:, 0] + 0.5)) == ["value", "kept", "label"]


def test_the_classes_that_nddv_suggests_are_mostly_right(noisy_blobs):
    X, y = noisy_blobs
    valuator = NDDVValuator(n_members=1, max_epochs=5, random_state=0)
    truth = np.tile(["no", "yes"], 30)
    assert (frame_of(X, valuator, y)["suggested_label"] == truth).mean() > 0.9


# -------------------------------------------------------------- what wraps a valuator


def test_the_valuator_of_a_pipeline_and_of_what_acts_on_values_has_it(noisy_blobs):
    X, y = noisy_blobs
    X = pd.DataFrame(X, columns=["u", "v"], index=np.arange(60) + 100)
    curated = CuratedEstimator(LogisticRegression(), NeighbourAgreement()).fit(X, y)
    sampler = ValueSampler(NeighbourAgreement()).fit(X, y)
    scaler = StandardScaler().set_output(transform="pandas")
    pipe = make_pipeline(scaler, NeighbourAgreement(), LogisticRegression()).fit(X, y)
    for valuator in [curated.valuator_, sampler.valuator_, pipe[1]]:
        frame = valuator.values_frame()
        pd.testing.assert_index_equal(frame.index, X.index)
        assert_array_equal(frame["kept"], valuator.get_support())
    real = CuratedEstimator(Ridge(), NeighbourAgreement()).fit(X, X["u"])
    assert_array_equal(real.valuator_.values_frame()["label"], X["u"])
