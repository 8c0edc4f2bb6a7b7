"""10,000 real lines of a public log, when they are at hand: nothing lost, nothing counted twice."""

import pytest

from logscrub.config import Settings, Support
from logscrub.release.store import MemoryStore
from logscrub.release.verify import verify
from tests.support import CORPORA, rows_of, run_engine

LOG = CORPORA / "apache-real" / "apache_logs"
DAYS = ("2015-05-17", "2015-05-18", "2015-05-19", "2015-05-20")


@pytest.mark.skipif(not LOG.exists(), reason="the public log is not at hand")
@pytest.mark.parametrize("config", [Settings(), Settings(support=Support.VISITORS, min_support=2)])
def test_all_lines_and_bytes_of_the_real_log_are_counted(config: Settings) -> None:
    files, result = run_engine({"apache_logs": LOG.read_bytes()}, config)
    assert result.tally.rejects == 0
    held = [(day.held_hits, day.held_bytes) for day in result.days]
    rows = [row for day in DAYS for table in ("days", "bots") for row in rows_of(files, table, day)]
    assert sum(row["hits"] for row in rows) + sum(hits for hits, _ in held) == 10_000
    assert sum(row["bytes"] for row in rows) + sum(sent for _, sent in held) == 2_747_282_740
    store = MemoryStore()
    store.files = files
    assert list(verify(store)) == []
