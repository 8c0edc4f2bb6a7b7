"""Captured values of an access log to records: what the plans for text formats have in common."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.errors import LineReason
from logscrub.formats.records import (
    Int64Array,
    encoded,
    null_where_absent,
    problem_code,
    record_batch,
)
from logscrub.formats.times import CLF_WIDTH, Times, clf_times, text_rows

_METHOD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110 section 5.6.2
_REQUESTS = (
    rf"\A(?P<method>{_METHOD}) (?P<target>[^ ]+) HTTP/\d(?:\.\d)?\z",  # nearly all, and cheap
    rf"(?s)\A(?P<method>{_METHOD}) +(?P<target>[^ ].*?) +HTTP/\d(?:\.\d)?\z",
    r"\A(?P<method>GET) +(?P<target>(?:/|https?://)[^ ]*)\z",  # HTTP/0.9, RFC 1945 section 4.1
)
_ESCAPE = re.compile(rb'\\(?:x([0-9A-Fa-f]{2})|(["\\bfnrtv]))')
_ESCAPED = dict(zip(b'"\\bfnrtv', (b'"', b"\\", b"\b", b"\f", b"\n", b"\r", b"\t", b"\v"), strict=True))
_IMPOSSIBLE_SIZE = problem_code(LineReason.IMPOSSIBLE_SIZE)
_STATUS_FIRST, _STATUS_AFTER = 100, 600


@dataclass(frozen=True)
class Captured:
    """Values of the lines that fit, as they stand in the log.

    Attributes:
        lines: index in the block of the line of each row.
        time: dictionary of bytes, shaped as `times.CLF_PATTERN`; distinct values that no row has may be not.
        columns: `address`, `host`, `request`, `status`, `bytes`, `referrer`, `user_agent`, as far as the
            format has them: dictionaries of strings whose values may repeat; status and bytes are digits
            that fit an int64, or `-`.
    """

    lines: Int64Array
    time: pa.DictionaryArray
    columns: Mapping[str, pa.DictionaryArray]


def to_records(captured: Captured) -> pa.RecordBatch:
    """Make `RECORDS` of captured values: unescaped, `-` null, the request split, times read."""
    given = captured.columns
    columns: dict[str, pa.Array] = {}
    for name in ("address", "host"):
        if name in given:
            columns[name] = encoded(given[name].indices, null_where_absent(given[name].dictionary))
    for name in ("referrer", "user_agent"):
        if name in given:
            columns[name] = encoded(given[name].indices, null_where_absent(_unescape(given[name].dictionary)))
    times = _times(captured.time)
    if "request" in given:
        columns |= _split_request(given["request"])
    if "status" in given:
        columns["status"] = pa.array(_status(given["status"]), pa.int16())
    if "bytes" in given:
        size = _integers(given["bytes"])
        columns["bytes"] = pa.array(np.maximum(size, 0), pa.int64())
        problem = np.where((size < 0) & (times.problem < 0), np.int8(_IMPOSSIBLE_SIZE), times.problem)
        times = Times(times.millis, problem)
    return record_batch(captured.lines, columns | times_columns(times))


def _times(column: pa.DictionaryArray) -> Times:
    """Read the distinct times: lines of one second share theirs."""
    known, text = text_rows(column.dictionary, CLF_WIDTH)
    distinct = clf_times(text)
    millis, problem = np.zeros(len(column.dictionary), np.int64), np.zeros(len(column.dictionary), np.int8)
    millis[known], problem[known] = distinct.millis, distinct.problem
    rows = column.indices.to_numpy()
    return Times(millis[rows], problem[rows])


def times_columns(times: Times) -> dict[str, pa.Array]:
    """Give the columns `time` (null only where the time itself is the problem) and `problem`."""
    columns = times.columns()
    timed = (times.problem < 0) | (times.problem == _IMPOSSIBLE_SIZE)
    return columns | {"time": pa.array(times.millis, pa.int64(), mask=~timed)}


def status_numbers(values: Int64Array) -> Int64Array:
    """Keep the numbers that RFC 9110 section 15 calls status codes, 100 to 599; others become 0."""
    return np.where((values >= _STATUS_FIRST) & (values < _STATUS_AFTER), values, 0)


def _status(column: pa.DictionaryArray) -> Int64Array:
    return status_numbers(_integers(column))


def _integers(column: pa.DictionaryArray) -> Int64Array:
    """Numbers of a column of digits; `-` is 0, and so are the null values that no row refers to."""
    digits = pc.if_else(pc.equal(column.dictionary, "-"), "0", column.dictionary)
    numbers: Int64Array = digits.fill_null("0").cast(pa.int64()).to_numpy()
    rows: Int64Array = column.indices.to_numpy()
    return numbers[rows]


def _split_request(request: pa.DictionaryArray) -> dict[str, pa.Array]:
    """Split request lines into `method` and `target`; both are null where a request is no request line."""
    rest = _unescape(request.dictionary)
    found = {name: pa.nulls(len(rest), pa.string()) for name in ("method", "target")}
    for expression in _REQUESTS:
        parts = pc.extract_regex(rest, expression)
        found = {name: pc.coalesce(values, _group(parts, name)) for name, values in found.items()}
        rest = pc.if_else(parts.is_valid(), pa.scalar(None, pa.string()), rest)
        if rest.null_count == len(rest):
            break
    return {name: encoded(request.indices, values) for name, values in found.items()}


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
