"""Checks of acting on values, and of what must stay as it is.

A check takes a valuator, fits clones of it and raises an AssertionError that tells the
author of the valuator what to mend.
"""

import pickle

import joblib
import numpy as np

from ._check_tools import (
    assert_raises,
    assert_same_values,
    fresh,
    import_pandas,
    make_problem,
    name_of,
)


def check_pickle(valuator):
    """A pickle keeps values and support."""
    data = make_problem()
    fitted = fresh(valuator, drop=0.2).fit(data.X, data.y)
    loaded = pickle.loads(pickle.dumps(fitted))
    advice = "Keep no open file, generator or lambda in a fitted attribute."
    assert_same_values(valuator, loaded, fitted, "pickling", advice)
    assert np.array_equal(loaded.get_support(), fitted.get_support()), (
        f"{name_of(valuator)}: get_support of the pickle differs. {advice}"
    )


def check_inputs_unmodified(valuator):
    """Arrays, also read-only ones, and frames are never written to."""
    data = make_problem()
    pandas = import_pandas()
    columns = ["first", "second", "third"]
    frames = (
        pandas.DataFrame(data.X.copy(), columns=columns),
        pandas.Series(data.y.copy(), name="label"),
        pandas.DataFrame(data.X_val.copy(), columns=columns),
        pandas.Series(data.y_val.copy(), name="label"),
    )
    writeable = tuple(
        array.copy() for array in (data.X, data.y, data.X_val, data.y_val)
    )
    read_only = data.X, data.y, data.X_val, data.y_val
    for X, y, X_val, y_val in [read_only, writeable, frames]:
        before = joblib.hash((X, y, X_val, y_val))
        names = list(getattr(X, "columns", []))
        for output in ["default", "pandas"]:
            fitted = fresh(valuator, drop=0.2).set_output(transform=output)
            fitted.fit_transform(X, y, X_val=X_val, y_val=y_val)
            fitted.transform(X)
            fitted.filter(X, y)
        assert joblib.hash((X, y, X_val, y_val)) == before, (
            f"{name_of(valuator)}: fit_transform, transform or filter wrote to its "
            f"{type(X).__name__} inputs. Copy before you change."
        )
        assert list(getattr(X, "columns", [])) == names, (
            f"{name_of(valuator)}: the column names of the user's frame were changed."
        )


def check_parameters_unmodified(valuator):
    """Fit stores nothing in, and changes nothing of, the parameters."""
    data = make_problem()
    fitted = fresh(valuator)
    before = fitted.get_params()
    digests = {name: joblib.hash(value) for name, value in before.items()}
    fitted.fit(data.X, data.y)
    for name, value in fitted.get_params().items():
        assert value is before[name] and joblib.hash(value) == digests[name], (
            f"{name_of(valuator)}: fit changed the parameter {name!r}. Resolve "
            "defaults and fit sub-estimators in clones and fitted attributes."
        )


# ------------------------------------------------------------------ acting on values


def check_drop(valuator):
    """`drop` may change after fit, and every form keeps the rows that it says."""
    data = make_problem()
    fitted = fresh(valuator).fit(data.X, data.y)
    values = fitted.data_values_.copy()
    n_auto = np.bincount(data.y[~fitted.set_params(drop="auto").get_support()])
    assert (n_auto <= np.bincount(data.y)[: len(n_auto)] / 2).all(), (
        f'{name_of(valuator)}: drop="auto" dropped more than half of a class.'
    )
    for share in [0.0, 0.1, 0.29]:
        kept = fitted.set_params(drop=share).get_support()
        lowest = np.argsort(values, kind="stable")[: int(share * 60)]
        assert np.array_equal(np.flatnonzero(~kept), np.sort(lowest)), (
            f"{name_of(valuator)}: drop={share} must drop the {len(lowest)} rows with "
            f"the lowest values, ties by row order; it dropped {(~kept).sum()}."
        )
        assert np.array_equal(fitted.get_support(indices=True), np.flatnonzero(kept)), (
            f"{name_of(valuator)}: get_support(indices=True) disagrees with the mask."
        )
    kept = fitted.set_params(drop=_top_half).get_support()
    assert np.array_equal(kept, _top_half(values)), (
        f"{name_of(valuator)}: a callable drop decides which rows are kept."
    )
    if set(data.y[values >= 0]) == {0, 1}:
        kept = fitted.set_params(drop="negative").get_support()
        assert np.array_equal(kept, values >= 0), (
            f'{name_of(valuator)}: drop="negative" drops the values below 0.'
        )
    assert np.array_equal(fitted.data_values_, values), (
        f"{name_of(valuator)}: get_support changed data_values_."
    )


