"""Checks of attributions, by models whose attributions are known.

A check takes an attribution, fits clones of it to models of its own, and raises an
AssertionError that tells the author what to mend.
"""

import pickle
from unittest import SkipTest

import numpy as np
from sklearn.base import clone

from ._check_tools import fresh, import_pandas, name_of, restored_global_state

# Errors of a check are compared with this many standard errors, and with rounding.
N_ERRORS = 6.0
ROUNDING = 1e-6


def smooth(X):
    """Symmetric in the first two columns; the last one does not matter."""
    X = np.asarray(X, dtype=float)
    product = X[:, 0] * X[:, 1] * (1 + X[:, 3])
    return product + np.sin(X[:, 0] + X[:, 1]) + X[:, 2] ** 2 * X[:, 4] + X[:, 3]


def other(X):
    """Another model of the same columns."""
    X = np.asarray(X, dtype=float)
    return np.tanh(X[:, 0] - X[:, 2]) * X[:, 3] + X[:, 4]


def both(X):
    """Their sum."""
    return smooth(X) + other(X)


def make_rows():
    """60 read-only rows of a background, and 8 to be explained."""
    X = np.random.default_rng(0).normal(size=(68, 6))
    X[:, 1] += X[:, 0]
    # The first two columns are alike in the background, too: a row for each one with
    # their cells exchanged.
    X[30:60, 2:] = X[:30, 2:][::-1]
    X[:60, 1] = X[:60, 0][::-1]
    X.flags.writeable = False
    return X[:60], X[60:]


def of_model(attribution, model, **params):
    """A clone with a seed that explains this model."""
    names = [
        name
        for name in attribution.get_params()
        if name == "estimator" or name.endswith("attribution__estimator")
    ]
    if not names:
        raise SkipTest(f"{name_of(attribution)} has no parameter estimator to be set")
    # First, because the parameters of its own model go with it.
    return fresh(clone(attribution).set_params(**{names[0]: model}), **params)


def explained(attribution, model, X=None):
    """Attributions and standard errors of rows, ``(n_rows, n_players)`` each."""
    background, rows = make_rows()
    fitted = of_model(attribution, model).fit(background)
    explanation = fitted.explain(rows if X is None else X)
    errors = explanation.get("standard_errors")
    if errors is None or not np.isfinite(errors).all():
        raise SkipTest(f"{name_of(attribution)} tells no standard errors at its budget")
    return explanation.attributions, errors


def assert_within_errors(attribution, difference, errors, scale, what, advice):
    worst = np.max(np.abs(difference) - N_ERRORS * errors)
    assert worst <= ROUNDING * scale, (
        f"{name_of(attribution)}: {what} by {np.abs(difference).max():.3g}, more than "
        f"{N_ERRORS:g} standard errors ({np.max(errors):.3g} at most). {advice}"
    )


def check_attributions(attribution):
    """One finite float64 attribution for each row and player."""
    background, rows = make_rows()
    fitted = of_model(attribution, smooth).fit(background)
    values = fitted.transform(rows)
    names = fitted.get_feature_names_out()
    assert isinstance(values, np.ndarray) and values.dtype == np.float64, (
        f"{name_of(attribution)}: transform must return a float64 numpy array; got "
        f"{getattr(values, 'dtype', type(values))}."
    )
    assert values.shape == (len(rows), len(names)), (
        f"{name_of(attribution)}: transform must return one attribution a row and "
        f"player, {len(rows)} by {len(names)}; got shape {values.shape}."
    )
    assert np.isfinite(values).all(), (
        f"{name_of(attribution)}: transform returned NaN or infinity."
    )
    explanation = fitted.explain(rows)
    assert np.allclose(explanation.attributions, values, rtol=1e-12, atol=1e-12), (
        f"{name_of(attribution)}: explain and transform give different attributions."
    )
    assert np.allclose(explanation.predictions, smooth(rows)), (
        f"{name_of(attribution)}: predictions of explain are not those of the model."
    )


def check_efficiency(attribution):
    """Shapley values sum to the prediction less that without any column."""
    background, rows = make_rows()
    fitted = of_model(attribution, smooth).fit(background)
    if not getattr(fitted, "_is_efficient", True):
        raise SkipTest(f"{name_of(attribution)} gives values that need not sum to f(x)")
    explanation = fitted.explain(rows)
    missing = explanation.predictions - explanation.base_values
    missing = missing - explanation.attributions.sum(axis=1)
    assert np.abs(missing).max() <= ROUNDING * np.abs(explanation.predictions).max(), (
        f"{name_of(attribution)}: attributions must sum to f(x) - base_values; they "
        f"miss {np.abs(missing).max():.3g}. Shift them by equal shares of what is "
        "missing."
    )


def check_symmetry(attribution):
    """Columns that the model treats alike get the same where their cells are."""
    _, rows = make_rows()
    rows = rows.copy()
    rows[:, 1] = rows[:, 0]
    values, errors = explained(attribution, smooth, rows)
    if values.shape[1] != rows.shape[1]:
        raise SkipTest("columns are grouped")
    assert_within_errors(
        attribution,
        values[:, 0] - values[:, 1],
        errors[:, 0] + errors[:, 1],
        np.abs(values).max(),
        "attributions of two columns that the model treats alike differ",
        "Coalitions must be drawn without regard to the numbers of the players.",
    )


