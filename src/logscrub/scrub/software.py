"""The software behind hits: of each distinct pair of a user agent and client hints."""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from logscrub.cells import SEPARATOR
from logscrub.columns import Memo, codes, pack, relabel
from logscrub.enrich.client_hints import with_hints
from logscrub.enrich.user_agents import AgentClasses, Layer, classify
from logscrub.formats.records import encoded
from logscrub.rules import OwnBot
from logscrub.schemas import UNKNOWN
from logscrub.scrub.filters import is_agent
from logscrub.signals import decode_signals

_NO_BOT = ""
_LAYERS_OF_APPS = {Layer.TOOL, Layer.EMPTY_AGENT}
_HINTS = "\x1d"  # between an agent and its hints
_NOT_LOGGED = "\x1c"  # in place of an agent that was not


class Software:
    """Names the software of block after block; remembers answers for distinct values."""

    def __init__(self, own: Sequence[OwnBot] = ()) -> None:
        """Name software; `own` are the bots that the operator knows."""
        self._agents = Memo(functools.partial(_classes, own))

    def __call__(
        self, agent: pa.DictionaryArray, hints: pa.DictionaryArray, event: pa.DictionaryArray
    ) -> dict[str, pa.DictionaryArray]:
        """Columns `system`, `browser` and `bot` of hits.

        Args:
            agent: user agents, as records have them.
            hints: client hints of the same records.
            event: names of events of the same records.
        """
        sent = agent if hints.null_count == len(hints) else _with_hints(agent, hints)
        classes = self._agents(sent.dictionary)
        nothing = (SEPARATOR.join([UNKNOWN] * 3), SEPARATOR.join([UNKNOWN] * 2), _NO_BOT)
        labels = {
            name: relabel(sent, found, null)
            for name, found, null in zip(("system", "browser", "bot"), classes, nothing, strict=True)
        }
        return labels | {"bot": _without_apps(labels["bot"], event)}


def _with_hints(agent: pa.DictionaryArray, hints: pa.DictionaryArray) -> pa.DictionaryArray:
    """Each distinct pair of an agent and hints as one text."""
    agents = [*agent.dictionary.to_pylist(), _NOT_LOGGED]
    sent = [*hints.dictionary.to_pylist(), ""]
    of_agent, of_hints = codes(agent).astype(np.int64), codes(hints).astype(np.int64)
    _, first, row = np.unique(pack([of_agent, of_hints]), return_index=True, return_inverse=True)
    pairs = [f"{agents[of_agent[at]]}{_HINTS}{sent[of_hints[at]]}" for at in first]
    return encoded(pa.array(row.reshape(-1).astype(np.int32)), _strings(pairs))


def _without_apps(bot: pa.DictionaryArray, event: pa.DictionaryArray) -> pa.DictionaryArray:
    """Bots, without apps that tell of their use: they send events by a library, or without any agent."""
    if event.null_count == len(event):
        return bot
    kept = [
        label if label.rpartition(SEPARATOR)[2] not in _LAYERS_OF_APPS else _NO_BOT
        for label in bot.dictionary.to_pylist()
    ]
    is_event = event.is_valid().to_numpy(zero_copy_only=False)
    code = codes(bot) + np.where(is_event, np.int32(len(kept)), np.int32(0))
    return encoded(pa.array(code), pa.concat_arrays([bot.dictionary, _strings(kept)]))


def _classes(own: Sequence[OwnBot], distinct: list[str]) -> list[pa.Array]:
    """System, browser and bot of each agent, as hits hold them."""
    parts = [text.partition(_HINTS) for text in distinct]
    found = classify([None if agent == _NOT_LOGGED else agent for agent, _, _ in parts])
    if any(hints for _, _, hints in parts):
        found = with_hints(found, [dict(decode_signals(hints)) if hints else None for _, _, hints in parts])
    if own:
        found = _with_own(own, found, [agent for agent, _, _ in parts])
    systems = map(_joined, found.device, found.system, found.system_version)
    browsers = map(_joined, found.browser, found.browser_version)
    named = zip(found.purpose, found.bot, found.layer, strict=True)
    bots = (
        _joined(purpose, name, layer) if purpose and name and layer else _NO_BOT
        for purpose, name, layer in named
    )
    return [_strings(systems), _strings(browsers), _strings(bots)]


def _with_own(own: Sequence[OwnBot], found: AgentClasses, agents: Sequence[str]) -> AgentClasses:
    """Names in which the bots of the operator win; the first that fits counts."""
    mine = [next((bot for bot in own if is_agent(bot.user_agent, agent)), None) for agent in agents]
    return replace(
        found,
        bot=[bot.name if bot else name for bot, name in zip(mine, found.bot, strict=True)],
        purpose=[bot.purpose if bot else purpose for bot, purpose in zip(mine, found.purpose, strict=True)],
        layer=[Layer.CONFIGURED if bot else layer for bot, layer in zip(mine, found.layer, strict=True)],
    )


def _joined(*parts: str) -> str:
    return SEPARATOR.join(parts)


def _strings(values: Iterable[str | None]) -> pa.StringArray:
    return pa.array(values, pa.string())
