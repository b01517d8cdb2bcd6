#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Requests that end early: clients that go or do not read, full queues, the end of the server (docs/reliability.md S-8,
S-9, S-14). FATHOM_GONE_CLIENTS and FATHOM_DRAIN_STREAMS make it longer.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest
from typing import Any

from serving import FATHOM, HELLO, SLOWNESS, Server, data_events, post_bytes, status_of, wait_until

GONE_CLIENTS = int(os.environ.get("FATHOM_GONE_CLIENTS", "60"))
DRAIN_STREAMS = int(os.environ.get("FATHOM_DRAIN_STREAMS", "30"))


def endless(server: Server, **fields: Any) -> dict[str, Any]:
    """A request whose reply ends with the context only: every token that would end it is banned."""
    _, _, template = server.post("/apply-template", {"messages": HELLO})
    _, _, pieces = server.post("/tokenize", {"text": "<｜end▁of▁sentence｜><｜User｜><｜Assistant｜><｜begin▁of▁sentence｜></think>",
                                             "special": True})
    assert pieces["count"] == 5 and template["tokens"]
    return {"messages": HELLO, "logit_bias": {str(token): -100 for token in pieces["tokens"]}, "seed": 1} | fields


def busy(server: Server) -> float:
    return server.metric("fathom_requests_running") + server.metric("fathom_requests_waiting")


class ClientGone(unittest.TestCase):
    def leave(self, s: socket.socket, how: str) -> None:
        if how == "reset":
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif how == "half-closed":
            s.shutdown(socket.SHUT_WR)
            self.addCleanup(s.close)
            return
        s.close()

    def test_whatever_a_client_had_is_given_back(self) -> None:
        rng = random.Random(8)
        with Server("--parallel", "2") as server:
            request = endless(server)
            long_prompt = [{"role": "user", "content": "word " * 3000}]
            # More clients than places, so that some wait in the queue and some prefill when they go.
            for start in range(0, GONE_CLIENTS, 10):
                for i in range(start, start + 10):
                    body = request | {"stream": rng.random() < 0.7}
                    if rng.random() < 0.3:
                        body = body | {"messages": long_prompt}
                    data = post_bytes("/v1/chat/completions", body)
                    s = socket.create_connection((server.host, server.port), timeout=30)
                    s.sendall(data[: rng.randrange(len(data))] if rng.random() < 0.1 else data)
                    threading.Timer(rng.random() * 0.2, self.leave,
                                    (s, rng.choice(("closed", "half-closed", "reset")))).start()
                time.sleep(0.2)
                wait_until(lambda: busy(server) == 0, 1.0, f"nothing runs or waits any more ({i} clients)")
            tokens = server.metric("fathom_generated_tokens_total")
            time.sleep(0.3)
            self.assertEqual(server.metric("fathom_generated_tokens_total"), tokens, "no further token is computed")
            self.assertEqual(server.metric("fathom_kv_bytes"), 0)
            self.assertEqual(server.chat(max_tokens=3, temperature=0)["object"], "chat.completion")
            self.assertEqual(server.metric('fathom_requests_finished_total{model="builtin:tiny-chat",reason="error"}'), 0)

    def test_a_cancelled_decode_stops_at_once(self) -> None:
        with Server() as server:
            s = server.open_stream(endless(server, stream=True))
            s.recv(4096)
            wait_until(lambda: busy(server) == 1, 5, "the request runs")
            s.close()
            start = time.monotonic()
            wait_until(lambda: busy(server) == 0, 5, "it stops")
            self.assertLess(time.monotonic() - start, 0.5 * SLOWNESS)
            wait_until(lambda: server.metric("fathom_requests_finished_total{") == 1, 2, "it is counted once")


