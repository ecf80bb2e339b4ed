"""The contract that every valuator keeps: rows in, one value a row out.

A method is a subclass that overrides `BaseValuator._fit` and sets ``data_values_``.
Validation, dropping, cleaning and what a Pipeline needs are written once, here and in
its mixins.
"""

import os
from contextlib import contextmanager
from numbers import Real

from sklearn.base import BaseEstimator, _fit_context
from sklearn.callback import CallbackSupportMixin

from ._cleaning import CleaningMixin
from ._drop import check_values
from ._encoder import describe_input
from ._held_out_scale import warn_of_other_scale
from ._label_opinions import LabelOpinions
from ._memory import FitMemory, computing_params
from ._targets import known_task
from ._validation import validate_held_out, validate_rows
from ._values_frame import ValuesFrameMixin, row_names
from ._weights_groups import ShowsWeights, WeightsMixin, for_fit, keep_group_values
from .utils._device import check_device
from .utils._doc_link import DocLinkMixin
from .utils._progress import Progress
from .utils._refit import whole_or_not_at_all
from .utils._sklearn import HasMethods, Interval, StrOptions
from .utils._tags import ValuatorTags, with_valuation


class BaseValuator(
    ValuesFrameMixin,
    WeightsMixin,
    LabelOpinions,
    CallbackSupportMixin,
    CleaningMixin,
    DocLinkMixin,
    BaseEstimator,
):
    """Base class of all valuators.

    ``fit_transform(X, y)`` cleans the training rows and differs from
    ``fit(X, y).transform(X)`` by design: it replaces every dropped row by a good row
    with the same label, while ``transform`` returns new rows unchanged.

    Parameters
    ----------
    task : {"auto", "classification", "regression"}, default="auto"
        Whether `y` holds class labels or real targets. ``"auto"``: as the estimator of
        `y` is a classifier or a regressor, where the valuator was given one. Else real
        numbers that are not all whole are targets, everything else labels; but more
        distinct whole numbers than half the rows (and than two) raise an error, and
        more than 20 of them are classes under a warning.

    encoder : {"auto"}, transformer or None, default="auto"
        What makes numbers of the rows for what the method itself computes. Rows that
        are given back stay as they came, and so do those that an estimator of the
        user's gets, unless `encoder` is a transformer.

        - ``"auto"``: numbers without missing cells stay as they are. Else numbers and
          booleans become float64; missing cells the mean of the column, with a column
          more that marks them; strings and categories at most 30 columns of 0 and 1,
          rare ones together; dates and durations standardised seconds; texts TF-IDF.
          Sparse rows of more than 256 columns become their first 256 singular
          directions where the method needs dense ones;
        - a transformer: a clone of it is fitted;
        - None: `X` must be numbers.

    drop : float, "auto", "negative" or callable, default="auto"
        Which rows are of low value:

        - float in [0, 1): the share with the lowest values, exactly
          ``floor(drop * n_samples)`` rows, ties broken by row order;
        - ``"auto"``: the lower of two clusters of the values, as far as the method
          itself doubts those rows; never more than half of a class. A label is doubted
          where it is more likely wrong than right, given the noise that the method
          sees, see the user guide on rare classes;
        - ``"negative"``: values below 0;
        - callable: takes the values, returns a boolean mask of the rows to keep.

    random_state : int, RandomState instance or None, default=None
        The same integer gives the same values.

    memory : str, path-like, joblib.Memory or None, default=None
        Folder that keeps the results of fits, as that of scikit-learn's `Pipeline`. A
        fit to the same rows, labels, held-out rows, weights and groups takes them from
        there, unless a parameter other than `drop`, `n_jobs` and `verbose`, or a
        version of what computes, has changed: a search over `drop` values the rows of
        a fold once. Several processes may use it at a time. It needs an integer
        `random_state`, and neither `warm_start` nor `checkpoint`; else a warning says
        that it is not used. What it holds are pickles: use no folder that others can
        write to. Values and parameters are compared as they are, estimators with all
        that they have learnt.

    verbose : int, default=0
        0: print nothing; 1: now and then a line that says how far the fit is and how
        long it will take, and one at its end; 2: all of these lines.

    Attributes
    ----------
    data_values_ : ndarray of shape (n_samples,), dtype float64
        One finite value for each training row; higher is better.

    classes_ : ndarray of shape (n_classes,)
        The labels, in classification.

    encoder_ : transformer
        The fitted encoder, where the method itself reads the rows.

    fill_indices_ : ndarray of shape (n_samples,)
        After ``fit_transform``: the training row at each place of its output.

    groups_ : ndarray of shape (n_groups,)
        The labels of the groups, sorted, where `fit` got `groups`.

    group_values_ : ndarray of shape (n_groups,), dtype float64
        Value of each of them: the sum of the values of its rows.
    """

    _parameter_constraints = {
        "task": [StrOptions({"auto", "classification", "regression"})],
        "encoder": [StrOptions({"auto"}), HasMethods(["fit", "transform"]), None],
        "drop": [
            Interval(Real, 0, 1, closed="left"),
            StrOptions({"auto", "negative"}),
            callable,
        ],
        "random_state": ["random_state"],
        "memory": [str, os.PathLike, HasMethods("cache"), None],
        "verbose": ["verbose"],
    }

    # What the method computes on; a subclass widens it.
    _accept_sparse = False
    _allow_nd = False
    # See `ValuatorTags`.
    _uses_held_out = False
    _cost = "unknown"

    # Whether rows as they came may be frames of numbers only, not arrays of them.
    _keeps_frames = True

    def __init__(
        self,
        *,
        task="auto",
        encoder="auto",
        drop="auto",
        random_state=None,
        memory=None,
        verbose=0,
    ):
        self.task = task
        self.encoder = encoder
        self.drop = drop
        self.random_state = random_state
        self.memory = memory
        self.verbose = verbose

    # ---------------------------------------------------------------- fitting

    @ShowsWeights
    @whole_or_not_at_all
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, *, X_val=None, y_val=None, sample_weight=None, groups=None):
        """Value every training row.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Training rows.

        y : array-like of shape (n_samples,)
            Their labels (of any type) or, for regression, real targets.

        X_val : {array-like, dataframe} of shape (n_val, n_features), default=None
            Held-out rows that utility is measured on. In a `Pipeline`, list it in
            ``transform_input`` so that the earlier steps transform it like `X`.

        y_val : array-like of shape (n_val,), default=None
            Labels of `X_val`.

        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts, >= 0 and not all 0. Methods that cannot use
            weights raise an error that says so.

        groups : array-like of shape (n_samples,), default=None
            Where each row comes from, such as its source, user or batch: labels of one
            type, none missing. They reach a `cv` that splits by groups, and have values
            of their own, `group_values_`.

        Returns
        -------
        self : object
            The fitted valuator.

        Raises
        ------
        ValueError
            If a parameter or an argument is not usable; the message names it. Raised
            before any expensive work. A fit that fails leaves the valuator as it was.
        """
        check_device(getattr(self, "device", "cpu"))
        memory = FitMemory(self)
        self._row_names = row_names(X)
        X, y = validate_rows(self, X, y)
        X_val, y_val = validate_held_out(self, X_val, y_val)
        warn_of_other_scale(self, X, X_val)
        given = for_fit(self, len(y), sample_weight, groups)
        vars(self).pop("fill_indices_", None)
        self._target = y
        context = self._init_callback_context(max_subtasks=self._n_tasks())
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        memory.fit(X, y, X_val, y_val, **given)
        check_values(self, len(y))
        keep_group_values(self)
        context.call_on_fit_task_end(
            estimator=self, X=X, y=y, reconstruction_attributes={}
        )
        return self

    def _fit(self, X, y, X_val, y_val):
        """Set ``data_values_`` from validated rows and encoded labels.

        A method that uses weights or groups adds ``*, sample_weight=None, groups=None``
        or one of them: it gets what was given to `fit`, and nothing it does not take.
        """
        raise NotImplementedError

    def _computing_params(self):
        """Parameters as far as what is computed depends on them, for `_fit` to keep."""
        return computing_params(self)

    def _n_tasks(self):
        """Number of `_task` blocks of a fit, for progress bars; None if unknown."""
        return None

    @contextmanager
    def _task(self, name):
        """One unit of work of `_fit`, as callbacks and progress bars see it."""
        context = self._callback_fit_ctx.subcontext(task_name=name)
        context.call_on_fit_task_begin(estimator=self)
        yield
        context.call_on_fit_task_end(estimator=self)

    def _progress(self, total, unit, done=0):
        """What prints how far the fit is, if `verbose` asks for it."""
        return Progress(type(self).__name__, total, unit, self.verbose, done=done)

    def _model_of_y(self):
        """The user's estimator that predicts y, where the method has one."""
        return None

    def _reader(self):
        """The user's estimator that gets the rows as they came, where there is one."""
        return None

    @property
    def _takes_rows(self):
        """Whether `_fit` gets the rows as they came; else it gets encoded ones."""
        return self._reader() is not None and isinstance(self.encoder, str)

    def _known_task(self):
        """The task as `task` or the user's estimator of y tells it, else "auto"."""
        return known_task(self.task, self._model_of_y())

    # ------------------------------------------------------------------- tags

    def __sklearn_is_fitted__(self):
        return hasattr(self, "data_values_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        describe_input(self, tags.input_tags)
        tags.input_tags.three_d_array = self._allow_nd
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        valuation = ValuatorTags(
            held_out=self._uses_held_out,
            new_rows=hasattr(self, "predict_values"),
            sample_weight=self._can_use_weights(),
            cost=self._cost,
        )
        return with_valuation(tags, valuation)
