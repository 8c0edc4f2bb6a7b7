"""The steps of the engine as Beam functions.

Whatever goes wrong in a step leaves it as an error that holds nothing of a record: libraries quote what they
could not read, and runners log exceptions.
"""

import functools
import hashlib
import json
import secrets
import threading
import traceback
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import apache_beam as beam

from logscrub import engine, exclusions
from logscrub.beam import handover, progress
from logscrub.beam.files import open_file, open_geography, store_at
from logscrub.config import Settings
from logscrub.enrich.geography import Geography
from logscrub.errors import LogscrubError, PublishError, system_reason
from logscrub.inputs import Batch, FileRange
from logscrub.privacy.joins import SignalSet, Withheld
from logscrub.privacy.pseudonyms import KEY_BYTES, EphemeralKey
from logscrub.release.day import PublishRules, TableRelease, publish_day
from logscrub.scrub.records import Scrubber
from logscrub.scrubbing import DayAndShard
from logscrub.traffic.calendar import DayRange

TALLY = "tally"

_COMPACT_AFTER = 64

# Threads of a worker run copies of a step: they share what one of them has learned of paths, agents and
# networks, as long as one of them holds it. Beam's own `Shared` would put an address of the machine (of
# UUID version 1) into the graph.
_SCRUBBERS: weakref.WeakValueDictionary[bytes, Scrubber] = weakref.WeakValueDictionary()
_SHARING = threading.Lock()

P = ParamSpec("P")
R = TypeVar("R")


class StepFailedError(LogscrubError):
    """A step failed unexpectedly; says where in the code, and nothing of the data."""


def sealed(step: Callable[P, R]) -> Callable[P, R]:
    """Let only errors out of a step that hold nothing of a record, without the exception that caused them."""

    @functools.wraps(step)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return step(*args, **kwargs)
        except LogscrubError as error:
            failure = error.with_traceback(None)
        except OSError as error:
            failure = StepFailedError(f"{_where(error)}: {system_reason(error)}")
        except Exception as error:
            failure = StepFailedError(f"{_where(error)}: {type(error).__name__}")
        failure.__context__ = failure.__cause__ = None
        raise failure

    return run


def _where(error: BaseException) -> str:
    ours = [f for f in traceback.extract_tb(error.__traceback__) if "logscrub" in f.filename]
    place = ours[-1] if ours else None
    return f"internal error at {Path(place.filename).name}:{place.lineno}" if place else "internal error"


class MakeKey(beam.DoFn):
    """The ephemeral key of the run: made inside the pipeline, so that it is in no option and no graph."""

    def process(self, _: bytes) -> Iterator[bytes]:
        yield secrets.token_bytes(KEY_BYTES)


class Each(beam.DoFn):
    """The start of the job → what the graph holds already, element by element.

    One start with several such steps is one stage; a `beam.Create` for each would be as many.
    """

    def __init__(self, elements: Sequence[Any]) -> None:
        self._elements = elements

    def process(self, _: bytes) -> Sequence[Any]:
        return self._elements


class ReadSignals(beam.DoFn):
    """Batch of ranges, or a list of people to withhold → its signals."""

    def __init__(
        self, settings: Settings, now_ms: int, more: Sequence[Batch] = (), lists: Sequence[FileRange] = ()
    ) -> None:
        self._settings = settings
        self._now_ms = now_ms
        self._more = frozenset(more)
        self._lists = frozenset(lists)

    def process(self, batch: Batch, key: bytes) -> Iterator[bytes]:
        yield self._read(batch, key)

    @sealed
    def _read(self, batch: Batch, key: bytes) -> bytes:
        opener = progress.counted(open_file, progress.Phase.READING_SIGNALS)
        made = EphemeralKey(key)
        if batch[0] in self._lists:
            named = exclusions.read_exclusions(batch[0], opener, self._settings, made, self._now_ms)
            return named.to_bytes()
        read = engine.read_signals(
            batch, opener, self._settings, made, self._now_ms, must_be_whole=batch in self._more
        )
        return read.to_bytes()


