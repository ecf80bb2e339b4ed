"""NDDVValuator as its user sees it."""

import os
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits, make_blobs, make_classification
from sklearn.metrics import roc_auc_score
from skorch.callbacks import Callback, EarlyStopping

from skvalue import NDDVValuator
from skvalue._torch.nddv.net import NDDVNet
from skvalue.datasets import make_label_noise, make_two_planes, two_planes_posterior
from skvalue.metrics import detection
from skvalue.utils import _chunks


def make_noisy(n_samples=200, n_classes=2, seed=0):
    X, y = make_blobs(
        n_samples, n_features=4, centers=n_classes, cluster_std=1.0, random_state=seed
    )
    y_noisy, is_flipped = make_label_noise(y, 0.1, random_state=seed)
    return X, y_noisy, is_flipped


def quick(**settings):
    return NDDVValuator(
        **({"n_members": 2, "max_epochs": 4, "random_state": 0} | settings)
    )


# ------------------------------------------------------------------------- values


def test_value_is_the_utility_above_the_mean_of_the_others():
    X, y, _ = make_noisy()
    valuator = quick().fit(X, y)
    utilities = valuator.utilities_
    others = (utilities.sum() - utilities) / (len(y) - 1)
    np.testing.assert_allclose(valuator.data_values_, utilities - others, atol=1e-12)
    assert valuator.data_values_.sum() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("utility", ["state", "cost"])
def test_wrong_labels_have_low_values(n_classes, utility):
    X, y, is_flipped = make_noisy(n_classes=n_classes)
    valuator = quick(utility=utility, max_epochs=8).fit(X, y)
    assert roc_auc_score(is_flipped, -valuator.data_values_) > 0.9
    assert valuator.label_probabilities_[~is_flipped].mean() > 0.6
    assert (
        (valuator.label_probabilities_ >= 0) & (valuator.label_probabilities_ <= 1)
    ).all()


def test_auto_utility_is_cost_for_classes_and_state_for_real_targets():
    regression = make_two_planes(100, regression=True, random_state=0)
    for (X, y), utility in [
        (make_noisy(n_classes=2)[:2], "cost"),
        (make_noisy(n_classes=3)[:2], "cost"),
        (regression, "state"),
    ]:
        np.testing.assert_array_equal(
            quick().fit(X, y).data_values_,
            quick(utility=utility).fit(X, y).data_values_,
        )


def test_recorded_values_are_the_mean_of_the_epochs():
    X, y, _ = make_noisy()
    valuator = quick(record_trajectories=True).fit(X, y)
    assert valuator.value_trajectories_.shape == (4, len(y))
    np.testing.assert_allclose(
        valuator.value_trajectories_.mean(axis=0), valuator.data_values_, atol=1e-12
    )


def test_cost_utility_is_minus_the_training_loss():
    X, y, _ = make_noisy(n_classes=3)
    valuator = quick(utility="cost", batch_size=100).fit(X, y)
    losses = [epoch["train_loss"] for epoch in valuator.history_]
    # Batches of one size, so the mean of their means is the mean over the rows.
    assert valuator.utilities_.mean() == pytest.approx(-np.mean(losses), rel=1e-5)


def test_trajectories_start_at_the_rows_and_give_the_state_utility():
    X, y, _ = make_noisy()
    valuator = quick(utility="state", record_trajectories=True, n_members=1).fit(X, y)
    states, adjoints = valuator.state_trajectories_, valuator.adjoint_trajectories_
    assert states.shape == adjoints.shape == (4, len(y), 4)
    standardised = (X - X.mean(axis=0)) / X.std(axis=0)
    np.testing.assert_allclose(states[0], standardised, atol=1e-5)
    # U = X_T . Y_T [Eq. 38], by the network at the end of training.
    np.testing.assert_allclose(
        (states[-1] * adjoints[-1]).sum(axis=1),
        valuator.predict_values(X, y) + valuator.utilities_.mean(),
        atol=1e-4,
    )


# ----------------------------------------------------------------------- regression


def make_regression_noise():
    X, y = make_two_planes(400, regression=True, noise=0.3, random_state=0)
    y_noisy, is_wrong = make_label_noise(y, 0.1, random_state=0)
    return X, y_noisy, is_wrong


