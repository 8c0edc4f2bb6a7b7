"""What several test modules share: running the engine in memory and making small logs."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from logscrub.cli import summary
from logscrub.config import Settings
from logscrub.engine import RunResult, run_in_memory
from logscrub.privacy.pseudonyms import EphemeralKey
from logscrub.release.parquet import read_rows
from logscrub.release.store import MemoryStore

NOW_MS = 1_790_000_000_000  # 2026-09-21
ROOT = Path(__file__).parents[1]
CORPORA = ROOT.parent / "shared" / "corpora"

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
    "Safari/537.36"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Mobile/15E148 Safari/604.1"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
AGENTS = (CHROME, FIREFOX, SAFARI, GOOGLEBOT)


def run_engine(
    files: Mapping[str, bytes], settings: Settings | None = None, key: EphemeralKey | None = None
) -> tuple[dict[str, bytes], RunResult]:
    """Files of the release, and what the run told."""
    store = MemoryStore()
    result = run_in_memory(files, store, settings or Settings(min_support=2), NOW_MS, key)
    return store.files, result


def told(result: RunResult, settings: Settings) -> list[str]:
    """Everything a run prints, but offsets: they are places in the operator's own files."""
    result.tally.rejected = {
        path: {reason: type(r)(r.count, []) for reason, r in reasons.items()}
        for path, reasons in result.tally.rejected.items()
    }
    return [*summary.warnings(result, settings), *summary.summary(result, "out", settings)]


def rows_of(files: Mapping[str, bytes], table: str, date: str) -> list[dict[str, Any]]:
    """Rows of a table of a release."""
    rows: list[dict[str, Any]] = read_rows(files[f"{table}/date={date}/part-0.parquet"], table).to_pylist()
    return rows


def event_lines(events: Iterable[Mapping[str, Any]]) -> list[bytes]:
    """JSON lines of events."""
    return [json.dumps(event).encode() + b"\n" for event in events]


def combined_line(  # noqa: PLR0917
    address: str = "198.51.100.7",
    time: str = "14/Mar/2026:10:00:00 +0000",
    request: str = "GET / HTTP/1.1",
    status: object = 200,
    size: object = 100,
    referrer: str = "-",
    agent: str = CHROME,
) -> bytes:
    """A line of a combined log."""
    return f'{address} - - [{time}] "{request}" {status} {size} "{referrer}" "{agent}"\n'.encode()
