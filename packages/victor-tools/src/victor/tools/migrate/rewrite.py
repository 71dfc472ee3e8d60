"""Rewrites one module: imports, ``@tool`` options, old tool classes, and calls of the old registries.

What only a person can decide gets a comment above it, so that it is found again until somebody has removed that. Where
a class of the older kind cannot be rewritten whole, all of its module stay as they are; they work that way, too.
"""

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
_OPTIONS: Final = {
    "name", "cost_tier", "category", "keywords", "timeout", "idempotent", "description", "requires_approval",
    "sequential", "retries", "rate_limit", "cache_ttl", "max_result_chars", "version", "deprecated", "middleware",
}  # fmt: skip
_MARK: Final = "# victor tools migrate: "
_LEVELS: Final = {"SAFE", "LOW", "MEDIUM", "HIGH", "CRITICAL"}
_MODES: Final = {"READONLY", "WRITE", "EXECUTE", "NETWORK", "MIXED", "READ_ONLY", "COMPUTE"}
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
    surveyor = _Surveyor()
    wrapper.visit(surveyor)
    rewriter = _Rewriter(context, surveyor)
    changed = wrapper.visit(rewriter)
    marked = [
        (number, line.strip().removeprefix(_MARK))
        for number, line in enumerate(code.splitlines(), 1)
        if line.strip().startswith(_MARK)
    ]
    by_hand = sorted({*rewriter.by_hand, *marked})
    if not rewriter.touched:
        return Rewritten(code, by_hand)
    changed = RemoveImportsVisitor(context).transform_module(AddImportsVisitor(context).transform_module(changed))
    return Rewritten(changed.code, by_hand)


