"""Amortized values: shrinkage by the formula, noise averaged out, rows never seen."""

import numpy as np
import pytest
import torch
from coalition_oracles import CentroidClassifier
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import make_classification, make_regression
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.tree import DecisionTreeRegressor

import skvalue
from skvalue import (
    AmortizedShapley,
    BetaShapley,
    DataBanzhaf,
    DataShapley,
    DistributionalShapley,
    ValueSampler,
)
from skvalue._torch.amortized.amortizer import AverageIterates
from skvalue.amortized._noisy_values import NoisyValues, default_source
from skvalue.amortized._statistics import (
    InfluenceColumns,
    combine,
    mixture_weight,
)

WALKS = {"sampler": "permutation", "tol": None, "cv": 2}


def problem(n_samples=200, n_classes=2, seed=0):
    X, y = make_classification(
        n_samples,
        5,
        n_informative=4,
        n_redundant=0,
        n_classes=n_classes,
        n_clusters_per_class=1,
        class_sep=1.5,
        random_state=seed,
    )
    y[: n_samples // 8] = (y[: n_samples // 8] + 1) % n_classes
    return X, y


class Pretended(DataShapley):
    """Labels that are a known function of the row and its class, plus noise."""

    def __init__(
        self, noise=0.0, bias=0.0, max_evaluations=None, n_jobs=None, random_state=None
    ):
        super().__init__(
            max_evaluations=max_evaluations, n_jobs=n_jobs, random_state=random_state
        )
        self.noise = noise
        self.bias = bias

    def _fit(self, X, y, X_val, y_val):
        rng = np.random.default_rng(self.random_state)
        self.data_values_ = truth(X, y) + self.noise * rng.normal(size=len(y))
        self.data_values_ += self.bias * (X[:, 0] > 0)
        self.n_evaluations_ = self.max_evaluations or 500


def truth(X, y):
    return np.tanh(X[:, 0]) * (2 * y - 1) + 0.3 * X[:, 1]


# ------------------------------------------------------------------- the arithmetic


def test_combination_is_the_posterior_mean():
    """With known variances on many rows the weight is tau^2 / (tau^2 + sigma^2)."""
    rng = np.random.default_rng(0)
    value = rng.normal(size=200_000)
    prediction = value + 0.5 * rng.normal(size=len(value))
    labels = NoisyValues(
        value + rng.normal(size=len(value)),
        value + 2 * rng.normal(size=len(value)),
        n_first=400,
        n_second=100,
    )
    # Variances 1 and 4 of the labels are 0.8 of their pooled mean, and tau^2 is 0.25.
    assert labels.pooled_variance == pytest.approx(0.8, rel=0.02)
    assert np.var(labels.pooled - value) == pytest.approx(0.8, rel=0.02)
    combined, weight, variance = combine(labels, prediction, prediction)
    assert weight == pytest.approx(0.25 / 1.05, rel=0.06)
    assert variance == pytest.approx(0.25 * 0.8 / 1.05, rel=0.06)
    assert np.var(combined - value) == pytest.approx(variance, rel=0.06)


def test_the_mixture_follows_the_better_model():
    rng = np.random.default_rng(3)
    value = rng.normal(size=20_000)
    good, bad = (value + sd * rng.normal(size=len(value)) for sd in (0.3, 0.9))
    second = value + 2 * rng.normal(size=len(value))
    labels = NoisyValues(second, second, 1, 1)
    # Independent errors mix best by their precisions: .81 to .09.
    assert mixture_weight(labels, good, bad) == pytest.approx(0.9, abs=0.06)
    assert mixture_weight(labels, bad, good) == pytest.approx(0.1, abs=0.06)
    # Labels that know nothing leave the prior.
    noise = NoisyValues(second, 1e6 * rng.normal(size=len(value)), 1, 1)
    assert mixture_weight(noise, good, bad) == pytest.approx(0.25, abs=1e-3)
    assert mixture_weight(labels, good, good) == 0.25


def test_labels_without_noise_are_the_values():
    label = np.array([1.0, 2.0, 3.0])
    labels = NoisyValues(label, label, 10, 10)
    combined, weight, variance = combine(labels, np.zeros(3), np.zeros(3))
    assert_array_equal(combined, label)
    assert (weight, variance) == (1.0, 0.0)


def test_a_perfect_prediction_is_kept():
    rng = np.random.default_rng(1)
    value = rng.normal(size=5000)
    noise = rng.normal(size=(2, 5000))
    combined, weight, _ = combine(NoisyValues(*(value + noise), 5, 5), value, value)
    assert weight < 0.05
    assert_allclose(combined, value, atol=0.2)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_influences_are_residuals_times_features(n_classes):
    X, y = problem(n_classes=n_classes)
    columns = InfluenceColumns(X, y, n_classes)
    model = LogisticRegression(max_iter=1000).fit(X / np.sqrt(5), y)
    residual = np.eye(n_classes)[y] - model.predict_proba(X / np.sqrt(5))
    residual = residual[:, 1:] if n_classes == 2 else residual
    n_residuals = residual.shape[1]
    found = columns.transform(X, y)
    assert found.shape == (200, n_residuals * (1 + 5) + n_classes + 5)
    assert_allclose(found[:, :n_residuals], residual, atol=1e-6)
    assert_allclose(found[:, n_residuals:][:, :5], residual[:, :1] * X, atol=1e-5)
    assert_allclose(found[:, -5:], 0.1 * X)


def test_many_features_become_principal_components(monkeypatch):
    X, y = problem(n_classes=3)
    whole = InfluenceColumns(X, y, 3).transform(X, y)
    monkeypatch.setattr(skvalue.amortized._statistics, "MAX_PRODUCTS", 15)
    assert_array_equal(InfluenceColumns(X, y, 3).transform(X, y), whole)
    monkeypatch.setattr(skvalue.amortized._statistics, "MAX_PRODUCTS", 9)
    columns = InfluenceColumns(X, y, 3)
    found = columns.transform(X, y)
    assert found.shape == (200, 3 * (1 + 3) + 3 + 3)
    components = PCA(3).fit(X)
    assert_allclose(np.abs(10 * found[:, -3:]), np.abs(components.transform(X)))
    # Few rows are quick to fit, whatever their columns.
    few = slice(0, 9)
    assert InfluenceColumns(X[few], y[few], 3).transform(X, y).shape == whole.shape


def test_influences_of_a_real_target_have_its_square():
    X, y = make_regression(50, 3, noise=3.0, random_state=0)
    y = (y - y.mean()) / y.std()
    found = InfluenceColumns(X, y, None).transform(X, y)
    assert found.shape == (50, 1 + 3 + 1 + 1 + 3)
    assert_allclose(found[:, 1:4], found[:, :1] * X)
    assert_allclose(found[:, 4], found[:, 0] ** 2)
    assert_allclose(found[:, 5], 0.1 * y)


def test_first_order_influences_are_linear_in_the_columns():
    """A gradient step on a row, along any direction of held-out loss."""
    X, y = problem()
    columns = InfluenceColumns(X, y, 2)
    model = LogisticRegression(max_iter=1000).fit(X / np.sqrt(5), y)
    direction = np.random.default_rng(0).normal(size=6)
    gradient = (y - model.predict_proba(X / np.sqrt(5))[:, 1])[:, None]
    influence = np.hstack([gradient, gradient * X]) @ direction
    # The first six columns; the others are not needed.
    fitted = columns.transform(X, y)[:, :6] @ direction
    assert_allclose(fitted, influence, atol=1e-4)


def test_averaged_iterates_are_weighted_by_their_number():
    class Net:
        module_ = torch.nn.Linear(1, 1, bias=False)

    average = AverageIterates()
    average.on_train_begin(Net)
    iterates = [3.0, -1.0, 4.0, 1.0]
    for value in iterates:
        torch.nn.init.constant_(Net.module_.weight, value)
        average.on_batch_end(Net, training=True)
        average.on_batch_end(Net, training=False)
    expected = np.average(iterates, weights=[1, 2, 3, 4])
    assert average.module_.weight.item() == pytest.approx(expected)


# ------------------------------------------------------------------------ denoising


@pytest.mark.parametrize("regressor", ["auto", "net", "ridge"])
def test_noise_averages_out_and_new_rows_are_valued(regressor):
    X, y = problem(700)
    valuator = AmortizedShapley(
        Pretended(noise=1.0), regressor=regressor, random_state=0
    ).fit(X[:500], y[:500])
    r = {
        name: np.corrcoef(values, truth(X[:500], y[:500]))[0, 1]
        for name, values in {
            "labels": valuator.noisy_values_,
            "predictions": valuator.amortized_values_,
            "values": valuator.data_values_,
        }.items()
    }
    assert r["labels"] < 0.75
    assert r["predictions"] > r["labels"] + 0.1
    assert r["values"] > r["predictions"] - 0.02
    new = valuator.predict_values(X[500:], y[500:])
    assert np.corrcoef(new, truth(X[500:], y[500:]))[0, 1] > 0.8


def test_bias_does_not_average_out():
    X, y = problem(500)
    valuator = AmortizedShapley(
        Pretended(noise=0.3, bias=5.0), regressor="net", random_state=0
    ).fit(X, y)
    error = valuator.amortized_values_ - truth(X, y)
    assert error[X[:, 0] > 0].mean() > 3
    assert abs(error[X[:, 0] <= 0].mean()) < 1


def test_precise_labels_are_hardly_moved():
    X, y = problem(300)
    valuator = AmortizedShapley(Pretended(noise=1e-4), random_state=0).fit(X, y)
    assert valuator.noisy_weight_ > 0.99
    assert_allclose(valuator.data_values_, valuator.noisy_values_, atol=1e-3)


def test_without_combination_the_values_are_the_predictions():
    X, y = problem(3000)
    valuator = AmortizedShapley(
        Pretended(noise=1.0), combine=False, regressor="ridge", random_state=0
    ).fit(X, y)
    assert_array_equal(valuator.data_values_, valuator.amortized_values_)
    assert_allclose(valuator.predict_values(X, y), valuator.data_values_, atol=1e-12)
    assert valuator.noisy_weight_ == 0
    error = np.sqrt(np.mean((valuator.data_values_ - truth(X, y)) ** 2))
    assert valuator.data_values_stderr_[0] == pytest.approx(error, rel=0.35)


# -------------------------------------------------------------- real label valuators


SOURCES = {
    "shapley": DataShapley(max_evaluations=2000, **WALKS),
    "beta": BetaShapley(max_evaluations=2000, **WALKS),
    "banzhaf": DataBanzhaf(max_evaluations=400, cv=2, tol=None),
    "distributional": DistributionalShapley(
        min_coalition_size=20, max_coalition_size=50, max_evaluations=60, cv=2
    ),
}


@pytest.mark.parametrize("name", SOURCES)
def test_any_monte_carlo_valuator_gives_labels(name):
    X, y = problem()
    valuator = AmortizedShapley(SOURCES[name], regressor="ridge", random_state=0).fit(
        X, y
    )
    assert valuator.data_values_[:25].mean() < valuator.data_values_[25:].mean()
    assert valuator.n_evaluations_ > valuator.valuator_.n_evaluations_
    assert not np.array_equal(valuator.valuator_.data_values_, valuator.noisy_values_)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_class_values_and_relabelling(n_classes):
    X, y = problem(n_classes=n_classes)
    names = np.array(["a", "b", "c"])[y]
    valuator = AmortizedShapley(
        SOURCES["shapley"], drop=0.1, max_epochs=(5,), random_state=0
    ).fit(X, names)
    values = valuator.predict_class_values(X)
    own = values[np.arange(len(y)), y]
    assert_allclose(own, valuator.predict_values(X, names), atol=1e-12)
    assert_allclose(own, valuator.amortized_values_, atol=1e-12)
    relabelled = valuator.relabel(X, names)
    kept = valuator.get_support()
    assert_array_equal(relabelled[kept], names[kept])
    best = valuator.classes_[values[~kept].argmax(axis=1)]
    assert_array_equal(relabelled[~kept], best)
    sampler = ValueSampler(valuator, action="relabel", prefit=True)
    assert_array_equal(sampler.fit_resample(X, names)[1], relabelled)


def test_a_sampler_relabels_by_amortized_values():
    X, y = problem()
    true = y.copy()
    true[:25] = 1 - true[:25]
    valuator = AmortizedShapley(
        SOURCES["shapley"], regressor="ridge", drop=0.1, random_state=0
    )
    X_out, y_out = ValueSampler(valuator, action="relabel").fit_resample(X, y)
    assert_array_equal(X_out, X)
    assert np.mean(y_out == true) > np.mean(y == true) + 0.05


def test_many_rows_are_valued_in_chunks(monkeypatch):
    X, y = problem(300, n_classes=3)
    valuator = AmortizedShapley(Pretended(noise=0.5), max_epochs=(3,), random_state=0)
    valuator.fit(X[:200], y[:200])
    values = valuator.predict_values(X, y), valuator.predict_class_values(X)
    monkeypatch.setattr(skvalue.utils._chunks, "CHUNK_ELEMENTS", 150)
    chunked = valuator.predict_values(X, y), valuator.predict_class_values(X)
    assert_allclose(chunked[0], values[0], atol=1e-6)
    assert_allclose(chunked[1], values[1], atol=1e-6)


def test_regression_takes_the_target_as_an_input():
    X, y = make_regression(120, 4, noise=5.0, random_state=0)
    y[:6] += 400
    source = DataShapley(Ridge(), max_evaluations=1300, **WALKS)
    valuator = AmortizedShapley(source, max_epochs=(5,), random_state=0).fit(X, y)
    assert not hasattr(valuator, "predict_class_values")
    assert valuator.data_values_[:6].mean() < valuator.data_values_[6:].mean()
    assert_allclose(valuator.predict_values(X, y), valuator.amortized_values_)


class SmallConvolution(torch.nn.Module):
    def __init__(self, n_outputs):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(1, 4, 3),
            torch.nn.ReLU(),
            torch.nn.Flatten(),
            torch.nn.Dropout(0.1),
            torch.nn.Linear(4 * 4 * 4, n_outputs),
        )

    def forward(self, X):
        return self.layers(X)


