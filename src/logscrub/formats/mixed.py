"""Files in which lines of several formats stand: servers that log errors, or a format that was changed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.formats.records import (
    NO_TIME,
    RECORDS,
    BoolArray,
    Format,
    Int64Array,
    Parsed,
    Reader,
    merge,
)
from logscrub.text.blocks import Block, line_starts

_LINE = RECORDS.get_field_index("line")


@dataclass(frozen=True)
class Mixed:
    """Several formats, the first of which goes first.

    A line is of the first format that reads it with a time. Where none finds a time, it is of the first that
    reads it at all: a record without time is not counted, but may tell of a child.
    """

    formats: tuple[Format, ...]

    mark = None
    is_plain = False

    @property
    def name(self) -> str:
        """Names of the formats with plus signs between."""
        return "+".join(known.name for known in self.formats)

    @property
    def fields(self) -> frozenset[str]:
        """Columns of `RECORDS` that its lines can carry."""
        return frozenset[str]().union(*(known.fields for known in self.formats))

    @property
    def signals(self) -> frozenset[str]:
        """Names of the signals that its lines have places for."""
        return frozenset[str]().union(*(known.signals for known in self.formats))

    @property
    def has_directives(self) -> bool:
        """Whether lines of any of the formats mean what directives before them say."""
        return any(known.has_directives for known in self.formats)

    def reader(self) -> Reader:
        """What reads one file."""
        return _MixedReader(tuple(known.reader() for known in self.formats))

    def parse(self, block: Block) -> Parsed:
        """Parse lines that stand at the beginning of a file."""
        return self.reader().parse(block)


@dataclass(frozen=True)
class _MixedReader:
    readers: tuple[Reader, ...]

    @property
    def fields(self) -> frozenset[str]:
        return frozenset[str]().union(*(reader.fields for reader in self.readers))

    @property
    def signals(self) -> frozenset[str]:
        return frozenset[str]().union(*(reader.signals for reader in self.readers))

    def parse(self, block: Block) -> Parsed:
        first, *others = self.readers
        parsed = first.parse(block)
        lines, blank = parsed.lines, parsed.blank
        timed, untimed = split_by_time(parsed.records)
        read, without_time = [timed], [untimed]
        left = left_over(parsed.rejected, untimed)
        starts = line_starts(Block(block.data, 0)) if len(left) else left
        for reader in others:
            if not len(left):
                break
            parsed = reader.parse(Block(text_of(block.data, starts, left), 0))
            blank += parsed.blank
            timed, untimed = split_by_time(_renumbered(parsed.records, left))
            read.append(timed)
            without_time.append(untimed)
            left = left_over(left[parsed.rejected], untimed)
        read += _first_of_each(without_time, left)
        records = merge(read)
        rejected = np.setdiff1d(left, records.column(_LINE).to_numpy(), assume_unique=True)
        return Parsed(records, rejected, blank, lines)


def has_no_time(records: pa.RecordBatch) -> BoolArray:
    """Tell in which records no time was found."""
    problem = records.column("problem")
    if problem.null_count == len(problem):
        return np.zeros(len(problem), bool)
    found: BoolArray = pc.equal(problem, NO_TIME).fill_null(False).to_numpy(zero_copy_only=False)
    return found


def split_by_time(records: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Split records into those that fit a format, and those in which it finds no time, or nothing but it.

    A record without an address and a target may be another format's, which finds them, and who it is of.
    """
    whom = records.column("address").is_valid().to_numpy(zero_copy_only=False)
    what = records.column("target").is_valid().to_numpy(zero_copy_only=False)
    timeless = has_no_time(records) | ~(whom | what)
    if not timeless.any():
        return records, records.slice(0, 0)
    return records.filter(pa.array(~timeless)), records.filter(pa.array(timeless))


def left_over(rejected: Int64Array, untimed: pa.RecordBatch) -> Int64Array:
    """Give the sorted indexes of lines that do not fit a format: rejected, or without a time."""
    if not untimed.num_rows:
        return rejected
    return np.sort(np.concatenate([rejected, untimed.column(_LINE).to_numpy()]))


def text_of(data: memoryview | bytes, starts: Int64Array, lines: Int64Array) -> bytes:
    """Give the text of some lines.

    Args:
        data: lines.
        starts: where each begins.
        lines: indexes of those that are asked for, sorted.
    """
    if len(lines) == len(starts):
        return bytes(data)
    raw = np.frombuffer(data, np.uint8)
    steps = np.zeros(len(raw) + 1, np.int8)
    ends = np.append(starts, len(raw))[lines + 1]
    steps[starts[lines]] += 1
    steps[ends] -= 1
    return raw[np.cumsum(steps[:-1], dtype=np.int8).view(np.bool_)].tobytes()


def _renumbered(records: pa.RecordBatch, lines: Int64Array) -> pa.RecordBatch:
    own = pa.array(lines[records.column(_LINE).to_numpy()], pa.int64())
    return records.set_column(_LINE, RECORDS.field(_LINE), own)


def _first_of_each(batches: Sequence[pa.RecordBatch], lines: Int64Array) -> list[pa.RecordBatch]:
    """Of the records of some lines, give the first of each line."""
    found = []
    for batch in batches:
        own = batch.column(_LINE).to_numpy()
        wanted: BoolArray = np.isin(own, lines, assume_unique=True)
        found.append(batch.filter(pa.array(wanted)))
        lines = np.setdiff1d(lines, own, assume_unique=True)
    return found