def check_null_column(attribution):
    """A column that the model does not use gets nothing."""
    values, errors = explained(attribution, smooth)
    if values.shape[1] != 6:
        raise SkipTest("columns are grouped")
    assert_within_errors(
        attribution,
        values[:, 5],
        errors[:, 5],
        np.abs(values).max(),
        "the attribution of a column that the model does not use is off zero",
        "Coalitions with and without a player must weigh the same.",
    )


def check_linearity(attribution):
    """The attributions of a sum of models are the sum of theirs."""
    parts = [explained(attribution, model) for model in (smooth, other, both)]
    (first, second, total), errors = zip(*parts, strict=True)
    assert_within_errors(
        attribution,
        first + second - total,
        sum(errors),
        np.abs(total).max(),
        "attributions of a sum of two models differ from the sum of theirs",
        "Attributions must be linear in what the model returns.",
    )


def check_same_seed(attribution):
    """The same integer seed gives bitwise the same attributions, also in a refit."""
    background, rows = make_rows()
    fitted = of_model(attribution, smooth).fit(background)
    expected = fitted.transform(rows)
    again = {
        "another clone": of_model(attribution, smooth).fit(background).transform(rows),
        "a second transform": fitted.transform(rows),
        "fitting again": clone(fitted).fit(background).fit(background).transform(rows),
    }
    for what, values in again.items():
        assert np.array_equal(values, expected), (
            f"{name_of(attribution)}: {what} changed the attributions. Draw every "
            "random number from self.random_state, in fit."
        )


def check_global_random_state(attribution):
    """The global random states of Python, numpy and torch are not read nor moved."""
    background, rows = make_rows()
    expected = of_model(attribution, smooth).fit(background).transform(rows)
    with restored_global_state() as state:
        before = state()
        fitted = of_model(attribution, smooth).fit(background)
        actual = fitted.transform(rows)
        moved = [name for name, now in state().items() if now != before[name]]
    assert not moved, (
        f"{name_of(attribution)}: fit or transform moved the global random state of "
        f"{moved}. Draw from a generator of your own."
    )
    assert np.array_equal(actual, expected), (
        f"{name_of(attribution)}: another global random state changed the "
        "attributions. Draw every random number from self.random_state."
    )


def check_inputs_unmodified(attribution):
    """Neither rows nor parameters are changed."""
    background, rows = (X.copy() for X in make_rows())
    fitted = of_model(attribution, smooth)
    before = background.copy(), rows.copy(), fitted.get_params()
    fitted.fit(background).transform(rows)
    assert np.array_equal(before[0], background), (
        f"{name_of(attribution)}: fit modified the background. Work on a copy."
    )
    assert np.array_equal(before[1], rows), (
        f"{name_of(attribution)}: transform modified the rows. Work on a copy."
    )
    changed = {
        name
        for name, value in fitted.get_params().items()
        if value is not before[2][name]
    }
    assert not changed, (
        f"{name_of(attribution)}: fit changed the parameters {sorted(changed)}. Set "
        "fitted attributes, whose names end in an underscore."
    )


def check_chunks(attribution):
    """A row's attributions do not depend on the rows or batches beside it."""
    background, rows = make_rows()
    fitted = of_model(attribution, smooth).fit(background)
    together = fitted.transform(rows)
    tolerance = ROUNDING * np.abs(together).max()
    alone = np.concatenate([fitted.transform(row[None]) for row in rows])
    assert np.allclose(alone, together, rtol=0, atol=tolerance), (
        f"{name_of(attribution)}: the attributions of a row depend on which rows are "
        "explained together with it."
    )
    # Of a network, it is the number of rows of a step.
    of_model_alone = "estimator" in attribution.get_params(deep=False)
    name = "batch_size" if of_model_alone else "attribution__batch_size"
    if name in attribution.get_params():
        small = of_model(attribution, smooth, **{name: 7}).fit(background)
        assert np.allclose(small.transform(rows), together, rtol=0, atol=tolerance), (
            f"{name_of(attribution)}: {name}=7 changed the attributions."
        )


def check_names_out(attribution):
    """Players have names, those of the columns where these have any."""
    pandas = import_pandas()
    background, rows = make_rows()
    columns = [f"column {place}" for place in range(6)]
    frames = [pandas.DataFrame(X, columns=columns) for X in (background, rows)]
    fitted = of_model(attribution, smooth).fit(frames[0])
    expected = of_model(attribution, smooth).fit(background).transform(rows)
    values = fitted.set_output(transform="pandas").transform(frames[1])
    names = list(fitted.get_feature_names_out())
    assert list(values.columns) == names and len(set(names)) == len(names), (
        f"{name_of(attribution)}: columns of the frame are {list(values.columns)}, "
        f"get_feature_names_out gives {names}."
    )
    tolerance = 1e-5 * np.abs(expected).max()
    assert np.allclose(values.to_numpy(), expected, rtol=0, atol=tolerance), (
        f"{name_of(attribution)}: a frame gives other attributions than an array."
    )


def check_pickle(attribution):
    """Pickling keeps the attributions."""
    background, rows = make_rows()
    fitted = of_model(attribution, smooth).fit(background)
    restored = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(restored.transform(rows), fitted.transform(rows)), (
        f"{name_of(attribution)}: an unpickled copy gives other attributions."
    )
