"""Attempts to have git run what a repository, or whoever writes files, wants run."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from victor.tools.files.kit import Files
from victor.tools.programs.git import Git


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", "protocol.file.allow=always", *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


def tools(root: Path) -> dict[str, Any]:
    return {made.name.partition("_")[2]: made for made in Git(root).tools()}


@pytest.fixture
def repository(guarded: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ann")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "a@x.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    git(guarded, "init", "-q", "-b", "main")
    (guarded / "f").write_text("one\n")
    git(guarded, "add", "f")
    git(guarded, "commit", "-q", "-m", "First")
    (guarded / "f").write_text("two\n")
    return guarded


def index_of(name: bytes) -> str:
    """The text of an index that knows one file and has old times for it, so that git looks into the file."""
    entry = b"\0" * 24 + b"\x00\xc2\x81\x24" + b"\0" * 12 + b"a" * 20
    entry += struct.pack(">H", len(name)) + name
    entry += b"\0" * (8 - len(entry) % 8)
    return (b"DIRC" + struct.pack(">II", 2, 1) + entry + b"\0" * 20).decode()


FORGED = {
    "HEAD": "ref: refs/heads/master\n",
    "config": '[core]\n\tbare=false\n\tworktree={root}\n\trepositoryformatversion=0\n[filter "x"]\n\tclean="touch {trap}; cat"\n',
    "objects/x": "x",
    "refs/x": "x",
    "info/attributes": "f filter=x\n",
    "f": "hi\n",
    "index": index_of(b"f"),
}


@pytest.mark.parametrize("below", ["", "sub/deep/"])
@pytest.mark.parametrize("order", [list(FORGED), list(reversed(FORGED))], ids=["HEAD first", "HEAD last"])
def test_a_repository_made_of_plain_files_is_refused(guarded: Path, call: Any, below: str, order: list[str]) -> None:
    write = next(made for made in Files(guarded).tools() if made.name == "files_write")
    trap = guarded / "owned"
    results = [
        call(write, path=below + name, content=FORGED[name].format(trap=trap, root=trap.parent)) for name in order
    ]
    refusals = [result.text for result in results if not result.ok]
    assert refusals and all("take" in text and "for a repository" in text for text in refusals)
    where = guarded / below if below else guarded
    subprocess.run(["git", "status"], cwd=where, capture_output=True, check=False)  # not even the user's own git
    assert not trap.exists()


def test_a_forged_repository_that_is_there_is_none_to_the_tools(guarded: Path, refused: Any) -> None:
    trap = guarded / "owned"
    for name, text in FORGED.items():
        (guarded / name).parent.mkdir(exist_ok=True)
        (guarded / name).write_text(text.format(trap=trap, root=trap.parent))
    for name, more in {"status": {}, "diff": {}, "log": {}, "show": {}, "blame": {"path": "f"}}.items():
        refused(tools(guarded)[name], **more)
    refused(tools(guarded)["commit"], message="x", paths=["."])
    assert not trap.exists()
    subprocess.run(["git", "-c", "safe.bareRepository=all", "status"], cwd=guarded, capture_output=True, check=False)
    assert trap.exists()  # the trap is a real one: git by itself does fall into it
    trap.unlink()


def test_inside_of_a_real_repository_a_forged_one_is_not_taken(repository: Path, call: Any) -> None:
    trap = repository / "owned"
    for name, text in FORGED.items():
        place = repository / "inner" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text.format(trap=trap, root=trap.parent))
    assert call(tools(repository / "inner")["status"]).text.startswith("## main")
    assert call(tools(repository / "inner")["show"]).ok
    assert not trap.exists()


@pytest.mark.parametrize("path", ["HEAD", "b/HEAD", "b/refs/heads/main", "b/head", "b/objects/ab/cd"])
def test_a_bare_repository_cannot_be_completed_or_changed(guarded: Path, refused: Any, path: str) -> None:
    for folder in (guarded, guarded / "b"):
        for name in ("objects", "refs", "HEAD"):
            (folder / name).mkdir(parents=True)
    write = next(made for made in Files(guarded).tools() if made.name == "files_write")
    for name in {path, str(Path(path).parent / "config"), str(Path(path).parent / "hooks" / "pre-commit")}:
        refused(write, path=name, content="x")


def test_a_folder_named_refs_or_a_file_named_head_is_nothing_special(guarded: Path, call: Any) -> None:
    write = next(made for made in Files(guarded).tools() if made.name == "files_write")
    for path in ("refs/list.txt", "objects/a.txt", "config", "docs/HEAD", "docs/config"):
        assert call(write, path=path, content="x").ok, path


RUNNERS = [
    "filter.x.clean", "filter.x.smudge", "filter.x.process", "core.pager", "pager.status", "pager.diff", "pager.log",
    "core.fsmonitor", "core.editor", "sequence.editor", "diff.external", "diff.x.textconv", "diff.x.command",
    "gpg.program", "gpg.ssh.program", "gpg.x509.program", "gpg.ssh.defaultKeyCommand", "core.sshCommand",
    "core.askPass", "core.gitProxy", "core.alternateRefsCommand", "credential.helper", "merge.x.driver",
    "interactive.diffFilter", "uploadpack.packObjectsHook", "trailer.x.command", "trailer.x.cmd", "alias.status",
    "remote.origin.uploadpack", "remote.origin.vcs", "web.browser", "browser.x.cmd", "man.x.cmd",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("place", ["repository", "worktree", "included", "user"])
def test_no_setting_runs_a_program(
    repository: Path, call: Any, refused: Any, monkeypatch: pytest.MonkeyPatch, place: str, tmp_path_factory: Any
) -> None:
    trap = f"touch {repository / 'owned'}"
    apart = tmp_path_factory.mktemp("apart") / "config"
    into = {
        "repository": ["--local"], "worktree": ["--worktree"], "included": ["--file", str(apart)],
        "user": ["--file", str(apart)],
    }[place]  # fmt: skip
    if place == "worktree":
        git(repository, "config", "core.repositoryFormatVersion", "1")
        git(repository, "config", "extensions.worktreeConfig", "true")
    for key in RUNNERS:
        git(repository, "config", *into, key, trap)
    for key, value in {
        "filter.x.required": "true", "log.showSignature": "true", "commit.gpgSign": "true", "core.hooksPath": str(repository / "hooks"),
        "diff.submodule": "log", "submodule.recurse": "true", "core.attributesFile": str(repository / "attributes"),
    }.items():  # fmt: skip
        git(repository, "config", *into, key, value)
    if place == "included":
        git(repository, "config", "include.path", str(apart))
    if place == "user":
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(apart))
    for folder in (repository / "hooks", repository / ".git" / "hooks"):
        folder.mkdir(exist_ok=True)
        for hook in ("pre-commit", "post-index-change", "reference-transaction", "post-commit", "fsmonitor-watchman"):
            (folder / hook).write_text(f"#!/bin/sh\n{trap}\n")
            (folder / hook).chmod(0o755)
    for attributes in (repository / ".git" / "info" / "attributes", repository / "attributes"):
        attributes.parent.mkdir(exist_ok=True)
        attributes.write_text("f filter=x diff=x merge=x\n")
    made = tools(repository)
    assert "M f" in call(made["status"]).text
    assert "+two" in call(made["diff"]).text
    assert "First" in call(made["log"]).text
    assert "+one" in call(made["show"]).text
    assert call(made["show"], path="f").text == "one"
    assert "one" in call(made["blame"], path="f").text
    assert "Second" in call(made["commit"], message="Second", paths=["f"]).text
    (repository / ".gitattributes").write_text("f filter=x diff=x\n")
    (repository / "f").write_text("three\n")
    assert "+three" in call(made["diff"]).text
    assert "filter 'x'" in refused(made["commit"], message="x", paths=["."]).text
    assert not (repository / "owned").exists()


def test_missing_objects_are_not_fetched(repository: Path, call: Any) -> None:
    """A partial clone names where what it lacks comes from; the program that brings it is a setting too."""
    trap = repository / "owned"
    loader = repository / "loader"
    loader.write_text(f"#!/bin/sh\ntouch {trap}\n")
    loader.chmod(0o755)
    for key, value in {
        "core.repositoryFormatVersion": "1", "extensions.partialClone": "origin", "remote.origin.promisor": "true",
        "remote.origin.url": str(repository.parent / "outside"), "remote.origin.uploadpack": str(loader), "protocol.file.allow": "always",
        "protocol.allow": "always", "protocol.ext.allow": "always",
    }.items():  # fmt: skip
        git(repository, "config", key, value)
    blob = git(repository, "rev-parse", "HEAD:f").strip()
    (repository / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    for name, more in {"diff": {}, "show": {}, "blame": {"path": "f"}}.items():
        assert not call(tools(repository)[name], **more).ok
    assert not trap.exists()


def test_the_settings_of_a_submodule_do_not_run_either(repository: Path, call: Any, tmp_path_factory: Any) -> None:
    other = tmp_path_factory.mktemp("other")
    git(other, "init", "-q", "-b", "main")
    (other / "g").write_text("g\n")
    git(other, "add", "g")
    git(other, "commit", "-q", "-m", "G")
    git(repository, "submodule", "--quiet", "add", str(other), "sub")
    git(repository, "commit", "-q", "-m", "Sub")
    (repository / "sub" / "g").write_text("changed\n")
    trap = repository / "owned"
    for key in ("core.fsmonitor", "filter.x.clean"):
        git(repository / "sub", "config", key, f"touch {trap}; cat")
    (repository / ".git" / "modules" / "sub" / "info" / "attributes").write_text("g filter=x\n")
    git(repository, "config", "-f", ".gitmodules", "submodule.sub.ignore", "none")
    trap.unlink(missing_ok=True)  # git itself ran it just now
    made = tools(repository)
    for name in ("status", "diff", "log", "show"):
        assert call(made[name]).ok
    assert "All" in call(made["commit"], message="All", paths=["."]).text
    inner = tools(repository / "sub")  # its .git is a file that leads to .git/modules/sub, which leads back
    assert "changed" in call(inner["diff"]).text
    assert not trap.exists()


def test_a_git_file_that_leads_elsewhere_is_refused(guarded: Path, refused: Any, repository: Path) -> None:
    """Of a folder somebody else packed: it would show the history of another repository of the user."""
    stranger = guarded / "stranger"
    stranger.mkdir()
    (stranger / ".git").write_text(f"gitdir: {repository / '.git'}\n")
    assert "not known as this directory's" in refused(tools(stranger)["log"]).text
    (stranger / ".git").unlink()
    (stranger / ".git").symlink_to(repository / ".git")
    assert "is a link" in refused(tools(stranger)["log"]).text


def test_a_repository_kept_where_file_tools_write_is_refused(guarded: Path, refused: Any, repository: Path) -> None:
    (repository / ".git").rename(repository / "kept")
    (repository / "kept" / "config").write_text(f"[core]\n\tworktree = {repository}\n")
    (repository / ".git").write_text("gitdir: kept\n")
    assert "file tools can write there" in refused(tools(repository)["status"]).text


def test_borrowed_objects_are_refused(repository: Path, refused: Any, tmp_path_factory: Any) -> None:
    private = tmp_path_factory.mktemp("private")
    git(private, "init", "-q")
    alternates = repository / ".git" / "objects" / "info" / "alternates"
    alternates.write_text(f"{private / '.git' / 'objects'}\n")
    assert "borrows objects" in refused(tools(repository)["log"]).text
    alternates.unlink()
    (repository / ".git" / "commondir").write_text(f"{private / '.git'}\n")
    refused(tools(repository)["log"])


def test_a_linked_worktree_works(repository: Path, call: Any, tmp_path_factory: Any) -> None:
    place = tmp_path_factory.mktemp("trees") / "side"
    git(repository, "worktree", "add", "-q", str(place), "-b", "side")
    (place / "new").write_text("n\n")
    made = tools(place)
    assert call(made["status"]).text.splitlines() == ["## side", "?? new"]
    assert "New" in call(made["commit"], message="New", paths=["new"]).text
    assert git(place, "log", "-1", "--format=%s", "side") == "New\n"
    assert git(place, "status", "--short") == ""
    assert git(repository, "log", "-1", "--format=%s", "main") == "First\n"


# --- and it does what git does ---


def test_a_commit_takes_what_is_named_and_leaves_what_else_is_staged(repository: Path, call: Any) -> None:
    for name in ("staged", "gone", "new/a", "new/ignored.log", "moved"):
        (repository / name).parent.mkdir(exist_ok=True)
        (repository / name).write_text(f"{name}\n")
    (repository / ".gitignore").write_text("*.log\n")
    git(repository, "add", "gone", "moved", ".gitignore")
    git(repository, "commit", "-q", "-m", "Setup")
    git(repository, "add", "staged")
    (repository / "gone").unlink()
    (repository / "moved").unlink()
    (repository / "moved").mkdir()
    (repository / "moved" / "inside").write_text("x\n")
    commit = tools(repository)["commit"]
    assert call(commit, message="Some\n\nThe body.\n", paths=["gone", "new", "f", "moved"]).ok
    assert git(repository, "log", "-1", "--format=%B").strip() == "Some\n\nThe body."
    assert git(repository, "log", "-1", "--name-status", "--format=", "--no-renames").split() == [
        "M", "f", "D", "gone", "D", "moved", "A", "moved/inside", "A", "new/a",
    ]  # fmt: skip
    assert git(repository, "status", "--short") == "A  staged\n"
    assert not (repository / ".git" / "index").is_symlink()
    assert git(repository, "reflog", "-1", "--format=%gs") == "commit: Some\n"
    git(repository, "fsck", "--strict")


def test_the_first_commit_and_one_from_a_directory_below(guarded: Path, call: Any, repository: Path) -> None:
    fresh = repository / "fresh"
    (fresh / "sub").mkdir(parents=True)
    git(fresh, "init", "-q", "-b", "main")
    (fresh / "sub" / "a").write_text("a\n")
    assert "Begin" in call(tools(fresh / "sub")["commit"], message="Begin", paths=["a"]).text
    assert git(fresh, "ls-tree", "-r", "--name-only", "HEAD") == "sub/a\n"
    assert git(fresh, "status", "--short") == ""


def test_commits_that_cannot_be(repository: Path, call: Any, refused: Any) -> None:
    made = tools(repository)
    assert call(made["commit"], message="x", paths=["f"]).ok
    assert "nothing to commit" in refused(made["commit"], message="x", paths=["f"]).text
    (repository / ".git" / "MERGE_HEAD").write_text(git(repository, "rev-parse", "HEAD"))
    assert "a merge is under way" in refused(made["commit"], message="x", paths=["f"]).text
    (repository / ".git" / "MERGE_HEAD").unlink()
    git(repository, "checkout", "-q", "--detach")
    assert "no branch" in refused(made["commit"], message="x", paths=["f"]).text


def test_how_far_a_branch_is_ahead_is_told_as_git_tells_it(repository: Path, call: Any, tmp_path_factory: Any) -> None:
    git(repository, "add", "f")
    git(repository, "commit", "-q", "-m", "Second")
    git(repository, "config", "remote.origin.url", "https://example.org/x.git")
    git(repository, "config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
    git(repository, "update-ref", "refs/remotes/origin/main", "HEAD~1")
    git(repository, "branch", "-q", "--set-upstream-to=origin/main")
    assert call(tools(repository)["status"]).text == "## main...origin/main [ahead 1]"
    assert "Second" in call(tools(repository)["log"], revision="origin/main..HEAD").text


def test_packed_and_split_repositories(repository: Path, call: Any) -> None:
    git(repository, "update-index", "--split-index")
    git(repository, "gc", "-q")
    git(repository, "pack-refs", "--all")
    assert call(tools(repository)["status"]).text == "## main\n M f"
    assert "Third" in call(tools(repository)["commit"], message="Third", paths=["f"]).text
    assert git(repository, "status", "--short") == ""


def test_somebody_elses_repository_is_refused(repository: Path, refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    for path in (repository, repository / ".git"):
        os.chown(path, 12345, 12345)
    assert "dubious ownership" in refused(tools(repository)["status"]).text


def test_lines_beyond_a_thousand_can_be_blamed(repository: Path, call: Any) -> None:
    (repository / "long").write_text("".join(f"{number}\n" for number in range(1, 3001)))
    git(repository, "add", "long")
    git(repository, "commit", "-q", "-m", "Long")
    assert call(tools(repository)["blame"], path="long", start_line=2500, lines=1).text.endswith("2500) 2500")


def test_nothing_is_left_in_the_temporary_directory(
    repository: Path, call: Any, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: Any
) -> None:
    import tempfile

    place = tmp_path_factory.mktemp("tmp")
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    assert call(tools(repository)["status"]).ok
    call(tools(repository)["log"], revision="nowhere")
    assert list(place.iterdir()) == []


def test_a_program_named_git_in_the_directory_is_not_run(
    repository: Path, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "git").write_text(f"#!/bin/sh\ntouch {repository / 'owned'}\n")
    (repository / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f".:{os.pathsep}{os.environ['PATH']}")
    assert call(tools(repository)["status"]).text.startswith("## main")
    assert not (repository / "owned").exists()
