"""Published names of where visits come from: search, social networks, AI assistants, e-mail; and spam."""

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from logscrub.schemas import reference, table_schemas, vocabulary

APP: Final = "android-app://"

_ANY_SUFFIX = ".*"
_BELOW = "*."
_SITES_OF_ONE_HOST = frozenset({"www", "m", "mobile"})


@dataclass(frozen=True)
class Listed:
    """A name of the published lists.

    Attributes:
        medium: `search`, `social`, `ai` or `email`.
        name: released name.
    """

    medium: str
    name: str


@dataclass(frozen=True)
class _Rule:
    path: str
    below: bool
    listed: Listed


def listed_names(host: str, domain: str, suffix: str) -> tuple[tuple[str, Listed], ...]:
    """Find the published names of a host.

    Args:
        host: host name as `dns_name` writes it.
        domain: its registrable domain.
        suffix: the public suffix of that domain.

    Returns:
        How the path of a URL must begin, `` for any, and the name that it has then. The first that fits
        counts: of the longest listed name that is the host or stands above it, the longest path.
    """
    return tuple(_names(host, domain, suffix))


def begins(path: str, beginning: str) -> bool:
    """Tell whether whole segments of a path begin it as a list says."""
    return not beginning or path == beginning or path.startswith(beginning + "/")


def _names(host: str, domain: str, suffix: str) -> Iterator[tuple[str, Listed]]:
    for name in upwards(host, domain):
        any_suffix = name.removesuffix(suffix) + _ANY_SUFFIX[1:]
        is_host = name == host or host.removesuffix(name).rstrip(".") in _SITES_OF_ONE_HOST
        rules = (*_rules().get(name, ()), *_rules().get(any_suffix, ()))
        for rule in sorted(rules, key=lambda rule: -len(rule.path)):
            if rule.below or is_host:
                yield rule.path, rule.listed


def listed_app(package: str) -> Listed | None:
    """Find the published name of an Android app by its package, in any case."""
    found = _rules().get(APP + package.lower())
    return found[0].listed if found else None


def is_spam(host: str, domain: str) -> bool:
    """Tell whether a host is one of the published referrer spammers, or stands below one."""
    return any(name in _spammers() for name in upwards(host, domain))


def upwards(host: str, domain: str) -> Iterator[str]:
    """Give the host and the names above it, down to the registrable domain."""
    yield host
    while host and host != domain:
        host = host.partition(".")[2]
        yield host


@functools.cache
def _rules() -> Mapping[str, tuple[_Rule, ...]]:
    """Rules by host, `host.*` or app."""
    (column,) = (c for c in table_schemas()["referrers"].dimensions if c.vocabularies)
    found: dict[str, list[_Rule]] = {}
    for medium, name in (column.vocabularies or {}).items():
        listed = vocabulary(name)
        for key, rule in _of_list(medium, listed["names"], below=listed["names_below"]):
            found.setdefault(key, []).append(rule)
    return {key: tuple(rules) for key, rules in found.items()}


def _of_list(medium: str, names: Mapping[str, Iterable[str]], *, below: bool) -> Iterator[tuple[str, _Rule]]:
    for name, places in names.items():
        for place in places:
            if place.startswith(APP):
                yield place.lower(), _Rule("", False, Listed(medium, name))
            else:
                host, slash, path = place.partition("/")
                all_below = below or host.startswith(_BELOW)
                yield host.removeprefix(_BELOW), _Rule(slash + path, all_below, Listed(medium, name))


@functools.cache
def _spammers() -> frozenset[str]:
    return frozenset(reference("referrer_spam")["domains"])
