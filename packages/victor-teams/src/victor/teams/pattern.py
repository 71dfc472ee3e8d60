"""What a coordination protocol is: a class with one async method.

This is a whole one; an entry in the hook ``victor_register_coordination_protocols`` gives it a name::

    @frozen
    class Twice(Pattern):
        \"\"\"Everybody speaks twice.\"\"\"

        async def run(self, session):
            for _ in range(2):
                for member in session.members:
                    await session.ask(member)
            return session.last.text

A run that was broken off is resumed by calling ``run`` again, with recorded turns in place of new ones
(`victor.teams.journal`); so a pattern must ask the same when it is answered the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from victor.core.errors import ConfigurationError, PluginError, UnknownNameError

if TYPE_CHECKING:
    from victor.core.topology import Topology
    from victor.teams.member import Member
    from victor.teams.session import Session

__all__ = ["Pattern", "named_pattern", "resolve_pattern"]


class Pattern:
    """A way for the members of a team to work together. Its fields are its settings, also in files.

    Attributes:
        name: What it is called in files and events; set when it is found by name.
        sees: What members see where neither they nor the team say (see `victor.teams.scope`).
    """

    name: ClassVar[str] = ""
    sees: ClassVar[str] = "all"

    async def run(self, session: Session) -> Any:
        """Let the members work; returns the outcome.

        Args:
            session: The run.
        """
        raise NotImplementedError

    def conclude(self, session: Session) -> Any:
        """The outcome when a condition ends the run: by default what was said last."""
        last = session.last
        return None if last is None else last.text if last.data is None else last.data

    def check(self, members: Mapping[str, Member]) -> Iterable[str]:
        """What is wrong with these members for this pattern, such as a name that nobody has."""
        return ()

    def topology(self, members: Mapping[str, Member]) -> Topology:
        """A picture of who passes work to whom; by default a row."""
        from victor.teams.picture import row

        return row(members)


def named_pattern(name: str) -> Any:
    """What is registered under the name of a pattern.

    Raises:
        UnknownNameError: Nothing is.
    """
    from victor.core.plugins import get_plugins

    try:
        return get_plugins().coordination_protocols.get(name)
    except UnknownNameError as error:  # in the word that files and programs have for it
        said = str(error).replace("coordination protocol", "pattern")
        raise UnknownNameError(said, name=error.name, suggestions=error.suggestions) from None


def resolve_pattern(pattern: str | Pattern | type[Pattern], options: Mapping[str, Any] | None = None) -> Pattern:
    """A pattern from its name in the catalog, its class, or itself.

    Args:
        pattern: Such as ``"debate"``.
        options: Its settings, where it is given by name or class.

    Raises:
        UnknownNameError: The name is in no catalog.
        ConfigurationError: A setting is unknown or wrong.
        PluginError: What is registered under the name is no pattern.
    """
    if isinstance(pattern, Pattern):
        if options:
            raise ConfigurationError("settings go into the pattern itself, such as Debate(rounds=3)")
        return pattern
    if isinstance(pattern, str):
        found = named_pattern(pattern)
    else:
        found = pattern
    if not (isinstance(found, type) and issubclass(found, Pattern)):
        raise PluginError(f"the coordination protocol {pattern!r} is no Pattern class but {found!r:.100}")
    try:
        return found(**dict(options or {}))
    except TypeError as error:
        import attrs

        known = [field.name for field in attrs.fields(found)] if attrs.has(found) else []
        has = f"; its settings are: {', '.join(known)}" if known else ""
        name = pattern if isinstance(pattern, str) else found.name or found.__name__
        needed = [field.name for field in attrs.fields(found) if _required(field)] if attrs.has(found) else []
        missing = [setting for setting in needed if setting not in (options or {})]
        if missing and not {*(options or {})} - {*known}:
            python, file = (", ".join(f"{one}{sep}..." for one in missing) for sep in ("=", ": "))
            raise ConfigurationError(
                f"pattern {name!r} needs {' and '.join(map(repr, missing))}: {found.__name__}({python}), "
                f"or in a file {{type: {name}, {file}}}{has}"
            ) from None
        raise ConfigurationError(f"pattern {name!r}: {error}{has}") from None


def _required(field: Any) -> bool:
    import attrs

    return bool(field.init and field.default is attrs.NOTHING)
