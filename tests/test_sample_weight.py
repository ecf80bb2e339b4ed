"""Weights of rows: whole numbers are repeats where a method's definition says so."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import skvalue
from skvalue.utils._sample_weight import weight_names

EXACT = LogisticRegression(tol=1e-12, max_iter=10_000)


class Problem:
    """Rows with whole numbers as weights, and the same with repeated rows."""

    def __init__(self, n_classes, n_samples=60):
        if n_classes:
            X, y = make_classification(
                n_samples + 30,
                5,
                n_informative=4,
                n_redundant=0,
                n_classes=n_classes,
                flip_y=0.1,
                random_state=0,
            )
        else:
            X, y = make_regression(n_samples + 30, 5, noise=20.0, random_state=0)
        rng = np.random.default_rng(0)
        self.X, self.y = X[:n_samples], y[:n_samples]
        self.held_out = {"X_val": X[n_samples:], "y_val": y[n_samples:]}
        self.weights = rng.integers(4, size=n_samples)
        self.rows = np.repeat(np.arange(n_samples), self.weights)
        self.fold = rng.integers(3, size=n_samples)
        self.groups = np.arange(n_samples) % 6

    def weighted(self, valuator, **given):
        return valuator.fit(self.X, self.y, sample_weight=self.weights, **given)

    def repeated(self, valuator, **given):
        return valuator.fit(self.X[self.rows], self.y[self.rows], **given)

    def summed(self, values):
        """Sums of the repeats' values."""
        return np.bincount(self.rows, values, len(self.y))


PROBLEMS = {n_classes: Problem(n_classes) for n_classes in (0, 2, 3)}


# ------------------------------------------------------------------ weights are repeats


@pytest.mark.parametrize(
    ("model", "n_classes"),
    [
        (EXACT, 2),
        (EXACT, 3),
        (LogisticRegression(tol=1e-12, max_iter=10_000, class_weight="balanced"), 2),
        (RidgeClassifier(), 2),
        (RidgeClassifier(class_weight={0: 1, 1: 3}), 2),
        (Ridge(), 0),
        (Ridge(fit_intercept=False), 0),
    ],
    ids=str,
)
@pytest.mark.parametrize("solver", ["exact", "cg"])
def test_influence_is_that_of_all_repeats(model, n_classes, solver):
    problem = PROBLEMS[n_classes]
    valuator = skvalue.InfluenceFunction(model, solver=solver, random_state=0)
    repeated = problem.repeated(valuator, **problem.held_out).data_values_
    weighted = problem.weighted(valuator, **problem.held_out).data_values_
    tolerance = {"rtol": 1e-5, "atol": 1e-6 * np.abs(weighted).max()}
    assert_allclose(weighted, problem.summed(repeated), **tolerance)
    # A new row weighs one.
    once = problem.weights == 1
    new = valuator.predict_values(problem.X[once], problem.y[once])
    assert_allclose(new, weighted[once], **tolerance)


