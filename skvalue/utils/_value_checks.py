"""Checks of the values: finite, reproducible, invariant, and low for wrong labels.

A check takes a valuator, fits clones of it and raises an AssertionError that tells the
author of the valuator what to mend.
"""

import tempfile
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklearn.metrics import roc_auc_score

from ._check_tools import (
    assert_close_values,
    assert_raises,
    assert_same_values,
    fresh,
    import_pandas,
    make_problem,
    name_of,
    restored_global_state,
)


def check_values(valuator):
    """One finite float64 value for each training row."""
    data = make_problem()
    fitted = fresh(valuator).fit(data.X, data.y)
    values = fitted.data_values_
    assert isinstance(values, np.ndarray) and values.dtype == np.float64, (
        f"{name_of(valuator)}: data_values_ must be a float64 numpy array; got "
        f"{getattr(values, 'dtype', type(values))}."
    )
    assert values.shape == (60,), (
        f"{name_of(valuator)}: data_values_ must hold one value for each of the 60 "
        f"training rows; got shape {values.shape}."
    )
    assert np.isfinite(values).all(), (
        f"{name_of(valuator)}: data_values_ holds NaN or infinity; a row without an "
        "estimate needs an error, more evaluations or a defined value."
    )


def check_held_out(valuator):
    """`X_val` and `y_val` come as a pair with labels of the training data."""
    data = make_problem()
    fitted = fresh(valuator).fit(data.X, data.y, X_val=data.X_val, y_val=data.y_val)
    assert np.isfinite(fitted.data_values_).all(), (
        f"{name_of(valuator)}: data_values_ with X_val, y_val are not finite."
    )
    wrong = {
        "y_val": {"X_val": data.X_val},
        "X_val": {"y_val": data.y_val},
    }
    for missing, given in wrong.items():
        assert_raises(
            valuator,
            lambda given=given: fresh(valuator).fit(data.X, data.y, **given),
            missing,
            f"{' '.join(given)} without {missing}",
        )
    assert_raises(
        valuator,
        lambda: fresh(valuator).fit(
            data.X, data.y, X_val=data.X_val, y_val=data.y_val + 7
        ),
        "y_val",
        "a label in y_val that y does not have",
    )


def check_same_seed(valuator):
    """The same integer seed gives bitwise the same values, also in a refit."""
    data = make_problem()
    for held_out in [{}, {"X_val": data.X_val, "y_val": data.y_val}]:
        first = fresh(valuator).fit(data.X, data.y, **held_out)
        second = fresh(valuator).fit(data.X, data.y, **held_out)
        advice = "Draw every random number from self.random_state."
        assert_same_values(valuator, second, first, "a second fit of a clone", advice)
        again = clone(first).fit(data.X, data.y, **held_out)
        again.fit(data.X, data.y, **held_out)
        advice = "fit must not depend on what an earlier fit left behind."
        assert_same_values(
            valuator, again, first, "fitting the same object again", advice
        )


def check_global_random_state(valuator):
    """The global random states of Python, numpy and torch are not read nor moved."""
    data = make_problem()
    # The first fit imports what the method needs; torch counts only from there.
    expected = fresh(valuator).fit(data.X, data.y)
    with restored_global_state() as state:
        for seed in [0, None]:
            before = state()
            actual = fresh(valuator, seed).fit(data.X, data.y)
            moved = [name for name, now in state().items() if now != before[name]]
            assert not moved, (
                f"{name_of(valuator)}: fit with random_state={seed} moved the global "
                f"random state of {moved}. Draw from a generator of your own, and run "
                "torch code that cannot take one inside torch.random.fork_rng()."
            )
            if seed is not None:
                assert_same_values(
                    valuator,
                    actual,
                    expected,
                    "another global random state",
                    "Draw every random number from self.random_state.",
                )


def check_n_jobs(valuator):
    """One and two workers give bitwise the same values."""
    data = make_problem()
    one = fresh(valuator, n_jobs=1).fit(data.X, data.y)
    two = fresh(valuator, n_jobs=2).fit(data.X, data.y)
    advice = (
        "Send integer seeds to the workers, and add their results in the order of the "
        "seeds, not of arrival."
    )
    assert_same_values(valuator, two, one, "n_jobs=2 instead of 1", advice)


