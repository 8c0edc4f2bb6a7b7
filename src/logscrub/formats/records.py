"""What every format makes of a block: one table of raw columns, and which lines did not fit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.columns import numbered
from logscrub.errors import LineReason
from logscrub.text.blocks import Block

TEXT = pa.dictionary(pa.int32(), pa.string())
IDS = ("device_id", "session_id", "client_id", "user_id")
HINTS = {
    "sec-ch-ua": "ch_brands",
    "sec-ch-ua-mobile": "ch_mobile",
    "sec-ch-ua-platform": "ch_platform",
    "sec-ch-ua-platform-version": "ch_platform_version",
}
"""Request headers that are client hints, and the names of their values."""

RECORDS = pa.schema(
    [
        pa.field("line", pa.int64(), nullable=False),
        pa.field("time", pa.int64()),
        pa.field("problem", pa.int8()),
        pa.field("address", TEXT),
        pa.field("forwarded", TEXT),
        pa.field("host", TEXT),
        pa.field("method", TEXT),
        pa.field("target", TEXT),
        pa.field("status", pa.int16(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),
        pa.field("duration", pa.int64()),
        pa.field("referrer", TEXT),
        pa.field("user_agent", TEXT),
        pa.field("client_hints", TEXT),
        pa.field("language", TEXT),
        pa.field("connection", TEXT),
        pa.field("carrier", TEXT),
        *(pa.field(name, TEXT) for name in IDS),
        pa.field("event", TEXT),
        pa.field("cookie", TEXT),
        pa.field("signals", TEXT),
    ]
)
"""Columns of a record as it was logged, before anything is scrubbed.

