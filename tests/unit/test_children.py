"""The judge of records: the day on which signals are judged, and which of several signals wins."""

import itertools
from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from logscrub.config import OptOuts, Settings, Unsure
from logscrub.formats.records import record_batch
from logscrub.privacy.ages import Reading, Unclear, age_years, thirteenth_birthday, under_13_until
from logscrub.privacy.children import NEVER, NO_DAY, Judge, last_days, withholding
from logscrub.privacy.evidence import Evidence
from logscrub.signals import BETWEEN_ITEMS, BETWEEN_VALUES, UNREADABLE
from tests.signal_records import KEPT, NOON, TODAY, WITHHELD, epoch_day, judged, milliseconds, own


def verdict(name: str, text: str, time: str | None = NOON) -> str:
    """Verdict on one record with one signal."""
    return judged(own((name, text)), times=[time])[0]


@pytest.mark.parametrize("signal", ["child", "coppa", "opt_out", "tfcd"])
@pytest.mark.parametrize("text", ["true", "TRUE", "1", "1.0", "yes", "on", "Y", "t", " true ", "\uff11"])
def test_a_flag_withholds(signal: str, text: str) -> None:
    assert verdict(signal, text) == WITHHELD


@pytest.mark.parametrize("signal", ["child", "coppa", "opt_out", "tfcd"])
@pytest.mark.parametrize(
    "text", ["", " ", "-", "null", "unknown", "false", "False", "0", "0.0", "no", "off", "n", "f"]
)
def test_a_flag_that_is_off_or_absent_proves_nothing(signal: str, text: str) -> None:
    assert verdict(signal, text) == KEPT


@pytest.mark.parametrize("text", ["2.0", "-2", "maybe", "nan", "[]", "truee", "falsch", UNREADABLE])
def test_a_flag_that_cannot_be_read_withholds(text: str) -> None:
    assert verdict("child", text) == WITHHELD


@pytest.mark.parametrize("text", ["0", "12", "12.0", "12.9", "12.999", "012", "\uff11\uff12", "١٢", " 7 "])
def test_an_age_under_13_withholds(text: str) -> None:
    assert verdict("age", text) == WITHHELD


@pytest.mark.parametrize("text", ["13", "13.0", "013", "\uff11\uff13", "٤٠", " 99 ", "120", "13."])
def test_an_age_of_13_is_known_from_the_day_of_its_record(text: str) -> None:
    assert verdict("age", text) == TODAY
    assert verdict("age", text, "2026-03-01T11:59:59") == "2026-02-28"
    assert verdict("age", text, None) == KEPT


@pytest.mark.parametrize(
    "text", ["-1", "-13.0", "121", "120.5", "nan", "inf", "1e2", "thirteen", "13+", "10-13", UNREADABLE]
)
def test_an_age_that_cannot_be_read_withholds(text: str) -> None:
    assert verdict("age", text) == WITHHELD
    assert verdict("age", text, None) == WITHHELD


@pytest.mark.parametrize("text", ["", "-", "null", "Unknown"])
def test_an_age_that_was_not_sent_proves_nothing(text: str) -> None:
    assert verdict("age", text) == KEPT
    assert verdict("birth_date", text) == KEPT
    assert verdict("birth_date", text, None) == KEPT


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
    assert verdict("birth_date", birth, last_child) == WITHHELD
    assert verdict("birth_date", birth, f"{since}T12:00:00") == since


@pytest.mark.parametrize(
    "text",
    [
        *("2030-01-01", "2027", "1899-12-31", "1850", "0000-00-00", "2013-02-30", "2000-13", "99/99/1999"),
        *("9999-12-31", "yesterday", "5 May 1990", "19900505T", "1990-05-05x", "641865600", "85"),
        *("1990-05-05T25", "nan", UNREADABLE),
    ],
)
def test_a_birth_date_that_cannot_be_read_withholds(text: str) -> None:
    assert verdict("birth_date", text) == WITHHELD
    assert verdict("birth_date", text, None) == WITHHELD


