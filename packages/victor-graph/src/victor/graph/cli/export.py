"""``victor workflow export``: a workflow in another form.

``yaml`` and ``json`` give a workflow of a file by itself, with those it runs, references and merges resolved (comments
are not kept; to change a file and keep them, use `victor.graph.yaml.edit`), or a graph in Python as a workflow file.
``python`` gives a workflow of a file as a Python module with a StateGraph.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from victor.core.cli.terminal import note
from victor.core.errors import ConfigurationError
from victor.graph.cli.target import Target, find_target

__all__ = ["export"]

_FORMS: Final = ("yaml", "json", "python")


def export(
    file: Annotated[str, typer.Argument(metavar="FILE", help="file.yaml, file.yaml#workflow, or module:graph.")],
    name: Annotated[str | None, typer.Argument(metavar="[WORKFLOW]", help="Which workflow of the file.")] = None,
    form: Annotated[str, typer.Option("--to", metavar="FORMAT", help="yaml, json or python.")] = "yaml",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write it there rather than print it.")
    ] = None,
) -> None:
    """Write a workflow in another form: YAML as Python, a graph in Python as YAML, or either as JSON."""
    if form not in _FORMS:
        raise ConfigurationError(f"a workflow is exported to {', '.join(_FORMS[:-1])} or {_FORMS[-1]}, not {form!r}")
    target = find_target(file, name)
    text = _text(target, form, None if output is None else output.parent)
    if output is None:
        print(text, end="")
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{output} cannot be written: {error.strerror or error}") from error
    note(f"{target.name} is written to {output}")


def _text(target: Target, form: str, folder: Path | None) -> str:
    """The workflow in that form; paths in it are relative to the folder it is written to."""
    if form == "python":
        from victor.graph.yaml.export.to_python import export_python

        if target.workflow is None or not target.of_file:
            raise ConfigurationError(f"{target.place} is a graph in Python already; export it to yaml or json")
        return export_python(target.workflow, folder=folder)
    from victor.graph.yaml.export.to_yaml import as_document
    from victor.graph.yaml.render import pairs_block

    document = as_document(target.source, name="" if target.of_file else target.name, folder=folder)
    if form == "json":
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return pairs_block(document, 0, step=2, dash=2, newline="\n") + "\n"
