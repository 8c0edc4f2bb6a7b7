"""Promise B: the release of logs and a child's records is the release of the logs, byte for byte."""

import datetime
import gzip
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logscrub.config import MIB, Audience, Settings, Support
from tests import gpp_encoder
from tests.support import (
    AGENTS,
    bytes_of,
    combined_line,
    demo_geography,
    event_lines,
    process,
    run_engine,
    told,
    without_progress,
)

DAYS = ("2026-03-14", "2026-03-15")
KINDS = ("user_id", "device_id", "client_id", "session_id")
FILES = ("app/a.jsonl", "app/b.jsonl")
WEB = "web/access.log"
SIGNALS: tuple[dict[str, Any], ...] = (
    {"child": True},
    {"child": "maybe"},
    {"coppa": 1},
    {"coppa": "true"},
    {"age": 12},
    {"age": "12.9"},
    {"birth_date": "2014-01-01"},
    {"birth_date": "2013-03-20"},
    {"opt_out": True},
    {"opt_out": "yes"},
)


@dataclass
class Logs:
    """Lines of each file; those of children apart, with the place where each goes."""

    kept: dict[str, list[bytes]] = field(default_factory=lambda: {name: [] for name in (*FILES, WEB)})
    withheld: dict[str, list[bytes]] = field(default_factory=lambda: {name: [] for name in (*FILES, WEB)})

    def without(self) -> dict[str, bytes]:
        return {name: b"".join(lines) for name, lines in self.kept.items()}

    def with_children(self, chance: random.Random) -> dict[str, bytes]:
        files = {}
        for name, lines in self.kept.items():
            mixed = list(lines)
            for line in self.withheld[name]:
                mixed.insert(chance.randrange(len(mixed) + 1), line)
            files[name] = b"".join(mixed)
        return files


def record(chance: random.Random, who: dict[str, str], agents: tuple[str, ...]) -> dict[str, Any]:
    """An event of somebody, somewhere, at some time."""
    address = chance.choice(
        [f"198.18.{chance.randrange(6)}.{chance.randrange(2)}", "2001:db8:100::1", "10.0.0.x"]
    )
    return {
        "time": f"{chance.choice(DAYS)}T{chance.randrange(24):02}:{chance.randrange(60):02}:00Z",
        "ip": address,
        "host": "shop.example.com",
        "path": chance.choice(
            ["/", "/a", "/a/b", "/a/c", "/style.css", "/?utm_source=news", "/a?utm_source=ads&utm_medium=cpc"]
        ),
        "status": chance.choice([200, 200, 200, 304, 404]),
        "bytes": chance.randrange(1000),
        "referrer": chance.choice(["", "https://www.example.org/x", "https://shop.example.com/"]),
        "user_agent": chance.choice(agents),
        "duration_ms": chance.choice([None, 1.5, 20, 700]),
        "language": chance.choice([None, "en-GB", "de,en;q=0.5", "?"]),
        "connection": chance.choice([None, "wifi", "4g"]),
        "carrier": chance.choice([None, "Example Mobile"]),
        **who,
    }


def spoilt(chance: random.Random, event: dict[str, Any]) -> dict[str, Any]:
    """Sometimes a record that would be rejected or is of a day that is never released."""
    fault = chance.choice([{}, {}, {}, {"time": "soon"}, {"time": "2031-01-01T00:00:00Z"}, {"bytes": -1}])
    return event | fault


def add_people(logs: Logs, chance: random.Random, people: int) -> None:
    """People with identifiers of their own; user agents are the first two."""
    for person in range(people):
        who = {kind: f"kept-{kind}-{person}" for kind in KINDS if chance.random() < 0.4}
        known = {"age": 30} if chance.random() < 0.3 else {}
        for _ in range(chance.randrange(1, 4)):
            event = record(chance, who, AGENTS[:2]) | (known if chance.random() < 0.5 else {})
            logs.kept[chance.choice(FILES)] += event_lines([event])
        if chance.random() < 0.5:
            logs.kept[WEB].append(combined_line(f"198.18.{person % 6}.9", agent=AGENTS[person % 2]))


