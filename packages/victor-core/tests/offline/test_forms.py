"""Output types filled from a text."""

from __future__ import annotations

from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest
from attrs import field, frozen

from victor.core.agent import Agent
from victor.core.errors import OutputError
from victor.core.models.offline import OfflineModel
from victor.core.models.offline.schema_fill import NotFound, Source, fill

INVOICE = """# Invoice 2026-17

**Invoice number**: 4711
**Customer**: Ada Lovelace
Due date: 3 March 2026
Paid: no

| Item | Quantity | Price |
|---|--:|--:|
| Tea | 3 | 3.50 |
| Honey | 1 | 12.00 |

Total: 1,250.50 EUR

Questions? Write to billing@example.org.
"""
MEETING = """---
title: Weekly sync
---
Attendees: Ada, Bob and Cleo

We decided to ship the parser on 2026-04-01. The importer is slow and fails on large files.

## Action items

- Ada writes the release notes
- Bob must fix the importer

## Open questions

Who tests the installer?
"""


def ask(text: str, type_: Any, prompt: str = "Read this document:", **options: Any) -> Any:
    return Agent(model=OfflineModel(), output_type=type_, **options).run_sync(f"{prompt}\n\n{text}").output


@frozen
class Line:
    item: str
    quantity: int
    price: float


@frozen
class Invoice:
    title: str
    invoice_number: int
    customer: str
    due_date: date
    total: float
    paid: bool
    email: str
    lines: list[Line]
    discount: float | None = None


def test_an_invoice() -> None:
    assert ask(INVOICE, Invoice) == Invoice(
        title="Invoice 2026-17",
        invoice_number=4711,
        customer="Ada Lovelace",
        due_date=date(2026, 3, 3),
        total=1250.5,
        paid=False,
        email="billing@example.org",
        lines=[Line("Tea", 3, 3.5), Line("Honey", 1, 12.0)],
    )


@frozen
class Minutes:
    title: str
    attendees: list[str]
    action_items: list[str]
    questions: list[str]
    decisions: list[str]
    risks: list[str]
    dates: list[str]
    summary: str = field(metadata={})


def test_minutes() -> None:
    found = ask(MEETING, Minutes, "Summarise in one sentence:")
    assert found.title == "Weekly sync"
    assert found.attendees == ["Ada", "Bob", "Cleo"]
    assert found.action_items == ["Ada writes the release notes", "Bob must fix the importer"]
    assert found.questions == ["Who tests the installer?"]
    assert found.decisions == ["We decided to ship the parser on 2026-04-01."]
    assert found.risks == ["The importer is slow and fails on large files."]
    assert found.dates == ["2026-04-01"]
    assert found.summary == "We decided to ship the parser on 2026-04-01."


class Kind(Enum):
    INVOICE = "invoice"
    MEETING = "meeting"
    OTHER = "other"


def test_enums_literals_and_wrapped_values() -> None:
    assert ask(INVOICE, Kind) is Kind.INVOICE
    assert ask(MEETING, Kind) is Kind.MEETING
    assert ask("Zebra umbrella.", Kind) is Kind.OTHER
    assert ask("I love it, great!", Literal["positive", "negative"]) == "positive"
    assert ask("A cow, two dogs.", list[str], "Extract keywords:") == ["cow", "dogs"]
    assert ask("It took 17 minutes.", int, "How many minutes did it take?") == 17


@frozen
class Report:
    title: str
    summary: str
    category: Literal["guide", "report", "other"]
    keywords: list[str]
    word_count: int
    has_code: bool
    confidence: float | None = None


@pytest.mark.parametrize("text", ["", "   \n", "#", "```\ncode only\n```", "|a|b|\n|-|-|", "x" * 5000, "1 2 3"])
def test_a_pipeline_survives_a_document_that_says_nothing(text: str) -> None:
    found = ask(text, Report)
    assert isinstance(found, Report)
    assert found.category == "other"


def test_an_empty_document_is_empty_and_not_about_the_prompt() -> None:
    for prompt in ("Summarise and classify this document:", "Process the document below:", "Document:"):
        found = ask("", Report, prompt)
        assert (found.title, found.summary, found.keywords, found.word_count) == ("", "", [], 0)


