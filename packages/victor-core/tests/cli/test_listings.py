"""``victor plugins``, ``models``, ``tools`` and ``completion``: what is there, as tables and as JSON."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from victor.core.cli.completion import candidates
from victor.core.plugins import HOOKS

PLUGIN = """
from victor.core.hookspecs import hookimpl

@hookimpl
def victor_register_tools(register):
    register("sky.look", "victor_sky:look", help="look up")

@hookimpl
def victor_register_models(register):
    register("sky", "victor_sky:make", help="a model of its own")

@hookimpl
def victor_register_commands(register):
    register("sky", "victor_sky:app", help="about the sky")

def look() -> str:
    "Look up."
    return "blue"

def __getattr__(name):
    if name != "app":
        raise AttributeError(name)
    import typer
    app = typer.Typer()
    below = typer.Typer()
    app.add_typer(below, name="stars")
    @below.command()
    def count(bright: bool = True, most: int = 3): ...
    @app.command(hidden=True)
    def hidden(): ...
    return app
"""


def test_plugins_as_a_table(victor, plugin):
    plugin("sky", PLUGIN)
    plugin("rain", "import nothing_of_this_name")
    done = victor("plugins")
    assert done.code == 0
    header, *rows = done.out.splitlines()
    assert header.split() == ["name", "package", "version", "load", "ms", "contributes"]
    sky = next(row for row in rows if row.startswith("sky "))
    assert sky.split()[1:3] == ["victor-sky", "1.2.3"]
    assert sky.endswith("tools: sky.look; models: sky; commands: sky")
    assert next(row for row in rows if row.startswith("rain ")).endswith("BROKEN, see below")
    assert done.err == "error: plugin 'rain' is broken: ModuleNotFoundError: No module named 'nothing_of_this_name'\n"


def test_plugins_as_json(victor, plugin):
    plugin("sky", PLUGIN)
    plugin("rain", "1/0")
    found = {row["name"]: row for row in json.loads(victor("plugins", "--json").out)}
    assert set(found) == {"core", "rain", "sky"}
    assert list(found["sky"]) == [
        "name",
        "distribution",
        "version",
        "module",
        "hooks",
        "contributions",
        "load_ms",
        "error",
    ]
    assert found["sky"]["contributions"] == {"tools": ["sky.look"], "models": ["sky"], "commands": ["sky"]}
    assert found["sky"]["error"] is None
    assert found["rain"]["error"] == "ZeroDivisionError: division by zero"


def test_hooks_and_who_implements_them(victor, plugin):
    plugin("sky", PLUGIN)
    users = json.loads(victor("plugins", "--hooks", "--json").out)
    assert set(users) == set(HOOKS)
    assert users["victor_register_tools"] == ["sky"]
    rows = victor("plugins", "--hooks").out.splitlines()
    assert next(row for row in rows if "victor_register_models" in row).split(None, 1)[1] == "core, sky"
    assert next(row for row in rows if "victor_register_metrics" in row).endswith(" -")


def test_models_and_what_they_need(victor, plugin, monkeypatch):
    plugin("sky", PLUGIN)
    monkeypatch.setenv("VICTOR_MODEL", "openai:gpt-5-mini")
    done = victor("models")
    assert done.out.startswith("In use: openai:gpt-5-mini (environment VICTOR_MODEL)\n")
    rows = {row.split()[0]: row for row in done.out.splitlines()[3:] if row}
    assert "ready" in rows["offline"]
    assert "set OPENAI_API_KEY" in rows["openai"]
    assert "installed" in rows["sky"]
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    done = victor("models")
    assert "set OPENAI_API_KEY" not in done.out
    assert "sk-secret" not in done.out


def test_models_as_json(victor, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    monkeypatch.setattr("victor.core.cli.models.find_spec", lambda name: None if name == "openai" else object())
    result = json.loads(victor("models", "--json").out)
    assert result["in_use"] == {"model": "offline", "origin": "default"}
    found = {row["name"]: row for row in result["providers"]}
    assert found["offline"]["ready"] is True
    assert (found["anthropic"]["ready"], found["anthropic"]["missing"]) == (True, [])
    assert found["openai"]["missing"] == ["pip install 'victor-core[openai]'", "set OPENAI_API_KEY"]
    assert found["ollama"]["missing"] == ["pip install 'victor-core[openai]'"]
    assert (found["recording"]["ready"], found["recording"]["missing"]) == (None, [])


def test_tools(victor, plugin):
    done = victor("tools")
    assert (done.code, done.out) == (0, "")
    assert "pip install victor-tools" in done.err
    plugin("sky", PLUGIN)
    assert victor("tools").out.splitlines()[1].split() == ["sky.look", "sky", "look", "up"]
    assert json.loads(victor("tools", "--json").out) == [{"name": "sky.look", "plugin": "sky", "help": "look up"}]


def test_a_plugin_can_put_a_richer_command_in_the_place_of_cores(victor, plugin):
    plugin(
        "better",
        "from victor.core.hookspecs import hookimpl\n"
        "@hookimpl\n"
        "def victor_register_commands(register):\n"
        "    register('tools', 'victor_better:tools', help='all about tools', replace=True)\n"
        "def tools():\n    print('richer')\n",
    )
    assert victor("tools").out == "richer\n"
    assert "Commands of victor-better:\n  tools " in victor("--help").out


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["ru"], ["run"]),
        (["--v"], ["--version", "--verbose"]),
        (["sk"], ["sky"]),
        (["sky", ""], ["stars"]),
        (["sky", "stars", "c"], ["count"]),
        (["sky", "stars", "count", "--"], ["--bright", "--help", "--most", "--no-bright"]),
        (["--debug", "sky", "st"], ["stars"]),
        (["nothing", ""], []),
        (["run", "-"], None),
        (["run", "hel"], []),
    ],
)
def test_completion_knows_commands_and_options(victor, plugin, typed, expected):
    plugin("sky", PLUGIN)
    done = victor("completion", "words", "--", *typed)
    assert done.code == 0
    if expected is None:
        assert {"-m", "--model", "--json", "--stream", "--no-stream", "--help"} <= set(done.out.split())
    else:
        assert done.out.split() == expected


def test_completion_of_nothing_lists_the_commands(victor):
    assert "chat" in victor("completion", "words").out.split()
    assert "chat" in candidates([""])


def test_every_shell_has_a_script_that_asks_us(victor):
    for shell in ("bash", "zsh", "fish"):
        assert "victor completion words -- " in victor("completion", shell).out
    assert "words" not in victor("completion", "--help").out


def test_bash_completes(place, console_script, victor):
    script = victor("completion", "bash").out
    ask = 'COMP_WORDS=(victor mod); COMP_CWORD=1; _victor; echo "${COMPREPLY[@]}"'
    environment = f'PATH="{console_script.rpartition("/")[0]}:$PATH"'
    done = subprocess.run(
        ["bash", "-c", f"{environment}\n{script}\n{ask}"], capture_output=True, text=True, timeout=60
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("models\n", "")


def test_help_and_version_import_neither_typer_nor_rich(place):
    script = "import sys; from victor.core.cli import main; main(sys.argv[1:]); sys.stderr.write(' '.join(sys.modules))"
    heavy = {"typer", "rich", "structlog", "pydantic", "networkx", "yaml", "platformdirs", "asyncio"}
    for option in ("--help", "--version"):
        done = subprocess.run([sys.executable, "-c", script, option], capture_output=True, text=True, timeout=60)
        assert done.stdout
        assert heavy & set(done.stderr.split()) == set()


def test_what_victor_tools_can_do_with_victor_tools_is_told(victor):
    done = victor("tools", "search", "x", "--limit", "3")
    assert done.code == 2
    assert "'victor tools search' comes with victor-tools; pip install victor-tools" in done.err
    assert "No such option: --jsno" in victor("tools", "--jsno").err
