"""What several test packages share as fixtures."""

import sys
from pathlib import Path

import hypothesis
import pytest

from logscrub import cli
from tests.support import SECRET, Ended, Run, without_progress

# A busy machine is no failure: timings stand in benchmarks.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture
def logscrub(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run a command line in an empty folder; whatever happens, no traceback and no secret are shown."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["logscrub", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capfd.readouterr()
        for text in said:
            assert "Traceback" not in text
            assert "internal error" not in text
            assert SECRET not in text
        return Ended(int(ended.value.code or 0), said.out, without_progress(said.err))

    return run
