"""Tables as they were loaded, to every valuator: a result or one clear error."""

import os
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import get_tags
from test_common import small_coalitions

import skvalue
from skvalue._encoder import made_of
from skvalue.base import BaseValuator
from skvalue.datasets import make_mixed_table

FOLDS = {"cv": 2, "random_state": 0}
FEW = {"max_evaluations": 130, "min_coalition_size": 1, "tol": None, **FOLDS}
NDDV = skvalue.NDDVValuator(n_members=1, max_epochs=1, random_state=0)
# Every valuator with the models that it has by itself.
VALUATORS = {
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
    "DataBanzhaf": skvalue.DataBanzhaf(max_evaluations=24, tol=None, **FOLDS),
    "DataOOB": skvalue.DataOOB(n_estimators=30, random_state=0),
    "DataShapley": skvalue.DataShapley(**FEW),
    "DistributionalShapley": skvalue.DistributionalShapley(
        min_coalition_size=4, max_coalition_size=6, max_evaluations=100, **FOLDS
    ),
    "DVRL": skvalue.DVRL(max_epochs=2, **FOLDS),
    "FeatureConfidence": skvalue.FeatureConfidence(n_columns=2, random_state=0),
    "InfluenceFunction": skvalue.InfluenceFunction(**FOLDS),
    "KAIROS": skvalue.KAIROS(**FOLDS),
    "KNNShapley": skvalue.KNNShapley(**FOLDS),
    "LAVA": skvalue.LAVA(**FOLDS),
    "LeaveOneOut": skvalue.LeaveOneOut(**FOLDS),
    "NDDVValuator": NDDV,
    "OutlierValuator": skvalue.OutlierValuator(random_state=0),
    "SelfConfidence": skvalue.SelfConfidence(**FOLDS),
    "Semivalue": skvalue.Semivalue(small_coalitions, **FEW),
    "SubsampleInfluence": skvalue.SubsampleInfluence(
        max_evaluations=40, tol=None, **FOLDS
    ),
}
N_ROWS = 40
rng = np.random.default_rng(0)
Y = np.tile([0, 1], N_ROWS // 2)
AMOUNTS = rng.integers(1, 9, N_ROWS) + 2.0 * Y
DAYS = np.datetime64("2020-01-01") + np.arange(N_ROWS)
WORDS = [["good", "bad"][label] + f" word{row % 7}" for row, label in enumerate(Y)]


def holes(values):
    return [None if row % 9 == 4 else value for row, value in enumerate(values)]


def pandas_table():
    return pd.DataFrame(
        {
            "amount": pd.Series(holes(AMOUNTS), dtype=float),
            "count": pd.array(holes(AMOUNTS.astype(int)), dtype="Int64"),
            "day": pd.Series(holes(DAYS), dtype="datetime64[ns]"),
            "zone": pd.date_range("2020", periods=N_ROWS, tz="Europe/Paris"),
            "span": DAYS - DAYS[0],
            "month": pd.period_range("2020", periods=N_ROWS, freq="M"),
            "flag": AMOUNTS > 5,
            "maybe": pd.array(holes(AMOUNTS > 5), dtype="boolean"),
            "job": holes(
                np.array(["cook", "nurse", "driver"])[rng.integers(3, size=40)]
            ),
            "grade": pd.Categorical(holes(np.array(["a", "b"])[Y])),
            "many": [f"level {row}" for row in range(N_ROWS)],
            "empty": np.full(N_ROWS, np.nan),
            "nothing": [None] * N_ROWS,
            "mixed": [row if row % 2 else f"r{row % 4}" for row in range(N_ROWS)],
        }
    )


def polars_table():
    return pl.DataFrame(
        {
            "amount": holes(AMOUNTS.tolist()),
            "day": holes(DAYS.astype(object).tolist()),
            "span": (DAYS - DAYS[0]).astype("timedelta64[us]"),
            "flag": holes((AMOUNTS > 5).tolist()),
            "job": holes(np.array(["cook", "nurse"])[Y].tolist()),
            "grade": pl.Series(["a", "b"] * 20, dtype=pl.Categorical),
            "empty": [None] * N_ROWS,
        }
    )


def arrow_table():
    return (
        pandas_table()
        .drop(columns=["month", "mixed"])
        .convert_dtypes(dtype_backend="pyarrow")
    )


TFIDF = TfidfVectorizer().fit_transform(WORDS)
WIDE = sparse.random(N_ROWS, 600, 0.05, "csr", random_state=0)
TABLES = {
    "pandas": pandas_table,
    "polars": polars_table,
    "arrow": arrow_table,
    "objects": lambda: pandas_table().drop(columns="month").astype(object).to_numpy(),
    "lists": lambda: [[1.0, "u"], [None, "v"]] * 20,
    "array with NaN": lambda: np.where(
        rng.random((40, 3)) < 0.1, np.nan, AMOUNTS[:, None]
    ),
    "float32 with NaN": lambda: np.c_[[1, np.nan, 3, 4] * 10, AMOUNTS].astype("f4"),
    "dates": lambda: np.c_[DAYS, DAYS[::-1]],
    "longdouble": lambda: np.c_[AMOUNTS, Y].astype("g"),
    "big-endian": lambda: np.c_[AMOUNTS, Y].astype(">f8"),
    "booleans": lambda: np.c_[AMOUNTS > 5, AMOUNTS > 3],
    "TF-IDF": lambda: TFIDF,
    "wide sparse": lambda: WIDE,
    "sparse columns": lambda: pd.DataFrame.sparse.from_spmatrix(TFIDF),
    "texts": lambda: WORDS,
    "Series of texts": lambda: pd.Series(WORDS),
}


def test_every_valuator_is_in_the_table():
    public = {
        name
        for name in skvalue.__all__
        if isinstance(getattr(skvalue, name), type)
        and issubclass(getattr(skvalue, name), BaseValuator)
    }
    assert public == set(VALUATORS)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("name", VALUATORS)
# Models that few epochs, or rows of any scale, leave unfinished.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_table_as_it_was_loaded_has_values(name, table):
    X = TABLES[table]()
    if name == "FeatureConfidence" and table == "texts":
        X = WORDS
    valuator = clone(VALUATORS[name]).fit(X, Y)
    assert np.isfinite(valuator.data_values_).all()
    kept = valuator.filter(X)
    assert type(kept) is type(X) or isinstance(X, np.ndarray)
    # New rows pass the same encoder.
    if hasattr(valuator, "predict_values"):
        assert np.isfinite(valuator.predict_values(X, Y)).all()


UNREADABLE = {
    "nested lists": (pd.DataFrame({"a": AMOUNTS, "tags": [["u"]] * N_ROWS}), "'tags'"),
    "objects": (pd.DataFrame({"a": AMOUNTS, "thing": [object()] * N_ROWS}), "'thing'"),
    "intervals": (
        pd.DataFrame({"a": AMOUNTS, "bin": pd.cut(AMOUNTS, 3).astype(object)}),
        "'bin'",
    ),
    "polars lists": (
        pl.DataFrame({"a": AMOUNTS, "tags": [["u"]] * N_ROWS}),
        "'tags'",
    ),
    "infinity": (pd.DataFrame({"a": [*AMOUNTS[1:], np.inf], "b": "u"}), "'a'"),
    "dicts": ([{"a": 1}] * N_ROWS, "dict"),
}


@pytest.mark.parametrize("table", UNREADABLE)
@pytest.mark.parametrize("name", VALUATORS)
def test_what_nothing_reads_is_refused_by_its_name(name, table):
    X, word = UNREADABLE[table]
    with pytest.raises((TypeError, ValueError), match=f"X.*{re.escape(word)}"):
        clone(VALUATORS[name]).fit(X, Y)


# ----------------------------------------------------------------- the default encoder


def test_columns_become_what_the_guide_says():
    X = pd.DataFrame(
        {
            "amount": [1.0, np.nan, 3.0, 8.0],
            "flag": [True, False, True, True],
            "day": pd.to_datetime(["2020-01-01", "2020-01-03", None, "2020-01-05"]),
            "job": ["cook", "nurse", None, "cook"],
        }
    )
    valuator = clone(NDDV).fit(X, [0, 1, 0, 1])
    rows = valuator.encoder_.transform(X)
    names = list(valuator.encoder_.get_feature_names_out())
    table = dict(zip(names, rows.T.tolist(), strict=True))
    assert table["amount"] == [1.0, 4.0, 3.0, 8.0]
    assert table["missingindicator_amount"] == [0.0, 1.0, 0.0, 0.0]
    assert table["flag"] == [1.0, 0.0, 1.0, 1.0]
    # Standardised, so that days count like any other column.
    np.testing.assert_allclose(table["day"], [-(1.5**0.5), 0, 0, 1.5**0.5], atol=1e-9)
    assert table["job_cook"] == [1.0, 0.0, 0.0, 1.0]
    assert table["job_nan"] == [0.0, 0.0, 1.0, 0.0]
    made = made_of(valuator, rows.shape[1])
    origin = dict(zip(names, made.origin.tolist(), strict=True))
    assert origin["missingindicator_amount"] == origin["amount"] == 0
    assert origin["job_nan"] == origin["job_cook"] == 3
    assert dict(zip(names, made.what, strict=True))["job_cook"] == "level"


def test_a_column_has_at_most_30_levels_and_unknown_ones_are_rare():
    levels = [f"common {row % 29}" for row in range(580)] + [f"r{i}" for i in range(20)]
    X = pd.DataFrame({"level": levels})
    valuator = skvalue.KNNShapley(cv=2, random_state=0).fit(X, np.arange(600) % 2)
    rows = valuator.encoder_.transform(pd.DataFrame({"level": ["r3", "new"]}))
    assert rows.shape == (2, 30)
    assert rows[0].sum() == 1
    np.testing.assert_array_equal(rows[0], rows[1])


@pytest.mark.parametrize("name", VALUATORS)
def test_numbers_need_no_encoder(name):
    X = np.c_[AMOUNTS, rng.normal(size=N_ROWS)]
    plain = clone(VALUATORS[name]).set_params()
    encoded = clone(plain).fit(X, Y)
    if name != "ConsensusValuator":
        plain.set_params(encoder=None)
    np.testing.assert_array_equal(encoded.data_values_, plain.fit(X, Y).data_values_)


def test_encoder_none_wants_numbers():
    with pytest.raises(ValueError, match=r'could not.*encoder="auto"'):
        clone(NDDV).set_params(encoder=None).fit(pandas_table()[["job"]], Y)
    with pytest.raises(ValueError, match="X contains NaN"):
        clone(NDDV).set_params(encoder=None).fit(pandas_table()[["amount"]], Y)


def test_an_encoder_of_the_users_makes_the_numbers():
    X = pandas_table()[["job", "grade"]]
    encoder = OrdinalEncoder(encoded_missing_value=-1)
    valuator = skvalue.KNNShapley(encoder=encoder, **FOLDS).fit(X, Y)
    expected = skvalue.KNNShapley(**FOLDS).fit(encoder.fit_transform(X), Y)
    np.testing.assert_array_equal(valuator.data_values_, expected.data_values_)
    assert isinstance(valuator.encoder_, OrdinalEncoder)
    # The user's estimator, too, gets what an encoder of the user's makes.
    shapley = skvalue.DataShapley(LogisticRegression(), encoder=encoder, **FEW)
    expected = skvalue.DataShapley(LogisticRegression(), **FEW)
    np.testing.assert_array_equal(
        shapley.fit(X, Y).data_values_,
        expected.fit(encoder.transform(X), Y).data_values_,
    )


def test_an_encoder_that_fails_is_named():
    valuator = clone(NDDV).set_params(encoder=StandardScaler())
    with pytest.raises(ValueError, match="encoder=StandardScaler failed on X"):
        valuator.fit(pandas_table()[["job"]], Y)


def test_an_encoder_is_seeded_and_cloned():
    encoder = TruncatedSVD(5)
    valuator = skvalue.KNNShapley(encoder=encoder, **FOLDS)
    first = valuator.fit(WIDE, Y).data_values_
    assert not hasattr(encoder, "components_")
    np.testing.assert_array_equal(valuator.fit(WIDE, Y).data_values_, first)


def test_directions_of_wide_sparse_rows():
    valuator = clone(NDDV).fit(WIDE, Y)
    assert isinstance(valuator.encoder_[-1], TruncatedSVD)
    assert valuator.encoder_.transform(WIDE).shape == (N_ROWS, N_ROWS)
    few = clone(NDDV).fit(WIDE[:, :200], Y)
    dense = clone(NDDV).fit(WIDE[:, :200].toarray(), Y)
    np.testing.assert_array_equal(few.data_values_, dense.data_values_)


@pytest.mark.parametrize(
    "name", ["KAIROS", "KNNShapley", "NDDVValuator", "DVRL", "LAVA"]
)
def test_held_out_rows_in_another_form(name):
    X, X_val = np.c_[AMOUNTS, Y], sparse.csr_array(np.c_[AMOUNTS, Y][:10])
    valuator = clone(VALUATORS[name])
    expected = clone(valuator).fit(X, Y, X_val=X_val.toarray(), y_val=Y[:10])
    valuator.fit(X, Y, X_val=X_val, y_val=Y[:10])
    np.testing.assert_array_equal(valuator.data_values_, expected.data_values_)


def test_missing_cells_of_held_out_rows_only_are_refused_clearly():
    X = np.c_[AMOUNTS, Y]
    X_val = np.where(X > 5, np.nan, X)
    with pytest.raises(ValueError, match="X_val contains NaN, but the X of fit had no"):
        clone(NDDV).fit(X, Y, X_val=X_val, y_val=Y)


# -------------------------------------------------------------- rows as they came


class Spy(HistGradientBoostingClassifier):
    """Remembers what it was given."""

    seen = []

    def fit(self, X, y):
        self.seen.append(X)
        return super().fit(X, y)


BY_NAME = make_pipeline(
    make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["job", "grade"]),
        ("passthrough", ["flag"]),
    ),
    DecisionTreeClassifier(max_depth=2),
)
WITH_ESTIMATOR = {
    "AME": skvalue.AME(max_evaluations=16, **FOLDS),
    "AmortizedShapley": skvalue.AmortizedShapley(
        skvalue.DataShapley(**FEW),
        max_epochs=(1,),
        random_state=0,
    ),
    "DataBanzhaf": skvalue.DataBanzhaf(max_evaluations=24, tol=None, **FOLDS),
    "DataOOB": skvalue.DataOOB(n_estimators=30, random_state=0),
    "DataShapley": skvalue.DataShapley(**FEW),
    "DistributionalShapley": skvalue.DistributionalShapley(
        min_coalition_size=4,
        max_coalition_size=6,
        max_evaluations=130,
        valued_share=0.1,
        tol=None,
        **FOLDS,
    ),
    "DVRL": skvalue.DVRL(max_epochs=2, **FOLDS),
    "LeaveOneOut": skvalue.LeaveOneOut(**FOLDS),
    "SelfConfidence": skvalue.SelfConfidence(**FOLDS),
    "SubsampleInfluence": skvalue.SubsampleInfluence(
        max_evaluations=40, tol=None, **FOLDS
    ),
}


