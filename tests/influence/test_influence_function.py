"""InfluenceFunction against closed forms, refits and autograd."""

import numpy as np
import pytest
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_wine,
    make_classification,
    make_regression,
)
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    Ridge,
    RidgeClassifier,
)
from sklearn.metrics import log_loss, mean_squared_error, roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from skvalue.influence import InfluenceFunction, _memory


@parametrize_with_checks([InfluenceFunction(), InfluenceFunction(drop=0.0)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def classification(n_samples=200, n_classes=2, **settings):
    settings = {"n_features": 8, "n_informative": 5, "n_redundant": 0} | settings
    X, y = make_classification(
        2 * n_samples, n_classes=n_classes, random_state=0, **settings
    )
    return X[:n_samples], y[:n_samples], X[n_samples:], y[n_samples:]


def regression(n_samples=100):
    X, y = make_regression(2 * n_samples, 5, noise=20.0, random_state=0)
    y = y / y.std()
    return X[:n_samples], y[:n_samples], X[n_samples:], y[n_samples:]


def leave_one_out(model, loss, X, y, X_val, y_val):
    """Rise of the validation loss when each row is removed, by refitting."""

    def score(rows):
        return loss(model.fit(X[rows], y[rows]), X_val, y_val)

    everything = np.arange(len(X))
    full = score(everything)
    return np.array([score(np.delete(everything, i)) - full for i in everything])


def nats(model, X, y):
    return log_loss(y, model.predict_proba(X), labels=model.classes_)


def squared_error(model, X, y):
    return mean_squared_error(y, model.predict(X))


def coded_squared_error(model, X, y):
    target = 2 * (np.asarray(y)[:, None] == model.classes_) - 1
    if len(model.classes_) == 2:
        target = target[:, 1]
    error = (model.decision_function(X) - target) ** 2
    return error.reshape(len(X), -1).sum(axis=1).mean()


# ------------------------------------------------------------------ linear models


def test_agrees_with_leave_one_out_refits_of_logistic_regression():
    data = classification(500, flip_y=0.1)
    model = LogisticRegression(solver="newton-cholesky")
    values = InfluenceFunction(model).fit(*data[:2], X_val=data[2], y_val=data[3])
    reference = leave_one_out(model, nats, *data)
    correlation = np.corrcoef(values.data_values_, reference)[0, 1]
    assert correlation > 0.95
    slope = np.polyfit(reference, values.data_values_, 1)[0]
    assert slope == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    "model, loss, n_classes",
    [
        (LogisticRegression(C=0.5, fit_intercept=False), nats, 2),
        (LogisticRegression(solver="liblinear", C=0.1), nats, 2),
        (LogisticRegression(C=0.2, class_weight={0: 3.0}), nats, 3),
        (LogisticRegression(C=100.0), nats, 2),
        (RidgeClassifier(alpha=5.0), coded_squared_error, 2),
        (RidgeClassifier(class_weight={0: 3.0}), coded_squared_error, 3),
    ],
    ids=lambda part: getattr(part, "__name__", repr(part)),
)
def test_agrees_with_refits_of_every_linear_classifier(model, loss, n_classes):
    data = classification(150, n_classes)
    valuator = InfluenceFunction(model, damping=0.0)
    values = valuator.fit(*data[:2], X_val=data[2], y_val=data[3]).data_values_
    reference = leave_one_out(model, loss, *data)
    assert np.corrcoef(values, reference)[0, 1] > 0.95
    assert np.polyfit(reference, values, 1)[0] == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize(
    "model",
    [LinearRegression(), Ridge(alpha=3.0), Ridge(fit_intercept=False)],
    ids=repr,
)
def test_equals_the_directional_derivative_of_a_weighted_refit(model):
    X, y, X_val, y_val = regression()
    valuator = InfluenceFunction(model, damping=0.0)
    values = valuator.fit(X, y, X_val=X_val, y_val=y_val).data_values_
    step = 1e-4
    for row in (0, 7, 42):
        losses = []
        for sign in (-1, 1):
            weights = np.ones(len(X))
            weights[row] += sign * step
            losses.append(
                squared_error(model.fit(X, y, sample_weight=weights), X_val, y_val)
            )
        derivative = (losses[1] - losses[0]) / (2 * step)
        assert values[row] == pytest.approx(-derivative, rel=1e-5, abs=1e-9)


def test_linear_regression_matches_the_textbook_formula():
    X, y, X_val, y_val = regression()
    valuator = InfluenceFunction(LinearRegression(), damping=0.0)
    values = valuator.fit(X, y, X_val=X_val, y_val=y_val).data_values_
    A, B = np.c_[X, np.ones(len(X))], np.c_[X_val, np.ones(len(X_val))]
    theta = np.linalg.lstsq(A, y)[0]
    gradient = 2 * B.T @ (B @ theta - y_val) / len(B)
    expected = (A @ theta - y) * (A @ np.linalg.inv(A.T @ A) @ gradient)
    np.testing.assert_allclose(values, expected, rtol=1e-8)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("model", [LogisticRegression(tol=1e-8), RidgeClassifier()])
def test_conjugate_gradients_give_the_exact_values(model, n_classes):
    X, y, X_val, y_val = classification(n_classes=n_classes)
    exact, cg = (
        InfluenceFunction(model, solver=solver).fit(X, y, X_val=X_val, y_val=y_val)
        for solver in ("exact", "cg")
    )
    np.testing.assert_allclose(
        cg.data_values_, exact.data_values_, rtol=1e-4, atol=1e-10
    )


def test_lissa_approaches_the_exact_values():
    X, y, X_val, y_val = classification()
    exact, lissa = (
        InfluenceFunction(
            solver=solver, batch_size=100, max_iter=500, damping=0.01, random_state=0
        ).fit(X, y, X_val=X_val, y_val=y_val)
        for solver in ("exact", "lissa")
    )
    assert np.corrcoef(exact.data_values_, lissa.data_values_)[0, 1] > 0.99


def test_values_are_in_the_labels_own_names():
    X, y, X_val, y_val = classification()
    names = np.array(["spam", "ham"])
    settings = {"damping": 0.0}
    plain = InfluenceFunction(LogisticRegression(class_weight={1: 2.0}), **settings)
    named = InfluenceFunction(LogisticRegression(class_weight={"ham": 2.0}), **settings)
    plain.fit(X, y, X_val=X_val, y_val=y_val)
    named.fit(X, names[y], X_val=X_val, y_val=names[y_val])
    np.testing.assert_allclose(
        named.data_values_, plain.data_values_, rtol=1e-2, atol=1e-7
    )


def test_predict_values_of_the_training_rows_are_their_values():
    X, y, X_val, y_val = classification()
    valuator = InfluenceFunction().fit(X, y, X_val=X_val, y_val=y_val)
    np.testing.assert_allclose(valuator.predict_values(X, y), valuator.data_values_)


def test_cross_fitting_values_every_row_and_finds_flipped_labels():
    X, y, *_ = classification(300, flip_y=0.0, class_sep=2.0, n_clusters_per_class=1)
    y[:30] = 1 - y[:30]
    values = InfluenceFunction(random_state=0).fit(X, y).data_values_
    assert roc_auc_score(np.arange(300) < 30, -values) > 0.9


def test_same_values_for_any_n_jobs():
    X, y, *_ = classification(100)
    one, two = (
        InfluenceFunction(n_jobs=n, random_state=0).fit(X, y).data_values_
        for n in (1, 2)
    )
    np.testing.assert_array_equal(one, two)


def wrong_label(model, X, y):
    """Mean probability of the labels that are not observed."""
    probabilities = model.predict_proba(X)
    return 1 - probabilities[np.arange(len(y)), y].mean()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_proba_agrees_with_refits_scored_by_probability(n_classes):
    data = classification(100, n_classes)
    model = LogisticRegression(C=0.2)
    valuator = InfluenceFunction(model, scoring="proba", damping=0.0)
    values = valuator.fit(*data[:2], X_val=data[2], y_val=data[3]).data_values_
    reference = leave_one_out(model, wrong_label, *data)
    assert np.corrcoef(values, reference)[0, 1] > 0.95
    assert np.polyfit(reference, values, 1)[0] == pytest.approx(1, abs=0.2)


def test_proba_needs_probabilities():
    X, y, *_ = classification(50)
    with pytest.raises(ValueError, match='scoring="proba" needs'):
        InfluenceFunction(RidgeClassifier(), scoring="proba").fit(X, y)


# ------------------------------------------------------------------------ networks

torch = pytest.importorskip("torch")


def trained_network(X, y, n_outputs=2):
    """A small network near a minimum of its regularised loss."""
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        module = torch.nn.Sequential(
            torch.nn.Linear(X.shape[1], 5),
            torch.nn.Tanh(),
            torch.nn.Linear(5, n_outputs),
        ).double()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.5, generator=generator)
    optimizer = torch.optim.LBFGS(module.parameters(), max_iter=200)
    inputs, target = torch.as_tensor(X), torch.as_tensor(y)

    def closure():
        optimizer.zero_grad()
        loss = loss_of(module(inputs), target).mean()
        penalty = sum((p**2).sum() for p in module.parameters())
        loss = loss + 0.005 * penalty
        loss.backward()
        return loss

    optimizer.step(closure)
    return module


