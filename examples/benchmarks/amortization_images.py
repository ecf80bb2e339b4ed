"""Amortized values of images: wrong labels found, and what cleaning gains.

`detection`: ROC-AUC, average precision and share of the wrong labels with a negative
value, then the share of the wrong labels that are found among the lowest values, for
distributional Shapley values from 5, 10 and 25 contributions a row, and for those from
5 after amortizing by a small convolutional network (Covert et al. 2024, Table 2 and
Figure 20). `cleaning`: log-loss
on test images of that network as a classifier, trained on what is left (Figure 21).

    SKVALUE_DATA=... python examples/benchmarks/amortization_images.py detection
        cleaning [--noise 0.1 0.25] [--seeds 3]

10 000 images of MNIST: 8000 to train on, of which some get another class, 1000 clean
held-out ones, 1000 to test on. Coalitions of 20 to 300 images are scored by the
accuracy of a ridge classifier on 64 principal components; each values 2 % of the rows,
so that errors of different rows are nearly independent. One thread.
"""

import argparse
import functools
import os
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import torch
from _data import load
from sklearn.decomposition import PCA
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import log_loss
from sklearn.utils import Bunch
from skorch import NeuralNetClassifier
from torch import nn

from skvalue import AmortizedShapley, DistributionalShapley
from skvalue.metrics import detection as scores_of

SOURCE = "mnist_test"
N_TRAIN, N_VAL = 8000, 1000
VALUED_SHARE = 0.02
CONTRIBUTIONS = [5, 10, 25]
COLUMNS = ["roc_auc", "average_precision", "negative_share"]
INSPECTED = [0.05, 0.1, 0.15, 0.25, 0.5]
SIDE = 28
CLEANED_NOISE = 0.25


class ConvNet(nn.Sequential):
    """Two convolutions and two linear layers, 60 000 parameters."""

    def __init__(self, n_outputs=10):
        super().__init__(
            nn.Conv2d(1, 16, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(800, 64),
            nn.ReLU(),
            nn.Linear(64, n_outputs),
        )


def make_images(noise, seed):
    """Images for training, some with the label of another class; clean ones."""
    X, y = load(SOURCE)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(X))
    X, y = X[order].reshape(-1, 1, SIDE, SIDE).astype(np.float32), y[order]
    train, held_out, test = np.split(np.arange(len(X)), [N_TRAIN, N_TRAIN + N_VAL])
    wrong = rng.choice(N_TRAIN, round(noise * N_TRAIN), replace=False)
    y_noisy = y[train].copy()
    y_noisy[wrong] = (y_noisy[wrong] + rng.integers(1, 10, len(wrong))) % 10
    return Bunch(
        X=X[train],
        y=y_noisy,
        is_wrong=np.isin(train, wrong),
        held_out={"X_val": X[held_out], "y_val": y[held_out]},
        X_test=X[test],
        y_test=y[test],
    )


def distributional(n_contributions):
    """Values from this many contributions a row."""
    return DistributionalShapley(
        RidgeClassifier(),
        min_coalition_size=20,
        max_coalition_size=300,
        valued_share=VALUED_SHARE,
        max_evaluations=round(n_contributions / VALUED_SHARE),
        tol=None,
    )


@functools.cache
def monte_carlo(noise, seed):
    """Values by number of contributions, each the one before continued."""
    images = make_images(noise, seed)
    components = PCA(64, random_state=seed)
    X = components.fit_transform(images.X.reshape(N_TRAIN, -1))
    X_val = components.transform(images.held_out["X_val"].reshape(N_VAL, -1))
    valuator = distributional(1).set_params(warm_start=True, random_state=100 + seed)
    found = {}
    for n_contributions in CONTRIBUTIONS:
        budget = distributional(n_contributions).max_evaluations
        valuator.set_params(max_evaluations=budget)
        valuator.fit(X, images.y, X_val=X_val, y_val=images.held_out["y_val"])
        found[n_contributions] = valuator.data_values_
    return found


