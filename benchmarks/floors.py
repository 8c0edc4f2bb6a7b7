"""What the parts of a step cost by themselves, with the libraries that logscrub uses and nothing around them.

python benchmarks/floors.py /tmp/logs/a-10000000/access.log-00000
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv
from pyarrow import json as arrow_json

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / part) for part in ("src", "")]

from logscrub.privacy.pseudonyms import siphash24  # noqa: E402

BLOCK = 16 * 1024 * 1024
MILLION = 1_000_000
_KEY = bytes(16)
_WORDS = 4  # of an address, a user agent and a day


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


def values(data: bytes) -> list[pa.Array]:
    """Values between quotes and those before, between and after them, as text."""
    read = csv.read_csv(
        pa.BufferReader(data),
        read_options=csv.ReadOptions(
            use_threads=False, block_size=len(data) + 1, column_names=[str(at) for at in range(7)]
        ),
        parse_options=csv.ParseOptions(delimiter='"', quote_char=False, invalid_row_handler=lambda _: "skip"),
        convert_options=csv.ConvertOptions(
            column_types={str(at): pa.string() for at in range(7)}, check_utf8=False
        ),
    )
    return [column.combine_chunks() for column in read.columns]


def json_values(data: bytes) -> pa.Table:
    """All values of JSON lines."""
    options = arrow_json.ReadOptions(use_threads=False, block_size=len(data) + 1)
    return arrow_json.read_json(pa.BufferReader(data), read_options=options)


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
    yield "find the ends of lines", _cpu(lambda: [_ends(part) for part in parts]) * scale
    if parts[0].startswith(b"{"):
        yield "tokenise: Arrow's JSON reader", _cpu(lambda: list(map(json_values, parts))) * scale
    else:
        yield (
            "tokenise: Arrow's CSV reader, as text",
            _cpu(lambda: list(map(values, parts))) * scale,
        )
        columns = [column for part in parts for column in values(part)]
        yield "find distinct values of all columns", _cpu(lambda: _distinct(columns)) * scale
    words = [np.arange(lines, dtype=np.uint64)] * _WORDS
    yield "hash: SipHash-2-4 of four words a line", _cpu(lambda: siphash24(_KEY, words)) * scale


def _ends(data: bytes) -> int:
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == ord("\n")))


def _distinct(columns: Sequence[pa.Array]) -> None:
    for column in columns:
        column.dictionary_encode()


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
