"""Rewrites one module: imports, ``@tool`` options, old tool classes, and calls of the old registries."""

from __future__ import annotations

from typing import Final

import libcst as cst
import libcst.matchers as m
from attrs import define, field
from libcst.codemod import CodemodContext
from libcst.codemod.visitors import AddImportsVisitor, RemoveImportsVisitor
from libcst.metadata import MetadataWrapper, PositionProvider

__all__ = ["Rewritten", "rewrite"]

_MODULES: Final = {
    "victor.tools.base", "victor.tools.decorators", "victor.tools.registry", "victor.tools.metadata_registry",
    "victor.agent.shared_tool_registry", "victor.tools.enums", "victor.tools.metadata",
}  # fmt: skip
_MOVED: Final = {"tool", "BaseTool", "CostTier", "ToolCategory", "ToolMetadata"}
_REGISTRIES: Final = {"ToolRegistry", "SharedToolRegistry", "ToolMetadataRegistry"}
_GONE: Final = {"AccessMode", "DangerLevel", "Priority", "ExecutionCategory", "ToolResult", "ToolParameter"}
_OPTIONS: Final = {"name", "cost_tier", "category", "keywords", "timeout", "idempotent", "description"}
_METHODS: Final = {
    "register_tool": "register",
    "unregister_tool": "unregister",
    "list_tools": "tools",
    "get_metadata": "get_tool",
    "get_by_category": "get_tools_by_category",
    "get_tools_matching_text": "search_tools",
    "create_tool_instance": "tool",
    "get_all_tools_for_registration": "tools",
}
_BY_HAND: Final = {
    "get_tools_by_cost": "tools(tier=...) gives one tier",
    "execute": "await registry.tool(name).call(arguments)",
    "enable_tool": "give agents the tools they may use instead",
    "disable_tool": "give agents the tools they may use instead",
    "get_tool_schemas": "victor.tools.bridges.to_schema(tool) for each",
    "get_by_keyword": "tools(keyword=...)",
    "get_all": "iterate over the registry",
    "get": "get_tool(name) for metadata, tool(name) for the tool",
}


@define
class Rewritten:
    """What came of a module.

    Args:
        code: Its new text.
        by_hand: Lines that a person has to look at, and why.
    """

    code: str
    by_hand: list[tuple[int, str]] = field(factory=list)


def rewrite(code: str) -> Rewritten:
    r"""The module for this package; the same text where there is nothing to do.

    Raises:
        libcst.ParserSyntaxError: It is no Python.

    Example:
        >>> print(rewrite("from victor.tools.decorators import tool\n").code.strip())
        from victor.tools import tool
    """
    wrapper = MetadataWrapper(cst.parse_module(code))
    context = CodemodContext(wrapper=wrapper)
    rewriter = _Rewriter(context)
    changed = wrapper.visit(rewriter)
    if not rewriter.touched:
        return Rewritten(code, rewriter.by_hand)
    changed = RemoveImportsVisitor(context).transform_module(AddImportsVisitor(context).transform_module(changed))
    return Rewritten(changed.code, sorted(set(rewriter.by_hand)))


