"""AttributionDisplay: what is drawn is what was attributed."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skvalue import AmortizedAttribution, FeatureAttribution
from skvalue.inspection import AttributionDisplay

VALUES = np.array([[1.0, -4.0, 0.5], [2.0, 3.0, 0.0]])


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True, as_frame=True)
    model = LogisticRegression(max_iter=500).fit(X, y)
    return X, FeatureAttribution(model, random_state=0).fit(X)


def widths(display):
    return [patch.get_width() for patch in display.ax_.patches]


def labels(display):
    return [text.get_text() for text in display.ax_.get_yticklabels()]


def test_bars_of_one_row_are_its_attributions(iris):
    X, attribution = iris
    display = AttributionDisplay.from_estimator(attribution, X[:1], output=2)
    explanation = attribution.explain(X[:1])
    expected = explanation.attributions[0, :, 2]
    order = np.argsort(-np.abs(expected), kind="stable")
    assert_array_equal(display.order_, order)
    assert_allclose(widths(display), expected[order])
    assert_allclose(display.base_value, attribution.base_values_[2])
    ends = display.base_value, explanation.predictions[0, 2]
    assert display.ax_.texts[0].get_text() == (
        "without columns {:.4g}, with all {:.4g}".format(*ends)
    )
    best = X.columns[order[0]]
    assert labels(display)[0] == f"{best} = {X.loc[0, best]:.4g}"
    assert display.name == "output 2"


def test_dots_of_many_rows_are_their_attributions(iris):
    X, attribution = iris
    display = AttributionDisplay.from_estimator(attribution, X, output=0, name="setosa")
    expected = attribution.transform(X)[:, :, 0]
    order = np.argsort(-np.abs(expected).mean(axis=0), kind="stable")
    assert_array_equal(display.order_, order)
    for place, column, dots in zip(
        [3, 2, 1, 0], order, display.ax_.collections, strict=True
    ):
        offsets = dots.get_offsets()
        assert_allclose(offsets[:, 0], expected[:, column])
        assert np.abs(offsets[:, 1] - place).max() < 0.5
        # A dot of the lowest number is as dark as that of the highest is light.
        assert len(np.unique(dots.get_facecolors(), axis=0)) > 10
    assert "units of setosa" in display.ax_.get_xlabel()


def test_dots_of_near_values_are_apart():
    values = np.zeros((9, 1))
    dots = AttributionDisplay.from_values(values).ax_.collections[0].get_offsets()
    assert len(np.unique(dots[:, 1])) == 9


def test_strings_are_grey_and_groups_have_no_cells():
    frame = pd.DataFrame({"job": list("abab"), "age": [1.0, 2.0, np.nan, 4.0]})
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge())
    model.fit(frame, [0.0, 1.0, 2.0, 3.0])
    attribution = FeatureAttribution(model, random_state=0).fit(frame)
    display = AttributionDisplay.from_estimator(attribution, frame)
    colours = [
        len(np.unique(d.get_facecolors(), axis=0)) for d in display.ax_.collections
    ]
    assert sorted(colours)[0] == 1
    assert max(colours) >= 3
    grouped = FeatureAttribution(Ridge().fit([[0, 1, 2], [1, 0, 1]], [0, 1]))
    grouped.set_params(column_groups=[[0, 1]]).fit([[0, 1, 2], [1, 0, 1]])
    display = AttributionDisplay.from_estimator(grouped, [[0, 1, 2]])
    assert display.features is None


def test_what_a_network_learned_is_drawn():
    X = np.random.default_rng(0).normal(size=(60, 4))
    explainer = AmortizedAttribution(
        Ridge().fit(X, X @ [1, 2, 3, 4]), n_samples=16, max_epochs=1, random_state=0
    ).fit(X)
    display = AttributionDisplay.from_estimator(explainer, X[:1])
    expected = explainer.transform(X[:1])[0]
    assert_allclose(widths(display), expected[display.order_])
    assert display.stderr is None


def test_values_are_enough_and_stay_as_they_are():
    given = VALUES.copy()
    display = AttributionDisplay.from_values(given, ["a", "b", "c"], max_features=2)
    assert_array_equal(given, VALUES)
    given[:] = 0
    assert_array_equal(display.values, VALUES)
    assert labels(display) == ["b", "a"]
    assert "2 columns of 3" in display.ax_.get_title()
    one = AttributionDisplay.from_values(VALUES[0], stderr=[0.1, np.nan, 0.2])
    assert_array_equal(widths(one), [-4, 1, 0.5])
    assert labels(one) == ["1", "0", "2"]


def test_axes_given_are_drawn_on_and_nothing_is_cut_off():
    figure, axes = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    display = AttributionDisplay.from_values(
        VALUES, ["a long name of a column", "b", "c"], features=VALUES, ax=axes[1]
    )
    assert display.ax_ is axes[1]
    assert display.figure_ is figure
    assert not axes[0].has_data()
    figure.canvas.draw()
    box, room = axes[1].get_tightbbox(), figure.bbox.padded(1)
    assert room.x0 <= box.x0 and box.x1 <= room.x1
    again = display.plot(name="euros")
    assert again is display
    assert "units of euros" in display.ax_.get_xlabel()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"values": [[np.nan, 1]]}, "values of shape .* must be finite"),
        ({"values": np.ones((2, 2, 2))}, r"values of shape \(2, 2, 2\)"),
        ({"values": np.ones((0, 3))}, r"values of shape \(0, 3\)"),
        ({"feature_names": ["a"]}, r"feature_names has shape \(1,\)"),
        ({"stderr": [1.0]}, "stderr has shape"),
        ({"features": [[1, 2]]}, "features has shape"),
        ({"max_features": 0}, "max_features=0 must be"),
    ],
)
def test_errors_name_the_argument(arguments, message):
    with pytest.raises(ValueError, match=message):
        AttributionDisplay.from_values(**{"values": VALUES, **arguments})


def test_one_of_several_outputs_must_be_named(iris):
    X, attribution = iris
    with pytest.raises(ValueError, match="output=None, but there are 3"):
        AttributionDisplay.from_estimator(attribution, X[:1])
    with pytest.raises(ValueError, match="output=7 is none of"):
        AttributionDisplay.from_estimator(attribution, X[:1], output=7)
    with pytest.raises(NotFittedError):
        AttributionDisplay.from_estimator(FeatureAttribution(Ridge()), X[:1])


def test_without_matplotlib_an_error_says_so(iris, monkeypatch):
    X, attribution = iris
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(
        ImportError, match=r"AttributionDisplay\.from_estimator requires"
    ):
        AttributionDisplay.from_estimator(attribution, X[:1], output=0)
    with pytest.raises(ImportError, match=r"AttributionDisplay\.from_values requires"):
        AttributionDisplay.from_values(VALUES)
