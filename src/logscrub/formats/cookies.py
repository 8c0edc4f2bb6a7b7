"""Ids in cookies, where a log holds the Cookie header."""

import re

import pyarrow as pa

# Google Analytics: version, depth of the domain, then the client id (random number and first visit).
_CLIENT_GA = re.compile(r"GA\d\.\d{1,2}(?:-\d{1,2})?\.(?P<id>\d{1,12}\.\d{1,12})")
# Urchin and old Google Analytics: hash of the domain, visitor, then times of visits.
_CLIENT_UTMA = re.compile(r"\d{1,12}\.(?P<id>\d{1,12})\.[\d.]+")
_CLIENTS = {"_ga": _CLIENT_GA, "__utma": _CLIENT_UTMA, "_utma": _CLIENT_UTMA}
_SESSIONS = frozenset(
    (
        "PHPSESSID",
        "JSESSIONID",
        "ASP.NET_SessionId",
        "connect.sid",
        "laravel_session",
        "_session_id",
        "sessionid",
    )
)

KNOWN = frozenset(_CLIENTS) | _SESSIONS
"""Names of the cookies that hold an id of a known kind."""


def cookie_ids(distinct: pa.StringArray) -> dict[str, pa.StringArray]:
    """Find client ids and session ids in distinct Cookie headers (RFC 6265 section 4.2.1).

    Args:
        distinct: headers, as `name=value; name=value`, unescaped.

    Returns:
        `client_id`, the visitor part of `_ga`, `__utma` or `_utma`, and `session_id`, the value of a cookie
        by which well-known servers keep a session; null where there is none.
    """
    found = [_ids(header) for header in distinct.to_pylist()]
    return {
        "client_id": pa.array([client for client, _ in found], pa.string()),
        "session_id": pa.array([session for _, session in found], pa.string()),
    }


def _ids(header: str | None) -> tuple[str | None, str | None]:
    client = session = None
    for pair in (header or "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name in _CLIENTS and client is None:
            match = _CLIENTS[name].fullmatch(value)
            client = match["id"] if match else None
        elif name in _SESSIONS and session is None:
            session = value or None
    return client, session
