"""Bytes of a file, decompressed where its first bytes say so."""

import io
import zlib
from enum import StrEnum
from typing import Any, BinaryIO, Protocol, cast

from isal import isal_zlib

from logscrub.errors import CorruptInputError

PIECE_BYTES = 64 * 1024
"""Decompressed bytes asked of isal at a time: fixed, so what comes before damage is always the same."""

_GZIP_MAGIC = b"\x1f\x8b"
_BINARY_MAGIC = (
    _GZIP_MAGIC,  # gzip inside gzip
    b"PK\x03\x04",  # zip
    b"\x28\xb5\x2f\xfd",  # zstd, RFC 8878
    b"\xfd7zXZ\x00",  # xz
    b"\x04\x22\x4d\x18",  # lz4 frame
    b"7z\xbc\xaf\x27\x1c",
    b"PAR1\x15",  # Parquet and the first byte of its page header: a host may be called PAR1
    b"ARROW1\x00\x00",
    b"Obj\x01",  # Avro
    b"SQLite format 3\x00",
    b"\x89PNG",
    b"\x7fELF",
    b"\xff\xfe",  # UTF-16 or UTF-32, little-endian
    b"\xfe\xff",  # UTF-16, big-endian
)
_BZIP2_BLOCK = b"1AY&SY"
_TEXT_BYTES = bytes(sorted({*range(0x20, 0x100), *b"\t\n\r\x1b"} - {0x7F}))
_CONTROL_SHARE = 0.05
_CONTROL_MIN = 8
_ISAL_ERROR: Any = isal_zlib.error  # a class, which the stubs of isal call an instance
_DAMAGE = (EOFError, zlib.error, _ISAL_ERROR)


class Compression(StrEnum):
    """How the bytes of a file are packed."""

    NONE = "none"
    GZIP = "gzip"


class ByteStream(Protocol):
    """What blocks are read from: a file opened for bytes, or what `open_text` gives."""

    def readinto(self, buffer: Any, /) -> int | None:
        """Fill the buffer as far as bytes are at hand; 0 at the end."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a byte; asked of uncompressed files only."""


def sniff_compression(head: bytes) -> Compression:
    """Tell the compression of a file by its first bytes (RFC 1952 section 2.3.1), never by its name."""
    return Compression.GZIP if head.startswith(_GZIP_MAGIC) else Compression.NONE


def looks_binary(head: bytes) -> bool:
    """Tell whether the first (decompressed) bytes of a file are not text.

    Bytes above 127 and single control bytes are legal in logs: a file is binary when it starts like a known
    binary format, or when more than 5 % of its head are control bytes (tab, newline, return and
    escape apart).
    """
    if head.startswith(_BINARY_MAGIC) or (head.startswith(b"BZh") and head[4:10] == _BZIP2_BLOCK):
        return True
    controls = len(head.translate(None, _TEXT_BYTES))
    return controls > max(_CONTROL_MIN, _CONTROL_SHARE * len(head))


def open_text(raw: BinaryIO, compression: Compression) -> ByteStream:
    """Give the uncompressed bytes of an open file.

    Args:
        raw: the file, at its start.
        compression: what `sniff_compression` said of it.

    Returns:
        The file itself, or a forward-only stream over all members of the gzip file. Reading the latter
        raises `CorruptInputError` where the data ends early, is damaged, or fails its checksum.
    """
    stream: Any = raw if compression is Compression.NONE else _GzipStream(raw)
    return cast(ByteStream, stream)


def fill(stream: ByteStream, view: memoryview) -> tuple[int, CorruptInputError | None]:
    """Read until the view is full or the stream ends: pipes and object stores give less than was asked.

    What was read before damage counts too, so that the lines before it are the same in every layout.

    Args:
        stream: where to read.
        view: what to fill.

    Returns:
        The number of bytes read, and the damage that ended it, if any.
    """
    filled = 0
    try:
        while filled < len(view) and (got := stream.readinto(view[filled:])):
            filled += got
    except CorruptInputError as error:
        return filled, error
    return filled, None


class _GzipStream(io.RawIOBase):
    """Decompressed bytes of all members of a gzip file: memory stays flat whatever the ratio.

    The compressed bytes are taken in pieces of a fixed size, and all that comes out of them before damage is
    given, so that what comes before it is the same in each layout.
    """

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._packed = b""
        self._member: Any = None  # the decompressor of the member that is being read
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._piece:
            piece = self._next_piece()
            if piece is None:
                return 0
            self._piece = memoryview(piece)
        target = memoryview(buffer).cast("B")
        taken = min(len(target), len(self._piece))
        target[:taken] = self._piece[:taken]
        self._piece = self._piece[taken:]
        return taken

    def _next_piece(self) -> bytes | None:
        """Some more bytes, perhaps none; None at the end of the file."""
        if not self._packed:
            self._packed = self._raw.read(PIECE_BYTES)
            if not self._packed and self._member is None:
                return None
        if self._member is None and not self._next_member():
            return b""
        piece = self._decompressed()
        if self._member.eof:
            self._packed, self._member = self._member.unused_data, None
        return piece

    def _next_member(self) -> bool:
        """Begin the member that comes next, past the zeros that tapes and block devices leave behind one."""
        self._packed = self._packed.lstrip(b"\0")
        if self._packed:
            self._member = isal_zlib.decompressobj(wbits=31)
        return bool(self._packed)

    def _decompressed(self) -> bytes:
        ended = not self._packed
        try:
            piece: bytes | None = self._member.decompress(self._packed, PIECE_BYTES)
            self._packed = self._member.unconsumed_tail
        except _DAMAGE:
            piece = None
        if piece is None or (ended and not piece and not self._member.eof):
            # Raised out here: the messages of libraries quote bytes, also as __context__.
            raise CorruptInputError("the gzip data is cut off or damaged")
        return piece
