"""victor tools migrate."""

from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("libcst", reason="pip install 'victor-tools[migrate]'")

from victor.tools.migrate.files import migrate
from victor.tools.migrate.rewrite import rewrite

OLD = '''"""Tools of mine."""
from typing import Any, Dict

from victor.tools.base import BaseTool, ToolResult, CostTier
from victor.tools.decorators import tool
from victor.tools.enums import AccessMode, DangerLevel, Priority
from victor.tools.registry import ToolRegistry


@tool(
    category="files",
    keywords=["count"],
    mandatory_keywords=["how many"],
    priority=Priority.HIGH,
    access_mode=AccessMode.READONLY,
    stages=["reading"],
)
async def count_words(text: str) -> int:
    """Count words.

    Args:
        text: The text.
    """
    return len(text.split())  # keep this comment


@tool(danger_level=DangerLevel.HIGH)
def wipe(path: str) -> str:
    """Wipe."""
    return path


@tool
def plain(x: int) -> int:
    """Plain."""
    return x


class Greeter(BaseTool):
    """Greets."""

    @property
    def name(self) -> str:
        return "greet"

    @property
    def description(self) -> str:
        """What."""
        return "Greet somebody."

    cost_tier = CostTier.LOW
    parameters = {"type": "object", "properties": {"who": {"type": "string"}}, "required": ["who"]}

    async def execute(self, _exec_ctx: Dict[str, Any], **kwargs: Any) -> ToolResult:
        if not kwargs["who"]:
            return ToolResult(success=False, output=None, error="nobody to greet")
        return ToolResult(success=True, output=f"hello {kwargs['who']}")


registry = ToolRegistry()
registry.register_tool(Greeter())
everything = registry.list_tools(only_enabled=True)
cheap = registry.get_tools_by_cost(CostTier.LOW)
'''


def test_what_it_makes_of_a_module() -> None:
    done = rewrite(OLD)
    code = done.code
    assert "from victor.tools import BaseTool, CostTier, ToolMetadata, UnifiedToolRegistry, tool" in code
    assert "victor.tools.base" not in code and "AccessMode" not in code and "Priority" not in code
    assert 'keywords=["count", "how many"]' in code and "idempotent=True" in code and "stages" not in code
    assert "@tool(requires_approval=True)\ndef wipe" in code
    assert "@tool\ndef plain" in code
    assert 'metadata = ToolMetadata("greet", "Greet somebody.", cost_tier=CostTier.LOW)' in code
    assert 'raise ToolError("nobody to greet")' in code and "return f\"hello {kwargs['who']}\"" in code
    assert "registry = UnifiedToolRegistry()\nregistry.register(Greeter())\neverything = registry.tools()" in code
    assert "# keep this comment" in code
    assert done.by_hand == [(63, ".get_tools_by_cost(): tools(tier=...) gives one tier")]
    assert rewrite(code).code == code  # once is enough


def test_what_it_made_runs(tmp_path: Path) -> None:
    source = rewrite(OLD.replace("cheap = registry.get_tools_by_cost(CostTier.LOW)\n", "")).code.replace(
        'category="files"', 'category="migrated"'
    )
    (tmp_path / "migrated_tools.py").write_text(source)
    spec = importlib.util.spec_from_file_location("migrated_tools", tmp_path / "migrated_tools.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["migrated_tools"] = module
    try:
        spec.loader.exec_module(module)
        greet = module.registry.tool("greet")
        assert asyncio.run(greet.call({"who": "Ann"})).text == "hello Ann"
        assert asyncio.run(greet.call({"who": ""})).text == "nobody to greet"
        assert asyncio.run(module.count_words("a b c")) == 3
        assert [t.name for t in module.everything] == ["greet"]
    finally:
        from victor.tools import UnifiedToolRegistry

        del sys.modules["migrated_tools"]
        for name in ("migrated.count_words", "custom.wipe", "custom.plain"):
            UnifiedToolRegistry.get_instance().unregister(name)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("import os\n", "import os\n"),
        ("from victor.tools.metadata_registry import ToolMetadataRegistry\nr = ToolMetadataRegistry.get_instance()\nr.get_by_category('x')\n",
         "from victor.tools import UnifiedToolRegistry\n\nr = UnifiedToolRegistry.get_instance()\nr.get_tools_by_category('x')\n"),
        ("from victor.agent.shared_tool_registry import SharedToolRegistry\nSharedToolRegistry.get_instance().create_tool_instance('a')\n",
         "from victor.tools import UnifiedToolRegistry\n\nUnifiedToolRegistry.get_instance().tool('a')\n"),
        ("from victor.tools import tool\n\n@tool(category='a')\ndef f(): ...\n", "from victor.tools import tool\n\n@tool(category='a')\ndef f(): ...\n"),
        ("class BaseTool: ...\nclass A(BaseTool):\n    def execute(self): return ToolResult(success=True)\n",
         "class BaseTool: ...\nclass A(BaseTool):\n    def execute(self): return ToolResult(success=True)\n"),
    ],
)  # fmt: skip
def test_small_modules(old: str, new: str) -> None:
    assert rewrite(old).code == new


