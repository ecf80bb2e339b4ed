"""What every Display does: conventions of scikit-learn, errors, inputs unmodified."""

import inspect
import pickle
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from _valuators import GivenValues
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skvalue import CuratedEstimator, inspection

VALUES = np.array([-3.0, 2.0, 1.0, -2.0, 0.5, 3.0, 0.0, 1.5])
IS_WRONG = np.array([1, 0, 0, 1, 0, 0, 1, 0], dtype=bool)
X8 = np.arange(16.0).reshape(8, 2)
LABELS = np.array(list("abababab"))
HISTORY = [
    {"evaluations": n, "max_stderr": n**-0.5, "rank_correlation": 1 - 1 / n}
    for n in (10, 20, 40)
]
STATES = np.random.default_rng(0).normal(size=(2, 4, 8, 3))


class WithEverything(GivenValues):
    """Has what any of the Displays draws."""

    def _fit(self, X, y, X_val, y_val):
        super()._fit(X, y, X_val, y_val)
        self.history_ = HISTORY
        self.state_trajectories_, self.adjoint_trajectories_ = STATES
        self.value_trajectories_ = np.outer([1, 2, 3], self.data_values_)


def fitted(**params):
    return WithEverything(VALUES, drop=0.25, **params).fit(
        X8, LABELS, groups=list("uuvvwwzz")
    )


# How each is made: of a valuator, and of its values, with what else both get.
MODELS = (LogisticRegression(), X8, LABELS, X8[::2] + 0.5, LABELS[::2])
MAKERS = {
    "ConvergenceDisplay": ("from_history", (HISTORY,), (), {}),
    "DetectionCurveDisplay": ("from_values", (VALUES,), (IS_WRONG,), {}),
    "GroupValuesDisplay": (
        "from_values",
        (list("uvwz"), np.add.reduceat(VALUES, [0, 2, 4, 6])),
        (),
        {},
    ),
    "RemovalCurveDisplay": (
        "from_values",
        (VALUES,),
        MODELS,
        {"random_state": 0, "n_random": 2, "shares": [0, 0.3]},
    ),
    "RowsDisplay": ("from_values", (VALUES,), (X8,), {"is_wrong": IS_WRONG}),
    "TrajectoryDisplay": (
        "from_trajectories",
        (*STATES, np.outer([1, 2, 3], VALUES)),
        (),
        {"is_wrong": IS_WRONG},
    ),
    "ValueDistributionDisplay": (
        "from_values",
        (VALUES,),
        (),
        {"is_wrong": IS_WRONG, "y": LABELS},
    ),
}
# What only a valuator knows.
KNOWN = {
    "RowsDisplay": {"y": LABELS},
    "TrajectoryDisplay": {"data_values": VALUES},
    "ValueDistributionDisplay": {"kept": VALUES > -2},
}
every_display = pytest.mark.parametrize("display_name", MAKERS)


def of_estimator(display_name, valuator=None, **params):
    _, _, both, options = MAKERS[display_name]
    valuator = fitted() if valuator is None else valuator
    make = getattr(inspection, display_name).from_estimator
    return make(valuator, *both, **(options | params))


def of_values(display_name, **params):
    maker, own, both, options = MAKERS[display_name]
    options = options | KNOWN.get(display_name, {}) | params
    return getattr(getattr(inspection, display_name), maker)(*own, *both, **options)


def data_of(display):
    """What its constructor took, but the name."""
    names = inspect.signature(type(display)).parameters
    return {name: getattr(display, name) for name in names if name != "name"}


def assert_same(first, second):
    if isinstance(first, dict):
        assert list(first) == list(second)
        for key, value in first.items():
            assert_same(value, second[key])
    else:
        assert_array_equal(first, second)


def test_every_display_is_tested():
    # The one that draws no valuator has tests of its own.
    assert set(MAKERS) == set(inspection.__all__) - {"AttributionDisplay"}


@every_display
def test_an_estimator_and_its_values_give_the_same(display_name):
    first, second = of_estimator(display_name), of_values(display_name)
    assert_same(data_of(first), data_of(second))
    assert first.name == "WithEverything"
    assert second.name is None
    assert of_estimator(display_name, name="mine").name == "mine"


