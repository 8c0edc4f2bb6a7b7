"""`logscrub init` writes a file that changes nothing until it is edited, and a schema that fits it."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from logscrub.cli.commands import cli
from logscrub.cli.init import commented_config, config_schema, schema_text, write_config
from logscrub.cli.running import program
from logscrub.config import Settings, load_settings
from logscrub.errors import LogscrubError, UsageError
from tests.support import ROOT

SETTING = re.compile(r"^# (?=\w+ = )", re.MULTILINE)
LINES = [line for line in commented_config().splitlines() if SETTING.match(line)]


def test_every_setting_says_what_it_is_its_unit_and_why_one_would_change_it() -> None:
    for name, field in Settings.model_fields.items():
        extra = field.json_schema_extra
        assert isinstance(extra, dict), name
        assert field.description, name
        assert extra["unit"], name
        assert len(str(extra["reason"]).split()) >= 8, name
        assert field.default is not None or extra["examples"], name


def test_every_setting_is_shown_with_its_default() -> None:
    shown = [line.split()[1] for line in LINES]
    given = [name for name, field in Settings.model_fields.items() if field.default is not None]
    assert shown == given
    for name in Settings.model_fields:
        assert f"## {name}: " in commented_config()
    assert '# timezone = "UTC"' in LINES
    assert "Not set by default. For example: shards = 8" in commented_config()


def test_as_written_and_with_every_line_uncommented_nothing_changes() -> None:
    assert tomllib.loads(commented_config()) == {}
    whole = SETTING.sub("", commented_config())
    assert len(tomllib.loads(whole)) == len(LINES)
    assert load_settings(whole, {}) == Settings()
    assert load_settings(re.sub("^# ", "", commented_config(), flags=re.MULTILINE), {}) == Settings()


@given(st.sets(st.sampled_from(LINES), min_size=1))
def test_any_lines_uncommented_change_nothing(chosen: set[str]) -> None:
    text = commented_config()
    for line in chosen:
        text = text.replace(f"\n{line}\n", f"\n{line.removeprefix('# ')}\n")
    assert len(tomllib.loads(text)) == len(chosen)
    assert load_settings(text, {}) == Settings()


def test_examples_can_be_loaded() -> None:
    examples = [(n, e) for n, p in config_schema()["properties"].items() for e in p.get("examples", ())]
    assert examples
    for name, example in examples:
        assert f"{name} = " in commented_config()
        assert getattr(load_settings(None, {name: example}), name) != Settings.model_fields[name].default


def test_lines_are_short_and_the_first_one_names_the_schema() -> None:
    lines = commented_config().splitlines()
    assert lines[0] == "#:schema ./logscrub.schema.json"
    assert max(map(len, lines)) <= 100


def test_the_committed_schema_is_made_from_the_settings() -> None:
    assert (ROOT / "schemas" / "config.schema.json").read_text("utf-8") == schema_text()


def test_the_schema_describes_each_setting_in_place() -> None:
    schema = config_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["additionalProperties"] is False
    assert list(schema["properties"]) == list(Settings.model_fields)
    for name, made in schema["properties"].items():
        assert {"description", "unit", "reason"} <= set(made), name
        assert ("type" in made) != ("anyOf" in made), name
        assert ("default" in made) == (Settings.model_fields[name].default is not None)
    assert schema["properties"]["audience"]["enum"] == ["general", "mixed", "child-directed"]
    assert schema["properties"]["shards"]["maximum"] == 4096
    assert "$ref" not in schema_text()
    assert "null" not in schema_text()


def test_it_writes_both_files_and_tells_what_to_do_next(tmp_path: Path) -> None:
    config = tmp_path / "my settings.toml"
    ended = CliRunner().invoke(cli, ["init", "--output", str(config)])
    schema = tmp_path / "logscrub.schema.json"
    assert ended.exit_code == 0
    assert ended.output.splitlines() == [
        f"wrote {config} and {schema}",
        f"next: {program()} run LOGS -o stats --config '{config}'",
    ]
    assert config.read_text("utf-8") == commented_config()
    assert json.loads(schema.read_text("utf-8")) == config_schema()


def test_it_overwrites_only_when_told_to(tmp_path: Path) -> None:
    config, schema = tmp_path / "logscrub.toml", tmp_path / "logscrub.schema.json"
    config.write_text("min_support = 20\n")
    with pytest.raises(UsageError, match="there is such a file already: --force replaces it"):
        write_config(str(config), force=False)
    assert config.read_text() == "min_support = 20\n"
    assert not schema.exists()
    write_config(str(config), force=True)
    assert config.read_text("utf-8") == commented_config()
    # The same schema may serve a second configuration; another one is somebody's.
    write_config(str(tmp_path / "second.toml"), force=False)
    schema.write_text("{}")
    with pytest.raises(UsageError, match=r"logscrub\.schema\.json: there is such a file"):
        write_config(str(tmp_path / "third.toml"), force=False)
    assert not (tmp_path / "third.toml").exists()


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("", "the name of the file is empty"),
        (".", "that is a folder"),
        ("absent/logscrub.toml", "there is no such folder"),
        ("gs://bucket/logscrub.toml", "there is no such folder"),
        ("logscrub.schema.json", "that is the name of the schema"),
    ],
)
def test_a_wrong_place_is_a_usage_error(
    output: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=told):
        write_config(output, force=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(LogscrubError, match="cannot be written: Permission denied"):
        write_config(str(tmp_path / "logscrub.toml"), force=False)


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "logscrub.schema.json").mkdir()
    with pytest.raises(LogscrubError, match="cannot be written: Is a directory"):
        write_config(str(tmp_path / "logscrub.toml"), force=True)


def test_the_command_as_a_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "logscrub", "init"]
    source = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    first, again, beam = (
        subprocess.run(command + more, cwd=tmp_path, env=source, capture_output=True, text=True, check=False)
        for more in ([], [], ["--", "--streaming"])
    )
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.splitlines()[-1] == f"next: {program()} run LOGS -o stats --config logscrub.toml"
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == "logscrub: logscrub.toml: there is such a file already: --force replaces it\n"
    assert beam.returncode == 2
    assert load_settings((tmp_path / "logscrub.toml").read_text("utf-8"), {}) == Settings()
