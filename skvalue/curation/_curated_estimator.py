"""Meta-estimators that act on values: fit on the rows that are worth it.

``CuratedEstimator`` fits ``estimator`` on ``{(x_i, y_i, w_i) : i in K}``, where the
rows ``K`` and, if asked for, the weights ``w`` come from a valuator. `ValueSampler`
does the first half as a step of imbalanced-learn's Pipeline.
"""

from copy import deepcopy
from inspect import Parameter, signature

import numpy as np
from scipy.stats import rankdata
from sklearn.base import (
    BaseEstimator,
    MetaEstimatorMixin,
    _fit_context,
    clone,
    is_classifier,
)
from sklearn.utils import assert_all_finite, get_tags
from sklearn.utils.metadata_routing import (
    UNUSED,
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import has_fit_parameter, validate_data

from .._pipelines import fit_valuator
from .._targets import last_step, task_of_estimator, tell_task
from .._weights_groups import ShowsWeights
from ..utils._doc_link import DocLinkMixin
from ..utils._naming import naming, reading, refuse_classes
from ..utils._refit import whole_or_not_at_all
from ..utils._rows import take_rows
from ..utils._sample_weight import check_takes_weights, weight_names
from ..utils._sklearn import (
    HasMethods,
    StrOptions,
    check_method_params,
    check_sample_weight,
    routing_enabled,
)
from ._delegation import ROUTED, DelegatingMixin
from ._value_sampler import (
    VALUATORS,
    ValueSampler,
    is_continuous,
    resolve_valuator,
    row_aligned,
    supported_rows,
)

__all__ = ["CuratedEstimator", "ValueSampler"]

# Held-out data are no rows of X, also where there are as many of them.
HELD_OUT_PAIR = {"X_val", "y_val"}
HELD_OUT = {*HELD_OUT_PAIR, "sample_weight_val"}


class CuratedEstimator(
    DelegatingMixin, MetaEstimatorMixin, DocLinkMixin, BaseEstimator
):
    """Fit an estimator on the rows that a valuator keeps.

    With values :math:`v_i` and kept rows :math:`K`, the estimator is fitted on
    :math:`(X_i, y_i)_{i \\in K}`, with sample weights :math:`w_i` if `weighting` is
    given. Rows are really removed, and row-aligned parameters of ``fit``, such as
    `sample_weight`, are cut with them. It is a classifier or a regressor as its
    estimator is.

    Parameters
    ----------
    estimator : estimator object
        What is fitted on the kept rows, as a clone.

    valuator : valuator object or Pipeline, default=None
        What values the rows; its `drop` says which of them go. A clone is fitted. A
        Pipeline that ends in a valuator values what its earlier steps make of the rows.
        None means ``NDDVValuator()``. Where its `task` is ``"auto"`` and it has no
        estimator of its own that decides, the estimator says what `y` is.

    weighting : {"rank", "value"}, callable or None, default=None
        Sample weights of the kept rows, by their values:

        - None: no weights;
        - ``"rank"``: proportional to the rank among the :math:`m` kept rows, 1 for the
          lowest, ties averaged;
        - ``"value"``: proportional to
          :math:`1/m + (1 - 1/m) (v_i - \\min v) / (\\max v - \\min v)`;
        - callable: takes the values of the kept rows, returns as many finite weights,
          at least 0, not all 0.

        The first two have mean 1. A `sample_weight` given to ``fit`` is multiplied in.
        A Pipeline gets the weights for every step that takes them, if the last one
        does; with metadata routing enabled, for those that request them.

    Attributes
    ----------
    estimator_ : estimator object
        The estimator fitted on the kept rows.

    valuator_ : valuator object or Pipeline
        The fitted valuator.

    sample_indices_ : ndarray of shape (n_kept,), dtype int
        The training rows that `estimator_` was fitted on.

    classes_ : ndarray of shape (n_classes,)
        The labels, in classification.

    coef_ : ndarray
        Coefficients of `estimator_`, if it has any.

    feature_importances_ : ndarray of shape (n_features,)
        Importances of `estimator_`, if it has any.

    n_features_in_ : int
        Number of columns.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where `X` has them.

    See Also
    --------
    ValueSampler : The same as a step of imbalanced-learn's Pipeline, with any step
        after it.
    skvalue.base.BaseValuator.fit_transform : Replaces low-value rows instead of
        removing them, as a step of a plain Pipeline.

    Notes
    -----
    The cost is that of fitting the valuator and the estimator, O(n log n) on top of it,
    with one copy of the kept rows.

    `X_val` and `y_val` go to the valuator, `groups` to whichever takes them, and
    `sample_weight` to the estimator alone: boosting puts it on the rows that are
    hardest to fit, the wrong ones among them. With metadata routing enabled, every
    parameter goes where it is requested.

    References
    ----------
    Ghorbani, A. and Zou, J. (2019). "Data Shapley: Equitable Valuation of Data for
    Machine Learning". International Conference on Machine Learning.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from skvalue.base import BaseValuator
    >>> from skvalue.curation import CuratedEstimator
    >>> class CentralityValuator(BaseValuator):
    ...     def _fit(self, X, y, X_val, y_val):
    ...         self.data_values_ = -np.abs(y - np.median(y))
    >>> X = np.arange(6.0).reshape(-1, 1)
    >>> y = np.array([0.5, 1.5, 2.5, 99.5, 4.5, 5.5])
    >>> model = CuratedEstimator(Ridge(alpha=0), CentralityValuator(drop=0.2)).fit(X, y)
    >>> model.sample_indices_
    array([0, 1, 2, 4, 5])
    >>> model.predict([[10.0]]).round(3)
    array([10.5])
    """

    _parameter_constraints = {
        "estimator": [HasMethods("fit")],
        "valuator": VALUATORS,
        "weighting": [StrOptions({"rank", "value"}), callable, None],
    }

    def __init__(self, estimator, valuator=None, *, weighting=None):
        self.estimator = estimator
        self.valuator = valuator
        self.weighting = weighting

    # Not its own: a router's request is that of its parts.
    __metadata_request__fit = {"sample_weight": UNUSED}

    @classmethod
    def _takes_weights(cls):
        return True

    def _can_use_weights(self):
        return bool(weight_names(self.estimator))

    @ShowsWeights
    @whole_or_not_at_all
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, *, sample_weight=None, **params):
        """Value the rows, then fit the estimator on those that are kept.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            Training rows.

        y : array-like of shape (n_samples,)
            Their labels or real targets.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the fit of the estimator, cut to the kept rows; the
            valuator gets them with metadata routing only, where it requests them.

        **params : dict
            `X_val` and `y_val` go to the valuator, `groups` to both as far as they take
            them, everything else to the estimator's ``fit``, cut to the kept rows where
            it has one entry a row. With metadata routing enabled: what each of the two
            requests.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If the valuator refuses the data, or `weighting` is not possible.
        """
        refuse_classes(estimator=self.estimator)
        X, y = row_aligned(X, y)
        with naming("y"), np.errstate(invalid="ignore"):
            if is_classifier(self.estimator) and is_continuous(y):
                check_classification_targets(y)
        is_numeric = isinstance(X, np.ndarray) and X.dtype.kind == "f"
        if is_numeric and not get_tags(self).input_tags.allow_nan:
            # The valuator may take a missing cell, and drop its row.
            assert_all_finite(X, estimator_name=type(self).__name__, input_name="X")
        valuator_params, params = self._split_params(params, sample_weight)
        self._check_estimator_params(X, y, params)

        self.valuator_ = clone(resolve_valuator(self.valuator))
        tell_task(self.valuator_, task_of_estimator(self.estimator))
        fit_valuator(self.valuator_, X, y, **valuator_params)
        validate_data(self, X, skip_check_array=True)
        self.sample_indices_ = np.flatnonzero(supported_rows(self.valuator_, X))

        params = self._kept_params(X, params)
        X_kept, y_kept = (take_rows(rows, self.sample_indices_) for rows in (X, y))
        with reading("estimator", self.estimator, X_kept):
            self.estimator_ = clone(self.estimator).fit(X_kept, y_kept, **params)
        return self

    def _split_params(self, params, sample_weight):
        """Parameters of ``fit`` for the valuator and for the estimator."""
        if sample_weight is not None and not routing_enabled():
            check_takes_weights(self.estimator, sample_weight)
            names = weight_names(self.estimator)
            params = params | dict.fromkeys(names, sample_weight)
        elif sample_weight is not None:
            params = params | {"sample_weight": sample_weight}
        if routing_enabled():
            routed = process_routing(self, "fit", **params)
            return dict(routed["valuator"]["fit"]), dict(routed["estimator"]["fit"])
        to_valuator, to_estimator = HELD_OUT_PAIR, params.keys() - HELD_OUT_PAIR
        if has_fit_parameter(resolve_valuator(self.valuator), "groups"):
            to_valuator = {*to_valuator, "groups"}
            if not _takes_groups(self.estimator):
                to_estimator = to_estimator - {"groups"}
        return (
            {name: params[name] for name in to_valuator & params.keys()},
            {name: params[name] for name in to_estimator},
        )

    def _check_estimator_params(self, X, y, params):
        """Refuse before the valuation what would fail after it."""
        signature(self.estimator.fit).bind(X, y, **params)
        names = weight_names(self.estimator)
        for name in names:
            if params.get(name) is not None:
                check_sample_weight(params[name], X)
        if self.weighting is not None and not names:
            raise ValueError(
                f"weighting={self.weighting!r} needs an estimator whose fit takes "
                f"sample_weight; that of {type(self.estimator).__name__} does not. Use "
                "weighting=None or, for a search, enable metadata routing and request "
                "sample_weight."
            )

    def _kept_params(self, X, params):
        """Parameters of the estimator's ``fit``, for the kept rows only."""
        rows = self.sample_indices_
        aligned = {name: params[name] for name in params.keys() - HELD_OUT}
        params = params | check_method_params(X, aligned, indices=rows)
        if self.weighting is not None:
            values = last_step(self.valuator_).data_values_[rows]
            weights = _weigh(values, self.weighting)
            for name in weight_names(self.estimator):
                given = params.get(name)
                params[name] = weights if given is None else given * weights
        return params

    def get_metadata_routing(self):
        """Say which parameters the estimator and the valuator request.

        Returns
        -------
        routing : MetadataRouter
            Routes parameters of ``fit`` to both, those of other methods to the
            estimator.
        """
        to_estimator = MethodMapping().add(caller="fit", callee="fit")
        for method in ROUTED:
            to_estimator.add(caller=method, callee=method)
        return (
            MetadataRouter(owner=self)
            .add(estimator=self.estimator, method_mapping=to_estimator)
            .add(
                valuator=resolve_valuator(self.valuator),
                method_mapping=MethodMapping().add(caller="fit", callee="fit"),
            )
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        estimator_tags = deepcopy(get_tags(self.estimator))
        valuator_tags = get_tags(resolve_valuator(self.valuator))
        tags.estimator_type = estimator_tags.estimator_type
        tags.classifier_tags = estimator_tags.classifier_tags
        if tags.classifier_tags is not None:
            tags.classifier_tags.multi_label = False
        tags.regressor_tags = estimator_tags.regressor_tags
        tags.transformer_tags = estimator_tags.transformer_tags
        tags.target_tags.required = True
        tags.target_tags.positive_only = estimator_tags.target_tags.positive_only
        tags.input_tags.positive_only = estimator_tags.input_tags.positive_only
        for name in ["sparse", "allow_nan", "three_d_array", "string", "categorical"]:
            both = getattr(estimator_tags.input_tags, name) and getattr(
                valuator_tags.input_tags, name
            )
            setattr(tags.input_tags, name, both)
        return tags


def _takes_groups(estimator):
    """Whether ``fit`` takes groups: by name, or as a search does for its `cv`."""
    parameters = signature(estimator.fit).parameters.values()
    takes_any = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters)
    is_search = takes_any and hasattr(estimator, "cv")
    return is_search or has_fit_parameter(estimator, "groups")


def _weigh(values, weighting):
    """Sample weights of rows with these values."""
    if callable(weighting):
        return _check_weights(weighting(values.copy()), weighting, len(values))
    if weighting == "rank":
        weights = rankdata(values)
    else:
        spread = np.ptp(values)
        scaled = (
            (values - values.min()) / spread if spread > 0 else np.ones(len(values))
        )
        weights = 1 / len(values) + (1 - 1 / len(values)) * scaled
    return weights / weights.mean()


def _check_weights(weights, weighting, n_kept):
    weights = np.asarray(weights)
    if weights.shape != (n_kept,) or weights.dtype.kind not in "biuf":
        raise ValueError(
            f"weighting={weighting!r} returned an array of shape {weights.shape} and "
            f"dtype {weights.dtype}; it must return {n_kept} numbers, one a kept row."
        )
    if not np.isfinite(weights).all() or weights.min() < 0 or weights.max() == 0:
        raise ValueError(
            f"weighting={weighting!r} returned weights from {weights.min()} to "
            f"{weights.max()}; they must be finite, at least 0 and not all 0."
        )
    return weights.astype(np.float64)
