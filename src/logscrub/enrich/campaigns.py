"""Campaigns of request targets: the parameters utm_source, utm_medium and utm_campaign, no other."""

import unicodedata
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote_plus

import pyarrow as pa
import pyarrow.compute as pc

from logscrub.schemas import RESERVED, UNKNOWN

Campaign = tuple[str, str, str]
"""Source, medium and name of a campaign, each `(unknown)` where it is not given or not fit for release."""

LONGEST_VALUE: Final = 60
_LONGEST_READ = 1_000  # percent-encoding writes up to 12 characters for one

_PARTS: Final = ("utm_source", "utm_medium", "utm_campaign")


def campaigns(distinct_targets: pa.StringArray, may_identify: Callable[[str], bool]) -> list[Campaign | None]:
    """Find the campaign of each distinct request target.

    Args:
        distinct_targets: string array of paths with query or whole URLs, undecoded; null is none.
        may_identify: whether a decoded value may name a person; mailers put ids and addresses there.

    Returns:
        Source, medium and campaign of each target, None where it gives none of the three. The query is read
        as the URL standard reads forms (section 5.1: `&` separates, `+` is a space) up to the `#`; names are
        case-blind and the first value that is not blank counts. A value is in NFKC and lower case with
        single spaces, and `(unknown)` where it has over 60 characters, one that does not print, bytes that
        are not UTF-8, is a reserved word, has no letter or digit, or may identify.
    """
    found: list[Campaign | None] = [None] * len(distinct_targets)
    candidates = pc.fill_null(pc.match_substring(distinct_targets, "utm_", ignore_case=True), False)
    positions = pc.indices_nonzero(candidates)
    targets = distinct_targets.take(positions).to_pylist()
    for position, target in zip(positions.to_pylist(), targets, strict=True):
        found[position] = _campaign(target, may_identify)
    return found


def _campaign(target: str, may_identify: Callable[[str], bool]) -> Campaign | None:
    query = target.partition("#")[0].partition("?")[2]
    values: dict[str, str] = {}
    for field in query.split("&"):
        name, _, value = field.partition("=")
        part = name.lower()
        if part in _PARTS and not values.get(part):
            values[part] = _tidy(value, may_identify)
    if not any(values.values()):
        return None
    source, medium, campaign = (values.get(part) or UNKNOWN for part in _PARTS)
    return source, medium, campaign


def _tidy(value: str, may_identify: Callable[[str], bool]) -> str:
    """Value fit for release, `(unknown)` where there is none, empty for a blank one."""
    if len(value) > _LONGEST_READ:
        return UNKNOWN
    decoded = unquote_plus(value)  # what is not UTF-8 becomes U+FFFD
    plain = unicodedata.normalize("NFKC", decoded)
    folded = unicodedata.normalize("NFKC", plain.lower())
    if not folded.isprintable() or "\N{REPLACEMENT CHARACTER}" in folded:
        return UNKNOWN
    text = " ".join(folded.split())
    # Tokens tell themselves by their capitals, so what is tried is the value as it was written.
    written = " ".join(plain.split())
    wordless = not any(map(str.isalnum, text))  # a star stands for what is folded
    unfit = len(text) > LONGEST_VALUE or text in RESERVED or wordless or may_identify(written)
    return UNKNOWN if text and unfit else text
