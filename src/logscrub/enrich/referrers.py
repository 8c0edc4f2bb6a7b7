"""Where visits come from: the registrable domain of a referrer, and nothing else of it."""

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

import tldextract

from logscrub.hostnames import dns_name
from logscrub.schemas import NONE, UNKNOWN

REFERRAL: Final = "referral"
NO_SOURCE: Final = NONE
"""Source of a visit that is direct or internal."""

# RFC 3986 section 3.2: the authority ends at the first of / ? #; browsers read a backslash as a slash.
_WEB_URL = re.compile(r"\s*https?://(?P<authority>[^/?#\\\s]*)", re.IGNORECASE)


@dataclass(frozen=True)
class Source:
    """What is known of one referrer before it is compared with the own hosts.

    Attributes:
        medium: `referral`, or None when no referrer is known.
        source: registrable domain, `(unknown)` when the referrer names none, `(none)` without a referrer.
        domain: registrable domain to compare with the own ones, or None.
    """

    medium: str | None
    source: str
    domain: str | None


_ABSENT = Source(None, NO_SOURCE, None)
_UNREADABLE = Source(REFERRAL, UNKNOWN, None)


@functools.lru_cache(maxsize=50_000)
def registrable_domain(host: str) -> str | None:
    """Name the domain that somebody registered, by the public suffix list shipped with tldextract.

    Private suffixes are not used: the sub-domain of a hosting service is a person's, the service's is not.

    Args:
        host: host name as logged, in any case, perhaps with port, trailing dot or percent-encoding.

    Returns:
        Lower-case ASCII (IDNA) domain such as `example.co.uk`, or None for an address in any spelling, a
        single label, a name without a public suffix or an invalid name.
    """
    name = dns_name(unquote(host))
    if name is None:
        return None
    parts = _extractor()(name)
    if not parts.domain or not parts.suffix or "_" in parts.domain:
        return None
    return f"{parts.domain}.{parts.suffix}"


def referrer_sources(distinct: Iterable[str | None]) -> list[Source]:
    """Find the source of each distinct referrer.

    Args:
        distinct: distinct referrers as logged; None, empty and `-` mean that none is known.

    Returns:
        One source for each, in order. What is no http(s) URL, or has no registrable domain, is a referral
        from `(unknown)`; user information, port, path, query and fragment never survive.
    """
    return [_source(referrer) for referrer in distinct]


def is_internal(domain: str | None, own_domains: frozenset[str]) -> bool:
    """Tell whether a referrer's registrable domain is one of the own ones (registrable too)."""
    return domain is not None and domain in own_domains


def _source(referrer: str | None) -> Source:
    if referrer is None or referrer.strip() in {"", "-"}:
        return _ABSENT
    url = _WEB_URL.match(referrer)
    if url is None:
        return _UNREADABLE
    domain = registrable_domain(url["authority"].rpartition("@")[2])
    return Source(REFERRAL, domain, domain) if domain else _UNREADABLE


@functools.cache
def _extractor() -> tldextract.TLDExtract:
    # No list is ever fetched: a run must not depend on the network, nor tell it what it reads.
    return tldextract.TLDExtract(
        cache_dir=None,
        suffix_list_urls=(),
        fallback_to_snapshot=True,
        include_psl_private_domains=False,
    )
