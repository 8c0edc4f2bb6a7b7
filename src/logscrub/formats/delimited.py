"""The plan for lines with quoted values: Arrow's CSV reader, splitting at each quote.

The reader knows the quote as delimiter and no quoting at all, so an unclosed quote cannot swallow the line
after it, and whether a line is taken depends on this line alone. Lines with more or fewer quotes, and lines
whose parts do not fit, are left to the pattern plan.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.formats.access import Captured, read_clf
from logscrub.formats.csv_values import read_values
from logscrub.formats.records import BoolArray, Int64Array
from logscrub.formats.times import clf_shaped, text_rows
from logscrub.text.blocks import BOM, count_byte, line_count

_STRAY_RETURN = b"\x1a"  # stands for a return inside a line, which the reader takes for the end of a line
_TIME_BEFORE, _TIME_AFTER, _TIME_ALL = 2, 28, 30  # places in ` [17/May/2015:10:05:03 +0000] `


@dataclass(frozen=True)
class Piece:
    """What stands between two quotes of a line, or before the first or after the last.

    Attributes:
        name: the value that it is as a whole, "" when that is read over; None when `expression` tells.
        expression: RE2, with a named group for each value.
    """

    name: str | None
    expression: str = ""


@dataclass(frozen=True)
class Layout:
    r"""Where the values of a line stand.

    Attributes:
        head: RE2 for what stands before the first quote, without the time.
        head_is_timed: whether ` [time] `, in the form of Apache's `%t`, ends the head.
        pieces: what stands after each quote.
    """

    head: str
    head_is_timed: bool
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Split:
    """A block after this plan: what was captured, and what is left.

    Attributes:
        captured: None when no line fits.
        refused: text of the lines that are left to the pattern plan (strings).
        refused_lines: their indexes in the block, not sorted.
        blank: number of blank lines.
        lines: number of all lines.
    """

    captured: Captured | None
    refused: pa.Array
    refused_lines: Int64Array
    blank: int
    lines: int


def split(data: memoryview | bytes, layout: Layout) -> Split:
    """Split the lines of a block, which must be valid UTF-8.

    Raises:
        RuntimeError: the reader failed or lost count of the lines; the message holds none of them.
    """
    data, shift = _shift_mark(hide_returns(data))
    lines = line_count(data)
    types = _column_types(layout)
    table, misfits = read_values(data, lines, list(types), types, delimiter='"', quote=False)
    misfit_lines = np.array([number - 1 for number, _ in misfits], np.int64)
    misfit_text = pa.array([text for _, text in misfits], pa.string())
    table_lines = np.delete(np.arange(lines, dtype=np.int64), misfit_lines)
    columns = [column.chunk(0) if column.num_chunks else column.combine_chunks() for column in table.columns]
    fitting, time, fields = _capture(columns, layout)
    left = np.flatnonzero(~fitting)
    left_text = _text_of(columns, left, data, table_lines)
    refused = pa.concat_arrays([misfit_text, left_text])
    refused_lines = np.concatenate([misfit_lines, table_lines[left]])
    blank = is_blank(refused)
    captured = Captured(table_lines[fitting] - shift, time, fields, read_clf) if fitting.any() else None
    return Split(
        captured,
        refused.filter(pa.array(~blank)),
        refused_lines[~blank] - shift,
        int(blank.sum()) - shift,
        lines - shift,
    )


def hide_returns(data: memoryview | bytes) -> memoryview | bytes:
    r"""Take `\r` from the ends of lines, and put a stand-in for those inside of lines."""
    if not count_byte(data, b"\r"):
        return data
    data = bytes(data).replace(b"\r\n", b"\n")
    data = data[:-1] + b"\n" if data.endswith(b"\r") else data
    return data.replace(b"\r", _STRAY_RETURN)


def is_blank(text: pa.Array) -> BoolArray:
    """Tell which lines hold nothing but spaces, tabs and returns."""
    blank: BoolArray = pc.equal(pc.ascii_trim(text, " \t\r\x1a"), "").to_numpy(zero_copy_only=False)
    return blank


def _shift_mark(data: memoryview | bytes) -> tuple[memoryview | bytes, int]:
    """Hide a byte order mark, which the reader takes off, after as many blank lines as the number says."""
    if bytes(data[: len(BOM)]) == BOM:  # the mark of a file was taken off by text.blocks
        return b"\n" + bytes(data), 1
    return data, 0


def _column_types(layout: Layout) -> dict[str, pa.DataType]:
    """What the reader makes of each column: dictionaries, which it is slow at where most values differ."""
    repeated = pa.dictionary(pa.int32(), pa.string())
    whole = [
        piece.name if piece.name is not None else "?P<" not in piece.expression for piece in layout.pieces
    ]
    types = [pa.string(), *(repeated if kept else pa.string() for kept in whole)]
    return {str(at): kind for at, kind in enumerate(types)}


def _capture(
    columns: list[pa.Array], layout: Layout
) -> tuple[BoolArray, pa.DictionaryArray | None, Mapping[str, pa.DictionaryArray]]:
    """Take the values out of the columns: which rows fit, and of these the time and the values."""
    head, *rest = columns
    fitting, time, prefix = _head(head) if layout.head_is_timed else (np.ones(len(head), bool), None, head)
    fields: dict[str, pa.DictionaryArray] = {}
    pieces = [Piece(None, layout.head), *layout.pieces]
    for column, piece in zip([prefix, *rest], pieces, strict=True):
        if piece.name is not None:
            fields |= {piece.name: column} if piece.name else {}
            continue
        fits, values = _extract(_as_dictionary(column), piece.expression)
        fitting, fields = fitting & fits, fields | values
    if not fitting.all():
        mask = pa.array(fitting)
        fields = {name: column.filter(mask) for name, column in fields.items()}
        time = None if time is None else time.filter(mask)
    return fitting, time, fields


def _head(head: pa.Array) -> tuple[BoolArray, pa.DictionaryArray, pa.Array]:
    """Cut the time off each head: which rows have one, the time, and what stands before it."""
    timed, time = _times(head)
    if not timed.all():  # a byte position may stand inside a character where there is no time
        head = pc.if_else(pa.array(timed), head, "")
    return timed, time, pc.binary_slice(head.cast(pa.binary()), 0, -_TIME_ALL).cast(pa.string())


def _as_dictionary(column: pa.Array) -> pa.DictionaryArray:
    return column if pa.types.is_dictionary(column.type) else column.dictionary_encode()


def _times(head: pa.Array) -> tuple[BoolArray, pa.DictionaryArray]:
    """Find the time at the end of each head: which rows have one, and its 26 bytes."""
    tail = pc.binary_slice(head.cast(pa.binary()), -_TIME_ALL, None).dictionary_encode()
    rows, text = text_rows(tail.dictionary, _TIME_ALL)
    marks = np.frombuffer(b" [] ", np.uint8)
    shaped = np.all(text[:, [0, 1, _TIME_AFTER, _TIME_AFTER + 1]] == marks, axis=1)
    shaped &= clf_shaped(text[:, _TIME_BEFORE:_TIME_AFTER])
    timed = np.zeros(len(tail.dictionary), bool)
    timed[rows] = shaped
    time = pc.binary_slice(tail.dictionary, _TIME_BEFORE, _TIME_AFTER)
    return timed[tail.indices.to_numpy()], pa.DictionaryArray.from_arrays(tail.indices, time)


def _extract(column: pa.DictionaryArray, expression: str) -> tuple[BoolArray, dict[str, pa.DictionaryArray]]:
    """Match distinct values: which rows fit, and the column of each named group."""
    distinct, rows = column.dictionary, column.indices.to_numpy()
    if "?P<" not in expression:
        fits = pc.match_substring_regex(distinct, rf"\A{expression}\z")
        return fits.to_numpy(zero_copy_only=False)[rows], {}
    parts = pc.extract_regex(distinct, rf"\A{expression}\z")
    groups = {
        parts.type.field(at).name: pa.DictionaryArray.from_arrays(column.indices, values)
        for at, values in enumerate(parts.flatten())
    }
    return parts.is_valid().to_numpy(zero_copy_only=False)[rows], groups


def _text_of(
    columns: list[pa.Array], rows: Int64Array, data: memoryview | bytes, lines: Int64Array
) -> pa.Array:
    """Give the lines of rows whose parts do not fit: joining by quotes is the inverse of splitting."""
    at = pa.array(rows)
    text = pc.binary_join_element_wise(*(column.take(at).cast(pa.string()) for column in columns), '"')
    empty = "".join('"' for _ in columns[1:])
    hollow = np.flatnonzero(pc.equal(text, empty).to_numpy(zero_copy_only=False))
    if not len(hollow):
        return text
    # Only the raw bytes tell a blank line from a line of nothing but quotes.
    raw = np.frombuffer(data, np.uint8)
    starts = np.concatenate(([0], np.flatnonzero(raw == ord("\n")) + 1))
    blank = np.zeros(len(rows), bool)
    blank[hollow] = raw[starts[lines[rows[hollow]]]] == ord("\n")
    return pc.if_else(pa.array(blank), "", text)
