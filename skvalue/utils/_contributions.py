"""What a row contributes beside all others, from the utilities of one training run."""

import numpy as np


def dynamic_marginal_contribution(utilities, weights):
    """Utility of a row minus the mean utility of the others   [NDDV, Eq. 39-40]."""
    n_samples = utilities.shape[-1]
    mean = np.average(utilities, axis=-1, weights=weights, keepdims=True)
    centred = utilities - mean
    return centred * (n_samples / (n_samples - 1))
