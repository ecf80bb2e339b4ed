"""One style of progress for every method."""

import re

import pytest
from coalition_oracles import CentroidClassifier
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import ExtraTreesRegressor, IsolationForest
from sklearn.naive_bayes import GaussianNB

import skvalue
from skvalue.utils import _progress
from skvalue.utils._progress import Progress, duration

X, Y = make_classification(60, 4, random_state=0)
QUICK = {"cv": 2, "tol": None, "max_evaluations": 200}
SAYS_HOW_FAR = [
    skvalue.AME(CentroidClassifier(), cv=2, max_evaluations=30),
    skvalue.AmortizedShapley(
        skvalue.DataShapley(cv=2, max_evaluations=100), max_epochs=(2,)
    ),
    skvalue.BoostingInfluence(cv=2),
    skvalue.ConsensusValuator([("knn", skvalue.KNNShapley())]),
    skvalue.DataBanzhaf(CentroidClassifier(), **QUICK),
    skvalue.DataOOB(n_estimators=40),
    skvalue.DataShapley(**QUICK),
    skvalue.DVRL(GaussianNB(), max_epochs=3, cv=2),
    skvalue.FeatureConfidence(ExtraTreesRegressor(40, bootstrap=True), n_columns=2),
    skvalue.InfluenceFunction(cv=2),
    skvalue.KAIROS(cv=2),
    skvalue.KNNShapley(),
    skvalue.LAVA(cv=2),
    skvalue.LeaveOneOut(CentroidClassifier(), cv=2),
    skvalue.NDDVValuator(n_members=1, max_epochs=2),
    skvalue.OutlierValuator(IsolationForest(n_estimators=9)),
    skvalue.SelfConfidence(cv=2),
]
LINE = re.compile(
    r"\[\w+(, [\w ]+)?\] \d+ of \d+ [\w-]+( [\w-]+)*"
    r"(, \d[\d.]* (s|min|h) left| in \d[\d.]* (s|min|h))(: .+)?"
)


@pytest.mark.parametrize("valuator", SAYS_HOW_FAR, ids=lambda v: type(v).__name__)
def test_every_method_prints_lines_of_one_form_and_nothing_in_silence(valuator, capsys):
    valuator = clone(valuator).set_params(random_state=0)
    valuator.fit(X, Y)
    assert capsys.readouterr() == ("", "")
    valuator.set_params(verbose=2).fit(X, Y)
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert lines
    for line in lines:
        assert LINE.fullmatch(line), line
    assert type(valuator).__name__ in lines[-1]
    # The end, and how long it took.
    assert " in " in lines[-1] and " left" not in lines[-1]


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(_progress.time, "monotonic", lambda: now[0])
    return now


def test_time_left_is_that_of_the_units_done_in_this_fit(clock, capsys):
    progress = Progress("DataOOB", 1000, "estimators", 1, done=400)
    clock[0] += 30
    progress.update(500)
    clock[0] += 30
    progress.update(600, lambda: "half way", total=700)
    progress.finish()
    assert capsys.readouterr().out.splitlines() == [
        "[DataOOB] 500 of 1000 estimators, 2 min left",
        "[DataOOB] 600 of 1000 estimators, 30 s left: half way",
        "[DataOOB] 600 of 1000 estimators in 60 s",
    ]


@pytest.mark.parametrize(("verbose", "n_lines"), [(0, 0), (1, 5), (2, 20)])
def test_lines_come_now_and_then(verbose, n_lines, clock, capsys):
    progress = Progress("LAVA", 20, "splits", verbose)
    for _ in progress.over(range(20)):
        clock[0] += _progress.INTERVAL / 4
    assert len(capsys.readouterr().out.splitlines()) == n_lines


def test_a_note_is_made_only_where_it_is_printed(clock, capsys):
    progress = Progress("DVRL", 10, "steps", 0)
    progress.update(1, lambda: pytest.fail("made in silence"))
    progress.finish(lambda: pytest.fail("made in silence"))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (9.4, "9.4 s"), (42, "42 s"), (240, "4 min"), (9000, "2.5 h")],
)
def test_durations_are_short(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_parallel_results_keep_their_order(n_jobs, capsys):
    from sklearn.utils.parallel import delayed

    for verbose in (0, 2):
        progress = Progress("LAVA", 5, "splits", verbose)
        tasks = (delayed(pow)(number, 2) for number in range(5))
        results = _progress.in_parallel(
            tasks, progress, n_jobs=n_jobs, prefer="threads"
        )
        assert results == [0, 1, 4, 9, 16]
