"""StatsD: the lines, what is sent again when nobody listened, and what the real server understands."""

from __future__ import annotations

import socket
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from victor.core.errors import ConfigurationError
from victor.observability.exporters.exporter import ExporterError
from victor.observability.exporters.names import METRICS
from victor.observability.exporters.series import Series
from victor.observability.exporters.statsd import Datagrams, Dialect, StatsdExporter, lines_of, number, spread
from victor.observability.sketch import Sketch

TOOL = METRICS["tool.duration"]


def durations(*seconds: float) -> Series:
    sketch = Sketch(round(one * 1e9) for one in seconds)
    return Series(TOOL, ("grep", "coder"), sum(seconds), len(seconds), sketch)


class Listener:
    """A UDP port that keeps what arrives."""

    def __init__(self, port: int = 0) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        self.socket.bind(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]

    def datagrams(self) -> list[bytes]:
        found = []
        while True:
            try:
                found.append(self.socket.recv(65536))
            except BlockingIOError:
                return found

    def lines(self) -> list[str]:
        return [line for datagram in self.datagrams() for line in datagram.decode().split("\n")]

    def close(self) -> None:
        self.socket.close()


def test_labels_go_into_the_name_or_behind_it_or_nowhere() -> None:
    operations = Series(METRICS["operations"], ("tool.call", "read file", "a,b|c#d:e\nf", ""), 2, 2)
    assert list(lines_of(operations, Dialect(prefix="prod."))) == [
        b"prod.victor.operations.tool_call.read_file.a_b_c_d_e_f.none:2|c"
    ]
    assert list(lines_of(operations, Dialect(labels="tags", tags=("env:x",)))) == [
        b"victor.operations:2|c|#env:x,victor.kind:tool.call,victor.name:read_file,gen_ai.agent.name:a_b_c_d:e_f"
    ]
    assert list(lines_of(operations, Dialect(labels="off"))) == [b"victor.operations:2|c"]


def test_durations_are_timers_in_milliseconds_that_share_lines() -> None:
    (line,) = lines_of(durations(0.25, 0.25), Dialect())
    name, _, values = line.decode().partition(":")
    assert name == "gen_ai.execute_tool.duration.grep.coder"
    first, second = values.split(":")
    assert first == second
    assert first.endswith("|ms")
    assert float(first.removesuffix("|ms")) == pytest.approx(250, rel=0.01)


def test_lines_of_datadog_have_one_type_for_all_values() -> None:
    dialect = Dialect(labels="tags", duration="d", packs="bare")
    (line,) = lines_of(durations(0.25, 0.5), dialect)
    name, first, rest = line.decode().split(":", 2)
    second, kind, tags = rest.split("|")
    assert (name, kind, tags) == ("gen_ai.execute_tool.duration", "d", "#gen_ai.tool.name:grep,gen_ai.agent.name:coder")
    assert [float(first), float(second)] == [pytest.approx(0.25, rel=0.01), pytest.approx(0.5, rel=0.01)]


def test_long_lines_are_split() -> None:
    lines = list(lines_of(durations(*[0.001 * n for n in range(1, 901)]), Dialect()))
    assert len(lines) > 5
    assert max(map(len, lines)) <= 1432
    assert sum(line.count(b"|ms") for line in lines) == 900


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=400), st.integers(1, 300))
def test_so_many_values_stand_for_all(values: list[int], limit: int) -> None:
    change = Series(TOOL, ("a", "b"), sum(values) / 1e9, len(values), Sketch(values))
    found = spread(change, limit)
    assert len(found) == min(limit, len(values))
    assert found == sorted(found)
    if limit >= len(values):
        for shown, exact in zip(found, sorted(values), strict=True):
            assert shown == pytest.approx(exact, rel=0.0101)
    lines = list(lines_of(change, Dialect(max_values=limit)))
    shares = [part.split("|@") for line in lines for part in line.decode().split(":")[1:]]
    counted = sum(1 / float(share[1]) if len(share) > 1 else 1 for share in shares)
    assert counted == pytest.approx(len(values), rel=1e-6)


@given(st.floats(0, 1e15, allow_subnormal=False))
def test_numbers_have_no_exponent(value: float) -> None:
    text = number(value)
    assert set(text) <= set("0123456789.")
    assert float(text) == pytest.approx(value, abs=1e-6 if value >= 1 else 1e-9)


def test_only_changes_are_sent(ledger: Any) -> None:
    listener = Listener()
    exporter = StatsdExporter(port=listener.port, interval_s=3600)
    exporter.start(ledger)
    for _ in range(3):
        ledger.call(seconds=None, kind="message.sent", name="bus")
    exporter.send()
    assert "victor.events.message_sent.bus.coder:3|c" in listener.lines()
    exporter.send()
    assert listener.lines() == ["victor.observability.queue.length:4|g"]
    ledger.call(seconds=None, kind="message.sent", name="bus")
    exporter.close()
    assert "victor.events.message_sent.bus.coder:1|c" in listener.lines()
    exporter.close()
    assert listener.lines() == []
    listener.close()


def test_datagrams_fit_and_lose_nothing(ledger: Any) -> None:
    listener = Listener()
    exporter = StatsdExporter(port=listener.port, interval_s=3600)
    exporter.start(ledger)
    for number_ in range(200):
        ledger.call(name=f"tool-{number_}")
    exporter.close()
    datagrams = listener.datagrams()
    assert len(datagrams) > 3
    assert max(map(len, datagrams)) <= 1432
    lines = b"\n".join(datagrams).decode().split("\n")
    assert sum(line.startswith("victor.operations.tool_call.tool-") for line in lines) == 200
    listener.close()


