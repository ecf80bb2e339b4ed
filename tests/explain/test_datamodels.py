"""Datamodels against regression by enumeration, refits and scikit-learn."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris, make_classification, make_regression
from sklearn.linear_model import Lasso, LogisticRegression, Ridge, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skvalue import Datamodels
from skvalue.explain._estimates import OutputMoments
from skvalue.explain._subset_draws import SubsetDraws
from skvalue.metrics import linear_datamodeling_score, retrained_outputs
from skvalue.semivalues._row_utility import RowUtility

OUTPUTS = ["margin", "probability", "neg_log_loss", "accuracy"]


def all_masks(n):
    return np.array(list(itertools.product([False, True], repeat=n)))


def regression(masks, weights, values):
    """Weighted least-squares coefficients of least norm, intercept first."""
    design = np.column_stack([np.ones(len(masks)), masks])
    root = np.sqrt(weights)[:, None]
    return np.linalg.lstsq(root * design, root * values, rcond=None)[0]


def problem(n_classes, n_samples=60, n_targets=9):
    if n_classes == 0:
        X, y = make_regression(n_samples + n_targets, 4, noise=60.0, random_state=0)
        y = y / y.std()
    else:
        X, y = make_classification(
            n_samples + n_targets,
            5,
            n_informative=4,
            n_redundant=0,
            n_classes=n_classes,
            flip_y=0.1,
            random_state=0,
        )
    return X[:n_samples], y[:n_samples], X[n_samples:], y[n_samples:]


class Refitted(LogisticRegression):
    """The same model, which the engine does not know."""


class RefittedRidge(Ridge):
    """The same model, which the engine does not know."""


# ------------------------------------------------------- enumeration of all subsets


@pytest.mark.parametrize("n", [4, 6, 8])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_proposition_1_is_the_regression(n, share):
    masks, sizes = all_masks(n), all_masks(n).sum(axis=1)
    values = np.random.default_rng(n).normal(size=(2**n, 3))
    weights = share**sizes * (1 - share) ** (n - sizes)
    draws = SubsetDraws(n, share, None)
    covariances = weights * (masks - draws.share).T / draws.scale @ values
    expected = regression(masks, weights, values)[1:]
    assert_allclose(covariances, expected, atol=1e-10)
    # The mean marginal contribution, by subsets T without the row.
    for row in range(n):
        without = np.flatnonzero(~masks[:, row])
        gains = values[without + 2 ** (n - 1 - row)] - values[without]
        weight = share ** sizes[without] * (1 - share) ** (n - 1 - sizes[without])
        assert_allclose(weight @ gains, expected[row], atol=1e-10)


@pytest.mark.parametrize(("n", "size"), [(4, 2), (6, 2), (6, 5), (8, 1), (8, 4)])
def test_fixed_sizes_give_the_solution_of_least_norm(n, size):
    masks = all_masks(n)
    masks = masks[masks.sum(axis=1) == size]
    values = np.random.default_rng(n).normal(size=(len(masks), 3))
    draws = SubsetDraws(n, 0.5, size)
    found = (masks - draws.share).T / draws.scale @ values / len(masks)
    # Least norm of the coefficients, whatever the intercept.
    expected = np.linalg.lstsq(masks - draws.share, values, rcond=None)[0]
    assert_allclose(found, expected, atol=1e-10)
    assert_allclose(found.sum(axis=0), 0, atol=1e-10)
    coefficients = regression(masks, np.ones(len(masks)), values)
    assert_allclose(
        values.mean(axis=0) + (masks - draws.share) @ found,
        coefficients[0] + masks @ coefficients[1:],
        atol=1e-10,
    )


@pytest.mark.parametrize(("share", "copies"), [(0.5, (1, 1)), (0.25, (1, 3))])
def test_moments_of_all_subsets_are_exact(share, copies):
    """Subsets repeated in proportion to their probability."""
    n = 5
    masks = all_masks(n)
    values = 100 + np.random.default_rng(0).normal(size=(2**n, 2))
    sizes = masks.sum(axis=1)
    repeats = copies[0] ** sizes * copies[1] ** (n - sizes)
    draws = SubsetDraws(n, share, None)
    moments = OutputMoments(draws, 2, values[0])
    for part in (slice(0, 9), slice(9, None)):
        many = np.repeat(masks[part], repeats[part], axis=0)
        moments.add(many, np.repeat(values[part], repeats[part], axis=0))
    total = repeats.sum()
    expected = regression(masks, repeats / total, values)
    found = moments.coefficients() * (total - 1) / total
    assert_allclose(found, expected[1:], atol=1e-10)
    # Errors are those of the mean of the weighted outputs.
    many = np.repeat(masks, repeats, axis=0)
    outputs = np.repeat(values, repeats, axis=0)
    terms = (many - share)[:, :, None] * (outputs - outputs.mean(axis=0))[:, None]
    terms = terms / draws.scale
    squares = np.maximum((terms**2).mean(axis=0) - moments.coefficients() ** 2, 0)
    assert_allclose(
        moments.errors(moments.coefficients()),
        np.sqrt(squares / (total - 1)),
        rtol=1e-7,
    )


def exact_attributions(utility, n, share):
    masks = all_masks(n)
    sizes = masks.sum(axis=1)
    weights = share**sizes * (1 - share) ** (n - sizes)
    return regression(masks, weights, utility.scores(masks))


@pytest.mark.parametrize("method", ["shared", "closed_form"])
@pytest.mark.parametrize("share", [0.5, 0.7])
def test_means_over_seeds_are_exact(method, share):
    X, y, X_target, y_target = problem(2, 8, 4)
    y = np.arange(8) % 2
    settings = {"output": "probability", "inclusion_probability": share}
    utility = RowUtility(
        LogisticRegression(),
        X,
        y,
        X_target,
        y_target,
        classes=np.arange(2),
        scoring="probability",
    )
    exact = exact_attributions(utility, 8, share)
    fits = [
        Datamodels(
            method=method, max_evaluations=60, random_state=seed, **settings
        ).fit(X, y, X_target, y_target)
        for seed in range(20)
    ]
    found = np.array([fit.attributions_ for fit in fits])
    spread = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    z = (found.mean(axis=0) - exact[1:]) / np.maximum(spread, 1e-12)
    assert np.mean(z**2) < 2.0
    assert np.abs(z).max() < 4.5
    # Standard errors say what the spread between seeds is.
    said = np.sqrt(np.mean([fit.attributions_stderr_**2 for fit in fits], axis=0))
    ratio = said / found.std(axis=0, ddof=1)
    assert 0.8 < np.sqrt(np.mean(ratio**2)) < 1.25
    intercepts = np.mean([fit.intercepts_ for fit in fits], axis=0)
    assert_allclose(intercepts, exact[0], atol=0.1)


# ----------------------------------------------------------- the engine and refits


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_engine_gives_what_refits_give(output, n_classes):
    X, y, X_target, y_target = problem(n_classes)
    precise = Refitted(tol=1e-10, max_iter=5000)
    settings = {
        "method": "closed_form",
        "output": output,
        "max_evaluations": 40,
        "random_state": 0,
    }
    fast = Datamodels(**settings).fit(X, y, X_target, y_target)
    slow = Datamodels(precise, **settings).fit(X, y, X_target, y_target)
    scale = slow.attributions_.std()
    assert_allclose(fast.attributions_, slow.attributions_, atol=0.02 * scale)
    assert_allclose(fast.expected_outputs_, slow.expected_outputs_, atol=5e-3)


def test_ridge_regression_by_the_engine_is_exact():
    data = problem(0)
    settings = {"method": "closed_form", "max_evaluations": 40, "random_state": 0}
    fast = Datamodels(Ridge(2.0), **settings).fit(*data)
    slow = Datamodels(RefittedRidge(2.0), **settings).fit(*data)
    assert fast.output_ == "neg_squared_error"
    assert_allclose(fast.attributions_, slow.attributions_, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("n_classes", [0, 2, 3])
def test_shared_subsets_give_the_rows_contributions(n_classes):
    X, y, X_target, y_target = problem(n_classes, 40)
    fitted = Datamodels(max_evaluations=3, random_state=5).fit(X, y, X_target, y_target)
    assert fitted.method_ == "shared"
    draws = SubsetDraws(len(y), 0.5, None)
    precise = Refitted(tol=1e-10, max_iter=5000) if n_classes else RefittedRidge()
    utility = RowUtility(
        precise,
        X,
        y,
        X_target,
        y_target,
        classes=np.arange(n_classes) if n_classes else None,
        scoring=fitted.output_,
    )
    for row in (0, 7, 39):
        gains = []
        for mask in draws.masks(5, 0, 3):
            pair = np.array([mask, mask])
            pair[:, row] = [True, False]
            with_row, without = utility.scores(pair)
            gains.append(with_row - without)
        found = fitted.attributions_[row]
        expected = np.mean(gains, axis=0)
        assert_allclose(found, expected, atol=0.1 * np.abs(expected).max() + 1e-3)


# --------------------------------------------------------------- the regressions


def outputs_of(fitted, X, y, X_target, y_target, n_subsets):
    draws = SubsetDraws(len(y), 0.5, None)
    masks = draws.masks(fitted.random_state, 0, n_subsets)
    utility = RowUtility(
        LogisticRegression(),
        X,
        y,
        X_target,
        y_target,
        classes=np.arange(2),
        scoring="margin",
    )
    return masks, utility.scores(masks)


@pytest.mark.parametrize(
    ("method", "model"), [("ridge", Ridge(3.0)), ("lasso", Lasso(0.05))]
)
def test_regressions_are_those_of_scikit_learn(method, model):
    data = problem(2, 30)
    fitted = Datamodels(
        method=method, alpha=model.alpha, max_evaluations=50, random_state=0
    ).fit(*data)
    masks, outputs = outputs_of(fitted, *data, 50)
    for target in range(3):
        model = clone(model).fit(masks.astype(float), outputs[:, target])
        assert_allclose(fitted.attributions_[:, target], model.coef_, atol=1e-4)
        assert_allclose(fitted.intercepts_[target], model.intercept_, atol=1e-3)
    assert not hasattr(fitted, "attributions_stderr_")


def test_the_penalty_of_ridge_regression_is_chosen_by_target():
    data = problem(2, 30)
    exact = Datamodels(max_evaluations=600, random_state=1).fit(*data).attributions_
    settings = {"max_evaluations": 60, "random_state": 0}
    chosen = Datamodels(method="ridge", **settings).fit(*data).attributions_
    plain = Datamodels(method="closed_form", **settings).fit(*data).attributions_
    assert np.mean((chosen - exact) ** 2) < 0.5 * np.mean((plain - exact) ** 2)


def test_lasso_chooses_its_penalty():
    X, y, X_target, y_target = problem(2, 20)
    fitted = Datamodels(method="lasso", max_evaluations=40, random_state=0)
    fitted.fit(X, y, X_target[:2], y_target[:2])
    assert fitted.attributions_.shape == (20, 2)
    assert (fitted.attributions_ == 0).any()


# ------------------------------------------------------------------ what is fitted


def test_outputs_of_other_subsets_are_foretold():
    X, y = load_iris(return_X_y=True)
    data = X[::2], y[::2], X[1::20], y[1::20]
    model = LogisticRegression(max_iter=1000)
    fitted = Datamodels(model, output="probability", random_state=0).fit(*data)
    subsets, outputs = retrained_outputs(model, *data, n_subsets=40, random_state=1)
    score = linear_datamodeling_score(fitted.attributions_, subsets, outputs)
    assert score["mean"] > 0.8
    found = fitted.predict_outputs(subsets)
    assert found.shape == outputs.shape
    assert np.abs(found - outputs).mean() < 0.1


def test_helpful_and_harmful_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2))
    y = (X[:, 0] > 0).astype(int)
    wrong = np.argsort(np.abs(X[:, 0]))[-3:]
    y[wrong] = 1 - y[wrong]
    targets = np.array([[1.5, 0.0], [-1.5, 0.0]])
    fitted = Datamodels(random_state=0).fit(X, y, targets, [1, 0])
    for target in (0, 1):
        assert np.isin(fitted.harmful_rows(target, k=3), wrong).all()
        helpful = fitted.helpful_rows(target, k=5)
        assert not np.isin(helpful, wrong).any()
        column = fitted.attributions_[:, target]
        assert_array_equal(helpful, np.argsort(-column)[:5])
        assert (column[fitted.helpful_rows(target, k=80)] > 0).all()
    with pytest.raises(ValueError, match="target=2 must be"):
        fitted.helpful_rows(2)
    with pytest.raises(ValueError, match="target=True must be"):
        fitted.helpful_rows(True)
    with pytest.raises(ValueError, match="k=0"):
        fitted.harmful_rows(0, k=0)
    with pytest.raises(ValueError, match="subsets must hold"):
        fitted.predict_outputs(np.ones((2, 79)))


def test_without_targets_the_rows_are_their_own():
    X, y, *_ = problem(2, 30)
    own = Datamodels(random_state=0, max_evaluations=20).fit(X, y)
    given = Datamodels(random_state=0, max_evaluations=20).fit(X, y, X, y)
    assert_array_equal(own.attributions_, given.attributions_)
    # A row helps its own prediction the most.
    assert np.diag(own.attributions_).mean() > own.attributions_.mean() + 0.1
    assert_array_equal(own.data_values_, own.attributions_.mean(axis=1))


# ---------------------------------------------------- seeds, workers, kinds of input

CASES = {
    "shared": (Datamodels(max_evaluations=70), 2),
    "several classes": (Datamodels(max_evaluations=20), 3),
    "closed form": (Datamodels(GaussianNB(), max_evaluations=40), 3),
    "fixed size": (
        Datamodels(DecisionTreeClassifier(), subset_size=0.7, max_evaluations=40),
        2,
    ),
    "ridge": (Datamodels(RidgeClassifier(), method="ridge", max_evaluations=40), 3),
    "regression": (Datamodels(DecisionTreeRegressor(), max_evaluations=40), 0),
}


@pytest.mark.parametrize("name", CASES)
def test_same_attributions_for_any_n_jobs(name):
    datamodels, n_classes = CASES[name]
    data = problem(n_classes, 40, 5)
    copies = [part.copy() for part in data]
    before = np.random.get_state()[1].copy()
    datamodels = clone(datamodels).set_params(random_state=3)
    one = clone(datamodels).fit(*data).attributions_
    again = clone(datamodels).set_params(n_jobs=2).fit(*data).attributions_
    other = clone(datamodels).set_params(random_state=4).fit(*data).attributions_
    assert one.dtype == np.float64
    assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    assert_array_equal(np.random.get_state()[1], before)
    for part, copy in zip(data, copies, strict=True):
        assert_array_equal(part, copy)
    if name == "fixed size":
        assert_allclose(one.sum(axis=0), 0, atol=1e-10)


def test_frames_and_string_labels_go_to_the_users_pipeline():
    pd = pytest.importorskip("pandas")
    X, y, X_target, y_target = problem(2, 40)
    names = np.array(["no", "yes"])
    columns = [f"column{place}" for place in range(X.shape[1])]
    model = make_pipeline(StandardScaler(), GaussianNB())
    datamodels = Datamodels(model, max_evaluations=20, random_state=0)
    plain = clone(datamodels).fit(X, y, X_target, y_target).attributions_
    named = datamodels.fit(
        pd.DataFrame(X, columns=columns),
        names[y],
        pd.DataFrame(X_target, columns=columns),
        names[y_target],
    )
    assert_allclose(named.attributions_, plain)
    assert list(named.feature_names_in_) == columns


def test_subsets_without_a_class_do_not_fail():
    X, y, X_target, y_target = problem(3, 12)
    y = np.r_[0, 1, np.full(10, 2)]
    for estimator in (None, GaussianNB(var_smoothing=0.1)):
        fitted = Datamodels(estimator, max_evaluations=30, random_state=0)
        fitted.fit(X, y, X_target, y_target)
        assert np.isfinite(fitted.attributions_).all()
        assert np.abs(fitted.expected_outputs_).max() <= 36.1


# ----------------------------------------------------------------- bad arguments


class TenRows(GaussianNB):
    def fit(self, X, y):
        if len(y) < 10:
            raise ValueError("ten rows at least")
        return super().fit(X, y)


def test_an_estimator_that_needs_more_rows_is_blamed():
    X, y, *_ = problem(2, 40)
    datamodels = Datamodels(TenRows(), inclusion_probability=0.1, random_state=0)
    with pytest.raises(RuntimeError, match=r"ten rows.*raise inclusion_probability"):
        datamodels.fit(X, y)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"subset_size": 60}, "subset_size=60 must be below"),
        ({"output": "neg_squared_error"}, "is not defined where y holds labels"),
        (
            {"estimator": RidgeClassifier(), "output": "margin"},
            "has no predict_proba",
        ),
        ({"estimator": GaussianNB(), "method": "shared"}, 'method="shared" needs'),
        ({"method": "shared", "subset_size": 9}, 'method="shared" needs'),
        ({"amortize": True, "max_evaluations": 5}, "max_evaluations=5 leaves too few"),
        ({"method": "lasso", "max_evaluations": 4}, "too few subsets to choose a pen"),
        ({"inclusion_probability": 1.0}, "inclusion_probability"),
        ({"max_evaluations": 1}, "max_evaluations"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        Datamodels(**settings).fit(*problem(2))


def test_bad_rows_are_named():
    X, y, X_target, y_target = problem(2)
    datamodels = Datamodels(max_evaluations=2)
    with pytest.raises(ValueError, match=r"X_target is given, but y_target is not"):
        datamodels.fit(X, y, X_target)
    with pytest.raises(ValueError, match="y_target has labels that were not in"):
        datamodels.fit(X, y, X_target, y_target + 5)
    with pytest.raises(ValueError, match="X_target"):
        datamodels.fit(X, y, X_target[:, :2], y_target)
    with pytest.raises(ValueError, match="y has one class"):
        datamodels.fit(X, np.zeros(len(y)), X_target, y_target)
    assert not hasattr(datamodels, "attributions_")
    assert not hasattr(datamodels, "predict_attributions")


# ------------------------------------------------------------------ amortization


def added_to_subsets(X, y, X_target, y_target, output, n_classes, n_rows):
    """What rows after the first `n_rows` add to random subsets of those."""
    utility = RowUtility(
        LogisticRegression() if n_classes else Ridge(),
        X,
        y,
        X_target,
        y_target,
        classes=np.arange(n_classes) if n_classes else None,
        scoring=output,
    )
    masks = np.random.default_rng(0).random((100, len(y))) < 0.5
    masks[:, n_rows:] = False
    return utility.in_out(masks)[:, n_rows:].mean(axis=0)


@pytest.mark.parametrize("n_classes", [0, 2, 3])
def test_pairs_that_were_not_seen_are_predicted(n_classes):
    X, y, X_target, y_target = problem(n_classes, 240, 60)
    settings = {"method": "closed_form", "max_evaluations": 200, "random_state": 0}
    fitted = Datamodels(amortize=True, **settings)
    fitted.fit(X[:120], y[:120], X_target[:30], y_target[:30])
    new = X[120:], y[120:], X_target[30:], y_target[30:]
    found = fitted.predict_attributions(*new)
    assert found.shape == (120, 30)
    truth = added_to_subsets(X, y, *new[2:], fitted.output_, n_classes, 120)
    errors = [np.mean((guess - truth) ** 2) for guess in (found, truth.mean())]
    assert errors[0] < 0.5 * errors[1]
    # Seen pairs: less noise than the attributions that were learned from.
    seen = X[:120], y[:120], X_target[:30], y_target[:30]
    truth = Datamodels(random_state=1).fit(*seen).attributions_
    learned = fitted.predict_attributions(*seen)
    noisy = np.mean((fitted.attributions_ - truth) ** 2)
    assert np.mean((learned - truth) ** 2) < 0.5 * noisy
    again = clone(fitted).set_params(n_jobs=2).fit(*seen)
    assert_array_equal(again.predict_attributions(*seen), learned)
    assert 0 <= fitted._pair_models.net_weight <= 1


def test_a_pair_does_not_depend_on_others():
    X, y, X_target, y_target = problem(3, 80, 20)
    fitted = Datamodels(amortize=True, max_evaluations=30, random_state=0)
    fitted.fit(X, y, X_target, y_target)
    whole = fitted.predict_attributions(X, y, X_target, y_target)
    one = fitted.predict_attributions(X[3:5], y[3:5], X_target[7:8], y_target[7:8])
    assert_allclose(one, whole[3:5, 7:8], atol=1e-4 * np.abs(whole).max())
    with pytest.raises(ValueError, match="y_target has labels"):
        fitted.predict_attributions(X, y, X_target, y_target + 5)
