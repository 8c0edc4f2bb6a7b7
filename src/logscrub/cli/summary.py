"""What a run tells its operator.

Standard output and standard error speak of kept records and of rejects only: promise B covers them. The
account file tells the rest.
"""

import json
from collections.abc import Iterator

from logscrub.config import Audience, Settings, Support
from logscrub.engine import RunResult
from logscrub.errors import ExitCode
from logscrub.formats.registry import format_by_name
from logscrub.release.day import DayOutcome, DayStatus

_STATUS = {
    DayStatus.RELEASED: "released",
    DayStatus.UNCHANGED: "released before, unchanged",
    DayStatus.LEFT_ALONE: "released before, left alone",
    DayStatus.UNDER_K: "not released",
}
_FEW_ROWS = 3


def warnings(result: RunResult, settings: Settings) -> Iterator[str]:
    """Lines for standard error: inputs that are not counted, rejected lines, days with other content."""
    for left_out in result.plan.problems:
        yield f"warning: {left_out.path}: {left_out.reason}: {left_out.reason.advice}"
    for path, problem in sorted(result.tally.problems.items()):
        yield f"warning: {path}: {problem}: {problem.advice}"
    for duplicate in result.plan.duplicates:
        again = f"the same content as {duplicate.original}"
        yield f"note: {duplicate.path}: {'given twice' if duplicate.is_itself else again}, counted once"
    for path, reasons in sorted(result.tally.rejected.items()):
        for reason, rejects in sorted(reasons.items()):
            offsets = ", ".join(map(str, rejects.offsets[:_FEW_ROWS]))
            more = ", …" if rejects.count > _FEW_ROWS else ""
            lines = "1 line" if rejects.count == 1 else f"{rejects.count} lines"
            yield f"rejected: {path}: {lines}, {reason} at byte {offsets}{more}: {reason.advice}"
    if _over_reject_limit(result, settings):
        rate, limit = result.tally.reject_rate, settings.reject_limit
        yield f"warning: {rate:.1%} of the lines not withheld are rejected, over the limit of {limit:.1%}"
    if result.tally.unfinished:
        lines = "1 line" if result.tally.unfinished == 1 else f"{result.tally.unfinished:,} lines"
        yield f"note: {lines} of a day that is not over yet ({settings.timezone}): run again when it is"
    for day in result.days:
        yield from _day_warnings(day, settings)


def _over_reject_limit(result: RunResult, settings: Settings) -> bool:
    # Where everyone is withheld nothing is left to compare rejects with.
    everyone = settings.audience is Audience.CHILD_DIRECTED
    return not everyone and result.tally.reject_rate > settings.reject_limit


def _day_warnings(day: DayOutcome, settings: Settings) -> Iterator[str]:
    if day.status is DayStatus.LEFT_ALONE:
        yield (
            f"warning: {day.date}: released before with other content: input or settings differ; the release "
            "is left alone (a run needs every file with lines of a day: see the README)"
        )
    for table, detectors in sorted(day.gate_hits.items()):
        for detector, count in sorted(detectors.items()):
            rows = "1 row" if count == 1 else f"{count} rows"
            yield f"note: {day.date}: {table}: {rows} folded, the text looks like personal data ({detector})"


def summary(result: RunResult, output: str, settings: Settings) -> Iterator[str]:
    """Lines for standard output: what became of each day, and where to look."""
    for day in result.days:
        yield f"{day.date}  {_STATUS[day.status]}{_figures(day)}{_why_folded(day, settings)}"
    if not result.days:
        yield "no day can be released" + _why_nobody(result, settings)
    blind = sorted({r.format for r in result.plan.ranges if not format_by_name(r.format).carries_identifiers})
    if blind and settings.audience is Audience.GENERAL:
        yield (
            f"note: {', '.join(blind)} logs carry no sign of a child or an opt-out of their own: see the "
            "promises in the README"
        )
    if hostless := ", ".join(_hostless(result, settings)):
        yield f"note: {hostless} logs carry no host: name your own in own_hosts, or they count as referrers"
    if any(day.status is not DayStatus.UNDER_K for day in result.days):
        yield f"tables: {output}/<table>/date=<day>/part-0.parquet; check them with: logscrub verify {output}"


def _hostless(result: RunResult, settings: Settings) -> Iterator[str]:
    """Names of formats that carry no host: without own hosts a referrer of the site looks like any other."""
    if not settings.own_hosts:
        yield from sorted(
            {r.format for r in result.plan.ranges if "host" not in format_by_name(r.format).fields}
        )


def _why_nobody(result: RunResult, settings: Settings) -> str:
    """What the setting of the audience and the formats alone tell of a release of nobody."""
    if settings.audience is Audience.CHILD_DIRECTED:
        return ": for a child-directed audience everyone is withheld"
    if settings.audience is Audience.MIXED and not result.plan.carries_identifiers:
        return ": for a mixed audience unknown ages are withheld, and these logs carry no age"
    return ""


def _figures(day: DayOutcome) -> str:
    if not day.rows:
        return ""
    views = "" if day.page_views is None else f", {day.page_views:,} page views"
    rows = f"{sum(day.rows.values()):,} rows in {len(day.rows)} tables"
    return f": {day.hits:,} hits{views}, {day.bot_hits:,} hits of bots; {rows}"


def _why_folded(day: DayOutcome, settings: Settings) -> str:
    unit = "networks" if settings.support is Support.NETWORKS else "visitors"
    proxy = (
        '; where all traffic comes through one proxy, set support = "visitors"'
        if settings.support is Support.NETWORKS
        else ""
    )
    if day.status is DayStatus.UNDER_K:
        return f": fewer than {settings.min_support} {unit} or people with an id{proxy}"
    if len(day.folded_tables) > len(day.rows) // 2:
        return f"; most tables fold to one row, for want of {unit}{proxy}"
    return ""


def exit_code(result: RunResult, settings: Settings) -> int:
    """Exit code of a run that did not fail."""
    incomplete = (
        result.plan.problems
        or result.tally.problems
        or _over_reject_limit(result, settings)
        or any(day.status is DayStatus.LEFT_ALONE for day in result.days)
    )
    return ExitCode.INCOMPLETE_INPUT if incomplete else ExitCode.DONE


def account(result: RunResult) -> str:
    """The account as JSON: what became of every line; all of `lines` add up to its `total`."""
    tally = result.tally
    duplicate = sum(d.lines for d in result.plan.duplicates)
    left_alone = sum(d.held_hits for d in result.days if d.status is DayStatus.LEFT_ALONE)
    counted = sum(d.hits + d.bot_hits for d in result.days)
    lines = {
        "counted": counted,
        "withheld": tally.withheld,
        "out_of_dates": tally.unfinished + left_alone,
        "under_k": sum(tally.kept.values()) - counted - left_alone,
        "blank": tally.blank,
        "duplicate": duplicate,
        "rejected": tally.rejects,
    }
    content = {
        "total": tally.lines + duplicate,
        "lines": lines,
        "days": {
            d.date: {
                "status": d.status.value,
                "counted": d.hits + d.bot_hits,
                "held": d.held_hits,
                "held_bytes": d.held_bytes,
            }
            for d in result.days
        },
        "rejected": json.loads(tally.to_json())["rejected"],
        "inputs": {
            **{p.path: p.reason.value for p in result.plan.problems},
            **{path: reason.value for path, reason in tally.problems.items()},
            **{d.path: f"duplicate of {d.original}" for d in result.plan.duplicates if not d.is_itself},
        },
    }
    return json.dumps(content, indent=2) + "\n"
