"""The contract of every valuator, on a tiny one and, where it matters, on NDDV."""

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from _valuators import GivenValues, NeighbourAgreement, to_dense
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skvalue import NDDVValuator

VALUES = np.array([3.0, -2.0, 1.0, 0.0, -1.0, 5.0, 4.0, -3.0])
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1])
# Of the rows 1 and 7, which drop=0.25 replaces, by the best of their labels.
FILLED = np.array([0, 0, 2, 3, 4, 5, 6, 5])
X8 = np.arange(16.0).reshape(8, 2)


def given(**params):
    return GivenValues(VALUES, **{"drop": 0.25, **params})


def tiny_nddv(**params):
    return NDDVValuator(n_members=1, max_epochs=2, random_state=0, **params)


@pytest.fixture(scope="module")
def blobs():
    X, y = make_blobs(72, centers=2, n_features=3, random_state=0)
    y[:60:10] = 1 - y[:60:10]
    return X[:60], y[:60], X[60:], y[60:]


# -------------------------------------------------------------------------- get_support


def test_support_is_a_mask_or_row_numbers():
    valuator = given().fit(X8, LABELS)
    keep = valuator.get_support()
    assert keep.dtype == bool
    assert_array_equal(keep, [1, 0, 1, 1, 1, 1, 1, 0])
    rows = valuator.get_support(indices=True)
    assert np.issubdtype(rows.dtype, np.integer)
    assert_array_equal(rows, np.flatnonzero(keep))


def test_drop_may_change_after_fit_without_a_refit():
    valuator = given().fit(X8, LABELS)
    n_kept = {
        drop: valuator.set_params(drop=drop).get_support().sum()
        for drop in [0.0, 0.25, 0.5, "negative"]
    }
    assert n_kept == {0.0: 8, 0.25: 6, 0.5: 4, "negative": 5}
    assert_array_equal(valuator.data_values_, VALUES)
    with pytest.raises(ValueError, match=r"drop=0.9 would leave class 0"):
        valuator.set_params(drop=0.9).get_support()


def test_a_callable_drop_gets_a_copy_of_the_values():
    seen = []

    def keep_top(values):
        seen.append(values.copy())
        values[:] = 0
        return seen[-1] > -2

    valuator = given(drop=keep_top).fit(X8, LABELS)
    assert_array_equal(valuator.get_support(), VALUES > -2)
    assert_array_equal(seen[0], VALUES)
    assert_array_equal(valuator.data_values_, VALUES)


@pytest.mark.parametrize("labels", [["a", "b"], [False, True]])
def test_the_emptied_class_has_the_name_that_the_user_gave(labels):
    valuator = given(drop=lambda values: LABELS == 1)
    with pytest.raises(ValueError, match=f"class {labels[0]!r} without rows"):
        valuator.fit(X8, np.array(labels)[LABELS]).get_support()


def test_clone_is_unfitted_and_equal_in_parameters(blobs):
    valuator = NeighbourAgreement(drop=0.1).fit(*blobs[:2])
    copied = clone(valuator)
    assert copied.get_params() == valuator.get_params()
    assert not hasattr(copied, "data_values_")


# ------------------------------------------------------------------------------- filter


def numbered(make):
    return make(np.arange(8))


CONTAINERS = {
    "array": np.asarray,
    "three-dimensional array": lambda v: v.reshape(8, 1, 1),
    "list": lambda v: v.tolist(),
    "list of strings": lambda v: [str(number) for number in v],
    "frame": lambda v: pd.DataFrame({"n": v}, index=v[::-1]),
    "series": lambda v: pd.Series(v, index=v[::-1]),
    "polars frame": lambda v: pl.DataFrame({"n": v}),
    "polars series": lambda v: pl.Series(v),
    **{
        f"sparse {form}": lambda v, form=form: sparse.csr_array(
            v.reshape(8, 1)
        ).asformat(form)
        for form in ["csr", "csc", "coo", "lil", "dia", "bsr", "dok"]
    },
}


