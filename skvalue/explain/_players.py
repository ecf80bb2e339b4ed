"""Which columns are one player: each by itself, or groups of them."""

from numbers import Integral

import numpy as np


class Players:
    """Columns by player.

    Parameters
    ----------
    groups : dict, list of lists or None
        See `FeatureAttribution`.

    columns : ndarray of shape (n_columns,), dtype object
        Names of the columns.

    has_names : bool
        Whether these are the user's, so that groups may use them.

    Attributes
    ----------
    player_of : ndarray of shape (n_columns,), dtype int
        Number of the player of each column, by its first column.

    names : ndarray of shape (n_players,), dtype object
        Of the players.
    """

    def __init__(self, groups, columns, has_names):
        n_columns = len(columns)
        known = {name: place for place, name in enumerate(columns)} if has_names else {}
        owner = np.full(n_columns, -1)
        labels = []
        for label, members in _named(groups):
            places = [_place(member, known, n_columns, label) for member in members]
            if not places:
                raise ValueError(f"groups: group {label!r} has no columns.")
            taken = [columns[place] for place in places if owner[place] >= 0]
            if taken or len(set(places)) < len(places):
                raise ValueError(
                    f"groups must not share columns; {(taken or members)[0]!r} of "
                    f"group {label!r} is given twice."
                )
            owner[places] = len(labels)
            labels.append(label)
        alone = np.flatnonzero(owner < 0)
        owner[alone] = len(labels) + np.arange(len(alone))
        _, first, self.player_of = np.unique(
            owner, return_index=True, return_inverse=True
        )
        order = np.argsort(first)
        self.player_of = np.argsort(order)[self.player_of]
        names = []
        for player in owner[np.sort(first)]:
            if player < len(labels) and labels[player] is not None:
                names.append(str(labels[player]))
            else:
                members = columns[owner == player]
                names.append("+".join(str(member) for member in members))
        self.names = np.array(names, dtype=object)
        if len(set(names)) < len(names):
            raise ValueError(
                f"groups: names of groups and other columns must differ; got {names}."
            )


def _named(groups):
    """Pairs of a label, or None, and the columns of a group."""
    if groups is None:
        return []
    if hasattr(groups, "items"):
        return [(label, _listed(members)) for label, members in groups.items()]
    return [(None, _listed(members)) for members in groups]


def _listed(members):
    if isinstance(members, (str, bytes)) or not np.iterable(members):
        raise ValueError(
            f"groups must hold lists of columns, such as {{'colour': ['red', 'blue']}} "
            f"or [[0, 1], [4, 5]]; got {members!r} for one."
        )
    return list(members)


def _place(member, known, n_columns, label):
    if isinstance(member, str) and member in known:
        return known[member]
    is_number = isinstance(member, Integral) and not isinstance(member, bool)
    if is_number and -n_columns <= member < n_columns:
        return int(member) % n_columns
    raise ValueError(
        f"groups: {member!r} of group {label!r} is no column of X; give names of its "
        f"columns, or numbers below {n_columns}."
    )
