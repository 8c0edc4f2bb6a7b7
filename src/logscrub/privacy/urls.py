"""Route templates for paths, clean host names, static assets.

A path holds what people typed and what sites put into links: ids, tokens, e-mail addresses. A template keeps
the words that make the route and puts `:id` in the place of every segment that may name a person or a thing.
In doubt a segment goes: a lost word merges two rows, a kept one may be somebody.
"""

import base64
import binascii
import functools
import html
import ipaddress
import re
import unicodedata
from collections.abc import Collection, Sequence
from typing import Final
from urllib.parse import unquote

from logscrub.hostnames import dns_name
from logscrub.schemas import RESERVED, UNKNOWN

ID: Final = ":id"
REST: Final = ":rest"
MAX_SEGMENTS: Final = 16
MAX_SEGMENT_LENGTH: Final = 40

# fmt: off
STATIC_EXTENSIONS: Final = frozenset({
    "avif", "bmp", "class", "css", "eot", "gif", "ico", "jpeg", "jpg", "js", "map", "mjs", "otf", "png",
    "svg", "svgz", "swf", "ttf", "webp", "woff", "woff2", "xml",
})
# fmt: on
"""Files that are parts of pages (Matomo's import_logs.py STATIC_EXTENSIONS, with avif, map and mjs)."""

_NAME = re.compile(r"\{(\w+)\}")
_STATIC_FILES = frozenset({"robots.txt", "favicon"})
_MAX_ROUNDS = 3
_REMEMBERED = 50_000  # paths are many, the words that they are made of far fewer

_ABSOLUTE_FORM = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#]*", re.IGNORECASE)
_UNICODE_ESCAPE = re.compile(r"%u([0-9a-f]{4})", re.IGNORECASE)

_DATE = re.compile(
    r"(?<![0-9])(?:19|20)[0-9]{2}[-_.](?:0[1-9]|1[0-2])[-_.](?:0[1-9]|[12][0-9]|3[01])(?![0-9])"
)
_WORD = re.compile(r"[a-z]{1,7}")
_NO_LETTER = re.compile(r"[\W\d_]+")
_MARKS = re.compile(r"[^A-Za-z0-9]+")
_DIGITS = re.compile(r"[0-9]+")
_LETTERS_OR_DIGITS = re.compile(r"[A-Za-z]+|[0-9]+")
_HEX = re.compile(r"[0-9a-f]{8,}", re.IGNORECASE)
_RUNS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_BASE64 = re.compile(r"[A-Za-z0-9_+-]{8,}")
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{6}", re.IGNORECASE)
_IPV4 = re.compile(
    r"(?<![0-9a-z])(?:0x[0-9a-f]{1,2}|[0-9]{1,4})(?:[.\-_](?:0x[0-9a-f]{1,2}|[0-9]{1,4})){3}(?![0-9])"
    r"|(?<![0-9])[0-9]{1,3}(?:[.\-_][0-9]{1,3}){3}(?![0-9])"
    r"|0x[0-9a-f]{6,}",
    re.IGNORECASE,
)
_IPV6 = re.compile(
    r"(?<![0-9a-z:])[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*(?![0-9a-z])"
    r"|(?<![0-9a-z-])[0-9a-f]*-[0-9a-f]*-[0-9a-f-]*(?![0-9a-z])",
    re.IGNORECASE,
)
_IDENTIFIERS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"[@%\\\ufffd]",  # an e-mail address; an escape that did not decode
        r"[(\[{]\s*at\s*[)\]}]|(?<![a-z0-9])at(?![a-z0-9]).*(?<![a-z0-9])dot(?![a-z0-9])",  # e-mail
        r"[0-9]{6,}",
        r"(?<![0-9a-z])(?:[0-9a-f]{2}[:._-]){5}[0-9a-f]{2}(?![0-9a-z])",  # MAC address
        r"(?<![0-9a-z])[a-z]{2}[-. _]?(?:[0-9]{2}[-. _]?){3}[a-d](?![0-9a-z])",  # UK NINO
        r"(?<![0-9])[0-9]{3}[-._ ][0-9]{4}(?![0-9])",  # local phone number
        r"(?:[0-9a-f]-?){32}",  # UUID
        r"(?<![a-z0-9])eyj[a-z0-9_-]{3,}",  # base64 of '{"', as JWTs start (RFC 7519)
    )
)
_KEPT_MARKS = frozenset({".", "..", "-", "_", "~", "*"})


