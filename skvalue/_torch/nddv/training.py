"""Build, train and query the network of `NDDVValuator`."""

import copy
import math
from contextlib import contextmanager

import numpy as np
import torch
from skorch.callbacks import LRScheduler
from skorch.helper import predefined_split

from ...utils._chunks import row_chunks
from ...utils._threads import one_thread
from ..batches import MemberBatches, TensorRows
from ..epochs import EpochProgress
from .mean_field import CustomControl, MeanFieldDynamics, StackedControl
from .meta import MetaLearner, MetaNetwork
from .net import EpochTask, NDDVNet
from .utilities import CrossEntropy, HalfSquaredError, row_utility


def tensor_rows(X, y, scaler, device):
    """Scaled rows as float32 on the device, converted in chunks; labels int64."""
    rows = torch.empty((len(X), scaler.n_columns), dtype=torch.float32)
    for chunk in row_chunks(*X.shape):
        rows[chunk] = torch.from_numpy(scaler.transform(X[chunk]).astype(np.float32))
    real = np.issubdtype(y.dtype, np.floating)
    target = torch.from_numpy(y.astype(np.float32 if real else np.int64))
    return TensorRows(rows.to(device), target.to(device))


def train(settings, rows, *, clean_rows, task, progress, sample_weight=None):
    """Train a net on the rows.

    Parameters
    ----------
    settings : dict
        Parameters of `NDDVValuator` with every "auto" resolved.

    rows : TensorRows
        Training rows.

    clean_rows : TensorRows or None
        Held-out rows: meta rows where ``settings["reweight"]``, and always the
        validation rows of the history.

    task : callable
        Context manager of one epoch.

    progress : Progress
        Told of every epoch.

    sample_weight : ndarray of shape (n_samples,) or None, default=None
        Weights of the rows in the loss and in the mean field.

    Returns
    -------
    net : NDDVNet
        The trained net, without its data.

    record : tuple (utilities, belief, trajectory)
        Float64 arrays ``(n_samples,)``, class probabilities ``(n_samples,
        n_classes)`` or absolute residuals ``(n_samples,)``, and ``(n_epochs,
        n_samples)`` or None.
    """
    with _deterministic(settings):
        net = _build(settings, rows, clean_rows, task, progress)
        if sample_weight is not None:
            # On average one, so that single precision holds them.
            scaled = (sample_weight / sample_weight.mean()).astype(np.float32)
            sample_weight = torch.from_numpy(scaled).to(rows.X.device)
        record = net.run(rows, sample_weight)
        # What training needed is not part of the trained net, nor of its pickle.
        net.clean_rows = net.train_split = None
    last = settings["utility_epochs"] == "last"
    utilities = record.last_utility if last else record.mean_utility()
    trajectory = record.trajectory
    if trajectory is not None:
        trajectory = torch.stack(trajectory).numpy()
    return net, (utilities.cpu().numpy(), record.belief().cpu().numpy(), trajectory)


@contextmanager
def _deterministic(settings):
    with one_thread():
        if settings["module"] is None:
            # Our networks draw from generators of their own.
            yield
            return
        device = torch.device(settings["device"])
        devices = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(settings["seed"])
            yield


def _build(settings, rows, clean_rows, task, progress):
    n_members, n_features = settings["n_members"], rows.X.shape[1]
    # Initial values are drawn on the CPU: the same on every device.
    generator = torch.Generator().manual_seed(settings["seed"])
    dynamics = MeanFieldDynamics(
        [_control(settings, n_features, generator) for _ in range(settings["n_steps"])],
        n_members=n_members,
        n_features=n_features,
        n_outputs=settings["n_outputs"],
        interaction=settings["interaction"],
        diffusion=settings["diffusion"],
        control_penalty=settings["control_penalty"],
        generator=generator,
    )
    reweight = settings["reweight"]
    parameters = {
        "optimizer": settings["optimizer"] or torch.optim.Adam,
        # The fused Adam takes one call a step instead of a dozen a parameter.
        **({} if settings["optimizer"] else {"optimizer__fused": True}),
        "criterion": HalfSquaredError if rows.y.is_floating_point() else CrossEntropy,
        "lr": settings["lr"],
        "max_epochs": settings["max_epochs"],
        "batch_size": settings["batch_size"],
        "iterator_train": MemberBatches,
        "iterator_train__n_members": n_members,
        "iterator_valid": MemberBatches,
        "iterator_valid__n_members": n_members,
        "train_split": None if clean_rows is None else predefined_split(clean_rows),
        "callbacks": [
            ("lr_schedule", _schedule(settings["max_epochs"])),
            ("epoch_task", EpochTask(task)),
            ("progress", EpochProgress(progress)),
            *copy.deepcopy(settings["callbacks"] or []),
        ],
        "device": settings["device"],
        # net_params may ask for skorch's own table.
        "verbose": 0,
        "utility": settings["utility"],
        "record_trajectories": settings["record_trajectories"],
        "clean_rows": clean_rows if reweight else None,
        "meta_learner": (
            MetaLearner(
                MetaNetwork(n_members, settings["meta_hidden"], generator),
                settings["meta_lr"],
            )
            if reweight
            else None
        ),
        "meta_interval": settings["meta_interval"],
        "meta_batch_size": settings["batch_size"],
        "seed": settings["seed"],
        "n_jobs": settings["n_jobs"],
    }
    return NDDVNet(dynamics, **(parameters | (settings["net_params"] or {})))


