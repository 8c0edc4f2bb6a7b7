"""Which known format the lines of a file have."""

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from logscrub.errors import LineReason
from logscrub.formats.records import Format, Parsed, problem_code
from logscrub.formats.registry import FORMATS
from logscrub.text.blocks import Block

MIN_SHARE = 0.5
"""Share of the lines of a sample that a format must fit."""

_BOM = b"\xef\xbb\xbf"
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
    sample = sample.removeprefix(_BOM)
    whole = sample[: sample.rfind(b"\n") + 1] or sample
    fits = sorted((_fit(known, whole) for known in FORMATS), key=lambda fit: -fit.score)  # stable: first wins
    best, second = fits[0], fits[1]
    return Detection(
        format_name=best.name if best.share >= MIN_SHARE else None,
        share=best.share,
        runner_up=second.name if second.share else None,
        runner_up_share=second.share,
        tie=second.share > 0 and second.score == best.score,
    )


def _fit(known: Format, sample: bytes) -> _Fit:
    parsed = known.parse(Block(sample, 0))
    lines = parsed.lines - parsed.blank
    if not lines:
        return _Fit(known.name, 0.0, 0.0)
    captured = _captured_fields(parsed)
    return _Fit(known.name, float((captured > 1).sum()) / lines, float(captured.sum()) / lines)


def _captured_fields(parsed: Parsed) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """How many fields each record has, the time included; 0 for one without time."""
    records = parsed.records
    fields = 1 + (records.column("status").to_numpy() > 0).astype(np.int64)
    for name in _COUNTED:
        fields += records.column(name).is_valid().to_numpy(zero_copy_only=False)
    timeless = pc.equal(records.column("problem"), _NO_TIME).fill_null(False)
    return np.where(timeless.to_numpy(zero_copy_only=False), 0, fields)
