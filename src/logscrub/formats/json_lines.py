"""The plan for JSON lines: Arrow's reader where it holds, one line at a time where it does not.

Arrow reads a block with an explicit schema, and refuses all of it for one line that is no JSON, repeats a
known key or changes a type. What it refuses is cut into parts and tried again; small parts are read line by
line. Both ways give a line the same values, so what a line yields depends on this line alone.
"""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

from logscrub.formats import events
from logscrub.formats.events import FIELDS, Cells, Kind
from logscrub.formats.records import (
    IDS,
    RECORDS,
    Int64Array,
    Parsed,
    Reader,
    carries_identifiers,
    merge,
)
from logscrub.text.blocks import Block, line_starts, sanitize

_BLANK = b" \t\r\n"
_SNIFFED = 64  # lines whose types are looked at, at most
_SNIFF_SHARE = 16  # of so many lines one is looked at
_FAN_OUT = 8  # parts that a refused segment is cut into
_SMALL = 256  # lines of a segment that is read line by line
_MIN_READ = 1024
_CHANGED = re.compile(r"Column\(/(\w+)\) changed from \w+ to (string|number|boolean) ")
_TYPES = {"string": pa.string(), "number": pa.float64(), "boolean": pa.bool_()}
_USUAL = {name: "number" if kind is Kind.NUMBER else "string" for name, kind in FIELDS.items()} | {
    "age": "number",
    "child": "boolean",
    "coppa": "boolean",
    "opt_out": "boolean",
}
_OTHER = "other"


class _Object(list[tuple[str, Any]]):
    """The pairs of a JSON object, repeated keys included."""


@dataclass(frozen=True)
class JsonEvents:
    """One JSON object a line, with the fields of `schemas/event.schema.json`."""

    name: str = "json_events"

    mark = re.compile(rb"\{")
    has_directives = False

    def reader(self) -> Reader:
        """The format itself: each line stands for itself."""
        return self

    @property
    def fields(self) -> frozenset[str]:
        """Columns of `RECORDS` that its lines can carry: all."""
        return frozenset(RECORDS.names) - {"line", "problem"}

    @property
    def carries_identifiers(self) -> bool:
        """Whether a line can hold an id or a signal."""
        return carries_identifiers(self.fields)

    def parse(self, block: Block) -> Parsed:
        """Parse a block; what a line yields depends on this line alone."""
        data = bytes(sanitize(block.data))
        starts = line_starts(Block(data, 0))
        if not len(starts):
            return Parsed(merge([]), np.zeros(0, np.int64), 0, 0)
        lines, ends = _not_blank(data, starts)
        text = _Lines(data, lines, starts[lines], ends)
        read = list(_parse_segment(text))
        index = np.concatenate([np.zeros(0, np.int64), *(part.index for part in read)])
        records = events.to_records(index, _joined(read)) if len(index) else merge([])
        rejected = np.setdiff1d(lines, index, assume_unique=True)
        return Parsed(records, rejected, len(starts) - len(lines), len(starts))


@dataclass(frozen=True)
class _Read:
    """Lines that could be read, by index in the block, and the values of each field."""

    index: Int64Array
    cells: dict[str, Cells]


@dataclass(frozen=True)
class _Lines:
    """Lines that are not blank: their indexes in the block, and where they begin and end in the data."""

    data: bytes
    index: Int64Array
    starts: Int64Array
    ends: Int64Array

    def __len__(self) -> int:
        return len(self.index)

    def part(self, start: int, stop: int) -> "_Lines":
        return _Lines(self.data, self.index[start:stop], self.starts[start:stop], self.ends[start:stop])

    def line(self, at: int) -> bytes:
        return self.data[self.starts[at] : self.ends[at]].strip(_BLANK)

    def bytes(self) -> memoryview:
        return memoryview(self.data)[self.starts[0] : self.ends[-1]]

    def look_like_objects(self) -> bool:
        """Whether each line begins with a brace and ends with one: only then a row is a line for Arrow."""
        raw = np.frombuffer(self.data, np.uint8)
        last = self.ends - 1
        last = last - (raw[last] == ord("\n"))
        last = last - (raw[np.maximum(last, 0)] == ord("\r"))
        return bool(np.all(raw[self.starts] == ord("{")) and np.all(raw[last] == ord("}")))


