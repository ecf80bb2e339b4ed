"""Rows in, draws of attributions out: what `FeatureAttribution` computes with."""

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import gen_batches, get_tags
from sklearn.utils.parallel import delayed
from sklearn.utils.validation import validate_data

from ..utils._progress import Progress, in_parallel
from ..utils._sklearn import get_output_config
from ._draws import Plan, concatenated
from ._methods import WITH_PRIOR, is_efficient
from ._regression_design import GaussianProcessDesign, learned_prior
from ._responses import is_fitted
from ._tables import Schema, is_mixed

# Worth of coalitions that is held at once: 32 MB, and of not more rows than that.
CELLS_AT_ONCE = 4_000_000
ROWS_AT_ONCE = 256


class Attributing:
    """Validation, budget and draws of an attribution; its parameters are elsewhere."""

    @property
    def _is_efficient(self):
        return is_efficient(self.method_)

    def _draw(
        self,
        X,
        seed,
        *,
        n_samples=None,
        halves=False,
        effects=False,
        errors=True,
        posterior=False,
        rows_a_design=None,
    ):
        """Attributions of rows with a seed of their own; None: that of the fit."""
        table = self._table(X, reset=False)
        seed = self._seed if seed is None else seed
        n_samples = self.n_samples_ if n_samples is None else n_samples
        options = {"halves": halves, "effects": effects}
        if rows_a_design is None:
            plan = self._plan_of_fit
            if halves or effects or (seed, n_samples) != (self._seed, self.n_samples_):
                plan = self._plan(seed, n_samples, **options)
            cells = max(len(plan.masks), 1) * self.n_outputs_
            # As many for any n_jobs: sums over other batches differ in the last digits.
            at_once = min(max(1, CELLS_AT_ONCE // cells), ROWS_AT_ONCE)
            tasks = [
                delayed(plan.read)(
                    self._game, table.part(rows), self._empty, errors, posterior
                )
                for rows in gen_batches(len(table), at_once)
            ]
        else:
            arguments = self.method_, self.n_players_, n_samples
            options["prior"] = self._prior
            at_once = max(1, ROWS_AT_ONCE // rows_a_design) * rows_a_design
            tasks = [
                delayed(_read_blocks)(
                    (arguments, seed, options, (errors, posterior)),
                    self._game,
                    table.part(rows),
                    self._empty,
                    rows.start,
                    rows_a_design,
                )
                for rows in gen_batches(len(table), at_once)
            ]
        progress = Progress(type(self).__name__, len(tasks), "chunks", self.verbose)
        return concatenated(in_parallel(tasks, progress, n_jobs=self.n_jobs))

    def _worth(self, X, masks):
        """The game itself: ``(n_rows, n_masks, n_outputs)``."""
        table = self._table(X, reset=False)
        return self._game.worth(table, np.asarray(masks, bool)).transpose(1, 0, 2)

    def _check_rows(self, X):
        """X itself, if it could be transformed."""
        self._table(X, reset=False)
        return X

    def _refuse_frames(self, estimator):
        """Raise where an estimator shall put several outputs into a frame."""
        dense = get_output_config("transform", estimator)["dense"]
        if self.n_outputs_ > 1 and dense != "default":
            raise ValueError(
                f"a frame ({dense}) holds attributions of one output, and the model "
                f"has {self.n_outputs_}: set output to one of "
                f"{list(self.outputs_)[:20]}."
            )

    # -------------------------------------------------------------------- parts of fit

    def _plan(self, seed, n_samples, **options):
        arguments = self.method_, self.n_players_, n_samples, (seed, 0)
        return Plan(*arguments, prior=self._prior, **options)

    def _learned_prior(self, table):
        is_exact = 2**self.n_players_ - 2 <= self.n_samples_
        is_used = self.n_samples_ <= GaussianProcessDesign.most_samples()
        if self.method_ not in WITH_PRIOR or is_exact or not is_used:
            return None
        rng = np.random.default_rng((self._seed, 2))
        return learned_prior(self._game, table, self._empty, self.n_samples_, rng)

    def _budget(self):
        if self.n_samples != "auto":
            return self.n_samples
        if self.n_players_ <= 10:
            return max(2, 2**self.n_players_ - 2)
        return max(512, 16 * self.n_players_)

    def _squeezed(self, values):
        return values[..., 0] if self.n_outputs_ == 1 else values

    def _fitted_estimator(self, X, y):
        if is_fitted(self.estimator):
            return self.estimator
        if y is None and get_tags(self.estimator).target_tags.required:
            raise NotFittedError(
                f"estimator={type(self.estimator).__name__} is not fitted, so that fit "
                "requires y to be passed, but the target y is None. Fit the estimator "
                "first, in a FrozenEstimator where clones shall keep it."
            )
        fitted = clone(self.estimator)
        return fitted.fit(X) if y is None else fitted.fit(X, y)

    def _background(self, table):
        if self.imputation == "mean":
            return table.mean()
        n_rows = len(table)
        if self.n_background is None or self.n_background >= n_rows:
            return table
        rng = np.random.default_rng((self._seed, 1))
        return table.part(np.sort(rng.choice(n_rows, self.n_background, replace=False)))

    def _table(self, X, reset):
        """Rows as the game takes them, checked."""
        allow_nan = get_tags(self).input_tags.allow_nan
        if is_mixed(X):
            validate_data(self, X, skip_check_array=True, reset=reset)
        else:
            X = validate_data(
                self,
                X,
                dtype=[np.float64, np.float32],
                ensure_all_finite="allow-nan" if allow_nan else True,
                reset=reset,
            )
        if reset:
            self._schema = Schema(X)
        return self._schema.table(X, allow_nan)


def _read_blocks(plans, game, table, empty, start, rows_a_design):
    """Attributions of rows whose blocks have coalitions of their own."""
    arguments, seed, options, wanted = plans
    draws = []
    for rows in gen_batches(len(table), rows_a_design):
        number = (start + rows.start) // rows_a_design
        plan = Plan(*arguments, (seed, number), **options)
        draws.append(plan.read(game, table.part(rows), empty, *wanted))
    return concatenated(draws)
