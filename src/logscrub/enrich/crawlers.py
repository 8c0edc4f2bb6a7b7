"""Crawlers that the community lists (crawler-user-agents): which agents are such, and what for."""

import functools
import json
from collections.abc import Iterable, Iterator
from importlib import util
from pathlib import Path
from typing import Any

from ua_parser import Domain
from ua_parser.lazy import UserAgentMatcher
from ua_parser.regex import Resolver

from logscrub import schemas


def crawler_purposes(distinct: Iterable[str]) -> list[str | None]:
    """Tell the purpose of each distinct agent that a listed pattern matches.

    Args:
        distinct: distinct user agents, as logged.

    Returns:
        For each a purpose of the vocabulary `bots`, None where no pattern matches. The patterns are compared
        with regard to case, as their list asks for; those that apps of people match too are left out.
    """
    resolve = _resolver()
    answers = (resolve(agent, Domain.USER_AGENT).user_agent for agent in distinct)
    return [answer.family if answer else None for answer in answers]


@functools.cache
def _resolver() -> Resolver:
    """The engine of ua-parser over these patterns: it searches for all of them at once."""
    return Resolver(([UserAgentMatcher(*pattern) for pattern in _patterns()], [], []))


def _patterns() -> Iterator[tuple[str, str]]:
    """Patterns with their purposes, the more telling purposes first."""
    bots = schemas.vocabulary("bots")
    purposes = [*dict.fromkeys(bots["tags"].values()), "other"]
    told = [
        (next((purpose for tag, purpose in bots["tags"].items() if tag in crawler["tags"]), "other"), crawler)
        for crawler in _crawlers()
    ]
    for purpose, crawler in sorted(told, key=lambda one: purposes.index(one[0])):
        if crawler["pattern"] not in bots["apps"]:
            yield crawler["pattern"], purpose


def _crawlers() -> list[dict[str, Any]]:
    """The list as its package ships it.

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    spec = util.find_spec("crawleruseragents")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("crawleruseragents")
    # Its own module reads the file in the encoding of the locale, which may be ASCII.
    text = Path(spec.origin).with_name("crawler-user-agents.json").read_text(encoding="utf-8")
    crawlers: list[dict[str, Any]] = json.loads(text)
    return crawlers