@pytest.mark.parametrize(
    "text",
    ["1900-01-01", "1970-01-01", "1970-01-01T00:00:00Z", "01/01/1970", "1900", "19000101.0", "1969-12-31"],
)
def test_the_default_of_an_age_gate_proves_nothing(text: str) -> None:
    assert verdict("birth_date", text) == KEPT
    assert verdict("birth_date", text, None) == KEPT


def test_a_two_digit_year_is_the_latest_that_is_not_in_the_future() -> None:
    assert verdict("birth_date", "03/25/85") == "1998-03-25"
    assert verdict("birth_date", "01/01/00", "2010-06-01T12:00:00") == WITHHELD
    assert verdict("birth_date", "01/03/26") == WITHHELD  # born on the day itself
    # On 1 March 2026 both days of spring 2026 are yet to come; 26 April 2003 is not.
    assert verdict("birth_date", "03/04/26") == "2016-04-26"


def test_a_birth_date_without_a_time_withholds() -> None:
    assert verdict("birth_date", "1950-06-15", None) == WITHHELD


def test_a_child_wins_over_every_other_signal_and_the_earliest_proof_counts() -> None:
    proof = [("age", "20"), ("birth_date", "2000-05-05"), ("child", "false")]
    assert judged(own(*proof)) == ["2013-05-05"]
    for withheld in (("child", "true"), ("opt_out", "1"), ("birth_date", "2020-01-01"), ("age", "3")):
        rows = [own(*order) for order in itertools.permutations([*proof, withheld])]
        assert set(judged(*rows)) == {WITHHELD}


def test_of_several_birth_dates_each_can_withhold() -> None:
    adult, older, child = (("birth_date", text) for text in ("2000-05-05", "1990-05-05", "2020-05-05"))
    assert judged(own(adult, older), own(older, adult), own(adult, adult)) == [
        *("2003-05-05", "2003-05-05", "2013-05-05"),
    ]
    rows = [own(*order) for order in itertools.permutations([adult, older, child])]
    assert set(judged(*rows)) == {WITHHELD}
    assert (
        judged(own(adult, ("birth_year", "2020")), own(("birth_month", "2020-01"), adult)) == [WITHHELD] * 2
    )
    assert judged(own(("birth_date", BETWEEN_VALUES.join(("2000-05-05", "2020-05-05"))))) == [WITHHELD]


@pytest.mark.parametrize("place", ["signals", "target", "referrer", "cookie"])
def test_verdicts_follow_the_records(place: str) -> None:
    texts = {
        "signals": ("coppa=1", "opt_out=true", "tfat=2"),
        "target": ("/?coppa=1", "/?us_privacy=1YYN", "/?tfat=2"),
        "referrer": ("https://example.com/?coppa=1", "/?us_privacy=1YYN", "/?tfat=2"),
        "cookie": ("coppa=1", "optout=1", "dob=2000-05-05"),
    }
    child, opted_out, adult = ({place: text} for text in texts[place])
    found = judged(child, {}, adult, child, opted_out, {}, times=[NOON, NOON, NOON, None, NOON, NOON])
    proof = "2013-05-05" if place == "cookie" else TODAY
    assert found == [WITHHELD, KEPT, proof, WITHHELD, WITHHELD, KEPT]


def test_signals_of_all_places_are_put_together() -> None:
    row = {"target": "/?tfat=2", "referrer": "/?tfat=0", "cookie": "dob=2000-05-05", "signals": "age=20"}
    assert judged(row) == ["2013-05-05"]
    for place, text in (
        ("target", "/?tfat=2&coppa=1"),
        ("referrer", "/?coppa=1"),
        ("cookie", "coppa=1"),
        ("signals", "child=true"),
    ):
        assert judged(row | {place: text}) == [WITHHELD]


def test_no_records_and_no_signals() -> None:
    verdicts = Judge(Settings())(record_batch(np.zeros(0, np.int64), {}), milliseconds())
    assert len(verdicts.withhold) == len(verdicts.adult_since) == 0
    assert "Verdicts" in repr(verdicts)
    assert judged({}, {"target": "/"}, {"cookie": "a=b", "referrer": "https://example.com/?q=child"}) == (
        [KEPT] * 3
    )


