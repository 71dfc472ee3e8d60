"""Applications are read blind, ranked by three criteria that vote, and checked for fairness by swapping the names.

Fairness is made by leaving things out: lines with a label that tells who somebody is are removed before any model sees
the text (what free text gives away, a person has to black out), and the form (`output_type`) has no place for them.
Three reviewers rank by one criterion each, and Schulze's rule makes one order of three. The check at the end is
counterfactual: with other names, ages and genders the outcome must be the same, to the last place. Whom to invite stays
with people; this only says in which order to read.

Needs: victor-core, victor-teams
Run: python docs/examples/verticals/hr_screening.py
Prints:
    what a model sees: Years of experience: 6
      the criteria vote:
        skills: cv-1 = cv-3 > cv-2
        experience: cv-1 = cv-2 > cv-3
        languages: cv-2 > cv-1 > cv-3
    to be read in this order: cv-1, cv-2, cv-3
      the criteria vote:
        skills: cv-1 = cv-3 > cv-2
        experience: cv-1 = cv-2 > cv-3
        languages: cv-2 > cv-1 > cv-3
    the same for other people: True
"""

from __future__ import annotations

import re
from pathlib import Path

from attrs import frozen

from victor.core import Limits, Vertical
from victor.teams.voting import vote

FOLDER = Path(__file__).parent / "data"
HIDDEN = re.compile(r"^(name|date of birth|age|gender|photo|nationality|address).*\n", re.IGNORECASE | re.MULTILINE)
WANTED = {"Python", "SQL", "Linux"}


@frozen
class Application:
    """What counts, and nothing else."""

    years_of_experience: int
    skills: list[str]
    languages: list[str]


SCREENING = Vertical(
    name="screening",
    description="Reads applications without looking at who wrote them.",
    instructions="Fill in the form from the application.",
    limits=Limits(steps=3, cost_usd=0.02),
    attributes={"output_type": Application},
)


def read(text: str) -> Application:
    """Let an agent read an application from which all that tells the person is gone."""
    application: Application = SCREENING.agent(**SCREENING.attributes).run_sync(HIDDEN.sub("", text)).output
    return application


def ranking(texts: dict[str, str]) -> tuple[str, ...]:
    """The applications in the order in which to read them."""
    forms = {key: read(text) for key, text in texts.items()}
    criteria = {
        "skills": lambda form: len(WANTED & set(form.skills)),
        "experience": lambda form: min(form.years_of_experience, 5),  # more would stand in for age
        "languages": lambda form: len(form.languages),
    }
    ballots = {}
    for name, points in criteria.items():
        levels: dict[int, list[str]] = {}
        for key, form in forms.items():
            levels.setdefault(points(form), []).append(key)
        ballots[name] = " > ".join(" = ".join(levels[level]) for level in sorted(levels, reverse=True))
    print("  the criteria vote:", *(f"{name}: {ballot}" for name, ballot in ballots.items()), sep="\n    ")
    left = list(texts)
    order: list[str] = []
    while left:
        kept = {name: " > ".join(_without(ballot, order)) for name, ballot in ballots.items()}
        result = vote(kept, rule="schulze", options=left, tie_break="declared")
        order.append(str(result.winner))
        left.remove(order[-1])
    return tuple(order)


def _without(ballot: str, gone: list[str]) -> list[str]:
    groups = [[key for key in group.split(" = ") if key not in gone] for group in ballot.split(" > ")]
    return [" = ".join(group) for group in groups if group]


if __name__ == "__main__":
    texts = {file.stem: file.read_text(encoding="utf-8") for file in sorted(FOLDER.glob("cv-*.txt"))}
    print("what a model sees:", HIDDEN.sub("", texts["cv-1"]).splitlines()[0])
    order = ranking(texts)
    print("to be read in this order:", ", ".join(order))
    people = ["Name: Jo Doe\nDate of birth: 1 March 1975\n", "Name: Lu Wei\nAge: 23\n", "Gender: female\n"]
    swapped = {key: person + HIDDEN.sub("", text) for (key, text), person in zip(texts.items(), people, strict=True)}
    print("the same for other people:", ranking(swapped) == order)
