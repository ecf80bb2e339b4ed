"""The contribution of every row to a coalition, from one fit of the coalition.

With the model :math:`\\theta` and the Hessian :math:`H` of a coalition :math:`T`, and
:math:`h_i = x_i^\\top H^{-1} x_i`, the model after row :math:`i` changes sides is
:math:`\\theta + c_i H^{-1} x_i`:

- squared loss, exactly: :math:`c_i = r_i / (1 + h_i)` for a row that enters and
  :math:`-r_i / (1 - h_i)` for one that leaves, with the residual :math:`r_i`;
- logistic loss: the proximal step, :math:`c_i = y_i - \\sigma(x_i^\\top \\theta + h_i
  c_i)`, for a row that enters; one Newton step, :math:`c_i = -r_i / (1 - s_i h_i)` with
  :math:`s_i = p_i (1 - p_i)`, for one that leaves (Pregibon, "Logistic Regression
  Diagnostics", 1981).

All held-out margins of all those models are one matrix product. Where a step may be
far off, the model of that pair is solved to tolerance (`solve_pairs`): every row of a
coalition of at most `REFINED_ROWS` rows a parameter, and any row that moves its own
margin by more than `REFINED_SHIFT`. Binary pairs are solved side by side with the
Hessian of the coalition (`neighbours`).
"""

import torch

from .linear_fits import fit_logistic, fit_ridge
from .neighbours import EXACT_STEPS, MAX_STEPS, Neighbours
from .objectives import LogisticObjective
from .proximal import proximal_shift
from .rows import MaskedRows, OneRowChanged, Table
from .shared_multinomial import MultinomialSharing

REFINED_ROWS = 2
REFINED_SHIFT = 1.0
# What the equation of an entering row may leave open.
REFINED_EXCESS = 1e-2
# A row that alone holds a direction up has 1 - s h near 0: it is refined anyway.
SMALLEST_REMAINDER = 0.05
MAX_PAIR_ELEMENTS = 2**21
MAX_SCORED_ELEMENTS = 2**17


def in_out(problem, masks):
    """Contributions of every row to coalitions of masks (B, n), (B, n) or by row."""
    batch = SubsetBatch(problem, masks)
    contributions = problem.empty_values(masks.shape)
    for j in range(len(masks)):
        contributions[j] = batch.values_after(j)
    contributions.sub_(batch.values()[:, None])
    inside = masks > 0
    contributions[inside] = 0 - contributions[inside]
    return contributions


def in_out_sums(problem, masks, weights):
    """Weighted sums over coalitions of the contributions by row, (n, n_val).

    Those of one coalition are held at a time.
    """
    batch, signed = SubsetBatch(problem, masks), weights * (1 - 2 * masks.double())
    sums = problem.empty_values(masks.shape[1:]).zero_()
    for j, weight in enumerate(signed):
        sums.addcmul_(batch.values_after(j), weight[:, None])
    return sums.addmm_(signed.T, batch.values(), alpha=-1)


class SubsetBatch:
    """Coalitions that are fitted together, and the values of their neighbours.

    Parameters
    ----------
    problem : LinearProblem
        Rows, loss, score.

    masks : Tensor of shape (B, n)
        1 for the members of each.
    """

    def __init__(self, problem, masks):
        self.problem, self.masks = problem, masks
        self.counts = masks @ problem.members
        self.plain = problem.needs_model(self.counts)
        self.fits = dict.fromkeys(range(len(masks)))
        if self.plain.any():
            index = self.plain.nonzero().squeeze(1).tolist()
            plain = masks[self.plain], self.counts[self.plain]
            self.sharing = SHARING[problem.kind](problem, *plain)
            self.fits |= {j: (self.sharing, place) for place, j in enumerate(index)}
        # Coalitions with two rows of each class or more stay as they are: every class
        # present, something to fit.
        self.ordinary = (self.counts >= 2).all(1).tolist()

    def values_after(self, j):
        """Values of a coalition after each row changes sides, (n,) or by row."""
        problem, mask, counts = self.problem, self.masks[j], self.counts[j]
        fit = self.fits[j]
        if fit is None:
            after = problem.empty_values(mask.shape)
            pending = torch.ones_like(mask, dtype=torch.bool)
        else:
            sharing, place = fit
            after, pending = sharing.values_after(place), sharing.unsolved(place)
        if not self.ordinary[j]:
            changed = counts + (1 - 2 * mask)[:, None] * problem.members
            modelled = problem.needs_model(changed)
            after[~modelled] = problem.without_model(changed[~modelled])
            pending = pending & modelled
        index = pending.nonzero().squeeze(1)
        if len(index):
            after[index] = solve_pairs(problem, mask, counts, index, fit)
        return after

    def values(self):
        """Values of the coalitions themselves, (B,) or by row.

        To ask for after `values_after` of all, which may take a last step.
        """
        values = self.problem.without_model(self.counts)
        if self.plain.any():
            counts = self.counts[self.plain]
            values[self.plain] = self.problem.values(self.sharing.theta, counts)
        return values


