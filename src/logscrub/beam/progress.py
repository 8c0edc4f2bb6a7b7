"""How far a run is: the bytes of input that the steps of this process have read.

Module state, on purpose: a runner pickles the steps and runs copies of them, so that no object reaches from
the process's own code into a step; the local runner runs the copies in threads of this process, where this
module is the same. It holds a count of bytes and the name of a phase, and nothing of what was read. Steps in
other processes count there, and whoever asks here sees a count that stands still.
"""

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, BinaryIO, cast

from logscrub.inputs import Opener, Plan


class Phase(StrEnum):
    """What a run does, in its order."""

    STARTED = "running"
    READING_SIGNALS = "reading signals"
    READING = "reading"
    RELEASING = "following visitors and releasing"


@dataclass(frozen=True)
class State:
    """How far the run is: what it does, and stored bytes that the steps of this phase have read."""

    phase: Phase
    read_bytes: int


class _Count:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.enter(Phase.STARTED)

    def enter(self, phase: Phase) -> None:
        with self._lock:
            self._phase, self._bytes = phase, 0

    def go_on(self, phase: Phase) -> None:
        with self._lock:
            if self._phase is not phase:
                self._phase, self._bytes = phase, 0

    def add(self, read: int) -> None:
        with self._lock:  # threads of the runner read at the same time, and += is two steps
            self._bytes += read

    def state(self) -> State:
        with self._lock:
            return State(self._phase, self._bytes)


_count = _Count()


def enter(phase: Phase) -> None:
    """Say that a phase begins: nothing of it is read yet."""
    _count.enter(phase)


def state() -> State:
    """How far the run is, as far as this process sees it."""
    return _count.state()


def bytes_to_read(plan: Plan, more_bytes: int) -> dict[Phase, int]:
    """Stored bytes that each phase of a run is going to read, of which some are read for signals only."""
    return {Phase.READING_SIGNALS: plan.total_bytes + more_bytes, Phase.READING: plan.total_bytes}


def counted(open_file: Opener, phase: Phase) -> Opener:
    """An opener of files whose bytes are counted as they are read, for a step."""

    def open_counted(path: str) -> BinaryIO:
        _count.go_on(phase)
        return cast(BinaryIO, _CountedFile(open_file(path)))

    return open_counted


class _CountedFile:
    """A file as `logscrub.text` reads it; a call, not a line, is what counting costs."""

    def __init__(self, file: BinaryIO) -> None:
        self._file: Any = file

    def read(self, size: int = -1, /) -> bytes:
        data: bytes = self._file.read(size)
        _count.add(len(data))
        return data

    def readinto(self, buffer: Any, /) -> int | None:
        got: int | None = self._file.readinto(buffer)
        _count.add(got or 0)
        return got

    def seek(self, offset: int, whence: int = 0, /) -> int:
        place: int = self._file.seek(offset, whence)
        return place

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "_CountedFile":
        self._file.__enter__()
        return self

    def __exit__(self, *raised: object) -> None:
        self._file.__exit__(*raised)
