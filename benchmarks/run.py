"""Time the command line as a whole process, and its steps in one more run.

python benchmarks/generate.py traffic --lines 2000000 --hits-per-visitor 16 --output /tmp/logs
python benchmarks/run.py /tmp/logs --repeat 3
python benchmarks/run.py --compare /tmp/logs --scale 0.2 --write benchmarks/RESULTS.md
"""

from __future__ import annotations

import argparse
import glob
import gzip
import importlib.metadata
import json
import math
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, BinaryIO, cast

ROOT = Path(__file__).resolve().parent.parent
# Run as a script, Python looks for modules beside this file and not in the directory above.
sys.path.insert(0, str(ROOT))

from benchmarks import compare  # noqa: E402
from benchmarks.processes import Process, run_process  # noqa: E402
from benchmarks.timed import STEPS  # noqa: E402

MEGA, MIB = 1_000_000, 1024 * 1024
GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Input:
    """What is read: number of files, bytes as stored and as text, lines."""

    files: int
    stored_bytes: int
    text_bytes: int
    lines: int


def _files(inputs: Sequence[str]) -> Iterator[Path]:
    for text in inputs:
        for path in map(Path, sorted(glob.glob(text)) or [text]):  # noqa: PTH207 - absolute patterns too
            yield from (sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path])


def _lines_and_bytes(path: Path) -> tuple[int, int]:
    with path.open("rb") as raw:
        packed = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        stream = cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if packed else raw
        lines = size = 0
        last = b"\n"
        while chunk := stream.read(MIB):
            lines, size, last = lines + chunk.count(b"\n"), size + len(chunk), chunk[-1:]
        return lines + (last != b"\n"), size


def measure_input(inputs: Sequence[str]) -> Input:
    """Count files, bytes and lines of files, folders and patterns."""
    files = list(_files(inputs))
    counts = [_lines_and_bytes(path) for path in files]
    stored = sum(path.stat().st_size for path in files)
    return Input(len(files), stored, sum(size for _, size in counts), sum(lines for lines, _ in counts))


def _command(inputs: Sequence[str], output: Path, options: argparse.Namespace) -> list[str]:
    arguments = ["run", *inputs, "-o", str(output), "--quiet"]
    arguments += ["--jobs", str(options.jobs)] if options.jobs else []
    return arguments + (["--config", options.config] if options.config else [])


def _repeat(arguments: Sequence[str], output: Path, times: int) -> list[Process]:
    found = []
    for _ in range(times):
        found.append(run_process([sys.executable, *arguments]))
        shutil.rmtree(output, ignore_errors=True)
    return found


def _split(inputs: Sequence[str], folder: Path, options: argparse.Namespace, lines: int) -> dict[str, Any]:
    """Run once with probes and return what they saw, with what is left of the whole process."""
    outfile = folder / "probes.json"
    command = _command(inputs, folder / "timed", options)
    process = run_process([sys.executable, "-m", "benchmarks.timed", str(outfile), *command])
    told = json.loads(outfile.read_text(encoding="utf-8"))
    cpu = process.cpu_s
    of_steps = sum(told["probes"].get(step, {"cpu_s": 0.0})["cpu_s"] for step in STEPS)
    rest = {"calls": 1, "wall_s": process.wall_s - told["busy_s"], "cpu_s": cpu - of_steps}
    whole = {"calls": 1, "wall_s": process.wall_s, "cpu_s": cpu}
    rows = _with_remainders(told["probes"]) | {"rest (start, Beam)": rest, "whole process": whole}
    for row in rows.values():
        row["cpu_s_per_million_lines"] = row["cpu_s"] * MEGA / lines
    return rows


def _with_remainders(probes: dict[str, Any]) -> dict[str, Any]:
    """Return the steps in their order, below each its parts and what no part accounts for."""
    rows: dict[str, Any] = {}

    def add(path: str) -> None:
        rows[path] = probes[path]
        parts = [p for p in probes if p.rpartition("/")[0] == path]
        for part in sorted(parts, key=lambda p: -float(probes[p]["wall_s"])):
            add(part)
        if parts:
            left = {k: probes[path][k] - sum(probes[p][k] for p in parts) for k in ("wall_s", "cpu_s")}
            rows[f"{path}/other"] = {"calls": probes[path]["calls"], **left}

    for step in STEPS:
        if step in probes:
            add(step)
    return rows


def _machine() -> dict[str, Any]:
    names = ("apache-beam", "pyarrow", "numpy")
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in names},
    }


