"""How far one more row moves a logistic model, as one number.

With the loss of the other rows taken as quadratic, a model that a row :math:`(x, y)`
joins moves to :math:`\\theta + c H^{-1} x`, where :math:`c` solves the scalar equation
:math:`c = y - \\sigma(m + h c)` of the row's margin :math:`m = x^\\top \\theta` and
leverage :math:`h = x^\\top H^{-1} x`.
"""

import torch

NEWTON_STEPS = 3


def proximal_shift(margin, leverage, target, n_steps=NEWTON_STEPS):
    """Solve ``c = y - sigmoid(m + h c)`` elementwise.

    The equation is solved for ``|c|``, in which it is monotone, convex while the margin
    has the wrong sign and concave after. Newton's steps are monotone from the start
    that is taken here; from anywhere else they would cycle where a row of high leverage
    is far on the wrong side.

    Parameters
    ----------
    margin, leverage, target : Tensor of one shape
        ``m``, ``h`` and the 0/1 target ``y``.

    n_steps : int
        Newton steps after the first.

    Returns
    -------
    shift : Tensor
        ``c``, of the sign of ``y - 1/2`` and less than 1 in absolute value.

    excess : Tensor
        How far from zero ``c - y + sigmoid(m + h c)`` still was before the last step,
        in absolute value.
    """
    sign = 2 * target - 1
    margin = sign * margin
    miss = torch.sigmoid(-margin)
    size = miss / (1 + miss * (1 - miss) * leverage)
    # Where the margin changes sign; a row without leverage never gets there.
    turn = (-margin).clamp(min=0) / leverage.clamp(min=1e-30)
    size = torch.where(margin < 0, torch.minimum(size, turn), size)
    for _ in range(n_steps):
        miss = torch.sigmoid(-margin - leverage * size)
        excess = size - miss
        size = size - excess / (1 + miss * (1 - miss) * leverage)
    return sign * size, excess.abs()
