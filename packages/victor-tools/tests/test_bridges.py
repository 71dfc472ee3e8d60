"""Tools written for something else: LangChain, plain schemas, victor-ai's classes, functions and registries."""

from __future__ import annotations

import asyncio
import warnings
from typing import Any

import pytest

from victor.core.errors import ConfigurationError
from victor.core.tool import CostTier, Tool, as_tool
from victor.tools import UnifiedToolRegistry
from victor.tools.base import BaseTool as OldBaseTool
from victor.tools.base import ToolResult as OldResult
from victor.tools.bridges import adapt, from_schema, to_schema
from victor.tools.bridges.registries import SharedToolRegistry, ToolMetadataRegistry, ToolRegistry


class Shout(OldBaseTool):
    name = "shout"
    description = "Say it loud."
    parameters = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}

    async def execute(self, _exec_ctx: dict[str, Any], **kwargs: Any) -> OldResult:
        if kwargs["text"] == "":
            return OldResult(success=False, error="nothing to say")
        return OldResult(success=True, output=kwargs["text"].upper())


def test_an_old_class_works_unchanged_and_warns_once(call: Any) -> None:
    with pytest.warns(DeprecationWarning, match=r"Shout is a tool of the older kind; .*victor tools migrate"):
        made = as_tool(Shout())
    assert made.metadata.source == "victor-ai"
    assert call(made, text="hi").text == "HI"
    failed = call(made, text="")
    assert not failed.ok and failed.text == "nothing to say"
    assert "$.text: is required" in call(made).text
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert adapt(Shout()).name == "shout"


def test_objects_as_the_old_decorator_leaves_them(call: Any) -> None:
    class Inner:
        name, description = "twice", "Twice."
        parameters: dict[str, Any] = {"type": "object", "properties": {"x": {"type": "integer"}}}
        cost_tier = CostTier.MEDIUM
        metadata = type("M", (), {"danger_level": "critical", "keywords": ["double"], "category": "maths"})()
        is_idempotent = True

        def execute(self, **kwargs: Any) -> int:
            return int(kwargs["x"]) * 2

    def twice(x: int) -> int:
        return x * 2

    twice._is_tool, twice.Tool = True, Inner()  # type: ignore[attr-defined]
    with pytest.warns(DeprecationWarning, match="older kind"):
        made = adapt(twice)
    assert call(made, x=4).value == 8
    metadata = made.metadata
    assert (metadata.id, metadata.cost_tier, metadata.keywords) == ("maths.twice", CostTier.MEDIUM, ("double",))
    assert metadata.requires_approval is True and metadata.idempotent


def test_the_old_decorator_takes_its_options() -> None:
    from victor.tools import decorators

    decorators._warned.clear()
    with pytest.warns(DeprecationWarning, match=r"is now victor\.tools\.tool"):

        @decorators.tool(
            category="old", keywords=["a"], mandatory_keywords=["b"], aliases=["c"], danger_level="HIGH", priority=1, stages=["x"],
            access_mode="READONLY",
        )  # fmt: skip
        def an_old_function(x: int) -> int:
            """Old."""
            return x

    try:
        metadata = as_tool(an_old_function).metadata
        assert metadata.keywords == ("a", "b", "c") and metadata.requires_approval is True and metadata.idempotent
        assert an_old_function(3) == 3
        bare = decorators.tool(lambda_free)
        assert as_tool(bare).name == "lambda_free"
    finally:
        for name in ("old.an_old_function", "custom.lambda_free"):
            UnifiedToolRegistry.get_instance().unregister(name)


def lambda_free(x: int) -> int:
    """Plain."""
    return x


