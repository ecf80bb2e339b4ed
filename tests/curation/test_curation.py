"""ValueSampler and CuratedEstimator act on values, and fit into their hosts."""

import pickle
import warnings
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
from imblearn.pipeline import Pipeline as ResamplingPipeline
from imblearn.pipeline import make_pipeline as make_resampling_pipeline
from imblearn.utils import estimator_checks as imblearn_checks
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.stats import rankdata
from sklearn import config_context
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    clone,
    is_classifier,
    is_regressor,
)
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs, make_regression
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks as sklearn_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from skvalue import NDDVValuator
from skvalue._validation import validate_more_rows
from skvalue.base import BaseValuator
from skvalue.curation import CuratedEstimator, ValueSampler
from skvalue.datasets import make_label_noise


class Agreement(BaseValuator):
    """Agreement of a row's label with its nearest rows, or nearest held-out rows."""

    _accept_sparse = ("csr", "csc")

    def _fit(self, X, y, X_val, y_val):
        held_out = X_val is not None
        self.search_ = NearestNeighbors(n_neighbors=min(3, len(y) - 1))
        self.search_.fit(X_val if held_out else X)
        self.labels_ = y_val if held_out else y
        labels = self.labels_[self._nearest(X if held_out else None)]
        if hasattr(self, "classes_"):
            self.label_probabilities_ = np.mean(labels == y[:, None], axis=1)
            self.data_values_ = self.label_probabilities_ - 0.5
        else:
            self.data_values_ = -np.abs(labels.mean(axis=1) - y)

    def _nearest(self, X):
        return self.search_.kneighbors(X, return_distance=False)


class ClassAgreement(Agreement):
    """`Agreement` that also values each class at each row."""

    def predict_class_values(self, X):
        labels = self.labels_[self._nearest(validate_more_rows(self, X))]
        return np.mean(labels[:, :, None] == np.arange(len(self.classes_)), axis=1)


class Recorder(ClassifierMixin, BaseEstimator):
    """A classifier that remembers what its fit was given."""

    def fit(self, X, y, sample_weight=None, groups=None, X_val=None, y_val=None):
        self.classes_ = np.unique(y)
        self.X_, self.y_ = X, y
        self.sample_weight_, self.groups_ = sample_weight, groups
        self.X_val_, self.y_val_ = X_val, y_val
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


@pytest.fixture(scope="module")
def blobs():
    X, y = make_blobs(120, centers=3, n_features=4, cluster_std=0.8, random_state=0)
    y_noisy, is_flipped = make_label_noise(y, 0.1, random_state=0)
    return X, y_noisy, is_flipped


@pytest.fixture(scope="module")
def line():
    X, y = make_regression(90, 3, noise=1.0, random_state=0)
    y_noisy = y.copy()
    y_noisy[:9] += 500
    return X, y_noisy


# -------------------------------------------------------------------- host checks

META = [
    CuratedEstimator(LogisticRegression(), Agreement()),
    CuratedEstimator(LogisticRegression(), Agreement(), weighting="rank"),
    CuratedEstimator(Ridge(), Agreement(), weighting="value"),
    CuratedEstimator(KNeighborsClassifier(), Agreement(drop=0.0)),
    CuratedEstimator(LinearDiscriminantAnalysis(), Agreement()),
    ValueSampler(Agreement()),
    ValueSampler(ClassAgreement(), action="relabel"),
]


@parametrize_with_checks(META)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


# check_estimator leaves these out.
@pytest.mark.parametrize("estimator", META, ids=str)
@pytest.mark.parametrize(
    "check",
    [
        sklearn_checks.check_param_validation,
        sklearn_checks.check_dataframe_column_names_consistency,
    ],
)
def test_more_scikit_learn_checks(estimator, check):
    check(type(estimator).__name__, estimator)


