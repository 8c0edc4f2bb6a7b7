"""Commands, options and exit codes; what they do stands in modules that are imported when a command runs."""

import shlex
from typing import Any

import click

from logscrub import __version__
from logscrub.cli.console import print_error, print_lines
from logscrub.cli.interrupts import ending_at_once
from logscrub.errors import ExitCode, LogscrubError, UsageError, system_reason

AUDIENCES = ("general", "mixed", "child-directed")
"""Those of `logscrub.config.Audience`, which takes its time to import."""

_RUN_EPILOG = """\b
Everything after the first -- goes to Beam, for example:
  logscrub run logs/ -o stats --runner PortableRunner -- --job_endpoint=embed --environment_type=LOOPBACK

\b
Exit codes: 0 done, or all days were released already; 1 the run failed; 2 wrong usage or
configuration, or no input at all; 3 done, but some input was missing, unreadable or over the
reject limit, or holds other hits of a released day; 130 interrupted;
143 told to end by SIGTERM."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="logscrub")
def cli() -> None:
    """Raw web, server and app logs in, private traffic statistics out."""


@cli.command(epilog=_RUN_EPILOG, short_help="Turn logs into traffic statistics.")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("-o", "--output", required=True, metavar="DIR", help="Folder of the release; local or remote.")
@click.option("--config", metavar="FILE", help="Settings in TOML (see: logscrub init); flags win over it.")
@click.option("--date", metavar="D", help="Release this day only: YYYY-MM-DD, or yesterday.")
@click.option("--from", "first", metavar="D", help="Release the days from this one on.")
@click.option("--to", "last", metavar="D", help="… up to this one, included. [default: yesterday]")
@click.option("--timezone", metavar="TZ", help="IANA zone of days and hours. [default: UTC]")
@click.option(
    "--source-timezone",
    metavar="TZ",
    help="IANA zone of log times that are written without one. [default: UTC]",
)
@click.option(
    "--trusted-proxies",
    metavar="N|NETS",
    help="Your own proxies before the server, by number or as networks with commas between: the client they "
    "name counts. [default: 0]",
)
@click.option(
    "--format",
    metavar="NAME",
    help="Format of all inputs, where it is not told rightly: such as combined, syslog:combined behind a "
    "prefix, or combined+caddy_json for two in one file. [default: told of each file]",
)
@click.option(
    "--audience",
    type=click.Choice(AUDIENCES),
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
    "--geoip",
    multiple=True,
    metavar="FILE",
    help="MaxMind-format database (Country, City, ASN, ISP or Connection-Type) that tells countries, "
    "carriers or connections; may be given more than once.",
)
@click.option(
    "--log-format",
    metavar="STRING",
    help="Format of all inputs as the server's configuration has it: a LogFormat of Apache, a log_format of "
    "nginx, or a field map for JSON lines (time=ts address=client.ip …).",
)
@click.option(
    "--replace",
    is_flag=True,
    help="Replace days that are released already. Whoever has both releases can compare them.",
)
@click.option("--force", is_flag=True, help="With --replace: also by a release of fewer hits.")
@click.option(
    "--account", metavar="FILE", help="Write what became of every line; for you alone, outside DIR."
)
@click.option(
    "--signals-from",
    multiple=True,
    metavar="INPUT",
    help="More logs, such as those of the last weeks: read for signals and links of children and opt-outs "
    "only, and not counted; may be given more than once.",
)
@click.option(
    "--exclude",
    multiple=True,
    metavar="FILE",
    help="People to withhold as a child is, such as parents' requests: an id a line, or records; may be "
    "given more than once.",
)
@click.option("--runner", metavar="NAME", help="Beam runner. [default: local]")
@click.option(
    "--jobs", type=click.IntRange(1, 256), metavar="N", help="Threads of the local runner. [default: cores]"
)
@click.option("--quiet", is_flag=True, help="Print warnings and errors only.")
def run(inputs: tuple[str, ...], output: str, **options: Any) -> None:
    """Read web, server and app logs and write private traffic statistics as Parquet.

    INPUT is a file, a folder or a pattern, local or remote, or - for standard input; plain or packed
    with gzip, zstd, bzip2, xz or lz4. The format of each file is told by itself (see: logscrub
    inspect), or given with --format or --log-format.
    """
    context = click.get_current_context()
    if not output:
        raise UsageError("--output: the name of the folder is empty")
    if options["force"] and not options["replace"]:
        raise UsageError("--force goes with --replace: alone it does nothing")
    dates = _dates(options)
    with ending_at_once():
        from logscrub.cli.running import run_logs  # noqa: PLC0415
    context.exit(run_logs(inputs, output, dates, context.obj or (), options))


@cli.command(short_help="Check a release again.")
@click.argument("directory", metavar="DIR")
def verify(directory: str) -> None:
    """Check a release again: schemas, vocabularies, k, sums, the gate and hashes.

    Exits with 4 when any check fails.
    """
    context = click.get_current_context()
    if context.obj:
        raise UsageError("verify takes nothing after --")
    with ending_at_once():
        from logscrub.cli.running import verify_release  # noqa: PLC0415
    context.exit(verify_release(directory))


@cli.command("inspect", short_help="Tell what a run would make of logs.")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--config", metavar="FILE", help="As of run: its formats and its signals.")
@click.option("--format", "name", metavar="NAME", help="As of run: look at the files as this format.")
@click.option("--log-format", metavar="STRING", help="As of run: look at the files as this format.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def inspect_command(
    inputs: tuple[str, ...], config: str | None, name: str | None, log_format: str | None, *, as_json: bool
) -> None:
    """Tell the format, fields and privacy signals of logs, and what would make them tell more.

    It looks at the beginning of each file and shows no value of any record. Exits with 3 when a
    file is missing, unreadable or no web log that is known, or none of its lines is read.
    """
    context = click.get_current_context()
    if context.obj:
        raise UsageError("inspect takes nothing after --")
    with ending_at_once():
        from logscrub.cli.inspecting import inspect_logs  # noqa: PLC0415
    context.exit(inspect_logs(inputs, config, name, log_format, as_json=as_json))


@cli.command("init", short_help="Write a configuration to begin with.")
@click.option(
    "-o",
    "--output",
    default="logscrub.toml",
    metavar="FILE",
    show_default=True,
    help="Configuration to write, in TOML.",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
def init_command(output: str, force: bool) -> None:
    """Write a configuration to begin with: every setting, commented out, with its default and its reason.

    A JSON Schema is written beside it, by which editors complete and check the configuration.
    """
    if click.get_current_context().obj:
        raise UsageError("init takes nothing after --")
    with ending_at_once():
        from logscrub.cli.init import write_config  # noqa: PLC0415
        from logscrub.cli.running import program  # noqa: PLC0415
    config, schema = write_config(output, force=force)
    print_lines(
        [
            f"wrote {config} and {schema}",
            f"next: {program()} run LOGS -o stats --config {shlex.quote(str(config))}",
        ]
    )


def execute(given: list[str]) -> int:
    """Run one command line, tell what is wrong with it, and give its exit code.

    Args:
        given: arguments; those behind the first -- are for Beam.

    Raises:
        KeyboardInterrupt: the user interrupts it.
    """
    arguments, beam_flags = _split(given)
    try:
        code = cli.main(arguments, prog_name="logscrub", obj=beam_flags, standalone_mode=False)
    except click.exceptions.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        error.show()
        code = ExitCode.USAGE
    except LogscrubError as error:
        print_error(f"logscrub: {error}")
        code = error.exit_code
    except OSError as error:
        print_error(f"logscrub: {system_reason(error)}")
        code = ExitCode.FAILED
    except Exception as error:
        print_error(f"logscrub: internal error ({type(error).__name__}): please report it")
        code = ExitCode.FAILED
    return code or ExitCode.DONE


def _split(arguments: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """Arguments before and after the first --, which click would join."""
    if "--" not in arguments:
        return arguments, ()
    at = arguments.index("--")
    return arguments[:at], tuple(arguments[at + 1 :])


def _dates(options: dict[str, Any]) -> tuple[str, str | None] | None:
    """First and last day that are asked for."""
    date, first, last = options["date"], options["first"], options["last"]
    if date and (first or last):
        raise UsageError("--date is one day: leave out --from and --to, or give them without it")
    if last and not first:
        raise UsageError("--to needs --from: a run must know which days it owns")
    if date:
        return date, date
    return (first, last) if first else None
