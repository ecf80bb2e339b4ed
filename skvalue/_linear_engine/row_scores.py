"""What many linear models at once give for each held-out row, from their margins.

As `scores`, without the mean over the held-out rows: outputs are ``(..., n_val)``,
float64, and higher where the row is predicted better.

- ``"margin"``: log odds of the row's own class, clipped where its probability is 0 or 1
  to double precision;
- ``"probability"``, ``"neg_log_loss"``, ``"accuracy"``, ``"neg_squared_error"``: what
  the scores of these names average.
"""

import torch
from torch.nn.functional import logsigmoid

from . import LARGEST_MARGIN


def outputs_of(kind, margins):
    """Outputs of log odds of the own class, which are overwritten."""
    if kind == "margin":
        return margins.clamp_(-LARGEST_MARGIN, LARGEST_MARGIN).double()
    if kind == "neg_log_loss":
        return logsigmoid(margins).clamp_(min=-LARGEST_MARGIN).double()
    return margins.sigmoid_().double()


class BinaryRows:
    """Outputs of one margin a row, positive for the second class.

    Parameters
    ----------
    kind : {"margin", "probability", "neg_log_loss", "accuracy"}
        What is given.

    y_val : Tensor of shape (n_val,)
        Class codes, 0 or 1.

    dtype : torch.dtype
        That of the margins.
    """

    def __init__(self, kind, y_val, dtype):
        self.kind, self.is_second = kind, y_val == 1
        self.sign = (2 * y_val - 1).to(dtype)

    def __call__(self, margins, present=None):
        return self.flat(margins.squeeze(-2))

    def flat(self, margins):
        """Outputs of margins (..., n_val), which are overwritten."""
        if self.kind == "accuracy":
            return (margins.gt_(0) == self.is_second).double()
        return outputs_of(self.kind, margins.mul_(self.sign))


class MulticlassRows:
    """Outputs of one margin a class; a class that the coalition lacks is impossible.

    Parameters
    ----------
    kind : {"margin", "probability", "neg_log_loss", "accuracy"}
        What is given.

    y_val : Tensor of shape (n_val,)
        Class codes.
    """

    def __init__(self, kind, y_val):
        self.kind, self.y_val = kind, y_val

    def __call__(self, margins, present):
        if not present.all():
            margins = margins.masked_fill(~present[..., None], -torch.inf)
        if self.kind == "accuracy":
            return (margins.argmax(-2) == self.y_val).double()
        index = self.y_val.expand(*margins.shape[:-2], 1, -1)
        own = margins.gather(-2, index).squeeze(-2)
        others = margins.scatter(-2, index, -torch.inf).logsumexp(-2)
        return outputs_of(self.kind, own.sub_(others))

    def slope(self, margins, present):
        """None: rows are too many for derivatives to be of use."""
        return None


class RegressionRows:
    """Minus the squared error of each prediction.

    Parameters
    ----------
    kind : {"neg_squared_error"}
        What is given.

    y_val : Tensor of shape (n_val,)
        Real targets.
    """

    def __init__(self, kind, y_val):
        self.kind, self.y_val = kind, y_val

    def __call__(self, margins, present=None):
        return self.flat(margins.squeeze(-2))

    def flat(self, margins):
        """Outputs of margins (..., n_val), which are overwritten."""
        return margins.sub_(self.y_val).square_().neg_().double()