def test_what_a_person_has_to_look_at() -> None:
    code = (
        "from victor.tools.base import BaseTool, ToolResult, Widget\n"
        "class A(BaseTool):\n"
        "    @property\n"
        "    def name(self):\n"
        "        x = 1\n"
        "        return str(x)\n"
        "    async def execute(self, _exec_ctx, **kw):\n"
        "        return ToolResult(success=kw['ok'], output=1)\n"
    )
    notes = dict(rewrite(code).by_hand)
    assert "no successor" in notes[1] and "its name is computed" in notes[2] and "is computed" in notes[8]


APPROVED = """
from victor.tools.decorators import tool as T
from victor.tools.enums import AccessMode, DangerLevel

LEVEL = DangerLevel.HIGH

@T(danger_level="HIGH")
def a(x: int) -> int: return x
@T(danger_level="critical", stages=["x"])
def b(x: int) -> int: return x
@T(access_mode="execute")
def c(x: int) -> int: return x
@T(danger_level=LEVEL)
def d(x: int) -> int: return x
@T(danger_level=DangerLevel.CRITICAL)
def e(x: int) -> int: return x
@T(requires_approval=True, priority=1)
def f(x: int) -> int: return x
@T(danger_level="low", access_mode=AccessMode.READONLY)
def g(x: int) -> int: return x
"""


def load(code: str, path: Path) -> dict[str, Any]:
    """Run a migrated module with a registry of its own."""
    from victor.tools import UnifiedToolRegistry

    was = UnifiedToolRegistry.set_instance(UnifiedToolRegistry())
    try:
        found: dict[str, Any] = {"__name__": path.stem}
        exec(compile(code, str(path), "exec"), found)
        return found
    finally:
        UnifiedToolRegistry.set_instance(was)


def test_approval_is_never_lost(tmp_path: Path) -> None:
    done = rewrite(APPROVED)
    assert done.by_hand == [(13, "danger_level is computed; requires_approval=True unless it is low")]
    assert "from victor.tools.enums import DangerLevel\n" in done.code  # LEVEL still needs it
    before, after = load(APPROVED, tmp_path / "before.py"), load(done.code, tmp_path / "after.py")
    for module in (before, after):
        needed = {name: module[name].__victor_tool__.metadata.requires_approval for name in "abcdefg"}
        assert needed == {**dict.fromkeys("abce", True), "d": True, "f": True, "g": False}


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        "        return ToolResult(success=kw['ok'], output=1)\n",
        "        result = ToolResult(success=True, output=1)\n        return result\n",
        "        return ToolResult(True, _exec_ctx)\n",
        "        return ToolResult(success=True, output=1, metadata={'a': 1})\n",
        "        return ToolResult(success=True, output=1)\nclass Sub(A):\n    name = 'sub'\n",
    ],
)
def test_a_class_that_cannot_be_rewritten_whole_stays_and_works(tmp_path: Path, body: str) -> None:
    code = (
        "from victor.tools.base import BaseTool, ToolResult\n"
        "class A(BaseTool):\n    name = 'a'\n    description = 'A.'\n    parameters = {'type': 'object'}\n"
        f"    async def execute(self, _exec_ctx, **kw):\n{body}"
    )
    done = rewrite(code)
    assert done.by_hand and "# victor tools migrate: " in done.code
    marks = [line for line in done.code.splitlines() if not line.strip().startswith("# victor tools migrate")]
    assert marks == code.splitlines()
    made = load(done.code, tmp_path / "x.py")["A"]
    assert callable(made)
    assert asyncio.run(made().__victor_tool__.call({"ok": True})).ok
    again = rewrite(done.code)
    assert again.code == done.code and len(again.by_hand) >= len(done.by_hand)


