"""An answer that breaks a rule of yours goes back to the model, with the reason, until it fits.

A schema says that a field is a text; it cannot say that a subject line must not shout or that two dates must be in
order. Raise `ValueError` in the type (`__attrs_post_init__`, a validator, a pydantic validator) and the model is told
your words. The script shows two bad drafts and a good one; then a model that never learns, which is an `OutputError`
and no bad letter.

Needs: victor-core
Run: python docs/examples/agents/intermediate/self_correction.py
Prints:
    user: Open days, 2 and 3 May
    assistant: {"subject":"COME ALL!","begins":"2026-05-02","ends":"2026-05-03"}
    user: - $: the subject is in capitals; write it as a sentence Answer again, with nothing but JSON that fits the
        schema.
    assistant: {"subject":"Open days of the tea shop","begins":"2026-05-02","ends":"2026-04-03"}
    user: - $: it ends on 2026-04-03, before it begins on 2026-05-02 Answer again, with nothing but JSON that fits the
        schema.
    assistant: {"subject":"Open days of the tea shop","begins":"2026-05-02","ends":"2026-05-03"}
    Invitation(subject='Open days of the tea shop', begins=datetime.date(2026, 5, 2), ends=datetime.date(2026, 5, 3))
    OutputError: agent 'agent': no usable answer from scripted in 2 attempts: Your answer does not have the required
        form: the answer is not right:
    - $: the subject is in capitals; write it as a sentence
    its last answer: {"subject":"COME ALL!","begins":"2026-05-02","ends":"2026-05-03"}
"""

from __future__ import annotations

from datetime import date

from attrs import frozen

from victor.core import Agent, OutputError
from victor.core.testing import ScriptedModel


@frozen
class Invitation:
    """A mail that invites people."""

    subject: str
    begins: date
    ends: date

    def __attrs_post_init__(self) -> None:
        if len(self.subject) > 40:
            raise ValueError(f"the subject has {len(self.subject)} characters; at most 40 are shown on a phone")
        if self.subject.isupper():
            raise ValueError("the subject is in capitals; write it as a sentence")
        if self.ends < self.begins:
            raise ValueError(f"it ends on {self.ends}, before it begins on {self.begins}")


SHOUTS = {"subject": "COME ALL!", "begins": "2026-05-02", "ends": "2026-05-03"}
BACKWARDS = {"subject": "Open days of the tea shop", "begins": "2026-05-02", "ends": "2026-04-03"}
GOOD = {"subject": "Open days of the tea shop", "begins": "2026-05-02", "ends": "2026-05-03"}

if __name__ == "__main__":
    model = ScriptedModel([SHOUTS, BACKWARDS, GOOD])
    writer = Agent("Write invitations.", model=model, output_type=Invitation, output_retries=2)
    result = writer.run_sync("Open days, 2 and 3 May")
    for message in result.messages[1:]:
        told = [line for line in message.content.splitlines() if line.startswith("- ")]
        print(f"{message.role}: {told[0] if told else message.content}")
    print(result.output)

    stubborn = Agent(
        "Write invitations.", model=ScriptedModel(SHOUTS, repeat=True), output_type=Invitation, output_retries=1
    )
    try:
        stubborn.run_sync("Open days, 2 and 3 May")
    except OutputError as error:
        print("OutputError:", error)
        print("its last answer:", error.text)
