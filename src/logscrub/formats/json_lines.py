"""The plan for JSON lines: Arrow's reader where it holds, one line at a time where it does not.

Arrow reads a block with an explicit schema, and refuses all of it for one line that is no JSON, repeats a
known key or changes a type. What it refuses is cut into parts and tried again; small parts are read line by
line. Both ways give a line the same values, so what a line yields depends on this line alone.
"""

import functools
import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

from logscrub.formats import events, json_plain, json_types, json_values
from logscrub.formats.events import EVENT_MAP, Cells, Values, absent
from logscrub.formats.json_fields import FieldMap, Slot, with_signals
from logscrub.formats.json_values import JsonObject
from logscrub.formats.records import (
    RECORDS,
    TEXT,
    BoolArray,
    Format,
    Int64Array,
    Parsed,
    Reader,
    are_given,
    merge,
)
from logscrub.schemas import signal_catalogue
from logscrub.signals import Catalogue
from logscrub.text.blocks import Block, line_starts, sanitize

_BLANK = b" \t\r\n"
_SNIFFED = 64  # lines whose types are looked at, at most
_SNIFF_SHARE = 16  # of so many lines one is looked at
_FAN_OUT = 8  # parts that a refused segment is cut into
_SMALL = 256  # lines of a segment that is read line by line
_PLAIN = 2**17  # lines that are read at once: each takes room in each column that any of them has
_MIN_READ = 1024
_CHANGED = re.compile(r"Column\((/.+)\) changed from \w+ to (string|number|boolean|object|array) in row")
_HEX_ESCAPE = re.compile(rb"(?<!\\)((?:\\\\)*)\\x([0-9A-Fa-f]{2})")
_FIRST_PRINTABLE = 0x20


@dataclass(frozen=True)
class JsonFormat:
    """One JSON object a line, whose values a field map finds.

    Attributes:
        name: name on the command line and in messages.
        map: where the fields stand.
        mark: what the text of a file must hold somewhere for the format to be tried.
        source_timezone: IANA name of the zone of times without an offset.
        clean: what undoes an encoding of the distinct strings of headers.
        refused: marks of lines that are no requests.
        headers: paths of request headers, with `{canonical}`, `{lower}` or `{snake}` for the name.
        has_events: whether lines tell of people rather than of servers, so that `age` is one's age.
        catalogue: the signals that are looked for.
        is_event: whether lines are events of `schemas/event.schema.json`: times are RFC 3339 with an offset
            or epoch times only, and a line that gives nothing beside its time is a record all the same.
    """

    name: str
    map: FieldMap
    mark: re.Pattern[bytes] | None = None
    source_timezone: str = "UTC"
    clean: Callable[[pa.Array], pa.Array] | None = None
    refused: re.Pattern[bytes] | None = None
    is_event: bool = False
    headers: tuple[str, ...] = ()
    has_events: bool = False
    catalogue: Catalogue = field(default_factory=signal_catalogue)

    has_directives = False
    is_plain = False

    def reader(self) -> Reader:
        """The format itself: each line stands for itself."""
        return self

    @property
    def fields(self) -> frozenset[str]:
        """Columns of `RECORDS` that its lines can carry."""
        return self._whole_map.columns

    @property
    def signals(self) -> frozenset[str]:
        """Names of the signals that its lines have places for."""
        return self._whole_map.signals

    @functools.cached_property
    def _whole_map(self) -> FieldMap:
        return _map_of(self.map, self.catalogue, self.headers, of_events=self.has_events)

    def parse(self, block: Block) -> Parsed:
        """Parse a block; what a line yields depends on this line alone."""
        data = bytes(sanitize(_without_hex_escapes(bytes(block.data))))
        starts = line_starts(Block(data, 0))
        if not len(starts):
            return Parsed(merge([]), np.zeros(0, np.int64), 0, 0)
        lines, ends = _not_blank(data, starts)
        text = self._not_refused(_Lines(data, lines, starts[lines], ends))
        read = list(_parse(text, self._whole_map.slots))
        records = merge([])
        if any(len(part.lines) for part in read):
            zone = None if self.is_event else self.source_timezone
            records = events.to_records(
                _concatenated(read), self._whole_map, zone, self.clean, self.catalogue
            )
        if not self.is_event:
            records = records.filter(pa.array(_says_something(records)))
        rejected = np.setdiff1d(lines, records.column("line").to_numpy(), assume_unique=True)
        return Parsed(records, rejected, len(starts) - len(lines), len(starts))

    def _not_refused(self, text: "_Lines") -> "_Lines":
        found = [match.start() for match in self.refused.finditer(text.data)] if self.refused else []
        if not found:
            return text
        keep = np.ones(len(text), bool)
        keep[np.searchsorted(text.starts, found, side="right") - 1] = False
        return text.only(np.flatnonzero(keep))