class _Rewriter(cst.CSTTransformer):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, context: CodemodContext) -> None:
        super().__init__()
        self.context = context
        self.by_hand: list[tuple[int, str]] = []
        self.touched = False
        self._names: set[str] = set()
        self._holders: set[str] = set()
        self._old_class = False

    # --- imports ---

    def leave_ImportFrom(
        self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom
    ) -> cst.ImportFrom | cst.RemovalSentinel | cst.FlattenSentinel[cst.BaseSmallStatement]:
        module = cst.helpers.get_full_name_for_node(original_node.module) if original_node.module is not None else None
        if module not in _MODULES or isinstance(original_node.names, cst.ImportStar):
            return updated_node
        kept: list[cst.ImportAlias] = []
        for alias in original_node.names:
            name = alias.evaluated_name
            self._names.add(alias.evaluated_alias or name)
            if name in _MOVED:
                AddImportsVisitor.add_needed_import(self.context, "victor.tools", name, alias.evaluated_alias)
            elif name in _REGISTRIES:
                AddImportsVisitor.add_needed_import(self.context, "victor.tools", "UnifiedToolRegistry")
            elif name not in _GONE:
                kept.append(alias)
                self._note(original_node, f"{module}.{name} has no successor")
        self.touched = True
        if not kept:
            return cst.RemoveFromParent()
        return updated_node.with_changes(names=[alias.with_changes(comma=cst.MaybeSentinel.DEFAULT) for alias in kept])

    # --- @tool(...) ---

    def leave_Decorator(self, original_node: cst.Decorator, updated_node: cst.Decorator) -> cst.Decorator:
        call = updated_node.decorator
        if "tool" not in self._names or not isinstance(call, cst.Call) or not m.matches(call.func, m.Name("tool")):
            return updated_node
        kept: list[cst.Arg] = []
        approval = idempotent = False
        extra_keywords: list[cst.BaseElement] = []
        for argument in call.args:
            name = argument.keyword.value if argument.keyword is not None else ""
            text = cst.Module([]).code_for_node(argument.value)
            if name in _OPTIONS:
                kept.append(argument)
            elif name == "danger_level":
                approval = approval or text.rpartition(".")[2] in {"HIGH", "CRITICAL"}
            elif name == "access_mode":
                approval = approval or text.rpartition(".")[2] == "EXECUTE"
                idempotent = idempotent or text.rpartition(".")[2] == "READONLY"
            elif name == "execution_category":
                idempotent = idempotent or "read_only" in text.lower()
            elif name in {"mandatory_keywords", "aliases"} and isinstance(argument.value, (cst.List, cst.Tuple)):
                extra_keywords += argument.value.elements
            elif name == "availability_check":
                self._note(original_node, "availability_check: raise a ToolError in the tool instead")
            elif name == "":
                kept.append(argument)
        if extra_keywords:
            kept = _with_keywords(kept, extra_keywords)
        for name, wanted in (("idempotent", idempotent), ("requires_approval", approval)):
            if wanted and not any(a.keyword is not None and a.keyword.value == name for a in kept):
                kept.append(_argument(name, cst.Name("True")))
        if [a.keyword and a.keyword.value for a in kept] == [a.keyword and a.keyword.value for a in call.args]:
            return updated_node
        self.touched = True
        kept = [a.with_changes(comma=cst.MaybeSentinel.DEFAULT) for a in kept]
        return updated_node.with_changes(decorator=call.with_changes(args=kept) if kept else cst.Name("tool"))

    # --- classes with name, description, parameters and execute(_exec_ctx, **kwargs) ---

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self._old_class = self._is_old(node)

    def leave_ClassDef(self, original_node: cst.ClassDef, updated_node: cst.ClassDef) -> cst.ClassDef:
        if not self._is_old(original_node):
            return updated_node
        self._old_class = False
        found: dict[str, cst.BaseExpression] = {}
        body: list[cst.BaseStatement | cst.BaseSmallStatement] = []
        for statement in updated_node.body.body:
            name, value = _constant(statement)
            if name in {"name", "description", "parameters", "cost_tier", "is_idempotent"} and value is not None:
                found[name] = value
            else:
                body.append(statement)
        if "name" not in found:
            self._note(
                original_node, f"{original_node.name.value}: its name is computed; write metadata = ToolMetadata(...)"
            )
            return updated_node
        arguments = [cst.Arg(found["name"]), *([cst.Arg(found["description"])] if "description" in found else [])]
        if "cost_tier" in found:
            arguments.append(_argument("cost_tier", found["cost_tier"]))
        if "is_idempotent" in found:
            arguments.append(_argument("idempotent", found["is_idempotent"]))
        metadata = cst.Call(cst.Name("ToolMetadata"), arguments)
        head = [_assignment("metadata", metadata)]
        if "parameters" in found:
            head.append(_assignment("parameters", found["parameters"]))
        AddImportsVisitor.add_needed_import(self.context, "victor.tools", "ToolMetadata")
        self.touched = True
        doc = body[:1] if body and m.matches(body[0], m.SimpleStatementLine([m.Expr(m.SimpleString())])) else []
        return updated_node.with_changes(body=updated_node.body.with_changes(body=[*doc, *head, *body[len(doc) :]]))

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.FunctionDef:
        if not self._old_class or original_node.name.value != "execute":
            return updated_node
        self.touched = True
        parameters = [p for p in updated_node.params.params if p.name.value not in {"_exec_ctx", "exec_ctx"}]
        return updated_node.with_changes(
            params=updated_node.params.with_changes(params=parameters),
            returns=None if updated_node.returns is None else cst.Annotation(cst.Name("object")),
        )

    def leave_Return(self, original_node: cst.Return, updated_node: cst.Return) -> cst.Return | cst.Raise:
        call = updated_node.value
        if (
            "ToolResult" not in self._names
            or not isinstance(call, cst.Call)
            or not m.matches(call.func, m.Name("ToolResult"))
        ):
            return updated_node
        given = {a.keyword.value if a.keyword is not None else str(n): a.value for n, a in enumerate(call.args)}
        success = given.get("success", given.get("0"))
        if m.matches(success, m.Name("True")) if success is not None else False:
            self.touched = True
            return updated_node.with_changes(value=given.get("output", given.get("1", cst.Name("None"))))
        if m.matches(success, m.Name("False")) if success is not None else False:
            self.touched = True
            AddImportsVisitor.add_needed_import(self.context, "victor.core.errors", "ToolError")
            error = given.get("error", given.get("2", given.get("output", cst.SimpleString('"it failed"'))))
            return cst.Raise(cst.Call(cst.Name("ToolError"), [cst.Arg(error)]))
        self._note(original_node, "ToolResult(success=...) is computed: return the value, or raise ToolError")
        return updated_node

    # --- registries ---

    def visit_Assign(self, node: cst.Assign) -> None:
        target = node.targets[0].target
        if isinstance(target, (cst.Name, cst.Attribute)) and self._makes_registry(node.value):
            self._holders.add(cst.Module([]).code_for_node(target))

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        if original_node.value in _REGISTRIES & self._names:
            self.touched = True
            return updated_node.with_changes(value="UnifiedToolRegistry")
        return updated_node

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:
        function = original_node.func
        if not isinstance(function, cst.Attribute):
            return updated_node
        holder = cst.Module([]).code_for_node(function.value)
        if holder not in self._holders and not self._makes_registry(function.value):
            return updated_node
        name = function.attr.value
        if name in _BY_HAND:
            self._note(original_node, f".{name}(): {_BY_HAND[name]}")
            return updated_node
        if name not in _METHODS or not isinstance(updated_node.func, cst.Attribute):
            return updated_node
        self.touched = True
        if name == "register_tool" or name == "create_tool_instance":
            pass
        elif name in {"list_tools", "get_all_tools_for_registration"}:
            updated_node = updated_node.with_changes(args=[])
        return updated_node.with_changes(func=updated_node.func.with_changes(attr=cst.Name(_METHODS[name])))

    def _makes_registry(self, node: cst.BaseExpression) -> bool:
        if not isinstance(node, cst.Call):
            return False
        function = node.func
        if isinstance(function, cst.Attribute) and function.attr.value == "get_instance":
            function = function.value
        return isinstance(function, cst.Name) and function.value in _REGISTRIES & self._names

    def _is_old(self, node: cst.ClassDef) -> bool:
        if "BaseTool" not in self._names or not any(m.matches(base.value, m.Name("BaseTool")) for base in node.bases):
            return False
        return any(m.matches(s, m.FunctionDef(m.Name("execute"))) for s in node.body.body)

    def _note(self, node: cst.CSTNode, text: str) -> None:
        position = self.get_metadata(PositionProvider, node, None)
        self.by_hand.append((position.start.line if position is not None else 1, text))


