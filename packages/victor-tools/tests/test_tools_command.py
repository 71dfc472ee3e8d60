"""victor tools, as a person types it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from victor.core.cli import main


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "README.md").write_text("# Hello\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["tools", *arguments])
    out = capsys.readouterr()
    return code, out.out, out.err


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys)
    assert code == 0 and "files.read" in out and "Read a text file" in out
    code, out, _ = run(capsys, "list", "--category", "math", "--tier", "free", "--json")
    assert [each["name"] for each in json.loads(out)] == ["math.evaluate", "math.statistics"]
    code, out, _ = run(capsys, "list", "--preset", "minimal", "--source", "tools")
    assert code == 0 and "math.evaluate" in out and "shell.run" not in out
    code, _, err = run(capsys, "list", "--tier", "cheap")
    assert code == 1 and "it is one of free, low, medium, high" in err
    code, _, err = run(capsys, "list", "--category", "filesystm")
    assert code == 1 and "no tool has the category 'filesystm'; did you mean 'filesystem'?" in err
    code, _, err = run(capsys, "list", "--source", "zzz", "--json")
    assert code == 1 and "no tool has the source 'zzz'; there are: tools" in " ".join(err.split())
    code, out, err = run(capsys, "list", "--category", "docker")  # described, and nobody's
    assert (code, out) == (0, "") and "no tool fits" in err


def test_show(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "show", "http.json")
    assert (
        code == 0
        and "models call it http_json" in out
        and "sometimes" in out
        and "GET | POST | PUT | PATCH | DELETE" in out
    )
    code, out, _ = run(capsys, "show", "git.status")
    assert "takes no parameters" in out
    code, out, _ = run(capsys, "show", "files.read", "--json")
    assert json.loads(out)["parameters"]["required"] == ["path"]
    code, _, err = run(capsys, "show", "files.reed")
    assert code == 1 and "did you mean" in err


def test_search(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "search", "how", "big", "is", "this", "folder", "-n", "2", "--json")
    assert code == 0 and {each["name"] for each in json.loads(out)} <= {"files.list", "files.tree"}
    code, _, err = run(capsys, "search", "zzzz")
    assert code == 1 and "no tool fits 'zzzz'" in err


def test_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "run", "files.read", "path=README.md")[:2] == (0, "# Hello\n\n")
    assert run(capsys, "run", "math.statistics", "numbers:=[1, 3]", "--json")[1].count('"mean": 2.0') == 1
    assert run(capsys, "run", "math.evaluate", "--args", '{"expression": "6*7"}')[1] == "42\n"
    code, out, err = run(capsys, "run", "files.read", "pth=x")
    assert (code, out) == (1, "") and "files_read: the arguments do not fit" in err and "did you mean 'path'" in err
    code, _, err = run(capsys, "run", "files.read", "README.md")
    assert code == 1 and "write arguments as name=value" in err
    code, _, err = run(capsys, "run", "files.read", "path:={")
    assert code == 1 and "after := comes JSON" in err
    assert run(capsys, "run", "files.read", "--args", "[]")[0] == 1
    assert run(capsys, "run", "files.read", "--args", "{")[0] == 1


def test_tools_of_ones_own_are_shown_and_called(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend("")  # as the command does, but taken back
    (tmp_path / "own_tools_for_the_command.py").write_text(
        "def shout(text: str) -> str:\n    'Say it loudly.'\n    return text.upper()\n"
    )
    code, out, _ = run(capsys, "show", "./own_tools_for_the_command.py:shout")
    assert code == 0 and "Say it loudly." in out and "text" in out
    code, out, _ = run(capsys, "run", "./own_tools_for_the_command.py:shout", "text=hello")
    assert (code, out) == (0, "HELLO\n")
    code, _, err = run(capsys, "run", "./own_tools_for_the_command.py:shut", "text=hello")
    assert code == 1 and "did you mean 'shout'?" in err


def test_run_asks_for_approval(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "run", "shell.run", 'command=["echo", "hi"]')
    assert code == 1 and "needs approval" in err and "--yes allows the call" in err
    code, out, _ = run(capsys, "run", "shell.run", 'command=["echo", "hi"]', "--yes")
    assert code == 0 and '"stdout":"hi\\n"' in out


def test_bench(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "bench", "math.evaluate", "expression=6*7", "--calls", "20", "--json")
    found = json.loads(out)
    assert code == 0
    assert [each["what"].partition(" among")[0] for each in found] == [
        "no tool: decode and await",
        "call of no_op",
        "call of math_evaluate",
        "search",
    ]
    assert all(each["runs"] == 20 and 0 < each["p50_us"] <= each["p95_us"] for each in found)
    code, out, _ = run(capsys, "bench", "-n", "3")
    assert code == 0 and "call of no_op" in out and "median" in out


def test_bench_calls_nothing_that_changes_things_unless_told_to(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write = ("bench", "shell.run", 'command:=["touch", "made"]', "-n", "2")
    code, _, err = run(capsys, *write)
    assert code == 1 and "--yes makes 3 of them" in err and not (tmp_path / "made").exists()
    assert run(capsys, *write, "--yes")[0] == 0 and (tmp_path / "made").exists()
    code, out, err = run(capsys, "bench", "files.read", "path=absent", "-n", "2")
    assert (code, out) == (1, "") and "call 1 of 3 failed" in err
    code, _, err = run(capsys, "bench", "math.evaluat", "-n", "2")
    assert code == 1 and "did you mean 'math.evaluate'" in err


def test_categories(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "categories", "--json")
    found = json.loads(out)
    assert code == 0
    web = next(each for each in found["categories"] if each["name"] == "web")
    assert web["tools"] == 3 and web["origin"].startswith("tool_categories.yaml:")
    assert "airgapped" in run(capsys, "categories")[1]


def test_serving_where_that_cannot_be(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mcp", reason="pip install 'victor-tools[mcp]'")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, _, err = run(capsys, "serve", "--http", "--port", port, "-t", "math.evaluate")
    told = " ".join(err.split())
    assert code == 1 and f"cannot listen on 127.0.0.1, port {port}: Address already in use" in told, told
    assert run(capsys, "serve", "--http", "--port", "99999")[0] == 2


def victor(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A process of its own, without a terminal."""
    code = "import sys; from victor.core.cli import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", code, "tools", *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False, env={**os.environ, **environment},
    )  # fmt: skip


@pytest.mark.slow
def test_terminals_that_know_few_characters_and_readers_that_leave() -> None:
    plain = victor("show", "files.tree", PYTHONIOENCODING="ascii")
    assert plain.returncode == 0 and plain.stdout.isascii() and b"Traceback" not in plain.stderr
    refused = victor("run", "text.replace", "text=\u00e9", "pattern=x", "replacement=y", PYTHONIOENCODING="ascii")
    assert refused.returncode == 1 and b"its encoding is ascii" in refused.stderr
    asks = victor("run", "shell.run", 'command:=["touch", "made"]')
    assert asks.returncode == 1 and b"--yes allows the call" in asks.stderr and not Path("made").exists()
    code = "import sys; from victor.core.cli import main; sys.exit(main(['tools', 'list', '--json']))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()  # as `| head` does, at once
        assert b"Traceback" not in process.stderr.read()