def benchmark(options: argparse.Namespace) -> dict[str, Any]:
    """Return everything that is measured, in seconds, bytes and lines."""
    machine, read = _machine(), measure_input(options.inputs)
    if not read.lines:
        raise SystemExit("no lines in the input")
    with tempfile.TemporaryDirectory(prefix="logscrub-benchmark-") as name:
        folder = Path(name)
        output, one_line = folder / "out", folder / "one.log"
        one_line.write_text(compare.ONE_LINE, encoding="utf-8")
        logscrub = ["-m", "logscrub"]
        runs = _repeat([*logscrub, *_command(options.inputs, output, options)], output, options.repeat)
        least = _repeat([*logscrub, *_command([str(one_line)], output, options)], output, options.repeat)
        usage = _repeat([*logscrub, "--help"], output, options.repeat)
        split = _split(options.inputs, folder, options, read.lines)
    wall = median(run.wall_s for run in runs)
    return {
        "machine": machine,
        "input": asdict(read),
        "runs": [asdict(run) for run in runs],
        "result": {
            "wall_s_median": wall,
            "wall_s_min": min(run.wall_s for run in runs),
            "lines_per_s": read.lines / wall,
            "text_mb_per_s": read.text_bytes / wall / MEGA,
            "stored_mb_per_s": read.stored_bytes / wall / MEGA,
            "peak_mib": max(run.peak_bytes for run in runs) / MIB,
            "user_s_median": median(run.user_s for run in runs),
            "system_s_median": median(run.system_s for run in runs),
        },
        "fixed": {
            "one_line_s_median": median(run.wall_s for run in least),
            "one_line_peak_mib": max(run.peak_bytes for run in least) / MIB,
            "help_s_median": median(run.wall_s for run in usage),
        },
        "split": split,
    }


def report(found: dict[str, Any]) -> Iterator[str]:
    """Give the lines of a report on what `benchmark` returned."""
    yield ", ".join(f"{name} {value}" for name, value in found["machine"].items())
    read = found["input"]
    yield (
        f"input: {read['files']:,} files, {read['lines']:,} lines, {read['text_bytes'] / MEGA:,.1f} MB "
        f"({read['stored_bytes'] / MEGA:,.1f} MB as stored); {len(found['runs'])} runs"
    )
    yield ""
    for part in ("result", "fixed"):
        for name, value in found[part].items():
            yield f"{name:<20} {value:>14,.{0 if value >= 1000 else 2}f}"
        yield ""
    yield "One more run, with probes. The wall of a step is summed over threads; CPU is that of the thread"
    yield "itself, so that work of Arrow's own threads, and what no step spends, is in the rest."
    yield f"{'step':<28} {'calls':>7} {'wall s':>9} {'CPU s':>9} {'CPU s / M lines':>16}"
    for path, row in found["split"].items():
        name = "  " * path.count("/") + path.rpartition("/")[2]
        yield (
            f"{name:<28} {row['calls']:>7,} {row['wall_s']:>9.2f} {row['cpu_s']:>9.2f} "
            f"{row['cpu_s_per_million_lines']:>16.2f}"
        )


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("inputs", nargs="*", metavar="INPUT", help="file, folder or pattern of logs")
    parser.add_argument(
        "--compare", type=Path, metavar="FOLDER", help="compare with peers on logs made there"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="of --compare: share of its lines to make")
    parser.add_argument("--cases", default="abcde", help="of --compare: which of its logs")
    parser.add_argument(
        "--without", action="append", default=[], metavar="PEER", help="of --compare: leave out"
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="of --compare: page of results to write")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="runs to take the median of")
    parser.add_argument("--jobs", type=int, metavar="N", help="as of logscrub run")
    parser.add_argument("--config", metavar="FILE", help="as of logscrub run")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    if options.repeat < 1 or not 0 < options.scale < math.inf:
        parser.error("--repeat is 1 or more, --scale above 0")
    if bool(options.inputs) == bool(options.compare):
        parser.error("give logs, or --compare and a folder")
    return options


def _compare(options: argparse.Namespace) -> None:
    lines = []
    for line in compare.page(options.compare, options.scale, options.repeat, options.cases, options.without):
        print(line, flush=True)
        lines.append(line)
    if options.write:
        options.write.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def main(argv: list[str] | None = None) -> None:
    """Measure what the command line asks for and print it."""
    options = _arguments(argv)
    if options.compare:
        _compare(options)
        return
    found = benchmark(options)
    print(json.dumps(found, indent=2) if options.json else "\n".join(report(found)))


if __name__ == "__main__":
    main()
