"""Ranges of a file as blocks of whole lines."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logscrub.native.lines import count_byte, places_of
from logscrub.text.streams import ByteStream, fill

MAX_LINE = 1024 * 1024
"""Bytes of the longest line that is parsed, newline excluded."""

BOM = b"\xef\xbb\xbf"
"""Byte order mark of UTF-8, which counts at the beginning of a file only."""

_TAIL_BYTES = 64 * 1024  # read at a time past the end of a range
_MIN_BUFFER = len(BOM) + 1


class _Buffers(threading.local):
    """The buffer of the last range that a thread has read, for its next one: fresh memory is slow."""

    spare: bytearray | None = None

    def take(self, size: int) -> bytearray:
        """A buffer of that size, whatever it holds."""
        spare, self.spare = self.spare, None
        return spare if spare is not None and len(spare) == size else bytearray(size)


_BUFFERS = _Buffers()


@dataclass(frozen=True)
class Block:
    """Whole lines of a file; the last may lack its newline at the end of the file.

    Attributes:
        data: the bytes, valid until the thread asks for another block.
        offset: where they begin in the (decompressed) file.
    """

    data: memoryview | bytes
    offset: int


@dataclass(frozen=True)
class OversizeLine:
    """A line that is longer than the limit and was skipped; `offset` is where it begins in the file."""

    offset: int


def read_blocks(
    stream: ByteStream, start: int, stop: int | None, *, block_bytes: int, max_line: int = MAX_LINE
) -> Iterator[Block | OversizeLine]:
    r"""Read the lines whose first byte lies in a range of a file.

    Args:
        stream: the bytes of the file; at its start when `start` is 0, else one that can seek.
        start: first byte of the range.
        stop: first byte after the range; None is the end of the file.
        block_bytes: size of the buffer, which all blocks share; it grows for longer lines.
        max_line: bytes of the longest line that is given, newline excluded.

    Yields:
        Blocks of lines that end at "\n" only, and a mark for each longer line, in file order. Each line of
        a file is in exactly one of adjoining ranges. A UTF-8 byte order mark is skipped at offset 0 only.

    Raises:
        CorruptInputError: compressed data is damaged, after the whole lines before the damage.
    """
    first = _seek_line(stream, start) if start else 0
    if first is None or (stop is not None and first >= stop):
        return
    buffer, base, held, skipping = _BUFFERS.take(max(block_bytes, _MIN_BUFFER)), first, 0, False
    while True:
        want = _wanted(len(buffer) - held, base + held, stop)
        got, damaged = fill(stream, memoryview(buffer)[held : held + want])
        filled = held + got
        begin = len(BOM) if base == 0 and buffer.startswith(BOM) else 0
        if skipping:
            begin = buffer.find(b"\n", 0, filled) + 1 or filled
            skipping = buffer[begin - 1 : begin] != b"\n"
        cut, last = _cut(buffer, begin, filled, base, stop, ended=got < want and not damaged)
        yield from _split(buffer, begin, cut, base, max_line)
        if damaged:
            raise damaged
        if last:
            _BUFFERS.spare = buffer
            return
        held = filled - cut
        if held > max_line:
            yield OversizeLine(base + cut)
            skipping, cut, held = True, filled, 0
        buffer = _carry(buffer, cut, held, max_line)
        base += cut


def line_starts(block: Block) -> npt.NDArray[np.int64]:
    """Byte offsets in the file of all lines of a block, in order, blank lines included."""
    size = len(block.data)
    if not size:
        return np.zeros(0, dtype=np.int64)
    starts = np.append(0, places_of(block.data, b"\n").astype(np.int64) + 1)
    return starts[starts < size] + block.offset


def lines_of(data: bytes, starts: npt.NDArray[np.int64]) -> pa.Array:
    """Make an array of lines with their newlines, without a copy of the text."""
    offsets = np.append(starts, len(data)).astype(np.int32)
    return pa.Array.from_buffers(pa.string(), len(starts), [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def lines_at(
    data: memoryview | bytes, begins: npt.NDArray[np.uint32], ends: npt.NDArray[np.uint32]
) -> pa.Array:
    """Some lines as strings, by where each begins and ends, in order."""
    bounds = np.column_stack([begins, ends]).astype(np.int32).ravel()
    # Each other one is what stands between two of the lines.
    buffers = [None, pa.py_buffer(bounds), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.string(), len(bounds) - 1, buffers).take(
        pa.array(np.arange(0, len(bounds), 2))
    )


def data_of(lines: pa.Array) -> pa.Buffer:
    """Give the text of all lines, one after the other."""
    _, offsets, data = lines.buffers()
    bounds = np.frombuffer(offsets, np.int32)[lines.offset : lines.offset + len(lines) + 1]
    first, last = int(bounds[0]), int(bounds[-1])
    return data.slice(first, last - first) if data is not None else pa.py_buffer(b"")


def line_count(data: memoryview | bytes) -> int:
    """Count the lines in the bytes, the last with or without its newline."""
    if not len(data):
        return 0
    return count_byte(data, b"\n") + (data[len(data) - 1] != ord("\n"))


def sanitize(data: memoryview | bytes) -> memoryview | bytes:
    """Give the same lines as valid UTF-8: the bytes themselves, or a copy with U+FFFD for what is not.

    A newline is never part of an invalid sequence, so each line is repaired for itself.
    """
    return data if _is_utf8(data) else bytes(data).decode("utf-8", "replace").encode()


def _is_utf8(data: memoryview | bytes) -> bool:
    offsets = pa.py_buffer(np.array([0, len(data)], dtype=np.int64))
    text = pa.Array.from_buffers(pa.large_string(), 1, [None, offsets, pa.py_buffer(data)])
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _seek_line(stream: ByteStream, start: int) -> int | None:
    """Go to the first line that begins at `start` or later; None when there is none."""
    position = start - 1
    stream.seek(position)
    buffer = bytearray(_TAIL_BYTES)
    while got := fill(stream, memoryview(buffer))[0]:
        newline = buffer.find(b"\n", 0, got)
        if newline >= 0:
            return stream.seek(position + newline + 1)
        position += got
    return None


def _wanted(room: int, position: int, stop: int | None) -> int:
    return room if stop is None else min(room, max(stop - position, _TAIL_BYTES))


def _cut(
    buffer: bytearray, begin: int, filled: int, base: int, stop: int | None, *, ended: bool
) -> tuple[int, bool]:
    """Give the end of the whole lines in the buffer, and whether they are the last of the range."""
    if stop is not None and filled > (final := max(stop - 1 - base, 0)):
        newline = buffer.find(b"\n", final, filled)
        if newline >= 0:
            return max(newline + 1, begin), True
    if ended:
        return filled, True
    return max(buffer.rfind(b"\n", begin, filled) + 1, begin), False


def _split(
    buffer: bytearray, begin: int, cut: int, base: int, max_line: int
) -> Iterator[Block | OversizeLine]:
    """Give the lines between two places of the buffer, those over the limit as marks."""
    at = begin
    while cut - at > max_line:
        newline = buffer.rfind(b"\n", at, at + max_line + 1)
        if newline >= 0:
            at = newline + 1
            continue
        if at > begin:
            yield Block(memoryview(buffer)[begin:at], base + begin)
        yield OversizeLine(base + at)
        begin = at = buffer.find(b"\n", at, cut) + 1 or cut
    if cut > begin:
        yield Block(memoryview(buffer)[begin:cut], base + begin)


def _carry(buffer: bytearray, cut: int, held: int, max_line: int) -> bytearray:
    """Move the beginning of an unfinished line to the front, into a larger buffer when it fills this one."""
    if held < len(buffer):
        view = memoryview(buffer)
        view[:held] = view[cut : cut + held]
        return buffer
    larger = bytearray(max(min(2 * held, max_line + 1), held + 1))
    larger[:held] = buffer
    return larger
