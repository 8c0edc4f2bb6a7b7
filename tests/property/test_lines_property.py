"""Text formats: what is written comes back, no line is lost, and the two plans agree."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from logscrub.formats import access, delimited
from logscrub.formats.apache import compile_log_format
from logscrub.formats.catalogue import LINE_FORMATS
from logscrub.formats.nginx import compile_nginx
from logscrub.formats.records import RECORDS, merge
from logscrub.text.blocks import Block

NOON = 1773489600000  # 2026-03-14 12:00:00 UTC
WORDS = st.text(st.sampled_from("abcXYZ019._/:;=+,()-é"), min_size=1, max_size=12).filter(
    lambda text: text != "-"
)
TEXTS = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
PATHS = WORDS.map(lambda text: "/" + text)
NUMBERS = st.integers(0, 10**12)

# Directive, column, whether it stands in quotes, and values as (text in the line, value in the record).
VALUES = (
    ("%h", "$remote_addr", "address", False, st.sampled_from(["192.0.2.1", "2001:db8::7", "198.51.100.9"])),
    ("%r", "$request", "target", True, PATHS),
    ("%>s", "$status", "status", False, st.integers(100, 599)),
    ("%b", "$body_bytes_sent", "bytes", False, NUMBERS),
    ("%{Referer}i", "$http_referer", "referrer", True, TEXTS),
    ("%{User-Agent}i", "$http_user_agent", "user_agent", True, TEXTS),
    ("%{Accept-Language}i", "$http_accept_language", "language", True, TEXTS),
    ("%{X-Forwarded-For}i", "$http_x_forwarded_for", "forwarded", True, TEXTS),
    ("%{Sec-GPC}i", "$http_sec_gpc", "signals", False, st.sampled_from(["0", "1"])),
    ("%t", "[$time_local]", "time", False, st.integers(0, 10**8)),
    ("%u", "$remote_user", None, False, WORDS),
    ("%{Content-Type}o", "$sent_http_content_type", None, True, TEXTS),
    ("%{x}n", "$request_id", None, True, TEXTS),
    ("%k", "$connection_requests", None, False, NUMBERS),
)


def written(column, value):
    """How a line shows a value."""
    if column == "target":
        return f"GET {value} HTTP/1.1"
    if column == "time":
        at = np.datetime64(NOON // 1000 + value, "s").astype(object)
        return at.strftime("[%d/%b/%Y:%H:%M:%S +0000]")
    return str(value)


def recorded(column, value):
    """What the record holds."""
    if column == "signals":
        return f"gpc={value}"
    return NOON + value * 1000 if column == "time" else value


@st.composite
def formats_and_lines(draw):
    """A LogFormat, the same log_format, a line in both, and its fields."""
    chosen = draw(st.lists(st.sampled_from(VALUES), min_size=1, max_size=8, unique=True))
    gaps = draw(
        st.lists(st.sampled_from([" ", " - ", " x=", " | "]), min_size=len(chosen), max_size=len(chosen))
    )
    apache, nginx, line, fields = "%k ", "$connection ", "1 ", {}
    for gap, (directive, variable, column, quoted, values) in zip(gaps, chosen, strict=True):
        value = draw(values)
        quote = '"' if quoted else ""
        apache += f"{quote}{directive}{quote}{gap}"
        nginx += f"{quote}{variable}{quote}{gap}"
        line += f"{quote}{written(column, value)}{quote}{gap}"
        if column:
            fields[column] = recorded(column, value)
    end = draw(st.sampled_from(["", "end"]))
    return apache + end, nginx + end, line + end, fields


def parsed(known, data):
    result = known.parse(Block(data, 0))
    lines = data.count(b"\n") + bool(data and not data.endswith(b"\n"))
    assert lines == result.lines == result.records.num_rows + len(result.rejected) + result.blank
    assert result.records.schema == RECORDS
    result.records.validate(full=True)
    return result


@settings(max_examples=150, deadline=None)
@given(formats_and_lines())
def test_what_is_written_in_a_format_comes_back(case):
    apache, nginx, line, fields = case
    for known in (compile_log_format(apache), compile_nginx(nginx)):
        (row,) = parsed(known, line.encode()).records.to_pylist()
        assert {name: row[name] for name in fields} == fields


@st.composite
def broken_lines(draw):
    """Lines of formats with pieces cut out, put in and repeated."""
    known = draw(st.sampled_from(LINE_FORMATS))
    lines = []
    for _ in range(draw(st.integers(1, 4))):
        text = draw(st.one_of(st.just(SEEDS[known.name]), st.binary(max_size=60)))
        cut = draw(st.integers(0, len(text)))
        stop = draw(st.integers(cut, min(len(text), cut + 12)))
        put = draw(
            st.sampled_from([b"", b'"', b" ", b"\\", b'" "', b"-", b"\r", b"\x00", b"\xff", b"[", b"99"])
        )
        lines.append((text[:cut] + put + text[stop:]).replace(b"\n", b""))
    return known, lines


SEEDS = {
    known.name: (
        b'192.0.2.1 - - [14/Mar/2026:12:00:00 +0000] "GET /a?b=c HTTP/1.1" 200 5 "-" "agent" 12 "x" "y" 9ms'
        if known.mark is None
        else None
    )
    for known in LINE_FORMATS
}
SEEDS |= {
    "aws_elb": b"2026-03-14T12:00:00.1Z elb 192.0.2.1:9 192.0.2.2:80 0.1 0.2 0.3 200 200 0 5 "
    b'"GET http://www.example.com:80/ HTTP/1.1" "agent" - -',
    "squid": b"1773489600.123    120 192.0.2.1 TCP_MISS/200 5 GET http://www.example.com/ - "
    b"HIER_DIRECT/x text/html",
    "haproxy_http": b"192.0.2.1:9 [14/Mar/2026:12:00:00.123] in web/s1 1/0/3/6/37 200 +5 - - ---- 1/1/1/1/0 "
    b'0/0 {x} "GET / HTTP/1.1"',
    "envoy": b'[2026-03-14T12:00:00.123Z] "GET / HTTP/2" 200 - 0 5 3 2 "192.0.2.1" "agent" '
    b'"id" "www.example.com" "x"',
    "nginx_proxy_manager": b"[14/Mar/2026:12:00:00 +0000] - 200 200 - GET https www.example.com "
    b'"/a" [Client 192.0.2.1] [Length 5] [Gzip -] [Sent-to x] "agent" "-"',
    "litespeed": b'"192.0.2.1 - - [14/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "agent""',
}
COMBINED = SEEDS["combined"]
SEEDS = {name: seed or COMBINED for name, seed in SEEDS.items()}


@settings(max_examples=300, deadline=None)
@given(broken_lines())
def test_no_line_is_lost_and_each_is_read_by_itself(case):
    known, lines = case
    together = parsed(known, b"".join(line + b"\n" for line in lines))
    rows = {row.pop("line"): row for row in together.records.to_pylist()}
    for at, line in enumerate(lines):
        alone = parsed(known, line + b"\n").records.to_pylist()
        assert [{**row, "line": at} for row in alone] == ([{**rows[at], "line": at}] if at in rows else [])


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(LINE_FORMATS))
def test_arbitrary_bytes_never_raise(data, known):
    parsed(known, data)


@settings(max_examples=300, deadline=None)
@given(broken_lines())
def test_the_plans_agree_where_both_can_read(case):
    known, lines = case
    assume(known.layout is not None)
    lines = [line.replace(b"\r", b"").decode("utf-8", "replace") for line in lines]
    block = "".join(line + "\n" for line in lines).encode()
    split = delimited.split(block, known.layout)
    if split.captured is None:
        return
    taken = split.captured.lines
    matched, rejected = known.match(pa.array([lines[at] for at in taken]), taken)
    assert not len(rejected)
    first = known.parse(Block(block, 0)).records.to_pylist()
    second = merge([access.to_records(part) for part in matched]).to_pylist()
    assert [row for row in first if row["line"] in taken] == second


@pytest.mark.parametrize("known", LINE_FORMATS, ids=lambda known: known.name)
def test_the_plans_agree_on_nothing(known):
    assert parsed(known, b"").lines == 0
    assert parsed(known, b"\n \n\t\r\n").blank == 3
