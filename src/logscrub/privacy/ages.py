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

NOT_SENT_TEXTS = frozenset({"", "-", "null", "none", "undefined", "n/a", "unknown"})

# An age screen must not default to a set age (16 CFR 312.2, mixed audience), but many do: proof of nothing.
# 1969-12-31 is the Unix epoch west of Greenwich.
_GATE_DEFAULTS = frozenset({date(1900, 1, 1), date(1970, 1, 1), date(1969, 12, 31)})

_AGE = re.compile(r"0*([0-9]{1,3})(\.[0-9]*)?")
_WHOLE_NUMBER = re.compile(r"([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{8})\.0")
_YEAR = re.compile(r"[0-9]{4}")
_TWO_DIGIT_YEAR = re.compile(r"[0-9]{2}")
_YEAR_MONTH = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})")
_COMPACT_MONTH = re.compile(r"([0-9]{4})([0-9]{2})")
_MONTH_YEAR = re.compile(r"([0-9]{1,2})[-/.]([0-9]{4})")
_CUT_MONTH = re.compile(r"[0-9]{4}\.1")
_YEAR_FIRST = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_YEAR_LAST = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4})")
_SHORT_YEAR = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{1,2})")
_TIME_PART = re.compile(r"[t ]([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?) ?(z|[+-][0-9]{2}:?[0-9]{2})?")


class Unclear(Enum):
    """Why a text tells no age."""

    NOT_SENT = "not sent"
    UNREADABLE = "unreadable"


class BirthForm(Enum):
    """What a birth date is known to hold: it adds readings to the free one, which all forms share."""

    DATE = "birth_date"
    MONTH = "birth_month"
    YEAR = "birth_year"


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
    """Read whole years of an age, 0 to 120; decimals are cut, and digits may be of any script.

    Leading zeros are read. Anything else, such as a negative or larger number, NaN or a band, is
    `Unclear.UNREADABLE`; `-`, `null`, `unknown` and an empty text are `Unclear.NOT_SENT`.
    """
    plain = normalise(text)
    if plain in NOT_SENT_TEXTS:
        return Unclear.NOT_SENT
    found = _AGE.fullmatch(plain)
    if not found or float(found[0]) > OLDEST_YEARS:
        return Unclear.UNREADABLE
    return int(found[1])


def under_13_until(text: str, form: BirthForm = BirthForm.DATE) -> tuple[Reading, ...] | Unclear:
    """Read a birth date in every way it may be meant, earliest first.

    The one that counts is the last that was born on or before the day of the record; when all are after it,
    the birth lies in the future and the text is unreadable.

    Args:
        text: `YYYY-MM-DD` (also with `/`, `.`, without separators, or with a time), `YYYY-MM`, `YYYY`,
            `DD/MM/YYYY` or `MM/DD/YYYY` with any separator, or the same with two-digit years, in any order.
            `BirthForm.MONTH` adds `YYYYMM` and `MM/YYYY` with any separator, `BirthForm.YEAR` a year of two
            digits. Digits may be of any script; numbers may come as the repr of a float, such as `2013.0`.
        form: What the text is known to hold; each form also takes the texts of `BirthForm.DATE`.

    Returns:
        Readings; or `Unclear.NOT_SENT` for `-`, `null`, `unknown`, an empty text and the defaults of age
        gates (1900-01-01 and 1970-01-01, also shortened); or `Unclear.UNREADABLE` for anything else, such as
        Unix time, dates that do not exist and years before 1900.
    """
    plain = normalise(text)
    if plain in NOT_SENT_TEXTS:
        return Unclear.NOT_SENT
    if whole := _WHOLE_NUMBER.fullmatch(plain):
        plain = whole[1]
    readings = _readings_of_form(plain, form) or _coarse_readings(plain)
    if not readings:
        readings = [Reading(birth, thirteenth_birthday(birth)) for birth in _birth_dates(plain)]
    if _is_gate_default([reading.born for reading in readings]):
        return Unclear.NOT_SENT
    return tuple(sorted(readings)) or Unclear.UNREADABLE


def normalise(text: str) -> str:
    """Compatibility forms, white space and case removed, and decimal digits of every script made ASCII."""
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    return plain if plain.isascii() else "".join(map(_ascii_digit, plain))


def _ascii_digit(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    return character if digit is None else str(digit)


def _readings_of_form(plain: str, form: BirthForm) -> list[Reading]:
    if form is BirthForm.YEAR and _TWO_DIGIT_YEAR.fullmatch(plain):
        return _of_year(1900 + int(plain)) + _of_year(2000 + int(plain))
    if form is BirthForm.MONTH:
        return _months(plain)
    return []


def _months(plain: str) -> list[Reading]:
    if found := _YEAR_MONTH.fullmatch(plain) or _COMPACT_MONTH.fullmatch(plain):
        year, month = int(found[1]), int(found[2])
        # The number 2013.10, of October, loses its last digit where it is read as a float.
        cut = _of_month(year, 10) if _CUT_MONTH.fullmatch(plain) else []
        return _of_month(year, month) + cut
    if found := _MONTH_YEAR.fullmatch(plain):
        return _of_month(int(found[2]), int(found[1]))
    return []


def _coarse_readings(plain: str) -> list[Reading]:
    """Read a year, or a year and a month."""
    if _YEAR.fullmatch(plain):
        return _of_year(int(plain))
    if found := _YEAR_MONTH.fullmatch(plain):
        return _of_month(int(found[1]), int(found[2]))
    return []


def _of_year(year: int) -> list[Reading]:
    """A birth on any day of a year: 13 is sure from the first day after the year of the birthday."""
    return [Reading(birth, date(year + ADULT_YEARS + 1, 1, 1)) for birth in _valid(year, 1, 1)]


def _of_month(year: int, month: int) -> list[Reading]:
    years_on, next_month = divmod(month, 12)
    return [
        Reading(birth, date(year + ADULT_YEARS + years_on, next_month + 1, 1))
        for birth in _valid(year, month, 1)
    ]


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