def route_template(target: str | None) -> str:
    """Reduce a request target to the template of its route.

    Takes origin form, absolute form, authority form or `*` (RFC 9112 section 3.2), raw. Scheme, authority,
    query, fragment and matrix parameters go; the path is percent-decoded to a fixpoint and NFKC-normalised;
    segments that may identify become `:id`, those past the 15th `:rest`. Empty inner segments go, a trailing
    slash stays. A literal `*` becomes `%2A`. Applying it twice changes nothing.

    Returns:
        A path that starts with `/`, or `(unknown)` for null, authority form, `*` and what is no path.
    """
    if target is None or target in RESERVED:
        return UNKNOWN
    absolute = _ABSOLUTE_FORM.match(target)
    path = target[absolute.end() :] if absolute else target
    if absolute and not path.startswith("/"):
        return "/"
    if not path.startswith("/"):
        return UNKNOWN
    path = re.split(r"[?#]", _decoded(path.partition("?")[0]), maxsplit=1)[0]
    names = [segment.partition(";")[0] for segment in path.split("/")]
    segments = [_segment(name) for name in names if name]
    if len(segments) > MAX_SEGMENTS:
        return "/" + "/".join([*segments[: MAX_SEGMENTS - 1], REST])
    return "/" + "/".join(segments) + ("/" if segments and not names[-1] else "")


class OwnRoutes:
    """Templates of an operator: `/shop/{product}/reviews` gives `/shop/:product/reviews`."""

    def __init__(self, templates: Sequence[str]) -> None:
        self._routes = [
            (
                re.compile("/".join(_template_segment(s) for s in template.split("/"))),
                _NAME.sub(r":\1", template),
            )
            for template in templates
        ]

    def __call__(self, target: str | None) -> str:
        """The first template that a raw request target fits, else what `route_template` makes of it."""
        built_in = route_template(target)
        if target is None or built_in == UNKNOWN or not self._routes:
            return built_in
        absolute = _ABSOLUTE_FORM.match(target)
        path = re.split(r"[?#]", target[absolute.end() :] if absolute else target, maxsplit=1)[0]
        decoded = _decoded(path)
        found = (name for route, name in self._routes if route.fullmatch(decoded))
        return next(found, built_in)


def _template_segment(segment: str) -> str:
    return "[^/]+" if _NAME.fullmatch(segment) else re.escape(segment)


def host_name(text: str | None) -> str:
    """Clean the host of a request or of a vhost prefix.

    Returns:
        The name in lower case and ASCII (IDNA) without port and trailing dot, or `(unknown)` for null, an
        address in any spelling, a name with an address or a machine-made token in it, or what is no DNS
        name.
    """
    name = None if text is None else dns_name(text)
    return UNKNOWN if name is None or _has_address(name) or _has_token_label(name) else name


def _has_token_label(name: str) -> bool:
    # Clients choose what they ask for: `cb00714d` is an address, and base64 stays a token in lower case.
    return any(_is_token(label) for label in name.split(".") if not label.startswith("xn--"))


def is_static_asset(target: str | None, more: Collection[str] = ()) -> bool:
    """Tell whether a raw request target is a part of a page, robots.txt or a favicon, by its file name.

    Args:
        target: path with query, or a whole URL.
        more: endings of files, in lower case, beside `STATIC_EXTENSIONS`.
    """
    if not target:
        return False
    path = re.split(r"[?#]", target, maxsplit=1)[0]
    file = unquote(path.rpartition("/")[2].partition(";")[0]).lower()
    stem, _, extension = file.rpartition(".")
    if stem and file not in _STATIC_FILES:
        return extension in STATIC_EXTENSIONS or extension in more
    return file in _STATIC_FILES


def _decoded(text: str) -> str:
    """Undo percent-encoding, `%uXXXX`, character references and compatibility forms, however nested.

    What is still encoded after the last round keeps its `%`, which makes its segment an `:id`.
    """
    for _ in range(_MAX_ROUNDS):
        decoded = _UNICODE_ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text)
        decoded = unicodedata.normalize("NFKC", html.unescape(unquote(decoded, errors="replace")))
        if decoded == text:
            break
        text = decoded
    return text


