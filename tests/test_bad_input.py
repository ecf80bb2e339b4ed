"""Bad input is refused before training, by one clear error that names the argument."""

import numpy as np
import pandas as pd
import pytest
import torch
from _valuators import NeighbourAgreement
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression

from skvalue import AME, AmortizedShapley, DataShapley, NDDVValuator
from skvalue._torch.nddv import training as nddv_training
from skvalue.semivalues import _sampling_valuator

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
Y = np.tile([0, 1], 30)
REAL = rng.normal(size=60)


def changed(array, value, place=5):
    array = np.array(array, dtype=object if isinstance(value, str | None) else float)
    array[place] = value
    return array


def frame(**columns):
    return pd.DataFrame({"a": X[:, 0], **columns})


def fit(X=X, y=Y, X_val=None, y_val=None, **params):
    """A case: what fit is given, and the parameters of the valuator."""
    return X, y, {"X_val": X_val, "y_val": y_val}, params


# What every valuator refuses: (case, words of the message; the first is the argument).
DATA = {
    "NaN in X": (fit(changed(X, np.nan), encoder=None), "X", "NaN"),
    "infinity in X": (fit(changed(X, np.inf)), "X", "infinity"),
    "no rows": (fit(X[:0], Y[:0]), "X", "0 sample"),
    "one row": (fit(X[:1], Y[:1]), "X", "1 sample"),
    "no columns": (fit(X[:, :0]), "X", "0 feature"),
    "X of one dimension": (fit(X[:, 0]), "X", "1D array"),
    "X of three dimensions": (fit(X[:, :, None]), "X", "dim 3"),
    "X is None": (fit(None), "X", "2D array"),
    "X is a string": (fit("rows"), "X", "2D array"),
    "ragged rows": (fit([[1.0, 2.0], [3.0]], [0, 1]), "X", "inhomogeneous"),
    "strings in X": (
        fit(np.where(X > 0, "u", "v"), encoder=None),
        "X",
        "numeric",
    ),
    "a column of strings": (fit(frame(b="u"), encoder=None), "X", "OneHotEncoder"),
    "a column of categories": (
        fit(frame(b=pd.Categorical(["u", "v"] * 30)), encoder=None),
        "X",
        "OneHotEncoder",
    ),
    "an object column": (fit(frame(b=[{}] * 60)), "X", "number"),
    "a missing value in a frame": (
        fit(frame(b=changed(Y, None)), encoder=None),
        "X",
        "NaN",
    ),
    "dates in X": (
        fit(frame(b=pd.date_range("2020", periods=60)), encoder=None),
        "X",
        "column 'b' holds times",
    ),
    "complex X": (fit(X + 1j), "X", "Complex"),
    "column names of two types": (
        fit(frame(**{"b": 1.0}).rename(columns={"b": 2})),
        "Feature names",
        "string",
    ),
    "y is None": (fit(y=None), "y", "None"),
    "fewer labels than rows": (fit(y=Y[:-1]), "y", "60, 59"),
    "NaN in y": (fit(y=changed(Y, np.nan)), "y", "NaN"),
    "infinity in y": (fit(y=changed(REAL, np.inf)), "y", "infinity"),
    "a missing label": (fit(y=pd.Series(["u", None] * 30)), "y", "NaN"),
    "None among labels": (fit(y=changed(Y, None)), "y", "NoneType"),
    "labels of two types": (fit(y=changed(Y, "u")), "y", "int, str"),
    "labels of bytes": (fit(y=np.array([b"u", b"v"] * 30)), "y", "bytes"),
    "complex y": (fit(y=Y + 1j), "y", "Complex"),
    "y of two columns": (fit(y=np.c_[Y, Y]), "y", "1d array"),
    "y is a number": (fit(y=3), "y", "1d array"),
    "one class": (fit(y=np.zeros(60, dtype=int)), "y", "one class (0)"),
    "one class of strings": (fit(y=["spam"] * 60), "y", "one class ('spam')"),
    "a constant target": (fit(y=np.full(60, 0.5)), "y", "constant (0.5)"),
    "X_val alone": (fit(X_val=X), "y_val", "X_val"),
    "y_val alone": (fit(y_val=Y), "X_val", "y_val"),
    "NaN in X_val": (fit(X_val=changed(X, np.nan), y_val=Y), "X_val", "NaN"),
    "no held-out rows": (fit(X_val=X[:0], y_val=Y[:0]), "X_val", "0 sample"),
    "X_val with fewer columns": (fit(X_val=X[:, :2], y_val=Y), "X_val", "2 features"),
    "X_val of one dimension": (fit(X_val=X[0], y_val=Y[:1]), "X_val", "1D array"),
    "X_val with other column names": (
        fit(X=frame(b=1.0), X_val=frame(c=1.0), y_val=Y),
        "feature names",
        "c",
    ),
    "an unseen held-out label": (fit(X_val=X, y_val=Y + 1), "y_val", "[2]"),
    "a held-out label of another type": (
        fit(X_val=X, y_val=Y.astype(str)),
        "y_val",
        "'0'",
    ),
    "NaN in y_val": (fit(X_val=X, y_val=changed(Y, np.nan)), "y_val", "nan"),
    "NaN in a real y_val": (
        fit(y=REAL, X_val=X, y_val=changed(REAL, np.nan)),
        "y_val",
        "NaN",
    ),
    "fewer held-out labels than rows": (fit(X_val=X, y_val=Y[:9]), "y_val", "60 rows"),
    "drop of everything": (fit(drop=1.0), "drop", "[0.0, 1.0)"),
    "negative drop": (fit(drop=-0.1), "drop", "[0.0, 1.0)"),
    "drop is NaN": (fit(drop=np.nan), "drop", "nan"),
    "unknown rule for drop": (fit(drop="most"), "drop", "'auto'"),
    "drop is None": (fit(drop=None), "drop", "None"),
    "negative random_state": (fit(random_state=-1), "random_state", "-1"),
    "random_state is a Generator": (
        fit(random_state=np.random.default_rng(0)),
        "random_state",
        "RandomState",
    ),
    "verbose is a string": (fit(verbose="loud"), "verbose", "'loud'"),
}

