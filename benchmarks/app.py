"""The shop's app: JSON-lines events, and the families whose children use it.

Of every visit the first event names the device and the session, later ones name what they please. So whoever
follows the identifiers finds all records of a child, and whoever reads the flags alone finds a few.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple

from benchmarks.people import PHONES, Dice, Person, Town, Weighted
from benchmarks.shop import APP, CATEGORIES, PRODUCTS, WORDS

NO_ADVERTISING_ID = "00000000-0000-0000-0000-000000000000"
SINGLE_CHILDREN, SIBLINGS, CHAINS = 15, 3, 2
CARRIERS = Weighted((("Example Mobile", 6), ("Sample Wireless", 4), ("Test Telecom", 2)))
_VERSIONS = ("4.0.2", "4.1.0", "4.1.1")
# One moment in each of the spellings that apps send.
_RFC3339, _OFFSET, _SECONDS, _MILLISECONDS, _FRACTION = range(5)


class Event(NamedTuple):
    """One line of the app's log: when (milliseconds since 1970), whose, and what it says."""

    time: int
    who: int
    record: dict[str, Any]

    def text(self) -> str:
        """Return the line without its end."""
        return json.dumps(self.record, separators=(",", ":"), ensure_ascii=False)


def families(town: Town) -> list[Person]:
    """Return the children of the app, and the parents whose devices are joined to theirs.

    15 children have a device each. In three pairs of siblings, who share a tablet, only the first is ever
    flagged. In two chains a flagged child has a session in common with an unflagged one, who is signed in as
    a parent, on whose own phone nothing tells of children.
    """
    people = [town.meet("child", PHONES) for _ in range(SINGLE_CHILDREN)]
    people[0].device_id, people[0].user_id = NO_ADVERTISING_ID, "family-1"
    for child in people:
        child.flagged = True
    for _ in range(SIBLINGS):
        first = town.meet("child", PHONES)
        second = town.meet("child", PHONES, home=first)
        first.flagged, second.device_id = True, first.device_id
        people += [first, second]
    for _ in range(CHAINS):
        first = town.meet("child", PHONES)
        second = town.meet("child", PHONES, home=first)
        parent = town.meet("kin", PHONES, home=first)
        first.flagged = True
        first.session_id = second.session_id = f"s-{town.dice.hex(16)}"
        second.user_id = parent.user_id = f"customer-{town.dice.between(10_000, 99_999)}"
        people += [first, second, parent]
    return people


def grown_ups(town: Town, count: int, opt_outs: int) -> list[Person]:
    """Return `count` grown-ups with the app, `opt_outs` of them opted out; some hide their advertising id."""
    people = [town.meet("adult", PHONES) for _ in range(count)]
    for number, person in enumerate(people):
        if number < opt_outs:
            person.role, person.flagged = "opt_out", True
        elif number < opt_outs + 24:
            person.device_id, person.user_id = NO_ADVERTISING_ID, None
    return people


def _flag(dice: Dice, person: Person) -> dict[str, Any]:
    """Return how one record tells that this person is a child or has opted out."""
    if person.role == "opt_out":
        return {"opt_out": dice.pick((True, True, 1))}
    age = 9 + person.number % 4
    month = (1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12)[person.number % 11]  # no birthdays during the sample
    birth_date = f"{2026 - age - (month > 3)}-{month:02d}-{1 + person.number % 28:02d}"
    return dice.pick(
        ({"child": True}, {"age": age}, {"birth_date": birth_date}, {"coppa": 1}, {"child": "true"})
    )


def _told_age(dice: Dice, person: Person) -> dict[str, Any]:
    """Return what a grown-up tells of an age, which is mostly nothing."""
    if person.role != "adult" or person.number % 6 or not dice.chance(0.3):
        return {}
    age = 13 + person.number % 60
    return dice.pick(({"age": age}, {"birth_date": f"{2025 - age}-05-17"}, {"child": False}, {"coppa": 0}))


