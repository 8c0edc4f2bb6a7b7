"""The operator's account: what became of every line.

Tallies add up in any order. They hold counts, reasons, file names and offsets, never content.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from logscrub.errors import FileReason, LineReason

_FIGURES = ("lines", "blank", "withheld", "unfinished", "out_of_dates", "filtered", "kept")

SHOWN_OFFSETS = 20
"""Offsets kept of each file and reason: the first ones in the file."""


@dataclass
class Rejects:
    """Rejected lines of one file for one reason: how many, and the byte offsets of the first."""

    count: int = 0
    offsets: list[int] = field(default_factory=list)

    def add(self, count: int, offsets: Iterable[int]) -> None:
        """Add lines."""
        self.count += count
        self.offsets = sorted({*self.offsets, *offsets})[:SHOWN_OFFSETS]


@dataclass
class Tally:
    """Lines of a run, or of a part of it, by what became of them.

    Attributes:
        lines: all lines that were read.
        blank: lines without content.
        withheld: records of children, opt-outs and unknown ages, in one figure.
        unfinished: records of days that are not over yet.
        out_of_dates: records of days that were not asked for.
        filtered: records that the rules of the operator leave out.
        kept: day (YYYY-MM-DD) to records that became hits.
        rejected: file, reason to rejected lines.
        problems: file to the reason why nothing of it is counted.
    """

    lines: int = 0
    blank: int = 0
    withheld: int = 0
    unfinished: int = 0
    out_of_dates: int = 0
    filtered: int = 0
    kept: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, dict[LineReason, Rejects]] = field(default_factory=dict)
    problems: dict[str, FileReason] = field(default_factory=dict)

    def reject(self, path: str, reason: LineReason, count: int, offsets: Iterable[int]) -> None:
        """Count rejected lines of a file."""
        self.rejected.setdefault(path, {}).setdefault(reason, Rejects()).add(count, offsets)

    def add(self, other: "Tally") -> None:
        """Add another tally to this one."""
        self.lines += other.lines
        self.blank += other.blank
        self.withheld += other.withheld
        self.unfinished += other.unfinished
        self.out_of_dates += other.out_of_dates
        self.filtered += other.filtered
        for day, count in other.kept.items():
            self.kept[day] = self.kept.get(day, 0) + count
        for path, reasons in other.rejected.items():
            for reason, rejects in reasons.items():
                self.reject(path, reason, rejects.count, rejects.offsets)
        self.problems |= other.problems

    @property
    def rejects(self) -> int:
        """Number of rejected lines."""
        return sum(r.count for reasons in self.rejected.values() for r in reasons.values())

    @property
    def reject_rate(self) -> float:
        """Rejected lines over all that hold something; withheld ones must not show in it."""
        read = sum(self.kept.values()) + self.unfinished + self.out_of_dates + self.filtered + self.rejects
        return self.rejects / read if self.rejects else 0.0

    def to_json(self) -> str:
        """JSON text, the same for equal tallies."""
        rejected = {
            path: {str(reason): [r.count, r.offsets] for reason, r in sorted(reasons.items())}
            for path, reasons in sorted(self.rejected.items())
        }
        content = {
            "lines": self.lines,
            "blank": self.blank,
            "withheld": self.withheld,
            "unfinished": self.unfinished,
            "out_of_dates": self.out_of_dates,
            "filtered": self.filtered,
            "kept": dict(sorted(self.kept.items())),
            "rejected": rejected,
            "problems": {path: str(reason) for path, reason in sorted(self.problems.items())},
        }
        return json.dumps(content)

    @classmethod
    def from_json(cls, text: str) -> "Tally":
        """The tally that `to_json` wrote."""
        content: dict[str, Any] = json.loads(text)
        tally = cls(**{name: content[name] for name in _FIGURES})
        for path, reasons in content["rejected"].items():
            for reason, (count, offsets) in reasons.items():
                tally.reject(path, LineReason(reason), count, offsets)
        tally.problems = {path: FileReason(reason) for path, reason in content["problems"].items()}
        return tally
