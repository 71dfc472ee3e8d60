"""A tutor asks questions, checks the answers, and makes them harder or easier; it cannot give the answer away.

A `Chat` remembers what was said, and `deps` carries what must not be lost or guessed: the level and the question that
is open. The solution is in the tool's data and never in the conversation, so that no wording gets it out of a model.
The instructions are a function of `deps`, made anew for every turn, so that a model speaks as the level asks for.

Needs: victor-core
Run: python docs/examples/verticals/education_quiz.py
Prints:
    Mia: Ask me the next question
      (level 1) What is 7 + 5?
    Mia: My answer is 12
      Right! The next one is harder.
    Mia: Next question please
      (level 2) What is 6 * 7?
    Mia: My answer is 40
      Not yet. Try once more.
    Mia: Answer: 41
      Not yet. We go on with an easier one.
    back at level 1
    the solution is in the conversation: False
"""

from __future__ import annotations

import csv
from pathlib import Path

from attrs import define

from victor.core import Limits, ToolContext, ToolError, Vertical

with (Path(__file__).parent / "data" / "arithmetic.csv").open(encoding="utf-8", newline="") as lines:
    QUESTIONS = [(int(row["level"]), row["question"], int(row["answer"])) for row in csv.DictReader(lines)]


@define
class Student:
    """Where a student stands."""

    name: str
    level: int = 1
    asked: int = -1
    tries: int = 0


def next_question(ctx: ToolContext) -> str:
    """Ask the next question of the quiz."""
    student: Student = ctx.deps
    fitting = [number for number, (level, _, _) in enumerate(QUESTIONS) if level == student.level]
    student.asked = next((number for number in fitting if number > student.asked), fitting[0])
    student.tries = 0
    return f"(level {student.level}) {QUESTIONS[student.asked][1]}"


def check_answer(answer: int, ctx: ToolContext) -> str:
    """Check the answer of the student."""
    student: Student = ctx.deps
    if student.asked < 0:
        raise ToolError("no question is open; ask the next question first")
    if answer == QUESTIONS[student.asked][2]:
        student.level = min(3, student.level + 1)
        return "Right! The next one is harder."
    student.tries += 1
    if student.tries < 2:
        return "Not yet. Try once more."
    student.level = max(1, student.level - 1)
    return "Not yet. We go on with an easier one."


def instructions(student: Student) -> str:
    """What a model is told, for this student at this level."""
    words = "short words" if student.level == 1 else "the words of a textbook"
    return f"You are the tutor of {student.name}. Use {words}. Never say the solution; ask and check with the tools."


TUTOR = Vertical(
    name="tutor",
    description="Asks questions and checks answers.",
    tools=(next_question, check_answer),
    limits=Limits(steps=4),
    attributes={"instructions": instructions},
)

if __name__ == "__main__":
    mia = Student("Mia")
    chat = TUTOR.agent(**TUTOR.attributes).chat(deps=mia)
    for said in (
        "Ask me the next question",
        "My answer is 12",
        "Next question please",
        "My answer is 40",
        "Answer: 41",
    ):
        print(f"{mia.name}: {said}\n  {chat.send_sync(said).output}")
    print("back at level", mia.level)
    print("the solution is in the conversation:", any("42" in message.content for message in chat.messages))