@pytest.mark.parametrize("kind", CONTAINERS)
def test_filter_keeps_the_rows_of_any_container(kind):
    valuator = given().fit(X8, LABELS)
    kept = valuator.filter(numbered(CONTAINERS[kind]))
    rows = np.ravel(to_dense(kept)).astype(int)
    assert_array_equal(rows, valuator.get_support(indices=True))
    if "sparse" not in kind:
        assert type(kept) is type(numbered(CONTAINERS[kind]))


def test_filter_takes_a_tuple_for_a_sequence_of_rows():
    rows = given().fit(X8, LABELS).filter(tuple("abcdefgh"))
    assert list(rows) == list("acdefg")


def test_filter_of_many_is_a_tuple_and_of_one_is_not():
    valuator = given().fit(X8, LABELS)
    assert isinstance(valuator.filter(X8), np.ndarray)
    X, y, weights = valuator.filter(X8, LABELS, pd.Series(VALUES))
    assert len(X) == len(y) == len(weights) == 6
    assert_array_equal(weights, VALUES[valuator.get_support()])


@pytest.mark.parametrize("wrong", [X8[:7], np.vstack([X8, X8]), list("abc")])
def test_filter_refuses_another_number_of_rows(wrong):
    valuator = given().fit(X8, LABELS)
    with pytest.raises(ValueError, match=r"filter: array 1 has \d+ rows; expected 8"):
        valuator.filter(X8, wrong)


def test_filter_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="at least one array"):
        given().fit(X8, LABELS).filter()


# --------------------------------------------------------- fit_transform and transform


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int8, bool])
def test_fit_transform_of_an_array_keeps_its_dtype(dtype):
    X = X8.astype(dtype)
    before = X.copy()
    valuator = given()
    cleaned = valuator.fit_transform(X, LABELS)
    assert type(cleaned) is np.ndarray
    assert cleaned.dtype == dtype
    assert_array_equal(cleaned, X[FILLED])
    assert_array_equal(valuator.fill_indices_, FILLED)
    assert_array_equal(X, before)


def test_fit_transform_of_a_frame_keeps_index_names_and_dtypes():
    X = pd.DataFrame(
        {
            "size": X8[:, 0].astype(np.float32),
            "count": np.arange(8),
            "flag": np.arange(8) % 2 == 0,
            "whole": pd.array(np.arange(8), dtype="Int64"),
        },
        index=pd.Index(list("hgfedcba"), name="key"),
    )
    X.columns.name = "feature"
    before = X.copy(deep=True)
    cleaned = given().fit_transform(X, LABELS)
    expected = X.iloc[FILLED].set_axis(X.index)
    pd.testing.assert_frame_equal(cleaned, expected)
    pd.testing.assert_frame_equal(X, before)


def test_fit_transform_of_a_frame_with_a_repeated_index():
    X = pd.DataFrame(X8, index=[0] * 8, columns=["a", "b"])
    y = pd.Series(LABELS, index=range(100, 108))
    cleaned = given().fit_transform(X, y)
    assert_array_equal(cleaned, X8[FILLED])
    assert_array_equal(cleaned.index, X.index)


def test_fit_transform_of_polars_keeps_the_schema():
    X = pl.DataFrame({"a": X8[:, 0].astype(np.float32), "b": np.arange(8)})
    before = X.clone()
    cleaned = given().fit_transform(X, pl.Series(LABELS))
    assert isinstance(cleaned, pl.DataFrame)
    assert cleaned.schema == X.schema
    assert_array_equal(cleaned.to_numpy(), X.to_numpy()[FILLED])
    assert X.equals(before)


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csr_matrix])
def test_fit_transform_of_sparse_rows_stays_sparse(form, kind):
    X = kind(X8.astype(np.float32)).asformat(form)
    before = X.toarray()
    cleaned = given().fit_transform(X, LABELS)
    assert sparse.issparse(cleaned)
    assert cleaned.dtype == np.float32
    assert_array_equal(cleaned.toarray(), X8[FILLED])
    assert_array_equal(X.toarray(), before)


