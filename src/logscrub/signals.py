"""What a signal is: where it stands in a log, and what kind of value it has."""

import functools
import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

UNREADABLE = "unreadable"
"""Value of a signal that was sent in a form that no text has: it fails closed."""

URL = "url"
"""In place of the name of a signal: the value is a URL that the record has no other column for."""

BETWEEN_ITEMS = "\x1e"
BETWEEN_VALUES = "\x1f"
"""What stands between the signals of a record, and between several values of a signal or an id."""

AGE_RANGE_PARTS = ("lower_bound", "upper_bound", "declaration", "declined")
"""How names of the signals end that are parts of one age range."""

PATH = re.compile(r"[^\s.,=\[\]]+(?:\[0\])*(?:\.[^\s.,=\[\]]+(?:\[0\])*)*")
"""A path in a JSON line: keys with dots between, `[0]` for the first element of an array."""

_WORD = re.compile(r"[^\s=&;,?#\[\]]+")
_NAME = r"^[a-z][a-z0-9_]*$"
_PLACES = ("query", "cookie", "header", "field", "json_path", "event")


def encode_signals(sent: Iterable[tuple[str, str]]) -> str:
    """Make one text of names of signals and their values, as the column `signals` of records has it.

    A value that holds what stands between signals cannot be read.
    """
    return BETWEEN_ITEMS.join(
        f"{name}={UNREADABLE if BETWEEN_ITEMS in value else value}" for name, value in sent
    )


def decode_signals(text: str) -> list[tuple[str, str]]:
    """Names and values of what `encode_signals` made; several values of a signal come one by one.

    What has no value, which it never makes, has the name "".
    """
    sent = []
    for item in text.split(BETWEEN_ITEMS):
        name, equals, values = item.partition("=")
        sent += [(name if equals else "", value) for value in values.split(BETWEEN_VALUES)]
    return sent


class Kind(StrEnum):
    """How the values of a signal are read; ARCHITECTURE.md, section 'Signals', has what each one says."""

    BOOL = "bool"
    BOOL_INVERTED = "bool_inverted"
    AGE_YEARS = "age_years"
    AGE_UPPER = "age_upper"
    AGE_BAND = "age_band"
    BIRTH_DATE = "birth_date"
    BIRTH_YEAR = "birth_year"
    BIRTH_MONTH = "birth_month"
    ENUM = "enum"
    PRESENT = "present"
    GPC = "gpc"
    DNT = "dnt"
    GPP = "gpp"
    US_PRIVACY = "us_privacy"
    TCF = "tcf"
    TCF_APPLIES = "tcf_applies"
    AGE_RANGE = "age_range"


class Says(StrEnum):
    """Whom a signal is about, when it is on."""

    CHILD = "child"
    OPT_OUT = "opt_out"
    TFUA = "tfua"
    PERSONALISATION = "personalisation"


Names = Annotated[tuple[str, ...], Field(strict=False)]


class Signal(BaseModel):
    """A signal, as `schemas/signals.toml` and the setting `signals` have it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: str = Field(pattern=_NAME, description="name of the signal, also in field maps")
    kind: Annotated[Kind, Field(strict=False)] = Field(description="how its values are read")
    says: Annotated[Says, Field(strict=False)] = Field(Says.CHILD, description="whom it is about")
    query: Names = Field((), description="query parameters of the request and the referrer, in any case")
    cookie: Names = Field((), description="cookies, in any case")
    header: Names = Field((), description="request headers, where the log has a column for them")
    field: Names = Field((), description="columns of logs with a #Fields line")
    json_path: Names = Field((), description="paths in JSON lines of every format, such as regs.coppa")
    event: Names = Field((), description="paths in JSON lines of events: in others they mean something else")
    child: Names = Field((), description="enum: values that say a child")
    thirteen: Names = Field((), description="enum: values that say 13 or more")
    opted_out: Names = Field((), description="enum: values that say an opt-out")
    nothing: Names = Field((), description="enum and bool: values that say nothing")
    unreadable_says_nothing: bool = Field(
        False,
        description="whether values that cannot be read are ignored, where a name means other things too",
    )
    source: str = Field("", description="where its meaning is published")

    @field_validator("query", "cookie", "header", "field")
    @classmethod
    def _one_word_each(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_WORD.fullmatch(name) for name in names):
            raise ValueError("give names as the log has them, without blanks, brackets and marks")
        return names

    @field_validator("json_path", "event")
    @classmethod
    def _paths(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        if not all(PATH.fullmatch(path) for path in paths):
            raise ValueError("give paths as keys with dots between, such as user.age or traits[0].age")
        return paths

    @model_validator(mode="after")
    def _stands_somewhere(self) -> Self:
        if not any(getattr(self, place) for place in _PLACES):
            raise ValueError(f"{self.name}: say where it stands: one or more of {', '.join(_PLACES)}")
        if (self.kind is Kind.ENUM) != bool(self.child or self.thirteen or self.opted_out):
            raise ValueError(f"{self.name}: child, thirteen and opted_out list the values of an enum")
        if self.kind is Kind.AGE_RANGE and not self.name.endswith(AGE_RANGE_PARTS):
            raise ValueError(f"{self.name}: end the name of a part of an age range with {AGE_RANGE_PARTS}")
        return self


class Catalogue:
    """Signals by where they stand. Equal lists of signals make equal catalogues."""

    def __init__(self, signals: Iterable[Signal]) -> None:
        self.signals = tuple(signals)
        self.by_name = {signal.name: signal for signal in self.signals}
        if len(self.by_name) < len(self.signals):
            names = [signal.name for signal in self.signals]
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"the signal {twice} is there twice: give yours another name")
        self.query = self._names("query")
        self.cookie = self._names("cookie")
        self.header = self._names("header")
        self.field = self._names("field")
        self._hash = hash(self.signals)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Catalogue) and other.signals == self.signals

    def __hash__(self) -> int:
        return self._hash

    def paths(self, *, of_events: bool) -> list[tuple[str, str]]:
        """Name and path in JSON lines of each signal."""
        return [
            (signal.name, path)
            for signal in self.signals
            for path in (*signal.json_path, *(signal.event if of_events else ()))
        ]

    @functools.cached_property
    def query_expression(self) -> str:
        """RE2 that finds whatever may be a query parameter of the catalogue; names may be percent-encoded."""
        names = "|".join(re.escape(name) for name in sorted(self.query))
        return rf"(?i)[?&;#](?:[+ ]*(?:{names})(?:\[\])?[+ ]*=|[^?&;#=\s]*%[0-9a-f]{{2}}[^?&;#=\s]*=)"

    @functools.cached_property
    def cookie_expression(self) -> str:
        """RE2 that finds whatever may be a cookie of the catalogue."""
        names = "|".join(re.escape(name) for name in sorted(self.cookie))
        return rf"(?i)(?:^|[;\s])(?:{names})\s*(?:[=;]|$)"

    def _names(self, place: str) -> dict[str, str]:
        """Lower-case name at a place to the name of its signal."""
        found: dict[str, str] = {}
        for signal in self.signals:
            for name in getattr(signal, place):
                if found.setdefault(name.lower(), signal.name) != signal.name:
                    raise ValueError(f"{place} {name}: two signals stand there")
        return found
