"""BoostingInfluence against numerical derivatives of fixed trees, and refits."""

import tracemalloc

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, make_classification, make_regression
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.metrics import log_loss, mean_squared_error, roc_auc_score
from sklearn.model_selection import PredefinedSplit

from skvalue.influence import BoostingInfluence
from skvalue.influence._boosted_trees import BoostedTrees
from skvalue.influence._leaf_influence import Rows, influence

SHALLOW = {"learning_rate": 0.4, "max_depth": 3, "min_samples_leaf": 5}
HISTOGRAM = {**SHALLOW, "max_iter": 6, "l2_regularization": 0.7, "max_bins": 30}
CLASSIC = {**SHALLOW, "n_estimators": 6, "random_state": 0}
# Of the weight that numerical derivatives change, as a share of it.
STEP = 1e-4


def problem(n_classes, n_samples=120):
    """Training and held-out rows; real targets for no class."""
    if n_classes == 0:
        X, y = make_regression(2 * n_samples, 5, noise=30.0, random_state=0)
        y = y / y.std()
    else:
        X, y = make_classification(
            2 * n_samples,
            6,
            n_informative=4,
            n_classes=n_classes,
            flip_y=0.2,
            random_state=1,
        )
    return X[:n_samples], y[:n_samples], X[n_samples:], y[n_samples:]


WEIGHTED = {"class_weight": {0: 1.0, 1: 3.0}}
# With their numbers of classes; 0 for real targets.
MODELS = [
    (HistGradientBoostingRegressor(**HISTOGRAM), 0),
    (GradientBoostingRegressor(**CLASSIC), 0),
    (HistGradientBoostingClassifier(**HISTOGRAM), 2),
    (HistGradientBoostingClassifier(**HISTOGRAM, **WEIGHTED), 2),
    (GradientBoostingClassifier(**CLASSIC), 2),
    (GradientBoostingClassifier(**CLASSIC, init="zero"), 2),
    (HistGradientBoostingClassifier(**HISTOGRAM), 3),
    (GradientBoostingClassifier(**CLASSIC), 3),
]


def model_id(part):
    if isinstance(part, int):
        return {0: "real"}.get(part, f"{part}-classes")
    return "-".join(
        [type(part).__name__]
        + [key for key in ("class_weight", "init") if getattr(part, key, None)]
    )


class FixedStructure:
    """A boosting that fits its first constant and its leaves, in trees that stay.

    Written apart from the code under test: leaves one by one, losses by name.
    """

    def __init__(self, model, X, y, X_val, y_val):
        trees = BoostedTrees(model, y)
        self.y, self.y_val = y, y_val
        self.is_histogram = hasattr(model, "l2_regularization")
        self.l2 = model.l2_regularization if self.is_histogram else 0.0
        self.rate = model.learning_rate
        self.n_classes = 0 if not hasattr(model, "classes_") else len(model.classes_)
        if not self.is_histogram and self.n_classes > 2:
            self.rate *= (self.n_classes - 1) / self.n_classes
        self.from_zero = getattr(model, "init", None) == "zero"
        self.leaves = [
            trees.leaves(t, trees.prepared(X)) for t in range(trees.n_stages)
        ]
        self.leaves_val = [
            trees.leaves(t, trees.prepared(X_val)) for t in range(trees.n_stages)
        ]

    def onehot(self, y):
        if self.n_classes == 0:
            return y[:, None]
        if self.n_classes == 2:
            return (y == 1.0)[:, None] * 1.0
        return np.eye(self.n_classes)[y]

    def derivatives(self, scores, y):
        """First and second derivative of the loss of each row."""
        if self.n_classes == 0:
            return scores - self.onehot(y), np.ones_like(scores)
        mean = expit(scores) if self.n_classes == 2 else softmax(scores, axis=1)
        return mean - self.onehot(y), mean * (1 - mean)

    def constant(self, weights):
        mean = weights @ self.onehot(self.y) / weights.sum()
        if self.from_zero:
            return np.zeros_like(mean)
        if self.n_classes == 2:
            return np.log(mean / (1 - mean))
        return mean if self.n_classes == 0 else np.log(mean)

    def steps(self, stage, scores, weights):
        """What a stage adds to the held-out and to the training scores."""
        first, second = self.derivatives(scores, self.y)
        added = np.zeros_like(scores)
        added_val = np.zeros((len(self.y_val), scores.shape[1]))
        for k, leaves in enumerate(self.leaves[stage]):
            for leaf in np.unique(leaves):
                inside = leaves == leaf
                total = weights[inside] @ second[inside, k] + self.l2
                step = -self.rate * (weights[inside] @ first[inside, k]) / total
                added[inside, k] = step
                added_val[self.leaves_val[stage][k] == leaf, k] = step
        return added_val, added

    def scores(self, weights, n_stages=None):
        """Held-out scores and training scores before each stage, and at the end."""
        start = self.constant(weights)
        held_out = [np.tile(start, (len(self.y_val), 1))]
        training = [np.tile(start, (len(self.y), 1))]
        for stage in range(len(self.leaves)):
            added_val, added = self.steps(stage, training[-1], weights)
            held_out.append(held_out[-1] + added_val)
            training.append(training[-1] + added)
        return held_out, training

    def score(self, scores, scoring="loss"):
        """Score of each held-out row."""
        if self.n_classes == 0:
            return (scores[:, 0] - self.y_val) ** 2
        if self.n_classes == 2:
            signed = np.where(self.y_val == 1, scores[:, 0], -scores[:, 0])
            log_p = -np.logaddexp(0, -signed)
        else:
            log_p = np.log(softmax(scores, axis=1))[np.arange(len(scores)), self.y_val]
        return -log_p if scoring == "loss" else -np.exp(log_p)


