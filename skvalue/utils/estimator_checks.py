"""Check that a valuator keeps the contract of `skvalue.base.BaseValuator`.

`sklearn.utils.estimator_checks.check_estimator` knows scikit-learn's conventions;
`check_valuator` knows what a data value promises on top of them, `check_attribution`
what an attribution of predictions does.
"""

import warnings
from unittest import SkipTest

from sklearn.exceptions import SkipTestWarning

from . import _attribution_checks, _cleaning_checks, _value_checks

__all__ = [
    "attribution_checks_generator",
    "check_attribution",
    "check_valuator",
    "valuator_checks_generator",
]

ATTRIBUTION_CHECKS = (
    _attribution_checks.check_attributions,
    _attribution_checks.check_efficiency,
    _attribution_checks.check_symmetry,
    _attribution_checks.check_null_column,
    _attribution_checks.check_linearity,
    _attribution_checks.check_same_seed,
    _attribution_checks.check_global_random_state,
    _attribution_checks.check_inputs_unmodified,
    _attribution_checks.check_chunks,
    _attribution_checks.check_names_out,
    _attribution_checks.check_pickle,
)


def check_valuator(valuator, *, expected_failed_checks=None):
    """Check that a valuator keeps its promises.

    The values are finite; the same seed gives bitwise the same values for any
    `n_jobs`, container and order-preserving renaming of the labels, after a resume
    and from `memory`; wrong labels get low values; the global random states, the
    parameters and the inputs stay untouched; `drop` does what it says, and
    ``fit_transform`` shows no dropped row. The checks fit clones of the valuator about
    sixty times to 60 rows, so give it cheap settings.

    Parameters
    ----------
    valuator : valuator object
        An instance; it is cloned, and ``random_state`` parameters are set.

        Where it has `max_evaluations`, half of the evaluations that it makes must be
        an allowed budget.

    expected_failed_checks : dict, default=None
        ``{check_name: reason}`` of the checks that may fail, such as
        ``{"check_flipped_labels": "values rows by their features alone"}``.

    Returns
    -------
    test_results : list of dict
        For each check ``"check_name"``, ``"status"`` ("passed", "skipped" or "xfail"),
        ``"exception"``, ``"expected_to_fail"`` and ``"expected_to_fail_reason"``.

    Raises
    ------
    AssertionError
        If a promise is broken; the message says which, and what to do.

    See Also
    --------
    sklearn.utils.estimator_checks.check_estimator : The conventions of scikit-learn.
    valuator_checks_generator : The same checks, one by one, for pytest.

    Notes
    -----
    Run ``check_estimator`` too. Only its checks ``check_transformer_general`` and
    ``check_transformer_data_not_an_array`` may fail, because they ask that
    ``fit_transform`` equals ``fit().transform``; with ``drop=0.0`` none may.

    Examples
    --------
    >>> from skvalue import NDDVValuator
    >>> from skvalue.utils.estimator_checks import check_valuator
    >>> results = check_valuator(NDDVValuator(n_members=1, max_epochs=3, lr=0.1))
    >>> {result["status"] for result in results}
    {'passed'}
    """
    return _run(valuator_checks_generator(valuator), expected_failed_checks)


def check_attribution(attribution, *, expected_failed_checks=None):
    """Check that an attribution of predictions to columns keeps its promises.

    Attributions are finite; those of Shapley values sum to the prediction; columns
    that the model treats alike get the same, one that it does not use gets nothing, and
    a sum of models the sum of attributions, within their errors. The same seed gives
    bitwise the same attributions; the global random states, the parameters and the
    inputs stay untouched; a row's attributions do not depend on the rows beside it. The
    checks fit clones of the attribution about twenty times to 60 rows of 6 columns.

    Parameters
    ----------
    attribution : attribution object
        An instance, such as ``FeatureAttribution(LogisticRegression())``; its model is
        replaced by functions whose attributions are known.

    expected_failed_checks : dict, default=None
        ``{check_name: reason}`` of the checks that may fail, such as
        ``{"check_null_column": "LIME's coefficients share what is not additive"}``.

    Returns
    -------
    test_results : list of dict
        For each check ``"check_name"``, ``"status"`` ("passed", "skipped" or "xfail"),
        ``"exception"``, ``"expected_to_fail"`` and ``"expected_to_fail_reason"``.

    Raises
    ------
    AssertionError
        If a promise is broken; the message says which, and what to do.

    See Also
    --------
    sklearn.utils.estimator_checks.check_estimator : The conventions of scikit-learn.
    attribution_checks_generator : The same checks, one by one, for pytest.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> from skvalue import FeatureAttribution
    >>> from skvalue.utils.estimator_checks import check_attribution
    >>> results = check_attribution(FeatureAttribution(LinearRegression()))
    >>> {result["status"] for result in results}
    {'passed'}
    """
    return _run(attribution_checks_generator(attribution), expected_failed_checks)


