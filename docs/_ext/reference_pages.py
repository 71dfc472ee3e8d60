"""Fill in the pages of the reference from the code they describe, when the site is built.

A page holds a line ``<!-- generated: commands -->``; Sphinx reads the page with what `GENERATED` makes in its place. So
nothing on these pages can be out of date, and a page that somebody reads in the repository still says what it is about.
"""

from __future__ import annotations

import importlib
import inspect
import json
import logging
import re
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
from attrs import frozen

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "docs" / "_ext")]

from public_api import Public, find_public, modules  # noqa: E402 - it is a script, in a folder of its own
from reference_events import emitted_kinds  # noqa: E402

if TYPE_CHECKING:
    from sphinx.application import Sphinx

log = logging.getLogger("sphinx.reference_pages")
"""Below Sphinx' own logger, so that ``-W`` counts its warnings; tests read this module without Sphinx."""

MARK: Final = re.compile(r"^<!-- generated: (?P<what>[\w-]+) -->$", re.MULTILINE)


def cell(text: str) -> str:
    """A text as a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """A text as code in a cell; a dash for nothing."""
    mark = "``" if "`" in text else "`"
    return f"{mark}{cell(text)}{mark}" if text else "-"


def capital(text: str) -> str:
    """A text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """A text with a full stop; nothing stays nothing."""
    return f"{text}." if text else ""


def prose(text: str) -> str:
    """A docstring as Markdown: its double backquotes and its names become code."""
    paragraphs = [" ".join(part.split()) for part in inspect.cleandoc(text).split("\n\n")]
    return re.sub(r"``(.+?)``", r"`\1`", "\n\n".join(paragraphs).replace("\\", "\\\\"))


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """A table in Markdown."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def distribution_of(module: str) -> str:
    """The distribution that brings a module of ours: ``victor-graph`` for ``victor.graph.errors``."""
    return "-".join(module.split(".")[:2])


# Commands


@frozen
class Command:
    """A command of ``victor``.

    Args:
        path: Its words, without ``victor``.
        distribution: Which brings it.
        parsed: As click sees it.
        children: Whether it only has commands below it.
    """

    path: tuple[str, ...]
    distribution: str
    parsed: Any
    children: bool


def find_commands(plugins: Any) -> list[Command]:
    """Every command that is not hidden, those of core first."""
    from victor.core.cli.root import command_of

    owners = {one.name: one.distribution or one.name for one in plugins.loaded}
    found: list[Command] = []

    def walk(path: tuple[str, ...], owner: str, parsed: Any) -> None:
        below = getattr(parsed, "commands", None) or {}
        if parsed.hidden:
            return
        found.append(Command(path, owner, parsed, bool(below)))
        for name, child in below.items():
            walk((*path, name), owner, child)

    for entry in plugins.commands:
        walk((entry.name,), owners.get(entry.plugin, entry.plugin), command_of(entry.name, entry.load()))
    return sorted(found, key=lambda one: (one.distribution != "victor-core", one.distribution))


def commands() -> str:
    """The reference of the command line: each command's help, arguments and options."""
    from victor.core.plugins import get_plugins

    lines: list[str] = []
    owner = ""
    for one in find_commands(get_plugins()):
        if one.distribution != owner:
            owner = one.distribution
            lines += [f"## Commands of {owner}", ""]
        name = " ".join(("victor", *one.path))
        lines += [f"({'-'.join(('command', *one.path))})=", f"### `{name}`", "", command_text(one, name)]
    return "\n".join(lines)


