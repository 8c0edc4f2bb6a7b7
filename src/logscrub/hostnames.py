"""Host names as logs write them, in one spelling."""

import re

import idna

_MAX_LENGTH = 253
_PORT = re.compile(r":[0-9]*$")
# Names of services and many hosts below a domain have underscores, though RFC 1123 knows none.
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_HEX = re.compile(r"0x[0-9a-f]*")


def dns_name(text: str) -> str | None:
    """Lower-case ASCII (IDNA) form of a DNS name, without port and trailing dot.

    None for an address in any spelling (WHATWG URL, "ends in a number checker") and for what is no name:
    labels of letters, digits, `-` and `_`, 253 characters in all (RFC 1123 section 2.1).
    """
    name = _PORT.sub("", text.strip()).lower().removesuffix(".")
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return None
    labels = name.split(".")
    if len(name) > _MAX_LENGTH or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    return None if labels[-1].isdigit() or _HEX.fullmatch(labels[-1]) else name
