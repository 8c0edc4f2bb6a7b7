"""Write synthetic logs: the committed sample, or as many lines of traffic as a benchmark needs.

python benchmarks/generate.py sample --output sample_logs
python benchmarks/generate.py traffic --lines 10000000 --visitors 400000 --days 7 --files 8 --output logs
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

# Run as a script, Python looks for modules beside this file and not in the directory above.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import sample, traffic


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="generate.py", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    small = commands.add_parser("sample", help="two days of a small shop, the same bytes every time")
    small.add_argument("--output", type=Path, required=True)
    large = commands.add_parser("traffic", help="any number of lines, none of which repeats itself")
    large.add_argument("--lines", type=int, required=True)
    large.add_argument("--visitors", type=int, required=True)
    large.add_argument("--days", type=int, default=1)
    large.add_argument("--files", type=int, default=1)
    large.add_argument("--format", choices=traffic.FORMATS, default="combined")
    large.add_argument("--gzip", action="store_true")
    large.add_argument("--seed", type=int, default=0)
    large.add_argument("--output", type=Path, required=True)
    options = parser.parse_args(argv)
    if options.command == "traffic" and min(options.lines, options.visitors, options.days, options.files) < 1:
        parser.error("--lines, --visitors, --days and --files are 1 or more")
    return options


def main(argv: list[str] | None = None) -> None:
    """Write what the command line asks for, and tell what was written."""
    options = _arguments(argv)
    if options.command == "sample":
        for name, count in sample.write(options.output).items():
            print(f"{count:>7,} {name}")
        return
    started = time.perf_counter()
    plan = traffic.Plan(
        lines=options.lines,
        visitors=options.visitors,
        days=options.days,
        files=options.files,
        format=options.format,
        gzip=options.gzip,
        seed=options.seed,
    )
    for path in traffic.write(plan, options.output):
        print(path)
    seconds = time.perf_counter() - started
    print(
        f"{options.lines:,} lines in {seconds:.1f} s, {options.lines / seconds:,.0f} a second",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
