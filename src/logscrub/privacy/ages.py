"""Ages and birth dates as people and systems write them, read so that a doubt makes a child.

A child is under 13 (16 CFR 312.2) until the start of the 13th birthday. Dates are compared as dates, and in
UTC-12, the last place on earth to reach a date, since a log rarely tells where its visitor is.
"""

import re
import unicodedata
from datetime import date, timedelta
from enum import Enum
from itertools import product
from typing import NamedTuple

ADULT_YEARS = 13
OLDEST_YEARS = 120
FIRST_BIRTH_YEAR = 1900
LAST_BIRTH_YEAR = 9900  # the calendar of Python ends in 9999

NOT_SENT_TEXTS = frozenset({"", "-", "null", "unknown"})

# An age screen must not default to a set age (16 CFR 312.2, mixed audience), but many do: proof of nothing.
# 1969-12-31 is the Unix epoch west of Greenwich.
_GATE_DEFAULTS = frozenset({date(1900, 1, 1), date(1970, 1, 1), date(1969, 12, 31)})
_GATE_DEFAULT_TEXTS = frozenset({"1900", "1900-01", "1970", "1970-01"})

_AGE = re.compile(r"0*([0-9]{1,3})(\.[0-9]*)?")
_WHOLE_NUMBER = re.compile(r"([0-9]{4}|[0-9]{8})\.0")
_YEAR = re.compile(r"([0-9]{4})")
_YEAR_MONTH = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})")
_YEAR_FIRST = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_YEAR_LAST = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4})")
_SHORT_YEAR = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{1,2})")
_TIME_PART = re.compile(r"[t ]([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?) ?(z|[+-][0-9]{2}:?[0-9]{2})?")


class Unclear(Enum):
    """Why a text tells no age."""

    NOT_SENT = "not sent"
    UNREADABLE = "unreadable"


class Reading(NamedTuple):
    """One way to read a birth date: the first day it may mean, and the first day on which 13 is sure."""

    born: date
    until: date


def thirteenth_birthday(birth: date) -> date:
    """Give the day on which a person turns 13; after a birth on 29 February it is 1 March.

    The 13th birthday of such a person never falls in a leap year, and 1 March is the later of the two dates
    that laws use.
    """
    year = birth.year + ADULT_YEARS
    try:
        return birth.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def age_years(text: str) -> int | Unclear:
    """Read whole years of an age, 0 to 120; decimals are cut, full-width digits and leading zeros are read.

    Anything else, such as a negative or larger number, NaN or a band, is `Unclear.UNREADABLE`; `-`, `null`,
    `unknown` and an empty text are `Unclear.NOT_SENT`.
    """
    plain = normalise(text)
    if plain in NOT_SENT_TEXTS:
        return Unclear.NOT_SENT
    found = _AGE.fullmatch(plain)
    if not found or float(found[0]) > OLDEST_YEARS:
        return Unclear.UNREADABLE
    return int(found[1])


def under_13_until(text: str) -> tuple[Reading, ...] | Unclear:
    """Read a birth date in every way it may be meant, earliest first.

    The one that counts is the last that was born on or before the day of the record; when all are after it,
    the birth lies in the future and the text is unreadable.

    Args:
        text: `YYYY-MM-DD` (also with `/`, `.`, without separators, or with a time), `YYYY-MM`, `YYYY`,
            `DD/MM/YYYY` or `MM/DD/YYYY` with any separator, or the same with two-digit years, in any order.

    Returns:
        Readings; or `Unclear.NOT_SENT` for `-`, `null`, `unknown`, an empty text and the defaults of age
        gates (1900-01-01 and 1970-01-01, also shortened); or `Unclear.UNREADABLE` for anything else, for
        dates that do not exist and for years before 1900.
    """
    plain = normalise(text)
    if whole := _WHOLE_NUMBER.fullmatch(plain):
        plain = whole[1]
    if plain in NOT_SENT_TEXTS or plain in _GATE_DEFAULT_TEXTS:
        return Unclear.NOT_SENT
    readings = _coarse_readings(plain)
    if not readings:
        births = _birth_dates(plain)
        if _is_gate_default(births):
            return Unclear.NOT_SENT
        readings = [Reading(birth, thirteenth_birthday(birth)) for birth in births]
    return tuple(sorted(readings)) or Unclear.UNREADABLE


def normalise(text: str) -> str:
    """Compatibility forms (full-width digits), white space and case removed."""
    return unicodedata.normalize("NFKC", text).strip().lower()


def _coarse_readings(plain: str) -> list[Reading]:
    """Read a year, or a year and a month: 13 is sure from the first day after it."""
    if found := _YEAR.fullmatch(plain):
        year = int(found[1])
        births = _valid(year, 1, 1)
        return [Reading(birth, date(year + ADULT_YEARS + 1, 1, 1)) for birth in births]
    if found := _YEAR_MONTH.fullmatch(plain):
        year, month = int(found[1]), int(found[2])
        years_on, next_month = divmod(month, 12)
        return [
            Reading(birth, date(year + ADULT_YEARS + years_on, next_month + 1, 1))
            for birth in _valid(year, month, 1)
        ]
    return []


def _birth_dates(plain: str) -> list[date]:
    """Every valid birth date a text may mean, in no order."""
    if found := _YEAR_FIRST.match(plain) or _COMPACT.match(plain):
        births = _valid(int(found[1]), int(found[2]), int(found[3]))
        return [later for birth in births for later in _with_time(birth, plain[found.end() :])]
    if found := _YEAR_LAST.fullmatch(plain):
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        return _valid(year, first, second) + _valid(year, second, first)
    if found := _SHORT_YEAR.fullmatch(plain):
        first, second, third = int(found[1]), int(found[3]), int(found[4])
        orders = ((third, second, first), (third, first, second), (first, second, third))
        return [
            birth
            for century, (year, month, day) in product((1900, 2000), orders)
            for birth in _valid(century + year, month, day)
        ]
    return []


def _is_gate_default(births: list[date]) -> bool:
    # 01/01/00 may be of 2000, so only a default that has no later reading is one; a time adds a day.
    return bool(births) and min(births) in _GATE_DEFAULTS and max(births) - min(births) <= timedelta(days=1)


def _with_time(birth: date, rest: str) -> list[date]:
    """Add the next date where there is a time of day: in UTC, midnight elsewhere may be the day before."""
    if not rest:
        return [birth]
    found = _TIME_PART.fullmatch(rest)
    if not found:
        return []
    return [birth] if not found[1].strip("0:.") else [birth, birth + timedelta(days=1)]


def _valid(year: int, month: int, day: int) -> list[date]:
    if not FIRST_BIRTH_YEAR <= year <= LAST_BIRTH_YEAR:
        return []
    try:
        return [date(year, month, day)]
    except ValueError:
        return []
