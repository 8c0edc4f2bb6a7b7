"""The last look at strings before they are released: personal data that came through all the same.

The gate shares no code with what made the strings, so that a hole there is not a hole here. It sees distinct
released values, decodes them in every way it knows and names the first detector that hits. It never says
which value, and it never raises.
"""

import base64
import binascii
import functools
import html
import ipaddress
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Final
from urllib.parse import unquote

_MAX_VARIANTS: Final = 32
_MAX_DEPTH: Final = 4

_ESCAPE = re.compile(r"(?:%u|\\u)([0-9a-f]{4})|\\x([0-9a-f]{2})", re.IGNORECASE)
_LEAST_ENCODED = 8  # the shortest address of e-mail in base64; what is shorter decodes by chance
_ENCODED = re.compile(rf"[A-Za-z0-9+/_-]{{{_LEAST_ENCODED},}}={{0,2}}")
_PUNYCODE = re.compile(r"(?<![a-z0-9])xn--[a-z0-9-]+", re.IGNORECASE)
_DATE_TIME = re.compile(
    r"(?<![0-9])(?:19|20)[0-9]{2}([-_./]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12][0-9]|3[01])"
    r"(?:[T _-][0-9]{2}[:.-]?[0-9]{2}(?:[:.-]?[0-9]{2})?)?(?![0-9])"
)