def loss_of(outputs, target):
    if target.is_floating_point():
        return (outputs[:, 0] - target) ** 2
    return torch.nn.functional.cross_entropy(outputs, target, reduction="none")


def dense_values(module, X, y, X_val, y_val, damping):
    """Values from autograd's dense Hessian and one backward pass a row."""
    names = [name for name, _ in module.named_parameters()]
    shapes = [p.shape for p in module.parameters()]
    flat = torch.nn.utils.parameters_to_vector(module.parameters()).detach()

    def losses(vector, X, y):
        parts = torch.split(vector, [shape.numel() for shape in shapes])
        named = {n: p.view(s) for n, p, s in zip(names, parts, shapes, strict=True)}
        outputs = torch.func.functional_call(module, named, (torch.as_tensor(X),))
        return loss_of(outputs, torch.as_tensor(y))

    functional = torch.autograd.functional
    hessian = functional.hessian(lambda v: losses(v, X, y).mean(), flat)
    hessian = hessian + damping * torch.eye(len(flat))
    per_row = functional.jacobian(lambda v: losses(v, X, y), flat)
    gradient = functional.jacobian(lambda v: losses(v, X_val, y_val).mean(), flat)
    return (per_row @ torch.linalg.solve(hessian, gradient) / len(X)).numpy()


