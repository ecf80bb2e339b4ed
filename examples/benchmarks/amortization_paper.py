"""The tables and figures of the amortization paper, by skvalue, on the data at hand.

Covert, Kim, Lee, Zou, Hashimoto, "Stochastic Amortization: A Unified Approach to
Accelerate Feature and Data Attribution" (NeurIPS 2024). One experiment after the other:

    attribution     Figures 2, 3, 6 to 16
    values          Figures 4 (left, centre), 17, 18
    sizes           Figure 4 (right)
    distributional  Figures 5 and 19
    datamodels      Appendix B
    detection       Table 2, Figure 20
    cleaning        Figure 21

    SKVALUE_DATA=... python examples/benchmarks/amortization_paper.py [experiment ...]
        [--folder amortization_paper] [--seeds 3] [--explained digits adult mnist_test]
        [--valued adult 2dplanes] [--pictures mnist_test]
    python examples/benchmarks/amortization_paper.py --quick

Figures go to a CSV file in the folder, from which a run that was ended goes on, and
`--seeds 1` may come before `--seeds 3`; then each to a picture, and all numbers to the
terminal. `--draw` draws what is there. `--quick` does all of it on a few rows that
scikit-learn has, in a minute or two, to see that it runs; its figures say nothing.

ImageNette, the vision transformer, MiniBooNE, CIFAR-10 and the ResNet are not at hand.
Instead: images of digits with 16 super-pixels and an MLP, a table and its 14 columns;
other tables; 2000 images of MNIST and a small convolutional network.
Theorem 1 and Eq. 4 are the example ``plot_amortization_theorem.py``.
"""

import argparse
import os
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import matplotlib

matplotlib.use("Agg")

import _amortization_paper_attribution as attribution
import _amortization_paper_valuation as valuation
from _amortization_paper_figures import Figures, write
from _records import Records
from sklearn.utils import Bunch

VALUED = ["values", "sizes", "distributional", "datamodels"]
PICTURES = ["detection", "cleaning"]
EXPERIMENTS = ["attribution", *VALUED, *PICTURES]
FULL = {
    "explained": ["digits", "adult", "mnist_test"],
    "valued": ["adult", "2dplanes"],
    "pictures": ["mnist_test"],
}
QUICK = {
    "explained": ["digits"],
    "valued": ["breast_cancer"],
    "pictures": ["digits_28"],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiment", nargs="*", help=", ".join(EXPERIMENTS))
    parser.add_argument("--folder", default="amortization_paper")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--explained", nargs="+")
    parser.add_argument("--valued", nargs="+")
    parser.add_argument("--pictures", nargs="+")
    parser.add_argument("--quick", action="store_true", help="a minute, for a test")
    parser.add_argument("--draw", action="store_true", help="measure nothing")
    options = parser.parse_args()
    unknown = set(options.experiment) - set(EXPERIMENTS)
    if unknown:
        parser.error(f"no such experiment: {', '.join(sorted(unknown))}")
    quick = options.quick
    data = Bunch(
        **{
            kind: getattr(options, kind) or names
            for kind, names in (QUICK if quick else FULL).items()
        }
    )
    folder = Path(options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    records = Records(folder / ("quick.csv" if quick else "figures.csv"))
    chosen = [] if options.draw else options.experiment or EXPERIMENTS
    of_columns = attribution.Experiments(records, quick, folder)
    of_rows = valuation.Experiments(records, quick, str(folder / "truths"))
    measure = {"values": of_rows.contributions} | {
        name: getattr(of_rows, name) for name in [*VALUED[1:], *PICTURES]
    }
    # The first seed of everything comes before the second of anything.
    for seed in range(1 if quick else options.seeds):
        for experiment in chosen:
            if experiment == "attribution":
                for name in data.explained:
                    of_columns.run(name, seed)
            else:
                kind = "valued" if experiment in VALUED else "pictures"
                for name in data[kind]:
                    measure[experiment](name, seed)
    figures = Figures(records, folder)
    for kind, names in data.items():
        for name in names:
            getattr(figures, kind)(name)
    write(figures.found, folder)


if __name__ == "__main__":
    main()
