"""Gradients and Hessians of a trained network, as products with a direction.

No row's gradient is ever stored. With the Jacobian ``J`` of the losses of a batch of
rows, reverse mode gives ``u -> J^T u``, which is linear in ``u``; its own reverse mode
is ``v -> J v``, the product of every row's gradient with ``v``, at the cost of two
backward passes and without the ``(n_samples, n_parameters)`` array. The Hessian product
is the reverse mode of the gradient, since the Hessian is symmetric (Pearlmutter, "Fast
Exact Multiplication by the Hessian", 1994).
"""

import copy
from functools import partial

import numpy as np
import torch
from sklearn.base import clone
from skorch import NeuralNetBinaryClassifier
from torch.func import functional_call, grad, vjp, vmap


class NetworkCurvature:
    """The mean training loss of a network around its parameters.

    Everything is computed on a copy of the network, in evaluation mode and in float64:
    Hessian products lose digits.

    Parameters
    ----------
    network : torch.nn.Module or fitted skorch.NeuralNet
        What was trained.

    n_samples : int
        Number of rows that it was trained on.

    damping : float
        Added to the diagonal of the Hessian.

    curvature : {"hessian", "gauss_newton"}
        Second derivative of the loss in the parameters, or without the part that comes
        from the second derivative of the network.

    batch_size : int
        Rows that the network sees at once.

    device : str
        Where to compute.
    """

    def __init__(self, network, n_samples, *, damping, curvature, batch_size, device):
        self.module, self._loss, self._float_target = _row_loss(network)
        self.module = self.module.to(device=device, dtype=torch.float64).eval()
        # Its training rows weigh one each.
        self.total_weight = n_samples
        self.damping, self.curvature = damping, curvature
        self.batch_size, self.device = batch_size, device
        trained = {k: p for k, p in self.module.named_parameters() if p.requires_grad}
        if not trained:
            raise ValueError("estimator has no parameter that requires a gradient.")
        self._shapes = {name: p.shape for name, p in trained.items()}
        self.parameters = torch.cat([p.detach().flatten() for p in trained.values()])
        self.hessian_size = len(self.parameters)

    def scale(self, X):
        """Parameters of a network are taken as they are."""
        return 1.0

    def gradient(self, X, y, *, scoring):
        """Gradient of the mean loss of given rows, or of ``1 - exp(-loss)``.

        The latter is the probability of the labels not observed (``"proba"``).
        """
        total = torch.zeros_like(self.parameters)
        for batch in self._batches(X, y):
            losses = self._losses(self.parameters, *batch)
            weights = torch.exp(-losses) if scoring == "proba" else None
            total += self._gradient(self.parameters, *batch, weights=weights)
        return total / len(X)

    def row_products(self, X, y, direction):
        """Product of each row's gradient and a direction."""
        products = []
        for batch in self._batches(X, y):
            losses = partial(self._losses, X=batch[0], y=batch[1])
            products.append(_jacobian_product(losses, self.parameters, direction))
        return torch.cat(products).cpu().numpy()

    training_products = row_products

    def hessian_operator(self, X, y):
        """Function ``(direction, rows=None)``: the Hessian times a direction.

        The Hessian is that of the training rows `X` and `y`, or of a sample of them.
        """
        batch_product = (
            self._hessian_product
            if self.curvature == "hessian"
            else self._gauss_newton_product
        )

        def product(direction, rows=None):
            sample = (X, y) if rows is None else (X[rows], y[rows])
            total = torch.zeros_like(direction)
            for batch in self._batches(*sample):
                total = total + batch_product(direction, *batch)
            return total / len(sample[0]) + self.damping * direction

        return product

    def solve(self, X, y, gradient):
        """Inverse Hessian of the training rows times a gradient, by Cholesky."""
        identity = torch.eye(
            len(gradient), dtype=gradient.dtype, device=gradient.device
        )
        hessian = vmap(self.hessian_operator(X, y), chunk_size=64)(identity)
        factor, failed = torch.linalg.cholesky_ex((hessian + hessian.T) / 2)
        if failed:
            raise ValueError(
                "the Hessian is not positive definite, so the parameters are no "
                'minimum; raise damping, use curvature="gauss_newton", or train longer.'
            )
        return torch.cholesky_solve(gradient[:, None], factor)[:, 0]

    def _gradient(self, parameters, X, y, weights=None):
        def total(parameters):
            losses = self._losses(parameters, X, y)
            return losses.sum() if weights is None else (weights * losses).sum()

        return grad(total)(parameters)

    def _hessian_product(self, direction, X, y):
        gradient = partial(self._gradient, X=X, y=y)
        return vjp(gradient, self.parameters)[1](direction)[0]

    def _gauss_newton_product(self, direction, X, y):
        forward = partial(self._forward, X=X)

        def output_gradient(outputs):
            return grad(lambda f: self._loss(f, self._like(f, y)).sum())(outputs)

        outputs, pullback = vjp(forward, self.parameters)
        tangent = _jacobian_product(forward, self.parameters, direction)
        curved = vjp(output_gradient, outputs)[1](tangent)[0]
        return pullback(curved)[0]

    def _losses(self, parameters, X, y):
        outputs = self._forward(parameters, X)
        losses = self._loss(outputs, self._like(outputs, y))
        if losses.shape[:1] != y.shape[:1]:
            raise ValueError(
                f"the loss of estimator has shape {tuple(losses.shape)} for {len(y)} "
                'rows; influence needs a criterion that accepts reduction="none".'
            )
        return losses.flatten(1).mean(dim=1) if losses.ndim > 1 else losses

    def _like(self, outputs, y):
        # A criterion on real numbers would broadcast (n, 1) with (n,) to (n, n).
        return y.reshape(outputs.shape) if y.is_floating_point() else y

    def _forward(self, parameters, X):
        named, start = {}, 0
        for name, shape in self._shapes.items():
            named[name] = parameters[start : start + shape.numel()].view(shape)
            start += shape.numel()
        return functional_call(self.module, named, (X,))

    def _batches(self, X, y):
        for start in range(0, len(X), self.batch_size):
            rows = slice(start, start + self.batch_size)
            real = self._float_target or np.issubdtype(y.dtype, np.floating)
            yield (
                torch.as_tensor(X[rows], dtype=torch.float64, device=self.device),
                torch.as_tensor(
                    y[rows],
                    dtype=torch.float64 if real else torch.int64,
                    device=self.device,
                ),
            )


