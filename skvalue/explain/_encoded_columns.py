"""Which columns a fitted encoder made of which: the blocks of a one-hot encoding."""

import numpy as np
from sklearn.base import OneToOneFeatureMixin
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.utils.validation import check_is_fitted


def encoded_groups(encoder, n_columns):
    """Groups of the columns that an encoder returns, by the column that they encode.

    Parameters
    ----------
    encoder : fitted OneHotEncoder, ColumnTransformer, Pipeline or other transformer
        Of the columns, before they were encoded.

    n_columns : int
        How many it must return.

    Returns
    -------
    groups : dict
        Numbers of columns by the name of what they encode. Those of a transformer that
        mixes columns are in none.

    Raises
    ------
    ValueError
        If it is not fitted, or returns another number of columns.
    """
    if isinstance(encoder, FrozenEstimator):
        encoder = encoder.estimator
    try:
        check_is_fitted(encoder)
    except NotFittedError as error:
        raise ValueError(
            f"column_groups={type(encoder).__name__} is not fitted; fit it first, in a "
            "FrozenEstimator where clones shall keep it."
        ) from error
    origin = _origin(encoder, encoder.n_features_in_)
    if len(origin) != n_columns:
        raise ValueError(
            f"column_groups={type(encoder).__name__} makes {len(origin)} columns, X "
            f"has {n_columns}; give the fitted encoder whose output X is."
        )
    names = getattr(encoder, "feature_names_in_", None)
    if names is None:
        names = [f"x{place}" for place in range(encoder.n_features_in_)]
    return {
        str(names[place]): np.flatnonzero(origin == place).tolist()
        for place in np.unique(origin[origin >= 0])
    }


def _origin(transformer, n_in):
    """Number of the column that each output encodes; -1 where it is of several."""
    if isinstance(transformer, Pipeline):
        origin = np.arange(n_in)
        for _, step in transformer.steps:
            if step is not None and step != "passthrough":
                origin = _followed(_origin(step, len(origin)), origin)
        return origin
    if isinstance(transformer, ColumnTransformer):
        return _origin_of_parts(transformer)
    if isinstance(transformer, OneHotEncoder):
        return np.repeat(np.arange(n_in), _block_sizes(transformer))
    n_out = len(transformer.get_feature_names_out())
    is_each_its_own = isinstance(transformer, OneToOneFeatureMixin) or n_in == 1
    if is_each_its_own and n_in in {1, n_out}:
        return np.arange(n_in) if n_in > 1 else np.zeros(n_out, dtype=int)
    return np.full(n_out, -1)


def _followed(later, earlier):
    """Origin of the outputs of a step in what an earlier one was given."""
    return np.where(later >= 0, earlier[later], -1)


def _origin_of_parts(transformer):
    names = getattr(transformer, "feature_names_in_", None)
    n_out = max(part.stop for part in transformer.output_indices_.values())
    origin = np.full(n_out, -1)
    for name, part, columns in transformer.transformers_:
        slots = transformer.output_indices_[name]
        if slots.start == slots.stop or part == "drop":
            continue
        places = _places(columns, names, transformer.n_features_in_)
        inner = np.arange(len(places))
        # What is passed on is fitted as a function without a name for its outputs.
        if part != "passthrough" and not isinstance(part, FunctionTransformer):
            inner = _origin(part, len(places))
        elif len(places) != slots.stop - slots.start:
            inner = np.full(slots.stop - slots.start, -1)
        origin[slots] = _followed(inner, places)
    return origin


def _places(columns, names, n_in):
    """Numbers of the columns that a part of a ColumnTransformer is given."""
    if isinstance(columns, slice) and not any(
        isinstance(end, str) for end in (columns.start, columns.stop)
    ):
        return np.arange(n_in)[columns]
    if isinstance(columns, slice):
        known = list(names)
        first = 0 if columns.start is None else known.index(columns.start)
        last = n_in - 1 if columns.stop is None else known.index(columns.stop)
        return np.arange(first, last + 1)
    columns = np.atleast_1d(np.asarray(columns))
    if columns.dtype.kind == "b":
        return np.flatnonzero(columns)
    if columns.dtype.kind in "iu":
        return columns % n_in
    known = {name: place for place, name in enumerate(names)}
    return np.array([known[name] for name in columns])


def _block_sizes(encoder):
    """Columns that a one-hot encoding of each column has."""
    sizes = np.array([len(levels) for levels in encoder.categories_])
    rare = getattr(encoder, "infrequent_categories_", [None] * len(sizes))
    sizes -= [0 if levels is None else len(levels) - 1 for levels in rare]
    if encoder.drop_idx_ is not None:
        sizes -= [place is not None for place in encoder.drop_idx_]
    return sizes
