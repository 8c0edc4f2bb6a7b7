import io
import json
import os
from dataclasses import replace
from pathlib import Path

import pyarrow.compute as pc
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from logscrub.errors import FileReason
from logscrub.formats import detect as detection
from logscrub.formats import fits
from logscrub.formats.detect import detect, detect_all
from logscrub.formats.records import RECORDS
from logscrub.formats.registry import FORMATS, format_by_name
from logscrub.inputs import Doubt, InputFile, plan_inputs
from logscrub.text.blocks import Block

SHARED = Path(os.environ.get("LOGSCRUB_SHARED", Path(__file__).parents[2].parent / "shared"))
COMMON = '192.0.2.1 - - [17/May/2015:10:05:03 +0200] "GET /a HTTP/1.1" 200 5'
COMBINED = COMMON + ' "http://example.com/" "Mozilla/5.0"'
HOSTILE = r'192.0.2.1 - - [17/May/2015:10:05:03 +0200] "\x16\x03\x01" 400 226 "-" "-"'
W3C = ["#Fields: date time c-ip cs-method cs-uri-stem", "2026-03-14 12:00:00 192.0.2.7 GET /w3c"]
EVENT = json.dumps({"time": "2026-01-02T03:04:05Z", "path": "/"})


def name(*lines):
    return detect(("\n".join(lines) + "\n").encode()).format_name


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (COMMON, "common"),
        (COMBINED, "combined"),
        (f"example.com:80 {COMMON}", "vhost_common"),
        (f"example.com {COMBINED}", "vhost_combined"),
        (HOSTILE, "combined"),
        (f"example.com:443 {HOSTILE}", "vhost_combined"),
        (EVENT, "json_events"),
        ('{"level":30,"time":1531171074631,"msg":"hello"}', None),
        ("a,b,c", None),
        ("<html>", None),
        ("May 17 10:05:03 host sshd[1]: Accepted password", None),
        ("", None),
    ],
)
def test_each_format_is_told(line, expected):
    assert name(*[line] * 3) == expected


def test_a_cut_last_line_does_not_count_unless_it_is_alone():
    cut = detect((COMBINED + "\n" + COMBINED[:40]).encode())
    assert (cut.format_name, cut.share) == ("combined", 1.0)
    assert detect(COMBINED.encode()).format_name == "combined"


def test_the_share_is_told_and_too_poor_a_fit_is_none():
    assert detect(f"{COMBINED}\nx\n{COMBINED}\n{COMMON}\n\n".encode()).share == 0.75
    poor = detect(f"{COMBINED}\nx\ny\n".encode())
    assert (poor.format_name, round(poor.share, 2)) == (None, 0.33)


def test_a_hostile_head_and_a_byte_order_mark_do_not_mislead():
    assert name(*[HOSTILE] * 50, COMBINED) == "combined"
    assert detect(b"\xef\xbb\xbf" + COMMON.encode()).format_name == "common"


class Rival:
    """The format common, but its times are an hour later and nothing else differs."""

    name, mark, has_directives, is_plain, signals = "rival", None, False, True, frozenset()

    @property
    def fields(self):
        return format_by_name("common").fields

    def reader(self):
        return self

    def parse(self, block):
        parsed = format_by_name("common").parse(block)
        time = pc.add(parsed.records.column("time"), 3_600_000)
        return replace(parsed, records=parsed.records.set_column(1, RECORDS.field(1), time))


def test_a_tie_is_told_where_the_lines_are_read_otherwise_and_the_first_format_wins(monkeypatch):
    sample = COMMON.encode()
    found = detect(sample)
    assert (found.format_name, found.runner_up, found.tie) == ("common", "combined", False)
    monkeypatch.setattr(fits, "FORMATS", (*FORMATS, Rival()))
    monkeypatch.setattr(detection, "format_by_name", lambda n: Rival() if n == "rival" else format_by_name(n))
    found = detect_all([sample, COMBINED.encode(), sample])
    assert [(one.format_name, one.runner_up, one.tie) for one in found] == [
        ("common", "rival", True),
        ("combined", found[1].runner_up, False),
        ("common", "rival", True),
    ]


def plan(lines, forced=None):
    data = ("\n".join(lines) + "\n").encode()
    return plan_inputs([InputFile("a.log", len(data))], lambda _: io.BytesIO(data), 1000, forced)


def test_plans_tell_what_is_refused_and_what_is_in_doubt():
    refused = plan(["dear diary"] * 5).problems[0]
    assert (refused.reason, refused.what) == (FileReason.UNKNOWN_FORMAT, "text that is no web log")
    assert plan([COMBINED] * 10).doubts == ()
    (doubt,) = plan([COMBINED] * 8 + ["x"] * 2).doubts
    assert doubt == Doubt("a.log", "combined", 0.8, doubt.runner_up, False)


