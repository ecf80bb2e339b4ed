"""The estimators against the definition, on games that the tests know exactly."""

import numpy as np
import pytest
from coalition_oracles import (
    CentroidClassifier,
    RowCollector,
    TableGame,
    TableScorer,
    random_table,
    table_data,
)
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skvalue.games import enumerate_semivalue
from skvalue.semivalues import (
    AME,
    BetaShapley,
    DataBanzhaf,
    DataShapley,
    DistributionalShapley,
    LeaveOneOut,
    Semivalue,
    SubsampleInfluence,
)
from skvalue.semivalues._utility import Utility

N = 7


def halves(sizes, n_samples):
    """A weight that is not of any family: small coalitions, twice."""
    small = sizes < n_samples / 2
    return small / small.mean()


def fit_game(valuator, table):
    X, y, X_val, y_val = table_data(int(np.log2(len(table))))
    valuator = clone(valuator).set_params(
        estimator=RowCollector(), scoring=TableScorer(table), random_state=0
    )
    return valuator.fit(X, y, X_val=X_val, y_val=y_val)


def problem(n_samples=40, seed=0, n_classes=2):
    X, y = make_classification(
        n_samples + 30,
        4,
        n_informative=3,
        n_redundant=0,
        n_classes=n_classes,
        n_clusters_per_class=1,
        class_sep=1.5,
        random_state=seed,
    )
    y[: n_samples // 8] = (y[: n_samples // 8] + 1) % n_classes
    return X[:n_samples], y[:n_samples], X[n_samples:], y[n_samples:]


WEIGHTS = {
    "beta": BetaShapley()._weight,
    "beta shared": BetaShapley(2, 4)._weight,
    "banzhaf": DataBanzhaf()._weight,
    "banzhaf shared": DataBanzhaf()._weight,
    "semivalue": halves,
}


def estimator(name):
    return {
        "shapley": DataShapley(min_coalition_size=0),
        "shapley shared": DataShapley(sampler="shared", min_coalition_size=0),
        "truncated": DataShapley(min_coalition_size=3),
        "beta": BetaShapley(min_coalition_size=0),
        "beta shared": BetaShapley(2, 4, sampler="shared", min_coalition_size=0),
        "banzhaf": DataBanzhaf(min_coalition_size=0),
        "banzhaf shared": DataBanzhaf(sampler="shared", min_coalition_size=0),
        "semivalue": Semivalue(halves, min_coalition_size=0),
    }[name]


EXACT = ["shapley", "shapley shared", "truncated", *WEIGHTS]


@pytest.mark.parametrize("name", EXACT)
def test_estimates_the_definition_on_random_games(name):
    table = random_table(N, seed=0, by_size=0.2)
    valuator = estimator(name).set_params(max_evaluations=600, tol=None)
    valuator = fit_game(valuator, table)
    relative = WEIGHTS[name](np.arange(N), N) if name in WEIGHTS else None
    exact = enumerate_semivalue(
        TableGame(table), relative, min_size=valuator._least_size
    )
    error = np.abs(valuator.data_values_ - exact)
    assert (error <= 4.5 * valuator.data_values_stderr_ + 1e-12).all()
    assert valuator.data_values_stderr_.max() < 0.05
    assert valuator.n_evaluations_ <= 600


def test_leave_one_out_is_exact():
    table = random_table(N, seed=1)
    valuator = fit_game(LeaveOneOut(), table)
    everyone = 2**N - 1
    expected = table[everyone] - table[everyone - 2 ** np.arange(N)]
    assert_allclose(valuator.data_values_, expected, atol=1e-15)
    assert valuator.n_evaluations_ == N + 1


def test_ame_finds_the_average_marginal_effects():
    # An additive game: every average of marginal contributions is a row's own worth.
    own = np.array([0.5, 0.0, -0.3, 0.0, 1.0, 0.0, 0.2])
    masks = (np.arange(2**N)[:, None] >> np.arange(N)) & 1
    one = AME(inclusion_probabilities=(0.5,), max_evaluations=400)
    assert_allclose(fit_game(one, masks @ own).data_values_, own, atol=0.02)
    several = fit_game(AME(max_evaluations=1000), masks @ own)
    assert_allclose(several.data_values_, own, atol=0.15)
    assert not hasattr(several, "data_values_stderr_")


def test_subsample_influence_compares_means():
    table = random_table(N, seed=2)
    valuator = fit_game(SubsampleInfluence(max_evaluations=800, tol=None), table)
    masks = ((np.arange(2**N)[:, None] >> np.arange(N)) & 1).astype(bool)
    some = masks.sum(axis=1) == 5
    expected = [table[some & m].mean() - table[some & ~m].mean() for m in masks.T]
    error = np.abs(valuator.data_values_ - expected)
    assert (error <= 4.5 * valuator.data_values_stderr_).all()


def test_values_of_a_real_model_equal_enumeration():
    X, y, X_val, y_val = problem(8)
    y[:2] = [0, 1]
    game = Utility(CentroidClassifier(), X, y, X_val, y_val, classes=np.array([0, 1]))
    exact = enumerate_semivalue(game)
    valuator = DataShapley(
        CentroidClassifier(),
        min_coalition_size=0,
        max_evaluations=1600,
        tol=None,
        random_state=0,
    ).fit(X, y, X_val=X_val, y_val=y_val)
    error = np.abs(valuator.data_values_ - exact)
    assert (error <= 4.5 * valuator.data_values_stderr_).all()
    everyone = game.value(np.arange(8)) - game.empty_value
    assert_allclose(valuator.data_values_.sum(), everyone, atol=1e-12)


# ------------------------------------------------------------------------- axioms


def test_shapley_values_of_permutations_share_the_worth_of_all():
    """Efficiency holds for any number of permutations."""
    table = random_table(N, seed=3)
    valuator = DataShapley(min_coalition_size=0, max_evaluations=14)
    valuator = fit_game(valuator, table)
    assert_allclose(valuator.data_values_.sum(), table[-1] - table[0])


@pytest.mark.parametrize("name", [name for name in EXACT if name != "banzhaf"])
def test_a_row_that_never_matters_is_worth_nothing(name):
    table = random_table(N, seed=4)[np.arange(2**N) & ~1]
    valuator = fit_game(estimator(name).set_params(max_evaluations=100), table)
    assert valuator.data_values_[0] == pytest.approx(0, abs=1e-12)
    assert np.abs(valuator.data_values_[1:]).min() > 1e-6


@pytest.mark.parametrize("name", EXACT)
def test_values_are_linear_in_the_game(name):
    first, second = random_table(N, seed=5), random_table(N, seed=6)
    valuator = estimator(name).set_params(max_evaluations=100, tol=None)
    values = [
        fit_game(valuator, table).data_values_
        for table in (first, second, 2 * first - second)
    ]
    assert_allclose(values[2], 2 * values[0] - values[1], atol=1e-12)


# ------------------------------------------------------------- estimators and targets


def mean_gap(valuator, n_flipped):
    values = valuator.data_values_
    return values[n_flipped:].mean() - values[:n_flipped].mean()


CHEAP = {
    "shapley": DataShapley(CentroidClassifier(), max_evaluations=400),
    "beta": BetaShapley(estimator=CentroidClassifier(), max_evaluations=400),
    "banzhaf": DataBanzhaf(CentroidClassifier(), max_evaluations=200),
    "semivalue": Semivalue(halves, CentroidClassifier(), max_evaluations=400),
    "loo": LeaveOneOut(CentroidClassifier()),
    "ame": AME(CentroidClassifier(), max_evaluations=200),
    "influence": SubsampleInfluence(CentroidClassifier(), max_evaluations=200),
}


@pytest.mark.parametrize("name", CHEAP)
def test_flipped_labels_are_worth_less(name):
    X, y, X_val, y_val = problem()
    valuator = clone(CHEAP[name]).set_params(random_state=0)
    valuator.fit(X, y, X_val=X_val, y_val=y_val)
    assert mean_gap(valuator, 5) > 0
    assert valuator.data_values_.dtype == np.float64


@pytest.mark.parametrize("name", CHEAP)
def test_string_labels_and_folds_give_the_same_values(name):
    X, y, *_ = problem()
    valuator = clone(CHEAP[name]).set_params(random_state=0, cv=2)
    plain = valuator.fit(X, y).data_values_.copy()
    assert np.ptp(plain) > 0
    renamed = valuator.fit(X, np.array(["b", "a"])[y]).data_values_
    # The regression of AME amplifies rounding.
    assert_allclose(renamed, plain, atol=1e-3 if name == "ame" else 1e-12)


def test_multiclass_values():
    X, y, X_val, y_val = problem(48, n_classes=3)
    valuator = DataShapley(CentroidClassifier(), max_evaluations=3000, random_state=0)
    valuator.fit(X, y, X_val=X_val, y_val=y_val)
    assert mean_gap(valuator, 6) > 0


def test_regression_values():
    X, y = make_regression(60, 3, noise=5.0, random_state=0)
    y[:4] += 300
    pipeline = make_pipeline(StandardScaler(), Ridge())
    for estimator in (None, LinearRegression(), pipeline):
        valuator = LeaveOneOut(estimator, random_state=0).fit(X, y)
        assert not hasattr(valuator, "classes_")
        assert mean_gap(valuator, 4) > 0


def test_integer_targets_of_a_regressor_are_numbers():
    X, y = make_regression(30, 3, random_state=0)
    valuator = LeaveOneOut(LinearRegression()).fit(X, np.round(y).astype(int))
    assert not hasattr(valuator, "classes_")


def test_continuous_targets_of_a_classifier_raise():
    X, y = make_regression(30, 3, random_state=0)
    with pytest.raises(ValueError, match="y has real targets, but estimator=Centroid"):
        LeaveOneOut(CentroidClassifier()).fit(X, y)


def test_pipelines_and_sparse_rows_are_fitted():
    from scipy.sparse import csr_array

    X, y, X_val, y_val = problem()
    X[np.abs(X) < 0.3] = 0
    pipeline = make_pipeline(StandardScaler(with_mean=False), LogisticRegression())
    dense, sparse = (
        DataBanzhaf(pipeline, max_evaluations=50, random_state=0)
        .fit(kind(X), y, X_val=kind(X_val), y_val=y_val)
        .data_values_
        for kind in (np.asarray, csr_array)
    )
    assert_allclose(sparse, dense, atol=1e-4)


SCORINGS = ["accuracy", "roc_auc_ovr", "neg_log_loss", "f1_macro"]


@pytest.mark.parametrize("scoring", [*SCORINGS, make_scorer(accuracy_score)])
def test_any_scorer_is_a_utility(scoring):
    X, y, X_val, y_val = problem(40, n_classes=3)
    valuator = DataBanzhaf(
        CentroidClassifier(), scoring=scoring, max_evaluations=60, random_state=0
    )
    valuator.fit(X, y, X_val=X_val, y_val=y_val)
    assert np.ptp(valuator.data_values_) > 0


def test_an_estimator_without_a_seed_gets_one_and_the_global_state_stays():
    X, y, X_val, y_val = problem(30)
    before = np.random.get_state()[1].copy()
    values = [
        DataBanzhaf(
            RandomForestClassifier(2, max_depth=2),
            max_evaluations=12,
            tol=None,
            random_state=0,
        )
        .fit(X, y, X_val=X_val, y_val=y_val)
        .data_values_
        for _ in range(2)
    ]
    assert_array_equal(values[0], values[1])
    assert_array_equal(np.random.get_state()[1], before)


def test_the_estimator_of_the_user_is_not_touched():
    forest = RandomForestClassifier(2)
    X, y, X_val, y_val = problem(30)
    valuator = DataBanzhaf(forest, max_evaluations=20, random_state=0, tol=None)
    valuator.fit(X, y, X_val=X_val, y_val=y_val)
    assert forest.random_state is None
    assert not hasattr(forest, "classes_")


# ----------------------------------------------------------- the engine and refits


class RefitLogistic(LogisticRegression):
    """The same model, which the engine does not know."""


class RefitRidge(Ridge):
    """The same model, which the engine does not know."""


SHARED = {"sampler": "shared", "tol": None, "random_state": 0}


AGREEING = {
    "shared": (DataShapley(max_evaluations=12, **SHARED), 12 * 41),
    "walks": (DataShapley(sampler="permutation", max_evaluations=144), 144),
    "single walks": (
        DataShapley(sampler="single_permutation", max_evaluations=138),
        3 * (36 + 2 * 5),
    ),
    "banzhaf": (DataBanzhaf(max_evaluations=12, **SHARED), 12 * 41),
    "reused": (DataBanzhaf(sampler="msr", max_evaluations=64), 64),
    "distributional": (
        DistributionalShapley(
            min_coalition_size=40, max_coalition_size=60, max_evaluations=8, tol=None
        ),
        8 * 41,
    ),
    "leave one out": (LeaveOneOut(), None),
}


@pytest.mark.parametrize("name", AGREEING)
def test_the_engine_and_refits_agree_on_the_same_coalitions(name):
    X, y, X_val, y_val = problem(40)
    valuator, n_refits = AGREEING[name]
    engine = clone(valuator).set_params(random_state=0)
    refits = clone(engine).set_params(estimator=RefitLogistic(tol=1e-8, max_iter=1000))
    if n_refits is not None:
        refits.set_params(max_evaluations=n_refits)
    for fitted in (engine, refits):
        fitted.fit(X, y, X_val=X_val, y_val=y_val)
    if name != "leave one out":
        assert refits.n_evaluations_ == n_refits
    # In and out contributions of logistic models are one step from a solution.
    values = [engine.data_values_, refits.data_values_]
    assert np.corrcoef(values)[0, 1] > 0.995
    if name == "reused":
        assert_allclose(*values, atol=0.05 * values[1].std())


def test_the_engine_is_exact_for_ridge():
    X, y = make_regression(60, 3, noise=20.0, random_state=0)
    values = []
    for estimator, n_evaluations in [(Ridge(), 16), (RefitRidge(), 16 * 41)]:
        valuator = DataShapley(estimator, max_evaluations=n_evaluations, **SHARED)
        valuator.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
        values.append(valuator.data_values_)
    assert_allclose(values[0], values[1], atol=1e-10)


def test_the_sampler_is_chosen_by_engine_and_number_of_rows():
    X, y, X_val, y_val = problem(40)
    chosen = DataShapley(max_evaluations=16, random_state=0)
    chosen.fit(X, y, X_val=X_val, y_val=y_val)
    assert chosen.n_evaluations_ == 16
    # A permutation of 39 rows costs twice 35 fits, a subset of the regression one.
    for n_samples, n_evaluations in ((39, 70), (40, 75)):
        valuator = DataShapley(CentroidClassifier(), max_evaluations=75, tol=None)
        rows = X[:n_samples], y[:n_samples]
        valuator.fit(*rows, X_val=X_val, y_val=y_val)
        assert valuator.n_evaluations_ == n_evaluations
    valuator.set_params(truncation_tol=1e-9).fit(X, y, X_val=X_val, y_val=y_val)
    with pytest.raises(ValueError, match="regression"):
        valuator.values_for(DataBanzhaf())


def test_beta_shapley_of_small_coalitions_takes_the_regression():
    X, y, X_val, y_val = problem(40)
    for alpha, beta, takes_it in [(16, 1, True), (2, 2, True), (1, 4, False)]:
        valuator = BetaShapley(alpha, beta, CentroidClassifier(), max_evaluations=200)
        valuator.set_params(tol=None, random_state=0)
        valuator.fit(X, y, X_val=X_val, y_val=y_val)
        assert (valuator._sampled is not None) == takes_it
    small = BetaShapley(estimator=CentroidClassifier(), max_evaluations=200, tol=None)
    small.fit(X[:39], y[:39], X_val=X_val, y_val=y_val)
    assert small._sampled is None


# ---------------------------------------------------------------- distributional values


def test_values_of_new_rows_are_those_of_the_same_rows_in_fit():
    X, y, X_val, y_val = problem(40)
    valuator = DistributionalShapley(
        min_coalition_size=20, max_coalition_size=50, max_evaluations=40, random_state=0
    ).fit(X, y, X_val=X_val, y_val=y_val)
    again = valuator.predict_values(X, y)
    assert_allclose(again, valuator.data_values_, atol=1e-7)
    assert_allclose(valuator.predict_values(X[5:9], y[5:9]), again[5:9], atol=1e-4)
    flipped = valuator.predict_values(X_val, 1 - y_val)
    assert flipped.mean() < valuator.predict_values(X_val, y_val).mean()


@pytest.mark.parametrize("valued_share", [1.0, 0.4])
def test_distributional_values_estimate_the_definition(valued_share):
    """Every draw of two rows with replacement, of three, and the row that joins."""
    X, y, X_val, y_val = table_data(3)
    worth = random_table(3, seed=7)
    valuator = DistributionalShapley(
        RowCollector(),
        scoring=TableScorer(worth),
        min_coalition_size=1,
        max_coalition_size=2,
        valued_share=valued_share,
        max_evaluations=2000,
        tol=None,
        random_state=0,
    ).fit(X, y, X_val=X_val, y_val=y_val)
    game = TableGame(worth)
    expected = []
    for row in range(3):
        one = [game.value([i, row]) - game.value([i]) for i in range(3)]
        two = [
            game.value([i, j, row]) - game.value([i, j])
            for i in range(3)
            for j in range(3)
        ]
        expected.append((np.mean(one) + np.mean(two)) / 2)
    error = np.abs(valuator.data_values_ - expected)
    assert (error <= 4.5 * valuator.data_values_stderr_).all()


def test_distributional_sizes_in_the_wrong_order_raise():
    X, y, X_val, y_val = problem(20)
    valuator = DistributionalShapley(min_coalition_size=9, max_coalition_size=8)
    with pytest.raises(ValueError, match="max_coalition_size=8 is below"):
        valuator.fit(X, y, X_val=X_val, y_val=y_val)


@pytest.mark.parametrize("estimator", [None, RefitLogistic()])
def test_coalitions_value_the_rows_in_turn(estimator):
    """Parts of 14, 13 and 13 rows: each row gets two contributions from six."""
    X, y, X_val, y_val = problem(40)
    least = 3 if estimator is None else 3 * 15
    valuator = DistributionalShapley(
        estimator,
        min_coalition_size=20,
        max_coalition_size=30,
        valued_share=1 / 3,
        max_evaluations=2 * least,
        tol=None,
        random_state=0,
    ).fit(X, y, X_val=X_val, y_val=y_val)
    assert valuator.n_evaluations_ == (6 if estimator is None else 6 + 2 * 40)
    sampler = valuator._make_sampler(valuator._pools[0][0])
    counts = np.zeros(40)
    for unit in range(6):
        counts[sampler._part((0, 0), unit)] += 1
    assert_allclose(counts, 2)
    # New rows join every one of the coalitions.
    assert valuator._pools[0][2] == 6
    assert np.isfinite(valuator.predict_values(X_val, y_val)).all()
    with pytest.raises(ValueError, match=f"Give at least {least}"):
        clone(valuator).set_params(max_evaluations=least - 1).fit(
            X, y, X_val=X_val, y_val=y_val
        )


# --------------------------------------------------------------------- what goes wrong


class Fragile(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        if len(X) == 9:
            raise ZeroDivisionError("nine is too much")
        return self

    def predict(self, X):
        return np.repeat(self.classes_[0], len(X))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_failing_fit_raises_with_its_reason_and_size(n_jobs):
    X, y, X_val, y_val = problem(20)
    valuator = DataShapley(Fragile(), n_jobs=n_jobs, random_state=0)
    expected = (
        r"Fragile failed on a coalition of 9 row\(s\): ZeroDivisionError: nine is"
    )
    with pytest.raises(RuntimeError, match=expected):
        valuator.fit(X, y, X_val=X_val, y_val=y_val)
    assert not hasattr(valuator, "data_values_")


def test_too_small_coalitions_for_an_estimator_raise_with_advice():
    X, y, X_val, y_val = problem(20)
    valuator = DataShapley(KNeighborsClassifier(7), random_state=0)
    with pytest.raises(RuntimeError, match="raise min_coalition_size"):
        valuator.fit(X, y, X_val=X_val, y_val=y_val)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"max_evaluations": 30, "sampler": "permutation"},
            "max_evaluations=30 is too small.* at least 72",
        ),
        ({"min_coalition_size": 40}, "min_coalition_size=40 leaves no coalition"),
        ({"sampler": "msr"}, "'sampler' parameter of DataShapley"),
        ({"scoring": "no_such"}, "'scoring' parameter of DataShapley"),
        ({"scoring": accuracy_score}, "scoring"),
        ({"cv": 40}, "cv=40 folds of 40 rows"),
        ({"checkpoint": "no/such/folder/file"}, "there is no folder no/such/folder"),
    ],
)
def test_bad_parameters_raise_before_any_fit(parameters, message):
    X, y, X_val, y_val = problem()
    valuator = DataShapley(Fragile(), **parameters)
    held_out = {} if "cv" in parameters else {"X_val": X_val, "y_val": y_val}
    with pytest.raises(ValueError, match=message):
        valuator.fit(X, y, **held_out)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (lambda sizes, n: 2.0 * np.ones(n), "averages to 2"),
        (lambda sizes, n: np.ones(3), "shape"),
        (lambda sizes, n: np.where(sizes == 0, n + 1.0, -1 / (n - 1)), "negative"),
        (lambda sizes, n: np.where(sizes == 0, n, 0.0), "zero for every coalition"),
    ],
)
def test_weights_that_are_none_raise(weight, message):
    X, y, X_val, y_val = problem(20)
    with pytest.raises(ValueError, match=message):
        Semivalue(weight, CentroidClassifier()).fit(X, y, X_val=X_val, y_val=y_val)


