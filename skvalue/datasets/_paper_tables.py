"""The tables of the papers, from openml.org.

Numbers of the data sets: those that OpenDataVal uses (Jiang et al., "OpenDataVal: a
Unified Benchmark for Data Valuation", NeurIPS 2023), from which both papers have them,
and those of the full tables electricity and adult.
"""

from ._openml import fetch_table, other_than_numbers


def fetch_2dplanes(*, data_home=None, return_X_y=False, as_frame=False):
    """Fetch 2dplanes, artificial rows of two planes (OpenML 727).

    The target of the generator is cut at its mean: class ``"P"`` where it is below.
    The best possible accuracy is 0.930, see `make_two_planes`.

    Parameters
    ----------
    data_home : str, path-like or None, default=None
        Folder that keeps the copy; None: scikit-learn's, see
        `sklearn.datasets.get_data_home`.

    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    as_frame : bool, default=False
        Return a DataFrame and a Series instead of arrays.

    Returns
    -------
    table : Bunch or (data, target)
        ``data``, 40768 rows of 10 features; ``target``, 0 and 1 for classes N and P;
        ``feature_names``, ``target_names``, ``DESCR`` and ``url``.

    Raises
    ------
    OSError
        If there is neither a copy nor a network; the message says what to do.

    See Also
    --------
    make_two_planes : Its generator, for as many rows as wanted.

    References
    ----------
    Breiman, L., Friedman, J. H., Olshen, R. A. and Stone, C. J. (1984).
    "Classification and Regression Trees". Wadsworth, p. 238.

    Examples
    --------
    >>> from skvalue.datasets import fetch_2dplanes
    >>> X, y = fetch_2dplanes(return_X_y=True)  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (40768, 10)
    """
    return fetch_table("fetch_2dplanes", 727, data_home, return_X_y, as_frame)


def fetch_pol(*, data_home=None, return_X_y=False, as_frame=False):
    """Fetch pol, a telecommunication problem (OpenML 722).

    A target of eleven values is cut at its mean: class ``"P"`` where it is below. 22 of
    the columns are constant.

    Parameters
    ----------
    data_home : str, path-like or None, default=None
        Folder that keeps the copy; None: scikit-learn's, see
        `sklearn.datasets.get_data_home`.

    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    as_frame : bool, default=False
        Return a DataFrame and a Series instead of arrays.

    Returns
    -------
    table : Bunch or (data, target)
        ``data``, 15000 rows of 48 features; ``target``, 0 and 1 for classes N and P;
        ``feature_names``, ``target_names``, ``DESCR`` and ``url``.

    Raises
    ------
    OSError
        If there is neither a copy nor a network; the message says what to do.

    See Also
    --------
    fetch_2dplanes : Another table of both papers on data valuation.

    References
    ----------
    Weiss, S. M. and Indurkhya, N. (1995). "Rule-based Machine Learning Methods for
    Functional Prediction". Journal of Artificial Intelligence Research 3.

    Examples
    --------
    >>> from skvalue.datasets import fetch_pol
    >>> X, y = fetch_pol(return_X_y=True)  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (15000, 48)
    """
    return fetch_table("fetch_pol", 722, data_home, return_X_y, as_frame)


def fetch_fried(*, data_home=None, return_X_y=False, as_frame=False):
    """Fetch fried, an artificial regression cut at its mean (OpenML 901).

    Friedman's function of five of ten uniform features, with noise: class ``"P"`` where
    it is below its mean.

    Parameters
    ----------
    data_home : str, path-like or None, default=None
        Folder that keeps the copy; None: scikit-learn's, see
        `sklearn.datasets.get_data_home`.

    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    as_frame : bool, default=False
        Return a DataFrame and a Series instead of arrays.

    Returns
    -------
    table : Bunch or (data, target)
        ``data``, 40768 rows of 10 features; ``target``, 0 and 1 for classes N and P;
        ``feature_names``, ``target_names``, ``DESCR`` and ``url``.

    Raises
    ------
    OSError
        If there is neither a copy nor a network; the message says what to do.

    See Also
    --------
    sklearn.datasets.make_friedman1 : Its generator.

    References
    ----------
    Friedman, J. H. (1991). "Multivariate Adaptive Regression Splines". Annals of
    Statistics 19(1).

    Examples
    --------
    >>> from skvalue.datasets import fetch_fried
    >>> X, y = fetch_fried(return_X_y=True)  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (40768, 10)
    """
    return fetch_table("fetch_fried", 901, data_home, return_X_y, as_frame)


def fetch_nomao(*, data_home=None, return_X_y=False, as_frame=False):
    """Fetch nomao, pairs of places that are the same or not (OpenML 1486).

    The 89 columns of numbers, as OpenDataVal uses them; 29 columns of categories are
    left out.

    Parameters
    ----------
    data_home : str, path-like or None, default=None
        Folder that keeps the copy; None: scikit-learn's, see
        `sklearn.datasets.get_data_home`.

    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    as_frame : bool, default=False
        Return a DataFrame and a Series instead of arrays.

    Returns
    -------
    table : Bunch or (data, target)
        ``data``, 34465 rows of 89 features; ``target``, 0 and 1 for classes 1 and 2;
        ``feature_names``, ``target_names``, ``DESCR`` and ``url``.

    Raises
    ------
    OSError
        If there is neither a copy nor a network; the message says what to do.

    See Also
    --------
    fetch_adult : Another table with categories.

    References
    ----------
    Candillier, L. and Lemaire, V. (2012). "Design and Analysis of the Nomao Challenge:
    Active Learning in the Real-World". Workshop on Active Learning in Real-world
    Applications, ECML-PKDD.

    Examples
    --------
    >>> from skvalue.datasets import fetch_nomao
    >>> X, y = fetch_nomao(return_X_y=True)  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (34465, 89)
    """
    return fetch_table(
        "fetch_nomao",
        1486,
        data_home,
        return_X_y,
        as_frame,
        other_than_numbers,
        parser="liac-arff",
    )


