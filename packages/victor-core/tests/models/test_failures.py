"""How what an SDK raises is told: waiting times, the provider's words wherever they stand, and no secrets."""

from __future__ import annotations

import email.utils
import time
from datetime import UTC, datetime

import pytest

from victor.core.errors import ModelConnectionError, ModelRequestError, ModelResponseError
from victor.core.models.failures import Endpoint, NoAnswerError, failure_of, retry_after

HERE = Endpoint("openai", "m", "http://ann:hunter22@gpu-box:8000/v1", "OPENAI_API_KEY", secrets=("topsecret",))


class APIStatusError(Exception):
    """Shaped as both SDKs shape theirs."""

    def __init__(self, status: int, body: object, **headers: str) -> None:
        super().__init__("status error")
        self.status_code = status
        self.body = body
        self.response = type("Response", (), {"headers": headers})


def told(error: Exception, **options: float) -> str:
    return str(failure_of(error, HERE, timeout_s=5, **options).error)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (None, None),
        ({}, None),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "9"}, 9.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_how_long_to_wait(headers, seconds):
    assert retry_after(headers) == seconds


def test_a_date_to_wait_for():
    at = email.utils.format_datetime(datetime.fromtimestamp(time.time() + 30, UTC), usegmt=True)
    assert 25 < retry_after({"retry-after": at}) <= 30


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "deep"}}, "deep"),
        ({"error": "flat"}, "flat"),
        ({"message": "plain"}, "plain"),
        ({"detail": [{"msg": "listed"}]}, "listed"),
        ({"odd": "shape"}, "shape"),
        ("text", "text"),
        (None, "status error"),
        ("", "status error"),
    ],
)
def test_the_providers_words_are_found(body, words):
    assert words in told(APIStatusError(400, body))


def test_secrets_and_endless_pages_stay_out():
    text = told(APIStatusError(400, "topsecret " + "long <html> page " * 200))
    assert "topsecret" not in text
    assert len(text) < 700
    assert "hunter22" not in told(ConnectionResetError(104, "reset"))


def test_errors_that_are_none_of_the_providers_are_left_alone():
    for error in (ZeroDivisionError("bug"), TypeError("bug")):
        with pytest.raises(type(error)) as caught:
            failure_of(error, HERE, timeout_s=5)
        assert caught.value is error


def test_a_typed_error_stays_what_it_is():
    error = ModelRequestError("already")
    assert failure_of(error, HERE, timeout_s=5).error is error


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (TimeoutError(), ModelConnectionError, "within 5 s"),
        (TimeoutError(110, "Connection timed out"), ModelConnectionError, "cannot be reached (Connection timed out)"),
        (ConnectionResetError(104, "Connection reset by peer"), ModelConnectionError, "cannot be reached"),
        (NoAnswerError("odd"), ModelResponseError, "not an answer: odd"),
        (APIStatusError(408, None), ModelResponseError, "try again later"),
        (APIStatusError(403, None), Exception, "refused the key"),
    ],
)
def test_kinds(error, kind, words):
    failure = failure_of(error, HERE, timeout_s=5)
    assert isinstance(failure.error, kind)
    assert words in str(failure.error)


def test_a_proxy_in_between_is_named_without_its_password(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert "proxy" not in told(ConnectionRefusedError(111, "Connection refused"))
    monkeypatch.setenv("ALL_PROXY", "http://ann:hunter23@proxy:3128")
    text = told(ConnectionRefusedError(111, "Connection refused"))
    assert "through the proxy that ALL_PROXY names: check it, or add gpu-box to NO_PROXY" in text
    assert "hunter23" not in text
    monkeypatch.setenv("NO_PROXY", "gpu-box")
    assert "proxy" not in told(ConnectionRefusedError(111, "Connection refused"))


def test_a_connection_that_breaks_after_pieces_came_is_a_cut():
    assert "broke before the answer was whole" in told(ConnectionResetError(104, "reset"), pieces=3)


def test_the_server_decides_whether_to_retry():
    assert failure_of(APIStatusError(400, None, **{"x-should-retry": "true"}), HERE, timeout_s=5).retry
    assert not failure_of(APIStatusError(503, None, **{"x-should-retry": "false"}), HERE, timeout_s=5).retry
