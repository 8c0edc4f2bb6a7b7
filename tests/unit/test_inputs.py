import bz2
import gzip
import io
import lzma
import os
import tarfile
from collections.abc import Callable, Mapping
from typing import BinaryIO, cast

import lz4.frame
import pytest

from logscrub.config import MIB, Settings
from logscrub.engine import shard_count
from logscrub.errors import FileReason
from logscrub.formats.registry import format_by_name
from logscrub.inputs import FileProblem, InputFile, Plan, plan_inputs
from logscrub.text.packed import Compression, zstd
from tests.support import combined_line, event_lines, run_engine


def log(lines: int, start: int = 0) -> bytes:
    return b"".join(combined_line(request=f"GET /{n:06} HTTP/1.1") for n in range(start, start + lines))


def plan(files: Mapping[str, bytes], range_bytes: int = 1 << 30, repeat: int = 1) -> Plan:
    def open_file(path: str) -> BinaryIO:
        return cast(BinaryIO, io.BytesIO(files[path]))

    return plan_inputs([InputFile(p, len(d)) for p, d in files.items()] * repeat, open_file, range_bytes)


def duplicates(found: Plan) -> list[tuple[str, str, int]]:
    return [(d.path, d.original, d.lines) for d in found.duplicates]


def test_a_rotated_copy_counts_once_whether_packed_or_not() -> None:
    data = log(40)
    files = {
        "access.log.1.gz": gzip.compress(data),
        "access.log.1": data,
        "access.log.2.gz": gzip.compress(data, 1),
    }
    found = plan(files)
    assert [r.path for r in found.ranges] == ["access.log.1"]
    assert duplicates(found) == [
        ("access.log.1.gz", "access.log.1", 40),
        ("access.log.2.gz", "access.log.1", 40),
    ]
    assert found.total_bytes == len(data)
    assert plan(dict(reversed(files.items()))) == found


def test_two_packed_copies_count_once() -> None:
    data = log(3)
    assert duplicates(plan({"b.gz": gzip.compress(data, 9), "a.gz": gzip.compress(data, 1)})) == [
        ("b.gz", "a.gz", 3)
    ]


def test_a_copy_without_the_last_newline_is_other_content() -> None:
    assert not plan({"a.log": log(3), "b.log": log(3)[:-1]}).duplicates
    assert duplicates(plan({"a.log": log(3)[:-1], "b.log": log(3)[:-1]})) == [("b.log", "a.log", 3)]


def test_the_same_file_twice_is_read_once_and_told() -> None:
    found = plan({"a.log": log(5)}, repeat=2)
    assert len(found.ranges) == 1
    assert duplicates(found) == [("a.log", "a.log", 0)]
    assert found.duplicates[0].is_itself


def test_a_repeated_copy_is_told_both_ways() -> None:
    found = plan({"a.log": log(5), "b.log": log(5)}, repeat=2)
    assert [r.path for r in found.ranges] == ["a.log"]
    assert duplicates(found) == [("b.log", "a.log", 5), ("a.log", "a.log", 0), ("b.log", "b.log", 0)]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_files_that_only_begin_alike_are_no_duplicates(pack: type[bytes]) -> None:
    grown = log(2000)
    other = grown[:-3] + b'X"\n'  # the same length, other content after the head that is compared first
    found = plan({"a.log": pack(grown), "b.log": pack(grown + log(1, 9000)), "c.log": pack(other)})
    assert not found.duplicates
    assert len(found.ranges) == 3


def test_a_damaged_copy_is_no_duplicate() -> None:
    data = b"".join(combined_line(request=f"GET /{os.urandom(8).hex()} HTTP/1.1") for _ in range(20_000))
    packed = gzip.compress(data)
    assert not plan({"a.log": data, "b.gz": packed[:-4]}).duplicates


def test_plain_files_are_split_and_packed_ones_are_not() -> None:
    data = log(100)
    found = plan({"b.log": data, "a.gz": gzip.compress(log(50))}, range_bytes=1000)
    packed, *parts = found.ranges
    assert (packed.path, packed.start, packed.stop, packed.compression) == ("a.gz", 0, None, Compression.GZIP)
    assert {p.path for p in parts} == {"b.log"}
    assert [p.start for p in parts] == list(range(0, len(data), 1000))
    assert [p.stop for p in parts] == [*range(1000, len(data), 1000), len(data)]


