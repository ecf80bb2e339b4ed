r"""The network of the amortized datamodel: a tower of rows and one of targets.

.. math:: c_{ie} \sum_r \alpha_r(z_i) \beta_r(x_e) + \sum_r \phi_r(z_i) \psi_r(x_e)

Each tower reads its rows once, so that a step over many pairs costs little more than
one over as many rows and targets.
"""

import numpy as np
import torch
from torch import nn

from ..utils._progress import Progress
from .amortized.amortizer import AmortizerNet, AverageIterates, RowBatches
from .amortized.amortizer import predict as predict_rows
from .batches import TensorRows
from .epochs import EpochProgress
from .layers import perceptron, seeded_linear

HIDDEN = (128, 128)
RANK = 16
MAX_EPOCHS, LR = 30, 1e-3
# Rows of a step, with all their targets.
BATCH_ROWS = 32


class Towers(nn.Module):
    """What is added to the control of pairs; nothing before training.

    Parameters
    ----------
    n_rows_in : int
        Columns of the rows.

    targets : Tensor of shape (n_targets, n_columns)
        The targets of training.

    generator : torch.Generator
        Draws the first weights.
    """

    def __init__(self, n_rows_in, targets, generator):
        super().__init__()
        self.register_buffer("targets", targets, persistent=False)
        sides = n_rows_in, targets.shape[1]
        self.bodies = nn.ModuleList(
            nn.Sequential(perceptron([n_in, *HIDDEN], generator), nn.ReLU())
            for n_in in sides
        )
        self.heads = nn.ModuleList(
            seeded_linear(HIDDEN[-1], 2 * RANK, generator) for _ in sides
        )
        # One side only: a product of two zeros would never leave them.
        nn.init.zeros_(self.heads[1].weight)
        nn.init.zeros_(self.heads[1].bias)

    def forward(self, X):
        """Additions to the control; X holds rows, beside their controls."""
        n_targets = len(self.targets)
        return self.added(X[:, :-n_targets], self.targets, X[:, -n_targets:])

    def added(self, rows, targets, control):
        """Additions to the control of any pairs, (n_rows, n_targets)."""
        (a, phi), (b, psi) = (
            head(body(side)).split(RANK, dim=1)
            for body, head, side in zip(
                self.bodies, self.heads, (rows, targets), strict=True
            )
        )
        return control * (a @ b.T) + phi @ psi.T


class KeepBestTowers(AverageIterates):
    """Count the epochs to the average with the least error on other labels.

    Parameters
    ----------
    rows : TensorRows
        All rows with their controls, and the other labels.
    """

    def __init__(self, rows):
        self.rows = rows

    def on_train_begin(self, net, **kwargs):
        super().on_train_begin(net, **kwargs)
        # No training at all is the first candidate.
        self.best_ = float(self.rows.y.square().mean())
        self.epoch_, self.added_ = 0, None

    def on_epoch_end(self, net, **kwargs):
        super().on_epoch_end(net, **kwargs)
        added = predict_rows(self.module_, self.rows.X)
        error = float((added - self.rows.y).square().mean())
        net.history.record("independent_error", error)
        if error < self.best_:
            self.best_, self.epoch_, self.added_ = error, len(net.history), added


def train(settings, rows, targets, control, first, held_out, pooled):
    """Train towers on noisy labels for as long as independent ones advise.

    Parameters
    ----------
    settings : dict
        `device`, `verbose` and `seed`.

    rows, targets : ndarray of shape (n_rows, n_columns)
        Either side of the pairs.

    control, first, held_out, pooled : ndarray of shape (n_rows, n_targets)
        Control, and noisy labels: those to learn from, those to choose the epoch by,
        and the mean of both.

    Returns
    -------
    module : Towers
        Trained on the pooled labels.

    blind : ndarray of shape (n_rows, n_targets)
        What one adds that was trained on the first labels; zeros where none is better
        than no network.
    """
    device = settings["device"]
    X = _tensor(np.hstack([rows, control]), device)
    sides = rows.shape[1], _tensor(targets, device)
    first, held_out, pooled = (
        TensorRows(X, _tensor(labels, device)) for labels in (first, held_out, pooled)
    )
    keeper = KeepBestTowers(held_out)
    module = _fit(settings, sides, first, MAX_EPOCHS, keeper)
    if keeper.added_ is None:
        return module.eval(), np.zeros(control.shape)
    average = AverageIterates()
    _fit(settings, sides, pooled, keeper.epoch_, average)
    return average.module_.eval(), keeper.added_.double().cpu().numpy()


def _fit(settings, sides, rows, n_epochs, average):
    generator = torch.Generator().manual_seed(settings["seed"] % 2**31)
    progress = Progress("Datamodels, network", n_epochs, "epochs", settings["verbose"])
    net = AmortizerNet(
        Towers(*sides, generator),
        criterion=nn.MSELoss,
        optimizer=torch.optim.Adam,
        lr=LR,
        max_epochs=n_epochs,
        batch_size=BATCH_ROWS,
        iterator_train=RowBatches,
        iterator_train__generator=generator,
        train_split=None,
        callbacks=[("average", average), ("progress", EpochProgress(progress))],
        device=settings["device"],
        verbose=0,
    )
    net.finish(lambda: net.fit(rows, None))
    return net.module_


def _tensor(array, device):
    return torch.from_numpy(np.asarray(array, dtype=np.float32)).to(device)


def predict(module, rows, targets, control, device):
    """What a trained module adds to the control, float64 (n_rows, n_targets)."""
    sides = [_tensor(side, device) for side in (rows, targets, control)]
    with torch.no_grad():
        return module.added(*sides).double().cpu().numpy()
