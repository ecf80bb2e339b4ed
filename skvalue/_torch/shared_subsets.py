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

All held-out margins of all those models are one matrix product. Where a step is not
small, the model of the pair is solved to tolerance: in coalitions of at most
`REFINED_SIZE` rows a parameter, and where the row moves its own margin by more than
`REFINED_SHIFT`.
"""

import torch

from .linear_fits import LogisticObjective, fit_logistic, fit_ridge
from .rows import CHUNK_ROWS, MaskedRows, OneRowChanged, Table

REFINED_SIZE = 4
REFINED_SHIFT = 1.0
PROXIMAL_STEPS = 3
MAX_PAIR_ELEMENTS = 2**22
MAX_SCORED_ELEMENTS = 2**18


def in_out(problem, masks):
    """Contributions (B, n) of every row to the coalitions of 0/1 masks (B, n)."""
    counts = masks @ problem.members
    plain = problem.needs_model(counts)
    values = problem.without_model(counts)
    after = torch.zeros(masks.shape, dtype=torch.float64, device=masks.device)
    solver = SharedFits[problem.kind](problem)
    if plain.any():
        values[plain], after[plain] = solver.values(masks[plain], counts[plain])
    for coalition, mask in enumerate(masks):
        unsolved = solver.unsolved(mask, counts[coalition], bool(plain[coalition]))
        if len(unsolved):
            after[coalition, unsolved] = solve_pairs(
                problem, mask, counts[coalition], unsolved
            )
        conventions(problem, mask, counts[coalition], after[coalition])
    return torch.where(masks > 0, values[:, None] - after, after - values[:, None])
