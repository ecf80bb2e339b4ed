"""How often the exact value lies within two standard errors of the estimate.

It should be 95 % for every sampler, weight, path and budget. Games of 7 and 40 rows
whose values are known: a table of random worths and logistic models of 7 rows, by
enumeration; a game of triples and a glove game of 40 rows, in closed form; logistic
models of 40 rows, from a run many times longer. "engine" reads contributions off the
batched engine, "refits" fits scikit-learn's model on every coalition.

    python examples/benchmarks/error_coverage.py [--seeds 200]
        [--only beta,msr] [--games table,triples]

A cell is the share of rows and seeds; its binomial error, were the rows of a seed
independent, is .006 with 7 rows and 200 seeds. "r.m.s./s.e." compares the errors made
with those reported, and "none" is the share of rows without a standard error, which
too few coalitions told apart.
"""

import argparse
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression

from skvalue import (
    BetaShapley,
    DataBanzhaf,
    DataShapley,
    DistributionalShapley,
    Semivalue,
    SubsampleInfluence,
)
from skvalue._coalitions.game import Game
from skvalue._coalitions.runner import run_block
from skvalue.games import GloveGame, enumerate_semivalue
from skvalue.semivalues._utility import Utility

LONG = 4000
BAND = (0.92, 0.98)


def halves(sizes, n_samples):
    """Coalitions of less than half of the rows."""
    small = sizes < n_samples / 2
    return small / small.mean()


def binomial(sizes, n_samples):
    """The weight of Data Banzhaf, which has no walks of its own."""
    return DataBanzhaf()._weight(sizes, n_samples)


class RefitLogistic(LogisticRegression):
    """The same model, which the engine does not know."""


class MaskGame(Game):
    """A game that knows the worth of many coalitions at once."""

    def value(self, rows):
        mask = np.zeros((1, self.n_players), dtype=bool)
        mask[0, rows] = True
        return float(self.scores(mask)[0])

    def in_out(self, masks):
        n_players = self.n_players
        toggled = np.repeat(masks[:, None], n_players, axis=1)
        toggled ^= np.eye(n_players, dtype=bool)
        after = self.scores(toggled.reshape(-1, n_players)).reshape(masks.shape)
        change = after - self.scores(masks)[:, None]
        return np.where(masks, -change, change)

    def walk(self, permutations, min_size=0):
        n_players = self.n_players
        place = np.argsort(permutations, axis=1)
        sizes = np.arange(min_size, n_players + 1)
        masks = place[:, None] < sizes[:, None]
        worth = self.scores(masks.reshape(-1, n_players)).reshape(len(place), -1)
        contributions = np.full(permutations.shape, np.nan)
        joined = permutations[:, min_size:]
        np.put_along_axis(contributions, joined, np.diff(worth), axis=1)
        return contributions

    def semivalue(self, weight, min_size):
        """Exact semivalue of every row."""
        raise NotImplementedError


class TableGame(MaskGame):
    """Noise that grows with the size."""

    def __init__(self, n_samples, seed):
        self.n_players = n_samples
        rng = np.random.default_rng(seed)
        codes = np.arange(2**n_samples)[:, None] >> np.arange(n_samples)
        masks = codes & 1
        self.table = masks @ rng.normal(size=n_samples) / n_samples
        self.table += 0.1 * rng.normal(size=len(masks))
        self.table += 0.1 * np.sqrt(masks.sum(axis=1))

    def scores(self, masks):
        return self.table[masks @ (2 ** np.arange(self.n_players))]

    def semivalue(self, weight, min_size):
        return enumerate_semivalue(self, weight, min_size)


