"""An agent: instructions, tools and a model, and the loop that lets them work.

Example:
    >>> from victor.core import Agent
    >>> from victor.core.testing import ScriptedModel
    >>> from victor.core.message import ToolCall
    >>> def population(town: str) -> int:
    ...     "How many people live in a town."
    ...     return {"Ulm": 128_000}[town]
    >>> model = ScriptedModel([ToolCall("1", "population", '{"town": "Ulm"}'), "About 128,000."])
    >>> agent = Agent("Answer briefly.", tools=[population], model=model)
    >>> agent.run_sync("How many people live in Ulm?").output
    'About 128,000.'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from victor.core import event_loop
from victor.core.errors import ConfigurationError
from victor.core.events import EventStream, current_stream
from victor.core.limits import Limits
from victor.core.loop import Run
from victor.core.message import Message
from victor.core.model import Model, ModelSettings, resolve_model
from victor.core.output import Output
from victor.core.tool import Approve, Tool, as_tool

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from victor.core.chat import Chat
    from victor.core.result import RunResult
    from victor.core.run_events import RunEvent

__all__ = ["Agent", "resolve_tools"]

T = TypeVar("T")

_SAME: Any = object()


class Agent(Generic[T]):
    """Answers prompts with a model, which may call tools on the way. Holds no conversation of its own: one
    agent may serve many runs at once.

    Args:
        instructions: What the model is told first: a text, or a function of ``deps`` that makes one for each run.
        tools: Functions, `Tool` objects, names from the catalog (``"files.read"``) or import strings
            (``"pkg.mod:func"``, ``"./file.py:func"``).
        model: A `Model`, a name such as ``"openai:gpt-5-mini"``, or None for what settings say (the offline model
            where they say nothing).
        output_type: What an answer is: ``str``, an attrs class, dataclass, TypedDict, pydantic model, Literal, Enum,
            list, ..., or a JSON Schema as a mapping.
        name: For events and messages.
        description: What it is good at, for other agents that may call it.
        limits: What a run may use at most; None for `Limits` with what settings change of it (``[limits]``).
        approve: Asked before a tool call that needs approval; gets a `ToolContext`, answers True or False, may be
            async. Without it such calls are denied.
        approval_timeout_s: Seconds to wait for that answer; then the one call is denied. None waits for ever.
        settings: Wishes to the model, such as the temperature.
        output_retries: How often the model may correct an answer that does not fit ``output_type``.
        stream: The event stream; None for the default one.

    Raises:
        ConfigurationError: Two tools of the same name, or something that is no tool.
        UnknownNameError: A tool name that is in no catalog.
        SchemaError: A tool's parameters or the output type cannot be described.

    Example:
        >>> Agent(model="offline").run_sync("Summarize in one sentence: Ulm is a town. It lies on the Danube.").output
        'Ulm is a town.'
    """

    @overload
    def __init__(
        self: Agent[str],
        instructions: str | Callable[[Any], str] = ...,
        *,
        tools: Iterable[Tool | Callable[..., Any] | str] = ...,
        model: Model | str | None = ...,
        name: str = ...,
        description: str = ...,
        limits: Limits | None = ...,
        approve: Approve | None = ...,
        approval_timeout_s: float | None = ...,
        settings: ModelSettings | None = ...,
        output_retries: int = ...,
        stream: EventStream | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: Agent[T],
        instructions: str | Callable[[Any], str] = ...,
        *,
        tools: Iterable[Tool | Callable[..., Any] | str] = ...,
        model: Model | str | None = ...,
        output_type: type[T],
        name: str = ...,
        description: str = ...,
        limits: Limits | None = ...,
        approve: Approve | None = ...,
        approval_timeout_s: float | None = ...,
        settings: ModelSettings | None = ...,
        output_retries: int = ...,
        stream: EventStream | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: Agent[Any],
        instructions: str | Callable[[Any], str] = ...,
        *,
        tools: Iterable[Tool | Callable[..., Any] | str] = ...,
        model: Model | str | None = ...,
        output_type: Any,
        name: str = ...,
        description: str = ...,
        limits: Limits | None = ...,
        approve: Approve | None = ...,
        approval_timeout_s: float | None = ...,
        settings: ModelSettings | None = ...,
        output_retries: int = ...,
        stream: EventStream | None = ...,
    ) -> None: ...
    def __init__(
        self,
        instructions: str | Callable[[Any], str] = "",
        *,
        tools: Iterable[Tool | Callable[..., Any] | str] = (),
        model: Model | str | None = None,
        output_type: Any = str,
        name: str = "agent",
        description: str = "",
        limits: Limits | None = None,
        approve: Approve | None = None,
        approval_timeout_s: float | None = None,
        settings: ModelSettings | None = None,
        output_retries: int = 2,
        stream: EventStream | None = None,
    ) -> None:
        self.instructions = instructions
        self.name = name
        self.description = description
        self._tools = _by_name(tools)
        self._adjusted = not self._tools
        self.output: Output[T] = Output(output_type)
        self._limits = None if limits is None else _checked(limits)
        self.settings: ModelSettings = settings or ModelSettings()
        self.approve = approve
        self.approval_timeout_s = approval_timeout_s
        self.output_retries = output_retries
        self._given_model = model
        self._model: Model | None = model if isinstance(model, Model) else None
        self._stream = stream

    @property
    def tools(self) -> dict[str, Tool]:
        """By name, as installed plugins adjust them (``victor_adjust_tool``); these are asked at first use."""
        if not self._adjusted:
            self._tools = _adjusted(self._tools)
            self._adjusted = True
        return self._tools

    @property
    def model(self) -> Model:
        """The model, found at first use.

        Raises:
            UnknownNameError: Its name is in no catalog.
            ConfigurationError: It cannot be made: a key or an SDK is missing.
        """
        if self._model is None:
            self._model = resolve_model(self._given_model)
        return self._model

    @property
    def limits(self) -> Limits:
        """What a run may use at most."""
        if self._limits is None:
            from victor.core.settings import load_settings

            self._limits = Limits(**load_settings().limits.as_dict())  # type: ignore[arg-type]
        return self._limits

    async def run(
        self,
        prompt: str,
        *,
        history: Sequence[Message] = (),
        deps: Any = None,
        limits: Limits | None = None,
        model: Model | str | None = None,
    ) -> RunResult[T]:
        """Answer one prompt.

        Args:
            prompt: What the user says.
            history: Messages of earlier runs (``result.messages``); not changed.
            deps: Handed to tools (`ToolContext.deps`) and to ``instructions`` where that is a function.
            limits: Instead of the agent's own.
            model: Instead of the agent's own.

        Returns:
            The result. Read ``result.output``; where a limit ended the run that raises, and ``result.stop_reason``
            tells why.

        Raises:
            ModelError: The model could not be reached or gave no answer; ``error.result`` holds the run so far.
            OutputError: The answer did not fit the output type, also after corrections.
        """
        return await self._start(self._begin(prompt, history, deps), deps, limits, model).execute()

    def run_sync(
        self,
        prompt: str,
        *,
        history: Sequence[Message] = (),
        deps: Any = None,
        limits: Limits | None = None,
        model: Model | str | None = None,
    ) -> RunResult[T]:
        """The same as `run`, for programs without an event loop.

        Raises:
            ConfigurationError: Called where an event loop runs (a notebook, an async function); there,
                ``await agent.run(...)``.
        """
        event_loop.refuse_inside("run_sync", "agent.run")
        return event_loop.run(self.run(prompt, history=history, deps=deps, limits=limits, model=model))

    async def stream(
        self,
        prompt: str,
        *,
        history: Sequence[Message] = (),
        deps: Any = None,
        limits: Limits | None = None,
        model: Model | str | None = None,
    ) -> AsyncGenerator[RunEvent, None]:
        """Answer one prompt, piece by piece. The last event is `RunFinished`, with the result.

        The run goes on in a task of its own, at most a few events ahead of the reader. Leaving the loop early
        cancels it; in long-lived programs wrap the iterator in `contextlib.aclosing` so that this happens at once.

        Raises:
            ModelError: As in `run`.
            OutputError: As in `run`.
        """
        run = self._start(self._begin(prompt, history, deps), deps, limits, model)
        async with aclosing(run.events()) as events:
            async for event in events:
                yield event

    def chat(self, history: Sequence[Message] = (), *, deps: Any = None) -> Chat[T]:
        """A conversation that remembers what was said.

        Example:
            >>> chat = Agent(model="test").chat()
            >>> len(chat.send_sync("hello").messages)
            2
        """
        from victor.core.chat import Chat

        return Chat(self, history, deps=deps)

    def as_tool(
        self,
        name: str | None = None,
        description: str | None = None,
        *,
        prompt: Callable[..., str] | None = None,
        parameters: Mapping[str, Any] | None = None,
        result: Callable[[RunResult[T]], Any] | None = None,
        **metadata: Any,
    ) -> Tool:
        """This agent as a tool that another may call. Each call is a run of its own, without history.

        What it uses counts as used by the run that asks: tokens, cost and requests end up in that run's usage, and
        that run's limits (also those of the runs above it) end this one, beside its own. Its events stand inside the
        ``tool.call``; cancelling the one cancels the other; ``deps`` are handed on. Where this agent has no
        ``approve`` of its own, the one of the agent that asks is asked. A run without an answer, or one that fails,
        is an error of the tool: the model that asked is told why.

        Args:
            name: For the model; the agent's name where left out.
            description: For the model; the docstring of ``prompt``, the agent's own description or the beginning of
                its instructions where left out.
            prompt: Makes what the agent is asked; its parameters are the tool's. Without it the tool takes one text,
                ``task``.
            parameters: Instead of a prompt: JSON Schema of the arguments; the agent is asked with their JSON.
            result: What the tool answers, from the whole result; its ``output`` where left out.
            **metadata: More fields of `ToolMetadata`, such as ``requires_approval`` or ``timeout_s``.

        Raises:
            ConfigurationError: The name is none, or both ``prompt`` and ``parameters`` are given.
            SchemaError: The parameters of ``prompt`` cannot be described.

        Example:
            >>> from victor.core import ToolCall
            >>> from victor.core.testing import ScriptedModel
            >>> def about(town: str) -> str:
            ...     "Tells how many people live in a town."
            ...     return f"How many people live in {town}?"
            >>> clerk = Agent(name="clerk", model=ScriptedModel(["128,000."]))
            >>> model = ScriptedModel([ToolCall("1", "clerk", '{"town": "Ulm"}'), "Ulm has 128,000."])
            >>> Agent(tools=[clerk.as_tool(prompt=about)], model=model).run_sync("Ulm?").output
            'Ulm has 128,000.'
        """
        from victor.core.delegation import agent_tool

        return agent_tool(
            self,
            name=name,
            description=description,
            prompt=prompt,
            parameters=parameters,
            result=result,
            **metadata,
        )

    def with_(self, *, tools: Iterable[Tool | Callable[..., Any] | str] = (), output_type: Any = _SAME) -> Agent[Any]:
        """The same agent with more tools or another form of answer; this one is not changed.

        Args:
            tools: Added to those it has.
            output_type: Instead of the agent's own.

        Raises:
            ConfigurationError: A tool has the name of one that it has.
            SchemaError: The output type cannot be described.

        Example:
            >>> counting = Agent(model="test").with_(output_type=int)
            >>> isinstance(counting.run_sync("How many?").output, int)
            True
        """
        changed = copy(self)
        if tools:
            more = resolve_tools(tools)
            if twice := sorted(self.tools.keys() & more.keys()):
                raise ConfigurationError(f"agent {self.name!r} has a tool of that name already: {', '.join(twice)}")
            changed._tools = {**self.tools, **more}
            changed._adjusted = True
        if output_type is not _SAME:
            changed.output = Output(output_type)
        return changed

    def _begin(self, prompt: str, history: Sequence[Message], deps: Any) -> list[Message]:
        if not isinstance(prompt, str):
            raise ConfigurationError(
                f"agent {self.name!r}: the prompt must be a text, not {type(prompt).__name__} {_short(prompt)}; "
                "tools get other values by deps=..."
            )
        messages = list(history)
        if not (messages and messages[0].role == "system"):
            instructions = self.instructions(deps) if callable(self.instructions) else self.instructions
            if instructions:
                messages.insert(0, Message("system", instructions))
        messages.append(Message("user", prompt))
        return messages

    def _start(
        self,
        messages: list[Message],
        deps: Any,
        limits: Limits | None,
        model: Model | str | None,
        asking: Run[Any] | None = None,
    ) -> Run[T]:
        return Run(
            agent=self.name,
            model=self.model if model is None else resolve_model(model),
            tools=self.tools,
            output=self.output,
            messages=messages,
            limits=self.limits if limits is None else _checked(limits),
            settings=self.settings,
            approve=self.approve,
            approval_timeout_s=self.approval_timeout_s,
            output_retries=self.output_retries,
            deps=deps,
            stream=self._stream or current_stream(),
            asking=asking,
        )

    def __repr__(self) -> str:
        return f"Agent({self.name!r}, tools=[{', '.join(self._tools)}])"


def _checked(limits: Any) -> Limits:
    if isinstance(limits, Limits):
        return limits
    given = limits if isinstance(limits, Mapping) else {}
    written = ", ".join(f"{name}={value!r}" for name, value in given.items()) or "steps=10"
    raise ConfigurationError(
        f"limits must be Limits, not {type(limits).__name__} {_short(limits)}; "
        f"write limits=Limits({written}), from victor.core"
    )


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:59] + "…"


def resolve_tools(tools: Iterable[Tool | Callable[..., Any] | str], folder: Path | None = None) -> dict[str, Tool]:
    """Tools by name, from functions, tools, catalog names and import strings, as installed plugins adjust them.

    Args:
        tools: As an `Agent` takes them.
        folder: Against which ``"./file.py:function"`` goes; the working directory by default.

    Raises:
        ConfigurationError: Two have the same name, or something is no tool.
        UnknownNameError: A name is in no catalog.
    """
    return _adjusted(_by_name(tools, folder))


def _adjusted(tools: Mapping[str, Tool]) -> dict[str, Tool]:
    if not tools:
        return {}
    from victor.core.plugins import get_plugins

    plugins = get_plugins()
    return {name: plugins.tool(tool) for name, tool in tools.items()}


def _by_name(tools: Iterable[Tool | Callable[..., Any] | str], folder: Path | None = None) -> dict[str, Tool]:
    if isinstance(tools, (str, Mapping)) or not isinstance(tools, Iterable):
        one = tools if isinstance(tools, str) else getattr(tools, "__name__", None) or getattr(tools, "name", None)
        hint = f"; for one tool: tools=[{one!r}]" if isinstance(tools, str) else f"; for one tool: tools=[{one}]"
        raise ConfigurationError(
            f"tools must be a list of functions, tools or names, not {type(tools).__name__} {tools!r}"
            f"{hint if one else ''}"
        )
    found: dict[str, Tool] = {}
    for item in tools:
        tool = _named_tool(item, folder) if isinstance(item, str) else as_tool(item)
        if tool.name in found:
            raise ConfigurationError(f"two tools are named {tool.name!r}; rename one: as_tool(function, name='...')")
        found[tool.name] = tool
    return found


def _named_tool(name: str, folder: Path | None) -> Tool:
    if ":" in name:
        from victor.core.import_strings import load_object

        return as_tool(load_object(name, folder))
    from victor.core.plugins import get_plugins

    return as_tool(get_plugins().tools.get(name))
