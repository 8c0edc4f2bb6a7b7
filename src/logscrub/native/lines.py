"""Lines of a block: how many, which of them may hold a signal, and their columns."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logscrub.native.library import LIBRARY, address, result_room, strings, text_of, with_scratch

MAX_COLUMNS = 64
"""Columns that `split_lines` can cut lines into."""


@dataclass(frozen=True)
class Number:
    """A whole number in a template, 18 digits at most; `-` stands for none."""

    digits: int
    may_be_negative: bool = False


Template = Sequence[bytes | Number]
"""What stands in a column: numbers, and the text before, between and after them, 255 bytes each at most."""


@dataclass(frozen=True)
class SplitLines:
    """Lines of a block as columns.

    Attributes:
        tail: what was cut off the end of the first column; None where nothing was asked for.
        columns: dictionary<int32, string> for each column, None for one with a template; the rows are the
            lines that fit.
        numbers: those of all templates, 0 where there is none.
        starts: where each line begins in the block.
        fits: which lines are rows.
    """

    tail: pa.DictionaryArray | None
    columns: list[pa.DictionaryArray | None]
    numbers: list[npt.NDArray[np.int64]]
    starts: npt.NDArray[np.uint32]
    fits: npt.NDArray[np.bool_]


def count_byte(data: memoryview | bytes, byte: bytes) -> int:
    """How often a byte stands in the data."""
    text = text_of(data)
    return int(LIBRARY.count_byte(address(text), len(text), byte[0]))


def places_of(data: memoryview | bytes, byte: bytes) -> npt.NDArray[np.uint32]:
    """Where a byte stands in the data, in order."""
    text = text_of(data)
    places = np.empty(count_byte(data, byte), np.uint32)
    LIBRARY.places_of(address(text), len(text), byte[0], address(places), len(places))
    return places


def marked_lines(
    data: memoryview | bytes, tails: npt.NDArray[np.uint32]
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    r"""Find the lines that hold a backslash, or an equals sign behind what may be the end of a name.

    Args:
        data: lines.
        tails: the last three bytes of names as numbers, in small letters, sorted.

    Returns:
        Where each begins, and where it ends behind its newline.
    """
    text = text_of(data)
    room = count_byte(data, b"\n") + 1
    begins, ends = np.empty(room, np.uint32), np.empty(room, np.uint32)
    found = LIBRARY.marked_lines(
        address(text), len(text), address(tails), len(tails), address(begins), address(ends), room
    )
    return begins[:found], ends[:found]


def split_lines(data: memoryview | bytes, lines: int, templates: Sequence[Template], tail: int) -> SplitLines:
    r"""Cut lines at their quotes.

    Args:
        data: lines in UTF-8 that end at "\n", the last one with or without.
        lines: how many they are.
        templates: for each column of a line that fits, `MAX_COLUMNS` at most, what stands in it where it
            holds numbers; empty where it is told by its distinct values, as the first column always is.
        tail: bytes that are cut off the end of the first column; a line with fewer does not fit, nor one
            in which they begin inside a character.

    Raises:
        MemoryError: there is none left.
    """
    text, columns = text_of(data), len(templates)
    steps = [b"".join(map(_step, template)) for template in templates]
    counts = [sum(isinstance(part, Number) for part in template) for template in templates]
    codes = np.empty((columns + 1, lines), np.int32)
    offsets = result_room("offsets", (columns + 1, lines + 1), np.int32)
    values = result_room("values", (len(text),), np.uint8)
    numbers = np.empty((sum(counts), lines), np.int64)
    starts, fits = np.empty(lines, np.uint32), np.empty(lines, np.bool_)
    distinct = np.empty(columns + 1, np.uint32)
    rows = with_scratch(
        LIBRARY.split_lines,
        address(text),
        len(text),
        b"".join(steps),
        address(np.cumsum([len(step) for step in steps], dtype=np.uint32)),
        address(np.cumsum([0, *counts[:-1]], dtype=np.uint32)),
        columns,
        tail,
        secrets.randbits(64),
        lines,
        *(address(array) for array in (codes, offsets, values, numbers)),
        len(numbers),
        *(address(array) for array in (starts, fits, distinct)),
    )
    found, at = [], 0
    for column, count in enumerate(distinct.tolist()):
        distinct_values = strings(offsets[column, : count + 1], values[at:])
        found.append(
            pa.DictionaryArray.from_arrays(pa.array(codes[column, :rows]), distinct_values, safe=False)
        )
        at += int(offsets[column, count])
    told = [None if template else column for template, column in zip(templates, found[1:], strict=True)]
    return SplitLines(found[0] if tail else None, told, list(numbers[:, :rows]), starts, fits)


def _step(part: bytes | Number) -> bytes:
    if isinstance(part, Number):
        return bytes([1, part.digits, part.may_be_negative])
    return bytes([0, len(part)]) + part
