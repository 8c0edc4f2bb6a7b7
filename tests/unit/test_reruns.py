"""Which days a run owns, and what it does with days that are released already."""

import json
from typing import Any

import pytest

from logscrub.cli import summary
from logscrub.cli.account import account as account_of_run
from logscrub.config import Settings
from logscrub.engine import RunResult, run_in_memory
from logscrub.errors import ExitCode, UsageError
from logscrub.release.day import PublishRules
from logscrub.release.store import MemoryStore
from logscrub.release.verify import verify
from logscrub.traffic.calendar import day_range
from tests.support import NOW_MS, combined_line, rows_of

SETTINGS = Settings(min_support=2)
DAYS = ("14/Mar/2026", "15/Mar/2026", "16/Mar/2026")


def logs(per_day: int = 3, days: tuple[str, ...] = DAYS, path: str = "/") -> bytes:
    return b"".join(
        combined_line(f"198.51.{n}.1", f"{day}:10:00:00 +0000", f"GET {path} HTTP/1.1")
        for day in days
        for n in range(per_day)
    )


def run(store: MemoryStore, data: bytes, *, dates: tuple[str, str] | None = None, **rules: Any) -> RunResult:
    days = day_range(*dates, NOW_MS, "UTC") if dates else None
    return run_in_memory(
        {"a.log": data},
        store,
        SETTINGS,
        NOW_MS,
        days=days,
        rules=PublishRules(days.dates() if days else (), **rules),
    )


def statuses(result: RunResult) -> dict[str, str]:
    return {day.date[-2:]: day.status.value for day in result.days}


def account(result: RunResult) -> dict[str, int]:
    lines: dict[str, int] = json.loads(account_of_run(result))["lines"]
    assert sum(lines.values()) == result.tally.lines
    return lines


def test_a_run_releases_the_days_it_is_asked_for() -> None:
    store = MemoryStore()
    result = run(store, logs(), dates=("2026-03-15", "2026-03-16"))
    assert statuses(result) == {"15": "released", "16": "released"}
    assert not any("2026-03-14" in path for path in store.files)
    lines = account(result)
    assert (lines["counted"], lines["out_of_dates"]) == (6, 3)
    assert summary.exit_code(result, SETTINGS) == ExitCode.DONE


def test_a_day_that_was_asked_for_is_released_even_when_empty() -> None:
    """Nobody there, and fewer than k there, give the same bytes."""
    nobody, few = MemoryStore(), MemoryStore()
    assert statuses(run(nobody, logs(), dates=("2026-03-01", "2026-03-01"))) == {"01": "released"}
    result = run(few, logs(1, ("01/Mar/2026",)), dates=("2026-03-01", "2026-03-01"))
    assert statuses(result) == {"01": "released"}
    assert account(result)["under_k"] == 1
    assert nobody.files == few.files
    assert list(verify(few)) == []
    assert rows_of(few.files, "days", "2026-03-01") == []


def test_other_hits_of_a_released_day_are_told_and_left_alone() -> None:
    store = MemoryStore()
    run(store, logs())
    before = dict(store.files)
    result = run(store, logs(4))
    assert statuses(result) == dict.fromkeys(("14", "15", "16"), "left_alone")
    assert store.files == before
    assert summary.exit_code(result, SETTINGS) == ExitCode.INCOMPLETE_INPUT
    assert account(result)["out_of_dates"] == 12


def test_the_same_again_changes_nothing() -> None:
    store = MemoryStore()
    run(store, logs())
    before = dict(store.files)
    result = run(store, logs())
    assert statuses(result) == dict.fromkeys(("14", "15", "16"), "unchanged")
    assert summary.exit_code(result, SETTINGS) == ExitCode.DONE
    assert store.files == before


def test_replace_takes_the_new_release() -> None:
    store, fresh = MemoryStore(), MemoryStore()
    run(store, logs())
    result = run(store, logs(4), dates=("2026-03-15", "2026-03-15"), replace=True)
    assert statuses(result) == {"15": "replaced"}
    run(fresh, logs(4), dates=("2026-03-15", "2026-03-15"))
    assert {path: data for path, data in store.files.items() if "2026-03-15" in path} == fresh.files
    assert list(verify(store)) == []


