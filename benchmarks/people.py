"""Who comes to the shop: dice, addresses that belong to nobody, browsers, bots, and people.

Only `random.Random.random` is ever drawn from, since Python promises its sequence for a seed, and that of
no other method, over all versions.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

Role = Literal["adult", "child", "kin", "opt_out", "staff"]


class Weighted(Generic[T]):
    """A bag of things, each with a whole number of tickets."""

    def __init__(self, tickets: Iterable[tuple[T, int]]) -> None:
        pairs = tuple(tickets)
        self.items = tuple(item for item, _ in pairs)
        self.sums = tuple(accumulate(count for _, count in pairs))


class Dice:
    """Chance with a name: the same name gives the same throws everywhere, for ever."""

    def __init__(self, name: str) -> None:
        self._throw = random.Random(name).random

    def chance(self, part: float) -> bool:
        """Return true in `part` of all throws."""
        return self._throw() < part

    def between(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        return low + int(self._throw() * (high - low + 1))

    def pick(self, items: Sequence[T]) -> T:
        """Return one of `items`, each as likely."""
        return items[int(self._throw() * len(items))]

    def draw(self, bag: Weighted[T]) -> T:
        """Return one of the items of `bag`, by their tickets."""
        return bag.items[bisect(bag.sums, int(self._throw() * bag.sums[-1]))]

    def hex(self, digits: int) -> str:
        """Return that many hexadecimal digits."""
        return "".join("0123456789abcdef"[int(self._throw() * 16)] for _ in range(digits))

    def uuid(self) -> str:
        """Return an id of the shape of a random UUID (RFC 9562, version 4)."""
        variant = self.pick("89ab")
        return f"{self.hex(8)}-{self.hex(4)}-4{self.hex(3)}-{variant}{self.hex(3)}-{self.hex(12)}"


# Benchmarking (RFC 2544, 512 networks of /24), then the three documentation networks (RFC 5737).
IPV4_NETWORKS = (
    *(f"198.{18 + half}.{third}" for half in (0, 1) for third in range(256)),
    *("192.0.2", "198.51.100", "203.0.113"),
)


def ipv4(dice: Dice) -> str:
    """Return an IPv4 address of one of 515 reserved /24 networks."""
    return f"{dice.pick(IPV4_NETWORKS)}.{dice.between(1, 254)}"


def ipv6(dice: Dice) -> str:
    """Return an IPv6 address of the documentation range 2001:db8::/32 (RFC 3849), which has 256 /40s."""
    network = f"2001:db8:{dice.between(1, 0xFFFF):x}:{dice.between(1, 255):x}"
    return f"{network}:{dice.between(0, 0xFFFF):x}:{dice.between(1, 0xFFFF):x}:{dice.hex(3)}a:b{dice.hex(3)}"


_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_WINDOWS, _MAC, _LINUX = (
    "Windows NT 10.0; Win64; x64",
    "Macintosh; Intel Mac OS X 10_15_7",
    "X11; Linux x86_64",
)


def _chrome(platform: str, version: int, after: str = "", mobile: str = "") -> str:
    return f"Mozilla/5.0 ({platform}) {_WEBKIT} Chrome/{version}.0.0.0 {mobile}Safari/537.36{after}"


def _firefox(platform: str, version: int) -> str:
    return f"Mozilla/5.0 ({platform}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"


def _safari(platform: str, version: str, mobile: str = "") -> str:
    return f"Mozilla/5.0 ({platform}) {_SAFARI} Version/{version} {mobile}Safari/60{4 if mobile else 5}.1" + (
        "" if mobile else ".15"
    )


_IPHONE_26, _IPHONE_18 = (
    "iPhone; CPU iPhone OS 18_7 like Mac OS X",
    "iPhone; CPU iPhone OS 18_6 like Mac OS X",
)
_IPAD, _ANDROID, _TAB = (
    "iPad; CPU OS 18_6 like Mac OS X",
    "Linux; Android 10; K",
    "Linux; Android 14; SM-X210",
)
_IOS = "Mobile/15E148 "

DESKTOPS: tuple[tuple[str, int], ...] = (
    (_chrome(_WINDOWS, 146), 17),
    (_chrome(_WINDOWS, 145), 9),
    (_chrome(_WINDOWS, 144), 2),
    (_chrome(_MAC, 146), 8),
    (_chrome(_LINUX, 146), 4),
    (_chrome("X11; CrOS x86_64 14541.0.0", 145), 2),
    (_chrome(_WINDOWS, 146, " Edg/146.0.0.0"), 8),
    (_chrome(_WINDOWS, 145, " Edg/145.0.0.0"), 3),
    (_chrome(_WINDOWS, 144, " OPR/128.0.0.0"), 2),
    (_firefox(_WINDOWS, 148), 6),
    (_firefox("Macintosh; Intel Mac OS X 10.15", 148), 2),
    (_firefox(_LINUX, 148), 3),
    (_firefox(_LINUX, 140), 2),
    (_safari(_MAC, "26.3"), 8),
    (_safari(_MAC, "18.6"), 3),
    ("Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", 1),
)
HANDHELDS: tuple[tuple[str, int], ...] = (
    (_safari(_IPHONE_26, "26.3", _IOS), 20),
    (_safari(_IPHONE_18, "18.6", _IOS), 8),
    (f"Mozilla/5.0 ({_IPHONE_18}) {_SAFARI} CriOS/146.0.7680.40 Mobile/15E148 Safari/604.1", 3),
    (_chrome(_ANDROID, 146, mobile="Mobile "), 22),
    (_chrome(_ANDROID, 145, mobile="Mobile "), 9),
    (f"Mozilla/5.0 ({_ANDROID}) {_WEBKIT} SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36", 7),
    ("Mozilla/5.0 (Android 15; Mobile; rv:148.0) Gecko/148.0 Firefox/148.0", 2),
    (_safari(_IPAD, "18.6", _IOS), 6),
    (_chrome(_TAB, 146), 4),
    (_chrome("Linux; Android 15; Pixel Tablet", 145), 1),
)
TELEVISION = f"Mozilla/5.0 (SMART-TV; LINUX; Tizen 8.0) {_WEBKIT} Version/8.0 TV Safari/537.36"
AGENTS = Weighted((*DESKTOPS, *HANDHELDS, (TELEVISION, 1)))
PHONES = Weighted(HANDHELDS)
LANGUAGES = Weighted(
    (("en-GB", 30), ("en-US", 25), ("de", 16), ("fr-FR", 9), ("es", 7), ("ja", 4), ("pt-BR", 3))
)


@dataclass(frozen=True)
class Bot:
    """A program that reads the site: from how many networks, how often a day, and what it wants."""

    name: str
    agent: str
    networks: int
    daily: int
    wants: Literal["pages", "feed", "up", "holes"] = "pages"


def _bot(name: str, told: str, networks: int, daily: int) -> Bot:
    return Bot(name, f"Mozilla/5.0 (compatible; {told})", networks, daily)


_TOLD_CHROME = f"Mozilla/5.0 {_WEBKIT.replace('Gecko)', 'Gecko; compatible; ')}"
BOTS = (
    _bot("Googlebot", "Googlebot/2.1; +http://www.google.com/bot.html", 24, 130),
    Bot(
        "bingbot",
        f"{_TOLD_CHROME}bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/136.0.0.0 Safari/537.36",
        18,
        95,
    ),
    Bot("GPTBot", f"{_TOLD_CHROME}GPTBot/1.3; +https://openai.com/gptbot)", 17, 90),
    Bot("ClaudeBot", f"{_TOLD_CHROME}ClaudeBot/1.0; +claudebot@anthropic.com)", 15, 75),
    _bot("AhrefsBot", "AhrefsBot/7.0; +http://ahrefs.com/robot/", 16, 85),
    _bot("SemrushBot", "SemrushBot/7~bl; +http://www.semrush.com/bot.html", 6, 40),
    _bot("PetalBot", "PetalBot;+https://webmaster.petalsearch.com/site/petalbot", 4, 16),
    _bot("YandexBot", "YandexBot/3.0; +http://yandex.com/bots", 3, 9),
    Bot(
        "facebookexternalhit",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        7,
        22,
    ),
    Bot("Feedly", "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 21 subscribers)", 3, 36, "feed"),
    Bot(
        "UptimeRobot", "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)", 14, 144, "up"
    ),
    Bot("curl", "curl/8.14.1", 15, 34),
    Bot("python-requests", "python-requests/2.32.5", 14, 36, "holes"),
    Bot("Go-http-client", "Go-http-client/1.1", 8, 20, "holes"),
    Bot("no name", "-", 5, 9, "holes"),
)


@dataclass
class Person:
    """One invented visitor; `role` is the truth that the logs tell in part only.

    `kin` are grown-ups who share an identifier with a child. `flagged` says whether this person's own records
    ever tell of a child or of an opt-out. `session_id` is set when others have the same session.
    """

    number: int
    role: Role
    address: str
    agent: str
    language: str
    device_id: str
    user_id: str | None = None
    client_id: str | None = None
    session_id: str | None = None
    flagged: bool = False
    at_home: list[Person] = field(default_factory=list, repr=False)

    @property
    def withheld(self) -> bool:
        """Whether every record of this person has to be withheld from a release."""
        return self.role in {"child", "kin", "opt_out"}


class Town:
    """Everybody in the sample. No two people are given the same address, but for those of one home."""

    def __init__(self, dice: Dice) -> None:
        self.dice = dice
        self.people: list[Person] = []
        self._taken: set[str] = set()

    def address(self) -> str:
        """Return an address that nobody has yet, one in three of them IPv6."""
        while True:
            address = ipv6(self.dice) if self.dice.chance(0.33) else ipv4(self.dice)
            if address not in self._taken:
                self._taken.add(address)
                return address

    def meet(
        self, role: Role = "adult", agents: Weighted[str] = AGENTS, home: Person | None = None
    ) -> Person:
        """Return a new person, in a home of their own or in that of `home`, there with another browser."""
        dice = self.dice
        taken: set[str] = set()
        if home is not None:
            taken = {person.agent for person in (home, *home.at_home)}
        agent = next(agent for agent in iter(lambda: dice.draw(agents), None) if agent not in taken)
        person = Person(
            number=len(self.people),
            role=role,
            address=home.address if home else self.address(),
            agent=agent,
            language=home.language if home else dice.draw(LANGUAGES),
            device_id=dice.uuid(),
        )
        if dice.chance(0.2):
            person.user_id = f"customer-{dice.between(10_000, 99_999)}"
        if dice.chance(0.2):
            person.client_id = f"GA1.1.{dice.between(10**8, 10**9)}.{dice.between(17 * 10**8, 177 * 10**7)}"
        if home is not None:
            home.at_home.append(person)
        self.people.append(person)
        return person
