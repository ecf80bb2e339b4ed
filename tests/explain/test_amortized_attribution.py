"""Amortized attributions: shrinkage by the formula, noise averaged out, unseen rows."""

import pickle

import joblib
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import comb
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    check_set_output_transform,
    check_transformer_get_feature_names_out,
    parametrize_with_checks,
)

from skvalue import AmortizedAttribution, FeatureAttribution
from skvalue._torch.attribution.training import CoalitionError, Residuals
from skvalue.explain._effects import Effects, unit_norm
from skvalue.explain._noisy_attributions import Noisy, deal, designs_of
from skvalue.explain._shrinkage import (
    combine,
    combine_three,
    efficient,
    error_moments,
    least_error_weights,
    variances,
)

QUICK = {"cv": 2, "max_epochs": 4, "random_state": 0}
D = 8
X = np.random.default_rng(0).normal(size=(150, D))
WEIGHTS = np.random.default_rng(1).normal(size=(D, 6))


def two_layers(rows):
    """A function with interactions, such as a small network computes."""
    hidden = np.tanh(np.asarray(rows, dtype=float) @ WEIGHTS)
    return hidden @ [1.0, -2.0, 1.5, 1.0, -1.0, 2.0] + hidden[:, 0] * hidden[:, 1]


def two_outputs(rows):
    return np.column_stack([two_layers(rows), np.asarray(rows)[:, 0]])


def noisy(method="permutation", n_samples=2 * D, function=two_layers):
    return FeatureAttribution(function, method=method, n_samples=n_samples)


def truth(rows, background, function=two_layers, method="kernel_shap"):
    exact = FeatureAttribution(function, method=method, n_samples=2**D)
    return exact.fit(background).transform(rows)


def squared_error(found, true):
    return float(((found - true) ** 2).sum(axis=1).mean())


# ------------------------------------------------------------------- the arithmetic


def test_combination_is_the_posterior_mean():
    rng = np.random.default_rng(0)
    shape = (20_000, 3, 1)
    value = rng.normal(size=shape)
    error, noise = (np.array(v).reshape(3, 1) for v in ([0.5, 1, 2], [1.0, 2.0, 4.0]))
    predictions = value + np.sqrt(error) * rng.normal(size=shape)
    first, second = (value + np.sqrt(noise) * rng.normal(size=shape) for _ in range(2))
    found = variances(first, predictions, noise)
    assert_allclose(found[0], noise, rtol=0.05)
    assert_allclose(found[1], error, rtol=0.1)
    # Noise in all beyond what the residuals show leaves nothing to the predictions.
    assert_array_equal(variances(first, predictions, 9 * noise)[1], np.zeros((3, 1)))
    once, variance = combine(first, np.ones(20_000), predictions, noise, error, None)
    # sigma^2 tau^2 / (sigma^2 + tau^2), with tau^2 / sigma^2 = 1/2 everywhere.
    assert_allclose(variance[0], noise / 3)
    assert_allclose(once, predictions + (first - predictions) / 3)
    assert_allclose(np.mean((once - value) ** 2, axis=0), noise / 3, rtol=0.05)
    mean = (first + second) / 2
    _, variance = combine(mean, np.full(20_000, 2.0), predictions, noise, error, None)
    assert_allclose(variance[0], noise / 4)


