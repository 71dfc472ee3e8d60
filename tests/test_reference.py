"""What the reference says of commands, settings, errors, events and schemas is all there is, and nothing else."""

from __future__ import annotations

import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from victor.core import hookimpl
from victor.core.events import KINDS, Event, EventStream, set_stream
from victor.core.plugins import Plugins, get_plugins
from victor.core.testing import FunctionModel, isolated_plugins

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

import reference_pages as made  # noqa: E402 - from the folder above
from reference_events import emitted_kinds  # noqa: E402

EMITTED = emitted_kinds(ROOT / "packages")
SOURCES = sorted((ROOT / "packages").glob("*/src/**/*.py"))


def page(name: str) -> str:
    """A page as it is written."""
    return (REFERENCE / f"{name}.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """What is installed."""
    return get_plugins()


class TestPages:
    @pytest.mark.parametrize("name", sorted(made.GENERATED))
    def test_everything_that_can_be_made_stands_on_a_page_once(self, name: str) -> None:
        marks = [
            mark["what"] for file in REFERENCE.glob("*.md") for mark in made.MARK.finditer(file.read_text("utf-8"))
        ]
        assert marks.count(name) == 1

    def test_a_page_is_filled(self) -> None:
        assert "`victor config show`" in made.filled("# A\n\n<!-- generated: commands -->\n")

    def test_a_mark_of_nothing_is_an_error(self) -> None:
        with pytest.raises(KeyError):
            made.filled("<!-- generated: nothing -->")


class TestCommands:
    def test_every_command_of_every_app_is_there(self, plugins: Plugins) -> None:
        """Walked here through typer's own lists, not as the page walks."""
        text = made.commands()

        def names(app: typer.Typer, path: str) -> list[str]:
            found = [path]
            for one in app.registered_groups:
                found += names(one.typer_instance, f"{path} {one.name}")
            several = len(app.registered_commands) > 1 or app.registered_groups or app.registered_callback
            for command in app.registered_commands if several else ():
                if not command.hidden:
                    name = command.name or str(command.callback and command.callback.__name__).replace("_", "-")
                    found.append(f"{path} {name}")
            return found

        expected = []
        for entry in plugins.commands:
            app = entry.load()
            expected += names(app, entry.name) if isinstance(app, typer.Typer) else [entry.name]
        assert len(expected) > 50
        for path in expected:
            assert f"### `victor {path}`\n" in text, path

    def test_every_command_argument_and_option_says_what_it_is(self, plugins: Plugins) -> None:
        without = []
        for one in made.find_commands(plugins):
            name = " ".join(one.path)
            without += [] if one.parsed.help else [name]
            without += [
                f"{name} {parameter.name}"
                for parameter in one.parsed.params
                if not getattr(parameter, "hidden", False)
                and parameter.name not in {"help", "install_completion", "show_completion"}
                and not getattr(parameter, "help", None)
            ]
        assert not without

    def test_a_new_command_comes_with_its_help_its_options_and_its_distribution(self) -> None:
        app = typer.Typer()

        @app.command()
        def count(
            words: str = typer.Argument(help="What to count."),
            most: int = typer.Option(7, "--most", help="So many | at most."),
            secret: bool = typer.Option(False, hidden=True),
        ) -> None:
            """Count words <here>."""

        @app.command(hidden=True)
        def inner() -> None:
            """Not for people."""

        @app.callback()
        def main() -> None:
            """Counts things."""

        @hookimpl
        def victor_register_commands(register: Any) -> None:
            register("counter", app, help="counts")

        with isolated_plugins(SimpleNamespace(victor_register_commands=victor_register_commands), core=False) as own:
            found = made.find_commands(own)
            texts = [made.command_text(one, " ".join(("victor", *one.path))) for one in found]
        assert [one.path for one in found] == [("counter",), ("counter", "count")]
        assert found[0].distribution == "SimpleNamespace"
        assert "[`victor counter count`](#command-counter-count) | Count words &lt;here>." in texts[0]
        assert "victor counter count [OPTIONS]" in texts[1]
        assert re.search(r"(?i)words.*What to count\..*required", texts[1])
        assert re.search(r"--most.*So many \\\| at most\..*\*default: 7\*", texts[1])
        assert "secret" not in texts[1]

    def test_exit_codes_are_those_of_the_code(self) -> None:
        from victor.core.cli import failures
        from victor.graph.cli.run import WAITING
        from victor.observability.cli.report import UNDECIDED

        table = page("cli").partition("## Exit codes")[2].partition("\n## ")[0]
        listed = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
        known = {failures.DONE, failures.FAILED, failures.USAGE, failures.INTERRUPTED, WAITING, UNDECIDED}
        assert listed == known

    def test_every_variable_that_is_read_is_listed(self) -> None:
        read = re.compile(
            r"""environ(?:\.get\(|\[)["']([A-Z][A-Z_]+)["']|\b_?[A-Z_]*VARIABLE(?:: Final)? = "([A-Z_]+)\""""
        )
        text = page("cli") + made.settings()
        for file in SOURCES:
            for found in read.finditer(file.read_text(encoding="utf-8")):
                name = found[1] or found[2]
                family = re.match(r"OTEL_|DD_|VICTOR_TEST_", name)
                assert family or f"`{name}`" in text, f"{file}: {name} is in no table of docs/reference/cli.md"


class TestSettings:
    def test_every_key_of_core_is_there_with_its_variable(self, plugins: Plugins) -> None:
        from victor.core.settings import KEYS

        tables = {one.name: one for one in made.find_settings(plugins)}
        for name in KEYS:
            above, _, key = name.rpartition(".")
            assert key in {one.key for one in tables[above].settings}
            assert tables[above].variable(key) == "VICTOR_" + name.upper().replace(".", "__")

    def test_every_table_that_a_package_reads_is_there(self, plugins: Plugins) -> None:
        names = {re.sub(r'\.?"?[A-Z][A-Z:]+"?$', "", one.name) for one in made.find_settings(plugins)}
        literal = re.compile(r"""\.section\("([a-z_.]+)"\)""")
        read = {name for file in SOURCES for name in literal.findall(file.read_text(encoding="utf-8"))}
        assert {"prices", "tools"} <= read
        assert read - names <= {"tool"}  # looked at for a misspelling
        assert {f"listener.{one.name}" for one in plugins.listeners} <= names
        assert {f"metrics.{one.name}" for one in plugins.metrics} <= names

    def test_what_the_observability_table_takes_is_what_is_listed(self, plugins: Plugins) -> None:
        from victor.observability.settings import read_settings

        (table,) = [one for one in made.find_settings(plugins) if one.name == "listener.observability"]
        with pytest.raises(Exception, match="There are: ") as error:
            read_settings({"nonsense": 1})
        known = str(error.value).partition("There are: ")[2].split(", ")
        assert {one.key for one in table.settings} == set(known) - {"retention"}

    def test_every_key_says_what_it_means_and_what_a_value_is(self, plugins: Plugins) -> None:
        for table in made.find_settings(plugins):
            for one in table.settings:
                assert one.help, f"[{table.name}] {one.key}"
                assert not re.search(r"[A-Z]\w+\b(?!.*`)", one.type), f"[{table.name}] {one.key}: {one.type}"


class TestErrors:
    @pytest.mark.parametrize("error", made.find_errors(), ids=lambda error: error.__name__)
    def test_an_error_says_when_and_what_to_do(self, error: type[BaseException]) -> None:
        when, advice, _ = made.error_parts(error)
        assert when, f"{error} does not say when it is raised"
        assert advice, f"{error} does not say what to do: its docstring needs a paragraph 'What to do: ...'"

    def test_the_catalogue_has_all_of_them(self) -> None:
        from victor.core.errors import VictorError

        text = made.errors()

        def below(error: type[BaseException]) -> set[type[BaseException]]:
            return {error}.union(*(below(one) for one in error.__subclasses__()))

        public = {
            one
            for one in below(VictorError)
            if re.match(r"victor\.(core|graph|tools|teams|observability)\b", one.__module__)
            and not re.search(r"(^|\.)_", f"{one.__module__}.{one.__qualname__}")
        }
        assert len(public) > 50
        for one in public:
            assert f"`{one.__module__}.{one.__qualname__}`" in text

    def test_what_an_error_carries_is_listed(self) -> None:
        from victor.core.errors import ModelRateLimitError

        carried = made.error_parts(ModelRateLimitError)[2]
        assert {"provider", "model", "status", "retry_after_s", "result"} <= set(carried)


class TestEvents:
    def test_a_kind_that_is_emitted_is_listed(self) -> None:
        listed = set(re.findall(r"^\| `([a-z_.]+)` \|", page("events").partition("## Kinds")[2], re.MULTILINE))
        assert set(EMITTED) <= listed

    def test_all_kinds_of_ours_but_that_of_the_user_are_emitted(self) -> None:
        assert set(KINDS) - set(EMITTED) == {"log"}

    def test_every_field_is_explained(self) -> None:
        table = page("events").partition("## Attributes and contents")[2]
        explained = {
            name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
        }
        found = EMITTED.values()
        assert explained == {name for one in found for name in (*one.attributes, *one.content)}

    def test_the_fields_of_an_event_are_listed(self) -> None:
        table = page("events").partition("## An event")[2].partition("\n## ")[0]
        assert set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)))) == set(
            Event.__struct_fields__
        )

    def test_a_kind_that_nobody_listed_is_seen_in_the_code(self, tmp_path: Path) -> None:
        file = tmp_path / "victor-x/src/victor/x/emit.py"
        file.parent.mkdir(parents=True)
        file.write_text(
            "def f(stream):\n    attributes = {'a': 1}\n    attributes['b'] = 2\n"
            "    stream.emit('x.new', 'n', attributes, content={'c': 3})\n"
            "    with stream.operation('x.run') as operation:\n        operation.set(d=4)\n"
        )
        found = emitted_kinds(tmp_path)
        assert set(found) == {"x.new", "x.run"}
        assert list(found["x.new"].attributes) == ["a", "b"]
        assert list(found["x.new"].content) == ["c"]
        assert "d" in found["x.run"].attributes
        assert list(found["x.new"].places) == ["victor-x: victor.x.emit"]

    async def test_what_is_emitted_in_a_run_is_what_was_read_from_the_code(self) -> None:
        """The reading is of source code, so a run is held against it."""
        from victor.core import Agent
        from victor.core.testing import call
        from victor.graph import END, START, StateGraph
        from victor.graph.checkpoint.memory import InMemorySaver
        from victor.teams import Team

        def look(name: str) -> str:
            """Look it up."""
            return name

        answers = iter([call("look", name="x"), "done"])
        stream = EventStream()
        stream.capture_content = True
        seen: list[Event] = []
        stream.subscribe(seen.append)
        graph = StateGraph(dict)
        graph.add_node("a", lambda state: {})
        graph.add_edge(START, "a")
        graph.add_edge("a", END)
        before = set_stream(stream)
        try:
            await Agent(model=FunctionModel(lambda request: next(answers)), tools=[look]).run("Go.")
            await Team([lambda ask: "yes"]).run("Well?")
            await graph.compile(checkpointer=InMemorySaver()).ainvoke({}, {"configurable": {"thread_id": "t"}})
        finally:
            set_stream(before)
        found = EMITTED
        kinds = {one.kind for one in seen}
        assert {
            "agent.run",
            "model.request",
            "tool.call",
            "team.run",
            "team.turn",
            "workflow.run",
            "workflow.node",
        } <= kinds
        for event in seen:
            assert set(event.attributes) <= set(found[event.kind].attributes), event.kind
            assert set(event.content) <= set(found[event.kind].content), event.kind


