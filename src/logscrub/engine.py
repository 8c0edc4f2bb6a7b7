"""The whole job without Beam: for ranges, for a shard and day, for a table, and all of it in memory.

This is the page that explains logscrub. The Beam graph calls the same functions, in the same order:

    key       = a random key that lives for this run
    signals   = read_signals(batch)      for each batch of ranges, and read_exclusions(file)
    withheld  = resolve(signals)         once: who is a child, opted out, or joined to one
    hits      = scrub_range(batch)       for each batch of ranges → bytes for each (day, shard)
    cells     = follow_visitors(hits)    for each (day, shard)    → bytes for each table
    table     = release_cells(cells)     for each (table, day)    → Parquet bytes
    publish_day(tables)                  for each day, manifest last
"""

import io
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO, cast

import numpy as np

from logscrub.config import MIB, Settings
from logscrub.enrich.geography import DatabaseAge, Geography
from logscrub.errors import CorruptInputError, FileReason
from logscrub.exclusions import plan_exclusions, read_exclusions
from logscrub.formats.json_lines import for_signals
from logscrub.formats.registry import asked_format
from logscrub.inputs import Batch, InputFile, Opener, Plan, plan_inputs
from logscrub.privacy.joins import SignalSet, Withheld
from logscrub.privacy.pseudonyms import EphemeralKey, require_same
from logscrub.reading import (
    blocks_and_marks,
    format_of,
    lines_before_damage,
    lines_with_signals,
    made_of_blocks,
    only_block,
    opened,
    records_of,
)
from logscrub.release.day import DayOutcome, PublishRules, TableRelease, publish_day, release_table
from logscrub.release.store import Store
from logscrub.schemas import table_schemas
from logscrub.scrub.records import Scrubber, SignalReader
from logscrub.scrubbing import DayAndShard, Scrubbing
from logscrub.tally import Tally
from logscrub.text.blocks import Block, OversizeLine
from logscrub.text.joined import Joined, Joiner
from logscrub.traffic.calendar import DayRange
from logscrub.traffic.elements import decode_cells, encode_cells, join_shards
from logscrub.traffic.hits import decode_hits
from logscrub.traffic.tables import build_tables

_MERGE_AFTER = 32  # signals of so many blocks are kept apart
_BYTES_PER_SHARD = 256 * MIB
_MAX_SHARDS = 256
_BYTES_PER_TASK = 64 * MIB
_TASKS = 8  # which keep a few threads busy to the end


