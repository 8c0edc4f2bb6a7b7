"""The command `inspect`, and the table of formats: what they say is what the formats do."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from logscrub.formats.catalogue import APACHE_LINE, NGINX_LINE
from logscrub.formats.json_lines import JsonFormat
from logscrub.formats.pasted import compile_pasted
from logscrub.formats.records import IDS, Format
from logscrub.formats.registry import FORMATS
from logscrub.inputs import FileProblem, InputFile
from logscrub.inspection import Inspection, inspect_files

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "sample_logs" / "formats").iterdir())
_WORDS = {
    "duration": "time to serve",
    "forwarded": "forwarded address",
}


def inspect(path: Path) -> Inspection | FileProblem:
    return next(
        iter(inspect_files([InputFile(str(path), path.stat().st_size)], lambda p: Path(p).open("rb")))
    )


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "logscrub", "inspect", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def cell(names: list[str]) -> str:
    return ", ".join(_WORDS.get(name, name.replace("_", " ")) for name in names) or "-"


def places(known: Format) -> list[str]:
    """Where signals can stand in a format."""
    own = ["keys"] if isinstance(known, JsonFormat) else ["headers"] if known.signals else []
    urls = ["URLs"] if {"target", "referrer"} & known.fields else []
    return [*urls, *(["cookies"] if "cookie" in known.fields else []), *own]


def test_the_table_of_formats_says_what_each_carries() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| .* \| (.*) \| (.*) \| (.*) \|$", (ROOT / "FORMATS.md").read_text(), re.M
    )
    shown = ("host", "forwarded", "user_agent", "referrer", "duration", "language", "carrier")
    expected = [
        (
            known.name,
            cell([name for name in shown if name in known.fields]),
            cell([name for name in IDS if name in known.fields]),
            cell(places(known)),
        )
        for known in FORMATS
    ]
    assert rows == expected


def test_lines_that_are_advised_are_formats_of_all_fields() -> None:
    text = (ROOT / "FORMATS.md").read_text()
    for line, name in ((APACHE_LINE, "apache_extended"), (NGINX_LINE, "nginx_extended")):
        assert line in text
        known = next(known for known in FORMATS if known.name == name)
        assert compile_pasted(line).fields == known.fields
        assert {"host", "duration", "language", "signals"} <= known.fields
        assert known.signals == {"gpc"}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_samples_are_recognised(path: Path) -> None:
    found = inspect(path)
    assert isinstance(found, Inspection)
    stem = path.stem.removesuffix("_log")
    named = re.split(r"[:+]", found.format or "")
    assert stem in named or {"w3c", "combined", "caddy_json"} & set(named)
    assert found.accepted > 0.6
    assert found.first_hour is not None
    assert found.first_hour >= "2026-03-14T00"


def test_no_value_of_a_record_is_shown() -> None:
    result = run(*SAMPLES)
    shown = result.stdout + result.stderr + run("--json", *SAMPLES).stdout
    values = set()
    for path in SAMPLES:
        text = path.read_bytes().decode("utf-8", "replace")
        values |= set(
            re.findall(
                r"\b(?:203\.0\.113|198\.51\.100|192\.0\.2)\.\d+|2001:db8[0-9a-f:]*|[\w.-]+\.example\.com",
                text,
            )
        )
    assert values
    assert not {value for value in values if value in shown}


def test_what_is_no_web_log_is_named_and_exits_with_3(tmp_path: Path) -> None:
    log = tmp_path / "messages"
    log.write_text("Mar 14 12:00:00 host kernel: it is warm\n" * 30)
    (tmp_path / "empty.log").write_text("")
    result = run(log, ROOT / "sample_logs" / "formats" / "iis.log")
    assert result.returncode == 3
    assert "no web log" in result.stdout
    assert "syslog" in result.stdout
    told = json.loads(run("--json", tmp_path).stdout)
    assert [problem["reason"] for problem in told["problems"]] == ["empty"]
    assert told["files"][0]["format"] is None


def test_a_pasted_format_is_looked_at() -> None:
    sample = ROOT / "sample_logs" / "formats" / "combined_duration_us.log"
    pasted = run(
        "--json", "--log-format", '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %D', sample
    )
    assert "duration" in json.loads(pasted.stdout)["files"][0]["fields"]
    wrong = run("--format", "nothing", sample)
    assert wrong.returncode == 2
    assert "combined" in wrong.stderr


def test_a_format_without_an_address_says_what_that_costs(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text('[14/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1" 200\n')
    result = run("--log-format", '[$time_local] "$request" $status', log)
    assert result.returncode == 0, result.stderr
    assert "without an address" in result.stdout


def test_signals_and_formats_of_a_configuration_are_looked_at(tmp_path: Path) -> None:
    config = tmp_path / "logscrub.toml"
    config.write_text('[[signals]]\nname = "age_gate"\nkind = "birth_year"\nquery = ["birthyear"]\n')
    sample = ROOT / "sample_logs" / "formats" / "combined.log"
    told = json.loads(run("--json", "--config", config, sample).stdout)
    assert "age_gate" in told["files"][0]["url_signals"]
    assert "age_gate" not in json.loads(run("--json", sample).stdout)["files"][0]["url_signals"]
    config.write_text('format = "common"\n')
    assert json.loads(run("--json", "--config", config, sample).stdout)["files"][0]["format"] == "common"
    config.write_text('[signals]\nname = "age_gate"\nkind = "birth_year"\n')
    wrong = run("--config", config, sample)
    assert wrong.returncode == 2
    assert "[[signals]]" in wrong.stderr
    assert run("--config", tmp_path / "none.toml", sample).returncode == 2
