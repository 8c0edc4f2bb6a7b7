"""One child process, timed from its start to its end."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DONE = (0, 3)
"""Exit codes of logscrub: 3 is done too, but lines were rejected or a file left out."""


@dataclass(frozen=True)
class Process:
    """One child process: wall seconds, user and system CPU seconds, peak of its resident memory in bytes."""

    wall_s: float
    user_s: float
    system_s: float
    peak_bytes: int

    @property
    def cpu_s(self) -> float:
        """CPU seconds of all threads."""
        return self.user_s + self.system_s


def run_process(command: Sequence[str], output: Path | None = None) -> Process:
    """Run a command, with the code beside this file, and wait for its end.

    The peak is that of the largest process among the child and its own children (getrusage(2)). It never
    says less than this process has, which therefore imports nothing large.

    Args:
        command: program and arguments.
        output: file for what it writes to standard output, which is dropped otherwise.

    Raises:
        SystemExit: the child failed.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
    with (output or Path(os.devnull)).open("wb") as out, tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        child = subprocess.Popen(command, env=environment, stdout=out, stderr=errors)  # noqa: S603 - our own
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in DONE:
            errors.seek(0)
            told = errors.read().decode(errors="replace")
            raise SystemExit(f"{' '.join(command)}: exit code {child.returncode}\n{told}")
    kilo = 1 if sys.platform == "darwin" else 1024
    return Process(wall, used.ru_utime, used.ru_stime, used.ru_maxrss * kilo)
