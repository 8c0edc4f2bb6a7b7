"""Times in the form that a configuration says: strftime texts, and the units of Apache's `%{...}t`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.errors import UsageError
from logscrub.formats import zones
from logscrub.formats.records import IMPOSSIBLE_TIME, NO_TIME, BoolArray, Int64Array
from logscrub.formats.times import Times

CLF = "%d/%b/%Y:%H:%M:%S %z"
"""Apache's and nginx's default form."""

JOINT = "\n"
"""Stands between the parts of a time that a line writes at several places: no line holds it."""

_FIRST_HALF = ("january", "february", "march", "april", "may", "june")
_MONTHS = (*_FIRST_HALF, "july", "august", "september", "october", "november", "december")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TWO, _TWO_OR_SPACE, _NAME = r"\d{2}", r"[ \d]\d", "[A-Za-z]{3,9}"
_COMPONENTS = {
    "Y": ("year", r"\d{4}"),
    "C": ("century", _TWO),
    "m": ("month", _TWO),
    "B": ("month_name", _NAME),
    "b": ("month_name", "[A-Za-z]{3}"),
    "h": ("month_name", "[A-Za-z]{3}"),
    "d": ("day", _TWO),
    "e": ("day", _TWO_OR_SPACE),
    "j": ("day_of_year", r"\d{3}"),
    "G": ("iso_year", r"\d{4}"),
    "V": ("iso_week", _TWO),
    "U": ("sunday_week", _TWO),
    "W": ("monday_week", _TWO),
    "u": ("iso_weekday", "[1-7]"),
    "w": ("weekday", "[0-6]"),
    "A": ("day_name", _NAME),
    "a": ("day_name", "[A-Za-z]{3}"),
    "H": ("hour", _TWO),
    "k": ("hour", _TWO_OR_SPACE),
    "I": ("hour12", _TWO),
    "l": ("hour12", _TWO_OR_SPACE),
    "p": ("half", "(?:[AaPp][Mm])?"),
    "P": ("half", "(?:[AaPp][Mm])?"),
    "M": ("minute", _TWO),
    "S": ("second", _TWO),
    "z": ("offset", r"[+-]\d{2}:?\d{2}"),
    "Z": ("zone_name", r"(?:[A-Za-z0-9+-]{1,9})?"),
    "s": ("epoch_s", r"\d{1,15}"),
}
_SHORT_YEAR = ("short_year", _TWO)
_UNITS = {
    "sec": ("epoch_s", r"\d{1,15}"),
    "msec": ("epoch_ms", r"\d{1,16}"),
    "usec": ("epoch_us", r"\d{1,18}"),
    "msec_frac": ("fraction_ms", r"\d{3}"),
    "usec_frac": ("fraction_us", r"\d{6}"),
}
_SPELT_OUT = {"F": "%Y-%m-%d", "T": "%H:%M:%S", "X": "%H:%M:%S", "R": "%H:%M", "r": "%I:%M:%S %p"}
_SPELT_OUT |= {"c": "%a %b %e %H:%M:%S %Y", "+": "%a %b %e %H:%M:%S %Z %Y"}
_TWO_DIGIT_YEARS = {"y": "%Y", "g": "%G", "D": "%F", "x": "%F"}
_PLACE = re.compile(r"%(?P<letter>[EO]?[A-Za-z%+])?|[^%]+", re.DOTALL)
_DATES = (
    {"year", "month", "day"},
    {"year", "month_name", "day"},
    {"year", "day_of_year"},
    *({"iso_year", "iso_week", day} for day in ("iso_weekday", "weekday", "day_name")),
    *(
        {"year", week, day}
        for week in ("sunday_week", "monday_week")
        for day in ("iso_weekday", "weekday", "day_name")
    ),
)
_CLOCKS = ({"hour", "minute", "second"}, {"hour12", "half", "minute", "second"})
_EPOCHS = {"epoch_us": 0.001, "epoch_ms": 1, "epoch_s": 1000}
_NAMES = {"month_name": _MONTHS, "day_name": _DAYS, "half": ("am", "pm")}
_DAY_MS = 86_400_000
_HOURS, _MINUTES, _SECONDS, _HALF_DAY, _MONTHS_A_YEAR = 24, 60, 60, 12, 12
_FIRST_MS = 631_152_000_000  # 1990-01-01: there was no web before
_LAST_MS = 253_402_300_800_000  # year 10000
_UTC_NAMES = ["utc", "gmt", "z", "ut"]

_Part = tuple[str, str]  # component ("" is text as it stands) and expression
_Numbers = Mapping[str, Int64Array]


@dataclass(frozen=True)
class Clock:
    """How the lines of a format write their time.

    Attributes:
        forms: one strftime text, or unit of Apache's `%{...}t`, for each place of a line with a part of it.
        source_timezone: IANA name of the zone of times without an offset.
    """

    forms: tuple[str, ...]
    source_timezone: str = "UTC"

    @cached_property
    def expressions(self) -> tuple[str, ...]:
        """RE2 for what stands at each place, without groups.

        Raises:
            UsageError: a form is malformed, or writes years with two digits.
        """
        return tuple("".join(expression for _, expression in _parts(form)) for form in self.forms)

    @cached_property
    def components(self) -> frozenset[str]:
        """What the forms tell together."""
        return frozenset(name for form in self.forms for name, _ in _parts(form) if name)

    @property
    def is_complete(self) -> bool:
        """Whether a line tells its second: an epoch, or a date with a year and a time of day."""
        told = self.components | ({"year"} if {"century", "short_year"} <= self.components else set())
        dated = any(date <= told for date in _DATES) and any(clock <= told for clock in _CLOCKS)
        return dated or not told.isdisjoint(_EPOCHS)

    @property
    def is_local(self) -> bool:
        """Whether `source_timezone` matters."""
        return self.components.isdisjoint(("offset", *_EPOCHS))

    def read(self, distinct: pa.Array) -> Times:
        """Read times (strings), whose parts are joined by `JOINT`; what has another form is `no_time`."""
        parts = pc.extract_regex(distinct.cast(pa.string()), self._expression)
        rows = np.flatnonzero(parts.is_valid().to_numpy(zero_copy_only=False))
        groups = {
            field.name: values.take(pa.array(rows))
            for field, values in zip(parts.type, parts.flatten(), strict=True)
        }
        millis, problem = np.zeros(len(distinct), np.int64), np.full(len(distinct), NO_TIME, np.int8)
        if self.is_complete:
            read, valid = _assemble(groups, self.source_timezone)
            valid &= (read >= _FIRST_MS) & (read < _LAST_MS)
            millis[rows], problem[rows] = np.where(valid, read, 0), np.where(valid, -1, IMPOSSIBLE_TIME)
        return Times(millis, problem)

    @cached_property
    def _expression(self) -> str:
        seen: set[str] = set()
        texts = []
        for form in self.forms:
            text = ""
            for name, expression in _parts(form):
                text += f"(?P<{name}>{expression})" if name and name not in seen else f"(?:{expression})"
                seen.add(name)
            texts.append(text)
        return rf"\A{JOINT.join(texts)}\z"


def _parts(form: str) -> list[_Part]:
    """Take a form of Apache's `%{...}t`, or a strftime text, apart."""
    form = form.removeprefix("begin:").removeprefix("end:")
    form = CLF if form in {"", "begin", "end"} else form
    if form in _UNITS:
        return [_UNITS[form]]
    parts: list[_Part] = []
    for match in _PLACE.finditer(form):
        if not match[0].startswith("%"):
            parts.append(("", re.escape(match[0])))
        elif match["letter"] is None:
            raise UsageError(
                f"the time format {form!r} is malformed at character {match.start() + 1}: write %% for a %"
            )
        else:
            parts += _of_letter(match["letter"][-1], form, match.start())
    return parts


