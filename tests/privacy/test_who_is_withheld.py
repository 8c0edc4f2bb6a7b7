"""Who is withheld with a child, and who is not: one scenario each, through the whole engine."""

import gzip
from typing import Any

import pytest

from logscrub.config import Audience, Settings, Support
from tests.support import CHROME, FIREFOX, SAFARI, combined_line, event_lines, run_engine

CONFIG = Settings(min_support=2, support=Support.VISITORS)


def event(hour: int = 10, day: int = 14, **fields: Any) -> dict[str, Any]:
    return {"time": f"2026-03-{day}T{hour:02}:00:00Z", "ip": "192.0.2.1", "path": "/"} | fields


def withheld(*events: dict[str, Any], config: Settings = CONFIG, **files: bytes) -> int:
    _, result = run_engine({"a.jsonl": b"".join(event_lines(events)), **files}, config)
    return result.tally.withheld


CHILD = event(device_id="d1", child=True, ip="198.51.100.1", user_agent=CHROME)
STRANGER = event(ip="203.0.113.1", user_agent=SAFARI, device_id="s1")


def test_only_the_child_is_withheld() -> None:
    assert withheld(CHILD, STRANGER) == 1


@pytest.mark.parametrize(
    "signal",
    [
        *[{"child": value} for value in (True, 1, "true", "perhaps", [True])],
        *[{"coppa": value} for value in (True, 1)],
        *[{"opt_out": value} for value in (True, "1")],
        *[{"age": value} for value in (0, 12, "12", 12.9, "twelve", -1)],
        *[{"birth_date": value} for value in ("2013-03-16", "2013-3", "2014", "soon")],
        {"age": 30, "child": True},
    ],
)
def test_signals(signal: dict[str, Any]) -> None:
    assert withheld(event(device_id="d1", **signal), event(device_id="d1", ip="192.0.2.9"), STRANGER) == 2


@pytest.mark.parametrize(
    "signal",
    [
        {},
        *[{"child": value} for value in (False, 0, None, "")],
        *[{"age": value} for value in (13, "13", None, "-")],
        *[{"birth_date": value} for value in ("2013-03-13", "1900-01-01")],
        {"coppa": 0},
        {"opt_out": False},
    ],
)
def test_no_signals(signal: dict[str, Any]) -> None:
    assert withheld(event(device_id="d1", **signal), STRANGER) == 0


def test_the_thirteenth_birthday_is_the_first_day_that_counts() -> None:
    """In the time zone that reaches the date last: at noon UTC it begins at UTC-12."""
    born = "2013-03-14"
    assert withheld(event(11, birth_date=born)) == 1
    assert withheld(event(12, birth_date=born)) == 0


def test_joins_are_transitive_and_of_any_order_and_file() -> None:
    chain = [
        event(9, session_id="s1", ip="192.0.2.2"),
        event(8, session_id="s1", user_id="u1", ip="192.0.2.3"),
        event(7, user_id="u1", client_id="c1", day=13, ip="192.0.2.4"),
        event(6, client_id="c1", device_id="d1", ip="192.0.2.5"),
    ]
    child = event(23, device_id="d1", age=9, ip="192.0.2.6", day=15)
    later = gzip.compress(b"".join(event_lines([child])))
    assert withheld(*chain, STRANGER, **{"z.jsonl.gz": later}) == 5


def test_equal_values_of_two_kinds_do_not_join() -> None:
    assert withheld(CHILD, event(session_id="d1")) == 1


@pytest.mark.parametrize("other", ["D1", " d1 ", "\uff441"], ids=["case", "space", "width"])
def test_spellings_of_an_identifier_join(other: str) -> None:
    assert withheld(CHILD, event(device_id=other)) == 2


def test_a_number_and_its_text_are_one_identifier() -> None:
    assert withheld(event(user_id=123, child=True), event(user_id="123"), event(user_id=123.0)) == 3


@pytest.mark.parametrize(
    "nobody",
    ["00000000-0000-0000-0000-000000000000", "-", "null", "unknown", "", None, 0, "${user_id}", "opted_out"],
)
def test_placeholders_never_join(nobody: object) -> None:
    child = event(device_id=nobody, child=True, ip="198.51.100.1")
    assert withheld(child, event(device_id=nobody, ip="198.51.100.2")) == 1


def test_address_and_agent_join_on_the_same_day_only() -> None:
    same = event(3, ip="198.51.100.1", user_agent=CHROME)
    assert withheld(CHILD, same) == 2
    assert withheld(CHILD, same | {"time": "2026-03-15T00:00:00Z"}) == 1
    assert withheld(CHILD, same | {"user_agent": f" {CHROME} "}) == 2
    assert withheld(CHILD, same | {"user_agent": FIREFOX}) == 1
    assert withheld(CHILD, same | {"ip": "198.51.100.2"}) == 1
    assert withheld(CHILD, same | {"ip": "::ffff:198.51.100.1"}) == 2


def test_the_day_of_address_and_agent_is_of_the_reporting_time_zone() -> None:
    late = event(23, device_id="d1", child=True, ip="198.51.100.1", user_agent=CHROME)
    early = event(1, 15, ip="198.51.100.1", user_agent=CHROME)
    assert withheld(late, early) == 1
    assert withheld(late, early, config=CONFIG.model_copy(update={"timezone": "Europe/Paris"})) == 2


def test_address_and_agent_join_one_hop_and_never_further() -> None:
    neighbour = event(11, ip="198.51.100.1", user_agent=CHROME, device_id="n1")
    elsewhere = event(12, ip="198.51.100.7", user_agent=FIREFOX, device_id="n1")
    assert withheld(CHILD, neighbour, elsewhere) == 2