def test_sparse_and_dense_rows_have_the_same_values(blobs):
    X, y = blobs[:2]
    dense = NeighbourAgreement().fit(X, y)
    assert_array_equal(
        NeighbourAgreement().fit(sparse.csr_array(X), y).data_values_,
        dense.data_values_,
    )


def test_fit_transform_of_a_memory_map_leaves_the_file_alone(tmp_path):
    path = tmp_path / "rows.dat"
    X8.tofile(path)
    X = np.memmap(path, dtype=np.float64, mode="r", shape=X8.shape)
    assert_array_equal(given().fit_transform(X, LABELS), X8[FILLED])
    assert_array_equal(np.fromfile(path), X8.ravel())


def test_fit_transform_of_lists_is_an_array():
    cleaned = given().fit_transform(X8.tolist(), LABELS.tolist())
    assert type(cleaned) is np.ndarray
    assert_array_equal(cleaned, X8[FILLED])


def test_fit_transform_drops_nothing_where_nothing_is_bad():
    valuator = given(drop=0.0)
    assert_array_equal(valuator.fit_transform(X8, LABELS), X8)
    assert_array_equal(valuator.fill_indices_, np.arange(8))


def test_a_later_fit_forgets_the_substitution():
    valuator = given()
    valuator.fit_transform(X8, LABELS)
    assert not hasattr(valuator.fit(X8, LABELS), "fill_indices_")


@pytest.mark.parametrize(
    "make",
    [
        np.asarray,
        lambda v: pd.DataFrame(v, columns=["a", "b"], index=[7, 8, 9]),
        lambda v: pl.DataFrame(v, schema=["a", "b"]),
        sparse.csr_array,
    ],
)
def test_transform_returns_new_rows_unchanged(make):
    rows = make(X8[:3] + 0.5)
    valuator = given()
    names = getattr(rows, "columns", None)
    X = X8 if names is None else pd.DataFrame(X8, columns=list(names))
    result = valuator.fit(X, LABELS).transform(rows)
    assert type(result) is type(rows)
    assert_array_equal(to_dense(result), X8[:3] + 0.5)
    if isinstance(rows, pd.DataFrame):
        pd.testing.assert_frame_equal(result, rows)


# --------------------------------------------------------------------------- set_output


@pytest.mark.parametrize(("output", "kind"), [("pandas", pd), ("polars", pl)])
def test_set_output_makes_frames_with_the_names_of_fit(output, kind):
    X = pd.DataFrame(X8, columns=["width", "height"], index=range(10, 18))
    valuator = given().set_output(transform=output)
    cleaned = valuator.fit_transform(X, LABELS)
    transformed = valuator.transform(X)
    for result in (cleaned, transformed):
        assert isinstance(result, kind.DataFrame)
        assert list(result.columns) == ["width", "height"]
    assert_array_equal(cleaned.to_numpy(), X8[FILLED])
    assert_array_equal(transformed.to_numpy(), X8)
    if output == "pandas":
        assert_array_equal(cleaned.index, X.index)


@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
def test_a_users_frame_is_never_renamed(output):
    """set_output writes to the columns of what a transformer returns."""
    frames = [
        pd.DataFrame(X8, columns=["width", "height"]),
        pd.DataFrame(X8),
        pl.DataFrame(X8, schema=["width", "height"]),
    ]
    for frame in frames:
        before = copy.deepcopy(frame)
        valuator = given(drop=0.0).set_output(transform=output)
        valuator.fit_transform(frame, LABELS)
        valuator.transform(frame)
        assert list(frame.columns) == list(before.columns)
        assert frame.equals(before)


def test_feature_names_are_one_to_one():
    X = pd.DataFrame(X8, columns=["width", "height"])
    valuator = given().fit(X, LABELS)
    assert_array_equal(valuator.get_feature_names_out(), ["width", "height"])
    assert_array_equal(given().fit(X8, LABELS).get_feature_names_out(), ["x0", "x1"])


# ------------------------------------------------------------------------------- target


def test_values_do_not_depend_on_the_kind_of_label(blobs):
    X, y = blobs[:2]
    expected = tiny_nddv().fit(X, y).data_values_
    for labels in [["no", "yes"], [False, True], [-1.0, 7.0]]:
        valuator = tiny_nddv().fit(X, np.array(labels)[y])
        assert_array_equal(valuator.data_values_, expected)
        assert_array_equal(valuator.classes_, labels)


