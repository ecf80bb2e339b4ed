"""The table of the user: columns to compute on, cells to show, rows to write again."""

import difflib
import gzip
import io
import os
from collections import Counter

import numpy as np

from .errors import CommandError
from .kinds import MISSING, typed
from .text import read_records

PARQUET, TEXT = "Parquet", "text"


def read_table(path, missing=MISSING):
    """Read a table of text, packed or not, or of Parquet; the content tells which.

    Parameters
    ----------
    path : str
        The file.

    missing : collection of str, default=MISSING
        Cells of text that hold nothing.

    Returns
    -------
    table : TextTable or ParquetTable
        Of at least one row.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from error
    if data.startswith(b"\x1f\x8b"):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError) as error:
            raise CommandError(f"{path} is no whole gzip file.") from error
    if data.startswith(b"PAR1"):
        return ParquetTable(data, path)
    return TextTable(read_records(data, path), path, missing)


def format_of(path):
    """What a file of this name would hold.

    Parameters
    ----------
    path : str
        Its name.

    Returns
    -------
    form : {"Parquet", "text"}
        Text, unless the name says Parquet.
    """
    name = path.lower().removesuffix(".gz")
    return PARQUET if name.endswith((".parquet", ".pq")) else TEXT


class Table:
    """Columns by place; what a table of text and one of Parquet have in common.

    Parameters
    ----------
    header : list of str
        Names as they are in the file.

    n_rows : int
        Number of rows.

    path : str
        Where it came from, for messages.
    """

    def __init__(self, header, n_rows, path):
        self.header, self.n_rows, self.path = header, n_rows, path
        self.name = os.path.basename(path)
        counts = Counter(header)
        seen = Counter()
        # One name a column: of those that share theirs, all but the first get a number.
        self.names = []
        for place, name in enumerate(header):
            seen[name] += 1
            shown = name or f"column {place + 1}"
            while seen[name] > 1 and (f"{shown} ({seen[name]})" in counts):
                seen[name] += 1
            self.names.append(f"{shown} ({seen[name]})" if seen[name] > 1 else shown)

    def place(self, name, option):
        """Where the column of a name is.

        Parameters
        ----------
        name : str
            As given on the command line.

        option : str
            What gave it, for messages.

        Returns
        -------
        place : int
            From 0.
        """
        places = [place for place, one in enumerate(self.header) if one == name]
        if not places and name in self.names:
            places = [self.names.index(name)]
        if len(places) > 1:
            raise CommandError(
                f"{option}: {self.path} has {len(places)} columns named {name!r}; "
                "rename all but one."
            )
        if not places:
            close = difflib.get_close_matches(name, self.names, n=3, cutoff=0.5)
            same = [one for one in self.names if one.lower() == name.lower()]
            hint = ", ".join(map(repr, same or close or self.names[:20]))
            raise CommandError(
                f"{option}: {self.path} has no column {name!r}; "
                f"{'did you mean' if same or close else 'it has'} {hint}"
                f"{'?' if same or close else '.'}"
            )
        return places[0]


class TextTable(Table):
    """A table of text.

    Parameters
    ----------
    records : Records
        As `read_records` has them.

    path : str
        Where they came from.

    missing : collection of str
        Cells that hold nothing.
    """

    form = TEXT

    def __init__(self, records, path, missing):
        super().__init__(records.header, len(records.cells), path)
        self._records, self._missing = records, missing

    def shown(self, place, rows):
        """Cells of a column as strings, for the rows given; blanks around them gone."""
        cells = self._records.cells
        return [cells[row][place].strip() for row in rows]

    def typed(self, place):
        """A column as numbers, dates or strings, NaN or None where one is missing."""
        cells = [record[place] for record in self._records.cells]
        return typed(cells, self._records.separator, self._missing)

    def write(self, file, rows):
        """Write the header and the very lines of some rows.

        Parameters
        ----------
        file : binary file
            Open for writing.

        rows : ndarray of int
            Which, in their order.
        """
        records = self._records
        file.write(records.mark)
        text = io.TextIOWrapper(file, encoding=records.encoding, newline="")
        text.write(records.head)
        text.writelines(records.lines[row] for row in rows)
        text.flush()
        text.detach()


class ParquetTable(Table):
    """A table of Parquet.

    Parameters
    ----------
    data : bytes
        All of the file.

    path : str
        Where it came from.
    """

    form = PARQUET

    def __init__(self, data, path):
        pyarrow, parquet = import_parquet()
        try:
            self._table = parquet.ParquetFile(pyarrow.BufferReader(data)).read()
        except pyarrow.ArrowException as error:
            raise CommandError(f"{path} cannot be read as Parquet: {error}") from error
        if not self._table.num_columns:
            raise CommandError(f"{path} is empty.")
        if not self._table.num_rows:
            raise CommandError(f"{path} has columns but no rows.")
        super().__init__(self._table.column_names, self._table.num_rows, path)

    def shown(self, place, rows):
        """Cells of a column as strings, for the rows given."""
        cells = (
            self._table.column(place).take(np.asarray(rows, dtype=np.int64)).to_pylist()
        )
        return ["" if cell is None else str(cell) for cell in cells]

    def typed(self, place):
        """A column as pandas has it, NaN or None where a cell is missing."""
        return self._table.column(place).to_pandas()

    def write(self, file, rows):
        """Write some rows with the types and the metadata that the file had.

        Parameters
        ----------
        file : binary file
            Open for writing.

        rows : ndarray of int
            Which, in their order.
        """
        _, parquet = import_parquet()
        parquet.write_table(self._table.take(rows), file)


def import_parquet():
    """pyarrow and its Parquet, or one line that says what to install."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise CommandError(
            "Parquet needs pyarrow; install it, pip install 'skvalue[cli]'."
        ) from error
    return pyarrow, parquet
