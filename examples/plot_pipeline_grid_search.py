"""
Tune the valuation like any other step
======================================

A valuator is a step of a scikit-learn Pipeline, so its parameters are tuned with the
rest: how many rows to drop, and how the values are computed. The score that decides is
cross-validated, on rows that the valuator never saw.
"""

# %%
# The data are scikit-learn's breast cancer table; 15 % of the training labels are made
# wrong, and the test labels stay right.
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from skvalue.datasets import make_label_noise

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_true, y_test = train_test_split(
    X, y, test_size=0.3, stratify=y, random_state=0
)
y_train, is_wrong = make_label_noise(y_true, 0.15, random_state=0)

# %%
# A Pipeline that cleans
# ----------------------
# The scaler comes first, so that it learns from every row. In ``fit`` the valuator
# replaces low-value rows; in ``predict`` it does nothing.
from tempfile import TemporaryDirectory

from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skvalue import NDDVValuator

folder = TemporaryDirectory()
pipe = make_pipeline(
    StandardScaler(),
    NDDVValuator(random_state=0, memory=folder.name),
    DecisionTreeClassifier(random_state=0),
)

# %%
# Grid search
# -----------
# ``drop=0.0`` is in the grid, so the search may decide not to clean at all. The
# validation folds hold wrong labels too. That lowers every score by about as much and
# keeps their order, as long as the noise does not depend on the rows; the accuracies
# below are therefore well under those on the clean test rows.
#
# ``drop`` only reads the values: with `memory`, the rows of a fold are valued once for
# each ``interaction``, whatever the number of candidates for ``drop``. The folder may
# be any that nobody else writes to; one that stays serves the next search, too.
from sklearn.model_selection import GridSearchCV

search = GridSearchCV(
    pipe,
    {
        "nddvvaluator__drop": [0.0, 0.05, 0.1, 0.15, 0.2, "auto"],
        "nddvvaluator__interaction": [1.0, 3.0],
    },
    cv=3,
    n_jobs=2,
).fit(X_train, y_train)
folder.cleanup()

# %%
# The accuracies by cross-validation, the choice, and what it is worth on clean test
# rows.
import pandas as pd

results = pd.DataFrame(search.cv_results_).pivot(
    index="param_nddvvaluator__drop",
    columns="param_nddvvaluator__interaction",
    values="mean_test_score",
)
results.index.name, results.columns.name = "drop", "interaction"
print(results.loc[[0.0, 0.05, 0.1, 0.15, 0.2, "auto"]].round(3).to_string())
print("\nchosen:", search.best_params_)

uncleaned = make_pipeline(StandardScaler(), DecisionTreeClassifier(random_state=0))
before = uncleaned.fit(X_train, y_train).score(X_test, y_test)
print(f"\ntest accuracy without cleaning      {before:.3f}")
print(f"test accuracy of the chosen pipe    {search.score(X_test, y_test):.3f}")

# %%
# The valuator that was chosen is a step of the best pipe, with its values.
import matplotlib.pyplot as plt
import numpy as np

chosen = search.best_estimator_["nddvvaluator"]
dropped = ~chosen.get_support()
order = np.argsort(chosen.data_values_)
found = np.cumsum(is_wrong[order]) / is_wrong.sum()
looked_at = np.arange(1, len(order) + 1) / len(order)

figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
axes.plot(looked_at, found, color="#3b6fb6", label="lowest values first")
axes.plot([0, 1], [0, 1], color="0.35", linestyle=":", label="in any order")
axes.plot(dropped.mean(), found[dropped.sum() - 1], "o", color="#d1701f")
axes.annotate(
    f"dropped: {dropped.sum()} rows,\n{is_wrong[dropped].sum()} of the "
    f"{is_wrong.sum()} wrong labels",
    (dropped.mean(), found[dropped.sum() - 1]),
    (12, -8),
    textcoords="offset points",
    va="top",
)
axes.set(
    title="Wrong labels found in the order of the values",
    xlabel="share of rows looked at",
    ylabel="share of wrong labels found",
)
axes.grid(alpha=0.3)
axes.legend(loc="lower right", frameon=False)

# %%
# Held-out rows
# -------------
# Where some rows are known to be right, give them as `X_val`, `y_val`: NDDV then weighs
# training rows by what helps those. With metadata routing a Pipeline hands them to the
# valuator, ``transform_input`` scales `X_val` as it scales `X`, and the search passes
# both through. (Routed arrays must not have as many rows as `X`: a search would cut
# them into folds.)
import sklearn

X_fit, X_val, y_fit, _, _, y_val = train_test_split(
    X_train, y_train, y_true, test_size=0.2, stratify=y_true, random_state=0
)
with sklearn.config_context(enable_metadata_routing=True):
    routed = make_pipeline(
        StandardScaler(),
        NDDVValuator(random_state=0).set_fit_request(X_val=True, y_val=True),
        DecisionTreeClassifier(random_state=0),
        transform_input=["X_val"],
    )
    routed_search = GridSearchCV(
        routed,
        {
            "nddvvaluator__drop": [0.0, "auto"],
            "nddvvaluator__interaction": [1.0, 3.0],
        },
        cv=3,
        n_jobs=2,
    ).fit(X_fit, y_fit, X_val=X_val, y_val=y_val)
    accuracy = routed_search.score(X_test, y_test)
print("chosen:", routed_search.best_params_)
print(f"test accuracy {accuracy:.3f}")
