"""The contribution of every row to a coalition, for multinomial models.

As in `shared_subsets`, with blocks of one number a class, see `multinomial_coalition`.
Rows that bring a class are neighbours of a model that has it already; those that take
its last member away are solved from the start.
"""

import torch

from .coalition_columns import AllColumns, columns_of
from .multinomial_coalition import MultinomialCoalition


class MultinomialSharing:
    """Multinomial regressions of a batch of coalitions, and of their neighbours."""

    def __init__(self, problem, masks, counts):
        self.problem, self.masks, self.counts = problem, masks, counts
        self.theta = problem.fit(masks, counts.sum(1), counts)
        members = counts @ problem.members.T
        # Rows that bring a class, or take one away.
        self.other = torch.where(masks > 0, members < 2, members < 1)
        self.far = self.other.clone()
        # The coalition whose neighbours were asked for last, by its place.
        self.coalitions = {}

    def unsolved(self, place):
        """Rows whose models are still far off."""
        return self.far[place]

    def solve(self, place, index, rows, sizes, counts):
        """Models of pairs to tolerance, from the model of the coalition."""
        theta = self.theta[place].repeat(len(index), 1, 1)
        left = slice(None)
        if self.problem.exact:
            theta, left = self._solve_by_inverse(place, rows, sizes, counts, theta)
            if not len(left):
                return theta
            rows = rows.take(left)
        theta[left] = self.problem.solve(rows, sizes[left], counts[left], theta[left])
        return theta

    def _solve_by_inverse(self, place, rows, sizes, counts, theta):
        """Models by the joint Hessian, and the places of those that it misleads."""
        if place not in self.coalitions:
            self.coalitions = {place: self._coalition(place)}
        coalition = self.coalitions[place]
        same = ((counts > 0) == coalition.present).all(1)
        index = same.nonzero().squeeze(1)
        left = (~same).nonzero().squeeze(1)
        if len(index):
            theta[index], unsolved = coalition.solve(rows.take(index), sizes[index])
            left = torch.cat([left, index[unsolved]])
        return theta, left

    def values_after(self, place):
        """Values of a coalition after each row changes sides, (n,) or by row."""
        after = self.problem.empty_values(self.masks.shape[1:])
        for index, values, left in self._neighbours(place):
            after[index] = values
            self.far[place, index] = False
            self.far[place, left] = True
        return after

    def _neighbours(self, place):
        """Values after rows change sides, see `MultinomialCoalition.neighbours`."""
        same = (~self.other[place]).nonzero().squeeze(1)
        coalition = self._coalition(place)
        yield from coalition.neighbours(same)
        # Rows that bring a class: neighbours of a model that hardly has it.
        for code in (self.counts[place] == 0).nonzero().squeeze(1).tolist():
            index = self.problem.members[:, code].nonzero().squeeze(1)
            if len(index) and not self.problem.exact:
                extended = coalition.with_class(code, self.theta[place])
                yield from extended.neighbours(index)

    def _coalition(self, place):
        """One coalition; the model here takes its last step, too."""
        inside = self.masks[place].nonzero().squeeze(1)
        columns = AllColumns(self.problem)
        if not self.problem.exact:
            columns = columns_of(self.problem, inside)
        coalition = MultinomialCoalition(
            self.problem, columns, self.masks[place], self.counts[place] > 0, inside
        )
        self.theta[place] = coalition.start(self.theta[place])
        return coalition