def test_a_module_sees_images_and_the_labels_flat_rows():
    rng = np.random.default_rng(0)
    y = np.arange(80) % 2
    X = rng.normal(size=(80, 1, 6, 6)) + y[:, None, None, None]
    source = DataShapley(CentroidClassifier(), max_evaluations=400, **WALKS)
    before = torch.random.get_rng_state().clone(), np.random.get_state()[1].copy()
    first, second = (
        AmortizedShapley(
            source, module=SmallConvolution, max_epochs=(2,), random_state=0
        ).fit(X, y)
        for _ in range(2)
    )
    assert_array_equal(first.data_values_, second.data_values_)
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert_array_equal(np.random.get_state()[1], before[1])
    assert first.valuator_.n_features_in_ == 36
    assert first.predict_class_values(X[:3]).shape == (3, 2)


def test_any_regressor_predicts():
    X, y = problem()
    valuator = AmortizedShapley(
        Pretended(noise=0.5), regressor=DecisionTreeRegressor(max_depth=3)
    ).fit(X, y)
    assert isinstance(valuator.regressor_, DecisionTreeRegressor)
    assert not hasattr(valuator, "net_")


def test_a_checkpoint_keeps_both_sets_of_labels(tmp_path):
    X, y = problem(60)
    path = tmp_path / "labels"
    source = DataShapley(CentroidClassifier(), max_evaluations=600, **WALKS)
    plain, saved, resumed = (
        AmortizedShapley(
            source if checkpoint is None else source.set_params(checkpoint=checkpoint),
            regressor="ridge",
            random_state=0,
        )
        .fit(X, y)
        .data_values_
        for checkpoint in (None, str(path), str(path))
    )
    assert_array_equal(saved, plain)
    assert_array_equal(resumed, plain)
    assert {file.name for file in tmp_path.iterdir()} == {"labels", "labels.validation"}


