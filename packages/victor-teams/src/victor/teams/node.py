"""``type: team``: a team as one step of a workflow.

It is registered with the hook ``victor_register_node_types``, so the type exists in workflow files when this package is
installed, and neither package knows of the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import msgspec
from attrs import frozen

from victor.core.errors import VictorError
from victor.core.topology import NodeKind
from victor.teams.errors import TeamError
from victor.teams.result import StopReason
from victor.teams.yaml.spec import key

__all__ = ["TeamNode"]


@frozen
class TeamNode:
    """A team does this step: its task is the goal with the inputs, and its answer is the output."""

    team: str = key("the team: file.yaml#name beside this file, or package.module:team", required=True)
    goal: str = key("the team's task; a template", required=True)
    max_turns: Annotated[int, msgspec.Meta(ge=1)] | None = key("turns at most, instead of the team's own limit")
    max_cost_usd: Annotated[float, msgspec.Meta(gt=0)] | None = key("US dollars at most")
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = key("tokens at most")
    result: str = key("what becomes the output: answer, transcript, or all (answer, transcript, turns, cost)", "answer")

    templates: ClassVar[tuple[str, ...]] = ("goal",)
    kind: ClassVar[NodeKind] = "team"

    def check(self, context: Any) -> Iterable[tuple[str, str]]:
        """Teams that cannot be found or made."""
        if self.result not in {"answer", "transcript", "all"}:
            yield "result", f"is one of answer, transcript, all; not {self.result!r}"
        try:
            self._team(context.folder)
        except VictorError as error:
            yield "team", str(error)

    async def run(self, context: Any) -> Any:
        """Let the team work. Where it waits for a person the workflow waits too; then the team goes on where it was."""
        task = _task(context.text("goal"), context.inputs)
        done: dict[str, Any] = {}
        answers: dict[str, str] = {}
        while True:
            work = partial(self._part, context, task, done.get("state"), dict(answers))
            step = getattr(context, "step", None)
            done = await (work() if step is None else step("team", work))
            if "output" in done:
                return done["output"]
            for question in done["questions"]:
                answers[question["id"]] = _said(context.ask({**question, "node": context.id, "type": "input"}))

    async def _part(self, context: Any, task: str, state: Any, answers: dict[str, str]) -> dict[str, Any]:
        """The team's work up to its end or to the next questions, as a checkpoint can hold it."""
        from copy import copy

        from msgspec.structs import replace

        team = copy(self._team(context.check.folder))  # it holds the record of its last run, and may be anybody's
        wanted = {"turns": self.max_turns, "cost_usd": self.max_cost_usd, "tokens": self.max_tokens}
        limits = replace(team.limits, **{name: value for name, value in wanted.items() if value is not None})
        if state is not None:
            team.load_state(state)
        result = await team.run(task, limits=limits, answers=answers)
        if result.stop_reason is StopReason.WAITING and hasattr(context, "ask"):
            return {"state": team.save_state(), "questions": msgspec.to_builtins(result.questions)}
        if not result.completed:
            raise TeamError(
                f"node {context.id!r}: the team {team.name!r} ended without an answer ({result.stop_reason.value}): "
                f"{result.detail}"
            )
        if self.result == "transcript":
            return {"output": result.transcript()}
        if self.result == "all":
            return {"output": {
                "answer": result.output, "transcript": result.transcript(), "turns": len(result.turns),
                "cost_usd": result.cost_usd,
            }}  # fmt: skip
        return {"output": result.output}

    def _team(self, folder: Path | None) -> Any:
        from victor.core.import_strings import load_object
        from victor.teams.team import Team
        from victor.teams.yaml.load import load_team

        place = self.team.partition("#")[0]
        if place.endswith((".yaml", ".yml")):
            return load_team(str((folder or Path()) / self.team))
        found = load_object(self.team, folder)
        if callable(found) and not isinstance(found, Team):
            found = found()
        if not isinstance(found, Team):
            raise TeamError(f"{self.team!r} is a {type(found).__name__}, not a Team")
        return found


def _said(answer: Any) -> str:
    """What somebody answered, as a person would have typed it."""
    return answer if isinstance(answer, str) else msgspec.json.encode(answer).decode()


def _task(goal: str, inputs: dict[str, Any]) -> str:
    from victor.core.tool import render_result

    parts = [goal, *(f"<{name}>\n{render_result(value)}\n</{name}>" for name, value in inputs.items())]
    return "\n\n".join(parts)
