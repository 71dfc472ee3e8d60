"""What victor-core itself contributes, by the same hooks as any plugin."""

from __future__ import annotations

from victor.core.hookspecs import Register, RegisterListener, hookimpl

__all__ = ["victor_register_commands", "victor_register_listeners", "victor_register_models"]


@hookimpl
def victor_register_models(register: Register) -> None:
    """The model providers that come with core."""
    at = "victor.core.models."
    register(
        "offline",
        at + "offline:from_name",
        help="no key, no network, no language model: extracts, summarizes, calls tools",
    )
    register("openai", at + "openai:from_name", help="OpenAI and any server that speaks its protocol (OPENAI_BASE_URL)")
    register("anthropic", at + "anthropic:from_name", help="Claude models of Anthropic")
    register("ollama", at + "openai:ollama", help="models served by Ollama on this machine")
    register("openrouter", at + "openai:openrouter", help="models of many vendors through openrouter.ai")
    register("lmstudio", at + "openai:lmstudio", help="models served by LM Studio on this machine")
    register("vllm", at + "openai:vllm", help="models served by vLLM")
    register("llamacpp", at + "openai:llamacpp", help="models served by llama.cpp's llama-server")
    register("scripted", at + "scripted:from_name", help="replays a YAML cassette: scripted:FILE")
    register(
        "recording",
        at + "recording:from_name",
        help="asks a model and writes a cassette: recording:FILE:PROVIDER:MODEL",
    )
    register("test", at + "test:from_name", help="calls every tool once with made-up arguments; for tests")


@hookimpl
def victor_register_commands(register: Register) -> None:
    """The commands that come with core."""
    at = "victor.core.cli."
    register("run", at + "run:app", help="send one prompt through an agent")
    register("chat", at + "chat:app", help="talk with an agent")
    register("new", at + "new:app", help="start a plugin package of your own")
    register("plugins", at + "plugins:app", help="list installed plugins and what they contribute")
    register("models", at + "models:app", help="list model providers and what they need")
    register("tools", at + "tools:app", help="list the tools agents can use by name")
    register("config", at + "config:app", help="show settings and where each came from")
    register("completion", at + "completion:app", help="print the completion script of a shell")
    register("doctor", at + "doctor:app", help="check this installation")


@hookimpl
def victor_register_listeners(register: RegisterListener) -> None:
    """The event listeners that come with core; off unless a setting asks for them."""
    register("log", "victor.core.log:make_listener", help="one structlog line per operation")
