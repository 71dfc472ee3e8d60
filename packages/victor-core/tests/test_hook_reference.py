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


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_section_with_its_signature_and_an_example(hook):
    page = (REFERENCE / "hooks.md").read_text(encoding="utf-8")
    signature = f"{hook}({', '.join(inspect.signature(getattr(hookspecs, hook)).parameters)})"
    _, heading, rest = page.partition(f"## `{signature}`")
    assert heading, f"docs/reference/hooks.md has no section '{signature}'"
    assert f"def {signature}:" in rest.partition("\n## ")[0]


def test_no_section_describes_a_hook_there_is_not():
    page = (REFERENCE / "hooks.md").read_text(encoding="utf-8")
    described = {line[4:].partition("(")[0] for line in page.splitlines() if line.startswith("## `victor_register")}
    assert described == set(HOOKS)


def test_every_kind_of_event_is_listed_with_its_meaning():
    page = (REFERENCE / "events.md").read_text(encoding="utf-8")
    listed = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    assert listed == set(KINDS)
