import json

from logscrub.formats.registry import format_by_name
from logscrub.text.blocks import Block

COMMON = '192.0.2.1 - - [14/Mar/2026:12:00:00 +0000] "GET /common HTTP/1.1" 200 5'
EVENT = json.dumps({"time": "2026-03-14T12:00:00Z", "path": "/event"})
TIMELESS = json.dumps({"path": "/timeless", "child": True})
W3C = ["#Fields: date time c-ip cs-method cs-uri-stem", "2026-03-14 12:00:00 192.0.2.7 GET /w3c"]


def parse(name, *lines, ending="\n"):
    known = format_by_name(name)
    return known.reader().parse(Block(ending.join(lines).encode(), 0))


def targets(parsed):
    records = parsed.records
    lines, paths = records.column("line").to_pylist(), records.column("target").to_pylist()
    return dict(zip(lines, paths, strict=True))


def test_each_line_is_read_by_the_first_format_that_can():
    for name in ("common+json_events", "json_events+common"):
        parsed = parse(name, "x", COMMON, "", EVENT, " ", "{", EVENT, COMMON)
        assert targets(parsed) == {1: "/common", 3: "/event", 6: "/event", 7: "/common"}
        assert (parsed.rejected.tolist(), parsed.blank, parsed.lines) == ([0, 5], 2, 8)


def test_a_record_without_time_is_kept_where_no_format_finds_one():
    for name in ("common+json_events", "json_events+common", "json_events+syslog:json_events+common"):
        parsed = parse(name, COMMON, TIMELESS, EVENT, "x")
        assert targets(parsed) == {0: "/common", 1: "/timeless", 2: "/event"}
        assert parsed.records.column("signals").to_pylist() == [None, "child=true", None]
        assert parsed.rejected.tolist() == [3]


def test_fields_are_the_union():
    known = format_by_name("common+syslog:json_events")
    assert known.name == "common+syslog:json_events"
    assert known.fields == format_by_name("common").fields | format_by_name("json_events").fields
    assert known.signals == format_by_name("json_events").signals


def test_directives_hold_for_the_lines_after_them_over_blocks():
    for name in ("common+w3c", "w3c+common", "common+cri:w3c"):
        known = format_by_name(name)
        assert known.has_directives
        reader = known.reader()
        lines = [f"2026-03-14T12:00:00Z stdout F {line}" for line in W3C] if "cri" in name else W3C
        first = reader.parse(Block("\n".join([COMMON, *lines, "x"]).encode() + b"\n", 0))
        assert targets(first) == {0: "/common", 2: "/w3c"}
        assert (first.rejected.tolist(), first.blank, first.lines) == ([3], 1, 4)
        assert targets(reader.parse(Block(lines[1].encode(), 0))) == {0: "/w3c"}
        assert reader.fields >= {"address", "target"}
    assert not format_by_name("common+combined").has_directives


def test_blocks_without_lines_or_newline_are_borne():
    assert parse("common+json_events").lines == 0
    assert parse("common+json_events", COMMON, EVENT, ending="\r\n").rejected.tolist() == []
    assert parse("common+json_events", "x").rejected.tolist() == [0]