def command_text(one: Command, name: str) -> str:
    """What is said of one command below its heading."""
    context = one.parsed.context_class(one.parsed, info_name=name)
    lines = [_paragraphs(one.parsed.help or ""), ""]
    usage = " ".join([name, *one.parsed.collect_usage_pieces(context)])
    lines += ["```text", usage, "```", ""]
    if one.children:
        below = [each for each in one.parsed.commands.values() if not each.hidden]
        rows = [
            (f"[`{name} {each.name}`](#{'-'.join(('command', *one.path, str(each.name)))})", _first(each.help))
            for each in below
        ]
        return "\n".join([*lines, *table(("command", "what it does"), rows)])
    for title, kind in (("argument", "argument"), ("option", "option")):
        rows = []
        for parameter in one.parsed.params:
            record = None if getattr(parameter, "hidden", False) else parameter.get_help_record(context)
            if record is not None and parameter.param_type_name == kind:
                rows.append((code(record[0]), cell(_option_text(record[1]))))
        if rows:
            lines += table((title, "what it is"), rows)
    return "\n".join(lines)


def _option_text(text: str) -> str:
    """Help as the terminal has it: brackets of defaults stay, those of rich's colors are gone."""
    return re.sub(r"\[(default: .*?|x[<>=].*?|required)\]", r"*\1*", text).replace("<", "&lt;")


def _first(text: str | None) -> str:
    return cell((text or "").strip().partition("\n\n")[0]).replace("<", "&lt;")


