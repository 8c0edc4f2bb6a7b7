"""The compiled part gives what plain Python gives, for any bytes."""

import json
import math
import re

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from logscrub.formats import json_plain
from logscrub.formats.json_fields import FieldMap
from logscrub.formats.json_values import JsonObject, resolve
from logscrub.native.counting import Rows, count_cells
from logscrub.native.lines import Number, count_byte, marked_lines, places_of, split_lines

SOME_BYTES = st.binary(max_size=400)
LINE = st.text(alphabet='ab "é=%\\]+&1-9', max_size=80)
TEXT = st.lists(LINE, max_size=30).map("\n".join)


@given(SOME_BYTES, st.binary(min_size=1, max_size=1))
def test_places_of_a_byte(data: bytes, byte: bytes) -> None:
    found = [at for at in range(len(data)) if data[at : at + 1] == byte]
    assert places_of(data, byte).tolist() == found
    assert count_byte(data, byte) == len(found)


def may_hold_a_name(line: bytes, before: bytes, tails: set[int]) -> bool:
    """What `marked_lines` says of one line that stands behind others."""
    data = before + line
    for at in range(len(before), len(data)):
        if data[at : at + 1] == b"\\":
            return True
        if data[at : at + 1] != b"=" or at < 5:
            continue
        tail = int.from_bytes(bytes(byte | 0x20 for byte in data[at - 3 : at]), "big")
        if tail in tails or data[at - 1] in b"]+ " or b"%" in data[at - 5 : at - 2]:
            return True
    return False


@given(TEXT, st.sets(st.sampled_from(["aba", "bab", "1-9", "a9b"])))
def test_lines_that_may_hold_a_name(text: str, names: set[str]) -> None:
    data = text.encode()
    tails = {int.from_bytes(bytes(byte | 0x20 for byte in name.encode()), "big") for name in names}
    expected, begin = [], 0
    for line in re.findall(rb"[^\n]*\n|[^\n]+\Z", data):
        if may_hold_a_name(line, data[:begin], tails):
            expected.append((begin, begin + len(line)))
        begin += len(line)
    begins, ends = marked_lines(data, np.array(sorted(tails), np.uint32))
    # A percent sign in the last two bytes is no encoded character, and finds more lines.
    found = set(zip(begins.tolist(), ends.tolist(), strict=True))
    assert found >= set(expected)
    assert all(b"=" in data[begin:end] or b"\\" in data[begin:end] for begin, end in found)


NUMBERS = re.compile(r" (\d{1,4}|-) (-?\d{1,18}|-)x\Z")


def as_row(line: str, tail: int) -> tuple[str, str, str, int, int] | None:
    parts = line.split('"')
    if len(parts) != 3:
        return None
    head = parts[0].encode()
    numbers = NUMBERS.match(parts[2])
    if len(head) < tail or numbers is None:
        return None
    cut = head[len(head) - tail :]
    if tail and cut[0] & 0xC0 == 0x80:
        return None
    status, size = (0 if text == "-" else int(text) for text in numbers.groups())
    return head[: len(head) - tail].decode(), cut.decode(), parts[1], status, size


LOG_LINE = st.one_of(
    LINE,
    st.builds(
        '{}"{}" {} {}x'.format,
        st.text(alphabet="aé b", max_size=6),
        st.sampled_from(["", "GET /", "é", "GET /b"]),
        st.sampled_from(["200", "-", "12345", "1", "-1", ""]),
        st.sampled_from(["17", "-", "-5", "9" * 18, "9" * 19, "x"]),
    ),
)


@settings(max_examples=300)
@given(st.lists(LOG_LINE, max_size=40), st.sampled_from([0, 1, 2, 3]), st.booleans())
def test_lines_are_cut_at_quotes(lines: list[str], tail: int, ended: bool) -> None:
    lines = [line.replace("\n", " ") for line in lines]
    text = "\n".join(lines) + "\n" * (ended and bool(lines))
    if lines and not ended and not lines[-1]:
        lines = lines[:-1]  # nothing stands behind the last newline
    template = (b" ", Number(4), b" ", Number(18, may_be_negative=True), b"x")
    found = split_lines(text.encode(), len(lines), [(), (), template], tail)
    expected = [as_row(line, tail) for line in lines]
    assert found.fits.tolist() == [row is not None for row in expected]
    rows = [row for row in expected if row is not None]
    head, request, numbers = found.columns
    assert numbers is None
    assert head is not None
    assert request is not None
    cut = found.tail.to_pylist() if found.tail is not None else [""] * len(rows)
    columns = [head.to_pylist(), cut, request.to_pylist(), *(kind.tolist() for kind in found.numbers)]
    assert [tuple(row) for row in zip(*columns, strict=True)] == rows
    starts = np.cumsum([0, *(len(line.encode()) + 1 for line in lines)])[: len(lines)]
    assert found.starts.tolist() == starts.tolist()


