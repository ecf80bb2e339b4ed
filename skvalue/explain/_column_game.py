r"""The game that columns play for one row: what the model says with some of them.

.. math:: f(x_S) = \frac{1}{R} \sum_{r=1}^{R} f\big( x_S, b^{(r)}_{\bar S} \big)

with background rows :math:`b`: one, of means, or several. All rows by all coalitions
pass through the model in batches of bounded size.
"""

import numpy as np

# Cells of a batch, unless told otherwise: 8 MB of them.
CELLS_A_BATCH = 1_000_000


class ColumnGame:
    """Worth of coalitions of columns, for many rows at once.

    Parameters
    ----------
    response : callable
        Takes rows, returns ``(n_rows, n_outputs)``.

    background : Table
        The rows that absent columns come from.

    player_of : ndarray of shape (n_columns,), dtype int
        The player that each column belongs to.

    batch_size : int or None
        Rows that the model gets at once; None: as many as make about 8 MB.
    """

    def __init__(self, response, background, player_of, batch_size=None):
        self.response, self.background = response, background
        self.player_of = player_of
        self.batch_size = batch_size or max(1, CELLS_A_BATCH // len(player_of))

    def predictions(self, table):
        """The model's own outputs, ``(n_rows, n_outputs)``."""
        return np.concatenate(
            [
                self.response(table.part(slice(start, start + self.batch_size)).rows())
                for start in range(0, len(table), self.batch_size)
            ]
        )

    def empty(self):
        """Output where no column is known, ``(n_outputs,)``."""
        return self.predictions(self.background).mean(axis=0)

    def worth(self, table, masks):
        """Output for every coalition and row.

        Parameters
        ----------
        table : Table
            The rows.

        masks : ndarray of shape (n_coalitions, n_players), dtype bool
            The same for every row.

        Returns
        -------
        worth : ndarray of shape (n_coalitions, n_rows, n_outputs)
            In units of the response.
        """
        n_background = len(self.background)
        known = masks[:, self.player_of]
        rows_at_once = max(1, self.batch_size // (len(masks) * n_background))
        masks_at_once = max(1, self.batch_size // n_background)
        worth = None
        for start in range(0, len(table), rows_at_once):
            part = table.part(slice(start, start + rows_at_once))
            for first in range(0, len(masks), masks_at_once):
                some = known[first : first + masks_at_once]
                outputs = self.response(part.mixed(self.background, some))
                outputs = outputs.reshape(len(some), len(part), n_background, -1)
                if worth is None:
                    shape = (len(masks), len(table), outputs.shape[-1])
                    worth = np.empty(shape)
                here = worth[first : first + len(some), start : start + len(part)]
                outputs.mean(axis=2, out=here)
        return worth