def add_component(logs: Logs, chance: random.Random, number: int) -> None:
    """A child or opt-out and all that is joined to it: by identifiers, and one hop by address and agent.

    Its user agents are others than those of the people who stay, so that no pair is shared.
    """
    joined: list[dict[str, str]] = []
    events = []
    for step in range(chance.randrange(1, 6)):
        new = {kind: f"child-{number}-{kind}-{step}" for kind in KINDS if chance.random() < 0.5}
        if joined:
            before = chance.choice(joined)
            kind = chance.choice(sorted(before))
            new[kind] = before[kind]
        if not new:
            new = {"device_id": f"child-{number}-only"}
        joined.append(new)
        events.append(spoilt(chance, record(chance, new, AGENTS[2:])))
    for flagged in chance.sample(events, chance.randrange(1, len(events) + 1)):
        flagged.update(chance.choice(SIGNALS))
    for event in events:
        logs.withheld[chance.choice(FILES)] += event_lines([event])
        if chance.random() < 0.5:
            add_hop(logs, chance, event)


def add_hop(logs: Logs, chance: random.Random, event: dict[str, Any]) -> None:
    """A record of the same address, agent and day, in another kind of log."""
    if event["ip"] == "10.0.0.x" or not event["time"].startswith("2026-03"):
        return
    day = datetime.date.fromisoformat(event["time"][:10])
    time = f"{day:%d/%b/%Y}:{chance.randrange(24):02}:00:00 +0000"
    logs.withheld[WEB].append(combined_line(event["ip"], time, agent=event["user_agent"]))


def make_logs(chance: random.Random) -> Logs:
    logs = Logs()
    for name in FILES:  # the format of a file is told by the records of those who stay
        logs.kept[name] += event_lines([record(chance, {}, AGENTS[:1]) | {"age": 40} for _ in range(3)])
    logs.kept[WEB] += [combined_line(f"198.18.{n}.1") for n in range(3)]
    add_people(logs, chance, chance.randrange(2, 12))
    for number in range(chance.randrange(1, 4)):
        add_component(logs, chance, number)
    return logs


def leaves_no_trace(seed: str, config: Settings) -> None:
    chance = random.Random(seed)
    logs = make_logs(chance)
    with_children, told_with = run_engine(logs.with_children(chance), config, geography=demo_geography())
    without, told_without = run_engine(logs.without(), config, geography=demo_geography())
    assert with_children == without
    assert told(told_with, config) == told(told_without, config)


# 1,000 examples in all, in parts that several processes can share.
@pytest.mark.slow
@pytest.mark.parametrize("part", range(5))
@pytest.mark.parametrize("audience", [Audience.GENERAL, Audience.MIXED])
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**64),
    block_bytes=st.sampled_from([700, MIB, MIB, MIB]),
    support=st.sampled_from(Support),
)
def test_children_and_opt_outs_leave_no_trace(
    part: int, audience: Audience, seed: int, block_bytes: int, support: Support
) -> None:
    config = Settings(min_support=2, audience=audience, support=support, block_bytes=block_bytes)
    leaves_no_trace(f"{audience} {part} {seed}", config)


def test_the_property_would_see_a_child() -> None:
    """The same logs without any flag do change the release: the property above can fail."""
    changes = 0
    for seed in range(5):
        logs = make_logs(random.Random(seed))
        lines = b"".join(logs.withheld[FILES[0]] + logs.withheld[FILES[1]])
        for signal in (b"child", b"coppa", b"age", b"birth_date", b"opt_out"):
            lines = lines.replace(b'"%s":' % signal, b'"x":')
        files = logs.without()
        changes += run_engine(files | {FILES[0]: files[FILES[0]] + lines})[0] != run_engine(files)[0]
    assert changes >= 3


def test_a_child_directed_site_releases_nobody() -> None:
    logs = make_logs(random.Random(2))
    released, result = run_engine(logs.without(), Settings(min_support=2, audience=Audience.CHILD_DIRECTED))
    assert released == {}
    assert sum(result.tally.kept.values()) == 0


