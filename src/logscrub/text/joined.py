"""Lines of several files as one block: parsing costs the same for a hundred small files as for one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from logscrub.text.blocks import Block, line_count, line_starts

_CROWD_MIN = 1024 * 1024
_CROWD_BYTES = 8  # lines that are shorter on average are no log
_PART_BYTES = 512 * 1024
_NO_END = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Piece:
    """Whole lines of one file.

    Attributes:
        number: tells which file.
        block: the lines.
        kept: indexes of the lines that are to be parsed, where empty ones were left out.
    """

    number: int
    block: Block
    kept: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Joined:
    """Pieces one after the other.

    Attributes:
        block: all lines; the offset means nothing.
        first_lines: index in the block of the first line of each piece, and a number above all.
        pieces: the pieces.
        empty: number of empty lines that were left out of the block.
    """

    block: Block
    first_lines: npt.NDArray[np.int64]
    pieces: Sequence[Piece]
    empty: int = 0

    def places(self, lines: npt.NDArray[np.int64]) -> Iterator[tuple[Piece, npt.NDArray[np.int64]]]:
        """Share lines of the joined block, by index and sorted, among the pieces that have any.

        Yields:
            A piece, and the indexes of its lines in this piece.
        """
        bounds = np.searchsorted(lines, self.first_lines)
        for at in np.flatnonzero(np.diff(bounds)).tolist():
            yield self.pieces[at], lines[bounds[at] : bounds[at + 1]] - self.first_lines[at]


def join(pieces: Sequence[Piece]) -> Joined:
    """Join pieces; where the last line of one has no newline it gets one, which changes no record."""
    if len(pieces) == 1:
        data = pieces[0].block.data
    else:
        data = b"".join(part for piece in pieces for part in _ended(piece.block.data))
    lengths = [line_count(piece.block.data) for piece in pieces[:-1]]
    return Joined(Block(data, 0), np.append(np.cumsum([0, *lengths]), _NO_END), pieces)


def joined_lines(number: int, block: Block) -> Iterator[Joined]:
    """Give the lines of one file: as they are, or in small parts without empty lines where lines are short.

    A gzip file of a megabyte may hold a thousand million lines, each of which costs more than its bytes.
    """
    if not _crowded(block.data):
        yield join([Piece(number, block)])
        return
    for part in _parts(block):
        yield _without_empty(number, part)


def detached(lines: Joined) -> Joined:
    """The same lines in memory of their own, which stay what they are when the next ones are read."""
    pieces = [
        replace(piece, block=Block(bytes(piece.block.data), piece.block.offset)) for piece in lines.pieces
    ]
    data = pieces[0].block.data if lines.block.data is lines.pieces[0].block.data else bytes(lines.block.data)
    return replace(lines, block=Block(data, lines.block.offset), pieces=pieces)


class Joiner:
    """Gathers the lines of small files until they are worth parsing."""

    def __init__(self, block_bytes: int) -> None:
        self._full = block_bytes
        self._pieces: list[Piece] = []
        self._held = 0

    def add(self, number: int, block: Block) -> Iterator[Joined]:
        """Take lines of a file; gives those that are ready, which are valid until the next call."""
        if len(block.data) >= self._full // 2 or _crowded(block.data):
            yield from joined_lines(number, block)
            return
        self._pieces.append(Piece(number, Block(bytes(block.data), block.offset)))
        self._held += len(block.data)
        if self._held >= self._full:
            yield from self.rest()

    def rest(self) -> Iterator[Joined]:
        """Give what is left."""
        if self._pieces:
            pieces, self._pieces, self._held = self._pieces, [], 0
            yield join(pieces)


def offsets(piece: Piece, lines: npt.NDArray[np.int64]) -> list[int]:
    """Byte offsets in its file of lines of a piece."""
    found: list[int] = line_starts(piece.block)[lines if piece.kept is None else piece.kept[lines]].tolist()
    return found


def _crowded(data: memoryview | bytes) -> bool:
    return len(data) >= _CROWD_MIN and line_count(data) * _CROWD_BYTES > len(data)


def _parts(block: Block) -> Iterator[Block]:
    """Cut a block into small ones at ends of lines."""
    data, start = bytes(block.data), 0
    while start < len(data):
        stop = data.find(b"\n", start + _PART_BYTES - 1) + 1 or len(data)
        yield Block(data[start:stop], block.offset + start)
        start = stop


def _without_empty(number: int, block: Block) -> Joined:
    raw = np.frombuffer(block.data, dtype=np.uint8)
    ends = raw == ord("\n")
    empty = ends & np.r_[True, ends[:-1]]
    is_empty = empty[ends]
    kept = np.flatnonzero(np.r_[~is_empty, [False] if ends[-1] else [True]]).astype(np.int64)
    piece = Piece(number, block, kept)
    first_lines = np.array([0, _NO_END], dtype=np.int64)
    return Joined(Block(raw[~empty].tobytes(), 0), first_lines, [piece], int(is_empty.sum()))


def _ended(data: memoryview | bytes) -> Iterator[memoryview | bytes]:
    yield data
    if len(data) and data[len(data) - 1] != ord("\n"):
        yield b"\n"
