"""Real data for the benchmarks, and the noisy-label protocol that they share.

The files lie in the folder that the environment variable SKVALUE_DATA names; digits is
scikit-learn's. They are no part of skvalue. Tables that are not there, or all of them
where the variable is not set, are fetched from openml.org; texts and images are not.
"""

import functools
import gzip
import json
import os
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.utils import Bunch

from skvalue import datasets

NAMES = ["2dplanes", "pol", "electricity", "adult", "digits", "bbc", "mnist_test"]
NAMES += ["breast_cancer", "digits_28"]
N_TEXT_COMPONENTS = 256
FETCHERS = {
    "2dplanes": datasets.fetch_2dplanes,
    "pol": datasets.fetch_pol,
    "electricity": datasets.fetch_electricity,
    "adult": datasets.fetch_adult,
    "fried": datasets.fetch_fried,
    "miniboone": datasets.fetch_miniboone,
    "nomao": datasets.fetch_nomao,
}
# Places of the columns of adult that are categories.
ADULT_CATEGORIES = [1, 3, 5, 6, 7, 8, 9, 13]
# openml.org has the rows of adult.test before those of adult.data; the file has not.
N_ADULT_TEST = 16281


@functools.lru_cache(maxsize=4)
def load(name, *, onehot=False, balanced=False):
    """Load a data set; callers must not modify what they get.

    Parameters
    ----------
    name : str
        One of `NAMES` or, to be fetched, of `FETCHERS`. Texts (bbc) come as TF-IDF,
        reduced to 256 components; digits_28 are the digits enlarged to 28 x 28 pixels.

    onehot : bool, default=False
        Whether categorical columns (adult) become indicators, after the others.

    balanced : bool, default=False
        Whether to take as many rows of each class (electricity): those that the file
        lists, or those of OpenML 44080.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        Features, images scaled to [0, 1].

    y : ndarray of shape (n_samples,), dtype int64
        Classes 0..n_classes-1.
    """
    if name in ("digits", "digits_28"):
        X, y = load_digits(return_X_y=True)
        return (_enlarge(X) / 16 if name == "digits_28" else X), y
    if name == "breast_cancer":
        return load_breast_cancer(return_X_y=True)
    folder = os.environ.get("SKVALUE_DATA")
    if name in FETCHERS and not (folder and Path(folder, f"{name}.npz").exists()):
        return _fetch(name, onehot, balanced)
    folder = data_folder()
    if (folder / f"{name}.jsonl.gz").exists():
        return _load_text(folder / f"{name}.jsonl.gz")
    with np.load(folder / f"{name}.npz") as file:
        arrays = {key: file[key] for key in file.files}
    X, y = arrays["X"], arrays["y"].astype(np.int64)
    X = X / np.float32(255) if X.dtype == np.uint8 else X.astype(np.float32)
    if balanced:
        X, y = X[arrays["bal_idx"]], y[arrays["bal_idx"]]
    if onehot and "cat_idx" in arrays:
        X = _encode_one_hot(X, arrays["cat_idx"])
    return X, y


def detection_split(name, n, seed, rate):
    """Split a data set and make some training labels wrong.

    A tenth of `n` each is held out for validation and as clean meta rows, three tenths
    for testing; where the data set is too small, all parts shrink alike. Every column
    is standardised over the rows drawn. Classes keep their natural frequencies.

    Parameters
    ----------
    name : str
        Data set, see `load`.

    n : int
        Number of training rows.

    seed : int
        The same seed gives the same split and the same wrong labels.

    rate : float
        Share of the training labels that are wrong, in [0, 1]: another class, drawn
        uniformly.

    Returns
    -------
    split : Bunch
        `X`, `y` (noisy), `y_true` and `is_flipped` of the training rows; `X_val`,
        `y_val`, `X_meta`, `y_meta`, `X_test`, `y_test` with true labels; `rows`, the
        row of the data set behind each training row.
    """
    X, y = load(name)
    rng = np.random.default_rng(1000 + seed)
    sizes = np.array([n, n // 10, n // 10, int(0.3 * n)])
    if sizes.sum() > len(X):
        sizes = (sizes * (0.98 * len(X) / sizes.sum())).astype(int)
    rows = rng.permutation(len(X))[: sizes.sum()]
    X, y = X[rows].astype(np.float64), y[rows]
    scale = X.std(axis=0)
    X = (X - X.mean(axis=0)) / np.where(scale > 0, scale, 1)
    parts = np.split(np.arange(len(X)), np.cumsum(sizes)[:-1])
    train, validation, meta, test = parts

    n_classes = y.max() + 1
    flipped = rng.choice(len(train), round(rate * len(train)), replace=False)
    y_noisy = y[train]
    shift = rng.integers(1, n_classes, size=len(flipped))
    y_noisy[flipped] = (y_noisy[flipped] + shift) % n_classes
    return Bunch(
        X=X[train],
        y=y_noisy,
        y_true=y[train],
        is_flipped=np.isin(np.arange(len(train)), flipped),
        X_val=X[validation],
        y_val=y[validation],
        X_meta=X[meta],
        y_meta=y[meta],
        X_test=X[test],
        y_test=y[test],
        rows=rows[: len(train)],
    )


def data_folder():
    """Folder of the data sets, from the environment variable SKVALUE_DATA."""
    folder = os.environ.get("SKVALUE_DATA")
    if folder is None:
        raise OSError(
            "Set the environment variable SKVALUE_DATA to the folder with the data."
        )
    return Path(folder)


def _enlarge(X):
    """Images of 8 x 8 pixels as those of 28 x 28: three times as large, with a rim."""
    large = X.reshape(-1, 8, 8).repeat(3, axis=1).repeat(3, axis=2)
    return np.pad(large, [(0, 0), (2, 2), (2, 2)]).reshape(len(X), -1)


def _fetch(name, onehot, balanced):
    options = {"balanced": True} if balanced and name == "electricity" else {}
    table = FETCHERS[name](**options)
    X, y = table.data.astype(np.float32), table.target
    if name == "adult":
        X, y = np.roll(X, -N_ADULT_TEST, axis=0), np.roll(y, -N_ADULT_TEST)
        if onehot:
            X = _encode_one_hot(X, ADULT_CATEGORIES)
    return X, y


def _load_text(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    embedding = make_pipeline(
        TfidfVectorizer(sublinear_tf=True, stop_words="english", min_df=2),
        TruncatedSVD(N_TEXT_COMPONENTS, random_state=0),
    )
    X = embedding.fit_transform([record["text"] for record in records])
    return X, np.array([record["label"] for record in records], dtype=np.int64)


def _encode_one_hot(X, categorical):
    indicators = [X[:, [j]] == np.unique(X[:, j]) for j in sorted(categorical)]
    others = np.delete(X, categorical, axis=1)
    return np.concatenate([others, *indicators], axis=1).astype(np.float32)