@dataclass(frozen=True)
class JsonEvents(JsonFormat):
    """One JSON object a line, with the fields of `schemas/event.schema.json`."""

    name: str = "json_events"
    map: FieldMap = EVENT_MAP
    mark: re.Pattern[bytes] | None = field(default=re.compile(rb"\{"))
    is_event: bool = True
    has_events: bool = True


def for_signals(known: Format) -> Format:
    """A format that reads of JSON lines only what step 1 needs; another as it is."""
    return replace(known, map=known.map.of_people()) if isinstance(known, JsonFormat) else known


@functools.lru_cache(maxsize=256)
def _map_of(fields: FieldMap, catalogue: Catalogue, headers: tuple[str, ...], *, of_events: bool) -> FieldMap:
    return with_signals(fields, catalogue, headers, of_events=of_events)


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

    def only(self, rows: Int64Array) -> "_Lines":
        """Some of the lines, in their order, with the bytes of these alone."""
        if not len(rows):
            return self.part(0, 0)
        first, last = int(self.starts[rows[0]]), int(self.ends[rows[-1]])
        starts, ends = self.starts[rows] - first, self.ends[rows] - first
        steps = np.zeros(last - first + 1, np.int8)
        steps[starts] += 1
        steps[ends] -= 1
        chosen = np.cumsum(steps[:-1], dtype=np.int8).view(np.bool_)
        data = np.frombuffer(self.data, np.uint8)[first:last][chosen].tobytes()
        ends = np.cumsum(ends - starts)
        return _Lines(data, self.index[rows], np.append(0, ends)[:-1], ends)

    def by_type(self, pointer: str) -> list["_Lines"]:
        """The lines apart by the type that the key at the end of a pointer seems to have in each."""
        whole = self.only(np.arange(len(self)))
        offsets = pa.py_buffer(np.append(whole.starts, len(whole.data)).astype(np.int32))
        lines = pa.Array.from_buffers(pa.string(), len(self), [None, offsets, pa.py_buffer(whole.data)])
        key = re.escape(pointer.removesuffix(json_types.ELEMENT).rpartition("/")[2])
        begins = pc.extract_regex(lines, rf'"{key}"\s*:\s*(?P<first>["\[{{tf0-9-])').field("first")
        kind = pc.replace_substring_regex(pc.replace_substring(begins, "f", "t"), "[0-9-]", "0").fill_null("")
        code = kind.dictionary_encode().indices.to_numpy()
        return [whole.only(np.flatnonzero(code == one)) for one in np.unique(code)]

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


def _without_hex_escapes(data: bytes) -> bytes:
    r"""Write the bytes that nginx escapes as `\xNN`, which is no JSON: no valid line holds such an escape."""
    # One byte is found much faster than two, and most logs have no escape at all.
    return _HEX_ESCAPE.sub(_plain_byte, data) if b"\\" in data and rb"\x" in data else data


def _plain_byte(match: re.Match[bytes]) -> bytes:
    before, digits = match.groups()
    code = int(digits, 16)
    if code < _FIRST_PRINTABLE or code in b'"\\':
        return bytes(before) + rb"\u00%02x" % code
    return bytes(before) + bytes([code])


