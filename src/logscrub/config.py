"""Typed, strict settings from defaults, a TOML file and command-line flags."""

import difflib
import hashlib
import ipaddress
import json
import tomllib
import zoneinfo
from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from logscrub.errors import UsageError
from logscrub.hostnames import dns_name
from logscrub.rules import OwnBot, OwnSource, Rule, check_routes
from logscrub.schemas import table_schemas
from logscrub.signals import Signal

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


class OptOuts(StrEnum):
    """What an opt-out does."""

    EXCLUDE = "exclude"
    EXCLUDE_FROM_SHARING = "exclude-from-sharing"


class Unsure(StrEnum):
    """Signals that say neither a child under 13 nor an opt-out for certain."""

    TFUA = "tfua"
    GPP_CALIFORNIA = "gpp_california"
    TCF = "tcf"
    PERSONALISATION = "personalisation"


class IdField(StrEnum):
    """Fields of ids, which join the records of a person."""

    USER_ID = "user_id"
    DEVICE_ID = "device_id"
    CLIENT_ID = "client_id"
    SESSION_ID = "session_id"


def _documented(unit: str, reason: str, *examples: Any) -> dict[str, Any]:
    """What a setting is measured in and why one would change it, as `logscrub init` and editors tell it."""
    return {"unit": unit, "reason": reason} | ({"examples": list(examples)} if examples else {})


