"""What every text format makes of its sample, line by line.

Read the changes after regenerating: `python -m tests.unit.test_formats_golden` (with `src` on the path).
"""

import json
from pathlib import Path

import pytest

from logscrub.formats.catalogue import LINE_FORMATS
from logscrub.formats.records import PROBLEMS, RECORDS
from logscrub.text.blocks import Block

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_logs" / "formats"
GOLDEN = ROOT / "tests" / "golden" / "lines"

pytestmark = pytest.mark.skipif(not SAMPLES.exists(), reason="the samples are not here")


def read(known):
    """For each line of the sample of a format its record, without nulls, or `rejected`."""
    lines = (SAMPLES / f"{known.name}.log").read_bytes()
    parsed = known.parse(Block(lines, 0))
    found = dict.fromkeys(range(parsed.lines), "blank") | dict.fromkeys(parsed.rejected.tolist(), "rejected")
    for row in parsed.records.to_pylist():
        kept = {name: value for name, value in row.items() if value is not None and name != "line"}
        if "problem" in kept:
            kept["problem"] = PROBLEMS[kept["problem"]].value
        found[row["line"]] = kept
    return [found[at] for at in range(parsed.lines)]


@pytest.mark.parametrize("known", LINE_FORMATS, ids=lambda known: known.name)
def test_a_sample_gives_the_records_that_were_approved(known):
    assert read(known) == json.loads((GOLDEN / f"{known.name}.json").read_text("utf-8"))


@pytest.mark.parametrize("known", LINE_FORMATS, ids=lambda known: known.name)
def test_a_sample_has_the_mark_and_shows_all_fields(known):
    assert known.mark is None or known.mark.search((SAMPLES / f"{known.name}.log").read_bytes())
    shown = {name for row in read(known) if row != "rejected" for name in row}
    assert known.fields <= shown
    assert known.fields <= set(RECORDS.names)


def test_names_are_distinct():
    assert len({known.name for known in LINE_FORMATS}) == len(LINE_FORMATS)


def regenerate():
    """Write the golden files anew."""
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for known in LINE_FORMATS:
        text = json.dumps(read(known), indent=1, ensure_ascii=False)
        (GOLDEN / f"{known.name}.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    regenerate()
