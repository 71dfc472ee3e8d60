"""A choice among a few things, as a form for an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

__all__ = ["described_choice"]

_LONGEST = 300


def described_choice(options: Mapping[str, str]) -> Any:
    r"""The type of an answer that is one of these words. What each stands for goes into its JSON Schema, so that it is
    before a model's eyes where the model chooses.

    Args:
        options: What each word stands for; ``""`` where there is nothing to say.

    Example:
        >>> from victor.core.output import Output
        >>> output = Output(described_choice({"P1": "Ulm", "P2": "Passau"}))
        >>> output.schema.schema["properties"]["value"]["description"]
        '- P1: Ulm\n- P2: Passau'
        >>> output.decode('{"value": "P2"}')
        'P2'
    """
    from msgspec import Meta

    choice = Literal[tuple(options)]  # type: ignore[valid-type]
    told = {name: " ".join(text.split()) for name, text in options.items()}
    if not any(told.values()):
        return choice
    lines = [f"- {name}: {text[:_LONGEST] or 'nothing is said about it'}" for name, text in told.items()]
    return Annotated[choice, Meta(description="\n".join(lines))]
