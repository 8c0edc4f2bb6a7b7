"""One run from inputs to a release: plan, lock, run the pipeline, read its account."""

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions
from apache_beam.runners.runner import PipelineRunner

from logscrub.beam import handover
from logscrub.beam.files import (
    check_place,
    is_remote,
    match_inputs,
    open_file,
    open_geography,
    remove,
    store_at,
)
from logscrub.beam.graph import TrafficStatistics
from logscrub.beam.handover import ELSEWHERE
from logscrub.beam.leftovers import removed, temporary_folder
from logscrub.beam.options import is_one_process, make_runner, pipeline_options
from logscrub.beam.output import check_output, held
from logscrub.beam.spool import check_standard_input, spooled_input
from logscrub.beam.steps import StepFailedError
from logscrub.config import Settings
from logscrub.engine import RunResult, shard_count
from logscrub.enrich.geography import DatabaseAge
from logscrub.errors import FileReason, LogscrubError, UsageError
from logscrub.exclusions import plan_exclusions
from logscrub.formats.registry import asked_format, check_signals
from logscrub.inputs import FileRange, InputFile, Plan, no_input, plan_inputs
from logscrub.release.day import DayOutcome, PublishRules
from logscrub.release.verify import is_of_release
from logscrub.tally import Tally
from logscrub.traffic.calendar import day_range


def run_pipeline(
    inputs: Sequence[str],
    output: str,
    settings: Settings,
    *,
    dates: tuple[str, str | None] | None = None,
    replace: bool = False,
    force: bool = False,
    account: str | None = None,
    signals_from: Sequence[str] = (),
    exclude: Sequence[str] = (),
    runner: str | None = None,
    jobs: int | None = None,
    beam_flags: Sequence[str] = (),
    progress: Callable[[Plan, int], AbstractContextManager[None]] | None = None,
) -> RunResult:
    """Read inputs and publish the traffic statistics of every day that may be released.

    Args:
        inputs: paths, folders and patterns, local or remote; `-` is standard input.
        output: release folder, local or remote.
        settings: those of the run.
        dates: first and last day to release, each YYYY-MM-DD or `yesterday`; None for the last is yesterday.
        replace: whether released days of other content are replaced.
        force: whether they are replaced by fewer hits too.
        account: file that the caller is going to write, which must be none of the inputs.
        signals_from: more logs, as `inputs`, that are read for signals and links only.
        exclude: files with people to withhold, as plain ids or as records.
        runner: Beam runner; the local one by default.
        jobs: threads of the local runner; one for each core by default.
        beam_flags: flags for Beam.
        progress: shows how far the run is, from when the plan is made until the pipeline has ended; takes it
            and the bytes that are read for signals beside it.

    Raises:
        UsageError: no input at all, a log or list to withhold by that cannot be read, a format that is not
            known, standard input twice or for workers that cannot see it, `account` among the inputs, a day
            that is not over, a database that tells nothing of networks, an output that is no release or one
            of another time zone, or wrong Beam flags.
        PublishError: the output cannot be written, or another run writes it.
        LogscrubError: a job service does not answer, or a step failed; no day that was not finished has a
            manifest.
    """
    check_signals(settings.signals)
    options = pipeline_options(beam_flags, runner, jobs or os.cpu_count() or 1)
    here = handover.within_process() if is_one_process(options) else contextlib.nullcontext(ELSEWHERE)
    chosen = make_runner(options)
    now_ms = time.time_ns() // 1_000_000
    days = day_range(*dates, now_ms, settings.timezone) if dates else None
    forced = asked_format(settings.format, settings.log_format, settings.signals)
    check_place(output)
    databases = [_database(path, now_ms) for path in settings.geoip]
    ages = [age for _, age in databases]
    told = tuple(of_manifest for of_manifest, _ in databases)
    rules = PublishRules(days.dates() if days else (), replace, force, told)
    check_output(output, settings)
    check_standard_input(inputs, options)
    with spooled_input(inputs) as (paths, spooled):
        matched, missing = match_inputs(paths)
        files = [*_logs(matched, output, settings, account), *spooled]
        plan = plan_inputs(files, open_file, settings.range_bytes, forced)
        plan = dataclasses.replace(plan, problems=(*missing, *plan.problems))
        more, lists = _more_logs(signals_from, settings, forced), _lists(exclude, forced)
        if not files:
            raise no_input(missing)
        quiet = all(problem.reason is FileReason.EMPTY for problem in plan.problems)
        if not plan.ranges and not (days and quiet):
            return RunResult(plan, Tally(), databases=ages)
        with held(output), _account_place(output, options) as place, here as run:
            job = TrafficStatistics(
                plan.batches(settings.range_bytes),
                output,
                place,
                settings,
                shard_count(settings, plan),
                now_ms,
                days,
                rules,
                more.batches(settings.range_bytes),
                lists,
                run,
            )
            with progress(plan, more.total_bytes) if progress else contextlib.nullcontext():
                _run(job, chosen, options)
            return _result(plan, place, ages)