# Below: the same over files of several formats, whose records are joined through cookies, fields and pairs.

USER, DEVICE, CLIENT, SESSION = KINDS
Place = tuple[str, str, Any]
"""Where a signal stands (query, path, referrer, cookie, header, event or bid), its name and its value."""

OF_CHILDREN: tuple[Place, ...] = (
    ("query", "coppa", "1"),
    ("query", "c%6Fppa", "true"),
    ("query", "TFCD", "1"),
    ("query", "u13", "perhaps"),
    ("query", "gpp", gpp_encoder.gpp(8, k=2)),
    ("query", "gpp", "not~one"),
    ("path", "tfcd", "1"),
    ("path", "tfat", "1"),
    ("referrer", "coppa", "1"),
    ("referrer", "gpp", gpp_encoder.gpp(10, k=1)),
    ("cookie", "coppa", "1"),
    ("cookie", "is_child", "true"),
    ("cookie", "birth_year", "2017"),
    ("cookie", "dob", "2015-02-30"),
    ("cookie", "__gpp", gpp_encoder.gpp(8, k=2)),
    ("event", "child", True),
    ("event", "age", 12.9),
    ("event", "birth_date", "2014-01-01"),
    ("bid", "regs.coppa", 1),
    ("bid", "user.yob", 2016),
)
OF_OPT_OUTS: tuple[Place, ...] = (
    ("query", "us_privacy", "1YYN"),
    ("query", "gpc", "1"),
    ("referrer", "us_privacy", "1-Y-"),
    ("cookie", "usprivacy", "1YYY"),
    ("cookie", "matomo_ignore", "x"),
    ("header", "Sec-GPC", "1"),
    ("header", "DNT", "1"),
    ("event", "opt_out", "yes"),
    ("event", "device.is_limited_ad_tracking", True),
    ("bid", "device.lmt", 1),
    ("bid", "device.dnt", 1),
    ("bid", "regs.us_privacy", "1NYN"),
)
OF_NOBODY: tuple[Place, ...] = (
    ("query", "coppa", "0"),
    ("query", "child", "1&adults=2"),
    ("query", "age", "12"),
    ("query", "cpp", "8"),
    ("query", "us_privacy", "1NNN"),
    ("path", "jsessionid", "coppa"),
    ("referrer", "tfcd", "0"),
    ("cookie", "usprivacy", "1---"),
    ("header", "Sec-GPC", "0"),
    ("header", "DNT", "0"),
    ("event", "age", 40),
    ("event", "child", False),
    ("bid", "regs.coppa", 0),
    ("bid", "device.lmt", 0),
)
NO_ID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class Visit:
    """A record before it is written in a format."""

    who: dict[str, str]
    time: datetime.datetime
    address: str
    agent: str
    path: str = "/"
    referrer: str = "https://www.example.org/x"
    signal: Place | None = None

    def on(self, day: int) -> "Visit":
        return replace(self, time=self.time.replace(day=day))

    @property
    def request(self) -> str:
        return f"GET {self.target} HTTP/1.1"

    @property
    def target(self) -> str:
        return self.path + self._said("query", "?") + self._said("path", ";")

    @property
    def source(self) -> str:
        return self.referrer + self._said("referrer", "?q=1&")

    @property
    def clf(self) -> str:
        return f"{self.time:%d/%b/%Y:%H:%M:%S} +0000"

    @property
    def iso(self) -> str:
        return f"{self.time:%Y-%m-%dT%H:%M:%SZ}"

    @property
    def epoch(self) -> float:
        return self.time.replace(tzinfo=datetime.UTC).timestamp()

    @property
    def cookie(self) -> str:
        given = ["theme=dark", cookie_of_client(self.who.get(CLIENT), self.epoch)]
        if SESSION in self.who:
            names = ("PHPSESSID", "JSESSIONID", "virtuemart", "connect.sid")
            given.append(f"{names[int(self.epoch) % 4]}={quote(self.who[SESSION])}")
        return "; ".join(filter(None, [*given, self._said("cookie", "")]))

    def header(self, name: str) -> str | None:
        return str(self.signal[2]) if self.signal and self.signal[:2] == ("header", name) else None

    def fields(self, place: str) -> dict[str, Any]:
        """A signal of JSON, by its path."""
        if not self.signal or self.signal[0] != place:
            return {}
        value = self.signal[2]
        for step in reversed(self.signal[1].split(".")):
            value = {step: value}
        return dict(value)

    def _said(self, place: str, before: str) -> str:
        return f"{before}{self.signal[1]}={self.signal[2]}" if self.signal and self.signal[0] == place else ""


