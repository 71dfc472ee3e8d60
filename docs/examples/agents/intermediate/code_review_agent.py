"""A review of an uncommitted change in a Git repository: the diff is read by a tool, each finding names its line.

Three things make a review usable by a program: the agent sees the change itself (`git_diff`, which runs nothing that
a repository configures), checks that need no opinion are a tool (`check_python`), and the answer is a type with a
verdict that a CI job can act on. The model is a few rules in a function, so that this runs anywhere; name a model in
`Agent(model=...)` and it reads the same diff with the same tools.

Needs: victor-core, victor-tools, git
Run: python docs/examples/agents/intermediate/code_review_agent.py
Prints:
    verdict: request changes
      shop.py:1: total shares one mutable default among all calls
      shop.py:5: a bare except also catches KeyboardInterrupt; name the exception
    tools used: git_diff, check_python
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Literal

from attrs import frozen

from victor.core import Agent, Message, ModelRequest
from victor.core.testing import FunctionModel, call
from victor.tools import tools_of
from victor.tools.programs.git import Git

BEFORE = '''def total(prices):
    """Sum of all prices."""
    return sum(prices)
'''
AFTER = '''def total(prices, seen=[]):
    """Sum of all prices."""
    try:
        seen.extend(prices)
    except:
        pass
    return sum(seen)
'''


@frozen
class Finding:
    """One thing to mend."""

    line: int
    problem: str


@frozen
class Review:
    """What the reviewer says."""

    verdict: Literal["approve", "request changes"]
    findings: list[Finding]


def check_python(path: str) -> list[Finding]:
    """Check a Python file for mistakes that need no opinion.

    Args:
        path: The file, relative to the repository.
    """
    found = []
    for node in ast.walk(ast.parse((REPOSITORY / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            found.append(Finding(node.lineno, "a bare except also catches KeyboardInterrupt; name the exception"))
        if isinstance(node, ast.FunctionDef):
            for default in node.args.defaults:
                if isinstance(default, (ast.List, ast.Dict, ast.Set)):
                    found.append(Finding(default.lineno, f"{node.name} shares one mutable default among all calls"))
    return sorted(found, key=lambda finding: finding.line)


def rules(request: ModelRequest) -> Any:
    """The reviewer without a language model: look at the diff, check each file in it, say what was found."""
    results = [message for message in request.messages if message.role == "tool"]
    if not results:
        return call("git_diff")
    if len(results) == 1:
        return [
            call("check_python", path=path) for path in re.findall(r"^\+\+\+ b/(.+\.py)$", results[0].content, re.M)
        ]
    return verdict(results[1:])


def verdict(checks: list[Message]) -> dict[str, object]:
    """The review as the output type wants it."""
    findings = [finding for check in checks for finding in json.loads(check.content)]
    return {"verdict": "request changes" if findings else "approve", "findings": findings}


def repository_with_a_change() -> Path:
    """A repository with one commit, and one file changed since."""
    folder = Path(tempfile.mkdtemp(prefix="victor-review-"))
    file = folder / "shop.py"
    file.write_text(BEFORE, encoding="utf-8")
    as_ada = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for command in (["init", "-q"], ["add", "."], [*as_ada, "commit", "-q", "-m", "Add total"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    file.write_text(AFTER, encoding="utf-8")
    return folder


REPOSITORY = repository_with_a_change()

if __name__ == "__main__":
    reviewer = Agent(
        "You review changes of Python code. Say what is wrong and in which line.",
        tools=[*tools_of(Git(REPOSITORY), prefix="git_"), check_python],
        model=FunctionModel(rules),
        output_type=Review,
    )
    result = reviewer.run_sync("Review what is not committed yet.")
    print("verdict:", result.output.verdict)
    for finding in result.output.findings:
        print(f"  shop.py:{finding.line}: {finding.problem}")
    print("tools used:", ", ".join(message.name or "" for message in result.messages if message.role == "tool"))