def test_the_hop_starts_at_every_record_of_the_child() -> None:
    unflagged = event(11, ip="198.51.100.7", user_agent=FIREFOX, device_id="d1")
    nameless = event(12, ip="198.51.100.7", user_agent=FIREFOX)
    assert withheld(CHILD, unflagged, nameless) == 3


def test_the_hop_reaches_logs_that_carry_no_signal() -> None:
    lines = combined_line("198.51.100.1") + combined_line("198.51.100.2") * 3
    assert withheld(CHILD, **{"access.log": lines}) == 2


def test_addresses_that_cannot_be_read_do_not_join() -> None:
    child = event(device_id="d1", child=True, ip="somewhere", user_agent=CHROME)
    assert withheld(child, event(ip="elsewhere", user_agent=CHROME)) == 1


def test_of_repeated_keys_a_child_wins() -> None:
    line = b'{"time":"2026-03-14T10:00:00Z","ip":"192.0.2.1","path":"/","device_id":"d1","child":%s}\n'
    for twice in (b'true,"child":false', b'false,"child":true', b'false,"ch\\u0069ld":true'):
        assert withheld(STRANGER, event(device_id="d1", ip="192.0.2.9"), **{"b.jsonl": line % twice}) == 2


def test_signals_before_the_damage_of_a_gzip_file_are_honoured() -> None:
    flagged = event_lines([CHILD]) + event_lines(event(n % 24, device_id=f"x{n}") for n in range(5000))
    damaged = gzip.compress(b"".join(flagged))[:-2000]
    files = {"a.jsonl": b"".join(event_lines([event(device_id="d1"), STRANGER])), "b.jsonl.gz": damaged}
    _, result = run_engine(files, CONFIG)
    assert result.tally.withheld == 1
    assert result.tally.lines == 2
    assert list(result.tally.problems) == ["b.jsonl.gz"]


def test_a_rejected_record_of_a_child_is_withheld_and_not_told() -> None:
    spoilt = [CHILD | fault for fault in ({"time": "x"}, {"time": "2031-01-01T00:00:00Z"}, {"bytes": -1})]
    _, result = run_engine({"a.jsonl": b"".join(event_lines([CHILD, *spoilt, STRANGER]))}, CONFIG)
    assert result.tally.withheld == 4
    assert result.tally.rejects == 0


def test_a_mixed_audience_keeps_only_known_ages() -> None:
    mixed = CONFIG.model_copy(update={"audience": Audience.MIXED})
    adult = event(10, 14, device_id="a1", session_id="t1", age=13)
    joined = event(11, 15, session_id="t1", ip="192.0.2.8")
    before = event(11, 13, session_id="t1", ip="192.0.2.8")
    unknown = event(11, device_id="q1", ip="192.0.2.7")
    same_pair = event(11, ip="192.0.2.1")
    assert withheld(adult, joined, config=mixed) == 0
    assert withheld(adult, joined, before, config=mixed) == 1
    assert withheld(adult, unknown, same_pair, config=mixed) == 2
    assert withheld(adult, joined, event(device_id="a1", age=12), config=mixed) == 3


def test_a_child_directed_site_keeps_nobody() -> None:
    directed = CONFIG.model_copy(update={"audience": Audience.CHILD_DIRECTED})
    assert withheld(event(age=40), STRANGER, config=directed) == 2


@pytest.mark.parametrize("block_bytes", [3000, 40_000, 1 << 20])
def test_of_a_damaged_file_nothing_is_counted_in_any_layout(block_bytes: int) -> None:
    lines = b"".join(event_lines(event(n % 24, device_id=f"x{n}") for n in range(3000)))
    packed = gzip.compress(lines)
    config = CONFIG.model_copy(update={"block_bytes": block_bytes})
    for damaged in (packed[:-8] + b"abcdefgh", packed[:-4], packed[:9000]):
        files = {"a.jsonl": b"".join(event_lines([event(device_id="d1"), STRANGER])), "b.gz": damaged}
        released, result = run_engine(files, config)
        assert released == run_engine({"a.jsonl": files["a.jsonl"]}, config)[0]
        assert result.tally.lines == 2
        assert [*result.tally.problems, *(p.path for p in result.plan.problems)] == ["b.gz"]


def test_a_file_that_cannot_be_read_any_more_fails_the_run() -> None:
    """To go on would count the children it tells of, and release half of a day."""
    from logscrub import engine
    from logscrub.errors import InputFailedError
    from logscrub.inputs import FileRange
    from logscrub.privacy.pseudonyms import EphemeralKey
    from logscrub.text.streams import Compression
    from tests.support import NOW_MS

    part = FileRange("gone.jsonl", 0, 100, Compression.NONE, "json_events")
    key = EphemeralKey.generate()

    def gone(_: str) -> Any:
        raise OSError(5, "the disk says: 198.51.100.1")

    with pytest.raises(InputFailedError, match=r"gone\.jsonl: cannot be read any more: Input/output error"):
        engine.read_signals((part,), gone, CONFIG, key, NOW_MS)
    with pytest.raises(InputFailedError, match=r"gone\.jsonl"):
        engine.scrub_range(
            (part,),
            gone,
            engine.make_scrubber(CONFIG, key, engine.no_signals(key).resolve(CONFIG.audience), NOW_MS),
            CONFIG,
            1,
        )


@pytest.mark.parametrize("share", [0.7, 0.98])  # at half not even the first line is whole
def test_signals_of_a_small_damaged_file_are_honoured_too(share: float) -> None:
    packed = gzip.compress(
        b"".join([*event_lines([CHILD]), *event_lines(event(n, device_id=f"x{n}") for n in range(20))])
    )
    damaged = packed[: int(len(packed) * share)]
    assert withheld(event(device_id="d1"), STRANGER, **{"b.jsonl.gz": damaged}) == 1