def cookie_of_client(client: str | None, epoch: float) -> str | None:
    """A cookie of the product whose ids look like this one, with what else such a cookie holds."""
    if client is None:
        return None
    if "." in client:
        return f"{('_ga', '_gid')[int(epoch) % 2]}=GA1.{1 + int(epoch) % 3}.{client}"
    if client.isdigit():
        return f"{('__utma', '_utma')[int(epoch) % 2]}=77.{client}.{int(epoch)}.8.9.2"
    return f"_pk_id.{int(epoch) % 9}.1fff={client}.{int(epoch)}."


def in_event(visit: Visit) -> bytes:
    known = {"time": visit.iso, "ip": visit.address, "host": "shop.example.com", "path": visit.target}
    sent = {"referrer": visit.source, "user_agent": visit.agent, "status": 200, "bytes": 10}
    return json_line(known | sent | visit.who | visit.fields("event"))


def in_combined(visit: Visit) -> bytes:
    return combined_line(visit.address, visit.clf, visit.request, referrer=visit.source, agent=visit.agent)


def in_cookies(visit: Visit) -> bytes:
    return in_combined(visit)[:-1] + f' "{visit.cookie}"\n'.encode()


def in_docker(visit: Visit) -> bytes:
    line = {"log": in_cookies(visit).decode(), "stream": "stdout", "time": visit.iso}
    return json.dumps(line, separators=(",", ":")).replace("&", "\\u0026").encode() + b"\n"


def in_w3c(visit: Visit) -> bytes:
    path, _, query = visit.target.partition("?")
    values = [f"{visit.time:%Y-%m-%d}", f"{visit.time:%H:%M:%S}", visit.address, "GET", path, query or "-"]
    values += ["200", "10", quote(visit.agent), quote(visit.source, safe=":/?&=~%")]
    values += [quote(visit.cookie, safe="=;~%").replace("%20", "+")]
    values += [visit.header("Sec-GPC") or "-", visit.header("DNT") or "-"]
    return " ".join(values).encode() + b"\n"


def in_nginx(visit: Visit) -> bytes:
    known = {
        "time_iso8601": visit.iso,
        "remote_addr": visit.address,
        "request": visit.request,
        "status": "200",
    }
    headers = {"http_referer": visit.source, "http_user_agent": visit.agent, "http_cookie": visit.cookie}
    own = {"http_sec_gpc": visit.header("Sec-GPC") or "", "http_dnt": visit.header("DNT") or ""}
    return json_line(known | {"body_bytes_sent": "10"} | headers | own)


def in_caddy(visit: Visit) -> bytes:
    headers = {"User-Agent": [visit.agent], "Referer": [visit.source], "Cookie": [visit.cookie]}
    own = {"Sec-Gpc": visit.header("Sec-GPC"), "Dnt": visit.header("DNT")}
    headers |= {name: [value] for name, value in own.items() if value}
    request = {"remote_ip": visit.address, "method": "GET", "host": "shop.example.com", "uri": visit.target}
    line = {"ts": visit.epoch, "request": request | {"headers": headers}, "status": 200, "size": 10}
    return json_line({"logger": "http.log.access"} | line)