def test_the_three_registries_by_their_old_names() -> None:
    from victor.tools import metadata_registry, registry

    assert registry.ToolRegistry is ToolRegistry and metadata_registry.ToolMetadataRegistry is ToolMetadataRegistry
    ToolRegistry._warned.clear()
    with pytest.warns(DeprecationWarning, match="ToolRegistry is now UnifiedToolRegistry"):
        old = ToolRegistry()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        old.register_tool(Shout())
        old.register(lambda_free, enabled=False)
        assert [t.name for t in old.list_tools()] == ["shout"]
        assert len(old.list_tools(only_enabled=False)) == 2
        assert old.enable_tool("lambda_free") and old.is_tool_enabled("lambda_free")
        assert old.disable_tool("lambda_free") and not old.disable_tool("nothing")
        assert old.get("shout") is not None and old.get("nothing") is None
        assert old.get_tool_cost("shout") is CostTier.FREE and old.get_tool_cost("x") is None
        assert [t.name for t in old.get_tools_by_cost(CostTier.LOW)] == ["shout"]
        assert old.get_tool_schemas()[0]["function"]["name"] == "shout"
        assert asyncio.run(old.execute("shout", {}, text="a")).text == "A"
        assert old.unregister("shout") and not old.unregister("shout")

        metadata = ToolMetadataRegistry()
        metadata.register_all([Shout(), lambda_free])
        assert metadata.get_all_tool_names() == {"shout", "lambda_free"} == set(metadata.get_all())
        assert metadata.get_metadata("shout").description == "Say it loud."  # type: ignore[union-attr]
        assert metadata.get_all_categories() == {"custom"} and metadata.get_tools_by_category("custom") == {
            "shout",
            "lambda_free",
        }
        assert metadata.get_by_category("none") == [] and metadata.get_by_keyword("x") == []
        assert metadata.get_tools_by_keywords(["x"]) == set() and metadata.get_idempotent_tools() == set()
        assert metadata.get_tools_matching_text("say something loud") == {"shout"}

        shared = SharedToolRegistry.get_instance()
        assert "files_read" in shared.get_tool_names() and "http_fetch" not in shared.get_tool_names(
            airgapped_mode=True
        )
        assert shared.create_tool_instance("files.read").name == "files_read"  # type: ignore[union-attr]
        assert [t.name for t in shared.get_tools_for_names(["files.read", "nothing"])] == ["files_read"]


SCHEMAS = [
    {"type": "function", "function": {"name": "add", "description": "Add.", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}},
    {"type": "function", "name": "add", "description": "Add.", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}},
    {"name": "add", "description": "Add.", "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}}},
    {"name": "add", "description": "Add.", "inputSchema": {"type": "object", "properties": {"a": {"type": "integer"}}}},
]  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "style"), list(zip(SCHEMAS, ["openai", "responses", "anthropic", "mcp"], strict=True))
)
def test_schemas_of_others_there_and_back(schema: dict[str, Any], style: Any, call: Any) -> None:
    made = from_schema(schema, lambda a: a + 1, category="maths")
    assert call(made, a="4").value == 5
    assert made.metadata.category == "maths"
    assert to_schema(made, style) == schema


def test_a_tool_definition_as_pydantic_ai_has_it() -> None:
    class ToolDefinition:
        name = "add"
        description = None
        parameters_json_schema = {"type": "object", "properties": {}}

    assert from_schema(ToolDefinition(), len).name == "add"
    with pytest.raises(ConfigurationError, match="the tool .x. has no parameters"):
        from_schema({"name": "x"}, len)


def test_langchain(call: Any) -> None:
    tools = pytest.importorskip("langchain_core.tools", reason="pip install langchain-core")

    @tools.tool
    def multiply(a: int, b: int = 2) -> int:
        """Multiply two numbers."""
        return a * b

    @tools.tool
    async def later(text: str) -> str:
        """Later."""
        return text[::-1]

    made = adapt(multiply, category="maths")
    assert made.metadata.id == "maths.multiply" and "Multiply two numbers" in made.description
    assert "title" not in made.parameters and made.parameters["required"] == ["a"]
    assert call(made, a=3).value == 6
    assert call(adapt(later), text="abc").value == "cba"
    assert not call(made, a="x").ok


def test_what_is_no_tool() -> None:
    with pytest.raises(ConfigurationError, match="is no tool that is known here"):
        adapt(42)
    made = as_tool(lambda_free)
    assert adapt(made) is made
    assert isinstance(adapt(lambda_free), Tool)


def test_schemas_without_parameters_and_those_that_are_none() -> None:
    for schema in ({"type": "function", "name": "now"}, {"type": "function", "function": {"name": "now"}}):
        made = from_schema(schema, lambda: 1)
        assert asyncio.run(made.call("{}")).value == 1
    with pytest.raises(ConfigurationError, match="the parameters of the tool 'x' are of type 'string'"):
        from_schema({"name": "x", "parameters": {"type": "string"}}, lambda: 1)
    with pytest.raises(ConfigurationError, match="the schema of the tool 'x' has no parameters"):
        from_schema({"name": "x"}, lambda: 1)
    with pytest.raises(ConfigurationError, match="tool name 'a b': use letters"):
        from_schema({"name": "a b", "parameters": {"type": "object"}}, lambda: 1)
    with pytest.raises(ConfigurationError, match="style 'nope': it is one of 'openai'"):
        to_schema(made, "nope")  # type: ignore[arg-type]
