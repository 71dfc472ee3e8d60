"""Notices that a team goes round in circles."""

from __future__ import annotations

from victor.teams.result import Turn

__all__ = ["LoopDetector", "same_words"]

_LONGEST_CYCLE = 4


def same_words(text: str) -> str:
    """A text as it is compared with others: letter case and white space do not count.

    Example:
        >>> same_words("  Ulm,  ULM ")
        'ulm, ulm'
    """
    return " ".join(text.casefold().split())


class LoopDetector:
    """Finds members that go through the same answers again and again.

    A member is in a loop when its last turns are ``repeats`` times the same sequence of up to four turns, each with the
    same prompt and the same words. Letter case and white space do not count. A choice or another answer in a form may
    come again and again as long as somebody says something new in words meanwhile: who gives out the work is in no loop
    while the work gets on.

    Args:
        repeats: How often the sequence may be gone through.

    Example:
        >>> loops = LoopDetector(3)
        >>> [loops.saw(Turn(str(n), "ann", "Done.")) for n in range(3)]
        ['', '', "'ann' has given the same answer 3 times: 'Done.'"]
    """

    def __init__(self, repeats: int) -> None:
        self.repeats = repeats
        self._said: dict[str, list[int]] = {}
        self._news = 0

    def saw(self, turn: Turn) -> str:
        """Look at a turn; returns what the loop is, or ``""``."""
        said = self._said.setdefault(turn.member, [])
        if turn.data is not None:
            said.append(hash((turn.prompt, turn.error, same_words(turn.text), self._news)))
        else:
            one = hash((turn.prompt, turn.error, same_words(turn.text)))
            self._news += one not in said
            said.append(one)
        for length in range(1, _LONGEST_CYCLE + 1):
            span = length * self.repeats
            if len(said) < span:
                break
            if said[-1] != said[-1 - length]:
                continue
            if all(said[-index - 1] == said[-index - 1 - length] for index in range(span - length)):
                what = "the same answer" if length == 1 else f"the same {length} answers"
                words = repr((turn.text or turn.error)[:100])
                return f"{turn.member!r} has given {what} {self.repeats} times: {words}"
        if len(said) > _LONGEST_CYCLE * self.repeats * 2:
            del said[: -_LONGEST_CYCLE * self.repeats]
        return ""
