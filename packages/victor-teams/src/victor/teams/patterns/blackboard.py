"""A board that all can read: whoever can add something does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from victor.teams.checks import names_a_member, positive
from victor.teams.errors import TeamError
from victor.teams.pattern import Pattern
from victor.teams.quoting import as_said

if TYPE_CHECKING:
    from victor.core.topology import Topology
    from victor.teams.member import Member
    from victor.teams.session import Session

__all__ = ["Blackboard", "Offer"]


@frozen
class Offer:
    """What a member could add to the board.

    Args:
        value: How much it would help, from 0 (nothing to add) to 10.
        what: What it would add, in a sentence.
        solved: True when the board holds the whole solution.
    """

    value: int
    what: str = ""
    solved: bool = False


@frozen
class Blackboard(Pattern):
    """In each round every member looks at the board and says what it could add; the best offer (of equal ones the first
    member's) is carried out and written on the board. It ends when nobody has anything to add, or a majority says that
    the task is solved; then the editor writes the answer from the board.

    The architecture is that of Hearsay-II (Erman et al., "The Hearsay-II Speech-Understanding System", 1980).

    Args:
        editor: Who writes the answer; without one the answer is the whole board.
        rounds: Entries at most.
    """

    editor: str = ""
    rounds: int = 12

    name = "blackboard"
    sees = "none"

    def __attrs_post_init__(self) -> None:
        positive("blackboard.rounds", self.rounds)

    def check(self, members: Mapping[str, Member]) -> list[str]:
        """See `Pattern.check`."""
        problems = names_a_member("blackboard.editor", self.editor, members, needed=False)
        return [*problems, "there is nobody who writes on the board"] if {*members} == {self.editor} else problems

    async def run(self, session: Session) -> str:
        """See `Pattern.run`."""
        writers = [name for name in session.members if name != self.editor]
        board: list[str] = session.state.setdefault("board", [])
        for _ in range(self.rounds):
            view = self._view(session, board)
            offers = await session.ask_all(
                writers, f"{view}\n\nWhat could you add, and how much would it help?", output_type=Offer
            )
            given = [turn for turn in offers if turn.ok]
            if not given:
                raise TeamError("nobody looked at the board: " + "; ".join(f"{t.member}: {t.error}" for t in offers))
            solved = sum(turn.data.solved for turn in given)
            best = max(given, key=lambda turn: turn.data.value)  # the first of equals
            if 2 * solved > len(given) or best.data.value <= 0:
                break
            turn = await session.ask(best.member, f"{view}\n\nAdd this to the board: {best.data.what}")
            if turn.ok:
                board.append(as_said(turn.member, turn.text))
        return await self._answer(session, board)

    async def _answer(self, session: Session, board: list[str]) -> str:
        if not board:
            raise TeamError("nobody wrote on the board")
        if not self.editor:
            return "\n\n".join(board)
        turn = await session.ask(self.editor, f"{self._view(session, board)}\n\nWrite the answer from the board.")
        if not turn.ok:
            raise TeamError(f"the editor {self.editor!r} wrote no answer: {turn.error}")
        return turn.text

    def _view(self, session: Session, board: list[str]) -> str:
        return f"The task: {session.task}\n\nThe board:\n" + ("\n".join(board) or "(empty)")

    def conclude(self, session: Session) -> str:
        """What is on the board."""
        return "\n\n".join(session.state.get("board", ()))

    def topology(self, members: Mapping[str, Member]) -> Topology:
        """See `Pattern.topology`."""
        from victor.core.topology import Edge, Node, Topology
        from victor.teams.picture import node_of

        edges = [Edge(name, "board", "writes", "dashed") for name in members if name != self.editor]
        if self.editor:
            edges.append(Edge("board", self.editor, "reads"))
        return Topology([Node("board", kind="data"), *(node_of(member) for member in members.values())], edges)