def _paragraphs(text: str) -> str:
    """A help text; lines that click must not wrap are a block of their own."""
    parts = []
    for part in inspect.cleandoc(text).split("\n\n"):
        if part.startswith("\b"):
            parts.append("```text\n" + part.lstrip("\b\n") + "\n```")
        else:
            parts.append(" ".join(part.split()).replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_"))
    return "\n\n".join(parts)


# Settings


@frozen
class Setting:
    """A key of ``victor.toml``.

    Args:
        key: Its name in its table.
        type: What a value is.
        default: As it is written in a file; empty where there is none.
        help: What it means.
    """

    key: str
    type: str
    default: str
    help: str


@frozen
class Table:
    """A table of ``victor.toml``.

    Args:
        name: Dotted; empty for the keys that stand in none. Capitals stand for a name of the user's.
        distribution: Which reads it.
        help: What it is for.
        settings: Its keys.
        free: Whether other keys are allowed beside these: headers, names.
    """

    name: str
    distribution: str
    help: str
    settings: tuple[Setting, ...]
    free: bool = False

    def variable(self, key: str) -> str:
        """The environment variable of a key; empty where the table's name is the user's to choose."""
        path = f"{self.name}.{key}" if self.name else key
        return "" if re.search(r"[A-Z]", path) else "VICTOR_" + path.replace(".", "__").upper()


def find_settings(plugins: Any) -> list[Table]:
    """Every table that a package reads, with its keys, from where they are declared."""
    from victor.core.pricing import Price

    owners = {one.name: one.distribution or one.name for one in plugins.loaded}
    found = [*_of_core(), Table('prices."PROVIDER:MODEL"', "victor-core", _text(Price), _from_class(Price))]
    for entry in plugins.listeners:
        target = entry.load()
        found += _of_listener(entry.name, owners.get(entry.plugin, entry.plugin), target, entry.help)
    for entry in plugins.metrics:
        settings = _from_signature(entry.load())
        found.append(Table(f"metrics.{entry.name}", owners[entry.plugin], sentence(entry.help), settings))
    return [*found, *_of_tools()]


def _of_core() -> Iterator[Table]:
    from victor.core.settings import KEYS, LimitSettings, Settings

    defaults = {one.name: one.default for one in attrs.fields(Settings)}
    limits = {f"limits.{one.name}": one.default for one in attrs.fields(LimitSettings)}
    words = {"list": "list of texts", "switch": "true or false", "count": "whole number", "amount": "number"}
    tables: dict[str, list[Setting]] = {}
    for name, key in KEYS.items():
        above, _, last = name.rpartition(".")
        kind = " or ".join(code(f'"{choice}"') for choice in key.choices) or words.get(key.kind, "text")
        tables.setdefault(above, []).append(
            Setting(last, kind, _written({**defaults, **limits}[name]), sentence(key.help))
        )
    for above, settings in tables.items():
        told = "What one agent run may use at most, where the agent has no limits of its own."
        if not above:
            told = "What all packages share. These keys stand above the first table of the file."
        yield Table(above, "victor-core", told, tuple(settings))


def _of_listener(name: str, owner: str, target: Any, help: str) -> Iterator[Table]:
    table = f"listener.{name}"
    if name == "observability":
        from victor.observability.settings import Settings
        from victor.observability.store.retention import Retention

        rows = tuple(one for one in _from_class(Settings) if one.key != "retention_table")
        yield Table(table, owner, sentence(help and f"The recorder: {help}"), rows)
        yield Table(f"{table}.retention", owner, _text(Retention), _from_class(Retention))
    elif name == "otel":
        from victor.observability.otel import listener
        from victor.observability.otel.integration import OpenTelemetryIntegration

        known = listener._SETTINGS
        rows = tuple(one for one in _from_signature(OpenTelemetryIntegration) if one.key in known)
        assert {one.key for one in rows} == set(known)
        told = help and f"{help}. What is left out is taken from the standard `OTEL_...` variables"
        yield Table(table, owner, sentence(told), rows)
    else:
        yield Table(table, owner, sentence(help), _from_signature(target))


def _of_tools() -> Iterator[Table]:
    from victor.tools.builtin import KITS
    from victor.tools.mcp.configured import ServerSettings

    told = "A file, or a list of files, of [categories and presets](../guides/tool-system.md) of your own."
    help = "What is said of tools; each toolkit has a table of its own."
    yield Table("tools", "victor-tools", help, (Setting("categories", "text or list of texts", "", told),))
    for section, (target, _) in KITS.items():
        module, _, name = target.partition(":")
        kit = getattr(importlib.import_module(module), name)
        rows = _from_class(kit) if attrs.has(kit) else ()
        yield Table(f"tools.{section}", "victor-tools", _text(kit), rows)
    help = "A server of the Model Context Protocol."
    yield Table("tools.mcp.NAME", "victor-tools", help, _from_class(ServerSettings))


def _from_class(made: Any) -> tuple[Setting, ...]:
    """The fields of an attrs class, told by the ``Args:`` of its docstring."""
    told = _arguments(made.__doc__)
    return tuple(
        Setting(one.name, _type_text(one.type, made.__module__), _default_of(one), prose(told.get(one.name, "")))
        for one in attrs.fields(made)
        if one.init and not one.name.startswith("_")
    )


def _default_of(one: Any) -> str:
    default = one.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        default = None if default.takes_self else default.factory()
    return _written(default)


def _from_signature(target: Any) -> tuple[Setting, ...]:
    """The keyword arguments of a function or class, told by its docstring."""
    told = _arguments(target.__doc__)
    return tuple(
        Setting(name, _type_text(one.annotation, target.__module__), _written(one.default), prose(told.get(name, "")))
        for name, one in inspect.signature(target).parameters.items()
        if one.kind is one.KEYWORD_ONLY or one.kind is one.POSITIONAL_OR_KEYWORD
    )


def _arguments(text: str | None) -> dict[str, str]:
    from docstring_parser.google import parse as parse_google

    return {one.arg_name: one.description or "" for one in parse_google(text or "").params}


def _text(made: Any) -> str:
    """The first paragraph of a docstring."""
    return prose((made.__doc__ or "").strip().partition("\n\n")[0])


_WORDS: Final = {
    "str": "text", "bool": "true or false", "int": "whole number", "float": "number", "Path": "path",
    "None": "", "TextIO": "", "Endpoint": "", "Any": "anything",
}  # fmt: skip
"""Types as somebody knows them who writes TOML; empty for what no file can hold."""


def _type_text(annotation: Any, module: str) -> str:
    """A type in words: ``str | None`` is a text. An alias is looked up in the module."""
    if isinstance(annotation, str) and annotation.isidentifier():
        annotation = getattr(sys.modules[module], annotation, annotation)
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    if not isinstance(annotation, (str, type)):
        text = str(annotation)
    text = re.sub(r"\b(?:typing|pathlib|collections\.abc)\.", "", text)
    if literal := re.search(r"Literal\[(.*?)\]", text):
        return " or ".join(code(part.strip().replace("'", '"')) for part in literal[1].split(","))
    parts = []
    for part in re.split(r" \| (?![^\[]*\])", text):
        if re.match(r"(?:dict|Mapping)\b", part):
            parts.append("table")
        elif part.startswith("Callable["):
            parts.append("function")
        elif inner := re.match(r"(?:list|tuple|Iterable|Sequence|frozenset)\[(\w+)", part):
            parts.append(f"list of {_WORDS.get(inner[1], inner[1])}s")
        else:
            parts.append(_WORDS.get(part, part))
    return " or ".join(dict.fromkeys(filter(None, parts))) or "text"


def _written(value: Any) -> str:
    """A default as a file has it; empty where leaving it out means none."""
    if value is None or value is inspect.Parameter.empty or value is attrs.NOTHING:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (tuple, list, set, frozenset)):
        return json.dumps(sorted(map(str, value)) if isinstance(value, (set, frozenset)) else list(map(str, value)))
    if isinstance(value, Mapping):
        return "{}" if not value else json.dumps(dict(value))
    if isinstance(value, int):
        return f"{value:_}" if abs(value) >= 10_000 else str(value)
    return repr(value) if isinstance(value, float) else json.dumps(str(value))


