"""Promise D: Python is called for blocks and distinct values, never for records."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

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


def python_steps(run: Callable[[], object]) -> tuple[int, int]:
    """Calls of Python and C functions, and lines and iterations of our own code."""
    calls = steps = 0

    def count_call(_: object, event: str, __: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    def count_step(frame: FrameType, event: str, __: object) -> Any:
        nonlocal steps
        if "logscrub" not in frame.f_code.co_filename:
            return None
        frame.f_trace_opcodes = True
        steps += event == "opcode"
        return count_step

    sys.setprofile(count_call)
    try:
        run()
    finally:
        sys.setprofile(None)
    sys.settrace(count_step)
    try:
        run()
    finally:
        sys.settrace(None)
    return calls, steps


@pytest.mark.parametrize("log", [combined, events])
def test_ten_times_the_records_take_no_more_python(log: Callable[[int], bytes]) -> None:
    one_block = Settings(min_support=2, block_bytes=64 * MIB)
    few, many = {"a.log": log(10_000)}, {"a.log": log(100_000)}
    run_engine(few, one_block)  # imports and caches
    ones = python_steps(lambda: run_engine(few, one_block))
    tens = python_steps(lambda: run_engine(many, one_block))
    for one, ten in zip(ones, tens, strict=True):
        assert ten < one * 1.1
        assert one < ten * 1.1


def test_a_loop_over_records_would_be_seen() -> None:
    """Calls alone do not tell of a loop that calls nothing; the steps of its code do."""
    loop = compile("sum_ = 0\nfor n in range(size):\n    sum_ += n\n", "logscrub/loop.py", "exec")
    few, many = (python_steps(lambda size=size: exec(loop, {"size": size})) for size in (1_000, 10_000))
    assert few[0] == many[0]
    assert many[1] > few[1] * 9
