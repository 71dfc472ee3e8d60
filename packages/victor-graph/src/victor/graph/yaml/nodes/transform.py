"""``type: transform``: reshapes what there is, without a model or a tool."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar, Final

from attrs import field, frozen

from victor.core.errors import VictorError
from victor.core.topology import NodeKind
from victor.graph.yaml.choices import apply
from victor.graph.yaml.context import CheckContext, NodeContext, load_function
from victor.graph.yaml.spec import key
from victor.graph.yaml.values import Compiled, ExpressionError, compile_template, compile_value

__all__ = ["TransformNode"]

_ASSIGNMENT: Final = re.compile(r"\s*([A-Za-z_]\w*)\s*=(?!=)\s*(.*)", re.DOTALL)
_OLD_CTX: Final = re.compile(r"ctx\.([A-Za-z_][\w.]*)")


@frozen
class TransformNode:
    """Works out values, fills in a template, or calls a function.

    Exactly one of ``set``, ``template``, ``template_file`` and ``transform``. ``set`` writes each of its names into
    the context; the others give the node's output.
    """

    set: dict[str, Any] | None = key("name -> value, each kept under its own name")
    template: str | None = key("a jinja2 template; the output is the text")
    template_file: str | None = key("the same in a file beside the workflow")
    transform: str | None = key("'name = value', or a function: package.module:function, ./file.py:function")

    expressions: ClassVar[tuple[str, ...]] = ("set",)
    templates: ClassVar[tuple[str, ...]] = ("template",)
    kind: ClassVar[NodeKind] = "data"
    _made: dict[str, Compiled] = field(factory=dict, init=False, repr=False, eq=False)

    @property
    def writes(self) -> tuple[str, ...]:
        """The names it writes besides its output."""
        if self.set is not None:
            return tuple(self.set)
        return (self.assigned[0],) if self.assigned is not None else ()

    @property
    def assigned(self) -> tuple[str, Any] | None:
        """Name and value of ``name = value``."""
        found = _ASSIGNMENT.fullmatch(self.transform or "")
        if found is None:
            return None
        old = _OLD_CTX.fullmatch(found[2].strip())
        return found[1], f"$ctx.{old[1]}" if old else _literal(found[2].strip())

    def check(self, context: CheckContext) -> Iterable[tuple[str, str]]:
        """Too many or too few of the ways, unreadable files, unknown functions."""
        ways = [name for name in ("set", "template", "template_file", "transform") if getattr(self, name) is not None]
        if len(ways) != 1:
            found = f"there are {' and '.join(ways)}" if ways else "there is none"
            yield "", f"a transform node needs exactly one of set, template, template_file, transform; {found}"
            return
        try:
            if self.template_file is not None:
                self._made["file"] = compile_template(self._read(self.template_file, context), context.known)
            elif self.transform is not None:
                self._check_transform(self.transform, context)
        except (VictorError, OSError, UnicodeDecodeError) as error:
            yield ways[0], str(error)

    def _read(self, name: str, context: CheckContext) -> str:
        path = context.folder / name if context.folder is not None else None
        if path is None:
            raise ExpressionError("template_file needs a workflow that was loaded from a file")
        return path.read_text(encoding="utf-8")

    def _check_transform(self, text: str, context: CheckContext) -> None:
        if self.assigned is None:
            load_function(text, context)
            return
        self._made["value"] = compile_value(self.assigned[1], context.known)

    async def run(self, context: NodeContext) -> Any:
        """Work it out."""
        if self.set is not None:
            return context.value("set")
        if self.template is not None:
            return context.text("template")
        if "file" in self._made:
            return self._made["file"].evaluate(context.values)
        if "value" in self._made:
            return {self.writes[0]: self._made["value"].evaluate(context.values)}
        function = load_function(self.transform or "", context.check)
        return await apply(function, context.values)


def _literal(text: str) -> Any:
    """The right-hand side of ``name = value``: a YAML scalar, or a text as it stands."""
    from victor.graph.yaml.source import plain

    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return plain(text)
