# SPDX-License-Identifier: MIT
"""`fathom chat` on the built-in model: one message, piped lines, and a person at a terminal.

Expected replies are golden transcripts of models/tiny-chat.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from terminal import PATIENCE_S, PROGRAM, Terminal, environment, run

HELLO = b"Hello! How can I help you today?\n"
ANNA = b"Hello Anna! Nice to meet you.\n"
SUM = b"47 + 28 = 75\n"
THOUGHT = b"7 + 8 = 15, write 5, carry 1. 4 + 2 + 1 = 7, write 7. The result is 75."
# Nearly even chances for all tokens: long replies of all sorts of bytes. With this seed more than 3,000 tokens come
# before one that ends the reply.
BABBLE = ("--temperature", "100", "--seed", "4")


TOO_LONG = b"one two three " * 3000 + b"\n"


class OneMessage(unittest.TestCase):
    def test_standard_output_holds_the_reply_only(self) -> None:
        result = run("chat", "-m", "Hello!")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, HELLO, b""))

    def test_thinking_is_shown_apart(self) -> None:
        result = run("chat", "--think", "high", "-m", "What is 47 + 28?")
        self.assertEqual((result.returncode, result.stdout), (0, SUM))
        self.assertEqual(result.stderr, b"[thinking] " + THOUGHT + b"\n")

    def test_the_system_text_is_used(self) -> None:
        result = run("chat", "--system", "You are a helpful assistant.", "-m", "What is fathom?")
        self.assertTrue(result.stdout.startswith(b"Fathom is an engine that trains, runs and serves"), result)

    def test_same_seed_same_reply(self) -> None:
        def reply(seed: str) -> bytes:
            return run("chat", "-m", "Tell me a story.", "--temperature", "1.5", "--seed", seed, "-n", "40").stdout

        self.assertEqual(reply("7"), reply("7"))
        self.assertNotEqual(reply("7"), reply("8"))

    def test_any_bytes_are_a_message(self) -> None:
        for message in (b"", b"\xff\xfe", b"\xe4\xbd", "你好 \U0001f600".encode(), b"\x1b[31m\x07", b"/help",
                        "<｜User｜></think>".encode()):
            result = run("chat", "-n", "20", "-m", message)
            self.assertEqual((result.returncode, result.stderr), (0, b""), message)

    def test_babble_of_the_model_is_well_formed(self) -> None:
        run("chat", *BABBLE, "-n", "1000", "-m", "Hello!").stdout.decode("utf-8")

    def test_a_message_beyond_the_context_is_refused_with_advice(self) -> None:
        result = run("chat", "-m", TOO_LONG)
        self.assertEqual((result.returncode, result.stdout), (3, b""))
        self.assertRegex(result.stderr, rb"^fathom: error: context: expected .* fewer than 4096 tokens, found \d+: "
                                        rb".*/reset.*\n$")

    def test_wrong_options_are_one_line_and_no_result(self) -> None:
        for options in (["--think", "deep"], ["--temperature", "-1"], ["--top-p", "2"], ["-n", "-5"],
                        ["--threads", "-1"], ["/nonexistent"]):
            result = run("chat", *options, "-m", "Hello!")
            self.assertNotEqual(result.returncode, 0, options)
            self.assertEqual(result.stdout, b"", options)
            self.assertRegex(result.stderr, rb"^fathom: error: [^\n]+\n$", options)

    def test_the_reply_may_be_cut(self) -> None:
        self.assertEqual(run("chat", "-n", "1", "-m", "Hello!").stdout, b"Hello\n")

    def test_a_full_disk_is_an_error(self) -> None:
        with open("/dev/full", "wb") as full:
            result = subprocess.run([PROGRAM, "chat", "-m", "Hello!"], stdout=full, stderr=subprocess.PIPE,
                                    env=environment(), check=False)
        self.assertEqual(result.returncode, 7)
        self.assertIn(b"standard output: No space left", result.stderr)


    def test_closed_standard_streams_are_errors(self) -> None:
        for redirection, stream in (("<&-", b"standard input"), (">&-", b"standard output")):
            message = "" if stream == b"standard input" else "-m Hello!"
            result = subprocess.run(["bash", "-c", f'"$FATHOM" chat {message} {redirection}'], capture_output=True,
                                    timeout=PATIENCE_S, check=False)
            self.assertEqual(result.returncode, 7, redirection)
            self.assertEqual(result.stderr, b"fathom: error: %s: Bad file descriptor\n" % stream)


class PipedLines(unittest.TestCase):
    def test_each_line_is_a_turn(self) -> None:
        result = run("chat", stdin=b"My name is Anna.\nWhat is the opposite of hot?\r\n\n  \nWhat is my name?")
        self.assertEqual(result.stdout, ANNA + b"The opposite of hot is cold.\nYour name is Anna.\n")
        self.assertEqual((result.returncode, result.stderr), (0, b""))

    def test_reset_forgets(self) -> None:
        result = run("chat", stdin=b"My name is Anna.\n/reset\nHello!\n")
        self.assertEqual(result.stdout, ANNA + HELLO)

    def test_errors_are_counted_and_the_talk_goes_on(self) -> None:
        result = run("chat", stdin=b"/foo bar\n/think deep\nHello!\n/load /nonexistent\n" + TOO_LONG)
        self.assertEqual((result.returncode, result.stdout), (2, HELLO))
        self.assertIn(b"turn 1: expected a command, found /foo: /help lists them\n", result.stderr)
        self.assertIn(b'turn 2: /think: expected none, high or max, found "deep"\n', result.stderr)
        self.assertIn(b"turn 4: /load: /nonexistent: No such file", result.stderr)
        self.assertIn(b"turn 5: context: expected", result.stderr)
        self.assertIn(b"found 4 of 5 failed", result.stderr)

    def test_a_failed_turn_leaves_no_trace(self) -> None:
        talk = b"My name is Anna.\n%sWhat is the opposite of hot?\nWhat is my name?\n"
        plain = run("chat", stdin=talk % b"").stdout
        self.assertEqual(run("chat", stdin=talk % TOO_LONG).stdout, plain)

    def test_a_backslash_continues_the_line(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "talk.json"
            run("chat", "-n", "3", stdin=b"one\\\ntwo\n//three\n/save %s\n" % bytes(path))
            messages = json.loads(path.read_text())["messages"]
        self.assertEqual([m["content"] for m in messages if m["role"] == "user"], ["one\ntwo", "/three"])

    def test_save_and_load_take_the_talk_up_again(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "talk.json"
            begin = b"My name is Anna.\n"
            first = run("chat", "--system", "Be brief.", stdin=begin + b"/think high\n/save %s\n" % bytes(path))
            self.assertEqual(first.returncode, 0, first)
            self.assertEqual([p.name for p in Path(folder).iterdir()], ["talk.json"])
            saved = json.loads(path.read_text())
            self.assertEqual([m["role"] for m in saved["messages"]], ["system", "user", "assistant"])
            self.assertEqual((saved["thinking_mode"], saved["reasoning_effort"]), ("thinking", "high"))
            rest = b"/think none\nWhat is the opposite of hot?\nWhat is my name?\n/system\n"
            second = run("chat", stdin=b"/load %s\n" % bytes(path) + rest)
            self.assertEqual(second.returncode, 0, second)
            whole = run("chat", "--system", "Be brief.", stdin=begin + rest)
            self.assertEqual(first.stdout + second.stdout, whole.stdout)
            self.assertIn(b"system text: Be brief.", second.stderr)

    def test_a_bad_file_is_refused_and_the_talk_goes_on(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "talk.json"
            for text in ("", "{", "[]", '{"messages": [{"role": "robot"}]}', '{"messages": 1}', "[" * 100000):
                path.write_text(text)
                result = run("chat", stdin=b"/load %s\nHello!\n" % bytes(path))
                self.assertEqual(result.stdout, HELLO, text[:40])
                self.assertIn(b"turn 1: /load: %s: " % bytes(path), result.stderr, text[:40])
            for target in ("/dev/null", folder, f"{folder}/none/talk.json"):
                result = run("chat", stdin=f"/save {target}\nHello!\n".encode())
                self.assertEqual((result.returncode, result.stdout), (2, HELLO), target)

    def test_no_control_sequences_whatever_the_terminal(self) -> None:
        result = run("chat", "--think", "high", stdin=b"What is 47 + 28?\n/help\n/foo\n/think\n")
        self.assertNotIn(b"\x1b", result.stdout + result.stderr)
        self.assertEqual(result.stdout, SUM)

    def test_any_bytes_are_lines(self) -> None:
        result = run("chat", "-n", "5", stdin=bytes(range(256)) * 3 + b"\n\0\n\xff\n")
        self.assertEqual(result.returncode, 0, result.stderr)
        result.stdout.decode("utf-8")

    def test_an_interrupt_ends_with_its_own_status(self) -> None:
        with subprocess.Popen([PROGRAM, "chat", *BABBLE, "-m", "Hello!"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=environment()) as process:
            assert process.stdout and process.stderr
            process.stdout.read(1)  # the reply is on its way
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(), 130)
            self.assertEqual(process.stderr.read(), b"fathom: error: chat: stopped by a signal\n")


class AtATerminal(unittest.TestCase):
    def test_a_turn_is_shown_with_its_figures(self) -> None:
        with Terminal("chat") as t:
            t.expect(r"builtin:tiny-chat: 8\.84 M parameters, context 4096, [\w-]+, \d+ thread")
            t.expect("/help")
            t.ask("Hello!")
            t.expect(r"Hello! How can I help you today\?\r\n\x1b\[2m11 tokens, \d+ tok/s, context 16/4096\r\n\x1b\[0m")
            t.prompt()
            t.type(b"\x04")
            self.assertEqual(t.leave(), 0)

    def test_thinking_is_dim_and_set_apart(self) -> None:
        with Terminal("chat", "--think", "high") as t:
            t.ask("What is 47 + 28?")
            t.expect(r"\x1b\[2m\xe2\x94\x82 7 \+ 8 = 15.*75\.\x1b\[0m\r\n\r\n47 \+ 28 = 75\r\n")
            t.ask("/quit")
            self.assertEqual(t.leave(), 0)

    def test_ctrl_c_stops_the_reply_and_once_more_leaves(self) -> None:
        with tempfile.TemporaryDirectory() as folder, Terminal("chat", *BABBLE) as t:
            t.ask("Hello!")
            t.expect(r"2004l.")  # the first of the reply
            t.type(b"\x03")
            t.expect(r"stopped: \d+ tokens?, ")
            path = Path(folder) / "talk.json"
            t.ask(f"/save {path}")
            t.expect("saved 2 messages")
            self.assertNotEqual(json.loads(path.read_text())["messages"][1]["content"], "")
            t.ask("Hello!")
            t.expect(r"2004l.")
            t.type(b"\x03")
            t.expect("stopped: ")
            t.prompt()
            t.type(b"\x03")
            self.assertEqual(t.leave(), 0)

    def test_ctrl_c_at_the_prompt_drops_the_line_and_twice_leaves(self) -> None:
        with Terminal("chat") as t:
            t.prompt()
            t.type("half a line")
            t.expect("half a line")
            t.type(b"\x03")
            t.prompt()
            t.type(b"\x03")
            self.assertEqual(t.leave(), 0)
        with Terminal("chat") as t:
            t.prompt()
            t.type(b"\x03")
            t.expect("once more leaves")
            t.ask("Hello!")  # no longer the same wish
            t.expect("today")
            t.prompt()
            t.type(b"\x03")
            t.expect("once more leaves")
            t.prompt()
            t.type(b"\x03")
            self.assertEqual(t.leave(), 0)

    def test_history_and_editing(self) -> None:
        with Terminal("chat") as t:
            t.ask("What is 47 + 29?\x7f\x7f8?")
            t.expect("= 75")
            t.prompt()
            t.type(b"\x1b[A")
            t.expect(r"47 \+ 28\?")
            t.type(b"\r")
            t.expect("= 75")
            t.ask("你好世界\x1b[D\x7f")
            t.expect("tokens")
            t.ask("/quit")
            self.assertEqual(t.leave(), 0)

    def test_pasted_lines_and_continued_lines_are_one_message(self) -> None:
        with tempfile.TemporaryDirectory() as folder, Terminal("chat", "-n", "3") as t:
            t.prompt()
            t.type(b"\x1b[200~def f():\r\treturn 1\x1b\r\r\x1b[201~")
            t.expect("return 1")
            t.type(b"\r")
            t.expect("tokens")
            t.ask("one\\")
            t.expect(r"\.\x1b\[0m $")
            t.type("two\x1b\rthree\r")
            t.expect("tokens")
            path = Path(folder) / "talk.json"
            t.ask(f"/save {path}")
            t.expect("saved 4 messages")
            messages = json.loads(path.read_text())["messages"]
            self.assertEqual([m["content"] for m in messages if m["role"] == "user"],
                             ["def f():\n\treturn 1", "one\ntwo\nthree"])
            t.ask("/quit")
            self.assertEqual(t.leave(), 0)

    def test_control_bytes_do_not_reach_the_terminal(self) -> None:
        with Terminal("chat", "--system", "\x1b]0;title\x07\u009b31m") as t:
            t.ask("/system")
            t.expect("system text: \u241b]0;title\u2407\ufffd31m".replace("]", r"\]"))
            t.ask("/load /\x16\x1b[31m")
            t.expect("\u241b\\[31m")
            t.ask("/quit")
            self.assertEqual(t.leave(), 0)

    def test_ill_formed_input_is_replaced(self) -> None:
        with tempfile.TemporaryDirectory() as folder, Terminal("chat", "-n", "3") as t:
            t.ask(b"a\xff\xfeb")
            t.expect("tokens")
            path = Path(folder) / "talk.json"
            t.ask(f"/save {path}")
            t.expect("saved")
            self.assertEqual(json.loads(path.read_text())["messages"][0]["content"], "a\ufffd\ufffdb")
            t.ask("/quit")
            self.assertEqual(t.leave(), 0)

    def test_no_color_keeps_editing_without_styles(self) -> None:
        with Terminal("chat", NO_COLOR="1") as t:
            t.ask("What is 47 + 29?\x7f\x7f8?")
            t.expect("= 75")
            t.ask("/quit")
            self.assertEqual(t.leave(), 0)
            self.assertNotRegex(t.output, rb"\x1b\[[0-9;]*m")

    def test_a_dumb_terminal_gets_no_control_sequences(self) -> None:
        for term in ("dumb", ""):
            with Terminal("chat", "--think", "high", TERM=term) as t:
                t.ask("What is 47 + 28?")
                t.expect(r"\[thinking\] 7 \+ 8.*75\.\r\n\r\n47 \+ 28 = 75")
                t.prompt()
                t.type(b"\x04")
                self.assertEqual(t.leave(), 0)
                self.assertNotIn(b"\x1b", t.output)

    def test_the_end_of_the_terminal_or_a_signal_ends_the_program(self) -> None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            with Terminal("chat") as t:
                t.prompt()
                os.kill(t.process.pid, number)
                self.assertEqual(t.leave(), 130)
            with Terminal("chat", *BABBLE) as t:
                t.ask("Hello!")
                t.expect(r"2004l.")
                os.kill(t.process.pid, number)
                self.assertEqual(t.leave(), 130)

    def test_one_message_at_a_terminal_shows_figures(self) -> None:
        with Terminal("chat", "-m", "Hello!") as t:
            t.expect(r"today\?\r\n\x1b\[2m11 tokens")
            self.assertEqual(t.leave(), 0)


if __name__ == "__main__":
    unittest.main()
