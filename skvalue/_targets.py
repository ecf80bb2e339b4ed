"""What y is: class labels or real targets. Decided here, once, for every valuator.

The parameter ``task`` has the first word, the user's estimator of y the second; y
itself is asked last, and what it leaves open is refused, or warned of.
"""

import warnings

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.multiclass import type_of_target

# Whole numbers of more kinds than this are more often amounts than names of classes.
_MANY_CLASSES = 20

_TASKS = {"classifier": "classification", "regressor": "regression"}


def task_of_estimator(estimator):
    """What an estimator predicts, as the value of ``task`` that says so.

    Parameters
    ----------
    estimator : estimator or None
        The user's, as given.

    Returns
    -------
    task : {"auto", "classification", "regression"}
        "auto" where there is none, or where it is neither classifier nor regressor.
    """
    if estimator is None:
        return "auto"
    return _TASKS.get(get_tags(estimator).estimator_type, "auto")


def known_task(task, estimator):
    """The task as far as it is known without y.

    Parameters
    ----------
    task : {"auto", "classification", "regression"}
        The parameter.

    estimator : estimator or None
        The user's estimator of y.

    Returns
    -------
    task : {"auto", "classification", "regression"}
        "auto" where neither tells.
    """
    of_estimator = task_of_estimator(estimator)
    if "auto" not in {task, of_estimator} and task != of_estimator:
        raise ValueError(
            f"y is a target of {task} by task={task!r}, but "
            f"estimator={type(estimator).__name__} is made for {of_estimator}; give "
            f"another estimator, or task={of_estimator!r}."
        )
    return of_estimator if task == "auto" else task


def last_step(valuator):
    """The valuator itself, or the last step of a Pipeline that stands for one.

    Parameters
    ----------
    valuator : valuator object or Pipeline
        Or anything else.

    Returns
    -------
    last : object
        What has the values once it is fitted.
    """
    return valuator.steps[-1][1] if isinstance(valuator, Pipeline) else valuator


def agreed_task(task, valuators):
    """The task of a valuator that is made of others, as far as any of them knows it.

    Parameters
    ----------
    task : {"auto", "classification", "regression"}
        Its own parameter.

    valuators : list of BaseValuator
        The others.

    Returns
    -------
    task : {"auto", "classification", "regression"}
        "auto" where none knows.
    """
    valuators = [last_step(valuator) for valuator in valuators]
    known = {task, *(valuator._known_task() for valuator in valuators)} - {"auto"}
    if len(known) > 1:
        tasks = [f"{type(v).__name__}: {v._known_task()}" for v in valuators]
        raise ValueError(
            f"task={task!r} and the valuators ({', '.join(tasks)}) do not agree on "
            "what y is; give all of them one task."
        )
    return known.pop() if known else "auto"


def tell_task(valuator, task):
    """Set the task of a valuator that does not know its own.

    Parameters
    ----------
    valuator : valuator object or Pipeline
        A clone of the user's; of any class.

    task : {"auto", "classification", "regression"}
        What the caller knows.
    """
    valuator = last_step(valuator)
    # Its own attribute: what wraps a valuator may show those of the user's.
    if vars(valuator).get("task") != "auto":
        return
    knows = getattr(valuator, "_known_task", None)
    if knows is None or knows() == "auto":
        valuator.task = task


def refuse_several_targets(y, name):
    """Refuse more than one label, or target, a row.

    Parameters
    ----------
    y : object
        Targets as the user gave them.

    name : str
        The argument, for errors.
    """
    shape = getattr(y, "shape", None)
    if shape is None:
        try:
            shape = np.asarray(y).shape
        except ValueError:
            # Lists of unequal length, a row each: labels, as many as the row has.
            shape = (len(y), "a varying number of")
    # A single column is one label a row; scikit-learn warns of it.
    if len(shape) > 1 and shape[1:] != (1,):
        columns = " x ".join(map(str, shape[1:]))
        raise ValueError(
            f"{name} has {columns} columns; allowed is one label, or one real target, "
            "a row (a 1d array). Multi-label and multi-output targets are not valued; "
            f"value the rows for one column of {name} at a time."
        )


def is_regression(valuator, y):
    """Whether targets are real to a valuator; an error where they cannot be.

    Parameters
    ----------
    valuator : BaseValuator
        Its parameter ``task`` and its estimator of y are asked.

    y : ndarray of shape (n_samples,)
        As validated: of one type, without missing values.

    Returns
    -------
    regression : bool
        False for class labels.
    """
    task = valuator._known_task()
    if task == "regression":
        _refuse_strings(valuator, y)
        return True
    is_real = _is_real(y)
    if task == "classification" and is_real:
        raise ValueError(
            f"y has real targets, but {_reason(valuator, task)}; give labels, or a "
            'regressor and task="regression".'
        )
    if task == "auto" and y.dtype.kind in "iuf" and not is_real:
        _doubt_whole_numbers(valuator, y)
    return is_real


def _is_real(y):
    # It asks whether real numbers are whole by a cast, which large ones overflow.
    with np.errstate(invalid="ignore"):
        kind = type_of_target(y, input_name="y")
    if kind not in {"binary", "multiclass", "continuous"}:
        raise ValueError(
            f"Unknown label type: y is {kind!r}; allowed are class labels of one "
            "type and real numbers."
        )
    return kind == "continuous"


def _refuse_strings(valuator, y):
    strings = (
        any(isinstance(label, str) for label in y)
        if y.dtype == object
        else y.dtype.kind not in "biuf"
    )
    if strings:
        raise ValueError(
            f"y holds strings, such as {str(y[0])!r}, but "
            f"{_reason(valuator, 'regression')}; give numbers, or a classifier and "
            'task="classification".'
        )


def _reason(valuator, task):
    """How the task is known, in words."""
    model = valuator._model_of_y()
    if valuator.task == "auto" and task_of_estimator(model) == task:
        kind = "classifier" if task == "classification" else "regressor"
        return f"estimator={type(model).__name__} is a {kind}"
    return f"task={task!r}"


def _doubt_whole_numbers(valuator, y):
    """Refuse, or warn of, whole numbers that do not look like names of classes."""
    n_classes, n_samples = len(np.unique(y)), len(y)
    name = type(valuator).__name__
    # Two are classes however few the rows.
    if n_classes > max(n_samples / 2, 2):
        raise ValueError(
            f"y has {n_classes} distinct whole numbers in {n_samples} rows, too many "
            f'for classes that were not asked for; give {name} task="regression" where '
            'they are amounts, task="classification" where they name classes.'
        )
    if n_classes > _MANY_CLASSES:
        warnings.warn(
            f"y has {n_classes} distinct whole numbers, which {name} values as "
            'classes; give it task="regression" where they are amounts, '
            'task="classification" to silence this warning.',
            UserWarning,
            stacklevel=2,
        )
