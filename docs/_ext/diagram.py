"""The ``{diagram}`` directive: a workflow or a team, drawn by our own visualizers while the site is built.

The argument is a file that a block of the same page saves (its first line is ``# triage.yaml``), or a path below
``docs/``. The picture comes in a light and a dark variant, of which the page shows the one that goes with its theme; it
has a title and a description for those who do not see it.

Options:
    name: Which workflow or team of the file, where there are several.
    direction: ``TB`` (the default) or ``LR``.
    caption: A line below the picture.
    no-source: Do not show the file below its picture; the page does.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import frozen
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from victor.core.errors import VictorError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

    from victor.core.topology import Topology

FENCE = re.compile(r"^(?P<fence>`{3,}|~{3,})(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=fence) *$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"^(?:#|//|<!--) *(?P<name>[\w][\w./-]*\.[a-z]{1,5})(?: *-->)?$")


class DiagramError(Exception):
    """A picture cannot be drawn; the text says why."""


@frozen
class Pictures:
    """One topology, drawn.

    Args:
        light: SVG for a light page.
        dark: SVG for a dark page.
        mermaid: For those who read the page as text.
    """

    light: str
    dark: str
    mermaid: str

    @property
    def html(self) -> str:
        """Both variants; furo's ``only-light`` and ``only-dark`` choose."""
        light, dark = (
            picture.replace('class="', f'class="only-{theme} ', 1)
            for theme, picture in (("light", self.light), ("dark", self.dark))
        )
        return f'<div class="diagram-picture">{light}{dark}</div>'


def saved_files(page: str) -> dict[str, str]:
    """The files that the blocks of a page save, by name: their first line is a comment that holds a file name.

    Example:
        >>> saved_files('Text.\\n\\n```yaml\\n# a.yaml\\nteams: {}\\n```\\n')
        {'a.yaml': 'teams: {}\\n'}
    """
    found = {}
    for block in FENCE.finditer(page):
        first, _, rest = block["body"].partition("\n")
        if name := FILE_NAME.match(first.strip()):
            found[name["name"]] = rest
    return found


def topology_of(file: Path, name: str | None = None) -> Topology:
    """The topology of a workflow file or of a team file.

    Args:
        file: Its path.
        name: Which of the file's workflows or teams, where there are several.

    Raises:
        VictorError: The file is wrong, or there is no such workflow or team in it.
    """
    if re.search(r"^teams\s*:", file.read_text(encoding="utf-8"), re.MULTILINE):
        from victor.teams.yaml.load import load_team

        return load_team(file, name).topology()
    from victor.graph.yaml.workflow import load_workflow

    return load_workflow(file, name).topology()


def draw(argument: str, page: str, docs: Path, name: str | None = None, direction: str = "TB") -> Pictures:
    """Draw what a directive names, in a process of its own: a workflow may import programs, and these register things.

    Args:
        argument: Of the directive: a file that the page saves, or a path below ``docs``.
        page: The page's text.
        docs: The folder of the documentation.
        name: Which of the file's workflows or teams.
        direction: ``TB`` or ``LR``.

    Raises:
        DiagramError: There is no such file, or it is wrong.
    """
    files = saved_files(page)
    return _cached(argument, tuple(files.items()) if argument in files else (), docs, name, direction)


@lru_cache(maxsize=256)
def _cached(
    argument: str, files: tuple[tuple[str, str], ...], docs: Path, name: str | None, direction: str
) -> Pictures:
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else None
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as process:
        drawn = process.submit(_draw, argument, dict(files), docs, name, direction).result()
    if isinstance(drawn, str):
        raise DiagramError(drawn)
    return drawn


def _draw(argument: str, files: dict[str, str], docs: Path, name: str | None, direction: Any) -> Pictures | str:
    try:
        with _located(argument, files, docs) as file:
            topology = topology_of(file, name)
    except (OSError, VictorError) as error:  # as text: an error need not survive the way between processes
        return str(error)
    except Exception as error:  # noqa: BLE001 - whatever a program of the page does: the build says which page
        return f"{type(error).__name__}: {error}"
    from victor.graph.viz import StateGraphVisualizer

    light, dark = (
        StateGraphVisualizer.to_svg(topology, theme=theme, direction=direction) for theme in ("light", "dark")
    )
    return Pictures(light, dark, StateGraphVisualizer.to_mermaid(topology, direction=direction))


@contextlib.contextmanager
def _located(argument: str, files: dict[str, str], docs: Path) -> Iterator[Path]:
    """The file that a directive names; those of the page are written to a scratch folder."""
    if files:
        with tempfile.TemporaryDirectory(prefix="victor-docs-") as folder:
            for each, text in files.items():
                (Path(folder) / each).parent.mkdir(parents=True, exist_ok=True)
                (Path(folder) / each).write_text(text, encoding="utf-8")
            with contextlib.chdir(folder):
                yield Path(folder) / argument
        return
    if not (docs / argument).is_file():
        raise FileNotFoundError(f"there is no docs/{argument}, and no block of this page saves {argument}")
    with contextlib.chdir(docs.parent):
        yield docs / argument


class Diagram(SphinxDirective):
    """Draws the file that the argument names."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = False
    option_spec: ClassVar[Any] = {
        "name": directives.unchanged_required,
        "direction": lambda value: directives.choice(value.upper(), ("TB", "LR")).upper(),
        "caption": directives.unchanged_required,
        "no-source": directives.flag,
    }

    def run(self) -> list[nodes.Node]:
        """The picture, and where it comes from."""
        argument, docs = self.arguments[0].strip(), Path(self.env.srcdir)
        page = Path(self.env.doc2path(self.env.docname)).read_text(encoding="utf-8")
        options = self.options
        try:
            pictures = draw(argument, page, docs, options.get("name"), options.get("direction", "TB"))
        except DiagramError as error:
            return [self.state.document.reporter.warning(f"diagram {argument}: {error}", line=self.lineno)]
        found: list[nodes.Node] = [nodes.raw("", pictures.html, format="html")]
        if caption := options.get("caption"):
            found.append(nodes.paragraph(caption, caption, classes=["diagram-caption"]))
        if argument not in saved_files(page):
            self.env.note_dependency(os.fspath(docs / argument))
            if "no-source" not in options:
                text = (docs / argument).read_text(encoding="utf-8")
                found += [
                    nodes.raw("", f"<details><summary>Source: docs/{argument}</summary>", format="html"),
                    nodes.literal_block(text, text, language="yaml"),
                    nodes.raw("", "</details>", format="html"),
                ]
        return [nodes.container("", *found, classes=["diagram"])]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_directive("diagram", Diagram)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