# Of imbalanced-learn's suite, these ask what its own base class promises:
# - check_target_type: continuous targets must be refused; here regression is a feature.
# - check_samplers_fit: the attribute sampling_strategy_, a class balance; none here.
# - check_samplers_fit_resample, check_samplers_sampling_strategy_fit_resample: branch
#   on imbalanced-learn's base classes and assert nothing for another class.
# - check_samplers_multiclass_ova: one-hot matrices as y; scikit-learn's 1-d y here.
# - check_samplers_sample_indices: needs tags of its own class; tested below directly.
# - check_samplers_string, check_samplers_nan: only if X may hold strings or NaN, which
#   is the valuator's to say.
IMBLEARN_CHECKS = [
    "check_samplers_one_label",
    "check_samplers_sparse",
    "check_samplers_pandas",
    "check_samplers_pandas_sparse",
    "check_samplers_list",
    "check_samplers_2d_target",
    "check_samplers_preserve_dtype",
    "check_sampler_get_feature_names_out",
    "check_sampler_get_feature_names_out_pandas",
    "check_param_validation",
    "check_dataframe_column_names_consistency",
]


@pytest.mark.parametrize("action", ["drop", "relabel"])
@pytest.mark.parametrize("name", IMBLEARN_CHECKS)
def test_imbalanced_learn_checks(name, action):
    with warnings.catch_warnings():
        # 2-d targets are ravelled with scikit-learn's warning.
        warnings.simplefilter("ignore", DataConversionWarning)
        sampler = ValueSampler(ClassAgreement(drop=0.1), action=action)
        getattr(imblearn_checks, name)("ValueSampler", sampler)


# ------------------------------------------------------------------- ValueSampler


def test_sampler_removes_the_rows_that_its_valuator_drops(blobs):
    X, y, is_flipped = blobs
    sampler = ValueSampler(Agreement())
    X_kept, y_kept = sampler.fit_resample(X, y)
    support = Agreement().fit(X, y).get_support()
    assert_array_equal(sampler.sample_indices_, np.flatnonzero(support))
    assert_array_equal(X_kept, X[support])
    assert_array_equal(y_kept, y[support])
    assert_array_equal(sampler.valuator_.get_support(), support)
    assert np.mean(is_flipped[support]) < np.mean(is_flipped) / 4
    assert not hasattr(sampler.valuator, "data_values_")
    assert not hasattr(sampler, "transform")


def _as_array(X):
    if sparse.issparse(X):
        return X.toarray()
    return X.to_numpy() if hasattr(X, "to_numpy") else np.asarray(X)


@pytest.mark.parametrize("action", ["drop", "relabel"])
@pytest.mark.parametrize(
    ("to_X", "to_y"),
    [
        (lambda X: X.tolist(), lambda y: y.tolist()),
        (sparse.csr_matrix, np.asarray),
        (sparse.csr_array, np.asarray),
        (sparse.coo_matrix, np.asarray),
        (
            lambda X: pd.DataFrame(X, columns=list("abcd")).set_index(X[:, 0]),
            lambda y: pd.Series(y, name="label", dtype="category"),
        ),
        (
            lambda X: pl.DataFrame(X, schema=list("abcd")),
            lambda y: pl.Series("label", y),
        ),
    ],
    ids=["list", "csr_matrix", "csr_array", "coo_matrix", "pandas", "polars"],
)
def test_sampler_keeps_containers(blobs, to_X, to_y, action):
    X, y, _ = blobs
    y = np.array(["ant", "bee", "cat"])[y]
    sampler = ValueSampler(ClassAgreement(drop=0.1), action=action)
    X_expected, y_expected = sampler.fit_resample(X, y)
    X_in, y_in = to_X(X), to_y(y)
    X_out, y_out = sampler.fit_resample(X_in, y_in)
    assert_allclose(_as_array(X_out), X_expected)
    assert_array_equal(_as_array(y_out), y_expected)
    assert type(y_out) is type(y_in)
    if not sparse.issparse(X_in):
        assert type(X_out) is type(X_in)
    assert getattr(y_out, "dtype", None) == getattr(y_in, "dtype", None)
    assert getattr(y_out, "name", None) == getattr(y_in, "name", None)
    if isinstance(X_in, pd.DataFrame):
        assert_array_equal(X_out.index, X_in.index[sampler.sample_indices_])
        assert_array_equal(y_out.index, y_in.index[sampler.sample_indices_])
    if hasattr(X_in, "columns"):
        assert_array_equal(sampler.feature_names_in_, list("abcd"))
    assert sampler.n_features_in_ == 4


