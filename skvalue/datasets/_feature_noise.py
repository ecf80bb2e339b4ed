r"""Known wrong features: some rows get noise, or entries of other rows.

x_ij + scale * sd_j * e_ij,   e_ij ~ N(0, 1)      kind="gaussian"
x_kj,   k uniform over the rows with x_kj != x_ij    kind="shuffle"
"""

from numbers import Real

import numpy as np
from sklearn.utils import check_array, check_random_state

from ..utils._naming import naming
from ..utils._sklearn import (
    Interval,
    StrOptions,
    get_column_indices,
    is_pandas_df,
    validate_params,
)
from ._draws import other_place


@validate_params(
    {
        "X": ["array-like"],
        "rate": [Interval(Real, 0, 1, closed="both")],
        "scale": [Interval(Real, 0, None, closed="neither")],
        "columns": ["array-like", str, None],
        "kind": [StrOptions({"gaussian", "shuffle"})],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_feature_noise(
    X, rate, *, scale=1.0, columns=None, kind="gaussian", random_state=None
):
    r"""Make the features of a share of the rows wrong, and say which rows.

    Exactly ``round(rate * n_samples)`` rows, drawn uniformly without replacement, get
    other entries in each column :math:`j` of `columns`:

    .. math::

        \tilde x_{ij} = x_{ij} + \text{scale} \cdot \sigma_j \varepsilon_{ij},
        \quad \varepsilon_{ij} \sim N(0, 1),

    with the column's standard deviation :math:`\sigma_j` or, with ``kind="shuffle"``
    and in columns that are not numbers, the entry of a row drawn uniformly from those
    whose entry differs.

    Parameters
    ----------
    X : {array-like, pandas DataFrame} of shape (n_samples, n_features)
        Rows of any type; left as they are. Missing cells may be there.

    rate : float
        Share of rows to make wrong, in [0, 1].

    scale : float, default=1.0
        Standard deviation of the Gaussian noise, above 0, in units of the column's.

    columns : array-like of int, bool or str, str or None, default=None
        Columns to make wrong: numbers, a mask or, of a frame, names. None: all of them.

    kind : {"gaussian", "shuffle"}, default="gaussian"
        What the noise is. Gaussian noise leaves missing cells missing; booleans,
        strings, categories, dates and arrays of objects are shuffled in any case.

    random_state : int, RandomState instance or None, default=None
        Pass an int for reproducible output.

    Returns
    -------
    X_noisy : {ndarray, pandas DataFrame} of shape (n_samples, n_features)
        The rows. A frame keeps its index, names and dtypes, except that Gaussian noise
        makes whole numbers real and sparse columns dense. An array keeps its dtype,
        except that Gaussian noise makes whole numbers float64.

    is_noisy : ndarray of shape (n_samples,), dtype bool
        True where the row is wrong. Such a row differs from what it was.

    Raises
    ------
    ValueError
        If too few rows can become wrong: all entries of a constant column, and missing
        ones under Gaussian noise, stay as they are.

    See Also
    --------
    make_label_noise : Turns known labels wrong.
    make_mixed_table : A frame with known wrong labels.

    References
    ----------
    Zhu, X. and Wu, X. (2004). "Class Noise vs. Attribute Noise: A Quantitative Study".
    Artificial Intelligence Review 22.

    Examples
    --------
    >>> from skvalue.datasets import make_feature_noise
    >>> X = [[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0]]
    >>> X_noisy, is_noisy = make_feature_noise(X, 0.25, columns=[0], random_state=0)
    >>> X_noisy.round(2)
    array([[ 1.  , 10.  ],
           [ 2.  , 20.  ],
           [ 4.09, 30.  ],
           [ 4.  , 40.  ]])
    >>> is_noisy
    array([False, False,  True, False])
    """
    is_frame = is_pandas_df(X)
    if not is_frame:
        if np.ma.is_masked(X):
            raise ValueError("X is a masked array with hidden entries; fill them.")
        with naming("X"):
            X = check_array(
                X, dtype=None, ensure_all_finite="allow-nan", input_name="X"
            )
    rng = check_random_state(random_state)
    positions = _positions(X, columns)
    entries = X.iloc if is_frame else X
    noises = [
        _Gaussian(column, scale)
        if kind == "gaussian" and column.dtype.kind in "iuf"
        else _Shuffle(column)
        for column in (entries[:, position] for position in positions)
    ]
    rows = _rows_to_change(noises, rate, X.shape[0], rng)
    is_noisy = np.zeros(X.shape[0], dtype=bool)
    is_noisy[rows] = True
    if is_frame:
        X_noisy = X.copy()
        for position, noise in zip(positions, noises, strict=True):
            X_noisy.isetitem(position, noise.of_series(rows, rng))
        return X_noisy, is_noisy
    columns = [noise.of_array(rows, rng) for noise in noises]
    X_noisy = X.astype(np.result_type(X, *columns) if X.dtype.kind in "iu" else X.dtype)
    for position, column in zip(positions, columns, strict=True):
        X_noisy[:, position] = column
    return X_noisy, is_noisy


def _positions(X, columns):
    if columns is None:
        return np.arange(X.shape[1])
    with naming("columns"):
        positions = np.unique(get_column_indices(X, columns)).astype(int)
    if positions.size == 0:
        raise ValueError("columns is empty; name at least one, or give None for all.")
    return positions


def _rows_to_change(noises, rate, n_samples, rng):
    changeable = np.any([noise.changes for noise in noises], axis=0)
    n_rows = round(rate * n_samples)
    if n_rows > changeable.sum():
        raise ValueError(
            f"rate={rate} asks for {n_rows} noisy rows, but only {changeable.sum()} "
            "rows of X can change: constant columns, and missing entries under "
            "Gaussian noise, stay as they are. Lower rate, or give other columns."
        )
    return rng.choice(np.flatnonzero(changeable), size=n_rows, replace=False)


class _Gaussian:
    """Noise in units of the column's standard deviation."""

    def __init__(self, column, scale):
        self.column = column
        if isinstance(column, np.ndarray):
            numbers = column.astype(np.float64)
        else:
            numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        present = numbers[~np.isnan(numbers)]
        if np.isinf(present).any():
            raise ValueError(f"X: column {column.name!r} holds infinity.")
        self.numbers = numbers
        # The deviation of equal numbers may be off zero by rounding.
        varies = present.size > 0 and present.min() < present.max()
        self.deviation = scale * present.std() if varies else 0.0
        self.changes = ~np.isnan(numbers) & varies

    def _noisy(self, rows, rng):
        noise = self.deviation * rng.standard_normal(len(rows))
        present = self.changes[rows]
        return rows[present], (self.numbers[rows] + noise)[present]

    def of_array(self, rows, rng):
        is_real = self.column.dtype.kind == "f"
        noisy = self.column.astype(self.column.dtype if is_real else np.float64)
        rows, numbers = self._noisy(rows, rng)
        noisy[rows] = numbers
        return noisy

    def of_series(self, rows, rng):
        rows, numbers = self._noisy(rows, rng)
        # Noise makes sparse columns dense.
        dtype = getattr(self.column.dtype, "subtype", self.column.dtype)
        if dtype.kind != "f":
            # Of the same family, numpy's, nullable or Arrow's.
            dtype = (self.column.iloc[:0].astype(dtype) + 0.5).dtype
        noisy = self.column.astype(dtype).array.copy()
        noisy[rows] = type(self.column)(numbers).astype(dtype).array
        return noisy


class _Shuffle:
    """Entries of other rows, whatever they are."""

    def __init__(self, column):
        self.column = column
        self.codes, self.counts = _codes(column)
        self.changes = np.full(len(self.codes), len(self.counts) > 1)

    def _sources(self, rows, rng):
        """Row that each row takes its entry from."""
        sources = np.arange(len(self.codes))
        if self.changes.all():
            order = np.argsort(self.codes, kind="stable")
            sources[rows] = order[other_place(self.codes[rows], self.counts, rng)]
        return sources

    def of_array(self, rows, rng):
        return self.column[self._sources(rows, rng)]

    def of_series(self, rows, rng):
        return self.column.array.take(self._sources(rows, rng))


def _codes(column):
    """Code of each entry, missing ones alike, and the number of rows of each code."""
    if isinstance(column, np.ndarray) and column.dtype != object:
        _, codes = np.unique(column, return_inverse=True)
    else:
        keys = [None if _is_missing(entry) else entry for entry in column.tolist()]
        place = {}
        with naming("X"):
            codes = [place.setdefault(key, len(place)) for key in keys]
        codes = np.array(codes, dtype=int)
    return codes, np.bincount(codes)


def _is_missing(entry):
    """Whether an entry is not equal to itself or, as pandas.NA, does not say."""
    same = entry == entry
    return not isinstance(same, (bool, np.bool_)) or not same
