"""The benchmark measures what is there: each probe has its place, and each figure comes from a run."""

import gzip
import json
import sys
from pathlib import Path

import pytest
from benchmarks import compare, floors, generate, peers, run, timed
from benchmarks.processes import run_process

from tests.support import combined_line


def test_every_probe_has_its_place() -> None:
    for _, module, name in timed.PROBES:
        owner, function = timed.owner_of(module, name)
        assert callable(getattr(owner, function)), name
    assert {name for name, _, _ in timed.PROBES} >= set(timed.STEPS)


def test_a_probe_inside_another_is_told_under_it() -> None:
    clock = timed.Clock()
    inner = clock.wrap("inner", lambda: sum(range(10_000)))
    outer = clock.wrap("outer", lambda: inner() + inner())
    assert outer() == 2 * inner()
    told = clock.told()
    calls = {path: probe["calls"] for path, probe in told["probes"].items()}
    assert calls == {"outer": 1, "outer/inner": 2, "inner": 1}
    assert told["probes"]["outer"]["wall_s"] >= told["probes"]["outer/inner"]["wall_s"] > 0
    assert told["busy_s"] > 0


def test_inputs_are_counted_as_stored_and_as_text(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.log", tmp_path / "logs" / "b.log.gz"
    packed.parent.mkdir()
    plain.write_bytes(b"one\ntwo")
    packed.write_bytes(gzip.compress(b"one\ntwo\nthree\n"))
    read = run.measure_input([str(tmp_path / "*.log"), str(packed.parent)])
    assert read == run.Input(2, 7 + packed.stat().st_size, 7 + 14, 5)


@pytest.mark.slow
def test_a_small_log_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs = tmp_path / "logs"
    generate.main(["traffic", "--lines=3000", "--hits-per-visitor=6", f"--output={logs}"])
    capsys.readouterr()
    run.main([str(logs), "--repeat=1", "--jobs=1", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["input"]["lines"] == 3000
    assert found["result"]["lines_per_s"] == pytest.approx(3000 / found["runs"][0]["wall_s"])
    split = found["split"]
    steps = {"plan", "scrub", "scrub/tokenise", "scrub/make hits", "follow visitors", "release", "publish"}
    assert steps <= set(split)
    assert split["rest (start, Beam)"]["wall_s"] > 0
    told = "\n".join(run.report(found))
    assert "tokenise" in told
    assert "3,000 lines" in told


def test_a_failed_run_is_no_figure(tmp_path: Path) -> None:
    log = tmp_path / "one.log"
    log.write_bytes(combined_line("192.0.2.1", "14/Mar/2026:10:00:00 +0000", "GET / HTTP/1.1"))
    with pytest.raises(SystemExit, match="exit code 2"):
        run_process([sys.executable, "-m", "logscrub", "run", str(log)])


@pytest.mark.parametrize("options", [(), ("--gzip", "--files=3", "--days=2")])
def test_the_script_for_duckdb_counts_as_logscrub_does(tmp_path: Path, options: tuple[str, ...]) -> None:
    case = compare.Case("x", "small", 1, 10, options)
    files = compare.logs(case, 0.02, tmp_path)
    (logscrub,) = (peer for peer in peers.installed()[0] if peer.name == "logscrub")
    assert compare.totals_agree(files, logscrub)


def test_peers_that_are_here_read_every_line(tmp_path: Path) -> None:
    files = compare.logs(compare.Case("x", "small", 1, 10), 0.002, tmp_path)
    here, missing = peers.installed()
    assert here[0].name == "logscrub"
    assert len(here) + len(missing) >= 5
    for number, peer in enumerate(here):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert compare.timed(peer, files, folder).lines == 2000, peer.name


@pytest.mark.parametrize(
    ("log_format", "reader"), [("combined", "lines cut into"), ("json", "JSON lines to")]
)
def test_floors_are_told_for_logs_of_both_kinds(log_format: str, reader: str, tmp_path: Path) -> None:
    (log,) = compare.logs(compare.Case("x", "small", 1, 10, (), log_format), 0.002, tmp_path)
    told = dict(floors.costs(log, 100_000))
    assert f"tokenise: {reader} columns" in told
    assert {"read", "find the ends of lines"} < told.keys()
    assert min(told.values()) >= 0
    assert sum(len(block) for block in floors.blocks(log, 100_000)) <= 100_000