def test_relabel_gives_low_value_rows_their_most_valuable_class(blobs):
    X, y, _ = blobs
    X_before, y_before = X.copy(), y.copy()
    sampler = ValueSampler(ClassAgreement(), action="relabel")
    X_out, y_out = sampler.fit_resample(X, y)
    valuator = ClassAgreement().fit(X, y)
    low_value = ~valuator.get_support()
    assert low_value.any()
    best = valuator.predict_class_values(X).argmax(axis=1)
    assert_array_equal(y_out, np.where(low_value, best, y))
    assert_array_equal(sampler.sample_indices_, np.arange(len(X)))
    assert X_out is X
    assert_array_equal(X, X_before)
    assert_array_equal(y, y_before)


def test_relabel_repairs_labels(blobs):
    X, y, is_flipped = blobs
    truth = make_blobs(120, centers=3, n_features=4, cluster_std=0.8, random_state=0)[1]
    _, y_out = ValueSampler(ClassAgreement(), action="relabel").fit_resample(X, y)
    assert np.mean(y_out != truth) < is_flipped.mean() / 3


def test_relabel_leaves_y_where_no_row_is_of_low_value(blobs):
    X, y, _ = blobs
    sampler = ValueSampler(ClassAgreement(drop=0.0), action="relabel")
    assert_array_equal(sampler.fit_resample(X, y)[1], y)


def test_relabel_says_what_it_needs(blobs, line):
    with pytest.raises(ValueError, match='action="relabel" needs a valuator with'):
        ValueSampler(Agreement(), action="relabel").fit_resample(*blobs[:2])
    with pytest.raises(ValueError, match="Input y contains NaN"):
        ValueSampler(ClassAgreement(), action="relabel").fit(np.eye(3), [0, 1, np.nan])
    with pytest.raises(ValueError, match='action="relabel" needs class labels'):
        ValueSampler(ClassAgreement(), action="relabel").fit_resample(*line)


def test_relabel_fits_a_neural_valuator_itself(blobs):
    X, y, is_flipped = blobs
    valuator = NDDVValuator(n_members=1, max_epochs=5, lr=0.03, random_state=0)
    sampler = ValueSampler(valuator.set_params(drop=0.2), action="relabel")
    changed = sampler.fit_resample(X, y)[1] != y
    assert changed[is_flipped].mean() > 0.5
    assert changed[~is_flipped].mean() < 0.1
    regression = ValueSampler(valuator.set_params(task="regression"), action="relabel")
    with pytest.raises(ValueError, match="NDDVValuator was fitted to real targets"):
        regression.fit_resample(X, y)


def test_relabel_checks_what_the_valuator_returns(blobs, monkeypatch):
    X, y, _ = blobs
    monkeypatch.setattr(
        ClassAgreement, "predict_class_values", lambda self, X: np.zeros((len(X), 2))
    )
    with pytest.raises(ValueError, match="predict_class_values returned shape"):
        ValueSampler(ClassAgreement(), action="relabel").fit_resample(X, y)


def test_prefit_uses_the_fitted_valuator_and_leaves_it_alone(blobs):
    X, y, _ = blobs
    valuator = Agreement(drop=0.25).fit(X, y)
    values = valuator.data_values_.copy()
    sampler = ValueSampler(valuator, prefit=True)
    # Labels that a refit would see.
    X_kept, y_kept = sampler.fit_resample(X, y[::-1])
    assert_array_equal(sampler.sample_indices_, valuator.get_support(indices=True))
    assert_array_equal(y_kept, y[::-1][valuator.get_support()])
    assert len(X_kept) == 90
    assert_array_equal(valuator.data_values_, values)
    assert sampler.valuator_ is not valuator


def test_prefit_needs_a_valuator_fitted_on_as_many_rows(blobs):
    X, y, _ = blobs
    with pytest.raises(NotFittedError, match="prefit=True needs a fitted valuator"):
        ValueSampler(Agreement(), prefit=True).fit(X, y)
    sampler = ValueSampler(Agreement().fit(X, y), prefit=True)
    with pytest.raises(
        ValueError, match="valuator was fitted on 120 rows, but X has 7"
    ):
        sampler.fit_resample(X[:7], y[:7])
    with pytest.raises(NotFittedError, match="prefit=True"):
        clone(sampler).fit(X, y)


def test_prefit_relabel_refuses_other_classes(blobs):
    X, y, _ = blobs
    sampler = ValueSampler(ClassAgreement().fit(X, y), prefit=True, action="relabel")
    with pytest.raises(ValueError, match=r"y has the labels \[5, 6, 7\]"):
        sampler.fit_resample(X, y + 5)


