"""Reading a document: Markdown, reStructuredText or plain text as headings and the prose under them.

What is no prose (front matter, code, tables, badges, addresses of links) is left out of the prose.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from attrs import frozen

from victor.core.models.offline.pattern import pattern

__all__ = ["Block", "blocks", "is_front_matter", "plain_inline", "title_of"]

BlockKind = Literal["heading", "paragraph", "item", "quote", "row"]


@frozen
class Block:
    """A piece of a document.

    Args:
        kind: What it is; ``"row"`` is a line of a table, kept out of prose.
        text: Its text on one line, without markup.
        level: Of a heading: 1 is the highest.
        raw_code: Share of the text that stood in code spans, 0 to 1.
    """

    kind: BlockKind
    text: str
    level: int = 0
    raw_code: float = 0.0


_FENCE = pattern(r"\s{0,3}(`{3,}|~{3,})")
_ATX = pattern(r"\s{0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_UNDERLINE = pattern(r"\s{0,3}(=+|-+|~+|\^+|\"+)\s*$")
_RULE = pattern(r"\s{0,3}([-*_=])(\s*\1){2,}\s*$")
_ITEM = pattern(r"\s*(?:[-*+\u2022]|\(?\d{1,3}[.)]|[a-z]\))\s+(?:\[[ xX]\]\s+)?(?=\S)")
_TABLE = pattern(r"\s*\|.*\||\s*[-:]+\s*(\|\s*[-:]+\s*)+\s*$|[^|]+\|[^|]+\|[^|]*\S")
_DIRECTIVE = pattern(r"\s*(\.\. |:::|:\w[\w-]*:(\s|$)|</?[a-zA-Z!][^>]*>\s*$|\[[^\]]+\]:\s|!!! )")
_COMMENT = pattern(r"<!--.*?-->", re.DOTALL)
_FRONT = pattern(r"\A\ufeff?(---|\+\+\+)[ \t]*\n(.*?)\n(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_LINE = pattern(r"\s*[\w-]+\s*[:=]")
_FRONT_TITLE = pattern(r"^title\s*[:=]\s*[\"']?(.+?)[\"']?\s*$", re.MULTILINE)
_IMAGE = pattern(r"!\[[^\]]*\]\([^)]*\)|!\[[^\]]*\]\[[^\]]*\]")
_LINK = pattern(r"\[([^\[\]]*)\]\([^)\s]*(?:\s+\"[^\"]*\")?\)|\[([^\[\]]+)\]\[[^\]]*\]")
_FOOTNOTE = pattern(r"\[\^[^\]]+\]:?")
_AUTOLINK = pattern(r"<(?:https?://|mailto:)[^>]+>")
_CODE = pattern(r"(`+)(.+?)\1")
_STRONG = pattern(r"(\*\*|__|~~)(?=\S)(.+?)(?<=\S)\1")
_EMPHASIS = pattern(r"(?<![\w*])([*_])(?=\S)([^*_]+?)(?<=\S)\1(?![\w*])")
_ROLE = pattern(r":[a-z:]+:`([^`<]+?)(?:\s*<[^>]*>)?`")
_TAG = pattern(r"</?(?:[a-zA-Z][a-zA-Z0-9]*)(?:\s[^<>]*)?/?>")
_SPACE = pattern(r"\s+")


def plain_inline(text: str) -> str:
    """A line of Markdown without its markup.

    Example:
        >>> plain_inline("See **the** [guide](https://x.org/a) and `run()`.[^1]")
        'See the guide and run().'
    """
    if "[" in text or "!" in text:
        text = _IMAGE.sub("", text)
        text = _LINK.sub(lambda found: found[1] or found[2] or "", text)
        text = _FOOTNOTE.sub("", text)
    if "<" in text:
        text = _AUTOLINK.sub("", text)
        text = _TAG.sub("", text)
    if "`" in text:
        text = _ROLE.sub(r"\1", text)
        text = _CODE.sub(lambda found: found[2].strip("`"), text)
    if "*" in text or "_" in text or "~" in text:
        text = _STRONG.sub(r"\2", text)
        text = _EMPHASIS.sub(r"\2", text)
    return _SPACE.sub(" ", text).strip()


@lru_cache(maxsize=8)
def blocks(text: str) -> tuple[Block, ...]:
    r"""The blocks of a document in order; code and front matter are left out.

    Example:
        >>> [(block.kind, block.text) for block in blocks("# Title\n\nOne line,\ntwo lines.\n\n- an *item*")]
        [('heading', 'Title'), ('paragraph', 'One line, two lines.'), ('item', 'an item')]
    """
    # A form asks for the same document's blocks once per field.
    return tuple(_Reader().read(text))


def is_front_matter(text: str) -> bool:
    r"""The text begins with front matter: ``name: value`` lines between two rules.

    Example:
        >>> is_front_matter("---\ntitle: Grid\n---\nText"), is_front_matter("---\nText.\n---")
        (True, False)
    """
    front = _FRONT.match(text)
    return front is not None and bool(_FRONT_LINE.match(front[2]))


def title_of(text: str) -> str:
    r"""The title a document gives itself: of its front matter, or its first heading; ``""`` without one.

    Example:
        >>> title_of("---\ntitle: Grid\n---\n# Other")
        'Grid'
    """
    front = _FRONT.match(text)
    if front and (named := _FRONT_TITLE.search(front[2])):
        return plain_inline(named[1])
    for block in blocks(text):
        if block.kind == "heading":
            return block.text
    return ""


class _Reader:
    def __init__(self) -> None:
        self.found: list[Block] = []
        self.lines: list[str] = []
        self.kind: BlockKind = "paragraph"

    def read(self, text: str) -> list[Block]:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        text = _FRONT.sub("", text, count=1)
        if "<!--" in text:
            text = _COMMENT.sub("", text)
        lines = text.split("\n")
        fence = ""
        at = 0
        while at < len(lines):
            line = lines[at]
            at += 1
            if fence:
                closing = _FENCE.match(line)
                if closing and closing[1].startswith(fence) and not line.strip().strip(fence[0]):
                    fence = ""
                continue
            if not line.strip():
                self.flush()
                continue
            first = line.lstrip()[:1]
            if first in "`~" and (opening := _FENCE.match(line)) and "`" not in line.strip().lstrip("`"):
                self.flush()
                fence = opening[1]
            elif first == "#" and (heading := _ATX.match(line)):
                self.flush()
                self.add("heading", heading[2], len(heading[1]))
            elif first in '=-~^"*_' and self.underlines(line):
                pass
            elif "|" in line and _TABLE.match(line):
                self.flush()
                self.row(line)
            elif not self.lines and line.startswith(("    ", "\t")) and not _ITEM.match(line) and self.kind != "item":
                continue  # an indented code block
            elif item := _ITEM.match(line):
                self.flush()
                self.kind = "item"
                self.lines.append(line[item.end() :])
            elif first == ">":
                if self.kind != "quote":
                    self.flush()
                self.kind = "quote"
                self.lines.append(line.lstrip().lstrip("> "))
            elif first in ".:<[!" and _DIRECTIVE.match(line):
                self.flush()
            else:
                self.lines.append(line)
        self.flush()
        return self.found

    def underlines(self, line: str) -> bool:
        """A rule, or the line under a heading."""
        if len(self.lines) == 1 and self.kind == "paragraph" and _UNDERLINE.match(line) and len(line.strip()) >= 3:
            text, self.lines = self.lines[0], []
            self.add("heading", text, 1 if line.strip()[0] == "=" else 2)
            return True
        if _RULE.match(line):
            self.flush()
            return True
        return False

    def row(self, line: str) -> None:
        cells = [plain_inline(cell) for cell in line.strip().strip("|").split("|")]
        if any(cell.strip("-: ") for cell in cells):
            self.found.append(Block("row", " | ".join(cells)))
        elif self.found and self.found[-1].kind == "row":
            self.found.pop()  # the names of the columns say nothing by themselves

    def flush(self) -> None:
        if self.lines:
            lines, self.lines = self.lines, []
            self.add(self.kind, " ".join(lines))
        self.kind = "paragraph"

    def add(self, kind: BlockKind, raw: str, level: int = 0) -> None:
        text = plain_inline(raw)
        if any(char.isalnum() for char in text):
            coded = sum(len(found[2]) for found in _CODE.finditer(raw)) if "`" in raw else 0
            self.found.append(Block(kind, text, level, min(1.0, coded / len(text))))
