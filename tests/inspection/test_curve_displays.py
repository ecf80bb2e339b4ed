"""Detection, removal and convergence: curves equal what the measures compute."""

import joblib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from _valuators import GivenValues
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier

from skvalue import DataShapley, NDDVValuator
from skvalue.datasets import make_label_noise, make_two_planes
from skvalue.inspection import (
    ConvergenceDisplay,
    DetectionCurveDisplay,
    RemovalCurveDisplay,
)
from skvalue.metrics import detection, detection_curve, removal_curve

# ---------------------------------------------------------------------- detection


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 30), levels=st.integers(1, 30))
def test_area_is_the_auc_shrunk_to_the_rows(seed, n, levels):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=levels)[rng.integers(levels, size=n)]
    is_bad = rng.random(n) < 0.3
    is_bad[0], is_bad[-1] = True, False
    inspected, found = detection_curve(values, is_bad)
    share, auc = is_bad.mean(), detection(values, is_bad)["roc_auc"]
    assert np.trapezoid(found, inspected) == pytest.approx(
        share / 2 + (1 - share) * auc
    )
    for limit, rows, bad in zip(
        np.unique(values), inspected[1:], found[1:], strict=True
    ):
        assert rows == pytest.approx(np.mean(values <= limit))
        assert bad == pytest.approx(np.mean(values[is_bad] <= limit))
    assert inspected[0] == found[0] == 0
    assert inspected[-1] == found[-1] == 1


def test_detection_draws_the_curve_and_its_area():
    rng = np.random.default_rng(0)
    is_wrong = rng.random(50) < 0.2
    values = rng.normal(size=50) - is_wrong
    display = DetectionCurveDisplay.from_values(values, is_wrong, name="A")
    inspected, found = detection_curve(values, is_wrong)
    assert_array_equal(display.line_.get_xydata(), np.column_stack([inspected, found]))
    assert display.area == np.trapezoid(found, inspected)
    assert display.line_.get_label() == f"A (area = {display.area:.3f})"
    share = is_wrong.mean()
    assert_array_equal(display.optimal_.get_xydata(), [[0, 0], [share, 1], [1, 1]])
    assert_array_equal(display.random_.get_xydata(), [[0, 0], [1, 1]])


def test_perfect_values_lie_on_the_optimal_line():
    is_wrong = np.array([0, 1, 0, 0, 1], dtype=bool)
    display = DetectionCurveDisplay.from_values(-1.0 * is_wrong, is_wrong)
    assert_allclose(display.line_.get_xydata(), display.optimal_.get_xydata())
    assert display.area == pytest.approx(1 - 0.4 / 2)
    constant = DetectionCurveDisplay.from_values(np.zeros(5), is_wrong)
    assert_allclose(constant.line_.get_xydata(), constant.random_.get_xydata())


def test_several_valuators_share_axes_and_lines_of_comparison():
    is_wrong = np.arange(20) < 4
    first = DetectionCurveDisplay.from_values(np.arange(20.0), is_wrong, name="A")
    second = DetectionCurveDisplay.from_values(
        -np.arange(20.0), is_wrong, name="B", ax=first.ax_, curve_kwargs={"lw": 3}
    )
    assert second.ax_ is first.ax_
    assert second.random_ is first.random_ and second.optimal_ is first.optimal_
    assert first.line_.get_color() != second.line_.get_color()
    assert second.line_.get_linewidth() == 3
    texts = [text.get_text() for text in first.ax_.get_legend().get_texts()]
    assert [text.split(" ")[0] for text in texts] == ["A", "B", "optimal", "random"]
    alone = DetectionCurveDisplay.from_values(
        np.arange(20.0), is_wrong, plot_optimal=False, plot_random=False
    )
    assert alone.optimal_ is None and alone.random_ is None
    assert len(alone.ax_.lines) == 1


@pytest.mark.parametrize(
    ("values", "is_wrong", "message"),
    [
        ([1.0, np.nan], [0, 1], "values"),
        ([1.0, 2.0], [0, 2], "is_wrong must hold booleans"),
        ([1.0, 2.0], [0, 0], "is_wrong must mark at least one"),
        ([1.0, 2.0, 3.0], [0, 1], "values and is_wrong"),
    ],
)
def test_detection_refuses(values, is_wrong, message):
    with pytest.raises(ValueError, match=message):
        DetectionCurveDisplay.from_values(values, is_wrong)


# ------------------------------------------------------------------------ removal


@pytest.fixture(scope="module")
def noisy():
    X, y = make_two_planes(240, random_state=0)
    y_noisy, is_wrong = make_label_noise(y[:120], 0.3, random_state=0)
    values = np.where(is_wrong, -1.0, 1.0) + np.linspace(0, 0.1, 120)
    return values, (X[:120], y_noisy, X[120:], y[120:])


