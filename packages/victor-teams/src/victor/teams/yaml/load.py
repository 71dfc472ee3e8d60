"""Reads teams from YAML. Everything that is wrong is told at once, with file, line and column."""

from __future__ import annotations

import copy
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import msgspec

from victor.core.errors import VictorError
from victor.core.import_strings import load_object
from victor.core.yaml_file import Problem, Source, YamlFileError, read_file, read_text, split_path
from victor.teams.team import Team
from victor.teams.yaml.spec import LimitsSpec, MemberSpec, OnFailureSpec, TeamFile, TeamSpec, UntilSpec

if TYPE_CHECKING:
    from victor.teams.communication.bus import Bus

__all__ = ["TeamFileError", "load_team", "load_teams"]

_ROUNDS = 5
"""So often a file is read again without what was wrong in it."""


class TeamFileError(YamlFileError):
    """A team file cannot be used. Lists everything that is wrong, in the order of the file.

    What to do: correct the file at the places the text names; ``victor team validate`` shows them without running
    anything.

    Args:
        problems: At least one.
    """


def load_teams(
    file: str | Path | None = None,
    *,
    text: str | None = None,
    bus: Bus | str | None = None,
    here: Container[str] = (),
) -> dict[str, Team]:
    """The teams of a file, by name.

    Args:
        file: Path of the file.
        text: Instead: what would stand in it.
        bus: For members with ``remote: true``: the bus by which they are asked, or its address.
        here: Which of them act in this process all the same, as ``"team/member"``.

    Raises:
        TeamFileError: Something is wrong; lists all of it.

    Example:
        >>> teams = load_teams(text='''
        ... teams:
        ...   review:
        ...     pattern: {type: round_robin, rounds: 1}
        ...     members:
        ...       - {name: writer, instructions: Write., model: test}
        ...       - {name: critic, instructions: Criticise., model: test}
        ... ''')
        >>> teams["review"]
        Team('review', 'round_robin', [writer, critic])
    """
    source = read_text(text or "", error=TeamFileError) if file is None else read_file(file, error=TeamFileError)
    return _Loader(source, bus, here).load()


def load_team(file: str | Path, name: str | None = None, *, bus: Bus | str | None = None) -> Team:
    """One team of a file.

    Args:
        file: Path of the file, also ``"file.yaml#name"``.
        name: Which team; may be left out where there is only one.
        bus: For members with ``remote: true``: the bus by which they are asked, or its address.

    Raises:
        TeamFileError: Something is wrong, or there is no such team.
    """
    path, _, part = str(file).partition("#")
    name = name or part or None
    teams = load_teams(path, bus=bus)
    if name is None and len(teams) == 1:
        return next(iter(teams.values()))
    if name is None or name not in teams:
        from victor.core.catalog import near_matches

        near = near_matches(name or "", teams)
        what = "there are several teams; name one" if name is None else f"there is no team {name!r}"
        hint = f"; did you mean {near[0]!r}?" if near else f": {', '.join(teams)}"
        raise TeamFileError([Problem(path, 1, 1, what + hint)])
    return teams[name]


