"""What a party's answer to ``vote`` says, however it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from victor.teams.voting.ballot import BallotForm

__all__ = ["ballot_schema", "read_vote", "reason_of", "withdraws"]


def withdraws(value: Any) -> bool:
    """Whether a party leaves."""
    return isinstance(value, Mapping) and value.get("action") == "withdraw"


def reason_of(value: Mapping[str, Any]) -> str:
    """The reason in an answer, ``""`` where there is none."""
    reason = value.get("reason")
    return reason if isinstance(reason, str) else ""


def read_vote(value: Any) -> tuple[Any, str]:
    """Ballot and reason: of a `Vote`, of the proposal itself, or of what the rule takes.

    Example:
        >>> read_vote({"selected_proposal": "1.1", "reason": "cheap", "voter": ""})
        ('1.1', 'cheap')
        >>> read_vote([{"id": "1.2", "content": "rice"}, "1.1"])
        (['1.2', '1.1'], '')
    """
    if isinstance(value, Mapping):
        if "selected_proposal" in value:
            return read_vote(value["selected_proposal"])[0], reason_of(value)
        if "id" in value and "content" in value:
            return value["id"], ""
        return value, reason_of(value)
    if isinstance(value, list):
        return [read_vote(one)[0] for one in value], ""
    return value, ""


def ballot_schema(form: BallotForm) -> dict[str, Any]:
    """The schema of an agent's answer: a `Vote` for rules of one choice, otherwise a ballot of the rule's kind."""
    if form.kind != "choice":
        return form.schema()
    return {
        "title": "vote",
        "type": "object",
        "properties": {
            "selected_proposal": {"enum": [*form.options, None], "description": "an id, or null to abstain"},
            "reason": {"type": "string", "description": "why, in one sentence"},
        },
        "required": ["selected_proposal", "reason"],
        "additionalProperties": False,
    }
