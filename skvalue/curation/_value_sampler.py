"""ValueSampler: low-value rows removed, or relabelled, inside a pipeline.

A scikit-learn Pipeline cannot change y, imbalanced-learn's can: steps have
``fit_resample``. Duck-typed: imbalanced-learn's base class refuses real targets.
"""

from copy import deepcopy

import numpy as np
from sklearn.base import (
    BaseEstimator,
    MetaEstimatorMixin,
    OneToOneFeatureMixin,
    _fit_context,
    clone,
)
from sklearn.pipeline import Pipeline
from sklearn.utils import assert_all_finite, get_tags, indexable
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from .._pipelines import fit_valuator, is_valuator, rows_for_last_step
from .._targets import last_step, refuse_several_targets, tell_task
from ..utils._doc_link import DocLinkMixin
from ..utils._naming import naming, refuse_classes
from ..utils._refit import whole_or_not_at_all
from ..utils._rows import take_rows
from ..utils._sklearn import (
    METHODS,
    HasMethods,
    StrOptions,
    num_samples,
    routing_enabled,
    safe_indexing,
)

# What may stand for a valuator.
VALUATORS = [HasMethods(["fit", "get_support", "filter"]), Pipeline, None]


class ValueSampler(
    OneToOneFeatureMixin, MetaEstimatorMixin, DocLinkMixin, BaseEstimator
):
    """Remove or relabel low-value rows, as a step of imbalanced-learn's Pipeline.

    With the kept rows :math:`K` of a valuator, ``fit_resample`` returns
    :math:`(X_i, y_i)_{i \\in K}`, or, with ``action="relabel"``, every row, where the
    label of a row outside :math:`K` is the class of highest value there,
    :math:`\\arg\\max_c v(X_i, c)`. It acts in ``fit`` only: rows to predict pass
    unchanged.

    Parameters
    ----------
    valuator : valuator object or Pipeline, default=None
        What values the rows; its `drop` says which of them are of low value. A clone
        is fitted. A Pipeline that ends in a valuator values what its earlier steps make
        of the rows. None means ``NDDVValuator()``. Its `task` says what `y` is;
        ``"auto"`` with ``action="relabel"`` is classification.

    prefit : bool, default=False
        Whether `valuator` is fitted already, on exactly the rows that are resampled;
        then a copy of it is used, never refitted. Cross-validation and grid search
        clone the sampler and resample other rows, so `prefit` is not for them.

    action : {"drop", "relabel"}, default="drop"
        What happens to low-value rows. ``"relabel"`` needs class labels and a valuator
        with ``predict_class_values``.

    Attributes
    ----------
    valuator_ : valuator object or Pipeline
        The fitted valuator.

    sample_indices_ : ndarray of shape (n_samples_new,), dtype int
        The training rows that are returned, in order.

    n_features_in_ : int
        Number of columns.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where `X` has them.

    See Also
    --------
    CuratedEstimator : Drops rows, and their row-aligned parameters, in a plain
        scikit-learn Pipeline.
    skvalue.base.BaseValuator.fit_transform : Cleans in a plain Pipeline without
        changing the number of rows.

    Notes
    -----
    The cost is that of fitting the valuator, O(n) on top of it.

    Held-out rows reach the valuator through imbalanced-learn's Pipeline (0.14) only
    with ``sklearn.set_config(enable_metadata_routing=True)``, and as they are: the
    Pipeline's `transform_input` does not transform what goes to a sampler, so pass them
    transformed, or use `CuratedEstimator`.

    References
    ----------
    Lemaitre, G., Nogueira, F. and Aridas, C. K. (2017). "Imbalanced-learn: A Python
    Toolbox to Tackle the Curse of Imbalanced Datasets in Machine Learning". Journal of
    Machine Learning Research 18(17).

    Examples
    --------
    >>> import numpy as np
    >>> from skvalue.base import BaseValuator
    >>> from skvalue.curation import ValueSampler
    >>> class CentralityValuator(BaseValuator):
    ...     def _fit(self, X, y, X_val, y_val):
    ...         self.data_values_ = -np.abs(X - np.median(X, axis=0)).sum(axis=1)
    >>> X = [[0.1], [0.2], [9.0], [1.1], [1.2], [1.3]]
    >>> y = ["a", "a", "a", "b", "b", "b"]
    >>> sampler = ValueSampler(CentralityValuator(drop=0.2))
    >>> X_kept, y_kept = sampler.fit_resample(X, y)
    >>> X_kept, y_kept
    ([[0.1], [0.2], [1.1], [1.2], [1.3]], ['a', 'a', 'b', 'b', 'b'])
    >>> sampler.sample_indices_
    array([0, 1, 3, 4, 5])
    """

    _parameter_constraints = {
        "valuator": VALUATORS,
        "prefit": ["boolean"],
        "action": [StrOptions({"drop", "relabel"})],
    }

    def __init__(self, valuator=None, *, prefit=False, action="drop"):
        self.valuator = valuator
        self.prefit = prefit
        self.action = action

    @whole_or_not_at_all
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, **params):
        """Value the rows and find those to return.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            Training rows.

        y : array-like of shape (n_samples,)
            Their labels or real targets.

        **params : dict
            Parameters of the valuator's ``fit``, such as `X_val` and `y_val`,
            `sample_weight` or `groups`; with metadata routing enabled, those that it
            requests. Ignored if `prefit`.

        Returns
        -------
        self : object
            The fitted sampler.

        Raises
        ------
        ValueError
            If the valuator refuses the data, cannot do `action`, or was fitted on
            another number of rows.
        """
        X, y = row_aligned(X, y)
        valuator = resolve_valuator(self.valuator)
        self._check_action(valuator, y)
        if self.prefit:
            check_is_fitted(
                valuator,
                msg="prefit=True needs a fitted valuator; this %(name)s is not fitted.",
            )
            self.valuator_ = deepcopy(valuator)
        else:
            if routing_enabled():
                params = process_routing(self, "fit", **params)["valuator"]["fit"]
            self.valuator_ = clone(valuator)
            if self.action == "relabel":
                tell_task(self.valuator_, "classification")
            fit_valuator(self.valuator_, X, y, **params)
        keep_all = self.action == "relabel"
        if keep_all:
            self._check_has_classes()
        support = supported_rows(self.valuator_, X)
        validate_data(self, X, skip_check_array=True)
        self.sample_indices_ = np.flatnonzero(support | keep_all)
        return self

    @whole_or_not_at_all
    @_fit_context(prefer_skip_nested_validation=False)
    def fit_resample(self, X, y, **params):
        """Value the rows and return them without, or with relabelled, low-value rows.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            Training rows.

        y : array-like of shape (n_samples,)
            Their labels or real targets.

        **params : dict
            Parameters of the valuator's ``fit``, see `fit`.

        Returns
        -------
        X_resampled : same type as X, of shape (n_samples_new, n_features)
            The kept rows; all rows with ``action="relabel"``.

        y_resampled : same type as y, of shape (n_samples_new,)
            Their labels.
        """
        self.fit(X, y, **params)
        X, y = row_aligned(X, y)
        if self.action == "drop":
            return tuple(take_rows(rows, self.sample_indices_) for rows in (X, y))
        return X, self._relabel(X, y)

    def _check_action(self, valuator, y):
        if self.action == "drop":
            return
        valuator = last_step(valuator)
        if not hasattr(valuator, "predict_class_values"):
            raise ValueError(
                f'action="relabel" needs a valuator with predict_class_values; '
                f'{type(valuator).__name__} has none. Use action="drop".'
            )
        if is_continuous(y):
            raise ValueError(
                'action="relabel" needs class labels, but y is continuous. '
                'Use action="drop".'
            )

    def _check_has_classes(self):
        # Whole numbers are real targets to a valuator that is told so.
        valuator = last_step(self.valuator_)
        if not hasattr(valuator, "classes_"):
            raise ValueError(
                'action="relabel" needs class labels, but '
                f"{type(valuator).__name__} was fitted to real targets. "
                'Use action="drop".'
            )

    def _relabel(self, X, y):
        """Labels in the container of y, those of low-value rows replaced."""
        valuator = last_step(self.valuator_)
        low_value = np.flatnonzero(~valuator.get_support())
        if not low_value.size:
            return y
        classes, first_row = np.unique(np.asarray(y), return_index=True)
        if not np.array_equal(classes, valuator.classes_):
            raise ValueError(
                f"y has the labels {classes[:20].tolist()}, but the valuator was "
                f"fitted with {valuator.classes_[:20].tolist()}."
            )
        rows = rows_for_last_step(self.valuator_, safe_indexing(X, low_value))
        class_values = np.asarray(valuator.predict_class_values(rows))
        if class_values.shape != (len(low_value), len(classes)):
            raise ValueError(
                f"predict_class_values returned shape {class_values.shape}; expected "
                f"{(len(low_value), len(classes))}."
            )
        # Taking the label from a row that has it preserves any container and dtype.
        source = np.arange(num_samples(y))
        source[low_value] = first_row[np.argmax(class_values, axis=1)]
        relabelled = safe_indexing(y, source)
        if hasattr(y, "iloc"):
            relabelled.index = y.index
        return relabelled

    def get_metadata_routing(self):
        """Say which parameters the valuator requests.

        Returns
        -------
        routing : MetadataRouter
            Routes parameters of ``fit`` and ``fit_resample`` to the valuator's ``fit``.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        # scikit-learn knows this method once imbalanced-learn is imported.
        if "fit_resample" in METHODS:
            mapping.add(caller="fit_resample", callee="fit")
        return MetadataRouter(owner=self).add(
            valuator=resolve_valuator(self.valuator), method_mapping=mapping
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        valuator_tags = get_tags(resolve_valuator(self.valuator))
        tags.input_tags = deepcopy(valuator_tags.input_tags)
        tags.target_tags = deepcopy(valuator_tags.target_tags)
        return tags


def resolve_valuator(valuator):
    """The valuator, or the default one; a Pipeline must end in one.

    Parameters
    ----------
    valuator : valuator object or None
        A constructor parameter; never changed.

    Returns
    -------
    valuator : valuator object
        `valuator` itself, or an unfitted ``NDDVValuator()``.
    """
    refuse_classes(valuator=valuator)
    if isinstance(valuator, Pipeline) and not is_valuator(valuator):
        raise TypeError(
            f"valuator={valuator!r} is a Pipeline that ends in no valuator; give one "
            "whose last step is a valuator, such as NDDVValuator."
        )
    if valuator is not None:
        return valuator
    from ..nddv import NDDVValuator

    nddv = NDDVValuator()
    return nddv.set_fit_request(X_val=True, y_val=True) if routing_enabled() else nddv


def row_aligned(X, y):
    """Rows and targets that can be indexed; refused by name where they cannot.

    Parameters
    ----------
    X, y : array-like, dataframe or sparse matrix
        As the user gave them.

    Returns
    -------
    X, y : list
        The same, but sparse matrices as CSR and what has no items as arrays.
    """
    for name, array in (("X", X), ("y", y)):
        with naming(name):
            indexable(array)
    refuse_several_targets(y, "y")
    with naming("X", "y"):
        return indexable(X, y)


def supported_rows(valuator, X):
    """Mask of the rows that a fitted valuator keeps, checked against the rows at hand.

    Parameters
    ----------
    valuator : valuator object
        Fitted, perhaps long ago: `prefit`, or a `FrozenEstimator`.

    X : array-like of shape (n_samples, n_features)
        The rows to act on.

    Returns
    -------
    support : ndarray of shape (n_samples,), dtype bool
        True for the rows to keep.

    Raises
    ------
    ValueError
        If the valuator was fitted on another number of rows.
    """
    support = last_step(valuator).get_support()
    if len(support) != num_samples(X):
        raise ValueError(
            f"valuator was fitted on {len(support)} rows, but X has {num_samples(X)}; "
            "a fitted valuator acts only on the rows that it was fitted on."
        )
    return support


def is_continuous(y):
    """Whether targets are real numbers, told without a valuation.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels or targets.

    Returns
    -------
    continuous : bool
        False for anything but floats: judging labels is left to the valuator.

    Raises
    ------
    ValueError
        If floats are not finite.
    """
    y = np.asarray(y)
    if y.dtype.kind != "f":
        return False
    assert_all_finite(y, input_name="y")
    # It asks whether they are whole by a cast, which large ones overflow.
    with np.errstate(invalid="ignore"):
        return type_of_target(y, input_name="y").startswith("continuous")
