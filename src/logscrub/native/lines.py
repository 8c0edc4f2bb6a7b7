"""Lines of a block: how many, which of them may hold a signal, and their columns."""

import secrets
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logscrub.native.library import LIBRARY, OUT_OF_MEMORY, address, text_of

MAX_COLUMNS = 64
"""Columns that `split_lines` can cut lines into."""


@dataclass(frozen=True)
class SplitLines:
    """Lines of a block as columns.

    Attributes:
        tail: what was cut off the end of the first column; without a value where nothing was asked for.
        columns: dictionary<int32, string> for each column; the rows are the lines that fit.
        starts: where each line begins in the block.
        fits: which lines are rows.
    """

    tail: pa.DictionaryArray
    columns: list[pa.DictionaryArray]
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


def split_lines(data: memoryview | bytes, lines: int, columns: int, tail: int) -> SplitLines:
    r"""Cut lines at their quotes.

    Args:
        data: lines in UTF-8 that end at "\n", the last one with or without.
        lines: how many they are.
        columns: how many columns a line that fits has, `MAX_COLUMNS` at most.
        tail: bytes that are cut off the end of the first column; a line with fewer does not fit, nor one
            in which they begin inside a character.

    Raises:
        MemoryError: there is none left.
    """
    text = text_of(data)
    codes = np.empty((columns + 1, lines), np.int32)
    offsets = np.empty((columns + 1, lines + 1), np.int32)
    values = np.empty(len(text), np.uint8)
    starts, fits = np.empty(lines, np.uint32), np.empty(lines, np.bool_)
    distinct = np.empty(columns + 1, np.uint32)
    rows = LIBRARY.split_lines(
        address(text),
        len(text),
        columns,
        tail,
        secrets.randbits(64),
        lines,
        *(address(array) for array in (codes, offsets, values, starts, fits, distinct)),
    )
    if rows == OUT_OF_MEMORY:
        raise MemoryError
    found, at = [], 0
    for column, count in enumerate(distinct.tolist()):
        size = int(offsets[column, count])
        strings = _strings(offsets[column, : count + 1], values[at : at + size])
        found.append(pa.DictionaryArray.from_arrays(pa.array(codes[column, :rows]), strings))
        at += size
    return SplitLines(found[0], found[1:], starts, fits)


def _strings(offsets: npt.NDArray[np.int32], text: npt.NDArray[np.uint8]) -> pa.StringArray:
    return pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(text))