class SlowReader(unittest.TestCase):
    def test_a_client_that_does_not_read_is_dropped_and_others_go_on(self) -> None:
        with Server("--max-unsent", "64KiB", "--parallel", "4") as server:
            # Twenty alternatives a token fill the buffers of the system quickly.
            slow = server.open_stream(endless(server, stream=True, logprobs=True, top_logprobs=20), receive_buffer=4096)
            events = server.stream(**endless(server, max_tokens=200))
            self.assertEqual(events[-1]["choices"][0]["finish_reason"], "length")
            wait_until(lambda: server.metric('fathom_requests_finished_total{model="builtin:tiny-chat",reason="cancelled"}')
                       == 1, 60, "the slow one is cancelled")
            self.assertEqual(busy(server), 0)
            slow.close()


class Waiting(unittest.TestCase):
    def test_what_does_not_fit_the_queue_is_refused_at_once(self) -> None:
        with Server("--parallel", "8", "--queue", "2") as server:
            request = endless(server, n=8)  # takes all places, for seconds
            held = [server.open_stream(request)]
            # Only when it runs are both places of the queue free.
            wait_until(lambda: server.metric("fathom_requests_running") == 1, 10, "the first runs")
            held += [server.open_stream(request) for _ in range(2)]
            wait_until(lambda: busy(server) == 3, 10, "one runs, two wait")
            for _ in range(5):
                start = time.monotonic()
                status, headers, reply = server.post("/v1/chat/completions", request)
                self.assertEqual((status, reply["error"]["code"]), (429, "queue_full"))
                self.assertIn(int(headers["retry-after"]), range(1, 61))
                self.assertLess(time.monotonic() - start, 0.5 * SLOWNESS)
            # Neither health nor text tools wait behind answers.
            self.assertEqual(server.get("/health")[0], 200)
            self.assertEqual(server.post("/tokenize", {"text": "x"})[0], 200)
            for s in held:
                s.close()
            wait_until(lambda: busy(server) == 0, 10, "all are gone")

    def test_one_key_cannot_take_all_places(self) -> None:
        keys = {"FATHOM_API_KEY": "sk-of-the-test"}
        headers = {"Authorization": "Bearer sk-of-the-test"}
        with Server("--per-key", "1", "--metrics-public", environment=keys) as server:
            body = json.dumps({"messages": HELLO, "stream": True, "logit_bias": {"1": -100}}).encode()
            connection = server.connect()
            connection.request("POST", "/v1/chat/completions", body, headers | {"Content-Type": "application/json"})
            wait_until(lambda: busy(server) == 1, 10, "the first runs")
            status, got, reply = server.post("/v1/chat/completions", {"messages": HELLO}, headers)
            self.assertEqual((status, reply["error"]["code"]), (429, "too_many_requests"))
            self.assertIn("retry-after", got)
            connection.close()

    def test_silence_is_filled_with_comments(self) -> None:
        with Server("--parallel", "8", "--keep-alive", "0.2") as server:
            ahead = [server.open_stream(endless(server, n=8)) for _ in range(2)]
            wait_until(lambda: busy(server) == 2, 10, "the first runs, the other waits")
            second = server.open_stream({"messages": HELLO, "stream": True, "max_tokens": 2})
            received = b""
            while received.count(b": keep-alive\n\n") < 3:
                part = second.recv(4096)
                self.assertTrue(part)
                received += part
            self.assertTrue(received.startswith(b"HTTP/1.1 200 "))
            self.assertNotIn(b"data:", received)
            for s in ahead:
                s.close()
            while b"[DONE]" not in received:
                received += second.recv(4096)
            second.close()

    def test_a_wait_in_the_queue_has_an_end(self) -> None:
        with Server("--parallel", "8", "--queue-time", "0.5") as server:
            ahead = [server.open_stream(endless(server, n=8)) for _ in range(2)]
            wait_until(lambda: busy(server) >= 1, 10, "the first runs")
            status, headers, reply = server.post("/v1/chat/completions", {"messages": HELLO})
            self.assertEqual((status, reply["error"]["code"]), (503, "queue_timeout"))
            self.assertIn("retry-after", headers)
            for s in ahead:
                s.close()


