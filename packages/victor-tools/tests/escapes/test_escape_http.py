"""Attempts to reach private addresses over HTTP, against real servers on this machine."""

from __future__ import annotations

import asyncio
import gzip
import http.server
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from victor.core.errors import ToolError
from victor.tools.web.address import is_denied, is_public
from victor.tools.web.client import WebClient
from victor.tools.web.kit import Http


class Handler(http.server.BaseHTTPRequestHandler):
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        if self.path.startswith("/redirect?"):
            self.send_response(302)
            self.send_header("Location", self.path.partition("?")[2])
            self.end_headers()
            return
        body, encoding = b"SECRET-OUTSIDE", ""
        if self.path == "/loop":
            self.send_response(301)
            self.send_header("Location", "/loop")
            self.end_headers()
            return
        if self.path == "/bomb":
            body, encoding = gzip.compress(b"\0" * 30_000_000), "gzip"
        elif self.path == "/double":
            body, encoding = gzip.compress(gzip.compress(b"x" * 1000)), "gzip, gzip"
        elif self.path == "/broken":
            body, encoding = b"not gzip at all", "gzip"
        elif self.path == "/brotli":
            body, encoding = b"xx", "br"
        elif self.path == "/page":
            body = b"<html><title>T</title><p>Hello <b>you</b><script>evil()</script>"
        elif self.path == "/json":
            body = b'{"a": [1, 2]}'
        elif self.path == "/missing":
            self.send_response(404)
            self.end_headers()
            self.wfile.write(b"no such page")
            return
        elif self.path == "/headers":
            body = str(self.headers).encode()
        elif self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            try:
                for _ in range(100_000):
                    self.wfile.write(b"x" * 10_000)
            except OSError:
                pass
            return
        elif self.path == "/binary":
            body = b"\x89PNG\0\0"
        self.send_response(200)
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.send_header("Content-Type", "text/html" if self.path == "/page" else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.asked.append(f"POST {self.path} {self.rfile.read(length).decode()}")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"ok": true}')

    def log_message(self, *args: Any) -> None: ...


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made.server_port
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture(autouse=True)
def _forget() -> None:
    Handler.asked.clear()


def tools(**options: Any) -> dict[str, Any]:
    return {t.name: t for t in Http(**options).tools()}


HOSTS = [
    "127.0.0.1", "localhost", "LOCALHOST", "localhost.", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1",
    "0177.0.0.1", "017700000001", "0", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::127.0.0.1]", "127.0.0.1.", "127.127.127.127", "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "\uff11\uff12\uff17.0.0.1", "\u2460\u2461\u2466.0.0.1", "127\u30020\u30020\u30021",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
def test_ways_to_write_loopback(server: int, refused: Any, host: str) -> None:
    refused(tools()["http_fetch"], url=f"http://{host}:{server}/")
    assert Handler.asked == []


ADDRESSES = [
    "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "198.18.0.1", "192.0.0.1", "224.0.0.1", "255.255.255.255",
    "240.0.0.1", "0.1.2.3", "168.63.129.16", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::", "::1", "100::1",
    "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "2001:0:4136:e378:8000:63bf:f5ff:fffe",
    "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::10.0.0.1", "fec0::1", "192.88.99.1", "not an address", "",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


# What leads to public addresses through a tunnel (2002::/16, 64:ff9b::/96) is public or not by the Python at hand.
@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111"])
def test_addresses_that_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://example.org/", "gopher://example.org/_x", "dict://example.org:11211/", "javascript:alert(1)",
        "data:text/plain,hi", "http://", "http:///etc/passwd", "https://user:password@example.org/", "http://user@example.org/",
        "http://example.org:22/", "http://example.org:25/", "http://example.org:6/", "http://exa mple.org/", "http://example.org/\r\nX: y",
        "http://example.org\t/", "//example.org", "example.org", "", "http://[::1", "http://example.org:99999/", "unix:///var/run/docker.sock",
    ],
)  # fmt: skip
def test_urls_that_are_refused_before_anything_is_sent(refused: Any, url: str) -> None:
    for name in ("http_fetch", "http_json", "http_page"):
        refused(tools()[name], url=url)


def client_that_thinks_the_server_is_public(server: int, answers: list[list[str]], **options: Any) -> WebClient:
    """A client for which names have the addresses given, one list per look-up."""
    queue = list(answers)

    async def resolve(host: str, port: int) -> list[str]:
        return queue.pop(0) if len(queue) > 1 else queue[0]

    return WebClient(resolve=resolve, **options)


def test_a_name_with_one_private_address_among_public_ones_is_refused(server: int) -> None:
    client = client_that_thinks_the_server_is_public(server, [["93.184.216.34", "127.0.0.1"]])
    with pytest.raises(ToolError, match=r"127\.0\.0\.1, which is no public address"):
        asyncio.run(client.request(f"http://rebind.test:{server}/"))
    assert Handler.asked == []


def test_dns_rebinding_gains_nothing(server: int) -> None:
    """The name is looked up once per connection, and what was checked is what is connected to."""
    lookups: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        lookups.append(host)
        return ["192.0.2.1"] if len(lookups) == 1 else ["127.0.0.1"]

    client = WebClient(resolve=resolve, timeout_s=2)
    with pytest.raises(ToolError):
        asyncio.run(client.request(f"http://rebind.test:{server}/"))
    assert lookups == ["rebind.test"]
    assert Handler.asked == []


