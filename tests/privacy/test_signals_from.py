"""More logs for signals and links only: Monday's flag holds on Tuesday, and Monday is not counted."""

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest

from logscrub.config import MIB, Audience, Settings, Support
from tests.support import CHROME, Run, bytes_of, combined_line, event_lines, run_engine, told

CONFIG = Settings(min_support=2, support=Support.VISITORS)
MONDAY, TUESDAY = 16, 17


def event(day: int, number: int, **fields: Any) -> bytes:
    known = {
        "time": f"2026-03-{day}T10:00:00Z",
        "ip": f"198.51.{number}.1",
        "path": "/",
        "user_agent": CHROME,
    }
    return event_lines([known | fields])[0]


def of_day(day: int, **more: Any) -> bytes:
    return b"".join(event(day, n, device_id=f"d{n}", **more) for n in range(8))


def run(monday: bytes, tuesday: bytes, config: Settings = CONFIG) -> tuple[dict[str, bytes], int, int]:
    files = {"monday.log": monday, "tuesday.log": tuesday}
    released, result = run_engine(files, config, signals_from=["monday.log"])
    assert "monday" not in "".join(told(result, config))
    return released, result.tally.withheld, result.tally.lines


def test_mondays_flag_holds_on_tuesday_and_monday_is_not_counted() -> None:
    monday = of_day(MONDAY) + event(MONDAY, 3, device_id="d3", child=True)
    released, withheld, lines = run(monday, of_day(TUESDAY))
    assert (withheld, lines) == (1, 8)
    without = b"".join(event(TUESDAY, n, device_id=f"d{n}") for n in range(8) if n != 3)
    assert released == run_engine({"tuesday.log": without}, CONFIG)[0]
    assert not any("2026-03-16" in name for name in released)


def test_mondays_links_join_tuesdays_ids() -> None:
    """The flag itself stands on Tuesday, and what joins its id to another's on Monday alone."""
    monday = event(MONDAY, 20, user_id="u", device_id="d3") + event(MONDAY, 21, user_id="u", session_id="s")
    tuesday = of_day(TUESDAY) + event(TUESDAY, 22, session_id="S", age=9)
    assert run(monday, tuesday)[1] == 2


def test_mondays_address_and_agent_are_of_monday() -> None:
    monday = event(MONDAY, 3, child=True)
    assert run(monday, of_day(TUESDAY))[1] == 0
    assert run(monday + event(TUESDAY, 4, child=True), of_day(TUESDAY))[1] == 1


def test_mondays_proof_of_age_holds_on_tuesday() -> None:
    config = CONFIG.model_copy(update={"audience": Audience.MIXED})
    assert run(of_day(MONDAY), of_day(TUESDAY), config)[1] == 8
    assert run(of_day(MONDAY, age=30), of_day(TUESDAY), config)[1] == 0
    assert run(of_day(TUESDAY, age=30), of_day(MONDAY), config)[1] == 8


@pytest.mark.parametrize("signal", [{"opt_out": True}, {"coppa": 1}, {"birth_date": "2020-01-01"}])
@pytest.mark.parametrize("layout", [{"block_bytes": 300, "range_bytes": 400}, {"block_bytes": MIB}])
def test_any_signal_in_any_layout(signal: dict[str, Any], layout: dict[str, int]) -> None:
    config = CONFIG.model_copy(update=layout)
    monday = of_day(MONDAY) + event(MONDAY, 40, device_id="D5", **signal)
    for content in (monday, gzip.compress(monday)):
        assert run(content, of_day(TUESDAY), config)[1] == 1


def test_other_formats_tell_of_the_same_ids() -> None:
    lines = [combined_line(f"203.0.113.{n}", f"{MONDAY}/Mar/2026:10:00:00 +0000")[:-1] for n in range(5)]
    cookies = ["a=b", "a=b", "a=b", "PHPSESSID=S3; coppa=1", "_ga=GA1.2.5.6; usprivacy=1YYN"]
    monday = b"".join(line + f' "{cookie}"\n'.encode() for line, cookie in zip(lines, cookies, strict=True))
    tuesday = of_day(TUESDAY) + event(TUESDAY, 30, session_id="s3") + event(TUESDAY, 31, client_id="5.6")
    assert run(monday, tuesday)[1] == 2


def test_an_empty_monday_changes_nothing() -> None:
    alone = run_engine({"tuesday.log": of_day(TUESDAY)}, CONFIG)[0]
    for monday in (b"", b"\n\n", gzip.compress(b"")):
        released, withheld, _ = run(monday, of_day(TUESDAY))
        assert (released, withheld) == (alone, 0)


# ---------------------------------------------------------------- by the command line


def test_the_command_counts_tuesday_alone(logscrub: Run, tmp_path: Path) -> None:
    Path("weeks").mkdir()
    Path("weeks/monday.jsonl").write_bytes(of_day(MONDAY) + event(MONDAY, 3, device_id="d3", child=True))
    Path("tuesday.jsonl").write_bytes(of_day(TUESDAY))
    flags = ("--min-support", "2", "--account", "account.json")
    said = logscrub("run", "tuesday.jsonl", "-o", "out", *flags, "--signals-from", "weeks")
    assert said.code == 0
    account = json.loads(Path("account.json").read_text())
    assert (account["total"], account["lines"]["withheld"], account["lines"]["counted"]) == (8, 1, 7)
    assert "2026-03-16" not in said.out + said.err + "".join(bytes_of(tmp_path / "out"))
    assert "monday" not in said.out + said.err
    Path("tuesday.jsonl").write_bytes(
        b"".join(line for line in of_day(TUESDAY).splitlines(keepends=True) if b'"d3"' not in line)
    )
    assert logscrub("run", "tuesday.jsonl", "-o", "without", *flags).code == 0
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "without")


def test_what_cannot_be_read_for_signals_ends_the_run(logscrub: Run) -> None:
    Path("tuesday.jsonl").write_bytes(of_day(TUESDAY))
    Path("strange.txt").write_bytes(b"nothing that is a log\n" * 9)
    for wrong in ("gone.jsonl", "gone/*.jsonl", "strange.txt"):
        said = logscrub("run", "tuesday.jsonl", "-o", "out", "--signals-from", wrong)
        assert (said.code, said.out) == (2, "")
        assert f"--signals-from {wrong}" in said.err
        assert not list(Path("out").glob("*"))


def test_a_damaged_log_for_signals_is_told(logscrub: Run) -> None:
    """The flag stands behind the damage: to say nothing is to count a child without anybody knowing."""
    chance = random.Random(1)
    lines = b"".join(event(MONDAY, n % 250, device_id=f"m{chance.random()}") for n in range(6000))
    packed = gzip.compress(lines + event(MONDAY, 3, device_id="d3", child=True))
    Path("monday.jsonl.gz").write_bytes(packed[:-2000])
    Path("tuesday.jsonl").write_bytes(of_day(TUESDAY))
    said = logscrub("run", "tuesday.jsonl", "-o", "out", "--signals-from", "monday.jsonl.gz")
    assert said.code != 0
    assert "monday.jsonl.gz" in said.err
