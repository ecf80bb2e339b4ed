"""Tables of openml.org, as `sklearn.datasets.fetch_openml` fetches them.

They are fetched once and kept in scikit-learn's data folder.
"""

import warnings
from urllib.error import URLError

import numpy as np
from sklearn.datasets import fetch_openml, get_data_home
from sklearn.utils import Bunch


def fetch_table(
    who, data_id, data_home, return_X_y, as_frame, leave_out=None, parser="pandas"
):
    """A table as the fetchers return it.

    Parameters
    ----------
    who : str
        Name of the fetcher, for errors.

    data_id : int
        Of the table.

    data_home : str, path-like or None
        Folder of the copies; None: scikit-learn's.

    return_X_y, as_frame : bool
        As scikit-learn's loaders have them.

    leave_out : callable or None, default=None
        Says from the frame which columns are no features.

    parser : {"pandas", "liac-arff"}, default="pandas"
        The second is slower. The first, of scikit-learn 1.9 with pandas 3.1, stumbles
        over categories that are called by numbers.

    Returns
    -------
    table : Bunch or (data, target)
        Classes are counted from 0, in the order of their names.
    """
    table = _fetch(who, data_id, data_home, parser)
    frame = table.data
    if leave_out is not None:
        frame = frame.drop(columns=leave_out(frame))
    # Of strings, as the names of some classes are numbers.
    labels = np.asarray(table.target, dtype=str)
    names, codes = np.unique(labels, return_inverse=True)
    target = codes.astype(np.int64)
    if as_frame:
        data = frame
        target = type(table.target)(target, index=frame.index, name=table.target.name)
    else:
        columns = [_numbers(frame[name]) for name in frame.columns]
        data = np.column_stack(columns)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        feature_names=list(frame.columns),
        target_names=names,
        DESCR=table.DESCR,
        url=table.url,
    )


def _fetch(who, data_id, data_home, parser):
    try:
        with warnings.catch_warnings():
            # Each of several attempts; the last one is an error.
            warnings.filterwarnings("ignore", message="A network error occurred")
            return fetch_openml(
                data_id=data_id, data_home=data_home, as_frame=True, parser=parser
            )
    except (URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", None) or error
        raise OSError(
            f"{who} could not fetch data set {data_id} from openml.org: {reason}. It "
            "needs the network once; later it reads its copy in the folder "
            f"{get_data_home(data_home)!r}, which you can also copy from a machine "
            "that has it, or name by data_home."
        ) from error


def _numbers(column):
    """Numbers as float64, categories as their place in order, missing ones first."""
    if column.dtype.kind in "biuf":
        return column.to_numpy(dtype=np.float64)
    names = column.cat.categories if hasattr(column, "cat") else column.dropna()
    places = {name: place for place, name in enumerate(sorted(set(names)))}
    codes = column.astype(object).map(places).to_numpy(dtype=np.float64)
    return np.nan_to_num(codes + 1) if np.isnan(codes).any() else codes


def other_than_numbers(frame):
    """Columns that are not numeric.

    Parameters
    ----------
    frame : DataFrame
        Features.

    Returns
    -------
    names : list of str
        Their names.
    """
    return [name for name in frame.columns if frame[name].dtype.kind not in "iuf"]
