"""Bitwise the same values on any number of workers, here or on a cluster."""

import joblib
import pytest
from coalition_oracles import CentroidClassifier
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier

from skvalue.semivalues import DataBanzhaf, DataShapley, LeaveOneOut

X, Y = make_classification(36, 4, random_state=0)
FOREST = RandomForestClassifier(1, max_depth=2, random_state=3)

VALUATORS = {
    "walks of forests": DataShapley(FOREST, cv=2, max_evaluations=112),
    "regression on forests": DataShapley(
        FOREST, sampler="regression", cv=2, max_evaluations=112
    ),
    "leave a forest out": LeaveOneOut(FOREST, cv=2),
    "engine, shared": DataShapley(cv=2, max_evaluations=300, tol=None),
    "engine, walks": DataShapley(
        cv=2, sampler="permutation", max_evaluations=6000, tol=None
    ),
    "engine, scores": DataBanzhaf(cv=2, sampler="msr", max_evaluations=900, tol=None),
}


def values_of(name, **parameters):
    valuator = clone(VALUATORS[name]).set_params(random_state=0, **parameters)
    return valuator.fit(X, Y).data_values_


@pytest.fixture(scope="module")
def expected():
    return {name: values_of(name) for name in VALUATORS}


@pytest.mark.parametrize("n_jobs", [2, 4])
def test_same_values_for_any_n_jobs(n_jobs, expected):
    for name in VALUATORS:
        assert_array_equal(values_of(name, n_jobs=n_jobs), expected[name])


@pytest.mark.parametrize("sampler", ["permutation", "regression"])
@pytest.mark.parametrize("n_jobs", [1, 3])
def test_precision_stops_at_the_same_evaluation(n_jobs, sampler):
    valuator = DataShapley(
        CentroidClassifier(), cv=2, max_evaluations=5000, tol=2.0, random_state=0
    ).set_params(n_jobs=n_jobs, sampler=sampler)
    with joblib.parallel_config(backend="threading"):
        valuator.fit(X, Y)
    alone = clone(valuator).set_params(n_jobs=None).fit(X, Y)
    assert valuator.n_evaluations_ == alone.n_evaluations_ < 5000
    assert_array_equal(valuator.data_values_, alone.data_values_)


@pytest.fixture(scope="module")
def dask_client():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, processes=True, threads_per_worker=1, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_same_values_on_a_dask_cluster_of_processes(dask_client, expected):
    assert len(dask_client.scheduler_info()["workers"]) == 2
    with joblib.parallel_config(backend="dask"):
        for name in VALUATORS:
            assert_array_equal(values_of(name), expected[name])