def test_ranges_are_sorted_whatever_the_order_of_the_inputs() -> None:
    files = {f"{n}.log": log(n + 1) for n in range(12)} | {
        f"{n}.gz": gzip.compress(log(n + 30)) for n in range(5)
    }
    found = plan(files, range_bytes=500)
    assert plan(dict(reversed(files.items())), range_bytes=500) == found
    keys = [(r.compression is Compression.NONE, r.path, r.start) for r in found.ranges]
    assert keys == sorted(keys)


def test_a_file_without_a_known_size_is_read_to_its_end() -> None:
    found = plan_inputs([InputFile("/proc/x", 0)], lambda _: cast(BinaryIO, io.BytesIO(log(3))), 1000)
    assert [(r.start, r.stop) for r in found.ranges] == [(0, None)]


PACKED = gzip.compress(log(500), mtime=0)


def tar_of(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("access.log")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", FileReason.EMPTY),
        (b"\n \r\n\n", FileReason.EMPTY),
        (gzip.compress(b"", mtime=0), FileReason.EMPTY),
        (bytes(range(256)) * 40, FileReason.BINARY),
        (b"\x89PNG\r\n\x1a\n", FileReason.BINARY),
        (gzip.compress(gzip.compress(log(3)), mtime=0), FileReason.BINARY),
        (log(3).decode().encode("utf-16"), FileReason.BINARY),
        (tar_of(log(300)), FileReason.ARCHIVE),
        (gzip.compress(tar_of(log(300)), mtime=0), FileReason.ARCHIVE),
        (b"PK\x03\x04" + bytes(30), FileReason.ARCHIVE),
        (PACKED[:20], FileReason.CORRUPT_ARCHIVE),
        (b"\x1f\x8b", FileReason.CORRUPT_ARCHIVE),
        (b"\x1f\x8bhello", FileReason.CORRUPT_ARCHIVE),
        (b"dear diary\n" * 20, FileReason.UNKNOWN_FORMAT),
        (b'{"a": 1}\n' * 20, FileReason.UNKNOWN_FORMAT),
    ],
)
def test_a_file_that_cannot_be_counted_is_told_and_the_rest_goes_on(data: bytes, reason: FileReason) -> None:
    found = plan({"bad": data, "good.log": log(3)})
    assert [(problem.path, problem.reason) for problem in found.problems] == [("bad", reason)]
    assert [r.path for r in found.ranges] == ["good.log"]
    assert reason.advice


def test_a_file_that_cannot_be_opened_is_told_and_the_rest_goes_on() -> None:
    def open_file(path: str) -> BinaryIO:
        if path == "locked.log":
            raise PermissionError(13, "Permission denied")
        return cast(BinaryIO, io.BytesIO(log(3)))

    found = plan_inputs([InputFile("locked.log", 5), InputFile("a.log", len(log(3)))], open_file, 10_000)
    assert found.problems == (FileProblem("locked.log", FileReason.UNREADABLE),)
    assert [r.path for r in found.ranges] == ["a.log"]


def test_a_plan_names_its_formats() -> None:
    events = b"".join(event_lines([{"time": 1_770_000_000, "ip": "192.0.2.1", "path": "/"}] * 3))
    assert plan({"a.log": log(3), "b.jsonl": events}).formats == ["combined", "json_events"]


def test_no_files_make_an_empty_plan() -> None:
    assert plan({}) == Plan((), (), (), 0)