def test_regression_fills_from_the_nearest_targets():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2))
    y = X @ [1.0, 2.0]
    y[:4] += 30
    valuator = NeighbourAgreement(drop=0.05)
    cleaned = valuator.fit_transform(X, y)
    assert not hasattr(valuator, "classes_")
    assert_array_equal(np.flatnonzero(~valuator.get_support()), np.arange(4))
    assert_array_equal(cleaned[4:], X[4:])
    nearest_targets = np.sort(y[4:])[-10:]
    assert np.isin(y[valuator.fill_indices_[:4]], nearest_targets).all()


def test_pickled_valuators_keep_values_and_support(blobs):
    X, y = blobs[:2]
    for valuator in [NeighbourAgreement(), tiny_nddv()]:
        valuator.set_params(drop=0.1).fit_transform(X, y)
        loaded = pickle.loads(pickle.dumps(valuator))
        for name in ["data_values_", "fill_indices_", "classes_"]:
            assert_array_equal(getattr(loaded, name), getattr(valuator, name))
        assert_array_equal(loaded.get_support(), valuator.get_support())


class Broken(NeighbourAgreement):
    """Computes what the test tells it."""

    def __init__(self, result=None):
        super().__init__()
        self.result = result

    def _fit(self, X, y, X_val, y_val):
        self.data_values_ = self.result


@pytest.mark.parametrize(
    ("result", "error", "message"),
    [
        (np.zeros(7), TypeError, "shape"),
        (np.zeros((8, 1)), TypeError, "shape"),
        (np.zeros(8, dtype=np.float32), TypeError, "float32"),
        (np.r_[np.nan, np.zeros(7)], ValueError, "not finite"),
        (np.r_[np.inf, np.zeros(7)], ValueError, "not finite"),
    ],
)
def test_a_method_that_computes_no_values_is_found_out(result, error, message):
    with pytest.raises(error, match=message):
        Broken(result).fit(X8, LABELS)


# ---------------------------------------------------------------------------- Pipelines


def test_the_next_step_of_a_pipeline_never_sees_a_dropped_row(blobs):
    X, y = blobs[:2]
    seen = []

    class Model(LogisticRegression):
        def fit(self, X, y):
            seen.append(X.copy())
            return super().fit(X, y)

    pipeline = make_pipeline(StandardScaler(), NeighbourAgreement(drop=0.1), Model())
    pipeline.fit(X, y)
    valuator = pipeline[1]
    scaled = pipeline[0].transform(X)
    dropped = scaled[~valuator.get_support()]
    assert len(dropped) == 6
    assert not (seen[0][:, None] == dropped).all(axis=2).any()
    assert_array_equal(seen[0], scaled[valuator.fill_indices_])
    assert len(pipeline.predict(X[:5])) == 5


def test_columns_of_strings_are_encoded_before_in_a_pipeline(blobs):
    X, y = blobs[:2]
    frame = pd.DataFrame(X, columns=list("abc")).assign(kind=["u", "v"] * 30)
    pipeline = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(sparse_output=False), ["kind"]), remainder="passthrough"
        ),
        tiny_nddv(drop=0.1),
        LogisticRegression(),
    )
    assert pipeline.fit(frame, y).score(frame, y) > 0.5


def test_a_regressor_in_a_pipeline():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    truth = X @ [1.0, 2.0]
    y = truth.copy()
    extremes = np.argsort(truth)[[0, 1, 2, -3, -2, -1]]
    y[extremes] = truth[extremes[::-1]]
    clean = make_pipeline(NeighbourAgreement(drop=0.1), Ridge(alpha=0.1)).fit(X, y)
    assert_array_equal(np.sort(extremes), np.flatnonzero(~clean[0].get_support()))
    raw = Ridge(alpha=0.1).fit(X, y)
    assert clean.score(X, truth) > 0.95 > raw.score(X, truth)


