"""What the commands show of a result."""

from __future__ import annotations

from typing import Any

import msgspec

from victor.teams.result import TeamResult, turns_in

__all__ = ["plain", "summary"]


def plain(result: TeamResult) -> dict[str, Any]:
    """A result as data for JSON."""
    data = msgspec.json.decode(msgspec.json.encode(result, enc_hook=str))
    output = data.pop("found", None)
    return {**data, "output": output if result.completed else None}


def summary(result: TeamResult) -> str:
    """A result in a line.

    Example:
        >>> from victor.teams.result import StopReason
        >>> summary(TeamResult(StopReason.MAX_TURNS, [], "200 turns"))
        'max_turns (200 turns): 0 turns'
    """
    parts = [turns_in(len(result.turns))]
    if result.usage.total_tokens:
        parts.append(f"{result.usage.total_tokens:,} tokens")
    if result.cost_usd:
        parts.append(f"${result.cost_usd:.4f}")
    if result.duration_s:
        parts.append(f"{result.duration_s:.1f} s")
    why = f" ({result.detail})" if result.detail else ""
    return f"{result.stop_reason.value}{why}: " + ", ".join(parts)