def _doing(dice: Dice, count: int) -> Iterator[dict[str, Any]]:
    """Give what is done in a visit of `count` records: plain requests, page views, and other events."""
    yield {"event": "app_open"}
    for _ in range(count - 1):
        throw = dice.between(1, 100)
        product = dice.draw(PRODUCTS)
        path = product if throw % 3 else dice.draw(CATEGORIES)
        if throw <= 45:
            yield {"event": "page_view", "path": path, "duration_ms": dice.between(20, 900)}
        elif throw <= 80:
            status = dice.pick((200, 200, 200, 200, 200, 304, 404))
            yield {
                "method": "GET",
                "path": f"/api/v2{path}?q={dice.draw(WORDS)}" if throw % 5 == 0 else path,
                "status": status,
                "bytes": 0 if status == 304 else dice.between(300, 9_000),
                "duration_ms": dice.between(40, 1_400) / 4,
            }
        elif throw <= 93:
            yield {
                "event": "add_to_cart",
                "method": "POST",
                "path": "/cart",
                "status": 303,
                "sku": product[-6:],
            }
        elif throw <= 97:
            yield {"event": "purchase", "method": "POST", "url": f"https://{APP}/checkout", "status": 303}
        else:
            yield {"event": "app_error", "path": path, "status": 500, "trace": ["net", {"retry": 2}]}


def _time(dice: Dice, spelling: int, time: int) -> str | int | float:
    """Return `time` (milliseconds since 1970) as one of the apps writes it."""
    moment = datetime.fromtimestamp(time // 1000, UTC)
    if spelling == _SECONDS:
        return time // 1000
    if spelling == _MILLISECONDS:
        return time
    if spelling == _FRACTION:
        return time / 1000
    if spelling == _OFFSET:
        there = moment.astimezone(timezone(timedelta(hours=dice.pick((1, 1, -5)))))
        return there.replace(microsecond=time % 1000 * 1000).isoformat(timespec="milliseconds")
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _identifiers(dice: Dice, person: Person, session: str, first: bool) -> dict[str, Any]:
    """Return the identifiers of one record: all of them at first, then at least the session or the device."""
    ids = {"device_id": person.device_id, "session_id": session}
    if person.user_id and (first or dice.chance(0.6)):
        ids["user_id"] = person.user_id
    if person.client_id and (first or dice.chance(0.5)):
        ids["client_id"] = person.client_id
    if not first and person.device_id != NO_ADVERTISING_ID:
        throw = dice.between(1, 10)
        if throw <= 2:
            del ids["device_id"]
        elif throw <= 5:
            ids["session_id"] = dice.pick(("", "-", "null", "unknown"))
            if throw > 3:
                del ids["session_id"]
    return ids


def _around(dice: Dice, person: Person) -> dict[str, Any]:
    """Return what a record says of the connection, the language, and of things nobody asked for."""
    said: dict[str, Any] = {}
    if dice.chance(0.7):
        said["language"] = person.language
    if person.number % 3 == 0:
        said["connection"] = "wifi"
    elif dice.chance(0.8):
        said |= {"connection": "cellular", "carrier": dice.draw(CARRIERS)}
    if dice.chance(0.3):
        said |= {"app_version": dice.pick(_VERSIONS), "battery": dice.between(5, 100) / 100}
    if dice.chance(0.05):
        said["experiments"] = [{"name": "big-buttons", "arm": dice.pick("ab")}, None]
    return said


def visit(dice: Dice, person: Person, start: int, *, modern: bool, tells: bool) -> Iterator[Event]:
    """Give the records of one visit from `start` (milliseconds since 1970).

    `modern` apps write epoch times and offsets too. The flags of a person who `tells` are never on the first
    record, and on no more than half of the others.
    """
    session = person.session_id or f"s-{dice.hex(16)}"
    count = dice.between(4, 12)
    spelling = person.number % 5 if modern else _RFC3339
    flags = 1 + dice.between(0, (count - 2) // 2) if tells else 0
    # Half of them are told of late, when a form is filled in.
    first_flag = dice.between(1, count - flags) if dice.chance(0.5) else count - flags
    time = start
    for number, doing in enumerate(_doing(dice, count)):
        record: dict[str, Any] = {"time": _time(dice, spelling, time), "ip": person.address}
        if "url" not in doing and dice.chance(0.9):
            record["host"] = APP
        record |= doing
        record["user_agent"] = person.agent
        if number and dice.chance(0.3):
            record["referrer"] = f"https://{APP}/"
        record |= _identifiers(dice, person, session, number == 0) | _around(dice, person)
        if first_flag <= number < first_flag + flags:
            record |= _flag(dice, person)
        yield Event(time, person.number, record | _told_age(dice, person))
        time += dice.between(1_500, 40_000) * dice.between(1, 3)
