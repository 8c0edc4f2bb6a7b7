import bz2
import functools
import gzip
import io
import lzma
import random
import subprocess
import sys
import tarfile
import zipfile
import zlib

import lz4.frame
import pytest

from logscrub.errors import CorruptInputError
from logscrub.text.packed import Compression, sniff_compression, zstd
from logscrub.text.streams import looks_archive, looks_binary, open_text

TEXT = b"".join(b"line %d\n" % at for at in range(400_000))
PACKERS = {
    Compression.GZIP: lambda data: gzip.compress(data, 1, mtime=0),
    Compression.ZSTD: lambda data: zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1}),
    Compression.BZIP2: lambda data: bz2.compress(data, 1),
    Compression.XZ: lambda data: lzma.compress(data, preset=0),
    Compression.LZ4: lambda data: lz4.frame.compress(data, content_checksum=True),
}
SKIPPABLE = b"\x5e\x2a\x4d\x18\x04\0\0\0\x28\xb5\x2f\xfd"  # which holds what another frame begins with
BOMB = """
import io, resource, sys
from logscrub.text.packed import Compression, UnpackedStream, sniff_compression
head = sys.stdin.buffer.peek(10)
stream = UnpackedStream(sys.stdin.buffer, sniff_compression(head))
buffer, total = bytearray(1 << 16), 0
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
while got := stream.readinto(buffer):
    total += got
print(total, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
every = pytest.mark.parametrize("compression", list(PACKERS))


@functools.cache
def packed(compression):
    return PACKERS[compression](TEXT)


PACKED = packed(Compression.GZIP)


def read_all(data, piece=70_000, compression=Compression.GZIP):
    stream = open_text(io.BytesIO(data), compression)
    buffer, result = bytearray(piece), bytearray()
    try:
        while got := stream.readinto(buffer):
            result += buffer[:got]
    except CorruptInputError as error:
        return bytes(result), error
    return bytes(result), None


@every
def test_compression_is_told_by_content(compression):
    pack = PACKERS[compression]
    assert sniff_compression(packed(compression)[:10]) is compression
    assert sniff_compression(pack(b"")) is compression
    assert looks_binary(packed(compression)[:100])
    assert not looks_archive(packed(compression)[:300])


def test_text_is_not_compressed():
    assert sniff_compression(b"192.0.2.1 - -") is Compression.NONE
    assert sniff_compression(b"BZh9 is a host") is Compression.NONE
    assert sniff_compression(b"") is Compression.NONE


@every
def test_it_is_read_whole(compression):
    pack = PACKERS[compression]
    assert read_all(packed(compression), compression=compression) == (TEXT, None)
    assert read_all(b"", compression=compression) == (b"", None)
    assert read_all(pack(b"") + pack(TEXT) + pack(b""), 999, compression) == (TEXT, None)


@every
def test_members_follow_each_other(compression):
    pack = PACKERS[compression]
    many = b"".join(pack(b"%d\n" % at) for at in range(5_000))
    assert read_all(many, compression=compression) == (b"".join(b"%d\n" % at for at in range(5_000)), None)


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.XZ])
def test_zeros_behind_a_member_are_padding(compression):
    padded = packed(compression) + bytes(100_000)
    assert read_all(padded, compression=compression) == (TEXT, None)
    assert read_all(padded + packed(compression), compression=compression) == (TEXT * 2, None)


@pytest.mark.parametrize("compression", [Compression.ZSTD, Compression.LZ4])
def test_frames_to_be_skipped_are_skipped(compression):
    whole = SKIPPABLE * 3 + packed(compression) + SKIPPABLE + packed(compression) + SKIPPABLE
    assert sniff_compression(whole[:4096]) is compression
    assert read_all(whole, compression=compression) == (TEXT * 2, None)
    assert sniff_compression(SKIPPABLE) is Compression.ZSTD
    assert read_all(SKIPPABLE, compression=Compression.ZSTD) == (b"", None)


@every
@pytest.mark.parametrize("cut", [1, 5, 12, 0.3, 0.5, 0.9, -9, -4, -1])
def test_what_is_cut_gives_the_same_prefix_in_any_layout_and_then_a_fixed_message(compression, cut):
    data = packed(compression)
    data = data[: int(len(data) * cut) if isinstance(cut, float) else cut]
    prefix, error = read_all(data, compression=compression)
    assert isinstance(error, CorruptInputError)
    assert error.__context__ is None
    assert TEXT.startswith(prefix)
    for piece in (1000, 1 << 20, 5 << 20):
        again, other = read_all(data, piece, compression)
        assert (again, str(other)) == (prefix, str(error))


@every
def test_damage_never_raises_anything_else_and_is_never_missed(compression):
    rng = random.Random(1)
    small = PACKERS[compression](TEXT[:20_000])
    for _ in range(300):
        data = bytearray(small)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        given, error = read_all(bytes(data), compression=compression)
        assert error is not None or given in (TEXT[:20_000], b"")
    _, error = read_all(packed(compression) + b"garbage", compression=compression)
    assert error is not None


def test_a_dictionary_larger_than_memory_is_refused():
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 29}]
    data = lzma.compress(b"a\n", filters=filters)
    assert read_all(data, compression=Compression.XZ)[1] is not None


def bomb(compression, size=500):
    piece = bytes(1 << 20)
    if compression is Compression.LZ4:
        return lz4.frame.compress(piece * size)
    if compression is Compression.GZIP:
        packer = zlib.compressobj(9, wbits=31)
    else:
        packer = {
            Compression.ZSTD: zstd.ZstdCompressor,
            Compression.BZIP2: bz2.BZ2Compressor,
            Compression.XZ: lambda: lzma.LZMACompressor(preset=1),
        }[compression]()
    return b"".join([packer.compress(piece) for _ in range(size)] + [packer.flush()])


@every
def test_a_bomb_keeps_memory_flat(compression):
    ended = subprocess.run(
        [sys.executable, "-c", BOMB], input=bomb(compression), capture_output=True, check=True
    )
    total, kibibytes = map(int, ended.stdout.split())
    assert total == 500 << 20
    assert kibibytes < 24 * 1024


def test_uncompressed_files_are_handed_through():
    raw = io.BytesIO(b"a")
    assert open_text(raw, Compression.NONE) is raw


@pytest.mark.parametrize(
    "head",
    [
        b"PAR1\x15\x04",
        PACKED[:100],
        "\ufeffGET /".encode("utf-16-le"),
        "GET / HTTP/1.1 200".encode("utf-16-be"),
        random.Random(1).randbytes(4096),
    ],
)
def test_binary_is_told(head):
    assert looks_binary(head)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"192.0.2.1 - - hello\n",
        b"PAR1.example.com 192.0.2.1\n",
        b"BZh9 is a host\n",
        b"\xef\xbb\xbftext\n",
        b"x\x00y\n",
        b"192.0.2.1 - - \x16\x03\x01\x00\n" * 1 + b"192.0.2.1 - - GET\n" * 20,
        "é".encode("latin-1") * 500,
        b"a\tb\r\n" * 100,
    ],
)
def test_text_with_odd_bytes_is_text(head):
    assert not looks_binary(head)


def test_archives_are_told():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("access.log")
        member.size = len(TEXT)
        archive.addfile(member, io.BytesIO(TEXT))
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("access.log", TEXT)
    for data in (buffer.getvalue(), zipped.getvalue()):
        assert looks_archive(data[:1000])
    assert not looks_archive(TEXT[:1000])


@pytest.mark.parametrize("share", [0.5, 0.98])
def test_what_comes_before_damage_in_a_small_file_is_given(share):
    lines = b"".join(b"line %d\n" % n for n in range(200))
    packed = gzip.compress(lines)
    given, error = read_all(packed[: int(len(packed) * share)])
    assert error is not None
    assert lines.startswith(given)
    assert len(given) > len(lines) * share / 2