def test_the_label_valuator_sees_transformed_rows():
    rng = np.random.default_rng(0)
    y = np.arange(80) % 2
    X = rng.normal(size=(80, 1, 6, 6)) + y[:, None, None, None]
    held_out = {"X_val": X[60:], "y_val": y[60:]}
    source = DataShapley(max_evaluations=400, sampler="permutation", tol=None)
    valuator = AmortizedShapley(
        source,
        module=SmallConvolution,
        valuator_transformer=PCA(4),
        max_epochs=(2,),
        random_state=0,
    ).fit(X[:60], y[:60], **held_out)
    flat = X.reshape(80, -1)
    transformer = PCA(4, random_state=valuator.valuator_transformer_.random_state)
    columns = transformer.fit_transform(flat[:60])
    seed = valuator.valuator_.random_state
    alone = clone(source).set_params(random_state=seed)
    alone.fit(columns, y[:60], X_val=transformer.transform(flat[60:]), y_val=y[60:])
    assert_array_equal(valuator.valuator_.data_values_, alone.data_values_)
    assert valuator.predict_values(X[60:], y[60:]).shape == (20,)
    valuator.set_params(valuator_transformer=None).fit(X[:60], y[:60], **held_out)
    assert not hasattr(valuator, "valuator_transformer_")
    assert valuator.valuator_.n_features_in_ == 36


