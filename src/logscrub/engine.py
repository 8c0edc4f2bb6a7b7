"""The whole job without Beam: for ranges, for a shard and day, for a table, and all of it in memory.

This is the page that explains logscrub. The Beam graph calls the same functions, in the same order:

    key       = a random key that lives for this run
    signals   = read_signals(batch)      for each batch of ranges (only where a format can carry signals)
    withheld  = resolve(signals)         once: who is a child, opted out, or joined to one
    hits      = scrub_range(batch)       for each batch of ranges → bytes for each (day, shard)
    cells     = follow_visitors(hits)    for each (day, shard)    → bytes for each table
    table     = release_cells(cells)     for each (table, day)    → Parquet bytes
    publish_day(tables)                  for each day, manifest last
"""

import contextlib
import io
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logscrub.columns import codes
from logscrub.config import MIB, Settings
from logscrub.enrich.geography import Geography
from logscrub.errors import CorruptInputError, FileReason, InputFailedError, LineReason, system_reason
from logscrub.formats.records import Parsed
from logscrub.formats.registry import format_by_name
from logscrub.inputs import Batch, FileRange, InputFile, Opener, Plan, plan_inputs
from logscrub.privacy.joins import SignalSet, Withheld
from logscrub.privacy.pseudonyms import EphemeralKey, require_same
from logscrub.release.day import DayOutcome, PublishRules, TableRelease, publish_day, release_table
from logscrub.release.store import Store
from logscrub.schemas import table_schemas
from logscrub.scrub.records import ScrubbedBlock, Scrubber, SignalReader
from logscrub.tally import SHOWN_OFFSETS, Tally
from logscrub.text.blocks import Block, OversizeLine, read_blocks
from logscrub.text.joined import Joined, Joiner, joined_lines, offsets
from logscrub.text.streams import Compression, open_text
from logscrub.traffic.calendar import DayRange, date_text
from logscrub.traffic.elements import decode_cells, encode_cells, join_shards
from logscrub.traffic.hits import concatenate_hits, decode_hits, encode_hits, support_units
from logscrub.traffic.tables import build_tables

_FLUSH_HITS = 2_000_000  # hits of a large compressed file, which is one range, wait encoded for its end
_MERGE_AFTER = 32  # signals of so many blocks are kept apart
_UNPACKED = 8  # a buffer for so many bytes of a log for each byte of its gzip file: zeroing one takes time
_BUFFER_MORE = 64 * 1024
_BYTES_PER_SHARD = 64 * MIB
_MAX_SHARDS = 64

DayAndShard = tuple[str, int]


def shard_count(settings: Settings, total_bytes: int) -> int:
    """Number of shards of a day; it changes no released byte."""
    return settings.shards or min(_MAX_SHARDS, 1 + total_bytes // _BYTES_PER_SHARD)


def read_signals(
    batch: Batch, open_file: Opener, settings: Settings, key: EphemeralKey, now_ms: int
) -> SignalSet:
    """Step 1: the signals and joining identifiers of a batch of ranges.

    A damaged file gives what stands before the damage: a child that is known stays known.

    Raises:
        InputFailedError: a file cannot be read any more; to go on would count children it tells of.
    """
    log_format = format_by_name(batch[0].format)
    found = [no_signals(key)]
    if log_format.carries_identifiers:
        read = SignalReader(settings, key, now_ms)
        for joined in _lines_before_damage(batch, open_file, settings):
            found.append(read(log_format.parse(joined.block).records))
            if len(found) >= _MERGE_AFTER:
                found = [SignalSet.merge(found)]
    return SignalSet.merge(found)


def no_signals(key: EphemeralKey) -> SignalSet:
    """What a run without signals knows of its people: nothing."""
    nobody = np.zeros(0, dtype=np.uint64)
    none, never = np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int32)
    return SignalSet.from_records([], nobody, none, never, key.check)


def make_scrubber(
    settings: Settings,
    key: EphemeralKey,
    withheld: Withheld | None,
    now_ms: int,
    *,
    geography: Geography | None = None,
    days: DayRange | None = None,
) -> Scrubber:
    """What scrubs the blocks of a worker.

    Args:
        settings: those of the run.
        key: the key of the run.
        withheld: whom to withhold; None where no format can carry a signal.
        now_ms: when the run was started, epoch milliseconds.
        geography: tells the country of networks; without it all are unknown.
        days: days that were asked for; None for all that are over.

    Raises:
        KeyMismatchError: `withheld` was made under another key, and would withhold nobody.
    """
    if withheld is None:
        withheld = no_signals(key).resolve(settings.audience)
    require_same(withheld.key_check, key.check)
    return Scrubber(settings, key, withheld, now_ms, geography or Geography(()), days=days)


