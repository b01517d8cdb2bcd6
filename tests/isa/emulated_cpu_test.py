# SPDX-License-Identifier: MIT
"""The program on older CPUs, by emulation (docs/design.md 7): it picks the tier that this CPU runs, gives that tier's exact
answer, and refuses a tier that the CPU lacks.

usage: emulated_cpu_test.py PROGRAM

The kernel tests themselves cannot run under qemu-user 7.2: it touches the masked-out lanes of AVX2's masked loads, which the guard
pages of these tests take for a fault.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import unittest

PROGRAM = sys.argv[1]
EMULATOR = "qemu-x86_64"
QUESTION = ("generate", "builtin:tiny-chat", "--prompt", "Once upon a time", "-n", "3", "--threads", "1", "--json")
# CPU model -> the highest tier it runs.
HIGHEST = {"Nehalem": "generic", "Haswell": "avx2"}


def run(*command: str, isa: str = "") -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "FATHOM_ISA"}
    if isa:
        environment["FATHOM_ISA"] = isa
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=200)


@unittest.skipUnless(shutil.which(EMULATOR), f"{EMULATOR} is not installed")
class EmulatedCpuTest(unittest.TestCase):
    def test_the_default_is_the_highest_tier_of_the_cpu_with_its_exact_answer(self) -> None:
        for cpu, tier in HIGHEST.items():
            with self.subTest(cpu):
                here = run(PROGRAM, *QUESTION, isa=tier)
                if here.returncode != 0:
                    self.skipTest(f"this machine cannot run tier {tier} itself: {here.stderr}")
                there = run(EMULATOR, "-cpu", cpu, PROGRAM, *QUESTION)
                self.assertEqual((there.returncode, there.stdout), (0, here.stdout), there.stderr)

    def test_a_tier_that_the_cpu_lacks_is_an_error_and_not_a_fallback(self) -> None:
        for cpu, tier in (("Nehalem", "avx2"), ("Haswell", "avx512")):
            with self.subTest(cpu):
                done = run(EMULATOR, "-cpu", cpu, PROGRAM, *QUESTION, isa=tier)
                self.assertNotIn(done.returncode, (0, -4, 132), "expected an error, not an answer or an illegal instruction")
                self.assertIn("fathom: error: ", done.stderr)
                self.assertIn(tier, done.stderr)
                self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
