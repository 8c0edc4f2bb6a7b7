"""How well the known formats fit the beginnings of files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logscrub.formats.mixed import has_no_time, left_over, split_by_time, text_of
from logscrub.formats.prefixes import PREFIXES, Prefix, prefixed_lines, strip
from logscrub.formats.records import RECORDS, TEXT, BoolArray, Format, Int64Array, Parsed, are_given
from logscrub.formats.registry import FORMATS
from logscrub.text.blocks import Block, line_starts
from logscrub.text.joined import Joined, Piece, join

PICKED = 200
"""Lines of a file that are parsed to rank the formats, at most."""

FEW = 12
"""Lines by which formats that do not fit at all are told, at most."""

_RARE_SHARE, _RARE_LINES = 0.01, 2  # a field that fewer of the records of a file have is by chance
_PREFIX_SHARE = 0.05  # share of these that have a prefix, where it is looked behind
_COUNTED = [field.name for field in RECORDS if field.type == TEXT or field.name == "duration"]


@dataclass(frozen=True)
class Fit:
    """How a format fits lines.

    Attributes:
        name: the format.
        lines: how many are not blank.
        share: of the lines that are not blank, how many have a time and a field beside it (0 to 1).
        score: captured fields, the time included, over the lines that are not blank; fields that few records
            have do not count.
        requests: share of lines with a time and an address or a target.
        whole: share of lines with a time, an address and a target.
    """

    name: str
    lines: int
    share: float
    score: float
    requests: float
    whole: float


def rank(texts: Sequence[bytes]) -> list[list[Fit]]:
    """Rank the formats, with and without prefix, that fit any line of each text; the best first.

    Of a text, lines that begin with `#` and others at even distances are parsed, `PICKED` at most. Of equals
    the first in `FORMATS` goes first. Formats behind a prefix that lines have go before those that fit no
    more lines with it: some of these take a prefix for a host, an address or a user.
    """
    ranked = _rank(texts)
    few = _joined([pick(text, FEW) for text in texts])
    for prefix in PREFIXES:
        having = _with_prefix(few, prefix)
        inside = [bytes(strip(Block(texts[at], 0), prefix).data) for at in having]
        for at, fits in zip(having, _rank(inside, prefix), strict=True):
            ranked[at] = _merged(fits, ranked[at])
    return ranked


def pick(text: bytes, lines: int) -> bytes:
    """Give so many lines at even distances, beside all lines that begin with `#`: what they say may count."""
    if text.count(b"\n") <= lines:
        return text
    starts = line_starts(Block(text, 0))
    even = np.arange(lines) * len(starts) // lines
    directives = np.flatnonzero(np.frombuffer(text, np.uint8)[starts] == ord("#"))
    return text_of(text, starts, np.union1d(even, directives))


def is_whole(text: bytes) -> bool:
    """Whether all lines of a text are parsed to rank the formats."""
    return text.count(b"\n") <= PICKED


def _measure(known: Format, texts: Sequence[bytes]) -> list[Fit]:
    """Tell how a format fits each of several texts."""
    return [fit for joined, parsed in _parsed(known, texts) for fit in _fits(known.name, joined, parsed)]


def _measure_some(known: Format, texts: Sequence[bytes], at: Sequence[int], all_joined: Joined) -> list[Fit]:
    """The same for some of the texts, all of which are joined already."""
    if len(at) < len(texts) or known.has_directives:
        return _measure(known, [texts[one] for one in at])
    return _fits(known.name, all_joined, known.parse(all_joined.block))


def read(known: Format, texts: Sequence[bytes]) -> list[tuple[Fit, bytes]]:
    """Tell how a format fits texts, and give the lines of each in which it finds no time, or nothing."""
    found: list[tuple[Fit, bytes]] = []
    for joined, parsed in _parsed(known, texts):
        left = [b""] * len(joined.pieces)
        for piece, lines in joined.places(left_over(parsed.rejected, split_by_time(parsed.records)[1])):
            data = bytes(piece.block.data)
            left[piece.number] = text_of(data, line_starts(Block(data, 0)), lines)
        found += zip(_fits(known.name, joined, parsed), left, strict=True)
    return found


def _merged(behind: list[Fit], plain: list[Fit]) -> list[Fit]:
    """Rank formats behind a prefix and others together, both of which are ranked."""
    if behind and behind[0].share >= max((fit.share for fit in plain), default=0.0):
        return [*behind, *plain]
    return sorted([*plain, *behind], key=_best_first)


def _best_first(fit: Fit) -> float:
    return -fit.score


def _rank(texts: Sequence[bytes], prefix: Prefix | None = None) -> list[list[Fit]]:
    """Rank the formats, all behind one prefix that was taken off; those that fit no line are left out.

    Formats that fit none of a few lines are not tried on more, unless none fits any.
    """
    if not texts:
        return []
    picked = [pick(text, PICKED) for text in texts]
    few = [pick(text, FEW) for text in texts]
    together, few_joined = b"\n".join(picked), _joined(few)
    fitting: list[dict[str, Fit]] = [{} for _ in texts]
    tried: list[set[str]] = [set() for _ in texts]
    for known in FORMATS:
        if known.mark and not known.mark.search(together):
            continue
        marked = [at for at, text in enumerate(picked) if not known.mark or known.mark.search(text)]
        for at, fit in zip(marked, _measure_some(known, few, marked, few_joined), strict=True):
            tried[at].add(known.name)
            if fit.share:
                fitting[at][known.name] = fit
    again = [at for at in range(len(texts)) if len(few[at]) < len(picked[at])]
    for at in again:
        tried[at] = set(fitting[at]) or tried[at]
        fitting[at] = {}
    for known in FORMATS:
        wanted = [at for at in again if known.name in tried[at]]
        for at, fit in zip(wanted, _measure(known, [picked[at] for at in wanted]), strict=True):
            if fit.share:
                fitting[at][known.name] = fit
    return [sorted((_behind(prefix, fit) for fit in fits.values()), key=_best_first) for fits in fitting]


def _behind(prefix: Prefix | None, fit: Fit) -> Fit:
    return replace(fit, name=f"{prefix.name}:{fit.name}") if prefix else fit


def _with_prefix(joined: Joined, prefix: Prefix) -> list[int]:
    """Give the indexes of the texts of which enough lines have a prefix."""
    have = np.append(0, np.cumsum(prefixed_lines(joined.block, prefix)))
    bounds = np.minimum(joined.first_lines, len(have) - 1)
    share = np.diff(have[bounds]) / np.maximum(np.diff(bounds), 1)
    found: list[int] = np.flatnonzero(share >= _PREFIX_SHARE).tolist()
    return found


def _joined(texts: Sequence[bytes]) -> Joined:
    return join([Piece(at, Block(text, 0)) for at, text in enumerate(texts)])


def _parsed(known: Format, texts: Sequence[bytes]) -> Iterator[tuple[Joined, Parsed]]:
    """Parse texts: as one block, or each for itself where lines mean what lines before them say.

    To read many small ones one by one would take fifty times as long.
    """
    if known.has_directives:
        for text in texts:
            yield (alone := _joined([text])), known.parse(alone.block)
    elif texts:
        yield (together := _joined(texts)), known.parse(together.block)


def _fits(name: str, joined: Joined, parsed: Parsed) -> list[Fit]:
    """How well each piece fits."""
    first = joined.first_lines
    bounds = np.searchsorted(parsed.records.column("line").to_numpy(), first)
    lines = np.diff(bounds) + np.diff(np.searchsorted(parsed.rejected, first))
    columns = captured_columns(parsed.records)
    timed = ~has_no_time(parsed.records)

    def of_pieces(rows: BoolArray) -> Int64Array:
        return np.diff(np.append(0, np.cumsum(rows & timed))[bounds])

    records, address, target = of_pieces(timed), columns["address"], columns["target"]
    counts = np.stack([of_pieces(column) for column in columns.values()])
    # A line with one value more is an odd line, not another format.
    enough = np.minimum(records, np.maximum(_RARE_LINES, _RARE_SHARE * records))
    fields = records + np.where(counts >= enough, counts, 0).sum(axis=0)
    fitting = of_pieces(np.any(np.stack(list(columns.values())), axis=0))
    sums = [fitting, fields, of_pieces(address | target), of_pieces(address & target)]
    shares = np.stack(sums) / np.maximum(lines, 1)
    figures = zip(lines.tolist(), shares.T.tolist(), strict=True)
    return [Fit(name, number, *of_piece) for number, of_piece in figures]


def captured_columns(records: pa.RecordBatch) -> dict[str, BoolArray]:
    """Which records have each of the columns by which formats are compared."""
    have = {name: records.column(name).to_numpy() > 0 for name in ("status", "bytes")}
    have |= {name: are_given(records.column(name)) for name in _COUNTED}
    have["target"] = have["target"] & ~_are_nothing(records.column("target"))
    return have


def _are_nothing(column: pa.DictionaryArray) -> BoolArray:
    """Tell where an application says that there was no request: Nextcloud does so by `--`."""
    nothing = pc.equal(column.dictionary, "--").take(column.indices).fill_null(False)
    result: BoolArray = nothing.to_numpy(zero_copy_only=False)
    return result
