"""
Which columns moved this prediction?
====================================

A gradient boosting predicts the progress of diabetes from ten columns. Each prediction
is split up among them: attributions sum to the prediction, less what the model says of
an average patient.
"""

# %%
# A model
# -------
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.model_selection import train_test_split

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
X, X_test, y, y_test = train_test_split(X, y, random_state=0)
model = GradientBoostingRegressor(n_estimators=60, random_state=0).fit(X, y)

# %%
# Attributions of all test rows
# -----------------------------
# The six serum measurements hang together, so the first two lipids are one player here:
# they are known together or not at all. Nine players have 512 coalitions, few enough to
# evaluate all of them: the values are exact.
from skvalue import FeatureAttribution

attribution = FeatureAttribution(
    model, column_groups={"s1, s2": ["s1", "s2"]}, random_state=0
).fit(X)
values = attribution.set_output(transform="pandas").transform(X_test)
print(values.head(3).round(1))

# %%
# They sum to what the model says:
import numpy as np

sums = attribution.base_values_ + values.sum(axis=1)
print("largest difference:", np.abs(sums - model.predict(X_test)).max())

# %%
# With fewer coalitions
# ---------------------
# Forty coalitions a row leave an error, which is told.
cheap = FeatureAttribution(
    model, n_samples=40, column_groups={"s1, s2": ["s1", "s2"]}, random_state=0
).fit(X)
explanation = cheap.explain(X_test)
errors = explanation.attributions - values.to_numpy()
share = np.mean(np.abs(errors) <= 2 * explanation.standard_errors)
print(f"{cheap.method_}: root mean squared error {np.sqrt(np.mean(errors**2)):.2f}")
print(f"within two standard errors: {share:.0%}")

# %%
# One patient, and all of them
# ----------------------------
# To the left the test row of the highest prediction, to the right every row: the colour
# is the cell.
import matplotlib.pyplot as plt

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
row = int(np.argmax(model.predict(X_test)))
order = np.abs(values).mean().sort_values().index
heights = np.arange(len(order))
one = values.iloc[row][order]
left.barh(heights, one, color=np.where(one > 0, "tab:red", "tab:blue"))
left.set_yticks(heights, order)
left.axvline(0, color="0.3", linewidth=0.8)
left.set(title=f"prediction {model.predict(X_test)[row]:.0f}", xlabel="attribution")

jitter = np.random.default_rng(0).uniform(-0.3, 0.3, len(values))
for height, name in enumerate(order):
    cells = X_test["s1" if name == "s1, s2" else name]
    right.scatter(values[name], height + jitter, c=cells.rank(), s=6, cmap="coolwarm")
right.set_yticks(heights, [])
right.axvline(0, color="0.3", linewidth=0.8)
right.set(title="all test rows; red: a high cell", xlabel="attribution")
plt.show()

# %%
# Images
# ------
# Of an image the players are super-pixels: here 16 blocks of two by two pixels of a
# digit. A forest explains its most probable class; red blocks speak for it, blue ones
# against it, compared with the mean image.
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

images, digits = load_digits(return_X_y=True)
forest = RandomForestClassifier(50, random_state=0).fit(images[100:], digits[100:])
pixels = np.arange(64).reshape(4, 2, 4, 2).transpose(0, 2, 1, 3).reshape(16, 4)
attribution = FeatureAttribution(
    forest, column_groups=pixels.tolist(), random_state=0
).fit(images[100:])
shown = images[:5]
values = attribution.transform(shown)  # images, super-pixels, classes
classes = forest.predict(shown)

fig, axes = plt.subplots(1, 5, figsize=(10, 2.4), layout="constrained")
largest = np.abs(values).max()
for ax, image, of_classes, digit in zip(axes, shown, values, classes, strict=True):
    extent = (0, 8, 8, 0)
    ax.imshow(image.reshape(8, 8), cmap="gray_r", extent=extent)
    blocks = of_classes[:, digit].reshape(4, 4)
    drawn = ax.imshow(
        blocks, cmap="RdBu_r", vmin=-largest, vmax=largest, alpha=0.6, extent=extent
    )
    ax.set(title=f"predicted {digit}", xticks=[], yticks=[])
fig.colorbar(drawn, ax=axes, label="attribution")
plt.show()
