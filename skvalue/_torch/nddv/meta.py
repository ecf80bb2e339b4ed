"""Meta re-weighting: a small network turns a row's loss into its weight.

V(loss; theta) is trained so that one gradient step with the weighted losses lowers the
loss of clean rows (Liang et al., Eq. 14-18; Shu et al., "Meta-Weight-Net", 2019).
"""

import torch
from torch import nn
from torch.func import functional_call

from .mean_field import uniform_fan_in


class MetaNetwork(nn.Module):
    """V: loss -> weight in (0, 1); 1 -> hidden -> 1, ReLU then sigmoid."""

    def __init__(self, n_members, hidden_dim, generator):
        super().__init__()
        inner = {"fan_in": 1, "generator": generator}
        outer = {"fan_in": hidden_dim, "generator": generator}
        self.weight_in = uniform_fan_in(n_members, 1, hidden_dim, **inner)
        self.bias_in = uniform_fan_in(n_members, 1, hidden_dim, **inner)
        self.weight_out = uniform_fan_in(n_members, hidden_dim, 1, **outer)
        self.bias_out = uniform_fan_in(n_members, 1, 1, **outer)

    def forward(self, cost):
        hidden = torch.relu(
            torch.baddbmm(self.bias_in, cost.unsqueeze(-1), self.weight_in)
        )
        output = torch.baddbmm(self.bias_out, hidden, self.weight_out)
        return torch.sigmoid(output).squeeze(-1)


class MetaLearner:
    """The meta network with its optimiser.

    A plain object: skorch would take a module or an optimiser that is an attribute of
    the net for one of its own, and hand theta to the optimiser of the dynamics.
    """

    def __init__(self, network, learning_rate):
        self.network = network
        self.learning_rate = learning_rate
        self._optimizer = None

    def start(self, device):
        self.network.to(device)
        self._optimizer = torch.optim.Adam(
            self.network.parameters(), lr=self.learning_rate
        )

    def step(self, loss):
        """One Adam step on theta; only theta gets a gradient."""
        parameters = list(self.network.parameters())
        gradients = torch.autograd.grad(loss, parameters)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        self._optimizer.step()

    def finish(self):
        self._optimizer = None


def normalise(weights):
    """Weights of a batch, summing to one for each member."""
    total = weights.sum(-1, keepdim=True)
    # A sum of zero leaves zeros instead of a division by zero.
    return weights / (total + (total == 0))


def lookahead_loss(
    dynamics,
    meta_network,
    terminal_cost,
    batch,
    clean_batch,
    learning_rate,
    given_weights=1,
):
    """Loss of clean rows after one gradient step on the weighted loss.

    The look-ahead parameters are functional: the live network is not touched, and
    the result is differentiable in the parameters of the meta network.
    """
    parameters = dict(dynamics.named_parameters())
    X, y = batch
    _, outputs, running_cost = dynamics(X)
    cost = terminal_cost(outputs, y)
    weights = normalise(given_weights * meta_network(cost.detach()))
    loss = (weights * cost).sum() + torch.as_tensor(running_cost).sum()
    gradients = torch.autograd.grad(loss, list(parameters.values()), create_graph=True)
    lookahead = {
        name: value - learning_rate * gradient
        for (name, value), gradient in zip(parameters.items(), gradients, strict=True)
    }
    X_clean, y_clean = clean_batch
    _, outputs, _ = functional_call(dynamics, lookahead, (X_clean,))
    return terminal_cost(outputs, y_clean).mean(-1).sum()
