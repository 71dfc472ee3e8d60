"""Settings: precedence, origins, plugins' tables, and what is said when something is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from victor.core.errors import ConfigurationError
from victor.core.settings import KEYS, LimitSettings, Settings, load_settings, unknown_variables, user_file


@pytest.fixture
def place(tmp_path):
    """A project folder with a ``.git``, and a user file beside it."""
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    return project


def load(place: Path, toml: str | None = None, user: str | None = None, overrides=None, **environ: str) -> Settings:
    if toml is not None:
        (place / "victor.toml").write_text(toml)
    if user is not None:
        (place.parent / "config.toml").write_text(user)
    environ.setdefault("VICTOR_CONFIG", str(place.parent / "config.toml"))
    return load_settings(overrides, cwd=place, environ=environ)


def test_without_anything_the_defaults_hold(place):
    settings = load(place)
    assert settings == Settings()
    assert settings.files == ()
    assert settings.project is None
    assert {origin for _, _, origin in settings} == {"default"}


def test_command_line_beats_environment_beats_project_beats_user_beats_default(place):
    user = 'model = "user:m"'
    assert load(place, user=user).model == "user:m"
    assert load(place, 'model = "project:m"').model == "project:m"
    assert load(place, VICTOR_MODEL="environment:m").model == "environment:m"
    settings = load(place, overrides={"model": "line:m"}, VICTOR_MODEL="environment:m")
    assert (settings.model, settings.origin("model")) == ("line:m", "command line")


def test_every_value_tells_where_it_came_from(place):
    settings = load(
        place,
        '# a comment\nlisteners = ["log"]\n\n[limits]\ntokens = 9_000\n',
        'color = "never"\n',
        VICTOR_LIMITS__STEPS="7",
    )
    assert settings.origin("listeners") == "victor.toml:2"
    assert settings.origin("limits.tokens") == "victor.toml:5"
    assert settings.origin("limits.steps") == "environment VICTOR_LIMITS__STEPS"
    assert settings.origin("color") == f"{place.parent / 'config.toml'}:1"
    assert settings.origin("model") == "default"
    assert settings.limits == LimitSettings(steps=7, tokens=9000)
    assert settings.files == (place / "victor.toml", place.parent / "config.toml")
    assert settings.project == place


def test_limits_are_merged_key_by_key(place):
    settings = load(place, "[limits]\nsteps = 1\n", "[limits]\nsteps = 2\ncost_usd = 0.5\n")
    assert settings.limits.as_dict() == {"steps": 1, "cost_usd": 0.5}


def test_none_on_the_command_line_overrides_nothing(place):
    assert load(place, 'model = "a:b"', overrides={"model": None, "limits.steps": None}).model == "a:b"


def test_the_search_goes_up_to_the_first_git_and_no_further(place):
    (place.parent / "victor.toml").write_text('model = "above"')
    below = place / "src" / "deep"
    below.mkdir(parents=True)
    assert load_settings(cwd=below, environ={"VICTOR_CONFIG": ""}).model is None
    (place / "victor.toml").write_text('model = "project"')
    settings = load_settings(cwd=below, environ={"VICTOR_CONFIG": ""})
    assert settings.model == "project"
    assert settings.origin("model") == f"{place / 'victor.toml'}:1"


def test_the_search_stops_at_home(tmp_path, monkeypatch):
    home = tmp_path / "home"
    (home / "work").mkdir(parents=True)
    (tmp_path / "victor.toml").write_text('model = "above home"')
    monkeypatch.setenv("HOME", str(home))
    assert load_settings(cwd=home / "work", environ={"VICTOR_CONFIG": ""}).model is None


def test_changes_of_files_and_variables_are_seen(place, monkeypatch):
    monkeypatch.chdir(place)
    monkeypatch.setenv("VICTOR_CONFIG", "")
    assert load_settings().model is None
    (place / "victor.toml").write_text('model = "one"')
    assert load_settings().model == "one"
    assert load_settings() is load_settings()
    (place / "victor.toml").write_text('model = "other"')
    assert load_settings().model == "other"
    monkeypatch.setenv("VICTOR_MODEL", "third")
    assert load_settings().model == "third"
    monkeypatch.delenv("VICTOR_MODEL")
    (place / "victor.toml").unlink()
    assert load_settings().model is None


def test_only_a_few_old_readings_are_kept(place):
    from victor.core import settings as module

    for number in range(40):
        load(place, VICTOR_MODEL=f"m{number}")
    assert len(module._known) <= 16


def test_a_working_directory_that_is_gone_is_no_error(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    script = (
        "import os, sys; os.chdir(sys.argv[1]); os.rmdir(sys.argv[1])\n"
        "from victor.core import load_settings; print(load_settings().model)"
    )
    env = {**os.environ, "VICTOR_CONFIG": ""}
    done = subprocess.run([sys.executable, "-c", script, str(gone)], capture_output=True, text=True, env=env)
    assert (done.stdout, done.stderr) == ("None\n", "")


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('modle = "x"', "victor.toml:1: unknown setting 'modle'; did you mean 'model'?"),
        ("\nlimit = 3", "victor.toml:2: unknown setting 'limit'; did you mean 'limits'?"),
        ("[limits]\nstep = 3", "victor.toml:2: unknown setting 'limits.step'; did you mean 'limits.steps'?"),
        ("[limit]\nsteps = 3", "victor.toml:1: unknown setting 'limit'; did you mean 'limits'?"),
        ("[listner.log]\n", "victor.toml:1: unknown setting 'listner'; did you mean 'listeners'?"),
        ("xyzzy = 1", "victor.toml:1: unknown setting 'xyzzy'; there are: model, "),
        ("limits = 3", "victor.toml:1: 'limits' must be a table [limits], not 3"),
        ("\n\nmodel = 3", "victor.toml:3: 'model' must be a text, not 3"),
        ('model = " "', "'model' must be a text, not ' '"),
        ("[model]\nx = 1", "victor.toml:1: 'model' must be a text, not a table"),
        ('capture_content = "yes"', "'capture_content' must be true or false, not 'yes'"),
        ('listeners = "log"', "'listeners' must be a list of texts, not 'log'"),
        ("listeners = [1]", "'listeners' must be a list of texts, not [1]"),
        ('color = "blue"', "'color' must be one of 'auto', 'always', 'never', not 'blue'"),
        ("limits.steps = 0", "victor.toml:1: 'limits.steps' must be a whole number above 0, not 0"),
        ("limits.steps = 1.5", "'limits.steps' must be a whole number above 0, not 1.5"),
        ("limits.steps = true", "'limits.steps' must be a whole number above 0, not True"),
        ("limits.timeout_s = inf", "'limits.timeout_s' must be a number above 0, not inf"),
        ("limits.cost_usd = nan", "'limits.cost_usd' must be a number above 0, not nan"),
        ('model = "a"\nmodel = "b"', "victor.toml:2: not valid TOML: "),
        ('model = "a', "victor.toml:1: not valid TOML: "),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_line(place, toml, message):
    with pytest.raises(ConfigurationError) as caught:
        load(place, toml)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"VICTOR_LIMITS__STEPS": "many"}, "environment VICTOR_LIMITS__STEPS: 'limits.steps' must be a whole number"),
        ({"VICTOR_LIMITS__STPES": "1"}, "unknown setting 'limits.stpes'; did you mean 'limits.steps'?"),
        ({"VICTOR_CAPTURE_CONTENT": "perhaps"}, "'capture_content' must be true or false, not 'perhaps'"),
        ({"VICTOR_LOG_LEVEL": "loud"}, "must be one of 'debug', 'info', 'warning', 'error', not 'loud'"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_environment_is_told_with_the_variable(place, variables, message):
    with pytest.raises(ConfigurationError) as caught:
        load(place, **variables)
    assert message in str(caught.value)


def test_an_unknown_override_is_refused(place):
    with pytest.raises(ConfigurationError, match="command line: unknown setting 'modell'; did you mean 'model'"):
        load(place, overrides={"modell": "x"})


def test_a_file_that_is_no_text_or_cannot_be_read(place):
    (place / "victor.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"victor\.toml: cannot be read"):
        load(place)


@pytest.mark.parametrize("text", ["1", "true", "YES", "on"])
def test_switches_in_the_environment(place, text):
    assert load(place, VICTOR_CAPTURE_CONTENT=text).capture_content is True
    assert load(place, "capture_content = true", VICTOR_CAPTURE_CONTENT="off").capture_content is False


def test_lists_numbers_and_empty_variables_in_the_environment(place):
    settings = load(
        place,
        'model = "kept"',
        VICTOR_LISTENERS="log, -metrics ,",
        VICTOR_LOAD_PLUGINS="",
        VICTOR_MODEL=" ",
        VICTOR_LIMITS__COST_USD="0.25",
        VICTOR_LIMITS__TIMEOUT_S="30",
    )
    assert settings.listeners == ("log", "-metrics")
    assert settings.load_plugins == ()
    assert settings.model == "kept"
    assert settings.limits.as_dict() == {"cost_usd": 0.25, "timeout_s": 30}


def test_a_plugins_table_is_merged_from_all_sources(place):
    settings = load(
        place,
        '[listener.log]\nformat = "json"\nkinds = ["tool.call"]\n[prices.usd]\nin = 1\n',
        '[listener.log]\nformat = "text"\nfile = "~/victor.log"\n',
        VICTOR_LISTENER__LOG__FILE="other.log",
        VICTOR_PRICES__USD__OUT="2.5",
        VICTOR_PRICES__ON="true",
        VICTOR_PRICES__NAMES='["a", "b"]',
        VICTOR_PRICES__BAD="[1",
        VICTOR_PRICES__LINES="1\n2",
        VICTOR_PRICES__VERSION="1.2.3",
        overrides={"prices.currency": "EUR"},
    )
    assert settings.section("listener.log") == {"format": "json", "file": "other.log", "kinds": ["tool.call"]}
    assert settings.section("prices") == {
        "usd": {"in": 1, "out": 2.5},
        "on": True,
        "names": ["a", "b"],
        "bad": "[1",
        "lines": "1\n2",
        "version": "1.2.3",
        "currency": "EUR",
    }
    assert settings.section("nothing.of.it") == {}
    assert settings.origin("listener.log.format") == "victor.toml:2"
    assert settings.origin("listener.log.file") == "environment VICTOR_LISTENER__LOG__FILE"
    assert settings.value("prices.usd.in") == 1
    assert settings.value("prices.gbp.in") is None
    assert ("prices.currency", "EUR", "command line") in list(settings)


def test_a_section_is_a_copy(place):
    settings = load(place, "[prices.usd]\nin = 1\n")
    settings.section("prices")["usd"]["in"] = 99
    assert settings.section("prices.usd") == {"in": 1}


def test_a_value_where_a_plugin_wants_a_table(place):
    settings = load(place, "[prices]\nusd = 3\n")
    with pytest.raises(ConfigurationError, match=r"victor\.toml:2: 'prices\.usd' must be a table, not 3"):
        settings.section("prices.usd")


def test_a_table_below_replaces_a_value_above(place):
    assert load(place, "[prices.usd]\nin = 1\n", "[prices]\nusd = 3\n").section("prices.usd") == {"in": 1}


@pytest.mark.parametrize("table", ["models", "tools", "tool", "plugins", "prices", "listener"])
def test_names_of_plugins_tables_may_look_like_settings(place, table):
    assert load(place, f"[{table}.x]\ny = 1\n").section(table) == {"x": {"y": 1}}


def test_lines_are_found_in_unusual_but_legal_toml(place):
    settings = load(
        place,
        'prices.note = """\nmodel = "not this one"\n"""\n"color" = "never"\n'
        'listeners = [\n  "a=b",\n  "log",\n]\nmodel = "x:y"\n'
        "[ limits ] # comment\nsteps=3\n"
        '[[prices.rows]]\nname = "a"\n[tools]\ninline = { deep = { x = 1 } }\n',
    )
    assert settings.model == "x:y"
    assert settings.origin("model") == "victor.toml:9"
    assert settings.origin("color") == "victor.toml:4"
    assert settings.origin("listeners") == "victor.toml:5"
    assert settings.origin("limits.steps") == "victor.toml:11"
    assert settings.origin("prices.rows") == "victor.toml:12"
    assert settings.origin("tools.inline.deep.x") == "victor.toml:15"


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{3,8}_p", fullmatch=True),
        st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), st.integers(-9, 9), min_size=1, max_size=4),
        max_size=4,
    )
)
def test_every_line_told_is_the_line_of_the_key(tmp_path_factory, tables):
    place = tmp_path_factory.mktemp("toml")
    toml = "".join(f"[{name}]\n" + "".join(f"{k} = {v}\n" for k, v in rows.items()) for name, rows in tables.items())
    (place / "victor.toml").write_text(toml)
    settings = load_settings(cwd=place, environ={"VICTOR_CONFIG": ""})
    lines = toml.splitlines()
    for name, rows in tables.items():
        assert settings.section(name) == rows
        for key, value in rows.items():
            told = int(settings.origin(f"{name}.{key}").rpartition(":")[2])
            assert lines[told - 1] == f"{key} = {value}"
            assert f"[{name}]" in lines[:told]


def test_misspelt_variables_are_noticed_and_those_of_plugins_are_not():
    environ = {
        "VICTOR_MODLE": "x",
        "VICTOR_LIMITS__STEPS": "1",
        "VICTOR_DEBUG": "1",
        "VICTOR_PRICES__USD__IN": "1",
        "HOME": "/",
    }
    assert unknown_variables(environ) == {"VICTOR_MODLE": "VICTOR_MODEL"}


def test_the_users_file_is_where_platformdirs_says(monkeypatch, tmp_path):
    from platformdirs import user_config_dir

    monkeypatch.delenv("VICTOR_CONFIG", raising=False)
    for config_home in (str(tmp_path / "conf"), None):
        if config_home is None:
            monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
        else:
            monkeypatch.setenv("XDG_CONFIG_HOME", config_home)
        assert user_file() == Path(user_config_dir("victor", appauthor=False)) / "config.toml"


def test_elsewhere_platformdirs_is_asked(monkeypatch):
    from victor.core import settings as module

    monkeypatch.setattr(module.sys, "platform", "darwin")
    assert module._platform_file.__wrapped__("/home/a", None).endswith(os.path.join("victor", "config.toml"))


def test_an_empty_victor_config_means_no_user_file(monkeypatch, tmp_path):
    monkeypatch.setenv("VICTOR_CONFIG", "")
    assert user_file() is None
    monkeypatch.setenv("VICTOR_CONFIG", "~/mine.toml")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_file() == tmp_path / "mine.toml"


def test_every_key_has_a_field_and_every_field_a_key():
    assert {key for key in KEYS if "." not in key} | {"limits", "files"} == {
        a.name for a in Settings.__attrs_attrs__ if not a.name.startswith("_")
    }


def test_reading_settings_without_a_file_imports_no_toml_parser(tmp_path):
    script = (
        "import sys; sys.modules.pop('tomllib', None); from victor.core.settings import load_settings; load_settings();"
        "print('tomllib' in sys.modules)"
    )
    env = {**os.environ, "VICTOR_CONFIG": ""}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, env=env, check=True
    )
    assert done.stdout == "False\n"


def test_a_variable_that_looks_like_a_setting_is_told_of_once_where_settings_are_used(monkeypatch, caplog, tmp_path):
    from victor.core import Agent
    from victor.core import settings as module

    monkeypatch.setattr(module, "_told", set())
    monkeypatch.setattr(module, "_known", {})
    monkeypatch.setenv("VICTOR_LIMITS_STEPS", "3")
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        Agent(model="test").limits
        module._known.clear()
    told = [record.getMessage() for record in caplog.records if record.name == "victor.settings"]
    assert told == ["VICTOR_LIMITS_STEPS is no setting, and has no effect; did you mean VICTOR_LIMITS__STEPS?"]


def test_variables_of_plugins_and_of_others_are_no_strangers(monkeypatch):
    from victor.core.settings import unknown_variables

    assert unknown_variables({"VICTOR_LISTENER__LOG__FORMAT": "json", "VICTOR_HOME_TOWN": "Ulm"}) == {}
