"""``victor workflow schema``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from victor.core.cli.terminal import note
from victor.core.errors import ConfigurationError

__all__ = ["schema"]


def schema(
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write it there rather than print it.")
    ] = None,
) -> None:
    """Print the JSON Schema of workflow files, for editors; it knows the node types that are installed."""
    from victor.graph.yaml.schema import render_schema

    text = render_schema()
    if output is None:
        print(text, end="")
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{output} cannot be written: {error.strerror or error}") from error
    note(f"Written to {output}. First line of a workflow file: # yaml-language-server: $schema={output}")