def test_regression_finds_targets_of_other_rows():
    X, y, is_wrong = make_regression_noise()
    valuator = quick(max_epochs=15).fit(X, y)
    assert roc_auc_score(is_wrong, -valuator.data_values_) > 0.85
    assert not hasattr(valuator, "label_probabilities_")
    assert not hasattr(valuator, "predict_class_values")
    dropped = ~valuator.get_support()
    assert is_wrong[dropped].mean() > 0.7


def test_regression_values_and_residuals_have_their_units():
    X, y, _ = make_regression_noise()
    valuator = quick().fit(X, y)
    rescaled = quick().fit(X, 100 * y + 7)
    np.testing.assert_allclose(valuator.data_values_, rescaled.data_values_, atol=1e-4)
    np.testing.assert_allclose(
        100 * valuator.residuals_, rescaled.residuals_, rtol=1e-3, atol=1e-2
    )
    np.testing.assert_allclose(
        valuator.utilities_ * y.std(), -valuator.residuals_, rtol=1e-6
    )


def test_task_overrides_what_the_targets_look_like():
    X, y = make_two_planes(200, regression=True, random_state=0)
    counts = np.round(y / 2)
    assert hasattr(quick().fit(X, counts), "classes_")
    valuator = quick(task="regression").fit(X, counts)
    assert not hasattr(valuator, "classes_")
    assert valuator.residuals_.shape == (200,)


def test_refit_on_another_kind_of_target_forgets_the_first():
    X, y, _ = make_noisy()
    valuator = quick().fit(X, y).fit(X, X[:, 0])
    assert not hasattr(valuator, "label_probabilities_")
    valuator.get_support()
    valuator.fit(X, y)
    assert not hasattr(valuator, "residuals_")
    valuator.get_support()


# ------------------------------------------------------------------ the trained net


def test_every_parameter_is_trained_and_only_by_its_own_optimiser():
    X, y, _ = make_noisy()
    X_val, y_val, _ = make_noisy(seed=1)
    for reweight in [False, True]:
        valuator = quick(reweight=reweight, lr=0.05)
        valuator.fit(X, y, X_val=X_val, y_val=y_val)
        net = valuator.net_
        live = {id(p) for p in net.module_.parameters()}
        optimised = {
            id(p) for group in net.optimizer_.param_groups for p in group["params"]
        }
        assert live == optimised
        untrained = quick(reweight=reweight, lr=1e-12)
        untrained.fit(X, y, X_val=X_val, y_val=y_val)
        for trained, start in zip(
            net.module_.parameters(), untrained.net_.module_.parameters(), strict=True
        ):
            assert not torch.allclose(trained, start, atol=1e-4)


def test_meta_network_is_trained():
    X, y, _ = make_noisy()
    X_val, y_val, _ = make_noisy(seed=1)
    weights = [
        quick(meta_lr=lr).fit(X, y, X_val=X_val, y_val=y_val).meta_weights_
        for lr in [1e-12, 0.1]
    ]
    assert not np.allclose(*weights, atol=1e-3)
    for of_rows in weights:
        assert of_rows.shape == (len(y),)
        assert ((of_rows > 0) & (of_rows < 1)).all()


def test_held_out_rows_switch_reweighting_on_and_give_a_validation_loss():
    X, y, _ = make_noisy()
    X_val, y_val, _ = make_noisy(seed=1)
    plain = quick().fit(X, y)
    off = quick(reweight=False).fit(X, y, X_val=X_val, y_val=y_val)
    on = quick().fit(X, y, X_val=X_val, y_val=y_val)
    np.testing.assert_array_equal(plain.data_values_, off.data_values_)
    assert not np.array_equal(on.data_values_, plain.data_values_)
    assert not hasattr(off, "meta_weights_")
    assert "valid_loss" in on.history_[-1]
    assert "valid_loss" not in plain.history_[-1]


def test_values_of_new_rows_do_not_depend_on_chunks(monkeypatch):
    X, y, _ = make_noisy()
    valuator = quick().fit(X, y)
    whole = valuator.predict_values(X, y)
    monkeypatch.setattr(_chunks, "CHUNK_ELEMENTS", 24)
    np.testing.assert_allclose(valuator.predict_values(X, y), whole, atol=1e-5)
    np.testing.assert_allclose(
        valuator.predict_values(X[:1], y[:1]), whole[:1], atol=1e-5
    )


