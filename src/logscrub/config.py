"""Typed, strict settings from defaults, a TOML file and command-line flags."""

import hashlib
import json
import tomllib
import zoneinfo
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from logscrub.errors import UsageError
from logscrub.hostnames import dns_name

KIB = 1024
MIB = 1024 * KIB


class Audience(StrEnum):
    """Whom the site is made for, which decides what an unknown age means (16 CFR 312.2)."""

    GENERAL = "general"
    MIXED = "mixed"
    CHILD_DIRECTED = "child-directed"


class Support(StrEnum):
    """What k counts: see section 'Support' of ARCHITECTURE.md."""

    NETWORKS = "networks"
    VISITORS = "visitors"


class Settings(BaseModel):
    """All settings of a run; an unknown key or a wrong type is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    timezone: str = Field("UTC", description="IANA time zone whose days and hours are reported")
    audience: Annotated[Audience, Field(strict=False)] = Field(
        Audience.GENERAL,
        description="whom the site is made for: decides whether a record of unknown age is kept",
    )
    min_support: int = Field(10, ge=2, description="k: support units that each released figure rests on")
    support: Annotated[Support, Field(strict=False)] = Field(
        Support.NETWORKS,
        description="what k counts: truncated networks (default), or visitors where all share one network",
    )
    ipv4_prefix: int = Field(24, ge=8, le=24, description="bits kept of an IPv4 address inside the run")
    ipv6_prefix: int = Field(40, ge=16, le=48, description="bits kept of an IPv6 address inside the run")
    own_hosts: tuple[str, ...] = Field(
        (), strict=False, description="own domains: referrers from them are internal"
    )
    reject_limit: float = Field(
        0.01, ge=0, le=1, description="share of rejected lines above which the run exits with 3"
    )
    range_bytes: int = Field(64 * MIB, ge=1, description="bytes of a file read as one unit of work")
    block_bytes: int = Field(16 * MIB, ge=1, le=512 * MIB, description="bytes parsed at a time")
    shards: int | None = Field(
        None, ge=1, le=4096, description="parts a day is split into; default by the size of the input"
    )

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            zoneinfo.ZoneInfo(value)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("not an IANA time zone, such as Europe/Paris") from None
        return value

    @field_validator("own_hosts")
    @classmethod
    def _names_of_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        names = {dns_name(host) for host in value}
        if None in names:
            raise ValueError("not all are names of hosts, such as www.example.com")
        return tuple(sorted(filter(None, names)))

    def policy_hash(self) -> str:
        """SHA-256 over every setting that can change a released byte."""
        layout = {"range_bytes", "block_bytes", "shards", "reject_limit"}
        policy = self.model_dump(mode="json", exclude=layout)
        return hashlib.sha256(json.dumps(policy, sort_keys=True).encode()).hexdigest()


def load_settings(toml: str | None, overrides: dict[str, Any]) -> Settings:
    """Read settings from TOML text, flags winning.

    Args:
        toml: content of a configuration file, or None.
        overrides: setting name to value, from flags; None values do not override.

    Raises:
        UsageError: not TOML, an unknown key, a wrong type or a value out of range; the message names the
            key and what is wrong with it, not the value.
    """
    try:
        values = tomllib.loads(toml) if toml else {}
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the configuration is not valid TOML: {error}") from None
    except (ValueError, RecursionError):
        # Python's own limits on digits and nesting.
        raise UsageError(
            "the configuration is not valid TOML: a number is too long, or brackets are nested too deep"
        ) from None
    values |= {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {_told(e)}" for e in error.errors())
        raise UsageError(f"configuration: {problems}") from None


def _told(problem: ErrorDetails) -> str:
    """What is wrong with one setting, in words of this tool."""
    if problem["type"] == "extra_forbidden":
        return f"no such setting; known are: {', '.join(Settings.model_fields)}"
    return problem["msg"].removeprefix("Value error, ")