def test_rows_that_no_coalition_tells_apart_raise():
    X, y, X_val, y_val = problem()
    valuator = SubsampleInfluence(
        CentroidClassifier(), max_evaluations=2, random_state=0
    )
    with pytest.raises(ValueError, match=r"row\(s\), .* raise max_evaluations"):
        valuator.fit(X, y, X_val=X_val, y_val=y_val)


def test_folds_that_never_train_on_a_row_raise():
    X, y, *_ = problem(20)
    folds = [(np.arange(10), np.arange(10, 20))]
    with pytest.raises(ValueError, match="never trains on row 10"):
        LeaveOneOut(CentroidClassifier(), cv=folds).fit(X, y)


def test_folds_are_those_of_a_splitter():
    X, y, *_ = problem(20)
    valuator = LeaveOneOut(CentroidClassifier(), cv=KFold(2)).fit(X, y)
    half = np.arange(10)
    second = LeaveOneOut(CentroidClassifier()).fit(
        X[half], y[half], X_val=X[half + 10], y_val=y[half + 10]
    )
    assert_array_equal(valuator.data_values_[:10], second.data_values_)


def test_classes_of_fewer_rows_than_folds_are_valued():
    X, y, *_ = problem(30)
    y[:2] = 5
    valuator = DataBanzhaf(CentroidClassifier(), max_evaluations=300, random_state=0)
    assert np.isfinite(valuator.fit(X, y).data_values_).all()
