"""Multinomial models of a coalition's neighbours against refits to tolerance."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression

from skvalue._linear_engine import multinomial_coalition
from skvalue._linear_engine.applies import make_engine
from skvalue._linear_engine.costs import column_cost, joint_cost
from skvalue._linear_engine.multinomial_coalition import _entering
from skvalue._linear_engine.multinomial_neighbours import growing_blocks
from skvalue._linear_engine.scores import MulticlassScore
from skvalue.semivalues._utility import Utility

N, N_VAL, D, K = 70, 40, 6, 4


def rows(seed=0):
    """Four classes, of which one has nine rows and one two."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(K), [35, 24, 9, 2])
    y = np.concatenate([y, rng.integers(0, K, N_VAL)])
    X = rng.normal(size=(N + N_VAL, D))
    X[:, :K] += 1.5 * np.eye(K)[y]
    return X[:N], y[:N], X[N:], y[N:]


def contributions(C, masks, checked):
    """Of the engine, and of refits for the rows that are checked."""
    data, classes = rows(), np.arange(K)
    precise = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-10)
    slow = Utility(precise, *data, classes=classes)
    engine = make_engine(
        LogisticRegression(C=C),
        None,
        *data,
        classes=classes,
        empty_value=slow.empty_value,
        one_class_value=slow.one_class_value,
    )
    found = engine.in_out(masks)[:, checked]
    expected = np.empty_like(found)
    for j, mask in enumerate(masks):
        worth = slow.value(np.flatnonzero(mask))
        for k, i in enumerate(checked):
            changed = mask.copy()
            changed[i] ^= True
            change = slow.value(np.flatnonzero(changed)) - worth
            expected[j, k] = -change if mask[i] else change
    return found, expected


def coalitions():
    """Small ones that lack classes, one with both rows of the rare class, and all."""
    rng = np.random.default_rng(1)
    masks = [rng.permutation(N) < size for size in (8, 20, 45)]
    masks[1][-2:] = True
    masks[2][-2:] = [True, False]
    return np.array([*masks, np.ones(N, dtype=bool)])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("C", [0.01, 1.0, 100.0, 1e4])
def test_rare_classes_under_any_penalty(C):
    checked = np.r_[0:60:6, 60:N]
    found, expected = contributions(C, coalitions(), checked)
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.998
    error = np.sqrt(np.mean((found - expected) ** 2, axis=1))
    assert (error < 0.08 * expected.std(axis=1)).all()
    assert abs(np.mean(found - expected)) < 0.01 * expected.std()


def test_short_steps_are_read_off_derivatives_as_exactly(monkeypatch):
    masks, checked = coalitions()[-2:], np.arange(N)
    monkeypatch.setattr(multinomial_coalition, "SLOPE_ERROR", np.inf)
    monkeypatch.setattr(multinomial_coalition, "SLOPE_BIAS", np.inf)
    by_slope, expected = contributions(0.1, masks, checked)
    monkeypatch.setattr(multinomial_coalition, "SLOPE_ERROR", 0.0)
    by_model, _ = contributions(0.1, masks, checked)
    assert (by_slope != by_model).mean() > 0.2
    assert_allclose(by_slope, expected, atol=0.1 * expected.std())
    assert_allclose(by_model, expected, atol=0.1 * expected.std())


@pytest.mark.parametrize("kind", ["probability", "neg_log_loss"])
def test_slopes_are_derivatives_of_scores(kind):
    generator = torch.Generator().manual_seed(0)
    margins = torch.randn(1, K, 7, dtype=torch.float64, generator=generator)
    score = MulticlassScore(kind, torch.tensor([0, 1, 3, 0, 1, 1, 3]))
    present = torch.tensor([[True, True, False, True]])
    slope = score.slope(margins, present)
    for k in range(K):
        for j in range(7):
            moved = margins.clone()
            moved[0, k, j] += 1e-6
            change = score(moved, present) - score(margins, present)
            assert float(slope[0, k, j]) == pytest.approx(
                float(change) / 1e-6, abs=1e-6
            )
    assert MulticlassScore("accuracy", score.y_val).slope(margins, present) is None


@pytest.mark.parametrize("leverage", [1e-3, 1.0, 4000.0])
def test_entering_shifts_solve_their_equation_or_say_that_they_do_not(leverage):
    """Where a row moves its margins by thousands, a shift near zero may be far off."""
    generator = torch.Generator().manual_seed(0)
    margins = 4 * torch.randn(200, K, dtype=torch.float64, generator=generator)
    target = torch.eye(K, dtype=torch.float64)[torch.arange(200) % K]
    block = leverage * torch.eye(K, dtype=torch.float64).expand(200, K, K)
    shift, excess = _entering(margins, block, target)
    solved = excess <= multinomial_coalition.REFINED_EXCESS
    assert solved.double().mean() > 0.3
    left = shift - target + (margins + leverage * shift).softmax(1)
    # The squared decrement that the last step leaves.
    assert float((leverage * left.square()).sum(1)[solved].max()) < 0.02


@pytest.mark.parametrize("count", [1, 31, 32, 33, 500, 3001])
@pytest.mark.parametrize("largest", [1, 100, 10_000])
def test_growing_blocks_hold_every_place_once(count, largest):
    blocks = list(growing_blocks(count, largest))
    places = np.concatenate([np.arange(count)[block] for block in blocks])
    assert (places == np.arange(count)).all()
    assert max(block.stop - block.start for block in blocks) <= largest


def test_cost_of_shared_contributions_counts_products():
    """10 rows, 3 columns, 3 classes: 6 joint parameters and 3 pairs."""
    hessian, blocks = 3 * 5 * 4.5 + 108, 3 * 10 * 4.5
    models = 5 * (36 + 9 * 20)
    refining = 3.5 * (36 + 27 * 5)
    products = hessian + blocks + models + refining
    probabilities = 3 * (5 * 20 + 3.5 * 5)
    expected = int(products / 4 + 25 * probabilities + 6e7)
    assert joint_cost(10, 3, 3, 20, 0.5) == expected
    # Rows that their penalty holds are not refined.
    free, held = (joint_cost(1000, 50, 10, 200, f) for f in (1.0, 0.1))
    assert held < free < 10 * held


def test_cost_of_one_column_counts_pairs_and_hessians():
    """10 rows, 5 columns, 20 held-out rows: 200 margins of 7, one Hessian of 5."""
    assert column_cost(10, 5, 20) == 200 * 7 + 10 * 25 + 6 * 125 + 2000 + 4 * 10**6
