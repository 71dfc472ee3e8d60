"""Make a page of every example below ``docs/examples``, and fill the lists of the index pages, while Sphinx reads them.

An example is a Python program whose docstring, or a YAML file whose first comment, says what it needs (``Needs: ...``).
Sphinx reads the file itself as a page: here its text becomes Markdown with the explanation, how to run it, what it
prints, its picture (where it is a workflow or a team), its source, and the files beside it that it names. No file is
written, so a link to ``examples/agents/basic/hello_world.py`` leads to its page.

In an index page, a block ``{examples}`` becomes a table of the examples below that page's folder.
"""

from __future__ import annotations

import ast
import json
import re
import textwrap
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen
from sphinx.util import logging

from victor.core.errors import VictorError
from victor.core.yaml_file import read_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Set

    from sphinx.application import Sphinx

log = logging.getLogger(__name__)

LEVELS = ["", "simple", "basic", "intermediate", "complex", "advanced", "real_world"]
"""Folders of examples in the order in which one reads them; others follow by name."""
SHOWN_BYTES = 20_000
SPELLED = {
    word.lower(): word
    for word in (
        *"API CI CSV HR HTML HTTP JSON LLM MCP NATS OTLP QA RAG SMTP SQL YAML".split(),
        "DevOps",
        "FastAPI",
        "LangChain",
        "LangGraph",
        "OpenAI",
        "OpenTelemetry",
        "PostgreSQL",
        "Prometheus",
        "SQLite",
    )
}
LIST = re.compile(r"^```\{examples\}\n```$", re.MULTILINE)
FIELD = re.compile(r"^(?P<name>Needs|Run|Prints):(?P<value>.*\n?(?:[ \t]+.*\n?|\n(?=[ \t]))*)", re.MULTILINE)


@frozen
class Example:
    """What the head of an example says.

    Args:
        file: Where it is.
        summary: What it shows, in a sentence.
        text: The explanation, in Markdown.
        needs: Packages.
        session: Commands, and what they print, as a console shows them.
        source: The file without its head.
    """

    file: Path
    summary: str
    text: str
    needs: list[str]
    session: str
    source: str

    @property
    def title(self) -> str:
        """Of its page: the file's name in words."""
        return title(self.file.stem)


def title(name: str) -> str:
    """A file's or folder's name in words.

    Example:
        >>> title("chat_history"), title("mcp_server")
        ('Chat history', 'MCP server')
    """
    words = name.replace("_", " ").replace("-", " ").split()
    spelled = [SPELLED.get(word, word) for word in words]
    return " ".join([spelled[0][:1].upper() + spelled[0][1:], *spelled[1:]]) if spelled else name


def read_example(file: Path) -> Example | None:
    """The head of an example; None where a file is none."""
    if file.suffix not in {".py", ".yaml"} or "__pycache__" in file.parts:
        return None
    try:
        text = file.read_text(encoding="utf-8")
        head, rest = _python_head(text) if file.suffix == ".py" else _yaml_head(text)
    except (SyntaxError, UnicodeDecodeError):
        return None
    fields = {found["name"]: textwrap.dedent(found["value"]).strip("\n") for found in FIELD.finditer(head)}
    if "Needs" not in fields:
        return None
    start = next(FIELD.finditer(head)).start()
    told = head[:start] if file.suffix == ".py" else head.partition("\n$ ")[0][:start]
    summary, _, explanation = told.strip().partition("\n\n")
    return Example(
        file,
        summary=" ".join(summary.split()),
        text=explanation.strip(),
        needs=_names(fields["Needs"]),
        session=_session(fields, head, file.suffix),
        source=rest.strip("\n") + "\n",
    )


def _python_head(text: str) -> tuple[str, str]:
    tree = ast.parse(text)
    docstring = ast.get_docstring(tree) or ""
    if not docstring:
        return "", text
    return docstring + "\n", "\n".join(text.splitlines()[tree.body[0].end_lineno :])


def _yaml_head(text: str) -> tuple[str, str]:
    lines = text.splitlines()
    comment = list(takewhile(lambda line: line.startswith("#"), lines))
    return "".join(f"{line[2:]}\n" for line in comment), "\n".join(lines[len(comment) :])


def _names(value: str) -> list[str]:
    """The packages and programs of a line; commas inside of brackets divide nothing."""
    names = re.split(r",(?![^\[(]*[\])])", value.replace("`", "").strip().rstrip("."))
    return [name for name in map(str.strip, names) if name not in {"", "nothing"}]


def _session(fields: dict[str, str], head: str, suffix: str) -> str:
    if suffix == ".yaml":
        start = re.search(r"^\$ ", head, re.MULTILINE)
        return head[start.start() :].rstrip() if start else ""
    commands = [f"$ {line.strip().strip('`')}" for line in fields.get("Run", "").splitlines() if line.strip()]
    return "\n".join([*commands, fields.get("Prints", "")]).strip()


def examples_below(folder: Path) -> list[Example]:
    """The examples of a folder, in the order in which one reads them."""
    found = [read_example(file) for file in sorted(folder.rglob("*"))]

    def order(example: Example) -> tuple[int, str]:
        parts = example.file.relative_to(folder).parts
        level = parts[0] if len(parts) > 1 else ""
        return (LEVELS.index(level) if level in LEVELS else len(LEVELS), example.file.as_posix())

    return sorted((example for example in found if example), key=order)


