"""Beam's flags, checked strictly: Beam itself drops those it does not know."""

import argparse
import contextlib
import io
import os
import shlex
import socket
import sys
from collections.abc import Sequence

from apache_beam.options.pipeline_options import (
    DirectOptions,
    PipelineOptions,
    PortableOptions,
    StandardOptions,
)
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.portability.fn_api_runner.fn_runner import ExtendedProvisionInfo, FnApiRunner
from apache_beam.runners.portability.portable_runner import JobServiceHandle
from apache_beam.runners.runner import PipelineRunner, create_runner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from logscrub.errors import LogscrubError, UsageError, system_reason

LOCAL_RUNNER = "FnApiRunner"

_LOCAL_NAMES = frozenset({"localrunner", "directrunner", "switchingdirectrunner", "fnapirunner"})
_SAMPLING = "enable_data_sampling"
_NO_SAMPLING = "--experiments=disable_always_on_exception_sampling"
_WORKER_LOGS = "--default_sdk_harness_log_level"
_PATIENCE_SECONDS = 10


def pipeline_options(flags: Sequence[str], runner: str | None, jobs: int) -> PipelineOptions:
    """Options of the pipeline.

    The local runner is pinned: Beam's DirectRunner would download a program and run the data through it.

    Args:
        flags: what the user gave for Beam.
        runner: name of the runner, or None for the one among the flags, or else the local one.
        jobs: threads of the local runner, unless the flags say otherwise.

    Raises:
        UsageError: a flag that Beam does not know, or a wrong value; or one that would let values of records
            out of the workers.
    """
    known = _parse(flags)
    chosen = runner or known.runner or LOCAL_RUNNER
    if runner and known.runner and _pinned(runner) != _pinned(known.runner):
        raise UsageError(f"two runners are given: --runner {runner}, and another after --")
    if _SAMPLING in (known.experiments or []):
        raise UsageError(f"{_SAMPLING} would copy records out of the workers: leave it out")
    extra = []
    chosen = _pinned(chosen)
    if chosen == LOCAL_RUNNER and not any(flag.startswith("--direct_num_workers") for flag in flags):
        extra.append(f"--direct_num_workers={jobs}")
    if chosen == LOCAL_RUNNER and not any(flag.startswith(_WORKER_LOGS) for flag in flags):
        extra.append(f"{_WORKER_LOGS}=CRITICAL")
    return PipelineOptions([*_without_runner(flags), f"--runner={chosen}", *extra, _NO_SAMPLING])


def make_runner(options: PipelineOptions) -> PipelineRunner:
    """The runner that the options name, ready to be used.

    The local one hands the options on to processes that it starts, which would else have none: no log level,
    and nothing that object stores ask for.

    Raises:
        UsageError: the runner needs a job service, and none is named.
        LogscrubError: nobody answers where the job service should be; Beam would wait without a word.
    """
    name = options.view_as(StandardOptions).runner
    if name != LOCAL_RUNNER:
        if name == "PortableRunner":
            _check_job_service(options.view_as(PortableOptions).job_endpoint)
        return create_runner(name)
    encoded = JobServiceHandle.encode_pipeline_options(options.get_all_options())
    info = ExtendedProvisionInfo(beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded))
    local = options.view_as(DirectOptions)
    if local.direct_running_mode != "multi_processing":
        return FnApiRunner(provision_info=info)
    # The mode decides about the environment of the steps and about nothing else; Beam's would be noisy.
    local.direct_running_mode = "in_memory"
    # The shell that starts it makes way, so that whoever ends the worker ends it.
    worker = f"exec {shlex.quote(sys.executable)} -m logscrub.beam.worker {os.getpid()}"
    return FnApiRunner(SubprocessSDKEnvironment.from_command_string(worker), provision_info=info)


def is_one_process(options: PipelineOptions) -> bool:
    """Whether all steps run in this process; to be asked before `make_runner`."""
    mode: str = options.view_as(DirectOptions).direct_running_mode
    runner: str = options.view_as(StandardOptions).runner
    return runner == LOCAL_RUNNER and mode != "multi_processing"


def _check_job_service(endpoint: str | None) -> None:
    if not endpoint:
        raise UsageError("--runner PortableRunner needs --job_endpoint=HOST:PORT after --")
    host, _, port = endpoint.rpartition(":")
    if not host or not port.isdigit():  # `embed`, or a name that gRPC resolves in its own ways
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE_SECONDS).close()
    except (OSError, OverflowError) as error:
        reason = system_reason(error) if isinstance(error, OSError) else "no such port"
    else:
        return
    raise LogscrubError(
        f"--job_endpoint {endpoint}: no job service answers ({reason}): check that it runs, its port, and "
        "what stands between"
    )


def _pinned(runner: str) -> str:
    """Name of a runner, as Beam spells it.

    Raises:
        UsageError: Beam has no such runner.
    """
    full = runner.lower().removesuffix("runner") + "runner"  # Beam takes `flink` for FlinkRunner
    if full in _LOCAL_NAMES:
        return LOCAL_RUNNER
    name = {known.lower(): known for known in StandardOptions.KNOWN_RUNNER_NAMES}.get(full, runner)
    try:
        create_runner(name)
    except Exception:  # a name may lead to anything that can be imported
        raise UsageError(f"--runner {runner}: Beam has no such runner, or lacks a package for it") from None
    return name


def _without_runner(flags: Sequence[str]) -> list[str]:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--runner")
    return parser.parse_known_args(list(flags))[1]


def _parse(flags: Sequence[str]) -> argparse.Namespace:
    parsers: list[argparse.ArgumentParser] = []
    PipelineOptions([]).get_all_options(add_extra_args_fn=parsers.append)
    if {"-h", "--help"} & set(flags):
        raise UsageError("flags after --: for those of Beam see the documentation of its runners")
    try:
        with contextlib.redirect_stderr(io.StringIO()) as said:
            known, unknown = parsers[0].parse_known_args(list(flags))
    except SystemExit:
        reason = said.getvalue().strip().rsplit("error: ", 1)[-1]
        raise UsageError(f"flags after --: {reason}") from None
    if unknown:
        raise UsageError(f"flags after --: Beam does not know {unknown[0].split('=')[0]}")
    return known
