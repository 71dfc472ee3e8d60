"""Prometheus: a page to scrape, and the same page pushed to a Pushgateway.

The page is made when it is asked for, from what was counted so far: nothing is measured twice, and nothing is done
while nobody asks. Buckets of histograms carry exemplars: the trace id of a run that fell into them, which
``victor observability show`` takes.
"""

from __future__ import annotations

import hmac
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

from victor.core.errors import ConfigurationError
from victor.core.redact import redact
from victor.observability.exporters.exemplars import Exemplars
from victor.observability.exporters.exporter import ExporterError, Interval, Source, at_fork, log
from victor.observability.exporters.names import prometheus_label
from victor.observability.exporters.series import Series, read_series
from victor.observability.otel.semconv import check_version

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

__all__ = ["PrometheusExporter", "PrometheusPage", "push"]

_CONNECTIONS: Final = 32
_PLAIN: Final = "text/plain; charset=utf-8"


class PrometheusPage:
    """What Prometheus reads, made anew each time it is asked for.

    Args:
        recorder: Whose figures it shows.
        semconv: The version of OpenTelemetry's GenAI conventions: ``"1.41"``, ``"next"`` or ``"both"``.
        exemplars: Whether buckets name a run that fell into them; only OpenMetrics has a place for it.
    """

    def __init__(self, recorder: Source, *, semconv: str = "1.41", exemplars: bool = True) -> None:
        self._recorder = recorder
        self._version = check_version(semconv)
        self._exemplars = Exemplars() if exemplars else None
        self._stop = None if self._exemplars is None else recorder.add_sink(self._exemplars.add)

    def close(self) -> None:
        """Collect no more exemplars."""
        if self._stop is not None:
            self._stop()

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """The page and its content type.

        Args:
            accept: The ``Accept`` header: OpenMetrics for who asks for it, else Prometheus' older text.
        """
        from prometheus_client.exposition import choose_encoder

        encode, content_type = choose_encoder(accept)
        return encode(self._registry()), content_type

    def collect(self) -> Iterator[Metric]:
        """The families of series, as ``prometheus_client`` has them."""
        from prometheus_client.core import Metric

        family: Metric | None = None
        name = ""
        for series in read_series(self._recorder, self._version):
            row = series.metric
            if row.name != name:
                if family is not None:
                    yield family
                name = row.name
                family = Metric(row.prometheus.removesuffix("_total"), row.help, row.type)
            assert family is not None
            self._add(family, series)
        if family is not None:
            yield family

    def _add(self, family: Metric, series: Series) -> None:
        row = series.metric
        labels = {prometheus_label(name): value for name, value in zip(row.labels, series.labels, strict=True)}
        if row.type != "histogram":
            family.add_sample(row.prometheus, labels, series.value)
            return
        from prometheus_client.core import Exemplar

        found = self._exemplars.of(series) if self._exemplars is not None else {}
        for at, count in enumerate(series.bucket_counts()):
            bound = str(row.buckets[at]) if at < len(row.buckets) else "+Inf"
            exemplar = None
            if (seen := found.get(at)) is not None:
                ids = {"trace_id": seen.run_id, "span_id": seen.span_id}
                exemplar = Exemplar(ids, seen.value_s, seen.time_s)
            family.add_sample(f"{family.name}_bucket", {**labels, "le": bound}, count, exemplar=exemplar)
        family.add_sample(f"{family.name}_count", labels, series.count)
        family.add_sample(f"{family.name}_sum", labels, series.value)

    def _registry(self) -> CollectorRegistry:
        from prometheus_client import CollectorRegistry

        registry = CollectorRegistry()
        registry.register(self)
        return registry