@pytest.mark.parametrize("damaged", [PACKED[: len(PACKED) // 2], PACKED[:-8] + b"abcdefgh"])
def test_a_damaged_file_is_told_by_the_run_which_reads_the_signals_before_the_damage(damaged: bytes) -> None:
    found = plan({"bad.gz": damaged, "good.log": log(3)})
    assert (found.problems, [r.path for r in found.ranges]) == ((), ["bad.gz", "good.log"])
    _, result = run_engine({"bad.gz": damaged, "good.log": log(3)})
    assert result.tally.problems == {"bad.gz": FileReason.CORRUPT_ARCHIVE}
    assert result.tally.lines == 3


PACKS = [gzip.compress, bz2.compress, lzma.compress, lz4.frame.compress, zstd.compress]


@pytest.mark.parametrize("pack", PACKS)
def test_a_packed_file_gives_the_bytes_of_a_plain_one(pack: Callable[[bytes], bytes]) -> None:
    data = log(600)
    plain, told = run_engine({"a.log": data})
    packed, other = run_engine({"a.log": pack(data[:9_999]) + pack(data[9_999:])})
    assert packed == plain
    assert (other.tally.lines, other.tally.problems) == (told.tally.lines, {})


@pytest.mark.parametrize("pack", PACKS)
@pytest.mark.parametrize("share", [0.02, 0.4, 0.7, 0.99])
def test_of_a_packed_file_that_is_cut_nothing_is_counted(
    pack: Callable[[bytes], bytes], share: float
) -> None:
    packed = pack(
        b"".join(combined_line(request=f"GET /{os.urandom(6).hex()} HTTP/1.1") for _ in range(9000))
    )
    released, result = run_engine({"cut": packed[: int(len(packed) * share)], "good.log": log(3)})
    problems = {p.path: p.reason for p in result.plan.problems} | result.tally.problems
    assert problems == {"cut": FileReason.CORRUPT_ARCHIVE}
    assert result.tally.lines == 3
    assert released == run_engine({"good.log": log(3)})[0]


def test_a_name_stands_for_the_path_in_all_that_is_told() -> None:
    contents = {"/tmp/x": log(3) + b"\xff garbage\n", "a.log": log(3), "/tmp/y": PACKED[:20]}
    files = [
        InputFile("/tmp/x", len(contents["/tmp/x"]), "standard input"),
        InputFile("/tmp/y", 20, "other"),
        InputFile("a.log", len(log(3))),
    ]
    found = plan_inputs(files, lambda path: cast(BinaryIO, io.BytesIO(contents[path])), 50)
    assert found.problems == (FileProblem("other", FileReason.CORRUPT_ARCHIVE),)
    assert {r.shown for r in found.ranges} == {"standard input", "a.log"}


def test_a_file_of_directives_is_read_as_one_and_alone() -> None:
    head = b"#Version: 1.0\n#Fields: date time c-ip cs-method cs-uri-stem sc-status\n"
    lines = [b"2026-03-14 10:00:%02d 198.51.%d.7 GET /%d 200\n" % (n % 60, n, n) for n in range(200)]
    other = head.replace(b"c-ip cs-method", b"cs-method c-ip")
    swapped = [b"2026-03-14 10:00:%02d GET 198.51.%d.7 /%d 200\n" % (n % 60, n, n) for n in range(200)]
    files = {"a.log": head + b"".join(lines), "b.log": other + b"".join(swapped)}
    whole, result = run_engine(files)
    found = plan(files, range_bytes=500)
    if not all(format_by_name(r.format).has_directives for r in found.ranges) or found.problems:
        pytest.skip("no format with directives is known")
    assert [r.path for r in found.ranges] == ["a.log", "b.log"]
    assert [len(batch) for batch in found.batches(1 << 30)] == [1, 1]
    small, _ = run_engine(files, Settings(min_support=2, range_bytes=500, block_bytes=700))
    assert small == whole
    assert result.tally.rejects == 0


def dated(day: int, lines: int) -> bytes:
    time = f"{day:02}/Mar/2026:10:00:00 +0000"
    return b"".join(combined_line(time=time, request=f"GET /{day}/{n:06} HTTP/1.1") for n in range(lines))


def test_the_busiest_day_is_told_by_the_first_date_of_each_file() -> None:
    files = {"a.log": dated(1, 10), "b.log": dated(2, 10), "c.log": dated(2, 30), "d.log": dated(3, 5)}
    found = plan(files)
    assert found.text_bytes == sum(map(len, files.values()))
    assert found.day_bytes == len(files["b.log"]) + len(files["c.log"])


def test_dates_that_are_all_different_do_not_make_a_day_small() -> None:
    files = {f"{day}.log": dated(1 + day % 31, 5) for day in range(31)}
    files |= {
        f"{year}.jsonl": event_lines([{"birth_date": f"{year}-05-17"}])[0] for year in range(1900, 2000)
    }
    found = plan(files)
    assert found.day_bytes >= found.text_bytes // 31


@pytest.mark.parametrize(
    ("text_bytes", "day_bytes", "shards"),
    [
        (0, 0, 1),
        (1000, 1000, 1),
        (512 * MIB, 512 * MIB, 8),  # two would be enough for memory, but threads would wait for the last
        (4096 * MIB, 4096 * MIB, 17),
        (4096 * MIB, 400 * MIB, 2),  # ten days have work enough for all threads
        (512 * MIB, 51 * MIB, 1),
        (10**15, 10**15, 256),
    ],
)
def test_a_day_has_parts_for_memory_and_for_threads(text_bytes: int, day_bytes: int, shards: int) -> None:
    found = Plan((), (), (), 0, (), text_bytes, day_bytes)
    assert shard_count(Settings(), found) == shards
    assert shard_count(Settings(shards=3), found) == 3
