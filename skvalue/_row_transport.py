r"""Transport of labelled rows to held-out rows: costs, potentials and values.

    C((x, y), (x', y')) = d(x, x') + label_cost * W(rows of y, held-out rows of y')

Few rows are transported at once. More are dealt to batches; the held-out rows'
potentials g are means over batches (Fatras et al., "Learning with Minibatch
Wasserstein", 2020; Kessler et al., "SAVA", 2025), and a row's potential follows from
them as it does at the optimum,

.. math:: f_i = -\tau \log \sum_j \exp((g_j - C_{ij}) / \tau) - \tau \log n .
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sklearn.metrics import pairwise_distances

from ._transport import solve_transport, transport_costs
from .utils._chunks import row_chunks
from .utils._folds import deal, drawn_evenly

# Batches whose potentials are averaged. More of them change the values by less than
# the draw of the held-out rows does.
MAX_BATCHES = 16


class Settings(NamedTuple):
    """What `LAVA` is told of the transport; ``n_classes`` None for real targets."""

    n_classes: int | None
    feature_cost: str
    label_cost: float
    regularization: float
    batch_size: int


@dataclass
class Transport:
    """What new rows need to be valued as the training rows were."""

    X_val: np.ndarray
    y_val: np.ndarray
    n_rows: int
    # Of a class (row) to a held-out class (column); None for real targets.
    label_distances: np.ndarray | None = None
    # Factor of those, or of the squared differences of real targets.
    label_scale: float = 1.0
    temperature: float = 0.0
    held_out_potential: np.ndarray | None = None
    mean: float = 0.0

    def add_label_costs(self, cost, y):
        """Add to the features' costs those of the labels."""
        if self.label_distances is None:
            cost += self.label_scale * (y[:, None] - self.y_val) ** 2
        else:
            cost += self.label_scale * self.label_distances[y[:, None], self.y_val]


def transported(X, y, X_val, y_val, settings, seed):
    """Values of the rows of a split, and the transport for new ones.

    Parameters
    ----------
    X, y : ndarray of shape (n_rows, n_features), (n_rows,)
        Training rows; class codes or real targets.

    X_val, y_val : ndarray of shape (n_val, n_features), (n_val,)
        Held-out rows.

    settings : Settings
        The parameters of `LAVA`.

    seed : int
        Deals rows to batches, where there are several.

    Returns
    -------
    values : ndarray of shape (n_rows,)
        Negative calibrated gradients.

    transport : Transport
        For `values_of_new_rows`.
    """
    classification = settings.n_classes is not None
    if len(y_val) > settings.batch_size:
        drawn = drawn_evenly(y_val, settings.batch_size, classification, seed)
        X_val, y_val = X_val[drawn], y_val[drawn]
    transport = Transport(X_val, y_val, len(y))
    if len(y) <= settings.batch_size:
        potential = _transport_at_once(X, y, transport, settings)
    else:
        _transport_in_batches(X, y, transport, settings, seed)
        potential = _potential_by_held_out(X, y, transport, settings.feature_cost)
    transport.mean = potential.mean()
    values = (transport.mean - potential) * len(y) / max(len(y) - 1, 1)
    return values, transport


def values_of_new_rows(X, y, transport, feature_cost):
    """Values of rows as if they were training rows; NaN where their class was not."""
    potential = _potential_by_held_out(X, y, transport, feature_cost)
    return transport.mean - potential


