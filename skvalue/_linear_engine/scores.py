"""Held-out score of many linear models at once, from their margins.

Margins are ``(..., c, n_val)``: one column for a binary or real target, one a class
otherwise. Scores are what scikit-learn's scorers of the same name give, as float64:
accuracy; mean predicted probability of the true class; log loss with probabilities
clipped at the float64 precision, as `sklearn.metrics.log_loss` does; mean squared
error; R².
"""

import numpy as np
import torch

SMALLEST_PROBABILITY = float(np.finfo(np.float64).eps)


def softmax_(margins):
    """Probabilities of the classes of margins (B, K, ...), which are overwritten.

    A class that is impossible has the margin minus infinity.
    """
    probability = margins.sub_(margins.amax(1, keepdim=True)).exp_()
    return probability.div_(probability.sum(1, keepdim=True))


class BinaryScore:
    """Score of one margin a row, positive for the second class.

    Parameters
    ----------
    kind : {"accuracy", "probability", "neg_log_loss"}
        What is measured.

    y_val : Tensor of shape (n_val,)
        Class codes, 0 or 1.

    dtype : torch.dtype
        That of the margins.
    """

    def __init__(self, kind, y_val, dtype):
        self.kind = kind
        self.sign = (2 * y_val - 1).to(dtype)
        self.n_zeros = int((y_val == 0).sum())

    def __call__(self, margins, present=None):
        return self.flat(margins.squeeze(-2))

    def flat(self, margins):
        """Score of margins (..., n_val), which are overwritten."""
        n_val = len(self.sign)
        if self.kind == "neg_log_loss":
            likelihood = margins.mul_(self.sign).sigmoid_()
            return likelihood.clamp_(min=SMALLEST_PROBABILITY).log_().mean(-1).double()
        # A row of class 0 is right where the other class is not predicted, so a zero
        # margin means class 0, as in scikit-learn.
        hit = margins.gt_(0) if self.kind == "accuracy" else margins.sigmoid_()
        return ((hit @ self.sign).double() + self.n_zeros) / n_val


class MulticlassScore:
    """Score of one margin a class; a class that the coalition lacks is impossible.

    Parameters
    ----------
    kind : {"accuracy", "probability", "neg_log_loss"}
        What is measured.

    y_val : Tensor of shape (n_val,)
        Class codes.
    """

    def __init__(self, kind, y_val):
        self.kind, self.y_val = kind, y_val

    def __call__(self, margins, present):
        if not present.all():
            margins = margins.masked_fill(~present[..., None], -torch.inf)
        if self.kind == "accuracy":
            return (margins.argmax(-2) == self.y_val).double().mean(-1)
        index = self.y_val.expand(*margins.shape[:-2], 1, -1)
        if self.kind == "probability":
            own = margins.softmax(-2).gather(-2, index).squeeze(-2)
            return own.double().mean(-1)
        # Below the largest; not written over, which is the caller's.
        margins = margins - margins.amax(-2, keepdim=True)
        own = margins.gather(-2, index).squeeze(-2)
        total = margins.exp_().sum(-2)
        smallest = float(np.log(SMALLEST_PROBABILITY))
        return (own - total.log_()).clamp(min=smallest).double().mean(-1)

    def slope(self, margins, present):
        """First derivatives of scores by margins (..., K, n_val); None: of no use."""
        if self.kind == "accuracy":
            return None
        probability = margins.masked_fill(~present[..., None], -torch.inf).softmax(-2)
        index = self.y_val.expand(*margins.shape[:-2], 1, -1)
        slope = torch.zeros_like(margins).scatter_(-2, index, 1.0).sub_(probability)
        if self.kind == "probability":
            slope.mul_(probability.gather(-2, index))
        return slope.div_(len(self.y_val))


class RegressionScore:
    """Score of predictions.

    Parameters
    ----------
    kind : {"neg_mean_squared_error", "r2", "clipped_r2"}
        What is measured; the last is R² not below -1.

    y_val : Tensor of shape (n_val,)
        Real targets.
    """

    def __init__(self, kind, y_val):
        self.kind, self.y_val = kind, y_val
        self.spread = float(((y_val - y_val.mean()) ** 2).sum())

    def __call__(self, margins, present=None):
        return self.flat(margins.squeeze(-2))

    def flat(self, margins):
        """Score of margins (..., n_val), which are overwritten."""
        squared_error = margins.sub_(self.y_val).square_().sum(-1).double()
        if self.kind == "neg_mean_squared_error":
            return -squared_error / len(self.y_val)
        if self.spread == 0.0:
            # A constant target: 1 for a perfect prediction, else 0, as r2_score.
            score = (squared_error == 0).to(squared_error.dtype)
        else:
            score = 1 - squared_error / self.spread
        return score.clamp(min=-1.0) if self.kind == "clipped_r2" else score
