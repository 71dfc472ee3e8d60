"""How tools are shown in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from victor.core.cli.terminal import note, print_json, print_table
from victor.tools.registry import UnifiedToolRegistry

if TYPE_CHECKING:
    from victor.core.tool import Tool

__all__ = ["default_of", "facts", "kind_of", "print_list", "shown_name"]


def print_list(found: list[Tool], as_json: bool) -> None:
    """Print tools as a table, or as JSON."""
    if as_json:
        print_json([facts(made) for made in found])
    elif not found:
        note("no tool fits")
    else:
        rows = [
            (shown_name(made), made.metadata.category, str(made.metadata.cost_tier), _first(made.description))
            for made in found
        ]
        print_table(rows, header=("tool", "category", "cost", "what it does"))


def facts(made: Tool) -> dict[str, Any]:
    """What is known of a tool, for JSON."""
    metadata = made.metadata
    return {
        "name": shown_name(made),
        "id": metadata.id,
        "model_name": made.name,
        "category": metadata.category,
        "cost_tier": str(metadata.cost_tier),
        "idempotent": metadata.idempotent,
        "requires_approval": metadata.requires_approval
        if isinstance(metadata.requires_approval, bool)
        else "sometimes",
        "source": metadata.source,
        "help": _first(made.description),
    }


def shown_name(made: Tool) -> str:
    """The name people call a tool by."""
    names = UnifiedToolRegistry.get_instance().names_of(made.metadata.id)
    return names[0] if names else made.name


def _first(text: str) -> str:
    return text.strip().partition("\n")[0].partition(". ")[0].rstrip(".")


def kind_of(body: dict[str, Any]) -> str:
    """The type a part of a schema stands for, in a word or two."""
    if "enum" in body:
        return " | ".join(map(str, body["enum"]))
    if "anyOf" in body:
        return " or ".join(kind_of(each) for each in body["anyOf"] if each.get("type") != "null")
    kind = body.get("type", "any")
    if kind == "array":
        return f"list of {kind_of(body.get('items') or {})}"
    return str(body.get("format") or kind)


def default_of(body: dict[str, Any]) -> str:
    """The default a part of a schema names, or a dash."""
    return str(body["default"]) if "default" in body else "-"
