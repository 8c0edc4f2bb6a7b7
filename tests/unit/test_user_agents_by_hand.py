"""200 user agents of a real log, drawn by a fixed seed and classified by hand.

`tests/golden/user_agents.txt` has a line for each, in the order in which they are drawn: bot and purpose, or
device, system and browser. The agents themselves are no part of the project.
"""

import random
from pathlib import Path

import pytest
from ua_parser import parse_user_agent

from logscrub.enrich.user_agents import classify
from logscrub.schemas import vocabulary
from tests.support import CORPORA

LOG = CORPORA / "apache-real" / "apache_logs"
BY_HAND = Path(__file__).parents[1] / "golden" / "user_agents.txt"


def agents() -> list[str]:
    """Distinct user agents of the log."""
    lines = LOG.read_text(errors="replace").splitlines()
    return sorted({line.rsplit('"', 2)[1] for line in lines})


@pytest.mark.skipif(not LOG.exists(), reason="the corpus is not there")
def test_ninety_eight_of_a_hundred_are_right() -> None:
    drawn = random.Random(2015).sample(agents(), 200)
    found = classify(drawn)
    bots = zip(found.bot, found.purpose, strict=True)
    people = zip(found.device, found.system, found.browser, strict=True)
    told = ["|".join(bot if bot[0] else who) for bot, who in zip(bots, people, strict=True)]
    expected = BY_HAND.read_text().splitlines()
    wrong = [place for place, (ours, hand) in enumerate(zip(told, expected, strict=True)) if ours != hand]
    assert len(wrong) <= 4, wrong


@pytest.mark.skipif(not LOG.exists(), reason="the corpus is not there")
def test_browsers_are_those_of_the_library() -> None:
    released = {
        family: name for name, families in vocabulary("browsers")["names"].items() for family in families
    }
    every = agents()
    found = classify(every)
    pairs = [
        (ours, released[theirs.family])
        for agent, ours, bot in zip(every, found.browser, found.bot, strict=True)
        if bot is None and (theirs := parse_user_agent(agent)) and theirs.family in released
    ]
    assert len(pairs) > 400
    assert sum(ours == theirs for ours, theirs in pairs) >= 0.98 * len(pairs)
