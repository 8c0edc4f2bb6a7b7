"""Promise D: Python is called for blocks and distinct values, never for records."""

import sys
from collections.abc import Callable

import pytest

from logscrub.config import MIB, Settings
from tests.support import AGENTS, combined_line, event_lines, run_engine


def combined(lines: int) -> bytes:
    return b"".join(
        combined_line(
            f"198.18.{n % 50}.{n % 7}",
            f"14/Mar/2026:10:{n * 60 // lines:02}:{n % 60:02} +0000",
            f"GET /{n % 20}/page?q={n % 30} HTTP/1.1",
            size=n % 100,
            agent=AGENTS[n % 4],
        )
        for n in range(lines)
    )


def events(lines: int) -> bytes:
    return b"".join(
        event_lines(
            {
                "time": f"2026-03-14T10:{n * 60 // lines:02}:{n % 60:02}Z",
                "ip": f"198.18.{n % 50}.{n % 7}",
                "user_agent": AGENTS[n % 4],
                "path": f"/page/{n % 20}",
                "device_id": f"device-{n % 40}",
                "session_id": f"session-{n % 80}",
                "age": n % 60,
                "bytes": n % 100,
            }
            for n in range(lines)
        )
    )


def python_calls(run: Callable[[], object]) -> int:
    calls = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        run()
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("log", [combined, events])
def test_ten_times_the_records_take_no_more_python(log: Callable[[int], bytes]) -> None:
    one_block = Settings(min_support=2, block_bytes=64 * MIB)
    few, many = {"a.log": log(10_000)}, {"a.log": log(100_000)}
    run_engine(few, one_block)  # imports and caches
    one = python_calls(lambda: run_engine(few, one_block))
    ten = python_calls(lambda: run_engine(many, one_block))
    assert ten < one * 1.1
    assert one < ten * 1.1
