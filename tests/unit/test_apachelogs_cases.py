"""All cases of jwodder/apachelogs (MIT): LogFormat strings with their fields, and times.

Where logscrub means to differ, the case says how it does: years of two digits are refused, times before 1990
are impossible, text is UTF-8. `NOT_APPLICABLE` names the few cases that say nothing about logscrub.
"""

import json
import os
from datetime import UTC, date, datetime, time
from pathlib import Path

import pyarrow as pa
import pytest

from logscrub.errors import LineReason, UsageError
from logscrub.formats.apache import compile_log_format
from logscrub.formats.records import PROBLEMS
from logscrub.formats.time_formats import CLF, JOINT, Clock
from logscrub.text.blocks import Block

SHARED = Path(os.environ.get("LOGSCRUB_SHARED", Path(__file__).parents[2].parent / "shared"))
CORPUS = SHARED / "corpora" / "apachelogs" / "cases.jsonl"
CASES = [json.loads(line) for line in CORPUS.read_text("utf-8").splitlines()] if CORPUS.exists() else []
MOST_LEFT_OUT = 0.05
FIRST_MS = 631_152_000_000  # 1990

ENGLISH = "names of months and days are English only, as Apache writes them without a locale"
ZONES = "EST and the like mean several zones: the zone of the settings holds"
NEWLINE = "a line holds no newline"
COMBINED = r"%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\""
LINE = '192.0.2.1 - - [14/Mar/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "x"'

LETTERS = {
    "year": "%Y",
    "century": "%C",
    "abbrev_year": "%y",
    "mon": "%m",
    "full_mon": "%B",
    "abbrev_mon": "%b",
    "mday": "%d",
    "yday": "%j",
    "date": "%F",
    "iso_year": "%G",
    "abbrev_iso_year": "%g",
    "iso_weeknum": "%V",
    "sunday_weeknum": "%U",
    "monday_weeknum": "%W",
    "iso_wday": "%u",
    "wday": "%w",
    "full_wday": "%A",
    "abbrev_wday": "%a",
    "hour": "%H",
    "hour12": "%I",
    "am_pm": "%p",
    "min": "%M",
    "sec": "%S",
    "hour_min": "%R",
    "time": "%T",
    "timezone": "%z",
    "tzname": "%Z",
}
OWN_FORMS = {
    "timestamp": CLF,
    "epoch": "sec",
    "milliepoch": "msec",
    "microepoch": "usec",
    "msec_frac": "msec_frac",
    "usec_frac": "usec_frac",
}
WIDTHS = {"year": 4, "iso_year": 4, "yday": 3, "iso_wday": 1, "wday": 1, "msec_frac": 3, "usec_frac": 6}
AS_THEY_STAND = {
    "remote_host": "address",
    "remote_address": "address",
    "virtual_host": "host",
    "request_method": "method",
}
NUMBERS = {"original_status": "status", "status": "status", "final_status": "status", "bytes_sent": "bytes"}
HEADERS = {"Referer": "referrer", "User-Agent": "user_agent"}


def not_applicable(case):
    if "german" in case["test"]:
        return ENGLISH
    if "\n" in case.get("entry", ""):
        return NEWLINE
    entry = case.get("entry", "")
    return ZONES if entry.endswith((" EST", " EDT")) and not entry[:10].isdigit() else None


def of(test):
    cases = [case for case in CASES if case["test"] == test]
    ids = [case.get("fmt") or case.get("ts") or str(at) for at, case in enumerate(cases)]
    return pytest.mark.parametrize("case", cases, ids=ids) if cases else pytest.mark.skip(reason="no corpus")


def parsed(log_format, line):
    result = compile_log_format(log_format).parse(Block(line.encode(), 0))
    assert result.lines == result.records.num_rows + len(result.rejected) + result.blank
    return result.records.to_pylist()


def millis(moment):
    """Of a `{"$dt": …}`; local times are UTC here."""
    at = datetime.fromisoformat(moment["$dt"])
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000_000) // 1000


@pytest.mark.skipif(not CASES, reason="the corpus is not here")
def test_hardly_a_case_is_left_out():
    left_out = [case for case in CASES if not_applicable(case)]
    assert len(CASES) == 254
    assert len(left_out) <= MOST_LEFT_OUT * len(CASES)
    assert {case["test"] for case in CASES} == {
        name.removeprefix("test_cases_of_") for name in globals() if name.startswith("test_cases_of_")
    }


@of("test_parse")
def test_cases_of_test_parse(case):
    (row,) = parsed(case["fmt"], case["entry"])
    check(row, case["fields"])


@of("test_parse_custom_time")
def test_cases_of_test_parse_custom_time(case):
    if reason := not_applicable(case):
        pytest.skip(reason)
    if "%D" in case["fmt"]:
        with pytest.raises(UsageError, match="two digits"):
            compile_log_format(case["fmt"])
        return
    (row,) = parsed(case["fmt"], case["entry"])
    check(row, case["fields"])


