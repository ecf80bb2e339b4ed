"""skorch net of Neural Dynamic Data Valuation: the training loop and its records."""

from contextlib import nullcontext
from typing import NamedTuple

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from skorch.dataset import unpack_data

from ..interrupts import PassesInterruptsOn
from .mean_field import StackedControl
from .meta import lookahead_loss, normalise
from .shards import Shards, add_in_order, count_shards
from .utilities import label_belief, row_utility


class Passed(NamedTuple):
    """What a forward pass over rows leaves behind."""

    trajectory: list
    outputs: torch.Tensor
    running_cost: object
    cost: torch.Tensor


class ValueRecord:
    """Utility of every row, averaged over members and epochs as training passes by.

    Parameters
    ----------
    n_members, n_samples : int
        Networks trained side by side, training rows.

    n_classes : int or None
        Classes whose probabilities are averaged, too; None keeps the absolute
        residuals of the last epoch.

    device : torch.device
        Where the batches are.

    trajectories : bool
        Keep the utilities of every epoch.
    """

    def __init__(self, n_members, n_samples, n_classes, device, trajectories):
        self._utility = torch.zeros(n_members, n_samples, device=device)
        self._sums = torch.zeros(n_samples, dtype=torch.float64, device=device)
        self._residual = self._class_sums = None
        if n_classes is None:
            self._residual = torch.zeros_like(self._utility)
        else:
            self._class_sums = self._sums.new_zeros(n_samples, n_classes)
        self.n_epochs = 0
        self.last_utility = None
        self.trajectory = [] if trajectories else None

    @torch.no_grad()
    def add(self, rows, utility, belief):
        # A row comes once an epoch to a member, so writing needs no accumulation.
        self._utility.scatter_(1, rows, utility.detach())
        if self._residual is not None:
            self._residual.scatter_(1, rows, belief)
            return
        # One member at a time: a row must not be added to twice by one call.
        for rows_of_member, probabilities in zip(rows, belief.double(), strict=True):
            self._class_sums.index_add_(0, rows_of_member, probabilities)

    def end_epoch(self):
        self.last_utility = self._utility.mean(0, dtype=torch.float64)
        self._sums += self.last_utility
        self.n_epochs += 1
        if self.trajectory is not None:
            self.trajectory.append(self.last_utility.cpu())

    def mean_utility(self):
        """Utility of each row, mean over the epochs."""
        return self._sums / self.n_epochs

    def belief(self):
        """Class probabilities, mean over the epochs, or the last absolute residual."""
        if self._residual is not None:
            return self._residual.mean(0, dtype=torch.float64)
        return self._class_sums / (self.n_epochs * len(self._utility))


