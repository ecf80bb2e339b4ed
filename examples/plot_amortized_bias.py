"""
Noise averages out, bias does not
=================================

A model that is fitted to noisy values learns their expectation: noise averages out over
the rows and the evaluations, bias is learned like the rest. Here Shapley values are
amortized from two sources. Permutations are unbiased. Beta(4, 1)-Shapley weighs the
contributions to small coalitions more, which are larger: taken for Shapley values, its
values are biased.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_classification

from skvalue import AmortizedShapley, BetaShapley, DataShapley
from skvalue.metrics import agreement

# %%
# 500 rows, a fifth of them with a wrong label, and 100 clean held-out ones.
X, y = make_classification(
    600, 8, n_informative=5, n_redundant=0, class_sep=1.2, random_state=0
)
wrong = np.random.default_rng(0).choice(500, 100, replace=False)
y[wrong] = 1 - y[wrong]
X, X_val, y, y_val = X[:500], X[500:], y[:500], y[500:]

# %%
# What both are compared with: Shapley values from many shared subsets.
reference = DataShapley(
    scoring="accuracy", sampler="shared", max_evaluations=4000, tol=None, random_state=1
).fit(X, y, X_val=X_val, y_val=y_val)

# %%
# Noisy values from 1 to 100 contributions a row. A single permutation costs a fit a
# row, and two for each of the five rows that it begins with; where sizes weigh as
# differently as here it is walked in 16 pieces, each of which costs one more.
SOURCES = {"unbiased": (DataShapley(), 506), "biased": (BetaShapley(4, 1), 516)}
CONTRIBUTIONS = [1, 3, 10, 30, 100]

errors = {}
for name, (source, fits_of_a_permutation) in SOURCES.items():
    source.set_params(scoring="accuracy", sampler="single_permutation", tol=None)
    for n_contributions in CONTRIBUTIONS:
        source.set_params(max_evaluations=n_contributions * fits_of_a_permutation)
        valuator = AmortizedShapley(source, regressor="ridge", random_state=0)
        valuator.fit(X, y, X_val=X_val, y_val=y_val)
        for label, values in {
            f"{name}, noisy": valuator.noisy_values_,
            f"{name}, amortized": valuator.amortized_values_,
        }.items():
            found = agreement(values, reference.data_values_)
            errors.setdefault(label, []).append(found["normalized_squared_error"])

for label, curve in errors.items():
    print(f"{label:22}" + "".join(f"{error:8.2f}" for error in curve))

# %%
# With further contributions the amortized unbiased values come closer and closer to the
# reference. The biased ones do not: they come to their own expectation, and more
# evaluations make the model sure of the wrong values, as more rows would.
for label, curve in errors.items():
    plt.loglog(
        CONTRIBUTIONS,
        curve,
        "--" if label.endswith("noisy") else "-",
        color="C0" if label.startswith("unbiased") else "C1",
        label=label,
    )
plt.title("Amortizing unbiased and biased values")
plt.xlabel("Contributions a row")
plt.ylabel("Squared error / variance of the values")
plt.legend()
plt.show()