def test_frozen_valuator_survives_clone(blobs):
    X, y, _ = blobs
    frozen = FrozenEstimator(Agreement(drop=0.25).fit(X, y))
    expected = frozen.estimator.get_support(indices=True)
    for prefit in [False, True]:
        sampler = clone(ValueSampler(frozen, prefit=prefit)).fit(X, y)
        assert_array_equal(sampler.sample_indices_, expected)
    model = CuratedEstimator(Recorder(), frozen).fit(X, y)
    assert_array_equal(model.sample_indices_, expected)
    with pytest.raises(
        ValueError, match="valuator was fitted on 120 rows, but X has 7"
    ):
        CuratedEstimator(Recorder(), frozen).fit(X[:7], y[:7])


def test_sampler_in_pipeline_equals_removal_by_hand(blobs):
    X, y, _ = blobs
    y = np.array(["ant", "bee", "cat"])[y]
    pipe = make_resampling_pipeline(
        StandardScaler(), ValueSampler(Agreement()), LogisticRegression()
    ).fit(X, y)
    X_scaled = StandardScaler().fit_transform(X)
    X_kept, y_kept = Agreement().fit(X_scaled, y).filter(X_scaled, y)
    by_hand = LogisticRegression().fit(X_kept, y_kept)
    assert_allclose(pipe.predict_proba(X), by_hand.predict_proba(X_scaled))
    assert len(pipe.predict(X)) == len(X)
    assert_array_equal(clone(pipe).fit(X, y).predict(X), pipe.predict(X))
    assert_array_equal(pickle.loads(pickle.dumps(pipe)).predict(X), pipe.predict(X))


def test_sampler_in_pipeline_with_regression(line):
    X, y = line
    pipe = make_resampling_pipeline(
        StandardScaler(), ValueSampler(Agreement(drop=0.1)), LinearRegression()
    ).fit(X, y)
    assert len(pipe.predict(X)) == len(X)
    assert len(pipe[1].sample_indices_) == 81
    assert pipe.score(X[9:], y[9:]) > LinearRegression().fit(X, y).score(X[9:], y[9:])
    assert len(cross_val_score(pipe, X, y, cv=3)) == 3


@pytest.mark.parametrize("output", ["pandas", "polars"])
def test_sampler_in_pipeline_with_set_output(blobs, output):
    X, y, _ = blobs
    pipe = make_resampling_pipeline(
        StandardScaler(), ValueSampler(Agreement()), LogisticRegression()
    ).set_output(transform=output)
    pipe.fit(pd.DataFrame(X, columns=list("abcd")), y)
    assert_array_equal(pipe[1].feature_names_in_, list("abcd"))
    assert_array_equal(pipe[2].feature_names_in_, list("abcd"))
    assert_array_equal(pipe[:2].get_feature_names_out(), list("abcd"))


def test_sampler_in_pipeline_with_sparse_rows(blobs):
    X, y, _ = blobs
    steps = [("sample", ValueSampler(Agreement())), ("model", LogisticRegression())]
    dense = ResamplingPipeline(steps).fit(X, y).predict(X)
    assert_array_equal(
        ResamplingPipeline(steps).fit(sparse.csr_matrix(X), y).predict(X), dense
    )


def test_sampler_in_pipeline_with_memory(blobs, tmp_path):
    X, y, _ = blobs
    pipe = make_resampling_pipeline(
        StandardScaler(),
        ValueSampler(Agreement()),
        LogisticRegression(),
        memory=str(tmp_path),
    )
    first = pipe.fit(X, y).predict_proba(X)
    assert_array_equal(pipe.fit(X, y).predict_proba(X), first)
    assert_array_equal(
        pipe[1].sample_indices_,
        ValueSampler(Agreement()).fit(pipe[0].transform(X), y).sample_indices_,
    )


