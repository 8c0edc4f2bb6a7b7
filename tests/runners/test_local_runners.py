"""The same bytes from the engine in memory and from every local way to run Beam."""

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logscrub.beam.files import match_inputs
from logscrub.beam.run import run_pipeline
from logscrub.config import Settings
from logscrub.errors import LogscrubError
from tests.privacy.test_non_interference import make_logs
from tests.support import ROOT, combined_line, run_engine

CONFIG = Settings(min_support=2, shards=2, range_bytes=2000, block_bytes=700)
WAYS = {
    "one thread": ["--direct_num_workers=1"],
    "two threads": ["--direct_num_workers=2"],
    "processes": ["--direct_num_workers=2", "--direct_running_mode=multi_processing"],
    "portable": ["--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK"],
    "portable, other workers": [
        "--runner=PortableRunner",
        "--job_endpoint=embed",
        "--environment_type=EXTERNAL",
        "--environment_config={pool}",
    ],
}
OURS = re.compile(r"(progress|warning|note|rejected): .*")


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a pool that starts worker processes of its own, as a cluster's machines do."""
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main", f"--service_port={port}"]
    # The pool starts whatever `python` it finds.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT / "src")}
    said = tmp_path_factory.mktemp("pool") / "log"
    with said.open("wb") as log:
        running = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait_for(port, running)
            yield f"localhost:{port}"
        finally:
            os.killpg(running.pid, signal.SIGTERM)  # the pool's workers too
            running.wait(30)


def _wait_for(port: int, running: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        assert running.poll() is None
        try:
            socket.create_connection(("localhost", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the pool of workers does not answer")


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def released(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_every_way_gives_the_bytes_of_the_engine(
    way: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    flags = WAYS[way]
    if "{pool}" in flags[-1]:
        flags = [flag.format(pool=request.getfixturevalue("pool")) for flag in flags]
    chance = random.Random(7)
    files = make_logs(chance).with_children(chance)
    expected, told = run_engine(files, CONFIG)
    inputs = write(tmp_path / "in", files)
    result = run_pipeline([str(inputs)], str(tmp_path / "out"), CONFIG, beam_flags=flags)
    assert released(tmp_path / "out") == expected
    assert expected
    assert [day.to_json() for day in result.days] == [day.to_json() for day in told.days]
    assert result.tally.lines == told.tally.lines
    assert result.tally.withheld == told.tally.withheld > 0


@pytest.mark.slow
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_children_leave_no_trace_on_beam(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    chance = random.Random(seed)
    logs = make_logs(chance)
    folder = tmp_path_factory.mktemp("beam")
    for name, files in (("with", logs.with_children(chance)), ("without", logs.without())):
        inputs = write(folder / f"{name}-in", files)
        run_pipeline([str(inputs)], str(folder / name), CONFIG, jobs=2)
    assert released(folder / "with") == released(folder / "without")


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_the_sample_on_the_command_line_every_way(
    way: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The bytes of the engine, and no word of Beam or of the processes it starts."""
    flags = WAYS[way]
    if "{pool}" in flags[-1]:
        flags = [flag.format(pool=request.getfixturevalue("pool")) for flag in flags]
    sample = [ROOT / "sample_logs" / "site" / name for name in ("app", "blog", "hostile", "shop")]
    files, _ = match_inputs(list(map(str, sample)))
    expected, _ = run_engine({f.path: Path(f.path).read_bytes() for f in files}, Settings())
    command = [sys.executable, "-m", "logscrub", "run", *sample, "-o", str(tmp_path / "out"), "--", *flags]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, capture_output=True, check=False, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    assert released(tmp_path / "out") == expected
    assert [line for line in done.stderr.splitlines() if not OURS.fullmatch(line)] == []


@pytest.mark.slow
def test_an_interrupt_ends_worker_processes_too(tmp_path: Path) -> None:
    chance = random.Random(5)
    inputs = write(tmp_path / "in", make_logs(chance).with_children(chance))
    command = [sys.executable, "-m", "logscrub", "run", str(inputs), "-o", str(tmp_path / "out"), "--"]
    running = subprocess.Popen(
        [*command, *WAYS["processes"]],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    try:
        while not (tmp_path / "out").exists():
            assert running.poll() is None
            time.sleep(0.02)
        time.sleep(1)
        os.killpg(running.pid, signal.SIGINT)
        # The pipes are closed when the last process that holds them has ended.
        _, told = running.communicate(timeout=60)
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
    assert running.returncode == 130
    assert [line for line in told.splitlines() if line and not OURS.fullmatch(line)] == [
        "logscrub: interrupted; days that were not finished have no manifest: run the same command again"
    ]


@pytest.mark.slow
def test_a_worker_process_that_is_gone_ends_the_run(tmp_path: Path) -> None:
    """The system ends a process when memory is short; Beam alone would wait for it for ever."""
    chance = random.Random(5)
    inputs = write(tmp_path / "in", make_logs(chance).with_children(chance))
    command = [sys.executable, "-m", "logscrub", "run", str(inputs), "-o", str(tmp_path / "out"), "--"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    running = subprocess.Popen(
        [*command, *WAYS["processes"]], stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        worker = 0
        while not worker:
            assert running.poll() is None
            worker = next((pid for pid in _children(running.pid) if b"beam.worker" in _command(pid)), 0)
        os.kill(worker, signal.SIGKILL)
        _, told = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 1
    assert [line for line in told.splitlines() if line.startswith("logscrub: ")]
    assert "Traceback" not in told
    assert not (tmp_path / "out" / "_manifest").exists()


def _children(parent: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):  # it ended
            if f"PPid:\t{parent}\n" in status.read_text():
                found.append(int(status.parent.name))
    return found


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def test_a_job_service_that_does_not_answer_is_told(tmp_path: Path) -> None:
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "a.log").write_bytes(combined_line())
    flags = ["--runner=PortableRunner", f"--job_endpoint=localhost:{port}"]
    with pytest.raises(LogscrubError, match=f"--job_endpoint localhost:{port}: no job service answers"):
        run_pipeline([str(tmp_path / "a.log")], str(tmp_path / "out"), CONFIG, beam_flags=flags)
    assert not (tmp_path / "out").exists()


def test_a_second_key_fails_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runner that makes the key again on a retry must not count a child."""
    from logscrub import engine
    from logscrub.privacy.pseudonyms import EphemeralKey

    made_for = engine.make_scrubber
    monkeypatch.setattr(
        engine,
        "make_scrubber",
        lambda settings, key, *more, **named: made_for(settings, EphemeralKey.generate(), *more, **named),
    )
    chance = random.Random(3)
    inputs = write(tmp_path / "in", make_logs(chance).with_children(chance))
    with pytest.raises(LogscrubError, match="different keys"):
        run_pipeline([str(inputs)], str(tmp_path / "out"), CONFIG, jobs=1)
    assert released(tmp_path / "out") == {}
