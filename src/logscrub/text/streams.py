"""Bytes of a file, decompressed where its first bytes say so."""

from typing import Any, BinaryIO, Protocol, cast

from logscrub.errors import CorruptInputError
from logscrub.text.packed import Compression, UnpackedStream, sniff_compression

__all__ = [
    "ByteStream",
    "Compression",
    "fill",
    "looks_archive",
    "looks_binary",
    "open_text",
    "sniff_compression",
]

_ARCHIVE_MAGIC = (
    b"PK\x03\x04",  # zip
    b"PK\x05\x06",  # one without members
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
)
_TAR_MAGIC = b"ustar"  # POSIX.1-2017, pax, section "ustar Interchange Format"
_TAR_MAGIC_AT = 257
_BINARY_MAGIC = (
    b"PAR1\x15",  # Parquet and the first byte of its page header: a host may be called PAR1
    b"ARROW1\x00\x00",
    b"Obj\x01",  # Avro
    b"SQLite format 3\x00",
    b"\x89PNG",
    b"\x7fELF",
    b"\xff\xfe",  # UTF-16 or UTF-32, little-endian
    b"\xfe\xff",  # UTF-16, big-endian
)
_TEXT_BYTES = bytes(sorted({*range(0x20, 0x100), *b"\t\n\r\x1b"} - {0x7F}))
_CONTROL_SHARE = 0.05
_CONTROL_MIN = 8


class ByteStream(Protocol):
    """What blocks are read from: a file opened for bytes, or what `open_text` gives."""

    def readinto(self, buffer: Any, /) -> int | None:
        """Fill the buffer as far as bytes are at hand; 0 at the end."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a byte; asked of uncompressed files only."""


def looks_archive(head: bytes) -> bool:
    """Tell whether the first (decompressed) bytes of a file are those of an archive of several files."""
    return head.startswith(_ARCHIVE_MAGIC) or head[_TAR_MAGIC_AT:].startswith(_TAR_MAGIC)


def looks_binary(head: bytes) -> bool:
    """Tell whether the first (decompressed) bytes of a file are not text.

    Bytes above 127 and single control bytes are legal in logs: a file is binary when it starts like a known
    binary format or is packed (once more), or when more than 5 % of its head are control bytes (tab,
    newline, return and escape apart).
    """
    if head.startswith(_BINARY_MAGIC) or sniff_compression(head) is not Compression.NONE:
        return True
    controls = len(head.translate(None, _TEXT_BYTES))
    return controls > max(_CONTROL_MIN, _CONTROL_SHARE * len(head))


def open_text(raw: BinaryIO, compression: Compression) -> ByteStream:
    """Give the uncompressed bytes of an open file.

    Args:
        raw: the file, at its start.
        compression: what `sniff_compression` said of it.

    Returns:
        The file itself, or a forward-only stream over all members of the compressed file. Reading the
        latter raises `CorruptInputError` where the data ends early, is damaged, or fails its checksum.
    """
    stream: Any = raw if compression is Compression.NONE else UnpackedStream(raw, compression)
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
