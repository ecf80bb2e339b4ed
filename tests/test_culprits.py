"""An error names what is at fault: the scoring, the splits, the solver, X_val or y."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from _valuators import GivenValues, NeighbourAgreement
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import skvalue
from skvalue import (
    AME,
    DVRL,
    LAVA,
    CuratedEstimator,
    DataBanzhaf,
    DataShapley,
    InfluenceFunction,
    KNNShapley,
    LeaveOneOut,
    SelfConfidence,
    ValueSampler,
)
from skvalue._held_out_scale import warn_of_other_scale
from skvalue.base import BaseValuator

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
Y = np.tile([0, 1], 30)


# ----------------------------------------------------------------------------- scoring


def fails(model, X, y):
    raise KeyError("weights")


def is_missing(model, X, y):
    # What scikit-learn's own scorers say of a model that they cannot score.
    return np.nan if len(model.predict(X)) else 0.0


def says_two_things(model, X, y):
    return {"accuracy": 0.5, "loss": 0.1}


@pytest.mark.parametrize("kind", [DataShapley, DataBanzhaf, AME, LeaveOneOut])
@pytest.mark.parametrize(
    ("scoring", "error", "message"),
    [
        (fails, RuntimeError, "failed on a model of .*: KeyError: 'weights'"),
        (is_missing, ValueError, "returned nan for .* held-out row"),
        (says_two_things, TypeError, "returned dict; a score is one number"),
    ],
)
def test_a_scoring_that_fails_is_to_blame_itself(kind, scoring, error, message):
    valuator = kind(LogisticRegression(), scoring=scoring, cv=2)
    with pytest.raises(error, match=f"scoring=<function .*{message}") as raised:
        valuator.fit(X, Y)
    assert "LogisticRegression failed" not in str(raised.value)


def only_many_rows(model, X, y):
    """Fails where the model saw few rows."""
    if getattr(model, "n_samples_fit_", 60) < 9:
        raise ArithmeticError("too few")
    return model.score(X, y)


def test_a_scoring_that_fails_on_small_coalitions_is_told_with_their_size():
    valuator = DataShapley(
        KNeighborsClassifier(1), scoring=only_many_rows, min_coalition_size=1
    )
    message = r"on a model of a coalition of \d row\(s\): ArithmeticError: too few"
    with pytest.raises(RuntimeError, match=f"scoring=.*{message}.*min_coalition_size"):
        valuator.fit(X, Y)


class CannotPredict(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        raise OSError("no model file")


def test_an_estimator_that_cannot_predict_is_no_failing_fit():
    message = r"CannotPredict, fitted on a coalition of \d+ row\(s\), failed to predict"
    with pytest.raises(RuntimeError, match=f"{message}: OSError: no model file"):
        DataShapley(CannotPredict(), cv=2).fit(X, Y)


# -------------------------------------------------------------------- a list of splits


@pytest.mark.parametrize(
    ("valuator", "message"),
    [
        (KNNShapley, "outside the 40 rows of X"),
        (DVRL, "outside the 40 rows of X"),
        (SelfConfidence, "outside the 40 rows of X"),
    ],
)
def test_a_list_of_splits_belongs_to_one_table(valuator, message):
    splits = list(KFold(3).split(X))
    model = CuratedEstimator(LogisticRegression(), valuator(cv=splits))
    expected = f"{message}. A list of splits belongs to the one X .* give a number of"
    with pytest.raises(ValueError, match=expected):
        cross_val_score(model, X, Y, cv=3, error_score="raise")


@pytest.mark.parametrize("valuator", [KNNShapley, SelfConfidence])
def test_a_list_of_splits_of_a_smaller_table_is_told_alike(valuator):
    splits = list(KFold(3).split(X[:30]))
    with pytest.raises(ValueError, match="A list of splits belongs to the one X"):
        valuator(cv=splits).fit(X, Y)


def test_splitters_are_not_told_to_be_lists():
    class Half(KFold):
        def split(self, X, y=None, groups=None):
            yield np.arange(30), np.arange(30, 60)

    with pytest.raises(ValueError, match="never trains on row 30") as raised:
        KNNShapley(cv=Half(2)).fit(X, Y)
    assert "list of splits" not in str(raised.value)


# ------------------------------------------------------------------------ X_val's scale


RAW = rng.normal(170, 8, size=(60, 3)) * [1, 10, 100]
FAR = r"X_val: the mean of column .* transform_input=\[\"X_val\"\]"


def test_held_out_rows_that_were_not_scaled_are_told_of():
    scaled = StandardScaler().fit_transform(RAW)
    with pytest.warns(UserWarning, match=FAR):
        GivenValues().fit(scaled, Y, X_val=RAW, y_val=Y)
    frame = pd.DataFrame(scaled, columns=["a", "b", "c"])
    held_out = frame.assign(b=RAW[:, 1])
    with pytest.warns(UserWarning, match="the mean of column 'b', 1.69"):
        GivenValues().fit(frame, Y, X_val=held_out, y_val=Y)


def test_a_pipeline_without_transform_input_is_told_of():
    with config_context(enable_metadata_routing=True):
        valuator = NeighbourAgreement().set_fit_request(X_val=True, y_val=True)
        steps = StandardScaler(), valuator, LogisticRegression()
        with pytest.warns(UserWarning, match=FAR):
            make_pipeline(*steps).fit(RAW, Y, X_val=RAW[:20], y_val=Y[:20])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            make_pipeline(*steps, transform_input=["X_val"]).fit(
                RAW, Y, X_val=RAW[:20], y_val=Y[:20]
            )


def test_images_and_sparse_rows_are_looked_at_too():
    class TakesImages(GivenValues):
        _allow_nd = True

    images = rng.normal(size=(60, 4, 4))
    with pytest.warns(UserWarning, match="X_val: the mean, 128"):
        TakesImages().fit(images, Y, X_val=images + 128, y_val=Y)
    rows = sparse.random(60, 5, 0.5, random_state=0, format="csr")
    with pytest.warns(UserWarning, match=r"X_val: the mean of column \d \(and 4 more"):
        GivenValues().fit(rows, Y, X_val=1000 * rows, y_val=Y)


def test_columns_of_numbers_of_a_frame_as_it_came_are_looked_at():
    frame = pd.DataFrame({"word": ["u", "v"] * 30, "x": X[:, 0], "gap": X[:, 1]})
    held_out = frame.assign(x=frame["x"] + 99, gap=np.nan)
    with pytest.warns(UserWarning, match="the mean of column 'x', 9"):
        warn_of_other_scale(GivenValues(), frame, held_out)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_other_scale(GivenValues(), frame[["word"]], held_out[["word"]])
        warn_of_other_scale(GivenValues(), ["some text"] * 60, ["a text"] * 60)


def rare(share, n_samples=60):
    return (np.arange(n_samples) < share * n_samples).astype(float)[:, None]


ORDINARY = {
    "the same rows": (X, X),
    "one row": (X, X[:1]),
    "shifted a little": (X, X + 5),
    "a rare category alone": (rare(0.02), np.ones((1, 1))),
    "a constant column": (np.c_[X, np.zeros(60)], np.c_[X, np.ones(60)]),
    "heavy tails": (np.exp(4 * X), np.exp(4 * rng.normal(size=(9, 3)))),
    "a large offset": (X + 1e6, X[:5] + 1e6),
}


@pytest.mark.parametrize("kind", ORDINARY)
def test_ordinary_held_out_rows_are_not_told_of(kind):
    X, X_val = ORDINARY[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        GivenValues().fit(X, Y, X_val=X_val, y_val=Y[: len(X_val)])


# ------------------------------------------------------------ one label or target a row


def weight(sizes, n_samples):
    return np.ones(len(sizes))


ALL = [
    getattr(skvalue, name)(weight) if name == "Semivalue" else getattr(skvalue, name)()
    for name in skvalue.__all__
    if isinstance(getattr(skvalue, name), type)
    and issubclass(getattr(skvalue, name), BaseValuator)
]
ACTING = [
    CuratedEstimator(DecisionTreeClassifier()),
    CuratedEstimator(Ridge()),
    ValueSampler(),
    ValueSampler(action="relabel"),
]
SEVERAL = {
    "multi-label": np.c_[Y, 1 - Y],
    "multi-output": np.c_[X[:, 0], X[:, 1]],
    "strings": np.c_[Y, Y].astype(str),
    "lists": np.c_[Y, 1 - Y].tolist(),
    "a frame": pd.DataFrame({"u": Y, "v": Y}),
}


@pytest.mark.parametrize("kind", SEVERAL)
@pytest.mark.parametrize("estimator", [*ALL, *ACTING], ids=lambda e: type(e).__name__)
def test_several_labels_a_row_are_refused(estimator, kind):
    message = "y has 2 columns; allowed is one label, or one real target, a row"
    with pytest.raises(ValueError, match=re.escape(message)):
        estimator.fit(X, SEVERAL[kind])


def test_several_labels_of_any_number_and_several_held_out_labels_are_refused():
    ragged = [[0], [1, 2], [0, 1]] * 20
    with pytest.raises(ValueError, match="y has a varying number of columns; allowed"):
        GivenValues().fit(X, ragged)
    with pytest.raises(ValueError, match="y_val has 2 columns; allowed"):
        GivenValues().fit(X, Y, X_val=X, y_val=np.c_[Y, Y])
    with pytest.raises(ValueError, match="y has 2 columns; allowed"):
        GivenValues().fit(X, sparse.csr_array(np.c_[Y, Y]))


# ---------------------------------------------------------------- columns of huge size


def test_lava_on_a_huge_column_values_by_that_column():
    huge = X * [1.0, 1e30, 1.0]
    values = LAVA(random_state=0).fit(huge, Y).data_values_
    alone = LAVA(random_state=0).fit(X[:, [1]], Y).data_values_
    np.testing.assert_allclose(values / 1e60, alone, atol=1e-9 * np.ptp(alone))


def test_influence_on_a_huge_column_names_what_is_at_fault():
    with pytest.raises(ValueError, match=r"column 1 has .* standardise X") as raised:
        InfluenceFunction(random_state=0).fit(X * [1.0, 1e30, 1.0], (X[:, 0] > 0) + 0)
    assert "LogisticRegression" in str(raised.value)


@pytest.mark.parametrize("size", [1e4, 1e8])
def test_conjugate_gradients_do_not_overlook_small_columns_beside_large_ones(size):
    rows, y = X * [1.0, size, 1.0], X[:, 0] + X[:, 1]
    exact, products = (
        InfluenceFunction(Ridge(solver="svd"), solver=solver, cv=2, random_state=0)
        .fit(rows, y)
        .data_values_
        for solver in ("exact", "cg")
    )
    np.testing.assert_allclose(products, exact, atol=1e-5 * np.ptp(exact))
