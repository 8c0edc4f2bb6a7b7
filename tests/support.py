"""What several test modules share: running the engine in memory and making small logs."""

import functools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from logscrub.cli import summary
from logscrub.config import Settings
from logscrub.engine import RunResult, run_in_memory
from logscrub.enrich.geography import Geography, open_database
from logscrub.privacy.pseudonyms import EphemeralKey
from logscrub.release.parquet import read_rows
from logscrub.release.store import MemoryStore

NOW_MS = 1_790_000_000_000  # 2026-09-21
DAY = "2026-03-14"
SECRET = "hunter2"
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
    files: Mapping[str, bytes],
    settings: Settings | None = None,
    key: EphemeralKey | None = None,
    **options: Any,
) -> tuple[dict[str, bytes], RunResult]:
    """Files of the release, and what the run told."""
    store = MemoryStore()
    result = run_in_memory(files, store, settings or Settings(min_support=2), NOW_MS, key, **options)
    return store.files, result


@functools.cache
def demo_geography() -> Geography:
    """Places of the addresses of the sample."""
    return Geography([open_database(ROOT / "sample_logs" / "geoip" / "demo-city.mmdb")])


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


def release_of_day(folder: Path, name: str, lines: Iterable[bytes], settings: str) -> Path:
    """The release that the command line makes of lines, in any order, and verifies; beside it the account."""
    folder.mkdir(exist_ok=True)
    shuffled = list(lines)
    random.Random(7).shuffle(shuffled)
    (folder / name).write_bytes(b"".join(shuffled))
    (folder / "a.toml").write_text(settings)
    command = ["run", name, "-o", "stats", "--config", "a.toml", "--account", "account.json"]
    subprocess.run([sys.executable, "-m", "logscrub", *command], cwd=folder, check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "logscrub", "verify", "stats"], cwd=folder, check=True)
    return folder / "stats"


def released_rows(stats: Path, table: str, date: str) -> list[tuple[Any, ...]]:
    """Rows of a table of a release on disk, as tuples in the order of its columns."""
    part = read_rows((stats / table / f"date={date}" / "part-0.parquet").read_bytes(), table)
    return [tuple(row.values()) for row in part.to_pylist()]


class Ended(NamedTuple):
    """How a command line ended, and what it said; progress, which depends on the clock, is left out."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]
"""The fixture `logscrub`."""


def process(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    """A command line in a process of its own, which interrupts reach.

    Args:
        arguments: those of the command line.
        options: those of Popen; `env` is added to the environment; with `unprivileged` modes of files bind
            root too.
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")} | options.pop("env", {})
    command = [sys.executable, "-m", "logscrub", *map(str, arguments)]
    if options.pop("unprivileged", False) and not os.geteuid():
        if not shutil.which("setpriv"):
            pytest.skip("root may do everything here")
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "errors": "surrogateescape"} | options
    return subprocess.Popen(
        command,
        text=True,
        env=environment,
        # A shell starts what runs in the background with interrupts ignored, and children inherit it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        **pipes,
    )


def log(networks: int = 12, day: str = "14/Mar/2026", path: str = "/") -> bytes:
    """A combined log of so many networks."""
    return b"".join(
        combined_line(f"198.51.{n % 250}.7", f"{day}:10:{n % 60:02}:00 +0000", f"GET {path} HTTP/1.1")
        for n in range(networks)
    )


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Files of a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def hits(ended: Ended) -> int:
    """Hits of people on the first day that is told of."""
    first = next(line for line in ended.out.splitlines() if line.startswith("20"))
    return int(first.split()[2].replace(",", ""))


def without_progress(said: str) -> str:
    """What standard error said, but the lines that depend on the clock and on all of the input."""
    return "".join(line for line in said.splitlines(keepends=True) if not line.startswith("progress: "))
