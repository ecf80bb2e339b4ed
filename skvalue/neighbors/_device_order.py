"""Neighbour orders on a torch device: the same keys, computed and sorted there."""

import torch

from ._order import NeighbourOrder


class DeviceNeighbourOrder(NeighbourOrder):
    """`NeighbourOrder` by Euclidean distance whose products and sorts run on a device.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Training rows.

    device : str
        Torch device, which must have float64.
    """

    def __init__(self, X, device):
        super().__init__(X, "euclidean")
        self.device = device
        self.X_device = self._on_device(self.X)

    def sorted_keys(self, X_test, n_nearest=None):
        """As `NeighbourOrder.sorted_keys`."""
        keys = self._rounded(self._squared_distances(X_test, self.X_device))
        keys += torch.arange(self.n_samples, device=self.device)
        if n_nearest is not None and n_nearest < self.n_samples:
            keys = keys.topk(n_nearest, dim=1, largest=False).values
        return keys.sort(dim=1).values.cpu().numpy()

    def _ordering_distances(self, X_test, X_train):
        X_train = self.X_device if X_train is self.X else self._on_device(X_train)
        return self._squared_distances(X_test, X_train).cpu().numpy()

    def _squared_distances(self, X_test, X_train):
        X_test, tiny = (self._on_device(part) for part in self._test_side(X_test))
        squared = X_test @ X_train.T
        return squared.masked_fill_(squared < tiny, 0)

    def _rounded(self, distances):
        if isinstance(distances, torch.Tensor):
            keys = distances.view(torch.int64)
            keys += (self.row_mask + 1) >> 1
            keys &= ~self.row_mask
            return keys
        return super()._rounded(distances)

    def _on_device(self, array):
        return torch.as_tensor(array, dtype=torch.float64, device=self.device)