class PrometheusExporter:
    """Settings ``[metrics.prometheus]``: a page to scrape, or one that is pushed.

    Args:
        address: Of the interface to listen on. Anything but a loopback address makes the figures, and the names of
            agents, tools and workflows, known to the network; give a ``token`` then.
        port: To listen on; 0 takes a free one, which is logged.
        token: What a scraper must send as ``Authorization: Bearer ...``; everybody may read where there is none.
        hosts: Names this machine is asked by, beside ``localhost`` and addresses. Requests for another name are
            refused, so that a web page cannot read the figures through its visitor's browser.
        semconv: The version of OpenTelemetry's GenAI conventions: ``"1.41"``, ``"next"`` or ``"both"``.
        exemplars: Whether buckets name a run that fell into them.
        push: URL of a Pushgateway; then there is no page, and the token is sent to it.
        interval_s: Seconds between pushes.
        job: What the Pushgateway groups by.
        instance: The same; the name of this machine where it is left out.

    Raises:
        ConfigurationError: A setting is not one of those allowed.
    """

    def __init__(
        self,
        *,
        address: str = "127.0.0.1",
        port: int = 9464,
        token: str | None = None,
        hosts: Iterable[str] = (),
        semconv: str = "1.41",
        exemplars: bool = True,
        push: str = "",
        interval_s: float = 15,
        job: str = "victor",
        instance: str = "",
    ) -> None:
        if type(port) is not int or not 0 <= port <= 65535:
            raise ConfigurationError(f"[metrics.prometheus] port must be from 0 (a free one) to 65535, not {port!r}")
        if isinstance(hosts, str):
            raise ConfigurationError(f"[metrics.prometheus] hosts must be a list of names, such as [{hosts!r}]")
        check_version(semconv)
        self._address, self._asked_port, self._token = address, port, token
        self._hosts = frozenset(host.lower() for host in hosts)
        self._semconv, self._exemplars = semconv, exemplars
        self._server: _Server | None = None
        self._push_to, self._group = push, {"job": job, "instance": instance or socket.gethostname()}
        self._interval = Interval("prometheus", self._push, interval_s) if push else None
        self._page: PrometheusPage | None = None

    @property
    def url(self) -> str:
        """Where the page is; ``""`` before `start`, and when pages are pushed."""
        if self._server is None:
            return ""
        host, port = self._server.server_address[:2]
        name = host.decode() if isinstance(host, (bytes, bytearray)) else host
        return f"http://[{name}]:{port}/metrics" if ":" in name else f"http://{name}:{port}/metrics"

    def start(self, recorder: Source) -> None:
        """Listen, or begin to push.

        Raises:
            ExporterError: The port is in use, or the address is none of this machine.
        """
        if self._interval is not None:
            self._page = PrometheusPage(recorder, semconv=self._semconv)
            self._interval.start()
            return
        try:
            self._server = _Server((self._address, self._asked_port), self._token, self._hosts)
        except OSError as error:
            raise ExporterError(
                f"Prometheus cannot scrape this process: {self._address} port {self._asked_port}: "
                f"{error.strerror or error}. If another process listens there, perhaps of Victor, give this one a port "
                "of its own: 'port' in [metrics.prometheus], 0 for any that is free; short runs push to a Pushgateway "
                "with 'push'"
            ) from error
        self._page = PrometheusPage(recorder, semconv=self._semconv, exemplars=self._exemplars)
        self._server.begin(self._page)
        at_fork(self)
        if not self._asked_port:
            log.warning("Prometheus can scrape %s", self.url)

    def close(self) -> None:
        """Stop listening, or push for the last time."""
        if self._interval is not None:
            self._interval.close()
        server, self._server = self._server, None
        if server is not None:
            server.end()
        if self._page is not None:
            self._page.close()

    def forked(self) -> None:
        """A child process is not scraped: its parent has the port."""
        server, self._server = self._server, None
        if server is not None:
            server.socket.close()

    def _push(self) -> None:
        assert self._page is not None
        push(self._push_to, self._page, self._group, token=self._token)


