"""JSON formats as field maps.

After a wanted change, write the golden files anew and read the difference:
`LOGSCRUB_WRITE_GOLDEN=1 pytest tests/unit/test_formats_json.py -k golden`
"""

import gzip
import json
import os
from pathlib import Path

import pytest

from logscrub.config import Settings
from logscrub.errors import LineReason, UsageError
from logscrub.formats import json_lines
from logscrub.formats.json_catalogue import JSON_FORMATS
from logscrub.formats.json_fields import KINDS, parse_field_map
from logscrub.formats.json_lines import JsonEvents, JsonFormat, for_signals
from logscrub.formats.records import IDS, PROBLEMS, RECORDS
from logscrub.formats.registry import format_by_name
from logscrub.privacy.children import Judge
from logscrub.signals import decode_signals
from logscrub.text.blocks import Block

ROOT = Path(__file__).parents[2]
CORPORA = ROOT.parent / "shared" / "corpora"
BY_NAME = {known.name: known for known in JSON_FORMATS}
CATALOGUE = [name for name in BY_NAME if name != "json_events"]
TIME = "2026-03-14T12:00:00Z"
NOON = 1773489600000


def parse(known, lines):
    lines = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    parsed = known.parse(Block("".join(line + "\n" for line in lines).encode(), 0))
    assert parsed.records.schema == RECORDS
    parsed.records.validate(full=True)
    assert parsed.lines == parsed.records.num_rows + len(parsed.rejected) + parsed.blank
    found = ["rejected"] * len(lines)
    for row in parsed.records.to_pylist():
        line = row.pop("line")
        if row["problem"] is not None:
            row["problem"] = PROBLEMS[row["problem"]].value
        flat = row | said(row.pop("signals"))
        found[line] = {name: value for name, value in flat.items() if value not in (None, 0)}
    return found


def said(text):
    """Values of each signal, with commas between."""
    values = {}
    for name, value in decode_signals(text) if text else ():
        values.setdefault(name, []).append(value)
    return {name: ",".join(own) for name, own in values.items()}


def of(text, **options):
    return JsonFormat("mine", parse_field_map(text), **options)


def one(text, line, **options):
    (row,) = parse(of(text, **options), [line])
    return row


def signals_of(row):
    return {name: value for name, value in row.items() if name not in {"host", "problem"}}


def sample(name):
    return (ROOT / "sample_logs" / "formats" / f"{name}.jsonl").read_text().splitlines()


@pytest.mark.parametrize("name", CATALOGUE)
def test_golden(name):
    lines = sample(name)
    golden = ROOT / "tests" / "golden" / "json" / f"{name}.json"
    found = parse(BY_NAME[name], lines)
    if os.environ.get("LOGSCRUB_WRITE_GOLDEN"):
        text = ",\n".join(json.dumps(row, ensure_ascii=False, sort_keys=True) for row in found)
        golden.write_text(f"[\n{text}\n]\n")
    assert found == json.loads(golden.read_text())


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_sample_line_alone_and_among_foreign_lines_is_the_same(name):
    known, lines = BY_NAME[name], sample(name)
    together = parse(known, lines)
    assert [parse(known, [line])[0] for line in lines] == together
    foreign = ["no json", '{"request":5,"device":[],"time":{},"attributes":"x","http":1}', "[]"]
    mixed = parse(known, [part for line in lines for part in (line, *foreign)])
    assert mixed[:: len(foreign) + 1] == together


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_sample_holds_its_mark_and_what_it_gives_is_told(name):
    known = BY_NAME[name]
    assert known.mark.search("\n".join(sample(name)).encode())
    given = {key for row in parse(known, sample(name)) if row != "rejected" for key in row} - {"problem"}
    assert given <= known.fields | known.signals
    assert known.fields <= set(RECORDS.names)


@pytest.mark.parametrize("name", CATALOGUE)
def test_clean_lines_never_take_the_slow_way(name, monkeypatch):
    lines = sample(name)[7:8] * 600
    monkeypatch.setattr(json_lines, "_parse_lines", None)
    assert "rejected" not in parse(BY_NAME[name], lines)