def in_bid(visit: Visit) -> bytes:
    device: dict[str, Any] = {"ip": visit.address, "ua": visit.agent}
    if DEVICE in visit.who:
        device["ifa"] = visit.who[DEVICE]
    people: dict[str, Any] = {}
    if USER in visit.who:  # a zeroed id beside the real one, in either place
        places = ("id", "buyeruid") if int(visit.epoch) % 2 else ("buyeruid", "id")
        people = dict(zip(places, (visit.who[USER], NO_ID), strict=True))
    own = visit.fields("bid")
    site = {"page": f"https://shop.example.com{visit.target}", "ref": visit.source}
    line = {"id": "1", "imp": [{"id": "1"}], "ts": visit.epoch, "site": site, "regs": own.get("regs", {})}
    line |= {"device": device | own.get("device", {}), "user": people | own.get("user", {})}
    return json_line(line)


def json_line(line: dict[str, Any]) -> bytes:
    return json.dumps(line).encode() + b"\n"


@dataclass(frozen=True)
class Style:
    """A format: how it writes a visit, and which ids and places of signals its lines have."""

    write: Callable[[Visit], bytes]
    kinds: tuple[str, ...] = ()
    places: tuple[str, ...] = ("query", "path", "referrer")
    head: bytes = b""


IN_URLS = ("query", "path", "referrer")
BY_COOKIE = ((CLIENT, SESSION), (*IN_URLS, "cookie"))
BY_HEADER = ((CLIENT, SESSION), (*IN_URLS, "cookie", "header"))
W3C_HEAD = (
    b"#Version: 1.0\n#Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status sc-bytes "
    b"cs(User-Agent) cs(Referer) cs(Cookie) cs(Sec-GPC) cs(DNT)\n"
)
STYLES = {
    "app/events.jsonl": Style(in_event, KINDS, (*IN_URLS, "event")),
    "app/more.jsonl.gz": Style(in_event, KINDS, (*IN_URLS, "event")),
    "bids.jsonl": Style(in_bid, (USER, DEVICE), (*IN_URLS, "bid")),
    "caddy.log": Style(in_caddy, *BY_HEADER),
    "combined.log": Style(in_combined),
    "cookies.log.gz": Style(in_cookies, *BY_COOKIE),
    "cookies.log": Style(in_cookies, *BY_COOKIE),
    "docker-json.log": Style(in_docker, *BY_COOKIE),
    "nginx.json": Style(in_nginx, *BY_HEADER),
    "w3c.log": Style(in_w3c, *BY_HEADER, W3C_HEAD),
}


