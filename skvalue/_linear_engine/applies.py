"""Whether the batched engine applies to a game, and the engine for it; torch-free.

The engine fits hundreds of linear models at once and reads every row's contribution
off one fit. It solves, for a coalition :math:`S` of training rows, what scikit-learn
solves,

.. math:: \\min_\\theta \\sum_{i \\in S} \\ell(y_i, x_i^\\top \\theta)
          + \\tfrac{\\lambda}{2} \\lVert \\theta \\rVert^2,

with logistic, multinomial or squared loss and an intercept that is not penalised, and
scores the model on held-out rows. Derived from the influence of one row on a
regularised fit (Pregibon, "Logistic Regression Diagnostics", 1981) and from Böhning,
"Multinomial Logistic Regression Algorithm", 1992.

The surface that `_coalitions` codes against::

    if engine_applies(estimator, scoring, X, is_classification):
        engine = make_engine(estimator, scoring, X, y, X_val, y_val,
                             classes=classes,          # None: regression
                             empty_value=value,        # U of the empty coalition
                             one_class_value=function) # code -> U; None: regression
        engine.scores(masks)             # (n_coalitions,)
        engine.walk(permutations, k)     # (n_permutations, n_samples)
        engine.in_out(masks)             # (n_coalitions, n_samples)
        engine.in_out_sums(masks, w)     # (n_samples, n_val); with by_row=True
        engine.supports_in_out           # False: use walk or scores instead
        engine.leave_one_out(rows)       # (n_rows,); with exact=True
        engine.supports_leave_one_out    # False: refit
        engine.block_size("scores")      # coalitions a call; also "walk", "in_out"

`masks` are 0/1 or boolean ``(n_coalitions, n_samples)``, `permutations` integers; every
result is float64. `y` and `y_val` hold class codes ``0..len(classes) - 1``, or real
targets. An engine pickles, holds no random state, uses one torch thread during a call
and gives the caller's thread count back. The same block gives bitwise the same result;
the same coalition in another block may differ in the last digits.
"""

from numbers import Real

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier

SCORINGS = {
    LogisticRegression: (None, "accuracy", "neg_log_loss"),
    RidgeClassifier: (None, "accuracy"),
    Ridge: (None, "r2", "neg_mean_squared_error"),
}


# Under a hardly noticeable penalty (C=1000) a separable coalition has no clear solution
# in single precision: in and out contributions were off by a tenth.
MAX_C = 100.0
# So has one that the scale of X makes unnoticeable. Beyond this double precision solves
# it: values were off by their spread where X had a scale of 500.
MAX_SINGLE_C = 1e4


def engine_applies(estimator, scoring, X, is_classification):
    """Whether the batched engine can stand in for refitting `estimator`.

    Parameters
    ----------
    estimator : estimator object
        Unfitted. Applies: `LogisticRegression` with an L2 penalty and ``C <= 100``,
        `RidgeClassifier` or `Ridge` with ``alpha > 0``; no class weights, no sign
        constraint, not the liblinear solver (it penalises the intercept). A subclass
        may fit something else and never applies.

    scoring : str, callable or None
        Applies: None (mean predicted probability of the true class; accuracy for
        `RidgeClassifier`, which has no probabilities; R² clipped at -1 for `Ridge`),
        ``"accuracy"``, ``"neg_log_loss"``, ``"r2"``, ``"neg_mean_squared_error"``.

    X : object
        Training rows. Applies: a dense two-dimensional numeric ndarray.

    is_classification : bool
        Whether the target is categorical.

    Returns
    -------
    applies : bool
        False: take the generic path.
    """
    if not isinstance(scoring, str | None):
        return False
    if scoring not in SCORINGS.get(type(estimator), ()):
        return False
    if is_classification == (type(estimator) is Ridge):
        return False
    if not (isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind in "fiub"):
        return False
    if type(estimator) is LogisticRegression:
        return _is_plain_logistic(estimator)
    return (
        isinstance(estimator.alpha, Real)
        and 0 < estimator.alpha < np.inf
        and not estimator.positive
        and getattr(estimator, "class_weight", None) is None
    )


def _is_plain_logistic(estimator):
    return (
        estimator.penalty in ("deprecated", "l2")
        and estimator.l1_ratio == 0
        and estimator.class_weight is None
        and estimator.solver != "liblinear"
        and not estimator.dual
        and 0 < estimator.C <= MAX_C
    )


def make_engine(
    estimator,
    scoring,
    X,
    y,
    X_val,
    y_val,
    *,
    classes,
    empty_value,
    one_class_value=None,
    device="cpu",
    dtype=None,
    exact=False,
    by_row=False,
):
    """Engine for a game that `engine_applies` to.

    Parameters
    ----------
    estimator : LogisticRegression, RidgeClassifier or Ridge
        What would be refitted; only its parameters are read.

    scoring : str or None
        See `engine_applies`.

    X : ndarray of shape (n_samples, n_features)
        Training rows.

    y : ndarray of shape (n_samples,)
        Class codes, or real targets.

    X_val : ndarray of shape (n_val, n_features)
        Held-out rows.

    y_val : ndarray of shape (n_val,)
        Class codes, or real targets.

    classes : ndarray of shape (n_classes,) or None
        The labels behind the codes; None for regression.

    empty_value : float
        What the empty coalition is worth, in units of `scoring`.

    one_class_value : callable or None, default=None
        ``code -> float``, what a coalition of that class only is worth; called here,
        once a class. None for regression.

    device : str, default="cpu"
        Torch device of the computation.

    dtype : {"float32", "float64"} or None, default=None
        Precision of the products. None: float32 for logistic losses, whose solutions
        are iterative; float64 for ridge, which is exact.

    exact : bool, default=False
        Whether models are solved until rounding ends it, in float64. `leave_one_out`
        takes such an engine.

    by_row : bool, default=False
        Whether each held-out row has a score of its own: `scoring` is then a kind of
        `row_scores`, `empty_value` and what `one_class_value` returns are arrays of
        shape ``(n_val,)``, and results have that dimension more, the last. Not of
        `walk`.

    Returns
    -------
    engine : skvalue._linear_engine.engine.LinearEngine
        See the module docstring for its surface.
    """
    from .engine import LinearEngine

    is_logistic = type(estimator) is LogisticRegression
    # Squares that overflow are large, whatever they are.
    with np.errstate(over="ignore", invalid="ignore"):
        largest = X.var(axis=0).max()
    # What C is to columns of unit scale.
    is_free = is_logistic and not estimator.C * largest <= MAX_SINGLE_C
    in_single = is_logistic and not is_free and not exact
    return LinearEngine(
        X,
        y,
        X_val,
        y_val,
        loss="logistic" if is_logistic else "squared",
        penalty=1.0 / estimator.C if is_logistic else float(estimator.alpha),
        fit_intercept=estimator.fit_intercept,
        n_classes=None if classes is None else len(classes),
        scoring=scoring if by_row else _scoring_name(estimator, scoring),
        empty_value=empty_value,
        class_values=None
        if classes is None
        else [one_class_value(code) for code in range(len(classes))],
        device=device,
        dtype=dtype or ("float32" if in_single else "float64"),
        exact=exact,
        by_row=by_row,
    )


def _scoring_name(estimator, scoring):
    if scoring is not None:
        return scoring
    defaults = {
        LogisticRegression: "probability",
        RidgeClassifier: "accuracy",
        Ridge: "clipped_r2",
    }
    return defaults[type(estimator)]
