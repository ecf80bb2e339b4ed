r"""A small table as people have them: mixed columns, missing cells, a rare class.

A row's risk of a default is

    -1.5 z(log income) - 0.03 (age - 45) + 1.5 [rents] + job + school
        + 2 [opened after 2021] + N(0, 0.5^2)

and the rows of the highest risk are the defaults.
"""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state

from ..utils._sklearn import Interval, validate_params
from ._label_noise import make_label_noise

JOBS = {"artist": 1.0, "cook": 0.5, "driver": 0.5, "nurse": -0.5, "teacher": -1.0}
SCHOOLS = {"primary": 0.5, "secondary": 0.0, "college": -0.5}
FIRST_DAY, N_DAYS, CRISIS = "2015-01-01", 3650, 2557
NOISE = 0.5


@validate_params(
    {
        "n_samples": [Interval(Integral, 10, None, closed="left")],
        "minority": [Interval(Real, 0, 0.5, closed="right")],
        "missing": [Interval(Real, 0, 1, closed="left")],
        "wrong": [Interval(Real, 0, 1, closed="both")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_mixed_table(
    n_samples=1000, *, minority=0.1, missing=0.05, wrong=0.05, random_state=None
):
    r"""Generate a mixed frame with missing cells, a rare class and wrong labels.

    The rows are loans. Those of the highest risk

    .. math::

        &-\tfrac{3}{2} z(\log \text{income}) - 0.03 (\text{age} - 45)
        + \tfrac{3}{2} [\text{rents}] + b_{\text{job}} + c_{\text{school}} \\
        &+ 2 [\text{opened in 2022 or later}] + \varepsilon,
        \quad \varepsilon \sim N(0, 0.5^2)

    with the standardised log of the income :math:`z`, are truly of the rare class
    ``"default"``, the others of ``"paid"``.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of rows, at least 10.

    minority : float, default=0.1
        Share of the rows that are truly of the rare class, in (0, 0.5]: exactly
        ``round(minority * n_samples)`` rows.

    missing : float, default=0.05
        Share of missing cells in each column that can hold them, in [0, 1): exactly
        ``round(missing * n_samples)`` cells, whatever is in them.

    wrong : float, default=0.05
        Share of wrong labels, in [0, 1], made by `make_label_noise`. Of both classes
        alike: with the defaults a third of the rows labelled ``"default"`` were paid.

    random_state : int, RandomState instance or None, default=None
        Pass an int for reproducible output.

    Returns
    -------
    frame : pandas DataFrame of shape (n_samples, 6)
        The rows, of these columns.

        ========== ================ =============
        Column     Type             Missing cells
        ========== ================ =============
        ``income`` real numbers     yes
        ``age``    whole numbers    no
        ``rents``  booleans         no
        ``job``    strings          yes
        ``school`` ordered category yes
        ``opened`` dates            yes
        ========== ================ =============

        Missing cells would make whole numbers real, and booleans objects.

    y : pandas Series of shape (n_samples,)
        The labels, some of them wrong, named ``"loan"``.

    is_wrong : ndarray of shape (n_samples,), dtype bool
        True where the label is wrong.

    Raises
    ------
    ImportError
        If pandas is not installed.

    ValueError
        If `minority` leaves the rare class without rows.

    See Also
    --------
    make_label_noise : Turns labels of your own wrong.
    make_feature_noise : Turns features wrong, of such a frame, too.

    Examples
    --------
    >>> from skvalue.datasets import make_mixed_table
    >>> frame, y, is_wrong = make_mixed_table(200, random_state=0)
    >>> frame.columns.tolist()
    ['income', 'age', 'rents', 'job', 'school', 'opened']
    >>> frame.isna().sum().tolist()
    [10, 0, 0, 10, 10, 10]
    >>> int(((y == "default") ^ is_wrong).sum()), int(is_wrong.sum())
    (20, 10)
    """
    pandas = _import_pandas()
    n_rare = round(minority * n_samples)
    if n_rare == 0:
        raise ValueError(
            f"minority={minority} of {n_samples} rows leaves the rare class without "
            "rows; raise minority or n_samples."
        )
    rng = check_random_state(random_state)
    school = rng.choice(len(SCHOOLS), size=n_samples, p=[0.3, 0.5, 0.2])
    job = rng.randint(len(JOBS), size=n_samples)
    age = rng.randint(18, 76, size=n_samples)
    rents = rng.uniform(size=n_samples) < 0.4
    opened = rng.randint(N_DAYS, size=n_samples)
    z = rng.standard_normal(n_samples)
    risk = (
        -1.5 * z
        - 0.03 * (age - 45)
        + 1.5 * rents
        + np.array(list(JOBS.values()))[job]
        + np.array(list(SCHOOLS.values()))[school]
        + 2 * (opened >= CRISIS)
        + NOISE * rng.standard_normal(n_samples)
    )
    truth = np.full(n_samples, "paid", dtype=object)
    truth[np.argsort(-risk, kind="stable")[:n_rare]] = "default"
    y, is_wrong = make_label_noise(truth, wrong, random_state=rng)
    frame = pandas.DataFrame(
        {
            "income": np.exp(10 + 0.5 * z).round(2),
            "age": age,
            "rents": rents,
            "job": np.array(list(JOBS), dtype=object)[job],
            "school": pandas.Categorical.from_codes(
                school, list(SCHOOLS), ordered=True
            ),
            "opened": pandas.Timestamp(FIRST_DAY) + pandas.to_timedelta(opened, "D"),
        }
    )
    for column in ["income", "job", "school", "opened"]:
        cells = rng.choice(n_samples, size=round(missing * n_samples), replace=False)
        is_missing = np.zeros(n_samples, dtype=bool)
        is_missing[cells] = True
        frame[column] = frame[column].mask(is_missing)
    return frame, pandas.Series(y, name="loan"), is_wrong


def _import_pandas():
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            "make_mixed_table needs pandas; install it, pip install pandas."
        ) from error
    return pandas
