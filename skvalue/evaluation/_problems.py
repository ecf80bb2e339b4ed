"""The problems of an experiment: rows drawn, parted, and some of them made wrong.

A repeat has three seeds, of its split, its noise and its fits. They depend on
`random_state` and on the number of the repeat alone: every valuator gets the same
problem, whatever else is compared.
"""

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from sklearn.utils.multiclass import type_of_target

from ..datasets import make_feature_noise, make_label_noise
from ..utils._naming import sorted_labels
from ..utils._rows import take_rows
from ..utils._vectors import row_mask


class Problem(NamedTuple):
    """Rows to value, rows to value them on, and rows that neither have seen."""

    # What the lines of the frame have in common, by the names of its columns.
    setting: dict
    X: object
    y: np.ndarray
    is_wrong: np.ndarray
    # Which of them have wrong labels, and which wrong features, where that is known.
    kinds: dict
    # None without held-out rows.
    X_val: object
    y_val: np.ndarray | None
    # None where nothing is scored.
    X_test: object
    y_test: np.ndarray | None
    seed: int


class Sizes(NamedTuple):
    """How many rows of a data set each part gets: a number, or a share of the rows."""

    train_size: float
    val_size: float
    test_size: float | None = None

    def counts(self, n_rows, dataset):
        """Number of training, held-out and test rows.

        Parameters
        ----------
        n_rows : int
            Rows of the data set.

        dataset : str
            Its name, for errors.

        Returns
        -------
        counts : tuple of int
            At least 2, 0 and 1, or 0 test rows where none were asked for.
        """
        least = {"train_size": 2, "val_size": 0, "test_size": 1}
        counts = []
        for name, size in self._asdict().items():
            if size is None:
                counts.append(0)
                continue
            is_count = isinstance(size, Integral)
            is_share = isinstance(size, Real) and 0 <= size < 1
            if not (is_count or is_share):
                raise ValueError(
                    f"{name}={size!r} must be a share of the rows in [0, 1), or a "
                    "number of rows."
                )
            counts.append(int(size) if is_count else int(size * n_rows + 1e-9))
            if counts[-1] < least[name]:
                raise ValueError(
                    f"{name}={size!r} gives {counts[-1]} of the {n_rows} rows of "
                    f"{dataset!r}; there must be at least {least[name]}."
                )
        if sum(counts) > n_rows:
            sizes = ", ".join(
                f"{name}={size}" for name, size in self._asdict().items() if size
            )
            raise ValueError(
                f"{sizes} ask for {sum(counts)} rows, but {dataset!r} has {n_rows}; "
                "the parts share no row, so lower them."
            )
        return tuple(counts)


def make_problem(data, sizes, noise, setting, seed, *, regression=False):
    """One problem.

    Parameters
    ----------
    data : (X, y) pair
        All rows of a data set.

    sizes : Sizes
        Of the parts.

    noise : callable or None
        Makes some training rows wrong, see `NOISES`.

    setting : dict
        Names the problem: ``dataset``, ``noise``, ``noise_rate`` and ``repeat``.

    seed : int
        Of the experiment.

    regression : bool, default=False
        Whether whole numbers are real targets, too.

    Returns
    -------
    problem : Problem
        Held-out and test rows are as they came, but for those of classes that no
        training row has.
    """
    X, y = data
    split_seed, noise_seed, fit_seed = repeat_seeds(seed, setting["repeat"])
    counts = sizes.counts(len(y), setting["dataset"])
    train, held_out, test = draw_parts(y, counts, split_seed)
    X_train, y_train = take_rows(X, train), y[train]
    is_wrong, kinds = np.zeros(len(train), dtype=bool), {}
    if noise is not None:
        try:
            X_train, y_train, wrong = noise(
                X_train, y_train, setting["noise_rate"], noise_seed
            )
            if isinstance(wrong, dict):
                kinds, wrong = wrong, np.any([*wrong.values()], axis=0)
            is_wrong = row_mask(wrong, "is_wrong")
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"noise={setting['noise']!r} cannot be made in the rows of "
                f"{setting['dataset']!r}: {error}"
            ) from error
    parts = []
    for rows in (held_out, test):
        if not (regression or type_of_target(y).startswith("continuous")):
            # No model can know a class that no training row has.
            rows = rows[np.isin(y[rows], y_train)]
        parts += [take_rows(X, rows), y[rows]] if len(rows) else [None, None]
    return Problem(setting, X_train, y_train, is_wrong, kinds, *parts, fit_seed)


