"""HTML to Markdown: what a reader would read, and nothing of the rest."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urljoin

__all__ = ["to_markdown"]

_DROPPED: Final = frozenset(
    {
        "script",
        "style",
        "noscript",
        "template",
        "svg",
        "iframe",
        "object",
        "canvas",
        "head",
        "nav",
        "form",
        "button",
        "select",
        "textarea",
        "dialog",
    }
)
_BLOCKS: Final = frozenset(
    {
        "p",
        "div",
        "section",
        "article",
        "main",
        "header",
        "footer",
        "aside",
        "figure",
        "figcaption",
        "address",
        "dl",
        "dt",
        "dd",
        "fieldset",
        "details",
        "summary",
        "center",
    }
)
_MARKS: Final = {"b": "**", "strong": "**", "i": "*", "em": "*", "code": "`", "kbd": "`", "del": "~~", "s": "~~"}
_VOID: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)


def to_markdown(html: str, base: str = "") -> str:
    """The text of a page as Markdown. Scripts, styles, navigation and forms are left out.

    Args:
        html: The page; need not be right.
        base: Its address, for relative links.

    Example:
        >>> print(to_markdown('<h1>News</h1><p>It <b>rains</b>, see <a href="/w">why</a>.<ul><li>one<li>two</ul>', "http://x.org"))
        # News
        <BLANKLINE>
        It **rains**, see [why](http://x.org/w).
        <BLANKLINE>
        - one
        - two
    """
    reader = _Reader(base)
    reader.feed(html)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self, base: str) -> None:
        super().__init__(convert_charrefs=True)
        self._base = base
        self._out: list[str] = []
        self._dropped: list[str] = []
        self._lists: list[int | None] = []
        self._links: list[tuple[str, int]] = []
        self._pre = 0
        self._quotes = 0
        self._row: list[str] | None = None
        self._rows = 0
        self._cell: int | None = None
        self.title = ""
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "title":
            self._in_title = True
        if self._dropped:
            if tag not in _VOID and tag == self._dropped[-1]:
                self._dropped.append(tag)
            return
        given = dict(attrs)
        if tag in _DROPPED or given.get("aria-hidden") == "true" or "hidden" in given:
            if tag not in _VOID:
                self._dropped.append(tag)
        elif tag in {"h1", "h2", "h3", "h4", "h5", "h6"}:
            self._block("#" * int(tag[1]) + " ")
        elif tag in _BLOCKS:
            self._block()
        elif tag in {"ul", "ol"}:
            if not self._lists:
                self._block()
            self._lists.append(1 if tag == "ol" else None)
        elif tag == "li":
            self._item()
        elif tag == "br":
            self._out.append("\n")
        elif tag == "hr":
            self._block("---")
            self._block()
        elif tag == "pre":
            self._block("```\n")
            self._pre += 1
        elif tag == "blockquote":
            self._quotes += 1
            self._block()
        elif tag == "a" and given.get("href"):
            self._links.append((str(given["href"]), len(self._out)))
        elif tag == "img" and given.get("alt"):
            self._out.append(f"![{given['alt']}]")
        elif tag == "table":
            self._block()
            self._rows = 0
        elif tag == "tr":
            self._close_row()
            self._row = []
        elif tag in {"td", "th"} and self._row is not None:
            self._close_cell()
            self._cell = len(self._out)
        elif tag in _MARKS and not self._pre:
            self._out.append(_MARKS[tag])

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        if self._dropped:
            if tag == self._dropped[-1]:
                self._dropped.pop()
            return
        if tag == "a" and self._links:
            href, start = self._links.pop()
            self._link(href, start)
        elif tag in {"ul", "ol"} and self._lists:
            self._lists.pop()
            if not self._lists:
                self._block()
        elif tag == "pre" and self._pre:
            self._pre -= 1
            self._out.append("\n```")
            self._block()
        elif tag == "blockquote" and self._quotes:
            self._quotes -= 1
            self._block()
        elif tag in {"td", "th"}:
            self._close_cell()
        elif tag == "tr":
            self._close_row()
        elif tag in _BLOCKS or tag in {"h1", "h2", "h3", "h4", "h5", "h6", "table"}:
            if tag == "table":
                self._close_row()
            self._block()
        elif tag in _MARKS and not self._pre:
            self._out.append(_MARKS[tag])

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
            return
        if self._dropped:
            return
        if self._pre:
            self._out.append(data)
            return
        text = re.sub(r"\s+", " ", data)
        if text.strip() or (self._out and not self._out[-1].endswith(("\n", " "))):
            self._out.append(text)

    def text(self) -> str:
        """All that was read."""
        self._close_row()
        parts = "".join(self._out).split("```")
        parts[::2] = [_tidy(part) for part in parts[::2]]  # every second one is code, which stays as it is
        body = "```".join(parts).strip()
        title = " ".join(self.title.split())
        return f"# {title}\n\n{body}" if title and not body.startswith("# ") else body

    def _block(self, prefix: str = "") -> None:
        if self._cell is not None:
            self._out.append(" ")
            return
        quote = "> " * self._quotes
        self._out.append(f"\n\n{quote}{prefix}")

    def _item(self) -> None:
        indent = "  " * (len(self._lists) - 1)
        number = self._lists[-1] if self._lists else None
        if number is not None:
            self._lists[-1] = number + 1
        self._out.append(f"\n{indent}{f'{number}.' if number is not None else '-'} ")

    def _link(self, href: str, start: int) -> None:
        text = " ".join("".join(self._out[start:]).split())
        spaced = "".join(self._out[start:])[:1].isspace()
        del self._out[start:]
        try:
            target = urljoin(self._base, href.strip())
        except ValueError:
            target = ""
        if text and target.startswith(("http://", "https://", "mailto:")):
            self._out.append(f"{' ' if spaced else ''}[{text}]({target.replace(' ', '%20').replace(')', '%29')})")
        elif text:
            self._out.append(text)

    def _close_cell(self) -> None:
        if self._cell is not None and self._row is not None:
            self._row.append(" ".join("".join(self._out[self._cell :]).split()).replace("|", "\\|"))
            del self._out[self._cell :]
        self._cell = None

    def _close_row(self) -> None:
        self._close_cell()
        if self._row:
            self._out.append("\n| " + " | ".join(self._row) + " |")
            if self._rows == 0:
                self._out.append("\n|" + " --- |" * len(self._row))
            self._rows += 1
        self._row = None


def _tidy(text: str) -> str:
    """Without marks around nothing, spaces at line ends, and more than one empty line."""
    text = text.replace("****", "").replace("~~~~", "").replace("``", "")
    text = re.sub(r"[ \t]+\n", "\n", text)
    text = re.sub(r"\n[ \t]+(?![\s\-0-9|])", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text)
