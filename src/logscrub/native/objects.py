"""Lines of JSON objects to the columns of a tree of keys."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logscrub.native.library import LIBRARY, address, result_room, strings, text_of, with_scratch

Ints = npt.NDArray[np.int64]

_PLACE = np.dtype([("kind", "u1"), ("indexed", "?"), ("column", "u4")], align=True)


class Kind(IntEnum):
    """What the value at a place is for; `objects.zig` says what is read of it."""

    INNER = 0
    TEXT = 1
    ID = 2
    SIGNAL = 3
    NUMBER = 4
    REFUSED = 5


@dataclass(frozen=True)
class Place:
    """A place in a JSON object.

    Attributes:
        kind: what its value is for.
        keys: names of the keys of its value, and the number of the place of each.
        indexed: whether an array of one element stands for this.
    """

    kind: Kind
    keys: Sequence[tuple[str, int]] = ()
    indexed: bool = False


@dataclass(frozen=True)
class Tree:
    """Places that are read; the first is the whole line, and no two keys lead to one place."""

    places: Sequence[Place]

    @cached_property
    def columns(self) -> dict[int, int]:
        """Number of the column of each place that has one."""
        with_column = [at for at, place in enumerate(self.places) if place.kind is not Kind.INNER]
        return {place: column for column, place in enumerate(with_column)}

    @cached_property
    def arrays(self) -> tuple[npt.NDArray[np.generic], ...]:
        """Places, text of all keys, where each ends, the place that holds it, and that of its value."""
        places = [
            (place.kind, place.indexed, self.columns.get(at, 0)) for at, place in enumerate(self.places)
        ]
        keys = [(at, *key) for at, place in enumerate(self.places) for key in place.keys]
        names = [name.encode() for _, name, _ in keys]
        return (
            np.array(places, _PLACE),
            np.frombuffer(b"".join(names) or b"\0", np.uint8),
            np.cumsum([len(name) for name in names], dtype=np.uint32),
            np.array([holder for holder, _, _ in keys], np.uint32),
            np.array([value for _, _, value in keys], np.uint32),
        )


@dataclass(frozen=True)
class Column:
    """Values at a place.

    Attributes:
        text: dictionary<int32, string>; null where there is none.
        numbers: NaN where there is none.
    """

    text: pa.DictionaryArray
    numbers: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Objects:
    """What was read of lines.

    Attributes:
        fits: which lines are rows; the others are not plain, or no JSON.
        columns: by the number of their place; absent where no row has a value.
    """

    fits: npt.NDArray[np.bool_]
    columns: dict[int, Column]


def read_objects(data: memoryview | bytes, begins: Ints, ends: Ints, tree: Tree) -> Objects:
    """Read lines each of which is a JSON object, as far as they are plain.

    Args:
        data: text in UTF-8.
        begins: where each line begins in it.
        ends: where each ends, with or without its newline.
        tree: what is read.

    Raises:
        MemoryError: there is none left.
    """
    text, lines, columns = text_of(data), len(begins), len(tree.columns)
    places, names, *keys = tree.arrays
    codes = result_room("codes", (columns, lines), np.int32)
    numbers = result_room("numbers", (columns, lines), np.float64)
    offsets = result_room("offsets", (columns, lines + 1), np.int32)
    values = result_room("values", (len(text),), np.uint8)
    fits, used = np.empty(lines, np.bool_), np.zeros(columns, np.bool_)
    distinct = np.empty(columns, np.uint32)
    rows = with_scratch(
        LIBRARY.read_objects,
        address(text),
        len(text),
        address(begins),
        address(ends),
        lines,
        address(places),
        len(places),
        *(address(array) for array in (names, *keys)),
        len(keys[0]),
        columns,
        secrets.randbits(64),
        *(address(array) for array in (codes, numbers, offsets, values, fits, distinct, used)),
    )
    found = {}
    sizes = [int(offsets[at, count]) for at, count in enumerate(distinct.tolist())]
    starts = np.cumsum([0, *sizes]).tolist()
    for place, at in tree.columns.items():
        if used[at]:
            told = strings(offsets[at, : distinct[at] + 1], values[starts[at] :])
            found[place] = Column(_dictionary(codes[at, :rows], told), numbers[at, :rows].copy())
    return Objects(fits, found)


def _dictionary(codes: npt.NDArray[np.int32], values: pa.StringArray) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.copy(), mask=codes < 0), values, safe=False)
