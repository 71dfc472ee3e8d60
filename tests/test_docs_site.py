"""The site: what our extensions of Sphinx make of pages and examples, and how versions of it are published.

A small site is built with the set-up of the real one, without the API reference, which takes its time.
"""

from __future__ import annotations

import doctest
import html
import importlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import publish_docs
import pytest
from workspace import ROOT

DOCS = ROOT / "docs"
# What describes the code of the packages.
LEFT_OUT = {"api_reference", "reference_pages", "sphinx.ext.viewcode"}
WITHOUT_API = f"\nextensions = [each for each in extensions if each not in {LEFT_OUT}]\n"
PAGE = """---
needs: [victor-core, "victor-graph[png]"]
---
# A first flow

Herons are sorted by their names. What follows is the file.

```python
# birds.py
def sort(names: list[str]) -> list[str]:
    return sorted(names)
```

```yaml
# birds.yaml
workflows:
  birds:
    inputs:
      names: {type: list}
    nodes:
      - {id: order, type: compute, handler: "./birds.py:sort", inputs: {names: $ctx.names}}
```

```{diagram} birds.yaml
```
"""
PROGRAM = '''"""Says hello, and nothing else.

Learn `print`.

Needs: victor-core, a server (Debian: apt, or by hand)
Run: python docs/examples/agents/basic/hello_world.py
Prints:
    hello,

    world
"""

from words import WORD

print(f"hello,\\n\\n{WORD}")
'''
FLOW = """# Two steps in a row.
#
# Needs: victor-core, victor-graph
# $ victor workflow run docs/examples/workflows/flow.yaml -q
# done | all of it
workflows:
  flow:
    nodes:
      - {id: first, type: transform, template: one, output: one}
      - {id: second, type: transform, template: two}
"""
INDEX = "---\nneeds: []\n---\n# Victor\n\nWords.\n\n```{toctree}\nguides/first\nexamples/agents/index\n```\n"
LIST = (
    "---\nneeds: []\n---\n# Agents\n\n```{examples}\n```\n\n"
    "```{toctree}\n:hidden:\n\n/examples/workflows/index\n/examples/agents/walk\n```\n"
)


