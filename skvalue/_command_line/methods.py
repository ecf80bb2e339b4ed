"""The valuators that the command line offers, and which of them is the default."""

# Up to so many rows the whole consensus ends in about a minute, see the user guide.
MOST_FOR_CONSENSUS = 30_000
# Trees of its forest beyond.
_TREES = 200


def consensus():
    """Both default members."""
    from ..consensus import ConsensusValuator

    # Naming a parameter of a member writes the default members out.
    return ConsensusValuator().set_params(oob__scoring="log_proba")


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
    if method in {"consensus", "quick-consensus"}:
        # One after the other, each on all cores: what a member says stays on stderr,
        # as it is said by this process.
        return valuator.set_params(
            **{
                f"{name}__{parameter}": value
                for name, _ in valuator.get_params(deep=False)["valuators"]
                for parameter, value in [("n_jobs", n_jobs), ("verbose", 1)]
            }
        )
    return valuator.set_params(n_jobs=n_jobs)


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
        f"{_TREES} trees in its forest, so that 100000 rows take about a minute; "
        "--method consensus grows 1000"
    )