@pytest.mark.parametrize("random_state", [0, None])
def test_a_warm_start_is_one_long_fit(random_state):
    X, y = problem(60)
    source = DataShapley(CentroidClassifier(), max_evaluations=200, **WALKS)
    settings = {"regressor": "ridge", "random_state": random_state}
    warm = AmortizedShapley(source, warm_start=True, **settings).fit(X, y)
    few = warm.data_values_
    n_few = warm.n_evaluations_
    warm.set_params(valuator__max_evaluations=900).fit(X, y)
    assert warm.n_evaluations_ > n_few
    assert not np.array_equal(warm.data_values_, few)
    if random_state is not None:
        long = AmortizedShapley(source, **settings).fit(X, y)
        assert_array_equal(warm.data_values_, long.data_values_)
        assert warm.n_evaluations_ == long.n_evaluations_
        with pytest.raises(ValueError, match="random_state=1"):
            warm.set_params(random_state=1).fit(X, y)
        warm.set_params(random_state=0)
    with pytest.raises(ValueError, match="warm_start"):
        warm.fit(X + 1, y)
    warm.set_params(warm_start=False).fit(X + 1, y)


def test_one_contribution_a_row_is_enough():
    X, y = problem(200)
    source = DataShapley(sampler="single_permutation", max_evaluations=206, tol=None)
    valuator = AmortizedShapley(source, regressor="ridge", random_state=0)
    valuator.fit(X, y, X_val=X[:50], y_val=y[:50])
    # 196 fits of one walk, and two for each of the five rows that begin it; twice.
    assert valuator.n_evaluations_ == 2 * 206


