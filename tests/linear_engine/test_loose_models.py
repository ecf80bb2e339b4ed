"""Loosely solved neighbours of a coalition, against neighbours solved to tolerance."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from skvalue._linear_engine import (
    multinomial_coalition,
    multinomial_neighbours,
    multinomial_refined,
)
from skvalue._linear_engine.multinomial_refined import RefinedNeighbours
from skvalue.semivalues._utility import Utility

N, N_VAL = 300, 150


def utility(C):
    """Ten classes, a tenth of whose labels are wrong."""
    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    train, held_out = np.split(rng.permutation(len(X))[: N + N_VAL], [N])
    y[train[: N // 10]] = rng.integers(0, 10, N // 10)
    rows = X[train] / 16, y[train], X[held_out] / 16, y[held_out]
    return Utility(LogisticRegression(C=C), *rows, classes=np.arange(10))


def masks(n_masks):
    rng = np.random.default_rng(1)
    sizes = np.linspace(80, 260, n_masks)
    return np.array([rng.permutation(N) < size for size in sizes])


@pytest.fixture
def solved(monkeypatch):
    """Contributions whose models are all solved to tolerance."""

    def contributions(game, coalitions):
        with monkeypatch.context() as patch:
            patch.setattr(multinomial_coalition, "FAR_GAIN", 1.0)
            patch.setattr(multinomial_refined, "LOOSE", 1.0)
            patch.setattr(multinomial_neighbours, "OPEN_SHARE", -1.0)
            return game.in_out(coalitions)

    return contributions


def correlations(found, expected):
    return [np.corrcoef(*pair)[0, 1] for pair in zip(found, expected, strict=True)]


def test_where_loose_models_are_too_far_off_all_are_solved(solved, monkeypatch):
    game, coalitions = utility(C=100.0), masks(3)
    expected = solved(game, coalitions)
    assert min(correlations(game.in_out(coalitions), expected)) > 0.998
    # It is the check that sees to it.
    monkeypatch.setattr(multinomial_refined, "LOOSE_ERROR", np.inf)
    assert max(correlations(game.in_out(coalitions), expected)) < 0.996


def test_what_loose_models_miss_is_made_up_for_in_the_mean(solved, monkeypatch):
    game, coalitions = utility(C=10.0), masks(24)
    expected, entering = solved(game, coalitions), ~coalitions
    # All rows that move far, and none of them solved on.
    monkeypatch.setattr(multinomial_neighbours, "OPEN_SHARE", -1.0)
    monkeypatch.setattr(multinomial_refined, "LOOSE_ERROR", np.inf)
    found = game.in_out(coalitions)
    assert min(correlations(found, expected)) > 0.99
    monkeypatch.setattr(RefinedNeighbours, "_improve", lambda *args: args[-1][:0])
    missed, left = (
        np.mean((contributions - expected)[entering]) / expected[entering].std()
        for contributions in (game.in_out(coalitions), found)
    )
    assert missed < -0.01
    assert abs(left) < 0.25 * abs(missed)


def test_what_single_steps_miss_is_made_up_for_in_the_mean(solved, monkeypatch):
    game, coalitions = utility(C=1.0), masks(24)
    expected = solved(game, coalitions)
    # Of each coalition, the first block of rows alone is minimised.
    monkeypatch.setattr(multinomial_neighbours, "OPEN_SHARE", 1.0)
    found = game.in_out(coalitions)
    monkeypatch.setattr(multinomial_coalition, "make_up", lambda *args: None)
    uncorrected = game.in_out(coalitions)
    assert min(correlations(found, expected)) > 0.998
    # The models are worth more than their first steps, with a row or without it.
    for side, sign in ((coalitions, 1), (~coalitions, -1)):
        missed, left = (
            sign * np.sum((contributions - expected)[side])
            for contributions in (uncorrected, found)
        )
        assert missed > 0
        assert abs(left) < 0.2 * missed
