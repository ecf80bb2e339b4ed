"""
Datamodels: the rows that made a prediction what it is
======================================================

Which training images speak for a prediction, and which against it? A datamodel is the
linear function of the training rows that comes nearest to what models trained on random
subsets of them say. This example attributes predictions for digits, and finds the wrong
labels behind the worst of them.
"""

# %%
# Digits, one label in twenty wrong
# ---------------------------------
import numpy as np
from sklearn.datasets import load_digits

generator = np.random.default_rng(0)
X, y = load_digits(return_X_y=True)
order = generator.permutation(len(y))
X, y = X[order] / 16, y[order]
X_train, X_target = X[:400], X[400:460]
y_true, y_target = y[:400], y[400:460]
is_wrong = generator.permutation(400) < 20
y_train = np.where(is_wrong, (y_true + 1) % 10, y_true)

# %%
# Models of 100 random halves
# ---------------------------
# The default output is the margin, the log odds of the right label. The batched engine
# reads off one fit what every training row adds for every target.
from skvalue import Datamodels

datamodels = Datamodels(max_evaluations=100, random_state=0)
datamodels.fit(X_train, y_train, X_target, y_target)
print(datamodels.method_, datamodels.attributions_.shape)
error = datamodels.attributions_stderr_.mean() / datamodels.attributions_.std()
print(f"standard error: {error:.2f} of the spread of the attributions")

# %%
# The target that models are least sure of, and the rows that move it. Those that help
# have its label, those that harm look like it and have another one. Rows with a wrong
# label, in red, are among both.
import matplotlib.pyplot as plt

target = int(datamodels.expected_outputs_.argmin())
fig, axes = plt.subplots(2, 7, figsize=(9, 3.2), layout="constrained")
groups = [
    ("helps", datamodels.helpful_rows(target, k=6)),
    ("harms", datamodels.harmful_rows(target, k=6)),
]
for (kind, rows), line in zip(groups, axes, strict=True):
    line[0].imshow(X_target[target].reshape(8, 8), cmap="gray_r")
    line[0].set_title(f"target: {y_target[target]}", fontsize=9)
    for row, ax in zip(rows, line[1:], strict=False):
        ax.imshow(X_train[row].reshape(8, 8), cmap="gray_r")
        attribution = datamodels.attributions_[row, target]
        color = "tab:red" if is_wrong[row] else "black"
        label = f"{kind}: {y_train[row]}\n{attribution:+.2f}"
        ax.set_title(label, fontsize=9, color=color)
for ax in axes.flat:
    ax.set_axis_off()
plt.show()

# %%
# The datamodel foretells other models
# ------------------------------------
# The outputs of models trained on other halves, and what the datamodel says of them
# without training any.
from sklearn.linear_model import LogisticRegression

halves = generator.random((30, 400)) < 0.5
trained = [
    LogisticRegression().fit(X_train[half], y_train[half]).predict_proba(X_target)
    for half in halves
]
own = np.array([each[np.arange(60), y_target] for each in trained])
margins = np.log(own / (1 - own))
foretold = datamodels.predict_outputs(halves)

fig, ax = plt.subplots(figsize=(4.5, 4), layout="constrained")
ax.axline((0, 0), slope=1, color="0.8", zorder=0)
ax.scatter(margins, foretold, s=3, alpha=0.5)
ax.set(
    title="Models of other halves",
    xlabel="margin of a trained model",
    ylabel="margin by the datamodel",
)
plt.show()
within = [np.corrcoef(*pair)[0, 1] for pair in zip(margins.T, foretold.T, strict=True)]
print(f"mean correlation over the halves, target by target: {np.mean(within):.2f}")
