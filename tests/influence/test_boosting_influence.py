"""BoostingInfluence against numerical derivatives with the trees held fixed, refits."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.datasets import load_breast_cancer, make_classification, make_regression
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.metrics import roc_auc_score

from skvalue.influence import BoostingInfluence, _boosted_trees, _boosting_influence
from skvalue.influence._boosted_trees import BoostedTrees
from skvalue.utils import _chunks

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


@pytest.mark.parametrize("scoring", ["loss", "proba"])
@pytest.mark.parametrize(("model", "n_classes"), MODELS, ids=model_id)
def test_leaf_influence_is_the_derivative_in_the_weight(model, n_classes, scoring):
    if n_classes == 0 and scoring == "proba":
        pytest.skip("real targets have no probability")
    X, y, X_val, y_val = problem(n_classes)
    valuator = BoostingInfluence(model, method="leaf_influence", scoring=scoring)
    values = valuator.fit(X, y, X_val=X_val, y_val=y_val).data_values_
    oracle = FixedStructure(valuator.estimators_[0], X, y, X_val, y_val)
    weights = own_weights(model, y)
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
    """Weights with that of a row a little smaller, and a little larger."""
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