def with_estimator(name, estimator):
    valuator = clone(WITH_ESTIMATOR[name])
    where = "valuator__estimator" if name == "AmortizedShapley" else "estimator"
    return valuator.set_params(**{where: estimator})


@pytest.mark.parametrize("name", WITH_ESTIMATOR)
def test_an_estimator_gets_columns_by_name(name):
    X = pandas_table()
    valuator = with_estimator(name, BY_NAME).fit(X, Y)
    assert np.isfinite(valuator.data_values_).all()
    if hasattr(valuator, "predict_values"):
        assert np.isfinite(valuator.predict_values(X[:5], Y[:5])).all()
    table = polars_table().select("job", "grade", pl.col("flag").fill_null(False))
    assert np.isfinite(with_estimator(name, BY_NAME).fit(table, Y).data_values_).all()


@pytest.mark.parametrize("name", WITH_ESTIMATOR)
def test_an_estimator_gets_texts_and_missing_cells(name):
    texts = make_pipeline(TfidfVectorizer(), LogisticRegression())
    assert np.isfinite(with_estimator(name, texts).fit(WORDS, Y).data_values_).all()
    X = np.c_[[1.0, np.nan, 3.0, 4.0] * 10, AMOUNTS]
    tree = DecisionTreeClassifier(max_depth=2)
    assert np.isfinite(with_estimator(name, tree).fit(X, Y).data_values_).all()


