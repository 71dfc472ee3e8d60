"""Bombs: archives, YAML, JSON and expressions that are small and mean to be huge."""

from __future__ import annotations

import csv
import gzip
import io
import tarfile
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from victor.tools.archive_kit import Archive
from victor.tools.bounded_regex import BoundedRegex
from victor.tools.data.kit import Data
from victor.tools.math_kit import Math
from victor.tools.text_kit import Text


@pytest.fixture
def archive(guarded: Path) -> dict[str, Any]:
    return {t.name: t for t in Archive(guarded, max_bytes=100_000, max_unpacked=5_000_000).tools()}


def test_a_zip_bomb_is_listed_and_not_unpacked(guarded: Path, archive: Any, refused: Any, call: Any) -> None:
    with zipfile.ZipFile(guarded / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("big.txt", b"\0" * 50_000_000)
    assert call(archive["archive_list"], path="bomb.zip").value[0]["size"] == 50_000_000
    refused(archive["archive_read"], path="bomb.zip", member="big.txt")


def test_a_zip_that_lies_about_its_size(guarded: Path, archive: Any, refused: Any) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("big.txt", b"a" * 3_000_000)
    raw = data.getvalue().replace((3_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    (guarded / "lie.zip").write_bytes(raw)
    refused(archive["archive_read"], path="lie.zip", member="big.txt")


def test_a_gzip_bomb_in_a_tar(guarded: Path, archive: Any, refused: Any) -> None:
    with gzip.open(guarded / "bomb.tgz", "wb") as out:
        block = tarfile.TarInfo("big")
        block.size = 60_000_000
        out.write(block.tobuf())
        for _ in range(60):
            out.write(b"\0" * 1_000_000)
    refused(archive["archive_list"], path="bomb.tgz")
    refused(archive["archive_read"], path="bomb.tgz", member="other")


@pytest.mark.parametrize("member", ["../../outside/secret.txt", "/etc/passwd", "link"])
def test_members_that_lead_out(guarded: Path, archive: Any, refused: Any, member: str) -> None:
    with tarfile.open(guarded / "evil.tar", "w") as out:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "../outside/secret.txt"
        out.addfile(link)
    refused(archive["archive_read"], path="evil.tar", member=member)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x05\x06",
        b"PK\x03\x04" + b"\xff" * 100,
        b"\x1f\x8b\x08" + b"x" * 50,
        b"not an archive",
        b"\xfd7zXZ\0junk",
    ],
)
def test_broken_archives(guarded: Path, archive: Any, refused: Any, data: bytes) -> None:
    (guarded / "broken").write_bytes(data)
    refused(archive["archive_read"], path="broken", member="x")


YAML_BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)


@pytest.mark.parametrize(
    ("text", "format"),
    [
        (YAML_BOMB, "yaml"),
        ("a: &a\n  b: *a\n", "yaml"),
        ("!!python/object/apply:os.system ['touch owned']", "yaml"),
        ("!!python/object/new:type {}", "yaml"),
        ("[" * 100_000, "json"),
        ('{"a":' * 5_000, "json"),
        ("[" * 5_000 + "]" * 5_000, "yaml"),
        ("a = " + "[" * 10_000, "toml"),
        ("x" * 300_000 + '"\n', "csv"),
        ("1" * 10_000, "json"),
    ],
    ids=["aliases", "contains itself", "python tag", "python type", "deep json", "deep object", "deep yaml", "deep toml", "huge field", "huge number"],
)  # fmt: skip
def test_data_that_explodes(guarded: Path, refused: Any, text: str, format: str) -> None:
    began = time.process_time()
    refused({t.name: t for t in Data(guarded).tools()}["data_query"], text=text, format=format)
    assert time.process_time() - began < 10
    assert list(guarded.iterdir()) == []


@pytest.mark.parametrize(
    "query", ["a[", "@." + "a" * 3000, "`" * 10, "(" * 1500, "unknown_function(@)", "sort_by(@, &"]
)
def test_queries_that_are_wrong(guarded: Path, refused: Any, query: str) -> None:
    refused({t.name: t for t in Data(guarded).tools()}["data_query"], text="{}", query=query)


@pytest.mark.parametrize(
    "expression",
    [
        "9**9**9", "2**100000", "factorial(100000)", "(" * 300 + "1" + ")" * 300, "__import__('os').system('x')",
        "open('/etc/passwd').read()", "().__class__.__mro__", "[x for x in range(10**9)]", "'a'*10**9", "lambda: 1",
        "print(1)", "exec('1')", "e.__class__", "sum.__globals__", "10**20000 * 10**20000", "comb(2000, 1000)**50",
        "1 if 1 else 2", "f'{1}'", "x := 5", "1/0", "sqrt(-1)", "(-8)**0.5", "1e400 - 1e400", "round(1, ndigits=5)",
        "abs(*[1])", "1; 2", "True and 5", "~5", "1 << 100000", "not_known(3)", "",
    ],
)  # fmt: skip
def test_expressions_that_are_no_arithmetic(refused: Any, expression: str) -> None:
    began = time.process_time()
    refused({t.name: t for t in Math().tools()}["math_evaluate"], expression=expression)
    assert time.process_time() - began < 2


BOMBS = [
    (r"(a+)+$", "a" * 5000 + "b"),
    (r"(a|aa)+$", "a" * 5000 + "b"),
    (r"(a|a)*b", "a" * 5000),
    (r"(.*a){20}", "a" * 200 + "!" * 200),
    (r"^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 5000),
    (r"(x+x+)+y", "x" * 5000),
]


@pytest.mark.slow
@pytest.mark.parametrize(("pattern", "text"), BOMBS, ids=[p for p, _ in BOMBS])
@pytest.mark.parametrize("name", ["text_find", "text_replace"])
def test_regex_bombs_are_stopped(call: Any, name: str, pattern: str, text: str) -> None:
    made = {t.name: t for t in Text(regex_seconds=0.2).tools()}[name]
    began = time.process_time()
    result = call(made, text=text, pattern=pattern, **({"replacement": "z"} if name == "text_replace" else {}))
    assert time.process_time() - began < 3
    assert result.ok or "took more than 0.2 s" in result.text


@pytest.mark.parametrize("pattern", ["(", "[a", "a" * 3000, "(?P<a>x)(?P<a", "*a", "\\"])
def test_patterns_that_are_none(refused: Any, pattern: str) -> None:
    refused({t.name: t for t in Text().tools()}["text_find"], text="x", pattern=pattern)


def test_a_replacement_cannot_blow_up(refused: Any) -> None:
    refused(
        {t.name: t for t in Text().tools()}["text_replace"], text="a" * 100_000, pattern="a", replacement="b" * 1000
    )
    refused({t.name: t for t in Text().tools()}["text_replace"], text="a", pattern="a", replacement="\\9")


def test_the_time_limit_covers_all_uses_together() -> None:
    from victor.core.errors import ToolError

    regex = BoundedRegex("a+b", seconds=0.05)
    with pytest.raises(ToolError, match="took more than"):
        for _ in range(1_000_000):
            regex.search("a" * 2000)


def test_a_huge_field_is_refused_whatever_the_process_allows_csv(guarded: Path, refused: Any) -> None:
    before = csv.field_size_limit(1 << 27)
    try:
        tool = {made.name: made for made in Data(guarded).tools()}["data_query"]
        refused(tool, text="x" * 300_000 + '"\n', format="csv")
        refused(tool, text="a,b\n1," + "x" * 300_000 + "\n", format="csv")
    finally:
        csv.field_size_limit(before)
