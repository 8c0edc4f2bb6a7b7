"""Captured values of an access log to records: what the plans for text formats have in common."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.formats.records import (
    HINTS,
    IDS,
    IMPOSSIBLE_SIZE,
    NO_TIME,
    Int64Array,
    empty_where_absent,
    encoded,
    null_where_absent,
    record_batch,
)
from logscrub.formats.sent import signal_column
from logscrub.formats.times import CLF_WIDTH, Times, clf_times, text_rows
from logscrub.signals import URL

_METHOD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110 section 5.6.2
_REQUESTS = (
    rf"\A(?P<method>{_METHOD}) (?P<target>[^ ]+) HTTP/\d(?:\.\d)?\z",  # nearly all, and cheap
    rf"(?s)\A(?P<method>{_METHOD}) +(?P<target>[^ ].*?) +HTTP/\d(?:\.\d)?\z",
    r"\A(?P<method>GET) +(?P<target>(?:/|https?://)[^ ]*)\z",  # HTTP/0.9, RFC 1945 section 4.1
)
PROTOCOL = r" +HTTP/\d(?:\.\d)?\z"
"""RE2 for the end of a request line."""

_ESCAPE = re.compile(rb'\\(?:x([0-9A-Fa-f]{2})|(["\\bfnrtv]))')
_ESCAPED = dict(zip(b'"\\bfnrtv', (b'"', b"\\", b"\b", b"\f", b"\n", b"\r", b"\t", b"\v"), strict=True))
_PLAIN_NUMBER = r"\A\d{1,15}(?:\.\d{1,9})?\z"
_LONGEST_US = 86_400_000_000.0  # what took longer than a day is no time to serve
_STATUS_FIRST, _STATUS_AFTER = 100, 600


TEXTS = ("address", "forwarded", "host", "language", "connection", "carrier", *IDS)
"""Values that are columns of `RECORDS` as they stand."""

HEADERS = (
    *("referrer", "user_agent", "request", "method", "target", "path", "query", "cookie"),
    *HINTS.values(),
)
"""Values that servers escape, and that need more than to be taken over."""

_SIGNAL, _AT = "signal__", "__at__"


DURATIONS = {"duration_s": 1e6, "duration_ms": 1e3, "duration_us": 1.0, "duration_ns": 1e-3}
"""Values that say how long it took, and microseconds in one of their units."""

ReadTimes = Callable[[pa.Array], Times]
"""Reads distinct texts (strings) as times, one for each."""


@dataclass(frozen=True)
class Captured:
    """Values of the lines that fit, as they stand in the log.

    Attributes:
        lines: index in the block of the line of each row.
        time: dictionary of strings or bytes; None where the format has no time.
        columns: dictionaries of strings, whose values may repeat: any of `TEXTS`, `HEADERS`, `DURATIONS`
            and signals, `status` and `bytes`. Status and bytes are digits that fit an int64, or `-`.
        read_time: reads the distinct values of `time`; those that no row has may have any form.
        numbers: `status` and `bytes` where they were read as numbers, 0 for none.
    """

    lines: Int64Array
    time: pa.DictionaryArray | None
    columns: Mapping[str, pa.DictionaryArray]
    read_time: ReadTimes | None = None
    numbers: Mapping[str, Int64Array] = field(default_factory=dict)


def to_records(captured: Captured) -> pa.RecordBatch:
    """Make `RECORDS` of captured values: unescaped, `-` null, the request split, times and numbers read."""
    given = captured.columns
    columns: dict[str, pa.Array] = {}
    for name in TEXTS:
        if name in given:
            columns[name] = _text(given[name], escaped=name not in {"address", "host"})
    for name in ("referrer", "cookie"):
        if name in given:
            columns[name] = _text(given[name], escaped=True)
    if "user_agent" in given:
        columns["user_agent"] = _agent(given["user_agent"])
    if hints := [(name, _text(given[name], escaped=True)) for name in HINTS.values() if name in given]:
        columns["client_hints"] = signal_column(hints)
    columns |= _request_columns(given)
    sent = [
        (name_of_signal(name), _text(given[name], escaped=True)) for name in sorted(given) if is_signal(name)
    ]
    sent += _other_urls(given, columns)
    if sent:
        columns["signals"] = signal_column(sent)
    columns |= _duration_column(given)
    times = _times(captured)
    numbers = {name: _integers(given[name]) for name in ("status", "bytes") if name in given}
    numbers |= captured.numbers
    if "status" in numbers:
        columns["status"] = pa.array(status_numbers(numbers["status"]), pa.int16())
    if "bytes" in numbers:
        size = numbers["bytes"]
        columns["bytes"] = pa.array(np.maximum(size, 0), pa.int64())
        problem = np.where((size < 0) & (times.problem < 0), np.int8(IMPOSSIBLE_SIZE), times.problem)
        times = Times(times.millis, problem)
    return record_batch(captured.lines, columns | times_columns(times))


def fields_of(names: Iterable[str], *, timed: bool) -> frozenset[str]:
    """Columns of `RECORDS` that values of these names give."""
    fields = {"time"} if timed else set()
    for name in names:
        fields |= {"signals"} if is_signal(name) else set(_GIVES.get(name, (name,)))
    return frozenset(fields)


def signals_of(names: Iterable[str]) -> frozenset[str]:
    """Names of the signals that values of these names are."""
    return frozenset(name_of_signal(name) for name in names if is_signal(name))


def signal_value(name: str, place: str) -> str:
    """Name of a value that is a signal: the signal, and what the log calls it; a group may be named so."""
    return f"{_SIGNAL}{name}{_AT}{re.sub(r'[^0-9A-Za-z_]', '_', place)}"


def is_signal(name: str) -> bool:
    """Whether a value of that name is a signal."""
    return name.startswith(_SIGNAL)


def name_of_signal(name: str) -> str:
    """Name of the signal that a value is."""
    return name.removeprefix(_SIGNAL).partition(_AT)[0]


_GIVES = {
    **dict.fromkeys(HINTS.values(), ("client_hints",)),
    "request": ("method", "target"),
    "path": ("target",),
    "query": ("target",),
    **dict.fromkeys(DURATIONS, ("duration",)),
}


def _text(column: pa.DictionaryArray, *, escaped: bool) -> pa.DictionaryArray:
    values = _unescape(column.dictionary) if escaped else column.dictionary
    return encoded(column.indices, null_where_absent(values))


def _agent(column: pa.DictionaryArray) -> pa.DictionaryArray:
    # A line that ends before its agent does not say that none was sent.
    values = pc.if_else(pc.equal(column.dictionary, ""), pa.scalar(None, pa.string()), column.dictionary)
    return encoded(column.indices, empty_where_absent(_unescape(values)))


def _request_columns(given: Mapping[str, pa.DictionaryArray]) -> dict[str, pa.Array]:
    """Method and target: of the request line where there is one, else of their own values."""
    columns = split_request(given["request"]) if "request" in given else {}
    apart = {name: _text(given[name], escaped=True) for name in ("method", "target") if name in given}
    if "path" in given and "target" not in apart:
        apart["target"] = _target(given)
    for name, column in apart.items():
        known = columns.get(name)
        columns[name] = (
            column
            if known is None
            else pc.coalesce(known.cast(pa.string()), column.cast(pa.string())).dictionary_encode()
        )
    return columns


def _other_urls(
    given: Mapping[str, pa.DictionaryArray], columns: Mapping[str, pa.Array]
) -> list[tuple[str, pa.Array]]:
    """What may hold a query and is in no column: requests that cannot be split, a query without a path."""
    found = []
    if "request" in given:
        request = given["request"]
        whole = pc.match_substring(request.dictionary, "=").fill_null(False)
        asked = pc.if_else(whole, _unescape(request.dictionary), pa.scalar(None, pa.string()))
        asked = pc.replace_substring_regex(asked, PROTOCOL, "")
        if asked.null_count < len(asked):
            left = pc.if_else(columns["target"].is_null(), asked.take(request.indices), None)
            found.append((URL, left.cast(pa.string())))
    if "query" in given and ("path" not in given or "target" in given):
        query = _text(given["query"], escaped=True)
        marked = pc.binary_join_element_wise("?", query.dictionary, "")
        found.append((URL, marked.take(query.indices)))
    return found


def _target(given: Mapping[str, pa.DictionaryArray]) -> pa.DictionaryArray:
    """The path with its query, which logs write with a question mark or without."""
    path = _text(given["path"], escaped=True)
    if "query" not in given:
        return path
    query = _text(given["query"], escaped=True)
    asked = pc.binary_join_element_wise("?", pc.utf8_ltrim(query.dictionary, "?"), "")
    distinct = pa.concat_arrays([pa.array([""]), asked])
    place = pc.add(query.indices, 1).fill_null(0)
    joined = pc.binary_join_element_wise(path.cast(pa.string()), distinct.take(place), "")
    return joined.dictionary_encode()


def _duration_column(given: Mapping[str, pa.DictionaryArray]) -> dict[str, pa.Array]:
    """Microseconds, null where none is logged or it took more than a day."""
    for name, unit in DURATIONS.items():
        if name in given:
            column = given[name]
            plain = pc.match_substring_regex(column.dictionary, _PLAIN_NUMBER).fill_null(False)
            numbers = pc.if_else(plain, column.dictionary, None).cast(pa.float64())
            micros = pc.multiply(numbers, unit).fill_null(-1).to_numpy(zero_copy_only=False)
            known = (micros >= 0) & (micros <= _LONGEST_US)
            distinct = pa.array(np.rint(np.where(known, micros, 0)).astype(np.int64), mask=~known)
            return {"duration": distinct.take(column.indices)}
    return {}


def _times(captured: Captured) -> Times:
    """Read the distinct times: lines of one second share theirs."""
    if captured.time is None or captured.read_time is None:
        rows = len(captured.lines)
        return Times(np.zeros(rows, np.int64), np.full(rows, NO_TIME, np.int8))
    distinct = captured.read_time(captured.time.dictionary)
    rows = captured.time.indices.to_numpy()
    return Times(distinct.millis[rows], distinct.problem[rows])


def read_clf(distinct: pa.Array) -> Times:
    """Read times shaped as `times.CLF_PATTERN` (strings or bytes); others have no meaning."""
    known, text = text_rows(distinct, CLF_WIDTH)
    times = clf_times(text)
    millis, problem = np.zeros(len(distinct), np.int64), np.zeros(len(distinct), np.int8)
    millis[known], problem[known] = times.millis, times.problem
    return Times(millis, problem)


def times_columns(times: Times) -> dict[str, pa.Array]:
    """Give the columns `time` (null only where the time itself is the problem) and `problem`."""
    columns = times.columns()
    timed = (times.problem < 0) | (times.problem == IMPOSSIBLE_SIZE)
    return columns | {"time": pa.array(times.millis, pa.int64(), mask=~timed)}


def status_numbers(values: Int64Array) -> Int64Array:
    """Keep the numbers that RFC 9110 section 15 calls status codes, 100 to 599; others become 0."""
    return np.where((values >= _STATUS_FIRST) & (values < _STATUS_AFTER), values, 0)


def _integers(column: pa.DictionaryArray) -> Int64Array:
    """Numbers of a column of digits; `-` is 0, and so are the null values that no row refers to."""
    digits = pc.if_else(pc.equal(column.dictionary, "-"), "0", column.dictionary)
    numbers: Int64Array = digits.fill_null("0").cast(pa.int64()).to_numpy()
    rows: Int64Array = column.indices.to_numpy()
    return numbers[rows]


def split_request(request: pa.DictionaryArray) -> dict[str, pa.Array]:
    """Split request lines into `method` and `target`; both are null where a request is no request line."""
    rest = _unescape(request.dictionary)
    found = {name: pa.nulls(len(rest), pa.string()) for name in ("method", "target")}
    for expression in _REQUESTS:
        parts = pc.extract_regex(rest, expression)
        found = {name: pc.coalesce(values, _group(parts, name)) for name, values in found.items()}
        rest = pc.if_else(parts.is_valid(), pa.scalar(None, pa.string()), rest)
        if rest.null_count == len(rest):
            break
    return {name: encoded(request.indices, null_where_absent(values)) for name, values in found.items()}


def _group(parts: pa.StructArray, name: str) -> pa.Array:
    """Give a group of a match, null where there was no match."""
    return pc.if_else(parts.is_valid(), parts.field(name), pa.scalar(None, pa.string()))


def _unescape(values: pa.Array) -> pa.Array:
    r"""Undo the escapes of Apache (`\"`, `\\`, `\t`, `\xhh` …) and nginx (`\xhh`) in distinct strings."""
    rows = np.flatnonzero(pc.match_substring(values, "\\").to_numpy(zero_copy_only=False))
    if not len(rows):
        return values
    # Python, but only over the distinct values that hold a backslash.
    plain = [_ESCAPE.sub(_escaped_byte, value.encode()) for value in values.take(pa.array(rows)).to_pylist()]
    mask = np.zeros(len(values), bool)
    mask[rows] = True
    repaired = pa.array([value.decode("utf-8", "replace") for value in plain], pa.string())
    return pc.replace_with_mask(values, pa.array(mask), repaired)


def _escaped_byte(match: re.Match[bytes]) -> bytes:
    code, letter = match.groups()
    return bytes([int(code, 16)]) if code else _ESCAPED[letter[0]]
