"""Datamodels that are killed go on: bitwise, from their own file only."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB

from skvalue import Datamodels
from skvalue.explain._subset_sums import SubsetSums
from skvalue.semivalues._row_utility import RowUtility

KINDS = {
    "shared": Datamodels(max_evaluations=150),
    "shared, share": Datamodels(inclusion_probability=0.3, max_evaluations=150),
    "covariances": Datamodels(GaussianNB(), max_evaluations=50),
    "covariances, share": Datamodels(
        GaussianNB(), inclusion_probability=0.7, max_evaluations=50
    ),
    "fixed size": Datamodels(GaussianNB(), subset_size=0.5, max_evaluations=50),
    "engine": Datamodels(method="closed_form", max_evaluations=600),
    "ridge": Datamodels(GaussianNB(), method="ridge", max_evaluations=50),
    "amortized": Datamodels(GaussianNB(), max_evaluations=50, amortize=True),
}


def problem():
    X, y = make_classification(40, 5, random_state=0)
    return X[:30], y[:30], X[30:], y[30:]


def fitted(name, **settings):
    settings = {"output": "probability", "random_state": 0} | settings
    return clone(KINDS[name]).set_params(**settings)


def results(datamodels):
    names = "attributions_", "attributions_stderr_", "intercepts_", "expected_outputs_"
    arrays = [getattr(datamodels, name, None) for name in names]
    if datamodels.amortize:
        arrays.append(datamodels.predict_attributions(*problem()))
    return [*arrays, datamodels.n_evaluations_]


def assert_same(found, expected):
    for one, other in zip(results(found), results(expected), strict=True):
        np.testing.assert_array_equal(one, other)


def kill_after(monkeypatch, n_blocks):
    """Stop the fit, as Ctrl-C would, where so many blocks are in the sums."""
    original = SubsetSums.add
    left = iter(range(n_blocks))

    def add(self, *block):
        if next(left, None) is None:
            raise KeyboardInterrupt
        original(self, *block)

    monkeypatch.setattr(SubsetSums, "add", add)


@pytest.mark.parametrize(
    ("name", "n_blocks"),
    # The last one among the subsets that are held out.
    [*((name, 1) for name in KINDS), ("amortized", 4)],
)
def test_resume_after_kill_is_bitwise_identical(name, n_blocks, tmp_path, monkeypatch):
    path = tmp_path / "sums.ckpt"
    expected = fitted(name).fit(*problem())
    interrupted = fitted(name, checkpoint=path, checkpoint_interval=0.0)
    with monkeypatch.context() as patch:
        kill_after(patch, n_blocks)
        with pytest.raises(KeyboardInterrupt):
            interrupted.fit(*problem())
    assert not hasattr(interrupted, "attributions_")
    assert path.exists()
    # Not from the beginning.
    n_drawn = []
    with monkeypatch.context() as patch:
        original = RowUtility.scores
        patch.setattr(
            RowUtility,
            "scores",
            lambda self, masks: n_drawn.append(len(masks)) or original(self, masks),
        )
        interrupted.fit(*problem())
    assert 0 < sum(n_drawn) < expected.n_evaluations_
    assert_same(interrupted, expected)


@pytest.mark.parametrize("name", ["shared", "covariances", "ridge"])
def test_more_subsets_go_on_where_fewer_ended(name, tmp_path):
    path = tmp_path / "sums.ckpt"
    total = KINDS[name].max_evaluations
    datamodels = fitted(name, checkpoint=path, max_evaluations=total - 11)
    datamodels.fit(*problem())
    assert datamodels.n_evaluations_ == total - 11
    datamodels.set_params(max_evaluations=total).fit(*problem())
    assert_same(datamodels, fitted(name).fit(*problem()))
    # And a file that is complete gives the same again.
    assert_same(datamodels.fit(*problem()), fitted(name).fit(*problem()))


def test_workers_and_penalties_may_change(tmp_path):
    path = tmp_path / "sums.ckpt"
    settings = {"checkpoint": path, "n_jobs": 2, "alpha": 1.0}
    fitted("ridge", **settings, max_evaluations=35).fit(*problem())
    found = fitted("ridge", checkpoint=path, alpha=3.0).fit(*problem())
    assert_same(found, fitted("ridge", alpha=3.0).fit(*problem()))


def test_any_seed_goes_on(tmp_path):
    path = tmp_path / "sums.ckpt"
    settings = {"checkpoint": path, "random_state": None}
    first = fitted("covariances", **settings).fit(*problem())
    rng = np.random.RandomState(0)
    second = fitted("covariances", checkpoint=path, random_state=rng).fit(*problem())
    assert_same(first, second)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"estimator": LogisticRegression()}, "estimator, method"),
        ({"estimator": GaussianNB(var_smoothing=1e-3)}, "estimator"),
        ({"inclusion_probability": 0.4}, "inclusion_probability"),
        ({"method": "ridge"}, "method"),
        ({"output": "accuracy"}, "output"),
        ({"random_state": 1}, "random_state"),
        ({"amortize": True}, "amortize, max_evaluations"),
    ],
)
def test_the_file_of_another_fit_is_refused(settings, named, tmp_path):
    path = tmp_path / "sums.ckpt"
    fitted("covariances", checkpoint=path).fit(*problem())
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"belongs to another run: {named} differ"):
        fitted("covariances", checkpoint=path, **settings).fit(*problem())
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["X", "y", "X_target", "y_target"])
def test_other_rows_are_refused(name, tmp_path):
    path, rows = tmp_path / "sums.ckpt", list(problem())
    fitted("covariances", checkpoint=path).fit(*rows)
    place = ["X", "y", "X_target", "y_target"].index(name)
    rows[place] = rows[place][::-1]
    with pytest.raises(ValueError, match=f"another run: {name} differ"):
        fitted("covariances", checkpoint=path).fit(*rows)


def test_an_amortized_fit_has_a_file_of_its_own_length(tmp_path):
    path = tmp_path / "sums.ckpt"
    fitted("amortized", checkpoint=path).fit(*problem())
    with pytest.raises(ValueError, match="another run: max_evaluations differ"):
        fitted("amortized", checkpoint=path, max_evaluations=60).fit(*problem())


def test_a_damaged_file_is_left_as_it_is(tmp_path):
    path = tmp_path / "sums.ckpt"
    fitted("covariances", checkpoint=path).fit(*problem())
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ValueError, match="is truncated or damaged"):
        fitted("covariances", checkpoint=path).fit(*problem())
    with pytest.raises(ValueError, match="there is no folder"):
        fitted("covariances", checkpoint=tmp_path / "no" / "file").fit(*problem())


def test_real_targets_and_frames(tmp_path):
    pandas = pytest.importorskip("pandas")
    path = tmp_path / "sums.ckpt"
    X, y = make_regression(30, 3, random_state=0)
    frame = pandas.DataFrame(X, columns=list("abc"), index=np.arange(30)[::-1])
    settings = {"max_evaluations": 40, "random_state": 0}
    expected = Datamodels(Ridge(), **settings).fit(frame, y)
    found = Datamodels(Ridge(), checkpoint=path, **settings)
    found.fit(frame, y)
    found.fit(frame.reset_index(drop=True), y)
    np.testing.assert_array_equal(found.attributions_, expected.attributions_)