def _jacobian_product(function, at, direction):
    """Directional derivative by reverse mode twice, for every differentiable layer."""

    def pullback(cotangent):
        return vjp(function, at)[1](cotangent)[0]

    return vjp(pullback, torch.zeros_like(function(at)))[1](direction)[0]


def fit_network(net, X, y, *, seed):
    """Fit a copy of a skorch net without touching the global random state.

    Parameters
    ----------
    net : skorch.NeuralNet
        What to fit; it is left as it is.

    X : ndarray of shape (n_samples, ...)
        Training rows.

    y : ndarray of shape (n_samples,)
        Class codes, or real targets.

    seed : int
        Of the initial weights and of the batches.

    Returns
    -------
    net : skorch.NeuralNet
        The fitted copy.
    """
    devices = range(torch.cuda.device_count()) if "cuda" in str(net.device) else []
    if np.issubdtype(y.dtype, np.floating):
        target = y.astype(np.float32)[:, None]
    elif isinstance(net, NeuralNetBinaryClassifier):
        target = y.astype(np.float32)
    else:
        target = y.astype(np.int64)
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        return clone(net).fit(X.astype(np.float32), target)


def _row_loss(network):
    """A copy of the module, its loss by row, and whether classes are real targets."""
    if isinstance(network, torch.nn.Module):
        return copy.deepcopy(network), _plain_loss, False
    net = copy.deepcopy(network)
    if not hasattr(net.criterion_, "reduction"):
        raise ValueError(
            f"criterion {type(net.criterion_).__name__} of estimator has no reduction; "
            "influence needs the loss of each row."
        )
    net.criterion_.reduction = "none"
    net.criterion_.double()
    return net.module_, net.get_loss, isinstance(net, NeuralNetBinaryClassifier)


def _plain_loss(outputs, target):
    """Cross-entropy of logits for class codes, squared error for real targets."""
    if target.is_floating_point():
        return (outputs - target) ** 2
    if outputs.ndim == 1 or outputs.shape[1] == 1:
        return torch.nn.functional.binary_cross_entropy_with_logits(
            outputs.reshape(target.shape), target.to(outputs.dtype), reduction="none"
        )
    return torch.nn.functional.cross_entropy(outputs, target, reduction="none")
