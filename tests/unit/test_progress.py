"""What is told of a run while it goes on: figures, words, the bar; and that nothing of it can harm a run."""

import io
import os
import pty
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logscrub.beam import progress
from logscrub.beam.files import open_file
from logscrub.beam.progress import Phase, State
from logscrub.cli import progress as shown
from logscrub.inputs import InputFile, Plan, plan_inputs
from tests.support import ROOT, combined_line, event_lines

TO_READ = {Phase.READING_SIGNALS: 100, Phase.READING: 200}


def plan_of(files: dict[str, bytes]) -> Plan:
    inputs = [InputFile(path, len(data)) for path, data in files.items()]
    return plan_inputs(inputs, lambda path: io.BytesIO(files[path]), 1000)


EVENTS = b"".join(event_lines([{"time": "2026-03-14T10:00:00Z", "path": "/", "device_id": "d"}] * 9))
LINES = combined_line() * 20


def test_stored_bytes_are_counted_however_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(LINES)
    progress.enter(Phase.STARTED)
    with progress.counted(open_file, Phase.READING)(str(path)) as file:
        assert file.read(100) == LINES[:100]
        assert progress.state() == State(Phase.READING, 100)
        assert file.seek(500) == 500
        assert file.readinto(bytearray(50)) == 50  # type: ignore[attr-defined]
        assert progress.state() == State(Phase.READING, 150)
        assert file.read() == LINES[550:]
    assert progress.state() == State(Phase.READING, 150 + len(LINES) - 550)
    with pytest.raises(ValueError, match="closed"):
        file.read()
    progress.enter(Phase.RELEASING)
    assert progress.state() == State(Phase.RELEASING, 0)


def test_threads_lose_no_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(bytes(20_000))
    progress.enter(Phase.STARTED)
    opener = progress.counted(open_file, Phase.READING)

    def read() -> None:
        with opener(str(path)) as file:
            while file.read(1):
                pass

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert progress.state() == State(Phase.READING, 80_000)


def test_signals_are_read_of_all_inputs_and_of_more() -> None:
    total = len(EVENTS) + len(LINES)
    read = progress.bytes_to_read(plan_of({"a.jsonl": EVENTS, "a.log": LINES}), 5)
    assert read == {Phase.READING_SIGNALS: total + 5, Phase.READING: total}


@given(st.sampled_from(list(Phase)), st.integers(0, 10**12), st.floats(0, 10**6))
def test_figures_stay_in_their_bounds(phase: Phase, read: int, seconds: float) -> None:
    for to_read in (TO_READ, {Phase.READING_SIGNALS: 0, Phase.READING: 0}, {}):
        now = shown.figures(State(phase, read), to_read, seconds)
        assert 0 <= now.share <= 1
        assert 0 <= now.read <= now.to_read
        assert now.seconds_left >= 0
        assert shown.in_words(now)


def test_what_is_told_at_each_step() -> None:
    def at(phase: Phase, read: int) -> str:
        return shown.in_words(shown.figures(State(phase, read), TO_READ, 30.0))

    assert at(Phase.STARTED, 0) == "30 s so far"
    assert at(Phase.READING_SIGNALS, 75) == "25%, 2.5 B/s, about 1 min 30 s left"
    assert at(Phase.READING, 100) == "67%, 6.67 B/s, about 15 s left"
    assert at(Phase.READING, 999) == "100%, 10 B/s, about 0.0 s left"
    assert at(Phase.RELEASING, 0) == "30 s so far"
    assert shown.start(plan_of({"a.log": LINES})) == f"progress: reading 1 file, {len(LINES) / 1000:.3g} kB"
    assert shown.speed(12_345_678, 5_200_000_000, 31.4) == (
        "progress: 12,000,000 lines, 5.2 GB in 31 s: 390,000 lines/s, 166 MB/s"
    )
    assert shown.speed(0, 0, 0.0) == "progress: 0 lines, 0 B in 0.0 s: 0 lines/s, 0 B/s"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.6, "1 kB"),
        (56_789, "56.8 kB"),
        (10.2e9, "10.2 GB"),
        (5e15, "5,000.0 TB"),
    ],
)
def test_sizes(number: float, words: str) -> None:
    assert shown.size(number) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (9.6, "10 s"), (59.7, "1 min 0 s"), (3599.7, "1 h 0 min"), (90_061, "25 h 1 min")],
)
def test_durations(seconds: float, words: str) -> None:
    assert shown.duration(seconds) == words


