"""The tools for Git repositories."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Final

import msgspec
from attrs import frozen

from victor.core.errors import ToolError
from victor.core.tool import ToolCategory
from victor.tools.decorator import tool
from victor.tools.files.root import Root
from victor.tools.programs.process import clean_environment, run_program
from victor.tools.toolkit import Toolkit

__all__ = ["Git"]

_REVISION: Final = re.compile(r"[A-Za-z0-9_@][A-Za-z0-9_./@^~{}+-]{0,200}")
_SAFE: Final = (
    "core.fsmonitor=false", "core.hooksPath=/dev/null", "core.pager=cat", "core.attributesFile=/dev/null",
    "log.showSignature=false", "commit.gpgSign=false", "tag.gpgSign=false", "diff.external=", "protocol.allow=never",
    "submodule.recurse=false", "core.quotePath=false", "color.ui=false",
)  # fmt: skip
_Count = Annotated[int, msgspec.Meta(ge=1, le=1000)]


@frozen
class Git(Toolkit):
    """The Git repository around one directory. Reading never runs what a repository configures: no hooks, no pagers,
    no external differs, no network.

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
    async def blame(self, path: str, start_line: _Count = 1, lines: _Count = 100, revision: str = "HEAD") -> str:
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
        await self._git("add", "--", *chosen)
        await self._git("commit", "--no-verify", "--no-gpg-sign", "--quiet", "--file=-", "--", *chosen, stdin=message)
        return await self._git("log", "--max-count=1", "--date=short", "--stat", "--format=%h %ad %an: %s")

    def _relative(self, path: str) -> str:
        return Root(self.root).relative(path).as_posix()

    def _paths(self, paths: Sequence[str]) -> list[str]:
        return [self._relative(path) for path in paths] or ["."]

    async def _git(self, *arguments: str, stdin: str = "") -> str:
        folder = Root(self.root).folder
        settings = [part for setting in _SAFE for part in ("-c", setting)]
        environment = clean_environment(
            more={
                "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_LITERAL_PATHSPECS": "1", "GIT_PAGER": "cat",
                "GIT_EDITOR": "true", "GIT_ATTR_NOSYSTEM": "1", "GIT_CONFIG_COUNT": "0", "LC_ALL": "C.UTF-8",
                **{name: os.environ[name] for name in _IDENTITY if name in os.environ},
            }
        )  # fmt: skip
        done = await run_program(
            ["git", "--no-pager", *settings, *arguments],
            folder=folder,
            environment=environment,
            stdin=stdin.encode(),
            timeout_s=self.timeout_s,
            most_bytes=self.max_output,
        )
        if done.code != 0:
            reason = done.stderr.text.strip() or done.stdout.text.strip() or f"exit code {done.code}"
            raise ToolError(f"git {arguments[0]}: {reason[:1000]}", retry=True)
        return done.stdout.text.rstrip("\n")


_IDENTITY: Final = (
    "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL",
    "GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME",
)  # fmt: skip


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
