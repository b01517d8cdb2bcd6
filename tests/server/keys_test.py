#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who may call, from where, and what is written about it (docs/reliability.md S-10, S-12)."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from serving import FATHOM, HELLO, Server, status_of

KEY = "sk-test-0123456789abcdef"
OTHER = "sk-other-0123456789abcdef"
WITH_KEY = {"Authorization": f"Bearer {KEY}"}


def key_file(folder: str) -> str:
    path = Path(folder) / "keys"
    path.write_text(f"# people\nada {KEY}\nbob {OTHER}\n")
    return str(path)


class Keys(unittest.TestCase):
    server: Server

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.server = Server("--api-key-file", key_file(cls.folder.name), "--cors-origin", "https://ok.example")
        _, _, text = cls.server.get("/openapi.json", WITH_KEY)
        cls.api = json.loads(text)

    @classmethod
    def tearDownClass(cls) -> None:
        assert cls.server.stop() == 0
        cls.folder.cleanup()

    def routes(self):
        """(method, path, whether it is open) of the server's own table."""
        for path, item in self.api["paths"].items():
            for method, operation in item.items():
                yield method.upper(), path.replace("{id}", "builtin:tiny-chat"), operation.get("security") == []

    def test_only_the_allow_list_answers_without_a_key(self) -> None:
        opened = {path for _, path, is_open in self.routes() if is_open}
        self.assertTrue({"/health", "/ready"} <= opened)
        for _, path, is_open in self.routes():
            if is_open:
                self.assertFalse(path.startswith(("/v1", "/anthropic", "/metrics", "/openapi", "/tokenize")), path)

    def test_every_route_asks_for_a_key(self) -> None:
        wrong = ({}, {"Authorization": "Bearer wrong"}, {"x-api-key": "wrong"}, {"Authorization": f"Bearer {KEY[:-1]}"},
                 {"Authorization": f"Bearer {KEY}x"}, {"Authorization": f"Basic {KEY}"}, {"Authorization": KEY},
                 {"x-api-key": f"Bearer {KEY}"}, {"Authorization": "Bearer "}, {"x-api-key": ""}, {"Cookie": f"key={KEY}"})
        tried = 0
        for method, path, is_open in self.routes():
            for headers in wrong:
                with self.subTest(method=method, path=path, headers=headers):
                    body = b"{}" if method == "POST" else None
                    status, got, text = self.server.request(method, path, body, headers | {"Content-Type": "application/json"})
                    tried += 1
                    if is_open:
                        self.assertNotEqual(status, 401)
                        continue
                    self.assertEqual(status, 401, text)
                    self.assertEqual(got["www-authenticate"], "Bearer")
            for headers in (WITH_KEY, {"x-api-key": OTHER}, {"Authorization": "Bearer wrong", "x-api-key": KEY}):
                body = b"{}" if method == "POST" else None
                status, _, text = self.server.request(method, path, body, headers | {"Content-Type": "application/json"})
                self.assertNotEqual(status, 401, text)
        self.assertGreater(tried, 100)

    def test_odd_spellings_of_paths_open_nothing(self) -> None:
        for path in ("//v1/models", "/v1/../metrics", "/v1/%2e%2e/metrics", "/V1/models", "/health/../metrics", "/metrics/",
                     "/health/metrics", "/%6detrics", "/metrics?x=/health", "/health%2fmetrics", "/./metrics", "/metrics%20"):
            with self.subTest(path):
                status, _, text = self.server.get(path)
                self.assertIn(status, (401, 404), text)

    def test_a_megabyte_is_no_key(self) -> None:
        for header in (b"Authorization: Bearer ", b"x-api-key: "):
            data = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n" + header + b"k" * (1 << 20) + b"\r\n\r\n"
            self.assertEqual(status_of(self.server.raw(data)), 431)

    def test_errors_have_the_shape_of_the_route(self) -> None:
        _, _, text = self.server.request("POST", "/v1/chat/completions", b"{}", {"Content-Type": "application/json"})
        self.assertEqual(json.loads(text)["error"]["code"], "invalid_api_key")
        status, headers, text = self.server.get("/anthropic/v1/models")
        self.assertEqual((status, json.loads(text)["error"]["type"]), (401, "authentication_error"))
        self.assertEqual(json.loads(text)["request_id"], headers["request-id"])

    def test_cors_answers_allowed_origins_only(self) -> None:
        ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        status, headers, _ = self.server.request("OPTIONS", "/v1/chat/completions", None,
                                                 ask | {"Origin": "https://ok.example"})
        self.assertEqual(status, 204)
        self.assertEqual(headers["access-control-allow-origin"], "https://ok.example")
        self.assertEqual(headers["access-control-max-age"], "600")
        self.assertIn("anthropic-version", headers["access-control-allow-headers"])
        self.assertNotIn("access-control-allow-credentials", headers)
        status, headers, _ = self.server.request("OPTIONS", "/v1/chat/completions", None,
                                                 ask | {"Origin": "https://ok.example.evil"})
        self.assertNotIn("access-control-allow-origin", headers)
        # An error without these lines would be hidden by the browser.
        status, headers, _ = self.server.get("/v1/models", {"Origin": "https://ok.example"})
        self.assertEqual((status, headers["access-control-allow-origin"]), (401, "https://ok.example"))
        self.assertEqual(headers["vary"], "Origin")

    def test_request_ids_are_given_back_or_made(self) -> None:
        _, headers, _ = self.server.get("/health", {"x-request-id": "my-id_1"})
        self.assertEqual(headers["x-request-id"], "my-id_1")
        for odd in ("a b", "a" * 65, "a;b", "ä"):
            _, headers, _ = self.server.get("/health", {"x-request-id": odd.encode()})
            self.assertRegex(headers["x-request-id"], r"^req_[A-Za-z0-9]{24}$")


