"""Patients tell what ails them: no diagnosis leaves the program, and an emergency needs no model.

The form has a validator that refuses words of diagnosis, so an answer that has some is sent back to the model with the
reason, and where it does not stop, there is no answer rather than a wrong one. Signs of an emergency are found by a
rule before anything else runs: what must never fail is no task for a model. A list of words finds what is on it; a real
desk has a longer one. The answers are scripted, and the script is one of a model that oversteps; set
`model="openai:gpt-5-mini"` to see one that may not.

Needs: victor-core
Run: python docs/examples/verticals/healthcare_intake.py
Prints:
    moderate, 3 days: Headache on one side, worse in bright light.
    moderate, 3 days: Headache on one side, worse in bright light. (corrected 1 time)
    no form after 2 answers; a nurse calls back
    call 112 now (chest pain); no model was asked
"""

from __future__ import annotations

import re
from typing import Any, Literal

from attrs import Attribute, field, frozen

from victor.core import OutputError, Vertical
from victor.core.testing import ScriptedModel

EMERGENCY = re.compile(r"chest pain|cannot breathe|unconscious|stroke|bleeding heavily", re.IGNORECASE)
DIAGNOSIS = re.compile(r"\b(flu|migraine|infection|diagnos\w+|probably|you have|take \d+)\b", re.IGNORECASE)


def no_diagnosis(_form: object, attribute: Attribute[str], value: str) -> None:
    """Refuse what only a doctor may say."""
    if found := DIAGNOSIS.search(value):
        raise ValueError(f"{attribute.name} says {found[0]!r}; write what the patient reports, and no diagnosis")


@frozen
class Intake:
    """What a nurse reads before the visit."""

    reports: str = field(validator=no_diagnosis)
    since_days: int
    severity: Literal["mild", "moderate", "severe"]


INTAKE = Vertical(
    name="intake",
    description="Writes down what a patient reports.",
    instructions="Write down what the patient reports, in their words. No diagnosis, no advice.",
    attributes={"output_type": Intake, "output_retries": 1},
)


def take_in(message: str, *answers: str) -> str:
    """What becomes of a message; the answers are those of the scripted model."""
    if found := EMERGENCY.search(message):
        return f"call 112 now ({found[0]}); no model was asked"
    model = ScriptedModel(list(answers))
    changes: dict[str, Any] = {**INTAKE.attributes, "model": model}
    try:
        form: Intake = INTAKE.agent(**changes).run_sync(message).output
    except OutputError:
        return f"no form after {len(model.requests)} answers; a nurse calls back"
    corrected = f" (corrected {len(model.requests) - 1} time)" if len(model.requests) > 1 else ""
    return f"{form.severity}, {form.since_days} days: {form.reports}{corrected}"


GOOD = '{"reports": "Headache on one side, worse in bright light.", "since_days": 3, "severity": "moderate"}'
OVERSTEPS = '{"reports": "Probably migraine.", "since_days": 3, "severity": "moderate"}'

if __name__ == "__main__":
    headache = "For three days my head hurts on one side, and light makes it worse."
    print(take_in(headache, GOOD))
    print(take_in(headache, OVERSTEPS, GOOD))
    print(take_in(headache, OVERSTEPS, OVERSTEPS))
    print(take_in("I have chest pain since this morning"))