def test_an_estimator_gets_the_frame_itself():
    X = pandas_table()[["amount", "flag", "grade"]]
    Spy.seen.clear()
    spy = Spy(max_iter=2, categorical_features="from_dtype")
    skvalue.SelfConfidence(spy, **FOLDS).fit(X, Y)
    for rows in Spy.seen:
        pd.testing.assert_frame_equal(rows, X.loc[rows.index])


@pytest.mark.parametrize("name", WITH_ESTIMATOR)
def test_an_estimator_that_cannot_read_the_rows_is_named(name):
    X = pandas_table()[["amount", "job"]]
    with pytest.raises(ValueError, match="estimator=GaussianNB failed on the rows"):
        with_estimator(name, GaussianNB()).fit(X, Y)


def test_a_fit_goes_on_with_frames_and_texts(tmp_path):
    texts = make_pipeline(TfidfVectorizer(), LogisticRegression())
    for number, (estimator, X) in enumerate(
        [(BY_NAME, pandas_table()), (texts, WORDS)]
    ):
        valuator = skvalue.DataBanzhaf(
            estimator,
            max_evaluations=24,
            tol=None,
            checkpoint=tmp_path / str(number),
            **FOLDS,
        )
        first = clone(valuator).fit(X, Y).data_values_
        more = clone(valuator).set_params(max_evaluations=48).fit(X, Y)
        whole = clone(valuator).set_params(max_evaluations=48, checkpoint=None)
        np.testing.assert_array_equal(more.data_values_, whole.fit(X, Y).data_values_)
        assert not np.array_equal(more.data_values_, first)
        other = X.assign(flag=~X["flag"]) if number == 0 else WORDS[::-1]
        with pytest.raises(ValueError, match="X differ"):
            clone(valuator).fit(other, Y)


