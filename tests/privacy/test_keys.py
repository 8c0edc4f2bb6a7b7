"""A key that is made twice must fail the run: joins across two keys would miss children."""

import io
from typing import BinaryIO, cast

import pytest

from logscrub import engine
from logscrub.config import Settings
from logscrub.errors import KeyMismatchError
from logscrub.inputs import InputFile, plan_inputs
from logscrub.privacy.joins import SignalSet
from logscrub.privacy.pseudonyms import EphemeralKey
from tests.support import NOW_MS, event_lines

FILES = {
    f"{name}.jsonl": b"".join(
        event_lines(
            {
                "time": f"2026-03-14T10:0{n}:00Z",
                "ip": f"198.18.{n}.1",
                "path": f"/{name}",
                "device_id": f"d{n}",
            }
            | ({"child": True} if n == 0 else {})
            for n in range(9)
        )
    )
    for name in ("one", "two")
}
CONFIG = Settings(min_support=2, shards=1)
ONE, OTHER = EphemeralKey(b"1" * 32), EphemeralKey(b"2" * 32)


def open_file(path: str) -> BinaryIO:
    return cast(BinaryIO, io.BytesIO(FILES[path]))


RANGES = plan_inputs((InputFile(p, len(d)) for p, d in FILES.items()), open_file, CONFIG.range_bytes).ranges


def signals(key: EphemeralKey, part: int) -> SignalSet:
    return engine.read_signals((RANGES[part],), open_file, CONFIG, key, NOW_MS)


def hits(key: EphemeralKey, part: int) -> bytes:
    scrubber = engine.make_scrubber(CONFIG, key, engine.no_signals(key).resolve(CONFIG.audience), NOW_MS)
    elements, _ = engine.scrub_range((RANGES[part],), open_file, scrubber, CONFIG, 1)
    return elements[0][1]


def test_signals_of_two_keys_do_not_merge() -> None:
    with pytest.raises(KeyMismatchError):
        SignalSet.merge([signals(ONE, 0), signals(OTHER, 1)])


def test_a_scrubber_refuses_people_to_withhold_of_another_key() -> None:
    withheld = signals(ONE, 0).resolve(CONFIG.audience)
    assert len(withheld.ids) == 1
    with pytest.raises(KeyMismatchError):
        engine.make_scrubber(CONFIG, OTHER, withheld, NOW_MS)


def test_hits_of_two_keys_are_not_followed_together() -> None:
    with pytest.raises(KeyMismatchError):
        engine.follow_visitors([hits(ONE, 0), hits(OTHER, 1)], CONFIG)


def test_cells_of_two_keys_are_not_released_together() -> None:
    cells = [
        engine.follow_visitors([hits(key, part)], CONFIG)["days"] for key, part in ((ONE, 0), (OTHER, 1))
    ]
    with pytest.raises(KeyMismatchError):
        engine.release_cells("days", cells, CONFIG)
