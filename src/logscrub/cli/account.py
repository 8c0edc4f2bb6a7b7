"""The account of a run: what became of every line, for its operator alone."""

import json
from collections import Counter

from logscrub.cli.summary import NOT_WRITTEN
from logscrub.engine import RunResult


def account(result: RunResult) -> str:
    """The account as JSON: what became of every line; all of `lines` add up to its `total`."""
    tally = result.tally
    duplicate = sum(d.lines for d in result.plan.duplicates)
    left_alone = sum(d.held_hits for d in result.days if d.status in NOT_WRITTEN)
    counted = sum(d.hits + d.bot_hits for d in result.days)
    lines = {
        "counted": counted,
        "withheld": tally.withheld,
        "out_of_dates": tally.unfinished + tally.out_of_dates + left_alone,
        "filtered": tally.filtered,
        "under_k": sum(tally.kept.values()) - counted - left_alone,
        "blank": tally.blank,
        "duplicate": duplicate,
        "rejected": tally.rejects,
    }
    content = {
        "total": tally.lines + duplicate,
        "lines": lines,
        "days": {
            d.date: {
                "status": d.status.value,
                "counted": d.hits + d.bot_hits,
                "held": d.held_hits,
                "held_bytes": d.held_bytes,
            }
            for d in result.days
        },
        "bots": _bots(result),
        "rejected": json.loads(tally.to_json())["rejected"],
        # A value of such a field joins so many others that it is no person's: not_joined leaves it out.
        "shared_ids": list(result.shared_ids),
        "inputs": {
            **{p.path: p.reason.value for p in result.plan.problems},
            **{path: reason.value for path, reason in tally.problems.items()},
            **{d.path: f"duplicate of {d.original}" for d in result.plan.duplicates if not d.is_itself},
        },
    }
    return json.dumps(content, indent=2) + "\n"


def _bots(result: RunResult) -> dict[str, dict[str, float]]:
    """Hits of bots by the layer that told them, and their share of all hits that were followed."""
    layers = sum((Counter(day.bot_layers) for day in result.days), Counter())
    followed = sum(result.tally.kept.values())
    return {
        layer: {"hits": hits, "share": round(hits / followed, 6)} for layer, hits in sorted(layers.items())
    }
