r"""KNN-Shapley: exact Shapley values of the rows of a nearest-neighbour predictor.

.. math:: v_i = \frac{1}{|V|} \sum_{(x, y) \in V} \phi_i\bigl(U_{(x, y)}\bigr),
   \qquad U_{(x, y)}(S) = \frac{1}{K} \sum_{k=1}^{\min(K, |S|)} 1[y_{(k)} = y],

where :math:`y_{(k)}` is the label of the k-th nearest row of S. Sorting the rows by
distance makes every :math:`\phi_i` a closed expression (``_knn_recursions``).

Source: Jia et al., "Efficient Task-Specific Data Valuation for Nearest Neighbor
Algorithms", VLDB 2019.
"""

from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from .._validation import validate_more_rows
from ..base import BaseValuator
from ..utils._attributions import mean_over_splits
from ..utils._folds import average_over_splits, make_splits
from ..utils._random import integer_seed
from ..utils._sklearn import Interval, StrOptions
from ._chunks import Problem, chunk_attributions, chunk_newcomers, chunk_values
from ._exactness import check_exact
from ._order import NeighbourOrder

# Rows whose neighbours tell the default radius.
_N_RADIUS_ROWS = 1000


class KNNShapley(BaseValuator):
    r"""Exact Shapley values of training rows for nearest-neighbour prediction.

    A row is worth what it adds, on average over the coalitions of other rows that it
    may join, to the utility of a k-nearest-neighbour predictor on held-out rows.
    For one held-out row :math:`(x, y)`, with :math:`y_{(k)}` the label of the k-th
    nearest row of the coalition S to x, ``utility`` is

    - ``"hard"``: :math:`\frac{1}{K} \sum_{k \le \min(K, |S|)} 1[y_{(k)} = y]`;
    - ``"soft"``: the share of right labels among the :math:`\min(K, |S|)` nearest,
      1 / n_classes for no row;
    - ``"threshold"``: the share of right labels among the rows of S within ``radius``,
      1 / n_classes where there are none;
    - regression: :math:`-(\bar y + \frac{1}{K} \sum_{k \le \min(K, |S|)}
      (y_{(k)} - \bar y) - y)^2`, with the mean training target :math:`\bar y`, so
      that no neighbours predict the mean.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of neighbours K, at least 1; may exceed the number of rows.

    weights : {"uniform", "distance"}, default="uniform"
        ``"distance"`` counts a right label as ``d_nearest / d``, the distance of the
        nearest training row over that of the neighbour, at most 1. Only for
        ``utility="hard"`` in classification, where this is exact. Weights that are
        normalised over each coalition, as in `KNeighborsClassifier`, have no
        recursion (the exact values cost O(n^K)) and are not offered.

    utility : {"hard", "soft", "threshold"}, default="hard"
        The utility of a coalition, see above. Regression has ``"hard"`` only.

    metric : str or callable, default="euclidean"
        Distance, as in `sklearn.metrics.pairwise_distances`; not "precomputed".

    radius : float or None, default=None
        For ``utility="threshold"``: neighbours are no further than this, in units of
        `metric`. None: the median distance of a training row to its `n_neighbors`-th
        nearest other row.

    max_rank : int or None, default=None
        Value only the rows that are among the `max_rank` nearest of a held-out row,
        the others 0 for that row: cheaper, with an error of at most ``1 / max_rank``.
        At least `n_neighbors`; only for ``utility="hard"`` in classification. None is
        exact.

    cv : int, cross-validation generator or iterable, default=5
        Without ``X_val``, folds of the training rows: each in turn is held out.

    device : str, default="cpu"
        Torch device that computes and sorts the distances, in double precision:
        ``metric="euclidean"`` and dense rows only. ``"cpu"`` is NumPy.

    task : {"auto", "classification", "regression"}, default="auto"
        Whether `y` holds class labels or real targets, see `BaseValuator`.

    encoder : {"auto"}, transformer or None, default="auto"
        What makes numbers of the rows, see `BaseValuator`.

    drop : float, "auto", "negative" or callable, default="auto"
        Which rows are of low value, see `BaseValuator`.

    n_jobs : int or None, default=None
        Number of threads. The values do not depend on it.

    random_state : int, RandomState instance or None, default=None
        Deals the rows to folds.

    memory : str, path-like, joblib.Memory or None, default=None
        Keeps fits, so that another `drop` values no row anew, see `BaseValuator`.

    verbose : int, default=0
        1: print a line of progress now and then, with the time left; 2: all of them.

    Attributes
    ----------
    data_values_ : ndarray of shape (n_samples,), dtype float64
        Value of each training row, in units of the utility (share of right labels;
        regression: squared target); higher is better.

    radius_ : float
        Radius in use, for ``utility="threshold"``.

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
    ValueError
        If an option is not exact for the target or utility asked for.

    See Also
    --------
    DataOOB : Out-of-bag accuracy of each row; better on many columns.
    DataShapley : Shapley values for any estimator, by sampling.

    Notes
    -----
    Cost O(n_val n (n_features + log n)); memory O(n) beyond the data: held-out rows
    are taken in chunks. With ``max_rank`` the sort is a partition; the threshold
    utility sorts nothing. Scale the columns first: distances mix them.

    Rows at the same distance count in the order of the training rows.

    References
    ----------
    .. [1] R. Jia, D. Dao, B. Wang, F. A. Hubis, N. M. Gurel, B. Li, C. Zhang,
       C. Spanos, D. Song, "Efficient Task-Specific Data Valuation for Nearest Neighbor
       Algorithms", VLDB 2019.
    .. [2] J. T. Wang, R. Jia, "A Note on 'Efficient Task-Specific Data Valuation for
       Nearest Neighbor Algorithms'", 2023.
    .. [3] J. T. Wang, Y. Zhu, Y.-X. Wang, R. Jia, P. Mittal, "Threshold KNN-Shapley: A
       Linear-Time and Privacy-Friendly Approach to Data Valuation", NeurIPS 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from skvalue.neighbors import KNNShapley
    >>> X = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]])
    >>> y = ["a", "b", "a", "b", "b", "b"]
    >>> valuator = KNNShapley(n_neighbors=1).fit(
    ...     X, y, X_val=[[0.9], [11.2]], y_val=["a", "b"]
    ... )
    >>> valuator.data_values_.round(3)
    array([ 0.167, -0.233,  0.142,  0.142,  0.142,  0.142])
    """

    _uses_held_out = True
    _cost = "one sort a held-out row"

    _parameter_constraints = {
        **BaseValuator._parameter_constraints,
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "weights": [StrOptions({"uniform", "distance"})],
        "utility": [StrOptions({"hard", "soft", "threshold"})],
        "metric": [str, callable],
        "radius": [Interval(Real, 0, None, closed="left"), None],
        "max_rank": [Interval(Integral, 1, None, closed="left"), None],
        "cv": ["cv_object"],
        "device": [str],
        "n_jobs": [Integral, None],
    }

    _accept_sparse = "csr"

    def __init__(
        self,
        n_neighbors=5,
        *,
        weights="uniform",
        utility="hard",
        metric="euclidean",
        radius=None,
        max_rank=None,
        cv=5,
        device="cpu",
        task="auto",
        encoder="auto",
        drop="auto",
        n_jobs=None,
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
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.utility = utility
        self.metric = metric
        self.radius = radius
        self.max_rank = max_rank
        self.cv = cv
        self.device = device
        self.n_jobs = n_jobs

    def _fit(self, X, y, X_val, y_val, *, groups=None):
        classification = hasattr(self, "classes_")
        check_exact(self, classification)
        self._check_device(X)
        vars(self).pop("radius_", None)
        if self.utility == "threshold":
            self.radius_ = self._radius(X) if self.radius is None else self.radius
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
        self._rows, self._splits = X, splits
        results, votes = [], []
        progress = self._progress(sum(len(s.y_val) for s in splits), "held-out rows")
        for split in splits:
            with self._task("split"):
                total, counts = 0, []
                before = progress.done
                for chunk, (values, count) in self._each_chunk(
                    chunk_values, split, self.max_rank
                ):
                    total = total + values
                    counts.append(count)
                    progress.update(before + min(chunk.stop, len(split.y_val)))
                results.append(total / len(split.y_val))
                votes.append(counts)
        progress.finish()
        self._keep_votes(splits, votes)
        self.data_values_ = average_over_splits(
            [split.rows for split in splits], results, len(y)
        )

    def _keep_votes(self, splits, votes):
        """Class probabilities of the rows by their neighbours in other folds."""
        if not hasattr(self, "classes_") or splits[0].held_out is None:
            self._keep_class_probabilities(None)
            return
        # One vote beforehand, spread over the classes: no probability is 0.
        n_classes = len(self.classes_)
        counts = np.full((len(self._target), n_classes), 1 / n_classes)
        for split, of_chunks in zip(splits, votes, strict=True):
            counts[split.held_out] += np.concatenate(of_chunks)
        self._keep_class_probabilities(counts)

    def _check_device(self, X):
        """Refuse what a device does not compute, before any distance is."""
        if self.device == "cpu":
            return
        if self.metric != "euclidean" or issparse(X):
            raise ValueError(
                f'device={self.device!r} needs metric="euclidean" and dense X; use '
                'device="cpu".'
            )

    def _order(self, X):
        if self.device == "cpu":
            return NeighbourOrder(X, self.metric)
        # torch is imported here, so that the method stays light without a device.
        from ._device_order import DeviceNeighbourOrder

        return DeviceNeighbourOrder(X, self.device)

    def _radius(self, X):
        """Median distance of a training row to its n_neighbors-th other row."""
        order = self._order(X)
        n_samples = X.shape[0]
        step = -(-n_samples // _N_RADIUS_ROWS)
        # The nearest row is the row itself.
        n_nearest = min(self.n_neighbors + 1, n_samples)
        rows = np.arange(0, n_samples, step)
        furthest = [
            order.distances(order.sorted_keys(X[rows[chunk]], n_nearest)[:, -1])
            for chunk in order.chunks(len(rows))
        ]
        return float(np.median(np.concatenate(furthest)))

    def _each_chunk(self, worker, split, *args):
        """Chunks of held-out rows, with results of a worker for each, in order."""
        problem = Problem(
            order=self._order(self._rows[split.rows]),
            target=self._small_codes(self._target[split.rows]),
            utility=self.utility if hasattr(self, "classes_") else "regression",
            n_neighbors=self.n_neighbors,
            weighted=self.weights == "distance",
            n_classes=len(self.classes_) if hasattr(self, "classes_") else None,
            radius=getattr(self, "radius_", None),
        )
        parallel = Parallel(
            n_jobs=self.n_jobs,
            prefer="threads",
            return_as="generator",
        )
        chunks = problem.order.chunks(len(split.y_val))
        results = parallel(
            delayed(worker)(problem, split.X_val[chunk], split.y_val[chunk], *args)
            for chunk in chunks
        )
        return zip(chunks, results, strict=True)

    def _small_codes(self, target):
        """Class codes of the smallest type: gathering them stays in the cache."""
        if not hasattr(self, "classes_"):
            return target
        return target.astype(np.min_scalar_type(len(self.classes_)))

    def attributions(self, X_val, y_val):
        """Value of each training row for each of some held-out rows.

        The row of the lowest value is what made a wrong prediction wrong.

        Parameters
        ----------
        X_val : {array-like, sparse matrix} of shape (n_val, n_features)
            Held-out rows, those of `fit` or others.

        y_val : array-like of shape (n_val,)
            Their labels or targets.

        Returns
        -------
        attributions : ndarray of shape (n_samples, n_val)
            Shapley values of the game of each held-out row, in units of the utility;
            without ``X_val`` in `fit`, the mean over the folds that have the training
            row. The mean over the held-out rows of `fit` is ``data_values_``.
        """
        check_is_fitted(self, "data_values_")
        X_val, y_val = validate_more_rows(self, X_val, y_val, names=("X_val", "y_val"))
        blocks = self._blocks(X_val, y_val)
        return mean_over_splits(blocks, (len(self._target), len(y_val)))

    def _blocks(self, X_val, y_val):
        """Training rows, held-out rows and attributions of each chunk of each split."""
        for split in self._splits:
            split = split._replace(X_val=X_val, y_val=y_val)
            for chunk, block in self._each_chunk(
                chunk_attributions, split, self.max_rank
            ):
                yield split.rows, chunk, block

    def predict_values(self, X, y):
        """Value that each new row would have if it joined the training rows alone.

        Exact in the splits that `fit` played (every fold in turn, or ``X_val``), also
        where `max_rank` is given. A new row ranks behind training rows at the same
        distance.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_new, n_features)
            New rows.

        y : array-like of shape (n_new,)
            Their labels or targets.

        Returns
        -------
        values : ndarray of shape (n_new,)
            In units of the utility; higher is better.
        """
        check_is_fitted(self, "data_values_")
        X, y = validate_more_rows(self, X, y)
        values = np.zeros(len(y))
        for split in self._splits:
            chunks = self._each_chunk(chunk_newcomers, split, X, y)
            total = sum(values for _, values in chunks)
            values += total / len(split.y_val)
        return values / len(self._splits)
