"""Text formats as data: what a line is made of, and how it is read."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.formats import access, delimited, expressions, pattern
from logscrub.formats.access import DURATIONS, Captured
from logscrub.formats.delimited import Layout
from logscrub.formats.expressions import Part, Value
from logscrub.formats.records import Int64Array, Parsed, Reader, merge
from logscrub.formats.time_formats import CLF, Clock, joined
from logscrub.formats.times import Times, event_times
from logscrub.text.blocks import Block, sanitize

_NUMBERS = frozenset({"status", "bytes"})
_PLAIN_NUMBER = r"\A\d{1,12}(?:\.\d{1,9})?\z"


def read_any_time(distinct: pa.Array) -> Times:
    """Read times of RFC 3339 or numbers of the epoch (strings)."""
    return event_times(distinct.cast(pa.string()), pa.nulls(len(distinct), pa.float64()))


@dataclass(frozen=True)
class LineFormat:
    """A text format: the literal text and the values of its lines, in their order.

    Attributes:
        name: on the command line and in messages.
        parts: literal text (strings) and values. Of several values for one column the one of the lowest rank
            that is not null counts, the first of equal ranks; durations of one rank are added up, cookies are
            put together, and an opt-out that one value says is one.
        clock: how the values named `time` are written; None where it is RFC 3339 or an epoch.
        mark: what the text of a file must hold somewhere for the format to be tried; None tries it always.
        source_timezone: IANA name of the zone of times that are written without one.
    """

    name: str
    parts: tuple[Part, ...]
    clock: Clock | None = None
    mark: re.Pattern[bytes] | None = None
    source_timezone: str = "UTC"
    has_directives = False

    @cached_property
    def values(self) -> dict[str, Value]:
        """The captured values by the name of their group."""
        values = [part for part in self.parts if isinstance(part, Value)]
        names = pattern.name_groups([value.column for value in values])
        return {name: value for name, value in zip(names, values, strict=True) if name}

    @cached_property
    def layout(self) -> Layout | None:
        """The delimited plan, where the lines have quotes."""
        return expressions.layout(self.parts)

    @cached_property
    def expressions(self) -> tuple[str, ...]:
        """The pattern plan: RE2 for a whole line, from the strict to the most lenient."""
        return (expressions.strict(self.parts), *self._lenient)

    @cached_property
    def _lenient(self) -> tuple[str, ...]:
        return expressions.lenient(self.parts)

    @cached_property
    def fields(self) -> frozenset[str]:
        """Columns of `RECORDS` that its lines can carry."""
        names = {value.column for value in self.values.values()}
        timed = "time" in names and (self.clock is None or self.clock.is_complete)
        return access.fields_of(names - {"time"}, timed=timed)

    @property
    def signals(self) -> frozenset[str]:
        """Names of the signals that its lines have places for."""
        return access.signals_of(value.column for value in self.values.values())

    @property
    def is_plain(self) -> bool:
        """Whether URLs stand in a line as they do in its record: a query by itself has no question mark."""
        return all(value.column != "query" for value in self.values.values())

    @property
    def has_local_time(self) -> bool:
        """Whether its times are written without an offset, so that `source_timezone` matters."""
        return "time" in self.values and self.clock is not None and self.clock.is_local

    def reader(self) -> Reader:
        """The format itself: each line stands for itself."""
        return self

    def parse(self, block: Block) -> Parsed:
        """Parse a block: the delimited plan first, then the pattern plan for the lines that it refused."""
        data = sanitize(block.data)
        if self.layout is None:
            text, lines, blank, count = self._split(data)
            return self._parsed([], self.match(text, lines), blank, count)
        split = delimited.split(data, self.layout)
        found = [] if split.captured is None else [self._gathered(split.captured)]
        # What the strict expression fits, the delimited plan has taken.
        rest = self._match(split.refused, split.refused_lines, self._lenient)
        return self._parsed(found, rest, split.blank, split.lines)

    def match(self, text: pa.Array, lines: Int64Array) -> tuple[list[Captured], Int64Array]:
        """Match lines (strings) by the pattern plan alone: what was captured, and what fits nothing."""
        return self._match(text, lines, self.expressions)

    def _match(
        self, text: pa.Array, lines: Int64Array, expressions: tuple[str, ...]
    ) -> tuple[list[Captured], Int64Array]:
        matched, rejected = pattern.match(text, lines, expressions)
        found = [
            Captured(part.lines, None, {name: text.dictionary_encode() for name, text in part.text.items()})
            for part in matched
        ]
        return [self._gathered(captured) for captured in found], rejected

    @staticmethod
    def _split(data: memoryview | bytes) -> tuple[pa.Array, Int64Array, int, int]:
        text = pattern.split_lines(delimited.hide_returns(data))
        lines = np.arange(len(text), dtype=np.int64)
        blank = delimited.is_blank(text)
        return text.filter(pa.array(~blank)), lines[~blank], int(blank.sum()), len(text)

    @staticmethod
    def _parsed(
        found: list[Captured], rest: tuple[list[Captured], Int64Array], blank: int, lines: int
    ) -> Parsed:
        batches = [access.to_records(captured) for captured in [*found, *rest[0]]]
        return Parsed(merge(batches), np.sort(rest[1]), blank, lines)

    def _gathered(self, captured: Captured) -> Captured:
        """Make one value of each column of the groups of a match."""
        by_column: dict[str, list[str]] = {}
        for name, value in sorted(self.values.items(), key=lambda item: item[1].rank):
            if name in captured.columns:
                by_column.setdefault(value.column, []).append(name)
        columns = {column: self._column(captured, column, names) for column, names in by_column.items()}
        time = captured.time
        if "time" in by_column:
            names = [name for name in self.values if name in by_column["time"]]
            parts = [captured.columns[name] for name in names]
            time = parts[0] if len(parts) == 1 else joined([part.cast(pa.string()) for part in parts])
        columns.pop("time", None)
        return Captured(captured.lines, time, columns, self._read_time, captured.numbers)

    @cached_property
    def _read_time(self) -> Callable[[pa.Array], Times]:
        if self.clock is None:
            return read_any_time
        if self.clock.forms == (CLF,):
            return access.read_clf
        return replace(self.clock, source_timezone=self.source_timezone).read

    def _column(self, captured: Captured, column: str, names: list[str]) -> pa.DictionaryArray:
        given = [captured.columns[name] for name in names]
        if column == "cookie":
            return _cookies(given, [self.values[name].key for name in names])
        if column in DURATIONS:
            least = self.values[names[0]].rank
            given = [one for one, name in zip(given, names, strict=True) if self.values[name].rank == least]
            return given[0] if len(given) == 1 else _sum(given)
        one = given[0] if len(given) == 1 else _first(given)
        return _digits(one) if column in _NUMBERS else one


def _digits(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """Write a number that a line lacks as `-`."""
    values = pc.if_else(pc.equal(column.dictionary, ""), "-", column.dictionary)
    return pa.DictionaryArray.from_arrays(column.indices, values)


def _first(given: list[pa.DictionaryArray]) -> pa.DictionaryArray:
    """For each row the first text that is neither empty nor `-`."""
    texts = [column.cast(pa.string()) for column in given]
    whole = texts[-1]
    for text in reversed(texts[:-1]):
        whole = pc.if_else(pc.or_(pc.equal(text, "-"), pc.equal(text, "")), whole, text)
    return whole.dictionary_encode()


def _cookies(given: list[pa.DictionaryArray], names: list[str]) -> pa.DictionaryArray:
    """Make a Cookie header of the header itself (name "") and of cookies logged for themselves."""
    if len(given) == 1 and not names[0]:
        return given[0]
    pairs = [
        pc.binary_join_element_wise(name, column.cast(pa.string()), "=" if name else "")
        for name, column in zip(names, given, strict=True)
    ]
    return pc.binary_join_element_wise(*pairs, "; ").dictionary_encode()


def _sum(given: list[pa.DictionaryArray]) -> pa.DictionaryArray:
    """Add numbers up; where one of them is none, there is no sum."""
    total = pa.array(np.zeros(len(given[0])))
    for column in given:
        plain = pc.match_substring_regex(column.dictionary, _PLAIN_NUMBER)
        number = pc.if_else(plain, column.dictionary, None).cast(pa.float64())
        total = pc.add(total, number.take(column.indices))
    distinct = total.dictionary_encode()
    # Python, but only over distinct values: Arrow may write a float with an exponent.
    text = [f"{number:.6f}" for number in distinct.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(distinct.indices, pa.array(text, pa.string()))
