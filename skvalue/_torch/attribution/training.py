r"""The networks of `AmortizedAttribution`: what is left of attributions to be learned.

A network sees a row, as numbers, and its deterministic effects; it learns the residual
of the attributions from a baseline, in units in which that is of variance one. Where
attributions sum to the prediction less the empty one, those of the baseline do, and the
outputs of the network are shifted to a sum of zero. Its last layer begins with zeros,
so training begins with the baseline, and the best epoch may be none.

Covert et al., "Stochastic Amortization: A Unified Approach to Accelerate Feature and
Data Attribution", NeurIPS 2024, sections 3, 4 and appendix C.
"""

import copy
from functools import partial

import numpy as np
import torch
from torch import nn

from ...utils._torch_state import plain_torch
from ..amortized.amortizer import (
    KeepBest,
    build,
    class_values,
    deterministic,
    make_net,
    schedule,
    zero_last_layer,
)
from ..batches import TensorRows


class Residuals(nn.Module):
    """A network's outputs as one number a player and output of the explained model.

    Parameters
    ----------
    module : torch.nn.Module
        Maps ``(batch, n_inputs)`` to ``(batch, n_players * n_outputs)``.

    shape : tuple of (int, int)
        Players and outputs.

    sums_to_zero : bool
        Whether the numbers of all players are shifted to a sum of zero.
    """

    def __init__(self, module, shape, sums_to_zero):
        super().__init__()
        self.module = module
        self.shape = shape
        self.sums_to_zero = sums_to_zero

    def forward(self, X):
        outputs = self.module(X).reshape(len(X), *self.shape)
        if self.sums_to_zero:
            outputs = outputs - outputs.mean(dim=1, keepdim=True)
        return outputs


class CoalitionError(nn.Module):
    r"""FastSHAP's objective: the game of a row is the sum of its attributions.

    .. math:: \sum_S w_S \Bigl(v(S) - v(\emptyset) - \sum_{j \in S} \phi_j \Bigr)^2

    over coalitions drawn from the Shapley kernel: least squares, whose minimiser are
    the Shapley values (Jethani et al., "FastSHAP", ICLR 2022).

    Parameters
    ----------
    coalitions : ndarray of shape (n_designs, n_coalitions, n_players), dtype bool
        Rows of a design share its coalitions.

    weights : ndarray of shape (n_designs, n_coalitions)
        Those of a design sum to one.
    """

    def __init__(self, coalitions, weights):
        super().__init__()
        for name, array in [("coalitions", coalitions), ("weights", weights)]:
            tensor = torch.from_numpy(np.asarray(array, dtype=np.float32))
            self.register_buffer(name, tensor, persistent=False)

    def forward(self, outputs, target):
        """Error of ``(batch, n_players, n_outputs)``.

        The target of a row is the number of its design and, coalition by coalition,
        what is left for the players in it.
        """
        design = target[:, 0].long()
        members, weights = self.coalitions[design], self.weights[design]
        worth = target[:, 1:].reshape(*members.shape[:2], -1)
        error = (members @ outputs - worth).square().mean(dim=2)
        return (weights * error).sum(dim=1).mean()


# Errors of averaged parameters hardly go up and down: a rise is the end.
PATIENCE = 10


class KeepBestOrNone(KeepBest):
    """Remember the epoch with the least error, from epoch 0 on; stop soon after it."""

    def on_train_begin(self, net, **kwargs):
        super().on_train_begin(net, **kwargs)
        self.best_ = self.error()
        self.state_ = copy.deepcopy(self.module_.state_dict())

    def on_epoch_end(self, net, **kwargs):
        super().on_epoch_end(net, **kwargs)
        if len(net.history) >= self.epoch_ + PATIENCE:
            # How a callback of skorch ends a training.
            raise KeyboardInterrupt


@plain_torch()
def train(settings, inputs, targets, held_out, *, shape, sums_to_zero, coalitions, who):
    """Train a network on some rows for as long as the others advise.

    Parameters
    ----------
    settings : dict
        Parameters of `AmortizedAttribution` with every "auto" resolved, and `seed`.

    inputs : ndarray of shape (n_rows, n_inputs)
        What the network sees.

    targets : ndarray of shape (n_rows, n_players, n_outputs) or (n_rows, n_numbers)
        Residuals of noisy labels, or targets of `CoalitionError`.

    held_out : ndarray of int
        The rows that choose the epoch.

    shape : tuple of (int, int)
        Players and outputs.

    sums_to_zero : bool
        See `Residuals`.

    coalitions : tuple of (ndarray, ndarray) or None
        Those of `CoalitionError` and their weights; None where labels are learned.

    who : str
        Begins the lines of progress.

    Returns
    -------
    net : AmortizerNet
        Without its data.

    n_epochs : int
        The best number of epochs; 0 where the network learned nothing of use.

    predictions : ndarray of shape (n_held_out, n_players, n_outputs)
        For the rows held out.
    """
    device = settings["device"]
    X, y = (
        torch.from_numpy(np.asarray(array, dtype=np.float32)).to(device)
        for array in (inputs, targets)
    )
    criterion = nn.MSELoss()
    if coalitions is not None:
        criterion = CoalitionError(*coalitions).to(device)
    rest = np.delete(np.arange(len(inputs)), held_out)
    seen, others = (TensorRows(X[rows], y[rows]) for rows in (rest, held_out))
    with deterministic(settings):
        generator = torch.Generator().manual_seed(settings["seed"])
        n_epochs = settings["max_epochs"]
        module = build(settings, X.shape[1:], int(np.prod(shape)), generator)
        zero_last_layer(module)
        keeper = KeepBestOrNone(others, criterion)
        net = make_net(
            settings,
            Residuals(module, shape, sums_to_zero),
            criterion,
            n_epochs,
            generator,
            [*schedule(settings, n_epochs), ("keep_best", keeper)],
            who=who,
        )
        net.finish(partial(net.fit, seen, None))
        if not np.isfinite(net.history[-1, "train_loss"]):
            raise ValueError(
                "the network's error is not finite: training diverged. Lower lr."
            )
        net.module_.load_state_dict(keeper.state_)
        net.module_.eval()
    # What training needed is not part of the trained net, nor of its pickle.
    net.iterator_train__generator = net.criterion = net.criterion_ = None
    keeper.rows = keeper.criterion = keeper.module_ = keeper.state_ = None
    return net, keeper.epoch_, class_values(net, inputs[held_out], device)
