"""Records a real model once, so that tests and demonstrations can replay it for nothing.

Example:
    >>> import asyncio, tempfile
    >>> from pathlib import Path
    >>> from victor.core.message import Message
    >>> from victor.core.model import ModelRequest
    >>> from victor.core.models.function import FunctionModel
    >>> from victor.core.models.scripted import ScriptedModel
    >>> path = Path(tempfile.mkdtemp()) / "hello.json"
    >>> recording = RecordingModel(FunctionModel(lambda request: "Hello."), path)
    >>> hello = ModelRequest([Message.user("hi")])
    >>> asyncio.run(recording.request(hello)).content
    'Hello.'
    >>> asyncio.run(ScriptedModel.from_file(path).request(hello)).content
    'Hello.'
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from victor.core.errors import ConfigurationError, ModelError
from victor.core.message import Usage
from victor.core.model import Model, ModelChunk, ModelRequest, ModelResponse, TextDelta, resolve_model
from victor.core.models.cassette import Cassette, write_cassette
from victor.core.models.matching import describe_request
from victor.core.models.scripted import Turn

__all__ = ["RecordingModel", "from_name"]


class RecordingModel(Model):
    """Asks another model and writes a cassette of its answers; replay it with `ScriptedModel.from_file`.

    The file is written anew, whole, after every answer, so a run that is cut short leaves what was said so far.
    Each answer carries a ``match`` on the request it answered. Errors of the model are recorded too. Secrets are
    redacted; what the conversation is about is not.

    Args:
        model: The model to ask, or its name.
        path: The cassette file, ``.json`` or ``.yaml``. One that exists is replaced at the first answer.
        match: Write what the requests were like, so that a replay refuses others. Without it anything is answered
            in the recorded order.
    """

    def __init__(self, model: Model | str, path: str | Path, *, match: bool = True) -> None:
        self.inner: Model = resolve_model(model)
        self.path: Path = Path(path)
        self.provider: str = self.inner.provider
        self.name: str = self.inner.name
        self._match = match
        self._cassette = Cassette(model=self.inner.id)
        self._waiting = 0

    async def request(self, request: ModelRequest) -> ModelResponse:
        """Ask the model, and write down its answer."""
        slot = self._begin(request)
        try:
            response = await self.inner.request(request)
        except ModelError as error:
            self._write(slot, error)
            raise
        finally:
            self._waiting -= 1
        self._write(slot, response)
        return response

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
        """Ask the model, and write down its answer and how it was cut."""
        slot = self._begin(request)
        texts: list[str] = []
        chunks: Any = self.inner.stream(request)
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    if isinstance(chunk, TextDelta):
                        texts.append(chunk.text)
                    elif isinstance(chunk, ModelResponse):
                        self._write(slot, chunk, texts if "".join(texts) == chunk.content else None)
                    yield chunk
        except ModelError as error:
            self._write(slot, error)
            raise
        finally:
            self._waiting -= 1

    def cost_usd(self, usage: Usage) -> float | None:
        """What the model asked says."""
        return self.inner.cost_usd(usage)

    async def aclose(self) -> None:
        """Close the model asked."""
        await self.inner.aclose()

    def _begin(self, request: ModelRequest) -> dict[str, Any] | None:
        if self._waiting:  # agents run side by side: a replay may be asked in another order
            self._cassette.any_order = self._match
        self._waiting += 1
        return describe_request(request) if self._match else None

    def _write(
        self, match: dict[str, Any] | None, answer: ModelResponse | ModelError, chunks: list[str] | None = None
    ) -> None:
        self._cassette.turns.append(Turn(answer, match, chunks))
        write_cassette(self.path, self._cassette)


def from_name(name: str) -> RecordingModel:
    """``recording:FILE:PROVIDER:MODEL``: ask that model and write its answers to the file.

    Raises:
        ConfigurationError: The file or the model is missing from the name.
    """
    parts = re.fullmatch(r"(.+?\.(?:json|ya?ml)):(.+)", name, re.IGNORECASE)
    if parts is None:
        raise ConfigurationError(
            f"the model 'recording:{name}' should name a file and a model: recording:hello.json:openai:gpt-5-mini "
            "(the file ends in .json, .yaml or .yml)"
        )
    return RecordingModel(parts[2], parts[1])
