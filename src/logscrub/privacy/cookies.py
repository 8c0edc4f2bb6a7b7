"""Ids in cookies, where a log holds the Cookie header (RFC 6265 section 4.2.1)."""

import re
from collections.abc import Collection, Iterable
from urllib.parse import unquote

# Google Analytics, `_ga` and `_gid`: version, depth of the domain, then a random number and its first time.
_GA = re.compile(r"GA\d\.\d{1,2}(?:-\d{1,2})?\.(?P<id>\d{1,12}\.\d{1,12})")
# Urchin and old Google Analytics: hash of the domain, visitor, then times of visits.
_UTMA = re.compile(r"\d{1,12}\.(?P<id>\d{1,12})\.[\d.]+")
_MATOMO = re.compile(r"(?P<id>[0-9a-fA-F]{16})(?:\..*)?")
_CLIENTS = {
    "_ga": _GA,
    "_gid": _GA,
    "__utma": _UTMA,
    "_utma": _UTMA,
    "_pk_id": _MATOMO,
}
_SESSIONS = frozenset(
    (
        *(
            "phpsessid",
            "jsessionid",
            "asp.net_sessionid",
            "connect.sid",
            "sessionid",
            "session_id",
            "session",
        ),
        *("laravel_session", "_session_id", "ci_session", "rack.session", "symfony", "sid", "virtuemart"),
        *(
            "cftoken",
            "cakephp",
            "sails.sid",
            "frontend",
            "wsid",
            "django_session",
            "play_session",
            "koa.sess",
            "koa:sess",
        ),
    )
)
"""Lower-case names of cookies by which well-known software keeps a session."""

_SESSION_PREFIXES = ("aspsessionid", "wordpress_logged_in_")
_SECURE = re.compile("__(?:host|secure)-")  # RFC 6265bis, section 4.1.3


def session_cookies(configured: Iterable[str] = ()) -> frozenset[str]:
    """Lower-case names of the cookies that hold a session: those of well-known software, and one's own."""
    return _SESSIONS.union(name.lower() for name in configured)


def client_id(value: str) -> str | None:
    """The visitor part of a cookie of an analytics product, whatever its name; None where it is none."""
    found = (shape.fullmatch(value) for shape in (_GA, _UTMA, _MATOMO))
    return next((match["id"] for match in found if match), None)


def cookie_ids(header: str, sessions: Collection[str]) -> list[tuple[str, str]]:
    """Find ids in a Cookie header.

    Args:
        header: `name=value; name=value`, unescaped.
        sessions: lower-case names of the cookies that hold a session's id.

    Returns:
        Kind (`client_id` or `session_id`) and id of each, in their order. A client id is the visitor part of
        `_ga`, `_gid`, `__utma`, `_utma` or Matomo's `_pk_id`.
    """
    found = []
    for pair in header.split(";"):
        name, _, value = pair.strip().partition("=")
        name, value = name.strip().lower(), unquote(value.strip().strip('"'))
        client = _CLIENTS.get(name.partition(".")[0] if name.startswith("_pk_id") else name)
        if client:
            if match := client.fullmatch(value):
                found.append(("client_id", match["id"]))
        elif value and (_SECURE.sub("", name, count=1) in sessions or name.startswith(_SESSION_PREFIXES)):
            found.append(("session_id", value))
    return found
