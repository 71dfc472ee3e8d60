"""Changes of one value in a JSON text: right, and nothing else is touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from victor.tools.data.edit import REMOVED, change
from victor.tools.data.json_text import removed, replaced

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20)  # fmt: skip
documents = st.lists(values, max_size=5) | st.dictionaries(st.text(), values, max_size=5)


def places(value: Any, here: tuple[Any, ...] = ()) -> list[list[Any]]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [[*here]] if here else []
    for key, inner in below:
        found += places(inner, (*here, key))
    return found


@pytest.mark.slow
@given(documents, values, st.data(), st.sampled_from([None, 0, 2, "\t"]), st.booleans())
def test_what_is_set_or_removed_is_what_python_would_set(
    document: Any, value: Any, data: st.DataObject, indent: Any, remove: bool
) -> None:
    steps_of_all = places(document)
    if not steps_of_all:
        return
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    steps = data.draw(st.sampled_from(steps_of_all))
    at = expected = json.loads(text)
    for step in steps[:-1]:
        at = at[step]
    if remove:
        del at[steps[-1]]
    else:
        at[steps[-1]] = value
    changed = removed(text, steps) if remove else replaced(text, steps, value)
    assert changed is not None and json.loads(changed) == expected


@pytest.mark.slow
@given(st.dictionaries(st.text(), values, max_size=4), st.text(), values, st.sampled_from([None, 2]))
def test_what_is_added_is_there(document: dict[str, Any], key: str, value: Any, indent: Any) -> None:
    changed = replaced(json.dumps(document, indent=indent), [key], value)
    assert changed is not None and json.loads(changed) == {**document, key: value}
    appended = replaced(json.dumps([*document.values()], indent=indent), [len(document)], value)
    assert appended is not None and json.loads(appended) == [*document.values(), value]


@pytest.mark.parametrize(
    ("text", "place", "value", "expected"),
    [
        ('{"a": 1.10, "b":2, "b":3, "c": 1e5}', "c", 7, '{"a": 1.10, "b":2, "b":3, "c": 7}'),
        ('{"a": 1.10}', "x", "y", '{"a": 1.10, "x": "y"}'),
        ('{\n    "a": 1,\n    "b": [1]\n}\n', "b[1]", 2, '{\n    "a": 1,\n    "b": [1, 2]\n}\n'),
        ('{\n    "a": 1\n}\n', "b", {"c": 2}, '{\n    "a": 1,\n    "b": {\n        "c": 2\n    }\n}\n'),
        ('{"a": 1, "b": 2}', "a", REMOVED, '{"b": 2}'),
        ("{}", "a.b", 1, '{"a": {"b": 1}}'),
    ],
)
def test_the_rest_stays(text: str, place: str, value: Any, expected: str) -> None:
    assert change(text, "json", place, value, "x.json") == expected


def test_a_key_that_is_there_twice_is_told(tmp_path: Path, call: Any) -> None:
    from victor.tools.data.kit import Data

    (tmp_path / "x.json").write_text('{"b":2, "b":3}')
    made = next(t for t in Data(tmp_path).tools() if t.name == "data_set")
    assert (
        "the key 'b' is there 2 times; change it with files_edit" in call(made, path="x.json", place="b", value=1).text
    )