def valuator_checks_generator(valuator):
    """Yield the checks that apply to a valuator.

    Parameters
    ----------
    valuator : valuator object
        An instance.

    Yields
    ------
    valuator : valuator object
        The same instance.

    check : callable
        ``check(valuator)`` raises an AssertionError where the promise is broken.

    See Also
    --------
    check_valuator : Runs all of them.

    Examples
    --------
    >>> from skvalue import NDDVValuator
    >>> from skvalue.utils.estimator_checks import valuator_checks_generator
    >>> valuator, check = next(valuator_checks_generator(NDDVValuator(max_epochs=2)))
    >>> check.__name__
    'check_values'
    >>> check(valuator)
    """
    if isinstance(valuator, type):
        raise TypeError(
            f"valuator must be an instance, such as {valuator.__name__}(), not a class."
        )
    for check in _yield_checks(valuator):
        yield valuator, check


def _yield_checks(valuator):
    """The checks that apply, basic ones first."""
    parameters = valuator.get_params(deep=False)
    yield _value_checks.check_values
    yield _value_checks.check_held_out
    yield _value_checks.check_same_seed
    yield _value_checks.check_global_random_state
    if "n_jobs" in parameters:
        yield _value_checks.check_n_jobs
    if "memory" in parameters:
        yield _value_checks.check_memory
    if "max_evaluations" in parameters and "checkpoint" in parameters:
        yield _value_checks.check_checkpoint
    if "max_evaluations" in parameters and "warm_start" in parameters:
        yield _value_checks.check_warm_start
    yield _value_checks.check_label_names
    yield _value_checks.check_containers
    yield _value_checks.check_values_frame
    yield _value_checks.check_flipped_labels
    yield _value_checks.check_regression
    yield _cleaning_checks.check_pickle
    yield _cleaning_checks.check_inputs_unmodified
    yield _cleaning_checks.check_parameters_unmodified
    yield _cleaning_checks.check_drop
    yield _cleaning_checks.check_drop_never_empties_a_class
    yield _cleaning_checks.check_filter
    yield _cleaning_checks.check_transform
    yield _cleaning_checks.check_fit_transform
    yield _cleaning_checks.check_fit_transform_containers
    yield _value_checks.check_predict_values


def attribution_checks_generator(attribution):
    """Yield the checks that apply to an attribution.

    Parameters
    ----------
    attribution : attribution object
        An instance.

    Yields
    ------
    attribution : attribution object
        The same instance.

    check : callable
        ``check(attribution)`` raises an AssertionError where the promise is broken.

    See Also
    --------
    check_attribution : Runs all of them.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> from skvalue import FeatureAttribution
    >>> from skvalue.utils.estimator_checks import attribution_checks_generator
    >>> attribution = FeatureAttribution(LinearRegression())
    >>> attribution, check = next(attribution_checks_generator(attribution))
    >>> check.__name__
    'check_attributions'
    >>> check(attribution)
    """
    if isinstance(attribution, type):
        raise TypeError(
            f"attribution must be an instance, such as {attribution.__name__}(...), "
            "not a class."
        )
    for check in ATTRIBUTION_CHECKS:
        yield attribution, check


def _run(instances_and_checks, expected_failed_checks):
    """Results of all checks, see `check_valuator`."""
    results = []
    for instance, check in instances_and_checks:
        name = check.__name__
        may_fail = name in (expected_failed_checks or {})
        status, exception = "passed", None
        try:
            check(instance)
        except SkipTest as reason:
            status, exception = "skipped", reason
            warnings.warn(
                f"Skipping {name} for {type(instance).__name__}: {reason}",
                SkipTestWarning,
                stacklevel=3,
            )
        except (AssertionError, TypeError, ValueError) as failure:
            if not may_fail:
                raise
            status, exception = "xfail", failure
        results.append(
            {
                "check_name": name,
                "status": status,
                "exception": exception,
                "expected_to_fail": may_fail,
                "expected_to_fail_reason": (expected_failed_checks or {}).get(name),
            }
        )
    unknown = sorted(
        set(expected_failed_checks or {}) - {result["check_name"] for result in results}
    )
    if unknown:
        raise ValueError(
            f"expected_failed_checks names {unknown}, which do not run for "
            f"{type(instance).__name__}; these do: "
            f"{[result['check_name'] for result in results]}."
        )
    return results