@pytest.mark.parametrize("target", ["http://127.0.0.1:{port}/", "//127.0.0.1:{port}/", "http://[::1]:{port}/", "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd", "ftp://x/", "http://0x7f.1:{port}/", "http://u:p@example.org/", "javascript:1"])  # fmt: skip
def test_redirects_are_checked_again(server: int, target: str) -> None:
    first = True

    async def resolve(host: str, port: int) -> list[str]:
        nonlocal first
        if first and host == "public.test":
            first = False
            return ["127.0.0.1"]  # stands for a public server: see the client below
        return [host.strip("[]")] if host not in {"public.test", "0x7f.1"} else ["127.0.0.1"]

    class Lenient(WebClient):
        """Lets the first connection through, as a public server would be; the rest as always."""

        def _backend(self) -> Any:
            inner = super()._backend()
            self._private = first
            return inner

    client = Lenient(resolve=resolve, timeout_s=5)
    client._private = True
    url = f"http://public.test:{server}/redirect?{target.format(port=server)}"

    async def run() -> None:
        answer = await client._one(url, "GET", {}, b"")
        assert answer.status == 302
        client._private = False
        strict = WebClient(resolve=resolve, timeout_s=5)
        from victor.tools.web.client import _joined

        await strict.request(_joined(url, answer.headers["location"]))

    with pytest.raises(ToolError):
        asyncio.run(run())
    assert len(Handler.asked) == 1


def test_redirects_are_followed_only_so_far(server: int, refused: Any) -> None:
    result = refused(tools(allow_private=True)["http_fetch"], url=f"http://127.0.0.1:{server}/loop")
    assert "more than 5 redirects" in result.text
    assert len(Handler.asked) == 6


def test_secrets_do_not_follow_a_redirect_to_another_host(server: int) -> None:
    client = WebClient(allow_private=True)
    url = f"http://127.0.0.1:{server}/redirect?http://localhost:{server}/headers"
    answer = asyncio.run(client.request(url, headers={"Authorization": "Bearer abc", "Cookie": "a=b", "X-Kept": "1"}))
    shown = answer.text.lower()
    assert "bearer" not in shown and "a=b" not in shown and "x-kept" in shown


@pytest.mark.parametrize("path", ["/bomb", "/endless"])
def test_huge_answers_are_cut(server: int, call: Any, path: str) -> None:
    result = call(tools(allow_private=True, max_bytes=100_000)["http_json"], url=f"http://127.0.0.1:{server}{path}")
    assert "more than 100,000 bytes" in result.text


@pytest.mark.parametrize("path", ["/double", "/broken", "/brotli", "/binary", "/missing"])
def test_answers_that_are_no_text(server: int, refused: Any, path: str) -> None:
    refused(tools(allow_private=True)["http_fetch"], url=f"http://127.0.0.1:{server}{path}")


@pytest.mark.parametrize(
    "headers",
    [{"Host": "internal"}, {"Content-Length": "5"}, {"Transfer-Encoding": "chunked"}, {"X": "a\r\nHost: b"}, {"X: y\r\nZ": "1"}, {"": "x"}, {"Connection": "upgrade"}, {"X\0": "1"}],
)  # fmt: skip
def test_headers_cannot_smuggle(server: int, refused: Any, headers: dict[str, str]) -> None:
    refused(tools(allow_private=True)["http_fetch"], url=f"http://127.0.0.1:{server}/", headers=headers)
    assert Handler.asked == []


def test_hosts_can_be_allowed_and_denied(server: int, refused: Any, call: Any) -> None:
    url = f"http://127.0.0.1:{server}/json"
    refused(tools(allow_private=True, allow_hosts=("*.example.org",))["http_json"], url=url)
    refused(tools(allow_private=True, deny_hosts=("127.*",))["http_json"], url=url)
    assert call(tools(allow_private=True, allow_hosts=("127.0.0.1",))["http_json"], url=url).value == {"a": [1, 2]}


def test_what_changes_something_needs_approval(server: int) -> None:
    made = tools(allow_private=True)["http_json"]
    url = f"http://127.0.0.1:{server}/hook"
    result = asyncio.run(made.call({"url": url, "method": "POST", "body": {"a": 1}}))
    assert "needs approval" in result.text and Handler.asked == []
    from victor.core.tool import ToolScope

    allowed = asyncio.run(
        made.call({"url": url, "method": "POST", "body": {"a": 1}}, scope=ToolScope(approve=lambda context: True))
    )
    assert allowed.value == {"ok": True}
    assert Handler.asked == ['POST /hook {"a":1}']


def test_pages_become_markdown(server: int, call: Any) -> None:
    assert (
        call(tools(allow_private=True)["http_page"], url=f"http://127.0.0.1:{server}/page").text
        == "# T\n\nHello **you**"
    )


def test_nobody_listening_is_told(refused: Any) -> None:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    result = refused(tools(allow_private=True)["http_fetch"], url=f"http://127.0.0.1:{port}/")
    assert "cannot be reached" in result.text


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "localhost", "LOCALHOST.", "[::ffff:127.0.0.1]", "0.0.0.0", "127.0.0.1."]
)  # fmt: skip
@pytest.mark.parametrize("denied", ["127.0.0.1", "127.0.0.0/8", "127.*"])
def test_a_denied_address_is_denied_under_every_name(server: int, refused: Any, host: str, denied: str) -> None:
    port = server
    fetch = next(t for t in Http(allow_private=True, deny_hosts=(denied,)).tools() if t.name == "http_fetch")
    refused(fetch, url=f"http://{host}:{port}/page")
    refused(fetch, url=f"http://{host}:{port}/redirect?http://127.1:{port}/page")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::"])
def test_to_deny_localhost_denies_every_loopback_address(address: str) -> None:
    assert is_denied(address, ["localhost"]) == "localhost"
    assert is_denied("93.184.216.34", ["localhost", "127.0.0.0/8", "evil.example"]) is None
