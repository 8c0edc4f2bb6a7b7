"""What a run tells its operator.

Standard output and standard error speak of kept records and of rejects only: promise B covers them. The
account file tells the rest.
"""

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence

from logscrub.config import Audience, OptOuts, Settings, Support
from logscrub.engine import RunResult
from logscrub.enrich.geography import DatabaseAge
from logscrub.errors import ExitCode, FileReason, LineReason
from logscrub.formats.carried import carried_signals
from logscrub.formats.pasted import NEEDED, costs
from logscrub.formats.records import carries_identifiers
from logscrub.formats.registry import format_by_name, told_name
from logscrub.inputs import FileProblem, Plan
from logscrub.release.day import DayOutcome, DayStatus
from logscrub.schemas import signal_catalogue, table_schemas

_STATUS = {
    DayStatus.RELEASED: "released",
    DayStatus.REPLACED: "replaced",
    DayStatus.FEWER_HITS: "left alone",
    DayStatus.UNCHANGED: "unchanged",
    DayStatus.LEFT_ALONE: "left alone",
    DayStatus.UNDER_K: "not released",
}
NOT_WRITTEN = (DayStatus.LEFT_ALONE, DayStatus.FEWER_HITS)
"""What becomes of days of which this run has other hits than the release."""

_ORDINARY = (DayStatus.RELEASED, DayStatus.REPLACED, DayStatus.UNCHANGED)
_FEW_ROWS = 3
_FEW_FORMATS = 5
_MANY_DAYS = 14
_LAST_DAYS = 7
_DAY_HEADS = ("date ", "status ", "hits", "page views", "visits", "visitors", "hits of bots")
_NO_FIGURES = ("",) * 5
_TABLE_HEADS = ("table ", "rows", "folded", " ")
_PLAIN_PATH = re.compile(r"[\w ./-]+")


def warnings(result: RunResult, settings: Settings) -> Iterator[str]:
    """Lines for standard error: inputs that are not counted, rejected lines, days with other content."""
    for left_out in _wrong(result.plan):
        what = f"it looks like {left_out.what}: " if left_out.what else ""
        yield f"warning: {left_out.path}: {left_out.reason}: {what}{left_out.reason.advice}"
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
    yield from _doubts(result, settings)
    yield from _ageless(result.plan, settings)
    yield from _old_databases(result.databases)
    yield from _costs(result.plan)
    if result.tally.unfinished:
        lines = "1 line" if result.tally.unfinished == 1 else f"{result.tally.unfinished:,} lines"
        yield f"note: {lines} of a day that is not over yet ({settings.timezone}): run again when it is"
    for day in result.days:
        yield from _day_warnings(day, settings)


def _doubts(result: RunResult, settings: Settings) -> Iterator[str]:
    """What was read as which format, where that is not sure, and how to choose otherwise.

    How much of a sample a format fits is not told here: lines of withheld records are among it. That a format
    is wrong shows in the rejects, which are of kept records and of lines that are none.
    """
    otherwise = "if it is another format, name it with --format"
    for doubt in result.plan.doubts:
        if doubt.tie:
            tied = f"{doubt.runner_up} fits as well and reads it otherwise"
            yield f"warning: {doubt.path}: read as {doubt.format}, but {tied}: {otherwise}"
    if not _over_reject_limit(result, settings):
        return
    formats = {part.shown: part.format for part in result.plan.ranges}
    for path, reasons in sorted(result.tally.rejected.items()):
        if LineReason.UNPARSABLE in reasons and path in formats:
            yield f"note: {path}: read as {_named([formats[path]])}: {otherwise}"


def _costs(plan: Plan) -> Iterator[str]:
    """What the formats cannot carry costs: of one that an operator wrote everything, else what is needed."""
    told: dict[str, None] = {}
    for name in plan.formats:
        shown, fields = told_name(name), format_by_name(name).fields
        for cost in costs(fields) if shown != name else costs(fields, NEEDED):
            told[f"warning: {shown}: {cost}"] = None
    yield from told


def _ageless(plan: Plan, settings: Settings) -> Iterator[str]:
    """That an audience with children needs ages, which the logs cannot tell."""
    if settings.audience is Audience.GENERAL or not plan.ranges or _tells_ages(plan, settings):
        return
    withheld = "all but those whose URLs tell one" if settings.audience is Audience.MIXED else "all"
    yield (
        f"warning: for a {settings.audience} audience records of unknown age are withheld, and the formats "
        f"of these logs have no place for an age: {withheld} are (see: logscrub inspect)"
    )


def _old_databases(databases: Sequence[DatabaseAge]) -> Iterator[str]:
    for database in databases:
        if database.is_old:
            old = "over a year ago, and networks have moved since: download it again"
            yield f"warning: --geoip {database.name} was built {database.built}, {old}"


def _tells_ages(plan: Plan, settings: Settings) -> bool:
    """Whether any format has a place for an age, beside what the URLs of its lines may hold."""
    catalogue = signal_catalogue(settings.signals)
    formats = [format_by_name(name, signals=settings.signals) for name in plan.formats]
    return any(carried_signals(one.fields, one.signals, catalogue).age for one in formats)