OF_NDDV = {
    "sparse X": (fit(sparse.csr_array(X), encoder=None), "X", "Sparse"),
    "sparse X_val": (
        fit(X_val=sparse.csr_array(X), y_val=Y, encoder=None),
        "X_val",
        "Sparse",
    ),
    "X too large to standardise": (fit(X * 1e200), "X", "column 0"),
    "y too large to standardise": (fit(y=REAL * 1e200), "y", "rescale"),
    "negative interaction": (fit(interaction=-1), "interaction", "[0.0, inf)"),
    "interaction where Euler diverges": (fit(interaction=6.0), "interaction", "Euler"),
    "infinite diffusion": (fit(diffusion=np.inf), "diffusion", "inf"),
    "no time step": (fit(n_steps=0), "n_steps", "[1, inf)"),
    "no hidden unit": (fit(hidden_dim=0), "hidden_dim", "[1, inf)"),
    "no member": (fit(n_members=0), "n_members", "[1, inf)"),
    "negative epochs": (fit(max_epochs=-1), "max_epochs", "[1, inf)"),
    "half an epoch": (fit(max_epochs=0.5), "max_epochs", "0.5"),
    "negative penalty": (fit(control_penalty=-1), "control_penalty", "[0.0, inf)"),
    "no learning rate": (fit(lr=0), "lr", "(0.0, inf)"),
    "unknown utility": (fit(utility="gain"), "utility", "'gain'"),
    "unknown task": (fit(task="ranking"), "task", "'ranking'"),
    "regression on strings": (
        fit(y=np.where(Y, "u", "v"), task="regression"),
        "y",
        "task='regression'",
    ),
    "more rows in a batch than there are": (fit(batch_size=61), "batch_size", "60"),
    "re-weighting without clean rows": (fit(reweight=True), "reweight", "X_val"),
    "unknown device": (fit(device="abacus"), "device", "abacus"),
    "device without numbers": (fit(device="meta"), "device", "meta"),
    "device is None": (fit(device=None), "device", "None"),
    "module is an instance": (fit(module=torch.nn.Linear(3, 3)), "module", "Linear"),
    "module of another shape": (
        fit(module=lambda d: torch.nn.Linear(d, d + 1)),
        "module",
        "(2, 4)",
    ),
    "module without argument": (
        fit(module=lambda: torch.nn.Linear(3, 3)),
        "module",
        "number of features",
    ),
    "module makes nothing": (fit(module=lambda d: None), "module", "NoneType"),
    "optimizer is no class": (fit(optimizer="Adam"), "optimizer", "callable"),
    "optimizer is no optimizer": (fit(optimizer=dict), "optimizer", "dict"),
    "optimizer takes no lr": (fit(optimizer=torch.nn.Linear), "optimizer", "lr"),
    "callbacks is no list": (fit(callbacks="stop"), "callbacks", "list"),
    "a callback is a string": (fit(callbacks=["stop"]), "callbacks", "'stop'"),
    "unknown net parameter": (fit(net_params={"speed": 1}), "net_params", "speed"),
    "unknown optimizer parameter": (
        fit(net_params={"optimizer__speed": 1}),
        "net_params",
        "speed",
    ),
}