def test_valuation_uses_the_mean_field_of_training():
    X, y, _ = make_noisy()
    valuator = quick().fit(X, y)
    mean_field = valuator.net_.module_.mean_field
    assert mean_field.abs().max() > 1e-3
    before, kept = valuator.predict_values(X, y), mean_field.clone()
    np.testing.assert_array_equal(valuator.predict_values(X, y), before)
    assert torch.equal(mean_field, kept)
    mean_field.zero_()
    assert not np.allclose(valuator.predict_values(X, y), before)


def test_wrong_labels_of_new_rows_have_lower_values():
    X, y, is_flipped = make_noisy(n_classes=3)
    valuator = quick(max_epochs=8).fit(X, y)
    X_new, y_new = X[~is_flipped], y[~is_flipped]
    by_class = valuator.predict_class_values(X_new)
    assert by_class.shape == (len(y_new), 3)
    assert (by_class.argmax(axis=1) == y_new).mean() > 0.95
    np.testing.assert_allclose(
        by_class[np.arange(len(y_new)), y_new],
        valuator.predict_values(X_new, y_new),
        atol=1e-6,
    )


# --------------------------------------------------------- reproducibility, state


def test_values_do_not_depend_on_the_threads_of_the_machine():
    X, y, _ = make_noisy(n_samples=400)
    before = torch.get_num_threads()
    try:
        values = []
        for n_threads in [1, 2]:
            torch.set_num_threads(n_threads)
            values.append(quick(hidden_dim=64).fit(X, y).data_values_)
            assert torch.get_num_threads() == n_threads
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(*values)


@pytest.mark.parametrize("random_state", [0, None])
@pytest.mark.parametrize("module", [None, "custom"])
def test_global_random_states_are_untouched(random_state, module):
    X, y, _ = make_noisy()
    module = make_control if module else None
    np_before, torch_before = np.random.get_state()[1].copy(), torch.get_rng_state()
    valuator = quick(random_state=random_state, module=module).fit(X, y)
    valuator.predict_values(X, y)
    np.testing.assert_array_equal(np.random.get_state()[1], np_before)
    assert torch.equal(torch.get_rng_state(), torch_before)


def test_memory_mapped_rows_are_read_and_never_written(tmp_path):
    X, y, _ = make_noisy()
    mapped = np.memmap(tmp_path / "X", dtype=X.dtype, mode="w+", shape=X.shape)
    mapped[:] = X
    mapped.flush()
    readable = np.memmap(tmp_path / "X", dtype=X.dtype, mode="r", shape=X.shape)
    np.testing.assert_array_equal(
        quick().fit(readable, y).data_values_, quick().fit(X, y).data_values_
    )
    np.testing.assert_array_equal(readable, X)


def test_constant_columns_do_not_matter():
    X, y, _ = make_noisy()
    with_constant = np.column_stack([X, np.full(len(X), 1e6)])
    values = quick().fit(with_constant, y).data_values_
    assert np.isfinite(values).all()


def test_pickle_holds_the_trained_net_but_not_the_rows():
    X, y, _ = make_noisy(n_samples=20_000)
    X_val, y_val, _ = make_noisy(n_samples=20_000, seed=1)
    valuator = quick(max_epochs=1).fit(X, y, X_val=X_val, y_val=y_val)
    dumped = pickle.dumps(valuator)
    of_rows = sum(
        value.nbytes for value in vars(valuator).values() if hasattr(value, "nbytes")
    )
    assert len(dumped) - of_rows < X.astype(np.float32).nbytes
    loaded = pickle.loads(dumped)
    np.testing.assert_array_equal(
        loaded.predict_values(X[:50], y[:50]), valuator.predict_values(X[:50], y[:50])
    )


# ------------------------------------------------------------- skorch's parameters


def make_control(n_features):
    return torch.nn.Sequential(
        torch.nn.Linear(n_features, 8), torch.nn.Tanh(), torch.nn.Linear(8, n_features)
    )