def _not_blank(data: bytes, starts: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Give the indexes of the lines that hold more than white space, and where they end."""
    ends = np.append(starts[1:], len(data))
    first = np.frombuffer(data, np.uint8)[starts]
    empty = first == ord("\n")
    maybe = np.flatnonzero(np.isin(first, np.frombuffer(_BLANK, np.uint8)) & ~empty)
    blank = [at for at in maybe.tolist() if not data[starts[at] : ends[at]].strip(_BLANK)]
    lines = np.delete(np.arange(len(starts), dtype=np.int64), [*np.flatnonzero(empty), *blank])
    return lines, ends[lines]


def _joined(parts: list[_Read]) -> dict[str, Cells]:
    return {
        name: Cells(
            pa.concat_arrays([part.cells[name].text for part in parts]),
            pa.concat_arrays([part.cells[name].number for part in parts]),
        )
        for name in FIELDS
    }


def _parse_segment(text: _Lines) -> Iterator[_Read]:
    """Read the lines of a segment, in parts, in their order."""
    if not len(text):
        return
    kinds = _sniff(text)
    table = _read_arrow(text, kinds) if kinds is not None and text.look_like_objects() else None
    if table is not None:
        yield _Read(text.index, _cells_of_table(table))
    elif len(text) <= _SMALL:
        yield _parse_lines(text)
    else:
        bounds = [len(text) * at // _FAN_OUT for at in range(_FAN_OUT + 1)]
        for start, stop in itertools.pairwise(bounds):
            yield from _parse_segment(text.part(start, stop))


def _sniff(text: _Lines) -> dict[str, str] | None:
    """Find the JSON type of each known field in the first lines; None when one has two types."""
    seen: dict[str, str] = {}
    for at in range(min(len(text) // _SNIFF_SHARE + 1, _SNIFFED)):
        pairs = _load(text.line(at))
        for name, value in pairs or ():
            kind = _json_type(value)
            if name in FIELDS and kind and seen.setdefault(name, kind) != kind:
                return None
    return None if _OTHER in seen.values() else seen


def _json_type(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    return "number" if isinstance(value, int | float) else _OTHER


def _read_arrow(text: _Lines, seen: dict[str, str]) -> pa.Table | None:
    """Read lines with Arrow; None when it refuses them.

    Types of fields that the first lines do not have are a guess: Arrow names the field that differs, and
    the guess is mended. Its message is used for nothing else: it may quote the log.
    """
    guessed = _USUAL | seen
    mended = set(seen)
    while True:
        try:
            table = _read_table(text.bytes(), guessed)
        except (pa.ArrowException, UnicodeDecodeError) as error:
            change = _CHANGED.search(str(error))
        else:
            return table if table.num_rows == len(text) else None
        if change is None or change[1] in mended or change[1] not in FIELDS:
            return None
        guessed |= {change[1]: change[2]}
        mended.add(change[1])


def _read_table(data: memoryview | bytes, kinds: dict[str, str]) -> pa.Table:
    types = {name: _TYPES[kind] for name, kind in kinds.items()}
    types |= {name: pa.int64() for name in IDS if kinds[name] == "number"}
    return arrow_json.read_json(
        pa.BufferReader(pa.py_buffer(data)),
        read_options=arrow_json.ReadOptions(use_threads=False, block_size=max(len(data) + 1, _MIN_READ)),
        parse_options=arrow_json.ParseOptions(
            explicit_schema=pa.schema(list(types.items())),
            unexpected_field_behavior="ignore",
            newlines_in_values=False,
        ),
    )


def _cells_of_table(table: pa.Table) -> dict[str, Cells]:
    return {name: _cells(FIELDS[name], table.column(name).combine_chunks()) for name in FIELDS}


def _cells(kind: Kind, column: pa.Array) -> Cells:
    """Give the values of a column of one JSON type as `events.canonical` gives each."""
    none = Cells(pa.nulls(len(column), pa.string()), pa.nulls(len(column), pa.float64()))
    if column.null_count == len(column):
        return none
    if pa.types.is_string(column.type):
        return Cells(column, none.number)
    if kind is Kind.SIGNAL:
        return Cells(_signal_text(column), none.number)
    if pa.types.is_boolean(column.type) or kind is Kind.TEXT:
        return none
    return Cells(column.cast(pa.string()), none.number) if kind is Kind.ID else Cells(none.text, column)


def _signal_text(column: pa.Array) -> pa.Array:
    if pa.types.is_boolean(column.type):
        return column.cast(pa.string())
    distinct = pc.add(column, 0.0).dictionary_encode()
    text = pa.array([events.number_text(value) for value in distinct.dictionary.to_pylist()], pa.string())
    return text.take(distinct.indices)


def _parse_lines(text: _Lines) -> _Read:
    """Read lines one at a time: for the few that Arrow refuses, and their neighbours."""
    rows: list[dict[str, events.Value]] = []
    kept: list[int] = []
    for at in range(len(text)):
        line = text.line(at)
        pairs = _load(line)
        if pairs is None and line.startswith(b"{"):
            pairs = _load_with_arrow(line)
        if pairs is not None:
            rows.append(events.resolve(pairs))
            kept.append(at)
    cells = {name: _cells_of_values([row.get(name) for row in rows]) for name in FIELDS}
    return _Read(text.index[kept], cells)


def _cells_of_values(values: list[events.Value]) -> Cells:
    return Cells(
        pa.array([value if isinstance(value, str) else None for value in values], pa.string()),
        pa.array([value if isinstance(value, float) else None for value in values], pa.float64()),
    )


def _load(line: bytes) -> list[tuple[str, Any]] | None:
    """Read one line; None unless it is one JSON object (control characters in strings are let through)."""
    try:
        value = json.loads(line.decode(), strict=False, object_pairs_hook=_Object)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, _Object) else None


def _load_with_arrow(line: bytes) -> list[tuple[str, Any]] | None:
    """Read one line as Arrow does in a block: it takes some that Python does not, `Inf` or deep nesting."""
    text = _Lines(line, np.zeros(1, np.int64), np.zeros(1, np.int64), np.array([len(line)]))
    table = _read_arrow(text, {}) if text.look_like_objects() else None
    return list(table.to_pylist()[0].items()) if table is not None else None
