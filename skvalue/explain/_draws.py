"""One draw of attributions: estimates, errors, and what amortization learns from."""

from dataclasses import dataclass

import numpy as np

from ._methods import draw_design


@dataclass(frozen=True, eq=False)
class Draw:
    """Attributions of rows to players, for every output.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_players, n_outputs)
        In units of the response.

    stderr : ndarray of shape (n_rows, n_players, n_outputs) or None
        Standard errors; NaN where the draw tells none, 0 where nothing is random.

    predictions : ndarray of shape (n_rows, n_outputs)
        The response with all columns.

    empty : ndarray of shape (n_outputs,)
        With none.

    n_evaluations : int
        Coalitions that the model was asked about, a row.

    add_one, leave_one_out : ndarray of shape (n_rows, n_players, n_outputs) or None
        f({j}) - f(empty), and f(all) - f(all but j).

    halves : ndarray of shape (2, n_rows, n_players, n_outputs) or None
        Independent estimates from half of the budget each.

    posterior, shared_variance : ndarray of shape (n_rows, n_players, n_outputs) or None
        Another estimate from the same coalitions, see `RegressionDesign`, and the
        covariance of its errors with those of `values`.
    """

    values: np.ndarray
    stderr: np.ndarray | None
    predictions: np.ndarray
    empty: np.ndarray
    n_evaluations: int
    add_one: np.ndarray | None = None
    leave_one_out: np.ndarray | None = None
    halves: np.ndarray | None = None
    posterior: np.ndarray | None = None
    shared_variance: np.ndarray | None = None


class Plan:
    """Designs of one set of coalitions, and what to read off their worth.

    Parameters
    ----------
    method : str
        A key of `DESIGNS`.

    n_players, n_samples : int
        Players, and coalitions in all.

    seed : tuple of int
        Of the coalitions.

    prior : InteractionPrior or None, default=None
        See `draw_design`.

    halves : bool, default=False
        Whether the budget is spent on two independent halves.

    effects : bool, default=False
        Whether each player alone and each missing player is evaluated, too. A method
        that draws from the Shapley kernel then draws none of these.

    Attributes
    ----------
    masks : ndarray of shape (n_coalitions, n_players), dtype bool
        All that must be evaluated, each once.
    """

    def __init__(
        self,
        method,
        n_players,
        n_samples,
        seed,
        *,
        prior=None,
        halves=False,
        effects=False,
    ):
        def draw(number, budget):
            rng = np.random.default_rng((*seed, number))
            return draw_design(method, n_players, budget, rng, prior, singles=effects)

        if halves:
            self.parts = draw(1, n_samples // 2), draw(2, n_samples // 2)
            self.design = self.parts[0].joined(self.parts[1])
        else:
            self.parts = ()
            self.design = draw(0, n_samples)
        wanted = [part.masks for part in self.parts or (self.design,)]
        self.effects = effects
        if effects:
            one = np.eye(n_players, dtype=bool)
            wanted += [one, ~one]
        stacked = np.concatenate(wanted)
        keys = np.packbits(stacked, axis=1)
        _, first_places, self._places = np.unique(
            keys, axis=0, return_index=True, return_inverse=True
        )
        self._places = self._places.ravel()
        self.masks = stacked[first_places]

    def read(self, game, table, empty, errors=True, posterior=False):
        """Attributions of the rows of one table.

        Parameters
        ----------
        game : ColumnGame
            Evaluates the coalitions.

        table : Table
            Rows.

        empty : ndarray of shape (n_outputs,)
            Worth of the empty coalition.

        errors : bool, default=True
            Whether standard errors are asked for.

        posterior : bool, default=False
            Whether the other estimate is, where there is one.

        Returns
        -------
        draw : Draw
            Of these rows.
        """
        predictions = game.predictions(table)
        n_rows, n_outputs = predictions.shape
        n_players = self.masks.shape[1]
        total = (predictions - empty).ravel()
        if len(self.masks):
            worth = game.worth(table, self.masks) - empty
            worth = worth.reshape(len(self.masks), -1)[self._places]
        else:
            worth = np.empty((0, n_rows * n_outputs))

        def by_row(values):
            return values.reshape(-1, n_rows, n_outputs).transpose(1, 0, 2)

        n_drawn = len(worth) - 2 * n_players * self.effects
        values = self.design.estimate(worth[:n_drawn], total)
        result = {"values": by_row(values), "stderr": None}
        if errors:
            variance = self.design.variance(worth[:n_drawn], total, values)
            result["stderr"] = by_row(np.sqrt(variance))
        if posterior and self.design.has_posterior:
            result["posterior"] = by_row(self.design.posterior(worth[:n_drawn], total))
            shared = self.design.shared_variance(worth[:n_drawn], total)
            result["shared_variance"] = by_row(shared)
        if self.parts:
            halves, start = [], 0
            for part in self.parts:
                stop = start + len(part.masks)
                halves.append(by_row(part.estimate(worth[start:stop], total)))
                start = stop
            result["halves"] = np.stack(halves)
        if self.effects:
            one, others = worth[n_drawn:].reshape(2, n_players, -1)
            result["add_one"] = by_row(one)
            result["leave_one_out"] = by_row(total - others)
        return Draw(
            **result,
            predictions=predictions,
            empty=empty,
            n_evaluations=len(self.masks) + 2,
        )


def concatenated(draws):
    """Draws of one table's parts as one.

    Parameters
    ----------
    draws : list of Draw
        In the order of the rows, at least one.

    Returns
    -------
    draw : Draw
        Of all rows.
    """
    rows = (
        *("values", "stderr", "predictions", "add_one", "leave_one_out"),
        *("posterior", "shared_variance"),
    )
    parts = {
        name: None
        if getattr(draws[0], name) is None
        else np.concatenate([getattr(draw, name) for draw in draws])
        for name in rows
    }
    if draws[0].halves is not None:
        parts["halves"] = np.concatenate([draw.halves for draw in draws], axis=1)
    return Draw(
        **parts,
        empty=draws[0].empty,
        n_evaluations=max(draw.n_evaluations for draw in draws),
    )