def test_what_is_imported_as_a_module_or_computed_is_told() -> None:
    code = (
        "import victor.tools.metadata_registry as mr\n"
        "from victor.tools import decorators\n"
        "from victor.tools.decorators import tool\n"
        "opts = dict(priority=1)\n"
        "@tool(**opts)\n"
        "def k(x): return x\n"
        "@decorators.tool(stages=[])\n"
        "def h(x): return x\n"
        "q = mr.ToolMetadataRegistry.get_instance().get_tools_matching_text('x')\n"
    )
    done = rewrite(code)
    assert [line for line, _ in done.by_hand] == [5, 7, 9]
    assert "mr.ToolMetadataRegistry.get_instance().get_tools_matching_text" in done.code
    assert done.code.count("# victor tools migrate: ") == 3


@pytest.mark.slow
def test_encodings_and_ends_of_files(tmp_path: Path) -> None:
    line = "from victor.tools.decorators import tool"
    (tmp_path / "bom.py").write_bytes(b"\xef\xbb\xbf" + line.encode())
    (tmp_path / "latin.py").write_bytes(f"# -*- coding: latin-1 -*-\n{line}\nx = 'é'\n".encode("latin-1"))
    found = {done.path.name: done for done in migrate(tmp_path)}
    assert not any(done.problem for done in found.values())
    assert found["bom.py"].diff.endswith("\n") and found["bom.py"].diff.count("\\ No newline at end of file") == 2
    command = [sys.executable, "-c", "import sys; from victor.core.cli import main; sys.exit(main(sys.argv[1:]))"]
    subprocess.run([*command, "tools", "migrate", str(tmp_path)], check=True, capture_output=True, cwd=tmp_path)
    assert (tmp_path / "bom.py").read_bytes().startswith(b"\xef\xbb\xbffrom victor.tools import tool")
    assert (tmp_path / "latin.py").read_bytes().endswith("x = 'é'\n".encode("latin-1"))


@pytest.mark.slow
def test_check_fails_while_something_is_left_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "from victor.tools.registry import ToolRegistry\nr = ToolRegistry()\nr.get_tools_by_cost(1)\n"
    )
    command = [sys.executable, "-c", "import sys; from victor.core.cli import main; sys.exit(main(sys.argv[1:]))"]
    command += ["tools", "migrate", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    checked = subprocess.run([*command, "--check"], check=False, capture_output=True, text=True, cwd=tmp_path)
    assert checked.returncode == 1 and "get_tools_by_cost(): tools(tier=...)" in checked.stderr
    left = [line for line in (tmp_path / "a.py").read_text().splitlines() if "victor tools migrate" not in line]
    (tmp_path / "a.py").write_text("\n".join(left))
    assert subprocess.run([*command, "--check"], check=False, capture_output=True, cwd=tmp_path).returncode == 0


@pytest.mark.slow
def test_files_and_the_command(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"from victor.tools.decorators import tool\r\n")
    (tmp_path / "b.py").write_text("import os\n")
    (tmp_path / "broken.py").write_text("from victor.tools import (\n")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "c.py").write_text("from victor.tools.decorators import tool\n")
    found = {done.path.name: done for done in migrate(tmp_path)}
    assert set(found) == {"a.py", "broken.py"} and found["broken.py"].problem

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-c",
            "import sys; from victor.core.cli import main; sys.exit(main(sys.argv[1:]))",
            "tools",
            "migrate",
            str(tmp_path),
        ]
        return subprocess.run([*command, *options], capture_output=True, text=True, check=False, cwd=tmp_path)

    checked = run("--check")
    assert checked.returncode == 1 and "would rewrite" in checked.stderr
    shown = run("--diff")
    assert "+from victor.tools import tool" in shown.stdout and shown.returncode == 0
    assert b"decorators" in (tmp_path / "a.py").read_bytes()
    done = run()
    assert done.returncode == 0 and "1 file changed" in done.stderr
    assert (tmp_path / "a.py").read_bytes() == b"from victor.tools import tool\r\n"
    assert run("--check").returncode == 0
