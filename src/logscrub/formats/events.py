"""The fields of JSON-lines events: what each value means, alone and when a key is given twice."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.errors import LineReason
from logscrub.formats.access import status_numbers, times_columns
from logscrub.formats.records import IDS, Int64Array, null_where_absent, nulls, problem_code, record_batch
from logscrub.formats.times import Times, event_times

UNREADABLE = "unreadable"
"""Text of a signal that was sent but says nothing that can be read; it counts as a child's."""

Value = str | float | None


class Kind(StrEnum):
    """What a field of an event is for."""

    TEXT = "text"
    ID = "id"
    SIGNAL = "signal"
    NUMBER = "number"
    TIME = "time"


FIELDS = {
    "time": Kind.TIME,
    "ip": Kind.TEXT,
    "host": Kind.TEXT,
    "method": Kind.TEXT,
    "path": Kind.TEXT,
    "url": Kind.TEXT,
    "status": Kind.NUMBER,
    "bytes": Kind.NUMBER,
    "duration_ms": Kind.NUMBER,
    "referrer": Kind.TEXT,
    "user_agent": Kind.TEXT,
    "language": Kind.TEXT,
    "connection": Kind.TEXT,
    "carrier": Kind.TEXT,
    **dict.fromkeys(IDS, Kind.ID),
    "age": Kind.SIGNAL,
    "birth_date": Kind.SIGNAL,
    "child": Kind.SIGNAL,
    "coppa": Kind.SIGNAL,
    "opt_out": Kind.SIGNAL,
    "event": Kind.TEXT,
}
"""Fields of `schemas/event.schema.json` that are read; all others are never looked at."""

_SAME_NAME = (
    "host",
    "method",
    "referrer",
    "user_agent",
    "language",
    "connection",
    "carrier",
    "event",
    *IDS,
    "age",
    "birth_date",
    "child",
    "coppa",
)
_COLUMNS = {"ip": "address", **{name: name for name in (*_SAME_NAME, "opt_out")}}
_JOINING = (*IDS, "ip", "user_agent")
_TRUE, _FALSE = {"true", "1", "1.0", "yes", "on"}, {"false", "0", "0.0", "no", "off"}
_AGE = re.compile(r"\d{1,3}(?:\.\d*)?")
_ADULT_AGE, _OLDEST = 13, 120  # 16 CFR 312.2
_FIRST_YEAR = 1900
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_PLAIN_NUMBER = r"\A-?\d{1,18}(?:\.\d{1,9})?\z"
_URL_HOST = (
    r"\A[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(?P<host>\[[^\]/?#]*\]|[^/?#:]+)"  # RFC 3986 section 3
)
_MAX_INTEGER = 1e18
_LONGEST_MS = 86_400_000.0  # what took longer than a day is no time to serve
_IMPOSSIBLE_SIZE = problem_code(LineReason.IMPOSSIBLE_SIZE)


@dataclass(frozen=True)
class Cells:
    """Values of one field for all rows: a string or a float64, or both null where absent."""

    text: pa.Array
    number: pa.Array


def number_text(value: float) -> str:
    """Text of a JSON number in a signal: the shortest that reads as the same double."""
    return repr(value + 0.0)  # no negative zero


