"""The plan for lines with quoted values: lines are cut at each quote.

The quote is a delimiter and there is no quoting at all, so an unclosed quote cannot swallow the line after
it, and whether a line is taken depends on this line alone. Lines with more or fewer quotes, and lines whose
parts do not fit, are left to the pattern plan.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.columns import numbered
from logscrub.formats.access import Captured, read_clf
from logscrub.formats.records import BoolArray, Int64Array
from logscrub.formats.times import clf_shaped, text_rows
from logscrub.native.lines import SplitLines, Template, count_byte, split_lines
from logscrub.text.blocks import line_count, lines_at

_STRAY_RETURN = b"\x1a"  # stands for a return inside a line, which the reader takes for the end of a line
_TIME_BEFORE, _TIME_AFTER, _TIME_ALL = 2, 28, 30  # places in ` [17/May/2015:10:05:03 +0000] `


@dataclass(frozen=True)
class Piece:
    """What stands between two quotes of a line, or before the first or after the last.

    Attributes:
        name: the value that it is as a whole, "" when that is read over; None when `expression` tells.
        expression: RE2, with a named group for each value.
        numbers: what fits the expression as a template, where all values are whole numbers.
        names: names of these, "" for those that are read over.
    """

    name: str | None
    expression: str = ""
    numbers: Template = ()
    names: tuple[str, ...] = ()


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
    """Split the lines of a block, which must be valid UTF-8."""
    data = hide_returns(data)
    lines = line_count(data)
    templates = [(), *(piece.numbers for piece in layout.pieces)]
    found = split_lines(data, lines, templates, _TIME_ALL if layout.head_is_timed else 0)
    fitting, time, fields = _capture(found, layout)
    names = [name for piece in layout.pieces for name in piece.names]
    numbers = {name: values[fitting] for name, values in zip(names, found.numbers, strict=True) if name}
    rows = np.flatnonzero(found.fits)
    left = np.sort(np.concatenate([np.flatnonzero(~found.fits), rows[~fitting]]))
    refused = _text_of(data, found.starts, left)
    blank = is_blank(refused)
    return Split(
        Captured(rows[fitting], time, fields, read_clf, numbers) if fitting.any() else None,
        refused.filter(pa.array(~blank)),
        left[~blank],
        int(blank.sum()),
        lines,
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


def _capture(
    found: SplitLines, layout: Layout
) -> tuple[BoolArray, pa.DictionaryArray | None, Mapping[str, pa.DictionaryArray]]:
    """Take the values out of the columns: which rows fit, and of these the time and the values."""
    fitting, time = np.ones(int(found.fits.sum()), bool), None
    if found.tail is not None:
        fitting, time = _times(found.tail)
    fields: dict[str, pa.DictionaryArray] = {}
    for column, piece in zip(found.columns, [Piece(None, layout.head), *layout.pieces], strict=True):
        if column is None:
            continue
        if piece.name is not None:
            fields |= {piece.name: column} if piece.name else {}
            continue
        fits, values = _extract(column, piece.expression)
        fitting, fields = fitting & fits, fields | values
    if not fitting.all():
        mask = pa.array(fitting)
        fields = {name: column.filter(mask) for name, column in fields.items()}
        time = None if time is None else time.filter(mask)
    return fitting, time, fields


def _times(tail: pa.DictionaryArray) -> tuple[BoolArray, pa.DictionaryArray]:
    """Find the time at the end of each head: which rows have one, and its 26 bytes."""
    distinct = tail.dictionary.cast(pa.binary())
    rows, text = text_rows(distinct, _TIME_ALL)
    marks = np.frombuffer(b" [] ", np.uint8)
    shaped = np.all(text[:, [0, 1, _TIME_AFTER, _TIME_AFTER + 1]] == marks, axis=1)
    shaped &= clf_shaped(text[:, _TIME_BEFORE:_TIME_AFTER])
    timed = np.zeros(len(distinct), bool)
    timed[rows] = shaped
    time = pc.binary_slice(distinct, _TIME_BEFORE, _TIME_AFTER)
    return timed[tail.indices.to_numpy()], numbered(tail.indices, time)


def _extract(column: pa.DictionaryArray, expression: str) -> tuple[BoolArray, dict[str, pa.DictionaryArray]]:
    """Match distinct values: which rows fit, and the column of each named group."""
    distinct, rows = column.dictionary, column.indices.to_numpy()
    if "?P<" not in expression:
        fits = pc.match_substring_regex(distinct, rf"\A{expression}\z")
        return fits.to_numpy(zero_copy_only=False)[rows], {}
    parts = pc.extract_regex(distinct, rf"\A{expression}\z")
    groups = {
        parts.type.field(at).name: numbered(column.indices, values)
        for at, values in enumerate(parts.flatten())
    }
    return parts.is_valid().to_numpy(zero_copy_only=False)[rows], groups


def _text_of(data: memoryview | bytes, starts: npt.NDArray[np.uint32], lines: Int64Array) -> pa.Array:
    """Give some of the lines, in order, without their newlines."""
    if not len(lines):
        return pa.array([], pa.string())
    ended = data[len(data) - 1] == ord("\n")
    ends = np.append(starts[1:], np.uint32(len(data) + (not ended))) - np.uint32(1)
    return lines_at(data, starts[lines], ends[lines])
