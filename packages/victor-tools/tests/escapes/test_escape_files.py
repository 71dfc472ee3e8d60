"""Attempts to get out of the directory files are confined to."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from victor.core.errors import ToolError
from victor.core.tool import Tool
from victor.tools.archive_kit import Archive
from victor.tools.data.kit import Data
from victor.tools.files import Files, Root


def tools_in(root: Path) -> dict[str, Tool]:
    kits = (Files(root), Data(root), Archive(root))
    return {made.name: made for kit in kits for made in kit.tools()}


PATHS = [
    "../outside/secret.txt",
    "../../../../../../../../etc/passwd",
    "/etc/passwd",
    "//etc/passwd",
    "/proc/self/environ",
    "/proc/self/root/etc/passwd",
    "/dev/zero",
    "./../outside/secret.txt",
    "sub/../../outside/secret.txt",
    "sub/./../.././outside/secret.txt",
    "../root/../outside/secret.txt",
    "../root_sibling",
    "..",
    "secret\0.txt",
    "link_to_secret",
    "link_to_folder/secret.txt",
    "link_chain",
    "link_absolute",
    "loop",
    "link_proc/1/environ",
    "",
    "   ",
    "x" * 5000,
    "a/" * 3000 + "b",
]


@pytest.fixture
def traps(guarded: Path) -> Path:
    (guarded / "sub").mkdir()
    (guarded / "inside.txt").write_text("inside\n")
    (guarded / "link_to_secret").symlink_to("../outside/secret.txt")
    (guarded / "link_to_folder").symlink_to("../outside")
    (guarded / "link_chain").symlink_to("link_to_secret")
    (guarded / "link_absolute").symlink_to(guarded.parent / "outside" / "secret.txt")
    (guarded / "loop").symlink_to("loop")
    (guarded / "link_proc").symlink_to("/proc")
    return guarded


@pytest.mark.parametrize("path", PATHS, ids=lambda p: repr(p[:40]))
@pytest.mark.parametrize("name", ["files_read", "files_write", "files_edit", "data_query", "archive_list"])
def test_paths_that_lead_out(traps: Path, refused: Any, name: str, path: str) -> None:
    arguments: dict[str, Any] = {"path": path}
    if name == "files_write":
        arguments |= {"content": "owned", "overwrite": True}
    elif name == "files_edit":
        arguments |= {"old": "SECRET", "new": "owned"}
    elif name == "data_query":
        arguments |= {"format": "yaml"}
    refused(tools_in(traps)[name], **arguments)


@pytest.mark.parametrize("path", ["../outside", "/etc", "link_to_folder", "..", "sub/../..", "/", "loop"])
@pytest.mark.parametrize("name", ["files_list", "files_tree", "files_glob", "files_grep"])
def test_directories_that_lead_out(traps: Path, refused: Any, name: str, path: str) -> None:
    more = {"files_glob": {"pattern": "*"}, "files_grep": {"pattern": "SECRET"}}.get(name, {})
    refused(tools_in(traps)[name], path=path, **more)


@pytest.mark.parametrize("pattern", ["../**/*", "/etc/*", "sub/../../outside/*", "..", "~/*", "..\\outside\\*"])
def test_patterns_that_lead_out(traps: Path, refused: Any, pattern: str) -> None:
    refused(tools_in(traps)["files_glob"], pattern=pattern)


def test_percent_escapes_and_look_alikes_are_names_and_nothing_else(traps: Path, refused: Any) -> None:
    for path in (
        "%2e%2e/outside/secret.txt",
        "..%2foutside%2fsecret.txt",
        "\u2024\u2024/outside/secret.txt",
        "~/secret",
        "$HOME/x",
        "file:///etc/passwd",
    ):
        refused(tools_in(traps)["files_read"], path=path)


@pytest.mark.parametrize("name", ["files_glob", "files_grep", "files_tree"])
def test_walking_does_not_follow_links(traps: Path, call: Any, name: str) -> None:
    more = {"files_glob": {"pattern": "**/*"}, "files_grep": {"pattern": "SECRET"}}.get(name, {})
    text = call(tools_in(traps)[name], **more).text
    assert "secret.txt" not in text.replace("link_to_secret", "") and "SECRET-OUTSIDE" not in text


@pytest.mark.parametrize(
    "path", [".git/hooks/pre-commit", ".git/config", "sub/.GIT/config", "x/.hg/hgrc", ".svn/entries", ".jj/repo"]
)
def test_what_version_control_keeps_cannot_be_written(traps: Path, refused: Any, path: str) -> None:
    refused(tools_in(traps)["files_write"], path=path, content="#!/bin/sh\ntouch /tmp/owned\n")
    assert not (traps / path).exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="not applicable: no pipes here")
def test_pipes_and_devices_do_not_hang(traps: Path, refused: Any) -> None:
    os.mkfifo(traps / "pipe")
    refused(tools_in(traps)["files_read"], path="pipe")
    refused(tools_in(traps)["files_write"], path="pipe", content="x", overwrite=True)
    refused(tools_in(traps)["data_query"], path="pipe", format="json")


def test_a_link_put_in_place_between_check_and_open_is_not_followed(
    traps: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race itself, made certain: the file becomes a link after its path was resolved."""
    root = Root(traps)
    victim = traps / "sub" / "file.txt"
    victim.write_text("harmless")
    resolved = root.relative

    def relative_then_swap(path: Any) -> Path:
        found = resolved(path)
        victim.unlink(missing_ok=True)
        victim.symlink_to(traps.parent / "outside" / "secret.txt")
        return found

    monkeypatch.setattr(root, "relative", relative_then_swap)
    with pytest.raises(ToolError, match="became a link"), root.open("sub/file.txt"):
        pass
    # Writing refuses what became a link, too.
    victim.unlink()
    victim.write_text("harmless")
    with pytest.raises(ToolError, match="no regular file"):
        root.write("sub/file.txt", b"owned", replace=True)


