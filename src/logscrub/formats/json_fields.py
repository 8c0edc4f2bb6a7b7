"""Field maps: which keys of a JSON line hold which fields of a record."""

import functools
import itertools
import re
from dataclasses import dataclass
from enum import StrEnum

from logscrub.errors import UsageError
from logscrub.formats.access import DURATIONS
from logscrub.formats.records import IDS, SIGNALS


class Kind(StrEnum):
    """What a value is for."""

    TEXT = "text"
    ID = "id"
    SIGNAL = "signal"
    NUMBER = "number"
    TIME = "time"


TEXT_FIELDS = (
    "address",
    "forwarded",
    "host",
    "method",
    "referrer",
    "user_agent",
    "language",
    "connection",
    "carrier",
    "event",
)
"""Fields that are columns of `RECORDS` as they stand."""

KINDS = {
    "time": Kind.TIME,
    **dict.fromkeys((*TEXT_FIELDS, "path", "query", "url", "request"), Kind.TEXT),
    **dict.fromkeys(("status", "bytes", "connection_type", *DURATIONS), Kind.NUMBER),
    **dict.fromkeys(IDS, Kind.ID),
    **dict.fromkeys((*SIGNALS, "us_privacy", "ad_tracking"), Kind.SIGNAL),
}
"""All fields that a map may name.

`request` is a request line, `us_privacy` a US Privacy String, `ad_tracking` whether an app may track its
user, and `connection_type` a number of the list Connection Type of OpenRTB.
"""

_GIVES = {
    **dict.fromkeys(("path", "query"), ("target",)),
    "url": ("target", "host"),
    "request": ("method", "target"),
    **dict.fromkeys(("us_privacy", "ad_tracking"), ("opt_out",)),
    "connection_type": ("connection",),
    **dict.fromkeys(DURATIONS, ("duration",)),
}

FIRST = 0
"""Step of a path into the first element of an array."""

Step = str | int

_PATH = re.compile(r"[^\s.,=\[\]]+(?:\[0\])*(?:\.[^\s.,=\[\]]+(?:\[0\])*)*")
_EVERY_SPELLING = 2  # gaps between the keys of a path of which each may be a dot


@dataclass(frozen=True)
class Slot:
    """One way to a value: the field that it is for, and the keys and `FIRST` that lead to it."""

    field: str
    steps: tuple[Step, ...]

    @property
    def kind(self) -> Kind:
        """What the value is for."""
        return KINDS[self.field]


@dataclass(frozen=True)
class FieldMap:
    """Fields and their paths, in the order in which they are looked for.

    A path is keys with dots between them; `[0]` goes into the first element of an array, or stays where
    there is none. Keys may also be written together, as exporters of ECS do: `client.ip` finds
    `{"client": {"ip": …}}` and `{"client.ip": …}`. Of several paths of a field the first that holds
    something counts; of signals (age, birth_date, child, coppa, opt_out) all are read, and the one that is
    most like a child's counts.

    Attributes:
        entries: fields and paths.
        joined: whether keys are also looked for written together.
    """

    entries: tuple[tuple[str, str], ...]
    joined: bool = True

    @property
    def columns(self) -> frozenset[str]:
        """Columns of `RECORDS` that lines can give."""
        return frozenset(column for field, _ in self.entries for column in _GIVES.get(field, (field,)))

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Every spelling of every path, in the order in which they are looked for."""
        return _slots(self)


def parse_field_map(text: str) -> FieldMap:
    """Read a field map as it is written in flags and configuration.

    Args:
        text: `field=path` parts with spaces or commas between them, such as
            `time=ts address=client.ip user_agent=headers.User-Agent[0]`.

    Raises:
        UsageError: a part is not of this form, names a field that does not exist, or there is none.
    """
    entries = []
    for part in re.split(r"[\s,]+", text.strip(" \t\r\n,")):
        field, equals, path = part.partition("=")
        if not equals or not _PATH.fullmatch(path):
            raise UsageError(
                f"'{part}' is no part of a field map: write field=path, such as address=client.ip; "
                f"fields are: {', '.join(KINDS)}"
            )
        if field not in KINDS:
            raise UsageError(f"there is no field '{field}' for a field map; fields are: {', '.join(KINDS)}")
        entries.append((field, path))
    return FieldMap(tuple(dict.fromkeys(entries)))


@functools.lru_cache(maxsize=256)
def _slots(fields: FieldMap) -> tuple[Slot, ...]:
    return tuple(
        dict.fromkeys(
            Slot(field, steps)
            for field, path in fields.entries
            for steps in (_spellings(_steps(path)) if fields.joined else [_steps(path)])
        )
    )


def _steps(path: str) -> tuple[Step, ...]:
    return tuple(FIRST if step == "[0]" else step for step in re.findall(r"\[0\]|[^.\[\]]+", path))


def _spellings(steps: tuple[Step, ...]) -> list[tuple[Step, ...]]:
    """Ways to write keys apart or joined with dots, all apart first; of long paths only the usual ones."""
    gaps = [
        at for at in range(1, len(steps)) if isinstance(steps[at], str) and isinstance(steps[at - 1], str)
    ]
    if len(gaps) <= _EVERY_SPELLING:
        chosen = [joined for many in range(len(gaps) + 1) for joined in itertools.combinations(gaps, many)]
    else:
        chosen = [tuple(gaps[at:]) for at in range(len(gaps), -1, -1)]
    return [_join_at(steps, frozenset(joined)) for joined in chosen]


def _join_at(steps: tuple[Step, ...], gaps: frozenset[int]) -> tuple[Step, ...]:
    joined: list[Step] = []
    for at, step in enumerate(steps):
        if at in gaps:
            joined[-1] = f"{joined[-1]}.{step}"
        else:
            joined.append(step)
    return tuple(joined)
