"""Birth dates and ages against the calendar itself."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logscrub.privacy.ages import Unclear, age_years, under_13_until
from logscrub.privacy.children import NEVER, judge

EPOCH = date(1970, 1, 1)
births = st.dates(date(1900, 1, 2), date(2040, 12, 31)).filter(lambda day: day not in DEFAULTS)
instants = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))
DEFAULTS = {date(1970, 1, 1), date(1969, 12, 31)}


def years_of(birth: date, day: date) -> int:
    """Completed years, by the calendar alone."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def judged(text: str, instant: datetime) -> tuple[bool, int]:
    time = pa.array(
        [int((instant - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))], pa.int64()
    )
    verdicts = judge({"birth_date": pa.array([text]).dictionary_encode()}, time)
    return bool(verdicts.withhold[0]), int(verdicts.adult_since[0])


def last_date(instant: datetime) -> date:
    return (instant - timedelta(hours=12)).date()


@given(births, instants)
def test_a_full_birth_date_is_judged_by_completed_years(birth: date, instant: datetime) -> None:
    child = years_of(birth, last_date(instant)) < 13
    for text in (
        birth.isoformat(),
        f"{birth:%Y%m%d}",
        f" {birth:%Y/%m/%d} ",
        f"{birth.isoformat()}T00:00:00Z",
    ):
        withhold, since = judged(text, instant)
        assert withhold == child
        assert (since == NEVER) == child


@given(births, instants)
def test_a_coarse_or_ambiguous_birth_date_never_makes_anyone_older(birth: date, instant: datetime) -> None:
    day = last_date(instant)
    if years_of(birth, day) < 13:
        forms = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y-%m-%dT21:30:00Z", "%Y-%m", "%Y")
        short = ("%d/%m/%y", "%m/%d/%y", "%y-%m-%d") if birth <= day and birth.year >= 2000 else ()
        for form in forms + short:
            assert judged(birth.strftime(form), instant)[0], form


@given(births, instants)
def test_a_coarse_birth_date_is_sure_after_its_last_day(birth: date, instant: datetime) -> None:
    day = last_date(instant)
    if birth.year not in (1900, 1970):
        assert judged(f"{birth:%Y}", instant)[0] == (day.year - birth.year < 14)
        months = (day.year - birth.year) * 12 + day.month - birth.month
        assert judged(f"{birth:%Y-%m}", instant)[0] == (months < 13 * 12 + 1)


@pytest.mark.parametrize("hour", [0, 11, 12, 23])
def test_every_birthday_of_forty_years_and_the_days_around_it(hour: int) -> None:
    days = [date(1977, 1, 1) + timedelta(days=n) for n in range(15_000)]
    texts, times, expected = [], [], []
    for birth in days:
        turning = (
            date(birth.year + 13, 3, 1)
            if (birth.month, birth.day) == (2, 29)
            else birth.replace(year=birth.year + 13)
        )
        for around in (-2, -1, 0, 1, 2):
            instant = datetime(turning.year, turning.month, turning.day, hour) + timedelta(days=around)
            texts.append(birth.isoformat())
            times.append(int((instant - datetime(1970, 1, 1)) / timedelta(milliseconds=1)))
            expected.append(years_of(birth, (instant - timedelta(hours=12)).date()) < 13)
    verdicts = judge({"birth_date": pa.array(texts).dictionary_encode()}, pa.array(times, pa.int64()))
    assert (verdicts.withhold == np.array(expected)).all()


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_an_age_is_cut_and_never_rounded(age: float) -> None:
    found = age_years(repr(age))
    readable = "e" not in repr(age) and not repr(age).startswith("-") and 0 <= age <= 120
    assert found == (int(age) if readable else Unclear.UNREADABLE)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_without_an_error(text: str) -> None:
    assert isinstance(age_years(text), int | Unclear)
    readings = under_13_until(text)
    if not isinstance(readings, Unclear):
        assert list(readings) == sorted(readings)
        assert all(years_of(reading.born, reading.until) >= 13 for reading in readings)


@given(st.text("0123456789-/. :tz+", max_size=20))
def test_any_digits_are_read_or_refused_without_an_error(text: str) -> None:
    readings = under_13_until(text)
    assert isinstance(readings, Unclear) or len(readings) <= 6
