"""Text formats to RE2 expressions, and to the layout of the delimited plan."""

import re
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass

from logscrub.formats.delimited import Layout, Piece
from logscrub.formats.pattern import CUT_OFF, name_groups
from logscrub.formats.times import CLF_PATTERN
from logscrub.native.lines import MAX_COLUMNS, Number, Template

ANY = ".*?"
"""RE2 for what ends where the text after it begins."""

STATUS, SIZE = r"\d{1,4}|-", r"-?\d{1,18}|-"
"""RE2 for the numbers of most lines: the status of a response, and its bytes."""

_NUMBERS = {STATUS: Number(4), SIZE: Number(18, may_be_negative=True)}
_SEEN = frozenset({"address", "time", "request", "method", "target", "path"})
_NOT_THESE = re.compile(r"\[\^[^\]]*\]")
_UNQUOTED = '[^"]*?'
_UNESCAPED = r'(?:[^"\\]|\\.)*'


@dataclass(frozen=True)
class Value:
    """A value in a line.

    Attributes:
        column: one of the names that `access.Captured` knows, or `time`; "" is read over, never captured.
        expression: RE2 without groups for what it may be.
        rank: of values for one column, the lowest counts.
        key: name of the cookie that it is the value of.
    """

    column: str
    expression: str = ANY
    rank: int = 0
    key: str = ""


Part = str | Value


@dataclass(frozen=True)
class _Token:
    """A part with the name of its group."""

    text: str
    value: Value | None = None

    @property
    def is_quote(self) -> bool:
        return self.value is None and self.text == '"'


def layout(parts: Sequence[Part]) -> Layout | None:
    """Compile a format to the delimited plan; None where its lines have no pairs of quotes."""
    if any(isinstance(part, Value) and '"' in _NOT_THESE.sub("", part.expression) for part in parts):
        return None
    head, *pieces = _between_quotes(_tokens(parts))
    if not pieces or len(pieces) % 2:
        return None
    timed = _ends_with_time(head)
    if timed:
        head = [*head[:-3], _Token(head[-3].text.removesuffix(" ["))]
    if len(pieces) >= MAX_COLUMNS:
        return None
    columns = Counter(part.column for part in parts if isinstance(part, Value))
    alone = {name for name in ("status", "bytes") if columns[name] == 1}
    return Layout(_strict(head), timed, tuple(_piece(piece, {*alone, ""}) for piece in pieces))


def strict(parts: Sequence[Part]) -> str:
    """Compile a format to the expression of lines that are whole and have no stray quotes.

    It fits the same lines as the delimited plan, and takes the same values out of them.
    """
    return rf"(?s)\A{_strict(_tokens(parts))}\z"


def lenient(parts: Sequence[Part]) -> tuple[str, ...]:
    r"""Compile a format to the expressions of lines with something odd, the odder the later.

    A quoted value ends at the first quote after which the rest of the line fits: as servers write `\"` for a
    quote, this is the closing one. Values after address, time and request (and what follows the request up to
    the next quote) may be missing from the end. The last quoted value may be cut off; text after it is
    read over, as the forwarded address of nginx's `main` in a file that is read as combined. Last come the
    lines where another quoted value is cut off.
    """
    needed, optional = _needed_and_optional(_units(_tokens(parts)))
    start = rf"(?s)\A{_lenient(needed)}"
    if not optional:
        return (rf"{start} *\z",)
    quoted = [at for at, unit in enumerate(optional) if any(token.is_quote for token in unit)]
    found = []
    if not quoted or quoted[-1] < len(optional) - 1:
        found.append(rf"{start}{''.join(map(_lenient, optional))} *\z")
    last = quoted[-1] if quoted else None
    found.append(rf"{start}{_nested(optional, last)} *\z")
    if len(quoted) > 1 or (quoted and quoted[-1] < len(optional) - 1):
        found.append(rf"{start}{_cut_off(optional)}\z")
    return tuple(found)


def _tokens(parts: Sequence[Part]) -> list[_Token]:
    """Literal text is cut at quotes."""
    names = iter(name_groups([part.column for part in parts if isinstance(part, Value)]))
    tokens = []
    for part in parts:
        if isinstance(part, Value):
            tokens.append(_Token(next(names), part))
        else:
            tokens += [_Token(text) for text in re.split('(")', part) if text]
    return tokens


def _between_quotes(tokens: Sequence[_Token]) -> list[list[_Token]]:
    pieces: list[list[_Token]] = [[]]
    for token in tokens:
        if token.is_quote:
            pieces.append([])
        else:
            pieces[-1].append(token)
    return pieces


def _ends_with_time(head: Sequence[_Token]) -> bool:
    before, time, after = [*[_Token("")] * 3, *head][-3:]
    is_clf = time.value is not None and time.text == "time" and time.value.expression == CLF_PATTERN
    return is_clf and before.value is None and before.text.endswith(" [") and after.text == "] "


