"""A valuation game whose utility is the score of a regularised linear model.

What the engine's passes share: standardised rows, penalty, loss, score, and what a
coalition without a model is worth.
"""

import numpy as np
import torch

from .linear_fits import (
    fit_joint,
    fit_joint_safely,
    fit_logistic,
    fit_multinomial,
    fit_ridge,
)
from .objectives import bohning_inverse
from .row_scores import BinaryRows, MulticlassRows, RegressionRows
from .rows import MaskedRows, OwnRows, Table
from .scores import BinaryScore, MulticlassScore, RegressionScore
from .standardise import standardise

# Squared Newton decrement allowed, relative to p / (rows of the coalition), but not
# above `MAX_TOLERANCE`: a few per cent of what one row moves, before the last step
# divides it again.
RELATIVE_TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-12}
MAX_TOLERANCE = 1e-4
STEP_TOLERANCE, MAX_STEP_TOLERANCE = 2e-2, 2e-3
# Rows without number fit nearly any labels, and little of the loss is left.
MAX_REDUCED_TOLERANCE = 1e-6
# Where all is solved until rounding ends it: 1e-8 of what one row moves.
EXACT_TOLERANCE = 1e-16
# What rows that all models are certain of may ask for, as a share of a tolerance.
SMALLEST_RESIDUAL = {torch.float32: 1e-2, torch.float64: 1e-12}
# Residuals are known to the rounding of 1; what that leaves open grows with the inverse
# Hessian, and that as residuals fall.
ROUNDING = 1e-31
# Coalitions below this share of the rows hold copies of them instead of masking all.
OWN_ROWS_SHARE = 0.125
MAX_OWN_ELEMENTS = 2**22
MAX_SCORED_ELEMENTS = 2**18
# Up to here the Hessian of all classes costs no more than the conjugate gradients that
# double precision is for: those of rows whose scale leaves hardly any penalty.
MAX_DENSE_PARAMETERS = 256


