"""Birth dates and ages against the calendar itself."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from logscrub.privacy.age_bands import age_evidence, band_evidence, upper_bound_evidence
from logscrub.privacy.ages import BirthForm, Unclear, age_years, normalise, under_13_until
from logscrub.privacy.children import last_days
from logscrub.privacy.evidence import Evidence

EPOCH = date(1970, 1, 1)
DEFAULTS = {date(1970, 1, 1), date(1969, 12, 31)}
births = st.dates(date(1900, 1, 2), date(2040, 12, 31)).filter(lambda day: day not in DEFAULTS)
instants = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))


def years_of(birth: date, day: date) -> int:
    """Completed years, by the calendar alone."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def judged(text: str, instant: datetime) -> bool:
    """Whether a record of an instant is of a child: the last reading born by then counts, and none is one."""
    time = pa.array([int((instant - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))])
    day = EPOCH + timedelta(days=int(last_days(time)[0]))
    readings = under_13_until(text)
    come = [] if isinstance(readings, Unclear) else [until for born, until in readings if born <= day]
    return not come or day < come[-1]


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
        assert judged(text, instant) == child


@given(births, instants)
def test_a_coarse_or_ambiguous_birth_date_never_makes_anyone_older(birth: date, instant: datetime) -> None:
    day = last_date(instant)
    if years_of(birth, day) < 13:
        forms = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y-%m-%dT21:30:00Z", "%Y-%m", "%Y")
        short = ("%d/%m/%y", "%m/%d/%y", "%y-%m-%d") if birth <= day and birth.year >= 2000 else ()
        for form in forms + short:
            assert judged(birth.strftime(form), instant), form


@given(births, instants)
def test_a_coarse_birth_date_is_sure_after_its_last_day(birth: date, instant: datetime) -> None:
    day = last_date(instant)
    if birth.year not in (1900, 1970):
        assert judged(f"{birth:%Y}", instant) == (day.year - birth.year < 14)
        months = (day.year - birth.year) * 12 + day.month - birth.month
        assert judged(f"{birth:%Y-%m}", instant) == (months < 13 * 12 + 1)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_an_age_is_cut_and_never_rounded(age: float) -> None:
    found = age_years(repr(age))
    readable = "e" not in repr(age) and not repr(age).startswith("-") and 0 <= age <= 120
    assert found == (int(age) if readable else Unclear.UNREADABLE)


@given(st.text(max_size=30), st.sampled_from(BirthForm))
def test_any_text_is_read_or_refused_without_an_error(text: str, form: BirthForm) -> None:
    assert isinstance(age_years(text), int | Unclear)
    readings = under_13_until(text, form)
    if not isinstance(readings, Unclear):
        assert list(readings) == sorted(readings)
        assert all(years_of(reading.born, reading.until) >= 13 for reading in readings)


@given(st.text("0123456789-/. :tz+", max_size=20), st.sampled_from(BirthForm))
def test_any_digits_are_read_or_refused_without_an_error(text: str, form: BirthForm) -> None:
    readings = under_13_until(text, form)
    assert isinstance(readings, Unclear) or len(readings) <= 6


@given(st.text("0123456789-/. :tz+", max_size=20))
def test_a_form_only_adds_readings(text: str) -> None:
    free = under_13_until(text)
    for form in BirthForm:
        found = under_13_until(text, form)
        if isinstance(free, tuple):
            assert set(free) <= set(found if isinstance(found, tuple) else ())
        elif free is Unclear.NOT_SENT:
            assert found is Unclear.NOT_SENT


digit_zeros = st.sampled_from([0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0xFF10, 0x1D7CE, 0x1E950])


@given(st.text("0123456789-/.+ty", max_size=12), digit_zeros)
def test_the_script_of_digits_makes_no_difference(text: str, zero: int) -> None:
    other = text.translate({ord("0") + n: chr(zero + n) for n in range(10)})
    assert normalise(other) == normalise(text)
    assert band_evidence(other) == band_evidence(text)
    assert [under_13_until(other, form) for form in BirthForm] == [
        under_13_until(text, form) for form in BirthForm
    ]


SAYS = {Evidence.NOTHING, Evidence.CHILD, Evidence.THIRTEEN}
band_texts = st.text("0123456789-+<>=[]()., _u\u2013\u2265", max_size=12) | st.text(max_size=30)


@given(band_texts)
def test_any_text_says_one_thing_of_an_age(text: str) -> None:
    for evidence in (age_evidence, band_evidence, upper_bound_evidence):
        assert evidence(text) in SAYS
    assert upper_bound_evidence(text) != Evidence.THIRTEEN


@given(band_texts)
def test_a_band_without_a_number_from_12_on_is_never_proof(text: str) -> None:
    if band_evidence(text) == Evidence.THIRTEEN:
        plain = normalise(text)
        numbers = re.findall("[0-9]+", plain)
        assert any(int(number) >= 12 for number in numbers) or "teen" in plain or "adult" in plain


@given(st.integers(0, 120), st.integers(0, 120), st.sampled_from(["{}-{}", "{} to {}", "{}_{}", "[{},{}]"]))
def test_a_band_is_judged_by_its_lower_end(low: int, high: int, form: str) -> None:
    proof = 13 <= low <= high
    assert band_evidence(form.format(low, high)) == (Evidence.THIRTEEN if proof else Evidence.CHILD)


@given(
    st.integers(0, 120),
    st.integers(0, 120),
    st.sampled_from(["{}+", ">={}", ">{}", "over {}", "{} plus", "{}"]),
)
def test_raising_the_lower_end_never_makes_a_child(one: int, other: int, form: str) -> None:
    low, high = sorted((one, other))
    possible = high < 120 or form not in (">{}", "over {}")
    if possible and band_evidence(form.format(low)) == Evidence.THIRTEEN:
        assert band_evidence(form.format(high)) == Evidence.THIRTEEN


@given(st.integers(0, 120), st.sampled_from(["<{}", "<={}", "under {}", "u{}", "0-{}", "[0,{})", "(,{})"]))
def test_a_band_without_a_lower_end_is_never_proof(high: int, form: str) -> None:
    assert band_evidence(form.format(high)) == Evidence.CHILD


@given(st.decimals(0, 120, places=2))
def test_a_plain_age_says_the_same_as_a_band_and_as_an_upper_end(age: Decimal) -> None:
    expected = Evidence.CHILD if age < 13 else Evidence.THIRTEEN
    assert age_evidence(str(age)) == band_evidence(str(age)) == expected
    assert upper_bound_evidence(str(age)) == expected & Evidence.CHILD