@pytest.mark.parametrize("solver", ["exact", "cg"])
def test_network_agrees_with_the_dense_hessian_of_autograd(solver):
    X, y, X_val, y_val = classification(100, n_classes=3)
    module = trained_network(X, y, n_outputs=3)
    valuator = InfluenceFunction(module, solver=solver, damping=0.01, batch_size=30)
    values = valuator.fit(X, y, X_val=X_val, y_val=y_val).data_values_
    expected = dense_values(module, X, y, X_val, y_val, 0.01)
    assert np.abs(values - expected).max() <= 1e-4 * np.abs(expected).max()


def test_regression_network_agrees_with_the_dense_hessian():
    X, y, X_val, y_val = regression()
    module = trained_network(X, y, n_outputs=1)
    valuator = InfluenceFunction(module, solver="cg", damping=0.01)
    values = valuator.fit(X, y, X_val=X_val, y_val=y_val).data_values_
    expected = dense_values(module, X, y, X_val, y_val, 0.01)
    assert np.abs(values - expected).max() <= 1e-4 * np.abs(expected).max()


def linear_module(model):
    """The network that computes what a fitted multinomial regression computes."""
    with torch.random.fork_rng():
        module = torch.nn.Linear(model.n_features_in_, len(model.classes_)).double()
    with torch.no_grad():
        module.weight.copy_(torch.as_tensor(model.coef_))
        module.bias.copy_(torch.as_tensor(model.intercept_))
    return module


@pytest.mark.parametrize("scoring", ["loss", "proba"])
@pytest.mark.parametrize("curvature", ["hessian", "gauss_newton"])
@pytest.mark.parametrize("solver", ["exact", "cg"])
def test_linear_network_equals_the_closed_form(scoring, curvature, solver):
    X, y, X_val, y_val = classification(n_classes=3)
    model = LogisticRegression(C=np.inf, max_iter=1000).fit(X, y)
    settings = {"damping": 1e-3, "solver": solver, "scoring": scoring}
    closed = InfluenceFunction(model, **settings)
    network = InfluenceFunction(linear_module(model), curvature=curvature, **settings)
    closed.fit(X, y, X_val=X_val, y_val=y_val)
    network.fit(X, y, X_val=X_val, y_val=y_val)
    np.testing.assert_allclose(
        network.data_values_, closed.data_values_, rtol=1e-5, atol=1e-10
    )


def test_gauss_newton_accepts_parameters_that_are_no_minimum():
    X, y, X_val, y_val = classification(100)
    module = trained_network(X, y)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.neg_()
    with pytest.raises(ValueError, match=r"not positive definite.*damping"):
        InfluenceFunction(module).fit(X, y, X_val=X_val, y_val=y_val)
    valuator = InfluenceFunction(module, curvature="gauss_newton")
    assert np.isfinite(valuator.fit(X, y, X_val=X_val, y_val=y_val).data_values_).all()


