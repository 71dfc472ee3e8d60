"""Release notes out of the commits of a Git repository, sorted by an agent, with nothing left out and nothing made up.

The work is split where a program is better than a model: the commits are read by the git tools (which run nothing
that a repository configures), each subject is sorted by a model into one of four kinds, and the notes are put
together by code, so that every commit stands in them exactly once. A model that writes the whole text may drop lines;
one that chooses labels cannot.

Needs: victor-core, victor-tools, git
Run: python docs/examples/integrations/git_release_notes.py
Prints:
    New:
    - Add export as CSV
    - Support PostgreSQL 17
    Fixed:
    - Fix a crash when the file is empty
    - Fix wrong totals in reports
    Documentation:
    - Readme: how to install
    Other:
    - Bump version
    all commits are in the notes: True
"""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from pathlib import Path
from typing import Literal

from victor.core import Agent, Tool
from victor.tools import tools_of
from victor.tools.programs.git import Git

Kind = Literal["added", "fixed", "docs", "other"]
TITLES = {"added": "New", "fixed": "Fixed", "docs": "Documentation", "other": "Other"}
INSTRUCTIONS = """Sort the subject of a commit:
- added: a new feature, add, support, introduce
- fixed: fix a bug, crash, error, wrong, leak
- docs: documentation, readme, guide, typo
- other: anything else
"""
COMMITS = [
    "Begin",
    "Add export as CSV",
    "Fix a crash when the file is empty",
    "Readme: how to install",
    "Support PostgreSQL 17",
    "Fix wrong totals in reports",
    "Bump version",
]


def repository() -> Path:
    """A repository with these commits, and a tag after the first."""
    folder = Path(tempfile.mkdtemp(prefix="victor-notes-"))

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        subprocess.run(["git", *who, *arguments], cwd=folder, check=True)

    git("init", "-q")
    for number, subject in enumerate(COMMITS):
        (folder / "work.txt").write_text(subject, encoding="utf-8")
        git("add", ".")
        git("commit", "-q", "-m", subject)
        if number == 0:
            git("tag", "v1.0")
    return folder


async def subjects(log: Tool) -> list[str]:
    """Subjects of the commits since the last release, the oldest first."""
    result = await log.call({"revision": "v1.0..HEAD", "limit": 500})
    if result.error is not None:
        raise result.error
    return [line.partition(": ")[2] for line in reversed(result.text.splitlines())]


async def main() -> None:
    log = next(made for made in tools_of(Git(repository())) if made.name == "log")
    found = await subjects(log)
    sorter: Agent[Kind] = Agent(INSTRUCTIONS, name="sorter", output_type=Kind)
    results = await asyncio.gather(*(sorter.run(subject) for subject in found))
    by_kind: dict[str, list[str]] = {kind: [] for kind in TITLES}
    for subject, result in zip(found, results, strict=True):
        by_kind[result.output].append(subject)
    for kind, title in TITLES.items():
        if by_kind[kind]:
            print(f"{title}:", *by_kind[kind], sep="\n- ")
    print("all commits are in the notes:", sum(map(len, by_kind.values())) == len(COMMITS) - 1)


if __name__ == "__main__":
    asyncio.run(main())
