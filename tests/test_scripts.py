"""The programs of ``scripts/``: what they find, and what they refuse."""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
from pathlib import Path

import alone
import code_blocks
import pytest
from code_blocks import (
    Block,
    BlockFailed,
    Page,
    blocks,
    commands_of,
    compare,
    header_of,
    pip_names_are_real,
    printed_by,
)
from fragments import NAME, misnamed
from light_imports import imports_at_load
from release import NotReady, notes, released
from workspace import ROOT, Package, package, packages


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A workspace of one package, ready to be released as victor-demo-v1.2.3."""
    folder = tmp_path / "packages" / "victor-demo"
    source = folder / "src" / "victor" / "demo"
    source.mkdir(parents=True)
    (source / "__init__.py").write_text('__version__ = "1.2.3"\n')
    (folder / "changelog.d").mkdir()
    (folder / "CHANGELOG.md").write_text("# Changelog\n\n## 1.2.3 (2026-01-31)\n\n- More.\n")
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "victor-demo"\ndependencies = ["victor-core>=0.1,<0.2"]\n'
    )
    return tmp_path


class TestWorkspace:
    def test_lists_the_packages_by_name(self) -> None:
        names = [one.name for one in packages()]
        assert names == sorted(names)
        assert "victor-core" in names

    def test_a_package_may_be_named_in_short(self) -> None:
        assert package("core").folder == package("victor-core").folder == ROOT / "packages" / "victor-core"

    def test_an_unknown_name_lists_the_known_ones(self) -> None:
        with pytest.raises(SystemExit, match=r"no package 'cor'.*victor-core, victor-graph"):
            package("cor")

    def test_siblings(self, other: Path) -> None:
        (one,) = packages(other)
        assert one.siblings() == {"victor-core"}
        assert package("core").siblings(extras=True) == set()

    def test_a_package_without_a_version_says_so(self, tmp_path: Path) -> None:
        source = ROOT / "packages" / "victor-none"
        with pytest.raises((SystemExit, FileNotFoundError)):
            _ = Package(source, {"name": "victor-none"}).version


class TestRelease:
    def test_a_tag_that_is_ready(self, other: Path) -> None:
        assert released("refs/tags/victor-demo-v1.2.3", other).name == "victor-demo"

    @pytest.mark.parametrize("tag", ["v1.2.3", "victor-demo-1.2.3", "victor-demo-v1.2", "victor-v1.2.3"])
    def test_a_tag_of_another_form(self, other: Path, tag: str) -> None:
        with pytest.raises(NotReady, match="is no release tag"):
            released(tag, other)

    def test_a_package_that_is_not_there(self, other: Path) -> None:
        with pytest.raises(NotReady, match="no package 'victor-core'"):
            released("victor-core-v1.2.3", other)

    def test_everything_that_is_not_ready_is_said_at_once(self, other: Path) -> None:
        (other / "packages/victor-demo/changelog.d/12.fixed.md").write_text("A bug.")
        with pytest.raises(NotReady) as caught:
            released("victor-demo-v1.2.4", other)
        text = str(caught.value)
        assert "the tag says 1.2.4, victor-demo says 1.2.3" in text
        assert "no entry for 1.2.4" in text
        assert "still holds 12.fixed.md" in text

    def test_a_version_is_not_a_prefix_of_another(self, other: Path) -> None:
        changelog = other / "packages/victor-demo/CHANGELOG.md"
        changelog.write_text(changelog.read_text().replace("1.2.3", "1.2.30"))
        with pytest.raises(NotReady, match=r"no entry for 1\.2\.3"):
            released("victor-demo-v1.2.3", other)

    def test_the_notes_are_the_entry_of_the_version(self, other: Path) -> None:
        changelog = other / "packages/victor-demo/CHANGELOG.md"
        changelog.write_text(changelog.read_text() + "\n## 1.2.2 (2026-01-01)\n\n- Less.\n")
        assert notes(packages(other)[0]) == "- More.\n"


class TestFragments:
    @pytest.mark.parametrize("name", ["12.fixed.md", "12.fixed.2.md", "+new-thing.added.md"])
    def test_good_names(self, name: str) -> None:
        assert NAME.match(name)

    @pytest.mark.parametrize("name", ["fixed.md", "12.md", "new thing.added.md", "12.fixed.rst"])
    def test_bad_names(self, name: str) -> None:
        assert not NAME.match(name)

    def test_what_towncrier_would_leave_out_is_named(self, other: Path) -> None:
        folder = other / "packages/victor-demo"
        (folder / "towncrier.toml").write_text((ROOT / "packages/victor-core/towncrier.toml").read_text())
        (folder / "changelog.d/7.bugfix.md").write_text("A bug.")
        (folder / "changelog.d/8.fixed.md").write_text(" \n")
        (folder / "changelog.d/9.fixed.md").write_text("Another.")
        found = misnamed(packages(other)[0])
        assert len(found) == 2
        assert "7.bugfix.md: call it" in found[0]
        assert "8.fixed.md: is empty" in found[1]


class TestLightImports:
    def found(self, source: str) -> list[str]:
        return [name for _, name in imports_at_load(ast.parse(source))]

    def test_what_runs_at_load(self) -> None:
        source = "import yaml.nodes\nfrom rich.table import Table\nclass A:\n    import typer\ntry:\n    import numpy\nexcept ImportError: ...\n"
        assert self.found(source) == ["yaml", "rich", "typer", "numpy"]

    def test_what_does_not(self) -> None:
        source = (
            "from typing import TYPE_CHECKING\nfrom . import yaml\nif TYPE_CHECKING:\n    import rich\nelse:\n    import abc\n"
            "def f():\n    import networkx\nasync def g():\n    import openai\n"
        )
        assert self.found(source) == ["typing", "abc"]


class TestAlone:
    """What becomes of the packages that come after one that fails."""

    @pytest.fixture
    def tested(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
        """The packages that were tested, and whether with slow tests; two of them fail."""
        seen = []

        def test(one: Package, wheels: object, options: argparse.Namespace, arguments: list[str]) -> None:
            seen.append((one.name, options.slow))
            if one.name in {"victor-core", "victor-graph"}:
                raise alone.Failed("exit code 1: pytest")

        monkeypatch.setattr(alone, "build", lambda chosen: {})
        monkeypatch.setattr(alone, "test", test)
        return seen

    def test_all_are_tested_and_the_last_lines_say_which_failed(
        self, tested: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "argv", ["alone.py", "-q"])
        assert alone.main() == 1
        assert tested == [(one.name, False) for one in packages()]
        out = capsys.readouterr().out
        assert "FAILED victor-core: exit code 1: pytest" in out
        assert out.endswith("\nFAILED: victor-core, victor-graph\n")

    def test_chosen_ones(
        self, tested: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "argv", ["alone.py", "--slow", "tools"])
        assert alone.main() == 0
        assert tested == [("victor-tools", True)]
        assert capsys.readouterr().out.endswith("all passed: 1\n")

    def test_a_command_that_fails_is_told(self) -> None:
        with pytest.raises(alone.Failed, match="exit code 3: .* sys.exit"):
            alone.run(sys.executable, "-c", "import sys; sys.exit(3)")


class TestBlocks:
    def test_language_line_and_text(self) -> None:
        (first, second) = blocks("# A\n\n```python\nprint(1)\n```\ntext\n\n~~~~yaml title\na: |\n  ```\n~~~~\n")
        assert first == Block(3, "python", "print(1)\n")
        assert second == Block(8, "yaml", "a: |\n  ```\n")

    def test_a_block_in_a_list_loses_its_indentation(self) -> None:
        (block,) = blocks("1. Do\n\n   ```bash\n   echo a\n     b\n   ```\n")
        assert block.text == "echo a\n  b\n"

    @pytest.mark.parametrize(
        "page",
        ["```bash\n# not run: needs a key\nfalse\n```\n", "<!-- not run: needs a key -->\n```bash\nfalse\n```\n"],
    )
    def test_a_block_can_be_left_out_with_a_reason(self, page: str) -> None:
        assert blocks(page)[0].not_run == "needs a key"

    @pytest.mark.parametrize("line", ["pip install victor-core 'victor-graph[png]>=0.1' rich", "$ uv add victor-tools"])
    def test_install_lines_of_ours(self, line: str) -> None:
        pip_names_are_real(line)

    @pytest.mark.parametrize("name", ["victor", "victor[x]", "victor-cor>=1"])
    @pytest.mark.parametrize("command", ["pip install", "$ python -m pip install -U rich", "uv add"])
    def test_install_lines_of_somebody_else(self, command: str, name: str) -> None:
        with pytest.raises(BlockFailed, match="there is no package 'victor"):
            pip_names_are_real(f"{command} {name}")

    def test_output_is_compared_with_ellipsis(self) -> None:
        compare("a ... c\n", "a b c  \n\n")
        with pytest.raises(BlockFailed, match=r"(?s)expected:.*a\n.*got:.*b"):
            compare("a\n", "b\n")


class TestPage:
    @pytest.fixture
    def page(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
        monkeypatch.chdir(tmp_path)
        return Page(tmp_path)

    def test_python_blocks_share_their_names(self, page: Page) -> None:
        assert page.run(Block(1, "python", "a = 1\n"), None)
        assert page.run(Block(5, "python", "print(a + 1)\n"), "2\n")

    def test_wrong_output_fails(self, page: Page) -> None:
        with pytest.raises(BlockFailed, match="expected:"):
            page.run(Block(1, "python", "print(3)\n"), "2\n")

    def test_an_error_names_the_line_of_the_page(self, page: Page) -> None:
        with pytest.raises(BlockFailed, match=r"line 12: ZeroDivisionError"):
            page.run(Block(10, "python", "a = 0\n1 / a\n"), None)

    def test_a_session_is_a_doctest(self, page: Page) -> None:
        page.run(Block(1, "python", ">>> a = [1,\n...      2]\n>>> a\n[1, 2]\n"), None)
        page.run(Block(1, "python", "assert a == [1, 2]\n"), None)
        with pytest.raises(BlockFailed, match="Expected"):
            page.run(Block(1, "python", ">>> a\n[3]\n"), None)

    def test_a_file_is_saved_and_not_run(self, page: Page, tmp_path: Path) -> None:
        assert page.run(Block(1, "python", "# lib/tools_of_mine.py\nraise SystemExit(3)\n"), None)
        assert (tmp_path / "lib" / "tools_of_mine.py").read_text() == "# lib/tools_of_mine.py\nraise SystemExit(3)\n"

    @pytest.mark.parametrize("name", ["a.py", "a.yaml", "a.yml", "a.toml", "a.sh", "a.cfg", "a.ini"])
    def test_the_name_stays_where_it_is_a_comment(self, page: Page, tmp_path: Path, name: str) -> None:
        """A reader copies it along, so the lines that messages name are counted from it."""
        page.run(Block(1, "", f"# {name}\nb\n"), None)
        assert (tmp_path / name).read_text() == f"# {name}\nb\n"

    @pytest.mark.parametrize(
        "line", ["# a.json", "# a.csv", "# a.txt", "# a.md", "<!-- a.md -->", "// a.ts", "// a.py", "<!-- a.yaml -->"]
    )
    def test_the_name_is_dropped_where_it_would_be_text(self, page: Page, tmp_path: Path, line: str) -> None:
        page.run(Block(1, "", f"{line}\nb\n"), None)
        (file,) = tmp_path.iterdir()
        assert file.read_text() == "b\n"

    def test_a_comment_is_no_file_name(self, page: Page) -> None:
        page.run(Block(1, "python", "# Ask the model. Then print.\nprint(1)\n"), "1\n")

    def test_a_shell_block_stops_at_the_first_failure(self, page: Page) -> None:
        page.run(Block(1, "bash", "pip install victor-core\necho a\n"), "a\n")
        with pytest.raises(BlockFailed, match="exit code 1"):
            page.run(Block(1, "bash", "false\necho a\n"), None)

    def test_a_console_block_compares_what_each_command_prints(self, page: Page) -> None:
        page.run(Block(1, "console", "$ echo a\na\n$ echo b >c\n$ cat c\nb\n$ echo \\\n> d\nd\n"), None)
        with pytest.raises(BlockFailed, match="expected:"):
            page.run(Block(1, "console", "$ echo a\nb\n$ echo b\nb\n"), None)

    def test_other_languages_are_left_alone(self, page: Page) -> None:
        assert not page.run(Block(1, "yaml", "a: 1\n"), None)

    def test_await_at_the_top_level(self, tmp_path: Path) -> None:
        """In a process of its own, as pages run: the test suite has an event loop already."""
        (tmp_path / "page.md").write_text(
            "```python\nimport asyncio\nprint(await asyncio.sleep(0, 5))\n```\n\n```text\n5\n```\n"
        )
        program = f"import sys; sys.path.insert(0, {str(ROOT / 'scripts')!r}); import code_blocks as c; c.ROOT = c.Path({str(tmp_path)!r}); sys.exit(c.run_page(c.ROOT / 'page.md'))"
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (0, "page.md: 1 blocks ran\n")


class TestBlocksThatWouldNotRun:
    @pytest.mark.parametrize(
        "fence", ["python3", "pycon", "python,linenos", "{code-block} python", "shell-session", "zsh"]
    )
    def test_a_fence_that_looks_executed_is_refused(self, tmp_path: Path, fence: str) -> None:
        (block,) = blocks(f"```{fence}\nraise\n```\n")
        with pytest.raises(BlockFailed, match="is not run: write python, bash or console"):
            Page(tmp_path).run(block, None)

    @pytest.mark.parametrize("fence", ["text", "yaml", "pytest", "{diagram} a.yaml", "", "json"])
    def test_others_are_passed_by(self, tmp_path: Path, fence: str) -> None:
        (block,) = blocks(f"```{fence}\nx\n```\n")
        assert Page(tmp_path).run(block, None) is False

    def test_an_extra_that_does_not_exist(self) -> None:
        pip_names_are_real('pip install "victor-core[openai]" victor-graph[png,postgres]')
        with pytest.raises(BlockFailed, match="victor-core has no extra nope"):
            pip_names_are_real('pip install "victor-core[openai,nope]"')

    def test_a_page_that_leaves_in_the_middle_fails(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(code_blocks, "ROOT", tmp_path)
        page = tmp_path / "page.md"
        code, told = code_blocks.checked(0, "", page)
        assert (code, "left before its end" in told) == (1, True)
        assert code_blocks.checked(0, "page.md: 3 blocks ran\n", page)[0] == 0
        assert code_blocks.checked(1, "FAILED x\n", page)[0] == 1


class TestExamples:
    def test_what_a_program_prints_stands_in_its_docstring(self) -> None:
        source = '"""Adds.\n\nRun it with ``python add.py``. It prints:\n\n    one\n      two\n"""\nprint("x")\n'
        assert printed_by(source) == "one\n  two"
        after = '"""Adds.\n\nPrints:\n    one\n\n    two\n\nThat is all.\n"""\n'
        assert printed_by(after) == "one\n\ntwo"
        assert printed_by('"""Says nothing."""\n') == ""
        assert printed_by("print(1)\n") == ""

    def test_commands_stand_in_the_comment_that_a_file_begins_with(self, tmp_path: Path) -> None:
        file = tmp_path / "a.yaml"
        file.write_text("# Sorts.\n#\n# $ echo a\n# a\n#\n# b\nteams: {}\n# $ not this\n")
        assert header_of(file) == "Sorts.\n\n$ echo a\na\n\nb"
        assert commands_of(header_of(file)) == "$ echo a\na\n\nb"
        assert commands_of("a comment\n") == ""

    @pytest.mark.parametrize(
        ("name", "text", "code"),
        [
            ("a.py", '"""It prints:\n\n    a b c\n"""\nprint("a b\\nc")\n', 0),
            ("a.py", '"""It prints:\n\n    a\n"""\nprint("b")\n', 1),
            ("a.py", "raise SystemExit(3)\n", 1),
            ("a.yaml", "# $ echo a\n# a\na: 1\n", 0),
            ("a.yaml", "# $ echo a\n# b\na: 1\n", 1),
        ],
    )
    def test_an_example_fails_when_it_prints_something_else(
        self, tmp_path: Path, name: str, text: str, code: int
    ) -> None:
        (tmp_path / name).write_text(text)
        program = f"import sys; sys.path.insert(0, {str(ROOT / 'scripts')!r}); import code_blocks as c; c.ROOT = c.Path({str(tmp_path)!r}); sys.exit(c.RUN[c.Path({name!r}).suffix](c.ROOT / {name!r}))"
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert ("FAILED" in done.stdout) == bool(code)
