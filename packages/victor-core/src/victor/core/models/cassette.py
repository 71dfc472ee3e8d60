"""Cassettes: files that hold a model's answers, written by `RecordingModel` or by hand, replayed by `ScriptedModel`.

JSON needs nothing; YAML needs PyYAML (``pip install 'victor-core[yaml]'``). The same content in both::

    version: 1
    answers:
      - Hello.                                      # a text
      - tool_calls:                                 # one answer with two calls, made side by side
          - {name: population, arguments: {town: Ulm}}
          - {name: population, arguments: {town: Bonn}}
      - text: Both are towns.
        chunks: ["Both are ", "towns."]             # how it is cut when streamed
        usage: {input_tokens: 30, output_tokens: 5}
        match: {messages: 4, role: tool}            # refuse to answer anything else
      - {error: rate_limit, message: too many requests, retry_after_s: 2}

Optional beside ``answers``: ``model`` (who answered), ``repeat`` (start again at the end) and ``any_order``
(take the first unused answer whose ``match`` fits).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
from attrs import define, field
from msgspec.structs import replace

from victor.core.errors import (
    ConfigurationError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelRateLimitError,
    ModelRequestError,
    ModelResponseError,
)
from victor.core.message import ToolCall, Usage
from victor.core.model import FinishReason, ModelResponse
from victor.core.models.matching import check_match
from victor.core.models.scripted import Turn
from victor.core.redact import redact

__all__ = ["VERSION", "Cassette", "dump_turn", "read_cassette", "write_cassette"]

VERSION: Final = 1
"""Of the form of cassettes."""

_ERRORS: Final[dict[str, type[ModelError]]] = {
    "authentication": ModelAuthenticationError,
    "connection": ModelConnectionError,
    "rate_limit": ModelRateLimitError,
    "request": ModelRequestError,
    "response": ModelResponseError,
}
_TOP: Final = frozenset({"version", "model", "repeat", "any_order", "answers"})
_ANSWER: Final = frozenset(
    {"text", "tool_calls", "chunks", "usage", "finish_reason", "model", "id", "data", "match"}
    | {"error", "message", "status", "retry_after_s"}
)


@define
class Cassette:
    """The content of a cassette file.

    Args:
        turns: The answers.
        model: Who gave them, as ``"provider:name"``.
        repeat: Start again at the end.
        any_order: The answers need not be asked for in this order.
    """

    turns: list[Turn] = field(factory=list)
    model: str = ""
    repeat: bool = False
    any_order: bool = False


def read_cassette(path: str | Path) -> Cassette:
    """Read a cassette file.

    Raises:
        ConfigurationError: It is missing or wrong; names the file, the answer and what there may be.
    """
    file = Path(path)
    try:
        data = _parse(file, file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(f"cassette {file}: cannot be read: {reason}") from error
    if isinstance(data, list):
        data = {"answers": data}
    if not isinstance(data, Mapping) or not isinstance(data.get("answers"), list):
        raise ConfigurationError(f"cassette {file}: needs a list called 'answers'")
    _only(_TOP, data, f"cassette {file}")
    if data.get("version", VERSION) != VERSION:
        raise ConfigurationError(
            f"cassette {file}: version {data['version']!r} is not known; this Victor reads version {VERSION}"
        )
    return Cassette(
        [_load_turn(item, f"cassette {file}: answer {number}") for number, item in enumerate(data["answers"], 1)],
        str(data.get("model") or ""),
        data.get("repeat") is True,
        data.get("any_order") is True,
    )


def write_cassette(path: str | Path, cassette: Cassette) -> None:
    """Write a cassette file at once or not at all; secrets are redacted.

    Raises:
        ConfigurationError: The file cannot be written, or YAML was asked for and PyYAML is missing.
    """
    file = Path(path)
    data: dict[str, Any] = {"version": VERSION, "model": cassette.model}
    data |= {key: True for key in ("repeat", "any_order") if getattr(cassette, key)}
    data["answers"] = [dump_turn(turn) for turn in cassette.turns]
    if _is_yaml(file):
        text = _dump_yaml(_yaml(file), data)
    else:
        text = msgspec.json.format(msgspec.json.encode(data), indent=2).decode() + "\n"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as temporary:
                temporary.write(text)
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigurationError(f"cassette {file}: cannot be written: {error.strerror or error}") from error


def dump_turn(turn: Turn) -> dict[str, Any]:
    """One answer as plain data, without secrets.

    Example:
        >>> dump_turn(Turn(ModelResponse("Hello.")))
        {'text': 'Hello.'}
    """
    answer, dumped = turn.answer, dict[str, Any]()
    if isinstance(answer, ModelError):
        kind = next((name for name, known in _ERRORS.items() if isinstance(answer, known)), "response")
        dumped = {"error": kind, "message": redact.text(str(answer))}
        dumped |= {key: value for key in ("status", "retry_after_s") if (value := getattr(answer, key)) is not None}
    elif isinstance(answer, ModelResponse):
        if answer.content or not answer.tool_calls:
            dumped["text"] = redact.text(answer.content)
        if answer.tool_calls:
            dumped["tool_calls"] = [_dump_call(tool_call) for tool_call in answer.tool_calls]
        if turn.chunks is not None and dumped.get("text") == answer.content:  # a redacted text is cut word by word
            dumped["chunks"] = list(turn.chunks)
        if answer.usage is not None:
            defaults = msgspec.to_builtins(Usage())
            counts = msgspec.to_builtins(answer.usage)
            dumped["usage"] = {key: count for key, count in counts.items() if count != defaults[key]}
        if answer.finish_reason != ("tool_calls" if answer.tool_calls else "stop"):
            dumped["finish_reason"] = answer.finish_reason
        if answer.model:
            dumped["model"] = answer.model
    else:
        raise ConfigurationError(f"a cassette holds ModelResponses and ModelErrors, not {answer!r}")
    if turn.match is not None:
        dumped["match"] = redact(turn.match)
    return dumped


def _dump_call(tool_call: ToolCall) -> dict[str, Any]:
    try:
        arguments = tool_call.parsed()
    except msgspec.DecodeError:
        arguments = None
    kept: Any = redact(arguments) if isinstance(arguments, dict) else redact.text(tool_call.arguments)
    return {"id": tool_call.id, "name": tool_call.name, "arguments": kept}


def _load_turn(item: Any, where: str) -> Turn:
    if isinstance(item, str):
        return Turn(ModelResponse(item, model="scripted"))
    if not isinstance(item, Mapping):
        raise ConfigurationError(f"{where}: should be a text or a mapping, and is {item!r}")
    _only(_ANSWER, item, where)
    match = item.get("match")
    if match is not None:
        try:
            check_match(match)
        except ConfigurationError as error:
            raise ConfigurationError(f"{where}: {error}") from None
    if "error" in item:
        return Turn(_load_error(item, where), match)
    calls = tuple(
        _load_call(one, f"{where}: tool call {number}") for number, one in enumerate(item.get("tool_calls") or (), 1)
    )
    if "text" not in item and not calls:
        raise ConfigurationError(f"{where}: needs 'text', 'tool_calls' or 'error'")
    reason: Any = item.get("finish_reason") or ("tool_calls" if calls else "stop")
    if reason not in get_args(FinishReason):
        raise ConfigurationError(f"{where}: finish_reason {reason!r} is none of {', '.join(get_args(FinishReason))}")
    text = item.get("text") or ""
    if not isinstance(text, str):
        text = msgspec.json.encode(text).decode()
    response = ModelResponse(text, calls, None, reason, item.get("model") or "scripted", str(item.get("id") or ""))
    if item.get("usage") is not None:
        try:
            response = replace(response, usage=msgspec.convert(item["usage"], Usage))
        except msgspec.ValidationError as error:
            raise ConfigurationError(f"{where}: usage: {error}") from None
    if item.get("data") is not None:
        response = replace(response, data=item["data"])
    chunks = item.get("chunks")
    if chunks is not None and not (isinstance(chunks, list) and "".join(map(str, chunks)) == text):
        raise ConfigurationError(f"{where}: the chunks together are not its text")
    return Turn(response, match, chunks)


def _load_call(item: Any, where: str) -> ToolCall:
    if not isinstance(item, Mapping) or not isinstance(item.get("name"), str):
        raise ConfigurationError(f"{where}: needs a name and arguments, and is {item!r}")
    _only(frozenset({"id", "name", "arguments"}), item, where)
    arguments = item.get("arguments", {})
    text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
    return ToolCall(str(item.get("id") or ""), item["name"], text)


def _load_error(item: Mapping[str, Any], where: str) -> ModelError:
    kind = _ERRORS.get(str(item["error"]))
    if kind is None:
        raise ConfigurationError(f"{where}: error {item['error']!r} is none of {', '.join(_ERRORS)}")
    return kind(
        str(item.get("message") or f"{item['error']} (scripted)"),
        provider="scripted",
        status=item.get("status"),
        retry_after_s=item.get("retry_after_s"),
    )


def _only(known: frozenset[str], item: Mapping[str, Any], where: str) -> None:
    from victor.core.catalog import near_matches

    for key in item:
        if key not in known:
            near = near_matches(str(key), known)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(sorted(known))}"
            raise ConfigurationError(f"{where}: unknown key {key!r}{hint}")


def _parse(file: Path, text: str) -> Any:
    if _is_yaml(file):
        yaml = _yaml(file)
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigurationError(f"cassette {file}: not YAML: {error}") from error
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"cassette {file}: not JSON: {error}") from error


def _dump_yaml(yaml: Any, data: Any) -> str:
    class Dumper(yaml.SafeDumper):  # type: ignore[misc, name-defined, unused-ignore]
        """PyYAML writes rare line breaks unquoted, and reads them back as line feeds: such texts are quoted."""

    def text(dumper: Any, value: str) -> Any:
        style = '"' if any(character in value for character in "\x85\u2028\u2029") else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    return str(yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100))


def _is_yaml(file: Path) -> bool:
    return file.suffix.lower() in {".yaml", ".yml"}


def _yaml(file: Path) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise ConfigurationError(
            f"cassette {file}: YAML needs PyYAML; pip install 'victor-core[yaml]' (a .json cassette needs nothing)"
        ) from error
    return yaml
