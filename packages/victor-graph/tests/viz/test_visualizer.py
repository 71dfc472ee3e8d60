"""The face of the pictures: StateGraphVisualizer, the table of renderers, the lazy package."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from inspect import signature
from typing import Any

import pytest

from victor.core.errors import ConfigurationError
from victor.core.topology import Edge, Node, Topology
from victor.graph.viz import RENDERERS, Highlights, StateGraphVisualizer
from victor.graph.viz.renderers import Renderer

STEPS = Topology([Node("a"), Node("b")], [Edge("a", "b", "next")])


class Graph:
    def topology(self) -> Topology:
        return STEPS


METHODS = [
    ("to_mermaid", "mermaid"),
    ("to_dot", "dot"),
    ("to_ascii", "unicode"),
    ("to_svg", "svg"),
    ("to_png", "png"),
    ("to_json", "json"),
]


def renderer(name: str) -> Any:
    module, _, function = RENDERERS[name].partition(":")
    return getattr(import_module(module), function)


@pytest.mark.parametrize(("method", "name"), METHODS)
@pytest.mark.parametrize("graph", [STEPS, Graph()])
def test_each_method_draws_graphs_and_topologies_as_its_renderer_does(method: str, name: str, graph: Any) -> None:
    if name == "png":
        pytest.importorskip("resvg_py", reason="resvg-py is not installed: pip install 'victor-graph[png]'")
    run = Highlights(visited="a", timings={"a": 5})
    picture = getattr(StateGraphVisualizer, method)(graph, highlights=run, direction="LR")
    assert picture == renderer(name)(STEPS, highlights=run, direction="LR")


def test_ascii_can_be_had_without_unicode() -> None:
    assert StateGraphVisualizer.to_ascii(Graph(), unicode=False, width=80) == renderer("ascii")(STEPS, width=80)


@pytest.mark.parametrize("thing", [None, "graph", Graph, object()])
def test_what_cannot_be_drawn_is_told(thing: Any) -> None:
    with pytest.raises(ConfigurationError, match="no method topology"):
        StateGraphVisualizer.to_svg(thing)


def test_a_topology_method_that_returns_something_else_is_told() -> None:
    class Wrong:
        def topology(self) -> str:
            return "a -> b"

    with pytest.raises(ConfigurationError, match="cannot draw Wrong"):
        StateGraphVisualizer.to_mermaid(Wrong())  # type: ignore[arg-type]


@pytest.mark.parametrize("name", sorted(RENDERERS))
def test_every_renderer_is_called_the_same_way(name: str) -> None:
    wanted = signature(Renderer.__call__).parameters
    got = signature(renderer(name)).parameters
    assert [(p.name, p.kind, p.default) for p in got.values()] == [
        (p.name, p.kind, p.default) for p in wanted.values() if p.name != "self"
    ]


def test_the_face_knows_its_names_and_no_others() -> None:
    import victor.graph.viz as face

    assert set(face.__all__) <= set(dir(face))
    for name in face.__all__:
        assert getattr(face, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = face.nothing


def test_importing_the_face_imports_no_renderer_and_no_heavy_library() -> None:
    code = (
        "import sys, victor.graph.viz as v; v.RENDERERS; v.Highlights;"
        "heavy = {'resvg_py', 'networkx', 'yaml', 'jinja2', 'rich', 'numpy'} & set(sys.modules);"
        "drawn = [m for m in sys.modules if m.startswith('victor.graph.viz.') and m.rsplit('.', 1)[1] in"
        " ('layout', 'svg', 'ascii', 'mermaid', 'dot', 'png')]; print(sorted(heavy), drawn)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[] []"
