#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bytes that are no proper HTTP/1.1 request (docs/reliability.md S-3, S-4), and those that look odd but are."""

from __future__ import annotations

import json
import time
import unittest

from serving import HELLO, SLOWNESS, Server, post_bytes, status_of

GET = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n"
POST = b"POST /tokenize HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
# A second request, which must not be answered after a refused one.
NEXT = b"GET /ready HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
BODY = b'{"text":"x"}'  # 12 bytes
KIB = 1024


def chunked(wire: bytes) -> bytes:
    return POST + b"Transfer-Encoding: chunked\r\n\r\n" + wire


def target(path: bytes) -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


# name -> (status, bytes). All of these end the connection.
REFUSED: dict[str, tuple[int, bytes]] = {
    # the request line
    "empty line first": (400, b"\r\n" + GET + b"\r\n"),
    "no version": (400, b"GET /health\r\nHost: a\r\n\r\n"),
    "HTTP/0.9": (400, b"GET /health HTTP/0.9\r\nHost: a\r\n\r\n"),
    "HTTP/2.0": (400, b"GET /health HTTP/2.0\r\nHost: a\r\n\r\n"),
    "HTTP/1.10": (400, b"GET /health HTTP/1.10\r\nHost: a\r\n\r\n"),
    "lower case version": (400, b"GET /health http/1.1\r\nHost: a\r\n\r\n"),
    "two blanks": (400, b"GET  /health HTTP/1.1\r\nHost: a\r\n\r\n"),
    "tab between": (400, b"GET\t/health\tHTTP/1.1\r\nHost: a\r\n\r\n"),
    "leading blank": (400, b" GET /health HTTP/1.1\r\nHost: a\r\n\r\n"),
    "trailing blank": (400, b"GET /health HTTP/1.1 \r\nHost: a\r\n\r\n"),
    "blank in target": (400, b"GET /he alth HTTP/1.1\r\nHost: a\r\n\r\n"),
    "method of bad letters": (400, b"G(T /health HTTP/1.1\r\nHost: a\r\n\r\n"),
    "long method": (400, b"A" * 17 + b" /health HTTP/1.1\r\nHost: a\r\n\r\n"),
    "TLS hello": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64),
    "HTTP/2 preface": (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "binary": (400, bytes(range(256))),
    # the target
    "absolute target": (400, target(b"http://127.0.0.1/health")),
    "target of another host": (400, target(b"http://evil.example/health")),
    "authority target": (400, b"CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: a\r\n\r\n"),
    "star target": (400, b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
    "fragment": (400, target(b"/health#x")),
    "percent at end": (400, target(b"/health%")),
    "percent and one digit": (400, target(b"/health%2")),
    "percent and no hex": (400, target(b"/%zz")),
    "encoded zero": (400, target(b"/health%00")),
    "raw high byte": (400, target(b"/h\xc3\xa9")),
    "control in target": (400, target(b"/he\x01alth")),
    "DEL in target": (400, target(b"/he\x7falth")),
    "long target": (414, target(b"/" + b"a" * 8 * KIB)),
    # lines
    "line feeds only": (400, b"GET /health HTTP/1.1\nHost: a\n\n"),
    "one bare line feed": (400, GET + b"X: y\nZ: w\r\n\r\n"),
    "bare return": (400, GET + b"X: y\rZ: w\r\n\r\n"),
    "return at line start": (400, GET + b"\rX: y\r\n\r\n"),
    "zero byte": (400, GET + b"X: \x00\r\n\r\n"),
    "folded line": (400, GET + b"X: a\r\n b\r\n\r\n"),
    "folded with tab": (400, GET + b"X: a\r\n\tb\r\n\r\n"),
    "folded first header": (400, b"GET /health HTTP/1.1\r\n Host: a\r\n\r\n"),
    # headers
    "blank before colon": (400, GET + b"X : y\r\n\r\n"),
    "no colon": (400, GET + b"nonsense\r\n\r\n"),
    "empty name": (400, GET + b": y\r\n\r\n"),
    "name of bad letters": (400, GET + b"X(Y): z\r\n\r\n"),
    "name with high byte": (400, GET + b"X\xe9: z\r\n\r\n"),
    "control in value": (400, GET + b"X: a\x01b\r\n\r\n"),
    "escape in value": (400, GET + b"X: \x1b[31m\r\n\r\n"),
    "DEL in value": (400, GET + b"X: \x7f\r\n\r\n"),
    "no host": (400, b"GET /health HTTP/1.1\r\n\r\n"),
    "two hosts": (400, GET + b"Host: 127.0.0.1\r\n\r\n"),
    "host with path": (400, b"GET /health HTTP/1.1\r\nHost: x/v1/models?\r\n\r\n"),
    "host with user": (400, b"GET /health HTTP/1.1\r\nHost: a@127.0.0.1\r\n\r\n"),
    "empty host": (400, b"GET /health HTTP/1.1\r\nHost: \r\n\r\n"),
    "two authorizations": (400, GET + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n"),
    "two keys": (400, GET + b"x-api-key: a\r\nX-Api-Key: b\r\n\r\n"),
    "two content types": (400, POST + b"Content-Type: text/plain\r\nContent-Length: 12\r\n\r\n" + BODY),
    "1 MB header": (431, GET + b"X: " + b"a" * KIB * KIB + b"\r\n\r\n"),
    "100,000 headers": (431, GET + b"X: y\r\n" * 100_000 + b"\r\n"),
    "101 headers": (431, GET + b"X: y\r\n" * 100 + b"\r\n"),
    "endless name": (431, GET + b"a" * 20 * KIB),
    "no end": (431, b"A" * 20 * KIB),
    # framing
    "length and coding": (400, POST + b"Content-Length: 12\r\nTransfer-Encoding: chunked\r\n\r\n" + BODY),
    "coding and length": (400, POST + b"Transfer-Encoding: chunked\r\nContent-Length: 12\r\n\r\n0\r\n\r\n"),
    "two lengths": (400, POST + b"Content-Length: 12\r\nContent-Length: 2\r\n\r\n" + BODY),
    "two equal lengths": (400, POST + b"Content-Length: 12\r\nContent-Length: 12\r\n\r\n" + BODY),
    "list of lengths": (400, POST + b"Content-Length: 12, 12\r\n\r\n" + BODY),
    "negative length": (400, POST + b"Content-Length: -1\r\n\r\n"),
    "signed length": (400, POST + b"Content-Length: +12\r\n\r\n" + BODY),
    "hex length": (400, POST + b"Content-Length: 0xc\r\n\r\n" + BODY),
    "length with fraction": (400, POST + b"Content-Length: 12.0\r\n\r\n" + BODY),
    "length of 20 digits": (400, POST + b"Content-Length: 18446744073709551616\r\n\r\n"),
    "empty length": (400, POST + b"Content-Length:\r\n\r\n"),
    "unknown coding": (400, POST + b"Transfer-Encoding: gzip\r\n\r\n"),
    "gzip, chunked": (400, POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n"),
    "chunked twice": (400, POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    "two codings": (400, POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
    "quoted coding": (400, POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n'),
    "nearly chunked": (400, POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    "chunked in HTTP/1.0": (400, b"POST /tokenize HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "odd expectation": (417, POST + b"Expect: 200-ok\r\nContent-Length: 12\r\n\r\n" + BODY),
    # chunks
    "chunk size -2": (400, chunked(b"-2\r\n")),
    "chunk size 0x10": (400, chunked(b"0x10\r\n")),
    "chunk size of 20 digits": (400, chunked(b"0" * 20 + b"1\r\nx\r\n0\r\n\r\n")),
    "huge chunk size": (413, chunked(b"FFFFFFFFFFFFFFFF\r\n")),
    "empty chunk size": (400, chunked(b"\r\nx")),
    "blank in chunk size": (400, chunked(b"c \r\n" + BODY + b"\r\n0\r\n\r\n")),
    "chunk extension": (400, chunked(b"c;a=b\r\n" + BODY + b"\r\n0\r\n\r\n")),
    "1 MB chunk extension": (400, chunked(b"c;" + b"a" * KIB * KIB + b"\r\n" + BODY)),
    "chunk longer than its size": (400, chunked(b"2\r\n" + BODY + b"\r\n0\r\n\r\n")),
    "line feed after chunk": (400, chunked(b"c\r\n" + BODY + b"\n0\r\n\r\n")),
    "line feed after size": (400, chunked(b"c\n" + BODY + b"\r\n0\r\n\r\n")),
    "trailer": (400, chunked(b"c\r\n" + BODY + b"\r\n0\r\nX: y\r\n\r\n")),
    "smuggled in trailer": (400, chunked(b"c\r\n" + BODY + b"\r\n0\r\nGET /health HTTP/1.1\r\n\r\n")),
    # what the API does not take
    "gzip body": (415, POST + b"Content-Encoding: gzip\r\nContent-Length: 12\r\n\r\n" + BODY),
    "form body": (415, b"POST /tokenize HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                       b"Content-Length: 3\r\n\r\na=b"),
    "no content type": (415, b"POST /tokenize HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 12\r\n\r\n" + BODY),
    "body beyond the cap": (413, POST + b"Content-Length: 33554433\r\n\r\n"),
    "body of ten times the cap": (413, POST + b"Content-Length: 335544320\r\n\r\n"),
    "body on GET": (413, GET + b"Content-Length: 5\r\n\r\nhello"),
    "chunks on GET": (413, GET + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    "foreign host": (403, b"GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
    "foreign origin": (403, GET + b"Origin: https://evil.example\r\n\r\n"),
}

# name -> (status, bytes). Odd, but clear.
CLEAR: dict[str, tuple[int, bytes]] = {
    "plain": (200, GET + b"\r\n"),
    "head": (200, b"HEAD /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
    "HTTP/1.0": (200, b"GET /health HTTP/1.0\r\n\r\n"),
    "query": (200, target(b"/health?beta=true&x=%zz")),
    "encoded letters": (200, target(b"/%68ealth")),
    "100 headers": (200, GET + b"X: y\r\n" * 99 + b"\r\n"),
    "head of 16 KiB": (200, GET + b"X: " + b"a" * (16 * KIB - len(GET) - 7) + b"\r\n\r\n"),
    "high bytes in a value": (200, GET + b"X: \xc3\xa9\r\n\r\n"),
    "no blank after colon": (200, GET + b"X:y\r\n\r\n"),
    "length zero on GET": (200, GET + b"Content-Length: 0\r\n\r\n"),
    "other case of names": (200, b"GET /health HTTP/1.1\r\nhOST: 127.0.0.1\r\n\r\n"),
    "chunks": (200, chunked(b"5\r\n" + BODY[:5] + b"\r\n7\r\n" + BODY[5:] + b"\r\n0\r\n\r\n")),
    "leading zeros in chunk size": (200, chunked(b"000c\r\n" + BODY + b"\r\n000\r\n\r\n")),
    "chunked in capitals": (200, POST + b"Transfer-Encoding: CHUNKED\r\n\r\nC\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "type with parameter": (200, b"POST /tokenize HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: Application/JSON; charset=utf-8\r\n"
                                 b"Content-Length: 12\r\n\r\n" + BODY),
    "trailing slash": (404, target(b"/health/")),
    "two slashes": (404, target(b"//health")),
    "dots": (404, target(b"/v1/../health")),
    "encoded dots": (404, target(b"/v1/%2e%2e/health")),
    "decoded once only": (404, target(b"/%2568ealth")),
    "other case of path": (404, target(b"/Health")),
    "unknown method": (405, b"BREW /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
    "lower case method": (405, b"get /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
}


class Abuse(unittest.TestCase):
    server: Server

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = Server()

    @classmethod
    def tearDownClass(cls) -> None:
        assert cls.server.stop() == 0, cls.server.log_text()[-3000:]

    def test_refused_bytes_get_their_status_and_nothing_after_them_is_read(self) -> None:
        self.assertGreaterEqual(len(REFUSED), 80)
        for name, (status, data) in REFUSED.items():
            with self.subTest(name):
                reply = self.server.raw(data + NEXT)
                self.assertEqual(status_of(reply), status, reply[:300])
                self.assertEqual(reply.count(b"x-request-id: "), 1, "exactly one reply")
                head, _, body = reply.partition(b"\r\n\r\n")
                self.assertIn(b"connection: close", head.lower())
                self.assertIn("error", json.loads(body))

    def test_clear_requests_are_answered_and_the_connection_goes_on(self) -> None:
        for name, (status, data) in CLEAR.items():
            with self.subTest(name):
                reply = self.server.raw(data + (b"" if "HTTP/1.0" in name else NEXT.replace(
                    b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")))
                self.assertEqual(status_of(reply), status, reply[:300])
                self.assertEqual(reply.count(b"x-request-id: "), 1 if "HTTP/1.0" in name else 2, reply)

    def test_a_million_one_byte_chunks_are_one_body(self) -> None:
        text = b'{"text": "' + b"a" * 200_000 + b'"}'
        wire = b"".join(b"1\r\n" + bytes([c]) + b"\r\n" for c in text) + b"0\r\n\r\n"
        start = time.monotonic()
        reply = self.server.raw(chunked(wire).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        self.assertEqual(status_of(reply), 200, reply[:300])
        self.assertLess(time.monotonic() - start, 30)

    def test_a_head_that_never_ends_is_given_up(self) -> None:
        with Server("--head-time", "0.5", "--body-time", "0.5", "--idle-time", "0.5") as server:
            for data in (b"GET /health HTTP/1.1\r\n", POST + b"Content-Length: 12\r\n\r\n{"):
                start = time.monotonic()
                self.assertEqual(status_of(server.raw(data, timeout=20)), 408)
                self.assertGreater(time.monotonic() - start, 0.45)
            self.assertEqual(server.raw(b"", timeout=20), b"", "an idle connection is closed without a word")


class Bombs(unittest.TestCase):
    """S-3: JSON that is small on the wire and large in memory."""

    def test_bombs_are_refused_within_memory(self) -> None:
        cap = 32 << 20
        with Server() as server:
            server.chat(max_tokens=1)
            before = resident_bytes(server.pid)
            bombs = {
                "a million [": b"[" * 1_000_000,
                "a million {": b'{"a":' * 1_000_000,
                "objects": b"[" + b"{}," * (cap // 3 - 10) + b"{}]",
                "numbers": b"[" + b"0," * 1_100_000 + b"0]",
                "keys": b"{" + b",".join(b'"%d":0' % i for i in range(1_000_000)) + b"}",
                "deep string": b'{"messages":' + b"[" * 65 + b"]" * 65 + b"}",
                "beyond the cap": b" " * (cap + 1),
            }
            for name, bomb in bombs.items():
                with self.subTest(name):
                    reply = server.raw(post_bytes("/v1/chat/completions", bomb, "Connection: close\r\n"))
                    self.assertIn(status_of(reply), (400, 413), reply[:200])
            if SLOWNESS == 1.0:  # sanitizers keep what is freed
                self.assertLessEqual(resident_bytes(server.pid) - before, 3 * cap)
            self.assertEqual(server.chat(max_tokens=1, messages=HELLO)["object"], "chat.completion")


def resident_bytes(pid: int) -> int:
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


if __name__ == "__main__":
    unittest.main()