def test_sampler_in_grid_search_with_two_jobs(blobs):
    X, y, _ = blobs
    pipe = ResamplingPipeline(
        [("sample", ValueSampler(ClassAgreement())), ("model", LogisticRegression())]
    )
    grid = {"sample__valuator__drop": [0.0, 0.1], "sample__action": ["drop", "relabel"]}
    search = GridSearchCV(pipe, grid, cv=2, n_jobs=2).fit(X, y)
    serial = GridSearchCV(pipe, grid, cv=2).fit(X, y)
    assert_array_equal(
        search.cv_results_["mean_test_score"], serial.cv_results_["mean_test_score"]
    )
    assert len(search.best_estimator_.predict(X)) == len(X)


def _request_held_out(valuator):
    return valuator.set_fit_request(X_val=True, y_val=True)


def test_sampler_routes_held_out_rows_to_its_valuator(blobs):
    X, y, _ = blobs
    X, y, X_val, y_val = X[:80], y[:80], X[80:], y[80:]
    expected = Agreement().fit(X, y, X_val=X_val, y_val=y_val).data_values_
    assert np.any(expected != Agreement().fit(X, y).data_values_)
    sampler = ValueSampler(Agreement())
    sampler.fit_resample(X, y, X_val=X_val, y_val=y_val)
    assert_array_equal(sampler.valuator_.data_values_, expected)
    with config_context(enable_metadata_routing=True):
        sampler = ValueSampler(_request_held_out(Agreement()))
        sampler.fit_resample(X, y, X_val=X_val, y_val=y_val)
        assert_array_equal(sampler.valuator_.data_values_, expected)
        with pytest.raises(TypeError, match="nonsense"):
            sampler.fit_resample(X, y, nonsense=1)
    with pytest.raises(TypeError, match="nonsense"):
        ValueSampler(Agreement()).fit_resample(X, y, nonsense=1)


def test_pipelines_pass_held_out_rows_to_the_valuator(blobs):
    X, y, _ = blobs
    X, y, X_val, y_val = X[:80], y[:80], X[80:], y[80:]
    scaler = StandardScaler().fit(X)
    X_val_scaled = scaler.transform(X_val)
    expected = Agreement().fit(scaler.transform(X), y, X_val=X_val_scaled, y_val=y_val)
    with config_context(enable_metadata_routing=True):
        valuator = _request_held_out(Agreement())
        # imbalanced-learn 0.14 does not transform what goes to a sampler.
        sampling = make_resampling_pipeline(
            StandardScaler(), ValueSampler(valuator), LogisticRegression()
        ).fit(X, y, X_val=X_val_scaled, y_val=y_val)
        curated = make_pipeline(
            StandardScaler(),
            CuratedEstimator(LogisticRegression(), valuator),
            transform_input=["X_val"],
        ).fit(X, y, X_val=X_val, y_val=y_val)
    for step in [sampling[1], curated[1]]:
        assert_array_equal(step.valuator_.data_values_, expected.data_values_)


# --------------------------------------------------------------- CuratedEstimator


def test_curated_estimator_equals_removal_by_hand(blobs):
    X, y, _ = blobs
    model = CuratedEstimator(LogisticRegression(), Agreement()).fit(X, y)
    valuator = Agreement().fit(X, y)
    by_hand = LogisticRegression().fit(*valuator.filter(X, y))
    assert_array_equal(model.sample_indices_, valuator.get_support(indices=True))
    for method in [
        "predict",
        "predict_proba",
        "predict_log_proba",
        "decision_function",
    ]:
        assert_array_equal(getattr(model, method)(X), getattr(by_hand, method)(X))
    assert model.score(X, y) == by_hand.score(X, y)
    assert_array_equal(model.coef_, by_hand.coef_)
    assert_array_equal(model.classes_, by_hand.classes_)
    assert model.n_features_in_ == 4


def test_curated_estimator_resists_wrong_targets(line):
    X, y = line
    model = CuratedEstimator(Ridge(), Agreement(drop=0.1)).fit(X, y)
    assert model.score(X[9:], y[9:]) > Ridge().fit(X, y).score(X[9:], y[9:])


def test_curated_estimator_is_what_its_estimator_is():
    classifier = CuratedEstimator(LogisticRegression(), Agreement())
    regressor = CuratedEstimator(Ridge(), Agreement())
    assert is_classifier(classifier)
    assert not is_regressor(classifier)
    assert is_regressor(regressor)
    assert not is_classifier(regressor)
    assert not hasattr(regressor, "predict_proba")
    assert hasattr(classifier, "predict_proba")
    assert not hasattr(classifier, "transform")
    for name in ["classes_", "coef_", "feature_importances_"]:
        assert not hasattr(classifier, name)


