"""
Spread a valuation over a cluster
=================================

Every contribution is a computation of its own, so coalitions can be spread over any
number of machines. skvalue uses joblib, so the same call runs on a dask cluster inside
``joblib.parallel_config(backend="dask")``, and gives bitwise the same values: each unit
of work has its own seed, and the results are added up in order.

This script runs as it is:

.. code-block:: sh

    pip install "dask[distributed]"
    python examples/cluster_dask.py [ADDRESS]

Without ADDRESS, two worker processes on this machine stand in for a cluster. For a real
one, start a scheduler and workers where skvalue is installed, in the same versions:

.. code-block:: sh

    dask scheduler                               # prints tcp://SCHEDULER:8786
    dask worker tcp://SCHEDULER:8786 --nworkers auto --nthreads 1

On a batch system use ``dask_jobqueue.SLURMCluster``, on Kubernetes
``dask_kubernetes``, and give ``tcp://SCHEDULER:8786`` as ADDRESS. One thread a worker
is right: skvalue uses one thread a task.
"""

# sphinx_gallery_thumbnail_path = "_static/cluster.svg"
import sys
import tempfile
import time
from pathlib import Path

import joblib
import numpy as np
from distributed import Client, LocalCluster
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier

from skvalue import DataBanzhaf

X, y = make_classification(300, 8, random_state=0)


def make_valuator(folder):
    """Values of rows to a random forest: any estimator will do.

    A cluster's jobs end when their time is up, so the run keeps a checkpoint; started
    again, it goes on from there.
    """
    return DataBanzhaf(
        RandomForestClassifier(5, random_state=0),
        max_evaluations=160,
        random_state=0,
        checkpoint=Path(folder) / "values.ckpt",
    )


def timed(valuator, where):
    """Fit and say how long it took."""
    start = time.perf_counter()
    values = valuator.fit(X, y).data_values_
    print(f"{where:<12}{time.perf_counter() - start:6.1f} s")
    return values


if __name__ == "__main__":
    cluster = None
    if len(sys.argv) > 1:
        client = Client(sys.argv[1])
    else:
        cluster = LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        )
        client = Client(cluster)
    with tempfile.TemporaryDirectory() as folder:
        with joblib.parallel_config(backend="dask"):
            there = timed(make_valuator(folder), "the cluster")
        client.close()
    with tempfile.TemporaryDirectory() as folder:
        here = timed(make_valuator(folder), "this process")
    print("bitwise the same values:", np.array_equal(here, there))
    if cluster is not None:
        cluster.close()
