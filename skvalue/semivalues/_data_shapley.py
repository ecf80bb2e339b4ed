r"""Data Shapley: every size of coalition counts the same.

.. math:: \phi_i = \frac{1}{n - m} \sum_{k=m}^{n-1} \mathbb{E}_{|S| = k,\, i \notin S}
          \big[U(S \cup i) - U(S)\big]

with m the ``min_coalition_size``; m = 0 is the Shapley value. Ghorbani & Zou, "Data
Shapley: Equitable Valuation of Data for Machine Learning", ICML 2019.
"""

from dataclasses import dataclass, field
from numbers import Real

import numpy as np

from .._coalitions.permutations import PermutationWalks
from ..utils._sklearn import Interval
from ._base import BaseSemivalue


@dataclass(eq=False, repr=False)
class DataShapley(BaseSemivalue):
    r"""Data Shapley: a row's mean marginal contribution over all sizes of coalitions.

    The value of row i is what it adds to the utility U of a coalition S of other rows,
    averaged over the coalitions of each size k and then over the sizes,

    .. math:: \phi_i = \frac{1}{n - m} \sum_{k=m}^{n-1}
              \mathbb{E}_{|S| = k,\, i \notin S} \big[U(S \cup i) - U(S)\big],

    where m is `min_coalition_size`.

    Parameters
    ----------
    estimator : estimator object, default=None
        What is fitted on coalitions: any classifier or regressor, Pipelines included.
        None: `LogisticRegression`; `Ridge` for continuous targets. Where it would draw
        its own ``random_state`` it gets one seed for all coalitions.

    scoring : str, callable or None, default=None
        Utility of a fitted coalition on held-out rows: a scorer name, a callable
        ``scorer(estimator, X, y)``, or None for the mean predicted probability of the
        true class (accuracy where there is no ``predict_proba``); for regression R²,
        clipped at -1.

    sampler : str, default="auto"
        How coalitions are drawn. ``"shared"``: random subsets, each of which serves
        every row, in or out; ``"regression"``: random subsets whose utilities serve
        every row, less what a regression on the subsets explains;
        ``"permutation"``: rows join one after the other, each permutation in both
        directions; ``"single_permutation"``: in one direction only, which halves the
        least budget but needs more for the same precision. ``"auto"``: shared where the
        batched engine reads every row's contribution off one fit; permutation where
        the engine only walks, or the rows are fewer than 40, or `truncation_tol`
        is set; else regression.

    max_evaluations : int or None, default=None
        Fits of coalitions at most, over all folds. None: 1000, or ten of the least that
        the sampler can draw (ten permutations both ways; with ``"regression"`` ten
        subsets a row and fold) where that is more.
        A fit is dear with several classes and many columns, or with ten thousand rows
        and thousands of held-out ones: then as many as a fixed number of
        multiplications pays for, and 200 at least.

    tol : float, "auto" or None, default="auto"
        Stop when the largest standard error is at most `tol` times the standard
        deviation of the values. A `ConvergenceWarning` where `max_evaluations` ends
        before says what was reached, and which budget would do. ``"auto"``: 0.05, with
        a warning only where the values are mostly noise. 0 or None: use all of
        `max_evaluations`.

    cv : int, cross-validation generator or iterable, default=5
        Folds that are held out in turn where `fit` gets no `X_val`; a row's value is
        the mean over the folds that it is not held out in.

    unit : {"rows", "groups"}, default="rows"
        What the players are: single rows, or the `groups` that `fit` gets, whose rows
        join together. Up to 12 groups are valued exactly, by all their coalitions,
        where `sampler` is ``"auto"`` and `max_evaluations` pays for them.

    min_coalition_size : int or "auto", default="auto"
        Contributions to smaller coalitions do not count; 0: all count. ``"auto"``: 5
        rows, or 0 groups.

    truncation_tol : float, default=0.0
        A permutation ends, and the rows that are left contribute nothing, where the
        coalition's utility is within `truncation_tol` (in units of `scoring`) of the
        utility of all rows; 0: no permutation ends early. It saves refits; the batched
        engine walks at no such cost and walks to the end.

    task : {"auto", "classification", "regression"}, default="auto"
        Whether `y` holds class labels or real targets, see `BaseValuator`.

    encoder : {"auto"}, transformer or None, default="auto"
        What makes numbers of the rows, see `BaseValuator`.

    drop : float, "auto", "negative" or callable, default="auto"
        Which rows are of low value, see `BaseValuator`.

    warm_start : bool, default=False
        Whether `fit` on the same data goes on where the last one stopped, for a larger
        `max_evaluations` or a smaller `tol`. The values are those of one long fit.

    checkpoint : str, path-like or None, default=None
        File that holds the state: `fit` goes on from it after a kill, and the values
        are bitwise those of a fit that was never stopped.

    checkpoint_interval : float, default=60.0
        Seconds between two writes of the checkpoint, at least; it is also written at
        the end.

    device : str, default="cpu"
        Torch device of the batched engine.

    n_jobs : int or None, default=None
        Joblib workers. ``joblib.parallel_config(backend="dask")`` spreads the same call
        over a cluster. The values do not depend on it.

    random_state : int, RandomState instance or None, default=None
        Seed of the coalitions and the folds.

    memory : str, path-like, joblib.Memory or None, default=None
        Keeps fits, so that another `drop` values no row anew, see `BaseValuator`.

    verbose : int, default=0
        1: print a line of progress now and then, with the time left; 2: all of them.

    Attributes
    ----------
    data_values_ : ndarray of shape (n_samples,), dtype float64
        Values, in units of `scoring`; higher is better.

    data_values_stderr_ : ndarray of shape (n_samples,), dtype float64
        Their Monte-Carlo standard errors, in units of `scoring`: two of them cover the
        exact value in about 95 % of the cases, however few the coalitions. NaN where
        fewer than two of them count.

    n_evaluations_ : int
        Fits of coalitions that the values are made of.

    least_evaluations_ : int
        Fits of coalitions that the least budget costs.

    history_ : list of dict
        How the values settled, after 1, 2, 3, 4, 6, 8, 12, ... blocks of coalitions and
        at the end: ``"evaluations"`` so far; ``"max_stderr"``, the largest standard
        error in standard deviations of the values; ``"rank_correlation"``, Spearman's
        with the values at half as many blocks, NaN where there are none.

    groups_ : ndarray of shape (n_groups,)
        The labels of the groups, sorted, where `fit` got `groups`.

    group_values_ : ndarray of shape (n_groups,), dtype float64
        Value of each of them: as a player with ``unit="groups"``, where each of its
        rows gets an equal share; else the sum of the values of its rows.

    group_values_stderr_ : ndarray of shape (n_groups,), dtype float64
        With ``unit="groups"``, standard errors of `group_values_`; 0 where exact.

    classes_ : ndarray of shape (n_classes,)
        The labels, in classification.

    encoder_ : transformer
        The fitted `encoder`, where the rows are read encoded.

    n_features_in_ : int
        Number of columns.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where `X` has them.

    fill_indices_ : ndarray of shape (n_samples,)
        After ``fit_transform``: the training row at each place of its output.

    See Also
    --------
    BetaShapley : Weighs small coalitions more, which is less noisy.
    DataBanzhaf : Weighs every coalition the same; robust to noisy utilities.
    LeaveOneOut : The contribution to all other rows only.

    Notes
    -----
    Shared subsets cost one fit each and :math:`O(n d^2 + n\, n_{val}\, d)` for the
    contributions of all n rows; a permutation costs n fits. Memory is linear in n.
    A utility of ``"regression"`` costs one fit, and the regression a number for each
    row of each subset; a forest of 50 trees is fitted once a fold and tells the
    regression which rows are alike. Standard errors come from the spread of subsets of
    like sizes, or of permutations.

    References
    ----------
    R. T. Witter, Y. Liu and C. Musco (2025). Regression-adjusted Monte Carlo Estimators
    for Shapley Values and Probabilistic Values. NeurIPS.

    A. Ghorbani and J. Zou (2019). Data Shapley: Equitable Valuation of Data for Machine
    Learning. ICML.

    R. Mitchell, J. Cooper, E. Frank and G. Holmes (2022). Sampling Permutations for
    Shapley Value Estimation. JMLR 23.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from skvalue import DataShapley
    >>> X, y = make_classification(100, 5, class_sep=2.0, random_state=0)
    >>> y[:10] = 1 - y[:10]
    >>> valuator = DataShapley(max_evaluations=100, random_state=0).fit(X, y)
    >>> flipped, others = valuator.data_values_[:10], valuator.data_values_[10:]
    >>> bool(flipped.mean() < others.mean())
    True
    """

    _parameter_constraints = {
        **BaseSemivalue._parameter_constraints,
        "truncation_tol": [Interval(Real, 0, None, closed="left")],
    }

    _of_many = "regression"

    estimator: object = None
    truncation_tol: float = field(default=0.0, kw_only=True)

    def _weight(self, sizes, n_samples):
        return np.ones(n_samples)

    def _resolve_sampler(self, utility):
        sampler = super()._resolve_sampler(utility)
        truncates = self.sampler == "auto" and self.truncation_tol > 0
        return "permutation" if truncates and sampler == "regression" else sampler

    def _make_walks(self, weight, antithetic):
        return PermutationWalks(
            weight, self._least_size, self.truncation_tol, antithetic
        )
