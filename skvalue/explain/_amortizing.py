"""Labels, models and their combination: what `AmortizedAttribution` computes with."""

from copy import copy

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..utils._chunks import row_chunks
from ..utils._rows import is_frame, take_rows
from ..utils._sklearn import num_samples
from ._attribution_models import SMALL_DATA, AttributionModels
from ._effects import Effects, unit_norm
from ._feature_attribution import FeatureAttribution
from ._noisy_attributions import BIASED, deal, designs_of, draw_coalitions, draw_noisy
from ._shrinkage import combine, combine_three, variances

# Not there after the objective of FastSHAP.
_OF_NOISE = [
    "noisy_attributions_",
    "posterior_attributions_",
    "noise_variance_",
    "prediction_variance_",
    "combined_variance_",
    "noisy_weight_",
    "posterior_weight_",
]


class Amortizing:
    """Parts of a fit, predictions and their score; the parameters are elsewhere."""

    def _fitted_attribution(self, X, y, seed):
        given = self.attribution
        if self.prefit:
            if not hasattr(given, "_draw"):
                raise ValueError(
                    "prefit=True needs a FeatureAttribution; got "
                    f"{type(given).__name__}."
                )
            check_is_fitted(
                given,
                msg="prefit=True needs a fitted attribution; this %(name)s is not.",
            )
            return given
        if isinstance(given, FeatureAttribution):
            # Not a clone, in which a fitted estimator would not be fitted.
            mine = type(given)(**given.get_params(deep=False))
        else:
            mine = FeatureAttribution(given)
        changes = {"random_state": seed, "n_jobs": self.n_jobs}
        changes = {k: v for k, v in changes.items() if getattr(mine, k) is None}
        if self.n_samples is not None:
            changes["n_samples"] = self.n_samples
        return mine.set_params(**changes).fit(X, y)

    def _check_method(self):
        method = self.attribution_.method_
        if self.objective == "fastshap":
            if not self.attribution_._is_efficient:
                raise ValueError(
                    f'objective="fastshap" learns Shapley values, not method={method!r}'
                    '; use objective="regression".'
                )
            if self.regressor == "ridge":
                raise ValueError(
                    'objective="fastshap" needs a network; set regressor to "net" or '
                    '"auto".'
                )
            if self.attribution_.n_players_ < 2:
                raise ValueError(
                    'objective="fastshap" needs at least 2 players; there is 1.'
                )
        if self.normalize and self.attribution_._is_efficient:
            raise ValueError(
                "normalize=True would break the sum of attributions by "
                f"method={method!r}; it is for banzhaf and lime."
            )

    def _keep_features(self):
        for name in ("n_features_in_", "feature_names_in_"):
            vars(self).pop(name, None)
            if hasattr(self.attribution_, name):
                setattr(self, name, getattr(self.attribution_, name))

    def _fit(self, X, order, rng):
        """Fit to labelled rows; results are kept in the order of the rows of `X`."""
        attribution = self.attribution_
        shape = attribution.n_players_, attribution.n_outputs_
        models = AttributionModels(
            self._settings(len(order)), shape, attribution._is_efficient
        )
        models.prepare(X, rng)
        folds = deal(len(order), self.cv)
        back = np.argsort(order)
        self.rows_ = order[back]
        results = {}
        if self.objective == "fastshap":
            effects = Effects.of(attribution, X, self.controls)
            n_samples = self.n_samples or attribution.n_samples_
            targets, *coalitions = draw_coalitions(
                attribution, X, n_samples, effects, rng
            )
            models.fit(X, effects, targets, folds, rng, coalitions)
            predicted = models.predict(X, effects)
            results["combined_attributions_"] = predicted[back]
            results["amortized_attributions_"] = predicted[back]
            n_controls = 2 * shape[0] if self.controls else 0
            self.n_evaluations_ = float(coalitions[0].shape[1] + n_controls + 2)
        else:
            noisy, effects = draw_noisy(attribution, X, self._settings(0), rng)
            predicted = models.fit(X, effects, noisy.first, folds, rng)
            results = self._combine(noisy, predicted, effects, back)
            self.n_evaluations_ = float(noisy.n_evaluations)
        self._models = models
        self.nets_, self.net_weight_ = models.nets, models.net_weight
        for name in _OF_NOISE:
            vars(self).pop(name, None)
        for name, array in results.items():
            setattr(self, name, attribution._squeezed(array))

    def _combine(self, noisy, predicted, effects, back):
        noise, error = variances(noisy.first, predicted, noisy.variance)
        mean, count = noisy.pooled()
        total = effects.total if self.attribution_._is_efficient else None
        combined, variance = combine(mean, count, predicted, noise, error, total)
        both = noise + error
        weight = np.divide(error, both, out=np.ones_like(both), where=noise > 0)
        if self.attribution_.method_ in BIASED:
            # Nothing tells how their errors are related to those of the predictions;
            # they are mostly the smaller ones by far.
            combined, variance, weight = mean, noise[None], np.ones_like(both)
        of_posterior = {}
        if noisy.posterior is not None:
            combined, variance, weights = combine_three(noisy, predicted, total)
            weight = weights[0]
            of_posterior = {
                "posterior_attributions_": noisy.posterior[back],
                "posterior_weight_": weights[1],
            }
        return of_posterior | {
            "combined_attributions_": combined[back],
            "amortized_attributions_": predicted[back],
            "noisy_attributions_": mean[back],
            "noise_variance_": noise,
            "prediction_variance_": error,
            "combined_variance_": variance.mean(axis=0),
            "noisy_weight_": weight,
        }

    def _settings(self, n_rows):
        """Parameters with "auto" resolved."""
        settings = self.get_params(deep=False)
        if self.batch_size == "auto":
            settings["batch_size"] = 32 if n_rows <= SMALL_DATA else 128
        return settings

    def score(self, X, y=None):
        r"""Negative mean squared error of predictions, measured without their truth.

        Two independent noisy attributions of each row are drawn. As
        :math:`\mathbb{E} (\tilde\phi_1 - a)(\tilde\phi_2 - a) = (\phi - a)^2` where
        they are unbiased, their noise leaves no floor below which no error falls.
        Candidates of a grid search with the same `random_state` are measured by the
        same draws.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_rows, n_features)
            Rows.

        y : None
            Ignored.

        Returns
        -------
        score : float
            Minus the squared error, summed over the players and averaged over rows and
            outputs; 0 is best, and noise may make it positive.
        """
        check_is_fitted(self)
        X = self._rows(X)
        first, second = (
            self._independent(X, seed)
            for seed in (self._score_seed, self._score_seed + 1)
        )
        found = self._predict(X)
        product = (first - found) * (second - found)
        return -float(product.sum(axis=1).mean())

    def get_feature_names_out(self, input_features=None):
        """Name the columns of the output: the players.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the columns, where `X` had none.

        Returns
        -------
        names : ndarray of shape (n_players,), dtype object
            Of the columns of the output.
        """
        check_is_fitted(self)
        return self.attribution_.get_feature_names_out(input_features)

    def _predict(self, X):
        n_rows = num_samples(X)
        if n_rows == 0:
            raise ValueError("X has 0 rows; at least 1 is needed.")
        n_numbers = self.attribution_.n_players_ * self.attribution_.n_outputs_
        parts = []
        for chunk in row_chunks(n_rows, 4 * n_numbers + self.n_features_in_):
            rows = take_rows(X, chunk)
            effects = Effects.of(self.attribution_, rows, self.controls)
            parts.append(self._models.predict(rows, effects))
        return np.concatenate(parts)

    def _independent(self, X, seed):
        """Noisy attributions that the fit has not seen."""
        attribution = copy(self.attribution_)
        # A product of errors that share a bias would be larger by its square.
        if attribution.method_ in BIASED:
            attribution.method_ = "regression"
        values = attribution._draw(
            X,
            seed,
            n_samples=self.n_samples,
            errors=False,
            effects=self.controls,
            rows_a_design=designs_of(num_samples(X)),
        ).values
        return unit_norm(values) if self.normalize else values

    def _rows(self, X):
        """Rows that the attribution takes, as an array or a frame."""
        X = self.attribution_._check_rows(X)
        return X if is_frame(X) else np.asarray(X)