def may_identify_decoded(value: str, longest: int) -> bool:
    """Tell whether a value may name a person or a thing, also behind percent-encoding and entities.

    Args:
        value: value of a campaign, name of a carrier.
        longest: characters above which it is taken for an id whatever it holds.
    """
    return may_identify(_decoded(value), longest)


def _segment(name: str) -> str:
    if name in {ID, REST}:
        return name
    return ID if may_identify(name) else name.replace("*", "%2A")


@functools.lru_cache(maxsize=_REMEMBERED)
def may_identify(name: str, longest: int = MAX_SEGMENT_LENGTH) -> bool:
    """Tell whether a decoded word may name a person or a thing: a number, id, token, address or e-mail.

    Args:
        name: segment of a path, value of a campaign, name of a carrier.
        longest: characters above which it is taken for an id whatever it holds.
    """
    if _WORD.fullmatch(name) or name in _KEPT_MARKS:
        return False
    if len(name) > longest or not name.isprintable() or _NO_LETTER.fullmatch(name):
        return True
    text = _ascii_digits(name)
    if any(pattern.search(text) for pattern in _IDENTIFIERS):
        return True
    # A date in a name is no address and no phone number.
    dateless = _DATE.sub(" ", text)
    return _has_many_digits(dateless) or _has_address(dateless) or _has_token(text) or _is_encoded(text)


def _has_many_digits(text: str) -> bool:
    """Tell phone, card and identity numbers, with or without separators, from versions and sizes."""
    runs = [len(run) for run in _DIGITS.findall(_MARKS.sub("", text))]
    return sum(runs) > 8 or max(runs, default=0) > 6  # noqa: PLR2004 - digits of the shortest of them


def _has_address(text: str) -> bool:
    """Find an IPv4 address (dotted or dashed, decimal, octal or hex) or an IPv6 one (also with dashes)."""
    if _IPV4.search(text):
        return True
    return any(_is_ipv6(found[0]) for found in _IPV6.finditer(text))


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text.replace("-", ":"))
    except ValueError:
        return False
    return ":" in text or any(character.isdigit() for character in text)


def _has_token(text: str) -> bool:
    pieces = [piece for piece in _MARKS.split(text) if piece]
    whole = "".join(pieces)
    return any(_is_token(piece) for piece in pieces) or (len(whole) >= 14 and _mean_run(whole) < 2.7)  # noqa: PLR2004


def _is_token(piece: str) -> bool:
    """Tell a machine-made string from words: hex, quick changes of digits and cases, no vowels.

    The limits are where 16 random characters of base64, base36 or letters part from CamelCase names.
    """
    if _HEX.fullmatch(piece) and (len(piece) >= 16 or not piece.isalpha()):  # noqa: PLR2004
        return True
    changes = len(_LETTERS_OR_DIGITS.findall(piece)) - 1
    if changes > 3 or (changes == 3 and len(piece) > 7):  # noqa: PLR2004
        return True
    if len(piece) < 10:  # noqa: PLR2004
        return False
    return _mean_run(piece) < 3.5 or _is_unspeakable(piece)  # noqa: PLR2004


def _mean_run(piece: str) -> float:
    return len(piece) / len(_RUNS.findall(piece))


def _is_unspeakable(piece: str) -> bool:
    """Tell random letters from words of a language, which have vowels and few of j, q, v, x and z."""
    letters = [letter for letter in piece.lower() if letter.isalpha()]
    if len(letters) < 10:  # noqa: PLR2004
        return False
    vowels = sum(letter in "aeiouy" for letter in letters) / len(letters)
    rare = sum(letter in "jqvxz" for letter in letters) / len(letters)
    return vowels < 0.2 or rare > 0.2 or _CONSONANTS.search(piece) is not None  # noqa: PLR2004


def _is_encoded(text: str) -> bool:
    """Tell base64 or base64url (RFC 4648) of readable text."""
    return any(_reads_as_text(found[0]) for found in _BASE64.finditer(text))


def _reads_as_text(piece: str) -> bool:
    if piece.isalpha() and piece.islower():
        return False
    standard = piece.replace("-", "+").replace("_", "/")
    usable = standard[: len(standard) - (len(standard) % 4 == 1)]
    try:
        text = base64.b64decode(usable + "=" * (-len(usable) % 4)).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return text.isprintable()


def _ascii_digits(text: str) -> str:
    """Digits of any script as 0 to 9: NFKC leaves most of them."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
