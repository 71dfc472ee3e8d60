"""The page on spans says what the table of names says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from victor.core.events import KINDS
from victor.observability.otel.semconv import ATTRIBUTES, SPANS, attribute_names

REFERENCE = Path(__file__).parents[4] / "docs" / "reference" / "spans.md"
OPERATIONS = {kind for kind, help in KINDS.items() if not help.startswith("point: ")}


def code(text: str) -> str:
    return f"`{text}`" if text else "-"


def rows() -> Iterator[str]:
    """The lines of both tables."""
    for kind, form in SPANS.items():
        called = form.title("{name}")
        yield f"| {code(kind)} | {code(called)} | {form.kind} | {code(form.operation)} | {code(form.named)} |"
    for kind, names in ATTRIBUTES.items():
        for name in names:
            first, second = attribute_names(kind, name), attribute_names(kind, name, "next")
            other = code(second[0]) if second != first else ""
            yield f"| {code(kind) if kind else 'all'} | {code(name)} | {code(first[0])} | {other} |"


def test_the_reference_has_every_row() -> None:
    if not REFERENCE.exists():  # a package by itself
        return
    page = REFERENCE.read_text(encoding="utf-8").splitlines()
    missing = [row for row in rows() if row not in page]
    assert not missing, "docs/reference/spans.md must have these rows:\n" + "\n".join(missing)
    extra = [line for line in page if line.startswith("| `") and line not in set(rows())]
    assert not extra, "and not these:\n" + "\n".join(extra)


def test_every_operation_of_victor_has_a_form() -> None:
    assert set(SPANS) >= OPERATIONS
