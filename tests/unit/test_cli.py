"""Every bad input of the command line: what is told, what goes on, and how it ends."""

import fcntl
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from benchmarks import generate

from logscrub import __version__
from logscrub.beam import files as beam_files
from logscrub.release.store import LocalStore
from tests.support import (
    CORPORA,
    DAY,
    ROOT,
    SECRET,
    Run,
    bytes_of,
    combined_line,
    event_lines,
    hits,
    log,
    process,
    rows_of,
    without_progress,
)

# What works


def test_version_and_help(logscrub: Run) -> None:
    assert logscrub("--version").out == f"logscrub, version {__version__}\n"
    assert "run" in logscrub("--help").out
    for command in ("run", "verify"):
        for flag in ("-h", "--help"):
            ended = logscrub(command, flag)
            assert ended.code == 0
            assert ended.out.startswith(f"Usage: logscrub {command}")


def test_a_run_of_any_file_names_and_its_check(logscrub: Run, tmp_path: Path) -> None:
    for number, name in enumerate(["a b.log", "-lead.log", "ümläut.log", "[x].log", "a;b$(c).log"]):
        (tmp_path / name).write_bytes(log(path=f"/{number}"))
    (tmp_path / os.fsdecode(b"\xff\xfe.log")).write_bytes(log(path="/bytes"))
    ended = logscrub("run", ".", "-o", "oüt put")
    assert (ended.code, ended.err, hits(ended)) == (0, "", 72)
    assert logscrub("verify", "oüt put").code == 0
    assert hits(logscrub("run", "./-lead.log", "[x].log", "*ml*.log", "-o", "-out")) == 36
    assert logscrub("verify", "./-out").code == 0


def test_quiet_prints_nothing_of_a_good_run(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log())
    assert logscrub("run", "a.log", "-o", "out", "--quiet") == (0, "", "")


def test_a_run_again_beside_its_own_output_reads_only_the_logs(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log())
    first = logscrub("run", ".", "-o", "out")
    again = logscrub("run", ".", "-o", "out")
    assert (again.code, again.err, hits(again)) == (0, "", hits(first))
    assert f"{DAY}  unchanged  " in again.out


def test_the_sample_in_a_process_of_its_own(tmp_path: Path) -> None:
    ended = process(
        *(
            "run",
            ROOT / "sample_logs" / "site",
            "-o",
            tmp_path / "out",
            "--account",
            tmp_path / "account.json",
        ),
        *("--geoip", ROOT / "sample_logs" / "geoip" / "demo-city.mmdb"),
    )
    out, err = ended.communicate(timeout=120)
    assert ended.returncode == 0
    assert "access.log-20260315.gz: the same content as" in err
    assert "Traceback" not in out + err
    account = json.loads((tmp_path / "account.json").read_text())
    assert sum(account["lines"].values()) == account["total"]


# Inputs


def test_no_input_at_all_is_wrong_usage(logscrub: Run, tmp_path: Path) -> None:
    ended = logscrub("run", "missing.log", "no*.log", "", "x" * 300, "nope://x", "-o", "out")
    assert ended.code == 2
    for told in (
        "missing.log: there is no such file",
        "no*.log: the pattern matches no file",
        '"": there is no',
    ):
        assert told in ended.err
    assert not (tmp_path / "out").exists()
    (tmp_path / "empty").mkdir()
    assert logscrub("run", "empty", "-o", "out").code == 2


