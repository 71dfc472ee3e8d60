"""What of a tool can be searched, and how much each part counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from victor.core.ranking import BM25, content_words

if TYPE_CHECKING:
    from victor.core.tool import Tool
    from victor.tools.categories import Categories

__all__ = ["WEIGHTS", "document", "new_index"]

WEIGHTS: Final = {"name": 3.0, "keywords": 3.0, "description": 1.0, "category": 0.5, "parameters": 0.4}
"""How much a word counts in each part; see ``benchmarks/search_quality.py`` for what that gives."""


def new_index() -> BM25[str]:
    """An empty index of tools."""
    return BM25(weights=WEIGHTS, b=0.3, tokenizer=_terms)


def document(made: Tool, categories: Categories) -> dict[str, str]:
    """The searchable parts of a tool."""
    metadata = made.metadata
    known = categories.get(metadata.category)
    return {
        "name": metadata.name,
        "keywords": " ".join(metadata.keywords),
        "description": metadata.description,
        "category": f"{metadata.category} {known.description if known is not None else ''}",
        "parameters": " ".join(_parameters(made.parameters)),
    }


def _parameters(schema: dict[str, Any]) -> list[str]:
    properties = schema.get("properties", {})
    return [
        f"{name} {body.get('description', '') if isinstance(body, dict) else ''}" for name, body in properties.items()
    ]


def _terms(text: str) -> list[str]:
    return content_words(text)
