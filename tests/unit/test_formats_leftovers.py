"""What formats cost: keys that no line has, and columns that no line can carry."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logscrub.formats.json_fields import parse_field_map
from logscrub.formats.json_lines import JsonFormat
from logscrub.formats.json_types import Keys, tree
from logscrub.text.blocks import Block
from tests.support import Run, combined_line

MAP = parse_field_map("time=ts url=url child=user.is_child child=minor device_id=device.id")
_PLAIN = '{"ts":"2026-03-14T12:00:00Z","url":"https://www.example.com/"}'
_KEYS = ["ts", "url", "user", "user.is_child", "is_child", "minor", "device", "device.id", "id", "other"]


@given(
    st.lists(st.tuples(st.sampled_from(_KEYS), st.sampled_from(["", " ", "\t \r"])), max_size=12),
    st.lists(st.sampled_from(_KEYS), max_size=2),
    st.sampled_from(["", '{"other":":"}\n']),
)
def test_the_absent_keys_are_those_that_end_no_key_of_a_line(
    keys: list[tuple[str, str]], seen: list[str], before: str
) -> None:
    data = before + "{" + ",".join(f'"{key}"{blank}:"ts"' for key, blank in keys) + "}"
    found = Keys(memoryview(data.encode()), tree(MAP.slots), [f"/a/{key}" for key in seen])
    for key in set(_KEYS) - {"other"}:
        ends_one = any(f'"{there}'.endswith(f'"{key}'[-8:]) for there, _ in keys)
        assert found.may_hold(key) == (ends_one or key in seen)


@pytest.mark.parametrize(
    ("line", "child"),
    [
        ('{"ts":1773489600,"url":"/a","user":{"is_child":true}}', "true"),
        ('{"ts":1773489600,"url":"/a","user.is_child":true}', "true"),
        (r'{"ts":1773489600,"url":"/a","user\u002eis_child":true}', "true"),
        (r'{"ts":1773489600,"url":"/a","user":{"is\u005fchild":true}}', "true"),
        ('{"ts":1773489600,"url":"/a","minor" : true}', "true"),
        ('{"ts":1773489600,"url":"/a","minors":true}', None),
        ('{"ts":1773489600,"url":"/a","user":{"name":"example"}}', None),
    ],
)
def test_a_key_of_one_line_in_thousands_is_found(line: str, child: str | None) -> None:
    data = "\n".join(
        [_PLAIN] * 3000 + [line.replace("1773489600", '"2026-03-14T12:00:00Z"')] + [_PLAIN] * 3000
    )
    read = JsonFormat("x", MAP).parse(Block(data.encode(), 0))
    assert len(read.rejected) == 0
    assert read.records.column("signals")[3000].as_py() == (child and f"child={child}")
    assert read.records.column("signals").null_count == 6001 - (child is not None)


def costs_told(err: str) -> list[str]:
    return [line for line in err.splitlines() if ": without a" in line]


def test_a_run_tells_once_what_a_pasted_format_costs(logscrub: Run, tmp_path: Path) -> None:
    line = '[14/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1" 200\n'
    (tmp_path / "a.log").write_text(line * 20)
    (tmp_path / "b.log").write_text(line * 30)
    ended = logscrub("run", "a.log", "b.log", "-o", "out", "--log-format", '[$time_local] "$request" $status')
    assert [told[:45] for told in costs_told(ended.err)] == [
        "warning: your log_format: without an address ",
        "warning: your log_format: without a user agen",
    ]


def test_a_usual_format_without_user_agents_is_not_warned_of(logscrub: Run, tmp_path: Path) -> None:
    line = '203.0.113.9 - - [14/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5\n'
    (tmp_path / "a.log").write_text(line * 20)
    assert costs_told(logscrub("run", "a.log", "-o", "out").err) == []


def test_a_whole_pasted_format_costs_nothing(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(combined_line() * 20)
    pasted = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'
    assert costs_told(logscrub("run", "a.log", "-o", "out", "--log-format", pasted).err) == []
