"""Bytes of compressed files: which library unpacks them, and how memory stays flat while it does."""

import bz2
import io
import lzma
import sys
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, BinaryIO, Protocol, cast

import lz4.frame
from isal import igzip_lib

from logscrub.errors import CorruptInputError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PIECE_BYTES = 64 * 1024
"""Bytes taken and given at a time: fixed, so what comes before damage is always the same."""

SNIFF_BYTES = 4 * 1024
"""Bytes of the beginning of a file that tell its compression."""

_XZ_MEMORY = 160 * 1024 * 1024  # `xz -9` needs 65 MiB; zstd has a limit of 128 MiB of its own
_SKIPPABLE = b"\x2a\x4d\x18"  # after a byte from 0x50 to 0x5f, before the size in four bytes
_SKIPPABLE_HEAD = 8
_BZIP2_BLOCKS = (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")  # of a first block, and of an empty file


class Compression(StrEnum):
    """How the bytes of a file are packed."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"
    BZIP2 = "bzip2"
    XZ = "xz"
    LZ4 = "lz4"


_MAGIC = {
    b"\x1f\x8b": Compression.GZIP,  # RFC 1952 section 2.3.1
    b"\x28\xb5\x2f\xfd": Compression.ZSTD,  # RFC 8878 section 3.1.1
    b"\xfd7zXZ\x00": Compression.XZ,  # The .xz File Format, section 2.1.1.1
    b"\x04\x22\x4d\x18": Compression.LZ4,  # LZ4 Frame Format
}


class Decoder(Protocol):
    """What unpacks one member: `bz2.BZ2Decompressor` and all that are made like it."""

    @property
    def eof(self) -> bool:
        """Whether the member has ended."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes without more packed bytes."""

    @property
    def unused_data(self) -> bytes:
        """Packed bytes behind the member."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Take packed bytes, all of them, and give so many unpacked ones at most."""


_DECODERS: Mapping[Compression, Callable[[], Any]] = {
    Compression.GZIP: lambda: igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP),
    Compression.ZSTD: zstd.ZstdDecompressor,
    Compression.BZIP2: bz2.BZ2Decompressor,
    Compression.XZ: lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY),
    Compression.LZ4: lz4.frame.LZ4FrameDecompressor,
}
_PADDED = (Compression.GZIP, Compression.XZ)  # zeros may follow a member, as tapes and xz leave them
_ISAL_ERROR: Any = igzip_lib.error  # a class, which the stubs of isal call an instance
_DAMAGE = (EOFError, OSError, RuntimeError, lzma.LZMAError, zstd.ZstdError, _ISAL_ERROR)


def sniff_compression(head: bytes) -> Compression:
    """Tell the compression of a file by its first bytes, never by its name.

    Args:
        head: the first `SNIFF_BYTES` of the file, or all of it. zstd and lz4 share frames that are to be
            skipped (RFC 8878 section 3.1.2), which may come first: what follows them tells.
    """
    skipped = head
    while _is_skippable(skipped):
        size = int.from_bytes(skipped[len(_SKIPPABLE) + 1 : _SKIPPABLE_HEAD], "little")
        skipped = skipped[_SKIPPABLE_HEAD + size :]
    for magic, compression in _MAGIC.items():
        if skipped.startswith(magic):
            return compression
    if head.startswith(b"BZh") and head[4:10] in _BZIP2_BLOCKS:
        return Compression.BZIP2
    return Compression.ZSTD if _is_skippable(head) else Compression.NONE


def _is_skippable(head: bytes) -> bool:
    return head[1:4] == _SKIPPABLE and head[0] >> 4 == 5  # noqa: PLR2004


class UnpackedStream(io.RawIOBase):
    """Unpacked bytes of all members of a file: memory stays flat whatever the ratio.

    Packed bytes are taken and unpacked ones are given in pieces of a fixed size, so that what comes before
    damage is the same in each layout. Reading raises `CorruptInputError` where the data ends early, is
    damaged, or fails its checksum.
    """

    def __init__(self, raw: BinaryIO, compression: Compression) -> None:
        self._raw = raw
        self._new_decoder = cast(Callable[[], Decoder], _DECODERS[compression])
        self._padding = b"\0" if compression in _PADDED else b""
        self._packed = b""
        self._decoder: Decoder | None = None  # of the member that is being read
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as bytes are at hand; 0 at the end."""
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
        if not self._packed and (self._decoder is None or self._decoder.needs_input):
            self._packed = self._raw.read(PIECE_BYTES)
            if not self._packed:
                if self._decoder is None:
                    return None
                raise _damaged()
        if self._decoder is None:
            self._packed = self._packed.lstrip(self._padding) if self._padding else self._packed
            if not self._packed:
                return b""
            self._decoder = self._new_decoder()
        return self._decompressed(self._decoder)

    def _decompressed(self, decoder: Decoder) -> bytes:
        try:
            piece = decoder.decompress(self._packed, PIECE_BYTES)
        except _DAMAGE:
            piece = None
        if piece is None:
            # Raised out here: the messages of libraries quote bytes, also as __context__.
            raise _damaged()
        self._packed = b""
        if decoder.eof:
            self._packed, self._decoder = decoder.unused_data, None
        return piece


def _damaged() -> CorruptInputError:
    return CorruptInputError("the compressed data is cut off or damaged")
