"""
Two kinds of bad rows need two kinds of valuators
=================================================

Methods that look at labels do not see corrupted features, and methods that look at
features do not see wrong labels. A `ConsensusValuator` adds their standardised values.
Here 10 % of the digits have a wrong label and another 10 % noise on every pixel.
"""

# %%
# Rows of both kinds
# ------------------
import numpy as np
from sklearn.datasets import load_digits
from sklearn.preprocessing import scale

from skvalue.datasets import make_label_noise

X, y_true = load_digits(return_X_y=True)
X, y_true = scale(X[:500]), y_true[:500]
y, wrong_label = make_label_noise(y_true, 0.1, random_state=0)
rng = np.random.default_rng(0)
noisy = np.zeros(500, dtype=bool)
noisy[rng.choice(np.flatnonzero(~wrong_label), 50, replace=False)] = True
X[noisy] += rng.normal(size=(50, X.shape[1]))

# %%
# Members, by name
# ----------------
# As in `VotingClassifier`, a member is a pair of a name and a valuator; its parameters
# are reached as ``oob__n_estimators``, and ``set_params(oob="drop")`` leaves it out.
# `FeatureConfidence` predicts 16 of the 64 pixels here, to save time.
from skvalue.consensus import ConsensusValuator
from skvalue.data_oob import DataOOB
from skvalue.feature_confidence import FeatureConfidence

consensus = ConsensusValuator(
    [
        ("oob", DataOOB(n_estimators=100, scoring="log_proba")),
        ("features", FeatureConfidence(n_columns=16)),
    ],
    random_state=0,
).fit(X, y)

# %%
# Who finds what
# --------------
# The members see one kind each; the sum sees both. Each column compares the bad rows of
# one kind with the clean rows.
from sklearn.metrics import roc_auc_score

clean = ~wrong_label & ~noisy
valuators = {**consensus.named_valuators_, "consensus": consensus}
print(f"ROC-AUC    {'labels':>8s} {'features':>8s}")
for name, valuator in valuators.items():
    values = valuator.data_values_
    scores = [
        roc_auc_score(bad[bad | clean], -values[bad | clean])
        for bad in (wrong_label, noisy)
    ]
    print(f"{name:10s} {scores[0]:8.3f} {scores[1]:8.3f}")

# %%
# The two values of each row
# --------------------------
import matplotlib.pyplot as plt

fig, ax = plt.subplots(layout="constrained")
members = consensus.named_valuators_
for rows, label in [(clean, "clean"), (wrong_label, "label"), (noisy, "features")]:
    ax.scatter(
        members.oob.data_values_[rows],
        members.features.data_values_[rows],
        s=12,
        label=label,
    )
ax.set(
    title="Each member sees one kind of bad rows",
    xlabel="DataOOB: log-probability of the label",
    ylabel="FeatureConfidence",
)
ax.legend(title="bad")
plt.show()
