import io
import tracemalloc

from logscrub.text.blocks import Block, OversizeLine, line_starts, read_blocks, sanitize


class Dripping(io.BytesIO):
    """Gives a few bytes at a time, as pipes and object stores do."""

    def readinto(self, buffer):
        return super().readinto(memoryview(buffer)[:3])


def read(data, start=0, stop=None, **options):
    options = {"block_bytes": 64, **options}
    return [
        (item.offset, None if isinstance(item, OversizeLine) else bytes(item.data))
        for item in read_blocks(io.BytesIO(data), start, stop, **options)
    ]


def test_blocks_hold_whole_lines():
    assert read(b"aa\nbb\ncc", block_bytes=4) == [(0, b"aa\n"), (3, b"bb\n"), (6, b"cc")]
    assert read(b"") == []


def test_a_line_belongs_to_the_range_of_its_first_byte():
    data = b"aa\nbb\ncc\n"
    assert read(data, 0, 3) == [(0, b"aa\n")]
    assert read(data, 0, 4) == [(0, b"aa\nbb\n")]
    assert read(data, 1, 3) == []
    assert read(data, 3, 6) == [(3, b"bb\n")]
    assert read(data, 4, 9) == [(6, b"cc\n")]
    assert read(data, 20, 30) == []


def test_the_mark_counts_at_offset_0_only():
    assert read(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n") == [(3, b"a\n\xef\xbb\xbfb\n")]
    assert read(b"a\n\xef\xbb\xbfb\n", 2) == [(2, b"\xef\xbb\xbfb\n")]


def test_a_longer_line_is_told_and_its_neighbours_are_read():
    data = b"a\n" + b"x" * 50 + b"\nb\n"
    assert read(data, max_line=49) == [(0, b"a\n"), (2, None), (53, b"b\n")]
    assert read(data, max_line=49, block_bytes=8) == [(0, b"a\n"), (2, None), (53, b"b\n")]
    assert read(data, max_line=50, block_bytes=8)[1] == (2, b"x" * 50 + b"\n")


def test_an_endless_line_does_not_grow_memory():
    class Endless(io.RawIOBase):
        left = 300_000_000

        def readinto(self, buffer):
            got = min(len(buffer), self.left)
            self.left -= got
            return got

    tracemalloc.start()
    assert list(read_blocks(Endless(), 0, None, block_bytes=1 << 16)) == [OversizeLine(0)]
    assert tracemalloc.get_traced_memory()[1] < 8_000_000
    tracemalloc.stop()


def test_short_reads_are_filled_up():
    blocks = [bytes(block.data) for block in read_blocks(Dripping(b"aa\nbb\ncc\n"), 0, None, block_bytes=64)]
    assert blocks == [b"aa\nbb\ncc\n"]


def test_line_starts_are_offsets_in_the_file():
    assert line_starts(Block(b"a\n\nbb", 100)).tolist() == [100, 102, 103]
    assert line_starts(Block(b"", 0)).tolist() == []


def test_valid_text_is_not_copied():
    data = memoryview("é\n".encode())
    assert sanitize(data) is data
    assert sanitize(b"a\xff\n\xc3\nb") == "a\ufffd\n\ufffd\nb".encode()