@dataclass
class Web:
    """Visits of each file: of those who stay and of those who must leave no trace."""

    chance: random.Random
    styles: Sequence[str]
    signals: Sequence[Place]
    kept: list[tuple[str, Visit]] = field(default_factory=list)
    withheld: list[tuple[str, Visit]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def visit(self, who: dict[str, str], agents: Sequence[str]) -> Visit:
        chance = self.chance
        time = datetime.datetime(2026, 3, chance.choice((14, 15)), chance.randrange(24), chance.randrange(60))
        address = chance.choice([f"198.18.{chance.randrange(6)}.{chance.randrange(3)}", "2001:db8:100::1"])
        return Visit(
            who, time, address, chance.choice(agents), chance.choice(["/", "/a", "/a/b", "/style.css"])
        )

    def said(self, name: str, visit: Visit, signals: Sequence[Place]) -> Visit:
        """The visit with a signal for which its format has a place."""
        fitting = [signal for signal in signals if signal[0] in STYLES[name].places]
        return replace(visit, signal=self.chance.choice(fitting))

    def add_people(self) -> None:
        for name in self.styles:  # so many lines that the format of a file is told by them
            self.kept += [(name, self.visit(self.new_ids(name, "kept"), AGENTS[:2])) for _ in range(5)]
        for _ in range(self.chance.randrange(6)):
            name = self.chance.choice(self.styles)
            visit = self.visit(self.new_ids(name, "kept") | self.sentinel(name), AGENTS[:2])
            self.kept.append((name, self.said(name, visit, OF_NOBODY)))

    def new_ids(self, name: str, owner: str) -> dict[str, str]:
        """Some ids that nobody has yet."""
        kinds = [kind for kind in STYLES[name].kinds if self.chance.random() < 0.5]
        return {kind: self.new_id(kind, owner) for kind in kinds}

    def new_id(self, kind: str, owner: str) -> str:
        number = self.chance.getrandbits(40)
        self.names.append(f"{owner}:{number}")
        if kind == CLIENT:
            shapes = (f"{number % 10**9}.{number % 10**8}", str(number % 10**11), f"{number:016x}"[:15] + "a")
            return self.chance.choice(shapes)
        return f"{owner}-{kind}-{number:x}"

    def sentinel(self, name: str) -> dict[str, str]:
        kinds = [kind for kind in (DEVICE, SESSION) if kind in STYLES[name].kinds]
        return {self.chance.choice(kinds): NO_ID} if kinds and self.chance.random() < 0.5 else {}

    def add_component(self) -> list[tuple[str, Visit]]:
        """A chain of up to six records, each with an id of one before it; not flagged yet."""
        able = [name for name in self.styles if STYLES[name].kinds]
        component: list[tuple[str, Visit]] = []
        for _ in range(self.chance.randrange(1, 7)):
            shared: dict[str, str] = {}
            name = self.chance.choice(able)
            if component:
                links = [
                    (other, kind)
                    for _, visit in component
                    for kind in visit.who
                    for other in able
                    if kind in STYLES[other].kinds and visit.who[kind] != NO_ID
                ]
                name, kind = self.chance.choice(links)
                values = [v.who[kind] for _, v in component if v.who.get(kind, NO_ID) != NO_ID]
                shared = {kind: self.spelt(kind, self.chance.choice(values))}
            own = shared or {STYLES[name].kinds[0]: self.new_id(STYLES[name].kinds[0], "child")}
            visit = self.visit(self.new_ids(name, "child") | own, AGENTS[2:])
            for kind, value in self.sentinel(name).items():
                visit.who.setdefault(kind, value)
            component.append((name, visit))
        return component

    def spelt(self, kind: str, value: str) -> str:
        """The same id in capitals; analytics products write theirs in one way."""
        return value.upper() if kind != CLIENT and self.chance.random() < 0.3 else value

    def hops(self, component: Sequence[tuple[str, Visit]]) -> list[tuple[str, Visit]]:
        """Records without any id, of the address, agent and day of some of those of a component."""
        return [
            (
                self.chance.choice(self.styles),
                Visit({}, visit.time.replace(hour=self.chance.randrange(24)), visit.address, visit.agent),
            )
            for _, visit in component
            if self.chance.random() < 0.4
        ]

    def flagged(self, component: list[tuple[str, Visit]]) -> list[tuple[str, Visit]]:
        """With a signal on any of its records, and on at least one."""
        chosen = self.chance.sample(range(len(component)), self.chance.randrange(1, len(component) + 1))
        return [
            (name, self.said(name, visit, self.signals) if at in chosen else visit)
            for at, (name, visit) in enumerate(component)
        ]

    def add_nameless(self) -> None:
        """Records without any id that are joined by address, agent and day alone; one of them is flagged."""
        name = self.chance.choice(self.styles)
        visit = self.visit({}, AGENTS[2:])
        self.withheld.append((name, self.said(name, visit, [s for s in self.signals if s[0] in IN_URLS])))
        self.withheld += self.hops([(name, visit)] * 3)

    def files(self, *, children: bool, day: int | None = None, folder: str = "") -> dict[str, bytes]:
        """What is in the files, or only what is of one day; children stand anywhere among the others."""
        chance = random.Random(self.chance.getrandbits(32))
        found = {}
        for name in self.styles:
            lines, more = (
                [
                    STYLES[name].write(visit)
                    for at, visit in visits
                    if at == name and day in (None, visit.time.day)
                ]
                for visits in (self.kept, self.withheld)
            )
            for line in more if children else ():
                lines.insert(chance.randrange(len(lines) + 1), line)
            content = STYLES[name].head + b"".join(lines)
            found[folder + name] = gzip.compress(content, mtime=0) if name.endswith(".gz") else content
        return found


def make_web(chance: random.Random, signals: Sequence[Place]) -> Web:
    """People who stay, in files of some formats, one of which has ids."""
    joining = chance.choice([name for name, style in STYLES.items() if style.kinds])
    styles = sorted({joining, *chance.sample(sorted(STYLES), chance.randrange(1, 4))})
    web = Web(chance, styles, signals)
    web.add_people()
    return web


def formats_of(result: Any) -> dict[str, str]:
    return {part.path: part.format for part in result.plan.ranges}


def small_parts(chance: random.Random, **options: Any) -> Settings:
    return Settings(
        min_support=2,
        block_bytes=chance.choice([700, 5000, MIB]),
        range_bytes=chance.choice([900, 20_000, MIB]),
        shards=chance.choice([1, 3]),
        **options,
    )


def is_as_without(web: Web, config: Settings, files: dict[str, bytes], **options: Any) -> None:
    """The release and all that is told of some files are those of the files without withheld records."""
    expected, told_without = run_engine(web.files(children=False), config)
    released, result = run_engine(files, config, **options)
    assert formats_of(result) == formats_of(told_without)
    assert released == expected
    assert told(result, config) == told(told_without, config)
    assert result.tally.withheld >= len(web.withheld)


of_webs = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
# 150 examples in all, a third of them quick.
parts = pytest.mark.parametrize("part", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2))])
seeds = st.integers(0, 2**64)


