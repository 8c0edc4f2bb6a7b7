"""What the README shows of the sample is what the sample gives."""

import re
from functools import cache
from pathlib import Path

import duckdb
import pytest

from logscrub.beam.files import match_inputs
from logscrub.cli import summary
from logscrub.config import Settings
from logscrub.engine import RunResult
from logscrub.schemas import table_schemas
from tests.support import ROOT, demo_geography, rows_of, run_engine

README = (ROOT / "README.md").read_text("utf-8")


@cache
def sample() -> tuple[dict[str, bytes], RunResult]:
    files, _ = match_inputs([str(ROOT / "sample_logs" / "site")])
    logs = {file.path: Path(file.path).read_bytes() for file in files if not file.path.endswith(".mmdb")}
    return run_engine(logs, Settings(), geography=demo_geography())


@pytest.fixture
def stats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the README calls `stats`, in the working directory."""
    for name, data in sample()[0].items():
        path = tmp_path / "stats" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "stats"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_summary_is_that_of_the_sample() -> None:
    shown = "\n".join(summary.summary(sample()[1], "stats", Settings())).split("\n\nnote:")[0]
    assert shown.startswith("date ")
    assert f"```\n{shown}\n```" in README


def test_the_query_gives_the_table_below_it(stats: Path) -> None:
    (query,) = blocks("sql")
    rows = duckdb.sql(query).fetchall()
    assert len(rows) == 6
    assert "\n".join(f"| {path} | {views} | {visitors} |" for path, views, visitors in rows) in README


@pytest.mark.parametrize("block", blocks("python"))
def test_the_code_runs(block: str, stats: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip(re.findall(r"import (\w+)", block)[0])
    exec(block, {})
    said = capsys.readouterr().out
    hits = sum(row["hits"] for row in rows_of(sample()[0], "days", "2026-03-14"))
    assert "GB" in said or str(hits) in said


def test_there_is_code_for_each_library() -> None:
    assert len(blocks("python")) == 2


@pytest.mark.parametrize("name", list(Settings.model_fields) + list(table_schemas()))
def test_every_setting_and_table_is_told(name: str) -> None:
    assert f"`{name}`" in README
