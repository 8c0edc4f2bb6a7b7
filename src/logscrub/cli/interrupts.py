"""What an interrupt (Ctrl-C) does while modules are imported, and while a pipeline runs."""

import contextlib
import signal
from collections.abc import Iterator

from logscrub.cli import leave

TERMINATED = 128 + signal.SIGTERM
"""Exit code of a run that was told to end, as shells have it."""

_TERMINATED = "terminated; days that were not finished have no manifest: run the same command again"


@contextlib.contextmanager
def ending_at_once() -> Iterator[None]:
    """Let an interrupt, or the signal by which schedulers end a job, end the process at once.

    One in the midst of an import, or of a callback of a library, may be swallowed or leave it as another one.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # ignored, or somebody else's
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: leave())
    before = signal.signal(signal.SIGTERM, lambda *_: leave(TERMINATED, told=_TERMINATED))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, before)