def settings() -> str:
    """The tables of ``victor.toml``."""
    from victor.core.plugins import get_plugins

    lines: list[str] = []
    owner = ""
    tables = sorted(find_settings(get_plugins()), key=lambda one: (one.distribution != "victor-core", one.distribution))
    for one in tables:
        if one.distribution != owner:
            owner = one.distribution
            lines += [f"## Settings of {owner}", ""]
        lines += [f"### `[{one.name}]`" if one.name else "### Without a table", "", capital(one.help), ""]
        rows = []
        for each in one.settings:
            variable = one.variable(each.key)
            told = re.sub(r"\bNone\b", "left out", capital(each.help))  # a file has no None
            rows.append((code(each.key), cell(each.type), code(each.default), cell(told), code(variable)))
        if rows:
            lines += table(("key", "value", "default", "meaning", "environment"), rows)
        else:
            lines += ["It has no keys.", ""]
    return "\n".join(lines)


# Errors


def find_errors() -> list[type[BaseException]]:
    """Every exception class of a public module's ``__all__``, where it is defined."""
    found: dict[type[BaseException], None] = {}
    for name, _ in modules():
        module = importlib.import_module(name)
        for each in getattr(module, "__all__", ()):
            value = getattr(module, each, None)
            if isinstance(value, type) and issubclass(value, BaseException) and value.__module__.startswith("victor."):
                found[value] = None

    def place(error: type[BaseException]) -> tuple[bool, str, str]:
        owner = distribution_of(error.__module__)
        return owner != "victor-core", owner, error.__name__

    return sorted(found, key=place)


WHAT_TO_DO: Final = "What to do:"
"""How the paragraph of an exception's docstring begins that tells what to do about it."""


def error_parts(error: type[BaseException]) -> tuple[str, str, dict[str, str]]:
    """When an exception is raised, what to do, and what it carries."""
    from docstring_parser.google import parse as parse_google

    parsed = parse_google(inspect.cleandoc(vars(error).get("__doc__") or ""))
    text = "\n\n".join(filter(None, (parsed.short_description, parsed.long_description)))
    when, _, advice = text.partition(WHAT_TO_DO)
    carried: dict[str, str] = {}
    for base in reversed(error.__mro__):
        if base.__module__.startswith("victor."):
            for one in parse_google(vars(base).get("__doc__") or "").params:
                if one.arg_name != "message":
                    carried[one.arg_name] = one.description or ""
    return when.strip(), advice.strip(), carried