def test_a_directory_swapped_for_a_link_is_not_entered(traps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Root(traps)
    folder = traps / "sub"
    resolved = root.relative

    def relative_then_swap(path: Any) -> Path:
        found = resolved(path)
        if folder.is_dir() and not folder.is_symlink():
            folder.rmdir()
            folder.symlink_to(traps.parent / "outside")
        return found

    monkeypatch.setattr(root, "relative", relative_then_swap)
    with pytest.raises(ToolError), root.open("sub/secret.txt"):
        pass
    with pytest.raises(ToolError):
        root.write("sub/new.txt", b"owned", replace=True)
    with pytest.raises(ToolError):
        list(root.walk("sub"))


def test_racing_for_real_never_shows_the_secret(traps: Path) -> None:
    root = Root(traps)
    target, secret = traps / "flip", traps.parent / "outside" / "secret.txt"
    stop = threading.Event()

    def flip() -> None:
        while not stop.is_set():
            for make in (lambda: (traps / "new").write_text("fine"), lambda: (traps / "new").symlink_to(secret)):
                (traps / "new").unlink(missing_ok=True)
                make()
                os.replace(traps / "new", target)

    thread = threading.Thread(target=flip)
    thread.start()
    seen: set[bytes] = set()
    try:
        for _ in range(3000):
            try:
                with root.open("flip") as (file, _):
                    seen.add(file.read())
            except ToolError:
                pass
    finally:
        stop.set()
        thread.join()
    (traps / "new").unlink(missing_ok=True)
    target.unlink(missing_ok=True)
    assert b"SECRET-OUTSIDE\n" not in seen


def test_a_root_that_is_a_link_or_gone(traps: Path, refused: Any, tmp_path: Path) -> None:
    refused(Files(tmp_path / "nowhere").tools()[0], path="x")


def test_stars_cannot_be_made_to_take_for_ever(traps: Path, refused: Any, call: Any) -> None:
    (traps / ("a" * 200)).write_text("x")
    refused(tools_in(traps)["files_glob"], pattern="*a" * 20 + "b")
    assert call(tools_in(traps)["files_glob"], pattern="**/" * 60 + "nothing").value == []
    assert call(tools_in(traps)["files_glob"], pattern="*" * 400).ok
