"""Times as logs write them to milliseconds of the epoch, whole columns at once."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.formats.records import IMPOSSIBLE_TIME, NO_TIME, BoolArray, Int64Array
from logscrub.formats.zones import to_utc

CLF_WIDTH = 26
CLF_PATTERN = r"\d{2}/[A-Za-z]{3}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4}"
"""RE2 expression for a time that has the shape of Apache's `%t`: `17/May/2015:10:05:03 +0000`."""

ByteMatrix = npt.NDArray[np.uint8]

_FIRST_MS = 631_152_000_000  # 1990-01-01: there was no web before
_MONTHS = b"jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH_KEYS = np.array([int.from_bytes(name, "big") for name in _MONTHS])
_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_RFC_WIDTH = 19
_RFC_REST = (
    r"\A(?:[.,](?P<fraction>\d+))? ?(?P<zone>[Zz]|(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2}))\z"
)
_LOCAL = r"\A\d{4}(?:-\d{2}-|/\d{2}/)\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?\z"
_NUMBER = r"\A-?\d{1,20}(?:\.\d{1,20})?\z"
_EPOCH_UNITS = ((1e11, 1e3), (1e14, 1.0), (1e17, 1e-3), (1e20, 1e-6))  # below this: milliseconds in one
_LAST_MS = 253_402_300_800_000  # year 10000


@dataclass(frozen=True)
class Times:
    """Milliseconds of the epoch, and the index of the problem, or -1, for each row."""

    millis: Int64Array
    problem: npt.NDArray[np.int8]

    def columns(self) -> dict[str, pa.Array]:
        """Give the columns `time` and `problem` of records."""
        return {
            "time": pa.array(self.millis, pa.int64(), mask=self.problem >= 0),
            "problem": pa.array(self.problem, pa.int8(), mask=self.problem < 0),
        }


def clf_shaped(text: ByteMatrix) -> BoolArray:
    """Tell which rows of 26 bytes have the shape of `CLF_PATTERN`, possible or not."""
    digits = _are_digits(text, (0, 1, 7, 8, 9, 10, 12, 13, 15, 16, 18, 19, 22, 23, 24, 25))
    letters = np.all((text[:, 3:6] | 0x20) - np.uint8(ord("a")) < len("abcdefghijklmnopqrstuvwxyz"), axis=1)
    sign = (text[:, 21] == ord("+")) | (text[:, 21] == ord("-"))
    marks = _have(text, {2: "/", 6: "/", 11: ":", 14: ":", 17: ":", 20: " "})
    result: BoolArray = digits & letters & sign & marks
    return result


def clf_times(text: ByteMatrix) -> Times:
    """Read times of Apache's and nginx's default form.

    Args:
        text: one row of 26 bytes for each time, all of them `clf_shaped`.

    Returns:
        A date that does not exist, or is before 1990, is `impossible_time`.
    """
    lower = (text[:, 3:6] | 0x20).astype(np.int64)
    key = (lower[:, 0] << 16) | (lower[:, 1] << 8) | lower[:, 2]
    known = key[:, None] == _MONTH_KEYS
    month = np.where(known.any(axis=1), known.argmax(axis=1) + 1, 0)
    seconds, valid = _civil_seconds(
        _number(text, 7, 4), month, _number(text, 0, 2), [_number(text, at, 2) for at in (12, 15, 18)]
    )
    offset, known_offset = _offset_seconds(
        text[:, 21] == ord("-"), _number(text, 22, 2), _number(text, 24, 2)
    )
    return _checked((seconds - offset) * 1000, valid & known_offset)


def event_times(text: pa.Array, number: pa.Array) -> Times:
    """Read the times of events.

    Args:
        text: strings: RFC 3339 section 5.6 (also with a space, a lower-case `t` or `z`, or an offset without
            colon), or the digits of an epoch time; null where none.
        number: float64 epoch times in seconds, milliseconds, micro- or nanoseconds, told by magnitude.

    Returns:
        Neither, or none that can be read, is `no_time`.
    """
    millis, problem = np.zeros(len(text), np.int64), np.full(len(text), NO_TIME, np.int8)
    numeric = pc.match_substring_regex(text, _NUMBER)
    # The expression lets only plain numbers through, so the cast has nothing to raise, or to quote.
    number = pc.coalesce(pc.if_else(numeric, text, None).cast(pa.float64()), number)
    values = number.fill_null(np.nan).to_numpy(zero_copy_only=False)
    for rows, times in (_rfc3339_times(text), _epoch_times(values)):
        millis[rows], problem[rows] = times.millis, times.problem
    return Times(millis, problem)


