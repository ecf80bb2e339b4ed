"""Layers whose first weights come from a generator of their own."""

from itertools import pairwise

from torch import nn


def seeded_linear(n_in, n_out, generator):
    """A linear layer drawn from a generator, not from torch's global state."""
    layer = nn.utils.skip_init(nn.Linear, n_in, n_out)
    bound = n_in**-0.5
    nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
    nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    return layer


def perceptron(sizes, generator):
    """Linear layers of these sizes with ReLU between them."""
    layers = []
    for n_in, n_out in pairwise(sizes):
        layers += [seeded_linear(n_in, n_out, generator), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