def _piece(tokens: Sequence[_Token], numbers: Set[str]) -> Piece:
    if len(tokens) == 1 and tokens[0].value is not None and tokens[0].value.expression == ANY:
        return Piece(tokens[0].text)
    return Piece(None, _strict(tokens), *_numbers(tokens, numbers))


def _numbers(tokens: Sequence[_Token], numbers: Set[str]) -> tuple[Template, tuple[str, ...]]:
    """A piece as a template, and the names of its numbers; nothing where it has other values."""
    values = [token for token in tokens if token.value is not None]
    if not values or not all(_is_number(token, numbers) for token in values):
        return (), ()
    template = [
        token.text.encode() if token.value is None else _NUMBERS[token.value.expression] for token in tokens
    ]
    return tuple(template), tuple(token.text for token in values)


def _is_number(token: _Token, numbers: Set[str]) -> bool:
    return token.value is not None and token.value.expression in _NUMBERS and token.text in numbers


def _strict(tokens: Sequence[_Token]) -> str:
    """No value holds a quote, and what is read up to the text after it does not hold its first character."""
    texts = []
    for at, token in enumerate(tokens):
        if token.value is None:
            texts.append(re.escape(token.text))
            continue
        after = tokens[at + 1] if at + 1 < len(tokens) else None
        expression = token.value.expression.replace("[^ ", '[^ "').replace(ANY, _UNQUOTED)
        if token.value.expression == ANY and after is not None and after.is_quote:
            expression = '[^"]*'
        texts.append(_group(token.text, expression))
    return "".join(texts)


def _group(name: str, expression: str) -> str:
    return f"(?P<{name}>{expression})" if name else f"(?:{expression})"


def _lenient(tokens: Sequence[_Token]) -> str:
    return "".join(
        re.escape(token.text) if token.value is None else _group(token.text, token.value.expression)
        for token in tokens
    )


def _units(tokens: Sequence[_Token]) -> list[list[_Token]]:
    """What lines end after when they end too early: a value, or a pair of quotes, with what leads to it."""
    units: list[list[_Token]] = [[]]
    quoted = False
    for token in tokens:
        quoted ^= token.is_quote
        if token.value is None and not quoted and not token.is_quote and " " in token.text:
            before, _, after = token.text.rpartition(" ")
            units[-1] += [_Token(before)] if before else []
            units.append([_Token(" " + after)])
        else:
            units[-1].append(token)
    return [unit for unit in units if unit]


def _needed_and_optional(units: list[list[_Token]]) -> tuple[list[_Token], list[list[_Token]]]:
    held = [{token.text for token in unit if token.value is not None} for unit in units]
    seen = [at for at, names in enumerate(held) if names & _SEEN]
    last = max(seen, default=len(units) - 1)
    quoted = [any(token.is_quote for token in unit) for unit in units]
    if any(quoted):
        while last + 1 < len(units) and not quoted[last + 1]:
            last += 1
    return [token for unit in units[: last + 1] for token in unit], units[last + 1 :]


def _nested(optional: Sequence[Sequence[_Token]], last: int | None) -> str:
    """Units that may be missing from the end, and text after the last."""
    rest = "(?: .*)?" if last is None else ""
    for at in reversed(range(len(optional))):
        unit = _last_quoted(optional[at], rest) if at == last else _lenient(optional[at]) + rest
        rest = f"(?:{unit})?"
    return rest


def _last_quoted(unit: Sequence[_Token], rest: str) -> str:
    lead, value, close = _around_value(unit)
    if value is None:
        return f"{_lenient(unit)}{rest}(?: .*)?"
    closed = f"{_group(value.text, _UNESCAPED)}{close}{rest}(?: .*)?"
    cut_off = _group(value.text and value.text + CUT_OFF, ".*?") + '"?'
    return f"{lead}(?:{closed}|{cut_off})"


def _cut_off(optional: Sequence[Sequence[_Token]]) -> str:
    """Units of which the last that is there ends before its closing quote."""
    rest = ""
    for unit in reversed(optional):
        lead, value, close = _around_value(unit)
        if value is None:
            rest = f"(?:{_lenient(unit)}{rest})?"
            continue
        whole = f"{_group(value.text, '.*?')}{close}{rest}"
        rest = f"(?:{lead}(?:{whole}|{_group(value.text and value.text + CUT_OFF, _UNESCAPED)}))?"
    return rest


def _around_value(unit: Sequence[_Token]) -> tuple[str, _Token | None, str]:
    """What stands before a value in quotes, the value, and the rest; None where that is not all."""
    quotes = [at for at, token in enumerate(unit) if token.is_quote]
    first = quotes[0] + 1 if quotes else 0
    value = unit[first] if first < len(unit) else _Token("")
    if quotes != [first - 1, first + 1] or value.value is None or value.value.expression != ANY:
        return "", None, ""
    return _lenient(unit[:first]), value, _lenient(unit[first + 1 :])
