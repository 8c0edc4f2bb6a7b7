"""Plain JSON lines, which are most: read by the compiled part, with the values that the other ways give.

What could be understood in two ways is left to the others: see `native/objects.zig`.
"""

import functools

import numpy as np
import pyarrow as pa

from logscrub.formats import json_types
from logscrub.formats.events import Cells, absent
from logscrub.formats.json_fields import Kind, Slot
from logscrub.formats.json_types import Node
from logscrub.formats.json_values import number_text
from logscrub.formats.records import BoolArray, Int64Array, encoded
from logscrub.native import objects
from logscrub.native.objects import Column, Place, Tree, read_objects

_KINDS = {
    Kind.TEXT: objects.Kind.TEXT,
    Kind.ID: objects.Kind.ID,
    Kind.SIGNAL: objects.Kind.SIGNAL,
    Kind.NUMBER: objects.Kind.NUMBER,
    Kind.TIME: objects.Kind.NUMBER,
}
_SAMPLE = 64
"""Lines of which at least half must be plain: where they are not, the others need not be looked at."""


def read_plain(
    data: bytes, begins: Int64Array, ends: Int64Array, slots: tuple[Slot, ...]
) -> tuple[BoolArray, tuple[Cells, ...]]:
    """Read lines as far as they are plain.

    Args:
        data: text in UTF-8.
        begins: where each line begins in it.
        ends: where each ends, with or without its newline.
        slots: what is read.

    Returns:
        Which lines were read, and the values of each slot for these.
    """
    tree, places = _tree(slots)
    few = read_objects(data, begins[:_SAMPLE], ends[:_SAMPLE], tree)
    if 2 * few.fits.sum() < len(few.fits):
        return np.zeros(len(begins), bool), ()
    read = read_objects(data, begins, ends, tree)
    none = absent(int(read.fits.sum()))
    cells = {place: _cells(tree.places[place].kind, column, none) for place, column in read.columns.items()}
    return read.fits, tuple(cells.get(place, none) for place in places)


@functools.lru_cache(maxsize=256)
def _tree(slots: tuple[Slot, ...]) -> tuple[Tree, tuple[int, ...]]:
    """The places of the slots, and the number of that of each slot."""
    places: list[Place] = []
    numbers: dict[Slot, int] = {}

    def add(node: Node) -> int:
        at = len(places)
        places.append(Place(objects.Kind.INNER))
        keys = [(key, add(child)) for key, child in node.children.items()]
        places[at] = Place(_kind(node), keys, node.indexed)
        numbers.update(dict.fromkeys(node.slots, at))
        return at

    add(json_types.tree(slots))
    return Tree(places), tuple(numbers[slot] for slot in slots)


def _kind(node: Node) -> objects.Kind:
    kinds = {_KINDS[slot.kind] for slot in node.slots}
    if not kinds:
        return objects.Kind.INNER
    return kinds.pop() if len(kinds) == 1 else objects.Kind.REFUSED


def _cells(kind: objects.Kind, column: Column, none: Cells) -> Cells:
    absent_numbers = np.isnan(column.numbers)
    if kind is objects.Kind.SIGNAL:
        return Cells(_signals(column, absent_numbers), none.number)
    if kind is objects.Kind.NUMBER and not absent_numbers.all():
        return Cells(column.text, pa.array(column.numbers, mask=absent_numbers))
    return Cells(column.text, none.number)


def _signals(column: Column, absent_numbers: BoolArray) -> pa.DictionaryArray:
    """Texts, and the texts of numbers."""
    if absent_numbers.all():
        return column.text
    rows = np.flatnonzero(~absent_numbers)
    distinct, code = np.unique(column.numbers[rows], return_inverse=True)
    codes = column.text.indices.fill_null(-1).to_numpy().copy()
    codes[rows] = len(column.text.dictionary) + code
    texts = pa.array([number_text(float(number)) for number in distinct], pa.string())
    return encoded(pa.array(codes, mask=codes < 0), pa.concat_arrays([column.text.dictionary, texts]))
