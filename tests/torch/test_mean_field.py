"""The arithmetic of the NDDV networks, against closed forms and autograd."""

import itertools

import pytest
import torch
from torch.func import functional_call

from skvalue._torch.batches import MemberBatches, TensorRows
from skvalue._torch.nddv.mean_field import (
    CustomControl,
    MeanFieldDynamics,
    StackedControl,
)
from skvalue._torch.nddv.meta import MetaNetwork, lookahead_loss, normalise
from skvalue._torch.nddv.utilities import (
    CrossEntropy,
    HalfSquaredError,
    row_utility,
    state_utility,
)
from skvalue.utils._threads import one_thread

N_MEMBERS, BATCH, N_FEATURES, N_CLASSES, N_STEPS = 2, 7, 4, 3, 3


def make_dynamics(n_outputs=N_CLASSES, seed=0, **settings):
    generator = torch.Generator().manual_seed(seed)
    settings = {"interaction": 1.0, "diffusion": 0.1, "control_penalty": 0.0} | settings
    dynamics = MeanFieldDynamics(
        [StackedControl(N_MEMBERS, N_FEATURES, 5, generator) for _ in range(N_STEPS)],
        n_members=N_MEMBERS,
        n_features=N_FEATURES,
        n_outputs=n_outputs,
        generator=generator,
        **settings,
    ).double()
    dynamics.mean_field.normal_(generator=generator)
    dynamics.noise_generator = torch.Generator().manual_seed(seed)
    return dynamics


def make_batch(seed=1, n_classes=N_CLASSES):
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(
        N_MEMBERS, BATCH, N_FEATURES, generator=generator, dtype=torch.float64
    )
    y = torch.randint(n_classes, (N_MEMBERS, BATCH), generator=generator)
    return X, y


def test_forward_pass_is_euler_maruyama():
    dynamics = make_dynamics(diffusion=0.0)
    X, _ = make_batch()
    trajectory, outputs, _ = dynamics(X)
    states = X
    for control, mean_field in zip(dynamics.controls, dynamics.mean_field, strict=True):
        drift = 1.0 * (mean_field - states) + control(states)
        states = states + drift / N_STEPS
    torch.testing.assert_close(trajectory[-1], states)
    torch.testing.assert_close(
        outputs, states @ dynamics.head_weight + dynamics.head_bias
    )


def test_noise_is_fresh_at_every_step_and_scaled():
    dynamics = make_dynamics(interaction=0.0, diffusion=0.5)
    X = torch.zeros(N_MEMBERS, 20000, N_FEATURES, dtype=torch.float64)
    for control in dynamics.controls:
        for parameter in control.parameters():
            parameter.data.zero_()
    trajectory, _, _ = dynamics(X)
    steps = [b - a for a, b in itertools.pairwise(trajectory)]
    for step in steps:
        assert step.std().item() == pytest.approx(0.5 / N_STEPS**0.5, rel=0.02)
    for one, other in itertools.combinations(steps, 2):
        correlation = torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))
        assert abs(correlation[0, 1].item()) < 0.02


def test_no_diffusion_and_evaluation_are_deterministic():
    X, _ = make_batch()
    for dynamics in [make_dynamics(diffusion=0.0), make_dynamics().eval()]:
        torch.testing.assert_close(dynamics(X)[1], dynamics(X)[1], rtol=0, atol=0)
    dynamics = make_dynamics()
    assert not torch.equal(dynamics(X)[1], dynamics(X)[1])


def test_running_cost_is_the_mean_control_energy():
    X, _ = make_batch()
    dynamics = make_dynamics(diffusion=0.0, control_penalty=0.3)
    trajectory, _, running_cost = dynamics(X)
    expected = sum(
        0.3 / N_STEPS * control(states).square().sum(-1).mean(-1)
        for control, states in zip(dynamics.controls, trajectory, strict=False)
    )
    torch.testing.assert_close(running_cost, expected)


def test_mean_field_moves_a_tenth_of_the_way_to_the_weighted_mean():
    dynamics = make_dynamics(diffusion=0.0)
    X, _ = make_batch()
    before = dynamics.mean_field.clone()
    trajectory, _, _ = dynamics(X)
    weights = torch.softmax(torch.randn(N_MEMBERS, BATCH, dtype=torch.float64), -1)
    dynamics.update_mean_field(dynamics.weighted_states(trajectory, weights))
    for t in range(N_STEPS):
        mean = (weights.unsqueeze(-1) * trajectory[t]).sum(1, keepdim=True)
        torch.testing.assert_close(dynamics.mean_field[t], 0.9 * before[t] + 0.1 * mean)
    assert not dynamics.mean_field.requires_grad


