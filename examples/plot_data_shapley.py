"""
Data Shapley in seconds
=======================

What is each training row worth to a logistic regression? `DataShapley` answers with the
mean of what the row adds to coalitions of other rows. This example values 1000 rows of
which one label in five is wrong, and shows how certain the values are, what the
utility's choice changes, and what happens when rows leave in the order of their values.
"""

# %%
# Rows with known mistakes
# ------------------------
# Values are measured on held-out rows, whose labels are right here. A third part of the
# rows tests what the values are good for.
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split

from skvalue.datasets import make_label_noise

X, y = make_classification(
    3200, 10, n_informative=6, n_clusters_per_class=2, class_sep=1.2, random_state=0
)
X_train, X_rest, y_true, y_rest = train_test_split(
    X, y, train_size=1000, random_state=0
)
X_val, X_test, y_val, y_test = train_test_split(
    X_rest, y_rest, train_size=200, random_state=0
)
y_train, is_wrong = make_label_noise(y_true, 0.2, random_state=0)

# %%
# Values and their standard errors
# --------------------------------
# For logistic and ridge models one fit of a random subset gives the contribution of
# every row, so 300 fits give 300 000 contributions. ``data_values_stderr_`` says how
# far each value may be off; ``tol`` would stop the sampling at a wanted precision.
from skvalue import DataShapley

valuator = DataShapley(max_evaluations=300, tol=None, random_state=0)
valuator.fit(X_train, y_train, X_val=X_val, y_val=y_val)
values, errors = valuator.data_values_, valuator.data_values_stderr_

# %%
# The utility matters more than the estimator
# -------------------------------------------
# By default a coalition is worth the mean probability that its model gives the true
# class. Accuracy is what the papers use. It moves in steps, so most contributions are
# exactly zero and the values need many more coalitions.
from sklearn.metrics import roc_auc_score

by_accuracy = DataShapley(
    scoring="accuracy", max_evaluations=300, tol=None, random_state=0
).fit(X_train, y_train, X_val=X_val, y_val=y_val)

for name, fitted in [("probability", valuator), ("accuracy", by_accuracy)]:
    noise = (fitted.data_values_stderr_**2).mean() / fitted.data_values_.var()
    area = roc_auc_score(is_wrong, -fitted.data_values_)
    print(
        f"{name:<12} share of the variance that is noise {noise:.2f}   "
        f"ROC-AUC of the wrong labels {area:.3f}"
    )

# %%
# Rows leave in the order of their values
# ---------------------------------------
# Without the rows of lowest value the model gives the true class of test rows a higher
# probability; without the most valuable rows it gets worse quickly.
import numpy as np
from sklearn.linear_model import LogisticRegression


def utility_without(order, share):
    kept = order[int(share * len(order)) :]
    model = LogisticRegression().fit(X_train[kept], y_train[kept])
    return model.predict_proba(X_test)[np.arange(len(y_test)), y_test].mean()


shares = np.linspace(0, 0.6, 13)
by_value = np.argsort(values)
orders = {
    "lowest values first": by_value,
    "highest values first": by_value[::-1],
    "at random": np.random.default_rng(0).permutation(len(values)),
}
curves = {
    name: [utility_without(order, share) for share in shares]
    for name, order in orders.items()
}

# %%
# The picture
# -----------
import matplotlib.pyplot as plt

# Blue and orange, told apart by readers of any colour vision; grey for the reference.
RIGHT, WRONG, REFERENCE = "#3b6fb6", "#d1701f", "0.35"

figure, (sorted_values, removal) = plt.subplots(
    1, 2, figsize=(10, 3.8), layout="constrained"
)
rank = np.argsort(by_value)
for wrong, color, name in [(False, RIGHT, "right label"), (True, WRONG, "wrong label")]:
    some = is_wrong == wrong
    sorted_values.errorbar(
        rank[some],
        values[some],
        yerr=2 * errors[some],
        fmt=".",
        markersize=3,
        linewidth=0.4,
        color=color,
        label=name,
    )
sorted_values.axhline(0, color=REFERENCE, linewidth=0.8)
sorted_values.set(
    xlabel="rank of the row",
    ylabel="data value ± 2 standard errors",
    title="Values",
)
sorted_values.legend(frameon=False)

styles = [(RIGHT, "-"), (WRONG, "--"), (REFERENCE, ":")]
for (name, curve), (color, style) in zip(curves.items(), styles, strict=True):
    removal.plot(shares, curve, color=color, linestyle=style, label=name)
removal.set(
    xlabel="share of the training rows removed",
    ylabel="probability of the true class, test rows",
    title="Rows leave in the order of their values",
)
removal.legend(frameon=False)

# sphinx_gallery_start_ignore
import sys
from pathlib import Path

# The doc build keeps the figure itself; a script leaves it where it was started.
if "sphinx_gallery" not in sys.modules:
    figure.savefig("data_shapley.png", dpi=150)
    print(f"\nfigure saved to {Path('data_shapley.png').resolve()}")
# sphinx_gallery_end_ignore
