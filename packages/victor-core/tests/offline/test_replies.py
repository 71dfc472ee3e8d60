"""Requests without tools: summaries, answers, labels, lists, sums, and honest refusals."""

from __future__ import annotations

from typing import Any

import pytest

from victor.core.agent import Agent
from victor.core.models.offline import OfflineModel
from victor.core.models.offline.dialog import is_refusal

SHOP = (
    "# The tea shop\n\nThe tea shop in Lyon sells tea, cake and honey. It opens at 9 in the morning. Marie Curie "
    "founded it in 1903. "
    "On Sundays it is closed.\n\n## Prices\n\nA cup of tea costs 3.50 EUR. Honey is sold out because the bees are "
    "asleep.\n\n"
    "## Contact\n\nWrite to shop@example.org or see https://example.org/tea. The next tasting is on 3 March 2026.\n"
)
REVIEW = "The room was dirty, the staff was rude and the food was cold. I will never come back."


def ask(prompt: str, instructions: str = "", **options: Any) -> str:
    return str(
        Agent(model=OfflineModel(today=lambda: "2026-03-01"), instructions=instructions, **options)
        .run_sync(prompt)
        .output
    )


QUESTIONS = [
    ("When does the shop open?", "opens at 9"),
    ("Who founded the shop?", "Marie Curie"),
    ("How much does tea cost?", "3.50 EUR"),
    ("Where is the tea shop?", "Lyon"),
    ("Why is honey sold out?", "because the bees are asleep"),
    ("On which day is the shop closed?", "Sundays"),
    ("What is the contact address?", "shop@example.org"),
    ("When is the next tasting?", "3 March 2026"),
]


@pytest.mark.parametrize(("question", "part"), QUESTIONS)
@pytest.mark.parametrize(
    "form",
    ["{question}\n\n{text}", "{text}\n\n{question}", "Context: {text}\n\nQuestion: {question}",
     "Answer from the document.\n<document>\n{text}</document>\n{question}", '{question}\n"""\n{text}"""'],
    ids=["before", "after", "labelled", "tagged", "quoted"],
)  # fmt: skip
def test_questions_are_answered_by_a_sentence_of_the_text(question: str, part: str, form: str) -> None:
    answered = ask(form.format(question=question, text=SHOP))
    assert part in answered
    assert len(answered.split()) < 40


@pytest.mark.parametrize("question", ["Who is the king of Spain?", "How many wheels does a car have?"])
def test_what_the_text_does_not_say_is_not_answered(question: str) -> None:
    answered = ask(f"{question}\n\n{SHOP}")
    assert is_refusal(answered)
    assert "no sentence in the given text" in answered


@pytest.mark.parametrize(
    ("prompt", "sentences"),
    [("Summarise in one sentence", 1), ("Summarize this in 2 sentences", 2), ("tl;dr", 3), ("Give me the key points in 3 bullets", 3),
     ("Please sum up the text in at most two short sentences", 2)],
)  # fmt: skip
def test_summaries_have_the_length_asked_for(prompt: str, sentences: int) -> None:
    from victor.core.models.offline.sentences import sentences_of

    answered = ask(f"{prompt}:\n\n{SHOP}")
    assert len(sentences_of(answered)) == sentences
    assert all(sentence.text.lstrip("- ") in SHOP for sentence in sentences_of(answered))
    assert answered.startswith("- ") == ("bullets" in prompt)


def test_a_limit_of_words_is_kept() -> None:
    from victor.core.models.offline.tokens import count_words

    assert count_words(ask(f"Summarise in at most 12 words:\n\n{SHOP}")) <= 12
    assert count_words(ask(f"Summarise in at most 4 words:\n\n{SHOP}")) <= 4


def test_the_instructions_say_what_to_do_with_a_bare_text() -> None:
    assert (
        ask(SHOP, "Summarise the text you are given in one sentence.")
        == "The tea shop in Lyon sells tea, cake and honey."
    )
    assert ask(REVIEW, "You classify reviews. Reply with only positive, negative or neutral.") == "negative"
    assert ask("It was great, I loved it!", "Reply with only the label: positive or negative.") == "positive"
    assert "tea" in ask(SHOP, "Extract 3 keywords.")