class TripleGame(MaskGame):
    """A row is worth more or less with every other, and with every other two."""

    def __init__(self, n_samples, seed):
        self.n_players = n_samples
        rng = np.random.default_rng(seed)
        self.own = rng.normal(size=n_samples) / n_samples
        pairs = np.triu(rng.normal(size=(n_samples, n_samples)), 1) * 3
        self.pairs = (pairs + pairs.T) / n_samples**1.5
        self.factors = rng.normal(size=(n_samples, 8)) / n_samples**0.6 / 2
        self.by_size = 0.3 * np.sqrt(np.arange(n_samples + 1) / n_samples)

    def scores(self, masks):
        sizes, masks = masks.sum(axis=1), masks.astype(float)
        together = ((masks @ self.pairs) * masks).sum(axis=1) / 2
        # Sum of the products of all three different members' factors.
        one, two, three = (masks @ self.factors**power for power in (1, 2, 3))
        triples = (one**3 - 3 * one * two + 2 * three).sum(axis=1) / 6
        return masks @ self.own + together + triples + self.by_size[sizes]

    def semivalue(self, weight, min_size):
        n_players, size = self.n_players, np.arange(self.n_players)
        weight = np.where(size < min_size, 0, weight)
        mean = self.own[:, None] + np.diff(self.by_size)
        mean += self.pairs.sum(axis=1)[:, None] * size / (n_players - 1)
        powers = (self.factors, self.factors**2)
        one, two = (power.sum(axis=0) - power for power in powers)
        triples = (self.factors * (one**2 - two)).sum(axis=1) / 2
        both = size * (size - 1) / ((n_players - 1) * (n_players - 2))
        mean += triples[:, None] * both
        return mean @ (weight / weight.sum())


class Gloves(MaskGame):
    """The glove game of `skvalue.games`."""

    def __init__(self, n_left, n_right):
        self.closed_form = GloveGame(n_left, n_right)
        self.n_players = n_left + n_right
        self.is_left = np.arange(self.n_players) < n_left

    def scores(self, masks):
        left = (masks & self.is_left).sum(axis=1)
        return np.minimum(left, masks.sum(axis=1) - left).astype(float)

    def semivalue(self, weight, min_size):
        weight = np.where(np.arange(self.n_players) < min_size, 0, weight)
        return self.closed_form.semivalue(weight / weight.mean())


class RememberedUtility(Utility):
    """Refits every coalition once: seven rows have 128."""

    def value(self, rows):
        worths = vars(self).setdefault("worths", {})
        key = rows.tobytes()
        if key not in worths:
            worths[key] = super().value(rows)
        return worths[key]


def logistic_utility(n_samples, estimator, kind=Utility):
    """Logistic models of rows with some wrong labels, scored on thirty others."""
    X, y = make_classification(
        n_samples + 30, 3, n_redundant=0, flip_y=0.2, random_state=1
    )
    y[:2] = [0, 1]
    rows, others = slice(n_samples), slice(n_samples, None)
    return kind(
        estimator, X[rows], y[rows], X[others], y[others], classes=np.array([0, 1])
    )


GAMES = {
    (7, "table"): TableGame(7, 0),
    (7, "engine"): logistic_utility(7, LogisticRegression()),
    (7, "refits"): logistic_utility(7, RefitLogistic(tol=1e-8), RememberedUtility),
    (40, "triples"): TripleGame(40, 0),
    (40, "gloves"): Gloves(18, 22),
    (40, "engine"): logistic_utility(40, LogisticRegression()),
}

# Smallest coalitions that count.
LEAST = {7: [0, 3], 40: [5]}

# Samplers whose refits are worth the wait; the others add up the same numbers.
REFITTED = {"shapley single", "beta permutation", "banzhaf shared", "banzhaf msr"}

# The valuator, and how many of its units are drawn.
CELLS = {
    "shapley shared": (DataShapley(sampler="shared"), (12, 60)),
    "beta shared": (BetaShapley(16, 1, sampler="shared"), (12, 60)),
    "banzhaf shared": (DataBanzhaf(sampler="shared"), (12, 60)),
    "shapley permutation": (DataShapley(sampler="permutation"), (10, 30)),
    "beta permutation": (BetaShapley(16, 1, sampler="permutation"), (6, 30)),
    "beta(4, 1) permutation": (BetaShapley(4, 1, sampler="permutation"), (6, 30)),
    "binomial permutation": (Semivalue(binomial, sampler="permutation"), (6, 30)),
    "halves permutation": (Semivalue(halves, sampler="permutation"), (6, 30)),
    "shapley single": (DataShapley(sampler="single_permutation"), (8, 40)),
    "beta single": (BetaShapley(16, 1, sampler="single_permutation"), (8, 40)),
    "binomial single": (Semivalue(binomial, sampler="single_permutation"), (8, 40)),
    "banzhaf msr": (DataBanzhaf(sampler="msr"), (40, 200)),
    "influence": (SubsampleInfluence(), (40, 200)),
    "distributional": (
        DistributionalShapley(min_coalition_size=20, max_coalition_size=60),
        (12, 60),
    ),
}