def json_times(text: pa.Array, number: pa.Array, source_timezone: str) -> Times:
    """Read the times of JSON logs.

    Args:
        text: strings as `event_times` reads them; or Apache's and nginx's default form; or the date and time
            of ISO 8601 without an offset, also with slashes; null where none.
        number: float64 epoch times.
        source_timezone: IANA name of the zone of times without an offset.

    Returns:
        Neither, or none that can be read, is `no_time`.
    """
    times = event_times(text, number)
    unread = np.flatnonzero((times.problem == NO_TIME) & text.is_valid().to_numpy(zero_copy_only=False))
    if len(unread):
        rest = text.take(pa.array(unread))
        for rows, read in (_clf_texts(rest), _local_texts(rest, source_timezone)):
            times.millis[unread[rows]], times.problem[unread[rows]] = read.millis, read.problem
    return times


def byte_rows(data: npt.NDArray[np.uint8], starts: Int64Array, width: int) -> ByteMatrix:
    """Copy `width` bytes from each of the given places of a buffer into the rows of a matrix."""
    if not len(starts):
        return np.zeros((0, width), np.uint8)
    windows = np.ndarray((len(data) - width + 1,), f"V{width}", data, strides=(1,))
    return windows[starts].view(np.uint8).reshape(len(starts), width)


def text_rows(text: pa.Array, width: int) -> tuple[Int64Array, ByteMatrix]:
    """Give the first bytes of all strings that have as many: the indexes of their rows, and the bytes."""
    _, offset_buffer, data = text.buffers()
    if data is None:
        return np.zeros(0, np.int64), np.zeros((0, width), np.uint8)
    offsets = np.frombuffer(offset_buffer, np.int32)[text.offset : text.offset + len(text) + 1].astype(
        np.int64
    )
    long = (np.diff(offsets) >= width) & text.is_valid().to_numpy(zero_copy_only=False)
    rows: Int64Array = np.flatnonzero(long)
    return rows, byte_rows(np.frombuffer(data, np.uint8), offsets[rows], width)


def _clf_texts(text: pa.Array) -> tuple[Int64Array, Times]:
    """Read those of the strings that have the shape of `CLF_PATTERN`; gives their rows too."""
    rows, head = text_rows(text, CLF_WIDTH)
    fitting = clf_shaped(head) & (pc.binary_length(text).to_numpy(zero_copy_only=False)[rows] == CLF_WIDTH)
    return rows[fitting], clf_times(head[fitting])


def _local_texts(text: pa.Array, source_timezone: str) -> tuple[Int64Array, Times]:
    """Read those of the strings that are a date and a time without an offset; gives their rows too."""
    fitting = np.flatnonzero(
        pc.match_substring_regex(text, _LOCAL).fill_null(False).to_numpy(zero_copy_only=False)
    )
    fraction = pc.utf8_slice_codeunits(text.take(pa.array(fitting)), _RFC_WIDTH + 1, _RFC_WIDTH + 4)
    millis: Int64Array = pc.utf8_rpad(fraction, 3, "0").cast(pa.int64()).to_numpy()
    _, head = text_rows(text.take(pa.array(fitting)), _RFC_WIDTH)
    seconds, valid = _civil_seconds(
        _number(head, 0, 4),
        _number(head, 5, 2),
        _number(head, 8, 2),
        [_number(head, at, 2) for at in (11, 14, 17)],
    )
    local = np.where(valid, seconds, 0) * 1000 + millis
    return fitting, _checked(to_utc(local, source_timezone), valid)


def _rfc3339_times(text: pa.Array) -> tuple[Int64Array, Times]:
    """Read those of the strings that have the shape of RFC 3339; gives their rows too."""
    rows, head = text_rows(text, _RFC_WIDTH)
    between = (head[:, 10] | 0x20 == ord("t")) | (head[:, 10] == ord(" "))
    shaped = between & _are_digits(head, (0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18))
    shaped &= _have(head, {4: "-", 7: "-", 13: ":", 16: ":"})
    rows, head = rows[shaped], head[shaped]
    rest = pc.utf8_slice_codeunits(text.take(pa.array(rows)), _RFC_WIDTH).dictionary_encode()
    fitting, fraction, offset, known_offset = _rest_of_times(rest)
    rows, head = rows[fitting], head[fitting]
    seconds, valid = _civil_seconds(
        _number(head, 0, 4),
        _number(head, 5, 2),
        _number(head, 8, 2),
        [_number(head, at, 2) for at in (11, 14, 17)],
    )
    return rows, _checked((seconds - offset) * 1000 + fraction, valid & known_offset)


