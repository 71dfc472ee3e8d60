"""``victor tools``: list, show, search, run and measure tools; serve them to others; bring older ones over."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from victor.core import event_loop
from victor.core.catalog import near_matches
from victor.core.cli.terminal import note, print_json, print_table, style
from victor.core.errors import ConfigurationError, ToolApprovalError
from victor.core.tool import Tool
from victor.tools.cli.call_arguments import approval, read_arguments
from victor.tools.cli.shown import default_of, facts, kind_of, print_list, shown_name
from victor.tools.registry import UnifiedToolRegistry

__all__ = ["app"]

app: typer.Typer = typer.Typer(
    add_completion=False, no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]},
    help="List, search, run and serve tools.",
)  # fmt: skip
"""The command ``victor tools``."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback(invoke_without_command=True)
def tools(context: typer.Context, as_json: AsJson = False) -> None:
    """List the tools agents can use by name; see ``victor tools list`` for ways to choose."""
    if context.invoked_subcommand is None:
        print_list(UnifiedToolRegistry.get_instance().tools(), as_json)


@app.command("list")
def list_(
    category: Annotated[
        list[str] | None, typer.Option("--category", "-c", help="Only of this category; may be repeated.")
    ] = None,
    tier: Annotated[str | None, typer.Option("--tier", help="Only of this cost tier: free, low, medium, high.")] = None,
    source: Annotated[str | None, typer.Option("--source", help="Only from this plugin or server.")] = None,
    preset: Annotated[
        str | None, typer.Option("--preset", "-p", help="Only those of a preset, such as coding.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List tools."""
    registry = UnifiedToolRegistry.get_instance()
    found = registry.tools(category=category or None, tier=_tier(tier), source=source, preset=preset)
    if not found:
        known = {made.metadata.category for made in registry} | {each.name for each in registry.categories}
        for name in category or ():
            _known(name, known, "category", "`victor tools categories` lists them")
        if source is not None:
            sources = {made.metadata.source for made in registry if made.metadata.source}
            _known(source, sources, "source", f"there are: {', '.join(sorted(sources))}")
    print_list(found, as_json)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Such as files.read, or module:function.")], as_json: AsJson = False
) -> None:
    """Show a tool: what it does, its parameters, what a call costs, where it comes from."""
    made = _tool(name)
    if as_json:
        print_json({**facts(made), "description": made.description, "parameters": made.parameters})
        return
    metadata = made.metadata
    print(style(shown_name(made), "bold") + f"  ({metadata.id}; models call it {made.name})")
    print()
    for line in made.description.splitlines():
        print(f"  {line}")
    print()
    rows = [
        ("cost", str(metadata.cost_tier)),
        (
            "approval",
            "needed"
            if metadata.requires_approval is True
            else "sometimes"
            if metadata.requires_approval
            else "not needed",
        ),
        ("repeatable", "yes" if metadata.idempotent else "no"),
        ("time limit", f"{metadata.timeout_s:g} s" if metadata.timeout_s else "none of its own"),
        ("from", metadata.source or "this program"),
        ("keywords", ", ".join(metadata.keywords) or "-"),
    ]
    print_table([row for row in rows if row[1]])
    print()
    properties = made.parameters.get("properties", {})
    required = set(made.parameters.get("required", ()))
    if properties:
        table = [
            (key, kind_of(body), "required" if key in required else default_of(body), body.get("description", ""))
            for key, body in properties.items()
        ]
        print_table(table, header=("parameter", "type", "default", "what it is"))
    else:
        print("It takes no parameters.")


@app.command()
def search(
    query: Annotated[list[str], typer.Argument(help="Any words.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Most tools to show.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Find tools by what they do."""
    registry = UnifiedToolRegistry.get_instance()
    found = [registry.tool(metadata.id) for metadata in registry.search_tools(" ".join(query), limit)]
    if not found and not as_json:
        note(f"no tool fits {' '.join(query)!r}; `victor tools` lists all of them")
        raise typer.Exit(1)
    print_list(found, as_json)


@app.command()
def run(
    name: Annotated[str, typer.Argument(help="Such as files.read, or module:function.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="name=value, or name:=JSON.")] = None,
    given: Annotated[str, typer.Option("--args", help="All arguments as one JSON object.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Allow a call that needs approval.")] = False,
    as_json: AsJson = False,
) -> None:
    """Call a tool, such as `victor tools run files.read path=README.md`."""
    from victor.core.tool import ToolScope

    made = _tool(name)
    scope = ToolScope(agent="command line", approve=approval(yes))
    result = event_loop.run(made.call(read_arguments(arguments or [], given), scope=scope))
    if as_json:
        error = None if result.error is None else str(result.error)
        print_json({"ok": result.ok, "value": result.value if result.ok else None, "text": result.text, "error": error})
    elif result.ok:
        print(result.text)
    else:
        note(result.text, kind="error")
    if isinstance(result.error, ToolApprovalError) and not yes:
        note("--yes allows the call")
    if not result.ok:
        raise typer.Exit(1)


@app.command()
def categories(as_json: AsJson = False) -> None:
    """List categories and presets, with how many tools each has."""
    registry = UnifiedToolRegistry.get_instance()
    known = registry.categories
    named = {category.name: category for category in known}
    used = {made.metadata.category for made in registry}
    rows = []
    for name in sorted({*named, *used}):
        category = named.get(name)
        count = len(registry.get_tools_by_category(name))
        rows.append(
            (name, count, category.description if category else "", category.origin if category else "undescribed")
        )
    presets = [(p.name, len(registry.tools(preset=p.name)), p.description, p.origin) for p in known.presets]
    if as_json:
        keys = ("name", "tools", "description", "origin")
        print_json(
            {
                "categories": [dict(zip(keys, r, strict=True)) for r in rows],
                "presets": [dict(zip(keys, r, strict=True)) for r in presets],
            }
        )
        return
    print_table([(n, str(c), d, o) for n, c, d, o in rows], header=("category", "tools", "what for", "from"))
    print()
    print_table([(n, str(c), d, o) for n, c, d, o in presets], header=("preset", "tools", "what for", "from"))


@app.command()
def serve(
    preset: Annotated[
        str, typer.Option("--preset", "-p", help="Which tools; see victor tools categories.")
    ] = "default",
    tool: Annotated[list[str] | None, typer.Option("--tool", "-t", help="Only these tools; may be repeated.")] = None,
    http: Annotated[bool, typer.Option("--http", help="Over HTTP instead of standard input and output.")] = False,
    host: Annotated[str, typer.Option("--host", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Where to listen; 0 for any that is free.")
    ] = 8848,
    token: Annotated[
        str, typer.Option("--token", envvar="VICTOR_TOOLS_TOKEN", help="What clients must send; made up if not given.")
    ] = "",
    no_token: Annotated[bool, typer.Option("--no-token", help="Ask for none; only on this machine.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Offer tools that need approval, and allow all their calls.")
    ] = False,
) -> None:
    """Serve tools over the Model Context Protocol (needs victor-tools[mcp])."""
    from victor.tools.mcp.server import build_server, new_token, offered, serve_http, serve_stdio

    registry = UnifiedToolRegistry.get_instance()
    wanted = [registry.tool(name) for name in tool] if tool else registry.tools(preset=preset)
    approve = (lambda context: True) if yes else None
    chosen = offered(wanted, approve)
    if len(chosen) < len(wanted):
        kept = {made.name for made in chosen}
        names = ", ".join(shown_name(made) for made in wanted if made.name not in kept)
        if tool:
            raise ConfigurationError(
                f"every call of {names} needs approval, and nobody can be asked over MCP; --yes allows all calls"
            )
        note(f"left out, because every call needs approval: {names} (--yes offers them and allows all calls)")
    if not chosen:
        raise ConfigurationError("no tool is left to serve")
    server = build_server(chosen, approve=approve)
    try:
        if not http:
            event_loop.run(serve_stdio(server))
            return
        secret = None if no_token else token or new_token()

        def tell(at: int) -> None:
            note(f"serving {len(chosen)} tools at http://{host}:{at}/mcp")
            if secret is not None and not token:
                note(f"token: {secret}")

        event_loop.run(serve_http(server, host=host, port=port, token=secret, ready=tell))
    except KeyboardInterrupt:
        note("stopped")


@app.command()
def bench(
    name: Annotated[str | None, typer.Argument(help="A tool to measure as well, such as math.evaluate.")] = None,
    arguments: Annotated[list[str] | None, typer.Argument(help="name=value, or name:=JSON.")] = None,
    given: Annotated[str, typer.Option("--args", help="All its arguments as one JSON object.")] = "",
    calls: Annotated[int, typer.Option("--calls", "-n", min=1, help="How many calls and searches.")] = 1000,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Call it so often although its calls change things or need approval.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Measure what a call costs, what a tool of your choice takes, and how fast search is."""
    from victor.core.tool import ToolScope
    from victor.tools.cli.measure import measure_floor, measure_search, measure_tool, no_op

    registry = UnifiedToolRegistry.get_instance()
    made = None if name is None else _tool(name)
    if made is not None and not yes and not made.metadata.idempotent:
        raise ConfigurationError(f"every call of {name} may change something; --yes makes {calls + 1} of them")

    async def measure() -> list[Any]:
        found = [await measure_floor(calls), await measure_tool(no_op(), calls)]
        if made is not None:
            scope = ToolScope(agent="command line", approve=(lambda context: True) if yes else None)
            found.append(await measure_tool(made, calls, read_arguments(arguments or [], given), scope=scope))
        return found

    measured = [*event_loop.run(measure()), measure_search(registry, calls)]
    if as_json:
        keys = ("what", "runs", "p50_us", "p95_us")
        print_json([{key: getattr(each, key) for key in keys} for each in measured])
        return
    rows = [(each.what, str(each.runs), f"{each.p50_us:,.1f}", f"{each.p95_us:,.1f}") for each in measured]
    print_table(rows, header=("microseconds", "runs", "median", "95 of 100 below"))


@app.command()
def migrate(
    path: Annotated[Path, typer.Argument(help="A Python file, or a directory of them.")],
    diff: Annotated[bool, typer.Option("--diff", help="Show what would change, and change nothing.")] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Change nothing; exit 1 if something would change, or is left to do by hand."),
    ] = False,
) -> None:
    """Bring tools and registry calls written for victor-ai over (needs victor-tools[migrate])."""
    from victor.tools.migrate.files import migrate as run_migration

    changed = looked = 0
    for done in run_migration(path):
        if done.problem:
            note(f"{done.path}: left alone: {done.problem}", kind="warning")
        if done.changed:
            changed += 1
            if diff:
                print(done.diff, end="")
            elif not check:
                with done.path.open("w", encoding=done.encoding, newline="") as file:
                    file.write(done.after)
                note(f"rewrote {done.path}")
            else:
                note(f"would rewrite {done.path}")
        for line, text in done.by_hand:
            looked += 1
            note(f"{done.path}:{line}: by hand: {text}")
    files = "1 file" if changed == 1 else f"{changed} files"
    places = "1 place" if looked == 1 else f"{looked} places"
    note(f"{files} {'to change' if diff or check else 'changed'}, {places} to look at")
    if check and (changed or looked):
        raise typer.Exit(1)


def _tool(name: str) -> Tool:
    """A tool of the registry, ``module:function`` (also of the working directory), or ``file.py:function``."""
    if ":" not in name:
        return UnifiedToolRegistry.get_instance().tool(name)
    from victor.core.agent import resolve_tools
    from victor.core.import_strings import look_here

    look_here()
    (made,) = resolve_tools([name]).values()
    return made


def _known(name: str, names: set[str], kind: str, otherwise: str) -> None:
    if name not in names:
        near = near_matches(name, names)
        hint = "did you mean " + " or ".join(map(repr, near)) + "?" if near else otherwise
        raise ConfigurationError(f"no tool has the {kind} {name!r}; {hint}")


def _tier(name: str | None) -> Any:
    from victor.core.tool import CostTier

    try:
        return None if name is None else CostTier(name.lower())
    except ValueError:
        raise ConfigurationError(f"--tier {name}: it is one of {', '.join(map(str, CostTier))}") from None
