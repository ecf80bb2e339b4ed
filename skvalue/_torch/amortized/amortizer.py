"""The network of `AmortizedShapley`: a value a class, learned from noisy labels.

Covert et al., "Stochastic Amortization: A Unified Approach to Accelerate Feature and
Data Attribution", NeurIPS 2024, section 3 and appendix F.
"""

import copy
import math
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, LRScheduler
from torch import nn

from ...utils._progress import Progress
from ...utils._threads import one_thread
from ...utils._torch_state import plain_torch
from ..batches import TensorRows
from ..epochs import EpochProgress
from ..interrupts import PassesInterruptsOn
from ..layers import perceptron

HIDDEN = (128, 128, 128)
PRETRAINING_EPOCHS, PRETRAINING_LR = 20, 1e-3
# The rate falls to this share of where it began, along a cosine.
LAST_LR = 0.01
PREDICTED_ROWS = 8192


class AmortizerNet(PassesInterruptsOn, NeuralNet):
    """skorch net whose training is whole or raises."""


class RowBatches:
    """Every row once an epoch, in batches of nearly equal size.

    Parameters
    ----------
    dataset : TensorRows
        Rows and targets; a row of targets a row.

    batch_size : int
        Rows at most.

    generator : torch.Generator
        Draws the order.
    """

    def __init__(self, dataset, batch_size, generator):
        self.dataset, self.batch_size = dataset, batch_size
        self.generator = generator

    def __len__(self):
        return math.ceil(len(self.dataset) / self.batch_size)

    def __iter__(self):
        order = torch.randperm(len(self.dataset), generator=self.generator)
        for rows in order.to(self.dataset.X.device).tensor_split(len(self)):
            yield self.dataset[rows]


class OwnClassError(nn.Module):
    """Squared error of the output of each row's own class.

    Targets are ``(batch, 2)``: the class code and the value to be learned; or
    ``(batch, 3)``: its weight too, on average one.
    """

    def forward(self, outputs, target):
        found = own_class(outputs, target[:, 0])
        if target.shape[1] == 2:
            return nn.functional.mse_loss(found, target[:, 1])
        return (target[:, 2] * (found - target[:, 1]).square()).mean()


class LabelError(nn.Module):
    """Cross-entropy of the class codes in the first column of the targets."""

    def forward(self, outputs, target):
        codes = target[:, 0].long()
        if target.shape[1] == 2:
            return nn.functional.cross_entropy(outputs, codes)
        error = nn.functional.cross_entropy(outputs, codes, reduction="none")
        return (target[:, 2] * error).mean()


def own_class(outputs, codes):
    """Output of each row's class, (batch,)."""
    return outputs.gather(1, codes.long()[:, None]).squeeze(1)


class AverageIterates(Callback):
    """Average the parameters over all steps, the t-th with weight t.

    This is the iterate of the paper's Theorem 1. Noisy labels throw single iterates
    about; their average hardly moves from one epoch to the next.
    """

    def on_train_begin(self, net, **kwargs):
        self.n_steps_, self.module_ = 0, copy.deepcopy(net.module_)

    def on_batch_end(self, net, training=False, **kwargs):
        if not training:
            return
        self.n_steps_ += 1
        ours, theirs = (list(m.parameters()) for m in (self.module_, net.module_))
        with torch.no_grad():
            torch._foreach_lerp_(ours, theirs, 2 / (self.n_steps_ + 1))

    def on_epoch_end(self, net, **kwargs):
        # Running statistics are averages already.
        for ours, theirs in zip(
            self.module_.buffers(), net.module_.buffers(), strict=True
        ):
            ours.copy_(theirs)


class KeepBest(AverageIterates):
    """Remember the average of the epoch with the least error on other labels.

    Parameters
    ----------
    rows : TensorRows
        All rows, with the independent labels as targets.

    criterion : callable or None, default=None
        The error of outputs and targets. None: that of the rows' own classes.
    """

    def __init__(self, rows, criterion=None):
        self.rows = rows
        self.criterion = criterion

    def on_train_begin(self, net, **kwargs):
        super().on_train_begin(net, **kwargs)
        self.best_, self.epoch_, self.state_ = math.inf, 0, None

    def on_epoch_end(self, net, **kwargs):
        super().on_epoch_end(net, **kwargs)
        error = self.error()
        net.history.record("independent_error", error)
        if error < self.best_:
            self.best_, self.epoch_ = error, len(net.history)
            self.state_ = copy.deepcopy(self.module_.state_dict())

    def error(self):
        """Error of the averaged parameters on the other labels."""
        criterion = self.criterion or OwnClassError()
        return float(criterion(predict(self.module_, self.rows.X), self.rows.y))


