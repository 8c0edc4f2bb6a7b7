"""Which known format, or which several, the lines of a file have."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from logscrub.formats.fits import FEW, Fit, is_whole, pick, rank, read
from logscrub.formats.records import Format
from logscrub.formats.registry import format_by_name
from logscrub.formats.unknown import looks_like
from logscrub.text.blocks import BOM, Block

MIN_SHARE = 0.5
"""Share of the lines of a sample that the formats must fit, unless they fit some of them wholly."""

SURE_SHARE = 0.9
"""Share below which a fit is poor."""

_WHOLE_SHARE, _WHOLE_LINES = 0.1, 2  # enough lines with time, address and target: others are no requests
_OTHER_SHARE, _OTHER_LINES = 0.01, 2  # lines of another format that are enough to read it too
_FORMATS_OF_A_FILE = 3
_RIVALS = 3


@dataclass(frozen=True)
class Detection:
    """What a sample of a file says.

    Attributes:
        format_name: the format that captures the most fields, with others for lines that it does not read; or
            None when none fits enough lines.
        share: of the lines that are not blank, how many these formats fit (0 to 1).
        runner_up: the next best format that fits any line, or None.
        runner_up_share: its share.
        tie: whether the runner-up captures as many fields, and reads lines otherwise.
        refused_as: where there is no format, what the file looks like instead, in words.
    """

    format_name: str | None
    share: float
    runner_up: str | None
    runner_up_share: float
    tie: bool
    refused_as: str | None = None


@dataclass
class _Candidate:
    """A file that is looked at.

    Attributes:
        text: its lines.
        fits: the formats that fit any, the best first.
        names: formats that were taken for it.
        lines: how many the best format does not take for blank.
        fitting: how many of them the formats that were taken fit.
        whole: how many of them have a time, an address and a target.
        left: lines that none of these formats reads.
    """

    text: bytes
    fits: list[Fit]
    names: list[str]
    lines: int
    fitting: int
    whole: int
    left: bytes

    def take(self, fit: Fit, left: bytes) -> None:
        """Add a format that reads all lines that are left but some."""
        self.lines = self.lines if self.names else fit.lines
        self.names.append(fit.name)
        self.fitting += round(fit.share * fit.lines)
        self.whole += round(fit.whole * fit.lines)
        self.left = left

    @property
    def enough(self) -> float:
        """Lines of another format that are worth reading."""
        return max(_OTHER_LINES, _OTHER_SHARE * self.lines)


def detect(sample: bytes) -> Detection:
    """Tell the format of the (decompressed) first bytes of a file.

    A line fits when it parses, has something like a time and at least one field beside it. The last line of
    a sample is left out when it is cut, unless it is the only one.
    """
    return detect_all([sample])[0]


def detect_all(samples: Sequence[bytes]) -> list[Detection]:
    """Tell the format of each of several files, each by its own lines alone.

    The best format is found on some lines, and tried on all; where it leaves lines unread, these are looked
    at again, for a file in which several formats stand.
    """
    texts = [whole_lines(sample) for sample in samples]
    found = [_Candidate(text, fits, [], 0, 0, 0, text) for text, fits in zip(texts, rank(texts), strict=True)]
    _take(found, [candidate.fits[0] if candidate.fits else None for candidate in found])
    for _ in range(_FORMATS_OF_A_FILE - 1):
        waiting = [one for one in found if one.names and _lines(one.left) >= one.enough]
        others = rank([candidate.left for candidate in waiting])
        _take(waiting, [_other(one, fits) for one, fits in zip(waiting, others, strict=True)])
    return [_told(candidate, tied) for candidate, tied in zip(found, _ties(found), strict=True)]


def whole_lines(sample: bytes) -> bytes:
    """Lines of a sample that say anything, without the one that is cut unless it is the only one."""
    sample = sample.removeprefix(BOM)
    whole = sample[: sample.rfind(b"\n") + 1] or sample
    return re.sub(rb"\n\n+", b"\n", whole) if b"\n\n" in whole else whole  # empty lines say nothing


def _lines(text: bytes) -> int:
    return text.count(b"\n") + (not text.endswith(b"\n"))


def _other(candidate: _Candidate, fits: Sequence[Fit]) -> Fit | None:
    """Give the best format of the lines that are left, if it finds requests in enough of them."""
    left = _lines(candidate.left)
    # The shares are of a part of the lines: what they say of all is rounded.
    fitting = (fit for fit in fits if round(fit.requests * left, 6) >= candidate.enough)
    return next((fit for fit in fitting if fit.name not in candidate.names), None)


def _take(candidates: Sequence[_Candidate], fits: Sequence[Fit | None]) -> None:
    """Add a format to each file, or none."""
    by_name = defaultdict(list)
    for candidate, fit in zip(candidates, fits, strict=True):
        if fit and fit.share == 1 and is_whole(candidate.left):
            candidate.take(fit, b"")
        elif fit:
            by_name[fit.name].append(candidate)
    for name, those in by_name.items():
        found = read(format_by_name(name), [candidate.left for candidate in those])
        for candidate, (fit, left) in zip(those, found, strict=True):
            candidate.take(fit, left)


def _told(candidate: _Candidate, tied: Fit | None) -> Detection:
    others = [fit for fit in candidate.fits if fit.name not in candidate.names]
    second = tied or (others[0] if others else None)
    share = candidate.fitting / max(candidate.lines, 1)
    enough_whole = candidate.whole >= max(_WHOLE_LINES, _WHOLE_SHARE * candidate.lines)
    fits = share >= MIN_SHARE or enough_whole
    return Detection(
        format_name="+".join(candidate.names) if fits else None,
        share=share,
        runner_up=second.name if second else None,
        runner_up_share=second.share if second else 0.0,
        tie=bool(tied),
        refused_as=None if fits else looks_like(candidate.text),
    )


def _ties(candidates: Sequence[_Candidate]) -> list[Fit | None]:
    """Give for each file the format that is as good as the best but reads some lines otherwise, if any."""
    ties: list[Fit | None] = [None] * len(candidates)
    rivals = defaultdict(list)
    for at, candidate in enumerate(candidates):
        # A prefix that is there settles whether it is read as a part of the line.
        best = candidate.fits[:1]
        equal = [fit for fit in candidate.fits if fit.score == best[0].score and _alike(fit, best[0])]
        for rival in equal[1 : 1 + _RIVALS]:
            rivals[equal[0].name, rival.name].append((at, rival))
    for (name, other), those in rivals.items():
        texts = [pick(candidates[at].text, FEW) for at, _ in those]
        told = _read_differently(format_by_name(name), format_by_name(other), texts)
        for (at, rival), differs in zip(those, told, strict=True):
            if differs and ties[at] is None:
                ties[at] = rival
    return ties


def _alike(one: Fit, other: Fit) -> bool:
    """Whether two formats stand behind the same prefix, or none."""
    return one.name.rpartition(":")[0] == other.name.rpartition(":")[0]


def _read_differently(one: Format, other: Format, texts: Sequence[bytes]) -> list[bool]:
    if not (one.has_directives or other.has_directives) and _same(one, other, b"".join(map(_ended, texts))):
        return [False] * len(texts)
    return [not _same(one, other, text) for text in texts]


def _ended(text: bytes) -> bytes:
    return text if text.endswith(b"\n") else text + b"\n"


def _same(one: Format, other: Format, text: bytes) -> bool:
    """Whether two formats read lines alike."""
    first, second = (_plain(known.parse(Block(text, 0)).records) for known in (one, other))
    return bool(first.equals(second))


def _plain(records: pa.RecordBatch) -> pa.Table:
    """Give records without dictionaries, whose order may differ."""
    return pa.table(
        {
            name: column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
            for name, column in zip(records.schema.names, records.columns, strict=True)
        }
    )
