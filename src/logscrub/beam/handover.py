"""Hits that stay where they are on their way from one step to the next, when both run in this process.

The local runner moves bytes on one thread and copies each of them half a dozen times, some 10 ns a byte,
while all others wait. So the steps give each other tickets instead, where the runner runs both in threads of
one process. Nothing is written anywhere, and everything is dropped when the run ends.

Module state, on purpose: a runner pickles the steps and runs copies of them, which share nothing else.
"""

import contextlib
import itertools
import secrets
from collections.abc import Iterator

_left: dict[str, dict[bytes, bytes]] = {}
_numbers = itertools.count()

ELSEWHERE = ""
"""Name of the run whose steps may be in several processes: there elements are moved as they are."""


@contextlib.contextmanager
def within_process() -> Iterator[str]:
    """A name for a run whose steps are all in this process, until it ends."""
    name = secrets.token_hex(8)
    _left[name] = {}
    try:
        yield name
    finally:
        del _left[name]


def leave(name: str, element: bytes) -> bytes:
    """Leave an element for another step of a run, and give what the runner is to move in its place."""
    if name == ELSEWHERE:
        return element
    ticket = next(_numbers).to_bytes(8, "big")
    _left[name][ticket] = element
    return ticket


def pick_up(name: str, moved: bytes) -> bytes:
    """The element in place of which this was moved; as often as a runner repeats a step."""
    return moved if name == ELSEWHERE else _left[name][moved]
