"""Small coalitions in the span of their rows: the same models as in all columns."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression

from skvalue._linear_engine import coalition_columns
from skvalue._linear_engine.coalition_columns import (
    AllColumns,
    SpannedColumns,
    columns_of,
)
from skvalue._linear_engine.joint_newton import contrasts
from skvalue.semivalues._utility import Utility

N, N_VAL, D, K = 60, 25, 40, 4


def game(intercept=True, precision="float64"):
    rng = np.random.default_rng(0)
    y = rng.integers(0, K, N + N_VAL)
    X = rng.normal(size=(N + N_VAL, D)) * np.geomspace(1, 10, D)
    X[:, :K] += 3 * np.eye(K)[y]
    # A row in the span of others, and one that is there twice.
    X[1], X[3] = X[2], (X[4] + X[5]) / 2
    y[1] = y[2]
    model = LogisticRegression(C=0.3, fit_intercept=intercept)
    return Utility(
        model,
        *(X[:N], y[:N], X[N:], y[N:]),
        classes=np.arange(K),
        precision=precision,
    )


def masks():
    """Coalitions of three rows a class and fewer, of two classes and of all."""
    rng = np.random.default_rng(1)
    few = np.array([rng.permutation(N) < size for size in (5, 8, 12, 20, 30)])
    two = few[-1] & (game().y < 2)
    return np.vstack([few, two])


@pytest.mark.parametrize("intercept", [True, False])
def test_values_are_those_in_all_columns(intercept, monkeypatch):
    found = game(intercept).in_out(masks())
    monkeypatch.setattr(coalition_columns, "ENOUGH_SHRINKAGE", 0.0)
    expected = game(intercept).in_out(masks())
    assert_allclose(found, expected, atol=1e-5 * expected.std())


def test_values_are_those_of_refits():
    fast, slow, mask = game(precision="float32"), game(), masks()[2]
    slow.estimator = LogisticRegression(C=0.3, tol=1e-10, max_iter=5000)
    worth, expected = slow.value(np.flatnonzero(mask)), np.empty(N)
    for i in range(N):
        changed = mask.copy()
        changed[i] ^= True
        change = slow.value(np.flatnonzero(changed)) - worth
        expected[i] = -change if mask[i] else change
    found = fast.in_out(mask[None])[0]
    assert np.sqrt(np.mean((found - expected) ** 2)) < 0.05 * expected.std()


def test_coefficients_there_and_back():
    problem = game().engine.problem
    problem.X_val = problem.X
    inside = torch.tensor([0, 3, 7, 8, 20])
    columns = columns_of(problem, inside)
    assert isinstance(columns, SpannedColumns)
    theta = torch.randn(K, columns.table.X.shape[1], dtype=torch.float64)
    theta[:, columns.own] = 0
    model = columns.to_model(theta)
    assert_allclose(columns.of_model(model), theta, atol=1e-10)
    assert_allclose(
        problem.X[inside] @ model.T, columns.table.X[inside] @ theta.T, atol=1e-10
    )
    # The penalty is the same, and a row that enters meets its own column.
    length = (model.square() @ problem.penalty).sum()
    assert_allclose(length, (theta.square() @ columns.penalty).sum())
    index = torch.tensor([1, 30, 59])
    own = torch.randn(len(index), K, theta.shape[1], dtype=torch.float64)
    margins = columns.margins(own, index)
    met = (own @ columns.table.X[index, :, None]).squeeze(2)
    assert_allclose(margins[torch.arange(3), :, index], met)
    models = margins @ torch.linalg.pinv(problem.X).T
    assert_allclose(
        (models.square() @ problem.penalty).sum(1),
        (own.square() @ columns.penalty).sum(1),
    )


def test_rows_are_turned_only_where_that_is_worth_while():
    problem = game().engine.problem
    assert isinstance(columns_of(problem, torch.arange(39)), AllColumns)
    assert isinstance(columns_of(problem, torch.arange(50)), AllColumns)
    # Single precision would not hold columns of such scales turned.
    problem.penalty = problem.penalty * torch.cat([torch.tensor([1e7]), torch.ones(D)])
    assert isinstance(columns_of(problem, torch.arange(5)), AllColumns)


def test_contrasts_are_orthonormal_and_sum_to_zero():
    present = torch.tensor([True, False, True, True])
    basis = contrasts(present, torch.float64)
    assert basis.shape == (4, 2)
    assert_allclose(basis.T @ basis, torch.eye(2), atol=1e-12)
    assert_allclose(basis.sum(0), 0, atol=1e-12)
    assert (basis[1] == 0).all()
