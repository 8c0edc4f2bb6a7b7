"""What a line yields depends on this line alone, whichever plan reads it."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logscrub.formats import access, delimited
from logscrub.formats.apache import ACCESS_FORMATS
from logscrub.formats.events import EVENT_MAP
from logscrub.formats.records import RECORDS, merge
from logscrub.formats.registry import FORMATS, format_by_name
from logscrub.text.blocks import Block

TOKENS = [
    "192.0.2.1",
    "2001:db8::1",
    "example.com:80",
    "-",
    "- -",
    "frank",
    "john doe",
    " ",
    "  ",
    '"',
    '""',
    '"-"',
    "\\",
    '\\"',
    "[17/May/2015:10:05:03 +0000]",
    "[31/Feb/2015:25:05:03 -0730]",
    "[17/May/2015]",
    '"GET /a?b=c HTTP/1.1"',
    '"GET /x"',
    '"\\x16\\x03\\x01"',
    "200",
    "5",
    "-7",
    "99999999999999999999",
    '"http://example.com/"',
    '"Mozilla/5.0 (\\"x\\")"',
    '"Mozilla',
    "é",
    "\ufeff",
    "\r",
    "\t",
    "\x00",
    "\x1a",
    '" "',
    '" 200 5 "',
    "HTTP/1.1",
]
TIMES = st.sampled_from(
    ["17/May/2015:10:05:03 +0000", "31/Feb/2015:10:05:03 +0000", "17/May/1985:10:05:60 -0730"]
)
VALUES = st.sampled_from(
    [
        "-",
        "",
        "GET /a HTTP/1.1",
        "GET /a b HTTP/1.0",
        "\\x16\\x03",
        "GET /",
        "POST",
        'a"b',
        'a\\"b',
        'a" "b',
        "x\\",
        "é\\",
    ]
)
LINES = st.one_of(
    st.lists(st.sampled_from(TOKENS), max_size=12).map(" ".join),
    st.lists(st.sampled_from(TOKENS), max_size=12).map("".join),
    st.builds(
        '{}{} {} {} [{}] "{}" {} {}{}'.format,
        st.sampled_from(["", "", "example.com:80 ", "example.com "]),
        st.sampled_from(["192.0.2.1", "-", "2001:db8::1"]),
        st.sampled_from(["-", "ident"]),
        st.sampled_from(["-", "frank", "john doe", "", '""']),
        TIMES,
        VALUES,
        st.sampled_from(["200", "-", "000", "999", "20000"]),
        st.sampled_from(["5", "-", "-7", "9" * 18, "9" * 19]),
        st.one_of(
            st.just(""),
            st.builds(' "{}"'.format, VALUES),
            st.builds(' "{}" "{}"'.format, VALUES, VALUES),
            st.builds(' "{}" "{}'.format, VALUES, VALUES),
            st.builds(' "{}" "{}" "{}"'.format, VALUES, VALUES, VALUES),
        ),
    ),
)

JSON_TEXT = st.sampled_from(
    ["", "-", "a", "12", "12.5", "true", "a\x00b", "é", "x\ty", "2026-01-02T03:04:05.678Z"]
)
JSON_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    JSON_TEXT,
    st.integers(-5, 99),
    st.integers(),
    st.floats(allow_nan=True),
    st.just([1]),
    st.just({"child": True}),
    st.sampled_from([-0.0, 1767323045, 1767323045678, 2**63, 10**400, 1e300, 200, "200"]),
)
RAW_VALUES = st.one_of(
    JSON_VALUES.map(json.dumps),
    st.sampled_from(
        ["-0", "1e3", "1E400", "Inf", "NaN", "01", '"\\ud800"', '"a\\u0062"', "tru", "[" * 3000 + "]" * 3000]
    ),
)
NAMES = st.sampled_from(
    [path for _, path in EVENT_MAP.entries] + ["age", "birth_date", "child", "opt_out", "extra"]
)
EVENTS = st.one_of(
    st.lists(st.builds('"{}": {}'.format, NAMES, RAW_VALUES), max_size=6).map(
        lambda pairs: "{" + ", ".join(pairs) + "}"
    ),
    st.sampled_from(
        [
            "",
            " ",
            "[1]",
            "{",
            "}",
            '{"age":1}{"age":2}',
            '{"age":1}\r{"age":2}',
            '\ufeff{"age":1}',
            ' {"age":5} ',
        ]
    ),
)


def rows(parsed, lines):
    """Rows by line; lines without a record are given as rejected or blank."""
    assert parsed.lines == len(lines) == parsed.records.num_rows + len(parsed.rejected) + parsed.blank
    assert parsed.records.schema == RECORDS
    parsed.records.validate(full=True)
    found = dict.fromkeys(range(len(lines)), "blank") | dict.fromkeys(parsed.rejected.tolist(), "rejected")
    for row in parsed.records.to_pylist():
        line = row.pop("line")
        found[line] = repr(row)
    return [found[at] for at in range(len(lines))]


def block(lines, ending="\n"):
    return Block("".join(line + ending for line in lines).encode(), 0)


@pytest.mark.parametrize("name", [known.name for known in FORMATS])
def test_a_line_alone_and_in_a_block_is_the_same(name):
    known = format_by_name(name)

    @settings(max_examples=120, deadline=None)
    @given(
        st.lists(EVENTS if name == "json_events" else LINES, min_size=1, max_size=8),
        st.sampled_from(["\n", "\r\n"]),
    )
    def check(lines, ending):
        together = rows(known.parse(block(lines, ending)), lines)
        alone = [rows(known.parse(block([line], ending)), [line])[0] for line in lines]
        assert together == alone
        without_newline = Block(block(lines).data.removesuffix(b"\n"), 0)
        if lines[-1]:
            assert rows(known.parse(without_newline), lines) == rows(known.parse(block(lines)), lines)

    check()


@pytest.mark.parametrize("known", ACCESS_FORMATS, ids=lambda known: known.name)
def test_the_pattern_plan_agrees_where_the_delimited_plan_accepts(known):
    @settings(max_examples=150, deadline=None)
    @given(st.lists(LINES, min_size=1, max_size=8))
    def check(lines):
        lines = [line.replace("\r", "") for line in lines]
        split = delimited.split(block(lines).data, known.layout)
        if split.captured is None:
            return
        taken = split.captured.lines
        first = known.parse(block([lines[at] for at in taken])).records.to_pylist()
        matched, rejected = known.match(pa.array([lines[at] for at in taken]), np.arange(len(taken)))
        assert not len(rejected)
        second = merge([access.to_records(part) for part in matched]).to_pylist()
        assert first == second

    check()


@settings(max_examples=250, deadline=None)
@given(st.lists(EVENTS, min_size=1, max_size=6))
def test_arrow_and_line_by_line_agree_on_events(lines):
    known = format_by_name("json_events")
    clean = rows(known.parse(block(lines)), lines)
    poisoned = [*lines, "no json"]  # Arrow refuses the block, so each line is read for itself
    assert rows(known.parse(block(poisoned)), poisoned) == [*clean, "rejected"]


def test_large_blocks_of_events_are_cut_without_a_difference():
    known = format_by_name("json_events")
    lines = [
        json.dumps({"time": 1767323045 + at, "user_id": at, "age": 40.5 if at % 7 else None})
        for at in range(3000)
    ]
    clean = known.parse(block(lines))
    lines[1234] = "no json"
    lines[2999] = '{"time":"2026-01-02T03:04:05Z","user_id":"text"}'
    cut = known.parse(block(lines))
    assert cut.rejected.tolist() == [1234]
    keep = np.setdiff1d(np.arange(3000), [1234, 2999])
    assert (
        cut.records.take(pa.array(range(2998))).to_pylist() == clean.records.take(pa.array(keep)).to_pylist()
    )
    assert cut.records.to_pylist()[-1]["user_id"] == "text"
