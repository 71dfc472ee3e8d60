"""The hook reference names every hook with its signature, and the event reference every kind."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from victor.core import hookspecs
from victor.core.events import KINDS
from victor.core.plugins import HOOKS

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"

pytestmark = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="not applicable: the documentation is not beside the package"
)


SPECIFIED = [name for name in vars(hookspecs) if name.startswith("victor_")]


@pytest.mark.parametrize("hook", SPECIFIED)
def test_every_hook_has_a_section_with_its_signature_its_meaning_and_an_example_that_runs(hook):
    page = (REFERENCE / "hooks.md").read_text(encoding="utf-8")
    signature = f"{hook}({', '.join(inspect.signature(getattr(hookspecs, hook)).parameters)})"
    _, heading, rest = page.partition(f"## `{signature}`")
    assert heading, f"docs/reference/hooks.md has no section '{signature}'"
    section = rest.partition("\n## ")[0]
    meaning, _, example = section.partition("```python\n")
    assert len(meaning.split()) > 5
    code, _, after = example.partition("```\n")
    assert f"def {signature}:" in code
    assert f"plugin({hook})" in code
    assert "not run:" not in section
    assert after.strip().startswith("```text\n"), "what the example prints is shown, and compared"


def test_no_section_describes_a_hook_there_is_not():
    page = (REFERENCE / "hooks.md").read_text(encoding="utf-8")
    described = {line[4:].partition("(")[0] for line in page.splitlines() if line.startswith("## `victor_")}
    assert described == set(SPECIFIED) == {*HOOKS, "victor_adjust_tool"}


def test_every_kind_of_event_is_listed_with_its_meaning():
    page = (REFERENCE / "events.md").read_text(encoding="utf-8")
    table = page.partition("\n## Kinds\n")[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| `")]
    listed = {row[0].split("`")[1]: row[1] for row in rows}
    own = {kind for kind in listed if kind.startswith("tools.")}  # of a plugin, which has a prefix of its own
    assert set(listed) - own == set(KINDS)
    for kind, meaning in KINDS.items():
        assert listed[kind].startswith(meaning)