def test_three_related_estimates_are_weighted_by_their_errors():
    """Errors of two are related by their draws, of two others by their bias."""
    rng = np.random.default_rng(0)
    n_rows, shape = 40_000, (2, 1)
    value, common, draw, own, more = rng.normal(size=(5, n_rows, *shape))
    noisy = value + 1.2 * draw + 0.5 * own
    posterior = value + 0.6 * draw + 0.7 * common
    predictions = value + 0.9 * common + 0.4 * more
    errors = np.stack([noisy, posterior, predictions]) - value
    noise, shared = np.full(shape, 1.2**2 + 0.5**2), np.full(shape, 1.2 * 0.6)
    moments = error_moments(noisy, posterior, predictions, noise, shared)
    exact = np.array([[1.69, 0.72, 0], [0.72, 0.85, 0.63], [0, 0.63, 0.97]])
    assert_allclose(moments, np.repeat(exact, 2).reshape(3, 3, *shape), atol=0.06)
    weights = least_error_weights(moments)[..., 0, 0]
    best = np.linalg.solve(exact, np.ones(3))
    # The best of all would subtract the second; the best that does not leaves it out.
    assert best[1] < 0 == weights[1]
    assert weights[0] == pytest.approx(0.97 / (0.97 + 1.69), abs=0.02)
    drawn = Noisy(noisy, noise, np.arange(0), noisy[:0], 0.0, posterior, shared)
    combined, variance, weights = combine_three(drawn, predictions, None)
    error = np.mean((combined - value) ** 2, axis=0)
    assert np.all(error < 1.01 * np.mean(errors**2, axis=1).min(axis=0))
    assert_allclose(variance[0], error, rtol=0.05)


