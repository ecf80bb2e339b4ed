"""Controlled mean-field dynamics of the rows, for several members at once.

Euler-Maruyama on [0, 1] (Liang et al., Eq. 34):

    X_{t+1} = X_t + [a (mu_t - X_t) + psi_t(X_t)] dt + sigma sqrt(dt) eps_t

followed by a linear head. Every tensor has a leading axis for the members, which are
independent networks trained side by side by batched matrix products.
"""

import itertools
import math

import torch
from torch import nn
from torch.nn import functional

from .euler_step import EulerStep


def uniform_fan_in(*shape, fan_in, generator):
    """Parameter drawn from U(-1/sqrt(fan_in), 1/sqrt(fan_in))."""
    bound = 1 / math.sqrt(fan_in)
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound, generator=generator))


class StackedControl(nn.Module):
    """The control psi_t of every member: d -> hidden -> hidden -> d with ELU."""

    def __init__(self, n_members, n_features, hidden_dim, generator):
        super().__init__()
        widths = [n_features, hidden_dim, hidden_dim, n_features]
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for fan_in, fan_out in itertools.pairwise(widths):
            draw = {"fan_in": fan_in, "generator": generator}
            self.weights.append(uniform_fan_in(n_members, fan_in, fan_out, **draw))
            self.biases.append(uniform_fan_in(n_members, 1, fan_out, **draw))

    def forward(self, states):
        hidden = self._hidden(states)
        return torch.baddbmm(self.biases[-1], hidden, self.weights[-1])

    def advance(self, drift, shift, states, keep, step, in_place=False):
        """Return ``drift + shift + keep * states + step * psi(states)``.

        `drift` is overwritten; with `in_place`, so is the gradient in the backward
        pass, see `EulerStep`.
        """
        if in_place:
            layers = [
                parameter
                for layer in range(len(self.weights))
                for parameter in (self.weights[layer], self.biases[layer])
            ]
            return EulerStep.apply(drift, shift, states, *layers, keep, step)
        drift.add_(states, alpha=keep)
        # Two passes over (batch, n_features) instead of five: what is the same for
        # every row is summed before it meets them, and the last product accumulates.
        drift.add_(torch.add(shift, self.biases[-1], alpha=step))
        return drift.baddbmm_(self._hidden(states), self.weights[-1], alpha=step)

    def _hidden(self, states):
        # By index: a slice of a ParameterList would turn the functional parameters of
        # the look-ahead into new leaves and cut its graph.
        for layer in range(len(self.weights) - 1):
            linear = torch.baddbmm(self.biases[layer], states, self.weights[layer])
            states = functional.elu(linear)
        return states


class CustomControl(nn.Module):
    """The control psi_t made of one user-written module a member."""

    def __init__(self, modules):
        super().__init__()
        self.members = nn.ModuleList(modules)

    def forward(self, states):
        controls = [
            member(state) for member, state in zip(self.members, states, strict=True)
        ]
        return torch.stack(controls)

    def advance(self, drift, shift, states, keep, step, in_place=False):
        """Return ``drift + shift + keep * states + step * psi(states)``."""
        drift.add_(states, alpha=keep)
        return drift.add_(shift).add_(self(states), alpha=step)


class MeanFieldDynamics(nn.Module):
    """Mean-field dynamics and the linear head on the terminal state.

    Parameters
    ----------
    controls : list of nn.Module, one a time step
        Map states ``(n_members, batch, n_features)`` to controls of the same shape.

    n_members, n_features, n_outputs : int
        Members trained side by side, columns, classes (1 for regression).

    interaction, diffusion : float
        The constants a and sigma of the dynamics.

    control_penalty : float
        Weight lambda of the running cost ``lambda ||psi_t||^2 dt``.

    generator : torch.Generator
        Source of the head's initial values.

    Attributes
    ----------
    noise_generator : torch.Generator or None
        Source of the noise, on the device of the states; set for training only, so
        that a trained network can be pickled to a machine without that device.
    """

    def __init__(
        self,
        controls,
        *,
        n_members,
        n_features,
        n_outputs,
        interaction,
        diffusion,
        control_penalty,
        generator,
    ):
        super().__init__()
        self.controls = nn.ModuleList(controls)
        self.interaction = interaction
        self.diffusion = diffusion
        self.control_penalty = control_penalty
        self.noise_generator = None
        draw = {"fan_in": n_features, "generator": generator}
        self.head_weight = uniform_fan_in(n_members, n_features, n_outputs, **draw)
        self.head_bias = uniform_fan_in(n_members, 1, n_outputs, **draw)
        # Rows are standardised, so the mean of the features is zero.
        self.register_buffer(
            "mean_field", torch.zeros(len(controls), n_members, 1, n_features)
        )

    @property
    def step(self):
        """Length dt of a time step."""
        return 1 / len(self.controls)

    def forward(self, states, in_place=False, noise=None):
        """Run the dynamics; noise only in training mode.

        Parameters
        ----------
        states : tensor (n_members, batch, n_features)
            X_0.
        in_place : bool
            Save memory in the backward pass: for one gradient with respect to the
            parameters, neither to the states nor to be differentiated again.
        noise : callable or None
            Fills memory for the noise of a time step, ``noise(number, states, scale)``;
            None takes fresh memory and the module's own generator.

        Returns
        -------
        trajectory : list of tensor (n_members, batch, n_features)
            X_0 .. X_T.
        outputs : tensor (n_members, batch, n_outputs)
            The head's logits or, for regression, predictions.
        running_cost : tensor (n_members,) or float
            Mean over the batch of the summed running cost.
        """
        step = self.step
        trajectory = [states]
        running_cost = 0.0
        noise = noise or self._noise
        scale = self.diffusion * math.sqrt(step) if self.training else 0
        for number, (control, mean_field) in enumerate(
            zip(self.controls, self.mean_field, strict=True)
        ):
            drift = noise(number, states, scale)
            if self.control_penalty:
                energy = control(states).square().sum(-1).mean(-1)
                running_cost = running_cost + self.control_penalty * step * energy
            pull = self.interaction * step * mean_field
            keep = 1 - self.interaction * step
            states = control.advance(drift, pull, states, keep, step, in_place)
            trajectory.append(states)
        outputs = torch.baddbmm(self.head_bias, states, self.head_weight)
        return trajectory, outputs, running_cost

    def _noise(self, number, states, scale):
        if not scale:
            return torch.zeros_like(states)
        return torch.empty_like(states).normal_(
            0, scale, generator=self.noise_generator
        )

    @torch.no_grad()
    def weighted_states(self, trajectory, weights):
        """Weighted sums of the states before each step, (n_members, 1, n_features)."""
        return [torch.bmm(weights.unsqueeze(1), states) for states in trajectory[:-1]]

    @torch.no_grad()
    def update_mean_field(self, means, rate=0.1):
        """Move mu_t towards the weighted mean of the batch's states (Eq. 33)."""
        for mean_field, mean in zip(self.mean_field, means, strict=True):
            mean_field.lerp_(mean, rate)