@functools.cache
def amortized(noise, seed):
    """The valuator fitted on labels from five contributions a row."""
    images = make_images(noise, seed)
    valuator = AmortizedShapley(
        distributional(5),
        module=ConvNet,
        valuator_transformer=PCA(64),
        drop=noise,
        random_state=seed,
    )
    return valuator.fit(images.X, images.y, **images.held_out)


def found_shares(values, is_wrong):
    """Share of the wrong labels among each share of the rows with the lowest values."""
    found = np.cumsum(is_wrong[np.argsort(values, kind="stable")]) / is_wrong.sum()
    return [found[round(share * len(values)) - 1] for share in INSPECTED]


def show(label, records):
    cells = [
        f"{np.mean(each):11.3f} ±{np.std(each):.3f}"
        for each in zip(*records, strict=True)
    ]
    print(f"{label:32}" + "".join(cells), flush=True)


def detection(options):
    for noise in options.noise:
        scores, found, seconds = {}, {}, []
        for seed in range(options.seeds):
            start = time.process_time()
            valuator = amortized(noise, seed)
            seconds.append(time.process_time() - start)
            values = {
                f"{n} contributions": v for n, v in monte_carlo(noise, seed).items()
            }
            values["5 and 1 to choose by"] = valuator.noisy_values_
            values["amortized: predictions"] = valuator.amortized_values_
            values["amortized: values"] = valuator.data_values_
            is_wrong = make_images(noise, seed).is_wrong
            for label, estimate in values.items():
                figures = scores_of(estimate, is_wrong)
                scores.setdefault(label, []).append([figures[c] for c in COLUMNS])
                found.setdefault(label, []).append(found_shares(estimate, is_wrong))
        lowest = [f"lowest {share:.0%}" for share in INSPECTED]
        for columns, rows in [(COLUMNS, scores), (lowest, found)]:
            title = f"{noise:.0%} wrong labels"
            print(f"\n{title:32}" + "".join(f"{c:>18}" for c in columns))
            for label, records in rows.items():
                show(label, records)
        print(f"labels and network: {np.median(seconds):.0f} CPU seconds (median)")


def test_loss(X, y, images, seed):
    """Log-loss of a classifier trained on (X, y)."""
    torch.manual_seed(seed)
    model = NeuralNetClassifier(
        ConvNet,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        batch_size=64,
        max_epochs=10,
        train_split=None,
        verbose=0,
    )
    model.fit(X, y)
    probability = model.predict_proba(images.X_test)
    accuracy = np.mean(probability.argmax(axis=1) == images.y_test)
    return log_loss(images.y_test, probability, labels=range(10)), accuracy


def cleaning(options):
    noise = CLEANED_NOISE
    title = f"{noise:.0%} wrong labels"
    print(f"\n{title:32}{'log-loss':>18}{'accuracy':>18}")
    rows = {}
    for seed in range(options.seeds):
        images = make_images(noise, seed)
        valuator = amortized(noise, seed)
        n_low = round(noise * N_TRAIN)
        rng = np.random.default_rng(seed)

        def without_lowest(values, n_low=n_low):
            return np.argsort(values, kind="stable")[n_low:]

        kept = {
            "nothing removed": np.arange(N_TRAIN),
            "as many removed at random": rng.permutation(N_TRAIN)[n_low:],
            "lowest of 10 contributions removed": without_lowest(
                monte_carlo(noise, seed)[10]
            ),
            "lowest amortized values removed": without_lowest(valuator.data_values_),
            "wrong labels removed": np.flatnonzero(~images.is_wrong),
        }
        data = {label: (images.X[k], images.y[k]) for label, k in kept.items()}
        data["lowest amortized values relabelled"] = (
            images.X,
            valuator.relabel(images.X, images.y),
        )
        for label, (X, y) in data.items():
            rows.setdefault(label, []).append(test_loss(X, y, images, seed))
    for label, records in rows.items():
        show(label, records)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tables = {"detection": detection, "cleaning": cleaning}
    parser.add_argument("table", nargs="+", choices=tables)
    parser.add_argument("--noise", nargs="+", type=float, default=[0.1, 0.25])
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    for table in arguments.table:
        tables[table](arguments)
