"""Standard input, kept for as long as a run takes and no longer."""

import bz2
import gzip
import os
import pty
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import lz4.frame
import pytest

from tests.support import ROOT, bytes_of, log, process, without_progress

COMMAND = [sys.executable, "-m", "logscrub", "run"]
K = ["--min-support", "2"]


def run(
    tmp_path: Path, *arguments: object, given: bytes = b"", **options: object
) -> subprocess.CompletedProcess[str]:
    temporary = tmp_path / "tmp"
    temporary.mkdir(exist_ok=True)
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "TMPDIR": str(temporary)}
    source = tmp_path / "given"
    source.write_bytes(given)
    with source.open("rb") as stdin:
        ended = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            stdin=stdin,
            capture_output=True,
            text=True,
            env=environment,
            check=False,
            timeout=60,
            **options,  # type: ignore[call-overload]
        )
    assert [path.name for path in temporary.iterdir() if path.name.startswith("logscrub")] == []
    return ended


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    place = tmp_path_factory.mktemp("plain")
    (place / "a.log").write_bytes(log(30))
    assert run(place, place / "a.log", "-o", place / "out", *K).returncode == 0
    return bytes_of(place / "out")


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lz4.frame.compress])
def test_it_is_read_like_a_file(
    pack: Callable[[bytes], bytes], expected: dict[str, bytes], tmp_path: Path
) -> None:
    ended = run(tmp_path, "-", "-o", tmp_path / "out", *K, given=pack(log(30)))
    assert (ended.returncode, without_progress(ended.stderr)) == (0, "")
    assert bytes_of(tmp_path / "out") == expected


def test_processes_as_workers_read_it_too(expected: dict[str, bytes], tmp_path: Path) -> None:
    flags = ["--", "--direct_running_mode=multi_processing"]
    assert run(tmp_path, "-", "-o", tmp_path / "out", *K, *flags, given=log(30)).returncode == 0
    assert bytes_of(tmp_path / "out") == expected


def test_it_is_told_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log(30))
    account = ["--account", tmp_path / "account.json"]
    ended = run(tmp_path, "-", tmp_path / "a.log", "-o", tmp_path / "out", *K, *account, given=log(30))
    assert "standard input: the same content as" in ended.stderr.replace(
        f"{tmp_path}/a.log: the same content as standard input", "standard input: the same content as"
    )
    ended = run(tmp_path, "-", "-o", tmp_path / "o2", *K, *account, given=log(30) + b"garbage\n" * 2)
    assert "rejected: standard input: 2 lines" in ended.stderr
    assert '"standard input"' in (tmp_path / "account.json").read_text()
    cut = run(tmp_path, "-", "-o", tmp_path / "o3", given=gzip.compress(log(900))[:-9])
    assert "warning: standard input: corrupt_archive:" in cut.stderr
    assert cut.returncode == 3
    assert "/proc/" not in ended.stderr + cut.stderr


def test_nothing_on_it_is_an_empty_log(tmp_path: Path) -> None:
    (tmp_path / "empty.log").write_bytes(b"")
    as_file = run(tmp_path, tmp_path / "empty.log", "-o", tmp_path / "out")
    ended = run(tmp_path, "-", "-o", tmp_path / "out")
    assert (ended.returncode, ended.stdout) == (as_file.returncode, as_file.stdout)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-", "-"], "given once only"),
        (["-", "--runner", "PortableRunner", "--", "--job_endpoint=embed"], "kept on this machine"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], told: str, tmp_path: Path) -> None:
    ended = run(tmp_path, "-o", tmp_path / "out", *arguments, given=log(3))
    assert ended.returncode == 2
    assert told in ended.stderr
    assert not (tmp_path / "out").exists()


def test_a_closed_one_is_wrong_usage(tmp_path: Path) -> None:
    ended = run(tmp_path, "-", "-o", tmp_path / "out", preexec_fn=lambda: os.close(0))
    assert ended.returncode == 2
    assert "standard input is closed" in ended.stderr


def test_a_full_disk_ends_the_run_and_leaves_nothing(tmp_path: Path) -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    ended = run(tmp_path, "-", "-o", tmp_path / "out", given=log(3000), preexec_fn=limited)
    assert ended.returncode == 1
    assert "standard input: cannot be kept in" in ended.stderr
    assert "TMPDIR" in ended.stderr


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_interrupted_while_it_is_read_it_leaves_no_line_behind(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    running = process(
        "run", "-", "-o", tmp_path / "out", stdin=subprocess.PIPE, env={"TMPDIR": str(temporary)}
    )
    assert running.stdin is not None
    running.stdin.write(log(3000).decode())
    running.stdin.flush()
    until = time.monotonic() + 30
    while not list(temporary.glob("logscrub-*")) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.2)
    assert [path for path in temporary.rglob("*") if path.is_file()] == []  # it has no name from the start
    running.send_signal(number)
    assert running.wait(timeout=30) == code
    if number != signal.SIGKILL:
        assert list(temporary.iterdir()) == []
    assert not (tmp_path / "out").exists() or bytes_of(tmp_path / "out") == {}
    for pipe in (running.stdin, running.stdout, running.stderr):
        assert pipe is not None
        pipe.close()


def test_at_a_terminal_it_says_that_it_waits(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    running = process("run", "-", "-o", tmp_path / "out", *K, stdin=theirs)
    os.close(theirs)
    assert running.stderr is not None
    assert "waiting for lines on standard input" in running.stderr.readline()
    os.write(ours, log(3) + b"\x04")
    _, told = running.communicate(timeout=60)
    os.close(ours)
    assert "3 lines" in told