`line` is the index of the line in its block; `address` is who connected, and `forwarded` for whom, as the
client or the proxies before ours say (a list of X-Forwarded-For or Forwarded, or one address); `time` is
milliseconds of the epoch in UTC; `problem` is an index into `PROBLEMS`; `status` and `bytes` are 0 when none
is logged; `duration` is microseconds taken to serve, null when none is logged; text is null when absent or
`-`, but a user agent that was not sent, by a format that logs them, is empty. Several ids of one kind are in
one value, with `BETWEEN_VALUES` between them. `cookie` is the Cookie header, and `signals` the signals that
stand neither there nor in a URL, as `encode_signals` makes them; it makes `client_hints` of `HINTS` too.
"""

PROBLEMS = list(LineReason)
"""Meaning of the column `problem`: why the record is not counted although its line could be read."""

Int64Array = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Parsed:
    """A block after parsing: `lines` = records + rejected + `blank`, always.

    Attributes:
        records: the `RECORDS` columns, sorted by line.
        rejected: sorted indexes of the lines that do not fit the format (`LineReason.UNPARSABLE`).
        blank: lines of nothing but spaces, tabs and returns.
        lines: all lines of the block.
    """

    records: pa.RecordBatch
    rejected: Int64Array
    blank: int
    lines: int


class Reader(Protocol):
    """Reads the blocks of one file, in their order."""

    @property
    def fields(self) -> frozenset[str]:
        """Columns of `RECORDS` that its lines can carry, as far as the file says so itself."""

    @property
    def signals(self) -> frozenset[str]:
        """Names of the signals that its lines have places for, beside URLs and cookies; likewise."""

    def parse(self, block: Block) -> Parsed:
        """Parse the lines of a block.

        What a line yields depends on this line alone, and on the directives of its file that stand before it.
        """


class Format(Protocol):
    """A log format: how the lines of a file become records."""

    @property
    def name(self) -> str:
        """Name on the command line and in messages."""

    @property
    def fields(self) -> frozenset[str]:
        """Columns of `RECORDS` that its lines can carry."""

    @property
    def signals(self) -> frozenset[str]:
        """Names of the signals that its lines have places for, beside URLs and cookies."""

    @property
    def is_plain(self) -> bool:
        r"""Whether URLs stand in a line as they do in its record, but for escapes as `\x3d`."""

    @property
    def mark(self) -> re.Pattern[bytes] | None:
        """What the text of a file must hold somewhere for the format to be tried; None tries it always."""

    @property
    def has_directives(self) -> bool:
        """Whether lines mean what directives before them say, so that a file is read as one."""

    def reader(self) -> Reader:
        """What reads one file; where there are no directives, it may read several."""

    def parse(self, block: Block) -> Parsed:
        """Parse lines that stand at the beginning of a file."""


def carries_identifiers(fields: frozenset[str]) -> bool:
    """Whether any of the columns of a format holds ids or signals, beside what a URL may hold."""
    return not fields.isdisjoint((*IDS, "cookie", "signals"))


def problem_code(reason: LineReason) -> int:
    """Value of the column `problem` for a reason."""
    return PROBLEMS.index(reason)


NO_TIME = problem_code(LineReason.NO_TIME)
IMPOSSIBLE_TIME = problem_code(LineReason.IMPOSSIBLE_TIME)
IMPOSSIBLE_SIZE = problem_code(LineReason.IMPOSSIBLE_SIZE)


def nulls(rows: int) -> pa.DictionaryArray:
    """Make a text column of nothing but nulls."""
    return pa.DictionaryArray.from_arrays(pa.nulls(rows, pa.int32()), pa.array([], pa.string()))


def encoded(indices: pa.Array, values: pa.Array) -> pa.DictionaryArray:
    """Make a text column of distinct values.

    Args:
        indices: int32, for each row the position in `values`; null stays null.
        values: strings, may repeat or be null.
    """
    distinct = values.dictionary_encode()
    return numbered(pc.take(distinct.indices, indices, boundscheck=False), distinct.dictionary)


def empty_where_absent(values: pa.Array) -> pa.Array:
    """Give user agents, the empty text in place of the mark for one that was not sent."""
    return pc.if_else(pc.equal(values, "-"), "", values)


def are_given(column: pa.Array) -> BoolArray:
    """Tell which records have a value in a column; an empty user agent is none."""
    given = column.is_valid()
    if pa.types.is_dictionary(column.type):
        given = pc.not_equal(column.dictionary, "").take(column.indices).fill_null(False)
    result: BoolArray = given.to_numpy(zero_copy_only=False)
    return result


def null_where_absent(values: pa.Array) -> pa.Array:
    """Make null what logs write for nothing: `-` and the empty string (strings in and out)."""
    absent = pc.or_(pc.equal(values, "-"), pc.equal(values, ""))
    return pc.if_else(absent, pa.scalar(None, pa.string()), values)


def record_batch(lines: Int64Array, columns: Mapping[str, pa.Array]) -> pa.RecordBatch:
    """Make the records of the given lines; text columns that are not given are null, numbers 0."""
    rows = len(lines)
    given = {"line": pa.array(lines, pa.int64()), **columns}

    def column(field: pa.Field) -> pa.Array:
        if field.name in given:
            return given[field.name]
        if field.type == TEXT:
            return nulls(rows)
        return pa.nulls(rows, field.type) if field.nullable else pa.array(np.zeros(rows), field.type)

    return pa.RecordBatch.from_arrays([column(field) for field in RECORDS], schema=RECORDS)


def merge(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    """Make one batch of records, sorted by line, of batches of distinct lines."""
    batches = [batch for batch in batches if batch.num_rows]
    if len(batches) == 1:
        return batches[0]
    if not batches:
        return record_batch(np.zeros(0, np.int64), {})
    columns = [pa.concat_arrays([batch.column(at) for batch in batches]) for at in range(len(RECORDS))]
    merged = pa.RecordBatch.from_arrays(columns, schema=RECORDS)
    lines = merged.column(0).to_numpy()
    if np.all(lines[1:] > lines[:-1]):
        return merged
    return merged.take(pa.array(np.argsort(lines, kind="stable")))