def test_removal_scores_are_those_of_fits_by_hand(noisy):
    values, (X, y, X_test, y_test) = noisy
    model, shares = KNeighborsClassifier(), [0.0, 0.3, 0.5]
    order = np.argsort(values)
    for action, first in [("remove", "lowest"), ("add", "highest")]:
        used = shares if action == "remove" else shares[1:]
        found = removal_curve(
            model,
            X,
            y,
            X_test,
            y_test,
            values,
            action=action,
            first=first,
            shares=used,
        )
        assert_array_equal(found[0], used)
        for share, score in zip(used, found[1], strict=True):
            count = round(share * 120)
            rows = order[count:] if action == "remove" else order[::-1][:count]
            rows = np.sort(rows)
            assert score == model.fit(X[rows], y[rows]).score(X_test, y_test)


def test_what_goes_first_comes_last(noisy):
    """Removing the lowest leaves what adding the highest has brought."""
    values, data = noisy
    model, shares = KNeighborsClassifier(), np.array([0.1, 0.3, 0.5])
    for first, other in [("lowest", "highest"), ("highest", "lowest")]:
        _, left = removal_curve(model, *data, values, first=first, shares=shares)
        _, came = removal_curve(
            model, *data, values, action="add", first=other, shares=1 - shares
        )
        assert_array_equal(left, came)


def test_display_holds_the_curves_of_the_measure(noisy):
    values, data = noisy
    model, shares = KNeighborsClassifier(), [0.0, 0.3]
    display = RemovalCurveDisplay.from_values(
        values, model, *data, shares=shares, n_random=3, random_state=0
    )
    for first in ["lowest", "highest"]:
        _, scores = removal_curve(model, *data, values, first=first, shares=shares)
        assert_array_equal(display.scores[first], scores)
        assert_array_equal(display.lines_[first].get_ydata(), scores)
        assert_array_equal(display.lines_[first].get_xdata(), shares)
    assert display.scores["random"].shape == (3, 2)
    # Every order starts from all rows; the 30 % of wrong labels are the lowest.
    assert np.ptp([display.scores["random"][:, 0]]) == 0
    assert display.scores["lowest"][1] > display.scores["random"][:, 1].mean()
    assert display.scores["highest"][1] < display.scores["random"][:, 1].mean()
    assert display.ax_.get_ylabel() == "accuracy on test rows"


def test_same_scores_for_any_n_jobs_and_the_same_seed(noisy):
    values, data = noisy
    # It draws, and what it draws depends on its seed.
    model = DummyClassifier(strategy="stratified")
    with joblib.parallel_config(backend="threading"):
        found = [
            RemovalCurveDisplay.from_values(
                values, model, *data, shares=[0.2], random_state=seed, n_jobs=n_jobs
            ).scores
            for seed, n_jobs in [(0, 1), (0, 2), (1, 1)]
        ]
    for key, scores in found[0].items():
        assert_array_equal(scores, found[1][key])
    assert any(np.any(found[0][key] != found[2][key]) for key in found[0])


def test_several_valuators_have_a_colour_each_and_one_random_band(noisy):
    values, data = noisy
    axes = plt.subplots()[1]
    first, second = (
        RemovalCurveDisplay.from_values(
            each,
            KNeighborsClassifier(),
            *data,
            shares=[0, 0.2],
            random_state=0,
            name=name,
            ax=axes,
        )
        for each, name in [(values, "A"), (-values, "B")]
    )
    colors = [
        {display.lines_[which].get_color() for which in ("lowest", "highest")}
        for display in (first, second)
    ]
    assert len(colors[0]) == len(colors[1]) == 1 and colors[0] != colors[1]
    assert first.lines_["random"] is second.lines_["random"]
    assert len(axes.collections) == 1
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts[-1] == "5 random orders (mean ± SD)" and len(texts) == 5


def test_one_class_left_predicts_that_class():
    X, y = np.arange(6.0)[:, None], np.array([0, 0, 0, 1, 1, 1])
    _, scores = removal_curve(
        LogisticRegression(),
        X,
        y,
        X + 0.1,
        y,
        np.arange(6.0),
        action="add",
        shares=[0.5, 1],
    )
    assert_array_equal(scores, [0.5, 1])


def test_regression_and_other_scores_have_their_names():
    X = np.arange(20.0)[:, None]
    data = X, X[:, 0], X + 0.5, X[:, 0] + 0.5
    display = RemovalCurveDisplay.from_values(
        X[:, 0], Ridge(), *data, shares=[0, 0.5], n_random=0, first="lowest"
    )
    assert list(display.scores) == ["lowest"]
    assert display.ax_.get_ylabel() == "R² on test rows"
    for scoring, name in [
        ("neg_mean_absolute_error", "negative mean absolute error"),
        (lambda model, X, y: 1.0, "score"),
    ]:
        display = RemovalCurveDisplay.from_values(
            X[:, 0], Ridge(), *data, shares=[0.5], n_random=1, scoring=scoring
        )
        assert display.score_name == name