class _Loader:
    def __init__(self, source: Source, bus: Bus | str | None, here: Container[str]) -> None:
        self.source = source
        self.bus = bus
        self.here = here
        self.folder = Path() if source.path is None else source.path.parent
        self.problems: list[Problem] = []
        self.teams: dict[str, Team] = {}

    def load(self) -> dict[str, Team]:
        if not isinstance(self.source.value, dict):
            self.wrong("$", "a team file begins with the key 'teams'")
            self.stop()
        if "teams" not in self.source.value and isinstance(self.source.value.get("workflows"), dict):
            told = f"this is a workflow file: victor workflow validate {self.source.name}"
            self.wrong("$", f"a team file begins with the key 'teams'; {told}")
            self.stop()
        file = self.decoded()
        for name in self.order(file):
            self.team(name, file.teams[name])
        self.stop()
        return {name: self.teams[name] for name in file.teams}

    def decoded(self) -> TeamFile:
        """The file, without what is wrong in it: that is told, and must not hide what else is wrong."""
        from victor.core.schema import DecodeProblems, decode

        value = copy.deepcopy(self.source.value)
        for again in range(_ROUNDS):
            try:
                file: TeamFile = decode(TeamFile, msgspec.json.encode(value), what="the file")
                return file
            except DecodeProblems as error:
                found = [(split_path(path), path, text) for path, text in error.problems]
            for steps, path, text in found:
                # What is wrong the second time because something was left out after the first is nobody's mistake.
                if not again or _same(value, self.source.value, steps):
                    self.wrong(path, f"{steps[-1] if steps else 'the file'!r} {text}", key="unknown" in text)
            _leave_out(value, [steps for steps, _, _ in found])
        self.stop()
        raise AssertionError("problems were told")

    def wrong(self, path: str, text: str, *, key: bool = False) -> None:
        self.problems.append(self.source.problem(path, text, key=key))

    def stop(self) -> None:
        """Raise when something was wrong."""
        if self.problems:
            raise TeamFileError(self.problems)

    def order(self, file: TeamFile) -> list[str]:
        """The teams, those first that others are made of."""
        done: list[str] = []
        open_: list[str] = []

        def visit(name: str) -> None:
            if name in done:
                return
            open_.append(name)
            for index, member in enumerate(file.teams[name].members):
                if member.type != "team" or member.team is None:
                    continue
                path = f"$.teams.{name}.members[{index}].team"
                if member.team not in file.teams:
                    self.wrong(path, self.unknown("team", member.team, file.teams))
                elif member.team in open_:
                    self.wrong(path, f"the team {member.team!r} would be a member of itself")
                else:
                    visit(member.team)
            open_.remove(name)
            done.append(name)

        for name in file.teams:
            visit(name)
        return done

    def team(self, name: str, spec: TeamSpec) -> None:
        at = f"$.teams.{name}"
        before = len(self.problems)
        members = [self.member(f"{at}.members[{index}]", member, name) for index, member in enumerate(spec.members)]
        pattern = self.pattern(f"{at}.pattern", spec.pattern)
        until = None if spec.until is None else self.until(f"{at}.until", spec.until)
        on_failure = self.on_failure(f"{at}.on_failure", spec.on_failure)
        self.names(at, spec)
        if len(self.problems) > before:
            return
        with self.told(at):
            self.teams[name] = Team(
                [member for member in members if member is not None],
                pattern,
                name=name,
                description=spec.description,
                until=until,
                limits=None if spec.limits is None else _limits(spec.limits),
                on_failure=on_failure,
                sees=spec.sees,
                memory=spec.memory,
                memory_tools=spec.memory_tools,
                seed=spec.seed,
            )
            self.teams[name].pattern_name = spec.pattern if isinstance(spec.pattern, str) else str(spec.pattern["type"])

    def names(self, at: str, spec: TeamSpec) -> None:
        """Who is named must be a member."""
        known = [member.name for member in spec.members]

        def check(place: str, names: Iterable[str]) -> None:
            for name in names:
                if name not in known:
                    self.wrong(place, self.unknown("member", name, known))

        def of_scope(place: str, scope: str | None) -> None:
            kind, _, names = (scope or "").partition(":")
            if kind == "from":
                check(place, (name.strip() for name in names.split(",") if name.strip()))

        def of_until(place: str, until: UntilSpec) -> None:
            check(f"{place}.spoken_by", _several(until.spoken_by))
            check(f"{place}.by", _several(until.by))
            for index, part in enumerate(until.all or ()):
                of_until(f"{place}.all[{index}]", part)

        of_scope(f"{at}.sees", spec.sees)
        for index, member in enumerate(spec.members):
            of_scope(f"{at}.members[{index}].sees", member.sees)
        if spec.until is not None:
            of_until(f"{at}.until", spec.until)
        if not isinstance(spec.on_failure, str):
            check(f"{at}.on_failure", (name for name in spec.on_failure if name != "*"))

    def member(self, at: str, spec: MemberSpec, team: str) -> Any:
        fields = {
            "agent": {"instructions", "model", "tools", "temperature", "max_steps"},
            "human": set(),
            "function": {"function"},
            "team": {"team"},
        }
        for kind, names in fields.items():
            for name in sorted(names - fields[spec.type]):
                if getattr(spec, name) not in (None, "", []):
                    self.wrong(f"{at}.{name}", f"belongs to a member of type {kind!r}, not {spec.type!r}", key=True)
        before = len(self.problems)
        if spec.sees is not None:
            from victor.teams.scope import read_scope

            with self.told(f"{at}.sees"):
                read_scope(spec.sees)
        if not spec.idempotent and not spec.remote:
            self.wrong(f"{at}.idempotent", "idempotent: false goes with remote: true", key=True)
        address = f"{team}/{spec.name}"
        made: Any = None
        with self.told(at):
            elsewhere = spec.remote and address not in self.here
            made = self._elsewhere(spec, address) if elsewhere else getattr(self, f"_{spec.type}")(at, spec)
            if spec.remote and made is not None:
                made.address, made.idempotent = address, spec.idempotent
        return None if len(self.problems) > before else made

    def _elsewhere(self, spec: MemberSpec, address: str) -> Any:
        from victor.teams.remote import RemoteMember

        about = spec.description or spec.instructions.strip().partition("\n")[0]
        return RemoteMember(spec.name, self.bus, address=address, description=about, sees=spec.sees)

    def _agent(self, at: str, spec: MemberSpec) -> Any:
        from victor.core.agent import Agent, resolve_tools
        from victor.core.limits import Limits
        from victor.core.model import ModelSettings
        from victor.core.plugins import get_plugins
        from victor.teams.member import AgentMember

        before = len(self.problems)
        for index, tool in enumerate(spec.tools):
            with self.told(f"{at}.tools[{index}]"):
                resolve_tools([tool], self.folder)
        if spec.model is not None:
            with self.told(f"{at}.model"):
                get_plugins().models.entry(spec.model.partition(":")[0])
        if len(self.problems) > before:
            return None
        agent = Agent(
            spec.instructions,
            name=spec.name,
            description=spec.description,
            model=spec.model,
            tools=resolve_tools(spec.tools, self.folder).values(),
            settings=ModelSettings(temperature=spec.temperature),
            limits=None if spec.max_steps is None else Limits(steps=spec.max_steps),
        )
        return AgentMember(agent, sees=spec.sees)

    def _human(self, at: str, spec: MemberSpec) -> Any:
        from victor.teams.member import Human

        return Human(spec.name, description=spec.description or "a person", sees=spec.sees)

    def _function(self, at: str, spec: MemberSpec) -> Any:
        from victor.teams.member import FunctionMember

        if spec.function is None:
            self.wrong(at, "a member of type 'function' needs the key 'function'")
            return None
        function = self.function(f"{at}.function", spec.function)
        return None if function is None else FunctionMember(
            function, name=spec.name, description=spec.description, sees=spec.sees
        )  # fmt: skip

    def _team(self, at: str, spec: MemberSpec) -> Any:
        from victor.teams.subteam import SubTeam

        if spec.team is None:
            self.wrong(at, "a member of type 'team' needs the key 'team'")
            return None
        if spec.team not in self.teams:
            return None  # told where it is unknown or wrong itself
        return SubTeam(self.teams[spec.team], name=spec.name, description=spec.description, sees=spec.sees)

    def pattern(self, at: str, given: str | dict[str, Any]) -> Any:
        from victor.teams.pattern import Pattern, named_pattern, resolve_pattern

        name: Any = given if isinstance(given, str) else given.get("type")
        if not isinstance(name, str):
            self.wrong(at, "a pattern is a name, or a mapping with 'type: name'")
            return None
        options = {} if isinstance(given, str) else {key: value for key, value in given.items() if key != "type"}
        found: Any = None
        with self.told(at if isinstance(given, str) else f"{at}.type"):
            found = named_pattern(name)
        if not (isinstance(found, type) and issubclass(found, Pattern)):
            return None
        settings = attrs.fields_dict(found) if attrs.has(found) else {}
        for key in options:
            if key not in settings or not settings[key].init:
                known = [name for name, one in settings.items() if one.init]
                self.wrong(f"{at}.{key}", self.unknown("setting", key, known), key=True)
        made = {}
        for key, value in options.items():
            if key in settings:
                made[key] = self.setting(f"{at}.{key}", settings[key], value)
        with self.told(at):
            return resolve_pattern(found, made)
        return None

    def setting(self, at: str, field: Any, value: Any) -> Any:
        if field.name == "patterns" and isinstance(value, Mapping):
            return {name: self.pattern(f"{at}.{name}", one) for name, one in value.items()}
        if "Callable" in str(field.type) and isinstance(value, str) and ":" in value:
            return self.function(at, value)
        return value

    def until(self, at: str, spec: UntilSpec) -> Any:
        from victor.teams import termination as t

        made: list[t.Condition] = []
        with self.told(at):
            if spec.by is not None and spec.text_mention is None:
                self.wrong(f"{at}.by", "goes with text_mention", key=True)
            if spec.max_turns is not None:
                made.append(t.MaxTurns(spec.max_turns))
            if spec.max_tokens is not None:
                made.append(t.MaxTokens(spec.max_tokens))
            if spec.timeout_s is not None:
                made.append(t.Timeout(spec.timeout_s))
            if spec.text_mention is not None:
                made.append(t.TextMention(spec.text_mention, by=_several(spec.by)))
            if spec.said is not None:
                made.append(t.Said(spec.said))
            if spec.spoken_by is not None:
                made.append(t.SpokenBy(*_several(spec.spoken_by)))
            if spec.handoff is not None:
                made.append(t.Handoff(spec.handoff))
            if spec.all:
                parts = [self.until(f"{at}.all[{index}]", part) for index, part in enumerate(spec.all)]
                whole = parts[0]
                for part in parts[1:]:
                    whole = whole & part
                made.append(whole)
            if not made:
                self.wrong(at, "says nothing; give a condition such as max_turns: 6")
                return None
            condition = made[0]
            for other in made[1:]:
                condition = condition | other
            return condition
        return None

    def on_failure(self, at: str, given: Any) -> Any:
        from victor.teams.failure import OnFailure

        if isinstance(given, str):
            return given
        made = {}
        for name, one in given.items():
            with self.told(f"{at}.{name}"):
                policy = one if isinstance(one, OnFailureSpec) else OnFailureSpec(one)
                made[name] = OnFailure(policy.then, policy.retries, policy.backoff_s, policy.stand_in)
        return made

    def function(self, at: str, name: str) -> Any:
        with self.told(at):
            return load_object(name, self.folder)
        return None

    def told(self, at: str) -> _Told:
        return _Told(self, at)

    def unknown(self, what: str, name: str, known: Any) -> str:
        from victor.core.catalog import near_matches

        near = near_matches(name, known)
        there = ", ".join(known) or "none"
        return f"unknown {what} {name!r}" + (f"; did you mean {near[0]!r}?" if near else f"; there is: {there}")


