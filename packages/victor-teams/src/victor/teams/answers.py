"""The one door through which every member's answer comes, before it counts and before it is recorded.

Whoever answers (an agent, a function, a person, a team, somebody in another process), what it says is brought into the
form that was asked for and into what a record can hold, or it is no answer: then the member has failed, and the team's
policy says what comes of that. What is recorded can therefore be read again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from victor.core.message import Usage
from victor.teams.errors import MemberError

if TYPE_CHECKING:
    from victor.teams.member import Reply

__all__ = ["decoded", "fitting_text", "plain", "taken", "told_use"]

_MOST_COUNTED = 2**53
"""No member has used more than that; beyond it a record would not be exact."""
_LONGEST_NAME = 1_000


def plain(value: Any) -> Any:
    """What JSON cannot say by itself: pydantic models; the rest by its text, so that no turn is ever lost."""
    dump = getattr(value, "model_dump", None)
    return dump(mode="json", by_alias=True) if dump is not None else str(value)


_encode = msgspec.json.Encoder(enc_hook=plain).encode


def fitting_text(text: str, most: int | None, what: str = "the answer") -> tuple[str, str]:
    r"""A text as it is recorded, and what was noticed about it.

    Args:
        text: The text.
        most: Characters at most; None for no limit.
        what: What to call it.

    Example:
        >>> fitting_text("a river", 3)
        ('a r', 'the answer had 7 characters; kept are the first 3')
        >>> fitting_text("half an emoji: \ud83d", None)
        ('half an emoji: \ufffd', 'the answer had halves of characters; they were replaced')
    """
    note = ""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
            note = f"{what} had halves of characters; they were replaced"
    if most is not None and len(text) > most:
        cut = f"{what} had {len(text):,} characters; kept are the first {most:,}"
        return text[:most], f"{note}; {cut}" if note else cut
    return text, note


def taken(reply: Reply, form: Any, member: str, most: int | None) -> tuple[str, Any, str | None, str]:
    """Text, value and handoff of an answer as they are recorded, and what was noticed.

    Args:
        reply: The answer.
        form: The form that was asked for; ``str`` for plain text.
        member: Whose it is.
        most: Characters of the text, and of the value as JSON; None for no limit.

    Raises:
        MemberError: It is no such answer.
    """
    text: Any = reply.text
    if not isinstance(text, str):
        raise MemberError(f"the text of its Reply must be a str, not {type(text).__name__}", member=member)
    handoff: Any = reply.handoff
    if handoff is not None:
        if not isinstance(handoff, str) or not handoff or len(handoff) > _LONGEST_NAME:
            raise MemberError(f"the handoff of its Reply must name a member, not {handoff!r:.100}", member=member)
        handoff, _ = fitting_text(handoff, None)
    data = reply.data
    whole = text
    text, note = fitting_text(text, most)
    if form is not str:
        if data is None and whole == text:
            data = decoded(form, text, "the answer", member)
        elif data is None:
            raise MemberError(f"the answer does not have the required form: {note}", member=member)
        else:
            data = _in_form(form, data, member, most)
    elif data is not None:
        told = _json(data, member)
        if most is not None and len(told) > most:
            data, told_note = None, f"its value had {len(told):,} characters as JSON and was not kept"
            note = f"{note}; {told_note}" if note else told_note
    return text, data, handoff, note


def decoded(form: Any, text: str, what: str, member: str) -> Any:
    """The value that an answer in words stands for.

    Args:
        form: What was asked for.
        text: The answer.
        what: What to call it.
        member: Whose it is.

    Raises:
        MemberError: It does not have that form.
    """
    from victor.core.output import Output
    from victor.core.schema import DecodeProblems

    try:
        return Output(form).decode(text)
    except (DecodeProblems, RecursionError) as error:
        raise MemberError(f"{what} does not have the required form: {error}", member=member) from error


def told_use(reply: Reply) -> tuple[Usage, float | None, int, int, str]:
    """What a reply says that it used, as it is counted: usage, cost, tokens, turns; and what is wrong with it.

    A count that is no finite number of at least 0 is not counted; with it a member could switch a budget off.
    """
    usage: Any = reply.usage
    cost: Any = reply.cost_usd
    tokens: Any = reply.tokens
    turns: Any = reply.turns
    wrong: list[str] = []
    if type(usage) is not Usage or not _are_counts(usage):
        wrong.append(f"usage {usage!r:.200}")
        usage = Usage(0, 0)
    if cost is not None and not _is_amount(cost):
        wrong.append(f"cost_usd {cost!r:.50}")
        cost = 0.0
    if tokens is None:
        tokens = usage.total_tokens or 0
    elif type(tokens) is not int or not 0 <= tokens <= _MOST_COUNTED:
        wrong.append(f"tokens {tokens!r:.50}")
        tokens = usage.total_tokens or 0
    if type(turns) is not int or not 0 <= turns <= _MOST_COUNTED:
        wrong.append(f"turns {turns!r:.50}")
        turns = 0
    told = f"what it says that it used cannot be: {', '.join(wrong)}" if wrong else ""
    return usage, cost, tokens, turns, told


def _are_counts(usage: Usage) -> bool:
    read, written = usage.input_tokens, usage.output_tokens
    try:  # the sign and the size of the largest, of all at once
        union: object = (
            (0 if read is None else read)
            | (0 if written is None else written)
            | usage.cache_read_tokens
            | usage.cache_write_tokens
            | usage.reasoning_tokens
            | usage.requests
        )
    except TypeError:
        return False
    return type(union) is int and 0 <= union < _MOST_COUNTED


def _is_amount(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return 0 <= value <= _MOST_COUNTED and math.isfinite(value)


def _json(value: Any, member: str) -> bytes:
    try:
        return _encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise MemberError(f"its answer holds what cannot be recorded: {error}", member=member) from error


def _in_form(form: Any, data: Any, member: str, most: int | None) -> Any:
    """A value in the form that was asked for, as it will be when it is read from a record again."""
    from victor.core.schema import DecodeProblems, decode

    told = _json(data, member)
    if most is not None and len(told) > most:
        raise MemberError(
            f"the answer has {len(told):,} characters as JSON; TeamLimits.turn_chars allows {most:,}", member=member
        )
    if not isinstance(form, Mapping):
        try:
            return decode(form, told, what="the answer")
        except DecodeProblems:  # it may be words for the value, or {"value": ...} around it
            pass
    return decoded(form, data if isinstance(data, str) else told.decode(), "the answer", member)
