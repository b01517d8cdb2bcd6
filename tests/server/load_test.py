#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many clients at once (docs/reliability.md S-5, S-6, S-7). The counts are those of a continuous check; FATHOM_LOAD=10
makes them ten times as large, FATHOM_OVERLOAD_SECONDS sets how long overload lasts.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import select
import socket
import threading
import time
import unittest

from serving import HELLO, SLOWNESS, Server, data_events, post_bytes, status_of, wait_until

LOAD = float(os.environ.get("FATHOM_LOAD", "1"))
OVERLOAD_SECONDS = float(os.environ.get("FATHOM_OVERLOAD_SECONDS", "4"))
SLOW_HEADS, SLOW_BODIES, NEVER_READ = int(100 * LOAD), int(20 * LOAD), int(20 * LOAD)
STREAMS, IDLE = int(100 * LOAD), int(100 * LOAD)

resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


def quantile(times: list[float], q: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * q))]


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_kib(pid: int) -> int:
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4


class SlowClients(unittest.TestCase):
    """S-5: clients that send or read a byte at a time must not be felt by others."""

    def test_others_do_not_feel_slow_clients(self) -> None:
        with Server("--head-time", "6", "--body-time", "6", "--max-connections", "4000") as server:
            before = descriptors(server.pid)
            idle_times = self.measure(server)
            slow: list[socket.socket] = []
            request = post_bytes("/v1/chat/completions", {"messages": HELLO, "max_tokens": 200, "stream": True})
            for kind, count in (("head", SLOW_HEADS), ("body", SLOW_BODIES), ("never", NEVER_READ)):
                for _ in range(count):
                    s = socket.create_connection((server.host, server.port), timeout=30)
                    head_end = request.index(b"\r\n\r\n") + 4
                    s.sendall({"head": b"G", "body": request[:head_end], "never": request}[kind])
                    slow.append(s)
            stop = threading.Event()

            def dribble() -> None:
                while not stop.wait(1.0):
                    for s in slow[: SLOW_HEADS + SLOW_BODIES]:
                        try:
                            s.send(b"E")
                        except OSError:
                            pass  # given up by the server, as it should be

            thread = threading.Thread(target=dribble)
            thread.start()
            try:
                times = self.measure(server)
                health = []
                for _ in range(200):
                    start = time.monotonic()
                    self.assertEqual(server.get("/health")[0], 200)
                    health.append(time.monotonic() - start)
            finally:
                stop.set()
                thread.join()
            print(f"health p99 {quantile(health, 0.99) * 1000:.1f} ms; completion p99 {quantile(idle_times, 0.99) * 1000:.0f} ms "
                  f"alone, {quantile(times, 0.99) * 1000:.0f} ms beside {len(slow)} slow clients")
            self.assertLess(quantile(health, 0.99), 0.25 * SLOWNESS)  # 50 ms on a quiet machine
            # The heads and bodies that never end are given up in time; then all descriptors come back.
            wait_until(lambda: descriptors(server.pid) <= before + NEVER_READ + 2, 15, "slow heads and bodies are closed")
            for s in slow:
                s.close()
            wait_until(lambda: descriptors(server.pid) <= before, 30, "all descriptors are back")

    @staticmethod
    def measure(server: Server) -> list[float]:
        times = []
        for _ in range(30):
            start = time.monotonic()
            server.chat(max_tokens=16, temperature=0)
            times.append(time.monotonic() - start)
        return times


class ManyClients(unittest.TestCase):
    """S-6: streams and idle connections side by side."""

    def test_each_stream_ends_properly_and_equals_the_whole_reply(self) -> None:
        with Server("--parallel", "32", "--queue", str(STREAMS), "--per-key", str(STREAMS + 1)) as server:
            body = {"messages": HELLO, "max_tokens": 24, "seed": 3}
            whole = server.chat(**body)["choices"][0]["message"]
            expected = hashlib.sha256((whole["reasoning_content"] + "|" + whole["content"]).encode()).hexdigest()
            before = resident_kib(server.pid)
            idle = [socket.create_connection((server.host, server.port), timeout=60) for _ in range(IDLE)]
            wait_until(lambda: server.metric("fathom_connections") >= IDLE, 10, "all are connected")
            per_connection = (resident_kib(server.pid) - before) / IDLE
            sockets = [server.open_stream(body | {"stream": True}) for _ in range(STREAMS)]
            for reply in read_all(sockets):
                self.assertEqual(status_of(reply), 200, reply[:300])
                self.assertEqual(digest_of_stream(reply), expected)
            print(f"{STREAMS} streams and {IDLE} idle connections; {per_connection:.1f} KiB for each idle one")
            if SLOWNESS == 1.0:
                self.assertLessEqual(per_connection, 64)
            for s in idle:
                s.close()


