"""Which columns are one player: each by itself, or groups of them."""

from numbers import Integral

import numpy as np

from ._encoded_columns import encoded_groups


class Players:
    """Columns by player.

    Parameters
    ----------
    column_groups : dict, list of lists, fitted transformer or None
        See `FeatureAttribution`.

    columns : ndarray of shape (n_columns,), dtype object
        Names of the columns.

    has_names : bool
        Whether these are the user's, so that groups may use them.

    Attributes
    ----------
    player_of : ndarray of shape (n_columns,), dtype int
        Number of the player of each column; in the order of their first columns.

    labels : list of str or None
        Names that the user gave to players.
    """

    def __init__(self, column_groups, columns, has_names):
        n_columns = len(columns)
        known = {name: place for place, name in enumerate(columns)} if has_names else {}
        owner = np.full(n_columns, -1)
        labels = []
        if hasattr(column_groups, "transform"):
            column_groups = encoded_groups(column_groups, n_columns)
        for label, members in _named(column_groups):
            places = [_place(member, known, n_columns) for member in members]
            if not places:
                raise ValueError(f"column_groups: group {label!r} has no columns.")
            taken = [columns[place] for place in places if owner[place] >= 0]
            if taken or len(set(places)) < len(places):
                raise ValueError(
                    "column_groups must not share columns; "
                    f"{(taken or members)[0]!r} is given twice."
                )
            owner[places] = len(labels)
            labels.append(label)
        alone = np.flatnonzero(owner < 0)
        owner[alone] = len(labels) + np.arange(len(alone))
        labels += [None] * len(alone)
        numbers, first, places = np.unique(
            owner, return_index=True, return_inverse=True
        )
        order = np.argsort(first)
        self.player_of = np.argsort(order)[places]
        self.labels = [labels[number] for number in numbers[order]]
        self.names_of(columns)

    def __len__(self):
        return len(self.labels)

    def names_of(self, columns):
        """Names of the players, ``(n_players,)``, where the columns have these.

        Parameters
        ----------
        columns : ndarray of shape (n_columns,), dtype object
            Names of the columns.

        Returns
        -------
        names : ndarray of shape (n_players,), dtype object
            Those of groups without a label are made of their columns'.

        Raises
        ------
        ValueError
            If two players have the same name.
        """
        names = [
            "+".join(map(str, columns[self.player_of == player]))
            if label is None
            else str(label)
            for player, label in enumerate(self.labels)
        ]
        if len(set(names)) < len(names):
            raise ValueError(
                "column_groups: names of groups and of other columns must differ; got "
                f"{names}."
            )
        return np.array(names, dtype=object)


def _named(column_groups):
    """Pairs of a label, or None, and the columns of a group."""
    if column_groups is None:
        return []
    if hasattr(column_groups, "items"):
        return [(label, _listed(members)) for label, members in column_groups.items()]
    return [(None, _listed(members)) for members in column_groups]


def _listed(members):
    if isinstance(members, (str, bytes)) or not np.iterable(members):
        raise ValueError(
            "column_groups must hold lists of columns, such as "
            f"{{'colour': ['red', 'blue']}} or [[0, 1], [4, 5]]; got {members!r} in it."
        )
    return list(members)


def _place(member, known, n_columns):
    if isinstance(member, str) and member in known:
        return known[member]
    is_number = isinstance(member, Integral) and not isinstance(member, bool)
    if is_number and -n_columns <= member < n_columns:
        return int(member) % n_columns
    raise ValueError(
        f"column_groups: {member!r} is no column of X; give names of its columns, or "
        f"numbers below {n_columns}."
    )
