"""The valuators that the command line offers, and which of them is the default."""

# Up to so many rows the whole consensus ends in about a minute, see the user guide.
MOST_FOR_CONSENSUS = 30_000
# Trees of its forest beyond.
_TREES = 200


def consensus():
    """Both default members."""
    from ..consensus import ConsensusValuator

    return ConsensusValuator()


def quick_consensus():
    """The same members, with a smaller forest."""
    return consensus().set_params(oob__n_estimators=_TREES)


def nddv():
    """Neural dynamics, one training."""
    from ..nddv import NDDVValuator

    return NDDVValuator()


def data_oob():
    """A forest; on the scale that the automatic threshold needs."""
    from ..data_oob import DataOOB

    return DataOOB(scoring="log_proba")


def self_confidence():
    """A cross-validated linear model."""
    from ..confidence import SelfConfidence

    return SelfConfidence()


def knn_shapley():
    """Shapley values of a nearest-neighbour model."""
    from ..neighbors import KNNShapley

    return KNNShapley()


def feature_confidence():
    """Each column predicted from the others: wrong features, not labels."""
    from ..feature_confidence import FeatureConfidence

    return FeatureConfidence()


METHODS = {
    "consensus": consensus,
    "quick-consensus": quick_consensus,
    "nddv": nddv,
    "data-oob": data_oob,
    "self-confidence": self_confidence,
    "knn-shapley": knn_shapley,
    "feature-confidence": feature_confidence,
}


def make_valuator(method, *, drop, random_state, n_jobs):
    """A valuator that says on stdout how far it is.

    Parameters
    ----------
    method : str
        A key of `METHODS`.

    drop : float, "auto" or "negative"
        Which rows go.

    random_state : int
        Seed.

    n_jobs : int
        Workers, where the method has them.

    Returns
    -------
    valuator : BaseValuator
        Not fitted.
    """
    valuator = METHODS[method]().set_params(
        drop=drop, random_state=random_state, verbose=1
    )
    if "n_jobs" in valuator.get_params(deep=False):
        valuator.set_params(n_jobs=n_jobs)
    return valuator


def choose(method, n_rows):
    """The method, and why, where it was left to us.

    Parameters
    ----------
    method : str
        As given; ``"auto"`` leaves it to the number of rows.

    n_rows : int
        Rows to value.

    Returns
    -------
    method : str
        A key of `METHODS`.

    why : str
        A phrase for the terminal; empty where the user chose.
    """
    if method != "auto":
        return method, ""
    if n_rows <= MOST_FOR_CONSENSUS:
        return "consensus", ""
    return "quick-consensus", (
        f"{_TREES} trees in its forest, for more than {MOST_FOR_CONSENSUS} rows; "
        "--method consensus grows 1000"
    )
