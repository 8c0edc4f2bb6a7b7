"""Ranges and blocks of any size give the same lines."""

import io
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from logscrub.text.blocks import OversizeLine, line_starts, read_blocks, sanitize

BOM = b"\xef\xbb\xbf"
PIECES = st.sampled_from([b"\n", b"\r\n", b"x", b"abcdefghij", b"a" * 40, BOM, b"\xff", b"\r", b"\x00"])


def split_lines(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    whole = [line + b"\n" for line in lines[:-1]]
    return [*whole, lines[-1]] if lines[-1] else whole


def expected(data: bytes, max_line: int) -> list[tuple[int, bytes | None]]:
    at = len(BOM) if data.startswith(BOM) else 0
    result = []
    for line in split_lines(data[at:]):
        result.append((at, line if len(line.removesuffix(b"\n")) <= max_line else None))
        at += len(line)
    return result


def read(data: bytes, ranges, block_bytes: int, max_line: int) -> list[tuple[int, bytes | None]]:
    result = []
    for start, stop in ranges:
        for item in read_blocks(io.BytesIO(data), start, stop, block_bytes=block_bytes, max_line=max_line):
            if isinstance(item, OversizeLine):
                result.append((item.offset, None))
            else:
                result += zip(line_starts(item).tolist(), split_lines(bytes(item.data)), strict=True)
    return result


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_every_layout_gives_the_same_lines(data):
    text = b"".join(data.draw(st.lists(PIECES, max_size=30)))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text) + 2), max_size=4)))
    max_line = data.draw(st.sampled_from([1, 5, 10, 25, 1000]))
    block_bytes = data.draw(st.sampled_from([1, 4, 7, 16, 100]))
    assert read(text, pairwise([0, *cuts, None]), block_bytes, max_line) == expected(text, max_line)


@given(st.lists(PIECES | st.binary(max_size=6), max_size=12))
def test_sanitize_keeps_lines_and_repairs_each_for_itself(pieces):
    text = b"".join(pieces)
    whole = bytes(sanitize(memoryview(text)))
    assert whole.decode() == text.decode("utf-8", "replace")
    assert split_lines(whole) == [bytes(sanitize(line)) for line in split_lines(text)]
