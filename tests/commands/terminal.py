# SPDX-License-Identifier: MIT
"""Runs the program under test: with pipes, or at a pseudo terminal as a person would."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

PROGRAM = os.environ["FATHOM"]
# Instrumented builds on a busy machine are slow; a correct program waits for none of it.
PATIENCE_S = 100.0


def environment(**extra: str) -> dict[str, str]:
    """The caller's, without what changes how the program shows things."""
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM", "HOME")}
    return {**kept, "TERM": "xterm-256color", "HOME": "/nonexistent", **extra}


def run(*arguments: str | bytes, stdin: bytes = b"", **extra: str) -> subprocess.CompletedProcess[bytes]:
    """The program with pipes on all three streams."""
    return subprocess.run([PROGRAM, *arguments], input=stdin, capture_output=True, timeout=PATIENCE_S,
                          env=environment(**extra), check=False)


class Terminal:
    """The program at a pseudo terminal of 100 columns."""

    def __init__(self, *arguments: str, **extra: str) -> None:
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        self.settings = termios.tcgetattr(self.slave)
        self.output = b""
        self.seen = 0  # bytes of output that expect() has passed
        self.process = subprocess.Popen(
            [PROGRAM, *arguments], stdin=self.slave, stdout=self.slave, stderr=self.slave,
            start_new_session=True, env=environment(**extra),
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def type(self, keys: bytes | str) -> None:
        os.write(self.master, keys.encode() if isinstance(keys, str) else keys)

    def _read(self, seconds: float) -> bool:
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        self.output += os.read(self.master, 1 << 16)
        return True

    def expect(self, pattern: str) -> re.Match[bytes]:
        """Waits until the pattern stands in what has come since the last expect()."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            match = re.compile(pattern.encode(), re.DOTALL).search(self.output, self.seen)
            if match:
                self.seen = match.end()
                return match
            if time.monotonic() > deadline or (self.process.poll() is not None and not self._read(0)):
                raise AssertionError(f"expected {pattern!r}, found {self.output[self.seen:]!r}")
            self._read(0.05)

    def prompt(self) -> None:
        self.expect(r">(\x1b\[0m)? $")

    def ask(self, message: bytes | str) -> None:
        """Types a message at the prompt."""
        self.prompt()
        self.type(message)
        self.type(b"\r")

    def leave(self) -> int:
        """Waits for the end; the exit status. The terminal must be as it was."""
        deadline = time.monotonic() + PATIENCE_S
        while self.process.poll() is None and time.monotonic() < deadline:
            self._read(0.05)
        if self.process.poll() is None:
            raise AssertionError(f"expected the program to end, found {self.output[self.seen:]!r}")
        while self._read(0):
            pass
        if termios.tcgetattr(self.slave) != self.settings:
            raise AssertionError("expected the terminal's settings as they were")
        return self.process.returncode
