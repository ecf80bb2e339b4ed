"""Means over the members of a cell: worth and semivalues by enumeration."""

from itertools import product

import numpy as np
import pytest
from coalition_oracles import TableGame
from numpy.testing import assert_allclose, assert_array_equal

from skvalue._coalitions import cell_means
from skvalue._coalitions.cell_means import N_PROFILES, CellMeans
from skvalue._coalitions.sizes import size_probabilities
from skvalue.games import enumerate_semivalue

N = 7
MASKS = np.array(list(product([False, True], repeat=N)))
WEIGHTS = {
    "equal": np.ones(N),
    "uneven": np.arange(N) / np.arange(N).mean(),
    "one size": np.eye(N)[2] * N,
}


def some_cells(seed=0):
    """Three sortings: at random, all together, and one whose cells are single."""
    rng = np.random.default_rng(seed)
    cells = np.column_stack([rng.integers(0, 3, N), np.full(N, 9), np.arange(N)])
    return cells, rng.normal(size=cells.shape)


def by_the_definition(mask, cells, numbers):
    total = 0.0
    for column, of_column in zip(cells.T, numbers.T, strict=True):
        for cell in np.unique(column):
            members = mask & (column == cell)
            if members.any():
                total += of_column[members].mean() - of_column[column == cell].mean()
    return total / cells.shape[1]


def test_the_worth_is_the_mean_of_the_members():
    cells, numbers = some_cells()
    plain, by_log = CellMeans(cells, numbers).columns(MASKS).T
    expected = [by_the_definition(mask, cells, numbers) for mask in MASKS]
    assert_allclose(plain, expected, atol=1e-6)
    logarithm = np.log(np.maximum(MASKS.sum(axis=1), 1) / N)
    assert_allclose(by_log, logarithm * expected, atol=1e-6)


@pytest.mark.parametrize("min_size", [0, 2])
@pytest.mark.parametrize("name", WEIGHTS)
def test_semivalues_are_those_of_the_definition(name, min_size):
    game = CellMeans(*some_cells())
    values = game.semivalues(size_probabilities(WEIGHTS[name], min_size))
    assert values.shape == (N_PROFILES, N)
    assert np.abs(values).max() > 0.01
    for column, found in zip(game.columns(MASKS).T, values, strict=True):
        table = np.empty(2**N)
        table[MASKS @ (1 << np.arange(N))] = column
        expected = enumerate_semivalue(TableGame(table), WEIGHTS[name], min_size)
        assert_allclose(found, expected, atol=1e-6)


def test_no_size_is_worth_more_than_another():
    columns = CellMeans(*some_cells()).columns(MASKS)
    for size in range(N + 1):
        of_size = columns[MASKS.sum(axis=1) == size]
        assert_allclose(of_size.mean(axis=0), 0.0, atol=1e-6)


def test_what_all_of_a_cell_share_does_not_count():
    cells, numbers = some_cells()
    shifted = CellMeans(cells, numbers + cells)
    assert_allclose(
        shifted.columns(MASKS), CellMeans(cells, numbers).columns(MASKS), atol=1e-6
    )


def test_players_that_are_alone_everywhere_are_worth_nothing():
    game = CellMeans(np.arange(N)[:, None], np.ones((N, 1)))
    assert_array_equal(game.columns(MASKS), 0.0)
    assert_array_equal(game.semivalues(np.full(N, 1 / N)), 0.0)


def test_few_at_once_say_what_all_do(monkeypatch):
    game = CellMeans(*some_cells())
    together = game.columns(MASKS)
    monkeypatch.setattr(cell_means, "MOST_AT_ONCE", 30)
    assert_allclose(game.columns(MASKS), together, atol=1e-12)


def test_thousands_of_players_are_no_matter_of_rounding():
    """A cell of two: one is in with the other half as often as by itself."""
    n_players = 3000
    cells = np.arange(n_players)[:, None] // 2
    numbers = np.tile([1.0, -1.0], n_players // 2)[:, None]
    value = CellMeans(cells, numbers).semivalues(np.full(n_players, 1 / n_players))[0]
    # Each joins with 1 without its partner, and takes the partner's -1 to 0 with it.
    assert_allclose(value, numbers[:, 0], atol=1e-6)