def test_a_limit_in_the_instructions_holds_for_answers() -> None:
    assert ask(f"Summarise:\n\n{SHOP}", "Answer in one sentence.") == "The tea shop in Lyon sells tea, cake and honey."


LABELS = [
    (f"Is this review positive or negative?\n\n{REVIEW}", "negative"),
    (f"Classify the sentiment:\n\n{REVIEW}", "negative"),
    ("What is the sentiment of this text? The trip was wonderful, we loved every day.", "positive"),
    ("Classify as bug, feature or question: The app crashes with an exception when I click save.", "bug"),
    ("Classify the ticket as one of: billing, shipping, technical.\n\nMy parcel has not arrived and tracking shows nothing.", "shipping"),
    ("Label this message as spam or ham:\n\nYou won a prize! Click here to claim your free cash.", "spam"),
    ("Categories:\n- animals: dogs, cats, birds\n- plants: trees, flowers\n\nWhich category?\n\nText: The oak is one of the tallest trees.", "plants"),
    ("Classify this text as sports, politics or science.\n\nThe striker scored twice and the team won the match.", "sports"),
    ("Which language is this?\n\nDas ist nicht der Hund, und ich bin auch nicht die Katze.", "German"),
    ("Is this English or French?\n\nLe chat est sur la table et les enfants sont dans le jardin.", "French"),
]  # fmt: skip


@pytest.mark.parametrize(("prompt", "label"), LABELS)
def test_labels(prompt: str, label: str) -> None:
    assert ask(prompt) == label


def test_a_reviewer_decides_by_what_the_text_says_and_not_without_a_sign() -> None:
    instructions = "You are a reviewer; reply APPROVE or REJECT."
    assert ask("The change is clean, tested and correct.", instructions) == "APPROVE"
    assert ask("The change is untested and breaks the build with an error.", instructions) == "REJECT"
    assert is_refusal(ask("Zebra umbrella.", instructions))


LISTS = [
    ("Extract all dates", ["2026-03-03"]),
    ("List the email addresses", ["shop@example.org"]),
    ("Find all links", ["https://example.org/tea"]),
    ("List all headings", ["The tea shop", "Prices", "Contact"]),
    ("What are the prices?", ["3.50"]),
    ("Which people are named?", ["Marie Curie"]),
]


@pytest.mark.parametrize(("prompt", "items"), LISTS)
def test_values_are_listed(prompt: str, items: list[str]) -> None:
    lines = ask(f"{prompt}:\n\n{SHOP}").splitlines()
    assert all(any(item in line for line in lines) for item in items)
    assert all(line.startswith("- ") for line in lines)


def test_what_is_not_there_is_said_not_to_be_there() -> None:
    assert ask("Extract all dates:\n\nNothing happened on that day, ever.") == "I found no dates in the text."


COUNTS = [
    ("How many words are in this text?\n\nOne two three four.", "4 words."),
    ("Count the sentences:\n\nOne. Two. Three.", "3 sentences."),
    ("How many lines and words does it have?\n\na b\nc d", "4 words, 2 lines."),
    ('How many letters are in "tree"?', "4 characters."),
]


@pytest.mark.parametrize(("prompt", "text"), COUNTS)
def test_counting(prompt: str, text: str) -> None:
    assert ask(prompt) == text


SUMS = [
    ("What is 17 * 23?", "391"), ("What is 2 plus 2?", "4"), ("How much is 15% of 80?", "12"), ("12 / 4", "3"),
    ("square root of 144", "12"), ("What is 2 to the power of 10?", "1024"), ("(1 + 2) * 3 =", "9"), ("0.1 + 0.2", "0.3"),
    ("What is 10 divided by 4?", "2.5"), ("7 x 6", "42"),
]  # fmt: skip


