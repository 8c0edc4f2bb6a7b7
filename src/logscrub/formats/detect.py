"""Which known format the lines of a file have."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from logscrub.errors import LineReason
from logscrub.formats.records import Format, Parsed, problem_code
from logscrub.formats.registry import FORMATS
from logscrub.text.blocks import BOM, Block
from logscrub.text.joined import Joined, Piece, join

MIN_SHARE = 0.5
"""Share of the lines of a sample that a format must fit."""

_NO_TIME = problem_code(LineReason.NO_TIME)
_COUNTED = ("address", "host", "method", "target", "referrer", "user_agent", "event")


@dataclass(frozen=True)
class Detection:
    """What a sample of a file says.

    Attributes:
        format_name: the format that captures the most fields, or None when none fits enough lines.
        share: of the lines that are not blank, how many the best format fits (0 to 1).
        runner_up: the next best format that fits any line, or None.
        runner_up_share: its share.
        tie: whether the runner-up captures just as much.
    """

    format_name: str | None
    share: float
    runner_up: str | None
    runner_up_share: float
    tie: bool


@dataclass(frozen=True)
class _Fit:
    name: str
    share: float
    score: float


def detect(sample: bytes) -> Detection:
    """Tell the format of the (decompressed) first bytes of a file.

    A line fits when it parses, has something like a time and at least one field beside it. The last line of
    a sample is left out when it is cut, unless it is the only one.
    """
    return detect_all([sample])[0]


def detect_all(samples: Sequence[bytes]) -> list[Detection]:
    """Tell the format of each of several files.

    All samples are parsed as one block, since what a line yields depends on this line alone: reading many
    small ones one by one would take fifty times as long.
    """
    joined = join([Piece(at, Block(_whole(sample), 0)) for at, sample in enumerate(samples)])
    fits = [_fits(known, joined) for known in FORMATS]
    return [_best([of_format[at] for of_format in fits]) for at in range(len(samples))]


def _whole(sample: bytes) -> bytes:
    sample = sample.removeprefix(BOM)
    whole = sample[: sample.rfind(b"\n") + 1] or sample
    return re.sub(rb"\n\n+", b"\n", whole) if b"\n\n" in whole else whole  # empty lines say nothing


def _best(fits: list[_Fit]) -> Detection:
    best, second = sorted(fits, key=lambda fit: -fit.score)[:2]  # stable: the first of equals wins
    return Detection(
        format_name=best.name if best.share >= MIN_SHARE else None,
        share=best.share,
        runner_up=second.name if second.share else None,
        runner_up_share=second.share,
        tie=second.share > 0 and second.score == best.score,
    )


def _fits(known: Format, joined: Joined) -> list[_Fit]:
    """How well each piece fits a format."""
    if known.mark and not known.mark.search(joined.block.data):
        return [_Fit(known.name, 0.0, 0.0)] * len(joined.pieces)
    parsed = known.parse(joined.block)
    read = parsed.records.column("line").to_numpy()
    captured, first = _captured_fields(parsed), joined.first_lines
    bounds = np.searchsorted(read, first)
    lines = np.diff(bounds) + np.diff(np.searchsorted(parsed.rejected, first))
    fitting = np.diff(np.append(0, np.cumsum(captured > 1))[bounds])
    fields = np.diff(np.append(0, np.cumsum(captured))[bounds])
    figures = zip(lines.tolist(), fitting.tolist(), fields.tolist(), strict=True)
    return [
        _Fit(known.name, fit / of, score / of) if of else _Fit(known.name, 0.0, 0.0)
        for of, fit, score in figures
    ]


def _captured_fields(parsed: Parsed) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """How many fields each record has, the time included; 0 for one without time."""
    records = parsed.records
    fields = 1 + (records.column("status").to_numpy() > 0).astype(np.int64)
    for name in _COUNTED:
        fields += records.column(name).is_valid().to_numpy(zero_copy_only=False)
    timeless = pc.equal(records.column("problem"), _NO_TIME).fill_null(False)
    return np.where(timeless.to_numpy(zero_copy_only=False), 0, fields)
