"""What a row is worth to the network: terminal cost and state utility.

``outputs`` are (n_members, batch, n_outputs), targets (n_members, batch); everything
here is one closed-form number a row and a member.
"""

from torch import nn
from torch.nn import functional


class CrossEntropy(nn.Module):
    """Terminal cost of classification, per row."""

    def forward(self, outputs, y):
        cost = functional.cross_entropy(
            outputs.flatten(0, 1), y.flatten(), reduction="none"
        )
        return cost.view(y.shape)


class HalfSquaredError(nn.Module):
    """Terminal cost of regression, per row."""

    def forward(self, outputs, y):
        return 0.5 * (outputs.squeeze(-1) - y).square()


def state_utility(outputs, y, head_bias):
    """U = -X_T . dPhi/dX_T = (onehot(y) - softmax(z)) . (X_T W)   [Eq. 38]."""
    scores = outputs - head_bias
    of_label = scores.gather(-1, y.unsqueeze(-1)).squeeze(-1)
    return of_label - (outputs.softmax(-1) * scores).sum(-1)


def row_utility(kind, outputs, y, head_bias, cost):
    """Utility of each row: higher is better."""
    if kind == "cost":
        return -cost
    if y.is_floating_point():
        return -(outputs.squeeze(-1) - y).abs()
    return state_utility(outputs, y, head_bias)


def label_belief(outputs, y):
    """Probability of each class; for regression the absolute residual."""
    if y.is_floating_point():
        return (outputs.squeeze(-1) - y).abs()
    return outputs.softmax(-1)
