"""What a JSON value stands for: alone, when a key is given twice, and when several keys say the same."""

import functools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

from logscrub.formats.json_fields import FIRST, Kind, Slot, Step
from logscrub.formats.records import IDS

UNREADABLE = "unreadable"
"""Text of a signal that was sent but says nothing that can be read; it counts as a child's."""

Value = str | float | None

_JOINING = (*IDS, "address", "user_agent")
_TRUE, _FALSE = {"true", "1", "1.0", "yes", "on"}, {"false", "0", "0.0", "no", "off"}
_AGE = re.compile(r"\d{1,3}(?:\.\d*)?")
_ADULT_AGE, _OLDEST = 13, 120  # 16 CFR 312.2
_FIRST_YEAR = 1900
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_US_PRIVACY = re.compile(r"\d[YN-]([YN-])[YN-]")
_SOLD = {"Y": "true", "N": "false", "-": None}


class JsonObject(dict[str, list[Any]]):
    """A JSON object: all values of each key, in their order."""

    @classmethod
    def of_pairs(cls, pairs: list[tuple[str, Any]]) -> "JsonObject":
        """Make an object of its keys and values, which may repeat."""
        result = cls()
        for key, value in pairs:
            result.setdefault(key, []).append(value)
        return result


def number_text(value: float) -> str:
    """Text of a JSON number in a signal: the shortest that reads as the same double."""
    return repr(value + 0.0)  # no negative zero


def canonical(kind: Kind, value: Any) -> Value:
    """Give what one JSON value stands for in a field of a kind; None where it counts as absent."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if value is None or kind is Kind.TEXT:
        return None
    if isinstance(value, bool):
        return str(value).lower() if kind is Kind.SIGNAL else None
    if not isinstance(value, int | float):
        return UNREADABLE if kind is Kind.SIGNAL else None
    if kind is Kind.ID:
        return str(value) if isinstance(value, int) else number_text(value)
    number = _double(value)
    return number_text(number) if kind is Kind.SIGNAL else number


def us_privacy_flag(text: str) -> str | None:
    """Opt-out that a US Privacy String tells, null where it does not apply.

    IAB Tech Lab, US Privacy String 1.0: version, notice given, opted out of sale, covered by the LSPA.
    """
    plain = text.strip().upper()
    if plain in {"", "-"}:
        return None
    found = _US_PRIVACY.fullmatch(plain)
    return _SOLD[found[1]] if found else UNREADABLE


def ad_tracking_flag(text: str) -> str | None:
    """Opt-out of a flag that says whether an app may track its user."""
    plain = text.strip().lower()
    if plain in {"", "-"}:
        return None
    if plain in _FALSE:
        return "true"
    return "false" if plain in _TRUE else UNREADABLE


OPT_OUT_OF = {"us_privacy": us_privacy_flag, "ad_tracking": ad_tracking_flag}
"""Signals that tell an opt-out in other words, and what reads their text."""


def resolve(line: JsonObject, slots: Sequence[Slot]) -> list[Value]:
    """Give one value for each slot of a JSON object, whose keys may repeat, and a doubt about its person.

    The last value counts, as in most readers of JSON, but never hides a person: of several signals the most
    child-like counts; and when an id, an address or a user agent is given with different values, only one
    can join the record to its person, so the last value given back is unreadable, which counts as a child.
    """
    result: list[Value] = []
    doubt = None
    for slot in slots:
        if slot.steps[0] not in line:  # most spellings of most paths
            result.append(None)
            continue
        read = slot_reader(slot)
        given = [found for value in _reach(line, slot.steps, slot) if (found := read(value)) is not None]
        if len(given) > 1 and slot.kind is Kind.SIGNAL:
            result.append(most_child_like(slot.field, {str(value) for value in given}))
        else:
            result.append(given[-1] if given else None)
        if slot.field in _JOINING and len(set(given)) > 1:
            doubt = UNREADABLE
    return [*result, doubt]


@functools.lru_cache(maxsize=4096)
def slot_reader(slot: Slot) -> Callable[[Any], Value]:
    """Give what reads one JSON value of a slot."""
    translate = OPT_OUT_OF.get(slot.field)
    if translate is None:
        return lambda value: canonical(slot.kind, value)

    def flag(value: Any) -> Value:
        text = canonical(slot.kind, value)
        return None if text is None else translate(str(text))

    return flag


def most_child_like(field: str, values: set[str]) -> str:
    """Of several values of a signal give the one that is most like a child's, or an unreadable one."""
    return _SIGNAL_ORDER[field](sorted(values))


def _reach(value: Any, steps: tuple[Step, ...], slot: Slot) -> Iterator[Any]:
    """Follow a path: a key that repeats leads to several values, one that is missing to none."""
    if not steps:
        yield value
    elif steps[0] == FIRST:
        inner = _element(value, slot, last=len(steps) == 1) if isinstance(value, list) else value
        yield from _reach(inner, steps[1:], slot)
    elif isinstance(value, JsonObject):
        for inner in value.get(str(steps[0]), ()):
            yield from _reach(inner, steps[1:], slot)


def _element(array: list[Any], slot: Slot, *, last: bool) -> Any:
    """Give the first element; but of a header that came several times no hop and no signal may be lost."""
    if last and slot.field == "forwarded":
        return ", ".join(array) if all(isinstance(element, str) for element in array) else None
    if last and slot.kind is Kind.SIGNAL and len(array) > 1:
        return array
    return array[0] if array else None


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _flag(values: list[str]) -> str:
    """Of several values of a flag: true before doubt before false."""
    plain = {value.strip().lower() for value in values}
    if said := plain.intersection(_TRUE):
        return min(said)
    return values[0] if len(plain) == 1 or plain.issubset(_FALSE) else UNREADABLE


def _age(values: list[str]) -> str:
    """Of several ages: the lowest under 13, before text such as a band, before the lowest of the others."""
    numbers = {text: float(text) for text in values if _AGE.fullmatch(text) and float(text) <= _OLDEST}
    others = [text for text in values if text not in numbers]
    lowest = min(numbers, key=lambda text: numbers[text], default=None)
    if lowest is not None and (not others or numbers[lowest] < _ADULT_AGE):
        return lowest
    return others[0] if len(others) == 1 else UNREADABLE


def _birth_date(values: list[str]) -> str:
    """Of several birth dates: the latest; only whole dates of ISO 8601 can be put in order."""
    return max(values) if len(values) == 1 or all(map(_is_birth_date, values)) else UNREADABLE


def _is_birth_date(text: str) -> bool:
    try:
        return bool(_ISO_DATE.fullmatch(text)) and date.fromisoformat(text).year >= _FIRST_YEAR
    except ValueError:
        return False


_SIGNAL_ORDER: dict[str, Callable[[list[str]], str]] = {
    "age": _age,
    "birth_date": _birth_date,
    "child": _flag,
    "coppa": _flag,
    "opt_out": _flag,
    **dict.fromkeys(OPT_OUT_OF, _flag),
}
