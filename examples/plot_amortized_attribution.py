"""
Explain every row for the price of a few
========================================

Attributions of one row need hundreds of predictions. A few dozen give an estimate that
is unbiased and noisy; a network that learns these estimates averages the noise out over
the rows, and then explains any row in one pass: `AmortizedAttribution`.
"""

# %%
# A model of 30 columns
# ---------------------
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
model = make_pipeline(StandardScaler(), MLPClassifier((32, 32), random_state=0))
model = model.set_params(mlpclassifier__max_iter=1000).fit(X, y)
train, later = X[:400], X[400:]

# %%
# Noisy attributions, predictions, and both together
# --------------------------------------------------
# Each of 400 rows gets 60 coalitions of the 30 columns. The reference takes 4000.
# ``method="regression"`` has no bias: its errors are noise, which averages out. Those
# of the default are smaller for a row by itself, and averaging gains nothing.
from skvalue import AmortizedAttribution, FeatureAttribution

source = FeatureAttribution(model, method="regression", n_samples=60)
explainer = AmortizedAttribution(source, max_epochs=20, random_state=0)
combined = explainer.fit(train).combined_attributions_
reference = FeatureAttribution(model, n_samples=4000, random_state=1).fit(train)
some = slice(0, 60)
precise = reference.transform(train[some])
precise_later = reference.transform(later[some])
estimates = {
    "noisy": explainer.noisy_attributions_[some],
    "predicted, row not seen": explainer.amortized_attributions_[some],
    "combined": combined[some],
}
for name, found in estimates.items():
    print(f"{name:24s} squared error {((found - precise) ** 2).sum(axis=1).mean():.5f}")

# %%
# Rows that come later
# --------------------
# They cost 62 predictions each: what each column does alone, and what its absence does.
# Attributions sum to the prediction all the same.
predicted = explainer.transform(later)
error = ((predicted[some] - precise_later) ** 2).sum(axis=1).mean()
print(f"{'predicted, later rows':24s} squared error {error:.5f}")
base = explainer.attribution_.base_values_
sums = predicted.sum(axis=1) + base
print("largest gap:", np.abs(sums - model.predict_proba(later)[:, 1]).max())

# %%
# The score needs no reference: two independent noisy attributions measure the error.
print(f"minus the score {-explainer.score(later):.5f}")

# %%
# Before and after
# ----------------
import matplotlib.pyplot as plt

fig, axes = plt.subplots(
    1, 3, figsize=(9, 3.4), sharex=True, sharey=True, layout="constrained"
)
for ax, (name, found) in zip(axes, estimates.items(), strict=True):
    ax.scatter(found, precise, s=3, alpha=0.4)
    ax.axline((0, 0), slope=1, color="black", linewidth=0.8)
    ax.set(title=name, xlabel="attribution")
axes[0].set_ylabel("4000 coalitions")
plt.show()