def test_what_nobody_listened_to_is_sent_when_somebody_does(ledger: Any) -> None:
    listener = Listener()
    exporter = StatsdExporter(port=listener.port, interval_s=3600)
    exporter.start(ledger)
    totals: Counter[str] = Counter()

    def collect() -> None:
        for line in listener.lines():
            name, _, value = line.partition(":")
            if value.endswith("|c") and name.startswith("victor.operations"):
                totals[name] += int(value.removesuffix("|c"))

    ledger.work(200)
    exporter.send()
    collect()
    listener.close()
    for seed in range(3):
        ledger.work(100, seed=seed)
        with pytest.raises(ExporterError, match=rf"127\.0\.0\.1 port {listener.port}: .*goes with the next"):
            exporter.send()
    listener = Listener(listener.port)
    ledger.work(100, seed=9)
    exporter.send()
    collect()
    exporter.close()
    assert sum(totals.values()) == sum(ledger.counted().values())
    assert totals["victor.operations.tool_call.grep.coder.ok"] == ledger.counted()["tool.call", "grep", "coder", "ok"]
    listener.close()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"labels": "both"}, "labels is 'path', 'tags' or 'off', not 'both'"),
        ({"max_values": 0}, "max_values must be 1 or more"),
        ({"max_values": True}, "max_values must be 1 or more"),
        ({"interval_s": -1}, "interval_s must be above 0"),
        ({"semconv": "old"}, "semconv"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        StatsdExporter(**settings)


def test_a_host_that_does_not_exist_is_an_error_that_names_it(ledger: Any) -> None:
    exporter = StatsdExporter(host="no-such-host.invalid", interval_s=3600)
    exporter.start(ledger)
    with pytest.raises(ExporterError, match=r"cannot send to no-such-host\.invalid port 8125"):
        exporter.send()
    exporter.close()


def sent_lines(ledger: Any, statsd: Any, **settings: Any) -> int:
    """Send all to StatsD; how many lines that were."""
    exporter = StatsdExporter(port=statsd.port, interval_s=3600, **settings)
    count = 0
    send = exporter._datagrams._send

    def counted(datagram: bytes) -> None:
        nonlocal count
        count += datagram.count(b"\n") + 1
        send(datagram)

    exporter._datagrams._send = counted  # type: ignore[method-assign]
    exporter.start(ledger)
    exporter.close()
    return count


def test_statsd_has_counters_timers_and_gauges(ledger: Any, statsd: Any) -> None:
    ledger.work(200)
    counters = statsd.until(sent_lines(ledger, statsd))
    for (kind, name, agent, status), count in ledger.counted().items():
        path = ".".join(["victor.operations", kind.replace(".", "_"), name, agent or "none", status])
        assert counters[path] == count
    tokens = counters["gen_ai.client.token.usage.chat.openai.small.coder.input"]
    assert tokens == sum(one.input_tokens or 0 for one in ledger.records if one.model == "small")
    assert statsd.figures("gauges")["victor.observability.queue.length"] == 4
    timers = statsd.figures("timers")
    took = ledger.seconds("tool.call", name="grep")
    assert sorted(timers["gen_ai.execute_tool.duration.grep.coder"]) == [
        pytest.approx(one * 1e3, rel=0.011) for one in took
    ]


def test_statsd_reads_labels_as_tags(ledger: Any, statsd: Any) -> None:
    ledger.work(200)
    counters = statsd.until(sent_lines(ledger, statsd, labels="tags", prefix="prod."))
    name = "prod.victor.operations;victor.kind=tool.call;victor.name=read;gen_ai.agent.name=coder;victor.status=ok"
    assert counters[name] == ledger.counted()["tool.call", "read", "coder", "ok"]


def test_a_series_is_sent_when_its_last_line_is(monkeypatch: pytest.MonkeyPatch) -> None:
    datagrams = Datagrams(("127.0.0.1", 9), max_bytes=20)
    sent: list[bytes] = []

    def send(datagram: bytes) -> None:
        if len(sent) == 2:
            raise ExporterError("down")
        sent.append(datagram)

    monkeypatch.setattr(datagrams, "_send", send)
    whole, cut = durations(1), durations(2)
    lines = [(b"a" * 15, None), (b"b" * 15, whole), (b"c" * 15, None), (b"d" * 15, cut)]
    arrived: list[Series] = []
    with pytest.raises(ExporterError):
        arrived.extend(datagrams.send(lines))
    assert sent == [b"a" * 15, b"b" * 15]
    assert arrived == [whole]


def test_durations_of_which_not_all_were_sent_are_sent_again(ledger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for number_ in range(900):
        ledger.call(seconds=0.001 * (number_ + 1))
    exporter = StatsdExporter(port=9, interval_s=3600)
    exporter._recorder = ledger
    sent: list[bytes] = []
    room = 3

    def send(datagram: bytes) -> None:
        if len(sent) >= room:
            raise ExporterError("down")
        sent.append(datagram)

    monkeypatch.setattr(exporter._datagrams, "_send", send)
    with pytest.raises(ExporterError):
        exporter.send()
    assert 0 < sum(datagram.count(b"|ms") for datagram in sent) < 900
    sent.clear()
    room = 1000
    exporter.send()
    assert sum(datagram.count(b"|ms") for datagram in sent) == 900
