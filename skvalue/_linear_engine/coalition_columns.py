"""The columns that models of one coalition, and of its neighbours, are written in.

The penalised coefficients of a coalition's model lie in the span of its rows, and those
of a neighbour in the span of these and of the row that enters. So a coalition of fewer
rows than columns is turned, as `wide` turns all rows: with the columns divided by the
roots of their penalties and an orthonormal basis :math:`Q` of the span, a row x becomes
:math:`(Q^\\top x, \\lVert x - Q Q^\\top x \\rVert)`, whose last coordinate is along a
direction of its own. No two rows that enter meet, so one column serves them all.
"""

import torch

from .rows import MAX_PACKED_FEATURES, Table, wide_quadratic

# Turning costs a pass over the rows, and pays where it leaves less than this.
ENOUGH_SHRINKAGE = 0.9
# Single precision must hold the rows turned as well as it holds them by column.
MAX_PENALTY_RATIO = 1e6
# A row whose squared distance from the span of those before it is below this share of
# the largest squared length calls for eigenvectors.
NEARLY_SPANNED = 1e-6
# Directions along which the rows of a coalition hardly differ, against the largest.
NEGLIGIBLE_VARIANCE = 1e-10


def columns_of(problem, inside):
    """The fewest columns for the models of a coalition and its neighbours.

    Parameters
    ----------
    problem : LinearProblem
        Of all rows.

    inside : Tensor of int
        The rows of the coalition.

    Returns
    -------
    columns : AllColumns or SpannedColumns
        The latter where there are fewer rows than columns, and that is worth while.
    """
    # Only the constant column, which is the last, goes without a penalty.
    d = int((problem.penalty > 0).sum())
    penalty = problem.penalty[:d].double()
    if len(inside) > d or penalty.max() > MAX_PENALTY_RATIO * penalty.min():
        return AllColumns(problem)
    members = problem.X[inside, :d].double() / penalty.sqrt()
    gram = members @ members.T
    factor, failed = torch.linalg.cholesky_ex(gram)
    lengths = factor.diagonal().square()
    is_plain = not failed and bool(
        lengths.amin() > NEARLY_SPANNED * gram.diagonal().amax()
    )
    rank = len(inside)
    if not is_plain:
        variance, axes = torch.linalg.eigh(gram)
        kept = variance > NEGLIGIBLE_VARIANCE * variance[-1]
        rank = int(kept.sum())
    if rank + 1 > ENOUGH_SHRINKAGE * d:
        return AllColumns(problem)
    if is_plain:
        basis = torch.linalg.solve_triangular(factor, members, upper=False).T
    else:
        basis = members.T @ (axes[:, kept] / variance[kept].sqrt())
    return SpannedColumns(problem, inside, basis, penalty.sqrt())


class AllColumns:
    """The columns of the problem, as they are.

    Attributes
    ----------
    table : Table
        All rows.

    penalty : Tensor of shape (p,)
        The weight of half the squared coefficient of each column.
    """

    def __init__(self, problem):
        self.table, self.penalty = problem.table, problem.penalty
        self.X_val = self.X_own = problem.X_val

    def of_model(self, theta):
        """Coefficients of a model of the coalition, (K, p), in these columns."""
        return theta

    def to_model(self, theta):
        """A model of the coalition from its coefficients in these columns."""
        return theta

    def margins(self, theta, index):
        """Held-out margins (m, K, n_val) where each row of `index` enters."""
        return theta @ self.X_val.T


class SpannedColumns:
    """Coordinates in the span of a coalition, and one along the row that enters.

    Parameters
    ----------
    problem : LinearProblem
        Of all rows.

    inside : Tensor of int
        The rows of the coalition.

    basis : Tensor of shape (d, r)
        Orthonormal, of the coalition's rows over the roots of the penalties.

    roots : Tensor of shape (d,)
        Of the penalties, which the first columns have.

    Attributes
    ----------
    table : Table
        All rows.

    penalty : Tensor of shape (r + 1 + p - d,)
        1 for each direction, 0 for a constant column.
    """

    def __init__(self, problem, inside, basis, roots):
        (d, r), p = basis.shape, problem.X.shape[1]
        # Rows turn into coordinates, and coefficients back, by a product with each.
        turn = basis.new_zeros(p, r + 1 + p - d)
        turn[:d, :r] = basis / roots[:, None]
        turn[d:, r + 1 :] = torch.eye(p - d, dtype=basis.dtype, device=basis.device)
        self.turn = turn.to(problem.dtype)
        back = turn.clone()
        back[:d, :r] = basis * roots[:, None]
        self.back, self.own = back.to(problem.dtype), r
        coordinates = problem.X @ self.turn
        beyond = problem.X - coordinates @ self.back.T
        # Rounding would let the members meet the directions of others.
        beyond[inside] = 0.0
        beyond[:, :d] /= roots.to(problem.dtype)
        beyond[:, d:] = 0.0
        distance = beyond.norm(dim=1)
        smallest = torch.finfo(problem.dtype).tiny
        coordinates[:, r] = distance
        self.beyond = beyond / distance.clamp(min=smallest)[:, None]
        self.beyond[:, :d] /= roots.to(problem.dtype)
        self.X_val, self.X_own = problem.X_val, problem.X_val @ self.turn
        self.table = SpannedTable(coordinates, self.turn, r, problem.table)
        self.penalty = coordinates.new_ones(coordinates.shape[1])
        self.penalty[r + 1 :] = 0.0

    def of_model(self, theta):
        """Coefficients of a model of the coalition, (K, p), in these columns."""
        return theta @ self.back

    def to_model(self, theta):
        """A model of the coalition from its coefficients in these columns."""
        return theta @ self.turn.T

    def margins(self, theta, index):
        """Held-out margins (m, K, n_val) where each row of `index` enters."""
        along = self.beyond[index] @ self.X_val.T
        own = theta[:, :, self.own, None]
        return (theta @ self.X_own.T).addcmul_(own, along[:, None])


class SpannedTable(Table):
    """All rows in the columns of a coalition.

    Parameters
    ----------
    X : Tensor of shape (n, q)
        Their coordinates.

    turn : Tensor of shape (p, q)
        Of which they are the products of the rows with this, but for their own column.

    own : int
        Number of that column.

    table : Table
        The rows as they were.
    """

    def __init__(self, X, turn, own, table):
        super().__init__(X, table.target)
        self.turn, self.own, self.whole = turn, own, table

    def quadratic(self, matrices, part):
        """``x' M x`` as `Table` has it, of M that join no column to the rows' own."""
        if len(self.turn) > MAX_PACKED_FEATURES:
            return wide_quadratic(self.X[part], matrices)
        # The products of all columns are at hand.
        turned = self.whole.quadratic(self.turn @ matrices @ self.turn.T, part)
        own = matrices[:, self.own, self.own, None]
        return turned.addcmul_(own, self.X[part, self.own].square())
