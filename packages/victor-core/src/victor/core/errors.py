"""The errors every Victor package raises: one root, and a message that says what, where and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from victor.core.result import RunResult

__all__ = [
    "ConfigurationError",
    "IncompleteRunError",
    "ModelAuthenticationError",
    "ModelConnectionError",
    "ModelError",
    "ModelRateLimitError",
    "ModelRequestError",
    "ModelResponseError",
    "OutputError",
    "PluginError",
    "SchemaError",
    "ToolApprovalError",
    "ToolArgumentsError",
    "ToolError",
    "ToolNotFoundError",
    "ToolTimeoutError",
    "UnknownNameError",
    "VictorError",
]


class VictorError(Exception):
    """Root of every error Victor raises on purpose.

    The command line prints its text as one paragraph; anything else is a bug and prints a traceback.

    What to do: read the text; catch this class where any mistake of Victor's is to be handled.

    Example:
        >>> try:
        ...     raise ConfigurationError("no such profile: 'prod'")
        ... except VictorError as error:
        ...     print(error)
        no such profile: 'prod'
    """

    def __reduce__(self) -> tuple[Any, ...]:
        # By what it holds, not by what its __init__ asks for: every subclass can be pickled and copied.
        return _restore, (type(self), self.args), self.__dict__


def _restore(kind: type[VictorError], args: tuple[Any, ...]) -> VictorError:
    made = kind.__new__(kind, *args)
    made.args = args
    return made


class ConfigurationError(VictorError):
    """A setting, a file or an argument of the host program is wrong.

    What to do: correct what the text names; it says where (file and line, variable or argument), what is allowed, and
    near matches.
    """


class PluginError(VictorError):
    """A plugin broke a rule of registration; the message names the plugin and the contribution.

    What to do: correct the plugin as the text says, or leave it out with the setting ``load_plugins``; ``victor
    plugins`` shows its state.
    """


class SchemaError(VictorError):
    """A type cannot be described as JSON Schema; the message names the function and the parameter.

    What to do: annotate the parameter with a type JSON can hold, or give the tool a schema of its own.
    """


class UnknownNameError(VictorError, LookupError):
    """A name is in no catalog; the message lists near matches and, where known, the package that has it.

    What to do: take one of the ``suggestions``, or install the package the text names; ``victor plugins`` lists what
    there is.

    Args:
        message: The whole text.
        name: The name that was looked up.
        suggestions: Names that exist and look like it, best first.
    """

    def __init__(self, message: str, *, name: str = "", suggestions: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.name = name
        self.suggestions: tuple[str, ...] = tuple(suggestions)


class ModelError(VictorError):
    """A model could not answer. Raised, never turned into an answer.

    What to do: see the kinds below it; ``result`` holds what was done before, to go on from.

    Args:
        message: What went wrong, with the provider and the model.
        provider: Catalog name of the provider, such as ``"openai"``.
        model: The model that was asked.
        status: HTTP status, where there was one.
        retry_after_s: Seconds the provider asked to wait, where it did.

    Attributes:
        result: The run as far as it came (set by the agent loop), so that finished work is not lost.
    """

    def __init__(
        self,
        message: str,
        *,
        provider: str = "",
        model: str = "",
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.provider = provider
        self.model = model
        self.status = status
        self.retry_after_s = retry_after_s
        self.result: RunResult[Any] | None = None


class ModelConnectionError(ModelError):
    """The provider could not be reached, or the connection broke before the answer was whole.

    What to do: check address, network and proxy, or start the local server the text names; then run again. Retries were
    made.
    """


class ModelAuthenticationError(ModelError):
    """The provider refused the key (HTTP 401 or 403).

    What to do: set the provider's key, or correct it; the text names the variable, and ``victor doctor`` checks it.
    """


class ModelRateLimitError(ModelError):
    """The provider went on refusing for load or quota (HTTP 429 or 529) after the retries.

    What to do: wait ``retry_after_s`` where it is given, send less at once, or raise the quota at the provider.
    """


class ModelRequestError(ModelError):
    """The provider rejected the request itself (HTTP 4xx): unknown model, context too long, bad schema.

    What to do: correct the model's name, shorten the conversation or simplify the schema, as the text says; the same
    request fails again.
    """


class ModelResponseError(ModelError):
    """The provider failed (HTTP 5xx) or sent something that is not an answer.

    What to do: run again later, or with another model; retries were made.
    """


class OutputError(VictorError):
    """The model's final answer did not fit ``output_type``, also after the allowed corrections.

    What to do: look at ``text``; make ``output_type`` or the instructions simpler, allow more corrections, or take a
    stronger model.

    Attributes:
        text: What the model answered last.
        result: The run as far as it came.
    """

    def __init__(self, message: str, *, text: str = "") -> None:
        super().__init__(message)
        self.text = text
        self.result: RunResult[Any] | None = None


class IncompleteRunError(VictorError):
    """``RunResult.output`` was read from a run that stopped before it had an answer.

    What to do: look at ``result.stop_reason`` before the output, raise the limit that ended the run, or go on from
    ``result.messages``.

    Attributes:
        result: That run; its ``stop_reason`` says why, its ``messages`` hold what was done.
    """

    def __init__(self, message: str, *, result: RunResult[Any]) -> None:
        super().__init__(message)
        self.result = result


class ToolError(VictorError):
    """A tool could not do what was asked. Raise it in a tool to tell the model why, in words it can use.

    What to do: the model is told, and goes on; raise it in tools of your own. Who calls a tool without a model handles
    it.

    Args:
        message: Written for the model: what was wrong and what would be right.
        retry: True when another call with other arguments may work; False when trying again is useless.

    Example:
        >>> raise ToolError("no file 'a.txt'; there are: b.txt, c.txt", retry=True)
        Traceback (most recent call last):
        ...
        victor.core.errors.ToolError: no file 'a.txt'; there are: b.txt, c.txt
    """

    def __init__(self, message: str, *, retry: bool = False) -> None:
        super().__init__(message)
        self.retry = retry


class ToolArgumentsError(ToolError):
    """The arguments of a call do not fit the tool's schema; lists every problem at once.

    What to do: the model is told and may correct the call; where a program made the call, correct the arguments that
    ``problems`` names.

    Args:
        message: All problems, a line each.
        problems: The same as pairs of JSON path (``"$.limit"``) and text.
    """

    def __init__(self, message: str, *, problems: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message, retry=True)
        self.problems: tuple[tuple[str, str], ...] = tuple(problems)


class ToolNotFoundError(ToolError):
    """The model called a tool it was not given.

    What to do: the model is told what there is. Where it happens often, give the agent that tool or name the tools in
    its instructions.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message, retry=True)


class ToolTimeoutError(ToolError):
    """The tool did not finish within its own deadline.

    What to do: the model is told. Give the tool more time (``timeout_s``), or less to do in one call.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message, retry=True)


class ToolApprovalError(ToolError):
    """The call needed approval and did not get it: denied, timed out, or nobody to ask.

    What to do: the model is told. Give the run an ``approve`` function, or on the command line ``--yes`` or ``approve =
    "always"``.
    """
