r"""What a forest knows of the rows, before any coalition is fitted.

A forest is fitted once, to all training rows, which says which rows are alike. With the
splits of its trees held fast, a tree predicts for a held-out row the mean label of
those members of the coalition that share its leaf. What coalitions are worth to such
trees is a game whose semivalues have a closed form (`CellMeans`); so they are with
larger nodes in place of the leaves, up to all rows. Coalitions that are lucky or
unlucky there are so with most estimators that tell rows apart, trees most of all.

The mean probability of the true class is such a game. Of the squared error of a mean
label, with :math:`\mu` the mean of all training labels of the cell, two are made:
:math:`2 (y_i - \mu) \sum_v (y_v - \mu)` from its slope at :math:`\mu` and
:math:`-(y_i - \mu)^2 \sum_v 1` from its curvature, over the held-out rows v of the
cell.
"""

import numpy as np
from scipy.sparse import issparse
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from .._coalitions.cell_means import CellMeans
from .._columns import columns_of, kind_of
from .._encoder import default_encoder
from .._given import as_given

N_TREES = 50
# Training rows of a leaf, at least, and of a larger node, as a share of all.
LEAST_IN_LEAF = 5
SHARE_OF_NODE = 1 / 15


def forest_cells(utility):
    """Games whose semivalues are known and which resemble the game of some rows.

    Parameters
    ----------
    utility : Utility
        The game of the rows.

    Returns
    -------
    games : tuple of CellMeans
        Empty where the rows are nothing that a forest reads.
    """
    numbers = _as_numbers(utility.X, utility.X_val)
    if numbers is None:
        return ()
    kind = RandomForestRegressor if utility.classes is None else RandomForestClassifier
    forest = kind(N_TREES, min_samples_leaf=LEAST_IN_LEAF, random_state=0)
    forest.fit(numbers[0], utility.y)
    leaves = [forest.apply(rows).T for rows in numbers]
    games = []
    for least in (LEAST_IN_LEAF, int(SHARE_OF_NODE * len(utility.y))):
        nodes = [
            _larger_nodes(tree.tree_, own, least)
            for tree, own in zip(forest.estimators_, leaves[0], strict=True)
        ]
        cells, cells_val = (
            [node[own] for node, own in zip(nodes, each, strict=True)]
            for each in leaves
        )
        games += _games(cells, cells_val, utility)
    everyone = [np.zeros(len(each), dtype=int) for each in (utility.y, utility.y_val)]
    return (*games, *_games(everyone[:1], everyone[1:], utility))


def _as_numbers(X, X_val):
    """Training and held-out rows for a forest; None where they cannot be read."""
    kind, rows = as_given(X)
    if kind == "other" or (kind == "numbers" and np.ndim(rows) != 2):
        return None
    if kind in {"frame", "table"} and None in map(kind_of, columns_of(rows)):
        return None
    if kind not in {"numbers", "sparse"}:
        encoder = default_encoder(X)
        X, X_val = encoder.fit_transform(X), encoder.transform(X_val)
    return _in_range(X), _in_range(X_val)


def _in_range(X):
    """Rows whose sums trees can check for missing cells, in single precision."""
    if issparse(X):
        X = X.tocsr(copy=True)
        X.data = _in_range(X.data)
        return X
    largest = np.sqrt(np.finfo(np.float32).max)
    return np.clip(np.asarray(X, dtype=np.float64), -largest, largest)


def _larger_nodes(tree, leaves, least):
    """For every node of a tree, the smallest around it with so many training rows."""
    parents = np.zeros(tree.node_count, dtype=int)
    for children in (tree.children_left, tree.children_right):
        has_child = children >= 0
        parents[children[has_child]] = np.flatnonzero(has_child)
    # Parents come before their children.
    counts = np.bincount(leaves, minlength=tree.node_count)
    for node in range(tree.node_count - 1, 0, -1):
        counts[parents[node]] += counts[node]
    nodes = np.arange(tree.node_count)
    for node in range(1, tree.node_count):
        if counts[node] < least:
            nodes[node] = nodes[parents[node]]
    return nodes


def _games(cells, cells_val, utility):
    """The games of some sortings, from the cells of both kinds of rows in each."""
    numbers_of = _squared_errors if utility.classes is None else _shares_of_class
    weights = utility.sample_weight_val
    if weights is None:
        weights = np.ones(len(utility.y_val))
    weights = weights / weights.sum()
    numbers = [
        numbers_of(own, utility.y, others, utility.y_val, weights)
        for own, others in zip(cells, cells_val, strict=True)
    ]
    cells = np.column_stack(cells)
    return [
        CellMeans(cells, np.column_stack(each)) for each in zip(*numbers, strict=True)
    ]


def _shares_of_class(cells, y, cells_val, y_val, weights):
    """Share of the held-out rows that are of a row's cell and class."""
    n_cells = 1 + max(cells.max(), cells_val.max())
    places, places_val = y * n_cells + cells, y_val * n_cells + cells_val
    n_places = 1 + max(places.max(), places_val.max())
    return (np.bincount(places_val, weights, minlength=n_places)[places],)


def _squared_errors(cells, y, cells_val, y_val, weights):
    """Slope and curvature of the squared errors of the cell's mean label."""
    n_cells = 1 + max(cells.max(), cells_val.max())
    counts = np.bincount(cells, minlength=n_cells)
    means = np.bincount(cells, y, minlength=n_cells) / np.maximum(counts, 1)
    apart, apart_val = y - means[cells], y_val - means[cells_val]
    slopes = np.bincount(cells_val, weights * apart_val, minlength=n_cells)
    shares = np.bincount(cells_val, weights, minlength=n_cells)
    return 2 * apart * slopes[cells], -(apart**2) * shares[cells]