def test_an_answer_that_is_given_as_one_is_taken_as_it_stands() -> None:
    """Where a text says ``answer: ...``, as a tool's result does, nothing is looked for that sounds like one."""
    schema = {"type": "object", "properties": {"answer": {"type": "string"}}}
    assert fill(schema, Source("When it opens is not said.\nanswer: at nine", "When does it open?")) == {
        "answer": "at nine"
    }


def test_a_missing_number_is_refused_and_never_made_up() -> None:
    @frozen
    class Price:
        price: float

    with pytest.raises(OutputError) as caught:
        ask("The tea is hot and green.", Price)
    assert "price: number" in caught.value.text
    assert "not a language model" in caught.value.text


def test_a_decision_without_a_sign_is_refused() -> None:
    with pytest.raises(OutputError):
        ask("Zebra umbrella.", Literal["APPROVE", "REJECT"])


def filled(text: str, task: str = "", /, **properties: Any) -> Any:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return fill(schema, Source(text, task))


STRING = {"type": "string"}
CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("# T\n\nThe author is Ada.", {"title": STRING}, {"title": "T"}),
    ("Just a sentence about the weather today. More.", {"title": STRING}, {"title": "Just a sentence about the weather today"}),
    ("Written by Grace Hopper in 1952.", {"author": STRING}, {"author": "Grace Hopper"}),
    ("Status: done", {"status": STRING}, {"status": "done"}),
    ("The color is blue.", {"color": STRING}, {"color": "blue"}),
    ("Mail a@b.org and c@d.org", {"emails": {"type": "array", "items": STRING}}, {"emails": ["a@b.org", "c@d.org"]}),
    ("See https://x.org.", {"url": {"type": "string", "format": "uri"}}, {"url": "https://x.org"}),
    ("On 2026-03-01T10:00:00Z it rained.", {"at": {"type": "string", "format": "date-time"}}, {"at": "2026-03-01T10:00:00Z"}),
    ("It rained on 5 May 2025.", {"day": {"type": "string", "format": "date"}}, {"day": "2025-05-05"}),
    ("Rating: 4 of 5", {"rating": {"type": "integer"}}, {"rating": 4}),
    ("The house costs 250,000 EUR.", {"price": {"type": "number"}}, {"price": 250000}),
    ("It is 12 km long and 3 km wide.", {"width_km": {"type": ["number", "null"]}, "length": {"type": ["number", "null"]}},
     {"width_km": 3, "length": 12}),
    ("It weighs 80 kg.", {"age": {"type": ["integer", "null"]}}, {"age": None}),
    ("Please reply as soon as possible!", {"is_urgent": {"type": "boolean"}}, {"is_urgent": True}),
    ("Have a nice day.", {"is_urgent": {"type": "boolean"}}, {"is_urgent": False}),
    ("The pump is not broken.", {"broken": {"type": "boolean"}}, {"broken": False}),
    ("The pump is broken.", {"is_broken": {"type": "boolean"}}, {"is_broken": True}),
    ("Refundable: yes", {"refundable": {"type": "boolean"}}, {"refundable": True}),
    ("I love this, it is great.", {"sentiment": STRING}, {"sentiment": "positive"}),
    ("Le chat est sur la table et les enfants sont dans le jardin.", {"language": STRING}, {"language": "French"}),
    ("One two three. Four.", {"word_count": {"type": "integer"}, "sentence_count": {"type": "integer"}},
     {"word_count": 4, "sentence_count": 2}),
    ("# A\n\n## B\n", {"headings": {"type": "array", "items": STRING}}, {"headings": ["A", "B"]}),
    ("## Ingredients\n\n- flour\n- salt\n", {"ingredients": {"type": "array", "items": STRING}}, {"ingredients": ["flour", "salt"]}),
    ("Colors: red, green and blue", {"colors": {"type": "array", "items": STRING}}, {"colors": ["red", "green", "blue"]}),
    ("Scores: 1, 2 and 3", {"scores": {"type": "array", "items": {"type": "integer"}}}, {"scores": [1, 2, 3]}),
    ("Name: Ada\nCity: Oslo", {"person": {"type": "object", "properties": {"name": STRING, "city": STRING}, "required": ["name", "city"]}},
     {"person": {"name": "Ada", "city": "Oslo"}}),
    ("Red: 3\nBlue: 4", {"counts": {"type": "object", "additionalProperties": {"type": "integer"}}}, {"counts": {"red": 3, "blue": 4}}),
    ("Tea and cake.", {"topics": {"type": "array", "items": {"type": "string", "enum": ["tea", "coffee", "cake"]}}},
     {"topics": ["tea", "cake"]}),
    ("abc", {"fixed": {"const": "v1"}}, {"fixed": "v1"}),
    ("abc", {"level": {"type": "integer", "default": 3}}, {"level": 3}),
    ("abc", {"note": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}, {"note": None}),
    ("Priority: high", {"priority": {"enum": ["low", "high"]}}, {"priority": "high"}),
    ("Stars: 4", {"stars": {"enum": [1, 2, 3, 4, 5]}}, {"stars": 4}),
    ("Invoice 17. For: Ada. Total: 1,250.50 EUR", {"total": {"type": "number"}}, {"total": 1250.5}),
    ("The total is 12.75, shipping is 4.", {"total": {"type": "number"}}, {"total": 12.75}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "properties", "expected"), CASES, ids=[str(list(case[1])) + case[0][:20] for case in CASES]
)
def test_fields(text: str, properties: dict[str, Any], expected: dict[str, Any]) -> None:
    assert filled(text, **properties) == expected


