r"""Coefficients of linear models of an output in the indicators of the training rows.

The least-squares coefficients over all subsets of a distribution are covariances
(Covert et al. 2024, Proposition 1 and Lemma 1 with the weights of
`_subset_draws`),

.. math:: a_i = \mathbb{E}\left[\frac{1[i \in T] - p_1}{p_3}\, v(T)\right]
              = \frac{\mathrm{Cov}(1[i \in T],\, v(T))}{p_3} ,

for subsets of a fixed size the solution of least norm, whose sum is 0. A sample
covariance estimates it without bias, and does not pay for the mean of the outputs as
the mean of the weighted outputs does. Ridge regression and the LASSO fit the sampled
subsets instead.
"""

import numpy as np
from sklearn.linear_model import Lasso, LassoCV, Ridge, RidgeCV
from sklearn.utils.parallel import Parallel, delayed

from ..utils._chunks import row_chunks
from ..utils._threads import one_thread

# Folds of the regression that chooses the penalty of the LASSO.
LASSO_FOLDS = 5
# Of the coordinate descent; the default of scikit-learn is often too few here.
LASSO_ITERATIONS = 20_000
# In units of the sum of squares that the indicators would have if rows had all of it.
RIDGE_ALPHAS = np.logspace(-3, 3, 13)


class OutputMoments:
    """Sums over subsets, from which covariances and their errors are computed.

    Parameters
    ----------
    draws : SubsetDraws
        Where the subsets come from.

    n_targets : int
        Number of outputs of a subset.

    origin : ndarray of shape (n_targets,)
        What outputs are counted from, near their means: sums then keep their digits.
    """

    def __init__(self, draws, n_targets, origin):
        self.draws, self.origin = draws, origin
        shape = draws.n_samples, n_targets
        self.n_subsets = 0
        self.members = np.zeros(draws.n_samples)
        self.outputs, self.output_squares = np.zeros((2, n_targets))
        self.products = np.zeros(shape)
        # Where rows are in half of the subsets, both sides weigh the same.
        self.square_products = np.zeros(shape) if draws.share != 0.5 else None

    def add(self, masks, outputs):
        """Add subsets and their outputs."""
        outputs = outputs - self.origin
        indicators = masks.astype(np.float64)
        self.n_subsets += len(masks)
        self.members += indicators.sum(axis=0)
        self.outputs += outputs.sum(axis=0)
        self.output_squares += (outputs**2).sum(axis=0)
        for chunk in self._chunks():
            part = outputs[:, chunk]
            self.products[:, chunk] += indicators.T @ part
            if self.square_products is not None:
                self.square_products[:, chunk] += indicators.T @ part**2

    def joined(self, other):
        """Sums of these and of other subsets, of the same origin."""
        both = OutputMoments(self.draws, len(self.origin), self.origin)
        for name in self.summed:
            setattr(both, name, getattr(self, name) + getattr(other, name))
        return both

    @property
    def summed(self):
        """What adds up over subsets."""
        names = "n_subsets", "members", "outputs", "output_squares", "products"
        return names if self.square_products is None else (*names, "square_products")

    @property
    def expected_outputs(self):
        """Mean of the outputs of each target."""
        return self.origin + self.outputs / self.n_subsets

    def coefficients(self):
        """Coefficient of each row for each target, (n_samples, n_targets)."""
        centred = self.products - self.members[:, None] * (
            self.outputs / self.n_subsets
        )
        centred /= (self.n_subsets - 1) * self.draws.scale
        return centred

    def errors(self, coefficients):
        """Standard errors of `coefficients`, which are those of these sums."""
        m, share = self.n_subsets, self.draws.share
        mean = self.outputs / m
        errors = np.empty_like(coefficients)
        for chunk in self._chunks():
            centre = mean[chunk]
            # Sums over the subsets of (1[i in T] - p1)^2 (v - mean)^2.
            squares = self.output_squares[chunk] - m * centre**2
            total = np.broadcast_to(share**2 * squares, errors[:, chunk].shape)
            if self.square_products is not None:
                inside = (
                    self.square_products[:, chunk]
                    - 2 * centre * (self.products[:, chunk])
                )
                inside += centre**2 * self.members[:, None]
                total = total + (1 - 2 * share) * inside
            mean_square = total / (m * self.draws.scale**2)
            variance = np.maximum(mean_square - coefficients[:, chunk] ** 2, 0)
            errors[:, chunk] = np.sqrt(variance / (m - 1))
        return errors

    def _chunks(self):
        return row_chunks(len(self.origin), self.draws.n_samples)