def _more_logs(patterns: Sequence[str], settings: Settings, forced: str | None) -> Plan:
    """The logs that are read for signals only.

    Raises:
        UsageError: one is missing or cannot be read: a child that it tells of would be counted.
    """
    matched, missing = match_inputs(patterns)
    plan = plan_inputs(matched, open_file, settings.range_bytes, forced)
    for problem in (*missing, *plan.problems):
        if problem.reason is not FileReason.EMPTY:
            raise UsageError(
                f"--signals-from {problem.path}: {problem.reason.advice}; nothing was released, since "
                "whom it tells of would be counted"
            )
    return plan


def _lists(patterns: Sequence[str], forced: str | None) -> list[FileRange]:
    """The lists of people to withhold.

    Raises:
        UsageError: one is missing or cannot be read.
    """
    matched, missing = match_inputs(patterns)
    for problem in missing:
        raise UsageError(f"--exclude {problem.path}: {problem.reason.advice}; nothing was released")
    return plan_exclusions(matched, open_file, forced)


def _database(path: str, now_ms: int) -> tuple[dict[str, Any], DatabaseAge]:
    """What the manifest says of a database, since another one gives another release, and how old it is.

    Raises:
        UsageError: it is missing, damaged, or tells nothing of networks.
    """
    database = open_geography(path)
    with open_file(path) as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    told = {"type": database.database_type, "build_epoch": database.build_epoch, "sha256": digest}
    return told, database.age(path, now_ms)


def _run(job: TrafficStatistics, runner: PipelineRunner, options: PipelineOptions) -> None:
    failure: LogscrubError
    try:
        pipeline = beam.Pipeline(runner=runner, options=options)
        with removed(lambda: shutil.rmtree(pipeline.local_tempdir, ignore_errors=True)):
            job.build(pipeline)
            pipeline.run().wait_until_finish()
    except LogscrubError as error:
        failure = error
        failure.args = (_bare(str(error)),)
    except Exception as error:
        failure = StepFailedError(_told_by(error))
    else:
        return
    failure.__context__ = failure.__cause__ = None
    raise failure


def _told_by(error: Exception) -> str:
    """The message of our own error inside what a runner raised; nothing of any other."""
    for line in reversed(str(error).splitlines()):
        name, _, message = line.strip().partition(": ")
        if name.startswith("logscrub.") and name.endswith("Error"):
            return _bare(message)
    return f"the runner failed ({type(error).__name__}); its own log tells more"


def _bare(message: str) -> str:
    """A message without the step, which Beam adds."""
    return message.partition(" [while running")[0]


def _logs(
    matched: Sequence[InputFile], output: str, settings: Settings, account: str | None
) -> list[InputFile]:
    """The files that are logs: not the databases, and not the release's own, whose folder may lie among them.

    Raises:
        UsageError: the account would be written over one of the inputs.
    """
    databases = {os.path.realpath(path) for path in settings.geoip}
    root = Path(os.path.realpath(output))
    logs = []
    for file in matched:
        if not is_remote(file.path):
            place = os.path.realpath(file.path)
            if account and place == os.path.realpath(account):
                raise UsageError(f"--account {account}: that is one of the inputs: name another file")
            if place in databases or (not is_remote(output) and _is_released(Path(place), root)):
                continue
        logs.append(file)
    return logs


def _is_released(place: Path, root: Path) -> bool:
    """Whether a file is a release's own: logs may lie in the folder above it, and are read again there."""
    return place.is_relative_to(root) and is_of_release(place.relative_to(root).as_posix())


@contextlib.contextmanager
def _account_place(output: str, options: PipelineOptions) -> Iterator[str]:
    """Place of the account on its way from the worker to this process, outside the release folder."""
    shared = options.view_as(GoogleCloudOptions).temp_location
    if is_remote(output) and shared:
        account = f"{shared.rstrip('/')}/logscrub-account-{time.time_ns()}.json"
        with removed(lambda: remove(account)):
            yield account
        return
    with temporary_folder() as folder:
        yield f"{folder}/account.json"


def _result(plan: Plan, account: str, databases: Sequence[DatabaseAge]) -> RunResult:
    folder, name = account.rsplit("/", 1)
    content = store_at(folder).read(name)
    if content is None:
        raise StepFailedError(
            "the job ended, but its account did not come back: give the workers a shared --temp_location"
        )
    told = json.loads(content)
    days = sorted(map(DayOutcome.from_json, told["days"]), key=lambda d: d.date)
    result = RunResult(plan, Tally(), days, told["shared_ids"], databases)
    for tally in told["tallies"]:
        result.tally.add(Tally.from_json(tally))
    return result
