r"""LAVA: how far more weight on a row moves the training data from the held-out rows.

    C((x, y), (x', y')) = d(x, x') + label_cost * W(rows of y, held-out rows of y')
    value_i = -(f_i - mean of f_j over j != i)

with the dual potential ``f`` of the optimal transport with cost ``C`` from the training
to the held-out rows (Just et al., "LAVA: Data Valuation without Pre-Specified Learning
Algorithms", 2023). No model is fitted.
"""

from numbers import Integral, Real

import numpy as np
from sklearn.utils.parallel import delayed
from sklearn.utils.validation import check_is_fitted

from ._row_transport import Settings, mean_of_known, transported, values_of_new_rows
from ._transport import import_ot
from ._validation import validate_more_rows
from .base import BaseValuator
from .utils._folds import average_over_splits, make_splits
from .utils._progress import in_parallel
from .utils._random import integer_seed
from .utils._sklearn import Interval, StrOptions


class LAVA(BaseValuator):
    r"""Value rows by their gradient of the transport distance to held-out rows.

    With the dual potential :math:`f` of the optimal transport between the training and
    the held-out rows, the value is the negative calibrated gradient

    .. math:: v_i = \frac{1}{n-1} \sum_{j \ne i} f_j - f_i,

    the rate at which the distance falls when weight is moved to row :math:`i` from all
    others. Two rows are compared by their features and their labels by the Wasserstein
    distance between the rows of those labels:

    .. math:: C = d(x, x') + \lambda\, W_d(\mu_y, \nu_{y'}).

    Parameters
    ----------
    feature_cost : str, default="sqeuclidean"
        The cost :math:`d` of moving one row's features to another's:
        ``"sqeuclidean"``, ``"euclidean"``, ``"cityblock"`` or ``"cosine"``.

    label_cost : float, default=1.0
        Weight :math:`\lambda` of the distance between labels, >= 0. For real targets
        that distance is :math:`(y-y')^2`, scaled to the mean of :math:`d`.

    regularization : float, default=0.1
        Entropic regularization in units of the mean cost, >= 0: Sinkhorn iterations. 0
        solves the linear program exactly, by the network simplex; see Notes.

    batch_size : int or None, default=4096
        Training rows that are transported at once, and held-out rows at most, >= 2; see
        Notes. None: all, whatever the memory.

    cv : int, cross-validation generator or iterable, default=5
        Folds for cross-fitting where `X_val` is not given.

    n_jobs : int or None, default=None
        Folds computed in parallel.

    task : {"auto", "classification", "regression"}, default="auto"
        Whether `y` holds class labels or real targets, see `BaseValuator`.

    encoder : {"auto"}, transformer or None, default="auto"
        What makes numbers of the rows, see `BaseValuator`.

    drop : float, "auto", "negative" or callable, default="auto"
        Which rows are of low value, see `BaseValuator`.

    random_state : int, RandomState instance or None, default=None
        Deals rows to folds and to batches; nothing else is random.

    memory : str, path-like, joblib.Memory or None, default=None
        Keeps fits, so that another `drop` values no row anew, see `BaseValuator`.

    verbose : int, default=0
        1: print a line of progress now and then, with the time left; 2: all of them.

    Attributes
    ----------
    data_values_ : ndarray of shape (n_samples,), dtype float64
        Negative calibrated gradients, in units of `feature_cost`; higher is better.

    label_distances_ : ndarray of shape (n_classes, n_classes)
        Wasserstein distances from the training rows of a class (row) to the held-out
        rows of a class (column), in units of `feature_cost`; the mean over the folds
        that have both. Not set for real targets.

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

    Raises
    ------
    ImportError
        In `fit` with ``regularization=0``, where POT, the extra ``ot``, is missing.

    See Also
    --------
    KNNShapley : Another method without a model, by neighbours.
    InfluenceFunction : Gradient of a model's loss instead of a distance.

    Notes
    -----
    The network simplex takes about O(n m log(n + m)) on typical data and O((n + m)^3)
    at worst, Sinkhorn O(n m) an iteration; either holds n m floats for m held-out rows.
    The label distances are as much work again, whatever the number of classes: each
    pair of classes is transported once, on a block of the same cost matrix, many small
    blocks in one solve.

    Sets of more rows than `batch_size` are dealt to batches, the classes spread evenly.
    The label distances and the held-out rows' potentials are means over (at most 16)
    batches; the training rows' potentials follow from those in one pass, O(m) a row.
    Of more than `batch_size` held-out rows that many are drawn. So memory is about
    five times `batch_size` times m floats, for any number of rows.

    Distances must mean something: scale the features, or use embeddings, as the paper
    does. The exact potentials follow single held-out rows: where a class has another
    share of the held-out rows than of the training rows, some of its rows must cross to
    a distant class, and that decides the potentials of all. Regularization averages it
    out and finds more wrong labels (flipped digits: AUC .90 instead of .75 for n = 600,
    m = 300); the paper's experiments regularize.

    References
    ----------
    M. Cuturi (2013), "Sinkhorn Distances: Lightspeed Computation of Optimal Transport",
    NeurIPS.

    B. Schmitzer (2019), "Stabilized Sparse Scaling Algorithms for Entropy Regularized
    Transport Problems", SIAM Journal on Scientific Computing.

    H. A. Just, F. Kang, J. T. Wang, Y. Zeng, M. Ko, M. Jin, R. Jia (2023), "LAVA: Data
    Valuation without Pre-Specified Learning Algorithms", ICLR.

    K. Fatras, Y. Zine, R. Flamary, R. Gribonval, N. Courty (2020), "Learning with
    Minibatch Wasserstein: Asymptotic and Gradient Properties", AISTATS.

    S. Kessler, T. Le, V. Nguyen (2025), "SAVA: Scalable Learning-Agnostic Data
    Valuation", ICLR.

    D. Alvarez-Melis, N. Fusi (2020), "Geometric Dataset Distances via Optimal
    Transport", NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from skvalue.lava import LAVA
    >>> X, y = load_iris(return_X_y=True)
    >>> y[:5] = 2  # setosa, labelled virginica
    >>> valuator = LAVA(random_state=0)
    >>> values = valuator.fit(X, y).data_values_
    >>> bool(values[:5].max() < np.median(values[5:50]))
    True
    """

    _uses_held_out = True
    _cost = "one transport plan a fold"

    _parameter_constraints = {
        **BaseValuator._parameter_constraints,
        "feature_cost": [
            StrOptions({"sqeuclidean", "euclidean", "cityblock", "cosine"})
        ],
        "label_cost": [Interval(Real, 0, None, closed="left")],
        "regularization": [Interval(Real, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 2, None, closed="left"), None],
        "cv": ["cv_object"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        *,
        feature_cost="sqeuclidean",
        label_cost=1.0,
        regularization=0.1,
        batch_size=4096,
        cv=5,
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
        self.feature_cost = feature_cost
        self.label_cost = label_cost
        self.regularization = regularization
        self.batch_size = batch_size
        self.cv = cv
        self.n_jobs = n_jobs

    def predict_values(self, X, y):
        """Value rows as if they stood among the training rows.

        Their potential follows from those of the held-out rows, so that a training row
        gets the potential that it has.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_rows, n_features)
            Rows outside the training set.

        y : array-like of shape (n_rows,)
            Their labels or real targets.

        Returns
        -------
        ndarray of shape (n_rows,)
            Negative calibrated gradients; the mean over the folds where `fit` had no
            `X_val`.
        """
        check_is_fitted(self, "data_values_")
        X, y = validate_more_rows(self, X, y)
        everyone = [slice(None)] * len(self._transports)
        values = [
            values_of_new_rows(X, y, transport, self.feature_cost)
            for transport in self._transports
        ]
        return average_over_splits(everyone, values, len(X))

    def _fit(self, X, y, X_val, y_val, *, groups=None):
        if self.regularization == 0:
            import_ot()
        classification = hasattr(self, "classes_")
        splits = make_splits(
            X,
            y,
            X_val,
            y_val,
            cv=self.cv,
            classification=classification,
            seed=integer_seed(self.random_state),
            groups=groups,
        )
        settings = Settings(
            len(self.classes_) if classification else None,
            self.feature_cost,
            self.label_cost,
            self.regularization,
            self.batch_size or max(len(y), *(len(split.y_val) for split in splits)),
        )
        tasks = (
            delayed(transported)(
                X[split.rows],
                y[split.rows],
                split.X_val,
                split.y_val,
                settings,
                split.seed,
            )
            for split in splits
        )
        progress = self._progress(len(splits), "splits")
        results = in_parallel(tasks, progress, n_jobs=self.n_jobs)
        values, self._transports = map(list, zip(*results, strict=True))
        vars(self).pop("label_distances_", None)
        if classification:
            distances = [transport.label_distances for transport in self._transports]
            self.label_distances_ = mean_of_known(np.stack(distances))
        self.data_values_ = average_over_splits(
            [split.rows for split in splits], values, len(y)
        )