def damaged(data: bytes) -> bytes:
    return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 0xFF]) + data[len(data) // 2 + 1 :]


def noise(lines: int) -> bytes:
    """More than is looked at before the run, and hard to pack."""
    return b"".join(
        combined_line(
            f"203.0.{n % 250}.7", "14/Mar/2026:10:00:00 +0000", f"GET /{os.urandom(9).hex()} HTTP/1.1"
        )
        for n in range(lines)
    )


def test_each_bad_file_is_told_nothing_of_it_is_counted_and_the_rest_goes_on(
    logscrub: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = gzip.compress(noise(20_000), 1)
    bad = {
        "empty.log": (b"", "empty"),
        "blank.log": (b"\n\n", "empty"),
        "binary.log": (bytes(range(256)) * 20, "binary"),
        "cut.gz": (packed[:-1000], "corrupt_archive"),
        "damaged.gz": (damaged(packed), "corrupt_archive"),
        "checksum.gz": (packed[:-8] + b"abcdefgh", "corrupt_archive"),
        "short.gz": (packed[:30], "corrupt_archive"),
        "diary.txt": (f"my password is {SECRET}\n".encode() * 20, "unknown_format"),
        "locked.log": (log(path="/locked"), "unreadable"),
    }
    (tmp_path / "logs").mkdir()
    for name, (data, _) in bad.items():
        (tmp_path / "logs" / name).write_bytes(data)
    (tmp_path / "logs" / "good.log").write_bytes(log())
    (tmp_path / "logs" / "dangling.log").symlink_to("nowhere")
    os.mkfifo(tmp_path / "logs" / "pipe.log")
    really_open = Path.open

    def refuse(self: Path, *arguments: object, **options: object) -> object:
        if self.name == "locked.log":  # root may read a file of mode 0
            raise PermissionError(13, "Permission denied")
        return really_open(self, *arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(beam_files.Path, "open", refuse)
    ended = logscrub("run", "logs", "missing.log", "no*.log", "-o", "out", "--account", "account.json")
    assert ended.code == 3
    assert hits(ended) == 12
    others = {"logs/dangling.log": "missing", "logs/pipe.log": "not_a_file", "missing.log": "missing"}
    expected = (
        {f"logs/{name}": reason for name, (_, reason) in bad.items()} | others | {"no*.log": "no_match"}
    )
    assert json.loads((tmp_path / "account.json").read_text())["inputs"] == expected
    for path, reason in expected.items():
        # An empty log is a quiet day.
        assert ended.err.count(f"warning: {path}: {reason}: ") == (reason != "empty")
    assert logscrub("verify", "out").code == 0


def test_a_run_of_bad_files_only_releases_nothing(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.log").write_bytes(bytes(99))
    ended = logscrub("run", "bad.log", "-o", "out")
    assert (ended.code, ended.out) == (3, "no day can be released\n")
    assert logscrub("run", "bad.log", "-o", "out", "--date", DAY).code == 3
    assert not (tmp_path / "out").exists()


def test_a_log_of_a_child_only_is_as_good_as_an_empty_one(logscrub: Run, tmp_path: Path) -> None:
    """Also for a day that is asked for, which is then released empty."""
    child = {"time": f"{DAY}T10:00:00Z", "ip": "198.51.100.7", "path": "/", "child": True}
    told = []
    for number, record in enumerate((b"", json.dumps(child).encode())):
        (tmp_path / "a.jsonl").write_bytes(record)
        plain = logscrub("run", "a.jsonl", "-o", f"plain{number}")
        asked = logscrub("run", "a.jsonl", "-o", f"out{number}", "--date", DAY)
        told += [(plain.code, plain.out, plain.err, asked.code, asked.out.replace("out1", "out0"), asked.err)]
    assert told[0] == told[1]
    assert told[0][0] == told[0][3] == 0
    assert bytes_of(tmp_path / "out0") == bytes_of(tmp_path / "out1") != {}


def test_a_place_that_cannot_be_looked_at_is_told(
    logscrub: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(self))

    (tmp_path / "a.log").write_bytes(log())
    really_exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda p: refuse(p) if p.name == "locked" else really_exists(p))
    ended = logscrub("run", "locked", "a.log", "-o", "out")
    assert ended.code == 3
    assert "warning: locked: unreadable" in ended.err


BAD_LINES = {
    "oversize_line": [combined_line(request=f"GET /{SECRET}{'x' * 1_100_000} HTTP/1.1")],
    "unparsable": [SECRET.encode() + b"\n", combined_line(request=f"GET /{SECRET}").replace(b"] ", b"", 1)],
    "impossible_time": [combined_line(time="31/Feb/2026:10:00:00 +0000", request=f"GET /{SECRET} HTTP/1.1")],
    "future_time": [combined_line(time="14/Mar/2099:10:00:00 +0000", request=f"GET /{SECRET} HTTP/1.1")],
    "impossible_size": [
        combined_line(size=-5, request=f"GET /{SECRET} HTTP/1.1"),
        combined_line(size=10**15, request=f"GET /{SECRET} HTTP/1.1"),
    ],
}


@pytest.mark.parametrize("reason", BAD_LINES)
def test_a_bad_line_is_told_by_reason_and_offset_and_its_neighbours_count(
    logscrub: Run, tmp_path: Path, reason: str
) -> None:
    before, after = log(600), log(600, path="/after")
    bad = BAD_LINES[reason]
    (tmp_path / "a.log").write_bytes(before + b"".join(bad) + after)
    ended = logscrub("run", "a.log", "-o", "out")
    assert ended.code == 0
    assert f"rejected: a.log: {len(bad)} line" in ended.err
    assert f"{reason} at byte {len(before)}" in ended.err
    assert hits(ended) == 1200


def test_an_unclosed_quote_does_not_take_its_neighbour(logscrub: Run, tmp_path: Path) -> None:
    line = combined_line("198.51.3.7", "14/Mar/2026:10:00:00 +0000", f"GET /{SECRET} HTTP/1.1")
    (tmp_path / "a.log").write_bytes(
        (log(40) + line.replace(b'HTTP/1.1"', b"HTTP/1.1") + log(40, path="/b")) * 3
    )
    assert logscrub("run", "a.log", "-o", "out", "--account", "account.json").code in {0, 3}
    lines = json.loads((tmp_path / "account.json").read_text())["lines"]
    assert lines["counted"] + lines["rejected"] == 243
    assert lines["counted"] >= 240


def test_invalid_utf8_loses_no_line(logscrub: Run, tmp_path: Path) -> None:
    broken = log(3).replace(b"GET /", b"GET /\xff\xc3(\x80")
    (tmp_path / "a.log").write_bytes(log() + broken)
    ended = logscrub("run", "a.log", "-o", "out")
    assert (ended.code, ended.err, hits(ended)) == (0, "", 15)


def test_too_many_rejects_end_with_3(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log(40) + f"{SECRET}\n".encode() * 10)
    ended = logscrub("run", "a.log", "-o", "out")
    assert ended.code == 3
    assert "20.0% of the lines not withheld are rejected, over the limit of 1.0%" in ended.err
    (tmp_path / "c.toml").write_text("reject_limit = 0.5")
    assert logscrub("run", "a.log", "-o", "out2", "--config", "c.toml").code == 0


def test_what_is_given_twice_counts_once_and_is_told(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "access.log.1").write_bytes(log())
    (tmp_path / "access.log.1.gz").write_bytes(gzip.compress(log()))
    ended = logscrub("run", "access.log.1", ".", "*", tmp_path / "access.log.1", "-o", "out")
    assert (ended.code, hits(ended)) == (0, 12)
    assert "note: access.log.1.gz: the same content as" in ended.err
    assert "note: access.log.1: given twice, counted once" in ended.err
    assert "given twice" not in logscrub("run", "**", "-o", "../out2").err


def test_links_to_folders_are_followed_once(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.log").write_bytes(log())
    (tmp_path / "logs").mkdir()
    for name, target in (("link", "../elsewhere"), ("loop", "."), ("up", "../logs")):
        (tmp_path / "logs" / name).symlink_to(target)
    ended = logscrub("run", "logs", "-o", "out")
    assert (ended.code, ended.err, hits(ended)) == (0, "", 12)


# Days


def test_a_released_day_is_left_alone(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log())
    assert logscrub("run", "a.log", "-o", "out").code == 0
    before = bytes_of(tmp_path / "out")
    assert logscrub("run", "a.log", "-o", "out").code == 0
    (tmp_path / "b.log").write_bytes(log(15, path="/b") + log(12, "13/Mar/2026"))
    ended = logscrub("run", "a.log", "b.log", "-o", "out")
    assert ended.code == 3
    assert f"warning: {DAY}: released before with other content" in ended.err
    assert "2026-03-13  released      12 " in ended.out
    assert f"{DAY}  left alone\n" in ended.out
    after = bytes_of(tmp_path / "out")
    assert {path: after[path] for path in before} == before


def test_an_unfinished_release_is_completed(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log())
    logscrub("run", "a.log", "-o", "out")
    before = bytes_of(tmp_path / "out")
    (tmp_path / f"out/_manifest/date={DAY}.json").unlink()
    (tmp_path / f"out/days/date={DAY}/part-0.parquet").write_bytes(b"half")
    assert logscrub("verify", "out").code == 4
    assert logscrub("run", "a.log", "-o", "out").code == 0
    assert bytes_of(tmp_path / "out") == before


def test_a_day_that_is_not_over_is_not_released_and_told(logscrub: Run, tmp_path: Path) -> None:
    today = datetime.now(UTC).strftime("%d/%b/%Y")
    (tmp_path / "a.log").write_bytes(log(12, today))
    ended = logscrub("run", "a.log", "-o", "out", "--account", "account.json")
    assert (ended.code, ended.out) == (0, "no day can be released\n") or "note: combined" in ended.out
    assert "note: 12 lines of a day that is not over yet (UTC): run again when it is" in ended.err
    assert bytes_of(tmp_path / "out") == {}
    assert json.loads((tmp_path / "account.json").read_text())["lines"]["out_of_dates"] == 12


def test_fewer_than_k_networks_are_not_released_and_told(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log(9) * 5)
    ended = logscrub("run", "a.log", "-o", "out", "--account", "account.json")
    assert ended.code == 0
    assert f"{DAY}  not released\n" in ended.out
    assert f"{DAY}: not released: fewer than 10 networks" in ended.out
    assert "tables:" not in ended.out
    assert bytes_of(tmp_path / "out") == {}
    assert json.loads((tmp_path / "account.json").read_text())["lines"]["under_k"] == 45


def test_withheld_people_show_in_nothing_that_is_printed(logscrub: Run, tmp_path: Path) -> None:
    events = [
        {"time": "2026-03-14T10:00:00Z", "ip": f"198.51.{n}.7", "path": "/", "device_id": f"d{n}"}
        for n in range(12)
    ]
    child = [
        {**events[0], "device_id": "kid", "child": True, "ip": "203.0.113.9"},
        {**events[0], "device_id": "kid", "ip": "192.0.2.9"},
    ]
    (tmp_path / "a.jsonl").write_bytes(b"".join(event_lines(events)))
    one = logscrub("run", "a.jsonl", "-o", "out")
    (tmp_path / "a.jsonl").write_bytes(b"".join(event_lines([*events, *child])))
    again = logscrub("run", "a.jsonl", "-o", "out", "--account", "account.json")
    assert one.out.split() == again.out.replace("unchanged", "released").split()
    assert (one.code, one.err) == (again.code, again.err) == (0, "")
    assert json.loads((tmp_path / "account.json").read_text())["lines"]["withheld"] == 2


# Output and account


def test_an_output_that_cannot_be_written_is_told(
    logscrub: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.log").write_bytes(log())
    assert logscrub("run", "a.log", "-o", "a.log").err == "logscrub: a.log: that is a file: name a folder\n"
    for output in ("a.log/out", "/proc/out"):
        ended = logscrub("run", "a.log", "-o", output)
        assert ended.code == 1
        assert f"logscrub: {output}: cannot be written: " in ended.err
    assert logscrub("run", "a.log", "-o", "").code == 2
    assert logscrub("run", "a.log", "-o", "nope://out").code == 2
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "days").write_text("in the way")
    ended = logscrub("run", "a.log", "-o", "out")
    assert (ended.code, ended.err) == (1, f"logscrub: out: {DAY} cannot be written: Not a directory\n")
    assert not (tmp_path / "out" / "_manifest").exists()
    really_write = LocalStore.write

    def full(self: LocalStore, path: str, data: bytes) -> None:
        if path.startswith("pages"):
            raise OSError(28, "No space left on device", str(path))
        really_write(self, path, data)

    monkeypatch.setattr(LocalStore, "write", full)
    ended = logscrub("run", "a.log", "-o", "out2")
    assert (ended.code, ended.err) == (
        1,
        f"logscrub: out2: {DAY} cannot be written: No space left on device\n",
    )
    assert not (tmp_path / "out2" / "_manifest").exists()


def test_a_release_folder_is_written_by_one_run_at_a_time(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log())
    (tmp_path / "out").mkdir()
    handle = os.open(tmp_path / "out", os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        ended = logscrub("run", "a.log", "-o", "out")
    finally:
        os.close(handle)
    assert (ended.code, ended.err) == (1, "logscrub: out: another run is writing it: wait for it to end\n")
    assert logscrub("run", "a.log", "-o", "out").code == 0


def test_a_folder_that_cannot_be_locked_is_told(
    logscrub: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(handle: int, operation: int) -> None:
        raise OSError(37, "No locks available")

    (tmp_path / "a.log").write_bytes(log())
    monkeypatch.setattr(fcntl, "flock", refuse)
    ended = logscrub("run", "a.log", "-o", "out")
    assert (ended.code, ended.err) == (1, "logscrub: out: cannot be locked: No locks available\n")


@pytest.mark.parametrize("exists", [False, True])
def test_the_account_is_for_its_owner_alone(logscrub: Run, tmp_path: Path, exists: bool) -> None:
    (tmp_path / "a.log").write_bytes(log())
    account = tmp_path / "account.json"
    if exists:
        assert logscrub("run", "a.log", "-o", "before", "--account", account).code == 0
        account.write_text(account.read_text() + "\n" * 100_000)
        account.chmod(0o644)
    assert logscrub("run", "a.log", "-o", "out", "--account", account).code == 0
    assert account.stat().st_mode & 0o777 == 0o600
    assert json.loads(account.read_text())["lines"]["counted"] == 12


def test_an_account_in_a_wrong_place_is_refused_before_the_run(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log())
    (tmp_path / "link").symlink_to("out")
    for account in (
        "out",
        "out/account.json",
        "x/../out/a/b.json",
        "link/account.json",
        "no/account.json",
        ".",
        "a.log",
        "settings.toml",
        "list.json",
    ):
        (tmp_path / "settings.toml").write_text("")
        (tmp_path / "list.json").write_text("[1]")
        ended = logscrub("run", "*.log", "-o", "out", "--account", account, "--config", "settings.toml")
        assert ended.code == 2, account
        assert f"--account {account}: " in ended.err
    assert (tmp_path / "a.log").read_bytes() == log()
    assert not (tmp_path / "out").exists()


def test_an_account_on_a_device_leaves_its_mode_alone(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log())
    before = os.stat("/dev/null").st_mode  # noqa: PTH116
    try:
        assert logscrub("run", "a.log", "-o", "out", "--account", "/dev/null").code == 0
        assert os.stat("/dev/null").st_mode == before  # noqa: PTH116
    finally:
        if os.geteuid() == 0:
            os.chmod("/dev/null", before & 0o777)  # noqa: PTH101


# Flags and configuration


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Usage"),
        (["frobnicate"], "No such command"),
        (["run"], "Missing argument 'INPUT...'"),
        (["run", "a.log"], "Missing option '-o'"),
        (["run", "a.log", "-o", "out", "--frobnicate"], "No such option"),
        (["run", "a.log", "-o", "out", "--job_endpoint=embed"], "No such option"),
        (["run", "a.log", "-o", "out", "--min-support", "1"], "--min-support"),
        (["run", "a.log", "-o", "out", "--min-support", "many"], "--min-support"),
        (["run", "a.log", "-o", "out", "--jobs", "0"], "--jobs"),
        (["run", "a.log", "-o", "out", "--jobs", "100000"], "--jobs"),
        (["run", "a.log", "-o", "out", "--audience", "adults"], "--audience"),
        (["run", "a.log", "-o", "out", "--date", DAY, "--from", DAY], "--date is one day"),
        (["run", "a.log", "-o", "out", "--date", DAY, "--to", DAY], "--date is one day"),
        (["run", "a.log", "-o", "out", "--to", DAY], "--to needs --from"),
        (["run", "a.log", "-o", "out", "--date", "2999-01-01"], "not over"),
        (["run", "a.log", "-o", "out", "--from", DAY, "--to", "2999-01-01"], "not over"),
        (["run", "a.log", "-o", "out", "--from", DAY, "--to", "2026-03-13"], "2026-03-13"),
        (["run", "a.log", "-o", "out", "--date", "14/03/2026"], "YYYY-MM-DD"),
        (["run", "a.log", "-o", "out", "--date", "2026-02-30"], "YYYY-MM-DD"),
        (["run", "a.log", "-o", "out", "--date", "today"], "YYYY-MM-DD"),
        (["run", "a.log", "-o", "out", "--timezone", "Mars/Base"], "timezone: not an IANA time zone"),
        (["run", "a.log", "-o", "out", "--timezone", ""], "timezone: not an IANA time zone"),
        (["run", "a.log", "-o", "out", "--force"], "--force goes with --replace"),
        (["run", "a.log", "-o", "out", "--geoip", "none.mmdb"], "--geoip none.mmdb: "),
        (["run", "a.log", "-o", "out", "--geoip", "a.log"], "--geoip a.log: "),
        (["run", "a.log", "-o", "out", "--geoip", "."], "--geoip .: "),
        (["run", "a.log", "-o", "out", "--runner", "portable"], "needs --job_endpoint"),
        (["run", "a.log", "-o", "out", "--runner", "Nope"], "--runner Nope: Beam has no such runner"),
        (["run", "a.log", "-o", "out", "--runner", "os.path.join"], "Beam has no such runner"),
        (["run", "a.log", "-o", "out", "--", "--frobnicate=hunter2"], "Beam does not know --frobnicate"),
        (["run", "a.log", "-o", "out", "--", "b.log"], "Beam does not know b.log"),
        (["run", "a.log", "-o", "out", "--", "--direct_num_workers=many"], "invalid int value"),
        (["run", "a.log", "-o", "out", "--", "--runne=FlinkRunner"], "Beam does not know --runne"),
        (["run", "a.log", "-o", "out", "--", "--help"], "see the documentation"),
        (["run", "a.log", "-o", "out", "--", "--", "--streaming"], "flags after --: "),
        (["run", "a.log", "-o", "out", "--", "--experiments=enable_data_sampling"], "leave it out"),
        (
            ["run", "a.log", "-o", "out", "--runner", "FlinkRunner", "--", "--runner=SparkRunner"],
            "two runners",
        ),
        (["--", "run", "a.log"], "Usage"),
        (["verify"], "Missing argument 'DIR'"),
        (["verify", ""], "there is no such folder"),
        (["verify", "out", "--", "--streaming"], "verify takes nothing after --"),
        (["verify", "nope://out"], "no such file system"),
    ],
)
def test_wrong_usage_ends_with_2_before_anything_is_written(
    logscrub: Run, tmp_path: Path, arguments: list[str], told: str
) -> None:
    (tmp_path / "a.log").write_bytes(log())
    ended = logscrub(*arguments)
    assert ended.code == 2
    assert told in ended.err
    assert not (tmp_path / "out").exists()


def test_names_of_the_local_runner_mean_the_pinned_one(logscrub: Run, tmp_path: Path) -> None:
    from logscrub.beam.options import LOCAL_RUNNER, pipeline_options

    for name in ("local", "direct", "DirectRunner", "directrunner", "SwitchingDirectRunner", "FnApiRunner"):
        assert pipeline_options([], name, 1).get_all_options()["runner"] == LOCAL_RUNNER
        assert pipeline_options([f"--runner={name}"], "local", 1).get_all_options()["runner"] == LOCAL_RUNNER
    assert pipeline_options([], "flink", 1).get_all_options()["runner"] == "FlinkRunner"
    assert pipeline_options([], None, 3).get_all_options()["direct_num_workers"] == 3
    (tmp_path / "a.log").write_bytes(log())
    flags = ["--", "--runner=DirectRunner", "--direct_num_workers=1"]
    assert logscrub("run", "a.log", "-o", "out", "--runner", "local", *flags).code == 0


def test_a_bad_configuration_is_told_with_its_file_and_without_its_values(
    logscrub: Run, tmp_path: Path
) -> None:
    (tmp_path / "a.log").write_bytes(log())
    bad = {
        "password = hunter2": "not valid TOML",
        'password = "hunter2"': "password: no such setting",
        'min_support = "hunter2"': "min_support",
        "min_support = 1": "min_support",
        'timezone = "hunter2"': "timezone",
    }
    for text, told in bad.items():
        (tmp_path / "c.toml").write_text(text)
        ended = logscrub("run", "a.log", "-o", "out", "--config", "c.toml")
        assert ended.code == 2
        assert ended.err.startswith("logscrub: c.toml: ")
        assert told in ended.err
    (tmp_path / "c.toml").write_bytes(b"\xff")
    assert "not UTF-8" in logscrub("run", "a.log", "-o", "out", "--config", "c.toml").err
    for config in ("none.toml", "."):
        ended = logscrub("run", "a.log", "-o", "out", "--config", config)
        assert ended.code == 2
        assert f"{config}: cannot be read: " in ended.err
    assert not (tmp_path / "out").exists()
    (tmp_path / "c.toml").write_bytes(b"\xef\xbb\xbfmin_support = 12\r\n")
    assert logscrub("run", "a.log", "-o", "out", "--config", "c.toml").code == 0


def test_a_database_that_tells_nothing_of_networks_is_refused(logscrub: Run, tmp_path: Path) -> None:
    from mmdb_writer import MMDBWriter
    from netaddr import IPSet

    (tmp_path / "a.log").write_bytes(log())
    writer = MMDBWriter(database_type="GeoIP2-Anonymous-IP")
    writer.insert_network(IPSet(["198.51.0.0/16"]), {"is_anonymous": True})
    writer.to_db_file(str(tmp_path / "anonymous.mmdb"))
    ended = logscrub("run", "a.log", "-o", "out", "--geoip", "anonymous.mmdb")
    assert ended.code == 2
    assert "--geoip anonymous.mmdb: GeoIP2-Anonymous-IP holds no countries, carriers" in ended.err
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not CORPORA.is_dir(), reason="no corpora on this machine")
@pytest.mark.parametrize(
    "name",
    [
        *("GeoIP2-City-Test-Invalid-Node-Count", "MaxMind-DB-test-broken-pointers-24"),
        *("GeoIP2-Anonymous-IP-Test", "MaxMind-DB-no-ipv4-search-tree"),
    ],
)
def test_broken_and_other_databases_of_maxmind_are_refused(logscrub: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "a.log").write_bytes(log())
    (tmp_path / "broken.mmdb").write_bytes((CORPORA / "geoip" / "test-data" / f"{name}.mmdb").read_bytes())
    ended = logscrub("run", "a.log", "-o", "out", "--geoip", "broken.mmdb")
    assert ended.code == 2
    assert "--geoip broken.mmdb: " in ended.err
    assert not re.search(r"[0-9]+[.][0-9]+[.][0-9]+|[0-9a-f]+::|Traceback", ended.err)
    assert not (tmp_path / "out").exists()


def test_the_audiences_of_the_command_line_are_those_of_the_settings() -> None:
    from logscrub.cli.commands import AUDIENCES
    from logscrub.config import Audience

    assert list(AUDIENCES) == [audience.value for audience in Audience]


@pytest.mark.parametrize(
    ("date", "spans"),
    [
        ("2026-03-29", dict.fromkeys({*range(24)} - {2}, 6)),
        ("2025-10-26", dict.fromkeys(range(24), 6) | {2: 12}),
    ],
)
def test_a_day_of_23_or_25_hours_counts_its_own_hits(
    logscrub: Run, tmp_path: Path, date: str, spans: dict[int, int]
) -> None:
    """In Paris, clocks go from 2 to 3 in March, and from 3 back to 2 in October."""
    first = datetime.fromisoformat(date).replace(tzinfo=UTC) - timedelta(days=1)
    (tmp_path / "a.log").write_bytes(
        b"".join(
            combined_line(f"198.51.{n}.7", f"{first + timedelta(minutes=30 * slot):%d/%b/%Y:%H:%M:%S} +0000")
            for slot in range(3 * 48)
            for n in range(3)
        )
    )
    asked = ("--date", date, "--timezone", "Europe/Paris", "--min-support", "2")
    ended = logscrub("run", "a.log", "-o", "out", *asked)
    assert (ended.code, ended.err, hits(ended)) == (0, "", sum(spans.values()))
    files = {path.removeprefix("out/"): data for path, data in bytes_of(tmp_path).items()}
    assert {row["hour"]: row["hits"] for row in rows_of(files, "hours", date)} == spans
    assert [path for path in files if "date=" in path and date not in path] == []


# Processes


def test_interrupted_in_mid_run_it_leaves_no_manifest_and_no_temporary_file(
    logscrub: Run, tmp_path: Path
) -> None:
    logs, out, temporary = tmp_path / "logs", tmp_path / "out", tmp_path / "tmp"
    temporary.mkdir()
    options = ["--lines", "300000", "--visitors", "40000", "--days", "2", "--files", "3"]
    generate.main(["traffic", *options, "--output", str(logs)])
    running = process("run", logs, "-o", out)
    try:
        while not out.exists():
            assert running.poll() is None
            time.sleep(0.02)
        time.sleep(0.3)
        running.send_signal(signal.SIGINT)
        said, told = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 130
    assert said == ""
    told = without_progress(told).strip()
    assert (
        told
        == "logscrub: interrupted; days that were not finished have no manifest: run the same command again"
    )
    assert bytes_of(out) == {}
    (tmp_path / "a.log").write_bytes(log())
    assert logscrub("run", "a.log", "-o", "out").code == 0


@pytest.mark.parametrize(
    "imported",
    ["logscrub.cli", "logscrub.cli.interrupts", "click.core", "pydantic_core", "apache_beam.pvalue"],
)
def test_interrupted_in_the_first_moments_it_shows_no_traceback(tmp_path: Path, imported: str) -> None:
    (tmp_path / "a.log").write_bytes(log())
    environment = {"PYTHONPROFILEIMPORTTIME": "1"}  # Python tells what it has imported
    running = process("run", tmp_path / "a.log", "-o", tmp_path / "out", env=environment)
    assert running.stderr
    try:
        for line in running.stderr:
            if line.startswith("import time:") and line.split("|")[-1].strip() == imported:
                running.send_signal(signal.SIGINT)
                break
        _, told = running.communicate(timeout=60)
    finally:
        running.kill()
    said = [line for line in told.splitlines() if line and not line.startswith("import time:")]
    # At the first of these moments there is nothing yet that could tell of it.
    assert said in (
        [],
        ["logscrub: interrupted; days that were not finished have no manifest: run the same command again"],
    )
    assert running.returncode == 130


def test_help_and_wrong_usage_import_nothing_that_takes_time() -> None:
    slow = ("apache_beam", "pyarrow", "pydantic", "numpy", "rich")
    for arguments in (["--help"], ["run", "--help"], ["run", "a", "-o", "b", "--config", "no.toml"]):
        code = (
            f"import sys; sys.argv[1:] = {arguments}\n"
            "from logscrub.cli import main\n"
            "try: main()\n"
            f"finally: print([m for m in {slow} if m in sys.modules], file=sys.stderr)"
        )
        environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
        )
        assert done.stderr.splitlines()[-1] == "[]"


def test_two_runs_at_once_do_not_share_a_release(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log())
    (tmp_path / "out").mkdir()
    other_run = os.open(tmp_path / "out", os.O_RDONLY)
    fcntl.flock(other_run, fcntl.LOCK_EX)
    try:
        refused = logscrub("run", "a.log", "-o", "out")
        assert (refused.code, bytes_of(tmp_path / "out")) == (1, {})
        assert "another run is writing it" in refused.err
    finally:
        os.close(other_run)
    assert logscrub("run", "a.log", "-o", "out").code == 0


def test_a_broken_pipe_changes_nothing_about_the_run(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log())
    running = process("run", tmp_path / "a.log", "-o", tmp_path / "out")
    assert running.stdout
    running.stdout.close()
    running.stdout = None
    _, told = running.communicate(timeout=60)
    assert (running.returncode, without_progress(told)) == (0, "")
    assert (tmp_path / f"out/_manifest/date={DAY}.json").exists()


def test_a_full_disk_behind_standard_output_is_told() -> None:
    with Path("/dev/full").open("w") as full:
        _, told = process("--version", stdout=full).communicate(timeout=60)
    assert told.startswith("logscrub: No space left on device\n")
    assert "Traceback" not in told


def test_the_entry_point_for_schedulers_takes_flags_of_both_mixed(tmp_path: Path) -> None:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "pipelines" / "traffic_stats.py"), *map(str, arguments)]
        environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, check=False, timeout=60
        )

    (tmp_path / "a.log").write_bytes(log())
    where = ["--input", tmp_path / "a.log", "--output", tmp_path / "out"]
    ended = run(
        "--runner=DirectRunner", *where, "--direct_num_workers", 1, "--input", tmp_path / "missing.log"
    )
    assert ended.returncode == 3
    assert f"{DAY}  released    12 " in ended.stdout
    wrong = run(*where, "--frobnicate=hunter2")
    assert wrong.returncode == 2
    assert "Beam does not know --frobnicate" in wrong.stderr
    assert "hunter2" not in wrong.stderr
    assert run("--input", "x").returncode == 2
