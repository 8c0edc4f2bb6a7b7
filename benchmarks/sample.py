"""The committed sample: two days of a small shop, its blog and its app, the same bytes every time.

`build` tells the whole truth (whose line is whose), so that tests can ask what a release must not show.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from benchmarks import app, hostile
from benchmarks.people import BOTS, Dice, Person, Town
from benchmarks.shop import BLOG, HOURS, OUTSIDE, PICTURES, SHOP, Hit, crawl, walk

SEED = "logscrub sample 1"
DAYS = ("20260314", "20260315")
DAY = 86_400
START = int(datetime(2026, 3, 14, tzinfo=UTC).timestamp())

WEB_PEOPLE, APP_PEOPLE, OPT_OUTS = 900, 420, 15
SHOP_VISITS, BLOG_VISITS, APP_VISITS, DOWNLOADS = 640, 240, 270, 200  # a day

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Line(NamedTuple):
    """One line without its end, its time (seconds since 1970), and whose it is (None: no person's)."""

    time: float
    who: int | None
    text: str


@dataclass(frozen=True)
class Sample:
    """Everybody, every line they left by file name, and the hostile files as they are."""

    people: list[Person]
    lines: dict[str, list[Line]]
    hostile: dict[str, bytes]

    def contents(self, *, withheld: bool = True) -> dict[str, bytes]:
        """Return the uncompressed bytes of every file, by its path; the rotated copy is among them.

        Without `withheld`, the lines of children, of whoever is joined to them and of opt-outs are left out:
        a release of that must be the same as a release of the sample.
        """
        gone = set() if withheld else {person.number for person in self.people if person.withheld}
        files = {
            name: _bytes(line for line in lines if line.who not in gone) for name, lines in self.lines.items()
        }
        return files | {"blog/access.log.1": files["blog/access.log-20260315.gz"]} | self.hostile


def build(seed: str = SEED) -> Sample:
    """Return the sample that `seed` gives."""
    town = Town(Dice(f"{seed}, town"))
    customers = [town.meet() for _ in range(WEB_PEOPLE)]
    family = app.families(town)
    users = app.grown_ups(town, APP_PEOPLE, OPT_OUTS)
    staff = [town.meet("staff") for _ in range(2)]

    everyone = [*customers, *users[: APP_PEOPLE // 3]]
    shop, blog = Dice(f"{seed}, shop"), Dice(f"{seed}, blog")
    hits = [
        *_visits(shop, everyone, SHOP, SHOP_VISITS),
        *_visits(blog, customers, BLOG, BLOG_VISITS),
        *_children_on_the_web(Dice(f"{seed}, children"), family),
        *_opt_outs_on_the_web(Dice(f"{seed}, opt-outs"), users[:OPT_OUTS]),
        *_bots(Dice(f"{seed}, bots"), town),
        *_staff(Dice(f"{seed}, staff"), staff),
    ]
    events = _app_events(Dice(f"{seed}, app"), family, users)
    lines = {
        **_by_day("shop/access.log-{}.gz", (_vhost_combined(hit) for hit in hits if hit.host == SHOP)),
        **_by_day("blog/access.log-{}.gz", (_combined(hit) for hit in hits if hit.host == BLOG)),
        **_by_day("blog/media.log-{}.gz", map(_common, _downloads(Dice(f"{seed}, media"), customers))),
        **_by_day("app/events-{}.jsonl.gz", (Line(e.time / 1000, e.who, e.text()) for e in events)),
    }
    bad = {"hostile/access.log": hostile.access_log(), "hostile/events.jsonl": hostile.events()}
    return Sample(town.people, lines, bad)


def write(output: Path) -> dict[str, int]:
    """Write the sample below `output` and return the number of lines of each file."""
    counts = {}
    for name, data in build().contents().items():
        path = output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_gzip(data) if name.endswith(".gz") else data)
        counts[name] = data.count(b"\n") + (not data.endswith(b"\n"))
    return counts


def _gzip(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as file:
        file.write(data)
    return buffer.getvalue()


def _bytes(lines: Iterable[Line]) -> bytes:
    return "".join(f"{line.text}\n" for line in lines).encode()


def _by_day(name: str, lines: Iterable[Line]) -> dict[str, list[Line]]:
    """Sort lines into one file a day, as a rotation at midnight UTC does; the second day ends the log."""
    ordered = sorted(lines, key=lambda line: line.time)
    return {
        name.format(day): [line for line in ordered if 0 <= line.time - START - number * DAY < DAY]
        for number, day in enumerate(DAYS)
    }


def _moment(dice: Dice, day: int) -> int:
    """Return a time of `day` (0 or 1) at which a visit begins, in seconds since 1970."""
    return START + day * DAY + dice.draw(HOURS) * 3600 + dice.between(0, 3599)


def _visits(dice: Dice, people: list[Person], host: str, daily: int) -> Iterator[Hit]:
    for day in range(len(DAYS)):
        for _ in range(daily):
            yield from walk(dice, dice.pick(people), _moment(dice, day), host)
    for person in people[:12]:  # night owls, still there after midnight
        yield from walk(dice, person, START + DAY - dice.between(30, 120), host)


def _children_on_the_web(dice: Dice, family: list[Person]) -> Iterator[Hit]:
    """Give web visits of two children in three, where nothing flags them, on days they use the app too."""
    for person in family:
        if person.number % 3:
            yield from walk(dice, person, _moment(dice, 0), dice.pick((SHOP, SHOP, BLOG)))
            yield from walk(dice, person, _moment(dice, 1), SHOP)


def _opt_outs_on_the_web(dice: Dice, people: list[Person]) -> Iterator[Hit]:
    for person in people[::2]:
        yield from walk(dice, person, _moment(dice, 1), SHOP)


def _app_events(dice: Dice, family: list[Person], users: list[Person]) -> Iterator[app.Event]:
    """Give the app's records: whoever is withheld comes on both days, the others as it happens."""
    regulars = [*family, *(person for person in users if person.withheld)]
    others = [person for person in users if not person.withheld]
    for day in range(len(DAYS)):
        visitors = [*regulars, *(dice.pick(others) for _ in range(APP_VISITS))]
        for person in visitors:
            # Before 23:00, so that nobody's flags fall behind the end of the log.
            start = min(_moment(dice, day), START + day * DAY + 23 * 3600)
            millisecond = start * 1000 + dice.between(0, 999)
            # One in three tells on the first day only, one in three on the second, the others on both.
            tells = person.flagged and person.number % 3 != day
            yield from app.visit(dice, person, millisecond, modern=day == 1, tells=tells)


def _bots(dice: Dice, town: Town) -> Iterator[Hit]:
    for bot in BOTS:
        homes = [town.address() for _ in range(bot.networks)]
        for second in range(len(DAYS) * bot.daily):
            time = START + second * DAY // bot.daily + dice.between(0, DAY // bot.daily - 1)
            host = BLOG if bot.wants == "feed" or dice.chance(0.25) else SHOP
            yield crawl(dice, bot, dice.pick(homes), time, host)


def _staff(dice: Dice, people: list[Person]) -> Iterator[Hit]:
    """Give the work of the two shopkeepers, who sign in with names that stand in the log."""
    for person, name in zip(people, ("anna.sample", "ben.sample"), strict=True):
        for day in range(len(DAYS)):
            for hour in range(9, 17):
                time = START + day * DAY + hour * 3600 + dice.between(0, 3599)
                path = f"/admin/orders/{dice.between(20_000, 29_999)}"
                size, agent = dice.between(3_000, 9_000), person.agent
                yield Hit(time, person.number, SHOP, person.address, name, "GET", path, 200, size, "-", agent)


def _downloads(dice: Dice, people: list[Person]) -> Iterator[Hit]:
    """Give what the media server hands out; its log is short and has no agents."""
    for day in range(len(DAYS)):
        for _ in range(DOWNLOADS):
            person, status = dice.pick(people), dice.pick((200, 200, 200, 206, 304))
            size = 0 if status == 304 else dice.between(90_000, 4_000_000)
            yield Hit(_moment(dice, day), person.number, BLOG, person.address, "-", "GET",
                      dice.pick(PICTURES), status, size, dice.draw(OUTSIDE), person.agent)  # fmt: skip


def _clock(time: int, zone: int) -> str:
    """Return Apache's `%t` for a zone that is `zone` hours east; month names are English in every locale."""
    there = datetime.fromtimestamp(time, UTC) + timedelta(hours=zone)
    return f"[{there.day:02d}/{_MONTHS[there.month - 1]}/{there.year}:{there:%H:%M:%S} +{zone:02d}00]"


def _common(hit: Hit, zone: int = 1) -> Line:
    request = f"{hit.method} {hit.target} HTTP/{'1.1' if hit.who is None else '2.0'}"
    text = f'{hit.address} - {hit.user} {_clock(hit.time, zone)} "{request}" {hit.status} {hit.size or "-"}'
    return Line(hit.time, hit.who, text)


def _combined(hit: Hit, zone: int = 1) -> Line:
    common = _common(hit, zone)
    return common._replace(text=f'{common.text} "{hit.referrer}" "{hit.agent}"')


def _vhost_combined(hit: Hit) -> Line:
    combined = _combined(hit, zone=0)
    return combined._replace(text=f"{hit.host}:{hit.port} {combined.text}")