def test_custom_module_is_the_control():
    X, y, is_flipped = make_noisy()
    valuator = quick(module=make_control, max_epochs=8)
    valuator.fit(X, y)
    controls = valuator.net_.module_.controls
    assert [len(control.members) for control in controls] == [2, 2, 2]
    assert roc_auc_score(is_flipped, -valuator.data_values_) > 0.9
    np.testing.assert_array_equal(
        clone(valuator).fit(X, y).data_values_, valuator.data_values_
    )


def test_optimizer_and_net_parameters_reach_the_net():
    X, y, _ = make_noisy()
    valuator = quick(
        optimizer=torch.optim.SGD, net_params={"optimizer__momentum": 0.5}
    ).fit(X, y)
    assert isinstance(valuator.net_.optimizer_, torch.optim.SGD)
    assert valuator.net_.optimizer_.param_groups[0]["momentum"] == 0.5


def test_learning_rate_falls_at_60_and_80_per_cent():
    X, y, _ = make_noisy()
    valuator = quick(max_epochs=10).fit(X, y)
    np.testing.assert_allclose(
        [epoch["event_lr"] for epoch in valuator.history_],
        [0.01] * 6 + [0.001] * 2 + [0.0001] * 2,
    )


def test_early_stopping_ends_training_and_values_are_the_mean_so_far():
    X, y, _ = make_noisy()
    stopping = EarlyStopping("train_loss", patience=2, threshold=0.9, sink=str)
    before = vars(stopping).copy()
    valuator = quick(max_epochs=30, callbacks=[stopping], record_trajectories=True).fit(
        X, y
    )
    assert vars(stopping) == before  # fit works on a copy of the user's callback
    n_epochs = len(valuator.history_)
    assert n_epochs < 30
    assert valuator.value_trajectories_.shape[0] == n_epochs
    np.testing.assert_allclose(
        valuator.value_trajectories_.mean(axis=0), valuator.data_values_, atol=1e-12
    )


class InterruptLoop(Callback):
    """A user's interrupt that arrives between two hooks."""

    def on_epoch_begin(self, net, **kwargs):
        step = net.train_step

        def interrupted(*args, **kwargs):
            if len(net.history) == 2:
                raise KeyboardInterrupt
            return step(*args, **kwargs)

        net.train_step = interrupted


def test_the_users_interrupt_is_passed_on():
    X, y, _ = make_noisy()
    valuator = quick(callbacks=[InterruptLoop()])
    with pytest.raises(KeyboardInterrupt):
        valuator.fit(X, y)
    assert not hasattr(valuator, "data_values_")


# ------------------------------------------------------------------------ real data


def test_digits_with_wrong_labels():
    X, y = load_digits(return_X_y=True)
    X, y = X[:600], y[:600]
    y_noisy, is_flipped = make_label_noise(y, 0.1, random_state=0)
    valuator = NDDVValuator(random_state=0).fit(X, y_noisy)
    figures = detection(valuator.data_values_, is_flipped)
    assert figures["roc_auc"] > 0.98
    dropped = ~valuator.get_support()
    assert is_flipped[dropped].mean() > 0.85
    assert dropped[is_flipped].mean() > 0.7


def test_few_rows_are_dropped_from_clean_data():
    X, y = make_classification(
        600, 10, n_informative=5, class_sep=2.0, flip_y=0, random_state=0
    )
    valuator = NDDVValuator(random_state=0).fit(X, y)
    assert (~valuator.get_support()).mean() <= 0.03


def test_two_planes_file_is_solved_almost_as_well_as_can_be(two_planes_file):
    X, y = two_planes_file
    rows = np.random.default_rng(0).permutation(len(X))[:1000]
    X, y = X[rows], y[rows]
    y_noisy, is_flipped = make_label_noise(y, 0.1, random_state=0)
    values = NDDVValuator(random_state=0).fit(X, y_noisy).data_values_
    posterior = two_planes_posterior(X)
    best = detection(np.where(y_noisy == 1, posterior, 1 - posterior), is_flipped)
    figures = detection(values, is_flipped)
    for figure in ["two_means_f1", "roc_auc"]:
        assert figures[figure] > best[figure] - 0.06


@pytest.fixture
def two_planes_file():
    if "SKVALUE_DATA" not in os.environ:
        pytest.skip("SKVALUE_DATA does not name the folder with the real data")
    with np.load(os.path.join(os.environ["SKVALUE_DATA"], "2dplanes.npz")) as file:
        return file["X"].astype(np.float64), file["y"].astype(int)


