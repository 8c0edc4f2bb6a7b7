"""Settings as a command is given them: a configuration file, and flags that win over it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logscrub.errors import UsageError, system_reason

if TYPE_CHECKING:
    from logscrub.config import Settings


def settings_of(config: str | None, flags: Mapping[str, Any]) -> "Settings":
    """Settings of a run.

    Args:
        config: path of a configuration file, or None.
        flags: setting name to value; None where the flag was not given.

    Raises:
        UsageError: the file cannot be read, or a setting cannot be meant; the message names the file.
    """
    text = _text(config) if config is not None else None
    # Its import takes longer than to see that the file is not there.
    from logscrub.config import load_settings  # noqa: PLC0415

    try:
        return load_settings(text, dict(flags))
    except UsageError as error:
        raise UsageError(f"{config}: {error}" if config is not None else str(error)) from None


def _text(config: str) -> str:
    try:
        return Path(config).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{config}: cannot be read: {system_reason(error)}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{config}: cannot be read: not UTF-8") from None
