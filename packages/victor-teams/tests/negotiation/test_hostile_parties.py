"""Parties that fail or mean harm: contained and reported, and the others come to a result."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from victor.core.events import EventStream
from victor.core.redact import Redactor
from victor.teams.negotiation import NegotiationProtocol, NegotiationResult, Proposal, replay_record


class Good:
    def __init__(self, name: str) -> None:
        self.name = name

    def propose(self, topic: Any, context: Any, proposals: Sequence[Proposal]) -> str:
        return "soup"

    def vote(self, proposals: Sequence[Proposal]) -> str:
        return next(proposal.id for proposal in proposals if proposal.content == "soup")


class Bad(Good):
    """Misbehaves when it votes."""

    def __init__(self, act: Any) -> None:
        super().__init__("eve")
        self.act = act

    def vote(self, proposals: Sequence[Proposal]) -> Any:
        return self.act(proposals)


async def forever(*_: Any) -> Any:
    await asyncio.Event().wait()


async def deaf(*_: Any) -> Any:
    """Ignores its first cancellation."""
    for _unused in range(2):
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            continue


def blocked(*_: Any) -> Any:
    threading.Event().wait(60)


def cyclic(*_: Any) -> Any:
    loop: list[Any] = []
    loop.append(loop)
    return loop


class Trap:
    """Raises whenever it is looked at."""

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__attrs") or name == "__class__":
            raise RuntimeError("gotcha")
        return object.__getattribute__(self, name)


class TrapDict(dict[str, Any]):
    def items(self) -> Any:
        raise RuntimeError("gotcha")


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("gotcha")


class Endless(dict[str, Any]):
    def items(self) -> Any:
        return ((str(number), number) for number in itertools.count())


def raises(error: BaseException) -> Any:
    def act(_: Any) -> Any:
        raise error

    return act


async def cancels(_: Any) -> Any:
    raise asyncio.CancelledError


ACTS: dict[str, tuple[Any, str, str]] = {
    "never answers": (forever, "timeout", "no answer within 1 s"),
    "ignores its cancellation": (deaf, "timeout", "no answer within 1 s"),
    "blocks its thread": (blocked, "timeout", "no answer within 1 s"),
    "raises": (raises(ValueError("no idea")), "error", "ValueError: no idea"),
    "raises a long text": (raises(ValueError("x" * 10_000_000)), "error", "xxx..."),
    "raises StopIteration": (raises(StopIteration("stop")), "error", "StopIteration"),
    "wants to end the program": (raises(SystemExit("bye")), "error", "SystemExit"),
    "interrupts": (raises(KeyboardInterrupt()), "error", "KeyboardInterrupt"),
    "raises what cannot be printed": (raises(Unprintable()), "error", "Unprintable"),
    "answers an endless mapping": (lambda p: Endless(), "too_large", "more than 64,000 characters"),
    "answers a set of millions": (lambda p: set(range(1_000_000)), "too_large", "more than 64,000 characters"),
    "cancels itself": (cancels, "error", "cancelled itself"),
    "votes twice": (lambda p: [p[0].id, p[1].id], "invalid", "names 2 options where one is to be chosen"),
    "votes for what is not on the table": (lambda p: "9.9", "invalid", "'9.9' is not on the ballot"),
    "votes with a forged weight": (lambda p: {"choice": p[0].id, "weight": 1000}, "invalid", "'weight'"),
    "answers 10 MB": (lambda p: "x" * 10_000_000, "too_large", "more than 64,000 characters"),
    "answers 10 million items": (lambda p: [1] * 10_000_000, "too_large", "more than 64,000 characters"),
    "answers a huge number": (lambda p: 1 << 10_000_000, "too_large", "more than 600 digits"),
    "answers a long number": (lambda p: 10**5000, "too_large", "more than 600 digits"),
    "answers in circles": (cyclic, "too_large", "nested more than 32 levels"),
    "answers no data": (lambda p: object(), "invalid", "no plain data: object"),
    "answers NaN": (lambda p: float("nan"), "invalid", "nan"),
    "answers odd keys": (lambda p: {1: 2}, "invalid", "a key that is no text"),
    "answers a trap": (lambda p: TrapDict(a=1), "invalid", "cannot be read: RuntimeError"),
    "answers another trap": (lambda p: Trap(), "error", "gotcha"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ACTS)
async def test_the_others_agree_all_the_same(name: str) -> None:
    act, kind, text = ACTS[name]
    parties = [Good("ann"), Good("bob"), Bad(act), Good("cid")]
    other = Good("dan")
    other.propose = lambda *_: "rice"  # type: ignore[method-assign]
    result = await NegotiationProtocol(timeout_s=1 if kind == "timeout" else 60).negotiate([*parties, other], "lunch")
    assert result.agreement == "soup"
    assert [(problem.party, problem.what, problem.kind) for problem in result.problems] == [("eve", "vote", kind)]
    assert text in result.problems[0].text
    assert len(result.problems[0].text) < 700
    assert len(result.record.to_json()) < 50_000
    assert len(result.votes) == 4
    assert (await replay_record(result.record)).same


async def test_an_error_text_is_redacted() -> None:
    stream = EventStream(redactor=Redactor(values=["sk-123"]))
    result = await NegotiationProtocol(stream=stream).negotiate(
        [Good("a"), Good("b"), Bad(raises(ValueError("sk-123")))], "x"
    )
    assert "sk-123" not in result.problems[0].text


async def test_nobody_can_change_what_others_see() -> None:
    class Vandal(Good):
        def propose(self, topic: Any, context: Any, proposals: Any) -> Any:
            context.clear()
            topic.append("mine")
            return {"dish": "mud"}

        def vote(self, proposals: Any) -> Any:
            for proposal in proposals:
                if isinstance(proposal.content, dict):
                    proposal.content["dish"] = "gold"
            return proposals[0].id

    seen: list[Any] = []

    class Watching(Good):
        def propose(self, topic: Any, context: Any, proposals: Any) -> Any:
            seen.append((topic, context))
            return "soup"

        def vote(self, proposals: Any) -> Any:
            seen.append([proposal.content for proposal in proposals])
            return proposals[-1].id

    context = {"budget": [10]}
    result = await NegotiationProtocol(max_rounds=1).negotiate([Vandal("eve"), Watching("ann")], ["lunch"], context)
    assert seen == [(["lunch"], {"budget": [10]}), [{"dish": "mud"}, "soup"]]
    assert context == {"budget": [10]}
    assert result.record.topic == ["lunch"]


@pytest.mark.parametrize("party", [object(), 7, None])
async def test_parties_that_cannot_negotiate_at_all(party: Any) -> None:
    result = await NegotiationProtocol(max_rounds=1).negotiate([Good("ann"), Good("bob"), party], "lunch")
    assert result.agreement == "soup"
    assert {problem.kind for problem in result.problems} == {"unable"}
    assert "it has no method propose()" in result.problems[0].text


async def test_cancelling_a_negotiation_cancels_its_parties() -> None:
    cancelled = asyncio.Event()
    asked = asyncio.Event()

    class Waiting(Good):
        async def propose(self, *_: Any) -> Any:  # type: ignore[override]
            asked.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise

    task = asyncio.create_task(
        NegotiationProtocol(timeout_s=None, deadline_s=None).negotiate([Waiting("a"), Waiting("b")], "x")
    )
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(cancelled.wait(), 10)


async def test_a_proposal_that_is_too_large_leaves_its_party_without_one() -> None:
    class Flooding(Good):
        def propose(self, *_: Any) -> str:
            return "x" * 100

    result: NegotiationResult = await NegotiationProtocol(answer_limit=50).negotiate(
        [Flooding("eve"), Good("ann"), Good("bob")], "x"
    )
    assert result.agreement == "soup"
    assert [proposal.by for proposal in result.proposals] == [("ann", "bob")]
    assert result.problems[0].kind == "too_large"
