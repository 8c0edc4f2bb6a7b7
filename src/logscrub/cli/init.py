"""A commented configuration file to begin with, and the JSON Schema that editors complete it by.

Both are made from `logscrub.config.Settings`, where alone settings are defined.
`python -m logscrub.cli.init` prints the schema, which is kept as schemas/config.schema.json.
"""

import json
import textwrap
from pathlib import Path
from typing import Any

from logscrub.config import Settings
from logscrub.errors import LogscrubError, UsageError, system_reason

CONFIG_NAME = "logscrub.toml"
SCHEMA_NAME = "logscrub.schema.json"
_WIDTH = 100
_LONG = 10_000

_INTRODUCTION = (
    "Settings of logscrub, each with its default. To change one, take the '# ' away before its name. "
    "Flags of the command line win over this file; an unknown name or a wrong type is an error."
)


def config_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the configuration.

    Each property has `description`, `unit`, `reason` and, where it is not chosen by the run, `default`; TOML
    has no null, so neither has the schema.
    """
    made = Settings.model_json_schema()
    definitions = made.get("$defs", {})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of logscrub",
        "description": "Settings of a run, in TOML. An unknown key or a wrong type is an error.",
        "type": "object",
        "properties": {name: _property(p, definitions) for name, p in made["properties"].items()},
        "additionalProperties": False,
    }


def _property(made: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """One setting as pydantic describes it, with enumerations in place and without null."""
    kind = {key: value for key, value in made.items() if key not in ("title", "$ref", "anyOf")}
    choices = [choice for choice in made.get("anyOf", ()) if choice.get("type") != "null"]
    if len(choices) > 1:
        return _ordered(kind | {"anyOf": choices})
    for choice in (made, *choices):
        if "$ref" in choice:
            definition = definitions[choice["$ref"].rpartition("/")[2]]
            kind |= {key: definition[key] for key in ("type", "enum")}
        elif choice is not made:
            kind |= choice
    if "items" in kind:
        kind["items"] = _item(kind["items"], definitions)
    if kind.get("default", ...) is None:
        del kind["default"]
    return _ordered(kind)


def _item(made: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """What a list holds, with what it refers to in place."""
    if "$ref" not in made:
        return made
    definition: dict[str, Any] = definitions[made["$ref"].rpartition("/")[2]]
    if "enum" in definition:
        return {key: definition[key] for key in ("type", "enum")}
    inner = {name: _property(own, definitions) for name, own in definition["properties"].items()}
    return definition | {"properties": inner}


def _ordered(kind: dict[str, Any]) -> dict[str, Any]:
    """A setting, with what explains it first."""
    first = ("description", "unit", "reason", "default")
    return {key: kind[key] for key in first if key in kind} | {
        key: value for key, value in kind.items() if key not in first
    }


def schema_text() -> str:
    """The schema as it is written to a file."""
    return json.dumps(config_schema(), indent=2, ensure_ascii=False) + "\n"


def commented_config() -> str:
    """TOML with every setting at its default, commented out by `# `; what explains it begins with `##`.

    So `sed 's/^# //'` gives a file that changes nothing. A setting that has no default of its own is shown by
    an example, as text.
    """
    parts = [[f"#:schema ./{SCHEMA_NAME}", *_text(_INTRODUCTION)]]
    parts += [_setting(name, made) for name, made in config_schema()["properties"].items()]
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


def _setting(name: str, made: dict[str, Any]) -> list[str]:
    lines = _text(f"{name}: {made['description']}.")
    lines += _text(f"Unit: {made['unit']}. Allowed: {_allowed(made)}.")
    lines += _text(made["reason"])
    examples = " or ".join(f"{name} = {_toml(example)}" for example in made.get("examples", ()))
    if "default" not in made:
        return [*lines, *_text(f"Not set by default. For example: {examples}")]
    return [
        *lines,
        *_text(f"For example: {examples}" if examples else ""),
        f"# {name} = {_toml(made['default'])}",
    ]


def _text(text: str) -> list[str]:
    """Lines of a comment; words, among them examples that hold blanks, are never broken."""
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent="## ",
        subsequent_indent="## ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _allowed(made: dict[str, Any]) -> str:
    """Values that a setting takes, in words."""
    if "anyOf" in made:
        return ", or ".join(map(_allowed, made["anyOf"]))
    if "enum" in made:
        return ", ".join(map(_toml, made["enum"]))
    if made.get("type") == "object" and "properties" in made:
        return f"tables with the keys {', '.join(made['properties'])}"
    if made["type"] == "array":
        return f"a list of {_allowed(made['items'])}"
    words = {
        "integer": "a whole number",
        "number": "a number",
        "string": "text",
        "boolean": "true or false",
    }
    kind = words[made["type"]]
    lowest, highest = (
        None if bound is None else _toml(int(bound) if bound == int(bound) else bound)
        for bound in (made.get("minimum"), made.get("maximum"))
    )
    if lowest is None:
        return kind if highest is None else f"{kind} up to {highest}"
    return f"{kind}, {lowest} or more" if highest is None else f"{kind} from {lowest} to {highest}"


def _toml(value: Any) -> str:
    """A value of JSON as TOML, which writes texts, numbers and lists alike; long integers are grouped."""
    if isinstance(value, int) and value >= _LONG:
        return f"{value:_}"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(own)}" for key, own in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def write_config(output: str, *, force: bool) -> list[Path]:
    """Write the configuration and, beside it, its schema; return both paths.

    Raises:
        UsageError: the place is no file in a folder that exists, or a file would be overwritten without
            `force`; then nothing is written.
        LogscrubError: the system refuses to write.
    """
    config = Path(output)
    schema = config.with_name(SCHEMA_NAME) if config.name else config
    _check(output, config, schema)
    content = {schema: schema_text(), config: commented_config()}
    for path, text in content.items():
        # The schema may be there, of another configuration in this folder.
        if not force and path.exists() and (path == config or not _holds(path, text)):
            raise UsageError(f"{path}: there is such a file already: --force replaces it")
    for path, text in content.items():
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise LogscrubError(f"{path}: cannot be written: {system_reason(error)}") from None
    return [config, schema]


def _check(output: str, config: Path, schema: Path) -> None:
    if not output:
        raise UsageError("--output: the name of the file is empty")
    if config.is_dir():
        raise UsageError(f"--output {output}: that is a folder: name a file")
    if not config.parent.is_dir():
        raise UsageError(f"--output {output}: there is no such folder")
    if config == schema:
        raise UsageError(f"--output {output}: that is the name of the schema beside it: use another one")


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False


if __name__ == "__main__":
    print(schema_text(), end="")  # noqa: T201
