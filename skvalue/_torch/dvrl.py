"""The selector of DVRL: a network from a row to the probability of selecting it.

A row enters with its features and its label; what a model of the held-out rows thinks
of that label joins at the last layer (Yoon, Arik & Pfister, 2020).
"""

from functools import partial
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from ..utils._torch_state import plain_torch
from .layers import seeded_linear


class Selector(nn.Module):
    """Network from rows to the logits of their selection probabilities.

    Parameters
    ----------
    n_inputs : int
        Features of a row and of its label.

    n_doubts : int
        Features of the held-out model's disagreement with the label.

    hidden_dim : int
        Units of a hidden layer.

    n_layers : int
        Hidden layers.

    generator : torch.Generator
        Draws the initial weights.
    """

    def __init__(self, n_inputs, n_doubts, *, hidden_dim, n_layers, generator):
        super().__init__()
        sizes = [n_inputs] + [hidden_dim] * n_layers
        layers = []
        for n_in, n_out in pairwise(sizes):
            layers += [seeded_linear(n_in, n_out, generator), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.head = seeded_linear(sizes[-1] + n_doubts, 1, generator)
        # All rows start at one half: REINFORCE is slow to undo a random opinion.
        nn.init.zeros_(self.head.weight)

    def forward(self, rows, doubts):
        """Logits of the selection probabilities."""
        return self.head(torch.cat((self.body(rows), doubts), dim=1))[:, 0]


def train_selector(
    rows,
    doubts,
    reward,
    *,
    n_steps,
    batch_size,
    baseline_window,
    hidden_dim,
    n_layers,
    lr,
    device,
    seed,
    progress,
):
    """Train a selector by REINFORCE with a moving-average baseline.

    The mean logit of a batch is held at 0, so about half of its rows are selected. More
    rows are nearly always better, and that part of the reward, the same for all rows,
    would drown what tells them apart.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, n_inputs)
        Features and encoded labels.

    doubts : ndarray of shape (n_samples, n_doubts)
        Disagreement of the held-out model with the labels.

    reward : callable
        From the indices of the selected rows to a number, higher is better.

    n_steps, batch_size, baseline_window, hidden_dim, n_layers, lr, device
        As in `skvalue.dvrl.DVRL`.

    seed : int
        Of the weights, the batches and the selections.

    progress : Progress
        Told of every step.

    Returns
    -------
    selector : Selector
        The trained network.

    rewards : ndarray of shape (n_steps,)
        The reward of each step.
    """
    generator = torch.Generator().manual_seed(seed)
    with plain_torch():
        selector = Selector(
            rows.shape[1],
            doubts.shape[1],
            hidden_dim=hidden_dim,
            n_layers=n_layers,
            generator=generator,
        ).to(device)
        optimizer = torch.optim.Adam(selector.parameters(), lr=lr)
        rows, doubts = _tensor(rows, device), _tensor(doubts, device)
    rewards, baseline = np.empty(n_steps), None
    for step in range(n_steps):
        with plain_torch():
            # A batch's rows in order: that of the predictor's rows is no noise source.
            order = torch.randperm(len(rows), generator=generator)
            batch = order[:batch_size].sort()[0]
            logits = selector(rows[batch], doubts[batch])
            logits = logits - logits.mean()
            draws = torch.rand(len(batch), generator=generator).to(device)
            selected = draws < torch.sigmoid(logits.detach())
        # The user's estimator, with torch as the user has set it.
        rewards[step] = reward(batch[selected.cpu()].numpy())
        if baseline is None:
            baseline = rewards[step]
        advantage = rewards[step] - baseline
        with plain_torch():
            log_probability = -nn.functional.binary_cross_entropy_with_logits(
                logits, selected.to(logits.dtype), reduction="sum"
            )
            optimizer.zero_grad()
            (-advantage * log_probability).backward()
            optimizer.step()
        baseline += advantage / baseline_window
        progress.update(step + 1, partial("reward {:.3g}".format, baseline))
    progress.finish(partial("reward {:.3g}".format, baseline))
    with plain_torch(), torch.no_grad():
        selector.head.bias -= selector(rows, doubts).mean()
    return selector, rewards


@plain_torch()
def selection_probabilities(selector, rows, doubts):
    """Probability that the selector selects each row.

    Parameters
    ----------
    selector : Selector
        A trained network.

    rows, doubts : ndarray of shape (n_rows, ...)
        As in `train_selector`.

    Returns
    -------
    probabilities : ndarray of shape (n_rows,), dtype float64
        In (0, 1).
    """
    device = selector.head.weight.device
    with torch.no_grad():
        logits = selector(_tensor(rows, device), _tensor(doubts, device))
    # In double precision the sigmoid keeps the order of confident rows.
    return torch.sigmoid(logits.double()).cpu().numpy()


def _tensor(array, device):
    return torch.as_tensor(array, dtype=torch.float32, device=device)