def own_weights(model, y):
    weights = getattr(model, "class_weight", None)
    return np.array([1.0 if weights is None else weights[label] for label in y])


@pytest.mark.parametrize(("model", "n_classes"), MODELS, ids=model_id)
def test_the_oracle_fits_the_leaves_that_the_model_has(model, n_classes):
    X, y, X_val, y_val = problem(n_classes)
    fitted = model.fit(X, y)
    oracle = FixedStructure(fitted, X, y, X_val, y_val)
    scores = oracle.scores(own_weights(model, y))[0][-1]
    predict = fitted.decision_function if n_classes else fitted.predict
    expected = predict(X_val).reshape(scores.shape)
    shift = 0.0
    if n_classes > 2:
        # Scores of several classes have a common constant that means nothing.
        shift = (expected - scores).mean(axis=1, keepdims=True)
    # Histograms sum gradients in single precision.
    np.testing.assert_allclose(scores + shift, expected, atol=2e-5)


def half_weights(n_samples):
    return np.random.default_rng(0).integers(0, 5, n_samples) / 2


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scoring", ["loss", "proba"])
@pytest.mark.parametrize(("model", "n_classes"), MODELS, ids=model_id)
def test_leaf_influence_is_the_derivative_in_the_weight(
    model, n_classes, scoring, weighted
):
    if n_classes == 0 and scoring == "proba":
        pytest.skip("real targets have no probability")
    X, y, X_val, y_val = problem(n_classes)
    given = {"sample_weight": half_weights(len(y))} if weighted else {}
    valuator = BoostingInfluence(model, method="leaf_influence", scoring=scoring)
    values = valuator.fit(X, y, X_val=X_val, y_val=y_val, **given).data_values_
    oracle = FixedStructure(valuator.estimators_[0], X, y, X_val, y_val)
    weights = own_weights(model, y) * given.get("sample_weight", 1.0)
    rows, numerical = np.arange(0, len(y), 7), []
    for row in rows:
        low, high = (
            oracle.score(oracle.scores(changed)[0][-1], scoring).mean()
            for changed in nudged(weights, row)
        )
        numerical.append(-(high - low) / (2 * STEP))
    scale = np.abs(values).max()
    np.testing.assert_allclose(values[rows], numerical, atol=1e-4 * scale)


def nudged(weights, row):
    """Weights with that of a row a share of it smaller, and larger."""
    for sign in (-1, 1):
        factor = np.ones(len(weights))
        factor[row] += sign * STEP
        yield weights * factor


