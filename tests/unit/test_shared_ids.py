"""Ids that many people share: the account names their fields, and a setting stops them from joining."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from logscrub.cli.account import account
from logscrub.config import MIB, Audience, Settings, Support
from logscrub.engine import no_signals
from logscrub.privacy.children import NEVER
from logscrub.privacy.identifiers import ID_KINDS
from logscrub.privacy.joins import SHARED_BY, SignalSet, Withheld
from logscrub.privacy.pseudonyms import EphemeralKey
from tests.support import Run, event_lines, run_engine, told

CONFIG = Settings(min_support=2, support=Support.VISITORS)
ALONE = Settings(min_support=2, support=Support.VISITORS, not_joined=("session_id",))


def events(count: int, **ids: str) -> bytes:
    """Records of so many people; `{}` in an id is their number."""
    return b"".join(
        event_lines(
            {"time": "2026-03-14T10:00:00Z", "ip": f"198.18.{n // 250}.{n % 250}", "path": "/"}
            | {kind: value.format(n) for kind, value in ids.items()}
            for n in range(count)
        )
    )


def named(files: dict[str, bytes], config: Settings = CONFIG) -> list[str]:
    _, result = run_engine(files, config)
    found: list[str] = json.loads(account(result))["shared_ids"]
    said = "\n".join(told(result, config))
    assert not any(kind in said for kind in ID_KINDS)
    return found


@pytest.mark.parametrize("shared", ["session_id", "client_id", "user_id"])
def test_a_kind_is_named_from_the_first_over_a_thousand(shared: str) -> None:
    assert SHARED_BY == 1000
    assert named({"a.jsonl": events(1000, device_id="d{}", **{shared: "s"})}) == []
    assert named({"a.jsonl": events(1001, device_id="d{}", **{shared: "s"})}) == [shared]


def test_a_device_that_joins_many_sessions_is_named() -> None:
    assert named({"a.jsonl": events(1001, device_id="d", session_id="s{}")}) == ["device_id"]


def test_each_kind_is_named_once() -> None:
    files = {"a.jsonl": events(1001, device_id="d{}", session_id="s", user_id="u{}")}
    files |= {
        "b.jsonl": events(1001, device_id="e{}", session_id="t")
        + events(1001, client_id="c", device_id="f{}")
    }
    assert named(files) == ["client_id", "session_id"]


def test_repetitions_and_sentinels_are_not_counted() -> None:
    lines = events(600, device_id="d{}", session_id="s") + events(600, device_id="D{}", session_id=" S ")
    assert named({"a.jsonl": lines}) == []
    assert named({"a.jsonl": events(1500, device_id="d{}", session_id="null")}) == []
    assert named({"a.jsonl": events(1500, session_id="s")}) == []


@pytest.mark.parametrize("layout", [{"block_bytes": 9000, "range_bytes": 20_000}, {"block_bytes": MIB}])
def test_files_and_ranges_are_counted_together(layout: dict[str, int]) -> None:
    lines = events(1001, device_id="d{}", session_id="s").splitlines(keepends=True)
    random.Random(1).shuffle(lines)
    files = {f"{n}.jsonl": b"".join(lines[n::3]) for n in range(3)}
    config = CONFIG.model_copy(update=layout)
    assert named(files, config) == ["session_id"]
    one_less = files | {"0.jsonl": files["0.jsonl"].partition(b"\n")[2]}
    assert named(one_less, config) == []


def test_signals_from_other_logs_are_counted_too() -> None:
    files = {"a.jsonl": events(600, device_id="d{}", session_id="s")}
    files |= {"b.jsonl": events(600, device_id="e{}", session_id="s")}
    _, result = run_engine(files, CONFIG, signals_from=["b.jsonl"])
    assert list(result.shared_ids) == ["session_id"]


def test_a_kind_that_is_not_joined_joins_nobody() -> None:
    child = events(1, device_id="d0", session_id="s").replace(b"}", b', "child": true}')
    lines = events(1001, device_id="d{}", session_id="s") + child
    _, result = run_engine({"a.jsonl": lines}, CONFIG)
    assert result.tally.withheld == 1002
    _, result = run_engine({"a.jsonl": lines}, ALONE)
    assert (result.tally.withheld, list(result.shared_ids)) == (2, [])


def test_cookies_of_a_kind_that_is_not_joined_join_nobody() -> None:
    line = '198.51.100.{0} - - [14/Mar/2026:10:00:00 +0000] "GET /{1} HTTP/1.1" 200 1 "-" "x" "PHPSESSID=s"\n'
    log = "".join(line.format(n, "?coppa=1" if n == 3 else "") for n in range(8)).encode()
    assert run_engine({"a.log": log}, CONFIG)[1].tally.withheld == 8
    assert run_engine({"a.log": log}, ALONE)[1].tally.withheld == 1


def test_sets_in_any_order_name_the_same() -> None:
    key = EphemeralKey.generate()
    bits = np.uint64(62)
    session = np.uint64(ID_KINDS.index("session_id")) << bits | np.uint64(7)
    devices = (np.uint64(ID_KINDS.index("device_id")) << bits) + np.arange(1, 1002, dtype=np.uint64)
    parts = [_links(part, session, key) for part in np.array_split(devices, 7)]
    for order in (parts, parts[::-1], [*parts, *parts], [SignalSet.merge(parts[:3]), *parts[2:]]):
        found = SignalSet.merge([no_signals(key), *order]).resolve(Audience.GENERAL)
        assert Withheld.from_bytes(found.to_bytes()).shared_ids == ["session_id"]
    assert SignalSet.merge(parts[1:]).resolve(Audience.GENERAL).shared_ids == []


def _links(devices: Any, session: np.uint64, key: EphemeralKey) -> SignalSet:
    rows = len(devices)
    nobody, never = np.zeros(rows, np.bool_), np.full(rows, NEVER, np.int32)
    ids = [devices, np.full(rows, session)]
    return SignalSet.from_records(ids, np.zeros(rows, np.uint64), nobody, never, key.check)


def test_the_command_names_them_in_the_account_alone(logscrub: Run) -> None:
    Path("a.jsonl").write_bytes(events(1001, device_id="d{}", session_id="s"))
    said = logscrub("run", "a.jsonl", "-o", "out", "--account", "account.json")
    assert said.code == 0
    assert json.loads(Path("account.json").read_text())["shared_ids"] == ["session_id"]
    assert "session_id" not in said.out + said.err
    assert not any(b"session_id" in path.read_bytes() for path in Path("out").rglob("*") if path.is_file())
