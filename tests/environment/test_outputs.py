"""Places that a release cannot, or must not, be written to; and two runs at once."""

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from logscrub.release.store import MemoryStore
from logscrub.release.verify import verify
from tests.support import DAY, Run, bytes_of, hits, log, process, run_engine, without_progress

KIB = 1024


@contextlib.contextmanager
def mounted(place: Path, *options: str) -> Iterator[None]:
    """A mount of one's own, for as long as the block lasts."""
    place.mkdir(exist_ok=True)
    made = subprocess.run(["mount", *options, str(place)], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    with mounted(place, "-t", "tmpfs", "-o", f"size={40 * KIB}", "tmpfs"):
        yield place


def hidden(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob(".*")]


def test_a_full_disk_leaves_no_manifest_and_nothing_half_written(
    logscrub: Run, tmp_path: Path, small_disk: Path
) -> None:
    (tmp_path / "a.log").write_bytes(log())
    ended = logscrub("run", "a.log", "-o", small_disk / "out")
    assert ended.code == 1
    assert f"logscrub: {small_disk}/out: {DAY} cannot be written: No space left on device" in ended.err
    assert not list(small_disk.rglob("*.json"))
    assert hidden(small_disk) == []
    (small_disk / "filler").write_bytes(b"")
    subprocess.run(["mount", "-o", f"remount,size={4096 * KIB}", str(small_disk)], check=True)
    assert logscrub("run", "a.log", "-o", small_disk / "out").code == 0
    assert logscrub("verify", small_disk / "out").code == 0


def test_a_full_folder_for_temporary_files_is_passed_over(tmp_path: Path, small_disk: Path) -> None:
    (tmp_path / "a.log").write_bytes(log())
    with contextlib.suppress(OSError):
        (small_disk / "filler").write_bytes(bytes(100 * KIB))
    running = process("run", tmp_path / "a.log", "-o", tmp_path / "out", env={"TMPDIR": str(small_disk)})
    _, told = running.communicate(timeout=60)
    assert (running.returncode, without_progress(told)) == (0, "")


def test_a_read_only_disk_is_told(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log())
    (tmp_path / "disk").mkdir()
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "ro", "tmpfs"):
        for output in ("disk", "disk/out"):
            ended = logscrub("run", "a.log", "-o", output)
            assert (ended.code, ended.err) == (
                1,
                f"logscrub: {output}: cannot be written: Read-only file system\n",
            )


def test_a_folder_without_the_right_to_write_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log())
    (tmp_path / "out").mkdir(mode=0o555)
    (tmp_path / "locked").mkdir(mode=0o000)
    for output in ("out", "locked/out"):
        running = process("run", "a.log", "-o", output, unprivileged=True, cwd=tmp_path)
        said, told = running.communicate(timeout=60)
        assert (running.returncode, said) == (1, "")
        assert told in {
            f"logscrub: {output}: cannot be {verb}: Permission denied\n" for verb in ("written", "looked at")
        }
    (tmp_path / "locked").chmod(0o700)
    assert bytes_of(tmp_path / "out") == {}


def test_a_new_output_is_made_with_the_folders_above_it(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log())
    assert logscrub("run", "a.log", "-o", "new/folders/out").code == 0
    assert logscrub("verify", "new/folders/out").code == 0
    assert hidden(tmp_path / "new") == []


def test_a_new_output_that_gets_nothing_does_not_stay(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log(3))
    assert "not released" in logscrub("run", "a.log", "-o", "out").out
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").mkdir()
    logscrub("run", "a.log", "-o", "out")
    assert (tmp_path / "out").exists()


def test_a_folder_of_other_files_is_refused_before_anything_is_read(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log())
    for output in (".", tmp_path, "home"):
        (tmp_path / "home" / "Documents").mkdir(parents=True, exist_ok=True)
        ended = logscrub("run", "a.log", "-o", output)
        assert ended.code == 2
        assert ended.err == (
            f"logscrub: {output}: the folder holds other files and no release: "
            "name an empty or a new folder\n"
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.log", "home"]


def test_hidden_files_and_what_a_disk_holds_are_no_other_files(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log())
    (tmp_path / "out" / "lost+found").mkdir(parents=True)
    (tmp_path / "out" / ".gitkeep").touch()
    assert logscrub("run", "a.log", "-o", "out").code == 0


def test_days_of_two_time_zones_do_not_share_a_release(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log())
    (tmp_path / "b.log").write_bytes(log(day="15/Mar/2026"))
    assert logscrub("run", "a.log", "-o", "out").code == 0
    before = bytes_of(tmp_path / "out")
    ended = logscrub("run", "b.log", "-o", "out", "--timezone", "Europe/Berlin")
    assert ended.code == 2
    assert "those of UTC, not of Europe/Berlin" in ended.err
    assert bytes_of(tmp_path / "out") == before
    assert logscrub("run", "b.log", "-o", "out").code == 0


def test_verify_tells_days_of_two_time_zones() -> None:
    store = MemoryStore()
    store.files, _ = run_engine({"a.log": log() + log(day="15/Mar/2026")})
    assert list(verify(store)) == []
    path = "_manifest/date=2026-03-15.json"
    manifest = json.loads(store.files[path]) | {"timezone": "Europe/Berlin"}
    store.files[path] = json.dumps(manifest).encode()
    assert list(verify(store)) == [
        "2026-03-15: its time zone is not that of 2026-03-14: hits between them may count twice"
    ]


def test_a_release_among_the_logs_and_logs_in_the_release(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_bytes(log())
    for _ in range(2):
        ended = logscrub("run", "logs", "-o", "logs/out")
        assert (ended.code, without_progress(ended.err), hits(ended)) == (0, "", 12)
    (tmp_path / "logs" / "out" / "kept").mkdir()
    (tmp_path / "logs" / "out" / "kept" / "b.log").write_bytes(log(day="15/Mar/2026"))
    ended = logscrub("run", "logs/out", "-o", "logs/out")
    assert (ended.code, hits(ended)) == (0, 12)
    assert "is no part of a release" in logscrub("verify", "logs/out").err


def test_the_account_in_the_folder_of_the_logs_is_not_read_as_a_log(logscrub: Run, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_bytes(log())
    account = ["--account", "logs/account.json"]
    first = logscrub("run", "logs", "-o", "out", *account)
    assert (first.code, hits(first)) == (0, 12)
    again = logscrub("run", "logs", "-o", "out", *account)
    assert again.code == 2
    assert "that is one of the inputs" in again.err


def test_two_runs_at_once_into_one_release_and_into_two(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log())
    first = process("run", tmp_path / "a.log", "-o", tmp_path / "out")
    other = process("run", tmp_path / "a.log", "-o", tmp_path / "out2")
    while not (tmp_path / "out").exists() and first.poll() is None:
        time.sleep(0.001)
    second = process("run", tmp_path / "a.log", "-o", tmp_path / "out")
    said = [running.communicate(timeout=60) for running in (first, second, other)]
    assert (first.returncode, other.returncode) == (0, 0)
    # The second may have come when the first was through.
    if second.returncode:
        assert second.returncode == 1
        assert "another run is writing it: wait for it to end" in said[1][1]
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "out2")
