"""Figures of valuators that know everything, or nothing; the same however computed."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from _experiment_valuators import Broken, Guess, Logged, Oracle, with_truth
from killed_experiment import experiment
from numpy.testing import assert_allclose
from pandas.testing import assert_frame_equal
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import TruncatedSVD
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skvalue import KNNShapley, SelfConfidence
from skvalue.datasets import make_mixed_table, make_two_planes
from skvalue.evaluation import (
    addition_experiment,
    detection_experiment,
    downstream_experiment,
    removal_experiment,
    stability_experiment,
)

DATA = {"planes": with_truth()}
MODEL = KNeighborsClassifier(3)
SETTING = ["dataset", "noise", "noise_rate", "repeat", "valuator"]


def untimed(frame):
    return frame.drop(columns="fit_time", errors="ignore")


# ----------------------------------------------------------------------- detection


def test_an_oracle_finds_every_wrong_row_first():
    scores, curves = detection_experiment(
        Oracle(), DATA, noise_rate=[0.05, 0.3], n_repeats=2, return_curves=True
    )
    assert list(scores.columns[:5]) == SETTING
    for figure in ["roc_auc", "average_precision", "two_means_f1", "oracle_f1"]:
        assert (scores[figure] == 1).all()
    for rate, curve in curves.groupby("noise_rate"):
        optimal = np.minimum(curve["inspected"] / rate, 1)
        assert_allclose(curve["found"], optimal, atol=1e-12)


def test_a_guess_finds_as_many_as_chance():
    frame = detection_experiment(
        Guess(), DATA, noise_rate=0.2, n_repeats=60, random_state=0
    )
    n_wrong, n_right = 24, 96
    variance = (n_wrong + n_right + 1) / (12 * n_wrong * n_right)
    assert abs(frame["roc_auc"].mean() - 0.5) < 3 * np.sqrt(variance / 60)
    assert frame["roc_auc"].var() == pytest.approx(variance, rel=0.6)


def test_each_noise_rate_and_data_set_has_its_lines():
    frame, y, _ = make_mixed_table(150, random_state=0)
    data = {
        "mixed": lambda: (frame, y),
        "iris": load_iris,
        "named": partial(load_iris, as_frame=True),
    }
    found = detection_experiment(
        [SelfConfidence(), KNNShapley(), KNNShapley(n_neighbors=3)],
        data,
        noise=["labels", "both"],
        noise_rate=[0.1, 0.4],
        n_repeats=1,
        random_state=0,
    )
    assert len(found) == 3 * 2 * 2 * 3
    assert found["dataset"].unique().tolist() == [*data]
    names = ["SelfConfidence", "KNNShapley", "KNNShapley-2"]
    assert found["valuator"].tolist() == names * 12
    figures = found.drop(columns="roc_auc_features").select_dtypes("number")
    assert np.isfinite(figures).all(axis=None)
    assert (found["roc_auc_features"].isna() == (found["noise"] == "labels")).all()
    # Named columns or not, iris is the same.
    same = [untimed(found[found["dataset"] == name]) for name in ["iris", "named"]]
    assert_frame_equal(*(part.iloc[:, 1:].reset_index(drop=True) for part in same))


def test_each_kind_of_noise_is_told_from_right_rows():
    frame = detection_experiment(
        Oracle(), DATA, noise=["labels", "features", "both"], n_repeats=2
    ).set_index("noise")
    assert_allclose(frame.loc["labels", "roc_auc_labels"], 1)
    assert frame.loc["labels", "roc_auc_features"].isna().all()
    assert frame.loc["features", "roc_auc_labels"].isna().all()
    features = frame.loc["features"]
    assert (features["roc_auc_features"] == features["roc_auc"]).all()
    # As many of either kind, against the same right rows: the mean.
    both = frame.loc["both"]
    assert_allclose(both["roc_auc_labels"], 1)
    assert_allclose(
        both["roc_auc"], (both["roc_auc_labels"] + both["roc_auc_features"]) / 2
    )


def test_noise_of_ones_own():
    def first_class(X, y, rate, random_state):
        wrong = np.zeros(len(y), dtype=bool)
        wrong[np.flatnonzero(y == 0)[: round(rate * len(y))]] = True
        return X, np.where(wrong, 1, y), wrong

    frame = detection_experiment(Oracle(), DATA, noise={"zeros": first_class})
    assert (frame["noise"] == "zeros").all() and (frame["roc_auc"] == 1).all()


# ---------------------------------------------------------------- removal and adding


def test_removal_by_an_oracle_is_perfect_removal():
    settings = {"noise": "labels", "noise_rate": 0.25, "n_repeats": 3}
    removed = removal_experiment(
        Oracle(), DATA, MODEL, shares=[0, 0.25], random_state=0, **settings
    )
    cleaned = downstream_experiment(
        {"oracle": Oracle(drop=0.25), "none": Oracle(drop=0.0)},
        DATA,
        MODEL,
        random_state=0,
        **settings,
    ).set_index("valuator")
    lowest = removed[(removed["valuator"] == "Oracle") & (removed["first"] == "lowest")]
    for share, name in [(0, "no cleaning"), (0.25, "perfect removal")]:
        scores = lowest.loc[lowest["share"] == share, "score"].tolist()
        assert scores == cleaned.loc[name, "score"].tolist()
    for one, other in [("oracle", "perfect removal"), ("none", "no cleaning")]:
        assert_frame_equal(
            cleaned.loc[one].reset_index(drop=True),
            cleaned.loc[other].reset_index(drop=True),
        )
    assert (
        cleaned.loc["perfect removal", ["dropped", "dropped_wrong"]] == [0.25, 1]
    ).all(axis=None)
    # An oracle ends higher than random orders do, whichever share of them is right.
    means = removed.groupby(["valuator", "first", "share"])["score"].mean()
    assert means["Oracle", "lowest", 0.25] > means["random", "lowest", 0.25]
    assert means["Oracle", "lowest", 0.25] > means["Oracle", "highest", 0.25]


def test_all_rows_added_are_no_rows_removed():
    options = {"n_repeats": 2, "random_state": 3, "noise": "labels"}
    models = {
        "neighbours": MODEL,
        "linear": make_pipeline(StandardScaler(), LogisticRegression()),
    }
    removed = removal_experiment(Guess(), DATA, models, shares=[0], **options)
    added = addition_experiment(Guess(), DATA, models, shares=[1], **options)
    assert (
        removed["estimator"].tolist()
        == ["neighbours"] * 2 + ["linear"] * 2 + (removed["estimator"].tolist()[4:])
    )
    assert removed["score"].tolist() == added["score"].tolist()
    assert {*removed["action"]} == {"remove"} and {*added["action"]} == {"add"}


def test_test_rows_take_no_part_in_the_valuation(tmp_path):
    log = tmp_path / "log"
    seen = []

    def scoring(model, X, y):
        seen.append({*X[:, -1].astype(int)})
        return model.score(X, y)

    removal_experiment(
        {"one": Logged(log), "two": Logged(log)},
        DATA,
        DummyClassifier(),
        scoring=scoring,
        shares=[0],
        n_repeats=2,
        random_state=0,
        train_size=100,
        val_size=30,
        test_size=70,
    )
    lines = log.read_text().splitlines()
    assert len(lines) == 4
    # Both valuators get the same rows.
    assert lines[0] == lines[1] != lines[2] == lines[3]
    scored = [seen[1], seen[2], seen[4], seen[5]]
    for line, test in zip(lines, scored, strict=True):
        train, _, held_out = ({*map(int, part.split())} for part in line.split(";"))
        assert (len(train), len(held_out), len(test)) == (100, 30, 70)
        assert len(train | held_out | test) == 200


# ----------------------------------------------------------------- stability, targets


@pytest.mark.parametrize("vary", ["random_state", "held_out", "train"])
def test_values_that_depend_on_rows_alone_are_stable(vary):
    frame = stability_experiment(
        {"oracle": Oracle(), "seeded": Guess(random_state=7)},
        DATA,
        vary=vary,
        noise="labels",
        n_repeats=2,
    ).groupby("valuator")
    for figure in ["spearman", "pearson", "sign_agreement"]:
        assert_allclose(frame[figure].mean(), 1)
    assert_allclose(frame["normalized_squared_error"].mean(), 0)


def test_stability_tells_what_values_depend_on():
    guess = stability_experiment(Guess(), DATA, n_repeats=20, random_state=0)
    assert abs(guess["spearman"].mean()) < 3 / np.sqrt(120 * 20)
    rows = make_two_planes(200, random_state=0)
    options = {"n_repeats": 3, "random_state": 0}
    by_seed = stability_experiment(KNNShapley(), rows, **options)
    by_rows = stability_experiment(KNNShapley(), rows, vary="held_out", **options)
    assert_allclose(by_seed["spearman"], 1)
    assert by_rows["spearman"].between(0.05, 0.95).all()


def test_real_targets():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    options = {"n_repeats": 1, "random_state": 0}
    valuator = make_pipeline(StandardScaler(), KNNShapley(task="regression"))
    found = detection_experiment({"knn": valuator}, (X, y), noise_rate=0.2, **options)
    assert found["roc_auc"].item() > 0.6
    removed = removal_experiment(valuator, (X, y), Ridge(), shares=[0], **options)
    assert removed["score"].between(0.2, 0.7).all()
    assert {*removed["valuator"]} == {"random", "Pipeline"}


def test_texts_and_sparse_rows(tmp_path):
    rng = np.random.default_rng(0)
    y = np.array(["bad", "good"])[rng.integers(2, size=80)]
    texts = [
        " ".join([label, *rng.choice(list("abcdefgh"), 6)]) for label in y.tolist()
    ]
    words = TfidfVectorizer(token_pattern=r"\w+")
    reduced = TruncatedSVD(9, random_state=0)
    valuator = make_pipeline(words, reduced, SelfConfidence(drop=0.2))
    model = make_pipeline(words, LogisticRegression(C=100))
    found = downstream_experiment(
        {"texts": valuator},
        {"texts": (texts, y)},
        model,
        noise_rate=0.2,
        n_repeats=1,
        random_state=0,
        memory=tmp_path,
    ).set_index("valuator")
    assert found.loc["texts", "dropped_wrong"] > 0.5
    assert found.loc["perfect removal", "score"] == 1
    sparse = detection_experiment(
        SelfConfidence(LogisticRegression()),
        {"sparse": (words.fit_transform(texts), y)},
        n_repeats=1,
        random_state=0,
        memory=tmp_path,
    )
    assert sparse["roc_auc"].item() > 0.9
    with pytest.raises(ValueError, match=r"noise=.features. cannot be made in .*texts"):
        detection_experiment(valuator, {"texts": (texts, y)}, noise="features")


# ------------------------------------------------------------------ same in every way


@pytest.fixture(scope="module")
def compared():
    return {"knn": KNNShapley(), "guess": Guess()}


EXPERIMENTS = {
    "detection": partial(detection_experiment, noise_rate=[0.1, 0.3]),
    "removal": partial(removal_experiment, estimator=MODEL, shares=[0, 0.4]),
    "addition": partial(addition_experiment, estimator=MODEL, first="highest"),
    "stability": partial(stability_experiment, vary="train"),
    "downstream": partial(downstream_experiment, estimator=MODEL),
}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_same_frame_for_any_n_jobs_and_memory(name, compared, tmp_path):
    run = partial(EXPERIMENTS[name], compared, DATA, n_repeats=2, random_state=0)
    state = np.random.get_state()[1].tolist()
    expected = run()
    assert np.random.get_state()[1].tolist() == state
    assert expected.select_dtypes("number").notna().any(axis=None)
    assert_frame_equal(untimed(run(n_jobs=2, memory=tmp_path)), untimed(expected))
    kept = run(memory=tmp_path)
    assert_frame_equal(untimed(kept), untimed(expected))
    # From the memory the times are those of the fits.
    assert_frame_equal(run(memory=tmp_path, n_jobs=2), kept)


def test_lines_of_a_valuator_depend_on_nothing_else(compared):
    run = partial(detection_experiment, n_repeats=2, random_state=0)
    both = run(compared, {**DATA, "iris": load_iris}, noise=["features", "labels"])
    alone = run({"guess": Guess()}, DATA)
    lines = both[
        (both["dataset"] == "planes")
        & (both["valuator"] == "guess")
        & (both["noise"] == "labels")
    ]
    assert_frame_equal(untimed(lines).reset_index(drop=True), untimed(alone))


def test_experiments_share_the_values_of_a_problem(tmp_path):
    log, memory = tmp_path / "log", tmp_path / "memory"
    options = {"noise": "labels", "n_repeats": 2, "random_state": 0, "memory": memory}
    valuator = Logged(log)
    detection_experiment(valuator, DATA, **options)
    removal_experiment(valuator, DATA, MODEL, shares=[0.1], **options)
    addition_experiment(valuator, DATA, MODEL, shares=[0.1], **options)
    stability_experiment(valuator, DATA, **options)
    # The second fits of stability are the only other ones.
    assert len(log.read_text().splitlines()) == 4
    # Names, jobs and lines on the screen are no part of it; the seed is.
    detection_experiment({"again": valuator}, DATA, n_jobs=1, **options)
    assert len(log.read_text().splitlines()) == 4
    detection_experiment(valuator, DATA, **options | {"random_state": 1})
    assert len(log.read_text().splitlines()) == 6


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_kill_loses_one_task(tmp_path):
    log, memory = str(tmp_path / "log"), str(tmp_path / "memory")
    here = Path(__file__).parent
    killed = subprocess.run(
        [sys.executable, here / "killed_experiment.py", log, memory],
        check=False,
        env=os.environ
        | {
            "PYTHONPATH": f"{here.parents[1]}:{here.parent}",
            "KILL_AT": "4",
        },
    )
    assert killed.returncode == -signal.SIGKILL
    assert len(Path(log).read_text().splitlines()) == 4
    frame = experiment(log, memory)
    # Three of six were kept, the fourth was running.
    assert len(Path(log).read_text().splitlines()) == 4 + 3
    assert_frame_equal(untimed(frame), untimed(experiment(str(tmp_path / "new"), None)))


# --------------------------------------------------------------------------- failures


def test_a_failing_valuator_leaves_gaps():
    valuators = {"broken": Broken(), "oracle": Oracle()}
    with pytest.warns(FitFailedWarning, match=r"3 of 6 tasks failed(.|\n)*on purpose"):
        scores, curves = detection_experiment(
            valuators, DATA, n_repeats=3, random_state=0, return_curves=True
        )
    broken = scores["valuator"] == "broken"
    assert scores.loc[broken].iloc[:, 5:].isna().all(axis=None)
    assert (scores.loc[~broken, "roc_auc"] == 1).all()
    assert curves.groupby("valuator")["found"].count().tolist() == [0, 303]
    with pytest.warns(FitFailedWarning, match="their figures are -1"):
        frame = removal_experiment(
            valuators, DATA, MODEL, n_repeats=1, shares=[0.1, 0.2], error_score=-1.0
        )
    assert (frame.loc[frame["valuator"] == "broken", "score"] == -1).all()
    assert (frame.loc[frame["valuator"] == "random", "score"] > 0).all()


def test_failures_are_not_kept(tmp_path):
    run = partial(
        detection_experiment,
        {"sometimes": Broken(always=False), "guess": Guess()},
        DATA,
        n_repeats=6,
        random_state=0,
        memory=tmp_path,
    )
    for _ in range(2):
        with pytest.warns(FitFailedWarning, match=r"(1|2|3|4|5) of 12"):
            run()


def test_an_error_is_raised_where_it_is_asked_for():
    with pytest.raises(RuntimeError, match="on purpose") as caught:
        detection_experiment(Broken(), DATA, error_score="raise")
    assert "valuator='Broken', dataset='planes'" in caught.value.__notes__[0]
    with pytest.raises(ValueError, match=r"All 5 valuations failed(.|\n)*on purpose"):
        detection_experiment(Broken(), DATA)
    # Random orders do not make up for it.
    with pytest.raises(ValueError, match="All 1 valuations failed"):
        removal_experiment(Broken(), DATA, MODEL, shares=[0.1], n_repeats=1)


def test_progress_is_said(capsys):
    detection_experiment(Guess(), DATA, n_repeats=3, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("[detection_experiment] 1 of 3 tasks, ")
    assert lines[-1].startswith("[detection_experiment] 3 of 3 tasks in ")
    detection_experiment(Guess(), DATA, n_repeats=1)
    assert capsys.readouterr().out == ""


def test_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="stability_experiment returns a frame"):
        stability_experiment(Guess(), DATA)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"valuators": []}, ValueError, "valuators is empty"),
        ({"valuators": KNNShapley}, TypeError, "an instance of a valuator"),
        ({"valuators": {"a": MODEL}}, TypeError, r"valuators\['a'\] is KNeigh"),
        ({"valuators": {1: Guess()}}, TypeError, "valuators has the key 1"),
        ({"valuators": {"random": Guess()}}, ValueError, "the name 'random'"),
        ({"datasets": {}}, ValueError, "datasets is empty"),
        ({"datasets": {"a": 3}}, TypeError, r"datasets\['a'\] must be a pair"),
        ({"datasets": ([[1.0]], [1, 2])}, ValueError, r"\['data'\] has 1 rows and 2"),
        ({"estimator": {}}, ValueError, "estimator is an empty dict"),
        ({"estimator": MODEL.__class__}, TypeError, "no instance with a fit"),
        ({"noise": "label"}, ValueError, "noise='label' must be of"),
        ({"noise": []}, ValueError, "noise is empty"),
        ({"noise": {"a": 1}}, TypeError, r"noise\['a'\] must be a function"),
        ({"noise_rate": 0}, ValueError, "noise_rate=0 must be a share"),
        ({"noise_rate": [0.1, 1.0]}, ValueError, "noise_rate="),
        ({"noise_rate": []}, ValueError, "noise_rate="),
        ({"train_size": 1}, ValueError, "train_size=1 gives 1 of the 200 rows"),
        ({"train_size": 1.5}, ValueError, "train_size=1.5 must be a share"),
        ({"test_size": 0}, ValueError, "test_size=0 gives 0"),
        ({"train_size": 180}, ValueError, "ask for 260 rows, but 'planes' has 200"),
        ({"n_repeats": 0}, ValueError, "n_repeats=0 must be"),
        ({"error_score": "nan"}, ValueError, "error_score='nan' must be"),
        ({"first": "low"}, ValueError, "first='low' must be of"),
        ({"shares": [0.1, np.nan]}, ValueError, "shares contains NaN"),
    ],
)
def test_bad_input_is_named_before_anything_is_computed(
    change, error, message, tmp_path
):
    log = tmp_path / "log"
    options = {"valuators": Logged(log), "datasets": DATA, "estimator": MODEL}
    with pytest.raises(error, match=message):
        removal_experiment(**options | change)
    assert not log.exists()


def test_bad_input_of_others():
    with pytest.raises(ValueError, match="noise=None makes no row wrong"):
        detection_experiment(Guess(), DATA, noise=["labels", None])
    with pytest.raises(ValueError, match="vary='seed' must be one of"):
        stability_experiment(Guess(), DATA, vary="seed")
    with pytest.raises(ValueError, match="needs val_size > 0"):
        stability_experiment(Guess(), DATA, vary="held_out", val_size=0)


class Stateless:
    """Something that no other process could see."""

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        raise TypeError("cannot pickle this")


def test_memory_without_a_seed_is_of_no_use(tmp_path):
    with pytest.warns(UserWarning, match="random_state=None draws anew") as caught:
        detection_experiment(Guess(), DATA, n_repeats=1, memory=tmp_path)
    assert caught[0].filename == __file__


def test_noise_that_rows_do_not_allow_is_refused_first(tmp_path):
    constant = np.ones((100, 2)), np.arange(100) % 2
    valuator = Logged(tmp_path / "log")
    with pytest.raises(ValueError, match="asks for 12 noisy rows, but only 0"):
        detection_experiment(
            valuator,
            {**DATA, "constant": constant},
            noise="features",
            noise_rate=0.2,
        )
    assert not (tmp_path / "log").exists()


def test_what_cannot_be_told_apart_is_not_kept(tmp_path):
    step = FunctionTransformer(kw_args={"thing": Stateless()})
    with pytest.raises(ValueError, match=r"valuators\['Pipeline'\] cannot be told"):
        detection_experiment(
            make_pipeline(step, Guess()), DATA, memory=tmp_path, random_state=0
        )
