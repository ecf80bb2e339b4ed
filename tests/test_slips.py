"""Slips of a new user: each is one line that names the argument and what to write."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import OneHotEncoder

from skvalue import (
    AmortizedShapley,
    CuratedEstimator,
    Datamodels,
    DataShapley,
    KNNShapley,
    ValueSampler,
)

X = np.random.default_rng(0).normal(size=(60, 3))
Y = np.tile([0, 1], 30)


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        (DataShapley(LinearRegression).fit, r"estimator .* LinearRegression\(\)"),
        (Datamodels(LinearRegression).fit, r"estimator .* LinearRegression\(\)"),
        (AmortizedShapley(DataShapley).fit, r"valuator .* DataShapley\(\)"),
        (KNNShapley(encoder=OneHotEncoder).fit, r"encoder .* OneHotEncoder\(\)"),
        (CuratedEstimator(LinearRegression).fit, r"estimator .* LinearRegression\(\)"),
        (
            CuratedEstimator(LinearRegression(), KNNShapley).fit,
            r"valuator .* KNNShapley\(\)",
        ),
        (ValueSampler(KNNShapley).fit_resample, r"valuator .* KNNShapley\(\)"),
    ],
)
def test_a_class_without_its_parentheses_is_named(fit, message):
    with pytest.raises(ValueError, match=f"^{message}, not a class"):
        fit(X, Y)


def test_groups_are_not_the_name_of_a_column():
    with pytest.raises(ValueError, match=r"^groups is the string 'city'; give one"):
        KNNShapley().fit(X, Y, groups="city")


def test_labels_that_all_differ_are_counted():
    names = [f"row {number}" for number in range(60)]
    with pytest.raises(ValueError, match="y has 60 classes in 60 rows"):
        KNNShapley().fit(X, names)
