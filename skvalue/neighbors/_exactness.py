"""Which settings of KNN-Shapley have exact values."""


def check_exact(valuator, classification):
    """Refuse settings that no closed form covers, before any distance is computed.

    Parameters
    ----------
    valuator : KNNShapley
        Whose parameters they are.

    classification : bool
        Whether the targets are class labels.
    """
    if valuator.metric == "precomputed":
        raise ValueError(
            'metric="precomputed" is not supported: folds need rows; give X and '
            "the name of a metric, or a callable."
        )
    plain = classification and valuator.utility == "hard"
    if not classification and valuator.utility != "hard":
        raise ValueError(
            f"utility={valuator.utility!r} needs class labels, and y is a real target; "
            'regression has utility="hard".'
        )
    if valuator.weights == "distance" and not plain:
        raise ValueError(
            'weights="distance" is exact for class labels with utility="hard" '
            'only; use weights="uniform".'
        )
    if valuator.max_rank is None:
        return
    if not plain:
        raise ValueError(
            f"max_rank={valuator.max_rank} has an error bound for class labels with "
            'utility="hard" only; use max_rank=None.'
        )
    if valuator.max_rank < valuator.n_neighbors:
        raise ValueError(
            f"max_rank={valuator.max_rank} is below n_neighbors="
            f"{valuator.n_neighbors}; all neighbours must be ranked."
        )