def _top_half(values):
    """Rows of at least median value, and every third, so that no class is emptied."""
    return (values >= np.median(values)) | (np.arange(len(values)) % 3 == 0)


def check_drop_never_empties_a_class(valuator):
    """A `drop` that would leave a class without rows raises, and says so."""
    data = make_problem()
    fitted = fresh(valuator).fit(data.X, data.y)
    fitted.set_params(drop=lambda values: data.y == 0)
    for method in [fitted.get_support, lambda: fitted.filter(data.X)]:
        assert_raises(valuator, method, "drop", "a drop that empties a class")


def check_filter(valuator):
    """``filter`` keeps the same rows of anything row-aligned."""
    data = make_problem()
    fitted = fresh(valuator, drop=0.2).fit(data.X, data.y)
    kept = fitted.get_support()
    X, y, numbers = fitted.filter(data.X, data.y, list(range(60)))
    assert np.array_equal(X, data.X[kept]) and np.array_equal(y, data.y[kept]), (
        f"{name_of(valuator)}: filter(X, y) must be (X, y)[get_support()]."
    )
    assert isinstance(numbers, list) and numbers == np.flatnonzero(kept).tolist(), (
        f"{name_of(valuator)}: filter must keep a list a list."
    )
    assert_raises(
        valuator, lambda: fitted.filter(data.X[:-1]), "filter", "filter of 59 rows"
    )


def check_transform(valuator):
    """New rows pass through ``transform`` unchanged, however many there are."""
    data = make_problem()
    fitted = fresh(valuator, drop=0.2).fit(data.X, data.y)
    for rows in [data.X, data.X_val, data.X_val[:1]]:
        assert np.array_equal(fitted.transform(rows), rows), (
            f"{name_of(valuator)}: transform must return its rows unchanged; only "
            "fit_transform cleans."
        )


def check_fit_transform(valuator):
    """Only dropped rows change, to kept rows of the same label."""
    data = make_problem()
    fitted = fresh(valuator, drop=0.2)
    # The number of the row, in a column that hardly moves the values, identifies it.
    X = data.X.copy()
    X[:, 2] = np.arange(60) / 1000
    cleaned = fitted.fit_transform(X, data.y)
    kept, fill = fitted.get_support(), fitted.fill_indices_
    assert cleaned.shape == X.shape and np.array_equal(cleaned, X[fill]), (
        f"{name_of(valuator)}: fit_transform(X, y) must be X[fill_indices_]."
    )
    assert np.array_equal(fill[kept], np.flatnonzero(kept)), (
        f"{name_of(valuator)}: fit_transform changed a row that drop keeps."
    )
    assert kept[fill].all(), f"{name_of(valuator)}: fit_transform shows a dropped row."
    assert np.array_equal(data.y[fill], data.y), (
        f"{name_of(valuator)}: a dropped row was replaced by a row with another label."
    )


def check_fit_transform_containers(valuator):
    """Container, dtype, index and column names of X outlive ``fit_transform``."""
    pandas = import_pandas()
    data = make_problem()
    for dtype in [np.float32, np.int64]:
        X = (10 * data.X).astype(dtype)
        cleaned = fresh(valuator, drop=0.2).fit_transform(X, data.y)
        assert type(cleaned) is np.ndarray and cleaned.dtype == dtype, (
            f"{name_of(valuator)}: fit_transform made {type(cleaned).__name__} of "
            f"dtype {getattr(cleaned, 'dtype', None)} out of a {np.dtype(dtype)} array."
        )
    X = pandas.DataFrame(data.X, columns=["a", "b", "c"], index=range(100, 160))
    X["b"] = X["b"].astype(np.float32)
    cleaned = fresh(valuator, drop=0.2).fit_transform(X, data.y)
    assert isinstance(cleaned, pandas.DataFrame), (
        f"{name_of(valuator)}: fit_transform made {type(cleaned).__name__} of a frame."
    )
    for what in ["columns", "index", "dtypes"]:
        assert getattr(cleaned, what).equals(getattr(X, what)), (
            f"{name_of(valuator)}: fit_transform changed the {what} of a frame."
        )
