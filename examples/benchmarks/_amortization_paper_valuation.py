"""Data valuation and datamodels in `amortization_paper.py`.

The functions are those of `amortization.py`, `amortization_images.py` and
`datamodels.py`. MiniBooNE and CIFAR-10 are not at hand: other tables, and MNIST.
"""

import time

import amortization
import amortization_images as images
import datamodels
import numpy as np

from skvalue import AmortizedShapley, Datamodels
from skvalue.metrics import agreement, detection

CONTRIBUTIONS = [1, 5, 10, 50, 100]
OF_DISTRIBUTIONS = [5, 10, 25, 50, 100]
SIZES = [250, 500, 1000, 2500, 10_000]
SIZES_OF_DISTRIBUTIONS = [250, 500, 1000, 2500]
# Behind the true datamodels of a table of two classes.
MANY_SUBSETS = 2000
NOISES = [0.1, 0.25, 0.5]
REMOVED = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4]
FITS = [100, 300, 1000]


def of(estimate, reference, prefix):
    """The paper's four measures."""
    return {f"{prefix} {k}": v for k, v in agreement(estimate, reference).items()}


class Experiments:
    """The measurements of data valuation.

    Parameters
    ----------
    records : Records
        Where figures are kept.

    quick : bool
        Whether few rows and budgets are enough.

    cache : str or None
        Folder of true values.
    """

    def __init__(self, records, quick, cache):
        self.records, self.quick, self.cache = records, quick, cache
        self.n = 100 if quick else 1000
        if quick:
            amortization.TRUE_PERMUTATIONS = 100
            datamodels.N_ROWS, datamodels.N_TARGETS = 60, 10
            images.N_TRAIN, images.N_VAL = 400, 100
        else:
            images.N_TRAIN = 2000

    def contributions(self, name, seed):
        """Figures 4 (left and centre), 17 and 18."""
        for n_contributions in CONTRIBUTIONS[:: 2 if self.quick else 1]:
            key = "values", name, self.n, n_contributions, seed

            def measure(n_contributions=n_contributions):
                return self.valued(name, self.n, n_contributions, seed)

            self.records.get(key, measure)

    def sizes(self, name, seed):
        """Figure 4 (right)."""
        for n in [60] if self.quick else SIZES:

            def measure(n=n):
                return self.valued(name, n, 50, seed)

            self.records.get(("sizes", name, 50, n, seed), measure)

    def valued(self, name, n, n_contributions, seed):
        truth = amortization.ground_truth(name, n, seed, self.cache)
        start = time.process_time()
        valuator = amortization.amortized(name, n, n_contributions, seed)
        seconds = time.process_time() - start
        return {
            **of(valuator.noisy_values_, truth, "labels"),
            **of(valuator.amortized_values_, truth, "predicted"),
            **of(valuator.data_values_, truth, "combined"),
            "seconds": seconds,
        }

    def distributional(self, name, seed):
        """Figures 5 and 19, and 5 (right), of a table."""
        n_contributions = OF_DISTRIBUTIONS[:1] if self.quick else OF_DISTRIBUTIONS
        for count in n_contributions:
            key = "distributional", name, self.n, count, seed
            self.records.get(key, lambda c=count: self.unseen(name, self.n, c, seed))
        for n in [60] if self.quick else SIZES_OF_DISTRIBUTIONS:
            key = "distributional rows", name, 5, n, seed
            self.records.get(key, lambda n=n: self.unseen(name, n, 5, seed))

    def unseen(self, name, n, n_contributions, seed):
        (X, y), (X_val, y_val), (X_new, y_new) = amortization.make_rows(name, n, seed)
        held_out = {"X_val": X_val, "y_val": y_val}
        n_subsets = amortization.TRUE_PERMUTATIONS
        source = amortization.distributional(n_subsets, 10_000 + seed, valued_share=1)
        sizes = {"min_coalition_size": min(100, n // 4)}
        sizes["max_coalition_size"] = min(1000, n - 1)
        source.set_params(**sizes)
        true = source.fit(X, y, **held_out)
        noisy = amortization.distributional(n_contributions).set_params(**sizes)
        fitted = AmortizedShapley(noisy, random_state=seed).fit(X, y, **held_out)
        return {
            **of(fitted.noisy_values_, true.data_values_, "labels"),
            **of(fitted.amortized_values_, true.data_values_, "predicted"),
            **of(fitted.data_values_, true.data_values_, "combined"),
            **of(
                fitted.predict_values(X_new, y_new),
                true.predict_values(X_new, y_new),
                "unseen",
            ),
        }

    def detection(self, name, seed):
        """Table 2 and Figure 20."""
        images.SOURCE = name
        images.CONTRIBUTIONS = OF_DISTRIBUTIONS[: 2 if self.quick else None]
        for noise in NOISES[:1] if self.quick else NOISES:

            def figures(values, noise=noise):
                is_wrong = images.make_images(noise, seed).is_wrong
                found = detection(values, is_wrong)
                shares = images.found_shares(values, is_wrong)
                lowest = dict(zip(images.INSPECTED, shares, strict=True))
                return {c: found[c] for c in images.COLUMNS} | {
                    f"lowest {100 * share:.0f} %": s for share, s in lowest.items()
                }

            def amortized(noise=noise):
                return figures(images.amortized(noise, seed).data_values_)

            key = "detection", name, "amortized, 5", noise, seed
            self.records.get(key, amortized)
            for count in images.CONTRIBUTIONS:
                key = "detection", name, f"Monte Carlo, {count}", noise, seed

                def labels(noise=noise, count=count):
                    return figures(images.monte_carlo(noise, seed)[count], noise)

                self.records.get(key, labels)

    def cleaning(self, name, seed):
        """Figure 21: log-loss by the share that is removed or relabelled."""
        images.SOURCE = name
        noise = images.CLEANED_NOISE

        def measure(method, share):
            data = images.make_images(noise, seed)
            X, y, n_low = data.X, data.y, round(share * len(data.X))
            if method == "random":
                lowest = np.random.default_rng(seed).permutation(len(X))[:n_low]
            elif method == "wrong labels removed":
                lowest = np.flatnonzero(data.is_wrong)
            elif method == "Monte Carlo, 10":
                values = images.monte_carlo(noise, seed)[10]
                lowest = np.argsort(values, kind="stable")[:n_low]
            else:
                valuator = images.amortized(noise, seed)
                lowest = np.argsort(valuator.data_values_, kind="stable")[:n_low]
            if method == "amortized, relabelled":
                y = y.copy()
                by_class = valuator.predict_class_values(X[lowest])
                y[lowest] = valuator.classes_[by_class.argmax(axis=1)]
                lowest = []
            X, y = np.delete(X, lowest, axis=0), np.delete(y, lowest)
            loss, accuracy = images.test_loss(X, y, data, seed)
            return {"log-loss": loss, "accuracy": accuracy}

        for method, share in [("nothing", 0.0), ("wrong labels removed", noise)]:
            key = "cleaning", name, method, share, seed
            self.records.get(key, lambda m=method, s=share: measure(m, s))
        methods = "random", "Monte Carlo, 10", "amortized", "amortized, relabelled"
        for method in methods:
            for share in REMOVED[4:5] if self.quick else REMOVED:
                key = "cleaning", name, method, share, seed
                self.records.get(key, lambda m=method, s=share: measure(m, s))

    def datamodels(self, name, seed):
        """Appendix B: attributions of pairs, by covariances and amortized from them."""

        def measure(n_fits):
            train, targets, *_ = datamodels.rows(name, seed)
            settings = {"output": "probability"}
            n_truth = 200 if self.quick else datamodels.TRUTH.get(name, MANY_SUBSETS)
            truth = Datamodels(max_evaluations=n_truth, random_state=100, **settings)
            truth = truth.fit(*train, *targets).attributions_
            found = {}
            for method in ("closed_form", "ridge", "shared"):
                model = Datamodels(
                    method=method,
                    max_evaluations=n_fits,
                    amortize=method == "closed_form",
                    random_state=seed,
                    **settings,
                ).fit(*train, *targets)
                error = datamodels.relative_error(model.attributions_, truth)
                found[method] = error
                if method == "closed_form":
                    pairs = model.predict_attributions(*train, *targets)
                    found["amortized"] = datamodels.relative_error(pairs, truth)
            return found

        for n_fits in FITS[:1] if self.quick else FITS:
            key = "datamodels", name, "", n_fits, seed
            self.records.get(key, lambda n=n_fits: measure(n))
