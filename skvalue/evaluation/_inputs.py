"""What an experiment is given: valuators, data sets, estimators, by their names."""

from itertools import count
from numbers import Integral, Real

import numpy as np
from sklearn.utils import column_or_1d

from .._pipelines import is_valuator
from ..utils._naming import naming
from ..utils._sklearn import num_samples


def named_valuators(valuators):
    """Valuators by name.

    Parameters
    ----------
    valuators : dict, list or valuator
        As the user gave them. Those without a name are called by their class.

    Returns
    -------
    named : dict of str to valuator
        In the order given; never empty.
    """
    if not isinstance(valuators, (dict, list, tuple)):
        valuators = [valuators]
    named = valuators
    if not isinstance(valuators, dict):
        named = {}
        for valuator in valuators:
            kind = name = type(valuator).__name__
            numbers = count(2)
            while name in named:
                name = f"{kind}-{next(numbers)}"
            named[name] = valuator
    if not named:
        raise ValueError("valuators is empty; give at least one.")
    for name, valuator in named.items():
        _check_name("valuators", name)
        if not is_valuator(valuator):
            kind = valuator if isinstance(valuator, type) else type(valuator)
            raise TypeError(
                f"valuators[{name!r}] is {kind.__name__}, which gives rows no values; "
                "give an instance of a valuator, or a Pipeline that ends in one."
            )
    return dict(named)


def named_estimators(estimator):
    """Estimators by name.

    Parameters
    ----------
    estimator : estimator or dict of str to estimator
        As the user gave them.

    Returns
    -------
    named : dict of str to estimator
        Never empty.
    """
    named = estimator
    if not isinstance(estimator, dict):
        named = {type(estimator).__name__: estimator}
    if not named:
        raise ValueError("estimator is an empty dict; give at least one.")
    for name, model in named.items():
        _check_name("estimator", name)
        if isinstance(model, type) or not hasattr(model, "fit"):
            raise TypeError(
                f"estimator {name!r} is no instance with a fit method: {model!r}."
            )
    return dict(named)


def named_data(datasets):
    """Rows and labels of every data set, by name.

    Parameters
    ----------
    datasets : dict or (X, y) pair
        Of each name a pair, a `Bunch` as scikit-learn's loaders return it, or a
        function of no arguments that returns either.

    Returns
    -------
    named : dict of str to (X, y)
        Rows as they came; y as an array.
    """
    named = datasets
    if not isinstance(datasets, dict) or _is_bunch(datasets):
        named = {"data": datasets}
    if not named:
        raise ValueError("datasets is empty; give at least one.")
    found = {}
    for name, data in named.items():
        _check_name("datasets", name)
        found[name] = _rows_and_labels(f"datasets[{name!r}]", data)
    return found


def _is_bunch(data):
    return hasattr(data, "data") and hasattr(data, "target")


def _rows_and_labels(name, data):
    data = data() if callable(data) else data
    if _is_bunch(data):
        data = data.data, data.target
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise TypeError(
            f"{name} must be a pair (X, y), or a function that returns one; got "
            f"{type(data).__name__}."
        )
    X, y = data
    with naming(name):
        y = column_or_1d(np.asarray(y), input_name="y")
        n_rows = num_samples(X)
    if n_rows != len(y):
        raise ValueError(f"{name} has {n_rows} rows and {len(y)} labels; one a row.")
    return X, y


def _check_name(argument, name):
    if not isinstance(name, str):
        raise TypeError(f"{argument} has the key {name!r}; names must be strings.")


def checked_rates(noise_rate):
    """Shares of wrong rows.

    Parameters
    ----------
    noise_rate : float or array-like of float
        As the user gave it.

    Returns
    -------
    rates : list of float
        Each in (0, 1), in the order given.
    """
    rates = noise_rate if np.ndim(noise_rate) else [noise_rate]
    rates = list(rates)
    good = [isinstance(rate, Real) and 0 < rate < 1 for rate in rates]
    if not rates or not all(good):
        raise ValueError(
            f"noise_rate={noise_rate!r} must be a share of the rows in (0, 1), or a "
            "list of them; for rows as they are, give noise=None."
        )
    return [float(rate) for rate in rates]


def check_count(name, number, least=1):
    """A whole number of at least so many; anything else is refused.

    Parameters
    ----------
    name : str
        The argument.

    number : int
        As the user gave it.

    least : int, default=1
        Smallest number allowed.

    Returns
    -------
    number : int
        The same.
    """
    if not isinstance(number, Integral) or number < least:
        raise ValueError(f"{name}={number!r} must be a whole number >= {least}.")
    return number
