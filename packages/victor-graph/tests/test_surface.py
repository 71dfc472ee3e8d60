"""Every public name and argument of LangGraph's Graph API is here, or is on the list of what is absent.

``compat/surface.json`` is what LangGraph has. With ``VICTOR_PEERS_PYTHON`` naming a Python that has langgraph, the table is
compared with it, and with ``VICTOR_RECORD=1`` made anew.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from victor.graph.starting import OPTIONS

TABLE: Final = Path(__file__).with_name("compat") / "surface.json"
SCRIPT: Final = Path(__file__).with_name("langgraph_surface.py")
GUIDE: Final = Path(__file__).parents[3] / "docs" / "guides" / "coming-from-langgraph.md"
LANGGRAPH: Final[dict[str, Any]] = json.loads(TABLE.read_text())

RUNNABLE: Final = set(
    "as_tool assign astream_log atransform bind config_specs get_prompts map pick pipe transform "
    "with_alisteners with_fallbacks with_listeners with_retry with_types".split()
)
ABSENT_METHODS: Final[dict[str, set[str]]] = {
    "CompiledStateGraph": RUNNABLE
    | {"InputType", "OutputType", "input_schema", "output_schema", "get_input_schema", "get_output_schema"}
    | {"config_schema", "get_config_jsonschema", "stream_events"}
    | {"attach_branch", "attach_edge", "attach_node", "validate"}
    | {"stream_channels", "stream_channels_asis", "stream_channels_list", "stream_eager", "stream_mode"}
    | {"cache_policy", "retry_policy", "step_timeout"},
    "Runtime": {"merge", "patch_execution_info", "server_info"},
    "ExecutionInfo": {"run_id", "node_first_attempt_time", "patch"},
}
ABSENT_NAMES: Final = {
    "the platform": {"BaseUser", "ServerInfo"},
    "tracing by LangSmith": {"TracePolicy", "omit_payload"},
    "types of parts and payloads": {
        *(f"{kind}StreamPart" for kind in ("Checkpoint", "Custom", "Debug", "Messages", "Tasks", "Updates", "Values")),
        *("StreamPart", "CheckpointPayload", "CheckpointTask", "DebugPayload", "TaskPayload", "TaskResultPayload"),
        "PregelExecutableTask",
    },
    "what checkpointers are made of": {
        *("Checkpoint", "CheckpointMetadata", "CheckpointTuple", "DeltaChannelHistory", "PersistentDict"),
        *("SerializerProtocol", "get_checkpoint_id", "get_checkpoint_metadata", "ensure_valid_checkpointer"),
        *("ValueT", "writes_sort_key"),
    },
    "what stores are made of": {"ensure_embeddings", "get_text_at_path", "tokenize_path", "validate_op_namespace"},
    "errors of the inside": {"EmptyChannelError", "ErrorCode", "TaskNotFound"},
    "deprecated": {"MessageGraph", "NodeInterrupt", "ValidationNode", "create_react_agent"},
    "tools of LangChain": {"InjectedState", "InjectedStore", "ToolCallTransformer", "ToolNode", "ToolRuntime"}
    | {"tools_condition"},
    "checks of answers": {"is_invalid_resume"},
}
ABSENT_ARGUMENTS: Final[dict[str, set[str]]] = {
    "StateGraph.add_node": {"trace_policy"},
    "StateGraph.compile": {"transformers"},
    "CompiledStateGraph.update_state": {"task_id"},
    "CompiledStateGraph.aupdate_state": {"task_id"},
    "CompiledStateGraph.astream_events": {"transformers"},
    "StateUpdate": {"task_id"},
    "add_messages": {"left", "right"},
    "interrupt": {"response_schema"},
    "Interrupt": {"response_schema", "id"},
    "Overwrite": {"type"},
    "InMemoryStore": {"index"},
    "GetOp": {"refresh_ttl"},
    "SearchOp": {"refresh_ttl"},
    "PutOp": {"ttl"},
    **{name: {"serde"} for name in ("BaseCache", "BaseCheckpointSaver", "InMemoryCache")},
    **{name: {"serde", "factory"} for name in ("InMemorySaver", "MemorySaver")},
    "Runtime": {"server_info", "heartbeat"},
    "GraphOutput": {"value", "interrupts"},
    "ExecutionInfo": {"run_id", "node_first_attempt_time", "checkpoint_id", "checkpoint_ns"},
    "NodeTimeoutError": {"elapsed", "kind", "idle_timeout", "run_timeout", "node"},
    "NodeCancelledError": {"node"},
    "UnknownInterruptError": {"reason", "interrupt_ids"},
}
CLASSES: Final = {"CompiledStateGraph": "CompiledGraph", "BaseStore": "Store"}
MADE_BY_US: Final = {"PregelTask", "StateSnapshot", "ExecutionInfo", "GraphOutput"}
"""Only the engine makes these, so the order of their arguments is nobody's affair."""


