"""From input files to units of work: compression, format, duplicates, ranges.

All of it is decided from the files' heads before any record is judged.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from logscrub.errors import CorruptInputError, FileReason, UsageError
from logscrub.formats.detect import SURE_SHARE, Detection, detect_all
from logscrub.formats.registry import format_by_name
from logscrub.text.blocks import BOM
from logscrub.text.packed import SNIFF_BYTES, Compression, sniff_compression
from logscrub.text.streams import ByteStream, fill, looks_archive, looks_binary, open_text

Opener = Callable[[str], BinaryIO]
"""Opens a path for reading bytes; raises OSError."""

_HEAD_BYTES = 64 * 1024
_SAMPLE_BYTES = 256 * 1024
_PIECE_BYTES = 1024 * 1024
_TOGETHER_BYTES = 8 * 1024 * 1024  # samples whose format is told at once
_BATCHES = 64  # about so many batches, or more where they would be larger than a range
_LEAST_BATCH = 1024 * 1024
_OPENING = 64 * 1024  # bytes that could be read while a file is opened
_DATE = re.compile(rb"[0-9]{1,2}/[A-Z][a-z]{2}/[0-9]{4}|[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOST_DAYS = 31
_UNPACKED = {  # bytes of a log for each byte of its file, about
    Compression.NONE: 1,
    Compression.GZIP: 8,
    Compression.ZSTD: 8,
    Compression.BZIP2: 12,
    Compression.XZ: 12,
    Compression.LZ4: 5,
}


@dataclass(frozen=True)
class InputFile:
    """A file that was found.

    Attributes:
        path: where it is.
        size: its bytes as stored.
        name: what messages call it, where that is not its path.
    """

    path: str
    size: int
    name: str | None = None

    @property
    def shown(self) -> str:
        """What messages call it."""
        return self.name or self.path


@dataclass(frozen=True)
class FileRange:
    """A unit of work: the lines of a file whose first byte is in [start, stop).

    Attributes:
        path: the file.
        start: first byte of the range.
        stop: first byte after it; None reads a file that is not split to its end.
        compression: how the file is packed.
        format: name of its log format.
        size: bytes of the range as stored; 0 where nothing tells.
        name: what messages call the file, where that is not its path.
    """

    path: str
    start: int
    stop: int | None
    compression: Compression
    format: str
    size: int = 0
    name: str | None = None

    @property
    def shown(self) -> str:
        """What messages call the file."""
        return self.name or self.path

    @property
    def text_bytes(self) -> int:
        """Bytes of its text, about; 0 where nothing tells."""
        return self.size * _UNPACKED[self.compression]


Batch = tuple[FileRange, ...]
"""Ranges of one format and compression that are read together: one large one, or many small ones."""


@dataclass(frozen=True)
class FileProblem:
    """An input that is not counted, and why; `what` is what it looks like instead of a log, if told."""

    path: str
    reason: FileReason
    what: str | None = None


def no_input(missing: Iterable[FileProblem]) -> UsageError:
    """The error that there is no input at all, with what is wrong with each that was given."""
    told = "; ".join(f"{problem.path}: {problem.reason.advice}" for problem in missing)
    return UsageError(f"no input: {told}" if told else "no input")


@dataclass(frozen=True)
class Doubt:
    """A file whose format is not sure.

    Attributes:
        path: the file.
        format: the format that was chosen.
        share: of the lines of its sample that are not blank, how many this format fits.
        runner_up: the next best format, if another fits any line.
        tie: whether that one captures as many fields, and reads lines otherwise.
    """

    path: str
    format: str
    share: float
    runner_up: str | None
    tie: bool


@dataclass(frozen=True)
class Duplicate:
    """A file whose content is that of another one; it is counted once.

    A file that is given twice is its own duplicate, of no lines, since it is read once.
    """

    path: str
    original: str
    lines: int

    @property
    def is_itself(self) -> bool:
        """Whether one file was given twice."""
        return self.path == self.original


@dataclass(frozen=True)
class Plan:
    """What a run reads.

    Attributes:
        ranges: units of work, compressed files first, since they cannot be split.
        problems: inputs that are not counted.
        duplicates: files left out because their content is another file's.
        total_bytes: stored bytes of the files that are read.
        doubts: files among them whose format is not sure.
        text_bytes: bytes of their text, about.
        day_bytes: those of the files that begin on the busiest day, by the first date in each; not less than
            a 31st of all, since a date may be another thing's.
    """

    ranges: tuple[FileRange, ...]
    problems: tuple[FileProblem, ...]
    duplicates: tuple[Duplicate, ...]
    total_bytes: int
    doubts: tuple[Doubt, ...] = ()
    text_bytes: int = 0
    day_bytes: int = 0

    def batches(self, range_bytes: int) -> list[Batch]:
        """Give the units of work, in the order of `ranges`: how they are cut changes no released byte.

        Args:
            range_bytes: small ranges are read together up to about so many bytes.
        """
        limit = min(range_bytes, max(_LEAST_BATCH, sum(map(_weight, self.ranges)) // _BATCHES))
        batches: list[list[FileRange]] = []
        room: dict[tuple[Compression, str], tuple[int, list[FileRange]]] = {}
        for part in self.ranges:
            kind, weight = (part.compression, part.format), _weight(part)
            left, batch = room.get(kind, (0, []))
            if left < weight or format_by_name(part.format).has_directives:
                left, batch = limit, []
                batches.append(batch)
            batch.append(part)
            room[kind] = left - weight, batch
        return [tuple(batch) for batch in batches]

    @property
    def formats(self) -> list[str]:
        """Sorted names of the formats in use."""
        return sorted({part.format for part in self.ranges})


@dataclass(frozen=True)
class Sample:
    """The first bytes of a file, decompressed."""

    file: InputFile
    compression: Compression
    data: bytes


@dataclass(frozen=True)
class _Head:
    file: InputFile
    compression: Compression
    format: str
    digest: bytes
    date: bytes
    doubt: Doubt | None


def plan_inputs(
    files: Iterable[InputFile], open_file: Opener, range_bytes: int, forced: str | None = None
) -> Plan:
    """Sniff each file, leave out what cannot be read and what is there twice, and split the rest.

    Args:
        files: what the inputs matched, once for each input that did; the order does not matter.
        open_file: opens a path.
        range_bytes: size of a range; a compressed file is one range.
        forced: name of the format of all files, whatever their lines look like; None tells it of each.
    """
    files = list(files)
    problems: list[FileProblem] = []
    heads: list[_Head] = []
    for head in _read_heads(sorted(set(files), key=lambda f: f.shown), open_file, forced):
        if isinstance(head, FileProblem):
            problems.append(head)
        else:
            heads.append(head)
    problems.sort(key=lambda problem: problem.path)
    duplicates = _duplicates(heads, open_file)
    left_out = {duplicate.path for duplicate in duplicates}
    duplicates += [Duplicate(shown, shown, 0) for shown in _given_twice(files)]
    total, ranges = 0, []
    of_days: Counter[bytes] = Counter()
    for head in heads:
        if head.file.shown in left_out:
            continue
        total += head.file.size
        parts = _split(head, range_bytes)
        ranges += parts
        of_days[head.date] += sum(part.text_bytes for part in parts)
    ranges.sort(key=lambda r: (r.compression is Compression.NONE, r.path, r.start))
    doubts = (head.doubt for head in heads if head.doubt and head.file.shown not in left_out)
    text = of_days.total()
    day = max(max(of_days.values(), default=0), text // _MOST_DAYS)
    return Plan(tuple(ranges), tuple(problems), tuple(duplicates), total, tuple(doubts), text, day)


def _given_twice(files: Iterable[InputFile]) -> list[str]:
    return sorted(shown for shown, times in Counter(file.shown for file in files).items() if times > 1)


def _weight(part: FileRange) -> int:
    """What a range costs, in bytes of a log."""
    return _OPENING + part.text_bytes


def _read_heads(
    files: Iterable[InputFile], open_file: Opener, forced: str | None
) -> Iterator[_Head | FileProblem]:
    """Sniff files; many small ones are looked at together."""
    waiting: list[Sample] = []
    held = 0
    for file in files:
        sample = read_sample(file, open_file)
        if isinstance(sample, FileReason):
            yield FileProblem(file.shown, sample)
            continue
        waiting.append(sample)
        held += len(sample.data)
        if held >= _TOGETHER_BYTES:
            yield from _heads(waiting, forced)
            waiting, held = [], 0
    if waiting:
        yield from _heads(waiting, forced)


def _heads(samples: Sequence[Sample], forced: str | None) -> Iterator[_Head | FileProblem]:
    if forced:
        yield from (_head(sample, forced) for sample in samples)
        return
    for sample, detection in zip(samples, detect_all([s.data for s in samples]), strict=True):
        if detection.format_name is None:
            yield FileProblem(sample.file.shown, FileReason.UNKNOWN_FORMAT, detection.refused_as)
        else:
            yield _head(sample, detection.format_name, _doubt(sample.file.shown, detection))


def _head(sample: Sample, log_format: str, doubt: Doubt | None = None) -> _Head:
    """Give what is kept of a sample; not the sample itself: there may be many thousand files."""
    digest = hashlib.sha256(sample.data[:_HEAD_BYTES]).digest()
    date = _DATE.search(sample.data)
    return _Head(sample.file, sample.compression, log_format, digest, date[0] if date else b"", doubt)


def _doubt(path: str, found: Detection) -> Doubt | None:
    if found.format_name is None or (found.share >= SURE_SHARE and not found.tie):
        return None
    return Doubt(path, found.format_name, found.share, found.runner_up, found.tie)


def read_sample(file: InputFile, open_file: Opener) -> Sample | FileReason:
    """Read the beginning of a file, or tell why it is not text that can be read."""
    try:
        with open_file(file.path) as raw:
            compression = sniff_compression(raw.read(SNIFF_BYTES))
            raw.seek(0)
            data, damaged = _sample(open_text(raw, compression))
    except OSError:
        return FileReason.UNREADABLE
    if damaged and not data.strip():
        return FileReason.CORRUPT_ARCHIVE
    if not data.removeprefix(BOM).strip():
        return FileReason.EMPTY
    if looks_archive(data):
        return FileReason.ARCHIVE
    if looks_binary(data[:_HEAD_BYTES]):
        return FileReason.BINARY
    return Sample(file, compression, data)


def _sample(stream: ByteStream) -> tuple[bytes, bool]:
    """First bytes of a file, and whether damage cut them short.

    A damaged file is planned all the same: what it says of children before the damage is honoured.
    """
    buffer = bytearray(_SAMPLE_BYTES)
    filled, damage = fill(stream, memoryview(buffer))
    return bytes(buffer[:filled]), damage is not None


def _split(head: _Head, range_bytes: int) -> list[FileRange]:
    path, size, name = head.file.path, head.file.size, head.file.name
    whole = head.compression is not Compression.NONE or format_by_name(head.format).has_directives
    if whole or not size:  # files of /proc tell no size
        return [FileRange(path, 0, None, head.compression, head.format, size, name)]
    starts = range(0, size, range_bytes)
    stops = [*starts[1:], size]
    return [
        FileRange(path, start, stop, head.compression, head.format, stop - start, name)
        for start, stop in zip(starts, stops, strict=True)
    ]


def _duplicates(heads: Sequence[_Head], open_file: Opener) -> list[Duplicate]:
    """Files with the content of another: whole digests are taken only where heads, and known sizes, agree."""
    alike = defaultdict(list)
    for head in heads:
        alike[head.digest].append(head)
    found = []
    for group in alike.values():
        if not _may_repeat(group):
            continue
        originals: dict[tuple[int, bytes], str] = {}
        for head in sorted(group, key=lambda h: (h.compression is not Compression.NONE, h.file.shown)):
            content = _content(head, open_file)
            if content is None:
                continue
            length, digest, lines = content
            original = originals.setdefault((length, digest), head.file.shown)
            if original != head.file.shown:
                found.append(Duplicate(head.file.shown, original, lines))
    return sorted(found, key=lambda duplicate: duplicate.path)


def _may_repeat(group: Sequence[_Head]) -> bool:
    if len(group) == 1:
        return False
    plain = [head.file.size for head in group if head.compression is Compression.NONE]
    return len(plain) < len(group) or len(set(plain)) < len(plain)


def _content(head: _Head, open_file: Opener) -> tuple[int, bytes, int] | None:
    """Decompressed length, SHA-256 and number of lines; None where the file cannot be read to its end."""
    digest, length, newlines, last = hashlib.sha256(), 0, 0, b"\n"
    try:
        with open_file(head.file.path) as raw:
            stream = open_text(raw, head.compression)
            while piece := _piece(stream):
                digest.update(piece)
                length += len(piece)
                newlines += piece.count(b"\n")
                last = piece[-1:]
    except (OSError, CorruptInputError):
        # The step that reads the file tells what is wrong with it.
        return None
    return length, digest.digest(), newlines + (last != b"\n")


def _piece(stream: ByteStream) -> bytes:
    buffer = bytearray(_PIECE_BYTES)
    filled, damage = fill(stream, memoryview(buffer))
    if damage:
        raise damage
    return bytes(buffer[:filled])
