"""A field map as a tree of JSON types: the schema that Arrow reads lines with, and the way to each value."""

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.formats.events import Cells, absent
from logscrub.formats.json_fields import FIRST, Kind, Slot
from logscrub.formats.json_values import LIST_MARKS, JsonObject, number_text
from logscrub.native.lines import places_of
from logscrub.signals import UNREADABLE

ELEMENT = "/[]"
"""What Arrow adds to the pointer of an array for its elements."""

_SCALARS = {"string": pa.string(), "number": pa.float64(), "boolean": pa.bool_()}
_USUAL = {Kind.NUMBER: "number", Kind.SIGNAL: "boolean"}
_USUAL_OF = {
    **dict.fromkeys(("age", "birth_year", "play_age_lower", "play_age_upper", "dnt", "gdpr"), "number"),
    **dict.fromkeys(("birth_date", "birth_month", "age_band", "us_privacy", "gpp", "gdpr_consent"), "string"),
}
# A key of these characters stands in a line as it is, unless one of them is written as an escape.
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.:@$-]+")
_TAIL = 8  # bytes by which a key is told: one word
_BLANKS = np.frombuffer(b" \t\r\n", np.uint8)
_ESCAPED = r"\\u00(?:2[4dDeE]|3[0-9aA]|4[0-9a-fA-F]|5[0-9aAfF]|6[0-9a-fA-F]|7[0-9aA])"
_BACKSLASH = re.compile(rb"\\")
_ESCAPED_KEY = re.compile(_ESCAPED.encode())


@dataclass
class Node:
    """A place in a JSON object.

    Attributes:
        children: places under its keys.
        indexed: whether a path goes into its first element where it is an array.
        slots: what its own value is for.
    """

    children: dict[str, "Node"] = field(default_factory=dict)
    indexed: bool = False
    slots: list[Slot] = field(default_factory=list)

    def usual(self, *, element: bool) -> str:
        """JSON type that its value has as a rule, as Arrow calls it."""
        if self.indexed and not element:
            return "array"
        if self.children:
            return "object"
        slot = self.slots[0]
        return _USUAL_OF.get(slot.field) or _USUAL.get(slot.kind, "string")


class Keys:
    """Which keys of a tree may occur in some lines: one that does not needs no column.

    A key that lines have is found wherever it stands.
    """

    def __init__(self, data: memoryview, root: Node, seen: Iterable[str]) -> None:
        """Search for all keys of the tree but those that are `seen`: pointers as Arrow writes them."""
        known = {pointer.rpartition("/")[2] for pointer in seen}
        self._absent = _absent(data, {key for key in _keys(root) if _PLAIN_KEY.fullmatch(key)} - known)

    def may_hold(self, key: str) -> bool:
        """Whether the key may be in the lines; False is certain."""
        return key not in self._absent


def _keys(node: Node) -> Iterator[str]:
    for key, child in node.children.items():
        yield key
        yield from _keys(child)


def _absent(data: memoryview, keys: set[str]) -> set[str]:
    """Tell which keys do not occur; none is sure not to where a plain character is written as an escape.

    Keys are told by their last bytes, the quote before them included, so that some are not found missing.
    """
    raw = np.frombuffer(data, np.uint8)
    if _BACKSLASH.search(data) and _ESCAPED_KEY.search(data):
        return set()
    ends = places_of(data, b":").astype(np.int64) - 1
    while (blank := np.isin(raw[ends], _BLANKS)).any():
        ends = ends - blank
    ends = ends[raw[ends] == ord('"')]
    early = [
        int.from_bytes(bytes(data[:end])[-_TAIL:].rjust(_TAIL, b"\0"), "big") for end in ends[ends < _TAIL]
    ]
    words = np.ndarray((max(len(raw) - _TAIL + 1, 0),), ">u8", raw, strides=(1,))
    tails = words[ends[ends >= _TAIL] - _TAIL].astype(np.uint64)
    distinct = np.append(pc.unique(pa.array(tails)).to_numpy(), np.array(early, np.uint64))
    return {key for key in keys if not _is_tail(f'"{key}'.encode()[-_TAIL:], distinct)}


def _is_tail(name: bytes, tails: npt.NDArray[np.uint64]) -> bool:
    """Whether any of the words ends with these bytes."""
    bits = np.uint64(2 ** (8 * len(name)) - 1)
    return bool((tails & bits == np.uint64(int.from_bytes(name, "big"))).any())


@functools.lru_cache(maxsize=256)
def tree(slots: tuple[Slot, ...]) -> Node:
    """Make the tree of all paths."""
    root = Node()
    for slot in slots:
        node = root
        for step in slot.steps:
            if isinstance(step, str):
                node = node.children.setdefault(step, Node())
            else:
                node.indexed = True
        node.slots.append(slot)
    return root


def is_pointer(root: Node, pointer: str) -> bool:
    """Whether a pointer as Arrow writes it leads to a place of the tree."""
    return _leads_to(root, pointer)


def _leads_to(node: Node, rest: str) -> bool:
    if not rest or (rest == ELEMENT and node.indexed):
        return True
    rest = rest.removeprefix(ELEMENT) if node.indexed else rest
    return any(
        _leads_to(child, rest[len(key) + 1 :])
        for key, child in node.children.items()
        if rest == f"/{key}" or rest.startswith(f"/{key}/")
    )


