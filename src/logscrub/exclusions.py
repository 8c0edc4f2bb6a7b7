"""Lists of people to withhold: plain ids, one a line, or records of any known format.

Each of them is used like a child's flag: all records that are joined to one are withheld.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logscrub.config import Settings
from logscrub.errors import CorruptInputError, FileReason, LogscrubError, UsageError
from logscrub.formats.detect import detect
from logscrub.inputs import FileRange, InputFile, Opener, read_sample
from logscrub.privacy.cookies import client_id, cookie_ids, session_cookies
from logscrub.privacy.identifiers import ID_KINDS, record_ids
from logscrub.privacy.joins import SignalSet
from logscrub.privacy.pseudonyms import EphemeralKey
from logscrub.reading import blocks_and_marks, format_of, opened, records_of
from logscrub.scrub.records import SignalReader
from logscrub.signals import BETWEEN_VALUES
from logscrub.text.blocks import BOM, Block, OversizeLine

PLAIN = "ids"
"""Format of a list of plain ids."""

_COMMENT = "#"
_COMMENTS = re.compile(rb"(?m)^[ \t]*#.*$")
_NO_ID = re.compile(r"[\s,;\"'\[\]()<>]|=(?!=*$)")
_EVENTS = "json_events"


class ExclusionError(LogscrubError):
    """A list of people to withhold has a line that names nobody: to go on would count someone on it."""


def plan_exclusions(
    files: Iterable[InputFile], open_file: Opener, forced: str | None = None
) -> list[FileRange]:
    """Tell of each list what its lines are; an empty one is left out.

    Args:
        files: the lists.
        open_file: opens a path.
        forced: name of the format of all inputs, for lists of records that are not told otherwise.

    Raises:
        UsageError: a list cannot be read.
    """
    planned = []
    for file in files:
        sample = read_sample(file, open_file)
        if sample is FileReason.EMPTY:
            continue
        if isinstance(sample, FileReason):
            raise UsageError(f"--exclude {file.shown}: {sample.advice}; nothing was released")
        told = detect(sample.data).format_name
        if told is None and _without_comments(sample.data.removeprefix(BOM)).lstrip().startswith(b"{"):
            told = forced or _EVENTS
        planned.append(FileRange(file.path, 0, None, sample.compression, told or PLAIN, file.size, file.name))
    return planned


def read_exclusions(
    part: FileRange, open_file: Opener, settings: Settings, key: EphemeralKey, now_ms: int
) -> SignalSet:
    """Whom a list names.

    Raises:
        ExclusionError: a line names nobody, and the message has its number; or the list is damaged.
        InputFailedError: the list cannot be read any more.
    """
    nobody = SignalSet.of_ids(np.zeros(0, np.uint64), key.check)
    named_in = _of_ids if part.format == PLAIN else _of_records
    try:
        with opened(part, open_file) as raw:
            blocks = _blocks(part, blocks_and_marks(raw, part, settings))
            found = list(named_in(part, blocks, settings, key, now_ms))
    except CorruptInputError:
        raise ExclusionError(f"--exclude {part.shown}: it is damaged; nothing was released") from None
    return SignalSet.merge([nobody, *found])


def _blocks(part: FileRange, blocks: Iterable[Block | OversizeLine]) -> Iterator[Block]:
    for block in blocks:
        if isinstance(block, OversizeLine):
            raise ExclusionError(f"--exclude {part.shown}: a line is too long to be an id or a record")
        yield block


def _of_records(
    part: FileRange, blocks: Iterable[Block], settings: Settings, key: EphemeralKey, now_ms: int
) -> Iterator[SignalSet]:
    known, read, before = format_of((part,), settings), SignalReader(settings, key, now_ms), 0
    reader = known.reader()
    for block in blocks:
        plain = block if known.has_directives else Block(_without_comments(bytes(block.data)), block.offset)
        parsed = reader.parse(plain)
        _refuse(part, parsed.rejected + before)
        records = records_of(parsed, settings)
        _refuse(part, records.column("line").to_numpy()[~read.names_someone(records)] + before)
        yield read(records, withhold_all=True)
        before += parsed.lines


def _without_comments(data: bytes) -> bytes:
    return _COMMENTS.sub(b"", data)


def _of_ids(
    part: FileRange, blocks: Iterable[Block], settings: Settings, key: EphemeralKey, _: int
) -> Iterator[SignalSet]:
    """Whom plain ids name: an id may be of any kind, or a cookie, or the value of one, that holds an id."""
    before, sessions = 0, session_cookies(settings.session_cookies)
    for block in blocks:
        texts = bytes(block.data).decode("utf-8", "replace").split("\n")
        lines = [(number, text.removeprefix("\ufeff").strip()) for number, text in enumerate(texts, before)]
        before += len(texts) - 1
        given = [(number, text) for number, text in lines if text and not text.startswith(_COMMENT)]
        meant = [(number, _meant(text, sessions)) for number, text in given]
        ids = np.zeros(len(meant), np.uint64)
        for kind in ID_KINDS:
            column = pa.array([own.get(kind) for _, own in meant], pa.string()).dictionary_encode()
            for one in record_ids(key, kind, column):
                yield SignalSet.of_ids(one, key.check)
                ids |= one
        _refuse(part, np.array([number for number, _ in meant], np.int64)[ids == 0])


def _meant(text: str, sessions: frozenset[str]) -> dict[str, str]:
    """The ids of each kind that a line may mean; none where it is no id."""
    if in_cookie := cookie_ids(text, sessions):
        of_kind = {kind: [value for other, value in in_cookie if other == kind] for kind, _ in in_cookie}
        return {kind: BETWEEN_VALUES.join(values) for kind, values in of_kind.items()}
    if _NO_ID.search(text) or _is_address(text):
        return {}
    client = client_id(text)
    either = {"client_id": f"{text}{BETWEEN_VALUES}{client}"} if client else {}
    return dict.fromkeys(ID_KINDS, text) | either


def _is_address(text: str) -> bool:
    """Whether a line is an address, which is an id of nobody: many share it."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _refuse(part: FileRange, lines: npt.NDArray[np.int64]) -> None:
    if len(lines):
        raise ExclusionError(
            f"--exclude {part.shown}: line {int(lines.min()) + 1} names nobody: write an id, or a record "
            "with an id or with an address and a time; nothing was released"
        )
