"""ConsensusValuator: arithmetic, and the conventions of VotingClassifier."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skvalue.confidence import SelfConfidence
from skvalue.consensus import ConsensusValuator
from skvalue.data_oob import DataOOB
from skvalue.nddv import NDDVValuator
from skvalue.neighbors import KNNShapley


def members(seed=0):
    return [
        ("confidence", SelfConfidence(cv=2, random_state=seed)),
        ("knn", KNNShapley(random_state=seed)),
    ]


@pytest.fixture(scope="module")
def problem():
    X, y = make_classification(120, 6, class_sep=1.5, flip_y=0, random_state=0)
    y[:12] ^= 1
    return X, y


def standardised(valuator, X, y):
    values = valuator.fit(X, y).data_values_
    return (values - values.mean()) / values.std()


@pytest.mark.parametrize("weights", [None, [2, 1], np.array([0.0, 3.0])])
def test_is_the_weighted_mean_of_standardised_values(problem, weights):
    expected = np.average(
        [standardised(valuator, *problem) for _, valuator in members()],
        axis=0,
        weights=weights,
    )
    consensus = ConsensusValuator(members(), weights=weights).fit(*problem)
    assert_allclose(consensus.data_values_, expected, atol=1e-12)


def test_a_clearly_poor_judge_of_labels_has_no_weight():
    X, y = make_classification(300, 6, class_sep=1.5, flip_y=0.1, random_state=0)
    good = SelfConfidence(random_state=0)
    poor = DataOOB(DummyClassifier(), n_estimators=30, random_state=0)
    pair = [("good", good), ("poor", poor)]
    consensus = ConsensusValuator(pair).fit(X, y)
    assert_array_equal(consensus.weights_, [1, 0])
    assert_allclose(consensus.data_values_, standardised(good, X, y), atol=1e-12)
    assert_allclose(consensus.class_probabilities_, good.class_probabilities_)
    # Weights that are given stand.
    consensus.set_params(weights=[1, 1]).fit(X, y)
    assert_array_equal(consensus.weights_, [0.5, 0.5])


@pytest.mark.parametrize("as_pipeline", [False, True])
def test_a_linear_model_stands_in_for_a_network_that_saw_the_labels(as_pipeline):
    # What tells the classes apart is spread over all columns: nothing for trees.
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=400)
    X = rng.normal(0, 0.25, size=(3, 200))[y] + rng.normal(size=(400, 200))
    network = NDDVValuator(max_epochs=2, n_members=1, random_state=0)
    if as_pipeline:
        network = make_pipeline(StandardScaler(), network)
    forest = DataOOB(n_estimators=30, random_state=0)
    consensus = ConsensusValuator([("nddv", network), ("oob", forest)], random_state=0)
    assert_array_equal(consensus.fit(X, y).weights_, [1, 0])
    names = np.array(["c", "a", "b"])[y]
    assert_array_equal(consensus.fit(X, names).weights_, [1, 0])
    # Two columns: a forest sees them as well as anything.
    weights = consensus.fit(X[:, :2] + 3 * y[:, None], y).weights_
    assert_array_equal(weights, [0.5, 0.5])


def test_a_class_of_one_row_is_left_out_of_the_comparison_of_judges():
    X, y = make_classification(100, 6, random_state=0)
    y[0] = 2
    network = NDDVValuator(max_epochs=2, n_members=1, random_state=0)
    forest = DataOOB(n_estimators=30, random_state=0)
    consensus = ConsensusValuator([("nddv", network), ("oob", forest)], random_state=0)
    assert_array_equal(consensus.fit(X, y).weights_, [0.5, 0.5])


def test_judges_that_are_about_as_good_count_alike(problem):
    pair = [*members(), ("oob", DataOOB(n_estimators=30, random_state=0))]
    assert_allclose(ConsensusValuator(pair).fit(*problem).weights_, 1 / 3)


def test_nested_parameters_and_drop_work_as_in_voting(problem):
    consensus = ConsensusValuator(members(), weights=[1, 5])
    consensus.set_params(knn__n_neighbors=3)
    assert consensus.get_params()["knn__n_neighbors"] == 3
    consensus.set_params(knn="drop").fit(*problem)
    assert len(consensus.valuators_) == 1
    assert_allclose(
        consensus.data_values_, standardised(members()[0][1], *problem), atol=1e-12
    )
    consensus.set_params(knn=KNNShapley(7)).fit(*problem)
    assert list(consensus.named_valuators_) == ["confidence", "knn"]


def test_default_members_are_resolved_in_fit_and_can_be_set():
    consensus = ConsensusValuator()
    assert clone(consensus).valuators is None
    assert consensus.set_params(n_jobs=2).valuators is None
    consensus.set_params(nddv__max_epochs=2, oob__n_estimators=30)
    names = [name for name, _ in consensus.valuators]
    assert names == ["nddv", "oob"]
    assert consensus.valuators[0][1].max_epochs == 2
    assert consensus.get_params()["oob__scoring"] == "log_proba"


def test_default_members_find_flipped_labels(problem):
    X, y = problem
    consensus = ConsensusValuator(random_state=0)
    consensus.set_params(nddv__max_epochs=3, oob__n_estimators=30).fit(X, y)
    assert isinstance(consensus.named_valuators_.nddv, NDDVValuator)
    assert consensus.data_values_[:12].mean() < -0.5


def test_members_without_a_seed_get_one(problem):
    def fit(n_jobs):
        pair = [("a", SelfConfidence()), ("b", DataOOB(n_estimators=30))]
        return ConsensusValuator(pair, random_state=0, n_jobs=n_jobs).fit(*problem)

    assert_array_equal(fit(1).data_values_, fit(2).data_values_)
    first, second = fit(1).valuators_
    assert first.random_state != second.random_state


def test_equal_values_of_a_member_do_not_count(problem):
    constant = DataOOB(
        scoring=lambda y, y_pred: np.ones(len(y)), n_estimators=30, random_state=0
    )
    consensus = ConsensusValuator([members()[0], ("constant", constant)])
    assert_allclose(
        consensus.fit(*problem).data_values_,
        standardised(members()[0][1], *problem) / 2,
        atol=1e-12,
    )


@pytest.mark.parametrize(
    ("valuators", "weights", "message"),
    [
        ([], None, "non-empty list"),
        ([1], None, "non-empty list"),
        ([("a", KNNShapley()), ("a", KNNShapley())], None, "valuators: .* not unique"),
        ([("weights", KNNShapley())], None, "conflict"),
        ([("a", "drop")], None, "dropped or have weight 0"),
        ([("a", KNNShapley())], [0.0], "dropped or have weight 0"),
        ([("a", KNNShapley())], [1.0, 2.0], "weights="),
        ([("a", KNNShapley())], [-1.0], "weights="),
    ],
)
def test_errors_name_the_argument(problem, valuators, weights, message):
    with pytest.raises(ValueError, match=message):
        ConsensusValuator(valuators, weights=weights).fit(*problem)


def test_member_that_is_no_valuator_is_named(problem):
    with pytest.raises(TypeError, match="valuators: 'a' is LogisticRegression"):
        ConsensusValuator([("a", LogisticRegression())]).fit(*problem)


def test_importing_it_does_not_import_torch():
    code = (
        "import sys, skvalue.consensus as c; c.ConsensusValuator(); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
