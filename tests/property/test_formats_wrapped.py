"""A line means the same behind a prefix and among foreign lines."""

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logscrub.formats.prefixes import PREFIX_BY_NAME
from logscrub.formats.registry import FORMATS, format_by_name
from logscrub.text.blocks import Block

TIME = "14/Mar/2026:12:00:00 +0000"
W3C_HEAD = "#Fields: date time c-ip cs-method cs-uri-stem sc-status"
LINES = st.sampled_from(
    [
        f'192.0.2.1 - - [{TIME}] "GET /a?b=c HTTP/1.1" 200 5',
        f'2001:db8::1 - frank [{TIME}] "POST /é HTTP/1.1" 404 - "http://example.com/" "x (\\"x\\")"',
        f'www.example.com:443 192.0.2.1 - - [{TIME}] "\\x16\\x03" 400 0 "-" "-"',
        f'192.0.2.1 - - [{TIME}] "GET /a HTTP/1.1" 200 5 "-" "Mozilla/5.0 | x: y',
        json.dumps({"time": "2026-03-14T12:00:00Z", "path": "/", "child": True, "user_id": "é\\"}),
        json.dumps({"path": "/a: b | c", "age": 9}),
        json.dumps({"time_iso8601": "2026-03-14T12:00:00Z", "remote_addr": "192.0.2.1", "request": "GET /"}),
        json.dumps({"ts": 1773489600.5, "request": {"remote_ip": "192.0.2.1", "uri": "/"}, "status": 200}),
        "2026-03-14 12:00:00 192.0.2.1 GET /w3c 200",
        "dear diary",
        "{",
        " ",
        "",
        '"',
    ]
)  # fmt: skip
FOREIGN = st.sampled_from(
    ["", "x", "{}", "[1]", '{"a":', "Mar 14 12:00:00 web1 sshd[1]: no", '"""""', "\ufeff", "a  | b", "\r"]
)
ISO = "2026-03-14T12:00:00.123456789Z"


def docker(line):
    return json.dumps(
        {"log": line + "\n", "stream": "stdout", "time": ISO}, separators=(",", ":"), ensure_ascii=False
    )


WRAPPERS = {
    "syslog": [
        lambda line: f"<190>Mar 14 12:00:00 web1 nginx[1]: {line}",
        lambda line: f"2026-03-14T12:00:00.123+01:00 web1 nginx: {line}",
        lambda line: f'<134>1 2026-03-14T12:00:00Z web1 app 12 id [a@1 k="v"] {line}',
    ],
    "cri": [lambda line: f"{ISO} stdout F {line}", lambda line: f"{ISO} stderr F {line}"],
    "docker": [
        docker,
        lambda line: json.dumps({"log": line + "\r\n", "stream": "stdout", "time": ISO}),
        lambda line: json.dumps({"stream": "stdout", "log": line}),
    ],
    "compose": [lambda line: f"web-1  | {line}", lambda line: f"web.a_b | {line}"],
}


WRAPS = [str, *itertools.chain.from_iterable(WRAPPERS.values())]


def rows(known, lines):
    """Rows by line; lines without a record are given as rejected or blank."""
    parsed = known.reader().parse(Block("".join(line + "\n" for line in lines).encode(), 0))
    assert parsed.lines == len(lines) == parsed.records.num_rows + len(parsed.rejected) + parsed.blank
    found = dict.fromkeys(range(len(lines)), "blank") | dict.fromkeys(parsed.rejected.tolist(), "rejected")
    for row in parsed.records.to_pylist():
        line = row.pop("line")
        found[line] = repr(row)
    return [found[at] for at in range(len(lines))]


def test_all_prefixes_are_tested():
    assert set(WRAPPERS) == set(PREFIX_BY_NAME)


@pytest.mark.parametrize("prefix", WRAPPERS)
@pytest.mark.parametrize("known", FORMATS, ids=lambda known: known.name)
def test_a_line_behind_a_prefix_gives_the_same_record(known, prefix):
    @settings(max_examples=6, deadline=None)
    @given(st.lists(st.tuples(LINES, st.sampled_from(WRAPPERS[prefix])), min_size=1, max_size=8))
    def check(drawn):
        head = [W3C_HEAD] if known.has_directives else []
        lines = [*head, *(line.lstrip() for line, _ in drawn)]
        wrap = WRAPPERS[prefix][0]
        wrapped = [*map(wrap, head), *(wrap(line.lstrip()) for line, wrap in drawn)]
        assert rows(format_by_name(f"{prefix}:{known.name}"), wrapped) == rows(known, lines)

    check()


MIXTURES = (
    "common+json_events",
    "json_events+caddy_json+combined",
    "combined+syslog:vhost_combined",
    "docker:json_events+w3c",
    "w3c+combined",
    "cri:nginx_json+compose:common+json_events",
)


@pytest.mark.parametrize(
    "name",
    [*MIXTURES, *(f"{prefix}:{inner}" for prefix in WRAPPERS for inner in ("combined", "json_events"))],
)
def test_foreign_lines_change_no_other_line(name):
    known = format_by_name(name)
    head = [W3C_HEAD] if known.has_directives else []

    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.tuples(LINES, st.sampled_from(WRAPS), FOREIGN), max_size=8))
    def check(drawn):
        lines = [wrap(line) for line, wrap, _ in drawn]
        among = [text for line, (_, _, foreign) in zip(lines, drawn, strict=True) for text in (foreign, line)]
        alone = [rows(known, [*head, line])[-1] for line in lines]
        assert rows(known, [*head, *lines])[len(head) :] == alone
        assert rows(known, [*head, *among])[len(head) + 1 :: 2] == alone

    check()


def tells(row):
    """Whether a record says who asked, or for what: otherwise another format may read more of it."""
    return "'address': None" not in row or "'target': None" not in row


@pytest.mark.parametrize("name", MIXTURES)
def test_a_line_is_of_the_first_format_that_finds_its_time_or_nothing_in_it(name):
    formats = [format_by_name(one) for one in name.split("+")]
    head = [W3C_HEAD]

    @settings(max_examples=30, deadline=None)
    @given(LINES, st.sampled_from(WRAPS))
    def check(line, wrap):
        whole = [*head, wrap(line)]
        alone = [rows(one, whole)[-1] for one in formats]
        settled = [row for row in alone if row != "rejected" and "'time': None" not in row and tells(row)]
        untimed = [row for row in alone if row != "rejected"]
        expected = [*settled, *untimed, "rejected"][0]
        assert rows(format_by_name(name), whole)[-1] == expected

    check()