def errors() -> str:
    """The catalogue of errors."""
    lines: list[str] = []
    owner = ""
    for error in find_errors():
        distribution = distribution_of(error.__module__)
        if distribution != owner:
            owner = distribution
            lines += [f"## Errors of {owner}", ""]
        when, advice, carried = error_parts(error)
        home = f"{error.__module__}.{error.__qualname__}"
        above = ", ".join(f"`{base.__name__}`" for base in error.__bases__)
        lines += [f"### `{error.__name__}`", "", f"{{py:obj}}`{home}`, a kind of {above}", ""]
        lines += [prose(when), "", f"**What to do:** {prose(advice)}", ""]
        if carried:
            lines += ["It carries:", ""] + [f"- `{name}`: {cell(prose(text))}" for name, text in carried.items()] + [""]
    return "\n".join(lines)


# Events


def events() -> str:
    """Each kind of event with its attributes and contents, and who emits it."""
    rows = []
    for kind, one in sorted(emitted_kinds(ROOT / "packages").items()):
        modules = sorted({place.partition(": ")[2] for place in one.places})
        owner = sorted({place.partition(": ")[0] for place in one.places})
        named = ", ".join(map(code, one.attributes)) or "-"
        inside = ", ".join(map(code, one.content)) or "-"
        rows.append((code(kind), named, inside, ", ".join(owner) + ": " + ", ".join(map(code, modules))))
    return "\n".join(table(("kind", "`event.attributes`", "`event.content`", "emitted by"), rows))


# Schemas


def type_of(node: Any) -> str:
    """What a JSON Schema allows, in a word or some."""
    if not isinstance(node, Mapping) or not node:
        return "anything"
    if "$ref" in node:
        return f"`{node['$ref'].rpartition('/')[2]}`"
    if "const" in node:
        return code(json.dumps(node["const"]))
    if "enum" in node:
        return " or ".join(code(json.dumps(one)) for one in node["enum"])
    for word in ("anyOf", "oneOf"):
        if word in node:
            return " or ".join(dict.fromkeys(map(type_of, node[word])))
    kind = node.get("type", "")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        return f"list of {type_of(node.get('items', {}))}"
    if kind == "object" and isinstance(node.get("additionalProperties"), Mapping):
        return f"mapping of names to {type_of(node['additionalProperties'])}"
    return str(kind) or "anything"


