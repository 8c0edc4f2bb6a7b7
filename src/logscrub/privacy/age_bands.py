"""What an age, a band of ages or its upper end says of a person; whatever may mean under 13 makes a child.

Only bands with a lower end are read. The others need no reading: `<13`, `under 18`, `kids` and plain nonsense
all say the same, a child.
"""

import re

from logscrub.privacy.ages import (
    ADULT_YEARS,
    NOT_SENT_TEXTS,
    OLDEST_YEARS,
    Unclear,
    age_years,
    normalise,
)
from logscrub.privacy.evidence import Evidence

# Google Ads has AGE_RANGE_UNDETERMINED.
_NO_BAND = frozenset({"unknown", "undisclosed", "undetermined", "unspecified"})
# Minors and youths may be under 13; teens are 13 to 17 by convention (mod.io, Google age treatment).
_WORDS_OF_13 = frozenset({"teen", "teens", "teenager", "teenagers", "adult", "adults"})

_DASHES = dict.fromkeys(map(ord, "\u2010\u2012\u2013\u2014\u2015\u2212"), "-")

# One joiner at most, so that no minus sign passes for one: `age:-18`.
_PREFIX = re.compile(r"^(?:ages?|aged)(?:[ _-]?(?:range|group|band|bracket))?(?:: |[ _:-])?(?=[^ _:-])")
_LOW = r"0*(?P<low>[0-9]{1,3}(?:\.[0-9]+)?)"
_HIGH = r"0*(?P<high>[0-9]{1,3}(?:\.[0-9]+)?)"
_YEARS = r"(?:[ _-]?(?:years?|yrs?|yo)(?:[ _-]old)?)?"
_AND_MORE = r"(?: ?\+|[ _-]?plus|[ _-]up|(?:[ _-](?:and|or)[ _-]| ?& ?)(?:over|older|above|up))"

_RANGE = re.compile(rf"{_LOW}{_YEARS}(?: ?(?:-|\.\.\.?) ?|_|[ _-]to[ _-]){_HIGH}{_YEARS}")
_INTERVAL = re.compile(rf"[\[(] ?{_LOW} ?, ?(?:{_HIGH}|inf|\u221e)? ?[\])]")
_FROM = re.compile(rf"(?:>= ?|\u2265 ?|at[ _-]least[ _-])?{_LOW}{_YEARS}")
_AND_OVER = re.compile(rf"{_LOW}{_YEARS}{_AND_MORE}{_YEARS}")
_OVER = re.compile(rf"(?:> ?|over[ _-]?|above[ _-]?|older[ _-]than[ _-]){_LOW}{_YEARS}")


def age_evidence(text: str) -> Evidence:
    """Read an age in years (`age_years`): a child under 13 or where unreadable, nothing where not sent."""
    years = age_years(text)
    if years is Unclear.NOT_SENT:
        return Evidence.NOTHING
    return _of_lower_end(None if years is Unclear.UNREADABLE else years)


def band_evidence(text: str) -> Evidence:
    """Read a band of ages, as age gates, Play Age Signals and advertising reports write it.

    Args:
        text: `13-17` (any dash, `to`, `..`, `_`), `13+`, `65 plus`, `13 and over`, `>=13`, `at least 13`,
            `>12` or `over 12` (whole years, so 13 or more), `[13,18)`, a plain age, `teen` or `adult`; also
            with `age` before or `years` after.

    Returns:
        THIRTEEN where the lower end is 13 or more; NOTHING for `-`, `null`, an empty text, `unknown`,
        `undisclosed`, `undetermined` and `unspecified`; CHILD for any other text, such as one that straddles
        13, cannot be read, or goes beyond 120. `(12,18]` is CHILD: where ages have decimals it holds 12.5.
    """
    plain = normalise(text).translate(_DASHES)
    band = _PREFIX.sub("", plain)
    if plain in NOT_SENT_TEXTS or band in _NO_BAND:
        return Evidence.NOTHING
    if band in _WORDS_OF_13:
        return Evidence.THIRTEEN
    return _of_lower_end(_lower_end(band))


def upper_bound_evidence(text: str) -> Evidence:
    """Read the upper end of a band that was sent by itself (Play `ageUpper`, Apple `upperBound`), in years.

    Returns:
        CHILD up to 12 and where unreadable; NOTHING from 13 on, since the lower end may be any, or not sent.
    """
    return age_evidence(text) & Evidence.CHILD


def _of_lower_end(years: int | None) -> Evidence:
    return Evidence.CHILD if years is None or years < ADULT_YEARS else Evidence.THIRTEEN


def _lower_end(band: str) -> int | None:
    """Least age in whole years; None where a band cannot be read or cannot be."""
    if found := _RANGE.fullmatch(band):
        return _least(found["low"], found["high"])
    if found := _INTERVAL.fullmatch(band):
        empty = found["low"] == found["high"] and band[0] + band[-1] != "[]"
        return None if empty else _least(found["low"], found["high"])
    if found := _FROM.fullmatch(band) or _AND_OVER.fullmatch(band):
        return _least(found["low"])
    if found := _OVER.fullmatch(band):
        # Over 12 is 13 or more in whole years, but over 12.5 may be 12.9.
        return _least(str(int(found["low"]) + 1) if found["low"].isdecimal() else found["low"])
    return None


def _least(low: str, high: str | None = None) -> int | None:
    if not float(low) <= float(high or OLDEST_YEARS) <= OLDEST_YEARS:
        return None
    return int(low.partition(".")[0])