class Logits(torch.nn.Module):
    def __init__(self, n_outputs=2, softmax=False):
        super().__init__()
        self.layer = torch.nn.Linear(8, n_outputs)
        self.softmax = softmax

    def forward(self, X):
        outputs = self.layer(X)
        return outputs.softmax(dim=1) if self.softmax else outputs


def net(kind="NeuralNetClassifier", **settings):
    skorch = pytest.importorskip("skorch")
    settings = {
        "max_epochs": 8,
        "lr": 0.1,
        "train_split": None,
        "verbose": 0,
    } | settings
    return getattr(skorch, kind)(Logits, **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"module__softmax": True},
        {"criterion": torch.nn.CrossEntropyLoss},
        {"kind": "NeuralNetBinaryClassifier", "module__n_outputs": 1},
    ],
    ids=["nll", "cross-entropy", "binary"],
)
def test_skorch_net_is_cross_fitted_and_leaves_the_random_state_alone(settings):
    X, y, *_ = classification(200, flip_y=0.0, class_sep=2.0, n_clusters_per_class=1)
    y[:20] = 1 - y[:20]
    torch_state = torch.get_rng_state()
    numpy_state = np.random.get_state()[1].copy()
    valuator = InfluenceFunction(net(**settings), solver="cg", cv=3, random_state=0)
    first = valuator.fit(X, y).data_values_
    assert roc_auc_score(np.arange(200) < 20, -first) > 0.9
    np.testing.assert_array_equal(valuator.fit(X, y).data_values_, first)
    assert torch.equal(torch.get_rng_state(), torch_state)
    now = np.random.get_state()[1]
    np.testing.assert_array_equal(now, numpy_state)


def test_fitted_skorch_net_equals_its_module():
    X, y, X_val, y_val = classification(100)
    with torch.random.fork_rng():
        fitted = net(criterion=torch.nn.CrossEntropyLoss)
        fitted.fit(X.astype(np.float32), y)
    of_net, of_module = (
        InfluenceFunction(trained, damping=0.01)
        .fit(X, y, X_val=X_val, y_val=y_val)
        .data_values_
        for trained in (fitted, fitted.module_)
    )
    np.testing.assert_allclose(of_net, of_module, rtol=1e-9)


def test_skorch_regressor():
    X, y, X_val, y_val = regression()
    X, X_val = (np.c_[rows, rows[:, :3]] for rows in (X, X_val))
    valuator = InfluenceFunction(
        net("NeuralNetRegressor", module__n_outputs=1), random_state=0
    )
    values = valuator.fit(X, y, X_val=X_val, y_val=y_val).data_values_
    assert np.isfinite(values).all()
    np.testing.assert_allclose(valuator.predict_values(X, y), values)


# -------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    "estimator, message",
    [
        (RandomForestClassifier(), "not a model whose Hessian"),
        (LogisticRegressionCV(), "not a model whose Hessian"),
        (LogisticRegression(l1_ratio=1, solver="saga"), "L1 penalty"),
        ("ridge", "not a model whose Hessian"),
    ],
)
def test_models_without_a_closed_form_are_refused(estimator, message):
    X, y, *_ = classification(50)
    with pytest.raises(ValueError, match=message):
        InfluenceFunction(estimator).fit(X, y)


def test_bounded_coefficients_are_refused():
    X, y, *_ = regression()
    with pytest.raises(ValueError, match="free optimum"):
        InfluenceFunction(LinearRegression(positive=True)).fit(X, y)


def test_classifier_refuses_real_targets():
    X, y, *_ = regression()
    with pytest.raises(ValueError, match="is a classifier"):
        InfluenceFunction(LogisticRegression()).fit(X, y)


def test_singular_hessian_names_damping():
    X, y, X_val, y_val = regression()
    X, X_val = np.c_[X, 2 * X], np.c_[X_val, 2 * X_val]
    with pytest.raises(ValueError, match="damping > 0"):
        InfluenceFunction(LinearRegression(), damping=0.0).fit(
            X, y, X_val=X_val, y_val=y_val
        )


