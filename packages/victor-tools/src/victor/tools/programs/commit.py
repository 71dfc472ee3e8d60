"""A commit of chosen files, made of git's smallest steps.

``git add`` and ``git commit`` look into submodules, and would run what those configure.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from attrs import frozen

from victor.core.errors import ToolError
from victor.tools.programs.repository import Repository

__all__ = ["Run", "SeenGit", "commit_files"]

_SUBMODULE = "160000"


class Run(Protocol):
    """Runs git in the directory of the tools; gives what it wrote, raises a `ToolError` if it failed."""

    async def __call__(
        self, *arguments: str, stdin: str = "", index: Path | None = None, most: int | None = None
    ) -> str: ...


@frozen
class SeenGit:
    """Git, and the repository it is shown.

    Args:
        repository: Which.
        place: The directory git takes for its own, made for this call.
        run: Runs it; ``index`` is a file to use for the index, ``most`` the bytes it may write, more is an error.
    """

    repository: Repository
    place: Path
    run: Run

    async def __call__(self, *arguments: str, stdin: str = "", index: Path | None = None) -> str:
        """Run it; of what it writes, the middle may be cut."""
        return await self.run(*arguments, stdin=stdin, index=index)

    async def whole(self, *arguments: str, stdin: str = "", index: Path | None = None) -> str:
        """Run it; what it writes comes whole."""
        return await self.run(*arguments, stdin=stdin, index=index, most=4_000_000)


async def commit_files(git: SeenGit, message: str, paths: list[str]) -> None:
    """Commit the changes of some files and directories, whatever else is staged.

    Raises:
        ToolError: A merge or the like is under way, no branch is checked out, nothing has changed, or a file goes
            through a filter (such as Git LFS), which only a person's own git runs.
    """
    if git.repository.under_way:
        raise ToolError(f"{git.repository.under_way} is under way in this repository; a person has to end it first")
    branch = (git.place / "HEAD").read_text(encoding="utf-8").strip()
    if not branch.startswith("ref: "):
        raise ToolError("no branch is checked out, so a commit would belong to none; check out a branch first")
    branch = branch.removeprefix("ref: ")
    files = await _changed(git, paths)
    if not files:
        raise ToolError(f"nothing to commit in {', '.join(paths)}: there are no changes, or git ignores them")
    await _check_filters(git, files)
    parent = (await git.whole("for-each-ref", "--format=%(objectname)", branch)).strip()
    index, listed = git.place / "index-of-commit", _ended(files)
    if parent:
        await git("read-tree", parent, index=index)
    await git("update-index", "--add", "--remove", "--replace", "-z", "--stdin", stdin=listed, index=index)
    tree = (await git.whole("write-tree", index=index)).strip()
    if parent and tree == (await git.whole("rev-parse", f"{parent}^{{tree}}")).strip():
        raise ToolError(f"nothing to commit in {', '.join(paths)}: the files are as they were committed last")
    text = message.strip() + "\n"
    made = (await git.whole("commit-tree", tree, *(["-p", parent] if parent else []), "-F", "-", stdin=text)).strip()
    first_line = text.partition("\n")[0]
    # Its parent is named, so that what somebody else committed meanwhile is not lost.
    await git("update-ref", "-m", f"commit: {first_line}", "HEAD", made, parent or "0" * len(made))
    await git("update-index", "--add", "--remove", "--replace", "-z", "--stdin", stdin=listed)


async def _changed(git: SeenGit, paths: list[str]) -> list[str]:
    """The files below some paths that are new, changed or gone, staged or not; submodules are no files."""
    tracked: set[str] = set()
    submodules: set[str] = set()
    for entry in _entries(await git.whole("ls-files", "-z", "--stage", "--", *paths)):
        kept, _, name = entry.partition("\t")
        (submodules if kept.startswith(_SUBMODULE) else tracked).add(name)
    new = _entries(await git.whole("ls-files", "-z", "--others", "--exclude-standard", "--", *paths))
    found = {name for name in new if not name.endswith("/")}  # with a slash: a repository inside of this one
    found |= set(_entries(await git.whole("ls-files", "-z", "--modified", "--deleted", "--", *paths)))
    try:
        head = (await git.whole("rev-parse", "--verify", "--quiet", "HEAD^{tree}")).strip()
    except ToolError:
        found |= tracked  # no commit yet
    else:
        options = ("--cached", "--name-only", "--no-renames", "--relative", "--ignore-submodules=all", "-z")
        found |= set(_entries(await git.whole("diff-index", *options, head, "--", *paths)))
    return sorted(found - submodules)


async def _check_filters(git: SeenGit, files: list[str]) -> None:
    told = _entries(await git.whole("check-attr", "-z", "--stdin", "filter", stdin=_ended(files)))
    for name, value in zip(told[::3], told[2::3], strict=True):
        if value not in {"unspecified", "unset", ""}:
            raise ToolError(
                f"{name!r} goes through the filter {value!r} (see .gitattributes), a program that git.commit does not "
                "run; a person has to commit it"
            )


def _entries(text: str) -> list[str]:
    return [entry for entry in text.split("\0") if entry]


def _ended(names: Iterable[str]) -> str:
    return "".join(f"{name}\0" for name in names)
