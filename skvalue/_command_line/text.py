"""Text tables: encoding and separator found, the very lines of each record kept.

What is written later are the lines that were read, so that 007 stays 007 and quotes,
blanks and line ends stay what they were.
"""

import codecs
import csv
import io
from itertools import islice
from typing import NamedTuple

from .errors import CommandError, say

SEPARATORS = ",;\t"
# Records that the separator is judged by.
_SAMPLE = 200
# Characters of one cell; csv allows 131072 by default, and texts may be longer.
_LONGEST_CELL = 2**31 - 1

# The longer marks first: that of UTF-32 begins with that of UTF-16.
_MARKS = [
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
]


class Records(NamedTuple):
    """A text table, record by record."""

    # Byte-order mark, encoding, and one character that separates cells.
    mark: bytes
    encoding: str
    separator: str
    # Lines before and with the header, then those of each record, as they were.
    head: str
    lines: list
    header: list
    cells: list


def decode(data, path):
    """Text of a file, and how it was written.

    Parameters
    ----------
    data : bytes
        All of the file.

    path : str
        Its name, for messages.

    Returns
    -------
    mark : bytes
        The byte-order mark, if it has one.

    encoding : str
        As `codecs` calls it.

    text : str
        The content. Latin-1, in which anything is text, is the last resort, and said.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return mark, encoding, _decoded(data[len(mark) :], encoding, path)
    start = data[:2000]
    # In UTF-16 every other byte of plain letters is 0, which no other text has.
    for encoding, zeros in [("utf-16-le", start[1::2]), ("utf-16-be", start[::2])]:
        if zeros.count(0) > len(zeros) / 2:
            return b"", encoding, _decoded(data, encoding, path)
    if b"\0" in start:
        raise CommandError(f"{path} is neither text nor Parquet.")
    try:
        return b"", "utf-8", data.decode("utf-8")
    except UnicodeDecodeError:
        say(f"{path} is not UTF-8; read as Latin-1.", "warning")
        return b"", "latin-1", data.decode("latin-1")


def _decoded(data, encoding, path):
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise CommandError(
            f"{path} is not the {encoding} that it begins as."
        ) from error


def read_records(data, path):
    """Take a text table apart.

    Parameters
    ----------
    data : bytes
        All of the file.

    path : str
        Its name, for messages.

    Returns
    -------
    records : Records
        Blank lines belong to the record before them.
    """
    mark, encoding, text = decode(data, path)
    if not text.strip():
        raise CommandError(f"{path} is empty.")
    separator = find_separator(text)
    # The limit is the process's; what others set comes back.
    limit = csv.field_size_limit(_LONGEST_CELL)
    try:
        return _split(mark, encoding, separator, text, path)
    except csv.Error as error:
        raise CommandError(f"{path} is not a table of text: {error}.") from error
    finally:
        csv.field_size_limit(limit)


def find_separator(text):
    """What separates the cells: that with most cells a record, all alike if possible.

    Parameters
    ----------
    text : str
        The table.

    Returns
    -------
    separator : str
        One of `SEPARATORS`; the comma where there is none.
    """

    def quality(separator):
        lines = io.StringIO(text, newline="")
        records = csv.reader(lines, delimiter=separator)
        try:
            rows = (record for record in records if any(map(str.strip, record)))
            counts = [len(record) for record in islice(rows, _SAMPLE)]
        except csv.Error:
            return (-1.0, 0)
        if counts[0] < 2:
            return (0.0, 0)
        alike = sum(count == counts[0] for count in counts) / len(counts)
        return (alike, counts[0])

    return max(SEPARATORS, key=quality)


def _split(mark, encoding, separator, text, path):
    stream = io.StringIO(text, newline="")
    taken = []

    def lines():
        for line in stream:
            taken.append(line)
            yield line

    head, kept, cells, header = "", [], [], None
    reader = csv.reader(lines(), delimiter=separator)
    for record in reader:
        raw, taken[:] = "".join(taken), []
        # A line of blanks is one cell to csv.
        if len(record) < 2 and not raw.strip():
            if kept:
                kept[-1] += raw
            else:
                head += raw
        elif header is None:
            header, head = [name.strip() for name in record], head + raw
        else:
            if len(record) != len(header):
                raise CommandError(
                    f"{path}, line {reader.line_num}: {_cells(record)}, but the header "
                    f"has {len(header)}."
                )
            kept.append(raw)
            cells.append(record)
    if not cells:
        raise CommandError(f"{path} has a header but no rows.")
    return Records(mark, encoding, separator, head, kept, header, cells)


def _cells(record):
    return "1 cell" if len(record) == 1 else f"{len(record)} cells"