class Settings(BaseModel):
    """All settings of a run; an unknown key or a wrong type is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    timezone: str = Field(
        "UTC",
        description="IANA time zone whose days and hours are reported",
        json_schema_extra=_documented(
            "IANA name",
            "A day is released when it is over in this zone: take the one your readers work in. UTC has no "
            "daylight saving time, so that every day of the default has 24 hours.",
            "Europe/Paris",
        ),
    )
    format: str | None = Field(
        None,
        description="name of the format of all inputs; told of each file by default",
        json_schema_extra=_documented(
            "name of FORMATS.md",
            "Name it where a format is not told rightly, or where two read the same lines. Behind a prefix "
            "it is syslog:combined, two in one file are combined+caddy_json.",
            "combined",
        ),
    )
    log_format: str | None = Field(
        None,
        description="the format of all inputs as the server's configuration has it",
        json_schema_extra=_documented(
            "LogFormat of Apache, log_format of nginx, or a field map for JSON lines",
            "Paste it where your servers write a format of their own. What says nothing of a visit is read "
            "over.",
            r'%h %l %u %t "%r" %>s %b %D',
            "time=ts address=client.ip path=uri user_agent=ua",
        ),
    )
    source_timezone: str = Field(
        "UTC",
        description="IANA time zone of log times that are written without one",
        json_schema_extra=_documented(
            "IANA name",
            "Some logs write local time and do not say whose: name the zone of the servers. Times with an "
            "offset, and those of formats that are defined in UTC, are not touched.",
            "America/New_York",
        ),
    )
    trusted_proxies: Annotated[int, Field(ge=0)] | tuple[str, ...] = Field(
        0,
        description="own proxies before the server, by number or network, whose word on the client counts",
        json_schema_extra=_documented(
            "proxies, or networks",
            "Behind a load balancer or a CDN the address that connects is the proxy's, and the client's is "
            "in X-Forwarded-For, Forwarded or X-Real-IP, as far as the log has them. Say how many proxies "
            "each request passes, or which networks they are in. What stands left of their word may be made "
            "up, and never counts; with 0 none of it does.",
            1,
            ["10.0.0.0/8", "2001:db8::/32"],
        ),
    )
    audience: Annotated[Audience, Field(strict=False)] = Field(
        Audience.GENERAL,
        description="whom the site is made for: decides whether a record of unknown age is kept",
        json_schema_extra=_documented(
            "word",
            "Who runs a site for children must take its visitors for children until they tell otherwise "
            "(16 CFR 312.2). general keeps records of unknown age; mixed keeps those that are joined to a "
            "known age of 13 or more; child-directed keeps none. Most sites are for everyone.",
        ),
    )
    opt_outs: Annotated[OptOuts, Field(strict=False)] = Field(
        OptOuts.EXCLUDE,
        description="what an opt-out (Global Privacy Control, Do Not Track, …) does",
        json_schema_extra=_documented(
            "word",
            "exclude leaves out every record that is joined to one. exclude-from-sharing is for who may "
            "count them for himself: this release then has them, and is not to be shared.",
        ),
    )
    also_withhold: tuple[Annotated[Unsure, Field(strict=False)], ...] = Field(
        (Unsure.TFUA, Unsure.GPP_CALIFORNIA, Unsure.TCF),
        strict=False,
        description="signals that withhold like a child's, though they are not sure to be one",
        json_schema_extra=_documented(
            "words",
            "tfua (under the age of consent, 13 to 16) and gpp_california (under 16) may be of a child "
            "under 13; tcf is a refused or missing consent where the GDPR applies; personalisation (npa, "
            "rdp, ltd) wants no personal advertising. Leave out what your lawyers say may be counted.",
            ["tfua", "gpp_california"],
        ),
    )
    signals: tuple[Signal, ...] = Field(
        (),
        strict=False,
        description="your own signals of children and opt-outs, beside those of schemas/signals.toml",
        json_schema_extra=_documented(
            "tables",
            "Say where your site or app tells an age: a query parameter, a cookie, a header, a path in JSON.",
            [{"name": "age_gate", "kind": "birth_year", "cookie": ["age_gate"]}],
        ),
    )
    session_cookies: tuple[str, ...] = Field(
        (),
        strict=False,
        description="names of your session cookies, beside those of well-known software",
        json_schema_extra=_documented(
            "names",
            "A child's flag on one record of a session withholds all of it, where the log has the cookie.",
            ["shop_session"],
        ),
    )
    not_joined: tuple[Annotated[IdField, Field(strict=False)], ...] = Field(
        (),
        strict=False,
        description="id fields that join no records, since many people share their values",
        json_schema_extra=_documented(
            "fields",
            "The account (--account) names fields of which one value joins more than 1,000 others: such a "
            "value is no person's, and a child's flag would withhold everyone who has it.",
            ["session_id"],
        ),
    )
    min_support: int = Field(
        10,
        ge=2,
        description="k: support units that each released figure rests on",
        json_schema_extra=_documented(
            "support units",
            "Raise it to hide larger groups, at the price of more rows folded into (other); lower it to see "
            "smaller groups. 10 is more than a household and leaves a small site rows to read.",
        ),
    )
    support: Annotated[Support, Field(strict=False)] = Field(
        Support.NETWORKS,
        description="what k counts: truncated networks (default), or visitors where all share one network",
        json_schema_extra=_documented(
            "word",
            "One person with ten browsers is one network but ten visitors, so networks protect better. "
            "Behind a proxy or in an intranet everyone has one network and everything would be folded: "
            "there, visitors.",
        ),
    )
    ipv4_prefix: int = Field(
        24,
        ge=8,
        le=24,
        description="bits kept of an IPv4 address inside the run",
        json_schema_extra=_documented(
            "bits",
            "Fewer bits make larger networks, so that more people count as one. No finer than 24, where "
            "one provider's customers share a network of 256 addresses.",
        ),
    )
    ipv6_prefix: int = Field(
        40,
        ge=16,
        le=48,
        description="bits kept of an IPv6 address inside the run",
        json_schema_extra=_documented(
            "bits",
            "Fewer bits make larger networks. Providers give one customer a whole /48 or /56 (RIPE-690), so "
            "that 48 may be one household; 40 holds 256 of the largest of them.",
        ),
    )
    own_hosts: tuple[str, ...] = Field(
        (),
        strict=False,
        description="own domains: referrers from them are internal",
        json_schema_extra=_documented(
            "host names",
            "Name your domains when your logs do not tell the host, as common and combined logs do not, or "
            "when you have several; else your own site is your first referrer. None is known by itself.",
            ["example.com", "example.org"],
        ),
    )
    geoip: tuple[str, ...] = Field(
        (),
        strict=False,
        description="MaxMind-format databases that tell the country, carrier or connection of a network",
        json_schema_extra=_documented(
            "paths",
            "Without one every country is (unknown). Country, City, ASN, ISP and Connection-Type may be "
            "given together; where two tell of the same, the first counts. Networks are looked up after "
            "truncation, so that no address is. Paths are relative to where the run is started.",
            ["GeoLite2-City.mmdb"],
        ),
    )
    reject_limit: float = Field(
        0.01,
        ge=0,
        le=1,
        description="share of rejected lines above which the run exits with 3",
        json_schema_extra=_documented(
            "share, 0 to 1",
            "Lower it to hear of a changed log format at once; raise it for logs full of noise from "
            "scanners. It decides the exit code and nothing that is released.",
        ),
    )
    leave_out: tuple[Rule, ...] = Field(
        (),
        strict=False,
        description="records that are not counted: those that any of these rules matches",
        json_schema_extra=_documented(
            "tables",
            "Leave out your own offices, health checks and parts of the site that are nobody's business. A "
            "rule matches where each of its conditions holds, a condition where one of its values does; the "
            "account has their number as filtered.",
            [{"network": ["192.0.2.0/24"]}, {"path": ["/health", "/internal/*"], "method": ["GET"]}],
        ),
    )
    count_only: tuple[Rule, ...] = Field(
        (),
        strict=False,
        description="records that alone are counted: those that any of these rules matches; all by default",
        json_schema_extra=_documented(
            "tables",
            "Count one host or one part of a site in a release of its own.",
            [{"host": ["www.example.com", "*.shop.example.com"]}],
        ),
    )
    page_views: tuple[Rule, ...] = Field(
        (),
        strict=False,
        description="requests that are page views, static assets apart; by default GET with 2xx or 304",
        json_schema_extra=_documented(
            "tables",
            "Name what your site answers with a page: some answer forms, or tell a page of its own by 404.",
            [{"method": ["GET", "POST"], "status": ["2xx", "304"]}],
        ),
    )
    routes: Annotated[tuple[str, ...], Field(strict=False), AfterValidator(check_routes)] = Field(
        (),
        description="templates of your own routes, which win over the built-in ones; the first that fits",
        json_schema_extra=_documented(
            "paths",
            "A name in braces stands for any one segment: /shop/{product}/reviews is released as "
            "/shop/:product/reviews, whatever the product.",
            ["/shop/{product}/reviews"],
        ),
    )
    static_extensions: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,20}$")], ...] = Field(
        (),
        strict=False,
        description="endings of files that are parts of pages, beside the usual ones",
        json_schema_extra=_documented(
            "endings without a dot", "Requests of such files are hits and no page views.", ["json", "glb"]
        ),
    )
    visit_gap_minutes: int = Field(
        30,
        ge=1,
        le=1440,
        description="minutes of silence of a visitor that end a visit",
        json_schema_extra=_documented(
            "minutes",
            "30 is what Matomo, Plausible and Google Analytics take; change it where people read or play "
            "longer without a request.",
        ),
    )
    bots: tuple[OwnBot, ...] = Field(
        (),
        strict=False,
        description="bots that you know by their user agents; they win over the built-in names",
        json_schema_extra=_documented(
            "tables",
            "Name your own monitors and crawlers, so that they stand in the table bots and nowhere else.",
            [{"name": "Shop monitor", "purpose": "monitor", "user_agent": ["shop-check/*"]}],
        ),
    )
    sources: tuple[OwnSource, ...] = Field(
        (),
        strict=False,
        description="sites that you name as sources of visits; they win over the built-in names",
        json_schema_extra=_documented(
            "tables",
            "Tell partners, communities and mail systems by a name and a medium of your own.",
            [{"name": "Tea forum", "medium": "social", "host": ["forum.example.com"]}],
        ),
    )
    bot_rate: int | None = Field(
        None,
        ge=1,
        description="hits of one visitor on one day above which it counts as a bot; no limit by default",
        json_schema_extra=_documented(
            "hits a visitor-day",
            "Scrapers that hide behind a browser's name show by their number of hits. Set it well above what "
            "your keenest visitors do; behind a proxy that hides all addresses it takes everybody for one.",
            2000,
        ),
    )
    range_bytes: int = Field(
        64 * MIB,
        ge=1,
        description="bytes of a file read as one unit of work",
        json_schema_extra=_documented(
            "bytes",
            "Smaller units spread a few files over more threads; larger ones cost less to plan and to "
            "shuffle. It changes no released byte. A compressed file is always one unit.",
        ),
    )
    block_bytes: int = Field(
        24 * MIB,
        ge=1,
        le=512 * MIB,
        description="bytes parsed at a time",
        json_schema_extra=_documented(
            "bytes",
            "Memory of each thread grows with it, time falls with it up to the default, which was the "
            "fastest measured. It changes no released byte.",
        ),
    )
    shards: int | None = Field(
        None,
        ge=1,
        le=4096,
        description="parts a day is split into; default by the size of the input",
        json_schema_extra=_documented(
            "parts",
            "More parts use more workers and less memory in each. When it is not set, there is one for each "
            "256 MiB of the busiest day and one more, up to 256; of 512 MiB or more eight at least, "
            "over all days. It changes no released byte.",
            8,
        ),
    )

    @model_validator(mode="after")
    def _one_format(self) -> "Settings":
        if self.format and self.log_format:
            raise ValueError("format and log_format: give one of them")
        return self

    @field_validator("timezone", "source_timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            zoneinfo.ZoneInfo(value)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("not an IANA time zone, such as Europe/Paris") from None
        return value

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _number_or_networks(cls, value: Any) -> int | tuple[str, ...]:
        """One message for what is neither, where pydantic has one for each choice."""
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        try:
            if isinstance(value, list | tuple) and all(isinstance(text, str) for text in value):
                return tuple(sorted({str(ipaddress.ip_network(text.strip())) for text in value}))
        except ValueError:
            pass
        raise ValueError('neither a number of proxies nor a list of networks, such as ["10.0.0.0/8"]')

    @field_validator("own_hosts")
    @classmethod
    def _names_of_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        names = {dns_name(host) for host in value}
        if None in names:
            raise ValueError("not all are names of hosts, such as www.example.com")
        return tuple(sorted(filter(None, names)))

    @field_validator("bots")
    @classmethod
    def _of_no_published_crawler(cls, bots: tuple[OwnBot, ...]) -> tuple[OwnBot, ...]:
        # Rows of these are shown whatever they rest on; what matches a pattern of one's own may be people.
        published = {name for _, name in table_schemas()["bots"].unfolded}
        if any(bot.name in published for bot in bots):
            raise ValueError(
                "a name is that of a published crawler, whose rows are never folded: give another"
            )
        return bots

    def policy_hash(self) -> str:
        """SHA-256 over every setting that can change a released byte; databases stand in the manifest."""
        layout = {"range_bytes", "block_bytes", "shards", "reject_limit", "geoip"}
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
        problems = "; ".join(_told_where(e) for e in error.errors())
        raise UsageError(f"configuration: {problems}") from None


_GIVE = {
    "string_type": "give text in quotes",
    "tuple_type": 'give a list of texts, such as ["one", "two"]',
    "int_type": "give a whole number",
    "float_type": "give a number",
}


_TABLES = {"signals", "bots", "sources", "leave_out", "count_only", "page_views"}


def _told_where(problem: ErrorDetails) -> str:
    place = ".".join(map(str, problem["loc"]))
    return f"{place}: {_told(problem)}" if place else _told(problem)


def _told(problem: ErrorDetails) -> str:
    """What is wrong with one setting, in words of this tool."""
    if problem["type"] == "extra_forbidden":
        alike = difflib.get_close_matches(str(problem["loc"][0]), Settings.model_fields, n=1)
        known = ", ".join(Settings.model_fields)
        return (
            f"no such setting; did you mean {alike[0]}?" if alike else f"no such setting; known are: {known}"
        )
    if problem["type"] == "tuple_type" and problem["loc"][0] in _TABLES:
        return f"write [[{problem['loc'][0]}]], in two pairs of brackets, before each"
    if problem["type"] in _GIVE:
        return _GIVE[problem["type"]]
    return problem["msg"].removeprefix("Value error, ")
