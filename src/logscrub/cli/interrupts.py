"""What an interrupt (Ctrl-C) does while modules are imported, and while a pipeline runs."""

import contextlib
import signal
from collections.abc import Iterator

from logscrub.cli import leave


@contextlib.contextmanager
def ending_at_once() -> Iterator[None]:
    """Let an interrupt end the process at once, without an exception.

    One in the midst of an import, or of a callback of a library, may be swallowed or leave it as another one.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # ignored, or somebody else's
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: leave())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
