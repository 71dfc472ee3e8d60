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

from victor.core.errors import ConfigurationError, PluginError

if TYPE_CHECKING:
    from victor.core.topology import Topology
    from victor.teams.member import Member
    from victor.teams.session import Session

__all__ = ["Pattern", "resolve_pattern"]


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
        from victor.core.plugins import get_plugins

        found = get_plugins().coordination_protocols.get(pattern)
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
        raise ConfigurationError(f"pattern {found.name or found.__name__!r}: {error}{has}") from None
