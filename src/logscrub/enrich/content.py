"""What was asked for: the class of a file by its ending, names of events, and searches on the own site."""

import functools
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logscrub import schemas
from logscrub.schemas import RESERVED, UNKNOWN

PAGE: Final = "page"
SITE_SEARCH: Final = "site_search"
"""Name of the event that a page view with a search in its query counts as."""

LONGEST_EVENT: Final = 40
_LONGEST_READ = 200
_EVENT = re.compile(r"[a-z][a-z0-9]*(?:[ _.:/-][a-z0-9]+)*")
# The parameters that Matomo takes for a site search by default; the words behind them are never read.
_SEARCH = (
    r"(?i)[?&](?:q|query|s|search|searchword|search_query|searchterm|k|keyword|keywords)"
    r"=(?:\+|%20)*(?:[^&#+%]|%[^2]|%2[^0])"
)


def content_classes(distinct_paths: Iterable[str]) -> list[str]:
    """Name the class of each distinct path by the ending of its file.

    Args:
        distinct_paths: paths without query, undecoded.

    Returns:
        A class of the vocabulary `content`; what has no ending of any is a page.
    """
    return [_class(path) for path in distinct_paths]


def event_names(distinct: Iterable[str], may_identify: Callable[[str], bool]) -> list[str]:
    """Tidy the name of each distinct event; names are open words of apps, which only k supporters release.

    Args:
        distinct: names as apps send them.
        may_identify: whether a text may name a person.

    Returns:
        The name in NFKC and lower case, blanks as `_`; `(unknown)` where it is no name of letters and digits,
        has over 40 characters or may identify.
    """
    return [_event(name, may_identify) for name in distinct]


def searches(distinct_targets: pa.StringArray) -> npt.NDArray[np.bool_]:
    """Tell which distinct targets have a parameter in which sites search themselves, and a word in it."""
    found: npt.NDArray[np.bool_] = (
        pc.match_substring_regex(distinct_targets, _SEARCH).fill_null(False).to_numpy(zero_copy_only=False)
    )
    return found


def _class(path: str) -> str:
    file = unquote(path.rpartition("/")[2].partition(";")[0]).lower()
    stem, _, ending = file.rpartition(".")
    return _endings().get(ending, PAGE) if stem else PAGE


def _event(name: str, may_identify: Callable[[str], bool]) -> str:
    if len(name) > _LONGEST_READ:
        return UNKNOWN
    plain = " ".join(unicodedata.normalize("NFKC", name).split())
    text = plain.lower()
    unfit = len(text) > LONGEST_EVENT or not _EVENT.fullmatch(text) or text in RESERVED or may_identify(plain)
    return UNKNOWN if unfit else text.replace(" ", "_")


@functools.cache
def _endings() -> Mapping[str, str]:
    names = schemas.vocabulary("content")["names"]
    return {ending: name for name, endings in names.items() for ending in endings}
