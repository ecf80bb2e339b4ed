"""Rows become numbers: the one place where a method's own numerics get theirs.

What a method computes itself, it computes on encoded rows; what belongs to the user is
never changed. ``encoder="auto"`` is put together from scikit-learn's own parts, by what
the columns hold; numbers without missing cells need none and stay as they are.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.utils import check_array, get_tags

from ._columns import (
    LEVELS,
    NUMBERS,
    TIMES,
    columns_of,
    kind_of,
    to_floats,
    to_levels,
    to_seconds,
)
from ._gate import pass_others, pass_training, to_form
from ._given import check_readable
from .utils._random import integer_seed, seeded

# Levels of a column of strings, the group of the rare ones included.
MAX_LEVELS = 30
# Directions of sparse rows for methods that need dense ones.
MAX_DIRECTIONS = 256


class Seen(NamedTuple):
    """What must be known of the training rows to bring others into their form."""

    form: type
    dtype: np.dtype
    limits: tuple


class Made(NamedTuple):
    """What the columns of encoded rows were made of.

    Attributes
    ----------
    origin : ndarray of shape (n_columns,), dtype int
        The column of `X`; -1 where it is all of them.

    what : ndarray of shape (n_columns,), dtype str
        "number", "level" (one of a column's), "missing" (an indicator) or "direction".
    """

    origin: np.ndarray
    what: np.ndarray


def default_encoder(rows):
    """What ``encoder="auto"`` makes numbers with; for `fit_encoder`.

    Parameters
    ----------
    rows : {ndarray, dataframe, sparse matrix, list of str}
        Training rows.

    Returns
    -------
    encoder : transformer
        Unfitted.
    """
    if issparse(rows):
        return FunctionTransformer(accept_sparse=True)
    if not hasattr(rows, "shape") or len(rows.shape) == 1:
        return TfidfVectorizer()
    if isinstance(rows, np.ndarray) and rows.dtype.kind in "biuf":
        return _imputer()
    columns = {NUMBERS: [], TIMES: [], LEVELS: []}
    for place, column in enumerate(columns_of(rows)):
        columns[kind_of(column)].append(place)
    parts = {
        NUMBERS: [_each(to_floats), _imputer()],
        # Seconds have no scale that other columns could have.
        TIMES: [_each(to_seconds), StandardScaler(), _imputer()],
        LEVELS: [
            _each(to_levels),
            OneHotEncoder(
                max_categories=MAX_LEVELS,
                handle_unknown="infrequent_if_exist",
                sparse_output=False,
            ),
        ],
    }
    return ColumnTransformer(
        [(kind, make_pipeline(*parts[kind]), columns[kind]) for kind in parts],
        verbose_feature_names_out=False,
    ).set_output(transform="default")


def _each(function):
    return FunctionTransformer(function, feature_names_out="one-to-one")


def _imputer():
    imputer = SimpleImputer(add_indicator=True, keep_empty_features=True)
    # Arrays, also under a global set_output.
    return imputer.set_output(transform="default")


def fit_encoder(valuator, rows, y):
    """Numbers for a method's own numerics; sets ``encoder_``.

    Parameters
    ----------
    valuator : BaseValuator
        Its `encoder`, `random_state` and whether it takes sparse rows are asked.

    rows : {ndarray, dataframe, sparse matrix, list}
        Training rows, as validation leaves them.

    y : ndarray of shape (n_samples,)
        Class codes, or real targets, for an encoder that learns from them.

    Returns
    -------
    numbers : {ndarray, sparse matrix} of shape (n_samples, n_columns)
        Finite; `rows` themselves where they need no encoding.
    """
    vars(valuator).pop("encoder_", None)
    valuator._seen_numbers = valuator._seen_rows
    takes_sparse = bool(valuator._accept_sparse)
    is_auto = isinstance(valuator.encoder, str)
    if valuator._seen_rows is not None and (
        not is_auto or takes_sparse or not issparse(rows)
    ):
        if is_auto:
            valuator.encoder_ = FunctionTransformer(accept_sparse=True).fit(rows)
        return rows
    if is_auto:
        check_readable(rows, "X", valuator)
    encoder = default_encoder(rows) if is_auto else valuator.encoder
    seed = integer_seed(valuator.random_state)
    encoder = seeded(encoder, seed)
    numbers = _calling(valuator, encoder.fit_transform, rows, y)
    if issparse(numbers) and not takes_sparse and numbers.shape[1] > MAX_DIRECTIONS:
        n_directions = min(MAX_DIRECTIONS, *numbers.shape)
        directions = TruncatedSVD(n_directions, random_state=seed % 2**32)
        directions.set_output(transform="default")
        numbers = directions.fit_transform(numbers)
        encoder = make_pipeline(encoder, directions)
    numbers = _finite(valuator, numbers)
    numbers, limits = pass_training(numbers, "X", _names_of(encoder))
    valuator._seen_numbers = Seen(type(numbers), numbers.dtype, limits)
    valuator.encoder_ = encoder
    return numbers


def encode(valuator, rows, name):
    """Numbers of rows other than the training rows, by ``encoder_``.

    Parameters
    ----------
    valuator : BaseValuator
        After `fit_encoder`.

    rows : {ndarray, dataframe, sparse matrix, list}
        As validation leaves them.

    name : str
        The argument, for errors.

    Returns
    -------
    numbers : {ndarray, sparse matrix} of shape (n_rows, n_columns)
        In the form of the training rows' numbers.
    """
    seen = valuator._seen_numbers
    if seen is valuator._seen_rows:
        return rows
    numbers = _calling(valuator, valuator.encoder_.transform, rows, name=name)
    numbers = pass_others(_finite(valuator, numbers), name, seen.limits, ())
    return to_form(numbers, (seen.form, seen.dtype), name)


def made_of(valuator, n_columns):
    """What the columns of the encoded rows were made of.

    Parameters
    ----------
    valuator : BaseValuator
        After `fit_encoder`.

    n_columns : int
        Columns of the encoded rows.

    Returns
    -------
    made : Made
        Each a number from a column of its own where the encoder is the user's.
    """
    is_default = isinstance(valuator.encoder, str)
    encoder = getattr(valuator, "encoder_", None) if is_default else None
    return made_by(encoder, n_columns)


def made_by(encoder, n_columns):
    """What the columns were made of that a fitted `default_encoder` returns.

    Parameters
    ----------
    encoder : transformer or None
        None, or any other one: each column is a number from a column of its own.

    n_columns : int
        Columns of the encoded rows.

    Returns
    -------
    made : Made
        Of every column.
    """
    pairs = [(place, "number") for place in range(n_columns)]
    last = encoder[-1] if isinstance(encoder, Pipeline) else encoder
    if isinstance(last, TruncatedSVD):
        pairs = [(-1, "direction")] * n_columns
    elif isinstance(last, SimpleImputer):
        pairs = _of_imputer(last, range(last.n_features_in_))
    elif isinstance(last, ColumnTransformer):
        pairs = [pair for part in last.transformers_ for pair in _of_part(*part)]
    origin, what = zip(*pairs, strict=True)
    return Made(np.array(origin), np.array(what))


def describe_input(valuator, tags):
    """Say in tags what X may be.

    Parameters
    ----------
    valuator : BaseValuator
        Its `encoder` and the user's estimator that gets the rows are asked.

    tags : InputTags
        Changed.
    """
    reader = valuator._reader() if valuator._takes_rows else valuator.encoder
    if reader is None:
        tags.sparse = bool(valuator._accept_sparse)
        return
    names = ["sparse", "allow_nan", "string", "categorical"]
    theirs = None if isinstance(reader, str) else get_tags(reader).input_tags
    for name in names:
        setattr(tags, name, theirs is None or getattr(theirs, name))
    if isinstance(reader, Pipeline):
        # Its own tags say nothing of missing cells.
        tags.allow_nan = get_tags(reader[0]).input_tags.allow_nan


def _of_part(kind, fitted, columns):
    """Origin and what of each output of a part of the default encoder."""
    if len(columns) == 0 or kind == "remainder":
        return []
    if kind != LEVELS:
        return _of_imputer(fitted[-1], columns)
    one_hot = fitted[-1]
    rare = getattr(one_hot, "infrequent_categories_", [None] * len(columns))
    return [
        (column, "level")
        for column, levels, few in zip(columns, one_hot.categories_, rare, strict=True)
        for _ in range(len(levels) - (0 if few is None else len(few) - 1))
    ]


def _of_imputer(imputer, columns):
    return [(column, "number") for column in columns] + [
        (columns[place], "missing") for place in imputer.indicator_.features_
    ]


def _calling(valuator, function, *arguments, name="X"):
    """What an encoder makes of rows, or an error that says who failed on what."""
    try:
        return function(*arguments)
    except (TypeError, ValueError) as error:
        if isinstance(valuator.encoder, str):
            who = f"{name}: its columns are not like those of fit"
        else:
            who = f"encoder={type(valuator.encoder).__name__} failed on {name}"
        raise type(error)(f"{who}: {error}") from error


def _finite(valuator, numbers):
    takes_sparse = bool(valuator._accept_sparse)
    if issparse(numbers) and not takes_sparse:
        numbers = numbers.toarray()
    return check_array(
        numbers, accept_sparse="csr", input_name="encoded X", estimator="encoder"
    )


def _names_of(encoder):
    try:
        return encoder.get_feature_names_out()
    except (AttributeError, ValueError):
        return None
