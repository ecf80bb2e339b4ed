"""A cooperative game: what coalitions of players are worth.

Players are numbers. What they stand for, training rows or columns, is up to the game.
"""

import numpy as np

# Coalitions a block of refits: a task long enough to be worth sending to a worker.
REFITS_A_BLOCK = {"scores": 16, "walk": 2, "in_out": 4}


class Game:
    """A cooperative game, from the worth of one coalition.

    A subclass sets ``n_players`` and implements `value`; one that knows a faster way to
    many coalitions at once overrides the rest.

    Attributes
    ----------
    n_players : int
        Number of players.
    """

    def value(self, players):
        """Worth of one coalition.

        Parameters
        ----------
        players : ndarray of shape (n_members,), dtype int
            Their numbers, sorted; a player may occur more than once.

        Returns
        -------
        value : float
            In units of the game.
        """
        raise NotImplementedError

    def scores(self, masks):
        """Worth of coalitions given as masks ``(n_coalitions, n_players)``."""
        return np.array([self.value(np.flatnonzero(mask)) for mask in masks])

    def walk(self, permutations, min_size=0):
        """Marginal contributions along permutations.

        Parameters
        ----------
        permutations : ndarray of shape (n_permutations, n_players), dtype int
            Orders in which the players join.

        min_size : int, default=0
            The first players join together; they get NaN.

        Returns
        -------
        contributions : ndarray of shape (n_permutations, n_players)
            What each player added to those before it; one column a player.
        """
        contributions = np.full(permutations.shape, np.nan)
        for contribution, permutation in zip(contributions, permutations, strict=True):
            before = self.value(np.sort(permutation[:min_size]))
            for position in range(min_size, len(permutation)):
                after = self.value(np.sort(permutation[: position + 1]))
                contribution[permutation[position]] = after - before
                before = after
        return contributions

    def in_out(self, masks):
        """Contribution of every player to each coalition, without itself.

        Parameters
        ----------
        masks : ndarray of shape (n_coalitions, n_players), dtype bool
            Coalitions T.

        Returns
        -------
        contributions : ndarray of shape (n_coalitions, n_players)
            U(T) - U(T without i) for players in T, U(T with i) - U(T) for others.
        """
        contributions = np.empty(masks.shape)
        for contribution, mask in zip(contributions, masks, strict=True):
            base = self.value(np.flatnonzero(mask))
            for player in range(self.n_players):
                toggled = mask.copy()
                toggled[player] = not mask[player]
                change = self.value(np.flatnonzero(toggled)) - base
                contribution[player] = -change if mask[player] else change
        return contributions

    def known_games(self):
        """Games like this one whose semivalues are known.

        Returns
        -------
        games : tuple of CellMeans
            Of the same players; a regression on coalitions learns from them.
        """
        return ()

    @property
    def is_batched(self):
        """Whether many coalitions are scored at once, without a refit each."""
        return False

    @property
    def shares_subsets(self):
        """Whether one fit gives every player's contribution."""
        return False

    @property
    def in_out_operations(self):
        """Multiplications of `in_out` of a coalition, about; 0: not known."""
        return 0

    def block_size(self, kind):
        """Coalitions (permutations for "walk") that make up one task."""
        return REFITS_A_BLOCK[kind]
