"""Device, system, browser and bot names of user agents, from closed vocabularies only.

What a parser extracts from an agent is free text: an e-mail address in place of a phone model comes through
as the model. So a name is released only when it stands in `schemas/vocabularies/`, a version only when it is
a small number or a known name.
"""

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from ua_parser import Domain
from ua_parser.core import OS, Device
from ua_parser.core import UserAgent as Browser
from ua_parser.regex import Resolver
from ua_parser_builtins.lazy import MATCHERS

from logscrub import schemas
from logscrub.enrich.crawlers import crawler_purposes
from logscrub.enrich.lazily import import_on_use
from logscrub.schemas import UNKNOWN

# The parser that user-agents would use compiles all its expressions when it is imported.
import_on_use("ua_parser.user_agent_parser")
from user_agents.parsers import (  # noqa: E402
    UserAgent,
    parse_browser,
    parse_device,
    parse_operating_system,
)

_VERSION = re.compile(r"0|[1-9][0-9]{0,2}")
_LONGEST = 1_000  # in-app browsers write up to some 600 characters
_NO_LETTER = "#"
_LETTER = re.compile(r"[A-Za-z]")
_CODE = re.compile(r"\(\) *\{|\$\{|<[!?/a-zA-Z]|^[&=?%|;#]")  # Shellshock, Log4Shell, markup, queries
_RUNTIME = "Dalvik/"  # of Android's apps; ua-parser calls it the system's browser


@dataclass(frozen=True)
class AgentClasses:
    """Released names of distinct agents, each list aligned to the input.

    Attributes:
        device: desktop, mobile, tablet, tv, console, wearable or `(unknown)`.
        system: name from the vocabulary `systems`, or `(unknown)`.
        system_version: major version as text, or `(unknown)`.
        browser: name from the vocabulary `browsers`, or `(unknown)`.
        browser_version: major version as text, or `(unknown)`.
        bot: name from the vocabulary `bots`, `(unknown)` for a bot not listed there, None for people.
        purpose: purpose of the bot, `(unknown)` where it is not known, None for people.
        layer: what told that it is one (`Layer`), None for people.
    """

    device: list[str]
    system: list[str]
    system_version: list[str]
    browser: list[str]
    browser_version: list[str]
    bot: list[str | None]
    purpose: list[str | None]
    layer: list[str | None]


class Layer(StrEnum):
    """What tells a bot, in the order in which it is asked; the account has the share of each."""

    CONFIGURED = "configured"  # the operator names its agent
    CRAWLER = "crawler"  # its agent has a name of the vocabulary
    TOOL = "tool"  # likewise, and it is an HTTP library, a command or a scanner
    SPIDER = "spider"  # a rule of ua-parser
    LISTED = "listed"  # a pattern of crawler-user-agents
    ABSURD_AGENT = "absurd_agent"
    EMPTY_AGENT = "empty_agent"
    ROBOTS_TXT = "robots_txt"  # the visitor read robots.txt
    RATE = "rate"  # the visitor made more hits on a day than the operator allows people


class _ParsedAgent(UserAgent):  # type: ignore[misc]  # user-agents has no types
    """The classes of user-agents over results of the Rust engine: its own constructor parses in Python."""

    def __init__(self, text: str, browser: Browser, system: OS, device: Device) -> None:
        self.ua_string = text
        self.browser = parse_browser(browser.family, browser.major, browser.minor, browser.patch)
        self.os = parse_operating_system(system.family, system.major, system.minor, system.patch)
        self.device = parse_device(device.family, device.brand, device.model)


def classify(distinct: pa.StringArray | Sequence[str | None]) -> AgentClasses:
    """Name the software behind each distinct agent.

    Args:
        distinct: distinct user agents, as logged; null is one that was not logged, empty or `-` one that was
            not sent.

    Returns:
        One list for each name, aligned to the input. Of an agent that was not logged nothing is known, and it
        is not a bot; one that was not sent, or that no browser has, is one. No browser has one of more than
        1,000 characters.
    """
    agents = distinct if isinstance(distinct, pa.Array) else pa.array(distinct, pa.string())
    # Rules take milliseconds for kilobytes, which a client could send ever anew to keep a run busy.
    agents = pc.if_else(pc.greater(pc.utf8_length(agents), _LONGEST), _NO_LETTER, agents)
    texts = agents.to_pylist()
    lower = pc.utf8_lower(agents)
    names = zip(
        texts,
        _found_words(lower, _bot_pattern()),
        _found_words(lower, _device_pattern()),
        _found_words(lower, _people_pattern()),
        crawler_purposes(text or "" for text in texts),
        strict=True,
    )
    rows = [_classify_one(*row) for row in names]
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(8)]
    return AgentClasses(*columns)


_Bot = tuple[str | None, str | None, str | None]
_Row = tuple[str, str, str, str, str, str | None, str | None, str | None]
_PERSON: _Bot = (None, None, None)
_NOTHING = (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)
_EMPTY: _Bot = ("No user agent", "other", Layer.EMPTY_AGENT)
_ABSURD: _Bot = ("Absurd user agent", "other", Layer.ABSURD_AGENT)


