"""What a fit says of its precision: the warning about `tol`, and `history_`."""

import hashlib
import re
import warnings

import joblib
import numpy as np
import pytest
from coalition_oracles import (
    CentroidClassifier,
    RowCollector,
    TableScorer,
    random_table,
    table_data,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import spearmanr
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning

from skvalue import (
    AME,
    DataBanzhaf,
    DataShapley,
    DistributionalShapley,
    SubsampleInfluence,
)
from skvalue._coalitions.history import RunHistory, rank_correlation
from skvalue._coalitions.precision import needed_evaluations, relative_error

X, Y = make_classification(36, 4, random_state=0)
SAMPLED = {
    "walks": DataShapley(CentroidClassifier(), cv=2, max_evaluations=900),
    "shared": DataShapley(cv=2, max_evaluations=900),
    "msr": DataBanzhaf(CentroidClassifier(), cv=2, max_evaluations=300),
    "influence": SubsampleInfluence(CentroidClassifier(), cv=2, max_evaluations=300),
    "distributional": DistributionalShapley(
        CentroidClassifier(),
        cv=2,
        min_coalition_size=5,
        max_coalition_size=15,
        max_evaluations=900,
    ),
}


def sampled(name, **parameters):
    settings = {"random_state": 0, "tol": None} | parameters
    return clone(SAMPLED[name]).set_params(**settings)


def play(seed, **parameters):
    """Values of eight players of a game that a table holds."""
    rows = table_data(8)
    table = random_table(8, seed)
    valuator = DataBanzhaf(
        RowCollector(), scoring=TableScorer(table), random_state=seed, **parameters
    )
    return valuator.fit(rows[0], rows[1], X_val=rows[2], y_val=rows[3])


class NoiseScorer:
    """Worth of a coalition to which no row adds anything: it is drawn."""

    def __call__(self, estimator, X, y):
        rows = np.sort(getattr(estimator, "rows_", ())).astype(np.uint8)
        digest = hashlib.sha256(rows.tobytes()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64


# ------------------------------------------------------------------------ the warning


@pytest.mark.parametrize("name", SAMPLED)
def test_a_tol_that_is_not_reached_is_said_with_what_was(name):
    with pytest.warns(ConvergenceWarning, match=r"tol=0.001 was not reached") as caught:
        valuator = sampled(name, tol=0.001).fit(X, Y)
    (message,) = [str(warning.message) for warning in caught]
    largest = valuator.data_values_stderr_.max() / valuator.data_values_.std()
    assert f"largest standard error is {largest:.2g} of" in message
    assert f"after {valuator.n_evaluations_} evaluations" in message
    assert f"max_evaluations={valuator.max_evaluations}" in message
    budget = int(re.search(r"About max_evaluations=(\d+) would", message)[1])
    # At least as much as if the values had no noise to lose.
    assert budget >= 0.99 * valuator.n_evaluations_ * ((largest / 0.001) ** 2 - 1)


@pytest.mark.parametrize("seed", range(5))
def test_the_budget_that_is_named_reaches_tol(seed):
    tol = 0.2
    with pytest.warns(ConvergenceWarning, match="was not reached") as caught:
        play(seed, max_evaluations=100, tol=tol)
    budget = int(re.search(r"About max_evaluations=(\d+)", str(caught[0].message))[1])
    valuator = play(seed, max_evaluations=budget, tol=None)
    largest = relative_error(valuator.data_values_, valuator.data_values_stderr_)
    # The forecast rests on errors of errors; a tenth of tol is what they leave.
    assert largest == pytest.approx(tol, rel=0.25)


@pytest.mark.parametrize("tol", [None, 0, 1.0])
def test_no_warning_where_tol_is_reached_or_nothing_is_asked_for(tol):
    valuator = play(0, max_evaluations=400, tol=tol)
    assert (valuator.n_evaluations_ < 400) == (tol == 1.0)


def test_auto_stops_at_a_twentieth_and_is_silent_on_an_ordinary_fit():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stopped = play(0, max_evaluations=20_000)
        assert sampled("shared", tol="auto").fit(X, Y).history_[-1]["max_stderr"] > 0.05
    assert_array_equal(
        stopped.data_values_,
        play(0, max_evaluations=20_000, tol=0.05).data_values_,
    )
    assert 0.04 < stopped.history_[-1]["max_stderr"] <= 0.05


def test_auto_warns_of_values_that_are_noise():
    rows = table_data(40)
    valuator = DataBanzhaf(
        RowCollector(), scoring=NoiseScorer(), max_evaluations=200, random_state=0
    )
    with pytest.warns(ConvergenceWarning, match="the values are mostly noise"):
        valuator.fit(rows[0], rows[1], X_val=rows[2], y_val=rows[3])
    silent = clone(valuator).set_params(tol=None)
    silent.fit(rows[0], rows[1], X_val=rows[2], y_val=rows[3])
    assert_array_equal(silent.data_values_, valuator.data_values_)


def test_needed_evaluations_solve_for_the_target():
    rng = np.random.default_rng(0)
    exact, n, target = rng.normal(size=5000), 1000, 0.1
    errors = rng.uniform(0.4, 0.6, size=5000)

    def after(budget):
        """Largest relative error when errors have fallen with the square root."""
        now = errors * np.sqrt(n / budget)
        return now.max() / np.sqrt(exact.var() + np.mean(now**2))

    noisy = exact * np.sqrt(1 + np.mean(errors**2) / exact.var())
    budget = needed_evaluations(n, noisy, errors, errors.max(), target)
    assert after(budget) <= target
    assert after(0.85 * budget) > target
    assert needed_evaluations(n, errors, 10 * errors, 1.0, target) is None


def test_equal_values_are_as_precise_as_their_errors_say():
    assert relative_error(np.ones(3), np.zeros(3)) == 0
    assert relative_error(np.ones(3), np.ones(3)) == np.inf
    assert np.isnan(relative_error(np.arange(3.0), np.array([1, np.nan, 1])))


# ------------------------------------------------------------------------- the history


@pytest.mark.parametrize("name", SAMPLED)
def test_history_ends_with_the_values_and_looks_back_half_way(name):
    valuator = sampled(name).fit(X, Y)
    history = valuator.history_
    evaluations = [look["evaluations"] for look in history]
    assert evaluations == sorted(set(evaluations))
    assert evaluations[-1] == valuator.n_evaluations_
    largest = valuator.data_values_stderr_.max() / valuator.data_values_.std()
    assert history[-1]["max_stderr"] == largest
    blocks = np.array(evaluations[:-1]) / evaluations[0]
    assert_allclose(blocks, [1, 2, 3, 4, 6, 8, 12, 16, 24][: len(blocks)], rtol=0.15)
    # The second look is after twice the first.
    early = [
        sampled(name, max_evaluations=evaluations[place]).fit(X, Y) for place in (0, 1)
    ]
    assert [each.n_evaluations_ for each in early] == evaluations[:2]
    first, second = (each.data_values_ for each in early)
    expected = spearmanr(first, second).statistic
    assert history[1]["rank_correlation"] == pytest.approx(expected, abs=1e-12)
    assert np.isnan(history[0]["rank_correlation"])


@pytest.mark.parametrize("name", SAMPLED)
def test_same_history_for_any_n_jobs(name):
    alone = sampled(name).fit(X, Y)
    with joblib.parallel_config(backend="threading"):
        together = sampled(name, n_jobs=3).fit(X, Y)
    assert_array_equal(_table(together), _table(alone))


@pytest.mark.parametrize("name", SAMPLED)
@pytest.mark.parametrize("kind", ["warm_start", "checkpoint"])
def test_same_history_of_a_run_that_was_continued(name, kind, tmp_path):
    whole = sampled(name).fit(X, Y)
    valuator = sampled(name)
    valuator.set_params(
        **{kind: True if kind == "warm_start" else tmp_path / "values.ckpt"}
    )
    for share in (0.35, 0.6, 1):
        budget = int(share * whole.max_evaluations)
        valuator.set_params(max_evaluations=budget).fit(X, Y)
    assert_array_equal(_table(valuator), _table(whole))
    assert_array_equal(valuator.data_values_, whole.data_values_)


def test_a_look_is_compared_with_the_one_half_way():
    rng = np.random.default_rng(0)
    history, seen = RunHistory(), {}
    for rounds in range(1, 50):
        seen[rounds] = rng.normal(size=30)
        if history.is_due(rounds):
            history.look(rounds, 10 * rounds, seen[rounds], np.ones(30))
            again = RunHistory.from_arrays(history.to_arrays())
            assert_array_equal(_rows(again.looks), _rows(history.looks))
            assert len(history.values) <= 4
    looks = {look["rounds"]: look["rank_correlation"] for look in history.looks}
    assert list(looks) == [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48]
    for rounds, correlation in looks.items():
        half = seen[rounds // 2] if rounds % 2 == 0 else None
        if half is not None:
            expected = spearmanr(seen[rounds], half).statistic
            assert correlation == pytest.approx(expected, abs=1e-12)
    last = rng.normal(size=30)
    end = history.with_last(49.5, 495, last, np.ones(30))[-1]
    assert end["evaluations"] == 495
    expected = spearmanr(last, seen[24]).statistic
    assert end["rank_correlation"] == pytest.approx(expected, abs=1e-12)


def test_ranks_of_players_that_both_know():
    values = np.array([1.0, 2.0, 2.0, np.nan, 5.0])
    earlier = np.array([3.0, 1.0, 4.0, 1.0, 5.0])
    both = np.isfinite(values)
    expected = spearmanr(values[both], earlier[both]).statistic
    assert rank_correlation(values, earlier) == pytest.approx(expected, abs=1e-12)
    assert np.isnan(rank_correlation(values, np.full(5, 2.0)))
    assert np.isnan(rank_correlation(values, np.full(5, np.nan)))


def test_exact_values_of_groups_have_one_look_and_a_regression_has_none():
    groups = np.arange(36) % 4
    valuator = DataShapley(CentroidClassifier(), unit="groups", cv=2, random_state=0)
    (look,) = valuator.fit(X, Y, groups=groups).history_
    assert (look["evaluations"], look["max_stderr"]) == (valuator.n_evaluations_, 0)
    ame = AME(CentroidClassifier(), cv=2, max_evaluations=40, random_state=0)
    assert not hasattr(ame.fit(X, Y), "history_")


def test_a_checkpoint_of_the_older_layout_is_refused_and_stays(tmp_path):
    path = tmp_path / "values.ckpt"
    sampled("msr", checkpoint=path).fit(X, Y)
    older = path.read_bytes().replace(b"format 3", b"format 2", 1)
    path.write_bytes(older)
    with pytest.raises(ValueError, match="not a checkpoint of this version"):
        sampled("msr", checkpoint=path).fit(X, Y)
    assert path.read_bytes() == older


def _rows(looks):
    return np.array([list(look.values()) for look in looks])


def _table(valuator):
    return _rows(valuator.history_)