def _wrong(plan: Plan) -> Iterator[FileProblem]:
    """Inputs that are not counted though something may be in them.

    An empty log is a quiet day. To tell of it would tell it apart from a log of withheld records only.
    """
    return (problem for problem in plan.problems if problem.reason is not FileReason.EMPTY)


def _over_reject_limit(result: RunResult, settings: Settings) -> bool:
    # Where everyone is withheld nothing is left to compare rejects with.
    everyone = settings.audience is Audience.CHILD_DIRECTED
    return not everyone and result.tally.reject_rate > settings.reject_limit


def _day_warnings(day: DayOutcome, settings: Settings) -> Iterator[str]:
    if day.status is DayStatus.LEFT_ALONE:
        yield (
            f"warning: {day.date}: released before with other content: input, settings or databases differ; "
            "the release is left alone: give the run every file with lines of the day, or add --replace"
        )
    if day.status is DayStatus.FEWER_HITS:
        yield (
            f"warning: {day.date}: this run has fewer hits than the release, which is left alone: check that "
            "every file of the day is given, or add --force"
        )
    for table, detectors in sorted(day.gate_hits.items()):
        for detector, count in sorted(detectors.items()):
            rows = "1 row" if count == 1 else f"{count} rows"
            yield f"note: {day.date}: {table}: {rows} folded, the text looks like personal data ({detector})"


def summary(result: RunResult, output: str, settings: Settings, program: str = "logscrub") -> Iterator[str]:
    """Lines for standard output: what became of each day, what each table holds, where to look.

    Args:
        result: what the run did.
        output: release folder, as given.
        settings: those of the run.
        program: how this program is called from a shell.
    """
    if result.days:
        yield from aligned(_DAY_HEADS, _day_rows(result.days))
    else:
        yield "no day can be released" + _why_nobody(result, settings)
    released = [day for day in result.days if any(day.rows.values())]
    if released:
        yield ""
        yield from aligned(_TABLE_HEADS, _table_rows(released))
    notes = [*_day_notes(result.days, settings), *_notes(result, settings, released=bool(released))]
    if result.tally.rejects:
        notes.append(_rejects(result))
    if notes:
        yield ""
        yield from notes
    if any(day.status is not DayStatus.UNDER_K for day in result.days):
        yield ""
        yield from _where(output, program, look=bool(released))