def push(url: str, page: PrometheusPage, group: Mapping[str, str], *, token: str | None = None) -> None:
    """Replace what a Pushgateway has of a group by a page. It stays there until it is replaced or deleted.

    Args:
        url: Of the Pushgateway, such as ``http://gateway:9091``.
        page: What to send.
        group: What the gateway groups by, ``job`` first; slashes and other signs are allowed in values.
        token: Sent as ``Authorization: Bearer ...``.

    Raises:
        ExporterError: It could not be sent, or was refused.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise ExporterError(f"a Pushgateway has an http or https URL, not {redact.text(url)}")
    body, content_type = page.render()
    request = Request(  # noqa: S310 - the scheme was checked
        url.rstrip("/") + "/metrics" + _group_path(group),
        data=body,
        method="PUT",
        headers={"Content-Type": content_type, **({"Authorization": f"Bearer {token}"} if token else {})},
    )
    try:
        with urlopen(request, timeout=10):  # noqa: S310 - the scheme was checked
            pass
    except HTTPError as error:
        said = error.read(500).decode("utf-8", "replace").strip()
        raise ExporterError(f"the Pushgateway at {redact.text(url)} refused: HTTP {error.code} {said}") from None
    except OSError as error:
        raise ExporterError(f"the Pushgateway at {redact.text(url)} cannot be reached: {error}") from None


def _group_path(group: Mapping[str, str]) -> str:
    """The labels of a group as a path; values a path cannot hold go in base64, as the gateway defines it."""
    from base64 import urlsafe_b64encode

    parts = []
    for name, value in group.items():
        if "/" in value or not value:
            parts.append(f"/{name}@base64/{urlsafe_b64encode(value.encode()).decode() or '='}")
        else:
            parts.append(f"/{name}/{quote(value, safe='')}")
    return "".join(parts)


class _Server(ThreadingHTTPServer):
    """Serves the one page, each connection on a thread of its own."""

    daemon_threads = True
    request_queue_size = 16

    page: PrometheusPage

    def __init__(self, address: tuple[str, int], token: str | None, hosts: frozenset[str]) -> None:
        self.token, self.hosts = token, hosts
        self._free = threading.BoundedSemaphore(_CONNECTIONS)
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self._thread: threading.Thread | None = None
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind. Its parent would ask the network for this machine's name here."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer on a thread, unless there are too many connections."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no more threads
            self._free.release()
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer a connection until it ends."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def begin(self, page: PrometheusPage) -> None:
        """Serve a page on a thread."""
        self.page = page
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.1}, name="victor-metrics-prometheus", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError as error:
            self.server_close()
            raise ExporterError(f"the exporter 'prometheus' needs a thread: {error}") from error

    def end(self) -> None:
        """Stop; connections that are open are not waited for."""
        if self._thread is not None and self._thread.is_alive():
            self.shutdown()
            self._thread.join(5)
        self.socket.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away while it is answered is no error."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "victor"
    sys_version = ""
    timeout = 10
    """Seconds a connection may be silent, so that those who only hold one keep no scraper away for long."""

    def do_GET(self) -> None:
        """Answer."""
        path = self.path.partition("?")[0]
        if not self._is_for_us():
            self._answer(403, b"asked for by a host name that [metrics.prometheus] hosts does not name\n")
        elif path == "/":
            self._answer(200, b"Victor's metrics are at /metrics\n")
        elif path != "/metrics":
            self._answer(404, b"there is only /metrics\n")
        elif not self._may():
            self._answer(401, b"a token is needed\n", {"WWW-Authenticate": "Bearer"})
        else:
            self._page()

    do_HEAD = do_GET

    def _page(self) -> None:
        try:
            body, content_type = self.server.page.render(self.headers.get("Accept", ""))
        except Exception as error:  # noqa: BLE001 - said to who asks
            self._answer(500, f"{type(error).__name__}: {redact.error(error)}\n".encode())
        else:
            self._answer(200, body, {"Content-Type": content_type})

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": _PLAIN, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _is_for_us(self) -> bool:
        """Whether it was asked for by an address, which no name of somebody else's can lead to, or a known name."""
        host = self.headers.get("Host", "").lower()
        name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        if name == "localhost" or name in self.server.hosts:
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True

    def _may(self) -> bool:
        token = self.server.token
        given = self.headers.get("Authorization", "")
        return not token or hmac.compare_digest(given.encode("utf-8", "replace"), f"Bearer {token}".encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Scrapes are not logged."""
