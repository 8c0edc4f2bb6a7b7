"""Any number of log lines with the shape of real traffic, streamed: memory does not grow with their number.

A batch of visits is drawn as columns (numpy), its hits are put in order of time together with those that were
left over from the batch before, and each hit becomes one line. Visitors are not kept either: what is known of
one follows from a hash of the visitor's number.

Addresses are of 240.0.0.0/4 (RFC 1112, reserved, in use by nobody: a million /24 networks) and of 3fff::/20
(RFC 9637, documentation), since the ranges of the sample hold too few networks to look like the world.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

import numpy as np
import numpy.typing as npt

from benchmarks.people import BOTS, DESKTOPS, HANDHELDS
from benchmarks.shop import HOURS, OUTSIDE

Format = Literal["common", "combined", "vhost_combined", "json"]
FORMATS: tuple[Format, ...] = ("common", "combined", "vhost_combined", "json")
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Texts = npt.NDArray[np.object_]

START = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp())
DAY = 86_400
VISITS = 16_000  # in a batch: some 200,000 lines
BOTS_PART, BOT_ADDRESSES = 0.08, 700
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HOSTS = ("shop.example.com", "blog.example.com", "www.example.com")
_PAGES, _ASSETS, _OUTSIDE = 12_000, 900, 4_000
_STATUS = np.array([200, 304, 301, 404, 500])
_STATUS_PART = np.cumsum([0.9, 0.03, 0.03, 0.035])


@dataclass(frozen=True)
class Plan:
    """What to write: so many `lines` by up to `visitors` people within `days`, over `files` files."""

    lines: int
    visitors: int
    days: int = 1
    files: int = 1
    format: Format = "combined"
    gzip: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Hits:
    """Columns of requests. Pages count from 0, static files from `_PAGES`; a referrer below 0 is outside."""

    time: Ints
    visitor: Ints
    visit: Ints
    target: Ints
    referrer: Ints
    status: Ints
    size: Ints

    def take(self, rows: Any) -> Hits:
        """Return the hits at `rows` (a mask, a slice or positions)."""
        return Hits(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def join(self, other: Hits) -> Hits:
        """Return these hits and then those of `other`."""
        names = self.__dataclass_fields__
        return Hits(*(np.concatenate((getattr(self, name), getattr(other, name))) for name in names))


def _mix(numbers: Ints, salt: int) -> npt.NDArray[np.uint64]:
    """Return 64 bits of hash for each number (the finalizer of SplitMix64)."""
    mixed = (numbers.astype(np.uint64) + np.uint64(salt + 1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return cast("npt.NDArray[np.uint64]", mixed ^ (mixed >> np.uint64(31)))


def _popular(rng: np.random.Generator, count: int, size: int) -> Ints:
    """Draw `size` of `count` things whose popularity falls with their number, as one over it."""
    ranks: Ints = (np.exp(rng.random(size) * np.log(count + 1)) - 1).astype(np.int64)
    return np.minimum(ranks, count - 1)


def _start_times(plan: Plan, positions: Floats) -> Ints:
    """Return when the visits at `positions` (0 to 1 along the log) begin, busy and quiet hours considered."""
    sums = np.array((0, *HOURS.sums), dtype=np.float64)
    day, part = np.divmod(positions * plan.days, 1.0)
    hour = np.interp(part, sums / sums[-1], np.arange(25))
    seconds: Ints = ((day + hour / 24) * DAY).astype(np.int64)
    return START + seconds


@dataclass(frozen=True)
class Pages:
    """Columns of page requests: the visit in the batch, seconds since its start, how many static files."""

    visit: Ints
    waited: Ints
    page: Ints
    referrer: Ints
    assets: Ints


def _pages(rng: np.random.Generator, bot: npt.NDArray[np.bool_]) -> Pages:
    """Draw the pages of visits: two or three for people, more for bots, which fetch no static files."""
    count = 1 + (np.log1p(-rng.random(len(bot))) / np.log(0.62)).astype(np.int64)
    count = np.minimum(np.where(bot, count * 4, count), 60)
    visit = np.repeat(np.arange(len(bot)), count)
    begins = np.cumsum(count) - count
    gap = (3 + 400 * rng.random(len(visit)) ** 3).astype(np.int64)
    gap[begins] = 0
    waited = np.cumsum(gap)
    page = _popular(rng, _PAGES, len(visit))
    referrer = np.roll(page, 1)
    referrer[begins] = -1 - _popular(rng, _OUTSIDE, len(bot))
    referrer[bot[visit]] = -1
    most = np.where(bot[visit], 0, 4)
    most[begins] *= 4
    assets = (rng.random(len(visit)) * (most + 1)).astype(np.int64)
    return Pages(visit, waited - np.repeat(waited[begins], count), page, referrer, assets)


def _visits(plan: Plan, rng: np.random.Generator, first: int, count: int, total: int) -> tuple[Hits, int]:
    """Draw the visits `first` to `first + count` of `total`, and the time at which the next may begin."""
    bounds = _start_times(plan, np.array([first, first + count]) / total)
    start = _start_times(plan, (first + np.sort(rng.random(count)) * count) / total)
    bot = rng.random(count) < BOTS_PART
    visitor = (plan.visitors * rng.random(count) ** 1.5).astype(np.int64)
    visitor[bot] = plan.visitors + _popular(rng, BOT_ADDRESSES, int(bot.sum()))

    pages = _pages(rng, bot)
    of_page = np.repeat(np.arange(len(pages.page)), pages.assets + 1)
    size = len(of_page)
    opens = np.zeros(size, dtype=bool)
    opens[np.cumsum(pages.assets + 1) - pages.assets - 1] = True
    visit, page = pages.visit[of_page], pages.page[of_page]
    asset = _PAGES + (page * 31 + np.arange(size)) % _ASSETS
    status = _STATUS[np.searchsorted(_STATUS_PART, rng.random(size), side="right")]
    hits = Hits(
        time=start[visit] + pages.waited[of_page] + np.where(opens, 0, rng.integers(0, 3, size)),
        visitor=visitor[visit],
        visit=first + visit,
        target=np.where(opens, page, asset),
        referrer=np.where(opens, pages.referrer[of_page], page),
        status=status,
        size=np.where(status == 304, 0, np.exp(5 + 6 * rng.random(size)).astype(np.int64)),
    )
    return hits, int(bounds[1])


def _batches(plan: Plan, rng: np.random.Generator) -> Iterator[Hits]:
    """Give the hits of the log in order of time, as many as planned."""
    pilot, _ = _visits(plan, rng, 0, VISITS, VISITS)
    # A little more than needed, so that the log is full before its last day ends.
    total = int(1.03 * plan.lines * VISITS / len(pilot.time)) + 50
    left, first, missing = pilot.take(slice(0)), 0, plan.lines
    while missing:
        drawn, until = _visits(plan, rng, first, min(VISITS, max(total - first, 50)), total)
        first += VISITS
        hits = left.join(drawn)
        hits = hits.take(np.argsort(hits.time, kind="stable"))
        ready = int(np.searchsorted(hits.time, until))
        left, hits = hits.take(slice(ready, None)), hits.take(slice(min(ready, missing)))
        missing -= len(hits.time)
        yield hits


class World:
    """The texts of everything that hits name by number."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.agents = np.array(_agents(), dtype=object)
        self.agent_sums = np.cumsum(1 / np.arange(2, len(self.agents) + 2))
        self.bots = np.array([bot.agent for bot in BOTS], dtype=object)
        paths = [_path(number) for number in range(_PAGES)]
        paths += [f"/assets/{_word(number)}.{number:03x}.{_ending(number)}" for number in range(_ASSETS)]
        self.targets = np.array(paths, dtype=object)
        # Looked up with the referrer's number: pages from the front, outside ones from the back.
        outside = [OUTSIDE.items[i % len(OUTSIDE.items)] for i in range(1000)]
        outside += [f"https://{_word(i)}.example.net/{_word(i // 7)}/{i}" for i in range(3000)]
        pages = [f"https://{_HOSTS[0]}{path}" for path in paths]
        self.referrers = np.array([*pages, *reversed(outside)], dtype=object)
        self.hosts = np.array(_HOSTS, dtype=object)
        vhost = plan.format == "vhost_combined"
        self.prefixes = np.array([f"{host}:443 " if vhost else "" for host in _HOSTS], dtype=object)

    def visitors(self, numbers: Ints) -> tuple[Texts, Texts, Texts, Texts]:
        """Return address, agent, device id and told age (as JSON) of distinct visitors."""
        seen, salt = _mix(numbers, self.plan.seed), self.plan.seed + 7
        pairs = zip(seen.tolist(), _mix(numbers, salt).tolist(), strict=True)
        words = [(_address(first), _device(first, second), _signal(second)) for first, second in pairs]
        address, device, signal = (np.array(column, dtype=object) for column in zip(*words, strict=True))
        part = (seen >> np.uint64(20)).astype(np.float64) / 2.0**44
        agent = self.agents[np.searchsorted(self.agent_sums, part * self.agent_sums[-1])]
        bot = numbers >= self.plan.visitors
        agent[bot] = self.bots[numbers[bot] % len(self.bots)]
        return address, agent, device, signal


