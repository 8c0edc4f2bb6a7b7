"""Access logs: the delimited and the pattern plan together."""

import os
from pathlib import Path

import pytest

from logscrub.errors import LineReason, UsageError
from logscrub.formats.records import PROBLEMS, RECORDS, carries_identifiers
from logscrub.formats.registry import FORMATS, format_by_name
from logscrub.text.blocks import Block

SHARED = Path(os.environ.get("LOGSCRUB_SHARED", Path(__file__).parents[2].parent / "shared"))
APACHE = SHARED / "corpora" / "apache-real" / "apache_logs"
START = '192.0.2.1 - - [17/May/2015:10:05:03 +0200] "GET /a?b=c HTTP/1.1" 200 5'


def parse(lines, name="combined"):
    data = lines if isinstance(lines, bytes) else "\n".join(lines).encode()
    return format_by_name(name).parse(Block(memoryview(bytearray(data)), 0))


def one(line, name="combined"):
    parsed = parse([line], name)
    assert (parsed.lines, parsed.records.num_rows) == (1, 1), parsed.rejected
    return {key: value for key, value in parsed.records.to_pylist()[0].items() if value is not None}


def test_a_combined_line():
    assert one(f'{START} "http://example.com/x" "Mozilla/5.0"') == {
        "line": 0,
        "time": 1431849903000,
        "address": "192.0.2.1",
        "method": "GET",
        "target": "/a?b=c",
        "status": 200,
        "bytes": 5,
        "referrer": "http://example.com/x",
        "user_agent": "Mozilla/5.0",
    }


@pytest.mark.parametrize("vhost", ["example.com:80", "example.com"])
@pytest.mark.parametrize("name", ["vhost_common", "vhost_combined"])
def test_a_line_with_its_virtual_host(vhost, name):
    row = one(f"{vhost} {START}" + (' "-" "-"' if name == "vhost_combined" else ""), name)
    assert (row["host"], row["address"], row["target"]) == ("example.com", "192.0.2.1", "/a?b=c")


@pytest.mark.parametrize(
    ("request_line", "method", "target"),
    [
        ("GET / HTTP/1.1", "GET", "/"),
        ("get /a b HTTP/2.0", "get", "/a b"),
        ("GET /old", "GET", "/old"),
        ("-", None, None),
        ("", None, None),
        ("HELP", None, None),
        (r"\x16\x03\x01", None, None),
        ("\x16\x03\x01", None, None),
        (r"GET /\xc3\xa9\"x\\ HTTP/1.1", "GET", '/é"x\\'),
        ('GET /"x" HTTP/1.1', "GET", '/"x"'),
    ],
)
def test_a_request_never_loses_its_line(request_line, method, target):
    row = one(f'192.0.2.1 - - [17/May/2015:10:05:03 +0200] "{request_line}" 400 5 "-" "x"')
    assert (row.get("method"), row.get("target"), row["status"], row["user_agent"]) == (
        method,
        target,
        400,
        "x",
    )


@pytest.mark.parametrize(
    ("end", "referrer", "user_agent"),
    [
        (' "-" "-"', None, ""),
        (' "" ""', None, None),
        ("", None, None),
        (' "http://example.com/"', "http://example.com/", None),
        (' "-" "cut off', None, "cut off"),
        (' "-" "cut off\\', None, "cut off\\"),
        (' "-" "a \\"b\\" c"', None, 'a "b" c'),
        (' "-" "a "b" c"', None, 'a "b" c'),
        (' "a\\" \\"b" "c"', 'a" "b', "c"),
        (' "-" "agent" "198.51.100.7"', None, "agent"),
        (' "-" "agent" 0.005', None, "agent"),
        (' "-" "tab\\tnew\\n\\x41"', None, "tab\tnew\nA"),
    ],
)
def test_quoted_values(end, referrer, user_agent):
    row = one(START + end)
    assert (row.get("referrer"), row.get("user_agent")) == (referrer, user_agent)


def test_the_remote_user_may_be_anything_and_is_never_a_column():
    for user in ("john doe", "", '""', "a]b", "[x"):
        row = one(START.replace("- -", f"- {user}", 1) + ' "-" "x"')
        assert row["address"] == "192.0.2.1"
        assert not {"frank", user} & {value for value in row.values() if isinstance(value, str)}
    assert "user" not in RECORDS.names


