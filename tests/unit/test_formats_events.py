"""JSON-lines events."""

import json
from pathlib import Path

import pytest

from logscrub.errors import LineReason
from logscrub.formats.events import EVENT_MAP
from logscrub.formats.records import PROBLEMS
from logscrub.formats.registry import format_by_name
from logscrub.signals import decode_signals
from logscrub.text.blocks import Block

SCHEMA = Path(__file__).parents[2] / "schemas" / "event.schema.json"
TIME = "2026-01-02T03:04:05Z"


def parse(*lines):
    return format_by_name("json_events").parse(Block("\n".join(lines).encode(), 0))


def one(line=None, **fields):
    parsed = parse(line or json.dumps({"time": TIME, **fields}))
    assert parsed.records.num_rows == 1
    return rows(parsed)[0]


def rows(parsed):
    found = []
    for row in parsed.records.to_pylist():
        said: dict[str, list[str]] = {}
        for name, value in decode_signals(row.pop("signals") or "none="):
            said.setdefault(name, []).append(value)
        flat = row | {name: " | ".join(values) for name, values in said.items()}
        found.append({key: value for key, value in flat.items() if value not in (None, 0, "")})
    return found


def test_the_fields_are_those_of_the_schema():
    properties = json.loads(SCHEMA.read_text())["properties"]
    signals = {"age", "birth_date", "child", "coppa", "opt_out"}
    assert set(properties) == {path for _, path in EVENT_MAP.entries} | signals
    assert signals <= format_by_name("json_events").signals


def test_an_event():
    row = one(
        ip="192.0.2.1",
        host="example.com",
        method="POST",
        path="/a",
        status=200,
        bytes=5,
        referrer="-",
        user_agent="x",
        device_id="d",
        session_id=7,
        client_id="",
        user_id="u",
        age=40,
        birth_date="1990-01-01",
        child=False,
        coppa=0,
        opt_out=True,
        event="page_view",
        duration_ms=12.5,
        language="en-GB",
        connection="wifi",
        carrier="Example Mobile",
        nested={"child": True},
    )
    assert row == {
        "time": 1767323045000,
        "address": "192.0.2.1",
        "host": "example.com",
        "method": "POST",
        "target": "/a",
        "status": 200,
        "bytes": 5,
        "duration": 12_500,
        "user_agent": "x",
        "language": "en-GB",
        "connection": "wifi",
        "carrier": "Example Mobile",
        "device_id": "d",
        "session_id": "7",
        "user_id": "u",
        "age": "40.0",
        "birth_date": "1990-01-01",
        "child": "false",
        "coppa": "0.0",
        "opt_out": "true",
        "event": "page_view",
    }


@pytest.mark.parametrize(
    ("fields", "target", "host"),
    [
        ({"path": "/a", "url": "https://example.org/b"}, "/a", "example.org"),
        ({"url": "https://u:p@example.org:8080/b"}, "https://u:p@example.org:8080/b", "example.org"),
        ({"url": "https://example.org/b", "host": "example.com"}, "https://example.org/b", "example.com"),
        ({"url": "http://[2001:db8::1]:80/"}, "http://[2001:db8::1]:80/", "[2001:db8::1]"),
        ({"url": "/only"}, "/only", None),
        ({"path": "", "url": "/b"}, "/b", None),
    ],
)
def test_path_and_url(fields, target, host):
    row = one(**fields)
    assert (row["target"], row.get("host")) == (target, host)


@pytest.mark.parametrize(
    ("field", "value", "column", "expected"),
    [
        ("status", "200", "status", 200),
        ("status", "ok", "status", None),
        ("status", 700, "status", None),
        ("bytes", "12", "bytes", 12),
        ("bytes", True, "bytes", None),
        ("bytes", [1], "bytes", None),
        ("bytes", 1e300, "bytes", None),
        ("ip", 5, "address", None),
        ("ip", {"a": 1}, "address", None),
        ("user_id", [1], "user_id", None),
        ("user_id", 2**70, "user_id", str(2**70)),
        ("user_id", True, "user_id", None),
        ("child", 1, "child", "1.0"),
        ("child", "yes", "child", "yes"),
        ("child", {}, "child", "unreadable"),
        ("age", "12", "age", "12"),
        ("age", 12.5, "age", "12.5"),
        ("age", True, "age", "true"),
        ("age", [12], "age", "unreadable"),
        ("age", None, "age", None),
        ("birth_date", 2015, "birth_date", "2015.0"),
    ],
)
def test_types(field, value, column, expected):
    assert one(**{field: value}).get(column) == expected
    beside = parse(json.dumps({"time": TIME, field: value}), "no json", '{"age": 1}')
    assert rows(beside)[0].get(column) == expected
    assert beside.rejected.tolist() == [1]