def json_type(value: Any) -> str | None:
    """Name of the type of a value as Arrow calls it; None for null."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, JsonObject):
        return "object"
    return "number" if isinstance(value, int | float) else "array"


def sniff(node: Node, value: JsonObject, seen: dict[str, str], at: str = "") -> str | None:
    """Note the types of a line at each place of the tree; gives the pointer of one that differs."""
    for key, child in node.children.items():
        for inner in value.get(key, ()):
            differing = _note(child, inner, seen, f"{at}/{key}")
            if differing is not None:
                return differing
    return None


def _note(node: Node, value: Any, seen: dict[str, str], at: str) -> str | None:
    kind = json_type(value)
    if kind is None:
        return None
    if seen.setdefault(at, kind) != kind:
        return at
    if isinstance(value, JsonObject):
        return sniff(node, value, seen, at)
    if kind != "array":
        return None
    if not node.indexed:
        return at
    return next(filter(None, (_note(node, inner, seen, at + ELEMENT) for inner in value)), None)


def schema(root: Node, kinds: Mapping[str, str], keys: Keys) -> pa.Schema:
    """Make the schema of lines whose places have these types, or their usual ones."""
    fields = _fields(root, "", kinds, keys)
    if not fields:  # without a column Arrow would not count the lines
        key, child = next(iter(root.children.items()))
        fields = [pa.field(key, _type(child, f"/{key}", kinds, keys))]
    return pa.schema(fields)


def _fields(node: Node, at: str, kinds: Mapping[str, str], keys: Keys) -> list[pa.Field]:
    return [
        pa.field(key, _type(child, f"{at}/{key}", kinds, keys))
        for key, child in node.children.items()
        if f"{at}/{key}" in kinds or keys.may_hold(key)
    ]


def _type(node: Node, at: str, kinds: Mapping[str, str], keys: Keys, *, element: bool = False) -> pa.DataType:
    kind = kinds.get(at) or node.usual(element=element)
    if kind == "object":
        return pa.struct(_fields(node, at, kinds, keys))
    if kind == "array":
        inner = node.indexed and not element
        return pa.list_(_type(node, at + ELEMENT, kinds, keys, element=True) if inner else pa.null())
    if kind == "number" and any(slot.kind is Kind.ID for slot in node.slots):
        return pa.int64()
    return _SCALARS[kind]


def cells_of(columns: Mapping[str, pa.Array], rows: int, slots: tuple[Slot, ...]) -> tuple[Cells, ...]:
    """Give the values of each slot as `json_values.resolve` gives each, of the columns that Arrow read."""
    none = Cells(pa.nulls(rows, pa.string()), pa.nulls(rows, pa.float64()))
    found = (_slot_cells(columns, slot, none) for slot in slots)
    nothing = absent(rows)
    return tuple(
        nothing if cells is none else Cells(cells.text.dictionary_encode(), cells.number) for cells in found
    )


def _slot_cells(columns: Mapping[str, pa.Array], slot: Slot, none: Cells) -> Cells:
    first, *rest = slot.steps
    column = columns.get(str(first))
    several = None
    for at, step in enumerate(rest):
        if column is None or column.null_count == len(column):
            return none
        if step == FIRST:
            if pa.types.is_list(column.type):
                last = at == len(rest) - 1
                several = pc.greater(pc.list_value_length(column), 1) if last else None
                column = (
                    _joined(column, LIST_MARKS[slot.field])
                    if last and slot.field in LIST_MARKS
                    else _first_elements(column)
                )
        elif pa.types.is_struct(column.type) and column.type.get_field_index(str(step)) >= 0:
            column = pc.struct_field(column, [str(step)])
        else:
            return none
    if column is None or (column.null_count == len(column) and several is None):
        return none
    cells = _cells(slot.kind, column, none)
    if slot.kind is Kind.SIGNAL and several is not None:
        cells = Cells(pc.if_else(several.fill_null(False), UNREADABLE, cells.text), cells.number)
    return cells


def _first_elements(lists: pa.ListArray) -> pa.Array:
    filled = pc.greater(pc.list_value_length(lists), 0).fill_null(False)
    place = pc.if_else(filled, lists.offsets[:-1], pa.scalar(None, pa.int32()))
    return lists.values.take(place)


def _joined(lists: pa.ListArray, mark: str) -> pa.Array:
    if pa.types.is_string(lists.type.value_type):
        return pc.binary_join(lists, mark)
    # Arrays of nothing but nulls, and of what is no text, hold no address; an empty one is an empty text.
    empty = pc.equal(pc.list_value_length(lists), 0)
    return pc.if_else(empty, "", pa.scalar(None, pa.string()))


def _cells(kind: Kind, column: pa.Array, none: Cells) -> Cells:
    """Give the values of a column of one JSON type as `json_values.canonical` gives each."""
    if pa.types.is_string(column.type):
        return Cells(column, none.number)
    if pa.types.is_nested(column.type):
        if kind is not Kind.SIGNAL:
            return none
        return Cells(pc.if_else(column.is_valid(), UNREADABLE, pa.scalar(None, pa.string())), none.number)
    if kind is Kind.SIGNAL:
        return Cells(_signal_text(column), none.number)
    if pa.types.is_boolean(column.type) or kind is Kind.TEXT:
        return none
    is_id = kind is Kind.ID
    return Cells(column.cast(pa.string()), none.number) if is_id else Cells(none.text, _doubles(column))


def _doubles(column: pa.Array) -> pa.Array:
    return column.cast(pa.float64(), safe=False)


def _signal_text(column: pa.Array) -> pa.Array:
    if pa.types.is_boolean(column.type):
        return column.cast(pa.string())
    distinct = pc.add(_doubles(column), 0.0).dictionary_encode()
    text = pa.array([number_text(value) for value in distinct.dictionary.to_pylist()], pa.string())
    return text.take(distinct.indices)
