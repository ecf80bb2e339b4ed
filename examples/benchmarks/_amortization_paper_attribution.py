"""Feature attribution in `amortization_paper.py`: what each figure is made of.

The paper explains a vision transformer on ImageNette with 196 patches; here it is an
MLP on images of digits with 16 super-pixels, or on a table with its 14 columns, and
all of their classes. The amortized model is the paper's: a network that sees the row
alone. *Combined* is this library's mean of predictions and labels.
"""

import time
from itertools import product

import numpy as np
from _attribution_games import super_pixels
from _data import load
from scipy.stats import rankdata
from sklearn.neural_network import MLPClassifier
from sklearn.utils import Bunch

from skvalue import AmortizedAttribution, FeatureAttribution

N_MODEL = 600
# The paper takes 2.6 to 42 coalitions a patch.
MULTIPLES = [2.5, 5, 10, 20]
LONG = [2.5, 5, 10, 20, 40, 80, 160]
SOURCES = ["kernel_shap", "permutation", "sgd_shapley"]
SIZES = [50, 100, 200, 400]
# The paper's 2440 coalitions a row, or 2257 and the training.
SINGLE, AMORTIZED = 2440 / 196, 2257 / 196
EPOCHS = 50
FASTSHAP_EPOCHS = [5, 15, 50]
METRICS = ["squared_error", "pearson", "spearman", "signs"]


def problem(name, n_rows, n_truth, seed):
    """A fitted model, rows, unseen rows, and what the columns are grouped to."""
    X, y = load(name)
    groups = None
    if name in ("digits", "mnist_test"):
        groups = super_pixels(round(X.shape[1] ** 0.5))
        X = X / X.max()
    else:
        X = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-6)
    order = np.random.default_rng(seed).permutation(len(X))
    X, y = X[order].astype(float), y[order]
    model = MLPClassifier((64,), early_stopping=True, random_state=seed)
    model.fit(X[:N_MODEL], y[:N_MODEL])
    rows = X[N_MODEL : N_MODEL + n_rows]
    unseen = X[N_MODEL + n_rows :][:n_truth]
    d = len(groups) if groups else X.shape[1]
    return Bunch(model=model, rows=rows, unseen=unseen, groups=groups, n_players=d)


def attribution(parts, method, multiple, seed):
    """Fitted, with the rows as background."""
    source = FeatureAttribution(
        parts.model,
        method=method,
        n_samples=round(multiple * parts.n_players),
        column_groups=parts.groups,
        random_state=seed,
    )
    return source.fit(parts.rows)


def truth(parts, method, n_truth):
    """Attributions by enumeration, of some rows and of the unseen ones."""
    exact = attribution(parts, method, 2**parts.n_players / parts.n_players, 0)
    return [exact.transform(rows) for rows in (parts.rows[:n_truth], parts.unseen)]


def metrics(found, true, prefix):
    """The paper's four, means over rows and classes."""
    found, true = found[: len(true)], true[: len(found)]
    if found.ndim == 2:
        found, true = found[..., None], true[..., None]

    def correlation(first, second):
        first = first - first.mean(axis=1, keepdims=True)
        second = second - second.mean(axis=1, keepdims=True)
        norm = np.sqrt(np.sum(first**2, axis=1) * np.sum(second**2, axis=1))
        return np.mean(np.sum(first * second, axis=1) / np.maximum(norm, 1e-300))

    figures = {
        # In units of the squared size of the attributions.
        "squared_error": np.sum((found - true) ** 2) / np.sum(true**2),
        "pearson": correlation(found, true),
        "spearman": correlation(rankdata(found, axis=1), rankdata(true, axis=1)),
        "signs": np.mean(np.sign(found) == np.sign(true)),
    }
    return {f"{prefix} {name}": value for name, value in figures.items()}


def unit_norm(attributions):
    norm = np.linalg.norm(attributions, axis=1, keepdims=True)
    return attributions / np.where(norm > 0, norm, 1.0)