def page(example: Example, docs: Path) -> str:
    """The page of an example, in Markdown."""
    below = example.file.relative_to(docs).as_posix()
    language = "yaml" if example.file.suffix == ".yaml" else "python"
    name = example.file.name
    parts = [
        f"---\nneeds: {json.dumps(example.needs)}\n---\n# {example.title}",
        example.summary,
        example.text,
        *_picture(example, below),
    ]
    if example.session:
        parts += ["## Run it", "From the root of a clone of the repository:", fenced("console", example.session)]
    parts += ["## Source", f"{{download}}`docs/{below} <{name}>`", fenced(language, example.source)]
    beside = list(files_beside(example))
    if beside:
        parts += ["## Files beside it"]
    for file in beside:
        path = file.relative_to(example.file.parent).as_posix()
        parts += [f"{{download}}`docs/{file.relative_to(docs).as_posix()} <{path}>`"]
        if file.stat().st_size <= SHOWN_BYTES and (text := _text(file)) is not None:
            parts += ["<details><summary>Show it</summary>", fenced(_language(file), text), "</details>"]
    return "\n\n".join(part for part in parts if part) + "\n"


def _picture(example: Example, below: str) -> Iterator[str]:
    """The pictures of all workflows or teams of a YAML file."""
    if example.file.suffix != ".yaml":
        return
    whole = read_file(example.file).value or {}
    names = [str(name) for key in ("workflows", "teams") for name in whole.get(key) or {}]
    for name in names:
        caption = f":caption: {name}\n" if len(names) > 1 else ""
        yield f"```{{diagram}} {below}\n:name: {name}\n:no-source:\n{caption}```"


def _language(file: Path) -> str:
    return {".py": "python", ".yaml": "yaml", ".toml": "toml", ".json": "json", ".sh": "bash", ".js": "js"}.get(
        file.suffix, "text"
    )


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def fenced(language: str, text: str) -> str:
    """A block of code, whatever stands in it."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`{3,}", text)), default=0))
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def files_beside(example: Example) -> Iterator[Path]:
    """The files below the example's folder that it names and that are no examples themselves."""
    whole = example.file.read_text(encoding="utf-8")
    folder = example.file.parent
    for file in sorted(folder.rglob("*")):
        if not file.is_file() or "__pycache__" in file.parts or file == example.file or file.name == "index.md":
            continue
        module = rf"(?:import|from) {re.escape(file.stem)}\b" if file.suffix == ".py" else r"(?!)"
        if re.search(rf"(?<![\w-]){re.escape(file.name)}\b|{module}", whole) and read_example(file) is None:
            yield file


def table(folder: Path, docs: Path) -> str:
    """The list of an index page: a table per level, and the navigation."""
    levels: dict[str, list[Example]] = {}
    for example in examples_below(folder):
        parts = example.file.relative_to(folder).parts
        levels.setdefault(parts[0] if len(parts) > 1 else "", []).append(example)
    lines = []
    for level, examples in levels.items():
        if level:
            lines += [f"## {title(level)}", ""]
        lines += ["| example | what it shows | needs |", "|---|---|---|"]
        for example in examples:
            link = f"[{example.title}](/{example.file.relative_to(docs).as_posix()})"
            needs = ", ".join(need.removeprefix("victor-") for need in example.needs)
            lines.append(f"| {link} | {_cell(example.summary)} | {_cell(needs)} |")
        pages = [example.file.relative_to(folder).with_suffix("").as_posix() for example in examples]
        lines += ["", "```{toctree}", ":hidden:", *pages, "```", ""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def leave_out(app: Sphinx, config: Any) -> None:
    """Files below ``examples`` that are neither examples nor Markdown with front matter are no pages."""
    docs = Path(app.srcdir)
    for file in sorted((docs / "examples").rglob("*")):
        if file.suffix == ".md" and file.read_text(encoding="utf-8", errors="replace").startswith("---\n"):
            continue
        if file.suffix in config.source_suffix and read_example(file) is None:
            config.exclude_patterns.append(re.sub(r"([\[*?])", r"[\1]", file.relative_to(docs).as_posix()))


def read_source(app: Sphinx, docname: str, source: list[str]) -> None:
    """Turn an example into its page, and the list of an index page into a table."""
    if not docname.startswith("examples/"):
        return
    docs = Path(app.srcdir)
    file = Path(app.env.doc2path(docname))
    if file.suffix == ".md":
        source[0] = LIST.sub(lambda _: table(file.parent, docs), source[0])
        return
    example = read_example(file)
    if example is not None:
        if not example.session:
            log.warning("the head of %s says not how to run it", file.name, location=docname)
        try:
            source[0] = page(example, docs)
        except (OSError, VictorError) as error:
            log.warning("%s: %s", file.name, error, location=docname)


def outdated(app: Sphinx, env: Any, _added: Set[str], _changed: Set[str], _removed: Set[str]) -> list[str]:
    """Index pages are read again each time: which examples there are is not known from their own text."""
    return [name for name in env.found_docs if re.fullmatch(r"examples/(?:\w+/)?index", name)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("config-inited", leave_out)
    app.connect("source-read", read_source)
    app.connect("env-get-outdated", outdated)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
