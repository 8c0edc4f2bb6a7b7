"""Which signals a record carries: in its own column of signals, its URLs and its cookies.

Only distinct values are looked at, and of URLs and cookies only those in which an expression finds a name of
the catalogue.
"""

import functools
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import unquote_plus

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.native.lines import marked_lines
from logscrub.privacy.signal_values import Said, say
from logscrub.signals import UNREADABLE, URL, Catalogue, Signal, decode_signals

_QUERY_MARK = re.compile("[?;#]")
_BETWEEN = re.compile("[&;#]")
_KEPT = 100_000
_TAIL = 3  # bytes of a name by which it is told
_LOWER = 0x20  # the bit that tells small letters from capitals

Sent = Iterator[tuple[Signal, str]]


class SignalFinder:
    """Finds what the signals of records say, and remembers it; threads may share one."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._columns: Mapping[str, tuple[str, str | None, Callable[[str], Said]]] = {
            "signals": ("", None, self._remembered(self._of_column)),
            "target": ("=", catalogue.query_expression, self._remembered(self._of_url)),
            "referrer": ("=", catalogue.query_expression, self._remembered(self._of_url)),
            "cookie": ("", catalogue.cookie_expression, self._remembered(self._of_cookies)),
        }

    def find(self, records: pa.RecordBatch) -> Iterator[tuple[list[Said], npt.NDArray[np.int64]]]:
        """What is said in each place, and to which of it each record refers.

        Args:
            records: dictionaries of strings in the columns `signals` (as `encode_signals` makes them),
                `target`, `referrer` and `cookie`.

        Yields:
            What is said, the last of it nothing; int64 position in it for each record.
        """
        for name, (mark, expression, read) in self._columns.items():
            column = records.column(name)
            chosen = _chosen(column, mark, expression)
            if chosen is not None and len(chosen):
                said = [read(text) for text in column.dictionary.take(pa.array(chosen)).to_pylist()]
                yield [*said, Said()], _positions(column, chosen, len(said))

    def _of_column(self, text: str) -> Sent:
        for name, value in decode_signals(text):
            if name == URL:
                yield from self._of_url(value)
                continue
            signal = self._catalogue.by_name.get(name)
            yield (signal, value) if signal else (self._catalogue.by_name["child"], UNREADABLE)

    def _of_url(self, url: str) -> Sent:
        start = _QUERY_MARK.search(url)
        for part in _BETWEEN.split(url[start.end() :]) if start else ():
            while part:
                before, equals, value = part.partition("=")
                # Some hosts put another question mark between parameters, which may stand in a value too.
                name = unquote_plus(before.rpartition("?")[2]).strip().lower().removesuffix("[]")
                found = self._catalogue.query.get(name) if equals else None
                if found:
                    yield self._catalogue.by_name[found], unquote_plus(value)
                part = value.partition("?")[2]  # noqa: PLW2901

    def _of_cookies(self, header: str) -> Sent:
        for part in header.split(";"):
            name, _, value = part.strip().partition("=")
            found = self._catalogue.cookie.get(name.strip().lower())
            if found:
                yield self._catalogue.by_name[found], unquote_plus(value.strip().strip('"'))

    @staticmethod
    def _remembered(sent: Callable[[str], Sent]) -> Callable[[str], Said]:
        return functools.lru_cache(_KEPT)(lambda text: say(sent(text)))


def may_carry(text: pa.Array, catalogue: Catalogue) -> npt.NDArray[np.bool_]:
    r"""Whether lines (strings) may carry a signal in a URL, or an escape as `\x63` that may hide one."""
    found = pc.match_substring_regex(text, rf"{catalogue.query_expression}|\\x[0-9a-f]{{2}}")
    return np.asarray(found.to_numpy(zero_copy_only=False), np.bool_)


def lines_that_may_carry(
    data: bytes | memoryview, catalogue: Catalogue
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    r"""Find the lines that may carry a signal in a URL, or an escape as `\x63` that may hide one.

    Names are told by their last bytes, which is faster than an expression, and finds some others too.

    Args:
        data: lines of a log, URLs as they were sent.
        catalogue: the signals.

    Returns:
        Where each begins, and where it ends behind its newline; other lines carry none for certain.
    """
    return marked_lines(data, _tails(catalogue))


@functools.lru_cache(maxsize=16)
def _tails(catalogue: Catalogue) -> npt.NDArray[np.uint32]:
    """The last bytes of the names of parameters as numbers; of a shorter name with any byte before."""
    tails: set[int] = set()
    for name in catalogue.query:
        known = bytes(byte | _LOWER for byte in name.encode()[-_TAIL:])
        before = itertools.product(range(256), repeat=_TAIL - len(known))
        tails |= {int.from_bytes(bytes(byte | _LOWER for byte in first) + known, "big") for first in before}
    return np.array(sorted(tails), np.uint32)


def _chosen(column: pa.DictionaryArray, mark: str, expression: str | None) -> npt.NDArray[np.int64] | None:
    """Places of the distinct values that may carry a signal; None where there is no value."""
    if column.null_count == len(column):
        return None
    distinct = column.dictionary
    if expression is None:
        return np.flatnonzero(distinct.is_valid().to_numpy(zero_copy_only=False))
    # Most URLs have no query: to see that is cheaper than an expression.
    marked = pc.match_substring(distinct, mark).fill_null(False).to_numpy(zero_copy_only=False)
    asked = np.flatnonzero(marked)
    found = pc.match_substring_regex(distinct.take(pa.array(asked)), expression)
    chosen: npt.NDArray[np.int64] = asked[found.to_numpy(zero_copy_only=False)]
    return chosen


def _positions(column: pa.DictionaryArray, chosen: npt.NDArray[np.int64], none: int) -> npt.NDArray[np.int64]:
    table = np.full(len(column.dictionary) + 1, none, np.int64)
    table[chosen] = np.arange(len(chosen))
    positions: npt.NDArray[np.int64] = table[pc.fill_null(column.indices.cast(pa.int64()), -1).to_numpy()]
    return positions
