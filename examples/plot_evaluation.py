"""
Compare valuators
=================

Which method finds the wrong rows of data like mine, and what does a model gain? The
experiments of `skvalue.evaluation` draw rows, make some of them wrong, fit several
valuators to the same rows and return a frame. Here three methods are compared on
handwritten digits.
"""

# %%
# What is compared
# ----------------
# Valuators are given by name, and so are data sets: a pair (X, y), or a function that
# returns one.
from sklearn.datasets import load_digits

from skvalue import DataOOB, KNNShapley, SelfConfidence

valuators = {
    "KNN-Shapley": KNNShapley(),
    "Data-OOB": DataOOB(n_estimators=100, scoring="log_proba"),
    "self-confidence": SelfConfidence(),
}
X, y = load_digits(return_X_y=True)
datasets = {"digits": (X / 16, y)}

# %%
# Finding wrong labels
# --------------------
# Two splits, and two shares of wrong labels. One line is one valuator on one split.
from skvalue.evaluation import detection_experiment

sizes = {"train_size": 400, "val_size": 100, "n_repeats": 2, "random_state": 0}
scores, curves = detection_experiment(
    valuators, datasets, noise_rate=[0.1, 0.3], return_curves=True, **sizes
)
print(scores[["dataset", "noise_rate", "repeat", "valuator", "roc_auc"]].head())

# %%
# A frame is summed up as any other.
figures = ["roc_auc", "two_means_f1", "fit_time"]
print(scores.groupby(["noise_rate", "valuator"])[figures].mean().round(3))

# %%
# What a model gains
# ------------------
# The same splits again, and test rows that no valuator has seen. Rows of low or high
# value are removed first, three labels in ten being wrong.
from sklearn.neighbors import KNeighborsClassifier

from skvalue.evaluation import removal_experiment

removed = removal_experiment(
    valuators,
    datasets,
    KNeighborsClassifier(3),
    noise="labels",
    noise_rate=0.3,
    test_size=500,
    shares=[0, 0.1, 0.2, 0.3, 0.4],
    **sizes,
)
print(removed.pivot_table("score", ["valuator", "first"], "share").round(3))

# %%
# Two pictures
# ------------
# The Displays draw a frame: means over the splits, and bands of one standard
# deviation.
import matplotlib.pyplot as plt

from skvalue.inspection import DetectionCurveDisplay, RemovalCurveDisplay

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
noisy = curves[curves["noise_rate"] == 0.3]
lowest = removed[(removed["first"] == "lowest") | (removed["valuator"] == "random")]
for name in valuators:
    DetectionCurveDisplay.from_experiment(noisy, name, ax=left)
    RemovalCurveDisplay.from_experiment(lowest, name, score_name="accuracy", ax=right)
plt.show()