def test_a_forced_format_is_taken_for_all_files():
    forced = plan(["dear diary"] * 5, "syslog:combined")
    assert (forced.problems, forced.doubts) == ((), ())
    assert {part.format for part in forced.ranges} == {"syslog:combined"}
    assert plan(["", ""], "combined").problems[0].reason is FileReason.EMPTY


def behind(before, *lines):
    return [before + line for line in lines]


CRI = "2026-03-14T12:00:00.123456789Z stdout F "
SYSLOG = "Mar 14 12:00:00 web1 nginx[1]: "


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (behind(CRI, COMBINED, COMBINED), "cri:combined"),
        (behind(SYSLOG, COMBINED, EVENT, COMBINED, EVENT, EVENT), "syslog:combined+syslog:json_events"),
        (behind("web-1  | ", EVENT, EVENT), "compose:json_events"),
        ([json.dumps({"log": COMMON + "\n", "stream": "stdout", "time": "2026-03-14T12:00:00Z"})] * 2,
         "docker:common"),
        ([COMBINED, EVENT] * 3, "combined+json_events"),
        ([COMBINED] * 8 + [EVENT], "combined"),
        ([COMBINED] * 3 + behind(SYSLOG, COMBINED, COMBINED), "syslog:combined"),
        (behind(SYSLOG, COMBINED, COMBINED) + [COMBINED] * 3, "syslog:combined"),
        ([*behind(SYSLOG, COMBINED), *[COMBINED] * 9], "syslog:combined"),
        (["#Version: 1.0", *W3C, W3C[1], COMBINED, COMBINED], "combined+w3c"),
        (["diary"] * 50 + [COMBINED] * 100, "combined"),
        (["diary"] * 50 + [COMBINED] * 10, "combined"),
        (["diary"] * 500 + [COMBINED] * 10, None),
        (["# a comment", "", *[COMBINED] * 5], "combined"),
        ([COMBINED] * 1000 + [EVENT] * 9, "combined"),
        ([COMBINED] * 1000 + [EVENT] * 11, "combined+json_events"),
    ],
)  # fmt: skip
def test_prefixes_mixed_files_and_garbage(lines, expected):
    assert name(*lines) == expected


def test_more_formats_than_three_are_not_read():
    lines = [line for before in ("", SYSLOG, CRI, "web-1 | ") for line in behind(before, EVENT, EVENT)]
    assert len(name(*lines).split("+")) <= 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("May 17 10:05:03 host sshd[1]: Accepted password\n", "syslog"),
        ("2026-03-14T12:00:00Z host sshd[1]: Accepted password\n", "syslog"),
        ("a,b,c\n1,2,3\n", "CSV"),
        ("a\tb\tc\n1\t2\t3\n", "tab-separated values"),
        ('{"level":30,"time":1531171074631,"msg":"hello"}\n', "JSON without the fields of a request"),
        ('[\n  {"a": 1}\n]\n', "JSON that is not one object a line"),
        ('{\n  "a": 1\n}\n', "JSON that is not one object a line"),
        ("<?xml version='1.0'?>\n<a/>\n", "XML or HTML"),
        ("2026/03/14 12:00:00 [error] 1#1: *1 open() failed\n", "an error log of nginx"),
        ("[Sat Mar 14 12:00:00.123456 2026] [core:error] [pid 1] x\n", "an error log of Apache"),
        ("2026-03-14 12:00:00,672:DEBUG:foo\n", "an application log"),
        ('2026-03-14 12:00:00 E\nTraceback (most\n  File "a"\nx\n', "an application log with stack traces"),
        ("web-1  | ready\n", "the output of containers without requests"),
        ("dear diary\n", "text that is no web log"),
        (" \n", "text that is no web log"),
    ],
)
def test_what_is_no_web_log_is_refused_by_name(text, expected):
    found = detect(text.encode())
    assert (found.format_name, found.refused_as) == (None, expected)


def test_a_web_log_is_not_refused():
    assert detect(COMBINED.encode()).refused_as is None


