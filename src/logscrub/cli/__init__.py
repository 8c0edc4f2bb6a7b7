"""The command line: until an interrupt would be answered, nothing is imported that takes time."""

import os
import sys

_INTERRUPTED = 130  # as `logscrub.errors.ExitCode` has it
_TOLD = "interrupted; days that were not finished have no manifest: run the same command again"


def main() -> None:
    """Run the command line and exit with a documented code."""
    try:
        from logscrub.cli.interrupts import ending_at_once  # noqa: PLC0415

        with ending_at_once():
            from logscrub.cli.commands import execute  # noqa: PLC0415
        code = execute(sys.argv[1:])
        _ignore_interrupts()  # what was to be done is done: nothing is left to break off
    except KeyboardInterrupt:
        leave()
    else:
        sys.exit(code)


def entry() -> None:
    """Run the command line as a program, which ends without taking the interpreter apart.

    That would take longer than all that a short command does, and nothing is left to be done by it.
    """
    import atexit  # noqa: PLC0415

    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    atexit._run_exitfuncs()  # what libraries do at the end, such as to end a server that they started
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            pass  # the reader of our output went away: that changes nothing about the run
        except (OSError, ValueError):
            code = code or 1
    os._exit(code)


def leave(code: int = _INTERRUPTED, told: str = _TOLD) -> None:
    """End the process now: worker threads of a runner may still hold a block, and must not keep it alive."""
    _ignore_interrupts()
    leftovers = sys.modules.get("logscrub.beam.leftovers")  # what was never imported has left nothing
    try:
        if leftovers:
            leftovers.clean_up()
    finally:
        # Not by way of sys.stderr, in the midst of whose work the signal may have come.
        try:
            os.write(2, f"logscrub: {told}\n".encode())
        finally:
            os._exit(code)


def _ignore_interrupts() -> None:
    import contextlib  # noqa: PLC0415
    import signal  # noqa: PLC0415

    with contextlib.suppress(ValueError):  # another thread than the main one may end the process too
        signal.signal(signal.SIGINT, signal.SIG_IGN)
