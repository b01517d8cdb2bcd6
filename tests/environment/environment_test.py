# SPDX-License-Identifier: MIT
"""The program gives the same answer in poor surroundings, or says what is missing (docs/reliability.md R-5).

usage: environment_test.py PROGRAM [SANITIZERS] [unittest options]
"""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Callable

PROGRAM = Path(sys.argv[1])
SANITIZED = len(sys.argv) > 2 and bool(sys.argv[2])
QUESTION = ("generate", "builtin:tiny-chat", "--prompt", "Once upon a time there was a little", "-n", "4", "--threads", "2")

# System call numbers of x86-64 and aarch64 (linux/audit.h names the architectures).
SYSTEM_CALLS = {
    "x86_64": (0xC000003E, {"sched_setaffinity": 203, "sched_getaffinity": 204, "set_mempolicy": 238, "mbind": 237,
                            "io_uring_setup": 425, "madvise": 28, "mlock": 149}),
    "aarch64": (0xC00000B7, {"sched_setaffinity": 122, "sched_getaffinity": 123, "set_mempolicy": 237, "mbind": 235,
                             "io_uring_setup": 425, "madvise": 233, "mlock": 228}),
}


def refuse_system_calls(*names: str) -> Callable[[], None]:
    """A function for the child that makes the kernel answer EPERM to these calls (seccomp filter)."""
    architecture, numbers = SYSTEM_CALLS[os.uname().machine]
    load, jump_equal, give_back = 0x20, 0x15, 0x06
    allow, refuse_eperm, kill = 0x7FFF0000, 0x00050000 | 1, 0x80000000
    code = [(load, 0, 0, 4), (jump_equal, 1, 0, architecture), (give_back, 0, 0, kill), (load, 0, 0, 0)]
    for name in names:
        code += [(jump_equal, 0, 1, numbers[name]), (give_back, 0, 0, refuse_eperm)]
    code.append((give_back, 0, 0, allow))
    filters = b"".join(struct.pack("HBBI", *instruction) for instruction in code)

    def install() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        buffer = ctypes.create_string_buffer(filters)
        program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code), ctypes.addressof(buffer)))
        no_new_privileges, set_seccomp, mode_filter = 38, 22, 2
        if libc.prctl(no_new_privileges, 1, 0, 0, 0) or libc.prctl(set_seccomp, mode_filter, program, 0, 0):
            raise OSError(ctypes.get_errno(), "seccomp")

    return install


def limit(what: int, value: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(what, (value, value))


def no_huge_pages() -> None:
    thp_disable = 41
    if ctypes.CDLL(None).prctl(thp_disable, 1, 0, 0, 0):
        raise OSError("prctl")


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 120, **options}
    return subprocess.run([str(options.pop("program", PROGRAM)), *arguments], **options)


def mapped_bytes(program: str | Path) -> int:
    """Address space between the first and the last byte that a 64-bit ELF program asks to have loaded."""
    with open(program, "rb") as file:
        header = file.read(64)
        offset, size, count = struct.unpack_from("<Q", header, 32)[0], *struct.unpack_from("<HH", header, 54)
        file.seek(offset)
        segments = [struct.unpack_from("<IIQQQQQQ", file.read(size)) for _ in range(count)]
    loaded = [(address, address + memory) for kind, _, _, address, _, _, memory, _ in segments if kind == 1]
    return max(end for _, end in loaded) - min(begin for begin, _ in loaded)


class EnvironmentTest(unittest.TestCase):
    expected: bytes

    @classmethod
    def setUpClass(cls) -> None:
        done = run(*QUESTION)
        assert done.returncode == 0 and done.stdout, done
        cls.expected = done.stdout

    def assert_same_answer(self, **options: object) -> None:
        done = run(*QUESTION, **options)
        self.assertEqual((done.returncode, done.stdout), (0, self.expected), done.stderr.decode(errors="replace"))

    def test_without_any_environment_variable(self) -> None:
        self.assert_same_answer(env={})

    def test_in_other_locales(self) -> None:
        for locale in ("C", "POSIX", "C.UTF-8", "de_DE.UTF-8", "tr_TR.UTF-8", "no_such_locale"):
            with self.subTest(locale):
                self.assert_same_answer(env={**os.environ, "LC_ALL": locale, "LANGUAGE": locale})

    def test_with_a_home_that_does_not_exist(self) -> None:
        self.assert_same_answer(env={**os.environ, "HOME": "/nonexistent", "TMPDIR": "/nonexistent"})

    def test_with_umask_that_forbids_everything(self) -> None:
        self.assert_same_answer(preexec_fn=lambda: os.umask(0o777))

    def test_with_64_descriptors(self) -> None:
        self.assert_same_answer(preexec_fn=limit(resource.RLIMIT_NOFILE, 64))

    def test_with_core_dumps_and_locked_memory_forbidden(self) -> None:
        self.assert_same_answer(preexec_fn=limit(resource.RLIMIT_CORE, 0))
        self.assert_same_answer(preexec_fn=limit(resource.RLIMIT_MEMLOCK, 0))

    def test_without_huge_pages(self) -> None:
        self.assert_same_answer(preexec_fn=no_huge_pages)

    @unittest.skipIf(SANITIZED, "the sanitizers' own start needs these calls")
    def test_with_affinity_memory_policy_and_io_uring_refused(self) -> None:
        for names in (("sched_setaffinity",), ("sched_getaffinity",), ("set_mempolicy", "mbind"), ("io_uring_setup",),
                      ("madvise", "mlock")):
            with self.subTest(names):
                self.assert_same_answer(preexec_fn=refuse_system_calls(*names))

    def test_with_standard_input_closed(self) -> None:
        self.assert_same_answer(stdin=None, preexec_fn=lambda: os.close(0))

    @unittest.skipUnless(os.getuid() == 0, "needs root to become somebody without rights")
    def test_as_nobody_in_a_folder_that_cannot_be_written(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o555)
            program = Path(shutil.copy(PROGRAM, folder))
            self.assert_same_answer(program=program, cwd=folder, user=65534, group=65534, extra_groups=[])

    def test_a_full_or_closed_output_is_an_error_and_not_a_crash(self) -> None:
        with open("/dev/full", "wb") as full:
            done = run(*QUESTION, stdout=full)
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertIn(b"fathom: error: ", done.stderr)
        done = run(*QUESTION, stdout=None, preexec_fn=lambda: os.close(1))
        self.assertEqual(done.returncode, 7, done.stderr)

    @unittest.skipIf(SANITIZED, "sanitizers reserve terabytes of address space")
    def test_too_little_memory_is_an_error_and_not_a_crash(self) -> None:
        # Below the size of the program, of the loader and of the first stack none of our code runs.
        least = mapped_bytes(PROGRAM) // (1 << 20) + 4
        for megabytes in (*range(least, least + 48, 6), 80, 96, 128):
            done = run(*QUESTION, preexec_fn=limit(resource.RLIMIT_AS, megabytes << 20))
            with self.subTest(f"{megabytes} MiB of address space"):
                if done.returncode == 0:
                    self.assertEqual(done.stdout, self.expected)
                # 127: the loader itself could not map the shared libraries.
                elif done.returncode != 127:
                    self.assertEqual(done.returncode, 6, done.stderr)
                    self.assertIn(b"fathom: error: ", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
