"""What a JSON value stands for: alone, when a key is given twice, and when several keys say the same."""

import functools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from logscrub.formats.json_fields import FIRST, Kind, Slot, Step
from logscrub.formats.records import IDS
from logscrub.signals import BETWEEN_VALUES, UNREADABLE

LIST_MARKS = {"forwarded": ", ", "cookie": "; "}
"""Headers that may come several times, and what stands between them in one (RFC 9110, 5.3; RFC 6265, 4.2)."""

Value = str | float | None

_JOINING = (*IDS, "address", "user_agent")
_SURROGATE = re.compile("[\ud800-\udfff]")


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


def resolve(line: JsonObject, slots: Sequence[Slot]) -> list[Value]:
    """Give one value for each slot of a JSON object, whose keys may repeat, and a doubt about its person.

    The last value counts, as in most readers of JSON, but never hides a person: of several signals all count,
    with `BETWEEN_VALUES` between them; and when an id, an address or a user agent is given with different
    values, only one can join the record to its person, so the last value given back is unreadable, which
    counts as a child.
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
            result.append(BETWEEN_VALUES.join(sorted({str(value) for value in given})))
        else:
            result.append(given[-1] if given else None)
        if slot.field in _JOINING and len(set(given)) > 1:
            doubt = UNREADABLE
    return [*result, doubt]


@functools.lru_cache(maxsize=4096)
def slot_reader(slot: Slot) -> Callable[[Any], Value]:
    """Give what reads one JSON value of a slot."""
    return lambda value: canonical(slot.kind, value)


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
    if last and slot.field in LIST_MARKS:
        return (
            LIST_MARKS[slot.field].join(array) if all(isinstance(element, str) for element in array) else None
        )
    if last and slot.kind is Kind.SIGNAL and len(array) > 1:
        return array
    return array[0] if array else None


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