@pytest.mark.parametrize("signals", [OF_CHILDREN, OF_OPT_OUTS], ids=["children", "opt-outs"])
@parts
@of_webs
@given(seed=seeds, audience=st.sampled_from([Audience.GENERAL, Audience.GENERAL, Audience.MIXED]))
def test_nobody_leaves_a_trace_in_any_format(
    part: int, signals: tuple[Place, ...], seed: int, audience: Audience
) -> None:
    chance = random.Random(f"{part} {seed}")
    web = make_web(chance, signals)
    for _ in range(chance.randrange(1, 3)):
        component = web.add_component()
        web.withheld += [*web.flagged(component), *web.hops(component)]
    if chance.random() < 0.5:
        web.add_nameless()
    is_as_without(web, small_parts(chance, audience=audience), web.files(children=True))


@parts
@of_webs
@given(seed=seeds)
def test_who_is_excluded_leaves_no_trace(part: int, seed: int) -> None:
    chance = random.Random(f"{part} {seed}")
    web = make_web(chance, ())
    component = web.add_component()
    web.withheld += [*component, *web.hops(component)]
    is_as_without(
        web,
        small_parts(chance),
        web.files(children=True) | {"list": exclusion_of(chance, component)},
        exclude=["list"],
    )


def exclusion_of(chance: random.Random, component: Sequence[tuple[str, Visit]]) -> bytes:
    """A list that names somebody by an id, by the value of a cookie, or by a record."""
    name, visit = chance.choice(component)
    kind, value = chance.choice([(k, v) for k, v in visit.who.items() if v != NO_ID])
    plain = value.encode() + b"\n"
    client = cookie_of_client(visit.who.get(CLIENT), visit.epoch)
    whole = (client or f"x={value}").partition("=")[2].encode() + b"\n"
    # Fewer lines than a file has: what its own lines look like must do.
    record = STYLES[name].head + STYLES[name].write(visit)
    ways = [plain, b"# asked\r\n\r\n" + plain, whole, json_line({kind: value}), record]
    chosen = chance.choice(ways)
    return gzip.compress(chosen) if chance.random() < 0.2 else chosen


