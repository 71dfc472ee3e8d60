"""What must hold of every page without running it: links lead somewhere, and pages and examples say what they need.

    python scripts/page_rules.py          README.md, packages/*/README.md, docs/**, and the built site, if there is one

``hatch run docs:test`` runs it before the blocks. It looks at

- links and pictures in Markdown, as somebody follows them who reads the repository: files and headings that are not
  there (a page of another host is only looked at by ``hatch run docs:links``, which needs a network);
- links in ``build/docs/html``, as a reader of the site follows them: pages, pictures and anchors that are not there;
- ``needs:`` in the front matter of the pages of ``docs/``: a block that imports ``victor.graph`` or runs
  ``victor workflow`` must be on a page that names victor-graph;
- commands with ``!"``, which zsh takes for its history, so that the quotation never ends;
- the header of every example in ``docs/examples``: one sentence on what
  it shows, some on why, ``Needs:``, how to run it, and what it prints.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

from code_blocks import blocks, commands_of, examples, header_of, pages, printed_by
from workspace import ROOT, packages

SITE = ROOT / "build" / "docs" / "html"
# The group of commands that each distribution brings; the others are victor-core's.
COMMANDS = {
    "workflow": "victor-graph",
    "tools": "victor-tools",
    "team": "victor-teams",
    "observability": "victor-observability",
}
USED = re.compile(
    r"\b(?:from|import) +victor\.(?P<module>[a-z]+)|(?:^|[$|&;(`] *)victor (?P<command>[a-z]+)", re.MULTILINE
)
ASKED = re.compile(r"victor-[a-z]+")


# Links in Markdown


def targets(text: str) -> Iterator[tuple[int, str]]:
    """Line and target of each link and picture of a Markdown text, those in code left out."""
    from markdown_it import MarkdownIt

    body = _front_matter(text)
    skipped = text.count("\n") - body.count("\n")
    for token in MarkdownIt("commonmark").enable("table").parse(body):
        line = skipped + (token.map[0] if token.map else 0) + 1
        for child in token.children or []:
            target = child.attrGet("href") or child.attrGet("src")
            if target:
                yield line, str(target)
        for part in (token, *(token.children or ())):
            if part.type in {"html_block", "html_inline"}:
                for found in re.finditer(r"""\b(?:href|src|srcset)=["']([^"']+)["']""", part.content):
                    yield line, found[1]


def _front_matter(text: str) -> str:
    """What follows the front matter of a page."""
    return re.sub(r"\A---\n.*?\n---\n", "", text, count=1, flags=re.DOTALL)


@cache
def anchors(file: Path) -> frozenset[str]:
    """The anchors of a Markdown file: of its headings, as GitHub and MyST make them, and those written by hand."""
    found: dict[str, int] = {}
    text = _front_matter(file.read_text(encoding="utf-8"))
    plain = text
    for block in blocks(text):
        plain = plain.replace(block.text, "", 1)
    names = re.findall(r"^\((?P<name>[\w-]+)\)=$", plain, re.MULTILINE) + re.findall(r'\bid="([^"]+)"', plain)
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", plain, re.MULTILINE):
        bare = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", bare.lower()).replace(" ", "-")
        number = found.get(slug, 0)
        found[slug] = number + 1
        names.append(f"{slug}-{number}" if number else slug)
    return frozenset(names)


def broken_links(file: Path, root: Path = ROOT) -> Iterator[str]:
    """What is wrong with the links of one Markdown page."""
    where = file.relative_to(root)
    for line, target in targets(file.read_text(encoding="utf-8")):
        url = urlsplit(target)
        if url.scheme in {"http", "https", "mailto"}:
            if not url.path and not url.netloc:
                yield f"{where}:{line}: {target!r} is no address"
            continue
        if url.scheme or url.netloc:
            yield f"{where}:{line}: {target!r}: only http, https, mailto and files of the repository can be linked"
            continue
        path = (file.parent / unquote(url.path)).resolve() if url.path else file
        generated = path.is_relative_to(root / "docs/reference/api")
        if not path.exists() and not generated:
            yield f"{where}:{line}: {target!r}: there is no {_shown(path, root)}"
        elif url.fragment and path.suffix == ".md" and path.exists() and url.fragment not in anchors(path):
            yield f"{where}:{line}: {target!r}: {_shown(path, root)} has no heading {url.fragment!r}"


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


# Links in the built site

LINK = re.compile(r"""<(?:a|link|img|script|source|object)\b[^>]*?\b(?:href|src|data)="([^"]*)\"""")
ANCHOR = re.compile(r"""\b(?:id|name)="([^"]*)\"""")


def broken_in_site(site: Path = SITE) -> Iterator[str]:
    """What is wrong with the links of the built pages."""
    ids: dict[Path, frozenset[str]] = {}

    def has(page: Path, anchor: str) -> bool:
        if page not in ids:
            ids[page] = frozenset(unescape(name) for name in ANCHOR.findall(page.read_text(encoding="utf-8")))
        return anchor in ids[page]

    for page in sorted(site.rglob("*.html")):
        # The highlighted source of a module has thousands of links, all made from the same index.
        if page.is_relative_to(site / "_modules"):
            continue
        wrong = set()
        for target in set(LINK.findall(page.read_text(encoding="utf-8"))):
            url = urlsplit(unescape(target))
            if url.scheme or url.netloc:
                continue
            path = page if not url.path else (page.parent / unquote(url.path)).resolve()
            if path.is_dir():
                path /= "index.html"
            if not path.exists():
                wrong.add(f"{target!r}: there is no such page")
            elif url.fragment and path.suffix == ".html" and not has(path, unquote(url.fragment)):
                wrong.add(f"{target!r}: the page has no such anchor")
        yield from (f"{page.relative_to(site)}: {text}" for text in sorted(wrong))


# What a page needs


def missing_needs(file: Path, root: Path = ROOT) -> Iterator[str]:
    """The distributions that the blocks of a page use and its front matter does not name."""
    import yaml

    text = file.read_text(encoding="utf-8")
    where = file.relative_to(root)
    front = re.match(r"\A---\n(.*?)\n---\n", text, re.DOTALL)
    given = (yaml.safe_load(front[1]) if front else None) or {}
    if "needs" not in given:
        yield f"{where}: the page does not say what it needs: begin it with ---, needs: [victor-core, ...], ---"
        return
    named = {str(need).partition("[")[0] for need in given["needs"]}
    for block in blocks(text):
        for need in sorted(used(block.text, block.language) - named):
            yield f"{where}:{block.line}: the block uses {need}, which `needs` does not name"


def history_in_quotes(file: Path, root: Path = ROOT) -> Iterator[str]:
    """The commands of a page that zsh does not take as they stand: ``!`` before a quotation mark calls its history."""
    for block in blocks(file.read_text(encoding="utf-8")):
        if block.language not in {"bash", "sh", "shell", "console"}:
            continue
        for number, line in enumerate(block.text.splitlines(), block.line + 1):
            if '!"' in line and (block.language != "console" or line.startswith(("$ ", "> "))):
                yield f'{file.relative_to(root)}:{number}: zsh takes !" for its history; end the text without the !'


def used(text: str, language: str = "python") -> set[str]:
    """The distributions of ours that a program, a shell script or a session uses."""
    if language not in {"python", "py", "bash", "sh", "shell", "console"}:
        return set()
    known = {one.name for one in packages()}
    found = set()
    for use in USED.finditer(text):
        need = f"victor-{use['module']}" if use["module"] else COMMANDS.get(use["command"], "victor-core")
        found.add(need if need in known else "victor-core")
    return found


# Headers of examples


def without_header(root: Path = ROOT) -> Iterator[str]:
    """Programs and files that are no example and that no example beside them or one folder up names."""
    known = set(examples(root))
    for file in sorted((root / "docs" / "examples").rglob("*")):
        if file.suffix not in {".py", ".yaml"} or file in known:
            continue
        named = re.compile(rf"\b{re.escape(file.name)}\b|\b(?:from|import) +{re.escape(file.stem)}\b")
        header = header_of(file)
        if file.suffix == ".py" and re.search(r"^(?:Run|Prints):|prints:$", header, re.MULTILINE):
            yield f"{file.relative_to(root)}: says how it is run, and no `Needs: ...`"
            continue
        near = [other for other in known if other.parent in {file.parent, file.parent.parent}]
        if not any(named.search(other.read_text(encoding="utf-8")) for other in near):
            yield f"{file.relative_to(root)}: has no `Needs: ...` in a header, and no example beside it names it"


def header_problems(file: Path, root: Path = ROOT) -> Iterator[str]:
    """What the header of an example lacks."""
    name = file.relative_to(root).as_posix()
    header = header_of(file)
    first, _, rest = header.partition("\n")
    if not first.rstrip().endswith((".", ":", "?", "!")) and "`" not in first:
        yield f"{name}: the first line is to be one sentence on what it shows"
    needs = " ".join(re.findall(r"^Needs: (.+)$", header, re.MULTILINE))
    for need in sorted(used(file.read_text(encoding="utf-8").replace(header, "")) - set(ASKED.findall(needs))):
        yield f"{name}: uses {need}, which `Needs:` does not name"
    if len(re.split(r"^(?:Needs|Run|Prints):|^\$ ", rest, maxsplit=1, flags=re.MULTILINE)[0].split()) < 15:
        yield f"{name}: says too little of what one learns here, and when one would want it"
    if file.suffix == ".py":
        command = re.search(r"^Run: (.+)$", header, re.MULTILINE)
        if command is None or not command[1].endswith(name):
            yield f"{name}: says no `Run: python {name}`"
        if not printed_by(file.read_text(encoding="utf-8")):
            yield f"{name}: says no `Prints:` with what it prints"
    elif name not in commands_of(header):
        yield f"{name}: has no `$ victor ... {name}` line with its output"


def problems(root: Path = ROOT, site: Path = SITE) -> Iterator[str]:
    """Everything that is wrong, page by page."""
    for page in pages(root):
        yield from broken_links(page, root)
        yield from history_in_quotes(page, root)
        if page.is_relative_to(root / "docs"):
            yield from missing_needs(page, root)
    yield from without_header(root)
    for example in examples(root):
        yield from header_problems(example, root)
    if site.is_dir():
        yield from broken_in_site(site)


def main() -> int:
    """Print everything that is wrong; the exit code says whether something is."""
    found = list(problems())
    for text in found:
        print(text)
    looked = f"{len(pages())} pages, {len(examples())} examples" + ("" if SITE.is_dir() else ", no built site")
    print(f"page rules: {looked}, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
