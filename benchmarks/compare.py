"""Compare logscrub with its peers on the same generated logs, in turns, and write a page of medians.

python benchmarks/run.py --compare /tmp/logs [--scale 0.2] [--repeat 3] [--write benchmarks/RESULTS.md]
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.peers import OWN, Peer, installed
from benchmarks.processes import ROOT, Process, run_process

MILLION = 1_000_000
ONE_LINE = (
    '192.0.2.1 - - [02/Mar/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 512 "-" '
    '"Mozilla/5.0 (X11; Linux x86_64; rv:148.0) Gecko/20100101 Firefox/148.0"\n'
)


@dataclass(frozen=True)
class Case:
    """An input of the comparison, of so many million lines at scale 1; `options` are of generate.py."""

    name: str
    title: str
    millions: int
    hits_per_visitor: float
    options: tuple[str, ...] = ()
    format: str = "combined"

    def lines(self, scale: float) -> int:
        """How many lines it has."""
        return round(self.millions * MILLION * scale)


CASES = (
    Case("a", "shaped like real traffic", 10, 25.6),
    Case("b", "dispersed visitors", 10, 6.25),
    Case("c", "as (a), gzip", 10, 25.6, ("--gzip",)),
    Case("d", "10 days in 10 files", 10, 25.6, ("--days=10", "--files=10")),
    Case("e", "JSON events with ages and device ids", 5, 25.6, format="json"),
)


@dataclass(frozen=True)
class Timed:
    """One run of a peer, and how many lines it says it has read."""

    process: Process
    lines: int


def logs(case: Case, scale: float, folder: Path) -> list[Path]:
    """Files of a case; they are generated once for each scale."""
    lines = case.lines(scale)
    place = folder / f"{case.name}-{lines}"
    if not place.exists():
        unfinished = place.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        amounts = [f"--lines={lines}", f"--visitors={max(1, round(lines / case.hits_per_visitor))}"]
        _told(
            "generate.py",
            "traffic",
            *amounts,
            f"--format={case.format}",
            *case.options,
            f"--output={unfinished}",
        )
        unfinished.rename(place)
    return sorted(place.iterdir())


def timed(peer: Peer, files: Sequence[Path], folder: Path) -> Timed:
    """Run a peer once, in a folder of its own.

    Raises:
        SystemExit: it failed.
    """
    process = run_process(peer.command(files, folder), folder / "stdout")
    return Timed(process, peer.lines(folder))


def totals_agree(files: Sequence[Path], logscrub: Peer) -> bool:
    """Whether tables of people have the totals of those of the SQL script.

    Bots are left out: those below k on a day have no row, since published crawlers take none along.
    """
    with tempfile.TemporaryDirectory(prefix="logscrub-benchmark-") as name:
        timed(logscrub, files, Path(name))
        ours = json.loads(_told("duckdb_tables.py", "--release", f"{name}/stats"))
    theirs = json.loads(_told("duckdb_tables.py", *map(str, files), "--own", OWN))
    return {**ours, "bots": None} == {**theirs, "bots": None}


def _told(script: str, *arguments: str) -> str:
    """What a script of this folder prints; in its own process, so that this one stays small."""
    command = [sys.executable, str(ROOT / "benchmarks" / script), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own
    return done.stdout


def fixed_seconds(peer: Peer, repeat: int) -> float:
    """Median wall seconds of a peer on a log of one line: its start and its end."""
    with tempfile.TemporaryDirectory(prefix="logscrub-benchmark-") as name:
        log = Path(name) / "access.log"
        log.write_text(ONE_LINE, encoding="utf-8")
        return median(run.process.wall_s for run in runs_of([peer], [log], repeat)[peer.name])


def runs_of(peers: Sequence[Peer], files: Sequence[Path], repeat: int) -> dict[str, list[Timed]]:
    """Runs of each peer, in turns, so that what slows the machine slows all."""
    found: dict[str, list[Timed]] = {peer.name: [] for peer in peers}
    for _ in range(repeat):
        for peer in peers:
            with tempfile.TemporaryDirectory(prefix="logscrub-benchmark-") as name:
                found[peer.name].append(timed(peer, files, Path(name)))
    return found


def table(runs: Mapping[str, Sequence[Timed]], lines: int) -> Iterator[str]:
    """Rows of a case: medians, and how many times the time of logscrub each peer takes."""
    yield "| program | s | lines/s | times logscrub | CPU s | peak MiB | lines read |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    ours = median(run.process.wall_s for run in next(iter(runs.values())))
    for name, these in runs.items():
        wall = median(run.process.wall_s for run in these)
        cpu, peak = median(run.process.cpu_s for run in these), max(run.process.peak_bytes for run in these)
        read = min(run.lines for run in these)
        yield (
            f"| {name} | {wall:.1f} | {lines / wall:,.0f} | {wall / ours:.2f} | {cpu:.1f} "
            f"| {peak / 2**20:,.0f} | {read:,} |"
        )


def page(folder: Path, scale: float, repeat: int, names: str, without: Sequence[str] = ()) -> Iterator[str]:
    """Lines of the page of results, while they are measured.

    Args:
        folder: where logs are made.
        scale: share of the lines that each log has at scale 1.
        repeat: runs of each peer.
        names: names of the cases.
        without: beginnings of the names of peers that are not run.
    """
    here, absent = installed()
    peers = [peer for peer in here if not peer.name.startswith(tuple(without))]
    missing = [name for name in absent if name not in without]
    yield "# Results\n"
    yield (
        f"Medians of {repeat} runs, in turns, as whole processes, made by `benchmarks/run.py --compare`. "
        f"{platform.system()} {platform.machine()}, {len(os.sched_getaffinity(0))} cores, Python "
        f"{platform.python_version()}, load before the runs {os.getloadavg()[0]:.1f}. The peak is of the "
        "largest process. DuckDB runs [duckdb_tables.sql](duckdb_tables.sql): the same counts without fold, "
        "gate, software, places and signals.\n"
    )
    yield "Versions: " + ", ".join(f"{peer.name} {peer.version}" for peer in peers) + ".\n"
    if missing:
        yield f"Left out, since not here: {', '.join(missing)}.\n"
    if without:
        yield f"Left out of this page, since not asked for: {', '.join(without)}.\n"
    fixed = fixed_seconds(here[0], repeat)
    yield f"logscrub takes {fixed:.2f} s for a log of one line, which is in its seconds below.\n"
    for case in CASES:
        if case.name not in names:
            continue
        files = logs(case, scale, folder)
        chosen = [peer for peer in peers if case.format in peer.formats]
        stored = sum(path.stat().st_size for path in files)
        yield f"## ({case.name}) {case.title}\n"
        lines = case.lines(scale)
        yield f"{lines:,} lines, {stored / MILLION:,.0f} MB, {case.hits_per_visitor} for each visitor.\n"
        yield from table(runs_of(chosen, files, repeat), lines)
        if any(peer.name.startswith("DuckDB") for peer in chosen):
            agree = "equal" if totals_agree(files, peers[0]) else "DIFFER from"
            yield f"\nTotals of logscrub's tables of people {agree} those of the SQL script."
        yield ""