class _Told:
    """Turns an error inside a ``with`` block into a problem at a place of the file."""

    def __init__(self, loader: _Loader, at: str) -> None:
        self.loader = loader
        self.at = at

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, VictorError) and not isinstance(error, YamlFileError):
            self.loader.wrong(self.at, str(error))
            return True
        return False


def _leave_out(value: Any, paths: list[list[str | int]]) -> None:
    """Take away the values at these paths; for a key that is missing, what misses it."""
    there = [path for path in paths if _has(value, path)]
    without = {tuple(path[:-1]) for path in paths if path not in there}
    # From the end, so that the places of what stands before stay as they are.
    for path in (*reversed(there), *sorted(without, key=str, reverse=True)):
        if path and _has(value, path):
            del _at(value, path[:-1])[path[-1]]


def _at(value: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        value = value[step]
    return value


def _same(value: Any, original: Any, path: Sequence[str | int]) -> bool:
    return _has(value, path) and _has(original, path) and bool(_at(value, path) == _at(original, path))


def _has(value: Any, path: Sequence[str | int]) -> bool:
    try:
        _at(value, path)
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _limits(spec: LimitsSpec) -> Any:
    from victor.teams.limits import TeamLimits

    return TeamLimits(**{name: getattr(spec, name) for name in TeamLimits.__struct_fields__})


def _several(names: str | list[str] | None) -> tuple[str, ...]:
    return () if names is None else (names,) if isinstance(names, str) else tuple(names)


def iter_files(folder: Path) -> Iterator[Path]:
    """The team files in a folder and one level below: YAML with the key ``teams`` at its outermost level."""
    for path in sorted([*folder.glob("*.y*ml"), *folder.glob("*/*.y*ml")]):
        try:
            head = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            continue
        if any(line.startswith("teams:") for line in head.splitlines()):
            yield path
