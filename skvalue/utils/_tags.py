"""What a valuator can do beyond what scikit-learn's tags say.

`sklearn.utils.get_tags` of a valuator has one more field, ``valuator_tags``. The tables
of capabilities in the README and the user guide are made from it.
"""

from dataclasses import dataclass, field, fields

from sklearn.utils import Tags


@dataclass(slots=True)
class ValuatorTags:
    """Tags of valuators.

    Parameters
    ----------
    regression : bool, default=True
        Whether real targets are valued.

    held_out : bool, default=False
        Whether values are measured on held-out rows: those given, or else the folds of
        the training rows.

    new_rows : bool, default=False
        Whether rows outside of the training set are valued, by ``predict_values``.

    sample_weight : bool, default=False
        Whether weights of the rows are used.

    cost : str, default="unknown"
        What a fit of n rows costs, in words.
    """

    regression: bool = True
    held_out: bool = False
    new_rows: bool = False
    sample_weight: bool = False
    cost: str = "unknown"


@dataclass(slots=True)
class TagsWithValuation(Tags):
    """Tags of scikit-learn and `ValuatorTags`.

    Parameters
    ----------
    valuator_tags : ValuatorTags
        What the valuator can do.
    """

    valuator_tags: ValuatorTags = field(default_factory=ValuatorTags)


def with_valuation(tags, valuator_tags):
    """The same tags and those of a valuator.

    Parameters
    ----------
    tags : sklearn.utils.Tags
        As scikit-learn's classes give them.

    valuator_tags : ValuatorTags
        To be added.

    Returns
    -------
    tags : TagsWithValuation
        Holds the parts of `tags` themselves.
    """
    known = {item.name: getattr(tags, item.name) for item in fields(Tags)}
    return TagsWithValuation(**known, valuator_tags=valuator_tags)