class TestSchemas:
    def test_tables_have_every_key_of_every_object(self) -> None:
        from victor.graph.yaml.schema import build_schema
        from victor.teams.yaml.schema import make_schema

        def keys(node: Any) -> set[str]:
            if isinstance(node, list):
                return set().union(*map(keys, node))
            if not isinstance(node, dict):
                return set()
            return set(node.get("properties", ())).union(*map(keys, node.values()))

        for schema, text in ((build_schema(), made.workflow_schema()), (make_schema(), made.team_schema())):
            listed = set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE))
            assert keys(schema) == listed

    @pytest.mark.parametrize(
        ("schema", "text"),
        [
            ({}, "anything"),
            ({"type": "array", "items": {"type": "string"}}, "list of string"),
            ({"enum": ["a", 1]}, '`"a"` or `1`'),
            ({"anyOf": [{"$ref": "#/$defs/Retry"}, {"type": "null"}]}, "`Retry` or null"),
            ({"type": "object", "additionalProperties": {"type": "integer"}}, "mapping of names to integer"),
        ],
    )
    def test_types_in_words(self, schema: dict[str, Any], text: str) -> None:
        assert made.type_of(schema) == text

    def test_every_pattern_is_there(self, plugins: Plugins) -> None:
        listed = set(re.findall(r"^\| `([^`]+)` \|", made.patterns(), re.MULTILINE))
        assert listed == {one.name for one in plugins.coordination_protocols}