_WORDS = (
    "amber", "birch", "cedar", "delta", "ember", "fern", "grove", "hazel", "iris", "jade", "kelp", "linen",
    "maple", "north", "olive", "pearl", "quartz", "river", "stone", "tulip", "umber", "vale", "willow",
    "yarrow", "zinnia",
)  # fmt: skip


def _word(number: int) -> str:
    return f"{_WORDS[number % 25]}-{_WORDS[number // 25 % 25]}"


def _ending(number: int) -> str:
    return ("js", "css", "webp", "png", "woff2", "svg", "jpg")[number % 7]


def _path(number: int) -> str:
    """Return the path of a page: products with and without a number, posts, categories with a query."""
    word = _word(number * 7)
    kinds = (
        f"/shop/{word}",
        f"/product/{word}/{10_000 + number}",
        f"/blog/2026/{word}",
        f"/c/{word}?page={number}",
    )
    return "/" if number == 0 else kinds[number % 4]


def _agents() -> list[str]:
    """Return hundreds of agents, the common ones first: each browser in many builds, on many models."""
    agents = [agent for agent, _ in sorted((*DESKTOPS, *HANDHELDS), key=lambda pair: -pair[1])]
    for build in range(1, 60):
        for agent in agents[: len(DESKTOPS) + len(HANDHELDS)]:
            version, model = 146 - build % 30, f"SM-{'AGSX'[build % 4]}{100 + build * 7}"
            changed = agent.replace("; K)", f"; {model})").replace(
                "Chrome/146.0.0.0", f"Chrome/{version}.0.{build}.0"
            )
            agents.append(
                changed.replace("Mobile/15E148", f"Mobile/15E{build}").replace("rv:148", f"rv:{version}")
            )
    return list(dict.fromkeys(agents))