def _of_letter(letter: str, form: str, at: int) -> list[_Part]:
    if letter == "%":
        return [("", "%")]
    if letter in "nt":
        return [("", r"\s*")]
    if letter in _SPELT_OUT:
        return _parts(_SPELT_OUT[letter])
    if letter == "y" and "%C" in form:
        return [_SHORT_YEAR]
    if letter in _TWO_DIGIT_YEARS:
        raise UsageError(
            f"the time format {form!r} writes a year of two digits at character {at + 1}, which does not "
            f"tell the century: write %{letter} as {_TWO_DIGIT_YEARS[letter]}"
        )
    if letter not in _COMPONENTS:
        raise UsageError(f"the time format {form!r} has no meaning at character {at + 1}: %{letter}")
    return [_COMPONENTS[letter]]


def joined(forms: Sequence[pa.Array]) -> pa.DictionaryArray:
    """Join the parts of times (strings, one array for each place) for `Clock.read`."""
    whole = forms[0] if len(forms) == 1 else pc.binary_join_element_wise(*forms, JOINT)
    return whole.dictionary_encode()


def _assemble(groups: Mapping[str, pa.Array], zone: str) -> tuple[Int64Array, BoolArray]:
    """Milliseconds of the epoch of components, and whether there is such a time."""
    numbers = {name: _numbers(name, text) for name, text in groups.items()}
    fraction = numbers["fraction_ms"] if "fraction_ms" in numbers else np.int64(0)
    fraction = numbers["fraction_us"] // 1000 if "fraction_us" in numbers else fraction
    for name, scale in _EPOCHS.items():
        if name in numbers:
            epoch = numbers[name] // 1000 if scale < 1 else numbers[name] * int(scale)
            return epoch + (fraction if name == "epoch_s" else 0), np.ones(len(epoch), bool)
    days, dated = _days(numbers)
    seconds, timed = _seconds(numbers)
    local = np.where(dated, days, 0) * _DAY_MS + seconds * 1000 + fraction
    if "offset" in numbers:
        hours, minutes = np.divmod(np.abs(numbers["offset"]), 100)
        sign = np.where(pc.starts_with(groups["offset"], "-").to_numpy(zero_copy_only=False), -1, 1)
        known = (hours < _HOURS) & (minutes < _MINUTES)
        return local - sign * (hours * 60 + minutes) * 60_000, dated & timed & known
    utc = zones.to_utc(local, zone)
    if "zone_name" in groups:  # names of other zones mean several: the one of the settings holds
        named = pc.is_in(pc.utf8_lower(groups["zone_name"]), pa.array(_UTC_NAMES))
        utc = np.where(named.to_numpy(zero_copy_only=False), local, utc)
    return utc, dated & timed