def test_replace_refuses_fewer_hits_without_force() -> None:
    store = MemoryStore()
    run(store, logs(4))
    before = dict(store.files)
    result = run(store, logs(3), replace=True)
    assert statuses(result) == dict.fromkeys(("14", "15", "16"), "fewer_hits")
    assert store.files == before
    assert summary.exit_code(result, SETTINGS) == ExitCode.INCOMPLETE_INPUT
    assert any("--force" in line for line in summary.warnings(result, SETTINGS))
    assert statuses(run(store, logs(3), replace=True, force=True)) == dict.fromkeys(
        ("14", "15", "16"), "replaced"
    )


def test_replace_of_the_same_hits_with_other_pages_needs_no_force() -> None:
    store = MemoryStore()
    run(store, logs())
    assert set(statuses(run(store, logs(path="/other"), replace=True)).values()) == {"replaced"}


def test_force_empties_a_day_that_has_too_few_left() -> None:
    store = MemoryStore()
    run(store, logs())
    few = logs(1, ("14/Mar/2026",))
    assert statuses(run(store, few, replace=True)) == {"14": "fewer_hits"}
    assert statuses(run(store, few, replace=True, force=True)) == {"14": "replaced"}
    assert rows_of(store.files, "days", "2026-03-14") == []
    assert list(verify(store)) == []


def test_the_manifest_goes_first_and_comes_last() -> None:
    """A run that is killed in the middle of a replacement leaves a day that is not released."""
    order: list[str] = []

    class Watched(MemoryStore):
        def write(self, path: str, data: bytes) -> None:
            order.append(f"write {path.split('/', maxsplit=1)[0]}")
            super().write(path, data)

        def remove(self, path: str) -> None:
            order.append(f"remove {path.split('/', maxsplit=1)[0]}")
            super().remove(path)

    store = Watched()
    run(store, logs(days=DAYS[:1]))
    order.clear()
    run(store, logs(4, DAYS[:1]), replace=True)
    assert order[0] == "remove _manifest"
    assert order[-1] == "write _manifest"
    assert len(order) > 2


def test_a_damaged_release_is_replaced_by_force_only() -> None:
    store = MemoryStore()
    run(store, logs(days=DAYS[:1]))
    store.files["days/date=2026-03-14/part-0.parquet"] = b"?"
    assert statuses(run(store, logs(4, DAYS[:1]), replace=True)) == {"14": "fewer_hits"}
    assert statuses(run(store, logs(4, DAYS[:1]), replace=True, force=True)) == {"14": "replaced"}
    assert list(verify(store)) == []


def test_dates_are_read() -> None:
    assert day_range("2026-09-20", "2026-09-20", NOW_MS, "UTC").dates() == ("2026-09-20",)
    assert day_range("yesterday", "yesterday", NOW_MS, "UTC").dates() == ("2026-09-20",)
    assert day_range("2026-09-18", None, NOW_MS, "UTC").dates() == ("2026-09-18", "2026-09-19", "2026-09-20")
    assert day_range("2024-02-28", "2024-03-01", NOW_MS, "UTC").dates()[1] == "2024-02-29"


@pytest.mark.parametrize("timezone", ["Pacific/Kiritimati", "Pacific/Niue"])
def test_yesterday_is_of_the_reporting_time_zone(timezone: str) -> None:
    (date,) = day_range("yesterday", "yesterday", NOW_MS, timezone).dates()
    # 2026-09-21 13:33 UTC is 22 September in Kiritimati (+14) and 21 September in Niue (-11).
    assert date == {"Pacific/Kiritimati": "2026-09-21", "Pacific/Niue": "2026-09-20"}[timezone]


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        ("2026-09-21", None, "after"),
        ("2026-09-21", "2026-09-21", "not over"),
        ("2026-09-20", "2026-09-19", "after"),
        ("2026-02-29", None, "YYYY-MM-DD"),
        ("tomorrow", None, "YYYY-MM-DD"),
        ("", None, "YYYY-MM-DD"),
        ("1900-01-01", None, "more than"),
    ],
)
def test_wrong_dates_are_refused(first: str, last: str | None, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        day_range(first, last, NOW_MS, "UTC")


def test_the_share_of_rejected_lines_is_of_all_days() -> None:
    """A file of a month has few bad lines, also when one day of it is asked for."""
    many = tuple(f"{day:02}/Mar/2026" for day in range(1, 31))
    store = MemoryStore()
    result = run(store, logs(20, many) + b"?\n" * 3, dates=("2026-03-14", "2026-03-14"))
    assert result.tally.rejects == 3
    assert result.tally.reject_rate == pytest.approx(3 / 603)
    assert summary.exit_code(result, SETTINGS) == ExitCode.DONE
