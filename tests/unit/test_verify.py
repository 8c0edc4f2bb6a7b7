import functools
import hashlib
import io
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from logscrub import cli
from logscrub.config import Settings
from logscrub.release.manifest import manifest_path
from logscrub.release.parquet import read_rows, table_path, write_rows
from logscrub.release.store import MemoryStore
from logscrub.release.verify import released_days, verify
from logscrub.schemas import table_schemas
from tests.support import AGENTS, combined_line, run_engine

DAY = "2026-03-14"
MANIFEST = manifest_path(DAY)
K = 3
Files = dict[str, bytes]


@functools.cache
def release() -> Files:
    """A release with several rows in most tables."""
    lines = []
    for network in range(12):
        for agent in AGENTS:
            for path, status in (("/", 200), (f"/shop/{'abc'[network % 3]}", 200), ("/gone", 404)):
                time = f"14/Mar/2026:{10 + network % 3}:{network:02}:00 +0000"
                lines.append(
                    combined_line(f"198.51.{network}.7", time, f"GET {path} HTTP/1.1", status, agent=agent)
                )
    files, _ = run_engine({"a.log": b"".join(lines)}, Settings(min_support=K))
    return files


def problems(files: Files) -> list[str]:
    store = MemoryStore()
    store.files = files
    return list(verify(store))


def mended(files: Files, table: str, data: bytes, rows: int | None = None) -> Files:
    """The release with another file of a table, its hash and rows set right in the manifest."""
    manifest = json.loads(files[MANIFEST])
    entry = manifest["files"][table]
    entry["sha256"] = hashlib.sha256(data).hexdigest()
    entry["rows"] = entry["rows"] if rows is None else rows
    return files | {table_path(table, DAY): data, MANIFEST: json.dumps(manifest).encode()}


def with_rows(table: str, change: Callable[[list[dict[str, Any]]], object]) -> list[str]:
    """Problems after a change of the rows of a table, with everything else mended."""
    files = release()
    rows = read_rows(files[table_path(table, DAY)], table).to_pylist()
    change(rows)
    changed = pa.Table.from_pylist(rows, schema=table_schemas()[table].arrow())
    return problems(mended(files, table, write_rows(changed), len(rows)))


def with_manifest(change: Callable[[dict[str, Any]], object]) -> list[str]:
    manifest = json.loads(release()[MANIFEST])
    change(manifest)
    return problems(release() | {MANIFEST: json.dumps(manifest).encode()})


def one(found: list[str]) -> str:
    assert len(found) == 1, found
    return found[0]


def test_an_intact_release_holds_and_has_something_to_check() -> None:
    assert problems(release()) == []
    store = MemoryStore()
    store.files = release()
    assert released_days(store) == [DAY]
    for table in ("responses", "pages", "browsers", "hours"):
        assert read_rows(release()[table_path(table, DAY)], table).num_rows > 1
    assert problems({}) == []


@pytest.mark.parametrize("table", table_schemas())
def test_a_changed_file_is_told(table: str) -> None:
    path = table_path(table, DAY)
    data = release()[path]
    damaged = data[:50] + bytes([data[50] ^ 1]) + data[51:]
    told = one(problems(release() | {path: damaged}))
    assert told == f"{DAY}: {table}: the file is not the one that the manifest names"


@pytest.mark.parametrize("table", table_schemas())
def test_a_missing_file_is_told(table: str) -> None:
    files = {path: data for path, data in release().items() if path != table_path(table, DAY)}
    assert one(problems(files)) == f"{DAY}: {table}: the file is missing"


@pytest.mark.parametrize(
    "path",
    [
        "secret.csv",
        "days/date=2026-03-13/part-0.parquet",
        f"days/date={DAY}/part-1.parquet",
        "_manifest/x.json",
    ],
)
def test_a_file_too_many_is_told(path: str) -> None:
    assert path in one(problems(release() | {path: b"x"}))


def test_tables_without_a_manifest_are_told() -> None:
    files = {path: data for path, data in release().items() if path != MANIFEST}
    assert len(problems(files)) == len(table_schemas())


@pytest.mark.parametrize("table", ["responses", "pages", "browsers", "hours", "entries", "days"])
def test_a_changed_figure_breaks_the_sums_even_with_the_hash_mended(table: str) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        measure = "hits" if "hits" in rows[0] else "page_views" if "page_views" in rows[0] else "visits"
        rows[0][measure] += 1

    assert any("do not add up" in told for told in with_rows(table, change))


