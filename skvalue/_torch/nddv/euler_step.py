"""One time step of the dynamics with its adjoint written out.

Forward, with hidden layers h1, h2 of the control:

    X_{t+1} = (1 - a dt) X_t + dt h2 W3 + shift + noise

Backward is the adjoint recursion: the gradient G_{t+1} becomes
G_t = (1 - a dt) G_{t+1} + (dL / dh1 pre-activation) W1', accumulated in the memory of
G_{t+1}. Automatic differentiation computes the same, but takes fresh memory of the size
of the states four times a step, which at 500 columns costs more than the arithmetic.
"""

import torch
from torch.nn import functional


class EulerStep(torch.autograd.Function):
    """A step that overwrites the noise it is given and the gradient it receives.

    For first-order training only: it is not differentiable twice, and a gradient that
    somebody else still reads must not be overwritten.
    """

    @staticmethod
    def forward(ctx, noise, shift, states, w1, b1, w2, b2, w3, b3, keep, step):
        hidden1 = functional.elu(torch.baddbmm(b1, states, w1), inplace=True)
        hidden2 = functional.elu(torch.baddbmm(b2, hidden1, w2), inplace=True)
        noise.add_(states, alpha=keep)
        noise.add_(torch.add(shift, b3, alpha=step))
        noise.baddbmm_(hidden2, w3, alpha=step)
        ctx.mark_dirty(noise)
        ctx.save_for_backward(states, hidden1, hidden2, w1, w2, w3)
        ctx.keep, ctx.step = keep, step
        return noise

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        states, hidden1, hidden2, w1, w2, w3 = ctx.saved_tensors
        step = ctx.step
        grad_w3 = torch.bmm(hidden2.transpose(1, 2), gradient).mul_(step)
        grad_b3 = gradient.sum(1, keepdim=True).mul_(step)
        inner2 = torch.bmm(gradient, w3.transpose(1, 2)).mul_(step)
        inner2.mul_(_elu_slope(hidden2))
        grad_w2 = torch.bmm(hidden1.transpose(1, 2), inner2)
        inner1 = torch.bmm(inner2, w2.transpose(1, 2)).mul_(_elu_slope(hidden1))
        grad_w1 = torch.bmm(states.transpose(1, 2), inner1)
        if ctx.needs_input_grad[2]:
            gradient.mul_(ctx.keep).baddbmm_(inner1, w1.transpose(1, 2))
        else:
            gradient = None
        return (
            None,
            None,
            gradient,
            grad_w1,
            inner1.sum(1, keepdim=True),
            grad_w2,
            inner2.sum(1, keepdim=True),
            grad_w3,
            grad_b3,
            None,
            None,
        )


def _elu_slope(activation):
    """Derivative of ELU from its output: 1 above zero, output + 1 below."""
    return activation.clamp(max=0).add_(1)