# ------------------------------------------------------------ other sources of values


def noisy_pair(X, y, sds=(0.5, 1.0), seed=0):
    rng = np.random.default_rng(seed)
    return [truth(X, y) + sd * rng.normal(size=len(y)) for sd in sds]


def test_noisy_values_may_be_given():
    X, y = problem(400)
    first, second = noisy_pair(X, y)
    before = first.copy(), second.copy()
    valuator = AmortizedShapley(regressor="ridge", random_state=0)
    # Variances are to each other as 1 to 4: so are evaluations, the other way round.
    valuator.fit(X, y, noisy_values=(first, second, (400, 100)))
    assert_array_equal(first, before[0])
    assert_array_equal(second, before[1])
    assert_allclose(valuator.noisy_values_, 0.8 * first + 0.2 * second)
    assert not hasattr(valuator, "valuator_")
    assert valuator.n_evaluations_ == 0
    errors = [
        np.mean((values - truth(X, y)) ** 2)
        for values in (valuator.data_values_, valuator.noisy_values_)
    ]
    assert errors[0] < 0.7 * errors[1]
    # What was given is not remembered.
    valuator.set_params(valuator=Pretended()).fit(X, y)
    assert hasattr(valuator, "valuator_")


def test_a_kept_fit_is_that_of_the_same_noisy_values(tmp_path):
    X, y = problem(60)
    first, second, third = noisy_pair(X, y, (0.5, 1.0, 1.0))

    def values(*given):
        valuator = AmortizedShapley(regressor="ridge", random_state=0, memory=tmp_path)
        return valuator.fit(X, y, noisy_values=given).data_values_

    once, other, again = (values(first, each) for each in (second, third, second))
    assert_array_equal(once, again)
    assert not np.array_equal(once, other)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros(3), "noisy_values must be a pair"),
        ((np.zeros(200), np.zeros(199)), r"noisy_values\[1\] has shape"),
        ((np.full(200, np.nan), np.zeros(200)), r"noisy_values\[0\]"),
        ((np.arange(200.0), np.arange(200.0)), "noisy_values holds the same"),
        ((np.arange(200.0), np.zeros(200), (1, 0)), r"noisy_values\[2\]"),
    ],
)
def test_noisy_values_that_are_none_are_refused(given, message):
    X, y = problem()
    with pytest.raises(ValueError, match=message):
        AmortizedShapley(random_state=0).fit(X, y, noisy_values=given)


