r"""First-order influence of training rows through the leaves that rows share.

Stage t of a boosting adds :math:`\eta\theta_{t,l}` to the score of every row in leaf l,

.. math:: \theta_l = -\frac{\sum_{j \in l} w_j g_j}{\sum_{j \in l} w_j h_j + \lambda},

with the first and second derivative g, h of row j's loss in its score before the stage,
:math:`F_{t-1}`, the row's weight w, the shrinkage :math:`\eta` and the penalty
:math:`\lambda`. With the trees' structure held fixed,

.. math:: \frac{\partial\theta_l}{\partial w_i} = -\frac{g_i + \theta_l h_i}{D_l},
   \qquad D_l = \sum_{j \in l} w_j h_j + \lambda, \quad i \in l.

Removing row i changes its weight by :math:`-w_i`, so what it does to a score L of
held-out rows e, which is minimised, is to first order

.. math:: v_i = w_i \sum_t \frac{A_{t,l}}{D_l} (g_i + \theta_l h_i), \qquad
   A_{t,l} = \eta \sum_{e \in l} \frac{\partial L}{\partial F(e)} + \eta
   \sum_{j \in l} b_{t,j} .

`boostin` (Brophy et al.) takes the held-out gradient before the stage,
:math:`F_{t-1}(e)`, as TracIn does at each step of a training, and :math:`b = 0`: what a
stage does to the gradients of later stages is left out.

`leaf_influence` is the derivative itself: the gradient at the last score, and what the
scores of the training rows do to later stages, by reverse differentiation:

.. math:: b_{t-1,j,m} = b_{t,j,m} - \sum_k \frac{A_{t,l_k}}{D_{l_k}}\, w_j \Bigl(
   \frac{\partial g_{jk}}{\partial F_m} + \theta_{l_k} \frac{\partial h_{jk}}
   {\partial F_m} \Bigr), \qquad b_{T} = 0,

for outputs k, m. The number of held-out scores L, not of training rows, decides what it
costs: one score, such as a mean, is one pass from the last tree to the first. Forward
differentiation (Sharchilev et al.) takes a pass for each training row.

With a mean :math:`\mu` (the score itself, expit or softmax of it) and a target y:
:math:`g = \mu - y`; squared loss :math:`h = 1`; log loss
:math:`h_k = \mu_k(1 - \mu_k)`,
:math:`\partial g_k / \partial F_m = \mu_k (\delta_{km} - \mu_m)` and
:math:`\partial h_k / \partial F_m = (1 - 2\mu_k)\, \partial g_k / \partial F_m`.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.special import expit, softmax

# A leaf of smaller curvature has no step: scikit-learn gives it the value 0.
_LEAST_CURVATURE = 1e-150


class Rows:
    """Rows on their way from the last tree to the first.

    Parameters
    ----------
    trees : BoostedTrees
        The fitted model.

    X : ndarray of shape (n_rows, n_features)
        The rows.

    y : ndarray of shape (n_rows,)
        Their labels, or real targets.

    sample_weight : ndarray of shape (n_rows,) or None, default=None
        How often each counts; None: once.
    """

    def __init__(self, trees, X, y, sample_weight=None):
        self.trees = trees
        self.prepared = trees.prepared(X)
        self.scores = trees.scores(X)
        self.target = trees.target(y)
        self.counts = np.ones(len(y)) if sample_weight is None else sample_weight
        # Of their losses in a fit.
        self.weights = self.counts * trees.weights(y)
        self._set_mean()

    def step_back(self, stage):
        """Take the scores to those before a stage; return the leaves of it."""
        leaves = self.trees.leaves(stage, self.prepared)
        for k, values in enumerate(self.trees.values(stage)):
            self.scores[:, k] -= values[leaves[k]]
        self._set_mean()
        return leaves

    @property
    def gradient(self):
        """Derivative of each row's loss in its scores, the squared one halved."""
        return self.mean - self.target

    @property
    def hessian(self):
        """Second derivative in each score by itself."""
        if self.trees.classes is None:
            return np.ones_like(self.mean)
        return self.mean * (1 - self.mean)

    def held_out_gradient(self, scoring):
        """Derivative of each row's own score: `loss`, or `proba` of other labels."""
        gradient = self.gradient
        if self.trees.classes is None:
            return 2 * gradient
        if scoring == "loss":
            return gradient
        # The derivative of -p is p times that of -log p.
        if self.mean.shape[1] == 1:
            return gradient * np.where(self.target == 1, self.mean, 1 - self.mean)
        return gradient * (self.mean * self.target).sum(axis=1, keepdims=True)

    def through_gradients(self, steps, moved):
        """Derivative of ``sum moved (g + steps h)`` in the scores before the stage.

        `steps` has shape (n_rows, n_outputs), `moved` (n_outputs, n_rows, n_columns),
        as has the result.
        """
        if self.trees.classes is None:
            return moved
        mean = self.mean.T
        moved = moved * (mean * (1 + steps.T * (1 - 2 * mean)))[:, :, None]
        if len(mean) == 1:
            return moved * (1 - mean)[:, :, None]
        return moved - mean[:, :, None] * moved.sum(axis=0)

    @property
    def constant_curvature(self):
        """Second derivative in the one score that all rows share before any stage.

        For several classes of the class's own log probability, the others being free.
        """
        if self.trees.classes is not None and self.mean.shape[1] > 1:
            return self.mean
        return self.hessian

    def _set_mean(self):
        if self.trees.classes is None:
            self.mean = self.scores.copy()
        elif self.scores.shape[1] == 1:
            self.mean = expit(self.scores)
        else:
            self.mean = softmax(self.scores, axis=1)


