"""Write synthetic logs: the committed sample, or as many lines of traffic as a benchmark needs.

python benchmarks/generate.py sample --output sample_logs/site
python benchmarks/generate.py traffic --lines 10000000 --visitors 400000 --days 7 --files 8 --output logs
python benchmarks/generate.py traffic --lines 10000000 --hits-per-visitor 25 --format common --output logs
"""

from __future__ import annotations

import argparse
import math
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
    large.add_argument("--lines", type=int, help="two of these three give the third")
    large.add_argument("--visitors", type=int, help="people at most; bots come on top")
    large.add_argument("--hits-per-visitor", type=float, help="lines for each of the visitors")
    large.add_argument("--days", type=int, default=1)
    large.add_argument("--files", type=int, default=1)
    large.add_argument("--format", choices=traffic.FORMATS, default="combined")
    large.add_argument("--gzip", action="store_true")
    large.add_argument("--seed", type=int, default=0)
    large.add_argument("--output", type=Path, required=True)
    options = parser.parse_args(argv)
    if options.command == "traffic":
        try:
            options.lines, options.visitors = amounts(
                options.lines, options.visitors, options.hits_per_visitor
            )
        except ValueError as error:
            parser.error(str(error))
        if min(options.days, options.files) < 1:
            parser.error("--days and --files are 1 or more")
    return options


def amounts(lines: int | None, visitors: int | None, hits_per_visitor: float | None) -> tuple[int, int]:
    """Return the number of lines and of visitors, of which two of three were given.

    Raises:
        ValueError: fewer were given, one is too small, or all three do not agree.
    """
    if sum(given is None for given in (lines, visitors, hits_per_visitor)) > 1:
        raise ValueError("give two of --lines, --visitors and --hits-per-visitor")
    if hits_per_visitor is not None and not 0 < hits_per_visitor < math.inf:
        raise ValueError("--hits-per-visitor is above 0")
    if lines is None:
        lines = round((visitors or 0) * (hits_per_visitor or 0))
    elif visitors is None:
        visitors = max(1, round(lines / (hits_per_visitor or 1)))
    elif hits_per_visitor is not None and lines != round(visitors * hits_per_visitor):
        raise ValueError("--lines is not --visitors times --hits-per-visitor: give two of the three")
    if visitors is None or min(lines, visitors) < 1:
        raise ValueError("--lines and --visitors are 1 or more")
    return lines, visitors


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