@every_display
def test_the_constructor_keeps_what_plot_draws(display_name):
    drawn = of_values(display_name)
    own = type(drawn)(**data_of(drawn))
    assert not hasattr(own, "figure_")
    assert own.plot() is own
    assert own.ax_.figure is own.figure_
    assert own.figure_ is not drawn.figure_
    # A second picture of the same.
    assert own.plot(name="again").figure_ is own.figure_ is not drawn.figure_


@every_display
def test_axes_given_are_drawn_on(display_name):
    figure, axes = plt.subplots(1, 2, figsize=(14, 9), layout="constrained")
    display = of_values(display_name, ax=axes[1])
    assert display.ax_ is axes[1]
    assert display.figure_ is figure
    assert plt.get_fignums() == [figure.number]
    assert not axes[0].has_data()
    for panel in getattr(display, "axes_", []):
        assert panel.figure is figure


@every_display
def test_nothing_is_cut_off(display_name):
    display = of_estimator(display_name)
    display.figure_.canvas.draw()
    room = display.figure_.bbox.padded(1)
    for axes in display.figure_.axes:
        box = axes.get_tightbbox()
        if box is not None and box.width:
            assert room.x0 <= box.x0 and box.x1 <= room.x1
            assert room.y0 <= box.y0 and box.y1 <= room.y1


@every_display
def test_a_model_or_pipeline_that_holds_the_valuator_does(display_name):
    held = of_estimator(display_name, make_pipeline(StandardScaler(), fitted()))
    assert_same(data_of(held), data_of(of_values(display_name)))
    curated = CuratedEstimator(LogisticRegression(), WithEverything(VALUES, drop=0.25))
    curated.fit(X8, LABELS, groups=list("uuvvwwzz"))
    if display_name != "GroupValuesDisplay":
        assert_same(
            data_of(of_estimator(display_name, curated)),
            data_of(of_values(display_name)),
        )


@every_display
def test_what_is_no_fitted_valuator_is_refused(display_name):
    with pytest.raises(TypeError, match="valuator=LogisticRegression has no data"):
        of_estimator(display_name, LogisticRegression())
    with pytest.raises(NotFittedError):
        of_estimator(display_name, WithEverything(VALUES))


@every_display
def test_inputs_stay_as_they_are(display_name):
    valuator = fitted()
    given = valuator, MAKERS[display_name]
    before = pickle.dumps(given)
    rc = dict(mpl.rcParams)
    state = np.random.get_state()[1].copy()
    display = of_estimator(display_name, valuator)
    of_values(display_name)
    assert pickle.dumps(given) == before
    assert dict(mpl.rcParams) == rc
    assert_array_equal(np.random.get_state()[1], state)
    # Later changes of the input do not reach into the display.
    kept = pickle.dumps(data_of(display))
    valuator.data_values_[:] = 7
    assert pickle.dumps(data_of(display)) == kept


@every_display
def test_without_matplotlib_an_error_says_so(display_name, monkeypatch):
    drawn = of_values(display_name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for make in [of_estimator, of_values]:
        with pytest.raises(ImportError, match=f"{display_name}.from_.* matplotlib"):
            make(display_name)
    with pytest.raises(ImportError, match=rf"{display_name}\.plot requires matplotlib"):
        type(drawn)(**data_of(drawn)).plot()


def test_colours_of_a_style_are_left_alone():
    with mpl.rc_context({"axes.prop_cycle": mpl.cycler(color=["#123456"])}):
        display = of_values("DetectionCurveDisplay")
    assert display.line_.get_color() == "#123456"
    assert of_values("DetectionCurveDisplay").line_.get_color() == "#0072B2"


@pytest.mark.parametrize(
    ("display_name", "missing"),
    [
        ("ConvergenceDisplay", "history_"),
        ("GroupValuesDisplay", "without groups"),
        ("TrajectoryDisplay", "record_trajectories=True"),
    ],
)
def test_a_valuator_without_what_is_drawn_is_refused(display_name, missing):
    plain = GivenValues(VALUES).fit(X8, LABELS)
    with pytest.raises(ValueError, match=f"valuator=GivenValues .*{missing}"):
        of_estimator(display_name, plain)
