r"""DVRL: data valuation by reinforcement learning.

    max over phi of E [held-out score of a model fitted on the rows s],
                    s_i ~ Bernoulli(h_phi(x_i, y_i))

with a network ``h_phi`` that selects rows, trained by REINFORCE (Yoon, Arik & Pfister,
"Data Valuation using Reinforcement Learning", 2020). The values are the probabilities.
"""

import math
from numbers import Integral, Real

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from ._encoder import encode, fit_encoder
from ._validation import validate_more_rows
from .base import BaseValuator
from .utils._folds import average_over_splits, make_splits
from .utils._naming import try_on
from .utils._predictions import finite_predictions, probabilities_or_votes
from .utils._progress import Progress
from .utils._random import integer_seed, seeded
from .utils._rows import take_rows
from .utils._sample_weight import check_takes_weights, fit_weighted
from .utils._selections import held_out_score
from .utils._sklearn import HasMethods, Interval
from .utils._threads import one_thread


class DVRL(BaseValuator):
    r"""Value rows by the probability that a trained selector selects them.

    A network :math:`h_\phi` maps a row and its label to a probability. In each step
    every row of a batch is selected with its probability, a predictor is fitted on the
    selected rows, and its score :math:`R` on the held-out rows is the reward:

    .. math:: \phi \leftarrow \phi + \beta (R - \delta) \nabla_\phi
              \log \pi_\phi(s), \qquad
              \delta \leftarrow \delta + (R - \delta) / T .

    Parameters
    ----------
    estimator : estimator, default=None
        The predictor; any classifier or regressor. None: `LogisticRegression` for
        classes, `Ridge` for real targets.

    max_epochs : int, default=500
        Passes over the training rows.

    batch_size : int, default=2000
        Rows of a step, from which the selector selects.

    hidden_dim : int, default=10
        Units of each hidden layer of the selector. Every weight adds noise to the
        policy gradient: small is better.

    n_layers : int, default=2
        Hidden layers of the selector.

    lr : float, default=0.003
        Learning rate of Adam, > 0.

    baseline_window : int, default=20
        Steps :math:`T` that the moving-average baseline remembers.

    cv : int, cross-validation generator or iterable, default=5
        Folds for cross-fitting where `X_val` is not given.

    device : str, default="cpu"
        Torch device of the selector.

    n_jobs : int or None, default=None
        Folds trained in parallel.

    task : {"auto", "classification", "regression"}, default="auto"
        Whether `y` holds class labels or real targets, see `BaseValuator`.

    encoder : {"auto"}, transformer or None, default="auto"
        What makes numbers of the rows, see `BaseValuator`.

    drop : float, "auto", "negative" or callable, default="auto"
        Which rows are of low value, see `BaseValuator`.

    random_state : int, RandomState instance or None, default=None
        Deals rows to folds; seeds the selector and the predictor.

    memory : str, path-like, joblib.Memory or None, default=None
        Keeps fits, so that another `drop` values no row anew, see `BaseValuator`.

    verbose : int, default=0
        1: print a line of progress now and then, with the time left; 2: all of them.

    Attributes
    ----------
    data_values_ : ndarray of shape (n_samples,), dtype float64
        Selection probabilities in (0, 1): below one half where the selector rather
        leaves the row out, relative to the other rows; higher is better.

    rewards_ : list of ndarray of shape (n_steps,)
        The reward of each step, one array a split: the mean probability of the held-out
        labels (accuracy where the predictor has no probabilities), or the negative
        squared error over the variance.

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
    NDDVValuator : One training run of the predictor's own kind, without inner fits.
    InfluenceFunction : Gradient of the held-out loss instead of a learned policy.

    Notes
    -----
    Cost: one fit of the predictor on about half a batch a step, times the steps, times
    the folds; O(n) memory. A selection is a subset of rows, so the predictor need not
    accept ``sample_weight``. All rows of a step share one reward: the signal for a
    single row is about 1/n of the noise, and what the selector learns is mostly carried
    by what a model of the held-out rows thinks of the label, which it is given. Values
    differ between seeds; nothing ensures convergence.

    Three departures from the authors' code serve that signal. The mean logit of a step
    is held at 0 instead of penalising a mean probability outside [0.1, 0.9]: more rows
    are better almost regardless of which, and that would drown the rest. The held-out
    model's disagreement enters as one number, standardised. All rows start at one half.

    A row's label enters as a one-hot code, or standardised where it is real; features
    are standardised. An empty selection, or one of a single class, is scored as the
    prediction of that class. The reward is a probability, not its logarithm: it
    correlates more with the number of wrong labels selected, and wrong labels among the
    held-out rows would make a logarithm reward uncertainty.

    References
    ----------
    J. Yoon, S. Arik, T. Pfister (2020), "Data Valuation using Reinforcement Learning",
    ICML.

    R. J. Williams (1992), "Simple Statistical Gradient-Following Algorithms for
    Connectionist Reinforcement Learning", Machine Learning.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from skvalue.dvrl import DVRL
    >>> X, y = make_blobs(120, centers=2, random_state=0)
    >>> valuator = DVRL(max_epochs=5, cv=2, random_state=0).fit(X, y)
    >>> valuator.data_values_.shape
    (120,)
    """

    _uses_held_out = True
    _cost = "many fits of parts of the rows"

    _parameter_constraints = {
        **BaseValuator._parameter_constraints,
        "estimator": [HasMethods(["fit", "predict"]), None],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "hidden_dim": [Interval(Integral, 1, None, closed="left")],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "baseline_window": [Interval(Integral, 1, None, closed="left")],
        "cv": ["cv_object"],
        "device": [str],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        estimator=None,
        *,
        max_epochs=500,
        batch_size=2000,
        hidden_dim=10,
        n_layers=2,
        lr=0.003,
        baseline_window=20,
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
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.hidden_dim = hidden_dim
        self.n_layers = n_layers
        self.lr = lr
        self.baseline_window = baseline_window
        self.cv = cv
        self.device = device
        self.n_jobs = n_jobs

    def predict_values(self, X, y):
        """Value rows outside the training set.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_rows, n_features)
            The rows.

        y : array-like of shape (n_rows,)
            Their labels or real targets.

        Returns
        -------
        ndarray of shape (n_rows,)
            Selection probabilities; the mean over the folds where `fit` had no `X_val`.
        """
        check_is_fitted(self, "data_values_")
        from ._torch.dvrl import selection_probabilities

        X, y = validate_more_rows(self, X, y)
        numbers = encode(self, X, "X") if self._takes_rows else X
        with one_thread():
            probabilities = [
                selection_probabilities(selector, *encoder.encode(X, numbers, y))
                for selector, encoder in zip(
                    self._selectors, self._encoders, strict=True
                )
            ]
        return np.mean(probabilities, axis=0)

    def _fit(self, X, y, X_val, y_val, *, sample_weight=None, groups=None):
        classification = hasattr(self, "classes_")
        # The selector reads numbers, an estimator of the user's the rows as they came.
        numbers = fit_encoder(self, X, y) if self._takes_rows else X
        estimator = self.estimator
        if estimator is None:
            # Converged further, it ranks selections alike, at many times the cost.
            linear = LogisticRegression(tol=0.01, max_iter=1000)
            estimator = linear if classification else Ridge()
        splits = make_splits(
            X,
            y,
            X_val,
            y_val,
            cv=self.cv,
            classification=classification,
            seed=integer_seed(self.random_state),
            sample_weight=sample_weight,
            groups=groups,
        )
        check_takes_weights(estimator, sample_weight)
        if not classification and any(np.ptp(split.y_val) == 0 for split in splits):
            raise ValueError(
                "DVRL measures errors beside the variance of held-out targets, and "
                "those of a fold, or y_val, are all equal; give more rows."
            )
        tasks = (
            delayed(_play)(
                estimator,
                take_rows(X, split.rows),
                numbers[split.rows],
                y[split.rows],
                split,
                len(self.classes_) if classification else None,
                self.get_params(deep=False),
                f"DVRL, split {number} of {len(splits)}",
            )
            for number, split in enumerate(splits, start=1)
        )
        results = Parallel(n_jobs=self.n_jobs)(tasks)
        values, self._selectors, self._encoders, self.rewards_ = map(
            list, zip(*results, strict=True)
        )
        rows = [split.rows for split in splits]
        self.data_values_ = average_over_splits(rows, values, len(y))

    def _plausible_rows(self):
        return self.data_values_ >= 0.5

    def _model_of_y(self):
        return self.estimator

    def _reader(self):
        return self.estimator


@one_thread()
def _play(estimator, X, numbers, y, split, n_classes, settings, who):
    """Train a selector on the rows of a split; return what it thinks of each."""
    from ._torch.dvrl import selection_probabilities, train_selector

    estimator = seeded(estimator, split.seed)
    batch_size = min(settings["batch_size"], len(y))
    try_on(estimator, X, y)
    encoder = _RowEncoder(estimator, X, numbers, y, split, n_classes)
    rows, doubts = encoder.encode(X, numbers, y)

    def reward(selected):
        return held_out_score(estimator, X, y, selected, split, n_classes)

    n_steps = settings["max_epochs"] * math.ceil(len(y) / batch_size)
    names = ("baseline_window", "hidden_dim", "n_layers", "lr", "device")
    selector, rewards = train_selector(
        rows,
        doubts,
        reward,
        n_steps=n_steps,
        batch_size=batch_size,
        seed=split.seed,
        progress=Progress(who, n_steps, "steps", settings["verbose"]),
        **{name: settings[name] for name in names},
    )
    return selection_probabilities(selector, rows, doubts), selector, encoder, rewards


class _RowEncoder:
    """What the selector sees of a row: features, label, the held-out model's doubt."""

    def __init__(self, estimator, X, numbers, y, split, n_classes):
        self.n_classes = n_classes
        self.mean, self.scale = numbers.mean(axis=0), numbers.std(axis=0)
        self.scale[self.scale == 0] = 1.0
        self.target_mean, self.target_scale = y.mean(), y.std() or 1.0
        self.model = None
        # Held-out rows of one class make no model, so they doubt nothing.
        if len(np.unique(split.y_val)) > 1:
            self.model = fit_weighted(
                clone(estimator), split.X_val, split.y_val, split.sample_weight_val
            )
            doubts = self._doubts(X, self._encode_labels(y))
            self.doubt_mean, self.doubt_scale = doubts.mean(), doubts.std() or 1.0

    def encode(self, X, numbers, y):
        labels = self._encode_labels(y)
        rows = np.hstack(((numbers - self.mean) / self.scale, labels))
        if self.model is None:
            return rows, np.zeros((len(y), 1))
        return rows, (self._doubts(X, labels) - self.doubt_mean) / self.doubt_scale

    def _encode_labels(self, y):
        if self.n_classes is None:
            return ((y - self.target_mean) / self.target_scale)[:, None]
        return np.eye(self.n_classes)[y]

    def _doubts(self, X, labels):
        return np.abs(labels - self._expected_labels(X)).sum(axis=1, keepdims=True)

    def _expected_labels(self, X):
        if self.n_classes is None:
            predicted = finite_predictions(self.model, X)
            return ((predicted - self.target_mean) / self.target_scale)[:, None]
        return probabilities_or_votes(self.model, X, self.n_classes)
