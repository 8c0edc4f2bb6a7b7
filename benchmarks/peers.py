"""Other programs that read access logs: how each is called, and how many lines it says it has read."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import ROOT

AWSTATS = Path("/usr/lib/cgi-bin/awstats.pl")
"""Where Debian puts it, which no path names."""

OWN = "example.com"
"""Domain of the hosts of generated logs."""

_AWSTATS_SETTINGS = f"""
LogFile="{{command}} |"
LogFormat=1
SiteDomain="{OWN}"
HostAliases="localhost"
DirData="{{folder}}"
DNSLookup=0
AllowFullYearView=3
"""
_ANY_JOBS = re.compile(r"--jobs\b")


@dataclass(frozen=True)
class Peer:
    """A program that is compared.

    Attributes:
        name: name and number of threads or jobs.
        version: what it says of itself.
        command: command line for files, with a folder of its own to write to; standard output is kept there
            as `stdout`.
        lines: lines that it read, by what it wrote into that folder.
        formats: log formats of `generate.py` that it is compared on.
    """

    name: str
    version: str
    command: Callable[[Sequence[Path], Path], list[str]]
    lines: Callable[[Path], int]
    formats: tuple[str, ...] = ("combined",)


def installed() -> tuple[list[Peer], list[str]]:
    """Peers that are here, logscrub first, and the names of those that are not."""
    found: list[Peer] = [_logscrub("logscrub"), _logscrub("logscrub, 1 thread", "--jobs", "1")]
    missing = []
    for peers in (_duckdb, _goaccess, _awstats, _anonip):
        these, absent = peers()
        found += these
        missing += absent
    return found, missing


def _logscrub(name: str, *options: str) -> Peer:
    def command(files: Sequence[Path], folder: Path) -> list[str]:
        settings = folder / "logscrub.toml"
        settings.write_text(f'own_hosts = ["{OWN}"]\n', encoding="utf-8")
        out = ["-o", str(folder / "stats"), "--account", str(folder / "account.json")]
        return [
            *(sys.executable, "-m", "logscrub", "run", *map(str, files), *out),
            *("--config", str(settings), "--quiet", *options),
        ]

    def lines(folder: Path) -> int:
        return int(json.loads((folder / "account.json").read_text(encoding="utf-8"))["total"])

    told = _output([sys.executable, "-m", "logscrub", "--version"])
    return Peer(name, told.split()[-1], command, lines, ("combined", "json"))


def _duckdb() -> tuple[list[Peer], list[str]]:
    if importlib.util.find_spec("duckdb") is None:
        return [], ["DuckDB"]
    script = str(ROOT / "benchmarks" / "duckdb_tables.py")

    def command(files: Sequence[Path], _: Path) -> list[str]:
        return [sys.executable, script, *map(str, files), "--own", OWN]

    def lines(folder: Path) -> int:
        told = json.loads((folder / "stdout").read_text(encoding="utf-8"))
        return int(told["days"]["hits"]) + int(told["bots"]["hits"])

    version = _output([sys.executable, "-c", "import duckdb; print(duckdb.__version__)"])
    return [Peer("DuckDB, 2 threads", version, command, lines)], []


def _goaccess() -> tuple[list[Peer], list[str]]:
    program = shutil.which("goaccess")
    if not program:
        return [], ["GoAccess"]
    version = _output([program, "--version"]).split()[2].rstrip(".")
    jobs = [1, 2] if _ANY_JOBS.search(_output([program, "--help"])) else [1]

    def peer(number: int) -> Peer:
        def command(files: Sequence[Path], folder: Path) -> list[str]:
            options = "--log-format=COMBINED --no-global-config --no-progress"
            several = f" --jobs={number}" if number > 1 else ""
            out = shlex.quote(str(folder / "report.json"))
            return _shell(f"{_text_of(files)} | {program} - {options}{several} -o {out}")

        return Peer(f"GoAccess, {number} job{'s' * (number > 1)}", version, command, _of_report)

    absent = [] if len(jobs) > 1 else [f"GoAccess with 2 jobs (version {version} has no such option)"]
    return [peer(number) for number in jobs], absent


def _of_report(folder: Path) -> int:
    told = json.loads((folder / "report.json").read_text(encoding="utf-8", errors="replace"))
    return int(told["general"]["total_requests"])


def _awstats() -> tuple[list[Peer], list[str]]:
    if not AWSTATS.exists():
        return [], ["AWStats"]

    def command(files: Sequence[Path], folder: Path) -> list[str]:
        settings = _AWSTATS_SETTINGS.format(command=_text_of(files), folder=folder)
        (folder / "awstats.benchmark.conf").write_text(settings, encoding="utf-8")
        options = f"-config=benchmark -configdir={shlex.quote(str(folder))} -update"
        return _shell(f"AWSTATS_ENABLE_CONFIG_DIR=1 perl {AWSTATS} {options}")

    def lines(folder: Path) -> int:
        told = re.search(r"Parsed lines in file: (\d+)", (folder / "stdout").read_text(encoding="utf-8"))
        return int(told[1]) if told else 0

    version = re.search(r"VERSION\s*=\s*\"([^\"]+)\"", AWSTATS.read_text(encoding="latin-1"))
    return [Peer("AWStats", version[1].split()[0] if version else "unknown", command, lines)], []


def _anonip() -> tuple[list[Peer], list[str]]:
    program = shutil.which("anonip")
    if not program:
        return [], ["Anonip"]

    def command(files: Sequence[Path], folder: Path) -> list[str]:
        return _shell(f"{_text_of(files)} | {program} --output {shlex.quote(str(folder / 'masked.log'))}")

    def lines(folder: Path) -> int:
        with (folder / "masked.log").open("rb") as masked:
            return sum(1 for _ in masked)

    return [Peer("Anonip (masks only)", _output([program, "--version"]), command, lines)], []


def _text_of(files: Sequence[Path]) -> str:
    """A command that writes the text of files."""
    program = "gzip -dc" if files[0].suffix == ".gz" else "cat"
    return f"{program} {shlex.join(map(str, files))}"


def _shell(command: str) -> list[str]:
    return ["sh", "-c", command]


def _output(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    return (done.stdout or done.stderr).strip()
