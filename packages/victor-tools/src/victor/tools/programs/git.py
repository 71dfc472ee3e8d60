"""The tools for Git repositories."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Final

import msgspec
from attrs import frozen

from victor.core.errors import ToolError
from victor.core.tool import ToolCategory
from victor.tools.decorator import tool
from victor.tools.files.root import Root
from victor.tools.programs.commit import SeenGit, commit_files
from victor.tools.programs.process import Finished, clean_environment, run_program
from victor.tools.programs.repository import find_repository
from victor.tools.toolkit import Toolkit

__all__ = ["Git"]

_REVISION: Final = re.compile(r"[A-Za-z0-9_@][A-Za-z0-9_./@^~{}+-]{0,200}")
_Count = Annotated[int, msgspec.Meta(ge=1, le=1000)]
_Line = Annotated[int, msgspec.Meta(ge=1)]


@frozen
class Git(Toolkit):
    """The Git repository around one directory. Nothing that it configures is run, and nothing the user configures: no
    filters, no monitors, no hooks, no pagers, no differs, no signers, no network (`victor.tools.programs.repository`).
    Symbolic links must be possible for that; on Windows they need its developer mode.

    Args:
        root: The directory; None for the working directory. Only what is below it is shown.
        max_output: Most bytes one call returns.
        timeout_s: Most seconds one call takes.
    """

    section: ClassVar[str] = "git"

    root: Path | None = None
    max_output: int = 50_000
    timeout_s: float = 30.0

    @tool(
        category=ToolCategory.GIT,
        idempotent=True,
        keywords=["changes", "changed", "modified", "uncommitted", "branch", "staged", "dirty"],
    )
    async def status(self) -> str:
        """Show the branch and which files are changed, staged or new."""
        return await self._git(
            "status", "--short", "--branch", "--untracked-files=normal", "--ignore-submodules=all", "--", "."
        )

    @tool(
        category=ToolCategory.GIT,
        idempotent=True,
        keywords=["changes", "compare", "patch", "what changed", "difference", "modified", "between"],
    )
    async def diff(
        self, revision: str | None = None, paths: Sequence[str] = (), staged: bool = False, stat: bool = False
    ) -> str:
        """Show changes as a patch: those not committed yet, or those since or between revisions.

        Args:
            revision: Such as HEAD~1, main or v1.0..v1.1; without it, what is not committed.
            paths: Only these files or directories.
            staged: What is staged for the next commit.
            stat: Only how much changed in which file.
        """
        arguments = ["diff", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all"]
        arguments += ["--cached"] * staged + ["--stat"] * stat + ([_range(revision)] if revision else [])
        return await self._git(*arguments, "--", *self._paths(paths)) or "no changes"

    @tool(
        category=ToolCategory.GIT,
        idempotent=True,
        keywords=["history", "commits", "who", "when", "recent", "author", "last", "changelog"],
    )
    async def log(
        self,
        limit: _Count = 20,
        revision: str = "HEAD",
        paths: Sequence[str] = (),
        since: str | None = None,
        author: str | None = None,
        search: str | None = None,
    ) -> str:
        """List commits: short hash, date, author and subject.

        Args:
            limit: Most commits.
            revision: Where to begin, or a range such as main..feature.
            paths: Only commits that touch these.
            since: Only commits after this date, such as 2026-01-31 or "2 weeks ago".
            author: Only commits whose author contains this text.
            search: Only commits whose message contains this text.
        """
        arguments = ["log", f"--max-count={limit}", "--date=short", "--format=%h %ad %an: %s", "--fixed-strings"]
        arguments += [f"--since={since}"] if since else []
        arguments += [f"--author={author}"] if author else []
        arguments += [f"--grep={search}"] if search else []
        return await self._git(*arguments, _range(revision), "--", *self._paths(paths)) or "no commits"

    @tool(
        category=ToolCategory.GIT,
        idempotent=True,
        keywords=["commit", "details", "patch", "old version", "revision", "at"],
    )
    async def show(self, revision: str = "HEAD", path: str | None = None) -> str:
        """Show a commit with its changes, or a file as it was in a commit.

        Args:
            revision: Which commit.
            path: Show this file as it was then, instead of the changes.
        """
        if path is not None:
            relative = self._relative(path)
            return await self._git(
                "show", "--no-ext-diff", "--no-textconv", "--end-of-options", f"{_revision(revision)}:./{relative}"
            )
        return await self._git(
            "show",
            "--no-ext-diff",
            "--no-textconv",
            "--stat",
            "--patch",
            "--end-of-options",
            _revision(revision),
            "--",
            ".",
        )

    @tool(
        category=ToolCategory.GIT,
        idempotent=True,
        keywords=["who", "wrote", "author", "line", "annotate", "when", "responsible", "introduced"],
    )
    async def blame(self, path: str, start_line: _Line = 1, lines: _Count = 100, revision: str = "HEAD") -> str:
        """Show for each line of a file which commit and author it comes from.

        Args:
            path: The file.
            start_line: First line, counted from 1.
            lines: How many lines.
            revision: As of this commit.
        """
        return await self._git(
            "blame",
            "--no-textconv",
            "--date=short",
            f"-L{start_line},+{lines}",
            _revision(revision),
            "--",
            self._relative(path),
        )

    @tool(
        category=ToolCategory.GIT,
        requires_approval=True,
        sequential=True,
        keywords=["save", "record", "checkin", "check in", "message", "stage", "add"],
    )
    async def commit(self, message: str, paths: list[str]) -> str:
        """Commit the changes of the files that are named. Hooks do not run. Somebody has to allow each call.

        Args:
            message: What was changed and why.
            paths: Files and directories to commit; new ones are added.
        """
        if not message.strip():
            raise ToolError("the message is empty", retry=True)
        if not paths:
            raise ToolError("name the files to commit; ['.'] commits all of them", retry=True)
        chosen = self._paths(paths)
        async with self._seen() as git:
            await commit_files(git, message, chosen)
            done = await git("log", "--max-count=1", "--date=short", "--stat", "--format=%h %ad %an: %s")
        return done.rstrip("\n")

    def _relative(self, path: str) -> str:
        return Root(self.root).relative(path).as_posix()

    def _paths(self, paths: Sequence[str]) -> list[str]:
        return [self._relative(path) for path in paths] or ["."]

    async def _git(self, *arguments: str) -> str:
        async with self._seen() as git:
            return (await git(*arguments)).rstrip("\n")

    @contextlib.asynccontextmanager
    async def _seen(self) -> AsyncIterator[SeenGit]:
        """Git with the repository as it may see it."""
        folder = Root(self.root).folder

        async def find(place: Path, more: Mapping[str, str], arguments: list[str]) -> str:
            named = {name: os.environ[name] for name in _SETTINGS if name in os.environ}
            done = await self._run(place, {**named, **more}, arguments, most_bytes=1_000_000)
            return done.stdout.text

        repository = await find_repository(folder, find)
        with repository.shown() as environment:

            async def run(*arguments: str, stdin: str = "", index: Path | None = None, most: int | None = None) -> str:
                more = environment if index is None else {**environment, "GIT_INDEX_FILE": str(index)}
                done = await self._run(folder, more, [*arguments], stdin=stdin, most_bytes=most or self.max_output)
                if most is not None and done.stdout.dropped:
                    raise ToolError(f"git {arguments[0]} tells more than {most:,} bytes; name fewer files", retry=True)
                return done.stdout.text

            yield SeenGit(repository, Path(environment["GIT_DIR"]), run)

    async def _run(
        self, folder: Path, more: Mapping[str, str], arguments: list[str], *, stdin: str = "", most_bytes: int
    ) -> Finished:
        environment = clean_environment(
            more={
                "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_LITERAL_PATHSPECS": "1", "GIT_PAGER": "cat",
                "GIT_EDITOR": "true", "LC_ALL": "C.UTF-8",
                **{name: os.environ[name] for name in _IDENTITY if name in os.environ}, **more,
            }
        )  # fmt: skip
        done = await run_program(
            ["git", "--no-pager", *arguments],
            folder=folder,
            environment=environment,
            stdin=stdin.encode(),
            timeout_s=self.timeout_s,
            most_bytes=most_bytes,
        )
        if done.code != 0:
            reason = done.stderr.text.strip() or done.stdout.text.strip() or f"exit code {done.code}"
            raise ToolError(f"git {arguments[0]}: {reason[:1000]}", retry=True)
        return done


_IDENTITY: Final = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
_SETTINGS: Final = ("GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME")


def _revision(text: str) -> str:
    """One revision; nothing that git could read as an option, a range or a path."""
    if not _REVISION.fullmatch(text) or ".." in text:
        raise ToolError(f"{text[:100]!r} is no revision; give a branch, a tag, a hash, HEAD or HEAD~1", retry=True)
    return text


def _range(text: str) -> str:
    if not text.strip("."):
        return _revision(text)
    first, dots, last = text.partition("...") if "..." in text else text.partition("..")
    return dots.join(_revision(part) if part else "" for part in ((first, last) if dots else (first,)))
