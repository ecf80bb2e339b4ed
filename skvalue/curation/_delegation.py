"""What a fitted meta-estimator passes on to its ``estimator_``.

A method exists where the estimator has it, so that ``hasattr`` tells the truth before
and after ``fit``.
"""

from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ..utils._sklearn import estimator_has, routing_enabled

# Methods whose parameters scikit-learn can route; score_samples is not one of them.
ROUTED = [
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "score",
    "transform",
]


class DelegatingMixin:
    """Methods and attributes of ``estimator_``, as those of the meta-estimator."""

    def _delegate(self, method, *args, **params):
        check_is_fitted(self, "estimator_")
        if routing_enabled():
            params = process_routing(self, method, **params)["estimator"][method]
        return getattr(self.estimator_, method)(*args, **params)

    @available_if(estimator_has("predict"))
    def predict(self, X, **params):
        """Predict the labels or targets of `X`.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_rows, n_features)
            Rows of any number.

        **params : dict
            Parameters of the estimator's ``predict``.

        Returns
        -------
        y : ndarray of shape (n_rows,)
            What `estimator_` predicts.
        """
        return self._delegate("predict", X, **params)

    @available_if(estimator_has("predict_proba"))
    def predict_proba(self, X, **params):
        """Predict the probability of each class.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_rows, n_features)
            Rows of any number.

        **params : dict
            Parameters of the estimator's ``predict_proba``.

        Returns
        -------
        probabilities : ndarray of shape (n_rows, n_classes)
            In the order of `classes_`.
        """
        return self._delegate("predict_proba", X, **params)

    @available_if(estimator_has("predict_log_proba"))
    def predict_log_proba(self, X, **params):
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_rows, n_features)
            Rows of any number.

        **params : dict
            Parameters of the estimator's ``predict_log_proba``.

        Returns
        -------
        log_probabilities : ndarray of shape (n_rows, n_classes)
            In the order of `classes_`.
        """
        return self._delegate("predict_log_proba", X, **params)

    @available_if(estimator_has("decision_function"))
    def decision_function(self, X, **params):
        """Compute the estimator's decision function.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_rows, n_features)
            Rows of any number.

        **params : dict
            Parameters of the estimator's ``decision_function``.

        Returns
        -------
        scores : ndarray of shape (n_rows,) or (n_rows, n_classes)
            In the order of `classes_`.
        """
        return self._delegate("decision_function", X, **params)

    @available_if(estimator_has("score"))
    def score(self, X, y=None, **params):
        """Score `estimator_` on all of the given rows.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_rows, n_features)
            Rows of any number.

        y : array-like of shape (n_rows,), default=None
            Their labels or targets.

        **params : dict
            Parameters of the estimator's ``score``, such as `sample_weight`.

        Returns
        -------
        score : float
            Higher is better.
        """
        return self._delegate("score", X, y, **params)

    @available_if(estimator_has("transform"))
    def transform(self, X, **params):
        """Transform `X` with the fitted estimator.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_rows, n_features)
            Rows of any number.

        **params : dict
            Parameters of the estimator's ``transform``.

        Returns
        -------
        X_transformed : {ndarray, dataframe, sparse matrix} of shape (n_rows, n_outputs)
            What `estimator_` makes of the rows.
        """
        return self._delegate("transform", X, **params)

    @available_if(estimator_has("transform"))
    def fit_transform(self, X, y, **params):
        """Fit, then transform every row of `X`, also those that were not kept.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            Training rows.

        y : array-like of shape (n_samples,)
            Their labels or real targets.

        **params : dict
            Parameters of ``fit``.

        Returns
        -------
        X_transformed : {ndarray, dataframe, sparse matrix} of shape \
                (n_samples, n_outputs)
            What `estimator_` makes of the rows.
        """
        return self.fit(X, y, **params).transform(X)

    @available_if(estimator_has("score_samples"))
    def score_samples(self, X):
        """Score each row with the fitted estimator.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_rows, n_features)
            Rows of any number.

        Returns
        -------
        scores : ndarray of shape (n_rows,)
            What `estimator_` makes of the rows.
        """
        check_is_fitted(self, "estimator_")
        return self.estimator_.score_samples(X)

    @property
    def classes_(self):  # numpydoc ignore=RT01
        """The labels, if the estimator is a classifier."""
        return self.estimator_.classes_

    @property
    def coef_(self):  # numpydoc ignore=RT01
        """Linear coefficients of the fitted estimator, if it has any."""
        return self.estimator_.coef_

    @property
    def feature_importances_(self):  # numpydoc ignore=RT01
        """Feature importances of the fitted estimator, if it has any."""
        return self.estimator_.feature_importances_
