"""Many messages, and everything that goes wrong: each is handled, or is a dead letter with its reason; memory is flat.

The sizes come from the environment (``VICTOR_SOAK_AGENTS``, ``VICTOR_SOAK_MESSAGES``, ``VICTOR_SOAK_NATS``,
``VICTOR_SOAK_TURNS``); what was counted, and the memory along the way, is printed (``pytest -s``).
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
import subprocess
import sys
import time
from array import array
from collections import Counter
from pathlib import Path

import pytest

from victor.teams.communication import (
    AgentMessage,
    DeadLetter,
    MailboxFullError,
    MessageBus,
    RequestTimeoutError,
    ResponseError,
)


def megabytes(pid: int | str = "self") -> float:
    """Memory of a process, or 0 where that cannot be read."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


class Marks:
    """Which receivers of which message; a bit each, in memory that does not grow."""

    def __init__(self, messages: int) -> None:
        self.bits = array("Q", bytes(8 * messages))
        self.twice = 0

    def mark(self, number: int, place: int) -> None:
        if self.bits[number] >> place & 1:
            self.twice += 1
        self.bits[number] |= 1 << place


async def test_nothing_is_lost_among_many_agents():
    agents = int(os.environ.get("VICTOR_SOAK_AGENTS", "50"))
    messages = int(os.environ.get("VICTOR_SOAK_MESSAGES", "5000")) // agents * agents
    chance = random.Random(1)
    topics: list[list[str]] = [[] for _ in range(max(5, agents // 10))]
    place = {}
    expected, handled, dead = Marks(messages), Marks(messages), Marks(messages)
    reasons: Counter[str] = Counter()
    memory = []
    began = time.perf_counter()

    class Letters:
        """In the place of the list of dead letters: counts them all, and keeps none."""

        def append(self, letter: DeadLetter) -> None:
            if letter.message.type != "response":
                dead.mark(letter.message.content, place[letter.receiver] if letter.message.type == "topic" else 0)
            reasons[f"{letter.message.type}: " + letter.reason.replace(letter.receiver, "...").partition("; ")[0]] += 1

    async with MessageBus(mailbox=20, history=100) as bus:
        bus.dead_letters = Letters()  # type: ignore[assignment]
        ends = [
            await bus.join(f"a{number}", overflow=("wait", "drop_oldest", "reject")[number % 3])
            for number in range(agents)
        ]

        def handler(name):
            async def handle(message):
                handled.mark(message.content, place[name] if message.type == "topic" else 0)
                what = chance.random()
                if what < 0.1:
                    await asyncio.sleep(0)
                if what > 0.95:
                    raise ValueError("no")
                return 1

            return handle

        for end in ends:
            await end.serve(handler(end.name), concurrency=2)
            mine = topics[chance.randrange(len(topics))]
            if len(mine) < 64:
                place[end.name] = len(mine)
                mine.append(end.name)
                await end.follow(f"t{topics.index(mine)}")
        counts: Counter[str] = Counter()
        numbers = iter(range(messages))

        async def talk(end, count):
            for _ in range(count):
                number = next(numbers)
                if number % (messages // 10) == 0:
                    memory.append(megabytes())
                what = chance.random()
                if what < 0.6:
                    expected.mark(number, 0)
                    try:
                        await end.request(chance.choice(ends).name, number, timeout=30)
                        counts["answered"] += 1
                    except MailboxFullError:
                        counts["refused"] += 1
                        dead.mark(number, 0)  # told at once to whoever asked
                    except ResponseError:
                        counts["failed"] += 1
                    except RequestTimeoutError:
                        counts["late"] += 1
                elif what < 0.9:
                    counts["sent"] += 1
                    expected.mark(number, 0)
                    try:
                        await end.send(chance.choice(ends).name, number)
                    except MailboxFullError:
                        counts["refused"] += 1
                else:
                    counts["published"] += 1
                    for name in (await end.publish(f"t{chance.randrange(len(topics))}", number)).receivers:
                        expected.mark(number, place[name])

        await asyncio.gather(*(talk(end, messages // agents) for end in ends))
        while any(len(box) for box in bus._boxes.values()):
            await asyncio.sleep(0.001)
        for _ in range(10):
            await asyncio.sleep(0)
        memory.append(megabytes())
        assert len(bus._pending) == 0
    gc.collect()
    seconds = time.perf_counter() - began
    deliveries = sum(bits.bit_count() for bits in expected.bits)
    print(f"\n{agents} agents, {messages:,} messages, {deliveries:,} deliveries, {seconds:.1f} s")
    print(f"{dict(counts)}; dead letters: {dict(reasons)}; MB along the way: {[round(each) for each in memory]}")
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert handled.twice == 0
    assert dead.twice == 0
    lost = sum(want != got | gone for want, got, gone in zip(expected.bits, handled.bits, dead.bits, strict=True))
    assert lost == 0
    if messages >= 100_000:
        assert memory[-1] < memory[len(memory) // 2] * 1.1


WORKER = """
import asyncio, os, sys
from victor.teams.communication.nats_bus import NatsBus
url, name, file, idempotent = sys.argv[1:]
async def main():
    bus = NatsBus(url, name=name, ack_wait_s=1.0)
    log = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    async def handle(message):
        os.write(log, b"%d\\n" % message.content)
        await asyncio.sleep(0.002)
        return message.content * 2
    await bus.serve("worker", handle, concurrency=8, idempotent=idempotent == "yes")
    print("ready", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def worker(url, file, idempotent):
    command = [sys.executable, "-c", WORKER, url, "soak", str(file), "yes" if idempotent else "no"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


@pytest.mark.slow
@pytest.mark.parametrize("idempotent", [True, False])
async def test_nothing_is_lost_when_workers_are_killed_and_the_server_restarts(own_nats_server, tmp_path, idempotent):
    """What a killed worker had in hand comes again, and what a killed server had not yet noted as handled; but never to
    workers who said that it must not."""
    from victor.teams.communication.nats_bus import NatsBus

    total = int(os.environ.get("VICTOR_SOAK_NATS", "400"))
    batches = total // 50
    restarts = {batches // 2} if batches < 100 else {batches * part // 10 for part in (1, 3, 5, 7, 9)}
    chance = random.Random(3)
    log = tmp_path / "log"
    children = [worker(own_nats_server.url, log, idempotent) for _ in range(2)]
    steady = children[0]  # is not killed: its memory is looked at
    times: Counter[int] = Counter()
    memory, kills, began = [], 0, time.perf_counter()

    def read() -> None:
        times.clear()
        times.update(map(int, log.read_bytes().split()) if log.exists() else [])

    async with NatsBus(own_nats_server.url, name="soak", mailbox=500, ack_wait_s=1.0, dead_letters=total) as bus:
        await bus.join("worker")
        for batch in range(batches):
            await asyncio.gather(
                *(bus.send(AgentMessage(sender="ann", receivers=["worker"], content=batch * 50 + n)) for n in range(50))
            )
            if batch in restarts:
                own_nats_server.kill()
                own_nats_server.start()
            elif chance.random() < min(0.3, 100 / batches):
                child = children.pop()
                child.send_signal(signal.SIGKILL)
                child.wait()
                kills += 1
                children.append(await asyncio.to_thread(worker, own_nats_server.url, log, idempotent))
            if batch % max(1, batches // 10) == 0:
                server = own_nats_server.process
                memory.append([round(megabytes(pid)) for pid in ("self", steady.pid, server.pid if server else 0)])

        sent = time.perf_counter() - began
        dead: set[int] = set()
        for _ in range(1200):
            await asyncio.sleep(0.1)
            read()
            if len(times) + len(dead) >= total - kills * 10:
                dead = {letter.message.content for letter in await bus.dead(total)}
                if len(times.keys() | dead) >= total:
                    break
        reasons = Counter(letter.reason for letter in await bus.dead(total))
    again = sum(count - 1 for count in times.values())
    print(
        f"\n{total:,} messages, idempotent={idempotent}: sent in {sent:.1f} s, told in {time.perf_counter() - began:.1f}"
    )
    print(
        f"{kills} workers killed, {len(restarts)} restarts of the server; {again} handled again; dead: {dict(reasons)}"
    )
    print(f"MB of sender, worker, server along the way: {memory}")
    for child in children:
        child.kill()
        child.wait()
    assert times.keys() | dead == {*range(total)}
    if idempotent:
        assert not dead
    else:
        assert again == 0
        assert len(dead) <= kills * 8 + len(restarts) * 200
    if batches > 100:
        assert memory[-1][0] < memory[len(memory) // 2][0] * 1.1
        assert memory[-1][1] < memory[len(memory) // 2][1] * 1.1


@pytest.mark.slow
@pytest.mark.parametrize("idempotent", [True, False] if "VICTOR_SOAK_TURNS" in os.environ else [False])
async def test_every_delegated_request_is_answered_once(own_nats_server, tmp_path, idempotent):
    """Whoever delegates gets an answer, or hears that the worker died and that it must not be done again."""
    from victor.teams.communication.nats_bus import NatsBus

    total = int(os.environ.get("VICTOR_SOAK_TURNS", "60"))
    restarts = {total // 2} if total < 1000 else {total * part // 10 for part in (1, 3, 5, 7, 9)}
    every = max(20, total // 100)
    log = tmp_path / "log"
    children = [worker(own_nats_server.url, log, idempotent) for _ in range(2)]
    counts: Counter[str] = Counter()
    numbers = iter(range(total))
    kills, began, memory, one_at_a_time = 0, time.perf_counter(), [], asyncio.Lock()

    async with NatsBus(own_nats_server.url, name="soak", ack_wait_s=1.0) as bus:

        async def ask():
            nonlocal kills
            for number in numbers:
                try:
                    answer = await bus.delegate("ann", "worker", number, timeout=60, patience_s=30)
                    assert answer.content == number * 2
                    counts["answered"] += 1
                except ResponseError as error:
                    counts[str(error).partition(": ")[2]] += 1
                if number in restarts:
                    own_nats_server.kill()
                    own_nats_server.start()
                elif number % every == every // 2:
                    async with one_at_a_time:
                        child = children.pop()
                        child.send_signal(signal.SIGKILL)
                        child.wait()
                        kills += 1
                        children.append(await asyncio.to_thread(worker, own_nats_server.url, log, idempotent))
                if number % max(1, total // 10) == 0:
                    memory.append(round(megabytes()))

        await asyncio.gather(*(ask() for _ in range(16)))
        assert not bus._delegations._open
    handled = Counter(map(int, log.read_bytes().split()))
    print(f"\n{total:,} delegated, idempotent={idempotent}: {dict(counts)} in {time.perf_counter() - began:.1f} s")
    print(
        f"{kills} workers killed, {len(restarts)} restarts; {handled.total() - len(handled)} begun again; MB: {memory}"
    )
    for child in children:
        child.kill()
        child.wait()
    assert counts.total() == total
    if idempotent:
        assert handled.keys() == {*range(total)}
        assert counts["answered"] == total
    else:
        assert set(handled.values()) == {1}
        told = counts.keys() - {"answered"}
        assert all("must not be done twice" in why for why in told), told
        assert total - counts["answered"] <= kills * 8
