"""W3C extended logs: what `#Fields` says, and what lines say under it.

The golden files tell for each line of a sample what became of it; a person reads them. After a change that is
meant, write them again with `python -m tests.unit.test_formats_w3c`.
"""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logscrub.formats.records import Parsed
from logscrub.formats.registry import format_by_name
from logscrub.formats.w3c import W3C
from logscrub.text.blocks import Block

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "w3c"
SAMPLES = ("iis", "cloudfront", "w3c_extended")
LNAV = ROOT.parent / "shared" / "corpora" / "lnav"

HEADER = b"#Fields: date time c-ip cs-method cs-uri-stem sc-status\n"


def parse(data: bytes) -> Parsed:
    return W3C.parse(Block(data, 0))


def told(parsed: Parsed) -> list[dict[str, object] | str]:
    """For each line its record, `rejected`, or `blank`."""
    lines: list[dict[str, object] | str] = ["blank"] * parsed.lines
    for row in parsed.records.to_pylist():
        line = row.pop("line")
        lines[line] = {name: value for name, value in row.items() if value is not None}
    for line in parsed.rejected.tolist():
        lines[line] = "rejected"
    return lines


def golden(name: str) -> str:
    told_lines = told(parse((ROOT / "sample_logs" / "formats" / f"{name}.log").read_bytes()))
    return "\n".join(json.dumps(line, ensure_ascii=False) for line in told_lines) + "\n"


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_read_as_the_golden_file_says(name: str) -> None:
    assert golden(name) == (GOLDEN / f"{name}.jsonl").read_text(encoding="utf-8")


def test_every_line_is_a_record_rejected_or_blank() -> None:
    for name in SAMPLES:
        parsed = parse((ROOT / "sample_logs" / "formats" / f"{name}.log").read_bytes())
        assert parsed.records.num_rows + len(parsed.rejected) + parsed.blank == parsed.lines


def test_a_reader_remembers_fields_from_block_to_block() -> None:
    reader = W3C.reader()
    assert reader.parse(Block(HEADER, 0)).records.num_rows == 0
    assert reader.parse(Block(b"2026-03-14 10:00:00 192.0.2.1 GET /a 200\n", 99)).records.num_rows == 1
    changed = b"#Fields: c-ip date time\n192.0.2.2 2026-03-14 10:00:00\n"
    assert reader.parse(Block(changed, 200)).records.column("address").to_pylist() == ["192.0.2.2"]
    assert reader.parse(Block(b"192.0.2.3 2026-03-14 10:00:00\n", 300)).records.num_rows == 1


def test_lines_before_any_fields_are_rejected() -> None:
    parsed = parse(b"2026-03-14 10:00:00 192.0.2.1 GET /a 200\n" + HEADER)
    assert parsed.rejected.tolist() == [0]
    assert parsed.blank == 1


def test_local_times_are_of_the_source_timezone() -> None:
    lines = b"#Fields: date-local time-local c-ip cs-uri-stem\n2026-07-01 12:00:00 192.0.2.1 /a\n"
    known = format_by_name("w3c", "Europe/Paris")
    assert known.parse(Block(lines, 0)).records.column("time").to_pylist() == [1782900000000]
    utc = lines.replace(b"-local", b"")
    assert known.parse(Block(utc, 0)).records.column("time").to_pylist() == [1782907200000]


def test_the_time_needs_a_date() -> None:
    line = b"12:00:00 192.0.2.1 /a\n"
    lines = b"#Fields: time c-ip cs-uri-stem\n" + line + b"#Date: 2026-03-14 00:00:00\n" + line
    assert parse(lines).records.column("time").to_pylist() == [None, 1773489600000]


values = st.text(st.characters(codec="utf-8", exclude_characters='\n\r\t "#'), min_size=1, max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=60), st.just(b"#Fields: c-ip time\n")), max_size=12))
def test_no_bytes_raise_and_no_line_is_lost(pieces: list[bytes]) -> None:
    for data in (b"".join(pieces), HEADER + b"\n".join(pieces)):
        parsed = parse(data)
        assert parsed.lines == data.count(b"\n") + (bool(data) and not data.endswith(b"\n"))
        assert parsed.records.num_rows + len(parsed.rejected) + parsed.blank == parsed.lines


@settings(max_examples=100, deadline=None)
@given(
    st.tuples(values, values, values),
    st.integers(100, 599),
    st.sampled_from([" ", "\t", "   "]),
    st.booleans(),
)
def test_values_come_back(texts: tuple[str, str, str], status: int, gap: str, quoted: bool) -> None:
    address = texts[0]
    given_values = ["2026-03-14", "10:00:00", *texts, str(status)]
    if quoted:
        given_values = [f'"{value}"' for value in given_values]
    row = parse(HEADER + gap.join(given_values).encode() + b"\n").records.to_pylist()[0]
    assert row["status"] == status
    assert row["address"] == (None if address == "-" else address)
    assert row["time"] == 1773482400000


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from([b"", b"junk", b'"', b"\t\t", b"# note", b"a b c d e f g h", b"\xff\xfe"]), max_size=8
    )
)
def test_a_line_means_the_same_whatever_stands_around_it(foreign: list[bytes]) -> None:
    line = b"2026-03-14 10:00:00 192.0.2.1 GET /a 200"
    alone = told(parse(HEADER + line))[1]
    among = told(parse(HEADER + b"\n".join([*foreign, line, *foreign])))
    assert among[1 + len(foreign)] == alone


@pytest.mark.skipif(not LNAV.is_dir(), reason="the public test logs are not here")
@pytest.mark.parametrize(
    ("name", "records", "rejected"),
    [
        *(("w3c.0", 1, 0), ("w3c.1", 1, 0), ("w3c.2", 14, 0), ("w3c.3", 3, 0), ("w3c.4", 2, 0)),
        ("w3c.5", 0, 1),  # its line has 17 values and its header names 6
        *(("w3c.6", 1, 0), ("w3c_big.0", 210, 0), ("bro_http.log.0", 197, 0)),
    ],
)
def test_public_logs(name: str, records: int, rejected: int) -> None:
    parsed = parse((LNAV / f"logfile_{name}").read_bytes())
    assert (parsed.records.num_rows, len(parsed.rejected)) == (records, rejected)


if __name__ == "__main__":
    for sample in SAMPLES:
        (GOLDEN / f"{sample}.jsonl").write_text(golden(sample), encoding="utf-8")
