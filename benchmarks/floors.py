"""What the parts of a step cost by themselves, with nothing around them.

python benchmarks/floors.py /tmp/logs/a-10000000/access.log-00000
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / part) for part in ("src", "")]

from logscrub.formats.events import EVENT_MAP  # noqa: E402
from logscrub.formats.json_plain import read_plain  # noqa: E402
from logscrub.native.lines import Number, count_byte, places_of, split_lines  # noqa: E402
from logscrub.privacy.pseudonyms import siphash24  # noqa: E402

BLOCK = 24 * 1024 * 1024
MILLION = 1_000_000
_KEY = bytes(16)
_WORDS = 4  # of an address, a user agent and a day
_TIME = 30  # bytes of ` [time] ` before the first quote
_COMBINED = ((), (), (b" ", Number(4), b" ", Number(18, may_be_negative=True), b" "), (), (), (), ())


def blocks(path: Path, most: int) -> list[bytes]:
    """Whole lines of the first bytes of a log, in blocks."""
    found: list[bytes] = []
    left = most
    with path.open("rb") as log:
        while data := log.read(min(BLOCK, left)):
            end = data.rfind(b"\n") + 1
            log.seek(end - len(data), 1)
            if not end:
                break
            found.append(data[:end])
            left -= end
    return found


def columns(data: bytes) -> None:
    """Values between quotes and those before, between and after them."""
    split_lines(data, count_byte(data, b"\n"), _COMBINED, _TIME)


def json_columns(data: bytes) -> None:
    """Values of JSON lines that are events."""
    ends = places_of(data, b"\n").astype(np.int64) + 1
    read_plain(data, np.append(0, ends[:-1]), ends, EVENT_MAP.slots)


def costs(path: Path, most: int) -> Iterator[tuple[str, float]]:
    """CPU seconds for a million lines, part by part."""
    buffer = bytearray(BLOCK)
    with path.open("rb", buffering=0) as log:
        size = min(most, path.stat().st_size)
        read = _cpu(lambda: [log.readinto(buffer) for _ in range(-(-size // BLOCK))])
    parts = blocks(path, most)
    lines = sum(part.count(b"\n") for part in parts)
    scale = MILLION / lines
    yield "read", read * scale * sum(len(part) for part in parts) / size
    yield "find the ends of lines", _cpu(lambda: [count_byte(part, b"\n") for part in parts]) * scale
    if parts[0].startswith(b"{"):
        yield "tokenise: JSON lines to columns", _cpu(lambda: list(map(json_columns, parts))) * scale
    else:
        yield "tokenise: lines cut into columns", _cpu(lambda: list(map(columns, parts))) * scale
    words = [np.arange(lines, dtype=np.uint64)] * _WORDS
    yield "hash: SipHash-2-4 of four words a line", _cpu(lambda: siphash24(_KEY, words)) * scale


def _cpu(work: Callable[[], object]) -> float:
    work()  # once for the caches and the allocator
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> None:
    """Print the table for a log."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("log", type=Path, help="a log of one line a record, combined or JSON")
    parser.add_argument("--megabytes", type=int, default=256, help="how much of it is read (default 256)")
    options = parser.parse_args()
    print("| part | CPU s / M lines |\n|---|---:|")
    for name, seconds in costs(options.log, options.megabytes * MILLION):
        print(f"| {name} | {seconds:.2f} |")


if __name__ == "__main__":
    main()