def _constant(statement: cst.BaseStatement | cst.BaseSmallStatement) -> tuple[str, cst.BaseExpression | None]:
    """Name and value of ``name = value``, or of a property that only returns a value."""
    if isinstance(statement, cst.SimpleStatementLine) and len(statement.body) == 1:
        inner = statement.body[0]
        if isinstance(inner, cst.Assign) and isinstance(inner.targets[0].target, cst.Name):
            return inner.targets[0].target.value, inner.value
        if isinstance(inner, cst.AnnAssign) and isinstance(inner.target, cst.Name):
            return inner.target.value, inner.value
    if isinstance(statement, cst.FunctionDef) and any(
        m.matches(d.decorator, m.Name("property")) for d in statement.decorators
    ):
        lines = [s for s in statement.body.body if not m.matches(s, m.SimpleStatementLine([m.Expr(m.SimpleString())]))]
        only = lines[0] if len(lines) == 1 else None
        if (
            isinstance(only, cst.SimpleStatementLine)
            and isinstance(only.body[0], cst.Return)
            and only.body[0].value is not None
        ):
            return statement.name.value, only.body[0].value
    return "", None


def _with_keywords(arguments: list[cst.Arg], more: list[cst.BaseElement]) -> list[cst.Arg]:
    for number, argument in enumerate(arguments):
        if (
            argument.keyword is not None
            and argument.keyword.value == "keywords"
            and isinstance(argument.value, cst.List)
        ):
            elements = [*argument.value.elements, *more]
            plain = [e.with_changes(comma=cst.MaybeSentinel.DEFAULT) for e in elements]
            return [
                *arguments[:number],
                argument.with_changes(value=argument.value.with_changes(elements=plain)),
                *arguments[number + 1 :],
            ]
    plain = [e.with_changes(comma=cst.MaybeSentinel.DEFAULT) for e in more]
    return [*arguments, _argument("keywords", cst.List(plain))]


def _argument(name: str, value: cst.BaseExpression) -> cst.Arg:
    tight = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    return cst.Arg(keyword=cst.Name(name), value=value, equal=tight)


def _assignment(name: str, value: cst.BaseExpression) -> cst.SimpleStatementLine:
    return cst.SimpleStatementLine([cst.Assign([cst.AssignTarget(cst.Name(name))], value)])
