"""Random draws of a unit, which depend on its number alone, not on its block."""

import numpy as np

GOLDEN_RATIO = (np.sqrt(5) - 1) / 2


def unit_rngs(seeds, start, n_units):
    """A generator for each unit, so that its draws do not depend on its block."""
    return [np.random.default_rng((*seeds, start + unit)) for unit in range(n_units)]


def random_masks(seeds, start, sizes, n_players):
    """Uniformly random coalitions of the given sizes, as masks; one a unit."""
    masks = np.zeros((len(sizes), n_players), dtype=bool)
    rngs = unit_rngs(seeds, start, len(sizes))
    for mask, size, rng in zip(masks, sizes, rngs, strict=True):
        mask[rng.permutation(n_players)[:size]] = True
    return masks


def spread_uniforms(seeds, start, count):
    """Uniform numbers that cover (0, 1) evenly however many of them are taken.

    The golden-ratio sequence with a random shift: each number is uniform, any run of
    them is stratified, and no planned length is needed, so that a run can be extended.
    """
    shift = np.random.default_rng(seeds).random()
    return (shift + GOLDEN_RATIO * np.arange(start, start + count)) % 1.0
