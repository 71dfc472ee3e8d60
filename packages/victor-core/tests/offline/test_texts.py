"""The parts that read texts: documents, sentences, summaries, keywords, values, prompts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from victor.core.models.offline import extract
from victor.core.models.offline.arithmetic import evaluate, find_expression, format_number
from victor.core.models.offline.classify import classify, find_labels
from victor.core.models.offline.fields import items_under, pairs, rows_with, spoken_value
from victor.core.models.offline.keywords import keywords
from victor.core.models.offline.markdown import blocks, plain_inline, title_of
from victor.core.models.offline.prompt import limits_of, read_prompt
from victor.core.models.offline.sentences import sentences_of, split_sentences
from victor.core.models.offline.summarize import choose_sentences, shorten, summarize

DOCUMENT = """\
---
title: Heat pumps at home
tags: [energy]
---
<!-- a comment -->
[![build](https://ci.example.org/badge.svg)](https://ci.example.org)

# Heat pumps

A heat pump moves heat from the ground into a house. It needs a third of the power of a heater.

```python
pump.start()  # This is code and no sentence.
```

| Model | Power |
|---|---|
| A1 | 3 kW |

## Costs

> A pump costs about 12,000 EUR, installation included.

See [the guide](https://example.org/guide "Guide") and `pump.toml` for **details**.

1. Ask a plumber
2. Compare offers

Old style
=========

    indented code

The end of the [story][1].

[1]: https://example.org/story
"""


def test_a_document_is_read_without_its_markup() -> None:
    found = [(block.kind, block.text) for block in blocks(DOCUMENT)]
    assert found == [
        ("heading", "Heat pumps"),
        (
            "paragraph",
            "A heat pump moves heat from the ground into a house. It needs a third of the power of a heater.",
        ),
        ("row", "A1 | 3 kW"),
        ("heading", "Costs"),
        ("quote", "A pump costs about 12,000 EUR, installation included."),
        ("paragraph", "See the guide and pump.toml for details."),
        ("item", "Ask a plumber"),
        ("item", "Compare offers"),
        ("heading", "Old style"),
        ("paragraph", "The end of the story."),
    ]
    assert title_of(DOCUMENT) == "Heat pumps at home"
    assert title_of("no heading") == ""


def test_what_is_left_out_is_in_no_summary() -> None:
    for number in range(1, 8):
        made = summarize(DOCUMENT, number)
        assert not any(part in made for part in ("code", "badge", "http", "|", "comment", "`", "**", "energy"))
    assert summarize(DOCUMENT, 1) == "A heat pump moves heat from the ground into a house."


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("**bold** and *it* and ~~gone~~", "bold and it and gone"),
        ("snake_case_name stays, 2 * 3 * 4 too", "snake_case_name stays, 2 * 3 * 4 too"),
        ("![logo](a.png) text", "text"),
        ("a <b>tag</b> <https://x.org>", "a tag"),
        ("``x`y``", "x`y"),
        ("note[^1]", "note"),
        (":ref:`The guide <guide>`", "The guide"),
    ],
)
def test_inline_markup(text: str, plain: str) -> None:
    assert plain_inline(text) == plain


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Mr. Smith met Dr. Who. They left.", ["Mr. Smith met Dr. Who.", "They left."]),
        ("It costs 3.50 EUR. Version 1.2.3 is out.", ["It costs 3.50 EUR.", "Version 1.2.3 is out."]),
        ("Use tools, e.g. hammers. Done.", ["Use tools, e.g. hammers.", "Done."]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("J. R. R. Tolkien wrote it.", ["J. R. R. Tolkien wrote it."]),
        ("Bring pens, etc. We start at 9 a.m. tomorrow.", ["Bring pens, etc.", "We start at 9 a.m. tomorrow."]),
        ("Wait... what happened? ok.", ["Wait... what happened? ok."]),
        ("東京です。大阪です。", ["東京です。", "大阪です。"]),
        ("It is fast. victor_graph is not.", ["It is fast.", "victor_graph is not."]),
        ("", []),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


@given(st.text(max_size=400))
def test_no_sentence_loses_a_letter(text: str) -> None:
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(["The cat sat. ", "# H\n\n", "- item one\n", "Dogs bark! ", "\n\n", "> q. ", "|a|b|\n", "x", "1. "]), max_size=20),
       st.integers(1, 5), st.integers(1, 20))  # fmt: skip
def test_a_summary_quotes_and_keeps_its_limits(parts: list[str], number: int, most: int) -> None:
    from victor.core.models.offline.tokens import count_words

    text = "".join(parts)
    chosen = choose_sentences(text, number)
    assert [sentence for sentence in sentences_of(text) if sentence in chosen] == chosen
    if chosen:
        assert all(sentence.text in summarize(text, number, bullets=True) for sentence in chosen)
    assert count_words(summarize(text, 5, words=most)) <= most
    assert len(keywords(text, number)) <= number


def test_summaries_repeat_nothing() -> None:
    text = "The pump moves heat from the ground. " * 5 + "Owners like it because it is quiet at night."
    assert summarize(text, 3).count("The pump moves heat") == 1


def test_the_focus_of_a_summary() -> None:
    text = "The house is old and large and red. The house has a garden with roses. The house was sold in May."
    assert "roses" in summarize(text, 1, focus="roses")


def test_a_document_of_headings_is_summarised_by_them() -> None:
    assert summarize("# Plan\n\n## Goals\n\n## Costs\n") == "Plan: Goals, Costs."
    assert summarize("# Plan\n") == "Plan"
    assert summarize("| a | b |\n") == "a | b"
    assert summarize("```\nint main() {}\n```") == "int main() {}"
    assert summarize("") == summarize("***") == ""


def test_shortening() -> None:
    assert shorten("one two three", 3) == "one two three"
    assert shorten("one two three", 2) == "one two \u2026"


def test_keywords_are_phrases_as_they_are_written() -> None:
    text = (
        "# Heat pumps in SQLite\n\nA heat pump stores data in SQLite. Every heat pump uses SQLite. Marie Curie likes "
        "heat pumps. "
        "Marie Curie has 3 MB of data."
    )
    found = keywords(text, 4)
    assert found[0] in ("heat pumps", "heat pump")
    assert {"SQLite", "Marie Curie"} <= set(found)
    assert "MB" not in keywords(text, 10)
    assert keywords("", 5) == keywords("the of and", 5) == keywords(text, 0) == []


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("2 and 3.5", [2, 3.5]),
        ("1,234,567 or 12'000", [1234567, 12000]),
        ("-5 degrees, +3", [-5, 3]),
        ("3 k and 2.5 million", [3000, 2500000]),
        ("two dozen, twenty-one, three hundred and five", [24, 21, 305]),
        ("$5 and 20%", [5, 20]),
        ("version 3.11.7, v2, at 10:30, a1, 2026-03-01, 555-1234", []),
        ("1e3", [1000.0]),
        ("1" * 400, []),
        ("", []),
    ],
)
def test_numbers(text: str, values: list[float]) -> None:
    assert [mention.value for mention in extract.numbers(text)] == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("2026-03-01", ["2026-03-01"]),
        ("2026-03-01T10:00Z", ["2026-03-01T10:00Z"]),
        ("March 3rd, 2026 and 3. Mar 2026", ["2026-03-03", "2026-03-03"]),
        ("31.12.2026 or 12/31/2026 or 2026/12/31", ["2026-12-31"] * 3),
        ("03/04/2026", []),
        ("30 February 2026, 2026-13-01, 2025-02-29", []),
        ("29 February 2024", ["2024-02-29"]),
        ("in March", []),
    ],
)
def test_dates(text: str, values: list[str]) -> None:
    assert [mention.value for mention in extract.dates(text)] == values


@pytest.mark.parametrize(
    ("kind", "text", "values"),
    [
        ("path", "open ./a/b.txt, /etc/hosts and ~/notes", ["./a/b.txt", "/etc/hosts", "~/notes"]),
        ("path", r"C:\temp\a.txt", [r"C:\temp\a.txt"]),
        ("path", "src/**/*.py and README", ["src/**/*.py", "README"]),
        ("path", "e.g. this and/or that, 3.11 at 10/2", []),
        ("url", "(https://x.org/a_(b)), www.y.org.", ["https://x.org/a_(b)", "www.y.org"]),
        ("email", "a.b+c@d-e.co.uk, not@here", ["a.b+c@d-e.co.uk"]),
        ("quotation", "'it's fine' and \u201cso\u201d \u00abici\u00bb", ["it's fine", "so", "ici"]),
        ("name", "The team met Ada Lovelace and Bob in New York. Nobody spoke.", ["Ada Lovelace", "Bob", "New York"]),
        ("name", "Smith & Sons Ltd sued Ludwig van Beethoven.", ["Smith & Sons Ltd", "Ludwig van Beethoven"]),
        ("name", "On Monday we rest in May.", []),
        ("amount", "It costs \u20ac5, 3 dollars and 7 apples.", [5, 3]),
    ],
)
def test_values(kind: extract.Kind, text: str, values: list[object]) -> None:
    assert [mention.value for mention in extract.KINDS[kind](text)] == values


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=150), st.sampled_from(sorted(extract.KINDS)))
def test_values_stand_where_they_are_said_to(text: str, kind: extract.Kind) -> None:
    for mention in extract.KINDS[kind](text):
        assert 0 <= mention.start < mention.end <= len(text)
        assert mention.text in text


@given(
    st.recursive(
        st.integers(-20, 20).map(str),
        lambda e: st.builds("({} {} {})".format, e, st.sampled_from("+-*"), e),
        max_leaves=8,
    )
)
def test_sums_are_those_of_python(expression: str) -> None:
    assert evaluate(expression) == eval(expression)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("7 / 2", 3.5), ("8 / 2", 4), ("7 // 2", 3), ("7 % 4", 3), ("-2 ** 2", -4), ("2 ** -1", 0.5), ("sqrt 9", 3), ("sqrt(2)", 2**0.5),
        ("abs(-3)", 3), ("1,000 + 1", 1001), ("2 ** 3 ** 2", 512), ("1 / 0", None), ("9 ** 9 ** 9", None), ("", None), ("(1", None),
        ("a + 1", None), ("1 +", None), ("(-8) ** 0.5", None), ("1" * 500, None), ("1e400", None), ("(" * 5000 + "1", None),
    ],
)  # fmt: skip
def test_evaluating(expression: str, value: float | None) -> None:
    assert evaluate(expression) == value


@pytest.mark.parametrize(
    "text",
    [
        "call 555-1234",
        "pages 10-20",
        "on 2026-03-01",
        "version 1.2.3",
        "in 2026",
        "1/2 cup",
        "no numbers",
        "a * b",
        "31.12.2026",
    ],
)
def test_what_is_no_sum(text: str) -> None:
    assert find_expression(text) is None


def test_numbers_are_written_plainly() -> None:
    assert [format_number(value) for value in (2.0, 1 / 3, 10**20, 1e20)] == [
        "2",
        "0.333333333333",
        "1" + "0" * 20,
        "1e+20",
    ]
    assert format_number(7**20000).startswith("a number of more than")


@pytest.mark.parametrize(
    ("prompt", "task", "material"),
    [
        ("Summarise this:\n\nText.", "Summarise this:", "Text."),
        ("Summarise the following text: The pump is very old.", "Summarise the following text:", "The pump is very old."),
        ('Translate: "Good morning to you"', "Translate:", "Good morning to you"),
        ("# Doc\n\nSome text here.\n\nWho wrote it?", "Who wrote it?", "# Doc\n\nSome text here."),
        ("What is it about?\n---\nA text\nabout pumps.", "What is it about?", "A text\nabout pumps."),
        ("Classify.\n<text>It rains.</text>", "Classify.", "It rains."),
        ("<document>It rains.</document>\n<question>Does it?</question>", "Does it?", "It rains."),
        ("Text: It rains a lot.\nQuestion: Does it rain?", "Does it rain?", "It rains a lot."),
        ("```\nx = 1\n```\nExplain this.", "Explain this.", "x = 1"),
        ("Summarise:\n\n---\ntitle: A\n---\nText.", "Summarise:", "---\ntitle: A\n---\nText."),
        ("hello", "hello", ""),
        ("", "", ""),
        ("# Notes\n\nThe pump is old. " + "It rains. " * 30, "", "# Notes\n\nThe pump is old. " + ("It rains. " * 30).strip()),
        ("Summarise this:\n\n# A\n\nText: not a label of mine.\n\nTask: none.", "Summarise this:",
         "# A\n\nText: not a label of mine.\n\nTask: none."),
    ],
)  # fmt: skip
def test_prompts(prompt: str, task: str, material: str) -> None:
    found = read_prompt(prompt)
    assert (found.task, found.material) == (task, material)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("in one sentence", (1, None, None, False)),
        ("in 2-3 sentences", (3, None, None, False)),
        ("at most 50 words", (None, 50, None, False)),
        ("five keywords", (None, None, 5, False)),
        ("3 bullet points", (3, None, None, True)),
        ("one paragraph", (4, None, None, False)),
        ("be brief", (2, None, None, False)),
        ("a word of advice", (None, None, None, False)),
        ("", (None, None, None, False)),
    ],
)
def test_limits(text: str, expected: tuple[object, ...]) -> None:
    found = limits_of(text)
    assert (found.sentences, found.words, found.items, found.bullets) == expected


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("Classify as bug, feature or question.", ["bug", "feature", "question"]),
        ("Reply with only the label: positive, negative, or neutral", ["positive", "negative", "neutral"]),
        ("Is it spam or ham?", ["spam", "ham"]),
        ("Answer yes or no.", ["yes", "no"]),
        ("Labels: a|b|c", ["a", "b", "c"]),
        ("Options:\n1. red\n2. blue", ["red", "blue"]),
        ("Write a poem.", []),
    ],
)
def test_labels_of_instructions(text: str, labels: list[str]) -> None:
    assert list(find_labels(text)) == labels


def test_a_question_mark_speaks_for_questions_where_nothing_else_does() -> None:
    labels = ["bug", "feature", "question"]
    assert classify("How can I change my password?", labels).label == "question"
    assert classify("Why does it crash with an error?", labels).label == "bug"
    assert classify("How can I change my password?", ["bug", "questions", "other"]).label == "questions"
    assert classify("Hm.", ["bug", "question"]).label == "bug"


def test_labels_without_any_sign() -> None:
    assert classify("zebra", ["b", "a"]).label == "b"
    assert classify("zebra", ["b", "other"]).label == "other"
    assert classify("", ["x", "unknown"]).score == 0.0
    assert classify("The service was good and bad.", ["positive", "negative", "neutral"]).label == "neutral"
    with pytest.raises(ValueError, match="at least one label"):
        classify("x", [])


def test_fields_of_a_text() -> None:
    assert pairs("a: 1\nb = 2\n- **c**: 3\nhttp://x.org") == [("a", "1"), ("b", "2"), ("c", "3")]
    assert spoken_value("total_price", "Total price: 3") == "3"
    assert spoken_value("price", "nothing here") is None
    assert spoken_value("", "a: 1") is None
    assert items_under("steps", "Steps:\n\n1. one\n2. two\n") == ["one", "two"]
    assert items_under("steps", "no steps") == []
    assert rows_with(["name"], "no table") == []
    assert rows_with(["zzz"], "| a |\n|---|\n| 1 |") == []


def test_what_is_counted_is_found_however_it_is_said_to_be_there() -> None:
    from victor.core.models.offline.answer import answer

    found = answer(
        "How many people live in Ulm?", ["Ulm lies on the Danube. It has 128000 people. The minster is tall."], 1
    )
    assert found is not None
    assert "128000 people" in found.text