def _not_blank(data: bytes, starts: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Give the indexes of the lines that hold more than white space, and where they end."""
    ends = np.append(starts[1:], len(data))
    first = np.frombuffer(data, np.uint8)[starts]
    empty = first == ord("\n")
    maybe = np.flatnonzero(np.isin(first, np.frombuffer(_BLANK, np.uint8)) & ~empty)
    blank = [at for at in maybe.tolist() if not data[starts[at] : ends[at]].strip(_BLANK)]
    lines = np.delete(np.arange(len(starts), dtype=np.int64), [*np.flatnonzero(empty), *blank])
    return lines, ends[lines]


def _concatenated(parts: list[Values]) -> Values:
    """All parts, in the order of their lines."""
    if len(parts) == 1:
        return parts[0]
    lines = np.concatenate([part.lines for part in parts])
    order = None if np.all(lines[1:] > lines[:-1]) else pa.array(np.argsort(lines))

    def ordered(arrays: list[pa.Array]) -> pa.Array:
        joined = pa.concat_arrays(arrays)
        return joined if order is None else joined.take(order)

    return Values(
        np.sort(lines),
        tuple(
            Cells(ordered([cells.text for cells in slot]), ordered([cells.number for cells in slot]))
            for slot in zip(*(part.cells for part in parts), strict=True)
        ),
        ordered([part.doubt for part in parts]),
    )


def _says_something(records: pa.RecordBatch) -> BoolArray:
    """Tell which records hold anything beside their time."""
    said: BoolArray = (records.column("status").to_numpy() > 0) | (records.column("bytes").to_numpy() > 0)
    for name in set(RECORDS.names) - {"line", "time", "problem", "status", "bytes"}:
        column = records.column(name)
        if column.null_count < len(column):
            said |= are_given(column)
    return said


def _parse(text: _Lines, slots: tuple[Slot, ...]) -> Iterator[Values]:
    """Read lines: plain ones at once, the others in segments."""
    for start in range(0, len(text), _PLAIN):
        part = text.part(start, start + _PLAIN)
        plain, cells = json_plain.read_plain(part.data, part.starts, part.ends, slots)
        if plain.any():
            yield Values(part.index[plain], cells, pa.nulls(int(plain.sum()), pa.string()))
        if not plain.all():
            yield from _parse_segment(part.only(np.flatnonzero(~plain)) if plain.any() else part, slots)


def _parse_segment(
    text: _Lines, slots: tuple[Slot, ...], apart: frozenset[str] = frozenset()
) -> Iterator[Values]:
    """Read the lines of a segment, in parts.

    Lines in which a place has another type are read apart from the others, for each place once: `apart` are
    the pointers of those that were.
    """
    if not len(text):
        return
    kinds, differing = _sniff(text, slots)
    table = None
    if differing is None and text.look_like_objects():
        table, differing = _read_arrow(text, slots, kinds)
    if table is not None:
        # Not combined: the reader miscounts nulls in arrays of nothing else, so that these cannot be copied.
        columns = {name: table.column(name).chunk(0) for name in table.column_names}
        cells = json_types.cells_of(columns, len(text), slots)
        yield Values(text.index, cells, pa.nulls(len(text), pa.string()))
    elif len(text) <= _SMALL:
        yield _parse_lines(text, slots)
    elif differing is not None and differing not in apart:
        for part in text.by_type(differing):
            yield from _parse_segment(part, slots, apart | {differing})
    else:
        bounds = [len(text) * at // _FAN_OUT for at in range(_FAN_OUT + 1)]
        for start, stop in itertools.pairwise(bounds):
            yield from _parse_segment(text.part(start, stop), slots, apart)


def _sniff(text: _Lines, slots: tuple[Slot, ...]) -> tuple[dict[str, str], str | None]:
    """Find the JSON type of each known place in the first lines, and the pointer of one that has two."""
    seen: dict[str, str] = {}
    for at in range(min(len(text) // _SNIFF_SHARE + 1, _SNIFFED)):
        line = _load(text.line(at))
        differing = json_types.sniff(json_types.tree(slots), line, seen) if line is not None else None
        if differing is not None:
            return seen, differing
    return seen, None


def _read_arrow(
    text: _Lines, slots: tuple[Slot, ...], seen: dict[str, str]
) -> tuple[pa.Table | None, str | None]:
    """Read lines with Arrow; where it refuses them, give the pointer of a place with two types, if told.

    Types of places that the first lines do not have are a guess: Arrow names the place that differs, and
    the guess is mended. Its message is used for nothing else: it may quote the log.
    """
    root, kinds = json_types.tree(slots), dict(seen)
    keys = json_types.Keys(text.bytes(), root, seen)
    while True:
        try:
            table = _read_table(text.bytes(), json_types.schema(root, kinds, keys))
        except (pa.ArrowException, UnicodeDecodeError) as error:
            change = _CHANGED.search(str(error))
        else:
            return (table, None) if table.num_rows == len(text) else (None, None)
        if change is None or not json_types.is_pointer(root, change[1]):
            return None, None
        if change[1] in kinds:
            return None, change[1]
        kinds[change[1]] = change[2]


def _read_table(data: memoryview, schema: pa.Schema) -> pa.Table:
    return arrow_json.read_json(
        pa.BufferReader(pa.py_buffer(data)),
        read_options=arrow_json.ReadOptions(use_threads=False, block_size=max(len(data) + 1, _MIN_READ)),
        parse_options=arrow_json.ParseOptions(
            explicit_schema=schema, unexpected_field_behavior="ignore", newlines_in_values=False
        ),
    )


def _parse_lines(text: _Lines, slots: tuple[Slot, ...]) -> Values:
    """Read lines one at a time: for the few that Arrow refuses, and their neighbours."""
    rows: list[list[json_values.Value]] = []
    kept: list[int] = []
    for at in range(len(text)):
        raw = text.line(at)
        line = _load(raw)
        if line is None and raw.startswith(b"{"):
            line = _load_with_arrow(raw, slots)
        if line is not None:
            rows.append(json_values.resolve(line, slots))
            kept.append(at)
    *cells, doubt = (_cells_of_values([row[at] for row in rows]) for at in range(len(slots) + 1))
    return Values(text.index[kept], tuple(cells), doubt.text.cast(pa.string()))


def _cells_of_values(values: list[json_values.Value]) -> Cells:
    if not any(value is not None for value in values):
        return absent(len(values))
    return Cells(
        pa.array([value if isinstance(value, str) else None for value in values], TEXT),
        pa.array([value if isinstance(value, float) else None for value in values], pa.float64()),
    )


def _load(line: bytes) -> JsonObject | None:
    """Read one line; None unless it is one JSON object (control characters in strings are let through)."""
    try:
        value = json.loads(line.decode(), strict=False, object_pairs_hook=JsonObject.of_pairs)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, JsonObject) else None


def _load_with_arrow(line: bytes, slots: tuple[Slot, ...]) -> JsonObject | None:
    """Read one line as Arrow does in a block: it takes some that Python does not, `Inf` or deep nesting."""
    text = _Lines(line, np.zeros(1, np.int64), np.zeros(1, np.int64), np.array([len(line)]))
    table = _read_arrow(text, slots, {})[0] if text.look_like_objects() else None
    return _as_loaded(table.to_pylist()[0]) if table is not None else None


def _as_loaded(value: Any) -> Any:
    """Give what Arrow read as `_load` gives it; a missing key does not differ from null."""
    if isinstance(value, dict):
        return JsonObject.of_pairs([(key, _as_loaded(inner)) for key, inner in value.items()])
    return [_as_loaded(inner) for inner in value] if isinstance(value, list) else value