class Start(unittest.TestCase):
    def refused(self, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess:
        run = subprocess.run([FATHOM, "serve", "--port", "0", *arguments], capture_output=True, text=True, timeout=60,
                             env={"PATH": "/usr/bin"} | (environment or {}))
        self.assertNotEqual(run.returncode, 0)
        self.assertEqual(run.stdout, "")
        self.assertRegex(run.stderr, r"^fathom: error: [^\n]+\n$")
        return run

    def test_another_address_needs_a_key_or_force(self) -> None:
        self.assertEqual(self.refused("--host", "0.0.0.0").returncode, 77)
        with Server("--host", "0.0.0.0", "--no-key-public"):
            pass
        with Server("--host", "0.0.0.0", environment={"FATHOM_API_KEY": KEY}) as server:
            self.assertEqual(server.get("/v1/models")[0], 401)
            self.assertEqual(server.get("/v1/models", WITH_KEY | {"Host": "elsewhere.example"})[0], 200)

    def test_bad_settings_are_refused_by_name(self) -> None:
        for arguments, text in ((("--port", "99999"), "--port"), (("--host", "nowhere"), "--host"),
                                (("--max-body", "x"), "--max-body"), (("--api-key-file", "/nonexistent"), "nonexistent"),
                                (("--tls-cert", "x"), "--tls-cert"), (("--dialect", "x"), "--dialect"),
                                (("--config", "/nonexistent"), "nonexistent")):
            with self.subTest(arguments):
                self.assertIn(text, self.refused(*arguments).stderr)

    def test_a_key_never_shows(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "keys"
            path.write_text(f"ada {KEY} extra\n")
            self.assertNotIn(KEY, self.refused("--api-key-file", str(path)).stderr)

    def test_settings_come_from_flag_environment_and_file(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "fathom.toml"
            path.write_text('port = 1\nqueue = 5\nalias = ["a", "b"]\nmax-body = "1MiB"\n')
            out = subprocess.run([FATHOM, "serve", "--config", str(path), "--port", "0", "--print-config"], check=True,
                                 capture_output=True, text=True, env={"PATH": "/usr/bin", "FATHOM_QUEUE": "7"}).stdout
            for line in ("port = 0  # flag", "queue = 7  # environment", 'alias = ["a", "b"]  # file',
                         'max-body = "1MiB"  # file', "max-headers = 100  # default"):
                self.assertIn(line + "\n", out)


class Logs(unittest.TestCase):
    def test_logs_hold_no_prompts_keys_or_control_bytes(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            server = Server("--api-key-file", key_file(folder), environment={"FATHOM_LOG": "debug"})
            secret = "a-secret-of-the-prompt"
            server.post("/v1/chat/completions", {"messages": [{"role": "user", "content": secret}], "max_tokens": 2,
                                                 "user": "evil\r\nuser\x1b[31m"}, WITH_KEY)
            server.post("/v1/chat/completions", {"messages": HELLO, "model": secret}, WITH_KEY)
            server.get(f"/v1/models?key={KEY}", {})
            server.get(f"/{secret}", WITH_KEY)
            server.raw(b"GET /\x1b[31m HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertEqual(server.stop(), 0)
            log = server.log_text()
        self.assertIn(" request ", log)
        self.assertIn("key=ada", log)
        for hidden in (secret, KEY, "evil"):
            self.assertNotIn(hidden, log)
        self.assertIsNone(re.search(r"[\x00-\x09\x0b-\x1f\x7f-\xff]", log), "raw control bytes")


if __name__ == "__main__":
    unittest.main()