def build(root: Path, pages: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Build a site of these pages below ``root``, warnings being errors."""
    docs = root / "docs"
    for name in ("_ext", "_static", "_templates"):
        shutil.copytree(DOCS / name, docs / name, ignore=shutil.ignore_patterns("__pycache__"))
    (docs / "conf.py").write_text((DOCS / "conf.py").read_text(encoding="utf-8") + WITHOUT_API, encoding="utf-8")
    for project in ROOT.glob("packages/*/pyproject.toml"):
        copy = root / "packages" / project.parent.name / project.name
        copy.parent.mkdir(parents=True)
        shutil.copy(project, copy)
    for name, text in pages.items():
        (docs / name).parent.mkdir(parents=True, exist_ok=True)
        (docs / name).write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-b", "html"]
    return subprocess.run(
        [*command, "-d", str(root / "doctrees"), str(docs), str(root / "html")],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("furo", reason="needs Sphinx and furo: the environment `docs` of hatch.toml has them")
    root = tmp_path_factory.mktemp("site")
    done = build(
        root,
        {
            "index.md": INDEX,
            "guides/first.md": PAGE,
            "examples/agents/index.md": LIST,
            "examples/agents/basic/hello_world.py": PROGRAM,
            "examples/agents/walk.md": "---\nneeds: []\n---\n# A walk\n\nOne step after another.\n",
            "examples/agents/basic/notes.md": "# What the program reads\n",
            "examples/agents/basic/words.py": '"""A word."""\n\nWORD = "world"\n',
            "examples/workflows/index.md": LIST.partition("```{toctree}")[0].replace("Agents", "Workflows"),
            "examples/workflows/flow.yaml": FLOW,
        },
    )
    assert done.returncode == 0, done.stderr
    return root / "html"


def text(file: Path) -> str:
    """A page as one reads it."""
    return html.unescape(re.sub(r"<[^>]+>", "", file.read_text(encoding="utf-8")))


@pytest.fixture
def extension(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Imports one of our extensions."""
    pytest.importorskip("sphinx", reason="needs Sphinx: the environment `docs` of hatch.toml has it")
    monkeypatch.syspath_prepend(DOCS / "_ext")
    return importlib.import_module


@pytest.mark.parametrize("name", ["diagram", "example_pages", "llms_text", "navigation", "page_needs"])
def test_examples_in_the_docstrings_of_extensions(extension: Callable[[str], ModuleType], name: str) -> None:
    assert doctest.testmod(extension(name)).failed == 0


class TestNeeds:
    def test_the_install_line_stands_below_the_title(self, site: Path) -> None:
        page = (site / "guides/first.html").read_text(encoding="utf-8")
        line = re.search(r'</h1>\s*<div class="needs.*?</pre>', page, re.DOTALL)
        assert line is not None
        assert "pip install victor-core 'victor-graph[png]'" in html.unescape(re.sub(r"<[^>]+>", "", line[0]))

    def test_a_page_that_needs_nothing_has_none(self, site: Path) -> None:
        assert "pip install" not in text(site / "index.html")

    @pytest.mark.parametrize(
        ("need", "said"),
        [
            ("victor-grpah", "no package 'victor-grpah'"),
            ("victor-graph[pgn]", "no extra pgn"),
            ("victor-graph[png]", None),
            ("git", None),
        ],
    )
    def test_packages_and_extras_must_exist(
        self, extension: Callable[[str], ModuleType], need: str, said: str | None
    ) -> None:
        needs = extension("page_needs")
        found = needs.problems([need], needs.distributions(ROOT / "packages"))
        assert (said is None and not found) or (said is not None and said in found[0])


class TestDiagrams:
    def test_there_is_one_for_light_and_one_for_dark_pages(self, site: Path) -> None:
        page = (site / "guides/first.html").read_text(encoding="utf-8")
        assert re.findall(r'<svg [^>]*class="(only-\w+) ', page) == ["only-light", "only-dark"]

    def test_it_has_words_for_those_who_do_not_see_it(self, site: Path) -> None:
        page = (site / "guides/first.html").read_text(encoding="utf-8")
        assert re.search(r'<title id="[^"]+">birds</title>', page)
        assert "leads to" in page

    def test_a_program_of_a_page_is_not_imported_into_the_build(self, extension: Callable[[str], ModuleType]) -> None:
        before = set(sys.modules)
        drawn = extension("diagram").draw("birds.yaml", PAGE, DOCS)
        assert "order" in drawn.light
        assert not {name for name in set(sys.modules) - before if "birds" in name or "victor_file" in name}


class TestExamples:
    def test_a_program_is_a_page(self, site: Path) -> None:
        page = text(site / "examples/agents/basic/hello_world.html")
        assert "Says hello, and nothing else." in page
        assert "$ python docs/examples/agents/basic/hello_world.py\nhello,\n\nworld" in page
        assert re.search(r"Needs\s*pip install victor-core\s*and a server \(Debian: apt, or by hand\)", page)

    def test_the_head_does_not_stand_in_the_source_again(self, site: Path) -> None:
        assert text(site / "examples/agents/basic/hello_world.html").count("Says hello") == 1

    def test_a_file_beside_it_is_shown_with_it_and_is_no_page(self, site: Path) -> None:
        assert 'WORD = "world"' in text(site / "examples/agents/basic/hello_world.html")
        assert not (site / "examples/agents/basic/words.html").exists()

    def test_markdown_is_a_page_when_it_says_what_it_needs(self, site: Path) -> None:
        assert "One step after another." in text(site / "examples/agents/walk.html")
        assert not (site / "examples/agents/basic/notes.html").exists()

    def test_a_workflow_comes_with_its_picture(self, site: Path) -> None:
        page = (site / "examples/workflows/flow.html").read_text(encoding="utf-8")
        assert page.count("<svg role") or page.count('class="only-dark ')
        assert "done | all of it" in text(site / "examples/workflows/flow.html")

    def test_the_list_leads_to_each(self, site: Path) -> None:
        page = (site / "examples/agents/index.html").read_text(encoding="utf-8")
        assert 'href="basic/hello_world.html"' in page
        assert "Says hello, and nothing else." in page

    def test_every_example_of_the_repository_says_what_it_shows_needs_and_prints(
        self, extension: Callable[[str], ModuleType]
    ) -> None:
        pages = extension("example_pages")
        examples = pages.examples_below(DOCS / "examples")
        assert len(examples) > 20
        for example in examples:
            assert example.summary.endswith((".", "?")), example.file
            assert example.needs, example.file
            assert example.session.count("\n"), example.file

    def test_every_yaml_and_program_with_a_main_is_an_example(self, extension: Callable[[str], ModuleType]) -> None:
        pages = extension("example_pages")
        for file in sorted((DOCS / "examples").rglob("*.py")):
            if '__name__ == "__main__"' in file.read_text(encoding="utf-8") and not pages.read_example(file):
                named = [other for other in file.parent.rglob("*.*") if other != file and pages.read_example(other)]
                assert any(file in pages.files_beside(pages.read_example(other)) for other in named), file


class TestNavigation:
    def test_the_way_to_a_page_is_marked_and_unfolded(self, site: Path) -> None:
        page = (site / "examples/agents/basic/hello_world.html").read_text(encoding="utf-8")
        entries = re.findall(
            r'<li class="(toctree-l[^"]*)"><a class="([^"]*)" href="([^"]*)">([^<]*)</a>(<input[^>]*)?', page
        )
        marked = {title: (kind, link) for kind, _, link, title, _ in entries}
        assert marked["Agents"] == ("toctree-l1 current has-children", "../../../examples/agents/index.html")
        assert marked["Hello world"] == ("toctree-l2 current current-page", "#")
        assert marked["A first flow"] == ("toctree-l1", "../../../guides/first.html")
        assert ["checked" in box for *_, title, box in entries if title == "Agents"] == [True]

    def test_links_lead_to_pages(self, site: Path) -> None:
        for file in site.rglob("*.html"):
            page = file.read_text(encoding="utf-8")
            for link in re.findall(r'<li class="toctree-l[^"]*"><a class="[^"]*" href="([^"#]+)">', page):
                assert (file.parent / link).is_file(), (file, link)


class TestReading:
    def test_search_finds_words_and_titles(self, site: Path) -> None:
        source = (site / "searchindex.js").read_text(encoding="utf-8")
        index = json.loads(source[source.index("(") + 1 : source.rindex(")")])
        first = index["docnames"].index("guides/first")
        assert index["terms"]["heron"] == first or first in index["terms"]["heron"]
        assert index["titles"][first] == "A first flow"

    def test_nothing_is_fetched_from_elsewhere(self, site: Path) -> None:
        for page in site.rglob("*.html"):
            found = re.findall(
                r'<(?:script|link|img|iframe)[^>]*(?:src|href)="(?:https?:)?//[^"]*"', page.read_text("utf-8")
            )
            assert not found, page

    def test_code_can_be_copied_without_its_prompts(self, site: Path) -> None:
        script = (site / "_static/copybutton.js").read_text(encoding="utf-8")
        assert r"\\$ |>>> " in script

    def test_colours_are_those_of_the_diagrams(self, site: Path) -> None:
        from victor.graph.viz.palette import DARK, LIGHT

        page = (site / "index.html").read_text(encoding="utf-8")
        for colors in (LIGHT, DARK):
            assert f"--color-brand-primary: {colors.kinds['agent'].line};" in page


class TestLanguageModels:
    def test_the_list_has_the_form_of_llmstxt(self, site: Path) -> None:
        lines = (site / "llms.txt").read_text(encoding="utf-8").splitlines()
        assert lines[0] == "# Victor"
        assert lines[2].startswith("> ")
        links = [line for line in lines if line.startswith("- ")]
        assert all(re.fullmatch(r"- \[[^\]]+\]\([^)]+\)(: .+)?", link) for link in links)
        assert any(link.endswith("Herons are sorted by their names.") for link in links)

    def test_its_links_lead_to_pages_as_markdown(self, site: Path) -> None:
        targets = re.findall(r"\]\(([^)]+)\)", (site / "llms.txt").read_text(encoding="utf-8"))
        assert "guides/first.html.md" in targets
        assert all((site / target).is_file() for target in targets)

    def test_pages_have_pictures_as_mermaid_and_no_front_matter(self, site: Path) -> None:
        page = (site / "guides/first.html.md").read_text(encoding="utf-8")
        assert page.startswith("# A first flow\n\nNeeds: `pip install victor-core")
        assert "```mermaid\nflowchart" in page
        assert "{diagram}" not in page

    def test_links_between_pages_lead_to_markdown(self, site: Path) -> None:
        page = (site / "examples/agents/index.html.md").read_text(encoding="utf-8")
        link = re.search(r"\[Hello world\]\(([^)]+)\)", page)
        assert link is not None
        assert (site / "examples/agents" / link[1]).read_text(encoding="utf-8").startswith("# Hello world")

    def test_the_full_text_holds_guides_and_lists_examples(self, site: Path) -> None:
        full = (site / "llms-full.txt").read_text(encoding="utf-8")
        assert "Herons are sorted" in full
        assert "Says hello, and nothing else." in full
        assert "from words import WORD" not in full


def test_what_is_wrong_with_pages_fails_the_build(tmp_path: Path, site: Path) -> None:
    wrong = {
        "index.md": INDEX.replace("guides/first", "guides/first\nguides/second").replace("\nexamples/agents/index", ""),
        "guides/first.md": PAGE.partition("---\n# ")[2],
        "guides/second.md": PAGE.replace("victor-graph[png]", "victor-grpah").replace("} birds.yaml", "} brids.yaml"),
    }
    done = build(tmp_path, wrong)
    assert done.returncode
    assert "front matter is missing" in done.stderr
    assert "no package 'victor-grpah'" in done.stderr
    assert "no block of this page saves brids.yaml" in done.stderr


class TestPublishing:
    @pytest.fixture
    def built(self, tmp_path: Path) -> Path:
        folder = tmp_path / "built"
        (folder / "_static").mkdir(parents=True)
        (folder / "index.html").write_text("this version")
        (folder / "llms.txt").write_text("- [a](guides/a.html.md), [b](https://example.org)\n")
        return folder

    @pytest.mark.parametrize(
        ("ref", "version"),
        [
            ("refs/heads/main", "latest"),
            ("refs/tags/victor-core-v0.1.0", "v0.1"),
            ("refs/tags/victor-core-v1.12.3", "v1.12"),
        ],
    )
    def test_where_a_branch_or_tag_goes(self, ref: str, version: str) -> None:
        assert publish_docs.version_of(ref) == version

    @pytest.mark.parametrize(
        "ref", ["refs/heads/other", "refs/tags/victor-graph-v0.1.0", "refs/tags/victor-core-v1", "v1.2.3"]
    )
    def test_others_go_nowhere(self, ref: str) -> None:
        with pytest.raises(ValueError, match="is not published"):
            publish_docs.version_of(ref)

    def test_the_first_one_is_where_the_root_leads(self, built: Path, tmp_path: Path) -> None:
        site = tmp_path / "site"
        assert publish_docs.publish(built, site, "latest") == ["latest"]
        assert "url=latest/" in (site / "index.html").read_text()
        assert json.loads((site / "versions.json").read_text()) == [{"version": "latest", "title": "latest (main)"}]

    def test_versions_stay_and_the_newest_release_is_first(self, built: Path, tmp_path: Path) -> None:
        site = tmp_path / "site"
        for version in ("latest", "v0.9", "v0.10", "v0.2"):
            found = publish_docs.publish(built, site, version)
        assert found == ["latest", "v0.10", "v0.9", "v0.2"]
        assert "url=v0.10/" in (site / "index.html").read_text()
        assert (site / "llms.txt").read_text() == "- [a](v0.10/guides/a.html.md), [b](https://example.org)\n"

    def test_a_version_is_replaced_whole(self, built: Path, tmp_path: Path) -> None:
        site = tmp_path / "site"
        publish_docs.publish(built, site, "latest")
        (site / "latest/gone.html").touch()
        publish_docs.publish(built, site, "latest")
        assert not (site / "latest/gone.html").exists()

    def test_without_a_site_nothing_is_changed(self, built: Path, tmp_path: Path) -> None:
        site = tmp_path / "site"
        publish_docs.publish(built, site, "latest")
        with pytest.raises(FileNotFoundError, match="build the documentation first"):
            publish_docs.publish(tmp_path / "empty", site, "latest")
        assert (site / "latest/index.html").read_text() == "this version"

    def test_the_program_says_what_there_is(
        self, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(
            "sys.argv", ["publish_docs.py", str(built), str(tmp_path / "s"), "--ref", "refs/heads/main"]
        )
        assert publish_docs.main() == 0
        assert capsys.readouterr().out.endswith("latest\n")
        monkeypatch.setattr("sys.argv", ["publish_docs.py", str(built), str(tmp_path / "s"), "--ref", "refs/heads/x"])
        assert publish_docs.main() == 1

    def test_examples_in_docstrings(self) -> None:
        assert doctest.testmod(publish_docs).failed == 0
