"""``victor config``: what holds, where it came from, and a first file."""

from __future__ import annotations

import json

from victor.core.limits import Limits
from victor.core.settings import KEYS, Settings, load_settings


def test_show_tells_values_and_origins(victor, write, monkeypatch):
    write(
        "victor.toml",
        'model = "a:b"\nlisteners = ["log"]\n[limits]\nsteps = 3\n[mine]\napi_key = "hidden"\nurl = "https://u:p@h/"\n',
    )
    monkeypatch.setenv("VICTOR_CAPTURE_CONTENT", "1")
    rows = {row.split()[0]: row for row in victor("config", "show").out.splitlines()}
    assert rows["setting"].split() == ["setting", "value", "from"]
    assert rows["model"].split() == ["model", "a:b", "victor.toml:1"]
    assert rows["listeners"].split() == ["listeners", "log", "victor.toml:2"]
    assert rows["capture_content"].split() == ["capture_content", "true", "environment", "VICTOR_CAPTURE_CONTENT"]
    assert rows["limits.steps"].split() == ["limits.steps", "3", "victor.toml:4"]
    assert rows["limits.tokens"].split() == ["limits.tokens", "1000000", "default"]
    assert rows["color"].split() == ["color", "auto", "default"]


def test_secrets_are_not_shown(victor, write):
    write("victor.toml", '[mine]\napi_key = "hidden"\nurl = "https://u:hidden@h/"\nempty = []\n')
    for done in (victor("config", "show"), victor("config", "show", "--json")):
        assert "hidden" not in done.out
        assert "mine.api_key" in done.out
        assert "https://[redacted]@h/" in done.out


def test_show_as_json(victor, write):
    write("victor.toml", "[limits]\ncost_usd = 0.5\n")
    rows = {row["name"]: row for row in json.loads(victor("config", "show", "--json").out)}
    assert set(KEYS) <= set(rows)
    assert rows["limits.cost_usd"] == {"name": "limits.cost_usd", "value": 0.5, "origin": "victor.toml:2"}
    assert rows["load_plugins"]["value"] == ["core"]


def test_show_warns_of_misspelt_variables(victor, monkeypatch):
    monkeypatch.setenv("VICTOR_MODLE", "x")
    assert "warning: VICTOR_MODLE is no setting; did you mean VICTOR_MODEL?" in victor("config", "show").err


def test_show_with_a_broken_file_is_an_error(victor, write):
    write("victor.toml", "model = ")
    done = victor("config", "show")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: victor.toml:1: not valid TOML")


def test_path_tells_which_files_are_read(victor, write, place, tmp_path):
    rows = victor("config", "path").out.splitlines()
    assert rows[1].split() == ["project", str(place / "victor.toml"), "not", "there"]
    assert rows[2].split() == ["user", str(tmp_path / "config" / "victor" / "config.toml"), "not", "there"]
    write("victor.toml", "color = 1")
    result = json.loads(victor("config", "path", "--json").out)
    assert result[0] == {"what": "project", "path": str(place / "victor.toml"), "read": True}


def test_path_from_below(victor, write, place, monkeypatch):
    write("victor.toml", "")
    (place / "src").mkdir()
    monkeypatch.chdir(place / "src")
    monkeypatch.setenv("VICTOR_CONFIG", "")
    result = json.loads(victor("config", "path", "--json").out)
    assert [row["path"] for row in result] == [str(place / "victor.toml")]


def test_init_writes_a_file_that_changes_nothing_until_edited(victor, place):
    done = victor("config", "init")
    assert (done.code, done.out) == (0, "victor.toml\n")
    text = (place / "victor.toml").read_text()
    before = load_settings(cwd=place, environ={"VICTOR_CONFIG": ""})
    assert {origin for _, _, origin in before} == {"default"}
    assert text.count(" = ") == len(KEYS)
    done = victor("config", "init")
    assert done.code == 1
    assert "victor.toml is there already; --force writes over it" in done.err
    assert victor("config", "init", "--force").code == 0


def test_every_example_in_the_file_is_right(victor, place):
    victor("config", "init")
    file = place / "victor.toml"
    lines = [line.removeprefix("# ") if " = " in line else line for line in file.read_text().splitlines()]
    file.write_text("\n".join(lines))
    settings = load_settings(cwd=place, environ={"VICTOR_CONFIG": ""})
    assert [origin for _, _, origin in settings if origin == "default"] == []


def test_what_is_no_example_in_the_file_is_the_default(victor, place):
    victor("config", "init")
    lines = (place / "victor.toml").read_text().splitlines()
    kept, above = [], ""
    for line in lines:
        if " = " in line and not above.endswith("for example:"):
            kept.append(line.removeprefix("# "))
        elif line.startswith("["):
            kept.append(line)
        above = line
    (place / "victor.toml").write_text("\n".join(kept))
    written = load_settings(cwd=place, environ={"VICTOR_CONFIG": ""})
    default = Settings()
    assert Limits(**written.limits.as_dict()) == Limits()
    assert len(written.limits.as_dict()) == 4
    told = {name for name, _, origin in written if origin != "default"}
    assert told == set(KEYS) - {"model", "listeners", "load_plugins"}
    assert all(written.value(name) == default.value(name) for name in told if not name.startswith("limits."))


def test_init_for_the_user(victor, tmp_path, monkeypatch):
    file = tmp_path / "config" / "victor" / "config.toml"
    assert victor("config", "init", "--user").out == f"{file}\n"
    assert file.is_file()
    monkeypatch.setenv("VICTOR_CONFIG", "")
    done = victor("config", "init", "--user")
    assert done.code == 1
    assert "VICTOR_CONFIG is empty" in done.err


def test_init_where_nothing_can_be_written(victor, tmp_path):
    (tmp_path / "config").write_text("in the way")
    done = victor("config", "init", "--user")
    assert done.code == 1
    assert "cannot be written" in done.err
