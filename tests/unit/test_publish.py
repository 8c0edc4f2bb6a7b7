"""A day is released once: what a second run finds decides what it says, never what is there."""

from logscrub.config import Settings, Support
from logscrub.engine import run_in_memory
from logscrub.release.day import DayStatus
from logscrub.release.manifest import manifest_path
from logscrub.release.store import MemoryStore
from tests.support import NOW_MS, combined_line

CONFIG = Settings(min_support=3, support=Support.VISITORS)
DAY = "2026-03-14"


def again(store: MemoryStore, people: int, config: Settings = CONFIG) -> DayStatus:
    lines = b"".join(combined_line(f"198.51.100.{n}") for n in range(people))
    return run_in_memory({"a.log": lines}, store, config, NOW_MS).days[0].status


def test_the_first_release_stays() -> None:
    store = MemoryStore()
    assert again(store, 2) is DayStatus.UNDER_K
    assert store.files == {}
    assert again(store, 5) is DayStatus.RELEASED
    first = dict(store.files)
    assert again(store, 5) is DayStatus.UNCHANGED
    assert again(store, 6) is DayStatus.LEFT_ALONE
    assert again(store, 2) is DayStatus.LEFT_ALONE
    assert again(store, 5, Settings(min_support=6, support=Support.VISITORS)) is DayStatus.LEFT_ALONE
    assert store.files == first


def test_a_day_without_a_manifest_is_completed() -> None:
    store = MemoryStore()
    again(store, 5)
    first = dict(store.files)
    del store.files[manifest_path(DAY)]
    store.files[f"pages/date={DAY}/part-0.parquet"] = b"half"
    assert again(store, 5) is DayStatus.RELEASED
    assert store.files == first


def test_a_lost_file_of_a_released_day_is_written_again() -> None:
    store = MemoryStore()
    again(store, 5)
    first = dict(store.files)
    del store.files[f"pages/date={DAY}/part-0.parquet"]
    assert again(store, 5) is DayStatus.UNCHANGED
    assert store.files == first
