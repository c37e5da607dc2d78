"""Tables of the reader's own: which character separates the columns, and where each row begins."""

import csv
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from course_utils.data.text_lines import own_lines

SEPARATORS = {"\t": "a tab", ";": "a semicolon", ",": "a comma", " ": "a space"}


def read_table(path: Path, least: int, what: str) -> tuple[str, Iterator[tuple[int, list[str]]]]:
    """Read a CSV file row by row.

    Parameters
    ----------
    path
        Columns with tabs, semicolons, commas or spaces between: the first of these that cuts the first line into enough
        columns. Spreadsheets write semicolons in languages whose numbers have a decimal comma.
    least
        How many columns are enough.
    what
        What a line is to hold, for the error about an empty file.

    Returns
    -------
    separator
        ``","`` where none cuts the first line into enough columns.
    rows
        (number of the row's first line, columns). Empty lines are passed over.

    Raises
    ------
    OSError, ValueError
        As ``own_lines``; the file is empty; a quote is left open (the message names the line where it begins).
    """
    lines = own_lines(path)
    before = []  # empty lines are counted
    for line in lines:
        before.append(line)
        if line.strip():
            break
    else:
        raise ValueError(f"{path} is empty; {what} is needed.")
    separator = next((sign for sign in SEPARATORS if _n_columns(before[-1], sign) >= least), ",")
    return separator, rows_of(chain(before, lines), separator, path)


def rows_of(lines: Iterable[str], separator: str, where: object) -> Iterator[tuple[int, list[str]]]:
    """Cut lines into columns as CSV does; give each row with the number of its first line."""
    reader = csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=separator != "\t")
    while True:
        begins = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ValueError(
                f'{where}, line {begins}: a quote (") is left open here, or a column is longer than '
                f'{csv.field_size_limit():,} characters ({error}); close the quote, or write "" for a quote within one.'
            ) from error
        if any(map(str.strip, row)):
            yield begins, row


def is_number(text: str) -> bool:
    """Tell whether a column holds a number, with a point or a comma."""
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _n_columns(line: str, separator: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=separator, skipinitialspace=separator != "\t")))
    except csv.Error:  # a column too long
        return 0
