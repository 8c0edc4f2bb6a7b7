"""Logs that name their fields: W3C extended, as IIS and CloudFront write it, and the HTTP log of Zeek.

W3C Working Draft WD-logfile-960323: a line `#Fields:` names the values of the lines after it, until the next
one; other directives are read as far as times need them.
"""

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.formats import separated
from logscrub.formats.access import Captured, fields_of, is_signal, signal_value, signals_of, to_records
from logscrub.formats.pattern import split_lines
from logscrub.formats.records import HINTS, BoolArray, Int64Array, Parsed, merge
from logscrub.formats.separated import Rows
from logscrub.formats.times import Times, event_times
from logscrub.formats.zones import to_utc
from logscrub.schemas import signal_catalogue
from logscrub.signals import Catalogue
from logscrub.text.blocks import Block, line_count, sanitize

# Name of a field, in lower case, to the value that it gives; of several that give one the first counts.
_FIELDS = {
    "c-ip": "address",
    "id.orig_h": "address",
    "x-forwarded-for": "forwarded",
    "cs(x-forwarded-for)": "forwarded",
    "cs(forwarded)": "forwarded",
    "cs(x-real-ip)": "forwarded",
    "cs(cf-connecting-ip)": "forwarded",
    "cs(true-client-ip)": "forwarded",
    "x-host-header": "host",  # what the viewer asked for; cs(Host) of CloudFront is its own domain
    "cs(host)": "host",
    "cs-host": "host",
    "host": "host",
    "cs-method": "method",
    "method": "method",
    "cs-uri-stem": "path",
    "cs-uri-query": "query",
    "cs-uri": "target",
    "uri": "target",
    "sc-status": "status",
    "status_code": "status",
    "sc-bytes": "bytes",
    "bytes": "bytes",
    "response_body_len": "bytes",
    "time-taken": "duration",
    "timetakenms": "duration",
    "cs(user-agent)": "user_agent",
    "cs-user-agent": "user_agent",
    "user_agent": "user_agent",
    "cs(referer)": "referrer",
    "cs(referrer)": "referrer",
    "referrer": "referrer",
    "cs(cookie)": "cookie",
    **{f"cs({header})": name for header, name in HINTS.items()},
    "cs(accept-language)": "language",
}
_TIMES = {
    "date": "date",
    "time": "clock",
    "date-local": "date",
    "time-local": "clock",
    "ts": "epoch",
    "timestamp": "epoch",
    "timestamp(ms)": "epoch",
}
_MOST_FIELDS = 1_000  # an expression for more of them is too large for RE2
_NEEDED = {"date", "clock", "epoch", "address", "path", "target"}
_ENCODED = ("user_agent", "referrer", "cookie", "language", "forwarded", "host", *HINTS.values())
_DIRECTIVE = re.compile(
    r"#\s*(?:(?P<fields>fields)\s*:?|(?P<date>(?:start-)?date)\s*:|(?P<offset>gmt-offset)\s*:)(?P<value>.*)",
    re.IGNORECASE | re.DOTALL,
)
_ISO_DAY = re.compile(r"\s*(\d{4}-\d{2}-\d{2})\b")
_OFFSET = re.compile(r"\s*([+-])(\d{2}):?(\d{2})\b")
_DIGITS = r"\A(?:\d{1,18}|-?)\z"


@dataclass(frozen=True)
class _Header:
    """What the directives so far say of the lines after them."""

    catalogue: Catalogue
    names: tuple[str, ...] = ()
    date: str | None = None
    offset_ms: int = 0

    @functools.cached_property
    def places(self) -> dict[str, int]:
        """Value to its place in a line."""
        places: dict[str, int] = {}
        if len(self.names) > _MOST_FIELDS:
            return places
        for known in (_FIELDS, _TIMES):
            for name, value in known.items():
                if name in self.names:
                    places.setdefault(value, self.names.index(name))
        for name, at in zip(self.names, range(len(self.names)), strict=True):
            signal = _signal_at(name, self.catalogue)
            if signal:
                places[signal_value(signal, f"{name}_{at}")] = at
        return places

    @property
    def fields(self) -> frozenset[str]:
        """Columns of `RECORDS` that the lines give."""
        places = self.places
        return _records_of(set(places) - set(_TIMES.values()), timed="epoch" in places or "clock" in places)

    @property
    def least(self) -> int:
        """Number of values that a line must have: it says when, who and what for, as far as any line does."""
        return 1 + max(place for value, place in self.places.items() if value in _NEEDED)

    @property
    def is_local(self) -> bool:
        """Whether times are of the clock of the server."""
        return "time-local" in self.names and "time" not in self.names

    def after(self, line: str) -> "_Header":
        """The header with what a line that begins with `#` says."""
        directive = _DIRECTIVE.fullmatch(line.strip())
        if directive is None:
            return self
        value = directive["value"]
        if directive["fields"]:
            return replace(self, names=tuple(value.lower().split()))
        if directive["offset"]:
            offset = _OFFSET.match(value)
            minutes = int(offset[2]) * 60 + int(offset[3]) if offset else 0
            return replace(self, offset_ms=(-1 if offset and offset[1] == "-" else 1) * minutes * 60_000)
        day = _ISO_DAY.match(value)
        return replace(self, date=day[1]) if day else self


