"""Rows whose values are attributed to single held-out rows."""

from sklearn.datasets import make_classification, make_regression


def make_problem(n_classes, n_samples, n_val, noise):
    """Training and held-out rows; 0 classes are real targets with this noise."""
    if n_classes == 0:
        X, y = make_regression(n_samples + n_val, 5, noise=noise, random_state=0)
        y = y / y.std()
    else:
        X, y = make_classification(
            n_samples + n_val,
            6,
            n_informative=4,
            n_classes=n_classes,
            flip_y=0.1,
            random_state=0,
        )
    return X[:n_samples], y[:n_samples], X[n_samples:], y[n_samples:]
