"""Values of JSON lines to records: which of several paths counts, and what each field becomes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.columns import spread
from logscrub.formats import access
from logscrub.formats.access import DURATIONS, status_numbers, times_columns
from logscrub.formats.json_fields import KINDS, TEXT_FIELDS, FieldMap, parse_field_map
from logscrub.formats.records import (
    HINTS,
    IDS,
    IMPOSSIBLE_SIZE,
    NO_TIME,
    Int64Array,
    empty_where_absent,
    encoded,
    null_where_absent,
    nulls,
    record_batch,
)
from logscrub.formats.sent import signal_column
from logscrub.formats.times import Times, event_times, json_times
from logscrub.schemas import signal_catalogue
from logscrub.signals import BETWEEN_VALUES, URL, Catalogue

EVENT_MAP = parse_field_map(
    """
    time=time address=ip host=host method=method path=path url=url status=status bytes=bytes
    duration_ms=duration_ms referrer=referrer user_agent=user_agent language=language connection=connection
    carrier=carrier cookie=cookie device_id=device_id session_id=session_id client_id=client_id
    user_id=user_id event=event
    ch_brands=sec_ch_ua ch_mobile=sec_ch_ua_mobile ch_platform=sec_ch_ua_platform
    ch_platform_version=sec_ch_ua_platform_version
    """
)
"""Fields of `schemas/event.schema.json` that are read beside signals; all others are never looked at."""

_PLAIN_NUMBER = r"\A-?\d{1,18}(?:\.\d{1,9})?\z"
_WITH_UNIT = r"\A(?P<number>\d{1,15}(?:\.\d{1,9})?)(?P<unit>ns|us|µs|ms|s)\z"
_UNITS = {"ns": 1e-3, "us": 1.0, "µs": 1.0, "ms": 1e3, "s": 1e6}
_URL_HOST = (
    r"\A[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(?P<host>\[[^\]/?#]*\]|[^/?#:]+)"  # RFC 3986 section 3
)
_CONNECTIONS = {1: "wired", 2: "wifi", **dict.fromkeys((3, 4, 5, 6, 7), "cellular")}  # OpenRTB 2.6, 5.22
_MAX_INTEGER = 1e18
_LONGEST_US = 86_400_000_000.0  # what took longer than a day is no time to serve


@dataclass(frozen=True)
class Cells:
    """Values of one slot for all rows: a string (of a dictionary) or a float64, or both null where absent."""

    text: pa.DictionaryArray
    number: pa.Array

    @property
    def empty(self) -> bool:
        """Whether no row has a value."""
        return bool(self.text.null_count == len(self.text) and self.number.null_count == len(self.number))


@dataclass(frozen=True)
class Values:
    """What was read of some lines.

    Attributes:
        lines: index of each line in its block.
        cells: for each slot of the map.
        doubt: strings, `unreadable` where an id of the line was given twice with different values.
    """

    lines: Int64Array
    cells: tuple[Cells, ...]
    doubt: pa.Array


def to_records(
    values: Values,
    fields: FieldMap,
    source_timezone: str | None = None,
    clean: Callable[[pa.Array], pa.Array] | None = None,
    catalogue: Catalogue | None = None,
) -> pa.RecordBatch:
    """Make `RECORDS` of the values of JSON lines.

    `path`, with `query` where it has none, wins over the target of `request`, and this over `url`, which
    also gives an absent host. Of ids and signals all count.

    Args:
        values: cells for each slot of the map.
        fields: the map.
        source_timezone: IANA name of the zone of times that are written without an offset; None reads
            RFC 3339 and epoch times only.
        clean: what undoes an encoding of the distinct strings of headers.
        catalogue: the signals that URLs may hold; by default those of schemas/signals.toml.
    """
    rows = len(values.lines)
    given: dict[str, list[Cells]] = {}
    for slot, cells in zip(fields.slots, values.cells, strict=True):
        if not cells.empty:
            given.setdefault(slot.field, []).append(cells)
    columns = {field: _given(_text(given[field])) for field in TEXT_FIELDS if field in given}
    if "user_agent" in given:
        columns["user_agent"] = _mapped(_text(given["user_agent"]), empty_where_absent)
    columns |= {field: _id_column(given[field]) for field in IDS if field in given}
    if clean:
        for field in {"referrer", "user_agent", "language"} & columns.keys():
            columns[field] = _mapped(_mapped(columns[field], clean), _ABSENT.get(field, null_where_absent))
    if hints := [(name, _text(given[name])) for name in HINTS.values() if name in given]:
        columns["client_hints"] = signal_column(hints)
    columns["signals"] = _signals(given, values.doubt, catalogue or signal_catalogue())
    columns |= _request(given, columns)
    if kind := _first(given.get("connection_type", [])):
        columns["connection"] = _connection(columns.get("connection"), kind)
    columns["duration"] = _duration(given, rows)
    time = _first(given.get("time", [])) or absent(rows)
    times = _times(time, source_timezone)
    status, size = (_integers(_first(given.get(field, [])) or absent(rows)) for field in ("status", "bytes"))
    problem = np.where((size < 0) & (times.problem < 0), np.int8(IMPOSSIBLE_SIZE), times.problem)
    columns["status"] = pa.array(status_numbers(status), pa.int16())
    columns["bytes"] = pa.array(np.maximum(size, 0), pa.int64())
    return record_batch(values.lines, columns | times_columns(Times(times.millis, problem)))


def absent(rows: int) -> Cells:
    """Make cells without a value."""
    return Cells(nulls(rows), pa.nulls(rows, pa.float64()))


def _times(cells: Cells, source_timezone: str | None) -> Times:
    """Read times; lines that follow each other mostly tell the same second, whose text is read once."""
    distinct = cells.text
    if cells.number.null_count < len(cells.number):
        return _read_times(distinct.cast(pa.string()), cells.number, source_timezone)
    read = _read_times(distinct.dictionary, pa.nulls(len(distinct.dictionary), pa.float64()), source_timezone)
    return Times(spread(distinct, read.millis, 0), spread(distinct, read.problem, NO_TIME))


def _read_times(text: pa.Array, number: pa.Array, source_timezone: str | None) -> Times:
    return json_times(text, number, source_timezone) if source_timezone else event_times(text, number)


def _first(candidates: Sequence[Cells]) -> Cells | None:
    """Of several cells of a row take the first that holds something; `-` and an empty string do not."""
    if len(candidates) < 2:  # noqa: PLR2004 - nothing to choose
        return candidates[0] if candidates else None
    text, number = _given(candidates[0].text).cast(pa.string()), candidates[0].number
    for other in candidates[1:]:
        taken = pc.or_(text.is_valid(), number.is_valid())
        text = pc.if_else(taken, text, _given(other.text).cast(pa.string()))
        number = pc.if_else(taken, number, other.number)
    return Cells(text.dictionary_encode(), number)


def _text(candidates: Sequence[Cells]) -> pa.DictionaryArray:
    if len(candidates) == 1:
        return candidates[0].text
    texts = [cells.text for cells in candidates]
    plain = [text.cast(pa.string()) for text in (*map(_given, texts), *texts)]
    return pc.coalesce(*plain).dictionary_encode()


def _given(text: pa.DictionaryArray) -> pa.DictionaryArray:
    """Null where it says that there is nothing."""
    return _mapped(text, null_where_absent)


def _id_column(candidates: Sequence[Cells]) -> pa.DictionaryArray:
    """All ids of each row: each joins by itself."""
    if len(candidates) == 1:
        return _given(candidates[0].text)
    texts = [_given(cells.text).cast(pa.string()) for cells in candidates]
    # Arrow's own way to skip nulls loses rows of nothing but nulls (pyarrow 25).
    marked = [pc.binary_join_element_wise(BETWEEN_VALUES, text, "").fill_null("") for text in texts]
    joined = pc.utf8_slice_codeunits(pc.binary_join_element_wise(*marked, ""), 1)
    return null_where_absent(joined).dictionary_encode()


def _mapped(column: pa.DictionaryArray, change: Callable[[pa.Array], pa.Array]) -> pa.DictionaryArray:
    return encoded(column.indices, change(column.dictionary))


_ABSENT = {"user_agent": empty_where_absent}
_URLS = (("path", "query", "url", "request"), ("referrer",))
"""Fields of which one becomes the target, and those of which one becomes the referrer."""


def _signals(given: dict[str, list[Cells]], doubt: pa.Array, catalogue: Catalogue) -> pa.DictionaryArray:
    """All signals that were sent; a doubt about whose record it is counts as a child's."""
    sent = [(field, cells.text) for field, found in given.items() if field not in KINDS for cells in found]
    for fields in _URLS:
        urls = [(field, cells.text) for field in fields for cells in given.get(field, [])]
        if len(urls) > 1:  # a single one is searched where it ends up
            sent += [(URL, _asking(field, text, catalogue)) for field, text in urls]
    if doubt.null_count < len(doubt):
        sent.append(("child", doubt))
    return signal_column(sent) if sent else nulls(len(doubt))


