"""What becomes of each file of the public test logs of lnav, line by line where a line is refused.

The golden file names the format of each file, or what it is refused as, and every line that is not counted
with its reason; a person reads it. After a change that is meant: `python -m tests.unit.test_public_logs`.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from logscrub.formats.detect import detect
from logscrub.formats.records import PROBLEMS
from logscrub.formats.registry import format_by_name
from logscrub.text.blocks import BOM, Block

ROOT = Path(__file__).parents[2]
LNAV = ROOT.parent / "shared" / "corpora" / "lnav"
GOLDEN = ROOT / "tests" / "golden" / "public_logs.json"


def told(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    found = detect(data)
    if found.format_name is None:
        return {"refused_as": found.refused_as}
    parsed = format_by_name(found.format_name).parse(Block(data.removeprefix(BOM), 0))
    reasons = dict.fromkeys(parsed.rejected.tolist(), "unparsable")
    for line, problem in zip(
        *(parsed.records.column(n).to_pylist() for n in ("line", "problem")), strict=True
    ):
        if problem is not None:
            reasons[line] = PROBLEMS[problem].value
    return {
        "format": found.format_name,
        "lines": parsed.lines,
        "blank": parsed.blank,
        "counted": parsed.lines - parsed.blank - len(reasons),
        "refused": {f"line {line + 1}": reasons[line] for line in sorted(reasons)},
    }


@pytest.mark.skipif(not LNAV.is_dir(), reason="the public test logs are not here")
def test_public_logs_are_read_as_the_golden_file_says() -> None:
    expected = json.loads(GOLDEN.read_text("utf-8"))
    files = [path for path in sorted(LNAV.iterdir()) if path.name != "LICENSE"]
    assert {path.name: told(path) for path in files} == expected


if __name__ == "__main__":
    files = [path for path in sorted(LNAV.iterdir()) if path.name != "LICENSE"]
    GOLDEN.write_text(json.dumps({path.name: told(path) for path in files}, indent=1) + "\n", "utf-8")