@pytest.mark.parametrize("table", ["responses", "pages", "hours"])
def test_a_row_left_out_breaks_the_sums(table: str) -> None:
    assert any("do not add up" in told for told in with_rows(table, lambda rows: rows.pop()))


def test_a_figure_under_k_is_told() -> None:
    found = with_rows("responses", lambda rows: rows[0].update(hits=K - 1))
    assert any(f"hits: a figure rests on fewer than {K}" in told for told in found)
    found = with_rows("pages", lambda rows: rows[0].update(visitors=1))
    assert any("visitors: a figure rests" in told for told in found)


def test_a_negative_figure_is_told() -> None:
    assert any("negative" in told for told in with_rows("responses", lambda rows: rows[0].update(bytes=-5)))


@pytest.mark.parametrize(
    ("medium", "source", "told"),
    [
        ("search", "Google", None),
        ("email", "(unknown)", None),
        ("referral", "example.org", None),
        ("search", "Facebook", "source: 1 values are not in the vocabulary"),
        ("social", "example.org", "source: 1 values are not in the vocabulary"),
        ("referral", "Google", "source: a value does not have the form of the column"),
        ("direct", "Anna Smith", "source: a value does not have the form of the column"),
        ("mail", "(other)", "medium: 1 values are not in the vocabulary"),
    ],
)
def test_the_medium_says_which_sources_there_may_be(medium: str, source: str, told: str | None) -> None:
    found = with_rows("referrers", lambda rows: rows[0].update(medium=medium, source=source))
    assert [problem.partition("referrers: ")[2] for problem in found] == ([told] if told else [])


def test_a_value_outside_the_vocabulary_is_told_and_not_quoted() -> None:
    found = with_rows("browsers", lambda rows: rows[0].update(browser="Secretbrowser"))
    assert any("browser: 1 values are not in the vocabulary" in told for told in found)
    assert "Secretbrowser" not in str(found)


@pytest.mark.parametrize(
    ("value", "detector"),
    [("/u/jo@example.com", "email"), ("/a/198.51.100.7", "address"), ("/a/4111111111111111", "")],
)
def test_personal_data_in_a_path_is_told_and_not_quoted(value: str, detector: str) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[-1]["path"] = value
        rows.sort(key=lambda row: (row["host"], row["path"]))

    found = with_rows("pages", change)
    assert any("looks like personal data" in told and detector in told for told in found)
    assert value not in str(found)


def test_unsorted_and_repeated_rows_are_told() -> None:
    assert "not sorted" in str(with_rows("pages", lambda rows: rows.reverse()))
    assert "twice" in str(with_rows("pages", lambda rows: rows.insert(0, rows[0])))
    assert "twice" in str(with_rows("days", lambda rows: rows.append(rows[0])))


def test_numbers_out_of_range_are_told() -> None:
    assert "hour: a value is outside" in str(with_rows("hours", lambda rows: rows[-1].update(hour=24)))
    assert "status: a value is outside" in str(
        with_rows("responses", lambda rows: rows[-1].update(status=999))
    )