def read_all(sockets: list[socket.socket]) -> list[bytes]:
    """What each socket receives until its stream ends."""
    poller = select.epoll()
    received = {s.fileno(): b"" for s in sockets}
    by_number = {s.fileno(): s for s in sockets}
    order = [s.fileno() for s in sockets]
    for number in received:
        poller.register(number, select.EPOLLIN)
    open_count = len(sockets)
    while open_count:
        for number, _ in poller.poll(120 * SLOWNESS):
            part = by_number[number].recv(65536)
            received[number] += part
            if not part or received[number].endswith(b"0\r\n\r\n"):
                poller.unregister(number)
                open_count -= 1
    for s in sockets:
        s.close()
    return [received[number] for number in order]


def unchunked(reply: bytes) -> bytes:
    rest = reply.split(b"\r\n\r\n", 1)[1]
    out = b""
    while rest:
        size, rest = rest.split(b"\r\n", 1)
        length = int(size, 16)
        out += rest[:length]
        rest = rest[length + 2:]
        if not length:
            break
    return out


def digest_of_stream(reply: bytes) -> str:
    reasoning = content = ""
    events = list(data_events(unchunked(reply)))
    assert events[-1] == "[DONE]"
    for event in events[:-1]:
        for choice in json.loads(event)["choices"]:
            reasoning += choice["delta"].get("reasoning_content") or ""
            content += choice["delta"].get("content") or ""
    return hashlib.sha256((reasoning + "|" + content).encode()).hexdigest()


class Overload(unittest.TestCase):
    """S-7: ten times more requests than can be answered."""

    def test_surplus_is_refused_fast_and_the_rest_is_answered(self) -> None:
        queue = 8
        with Server("--parallel", "4", "--queue", str(queue), "--per-key", "1000") as server:
            answered, refused, waiting = [], [], []
            stop = time.monotonic() + OVERLOAD_SECONDS

            def client() -> None:
                connection = server.connect()
                data = json.dumps({"messages": HELLO, "max_tokens": 64, "temperature": 0, "logit_bias": {"1": -100}})
                while time.monotonic() < stop:
                    start = time.monotonic()
                    connection.request("POST", "/v1/chat/completions", data, {"Content-Type": "application/json"})
                    response = connection.getresponse()
                    body = response.read()
                    spent = time.monotonic() - start
                    if response.status == 200:
                        answered.append(spent)
                    else:
                        assert response.status == 429 and int(response.getheader("Retry-After")) >= 1, body
                        refused.append(spent)
                        time.sleep(0.02)
                connection.close()

            threads = [threading.Thread(target=client) for _ in range(40)]
            for thread in threads:
                thread.start()
            while time.monotonic() < stop:
                waiting.append(server.metric("fathom_requests_waiting"))
                time.sleep(0.05)
            for thread in threads:
                thread.join()
            print(f"{len(answered)} answered, p99 {quantile(answered, 0.99) * 1000:.0f} ms; {len(refused)} refused, "
                  f"p99 {quantile(refused, 0.99) * 1000:.1f} ms; at most {max(waiting):.0f} waiting")
            self.assertGreater(len(refused), len(answered))
            self.assertLessEqual(max(waiting), queue)
            self.assertLess(quantile(refused, 0.95), 0.5 * SLOWNESS)  # 50 ms on a quiet machine
            finished = server.metric("fathom_requests_finished_total{")
            self.assertEqual(finished, len(answered) + len(refused), "each is counted once")


if __name__ == "__main__":
    unittest.main()
