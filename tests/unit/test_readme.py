"""What the README shows of the sample is what the sample gives."""

from functools import cache
from pathlib import Path

import pytest

from logscrub.beam.files import match_inputs
from logscrub.cli import summary
from logscrub.config import Settings
from logscrub.engine import RunResult
from logscrub.schemas import table_schemas
from tests.support import ROOT, rows_of, run_engine

README = (ROOT / "README.md").read_text("utf-8")


@cache
def sample() -> tuple[dict[str, bytes], RunResult]:
    files, _ = match_inputs([str(ROOT / "sample_logs")])
    return run_engine({file.path: Path(file.path).read_bytes() for file in files}, Settings())


def test_the_summary_is_that_of_the_sample() -> None:
    days = [line for line in summary.summary(sample()[1], "stats", Settings()) if line.startswith("2026-")]
    assert len(days) == 2
    assert "\n".join(days) in README


def test_the_table_is_that_of_the_sample() -> None:
    rows = [r for r in rows_of(sample()[0], "pages", "2026-03-14") if r["host"] == "shop.example.com"]
    first = sorted(rows, key=lambda row: -row["page_views"])[:6]
    shown = "\n".join(f"| {row['path']} | {row['page_views']} | {row['visitors']} |" for row in first)
    assert shown in README


@pytest.mark.parametrize("name", list(Settings.model_fields) + list(table_schemas()))
def test_every_setting_and_table_is_told(name: str) -> None:
    assert f"`{name}`" in README
