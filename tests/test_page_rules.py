"""What page_rules.py finds: links that lead nowhere, packages that are not named, headers that say too little."""

from __future__ import annotations

from pathlib import Path

import pytest
from code_blocks import examples, pages
from page_rules import (
    anchors,
    broken_in_site,
    broken_links,
    header_problems,
    history_in_quotes,
    missing_needs,
    problems,
    used,
    without_header,
)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """The folder ``docs`` of a repository with one page."""
    folder = tmp_path / "docs"
    (folder / "guides").mkdir(parents=True)
    (folder / "guides/other.md").write_text(
        "---\nneeds: []\n---\n# Other things\n\n## The `run` method\n\n## Twice\n\n## Twice\n\n(here)=\n\n```bash\n# No heading\n```\n"
    )
    return folder


def page(docs: Path, text: str, needs: str = "[]") -> Path:
    """A page beside the other one."""
    file = docs / "guides/page.md"
    file.write_text(f"---\nneeds: {needs}\n---\n# Page\n\n{text}\n")
    return file


class TestLinks:
    def test_headings_have_the_anchors_that_github_gives_them(self, docs: Path) -> None:
        assert anchors(docs / "guides/other.md") == {"other-things", "the-run-method", "twice", "twice-1", "here"}

    @pytest.mark.parametrize(
        "text",
        [
            "[a](other.md)",
            "[a](other.md#twice-1)",
            "[a](#page)",
            "[a](https://example.org/x)",
            "![a](<other.md>)",
            "`[a](none.md)`",
            "```text\n[a](none.md)\n```",
            "[a](../reference/api/victor.core.md)",
        ],
    )
    def test_links_that_lead_somewhere(self, docs: Path, text: str) -> None:
        assert list(broken_links(page(docs, text), docs.parent)) == []

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("[a](none.md)", "docs/guides/page.md:6: 'none.md': there is no docs/guides/none.md"),
            ("[a](other.md#no-heading)", "docs/guides/other.md has no heading 'no-heading'"),
            ("[a](#nowhere)", "has no heading 'nowhere'"),
            ("![a](picture.svg)", "there is no docs/guides/picture.svg"),
            ("x\n\n[a][b]\n\n[b]: none.md", ":8: 'none.md'"),
            ("| a |\n|---|\n| [a](none.md) |", "there is no"),
            ('<img src="none.svg">', "there is no docs/guides/none.svg"),
            ('Text <a href="none.md">inside</a>', "there is no docs/guides/none.md"),
            ("[a](ftp://example.org/a)", "only http, https, mailto"),
        ],
    )
    def test_links_that_lead_nowhere(self, docs: Path, text: str, told: str) -> None:
        (found,) = broken_links(page(docs, text), docs.parent)
        assert told in found

    def test_links_of_the_built_site(self, tmp_path: Path) -> None:
        (tmp_path / "b").mkdir()
        (tmp_path / "b/index.html").write_text('<h1 id="top">b</h1><a href="https://example.org/none">x</a>')
        (tmp_path / "a.html").write_text(
            '<a class="x" href="b/">1</a><a href="b/index.html#top">2</a><a href="#no&amp;ne">3</a>'
            '<img src="none.png"><a href="b/index.html#bottom">4</a>'
        )
        assert list(broken_in_site(tmp_path)) == [
            "a.html: '#no&amp;ne': the page has no such anchor",
            "a.html: 'b/index.html#bottom': the page has no such anchor",
            "a.html: 'none.png': there is no such page",
        ]


class TestNeeds:
    @pytest.mark.parametrize(
        ("text", "language", "needs"),
        [
            ("from victor.graph import StateGraph", "python", {"victor-graph"}),
            ("import victor.teams as t\nfrom victor.core import Agent", "python", {"victor-teams", "victor-core"}),
            ("$ victor workflow run a.yaml\nvictor tools", "console", {"victor-graph", "victor-tools"}),
            ("X=1 victor run hello", "bash", set()),
            ("cat a | victor run -", "bash", {"victor-core"}),
            ("from victor.graph import StateGraph", "text", set()),
            ("victor doctor", "bash", {"victor-core"}),
        ],
    )
    def test_what_a_block_uses(self, text: str, language: str, needs: set[str]) -> None:
        assert used(text, language) == needs

    def test_a_package_that_is_used_must_be_named(self, docs: Path) -> None:
        file = page(docs, "```python\nimport victor.graph\n```", "[victor-core]")
        assert list(missing_needs(file, docs.parent)) == [
            "docs/guides/page.md:6: the block uses victor-graph, which `needs` does not name"
        ]
        assert (
            list(missing_needs(page(docs, "```python\nimport victor.graph\n```", "['victor-graph[png]']"), docs.parent))
            == []
        )

    def test_a_page_must_say_what_it_needs(self, docs: Path) -> None:
        file = docs / "guides/page.md"
        file.write_text("# Page\n")
        (found,) = missing_needs(file, docs.parent)
        assert "does not say what it needs" in found