# ------------------------------------------------------------------------ the paper


def test_last_epoch_alone_is_valued_on_request():
    X, y, _ = make_noisy()
    settings = {"record_trajectories": True, "utility": "state"}
    last = quick(utility_epochs="last", **settings).fit(X, y)
    averaged = quick(utility_epochs="all", **settings).fit(X, y)
    trajectory = last.value_trajectories_
    np.testing.assert_array_equal(trajectory, averaged.value_trajectories_)
    np.testing.assert_allclose(trajectory[-1], last.data_values_, atol=1e-12)
    assert np.abs(averaged.data_values_ - last.data_values_).max() > 0.1


def test_auto_takes_the_last_epoch_of_residuals_only():
    X, y, _ = make_noisy()
    classes, regression = (X, y), make_two_planes(100, regression=True, random_state=0)
    for (X, y), utility, epochs in [
        (classes, "state", "all"),
        (classes, "cost", "all"),
        (regression, "state", "last"),
        (regression, "cost", "all"),
    ]:
        np.testing.assert_array_equal(
            quick(utility=utility).fit(X, y).data_values_,
            quick(utility=utility, utility_epochs=epochs).fit(X, y).data_values_,
        )


def test_paper_is_the_paper_to_the_letter():
    X, y, _ = make_noisy(140)
    held_out = {"X_val": X[120:], "y_val": y[120:]}
    X, y = X[:120], y[:120]
    valuator = clone(NDDVValuator.paper(random_state=0)).fit(X, y, **held_out)
    # 50 epochs, at rates divided by ten at 60 % and at 80 % of them.
    rates = [epoch["event_lr"] for epoch in valuator.history_]
    np.testing.assert_allclose(rates, [1e-2] * 30 + [1e-3] * 10 + [1e-4] * 10)
    # One member, re-weighted by the held-out rows.
    assert valuator.net_.module_.mean_field.shape[1] == 1
    assert valuator.meta_weights_.shape == (120,)
    # The state utility of the last state, and 2-means without a guard.
    np.testing.assert_array_equal(
        valuator.get_support(), valuator.data_values_ >= _lower_bound(valuator)
    )
    plain = NDDVValuator.paper(random_state=0, utility_epochs="all", drop=0.0)
    assert plain.fit(X, y, **held_out).get_support().all()
    assert np.abs(plain.data_values_ - valuator.data_values_).max() > 0.1
    restored = pickle.loads(pickle.dumps(valuator))
    np.testing.assert_array_equal(restored.get_support(), valuator.get_support())


def _lower_bound(valuator):
    """Lowest value of the upper of two clusters, by trying every split."""
    ordered = np.sort(valuator.data_values_)
    spread = [
        part.var() * len(part) + rest.var() * len(rest)
        for part, rest in (np.split(ordered, [k]) for k in range(1, len(ordered)))
    ]
    return ordered[np.argmin(spread) + 1]


def test_paper_takes_a_meta_step_in_every_training_step(monkeypatch):
    X, y, _ = make_noisy(220)
    steps = []
    meta_step = NDDVNet._meta_step
    monkeypatch.setattr(
        NDDVNet, "_meta_step", lambda net, *a: (steps.append(1), meta_step(net, *a))
    )
    valuator = NDDVValuator.paper(max_epochs=2, random_state=0)
    valuator.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    assert len(steps) == sum(e["train_batch_count"] for e in valuator.history_)


def test_paper_needs_clean_rows_and_known_parameters():
    X, y, _ = make_noisy(100)
    with pytest.raises(ValueError, match="reweight=True needs clean rows"):
        NDDVValuator.paper().fit(X, y)
    with pytest.raises(TypeError, match="epochs"):
        NDDVValuator.paper(epochs=3)
    assert NDDVValuator.paper(n_members=3).n_members == 3


def test_interaction_of_ten_needs_six_steps():
    X, y, _ = make_noisy(100)
    quick(interaction=10.0, n_steps=6).fit(X, y)
    with pytest.raises(ValueError, match=r"interaction=10\.0 is too large"):
        quick(interaction=10.0, n_steps=5).fit(X, y)
