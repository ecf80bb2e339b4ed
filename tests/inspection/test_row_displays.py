"""Distribution, groups, rows and trajectories: what is drawn is what was given."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from _valuators import GivenValues
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skvalue import KNNShapley, NDDVValuator
from skvalue.datasets import make_two_planes
from skvalue.inspection import (
    GroupValuesDisplay,
    RowsDisplay,
    TrajectoryDisplay,
    ValueDistributionDisplay,
)

VALUES = np.array([3.0, -2.0, 1.0, 0.0, -1.0, 5.0, 1.0, -3.0])
LABELS = np.array(list("aaaabbbb"))
IS_WRONG = VALUES < -1.5

# ------------------------------------------------------------------- distribution


def counted(display, panel=0):
    """Rows of each kind that the bars of one panel count, by their legend."""
    n_kinds = len(display.bars_) // len(display.axes_)
    bars = display.bars_[panel * n_kinds : (panel + 1) * n_kinds]
    return {
        bar.get_label().rpartition(" (")[0]: sum(patch.get_height() for patch in bar)
        for bar in bars
    }


def test_bars_count_the_rows_of_each_kind():
    rng = np.random.default_rng(0)
    values, kept = rng.normal(size=200), rng.random(200) < 0.7
    wrong = rng.random(200) < 0.2
    display = ValueDistributionDisplay.from_values(values, kept=kept, is_wrong=wrong)
    assert counted(display) == {
        "known to be wrong, dropped": np.sum(wrong & ~kept),
        "known to be wrong": np.sum(wrong & kept),
        "other rows, dropped": np.sum(~wrong & ~kept),
        "other rows": np.sum(~wrong & kept),
    }
    # No limit on the values makes these rows the dropped ones.
    assert display.threshold_ is None and not display.ax_.lines
    plain = ValueDistributionDisplay.from_values(values, kept=kept)
    assert counted(plain) == {"dropped": np.sum(~kept), "kept": np.sum(kept)}
    assert counted(ValueDistributionDisplay.from_values(values)) == {"rows": 200}


def test_bars_lie_on_those_of_other_kinds():
    display = ValueDistributionDisplay.from_values(
        VALUES, is_wrong=IS_WRONG, bins=4, yscale="linear"
    )
    edges = np.linspace(-3, 5, 5)
    tops = np.max(
        [[bar.get_y() + bar.get_height() for bar in part] for part in display.bars_],
        axis=0,
    )
    assert_array_equal(tops, np.histogram(VALUES, edges)[0])


def test_a_bin_ends_at_the_limit_of_the_dropped_rows():
    valuator = GivenValues(VALUES, drop=0.25).fit(np.eye(8), LABELS)
    display = ValueDistributionDisplay.from_estimator(valuator, is_wrong=IS_WRONG)
    assert display.threshold_ == -2
    (line,) = display.ax_.lines
    assert line.get_xdata()[0] == pytest.approx(-2)
    for kept_bars, dropped in [(display.bars_[1], False), (display.bars_[0], True)]:
        for bar in kept_bars:
            if bar.get_height():
                assert (bar.get_x() < -2) == dropped


def test_each_class_has_its_panel():
    display = ValueDistributionDisplay.from_values(
        VALUES, kept=~IS_WRONG, is_wrong=IS_WRONG, y=LABELS
    )
    assert [axes.get_title(loc="left") for axes in display.axes_] == [
        "a: 4 rows, 1 dropped",
        "b: 4 rows, 1 dropped",
    ]
    for panel in range(2):
        assert counted(display, panel) == {
            "known to be wrong, dropped": 1,
            "other rows": 3,
        }
    assert display.axes_[0].get_xlim() == display.axes_[1].get_xlim()


@pytest.mark.parametrize("values", [[2.0] * 5, [1e-300, 0.0], [1e12, 1e12 + 1], [0.5]])
def test_odd_values_are_all_counted(values):
    kept = np.arange(len(values)) > 0
    for options in [{}, {"kept": kept}]:
        display = ValueDistributionDisplay.from_values(values, **options)
        assert sum(counted(display).values()) == len(values)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"values": [[1.0]]}, "values must be a non-empty 1-d"),
        ({"values": [np.inf] * 8}, "values"),
        ({"kept": [True]}, "kept has 1 entries, but there are 8"),
        ({"is_wrong": [3] * 8}, "is_wrong must hold booleans"),
        ({"y": LABELS[1:]}, "y has 7 entries"),
        ({"values": np.arange(41.0), "y": np.arange(41)}, "y has 41 distinct labels"),
        ({"bins": 0}, "bins=0"),
        ({"yscale": "log"}, "yscale='log'"),
    ],
)
def test_distribution_refuses(changed, message):
    with pytest.raises(ValueError, match=message):
        ValueDistributionDisplay.from_values(**{"values": VALUES} | changed)


# ------------------------------------------------------------------------- groups


def test_groups_are_drawn_in_the_order_of_their_values():
    display = GroupValuesDisplay.from_values(
        ["u", "v", "w"], [0.5, -1.0, 0.2], stderr=[0.1, 0.2, 0.3]
    )
    assert_array_equal(display.order_, [1, 2, 0])
    assert [bar.get_width() for bar in display.bars_] == [-1.0, 0.2, 0.5]
    names = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert names == ["v", "w", "u"]
    segments = display.bars_.errorbar.lines[2][0].get_segments()
    assert_allclose([np.ptp(part[:, 0]) / 2 for part in segments], [0.2, 0.3, 0.1])
    assert "± standard error" in display.ax_.get_xlabel()
    exact = GroupValuesDisplay.from_values(["u", "v"], [1.0, 2.0], stderr=[0, 0])
    assert exact.bars_.errorbar is None and "exact" in exact.ax_.get_xlabel()


def test_of_many_groups_both_ends_are_drawn():
    display = GroupValuesDisplay.from_values(
        np.arange(50), np.arange(50.0), max_groups=5
    )
    assert_array_equal(display.order_, [0, 1, 47, 48, 49])
    assert "the lowest 2 and the highest 3 of 50" in display.ax_.get_title()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"values": [1.0]}, "groups has 2 entries, but there are 1"),
        ({"stderr": [1.0]}, "stderr has 1 entries"),
        ({"stderr": [1.0, -1.0]}, "stderr must be at least 0"),
        ({"max_groups": 1}, "max_groups=1"),
    ],
)
def test_groups_refuse(changed, message):
    given = {"groups": ["u", "v"], "values": [1.0, 2.0]} | changed
    with pytest.raises(ValueError, match=message):
        GroupValuesDisplay.from_values(**given)


# --------------------------------------------------------------------------- rows

FRAME = pd.DataFrame(
    {
        "kg": np.arange(8) * 12345.678,
        "town": ["Ulm", None, "x" * 40] + ["Bonn"] * 5,
        "day": pd.date_range("2024-01-01", periods=8),
    },
    index=[f"r{number}" for number in range(8)],
)


def test_both_ends_in_order_and_no_row_twice():
    display = RowsDisplay.from_values(VALUES, np.eye(8), n_lowest=2, n_highest=3)
    assert_array_equal(display.rows, [7, 1, 5, 0, 6])
    assert display.n_lowest == 2
    assert display.columns["value"] == ["-3", "-2", "5", "3", "1"]
    every = RowsDisplay.from_values(VALUES, np.eye(8), n_lowest=5, n_highest=9)
    assert sorted(every.rows) == list(range(8)) and every.n_lowest == 5
    ends = RowsDisplay.from_values(VALUES, np.eye(8), n_lowest=0, n_highest=1).ends()
    assert [title for title, _ in ends] == ["highest values"]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_table_of_a_frame(library):
    X = FRAME if library == "pandas" else pl.from_pandas(FRAME)
    display = RowsDisplay.from_values(
        VALUES, X, y=LABELS, suggested=LABELS[::-1], n_lowest=1, n_highest=2
    )
    names = ["r7", "r5", "r0"] if library == "pandas" else ["7", "5", "0"]
    assert display.columns == {
        "row": names,
        "value": ["-3", "5", "3"],
        "label": ["b", "b", "a"],
        "suggested": ["a", "a", "b"],
        "kg": ["86420", "61728", "0"],
        "town": ["Bonn", "Bonn", "Ulm"],
        "day": ["2024-01-08", "2024-01-06", "2024-01-01"],
    }
    texts = {text.get_text() for axes in display.axes_ for text in axes.texts}
    assert set(display.columns) | set(display.columns["town"]) <= texts
    lines = str(display).split("\n")
    assert lines[0] == "lowest values" and lines[4] == "highest values"
    assert lines[2].split() == [cells[0] for cells in display.columns.values()]
    lengths = [line.index("town") for line in lines if "town" in line]
    assert len(lengths) == 2


def test_long_and_missing_cells():
    display = RowsDisplay.from_values(
        [0.0, 1, 2, 3, 4, 5, 6, 7], FRAME, n_lowest=3, n_highest=0, columns=["town"]
    )
    assert list(display.columns) == ["row", "value", "town"]
    assert display.columns["town"][0] == "Ulm"
    assert display.columns["town"][2] == "x" * 21 + "…"


def test_names_of_columns_do_not_hide_what_stands_beside_them():
    X = pd.DataFrame({"value": list("abcdefgh"), "label": range(8), "kg": range(8)})
    display = RowsDisplay.from_values(VALUES, X, y=LABELS, n_lowest=1, n_highest=0)
    assert {key: cells[0] for key, cells in display.columns.items()} == {
        "row": "7",
        "value": "-3",
        "label": "b",
        "column value": "h",
        "column label": "7",
        "kg": "7",
    }


def test_signs_of_formulas_are_drawn_as_they_are():
    labels = np.array(["$a^$", "$5 or $6_"] * 4)
    for display in [
        RowsDisplay.from_values(VALUES, labels, y=labels),
        RowsDisplay.from_values(VALUES, np.eye(8), y=labels, image_shape=(2, 4)),
        ValueDistributionDisplay.from_values(VALUES, y=labels),
        GroupValuesDisplay.from_values(labels, VALUES),
    ]:
        display.figure_.canvas.draw()


def test_arrays_and_sparse_rows_show_their_first_columns():
    X = np.arange(80.0).reshape(8, 10)
    dense = RowsDisplay.from_values(VALUES, X, columns=[9, 0])
    assert list(dense.columns) == ["row", "value", "column 9", "column 0"]
    assert dense.columns["column 9"][0] == "79"
    first = RowsDisplay.from_values(VALUES, X)
    assert len(first.columns) == 2 + 6
    as_sparse = RowsDisplay.from_values(VALUES, sparse.csr_matrix(X))
    assert as_sparse.columns == first.columns


def test_texts_are_wrapped():
    texts = [f"document {number} " + "word " * number * 9 for number in range(8)]
    display = RowsDisplay.from_values(VALUES, texts, n_lowest=1, n_highest=1)
    lowest, highest = display.columns["text"]
    assert lowest.startswith("document 7") and highest.startswith("document 5")
    assert all(len(line) <= 64 for line in lowest.split("\n"))
    assert lowest.count("\n") == 2 and lowest.endswith(" …")


@pytest.mark.parametrize(
    ("image_shape", "shape"),
    [
        ((2, 3), (2, 3)),
        ((2, 3, 1), (2, 3)),
        ((1, 3, 2), (3, 2)),
        ((2, 1, 3), (2, 1, 3)),
        ((3, 2, 1), (3, 2)),
        ((3, 1, 2), (1, 2, 3)),
    ],
)
def test_images_in_any_order_of_channels(image_shape, shape):
    X = np.random.default_rng(0).random((8, 6))
    display = RowsDisplay.from_values(
        VALUES,
        X,
        y=LABELS,
        suggested=LABELS[::-1],
        is_wrong=IS_WRONG,
        image_shape=image_shape,
        n_highest=1,
        name="mine",
    )
    assert display.figure_.get_suptitle() == (
        "mine: label → suggested label, value (orange: known to be wrong)"
    )
    assert display.images.shape == (6, *shape)
    assert len(display.axes_) == 6
    expected = X[display.rows[0]].reshape(image_shape)
    if shape == (1, 2, 3):
        expected = np.moveaxis(expected, 0, -1)
    assert_array_equal(display.axes_[0].images[0].get_array(), expected.reshape(shape))
    assert display.axes_[0].get_title() == "b → a\n-3"
    colors = [axes.title.get_color() for axes in display.axes_]
    assert colors == ["#D55E00"] * 2 + ["black"] * 4


def test_a_valuator_says_label_and_suggestion():
    X, y = make_two_planes(60, random_state=0)
    valuator = KNNShapley(random_state=0).fit(X, y)
    frame = valuator.values_frame(sort=True)
    display = RowsDisplay.from_estimator(valuator, X, n_lowest=3, n_highest=0)
    assert_array_equal(display.rows, frame.index[:3])
    assert display.columns["label"] == [str(label) for label in frame["label"][:3]]
    assert ("suggested" in display.columns) == ("suggested_label" in frame)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"X": np.eye(7)}, "X has 7 entries"),
        ({"y": LABELS[1:]}, "y has 7 entries"),
        ({"n_lowest": -1}, "n_lowest=-1"),
        ({"n_lowest": 0, "n_highest": 0}, "both 0"),
        ({"columns": ["kg"]}, "columns=.*must be of"),
        ({"image_shape": (3, 3)}, r"image_shape=\(3, 3\).*8 numbers"),
    ],
)
def test_rows_refuse(changed, message):
    with pytest.raises(ValueError, match=message):
        RowsDisplay.from_values(**{"values": VALUES, "X": np.eye(8)} | changed)


# ------------------------------------------------------------------- trajectories


@pytest.fixture(scope="module")
def recorded():
    X, y = make_two_planes(60, random_state=0)
    valuator = NDDVValuator(
        n_members=1,
        max_epochs=3,
        utility="state",
        record_trajectories=True,
        random_state=0,
    )
    return valuator.fit(X, y)


def lines_of(display, quantity):
    return np.array(display.lines_[quantity].get_segments())


def test_values_over_time_are_those_of_the_state_utility(recorded):
    """The last one is the value that the trained dynamics give without noise."""
    display = TrajectoryDisplay.from_estimator(recorded)
    assert display.time_values_.shape == (4, 60)
    assert_allclose(display.time_values_.sum(axis=1), 0, atol=1e-9)
    X, y = make_two_planes(60, random_state=0)
    at_the_end = recorded.predict_values(X, y)
    # It takes off the mean utility of the training: a constant is left.
    difference = display.time_values_[-1] - at_the_end * 60 / 59
    assert np.ptp(difference) < 1e-4 * np.ptp(at_the_end)


def test_lines_are_the_recorded_trajectories(recorded):
    display = TrajectoryDisplay.from_estimator(recorded, component=1, n_rows=60)
    rows = display.rows_
    assert_array_equal(rows, np.argsort(-recorded.data_values_, kind="stable"))
    for quantity, whole, steps in [
        ("states", recorded.state_trajectories_[:, :, 1], np.linspace(0, 1, 4)),
        ("adjoints", recorded.adjoint_trajectories_[:, :, 1], np.linspace(0, 1, 4)),
        ("values_over_time", display.time_values_, np.linspace(0, 1, 4)),
        ("values_over_epochs", recorded.value_trajectories_, [1, 2, 3]),
    ]:
        lines = lines_of(display, quantity)
        assert_allclose(lines[:, :, 0], np.broadcast_to(steps, lines.shape[:2]))
        assert_allclose(lines[:, :, 1], whole[:, rows].T, rtol=1e-6)


def test_the_principal_direction_spreads_the_states_most(recorded):
    principal = TrajectoryDisplay.from_estimator(recorded, n_rows=60)
    spread = lines_of(principal, "states")[:, :, 1].var()
    for component in range(recorded.n_features_in_):
        single = TrajectoryDisplay.from_estimator(
            recorded, n_rows=60, component=component, quantities="states"
        )
        assert list(single.lines_) == ["states"]
        assert lines_of(single, "states")[:, :, 1].var() <= spread * (1 + 1e-6)
        plt.close("all")


def test_rows_shown_reach_from_the_best_to_the_worst(recorded):
    is_wrong = recorded.data_values_ < np.quantile(recorded.data_values_, 0.1)
    display = TrajectoryDisplay.from_estimator(
        recorded, is_wrong=is_wrong, n_rows=7, quantities=["values_over_epochs"]
    )
    values = recorded.data_values_[display.rows_]
    assert len(values) == 7 and np.all(np.diff(values) <= 0)
    assert values[0] == recorded.data_values_.max()
    assert values[-1] == recorded.data_values_.min()
    # Wrong rows are drawn last, in their colour.
    colors = display.lines_["values_over_epochs"].get_colors()
    n_wrong = is_wrong[display.rows_].sum()
    assert len(np.unique(colors[-n_wrong:], axis=0)) == 1
    assert not np.array_equal(colors[0], colors[-1])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"adjoints": np.zeros((3, 4, 1))}, "states of shape .* and adjoints of shape"),
        ({"epoch_values": np.zeros((3, 5))}, "epoch_values of shape"),
        ({"data_values": [1.0]}, "data_values has 1 entries"),
        ({"component": 2}, "component=2 must be 'principal' or a column from 0 to 1"),
        ({"quantities": ["losses"]}, "quantities="),
        ({"quantities": "values_over_epochs"}, "quantities="),
        ({"n_rows": 0}, "n_rows=0"),
    ],
)
def test_trajectories_refuse(changed, message):
    given = {"states": np.zeros((3, 4, 2)), "adjoints": np.ones((3, 4, 2))} | changed
    with pytest.raises(ValueError, match=message):
        TrajectoryDisplay.from_trajectories(**given)


def test_a_grid_needs_axes_of_a_grid():
    states = np.zeros((3, 4, 2))
    free = plt.figure().add_axes([0.1, 0.1, 0.8, 0.8])
    with pytest.raises(ValueError, match="ax must be one of a grid"):
        TrajectoryDisplay.from_trajectories(states, states, ax=free)
    display = TrajectoryDisplay.from_trajectories(states, states)
    assert len(display.axes_) == 3
    # The fourth place stays empty.
    assert sum(axes.axison for axes in display.figure_.axes) == 3 + 1