def _control(settings, n_features, generator):
    n_members = settings["n_members"]
    if settings["module"] is None:
        return StackedControl(n_members, n_features, settings["hidden_dim"], generator)
    return CustomControl([settings["module"](n_features) for _ in range(n_members)])


def _schedule(max_epochs):
    return LRScheduler(
        policy=torch.optim.lr_scheduler.MultiStepLR,
        milestones=[math.ceil(0.6 * max_epochs), math.ceil(0.8 * max_epochs)],
        gamma=0.1,
    )


# ------------------------------------------------------------------- the trained net


@torch.no_grad()
def _evaluate(net, rows, quantity):
    """Mean over the members of ``quantity(outputs, y, cost)``, chunk by chunk."""
    module = net.module_.eval()
    results = []
    n_members = module.mean_field.shape[1]
    with one_thread():
        for chunk in row_chunks(len(rows), rows.X.shape[1] * n_members):
            X, y = _for_members(rows, chunk, n_members)
            _, outputs, _ = module(X)
            cost = net.criterion_(outputs, y)
            results.append(quantity(outputs, y, cost).double().mean(0))
    return torch.cat(results).cpu().numpy()


def evaluate(net, rows, utility):
    """Utility of each row, without noise."""
    bias = net.module_.head_bias
    return _evaluate(
        net, rows, lambda outputs, y, cost: row_utility(utility, outputs, y, bias, cost)
    )


def evaluate_classes(net, rows, utility, n_classes):
    """Utility of each row under every class, from one pass, (n_rows, n_classes)."""
    bias = net.module_.head_bias

    def of_every_class(outputs, y, cost):
        utilities = []
        for code in range(n_classes):
            label = torch.full_like(y, code)
            cost = net.criterion_(outputs, label)
            utilities.append(row_utility(utility, outputs, label, bias, cost))
        return torch.stack(utilities, dim=-1)

    return _evaluate(net, rows, of_every_class)


def of_the_trained(net, rows, settings):
    """What the trained net says of the rows, by the attribute's name; None if unasked.

    Returns
    -------
    attributes : dict of str to ndarray or None
        See `NDDVValuator`.
    """
    states = adjoints = None
    if settings["record_trajectories"]:
        states, adjoints = trajectories(net, rows)
    return {
        "meta_weights_": meta_weights(net, rows) if settings["reweight"] else None,
        "state_trajectories_": states,
        "adjoint_trajectories_": adjoints,
    }


def meta_weights(net, rows):
    """Weight that the trained meta network gives each row."""
    return _evaluate(net, rows, lambda outputs, y, cost: net.meta_learner.network(cost))


def trajectories(net, rows):
    """States and costates of the rows under the first member's control.

    Returns
    -------
    states, adjoints : ndarray of shape (n_steps + 1, n_samples, n_features)
        X_t and Y_t = -dPhi_i/dX_t.
    """
    module = net.module_.eval()
    n_members = module.mean_field.shape[1]
    states, adjoints = [], []
    with one_thread():
        for chunk in row_chunks(len(rows), rows.X.shape[1] * n_members):
            X, y = _for_members(rows, chunk, n_members)
            trajectory, outputs, _ = module(X.clone().requires_grad_())
            cost = net.criterion_(outputs, y)[0].sum()
            gradients = torch.autograd.grad(cost, trajectory)
            states.append(torch.stack([state[0].detach() for state in trajectory]))
            adjoints.append(-torch.stack([gradient[0] for gradient in gradients]))
    return torch.cat(states, 1).cpu().numpy(), torch.cat(adjoints, 1).cpu().numpy()


def _for_members(rows, chunk, n_members):
    X, y = rows.X[chunk], rows.y[chunk]
    return X.expand(n_members, *X.shape), y.expand(n_members, *y.shape)
