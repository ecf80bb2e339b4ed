"""What fitted datamodels say: rows that help and harm, outputs of other subsets."""

from numbers import Integral

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._encoder import encode
from .._validation import validate_more_rows


def _is_amortized(datamodels):
    if not datamodels.amortize:
        raise AttributeError("predict_attributions needs amortize=True in fit.")
    return True


def _is_whole(number):
    # True and False are numbers of Python, and masks of numpy.
    return isinstance(number, Integral) and not isinstance(number, bool)


class ReadsDatamodels:
    """Mixin of what has ``attributions_`` and ``intercepts_``."""

    def helpful_rows(self, target, k=10):
        """Training rows that help a target the most.

        Parameters
        ----------
        target : int
            Number of the target row.

        k : int, default=10
            Rows at most.

        Returns
        -------
        rows : ndarray of shape (n_rows,), dtype int
            Row numbers, the most helpful first; only of attributions above 0.
        """
        return self._extreme_rows(target, k, 1)

    def harmful_rows(self, target, k=10):
        """Training rows that harm a target the most.

        Parameters
        ----------
        target : int
            Number of the target row.

        k : int, default=10
            Rows at most.

        Returns
        -------
        rows : ndarray of shape (n_rows,), dtype int
            Row numbers, the most harmful first; only of attributions below 0.
        """
        return self._extreme_rows(target, k, -1)

    def _extreme_rows(self, target, k, sign):
        check_is_fitted(self, "attributions_")
        n_targets = self.attributions_.shape[1]
        if not _is_whole(target) or not -n_targets <= target < n_targets:
            raise ValueError(
                f"target={target!r} must be the number of one of {n_targets} target "
                "rows."
            )
        if not _is_whole(k) or k < 1:
            raise ValueError(f"k={k!r} must be a whole number above 0.")
        scores = sign * self.attributions_[:, target]
        rows = np.argsort(-scores, kind="stable")[:k]
        return rows[scores[rows] > 0]

    def predict_outputs(self, subsets):
        """Predict what models trained on other subsets give for the targets.

        Parameters
        ----------
        subsets : array-like of shape (n_subsets, n_samples), dtype bool or 0/1
            The training rows of each subset.

        Returns
        -------
        outputs : ndarray of shape (n_subsets, n_targets)
            In units of the output; nothing is trained.
        """
        check_is_fitted(self, "attributions_")
        subsets = np.asarray(subsets)
        n_samples = len(self.attributions_)
        if (
            subsets.ndim != 2
            or subsets.shape[1] != n_samples
            or not np.isin(subsets, [0, 1]).all()
        ):
            raise ValueError(
                "subsets must hold booleans, or 0 and 1, in an array of shape "
                f"(n_subsets, {n_samples}); got shape {subsets.shape}."
            )
        return self.intercepts_ + subsets.astype(np.float64) @ self.attributions_

    @available_if(_is_amortized)
    def predict_attributions(self, X, y, X_target, y_target):
        """Predict attributions of pairs of rows that `fit` need not have seen.

        By the amortized datamodel: nothing is trained. Only with ``amortize=True``.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_rows, n_features)
            Rows, as if they were among the training rows.

        y : array-like of shape (n_rows,)
            Their labels, or real targets.

        X_target : {array-like, dataframe} of shape (n_targets, n_features)
            Rows whose predictions are attributed.

        y_target : array-like of shape (n_targets,)
            Their labels, or real targets.

        Returns
        -------
        attributions : ndarray of shape (n_rows, n_targets)
            What each row would add to the output for each target, in its units.
        """
        check_is_fitted(self, "attributions_")
        given = [("X", X, "y", y), ("X_target", X_target, "y_target", y_target)]
        rows = []
        for name, X, y_name, y in given:
            X, y = validate_more_rows(self, X, y, names=(name, y_name))
            rows += [encode(self, X, name) if self._takes_rows else X, y]
        return self._pair_models.predict(*rows)