def test_a_field_map_is_read():
    fields = parse_field_map(" time=ts, address=client.ip\nuser_agent=headers.User-Agent[0],status=code ")
    assert fields.entries == (
        ("time", "ts"),
        ("address", "client.ip"),
        ("user_agent", "headers.User-Agent[0]"),
        ("status", "code"),
    )
    assert fields.columns == {"time", "address", "user_agent", "status"}
    known = of("path=p query=q url=u request=r us_privacy=x duration_ns=d")
    assert known.fields == {"target", "host", "method", "signals", "duration"}
    assert {"us_privacy", "coppa"} <= known.signals


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "''"),
        ("time", "'time'"),
        ("time=", "'time='"),
        ("=x", "'='"),
        ("ip=x", "'ip'"),
        ("time=a..b", "'time=a..b'"),
        ("time=a[1]", "'time=a[1]'"),
        ("time=a[0", "'time=a[0'"),
        ("time=a=b", "'time=a=b'"),
    ],
)
def test_what_is_no_field_map_is_told(text, named):
    with pytest.raises(UsageError) as told:
        parse_field_map(text)
    assert named.strip("'=") in str(told.value)
    assert all(field in str(told.value) for field in KINDS)


@pytest.mark.parametrize(
    "line",
    [
        {"a": {"b": {"c": "/x"}}},
        {"a.b.c": "/x"},
        {"a": {"b.c": "/x"}},
        {"a.b": {"c": "/x"}},
        '{"a\\u002eb": {"c": "/x"}}',
        {"a": {"b": 5}, "a.b.c": "/x"},
        {"a": {"b": {"c": "-"}}, "a.b.c": "/x"},
    ],
)
def test_keys_apart_and_together(line):
    assert one("path=a.b.c", line)["target"] == "/x"
    many = parse(of("path=a.b.c"), [line] * 40)
    assert all(row["target"] == "/x" for row in many)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["a", "b"], "a"),
        ("a", "a"),
        ([], None),
        ([None], None),
        ([5], None),
        (5, None),
        ([["a"]], None),
        ({}, None),
    ],
)
def test_header_values(value, expected):
    found = parse(of("host=h user_agent=r.ua[0]"), [{"h": "x", "r": {"ua": value}}] * 20)
    assert all(row.get("user_agent") == expected for row in found)


def test_a_path_through_an_array():
    assert one("path=a[0].b", {"a": [{"b": "/1"}, {"b": "/2"}]})["target"] == "/1"
    assert one("path=a[0].b", {"a": {"b": "/1"}})["target"] == "/1"


def test_of_a_header_that_came_several_times_no_hop_and_no_signal_is_lost():
    text = "forwarded=xff[0] opt_out=gpc[0]"
    assert one(text, {"xff": ["192.0.2.1", "192.0.2.2"], "gpc": ["0", "1"]}) == {
        "forwarded": "192.0.2.1, 192.0.2.2",
        "opt_out": "unreadable",
        "problem": "no_time",
    }


def test_the_earlier_path_that_holds_something_wins():
    text = "address=a address=b status=s status=t user_id=u user_id=v time=x time=y"
    line = {"a": "", "b": "192.0.2.1", "s": None, "t": "404", "u": "-", "v": 7, "x": "", "y": TIME}
    assert one(text, line) == {"address": "192.0.2.1", "status": 404, "user_id": "7", "time": NOON}
    assert one(text, line | {"a": "192.0.2.2", "s": 200})["address"] == "192.0.2.2"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"lmt": 0, "dnt": 1}, {"opt_out": "0.0,1.0"}),
        ({"lmt": 1, "dnt": 0}, {"opt_out": "0.0,1.0"}),
        ({"lmt": 0, "dnt": 2}, {"opt_out": "0.0,2.0"}),
        ({"lmt": 0, "dnt": ""}, {"opt_out": "0.0"}),
        ({"lmt": 0, "usp": "1YYN"}, {"opt_out": "0.0", "us_privacy": "1YYN"}),
        ({"usp": "1---"}, {"us_privacy": "1---"}),
        ({"usp": 1}, {"us_privacy": "1.0"}),
        ({"usp": {}}, {"us_privacy": "unreadable"}),
        ({"track": False}, {"ad_tracking": "false"}),
        ({"usp": None}, {}),
    ],
)
def test_of_several_signals_all_are_kept(line, expected):
    text = "host=h opt_out=lmt opt_out=dnt us_privacy=usp ad_tracking=track"
    assert signals_of(one(text, {"h": "x"} | line)) == expected
    found = parse(of(text), [{"h": "x", "lmt": 0, "usp": "1YNN"}, {"h": "x"}, {"h": "x"} | line, "no json"])
    assert signals_of(found[2]) == expected


def test_ids_that_differ_under_one_path_are_a_childs():
    row = one("user_id=u.id", '{"u":{"id":"a","id":"b"}}')
    assert (row["user_id"], row["child"]) == ("b", "unreadable")
    assert one("address=a", '{"a":"192.0.2.1","a":"192.0.2.2"}')["child"] == "unreadable"