def test_curated_estimator_delegates_what_its_estimator_has(blobs):
    X, y, _ = blobs
    lda = CuratedEstimator(LinearDiscriminantAnalysis(), Agreement()).fit(X, y)
    assert_array_equal(lda.transform(X), lda.estimator_.transform(X))
    forest = CuratedEstimator(RandomForestClassifier(5, random_state=0), Agreement())
    assert forest.fit(X, y).feature_importances_.shape == (4,)
    assert not hasattr(forest, "coef_")
    detector = CuratedEstimator(
        IsolationForest(n_estimators=5, random_state=0), Agreement()
    )
    detector.fit(X, y)
    assert_array_equal(detector.score_samples(X), detector.estimator_.score_samples(X))
    with pytest.raises(NotFittedError):
        clone(detector).score_samples(X)


@pytest.mark.parametrize("routing", [False, True])
def test_row_aligned_parameters_are_cut_with_the_rows(blobs, routing):
    X, y, _ = blobs
    weights, groups = np.arange(1.0, 121.0), [f"g{i}" for i in range(120)]
    with config_context(enable_metadata_routing=routing):
        recorder = Recorder()
        if routing:
            recorder.set_fit_request(sample_weight="weights", groups=True)
        model = CuratedEstimator(recorder, Agreement())
        name = "weights" if routing else "sample_weight"
        model.fit(X, y, **{name: weights, "groups": groups})
    rows = model.sample_indices_
    assert 0 < len(rows) < 120
    assert_array_equal(model.estimator_.sample_weight_, weights[rows])
    assert_array_equal(model.estimator_.groups_, np.array(groups)[rows])
    assert_array_equal(model.estimator_.X_, X[rows])
    assert_array_equal(model.estimator_.y_, y[rows])


def test_zero_weight_equals_absence(blobs):
    """Weights cut to the wrong rows would show here."""
    X, y, _ = blobs
    weights = (np.arange(120) % 3 > 0).astype(float)
    model = CuratedEstimator(LogisticRegression(tol=1e-8), Agreement())
    model.fit(X, y, sample_weight=weights)
    rows = model.sample_indices_[weights[model.sample_indices_] > 0]
    by_hand = LogisticRegression(tol=1e-8).fit(X[rows], y[rows])
    assert_allclose(model.predict_proba(X), by_hand.predict_proba(X), atol=1e-4)


def test_held_out_rows_go_to_the_valuator(blobs):
    X, y, _ = blobs
    X, y, X_val, y_val = X[:80], y[:80], X[80:], y[80:]
    expected = Agreement().fit(X, y, X_val=X_val, y_val=y_val).data_values_
    model = CuratedEstimator(Recorder(), Agreement()).fit(
        X, y, X_val=X_val, y_val=y_val
    )
    assert_array_equal(model.valuator_.data_values_, expected)
    assert model.estimator_.X_val_ is None
    with config_context(enable_metadata_routing=True):
        recorder = Recorder().set_fit_request(X_val=False, y_val=False)
        model = CuratedEstimator(recorder, _request_held_out(Agreement()))
        model.fit(X, y, X_val=X_val, y_val=y_val)
        assert_array_equal(model.valuator_.data_values_, expected)
        assert model.estimator_.X_val_ is None


def test_held_out_rows_are_not_cut_where_there_are_as_many_of_them(blobs):
    X, y, _ = blobs
    X, y, X_val, y_val = X[:60], y[:60], X[60:], y[60:]
    with config_context(enable_metadata_routing=True):
        model = CuratedEstimator(_request_held_out(Recorder()), Agreement(drop=0.1))
        model.estimator.set_fit_request(X_val=True, y_val=True)
        model.valuator.set_fit_request(X_val=False, y_val=False)
        model.fit(X, y, X_val=X_val, y_val=y_val)
        assert_array_equal(model.estimator_.X_val_, X_val)
        assert_array_equal(model.estimator_.y_val_, y_val)
        assert len(model.sample_indices_) == 54
        boosting = HistGradientBoostingClassifier(max_iter=2, early_stopping=True)
        boosting = _request_held_out(boosting)
        model.set_params(estimator=boosting).fit(X, y, X_val=X_val, y_val=y_val)
        assert len(model.predict(X)) == 60