def test_the_engine_still_solves_frames_of_numbers():
    X = np.c_[AMOUNTS, rng.normal(size=N_ROWS)]
    shapley = skvalue.DataShapley(LogisticRegression(), **FEW).fit(X, Y)
    frame = clone(shapley).fit(pd.DataFrame(X, columns=["a", "b"]), Y)
    np.testing.assert_array_equal(frame.data_values_, shapley.data_values_)


# --------------------------------------------------------- cleaning, and Pipelines


def test_cleaning_gives_back_rows_as_they_came():
    X = pandas_table()
    valuator = clone(NDDV).set_params(drop=0.2)
    clean = valuator.fit_transform(X, Y)
    pd.testing.assert_frame_equal(
        clean.reset_index(drop=True),
        X.iloc[valuator.fill_indices_].reset_index(drop=True),
    )
    pd.testing.assert_frame_equal(valuator.transform(X), X)
    assert clone(valuator).fit_transform(WORDS, Y)[:2] == [
        WORDS[row] for row in clone(valuator).fit(WORDS, Y).get_support(True)[:0]
    ] + [WORDS[row] for row in _filled(valuator)[:2]]


def _filled(valuator):
    valuator = clone(valuator)
    valuator.fit_transform(WORDS, Y)
    return valuator.fill_indices_


