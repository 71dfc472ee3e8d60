"""What `tool` was told, and how it becomes a tool."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import evolve, field, frozen

from victor.core.errors import ConfigurationError
from victor.core.tool import Approval, CostTier, Tool, ToolMetadata
from victor.tools.policy.policy import Policy

__all__ = ["ToolSpec", "cost_tier_of", "dotted_name"]


@frozen(kw_only=True)
class ToolSpec:
    """Everything about a tool but its function.

    Args:
        name: Its name; None for the function's. A dot is allowed: ``"files.read"`` is ``files_read`` to a model.
        description: For the model; None for the docstring's text before its sections.
        metadata: The other fields of `ToolMetadata`.
        policy: What surrounds a call.
    """

    name: str | None = None
    description: str | None = None
    metadata: Mapping[str, Any] = field(factory=dict)
    policy: Policy = Policy()

    def build(self, function: Callable[..., Any], *, name: str | None = None, source: str = "") -> Tool:
        """The tool this makes of a function.

        Args:
            function: Any callable whose parameters can be described.
            name: Instead of its own.
            source: Which plugin or server it comes from.

        Raises:
            SchemaError: A parameter's type cannot be described.
            ConfigurationError: The name or a policy is wrong.
        """
        given = dict(self.metadata)
        wanted = name or self.name or getattr(function, "__name__", "")
        if wanted == "<lambda>" or not wanted:
            what = "a lambda" if wanted else f"{function!r}"
            raise ConfigurationError(f"{what} has no name to be called by; pass name=...")
        description = self.description
        if description is None:
            from victor.core.docstring import summary_of

            description = summary_of(function)
        if given.get("deprecated"):
            description = f"{description}\n\nDeprecated: {given['deprecated']}".strip()
        if source:
            given["source"] = source
        metadata = ToolMetadata(dotted_name(wanted), description, **given)
        _check(metadata, self.policy)
        return Tool(function, metadata, middleware=self.policy.build())

    def with_(self, **changes: Any) -> ToolSpec:
        """A copy with some fields replaced."""
        return evolve(self, **changes)


def dotted_name(name: str) -> str:
    """The name a model knows a tool by: providers allow no dots.

    Example:
        >>> dotted_name("files.read")
        'files_read'
    """
    return name.replace(".", "_")


def _check(metadata: ToolMetadata, policy: Policy) -> None:
    if metadata.idempotent:
        return
    if policy.cache_ttl_s is not None:
        raise ConfigurationError(
            f"tool {metadata.name!r}: cache_ttl needs idempotent=True; the results of a call that changes things "
            "cannot be had from memory"
        )
    if policy.retries:
        raise ConfigurationError(
            f"tool {metadata.name!r}: retries needs idempotent=True; a call that failed may have had its effect already"
        )


_SEPARATES: Final = re.compile(r"[\s.]")


def cost_tier_of(tier: CostTier | str) -> CostTier:
    """A tier by its name, in any case.

    Raises:
        ConfigurationError: There is no such tier.

    Example:
        >>> cost_tier_of("Low")
        <CostTier.LOW: 'low'>
    """
    try:
        return CostTier(str(tier).lower())
    except ValueError:
        tiers = ", ".join(repr(str(each)) for each in CostTier)
        raise ConfigurationError(f"cost_tier {tier!r}: it is one of {tiers}") from None


def _check_kinds(name: str, value: object, kind: type, words: str, *, right: bool = True) -> None:
    if not (isinstance(value, kind) and right):
        raise ConfigurationError(f"{name} is {words}, not {value!r}")


def metadata_of(
    *,
    category: str,
    cost_tier: CostTier | str | None,
    idempotent: bool,
    keywords: str | tuple[str, ...],
    timeout: float | None,
    requires_approval: Approval | None,
    sequential: bool,
    version: str,
    deprecated: str,
) -> dict[str, Any]:
    """The fields of `ToolMetadata` out of the arguments of `victor.tools.decorator.tool`."""
    tier = None if cost_tier is None else cost_tier_of(cost_tier)
    if isinstance(keywords, str):
        raise ConfigurationError(f"keywords must be a list of words, not the text {keywords!r}")
    _check_kinds("category", category, str, "a word", right=bool(category) and not _SEPARATES.search(str(category)))
    words: tuple[Any, ...] = tuple(keywords)
    _check_kinds("keywords", words, tuple, "words", right=all(isinstance(word, str) and word.strip() for word in words))
    _check_kinds("idempotent", idempotent, bool, "True or False")
    _check_kinds("sequential", sequential, bool, "True or False")
    _check_kinds("version", version, str, "text")
    _check_kinds("deprecated", deprecated, str, "text: what to use instead")
    return {
        "category": str(category),
        "cost_tier": tier,
        "idempotent": idempotent,
        "keywords": tuple(keywords),
        "timeout_s": timeout,
        "requires_approval": requires_approval,
        "sequential": sequential,
        "version": version,
        "deprecated": deprecated,
    }