def check_memory(valuator):
    """What `memory` has kept is bitwise what a fit computes, for any `drop`."""
    data = make_problem()
    advice = (
        "_fit must depend on nothing but its arguments, the parameters, and what "
        "validation has set, and leave all that it computes in attributes."
    )
    for held_out in [{}, {"X_val": data.X_val, "y_val": data.y_val}]:
        expected = fresh(valuator).fit(data.X, data.y, **held_out)
        with tempfile.TemporaryDirectory() as folder:
            for drop in [0.0, 0.2]:
                kept = fresh(valuator, memory=folder, drop=drop)
                kept.fit(data.X, data.y, **held_out)
                assert_same_values(valuator, kept, expected, "memory", advice)
                lost = vars(expected).keys() ^ vars(kept).keys()
                assert not lost, (
                    f"{name_of(valuator)}: memory changed what a fit leaves by "
                    f"{sorted(lost)}. {advice}"
                )
            wrong = fresh(valuator, memory=folder).fit(data.X, 1 - data.y)
            again = fresh(valuator).fit(data.X, 1 - data.y)
            assert_same_values(valuator, wrong, again, "memory of other labels", advice)


def check_checkpoint(valuator):
    """A run that goes on from a file gives bitwise the values of one long run."""
    data = make_problem()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "values.ckpt")
        long = fresh(valuator, checkpoint=None).fit(data.X, data.y)
        half = long.n_evaluations_ // 2
        fresh(valuator, checkpoint=path, max_evaluations=half).fit(data.X, data.y)
        assert Path(path).exists(), (
            f"{name_of(valuator)}: fit with checkpoint={path!r} left no file there."
        )
        resumed = fresh(valuator, checkpoint=path).fit(data.X, data.y)
    _assert_one_long_run(valuator, resumed, long, "resuming from checkpoint")


def check_warm_start(valuator):
    """A second fit with a larger budget gives bitwise the values of one long run."""
    data = make_problem()
    long = fresh(valuator, warm_start=False).fit(data.X, data.y)
    half = long.n_evaluations_ // 2
    going_on = fresh(valuator, warm_start=True, max_evaluations=half)
    going_on.fit(data.X, data.y)
    going_on.set_params(max_evaluations=valuator.max_evaluations).fit(data.X, data.y)
    _assert_one_long_run(valuator, going_on, long, "going on with warm_start=True")


def _assert_one_long_run(valuator, resumed, long, what):
    advice = (
        "Save the running sums and the number of the next seed, not the state of a "
        "generator, and add up in the order of the seeds."
    )
    assert resumed.n_evaluations_ == long.n_evaluations_, (
        f"{name_of(valuator)}: {what} made {resumed.n_evaluations_} evaluations; one "
        f"long run makes {long.n_evaluations_}. n_evaluations_ counts all of them."
    )
    assert_same_values(valuator, resumed, long, what, advice)


def check_label_names(valuator):
    """Values do not depend on what the labels are called, if their order stays."""
    data = make_problem()
    held_out = {"X_val": data.X_val, "y_val": data.y_val}
    expected = fresh(valuator).fit(data.X, data.y)
    expected_held_out = fresh(valuator).fit(data.X, data.y, **held_out)
    names = {
        "integers": np.array([-3, 11]),
        "strings": np.array(["bad", "good"]),
        "Python strings": np.array(["bad", "good"], dtype=object),
        "booleans": np.array([False, True]),
    }
    advice = "Compute on the codes that _fit gets as y, not on classes_."
    for kind, labels in names.items():
        y = labels[data.y]
        what = f"renaming the labels to {kind}"
        renamed = fresh(valuator).fit(data.X, y)
        assert_same_values(valuator, renamed, expected, what, advice)
        held_out["y_val"] = labels[data.y_val]
        renamed = fresh(valuator).fit(data.X, y, **held_out)
        assert_same_values(valuator, renamed, expected_held_out, what, advice)


def check_containers(valuator):
    """An array, a frame and lists give the same values."""
    pandas = import_pandas()
    data = make_problem()
    expected = fresh(valuator).fit(data.X, data.y, X_val=data.X_val, y_val=data.y_val)
    columns = ["first", "second", "third"]
    index = np.arange(60)[::-1]
    containers = {
        "a pandas frame": (
            pandas.DataFrame(data.X, index=index, columns=columns),
            pandas.Series(data.y, index=index),
            pandas.DataFrame(data.X_val, columns=columns),
            pandas.Series(data.y_val),
        ),
        "lists": [array.tolist() for array in (data.X, data.y, data.X_val, data.y_val)],
        "column-major arrays": (
            np.asfortranarray(data.X),
            data.y,
            np.asfortranarray(data.X_val),
            data.y_val,
        ),
    }
    advice = "Compute on the array that _fit gets as X, by position, not by index."
    for kind, (X, y, X_val, y_val) in containers.items():
        actual = fresh(valuator).fit(X, y, X_val=X_val, y_val=y_val)
        assert_close_values(
            valuator, actual, expected, f"{kind} instead of arrays", advice
        )


