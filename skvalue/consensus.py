r"""Consensus of several valuators: the mean of their standardised values.

.. math:: v_i = \sum_m w_m \frac{v_{mi} - \bar v_m}{\operatorname{sd}(v_m)} \Big/
   \sum_m w_m.

Methods fail on different data; on a log scale, where wrong labels lie far out, a sum
keeps what either is sure of. Ranks would destroy the gap that a threshold needs.

Source: this library (measurements in the user guide).
"""

from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.utils import Bunch, check_random_state, get_tags
from sklearn.utils.parallel import delayed

from ._pipelines import fit_valuator, is_valuator
from ._poor_members import without_poor
from ._targets import agreed_task, last_step, tell_task
from .base import BaseValuator
from .utils._device import check_device
from .utils._naming import naming
from .utils._progress import in_parallel
from .utils._random import draw_seed, integer_seed, seeded
from .utils._sample_weight import weight_names
from .utils._sklearn import BaseComposition


class ConsensusValuator(BaseValuator, BaseComposition):
    r"""Weighted mean of the standardised values of several valuators.

    :math:`v_i = \sum_m w_m z_{mi} / \sum_m w_m`, where :math:`z_m` are the values of
    member m, less their mean, over their standard deviation (0 where all are equal).

    Parameters
    ----------
    valuators : list of (str, valuator) tuples or None, default=None
        The members, by name; ``"drop"`` in place of a valuator leaves it out, as in
        `VotingClassifier`. ``set_params(name__parameter=...)`` reaches into a member.
        None: ``[("nddv", NDDVValuator(utility="cost")), ("oob",
        DataOOB(scoring="log_proba"))]``, which are about labels; their names can be
        set, too. Add `FeatureConfidence` or `OutlierValuator` where features may be
        corrupted as well.

    weights : array-like of shape (n_valuators,) or None, default=None
        Weight of each member in the order of `valuators`, at least 0, dropped members
        included. None: equal weights, but 0 for a member whose `class_probabilities_`
        predict the labels clearly worse than those of another: calibrated, they explain
        less than half of the entropy that the best do, and .05 of it less. Only
        probabilities that did not see the labels are compared; for `NDDVValuator`,
        whose did, a cross-validated linear model of the same rows (at most 2000) stands
        in.

    task : {"auto", "classification", "regression"}, default="auto"
        Whether `y` holds class labels or real targets, see `BaseValuator`.

    drop : float, "auto", "negative" or callable, default="auto"
        Which rows are of low value, see `BaseValuator`.

    n_jobs : int or None, default=None
        Number of members in parallel. The values do not depend on it.

    random_state : int, RandomState instance or None, default=None
        Seeds each member whose own `random_state` is None.

    memory : str, path-like, joblib.Memory or None, default=None
        Keeps fits, so that another `drop` values no row anew, see `BaseValuator`.

    verbose : int, default=0
        1: print a line of progress now and then, with the time left; 2: all of them.

    Attributes
    ----------
    data_values_ : ndarray of shape (n_samples,), dtype float64
        Value of each training row, in standard deviations of a member; their mean is
        0; higher is better.

    class_probabilities_ : ndarray of shape (n_samples, n_classes)
        Weighted mean of the members' `class_probabilities_`, over those that have it;
        not set where none has.

    label_probabilities_ : ndarray of shape (n_samples,)
        That of each row's own label.

    weights_ : ndarray of shape (n_members,)
        Weights of the members in use, which sum to 1.

    valuators_ : list of valuators
        The fitted members, without dropped ones.

    named_valuators_ : Bunch
        The fitted members by name.

    classes_ : ndarray of shape (n_classes,)
        The labels, in classification.

    n_features_in_ : int
        Number of columns.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where `X` has them.

    fill_indices_ : ndarray of shape (n_samples,)
        After ``fit_transform``: the training row at each place of its output.

    Raises
    ------
    ValueError
        If `valuators` or `weights` are not usable; the message names them.

    See Also
    --------
    NDDVValuator : Neural dynamic data valuation, the first default member.
    DataOOB : Out-of-bag probability of each label, the second.

    Notes
    -----
    Costs what its members cost; memory O(n n_valuators) beyond theirs.

    References
    ----------
    .. [1] T. G. Dietterich, "Ensemble Methods in Machine Learning", Multiple
       Classifier Systems 2000.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skvalue.confidence import SelfConfidence
    >>> from skvalue.consensus import ConsensusValuator
    >>> from skvalue.neighbors import KNNShapley
    >>> X, y = load_iris(return_X_y=True)
    >>> y[0] = 2
    >>> members = [("confidence", SelfConfidence()), ("knn", KNNShapley())]
    >>> valuator = ConsensusValuator(members, random_state=0).fit(X, y)
    >>> int(valuator.data_values_.argmin())
    0
    """

    _cost = "the sum of its members"

    _parameter_constraints = {
        **BaseValuator._parameter_constraints,
        "valuators": [list, None],
        "weights": ["array-like", None],
        "n_jobs": [Integral, None],
    }
    # Each member encodes the rows for itself.
    _parameter_constraints.pop("encoder")

    def __init__(
        self,
        valuators=None,
        *,
        weights=None,
        task="auto",
        drop="auto",
        n_jobs=None,
        random_state=None,
        memory=None,
        verbose=0,
    ):
        super().__init__(
            task=task,
            drop=drop,
            random_state=random_state,
            memory=memory,
            verbose=verbose,
        )
        self.valuators = valuators
        self.weights = weights
        self.n_jobs = n_jobs

    def get_params(self, deep=True):
        """Get the parameters of the consensus and, by name, of its members.

        Parameters
        ----------
        deep : bool, default=True
            Include the members and their parameters.

        Returns
        -------
        params : dict
            Parameter names mapped to their values.
        """
        return self._get_params("valuators", deep=deep)

    def set_params(self, **params):
        """Set parameters of the consensus, whole members, or parameters of members.

        Parameters
        ----------
        **params : dict
            ``name=valuator`` replaces a member, ``name="drop"`` leaves it out,
            ``name__parameter=value`` sets a parameter of it.

        Returns
        -------
        self : object
            The consensus.
        """
        if params.get("valuators", self.valuators) is None:
            defaults = _default_valuators()
            names = {name.split("__")[0] for name in params}
            # Only a parameter of a default member writes the default out.
            if names & {name for name, _ in defaults}:
                params["valuators"] = defaults
        self._set_params("valuators", **params)
        return self

    def _fit(self, X, y, X_val, y_val, *, sample_weight=None, groups=None):
        names, members, weights = self._members()
        given = _given_to_members(names, members, sample_weight, groups)
        rng = check_random_state(integer_seed(self.random_state))
        members = [seeded(member, draw_seed(rng)) for member in members]
        # Codes of classes and real targets alike are numbers to a member.
        task = "classification" if hasattr(self, "classes_") else "regression"
        tasks = (
            delayed(_fit_member)(member, task, X, y, X_val, y_val, given)
            for member in members
        )
        progress = self._progress(len(members), "valuators")
        self.valuators_ = in_parallel(tasks, progress, n_jobs=self.n_jobs)
        self.named_valuators_ = Bunch(**dict(zip(names, self.valuators_, strict=True)))
        if self.weights is None:
            seed = draw_seed(rng)
            weights = without_poor(self.valuators_, X, y, seed, sample_weight)
        self.weights_ = weights / weights.sum()
        values = [_standardised(member.data_values_) for member in self._fitted()]
        self.data_values_ = np.average(values, axis=0, weights=weights)
        judges = self._judges()
        mean = None
        if judges:
            probabilities, weights = zip(
                *[(member.class_probabilities_, weight) for member, weight in judges],
                strict=True,
            )
            mean = np.average(probabilities, axis=0, weights=weights)
        self._keep_class_probabilities(mean)

    def _fitted(self):
        """The fitted members, of Pipelines the last steps."""
        return [last_step(member) for member in self.valuators_]

    def _judges(self):
        """Members that count and judge labels, with their weights."""
        return [
            (member, weight)
            for member, weight in zip(self._fitted(), self.weights_, strict=True)
            if weight > 0 and hasattr(member, "class_probabilities_")
        ]

    def _label_evidence(self):
        return [
            item for member, _ in self._judges() for item in member._label_evidence()
        ]

    def _members(self):
        """Names, valuators and weights of the members that are not dropped."""
        valuators = self.valuators
        if valuators is None:
            valuators = _default_valuators()
        self._check_valuators(valuators)
        with naming("valuators"):
            self._validate_names([name for name, _ in valuators])
        weights = np.ones(len(valuators))
        if self.weights is not None:
            weights = np.asarray(self.weights, dtype=np.float64)
        kept = np.array([valuator != "drop" for _, valuator in valuators])
        if weights.shape != kept.shape or not (weights >= 0).all():
            raise ValueError(
                f"weights={self.weights!r} must be {len(valuators)} numbers >= 0, one "
                "for each of the valuators."
            )
        if not weights[kept].sum() > 0:
            raise ValueError(
                "All valuators are dropped or have weight 0; at least one must count."
            )
        pairs = [item for item, keep in zip(valuators, kept, strict=True) if keep]
        names, members = zip(*pairs, strict=True)
        return names, members, weights[kept]

    def _check_valuators(self, valuators):
        pairs = all(
            isinstance(item, (tuple, list))
            and len(item) == 2
            and isinstance(item[0], str)
            for item in valuators
        )
        if not valuators or not pairs:
            raise ValueError(
                "valuators must be a non-empty list of (name, valuator) tuples; got "
                f"{valuators!r}."
            )
        for name, valuator in valuators:
            if valuator != "drop" and not is_valuator(valuator):
                raise TypeError(
                    f"valuators: {name!r} is {valuator!r}; a member is a valuator "
                    'of skvalue, a Pipeline that ends in one, or "drop".'
                )
            # Those before it would be fitted first.
            check_device(getattr(last_step(valuator), "device", "cpu"))

    def _given_members(self):
        """Members as far as there are any, before fit has checked the list."""
        listed = self.valuators if isinstance(self.valuators, list) else []
        members = [item[-1] for item in listed if isinstance(item, tuple)]
        return [member for member in members if is_valuator(member)]

    def _can_use_weights(self):
        return all(weight_names(last_step(member)) for member in self._given_members())

    def _known_task(self):
        return agreed_task(self.task, self._given_members())

    @property
    def _takes_rows(self):
        """Each member encodes the rows for itself, or does not."""
        return True

    @property
    def _uses_held_out(self):
        members = self._given_members() or [v for _, v in _default_valuators()]
        tags = [get_tags(last_step(member)) for member in members]
        return any(tag.valuator_tags.held_out for tag in tags)

    @property
    def _accept_sparse(self):
        """X may be sparse where every member takes it."""
        return "csr" if self._all_accept("sparse") else False

    def _all_accept(self, name):
        members = self._given_members()
        if self.valuators is None:
            members = [member for _, member in _default_valuators()]
        tags = [get_tags(member).input_tags for member in members]
        return bool(tags) and all(getattr(tag, name) for tag in tags)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        for name in ["sparse", "allow_nan", "string", "categorical"]:
            setattr(tags.input_tags, name, self._all_accept(name))
        return tags


def _default_valuators():
    # Imported here: torch is loaded only when the neural member is used, and methods
    # do not depend on one another.
    from .data_oob import DataOOB
    from .nddv import NDDVValuator

    return [
        ("nddv", NDDVValuator(utility="cost")),
        ("oob", DataOOB(scoring="log_proba")),
    ]


def _given_to_members(names, members, sample_weight, groups):
    """Weights and groups as far as given, which all members must be able to use."""
    for name, member in zip(names, members, strict=True):
        if sample_weight is not None and not weight_names(last_step(member)):
            raise ValueError(
                f"sample_weight: the member {name!r}, {type(member).__name__}, cannot "
                'use it; leave it out, or set the member to "drop".'
            )
    given = {"sample_weight": sample_weight, "groups": groups}
    return {name: array for name, array in given.items() if array is not None}


def _fit_member(member, task, X, y, X_val, y_val, given):
    member = clone(member)
    tell_task(member, task)
    return fit_valuator(member, X, y, X_val=X_val, y_val=y_val, **given)


def _standardised(values):
    centred = values - values.mean()
    return centred / (values.std() or 1.0)