class LinearProblem:
    """Rows, loss, score and conventions of one game.

    Parameters
    ----------
    X, y, X_val, y_val : ndarray
        Training and held-out rows; class codes or real targets.

    loss : {"logistic", "squared"}
        What is minimised.

    penalty : float
        Weight of half the squared coefficients (logistic), or of the squared
        coefficients against the squared residuals (squared).

    fit_intercept : bool
        Whether there is a constant, which is not penalised.

    n_classes : int or None
        None for regression.

    scoring : str
        See `scores`, or `row_scores`.

    empty_value : float or ndarray of shape (n_val,)
        What the empty coalition is worth.

    class_values : list of float, list of such ndarray or None
        What a coalition of one class only is worth, a class.

    device : str
        Torch device.

    dtype : torch.dtype
        Precision of the products.

    exact : bool, default=False
        Whether every model, and every row's contribution, is solved until rounding
        ends it. Takes double precision.

    by_row : bool, default=False
        Whether values are those of each held-out row: one dimension more, the last.
    """

    def __init__(
        self,
        X,
        y,
        X_val,
        y_val,
        *,
        loss,
        penalty,
        fit_intercept,
        n_classes,
        scoring,
        empty_value,
        class_values,
        device,
        dtype,
        exact=False,
        by_row=False,
    ):
        # What a model has without being reduced to the span of the rows.
        self.width = X.shape[1] + fit_intercept
        X, X_val, penalty = standardise(X, X_val, penalty, fit_intercept, dtype)
        self.X, self.X_val = X.to(device), X_val.to(device)
        self.penalty = penalty.to(device)
        self.loss, self.n_classes, self.dtype = loss, n_classes, dtype
        self.exact, self.residual, self.reduced = exact, 1.0, False
        self.by_row = by_row
        self.empty_value = torch.as_tensor(
            empty_value, dtype=torch.float64, device=device
        )
        self._read_targets(y, y_val, scoring, class_values, device)
        self.kind = loss
        if loss == "logistic" and n_classes > 2:
            self.kind = "multinomial"
        self.table = Table(self.X, self.target)
        self.start = self._model_of_everyone()
        self.reduced = self.X.shape[1] < self.width
        if (exact or self.reduced) and loss == "logistic":
            # Where rows are certain, as those of wide data are, changing one moves a
            # model by as much less. The first residual is that of a model that is not
            # solved as far yet.
            for _ in range(2):
                mean = float(self._mean_residual())
                self.residual = max(mean, SMALLEST_RESIDUAL[dtype])
                self.start = self._model_of_everyone()

    def _read_targets(self, y, y_val, scoring, class_values, device):
        if self.n_classes is None:
            self.labels = None
            self.members = self.X.new_ones(len(self.X), 1)
            self.target = torch.tensor(y, device=device, dtype=self.dtype)[None]
            y_val = torch.tensor(y_val, device=device, dtype=self.dtype)
            of_rows = RegressionRows if self.by_row else RegressionScore
            self.score = of_rows(scoring, y_val)
            return
        self.labels = torch.tensor(y, device=device, dtype=torch.long)
        y_val = torch.tensor(y_val, device=device, dtype=torch.long)
        one_hot = torch.nn.functional.one_hot(self.labels, self.n_classes)
        self.members = one_hot.to(self.dtype)
        self.class_values = torch.as_tensor(
            np.array(class_values), device=device, dtype=torch.float64
        )
        columns = self.members.T.contiguous()
        if self.n_classes == 2:
            columns = columns[1:]
            of_rows = BinaryRows if self.by_row else BinaryScore
            self.score = of_rows(scoring, y_val, self.dtype)
        else:
            of_rows = MulticlassRows if self.by_row else MulticlassScore
            self.score = of_rows(scoring, y_val)
        self.target = columns if self.loss == "logistic" else 2 * columns - 1

    # ------------------------------------------------------------- conventions

    def needs_model(self, counts):
        """Which class counts (B, K) leave something to fit."""
        return (counts > 0).sum(1) >= (1 if self.n_classes is None else 2)

    def without_model(self, counts):
        """Values of class counts (B, K) that leave nothing to fit, (B,) or by row."""
        if self.n_classes is None:
            return self.empty_value.repeat(len(counts), *[1] * self.by_row)
        values = self.class_values[counts.argmax(1)]
        values[counts.sum(1) == 0] = self.empty_value
        return values

    def empty_values(self, shape):
        """Room for values of models of this shape, with the held-out rows by row."""
        shape = (*shape, len(self.X_val)) if self.by_row else shape
        return torch.empty(shape, dtype=torch.float64, device=self.X.device)

    # ------------------------------------------------------------------ fitting

    def tolerance(self, sizes):
        """Squared Newton decrement at which coalitions of these sizes are solved."""
        if self.exact:
            rounding = ROUNDING * len(self.X) / self.residual
            relative = max(EXACT_TOLERANCE * self.residual, rounding)
        else:
            relative = RELATIVE_TOLERANCE[self.dtype] * self.residual
        relative = relative * self.X.shape[1]
        largest = MAX_REDUCED_TOLERANCE if self.reduced else MAX_TOLERANCE
        largest = largest * self.residual
        return (relative / sizes.clamp(min=1)).clamp(max=largest)

    def step_tolerance(self, sizes):
        """Squared decrement that a first step to a neighbour's model may leave."""
        relative = STEP_TOLERANCE * self.residual * self.X.shape[1]
        return (relative / sizes.clamp(min=1)).clamp(
            max=MAX_STEP_TOLERANCE * self.residual
        )

    def zeros(self, count):
        """Parameters to start from, (count, c, p)."""
        return self.X.new_zeros(count, len(self.target), self.X.shape[1])

    def coalition_penalty(self, present, penalty=None):
        """Penalty of multinomial coalitions, (B, p); by default of the columns.

        scikit-learn fits two classes with one coefficient vector instead of two that
        are opposite: the same model at twice the penalty.
        """
        penalty = self.penalty if penalty is None else penalty
        return penalty * (1 + (present.sum(1) == 2).to(self.dtype))[:, None]

    def solve(self, rows, sizes, counts, theta):
        """Models of coalitions that need one, from starting points, (B, c, p)."""
        if self.kind == "squared":
            return fit_ridge(rows, self.penalty)[0]
        if self.kind == "logistic":
            return fit_logistic(rows, self.penalty, self.tolerance(sizes), theta)[0]
        present = counts > 0
        penalty = self.coalition_penalty(present)
        if self.exact:
            return fit_joint(rows, penalty, self.tolerance(sizes), theta, present)
        if self.dtype == torch.float64 and theta[0].numel() <= MAX_DENSE_PARAMETERS:
            return fit_joint_safely(
                rows, penalty, self.tolerance(sizes), theta, present
            )
        inverse = bohning_inverse(rows, penalty)
        return fit_multinomial(
            rows, penalty, self.tolerance(sizes), theta, present, inverse
        )

    def _model_of_everyone(self):
        """Where iterative fits start from, (1, c, p)."""
        start, counts = self.zeros(1), self.members.sum(0, keepdim=True)
        if self.kind == "squared" or not self.needs_model(counts).all():
            return start
        everyone = MaskedRows(self.table, self.X.new_ones(1, len(self.X)))
        return self.solve(everyone, counts.sum(1), counts, start)

    def _mean_residual(self):
        """Mean of one minus the probability of the true class, over all rows."""
        margins = self.start[0] @ self.X.T
        if self.kind == "logistic":
            probability = torch.sigmoid(margins)
        else:
            barrier = self.members.sum(0) == 0
            probability = margins.masked_fill(barrier[:, None], -torch.inf).softmax(0)
        return (self.target - probability).abs().mean()

    def fit(self, masks, sizes, counts):
        """Models of 0/1 masks (B, n) that all need one, (B, c, p)."""
        theta = self.start.repeat(len(masks), 1, 1)
        small = sizes <= OWN_ROWS_SHARE * len(self.X)
        if self.exact and self.kind == "multinomial":
            # Hessians of all classes are sums over shared rows.
            small = torch.zeros_like(small)
        for index in self._groups_of_small(small, sizes):
            rows = self.own_rows(masks[index], int(sizes[index].max()))
            theta[index] = self.solve(rows, sizes[index], counts[index], theta[index])
        large = ~small
        if large.any():
            rows = MaskedRows(self.table, masks[large])
            theta[large] = self.solve(rows, sizes[large], counts[large], theta[large])
        return theta

    def _groups_of_small(self, small, sizes):
        """Coalitions of similar size, whose padded rows fit in memory together."""
        index = small.nonzero().squeeze(1)
        index = index[sizes[index].argsort(stable=True)]
        while len(index):
            longest = max(2 * int(sizes[index[0]]), 32)
            alike = int((sizes[index] <= longest).sum())
            room = MAX_OWN_ELEMENTS // (longest * self.X.shape[1])
            count = max(1, min(alike, room))
            yield index[:count]
            index = index[count:]

    def own_rows(self, masks, longest):
        """Copies of the rows of each mask, padded to the longest."""
        order = masks.argsort(dim=1, descending=True, stable=True)[:, :longest]
        counted = masks.gather(1, order)
        return OwnRows(self.X[order], self.target[:, order].transpose(0, 1), counted)

    # ------------------------------------------------------------------ scoring

    def values(self, theta, counts):
        """Scores of models (B, c, p) of coalitions that need one, (B,) or by row."""
        width = theta.shape[1] * len(self.X_val)
        step = max(1, MAX_SCORED_ELEMENTS // max(width, 1))
        present = counts > 0
        return torch.cat(
            [
                self.score(
                    theta[a : a + step] @ self.X_val.T, present[a : a + step]
                ).double()
                for a in range(0, len(theta), step)
            ]
        )