def _address(bits: int) -> str:
    """Return an IPv4 address (two in three) or an IPv6 one, of ranges in use by nobody."""
    if bits % 3:
        return f"{240 + (bits >> 8) % 15}.{bits >> 16 & 255}.{bits >> 24 & 255}.{(bits >> 32) % 254 + 1}"
    group = f"{bits >> 12 & 0xFFF:x}:{bits >> 24 & 0xFFFF:x}"
    return f"3fff:{group}:1:{bits >> 40 & 0xFFF | 0x1000:x}:{bits >> 48:x}:a:{bits >> 4 & 0xFF | 1:x}"


def _device(first: int, second: int) -> str:
    start = f"{first >> 32:08x}-{first & 0xFFFF:04x}-4{first >> 20 & 0xFFF:03x}"
    return f"{start}-a{second >> 52:03x}-{second & 0xFFFF_FFFF_FFFF:012x}"


def _signal(bits: int) -> str:
    """Return what one visitor in sixteen tells of an age, one in eight of them a child."""
    if bits % 16:
        return ""
    return f',"age":{9 + bits // 128 % 4}' if bits // 16 % 8 == 0 else f',"age":{13 + bits // 128 % 60}'


def _moments(plan: Plan, times: Ints) -> Texts:
    """Return the text of each time, made once for each second."""
    seconds, where = np.unique(times, return_inverse=True)
    there = [datetime.fromtimestamp(second, UTC) for second in seconds.tolist()]
    if plan.format == "json":
        texts = [f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in there]
    else:
        texts = [f"{time:%d}/{_MONTHS[time.month - 1]}/{time:%Y:%H:%M:%S} +0000" for time in there]
    return cast("Texts", np.array(texts, dtype=object)[where])


