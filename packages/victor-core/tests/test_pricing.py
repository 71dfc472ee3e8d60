"""What tokens cost, and that an unknown price is None and never 0."""

from __future__ import annotations

import sys

import pytest

from victor.core.errors import ConfigurationError
from victor.core.message import Usage
from victor.core.models.openai import OpenAIModel
from victor.core.pricing import Price, find_price


@pytest.fixture
def settings(tmp_path, monkeypatch):
    def write(text: str) -> None:
        (tmp_path / "victor.toml").write_text(text)

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VICTOR_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return write


@pytest.fixture
def no_list(monkeypatch):
    monkeypatch.setitem(sys.modules, "genai_prices", None)


def test_cached_tokens_have_their_own_price():
    price = Price(input=4, output=20, cache_read=1, cache_write=5)
    usage = Usage(1_000_000, 100_000, cache_read_tokens=500_000, cache_write_tokens=100_000)
    assert price.cost_usd(usage) == pytest.approx(0.4 * 4 + 0.1 * 20 + 0.5 * 1 + 0.1 * 5)
    assert Price(4, 20).cost_usd(usage) == pytest.approx(1.0 * 4 + 0.1 * 20)
    assert Price(0, 0).cost_usd(usage) == 0


def test_unknown_tokens_cost_an_unknown_amount():
    assert Price(1, 1).cost_usd(Usage(None, 5)) is None
    assert Price(1, 1).cost_usd(Usage(5, None)) is None


def test_prices_from_settings(settings, no_list):
    settings('[prices."openai:gpt-x"]\ninput = 2\noutput = 8.0\n[prices."ollama:qwen3"]\ninput = 0\noutput = 0\n')
    assert find_price("openai", "gpt-x")(Usage(1_000_000, 1_000_000)) == 10
    assert find_price("ollama", "qwen3", listed=False)(Usage(5, 5)) == 0  # because the user says so
    assert find_price("openai", "gpt-y") is None
    model = OpenAIModel("gpt-x", api_key="k")
    assert model.cost_usd(Usage(500_000, 0)) == 1
    settings("")
    assert model.cost_usd(Usage(500_000, 0)) == 1  # looked up once
    assert OpenAIModel("gpt-x", api_key="k").cost_usd(Usage(1, 1)) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("input = 1", "output missing"),
        ("inptu = 1\noutput = 1", "unknown key 'inptu'"),
        ('input = "1"\noutput = 1', "input should be a number"),
        ("input = -1\noutput = 1", "input should be a number of US dollars, 0 or more"),
        ("input = true\noutput = 1", "input should be a number"),
        ("input = inf\noutput = 1", "input should be a number"),
    ],
)
def test_wrong_settings_are_said(settings, text, said):
    settings(f'[prices."openai:gpt-x"]\n{text}\n')
    with pytest.raises(ConfigurationError, match=said) as caught:
        find_price("openai", "gpt-x")
    assert 'prices."openai:gpt-x"' in str(caught.value)


def test_a_price_that_is_no_table(settings):
    settings('[prices]\n"openai:gpt-x" = 3\n')
    with pytest.raises(ConfigurationError, match="should be a table"):
        find_price("openai", "gpt-x")


def test_prices_from_an_installed_list(settings, monkeypatch):
    class List:
        """Stands for genai-prices, whose figures change."""

        class Usage:
            def __init__(self, **counts):
                self.counts = counts

        def calc_price(self, usage, name, *, provider_id):
            if name != "gpt-x":
                raise LookupError(name)
            assert usage.counts["cache_read_tokens"] <= usage.counts["input_tokens"]
            return type("Price", (), {"total_price": usage.counts["input_tokens"] * 2})

    monkeypatch.setitem(sys.modules, "genai_prices", List())
    price = find_price("openai", "gpt-x")
    assert price(Usage(3, 0, cache_read_tokens=1)) == 6.0
    assert price(Usage(None, 0)) is None
    assert find_price("openai", "gpt-y") is None
    assert find_price("openai", "gpt-x", listed=False) is None


def test_the_real_list_knows_known_models(settings):
    pytest.importorskip("genai_prices", reason="pip install 'victor-core[prices]'")
    price = find_price("openai", "gpt-4o")
    full, cached = price(Usage(1000, 0)), price(Usage(1000, 0, cache_read_tokens=1000))
    assert 0 < cached < full
    assert find_price("openai", "no-such-model-at-all") is None
