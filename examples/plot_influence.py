"""
Influence functions: one fit instead of one refit a row
=======================================================

How much does each training row change the loss on held-out rows? Leave-one-out answers
by refitting without the row. An influence function answers from one fit and one linear
system. This example compares the two, and looks at the rows with wrong labels.
"""

# %%
# Two classes, one label in ten wrong
# -----------------------------------
import numpy as np
from sklearn.datasets import make_classification

generator = np.random.default_rng(0)
X, y = make_classification(
    800, 6, n_informative=4, n_redundant=0, flip_y=0, class_sep=1.5, random_state=0
)
X, X_val, y, y_val = X[:300], X[300:], y[:300], y[300:]
is_wrong = generator.permutation(300) < 30
y = np.where(is_wrong, 1 - y, y)

# %%
# All values from one solve
# -------------------------
from sklearn.linear_model import LogisticRegression

from skvalue.influence import InfluenceFunction

model = LogisticRegression()
valuator = InfluenceFunction(model).fit(X, y, X_val=X_val, y_val=y_val)
values = valuator.data_values_

# %%
# The same by 300 refits
# ----------------------
from sklearn.metrics import log_loss


def held_out_loss(rows):
    fitted = model.fit(X[rows], y[rows])
    return log_loss(y_val, fitted.predict_proba(X_val))


rows = np.arange(300)
refits = np.array([held_out_loss(np.delete(rows, row)) for row in rows])
refits -= held_out_loss(rows)
print(f"correlation: {np.corrcoef(values, refits)[0, 1]:.3f}")

# %%
# The estimate lies on the diagonal. Rows with a wrong label lie at the lower end:
# without them the held-out loss falls.
import matplotlib.pyplot as plt

fig, ax = plt.subplots(layout="constrained")
ax.axline((0, 0), slope=1, color="0.8", zorder=0)
for mask, label in [(~is_wrong, "right label"), (is_wrong, "wrong label")]:
    ax.scatter(refits[mask], values[mask], s=12, label=label)
ax.set(
    title="Leave-one-out, estimated and refitted",
    xlabel="rise of the loss, by refitting",
    ylabel="influence value",
)
ax.legend()
plt.show()

# %%
# Without held-out rows
# ---------------------
# The rows are then cross-fitted, and the held-out labels are as wrong as the rest. By
# default the score is then a probability. The log loss would reward a model for being
# unsure, which is what wrong labels do to it.
from sklearn.metrics import roc_auc_score

for scoring in ("loss", "proba"):
    valuator = InfluenceFunction(model, scoring=scoring, random_state=0).fit(X, y)
    auc = roc_auc_score(is_wrong, -valuator.data_values_)
    print(f"{scoring}: AUC of the wrong labels {auc:.2f}")