def check_values_frame(valuator):
    """`values_frame` lays values, support and labels beside the index of X."""
    pandas = import_pandas()
    data = make_problem()
    index = pandas.Index([f"row {number}" for number in range(60)])
    labels = np.array(["bad", "good"])[data.y]
    fitted = fresh(valuator, drop=0.2).fit(
        pandas.DataFrame(data.X, index=index, columns=["u", "v", "w"]), labels
    )
    order = np.argsort(fitted.data_values_, kind="stable")
    for sort, rows in [(False, np.arange(60)), (True, order)]:
        frame = fitted.values_frame(sort=sort)
        expected = {
            "value": fitted.data_values_,
            "kept": fitted.get_support(),
            "label": labels,
        }
        assert frame.index.equals(index.take(rows)), (
            f"{name_of(valuator)}: values_frame(sort={sort}) must have the index of X"
            f"{', lowest value first' if sort else ''}. Leave fit to BaseValuator."
        )
        for name, column in expected.items():
            assert np.array_equal(frame[name], column[rows]), (
                f"{name_of(valuator)}: column {name!r} of values_frame(sort={sort}) is "
                f"not that of the rows. Override _frame_columns, in the order of rows."
            )
    if "suggested_label" in frame:
        unknown = set(frame["suggested_label"]) - {"bad", "good"}
        assert not unknown, (
            f"{name_of(valuator)}: values_frame suggests {sorted(unknown)}, which are "
            "no labels of y; suggestions are entries of classes_."
        )


def check_flipped_labels(valuator):
    """Wrong labels in well-separated blobs get lower values than right ones."""
    data = make_problem()
    values = fresh(valuator).fit(data.X, data.y).data_values_
    auc = roc_auc_score(data.is_flipped, -values)
    assert auc > 0.7, (
        f"{name_of(valuator)}: wrong labels must get lower values than right ones, but "
        f"the area under the ROC curve is {auc:.2f} (1 is perfect, 0 is upside down). "
        "Higher must mean better; or expect this check to fail, where the values do "
        "not depend on the label."
    )


def check_regression(valuator):
    """Real targets work, or one error says that y is not what the method takes."""
    X, y = make_regression(60, 3, noise=1.0, random_state=0)
    fitted = fresh(valuator)
    try:
        fitted.fit(X, y)
    except ValueError as error:
        words = str(error).replace(":", " ").replace("'", " ").split()
        assert "y" in words, (
            f"{name_of(valuator)}: the error for a continuous target must name y; it "
            f"says: {error}"
        )
        return
    assert fitted.data_values_.shape == (60,) and not hasattr(fitted, "classes_"), (
        f"{name_of(valuator)}: a continuous target is regression, one value a row and "
        "no classes_."
    )
    kept = fitted.set_params(drop=0.2).get_support()
    assert kept.sum() == 48, (
        f"{name_of(valuator)}: drop=0.2 must keep 48 of 60 rows; it keeps {kept.sum()}."
    )


def check_predict_values(valuator):
    """Where other rows can be valued: one finite value each, alone or together."""
    data = make_problem()
    fitted = fresh(valuator).fit(data.X, data.y)
    if not hasattr(fitted, "predict_values"):
        return
    values = fitted.predict_values(data.X_val, data.y_val)
    assert values.shape == (20,) and values.dtype == np.float64, (
        f"{name_of(valuator)}: predict_values must return one float64 value for each "
        f"of 20 rows; got {values.dtype} of shape {values.shape}."
    )
    assert np.isfinite(values).all(), (
        f"{name_of(valuator)}: predict_values returned NaN or infinity."
    )
    alone = fitted.predict_values(data.X_val[:1], data.y_val[:1])
    assert np.allclose(alone, values[:1], rtol=1e-4, atol=1e-5 * np.ptp(values)), (
        f"{name_of(valuator)}: the value of a row depends on which rows are valued "
        "together with it."
    )
    assert_raises(
        valuator,
        lambda: fitted.predict_values(data.X_val, data.y_val + 7),
        "y",
        "predict_values with a label that fit did not see",
    )
