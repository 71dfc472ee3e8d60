"""What docstrings say of a tool."""

from __future__ import annotations

import pytest

from victor.core.docstring import parse_docstring

ARGUMENTS = {
    "google": "Args:\n    x: What.\n",
    "numpy": "Parameters\n----------\nx : int\n    What.\n",
    "rest": ":param x: What.\n",
}


@pytest.mark.parametrize("style", ARGUMENTS)
@pytest.mark.parametrize("summary", ["One line.", "A summary\non two lines.", "One line.\n\nMore of it,\non two."])
def test_the_text_before_the_sections_stays_as_it_is_written(style, summary):
    found = parse_docstring(f"{summary}\n\n{ARGUMENTS[style]}")
    assert found.summary == summary
    assert found.parameters == {"x": "What."}


@pytest.mark.parametrize("text", [None, "", "  \n "])
def test_none_is_nothing(text):
    assert parse_docstring(text).summary == ""
