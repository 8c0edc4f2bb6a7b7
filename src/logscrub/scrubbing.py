"""Blocks of lines → hits for each day and shard, and what became of the lines."""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logscrub.columns import codes, rows_of
from logscrub.config import Settings
from logscrub.errors import LineReason
from logscrub.formats.records import Parsed
from logscrub.inputs import Batch
from logscrub.reading import format_of, made_of_blocks, records_of
from logscrub.scrub.records import ScrubbedBlock, Scrubber
from logscrub.tally import SHOWN_OFFSETS, Tally
from logscrub.text.blocks import Block, OversizeLine
from logscrub.text.joined import Joined, joined_lines, offsets
from logscrub.traffic.calendar import date_text
from logscrub.traffic.hits import concatenate_hits, encode_hits, support_units

_FLUSH_HITS = 2_000_000  # hits of a large compressed file, which is one range, wait encoded for its end

DayAndShard = tuple[str, int]


class Scrubbing:
    """Hits of ranges, and what became of their lines."""

    def __init__(self, batch: Batch, scrubber: Scrubber, settings: Settings, shards: int) -> None:
        self._batch = batch
        self._settings = settings
        self._format = format_of(batch, settings)
        self._reader = self._format.reader()
        self._scrubber = scrubber
        self._hits = _Hits(scrubber.key_check, shards)
        self._elements: list[tuple[DayAndShard, bytes]] = []
        self.tally = Tally()

    def add_all(self, lines: Iterable[Joined]) -> None:
        """Parse and scrub lines, and count what becomes of them."""
        for joined in lines:
            self._add(self._scrub(joined))

    def add_blocks(self, number: int, blocks: Iterable[Block | OversizeLine]) -> None:
        """The same for the blocks of one range, which is the one of that number in the batch."""
        for done in made_of_blocks(self._scrub, self._lines(number, blocks), self._batch, self._format):
            self._add(done)

    def _lines(self, number: int, blocks: Iterable[Block | OversizeLine]) -> Iterator[Joined]:
        for block in blocks:
            if isinstance(block, OversizeLine):
                self.tally.lines += 1
                path = self._batch[number].shown
                self.tally.reject(path, LineReason.OVERSIZE_LINE, 1, [block.offset])
            else:
                yield from joined_lines(number, block)

    def _scrub(self, joined: Joined) -> tuple[Joined, Parsed, ScrubbedBlock]:
        parsed = self._reader.parse(joined.block)
        return joined, parsed, self._scrubber(records_of(parsed, self._settings))

    def _add(self, done: tuple[Joined, Parsed, ScrubbedBlock]) -> None:
        _count(self.tally, self._batch, *done)
        self._hits.add(done[-1])

    def merge(self, other: "Scrubbing") -> None:
        """Add the hits and the account of other ranges."""
        elements, tally = other.finish()
        self._elements += elements
        self.tally.add(tally)

    def finish(self) -> tuple[list[tuple[DayAndShard, bytes]], Tally]:
        """Encoded hits for each day and shard, and the account."""
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
        hits, place = rows_of(hits, order), place[order]
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


def _count(tally: Tally, batch: Batch, joined: Joined, parsed: Parsed, scrubbed: ScrubbedBlock) -> None:
    """Add lines to the account; offsets are looked up only where something was rejected."""
    tally.lines += parsed.lines + joined.empty
    tally.blank += parsed.blank + joined.empty
    tally.withheld += scrubbed.withheld
    tally.unfinished += scrubbed.unfinished
    tally.out_of_dates += scrubbed.out_of_dates
    tally.filtered += scrubbed.filtered
    days, counts = np.unique(scrubbed.day, return_counts=True)
    for day, count in zip(days, counts, strict=True):
        tally.kept[date_text(day)] = tally.kept.get(date_text(day), 0) + int(count)
    rejected = {LineReason.UNPARSABLE: parsed.rejected, **scrubbed.rejected}
    for reason, lines in rejected.items():
        for piece, own in joined.places(np.sort(np.asarray(lines, dtype=np.int64))):
            path = batch[piece.number].shown
            tally.reject(path, reason, len(own), offsets(piece, own[:SHOWN_OFFSETS]))
