"""Run logscrub with a clock around its steps: `python -m benchmarks.timed OUTFILE run ARGS...`.

The probes stand in one table. A probe that runs inside another one is told under it (`scrub/tokenise`), so
that what both steps use is counted for each of them.
"""

from __future__ import annotations

import functools
import importlib
import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

STEPS = ("plan", "read signals", "scrub", "follow visitors", "release", "publish")

PROBES = (
    ("plan", "logscrub.beam.run", "plan_inputs"),
    ("read signals", "logscrub.engine", "read_signals"),
    ("scrub", "logscrub.engine", "scrub_range"),
    ("follow visitors", "logscrub.engine", "follow_visitors"),
    ("release", "logscrub.engine", "release_cells"),
    ("publish", "logscrub.beam.steps", "publish_day"),
    ("identify", "logscrub.scrub.identities", "Identifier.__call__"),
    ("withhold", "logscrub.privacy.joins", "Withheld.mask"),
    ("make hits", "logscrub.scrub.hits", "HitMaker.__call__"),
    ("sort", "logscrub.scrubbing", "_Hits._flush"),
    ("encode", "logscrub.scrubbing", "encode_hits"),
    ("decode", "logscrub.engine", "decode_hits"),
    ("build tables", "logscrub.engine", "build_tables"),
    ("fold", "logscrub.release.day", "release_rows"),
)
"""(name of the probe, module, function in it): the steps first, then parts of them."""


class Clock:
    """Seconds and CPU seconds of each probe, from all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._here = threading.local()
        self._running = 0
        self._since = 0.0
        self.busy = 0.0
        self.seen: dict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0])

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function` with its calls timed under `name`."""

        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            outer = getattr(self._here, "path", "")
            self._here.path = path = f"{outer}/{name}" if outer else name
            self._enter(outermost=not outer)
            wall, cpu = time.perf_counter(), time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                spent = time.perf_counter() - wall, time.thread_time() - cpu
                self._here.path = outer
                self._leave(path, spent, outermost=not outer)

        return timed

    def _enter(self, *, outermost: bool) -> None:
        if outermost:
            with self._lock:
                self._since = self._since if self._running else time.perf_counter()
                self._running += 1

    def _leave(self, path: str, spent: tuple[float, float], *, outermost: bool) -> None:
        with self._lock:
            sums = self.seen[path]
            sums[0], sums[1], sums[2] = sums[0] + 1, sums[1] + spent[0], sums[2] + spent[1]
            if outermost:
                self._running -= 1
                self.busy += 0.0 if self._running else time.perf_counter() - self._since

    def told(self) -> dict[str, Any]:
        """Return `busy` (seconds in which at least one probe ran) and calls, seconds and CPU of each."""
        probes = {
            path: {"calls": int(calls), "wall_s": wall, "cpu_s": cpu}
            for path, (calls, wall, cpu) in self.seen.items()
        }
        return {"busy_s": self.busy, "probes": probes}


def owner_of(module: str, name: str) -> tuple[Any, str]:
    """Return what holds a function, module or class, and its name there.

    Raises:
        AttributeError: there is none: the table of probes is behind the code.
    """
    owner: Any = importlib.import_module(module)
    *classes, function = name.split(".")
    for one in classes:
        owner = getattr(owner, one)
    getattr(owner, function)
    return owner, function


def install(clock: Clock) -> None:
    """Put every probe in its place, and one on the parser of every format."""
    from logscrub.formats.registry import FORMATS  # noqa: PLC0415

    places = [(name, *owner_of(module, function)) for name, module, function in PROBES]
    places += [("tokenise", kind, "parse") for kind in {type(known) for known in FORMATS}]
    for name, owner, function in places:
        setattr(owner, function, clock.wrap(name, getattr(owner, function)))


def main() -> None:
    """Run the command line that follows OUTFILE, and write there what the probes saw."""
    outfile, sys.argv = Path(sys.argv[1]), ["logscrub", *sys.argv[2:]]
    clock = Clock()
    install(clock)
    from logscrub.cli import main as logscrub  # noqa: PLC0415

    try:
        logscrub()
    finally:
        outfile.write_text(json.dumps(clock.told()), encoding="utf-8")


if __name__ == "__main__":
    main()
