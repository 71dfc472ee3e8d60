"""``victor workflow export``: a workflow by itself, as YAML or JSON.

What an editor or another program wants as data: the workflow and those of its file it runs, references and merges
resolved. Comments are not kept; to change a file and keep them, use `victor.graph.yaml.edit`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from victor.core.cli.terminal import note
from victor.core.errors import ConfigurationError
from victor.graph.cli.target import Target, find_target

__all__ = ["export"]


def export(
    file: Annotated[str, typer.Argument(metavar="FILE", help="file.yaml or file.yaml#workflow.")],
    name: Annotated[str | None, typer.Argument(metavar="[WORKFLOW]", help="Which workflow of the file.")] = None,
    form: Annotated[str, typer.Option("--to", metavar="FORMAT", help="yaml or json.")] = "yaml",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write it there rather than print it.")
    ] = None,
) -> None:
    """Write a workflow by itself, checked and resolved, as YAML or JSON."""
    if form not in {"yaml", "json"}:
        raise ConfigurationError(f"a workflow is exported to yaml or json, not {form!r}")
    target = find_target(file, name)
    text = _text(_document(target), form)
    if output is None:
        print(text, end="")
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{output} cannot be written: {error.strerror or error}") from error
    note(f"{target.name} is written to {output}")


def _document(target: Target) -> dict[str, Any]:
    """The workflow and those of the same file it runs, as a file of their own."""
    if target.workflow is None:
        raise ConfigurationError(f"{target.place} is a graph in Python; its functions have no form in a file")
    wanted = [target.workflow.definition]
    for definition in wanted:  # grows while it is gone through
        for node in definition.scope.every():
            if node.source is not definition.source:
                raise ConfigurationError(
                    f"node {node.id!r} comes from {node.source.name} ($ref): what it refers to is relative to that file"
                )
            inner = node.target
            if inner is not None and inner.source is definition.source and inner not in wanted:
                wanted.append(inner)
    table = target.workflow.definition.source.value["workflows"]
    return {"workflows": {definition.name: table[definition.name] for definition in wanted}}


def _text(document: dict[str, Any], form: str) -> str:
    if form == "json":
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    from victor.graph.yaml.render import pairs_block

    return pairs_block(document, 0, step=2, dash=2, newline="\n") + "\n"
