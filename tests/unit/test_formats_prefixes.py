import json

import pytest

from logscrub.errors import UsageError
from logscrub.formats.prefixes import PREFIX_BY_NAME, strip
from logscrub.formats.registry import FORMATS, forced_format, format_by_name
from logscrub.text.blocks import Block

LINE = '192.0.2.1 - - [14/Mar/2026:12:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "Mozilla/5.0"'
OBJECT = '{"time": "2026-03-14T12:00:00Z", "path": "/"}'


def stripped(prefix, *lines):
    block = strip(Block("".join(line + "\n" for line in lines).encode(), 7), PREFIX_BY_NAME[prefix])
    assert block.offset == 7
    return bytes(block.data).decode().removesuffix("\n").split("\n")


@pytest.mark.parametrize("inner", [LINE, OBJECT, "www.example.com:80 " + LINE, ""])
@pytest.mark.parametrize(
    ("prefix", "before"),
    [
        ("syslog", "Mar 14 12:00:00 web1 nginx[123]: "),
        ("syslog", "<190>Mar  4 12:00:00 web1 nginx: "),
        ("syslog", "<190>Mar 14 12:00:00 nginx: "),
        ("syslog", "<190>Mar 14 12:00:00 2001:db8::1 docker/web_1[9]: "),
        ("syslog", "2026-03-14T12:00:00.123+01:00 web1 nginx: "),
        ("syslog", "2026-03-14T12:00:00Z web1 httpd[1]:  "),
        ("syslog", "Mar 14 12:00:00 web1 app[1]: @cee: "),
        ("syslog", "<134>1 2026-03-14T12:00:00Z web1 nginx 12 access - "),
        ("syslog", '<134>1 2026-03-14T12:00:00.1+01:00 web1 nginx - - [a@1 k="v"] '),
        ("syslog", r'<134>1 - - - - - [a@1 k="\"]x" l="]"][b] '),
        ("syslog", "<134>1 2026-03-14T12:00:00Z web1 nginx 12 access - \ufeff"),
        ("cri", "2026-03-14T12:00:00.123456789Z stdout F "),
        ("cri", "2026-03-14T12:00:00.123456789+01:00 stderr F "),
        ("compose", "web-1  | "),
        ("compose", "\x1b[36mweb_1 | \x1b[0m"),
    ],
)
def test_a_prefix_is_taken_off(prefix, before, inner):
    assert stripped(prefix, before + inner, inner) == [inner, inner]


@pytest.mark.parametrize("prefix", PREFIX_BY_NAME)
@pytest.mark.parametrize(
    "line",
    [
        LINE,
        OBJECT,
        "",
        " ",
        "\r",
        "2026-03-14T12:00:00.123456789Z stdout P 192.0.2.1 - - [14/M",
        "Mar 14 12:00:00 web1 {",
        '{"log": 1}',
        '{"log":"a',
        '{"log":"a"} b',
        "a|b",
    ],
)
def test_a_line_without_the_prefix_stays(prefix, line):
    assert stripped(prefix, line) == [line]


def test_docker_values_are_unescaped_and_stay_one_line():
    values = [LINE + "\n", 'é"\\\u0001\n', "two\nlines\n", "\ud83d\ude00 \n", "", "\r\n", "no newline"]
    wrapped = [
        json.dumps({"log": value, "stream": "stdout", "time": "2026-03-14T12:00:00Z"}) for value in values
    ]
    expected = [LINE, 'é"\\\u0001', "two lines", "😀 ", "", "", "no newline"]
    assert stripped("docker", *wrapped) == expected
    compact = [line.replace('", "', '","').replace('": "', '":"') for line in wrapped]
    assert stripped("docker", *compact) == expected
    other = r'{"log":"\ud800x","attrs":{"tag":"a"},"time":""}'
    assert stripped("docker", other, '{"log":"\\q"}', *compact) == ["\ufffdx", '{"log":"\\q"}', *expected]
    assert stripped("docker", '{"log":"a","attrs":{"tag":"a","b":"c"},"time":""}\r') == ["a"]


def test_a_record_keeps_its_line():
    known = format_by_name("cri:combined")
    lines = ["", "x", f"2026-03-14T12:00:00Z stdout F {LINE}", LINE]
    parsed = known.parse(Block("\n".join(lines).encode(), 0))
    assert parsed.records.column("line").to_pylist() == [2, 3]
    assert (parsed.rejected.tolist(), parsed.blank, parsed.lines) == ([1], 1, 4)
    assert known.fields == format_by_name("combined").fields
    assert "signals" in format_by_name("docker:json_events").fields


def test_invalid_utf8_and_empty_blocks_are_borne():
    known = format_by_name("syslog:common")
    block = Block(b"\xff Mar 14\nMar 14 12:00:00 web1 \xff: " + LINE.encode(), 0)
    assert known.parse(block).lines == 2
    assert known.parse(Block(b"", 0)).lines == 0


def test_names_are_told_where_one_is_wrong():
    for name in ("nothing", "syslog:nothing", "nothing:combined", "combined+", "", "syslog:"):
        with pytest.raises(UsageError, match=r"combined.*syslog:, cri:, docker:, compose:"):
            forced_format(name)
    assert forced_format(" syslog:combined+common+common ") == "syslog:combined+common"
    for known in FORMATS:
        assert format_by_name(known.name).name == forced_format(known.name) == known.name
        assert forced_format(f"cri:{known.name}") == f"cri:{known.name}"


def test_formats_of_local_times_take_the_zone():
    for known in FORMATS:
        if hasattr(known, "source_timezone"):
            assert format_by_name(f"cri:{known.name}", "Europe/Paris").inner.source_timezone == "Europe/Paris"
