"""One context for threads: nested, concurrent, and gone without a trace."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from sklearn.datasets import make_classification
from threadpoolctl import threadpool_info

from skvalue import DVRL, DataShapley
from skvalue.utils._threads import one_thread

X, Y = make_classification(80, 5, random_state=0)


def counts():
    return torch.get_num_threads(), [info["num_threads"] for info in threadpool_info()]


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_counts_come_back_after_nesting_and_errors(two_threads):
    before = counts()
    with one_thread():
        with one_thread():
            assert counts() == (1, [1] * len(before[1]))
        assert counts() == (1, [1] * len(before[1]))
    assert counts() == before
    with pytest.raises(KeyError), one_thread():
        raise KeyError
    assert counts() == before


def test_concurrent_users_stay_limited_and_the_last_one_restores(two_threads):
    before = counts()
    inside, leave = threading.Barrier(5), threading.Event()
    seen = []

    def use():
        own = torch.get_num_threads()
        with one_thread():
            inside.wait()
            leave.wait()
            seen.append(torch.get_num_threads())
        seen.append(torch.get_num_threads() == own)

    users = [threading.Thread(target=use) for _ in range(4)]
    for user in users:
        user.start()
    inside.wait()
    blas = [i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas"]
    assert set(blas) == {1}
    leave.set()
    for user in users:
        user.join()
    assert sorted(map(int, seen)) == [1] * 8
    assert counts() == before


def test_concurrent_fits_give_the_same_values_and_leave_the_counts(two_threads):
    before = counts()
    expected = DataShapley(max_evaluations=40, random_state=0).fit(X, Y).data_values_
    found = [None] * 4

    def fit(place):
        valuator = DataShapley(max_evaluations=40, random_state=0)
        found[place] = valuator.fit(X, Y).data_values_

    workers = [threading.Thread(target=fit, args=(place,)) for place in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for values in found:
        np.testing.assert_array_equal(values, expected)
    assert counts() == before


FORKED = """
import os, sys
from sklearn.datasets import make_classification
from skvalue import DVRL
X, y = make_classification(600, 40, random_state=0)
valuator = DVRL(max_epochs=2, hidden_dim=200, cv=2, random_state=0)
expected = valuator.fit(X, y).data_values_
child = os.fork()
if not child:
    same = (valuator.fit(X, y).data_values_ == expected).all()
    os._exit(0 if same else 3)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_fit_in_a_forked_child_ends_after_a_fit_in_the_parent():
    # Two threads, where there are two cores: with one there is no pool to lose.
    env = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    done = subprocess.run([sys.executable, "-c", FORKED], env=env, timeout=100)
    assert done.returncode == 0


def test_values_do_not_depend_on_torchs_threads(two_threads):
    two = DVRL(max_epochs=2, cv=2, random_state=0).fit(X, Y).data_values_
    torch.set_num_threads(1)
    one = DVRL(max_epochs=2, cv=2, random_state=0).fit(X, Y).data_values_
    np.testing.assert_array_equal(one, two)