def test_of_several_ids_of_a_kind_all_are_kept():
    assert one("user_id=u.id user_id=v", '{"u":{"id":"a"},"v":"b"}')["user_id"] == "a\x1fb"
    lines = [{"v": "b"}, {"u": {"id": "-"}, "v": "b"}, {"u": {"id": "a"}}, {"h": "x"}]
    found = parse(of("user_id=u.id user_id=v host=h"), lines)
    assert [row.get("user_id") for row in found] == ["b", "b", "a", None]


def test_a_repeated_object_is_read_as_one():
    assert one("coppa=r.coppa host=h", '{"h":"x","r":{"coppa":1},"r":{"coppa":0}}')["coppa"] == "0.0,1.0"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"p": "/a", "q": "b=1"}, "/a?b=1"),
        ({"p": "/a", "q": "?b=1"}, "/a?b=1"),
        ({"p": "/a?c", "q": "b=1"}, "/a?c"),
        ({"p": "/a", "q": ""}, "/a"),
        ({"q": "b=1"}, None),
        ({"r": "POST /r HTTP/1.1", "u": "/u"}, "/r"),
        ({"p": "/a", "r": "POST /r HTTP/1.1"}, "/a"),
        ({"r": "\x16\x03", "u": "https://example.com/u"}, "https://example.com/u"),
        ({"u": "/u", "q": "b=1"}, "/u?b=1"),
    ],
)
def test_targets(line, expected):
    assert one("host=h path=p query=q request=r url=u", {"h": "x"} | line).get("target") == expected


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("duration_s=d", 0.5, 500_000),
        ("duration_s=d", "0.120", 120_000),
        ("duration_s=d", "0.12s", 120_000),
        ("duration_s=d", "12.5ms", 12_500),
        ("duration_s=d", "8µs", 8),
        ("duration_ms=d", 12.5, 12_500),
        ("duration_us=d", 7, 7),
        ("duration_ns=d", 1_250_000, 1250),
        ("duration_s=d", -1, None),
        ("duration_s=d", "-", None),
        ("duration_s=d", 1e9, None),
        ("duration_s=d", "1m2s", None),
    ],
)
def test_durations(text, value, expected):
    assert one("host=h " + text, {"h": "x", "d": value}).get("duration") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (TIME, NOON),
        ("2026-03-14t12:00:00,123456789z", NOON + 123),
        ("2026-03-14 13:00:00.5+0100", NOON + 500),
        ("2026-03-14T12:00:60Z", NOON + 59_000),
        ("14/Mar/2026:12:00:00 +0000", NOON),
        ("14/Mar/2026:07:00:00 -0500", NOON),
        (1773489600, NOON),
        (1773489600.123, NOON + 123),
        ("1773489600.123", NOON + 123),
        (1773489600123, NOON + 123),
        (1773489600123000, NOON + 123),
        (1773489600123000000, NOON + 123),
        ("1773489600123000000", NOON + 123),
        ("2026-03-14T13:00:00", NOON),
        ("2026-03-14 13:00:00.250", NOON + 250),
        ("2026/03/14 13:00:00,25", NOON + 250),
        ("14/Mar/26:12:00:00 +0000", LineReason.NO_TIME),
        ("26-03-14T12:00:00Z", LineReason.NO_TIME),
        ("14/Mär/2026:12:00:00 +000", LineReason.NO_TIME),
        ("14/Foo/2026:12:00:00 +0000", LineReason.IMPOSSIBLE_TIME),
        ("2026-02-30T13:00:00", LineReason.IMPOSSIBLE_TIME),
        ("2026-03/14 13:00:00", LineReason.NO_TIME),
        ("14/Mar/2026:12:00:00 +0000 x", LineReason.NO_TIME),
    ],
)
def test_times(value, expected):
    row = one("host=h time=t", {"h": "x", "t": value}, source_timezone="Europe/Berlin")
    assert row.get("problem", row.get("time")) == expected


def test_events_need_an_offset_whatever_the_zone():
    known = JsonEvents(source_timezone="Europe/Berlin")
    (row,) = parse(known, [{"time": "2026-03-14T13:00:00"}])
    assert row == {"problem": "no_time"}


def test_escapes_of_nginx_are_bytes():
    text = "time=t host=h"
    line = '{"t":"2026-03-14T12:00:00Z","h":"a\\xC3\\xA9\\x22\\x5C\\x0Ab\\xFF \\\\x41"}'
    assert one(text, line)["host"] == 'aé"\\\nb\ufffd \\x41'


