"""Birth dates: the forms that are read, and the birthday matrix against an oracle of plain integers."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from logscrub.privacy.ages import BirthForm, Reading, Unclear, age_years, normalise, under_13_until
from logscrub.privacy.children import last_days

DATE, MONTH, YEAR = BirthForm.DATE, BirthForm.MONTH, BirthForm.YEAR
ARABIC_INDIC, DEVANAGARI, FULL_WIDTH = (
    str.maketrans("0123456789", "".join(chr(zero + n) for n in range(10))) for zero in (0x660, 0x966, 0xFF10)
)

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def of_year(year: int) -> Reading:
    return Reading(date(year, 1, 1), date(year + 14, 1, 1))


MAY_2013 = (Reading(date(2013, 5, 1), date(2026, 6, 1)),)
DAY_OF_MAY = (Reading(date(2013, 5, 7), date(2026, 5, 7)),)


@pytest.mark.parametrize("text", ["2013", "2013.0", " 2013 ", "2013".translate(DEVANAGARI)])
@pytest.mark.parametrize("form", BirthForm)
def test_a_year_of_four_digits_is_read_in_every_form(text: str, form: BirthForm) -> None:
    assert under_13_until(text, form) == (of_year(2013),)


@pytest.mark.parametrize("text", ["13", "13.0", "\uff11\uff13"])
def test_a_year_of_two_digits_is_read_only_where_a_year_is_known_to_be(text: str) -> None:
    assert under_13_until(text, YEAR) == (of_year(1913), of_year(2013))
    assert under_13_until(text, DATE) is Unclear.UNREADABLE
    assert under_13_until(text, MONTH) is Unclear.UNREADABLE


@pytest.mark.parametrize(
    "text", ["2013-05", "2013/05", "2013-5", "2013.05", "2013-05".translate(ARABIC_INDIC)]
)
@pytest.mark.parametrize("form", BirthForm)
def test_a_year_and_month_is_read_in_every_form(text: str, form: BirthForm) -> None:
    assert under_13_until(text, form) == MAY_2013


@pytest.mark.parametrize("text", ["201305", "201305.0", "05/2013", "5/2013", "05-2013", "05.2013"])
def test_other_months_are_read_only_where_a_month_is_known_to_be(text: str) -> None:
    assert under_13_until(text, MONTH) == MAY_2013
    assert under_13_until(text, DATE) is Unclear.UNREADABLE
    assert under_13_until(text, YEAR) is Unclear.UNREADABLE


def test_a_month_that_lost_its_last_digit_in_a_float_may_be_october() -> None:
    october = Reading(date(2013, 10, 1), date(2026, 11, 1))
    assert under_13_until(repr(2013.10), MONTH) == (Reading(date(2013, 1, 1), date(2026, 2, 1)), october)
    assert under_13_until("2013.10", MONTH) == (october,)
    assert under_13_until("2013.01", MONTH) == (Reading(date(2013, 1, 1), date(2026, 2, 1)),)


@pytest.mark.parametrize(
    "text",
    [
        *("2013-05-07", "2013/5/7", "20130507", "20130507.0", "2013-05-07T00:00:00Z", "2013-05-07t00:00:00z"),
        *("2013-05-07 00:00:00+14:00", "2013-05-07T00:00:00.000-0330", "\u00a02013-05-07\u2003"),
        *("2013-05-07".translate(ARABIC_INDIC), "20130507".translate(DEVANAGARI)),
        "2013-05-07".translate(FULL_WIDTH),
    ],
)
@pytest.mark.parametrize("form", BirthForm)
def test_a_full_date_is_read_in_every_form(text: str, form: BirthForm) -> None:
    assert under_13_until(text, form) == DAY_OF_MAY


@pytest.mark.parametrize(
    "text", ["2013-05-06T22:00:00Z", "2013-05-06t22:00:00.000+02:00", "2013-05-06 15:30:00-0330"]
)
@pytest.mark.parametrize("form", BirthForm)
def test_a_time_of_day_may_be_midnight_of_the_next_day_elsewhere(text: str, form: BirthForm) -> None:
    day_before = Reading(date(2013, 5, 6), date(2026, 5, 6))
    assert under_13_until(text, form) == (day_before, *DAY_OF_MAY)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        *((DATE, text) for text in ("1900-01-01", "1970-01-01", "1969-12-31", "19700101", "01/01/1970")),
        *((YEAR, text) for text in ("1900", "1970", "1970.0", "1900-01-01", "1970-01-01T00:00:00Z")),
        *(
            (MONTH, text)
            for text in ("1900-01", "1970-01", "197001", "01/1970", "1970-1", "1900", "19700101")
        ),
        *((form, text) for form in BirthForm for text in ("", "-", "null", "Unknown", "\u00a0")),
    ],
)
def test_what_was_not_sent_and_the_defaults_of_gates_prove_nothing(form: BirthForm, text: str) -> None:
    assert under_13_until(text, form) is Unclear.NOT_SENT


@pytest.mark.parametrize(
    "text",
    [
        *(
            "0",
            "0.0",
            "1234567890",
            "641865600",
            "641865600.0",
            "1368000000000",
            "1367884800000.0",
            "-641865600",
        ),
        *(
            "1.3678848e+18",
            "15832",
            "3",
            "3.0",
            "113",
            "-13",
            "1899",
            "0000",
            "nan",
            "inf",
            "2013-13",
            "13/2013",
        ),
        *("0/2013", "201300", "201313", "052013", "189912", "2013-02-29", "2013-05-07T", "2013 05", "2 013"),
        *("2013-05-07x", "May 2013", "'13", "2013?", "2013-2014", "12 years", "2e3", "\u00b2\u2070\u00b9"),
    ],
)
@pytest.mark.parametrize("form", BirthForm)
def test_unix_time_and_anything_else_is_unreadable(text: str, form: BirthForm) -> None:
    assert under_13_until(text, form) is Unclear.UNREADABLE


@pytest.mark.parametrize("digits", [ARABIC_INDIC, DEVANAGARI, FULL_WIDTH])
def test_digits_of_any_script_are_read(digits: dict[int, int]) -> None:
    assert age_years("12".translate(digits)) == 12
    assert age_years("13.5".translate(digits)) == 13
    assert normalise(" 0123456789X ".translate(digits)) == "0123456789x"


# The birthday matrix. A day is the integer yyyymmdd: someone is 13 once it is 130000 greater, and a birth on
# 29 February needs no rule, since the first day after 20250228 is 20250301.

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
QUARTERS = [-9.5, -3.5, -2.5, 3.5, 4.5, 5.5, 5.75, 6.5, 8.75, 9.5, 10.5, 12.75, 13.75]
OFFSETS_MS = (np.array([*range(-12, 15), *QUARTERS]) * HOUR_MS).astype(np.int64)
CLOCKS_MS = np.array([0, 12 * HOUR_MS, DAY_MS - 1000])  # 00:00:00, 12:00:00, 23:59:59
AROUND_MS = np.arange(-2, 3) * DAY_MS

# Maps the days of records to whether the person may be a child.
Oracle = Callable[[Numbers], Flags]


def births() -> Iterator[date]:
    """Every day of six years, four of them leap; the first, last, middle and leap days of every year."""
    for year in range(1990, 2031):
        whole = year in (1992, 1999, 2000, 2012, 2013, 2028)
        for day in (date(year, 1, 1) + timedelta(days=n) for n in range(366)):
            chosen = (day.month, day.day) in ((1, 1), (2, 28), (2, 29), (3, 1), (7, 16), (12, 31))
            if day.year == year and (whole or chosen):
                yield day


def instants(birth: date) -> tuple[Numbers, Numbers]:
    """Moments around the days on which 13 is sure by date, month and year.

    Returns:
        Milliseconds since 1970-01-01 by the clock of the log, and by that of UTC.
    """
    month = np.datetime64(f"{birth.year + 13}-{birth.month:02}", "M")
    # 29 February comes out as 1 March where the year has none.
    sure = [month.astype("datetime64[D]") + birth.day - 1, month + 1, np.datetime64(str(birth.year + 14))]
    days_ms = np.array([day.astype("datetime64[ms]").astype(np.int64) for day in sure])
    local = np.add.outer(np.add.outer(days_ms, AROUND_MS), CLOCKS_MS)
    utc = np.subtract.outer(local, OFFSETS_MS)
    return np.broadcast_to(local[..., None], utc.shape).ravel(), utc.ravel()


def yyyymmdd(milliseconds: Numbers) -> Numbers:
    days = milliseconds.astype("datetime64[ms]").astype("datetime64[D]")
    months, years = days.astype("datetime64[M]"), days.astype("datetime64[Y]")
    month_number = (months - years.astype("datetime64[M]")).astype(np.int64) + 1
    day_number = (days - months.astype("datetime64[D]")).astype(np.int64) + 1
    numbers: Numbers = (years.astype(np.int64) + 1970) * 10_000 + month_number * 100 + day_number
    return numbers


def read_as_child(text: str, form: BirthForm, days: npt.NDArray[np.int32]) -> Flags:
    """What is read on each day: the last reading born by then counts; if there is none, a child."""
    readings = under_13_until(text, form)
    assert not isinstance(readings, Unclear), text
    child = np.ones(len(days), np.bool_)
    for born, until in readings:
        child = np.where(days >= epoch_day(born), days < epoch_day(until), child)
    return child


def epoch_day(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def cases(birth: date) -> Iterator[tuple[str, BirthForm, Oracle]]:
    """Texts of a birth, with the oracle of each."""
    number = birth.year * 10_000 + birth.month * 100 + birth.day

    def by_date(days: Numbers) -> Flags:
        return days < number + 130_000

    def by_month(days: Numbers) -> Flags:
        return days // 100 <= number // 100 + 1_300

    def by_year(days: Numbers) -> Flags:
        return days // 10_000 <= birth.year + 13

    def by_short_year(days: Numbers) -> Flags:
        return (days // 10_000 - birth.year) % 100 <= 13

    yield from ((birth.isoformat(), form, by_date) for form in BirthForm)
    yield from ((text, DATE, by_date) for text in (f"{number}", f"{number}.0", f"{birth}T00:00:00+05:30"))
    yield f"{birth:%Y-%m}", DATE, by_month
    yield from ((f"{birth:{form}}", MONTH, by_month) for form in ("%Y%m", "%m/%Y", "%m-%Y", "%Y.%m"))
    yield f"{birth:%Y}", DATE, by_year
    yield f"{birth:%Y}.0", YEAR, by_year
    yield f"{birth:%y}", YEAR, by_short_year
    for form in ("%d/%m/%Y", "%m-%d-%Y", "%d.%m.%y", "%m/%d/%y", "%y-%m-%d"):
        yield f"{birth:{form}}", DATE, by_latest_of(f"{birth:{form}}")


def by_latest_of(text: str) -> Oracle:
    """The latest date that the parts of a text make, as day-month-year and so on, and that has come."""
    a, b, c = text.replace("/", "-").replace(".", "-").split("-")
    orders = ((c, b, a), (c, a, b)) if len(c) == 4 else ((c, b, a), (c, a, b), (a, b, c))
    centuries = ("",) if len(c) == 4 else ("19", "20")
    meant = [f"{century}{y}-{m}-{d}" for century in centuries for y, m, d in orders]
    numbers = [int(each.replace("-", "")) for each in meant if exists(each)]

    def oracle(days: Numbers) -> Flags:
        come = np.array([np.where(days >= number, number, 0) for number in numbers])
        child: Flags = days < come.max(axis=0) + 130_000
        return child

    return oracle


def exists(iso: str) -> bool:
    try:
        np.datetime64(iso)
    except ValueError:
        return False
    return True


def test_birthday_matrix() -> None:
    wrong, judged = [], 0
    for birth in births():
        _, utc = instants(birth)
        read_days, days = last_days(pa.array(utc)), yyyymmdd(utc - 12 * HOUR_MS)
        for text, form, oracle in cases(birth):
            child = read_as_child(text, form, read_days)
            judged += len(child)
            if not np.array_equal(child, oracle(days)):
                wrong.append((text, form))
    assert wrong == []
    assert judged > 50_000_000


def test_nobody_is_13_before_the_birthday_by_any_clock() -> None:
    for birth in births():
        local, utc = instants(birth)
        child_there = yyyymmdd(local) < birth.year * 10_000 + birth.month * 100 + birth.day + 130_000
        assert read_as_child(birth.isoformat(), DATE, last_days(pa.array(utc)))[child_there].all(), birth
