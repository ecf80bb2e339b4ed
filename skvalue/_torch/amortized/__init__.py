"""The network of `AmortizedShapley` and its training."""