def solve_pairs(problem, mask, counts, index, fit=None):
    """Values of a coalition with each row of `index` changing sides, to tolerance."""
    inside = mask.nonzero().squeeze(1)
    table = Table(problem.X[inside], problem.target[:, inside])
    p = problem.X.shape[1]
    step = max(1, MAX_PAIR_ELEMENTS // max(len(inside) * len(problem.target), p * p))
    values = []
    for chunk in index.split(step):
        sign = 1 - 2 * mask[chunk]
        rows = OneRowChanged(table, problem.X[chunk], problem.target[:, chunk].T, sign)
        changed = counts + sign[:, None] * problem.members[chunk]
        sizes = changed.sum(1)
        if fit is None:
            theta = problem.solve(rows, sizes, changed, problem.zeros(len(chunk)))
        else:
            sharing, place = fit
            theta = sharing.solve(place, chunk, rows, sizes, changed)
        values.append(problem.values(theta, changed))
    return torch.cat(values)


class RidgeSharing:
    """Ridge regressions of a batch of coalitions, and of all their neighbours."""

    def __init__(self, problem, masks, counts):
        self.problem, self.masks, self.counts = problem, masks, counts
        self.rows = MaskedRows(problem.table, masks)
        self.theta, self.inverse = fit_ridge(self.rows, problem.penalty)
        self.shift = torch.cat([self._steps(part) for part in self.rows.parts()], -1)

    def _steps(self, part):
        table, inside = self.problem.table, self.masks[:, None, part] > 0
        residual = table.target[:, part] - self.rows.margins(self.theta, part)
        leverage = table.quadratic(self.inverse, part)[:, None]
        entering, leaving = residual / (1 + leverage), -residual / (1 - leverage)
        return torch.where(inside, leaving, entering)

    def unsolved(self, place):
        """Rows whose step may be far off: none, it is exact."""
        return self.masks.new_zeros(self.masks.shape[1], dtype=torch.bool)

    def values_after(self, place):
        """Values of a coalition after each row changes sides, (n,) or by row."""
        shift = self.shift[place]
        return torch.cat(
            [self._score(place, part, shift[:, part]) for part in self.rows.parts()]
        )

    def solve(self, place, index, rows, sizes, counts):
        """Models of pairs, which the rank-one step solves."""
        theta, inverse = self.theta[place], self.inverse[place]
        direction = rows.X @ inverse
        leverage = (direction * rows.X).sum(1)
        residual = rows.y - rows.X @ theta.T
        shift = rows.sign[:, None] * residual
        shift = shift / (1 + rows.sign * leverage)[:, None]
        return theta + shift[:, :, None] * direction[:, None]

    def _score(self, j, part, shift):
        problem = self.problem
        if len(shift) == 1:
            return scores_after(
                problem, self.theta[j, 0], self.inverse[j], part, shift[0]
            )
        outside = (1 - 2 * self.masks[j, part])[:, None]
        present = self.counts[j] + outside * problem.members[part] > 0
        directions = self.inverse[j] @ problem.X_val.T
        margins = self.theta[j] @ problem.X_val.T
        X, values = problem.X[part], []
        step = max(1, MAX_SCORED_ELEMENTS // margins.numel())
        for a in range(0, len(X), step):
            moved = (X[a : a + step] @ directions)[:, None]
            moved = margins + shift.T[a : a + step, :, None] * moved
            values.append(problem.score(moved, present[a : a + step]))
        return torch.cat(values)


class LogisticSharing:
    """Binary logistic regressions of a batch of coalitions, and of their neighbours."""

    def __init__(self, problem, masks, counts):
        self.problem, self.masks, self.counts = problem, masks, counts
        self.sizes = counts.sum(1)
        self.rows = MaskedRows(problem.table, masks)
        theta = problem.fit(masks, self.sizes, counts)
        objective = LogisticObjective(self.rows, problem.penalty)
        gradient = objective.gradient(theta)
        # The Hessian is wanted at the solution; the gradient there comes with it.
        self.inverse = objective.inverse_hessian()
        self.theta = theta - gradient @ self.inverse
        self.small = self.sizes <= REFINED_ROWS * problem.X.shape[1]
        self.is_small = self.small.tolist()
        self.shift, self.leverage, self.far = self._steps()

    def _steps(self):
        table, steps = self.problem.table, []
        for part in self.rows.parts():
            leverage = table.quadratic(self.inverse, part)
            margin = self.rows.margins(self.theta, part).squeeze(1)
            target = table.target[:, part]
            entering, excess = proximal_shift(margin, leverage, target)
            probability = torch.sigmoid(margin)
            remainder = 1 - probability * (1 - probability) * leverage
            leaving = (probability - target) / remainder.clamp(min=SMALLEST_REMAINDER)
            inside = self.masks[:, part] > 0
            shift = torch.where(inside, leaving, entering)
            far = (shift * leverage).abs() > REFINED_SHIFT
            far |= (excess > REFINED_EXCESS) & ~inside
            steps.append((shift, leverage, far))
        return (torch.cat(part, 1) for part in zip(*steps, strict=True))

    def unsolved(self, place):
        """Rows whose step may be far off."""
        return self.far[place] | self.small[place]

    def values_after(self, place):
        """Values of a coalition after each row changes sides, (n,) or by row."""
        after = self.problem.empty_values(self.masks.shape[1:])
        if self.is_small[place]:
            # All of them are solved to tolerance.
            return after
        model = self.theta[place, 0], self.inverse[place]
        for part in self.rows.parts():
            shift = self.shift[place, part]
            after[part] = scores_after(self.problem, *model, part, shift)
        return after

    def solve(self, place, index, rows, sizes, counts):
        """Models of pairs to tolerance, from the models that the steps lead to."""
        problem, shift = self.problem, self.shift[place, index]
        direction = rows.X @ self.inverse[place]
        theta = self.theta[place, 0] + shift[:, None] * direction
        tolerance = problem.tolerance(sizes)
        neighbours = Neighbours(
            rows,
            direction,
            self.leverage[place, index],
            self.inverse[place],
            problem.penalty,
        )
        max_steps = EXACT_STEPS if problem.exact else MAX_STEPS
        theta, left = neighbours.descend(theta, tolerance, max_steps)
        if len(left):
            # So far from the model of the coalition that its Hessian misleads.
            theta[left] = fit_logistic(
                rows.take(left), problem.penalty, tolerance[left], theta[left, None]
            )[0].squeeze(1)
        return theta[:, None]


def scores_after(problem, theta, inverse, part, shift):
    """Scores of the models ``theta + shift_i inverse x_i`` of the rows of a part."""
    X = problem.X[part]
    directions = inverse @ problem.X_val.T
    margins = theta @ problem.X_val.T
    step = max(1, MAX_SCORED_ELEMENTS // len(margins))
    values = [
        problem.score.flat(
            torch.addmm(
                margins, X[a : a + step] * shift[a : a + step, None], directions
            )
        )
        for a in range(0, len(X), step)
    ]
    return torch.cat(values)


SHARING = {
    "squared": RidgeSharing,
    "logistic": LogisticSharing,
    "multinomial": MultinomialSharing,
}