def _asking(field: str, text: pa.DictionaryArray, catalogue: Catalogue) -> pa.DictionaryArray:
    """Of URLs those that may hold a signal, null for the others."""
    whole = text.dictionary
    if field == "query":
        whole = pc.binary_join_element_wise("?", whole, "")
    if field == "request":
        whole = pc.replace_substring_regex(whole, access.PROTOCOL, "")
    found = pc.match_substring(whole, "=")
    if pc.any(found).as_py():
        found = pc.and_(found, pc.match_substring_regex(whole, catalogue.query_expression))
    return encoded(text.indices, pc.if_else(found, whole, pa.scalar(None, pa.string())))


def _request(given: dict[str, list[Cells]], columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """Method, target and host, each of the first field that gives it."""
    text = {field: _given(_text(given[field])) for field in ("path", "query", "url") if field in given}
    found: dict[str, list[pa.DictionaryArray]] = {"method": [], "target": [], "host": []}
    for field in ("method", "host"):
        if field in columns:
            found[field].append(columns[field])
    if "path" in text:
        found["target"].append(_with_query(text["path"], text.get("query")))
    if "request" in given:
        split = access.split_request(_text(given["request"]))
        for field in ("method", "target"):
            found[field].append(split[field])
    if "url" in text:
        found["target"].append(_with_query(text["url"], text.get("query")))
        found["host"].append(_mapped(text["url"], _url_hosts))
    return {field: _first_text(texts) for field, texts in found.items() if texts}


def _first_text(candidates: Sequence[pa.DictionaryArray]) -> pa.DictionaryArray:
    if len(candidates) == 1:
        return candidates[0]
    return pc.coalesce(*(text.cast(pa.string()) for text in candidates)).dictionary_encode()


def _with_query(path: pa.DictionaryArray, query: pa.DictionaryArray | None) -> pa.DictionaryArray:
    """Add the query that is logged beside a path, unless the path holds one."""
    if query is None:
        return path
    plain, asked_for = path.cast(pa.string()), query.cast(pa.string())
    asked = pc.and_(asked_for.is_valid(), pc.invert(pc.match_substring(plain, "?")))
    joined = pc.binary_join_element_wise(plain, pc.utf8_ltrim(asked_for, "?"), "?")
    return pc.if_else(pc.fill_null(asked, False), joined, plain).dictionary_encode()


def _url_hosts(distinct: pa.Array) -> pa.Array:
    parts = pc.extract_regex(distinct, _URL_HOST)
    return pc.if_else(parts.is_valid(), parts.field("host"), pa.scalar(None, pa.string()))


def _connection(named: pa.DictionaryArray | None, kind: Cells) -> pa.DictionaryArray:
    codes = pc.index_in(_numbers(kind), pa.array(list(_CONNECTIONS), pa.float64()))
    text = pa.array(list(_CONNECTIONS.values())).take(codes)
    return (text if named is None else pc.coalesce(named.cast(pa.string()), text)).dictionary_encode()


def _duration(given: dict[str, list[Cells]], rows: int) -> pa.Array:
    """Microseconds as int64; null where absent, negative or more than a day."""
    read = [_microseconds(cells, scale) for unit, scale in DURATIONS.items() for cells in given.get(unit, [])]
    return pc.coalesce(*read) if read else pa.nulls(rows, pa.int64())


def _microseconds(cells: Cells, scale: float) -> pa.Array:
    """Read numbers of one unit, or texts that name theirs (`0.12s`)."""
    micros = pc.multiply(_numbers(cells), scale)
    text = cells.text.cast(pa.string())
    if text.null_count < len(text):
        parts = pc.extract_regex(text, _WITH_UNIT)
        unit = pc.index_in(parts.field("unit"), pa.array(list(_UNITS)))
        number = pc.if_else(parts.is_valid(), parts.field("number"), None).cast(pa.float64())
        named = pc.multiply(number, pa.array(list(_UNITS.values())).take(unit))
        micros = pc.coalesce(micros, named)
    values = micros.fill_null(-1).to_numpy(zero_copy_only=False)
    possible = (values >= 0) & (values <= _LONGEST_US)
    return pa.array(np.rint(np.where(possible, values, 0)).astype(np.int64), mask=~possible)


def _integers(cells: Cells) -> Int64Array:
    """Numbers, truncated; 0 where absent or beyond 10^18."""
    numbers = _numbers(cells).fill_null(0).to_numpy(zero_copy_only=False)
    return np.where(np.abs(numbers) < _MAX_INTEGER, numbers, 0).astype(np.int64)


def _numbers(cells: Cells) -> pa.Array:
    """Numbers or texts of plain digits, as float64; null where absent."""
    values = cells.number
    if cells.text.null_count < len(cells.text):
        distinct = cells.text.dictionary
        plain = pc.match_substring_regex(distinct, _PLAIN_NUMBER)
        numbers = pc.if_else(plain, distinct, None).cast(pa.float64())
        values = pc.coalesce(values, numbers.take(cells.text.indices))
    return values