@pytest.mark.parametrize("seed", range(20))
def test_weights_of_least_error_are_found(seed):
    """Against all weights of a fine grid."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(3, 2 if seed % 4 == 0 else 3))
    moments = root @ root.T
    grid = np.array(
        [(i, j, 60 - i - j) for i in range(61) for j in range(61 - i)], dtype=float
    )
    grid /= 60
    weights = least_error_weights(moments)
    assert weights.sum() == pytest.approx(1) and weights.min() >= 0
    least = np.einsum("gi,ij,gj->g", grid, moments, grid).min()
    assert weights @ moments @ weights <= least + 1e-12


def test_attributions_without_noise_are_kept():
    noisy_values, guess = np.ones((4, 2, 1)), np.zeros((4, 2, 1))
    zero = np.zeros((2, 1))
    noise, error = variances(noisy_values, guess, zero)
    assert_array_equal(noise, zero)
    combined, variance = combine(noisy_values, np.ones(4), guess, noise, error, None)
    assert_array_equal(combined, noisy_values)
    assert_array_equal(variance, np.zeros((4, 2, 1)))


def test_the_less_certain_move_more_towards_the_total():
    attributions = np.array([[[1.0], [2.0], [3.0]]])
    variance = np.array([[[0.0], [1.0], [3.0]]])
    total = np.array([[10.0]])
    assert_allclose(
        efficient(attributions, total, variance).ravel(), [1.0, 2.0 + 1.0, 3.0 + 3.0]
    )
    assert_allclose(
        efficient(attributions, total, 0 * variance).ravel(),
        np.array([1.0, 2.0, 3.0]) + 4 / 3,
    )
    assert efficient(attributions, None) is attributions


@pytest.mark.parametrize("n_rows", [2, 7, 39, 80, 1000])
def test_rows_that_share_coalitions_share_a_fold(n_rows):
    folds = deal(n_rows, 5)
    assert_array_equal(np.sort(np.concatenate(folds)), np.arange(n_rows))
    assert all(len(fold) for fold in folds)
    designs = [set(fold // designs_of(n_rows)) for fold in folds]
    assert sum(map(len, designs)) == len(set.union(*designs))


def test_effects_are_those_of_single_columns():
    attribution = noisy(function=two_outputs).fit(X)
    effects = Effects.of(attribution, X[:5], controls=True)
    mean = X.mean(axis=0)
    for j in range(D):
        alone, missing = np.tile(mean, (5, 1)), X[:5].copy()
        alone[:, j], missing[:, j] = X[:5, j], mean[j]
        empty = two_outputs(mean[None])
        assert_allclose(effects.add_one[:, j], two_outputs(alone) - empty)
        assert_allclose(
            effects.leave_one_out[:, j], two_outputs(X[:5]) - two_outputs(missing)
        )
    baseline = effects.baseline((D, 2), True, False)
    assert_allclose(baseline.sum(axis=1), effects.total)
    drawn = attribution._draw(X[:5], 0, effects=True)
    assert_allclose(drawn.add_one, effects.add_one)
    assert_allclose(drawn.leave_one_out, effects.leave_one_out)


# ------------------------------------------------------------------- exact and denoised


def test_an_additive_model_is_recovered():
    coefficients = np.arange(1.0, D + 1)
    model = LinearRegression().fit(X, X @ coefficients + 3)
    explainer = AmortizedAttribution(noisy(function=model), **QUICK).fit(X[:80])
    expected = (X - X[:80].mean(axis=0)) * coefficients
    assert_allclose(explainer.transform(X), expected, atol=1e-9)
    assert_allclose(explainer.combined_attributions_, expected[:80], atol=1e-9)
    assert explainer._models.n_epochs == [0, 0]


@pytest.mark.parametrize("controls", [True, False])
def test_noise_averages_out(controls):
    explainer = AmortizedAttribution(
        noisy(n_samples=4 * D),
        controls=controls,
        cv=3,
        max_epochs=15,
        lr=3e-3,
        random_state=0,
    ).fit(X[:120])
    true = truth(X, X[:120])
    errors = {
        name: squared_error(getattr(explainer, f"{name}_attributions_"), true[:120])
        for name in ("noisy", "amortized", "combined")
    }
    assert errors["combined"] < (0.7 if controls else 0.9) * errors["noisy"]
    assert errors["combined"] < errors["amortized"]
    # The errors that the explainer estimates are those it has.
    assert explainer.noise_variance_.sum() == pytest.approx(errors["noisy"], rel=0.5)
    # That of the predictions is a small difference of large numbers.
    assert explainer.prediction_variance_.sum() < 2 * errors["amortized"]
    assert explainer.combined_variance_.sum() < errors["noisy"] * 1.2
    if controls:
        assert squared_error(explainer.transform(X[120:]), true[120:]) < errors["noisy"]
    assert explainer.n_evaluations_ <= 2 + 4 * D + 2 * controls * D


def test_the_combination_is_no_worse_than_what_it_is_made_of():
    explainer = AmortizedAttribution(
        noisy("regression", 4 * D), regressor="ridge", random_state=0
    ).fit(X)
    true = truth(X, X)
    errors = {
        name: squared_error(getattr(explainer, f"{name}_attributions_"), true)
        for name in ("noisy", "posterior", "amortized", "combined")
    }
    assert errors["posterior"] < errors["noisy"]
    assert errors["combined"] < 1.02 * min(errors.values())
    weights = explainer.noisy_weight_ + explainer.posterior_weight_
    assert np.all(explainer.posterior_weight_ >= 0) and np.all(weights <= 1 + 1e-12)
    assert explainer.combined_variance_.sum() == pytest.approx(
        errors["combined"], rel=0.5
    )
    # Coalitions of one column are those of the controls.
    assert explainer.n_evaluations_ < 2 + 4 * D + D


def test_a_draw_that_does_not_tell_its_error_is_repeated():
    """One pair of permutations has no standard error."""
    explainer = AmortizedAttribution(
        noisy(), controls=False, regressor="ridge", random_state=0
    ).fit(X)
    true = truth(X, X)
    # 14 evaluations of a pair, and once more of 20 of 150 rows.
    assert explainer.n_evaluations_ == pytest.approx(16 * (1 + 20 / 150))
    before = squared_error(explainer.noisy_attributions_, true)
    assert squared_error(explainer.combined_attributions_, true) < before
    assert explainer.noise_variance_.sum() == pytest.approx(before, rel=0.5)


def test_the_least_error_of_single_rows_is_kept():
    """Errors of the Gaussian process are no noise: shrinking it would do harm."""
    explainer = AmortizedAttribution(
        two_layers, n_samples=4 * D, regressor="ridge", random_state=0
    ).fit(X)
    assert explainer.attribution_.method_ == "gaussian_process"
    assert_array_equal(explainer.combined_attributions_, explainer.noisy_attributions_)
    assert_array_equal(explainer.noisy_weight_, np.ones(D))
    assert not hasattr(explainer, "posterior_attributions_")
    true = truth(X, X)
    unbiased = clone(explainer).set_params(attribution=noisy("regression", 4 * D))
    unbiased.fit(X)
    for name in ("combined", "noisy"):
        found = (getattr(e, f"{name}_attributions_") for e in (explainer, unbiased))
        assert squared_error(next(found), true) < squared_error(next(found), true)
    # The score is measured without bias all the same.
    error = squared_error(explainer.transform(X), true)
    assert explainer.score(X) == pytest.approx(-error, abs=0.5 * error)


def test_precise_attributions_are_hardly_moved():
    explainer = AmortizedAttribution(
        noisy("regression", 100), regressor="ridge", random_state=0
    ).fit(X[:100])
    true = truth(X[:100], X[:100])
    before = squared_error(explainer.noisy_attributions_, true)
    assert squared_error(explainer.combined_attributions_, true) < 1.02 * before
    own = explainer.noisy_weight_ + explainer.posterior_weight_
    assert own.mean() > 0.8


def test_enumerated_attributions_are_kept():
    explainer = AmortizedAttribution(noisy("kernel_shap", 2**D), **QUICK)
    found = explainer.fit_transform(X[:40])
    assert_allclose(found, truth(X[:40], X[:40]), atol=1e-12)
    assert_array_equal(explainer.noise_variance_, np.zeros(D))


@pytest.mark.parametrize("method", ["permutation", "kernel_shap", "regression"])
@pytest.mark.parametrize("objective", ["regression", "fastshap"])
def test_attributions_sum_to_the_prediction(method, objective):
    explainer = AmortizedAttribution(
        noisy(method, 4 * D, two_outputs), objective=objective, **QUICK
    )
    combined = explainer.fit_transform(X[:60])
    assert combined.shape == (60, D, 2)
    total = two_outputs(X) - explainer.attribution_.base_values_
    assert_allclose(combined.sum(axis=1), total[:60], atol=1e-6)
    assert_allclose(explainer.transform(X).sum(axis=1), total, atol=1e-6)


def test_frames_hold_one_output():
    pytest.importorskip("pandas")
    explainer = AmortizedAttribution(
        noisy(function=two_outputs), regressor="ridge", random_state=0
    ).set_output(transform="pandas")
    for explain in (explainer.fit(X).transform, explainer.fit_transform):
        with pytest.raises(ValueError, match="set output to one of"):
            explain(X)
    explainer.attribution.set_params(output=0)
    assert explainer.fit_transform(X).shape == X.shape


def test_several_outputs_are_each_explained():
    explainer = AmortizedAttribution(noisy(function=two_outputs), **QUICK).fit(X[:80])
    expected = np.zeros((len(X), D))
    expected[:, 0] = X[:, 0] - X[:80, 0].mean()
    assert_allclose(explainer.combined_attributions_[..., 1], expected[:80], atol=1e-9)
    assert explainer.noise_variance_.shape == (D, 2)
    assert_allclose(explainer.noise_variance_[:, 1], 0, atol=1e-12)


@pytest.mark.parametrize("method", ["banzhaf", "lime"])
def test_directions_of_methods_without_a_sum(method):
    plain, directions = (
        AmortizedAttribution(
            noisy(method, 4 * D), normalize=normalize, regressor="ridge", random_state=0
        ).fit(X)
        for normalize in (False, True)
    )
    true = truth(X, X, method=method)
    before = squared_error(plain.noisy_attributions_, true)
    assert squared_error(plain.combined_attributions_, true) < before
    # Those of rows that were drawn twice are shorter.
    norms = np.linalg.norm(directions.noisy_attributions_, axis=1)
    assert np.sum(np.abs(norms - 1) < 1e-9) == len(X) - 20
    assert norms.max() < 1 + 1e-9
    before = squared_error(directions.noisy_attributions_, unit_norm(true))
    after = squared_error(directions.combined_attributions_, unit_norm(true))
    assert after < before
    assert directions.score(X[:40]) < 0


# ------------------------------------------------------------- FastSHAP's objective


def test_the_objective_of_fastshap_is_least_at_shapley_values():
    """Free attributions of each row, all coalitions, Newton's step of a quadratic."""
    attribution = noisy().fit(X)
    d, rows = D, X[:3]
    masks = (np.arange(1, 2**d - 1)[:, None] >> np.arange(d)) & 1 == 1
    size = masks.sum(axis=1)
    weights = 1 / (comb(d, size) * size * (d - size))
    worth = attribution._worth(rows, masks)[..., 0] - attribution.base_values_
    criterion = CoalitionError(masks[None], weights[None] / weights.sum())
    target = torch.tensor(np.column_stack([np.zeros(3), worth]), dtype=torch.float64)
    criterion.double()
    total = two_layers(rows) - attribution.base_values_
    free = torch.zeros(3, d, 1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([free], max_iter=200, tolerance_grad=1e-12)
    shares = torch.tensor(total / d)[:, None, None]

    def shifted():
        return free - free.mean(dim=1, keepdim=True) + shares

    def closure():
        optimizer.zero_grad()
        loss = criterion(shifted(), target)
        loss.backward()
        return loss

    optimizer.step(closure)
    assert_allclose(shifted().detach()[..., 0], truth(rows, X), atol=1e-5)


def test_fastshap_learns_without_noisy_attributions():
    explainer = AmortizedAttribution(
        noisy("kernel_shap", 4 * D),
        objective="fastshap",
        cv=2,
        max_epochs=20,
        lr=3e-3,
        random_state=0,
    )
    combined = explainer.fit_transform(X[:120])
    true = truth(X, X[:120])
    baseline = AmortizedAttribution(noisy(), **(QUICK | {"max_epochs": 1, "lr": 1e-9}))
    baseline.set_params(regressor="net").fit(X[:120])
    untrained = squared_error(baseline.transform(X[120:]), true[120:])
    assert squared_error(explainer.transform(X[120:]), true[120:]) < untrained
    assert_allclose(combined, explainer.transform(X[:120]), atol=1e-6)
    assert not hasattr(explainer, "noisy_attributions_")
    assert explainer.n_evaluations_ <= 6 * D + 2
    explainer.set_params(objective="regression", max_epochs=1).fit(X[:40])
    assert hasattr(explainer, "noisy_attributions_")
    explainer.set_params(objective="fastshap").fit(X[:40])
    assert not hasattr(explainer, "noise_variance_")


# ------------------------------------------------------------------- as an estimator


def test_same_seed_same_attributions_for_any_n_jobs():
    before = torch.random.get_rng_state().clone(), np.random.get_state()[1].copy()
    with joblib.parallel_config(backend="threading"):
        first, second, other = (
            AmortizedAttribution(noisy(), **(QUICK | changes)).fit(X[:60])
            for changes in ({}, {"n_jobs": 2}, {"random_state": 1})
        )
        score = second.score(X[60:])
    assert_array_equal(first.combined_attributions_, second.combined_attributions_)
    assert_array_equal(first.transform(X), second.transform(X))
    assert not np.array_equal(first.transform(X), other.transform(X))
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert_array_equal(np.random.get_state()[1], before[1])
    assert first.score(X[60:]) == first.score(X[60:]) == score


def test_some_rows_are_drawn_for():
    given = X.copy()
    explainer = AmortizedAttribution(noisy(), n_rows=50, **QUICK)
    found = explainer.fit_transform(given)
    assert_array_equal(given, X)
    assert explainer.rows_.shape == (50,)
    assert_array_equal(explainer.rows_, np.unique(explainer.rows_))
    assert_array_equal(found[explainer.rows_], explainer.combined_attributions_)
    rest = np.delete(np.arange(len(X)), explainer.rows_)
    assert_allclose(found[rest], explainer.transform(X[rest]), atol=1e-6)
    # Each belongs to the row that it is said to.
    drawn = explainer.noisy_attributions_.sum(axis=1)
    total = two_layers(X) - explainer.attribution_.base_values_
    assert_allclose(drawn, total[explainer.rows_])


def test_pickles_explain_the_same():
    explainer = AmortizedAttribution(
        FeatureAttribution(Ridge().fit(X, X[:, 0] ** 2), n_samples=2 * D), **QUICK
    ).fit(X)
    dump = pickle.dumps(explainer)
    assert_array_equal(pickle.loads(dump).transform(X), explainer.transform(X))
    twice = AmortizedAttribution(explainer.attribution, **QUICK)
    twice.fit(np.concatenate([X, X]))
    grown = len(pickle.dumps(twice.nets_)) - len(pickle.dumps(explainer.nets_))
    assert grown < 30_000, "the nets keep their data"


def test_an_attribution_that_is_fitted_keeps_its_background():
    attribution = noisy().set_params(random_state=3).fit(X[100:])
    explainer = AmortizedAttribution(attribution, prefit=True, **QUICK).fit(X[:50])
    assert explainer.attribution_ is attribution
    own = AmortizedAttribution(attribution, **QUICK).fit(X[:50])
    assert own.attribution_ is not attribution
    assert own.attribution_.base_values_ != attribution.base_values_
    for estimator in (noisy(), two_layers):
        with pytest.raises(ValueError, match="prefit=True needs a"):
            AmortizedAttribution(estimator, prefit=True).fit(X)


def test_an_estimator_stands_for_its_attribution():
    model = LogisticRegression().fit(X, X[:, 0] > 0)
    explainer = AmortizedAttribution(model, n_samples=3 * D, **QUICK).fit(X[:50])
    assert isinstance(explainer.attribution_, FeatureAttribution)
    assert explainer.attribution_.estimator_ is model
    assert explainer.attribution_.n_samples_ == 3 * D
    assert explainer.transform(X).shape == X.shape


def test_the_score_is_the_squared_error():
    """Independent noise leaves no floor, so that better models score higher."""
    explainer = AmortizedAttribution(noisy(), regressor="ridge", random_state=0).fit(
        X[:100]
    )
    rows = np.random.default_rng(5).normal(size=(1500, D))
    error = squared_error(explainer.transform(rows), truth(rows, X[:100]))
    assert explainer.score(rows) == pytest.approx(-error, rel=0.2)


def test_a_grid_search_finds_what_predicts_best():
    model = FrozenEstimator(LinearRegression().fit(X, X[:, 0]))
    pipeline = make_pipeline(
        StandardScaler(),
        AmortizedAttribution(
            FeatureAttribution(two_layers, method="permutation"), regressor="ridge"
        ).set_params(random_state=0),
    )
    name = "amortizedattribution__"
    grid = {name + "controls": [False, True], name + "n_samples": [2 * D]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X)
    assert search.best_params_[name + "controls"]
    explainer = AmortizedAttribution(model, n_samples=16, **QUICK)
    assert clone(explainer).fit(X).transform(X).shape == X.shape


def test_frames_of_any_columns():
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": rng.normal(size=80),
            "colour": rng.choice(["red", "green", "blue"], 80),
            "weight": rng.normal(size=80),
        }
    )
    frame.loc[3, "size"] = np.nan

    def price(rows):
        size = rows["size"].fillna(0).to_numpy(dtype=float)
        red = (rows["colour"] == "red").to_numpy(dtype=float)
        return size * (1 + red) + rows["weight"].to_numpy(dtype=float)

    explainer = AmortizedAttribution(
        FeatureAttribution(price, method="permutation", n_samples=4), **QUICK
    ).set_output(transform="pandas")
    found = explainer.fit(frame).transform(frame[:10])
    assert list(found.columns) == list(frame.columns)
    assert explainer.n_features_in_ == 3
    total = price(frame[:10]) - explainer.attribution_.base_values_
    assert_allclose(found.sum(axis=1), total, atol=1e-6)


