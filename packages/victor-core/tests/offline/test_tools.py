"""Requests in plain words, and the tool calls that come of them."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest

from victor.core.agent import Agent
from victor.core.errors import ToolError
from victor.core.models.offline import OfflineModel
from victor.core.result import RunResult
from victor.core.tool import Tool, as_tool

NOTE = "The shop opens at 9. It sells tea and cake. On Sundays it is closed."
FILES = {"note.txt": NOTE, "b.md": "# B\n\nBees make honey.", "numbers.txt": "The total is 12."}


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def subtract(a: float, b: float) -> float:
    """Subtract b from a."""
    return a - b


def multiply(a: float, b: float) -> float:
    """Multiply two numbers."""
    return a * b


def calculator(expression: str) -> float:
    """Evaluate an arithmetic expression."""
    from victor.core.models.offline.arithmetic import evaluate

    return evaluate(expression) or 0


def read_file(path: str, limit: int | None = None) -> str:
    """Read a text file and return its contents.

    Args:
        path: Path of the file.
        limit: Most lines to read.
    """
    if path not in FILES:
        raise ToolError(f"no file {path!r}; there are: {', '.join(FILES)}", retry=True)
    return FILES[path]


def write_file(path: str, content: str) -> str:
    """Write text to a file."""
    return f"wrote {len(content)} characters to {path}"


def list_directory(path: str = ".", pattern: str = "*", recursive: bool = False) -> list[str]:
    """List the files in a directory."""
    return ["a.py", "b.py"]


def delete_file(path: str) -> str:
    """Delete a file."""
    return "deleted"


def copy_file(source: str, destination: str) -> str:
    """Copy a file to another path."""
    return "copied"


def get_weather(city: str, unit: Literal["celsius", "fahrenheit"] = "celsius", days: int = 1) -> str:
    """Get the current weather for a city."""
    return f"Sunny, 21 degrees in {city}"


def send_email(to: str, subject: str, body: str) -> str:
    """Send an email to a recipient."""
    return "sent"


def search_web(query: str, limit: int = 10) -> str:
    """Search the web for a query."""
    return "1. Result"


def book_flight(origin: str, destination: str, date: str) -> str:
    """Book a flight between two cities."""
    return "booked"


def convert_currency(amount: float, from_currency: str, to_currency: str) -> str:
    """Convert an amount of money from one currency to another."""
    return "converted"


def fetch_url(url: str) -> str:
    """Download a web page and return its text."""
    return "page"


def count_words(text: str) -> int:
    """Count the words of a text."""
    return len(text.split())


def get_time(timezone: str = "UTC") -> str:
    """Tell the current time."""
    return "12:00"


def translate(text: str, language: Literal["french", "german", "spanish"]) -> str:
    """Translate a text into a language."""
    return "bonjour"


def create_ticket(
    title: str, priority: Literal["low", "medium", "high"] = "medium", tags: list[str] | None = None
) -> str:
    """Create a ticket in the issue tracker."""
    return "created"


def mean(values: list[float]) -> float:
    """Compute the average of a list of numbers."""
    return sum(values) / len(values)


def remind(message: str, date: str) -> str:
    """Set a reminder for a day.

    Args:
        message: What to be reminded of.
        date: The day, as an ISO date.
    """
    return "set"


TOOLS: list[Tool] = [
    as_tool(add), as_tool(subtract), as_tool(multiply), as_tool(calculator, keywords=("math", "sum")), as_tool(read_file),
    as_tool(write_file), as_tool(list_directory, keywords=("ls", "folder", "dir")), as_tool(delete_file), as_tool(copy_file),
    as_tool(get_weather, keywords=("forecast", "temperature")), as_tool(send_email), as_tool(search_web), as_tool(book_flight),
    as_tool(convert_currency), as_tool(fetch_url), as_tool(count_words), as_tool(get_time), as_tool(translate),
    as_tool(create_ticket), as_tool(mean, keywords=("average",)), as_tool(remind),
]  # fmt: skip


def run(prompt: str, tools: list[Any] = TOOLS, **options: Any) -> RunResult[Any]:
    return Agent(model=OfflineModel(today=lambda: "2026-03-01"), tools=tools, **options).run_sync(prompt)


def calls(result: RunResult[Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(call.name, json.loads(call.arguments)) for message in result.messages for call in message.tool_calls]


ONE_CALL: list[tuple[str, str, dict[str, Any]]] = [
    ("add 2 and 3", "add", {"a": 2, "b": 3}),
    ("Please add two and 3", "add", {"a": 2, "b": 3}),
    ("What is 2 plus 3?", "add", {"a": 2, "b": 3}),
    ("What is 2 plus 3 times 4?", "calculator", {"expression": "2 + 3 * 4"}),
    ("subtract 3 from 10", "subtract", {"a": 10, "b": 3}),
    ("multiply 3.5 by two", "multiply", {"a": 3.5, "b": 2}),
    ("What is 17 * 23?", "calculator", {"expression": "17 * 23"}),
    ("calculate (2+3)*4", "calculator", {"expression": "(2+3)*4"}),
    ("How much is 15% of 80?", "calculator", {"expression": "15 / 100 * 80"}),
    ("compute the average of 1, 2 and 6", "mean", {"values": [1, 2, 6]}),
    ("Read note.txt", "read_file", {"path": "note.txt"}),
    ("open the file note.txt please", "read_file", {"path": "note.txt"}),
    ("show me `note.txt`", "read_file", {"path": "note.txt"}),
    ("Read the first 10 lines of note.txt", "read_file", {"path": "note.txt", "limit": 10}),
    ("read_file path=note.txt limit=5", "read_file", {"path": "note.txt", "limit": 5}),
    ("what's in note.txt?", "read_file", {"path": "note.txt"}),
    ("List the files in src/", "list_directory", {"path": "src/"}),
    ("list *.py files in docs", "list_directory", {"path": "docs", "pattern": "*.py"}),
    ("list files in docs recursively", "list_directory", {"path": "docs", "recursive": True}),
    ("What files are in this folder?", "list_directory", {"path": "."}),
    ("delete tmp/old.log", "delete_file", {"path": "tmp/old.log"}),
    ("Copy a.txt to b.txt", "copy_file", {"source": "a.txt", "destination": "b.txt"}),
    ("What's the weather in New York?", "get_weather", {"city": "New York"}),
    ("weather in paris", "get_weather", {"city": "paris"}),
    ("What is the weather like in Paris in fahrenheit?", "get_weather", {"city": "Paris", "unit": "fahrenheit"}),
    ("Will it rain in Lyon?", "get_weather", {"city": "Lyon"}),
    ("forecast for Berlin for 3 days", "get_weather", {"city": "Berlin", "days": 3}),
    ("Search the web for the best pizza in Rome", "search_web", {"query": "best pizza in Rome"}),
    ("search for llamas, limit 5", "search_web", {"query": "llamas", "limit": 5}),
    ('search the web for "quantum tunnelling"', "search_web", {"query": "quantum tunnelling"}),
    ("look up python news, top 3 results", "search_web", {"query": "python news", "limit": 3}),
    (
        'Send an email to ada@example.org with subject "Hi" and body "See you at 5"',
        "send_email",
        {"to": "ada@example.org", "subject": "Hi", "body": "See you at 5"},
    ),
    (
        "Book a flight from Berlin to Rome on 3 March 2026",
        "book_flight",
        {"origin": "Berlin", "destination": "Rome", "date": "2026-03-03"},
    ),
    (
        "book a flight to Oslo from Madrid on 2026-05-01",
        "book_flight",
        {"origin": "Madrid", "destination": "Oslo", "date": "2026-05-01"},
    ),
    (
        "Convert 100 from USD to EUR",
        "convert_currency",
        {"amount": 100, "from_currency": "USD", "to_currency": "EUR"},
    ),
    ("Fetch https://example.org/a?b=1.", "fetch_url", {"url": "https://example.org/a?b=1"}),
    ('How many words are in "one two three"?', "count_words", {"text": "one two three"}),
    ("What time is it?", "get_time", {}),
    ('Translate "good morning" into French', "translate", {"text": "good morning", "language": "french"}),
    (
        'Create a high priority ticket titled "Login fails"',
        "create_ticket",
        {"title": "Login fails", "priority": "high"},
    ),
    (
        'create a ticket: title="Slow start", tags=perf,startup',
        "create_ticket",
        {"title": "Slow start", "tags": ["perf", "startup"]},
    ),
    ('Remind me to "call Ada" on 2026-04-02', "remind", {"message": "call Ada", "date": "2026-04-02"}),
    ('Write "hello world" to out.txt', "write_file", {"path": "out.txt", "content": "hello world"}),
]  # fmt: skip


@pytest.mark.parametrize(("prompt", "tool", "arguments"), ONE_CALL, ids=[case[0] for case in ONE_CALL])
def test_a_request_becomes_one_call(prompt: str, tool: str, arguments: dict[str, Any]) -> None:
    result = run(prompt)
    made = calls(result)
    if tool == "read_file" or len(made) == 1:
        assert made[0] == (tool, arguments)
    assert len(made) == 1
    assert result.text.strip()


NO_CALL = [
    "hello",
    "Who is the president of France?",
    "Write a poem about the sea",
    "Tell me a joke",
    "What is the capital of Peru?",
    "My name is Ada.",
    "thanks!",
    "Why is the sky blue?",
    "I love the sea",
    "What tools do you have?",
    "Explain quantum physics to me",
    "Summarise: The pump moves heat. It reads the room well and adds comfort.",
    "How are you?",
]


@pytest.mark.parametrize("prompt", NO_CALL)
def test_a_request_about_something_else_calls_nothing(prompt: str) -> None:
    assert calls(run(prompt)) == []


SEVERAL: list[tuple[str, list[tuple[str, dict[str, Any]]], str]] = [
    (
        "Add 2 and 3 and then multiply the result by 4",
        [("add", {"a": 2, "b": 3}), ("multiply", {"a": 5, "b": 4})],
        "20.0",
    ),
    (
        "Read note.txt and then count the words",
        [("read_file", {"path": "note.txt"}), ("count_words", {"text": NOTE})],
        "15",
    ),
    (
        "Read note.txt and b.md",
        [("read_file", {"path": "note.txt"}), ("read_file", {"path": "b.md"})],
        "note.txt: The shop opens at 9.",
    ),
    (
        "Read note.txt, then translate it into German",
        [("read_file", {"path": "note.txt"}), ("translate", {"text": NOTE, "language": "german"})],
        "bonjour",
    ),
    (
        "What is the weather in Rome? What time is it?",
        [("get_weather", {"city": "Rome"}), ("get_time", {})],
        "get_weather: Sunny, 21 degrees in Rome\nget_time: 12:00",
    ),
    (
        "Read b.md and save it to c.md",
        [("read_file", {"path": "b.md"}), ("write_file", {"path": "c.md", "content": FILES["b.md"]})],
        "wrote 21 characters to c.md",
    ),
]


@pytest.mark.parametrize(("prompt", "expected", "text"), SEVERAL, ids=[case[0] for case in SEVERAL])
def test_clauses_are_done_one_after_another(prompt: str, expected: list[Any], text: str) -> None:
    result = run(prompt)
    assert calls(result) == expected
    assert result.text.startswith(text)


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("Read note.txt and summarise it in one sentence", "The shop opens at 9."),
        ("Read note.txt and tell me when the shop is closed", "On Sundays it is closed."),
        ("When does the shop in note.txt open? Read it.", "The shop opens at 9."),
        ("Read b.md and give me its title", "B"),
        ("How many words are in note.txt?", "15"),
    ],
)
def test_the_answer_comes_from_the_results(prompt: str, text: str) -> None:
    assert text in run(prompt).text


def test_a_named_mistake_is_corrected_once_and_told() -> None:
    result = run("read nite.txt")
    assert calls(result) == [("read_file", {"path": "nite.txt"}), ("read_file", {"path": "note.txt"})]
    assert result.text.startswith(NOTE)
    assert "'note.txt' for 'nite.txt'" in result.text


def test_a_mistake_without_a_near_name_is_reported() -> None:
    result = run("read zzz.qqq")
    assert calls(result) == [("read_file", {"path": "zzz.qqq"})]
    assert result.text.startswith("The tool read_file failed: no file 'zzz.qqq'")


def test_a_tool_that_always_fails_is_called_once_and_the_rest_is_not_done() -> None:
    def read_page(url: str) -> str:
        """Read a web page."""
        raise ToolError("the network is down")

    result = run("Read the page https://x.org and then send an email to a@b.org", [read_page, send_email])
    assert calls(result) == [("read_page", {"url": "https://x.org"})]
    assert "failed: the network is down" in result.text


def test_a_missing_argument_is_named() -> None:
    result = run("Book a flight to Rome")
    assert calls(result) == []
    assert "book_flight" in result.text
    assert "`origin`" in result.text
    assert "`date`" in result.text
    assert "`destination`" not in result.text


def test_yesterday_is_stated() -> None:
    result = run('Set a reminder "pay rent" for tomorrow')
    assert calls(result) == [("remind", {"message": "pay rent", "date": "2026-03-02"})]
    assert any('"tomorrow" is 2026-03-02' in message.content for message in result.messages)


def test_a_document_in_the_prompt_is_not_taken_for_requests() -> None:
    text = "Summarise in one sentence:\n\nThe robot will delete a.txt and read note.txt. Then it will send mail to a@b.org."
    assert calls(run(text)) == []


def test_material_goes_to_the_tool_that_takes_a_text() -> None:
    result = run("Count the words of this text:\n\nThe pump moves heat from the ground.", [count_words])
    assert calls(result) == [("count_words", {"text": "The pump moves heat from the ground."})]


def test_arguments_with_nested_types() -> None:
    def plan_trip(stops: list[str], options: dict[str, int], style: Literal["slow", "fast"]) -> str:
        """Plan a trip with several stops."""
        return "planned"

    result = run("plan a slow trip with stops Rome, Oslo and Bern, days=3", [plan_trip])
    assert calls(result) == [
        ("plan_trip", {"stops": ["Rome", "Oslo", "Bern"], "options": {"days": 3}, "style": "slow"})
    ]


def test_booleans_are_understood_when_denied() -> None:
    def search_files(query: str, case_sensitive: bool = True, regex: bool = False) -> str:
        """Search files for a text."""
        return "found"

    result = run('search files for "abc" with regex, not case sensitive', [search_files])
    assert calls(result) == [("search_files", {"query": "abc", "case_sensitive": False, "regex": True})]


@pytest.mark.parametrize(
    "request_",
    [
        "Do not delete notes.txt",
        "Please don't delete notes.txt.",
        "Never delete notes.txt",
        "You must not delete notes.txt",
        "I never want you to delete notes.txt",
        "Should I delete notes.txt?",
        "How do I delete a file like notes.txt?",
        "What happens if someone deletes notes.txt?",
        'He said: "delete notes.txt". Summarize that.',
        'The mail reads "delete notes.txt now".',
    ],
)
def test_what_is_forbidden_asked_about_or_quoted_is_not_done(request_):
    from victor.core import Agent

    done = []

    def delete_file(path: str) -> str:
        """Delete a file for ever."""
        done.append(path)
        return f"deleted {path}"

    Agent(tools=[delete_file], model="offline").run_sync(request_)
    assert done == []
    Agent(tools=[delete_file], model="offline").run_sync("Delete notes.txt")
    assert done == ["notes.txt"]


def test_a_parameter_without_a_type_takes_the_number_or_the_words_of_the_request():
    def order_status(order):
        """The status of an order."""
        return f"{order!r} sent"

    agent = Agent(model=OfflineModel(), tools=[order_status])
    assert agent.run_sync("What is the status of order 99?").output == "99 sent"
    assert agent.run_sync("What is the status of order 'A-7'?").output == "'A-7' sent"


def test_the_failure_of_a_tool_is_told_once():
    def order_status(order: int) -> str:
        """The status of an order."""
        return {1: "sent"}[order]

    answer = Agent(model=OfflineModel(), tools=[order_status]).run_sync("What is the status of order 99?").output
    assert answer == "The tool order_status failed: KeyError: 99"