@of("test_parse_custom_german_time")
def test_cases_of_test_parse_custom_german_time(case):
    # Not applicable as such: the line must not be counted at a wrong time.
    assert all(row["time"] is None for row in parsed(case["fmt"], case["entry"]))


@of("test_malformed_directive")
def test_cases_of_test_malformed_directive(case):
    with pytest.raises(UsageError, match="character 1"):
        compile_log_format(case["fmt"])


@of("test_unknown_directive")
def test_cases_of_test_unknown_directive(case):
    with pytest.raises(UsageError, match="character 1"):
        compile_log_format(case["fmt"])


@of("test_malformed_time_directive")
def test_cases_of_test_malformed_time_directive(case):
    with pytest.raises(UsageError, match="at character"):
        compile_log_format(f"%h %{{{case['fmt']}}}t")


@of("test_parse_general")
def test_cases_of_test_parse_general(case):
    (row,) = parsed(COMBINED, LINE + case["end"])
    assert (row["address"], row["user_agent"]) == ("192.0.2.1", "x")


@of("test_parse_ip_address")
def test_cases_of_test_parse_ip_address(case):
    line = LINE.encode(case["encoding"] or "ascii").decode()
    assert parsed(COMBINED, line)[0]["address"] == "192.0.2.1"


@of("test_parse_apache_timestamp")
def test_cases_of_test_parse_apache_timestamp(case):
    (row,) = parsed("%t", f"[{case['ts'].strip('[]')}]")  # the brackets are the format's
    check_time(row, case["dt"])


@of("test_parse_bad_apache_timestamp")
def test_cases_of_test_parse_bad_apache_timestamp(case):
    assert all(row["time"] is None for row in parsed("%t", f"[{case['ts']}]"))


@of("test_assemble_datetime")
def test_cases_of_test_assemble_datetime(case):
    fields = case["fields"]
    short = "abbrev_iso_year" in fields or ("abbrev_year" in fields and "century" not in fields)
    clock, text = written(fields)
    if short and case["dt"] is not None:
        with pytest.raises(UsageError, match="two digits"):
            clock.is_complete  # noqa: B018
        return
    assert clock.is_complete == (case["dt"] is not None)
    if clock.is_complete:
        times = clock.read(pa.array([text]))
        problem = None if times.problem[0] < 0 else int(times.problem[0])
        check_time(
            {"time": int(times.millis[0]) if problem is None else None, "problem": problem}, case["dt"]
        )


def written(fields):
    """Write components in the way that a format with a directive for each of them does."""
    forms = [(OWN_FORMS[name], shown(name, value)) for name, value in fields.items() if name in OWN_FORMS]
    one = [(LETTERS[name], shown(name, value)) for name, value in fields.items() if name in LETTERS]
    if one:
        forms.append((" ".join(form for form, _ in one), " ".join(text for _, text in one)))
    return Clock(tuple(form for form, _ in forms)), JOINT.join(text for _, text in forms)


def shown(name, value):
    if name == "timestamp":
        return datetime.fromisoformat(value["$dt"]).strftime(CLF)
    if name == "timezone":
        sign, hours, minutes = value["$tz"][3:4] or "+", value["$tz"][4:6] or "00", value["$tz"][7:9] or "00"
        return sign + hours + minutes
    if name == "date":
        return date.fromisoformat(value["$date"]).isoformat()
    if isinstance(value, dict):
        at = time.fromisoformat(value["$time"])
        return at.strftime("%H:%M" if name == "hour_min" else "%H:%M:%S")
    return value if isinstance(value, str) else f"{value:0{WIDTHS.get(name, 2)}d}"


def check_time(row, moment):
    if moment is None:
        assert row["time"] is None
        return
    expected = millis(moment)
    if expected < FIRST_MS:
        assert PROBLEMS[row["problem"]] is LineReason.IMPOSSIBLE_TIME
    else:
        assert (row["time"], row["problem"]) == (expected, None)


def check(row, fields):
    """Compare a record with what apachelogs reads, where logscrub keeps the field."""
    times = [value for name, value in fields.items() if name.endswith("request_time")]
    check_time(row, times[0] if times else None)
    for name, value in expected(fields).items():
        assert row[name] == value, name


def expected(fields):
    found = {column: fields[name] for name, column in AS_THEY_STAND.items() if name in fields}
    found |= {column: fields[name] or 0 for name, column in NUMBERS.items() if name in fields}
    if fields.get("request_line"):
        found["method"], found["target"], _ = fields["request_line"].split(" ")
    if "request_uri" in fields:
        found["target"] = utf8(fields["request_uri"] + fields.get("request_query", ""))
    headers = fields.get("final_headers_in", fields.get("headers_in", {}))
    found |= {HEADERS[name]: utf8(text) for name, text in headers.items() if name in HEADERS}
    for unit, scale in {"seconds": 1_000_000, "milliseconds": 1000}.items():
        if fields.get(f"request_duration_{unit}") is not None:
            found["duration"] = fields[f"request_duration_{unit}"] * scale
    return found


def utf8(text):
    """Bytes that apachelogs gives as characters of Latin-1."""
    return None if text is None else text.encode("latin-1").decode("utf-8", "replace")
