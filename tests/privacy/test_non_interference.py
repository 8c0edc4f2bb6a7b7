"""Promise B: the release of logs and a child's records is the release of the logs, byte for byte."""

import datetime
import random
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logscrub.config import MIB, Audience, Settings, Support
from tests.support import AGENTS, combined_line, demo_geography, event_lines, run_engine, told

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