@pytest.mark.parametrize("load", [load_breast_cancer, load_digits, load_wine])
def test_default_model_is_at_its_minimum_whatever_the_scale_of_columns(load):
    """Warnings are errors: lbfgs does not converge on two of these in 1000 steps."""
    X, y = load(return_X_y=True)
    found = InfluenceFunction(random_state=0).fit(X, y).data_values_
    model = LogisticRegression(solver="newton-cholesky", tol=1e-10)
    precise = InfluenceFunction(model, random_state=0).fit(X, y).data_values_
    assert np.corrcoef(found, precise)[0, 1] > 0.999


def test_default_model_of_many_parameters_factors_no_hessian_a_step():
    X, y, *_ = classification(200, n_features=101, n_informative=8, n_classes=10)
    model = InfluenceFunction(random_state=0).fit(X, y).estimators_[0]
    assert model.solver == "lbfgs"


@pytest.mark.parametrize("C", [1e-3, 1.0, 1e8])
def test_classes_that_are_far_apart_are_no_fit_that_stopped_early(C):
    X, y, *_ = classification(60, class_sep=20.0)
    model = LogisticRegression(C=C, class_weight={0: 1.0, 1: 5.0}, max_iter=1000)
    assert np.isfinite(InfluenceFunction(model, cv=2).fit(X, y).data_values_).all()


@pytest.mark.parametrize(
    "model", [Ridge(solver="sag", max_iter=1), LogisticRegression(max_iter=1)]
)
def test_a_fit_that_stopped_far_from_its_optimum_is_refused(model):
    X, y, *_ = classification(60)
    y = X[:, 0] + X[:, 1] if isinstance(model, Ridge) else y
    with (
        pytest.raises(ValueError, match=r"stopped far from its optimum.*max_iter"),
        pytest.warns(ConvergenceWarning),
    ):
        InfluenceFunction(model).fit(100 * X, y)


class NeverFitted(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        raise AssertionError("fitted before it was refused")


@pytest.mark.parametrize(
    ("n_classes", "n_parameters"), [(2, 9), (3, 27)], ids=["binary", "softmax"]
)
def test_a_hessian_that_does_not_fit_is_refused_before_any_fit(
    monkeypatch, n_classes, n_parameters
):
    X, y, *_ = classification(60, n_classes)
    monkeypatch.setattr(_memory, "memory", lambda: 16 * n_parameters**2 - 1)
    message = f'solver="exact" holds the Hessian of {n_parameters} parameters'
    with pytest.raises(ValueError, match=f'{message}.*use solver="cg"'):
        InfluenceFunction(NeverFitted()).fit(X, y)
    InfluenceFunction(LogisticRegression(), solver="cg", cv=2).fit(X, y)
    monkeypatch.setattr(_memory, "memory", lambda: 16 * n_parameters**2)
    InfluenceFunction(LogisticRegression(), cv=2).fit(X, y)


def test_a_hessian_of_a_network_that_does_not_fit_is_refused(monkeypatch):
    X, y, *_ = classification(50)
    module = trained_network(X, y)
    size = sum(p.numel() for p in module.parameters())
    monkeypatch.setattr(_memory, "memory", lambda: 1000)
    with pytest.raises(ValueError, match=f"Hessian of {size} parameters"):
        InfluenceFunction(module).fit(X, y, X_val=X, y_val=y)


def test_the_memory_is_that_of_the_machine_or_of_its_container(monkeypatch, tmp_path):
    assert 2**20 < _memory.memory() < 2**60
    limit, none, absent = (tmp_path / name for name in ("limit", "none", "absent"))
    limit.write_text("12345\n")
    none.write_text("max\n")
    monkeypatch.setattr(_memory, "CGROUP_LIMITS", [none, limit, absent])
    assert _memory.memory() == 12345
    monkeypatch.setattr(_memory, "CGROUP_LIMITS", [none])
    monkeypatch.delattr("os.sysconf")
    assert _memory.memory() == np.inf


def test_trained_network_needs_held_out_rows():
    X, y, *_ = classification(50)
    with pytest.raises(ValueError, match="X_val and y_val"):
        InfluenceFunction(trained_network(X, y)).fit(X, y)


def test_splitter_that_skips_rows_is_refused():
    X, y, *_ = classification(50)
    halves = [(np.arange(25), np.arange(25, 50))]
    with pytest.raises(ValueError, match="never trains on row 25"):
        InfluenceFunction(cv=halves).fit(X, y)


def test_too_many_folds_are_refused():
    X, y, *_ = classification(20)
    with pytest.raises(ValueError, match="cv=30 folds of 20 rows of X"):
        InfluenceFunction(cv=30).fit(X, y)
