"""200 user agents of a real log, drawn by a fixed seed and classified by hand.

`tests/golden/user_agents.txt` has a line for each, in the order in which they are drawn: bot and purpose, or
device, system and browser. The agents themselves are no part of the project.
"""

import random
from pathlib import Path

import pytest

from logscrub.enrich.user_agents import classify

LOG = Path(__file__).parents[3] / "shared" / "corpora" / "apache-real" / "apache_logs"
BY_HAND = Path(__file__).parents[1] / "golden" / "user_agents.txt"


@pytest.mark.skipif(not LOG.exists(), reason="the corpus is not there")
def test_ninety_eight_of_a_hundred_are_right() -> None:
    lines = LOG.read_text(errors="replace").splitlines()
    drawn = random.Random(2015).sample(sorted({line.rsplit('"', 2)[1] for line in lines}), 200)
    found = classify(drawn)
    bots = zip(found.bot, found.purpose, strict=True)
    people = zip(found.device, found.system, found.browser, strict=True)
    told = ["|".join(bot if bot[0] else who) for bot, who in zip(bots, people, strict=True)]
    expected = BY_HAND.read_text().splitlines()
    wrong = [place for place, (ours, hand) in enumerate(zip(told, expected, strict=True)) if ours != hand]
    assert len(wrong) <= 4, wrong
