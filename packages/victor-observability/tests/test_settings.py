"""The settings: where they come from, where the store is, and what is said of a mistake."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from victor.core.errors import ConfigurationError
from victor.observability.settings import Settings, load_settings, project_folder, read_settings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VICTOR_CONFIG", "")
    return tmp_path


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"stroe": "x"}, r"no setting 'stroe'; did you mean 'store'\?"),
        ({"head_rate": 2}, "head_rate should be a number from 0 to 1, and is 2"),
        ({"head_rate": "1"}, "head_rate should be a number from 0 to 1"),
        ({"interval_ms": 0}, "interval_ms should be a number above 0"),
        ({"interval_ms": float("nan")}, "interval_ms should be a number above 0"),
        ({"queue": 1.5}, "queue should be a whole number above 0"),
        ({"queue": True}, "queue should be a whole number above 0"),
        ({"slow_s": -1}, "slow_s should be a number of seconds above 0"),
        ({"store": 1}, "store should be a text"),
        ({"exporters": "prometheus"}, "exporters should be a list of names"),
        ({"retention": 3}, "retention should be a table"),
        ({"retention": {"record_days": 3}}, "did you mean 'records_days'"),
        ({"retention": {"records_days": "3"}}, "records_days should be a number"),
        ({"retention": {"records_days": 300, "runs_days": 3}}, r"\[listener.observability.retention\] records_days"),
    ],
)
def test_mistakes_are_told_with_the_key_and_what_is_allowed(table: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_settings(table)


def test_they_are_read_from_the_project_and_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "victor.toml").write_text(
        '[listener.observability]\nhead_rate = 0.5\nexporters = ["jsonl"]\n'
        "[listener.observability.retention]\nrecords_days = 2\n"
    )
    monkeypatch.setenv("VICTOR_LISTENER__OBSERVABILITY__QUEUE", "50")
    settings = load_settings()
    assert (settings.head_rate, settings.exporters, settings.queue) == (0.5, ("jsonl",), 50)
    assert settings.retention.records_days == 2


def test_the_store_is_in_the_project_wherever_below_it_the_program_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "victor.toml").write_text("")
    (folder / "src" / "deep").mkdir(parents=True)
    monkeypatch.chdir(folder / "src" / "deep")
    assert Settings().store_url() == f"sqlite:{folder}/.victor/metrics.db"
    assert Settings(store="data/m.db").store_url() == f"sqlite:{folder}/data/m.db"


def test_a_repository_is_a_project_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    (folder / "src").mkdir()
    monkeypatch.chdir(folder / "src")
    assert project_folder() == folder


def test_without_a_project_it_is_the_working_directory(folder: Path) -> None:
    assert project_folder() == folder


@pytest.mark.parametrize(
    ("store", "url"),
    [
        ("none", "none"),
        ("postgresql://u:p@h/db", "postgresql://u:p@h/db"),
        ("sqlite:/var/m.db", "sqlite:/var/m.db"),
        ("sqlite:///var/m.db", "sqlite:/var/m.db"),
        ("m.db", "sqlite:/project/m.db"),
    ],
)
def test_a_store_is_a_path_or_a_url(store: str, url: str) -> None:
    assert Settings(store=store).store_url(Path("/project")) == url