def repeat_seeds(seed, n_repeat):
    """Seeds of a repeat.

    Parameters
    ----------
    seed : int
        Of the experiment.

    n_repeat : int
        Number of the repeat, from 0.

    Returns
    -------
    seeds : list of int
        Of the split, the noise and the fits.
    """
    sequence = np.random.SeedSequence([seed, n_repeat])
    # Seeds of scikit-learn, and signed ones of others.
    return [int(number >> 1) for number in sequence.generate_state(3)]


def draw_parts(y, counts, seed):
    """Rows of disjoint parts, the targets spread evenly over each of them.

    Which rows a part gets does not depend on how many the later ones get.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Labels or targets.

    counts : tuple of int
        Rows of each part, at most `n_rows` in all.

    seed : int
        Draws them.

    Returns
    -------
    parts : list of ndarray of int
        Row numbers, in random order.
    """
    rng = np.random.RandomState(seed)
    left = rng.permutation(len(y))
    _, rank = sorted_labels(y, "y", return_inverse=True)
    parts = []
    for n_rows in counts:
        left = left[np.argsort(rank[left], kind="stable")]
        # Every (n / n_rows)-th row in the order of the targets, from a random one on.
        step = len(left) / max(1, n_rows)
        places = (np.arange(n_rows) + rng.uniform()) * step
        drawn = np.zeros(len(left), dtype=bool)
        drawn[np.minimum(places.astype(int), len(left) - 1)] = True
        parts.append(rng.permutation(left[drawn]))
        left = rng.permutation(left[~drawn])
    return parts


def _wrong_labels(X, y, rate, seed):
    y, is_flipped = make_label_noise(y, rate, random_state=seed)
    return X, y, {"labels": is_flipped}


def _wrong_features(X, y, rate, seed):
    X, is_noisy = make_feature_noise(X, rate, random_state=seed)
    return X, y, {"features": is_noisy}


def _wrong_either(X, y, rate, seed):
    """Labels of half of the wrong rows, features of the others."""
    n_wrong = round(rate * len(y))
    n_labels = round(n_wrong / 2)
    X, is_noisy = make_feature_noise(
        X, (n_wrong - n_labels) / len(y), random_state=seed
    )
    others = np.flatnonzero(~is_noisy)
    y, is_flipped = y.copy(), np.zeros(len(y), dtype=bool)
    # Another stream than that of the features.
    y[others], is_flipped[others] = make_label_noise(
        y[others], n_labels / len(others), random_state=seed + 1
    )
    return X, y, {"labels": is_flipped, "features": is_noisy}


NOISES = {
    "labels": _wrong_labels,
    "features": _wrong_features,
    "both": _wrong_either,
}


def named_noises(noise, *, needs_wrong_rows=False):
    """What makes rows wrong, by name.

    Parameters
    ----------
    noise : str, None, dict or list
        As the user gave it.

    needs_wrong_rows : bool, default=False
        Whether None is refused.

    Returns
    -------
    noises : dict of str to callable or None
        In the order given; never empty.
    """
    named = {}
    if isinstance(noise, dict):
        named = dict(noise)
    else:
        for kind in [noise] if noise is None or isinstance(noise, str) else noise:
            if kind is not None and kind not in NOISES:
                raise ValueError(
                    f"noise={kind!r} must be of {list(NOISES)} or None, or a dict of "
                    "functions by name."
                )
            named["none" if kind is None else kind] = kind and NOISES[kind]
    for name, make_wrong in named.items():
        is_usable = make_wrong is None or callable(make_wrong)
        if not (isinstance(name, str) and is_usable):
            raise TypeError(
                f"noise[{name!r}] must be a function of (X, y, rate, random_state) "
                "that returns X, y and which rows are wrong."
            )
    if not named:
        raise ValueError("noise is empty; give at least one kind.")
    if needs_wrong_rows and None in named.values():
        raise ValueError("noise=None makes no row wrong, and none can be found.")
    return named
