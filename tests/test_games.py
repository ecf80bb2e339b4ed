import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from skvalue.games import (
    AirportGame,
    GloveGame,
    WeightedVotingGame,
    enumerate_semivalue,
)
from skvalue.semivalues import BetaShapley, DataBanzhaf, DataShapley

WEIGHTS = {
    "shapley": DataShapley(),
    "beta": BetaShapley(4.0, 1.0),
    "banzhaf": DataBanzhaf(),
}

GAMES = {
    "airport": AirportGame([3.0, 1.0, 1.0, 0.0, 7.5, 2.0]),
    "voting": WeightedVotingGame([4, 3, 2, 1, 0, 2], quota=7),
    "glove": GloveGame(2, 4),
}


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("game", GAMES)
def test_closed_forms_equal_enumeration(game, weight):
    game = GAMES[game]
    relative = WEIGHTS[weight]._weight(np.arange(game.n_players), game.n_players)
    expected = enumerate_semivalue(game, relative)
    assert_allclose(game.semivalue(relative), expected, atol=1e-12)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 6), min_size=2, max_size=6), st.integers(1, 12))
def test_voting_equals_enumeration_for_any_seats(seats, quota):
    game = WeightedVotingGame(np.array(seats), quota)
    assert_allclose(game.semivalue(), enumerate_semivalue(game), atol=1e-12)


def test_known_values_of_the_literature():
    # Littlechild & Owen: pieces of the runway are shared by those who need them.
    assert_allclose(AirportGame([1, 2, 4]).semivalue(), [1 / 3, 5 / 6, 17 / 6])
    # One left glove, two right ones: the owner of the scarce one gets 2/3.
    assert_allclose(GloveGame(1, 2).semivalue(), [2 / 3, 1 / 6, 1 / 6])
    # The UN security council: 5 vetoes, 10 others, 9 votes needed.
    council = WeightedVotingGame([7] * 5 + [1] * 10, quota=39).semivalue()
    assert_allclose(council[0], 421 / 2145)
    assert_allclose(council[-1], 4 / 2145)


@pytest.mark.parametrize("game", GAMES.values(), ids=GAMES)
def test_shapley_values_share_the_worth_of_all(game):
    everyone = np.arange(game.n_players)
    assert_allclose(game.semivalue().sum(), game.value(everyone))


@pytest.mark.parametrize("game", GAMES.values(), ids=GAMES)
def test_generic_walk_and_in_out_are_differences_of_worth(game):
    rng = np.random.default_rng(0)
    permutation = rng.permutation(game.n_players)
    walked = game.walk(permutation[None], 2)[0]
    assert np.isnan(walked[permutation[:2]]).all()
    for place in range(2, game.n_players):
        before = game.value(np.sort(permutation[:place]))
        after = game.value(np.sort(permutation[: place + 1]))
        assert walked[permutation[place]] == after - before
    mask = rng.random(game.n_players) < 0.5
    contributions = game.in_out(mask[None])[0]
    for row in range(game.n_players):
        with_row, without = mask.copy(), mask.copy()
        with_row[row], without[row] = True, False
        expected = game.scores(np.array([with_row, without]))
        assert contributions[row] == expected[0] - expected[1]


@pytest.mark.parametrize(
    "make",
    [
        lambda: AirportGame([-1.0, 2.0]),
        lambda: WeightedVotingGame([1.5, 2.0], 2),
        lambda: WeightedVotingGame([1, 2], 0),
        lambda: GloveGame(0, 2),
        lambda: enumerate_semivalue(GloveGame(20, 20)),
    ],
)
def test_impossible_games_raise(make):
    with pytest.raises(ValueError, match=r"must be|at most 20"):
        make()