@pytest.mark.parametrize(
    ("status", "size", "expected"),
    [("-", "-", (0, 0)), ("000", "0", (0, 0)), ("999", "7", (0, 7)), ("599", "9" * 18, (599, int("9" * 18)))],
)
def test_status_and_size(status, size, expected):
    row = one(START.replace("200 5", f"{status} {size}") + ' "-" "x"')
    assert (row["status"], row["bytes"]) == expected


def test_a_impossible_size_and_an_impossible_time_are_problems_of_a_record():
    row = one(START.replace(" 5", " -5") + ' "-" "x"')
    assert (PROBLEMS[row["problem"]], row["bytes"], "time" in row) == (LineReason.IMPOSSIBLE_SIZE, 0, True)
    for text in ("31/Feb/2015:10:05:03 +0000", "17/Foo/2015:10:05:03 +0000", "17/May/1985:10:05:03 +0000"):
        row = one(START.replace("17/May/2015:10:05:03 +0200", text) + ' "-" "x"')
        assert PROBLEMS[row["problem"]] is LineReason.IMPOSSIBLE_TIME
        assert "time" not in row


def test_what_does_not_fit_is_rejected_by_index_and_neighbours_are_kept():
    good = f'{START} "-" "x"'
    lines = [
        good,
        "",
        "free text",
        good.replace("17/May/2015", "2015-05-17"),
        '"' * 6,
        good,
        " \t\r",
        good.replace("200 5", "200 " + "9" * 19),
        good.replace("200 5", "abc 5"),
        good + "\r",
        "\ufeff" + good,
    ]
    parsed = parse(lines)
    assert parsed.records.column("line").to_pylist() == [0, 5, 9, 10]
    assert parsed.rejected.tolist() == [2, 3, 4, 7, 8]
    assert (parsed.blank, parsed.lines) == (2, 11)
    assert parsed.records.column("address").to_pylist()[-1] == "\ufeff192.0.2.1"
    first_in_its_block = parse(["\ufeff" + good]).records.column("address").to_pylist()
    assert first_in_its_block == ["\ufeff192.0.2.1"]


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"\r", b"a\n\r", b"\n\n\n", b"x", b"\xff\xfe\n\x00\n", b'"""\n']
)
def test_blocks_without_a_record(data):
    for known in FORMATS:
        parsed = parse(data, known.name)
        lines = data.count(b"\n") + bool(data and not data.endswith(b"\n"))
        assert parsed.records.num_rows == 0
        assert parsed.records.schema == RECORDS
        assert parsed.lines == lines == parsed.blank + len(parsed.rejected)


def test_invalid_utf_8_is_replaced_and_returns_do_not_end_lines():
    parsed = parse(START.encode() + b' "-" "\xff\rx"\r\n' + START.encode() + b' "-" "y"\r\n')
    assert parsed.records.column("user_agent").to_pylist() == ["\ufffd\x1ax", "y"]


def test_text_columns_hold_each_value_once_and_no_null():
    parsed = parse([f'{START} "-" "A"', f'{START} "-" "\\x41"', f"{START}", f'{START} "-" "B'])
    column = parsed.records.column("user_agent")
    assert column.dictionary.to_pylist() == ["A", "B"]
    assert column.to_pylist() == ["A", "A", None, "B"]


def test_formats_say_what_they_carry():
    assert "host" in format_by_name("vhost_common").fields
    assert "user_agent" not in format_by_name("common").fields
    assert not carries_identifiers(format_by_name("combined").fields)
    assert carries_identifiers(format_by_name("json_events").fields)
    assert all(known.fields <= set(RECORDS.names) for known in FORMATS)
    with pytest.raises(UsageError, match="common, combined"):
        format_by_name("nothing")


@pytest.mark.skipif(not APACHE.exists(), reason="the corpus is not here")
def test_the_real_log_is_read_whole():
    parsed = parse(APACHE.read_bytes())
    assert (parsed.lines, parsed.records.num_rows, parsed.blank) == (10_000, 10_000, 0)
    assert sum(parsed.records.column("bytes").to_pylist()) == 2_747_282_740
    assert (
        parsed.records.slice(8898, 1).to_pylist()[0]["user_agent"].startswith("Mozilla/5.0 (compatible; Goo")
    )
    assert parsed.records.column("problem").null_count == 10_000
