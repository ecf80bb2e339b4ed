"""A fit that fails leaves the estimator as it was, an earlier fit included."""

from contextlib import ExitStack
from functools import wraps


def whole_or_not_at_all(fit):
    """Decorate a method that sets fitted attributes, outside of ``_fit_context``.

    What was there before the call is put back when it raises, also on an interrupt.
    Objects are not copied, so the method must not change fitted arrays in place.

    Parameters
    ----------
    fit : callable
        Method of an estimator.

    Returns
    -------
    decorated_fit : callable
        The same method, which changes all of the estimator or nothing.
    """

    @wraps(fit)
    def decorated_fit(estimator, *args, **kwargs):
        before = dict(vars(estimator))

        def restore():
            vars(estimator).clear()
            vars(estimator).update(before)

        with ExitStack() as stack:
            stack.callback(restore)
            result = fit(estimator, *args, **kwargs)
            stack.pop_all()
        return result

    return decorated_fit