IMAGES = X.reshape(60, 1, 3, 1)

OF_AMORTIZED = {
    "sparse X": (fit(sparse.csr_array(X), encoder=None), "X", "Sparse"),
    "X too large to standardise": (fit(X * 1e200), "X", "column 0"),
    "images too large to standardise": (
        fit(
            IMAGES * 1e200,
            module=lambda n: torch.nn.Sequential(
                torch.nn.Flatten(), torch.nn.Linear(3, n)
            ),
        ),
        "X",
        "rescale",
    ),
    "y too large to standardise": (fit(y=REAL * 1e200), "y", "rescale"),
    "labels that are not unbiased": (fit(valuator=AME()), "valuator", "unbiased"),
    "a valuator that values nothing": (
        fit(valuator=LinearRegression()),
        "valuator",
        "unbiased",
    ),
    "a valuator that goes on by itself": (
        fit(valuator=DataShapley(warm_start=True)),
        "valuator",
        "warm_start",
    ),
    "unknown regressor": (fit(regressor="lasso"), "regressor", "'lasso'"),
    "a regressor that predicts nothing": (
        fit(regressor=DataShapley()),
        "regressor",
        "predict",
    ),
    "a regressor of images": (
        fit(IMAGES, module=torch.nn.LazyLinear, regressor="ridge"),
        "regressor",
        "4 dimensions",
    ),
    "combine is a number": (fit(combine=0.5), "combine", "bool"),
    "no epochs": (fit(max_epochs=()), "max_epochs", "above 0"),
    "half an epoch": (fit(max_epochs=(0.5,)), "max_epochs", "above 0"),
    "epochs as a number": (fit(max_epochs=20), "max_epochs", "tuple"),
    "no learning rate": (fit(lr=0.0), "lr", "(0.0, inf)"),
    "no row in a batch": (fit(batch_size=0), "batch_size", "[1, inf)"),
    "nothing to train on": (
        fit(validation_share=1.0),
        "validation_share",
        "(0.0, 1.0)",
    ),
    "a transformer's name": (
        fit(valuator_transformer="pca"),
        "valuator_transformer",
        "'pca'",
    ),
    "unknown device": (fit(device="abacus"), "device", "abacus"),
    "module is an instance": (fit(module=torch.nn.Linear(3, 2)), "module", "Linear"),
    "module is an empty instance": (
        fit(module=torch.nn.Sequential()),
        "module",
        "Sequential",
    ),
    "module with too many outputs": (
        fit(module=lambda n: torch.nn.Linear(3, n + 5)),
        "module",
        "(2, 7)",
    ),
    "module for other rows": (
        fit(module=lambda n: torch.nn.Linear(9, n)),
        "module",
        "shape (3,)",
    ),
    "module without a linear layer": (
        fit(module=lambda n: torch.nn.Flatten()),
        "module",
        "torch.nn.Linear",
    ),
    "module without argument": (
        fit(module=lambda: torch.nn.Linear(3, 2)),
        "module",
        "number of outputs",
    ),
    "module makes nothing": (fit(module=lambda n: None), "module", "NoneType"),
    "optimizer is no optimizer": (fit(optimizer=dict), "optimizer", "dict"),
    "a callback is a string": (fit(callbacks=["stop"]), "callbacks", "'stop'"),
    "unknown net parameter": (fit(net_params={"speed": 1}), "net_params", "speed"),
    "too few evaluations": (
        fit(valuator=DataShapley(max_evaluations=10, sampler="permutation")),
        "max_evaluations",
        "too small",
    ),
}

