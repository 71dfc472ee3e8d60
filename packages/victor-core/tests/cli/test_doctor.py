"""``victor doctor``: finds what is broken, and says what to do."""

from __future__ import annotations

import json
import os
import socket
import sys

import pytest

from victor.core import __version__

MODEL = """
from victor.core import Model, ModelResponse
from victor.core.hookspecs import hookimpl

class Far(Model):
    provider = "far"
    def __init__(self, server): self.base_url = server
    async def request(self, request): return ModelResponse("")

@hookimpl
def victor_register_models(register):
    register("far", Far)
"""


@pytest.fixture
def look(victor):
    """Runs the doctor; returns its exit code and findings by name."""

    def look(*args):
        done = victor("doctor", "--json", *args)
        result = json.loads(done.out)
        assert result["ok"] is (done.code == 0)
        return done.code, {check["name"]: check for check in result["checks"]}

    return look


def test_a_sound_installation(look, victor):
    code, found = look()
    assert code == 0
    assert found["victor-core"] == {"name": "victor-core", "state": "ok", "text": __version__}
    assert found["python"]["text"].startswith(".".join(map(str, sys.version_info[:3])))
    for name in ("namespace", "plugins", "settings", "user settings", "chat history", "working directory"):
        assert found[name]["state"] == "ok", found[name]
    assert found["model"]["state"] == "info"
    assert "not a language model" in found["model"]["text"]
    done = victor("doctor")
    assert done.code == 0
    assert done.out.endswith("\nNothing is broken.\n")
    assert any(row.split()[:2] == ["ok", "namespace"] for row in done.out.splitlines())


def test_a_broken_plugin(look, plugin, victor):
    plugin("rain", "raise OSError('wet')")
    code, found = look()
    assert code == 1
    assert found["plugin rain"] == {
        "name": "plugin rain",
        "state": "broken",
        "text": "OSError: wet (victor-rain 1.2.3)",
    }
    done = victor("doctor")
    assert done.code == 1
    assert done.out.endswith("\n1 broken\n")
    assert done.err == ""


def test_no_plugin_at_all(look, monkeypatch, real_victor):
    monkeypatch.setenv("VICTOR_LOAD_PLUGINS", "")
    assert real_victor("doctor").code == 0  # core's own commands are always there
    from victor.core.cli.doctor import checks
    from victor.core.plugins import Plugins, set_plugins

    set_plugins(Plugins())
    found = {check.name: check for check in checks(network=False)}
    assert found["plugins"].state == "warning"


def test_a_package_named_victor_is_in_the_way(look, monkeypatch):
    import victor

    monkeypatch.setattr(victor, "__file__", "/site-packages/victor/__init__.py", raising=False)
    code, found = look()
    assert code == 1
    assert "pip uninstall victor" in found["namespace"]["text"]


def test_core_that_is_not_installed(look, monkeypatch):
    monkeypatch.setattr("victor.core.cli.version.installed_packages", dict)
    assert look()[1]["victor-core"]["state"] == "warning"


def test_broken_settings_and_misspelt_variables(look, write, monkeypatch):
    write("victor.toml", "modle = 1")
    monkeypatch.setenv("VICTOR_MODLE", "x")
    code, found = look()
    assert code == 1
    assert found["settings"]["text"] == "victor.toml:1: unknown setting 'modle'; did you mean 'model'?"
    assert found["environment"]["text"] == "VICTOR_MODLE is no setting; did you mean VICTOR_MODEL?"
    assert "model" not in found


def test_settings_that_were_read(look, write, place):
    write("victor.toml", "")
    assert look()[1]["settings"]["text"] == str(place / "victor.toml")


def test_a_model_that_lacks_its_key(look, monkeypatch):
    monkeypatch.setenv("VICTOR_MODEL", "openai:gpt-5-mini")
    code, found = look()
    assert code == 1
    assert "set OPENAI_API_KEY" in found["model"]["text"]


def test_a_model_that_does_not_exist(look, monkeypatch):
    monkeypatch.setenv("VICTOR_MODEL", "opneai:gpt-5-mini")
    code, found = look()
    assert code == 1
    assert "did you mean 'openai'" in found["model"]["text"]


@pytest.mark.slow
def test_a_server_of_an_adapter_of_core(look, monkeypatch):
    pytest.importorskip("openai", reason="needs the SDK: pip install 'victor-core[openai]'")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("VICTOR_MODEL", "vllm:some-model")
        monkeypatch.setenv("VLLM_BASE_URL", f"http://127.0.0.1:{port}/v1")
        code, found = look()
    assert code == 0
    assert found["server"]["text"] == f"127.0.0.1:{port} answers"


def test_a_server_that_answers_and_one_that_does_not(look, plugin, monkeypatch):
    plugin("far", MODEL)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("VICTOR_MODEL", f"far:http://127.0.0.1:{port}/v1")
        code, found = look()
        assert code == 0
        assert found["model"]["state"] == "ok"
        assert found["server"] == {"name": "server", "state": "ok", "text": f"127.0.0.1:{port} answers"}
    code, found = look()
    assert code == 1
    assert f"127.0.0.1:{port} cannot be reached" in found["server"]["text"]
    code, found = look("--no-network")
    assert code == 0
    assert "server" not in found


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="not applicable: root may write anywhere")
def test_a_folder_that_cannot_be_written(look, place):
    place.chmod(0o500)
    try:
        assert look()[1]["working directory"]["state"] == "warning"
    finally:
        place.chmod(0o700)


def test_folders_by_what_the_system_says(look, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    code, found = look()
    assert code == 0
    assert found["working directory"]["state"] == "warning"


def test_no_user_file_and_programs_that_are_missing(look, monkeypatch):
    monkeypatch.setenv("VICTOR_CONFIG", "")
    monkeypatch.setenv("PATH", "")
    _, found = look()
    assert "user settings" not in found
    assert found["git"] == {"name": "git", "state": "info", "text": "not found; only needed for git tools"}


def test_output_that_is_not_utf8(real_victor):
    done = real_victor("doctor", env={"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"})
    assert "set PYTHONUTF8=1" in done.out
