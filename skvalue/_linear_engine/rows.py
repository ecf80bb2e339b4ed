"""The rows that each coalition of a batch is fitted on, as batched linear operators.

A batch of :math:`B` linear models has parameters ``theta`` of shape ``(B, c, p)``: one
column of ``c`` for a binary or real target, one a class otherwise; the last of ``p``
features may be the constant 1 of an intercept. Three layouts of the rows answer the
same four questions: margins :math:`\\Theta X^\\top`, their adjoint :math:`R X`, Gram
matrices :math:`X^\\top \\mathrm{diag}(s) X` of weights (B, m), or (B, P, m) for P of
them a model, and which rows count (`weights`).
"""

from functools import cached_property

import torch

# Rows a pass: what fits in a cache beside the margins of the whole batch.
CHUNK_ROWS = 8192
# Beyond this many features one product a coalition beats one wide product for all.
MAX_PACKED_FEATURES = 96
# Of symmetric products of more features, half is made, in strips of so many columns.
WIDE_BLOCK = 64
# Products of feature pairs are kept when they take no more than this.
MAX_CACHED_BYTES = 2**28


class MaskedRows:
    """Coalitions as 0/1 masks over rows that they share.

    Parameters
    ----------
    table : Table
        The shared rows.

    masks : Tensor of shape (B, n)
        1 where the row belongs to the coalition.
    """

    # A stale Hessian is kept while a step divides the squared decrement by this: high
    # where a Hessian costs little more than a gradient.
    enough_contraction = 20.0

    def __init__(self, table, masks):
        self.table, self.masks = table, masks

    def __len__(self):
        return len(self.masks)

    def take(self, index):
        return MaskedRows(self.table, self.masks[index])

    def to(self, dtype):
        return MaskedRows(self.table.to(dtype), self.masks.to(dtype))

    def parts(self):
        n = len(self.table.X)
        return [slice(a, min(a + CHUNK_ROWS, n)) for a in range(0, n, CHUNK_ROWS)]

    def weights(self, part):
        return self.masks[:, part]

    def target(self, part):
        return self.table.target[:, part]

    def margins(self, theta, part):
        B, c, p = theta.shape
        return (theta.reshape(B * c, p) @ self.table.X[part].T).view(B, c, -1)

    def adjoint(self, residuals, part):
        B, c, m = residuals.shape
        return (residuals.reshape(B * c, m) @ self.table.X[part]).view(B, c, -1)

    def gram(self, weights, part, index=slice(None)):
        return self.table.gram(weights, part)


class Table:
    """Shared rows with their targets, and the products of their features.

    Parameters
    ----------
    X : Tensor of shape (n, p)
        Rows.

    target : Tensor of shape (c, n)
        What the margins should be: 0/1 for logistic losses, real otherwise.
    """

    def __init__(self, X, target):
        self.X, self.target = X, target
        self._products = None

    @cached_property
    def pair(self):
        """Both features of each pair, the second not before the first."""
        p = self.X.shape[1]
        return tuple(torch.triu_indices(p, p, device=self.X.device))

    @cached_property
    def place(self):
        """Number of the pair at each place of a p by p matrix, flat."""
        first, second = self.pair
        p = self.X.shape[1]
        place = torch.zeros(p, p, dtype=torch.long, device=self.X.device)
        place[first, second] = place[second, first] = torch.arange(
            len(first), device=self.X.device
        )
        return place.reshape(-1)

    def __getstate__(self):
        return {**vars(self), "_products": None}

    def to(self, dtype):
        return Table(self.X.to(dtype), self.target.to(dtype))

    def take(self, index):
        """Some of the rows, with what is known of their products."""
        taken = Table(self.X[index], self.target[:, index])
        if self._products is not None:
            taken._products = self._products[index]
        return taken

    def products(self, part):
        """Products of feature pairs, (rows, p (p + 1) / 2)."""
        first, second = self.pair
        size = len(self.X) * len(first) * self.X.element_size()
        if size > MAX_CACHED_BYTES:
            rows = self.X[part]
            return rows[:, first] * rows[:, second]
        if self._products is None:
            self._products = self.X[:, first] * self.X[:, second]
        return self._products[part]

    def gram(self, weights, part):
        """``X' diag(w) X`` for each ``w`` of weights (..., m): one product for all."""
        p = self.X.shape[1]
        if p > MAX_PACKED_FEATURES:
            gram = wide_gram(self.X[part], weights.flatten(0, -2))
            return gram.unflatten(0, weights.shape[:-1])
        packed = weights @ self.products(part)
        return packed[..., self.place].unflatten(-1, (p, p))

    def quadratic(self, matrices, part):
        """``x' M x`` of each row for each symmetric matrix, (B, rows)."""
        p = self.X.shape[1]
        if p > MAX_PACKED_FEATURES:
            return wide_quadratic(self.X[part], matrices)
        first, second = self.pair
        packed = matrices[:, first, second] * (1.0 + (first != second))
        return packed.to(self.X.dtype) @ self.products(part).T