def test_lines_come_every_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shown._Lines, "interval", 0.02)
    plan = plan_of({"a.log": LINES})
    with shown.show_progress(plan):
        time.sleep(0.1)  # nothing is known of the run: one line is enough
        before = capsys.readouterr().err
        progress.enter(Phase.READING)
        time.sleep(0.1)
    said = capsys.readouterr().err.splitlines()
    assert before == shown.start(plan) + "\n"
    assert said
    assert all(re.fullmatch(r"progress: reading: \d+%, .*/s, about .* left", line) for line in said)


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


class Stuck(io.StringIO):
    def write(self, text: str) -> int:
        time.sleep(60)
        return len(text)


@pytest.mark.parametrize("stream", [None, Broken(), Stuck()])
def test_a_broken_standard_error_neither_ends_nor_delays_a_run(
    monkeypatch: pytest.MonkeyPatch, stream: Any
) -> None:
    monkeypatch.setattr(shown, "_END_SECONDS", 0.1)
    monkeypatch.setattr(sys, "stderr", stream)
    started, reached = time.monotonic(), False
    with shown.show_progress(plan_of({"a.log": LINES})):
        reached = True
    monkeypatch.undo()
    assert reached
    assert time.monotonic() - started < 10


def test_what_ends_a_run_goes_through() -> None:
    with pytest.raises(KeyboardInterrupt), shown.show_progress(plan_of({"a.log": LINES})):
        raise KeyboardInterrupt


# On a terminal


def on_terminal(*arguments: object, **environment: str) -> tuple[int, str, str]:
    """Exit code, standard output, and what a terminal behind standard error is sent."""
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "logscrub", "run", *map(str, arguments)]
    variables = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"PYTHONPATH": str(ROOT / "src")}
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=end, env=variables | {"COLUMNS": "100"} | environment
    )
    os.close(end)
    sent = b""
    while piece := _read(terminal):
        sent += piece
    out, _ = running.communicate(timeout=60)
    os.close(terminal)
    return running.returncode, out.decode(), sent.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end is closed
        return b""


def log(path: Path) -> Path:
    path.write_bytes(
        b"".join(
            combined_line(f"198.51.{n % 200}.{n % 7}", request=f"GET /{n % 9} HTTP/1.1")
            for n in range(60_000)
        )
    )
    return path


def test_a_terminal_gets_a_bar_which_vanishes(tmp_path: Path) -> None:
    code, out, sent = on_terminal(log(tmp_path / "a.log"), "-o", tmp_path / "out", TERM="xterm-256color")
    assert code == 0
    assert "━" in sent
    assert "progress: reading" not in sent
    assert "\x1b" not in out
    erased, _, rest = sent.rpartition("\x1b[2K")
    assert "━" in erased
    assert rest.replace("\r", "").startswith("progress: 60,000 lines, ")
    assert "━" not in rest


def test_no_color_is_honoured(tmp_path: Path) -> None:
    _, _, sent = on_terminal(log(tmp_path / "a.log"), "-o", tmp_path / "out", TERM="xterm", NO_COLOR="1")
    assert "━" in sent
    assert not re.search(r"\x1b\[[0-9;]*[1-9][0-9;]*m", sent)


def test_a_dumb_terminal_gets_lines_and_quiet_gets_none(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"".join(combined_line(f"198.51.{n}.7") for n in range(12)))
    code, _, sent = on_terminal(tmp_path / "a.log", "-o", tmp_path / "out", TERM="dumb")
    assert code == 0
    first, last = sent.splitlines()
    assert first.startswith("progress: reading 1 file, ")
    assert last.startswith("progress: 12 lines, ")
    assert on_terminal(tmp_path / "a.log", "-o", tmp_path / "out", "--quiet", TERM="xterm") == (0, "", "")
