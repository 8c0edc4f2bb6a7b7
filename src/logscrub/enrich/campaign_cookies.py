"""Campaigns that a site has stored in a visitor's cookies: `__utmz` of Google's older analytics."""

from collections.abc import Callable
from typing import Final
from urllib.parse import unquote_plus

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.enrich.campaigns import Campaign, completed, tidy_value

# Hash of the domain, time, number of visits, number of campaigns, then fields with | between them, as in
# https://developers.google.com/analytics/devguides/collection/gajs/cookie-usage
_UTMZ: Final = r'(?i)(?:^|[;\s+])__?utmz="?\d+\.\d+\.\d+\.\d+\.(?P<fields>[^;"]*)'
_NEVER_READ: Final = r"(?i)utm(?:ctr|cct)=[^|]*"  # what was searched for, and parts of pages
_ID: Final = r"(?i)(utm[gd]clid)=[^|]+"

_PARTS: Final = {"utmcsr": 0, "utmcmd": 1, "utmccn": 2}
_CLICK_IDS: Final = {"utmgclid": "gclid", "utmdclid": "dclid"}
_NO_CAMPAIGN: Final = frozenset({"(direct)", "(organic)", "(referral)"})
_NOT_GIVEN: Final = frozenset({"(not set)", "(none)", "(not provided)"})


def stored_campaigns(
    distinct_cookies: pa.StringArray, may_identify: Callable[[str], bool]
) -> tuple[npt.NDArray[np.int32], list[Campaign]]:
    """Find the campaigns that distinct Cookie headers hold.

    The cookie is sent with every request of the visitor, for months after the campaign. So it tells what a
    visit without a campaign of its own goes back to, and must never begin one.

    Args:
        distinct_cookies: headers, unescaped (`name=value; name=value`).
        may_identify: whether a decoded value may name a person.

    Returns:
        For each header a place in the campaigns found, or -1, and these campaigns, all different. The first
        cookie `__utmz` or `_utmz` counts: utmcsr, utmcmd and utmccn are source, medium and name, where a
        click id is stored google/cpc is what they do not give. A visit that came directly, from a search or
        by a referral has no campaign. The words searched for (utmctr) are cut out before anything is read.
    """
    nowhere = np.full(len(distinct_cookies), -1, dtype=np.int32)
    rows = pc.indices_nonzero(pc.match_substring(distinct_cookies, "utmz=", ignore_case=True))
    if not len(rows):
        return nowhere, []
    fields = pc.struct_field(pc.extract_regex(distinct_cookies.take(rows), _UTMZ), "fields")
    fields = pc.replace_substring_regex(pc.replace_substring_regex(fields, _NEVER_READ, ""), _ID, r"\1=1")
    fields = fields.dictionary_encode()
    answers = [_stored(text, may_identify) for text in fields.dictionary.to_pylist()]
    found = list(dict.fromkeys(answer for answer in answers if answer))
    number = {campaign: n for n, campaign in enumerate(found)}
    place = np.array([number[answer] if answer else -1 for answer in answers] + [-1], dtype=np.int32)
    nowhere[rows.to_numpy()] = place[fields.indices.fill_null(len(answers)).to_numpy()]
    return nowhere, found


def _stored(fields: str, may_identify: Callable[[str], bool]) -> Campaign | None:
    values: dict[int, str] = {}
    click_id = None
    for field in fields.split("|"):
        name, _, value = field.partition("=")
        name, word = name.strip().lower(), unquote_plus(value).strip().lower()
        if name == "utmccn" and word in _NO_CAMPAIGN:
            return None
        if name in _PARTS and word not in _NOT_GIVEN and not values.get(_PARTS[name]):
            values[_PARTS[name]] = tidy_value(value, may_identify)
        elif value and name in _CLICK_IDS:
            click_id = click_id or _CLICK_IDS[name]
    return completed(values, click_id)