class Responses(NamedTuple):
    """What a change of a leaf's sums does to the mean score of the held-out rows.

    Parameters
    ----------
    leaves : list of list of ndarray of shape (n_nodes,)
        A / D of each node, by stage and output.

    start : ndarray of shape (n_outputs,)
        The same of the constant that the stages start from; 0 where it stays fixed.
    """

    leaves: list
    start: np.ndarray


def influence(trees, training, held_out, *, scoring, method, by_row=False):
    """Effect of the removal of each training row on scores of held-out rows.

    Parameters
    ----------
    trees : BoostedTrees
        The model, fitted on the training rows.

    training : Rows
        All rows that it was fitted on, after the last stage; used up.

    held_out : Rows
        What is scored; used up.

    scoring : {"loss", "proba"}
        Score of a held-out row, lower being better.

    method : {"boostin", "leaf_influence"}
        See the module.

    by_row : bool, default=False
        Whether every held-out row is a column, or their mean the only one.

    Returns
    -------
    values : ndarray of shape (n_training, n_columns)
        Rise of the score of each column.

    responses : Responses
        What values any other row; of the first column.
    """
    exact = method == "leaf_influence"
    n_rows, n_held_out = len(training.target), len(held_out.target)
    n_columns = n_held_out if by_row else 1
    shares = held_out.counts[:, None]
    shares = np.ones_like(shares) if by_row else shares / shares.sum()
    weights = training.weights
    values = np.zeros((n_rows, n_columns))
    carried = np.zeros((trees.n_outputs, n_rows, n_columns)) if exact else None
    gradient = last_gradient = shares * held_out.held_out_gradient(scoring)
    responses = [None] * trees.n_stages
    for stage in reversed(range(trees.n_stages)):
        leaves = training.step_back(stage)
        held_out_leaves = held_out.step_back(stage)
        if not exact:
            gradient = shares * held_out.held_out_gradient(scoring)
        first, second = training.gradient, training.hessian
        steps, moved, responses[stage] = np.empty_like(first), [], []
        for k, added in enumerate(trees.values(stage)):
            at_node, n_nodes = held_out_leaves[k], len(added)
            pull = _held_out_sums(at_node, gradient[:, k], n_nodes, by_row)
            if exact:
                pull += _leaf_sums(leaves[k], carried[k], n_nodes)
            curvature = np.bincount(leaves[k], weights * second[:, k], n_nodes)
            response = trees.shrinkage * _ratio(pull, curvature + trees.l2)
            at_rows = response[leaves[k]]
            steps[:, k] = added[leaves[k]] / trees.shrinkage
            change = weights * (first[:, k] + steps[:, k] * second[:, k])
            values += at_rows * change[:, None]
            responses[stage].append(response[:, 0])
            if exact:
                moved.append(at_rows * weights[:, None])
        if exact:
            carried -= training.through_gradients(steps, np.stack(moved))
    start = np.zeros((trees.n_outputs, n_columns))
    if exact and trees.starts_at_constant:
        pull = last_gradient.T if by_row else last_gradient.sum(axis=0)[:, None]
        curvature = weights @ training.constant_curvature
        start = _ratio(pull + carried.sum(axis=1), curvature)
        values += (weights[:, None] * training.gradient) @ start
    return values, Responses(responses, start[:, 0])


def values_of_rows(trees, rows, responses):
    """Fall of the mean score of the held-out rows when each row is added.

    Parameters
    ----------
    trees : BoostedTrees
        The fitted model.

    rows : Rows
        Rows of any kind, after the last stage; used up.

    responses : Responses
        As `influence` returns them.

    Returns
    -------
    values : ndarray of shape (n_rows,)
        For a row of training, its own value.
    """
    values = np.zeros(len(rows.target))
    for stage in reversed(range(trees.n_stages)):
        leaves = rows.step_back(stage)
        first, second = rows.gradient, rows.hessian
        for k, added in enumerate(trees.values(stage)):
            step = added[leaves[k]] / trees.shrinkage
            change = first[:, k] + step * second[:, k]
            values += responses.leaves[stage][k][leaves[k]] * change
    return rows.weights * (values + rows.gradient @ responses.start)


def _held_out_sums(leaves, gradient, n_nodes, by_row):
    """Gradient of each column in the score of a node, of shape (n_nodes, n_columns)."""
    if not by_row:
        return np.bincount(leaves, gradient, n_nodes)[:, None]
    sums = np.zeros((n_nodes, len(leaves)))
    sums[leaves, np.arange(len(leaves))] = gradient
    return sums


def _leaf_sums(leaves, columns, n_nodes):
    """Sum over the rows of each node, of shape (n_nodes, n_columns)."""
    if columns.shape[1] == 1:
        return np.bincount(leaves, columns[:, 0], n_nodes)[:, None]
    places = np.arange(len(leaves) + 1)
    member = csr_array((np.ones(len(leaves)), leaves, places), (len(leaves), n_nodes))
    return member.T @ columns


def _ratio(numerator, denominator):
    """Each row of the numerator over the denominator; 0 where nothing is curved."""
    flat = denominator < _LEAST_CURVATURE
    inverse = np.where(flat, 0.0, 1 / np.where(flat, 1.0, denominator))
    return inverse[:, None] * numerator