def _signal_at(name: str, catalogue: Catalogue) -> str | None:
    """The signal that a field is, a request header or a column of its own."""
    header = name.removeprefix("cs(").removesuffix(")")
    return catalogue.header.get(header) or catalogue.field.get(name)


def _records_of(values: Iterable[str], *, timed: bool) -> frozenset[str]:
    names = {"duration": "duration_ms"}
    return fields_of((names.get(value, value) for value in values), timed=timed)


@dataclass(frozen=True)
class W3cExtended:
    """The format whose files name their fields."""

    name: str = "w3c"
    source_timezone: str = "UTC"
    catalogue: Catalogue = field(default_factory=signal_catalogue)

    mark = re.compile(rb"(?im)^(?:\xef\xbb\xbf)?#fields[:\s]")
    has_directives = True
    is_plain = False

    @property
    def fields(self) -> frozenset[str]:
        """Columns of `RECORDS` that its lines can carry."""
        return _records_of(_FIELDS.values(), timed=True) | {"signals"}

    @property
    def signals(self) -> frozenset[str]:
        """Names of the signals that its lines can have places for."""
        return frozenset((*self.catalogue.header.values(), *self.catalogue.field.values()))

    def reader(self) -> "W3cReader":
        """What reads one file, whose directives hold for the lines after them."""
        return W3cReader(self.source_timezone, _Header(self.catalogue))

    def parse(self, block: Block) -> Parsed:
        """Parse lines that stand at the beginning of a file."""
        return self.reader().parse(block)


@dataclass
class W3cReader:
    """Reads the blocks of one file in their order."""

    source_timezone: str
    _header: _Header
    _fields: frozenset[str] = frozenset()
    _signals: frozenset[str] = frozenset()

    @property
    def fields(self) -> frozenset[str]:
        """Columns of `RECORDS` that the lines under the headers so far can carry."""
        return self._fields

    @property
    def signals(self) -> frozenset[str]:
        """Names of the signals that those lines have places for."""
        return self._signals

    def parse(self, block: Block) -> Parsed:
        """Parse the lines of a block; directives and comments count as blank lines."""
        text = _lines(sanitize(block.data))
        first = pc.starts_with(text, "#").to_numpy(zero_copy_only=False)
        directives = np.flatnonzero(first)
        bounds = [0, *(directives + 1).tolist(), len(text)]
        batches, rejected, blank = [], [], len(directives)
        for at in range(len(bounds) - 1):
            stop = int(directives[at]) if at < len(directives) else bounds[at + 1]
            records, refused, empty = self._segment(text.slice(bounds[at], stop - bounds[at]), bounds[at])
            batches += records
            rejected.append(refused)
            blank += empty
            if at < len(directives):
                self._header = self._header.after(text[stop].as_py())
                self._fields |= self._header.fields
                self._signals |= signals_of(self._header.places)
        refused = np.sort(np.concatenate(rejected)).astype(np.int64)
        return Parsed(merge(batches), refused, blank, len(text))

    def _segment(self, text: pa.StringArray, offset: int) -> tuple[list[pa.RecordBatch], Int64Array, int]:
        """Records of lines under one header, the numbers of refused ones, and how many are blank."""
        if not len(text):
            return [], np.zeros(0, np.int64), 0
        empty = pc.equal(pc.ascii_trim(text, " \t"), "").to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(~empty)
        places = self._header.places
        if not _NEEDED & set(places):
            return [], rows + offset, int(empty.sum())
        held = text if len(rows) == len(text) else text.take(pa.array(rows))
        names = self._header.names
        found, refused = separated.split(held, len(names), sorted(set(places.values())), self._header.least)
        batches, unread = [], [rows[refused]]
        for part in found:
            captured, fits = self._captured(Rows(rows[part.lines] + offset, part.values), places)
            unread.append(rows[part.lines[~fits]])
            batches.append(to_records(captured))
        return batches, np.concatenate(unread) + offset, int(empty.sum())

    def _captured(self, rows: Rows, places: Mapping[str, int]) -> tuple[Captured, BoolArray]:
        """Values as the plans give them, and which rows have numbers where numbers belong."""
        values = {value: rows.values[place] for value, place in places.items()}
        fits = np.ones(len(rows.lines), dtype=bool)
        for name in {"status", "bytes"} & set(values):
            column = values[name]
            are_digits = pc.match_substring_regex(column.dictionary, _DIGITS)
            fits &= are_digits.to_numpy(zero_copy_only=False)[column.indices.to_numpy()]
            digits = pc.if_else(
                pc.and_(are_digits, pc.not_equal(column.dictionary, "")), column.dictionary, "-"
            )
            values[name] = pa.DictionaryArray.from_arrays(column.indices, digits)
        if not fits.all():
            values = {name: column.filter(pa.array(fits)) for name, column in values.items()}
        columns = {name: column for name, column in values.items() if name not in set(_TIMES.values())}
        for name in list(columns):
            if name in _ENCODED or is_signal(name):
                columns[name] = _decoded(columns[name], _percent_decoded if name == "host" else _header_value)
        if "duration" in columns:
            columns["duration_ms"] = _milliseconds(columns.pop("duration"))
        time, read = self._time(values)
        return Captured(rows.lines[fits], time, columns, read), fits

    def _time(
        self, values: Mapping[str, pa.DictionaryArray]
    ) -> tuple[pa.DictionaryArray | None, Callable[[pa.Array], Times]]:
        if "clock" not in values:
            return values.get("epoch"), _read_epoch
        clock = values["clock"]
        if "date" in values:
            day = values["date"].cast(pa.string())
            stamp = pc.binary_join_element_wise(day, clock.cast(pa.string()), "T").dictionary_encode()
        elif self._header.date:
            distinct = pc.binary_join_element_wise(self._header.date, clock.dictionary, "T")
            stamp = pa.DictionaryArray.from_arrays(clock.indices, distinct)
        else:
            return None, _read_epoch
        zone = self.source_timezone if self._header.is_local else "UTC"
        return stamp, functools.partial(_read_stamps, zone=zone, offset_ms=self._header.offset_ms)


