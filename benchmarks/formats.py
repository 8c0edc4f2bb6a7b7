"""Time the parsing of each format on one core: `python benchmarks/formats.py`.

The lines are those of `sample_logs/formats/` again and again, with other addresses, clocks and numbers in
each, so that values repeat about as often as they do in logs. Of JSON lines those with the usual keys are
taken: a server writes one schema.
"""

import argparse
import json
import random
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

from logscrub.formats.detect import detect
from logscrub.formats.registry import format_by_name
from logscrub.text.blocks import Block

SAMPLES = Path(__file__).parents[1] / "sample_logs" / "formats"
_ADDRESS = re.compile(rb"\b(?:203\.0\.113|198\.51\.100|192\.0\.2)\.\d{1,3}\b")
_CLOCK = re.compile(rb"\b([012]\d):[0-5]\d:[0-5]\d\b")
_NUMBER = re.compile(rb"(?<=[ :,\"])\d{3,5}(?=[ ,\"}])(?<! [1-5]\d\d)")


def varied(lines: list[bytes], count: int, seed: int) -> bytes:
    """So many lines like the given ones; directives stand once, at the beginning."""
    rng = random.Random(seed)
    directives = [line for line in lines if line.startswith(b"#")]
    others = [line for line in lines if line.strip() and not line.startswith(b"#")]

    def changed(line: bytes) -> bytes:
        address = b"198.18.%d.%d" % (rng.randrange(32), rng.randrange(256))
        line = _ADDRESS.sub(address, line)
        clock = b":%02d:%02d" % (rng.randrange(60), rng.randrange(60))
        line = _CLOCK.sub(rb"\1" + clock, line)
        return _NUMBER.sub(lambda _: b"%d" % rng.randrange(100, 40_000), line, count=1)

    return b"\n".join([*directives, *(changed(rng.choice(others)) for _ in range(count))]) + b"\n"


def good_lines(name: str, data: bytes) -> list[bytes]:
    """Lines of a sample that the format takes: the others are there to be refused."""
    lines = data.replace(b"\r\n", b"\n").split(b"\n")
    rejected = set(format_by_name(name).parse(Block(data, 0)).rejected.tolist())
    kept = [line for at, line in enumerate(lines) if at not in rejected]
    if kept and kept[0].startswith(b"{"):
        return _of_one_server(kept)
    last = max((at for at, line in enumerate(kept) if line.lower().startswith(b"#fields")), default=0)
    # Where fields change, the first ones count: one header serves for all lines.
    return kept if not last else _under_first_header(kept)


def _of_one_server(lines: list[bytes]) -> list[bytes]:
    """Lines that have the same keys, of the same types, as most of them: a server writes one schema."""
    shapes = {line: _shape(json.loads(line)) for line in lines if line.strip() and rb"\x" not in line}
    usual = Counter(shapes.values()).most_common(1)[0][0]
    return [line for line in lines if shapes.get(line) == usual]


def _shape(value: Any) -> str:
    if isinstance(value, dict):
        return json.dumps({key: _shape(inner) for key, inner in sorted(value.items())})
    return type(value).__name__


def _under_first_header(lines: list[bytes]) -> list[bytes]:
    headers = [at for at, line in enumerate(lines) if line.lower().startswith(b"#fields")]
    return lines[: headers[1]] if len(headers) > 1 else lines


def timed(name: str, data: bytes, repeat: int) -> float:
    """Seconds of this thread to parse the block, the least of several."""
    known = format_by_name(name)
    best = float("inf")
    for _ in range(repeat):
        started = time.thread_time()
        known.parse(Block(data, 0))
        best = min(best, time.thread_time() - started)
    return best


def main() -> None:
    """Print lines a second and core for each sample."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=100_000, metavar="N", help="lines of each format")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="runs to take the best of")
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    results = {}
    for path in sorted(SAMPLES.iterdir()):
        sample = path.read_bytes()
        name = detect(sample).format_name
        if name is None:
            continue
        data = varied(good_lines(name, sample), chosen.lines, seed=1)
        results[path.stem] = {
            "format": name,
            "lines_per_s": round(chosen.lines / timed(name, data, chosen.repeat)),
        }
    if chosen.json:
        print(json.dumps(results, indent=2))
        return
    for stem, result in results.items():
        print(f"{stem:28} {result['format']:28} {result['lines_per_s']:>12,} lines/s a core")


if __name__ == "__main__":
    main()