@pytest.mark.parametrize(("prompt", "result"), SUMS)
def test_sums(prompt: str, result: str) -> None:
    assert ask(prompt).endswith(f"= {result}")


@pytest.mark.parametrize("prompt", ["What is 1 / 0?", "What is 9 ** 9 ** 9 ** 9?"])
def test_sums_that_cannot_be_worked_out(prompt: str) -> None:
    assert is_refusal(ask(prompt))


REFUSALS = [
    "Write a poem about the sea",
    "Translate 'good morning' into French",
    "Who is the president of France?",
    "Tell me a joke",
    "Write a Python function that sorts a list",
    "Explain the theory of relativity",
    "What should I cook tonight?",
    "Rewrite this more politely: give me the money now please",
    "summarise",
    "...",
]


@pytest.mark.parametrize("prompt", REFUSALS)
def test_what_it_cannot_do_it_says(prompt: str) -> None:
    answered = ask(prompt)
    assert is_refusal(answered)
    assert "not a language model" in answered
    assert "VICTOR_MODEL=openai:gpt-5-mini" in answered
    assert "VICTOR_MODEL=ollama:llama3.2" in answered
    assert "pip install" in answered


@pytest.mark.parametrize(
    "prompt", ["hello", "Hi!", "who are you?", "What can you do?", "help", "Hello, who are you?", "are you ChatGPT?"]
)
def test_greetings_are_answered_with_what_it_is_and_has(prompt: str) -> None:
    def read_file(path: str) -> str:
        """Read a file."""
        return ""

    answered = ask(prompt, tools=[read_file])
    assert "not a language model" in answered
    assert "- read_file(path): Read a file." in answered
    assert not is_refusal(answered)


def test_tools_are_listed_when_asked_for() -> None:
    def read_file(path: str) -> str:
        """Read a file."""
        return ""

    assert ask("What tools do you have?", tools=[read_file]) == "Tools I can call:\n- read_file(path): Read a file."
    assert ask("Which tools can you use?") == "I have no tools."


def test_literal_replies() -> None:
    assert ask('Reply with exactly "OK".') == "OK"
    assert ask("Say 'hello world'") == "hello world"


def test_an_empty_document_has_an_answer_that_says_so() -> None:
    assert ask("Summarise this document:\n\n") == "The text is empty, so there is nothing to summarize."
    assert (
        ask("Extract keywords from the text:\n<document>\n</document>")
        == "The text is empty, so there is nothing to look at."
    )


def test_a_conversation_is_remembered() -> None:
    chat = Agent(model=OfflineModel()).chat()
    assert chat.send_sync("My name is Ada and I live in Oslo.").text.startswith("Noted")
    assert "Ada" in chat.send_sync("What is my name?").text
    assert "Oslo" in chat.send_sync("Where do I live?").text
    assert is_refusal(chat.send_sync("What is my shoe size?").text)


def test_a_document_given_earlier_can_be_asked_about() -> None:
    chat = Agent(model=OfflineModel()).chat()
    chat.send_sync(f"Summarise:\n\n{SHOP}")
    assert "Marie Curie" in chat.send_sync("Who founded the shop?").text
    assert chat.send_sync("Summarise it in one sentence").text == "The tea shop in Lyon sells tea, cake and honey."


def test_facts_of_the_instructions_answer_questions() -> None:
    assert "9" in ask("When does the library open?", "You help visitors. The library opens at 9 on weekdays.")


@pytest.mark.parametrize(
    "text",
    [
        "東京は日本の首都です。人口は約1400万人です。",
        "Das Café öffnet um 9 Uhr. Größe zählt nicht.",
        "मौसम अच्छा है। कल बारिश होगी।",
        "🎉 🎉",
        "\x00",
    ],
)
def test_other_scripts_do_no_harm(text: str) -> None:
    assert ask(f"Summarise in one sentence:\n\n{text}").strip()
    assert ask(f"Extract keywords:\n\n{text}").strip()
