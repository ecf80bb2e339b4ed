r"""Leave-one-out: what a row adds to all the others.

.. math:: \phi_i = U(N) - U(N \setminus i)

Cook, "Detection of Influential Observation in Linear Regression", Technometrics 1977.
"""

import numpy as np
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from .._validation import validate_more_rows
from ..utils._attributions import mean_over_splits
from ..utils._chunks import row_chunks
from ..utils._folds import average_over_splits
from ..utils._random import integer_seed
from ..utils._rows import take_rows
from ..utils._threads import one_thread
from ._game_valuator import GameValuator
from ._row_utility import RowUtility, output_of_scoring

# Rows that one task leaves out, by refits and by the batched engine.
ROWS_A_BLOCK = 16
ROWS_A_BATCH = 1024


class LeaveOneOut(GameValuator):
    r"""Leave-one-out: utility of all rows minus utility without the row.

    .. math:: \phi_i = U(N) - U(N \setminus i)

    Exact and deterministic given the folds, but with many rows it mostly measures what
    the last digit of the model does: Data Shapley averages over smaller coalitions too.

    Parameters
    ----------
    estimator : estimator object, default=None
        What is fitted on coalitions: any classifier or regressor, Pipelines included.
        None: `LogisticRegression`; `Ridge` for continuous targets. Where it would draw
        its own ``random_state`` it gets one seed for all coalitions.

    scoring : str, callable or None, default=None
        Utility of a fitted coalition on held-out rows: a scorer name, a callable
        ``scorer(estimator, X, y)``, or None for the mean predicted probability of the
        true class (accuracy where there is no ``predict_proba``); for regression R²,
        clipped at -1.

    cv : int, cross-validation generator or iterable, default=5
        Folds that are held out in turn where `fit` gets no `X_val`; a row's value is
        the mean over the folds that it is not held out in.

    unit : {"rows", "groups"}, default="rows"
        What is left out: single rows, or the `groups` that `fit` gets, whose rows are
        left out together.

    task : {"auto", "classification", "regression"}, default="auto"
        Whether `y` holds class labels or real targets, see `BaseValuator`.

    encoder : {"auto"}, transformer or None, default="auto"
        What makes numbers of the rows, see `BaseValuator`.

    drop : float, "auto", "negative" or callable, default="auto"
        Which rows are of low value, see `BaseValuator`.

    device : str, default="cpu"
        Torch device of the batched engine.

    n_jobs : int or None, default=None
        Joblib workers. ``joblib.parallel_config(backend="dask")`` spreads the same call
        over a cluster. The values do not depend on it.

    random_state : int, RandomState instance or None, default=None
        Seed of the folds.

    memory : str, path-like, joblib.Memory or None, default=None
        Keeps fits, so that another `drop` values no row anew, see `BaseValuator`.

    verbose : int, default=0
        1: print a line of progress now and then, with the time left; 2: all of them.

    Attributes
    ----------
    data_values_ : ndarray of shape (n_samples,), dtype float64
        Values, in units of `scoring`; higher is better.

    n_evaluations_ : int
        Fits of coalitions that the values are made of.

    groups_ : ndarray of shape (n_groups,)
        The labels of the groups, sorted, where `fit` got `groups`.

    group_values_ : ndarray of shape (n_groups,), dtype float64
        Value of each of them: as a player with ``unit="groups"``, where each of its
        rows gets an equal share; else the sum of the values of its rows.

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

    See Also
    --------
    DataShapley : Contributions to coalitions of every size.

    Notes
    -----
    n + 1 fits. Where the batched engine applies (see `DataShapley`), the fits without a
    row start from the fit of all rows and its Hessian, and go on in double precision
    until rounding ends them. The values are those of refits that are solved as far,
    whatever the ``tol`` and ``max_iter`` of the estimator, at a small part of the cost:
    :math:`O(n^2 d)` for logistic models, :math:`O(n d^2 + n\, n_{val}\, d)` for ridge
    models. Memory is linear in n.

    References
    ----------
    R. D. Cook (1977). Detection of Influential Observation in Linear Regression.
    Technometrics 19.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from skvalue import LeaveOneOut
    >>> X, y = make_classification(100, 5, class_sep=2.0, random_state=0)
    >>> y[:10] = 1 - y[:10]
    >>> valuator = LeaveOneOut(random_state=0).fit(X, y)
    >>> flipped, others = valuator.data_values_[:10], valuator.data_values_[10:]
    >>> bool(flipped.mean() < others.mean())
    True
    """

    _cost = "one fit a row; of linear models at once"

    def __init__(
        self,
        estimator=None,
        *,
        scoring=None,
        cv=5,
        unit="rows",
        task="auto",
        encoder="auto",
        drop="auto",
        device="cpu",
        n_jobs=None,
        random_state=None,
        memory=None,
        verbose=0,
    ):
        super().__init__(
            estimator,
            scoring=scoring,
            cv=cv,
            task=task,
            encoder=encoder,
            drop=drop,
            device=device,
            n_jobs=n_jobs,
            random_state=random_state,
            memory=memory,
            verbose=verbose,
        )
        self.unit = unit

    def attributions(self, X_val, y_val):
        """Contribution of each training row to the score of each of some held-out rows.

        The row of the lowest contribution is what made a wrong prediction wrong.

        Parameters
        ----------
        X_val : {array-like, sparse matrix, dataframe} of shape (n_val, n_features)
            Held-out rows, those of `fit` or others.

        y_val : array-like of shape (n_val,)
            Their labels or real targets.

        Returns
        -------
        attributions : ndarray of shape (n_samples, n_val)
            Fall of each held-out row's score when the training row is left out; the
            models of `fit`, and those without a row, are fitted again. Without `X_val`
            in `fit`, the mean over the folds that have the training row. The mean over
            the held-out rows of `fit` is ``data_values_``, where these are not
            weighted. R² is minus the squared error over the variance of the held-out
            targets of `fit`, not clipped. Labels that a fold lacks have probability 0.

        Raises
        ------
        ValueError
            If `scoring` is no mean over held-out rows, or `unit` is not ``"rows"``.
        """
        check_is_fitted(self, "data_values_")
        if self._by_groups:
            raise ValueError('attributions are of rows; fit with unit="rows".')
        X_val, y_val = validate_more_rows(self, X_val, y_val, names=("X_val", "y_val"))
        blocks = self._attribution_blocks(X_val, y_val)
        return mean_over_splits(blocks, (len(self._target), len(y_val)))

    def _attribution_blocks(self, X_val, y_val):
        """Training rows, held-out rows and contributions, a block at a time."""
        classes = getattr(self, "classes_", None)
        with Parallel(n_jobs=self.n_jobs) as parallel:
            for rows, estimator, weights, variance in self._splits:
                output, is_ratio = output_of_scoring(self.scoring, estimator, classes)
                for chunk in row_chunks(len(y_val), len(rows)):
                    utility = RowUtility(
                        estimator,
                        take_rows(self._rows, rows),
                        self._target[rows],
                        take_rows(X_val, chunk),
                        y_val[chunk],
                        classes=classes,
                        scoring=output,
                        device=self.device,
                        sample_weight=weights,
                    )
                    found, _ = self._contributions(utility, parallel)
                    yield rows, chunk, found / variance if is_ratio else found

    def _fit(self, X, y, X_val, y_val, *, sample_weight=None, groups=None):
        seed = integer_seed(self.random_state)
        games, players, rows = self._make_games(
            X, y, X_val, y_val, seed, sample_weight, groups
        )
        if not self._by_groups:
            # For attributions; not the games, which hold the rows of every fold.
            self._rows = X
            self._splits = [
                (index, game.estimator, game.sample_weight, np.var(game.y_val))
                for index, game in zip(rows, games, strict=True)
            ]
        values = []
        self.n_evaluations_ = 0
        progress = self._progress(
            sum(game.n_players + 1 for game in games), "evaluations"
        )
        with Parallel(n_jobs=self.n_jobs) as parallel:
            for game in games:
                with self._task("leave one out"):
                    contributions, n_evaluations = self._contributions(game, parallel)
                values.append(contributions)
                self.n_evaluations_ += n_evaluations
                progress.update(self.n_evaluations_)
        progress.finish()
        self._keep_values(average_over_splits(players, values, self._n_players))

    def _contributions(self, utility, parallel):
        rows = np.arange(utility.n_players)
        is_batched = utility.exact_engine is not None
        size = ROWS_A_BATCH if is_batched else ROWS_A_BLOCK
        blocks = [rows[start : start + size] for start in range(0, len(rows), size)]
        if is_batched:
            values = parallel(
                delayed(_leave_one_out)(utility, block) for block in blocks
            )
            return np.concatenate(values), len(rows) + 1
        without = parallel(delayed(_scores_without)(utility, block) for block in blocks)
        full_value, without = without[0][0], np.concatenate([w[1] for w in without])
        return full_value - without, len(rows) + 1


def _leave_one_out(utility, rows):
    with one_thread():
        return utility.exact_engine.leave_one_out(rows)


def _scores_without(utility, rows):
    """Worth of all rows, if the first is one of `rows`, and without each of `rows`."""
    everyone = np.arange(utility.n_players)
    with one_thread():
        full_value = utility.value(everyone) if rows[0] == 0 else None
        without = [utility.value(np.delete(everyone, row)) for row in rows]
    return full_value, np.array(without)