def test_autograd_costate_satisfies_the_discrete_adjoint_recursion():
    """Y_t = Y_{t+1} + dt grad_x H(X_t, Y_{t+1}), Y_T = -eta grad Phi [Eq. 36-37]."""
    dynamics = make_dynamics(diffusion=0.0)
    X, y = make_batch()
    trajectory, outputs, _ = dynamics(X.requires_grad_())
    weights = torch.rand(N_MEMBERS, BATCH, dtype=torch.float64)
    loss = (weights * CrossEntropy()(outputs, y)).sum()
    costates = [-g for g in torch.autograd.grad(loss, trajectory, retain_graph=True)]

    onehot = torch.nn.functional.one_hot(y, N_CLASSES)
    grad_outputs = weights.unsqueeze(-1) * (outputs.softmax(-1) - onehot)
    torch.testing.assert_close(
        costates[-1], -grad_outputs @ dynamics.head_weight.transpose(1, 2)
    )
    for t in range(N_STEPS):
        state = trajectory[t].detach().requires_grad_()
        drift = (dynamics.mean_field[t] - state) + dynamics.controls[t](state)
        hamiltonian = (drift * costates[t + 1]).sum()
        (gradient,) = torch.autograd.grad(hamiltonian, state)
        torch.testing.assert_close(costates[t], costates[t + 1] + gradient / N_STEPS)


@pytest.mark.parametrize("control_penalty", [0.0, 0.3])
def test_written_out_adjoint_equals_automatic_differentiation(control_penalty):
    X, y = make_batch()
    gradients = []
    for in_place in [False, True]:
        dynamics = make_dynamics(diffusion=0.1, control_penalty=control_penalty)
        _, outputs, running_cost = dynamics(X, in_place=in_place)
        loss = CrossEntropy()(outputs, y).sum() + torch.as_tensor(running_cost).sum()
        gradients.append(torch.autograd.grad(loss, list(dynamics.parameters())))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def test_parameter_gradient_is_minus_the_hamiltonian_gradient():
    """Back-propagation is the gradient step of the successive approximations."""
    dynamics = make_dynamics(diffusion=0.0)
    X, y = make_batch()
    trajectory, outputs, _ = dynamics(X)
    loss = CrossEntropy()(outputs, y).sum()
    costates = [
        -g for g in torch.autograd.grad(loss, trajectory[1:], retain_graph=True)
    ]
    for t, control in enumerate(dynamics.controls):
        parameters = list(control.parameters())
        direct = torch.autograd.grad(loss, parameters, retain_graph=True)
        hamiltonian = (control(trajectory[t].detach()) * costates[t]).sum() / N_STEPS
        for one, other in zip(
            direct, torch.autograd.grad(hamiltonian, parameters), strict=True
        ):
            torch.testing.assert_close(one, -other)


def test_state_utility_is_the_closed_form_of_eq_38():
    dynamics = make_dynamics(diffusion=0.0)
    X, y = make_batch()
    trajectory, outputs, _ = dynamics(X)
    loss = CrossEntropy()(outputs, y).sum()
    (gradient,) = torch.autograd.grad(loss, trajectory[-1])
    expected = -(trajectory[-1] * gradient).sum(-1)
    torch.testing.assert_close(state_utility(outputs, y, dynamics.head_bias), expected)


def test_cost_utility_is_the_state_utility_minus_the_entropy_without_bias():
    dynamics = make_dynamics(diffusion=0.0)
    dynamics.head_bias.data.zero_()
    X, y = make_batch()
    _, outputs, _ = dynamics(X)
    cost = CrossEntropy()(outputs, y)
    probabilities = outputs.softmax(-1)
    entropy = -(probabilities * probabilities.log()).sum(-1)
    torch.testing.assert_close(
        row_utility("cost", outputs, y, dynamics.head_bias, cost),
        row_utility("state", outputs, y, dynamics.head_bias, cost) - entropy,
    )


def test_cost_utility_is_the_path_integral_of_the_sensitivity():
    """Integrated along the path from the mean field, Eq. 38 becomes -Phi."""
    dynamics = make_dynamics(diffusion=0.0)
    X, y = make_batch()
    terminal = dynamics(X)[0][-1].detach()
    start = terminal.mean(1, keepdim=True).expand_as(terminal)

    def cost(states):
        return CrossEntropy()(states @ dynamics.head_weight + dynamics.head_bias, y)

    n_nodes = 400
    total = 0
    for k in range(n_nodes):
        states = start + (k + 0.5) / n_nodes * (terminal - start)
        states.requires_grad_()
        (gradient,) = torch.autograd.grad(cost(states).sum(), states)
        total = total + (gradient * (terminal - start)).sum(-1) / n_nodes
    torch.testing.assert_close(total, cost(terminal) - cost(start), atol=1e-5, rtol=0)