def fetch_miniboone(*, data_home=None, return_X_y=False, as_frame=False):
    """Fetch MiniBooNE, electron neutrinos and background (OpenML 43974).

    As many rows of either class, as OpenDataVal uses them; the paper on stochastic
    amortization has it from there.

    Parameters
    ----------
    data_home : str, path-like or None, default=None
        Folder that keeps the copy; None: scikit-learn's, see
        `sklearn.datasets.get_data_home`.

    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    as_frame : bool, default=False
        Return a DataFrame and a Series instead of arrays.

    Returns
    -------
    table : Bunch or (data, target)
        ``data``, 72998 rows of 50 features; ``target``, 0 and 1;
        ``feature_names``, ``target_names``, ``DESCR`` and ``url``.

    Raises
    ------
    OSError
        If there is neither a copy nor a network; the message says what to do.

    See Also
    --------
    fetch_adult : The other table of the paper on stochastic amortization.

    References
    ----------
    Roe, B. P., Yang, H.-J., Zhu, J., Liu, Y., Stancu, I. and McGregor, G. (2005).
    "Boosted Decision Trees as an Alternative to Artificial Neural Networks for Particle
    Identification". Nuclear Instruments and Methods in Physics Research A 543.

    Examples
    --------
    >>> from skvalue.datasets import fetch_miniboone
    >>> X, y = fetch_miniboone(return_X_y=True)  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (72998, 50)
    """
    return fetch_table(
        "fetch_miniboone",
        43974,
        data_home,
        return_X_y,
        as_frame,
        other_than_numbers,
        parser="liac-arff",
    )


def fetch_electricity(
    *, balanced=False, data_home=None, return_X_y=False, as_frame=False
):
    """Fetch electricity, prices that rise or fall (OpenML 151 or 44080).

    Half-hours of the market of New South Wales, in the order of time. The features are
    ``period``, ``nswprice``, ``nswdemand``, ``vicprice``, ``vicdemand`` and
    ``transfer``; date and day are left out, as in the tables of the papers.

    Parameters
    ----------
    balanced : bool, default=False
        Return 38474 rows, as many of either class: the version that OpenDataVal uses.

    data_home : str, path-like or None, default=None
        Folder that keeps the copy; None: scikit-learn's, see
        `sklearn.datasets.get_data_home`.

    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    as_frame : bool, default=False
        Return a DataFrame and a Series instead of arrays.

    Returns
    -------
    table : Bunch or (data, target)
        ``data``, 45312 rows of 6 features; ``target``, 0 and 1 for classes DOWN and UP;
        ``feature_names``, ``target_names``, ``DESCR`` and ``url``.

    Raises
    ------
    OSError
        If there is neither a copy nor a network; the message says what to do.

    See Also
    --------
    fetch_adult : Another table whose classes are not balanced.

    References
    ----------
    Harries, M. (1999). "Splice-2 Comparative Evaluation: Electricity Pricing".
    Technical report, University of New South Wales.

    Examples
    --------
    >>> from skvalue.datasets import fetch_electricity
    >>> X, y = fetch_electricity(return_X_y=True)  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (45312, 6)
    """
    return fetch_table(
        "fetch_electricity",
        44080 if balanced else 151,
        data_home,
        return_X_y,
        as_frame,
        _no_measurements,
        parser="liac-arff",
    )


def fetch_adult(*, data_home=None, return_X_y=False, as_frame=False):
    """Fetch adult, incomes above 50 000 dollars or not (OpenML 1590).

    Six columns are numbers, eight are categories with missing cells. As arrays, a
    category is its place among their sorted names, missing ones first.

    Parameters
    ----------
    data_home : str, path-like or None, default=None
        Folder that keeps the copy; None: scikit-learn's, see
        `sklearn.datasets.get_data_home`.

    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    as_frame : bool, default=False
        Return a DataFrame and a Series instead of arrays.

    Returns
    -------
    table : Bunch or (data, target)
        ``data``, 48842 rows of 14 features; ``target``, 0 and 1 for classes
        <=50K and >50K; ``feature_names``, ``target_names``, ``DESCR`` and ``url``.

    Raises
    ------
    OSError
        If there is neither a copy nor a network; the message says what to do.

    See Also
    --------
    make_mixed_table : A generated frame with missing cells and known wrong labels.

    References
    ----------
    Kohavi, R. (1996). "Scaling Up the Accuracy of Naive-Bayes Classifiers: a
    Decision-Tree Hybrid". International Conference on Knowledge Discovery and Data
    Mining.

    Examples
    --------
    >>> from skvalue.datasets import fetch_adult
    >>> X, y = fetch_adult(return_X_y=True)  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (48842, 14)
    """
    return fetch_table("fetch_adult", 1590, data_home, return_X_y, as_frame)


def _no_measurements(frame):
    """Columns of the time when it was, but for that of the day, and of no numbers."""
    others = other_than_numbers(frame)
    return [name for name in frame.columns if name in {"date", "day", *others}]