def scrub_range(
    batch: Batch, open_file: Opener, scrubber: Scrubber, settings: Settings, shards: int
) -> tuple[list[tuple[DayAndShard, bytes]], Tally]:
    """Step 2: the hits of a batch of ranges for each day and shard, and what became of their lines.

    Of a damaged file nothing is counted.

    Raises:
        InputFailedError: a file could be opened when the run was planned, and cannot be read now.
    """
    small = _Scrubbing(batch, scrubber, shards)
    waiting = Joiner(settings.block_bytes)
    for number, part in enumerate(batch):
        try:
            with _opened(part, open_file) as raw:
                blocks: Iterable[Block | OversizeLine] = _blocks_and_marks(raw, part, settings)
                only, blocks = (None, blocks) if len(batch) == 1 else _only_block(blocks)
                if only:
                    small.add_all(waiting.add(number, only))
                else:
                    large = _Scrubbing(batch, scrubber, shards)
                    large.add_blocks(number, blocks)
                    small.merge(large)
        except CorruptInputError:
            small.tally.problems[part.path] = FileReason.CORRUPT_GZIP
    small.add_all(waiting.rest())
    return small.finish()


def follow_visitors(elements: Iterable[bytes], settings: Settings) -> dict[str, bytes]:
    """Step 3: the cells of every table, from all hits of a day and shard."""
    hits, key_check = decode_hits(list(elements))
    tables = build_tables(hits, settings.min_support, key_check)
    return {name: encode_cells(table) for name, table in tables.items()}


def release_cells(table: str, elements: Iterable[bytes], settings: Settings) -> TableRelease:
    """Step 4: a table of a day, from the cells of all shards."""
    joined = join_shards([decode_cells(element) for element in elements], settings.min_support)
    return release_table(
        table_schemas()[table], joined.cells, joined.supporters, joined.support, settings.min_support
    )


@dataclass(frozen=True)
class RunResult:
    """What a run did, for its operator.

    Attributes:
        plan: what was read and what was left out.
        tally: what became of the lines.
        days: what became of the days, sorted.
    """

    plan: Plan
    tally: Tally
    days: list[DayOutcome] = field(default_factory=list)


def run_in_memory(
    files: Mapping[str, bytes],
    store: Store,
    settings: Settings,
    now_ms: int,
    key: EphemeralKey | None = None,
    *,
    days: DayRange | None = None,
    rules: PublishRules | None = None,
    geography: Geography | None = None,
) -> RunResult:
    """The whole job on files in memory, one step after the other.

    Args:
        files: path to content.
        store: where the release goes.
        settings: those of the run.
        now_ms: the time of the run, epoch milliseconds: days that are not over are not released.
        key: the ephemeral key; a new one by default, and no released byte depends on it.
        days: days that are asked for; by default those that are over and have enough support.
        rules: what to do with days that are released already.
        geography: tells the country of networks.
    """
    key = key or EphemeralKey.generate()

    def open_file(path: str) -> BinaryIO:
        return cast(BinaryIO, io.BytesIO(files[path]))

    plan = plan_inputs((InputFile(p, len(d)) for p, d in files.items()), open_file, settings.range_bytes)
    batches, withheld = plan.batches(settings.range_bytes), None
    if plan.carries_identifiers:
        signals = [read_signals(batch, open_file, settings, key, now_ms) for batch in batches]
        withheld = SignalSet.merge(signals).resolve(settings.audience)
    scrubber = make_scrubber(settings, key, withheld, now_ms, geography=geography, days=days)
    result = RunResult(plan, Tally())
    hits: dict[DayAndShard, list[bytes]] = defaultdict(list)
    for batch in batches:
        elements, tally = scrub_range(
            batch, open_file, scrubber, settings, shard_count(settings, plan.total_bytes)
        )
        result.tally.add(tally)
        for day_and_shard, element in elements:
            hits[day_and_shard].append(element)
    cells: dict[str, dict[str, list[bytes]]] = defaultdict(lambda: defaultdict(list))
    for (date, _), elements_of_shard in hits.items():
        for table, element in follow_visitors(elements_of_shard, settings).items():
            cells[date][table].append(element)
    asked = days.dates() if days else ()
    for date in sorted({*cells, *asked}):
        releases = {table: release_cells(table, parts, settings) for table, parts in cells[date].items()}
        result.days.append(publish_day(store, date, releases, settings, rules or PublishRules(asked)))
    return result


class _Scrubbing:
    """Hits of ranges, and what became of their lines."""

    def __init__(self, batch: Batch, scrubber: Scrubber, shards: int) -> None:
        self._batch = batch
        self._format = format_by_name(batch[0].format)
        self._scrubber = scrubber
        self._hits = _Hits(scrubber.key_check, shards)
        self._elements: list[tuple[DayAndShard, bytes]] = []
        self.tally = Tally()

    def add_all(self, lines: Iterable[Joined]) -> None:
        for joined in lines:
            parsed = self._format.parse(joined.block)
            scrubbed = self._scrubber(parsed.records)
            _count(self.tally, self._batch, joined, parsed, scrubbed)
            self._hits.add(scrubbed)

    def add_blocks(self, number: int, blocks: Iterable[Block | OversizeLine]) -> None:
        for block in blocks:
            if isinstance(block, OversizeLine):
                self.tally.lines += 1
                path = self._batch[number].path
                self.tally.reject(path, LineReason.OVERSIZE_LINE, 1, [block.offset])
            else:
                self.add_all(joined_lines(number, block))

    def merge(self, other: "_Scrubbing") -> None:
        elements, tally = other.finish()
        self._elements += elements
        self.tally.add(tally)

    def finish(self) -> tuple[list[tuple[DayAndShard, bytes]], Tally]:
        return self._elements + self._hits.finish(), self.tally