class Small(torch.nn.Module):
    def __init__(self, n_outputs):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(3 * D, 16), torch.nn.Dropout(0.1), torch.nn.ReLU()
        )
        self.last = torch.nn.Linear(16, n_outputs)

    def forward(self, inputs):
        return self.last(self.layers(inputs))


def test_a_module_of_the_users():
    before = torch.random.get_rng_state().clone()
    first, second = (
        AmortizedAttribution(noisy(), module=Small, **QUICK).fit(X[:60])
        for _ in range(2)
    )
    assert isinstance(first.nets_[0].module_, Residuals)
    assert isinstance(first.nets_[0].module_.module, Small)
    assert_array_equal(first.transform(X), second.transform(X))
    assert torch.equal(torch.random.get_rng_state(), before)
    with pytest.raises(ValueError, match="module cannot take"):
        AmortizedAttribution(noisy(), module=Small, controls=False).fit(X[:60])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_rows": 500}, "n_rows=500 is more than X has: 150"),
        ({"n_rows": 1}, "n_rows"),
        ({"objective": "fastshap", "regressor": "ridge"}, "needs a network"),
        ({"normalize": True}, "would break the sum"),
        ({"cv": 1}, "cv"),
        ({"net_params": {"nonsense": 1}}, "net_params"),
        ({"device": "nowhere"}, "device="),
        ({"attribution": noisy("banzhaf"), "objective": "fastshap"}, "Shapley values"),
        ({"lr": 1e30}, "not finite: training diverged"),
    ],
)
def test_what_cannot_be_used_is_refused(changes, message):
    explainer = AmortizedAttribution(noisy(), **QUICK)
    with pytest.raises(ValueError, match=message):
        explainer.set_params(**changes).fit(X)
    assert not hasattr(explainer, "attribution_")


