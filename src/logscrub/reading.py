"""Batches of file ranges → blocks of whole lines, small files together; and → records of clients."""

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, TypeVar

import pyarrow as pa

from logscrub.ahead import in_order
from logscrub.config import Settings
from logscrub.errors import CorruptInputError, InputFailedError, system_reason
from logscrub.formats.records import Format, Parsed, carries_identifiers
from logscrub.formats.registry import format_by_name
from logscrub.inputs import Batch, FileRange, Opener
from logscrub.privacy.proxies import TrustedProxies, client_addresses
from logscrub.privacy.sent_signals import lines_that_may_carry, may_carry
from logscrub.schemas import signal_catalogue
from logscrub.text.blocks import Block, OversizeLine, data_of, lines_at, read_blocks
from logscrub.text.joined import Joined, Joiner, detached, joined_lines
from logscrub.text.streams import Compression, open_text

R = TypeVar("R")

_BUFFER_MORE = 64 * 1024


@contextlib.contextmanager
def opened(part: FileRange, open_file: Opener) -> Iterator[BinaryIO]:
    """An input for the time it is read: half of a file must not be released as a whole day."""
    try:
        with open_file(part.path) as raw:
            yield raw
    except OSError as error:
        failure = InputFailedError(f"{part.shown}: cannot be read any more: {system_reason(error)}")
    else:
        return
    raise failure


def format_of(batch: Batch, settings: Settings) -> Format:
    """The format of a batch, under the settings of the run."""
    return format_by_name(batch[0].format, settings.source_timezone, settings.signals)


def made_of_blocks(
    work: Callable[[Joined], R], blocks: Iterable[Joined], batch: Batch, known: Format
) -> Iterator[R]:
    """Give what is made of each block of a batch, in their order.

    The blocks of one compressed file, which cannot be cut into ranges, are shared among threads, unless its
    lines mean what directives before them say.
    """
    is_packed = len(batch) == 1 and batch[0].compression is not Compression.NONE
    if is_packed and not known.has_directives:
        return in_order(work, map(detached, blocks))
    return map(work, blocks)


def lines_with_signals(block: Block, known: Format, settings: Settings) -> Block:
    """Those lines of a block that may carry an id or a signal; where only a few do, the others are left out.

    What a line yields depends on this line alone, so that the others need not be parsed.
    """
    if carries_identifiers(known.fields) or not known.is_plain:
        return block
    catalogue = signal_catalogue(settings.signals)
    begins, ends = lines_that_may_carry(block.data, catalogue)
    if not len(begins):
        return Block(b"", block.offset)
    lines = lines_at(block.data, begins, ends)
    lines = lines.filter(pa.array(may_carry(lines, catalogue)))
    return Block(data_of(lines).to_pybytes(), block.offset)


def records_of(parsed: Parsed, settings: Settings) -> pa.RecordBatch:
    """The records of a block (schema RECORDS), with addresses of clients as far as proxies are trusted."""
    return client_addresses(parsed.records, TrustedProxies.of(settings.trusted_proxies))


def blocks_and_marks(raw: BinaryIO, part: FileRange, settings: Settings) -> Iterator[Block | OversizeLine]:
    """Lines of a range as blocks, and marks of the lines that are too long (see `read_blocks`)."""
    stream = open_text(raw, part.compression)
    # Zeroing a buffer takes time, and most files are smaller than a block.
    needed = part.text_bytes + _BUFFER_MORE if part.size else settings.block_bytes
    buffer = min(settings.block_bytes, needed)
    return read_blocks(stream, part.start, part.stop, block_bytes=buffer)


def only_block(
    blocks: Iterable[Block | OversizeLine],
) -> tuple[Block | None, Iterable[Block | OversizeLine]]:
    """The block of a range that has no more than one, else all that it has."""
    blocks = iter(blocks)
    first = next(blocks, Block(b"", 0))
    if isinstance(first, OversizeLine):
        return None, itertools.chain([first], blocks)
    first = Block(bytes(first.data), first.offset)  # the next one overwrites it
    second = next(blocks, None)
    return (first, ()) if second is None else (None, itertools.chain([first, second], blocks))


def lines_before_damage(
    batch: Batch, open_file: Opener, settings: Settings, *, must_be_whole: bool = False
) -> Iterator[Joined]:
    """Lines of all ranges of a batch; of a damaged file those that stand before the damage.

    Raises:
        InputFailedError: a file cannot be read any more, or is damaged where all must be whole.
    """
    waiting = Joiner(settings.block_bytes)
    for number, part in enumerate(batch):
        try:
            with opened(part, open_file) as raw:
                for block in blocks_and_marks(raw, part, settings):
                    if isinstance(block, Block):
                        # Those of one file stay in their order: directives speak of the lines below them.
                        alone = len(batch) == 1
                        yield from joined_lines(number, block) if alone else waiting.add(number, block)
        except CorruptInputError:
            if must_be_whole:  # otherwise step 2 tells that the file is damaged
                raise InputFailedError(
                    f"{part.shown}: it is damaged, and what it tells of children behind the damage is lost; "
                    "nothing was released"
                ) from None
    yield from waiting.rest()