class _Hits:
    """Hits of ranges, gathered over their blocks: one element for each day and shard."""

    def __init__(self, key_check: bytes, shards: int) -> None:
        self._key_check = key_check
        self._shards = shards
        self._batches: list[pa.RecordBatch] = []
        self._days: list[npt.NDArray[np.int32]] = []
        self._elements: list[tuple[DayAndShard, bytes]] = []

    def add(self, scrubbed: ScrubbedBlock) -> None:
        if not len(scrubbed.hits):
            return
        self._batches.append(scrubbed.hits)
        self._days.append(scrubbed.day)
        if sum(map(len, self._batches)) >= _FLUSH_HITS:
            self._flush()

    def finish(self) -> list[tuple[DayAndShard, bytes]]:
        self._flush()
        return self._elements

    def _flush(self) -> None:
        if not self._batches:
            return
        hits, day = concatenate_hits(self._batches), np.concatenate(self._days).astype(np.int64)
        visitor = hits.column("visitor")
        shard = (support_units(visitor) % np.uint64(self._shards)).astype(np.int64)
        place = day * self._shards + shard[codes(visitor)]
        order = _stable_order(place)
        hits, place = hits.take(pa.array(order)), place[order]
        starts = np.flatnonzero(np.r_[True, place[1:] != place[:-1]])
        for start, stop in zip(starts, np.r_[starts[1:], len(place)], strict=True):
            day_and_shard = date_text(place[start] // self._shards), int(place[start] % self._shards)
            element = encode_hits(hits.slice(start, stop - start), self._key_check)
            self._elements.append((day_and_shard, element))
        self._batches, self._days = [], []


def _stable_order(place: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Rows in the order of their places, which are few: numpy sorts 16 bits by counting."""
    low, high = int(place.min()), int(place.max())
    narrow = place if high - low >= 2**16 else (place - low).astype(np.uint16)
    return np.argsort(narrow, kind="stable")


@contextlib.contextmanager
def _opened(part: FileRange, open_file: Opener) -> Iterator[BinaryIO]:
    """An input for the time it is read: half of a file must not be released as a whole day."""
    try:
        with open_file(part.path) as raw:
            yield raw
    except OSError as error:
        failure = InputFailedError(f"{part.path}: cannot be read any more: {system_reason(error)}")
    else:
        return
    raise failure


def _blocks_and_marks(raw: BinaryIO, part: FileRange, settings: Settings) -> Iterator[Block | OversizeLine]:
    stream = open_text(raw, part.compression)
    unpacked = part.size if part.compression is Compression.NONE else _UNPACKED * part.size
    buffer = min(settings.block_bytes, unpacked + _BUFFER_MORE) if part.size else settings.block_bytes
    return read_blocks(stream, part.start, part.stop, block_bytes=buffer)


def _only_block(
    blocks: Iterable[Block | OversizeLine],
) -> tuple[Block | None, Iterable[Block | OversizeLine]]:
    """The block of a range that has no more than one, else all that it has."""
    blocks = iter(blocks)
    first = next(blocks, Block(b"", 0))
    if isinstance(first, OversizeLine):
        return None, itertools.chain([first], blocks)
    first = Block(bytes(first.data), first.offset)  # the next one overwrites it
    second = next(blocks, None)
    return (first, ()) if second is None else (None, itertools.chain([first, second], blocks))


def _lines_before_damage(batch: Batch, open_file: Opener, settings: Settings) -> Iterator[Joined]:
    waiting = Joiner(settings.block_bytes)
    for number, part in enumerate(batch):
        # Step 2 tells that the file is damaged.
        with contextlib.suppress(CorruptInputError), _opened(part, open_file) as raw:
            for block in _blocks_and_marks(raw, part, settings):
                if isinstance(block, Block):
                    yield from waiting.add(number, block)
    yield from waiting.rest()


def _count(tally: Tally, batch: Batch, joined: Joined, parsed: Parsed, scrubbed: ScrubbedBlock) -> None:
    """Add lines to the account; offsets are looked up only where something was rejected."""
    tally.lines += parsed.lines + joined.empty
    tally.blank += parsed.blank + joined.empty
    tally.withheld += scrubbed.withheld
    tally.unfinished += scrubbed.unfinished
    tally.out_of_dates += scrubbed.out_of_dates
    days, counts = np.unique(scrubbed.day, return_counts=True)
    for day, count in zip(days, counts, strict=True):
        tally.kept[date_text(day)] = tally.kept.get(date_text(day), 0) + int(count)
    rejected = {LineReason.UNPARSABLE: parsed.rejected, **scrubbed.rejected}
    for reason, lines in rejected.items():
        for piece, own in joined.places(np.sort(np.asarray(lines, dtype=np.int64))):
            path = batch[piece.number].path
            tally.reject(path, reason, len(own), offsets(piece, own[:SHOWN_OFFSETS]))
