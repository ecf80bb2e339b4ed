"""Passes over the rows in chunks of bounded size."""

from sklearn.utils import gen_batches

# 16 MB of float32.
CHUNK_ELEMENTS = 4_000_000


def row_chunks(n_rows, elements_per_row):
    """Slices that cover the rows, each with at most ``CHUNK_ELEMENTS`` elements."""
    return gen_batches(n_rows, max(1, CHUNK_ELEMENTS // elements_per_row))
