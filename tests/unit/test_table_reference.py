"""TABLES.md is what the schemas of the tables say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from logscrub.cli.tables import table_reference
from logscrub.schemas import table_schemas

ROOT = Path(__file__).parents[2]


def sections() -> dict[str, str]:
    """Name of each table to what the reference says of it."""
    parts = re.split(r"^## `(\w+)`$", table_reference(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_reference_in_the_tree_is_the_one_of_the_schemas() -> None:
    command = [sys.executable, "-m", "logscrub.cli.tables"]
    printed = subprocess.run(command, capture_output=True, check=True).stdout
    assert (ROOT / "TABLES.md").read_bytes() == printed


def test_every_table_has_a_section() -> None:
    assert list(sections()) == list(table_schemas())


@pytest.mark.parametrize("name", table_schemas())
def test_a_section_tells_every_column_and_nothing_else(name: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", sections()[name], re.M)
    assert rows == [
        (c.name, c.type) for c in (*table_schemas()[name].dimensions, *table_schemas()[name].measures)
    ]


@pytest.mark.parametrize("name", table_schemas())
def test_rows_have_as_many_cells_as_their_head(name: str) -> None:
    for block in re.findall(r"(?:^\|.*\n)+", sections()[name], re.M):
        widths = {len(re.findall(r"(?<!\\)\|", row)) for row in block.splitlines()}
        assert len(widths) == 1, block


def test_links_lead_to_files() -> None:
    links = re.findall(r"\]\(([^)]+)\)", table_reference())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_what_is_not_folded_is_told() -> None:
    told = {name for name, text in sections().items() if "never folded" in text}
    assert told == {name for name, table in table_schemas().items() if table.unfolded} == {"bots"}