@pytest.mark.parametrize("value", ["x", 5, True, [1], {"ip": "x"}, None])
def test_a_type_that_changes_is_mended_or_read_line_by_line(value):
    text = "time=t address=c.ip user_id=u.id coppa=r.coppa"
    lines = [{"t": NOON, "c": {"ip": "192.0.2.1"}, "u": {"id": 5}, "r": {"coppa": 0}}] * 700
    odd = [
        {"t": NOON, "c": value},
        {"t": NOON, "c": {"ip": value}, "u": {"id": value}, "r": {"coppa": value}},
    ]
    found = parse(of(text), lines[:650] + odd + lines[650:])
    assert found[650:652] == [row for line in odd for row in parse(of(text), [line])]
    assert found[0] == found[-1] == parse(of(text), lines[:1])[0]
    assert len({str(row) for row in found[:650] + found[652:]}) == 1


def test_no_error_quotes_the_log(monkeypatch):
    monkeypatch.setattr(json_lines, "_parse_lines", None)
    with pytest.raises(TypeError) as told:
        parse(of("host=h"), ['{"h": secret}'])
    assert "secret" not in str(told.value)
    assert told.value.__context__ is None


@pytest.fixture(scope="module")
def bids():
    path = CORPORA / "openrtb" / "openrtb_requests.jsonl"
    if not path.exists():
        pytest.skip("no corpora")
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("nested", [True, False])
def test_the_flags_of_bid_requests_come_out(bids, nested):
    lines = [json.dumps(bid if nested else bid["request"]) for bid in bids]
    records = BY_NAME["openrtb"].parse(Block("\n".join(lines).encode(), 0)).records
    rows = {row["line"]: row | said(row["signals"]) for row in records.to_pylist()}
    verdicts = Judge(Settings())(records, records.column("time"))
    withheld = dict(zip(records.column("line").to_pylist(), verdicts.withhold.tolist(), strict=True))
    silent = dict.fromkeys(("user_agent", "device_id", "address"))
    for at, flags in enumerate(bid["flags"] for bid in bids):
        row = rows.get(at, silent)
        coppa, usp = flags["coppa"], flags["us_privacy"]
        assert coppa is None or row["coppa"] == repr(float(coppa))
        opted = any(flags[name] for name in ("lmt", "dnt")) or str(usp)[2:3] == "Y"
        assert not opted or withheld[at]
        assert coppa != 1 or withheld[at]
        sent = [flags[name] for name in ("lmt", "dnt") if flags[name] is not None]
        assert {"limit_ad_tracking", "dnt"} & row.keys() or not sent
        for flag, column in (("ifa", "device_id"), ("ua", "user_agent"), ("ip", "address")):
            assert (flags[flag] or None) in (None, row[column])
        if not flags["ip"] and flags["ipv6"]:
            assert row["address"] == flags["ipv6"]


@pytest.mark.parametrize(
    ("file", "name", "records"),
    [
        ("logfile_caddy_log.1", "caddy_json", 4),
        ("logfile_cloudflare.1", "cloudflare_json", 15),
        ("logfile_cloudflare.json", "cloudflare_json", 1),
        ("logfile_ecs_log.json", "ecs_json", 0),
        ("logfile_otel_collector.jsonl", "otel_json", 0),
    ],
)
def test_files_of_lnav(file, name, records):
    path = CORPORA / "lnav" / file
    if not path.exists():
        pytest.skip("no corpora")
    found = parse(BY_NAME[name], path.read_text().splitlines())
    assert len([row for row in found if row != "rejected"]) == records


@pytest.mark.parametrize(
    ("file", "text", "records"),
    [
        (
            "logfile_json3.json",
            "time=started_at address=client_ip path=request.uri status=response.status bytes=response.size",
            3,
        ),
        ("logfile_nextcloud.0", "time=time address=remoteAddr method=method url=url user_agent=userAgent", 5),
    ],
)
def test_files_of_lnav_by_a_pasted_map(file, text, records):
    path = CORPORA / "lnav" / file
    if not path.exists():
        pytest.skip("no corpora")
    found = parse(of(text), path.read_text().splitlines())
    assert len([row for row in found if row != "rejected" and row["time"]]) == records


def test_for_signals_lines_give_the_same_people_and_signals() -> None:
    data = b"".join(
        gzip.decompress(path.read_bytes()) for path in sorted((ROOT / "sample_logs/site/app").iterdir())
    )
    known = format_by_name("json_events", "UTC", ())
    whole, part = (each.parse(Block(data, 0)) for each in (known, for_signals(known)))
    assert whole.records.num_rows > 100
    for name in ("line", "time", "address", "user_agent", "cookie", *IDS, "target", "referrer", "signals"):
        assert part.records.column(name).to_pylist() == whole.records.column(name).to_pylist(), name
    assert part.records.column("language").null_count == part.records.num_rows
    assert part.rejected.tolist() == whole.rejected.tolist()
