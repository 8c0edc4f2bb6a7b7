"""Runs that are interrupted or killed at any moment, and the same command again."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support import bytes_of, combined_line, process, without_progress

INTERRUPTED = (
    "logscrub: interrupted; days that were not finished have no manifest: run the same command again\n"
)
PROCESSES = ["--jobs", 2, "--", "--direct_running_mode=multi_processing"]


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("logs") / "a.log"
    place.write_bytes(
        b"".join(
            combined_line(
                f"198.51.{n % 250}.7", f"{1 + n % 9:02}/Mar/2026:10:00:00 +0000", f"GET /{n % 50} HTTP/1.1"
            )
            for n in range(9_000)
        )
    )
    return place


@pytest.fixture(scope="module")
def undisturbed(logs: Path) -> tuple[dict[str, bytes], float]:
    """The release of the logs, and the seconds that it takes."""
    started = time.monotonic()
    assert process("run", logs, "-o", logs.parent / "out").wait(timeout=120) == 0
    return bytes_of(logs.parent / "out"), time.monotonic() - started


def of_session(leader: int) -> list[str]:
    """Processes that live in the session of a process."""
    found = subprocess.run(
        ["ps", "-s", str(leader), "-o", "pid=,stat="], capture_output=True, text=True, check=False
    )
    rows = [line.split() for line in found.stdout.splitlines()]
    return [pid for pid, state in rows if not state.startswith("Z")]  # that nobody has asked for


def gone(leader: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while alive := of_session(leader):
        if time.monotonic() > until:
            for pid in alive:
                os.kill(int(pid), signal.SIGKILL)
            return False
        time.sleep(0.05)
    return True


def interrupt(logs: Path, tmp_path: Path, seconds: float, *flags: object) -> int:
    """Interrupt a run; whatever the moment, it leaves nothing half-done."""
    out, temporary = tmp_path / "out", tmp_path / "tmp"
    temporary.mkdir(exist_ok=True)
    running = process("run", logs, "-o", out, *flags, env={"TMPDIR": str(temporary)}, start_new_session=True)
    time.sleep(seconds)
    running.send_signal(signal.SIGINT)
    said, told = running.communicate(timeout=60)
    assert gone(running.pid, 10)
    assert list(temporary.iterdir()) == []
    if running.returncode:
        assert (running.returncode, said, without_progress(told)) == (130, "", INTERRUPTED)
        left = [path for path in out.rglob("*") if path.is_file()]
        assert bool(left) == out.exists()
        assert list(out.rglob(".*")) == []
    return running.returncode


def complete(logs: Path, tmp_path: Path, expected: dict[str, bytes], *flags: object) -> None:
    running = process("run", logs, "-o", tmp_path / "out", *flags, env={"TMPDIR": str(tmp_path / "tmp")})
    _, told = running.communicate(timeout=120)
    assert (running.returncode, without_progress(told)) == (0, "")
    assert bytes_of(tmp_path / "out") == expected
    assert list((tmp_path / "tmp").glob("logscrub-*")) == []
    assert list((tmp_path / "out").rglob(".*")) == []


def moments(count: int, seconds: float) -> list[float]:
    rng = random.Random(20260314)
    return [rng.uniform(0.2, seconds) for _ in range(count)]


def test_interrupted_and_run_again(
    logs: Path, undisturbed: tuple[dict[str, bytes], float], tmp_path: Path
) -> None:
    expected, seconds = undisturbed
    interrupt(logs, tmp_path, seconds * 0.8)
    complete(logs, tmp_path, expected)


@pytest.mark.slow
def test_interrupted_at_many_moments(
    logs: Path, undisturbed: tuple[dict[str, bytes], float], tmp_path: Path
) -> None:
    expected, seconds = undisturbed
    codes = [interrupt(logs, tmp_path, moment) for moment in moments(12, seconds)]
    assert 130 in codes
    complete(logs, tmp_path, expected)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.5, 0.8])
def test_interrupted_with_processes_as_workers(
    logs: Path, undisturbed: tuple[dict[str, bytes], float], tmp_path: Path, share: float
) -> None:
    interrupt(logs, tmp_path, share * (undisturbed[1] + 3), *PROCESSES)
    complete(logs, tmp_path, undisturbed[0])


@pytest.mark.slow
@pytest.mark.parametrize("flags", [[], PROCESSES], ids=["threads", "processes"])
def test_killed_at_many_moments_and_run_again(
    logs: Path, undisturbed: tuple[dict[str, bytes], float], tmp_path: Path, flags: list[object]
) -> None:
    expected, seconds = undisturbed
    (tmp_path / "tmp").mkdir()
    for moment in moments(3 if flags else 6, seconds + (3 if flags else 0)):
        running = process(
            "run",
            logs,
            "-o",
            tmp_path / "out",
            *flags,
            env={"TMPDIR": str(tmp_path / "tmp")},
            start_new_session=True,
        )
        time.sleep(moment)
        running.kill()
        running.communicate(timeout=60)
        assert gone(running.pid, 30)
        manifests = list((tmp_path / "out").glob("_manifest/*.json"))
        assert all(path.read_bytes() == expected[f"_manifest/{path.name}"] for path in manifests)
    complete(logs, tmp_path, expected, *flags)


def test_what_a_killed_run_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    from logscrub.beam.leftovers import temporary_folder
    from logscrub.release.store import LocalStore

    store = LocalStore(tmp_path / "out")
    store.write("days/a", b"1")
    (tmp_path / "out" / ".logscrub-tmp").mkdir(exist_ok=True)
    (tmp_path / "out" / ".logscrub-tmp" / "0.tmp").write_bytes(b"half")
    (tmp_path / "out" / ".mine").write_bytes(b"mine")
    store.open()
    assert bytes_of(tmp_path / "out") == {"days/a": b"1", ".mine": b"mine"}
    store.close()
    with pytest.raises(InterruptedError):
        store.write("days/b", b"2")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(tmp_path))
        (tmp_path / "logscrub-deadbeef").mkdir()
        (tmp_path / "logscrub-mine-01").mkdir()
        with temporary_folder() as living, temporary_folder() as other:
            assert {Path(living), Path(other)} <= set(tmp_path.iterdir())
            assert not (tmp_path / "logscrub-deadbeef").exists()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["logscrub-mine-01", "out"]
