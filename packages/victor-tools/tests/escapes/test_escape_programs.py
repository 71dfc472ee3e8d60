"""Attempts to get more out of programs, git and the Python sandbox than they are there for."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from victor.core.tool import ToolScope
from victor.tools.programs import bubblewrap
from victor.tools.programs.git import Git
from victor.tools.programs.process import clean_environment
from victor.tools.programs.python import Python
from victor.tools.programs.shell import Shell

# --- shell ---


def shell(root: Path, **options: Any) -> Any:
    return Shell(root, **{"sandbox": "never", **options}).tools()[0]


def test_nothing_runs_without_approval(guarded: Path) -> None:
    result = asyncio.run(shell(guarded).call({"command": ["touch", "x"]}))
    assert "needs approval" in result.text
    denied = asyncio.run(
        shell(guarded).call({"command": ["touch", "x"]}, scope=ToolScope(approve=lambda context: False))
    )
    assert "not approved" in denied.text
    assert not (guarded / "x").exists()


@pytest.mark.parametrize(
    "argument",
    [
        "; touch owned",
        "&& touch owned",
        "| touch owned",
        "$(touch owned)",
        "`touch owned`",
        "> owned",
        "\n touch owned",
        "${IFS}",
        "*",
    ],
)
def test_no_shell_reads_the_arguments(guarded: Path, call: Any, argument: str) -> None:
    result = call(shell(guarded), command=["echo", argument])
    assert result.value["stdout"] == argument + "\n"
    assert list(guarded.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "folder"),
    [([], "."), ([""], "."), (["no-such-program-here"], "."), (["echo", "a\0b"], "."), (["ls"], "../outside"), (["ls"], "/etc"), (["ls"], "nowhere"), (["./inside.txt"], ".")],
)  # fmt: skip
def test_commands_that_are_refused(guarded: Path, refused: Any, command: list[str], folder: str) -> None:
    (guarded / "inside.txt").write_text("not a program")
    refused(shell(guarded), command=command, folder=folder)


def test_only_programs_that_are_allowed(guarded: Path, refused: Any, call: Any) -> None:
    made = shell(guarded, allow=("echo",))
    assert call(made, command=["echo", "hi"]).ok
    for other in (["ls"], ["/bin/echo", "hi"], ["sh", "-c", "echo"], ["echo ; ls"]):
        refused(made, command=other)


def test_keys_do_not_reach_programs(guarded: Path, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "OPENAI_API_KEY",
        "DB_PASSWORD",
        "AWS_SECRET_ACCESS_KEY",
        "SSH_AUTH_SOCK",
        "LD_PRELOAD",
        "PYTHONPATH",
        "BASH_ENV",
    ):
        monkeypatch.setenv(name, "hunter2-not-a-library")
    shown = call(shell(guarded), command=[sys.executable, "-c", "import os; print(dict(os.environ))"]).value["stdout"]
    assert "hunter2" not in shown and "PATH" in shown
    assert clean_environment(["MINE"], {"EXTRA": "1"})["EXTRA"] == "1"


def test_a_program_that_hangs_is_killed_with_its_children(guarded: Path, refused: Any) -> None:
    code = "sleep 600 & echo $! > pid; echo up; sleep 600"  # a shell, which has begun long before its time is over
    began = time.monotonic()
    result = refused(shell(guarded, timeout_s=1.5), command=["sh", "-c", code])
    assert time.monotonic() - began < 300
    assert "did not end within 1.5 s and was killed; it had written: up" in result.text
    pid = int((guarded / "pid").read_text())
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and _alive(pid):
        time.sleep(0.01)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_a_cancelled_call_leaves_no_program(guarded: Path) -> None:
    code = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(600)"
    made = shell(guarded)
    task = asyncio.create_task(
        made.call({"command": [sys.executable, "-c", code]}, scope=ToolScope(approve=lambda context: True))
    )
    while not (guarded / "pid").exists() or not (guarded / "pid").read_text():
        await asyncio.sleep(0.01)
    pid = int((guarded / "pid").read_text())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not _alive(pid)


def test_huge_output_is_cut_and_the_program_still_ends(guarded: Path, call: Any) -> None:
    made = shell(guarded, max_output=3_000)
    value = call(made, command=[sys.executable, "-c", "print('a' * 5_000_000 + 'END')"]).value
    assert (
        len(value["stdout"]) < 3_200
        and value["stdout"].endswith("END\n")
        and "bytes were dropped here" in value["stdout"]
    )
    assert value["exit_code"] == 0


def test_stdin_reaches_the_program_and_exit_codes_are_told(guarded: Path, call: Any) -> None:
    value = call(
        shell(guarded),
        command=[sys.executable, "-c", "import sys; sys.stderr.write(input()); sys.exit(3)"],
        stdin="hello\n",
    ).value
    assert value == {"exit_code": 3, "stdout": "", "stderr": "hello", "sandboxed": False}
    assert call(shell(guarded), command=["true"], stdin="x" * 1_000_000).value["exit_code"] == 0


needs_bubblewrap = pytest.mark.skipif(
    not bubblewrap.works(), reason="bubblewrap is missing or not allowed: apt-get install bubblewrap"
)


@needs_bubblewrap
@pytest.mark.parametrize(
    "command",
    [
        ["cat", "{outside}/secret.txt"], ["ls", "{outside}"], ["touch", "{outside}/owned"], ["touch", "/etc/owned"], ["touch", "/usr/owned"],
        ["sh", "-c", "echo x > {outside}/owned"], ["ln", "{outside}/secret.txt", "hard"], ["mount", "-t", "tmpfs", "x", "/mnt"],
        ["sh", "-c", "kill -9 {pid}"], ["cat", "/proc/{pid}/environ"], ["python3", "-c", "import socket; socket.create_connection(('127.0.0.1', {port}), 2)"],
        ["sh", "-c", "cat ../outside/secret.txt"], ["find", "{outside}", "-name", "secret*"], ["cat", "{home}/.bashrc"],
    ],
    ids=lambda c: " ".join(c)[:50],
)  # fmt: skip
def test_the_sandbox_shows_and_changes_nothing_outside(guarded: Path, call: Any, command: list[str]) -> None:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        places = {
            "outside": guarded.parent / "outside",
            "pid": os.getpid(),
            "port": listener.getsockname()[1],
            "home": Path.home(),
        }
        result = call(shell(guarded, sandbox="always"), command=[part.format(**places) for part in command])
    assert result.ok and result.value["sandboxed"]
    assert result.value["exit_code"] != 0
    assert "SECRET-OUTSIDE" not in result.text
    assert not (guarded / "hard").exists()


@needs_bubblewrap
def test_inside_the_sandbox_work_can_be_done(guarded: Path, call: Any) -> None:
    result = call(shell(guarded, sandbox="always"), command=["sh", "-c", "echo done > made.txt && cat made.txt"])
    assert result.value["stdout"] == "done\n" and (guarded / "made.txt").read_text() == "done\n"


def test_insisting_on_a_sandbox_where_there_is_none(
    guarded: Path, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bubblewrap, "works", lambda: False)
    refused(shell(guarded, sandbox="always"), command=["echo"])


# --- git ---


@pytest.fixture
def repository(guarded: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in {"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "a@x.org", "GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "a@x.org", "GIT_CONFIG_GLOBAL": "/dev/null"}.items():  # fmt: skip
        monkeypatch.setenv(name, value)

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=guarded, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    (guarded / "a.txt").write_text("one\n")
    git("add", "a.txt")
    git("commit", "-q", "-m", "First")
    (guarded / "a.txt").write_text("one\ntwo\n")
    return guarded


def git(root: Path) -> dict[str, Any]:
    return {t.name.removeprefix("git_"): t for t in Git(root).tools()}


REVISIONS = ["--output=owned", "-h", "--upload-pack=touch owned", "HEAD; touch owned", "$(touch owned)", "HEAD:../outside/secret.txt", ":/First", "HEAD\nmain", "--exec=touch owned", "..", "a..b..c", "@{upstream}x y", "nowhere", "-", "--", "", "HEAD:a.txt", "\0"]  # fmt: skip


@pytest.mark.parametrize("revision", REVISIONS, ids=repr)
@pytest.mark.parametrize("name", ["log", "show", "diff", "blame"])
def test_revisions_that_are_options_or_worse(repository: Path, refused: Any, name: str, revision: str) -> None:
    if name == "diff" and revision == "":
        return  # the same as none
    more = {"path": "a.txt"} if name == "blame" else {}
    refused(git(repository)[name], revision=revision, **more)
    assert {p.name for p in repository.iterdir()} == {".git", "a.txt"}


@pytest.mark.parametrize(
    "path", ["../outside/secret.txt", "/etc/passwd", "--output=owned", "../../x", "", ":(exclude)a.txt/x"]
)
@pytest.mark.parametrize("name", ["blame", "show"])
def test_paths_that_lead_out(repository: Path, refused: Any, name: str, path: str) -> None:
    refused(git(repository)[name], path=path)


@pytest.mark.parametrize(
    "option",
    [
        {"since": "--exec=x"},
        {"author": "--output=owned"},
        {"search": "--format=%x"},
        {"author": "(((("},
        {"search": "\\"},
    ],
)
def test_filters_are_values_and_nothing_else(repository: Path, call: Any, option: dict[str, str]) -> None:
    assert call(git(repository)["log"], **option).ok
    assert not (repository / "owned").exists()


def test_what_a_repository_configures_does_not_run(repository: Path, call: Any) -> None:
    trap = f"touch {repository / 'owned'}"
    hook = repository / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{trap}\n")
    hook.chmod(0o755)
    for key in (
        "core.pager",
        "core.fsmonitor",
        "core.editor",
        "diff.external",
        "gpg.program",
        "core.sshCommand",
        "diff.x.textconv",
        "diff.x.command",
        "core.askPass",
    ):
        subprocess.run(["git", "config", key, trap], cwd=repository, check=True)
    subprocess.run(["git", "config", "log.showSignature", "true"], cwd=repository, check=True)
    subprocess.run(["git", "config", "commit.gpgSign", "true"], cwd=repository, check=True)
    (repository / ".gitattributes").write_text("*.txt diff=x\n")
    tools = git(repository)
    assert "a.txt" in call(tools["status"]).text
    assert "+two" in call(tools["diff"]).text
    assert "First" in call(tools["log"]).text
    assert "+one" in call(tools["show"]).text
    assert call(tools["show"], path="a.txt").text == "one"
    assert "Ann" in call(tools["blame"], path="a.txt").text
    assert "Second" in call(tools["commit"], message="Second\n\n--amend", paths=["a.txt"]).text
    assert not (repository / "owned").exists()


def test_committing_asks_and_needs_a_message_and_paths(repository: Path, refused: Any) -> None:
    commit = git(repository)["commit"]
    assert "needs approval" in asyncio.run(commit.call({"message": "x", "paths": ["."]})).text
    refused(commit, message="  ", paths=["."])
    refused(commit, message="x", paths=[])
    refused(commit, message="x", paths=["../outside/secret.txt"])


def test_outside_of_a_repository(guarded: Path, refused: Any) -> None:
    refused(git(guarded)["status"])


# --- python ---

PYTHON = [
    "import os\nos.system('touch owned')",
    "import subprocess\nsubprocess.run(['ls'])",
    "import socket",
    "import ctypes",
    "import sys\nsys.modules['os'].system('ls')",
    "open('/etc/passwd').read()",
    "open('owned', 'w').write('x')",
    "from pathlib import Path\nPath('/etc/passwd').read_text()",
    "__import__('os').system('ls')",
    "().__class__.__bases__[0].__subclasses__()",
    "(lambda: 0).__globals__['__builtins__']",
    "compile('1', 'x', 'eval')",
    "[c for c in ().__class__.__base__.__subclasses__() if 'Popen' in str(c)][0](['ls'])",
    "while True: pass",
    "x = []\nwhile True: x.append('a' * 1000000)",
    "'a' * 10**10",
    "10 ** 10 ** 10",
    "def f(): return f()\nf()",
    "sum(range(10**12))",
    "[0] * 10**10",
    "import urllib.request\nurllib.request.urlopen('http://127.0.0.1')",
    "import asyncio\nasyncio.run(asyncio.create_subprocess_exec('ls'))",
    "import os\nos.environ['PATH']",
    "import os\nos.listdir('/')",
    "while True: print('x' * 1000)",
    "raise SystemExit(0)",
    "this is not python",
    "import nothing_there",
    "import re\nre.match(r'(a+)+$', 'a' * 40 + 'b')\nwhile True: pass",
]


@pytest.mark.slow
@pytest.mark.parametrize("code", PYTHON, ids=lambda c: c.replace("\n", " ")[:50])
def test_python(guarded: Path, refused: Any, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pydantic_monty", reason="pip install 'victor-tools[sandbox]'")
    monkeypatch.chdir(guarded)
    made = Python(timeout_s=1.0, max_memory=30_000_000, max_output=2_000).tools()[0]
    began = time.monotonic()
    refused(made, code=code)
    assert time.monotonic() - began < 60
    assert list(guarded.iterdir()) == []


def test_python_computes(call: Any) -> None:
    pytest.importorskip("pydantic_monty", reason="pip install 'victor-tools[sandbox]'")
    made = Python().tools()[0]
    assert call(made, code="print('hi')\nsum(x)", inputs={"x": [1, 2, 3]}).text == "hi\n6"
    assert call(made, code="x = 1").text == "done; it printed nothing and has no value"
    assert "is no name" in call(made, code="1", inputs={"a b": 1}).text


@pytest.mark.parametrize("sandbox", ["never", "auto"])
def test_a_program_that_never_stops_writing_is_stopped_in_time(guarded: Path, refused: Any, sandbox: str) -> None:
    made = shell(guarded, timeout_s=0.5, sandbox=sandbox)
    began = time.monotonic()
    text = refused(made, command=["yes"]).text
    assert text.startswith("'yes' did not end within 0.5 s and was killed; it had written: ") and text.endswith("y\ny")
    assert time.monotonic() - began < 60


def test_cancelling_a_program_that_writes_leaves_no_complaint(guarded: Path) -> None:
    """In a process of its own: what asyncio complains of comes when the loop and the objects go."""
    code = """
import asyncio, sys
from pathlib import Path
from victor.core.tool import ToolScope
from victor.tools.programs.shell import Shell

async def main():
    made = Shell(Path(sys.argv[1]), sandbox="never").tools()[0]
    for _ in range(5):
        call = asyncio.create_task(made.call({"command": ["yes"]}, scope=ToolScope(approve=lambda context: True)))
        await asyncio.sleep(0.2)
        call.cancel()
        await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", code, str(guarded)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
