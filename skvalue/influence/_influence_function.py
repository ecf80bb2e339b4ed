"""Influence functions: the change of the validation loss when a row is removed.

    value_i = (1/n) grad L_val^T H^-1 grad l_i  ~  L_val(N without i) - L_val(N)

from one fitted model and one solve with the Hessian ``H`` of its mean training loss
(Koh & Liang, "Understanding Black-box Predictions via Influence Functions", 2017).
"""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import RidgeClassifier
from sklearn.utils.parallel import delayed
from sklearn.utils.validation import check_is_fitted

from .._validation import validate_more_rows
from ..base import BaseValuator
from ..utils._attributions import mean_over_splits
from ..utils._folds import average_over_splits, make_splits
from ..utils._progress import in_parallel
from ..utils._random import integer_seed
from ..utils._sklearn import Interval, StrOptions
from ..utils._torch_state import plain_torch
from ._curvatures import inverse_of, value_rows
from ._linear_curvature import check_linear_model, default_model, hessian_size
from ._memory import check_hessian_fits
from ._networks import is_network, is_trained


class InfluenceFunction(BaseValuator):
    r"""Value rows by the first-order effect of their removal on the validation loss.

    With the parameters :math:`\hat\theta` of the fitted model, the loss
    :math:`\ell_i` of training row :math:`i`, the Hessian :math:`H` of the mean
    training loss and the mean validation loss :math:`L`, the value is

    .. math:: v_i = \tfrac1n \nabla L(\hat\theta)^\top H^{-1} \nabla\ell_i(\hat\theta)
              \approx L(\hat\theta_{-i}) - L(\hat\theta),

    positive where the loss would rise without the row. The validation rows are summed
    first, so there is one solve, however many they are.

    Parameters
    ----------
    estimator : estimator, skorch net or torch module, default=None
        The model.

        - None: `LogisticRegression` for classes, solved by Newton's method where its
          Hessian has at most 1000 rows, and `Ridge` for real targets;
        - `LogisticRegression` (binary or multinomial, no L1 penalty),
          `RidgeClassifier`, `Ridge`, `LinearRegression`: cloned and fitted;
        - a skorch net: used as it is where it has been fitted, else cloned and fitted;
        - a torch module: used as it is; its outputs are logits (classes, cross-entropy)
          or predictions (real targets, squared error).

        A trained network must have been trained on the `X` and `y` given to `fit`, and
        needs `X_val` and `y_val`.

    solver : {"exact", "cg", "lissa"}, default="exact"
        How the system with the Hessian is solved: ``"exact"`` by a dense Cholesky
        factor, ``"cg"`` by conjugate gradients and ``"lissa"`` by a stochastic series,
        both on Hessian-vector products, for models of many parameters.

    scoring : {"auto", "loss", "proba"}, default="auto"
        What is measured on the held-out rows, lower being better: ``"loss"``, the
        model's own (log loss in nats, squared error), or ``"proba"``, the probability
        of the labels not observed, for models of probabilities. ``"auto"`` is
        ``"loss"`` on a given `X_val`, which is taken to be clean, and ``"proba"`` in
        cross-fitting where the model has probabilities; see Notes.

    curvature : {"hessian", "gauss_newton"}, default="hessian"
        For a network: the Hessian, which is positive definite only near a minimum, or
        its Gauss-Newton part, which always is. The same for linear models.

    damping : float, default=1e-3
        Added to the diagonal of the Hessian of the mean loss, >= 0. Weight decay of a
        network's optimizer counts as damping; give it here.

    tol : float, default=1e-8
        Relative residual at which ``solver="cg"`` stops, > 0.

    max_iter : int, default=1000
        Largest number of Hessian products of ``"cg"``; the number of ``"lissa"``.

    batch_size : int, default=1024
        Rows that a network sees at once, and rows of a step of ``"lissa"``.

    cv : int, cross-validation generator or iterable, default=5
        Folds for cross-fitting where `X_val` is not given.

    device : str, default="cpu"
        Torch device for networks.

    n_jobs : int or None, default=None
        Folds fitted in parallel.

    task : {"auto", "classification", "regression"}, default="auto"
        Whether `y` holds class labels or real targets, see `BaseValuator`.

    encoder : {"auto"}, transformer or None, default="auto"
        What makes numbers of the rows, see `BaseValuator`.

    drop : float, "auto", "negative" or callable, default="auto"
        Which rows are of low value, see `BaseValuator`.

    random_state : int, RandomState instance or None, default=None
        Deals rows to folds, seeds networks and ``"lissa"``.

    memory : str, path-like, joblib.Memory or None, default=None
        Keeps fits, so that another `drop` values no row anew, see `BaseValuator`.

    verbose : int, default=0
        1: print a line of progress now and then, with the time left; 2: all of them.

    Attributes
    ----------
    data_values_ : ndarray of shape (n_samples,), dtype float64
        Estimated rise of the mean `scoring` on the held-out rows when the row is
        removed, in its units (nats, squared error or probability); higher is better.

    estimators_ : list
        The fitted models, one a split: one with `X_val`, else one a fold.

    n_iter_ : int
        Largest number of Hessian products of a split; 1 for ``"exact"``.

    classes_ : ndarray of shape (n_classes,)
        The labels, in classification.

    encoder_ : transformer
        The fitted `encoder`.

    n_features_in_ : int
        Number of columns.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where `X` has them.

    fill_indices_ : ndarray of shape (n_samples,)
        After ``fit_transform``: the training row at each place of its output.

    See Also
    --------
    KNNShapley : Exact Shapley values without any fit.
    NDDVValuator : Values from one training run of a network.

    Notes
    -----
    Cost for p parameters: exact O(n p^2 + p^3) time and O(p^2) memory (p counts every
    class of a multinomial model), refused where that is more than the machine has; CG
    and LiSSA O(n p) a product and O(p) memory beside the data. Per-row gradients are
    never stored: their products with the solution are one derivative along it.

    Wrong labels among the held-out rows make a log loss reward uncertainty, and wrong
    labels among the training rows are what keeps a model uncertain: cross-fitted
    values by log loss do not find flipped labels (AUC near .5 for two classes). A
    probability is linear in the share of wrong labels, so that as long as most are
    right it still rewards the right label, hence ``scoring="auto"``.

    The estimate is of first order: it misses the leverage of the row, so removal of
    outliers far from the rest is underestimated, and on networks away from a minimum
    it predicts the response of a damped local problem, not a retraining (Bae et al.).

    References
    ----------
    P. W. Koh, P. Liang (2017), "Understanding Black-box Predictions via Influence
    Functions", ICML.

    N. Agarwal, B. Bullins, E. Hazan (2017), "Second-Order Stochastic Optimization for
    Machine Learning in Linear Time", JMLR.

    J. Bae, N. Ng, A. Lo, M. Ghassemi, R. Grosse (2022), "If Influence Functions are the
    Answer, Then What is the Question?", NeurIPS.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from skvalue.influence import InfluenceFunction
    >>> X, y = make_classification(300, class_sep=2, flip_y=0, random_state=0)
    >>> y[:20] = 1 - y[:20]
    >>> valuator = InfluenceFunction(random_state=0).fit(X, y)
    >>> bool(valuator.data_values_[:20].mean() < valuator.data_values_[20:].mean())
    True
    """

    _uses_held_out = True
    _cost = "one fit and one solve a fold"

    _parameter_constraints = {
        **BaseValuator._parameter_constraints,
        "estimator": "no_validation",
        "solver": [StrOptions({"exact", "cg", "lissa"})],
        "scoring": [StrOptions({"auto", "loss", "proba"})],
        "curvature": [StrOptions({"hessian", "gauss_newton"})],
        "damping": [Interval(Real, 0, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "cv": ["cv_object"],
        "device": [str],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        estimator=None,
        *,
        solver="exact",
        scoring="auto",
        curvature="hessian",
        damping=1e-3,
        tol=1e-8,
        max_iter=1000,
        batch_size=1024,
        cv=5,
        device="cpu",
        n_jobs=None,
        task="auto",
        encoder="auto",
        drop="auto",
        random_state=None,
        memory=None,
        verbose=0,
    ):
        super().__init__(
            task=task,
            encoder=encoder,
            drop=drop,
            random_state=random_state,
            memory=memory,
            verbose=verbose,
        )
        self.estimator = estimator
        self.solver = solver
        self.scoring = scoring
        self.curvature = curvature
        self.damping = damping
        self.tol = tol
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.cv = cv
        self.device = device
        self.n_jobs = n_jobs

    @plain_torch()
    def attributions(self, X_val, y_val):
        """Influence of each training row on each of some held-out rows.

        The row of the lowest influence is what made a wrong prediction wrong.

        Parameters
        ----------
        X_val : {array-like, dataframe} of shape (n_val, n_features)
            Held-out rows, those of `fit` or others.

        y_val : array-like of shape (n_val,)
            Their labels or real targets.

        Returns
        -------
        attributions : ndarray of shape (n_samples, n_val)
            Estimated rise of each held-out row's score when the training row is
            removed, from one solve a held-out row; without `X_val` in `fit`, the mean
            over the folds that have the training row. The mean over the held-out rows
            of `fit` is ``data_values_``. NaN where no fold knows the label.
        """
        check_is_fitted(self, "data_values_")
        X_val, y_val = validate_more_rows(self, X_val, y_val, names=("X_val", "y_val"))
        columns = self._columns(X_val, self._model_labels(y_val))
        return mean_over_splits(columns, (len(self._target), len(y_val)))

    def _columns(self, X_val, y_val):
        """Training rows, held-out row and attributions, one column at a time."""
        labels = self._model_labels(self._target)
        for split, curvature in zip(self._splits, self._curvatures, strict=True):
            X, y = self._rows[split.rows], labels[split.rows]
            inverse = inverse_of(curvature, X, y, split.seed, self._settings)
            scoring = self._settings["scoring"]
            for column in np.flatnonzero(curvature.knows(y_val)):
                one = slice(column, column + 1)
                gradient = curvature.gradient(X_val[one], y_val[one], scoring=scoring)
                response, _ = inverse(gradient)
                products = curvature.training_products(X, y, response)
                yield split.rows, one, products[:, None] / len(y)

    @plain_torch()
    def predict_values(self, X, y):
        """Value rows as if they were added to the training rows.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_rows, n_features)
            Rows outside the training set.

        y : array-like of shape (n_rows,)
            Their labels or real targets.

        Returns
        -------
        ndarray of shape (n_rows,)
            Estimated fall of the mean score on the held-out rows when the row is
            added, to first order; the mean over the folds where `fit` had no `X_val`.
        """
        check_is_fitted(self, "data_values_")
        X, y = validate_more_rows(self, X, y)
        y = self._model_labels(y)
        values = [
            curvature.row_products(X, y, response) / curvature.total_weight
            for curvature, response in zip(
                self._curvatures, self._responses, strict=True
            )
        ]
        return np.mean(values, axis=0)

    def _fit(self, X, y, X_val, y_val, *, sample_weight=None, groups=None):
        regression = not hasattr(self, "classes_")
        n_classes = 0 if regression else len(self.classes_)
        model = self._check_model(X.shape[1], n_classes, X_val)
        y, y_val = self._model_labels(y), self._model_labels(y_val)
        splits = make_splits(
            X,
            y,
            X_val,
            y_val,
            cv=self.cv,
            classification=not regression,
            seed=integer_seed(self.random_state),
            sample_weight=sample_weight,
            groups=groups,
        )
        if self.solver == "exact" and not is_network(model):
            check_hessian_fits(hessian_size(model, X.shape[1], n_classes))
        if sample_weight is not None:
            self._check_weighted(model)
        settings = self._computing_params()
        settings["scoring"] = self._check_scoring(model, regression, X_val)
        tasks = (
            delayed(value_rows)(model, X[split.rows], y[split.rows], split, settings)
            for split in splits
        )
        progress = self._progress(len(splits), "splits")
        results = in_parallel(tasks, progress, n_jobs=self.n_jobs)
        values, self.estimators_, self._curvatures, self._responses, n_iter = map(
            list, zip(*results, strict=True)
        )
        self.n_iter_ = max(n_iter)
        self._rows, self._settings = X, settings
        # Without their held-out rows, which are not needed any more.
        self._splits = [split._replace(X_val=None, y_val=None) for split in splits]
        self.data_values_ = average_over_splits(
            [split.rows for split in splits], values, len(y)
        )

    def _check_model(self, n_features, n_classes, X_val):
        """The model to use, or an error before anything is computed."""
        if self.estimator is None:
            return default_model(n_features, n_classes)
        if not is_network(self.estimator):
            check_linear_model(self.estimator)
        if is_trained(self.estimator) and X_val is None:
            raise ValueError(
                "estimator is a trained network, which cannot be cross-fitted; give "
                "X_val and y_val, or a skorch net that is not fitted yet."
            )
        return self.estimator

    def _check_weighted(self, model):
        if is_network(model):
            raise ValueError(
                f"estimator={type(model).__name__}: sample_weight reaches no training "
                "of a network; use a linear model, or leave sample_weight out."
            )

    def _check_scoring(self, model, regression, X_val):
        """What to measure on the held-out rows."""
        has_probabilities = not regression and not isinstance(model, RidgeClassifier)
        if self.scoring == "proba" and not has_probabilities:
            raise ValueError(
                f'scoring="proba" needs a model of class probabilities, and '
                f'estimator={model!r} is none; use scoring="loss".'
            )
        if self.scoring != "auto":
            return self.scoring
        return "proba" if has_probabilities and X_val is None else "loss"

    def _model_labels(self, y):
        """Labels as the model sees them: codes for a network, else the user's own."""
        # class_weight names the user's labels, so a linear model must see those.
        if y is None or not hasattr(self, "classes_") or is_network(self.estimator):
            return y
        return self.classes_[y]

    def _model_of_y(self):
        # A torch module does not say what it is.
        return self.estimator if isinstance(self.estimator, BaseEstimator) else None

    @property
    def _allow_nd(self):
        return is_network(self.estimator)
