"""
Find wrong labels and train without them
========================================

One training label in ten of the handwritten digits is made wrong. `NDDVValuator`
values every training row in one training run. This example shows how well low values
point at the wrong labels, and what four classifiers gain without those rows.
"""

# %%
# Real rows, known mistakes
# -------------------------
# The digits come with scikit-learn: 1797 images of 8 x 8 pixels. 10 % of the *training*
# rows get the label of another digit. The test labels stay right.
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skvalue.datasets import make_label_noise

X, y = load_digits(return_X_y=True)
X_train, X_test, y_true, y_test = train_test_split(
    X, y, test_size=0.25, stratify=y, random_state=0
)
y_train, is_wrong = make_label_noise(y_true, 0.1, random_state=0)

# %%
# One value a row
# ---------------
# Higher is better. ``fit_transform`` values the rows and returns what a step of a plain
# Pipeline hands on: as many rows as before, where each row of low value is replaced by
# the best row with the same label. ``get_support`` says which rows were kept. The
# default rule, ``drop="auto"``, is not told how many labels are wrong.
from skvalue import NDDVValuator

valuator = NDDVValuator(random_state=0)
X_replaced = valuator.fit_transform(X_train, y_train)
values = valuator.data_values_
kept = valuator.get_support()

# %%
# What it is good for
# -------------------
# Four classifiers learn from four versions of the training rows: as they are; with the
# low-value rows *replaced*; with the same rows *removed*; and, for comparison, with
# exactly the wrong rows removed, which takes someone who knows them. There are 450 test
# rows, so a difference below about .01 is noise.
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

models = {
    "decision tree": DecisionTreeClassifier(random_state=0),
    "logistic regression": LogisticRegression(max_iter=3000),
    "3 nearest neighbours": KNeighborsClassifier(n_neighbors=3),
    "random forest": RandomForestClassifier(random_state=0),
}
versions = {
    "no cleaning": (X_train, y_train),
    "replaced": (X_replaced, y_train),
    "removed": valuator.filter(X_train, y_train),
    "perfect removal": (X_train[~is_wrong], y_train[~is_wrong]),
}
accuracy = {
    name: [model.fit(*rows).score(X_test, y_test) for rows in versions.values()]
    for name, model in models.items()
}

# %%
# The picture
# -----------
# Top left: the values of rows with right and with wrong labels; the rows left of the
# dotted line were dropped. Top right: the test accuracies. Below: the rows of lowest
# value, with the label that each was given and the digit that it is.
import matplotlib.pyplot as plt
import numpy as np

# Blue and orange, told apart by readers of any colour vision; grey for the reference.
RIGHT, WRONG, REFERENCE = "#3b6fb6", "#d1701f", "0.35"

figure = plt.figure(figsize=(10, 6.6), layout="constrained")
upper, lower = figure.subfigures(2, 1, height_ratios=[2.1, 1])
histogram, comparison = upper.subplots(1, 2)

highest_dropped = values[~kept].max()
# Bins of equal width, one of which ends where the dropped rows end.
width = np.ptp(values) / 50
below = np.ceil((highest_dropped - values.min()) / width)
above = np.ceil((values.max() - highest_dropped) / width)
bins = np.nextafter(highest_dropped, np.inf) + width * np.arange(-below, above + 1)
groups = [values[~is_wrong], values[is_wrong]]
names = [f"right label ({len(groups[0])})", f"wrong label ({len(groups[1])})"]
histogram.hist(groups, bins, stacked=True, color=[RIGHT, WRONG], label=names)
histogram.axvline(highest_dropped, color=REFERENCE, linestyle=":", linewidth=1)
histogram.set(yscale="log", xlabel="data value", ylabel="rows", title="Values")
histogram.set_ylim(bottom=0.7)
histogram.annotate(
    f"{(~kept).sum()} rows dropped,\n{is_wrong[~kept].sum()} of them wrong",
    (highest_dropped, 0.9),
    (-8, 0),
    xycoords=("data", "axes fraction"),
    textcoords="offset points",
    ha="right",
    va="top",
)
histogram.legend(loc="upper left", bbox_to_anchor=(0, 0.78), frameon=False)

markers = {"no cleaning": "o", "replaced": "s", "removed": "D", "perfect removal": "|"}
colors = [WRONG, RIGHT, RIGHT, REFERENCE]
scores = np.array(list(accuracy.values()))
places = np.arange(len(models))
for column, (name, marker) in enumerate(markers.items()):
    # Markers of one model are spread a little, so that equal scores stay visible.
    comparison.scatter(
        scores[:, column],
        places + 0.14 * (column - 1.5),
        s=120 if marker == "|" else 45,
        marker=marker,
        linewidths=2 if marker == "|" else 1.2,
        facecolors="none" if name == "removed" else colors[column],
        edgecolors=colors[column] if marker != "|" else None,
        label=name,
    )
comparison.set_yticks(places, models)
comparison.invert_yaxis()
comparison.grid(axis="x", alpha=0.3)
comparison.set(xlabel="accuracy on clean test rows", title="What a model gains")
comparison.legend(loc="lower left", frameon=False)

lowest = np.argsort(values)[:16]
for place, row in zip(lower.subplots(2, 8).flat, lowest, strict=True):
    place.imshow(X_train[row].reshape(8, 8), cmap="gray_r")
    place.set_axis_off()
    place.set_title(
        f"“{y_train[row]}” is {y_true[row]}",
        color=WRONG if is_wrong[row] else RIGHT,
        fontsize=9,
        pad=2,
    )
lower.suptitle("The 16 rows of lowest value: their label, and what they are")

# %%
# The figures
# -----------
# ROC-AUC and average precision measure the ranking; precision and recall the rows that
# were dropped; the F1 is that of splitting the values into two clusters.
from sklearn.metrics import precision_score, recall_score

from skvalue.metrics import detection

scores = detection(values, is_wrong)
print(f"{'wrong labels':<26}{is_wrong.sum():>8} of {len(is_wrong)} rows")
print(f"{'dropped':<26}{(~kept).sum():>8}")
print(f"{'precision of dropping':<26}{precision_score(is_wrong, ~kept):>8.3f}")
print(f"{'recall of dropping':<26}{recall_score(is_wrong, ~kept):>8.3f}")
print(f"{'ROC-AUC':<26}{scores['roc_auc']:>8.3f}")
print(f"{'average precision':<26}{scores['average_precision']:>8.3f}")
print(f"{'F1 of two clusters':<26}{scores['two_means_f1']:>8.3f}")
print()
print(f"{'test accuracy':<22}" + "".join(f"{name:>17}" for name in versions))
for name, row in accuracy.items():
    print(f"{name:<22}" + "".join(f"{score:>17.3f}" for score in row))

# sphinx_gallery_start_ignore
import sys
from pathlib import Path

# The doc build keeps the figure itself; a script leaves it where it was started.
if "sphinx_gallery" not in sys.modules:
    figure.savefig("quickstart.png", dpi=150)
    print(f"\nfigure saved to {Path('quickstart.png').resolve()}")
# sphinx_gallery_end_ignore