def shard_count(settings: Settings, plan: Plan) -> int:
    """Number of shards of a day; it changes no released byte.

    A shard costs time by itself, so that there are only as many as bound the memory of each and, over all
    days, give each thread some.
    """
    for_memory = 1 + plan.day_bytes // _BYTES_PER_SHARD
    tasks = min(_TASKS, 1 + plan.text_bytes // _BYTES_PER_TASK)
    for_threads = math.ceil(tasks * plan.day_bytes / plan.text_bytes) if plan.text_bytes else 1
    return settings.shards or min(_MAX_SHARDS, max(for_memory, for_threads))


def read_signals(
    batch: Batch,
    open_file: Opener,
    settings: Settings,
    key: EphemeralKey,
    now_ms: int,
    *,
    must_be_whole: bool = False,
) -> SignalSet:
    """Step 1: the signals and joining identifiers of a batch of ranges.

    A damaged file gives what stands before the damage: a child that is known stays known.

    Raises:
        InputFailedError: a file cannot be read any more, or is damaged and must be whole, since it is read
            for signals only; to go on would count children it tells of.
    """
    found, known = [no_signals(key)], format_of(batch, settings)
    read, reader = SignalReader(settings, key, now_ms), for_signals(known).reader()

    def of_lines(joined: Joined) -> SignalSet | None:
        lines = lines_with_signals(joined.block, known, settings)
        return read(records_of(reader.parse(lines), settings)) if lines.data else None

    blocks = lines_before_damage(batch, open_file, settings, must_be_whole=must_be_whole)
    for signals in made_of_blocks(of_lines, blocks, batch, known):
        if signals is not None:
            found.append(signals)
        if len(found) >= _MERGE_AFTER:
            found = [SignalSet.merge(found)]
    return SignalSet.merge(found)


def no_signals(key: EphemeralKey) -> SignalSet:
    """What a run without signals knows of its people: nothing."""
    return SignalSet.of_ids(np.zeros(0, dtype=np.uint64), key.check)


def make_scrubber(
    settings: Settings,
    key: EphemeralKey,
    withheld: Withheld,
    now_ms: int,
    *,
    geography: Geography | None = None,
    days: DayRange | None = None,
) -> Scrubber:
    """What scrubs the blocks of a worker.

    Args:
        settings: those of the run.
        key: the key of the run.
        withheld: whom to withhold.
        now_ms: when the run was started, epoch milliseconds.
        geography: tells the country of networks; without it all are unknown.
        days: days that were asked for; None for all that are over.

    Raises:
        KeyMismatchError: `withheld` was made under another key, and would withhold nobody.
    """
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
    small = Scrubbing(batch, scrubber, settings, shards)
    waiting = Joiner(settings.block_bytes)
    for number, part in enumerate(batch):
        try:
            with opened(part, open_file) as raw:
                blocks: Iterable[Block | OversizeLine] = blocks_and_marks(raw, part, settings)
                only, blocks = (None, blocks) if len(batch) == 1 else only_block(blocks)
                if only:
                    small.add_all(waiting.add(number, only))
                else:
                    large = Scrubbing(batch, scrubber, settings, shards)
                    large.add_blocks(number, blocks)
                    small.merge(large)
        except CorruptInputError:
            small.tally.problems[part.shown] = FileReason.CORRUPT_ARCHIVE
    small.add_all(waiting.rest())
    return small.finish()


def follow_visitors(elements: Iterable[bytes], settings: Settings) -> dict[str, bytes]:
    """Step 3: the cells of every table, from all hits of a day and shard."""
    hits, key_check = decode_hits(list(elements))
    tables = build_tables(
        hits, settings.min_support, key_check, settings.bot_rate, settings.visit_gap_minutes * 60_000
    )
    return {name: encode_cells(table) for name, table in tables.items()}


def release_cells(table: str, elements: Iterable[bytes], settings: Settings) -> TableRelease:
    """Step 4: a table of a day, from the cells of all shards."""
    joined = join_shards([decode_cells(element) for element in elements], settings.min_support)
    released = release_table(
        table_schemas()[table], joined.cells, joined.supporters, joined.support, settings.min_support
    )
    return replace(released, layers=joined.layers)


@dataclass(frozen=True)
class RunResult:
    """What a run did, for its operator.

    Attributes:
        plan: what was read and what was left out.
        tally: what became of the lines.
        days: what became of the days, sorted.
        shared_ids: kinds of ids of which one value joins so many others that it is no person's.
        databases: how old the geographic databases are.
    """

    plan: Plan
    tally: Tally
    days: list[DayOutcome] = field(default_factory=list)
    shared_ids: Sequence[str] = ()
    databases: Sequence[DatabaseAge] = ()


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
    signals_from: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> RunResult:
    """The whole job on files in memory, one step after the other.

    Args:
        files: path to content; all are inputs that are neither in `signals_from` nor in `exclude`.
        store: where the release goes.
        settings: those of the run.
        now_ms: the time of the run, epoch milliseconds: days that are not over are not released.
        key: the ephemeral key; a new one by default, and no released byte depends on it.
        days: days that are asked for; by default those that are over and have enough support.
        rules: what to do with days that are released already.
        geography: tells the country of networks.
        signals_from: paths of files that are read for signals and links only.
        exclude: paths of lists of people to withhold.
    """
    key = key or EphemeralKey.generate()

    def open_file(path: str) -> BinaryIO:
        return cast(BinaryIO, io.BytesIO(files[path]))

    forced = asked_format(settings.format, settings.log_format, settings.signals)
    plan = plan_inputs(
        (InputFile(p, len(d)) for p, d in files.items() if p not in {*signals_from, *exclude}),
        open_file,
        settings.range_bytes,
        forced,
    )
    batches = plan.batches(settings.range_bytes)
    more = plan_inputs(
        (InputFile(p, len(files[p])) for p in signals_from), open_file, settings.range_bytes, forced
    )
    signals = [read_signals(batch, open_file, settings, key, now_ms) for batch in batches]
    signals += [
        read_signals(batch, open_file, settings, key, now_ms, must_be_whole=True)
        for batch in more.batches(settings.range_bytes)
    ]
    lists = plan_exclusions((InputFile(p, len(files[p])) for p in exclude), open_file, forced)
    named = [read_exclusions(part, open_file, settings, key, now_ms) for part in lists]
    withheld = SignalSet.merge([no_signals(key), *signals, *named]).resolve(settings.audience)
    scrubber = make_scrubber(settings, key, withheld, now_ms, geography=geography, days=days)
    result = RunResult(plan, Tally(), shared_ids=withheld.shared_ids)
    hits: dict[DayAndShard, list[bytes]] = defaultdict(list)
    for batch in batches:
        elements, tally = scrub_range(batch, open_file, scrubber, settings, shard_count(settings, plan))
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
