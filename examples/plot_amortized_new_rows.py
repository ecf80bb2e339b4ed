"""
Denoise values, and price rows that come later
==============================================

A few permutations give each row a value that is unbiased and nearly all noise. A
network that learns these values from the rows and their labels averages the noise out
over similar rows, and then values any row in one pass: `AmortizedShapley`.
"""

# %%
# Rows, a fifth of them mislabelled
# ---------------------------------
# 600 rows to train on, 200 held out and clean, 400 that come later.
import numpy as np
from sklearn.datasets import make_classification

from skvalue.datasets import make_label_noise

X, y_true = make_classification(
    1200, 8, n_informative=5, class_sep=1.0, flip_y=0.05, random_state=0
)
y, wrong = make_label_noise(y_true, 0.2, random_state=0)
train, later = slice(0, 600), slice(800, 1200)
held_out = {"X_val": X[600:800], "y_val": y_true[600:800]}

# %%
# Noisy labels, and what the network makes of them
# ------------------------------------------------
# The labels come from two permutations and their reverses. A fit of 500 permutations is
# the reference.
from skvalue import AmortizedShapley, DataShapley
from skvalue.metrics import agreement

a_permutation = 600 - 5 + 1
noisy = DataShapley(
    scoring="accuracy",
    sampler="permutation",
    tol=None,
    max_evaluations=4 * a_permutation,
)
precise = DataShapley(
    scoring="accuracy",
    sampler="permutation",
    tol=None,
    max_evaluations=500 * a_permutation,
    random_state=1,
).fit(X[train], y[train], **held_out)
amortized = AmortizedShapley(noisy, random_state=0)
amortized.fit(X[train], y[train], **held_out)
for name, values in [
    ("labels", amortized.noisy_values_),
    ("amortized", amortized.data_values_),
]:
    scores = agreement(values, precise.data_values_)
    print(f"{name:10s} r = {scores['pearson']:.3f}")

# %%
# Rows that come later
# --------------------
# They were in no coalition. `predict_values` takes their labels as they are;
# `predict_class_values` tells what a row would be worth under each label.
from skvalue.metrics import detection

new = amortized.predict_values(X[later], y[later])
print(f"ROC-AUC of wrong labels: {detection(new, wrong[later])['roc_auc']:.3f}")
gain = amortized.predict_class_values(X[later])
better = amortized.classes_[gain.argmax(axis=1)]
print(f"most valuable class is the true one: {np.mean(better == y_true[later]):.3f}")

# %%
# Before and after
# ----------------
import matplotlib.pyplot as plt

fig, axes = plt.subplots(1, 2, figsize=(8, 3.6), sharey=True, layout="constrained")
for ax, values, title in [
    (axes[0], amortized.noisy_values_, "labels: a few permutations"),
    (axes[1], amortized.data_values_, "amortized"),
]:
    for rows, label in [(~wrong[train], "right"), (wrong[train], "wrong")]:
        ax.scatter(values[rows], precise.data_values_[rows], s=8, label=label)
    ax.set(xlabel=title)
axes[0].set_ylabel("500 permutations")
axes[0].legend(title="label")
fig.suptitle("Values before and after amortizing, beside precise ones")
plt.show()