def test_cross_fitted_influence_is_that_of_all_repeats():
    problem = PROBLEMS[2]
    valuator = skvalue.InfluenceFunction(EXACT, cv=PredefinedSplit(problem.fold))
    weighted = problem.weighted(valuator).data_values_
    valuator.set_params(cv=PredefinedSplit(problem.fold[problem.rows]))
    repeated = problem.repeated(valuator).data_values_
    assert_allclose(weighted, problem.summed(repeated), rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize(
    ("model", "n_classes"), [(None, 2), (GaussianNB(), 3), (None, 0)], ids=str
)
def test_a_weighted_row_has_the_confidence_of_its_repeats(model, n_classes):
    problem = PROBLEMS[n_classes]
    valuator = skvalue.SelfConfidence(
        model, scoring="proba", cv=PredefinedSplit(problem.fold)
    )
    weighted = problem.weighted(valuator).data_values_
    valuator.set_params(cv=PredefinedSplit(problem.fold[problem.rows]))
    repeated = problem.repeated(valuator).data_values_
    assert_allclose(weighted[problem.rows], repeated, rtol=1e-3)


@pytest.mark.parametrize(
    ("model", "scoring", "n_classes"),
    [
        (EXACT, None, 2),
        (GaussianNB(), "neg_log_loss", 3),
        (DecisionTreeClassifier(max_depth=2, random_state=0), "accuracy", 2),
        (make_pipeline(StandardScaler(), EXACT), None, 2),
        (RidgeClassifier(), None, 2),
        (Ridge(), None, 0),
        (Ridge(), "neg_mean_squared_error", 0),
    ],
    ids=str,
)
@pytest.mark.parametrize("cross_fitted", [False, True])
def test_coalitions_of_weighted_rows_are_those_of_repeats(
    model, scoring, n_classes, cross_fitted
):
    problem = PROBLEMS[n_classes]
    valuator = skvalue.DataShapley(
        model, unit="groups", scoring=scoring, cv=PredefinedSplit(problem.fold)
    )
    given = {} if cross_fitted else problem.held_out
    weighted = problem.weighted(valuator, groups=problem.groups, **given)
    weighted = weighted.group_values_
    valuator.set_params(cv=PredefinedSplit(problem.fold[problem.rows]))
    groups = problem.groups[problem.rows]
    repeated = problem.repeated(valuator, groups=groups, **given).group_values_
    # The engine solves repeats further than a refit solves weights.
    assert_allclose(weighted, repeated, rtol=0, atol=2e-6 * max(1, np.ptp(repeated)))


@pytest.mark.parametrize("n_classes", [0, 2])
def test_leaving_out_a_weighted_row_leaves_out_its_repeats(n_classes):
    problem = PROBLEMS[n_classes]
    valuator = skvalue.LeaveOneOut(EXACT if n_classes else Ridge())
    weighted = problem.weighted(valuator, **problem.held_out).data_values_
    valuator.set_params(unit="groups")
    repeated = problem.repeated(valuator, groups=problem.rows, **problem.held_out)
    given = problem.weights > 0
    assert_allclose(weighted[given], repeated.group_values_, atol=1e-7)
    assert_array_equal(weighted[~given], 0)


@pytest.mark.parametrize("n_classes", [0, 2, 3])
@pytest.mark.parametrize("reweight", [False, True])
def test_a_step_of_nddv_on_weighted_rows_is_that_on_repeats(n_classes, reweight):
    """All rows in a batch, without noise: the gradients are the same."""
    problem = PROBLEMS[n_classes]
    settings = {
        "diffusion": 0.0,
        "max_epochs": 3,
        "n_members": 2,
        "utility": "cost",
        "reweight": reweight,
        "random_state": 0,
        "drop": 0.0,
    }
    given = problem.held_out if reweight else {}
    weighted = skvalue.NDDVValuator(batch_size=len(problem.y), **settings)
    repeated = skvalue.NDDVValuator(batch_size=len(problem.rows), **settings)
    weighted = problem.weighted(weighted, **given)
    repeated = problem.repeated(repeated, **given)
    if not reweight:
        tolerance = {"rtol": 1e-4, "atol": 1e-5}
        assert_allclose(
            weighted.utilities_[problem.rows], repeated.utilities_, **tolerance
        )
        ours, theirs = (v.net_.module_.parameters() for v in (weighted, repeated))
        for mine, other in zip(ours, theirs, strict=True):
            assert_allclose(mine.detach(), other.detach(), **tolerance)
    mean = np.average(weighted.utilities_, weights=problem.weights)
    centred = (weighted.utilities_ - mean) * len(problem.y) / (len(problem.y) - 1)
    assert_allclose(weighted.data_values_, centred)
    plain = skvalue.NDDVValuator(batch_size=len(problem.y), **settings)
    plain.fit(problem.X, problem.y, **given)
    assert np.abs(plain.data_values_ - weighted.data_values_).max() > 1e-4


@pytest.mark.parametrize(
    "valuator",
    [
        skvalue.NDDVValuator(n_members=1, max_epochs=2, random_state=0),
        skvalue.DataOOB(n_estimators=60, random_state=0),
        skvalue.SelfConfidence(cv=3, random_state=0),
        skvalue.LeaveOneOut(GaussianNB(), random_state=0),
        skvalue.DVRL(GaussianNB(), max_epochs=3, cv=2, random_state=0),
        skvalue.InfluenceFunction(random_state=0),
    ],
    ids=lambda valuator: type(valuator).__name__,
)
def test_the_scale_of_weights_does_not_matter(valuator):
    """As long as no penalty stands beside the weighted losses."""
    problem = PROBLEMS[2]
    if isinstance(valuator, skvalue.InfluenceFunction):
        valuator.set_params(estimator=RidgeClassifier(alpha=1e-9))
    elif isinstance(valuator, skvalue.SelfConfidence):
        valuator.set_params(estimator=GaussianNB())
    first, second = (
        valuator.fit(problem.X, problem.y, sample_weight=weights).data_values_
        for weights in (problem.weights, problem.weights / 256)
    )
    assert_allclose(first, second, rtol=1e-4, atol=1e-6)


# ---------------------------------------------------------- what else weights stand for


@pytest.mark.parametrize("model", [None, GaussianNB(), Ridge()], ids=str)
def test_the_repeats_of_a_row_are_in_or_out_of_a_bag_together(model):
    problem = PROBLEMS[0 if isinstance(model, Ridge) else 2]
    valuator = skvalue.DataOOB(model, n_estimators=40, random_state=0)
    plain = valuator.fit(problem.X, problem.y)
    counts, values = plain.oob_counts_, plain.data_values_
    ones = valuator.fit(problem.X, problem.y, sample_weight=np.ones(len(problem.y)))
    assert_array_equal(ones.oob_counts_, counts)
    assert_allclose(ones.data_values_, values)
    weighted = problem.weighted(valuator)
    assert_array_equal(weighted.oob_counts_, counts)
    assert (weighted.data_values_ != values).any()


def test_out_of_bag_values_of_a_bag_are_those_of_a_weighted_fit():
    problem = PROBLEMS[2]
    from skvalue.utils._bags import score_block

    bags = skvalue.DataOOB(GaussianNB(), random_state=0).fit(problem.X, problem.y)
    data = problem.X, problem.y, problem.weights.astype(float)
    found = score_block(bags._ensemble(), data, 0, (0, 3), bags._score())
    ensemble = bags._ensemble().set_params(n_estimators=3, random_state=0)
    ensemble.fit(problem.X, problem.y)
    for (rows, _, likelihood), drawn in zip(
        found, ensemble.estimators_samples_, strict=True
    ):
        again = np.concatenate([np.repeat(row, problem.weights[row]) for row in drawn])
        model = GaussianNB().fit(problem.X[again], problem.y[again])
        own = model.predict_proba(problem.X[rows])
        assert_allclose(likelihood, own)
        assert not set(rows) & set(drawn)


def test_data_oob_continues_on_the_same_weights_only():
    problem = PROBLEMS[2]
    whole = problem.weighted(skvalue.DataOOB(n_estimators=80, random_state=0))
    valuator = skvalue.DataOOB(n_estimators=40, warm_start=True, random_state=0)
    problem.weighted(valuator).set_params(n_estimators=80)
    assert_array_equal(problem.weighted(valuator).data_values_, whole.data_values_)
    with pytest.raises(ValueError, match="sample_weight, X or y differ"):
        valuator.fit(problem.X, problem.y)


def test_weights_reach_the_detector():
    problem = PROBLEMS[2]
    forest = IsolationForest(n_estimators=20, random_state=0)
    valuator = problem.weighted(skvalue.OutlierValuator(forest))
    rows = np.flatnonzero(problem.weights)
    expected = forest.fit(problem.X[rows], sample_weight=problem.weights[rows])
    assert_array_equal(valuator.data_values_, expected.score_samples(problem.X))


def test_rewards_of_dvrl_are_weighted():
    from skvalue.utils._folds import Split
    from skvalue.utils._selections import held_out_score

    rng = np.random.default_rng(0)
    for n_classes in [0, 2]:
        problem = PROBLEMS[n_classes]
        X, y, rows = problem.X, problem.y, problem.rows
        model = GaussianNB() if n_classes else Ridge()
        X_val, y_val = problem.held_out.values()
        held_out = rng.integers(3, size=len(y_val))
        weighted = Split(slice(None), X_val, y_val, 0, None, problem.weights, held_out)
        again = np.repeat(np.arange(len(y_val)), held_out)
        repeated = Split(slice(None), X_val[again], y_val[again], 0)
        selected = np.arange(len(y))[::2]
        places = np.flatnonzero(np.isin(rows, selected))
        assert_allclose(
            held_out_score(model, X, y, selected, weighted, n_classes or None),
            held_out_score(
                model, X[rows], y[rows], places, repeated, n_classes or None
            ),
        )


def test_the_losses_of_amortization_are_weighted():
    import torch

    from skvalue._torch.amortized.amortizer import LabelError, OwnClassError
    from skvalue.amortized._statistics import InfluenceColumns

    problem = PROBLEMS[3]
    outputs = torch.tensor(problem.X[:, :3])
    weights = problem.weights / problem.weights.mean()
    target = np.column_stack([problem.y, problem.X[:, 4]])
    again = torch.tensor(target[problem.rows])
    weighted = torch.tensor(np.column_stack([target, weights]))
    for loss in [LabelError(), OwnClassError()]:
        torch.testing.assert_close(
            loss(outputs, weighted), loss(outputs[problem.rows], again)
        )
    X, y, rows = problem.X, problem.y, problem.rows
    columns = InfluenceColumns(X, y, 3, problem.weights).transform(X, y)
    repeated = InfluenceColumns(X[rows], y[rows], 3).transform(X, y)
    assert_allclose(columns, repeated, atol=1e-3)


def test_amortized_values_of_weighted_rows():
    problem = PROBLEMS[2]
    # A walk gives a row that changes nothing exactly 0; a regression does on average.
    source = skvalue.DataShapley(
        GaussianNB(), sampler="permutation", max_evaluations=1000, tol=None
    )
    valuator = skvalue.AmortizedShapley(source, max_epochs=(2,), random_state=0)
    problem.weighted(valuator, **problem.held_out)
    first = problem.weighted(valuator.valuator_, **problem.held_out)
    assert_array_equal(first.data_values_, valuator.valuator_.data_values_)
    # A row without weight adds nothing.
    nothing = problem.weights == 0
    assert_array_equal(first.data_values_[nothing], 0)
    assert np.abs(valuator.data_values_[~nothing]).min() > 0


def test_distributional_values_of_weighted_rows():
    problem = PROBLEMS[2]
    valuator = skvalue.DistributionalShapley(
        GaussianNB(),
        min_coalition_size=20,
        max_coalition_size=40,
        max_evaluations=300,
        random_state=0,
    )
    problem.weighted(valuator, **problem.held_out)
    once, nothing = problem.weights == 1, problem.weights == 0
    assert_array_equal(valuator.data_values_[nothing], 0)
    new = valuator.predict_values(problem.X[once], problem.y[once])
    assert_allclose(new, valuator.data_values_[once])


def test_a_checkpoint_knows_its_weights(tmp_path):
    problem = PROBLEMS[2]
    valuator = skvalue.DataBanzhaf(
        GaussianNB(),
        max_evaluations=40,
        checkpoint=tmp_path / "values.ckpt",
        random_state=0,
    )
    problem.weighted(valuator)
    problem.weighted(valuator.set_params(max_evaluations=80))
    with pytest.raises(ValueError, match="another run: sample_weight differ"):
        valuator.fit(problem.X, problem.y, sample_weight=problem.weights + 1)


# ------------------------------------------------------------- what cannot take weights

KNN = KNeighborsClassifier()


@pytest.mark.parametrize(
    ("valuator", "name"),
    [
        (skvalue.DataShapley(KNN), "estimator=KNeighborsClassifier"),
        (skvalue.LeaveOneOut(KNN), "estimator=KNeighborsClassifier"),
        (skvalue.AME(make_pipeline(StandardScaler(), KNN)), "estimator=Pipeline"),
        (skvalue.DistributionalShapley(KNN), "estimator=KNeighborsClassifier"),
        (skvalue.DataOOB(KNN), "estimator=KNeighborsClassifier"),
        (skvalue.SelfConfidence(KNN), "estimator=KNeighborsClassifier"),
        (skvalue.DVRL(KNN), "estimator=KNeighborsClassifier"),
        (skvalue.OutlierValuator(LocalOutlierFactor()), "detector=LocalOutlierFactor"),
        (
            skvalue.AmortizedShapley(regressor=make_pipeline(KNN)),
            "regressor=Pipeline",
        ),
        (skvalue.AmortizedShapley(skvalue.DataShapley(KNN)), "KNeighborsClassifier"),
        (
            skvalue.ConsensusValuator(
                [("far", skvalue.SelfConfidence()), ("near", skvalue.KNNShapley())]
            ),
            "member 'near', KNNShapley",
        ),
        (skvalue.KNNShapley(), "KNNShapley cannot use sample_weight"),
        (skvalue.LAVA(), "LAVA cannot use sample_weight"),
        (skvalue.KAIROS(), "KAIROS cannot use sample_weight"),
        (skvalue.FeatureConfidence(), "FeatureConfidence cannot use sample_weight"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_what_cannot_take_weights_is_named(valuator, name):
    from sklearn.utils.validation import has_fit_parameter

    assert not has_fit_parameter(valuator, "sample_weight")
    with pytest.raises(ValueError, match=name) as caught:
        PROBLEMS[2].weighted(valuator)
    assert "sample_weight" in str(caught.value)


def test_networks_of_influence_take_no_weights():
    import torch

    problem = PROBLEMS[2]
    valuator = skvalue.InfluenceFunction(torch.nn.Linear(5, 2))
    with pytest.raises(ValueError, match="estimator=Linear: sample_weight"):
        problem.weighted(valuator, **problem.held_out)


def test_a_scorer_without_weights_is_refused_where_held_out_rows_have_them():
    problem = PROBLEMS[2]

    def score(y_true, y_pred):
        return np.mean(y_true == y_pred)

    valuator = skvalue.LeaveOneOut(GaussianNB(), scoring=make_scorer(score))
    with pytest.raises(ValueError, match="sample_weight needs a scoring"):
        problem.weighted(valuator)
    problem.weighted(valuator, **problem.held_out)

    def weighted(model, X, y, sample_weight=None):
        return model.score(X, y, sample_weight)

    valuator = skvalue.LeaveOneOut(GaussianNB(), scoring=weighted)
    by_name = skvalue.LeaveOneOut(GaussianNB(), scoring="accuracy")
    for each in (valuator, by_name):
        each.set_params(random_state=0)
        problem.weighted(each)
    assert_array_equal(valuator.data_values_, by_name.data_values_)


def test_names_of_weights():
    pipeline = make_pipeline(StandardScaler(), GaussianNB())
    names = ["standardscaler__sample_weight", "gaussiannb__sample_weight"]
    assert weight_names(GaussianNB()) == ["sample_weight"]
    assert weight_names(pipeline) == names
    nested = [f"pipeline__{name}" for name in names]
    assert weight_names(make_pipeline(pipeline)) == nested
    search = GridSearchCV(GaussianNB(), {})
    for without in [KNN, make_pipeline(StandardScaler(), KNN), search]:
        assert weight_names(without) == []
    with config_context(enable_metadata_routing=True):
        asking = GaussianNB().set_fit_request(sample_weight=True)
        assert weight_names(GridSearchCV(asking, {})) == ["sample_weight"]
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        assert weight_names(make_pipeline(scaler, asking)) == ["sample_weight"]
        assert weight_names(make_pipeline(scaler, KNN)) == []
