"""What standard output says of a run: days, tables, rejects, and what to do next."""

import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from logscrub.cli.summary import aligned, summary, warnings
from logscrub.config import Settings
from logscrub.engine import RunResult
from logscrub.enrich.geography import DatabaseAge
from logscrub.release.day import DayOutcome, DayStatus, PublishRules
from logscrub.schemas import table_schemas
from logscrub.traffic.calendar import day_range
from tests.support import DAY, NOW_MS, combined_line, rows_of, run_engine

SETTINGS = Settings(min_support=2)


def log(days: int = 1, networks: int = 6) -> bytes:
    """Hits of some networks on some days of March, and one network alone with a path of its own."""
    lines = []
    for day in range(days):
        time = f"{14 + day}/Mar/2026:10:00:00 +0000"
        lines += [combined_line(f"198.51.{n}.7", time, f"GET /{n // 3} HTTP/1.1") for n in range(networks)]
        lines.append(combined_line("203.0.113.7", time, "GET /alone HTTP/1.1"))
        lines.append(combined_line("198.51.0.9", time, "GET /0 HTTP/1.1"))
    return b"".join(lines)


def told(result: RunResult, output: str = "out", settings: Settings = SETTINGS) -> list[str]:
    return list(summary(result, output, settings))


def table_of(lines: list[str]) -> dict[str, list[str]]:
    """Rows of the second table of a summary, by their first word."""
    first = next(number for number, line in enumerate(lines) if line.startswith("table "))
    return {line.split()[0]: line.split()[1:] for line in lines[first + 1 : lines.index("", first)]}


def test_figures_are_those_of_the_release() -> None:
    files, result = run_engine({"a.log": log()}, SETTINGS)
    (row,) = rows_of(files, "days", DAY)
    shown = next(line for line in told(result) if line.startswith(DAY)).split()
    measures = ("hits", "page_views", "visits", "visitors")
    assert shown == [DAY, "released", *(str(row[name]) for name in measures), "0"]


def test_the_share_folded_is_that_of_folded_rows() -> None:
    files, result = run_engine({"a.log": log(days=2)}, SETTINGS)
    tables = table_of(told(result))
    assert list(tables) == list(table_schemas())
    for name, schema in table_schemas().items():
        rows = [row for date in (DAY, "2026-03-15") for row in rows_of(files, name, date)]
        assert tables[name][0] == str(len(rows))
        if not schema.dimensions or not rows:
            assert tables[name][1] == "-"
            continue
        first = schema.cell_measures[0]
        texts = [column.name for column in schema.dimensions if column.is_text]
        folded = [row for row in rows if any(row[t] == "(other)" or row[t].endswith("/*") for t in texts)]
        share = sum(row[first] for row in folded) / sum(row[first] for row in rows)
        assert tables[name][1] == f"{share:.1%}"
    assert tables["pages"][1] != "0.0%"


def outcomes(count: int, **changes: DayStatus) -> list[DayOutcome]:
    _, result = run_engine({"a.log": log()}, SETTINGS)
    (day,) = result.days
    days = [replace(day, date=f"2026-01-{n + 1:02}") for n in range(count)]
    return [replace(d, status=changes.get(f"d{d.date[-2:]}", d.status)) for d in days]


def test_of_many_days_the_last_and_the_special_ones_are_shown_and_the_sum() -> None:
    _, result = run_engine({"a.log": log()}, SETTINGS)
    result.days[:] = outcomes(14)
    assert sum(line.startswith("2026-01-") for line in told(result)) == 14
    result.days[:] = outcomes(31, d03=DayStatus.LEFT_ALONE)
    days = [line for line in told(result) if line.startswith("2026-01-")]
    assert [day.split()[0][-2:] for day in days] == ["03", *(str(n) for n in range(25, 32))]
    assert "… 23 more" in told(result)
    total = next(line for line in told(result) if line.startswith("31 days")).split()
    assert total == ["31", "days", "in", "all", str(31 * 8), str(31 * 8), str(31 * 8), "0"]


def test_a_reason_is_told_once_with_its_days() -> None:
    _, result = run_engine({"a.log": combined_line()}, SETTINGS)
    result.days[:] = [replace(result.days[0], date=f"2026-03-{n}") for n in range(10, 16)]
    (note,) = (line for line in told(result) if "fewer than" in line)
    assert note.startswith(
        "note: 2026-03-10, 2026-03-11, 2026-03-12 and 3 more days: not released: fewer than 2"
    )


