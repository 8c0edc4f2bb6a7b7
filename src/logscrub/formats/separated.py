"""The plan for lines of values between tabs or spaces: Arrow's CSV reader, and RE2 for lines with quotes.

A line that holds a tab has its values between tabs, any other between spaces. A value may stand between
quotes, which it doubles where it holds one. Whether a line is taken depends on this line alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.formats.csv_values import read_values
from logscrub.formats.records import BoolArray, Int64Array

_VALUES = {" ": r'(?:"(?:[^"]|"")*"|[^" ][^ ]*)', "\t": r'(?:"(?:[^"]|"")*"|[^\t]*)'}
_BETWEEN = {" ": " +", "\t": "\t"}


@dataclass(frozen=True)
class Rows:
    """Lines whose values were told apart: their numbers, and each wanted value as dictionary of strings."""

    lines: Int64Array
    values: Mapping[int, pa.DictionaryArray]


def split(
    text: pa.StringArray, width: int, wanted: Sequence[int], least: int
) -> tuple[list[Rows], Int64Array]:
    """Tell the values of lines apart.

    A line that is cut off has fewer values, and perhaps a last one whose quote is open; those that are
    missing are null. Of a line with more values nothing tells which is which: it is refused.

    Args:
        text: the lines, without returns and newlines.
        width: number of values of a line.
        wanted: places of the values that are asked for.
        least: number of values that a line must have.

    Returns:
        The lines that have as many values, and the numbers of those that have not.

    Raises:
        RuntimeError: the reader failed or lost count of the lines; the message holds none of them.
    """
    quoted = pc.match_substring(text, '"').to_numpy(zero_copy_only=False)
    tabbed = pc.match_substring(text, "\t").to_numpy(zero_copy_only=False)
    found, refused = [], []
    for separator, of_kind in ((" ", ~tabbed), ("\t", tabbed)):
        left = np.flatnonzero(of_kind & quoted)
        closed = _closed(_chosen(text, left), separator, width)
        for lines, quote in ((np.flatnonzero(of_kind & ~quoted), False), (left[closed], '"')):
            rows, misfits = _read(_chosen(text, lines), _Shape(separator, quote, width), wanted)
            found.append(Rows(np.delete(lines, misfits), rows))
            # Several spaces between two values make too many for the reader.
            left = np.concatenate([left, lines[misfits]])
        left = np.sort(np.setdiff1d(left, np.concatenate([np.zeros(0, np.int64), *(r.lines for r in found)])))
        for enough in (width, least):  # few lines are cut off, and to look for them takes longer
            expression = _expression(separator, width, tuple(wanted), enough)
            rows, fits = _match(_chosen(text, left), expression, wanted)
            found.append(Rows(left[fits], rows))
            left = left[~fits]
        refused.append(left)
    return [rows for rows in found if len(rows.lines)], np.sort(np.concatenate(refused))


def _chosen(text: pa.StringArray, lines: Int64Array) -> pa.StringArray:
    return text if len(lines) == len(text) else text.take(pa.array(lines))


@dataclass(frozen=True)
class _Shape:
    separator: str
    quote: str | bool
    width: int


def _closed(text: pa.StringArray, separator: str, width: int) -> BoolArray:
    """Which lines have all values, and no quote that could reach into the line after it."""
    value = rf'(?:"[^"]*"|[^"{separator}][^"{separator}]*)'
    closed = pc.match_substring_regex(text, rf"\A{separator.join([value] * width)}\z")
    return np.asarray(closed.to_numpy(zero_copy_only=False), dtype=bool)


def _read(
    text: pa.StringArray, shape: _Shape, wanted: Sequence[int]
) -> tuple[dict[int, pa.DictionaryArray], Int64Array]:
    """Values of the lines of the right width, and the places of the others."""
    if not len(text):
        return {}, np.zeros(0, np.int64)
    types = {str(place): pa.dictionary(pa.int32(), pa.string()) for place in wanted}
    names = [str(place) for place in range(shape.width)]
    table, misfits = read_values(
        _lines_of(text), len(text), names, types, delimiter=shape.separator, quote=shape.quote
    )
    columns = {place: table.column(str(place)) for place in wanted}
    chunks = {place: c.chunk(0) if c.num_chunks else c.combine_chunks() for place, c in columns.items()}
    return chunks, np.array([number - 1 for number, _ in misfits], np.int64)


def _lines_of(text: pa.StringArray) -> pa.Buffer:
    """The lines with a newline behind each; a first one that is empty would else be lost."""
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array([0, len(text)], pa.int32()), text), "\n")
    return pa.py_buffer(joined[0].as_buffer().to_pybytes() + b"\n")


def _match(
    text: pa.StringArray, expression: str, wanted: Sequence[int]
) -> tuple[dict[int, pa.DictionaryArray], BoolArray]:
    """Values of the lines that fit the expression of a line, and which do."""
    if not len(text):
        return {}, np.zeros(0, bool)
    parts = pc.extract_regex(text, expression)
    fits = parts.is_valid()
    parts = parts.filter(fits)
    values = {
        place: _unquoted(column.dictionary_encode())
        for place, column in zip(wanted, parts.flatten(), strict=True)
    }
    return values, np.asarray(fits.to_numpy(zero_copy_only=False), dtype=bool)


@lru_cache(maxsize=64)
def _expression(separator: str, width: int, wanted: tuple[int, ...], least: int) -> str:
    between, rest = _BETWEEN[separator], ""
    for place in reversed(range(width)):
        value = _VALUES[separator]
        if place >= least:
            value = rf'(?:{value}|"[^"]*\z)'
        value = f"(?P<v{place}>{value})" if place in wanted else value
        value = value if place == 0 else between + value
        rest = f"(?:{value}{rest})?" if place >= least else value + rest
    return rf"\A ?{rest} *\z"


def _unquoted(column: pa.DictionaryArray) -> pa.DictionaryArray:
    bare = pc.replace_substring_regex(column.dictionary, r'(?s)\A"(.*?)"?\z', r"\1")
    quoted = pc.starts_with(column.dictionary, '"')
    values = pc.if_else(quoted, pc.replace_substring(bare, '""', '"'), column.dictionary)
    return pa.DictionaryArray.from_arrays(column.indices, values)
