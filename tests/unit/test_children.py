"""Signals: the truth table of flags, ages and birth dates, and the day on which they are judged."""

from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pytest

from logscrub.privacy.ages import Unclear, age_years, thirteenth_birthday, under_13_until
from logscrub.privacy.children import NEVER, NO_DAY, judge, last_days

NOON = "2026-03-01T12:00:00"  # the first moment of 1 March in UTC-12


def milliseconds(*times: str | None) -> pa.Array:
    return pa.array(
        [t and int(datetime.fromisoformat(t).replace(tzinfo=UTC).timestamp() * 1000) for t in times],
        pa.int64(),
    )


def epoch_day(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def judged(column: str, text: str | None, time: str | None = NOON) -> tuple[bool, int]:
    """Verdict on one record with one signal."""
    texts = pa.array([text], pa.string()).dictionary_encode()
    verdicts = judge({column: texts}, milliseconds(time))
    return bool(verdicts.withhold[0]), int(verdicts.adult_since[0])


NOTHING, CHILD = (False, NEVER), (True, NEVER)


@pytest.mark.parametrize("signal", ["child", "coppa", "opt_out"])
@pytest.mark.parametrize("text", ["true", "TRUE", "1", "1.0", "yes", "on", "Y", "t", " true ", "\uff11"])
def test_a_flag_withholds(signal: str, text: str) -> None:
    assert judged(signal, text) == CHILD


@pytest.mark.parametrize("signal", ["child", "coppa", "opt_out"])
@pytest.mark.parametrize(
    "text", [None, "", " ", "-", "null", "unknown", "false", "False", "0", "0.0", "no", "off", "n", "f"]
)
def test_a_flag_that_is_off_or_absent_proves_nothing(signal: str, text: str | None) -> None:
    assert judged(signal, text) == NOTHING


@pytest.mark.parametrize("text", ["2.0", "-1.0", "maybe", "nan", "[]", "truee", "falsch"])
def test_a_flag_that_cannot_be_read_withholds(text: str) -> None:
    assert judged("child", text) == CHILD


@pytest.mark.parametrize("text", ["0", "12", "12.0", "12.9", "12.999", "012", "\uff11\uff12", " 7 "])
def test_an_age_under_13_withholds(text: str) -> None:
    assert judged("age", text) == CHILD


@pytest.mark.parametrize("text", ["13", "13.0", "013", "\uff11\uff13", " 99 ", "120", "13."])
def test_an_age_of_13_is_known_from_the_day_of_its_record(text: str) -> None:
    assert judged("age", text) == (False, epoch_day("2026-03-01"))
    assert judged("age", text, "2026-03-01T11:59:59") == (False, epoch_day("2026-02-28"))
    assert judged("age", text, None) == NOTHING


@pytest.mark.parametrize(
    "text", ["-1", "-13.0", "121", "120.5", "nan", "inf", "1e2", "thirteen", "13+", "10-13", "٤٠"]
)
def test_an_age_that_cannot_be_read_withholds(text: str) -> None:
    assert judged("age", text) == CHILD


@pytest.mark.parametrize("text", [None, "", "-", "null", "Unknown"])
def test_an_age_that_was_not_sent_proves_nothing(text: str | None) -> None:
    assert judged("age", text) == NOTHING
    assert judged("birth_date", text) == NOTHING
    assert judged("birth_date", text, None) == NOTHING


@pytest.mark.parametrize(
    ("birth", "last_child", "since"),
    [
        ("2013-03-01", "2026-03-01T11:59:59", "2026-03-01"),
        ("20130301", "2026-03-01T11:59:59", "2026-03-01"),
        ("20130301.0", "2026-03-01T11:59:59", "2026-03-01"),
        ("2013/3/1", "2026-03-01T11:59:59", "2026-03-01"),
        ("\uff12\uff10\uff11\uff13-03-01", "2026-03-01T11:59:59", "2026-03-01"),
        ("2013-03-01T00:00:00Z", "2026-03-01T11:59:59", "2026-03-01"),
        ("2013-03-01T22:00:00.000Z", "2026-03-02T11:59:59", "2026-03-02"),
        ("2013-03-01 22:00:00+02:00", "2026-03-02T11:59:59", "2026-03-02"),
        ("2012-02-29", "2025-03-01T11:59:59", "2025-03-01"),
        ("2013-02", "2026-03-01T11:59:59", "2026-03-01"),
        ("2012-12", "2026-01-01T11:59:59", "2026-01-01"),
        ("2012", "2026-01-01T11:59:59", "2026-01-01"),
        ("2012.0", "2026-01-01T11:59:59", "2026-01-01"),
        ("03/04/2013", "2026-04-03T11:59:59", "2026-04-03"),
        ("30.04.2013", "2026-04-30T11:59:59", "2026-04-30"),
        ("03/04/13", "2026-04-03T11:59:59", "2026-04-03"),
        ("10-11-12", "2025-11-10T11:59:59", "2025-11-10"),
    ],
)
def test_a_birth_date_withholds_until_the_13th_birthday(birth: str, last_child: str, since: str) -> None:
    assert judged("birth_date", birth, last_child) == CHILD
    assert judged("birth_date", birth, f"{since}T12:00:00") == (False, epoch_day(since))


@pytest.mark.parametrize(
    "text",
    [
        "2030-01-01",
        "2027",
        "1899-12-31",
        "1850",
        "0000-00-00",
        "2013-02-30",
        "2000-13",
        "99/99/1999",
        "9999-12-31",
        "yesterday",
        "5 May 1990",
        "19900505T",
        "1990-05-05x",
        "641865600",
        "85",
        "1990-05-05T25",
        "nan",
    ],
)
def test_a_birth_date_that_cannot_be_read_withholds(text: str) -> None:
    assert judged("birth_date", text) == CHILD
    assert judged("birth_date", text, None) == CHILD


@pytest.mark.parametrize(
    "text",
    ["1900-01-01", "1970-01-01", "1970-01-01T00:00:00Z", "01/01/1970", "1900", "19000101.0", "1969-12-31"],
)
def test_the_default_of_an_age_gate_proves_nothing(text: str) -> None:
    assert judged("birth_date", text) == NOTHING
    assert judged("birth_date", text, None) == NOTHING


def test_a_two_digit_year_is_the_latest_that_is_not_in_the_future() -> None:
    assert judged("birth_date", "03/25/85") == (False, epoch_day("1998-03-25"))
    assert judged("birth_date", "01/01/00", "2010-06-01T12:00:00") == CHILD
    assert judged("birth_date", "01/03/26") == CHILD  # born on the day itself
    # On 1 March 2026 both days of spring 2026 are yet to come; 26 April 2003 is not.
    assert judged("birth_date", "03/04/26") == (False, epoch_day("2016-04-26"))


def test_a_birth_date_without_a_time_withholds() -> None:
    assert judged("birth_date", "1950-06-15", None) == CHILD


def test_a_child_wins_over_every_other_signal_and_the_earliest_proof_counts() -> None:
    def one(text: str) -> pa.DictionaryArray:
        return pa.array([text]).dictionary_encode()

    time = milliseconds(NOON)
    proof = judge({"age": one("20"), "birth_date": one("2000-05-05"), "child": one("false")}, time)
    assert (proof.withhold[0], proof.adult_since[0]) == (False, epoch_day("2013-05-05"))
    for name, text in (("child", "true"), ("opt_out", "1"), ("birth_date", "2020-01-01"), ("age", "3")):
        columns = {"age": one("20"), "birth_date": one("2000-05-05")} | {name: one(text)}
        verdicts = judge(columns, time)
        assert (verdicts.withhold[0], verdicts.adult_since[0]) == (True, NEVER)


def test_verdicts_follow_the_records() -> None:
    columns = {
        "age": pa.array(["12", None, "40", "12", None]).dictionary_encode(),
        "opt_out": pa.array([None, "true", None, None, None]).dictionary_encode(),
        "child": pa.array([None] * 5, pa.string()).dictionary_encode(),
    }
    verdicts = judge(columns, milliseconds(NOON, NOON, NOON, None, NOON))
    assert verdicts.withhold.tolist() == [True, True, False, True, False]
    assert verdicts.adult_since.tolist() == [NEVER, NEVER, epoch_day("2026-03-01"), NEVER, NEVER]
    assert "Verdicts" in repr(verdicts)
    assert len(judge({}, milliseconds()).withhold) == 0
    assert judge({}, milliseconds(NOON)).withhold.tolist() == [False]


def test_unused_dictionary_values_say_nothing() -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([1, None], pa.int32()), pa.array(["3", "40"]))
    assert judge({"age": column}, milliseconds(NOON, NOON)).withhold.tolist() == [False, False]


def test_days_are_those_of_utc_minus_12() -> None:
    times = milliseconds("2026-03-01T11:59:59.999", NOON, None, "1969-12-31T11:00:00")
    assert last_days(times).tolist() == [epoch_day("2026-02-28"), epoch_day("2026-03-01"), NO_DAY, -2]
    extremes = last_days(pa.array([-(2**63), 2**63 - 1], pa.int64()))
    assert extremes.dtype == np.int32
    assert NO_DAY < extremes[0] < 0 < extremes[1] < NEVER


def test_ages_and_birthdays_by_themselves() -> None:
    assert age_years("12.9") == 12
    assert age_years("x") is Unclear.UNREADABLE
    assert age_years("-") is Unclear.NOT_SENT
    assert thirteenth_birthday(date(2012, 2, 29)) == date(2025, 3, 1)
    assert under_13_until("2013-03-01") == ((date(2013, 3, 1), date(2026, 3, 1)),)
    assert under_13_until("x") is Unclear.UNREADABLE