def test_the_promise_of_the_issue():
    X, y = make_mixed_table(200, minority=0.4, random_state=0)[:2]
    X = X.astype({"job": "category"}).drop(columns="opened")
    last = HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=5)
    assert make_pipeline(clone(NDDV), last).fit(X, y).score(X, y) > 0.7


def text_valuator(**params):
    return make_pipeline(
        TfidfVectorizer(),
        TruncatedSVD(3, random_state=0),
        clone(NDDV).set_params(**params),
    )


def test_a_pipeline_stands_for_a_valuator():
    drop = {"drop": 0.2}
    model = make_pipeline(TfidfVectorizer(), LogisticRegression())
    curated = skvalue.CuratedEstimator(model, text_valuator(**drop), weighting="rank")
    curated.fit(WORDS, Y, X_val=WORDS[:10], y_val=Y[:10])
    rows = make_pipeline(TfidfVectorizer(), TruncatedSVD(3, random_state=0))
    numbers = rows.fit_transform(WORDS)
    expected = clone(NDDV).set_params(**drop)
    expected.fit(numbers, Y, X_val=numbers[:10], y_val=Y[:10])
    np.testing.assert_array_equal(
        curated.sample_indices_, expected.get_support(indices=True)
    )
    assert set(curated.predict(WORDS)) <= {0, 1}

    sampler = skvalue.ValueSampler(text_valuator(**drop))
    kept, labels = sampler.fit_resample(WORDS, Y)
    assert kept == [WORDS[row] for row in sampler.sample_indices_]
    assert len(labels) == 32
    sampler = skvalue.ValueSampler(text_valuator(**drop), action="relabel")
    assert len(sampler.fit_resample(WORDS, Y)[1]) == N_ROWS

    members = [("text", text_valuator()), ("words", skvalue.SelfConfidence(model))]
    consensus = skvalue.ConsensusValuator(members, random_state=0).fit(WORDS, Y)
    assert np.isfinite(consensus.data_values_).all()


