"""How far a run is, on standard error: a bar on a terminal, else a few lines.

It tells of the input as a whole, what is withheld included: sizes and times, no content. So it is for the
operator, whose input it is, and stands on standard error only, behind `progress:` where it is not a bar.
Nothing that goes wrong with it may end or delay a run.
"""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from logscrub.beam import progress
from logscrub.beam.leftovers import removed
from logscrub.beam.progress import Phase
from logscrub.inputs import Plan

_BAR_SECONDS = 0.2
_LINE_SECONDS = 30.0
_END_SECONDS = 2.0  # whoever reads standard error may have stopped to read
_MINUTE = 60
_HOUR = 60 * _MINUTE


@dataclass(frozen=True)
class Figures:
    """How far a run is.

    Attributes:
        phase: what it does.
        read: bytes read in this phase.
        to_read: bytes that this phase is going to read; 0 where it reads none.
        share: part of all reading that is done, 0 to 1.
        rate: bytes a second.
        seconds: since the pipeline was started.
    """

    phase: Phase
    read: int
    to_read: int
    share: float
    rate: float
    seconds: float

    @property
    def seconds_left(self) -> float:
        """Seconds until all is read, as far as the rate tells."""
        return self.seconds / self.share - self.seconds if self.share else 0.0


def figures(state: progress.State, to_read: dict[Phase, int], seconds: float) -> Figures:
    """How far a run is.

    Args:
        state: what the steps counted.
        to_read: bytes that each phase is going to read.
        seconds: since the pipeline was started.
    """
    phases = list(Phase)
    before = sum(to_read.get(phase, 0) for phase in phases[: phases.index(state.phase)])
    of_phase = to_read.get(state.phase, 0)
    read = min(state.read_bytes, of_phase)  # a retry reads again, and a range some bytes past its end
    total = sum(to_read.values())
    share = (before + read) / total if total else 0.0
    return Figures(state.phase, read, of_phase, share, (before + read) / max(seconds, 1e-9), seconds)


def in_words(now: Figures) -> str:
    """How far a run is, for a line: share, rate and time left, or how long it has taken."""
    if not now.to_read:
        return f"{duration(now.seconds)} so far"
    return f"{now.share:.0%}, {size(now.rate)}/s, about {duration(now.seconds_left)} left"


def start(plan: Plan) -> str:
    """The first line of a run: what it reads."""
    files = len({part.path for part in plan.ranges})
    return f"progress: reading {files:,} {'file' if files == 1 else 'files'}, {size(plan.total_bytes)}"


def speed(lines: int, stored_bytes: int, seconds: float) -> str:
    """The last line of a run: lines, rounded to two digits, stored bytes of the input, and their rates."""
    rate = f"{_rounded(lines / max(seconds, 1e-9)):,} lines/s, {size(stored_bytes / max(seconds, 1e-9))}/s"
    counted = "1 line" if lines == 1 else f"{_rounded(lines):,} lines"
    return f"progress: {counted}, {size(stored_bytes)} in {duration(seconds)}: {rate}"


def size(stored_bytes: float) -> str:
    """Bytes in decimal units, as disks and networks have them."""
    for unit in ("B", "kB", "MB", "GB"):
        if stored_bytes < 999.5:  # noqa: PLR2004
            return f"{stored_bytes:.3g} {unit}"
        stored_bytes /= 1000
    return f"{stored_bytes:,.1f} TB"


def duration(seconds: float) -> str:
    """Seconds in words, with two digits or two units."""
    if seconds < 9.5:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"


def _rounded(number: float) -> int:
    """A number with two digits."""
    return int(float(f"{number:.2g}"))


def tell(line: str) -> None:
    """Write a line to standard error; where that cannot be, nothing happens."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


class _Display(Protocol):
    interval: float

    def show(self, now: Figures) -> None: ...

    def close(self) -> None: ...


class _Lines:
    """A line every now and then, once it is known how far the run is."""

    interval = _LINE_SECONDS

    def __init__(self, plan: Plan) -> None:
        tell(start(plan))

    def show(self, now: Figures) -> None:
        if now.phase is not Phase.STARTED:
            tell(f"progress: {now.phase}: {in_words(now)}")

    def close(self) -> None:
        """There is nothing to tidy up."""


class _Bar:
    """A bar, which moves to and fro while it is not known how far the run is, and vanishes at the end."""

    interval = _BAR_SECONDS

    def __init__(self) -> None:
        # Its import would be felt where no bar is shown.
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

        bar = BarColumn(30, complete_style="cyan", finished_style="cyan", pulse_style="cyan")
        columns = (TextColumn("{task.description}"), bar, TextColumn("{task.fields[words]}"))
        console = Console(stderr=True, highlight=False)
        self._bar = Progress(*columns, console=console, transient=True, auto_refresh=False)
        self._task = self._bar.add_task(Phase.STARTED.value, total=None, words="")
        self._bar.start()

    def show(self, now: Figures) -> None:
        words = in_words(now)
        if now.to_read:
            words = f"{size(now.read)} of {size(now.to_read)}, {words}"
        total = 1.0 if now.to_read else None
        self._bar.update(
            self._task, description=now.phase.value, total=total, completed=now.share, words=words
        )
        self._bar.refresh()

    def close(self) -> None:
        self._bar.stop()


@contextlib.contextmanager
def show_progress(plan: Plan, more_bytes: int = 0) -> Iterator[None]:
    """Show how far the run of a plan is, until the block ends."""
    progress.enter(Phase.STARTED)
    ended = threading.Event()
    to_read = progress.bytes_to_read(plan, more_bytes)
    shown = threading.Thread(target=_show, args=(plan, to_read, ended), name="progress", daemon=True)
    shown.start()

    def end() -> None:
        ended.set()
        shown.join(_END_SECONDS)

    with removed(end):
        yield


def _show(plan: Plan, to_read: dict[Phase, int], ended: threading.Event) -> None:
    started = time.monotonic()
    # A bar that cannot be drawn is no reason to say a word.
    with contextlib.suppress(Exception):
        display: _Display = _Bar() if _on_terminal() else _Lines(plan)
        try:
            while not ended.wait(display.interval):
                display.show(figures(progress.state(), to_read, time.monotonic() - started))
        finally:
            display.close()


def _on_terminal() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")