def test_problems():
    assert PROBLEMS[one(bytes=-1)["problem"]] is LineReason.IMPOSSIBLE_SIZE
    assert PROBLEMS[one(bytes="-1", child=True)["problem"]] is LineReason.IMPOSSIBLE_SIZE
    for line, problem in [
        ('{"age":5}', LineReason.NO_TIME),
        ('{"age":5,"time":true}', LineReason.NO_TIME),
        ('{"age":5,"time":"2026-02-30T00:00:00Z"}', LineReason.IMPOSSIBLE_TIME),
        ('{"age":5,"time":1}', LineReason.IMPOSSIBLE_TIME),
    ]:
        row = one(line)
        assert (PROBLEMS[row["problem"]], row["age"]) == (
            problem,
            "5.0",
        )  # a child's in a rejected record too


@pytest.mark.parametrize(
    ("pairs", "column", "expected"),
    [
        ('"child":true,"child":false', "child", "false | true"),
        ('"child":false,"ch\\u0069ld":true', "child", "false | true"),
        ('"child":null,"child":true,"child":null', "child", "true"),
        ('"child":false,"child":"-","child":"perhaps"', "child", "- | false | perhaps"),
        ('"child":false,"child":0', "child", "0.0 | false"),
        ('"opt_out":true,"opt_out":false', "opt_out", "false | true"),
        ('"age":40,"age":12,"age":41', "age", "12.0 | 40.0 | 41.0"),
        ('"age":40,"age":"10-13"', "age", "10-13 | 40.0"),
        ('"age":40,"age":500', "age", "40.0 | 500.0"),
        ('"age":"a","age":"b"', "age", "a | b"),
        ('"age":12,"age":"13+"', "age", "12.0 | 13+"),
        ('"birth_date":"2016-01-01","birth_date":"1980-01-01"', "birth_date", "1980-01-01 | 2016-01-01"),
        ('"birth_date":"1980-99-01","birth_date":"1981-01-01"', "birth_date", "1980-99-01 | 1981-01-01"),
        ('"device_id":"a","device_id":"b"', "child", "unreadable"),
        ('"device_id":"a","device_id":"b"', "device_id", "b"),
        ('"ip":"192.0.2.1","ip":"192.0.2.2"', "child", "unreadable"),
        ('"user_id":5,"user_id":"5"', "child", None),
        ('"path":"/a","path":"/b"', "target", "/b"),
        ('"extra":1,"extra":2', "child", None),
    ],
)
def test_of_a_repeated_key_each_value_is_read(pairs, column, expected):
    assert one('{"time":1767323045,' + pairs + "}").get(column) == expected


def test_lines_that_are_no_object_are_rejected():
    lines = [
        '{"age":1}',
        "[1]",
        "5",
        '{"age":1',
        '{"age":1}{"age":2}',
        '{"age":1}\r{"age":2}',
        '\ufeff{"age":1}',
        "",
        " \t\r",
        ' {"age":1} ',
        '{"age":Inf}',
        '{"x":' + "[" * 5000 + "]" * 5000 + ',"age":3}',
        '{"age":1,}',
        "null",
    ]
    parsed = parse(*lines)
    assert parsed.records.column("line").to_pylist() == [0, 9, 10, 11]
    assert [row["age"] for row in rows(parsed)] == ["1.0", "1.0", "inf", "3.0"]
    assert parsed.blank == 2
    assert parsed.lines == len(lines) == 4 + 2 + len(parsed.rejected)


def test_a_field_that_is_rare_does_not_need_the_slow_way(monkeypatch):
    lines = [json.dumps({"time": TIME, "n": at}) for at in range(2000)]
    lines[1500] = json.dumps({"time": TIME, "child": 1, "age": "12", "user_id": 7})
    monkeypatch.setattr("logscrub.formats.json_lines._parse_lines", None)
    row = rows(parse(*lines))[1500]
    assert (row["child"], row["age"], row["user_id"]) == ("1.0", "12", "7")
