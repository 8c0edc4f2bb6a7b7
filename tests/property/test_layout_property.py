"""Promise E: order of lines, split of files, sizes and keys change no released byte."""

import gzip
import random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from logscrub.config import Settings
from logscrub.errors import FileReason
from tests.privacy.test_non_interference import make_logs
from tests.support import combined_line, rows_of, run_engine


def shuffled(content: bytes, chance: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    chance.shuffle(lines)
    return b"".join(lines)


def split(name: str, content: bytes, chance: random.Random) -> dict[str, bytes]:
    """A file in two, the second half in gzip."""
    lines = content.splitlines(keepends=True)
    cut = chance.randrange(len(lines) + 1)
    parts = {f"{name}.1": b"".join(lines[:cut]), f"{name}.2.gz": gzip.compress(b"".join(lines[cut:]))}
    return {path: part for path, part in parts.items() if lines}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32),
    range_bytes=st.sampled_from([500, 5000, 1 << 20]),
    block_bytes=st.sampled_from([300, 2000, 1 << 20]),
    shards=st.integers(1, 7),
)
def test_layout_and_key_change_nothing(seed: int, range_bytes: int, block_bytes: int, shards: int) -> None:
    chance = random.Random(seed)
    logs = make_logs(chance)
    files = logs.with_children(chance)
    plain = Settings(min_support=2)
    layout = Settings(min_support=2, range_bytes=range_bytes, block_bytes=block_bytes, shards=shards)
    expected, _ = run_engine(files, plain)
    assert (
        run_engine({name: shuffled(content, chance) for name, content in files.items()}, layout)[0]
        == expected
    )
    parts: dict[str, bytes] = {}
    for name, content in files.items():
        parts |= split(name, content, chance)
    in_parts, told = run_engine(parts, layout)
    # The format is that of a file: a part of a few lines without a time has none.
    assume(all(problem.reason is FileReason.EMPTY for problem in told.plan.problems))
    assert in_parts == expected


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=2, max_size=40), st.integers(100, 600))
def test_hostile_lines_do_not_move_their_neighbours(picks: list[int], size: int) -> None:
    """Each line means the same alone, beside any other, and across a block boundary."""
    hostile = hostile_lines()
    lines = [hostile[pick % len(hostile)] for pick in picks]
    files = {"a.log": b"".join(lines) + b"".join(hostile[:6]) * 3}
    small = Settings(min_support=2, support="visitors", block_bytes=size, range_bytes=size * 2)  # type: ignore[arg-type]
    large = Settings(min_support=2, support="visitors")  # type: ignore[arg-type]
    one, told_one = run_engine(files, small)
    other, told_other = run_engine(files, large)
    assert one == other
    assert told_one.tally.to_json() == told_other.tally.to_json()


def hostile_lines() -> list[bytes]:
    """Combined lines that confuse parsers of quotes, carriage returns and encodings."""
    head = b"198.51.100.%d - - [14/Mar/2026:10:0%d:00 +0000] "
    tails = [
        b'"GET / HTTP/1.1" 200 1 "-" "Mozilla/5.0"',
        b'"GET /a HTTP/1.1" 200 1 "https://www.example.org/" "Mozilla/5.0"',
        b'"GET /b HTTP/1.1" 200 1 "-" "Mozilla/5.0 cut off',
        b'"GET /\\"c HTTP/1.1" 200 1 "-" "a \\"quoted\\" agent"',
        b'"-" 408 - "-" "-"',
        b'"" 400 0 "-" "-"',
        b'"\\x16\\x03\\x01" 400 226 "-" "-"',
        b'"GET /\xff\xfe HTTP/1.1" 404 1 "-" "caf\xe9"',
        b'"GET /d HTTP/1.1" 200 1 "-" "one\rtwo"',
        b'"GET /e HTTP/1.1" 200 1 "-" "agent"\r',
        b'"GET /f HTTP/1.1" 200 1',
        b'"GET /g HTTP/1.1" 200 1 "a" "b" "c"',
        b'"GET /h" "i" HTTP/1.1" 200 1 "-" "agent"',
        b"GET /j HTTP/1.1 200 1 - agent",
    ]
    lines = [head % (n, n % 10) + tail + b"\n" for n, tail in enumerate(tails)]
    return [*lines, b"\n", b"  \n", b'""""""\n', b'"\n', b"\xef\xbb\xbf" + lines[0], b"\x00\n"]


@pytest.mark.parametrize("shards", [2, 3, 7, 16])
def test_a_visitor_lies_in_one_shard_whatever_the_address_is_wrapped_in(shards: int) -> None:
    """A private address inside ISATAP is anew in every site: it is no visitor of two networks."""
    dresses = (
        "2001:db8:{n}00::5efe:10.0.0.5",
        "2002:c633:64{n:02x}::1",
        "::ffff:198.51.{n}.1",
        "198.51.{n}.1",
    )
    lines = [
        combined_line(dress.format(n=n), f"14/Mar/2026:10:{minute:02}:00 +0000")
        for n in range(1, 9)
        for dress in dresses
        for minute in (0, 45)
    ]
    files = {"a.log": b"".join(lines)}
    one, _ = run_engine(files, Settings(min_support=2, shards=1))
    assert run_engine(files, Settings(min_support=2, shards=shards))[0] == one
    ((days),) = rows_of(one, "days", "2026-03-14")
    # ISATAP and 6to4 are visitors of their own; the mapped address is the address.
    assert (days["visitors"], days["visits"]) == (24, 48)