def test_rejects_are_summed_up_with_the_commonest_first() -> None:
    late = combined_line(time="14/Mar/2099:10:00:00 +0000")
    files = {"a.log": log() + late + b"nothing\n" * 3, "b.log": log(2) + b"else\n"}
    _, result = run_engine(files, SETTINGS)
    told_of = (
        "rejected: 5 lines (4 unparsable, 1 future_time); files and byte offsets stand on standard error"
    )
    assert told_of in told(result)
    assert not any("rejected" in line for line in told(run_engine({"a.log": log()}, SETTINGS)[1]))


def test_unknown_countries_are_told_of_once_and_only_of_a_release() -> None:
    _, result = run_engine({"a.log": log(2)}, SETTINGS)
    assert sum("--geoip" in line for line in told(result)) == 1
    assert not any("--geoip" in line for line in told(result, settings=Settings(min_support=2, geoip=("x",))))
    _, nothing = run_engine({"a.log": combined_line()}, SETTINGS)
    assert not any("--geoip" in line for line in told(nothing))


def test_an_old_database_is_told_once_whatever_the_data() -> None:
    ages = [
        DatabaseAge("old.mmdb", "2024-01-02", True, True),
        DatabaseAge("new.mmdb", "2026-03-01", False, True),
    ]
    for logs in (log(2), b""):
        _, result = run_engine({"a.log": logs}, SETTINGS)
        lines = [line for line in warnings(replace(result, databases=ages), SETTINGS) if "--geoip" in line]
        assert len(lines) == 1
        assert lines[0].startswith("warning: --geoip old.mmdb was built 2024-01-02, over a year ago")


def test_databases_without_countries_are_told() -> None:
    _, result = run_engine({"a.log": log(2)}, SETTINGS)
    given = Settings(min_support=2, geoip=("asn.mmdb",))
    for tells, notes in ((False, 1), (True, 0)):
        one = replace(result, databases=[DatabaseAge("asn.mmdb", "2026-03-01", False, tells)])
        assert sum("every country is (unknown)" in line for line in told(one, settings=given)) == notes


def test_what_to_do_next_works(tmp_path: Path) -> None:
    files, result = run_engine({"a.log": log()}, SETTINGS)
    out = tmp_path / "out"
    for path, data in files.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_bytes(data)
    commands = {line.split(":")[0]: line.split(": ", 1)[1].strip() for line in told(result, f"{out}/")[-3:]}
    assert commands["tables"] == f"{out}/<table>/date=<day>/part-0.parquet"
    assert shlex.split(commands["check"]) == ["logscrub", "verify", str(out)]
    program, _, sql = shlex.split(commands["look"], comments=True)
    assert program == "duckdb"
    found = duckdb.sql(sql).fetchall()
    assert [row[2] for row in found] == sorted((row[2] for row in found), reverse=True)


@pytest.mark.parametrize("output", ["my out", "$(reboot)", "a'b", 'a"b', "-out", "ü;x"])
def test_commands_are_safe_to_paste(output: str) -> None:
    _, result = run_engine({"a.log": log()}, SETTINGS)
    lines = told(result, output)
    check = next(line for line in lines if line.startswith("check:"))
    place = f"./{output}" if output.startswith("-") else output  # else it would be an option
    assert shlex.split(check.removeprefix("check:"))[-1] == place
    for look in (line for line in lines if line.startswith("look:")):
        said = subprocess.run(
            ["sh", "-c", look.replace("look:   duckdb -c", "echo")], capture_output=True, check=True
        )
        assert f"'{place}/pages" in said.stdout.decode()


def test_a_day_that_is_released_empty_is_told() -> None:
    """Nobody there, and fewer than k there, are told in the same words."""
    days = day_range("2026-03-01", "2026-03-02", NOW_MS, "UTC")
    rules = PublishRules(days.dates())
    said = []
    for line in (b"", log()[: log().index(b"\n") + 1].replace(b"14/Mar", b"01/Mar")):
        _, result = run_engine({"a.log": line + log()}, SETTINGS, days=days, rules=rules)
        said.append(told(result))
    assert said[0] == said[1]
    assert sum(line.startswith("2026-03-0") and "empty" in line for line in said[0]) == 2
    assert any("released empty" in line and "--replace" in line for line in said[0])
    assert not any(line.startswith(("pages", "look:")) for line in said[0])


def test_lines_fit_a_terminal_and_need_no_style() -> None:
    _, result = run_engine({"a.log": log()}, SETTINGS)
    for line in told(result):
        assert line == line.rstrip()
        assert line.isprintable()
        if not line.startswith(("note:", "rejected:", "look:")):
            assert len(line) <= 80


def test_columns_are_aligned() -> None:
    assert list(aligned(("a ", "b"), [("x", "1"), ("long", "1,000")])) == [
        "a         b",
        "x         1",
        "long  1,000",
    ]
