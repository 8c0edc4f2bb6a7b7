"""Time and memory of who is withheld, by the number of identifiers: `python benchmarks/identifiers.py`.

Records with a device, a session and a visitor-day each are collected in blocks, merged as a run merges them
and resolved, in one process. One record in a thousand carries a signal.
"""

import argparse
import resource
import time

import numpy as np

from logscrub.config import Audience
from logscrub.privacy.children import NEVER
from logscrub.privacy.joins import SignalSet

_BLOCK = 250_000  # records
_MERGED_AT_ONCE = 32


def collect(records: int, seed: int) -> list[SignalSet]:
    """Signals of blocks of records, each with two identifiers of its own."""
    rng = np.random.default_rng(seed)
    found: list[SignalSet] = []
    for start in range(0, records, _BLOCK):
        count = min(_BLOCK, records - start)
        ids = [rng.integers(1, 2**62, count, dtype=np.uint64) for _ in range(2)]
        pair = rng.integers(1, 2**62, count, dtype=np.uint64)
        withhold = rng.random(count) < 0.001
        never = np.full(count, NEVER, np.int32)
        found.append(SignalSet.from_records(ids, pair, withhold, never, b"check"))
        if len(found) >= _MERGED_AT_ONCE:
            found = [SignalSet.merge(found)]
    return found


def main() -> None:
    """Print the figures for each number of identifiers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--identifiers", type=int, default=10_000_000, help="identifiers in all")
    identifiers = parser.parse_args().identifiers
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    merged = SignalSet.merge(collect(identifiers // 2, seed=1))
    collected = time.perf_counter()
    withheld = merged.resolve(Audience.GENERAL)
    resolved = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{identifiers:,} identifiers, {len(withheld.ids):,} withheld: collect and merge "
        f"{collected - started:.1f} s, resolve {resolved - collected:.1f} s; {peak // 1024:,} MiB at most, "
        f"{before // 1024:,} of them before; {len(merged.to_bytes()) / 2**20:,.0f} MiB between steps"
    )


if __name__ == "__main__":
    main()
