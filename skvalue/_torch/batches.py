"""Mini-batches by slicing tensors: half the time a batch that a DataLoader takes."""

import math

import torch


class TensorRows(torch.utils.data.Dataset):
    """Rows and targets that already lie on the device as tensors."""

    def __init__(self, X, y):
        self.X = X
        self.y = y

    def __len__(self):
        return len(self.X)

    def __getitem__(self, index):
        return self.X[index], self.y[index]


def gather(tensor, rows, memory=None):
    """Rows of a tensor, of shape ``(*rows.shape, *tensor.shape[1:])``.

    Parameters
    ----------
    tensor : tensor of shape (n_samples, ...)
        Rows.

    rows : tensor of int
        Their numbers, of any shape.

    memory : tensor of that size or None, default=None
        Where to put them.
    """
    shape = (*rows.shape, *tensor.shape[1:])
    flat = None if memory is None else memory.view(-1, *tensor.shape[1:])
    return torch.index_select(tensor, 0, rows.reshape(-1), out=flat).view(shape)


class MemberBatches:
    """Every row once an epoch, for each member in an order of its own.

    The rows are split into batches of nearly equal size, at most `batch_size`, so no
    step rests on a few left-over rows. Without `gathers`, which rows they are is left
    in the place of ``X``.

    Yields
    ------
    batch : ((X, rows), y)
        ``X`` (n_members, batch, n_features), ``rows`` and ``y`` (n_members, batch).
    """

    def __init__(self, dataset, batch_size, n_members, generator=None, gathers=True):
        self.dataset = dataset
        self.batch_size = batch_size
        self.n_members = n_members
        self.generator = generator
        self.gathers = gathers

    def __len__(self):
        return math.ceil(len(self.dataset) / self.batch_size)

    def __iter__(self):
        X, y = self.dataset.X, self.dataset.y
        for rows in self._order().tensor_split(len(self), dim=1):
            batch = gather(X, rows) if self.gathers else rows
            yield (batch, rows), gather(y, rows)

    def _order(self):
        X = self.dataset.X
        if self.generator is None:
            return torch.arange(len(X), device=X.device).repeat(self.n_members, 1)
        return torch.stack(
            [
                torch.randperm(len(X), generator=self.generator, device=X.device)
                for _ in range(self.n_members)
            ]
        )
