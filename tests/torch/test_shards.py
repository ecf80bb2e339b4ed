"""Steps of NDDV in shards: the whole batch's gradient, whoever takes the shards."""

import threading

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.datasets import make_blobs, make_regression
from skorch.callbacks import Callback

from skvalue import NDDVValuator
from skvalue._torch.nddv import net as nddv_net
from skvalue._torch.nddv.shards import Shards, add_in_order, count_shards

X, Y = make_blobs(240, n_features=6, centers=3, random_state=0)
X_VAL, Y_VAL = X[200:], Y[200:]
X, Y = X[:200], Y[:200]
TARGETS = make_regression(200, 6, random_state=0)[1]
CASES = {
    "classes": ({}, Y, {}),
    "one member": ({"n_members": 1, "utility": "state"}, Y, {}),
    "targets": ({}, TARGETS, {}),
    "running cost": ({"control_penalty": 0.1}, Y, {}),
    "weights": ({}, Y, {"sample_weight": 0.5 + np.arange(200) % 3}),
    "clean rows": (
        {"control_penalty": 0.1, "meta_interval": 2},
        Y,
        {"X_val": X_VAL, "y_val": Y_VAL},
    ),
}


def fit(name, n_shards, monkeypatch, **parameters):
    own, y, given = CASES[name]
    monkeypatch.setattr(nddv_net, "count_shards", lambda *shape: n_shards)
    settings = {"n_members": 2, "max_epochs": 3, "batch_size": 64, "random_state": 0}
    return NDDVValuator(**settings | own | parameters).fit(X, y, **given)


@pytest.mark.parametrize("name", CASES)
def test_same_values_for_any_n_jobs(name, monkeypatch):
    alone = fit(name, 3, monkeypatch)
    for n_jobs in (2, 4):
        together = fit(name, 3, monkeypatch, n_jobs=n_jobs)
        assert_array_equal(together.data_values_, alone.data_values_)
        for ours, theirs in zip(
            together.net_.module_.parameters(),
            alone.net_.module_.parameters(),
            strict=True,
        ):
            assert torch.equal(ours, theirs)


@pytest.mark.parametrize("name", CASES)
def test_shards_add_up_to_the_step_of_the_whole_batch(name, monkeypatch):
    """Without noise only the order of sums differs."""
    whole = fit(name, 1, monkeypatch, diffusion=0.0)
    for n_shards in (2, 5):
        parts = fit(name, n_shards, monkeypatch, diffusion=0.0)
        spread = whole.data_values_.std()
        gap = np.abs(parts.data_values_ - whole.data_values_).max() / spread
        assert gap < 1e-3
        mean_fields = [fitted.net_.module_.mean_field for fitted in (parts, whole)]
        torch.testing.assert_close(*mean_fields, rtol=1e-3, atol=1e-4)
        assert parts.history_[-1, "train_loss"] == pytest.approx(
            whole.history_[-1, "train_loss"], rel=1e-4
        )


def test_noise_of_shards_is_noise_of_the_same_strength():
    shards = Shards(4, None, seed=3)
    states = torch.zeros(2, 500, 7)
    draws = torch.stack(
        [memory.noise(0, states, 0.5).clone() for memory in shards.memories]
    )
    # 7000 draws a shard: 5 standard errors of a standard deviation are 4.2 %.
    for each in draws:
        assert each.std().item() == pytest.approx(0.5, rel=0.042)
    correlations = np.corrcoef(draws.reshape(4, -1).numpy())
    assert np.abs(correlations - np.eye(4)).max() < 5 / np.sqrt(7000)
    again = Shards(4, None, seed=3).memories[2].noise(0, states, 0.5)
    assert torch.equal(again, draws[2])
    assert not memory_of(shards, 2, states).any()


def memory_of(shards, shard, states):
    """What evaluation without noise takes from the memory that noise was in."""
    return shards.memories[shard].noise(0, states, 0)


@pytest.mark.parametrize(
    ("shape", "n_shards"),
    [
        ((5, 56, 64), 1),  # digits
        ((5, 1000, 14), 1),  # adult
        ((1, 1000, 50), 1),
        ((5, 32, 5000), 1),
        ((1, 1000, 500), 2),
        ((5, 1000, 500), 4),
        ((5, 10_000, 500), 8),
    ],
)
def test_only_large_batches_are_cut(shape, n_shards):
    assert count_shards(*shape) == n_shards


def test_sums_are_taken_in_the_order_of_the_shards():
    parts = [[torch.tensor([1e8])], [torch.tensor([1.0])], [torch.tensor([-1e8])]]
    # Single precision loses the one where it is added first.
    assert add_in_order(parts)[0].item() == 0.0


def test_threads_and_their_counts_are_as_before(monkeypatch):
    torch.set_num_threads(2)
    try:
        before = threading.active_count()
        fit("classes", 3, monkeypatch, n_jobs=3)
        assert threading.active_count() == before
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


class Interrupt(Callback):
    def on_epoch_end(self, net, **kwargs):
        raise RuntimeError("stop here")


def test_no_thread_survives_a_failing_training(monkeypatch):
    before = threading.active_count()
    with pytest.raises(RuntimeError, match="stop here"):
        fit("classes", 3, monkeypatch, n_jobs=3, callbacks=[Interrupt()])
    assert threading.active_count() == before


def test_a_module_of_the_user_stays_whole(monkeypatch):
    """Dropout draws from the global state, which threads would share."""
    batches = []

    class Control(torch.nn.Module):
        def __init__(self, n_features):
            super().__init__()
            self.linear = torch.nn.Linear(n_features, n_features)

        def forward(self, states):
            batches.append(len(states))
            return torch.nn.functional.dropout(self.linear(states), 0.1, self.training)

    values = [
        fit("classes", 3, monkeypatch, n_jobs=n_jobs, module=Control).data_values_
        for n_jobs in (1, 3)
    ]
    assert_array_equal(*values)
    # 200 rows in batches of 50, and the two rows that the module is tried on.
    assert set(batches) == {50, 2}
