"""The redactor: what it hides, and what it must leave alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from victor.core.redact import MARK, Redactor, redact

SECRET = "hunter2hunter2XYZ"


@pytest.mark.parametrize(
    "name",
    [
        "password", "PASSWORD", "db_password", "DB_PASSWORD", "dbPassword", "passwd", "api_key", "api-key",
        "apiKey", "apikey", "OPENAI_API_KEY", "x-api-key", "secret", "client_secret", "clientSecret", "token",
        "access_token", "accessToken", "refresh-token", "Authorization", "Proxy-Authorization", "Cookie",
        "Set-Cookie", "private_key", "AWS_SECRET_ACCESS_KEY", "aws_access_key", "credentials", "connection_string",
        "session_id", "passphrase", "signature",
    ],
)  # fmt: skip
def test_values_that_go_by_a_secret_name_are_hidden(name):
    assert redact({name: SECRET}) == {name: MARK}
    assert redact({"deep": [{name: {"nested": SECRET}}]}) == {"deep": [{name: MARK}]}


@pytest.mark.parametrize(
    "name",
    [
        "max_tokens", "input_tokens", "total_tokens", "tokens", "token_count", "author", "path", "key", "keyboard",
        "monkey", "secretary", "tokenizer", "title", "pinned", "design", "compass", "authority",
    ],
)  # fmt: skip
def test_harmless_names_are_left_alone(name):
    assert redact({name: "value"}) == {name: "value"}


@pytest.mark.parametrize(
    "text",
    [
        f"https://ann:{SECRET}@example.org/x",
        f"postgresql://user:{SECRET}@db:5432/app",
        f"redis://:{SECRET}@cache",
        f"https://example.org/?token={SECRET}&page=2",
        f"https://example.org/cb#access_token={SECRET}",
        f"https://example.org/f?X-Amz-Signature={SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"authorization: Basic {SECRET}",
        f'curl -H "Authorization: token {SECRET}" https://example.org',
        f"Cookie: id={SECRET}; theme=dark",
        f"x-api-key: {SECRET}",
        f"export OPENAI_API_KEY={SECRET}",
        f"password: {SECRET}",
        f"password='{SECRET}'",
        f'{{"password": "{SECRET}"}}',
        f"{{'client_secret': '{SECRET}'}}",
        f"ValueError: bad secret={SECRET}, try again",
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{SECRET} cut off",
    ],
)  # fmt: skip
def test_secrets_inside_text_are_hidden(text):
    assert SECRET not in redact.text(text)
    assert MARK in redact.text(text)


@pytest.mark.parametrize(
    "shape",
    [
        "sk-proj-abcdEFGH12345678abcdEFGH", "sk-ant-api03-abcdEFGH12345678_abc-def", "sk_live_abcdEFGH12345678abcd",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789", "github_pat_11ABCDEFG0abcdefghijkl_mnop",
        "glpat-abcdefghijklmnop1234", "xoxb-123456789012-abcdefABCDEF", "AIzaSyA1234567890abcdefghijklmnopqrstu",
        "AKIAIOSFODNN7EXAMPLE", "hf_abcdefghijklmnopqrstuvwx", "npm_abcdefghijklmnopqrstuvwxyz0123456789",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dBjftJeZ4CVP",
    ],
)  # fmt: skip
def test_well_known_shapes_are_hidden_wherever_they_stand(shape):
    assert redact.text(f"before {shape} after") == f"before {MARK} after"


@pytest.mark.parametrize(
    "text",
    [
        "What is the password policy of the company?",
        "Use at most 200 tokens: be brief.",
        "https://example.org/search?q=tokens&page=2",
        "The key: a small brass thing. Secret agents carry it.",
        "max_tokens=4096, temperature=0.2",
        "x = y + z; a[b] = c",
        "risk-averse users ask-and-tell",
        "token: None",
        "",
        "ab",
    ],
)
def test_ordinary_text_stays_as_it_is(text):
    assert redact.text(text) == text


def test_containers_keep_their_form_and_the_value_given_is_not_changed():
    value = {"a": (1, "token=abcdef"), "b": {"x"}, "c": b"password=abcdef", "d": None, "e": 1.5, "password": None}
    result = redact(value)
    assert result == {
        "a": (1, f"token={MARK}"), "b": ["x"], "c": f"password={MARK}", "d": None, "e": 1.5, "password": None,
    }  # fmt: skip
    assert value["a"] == (1, "token=abcdef")


def test_unknown_objects_become_their_redacted_text():
    class Client:
        def __str__(self) -> str:
            return "Client(api_key=abcdef)"

    assert redact(Client()) == f"Client(api_key={MARK})"


def test_endless_nesting_is_cut_off():
    loop: list[object] = []
    loop.append(loop)
    assert MARK in str(redact(loop))


def test_own_names_and_patterns():
    mine = Redactor(names=["^iban$"], patterns=[r"\bDE\d{20}\b"])
    assert mine({"iban": "x", "town": "Ulm DE12345678901234567890"}) == {"iban": MARK, "town": f"Ulm {MARK}"}


@given(st.text())
def test_redacting_twice_changes_nothing_more(text):
    once = redact.text(text)
    assert redact.text(once) == once


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_plain_value_can_be_redacted(value):
    redact(value)