def unscorable(model, X, y):
    raise ValueError("no such class.")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"action": "drop"}, "action='drop' must be"),
        ({"first": "best"}, "first=.*best"),
        ({"first": ()}, "first="),
        ({"shares": [1.0]}, "shares=.*at least one of 120 rows"),
        ({"shares": [-0.1]}, "shares="),
        ({"shares": [0.0], "action": "add"}, "shares="),
        ({"n_random": -1}, "n_random=-1"),
        ({"scoring": lambda model, X, y: np.nan}, "scoring gave nan"),
        (
            {"scoring": unscorable},
            "scoring failed for .* rows: no such class",
        ),
    ],
)
def test_removal_refuses(noisy, changed, message):
    values, data = noisy
    with pytest.raises(ValueError, match=message):
        RemovalCurveDisplay.from_values(
            values, KNeighborsClassifier(1), *data, **changed
        )


def test_removal_refuses_rows_that_do_not_fit(noisy):
    values, (X, y, X_test, y_test) = noisy
    model = KNeighborsClassifier()
    with pytest.raises(ValueError, match="X_test is X"):
        removal_curve(model, X, y, X, y, values)
    with pytest.raises(ValueError, match="values has 119 numbers, but X has 120"):
        removal_curve(model, X, y, X_test, y_test, values[1:])
    with pytest.raises(ValueError, match="X_test has 120 rows and y_test has 119"):
        removal_curve(model, X, y, X_test, y_test[1:], values)
    with pytest.raises(ValueError, match="first='best'"):
        removal_curve(model, X, y, X_test, y_test, values, first="best")


# -------------------------------------------------------------------- convergence


@pytest.fixture(scope="module")
def sampled():
    X, y = make_two_planes(40, random_state=0)
    model = LogisticRegression()
    return DataShapley(model, max_evaluations=4000, tol=0.3, random_state=0).fit(X, y)


def test_convergence_draws_the_history(sampled):
    display = ConvergenceDisplay.from_estimator(sampled)
    for measure, line in display.lines_.items():
        assert_array_equal(
            line.get_xydata(),
            [[look["evaluations"], look[measure]] for look in sampled.history_],
        )
    assert list(display.lines_) == ["max_stderr", "rank_correlation"]
    assert display.tol == 0.3
    assert len(display.axes_) == 2
    assert display.axes_[1].get_xlabel() == "evaluations of the utility"


def test_convergence_of_two_share_the_axes(sampled):
    first = ConvergenceDisplay.from_estimator(sampled, name="A")
    second = ConvergenceDisplay.from_estimator(sampled, name="B", ax=first.axes_)
    assert second.figure_ is first.figure_
    assert all(second.axes_ == first.axes_)
    texts = [text.get_text() for text in first.axes_[0].get_legend().get_texts()]
    assert texts == ["A", "B", "tol = 0.3"]
    with pytest.raises(ValueError, match="ax holds 1 axes"):
        ConvergenceDisplay.from_estimator(sampled, ax=first.axes_[:1])


@pytest.mark.parametrize("error", [0.0, np.nan, np.inf, 0.3])
def test_convergence_of_one_look_is_a_point(error):
    history = [{"evaluations": 16, "max_stderr": error, "rank_correlation": np.nan}]
    display = ConvergenceDisplay.from_history(history)
    assert_array_equal(display.lines_["max_stderr"].get_xydata(), [[16, error]])
    display.figure_.canvas.draw()


def test_convergence_says_where_a_panel_has_no_point():
    history = [{"evaluations": 16, "max_stderr": 0.3, "rank_correlation": np.nan}]
    first = ConvergenceDisplay.from_history(history)
    empty = first.axes_[1]
    assert [text.get_text() for text in empty.texts] == ["nothing to compare with yet"]
    assert len(empty.get_yticks()) == len(first.axes_[0].texts) == 0
    history = [*history, history[0] | {"evaluations": 32, "rank_correlation": 0.9}]
    ConvergenceDisplay.from_history(history, ax=first.axes_)
    assert len(empty.texts) == 0 and len(empty.get_yticks()) > 1


def test_convergence_of_a_network_is_its_losses():
    X, y = make_two_planes(60, random_state=0)
    valuator = NDDVValuator(n_members=1, max_epochs=3, random_state=0)
    valuator.fit(X, y, X_val=X[:20], y_val=y[:20])
    display = ConvergenceDisplay.from_estimator(valuator)
    assert list(display.lines_) == ["train_loss", "valid_loss"]
    assert_array_equal(
        display.measures["train_loss"], valuator.history_[:, "train_loss"]
    )
    assert_array_equal(display.steps, [1, 2, 3])
    assert display.unit == "epochs" and len(display.axes_) == 1


@pytest.mark.parametrize("history", [[], [{"loss": 1}], [{"evaluations": 1}]])
def test_convergence_refuses(history):
    with pytest.raises(ValueError, match="history must be the history_"):
        ConvergenceDisplay.from_history(history)


def test_tol_auto_has_no_line():
    valuator = GivenValues(np.arange(4.0)).fit(np.eye(4), [0, 1, 0, 1])
    valuator.tol = "auto"
    valuator.history_ = [{"evaluations": 4, "max_stderr": 0.1, "rank_correlation": 0.9}]
    display = ConvergenceDisplay.from_estimator(valuator)
    assert display.tol is None and len(display.axes_[0].lines) == 1