def mean_of_known(distances):
    """Mean over the first axis of what is not NaN; NaN where all are."""
    known = np.isfinite(distances)
    total = np.where(known, distances, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


def _transport_at_once(X, y, transport, settings):
    """Potentials of the rows; fills the transport in."""
    cost = pairwise_distances(X, transport.X_val, metric=settings.feature_cost)
    _set_label_costs([cost], [y], transport, settings)
    transport.add_label_costs(cost, y)
    transport.temperature = settings.regularization * cost.mean()
    potential, transport.held_out_potential, _ = solve_transport(
        cost, settings.regularization
    )
    return potential


def _transport_in_batches(X, y, transport, settings, seed):
    """Fill the transport in with means over batches of rows."""
    batches = _batches(y, settings, seed)

    def costs():
        for rows in batches:
            yield pairwise_distances(
                X[rows], transport.X_val, metric=settings.feature_cost
            )

    labels = [y[rows] for rows in batches]
    _set_label_costs(costs(), labels, transport, settings)
    means = []
    for cost, of_batch in zip(costs(), labels, strict=True):
        transport.add_label_costs(cost, of_batch)
        means.append(cost.mean())
    transport.temperature = settings.regularization * np.mean(means)
    total = 0
    for cost, of_batch in zip(costs(), labels, strict=True):
        transport.add_label_costs(cost, of_batch)
        # All batches at one temperature, in units of each one's mean cost.
        regularization = transport.temperature / (cost.mean() or 1.0)
        _, potential, _ = solve_transport(cost, regularization)
        # A constant may go from one side's potentials to the other's.
        total = total + potential - potential.mean()
    transport.held_out_potential = total / len(batches)


def _batches(y, settings, seed):
    """Row numbers of the batches that are transported; every class is among them."""
    classification = settings.n_classes is not None
    n_batches = -(-len(y) // settings.batch_size)
    batch = deal(y, n_batches, classification, seed)
    n_used = min(n_batches, MAX_BATCHES)
    if classification:
        # A class of few rows may be in the others only; there are fewer than batches.
        missing = np.setdiff1d(y, y[batch < n_used])
        rows = np.flatnonzero(np.isin(y, missing))
        batch[rows] = np.arange(len(rows)) % n_used
    return [np.flatnonzero(batch == number) for number in range(n_used)]


def _set_label_costs(feature_costs, labels, transport, settings):
    """What differing labels cost: the mean of what each batch of rows says."""
    y_val, found = transport.y_val, []
    for cost, y in zip(feature_costs, labels, strict=True):
        if settings.n_classes is None:
            found.append((cost.mean(), ((y[:, None] - y_val) ** 2).mean()))
        else:
            found.append(
                _label_distances(
                    cost, y, y_val, settings.n_classes, settings.regularization
                )
            )
    transport.label_scale = settings.label_cost
    if settings.n_classes is not None:
        transport.label_distances = mean_of_known(np.stack(found))
        return
    # Real targets have no class-conditional rows. In units of the features' mean
    # cost, label_cost says what share of the whole the targets make.
    mean_cost, mean_square = np.mean(found, axis=0)
    transport.label_scale *= mean_cost / mean_square


def _label_distances(feature_cost, y, y_val, n_classes, regularization):
    """Wasserstein distance between the rows of each pair of classes; NaN if absent."""
    rows = [np.flatnonzero(y == code) for code in np.unique(y)]
    held_out = [np.flatnonzero(y_val == code) for code in np.unique(y_val)]
    blocks = [feature_cost[np.ix_(i, j)] for i in rows for j in held_out]
    costs = transport_costs(blocks, regularization)
    distances = np.full((n_classes, n_classes), np.nan)
    distances[np.ix_(np.unique(y), np.unique(y_val))] = costs.reshape(len(rows), -1)
    return distances


def _potential_by_held_out(X, y, transport, feature_cost):
    """Potentials of rows from those of the held-out rows: the c-transform."""
    potential = np.empty(len(y))
    for chunk in row_chunks(len(y), len(transport.y_val)):
        cost = pairwise_distances(X[chunk], transport.X_val, metric=feature_cost)
        transport.add_label_costs(cost, y[chunk])
        slack = np.subtract(transport.held_out_potential, cost, out=cost)
        highest = slack.max(axis=1)
        potential[chunk] = -highest
        if transport.temperature > 0:
            # The logarithm of a sum of exponentials, without a copy.
            slack -= highest[:, None]
            slack /= transport.temperature
            mass = np.exp(slack, out=slack).sum(axis=1) * transport.n_rows
            potential[chunk] -= transport.temperature * np.log(mass)
    return potential
