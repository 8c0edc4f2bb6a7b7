"""What the commands `run` and `verify` do; Beam is imported only when it is needed."""

import gc
import json
import logging
import os
import shlex
import shutil
import stat
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logscrub.cli.configuration import settings_of
from logscrub.cli.console import print_error, print_lines
from logscrub.cli.imports import without_unused_packages
from logscrub.cli.interrupts import ending_at_once
from logscrub.errors import ExitCode, LogscrubError, UsageError, system_reason
from logscrub.release.store import LocalStore, Store

if TYPE_CHECKING:
    from logscrub.config import Settings


def run_logs(
    inputs: Sequence[str],
    output: str,
    dates: tuple[str, str | None] | None,
    beam_flags: Sequence[str],
    options: dict[str, Any],
) -> int:
    """Read logs, release their traffic statistics and tell of it.

    Args:
        inputs: files, folders and patterns.
        output: release folder.
        dates: first and last day that are asked for.
        beam_flags: flags for Beam.
        options: the options of the command, by their names.

    Returns:
        The exit code.
    """
    started = time.monotonic()
    settings = _settings(options)
    account = options["account"]
    if account:
        _check_account(account, output, [options["config"], *settings.geoip])
    silence_beam()
    with ending_at_once(), without_unused_packages():
        from logscrub.beam.run import run_pipeline  # noqa: PLC0415
        from logscrub.cli import summary  # noqa: PLC0415
        from logscrub.cli.account import account as account_of  # noqa: PLC0415
        from logscrub.cli.progress import show_progress, speed, tell  # noqa: PLC0415
        from logscrub.cli.workers import watched_workers  # noqa: PLC0415

    _collect_seldom()
    if "-" in inputs and sys.stdin is not None and sys.stdin.isatty():
        print_error("waiting for lines on standard input: Ctrl-D on an empty line ends them")
    with watched_workers(), ending_at_once():
        result = run_pipeline(
            inputs,
            output,
            settings,
            dates=dates,
            replace=options["replace"],
            force=options["force"],
            account=account,
            signals_from=options["signals_from"],
            exclude=options["exclude"],
            runner=options["runner"],
            jobs=options["jobs"],
            beam_flags=beam_flags,
            progress=None if options["quiet"] else show_progress,
        )
    for line in summary.warnings(result, settings):
        print_error(line)
    if account:
        _write_private(account, account_of(result))
    if not options["quiet"]:
        seconds = time.monotonic() - started
        tell(speed(result.tally.lines, result.plan.total_bytes, seconds))
        print_lines(summary.summary(result, output, settings, program()))
        print_lines(summary.rules_in_use(settings, options["config"]))
    return summary.exit_code(result, settings)


def _collect_seldom() -> None:
    """Look for cycles of garbage less often: a run makes many objects and few cycles.

    Looking at all of Beam's objects again and again takes a twentieth of a run.
    """
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)


def program() -> str:
    """How a shell calls this program: by its name, or by the path by which it was called this time."""
    if shutil.which("logscrub"):
        return "logscrub"
    called = Path(sys.argv[0])
    return shlex.quote(sys.argv[0]) if called.name == "logscrub" else "python -m logscrub"


def verify_release(directory: str) -> int:
    """Check a release again, tell what is wrong with it, and give the exit code."""
    from logscrub.release.verify import is_of_release, released_days  # noqa: PLC0415
    from logscrub.release.verify import verify as problems_of  # noqa: PLC0415

    if "://" not in directory and not (directory and Path(directory).is_dir()):
        raise UsageError(f"{directory or 'DIR'}: there is no such folder")
    store = _store(directory)
    days = released_days(store)
    if not days and not any(map(is_of_release, store.paths())):
        raise UsageError(f"{directory}: there is no release in it")
    problems = list(problems_of(store))
    for problem in problems:
        print_error(f"failed: {problem}")
    if problems:
        return ExitCode.VERIFICATION_FAILED
    print_lines(
        [f"{directory}: {len(days)} released {'day' if len(days) == 1 else 'days'}, every check holds"]
    )
    return ExitCode.DONE


def _store(directory: str) -> Store:
    if "://" not in directory:
        return LocalStore(directory)
    silence_beam()
    with ending_at_once(), without_unused_packages():
        from logscrub.beam.files import check_place, store_at  # noqa: PLC0415

    check_place(directory)
    return store_at(directory)


def _settings(options: dict[str, Any]) -> "Settings":
    names = ("timezone", "source_timezone", "audience", "min_support", "format", "log_format")
    flags = {name: options[name] for name in names}
    flags["trusted_proxies"] = _proxies(options["trusted_proxies"])
    flags["geoip"] = list(options["geoip"]) or None
    return settings_of(options["config"], flags)


def _proxies(given: str | None) -> int | list[str] | None:
    """A number of proxies, or networks with commas between."""
    if given is None or given.isdecimal():
        return None if given is None else int(given)
    return given.split(",")


def _check_account(account: str, output: str, in_use: Sequence[str | None]) -> None:
    if "://" not in output and Path(account).resolve().is_relative_to(Path(output).resolve()):
        raise UsageError(f"--account {account}: keep it outside {output}: it is for you alone")
    if not Path(account).resolve().parent.is_dir():
        raise UsageError(f"--account {account}: there is no such folder")
    if Path(account).is_dir():
        raise UsageError(f"--account {account}: that is a folder: name a file")
    used = any(path and os.path.realpath(path) == os.path.realpath(account) for path in in_use)
    if used or not _may_be_replaced(Path(account)):
        raise UsageError(f"--account {account}: there is a file that is no account: name another one")


def _may_be_replaced(path: Path) -> bool:
    """Whether nothing is lost when an account is written: what is there is one, or nothing at all."""
    try:
        if not path.is_file():
            return True
        text = path.read_text(encoding="utf-8")
        return not text or {"total", "lines", "days"} <= set(json.loads(text))
    except (OSError, ValueError, TypeError, RecursionError):
        return False


def _write_private(path: str, text: str) -> None:
    """Write a file that only its owner can read."""

    def private(name: str, flags: int) -> int:
        handle = os.open(name, flags, 0o600)
        if stat.S_ISREG(os.fstat(handle).st_mode):  # /dev/stdout stays as it is
            os.fchmod(handle, 0o600)
        return handle

    try:
        with open(path, "w", encoding="utf-8", opener=private) as file:
            file.write(text)
    except OSError as error:
        raise LogscrubError(f"--account {path}: cannot be written: {system_reason(error)}") from None


def silence_beam() -> None:
    """Beam logs exceptions and advice of its own, at import too; what matters to the user is told by us."""
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    for name in ("apache_beam", "root"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.getLogger().setLevel(logging.CRITICAL)
