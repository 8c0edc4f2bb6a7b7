"""A worker process of the local runner: Beam's own, but quiet on standard error, and ending with its parent.

Beam logs advice while it is imported and started, before it has read which level is wanted; and a worker that
finds nobody to work for goes on to look.
"""

import logging
import os
import signal
import sys
import threading
import time

_LOOK_SECONDS = 0.5


def main() -> None:
    """Work for the process whose id is the argument, until it has no more work or is gone."""
    logging.getLogger().addHandler(logging.NullHandler())
    # An interrupt reaches the whole group of processes; the one that was started tells of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(int(sys.argv[1]),), daemon=True).start()
    from apache_beam.runners.worker import sdk_worker_main  # noqa: PLC0415

    sdk_worker_main.main(sys.argv)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