def test_a_net_that_cannot_be_trained_asks_the_model_of_nothing():
    asked = []

    def counting(rows):
        asked.append(len(rows))
        return two_layers(rows)

    for changes in ({"net_params": {"nonsense": 1}}, {"module": torch.nn.ReLU}):
        explainer = AmortizedAttribution(noisy(function=counting), **QUICK)
        asked.clear()
        with pytest.raises((TypeError, ValueError)):
            explainer.set_params(**changes).fit(X)
        # The background alone.
        assert sum(asked) <= 1


def test_one_player_has_it_all():
    explainer = AmortizedAttribution(lambda rows: rows[:, 0] ** 2, **QUICK)
    found = explainer.fit_transform(X[:20, :1])
    base = explainer.attribution_.base_values_
    assert_allclose(found[:, 0], X[:20, 0] ** 2 - base)
    with pytest.raises(ValueError, match="at least 2 players"):
        explainer.set_params(objective="fastshap").fit(X[:20, :1])


@parametrize_with_checks(
    [
        AmortizedAttribution(
            FeatureAttribution(Ridge()), regressor="ridge", random_state=0
        ),
    ]
)
def test_is_a_scikit_learn_estimator(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "check",
    [
        check_param_validation,
        check_set_output_transform,
        check_transformer_get_feature_names_out,
        check_dataframe_column_names_consistency,
    ],
)
def test_further_checks_of_scikit_learn(check):
    explainer = AmortizedAttribution(Ridge(), regressor="ridge", random_state=0)
    check("AmortizedAttribution", explainer)


def test_classes_of_a_classifier():
    rows, y = make_classification(
        60, 5, n_classes=3, n_informative=4, n_redundant=0, random_state=0
    )
    model = LogisticRegression().fit(rows, y)
    explainer = AmortizedAttribution(model, n_samples=10, **QUICK).fit(rows)
    assert explainer.transform(rows).shape == (60, 5, 3)
    # Probabilities sum to one, and so do their parts to nothing.
    assert_allclose(explainer.combined_attributions_.sum(axis=2), 0, atol=0.2)
