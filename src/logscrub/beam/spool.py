"""Standard input as a file of this process, since logs are read twice."""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

from logscrub.beam.leftovers import temporary_folder
from logscrub.beam.options import LOCAL_RUNNER
from logscrub.errors import LogscrubError, UsageError, system_reason
from logscrub.inputs import InputFile

STANDARD_INPUT = "-"
"""What stands for it among the inputs; a file of that name is `./-`."""

_NAME = "standard input"
_PIECE_BYTES = 1024 * 1024


def check_standard_input(inputs: Sequence[str], options: PipelineOptions) -> None:
    """Check that standard input can be read, if it is asked for.

    Raises:
        UsageError: it is asked for twice, is closed, or would be needed by workers that do not see its copy.
    """
    times = inputs.count(STANDARD_INPUT)
    runner = options.view_as(StandardOptions).runner
    if times > 1:
        raise UsageError("-: standard input can be given once only")
    if times and runner != LOCAL_RUNNER:
        raise UsageError(
            f"-: standard input is kept on this machine, where workers of {runner} may not see it: give "
            "files, or use the local runner"
        )
    if times and sys.stdin is None:
        raise UsageError("-: standard input is closed")


@contextlib.contextmanager
def spooled_input(inputs: Sequence[str]) -> Iterator[tuple[list[str], list[InputFile]]]:
    """Copy standard input to a private file, if it is asked for, for as long as the run takes.

    Args:
        inputs: what the user gave.

    Yields:
        The other inputs, and the copy.

    Raises:
        LogscrubError: it cannot be read, or there is no room for the copy.
    """
    paths = [given for given in inputs if given != STANDARD_INPUT]
    if len(paths) == len(inputs):
        yield paths, []
        return
    with temporary_folder() as folder, _private(Path(folder) / "input") as (handle, place):
        _copy(handle, folder)
        yield paths, [InputFile(place, os.fstat(handle).st_size, _NAME)]


@contextlib.contextmanager
def _private(path: Path) -> Iterator[tuple[int, str]]:
    """A new file for this user alone, open, and where it can be opened again.

    Where the system allows it, it has no name from the start: then not even a killed run leaves it.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        unnamed = Path(f"/proc/{os.getpid()}/fd/{handle}")
        if unnamed.exists():
            path.unlink()
        yield handle, str(unnamed if unnamed.exists() else path)
    finally:
        os.close(handle)


def _copy(handle: int, folder: str) -> None:
    given = sys.stdin.fileno()
    os.set_blocking(given, True)  # else a writer that is slow would look like the end
    while True:
        try:
            piece = memoryview(os.read(given, _PIECE_BYTES))
        except OSError as error:
            raise LogscrubError(f"standard input: cannot be read: {system_reason(error)}") from None
        if not piece:
            return
        try:
            while piece:
                piece = piece[os.write(handle, piece) :]
        except OSError as error:
            raise LogscrubError(
                f"standard input: cannot be kept in {folder} while it is read: {system_reason(error)}: set "
                "TMPDIR to a place with room for it"
            ) from None
