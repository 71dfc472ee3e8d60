"""The JSON Schema of team files, by which editors complete and check them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from victor.teams.yaml.spec import TeamFile

__all__ = ["SCHEMA_FILE", "make_schema"]

SCHEMA_FILE: Final = Path(__file__).with_name("schema.json")
"""The published schema; the same as `make_schema` gives."""


def make_schema() -> dict[str, Any]:
    """The schema, made from the classes that the loader reads with."""
    from victor.core.schema import json_schema

    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Victor team file",
        **json_schema(TeamFile),
    }
