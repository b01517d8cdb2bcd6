#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The contracts of docs/conformance.md, driven from outside: exit codes, output forms, and logits against the fixtures."""

from __future__ import annotations

import array
import json
import os
import resource
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

FATHOM = os.environ["FATHOM"]
ROOT = Path(os.environ["FATHOM_SOURCE_DIR"])
FIXTURES = ROOT / "tests/fixtures"
BUILTIN = "builtin:tiny-chat"


def run(*arguments: str, stdin: bytes = b"", limits=None) -> subprocess.CompletedProcess:
    """Runs fathom; `limits` is called in the child before it starts."""
    return subprocess.run([FATHOM, *arguments], input=stdin, capture_output=True, timeout=120, preexec_fn=limits)


def read_safetensors(path: Path) -> dict[str, tuple[str, list[int], bytes]]:
    """name -> (dtype, shape, bytes) of a file that is known to be well formed."""
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    header.pop("__metadata__", None)
    begin = 8 + size
    return {
        name: (t["dtype"], t["shape"], data[begin + t["data_offsets"][0] : begin + t["data_offsets"][1]])
        for name, t in header.items()
    }


def write_tokens(path: Path, rows: list[list[int]]) -> None:
    """A file with `tokens` I32 [B, T]."""
    payload = array.array("i", [token for row in rows for token in row]).tobytes()
    shape = [len(rows), len(rows[0])]
    header = json.dumps({"tokens": {"dtype": "I32", "shape": shape, "data_offsets": [0, len(payload)]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + payload)


def floats(data: bytes) -> array.array:
    """F32 bytes as numbers."""
    out = array.array("f")
    out.frombytes(data)
    return out


class Logits(unittest.TestCase):
    """`fathom logits` against tests/fixtures/model and against itself."""

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.tokens = Path(self.folder.name) / "tokens.safetensors"
        self.out = Path(self.folder.name) / "out.safetensors"

    def logits(self, model: str, *options: str) -> dict[str, tuple[str, list[int], bytes]]:
        done = run("logits", model, "--tokens", str(self.tokens), "--out", str(self.out), *options)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.assertEqual(done.stdout, b"")
        return read_safetensors(self.out)

    def fixture_tokens(self, name: str) -> list[list[int]]:
        dtype, (rows, cols), data = read_safetensors(FIXTURES / "model" / name / "expected.safetensors")["tokens"]
        self.assertEqual(dtype, "I32")
        ids = struct.unpack(f"<{rows * cols}i", data)
        return [list(ids[r * cols : (r + 1) * cols]) for r in range(rows)]

    def test_exact_logits_are_the_fixtures_within_their_tolerance(self) -> None:
        for name in ["csa", "mixed"]:
            expected = read_safetensors(FIXTURES / "model" / name / "expected.safetensors")
            rows = self.fixture_tokens(name)
            write_tokens(self.tokens, rows)
            for options in (["--exact"], ["--exact", "--reference"], ["--exact", "--chunk", "1"]):
                shape, data = self.logits(str(FIXTURES / "model" / name), *options)["logits"][1:]
                got, want = floats(data), floats(expected["logits_exact"][2])
                positions = struct.unpack(f"<{len(expected['exact_positions'][2]) // 4}i", expected["exact_positions"][2])
                self.assertEqual(shape[:2], [len(rows), len(rows[0])])
                vocab = shape[2]
                for b in range(shape[0]):
                    for i, t in enumerate(positions):
                        mine = got[(b * shape[1] + t) * vocab : (b * shape[1] + t + 1) * vocab]
                        theirs = want[(b * len(positions) + i) * vocab : (b * len(positions) + i + 1) * vocab]
                        worst = max(abs(x - y) for x, y in zip(mine, theirs))
                        self.assertLessEqual(worst, 1e-4, f"{name} {options} sequence {b} position {t}")

    def test_chunks_and_threads_give_the_same_bytes(self) -> None:
        write_tokens(self.tokens, [[(7 * i * i + 3) % 300 for i in range(50)]])
        model = str(FIXTURES / "model/mixed")
        self.logits(model, "--mtp", "--trace", "--threads", "1")
        whole = self.out.read_bytes()
        for options in (["--chunk", "1"], ["--chunk", "7", "--threads", "2"], ["--threads", "3"]):
            self.logits(model, "--mtp", "--trace", *options)
            self.assertEqual(self.out.read_bytes(), whole, options)

    def test_mtp_and_trace_add_their_tensors(self) -> None:
        write_tokens(self.tokens, [[i % 300 for i in range(20)]] * 2)
        tensors = self.logits(str(FIXTURES / "model/mixed"), "--mtp", "--trace")
        shapes = {name: (dtype, shape) for name, (dtype, shape, _) in tensors.items()}
        self.assertEqual(shapes["logits"], ("F32", [2, 20, 300]))
        self.assertEqual(shapes["mtp_logits"], ("F32", [2, 19, 300]))
        self.assertEqual(shapes["streams"], ("F32", [6, 20, 4, 64]))
        self.assertEqual(shapes["router.0.chosen"], ("I32", [20, 2]))
        self.assertEqual(shapes["router.mtp.0.chosen"], ("I32", [19, 2]))
        self.assertEqual(shapes["indexer.2.chosen"], ("I32", [20, 5]))
        self.assertNotIn("indexer.3.chosen", shapes)

    def test_bad_token_files_are_refused(self) -> None:
        model = str(FIXTURES / "model/mixed")
        for rows, message in [([[300]], "expected an id below 300, found 300"), ([[-1]], "found -1")]:
            write_tokens(self.tokens, rows)
            done = run("logits", model, "--tokens", str(self.tokens), "--out", str(self.out))
            self.assertEqual(done.returncode, 2)
            self.assertIn(message, done.stderr.decode())
        self.tokens.write_bytes(b"\x08\x00")
        done = run("logits", model, "--tokens", str(self.tokens), "--out", str(self.out))
        self.assertEqual(done.returncode, 5)
        self.assertFalse(self.out.exists())


class Text(unittest.TestCase):
    """tokenize, detokenize, template, parse-reply."""

    def test_tokenize_and_detokenize_are_inverse(self) -> None:
        text = "Grüße, 世界! 12345\n\tdef f(x): return x<|>😀"
        ids = json.loads(run("tokenize", BUILTIN, stdin=text.encode()).stdout)
        back = json.loads(run("detokenize", BUILTIN, "--jsonl", stdin=json.dumps({"ids": ids}).encode()).stdout)
        self.assertEqual(back["text"], text)
        steps = json.loads(run("detokenize", BUILTIN, "--stream", stdin=json.dumps({"ids": ids}).encode()).stdout)
        self.assertEqual("".join(steps["steps"]) + steps["flush"], text)
        self.assertEqual(len(steps["steps"]), len(ids))

    def test_special_tokens_only_when_asked(self) -> None:
        line = json.dumps({"text": "<｜User｜>"}).encode()
        plain = json.loads(run("tokenize", BUILTIN, "--jsonl", stdin=line).stdout)["ids"]
        special = json.loads(run("tokenize", BUILTIN, "--jsonl", "--special", stdin=line).stdout)["ids"]
        self.assertEqual(special, [4054])
        self.assertNotIn(4054, plain)

    def test_a_tokenizer_file_alone_is_enough(self) -> None:
        done = run("tokenize", str(ROOT / "models/tiny-chat/tokenizer.json"), stdin=b"Hello")
        self.assertEqual(json.loads(done.stdout), [1855])

    def test_template_renders_and_refuses_line_by_line(self) -> None:
        lines = [
            {"messages": [{"role": "user", "content": "Hi"}], "thinking_mode": "chat"},
            {"messages": [{"role": "nobody", "content": "Hi"}], "thinking_mode": "chat"},
            {"api": "chat", "request": {"messages": [{"role": "user", "content": "Hi"}], "thinking": {"type": "disabled"}}},
        ]
        done = run("template", BUILTIN, "--jsonl", stdin="\n".join(map(json.dumps, lines)).encode())
        self.assertEqual(done.returncode, 0)
        first, second, third = map(json.loads, done.stdout.splitlines())
        self.assertEqual(first["prompt"], "<｜begin▁of▁sentence｜><｜User｜>Hi<｜Assistant｜></think>")
        self.assertEqual(second["error"], 400)
        self.assertEqual(third["ids"], first["ids"])

    def test_parse_reply_does_not_depend_on_the_cut(self) -> None:
        reply = "Let me see.</think>It rains.<｜end▁of▁sentence｜>"
        line = json.dumps({"text": reply, "thinking_mode": "thinking", "tools": True}).encode()
        whole = run("parse-reply", BUILTIN, "--jsonl", stdin=line).stdout
        self.assertEqual(json.loads(whole)["reasoning_content"], "Let me see.")
        for units in ("1", "2", "5"):
            self.assertEqual(run("parse-reply", BUILTIN, "--jsonl", "--units", units, stdin=line).stdout, whole)


class Generate(unittest.TestCase):
    """Raw completion."""

    PROMPT = ["--prompt", "<｜User｜>Hello!<｜Assistant｜></think>", "--special"]

    def test_greedy_completion_is_the_transcript(self) -> None:
        done = run("generate", BUILTIN, *self.PROMPT, "--temperature", "0", "--json")
        got = json.loads(done.stdout)
        line = json.loads((ROOT / "models/tiny-chat/transcripts.jsonl").read_text().splitlines()[0])
        self.assertEqual(got["tokens"], line["ids"])
        self.assertEqual(got["text"], "Hello! How can I help you today?")
        self.assertEqual(got["finish_reason"], "stop")
        self.assertEqual(got["usage"], {"prompt_tokens": 6, "completion_tokens": 11, "total_tokens": 17})
        self.assertTrue(all(logprob <= 0 for logprob in got["logprobs"]))

    def test_ids_in_give_the_same_as_text(self) -> None:
        by_ids = run("generate", BUILTIN, "--tokens-in", "0, 4054,1855,3,4055,4073", "--temperature", "0").stdout
        self.assertEqual(by_ids, run("generate", BUILTIN, *self.PROMPT, "--temperature", "0").stdout)

    def test_stop_text_ends_the_answer_before_it(self) -> None:
        done = run("generate", BUILTIN, *self.PROMPT, "--temperature", "0", "--stop", "help you", "--json")
        got = json.loads(done.stdout)
        self.assertEqual(got["text"], "Hello! How can I ")
        self.assertEqual(got["finish_reason"], "stop")

    def test_same_seed_same_tokens(self) -> None:
        def sample(seed: int) -> bytes:
            options = ["--temperature", "1.5", "--seed", str(seed), "-n", "30"]
            return run("generate", BUILTIN, "--prompt", "Once", *options).stdout

        self.assertEqual(sample(7), sample(7))
        self.assertNotEqual(sample(7), sample(8))

    @unittest.skipIf(os.environ.get("FATHOM_SANITIZE"), "guard zones make the stack frames several times as large")
    def test_a_stack_of_256_kib_is_enough(self) -> None:
        def small_stack() -> None:
            resource.setrlimit(resource.RLIMIT_STACK, (256 << 10, 256 << 10))

        done = run("generate", BUILTIN, *self.PROMPT, "--temperature", "0", "--threads", "2", limits=small_stack)
        self.assertEqual(done.stdout.decode(), "Hello! How can I help you today?\n", done.stderr.decode())


class Errors(unittest.TestCase):
    """One line on standard error, nothing on standard output, the code of its kind."""

    def test_exit_codes(self) -> None:
        missing = str(ROOT / "no-such-model")
        for arguments, code in [
            ([], 2),
            (["no-such-command"], 2),
            (["generate", BUILTIN], 2),
            (["generate", BUILTIN, "--prompt", "a", "--tokens-in", "1"], 2),
            (["generate", BUILTIN, "--prompt", "a", "--temperature", "-1"], 2),
            (["generate", BUILTIN, "--prompt", "a", "--temperature", "nan"], 2),
            (["generate", BUILTIN, "--tokens-in", "1,,2"], 2),
            (["generate", BUILTIN, "--tokens-in", "99999"], 2),
            (["generate", BUILTIN, "--prompt", "a", "--isa", "no-such-tier"], 2),
            (["generate", BUILTIN, "--prompt", "a", "--threads", "-1"], 2),
            (["generate", missing, "--prompt", "a"], 3),
            (["inspect", missing], 3),
            (["tokenize", missing], 3),
        ]:
            done = run(*arguments)
            self.assertEqual(done.returncode, code, arguments)
            self.assertEqual(done.stdout, b"", arguments)
            self.assertRegex(done.stderr.decode(), r"\Afathom: error: [^\n]+\n\Z", arguments)

    def test_a_bad_line_is_named(self) -> None:
        done = run("tokenize", BUILTIN, "--jsonl", stdin=b'{"text": "a"}\n{"text": 1}\n')
        self.assertEqual(done.returncode, 2)
        self.assertIn("line 2", done.stderr.decode())

    def test_help_and_version(self) -> None:
        self.assertIn("inspect", run("--help").stdout.decode())
        for command in ["chat", "generate", "logits", "tokenize", "detokenize", "template", "parse-reply", "inspect"]:
            done = run(command, "--help")
            self.assertEqual(done.returncode, 0, command)
            self.assertIn("Usage: ", done.stdout.decode())
        self.assertRegex(run("--version").stdout.decode(), r"fathom \d+\.\d+\.\d+ \(commit .+\)\ntiers: generic")

    def test_a_tier_can_be_forced(self) -> None:
        done = run("generate", BUILTIN, "--tokens-in", "0,4054,1855,3,4055,4073", "--temperature", "0", "--isa", "generic")
        self.assertEqual(done.stdout.decode(), "Hello! How can I help you today?\n")


if __name__ == "__main__":
    unittest.main()
