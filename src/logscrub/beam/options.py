"""Beam's flags, checked strictly: Beam itself drops those it does not know."""

import argparse
import contextlib
import io
from collections.abc import Sequence

from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.runner import create_runner

from logscrub.errors import UsageError

LOCAL_RUNNER = "FnApiRunner"

_LOCAL_NAMES = frozenset({"localrunner", "directrunner", "switchingdirectrunner", "fnapirunner"})
_SAMPLING = "enable_data_sampling"
_NO_SAMPLING = "--experiments=disable_always_on_exception_sampling"


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
    return PipelineOptions([*_without_runner(flags), f"--runner={chosen}", *extra, _NO_SAMPLING])


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
