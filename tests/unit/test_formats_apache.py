"""LogFormat strings: every directive, modifiers, times, and the ways to paste them."""

import pytest

from logscrub.errors import LineReason, UsageError
from logscrub.formats.apache import compile_log_format
from logscrub.formats.records import PROBLEMS
from logscrub.text.blocks import Block

NOON = 1773489600000  # 2026-03-14 12:00:00 UTC
COMBINED = r"%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\""


def rows(log_format, *lines, **options):
    known = compile_log_format(log_format, **options)
    parsed = known.parse(Block("\n".join(lines).encode(), 0))
    assert parsed.lines == parsed.records.num_rows + len(parsed.rejected) + parsed.blank
    return [{k: v for k, v in row.items() if v is not None} for row in parsed.records.to_pylist()]


def one(log_format, line, **options):
    (row,) = rows(log_format, line, **options)
    return row


@pytest.mark.parametrize(
    ("directive", "text", "column", "value"),
    [
        ("%a", "192.0.2.1", "address", "192.0.2.1"),
        ("%h", "client.example.com", "address", "client.example.com"),
        ("%{c}a", "2001:db8::1", "address", "2001:db8::1"),
        ("%v", "www.example.com", "host", "www.example.com"),
        ("%V", "www.example.com", "host", "www.example.com"),
        ("%v:%p", "www.example.com:8080", "host", "www.example.com"),
        ('"%{Host}i"', '"www.example.com"', "host", "www.example.com"),
        ('"%r"', '"PUT /x HTTP/2.0"', "target", "/x"),
        ("%m", "GET", "method", "GET"),
        ("%U%q", "/a b?c=d", "target", "/a b?c=d"),
        ("%U%q", "/a", "target", "/a"),
        ("%>s", "404", "status", 404),
        ("%<s", "301", "status", 301),
        ("%s", "999", "status", 0),
        ("%B", "12", "bytes", 12),
        ("%b", "-", "bytes", 0),
        ("%O", "12", "bytes", 12),
        ("%I %O %b", "1 2 3", "bytes", 3),
        ("%D", "2500", "duration", 2500),
        ("%T", "3", "duration", 3_000_000),
        ("%{ms}T", "3", "duration", 3000),
        ("%{us}T", "3", "duration", 3),
        ("%{S}T", "3", "duration", 3_000_000),
        ("%T/%D", "0/2500", "duration", 2500),
        ("%D", "-", "duration", None),
        ('"%{Referer}i"', '"https://www.example.com/"', "referrer", "https://www.example.com/"),
        ('"%{user-agent}i"', '"a \\"b\\""', "user_agent", 'a "b"'),
        ('"%{Accept-Language}i"', '"de, en;q=0.5"', "language", "de, en;q=0.5"),
        ('"%{Cookie}i"', '"a=b; PHPSESSID=abc"', "cookie", "a=b; PHPSESSID=abc"),
        ('"%{_ga}C"', '"GA1.2.11.22"', "cookie", "_ga=GA1.2.11.22"),
        ('"%{lang}C" "%{JSESSIONID}C"', '"de" "abc"', "cookie", "lang=de; JSESSIONID=abc"),
        ('"%{X-Forwarded-For}i"', '"192.0.2.7, 192.0.2.8"', "forwarded", "192.0.2.7, 192.0.2.8"),
        ('"%{Forwarded}i"', '"for=192.0.2.7"', "forwarded", "for=192.0.2.7"),
        ("%{X-Real-IP}i", "192.0.2.7", "forwarded", "192.0.2.7"),
        ("%{CF-Connecting-IP}i", "192.0.2.7", "forwarded", "192.0.2.7"),
        ("%{True-Client-IP}i", "192.0.2.7", "forwarded", "192.0.2.7"),
        ("%{Sec-GPC}i", "1", "signals", "gpc=1"),
        ("%{DNT}i", "0", "signals", "dnt=0"),
        ("%{Sec-GPC}i %{DNT}i", "0 1", "signals", "dnt=1\x1egpc=0"),
        ("%{DNT}i", "-", "signals", None),
        ("%!400,501{User-Agent}i", "-", "user_agent", ""),
        ("%400,501{User-Agent}i", "x", "user_agent", "x"),
        ("100%% %h", "100% 192.0.2.1", "address", "192.0.2.1"),
        (r"%h\t%>s", "192.0.2.1\t200", "status", 200),
    ],
)
def test_what_is_captured(directive, text, column, value):
    assert one(f"%k {directive}", f"7 {text}").get(column) == value


@pytest.mark.parametrize(
    ("log_format", "line", "column", "value"),
    [
        ("%h %a", "proxy.example.com 192.0.2.1", "address", "192.0.2.1"),
        ("%h %a", "proxy.example.com -", "address", "proxy.example.com"),
        ("%{c}a %h", "192.0.2.9 192.0.2.1", "address", "192.0.2.1"),
        ("%V %v", "a.example.com b.example.com", "host", "b.example.com"),
        ("%s %>s", "301 200", "status", 200),
        ('"%{X-Real-IP}i" "%{X-Forwarded-For}i"', '"192.0.2.1" "192.0.2.2"', "forwarded", "192.0.2.2"),
        ('"%m" "%r"', '"GET" "POST / HTTP/1.1"', "method", "POST"),
    ],
)
def test_which_of_several_values_counts(log_format, line, column, value):
    assert one(log_format, line)[column] == value


