# SPDX-License-Identifier: MIT
"""What the tests of the server share: a server process, requests over http.client, event streams, raw sockets."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Iterator

FATHOM = os.environ["FATHOM"]
ROOT = Path(os.environ["FATHOM_SOURCE_DIR"])
# Sanitizers and busy machines make everything slower; deadlines of the tests grow with this.
SLOWNESS = 4.0 if os.environ.get("FATHOM_SANITIZE") else 1.0

HELLO = [{"role": "user", "content": "Hello! Who are you?"}]


class Server:
    """`fathom serve` on a free port; ends with the `with` block."""

    def __init__(self, *arguments: str, environment: dict[str, str] | None = None, model: str = "builtin:tiny-chat") -> None:
        self.log = tempfile.TemporaryFile()
        env = {k: v for k, v in os.environ.items() if k == "FATHOM_ISA" or not k.startswith("FATHOM_")} | (environment or {})
        self.process = subprocess.Popen(
            [FATHOM, "serve", model, "--port", "0", *arguments], stdout=subprocess.PIPE, stderr=self.log, env=env, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("fathom: listening on "):
            self.process.wait(20)
            raise RuntimeError(f"the server did not start: {line!r} {self.log_text()}")
        self.url = line.split()[-1]
        self.host, port = self.url.split("//")[1].rsplit(":", 1)
        self.port = int(port)
        self.pid = self.process.pid

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self, number: int = signal.SIGTERM, timeout: float = 40.0) -> int:
        """Ends the server and returns its exit status; a negative one is the signal that struck it."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout * SLOWNESS)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.process.stdout.close()

    def __del__(self) -> None:
        self.log.close()

    def log_text(self) -> str:
        self.log.seek(0)
        return self.log.read().decode("utf-8", "surrogateescape")

    def connect(self, timeout: float = 60.0) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout * SLOWNESS)

    def raw(self, data: bytes, timeout: float = 10.0) -> bytes:
        """Sends bytes as they are and reads until the server closes; what came so far when it does not."""
        with socket.create_connection((self.host, self.port), timeout=timeout) as s:
            received = b""
            try:
                s.sendall(data)
            except OSError:
                pass  # the server may have closed before it had everything
            try:
                while part := s.recv(65536):
                    received += part
            except (TimeoutError, ConnectionResetError):
                pass
            return received

    def open_stream(self, body: Any, path: str = "/v1/chat/completions", receive_buffer: int = 0) -> socket.socket:
        """A socket on which the request has been sent and nothing has been read."""
        s = socket.socket()
        if receive_buffer:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        s.settimeout(60 * SLOWNESS)
        s.connect((self.host, self.port))
        s.sendall(post_bytes(path, body))
        return s

    def metric(self, name: str) -> float:
        """The sum of all samples of a metric whose line begins with `name`."""
        _, _, text = self.get("/metrics")
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.decode().splitlines() if line.startswith(name))

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        return self.request("GET", path, None, headers)

    def request(self, method: str, path: str, body: bytes | None = None,
                headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        connection = self.connect()
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        finally:
            connection.close()

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], Any]:
        """A JSON request; the reply is parsed."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, got, text = self.request("POST", path, data, {"Content-Type": "application/json"} | (headers or {}))
        return status, got, json.loads(text)

    def chat(self, **fields: Any) -> Any:
        """The reply to a chat request, which must succeed."""
        status, _, reply = self.post("/v1/chat/completions", {"messages": HELLO} | fields)
        assert status == 200, reply
        return reply

    def stream(self, path: str = "/v1/chat/completions", **fields: Any) -> list[Any]:
        """All events of a stream that ends with [DONE], parsed."""
        if path.endswith("chat/completions"):
            fields = {"messages": HELLO} | fields
        status, headers, text = self.request("POST", path, json.dumps(fields | {"stream": True}).encode(),
                                             {"Content-Type": "application/json"})
        assert status == 200, text
        assert headers["content-type"] == "text/event-stream", headers
        events = list(data_events(text))
        assert events[-1] == "[DONE]", events[-1]
        return [json.loads(event) for event in events[:-1]]


def data_events(text: bytes) -> Iterator[str]:
    """The data of each event; anything but `data:` lines and comments is an error."""
    assert text.endswith(b"\n\n"), text[-100:]
    for event in text.decode("utf-8").split("\n\n")[:-1]:
        if event.startswith(":"):
            continue
        assert event.startswith("data: ") and "\n" not in event, event
        yield event[len("data: "):]


def post_bytes(path: str, body: Any, extra: str = "") -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return (f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{extra}"
            f"Content-Length: {len(data)}\r\n\r\n").encode() + data


def status_of(reply: bytes) -> int:
    """The status of raw reply bytes; 0 when there is none."""
    parts = reply.split(b" ", 2)
    return int(parts[1]) if len(parts) > 2 and parts[0].startswith(b"HTTP/1.") else 0


def joined(chunks: list[Any]) -> dict[int, dict[str, Any]]:
    """The choices that the chunks of a chat stream add up to, as the non-streamed reply has them."""
    choices: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        for part in chunk["choices"]:
            choice = choices.setdefault(part["index"], {"message": {}, "finish_reason": None, "logprobs": None})
            message, delta = choice["message"], part["delta"]
            if "role" in delta:
                assert not message, "the role comes first and once"
                message.update(role=delta["role"], content="")
                if "reasoning_content" in delta:
                    message["reasoning_content"] = ""
            else:
                assert len(delta) <= 1, f"one kind of text at a time: {delta}"
            for key in ("content", "reasoning_content"):
                if "role" not in delta and key in delta:
                    assert delta[key], "no empty delta"
                    message[key] += delta[key]
            for call in delta.get("tool_calls", []):
                calls = message.setdefault("tool_calls", [])
                if "id" in call:
                    assert call["index"] == len(calls) and call["function"]["arguments"] == ""
                    calls.append({"id": call["id"], "type": call["type"], "function": dict(call["function"])})
                else:
                    assert call["function"]["arguments"], "no empty delta"
                    calls[call["index"]]["function"]["arguments"] += call["function"]["arguments"]
            if part["logprobs"]:
                total = choice["logprobs"] = choice["logprobs"] or {"content": [], "reasoning_content": []}
                for key in total:
                    total[key] += part["logprobs"][key]
            if part["finish_reason"]:
                assert delta == {} and choice["finish_reason"] is None
                choice["finish_reason"] = part["finish_reason"]
    for choice in choices.values():
        if choice["message"].get("tool_calls") and not choice["message"]["content"]:
            choice["message"]["content"] = None
    return choices


def wait_until(condition: Any, seconds: float, what: str) -> None:
    """Polls until the condition holds; fails with `what` after the time."""
    due = time.monotonic() + seconds * SLOWNESS
    while not condition():
        assert time.monotonic() < due, f"not in {seconds} s: {what}"
        time.sleep(0.02)