def _with_queries(targets: Texts, hits: Hits) -> Texts:
    """Give one page in sixteen a query that hardly any other has, as searches and trackers do."""
    bits = _mix(hits.visit * 64 + hits.target, 11)
    for row in np.flatnonzero((bits % np.uint64(16) == 0) & (hits.target < _PAGES)).tolist():
        mixed = int(bits[row])
        targets[row] = (
            f"{targets[row].split('?')[0]}?q={_word(mixed >> 8)}+{_word(mixed >> 20)}&v={mixed >> 40:x}"
        )
    return targets


def _lines(world: World, hits: Hits) -> list[str]:
    """Return the lines of `hits` in the format of the plan."""
    people, where = np.unique(hits.visitor, return_inverse=True)
    address, agent, device, signal = world.visitors(people)
    target = _with_queries(world.targets[hits.target], hits)
    method = np.where((hits.target < _PAGES) & (hits.status == 301), "POST", "GET").astype(object)
    site = (hits.visit % 10 > 6).astype(np.int64) + (hits.visit % 10 > 8)
    referrer, moment = world.referrers[hits.referrer], _moments(world.plan, hits.time)
    numbers = (hits.status.tolist(), hits.size.tolist())
    columns = zip(address[where], moment, method, target, *numbers, referrer, agent[where], strict=True)
    if world.plan.format == "json":
        told = np.where(hits.time % 3 == 0, signal[where], "")
        more = zip(world.hosts[site], device[where], hits.visit.tolist(), told, strict=True)
        return [
            f'{{"time":"{t}","ip":"{a}","host":"{h}","method":"{m}","path":"{p}","status":{s},"bytes":{b},'
            f'"duration_ms":{b % 1999},"referrer":"{r}","user_agent":"{u}","device_id":"{d}",'
            f'"session_id":"s{v:x}"{e}}}\n'
            for (a, t, m, p, s, b, r, u), (h, d, v, e) in zip(columns, more, strict=True)
        ]
    if world.plan.format == "common":
        return [f'{a} - - [{t}] "{m} {p} HTTP/2.0" {s} {b}\n' for a, t, m, p, s, b, _, _ in columns]
    prefix = world.prefixes[site]
    return [
        f'{h}{a} - - [{t}] "{m} {p} HTTP/2.0" {s} {b} "{r}" "{u}"\n'
        for h, (a, t, m, p, s, b, r, u) in zip(prefix, columns, strict=True)
    ]


def _open(plan: Plan, path: Path) -> BinaryIO:
    if plan.gzip:
        return cast("BinaryIO", gzip.GzipFile(path, "wb", compresslevel=1, mtime=0))
    return path.open("wb")


def write(plan: Plan, output: Path) -> list[Path]:
    """Write the files of `plan` into `output` (made when absent) and return their paths, oldest first."""
    output.mkdir(parents=True, exist_ok=True)
    stem, ending = ("events-", ".jsonl") if plan.format == "json" else ("access.log-", "")
    paths = [output / f"{stem}{number:05d}{ending}{'.gz' * plan.gzip}" for number in range(plan.files)]
    ends = [plan.lines * (number + 1) // plan.files for number in range(plan.files)]
    world = World(plan)
    batches = _batches(plan, np.random.default_rng(plan.seed))
    ready: list[str] = []
    written = 0
    for path, end in zip(paths, ends, strict=True):
        with _open(plan, path) as file:
            while written < end:
                ready = ready or _lines(world, next(batches))
                now, ready = ready[: end - written], ready[end - written :]
                file.write("".join(now).encode())
                written += len(now)
    return paths
