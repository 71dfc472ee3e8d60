"""What tests of exports share: workflows as the Python they are exported to, and as the YAML of that."""

from __future__ import annotations

import itertools
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from victor.graph.yaml import Workflow, export_python, export_yaml, load_object, load_workflow, parse_workflow

_numbers = itertools.count()


@define
class Forms:
    """Turns workflows into other forms of the same.

    Args:
        folder: For the files that are written.
        again: Whether the Python is made YAML again.
    """

    folder: Path
    again: bool = False
    _modules: list[str] = field(factory=list)

    def parse(
        self, text: str, name: str | None = None, *, functions: Mapping[str, Callable[..., Any]] | None = None
    ) -> Workflow:
        """As `parse_workflow`."""
        return self.other(parse_workflow(text, name, functions=self.named(functions)), None)

    def load(
        self,
        path: str | Path,
        name: str | None = None,
        *,
        functions: Mapping[str, Callable[..., Any]] | None = None,
    ) -> Workflow:
        """As `load_workflow`."""
        workflow = load_workflow(path, name, functions=self.named(functions))
        return self.other(workflow, Path(str(path).partition("#")[0]).parent)

    def named(self, functions: Mapping[str, Callable[..., Any]] | None) -> Mapping[str, Callable[..., Any]] | None:
        """The same functions, to be found in a module, as those of a program are."""
        if functions:
            module = types.ModuleType(f"program_{next(_numbers)}")
            vars(module).update({f"own_{name}": function for name, function in functions.items()})
            sys.modules[module.__name__] = module
            self._modules.append(module.__name__)
        return functions

    def other(self, workflow: Workflow, folder: Path | None) -> Workflow:
        """The other form of a workflow."""
        found = self.python(workflow, folder or self.folder)
        if not self.again:
            return found
        return self.yaml(found, folder or self.folder)

    def python(self, workflow: Workflow, folder: Path) -> Workflow:
        """As Python, written, and loaded."""
        file = folder / f"exported_{next(_numbers)}.py"
        file.write_text(export_python(workflow, folder=folder), encoding="utf-8")
        found = load_object(f"{file.name}:workflow", folder)
        assert isinstance(found, Workflow)
        return found

    def yaml(self, workflow: Any, folder: Path, name: str | None = None) -> Workflow:
        """As YAML, written, and loaded."""
        file = folder / f"exported_{next(_numbers)}.yaml"
        file.write_text(export_yaml(workflow, folder=folder), encoding="utf-8")
        return load_workflow(file, name or workflow.name)

    def forget(self) -> None:
        """Forget the modules that were made."""
        for name in self._modules:
            sys.modules.pop(name, None)


@pytest.fixture
def forms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forms]:
    """Turns workflows into other forms, in a folder of its own."""
    made = Forms(tmp_path_factory.mktemp("exported"))
    yield made
    made.forget()