@parts
@of_webs
@given(seed=seeds)
def test_a_flag_of_another_day_leaves_no_trace(part: int, seed: int) -> None:
    chance = random.Random(f"{part} {seed}")
    web = make_web(chance, (*OF_CHILDREN, *OF_OPT_OUTS))
    component = web.add_component()
    name, visit = chance.choice(component)
    flagged = web.said(name, visit.on(14), web.signals)
    web.withheld += [(name, flagged), *component, *web.hops(component)]
    for style in web.styles * 4:  # the format of a file is told by those who stay, on each of the days
        kept = web.visit({}, AGENTS[:2])
        web.kept += [(style, kept.on(14)), (style, kept.on(15))]
    before = web.files(children=True, day=14, folder="monday/")
    today = web.files(children=True, day=15)
    config = small_parts(chance)
    released, result = run_engine(today | before, config, signals_from=list(before))
    expected, told_without = run_engine(web.files(children=False, day=15), config)
    assert formats_of(result) == formats_of(told_without)
    assert released == expected
    assert told(result, config) == told(told_without, config)


def test_the_properties_of_formats_would_see_a_child() -> None:
    """The same records without any flag do change the release, and each style is told by its lines."""
    changes = 0
    for seed in range(8):
        web = make_web(random.Random(seed), ())
        for _ in range(3):
            web.withheld += web.add_component()
        alone = run_engine(web.files(children=False))
        changes += run_engine(web.files(children=True))[0] != alone[0]
        assert len(formats_of(alone[1])) == len(web.styles)
    assert changes >= 6
    web = Web(random.Random(1), sorted(STYLES), ())
    web.add_people()
    assert formats_of(run_engine(web.files(children=False))[1]) == {
        "app/events.jsonl": "json_events",
        "app/more.jsonl.gz": "json_events",
        "bids.jsonl": "openrtb",
        "caddy.log": "caddy_json",
        "combined.log": "combined",
        "cookies.log": "combined_cookies",
        "cookies.log.gz": "combined_cookies",
        "docker-json.log": "docker:combined_cookies",
        "nginx.json": "nginx_json",
        "w3c.log": "w3c",
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "flags"),
    [
        ("flag", ["--direct_num_workers=1"]),
        ("opt-out", ["--direct_num_workers=2"]),
        ("exclude", ["--direct_num_workers=2"]),
        ("another day", ["--direct_num_workers=2", "--direct_running_mode=multi_processing"]),
    ],
)
def test_nobody_leaves_a_trace_on_the_runner(way: str, flags: list[str], tmp_path: Path) -> None:
    """Files, their bytes and all that is said, by the command line and its pipeline."""
    chance = random.Random(way)
    web = Web(chance, sorted(STYLES), OF_OPT_OUTS if way == "opt-out" else OF_CHILDREN)
    web.add_people()
    web.kept += [(name, web.visit({}, AGENTS[:2])) for name in web.styles for _ in range(5)]
    component = web.add_component()
    web.withheld += web.flagged(component) if way in {"flag", "opt-out"} else component
    more: list[str] = []
    if way == "exclude":
        (tmp_path / "list.txt").write_bytes(exclusion_of(chance, component))
        more = ["--exclude", "list.txt"]
    if way == "another day":
        name, visit = component[0]
        earlier = web.said(name, visit.on(2), OF_CHILDREN)
        (tmp_path / "earlier.log").write_bytes(STYLES[name].head + STYLES[name].write(earlier) * 3)
        more = ["--signals-from", "earlier.log"]
    (tmp_path / "logscrub.toml").write_text(
        "min_support = 2\nrange_bytes = 900\nblock_bytes = 700\nshards = 2\n"
    )
    ended = []
    for files, options in ((web.files(children=False), []), (web.files(children=True), more)):
        for name, content in files.items():
            path = tmp_path / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        arguments = ("run", "in", "-o", "out", "--config", "logscrub.toml", *options, "--", *flags)
        running = process(*arguments, cwd=tmp_path)
        said, complaints = running.communicate(timeout=120)
        assert running.returncode == 0
        ended.append((said, without_progress(complaints), bytes_of(tmp_path / "out")))
        (tmp_path / "out").rename(tmp_path / f"out{len(ended)}")
    assert ended[0] == ended[1]
    assert ended[0][2]