CASES = [
    *[(NDDVValuator, name, *case) for name, case in {**DATA, **OF_NDDV}.items()],
    *[
        (AmortizedShapley, name, *case)
        for name, case in {**DATA, **OF_AMORTIZED}.items()
    ],
    *[(NeighbourAgreement, name, *case) for name, case in DATA.items()],
]


@pytest.mark.parametrize(
    ("valuator", "name", "case", "argument", "words"),
    [pytest.param(*case, id=f"{case[0].__name__}: {case[1]}") for case in CASES],
)
def test_bad_input_is_one_clear_error_before_training(
    valuator, name, case, argument, words, monkeypatch
):
    trainings = []
    monkeypatch.setattr(nddv_training, "train", lambda *a, **k: trainings.append(a))
    monkeypatch.setattr(
        _sampling_valuator, "sample", lambda *a, **k: trainings.append(a)
    )
    monkeypatch.setattr(NeighbourAgreement, "_fit", lambda *a: trainings.append(a))
    X, y, held_out, params = case
    unfitted = valuator(**params)
    # InvalidParameterError is both.
    with pytest.raises((ValueError, TypeError)) as error:
        unfitted.fit(X, y, **held_out)
    message = str(error.value)
    named = message.translate(str.maketrans(":'=;,(", "      "))
    assert f" {argument} " in f" {named} ", message
    assert words in message
    assert not trainings
    with pytest.raises(NotFittedError):
        unfitted.get_support()


def test_at_least_thirty_kinds_are_refused():
    assert len(DATA) + len(OF_NDDV) >= 30


# ---------------------------------------------------------------------- after fit


@pytest.fixture(scope="module")
def fitted():
    return NDDVValuator(n_members=1, max_epochs=1, random_state=0).fit(X, Y)


@pytest.mark.parametrize(
    "use",
    [
        lambda v: v.get_support(),
        lambda v: v.filter(X),
        lambda v: v.transform(X),
        lambda v: v.get_feature_names_out(),
    ],
    ids=["get_support", "filter", "transform", "names"],
)
@pytest.mark.parametrize("valuator", [NDDVValuator(), NeighbourAgreement()])
def test_unfitted_use_says_so(valuator, use):
    with pytest.raises(NotFittedError, match=type(valuator).__name__):
        use(valuator)


def test_unfitted_prediction_of_values_says_so():
    with pytest.raises(NotFittedError, match="NDDVValuator"):
        NDDVValuator().predict_values(X, Y)


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (lambda v: v.transform(X[:, :2]), "X has 2 features, but .* 3 features"),
        (lambda v: v.transform(changed(X, np.inf)), "X contains infinity"),
        (lambda v: v.transform(X[0]), "X: Expected 2D array"),
        (lambda v: v.predict_values(X[:, :2], Y), "X has 2 features"),
        (lambda v: v.predict_values(X, Y[:9]), "X has 60 rows, but y has 9 labels"),
        (lambda v: v.predict_values(X, Y + 1), r"y has labels .*\[2\]; allowed: \[0"),
        (lambda v: v.filter(X[:9]), "filter: array 0 has 9 rows; expected 60"),
        (lambda v: v.filter(), "filter needs at least one array"),
    ],
)
def test_bad_rows_after_fit_are_refused(fitted, use, words):
    with pytest.raises(ValueError, match=words):
        use(fitted)
