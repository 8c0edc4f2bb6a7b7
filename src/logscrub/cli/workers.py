"""What becomes of a run whose worker process is gone, for which Beam would wait without end."""

import _thread
import contextlib
import signal
import threading
from collections.abc import Iterator

from logscrub.cli import leave
from logscrub.errors import ExitCode

_GRACE_SECONDS = 5.0
_LOST = (
    "a worker process ended unexpectedly, perhaps for want of memory: give fewer workers, or smaller ranges"
)


@contextlib.contextmanager
def watched_workers() -> Iterator[None]:
    """End the process with a word and the code of failure when a worker process of the local runner is gone.

    An interrupt of the user ends the workers too, and may take some moments to come through. What threads of
    Beam raise is not printed: it may quote what they worked on, and the run tells of it in its own words.
    """
    over, lost = threading.Event(), threading.Event()

    def hook(raised: threading.ExceptHookArgs) -> None:
        of_worker = raised.thread is not None and raised.thread.name == "run_worker"
        if not of_worker or over.wait(_GRACE_SECONDS):
            return
        lost.set()
        if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            leave(ExitCode.FAILED, _LOST)
        _thread.interrupt_main()

    before, threading.excepthook = threading.excepthook, hook
    try:
        yield
    except KeyboardInterrupt:
        if lost.is_set():
            leave(ExitCode.FAILED, _LOST)
        raise
    finally:
        over.set()
        threading.excepthook = before
