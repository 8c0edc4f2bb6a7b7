import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logscrub.cli.account import account
from logscrub.config import Audience, Settings
from logscrub.engine import RunResult
from logscrub.errors import FileReason, LineReason
from logscrub.tally import SHOWN_OFFSETS, Tally
from tests.support import AGENTS, NOW_MS, ROOT, combined_line, event_lines, run_engine

counts = st.integers(0, 1000)
rejects = st.tuples(
    st.sampled_from(["a.log", "b.log"]),
    st.sampled_from(LineReason),
    st.lists(counts, min_size=1, max_size=30),
)


@st.composite
def tallies(draw: st.DrawFn) -> Tally:
    days = st.dictionaries(st.sampled_from(["2026-03-14", "2026-03-15"]), counts)
    tally = Tally(*(draw(counts) for _ in range(4)), kept=draw(days))
    for path, reason, offsets in draw(st.lists(rejects, max_size=4)):
        tally.reject(path, reason, len(offsets), offsets)
    tally.problems = draw(
        st.dictionaries(st.sampled_from(["c.gz", "d.gz"]), st.just(FileReason.CORRUPT_ARCHIVE))
    )
    return tally


def total(parts: list[Tally]) -> Tally:
    whole = Tally()
    for part in parts:
        whole.add(Tally.from_json(part.to_json()))
    return whole


@given(st.lists(tallies(), max_size=5), st.randoms())
def test_tallies_add_up_in_any_order(parts: list[Tally], shuffle: random.Random) -> None:
    other = list(parts)
    shuffle.shuffle(other)
    assert total(parts).to_json() == total(other).to_json()
    assert total(parts).lines == sum(part.lines for part in parts)
    assert total(parts).rejects == sum(part.rejects for part in parts)


@given(tallies())
def test_json_gives_the_tally_back(tally: Tally) -> None:
    assert Tally.from_json(tally.to_json()).to_json() == tally.to_json()


def test_the_first_offsets_are_kept() -> None:
    tally = Tally()
    tally.reject("a.log", LineReason.UNPARSABLE, 100, range(100, 200))
    tally.reject("a.log", LineReason.UNPARSABLE, 100, range(100))
    found = tally.rejected["a.log"][LineReason.UNPARSABLE]
    assert found.count == 200
    assert found.offsets == list(range(SHOWN_OFFSETS))


def test_the_reject_rate_does_not_show_withheld_records() -> None:
    assert Tally().reject_rate == 0
    tally = Tally(lines=1000, withheld=500, unfinished=390, kept={"2026-03-14": 99})
    tally.reject("a.log", LineReason.UNPARSABLE, 1, [0])
    assert tally.reject_rate == pytest.approx(1 / 490)


def account_of(result: RunResult) -> dict[str, int]:
    """Lines of the account by class; fails when they do not add up."""
    told = json.loads(account(result))
    assert sum(told["lines"].values()) == told["total"]
    assert all(count >= 0 for count in told["lines"].values())
    lines: dict[str, int] = told["lines"]
    return lines


def line_count(data: bytes) -> int:
    return data.count(b"\n") + (not data.endswith(b"\n") if data else 0)


def test_every_line_of_the_sample_is_in_one_class() -> None:
    import gzip

    def content(path: Path) -> bytes:
        data = path.read_bytes()
        return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data

    paths = [
        path
        for path in sorted((ROOT / "sample_logs" / "site").rglob("*"))
        if path.is_file() and path.suffix != ".mmdb"
    ]
    _, result = run_engine({str(p): p.read_bytes() for p in paths}, Settings())
    lines = account_of(result)
    assert sum(lines.values()) == sum(line_count(content(path)) for path in paths)
    assert min(lines[name] for name in ("counted", "withheld", "blank", "duplicate", "rejected")) > 0
    assert lines["counted"] == sum(day.hits + day.bot_hits for day in result.days)


def random_line(draw: random.Random) -> bytes:
    time = draw.choice(
        ["14/Mar/2026:10:00:00 +0000"] * 6 + ["15/Mar/2026:10:00:00 +0000", "20/Sep/2026:23:59:00 +0000"]
    )
    good = combined_line(
        f"198.51.{draw.randrange(30)}.7", time, status=draw.choice([200, 404]), agent=draw.choice(AGENTS)
    )
    bad = [
        b"\n",
        b"  \r\n",
        b"garbage\n",
        good.replace(b'"', b"", 1),
        good.replace(b" 100 ", b" -100 "),
        good.replace(b"/2026", b"/2036"),
        good.replace(b"14/Mar", b"31/Feb"),
        good.replace(b"14/Mar/2026", b"21/Sep/2026"),  # the day of the run
        good.replace(b"GET /", b"GET /\xff\xfe"),
    ]
    return draw.choice([good] * 20 + bad)


@pytest.mark.parametrize("seed", range(12))
def test_every_line_of_random_logs_is_in_one_class(seed: int) -> None:
    draw = random.Random(seed)
    log = b"".join(random_line(draw) for _ in range(draw.randrange(20, 300)))
    events = [
        {
            "time": NOW_MS - draw.randrange(10) * 86_400_000,
            "ip": f"203.0.{draw.randrange(30)}.9",
            "path": "/",
            "device_id": f"device-{draw.randrange(40)}",
            **({"child": True} if draw.random() < 0.05 else {}),
            **({"age": draw.choice([8, 30])} if draw.random() < 0.1 else {}),
        }
        for _ in range(200)
    ]
    files = {"a.log": log, "b.jsonl": b"".join(event_lines(events)), "c.log": log[:-1], "d.log": log}
    audience = draw.choice(list(Audience))
    _, result = run_engine(files, Settings(min_support=draw.choice([2, 5, 50]), audience=audience))
    lines = account_of(result)
    assert sum(lines.values()) == sum(map(line_count, files.values()))
    assert lines["duplicate"] == line_count(log)
    assert lines["withheld"] > 0
