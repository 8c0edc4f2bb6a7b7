"""The machine around a run: language, home, modes of new files, names of files, and a clock that is wrong."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from logscrub.cli.console import printable
from logscrub.config import Settings
from logscrub.engine import run_in_memory
from logscrub.errors import LineReason
from logscrub.release.store import MemoryStore
from tests.support import DAY, NOW_MS, Run, bytes_of, hits, log, process, run_engine

YEAR_MS = 365 * 24 * 3600 * 1000
BARE = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "HOME": "/nonexistent", "TMPDIR": "/nonexistent"}


@pytest.mark.parametrize(
    ("environment", "umask"),
    [
        (BARE | {"PYTHONUTF8": "0"}, 0o077),
        ({"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1", "TZ": "Asia/Tokyo"}, 0o000),
    ],
    ids=["bare", "other"],
)
def test_whatever_is_around_a_run_the_release_is_the_same(
    tmp_path: Path, environment: dict[str, str], umask: int
) -> None:
    expected, _ = run_engine({"a.log": log()}, Settings())
    (tmp_path / "lögs").mkdir()
    (tmp_path / "lögs" / "a b…\n.log").write_bytes(log())
    (tmp_path / "lögs" / os.fsdecode(b"\xff\x1b[31m.log")).write_bytes(bytes(99))
    cwd = tmp_path / "cwd"
    cwd.mkdir(mode=0o555)
    arguments = ["run", tmp_path / "lögs", "-o", tmp_path / "oüt\x1b[0m", "--account", tmp_path / "account"]
    running = process(*arguments, env=environment, umask=umask, cwd=cwd, unprivileged=True)
    said, told = running.communicate(timeout=60)
    assert running.returncode == 3
    assert "\x1b" not in said + told
    assert r"\xff\x1b[31m.log: binary: " in told
    assert "released" in said
    assert bytes_of(tmp_path / "oüt\x1b[0m") == expected
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "oüt\x1b[0m").rglob("*") if path.is_file()}
    assert modes == {0o666 & ~umask}
    assert (tmp_path / "account").stat().st_mode & 0o777 == 0o600
    assert list(cwd.iterdir()) == []


def test_names_that_a_terminal_would_obey_are_told_harmlessly(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "good\x1b]0;x\x07.log").write_bytes(log() + b"bad\n")
    (tmp_path / "logs" / os.fsdecode(b"new\nline\x9b\xe2\x80\xae.log")).write_bytes(bytes(99))
    ended = logscrub("run", "logs", "no\x1b2J.log", "-o", "out\x1b[31m", "--account", "account.json")
    assert (ended.code, hits(ended)) == (3, 12)
    assert {"\x1b", "\x07", "\x9b", "\u202e"}.isdisjoint(ended.out + ended.err)
    assert r"logs/new\x0aline\x9b\u202e.log: binary: " in ended.err
    assert r"no\x1b2J.log: missing: " in ended.err
    assert r"out\x1b[31m" in ended.out
    assert (
        os.fsdecode(b"logs/new\nline\x9b\xe2\x80\xae.log")
        in json.loads((tmp_path / "account.json").read_text())["inputs"]
    )
    assert r"no\x1b2J" in logscrub("run", "no\x1b2J", "-o", "out").err


def test_what_can_be_printed_stays() -> None:
    assert printable("a b ümläut … 日本 \\x") == "a b ümläut … 日本 \\x"
    assert printable("\t\r\n\x7f\x85\udcff\ud800") == r"\x09\x0d\x0a\x7f\x85\xff\ud800"


def test_a_clock_years_behind_releases_nothing_and_says_why() -> None:
    store = MemoryStore()
    result = run_in_memory({"a.log": log()}, store, Settings(), NOW_MS - 5 * YEAR_MS)
    assert (store.files, result.days) == ({}, [])
    assert result.tally.rejected["a.log"][LineReason.FUTURE_TIME].count == 12
    assert "check both clocks" in LineReason.FUTURE_TIME.advice


def test_a_clock_years_ahead_changes_nothing_of_days_that_are_over() -> None:
    expected, _ = run_engine({"a.log": log()}, Settings())
    store = MemoryStore()
    run_in_memory({"a.log": log()}, store, Settings(), NOW_MS + 50 * YEAR_MS)
    assert store.files == expected


@pytest.mark.parametrize("year", [1999, 2015])
def test_the_command_with_a_clock_far_behind(
    logscrub: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, year: int
) -> None:
    from logscrub.beam import run

    (tmp_path / "a.log").write_bytes(log())
    behind = int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 10**9
    monkeypatch.setattr(run.time, "time_ns", lambda: behind)
    ended = logscrub("run", "a.log", "-o", "out")
    assert ended.code == 3
    assert "12 lines, future_time at byte 0" in ended.err
    assert not (tmp_path / "out").exists()
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert DAY in logscrub("run", "a.log", "-o", "out").out
