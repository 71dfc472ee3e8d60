"""Fixtures for pytest, there as soon as victor-core is installed (``-p no:victor`` switches them off).

Nothing of Victor is imported before a fixture is used, and no plugin is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from victor.core.models.scripted import ScriptedModel
    from victor.core.plugins import Plugins
    from victor.core.testing.events import EventList

__all__ = ["scripted_model", "victor_events", "victor_plugins"]


@pytest.fixture
def scripted_model(request: pytest.FixtureRequest) -> Iterator[Callable[..., ScriptedModel]]:
    """A function that makes a `ScriptedModel` of the answers it is given.

    No real provider can be asked while it is used. At the end of a test that passed, answers nobody asked for
    are an error: the agent did less than the script says.

    Example::

        def test_greeting(scripted_model):
            assert Agent(model=scripted_model("Hello.")).run_sync("hi").output == "Hello."
    """
    from victor.core.models.scripted import ScriptedModel
    from victor.core.testing.providers import block_models

    made: list[tuple[ScriptedModel, bool]] = []
    failed = request.session.testsfailed

    def make(*answers: Any, **options: Any) -> ScriptedModel:
        model = ScriptedModel(answers, **options)
        made.append((model, bool(options.get("repeat"))))
        return model

    with block_models():
        yield make
    for model, repeat in made:
        if model.remaining and not repeat and request.session.testsfailed == failed:
            pytest.fail(f"{model.id}: {model.remaining} of its answers were never asked for", pytrace=False)


@pytest.fixture
def victor_events() -> Iterator[EventList]:
    """What happens during the test, contents too, on an event stream of its own in place of the default one."""
    from victor.core.events import EventStream, set_stream
    from victor.core.testing.events import capture_events

    stream = EventStream()
    before = set_stream(stream)
    try:
        with capture_events(stream=stream, content=True) as events:
            yield events
    finally:
        set_stream(before)


@pytest.fixture
def victor_plugins() -> Iterator[Plugins]:
    """A plugin manager with nothing but core in it; ``victor_plugins.register(module)`` adds yours."""
    from victor.core.testing.plugins import isolated_plugins

    with isolated_plugins() as plugins:
        yield plugins
