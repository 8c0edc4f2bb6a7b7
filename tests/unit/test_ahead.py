"""Blocks of one stream in several threads: results in order, failures in their place, packed as plain."""

import gzip
import threading
import time
from collections.abc import Iterator

import pytest

from logscrub.ahead import in_order
from logscrub.config import Settings
from logscrub.errors import FileReason
from tests.support import combined_line, run_engine

SETTINGS = Settings(min_support=2, shards=2, block_bytes=4096)


def lines(count: int) -> bytes:
    times = [f"14/Mar/2026:10:{at // 60 % 60:02}:{at % 60:02} +0000" for at in range(count)]
    return b"".join(
        combined_line(f"10.{at % 50}.0.1", time, f"GET /p{at % 9} HTTP/1.1") for at, time in enumerate(times)
    )


def test_results_come_in_the_order_of_the_items() -> None:
    def slow_at_first(item: int) -> tuple[int, str]:
        time.sleep(0.02 if item % 3 == 0 else 0)
        return item, threading.current_thread().name

    done = list(in_order(slow_at_first, range(40)))
    assert [item for item, _ in done] == list(range(40))
    assert threading.current_thread().name not in {name for _, name in done}


def test_items_are_taken_a_few_ahead_only() -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in range(1000):
            taken.append(item)
            yield item

    results = in_order(lambda item: item, items())
    assert next(results) == 0
    assert len(taken) < 20


def test_a_failure_comes_in_its_place() -> None:
    def odd(item: int) -> int:
        if item == 5:
            raise ValueError("five")
        return item

    got = []
    with pytest.raises(ValueError, match="five"):
        got.extend(in_order(odd, range(9)))

    def broken() -> Iterator[int]:
        yield from range(3)
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(in_order(odd, broken()))


@pytest.mark.parametrize("count", [10, 3000])
def test_a_packed_file_gives_the_bytes_of_its_text(count: int) -> None:
    text = lines(count) + b"no log line\n" + lines(5)
    plain, told = run_engine({"access.log": text}, SETTINGS)
    packed, told_packed = run_engine({"access.log": gzip.compress(text)}, SETTINGS)
    assert packed == plain
    assert packed
    assert told_packed.tally.to_json() == told.tally.to_json()
    assert told.tally.lines == count + 6


def test_of_a_damaged_packed_file_nothing_is_counted() -> None:
    packed = gzip.compress(lines(3000))
    _, told = run_engine({"access.log": packed[:-2000], "other.log": lines(5)}, SETTINGS)
    assert told.tally.problems == {"access.log": FileReason.CORRUPT_ARCHIVE}
    assert told.tally.lines == 5