def test_lookahead_gradient_equals_the_closed_form_of_eq_18():
    """d loss / d theta = -lr sum_j (mean_i G_ij) d eta_j / d theta."""
    dynamics = make_dynamics(diffusion=0.0)
    meta_network = MetaNetwork(N_MEMBERS, 6, torch.Generator().manual_seed(3)).double()
    criterion = CrossEntropy()
    batch, clean = make_batch(seed=1), make_batch(seed=2)
    lr = 0.05
    loss = lookahead_loss(dynamics, meta_network, criterion, batch, clean, lr)
    theta = list(meta_network.parameters())
    by_autograd = torch.autograd.grad(loss, theta)

    names, psi = zip(*dynamics.named_parameters(), strict=True)
    X, y = batch
    _, outputs, _ = dynamics(X)
    cost = criterion(outputs, y)
    weights = normalise(meta_network(cost.detach()))
    step = torch.autograd.grad((weights.detach() * cost).sum(), psi, retain_graph=True)
    ahead = {
        name: (value - lr * gradient).detach().requires_grad_()
        for name, value, gradient in zip(names, psi, step, strict=True)
    }
    _, outputs, _ = functional_call(dynamics, ahead, (clean[0],))
    meta_gradient = torch.autograd.grad(
        criterion(outputs, clean[1]).mean(-1).sum(), list(ahead.values())
    )
    # G_j: alignment of row j's gradient with the mean gradient of the clean rows.
    alignment = torch.zeros_like(cost)
    for member, row in itertools.product(range(N_MEMBERS), range(BATCH)):
        gradient = torch.autograd.grad(cost[member, row], psi, retain_graph=True)
        alignment[member, row] = sum(
            (g * m).sum() for g, m in zip(gradient, meta_gradient, strict=True)
        )
    closed_form = torch.autograd.grad((-lr * alignment.detach() * weights).sum(), theta)
    for one, other in zip(by_autograd, closed_form, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-15)


def test_lookahead_leaves_the_live_network_alone():
    dynamics = make_dynamics()
    meta_network = MetaNetwork(N_MEMBERS, 6, torch.Generator().manual_seed(3)).double()
    before = {name: value.clone() for name, value in dynamics.state_dict().items()}
    loss = lookahead_loss(
        dynamics, meta_network, CrossEntropy(), make_batch(), make_batch(2), 0.1
    )
    loss.backward()
    for name, value in dynamics.state_dict().items():
        assert torch.equal(value, before[name])


def test_normalised_weights_sum_to_one_and_zero_weights_stay_zero():
    weights = torch.tensor([[1.0, 3.0], [0.0, 0.0]])
    expected = torch.tensor([[0.25, 0.75], [0.0, 0.0]])
    torch.testing.assert_close(normalise(weights), expected)


def test_regression_cost_and_utility():
    outputs = torch.tensor([[[1.0], [3.0]]])
    y = torch.tensor([[2.0, 3.0]])
    cost = HalfSquaredError()(outputs, y)
    torch.testing.assert_close(cost, torch.tensor([[0.5, 0.0]]))
    torch.testing.assert_close(
        row_utility("state", outputs, y, None, cost), torch.tensor([[-1.0, 0.0]])
    )


def test_custom_control_stacks_the_members():
    members = [torch.nn.Linear(N_FEATURES, N_FEATURES) for _ in range(N_MEMBERS)]
    control = CustomControl(members)
    X = torch.randn(N_MEMBERS, BATCH, N_FEATURES)
    drift = torch.randn_like(X)
    shift = torch.randn(N_MEMBERS, 1, N_FEATURES)
    controls = torch.stack([m(x) for m, x in zip(members, X, strict=True)])
    torch.testing.assert_close(
        control.advance(drift.clone(), shift, X, 0.7, 0.5),
        drift + shift + 0.7 * X + 0.5 * controls,
    )


@pytest.mark.parametrize("n_samples, batch_size", [(10, 3), (64, 32), (65, 32), (5, 9)])
def test_every_row_comes_once_an_epoch_in_nearly_equal_batches(n_samples, batch_size):
    X = torch.arange(n_samples, dtype=torch.float32).unsqueeze(1)
    rows = TensorRows(X, torch.arange(n_samples))
    batches = MemberBatches(
        rows, batch_size, n_members=2, generator=torch.Generator().manual_seed(0)
    )
    seen, sizes, orders = [], [], []
    for _ in range(2):
        epoch = list(batches)
        assert len(epoch) == len(batches)
        for (X_batch, indices), y in epoch:
            torch.testing.assert_close(X_batch[..., 0].long(), indices)
            torch.testing.assert_close(y, indices)
            sizes.append(indices.shape[1])
        order = torch.cat([indices for (_, indices), _ in epoch], dim=1)
        seen.append(order.sort(dim=1).values)
        orders.append(order)
    for order in seen:
        assert torch.equal(order, torch.arange(n_samples).repeat(2, 1))
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1
    if n_samples > 9:
        assert not torch.equal(orders[0], orders[1])
        assert not torch.equal(orders[0][0], orders[0][1])


def test_one_thread_restores_the_users_thread_count():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with one_thread():
            assert torch.get_num_threads() == 1
            with one_thread():
                assert torch.get_num_threads() == 1
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
