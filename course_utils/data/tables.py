"""Tables of the reader's own: which character separates the columns, where each row begins, which numbers it holds."""

import csv
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from course_utils.data.text_lines import own_lines

SEPARATORS = {"\t": "a tab", ";": "a semicolon", ",": "a comma", " ": "a space"}
DIGITS = 22  # 10 to this power is the largest that 53 bits hold exactly
POWERS = 10.0 ** np.arange(DIGITS + 1)


def read_table(path: Path, least: int, what: str) -> tuple[str, Iterator[tuple[int, str | list[str]]]]:
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
        (number of the row's first line, the row as ``cells_of`` takes it). Empty lines are passed over.

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
    return separator, _uncut_rows(chain(before, lines), separator, path)


def rows_of(lines: Iterable[str], separator: str, where: object) -> Iterator[tuple[int, list[str]]]:
    """Cut lines into columns as CSV does; give each row with the number of its first line."""
    for number, row in _uncut_rows(lines, separator, where):
        yield number, cells_of(row, separator)


def cells_of(row: str | list[str], separator: str) -> list[str]:
    """Cut a row into its columns."""
    return row if isinstance(row, list) else [cell.lstrip(" ") for cell in row.split(separator)]


def _uncut_rows(lines: Iterable[str], separator: str, where: object) -> Iterator[tuple[int, str | list[str]]]:
    """Give a line without quotes, as most are, as it is, and the columns of any other row."""
    number = 0
    lines = iter(lines)
    for line in lines:
        number += 1
        if not line.replace(separator, "").strip():
            continue
        if '"' not in line and "\r" not in line and separator != " " and len(line) <= csv.field_size_limit():
            yield number, line
            continue
        reader = csv.reader(chain([line], lines), delimiter=separator, strict=True, skipinitialspace=separator != "\t")
        try:
            row = next(reader)
        except csv.Error as error:
            raise ValueError(
                f'{where}, line {number}: a quote (") is left open here, or a column is longer than '
                f'{csv.field_size_limit():,} characters ({error}); close the quote, or write "" for a quote within one.'
            ) from error
        if any(map(str.strip, row)):
            yield number, row
        number += reader.line_num - 1


def numbers_in(text: str, separator: str) -> np.ndarray:
    """Read the numbers of a text, one on each line; what is none becomes NaN.

    Numbers of at most 22 digits and no exponent, which most are, are read all at once, to within four units of the last
    of 53 bits: a wide table without zeros takes half of the time that ``float`` takes for it. A decimal comma is
    understood where commas do not separate.
    """
    signs = np.frombuffer(text.encode() + b"\n", np.uint8)
    ends = np.flatnonzero(signs == ord("\n"))
    sizes = np.diff(ends, prepend=-1)  # of each number, with the end of its line
    starts = ends - sizes + 1
    digits = signs - np.uint8(ord("0"))
    is_digit = digits < 10
    seen = np.cumsum(is_digit, dtype=np.int32)
    n_digits = np.diff(seen[ends], prepend=0)
    places = (np.repeat(seen[ends], sizes) - seen).clip(max=DIGITS)  # how many digits of its number follow each sign
    values = np.add.reduceat(digits * is_digit * POWERS.take(places), starts)
    points = np.flatnonzero(signs == ord("."))
    with_point = np.searchsorted(ends, points)
    values[with_point] /= POWERS[places[points]]
    negative = signs[starts] == ord("-")
    values[negative] *= -1
    unknown = sizes - 1 - n_digits - negative
    unknown[with_point] -= 1  # once, where there are two
    others = np.flatnonzero((unknown != 0) | (n_digits == 0) | (n_digits > DIGITS))
    if len(others):
        cells = text.split("\n")
        values[others] = [_number(cells[other], separator) for other in others]
    return values


def _number(cell: str, separator: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float(cell.replace(",", ".")) if separator != "," and is_number(cell) else np.nan


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
