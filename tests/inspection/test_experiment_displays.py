"""Displays of an experiment: means and spreads of its frame, one setting at a time."""

import numpy as np
import pytest
from _experiment_valuators import Guess, Oracle, with_truth
from numpy.testing import assert_allclose
from sklearn.neighbors import KNeighborsClassifier

from skvalue.evaluation import (
    addition_experiment,
    detection_experiment,
    removal_experiment,
)
from skvalue.inspection import DetectionCurveDisplay, RemovalCurveDisplay

VALUATORS = {"oracle": Oracle(), "guess": Guess()}
OPTIONS = {"noise": "labels", "noise_rate": 0.25, "n_repeats": 3, "random_state": 0}


@pytest.fixture(scope="module")
def detected():
    _, curves = detection_experiment(
        VALUATORS, with_truth(), return_curves=True, **OPTIONS
    )
    return curves


@pytest.fixture(scope="module")
def removed():
    return removal_experiment(
        VALUATORS,
        with_truth(),
        KNeighborsClassifier(3),
        shares=[0, 0.25, 0.5],
        **OPTIONS,
    )


def test_mean_detection_curve_and_its_band(detected):
    display = DetectionCurveDisplay.from_experiment(detected, "guess")
    points = detected[detected["valuator"] == "guess"].groupby("inspected")["found"]
    assert_allclose(display.line_.get_ydata(), points.mean())
    assert_allclose(display.spread, points.std(ddof=0))
    (band,) = display.ax_.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.max() == pytest.approx((points.mean() + display.spread).max())
    assert display.line_.get_label().startswith("guess (area = 0.")
    second = DetectionCurveDisplay.from_experiment(
        detected, "oracle", name="best", ax=display.ax_, plot_random=False
    )
    assert second.line_.get_label() == "best (area = 0.875)"
    assert second.optimal_ is display.optimal_ and second.share_wrong == 0.25
    assert_allclose(
        second.found, np.interp(second.inspected, *second.optimal_.get_xydata().T)
    )


def test_mean_removal_curves_and_their_bands(removed):
    display = RemovalCurveDisplay.from_experiment(
        removed, "oracle", score_name="accuracy"
    )
    own = removed[removed["valuator"] == "oracle"].groupby(["first", "share"])["score"]
    for first in ["lowest", "highest"]:
        assert_allclose(display.lines_[first].get_ydata(), own.mean()[first])
        assert_allclose(display.spreads[first], own.std(ddof=0)[first])
    random = removed[removed["valuator"] == "random"].groupby("share")["score"]
    assert_allclose(display.lines_["random"].get_ydata(), random.mean())
    assert display.scores["random"].shape == (6, 3)
    # Bands of both ends and of the random orders.
    assert len(display.ax_.collections) == 3
    assert display.ax_.get_xlabel() == "rows removed"
    assert display.ax_.get_ylabel() == "accuracy on test rows"
    # Another valuator shares the axes, and the random orders.
    second = RemovalCurveDisplay.from_experiment(removed, "guess", ax=display.ax_)
    assert second.lines_["random"] is display.lines_["random"]
    assert len(display.ax_.collections) == 5


def test_added_rows_and_one_end():
    added = addition_experiment(
        Oracle(),
        with_truth(),
        KNeighborsClassifier(3),
        first="highest",
        shares=[0.5, 0.2],
        **OPTIONS,
    )
    display = RemovalCurveDisplay.from_experiment(added)
    assert display.name == "Oracle" and display.action == "add"
    assert display.shares.tolist() == [0.2, 0.5]
    assert {*display.lines_} == {"highest", "random"}
    assert display.ax_.get_xlabel() == "rows added"
    alone = RemovalCurveDisplay.from_experiment(added[added["valuator"] == "Oracle"])
    assert {*alone.lines_} == {"highest"}


def test_a_frame_that_was_written_to_a_file_is_drawn(removed, tmp_path):
    pandas = pytest.importorskip("pandas")
    removed.to_csv(tmp_path / "frame.csv", index=False)
    read = pandas.read_csv(tmp_path / "frame.csv")
    display = RemovalCurveDisplay.from_experiment(read, "oracle")
    expected = RemovalCurveDisplay.from_experiment(removed, "oracle")
    assert_allclose(display.scores["lowest"], expected.scores["lowest"])


def test_frames_that_are_not_one_curve_are_refused(detected, removed):
    draw = DetectionCurveDisplay.from_experiment
    with pytest.raises(ValueError, match="valuator=None must be one of"):
        draw(detected)
    with pytest.raises(ValueError, match="valuator='random' must be one of"):
        RemovalCurveDisplay.from_experiment(removed, "random")
    with pytest.raises(ValueError, match="frame has no column 'inspected'"):
        draw(removed)
    with pytest.raises(ValueError, match="frame has no column 'noise_rate'"):
        draw([1, 2])
    two = detected.assign(noise_rate=np.arange(len(detected)) % 2)
    with pytest.raises(ValueError, match=r"several settings of 'noise_rate': \[0, 1\]"):
        draw(two, "guess")
    with pytest.raises(ValueError, match=r"must be one of those in frame: \[\]"):
        draw(detected[:0], "guess")