def _rest_of_times(rest: pa.DictionaryArray) -> tuple[BoolArray, Int64Array, Int64Array, BoolArray]:
    """Read fraction and zone: which rows fit; of these the milliseconds, offset seconds, possible offset."""
    parts = pc.extract_regex(rest.dictionary, _RFC_REST)
    index: Int64Array = rest.indices.to_numpy(zero_copy_only=False)
    fitting = parts.is_valid().to_numpy(zero_copy_only=False)[index]
    index = index[fitting]

    def number(name: str, stop: int) -> Int64Array:
        digits = pc.utf8_slice_codeunits(parts.field(name).fill_null(""), 0, stop)
        padded = pc.utf8_rpad(digits, stop, "0")
        numbers: Int64Array = padded.cast(pa.int64()).to_numpy()
        taken: Int64Array = numbers[index]
        return taken

    negative = pc.equal(parts.field("sign"), "-").fill_null(False).to_numpy(zero_copy_only=False)[index]
    offset, known = _offset_seconds(negative, number("hours", 2), number("minutes", 2))
    return fitting, number("fraction", 3), offset, known


def _epoch_times(values: npt.NDArray[np.float64]) -> tuple[Int64Array, Times]:
    rows = np.flatnonzero(np.isfinite(values))
    values = values[rows]
    size = np.abs(values)
    millis = np.full(len(values), -1.0)
    for limit, scale in reversed(_EPOCH_UNITS):
        # A half microsecond undoes the error of binary fractions, which would truncate .123 to .122.
        with np.errstate(over="ignore"):
            millis = np.where(size < limit, np.floor(values * scale + 0.0005), millis)
    inside = (millis >= 0) & (millis < _LAST_MS)
    return rows, _checked(np.where(inside, millis, 0).astype(np.int64), inside)


def _checked(millis: Int64Array, valid: BoolArray) -> Times:
    possible = valid & (millis >= _FIRST_MS)
    return Times(np.where(possible, millis, 0), np.where(possible, -1, IMPOSSIBLE_TIME).astype(np.int8))


def _civil_seconds(
    year: Int64Array, month: Int64Array, day: Int64Array, clock: list[Int64Array]
) -> tuple[Int64Array, BoolArray]:
    """Seconds of the epoch of a civil time in UTC, and whether there is such a time.

    The days are counted as in H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
    A leap second, :60, is the second before it.
    """
    hour, minute, second = clock
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    days_in_month = _MONTH_DAYS[np.clip(month, 0, 12)] + (leap & _within(month, 2, 2))
    valid = _within(month, 1, 12) & _within(day, 1, days_in_month)
    valid &= _within(hour, 0, 23) & _within(minute, 0, 59) & _within(second, 0, 60)
    shifted = year - _within(month, 1, 2)  # years that begin in March end with the leap day
    era = shifted // 400
    year_of_era = shifted - era * 400
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days = era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468
    return ((days * 24 + hour) * 60 + minute) * 60 + np.minimum(second, 59), valid


def _offset_seconds(
    negative: BoolArray, hours: Int64Array, minutes: Int64Array
) -> tuple[Int64Array, BoolArray]:
    seconds = (hours * 60 + minutes) * 60
    return np.where(negative, -seconds, seconds), _within(hours, 0, 23) & _within(minutes, 0, 59)


def _within(values: Int64Array, first: int, last: int | Int64Array) -> BoolArray:
    return (values >= first) & (values <= last)


def _number(text: ByteMatrix, start: int, width: int) -> Int64Array:
    value = np.zeros(len(text), np.int64)
    for at in range(start, start + width):
        value = value * 10 + (text[:, at].astype(np.int64) - ord("0"))
    return value


def _are_digits(text: ByteMatrix, places: tuple[int, ...]) -> BoolArray:
    result: BoolArray = np.all(text[:, list(places)] - np.uint8(ord("0")) < len("0123456789"), axis=1)
    return result


def _have(text: ByteMatrix, marks: dict[int, str]) -> BoolArray:
    expected = np.frombuffer("".join(marks.values()).encode(), np.uint8)
    result: BoolArray = np.all(text[:, list(marks)] == expected, axis=1)
    return result
