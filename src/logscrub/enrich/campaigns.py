"""Campaigns of request targets: parameters of UTM and Matomo, and that a click id is there; no other."""

import functools
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import unquote_plus

import pyarrow as pa
import pyarrow.compute as pc

from logscrub.schemas import RESERVED, UNKNOWN, reference

Campaign = tuple[str, str, str]
"""Source, medium and name of a campaign, each `(unknown)` where it is not given or not fit for release."""

LONGEST_VALUE: Final = 60
_LONGEST_READ = 1_000  # percent-encoding writes up to 12 characters for one

# https://matomo.org/faq/reports/what-is-campaign-tracking-and-why-it-is-important/
_PARTS: Final = {
    **{f"{family}_source": 0 for family in ("utm", "mtm", "pk")},
    **{f"{family}_medium": 1 for family in ("utm", "mtm", "pk")},
    **{f"{family}_campaign": 2 for family in ("utm", "mtm", "pk", "piwik")},
}


def campaigns(distinct_targets: pa.StringArray, may_identify: Callable[[str], bool]) -> list[Campaign | None]:
    """Find the campaign of each distinct request target.

    Args:
        distinct_targets: string array of paths with query or whole URLs, undecoded; null is none.
        may_identify: whether a decoded value may name a person; mailers put ids and addresses there.

    Returns:
        Source, medium and campaign of each target, None where it gives none of the three. They are the
        parameters utm_source, utm_medium and utm_campaign, or those of Matomo that begin with mtm_ and pk_
        (piwik_campaign too). A part that none of them gives is what schemas/click_ids.json says of a click
        id that is there, whose value is not looked at. The query is read as the URL standard reads forms
        (section 5.1: `&` separates, `+` is a space) up to the `#`; names are case-blind and the first value
        that is not blank counts. Values are those of `tidy_value`.
    """
    found: list[Campaign | None] = [None] * len(distinct_targets)
    candidates = pc.fill_null(pc.match_substring_regex(distinct_targets, _any_parameter()), False)
    positions = pc.indices_nonzero(candidates)
    targets = distinct_targets.take(positions).to_pylist()
    for position, target in zip(positions.to_pylist(), targets, strict=True):
        found[position] = _campaign(target, may_identify)
    return found


def tidy_value(value: str, may_identify: Callable[[str], bool]) -> str:
    """Make a value fit for release.

    Args:
        value: a value of a campaign as it stands in a URL, percent-encoded, `+` for a space.
        may_identify: whether a decoded value may name a person.

    Returns:
        The value in NFKC and lower case with single spaces; empty for a blank one; `(unknown)` where it has
        over 60 characters, one that does not print, bytes that are not UTF-8, is a reserved word, has no
        letter or digit, or may identify.
    """
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


def completed(values: Mapping[int, str], click_id: str | None) -> Campaign | None:
    """Make a campaign of the parts that are given, and of a click id for the others.

    Args:
        values: source (0), medium (1) and name (2), as far as they are given; empty is not given.
        click_id: lower-case name of a parameter of schemas/click_ids.json, or None.
    """
    if click_id is None and not any(values.values()):
        return None
    of_click = click_ids()[click_id] if click_id else (UNKNOWN, UNKNOWN)
    source, medium, name = (values.get(n) or part for n, part in enumerate((*of_click, UNKNOWN)))
    return source, medium, name


@functools.cache
def click_ids() -> Mapping[str, tuple[str, str]]:
    """Source and medium by the lower-case name of a click id, in the order in which they count."""
    listed = reference("click_ids")["parameters"]
    return {name.lower(): (source, medium) for name, (source, medium) in listed.items()}


def _campaign(target: str, may_identify: Callable[[str], bool]) -> Campaign | None:
    query = target.partition("#")[0].partition("?")[2]
    values: dict[int, str] = {}
    clicked: set[str] = set()
    for field in query.split("&"):
        name, _, value = field.partition("=")
        name = name.lower()
        part = _PARTS.get(name)
        if part is not None and not values.get(part):
            values[part] = tidy_value(value, may_identify)
        elif value:
            clicked.add(name)
    return completed(values, next((name for name in click_ids() if name in clicked), None))


@functools.cache
def _any_parameter() -> str:
    # One search of all targets; what it finds in vain costs time only.
    return rf"(?i)[?&](?:{'|'.join((*_PARTS, *click_ids()))})="