def test_unused_dictionary_values_say_nothing() -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([1, None], pa.int32()), pa.array(["age=3", "age=40"]))
    records = record_batch(np.arange(2), {"signals": column})
    verdicts = Judge(Settings())(records, milliseconds(NOON, NOON))
    assert verdicts.withhold.tolist() == [False, False]
    assert verdicts.adult_since.tolist() == [epoch_day(TODAY), NEVER]


def test_a_judge_says_the_same_of_the_next_block() -> None:
    judge = Judge(Settings())
    column = pa.array(["age=3", "age=40", None]).dictionary_encode()
    records = record_batch(np.arange(3), {"signals": column, "target": column})
    for days in ((NOON, NOON, NOON), ("2027-03-01T12:00:00",) * 3):
        verdicts = judge(records, milliseconds(*days))
        assert verdicts.withhold.tolist() == [True, False, False]
        assert verdicts.adult_since.tolist() == [NEVER, epoch_day(days[0][:10]), NEVER]


@pytest.mark.parametrize(
    "text", ["what is this", "=", "age", f"age=20{BETWEEN_ITEMS}", f"age=20{BETWEEN_ITEMS}child", "nobody=1"]
)
def test_a_column_of_signals_that_holds_something_else_withholds(text: str) -> None:
    assert judged({"signals": text}) == [WITHHELD]


def test_days_are_those_of_utc_minus_12() -> None:
    times = milliseconds("2026-03-01T11:59:59.999", NOON, None, "1969-12-31T11:00:00")
    assert last_days(times).tolist() == [epoch_day("2026-02-28"), epoch_day("2026-03-01"), NO_DAY, -2]
    extremes = last_days(pa.array([-(2**63), 2**63 - 1], pa.int64()))
    assert extremes.dtype == np.int32
    assert NO_DAY < extremes[0] < 0 < extremes[1] < NEVER


def test_what_withholds_is_what_the_settings_say() -> None:
    child, out = Evidence.CHILD, Evidence.OPT_OUT
    assert withholding(Settings()) == child | out | Evidence.TFUA | Evidence.GPP_CALIFORNIA | Evidence.TCF
    assert withholding(Settings(also_withhold=())) == child | out
    sharing = Settings(opt_outs=OptOuts.EXCLUDE_FROM_SHARING, also_withhold=(Unsure.PERSONALISATION,))
    assert withholding(sharing) == child | Evidence.PERSONALISATION


def test_ages_and_birthdays_by_themselves() -> None:
    assert age_years("12.9") == 12
    assert age_years("x") is Unclear.UNREADABLE
    assert age_years("-") is Unclear.NOT_SENT
    assert thirteenth_birthday(date(2012, 2, 29)) == date(2025, 3, 1)
    assert under_13_until("2013-03-01") == (Reading(date(2013, 3, 1), date(2026, 3, 1)),)
    assert under_13_until("x") is Unclear.UNREADABLE


def test_people_born_before_1970_are_no_children() -> None:
    births = ("1952-06-07", "1969-11-30", "1901-02-03")
    rows = [own(("birth_date", birth)) for birth in births]
    assert judged(*rows) == ["1965-06-07", "1982-11-30", "1914-02-03"]


def test_a_birth_on_the_day_of_the_record_is_read_as_one() -> None:
    """01/01/26 may mean 1926; on the day itself it may be a birth of today."""
    assert judged(own(("birth_date", "01/01/26")), times=["2026-01-01T12:00:00"]) == [WITHHELD]
    assert judged(own(("birth_date", "01/01/26")), times=["2026-01-01T11:59:59"]) != [WITHHELD]


@pytest.mark.parametrize(
    ("time", "day"),
    [("00:00:00", -1), ("11:59:59", -1), ("12:00:00", 0), ("18:30:00", 0), ("23:59:59", 0)],
)
def test_the_day_begins_at_noon_of_utc(time: str, day: int) -> None:
    assert last_days(milliseconds(f"2026-03-01T{time}")).tolist() == [epoch_day("2026-03-01") + day]