LINES = st.sampled_from(
    [
        *(line.encode() for line in (COMMON, COMBINED, HOSTILE, EVENT, f"example.com:80 {COMBINED}")),
        f"example.com {COMMON}".encode(),
        b'{"time": 1, "child": true',
        b'{"a": 1}',
        b"",
        b" \t",
        b"diary",
        b'"""""""',
        b"\xff\xc3",
        b"\xef\xbb\xbf",
        COMMON.encode()[:30],
        EVENT.encode() + b"\r",
    ]
)
SAMPLES = st.tuples(st.lists(LINES, max_size=6), st.booleans()).map(
    lambda drawn: b"\n".join(drawn[0]) + b"\n" * drawn[1]
)


@settings(max_examples=25, deadline=None)
@given(st.lists(SAMPLES, min_size=1, max_size=5))
@example([b"\xef\xbb\xbf" + COMMON.encode(), b"", b"\r", EVENT.encode()])
def test_files_looked_at_together_are_told_like_each_alone(samples):
    assert detect_all(samples) == [detect(sample) for sample in samples]


@settings(max_examples=40, deadline=None)
@given(SAMPLES)
def test_the_share_is_that_of_the_format(sample):
    found = detect(sample)
    if found.format_name is None:
        assert found.refused_as
        return
    sample = sample.removeprefix(b"\xef\xbb\xbf")
    whole = sample[: sample.rfind(b"\n") + 1] or sample
    parsed = format_by_name(found.format_name).parse(Block(whole, 0))
    assert found.share <= parsed.records.num_rows / (parsed.lines - parsed.blank)


def test_large_samples_are_told_by_lines_of_all_their_parts():
    lines = [*["x"] * 2000, *[COMBINED] * 4000, *[EVENT] * 300]
    found = detect("\n".join(lines).encode() + b"\n")
    assert (found.format_name, round(found.share, 4)) == ("combined+json_events", round(4300 / 6300, 4))


# What each file of lnav's tests is.
LNAV = {
    "access_log.0": "combined",
    "access_log.1": "combined",
    "access_log_dupe.0": "combined",
    "bad_access_log.0": "combined",
    "bro_http.log.0": "w3c",
    "caddy_log.0": "compose:caddy_json",
    "caddy_log.1": "caddy_json",
    "cloudflare.1": "cloudflare_json",
    "cloudflare.json": "cloudflare_json",
    "crlf.0": None,
    "dst.0": None,
    "ecs_log.json": None,
    "epoch.0": None,
    "epoch.1": None,
    "haproxy.0": "syslog:haproxy_http",
    "invalid_tz.0": None,
    "invalid_utf8.0": None,
    "journald.json": None,
    "json.json": None,
    "json2.json": None,
    "json3.json": None,
    "json_invalid.json": None,
    "json_subsec.json": None,
    "jsonid.json": None,
    "laravel.0": None,
    "laravel.1": None,
    "nextcloud.0": None,
    "otel_collector.jsonl": None,
    "pino.0": None,
    "regexp_access_log.0": "vhost_combined",
    "shop_access_log.0": "nginx_main",  # a quoted address or "-" ends each line
    "syslog_with_access_log.0": None,
    "uwsgi.0": None,
    "w3c.0": "w3c",
    "w3c.1": "w3c",
    "w3c.2": "w3c",
    "w3c.3": "w3c",
    "w3c.4": "w3c",
    "w3c.5": None,  # its lines have other values than #Fields names
    "w3c.6": "w3c",
    "w3c_big.0": "w3c",
    "with_zones.0": None,
}


@pytest.mark.skipif(not SHARED.exists(), reason="the corpora are not here")
@pytest.mark.parametrize(
    ("file", "expected"),
    [("apache-real/apache_logs", "combined"), *((f"lnav/logfile_{file}", of) for file, of in LNAV.items())],
)
def test_real_files(file, expected):
    with (SHARED / "corpora" / file).open("rb") as log:
        found = detect(log.read(256 * 1024))
    assert found.format_name == expected
    assert (found.refused_as is None) == (expected is not None)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("syslog_combined.log", "syslog:combined"),
        ("syslog5424_combined.log", "syslog:combined"),
        ("cri_combined.log", "cri:combined"),
        ("docker_caddy.jsonl", "docker:caddy_json"),
        ("compose_caddy.log", "compose:caddy_json"),
        ("combined_and_caddy.log", "combined+caddy_json"),
    ],
)
def test_samples_of_wrapped_and_mixed_logs(file, expected):
    sample = (Path(__file__).parents[2] / "sample_logs" / "formats" / file).read_bytes()
    assert detect(sample).format_name == expected
    parsed = format_by_name(expected).parse(Block(sample, 0))
    assert parsed.records.num_rows == 7
    assert parsed.records.column("time").null_count == parsed.records.column("address").null_count == 0
    assert (parsed.lines - 7, parsed.blank) == (len(parsed.rejected), 0)