def wide_gram(rows, weights):
    """``X' diag(w) X`` for each row ``w`` of weights, of which half is made."""
    p = rows.shape[1]
    gram = rows.new_empty(len(weights), p, p)
    for w, matrix in zip(weights, gram, strict=True):
        weighted = rows * w[:, None]
        for a in range(0, p, WIDE_BLOCK):
            b = min(p, a + WIDE_BLOCK)
            strip = rows[:, :b].T @ weighted[:, a:b]
            matrix[:b, a:b], matrix[a:b, :b] = strip, strip.T
    return gram


def wide_quadratic(rows, matrices):
    """``x' M x`` of each row for each symmetric matrix, of which half is used."""
    total = rows.new_zeros(len(matrices), len(rows))
    for M, sums in zip(matrices.to(rows.dtype), total, strict=True):
        for a in range(0, rows.shape[1], WIDE_BLOCK):
            own = slice(a, a + WIDE_BLOCK)
            product = rows[:, own] @ M[own, own]
            if a:
                # Columns to the left stand for their mirror, too.
                product.addmm_(rows[:, :a], M[:a, own], alpha=2.0)
            sums += product.mul_(rows[:, own]).sum(1)
    return total


class OwnRows:
    """Coalitions that hold copies of their rows: cheaper than masks when small.

    Parameters
    ----------
    X : Tensor of shape (B, k, p)
        Rows of each coalition, padded.

    target : Tensor of shape (B, c, k)
        Their targets.

    counted : Tensor of shape (B, k) or None
        0 where a row is padding; None: nothing is.
    """

    enough_contraction = 4.0

    def __init__(self, X, target, counted=None):
        self.X, self.y, self.counted = X, target, counted

    def __len__(self):
        return len(self.X)

    def take(self, index):
        counted = None if self.counted is None else self.counted[index]
        return OwnRows(self.X[index], self.y[index], counted)

    def to(self, dtype):
        counted = None if self.counted is None else self.counted.to(dtype)
        return OwnRows(self.X.to(dtype), self.y.to(dtype), counted)

    def parts(self):
        return [slice(None)]

    def weights(self, part):
        return self.counted

    def target(self, part):
        return self.y

    def margins(self, theta, part):
        return torch.bmm(theta, self.X.mT)

    def adjoint(self, residuals, part):
        return torch.bmm(residuals, self.X)

    def gram(self, weights, part, index=slice(None)):
        X = self.X[index]
        if weights.dim() == 3:
            X = X[:, None]
        return (X * weights[..., None]).mT @ X


class OneRowChanged:
    """One coalition with a different row added to it, or taken out, in each place.

    Parameters
    ----------
    table : Table
        The rows of the coalition, all of which count.

    X : Tensor of shape (B, p)
        The row that changes.

    target : Tensor of shape (B, c)
        Its target.

    sign : Tensor of shape (B,)
        1 where the row is added, -1 where it is taken out.
    """

    enough_contraction = 2.0

    def __init__(self, table, X, target, sign):
        self.table, self.X, self.y, self.sign = table, X, target, sign

    def __len__(self):
        return len(self.X)

    def take(self, index):
        return OneRowChanged(self.table, self.X[index], self.y[index], self.sign[index])

    def to(self, dtype):
        return OneRowChanged(
            self.table.to(dtype),
            self.X.to(dtype),
            self.y.to(dtype),
            self.sign.to(dtype),
        )

    def parts(self):
        return [slice(None)]

    def weights(self, part):
        ones = self.X.new_ones(len(self), len(self.table.X))
        return torch.cat([ones, self.sign[:, None]], 1)

    def target(self, part):
        shared = self.table.target.expand(len(self), -1, -1)
        return torch.cat([shared, self.y[:, :, None]], 2)

    def margins(self, theta, part):
        B, c, p = theta.shape
        shared = (theta.reshape(B * c, p) @ self.table.X.T).view(B, c, -1)
        return torch.cat([shared, theta @ self.X[:, :, None]], 2)

    def adjoint(self, residuals, part):
        B, c, m = residuals.shape
        shared = residuals[:, :, :-1].reshape(B * c, m - 1) @ self.table.X
        return shared.view(B, c, -1) + residuals[:, :, -1:] * self.X[:, None]

    def gram(self, weights, part, index=slice(None)):
        X = self.X[index]
        if weights.dim() == 3:
            X = X[:, None]
        shared = self.table.gram(weights[..., :-1], slice(None))
        own = weights[..., -1, None, None] * X[..., :, None] * X[..., None, :]
        return shared + own