def _classify_one(
    text: str | None,
    bot_word: str | None,
    device_word: str | None,
    people_word: str | None,
    listed: str | None,
) -> _Row:
    if text is None or text.strip() in {"", "-"}:
        return (*_NOTHING, *(_PERSON if text is None else _EMPTY))
    result = _resolver()(text, Domain.ALL)
    agent = _ParsedAgent(text, result.user_agent or Browser(), result.os or OS(), result.device or Device())
    system = _families("systems").get(agent.os.family, UNKNOWN)
    family = "" if text.startswith(_RUNTIME) else agent.browser.family
    browser = _families("browsers").get(family, UNKNOWN)
    return (
        _device(agent, device_word),
        system,
        _system_version(system, result.os),
        browser,
        _version(result.user_agent.major) if result.user_agent and browser != UNKNOWN else UNKNOWN,
        *_bot(agent, bot_word, people_word, listed),
    )


def _bot(agent: _ParsedAgent, bot_word: str | None, people_word: str | None, listed: str | None) -> _Bot:
    """Name, purpose and layer of a bot; None of each for people."""
    name = _bot_names().get(bot_word or "") or _bot_names().get(agent.browser.family)
    if name is not None:
        purpose = _vocabulary("bots")["names"][name]["purpose"]
        return name, purpose, Layer.TOOL if purpose == "tool" else Layer.CRAWLER
    # ua-parser takes any agent with a word such as "silk" or "cubot" near its start for a spider.
    if people_word is None and (agent.is_bot or listed):
        return UNKNOWN, listed or UNKNOWN, Layer.SPIDER if agent.is_bot else Layer.LISTED
    return _ABSURD if _is_absurd(agent.ua_string) else _PERSON


def _is_absurd(text: str) -> bool:
    """Whether no browser or app writes such an agent: without a letter, or code to be run."""
    return not _LETTER.search(text) or _CODE.search(text) is not None


def _device(agent: _ParsedAgent, device_word: str | None) -> str:
    if device_word is not None:
        return _device_words()[device_word]
    told = {_device_families().get(agent.os.family), _device_families().get(agent.device.family)}
    for name in ("tv", "console", "wearable"):
        if name in told:
            return name
    if _is_tablet(agent):
        return "tablet"
    if agent.is_mobile or agent.os.family == "Android":
        return "mobile"
    if agent.is_pc:
        return "desktop"
    return next((name for name in ("tablet", "mobile", "desktop") if name in told), UNKNOWN)


def _is_tablet(agent: _ParsedAgent) -> bool:
    if not agent.is_tablet or agent.os.family != "Android":
        return bool(agent.is_tablet)
    # user-agents takes every Android without "Mobile Safari" for a tablet; only browsers make that
    # difference, apps and HTTP libraries say nothing about the screen.
    return agent.ua_string.startswith("Mozilla/") and "Mobile" not in agent.ua_string


def _system_version(system: str, parsed: OS | None) -> str:
    if parsed is None or system == UNKNOWN:
        return UNKNOWN
    if system != "Windows":
        return _version(parsed.major)
    name = "8.1" if (parsed.major, parsed.minor) == ("8", "1") else parsed.major
    return name if name and name in _vocabulary("systems")["windows_versions"] else UNKNOWN


def _version(major: str | None) -> str:
    return major if major is not None and _VERSION.fullmatch(major) else UNKNOWN


def _found_words(lower: pa.StringArray, pattern: str) -> list[str | None]:
    """Find the first word of a vocabulary in each agent, None where there is none."""
    found = pc.extract_regex(lower, pattern)
    return pc.binary_join_element_wise(*found.flatten(), "").to_pylist()  # type: ignore[no-any-return]


def _word_pattern(words: Iterable[str]) -> str:
    """RE2 expression for the leftmost, then longest, of `words` that is no part of a longer word.

    What stands after a word that ends in a mark, such as `java/`, is free.
    """
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    whole = "|".join(re.escape(word) for word in longest_first if word[-1].isalnum())
    marked = "|".join(re.escape(word) for word in longest_first if not word[-1].isalnum())
    start = f"|(?P<start>{marked})" if marked else ""
    return f"(?:^|[^a-z0-9])(?:(?P<whole>{whole})(?:[^a-z0-9]|$){start})"


@functools.cache
def _resolver() -> Resolver:
    return Resolver(MATCHERS)  # type: ignore[arg-type]  # lists of ua-parser's own subclasses


@functools.cache
def _vocabulary(name: str) -> Mapping[str, Any]:
    return schemas.vocabulary(name)


@functools.cache
def _families(name: str) -> Mapping[str, str]:
    """Family of ua-parser to released name."""
    names = _vocabulary(name)["names"]
    return {family: released for released, families in names.items() for family in families}


@functools.cache
def _bot_names() -> Mapping[str, str]:
    """Family of ua-parser, or word in lower case, to released name."""
    names = _vocabulary("bots")["names"]
    return {family: released for released, bot in names.items() for family in bot["families"]}


@functools.cache
def _device_words() -> Mapping[str, str]:
    names = _vocabulary("devices")["names"]
    return {word: device for device, told_by in names.items() for word in told_by["words"]}


@functools.cache
def _device_families() -> Mapping[str, str]:
    names = _vocabulary("devices")["names"]
    return {family: device for device, told_by in names.items() for family in told_by["families"]}


@functools.cache
def _bot_pattern() -> str:
    return _word_pattern(name for name in _bot_names() if name == name.lower())


@functools.cache
def _device_pattern() -> str:
    return _word_pattern(_device_words())


@functools.cache
def _people_pattern() -> str:
    return _word_pattern(_vocabulary("bots")["people"])