def test_held_out_rows_are_routed_and_transformed(blobs):
    X, y, X_val, y_val = blobs
    scaler = StandardScaler().fit(X)
    expected = tiny_nddv().fit(
        scaler.transform(X), y, X_val=scaler.transform(X_val), y_val=y_val
    )
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(
            StandardScaler(),
            tiny_nddv().set_fit_request(X_val=True, y_val=True),
            LogisticRegression(),
            transform_input=["X_val"],
        )
        pipeline.fit(X, y, X_val=X_val, y_val=y_val)
    assert_array_equal(pipeline[1].data_values_, expected.data_values_)
    assert_array_equal(pipeline[1].meta_weights_, expected.meta_weights_)


GRID = {"nddvvaluator__drop": [0.0, "auto"], "nddvvaluator__interaction": [1.0, 2.0]}


def test_grid_search_over_drop_and_interaction(blobs):
    X, y, X_val, y_val = blobs
    pipeline = make_pipeline(StandardScaler(), tiny_nddv(), LogisticRegression())
    search = GridSearchCV(pipeline, GRID, cv=2, n_jobs=2).fit(X, y)
    assert len(search.cv_results_["params"]) == 4
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_score_ == search.cv_results_["mean_test_score"].max()
    assert search.best_estimator_.predict(X_val).shape == y_val.shape
    assert search.score(X_val, y_val) > 0.8
    alone = GridSearchCV(pipeline, GRID, cv=2, n_jobs=1).fit(X, y)
    assert_array_equal(
        search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
    )


def test_grid_search_with_metadata_routing(blobs):
    X, y, X_val, y_val = blobs
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(
            StandardScaler(),
            tiny_nddv().set_fit_request(X_val=True, y_val=True),
            LogisticRegression(),
            transform_input=["X_val"],
        )
        search = GridSearchCV(pipeline, GRID, cv=2, n_jobs=2)
        search.fit(X, y, X_val=X_val, y_val=y_val)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
        assert hasattr(search.best_estimator_[1], "meta_weights_")
        assert search.predict(X_val).shape == y_val.shape


# ---------------------------------------------------------------------------- callbacks


class Recorder:
    """A callback that writes down the tasks it hears of."""

    def __init__(self):
        self.events = []

    def setup(self, estimator, context):
        self.events.append(("setup", context.task_name))

    def on_fit_task_begin(self, estimator, context):
        self.events.append(("begin", context.task_name))

    def on_fit_task_end(self, estimator, context):
        self.events.append(("end", context.task_name))

    def teardown(self, estimator, context):
        self.events.append(("teardown", context.task_name))


def test_a_callback_hears_of_every_epoch(blobs):
    recorder = Recorder()
    NDDVValuator(n_members=1, max_epochs=3).set_callbacks(recorder).fit(*blobs[:2])
    epoch = [("begin", "epoch"), ("end", "epoch")]
    assert recorder.events == [
        ("setup", "fit"),
        ("begin", "fit"),
        *(3 * epoch),
        ("end", "fit"),
        ("teardown", "fit"),
    ]


def test_a_callback_is_torn_down_when_fit_fails():
    recorder = Recorder()
    valuator = Broken(np.full(8, np.nan)).set_callbacks(recorder)
    with pytest.raises(ValueError, match="not finite"):
        valuator.fit(X8, LABELS)
    assert recorder.events[-1] == ("teardown", "fit")
    assert not hasattr(valuator, "data_values_")


def test_callbacks_do_not_change_the_values_and_a_fitted_valuator_pickles(blobs):
    plain = tiny_nddv().fit(*blobs[:2])
    watched = tiny_nddv().set_callbacks(Recorder()).fit(*blobs[:2])
    assert_array_equal(watched.data_values_, plain.data_values_)
    loaded = pickle.loads(pickle.dumps(watched))
    assert_array_equal(loaded.data_values_, plain.data_values_)


def test_the_progress_bar_runs(blobs, capsys):
    tiny_nddv().set_callbacks(ProgressBar()).fit(*blobs[:2])
    assert "NDDVValuator" in capsys.readouterr().out