@pytest.mark.parametrize(("model", "n_classes"), MODELS, ids=model_id)
def test_boostin_is_the_derivative_of_each_stage_by_itself(model, n_classes):
    X, y, X_val, y_val = problem(n_classes)
    valuator = BoostingInfluence(model, scoring="loss")
    values = valuator.fit(X, y, X_val=X_val, y_val=y_val).data_values_
    oracle = FixedStructure(valuator.estimators_[0], X, y, X_val, y_val)
    weights = own_weights(model, y)
    held_out, training = oracle.scores(weights)
    rows, numerical = np.arange(0, len(y), 7), []
    for row in rows:
        total = 0.0
        for stage in range(len(oracle.leaves)):
            low, high = (
                oracle.steps(stage, training[stage], changed)[0]
                for changed in nudged(weights, row)
            )
            gradient = oracle.derivatives(held_out[stage], y_val)[0]
            gradient = 2 * gradient if n_classes == 0 else gradient
            total += (gradient * (high - low)).sum() / len(y_val) / (2 * STEP)
        numerical.append(-total)
    scale = np.abs(values).max()
    np.testing.assert_allclose(values[rows], numerical, atol=1e-4 * scale)


def leave_one_out(model, X, y, X_val, y_val, rows, loss):
    """Rise of the held-out loss when each row is removed, by refitting."""

    def score(kept):
        return loss(clone(model).fit(X[kept], y[kept]), X_val, y_val)

    everything = np.arange(len(y))
    full = score(everything)
    return np.array([score(np.delete(everything, row)) - full for row in rows])


def nats(model, X, y):
    return log_loss(y, model.predict_proba(X), labels=model.classes_)


def squared_error(model, X, y):
    return mean_squared_error(y, model.predict(X))


