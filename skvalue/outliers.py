r"""Any outlier detector of scikit-learn as a valuator of the feature side.

.. math:: v_i = s(x_i),

with s the detector's normality score. Source: Liu, Ting, Zhou, "Isolation Forest",
ICDM 2008, for the default.
"""

import numpy as np
from sklearn.base import is_outlier_detector
from sklearn.ensemble import IsolationForest
from sklearn.utils import check_random_state

from .base import BaseValuator
from .utils._naming import reading
from .utils._random import draw_seed, integer_seed, seeded
from .utils._rows import take_rows
from .utils._sample_weight import check_takes_weights, fit_weighted
from .utils._sklearn import HasMethods


class OutlierValuator(BaseValuator):
    r"""Value of a row: how normal an outlier detector finds its features.

    :math:`v_i = s(x_i)`, the detector's ``score_samples`` of the rows that it was
    fitted on (`LocalOutlierFactor`: ``negative_outlier_factor_``). Labels are not
    used: it finds rows with corrupted features, not wrong labels.

    Parameters
    ----------
    detector : outlier detector or None, default=None
        Estimator with ``fit`` and ``score_samples``, or `LocalOutlierFactor`. None:
        `IsolationForest` with 200 trees.

    task : {"auto", "classification", "regression"}, default="auto"
        Whether `y` holds class labels or real targets, see `BaseValuator`.

    encoder : {"auto"}, transformer or None, default="auto"
        What makes numbers of the rows, see `BaseValuator`.

    drop : float, "auto", "negative" or callable, default="auto"
        Which rows are of low value, see `BaseValuator`. ``"auto"`` never drops a row
        that the detector calls an inlier.

    random_state : int, RandomState instance or None, default=None
        Seeds a detector whose own `random_state` is None.

    memory : str, path-like, joblib.Memory or None, default=None
        Keeps fits, so that another `drop` values no row anew, see `BaseValuator`.

    verbose : int, default=0
        1: print a line of progress now and then, with the time left; 2: all of them.

    Attributes
    ----------
    data_values_ : ndarray of shape (n_samples,), dtype float64
        Normality score of each training row, in the detector's units; higher is
        better.

    detector_ : estimator
        The fitted detector.

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

    Raises
    ------
    ValueError
        If `detector` is no outlier detector.

    See Also
    --------
    FeatureConfidence : Rows whose columns do not fit one another.
    ConsensusValuator : Mean of several methods, for both kinds of noise.

    Notes
    -----
    Cost and memory are the detector's. Whether features of clean rows may be rare is
    for the user to judge: rare is not wrong.

    References
    ----------
    .. [1] F. T. Liu, K. M. Ting, Z.-H. Zhou, "Isolation Forest", ICDM 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from skvalue.outliers import OutlierValuator
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> X[7] = 10
    >>> valuator = OutlierValuator(random_state=0).fit(X, np.arange(100) % 2)
    >>> int(valuator.data_values_.argmin())
    7
    """

    _cost = "one detector"

    _parameter_constraints = {
        **BaseValuator._parameter_constraints,
        "detector": [HasMethods(["fit"]), None],
    }

    _weighted_parts = ("detector",)

    def __init__(
        self,
        detector=None,
        *,
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
        self.detector = detector

    def _reader(self):
        return self.detector

    def _fit(self, X, y, X_val, y_val, *, sample_weight=None):
        detector = self.detector
        if detector is None:
            detector = IsolationForest(n_estimators=200)
        if not is_outlier_detector(detector):
            raise ValueError(
                f"detector={detector!r} is no outlier detector of scikit-learn; use "
                "one, such as IsolationForest."
            )
        rng = check_random_state(integer_seed(self.random_state))
        check_takes_weights(detector, sample_weight, name="detector")
        detector = seeded(detector, draw_seed(rng))
        progress = self._progress(1, "detectors")
        with reading("detector", detector, X):
            if sample_weight is None:
                self.detector_ = detector.fit(X)
            else:
                # An isolation forest cannot draw without replacement beyond these.
                rows = np.flatnonzero(sample_weight)
                self.detector_ = fit_weighted(
                    detector, take_rows(X, rows), None, sample_weight[rows]
                )
            scores = self._scores(X)
        progress.update(1)
        progress.finish()
        self.data_values_ = np.asarray(scores, dtype=np.float64)
        # Local outlier factors without novelty know their own rows only.
        self._inliers = (
            self.detector_.predict(X) == 1
            if hasattr(self.detector_, "predict")
            else self.data_values_ >= self.detector_.offset_
        )

    def _scores(self, X):
        if hasattr(self.detector_, "score_samples"):
            return self.detector_.score_samples(X)
        return self.detector_.negative_outlier_factor_

    def _plausible_rows(self):
        return self._inliers
