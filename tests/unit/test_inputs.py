import gzip
import io
import os
from collections.abc import Mapping
from typing import BinaryIO, cast

import pytest

from logscrub.errors import FileReason
from logscrub.inputs import FileProblem, InputFile, Plan, plan_inputs
from logscrub.text.streams import Compression
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
        (PACKED[:20], FileReason.CORRUPT_GZIP),
        (b"\x1f\x8b", FileReason.CORRUPT_GZIP),
        (b"\x1f\x8bhello", FileReason.CORRUPT_GZIP),
        (b"dear diary\n" * 20, FileReason.UNKNOWN_FORMAT),
        (b'{"a": 1}\n' * 20, FileReason.UNKNOWN_FORMAT),
    ],
)
def test_a_file_that_cannot_be_counted_is_told_and_the_rest_goes_on(data: bytes, reason: FileReason) -> None:
    found = plan({"bad": data, "good.log": log(3)})
    assert found.problems == (FileProblem("bad", reason),)
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


def test_the_formats_in_use_say_whether_signals_are_read() -> None:
    events = b"".join(event_lines([{"time": 1_770_000_000, "ip": "192.0.2.1", "path": "/"}] * 3))
    assert not plan({"a.log": log(3)}).carries_identifiers
    assert plan({"a.log": log(3), "b.jsonl": events}).carries_identifiers


def test_no_files_make_an_empty_plan() -> None:
    assert plan({}) == Plan((), (), (), 0)


@pytest.mark.parametrize("damaged", [PACKED[: len(PACKED) // 2], PACKED[:-8] + b"abcdefgh"])
def test_a_damaged_file_is_told_by_the_run_which_reads_the_signals_before_the_damage(damaged: bytes) -> None:
    found = plan({"bad.gz": damaged, "good.log": log(3)})
    assert (found.problems, [r.path for r in found.ranges]) == ((), ["bad.gz", "good.log"])
    _, result = run_engine({"bad.gz": damaged, "good.log": log(3)})
    assert result.tally.problems == {"bad.gz": FileReason.CORRUPT_GZIP}
    assert result.tally.lines == 3