class _Surveyor(cst.CSTVisitor):
    """Which names come from the old modules, and which classes cannot be rewritten."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, str] = {}  # as the module says -> as it is called where it comes from
        self.modules: set[str] = set()  # names of old modules that are imported whole
        self.problems: list[tuple[cst.CSTNode, str]] = []
        self.bases: set[str] = set()
        self._class: cst.ClassDef | None = None

    def visit_Import(self, node: cst.Import) -> None:
        self.modules |= {
            alias.evaluated_alias or alias.evaluated_name for alias in node.names if alias.evaluated_name in _MODULES
        }

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        module = cst.helpers.get_full_name_for_node(node.module) if node.module is not None else None
        if isinstance(node.names, cst.ImportStar):
            return
        for alias in node.names:
            name = alias.evaluated_name
            if module in _MODULES:
                self.names[alias.evaluated_alias or name] = name
            elif f"{module}.{name}" in _MODULES:
                self.modules.add(alias.evaluated_alias or name)

    def is_from(self, node: cst.BaseExpression, name: str) -> bool:
        return isinstance(node, cst.Name) and self.names.get(node.value) == name

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        above = [base.value for base in node.bases]
        if any(isinstance(base, cst.Name) and base.value in self.bases for base in above):
            self.problems.append((node, f"{node.name.value} inherits from a tool of the older kind"))
        elif any(self.is_from(base, "BaseTool") for base in above):
            self.bases.add(node.name.value)
            self._class = node
            names = {_constant(statement)[0] for statement in node.body.body}
            if any(m.matches(s, m.FunctionDef(m.Name("execute"))) for s in node.body.body) and "name" not in names:
                self.problems.append(
                    (node, f"{node.name.value}: its name is computed; write metadata = ToolMetadata(...)")
                )

    def leave_ClassDef(self, original_node: cst.ClassDef) -> None:
        if original_node is self._class:
            self._class = None

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        if self._class is None or node.name.value != "execute":
            return
        if any(name.value in _CONTEXTS for name in m.findall(node.body, m.Name()) if isinstance(name, cst.Name)):
            self.problems.append(
                (node, "execute uses its _exec_ctx; take a parameter context: ToolContext and use context.deps")
            )
        returned = [r.value for r in m.findall(node.body, m.Return()) if isinstance(r, cst.Return)]
        for call in m.findall(node.body, m.Call()):
            if isinstance(call, cst.Call) and self.is_from(call.func, "ToolResult") and not _is_plain(call, returned):
                self.problems.append((call, "ToolResult(...) is computed here: return the value, or raise ToolError"))


def _is_plain(call: cst.Call, returned: list[cst.BaseExpression | None]) -> bool:
    """Whether a result stands in a ``return`` and says outright whether it is a success."""
    given = {a.keyword.value if a.keyword is not None else str(n): a.value for n, a in enumerate(call.args)}
    success = given.get("success", given.get("0"))
    known = success is not None and m.matches(success, m.Name("True") | m.Name("False"))
    return known and "metadata" not in given and "3" not in given and any(call is each for each in returned)


class _Rewriter(cst.CSTTransformer):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, context: CodemodContext, surveyor: _Surveyor) -> None:
        super().__init__()
        self.context = context
        self.by_hand: list[tuple[int, str]] = []
        self.touched = False
        self._seen = surveyor
        self._names = surveyor.names
        self._stays = bool(surveyor.problems)
        self._holders: set[str] = set()
        self._old_class = False
        self._depth_of_class = 0
        self._marks: list[str] = []

    # --- comments where a person has to decide ---

    def on_visit(self, node: cst.CSTNode) -> bool:
        for place, text in self._seen.problems:
            if place is node:
                self._note(node, text)
        return super().on_visit(node)

    def on_leave(
        self, original_node: cst.CSTNodeT, updated_node: cst.CSTNodeT
    ) -> cst.CSTNodeT | cst.RemovalSentinel | cst.FlattenSentinel[cst.CSTNodeT]:
        left = super().on_leave(original_node, updated_node)
        if not self._marks or not isinstance(original_node, _STATEMENTS) or not isinstance(left, cst.CSTNode):
            return left
        texts, self._marks = list(dict.fromkeys(self._marks)), []
        there = {line.comment.value for line in original_node.leading_lines if line.comment is not None}
        lines = [cst.EmptyLine(comment=cst.Comment(_MARK + text)) for text in texts if _MARK + text not in there]
        if not lines:
            return left
        self.touched = True
        return left.with_changes(leading_lines=[*left.leading_lines, *lines])  # type: ignore[attr-defined]

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
            if self._stays and name in {"BaseTool", "ToolResult", "CostTier"} and module == "victor.tools.base":
                kept.append(alias)
            elif name in _MOVED:
                AddImportsVisitor.add_needed_import(self.context, "victor.tools", name, alias.evaluated_alias)
            elif name in _REGISTRIES:
                AddImportsVisitor.add_needed_import(self.context, "victor.tools", "UnifiedToolRegistry")
            elif name in _GONE:  # goes if nothing uses it any more
                kept.append(alias)
                RemoveImportsVisitor.remove_unused_import(self.context, str(module), name, alias.evaluated_alias)
            else:
                kept.append(alias)
                self._note(original_node, f"{module}.{name} has no successor")
        if len(kept) == len(original_node.names) and not any(a.evaluated_name in _GONE for a in kept):
            return updated_node
        self.touched = True
        if not kept:
            return cst.RemoveFromParent()
        return updated_node.with_changes(names=[alias.with_changes(comma=cst.MaybeSentinel.DEFAULT) for alias in kept])

    # --- @tool(...) ---

    def leave_Decorator(self, original_node: cst.Decorator, updated_node: cst.Decorator) -> cst.Decorator:
        call = updated_node.decorator
        function = call.func if isinstance(call, cst.Call) else call
        if isinstance(function, cst.Attribute) and function.attr.value == "tool":
            if cst.helpers.get_full_name_for_node(function.value) in self._seen.modules:
                self._note(original_node, "import the decorator by its name: from victor.tools import tool")
            return updated_node
        if not isinstance(call, cst.Call) or not self._seen.is_from(function, "tool"):
            return updated_node
        if any(argument.star for argument in call.args):
            self._note(original_node, "its options are computed; see the guide for those that are gone")
            return updated_node
        kept: list[cst.Arg] = []
        approval = idempotent = False
        extra_keywords: list[cst.BaseElement] = []
        for argument in call.args:
            name = argument.keyword.value if argument.keyword is not None else ""
            word = _word(argument.value)
            if name in _OPTIONS:
                kept.append(argument)
            elif name == "danger_level":
                if word not in _LEVELS:
                    self._note(original_node, "danger_level is computed; requires_approval=True unless it is low")
                approval = approval or word not in _LEVELS or word in {"HIGH", "CRITICAL"}
            elif name == "access_mode":
                if word not in _MODES:
                    self._note(original_node, "access_mode is computed; requires_approval=True if it can be EXECUTE")
                approval = approval or word not in _MODES or word == "EXECUTE"
                idempotent = idempotent or word == "READONLY"
            elif name == "execution_category":
                idempotent = idempotent or word == "READ_ONLY"
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
        return updated_node.with_changes(decorator=call.with_changes(args=kept) if kept else function)

    # --- classes with name, description, parameters and execute(_exec_ctx, **kwargs) ---

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self._depth_of_class += 1
        self._old_class = self._old_class or self._is_old(node)

    def leave_ClassDef(self, original_node: cst.ClassDef, updated_node: cst.ClassDef) -> cst.ClassDef:
        self._depth_of_class -= 1
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
        parameters = [p for p in updated_node.params.params if p.name.value not in _CONTEXTS]
        return updated_node.with_changes(
            params=updated_node.params.with_changes(params=parameters),
            returns=None if updated_node.returns is None else cst.Annotation(cst.Name("object")),
        )

    def leave_Return(self, original_node: cst.Return, updated_node: cst.Return) -> cst.Return | cst.Raise:
        call = updated_node.value
        if not isinstance(call, cst.Call) or not self._seen.is_from(call.func, "ToolResult"):
            return updated_node
        if self._stays and self._depth_of_class:
            return updated_node
        given = {a.keyword.value if a.keyword is not None else str(n): a.value for n, a in enumerate(call.args)}
        success = given.get("success", given.get("0"))
        if "metadata" in given or "3" in given:
            self._note(original_node, "the metadata of a ToolResult are lost: return them as part of the value")
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
        if self._names.get(original_node.value) in _REGISTRIES:
            self.touched = True
            return updated_node.with_changes(value="UnifiedToolRegistry")
        return updated_node

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.Attribute:
        if original_node.attr.value in _REGISTRIES:
            if cst.helpers.get_full_name_for_node(original_node.value) in self._seen.modules:
                self._note(original_node, "import it by its name: from victor.tools import UnifiedToolRegistry")
            return updated_node.with_changes(attr=original_node.attr)
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
        return isinstance(function, cst.Name) and self._names.get(function.value) in _REGISTRIES

    def _is_old(self, node: cst.ClassDef) -> bool:
        if self._stays or not any(self._seen.is_from(base.value, "BaseTool") for base in node.bases):
            return False
        return any(m.matches(s, m.FunctionDef(m.Name("execute"))) for s in node.body.body)

    def _note(self, node: cst.CSTNode, text: str) -> None:
        position = self.get_metadata(PositionProvider, node, None)
        self.by_hand.append((position.start.line if position is not None else 1, text))
        self._marks.append(text)


_CONTEXTS: Final = {"_exec_ctx", "exec_ctx"}
_STATEMENTS: Final = (cst.SimpleStatementLine, cst.BaseCompoundStatement)


def _word(value: cst.BaseExpression) -> str:
    """What an option written as ``DangerLevel.HIGH`` or ``"high"`` says; ``""`` for anything else."""
    if isinstance(value, cst.SimpleString):
        return str(value.evaluated_value).upper()
    return value.attr.value.upper() if isinstance(value, cst.Attribute) else ""


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