def test_the_last_step_of_a_pipeline_is_told_the_task():
    X, y = np.c_[AMOUNTS, Y], rng.integers(0, 30, N_ROWS)
    valuator = make_pipeline(StandardScaler(), clone(NDDV))
    from sklearn.linear_model import Ridge

    curated = skvalue.CuratedEstimator(Ridge(), valuator).fit(X, y)
    assert curated.valuator_[-1].task == "regression"


def test_a_pipeline_that_ends_in_no_valuator_is_refused():
    with pytest.raises(TypeError, match="ends in no valuator"):
        skvalue.CuratedEstimator(
            LogisticRegression(), make_pipeline(StandardScaler(), LogisticRegression())
        ).fit(np.c_[AMOUNTS, Y], Y)


@pytest.mark.parametrize(
    "X", [pandas_table(), WORDS, TFIDF, pd.DataFrame.sparse.from_spmatrix(TFIDF)]
)
def test_the_default_valuator_takes_what_the_estimator_takes(X):
    model = LogisticRegression()
    if isinstance(X, list):
        model = make_pipeline(TfidfVectorizer(), model)
    elif not sparse.issparse(X) and "job" in X:
        model = BY_NAME
    kept = skvalue.CuratedEstimator(model, clone(NDDV)).fit(X, Y).sample_indices_
    assert 20 <= len(kept) <= N_ROWS


def test_the_tags_tell_what_is_taken():
    def told(valuator):
        tags = get_tags(valuator).input_tags
        return [tags.sparse, tags.allow_nan, tags.string, tags.categorical]

    assert told(skvalue.NDDVValuator()) == [True] * 4
    assert told(skvalue.NDDVValuator(encoder=None)) == [False] * 4
    assert told(skvalue.KNNShapley(encoder=None)) == [True, False, False, False]
    assert told(skvalue.ConsensusValuator()) == [True] * 4
    assert told(skvalue.DataOOB(KNeighborsClassifier())) == [True, False, False, False]
    assert told(skvalue.DataOOB(HistGradientBoostingClassifier()))[:2] == [False, True]


# ------------------------------------------------------------------- real data

DATA = os.environ.get("SKVALUE_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="SKVALUE_DATA names no folder of data")


def load(name):
    sys.path.insert(0, DATA)
    try:
        import load

        assert Path(load.__file__).resolve().parent == Path(DATA).resolve()
        return load.extra(name), load
    finally:
        sys.path.remove(DATA)


@needs_data
@pytest.mark.parametrize(
    "name", ["NDDVValuator", "DataOOB", "KNNShapley", "DataShapley"]
)
def test_adult_as_a_frame_with_missing_cells(name):
    data, _ = load("adult")
    rows = np.random.default_rng(0).choice(len(data["y"]), 150, replace=False)
    X = pd.DataFrame(data["X"][rows].astype(float))
    X.columns = [f"c{place}" for place in range(X.shape[1])]
    for place in data["cat_idx"]:
        X[f"c{place}"] = [f"code {int(code)}" for code in data["X"][rows, place]]
    X = X.mask(np.random.default_rng(1).random(X.shape) < 0.05)
    valuator = clone(VALUATORS[name]).fit(X, data["y"][rows])
    assert np.isfinite(valuator.data_values_).all()


@needs_data
@pytest.mark.parametrize("form", ["texts", "TF-IDF"])
def test_bbc(form):
    _, module = load("bbc")
    texts, y = module.load("bbc")
    texts, y = texts[::15], y[::15]
    X = TfidfVectorizer().fit_transform(texts) if form == "TF-IDF" else texts
    model = LogisticRegression()
    if form == "texts":
        model = make_pipeline(TfidfVectorizer(), model)
    trained = skvalue.NDDVValuator(n_members=1, max_epochs=10, random_state=0)
    for valuator in [trained, skvalue.SelfConfidence(model, **FOLDS)]:
        curated = skvalue.CuratedEstimator(model, valuator).fit(X, y)
        assert curated.score(X, y) > 0.9