_EMAIL = re.compile(
    r"[^\s/@]@[^\s/@]|[\w.+-]\s*[(\[{]\s*at\s*[)\]}]\s*\w|\w[ _-]at[ _-]\w[\w-]*[ _-]dot[ _-]\w",
    re.IGNORECASE,
)
_IPV4 = re.compile(
    r"(?<![0-9a-z])(?:0x[0-9a-f]{1,2}|[0-9]{1,4})(?:\.(?:0x[0-9a-f]{1,2}|[0-9]{1,4})){3}(?![0-9a-z])"
    r"|(?<![0-9])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?!\.?[0-9])"
    r"|(?<![0-9a-z])0x[0-9a-f]{7,8}(?![0-9a-z])",
    re.IGNORECASE,
)
_IPV4_DASHED = re.compile(r"(?<![0-9])([0-9]{1,3})[-_]([0-9]{1,3})[-_]([0-9]{1,3})[-_]([0-9]{1,3})(?![0-9])")
_IPV6 = re.compile(r"(?<![0-9a-z:])[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*(?![0-9a-z])", re.IGNORECASE)
_NIBBLES = re.compile(r"(?<![0-9a-z])(?:[0-9a-f]\.){8,}", re.IGNORECASE)
_MAC = re.compile(r"(?<![0-9a-z])(?:[0-9a-f]{2}([:._-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}(?![0-9a-z])", re.I)
_UUID = re.compile(r"(?<![0-9a-z])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-z])", re.IGNORECASE)
_JWT = re.compile(r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{5,}")
_NUMBER = re.compile(r"(?<![0-9])[0-9](?:[ ._\-\u2010-\u2015]?[0-9])*(?![0-9])")
_PHONE = re.compile(
    r"\+[0-9][0-9 ().-]{5,}[0-9]"
    r"|(?<![0-9])\(?[0-9]{3}\)?[-. _]{1,2}[0-9]{3}[-. _][0-9]{4}(?![0-9])"
    r"|(?<![0-9])\(?0[0-9]{1,5}\)?(?:[-. _/][0-9]{2,8}){1,5}(?![0-9])"
)
_SSN = re.compile(
    r"(?<![0-9])(?!000|666|9)[0-9]{3}([-. _]?)(?!00)[0-9]{2}\1(?!0000)[0-9]{4}(?![0-9])"  # SSA, 42 USC 405
)
_NINO = re.compile(
    r"(?<![0-9a-z])[abceghj-prstw-z][abceghj-nprstw-z][-. _]?(?:[0-9]{2}[-. _]?){3}[a-d](?![0-9a-z])", re.I
)
_CODICE_FISCALE = re.compile(
    r"(?<![0-9a-z])[a-z]{6}[0-9]{2}[a-z][0-9]{2}[a-z][0-9]{3}[a-z](?![0-9a-z])", re.I
)
_DNI = re.compile(r"(?<![0-9a-z])([0-9]{8})-?([a-z])(?![0-9a-z])", re.IGNORECASE)
_CPF = re.compile(r"(?<![0-9])[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}(?![0-9])")
_IBAN = re.compile(r"(?<![0-9a-z])[a-z]{2}[0-9]{2}(?:[ _.-]?[0-9a-z]){11,30}", re.IGNORECASE)
_HASH = re.compile(r"(?<![0-9a-z])[0-9a-f]{16,}(?![0-9a-z])", re.IGNORECASE)
_PIECE = re.compile(r"[A-Za-z0-9]{16,}")
_RUNS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"


@functools.lru_cache(maxsize=50_000)  # tables show the same paths and hosts
def scan(value: str) -> str | None:
    """Look for personal data in one released string, also behind encodings.

    Percent-encoding, character references, `%u` and JavaScript escapes, compatibility forms, invisible
    characters, digits of other scripts and base64 are undone, nested too.

    Args:
        value: any string, well-formed or not.

    Returns:
        Name of the first detector that hits: email, jwt, uuid, iban, national_id, card, address, phone, hash
        or entropy; None when there is none. Never raises.
    """
    for text in _variants(value):
        for name, detector in _DETECTORS:
            if detector(text):
                return name
    return None


def scan_values(distinct: Iterable[str | None]) -> dict[int, str]:
    """Scan distinct values; returns the detector by the index of the value, for those that hit."""
    found = ((index, scan(value)) for index, value in enumerate(distinct) if value)
    return {index: detector for index, detector in found if detector is not None}


def _variants(value: str) -> Iterator[str]:
    """Yield the value and what its decodings give, breadth first, each once, up to a limit."""
    seen = {value}
    level = [value]
    for _ in range(_MAX_DEPTH):
        yield from level
        decoded = dict.fromkeys(text for source in level for text in _decodings(source))
        level = [text for text in decoded if text not in seen][: _MAX_VARIANTS - len(seen)]
        if not level:
            return
        seen.update(level)
    yield from level


def _decodings(text: str) -> Iterator[str]:
    yield unquote(text, errors="replace")
    yield html.unescape(text)
    yield _ESCAPE.sub(lambda escape: chr(int(escape[1] or escape[2], 16)), text)
    if not text.isascii() or not text.isprintable():
        yield unicodedata.normalize("NFKC", text)
        yield "".join(_plain(character) for character in text)
    for found in _ENCODED.finditer(text):
        pieces = {piece for piece in (found[0], *found[0].split("/")) if len(piece) >= _LEAST_ENCODED}
        yield from (decoded for piece in pieces if (decoded := _from_base64(piece)))


def _plain(character: str) -> str:
    """Turn a digit of any script into 0 to 9; drop control and format characters, which hide the rest."""
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    return "" if unicodedata.category(character) in {"Cc", "Cf"} else character


def _from_base64(piece: str) -> str | None:
    letters = piece.rstrip("=").replace("-", "+").replace("_", "/")
    usable = letters[: len(letters) - (len(letters) % 4 == 1)]
    try:
        text = base64.b64decode(usable + "=" * (-len(usable) % 4)).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return text if text.isprintable() else None


def _has_address(text: str) -> bool:
    if _IPV4.search(text) or _NIBBLES.search(text) or _MAC.search(text):
        return True
    if any(_is_dashed_address(found) for found in _IPV4_DASHED.finditer(text)):
        return True
    return any(_is_ipv6(found[0]) for found in _IPV6.finditer(text))


def _is_dashed_address(found: re.Match[str]) -> bool:
    # Fewer digits are as likely a numbered list: part-1-2-3-4.
    return all(int(part) < 256 for part in found.groups()) and len(found[0]) > 10  # noqa: PLR2004


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return text != "::"


def _numbers(text: str) -> Iterator[str]:
    """Digits of each number, separators removed; dates and times are none."""
    for found in _NUMBER.finditer(_DATE_TIME.sub(" ", text)):
        yield re.sub(r"[^0-9]", "", found[0])


def _has_card(text: str) -> bool:
    return any(13 <= len(number) <= 19 and _luhn(number) for number in _numbers(text))  # noqa: PLR2004 - ISO/IEC 7812


def _luhn(number: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (sum(map(int, number[-1::-2])) + sum(doubled)) % 10 == 0


def _has_national_id(text: str) -> bool:
    dateless = _DATE_TIME.sub(" ", text)
    if any(pattern.search(dateless) for pattern in (_SSN, _NINO, _CODICE_FISCALE, _CPF)):
        return True
    return any(_DNI_LETTERS[int(dni[1]) % 23] == dni[2].upper() for dni in _DNI.finditer(dateless))


def _has_iban(text: str) -> bool:
    return any(_is_iban(re.sub(r"[^0-9A-Za-z]", "", found[0]).upper()) for found in _IBAN.finditer(text))


def _is_iban(text: str) -> bool:
    """ISO 13616: country and check digits moved to the end, letters as 10 to 35, remainder 1 of 97."""
    number = "".join(str(int(character, 36)) for character in text[4:] + text[:4])
    return int(number) % 97 == 1


def _has_phone(text: str) -> bool:
    dateless = _DATE_TIME.sub(" ", text)
    # Ten digits in a row are a phone number, an address as one number, a time stamp or an id.
    if re.search(r"[0-9]{10,}", dateless):
        return True
    return any(sum(map(str.isdigit, found[0])) >= 8 for found in _PHONE.finditer(dateless))  # noqa: PLR2004


def _has_entropy(text: str) -> bool:
    """Find machine-made strings: quick changes between upper case, lower case and digits."""
    return any(_is_random(piece) for piece in _PIECE.findall(_PUNYCODE.sub(" ", text)))


def _is_random(piece: str) -> bool:
    runs = _RUNS.findall(piece)
    return len(piece) / len(runs) < 3.5 or sum(run.isdigit() for run in runs) > 2  # noqa: PLR2004


_DETECTORS: Final[tuple[tuple[str, Callable[[str], object]], ...]] = (
    ("email", _EMAIL.search),
    ("jwt", _JWT.search),
    ("uuid", _UUID.search),
    ("iban", _has_iban),
    ("national_id", _has_national_id),
    ("card", _has_card),
    ("address", _has_address),
    ("phone", _has_phone),
    ("hash", _HASH.search),
    ("entropy", _has_entropy),
)
