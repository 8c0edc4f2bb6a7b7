"""Field maps: which keys of a JSON line hold which fields of a record."""

import functools
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from logscrub.errors import UsageError
from logscrub.formats.access import DURATIONS
from logscrub.formats.records import HINTS, IDS
from logscrub.schemas import signal_catalogue
from logscrub.signals import PATH, Catalogue


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
    "cookie",
)
"""Fields that are columns of `RECORDS` as they stand."""

KINDS = {
    "time": Kind.TIME,
    **dict.fromkeys((*TEXT_FIELDS, *HINTS.values(), "path", "query", "url", "request"), Kind.TEXT),
    **dict.fromkeys(("status", "bytes", "connection_type", *DURATIONS), Kind.NUMBER),
    **dict.fromkeys(IDS, Kind.ID),
}
"""All fields that a map may name, beside signals.

`request` is a request line, and `connection_type` a number of the list Connection Type of OpenRTB.
"""

_GIVES = {
    **dict.fromkeys(HINTS.values(), ("client_hints",)),
    **dict.fromkeys(("path", "query"), ("target",)),
    "url": ("target", "host"),
    "request": ("method", "target"),
    "connection_type": ("connection",),
    **dict.fromkeys(DURATIONS, ("duration",)),
}

FIRST = 0
"""Step of a path into the first element of an array."""

Step = str | int

_EVERY_SPELLING = 2  # gaps between the keys of a path of which each may be a dot


_OF_PEOPLE = frozenset(
    (
        "time",
        "address",
        "forwarded",
        "user_agent",
        "cookie",
        *IDS,
        "referrer",
        "path",
        "query",
        "url",
        "request",
    )
)
"""Fields that tell who a record belongs to, or may hold a signal in a URL or a cookie."""


@dataclass(frozen=True)
class Slot:
    """One way to a value: the field that it is for, and the keys and `FIRST` that lead to it."""

    field: str
    steps: tuple[Step, ...]

    @property
    def kind(self) -> Kind:
        """What the value is for."""
        return KINDS.get(self.field, Kind.SIGNAL)


@dataclass(frozen=True)
class FieldMap:
    """Fields and their paths, in the order in which they are looked for.

    A path is keys with dots between them; `[0]` goes into the first element of an array, or stays where
    there is none. Keys may also be written together, as exporters of ECS do: `client.ip` finds
    `{"client": {"ip": …}}` and `{"client.ip": …}`. Of several paths of a field the first that holds
    something counts; of ids and signals all do.

    Attributes:
        entries: fields and paths.
        joined: whether keys are also looked for written together.
    """

    entries: tuple[tuple[str, str], ...]
    joined: bool = True

    @functools.cached_property
    def columns(self) -> frozenset[str]:
        """Columns of `RECORDS` that lines can give."""
        columns = (
            _GIVES.get(field, (field,)) if field in KINDS else ("signals",) for field, _ in self.entries
        )
        return frozenset(itertools.chain.from_iterable(columns))

    @property
    def signals(self) -> frozenset[str]:
        """Names of the signals that it finds."""
        return frozenset(field for field, _ in self.entries if field not in KINDS)

    def of_people(self) -> "FieldMap":
        """Those entries that tell who a record belongs to, or may hold a signal."""
        kept = (entry for entry in self.entries if entry[0] not in KINDS or entry[0] in _OF_PEOPLE)
        return replace(self, entries=tuple(kept))

    @functools.cached_property
    def slots(self) -> tuple[Slot, ...]:
        """Every spelling of every path, in the order in which they are looked for."""
        return _slots(self)


def with_signals(
    fields: FieldMap, catalogue: Catalogue, headers: Sequence[str], *, of_events: bool
) -> FieldMap:
    """Add the places of signals and of client hints to a map.

    Args:
        fields: the map of a format.
        catalogue: the signals.
        headers: paths of request headers, with `{canonical}`, `{lower}` or `{snake}` for the name.
        of_events: whether the lines are events, so that names mean what they say.

    Raises:
        UsageError: a signal has the name of another field.
    """
    clash = KINDS.keys() & catalogue.by_name.keys()
    if clash:
        raise UsageError(f"signals: {min(clash)} is the name of another field: give the signal another one")
    found = [
        (name, path.format(canonical=header.title(), lower=header, snake=header.replace("-", "_")))
        for header, name in (*catalogue.header.items(), *HINTS.items())
        for path in headers
    ]
    found += catalogue.paths(of_events=of_events)
    return replace(fields, entries=tuple(dict.fromkeys((*fields.entries, *found))))


def parse_field_map(text: str, catalogue: Catalogue | None = None) -> FieldMap:
    """Read a field map as it is written in flags and configuration.

    Args:
        text: `field=path` parts with spaces or commas between them, such as
            `time=ts address=client.ip user_agent=headers.User-Agent[0]`.
        catalogue: the signals that it may name; by default those of schemas/signals.toml.

    Raises:
        UsageError: a part is not of this form, names a field that does not exist, or there is none.
    """
    known = (*KINDS, *(catalogue or signal_catalogue()).by_name)
    entries = []
    for part in re.split(r"[\s,]+", text.strip(" \t\r\n,")):
        field, equals, path = part.partition("=")
        if not equals or not PATH.fullmatch(path):
            raise UsageError(
                f"'{part}' is no part of a field map: write field=path, such as address=client.ip; "
                f"fields are: {', '.join(known)}"
            )
        if field not in known:
            raise UsageError(f"there is no field '{field}' for a field map; fields are: {', '.join(known)}")
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