class Withhold(beam.CombineFn):
    """Signals of all ranges → whom to withhold."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def create_accumulator(self) -> list[bytes]:
        return []

    def add_input(self, accumulator: list[bytes], signals: bytes) -> list[bytes]:
        accumulator.append(signals)
        return _merged(accumulator) if len(accumulator) >= _COMPACT_AFTER else accumulator

    def merge_accumulators(self, accumulators: Iterable[list[bytes]]) -> list[bytes]:
        return _merged([signals for accumulator in accumulators for signals in accumulator])

    def compact(self, accumulator: list[bytes]) -> list[bytes]:
        return _merged(accumulator)

    def extract_output(self, accumulator: list[bytes]) -> bytes:
        return self._resolve(accumulator)

    @sealed
    def _resolve(self, accumulator: list[bytes]) -> bytes:
        merged = SignalSet.from_bytes(_merged(accumulator)[0])
        return merged.resolve(self._settings.audience).to_bytes()


@sealed
def _merged(parts: list[bytes]) -> list[bytes]:
    if len(parts) <= 1:
        return parts
    return [SignalSet.merge([SignalSet.from_bytes(part) for part in parts]).to_bytes()]


class ScrubRange(beam.DoFn):
    """Batch of ranges → hits for each day and shard, and its account."""

    def __init__(self, settings: Settings, shards: int, now_ms: int, days: DayRange | None, run: str) -> None:
        self._settings = settings
        self._run = run
        self._shards = shards
        self._now_ms = now_ms
        self._days = days
        self._made_for: tuple[bytes, bytes] | None = None
        self._scrubber: Scrubber | None = None

    def process(self, batch: Batch, key: bytes, withheld: bytes) -> Iterator[Any]:
        elements, tally = self._scrub(batch, key, withheld)
        for (date, shard), element in elements:
            yield f"{date}/{shard}", handover.leave(self._run, element)
        yield beam.pvalue.TaggedOutput(TALLY, tally)

    @sealed
    def _scrub(
        self, batch: Batch, key: bytes, withheld: bytes
    ) -> tuple[list[tuple[DayAndShard, bytes]], str]:
        if self._scrubber is None or self._made_for != (key, withheld):
            self._scrubber = self._shared_scrubber(key, withheld)
            self._made_for = (key, withheld)
        opener = progress.counted(open_file, progress.Phase.READING)
        elements, tally = engine.scrub_range(batch, opener, self._scrubber, self._settings, self._shards)
        return elements, tally.to_json()

    def _shared_scrubber(self, key: bytes, withheld: bytes) -> Scrubber:
        tag = hashlib.sha256(key + withheld).digest()
        with _SHARING:
            scrubber = _SCRUBBERS.get(tag)
            if scrubber is None:
                scrubber = _SCRUBBERS[tag] = self._make_scrubber(key, withheld)
        return scrubber

    def _make_scrubber(self, key: bytes, withheld: bytes) -> Scrubber:
        known = Withheld.from_bytes(withheld)
        geography = Geography([open_geography(path) for path in self._settings.geoip])
        return engine.make_scrubber(
            self._settings, EphemeralKey(key), known, self._now_ms, geography=geography, days=self._days
        )


class FollowVisitors(beam.DoFn):
    """Hits of a day and shard → cells of every table."""

    def __init__(self, settings: Settings, run: str) -> None:
        self._settings = settings
        self._run = run

    def process(self, keyed: tuple[str, Iterable[bytes]]) -> Iterator[tuple[str, bytes]]:
        day_and_shard, elements = keyed
        date = day_and_shard.split("/")[0]
        for table, element in self._follow(elements).items():
            yield f"{table}/{date}", element

    @sealed
    def _follow(self, elements: Iterable[bytes]) -> dict[str, bytes]:
        progress.enter(progress.Phase.RELEASING)
        hits = [handover.pick_up(self._run, moved) for moved in elements]
        return engine.follow_visitors(hits, self._settings)


class ReleaseTable(beam.DoFn):
    """Cells of a table and day → the table, keyed by day."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def process(self, keyed: tuple[str, Iterable[bytes]]) -> Iterator[tuple[str, str]]:
        table, date = keyed[0].split("/")
        yield date, self._release(table, keyed[1])

    @sealed
    def _release(self, table: str, elements: Iterable[bytes]) -> str:
        return engine.release_cells(table, elements, self._settings).to_json()


class PublishDay(beam.DoFn):
    """Tables of a day → the release folder, manifest last, and what became of the day."""

    def __init__(self, output: str, settings: Settings, rules: PublishRules) -> None:
        self._output = output
        self._settings = settings
        self._rules = rules

    def process(self, keyed: tuple[str, Iterable[str]]) -> Iterator[str]:
        date, tables = keyed
        yield self._publish(date, tables)

    @sealed
    def _publish(self, date: str, tables: Iterable[str]) -> str:
        releases = {release.table: release for release in map(TableRelease.from_json, filter(None, tables))}
        try:
            store = store_at(self._output)
            return publish_day(store, date, releases, self._settings, self._rules).to_json()
        except OSError as error:
            raise PublishError(f"{self._output}: {date} cannot be written: {system_reason(error)}") from None


class WriteAccount(beam.DoFn):
    """Tallies and outcomes → one file that only the operator's process reads."""

    def __init__(self, path: str) -> None:
        self._path = path

    def process(
        self, _: bytes, tallies: list[str], days: list[str], withheld: list[bytes]
    ) -> Iterator[bytes]:
        self._write(tallies, days, withheld)
        yield b""

    @sealed
    def _write(self, tallies: list[str], days: list[str], withheld: list[bytes]) -> None:
        folder, name = self._path.rsplit("/", 1)
        shared = [kind for one in withheld for kind in Withheld.from_bytes(one).shared_ids]
        told = {"tallies": sorted(tallies), "days": sorted(days), "shared_ids": shared}
        store_at(folder).write(name, json.dumps(told).encode())