class TestHistory:
    @pytest.mark.parametrize(
        ("language", "line", "wrong"),
        [
            ("bash", 'echo "shame!"', True),
            ("console", '$ echo "shame!"', True),
            ("console", 'said: "shame!"', False),
            ("bash", 'echo "shame! Or not."', False),
            ("python", 'print("shame!")', False),
        ],
    )
    def test_commands_that_zsh_takes_for_its_history(self, docs: Path, language: str, line: str, wrong: bool) -> None:
        found = list(history_in_quotes(page(docs, f"```{language}\n{line}\n```"), docs.parent))
        assert [text.partition(": ")[0] for text in found] == ["docs/guides/page.md:7"] * wrong


class TestHeaders:
    GOOD = (
        "Says hello to whom it is given.\n\nShows how to call an agent with one line, for those who have never done it"
        " and want to see that it works.\n\nNeeds: victor-core\n"
    )

    @pytest.fixture
    def folder(self, docs: Path) -> Path:
        folder = docs / "examples/agents"
        folder.mkdir(parents=True)
        return folder

    def found(self, file: Path, text: str) -> list[str]:
        file.write_text(text)
        return list(header_problems(file, file.parents[3]))

    def test_a_whole_one(self, folder: Path) -> None:
        text = f'"""{self.GOOD}Run: python docs/examples/agents/a.py\nPrints:\n    x\n"""\nimport victor.core\n'
        assert self.found(folder / "a.py", text) == []
        text = (
            "".join(f"# {line}\n" for line in self.GOOD.splitlines())
            + "# $ victor run docs/examples/agents/a.yaml\n# x\na: 1\n"
        )
        assert self.found(folder / "a.yaml", text) == []
        assert examples(folder.parents[2]) == [folder / "a.py", folder / "a.yaml"]

    def test_what_is_missing_is_told(self, folder: Path) -> None:
        text = '"""Hello\n\nNeeds: victor-core\nRun: python b.py\n"""\nimport victor.graph\n'
        found = " ".join(self.found(folder / "a.py", text))
        for told in ("one sentence", "uses victor-graph", "too little", "`Run: python docs/", "no `Prints:`"):
            assert told in found
        (found,) = self.found(folder / "a.yaml", "".join(f"# {line}\n" for line in self.GOOD.splitlines()) + "a: 1\n")
        assert "has no `$ victor" in found

    def test_a_file_without_a_header_must_support_another(self, folder: Path) -> None:
        (folder / "a.py").write_text('"""A.\n\nNeeds: victor-core\n"""\nopen("data.yaml"); from words import x\n')
        for name in ("data.yaml", "words.py", "stray.py", "more-data.yaml"):
            (folder / name).write_text("")
        root = folder.parents[2]
        assert [text.partition(":")[0] for text in without_header(root)] == [
            "docs/examples/agents/more-data.yaml",
            "docs/examples/agents/stray.py",
        ]

    def test_a_file_that_says_how_it_is_run_is_an_example(self, folder: Path) -> None:
        (folder / "a.py").write_text('"""A, see b.py.\n\nNeeds: victor-core\n"""\n')
        (folder / "b.py").write_text('"""B.\n\nRun: python docs/examples/agents/b.py\n"""\n')
        assert list(without_header(folder.parents[2])) == [
            "docs/examples/agents/b.py: says how it is run, and no `Needs: ...`"
        ]

    def test_texts_of_examples_are_no_pages(self, folder: Path) -> None:
        (folder / "data.md").write_text("# Some text\n")
        (folder / "page.md").write_text("---\nneeds: []\n---\n# Page\n")
        assert [file.name for file in pages(folder.parents[2])] == ["page.md", "other.md"]


def test_everything_is_looked_at(docs: Path) -> None:
    page(docs, "[a](none.md)\n\n```bash\nvictor workflow run a.yaml\n```")
    (docs / "examples").mkdir()
    (docs / "examples/stray.py").write_text("")
    (docs / "site").mkdir()
    (docs / "site/index.html").write_text('<a href="none.html">x</a>')
    assert len(list(problems(docs.parent, docs / "site"))) == 4
