"""The language that a person prefers: primary language subtags of BCP 47, from a closed vocabulary only."""

import functools
import re
from collections.abc import Iterable, Mapping

from logscrub import schemas
from logscrub.schemas import UNKNOWN

_LONGEST = 1_000  # browsers send up to some 200 characters

# RFC 5646 section 2.1, as loosely as systems write it: `en_GB`, `zh_TW_#Hant` (Java), `en_GB.UTF-8` (POSIX).
_TAG = re.compile(r"(?P<primary>[A-Za-z]{2,8})(?:[-_]#?[A-Za-z0-9]{1,8})*(?:[.@][A-Za-z0-9_.@=-]*)?")
# RFC 9110 section 12.4.2; some clients write more than three decimals.
_WEIGHT = re.compile(r"[qQ]\s*=\s*(?P<weight>0?\.[0-9]{1,9}|[01](?:\.[0-9]{0,9})?)")


def primary_languages(distinct: Iterable[str]) -> list[str]:
    """Find the language that each distinct value prefers.

    Args:
        distinct: values of Accept-Language (RFC 9110 section 12.5.4), or single tags as apps send them.

    Returns:
        Primary language subtag of the range with the highest weight, the first of equals, in lower case and
        by its preferred name (`iw` is `he`). Ranges of weight 0, the wildcard and what is no range are passed
        over. `(unknown)` without a range, or where the preferred one is not in the vocabulary: the second
        choice of somebody is not what they speak.
    """
    return [_language(value) for value in distinct]


def _language(value: str) -> str:
    if len(value) > _LONGEST:
        return UNKNOWN
    best, best_weight = None, 0.0
    for item in value.split(","):
        text, *parameters = (part.strip() for part in item.split(";"))
        tag, weight = _TAG.fullmatch(text), _weight(parameters)
        if tag is not None and weight > best_weight:
            best, best_weight = tag["primary"].lower(), weight
    if best is None:
        return UNKNOWN
    language = _preferred().get(best, best)
    return language if language in schemas.vocabulary_names("languages") else UNKNOWN


def _weight(parameters: list[str]) -> float:
    """Weight of a range, 0 where it cannot be read."""
    if not parameters:
        return 1.0
    weight = _WEIGHT.fullmatch(parameters[0]) if len(parameters) == 1 else None
    number = float(weight["weight"]) if weight else 0.0
    return number if number <= 1 else 0.0


@functools.cache
def _preferred() -> Mapping[str, str]:
    preferred: Mapping[str, str] = schemas.vocabulary("languages")["preferred"]
    return preferred