def clear_problem(n_classes, n_samples=150):
    """Rows of three two-valued columns: trees of depth 3 have no choice of leaves."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (2 * n_samples, 3)).astype(float)
    score = X @ [4.0, 2.0, 1.0] + rng.normal(scale=1.5, size=len(X))
    if n_classes > 0:
        score = np.digitize(
            score, np.quantile(score, np.arange(1, n_classes) / n_classes)
        )
    return X[:n_samples], score[:n_samples], X[n_samples:], score[n_samples:]


@pytest.mark.parametrize("n_classes", [0, 2, 3])
def test_agrees_with_leave_one_out_refits(n_classes):
    settings = {"max_depth": 3, "n_estimators": 10, "random_state": 0}
    model, loss = GradientBoostingClassifier(**settings), nats
    if n_classes == 0:
        model, loss = GradientBoostingRegressor(**settings), squared_error
    X, y, X_val, y_val = clear_problem(n_classes)
    rows = np.arange(0, len(y), 2)
    reference = leave_one_out(model, X, y, X_val, y_val, rows, loss)
    correlation, slope = {}, {}
    for method in ("boostin", "leaf_influence"):
        valuator = BoostingInfluence(model, method=method)
        values = valuator.fit(X, y, X_val=X_val, y_val=y_val).data_values_[rows]
        correlation[method] = np.corrcoef(values, reference)[0, 1]
        slope[method] = np.polyfit(reference, values, 1)[0]
    assert correlation["leaf_influence"] > 0.99
    assert slope["leaf_influence"] == pytest.approx(1, abs=0.15)
    # What a stage does to later ones is left out.
    assert correlation["boostin"] > 0.75


@pytest.mark.parametrize(
    ("method", "least"), [("boostin", 0.95), ("leaf_influence", 0.93)]
)
def test_flipped_labels_of_real_rows_get_low_values(method, least):
    X, y = load_breast_cancer(return_X_y=True)
    areas = []
    for seed in range(3):
        is_wrong = np.random.default_rng(seed).permutation(len(y)) < len(y) // 10
        valuator = BoostingInfluence(method=method, random_state=0)
        values = valuator.fit(X, np.where(is_wrong, 1 - y, y)).data_values_
        areas.append(roc_auc_score(is_wrong, -values))
    assert np.mean(areas) > least


def test_outlying_targets_get_low_values():
    X, y, X_val, y_val = problem(0, n_samples=300)
    y = y.copy()
    y[:15] += 8 * np.sign(np.arange(15) - 7.5)
    valuator = BoostingInfluence(method="leaf_influence", random_state=0)
    for held_out, least in ({}, 0.9), ({"X_val": X_val, "y_val": y_val}, 0.98):
        values = valuator.fit(X, y, **held_out).data_values_
        assert roc_auc_score(np.arange(300) < 15, -values) > least


@pytest.mark.parametrize("method", ["boostin", "leaf_influence"])
@pytest.mark.parametrize(("model", "n_classes"), MODELS, ids=model_id)
def test_predict_values_of_the_training_rows_are_their_values(model, n_classes, method):
    X, y, X_val, y_val = problem(n_classes)
    valuator = BoostingInfluence(model, method=method)
    valuator.fit(X, y, X_val=X_val, y_val=y_val)
    scale = np.abs(valuator.data_values_).max()
    np.testing.assert_allclose(
        valuator.predict_values(X, y), valuator.data_values_, atol=1e-9 * scale
    )


def test_predict_values_of_a_label_that_some_folds_lack():
    X, y, X_val, _ = problem(2)
    y = y.copy()
    y[0] = 2
    folds = [(np.arange(20, 120), np.arange(20)), (np.arange(100), np.arange(100, 120))]
    model = GradientBoostingClassifier(**CLASSIC)
    valuator = BoostingInfluence(model, cv=folds, scoring="loss").fit(X, y)
    known, second = folds[1], BoostingInfluence(model, scoring="loss")
    second.fit(X[known[0]], y[known[0]], X_val=X[known[1]], y_val=y[known[1]])
    label = np.full(len(X_val), 2)
    np.testing.assert_allclose(
        valuator.predict_values(X_val, label), second.predict_values(X_val, label)
    )


def test_same_values_for_any_n_jobs():
    X, y, *_ = problem(3)
    one, two = (
        BoostingInfluence(n_jobs=n, cv=3, random_state=0).fit(X, y).data_values_
        for n in (1, 2)
    )
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("method", ["boostin", "leaf_influence"])
def test_memory_does_not_grow_with_the_trees(method):
    X, y, X_val, y_val = problem(3, n_samples=4000)
    peaks = []
    for n_trees in (5, 40):
        model = HistGradientBoostingClassifier(max_iter=n_trees, max_leaf_nodes=4)
        trees = BoostedTrees(model.fit(X, y), y)
        tracemalloc.start()
        rows = Rows(trees, X, y), Rows(trees, X_val, y_val)
        influence(trees, *rows, scoring="loss", method=method)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def test_missing_values_and_categories_end_in_the_leaves_of_the_model():
    rng = np.random.default_rng(0)
    X = np.c_[rng.normal(size=(300, 2)), rng.integers(0, 6, 300)]
    y = np.where(np.isin(X[:, 2], [1, 4]), 1.0, X[:, 0]) + X[:, 1]
    X[rng.random((300, 3)) < 0.2] = np.nan
    model = HistGradientBoostingRegressor(categorical_features=[2], max_iter=8)
    trees = BoostedTrees(model.fit(X, y), y)
    X_new = np.r_[X[:50], [[0.0, 0.0, 17.0]]]
    scores = np.full(len(X_new), y.mean())
    for stage in range(trees.n_stages):
        (leaves,), (values,) = (
            trees.leaves(stage, trees.prepared(X_new)),
            trees.values(stage),
        )
        scores += values[leaves]
    np.testing.assert_allclose(scores, model.predict(X_new))


def test_every_row_trains():
    """Which early_stopping="auto" would prevent beyond 10 000 rows."""
    X, y, X_val, y_val = problem(2, n_samples=10_100)
    model = HistGradientBoostingClassifier(max_iter=2, max_leaf_nodes=3)
    valuator = BoostingInfluence(model).fit(X, y, X_val=X_val[:99], y_val=y_val[:99])
    assert valuator.estimators_[0].validation_score_.size == 0
    assert model.early_stopping == "auto"


@pytest.mark.parametrize("method", ["boostin", "leaf_influence"])
@pytest.mark.parametrize("cross_fitted", [False, True])
@pytest.mark.parametrize("n_classes", [0, 2, 3])
def test_a_weighted_row_has_the_values_of_its_repeats(n_classes, cross_fitted, method):
    X, y, X_val, y_val = clear_problem(n_classes)
    rng = np.random.default_rng(0)
    weights, fold = rng.integers(0, 4, len(y)), rng.integers(0, 3, len(y))
    repeats = np.repeat(np.arange(len(y)), weights)
    settings = {"max_depth": 3, "n_estimators": 5, "random_state": 0}
    kind = GradientBoostingClassifier if n_classes else GradientBoostingRegressor
    valuator = BoostingInfluence(kind(**settings), method=method)
    given = {} if cross_fitted else {"X_val": X_val, "y_val": y_val}
    valuator.set_params(cv=PredefinedSplit(fold))
    weighted = valuator.fit(X, y, sample_weight=weights, **given)
    values, columns = weighted.data_values_, weighted.attributions(X_val, y_val)
    valuator.set_params(cv=PredefinedSplit(fold[repeats]))
    repeated = valuator.fit(X[repeats], y[repeats], **given).data_values_
    total = np.bincount(repeats, repeated, len(y))
    scale = np.abs(values).max()
    np.testing.assert_allclose(values, total, atol=1e-6 * scale)
    if not cross_fitted:
        np.testing.assert_allclose(columns.mean(axis=1), values, atol=1e-9 * scale)


# -------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    "estimator, message",
    [
        (RandomForestClassifier(), "is not a gradient boosting"),
        ("boosting", "is not a gradient boosting"),
        (GradientBoostingClassifier(loss="exponential"), 'only loss="log_loss"'),
        (GradientBoostingClassifier(subsample=0.5), "use subsample=1.0"),
        (GradientBoostingClassifier(n_iter_no_change=3), "n_iter_no_change=None"),
        (HistGradientBoostingClassifier(early_stopping=True), "early_stopping=False"),
        (HistGradientBoostingClassifier(monotonic_cst=[1] * 6), "monotonic_cst=None"),
    ],
)
def test_models_that_the_equations_do_not_hold_for_are_refused(estimator, message):
    X, y, *_ = problem(2)
    with pytest.raises(ValueError, match=f"estimator=.*{message}"):
        BoostingInfluence(estimator).fit(X, y)


@pytest.mark.parametrize(
    "estimator",
    [
        GradientBoostingRegressor(loss="huber"),
        GradientBoostingRegressor(loss="quantile"),
        HistGradientBoostingRegressor(loss="absolute_error"),
        HistGradientBoostingRegressor(loss="poisson"),
    ],
    ids=repr,
)
def test_other_losses_are_refused(estimator):
    X, y, *_ = problem(0)
    with pytest.raises(ValueError, match='only loss="squared_error" is supported'):
        BoostingInfluence(estimator).fit(X, np.abs(y))


def test_proba_needs_labels():
    X, y, *_ = problem(0)
    with pytest.raises(ValueError, match='scoring="proba" needs class labels'):
        BoostingInfluence(scoring="proba").fit(X, y)


def test_folds_of_one_class_are_refused():
    X, y, *_ = problem(2)
    y = np.where(np.arange(len(y)) < 20, 1, 0)
    folds = [
        (np.arange(20, 120), np.arange(10, 30)),
        (np.arange(100), np.arange(90, 120)),
    ]
    with pytest.raises(ValueError, match="training rows of one class"):
        BoostingInfluence(cv=folds).fit(X, y)


def test_trees_that_are_not_where_they_were_are_an_error_that_says_so():
    X, y, *_ = problem(2)
    model = HistGradientBoostingClassifier(max_iter=2).fit(X, y)
    del model._predictors
    with pytest.raises(RuntimeError, match="does not keep its trees where"):
        BoostedTrees(model, y)
