"""One run from inputs to a release: plan, lock, run the pipeline, read its account."""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions

from logscrub.beam.files import check_place, is_remote, match_inputs, open_file, remove, store_at
from logscrub.beam.graph import TrafficStatistics
from logscrub.beam.options import pipeline_options
from logscrub.beam.steps import StepFailedError
from logscrub.config import Settings
from logscrub.engine import RunResult, shard_count
from logscrub.errors import LogscrubError, PublishError, UsageError, system_reason
from logscrub.inputs import Plan, plan_inputs
from logscrub.release.day import DayOutcome
from logscrub.release.verify import is_of_release
from logscrub.tally import Tally


def run_pipeline(
    inputs: Sequence[str],
    output: str,
    settings: Settings,
    *,
    account: str | None = None,
    runner: str | None = None,
    jobs: int | None = None,
    beam_flags: Sequence[str] = (),
) -> RunResult:
    """Read inputs and publish the traffic statistics of every day that may be released.

    Args:
        inputs: paths, folders and patterns, local or remote.
        output: release folder, local or remote.
        settings: those of the run.
        account: file that the caller is going to write, which must be none of the inputs.
        runner: Beam runner; the local one by default.
        jobs: threads of the local runner; one for each core by default.
        beam_flags: flags for Beam.

    Raises:
        UsageError: no input at all, `account` among the inputs, or wrong Beam flags.
        PublishError: the output cannot be written, or another run writes it.
        LogscrubError: a step failed; no day that was not finished has a manifest.
    """
    options = pipeline_options(beam_flags, runner, jobs or os.cpu_count() or 1)
    now_ms = time.time_ns() // 1_000_000
    check_place(output)
    matched, missing = match_inputs(inputs)
    if account and Path(account).resolve() in {Path(file.path).resolve() for file in matched}:
        raise UsageError(f"--account {account}: that is one of the inputs: name another file")
    files = [file for file in matched if not _is_released(file.path, output)]
    plan = plan_inputs(files, open_file, settings.range_bytes)
    plan = Plan(plan.ranges, (*missing, *plan.problems), plan.duplicates, plan.total_bytes)
    if not files:
        told = "; ".join(f"{p.path}: {p.reason.advice}" for p in missing)
        raise UsageError(f"no input: {told}" if told else "no input")
    if not plan.ranges:
        return RunResult(plan, Tally())
    with _locked(output), _account_folder(output, options) as place:
        job = TrafficStatistics(
            plan.ranges,
            output,
            place,
            settings,
            shard_count(settings, plan.total_bytes),
            now_ms,
            plan.carries_identifiers,
        )
        _run(job, options)
        return _result(plan, place)


def _run(job: TrafficStatistics, options: PipelineOptions) -> None:
    failure: LogscrubError
    try:
        pipeline = beam.Pipeline(options=options)
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


def _is_released(path: str, output: str) -> bool:
    """Whether a file is a release's own: logs may lie in the folder above it, and are read again there."""
    if is_remote(output) or is_remote(path):
        return False
    place, root = Path(path).resolve(), Path(output).resolve()
    return place.is_relative_to(root) and is_of_release(place.relative_to(root).as_posix())


@contextlib.contextmanager
def _locked(output: str) -> Iterator[None]:
    """Hold the release folder for this run; the system lets go of it however the process ends."""
    if is_remote(output):
        yield
        return
    try:
        Path(output).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output):
            pass
        handle = os.open(output, os.O_RDONLY)
    except OSError as error:
        raise PublishError(f"{output}: cannot be written: {system_reason(error)}") from None
    try:
        _hold(handle, output)
        yield
    finally:
        os.close(handle)


def _hold(handle: int, output: str) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise PublishError(f"{output}: another run is writing it: wait for it to end") from None
    except OSError as error:
        raise PublishError(f"{output}: cannot be locked: {system_reason(error)}") from None


@contextlib.contextmanager
def _account_folder(output: str, options: PipelineOptions) -> Iterator[str]:
    """Place of the account on its way from the worker to this process, outside the release folder."""
    shared = options.view_as(GoogleCloudOptions).temp_location
    if is_remote(output) and shared:
        account = f"{shared.rstrip('/')}/logscrub-account-{time.time_ns()}.json"
        try:
            yield account
        finally:
            remove(account)
        return
    folder = tempfile.mkdtemp(prefix="logscrub-")
    try:
        yield f"{folder}/account.json"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _result(plan: Plan, account: str) -> RunResult:
    folder, name = account.rsplit("/", 1)
    content = store_at(folder).read(name)
    if content is None:
        raise StepFailedError(
            "the job ended, but its account did not come back: give the workers a shared --temp_location"
        )
    told = json.loads(content)
    result = RunResult(plan, Tally(), sorted(map(DayOutcome.from_json, told["days"]), key=lambda d: d.date))
    for tally in told["tallies"]:
        result.tally.add(Tally.from_json(tally))
    return result
