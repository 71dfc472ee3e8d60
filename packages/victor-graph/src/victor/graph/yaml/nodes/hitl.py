"""``type: hitl``: a person is asked, and the run waits for the answer, for a minute or a month."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Final, Literal

from attrs import frozen

from victor.core.topology import NodeKind
from victor.graph.yaml.context import CheckContext, NodeContext, WorkflowRunError
from victor.graph.yaml.spec import key

__all__ = ["TIMED_OUT", "HumanNode", "RejectedError"]

_YES: Final = frozenset({"yes", "y", "true", "approve", "approved", "ok", "1"})
_NO: Final = frozenset({"no", "n", "false", "reject", "rejected", "deny", "0"})

TIMED_OUT: Final = {"timed_out": True}
"""The answer that says that nobody answered in time; the node then does what its ``fallback`` says."""


class RejectedError(WorkflowRunError):
    """A person said no, or nobody answered in time, and the node's file says to stop then.

    What to do: change what the person was shown, or give the node a way for a no.

    Attributes:
        node: The id of the node that asked.
    """

    def __init__(self, message: str, *, node: str = "") -> None:
        super().__init__(message)
        self.node = node


@frozen
class HumanNode:
    """Asks a person. The run stops until it is resumed with an answer.

    ``approval`` and ``confirmation`` give true or false (and stop the run on a no, unless ``on_reject`` says
    otherwise), ``choice`` one of the choices, ``input`` what was typed, ``review`` a mapping of ``approved`` and
    ``comment``.
    """

    prompt: str = key("what is asked; a template", required=True)
    hitl_type: Literal["approval", "input", "review", "choice", "confirmation"] = key("what kind of answer", "approval")
    context_keys: list[str] = key("names of the context to show with the question", [])
    choices: list[str] = key("of a choice: the answers allowed", [])
    default_value: Any = key("the answer taken by fallback: default")
    wait_seconds: float | None = key("how long whoever runs the workflow waits; without it, without end")
    fallback: Literal["abort", "continue", "default", "skip"] = key("what happens when nobody answers in time", "abort")
    on_reject: Literal["abort", "continue"] = key("what a no to an approval does", "abort")

    templates: ClassVar[tuple[str, ...]] = ("prompt",)
    kind: ClassVar[NodeKind] = "human"

    def check(self, context: CheckContext) -> Iterable[tuple[str, str]]:
        """Choices that are missing or too many, unknown names."""
        if (self.hitl_type == "choice") != bool(self.choices):
            yield "choices", "'choices' belong to hitl_type: choice, which needs at least one"
        if self.hitl_type == "choice" and self.default_value is not None and self.default_value not in self.choices:
            yield "default_value", f"{self.default_value!r} is none of the choices: {', '.join(self.choices)}"
        if self.fallback == "default" and self.default_value is None:
            yield "fallback", "fallback: default needs a default_value"
        for index, name in enumerate(self.context_keys):
            said = context.known(name)
            if said is not None:
                yield f"context_keys[{index}]", said

    async def run(self, context: NodeContext) -> Any:
        """Ask until the answer is one that can be used."""
        from victor.graph.interrupts import interrupt

        question: dict[str, Any] = {
            "node": context.id,
            "type": self.hitl_type,
            "prompt": context.text("prompt"),
            "context": {name: context.values.get(name) for name in self.context_keys},
        }
        if self.choices:
            question["choices"] = list(self.choices)
        if self.wait_seconds is not None:
            question["wait_seconds"] = self.wait_seconds
        while True:
            answer = interrupt(question)
            if answer == TIMED_OUT:
                return self._nobody_answered(context)
            problem, value = self._read(answer)
            if problem is None:
                break
            question = {**question, "problem": problem}
        if self.hitl_type in {"approval", "confirmation"} and value is False and self.on_reject == "abort":
            raise RejectedError(f"node {context.id!r}: not approved", node=context.id)
        return value

    def _nobody_answered(self, context: NodeContext) -> Any:
        if self.fallback == "abort":
            raise RejectedError(f"node {context.id!r}: nobody answered within {self.wait_seconds} s", node=context.id)
        return self.default_value

    def _read(self, answer: Any) -> tuple[str | None, Any]:
        """What is wrong with an answer, or None; and its value."""
        if self.hitl_type == "input":
            return None, answer
        if self.hitl_type == "choice":
            if answer in self.choices:
                return None, answer
            number = str(answer).strip()
            if number.isdecimal() and 1 <= int(number) <= len(self.choices):
                return None, self.choices[int(number) - 1]
            return f"answer one of: {', '.join(self.choices)}", None
        comment = ""
        verdict = answer
        if isinstance(answer, dict):
            verdict, comment = answer.get("approved"), str(answer.get("comment", ""))
        if not isinstance(verdict, bool):
            word = str(verdict).strip().lower()
            if self.hitl_type == "review" and word not in _YES | _NO and not isinstance(answer, dict):
                return None, {"approved": False, "comment": str(answer)}
            if word not in _YES | _NO:
                return "answer yes or no", None
            verdict = word in _YES
        if self.hitl_type == "review":
            return None, {"approved": verdict, "comment": comment}
        return None, verdict