def test_descriptions_say_how_long_and_which_labels() -> None:
    text = "# Pump\n\nThe pump moves heat from the ground. It saves power every day. Owners like the pump because it is quiet."
    one = filled(text, summary={"type": "string", "description": "Summary in one sentence"})
    assert one["summary"] == "The pump moves heat from the ground."
    two = filled(text, key_points={"type": "array", "items": STRING, "description": "2 key points"})
    assert len(two["key_points"]) == 2
    label = filled("The app crashes.", kind={"type": "string", "description": "one of: bug, feature"})
    assert label["kind"] == "bug"
    short = filled(text, summary={"type": "string", "maxLength": 20})
    assert 0 < len(short["summary"]) <= 20


def test_references_and_optional_fields() -> None:
    schema = {
        "$ref": "#/$defs/Doc",
        "$defs": {
            "Doc": {
                "type": "object",
                "properties": {"owner": {"$ref": "#/$defs/Person"}, "price": {"type": "number"}},
                "required": ["owner"],
            },
            "Person": {"type": "object", "properties": {"name": STRING}, "required": ["name"]},
        },
    }
    assert fill(schema, Source("Name: Ada")) == {"owner": {"name": "Ada"}}


@pytest.mark.parametrize("instructions", ["", "Answer from the text alone. Where it does not say, answer null."])
def test_instructions_do_not_hide_what_a_question_asks(instructions: str) -> None:
    @frozen
    class Answer:
        answer: str | None

    text = "A card costs 12 EUR a year.\n\nThe shop is closed on Mondays."
    agent = Agent(instructions, model=OfflineModel(), output_type=Answer)
    assert agent.run_sync(f"How much does a card cost?\n\n{text}").output.answer == "A card costs 12 EUR a year."
    assert agent.run_sync(f"Who is the director?\n\n{text}").output.answer is None


def test_every_missing_field_is_named_at_once() -> None:
    with pytest.raises(NotFound) as caught:
        filled("nothing", price={"type": "number"}, day={"type": "string", "format": "date"})
    assert [path for path, _ in caught.value.problems] == ["price", "day"]


def test_results_of_tools_fill_forms() -> None:
    def read_file(path: str) -> str:
        """Read a file."""
        return INVOICE

    agent = Agent(model=OfflineModel(), tools=[read_file], output_type=Invoice)
    assert agent.run_sync("Read invoice.md").output.total == 1250.5


def test_real_documents_give_reports_worth_reading() -> None:
    package = Path(__file__).parents[2]
    found = ask((package / "README.md").read_text(encoding="utf-8"), Report)
    assert found.title == "victor-core"
    assert found.summary
    assert any("agent" in word.lower() for word in found.keywords)
