"""The tools for files, as a model uses them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from victor.core.errors import ToolError
from victor.core.tool import Tool
from victor.tools.files import Files
from victor.tools.files.grep import search_files
from victor.tools.files.root import Root


@pytest.fixture
def files(root: Path) -> dict[str, Tool]:
    return {made.name.removeprefix("files_"): made for made in Files(root).tools()}


def test_read_whole_and_in_parts(files: dict[str, Tool], root: Path, call: Any) -> None:
    (root / "a.txt").write_text("".join(f"line {n}\n" for n in range(1, 101)))
    assert call(files["read"], path="a.txt").text == (root / "a.txt").read_text()
    part = call(files["read"], path="a.txt", start_line=10, lines=2).text
    assert part == "line 10\nline 11\n[lines 10 to 11 of 100; read on with start_line=12]"
    assert call(files["read"], path="a.txt", start_line=99).text == "line 99\nline 100\n"
    assert call(files["read"], path="a.txt", start_line=101).text == "'a.txt' has 100 lines; there is no line 101"
    assert call(files["read"], path=str(root / "a.txt"), lines=1).ok  # an absolute path below the root is fine
    (root / "empty").write_text("")
    assert call(files["read"], path="empty").text == ""
    (root / "no_end").write_text("a\nb")
    assert call(files["read"], path="no_end").text == "a\nb"
    assert call(files["read"], path="no_end", start_line=2).text == "b"


def test_read_a_huge_file_without_holding_it(root: Path, call: Any) -> None:
    small = {t.name: t for t in Files(root, max_chars=1000).tools()}["files_read"]
    with open(root / "huge.log", "wb") as file:
        for n in range(200_000):
            file.write(f"{n:07} some text of a log\n".encode())
    text = call(small, path="huge.log", start_line=150_000).text
    assert text.startswith("0149999 some text")
    assert "[lines 150,000 to 150,036 of 200,000; read on with start_line=150037]" in text
    (root / "one_line").write_bytes(b"x" * 5_000_000)
    assert call(small, path="one_line").text.endswith(
        "[the first 1,000 characters of line 1 of 1; the line is too long]"
    )


def test_encodings_and_binaries(files: dict[str, Tool], root: Path, call: Any) -> None:
    (root / "latin").write_bytes("Grüße\n".encode("latin-1"))
    assert "try encoding='latin-1'" in call(files["read"], path="latin").text
    assert call(files["read"], path="latin", encoding="latin-1").text == "Grüße\n"
    (root / "utf16").write_text("Grüße\n", encoding="utf-16")
    assert call(files["read"], path="utf16").text == "Grüße\n"
    (root / "bom").write_bytes(b"\xef\xbb\xbfhi")
    assert call(files["read"], path="bom").text == "hi"
    (root / "image").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    assert call(files["read"], path="image").text == "'image' is no text but a PNG image of 11 bytes"
    assert "there is no encoding 'klingon'" in call(files["read"], path="latin", encoding="klingon").text
    assert "there is no encoding 'zlib'" in call(files["read"], path="latin", encoding="zlib").text


def test_write_makes_directories_and_never_replaces_unasked(files: dict[str, Tool], root: Path, call: Any) -> None:
    assert call(files["write"], path="new/deep/a.txt", content="one\n").text == "wrote 4 bytes to new/deep/a.txt"
    refused = call(files["write"], path="new/deep/a.txt", content="two\n")
    assert not refused.ok and "exists; pass overwrite=true" in refused.text and refused.error.retry
    assert call(files["write"], path="new/deep/a.txt", content="two\n", overwrite=True).ok
    assert call(files["write"], path="new/deep/a.txt", content="three\n", append=True).ok
    assert (root / "new/deep/a.txt").read_text() == "two\nthree\n"
    assert call(files["write"], path="fresh.txt", content="x", append=True).ok
    assert sorted(p.name for p in root.iterdir()) == ["fresh.txt", "new"]  # nothing temporary stays


def test_writing_keeps_the_mode_and_goes_through_links_inside(files: dict[str, Tool], root: Path, call: Any) -> None:
    (root / "script.sh").write_text("#!/bin/sh\n")
    (root / "script.sh").chmod(0o755)
    (root / "link").symlink_to("script.sh")
    assert call(files["write"], path="link", content="#!/bin/bash\n", overwrite=True).ok
    assert (root / "link").is_symlink()
    assert (root / "script.sh").read_text() == "#!/bin/bash\n"
    assert os.stat(root / "script.sh").st_mode & 0o777 == 0o755


def test_edit(files: dict[str, Tool], root: Path, call: Any) -> None:
    path = root / "x.py"
    path.write_text("a = 1\nb = 2\na = 3\n")
    assert (
        call(files["edit"], path="x.py", old="b = 2", new="b = 20").text
        == "replaced 1 occurrence in x.py, the first in line 2"
    )
    several = call(files["edit"], path="x.py", old="a =", new="c =")
    assert "occurs 2 times in 'x.py' (lines 1, 3)" in several.text
    assert call(files["edit"], path="x.py", old="a =", new="c =", all=True).ok
    assert path.read_text() == "c = 1\nb = 20\nc = 3\n"
    missing = call(files["edit"], path="x.py", old="b  =  20", new="x")
    assert "line 2" in missing.text and "b = 20" in missing.text
    assert "old is empty" in call(files["edit"], path="x.py", old="", new="x").text
    assert "the same" in call(files["edit"], path="x.py", old="c", new="c", all=True).text
    path.write_bytes(b"a\r\nb\r\n")
    assert call(files["edit"], path="x.py", old="a\nb", new="a\nz\nb").ok
    assert path.read_bytes() == b"a\r\nz\r\nb\r\n"


def test_list_glob_and_tree(files: dict[str, Tool], root: Path, call: Any) -> None:
    for name in ("src/a.py", "src/deep/b.py", "src/deep/c.txt", "README.md", ".hidden/x.py", "node_modules/m.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x" * 1500)
    listed = call(files["list"]).value
    assert [(e["name"], e["kind"]) for e in listed] == [
        ("README.md", "file"),
        ("node_modules", "folder"),
        ("src", "folder"),
    ]
    assert listed[0]["size"] == 1500 and listed[0]["modified"].endswith("Z")
    assert call(files["list"], hidden=True).value[0]["name"] == ".hidden"
    assert call(files["glob"], pattern="*.py").value == ["src/a.py", "src/deep/b.py"]
    assert call(files["glob"], pattern="src/*.py").value == ["src/a.py"]
    assert call(files["glob"], pattern="**/deep/*").value == ["src/deep/b.py", "src/deep/c.txt"]
    assert call(files["glob"], pattern="*.py", path="src/deep").value == ["src/deep/b.py"]
    assert call(files["glob"], pattern="*.py", hidden=True).value == [
        ".hidden/x.py",
        "node_modules/m.py",
        "src/a.py",
        "src/deep/b.py",
    ]
    assert call(files["glob"], pattern="[ab].py").value == ["src/a.py", "src/deep/b.py"]
    tree = call(files["tree"], depth=2).text
    assert tree.splitlines() == ["./", "  README.md (1.5 KB)", "  src/", "    a.py (1.5 KB)", "    deep/"]
    assert "is a directory; list it" in call(files["read"], path="src").text
    assert "is no directory" in call(files["list"], path="README.md").text


@pytest.mark.parametrize("ripgrep", ["", None], ids=["ripgrep", "by hand"])
def test_grep(root: Path, ripgrep: str | None) -> None:
    (root / "a.py").write_text("import os\nVALUE = 1\nprint(VALUE)\n")
    (root / "b.txt").write_text("value here\n-e dash\n")
    (root / "bin").write_bytes(b"\0VALUE")
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("VALUE")

    def grep(pattern: str, path: str = ".", **options: Any) -> list[str]:
        defaults: dict[str, Any] = {"glob": None, "ignore_case": False, "literal": False, "context": 0, "limit": 100}
        given = {**defaults, **options}
        return search_files(
            Root(root), pattern, path, **given, skip=frozenset({".git"}), max_chars=10_000, ripgrep=ripgrep
        ).splitlines()

    assert grep("VALUE") == ["a.py:2: VALUE = 1", "a.py:3: print(VALUE)"]
    assert grep("value", ignore_case=True) == ["a.py:2: VALUE = 1", "a.py:3: print(VALUE)", "b.txt:1: value here"]
    assert grep("VALUE", glob="*.txt") == ["nothing matches 'VALUE' in ."]
    assert grep("(VALUE", literal=True) == ["a.py:3: print(VALUE)"]
    assert grep("VALUE = ", context=1) == ["a.py:1- import os", "a.py:2: VALUE = 1", "a.py:3- print(VALUE)"]
    assert grep("VALUE", limit=1) == [
        "a.py:2: VALUE = 1",
        "[more than 1 matches; narrow the pattern, the path or glob]",
    ]
    assert grep("-e dash") == ["b.txt:2: -e dash"]
    assert grep("value", "b.txt") == ["b.txt:1: value here"]
    from victor.core.errors import ToolError

    with pytest.raises(ToolError, match=r"the pattern .*is wrong"):
        grep("(unclosed")
    with pytest.raises(ToolError, match="there is no 'nowhere'"):
        grep("x", "nowhere")


def test_read_only(root: Path) -> None:
    assert {t.name for t in Files(root, read_only=True).tools()} == {
        "files_read",
        "files_list",
        "files_glob",
        "files_grep",
        "files_tree",
    }


def test_the_root_is_the_working_directory_at_the_time_of_the_call(
    root: Path, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = {t.name: t for t in Files().tools()}["files_read"]
    (root / "here.txt").write_text("here")
    monkeypatch.chdir(root)
    assert call(read, path="here.txt").text == "here"


def test_limits_are_told(root: Path, call: Any) -> None:
    for n in range(12):
        (root / f"f{n}.txt").write_text("x")
    few = {t.name: t for t in Files(root, max_entries=10, max_bytes=5).tools()}
    assert "more than 10 entries" in call(few["files_list"]).text
    assert "more than 10 files" in call(few["files_glob"], pattern="*.txt").text
    assert "[more than 10 entries" in call(few["files_tree"]).text
    assert "more than the 5" in call(few["files_write"], path="big", content="123456").text
    (root / "f0.txt").write_text("123456")
    assert "more than the 5" in call(few["files_edit"], path="f0.txt", old="1", new="2").text


@pytest.mark.parametrize("ripgrep", ["", None], ids=["ripgrep", "by hand"])
def test_a_pipe_or_a_giant_is_not_searched(root: Path, ripgrep: str | None) -> None:
    os.mkfifo(root / "pipe")
    (root / "small").write_text("x\n")
    with (root / "giant").open("wb") as file:
        file.truncate(1 << 40)

    def search(path: str) -> str:
        return search_files(
            Root(root), "x", path, glob=None, ignore_case=False, literal=False, context=0, limit=10,
            skip=frozenset(), max_chars=1_000, ripgrep=ripgrep,
        )  # fmt: skip

    with pytest.raises(ToolError, match="no regular file"):
        search("pipe")
    with pytest.raises(ToolError, match="more than the 20,000,000 that are searched"):
        search("giant")
    assert search(".") == "small:1: x"


def test_a_search_that_says_nothing_is_ended_too(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from victor.tools.files import grep

    program = root / "rg"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setattr(grep, "_SECONDS", 0.2)
    with pytest.raises(ToolError, match="took more than 0.2 s"):
        search_files(
            Root(root), "x", ".", glob=None, ignore_case=False, literal=False, context=0, limit=10,
            skip=frozenset(), max_chars=1_000, ripgrep=str(program),
        )  # fmt: skip