def test_parameters_of_methods_reach_the_estimator(blobs):
    X, y, _ = blobs
    weights = np.arange(120.0)
    model = CuratedEstimator(LogisticRegression(), Agreement(drop=0.3)).fit(X, y)
    expected = model.estimator_.score(X, y, sample_weight=weights)
    assert model.score(X, y, sample_weight=weights) == expected
    with config_context(enable_metadata_routing=True):
        estimator = LogisticRegression().set_score_request(sample_weight=True)
        model = CuratedEstimator(estimator, Agreement(drop=0.3)).fit(X, y)
        assert model.score(X, y, sample_weight=weights) == expected
        with pytest.raises(TypeError, match="unexpected argument"):
            model.predict(X, nonsense=1)


def test_weights_by_rank_and_by_value(blobs):
    X, y, _ = blobs
    fit = partial(CuratedEstimator, Recorder(), Agreement(drop=0.1))
    for weighting in ["rank", "value"]:
        model = fit(weighting=weighting).fit(X, y)
        weights = model.estimator_.sample_weight_
        values = model.valuator_.data_values_[model.sample_indices_]
        assert weights.mean() == pytest.approx(1)
        assert weights.min() > 0
        if weighting == "rank":
            expected = rankdata(values)
        else:
            expected = (values - values.min()) / np.ptp(values)
            expected = 1 / len(values) + (1 - 1 / len(values)) * expected
        assert_allclose(weights / weights[0], expected / expected[0])


def test_equal_values_weigh_the_same(blobs):
    X, y, _ = blobs
    constant = FrozenEstimator(Agreement(drop=0.0).fit(X, y))
    constant.estimator.data_values_ = np.ones(120)
    for weighting in ["rank", "value"]:
        model = CuratedEstimator(Recorder(), constant, weighting=weighting).fit(X, y)
        assert_allclose(model.estimator_.sample_weight_, 1)


@pytest.mark.parametrize("routing", [False, True])
def test_own_weights_are_multiplied_in(blobs, routing):
    X, y, _ = blobs
    own = np.arange(1, 121)
    with config_context(enable_metadata_routing=routing):
        recorder = Recorder()
        if routing:
            recorder.set_fit_request(sample_weight=True)
        model = CuratedEstimator(recorder, Agreement(), weighting=lambda v: v + 2)
        model.fit(X, y, sample_weight=pd.Series(own))
    rows = model.sample_indices_
    expected = own[rows] * (model.valuator_.data_values_[rows] + 2)
    assert_allclose(model.estimator_.sample_weight_, expected)


@pytest.mark.parametrize(
    "weighting",
    [
        lambda values: values[:-1],
        lambda values: values[:, None],
        lambda values: np.full(len(values), np.nan),
        lambda values: np.full(len(values), -1.0),
        lambda values: np.zeros(len(values)),
        lambda values: ["a"] * len(values),
        lambda values: 1.0,
    ],
)
def test_callable_weighting_is_checked(blobs, weighting):
    with pytest.raises(ValueError, match=r"weighting=.*returned"):
        CuratedEstimator(Recorder(), Agreement(), weighting=weighting).fit(*blobs[:2])


class NeverFitted(Agreement):
    def _fit(self, X, y, X_val, y_val):
        raise AssertionError("the valuation was not to begin")


def test_what_the_estimator_would_refuse_is_refused_before_the_valuation(blobs):
    X, y, _ = blobs
    with pytest.raises(ValueError, match="weighting='rank' needs an estimator"):
        CuratedEstimator(KNeighborsClassifier(), NeverFitted(), weighting="rank").fit(
            X, y
        )
    pipe = make_pipeline(StandardScaler(), KNeighborsClassifier())
    with pytest.raises(ValueError, match="weighting='rank' needs an estimator"):
        CuratedEstimator(pipe, NeverFitted(), weighting="rank").fit(X, y)
    with pytest.raises(ValueError, match="sample_weight needs a fit that takes it"):
        CuratedEstimator(pipe, NeverFitted()).fit(X, y, sample_weight=np.ones(120))
    model = CuratedEstimator(LogisticRegression(), NeverFitted())
    with pytest.raises(TypeError, match="nonsense"):
        model.fit(X, y, nonsense=1)
    with pytest.raises(ValueError, match="sample_weight"):
        model.fit(X, y, sample_weight=np.ones(7))
    with pytest.raises(ValueError, match="Unknown label type"):
        model.fit(X, X[:, 0])