def written(rows: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(rows, sink, **{"compression": "zstd", "use_dictionary": False} | options)
    return sink.getvalue()


def test_a_wrong_schema_is_told() -> None:
    rows = read_rows(release()[table_path("pages", DAY)], "pages")
    wrong = {
        "column too many": rows.append_column("address", pa.array(["198.51.100.7"] * rows.num_rows)),
        "column too few": rows.drop_columns(["visitors"]),
        "other type": rows.set_column(2, "page_views", pc.cast(rows["page_views"], pa.int32())),
        "other order": rows.select(["path", "host", "page_views", "visitors"]),
        "no metadata": rows.cast(pa.schema([pa.field(f.name, f.type, f.nullable) for f in rows.schema])),
        "file metadata": rows.replace_schema_metadata({"note": "198.51.100.7"}),
        "dictionary column": rows.set_column(1, rows.schema.field("path"), rows["path"]).cast(
            pa.schema(
                [
                    f.with_type(pa.dictionary(pa.int32(), pa.string())) if f.name == "path" else f
                    for f in rows.schema
                ]
            )
        ),
    }
    for name, changed in wrong.items():
        found = problems(mended(release(), "pages", written(changed)))
        assert one(found) == f"{DAY}: pages: not a Parquet file of this table's schema", name


def test_dictionary_pages_are_told() -> None:
    rows = read_rows(release()[table_path("pages", DAY)], "pages")
    found = problems(mended(release(), "pages", written(rows, use_dictionary=True)))
    assert "dictionary pages" in one(found)
    assert problems(mended(release(), "pages", written(rows))) == []


@pytest.mark.parametrize("data", [b"", b"PAR1", b"hello", b"PAR1" + bytes(100) + b"PAR1"])
def test_what_is_no_parquet_file_is_told(data: bytes) -> None:
    assert "not a Parquet file" in one(problems(mended(release(), "days", data)))


def test_text_that_is_not_utf8_is_told() -> None:
    data = release()[table_path("referrers", DAY)]
    rows = read_rows(data, "referrers")
    offsets = pa.py_buffer(bytes([0, 0, 0, 0, 2, 0, 0, 0]))
    broken = pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(b"\xff\xfe")])
    changed = rows.slice(0, 1).set_column(1, rows.schema.field(1), broken)
    assert problems(mended(release(), "referrers", written(changed), 1))


def test_damage_with_the_hash_mended_is_never_a_crash() -> None:
    draw = random.Random(7)
    for _ in range(60):
        table = draw.choice(list(table_schemas()))
        data = bytearray(release()[table_path(table, DAY)])
        for _ in range(draw.choice([1, 1, 5])):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        problems(mended(release(), table, bytes(data)))


def test_a_wrong_number_of_rows_is_told() -> None:
    assert "number of rows" in one(with_manifest(lambda m: m["files"]["pages"].update(rows=1)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b'{"files": {}}',
        b'{"schema_version": 99, "files": {}}',
        b"[" * 100_000,
    ],
)
def test_a_manifest_that_cannot_be_read_is_told(data: bytes) -> None:
    assert one(problems(release() | {MANIFEST: data})) == f"{DAY}: the manifest cannot be read"


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(date="2026-03-15"),
        lambda m: m["files"].pop("days"),
        lambda m: m["files"].update(extra=m["files"]["days"]),
        lambda m: m["files"].update(days=[]),
        lambda m: m["files"].update(days=None),
        lambda m: m["files"]["days"].pop("sha256"),
        lambda m: m["files"]["days"].update(path="../../etc/passwd"),
        lambda m: m.update(parameters=[]),
        lambda m: m.pop("parameters"),
        lambda m: m["parameters"].update(min_support=1),
        lambda m: m["parameters"].update(min_support=True),
        lambda m: m["parameters"].update(min_support="10"),
        lambda m: m["parameters"].update(min_support=2**80),
        lambda m: m.update(shareable=True),
        lambda m: m.update(profile="third-party"),
    ],
)
def test_a_manifest_that_says_something_wrong_is_told(change: Callable[[dict[str, Any]], object]) -> None:
    assert DAY in one(with_manifest(change))


def run_verify(folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["logscrub", "verify", str(folder)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def write(folder: Path, files: Files) -> None:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def test_the_command_passes_an_intact_release_and_fails_a_changed_one_with_4(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, release())
    assert run_verify(tmp_path, monkeypatch) == 0
    assert "1 released day, every check holds" in capfd.readouterr().out
    (tmp_path / "notes.txt").write_text("secret")
    assert run_verify(tmp_path, monkeypatch) == 4
    said = capfd.readouterr()
    assert said.err == "failed: notes.txt: is no part of a release (1 in all): keep other files elsewhere\n"
    assert not said.out


def test_a_folder_in_the_place_of_a_file_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, release())
    (tmp_path / table_path("days", DAY)).unlink()
    (tmp_path / table_path("days", DAY)).mkdir()
    assert run_verify(tmp_path, monkeypatch) == 4
    assert "days: the file cannot be read" in capfd.readouterr().err


def test_what_is_no_release_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_verify(tmp_path, monkeypatch) == 2
    assert "there is no release in it" in capfd.readouterr().err
    assert run_verify(tmp_path / "nowhere", monkeypatch) == 2
    assert "there is no such folder" in capfd.readouterr().err
    (tmp_path / "file").write_text("")
    assert run_verify(tmp_path / "file", monkeypatch) == 2