def _lines(data: memoryview | bytes) -> pa.StringArray:
    """The lines of a block, without what ends them; a return inside a line is a space."""
    raw = bytes(data)
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n")
        raw = raw.replace(b"\r", b" ")
    text = split_lines(raw)
    if len(text) != line_count(raw):
        raise RuntimeError("lost count of the lines of a block")
    return text


def _read_stamps(distinct: pa.Array, *, zone: str, offset_ms: int) -> Times:
    """Times of a date, a `T` and a clock, of a zone or at a fixed offset."""
    utc = pc.binary_join_element_wise(distinct, "Z", "")
    times = event_times(utc, pa.nulls(len(utc), pa.float64()))
    return Times(to_utc(times.millis, zone) - offset_ms, times.problem)


def _read_epoch(distinct: pa.Array) -> Times:
    return event_times(distinct.cast(pa.string()), pa.nulls(len(distinct), pa.float64()))


def _decoded(column: pa.DictionaryArray, decode: Callable[[str], str]) -> pa.DictionaryArray:
    distinct = pa.array([decode(value) for value in column.dictionary.to_pylist()], pa.string())
    return pa.DictionaryArray.from_arrays(column.indices, distinct)


def _header_value(value: str) -> str:
    """A header as the client sent it: IIS writes `+` for a space, CloudFront escapes, some of it twice."""
    if " " not in value:
        value = value.replace("+", " ")
    for _ in range(2):
        if "%" in value:
            value = unquote(value, errors="replace")
    return value


def _percent_decoded(value: str) -> str:
    return unquote(value, errors="replace") if "%" in value else value


def _milliseconds(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """Time taken: IIS writes whole milliseconds, others seconds with a decimal point."""
    given = column.dictionary
    seconds = pc.match_substring_regex(given, r"\A\d{1,9}\.\d{1,9}\z")
    numbers = pc.multiply(pc.if_else(seconds, given, None).cast(pa.float64()), 1000)
    distinct = pa.array(
        [
            text if number is None else f"{number:.6f}"
            for text, number in zip(given.to_pylist(), numbers.to_pylist(), strict=True)
        ],
        pa.string(),
    )
    return pa.DictionaryArray.from_arrays(column.indices, distinct)


W3C = W3cExtended()
