"""What a run would make of a file: its format, its fields, and what it can tell of children and opt-outs.

No value of a record is in an inspection. Of ids and signals it says what the format can carry, never whether
a record has one: that there is a child in a log is nothing to be told.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from logscrub.errors import FileReason
from logscrub.formats.carried import carried_signals, url_signals
from logscrub.formats.detect import Detection, detect, whole_lines
from logscrub.formats.pasted import costs
from logscrub.formats.records import IDS
from logscrub.formats.registry import format_by_name, told_name
from logscrub.inputs import FileProblem, InputFile, Opener, read_sample
from logscrub.schemas import signal_catalogue
from logscrub.signals import Signal
from logscrub.text.blocks import Block
from logscrub.text.packed import Compression

FIELDS = (
    *("time", "address", "forwarded", "host", "method", "target", "status", "bytes", "duration"),
    *("referrer", "user_agent", "language", "connection", "carrier", "event"),
)
"""Columns of records that an inspection looks for."""

_COUNTS = {"status", "bytes"}  # 0 stands for none
_ADVICE: dict[bool, tuple[str, ...]] = {True: (), False: ("opt_out",)}

_WORTH = ("host", "user_agent", "referrer", "duration", "language")
"""Columns that fill tables, tell sites and visitors apart, or people from bots."""


@dataclass(frozen=True)
class Inspection:
    """What a sample of a file says of it.

    Attributes:
        path: the file.
        compression: how it is packed.
        format: name of its format, None where it has none that is known.
        looks_like: what it is instead, where it is no web log.
        other_format: the next best format, and `tie` whether it fits just as well.
        lines: lines of the sample that are not blank.
        accepted: share of them that are read, with a time that can be.
        first_hour: first hour of the sample in UTC, `YYYY-MM-DDTHH`, or None.
        last_hour: last one.
        fields: columns of records that the sample fills.
        missing: those that it does not.
        identifiers: ids that the format can carry, beside address and user agent.
        child_signals: names of the signals of children that it can carry, beside those in URLs.
        opt_out_signals: likewise of opt-outs.
        url_signals: names of the signals that its URLs can carry.
        worth_logging: columns of records that servers could log, and that fill tables or tell opt-outs.
        costs: what the format lacks and what that costs, in words.
    """

    path: str
    compression: str
    format: str | None
    looks_like: str | None = None
    other_format: str | None = None
    tie: bool = False
    lines: int = 0
    accepted: float = 0.0
    first_hour: str | None = None
    last_hour: str | None = None
    fields: Sequence[str] = ()
    missing: Sequence[str] = ()
    identifiers: Sequence[str] = ()
    child_signals: Sequence[str] = ()
    opt_out_signals: Sequence[str] = ()
    url_signals: Sequence[str] = ()
    worth_logging: Sequence[str] = ()
    costs: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """The attributes by their names, as `--json` prints them."""
        return asdict(self)


def inspect_files(
    files: Iterable[InputFile], open_file: Opener, forced: str | None = None, signals: tuple[Signal, ...] = ()
) -> Iterator[Inspection | FileProblem]:
    """Look at the first bytes of files, one after the other.

    Args:
        files: what the inputs matched.
        open_file: opens a path.
        forced: name of the format of all files; None tells it of each.
        signals: those of the configuration.
    """
    for file in sorted(set(files), key=lambda f: f.shown):
        sample = read_sample(file, open_file)
        if isinstance(sample, FileReason):
            yield FileProblem(file.shown, sample)
        else:
            told = Detection(forced, 1.0, None, 0.0, tie=False) if forced else detect(sample.data)
            yield inspect_sample(file.shown, sample.compression, sample.data, told, signals)


def inspect_sample(
    path: str, compression: Compression, sample: bytes, detection: Detection, signals: tuple[Signal, ...] = ()
) -> Inspection:
    """Look at the first bytes of a file.

    Args:
        path: the file.
        compression: how it is packed.
        sample: its first bytes, decompressed.
        detection: what `detect_all` said of them.
        signals: those of the configuration.
    """
    if detection.format_name is None:
        return Inspection(path, str(compression), None, detection.refused_as)
    reader = format_by_name(detection.format_name, signals=signals).reader()
    catalogue = signal_catalogue(signals)
    parsed = reader.parse(Block(whole_lines(sample), 0))
    lines = parsed.lines - parsed.blank
    first, last = _hours(parsed.records)
    carried = carried_signals(reader.fields, reader.signals, catalogue)
    in_urls = url_signals(reader.fields, catalogue)
    fields = [name for name in FIELDS if _is_there(parsed.records, name)]
    missing = [name for name in FIELDS if name not in fields]
    return Inspection(
        path=path,
        compression=str(compression),
        format=told_name(detection.format_name),
        other_format=detection.runner_up if detection.tie else None,
        tie=detection.tie,
        lines=lines,
        accepted=pc.sum(parsed.records.column("problem").is_null()).as_py() / lines
        if parsed.records.num_rows
        else 0.0,
        first_hour=first,
        last_hour=last,
        fields=fields,
        missing=missing,
        identifiers=[name for name in (*IDS, "cookie") if name in reader.fields],
        child_signals=carried.child,
        opt_out_signals=carried.opt_out,
        url_signals=sorted({*in_urls.child, *in_urls.opt_out}),
        worth_logging=[*(name for name in missing if name in _WORTH), *_ADVICE[bool(carried.opt_out)]],
        costs=costs(frozenset(fields)),
    )


def _is_there(records: pa.RecordBatch, name: str) -> bool:
    column = records.column(name)
    if name in _COUNTS:
        return bool(pc.any(pc.greater(column, 0)).as_py())
    return bool(column.null_count < len(column))


def _hours(records: pa.RecordBatch) -> tuple[str | None, str | None]:
    extremes = pc.min_max(records.column("time")).as_py()
    return _hour(extremes["min"]), _hour(extremes["max"])


def _hour(time_ms: int | None) -> str | None:
    if time_ms is None or time_ms < 0:
        return None
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H")