class Oracle(BaseEstimator):
    """Values from anywhere, by an object that is none of this library's."""

    def __init__(self, max_evaluations=400, random_state=None):
        self.max_evaluations = max_evaluations
        self.random_state = random_state

    def fit(self, X, y):
        rng = np.random.default_rng(self.random_state)
        noise = 10 / np.sqrt(self.max_evaluations) * rng.normal(size=len(y))
        self.data_values_ = truth(X, y) + noise
        return self


def test_any_object_that_makes_noisy_values_is_a_source():
    X, y = problem(400)
    valuator = AmortizedShapley(Oracle(), regressor="ridge", random_state=0).fit(X, y)
    # A sixth of all evaluations goes to the second values.
    assert valuator.n_evaluations_ == 480
    error = np.mean((valuator.data_values_ - truth(X, y)) ** 2)
    assert error < 0.7 * np.mean((valuator.noisy_values_ - truth(X, y)) ** 2)


def test_the_default_source_follows_the_cost():
    """Walks are for models whose steps are cheap."""
    assert default_source(2, 50).sampler == "single_permutation"
    assert default_source(None, 50).sampler == "single_permutation"
    several = default_source(10, 64)
    assert several.sampler == "shared" and several.estimator is None
    assert isinstance(default_source(10, 5000).estimator, RidgeClassifier)
    X, y = problem(60, n_classes=3)
    valuator = AmortizedShapley(regressor="ridge", random_state=0).fit(X, y)
    assert valuator.valuator_.sampler == "shared"
    assert valuator.n_evaluations_ == 90
