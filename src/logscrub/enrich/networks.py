"""How people are connected: the kind of connection from a closed list, and the name of the carrier."""

import functools
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

from logscrub import schemas
from logscrub.schemas import RESERVED, UNKNOWN

LONGEST_CARRIER: Final = 40
_LONGEST_READ = 200  # what is longer by far is not even normalised

_NO_NAME = frozenset({"unknown", "undefined", "null", "(null)", "nil", "none", "n/a", "na"}) | RESERVED
_MARKS = frozenset(" &.,-+'()/")
_CODES = re.compile(r"(?P<country>[2-7][0-9]{2})[-_ /.,:]?(?P<network>[0-9]{2,3})")
_WRITTEN_AS_FLOAT = re.compile(r"[0-9]\.0")


def connection_types(distinct: Iterable[str]) -> list[str]:
    """Name the kind of each distinct connection.

    Args:
        distinct: words in any spelling (`Wi-Fi`, `4G LTE`), or numbers of OpenRTB 2.6
            device.connectiontype.

    Returns:
        `wifi`, `cellular`, `wired` or `satellite`, else `(unknown)`.
    """
    return [_connection(value) for value in distinct]


def carrier_names(distinct: Iterable[str]) -> list[str]:
    """Tidy the name of each distinct carrier; names are free text, which only k supporters release.

    Args:
        distinct: names as apps send them, or the country and network codes of ITU-T E.212 (`310-410`), as
            OpenRTB 2.6 device.carrier and device.mccmnc.

    Returns:
        The name in NFKC with single spaces; `(unknown)` where it has over 40 characters, no letter, a
        character that names of companies do without, or says that there is none. Codes give the name that
        the vocabulary has for them, else `(unknown)`.
    """
    return [_carrier(value) for value in distinct]


def _connection(value: str) -> str:
    if len(value) > _LONGEST_READ:
        return UNKNOWN
    text = value.strip().lower()
    if _WRITTEN_AS_FLOAT.fullmatch(text):
        text = text[0]
    word = re.sub(r"[^a-z0-9]", "", text)
    # "-2" and "#2" are no numbers of the list.
    return UNKNOWN if word.isdigit() and word != text else _spellings().get(word, UNKNOWN)


def _carrier(value: str) -> str:
    if len(value) > _LONGEST_READ:
        return UNKNOWN
    name = " ".join(unicodedata.normalize("NFKC", value).split())
    if len(name) > LONGEST_CARRIER or name.lower() in _NO_NAME:
        return UNKNOWN
    if codes := _CODES.fullmatch(name):
        return _operators().get(codes["country"] + codes["network"], UNKNOWN)
    kinds = [unicodedata.category(letter) for letter in name if letter not in _MARKS]
    # Many scripts write vowels as marks.
    is_name = all(kind[0] in "LM" or kind == "Nd" for kind in kinds) and any(kind[0] == "L" for kind in kinds)
    return name if is_name else UNKNOWN


@functools.cache
def _spellings() -> Mapping[str, str]:
    names = schemas.vocabulary("connections")["names"]
    return {spelling: name for name, spellings in names.items() for spelling in spellings}


@functools.cache
def _operators() -> Mapping[str, str]:
    names = schemas.vocabulary("carriers")["names"]
    return {code: name for name, codes in names.items() for code in codes}
