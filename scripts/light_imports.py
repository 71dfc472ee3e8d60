"""Heavy libraries are imported by the function that needs them, never when a module of ours is imported.

import-linter knows which module imports which, not when; this reads the sources for what runs at import time. The
faces stay light, and a command answers at once. Part of ``hatch run lint:check``.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from workspace import ROOT, packages

HEAVY = frozenset(
    "aiosqlite anthropic click dbos grpc httpx httpx2 jinja2 jsonschema matplotlib mcp nats networkx numpy openai "
    "opentelemetry pandas prometheus_client psycopg psycopg_pool pydantic pydantic_monty requests resvg_py rich "
    "ruamel scipy starlette structlog tantivy textual typer uvicorn yaml".split()
)
# Folders and modules that are loaded only when somebody runs them: `victor.core.cli`, `victor.graph.tui`, ...
PROGRAMS = frozenset({"cli", "tui", "designer", "dashboard", "__main__"})
# Modules that another of ours imports inside a function, when there is something for that library to do.
ON_DEMAND = frozenset(
    {
        "victor.graph.checkpoint.codec_numpy",
        "victor.observability.otel.ids",
        "victor.observability.otel.integration",
        "victor.observability.otel.readable",
        "victor.observability.otel.spans",
        "victor.tools.category_file",
    }
)


def imports_at_load(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and top-level name of every import that runs when the module is imported."""
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop(0)
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.lineno, node.module.partition(".")[0]
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending = node.orelse + pending
        else:
            pending = list(ast.iter_child_nodes(node)) + pending


def violations(source: Path) -> list[str]:
    """What a source tree does wrong, a line each."""
    found = []
    for file in sorted(source.rglob("*.py")):
        parts = file.relative_to(source).with_suffix("").parts
        if PROGRAMS & {*parts} or ".".join(("victor", source.name, *parts)) in ON_DEMAND:
            continue
        for line, name in imports_at_load(ast.parse(file.read_text(encoding="utf-8"), str(file))):
            if name in HEAVY:
                found.append(
                    f"{file.relative_to(ROOT)}:{line}: imports {name} at load; do it in the function that needs it"
                )
    return found


def main() -> int:
    """Check every package."""
    found = [line for one in packages() for line in violations(one.source)]
    print("\n".join(found) or "no module imports a heavy library at load")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
