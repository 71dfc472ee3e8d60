"""`CompiledGraph`: a graph that can be run."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from typing import Any

from victor.graph.engine import DEFAULT_RECURSION_LIMIT, Run, finish
from victor.graph.tasks import block_on


class CompiledGraph:
    def __init__(self, builder, program, *, checkpointer=None, cache=None, store=None, debug=False, schema_version=0, migrate=None):
        self.builder = builder
        self.program = program
        self.name = program.name

    def _run(self, config, blocking, **kw):
        return Run(self.program, config or {}, blocking=blocking, limit=(config or {}).get("recursion_limit", DEFAULT_RECURSION_LIMIT))

    async def ainvoke(self, input, config=None):
        run = self._run(config, False)
        await run.go(input)
        return run.output()

    def invoke(self, input, config=None):
        if self.program.needs_loop:
            return block_on(self.ainvoke(input, config), copy_context())
        run = self._run(config, True)
        finish(run.go(input))
        return run.output()

    async def run_nested(self, task, input):
        run = self._run({}, task.run.blocking)
        run.parent = task
        await run.go({k: v for k, v in input.items() if k in self.program.input_keys})
        return run.output()
