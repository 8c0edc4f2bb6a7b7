"""What a run must not leave behind, however it ends.

Module state, on purpose: an interrupt ends the process from wherever it stands, without unwinding, because
worker threads of a runner may hold it up, and an exception may get lost in a callback of a library.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

_PREFIX = "logscrub-"
_remove: list[Callable[[], None]] = []


@contextlib.contextmanager
def removed(cleanup: Callable[[], None]) -> Iterator[None]:
    """Have something done at the end of a block, or when the process is ended in the midst of it.

    Args:
        cleanup: does it; may be called twice, at the same time too.
    """
    _remove.append(cleanup)
    try:
        yield
    finally:
        try:
            cleanup()
        finally:  # not before: an interrupt in its midst must do it again
            _remove.remove(cleanup)


def clean_up() -> None:
    """Remove everything that is going to be left; for the end of the process only."""
    threading.excepthook = lambda _: None  # threads of the runner that miss the workers
    _end_workers()
    for cleanup in reversed(_remove):
        with contextlib.suppress(OSError):
            cleanup()


@contextlib.contextmanager
def temporary_folder() -> Iterator[str]:
    """A folder of this process alone, and none of those that killed ones left.

    Who lives holds a lock on its folder: a process id would be that of another process in another container.
    """
    place = Path(tempfile.gettempdir())
    _sweep(place)
    name = f"{_PREFIX}{secrets.token_hex(4)}"
    hidden, folder = place / f".{name}", place / name
    # Its removal is arranged before it is there: an interrupt may come at any moment.
    with removed(lambda: _remove_all(hidden, folder)):
        hidden.mkdir(mode=0o700)
        handle = os.open(hidden, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            hidden.rename(folder)  # from here on it is swept, unless it is locked
            yield str(folder)
        finally:
            os.close(handle)


def _remove_all(*folders: Path) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(place: Path) -> None:
    for folder in place.glob(f"{_PREFIX}????????"):
        with contextlib.suppress(OSError):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(handle).st_uid == os.geteuid():
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(handle)


def _end_workers() -> None:
    """Kill the processes that this one started, and theirs, where the system tells them."""
    for pid in _descendants(os.getpid()):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def _descendants(pid: int) -> list[int]:
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, children.read_text().split()):
                found += [child, *_descendants(child)]
    return found