MAP = FieldMap(
    (
        ("time", "time"),
        ("address", "ip"),
        ("status", "http.status"),
        ("user_agent", "headers.agent[0]"),
        ("device_id", "device"),
        ("child", "child"),
        ("age", "user.age"),
    )
)
KEYS = st.sampled_from(
    ["time", "ip", "http", "status", "http.status", "headers", "agent", "device", "child", "user", "age", "x"]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**16), 10**16),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, -1, 7, 0.5, -0.0, 1e15, 200]),
    st.text(alphabet='aé"\\\n\t/', max_size=5),
    st.sampled_from(["true", "13", "", "-"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=8,
)
OBJECTS = st.lists(st.tuples(KEYS, VALUES), max_size=8)


def written(pairs: list[tuple[str, object]]) -> str:
    """An object whose keys may repeat."""
    inner = (f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in pairs)
    return "{" + ", ".join(inner) + "}"


@settings(max_examples=400)
@given(st.lists(st.one_of(OBJECTS.map(written), LINE), min_size=1, max_size=12))
def test_plain_json_lines_have_the_values_of_the_others(lines: list[str]) -> None:
    data = "\n".join(lines).replace("\n\n", "\n \n").encode()
    raw = data.split(b"\n")
    ends = np.cumsum([len(line) + 1 for line in raw])
    begins = np.append(0, ends[:-1])
    fits, cells = json_plain.read_plain(data + b"\n", begins, ends, MAP.slots)
    plain = [line for line, fit in zip(raw, fits, strict=True) if fit]
    expected = []
    for line in plain:
        value = json.loads(line, object_pairs_hook=JsonObject.of_pairs)
        assert isinstance(value, JsonObject)
        *values, doubt = resolve(value, MAP.slots)
        assert doubt is None
        expected.append(values)
    for at, slot in enumerate(MAP.slots):
        if not plain:
            break
        texts, numbers = cells[at].text.to_pylist(), cells[at].number.to_pylist()
        for row, values in enumerate(expected):
            given_value = numbers[row] if texts[row] is None else texts[row]
            assert given_value == values[at], slot
            if isinstance(given_value, float) and given_value == 0:
                assert math.copysign(1, given_value) == math.copysign(1, float(values[at]))


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 9), st.integers(0, 2)), max_size=60
    ),
    st.integers(1, 4),
    st.sets(st.integers(0, 5)),
)
def test_cells_are_counted(rows: list[tuple[int, int, int, int]], k: int, folding: set[int]) -> None:
    # A visitor has one support unit, here its number halved; rows of a unit, and of a visitor, are together.
    rows = sorted(rows, key=lambda row: row[1])
    cell, visitor, first, second = (list(column) for column in zip(*rows, strict=True)) if rows else ([],) * 4
    unit = [0, 0, 1, 1]
    folds = np.array([number in folding for number in range(6)])
    counted = count_cells(
        Rows(
            np.array(cell, np.int32),
            np.array(visitor, np.int32),
            np.array(unit, np.int32),
            [np.array(first, np.int64), np.array(second, np.int64)],
        ),
        folds,
        k=k,
        no_bucket=-1,
    )
    listed = set()
    for at in range(6):
        here = [row for row in rows if row[0] == at]
        assert counted.sums[at].tolist() == [sum(row[2] for row in here), sum(row[3] for row in here)]
        assert counted.visitors[at] == len({row[1] for row in here})
        backing = [{unit[row[1]] for row in here if row[measure]} for measure in (2, 3)]
        assert counted.counts[at].tolist() == [len(units) for units in backing]
        short = [bit for bit, units in enumerate(backing) if len(units) < k]
        for one in (0, 1):
            mask = sum(1 << bit for bit in short if one in backing[bit])
            listed |= {(at, one, mask)} if mask else set()
    for measure in (2, 3):
        units = {unit[row[1]] for row in rows if row[measure] and row[0] in folding}
        assert counted.support[measure - 2] == len(units)
    named = zip(counted.listed.cell, counted.listed.unit, counted.listed.mask, strict=True)
    assert {tuple(int(part) for part in one) for one in named} == listed
    assert len(counted.listed.cell) == len(listed)


@given(st.lists(st.text(max_size=30), max_size=50))
def test_distinct_values_of_a_column(values: list[str]) -> None:
    values = [re.sub('["\n]', "", value) for value in values]
    text = "".join(f'{value}"{value}\n' for value in values)
    column = split_lines(text.encode(), len(values), [(), ()], 0).columns[1]
    assert isinstance(column, pa.DictionaryArray)
    assert column.to_pylist() == values
    assert column.dictionary.to_pylist() == list(dict.fromkeys(values))
