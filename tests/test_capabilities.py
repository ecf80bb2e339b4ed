"""The table of capabilities is that of the tags, and the tags are what fit does."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.utils import get_tags
from test_input_sweep import ESTIMATORS

from skvalue.base import BaseValuator

X, Y = make_classification(80, 5, random_state=0)
X_VAL, Y_VAL = make_classification(30, 5, random_state=1)

VALUATORS = {
    name: clone(estimator)
    for name, estimator in ESTIMATORS.items()
    if isinstance(estimator, BaseValuator)
}
# The default model of either task; what a permutation of sparse rows costs.
VALUATORS["SubsampleInfluence"].set_params(estimator=None)
for name in ["BetaShapley", "DataShapley", "DistributionalShapley", "Semivalue"]:
    VALUATORS[name].set_params(max_evaluations=400, tol=None)
VALUATORS["AmortizedShapley"].set_params(valuator__max_evaluations=400)
EVERY = pytest.mark.parametrize("name", VALUATORS)


def load_maker():
    path = Path(__file__).parents[1] / "doc" / "capabilities.py"
    spec = importlib.util.spec_from_file_location("capabilities", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKER = load_maker()


def is_valued(valuator, X, y):
    try:
        valuator.fit(X, y)
    except (TypeError, ValueError):
        return False
    return len(valuator.data_values_) == len(y)


@pytest.mark.parametrize("path", MAKER.PLACES, ids=lambda path: path.name)
def test_the_tables_are_up_to_date(path):
    assert path.read_text(encoding="utf-8") == MAKER.with_table(path)


def test_the_table_has_every_valuator():
    assert {type(valuator).__name__ for valuator in MAKER.valuators()} == set(VALUATORS)


@EVERY
def test_missing_values_are_taken_where_the_tag_says_so(name):
    valuator = clone(VALUATORS[name])
    holey = X.copy()
    holey[::7, 1] = np.nan
    assert is_valued(valuator, holey, Y) == get_tags(valuator).input_tags.allow_nan


@EVERY
def test_sparse_rows_are_taken_where_the_tag_says_so(name):
    valuator = clone(VALUATORS[name])
    rows = csr_array(np.where(X > 0, X, 0))
    assert is_valued(valuator, rows, Y) == get_tags(valuator).input_tags.sparse


@EVERY
def test_real_targets_are_valued_where_the_tag_says_so(name):
    valuator = clone(VALUATORS[name])
    targets = X[:, 0] + 0.5 * Y
    regression = get_tags(valuator).valuator_tags.regression
    assert is_valued(valuator, X, targets) == regression


@EVERY
def test_held_out_rows_count_where_the_tag_says_so(name):
    valuator = clone(VALUATORS[name])
    alone = clone(valuator).fit(X, Y).data_values_
    measured = valuator.fit(X, Y, X_val=X_VAL, y_val=Y_VAL).data_values_
    differs = not np.array_equal(alone, measured)
    assert differs == get_tags(valuator).valuator_tags.held_out


@EVERY
def test_new_rows_are_valued_where_the_tag_says_so(name):
    valuator = clone(VALUATORS[name]).fit(X, Y)
    values_new_rows = get_tags(valuator).valuator_tags.new_rows
    assert hasattr(valuator, "predict_values") == values_new_rows
    if values_new_rows:
        assert np.isfinite(valuator.predict_values(X_VAL, Y_VAL)).all()


@EVERY
def test_weights_are_used_where_the_tag_says_so(name):
    valuator = clone(VALUATORS[name])
    weights = np.random.default_rng(0).integers(1, 4, size=len(Y))
    if get_tags(valuator).valuator_tags.sample_weight:
        alone = clone(valuator).fit(X, Y).data_values_
        weighted = valuator.fit(X, Y, sample_weight=weights).data_values_
        # The isolation forest takes weights, and splits at random all the same.
        assert np.array_equal(alone, weighted) == (name == "OutlierValuator")
    else:
        with pytest.raises((TypeError, ValueError), match="sample_weight"):
            valuator.fit(X, Y, sample_weight=weights)


@EVERY
def test_the_cost_is_told(name):
    assert get_tags(VALUATORS[name]).valuator_tags.cost != "unknown"
