"""Files of every kind: what counts, what is told, and how much memory it takes."""

import gzip
import json
import os
import random
import resource
import threading
from pathlib import Path

import pytest

from logscrub.errors import LineReason
from logscrub.inputs import plan_inputs
from tests.support import (
    SECRET,
    Run,
    combined_line,
    event_lines,
    hits,
    log,
    process,
    run_engine,
    without_progress,
)

GIB = 1024**3
MIB = 1024**2
GZIP = 0x1F  # first byte of its files
EVENTS = b"".join(
    event_lines(
        {"time": "2026-03-14T10:00:00Z", "ip": f"198.51.{n}.7", "path": "/", "device_id": f"d{n}"}
        for n in range(12)
    )
)


@pytest.mark.parametrize(
    "data", [b"", b"\n", b" \t\r\n\n\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n\n"], ids=repr
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_without_a_line_is_told_and_the_rest_goes_on(data: bytes, pack: type[bytes]) -> None:
    _, result = run_engine({"a.log": log(), "b.log": pack(data)})
    assert [(p.path, p.reason) for p in result.plan.problems] == [("b.log", "empty")]
    assert result.tally.lines == 12


def test_two_formats_in_one_file_lose_nothing() -> None:
    mixed = log(40) + b"\n" + EVENTS + log(40)
    _, result = run_engine({"a.log": mixed})
    assert (result.tally.lines, result.tally.blank, result.tally.kept) == (93, 1, {"2026-03-14": 92})
    assert not result.tally.rejected


def test_too_much_that_is_no_log_ends_with_3(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log(40) + b"no line of a log\n" * 12)
    ended = logscrub("run", "a.log", "-o", "out", "--account", "account.json")
    assert ended.code == 3
    assert f"12 lines, unparsable at byte {len(log(40))}, " in ended.err
    account = json.loads((tmp_path / "account.json").read_text())
    assert sum(account["lines"].values()) == account["total"] == 52


def test_gzip_members_after_each_other_are_one_file() -> None:
    one, other = log(20), log(20, path="/b")
    packed = gzip.compress(one[:100]) + gzip.compress(one[100:]) + gzip.compress(b"") + gzip.compress(other)
    files, result = run_engine({"a.gz": packed + bytes(512)})
    plain, _ = run_engine({"a.log": one + other})
    assert (files, result.tally.lines) == (plain, 40)


def test_garbage_after_a_gzip_member_is_damage() -> None:
    _, result = run_engine({"a.gz": gzip.compress(log()) + b"garbage", "b.log": log(5, path="/b")})
    assert (result.tally.lines, result.tally.problems) == (5, {"a.gz": "corrupt_archive"})


def test_pipes_and_devices_are_told_without_waiting_for_them(logscrub: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.log").write_bytes(log())
    ended = logscrub("run", "pipe", "/dev/null", "/dev/zero", "a.log", "-o", "out")
    assert (ended.code, hits(ended)) == (3, 12)
    for path in ("pipe", "/dev/null", "/dev/zero"):
        assert f"warning: {path}: not_a_file: " in ended.err


def test_standard_input_is_read_where_it_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log())
    with (tmp_path / "a.log").open("rb") as given:
        running = process("run", "/dev/stdin", "-o", tmp_path / "out", stdin=given)
        said, told = running.communicate(timeout=60)
    assert (running.returncode, without_progress(told)) == (0, "")
    assert "released" in said


def test_a_file_of_several_names_counts_once(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_bytes(log())
    (tmp_path / "logs" / "link.log").symlink_to("a.log")
    (tmp_path / "logs" / "hard.log").hardlink_to(tmp_path / "logs" / "a.log")
    (tmp_path / "logs" / "loop.log").symlink_to("loop.log")
    (tmp_path / "other").symlink_to("logs")
    ended = logscrub("run", "logs", "other", "-o", "out")
    assert (ended.code, hits(ended)) == (3, 12)
    for name in ("hard.log", "link.log"):
        assert f"note: logs/{name}: the same content as logs/a.log, counted once" in ended.err
    assert "warning: logs/loop.log: " in ended.err


def test_a_folder_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "logs" / "locked").mkdir(parents=True)
    (tmp_path / "logs" / "a.log").write_bytes(log())
    (tmp_path / "logs" / "locked.log").write_bytes(log(path="/b"))
    (tmp_path / "logs" / "locked.log").chmod(0)
    (tmp_path / "logs" / "locked").chmod(0)
    running = process("run", "logs", "-o", "out", unprivileged=True, cwd=tmp_path)
    said, told = running.communicate(timeout=60)
    (tmp_path / "logs" / "locked").chmod(0o700)
    assert running.returncode == 3
    assert "warning: logs/locked: unreadable: " in told
    assert "warning: logs/locked.log: unreadable: " in told
    assert "released" in said


def test_lines_among_very_many_empty_ones_keep_their_places() -> None:
    gap = b"\n" * 1_500_000
    _, result = run_engine({"a.log": log() + gap + b"bad\n\n" + log(5, path="/b") + gap + b"worse"})
    assert (result.tally.lines, result.tally.blank) == (12 + 5 + 2 + 3_000_001, 3_000_001)
    assert result.tally.kept == {"2026-03-14": 17}
    places = result.tally.rejected["a.log"][LineReason.UNPARSABLE].offsets
    whole = log() + gap + b"bad\n\n" + log(5, path="/b") + gap
    assert places == [len(log() + gap), len(whole)]


def small_files(count: int) -> dict[str, bytes]:
    rng = random.Random(7)
    files: dict[str, bytes] = {}
    for number in range(count):
        lines = b"".join(
            combined_line(
                f"198.51.{rng.randrange(200)}.{rng.randrange(9)}", request=f"GET /{number} HTTP/1.1"
            )
            for _ in range(3)
        )
        files[f"{number}.log"] = lines if number % 2 else gzip.compress(lines)
    return files


def test_many_small_files_are_one_file_in_pieces() -> None:
    """Bad lines and damaged files among them are told by their own names and places."""
    files = small_files(300)
    whole = b"".join(gzip.decompress(data) if data[0] == GZIP else data for data in files.values())
    expected, _ = run_engine({"a.log": whole})
    good = log(1, path="/good")
    bad = {
        "7.log": files["7.log"][:-1],  # without its last newline
        "bad.log": good + f"{SECRET}\n".encode() + good.replace(b"14/Mar", b"31/Feb"),
        "cut.log": gzip.compress(log(2, path="/cut"))[:-6],
        "long.log": good + combined_line(request=f"GET /{'x' * 1_100_000} HTTP/1.1"),
    }
    released, result = run_engine(files | {"7.log": bad["7.log"]})
    assert released == expected
    assert result.tally.lines == 900
    _, result = run_engine(files | bad)
    assert result.tally.problems == {"cut.log": "corrupt_archive"}
    assert result.tally.lines == 905
    told = {
        path: {str(reason): r.offsets for reason, r in reasons.items()}
        for path, reasons in result.tally.rejected.items()
    }
    assert told == {
        "bad.log": {"unparsable": [len(good)], "impossible_time": [len(good) + len(SECRET) + 1]},
        "long.log": {"oversize_line": [len(good)]},
    }


def test_small_files_are_read_together_in_batches_of_one_kind() -> None:
    files = small_files(200) | {
        "big.log": log(60_000),
        "events.jsonl": EVENTS,
        "big.gz": gzip.compress(log(9)),
    }
    import io

    from logscrub.inputs import InputFile

    found = plan_inputs(
        [InputFile(p, len(d)) for p, d in files.items()],
        lambda path: io.BytesIO(files[path]),  # type: ignore[arg-type,return-value]
        4 * MIB,
    )
    batches = found.batches(4 * MIB)
    assert sorted(part.path for batch in batches for part in batch) == sorted(p.path for p in found.ranges)
    assert len(batches) < 40
    for batch in batches:
        assert len({(part.format, part.compression) for part in batch}) == 1
        assert len(batch) == 1 or sum(part.size for part in batch) <= 4 * MIB
    assert all(len(batch) == 1 for batch in batches if any(p.size >= MIB for p in batch))


def peak_memory(*arguments: object) -> tuple[int, str, int]:
    """Exit code, standard error and largest resident size in bytes of a command line."""
    running = process(*arguments)
    reader = threading.Thread(target=running.stdout.read if running.stdout else None)
    reader.start()
    told = running.stderr.read() if running.stderr else ""
    reader.join()
    _, status, used = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    return running.returncode, told, used.ru_maxrss * (1 if os.uname().sysname == "Darwin" else 1024)


def bomb(place: Path, head: bytes, filling: bytes) -> None:
    with gzip.open(place, "wb", 9) as file:
        file.write(head)
        for _ in range(GIB // len(filling)):
            file.write(filling)
    assert place.stat().st_size < 2 * MIB + len(head)


@pytest.mark.slow
@pytest.mark.parametrize("filling", [b"\n" * MIB, b"x" * MIB], ids=["newlines", "one line"])
def test_a_gzip_bomb_takes_no_memory(tmp_path: Path, filling: bytes) -> None:
    bomb(tmp_path / "bomb.gz", log(), filling)
    code, told, memory = peak_memory("run", tmp_path / "bomb.gz", "-o", tmp_path / "out")
    assert code in {0, 3}
    assert memory < 600 * MIB
    assert ("oversize_line at byte" in told) == (filling[:1] == b"x")


@pytest.mark.slow
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_ten_thousand_small_files(tmp_path: Path, pack: type[bytes]) -> None:
    (tmp_path / "logs").mkdir()
    rng = random.Random(3)
    for number in range(10_000):
        lines = b"".join(
            combined_line(f"198.51.{rng.randrange(250)}.7", request=f"GET /{number} HTTP/1.1")
            for _ in range(20)
        )
        (tmp_path / "logs" / f"{number}.log").write_bytes(pack(lines))
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, before[0]), before[1]))
    try:
        code, told, memory = peak_memory("run", tmp_path / "logs", "-o", tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert (code, without_progress(told)) == (0, "")
    assert memory < 600 * MIB
