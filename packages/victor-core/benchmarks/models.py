"""What models cost beside their work: a scripted answer, and an adapter beside the vendor's bare SDK.

Medians of CPU time. The adapters ask a server in this process that sends canned bytes, so adapter and SDK carry the
same cost of it, and the ratio understates none of ours.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import statistics
import time
from collections.abc import Awaitable, Callable

from _results import record

from victor.core import Message, ModelRequest
from victor.core.models.scripted import ScriptedModel

ROUNDS = 30
CHUNKS = 200


async def measure(run: Callable[[], Awaitable[object]], rounds: int = ROUNDS, times: int = 1) -> float:
    """Median CPU microseconds of one run, of which each sample makes several."""
    samples = []
    for _ in range(rounds + 3):
        began = time.process_time()
        for _ in range(times):
            await run()
        samples.append((time.process_time() - began) * 1e6 / times)
    return statistics.median(samples[3:])


async def scripted() -> None:
    """An answer of a scripted model, with a short and a long history."""
    for length in (2, 200):
        model = ScriptedModel("done", repeat=True)
        request = ModelRequest([Message.user("hello")] * length)

        async def ask(model: ScriptedModel = model, request: ModelRequest = request) -> None:
            await model.request(request)
            model.requests.clear()

        cost = await measure(ask, times=200)
        print(f"scripted answer, {length:3} messages {cost:10.2f} us")
        record(f"scripted_{length}", f"a scripted answer to {length} messages", cost, "us")


def stream_bytes() -> bytes:
    """A streamed reply of the Chat Completions protocol."""
    events = [{"choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": None}]} for _ in range(CHUNKS)]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    whole = {"id": "r", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    body = "".join(f"data: {json.dumps(whole | event)}\n\n" for event in events) + "data: [DONE]\n\n"
    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {len(body)}\r\n\r\n"
    return (head + body).encode()


async def adapters() -> None:
    """A streamed answer through `OpenAIModel`, and through the SDK alone."""
    if importlib.util.find_spec("openai") is None:
        print("openai adapter: not measured; pip install 'victor-core[openai]'")
        return
    import openai

    from victor.core.models.openai import OpenAIModel

    canned = stream_bytes()
    serving: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.current_task())
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(int(x.split(b":")[1]) for x in head.lower().split(b"\r\n") if b"content-length" in x)
                await reader.readexactly(length)
                writer.write(canned)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    client = openai.AsyncOpenAI(api_key="none", base_url=url, max_retries=0)
    model = OpenAIModel("m", base_url=url, api_key="none")
    request = ModelRequest([Message.user("hello")])

    async def bare() -> None:
        stream = await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hello"}], stream=True
        )
        async for _ in stream:
            pass

    async def ours() -> None:
        async for _ in model.stream(request):
            pass

    floor, cost = await measure(bare), await measure(ours)
    print(f"openai SDK, stream of {CHUNKS} pieces  {floor / 1000:9.2f} ms")
    print(f"OpenAIModel on it               {cost / 1000:9.2f} ms   {cost / floor:.2f} x")
    name = f"a streamed answer of {CHUNKS} pieces through `OpenAIModel`"
    record("openai_stream", name, cost / 1000, "ms", floor=floor / 1000, floor_name="the SDK `openai` alone")
    await model.aclose()
    await client.close()
    server.close()
    await asyncio.gather(*filter(None, serving))


async def main() -> None:
    """All of it."""
    await scripted()
    await adapters()


if __name__ == "__main__":
    asyncio.run(main())