def test_everything_else_is_read_over():
    directives = (
        "%h %A %{PATH}e %f %H %k %l %L %{local}p %{tid}P %R %u %X %I %S %{x}n %{Server}o "
        "%{a}^ti %{b}^to %{SSL_PROTOCOL}x %{c}c"
    )
    line = "192.0.2.1 192.0.2.2 /bin /var/x HTTP/1.1 1 - - 443 123 - frank + 1 2 note Apache t t TLSv1.3 v"
    assert one(directives, line) == {
        "line": 0,
        "address": "192.0.2.1",
        "problem": PROBLEMS.index(LineReason.NO_TIME),
        "status": 0,
        "bytes": 0,
    }


@pytest.mark.parametrize(
    ("forms", "text", "millis"),
    [
        ("%t", "[14/Mar/2026:13:00:00 +0100]", 0),
        ("%{%Y-%m-%dT%H:%M:%S%z}t", "2026-03-14T12:00:00+0000", 0),
        ("[%{%d/%b/%Y:%T}t.%{msec_frac}t %{%z}t]", "[14/Mar/2026:12:00:00.123 +0000]", 123),
        ("%{sec}t", "1773489600", 0),
        ("%{sec}t.%{msec_frac}t", "1773489600.250", 250),
        ("%{msec}t", "1773489600007", 7),
        ("%{usec}t", "1773489600007999", 7),
        ("%{begin:%s}t %{end:%s}t", "1773489600 1773489999", 0),
        ("%{%d/%b/%Y}t %{%T}t", "14/Mar/2026 12:00:00", 0),
        ("%{%d/%b/%Y %I:%M:%S %p}t", "14/Mar/2026 12:00:00 PM", 0),
        ("%{%e %B %Y %k:%M:%S}t", "14 March 2026 12:00:00", 0),
        ("%{%Y-%jT%T}t", "2026-073T12:00:00", 0),
        ("%{%FT%T}t", "2026-03-14T11:59:60", -1000),
        ("%{%a %b %e %T %Z %Y}t", "Sat Mar 14 12:00:00 GMT 2026", 0),
        ("%{%c}t", "Sat Mar 14 12:00:00 2026", 0),
    ],
)
def test_times(forms, text, millis):
    assert one(f"%h {forms} %>s", f"192.0.2.1 {text} 200")["time"] == NOON + millis


def test_local_times_are_of_the_source_timezone():
    line = "192.0.2.1 2026-03-14 13:00:00 200"
    assert one("%h %{%F %T}t %>s", line, source_timezone="Europe/Berlin")["time"] == NOON
    assert compile_log_format("%h %{%F %T}t").has_local_time
    assert not compile_log_format(COMBINED).has_local_time


@pytest.mark.parametrize("form", ["%{%d/%m/%y %T}t", "%{%D %T}t", "%{%x %X}t", "%{%g-%V-%u %T}t"])
def test_years_of_two_digits_are_refused(form):
    with pytest.raises(UsageError, match="two digits"):
        compile_log_format(f"%h {form}")


@pytest.mark.parametrize("text", ["2026-02-30 12:00:00", "2026-13-01 12:00:00", "1989-01-01 00:00:00"])
def test_impossible_times_are_problems_of_a_record(text):
    row = one("%h %{%F %T}t", f"192.0.2.1 {text}")
    assert PROBLEMS[row["problem"]] is LineReason.IMPOSSIBLE_TIME
    assert "time" not in row


def test_times_that_tell_no_second_are_none():
    known = compile_log_format("%h %{%H:%M}t %>s")
    assert "time" not in known.fields
    assert one("%h %{%H:%M}t %>s", "192.0.2.1 12:00 200")["status"] == 200


@pytest.mark.parametrize(
    "pasted",
    [
        COMBINED,
        f'"{COMBINED}"',
        f'LogFormat "{COMBINED}" combined',
        f"  LogFormat '{COMBINED}' combined",
        f'CustomLog "|/bin/rotatelogs log.%Y" "{COMBINED}" env=!dontlog',
        COMBINED.replace("\\", ""),
    ],
)
def test_ways_to_paste(pasted):
    row = one(pasted, '192.0.2.1 - - [14/Mar/2026:12:00:00 +0000] "GET /x HTTP/1.1" 200 5 "-" "agent"')
    assert (row["time"], row["target"], row["user_agent"]) == (NOON, "/x", "agent")


def test_a_nickname_is_no_format():
    with pytest.raises(UsageError, match="LogFormat"):
        compile_log_format("CustomLog logs/access_log combined")


@pytest.mark.parametrize("bad", ["%h %", "%h %{x}a", "%h %x", "%h %{Referer", "%h %^zz", "%h %{%Q}t"])
def test_malformed_directives_are_refused_by_place(bad):
    with pytest.raises(UsageError, match="character"):
        compile_log_format(bad)


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (' 200 5 "https://www.example.com/" "x" 99', ("https://www.example.com/", "x", 99)),
        (' 200 5 "-" "x"', (None, "x", None)),
        (' 200 5 "-"', (None, None, None)),
        (" 200 5", (None, None, None)),
        (' 200 5 "-" "cut off', (None, "cut off", None)),
        (' 200 5 "https://www.exa', ("https://www.exa", None, None)),
        (' 200 5 "-" "a "b" c" 99', (None, 'a "b" c', 99)),
        (' 200 5 "-" "x" 99 more "text"', (None, "x", 99)),
    ],
)
def test_values_may_be_missing_from_the_end(end, expected):
    line = f'192.0.2.1 - - [14/Mar/2026:12:00:00 +0000] "GET /x HTTP/1.1"{end}'
    row = one(COMBINED + " %D", line)
    assert row["time"] == NOON
    assert (row.get("referrer"), row.get("user_agent"), row.get("duration")) == expected
