"""When a provider is away, the next one answers: a model made of models, in twenty lines.

Retries help against a short disturbance; against an outage or an exhausted quota only another model does. A `Model`
is one method, so a fallback needs nothing of a framework. Which errors lead to the next model is the point: being
away and being overloaded do; a refused key or a request that is wrong would be wrong there, too, and must be seen.
Each change is an event, so that nobody pays for the expensive model unnoticed. The overloaded model and the one with
the wrong key are scripted; the last one is the offline model.

Needs: victor-core
Run: python docs/examples/agents/intermediate/fallback_models.py
Prints:
      openai:big: ModelConnectionError
      scripted:second: ModelRateLimitError
    offline: Ulm is a town.
    ModelAuthenticationError: the key was refused
"""

from __future__ import annotations

from victor.core import (
    Agent,
    Model,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelRateLimitError,
    ModelRequest,
    ModelResponse,
    get_stream,
    resolve_model,
)
from victor.core.models import OpenAIModel
from victor.core.testing import ScriptedModel


class Fallback(Model):
    """Asks the first model, and the next one while models are away or overloaded.

    Args:
        models: Models or their names, the preferred one first.
    """

    provider = "fallback"

    def __init__(self, *models: Model | str) -> None:
        self.models = [resolve_model(model) for model in models]
        self.name = "+".join(model.id for model in self.models)

    async def request(self, request: ModelRequest) -> ModelResponse:
        for model in self.models[:-1]:
            try:
                return await model.request(request)
            except (ModelConnectionError, ModelRateLimitError) as error:
                get_stream().emit("fallback.used", model.id, {"error": type(error).__name__})
        return await self.models[-1].request(request)

    # Streams come in one piece, as `Model.stream` makes them: what was shown of an answer cannot be taken back.


if __name__ == "__main__":
    away = OpenAIModel("big", base_url="http://127.0.0.1:9/v1", max_retries=0)  # nothing listens there
    full = ScriptedModel([ModelRateLimitError("no credit left")], name="second")
    agent = Agent("Answer briefly.", model=Fallback(away, full, "offline"))
    with get_stream().listening(lambda event: print(f"  {event.name}: {event.attributes['error']}"), ["fallback.used"]):
        result = agent.run_sync("Summarize in one sentence: Ulm is a town. It lies on the Danube.")
    print(f"{result.model}: {result.output}")

    wrong_key = ScriptedModel([ModelAuthenticationError("the key was refused")], name="first")
    try:
        Agent(model=Fallback(wrong_key, "offline")).run_sync("hello")
    except ModelError as error:
        print(f"{type(error).__name__}: {error}")
