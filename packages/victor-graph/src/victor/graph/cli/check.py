"""``victor workflow list``, ``show`` and ``validate``."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from victor.core.cli.terminal import print_json, print_table, style
from victor.core.errors import VictorError
from victor.graph.yaml.problems import WorkflowFileError

__all__ = ["list_workflows", "show", "validate"]


def list_workflows(
    place: Annotated[Path, typer.Argument(metavar="[PLACE]", help="File or folder to look in.")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the workflows of a file, or of all files below a folder."""
    from victor.graph.yaml.source import read_file

    rows: list[dict[str, Any]] = []
    for path in [place] if place.is_file() else _yaml_files(place):
        try:
            value = read_file(path).value
        except WorkflowFileError as error:
            if place.is_file():
                raise
            rows.append(
                {
                    "file": str(path),
                    "workflow": "",
                    "nodes": 0,
                    "description": f"not readable: {error.problems[0].message}",
                }
            )
            continue
        table = value.get("workflows") if isinstance(value, dict) else None
        for name, spec in table.items() if isinstance(table, dict) else ():
            spec = spec if isinstance(spec, dict) else {}
            nodes = spec.get("nodes")
            rows.append(
                {
                    "file": str(path),
                    "workflow": name,
                    "nodes": len(nodes) if isinstance(nodes, list) else 0,
                    "description": str(spec.get("description", "")),
                }
            )
    if as_json:
        print_json(rows)
        return
    if not rows:
        print(f"There are no workflow files in {place.resolve()}.")
        return
    table_rows = [(row["workflow"], row["file"], str(row["nodes"]), row["description"]) for row in rows]
    print_table(table_rows, header=("workflow", "file", "nodes", "what it does"))


def show(
    file: Annotated[str, typer.Argument(metavar="FILE", help="file.yaml, file.yaml#workflow, or module:graph.")],
    name: Annotated[str | None, typer.Argument(metavar="[WORKFLOW]", help="Which of the file's workflows.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show a workflow: what goes in, its steps, what comes out."""
    from victor.graph.cli.target import find_target
    from victor.graph.yaml.spec import ABSENT

    target = find_target(file, name)
    topology = target.topology()
    inputs = target.workflow.inputs if target.workflow is not None else {}
    steps = [node for node in topology.nodes if node.kind not in {"start", "end"}]
    listed = [
        {
            "name": key,
            "type": spec.type,
            "required": spec.default is ABSENT and spec.required is not False,
            "default": None if spec.default is ABSENT else spec.default,
            "description": spec.description,
        }
        for key, spec in inputs.items()
    ]
    if as_json:
        nodes = [
            {"id": n.id, "kind": n.kind, "title": n.title, "description": n.description, **n.attributes} for n in steps
        ]
        edges = [{"from": edge.source, "to": edge.target, "label": edge.label} for edge in topology.edges]
        print_json({"name": target.name, "inputs": listed, "nodes": nodes, "edges": edges})
        return
    print(style(target.name, "bold"))
    if topology.description:
        print(topology.description)
    if listed:
        print(f"\n{style('Inputs', 'bold')}")
        rows = [
            (
                str(i["name"]),
                str(i["type"]),
                "required" if i["required"] else f"default {i['default']!r}",
                str(i["description"]),
            )
            for i in listed
        ]
        print_table(rows, indent="  ")
    print(f"\n{style('Steps', 'bold')}")
    follows = {
        node.id: [f"{e.label}: {e.target}" if e.label else e.target for e in topology.edges if e.source == node.id]
        for node in steps
    }
    names = {"__end__": "end"}
    rows2 = [
        (
            node.id,
            str(node.attributes.get("type", node.kind)),
            ", ".join(names.get(f, f) for f in follows[node.id]),
            node.description,
        )
        for node in steps
    ]
    print_table(rows2, header=("step", "type", "then", "what it does"), indent="  ")


def validate(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Workflow files, or folders of them.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check workflow files: everything that is wrong, with file, line and column."""
    from victor.core.import_strings import look_here
    from victor.graph.yaml.workflow import load_workflows

    look_here()
    problems: list[dict[str, Any]] = []
    good: list[tuple[Path, int]] = []
    for path in [p for file in files for p in (_yaml_files(file) if file.is_dir() else [file])]:
        try:
            workflows = load_workflows(path)
            for workflow in workflows.values():
                workflow.graph.compile()
            good.append((path, len(workflows)))
        except WorkflowFileError as error:
            problems += [
                {"file": p.file, "line": p.line, "column": p.column, "message": p.message} for p in error.problems
            ]
        except VictorError as error:
            problems.append({"file": str(path), "line": 1, "column": 1, "message": str(error)})
    if as_json:
        print_json({"valid": not problems, "files": [str(path) for path, _ in good], "problems": problems})
    else:
        for path, count in good:
            print(f"{path}: {style('fine', 'green')}, {count} workflow{'s' if count != 1 else ''}")
        for problem in problems:
            place = f"{problem['file']}:{problem['line']}:{problem['column']}"
            print(f"{style(place, 'bold')}: {style(problem['message'], 'red')}")
    if problems:
        raise typer.Exit(1)


def _yaml_files(folder: Path) -> list[Path]:
    """The YAML files below a folder that hold workflows, hidden folders left out."""
    found = []
    # os.walk passes over folders that vanish meanwhile, and need not enter those that are left out.
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "node_modules"]
        for name in names:
            if name.startswith(".") or not name.endswith((".yaml", ".yml")):
                continue
            path = Path(where, name)
            with suppress(OSError):
                if "workflows:" in path.read_text(encoding="utf-8", errors="replace"):
                    found.append(path)
    return sorted(found)