def aligned(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows as columns of text; those whose head ends with a blank are set to the left."""
    lines = [[head.strip() for head in heads], *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (
            cell.ljust(width) if head.endswith(" ") else cell.rjust(width)
            for cell, width, head in zip(line, widths, heads, strict=True)
        )
        yield "  ".join(cells).rstrip()


def _day_rows(days: Sequence[DayOutcome]) -> list[tuple[str, ...]]:
    """A row for each day; of many days the last ones, those with something to tell, and the sum."""
    shown = list(days)
    if len(days) > _MANY_DAYS:
        special = [day for day in days[:-_LAST_DAYS] if day.status not in _ORDINARY][-_LAST_DAYS:]
        shown = [*special, *days[-_LAST_DAYS:]]
    rows = [
        (
            day.date,
            "empty" if _is_empty(day) else _STATUS[day.status],
            *(
                map(_figure, (day.hits, day.page_views, day.visits, day.visitors, day.bot_hits))
                if any(day.rows.values())
                else _NO_FIGURES
            ),
        )
        for day in shown
    ]
    if len(shown) < len(days):
        rows.append((f"… {len(days) - len(shown)} more", "", *_NO_FIGURES))
        sums = [sum(getattr(day, name) or 0 for day in days) for name in ("hits", "page_views", "visits")]
        bots = sum(day.bot_hits for day in days)
        # Visitors are known for one day only: they do not add up.
        rows.append((f"{len(days)} days", "in all", *map(_figure, sums), "", _figure(bots)))
    return rows


def _figure(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


def _table_rows(days: Sequence[DayOutcome]) -> list[tuple[str, ...]]:
    """Rows of each table over all days, and the share of its first measure that stands in folded rows."""
    rows: list[tuple[str, ...]] = []
    for table in table_schemas().values():
        amount = sum(day.amounts.get(table.name, 0) for day in days)
        folded = sum(day.folded.get(table.name, 0) for day in days)
        share = f"{folded / amount:.1%}" if amount and table.dimensions else "-"
        of_hits = f"of {table.cell_measures[0].replace('_', ' ')}" if table.dimensions else ""
        rows.append((table.name, f"{sum(day.rows.get(table.name, 0) for day in days):,}", share, of_hits))
    return rows


def _day_notes(days: Sequence[DayOutcome], settings: Settings) -> Iterator[str]:
    """Why days are not released or folded: each reason once, with its days."""
    reasons: dict[str, list[str]] = {}
    for day in days:
        if reason := _why_folded(day, settings):
            reasons.setdefault(reason, []).append(day.date)
    for reason, dates in reasons.items():
        more = f" and {len(dates) - _FEW_ROWS} more days" if len(dates) > _FEW_ROWS else ""
        yield f"note: {', '.join(dates[:_FEW_ROWS])}{more}: {reason}"


_RULES = (
    "leave_out",
    "count_only",
    "page_views",
    "routes",
    "static_extensions",
    "visit_gap_minutes",
    "bot_rate",
)


def rules_in_use(settings: Settings, config: str | None) -> Iterator[str]:
    """Which settings of a configuration change what is counted, and the file they stand in."""
    changed = [name for name in _RULES if getattr(settings, name) != Settings.model_fields[name].default]
    if changed:
        yield ""
        yield f"note: counted by the rules of {config or 'the configuration'}: {', '.join(changed)}"


def _notes(result: RunResult, settings: Settings, *, released: bool) -> Iterator[str]:
    """What the formats and the settings leave open."""
    blind = [name for name in result.plan.formats if not carries_identifiers(format_by_name(name).fields)]
    if blind and settings.audience is Audience.GENERAL:
        yield (
            f"note: {_named(blind)} logs carry no sign of a child or an opt-out but in their URLs: see the "
            "promises in the README"
        )
    if settings.opt_outs is OptOuts.EXCLUDE_FROM_SHARING:
        yield "note: people who opted out are counted here (opt_outs): this release is not to be shared"
    if hostless := _named(list(_hostless(result, settings))):
        yield f"note: {hostless} logs carry no host: name your own in own_hosts, or they count as referrers"
    formats = map(format_by_name, result.plan.formats)
    if settings.trusted_proxies and not any("forwarded" in known.fields for known in formats):
        yield "note: no log has forwarded addresses: trusted_proxies changes nothing"
    blind_databases = result.databases and not any(one.tells_countries for one in result.databases)
    if released and (blind_databases or not settings.geoip):
        yield "note: every country is (unknown): --geoip FILE names a database that tells them"


def _named(formats: Sequence[str]) -> str:
    """Names of formats; of many the first ones, and a pasted one by what it is."""
    names = [told_name(name) for name in formats]
    more = f" and {len(names) - _FEW_FORMATS} more" if len(names) > _FEW_FORMATS else ""
    return ", ".join(names[:_FEW_FORMATS]) + more


def _rejects(result: RunResult) -> str:
    """How many lines were rejected and why, the commonest reasons first."""
    counts: Counter[str] = Counter()
    for of_file in result.tally.rejected.values():
        counts.update({reason.value: rejects.count for reason, rejects in of_file.items()})
    told = ", ".join(f"{count:,} {reason}" for reason, count in sorted(counts.items(), key=_most_first))
    lines = "1 line" if result.tally.rejects == 1 else f"{result.tally.rejects:,} lines"
    return f"rejected: {lines} ({told}); files and byte offsets stand on standard error"


def _most_first(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


def _where(output: str, program: str, *, look: bool) -> Iterator[str]:
    """Where the release is, and what can be done with it."""
    place = output.rstrip("/")
    place = f"./{place}" if place.startswith("-") else place
    yield f"tables: {place}/<table>/date=<day>/part-0.parquet"
    yield f"check:  {program} verify {shlex.quote(place)}"
    if look and _PLAIN_PATH.fullmatch(
        place
    ):  # in SQL in a shell, anything else would need two kinds of quotes
        sql = f"FROM read_parquet('{place}/pages/*/*.parquet') ORDER BY page_views DESC LIMIT 20"
        yield f'look:   duckdb -c "{sql}"  # pip install duckdb-cli'


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
    if settings.audience is Audience.MIXED and not _tells_ages(result.plan, settings):
        return ": for a mixed audience unknown ages are withheld, and these logs carry no age"
    return ""


def _is_empty(day: DayOutcome) -> bool:
    """Whether a day was released without a row, which says nothing but that k were not there."""
    return day.status in _ORDINARY and not any(day.rows.values())


def _why_folded(day: DayOutcome, settings: Settings) -> str:
    unit = "networks" if settings.support is Support.NETWORKS else "visitors"
    proxy = (
        '; where all traffic comes through one proxy, set support = "visitors"'
        if settings.support is Support.NETWORKS
        else ""
    )
    if day.status is DayStatus.UNDER_K:
        return f"not released: fewer than {settings.min_support} {unit} or people with an id{proxy}"
    if _is_empty(day):
        return (
            f"released empty: nobody, or fewer than {settings.min_support} {unit} or people with an id; if "
            "files were missing, give them and add --replace"
        )
    if len(day.folded_tables) > len(day.rows) // 2:
        return f"most tables fold to one row, for want of {unit}{proxy}"
    return ""


def exit_code(result: RunResult, settings: Settings) -> int:
    """Exit code of a run that did not fail."""
    incomplete = (
        any(_wrong(result.plan))
        or result.tally.problems
        or _over_reject_limit(result, settings)
        or any(day.status in NOT_WRITTEN for day in result.days)
    )
    return ExitCode.INCOMPLETE_INPUT if incomplete else ExitCode.DONE
