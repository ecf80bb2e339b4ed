"""A training step in parts of the batch, on as many threads as there are.

A large batch is cut into shards, whose number follows from its size alone. Each draws
its noise from a generator of its own and gives a gradient of its own; the gradients are
added in the order of the shards. So the number of threads changes no digit. A small
batch is one shard: a step of a few milliseconds is not worth handing out.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import torch
from joblib import effective_n_jobs

from ...utils._threads import keep_to_one_thread
from ..batches import gather

# States of a shard, and rows, at least: fewer cost more in calls of operations and in
# gradients to be added than they save.
LEAST_ELEMENTS, LEAST_ROWS = 250_000, 250
MOST_SHARDS = 8


def count_shards(n_members, n_rows, n_features):
    """Shards of a batch of so many rows for each member.

    Parameters
    ----------
    n_members, n_rows, n_features : int
        Shape of the batch.

    Returns
    -------
    n_shards : int
        At least 1.
    """
    n_shards = min(
        n_members * n_rows * n_features // LEAST_ELEMENTS, n_rows // LEAST_ROWS
    )
    return max(1, min(n_shards, MOST_SHARDS))


class ShardMemory:
    """What one shard needs of each batch: its rows and its noise.

    They lie in memory that every batch uses anew: fresh memory of this size is mapped
    page by page, which threads wait for each other to do.

    Parameters
    ----------
    seeds : tuple of int
        Of the training, and the shard's number.
    """

    def __init__(self, seeds):
        seed = np.random.SeedSequence(seeds).generate_state(1, np.uint64)
        self._generator = torch.Generator().manual_seed(int(seed[0]) >> 1)
        self._memory = {}

    def rows(self, X, rows):
        """Rows of X, of shape (n_members, n_rows, n_features)."""
        return gather(X, rows, self._of("rows", (*rows.shape, X.shape[1])))

    def noise(self, number, states, scale):
        """Noise of a time step, of the shape of the states."""
        memory = self._of(number, states.shape)
        if not scale:
            return memory.zero_()
        return memory.normal_(0, scale, generator=self._generator)

    def _of(self, name, shape):
        memory = self._memory.get(name)
        if memory is None or memory.shape != shape:
            memory = self._memory[name] = torch.empty(shape)
        # The last batch's graph is gone, and with it who else read this memory.
        return memory.detach()


class Shards:
    """The shards of every batch of a training, and the threads that take them.

    Parameters
    ----------
    n_shards : int
        Parts of a batch.

    n_jobs : int or None
        Threads at most, as joblib counts them.

    seed : int
        Of the noise.
    """

    def __init__(self, n_shards, n_jobs, seed):
        self.n_shards = n_shards
        self.n_threads = min(n_shards, effective_n_jobs(n_jobs))
        self.memories = [ShardMemory((seed, shard)) for shard in range(n_shards)]
        self._pool = None

    @contextmanager
    def threads(self):
        """Keep the threads for as long as a training lasts."""
        if self.n_threads == 1:
            yield
            return
        with ThreadPoolExecutor(
            self.n_threads, initializer=keep_to_one_thread
        ) as self._pool:
            try:
                yield
            finally:
                self._pool = None

    def map(self, function, *parts):
        """Results of a function of each shard's parts, in the order of the shards."""
        each = map if self._pool is None else self._pool.map
        return list(each(function, *parts))

    def split(self, tensor):
        """The parts of a tensor of shape (n_members, batch, ...)."""
        return tensor.tensor_split(self.n_shards, dim=1)


def add_in_order(parts):
    """Sum of lists of tensors; the first list is overwritten."""
    total, *others = parts
    for other in others:
        torch._foreach_add_(total, other)
    return total