def long_run(game, sampler):
    """Values from one run of other coalitions, over thirty times longer."""
    moments, _ = run_block(game, sampler, (2**31, 0), 0, LONG)
    return moments.estimate()


def truth(game, valuator, sampler, name):
    """Exact values, or those of a long run where there is no form for them."""
    has_weight = hasattr(valuator, "_weight")
    if has_weight and name in ("table", "triples", "gloves"):
        weight = valuator._weight(np.arange(game.n_players), game.n_players)
        return game.semivalue(weight, valuator._least_size)
    if has_weight and game.n_players == 7:
        weight = valuator._weight(np.arange(7), 7)
        return enumerate_semivalue(game, weight, valuator._least_size)
    if has_weight:
        # Shared subsets of the engine need the fewest fits.
        sampler = clone(valuator).set_params(sampler="shared")._make_sampler(game)
    return long_run(game, sampler)


def coverage(game, sampler, expected, n_units, n_seeds):
    """Share covered, r.m.s. error over mean reported error, and share without one."""
    estimates, errors = [], []
    for seed in range(n_seeds):
        moments, _ = run_block(game, sampler, (seed, 0), 0, n_units)
        estimates.append(moments.estimate())
        errors.append(moments.standard_error())
    missed, errors = np.abs(np.array(estimates) - expected), np.array(errors)
    known = np.isfinite(errors)
    covered = missed[known] <= 2 * errors[known] + 1e-12
    reported = np.sqrt(np.mean(errors[known] ** 2))
    ratio = np.sqrt(np.mean(missed[known] ** 2)) / reported
    return covered.mean(), ratio, 1 - known.mean()


def cells(only, games):
    """Every sampler on every game that it applies to."""
    for name, (valuator, budgets) in CELLS.items():
        if only and not any(word in name for word in only):
            continue
        for n_samples, game_name in GAMES:
            if games and game_name not in games:
                continue
            game = GAMES[n_samples, game_name]
            has_weight = hasattr(valuator, "_weight")
            if name == "distributional" and game is not GAMES[40, "engine"]:
                continue
            if game_name == "refits" and name not in REFITTED:
                continue
            for least in LEAST[n_samples] if has_weight else [None]:
                chosen = clone(valuator)
                if least is not None:
                    chosen.set_params(min_coalition_size=least)
                yield name, chosen, budgets, n_samples, game_name, game, least


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--only", default="")
    parser.add_argument("--games", default="")
    arguments = parser.parse_args()
    only = [word for word in arguments.only.split(",") if word]
    games = [word for word in arguments.games.split(",") if word]
    print(
        f"{'sampler':24}{'rows':>5} {'game':8}{'least':>6}{'units':>6}"
        f"{'covered':>9}{'r.m.s./s.e.':>13}{'none':>7}"
    )
    inside, shares = 0, []
    for name, valuator, budgets, n_samples, game_name, game, least in cells(
        only, games
    ):
        sampler = valuator._make_sampler(game)
        expected = truth(game, valuator, sampler, game_name)
        for n_units in budgets:
            share, ratio, none = coverage(
                game, sampler, expected, n_units, arguments.seeds
            )
            shares.append(share)
            is_inside = BAND[0] <= share <= BAND[1]
            inside += is_inside
            print(
                f"{name:24}{n_samples:5} {game_name:8}{least!s:>6}{n_units:6}"
                f"{share:9.3f}{ratio:13.2f}{none:7.2f}{'' if is_inside else '  *'}",
                flush=True,
            )
    print(
        f"{inside} of {len(shares)} cells within {BAND[0]} to {BAND[1]}; "
        f"mean {np.mean(shares):.3f}, from {min(shares):.3f} to {max(shares):.3f}"
    )


if __name__ == "__main__":
    main()