class TheEnd(unittest.TestCase):
    def test_streams_end_properly_within_the_drain_time(self) -> None:
        server = Server("--drain", "2", "--parallel", "64")
        long = endless(server, stream=True)
        short = {"messages": HELLO, "stream": True, "max_tokens": 30}
        sockets = [server.open_stream(long if i % 2 else short) for i in range(DRAIN_STREAMS)]
        wait_until(lambda: server.metric("fathom_requests_running") >= DRAIN_STREAMS // 2, 30, "the streams run")
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: server.get("/ready")[0] == 503, 5, "not ready any more")
        self.assertEqual(server.get("/health")[0], 200)
        status, headers, reply = server.post("/v1/chat/completions", {"messages": HELLO})
        self.assertEqual((status, reply["error"]["code"]), (503, "draining"))
        self.assertIn("retry-after", headers)
        self.assertEqual(headers["connection"], "close")
        start = time.monotonic()
        for i, s in enumerate(sockets):
            received = b""
            while part := s.recv(65536):
                received += part
                if received.endswith(b"0\r\n\r\n"):
                    break
            s.close()
            self.assertTrue(received.endswith(b"0\r\n\r\n"), "a proper end of the stream")
            last = b"[DONE]" in received[-40:] or b'"error"' in received[-600:]
            self.assertTrue(last, received[-300:])
            if i % 2 == 0:
                self.assertIn(b"[DONE]", received, "short ones finish")
        self.assertEqual(server.stop(), 0)
        self.assertLess(time.monotonic() - start, 6 * SLOWNESS)

    def test_a_second_signal_ends_at_once(self) -> None:
        server = Server("--drain", "60")
        s = server.open_stream(endless(server, stream=True))
        s.recv(1024)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: server.get("/ready")[0] == 503, 5, "draining")
        start = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(server.process.wait(10), 0)
        self.assertLess(time.monotonic() - start, 1.0 * SLOWNESS)
        s.close()

    def test_an_idle_server_ends_at_once(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            server = Server()
            start = time.monotonic()
            self.assertEqual(server.stop(number), 0)
            self.assertLess(time.monotonic() - start, 3.0 * SLOWNESS)

    def test_it_serves_with_all_standard_descriptors_closed(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = f"exec {FATHOM} serve --port {port} <&- >&- 2>&-"
        process = subprocess.Popen(["bash", "-c", command])
        try:
            def healthy() -> bool:
                try:
                    with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
                        s.sendall(b"GET /ready HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                        return status_of(s.recv(4096)) == 200
                except OSError:
                    return False
            wait_until(healthy, 30, "it is ready")
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(30), 0)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


class Pipelining(unittest.TestCase):
    def test_requests_sent_together_are_answered_in_order(self) -> None:
        with Server() as server:
            texts = ["a", "b c", "d e f"]
            data = b"".join(post_bytes("/tokenize", {"text": text, "pieces": True}) for text in texts)
            reply = server.raw(data + b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            bodies = [part.split(b"\r\n\r\n", 1)[1] for part in reply.split(b"HTTP/1.1 200 OK\r\n")[1:]]
            self.assertEqual(["".join(piece["text"] for piece in json.loads(body)["pieces"]) for body in bodies[:3]], texts)
            self.assertEqual(json.loads(bodies[3])["status"], "ok")

    def test_a_stream_and_the_next_request_share_a_connection(self) -> None:
        with Server() as server:
            connection = server.connect()
            for _ in range(3):
                connection.request("POST", "/v1/chat/completions",
                                   json.dumps({"messages": HELLO, "stream": True, "max_tokens": 3}),
                                   {"Content-Type": "application/json"})
                events = list(data_events(connection.getresponse().read()))
                self.assertEqual(events[-1], "[DONE]")
            connection.close()


if __name__ == "__main__":
    unittest.main()
