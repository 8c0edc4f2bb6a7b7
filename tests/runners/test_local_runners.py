"""The same bytes from the engine in memory and from every local way to run Beam."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logscrub.beam.files import match_inputs
from logscrub.beam.run import run_pipeline
from logscrub.config import Settings
from tests.privacy.test_non_interference import make_logs
from tests.support import ROOT, run_engine

CONFIG = Settings(min_support=2, shards=2, range_bytes=2000, block_bytes=700)
WAYS = {
    "one thread": ["--direct_num_workers=1"],
    "two threads": ["--direct_num_workers=2"],
    "processes": ["--direct_num_workers=2", "--direct_running_mode=multi_processing"],
    "portable": ["--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK"],
}


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
def test_every_way_gives_the_bytes_of_the_engine(way: str, tmp_path: Path) -> None:
    chance = random.Random(7)
    files = make_logs(chance).with_children(chance)
    expected, told = run_engine(files, CONFIG)
    inputs = write(tmp_path / "in", files)
    result = run_pipeline([str(inputs)], str(tmp_path / "out"), CONFIG, beam_flags=WAYS[way])
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
def test_the_sample_is_the_same_on_the_command_line_and_in_memory(tmp_path: Path) -> None:
    sample = ROOT / "sample_logs"
    files, _ = match_inputs([str(sample)])
    expected, _ = run_engine({f.path: Path(f.path).read_bytes() for f in files}, Settings())
    command = [sys.executable, "-m", "logscrub", "run", str(sample), "-o", str(tmp_path / "out"), "--quiet"]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    assert released(tmp_path / "out") == expected


def test_a_second_key_fails_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runner that makes the key again on a retry must not count a child."""
    from logscrub import engine
    from logscrub.errors import LogscrubError
    from logscrub.privacy.pseudonyms import EphemeralKey

    made_for = engine.make_scrubber
    monkeypatch.setattr(
        engine,
        "make_scrubber",
        lambda config, key, withheld, now_ms: made_for(config, EphemeralKey.generate(), withheld, now_ms),
    )
    chance = random.Random(3)
    inputs = write(tmp_path / "in", make_logs(chance).with_children(chance))
    with pytest.raises(LogscrubError, match="different keys"):
        run_pipeline([str(inputs)], str(tmp_path / "out"), CONFIG, jobs=1)
    assert released(tmp_path / "out") == {}