class NDDVNet(PassesInterruptsOn, NeuralNet):
    """Train mean-field dynamics, with or without meta re-weighting.

    Parameters
    ----------
    *args, **kwargs : object
        Parameters of `skorch.NeuralNet`. The criterion maps outputs and targets
        ``(n_members, batch)`` to one cost a row.

    utility : "state" or "cost"
        What is recorded for each row.

    record_trajectories : bool, default=False
        Keep the utilities of every epoch.

    clean_rows : TensorRows or None, default=None
        The meta rows; None trains without re-weighting.

    meta_learner : MetaLearner or None, default=None
        Loss to weight, and how that is learnt.

    meta_interval, meta_batch_size : int
        Steps between two meta steps, and meta rows in each.

    seed : int, default=0
        Seed of the batches' order, the noise and the meta batches.

    n_jobs : int or None, default=None
        Threads that take the shards of a large batch, see `Shards`.
    """

    def __init__(
        self,
        *args,
        utility="cost",
        record_trajectories=False,
        clean_rows=None,
        meta_learner=None,
        meta_interval=5,
        meta_batch_size=100,
        seed=0,
        n_jobs=None,
        **kwargs,
    ):
        super().__init__(*args, **kwargs)
        self.utility = utility
        self.record_trajectories = record_trajectories
        self.clean_rows = clean_rows
        self.meta_learner = meta_learner
        self.meta_interval = meta_interval
        self.meta_batch_size = meta_batch_size
        self.seed = seed
        self.n_jobs = n_jobs

    # ------------------------------------------------------------- one training

    def run(self, dataset, row_weights=None):
        """Initialise and train; return the record of the rows' utilities.

        Parameters
        ----------
        dataset : TensorRows
            Training rows.

        row_weights : tensor of shape (n_samples,) or None, default=None
            Their weights; None: all weigh the same.

        Returns
        -------
        record : ValueRecord
            Of every row.
        """
        self.initialize()
        self._row_weights = row_weights
        generator = torch.Generator(self.device).manual_seed(self.seed)
        self.iterator_train__generator = generator
        self.module_.noise_generator = generator
        self._generator = generator
        if self.meta_learner is not None:
            self.meta_learner.start(self.device)
        record = self._record = ValueRecord(
            self.module_.mean_field.shape[1],
            len(dataset),
            None if dataset.y.is_floating_point() else self.module_.head_bias.shape[-1],
            self.device,
            self.record_trajectories,
        )
        self._steps, self._X = 0, dataset.X
        self._shards = self._make_shards(dataset)
        self.iterator_train__gathers = self._shards is None
        try:
            with nullcontext() if self._shards is None else self._shards.threads():
                self.finish(lambda: self.partial_fit(dataset))
        finally:
            # Generators and records belong to the training, not to the trained net.
            self.iterator_train__generator = None
            self.iterator_train__gathers = True
            self.module_.noise_generator = None
            self._generator = self._record = self._row_weights = None
            self._X = self._shards = None
            if self.meta_learner is not None:
                self.meta_learner.finish()
        return record

    def _make_shards(self, dataset):
        """Shards of large batches; None where batches stay whole.

        As they do on a GPU, and with a user's module: it may draw from the global
        state, or keep running statistics, and threads would meet there.
        """
        n_members, n_features = self.module_.mean_field.shape[1::2]
        n_rows = min(self.batch_size, len(dataset))
        n_shards = count_shards(n_members, n_rows, n_features)
        own = all(isinstance(c, StackedControl) for c in self.module_.controls)
        if n_shards == 1 or not own or torch.device(self.device).type != "cpu":
            return None
        return Shards(n_shards, self.n_jobs, self.seed)

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        super().on_epoch_end(
            net, dataset_train=dataset_train, dataset_valid=dataset_valid, **kwargs
        )
        self._record.end_epoch()

    # ------------------------------------------------------------------- steps

    def train_step_single(self, batch, **fit_params):
        self._set_training(True)
        (X, rows), y = unpack_data(batch)
        if self.meta_learner is not None and self._steps % self.meta_interval == 0:
            self._meta_step(X if self._shards is None else self._X[rows], y, rows)
        self._steps += 1
        if self._shards is None:
            passed = self._forward(X, y)
            weights = self._weights(passed.cost.detach(), rows)
            loss = self._loss(passed, weights)
            loss.backward()
            means = self.module_.weighted_states(passed.trajectory, weights)
            outputs, cost = passed.outputs, passed.cost
        else:
            outputs, cost, loss, means = self._sharded_step(y, rows)
        with torch.no_grad():
            utility = row_utility(
                self.utility, outputs, y, self.module_.head_bias, cost
            )
            self._record.add(rows, utility, label_belief(outputs, y))
        self.module_.update_mean_field(means)
        return {"loss": loss.detach() / len(X), "y_pred": outputs}

    def _forward(self, X, y, noise=None):
        passed = self.module_(X, in_place=True, noise=noise)
        return Passed(*passed, self.criterion_(passed[1], y))

    @staticmethod
    def _loss(passed, weights, share=1):
        # Summed over the members: their parameters are disjoint, so are the gradients.
        return ((weights * passed.cost).sum(-1) + share * passed.running_cost).sum()

    def _sharded_step(self, y, rows):
        """Forward and backward passes shard by shard; sets the gradients."""
        shards, parameters = self._shards, list(self.module_.parameters())

        def backward(passed, weights):
            # The running cost is a mean over the rows.
            share = weights.shape[1] / rows.shape[1]
            loss = self._loss(passed, weights, share)
            gradients = torch.autograd.grad(loss, parameters)
            means = self.module_.weighted_states(passed.trajectory, weights)
            seen = passed.outputs.detach(), passed.cost.detach()
            return seen, [loss.detach(), *means, *gradients]

        def forward(rows, y, memory):
            return self._forward(memory.rows(self._X, rows), y, memory.noise)

        def both(rows, y, memory, weights):
            return backward(forward(rows, y, memory), weights)

        parts = shards.split(rows), shards.split(y), shards.memories
        if self.meta_learner is None:
            # The states of a shard are still in the cache when it goes backward.
            weights = self._weights(torch.empty(rows.shape), rows)
            results = shards.map(both, *parts, shards.split(weights))
        else:
            # A row's weight depends on the losses of all.
            passed = shards.map(forward, *parts)
            cost = torch.cat([part.cost.detach() for part in passed], dim=1)
            weights = self._weights(cost, rows)
            results = shards.map(backward, passed, shards.split(weights))
        seen, sums = zip(*results, strict=True)
        loss, *sums = add_in_order(sums)
        n_means = len(self.module_.mean_field)
        for parameter, gradient in zip(parameters, sums[n_means:], strict=True):
            parameter.grad = gradient
        outputs, cost = (torch.cat(part, dim=1) for part in zip(*seen, strict=True))
        return outputs, cost, loss, sums[:n_means]

    def validation_step(self, batch, **fit_params):
        self._set_training(False)
        (X, _), y = unpack_data(batch)
        with torch.no_grad():
            _, outputs, _ = self.module_(X)
            return {"loss": self.criterion_(outputs, y).mean(), "y_pred": outputs}

    @torch.no_grad()
    def _weights(self, cost, rows):
        given = self._given_weights(rows)
        if self.meta_learner is not None:
            return normalise(given * self.meta_learner.network(cost))
        if self._row_weights is not None:
            return normalise(given)
        return torch.full_like(cost, 1 / cost.shape[1])

    def _given_weights(self, rows):
        """Weights of a batch's rows, not normalised."""
        return 1 if self._row_weights is None else self._row_weights[rows]

    def _meta_step(self, X, y, batch_rows):
        clean = self.clean_rows
        rows = torch.randint(
            len(clean),
            (len(X), min(self.meta_batch_size, len(clean))),
            generator=self._generator,
            device=X.device,
        )
        loss = lookahead_loss(
            self.module_,
            self.meta_learner.network,
            self.criterion_,
            (X, y),
            (clean.X[rows], clean.y[rows]),
            self.optimizer_.param_groups[0]["lr"],
            self._given_weights(batch_rows),
        )
        self.meta_learner.step(loss)


class EpochTask(Callback):
    """Tell scikit-learn's callbacks, such as its progress bar, about every epoch.

    Parameters
    ----------
    task : callable
        Returns the context manager that stands for one epoch.
    """

    def __init__(self, task):
        self.task = task

    def on_epoch_begin(self, net, **kwargs):
        self.epoch_ = self.task("epoch")
        self.epoch_.__enter__()

    def on_epoch_end(self, net, **kwargs):
        self.epoch_.__exit__(None, None, None)

    def on_train_end(self, net, **kwargs):
        # The task refers to the fit that is running; a trained net must not.
        self.task = self.epoch_ = None
