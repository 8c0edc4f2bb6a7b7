"""The command line: options and exit codes; Beam is imported only when a command needs it."""

import logging
import os
import signal
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

import click

from logscrub import __version__
from logscrub.config import Audience, Settings, load_settings
from logscrub.errors import ExitCode, LogscrubError, UsageError, system_reason
from logscrub.release.store import LocalStore, Store

_RUN_EPILOG = """\b
Everything after the first -- goes to Beam, for example:
  logscrub run logs/ -o stats --runner PortableRunner -- --job_endpoint=embed --environment_type=LOOPBACK

\b
Exit codes: 0 done, or all days were released already; 1 the run failed; 2 wrong usage or
configuration, or no input at all; 3 done, but some input was missing, unreadable or over the
reject limit, or holds other hits of a released day; 130 interrupted."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="logscrub")
def cli() -> None:
    """Raw web, server and app logs in, private traffic statistics out."""


@cli.command(epilog=_RUN_EPILOG, short_help="Turn logs into traffic statistics.")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("-o", "--output", required=True, metavar="DIR", help="Folder of the release; local or remote.")
@click.option("--config", metavar="FILE", help="Settings in TOML; flags win over it.")
@click.option(
    "--audience",
    type=click.Choice([audience.value for audience in Audience]),
    help="Whom the site is made for. Records of unknown age are kept (general, the default), withheld unless "
    "joined to a known age of 13 or more (mixed), or all withheld (child-directed).",
)
@click.option(
    "--min-support",
    type=click.IntRange(2),
    metavar="K",
    help="Support units behind each released figure. [default: 10]",
)
@click.option(
    "--account", metavar="FILE", help="Write what became of every line; for you alone, outside DIR."
)
@click.option("--runner", metavar="NAME", help="Beam runner. [default: local]")
@click.option(
    "--jobs", type=click.IntRange(1, 256), metavar="N", help="Threads of the local runner. [default: cores]"
)
@click.option("--quiet", is_flag=True, help="Print warnings and errors only.")
def run(inputs: tuple[str, ...], output: str, **options: Any) -> None:
    """Read web, server and app logs and write private traffic statistics as Parquet.

    INPUT is a file, a folder or a pattern, plain or gzip, local or remote. Formats are told by
    themselves: Apache and nginx common and combined, with or without virtual host, and JSON-lines
    events (schemas/event.schema.json).
    """
    context = click.get_current_context()
    if not output:
        raise UsageError("--output: the name of the folder is empty")
    settings = _settings(options)
    account = options["account"]
    if account:
        _check_account(account, output)
    _silence_beam()
    # Beam takes its time at import.
    from logscrub.beam.run import run_pipeline  # noqa: PLC0415
    from logscrub.cli import summary  # noqa: PLC0415

    result = run_pipeline(
        inputs,
        output,
        settings,
        account=account,
        runner=options["runner"],
        jobs=options["jobs"],
        beam_flags=context.obj or (),
    )
    for line in summary.warnings(result, settings):
        click.echo(line, err=True)
    if account:
        _write_private(account, summary.account(result))
    if not options["quiet"]:
        _print(summary.summary(result, output, settings))
    context.exit(summary.exit_code(result, settings))


@cli.command(short_help="Check a release again.")
@click.argument("directory", metavar="DIR")
def verify(directory: str) -> None:
    """Check a release again: schemas, vocabularies, k, sums, the gate and hashes.

    Exits with 4 when any check fails.
    """
    from logscrub.release.verify import is_of_release, released_days  # noqa: PLC0415
    from logscrub.release.verify import verify as problems_of  # noqa: PLC0415

    if click.get_current_context().obj:
        raise UsageError("verify takes nothing after --")
    if "://" not in directory and not (directory and Path(directory).is_dir()):
        raise UsageError(f"{directory or 'DIR'}: there is no such folder")
    store = _store(directory)
    days = released_days(store)
    if not days and not any(map(is_of_release, store.paths())):
        raise UsageError(f"{directory}: there is no release in it")
    problems = list(problems_of(store))
    for problem in problems:
        click.echo(f"failed: {problem}", err=True)
    if problems:
        sys.exit(ExitCode.VERIFICATION_FAILED)
    _print([f"{directory}: {len(days)} released {'day' if len(days) == 1 else 'days'}, every check holds"])


def _store(directory: str) -> Store:
    if "://" not in directory:
        return LocalStore(directory)
    _silence_beam()
    from logscrub.beam.files import check_place, store_at  # noqa: PLC0415

    check_place(directory)
    return store_at(directory)


def _print(lines: Iterable[str]) -> None:
    try:
        for line in lines:
            click.echo(line)
    except BrokenPipeError:
        # The reader of our output went away: that changes nothing about the run.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main() -> NoReturn:
    """Run the command line and exit with a documented code."""
    arguments, beam_flags = _split(sys.argv[1:])
    try:
        code = cli.main(arguments, prog_name="logscrub", obj=beam_flags, standalone_mode=False)
    except click.exceptions.Abort:
        _interrupted()
    except KeyboardInterrupt:
        _interrupted()
    except click.ClickException as error:
        error.show()
        code = ExitCode.USAGE
    except LogscrubError as error:
        click.echo(f"logscrub: {error}", err=True)
        code = error.exit_code
    except OSError as error:
        click.echo(f"logscrub: {system_reason(error)}", err=True)
        code = ExitCode.FAILED
    except Exception as error:
        click.echo(f"logscrub: internal error ({type(error).__name__}): please report it", err=True)
        code = ExitCode.FAILED
    sys.exit(code or ExitCode.DONE)


def _split(arguments: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """Arguments before and after the first --, which click would join."""
    if "--" not in arguments:
        return arguments, ()
    at = arguments.index("--")
    return arguments[:at], tuple(arguments[at + 1 :])


def _interrupted() -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    click.echo("logscrub: interrupted; days that were not finished have no manifest", err=True)
    # Worker threads of the runner may still hold a block: they must not keep the process alive.
    sys.stdout.flush()
    os._exit(ExitCode.INTERRUPTED)


def _settings(options: dict[str, Any]) -> Settings:
    config = options["config"]
    flags = {name: options[name] for name in ("audience", "min_support")}
    if config is None:
        return load_settings(None, flags)
    try:
        text = Path(config).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{config}: cannot be read: {system_reason(error)}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{config}: cannot be read: not UTF-8") from None
    try:
        return load_settings(text, flags)
    except UsageError as error:
        raise UsageError(f"{config}: {error}") from None


def _check_account(account: str, output: str) -> None:
    if "://" not in output and Path(account).resolve().is_relative_to(Path(output).resolve()):
        raise UsageError(f"--account {account}: keep it outside {output}: it is for you alone")
    if not Path(account).resolve().parent.is_dir():
        raise UsageError(f"--account {account}: there is no such folder")
    if Path(account).is_dir():
        raise UsageError(f"--account {account}: that is a folder: name a file")


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


def _silence_beam() -> None:
    """Beam logs exceptions and advice of its own, at import too; what matters to the user is told by us."""
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    for name in ("apache_beam", "root"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.getLogger().setLevel(logging.CRITICAL)