def train(settings, rows, independent, pooled, *, n_outputs, classify):
    """Train a network on noisy labels for as long as independent ones advise.

    Parameters
    ----------
    settings : dict
        Parameters of `AmortizedShapley` with every "auto" resolved, and `seed`.

    rows, independent, pooled : TensorRows
        The same rows with either set of labels, and with the mean of both; scaled,
        beside the class codes.

    n_outputs : int
        Classes; 1 in regression.

    classify : bool
        Whether to begin with a classifier of the rows.

    Returns
    -------
    net : AmortizerNet
        The net trained on the pooled labels, without its data.

    blind : ndarray of shape (n_samples,)
        Predictions for the rows of the net that was trained on the first labels.
    """
    with deterministic(settings):
        generator = torch.Generator().manual_seed(settings["seed"])
        module = build(settings, rows.X.shape[1:], n_outputs, generator)
        if classify:
            pretraining = make_net(
                settings,
                module,
                LabelError,
                PRETRAINING_EPOCHS,
                generator,
                who="AmortizedShapley, classifier",
            )
            pretraining.set_params(lr=PRETRAINING_LR)
            pretraining.finish(partial(pretraining.fit, rows, None))
        zero_last_layer(module)
        best = math.inf
        for n_epochs in settings["max_epochs"]:
            keeper = KeepBest(independent)
            callbacks = [*schedule(settings, n_epochs), ("keep_best", keeper)]
            candidate = make_net(
                settings, module, OwnClassError, n_epochs, generator, callbacks
            )
            candidate.finish(partial(candidate.fit, rows, None))
            if keeper.state_ is None:
                raise ValueError(
                    "the network's error is not finite: training diverged. Scale X, or "
                    "lower lr."
                )
            if keeper.best_ < best:
                best, chosen, state = keeper.best_, candidate, keeper.state_
                steps, n_chosen = schedule(settings, n_epochs), keeper.epoch_
        chosen.module_.load_state_dict(state)
        blind = own_class(predict(chosen.module_, rows.X), rows.y[:, 0])
        average = AverageIterates()
        callbacks = [*steps, ("average", average)]
        net = make_net(settings, module, OwnClassError, n_chosen, generator, callbacks)
        net.finish(partial(net.fit, pooled, None))
        net.module_.load_state_dict(average.module_.state_dict())
        net.module_.eval()
        # What training needed is not part of the trained net, nor of its pickle.
        net.iterator_train__generator = average.module_ = None
    return net, blind.double().cpu().numpy()


def zero_last_layer(module):
    """A network that begins with outputs of zero."""
    last = [layer for layer in module.modules() if isinstance(layer, nn.Linear)][-1]
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)


def schedule(settings, n_epochs):
    """The rate falls along a cosine over all of these epochs."""
    cosine = LRScheduler(
        torch.optim.lr_scheduler.CosineAnnealingLR,
        T_max=n_epochs,
        eta_min=LAST_LR * settings["lr"],
    )
    return [("lr_schedule", cosine)]


def build(settings, shape, n_outputs, generator):
    """The user's module, or a perceptron drawn from the generator."""
    if settings["module"] is not None:
        return settings["module"](n_outputs).to(settings["device"])
    return perceptron([*shape, *HIDDEN, n_outputs], generator)


def make_net(
    settings,
    module,
    criterion,
    n_epochs,
    generator,
    callbacks=(),
    who="AmortizedShapley, network",
):
    """A net that is ready to be fitted; `who` begins its lines of progress."""
    optimizer = settings["optimizer"]
    progress = Progress(who, n_epochs, "epochs", settings["verbose"])
    parameters = {
        "criterion": criterion,
        "optimizer": optimizer or torch.optim.Adam,
        **({} if optimizer else {"optimizer__fused": True}),
        "lr": settings["lr"],
        "max_epochs": n_epochs,
        "batch_size": settings["batch_size"],
        "iterator_train": RowBatches,
        "iterator_train__generator": generator,
        "train_split": None,
        "callbacks": [
            *callbacks,
            ("progress", EpochProgress(progress)),
            *copy.deepcopy(settings["callbacks"] or []),
        ],
        "device": settings["device"],
        # net_params may ask for skorch's own table.
        "verbose": 0,
    }
    # A copy each: every number of epochs begins where the classifier ended.
    own = module if criterion is LabelError else copy.deepcopy(module)
    return AmortizerNet(own, **parameters | (settings["net_params"] or {}))


@contextmanager
def deterministic(settings):
    """One thread, and a generator of our own also for the user's modules."""
    with one_thread():
        if settings["module"] is None:
            # Our network draws from a generator of its own.
            yield
            return
        device = torch.device(settings["device"])
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(settings["seed"])
            yield


def predict(module, X):
    """Outputs of all classes, in evaluation mode, in chunks of rows."""
    training = module.training
    module.eval()
    with torch.no_grad():
        outputs = torch.cat([module(part) for part in X.split(PREDICTED_ROWS)])
    module.train(training)
    return outputs


@plain_torch()
def class_values(net, X, device):
    """Outputs for rows given as an array, float64 (n_rows, n_outputs)."""
    X = torch.from_numpy(np.asarray(X, dtype=np.float32)).to(device)
    with one_thread():
        return predict(net.module_, X).double().cpu().numpy()


def labelled_rows(X, codes, labels, device, weights=None):
    """The same rows for each set of labels: targets are codes, labels and weights."""
    X = torch.from_numpy(np.asarray(X, dtype=np.float32)).to(device)
    for each in labels:
        columns = [codes, each] if weights is None else [codes, each, weights]
        target = np.column_stack(columns).astype(np.float32)
        yield TensorRows(X, torch.from_numpy(target).to(device))
