"""Where visits come from: a published name or the registrable domain of a referrer, and nothing else."""

import functools
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

import tldextract

from logscrub.enrich.sources import Listed, begins, is_spam, listed_app, listed_names, upwards
from logscrub.hostnames import dns_name
from logscrub.rules import OwnSource
from logscrub.schemas import NONE, UNKNOWN

REFERRAL: Final = "referral"
NO_SOURCE: Final = NONE
"""Source of a visit that is direct or internal."""

# RFC 3986 section 3.2: the authority ends at the first of / ? #; browsers read a backslash as a slash.
_WEB_URL = re.compile(r"\s*https?://(?P<authority>[^/?#\\\s]*)(?P<path>/[^?#\\\s]{0,40})?", re.IGNORECASE)
# https://developer.android.com/reference/android/content/Intent#URI_ANDROID_APP_SCHEME
_APP_URI = re.compile(r"\s*android-app://(?P<package>[a-z0-9_.]{1,200})(?![^/?#\s])", re.IGNORECASE)
_ADDRESS = re.compile(r"\s*(?:\[(?P<bracketed>[^\]]*)\]|(?P<plain>[^:]*))(?::\d*)?\s*")


@dataclass(frozen=True)
class Source:
    """What is known of one referrer before it is compared with the own hosts.

    Attributes:
        medium: `search`, `social`, `ai`, `email` or `referral`; None when no referrer is known, or a
            spammer's.
        source: a published name, or of referrals the registrable domain, `(unknown)` when the referrer names
            none; `(none)` without a referrer.
        site: what is compared with the own sites (see `site`), and never released; None without a host.
    """

    medium: str | None
    source: str
    site: str | None


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
    return _registered(name)[0]


@functools.lru_cache(maxsize=50_000)
def site(host: str) -> str | None:
    """Name the site of a host, by which referrers are told to be internal.

    Args:
        host: host as logged, in any case, perhaps with port, trailing dot or percent-encoding.

    Returns:
        The registrable domain; of a host without one, such as `intranet` or an address, the host itself;
        None for what is no host.
    """
    text = unquote(host)
    if known := registrable_domain(host) or dns_name(text):
        return known
    address = _ADDRESS.fullmatch(text)
    try:
        return str(
            ipaddress.ip_address((address["bracketed"] or address["plain"]) if address else text.strip())
        )
    except ValueError:
        return None


def own_sources(sources: Iterable[OwnSource]) -> Mapping[str, Listed]:
    """Names that an operator gives hosts, by host."""
    return {
        name: Listed(source.medium, source.name)
        for source in sources
        for host in source.host
        if (name := dns_name(host))
    }


def referrer_sources(distinct: Iterable[str | None], own: Mapping[str, Listed] | None = None) -> list[Source]:
    """Find the source of each distinct referrer.

    Args:
        distinct: distinct referrers as logged; None, empty and `-` mean that none is known.
        own: names that the operator gives hosts and all that stand below them; they win over the lists.

    Returns:
        One source for each, in order. Hosts and Android apps of the lists of search engines, social networks,
        AI assistants and e-mail in schemas/vocabularies have the name that stands there; other hosts are
        referrals from their registrable domain. What is neither an http(s) URL nor a listed app, or has no
        registrable domain, is a referral from `(unknown)`. A referrer of schemas/referrer_spam.json counts as
        none, so that its hit stays in all sums. User information, port, path, query (and with it what was
        searched for) and fragment never survive.
    """
    return [_source(referrer, own or {}) for referrer in distinct]


def is_internal(site: str | None, own_sites: frozenset[str]) -> bool:
    """Tell whether the site of a referrer is one of the own ones."""
    return site is not None and site in own_sites


def _source(referrer: str | None, own: Mapping[str, Listed]) -> Source:
    if referrer is None or referrer.strip() in {"", "-"}:
        return _ABSENT
    url = _WEB_URL.match(referrer)
    if url is None:
        return _app_source(referrer)
    domain, names = _listed(url["authority"])
    if domain is None:
        return Source(REFERRAL, UNKNOWN, site(_host(url["authority"])))
    if own and (mine := _own_name(url["authority"], domain, own)):
        return Source(mine.medium, mine.name, domain)
    if names is None:
        return Source(None, NO_SOURCE, domain)
    path = url["path"] or ""
    listed = next((name for beginning, name in names if begins(path, beginning)), None)
    return Source(listed.medium, listed.name, domain) if listed else Source(REFERRAL, domain, domain)


def _host(authority: str) -> str:
    """Host and port of a URL's authority, without user information (RFC 3986 section 3.2.1)."""
    return authority.rpartition("@")[2]


def _own_name(authority: str, domain: str, own: Mapping[str, Listed]) -> Listed | None:
    host = dns_name(unquote(_host(authority))) or domain
    return next((own[name] for name in upwards(host, domain) if name in own), None)


@functools.lru_cache(maxsize=50_000)
def _listed(authority: str) -> tuple[str | None, tuple[tuple[str, Listed], ...] | None]:
    """Registrable domain of a URL's authority, None without one; its published names, None of a spammer."""
    host = dns_name(unquote(_host(authority)))
    domain, suffix = _registered(host) if host else (None, "")
    if host is None or domain is None:
        return None, ()
    return domain, None if is_spam(host, domain) else listed_names(host, domain, suffix)


def _app_source(referrer: str) -> Source:
    app = _APP_URI.match(referrer)
    listed = listed_app(app["package"]) if app else None
    return Source(listed.medium, listed.name, None) if listed else _UNREADABLE


def _registered(name: str) -> tuple[str | None, str]:
    """Registrable domain of a DNS name, None where it has none, and its public suffix."""
    parts = _extractor()(name)
    if not parts.domain or not parts.suffix or "_" in parts.domain:
        return None, parts.suffix
    return f"{parts.domain}.{parts.suffix}", parts.suffix


@functools.cache
def _extractor() -> tldextract.TLDExtract:
    # No list is ever fetched: a run must not depend on the network, nor tell it what it reads.
    return tldextract.TLDExtract(
        cache_dir=None,
        suffix_list_urls=(),
        fallback_to_snapshot=True,
        include_psl_private_domains=False,
    )