def estimate(method, draws, sample, alpha, n_jobs):
    """Coefficients by a method of `Datamodels`.

    Parameters
    ----------
    method : {"shared", "closed_form", "ridge", "lasso"}
        How.

    draws : SubsetDraws
        Where the subsets come from.

    sample : Sample
        What they gave.

    alpha : float or "cv"
        Penalty of the regressions.

    n_jobs : int or None
        Targets of the LASSO in parallel.

    Returns
    -------
    coefficients : ndarray of shape (n_samples, n_targets)
        Of the rows.

    errors : ndarray of shape (n_samples, n_targets) or None
        Their standard errors, where they are known.

    intercepts : ndarray of shape (n_targets,)
        Output of no row.
    """
    with one_thread():
        if method == "ridge":
            found = ridge(draws, sample.masks, sample.outputs, alpha)
            return found[0], None, found[1]
        if method == "lasso":
            found = lasso(sample.masks, sample.outputs, alpha, n_jobs)
            return found[0], None, found[1]
        coefficients = sample.moments.coefficients()
        errors = sample.moments.errors(coefficients)
        share = draws.share * coefficients.sum(axis=0)
        return coefficients, errors, sample.moments.expected_outputs - share


def ridge(draws, masks, outputs, alpha):
    """Ridge regression of each output on the indicators of the rows.

    Parameters
    ----------
    draws : SubsetDraws
        Where the subsets come from.

    masks : ndarray of shape (n_subsets, n_samples), dtype bool
        The subsets.

    outputs : ndarray of shape (n_subsets, n_targets)
        Their outputs.

    alpha : float or "cv"
        The penalty; ``"cv"``: for each target by generalised cross-validation.

    Returns
    -------
    coefficients : ndarray of shape (n_samples, n_targets)
        Of the rows.

    intercepts : ndarray of shape (n_targets,)
        Output of no row.
    """
    if alpha == "cv":
        alphas = RIDGE_ALPHAS * draws.n_samples * draws.scale
        model = RidgeCV(alphas=alphas, alpha_per_target=True)
    else:
        model = Ridge(alpha=alpha)
    indicators = masks.astype(np.float64)
    parts = [
        model.fit(indicators, outputs[:, chunk])
        and (np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_))
        for chunk in row_chunks(outputs.shape[1], len(masks))
    ]
    coefficients, intercepts = zip(*parts, strict=True)
    return np.concatenate(coefficients).T, np.concatenate(intercepts)


def lasso(masks, outputs, alpha, n_jobs):
    """LASSO of each output on the indicators of the rows, target by target.

    Parameters
    ----------
    masks : ndarray of shape (n_subsets, n_samples), dtype bool
        The subsets.

    outputs : ndarray of shape (n_subsets, n_targets)
        Their outputs.

    alpha : float or "cv"
        The penalty; ``"cv"``: for each target by cross-validation.

    n_jobs : int or None
        Targets in parallel.

    Returns
    -------
    coefficients : ndarray of shape (n_samples, n_targets)
        Of the rows.

    intercepts : ndarray of shape (n_targets,)
        Output of no row.
    """
    indicators = np.asfortranarray(masks, dtype=np.float64)
    fits = Parallel(n_jobs=n_jobs)(
        delayed(_lasso_of_one)(indicators, output, alpha) for output in outputs.T
    )
    coefficients, intercepts = zip(*fits, strict=True)
    return np.column_stack(coefficients), np.array(intercepts)


def _lasso_of_one(indicators, output, alpha):
    scale = output.std()
    if scale <= np.finfo(np.float64).eps * np.abs(output).max():
        return np.zeros(indicators.shape[1]), output.mean()
    # Cyclic descent is not random, but reads the global state without a seed.
    settings = {"max_iter": LASSO_ITERATIONS, "random_state": 0}
    if alpha == "cv":
        model = LassoCV(cv=LASSO_FOLDS, **settings)
    else:
        model = Lasso(alpha=alpha, **settings)
    model.fit(indicators, output)
    return model.coef_, model.intercept_
