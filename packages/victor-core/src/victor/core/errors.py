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
    """A setting, a file or an argument of the host program is wrong."""


class PluginError(VictorError):
    """A plugin broke a rule of registration; the message names the plugin and the contribution."""


class SchemaError(VictorError):
    """A type cannot be described as JSON Schema; the message names the function and the parameter."""


class UnknownNameError(VictorError, LookupError):
    """A name is in no catalog; the message lists near matches and, where known, the package that has it.

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
    """The provider could not be reached, or the connection broke before the answer was whole."""


class ModelAuthenticationError(ModelError):
    """The provider refused the key (HTTP 401 or 403)."""


class ModelRateLimitError(ModelError):
    """The provider went on refusing for load or quota (HTTP 429 or 529) after the retries."""


class ModelRequestError(ModelError):
    """The provider rejected the request itself (HTTP 4xx): unknown model, context too long, bad schema."""


class ModelResponseError(ModelError):
    """The provider failed (HTTP 5xx) or sent something that is not an answer."""


class OutputError(VictorError):
    """The model's final answer did not fit ``output_type``, also after the allowed corrections.

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

    Attributes:
        result: That run; its ``stop_reason`` says why, its ``messages`` hold what was done.
    """

    def __init__(self, message: str, *, result: RunResult[Any]) -> None:
        super().__init__(message)
        self.result = result


class ToolError(VictorError):
    """A tool could not do what was asked. Raise it in a tool to tell the model why, in words it can use.

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

    Args:
        message: All problems, a line each.
        problems: The same as pairs of JSON path (``"$.limit"``) and text.
    """

    def __init__(self, message: str, *, problems: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message, retry=True)
        self.problems: tuple[tuple[str, str], ...] = tuple(problems)


class ToolNotFoundError(ToolError):
    """The model called a tool it was not given."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retry=True)


class ToolTimeoutError(ToolError):
    """The tool did not finish within its own deadline."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retry=True)


class ToolApprovalError(ToolError):
    """The call needed approval and did not get it: denied, timed out, or nobody to ask."""
