"""The methods of the NDDV paper's tables, with the settings of its SI 5.B.

Each is ``(make, held_out)``: a function of the number of held-out rows that returns a
valuator, and the clean rows that it gets as ``X_val, y_val``: "val", "meta", a number
of meta rows, or None. Utilities are accuracies, as in the paper.
"""

from functools import partial

from skvalue import (
    AME,
    BetaShapley,
    DataBanzhaf,
    DataOOB,
    DataShapley,
    InfluenceFunction,
    KNNShapley,
    LeaveOneOut,
    NDDVValuator,
    SubsampleInfluence,
)


def made(method, **settings):
    """Function that ignores the number of held-out rows."""
    return lambda n_val: method(**settings)


accuracy = partial(made, scoring="accuracy")
of_1000 = {"max_evaluations": 1000, "tol": None}

METHODS = {
    "NDDV, paper": (made(NDDVValuator.paper), "meta"),
    "NDDV": (made(NDDVValuator), None),
    "Data-OOB": (made(DataOOB, n_estimators=1000), None),
    "KNN Shapley": (lambda n_val: KNNShapley(n_neighbors=n_val), "val"),
    "Data Shapley": (accuracy(DataShapley), "val"),
    "Beta Shapley": (accuracy(BetaShapley), "val"),
    "Data Banzhaf": (accuracy(DataBanzhaf, sampler="msr", **of_1000), "val"),
    # Feldman and Zhang's, as OpenDataVal has it: mean utility of subsets of 70 % of
    # the rows with a row, minus that of those without it.
    "Influence": (accuracy(SubsampleInfluence, subsample=0.7, **of_1000), "val"),
    "AME": (accuracy(AME, max_evaluations=1000), "val"),
    "LOO": (accuracy(LeaveOneOut), "val"),
    "random": (None, None),
    # Ours with their defaults: the probability of the true class is the utility.
    "Data Shapley, default": (made(DataShapley), "val"),
    "Data Banzhaf, default": (made(DataBanzhaf), "val"),
    "Influence function": (made(InfluenceFunction), "val"),
}
# What the paper times is one training.
TIMED = {"NDDV, one member": (made(NDDVValuator, n_members=1), None)}
# Left out of a quick run, and of all but the first seed where fits are expensive.
SLOW = {
    "AME",
    "LOO",
    "Data Shapley",
    "Beta Shapley",
    "Data Banzhaf",
    "Influence",
    "Data Shapley, default",
    "Data Banzhaf, default",
}


def paper(**settings):
    """NDDV as in the paper, but for these settings."""
    return made(NDDVValuator.paper, **settings)


# Figures S12 to S16. T = 6 where the interaction varies: 10 / T must be below 2.
VARIANTS = {
    "paper": (paper(), "meta"),
    "without re-weighting": (paper(reweight=False), None),
    **{
        f"a = {a}, T = 6": (paper(interaction=float(a), n_steps=6), "meta")
        for a in (1, 10, 3, 5, 0)
    },
    **{f"sigma = {s}": (paper(diffusion=s), "meta") for s in (1.0, 0.1, 0.001)},
    **{f"{n} meta rows": (paper(), n) for n in (10, 300)},
    **{f"{h} hidden nodes": (paper(meta_hidden=h), "meta") for h in (5, 50, 100)},
}