def find(name: str) -> Any:
    for module in ("victor.graph", "victor.graph.store"):
        found = getattr(importlib.import_module(module), name, None)
        if found is not None:
            return found
    pytest.fail(f"victor.graph has no {name!r}")


def compare(where: str, theirs: dict[str, list[Any]], ours: Any, *, order: bool = True) -> None:
    """Our arguments are theirs, by name, order and default."""
    absent = ABSENT_ARGUMENTS.get(where, set())
    wanted = {name: (kind, default) for name, (kind, default) in theirs.items() if not kind.startswith("VAR_")}
    wanted = {name: one for name, one in wanted.items() if name not in absent and not name.startswith("__")}
    if isinstance(ours, type) and issubclass(ours, Exception) and "__init__" not in vars(ours):
        return  # takes a text, as any error
    own = {name: p for name, p in inspect.signature(ours).parameters.items() if name not in ("self", "cls")}
    takes_options = any(p.kind is p.VAR_KEYWORD for p in own.values())
    missing = [name for name in wanted if name not in own and not (takes_options and name in OPTIONS)]
    assert not missing, f"{where} lacks {missing}"
    for name, (_, default) in wanted.items():
        if name in own and default not in (None, "..."):
            assert repr(own[name].default) == default, f"{where}({name}=)"
        elif name in own and default is None:
            assert own[name].default in (inspect.Parameter.empty, None), f"{where}({name}=)"
    if order:
        positional = [name for name, (kind, _) in wanted.items() if kind.startswith("POSITIONAL")]
        assert [name for name in own if name in positional] == positional, where


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        (kind, method)
        for kind, methods in LANGGRAPH["methods"].items()
        for method in methods
        if method not in ABSENT_METHODS.get(kind, ())
    ],
)
def test_a_method_is_here_with_all_its_arguments(kind: str, method: str) -> None:
    ours = find(CLASSES.get(kind, kind))
    theirs = LANGGRAPH["methods"][kind][method]
    known = {*dir(ours), *getattr(ours, "__annotations__", ()), *(a.name for a in getattr(ours, "__attrs_attrs__", ()))}
    assert method in known or _is_set(ours, method)
    if theirs is not None and callable(getattr(ours, method, None)):
        compare(f"{kind}.{method}", theirs, getattr(ours, method))


def _is_set(kind: type, name: str) -> bool:
    sources = [inspect.getsource(vars(one)["__init__"]) for one in kind.__mro__[:-1] if "__init__" in vars(one)]
    return any(f"self.{name}{mark}" in source for source in sources for mark in (":", " ="))


@pytest.mark.parametrize("name", sorted(set(LANGGRAPH["names"]) - set().union(*ABSENT_NAMES.values())))
def test_a_name_is_here(name: str) -> None:
    ours = find(name)
    theirs = LANGGRAPH["names"][name]
    if theirs is not None and callable(ours):
        compare(name, theirs, ours, order=name not in MADE_BY_US)


def test_what_is_on_the_lists_is_absent_indeed() -> None:
    import victor.graph

    listed = set().union(*ABSENT_NAMES.values())
    assert listed <= set(LANGGRAPH["names"])
    assert not listed & set(victor.graph.__all__)
    for kind, methods in ABSENT_METHODS.items():
        assert methods <= set(LANGGRAPH["methods"][kind])
        ours = find(CLASSES.get(kind, kind))
        assert not {name for name in methods if hasattr(ours, name)}, kind


@pytest.mark.skipif(not GUIDE.exists(), reason="not applicable: the guides are not in this copy")
def test_the_guide_names_what_is_absent() -> None:
    text = GUIDE.read_text()
    listed = set().union(*ABSENT_NAMES.values(), *ABSENT_METHODS.values())
    words = [*sorted(listed - {"ValueT", "writes_sort_key"})]
    assert not [name for name in words if name not in text]


@pytest.mark.skipif(
    not os.environ.get("VICTOR_PEERS_PYTHON"),
    reason="not applicable: VICTOR_PEERS_PYTHON names no Python with langgraph",
)
def test_the_table_is_what_langgraph_has() -> None:
    done = subprocess.run(
        [os.environ["VICTOR_PEERS_PYTHON"], str(SCRIPT)], capture_output=True, text=True, timeout=120, check=True
    )
    if os.environ.get("VICTOR_RECORD"):
        TABLE.write_text(done.stdout)
    assert json.loads(done.stdout) == LANGGRAPH