class TestAPI:
    def test_a_public_name_that_no_page_has_is_reported(self) -> None:
        names = [
            ("victor.x", "module"),
            ("victor.x.A", "class"),
            ("victor.x.A.run", "method"),
            ("victor.x.A.size", "field"),
        ]
        public = [made.Public(name, kind, "x.py:1", documented=True) for name, kind in names]
        found = made.undescribed(public, {"victor.x", "victor.x.A"})
        assert [one.name for one in found] == ["victor.x.A.run"]


class TestMetricsStore:
    """The tables of metrics-store.md; those of metrics.md and spans.md are held by the tests of victor-observability."""

    @pytest.fixture
    def columns(self, tmp_path: Path) -> dict[str, set[str]]:
        """The columns of all tables and views of a new store."""
        from victor.observability.store import open_store

        open_store(f"sqlite:{tmp_path / 'metrics.db'}").close()
        with closing(sqlite3.connect(tmp_path / "metrics.db")) as db:
            names = db.execute(
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
            )
            return {name: {row[1] for row in db.execute(f"PRAGMA table_info({name})")} for (name,) in names.fetchall()}

    def rows(self, section: str) -> set[str]:
        """The names in the first column of a section's tables."""
        table = page("metrics-store").partition(section)[2]
        table = re.split(r"\n(?:## |\*\*|`\w+`)", table.lstrip("\n"), maxsplit=1)[0]
        return set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE))))

    @pytest.mark.parametrize("view", ["runs", "spans", "figures"])
    def test_views_have_the_columns_that_are_listed(self, columns: dict[str, set[str]], view: str) -> None:
        assert self.rows(f"\n`{view}`") == columns[view]

    def test_tables_are_listed(self, columns: dict[str, set[str]]) -> None:
        assert self.rows("\n## Tables\n") == set(columns) - {"runs", "spans", "figures"}

    def test_questions_are_methods(self) -> None:
        from victor.observability.store.sqlite import SqliteStore

        section = page("metrics-store").partition("\n## Questions\n")[2].partition("\n## ")[0]
        listed = {
            name for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for name in re.findall(r"`(\w+)\(", row)
        }
        assert listed <= set(dir(SqliteStore))

    def test_retention_is_listed_with_its_defaults(self) -> None:
        import attrs

        from victor.observability.store.retention import Retention

        section = page("metrics-store").partition("\n## What is kept for how long\n")[2].partition("\n## ")[0]
        listed = {name: days.strip() for days, name in re.findall(r"\| ([^|]+) \| `(\w+)` \|", section)}
        words = {None: "for ever", 2**30: "1 GiB"}
        assert listed == {
            one.name: words.get(one.default, str(one.default)) for one in attrs.fields(Retention) if one.init
        }


class TestGlossary:
    def test_terms_are_in_order_and_lead_to_pages_that_are_there(self) -> None:
        text = page("glossary")
        terms = re.findall(r"^([a-z][a-z ]+)$", text.partition("{glossary}")[2], re.MULTILINE)
        assert len(terms) > 50
        assert terms == sorted(terms)
        for target in re.findall(r"\]\(([^)#]+)", text):
            assert (REFERENCE / target).exists(), target