def _numbers(name: str, text: pa.Array) -> Int64Array:
    """Numbers of one component; names count from 0, and unknown ones are -1."""
    if name == "zone_name":
        return np.zeros(len(text), np.int64)
    if name in _NAMES:
        lower = pc.utf8_lower(text)
        short = pc.index_in(lower, pa.array([name[:3] for name in _NAMES[name]]))
        place = pc.coalesce(short, pc.index_in(lower, pa.array(_NAMES[name])))
        named: Int64Array = place.fill_null(-1).to_numpy().astype(np.int64)
        return named
    digits = pc.replace_substring(pc.utf8_ltrim(text, " +"), ":", "")
    numbers: Int64Array = digits.cast(pa.int64()).to_numpy()
    return numbers


def _days(numbers: _Numbers) -> tuple[Int64Array, BoolArray]:
    """Days since 1970-01-01, and whether there is such a day."""
    if "iso_year" in numbers and "iso_week" in numbers:
        fourth = _first_of(numbers["iso_year"]) + 3  # lies in week 1, ISO 8601
        monday = fourth - _weekday(fourth) + (numbers["iso_week"] - 1) * 7
        day = _given_weekday(numbers)
        return monday + day, (_year_of(monday + 3) == numbers["iso_year"]) & (day >= 0)
    short = numbers["century"] * 100 + numbers["short_year"] if "short_year" in numbers else None
    year = numbers["year"] if short is None else short
    first = _first_of(year)
    if "day" in numbers and ("month" in numbers or "month_name" in numbers):
        month = numbers["month"] if "month" in numbers else numbers["month_name"] + 1
        start, after = (_days_of((year - 1970) * 12 + month - 1 + ahead, "M") for ahead in (0, 1))
        days = start + numbers["day"] - 1
        return days, (month >= 1) & (month <= _MONTHS_A_YEAR) & (days >= start) & (days < after)
    if "day_of_year" in numbers:
        days = first + numbers["day_of_year"] - 1
    elif "sunday_week" in numbers:
        sunday = first + (6 - _weekday(first)) % 7
        days = sunday + (numbers["sunday_week"] - 1) * 7 + (_given_weekday(numbers) + 1) % 7
    else:
        monday = first + (7 - _weekday(first)) % 7
        days = monday + (numbers["monday_week"] - 1) * 7 + _given_weekday(numbers)
    return days, _year_of(days) == year


def _given_weekday(numbers: _Numbers) -> Int64Array:
    """Monday is 0, a name that is none -1."""
    if "iso_weekday" in numbers:
        return numbers["iso_weekday"] - 1
    return (numbers["weekday"] + 6) % 7 if "weekday" in numbers else numbers["day_name"]


def _seconds(numbers: _Numbers) -> tuple[Int64Array, BoolArray]:
    """Seconds since midnight; a leap second, :60, is the second before it."""
    minute, second = numbers["minute"], numbers["second"]
    valid = (minute < _MINUTES) & (second <= _SECONDS)
    if "hour" in numbers:
        hour = numbers["hour"]
        valid &= hour < _HOURS
    else:
        hour = numbers["hour12"] % 12 + numbers["half"] * 12
        valid &= (numbers["hour12"] >= 1) & (numbers["hour12"] <= _HALF_DAY) & (numbers["half"] >= 0)
    return (hour * 60 + minute) * 60 + np.minimum(second, 59), valid


def _first_of(year: Int64Array) -> Int64Array:
    return _days_of(year - 1970, "Y")


def _days_of(count: Int64Array, unit: str) -> Int64Array:
    days: Int64Array = count.astype(f"datetime64[{unit}]").astype("datetime64[D]").astype(np.int64)
    return days


def _year_of(days: Int64Array) -> Int64Array:
    years: Int64Array = days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    return years


def _weekday(days: Int64Array) -> Int64Array:
    """Monday is 0; the epoch began on a Thursday."""
    weekday: Int64Array = (days + 3) % 7
    return weekday
