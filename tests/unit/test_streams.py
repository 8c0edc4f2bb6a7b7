import gzip
import io
import random
import tracemalloc

import pytest

from logscrub.errors import CorruptInputError
from logscrub.text.streams import Compression, looks_binary, open_text, sniff_compression

TEXT = b"".join(b"line %d\n" % at for at in range(400_000))
PACKED = gzip.compress(TEXT, 1)


def read_all(data, piece=70_000):
    stream = open_text(io.BytesIO(data), Compression.GZIP)
    buffer, result = bytearray(piece), bytearray()
    try:
        while got := stream.readinto(buffer):
            result += buffer[:got]
    except CorruptInputError as error:
        return bytes(result), error
    return bytes(result), None


def test_compression_is_told_by_content():
    assert sniff_compression(PACKED[:10]) is Compression.GZIP
    assert sniff_compression(b"192.0.2.1 - -") is Compression.NONE
    assert sniff_compression(b"") is Compression.NONE


@pytest.mark.parametrize(
    "data",
    [PACKED, PACKED[:0], PACKED + bytes(100), gzip.compress(b"") + PACKED],
    ids=["one", "no", "nul", "empty"],
)
def test_gzip_is_read_whole(data):
    assert read_all(data) == (TEXT if data else b"", None)


def test_members_follow_each_other():
    assert read_all(gzip.compress(b"a\n") + gzip.compress(b"b\n")) == (b"a\nb\n", None)


@pytest.mark.parametrize("cut", [1, 5, 12, len(PACKED) // 2, len(PACKED) - 8, len(PACKED) - 1])
def test_cut_gzip_gives_the_same_prefix_in_any_layout_and_then_a_fixed_message(cut):
    prefix, error = read_all(PACKED[:cut])
    assert isinstance(error, CorruptInputError)
    assert error.__context__ is None
    assert TEXT.startswith(prefix)
    for piece in (1000, 1 << 20, 5 << 20):
        again, other = read_all(PACKED[:cut], piece)
        assert (again, str(other)) == (prefix, str(error))


def test_damaged_gzip_never_raises_anything_else():
    rng = random.Random(1)
    small = gzip.compress(TEXT[:20_000])
    for _ in range(300):
        data = bytearray(small)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        read_all(bytes(data))
    _, error = read_all(PACKED + b"garbage")
    assert error is not None


def test_a_gzip_bomb_keeps_memory_flat():
    bomb = gzip.compress(bytes(200_000_000), 9)
    stream, buffer, total = open_text(io.BytesIO(bomb), Compression.GZIP), bytearray(1 << 16), 0
    tracemalloc.start()
    while got := stream.readinto(buffer):
        total += got
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 200_000_000
    assert peak < 20_000_000


def test_uncompressed_files_are_handed_through():
    raw = io.BytesIO(b"a")
    assert open_text(raw, Compression.NONE) is raw


@pytest.mark.parametrize(
    "head",
    [
        b"PK\x03\x04aaaa",
        b"\x28\xb5\x2f\xfdaa",
        b"BZh91AY&SYaa",
        b"\xfd7zXZ\x00aa",
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


@pytest.mark.parametrize("share", [0.5, 0.98])
def test_what_comes_before_damage_in_a_small_file_is_given(share):
    lines = b"".join(b"line %d\n" % n for n in range(200))
    packed = gzip.compress(lines)
    given, error = read_all(packed[: int(len(packed) * share)])
    assert error is not None
    assert lines.startswith(given)
    assert len(given) > len(lines) * share / 2