def test_weighting_reaches_a_pipeline_that_requests_it(blobs):
    X, y, _ = blobs
    with config_context(enable_metadata_routing=True):
        inner = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=False),
            Recorder().set_fit_request(sample_weight=True),
        )
        model = CuratedEstimator(inner, Agreement(), weighting="rank").fit(X, y)
    assert_allclose(
        model.estimator_[-1].sample_weight_.mean(),
        1,
    )


def test_curated_estimator_in_grid_search_with_two_jobs(blobs):
    X, y, _ = blobs
    y = np.array(["ant", "bee", "cat"])[y]
    pipe = make_pipeline(
        StandardScaler(), CuratedEstimator(KNeighborsClassifier(1), Agreement())
    )
    grid = {"curatedestimator__valuator__drop": [0.0, 0.1, "auto"]}
    search = GridSearchCV(pipe, grid, cv=2, n_jobs=2).fit(X, y)
    serial = GridSearchCV(pipe, grid, cv=2).fit(X, y)
    assert_array_equal(
        search.cv_results_["mean_test_score"], serial.cv_results_["mean_test_score"]
    )
    assert search.best_params_["curatedestimator__valuator__drop"] != 0.0
    assert set(search.predict(X)) == {"ant", "bee", "cat"}


def test_cross_validation_cuts_sample_weight_twice(blobs):
    X, y, _ = blobs
    model = CuratedEstimator(LogisticRegression(), Agreement())
    weights = {"sample_weight": np.arange(1.0, 121.0)}
    assert len(cross_val_score(model, X, y, cv=3, params=weights)) == 3


def test_set_params_clone_and_pickle(blobs):
    X, y, _ = blobs
    model = CuratedEstimator(LogisticRegression(), Agreement(), weighting="rank")
    model.set_params(valuator__drop=0.25, estimator__C=0.5).fit(X, y)
    assert len(model.sample_indices_) == 90
    copy = pickle.loads(pickle.dumps(model))
    assert_array_equal(copy.predict_proba(X), model.predict_proba(X))
    refit = clone(model).fit(X, y)
    assert_array_equal(refit.predict_proba(X), model.predict_proba(X))
    assert model.valuator.drop == 0.25
    assert not hasattr(model.valuator, "data_values_")
    assert not hasattr(model.estimator, "coef_")


@pytest.mark.parametrize(
    "to_X",
    [
        partial(pd.DataFrame, columns=list("abcd")),
        partial(pl.DataFrame, schema=list("abcd")),
        sparse.csr_array,
        sparse.coo_matrix,
    ],
    ids=["pandas", "polars", "csr_array", "coo_matrix"],
)
def test_curated_estimator_takes_any_container(blobs, to_X):
    X, y, _ = blobs
    expected = CuratedEstimator(LogisticRegression(), Agreement()).fit(X, y)
    X_in = to_X(X)
    model = clone(expected).fit(X_in, y)
    assert_allclose(model.predict_proba(X_in), expected.predict_proba(X), rtol=1e-3)
    if hasattr(X_in, "columns"):
        assert_array_equal(model.feature_names_in_, list("abcd"))
        assert_array_equal(model.estimator_.feature_names_in_, list("abcd"))


def test_curated_estimator_needs_an_estimator():
    with pytest.raises(TypeError, match="estimator"):
        CuratedEstimator()


def test_emptied_class_is_an_error(blobs):
    X, y, _ = blobs
    drop_first_class = Agreement(drop=lambda values: y != 0)
    with pytest.raises(ValueError, match="without rows"):
        CuratedEstimator(LogisticRegression(), drop_first_class).fit(X, y)
    with pytest.raises(ValueError, match="without rows"):
        ValueSampler(drop_first_class).fit_resample(X, y)


@pytest.mark.parametrize("bad", [KMeans(), "nddv", 3])
def test_a_valuator_must_be_a_valuator(blobs, bad):
    for model in [CuratedEstimator(Ridge(), bad), ValueSampler(bad)]:
        with pytest.raises(ValueError, match="'valuator' parameter"):
            model.fit(*blobs[:2])
