"""Bots that their agent does not tell: visitors that read robots.txt, or make more hits than people do."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logscrub.cells import SEPARATOR
from logscrub.columns import codes
from logscrub.traffic.hits import bots, with_bots

ROBOTS_TXT = "/robots.txt"
"""What crawlers ask for before all else (RFC 9309 section 2.3), and browsers do not."""

_READER = SEPARATOR.join(("other", "Reader of robots.txt", "robots_txt"))
_HIGH_RATE = SEPARATOR.join(("other", "High rate", "rate"))

Flags = npt.NDArray[np.bool_]


def with_robots(hits: pa.RecordBatch, bot_rate: int | None) -> pa.RecordBatch:
    """Tell bots by what visitors do on a day.

    Args:
        hits: all hits of the visitors concerned (schema HITS).
        bot_rate: hits of a visitor-day above which it is a bot; None where there is no such limit. Hits of
            bots that are told otherwise do not count.

    Returns:
        The same hits; those of such visitors, told by nothing else, are of bots.
    """
    visitor, is_bot = codes(hits.column("visitor")), bots(hits)
    reads = _at(hits.column("path"), ROBOTS_TXT)
    if reads.any():
        readers = np.zeros(len(hits.column("visitor").dictionary), dtype=bool)
        readers[visitor[reads]] = True
        told = readers[visitor] & ~is_bot
        hits, is_bot = with_bots(hits, told, _READER), is_bot | told
    if bot_rate is not None:
        busy = np.bincount(visitor[~is_bot], minlength=len(hits.column("visitor").dictionary)) > bot_rate
        hits = with_bots(hits, busy[visitor] & ~is_bot, _HIGH_RATE)
    return hits


def _at(column: pa.DictionaryArray, value: str) -> Flags:
    same = np.array([one == value for one in column.dictionary.to_pylist()], dtype=bool)
    found: Flags = same[codes(column)] if len(same) else np.zeros(len(column), dtype=bool)
    return found
