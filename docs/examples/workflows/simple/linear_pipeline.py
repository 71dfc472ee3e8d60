"""The one step of ``linear_pipeline.yaml`` that is a function: reads the notice."""

from __future__ import annotations

from pathlib import Path


def read(text: str) -> str:
    """The text itself, or what stands in the file it names."""
    return (Path(__file__).parent / text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text