def flops_of(layers):
    """Of one row through linear layers."""
    return 2 * sum(layer.size for layer in layers)


def fit(parts, source, seed, **options):
    """The paper's amortized model and what training it costs, in FLOPs."""
    options = {"controls": False, "regressor": "net", "max_epochs": EPOCHS} | options
    fitted = AmortizedAttribution(
        source, prefit=True, cv=3, random_state=seed, **options
    )
    start = time.process_time()
    fitted.fit(parts.rows)
    seconds = time.process_time() - start
    training = 0
    for net in fitted.nets_:
        matrices = [
            p.detach().numpy() for p in net.module_.parameters() if p.dim() == 2
        ]
        # A step back costs two forward, and every network sees two thirds of the rows.
        rows = len(fitted.rows_) * 2 / 3
        training += 3 * flops_of(matrices) * rows * len(net.history)
    return fitted, {"training": training, "seconds": seconds}


class Experiments:
    """The measurements of feature attribution.

    Parameters
    ----------
    records : Records
        Where figures are kept.

    quick : bool
        Whether few rows and budgets are enough.

    folder : Path
        Where the attributions of Figure 2 go.
    """

    def __init__(self, records, quick, folder):
        self.records, self.folder = records, folder
        self.n_rows, self.n_truth = (60, 10) if quick else (400, 40)
        self.multiples = MULTIPLES[::3] if quick else MULTIPLES
        self.long = LONG[::3] if quick else LONG
        self.sizes = SIZES[:1] if quick else SIZES
        self.epochs = {"max_epochs": 5} if quick else {}
        self.fastshap_epochs = FASTSHAP_EPOCHS[:1] if quick else FASTSHAP_EPOCHS
        self.known = {}

    def parts(self, name, seed):
        """The problem and its truths, once."""
        if (name, seed) not in self.known:
            parts = problem(name, self.n_rows, self.n_truth, seed)
            parts.flops = flops_of(parts.model.coefs_)
            parts.truth = {}
            self.known = {(name, seed): parts}
        return self.known[name, seed]

    def truth(self, parts, method):
        method = method if method in ("banzhaf", "lime") else "kernel_shap"
        if method not in parts.truth:
            parts.truth[method] = truth(parts, method, self.n_truth)
        return parts.truth[method]

    def run(self, name, seed):
        self.labels(name, seed)
        self.single(name, seed)
        self.fastshap(name, seed)
        self.other_values(name, seed)
        self.rows_at_equal_cost(name, seed)

    def labels(self, name, seed):
        """Figures 2, 3 (left and centre), 9, 10 and 12."""
        for method, multiple in product(SOURCES, self.multiples):
            key = "labels", name, method, multiple, seed
            self.records.get(key, lambda key=key: self.amortized(*key[1:]))

    def amortized(self, name, method, multiple, seed, **options):
        """Labels, predictions and combination of one source."""
        parts = self.parts(name, seed)
        source = attribution(parts, method, multiple, seed)
        fitted, cost = fit(parts, source, seed, **options | self.epochs)
        true, of_unseen = self.truth(parts, method)
        if options.get("normalize"):
            true, of_unseen = unit_norm(true), unit_norm(of_unseen)
        found = {
            "labels": (fitted.noisy_attributions_, true),
            "predicted": (fitted.amortized_attributions_, true),
            "combined": (fitted.combined_attributions_, true),
            "unseen": (fitted.transform(parts.unseen), of_unseen),
        }
        figures = {}
        for part, pair in found.items():
            figures |= metrics(*pair, part)
        if (method, multiple, seed) == ("kernel_shap", self.multiples[0], 0):
            n, kept = self.n_truth, {part: a for part, (a, _) in found.items()}
            np.savez(
                self.folder / f"figure2_{name}.npz",
                labels=kept["labels"][:n],
                predicted=kept["predicted"][:n],
                truth=true,
            )
        asked = fitted.n_evaluations_ * self.n_rows * parts.flops
        return figures | {"label flops": asked} | cost

    def single(self, name, seed):
        """Figures 6 and 11: one row by itself."""
        for method, multiple in product(SOURCES, self.long):

            def measure(method=method, multiple=multiple):
                parts = self.parts(name, seed)
                if round(multiple * parts.n_players) > 2**parts.n_players - 2:
                    return {}
                source = attribution(parts, method, multiple, seed)
                drawn = source._draw(
                    parts.rows[: self.n_truth], seed, errors=False, rows_a_design=1
                )
                found = source._squeezed(drawn.values)
                true = self.truth(parts, method)[0]
                asked = drawn.n_evaluations * self.n_rows * parts.flops
                return metrics(found, true, "labels") | {"label flops": asked}

            self.records.get(("single", name, method, multiple, seed), measure)

    def fastshap(self, name, seed):
        """Figure 13: the objective of FastSHAP, by epochs."""
        for n_epochs in self.fastshap_epochs:

            def measure(n_epochs=n_epochs):
                parts = self.parts(name, seed)
                source = attribution(parts, "kernel_shap", 10, seed)
                fitted, cost = fit(
                    parts, source, seed, objective="fastshap", max_epochs=n_epochs
                )
                true, of_unseen = self.truth(parts, "kernel_shap")
                figures = metrics(fitted.transform(parts.unseen), of_unseen, "unseen")
                figures |= metrics(fitted.amortized_attributions_, true, "predicted")
                asked = fitted.n_evaluations_ * self.n_rows * parts.flops
                return figures | {"label flops": asked} | cost

            self.records.get(("fastshap", name, "fastshap", n_epochs, seed), measure)

    def other_values(self, name, seed):
        """Figures 14 to 16: Banzhaf values and LIME, as they are and normalised."""

        def norms(method):
            true, _ = self.truth(self.parts(name, seed), method)
            norm = np.linalg.norm(true, axis=1).ravel()
            shares = [0.1, 0.25, 0.5, 0.75, 0.9, 1.0]
            return {f"{100 * s:.0f} %": np.quantile(norm, s) for s in shares}

        for method in ("kernel_shap", "banzhaf", "lime"):
            key = "norms", name, method, "", seed
            self.records.get(key, lambda method=method: norms(method))
        for method, multiple in product(("banzhaf", "lime"), self.multiples):
            for normalize in (False, True):
                label = f"{method}, unit norm" if normalize else method
                key = "others", name, label, multiple, seed
                options = {"normalize": normalize}

                def measure(method=method, multiple=multiple, options=options):
                    return self.amortized(name, method, multiple, seed, **options)

                self.records.get(key, measure)

    def rows_at_equal_cost(self, name, seed):
        """Figures 3 (right), 7 and 8: by the number of rows, training included."""
        for n_rows in self.sizes:

            def measure(n_rows=n_rows):
                parts = self.parts(name, seed)
                true, of_unseen = self.truth(parts, "kernel_shap")
                single = attribution(parts, "kernel_shap", SINGLE, seed)
                drawn = single._draw(
                    parts.rows[: self.n_truth], seed, errors=False, rows_a_design=1
                )
                figures = metrics(single._squeezed(drawn.values), true, "labels")
                # The game is that of all rows; only the first ones are learnt from.
                some = Bunch(**parts | {"rows": parts.rows[:n_rows]})
                source = attribution(parts, "kernel_shap", AMORTIZED, seed)
                fitted, _ = fit(some, source, seed, **self.epochs)
                back = np.argsort(fitted.rows_)
                found = fitted.amortized_attributions_[back]
                figures |= metrics(found, true, "predicted")
                return figures | metrics(
                    fitted.transform(parts.unseen), of_unseen, "unseen"
                )

            self.records.get(("rows", name, "kernel_shap", n_rows, seed), measure)