def canonical(kind: Kind, value: Any) -> Value:
    """Give what one JSON value stands for in a field of a kind; None where it counts as absent."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if value is None or kind is Kind.TEXT:
        return None
    if isinstance(value, bool):
        return str(value).lower() if kind is Kind.SIGNAL else None
    if not isinstance(value, int | float):
        return UNREADABLE if kind is Kind.SIGNAL else None
    if kind is Kind.ID:
        return str(value) if isinstance(value, int) else number_text(value)
    number = _double(value)
    return number_text(number) if kind is Kind.SIGNAL else number


def resolve(pairs: list[tuple[str, Any]]) -> dict[str, Value]:
    """Give one value for each known field of a JSON object, whose keys may repeat.

    The last value counts, as in most readers of JSON, but never hides a person: of several signals the most
    child-like counts; and when an id, an address or a user agent is given with different values, only one
    can join the record to its person, so `child` becomes unreadable, which counts as a child.
    """
    given: dict[str, list[Value]] = {}
    for name, value in pairs:
        if (kind := FIELDS.get(name)) and (found := canonical(kind, value)) is not None:
            given.setdefault(name, []).append(found)
    result = {name: values[-1] for name, values in given.items()}
    for name, most_child_like in _SIGNAL_ORDER.items():
        if len(given.get(name, ())) > 1:
            result[name] = most_child_like(sorted({str(value) for value in given[name]}))
    if any(len(set(given.get(name, ()))) > 1 for name in _JOINING):
        result["child"] = _flag([str(result.get("child", UNREADABLE)), UNREADABLE])
    return result


def to_records(lines: Int64Array, cells: Mapping[str, Cells]) -> pa.RecordBatch:
    """Make `RECORDS` of the fields of events; `path` wins over `url`, which also gives an absent host."""
    rows = len(lines)
    columns = {
        column: _text_column(cells[field].text, keep_empty=FIELDS[field] is not Kind.TEXT)
        for field, column in _COLUMNS.items()
    }
    url = null_where_absent(cells["url"].text)
    if url.null_count < rows:
        columns["target"] = pc.coalesce(null_where_absent(cells["path"].text), url).dictionary_encode()
        host = pc.coalesce(null_where_absent(cells["host"].text), _url_hosts(url))
        columns["host"] = host.dictionary_encode()
    else:
        columns["target"] = _text_column(cells["path"].text, keep_empty=False)
    times = event_times(cells["time"].text, cells["time"].number)
    status, size = _integers(cells["status"]), _integers(cells["bytes"])
    columns["duration"] = _microseconds(cells["duration_ms"])
    problem = np.where((size < 0) & (times.problem < 0), np.int8(_IMPOSSIBLE_SIZE), times.problem)
    columns["status"] = pa.array(status_numbers(status), pa.int16())
    columns["bytes"] = pa.array(np.maximum(size, 0), pa.int64())
    return record_batch(lines, columns | times_columns(Times(times.millis, problem)))


def _text_column(text: pa.Array, *, keep_empty: bool) -> pa.DictionaryArray:
    if text.null_count == len(text):
        return nulls(len(text))
    column = text.dictionary_encode()
    if keep_empty:  # what an empty id or signal means is for privacy to say
        return column
    values = null_where_absent(column.dictionary)
    return column if not values.null_count else pc.take(values, column.indices).dictionary_encode()


def _url_hosts(url: pa.Array) -> pa.Array:
    distinct = url.dictionary_encode()
    parts = pc.extract_regex(distinct.dictionary, _URL_HOST)
    hosts = pc.if_else(parts.is_valid(), parts.field("host"), pa.scalar(None, pa.string()))
    return hosts.take(distinct.indices)


def _microseconds(cells: Cells) -> pa.Array:
    """Milliseconds as int64 microseconds; null where absent, negative or more than a day."""
    millis = _numbers(cells).fill_null(-1).to_numpy(zero_copy_only=False)
    possible = (millis >= 0) & (millis <= _LONGEST_MS)
    return pa.array(np.rint(np.where(possible, millis, 0) * 1000).astype(np.int64), mask=~possible)


def _integers(cells: Cells) -> Int64Array:
    """Numbers, truncated; 0 where absent or beyond 10^18."""
    numbers = _numbers(cells).fill_null(0).to_numpy(zero_copy_only=False)
    return np.where(np.abs(numbers) < _MAX_INTEGER, numbers, 0).astype(np.int64)


def _numbers(cells: Cells) -> pa.Array:
    """Numbers or texts of plain digits, as float64; null where absent."""
    values = cells.number
    if cells.text.null_count < len(cells.text):
        plain = pc.match_substring_regex(cells.text, _PLAIN_NUMBER)
        values = pc.coalesce(values, pc.if_else(plain, cells.text, None).cast(pa.float64()))
    return values


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _flag(values: list[str]) -> str:
    """Of several values of a flag: true before doubt before false."""
    plain = {value.strip().lower() for value in values}
    if said := plain.intersection(_TRUE):
        return min(said)
    return values[0] if len(plain) == 1 or plain.issubset(_FALSE) else UNREADABLE


def _age(values: list[str]) -> str:
    """Of several ages: the lowest under 13, before text such as a band, before the lowest of the others."""
    numbers = {text: float(text) for text in values if _AGE.fullmatch(text) and float(text) <= _OLDEST}
    others = [text for text in values if text not in numbers]
    lowest = min(numbers, key=lambda text: numbers[text], default=None)
    if lowest is not None and (not others or numbers[lowest] < _ADULT_AGE):
        return lowest
    return others[0] if len(others) == 1 else UNREADABLE


def _birth_date(values: list[str]) -> str:
    """Of several birth dates: the latest; only whole dates of ISO 8601 can be put in order."""
    return max(values) if len(values) == 1 or all(map(_is_birth_date, values)) else UNREADABLE


def _is_birth_date(text: str) -> bool:
    try:
        return bool(_ISO_DATE.fullmatch(text)) and date.fromisoformat(text).year >= _FIRST_YEAR
    except ValueError:
        return False


_SIGNAL_ORDER: dict[str, Callable[[list[str]], str]] = {
    "age": _age,
    "birth_date": _birth_date,
    "child": _flag,
    "coppa": _flag,
    "opt_out": _flag,
}