def _objects(node: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The objects with keys that stand inside of a schema, each with its place: ``teams.NAME.members[]``."""
    if not isinstance(node, Mapping):
        return
    if node.get("properties"):
        yield path, node
    for key, below in node.get("properties", {}).items():
        yield from _objects(below, f"{path}.{key}" if path else key)
    if isinstance(node.get("additionalProperties"), Mapping):
        yield from _objects(node["additionalProperties"], f"{path}.NAME" if path else "NAME")
    if isinstance(node.get("items"), Mapping):
        yield from _objects(node["items"], f"{path}[]")
    for below in (*(one for word in ("anyOf", "oneOf", "allOf") for one in node.get(word, ())), node.get("then")):
        yield from _objects(below, path)


def schema_tables(schema: Mapping[str, Any], title: str, common: str = "") -> list[str]:
    """A table for each object of a schema.

    Args:
        schema: The JSON Schema.
        title: What the outermost object is called.
        common: Definitions whose name begins like this share keys; these come once, before the first of them.
    """
    lines: list[str] = []
    found = list(_objects({key: one for key, one in schema.items() if key != "$defs"}, ""))
    for name, definition in schema.get("$defs", {}).items():
        inside = list(_objects(definition, name))
        found += inside or [(name, definition)]
    found = list({(name.rpartition(".")[2], json.dumps(node)): (name, node) for name, node in reversed(found)}.values())
    found.reverse()
    shared = _shared([one for name, one in found if common and re.fullmatch(f"{common}[a-z]+", name)])
    told = not shared
    for name, node in found:
        is_one = bool(common and re.fullmatch(f"{common}[a-z]+", name))
        if is_one and not told:
            told = True
            lines += [f"### All kinds of `{common}*`", "", "These keys are the same in all of them.", ""]
            lines += _keys(node, list(shared))
        if shared and name.partition(".")[0] != name and re.split(r"[.\[]", name)[1] in shared:
            name = f"{common}*{name[len(name.partition('.')[0]) :]}"
        lines += [f"### `{name or title}`", ""]
        if node.get("description"):
            lines += [capital(prose(node["description"])), ""]
        lines += _keys(node, [key for key in node.get("properties", {}) if not is_one or key not in shared])
    return lines


def _shared(nodes: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The keys that several objects have alike."""
    if not nodes:
        return {}
    first = nodes[0].get("properties", {})
    return {
        key: value for key, value in first.items() if all(one.get("properties", {}).get(key) == value for one in nodes)
    }


def _keys(node: Mapping[str, Any], keys: list[str]) -> list[str]:
    """The table of an object's keys."""
    rows = []
    for key in keys:
        below = node["properties"][key]
        told = below.get("description", "") if isinstance(below, Mapping) else ""
        need = "yes" if key in node.get("required", ()) else ""
        default = below.get("default") if isinstance(below, Mapping) else None
        shown = "" if default in (None, "", [], {}) else code(json.dumps(default))
        rows.append((code(key), type_of(below), "**required**" if need else shown, cell(prose(told))))
    return table(("key", "value", "default, or required", "meaning"), rows) if rows else []


def team_schema() -> str:
    """The keys of team files."""
    from victor.teams.yaml.schema import make_schema

    return "\n".join(schema_tables(make_schema(), "the file"))


def workflow_schema() -> str:
    """The keys of workflow files."""
    from victor.graph.yaml.schema import build_schema

    return "\n".join(schema_tables(build_schema(), "the file", common="node_"))


def patterns() -> str:
    """The patterns of teams, with their settings."""
    from victor.core.plugins import get_plugins

    rows = []
    for entry in get_plugins().coordination_protocols:
        target = entry.load()
        keys = [
            f"{code(one.key)} ({one.type}{f', {code(one.default)}' if one.default else ''})"
            + (f": {one.help}" if one.help else "")
            for one in (_from_class(target) if attrs.has(target) else _from_signature(target))
        ]
        rows.append((code(entry.name), cell(entry.help), cell("; ".join(key.rstrip(".") for key in keys)) or "-"))
    return "\n".join(table(("pattern", "how they work together", "settings"), rows))


GENERATED: Final[dict[str, Callable[[], str]]] = {
    "commands": commands,
    "errors": errors,
    "events": events,
    "patterns": patterns,
    "settings": settings,
    "team-schema": team_schema,
    "workflow-schema": workflow_schema,
}
"""What the marks of the pages stand for."""


def filled(page: str) -> str:
    """A page with everything that is generated in its place.

    Raises:
        KeyError: A mark names nothing that can be made.
    """
    return MARK.sub(lambda mark: GENERATED[mark["what"]](), page)


def fill(app: Sphinx, docname: str, source: list[str]) -> None:
    """Sphinx reads a page."""
    if MARK.search(source[0]):
        source[0] = filled(source[0])
        for file in (Path(__file__), *sorted((ROOT / "packages").glob("*/src/victor/*/plugin.py"))):
            app.env.note_dependency(str(file), docname=docname)


def undescribed(public: Iterable[Public], described: Container[str]) -> list[Public]:
    """The public names that the API reference does not have; fields are described with their class."""
    return [one for one in public if one.kind != "field" and one.name not in described]


def check_reference(app: Sphinx, env: Any) -> None:
    """Report the public names that are on no page of the API reference."""
    domain = env.domains["py"]
    for one in undescribed(find_public(), {*domain.objects, *domain.modules}):
        log.warning("%s: %s %s is not in the API reference", one.where, one.kind, one.name)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx, before what keeps the text of the pages."""
    app.connect("source-read", fill, priority=100)
    app.connect("env-check-consistency", check_reference)
    return {"version": "1", "parallel_read_safe": True}
