"""
See what the values say
=======================

A value a row is a long list of numbers. The Displays of `skvalue.inspection` draw what
one wants to know of it: how the values are spread and which rows go, how those rows
look, whether wrong labels are found, what a model gains without them, and whether the
values have settled; one draws what moved predictions. They work as scikit-learn's:
``from_estimator`` draws a fitted estimator, ``from_values`` any values, and ``ax`` says
where.
"""

# %%
# Rows with known mistakes
# ------------------------
# One training label in ten of the handwritten digits is wrong, and we know which.
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skvalue import KNNShapley, NDDVValuator, SelfConfidence
from skvalue.datasets import make_label_noise

X, y = load_digits(return_X_y=True)
X, X_test, y_true, y_test = train_test_split(
    X, y, test_size=0.25, stratify=y, random_state=0
)
y, is_wrong = make_label_noise(y_true, 0.1, random_state=0)
valuator = SelfConfidence(random_state=0).fit(X, y)

# %%
# How are the values spread, and what is dropped?
# -----------------------------------------------
# Hatched rows are those that ``drop="auto"`` drops. Without ``is_wrong`` the picture is
# the same in one colour; ``y=y`` draws a histogram for each class.
from skvalue.inspection import ValueDistributionDisplay

ValueDistributionDisplay.from_estimator(valuator, is_wrong=is_wrong)

# %%
# Which rows are they?
# --------------------
# Above each digit: the label that it was given, the one that the valuator suggests, and
# the value.
from skvalue.inspection import RowsDisplay

RowsDisplay.from_estimator(
    valuator, X, image_shape=(8, 8), n_lowest=16, n_highest=8, is_wrong=is_wrong
)

# %%
# The rows of a table are shown as one; ``print`` gives it as plain text. Here, loans
# with one label in ten wrong.
from skvalue.datasets import make_mixed_table

loans, paid, _ = make_mixed_table(400, random_state=0)
table = RowsDisplay.from_estimator(
    SelfConfidence(random_state=0).fit(loans, paid), loans, n_highest=3
)
print(table)

# %%
# How soon are the wrong labels found?
# ------------------------------------
# Several valuators share an axes.
from skvalue.inspection import DetectionCurveDisplay

dynamic = NDDVValuator(n_members=2, record_trajectories=True, random_state=0).fit(X, y)
neighbours = KNNShapley(random_state=0).fit(X, y)
display = DetectionCurveDisplay.from_estimator(valuator, is_wrong)
for other in [dynamic, neighbours]:
    DetectionCurveDisplay.from_estimator(other, is_wrong, ax=display.ax_)

# %%
# What does a model gain?
# -----------------------
# Removing rows of low value first should help, removing those of high value hurt; where
# rows are added, the other way round. The test rows took no part in the valuation. The
# grey band is what rows in random order do.
import matplotlib.pyplot as plt
from sklearn.neighbors import KNeighborsClassifier

from skvalue.inspection import RemovalCurveDisplay

figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for action, ax in zip(["remove", "add"], axes, strict=True):
    RemovalCurveDisplay.from_estimator(
        neighbours,
        KNeighborsClassifier(3),
        X,
        y,
        X_test,
        y_test,
        action=action,
        random_state=0,
        ax=ax,
    )

# %%
# What happens inside NDDV?
# -------------------------
# Each line is a row. States and costates move over the time of the dynamics, and the
# value :math:`X_t \cdot Y_t` less its mean with them; over the epochs of training, the
# values of wrong labels part from the others.
from skvalue.inspection import TrajectoryDisplay

TrajectoryDisplay.from_estimator(dynamic, is_wrong=is_wrong)

# %%
# Have the values settled?
# ------------------------
# Sampled values have standard errors, which fall with the number of coalitions.
from sklearn.linear_model import LogisticRegression

from skvalue import DataBanzhaf, DataShapley
from skvalue.datasets import make_two_planes
from skvalue.inspection import ConvergenceDisplay

X_planes, y_planes = make_two_planes(150, random_state=0)
games = [
    game(LogisticRegression(), max_evaluations=20_000, tol=0.03, random_state=0)
    for game in (DataShapley, DataBanzhaf)
]
display = ConvergenceDisplay.from_estimator(games[0].fit(X_planes, y_planes))
ConvergenceDisplay.from_estimator(games[1].fit(X_planes, y_planes), ax=display.axes_)

# %%
# What is a source worth?
# -----------------------
# Here the rows come from 16 sources, and one of them got the labels wrong. The bars are
# values with their standard errors.
import numpy as np

from skvalue.inspection import GroupValuesDisplay

source = np.array([f"source {number:02}" for number in range(16)])[np.arange(150) % 16]
y_sources = np.where(source == "source 07", 1 - y_planes, y_planes)
by_source = DataShapley(
    LogisticRegression(), unit="groups", max_evaluations=5_000, tol=0.1, random_state=0
).fit(X_planes, y_sources, groups=source)
GroupValuesDisplay.from_estimator(by_source)

# %%
# What moved a prediction?
# ------------------------
# A dot is a row: how far a column moved its prediction from that without any column.
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor

from skvalue import FeatureAttribution
from skvalue.inspection import AttributionDisplay

X_patients, y_patients = load_diabetes(return_X_y=True, as_frame=True)
forest = RandomForestRegressor(20, random_state=0).fit(X_patients, y_patients)
attribution = FeatureAttribution(forest, n_samples=64, random_state=0).fit(X_patients)
AttributionDisplay.from_estimator(attribution, X_patients)
plt.show()
