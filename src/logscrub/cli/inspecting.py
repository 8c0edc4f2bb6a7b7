"""The command `inspect`: what a run would make of files."""

import json
from collections.abc import Iterator, Sequence

from logscrub.cli.configuration import settings_of
from logscrub.cli.console import print_error, print_lines
from logscrub.cli.imports import without_unused_packages
from logscrub.cli.interrupts import ending_at_once
from logscrub.cli.running import silence_beam
from logscrub.errors import ExitCode

silence_beam()
with ending_at_once(), without_unused_packages():
    from logscrub.beam.files import match_inputs, open_file
    from logscrub.beam.spool import spooled_input
    from logscrub.formats.catalogue import APACHE_LINE, NGINX_LINE
    from logscrub.formats.registry import asked_format, check_signals
    from logscrub.inputs import FileProblem, no_input
    from logscrub.inspection import Inspection, inspect_files

_WIDTH = 15
_FEW_SIGNALS = 8
_NAMES = {
    "user_agent": "user agent",
    "method": "method",
    "target": "path",
    "duration": "time to serve",
    "forwarded": "forwarded address",
    "device_id": "device id",
    "session_id": "session id",
    "client_id": "client id",
    "user_id": "user id",
    "opt_out": "Sec-GPC (Global Privacy Control)",
}


def inspect_logs(
    inputs: Sequence[str], config: str | None, log_format: str | None, pasted: str | None, *, as_json: bool
) -> int:
    """Look at files, print what they are, and give the exit code.

    Args:
        inputs: files, folders and patterns; `-` is standard input.
        config: path of the configuration of the run; of its settings those of formats and signals matter.
        log_format: name of the format of all of them; None tells it of each.
        pasted: the format as a server's configuration has it.
        as_json: print JSON in place of text.

    Raises:
        UsageError: there is no input at all, or no such format, or a configuration that cannot be meant.
    """
    settings = settings_of(config, {"format": log_format, "log_format": pasted})
    check_signals(settings.signals)
    forced = asked_format(settings.format, settings.log_format, settings.signals)
    with spooled_input(inputs) as (paths, spooled):
        matched, missing = match_inputs(paths)
        if not matched and not spooled:
            raise no_input(missing)
        found = list(inspect_files([*matched, *spooled], open_file, forced, settings.signals))
    inspections = [one for one in found if isinstance(one, Inspection)]
    problems = [*missing, *(one for one in found if isinstance(one, FileProblem))]
    if as_json:
        print_lines(as_json_text(inspections, problems).splitlines())
    else:
        print_lines(as_text(inspections))
        for problem in problems:
            print_error(f"{problem.path}: {problem.reason.advice}")
    unknown = any(inspection.format is None or not inspection.accepted for inspection in inspections)
    return ExitCode.INCOMPLETE_INPUT if problems or unknown else ExitCode.DONE


def as_text(inspections: Sequence[Inspection]) -> Iterator[str]:
    """Lines for people, a paragraph for each file."""
    for at, inspection in enumerate(inspections):
        if at:
            yield ""
        yield from _paragraph(inspection)
    if any(inspection.worth_logging and _is_access_log(inspection) for inspection in inspections):
        yield from (
            "",
            "So that servers log all of it:",
            f"  Apache  {APACHE_LINE}",
            f"  nginx   {NGINX_LINE}",
        )


def as_json_text(inspections: Sequence[Inspection], problems: Sequence[FileProblem]) -> str:
    """One JSON document: the files, and those that cannot be looked at."""
    told = {
        "files": [inspection.to_dict() for inspection in inspections],
        "problems": [{"path": problem.path, "reason": str(problem.reason)} for problem in problems],
    }
    return json.dumps(told, indent=2)


def _paragraph(found: Inspection) -> Iterator[str]:
    packed = "" if found.compression == "none" else f", {found.compression}"
    if found.format is None:
        yield f"{found.path}: no web log that is known{packed}"
        if found.looks_like:
            yield _line("looks like", found.looks_like)
        yield _line("then", "leave it out, or give its format with --format or --log-format")
        return
    yield f"{found.path}: {found.format}{packed}"
    yield _line("lines", f"{found.lines:,} of the sample, {found.accepted:.1%} read")
    if found.first_hour and found.last_hour:
        yield _line("hours", f"{_clock(found.first_hour)} to {_clock(found.last_hour)} UTC")
    if found.tie:
        yield _line("or", f"{found.other_format}, which fits as well: choose with --format")
    yield _line("fields", _list(found.fields))
    yield _line("not there", _list(found.missing))
    yield _line("children", _signals(found.child_signals))
    yield _line("opt-outs", _signals(found.opt_out_signals))
    if found.url_signals:
        yield _line("in its URLs", _signals(found.url_signals))
    yield _line(
        "identifiers", _list(found.identifiers) if found.identifiers else "address and user agent only"
    )
    for cost in found.costs:
        yield _line("costs", cost)
    if found.worth_logging:
        yield _line("worth logging", _list(found.worth_logging))


def _is_access_log(found: Inspection) -> bool:
    """Whether Apache or nginx may have written it, in a format that its configuration decides."""
    name = (found.format or "").rpartition(":")[2]
    return name.startswith(("common", "combined", "vhost", "nginx_", "forwarded", "your"))


def _line(name: str, text: str) -> str:
    return f"  {name:{_WIDTH}}{text}"


def _list(columns: Sequence[str]) -> str:
    return ", ".join(_NAMES.get(name, name) for name in columns) or "none"


def _signals(names: Sequence[str]) -> str:
    """Names of signals, as schemas/signals.toml has them; of many the first ones."""
    if not names:
        return "no place for a signal"
    more = f" and {len(names) - _FEW_SIGNALS} more (see --json)" if len(names) > _FEW_SIGNALS else ""
    return ", ".join(names[:_FEW_SIGNALS]) + more


def _clock(hour: str) -> str:
    return hour.replace("T", " ") + ":00"
