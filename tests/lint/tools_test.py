# SPDX-License-Identifier: MIT
"""Each check of tools/ must fail on what it is there to find, and pass on its repaired twin."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools"
sys.path.insert(0, str(TOOLS))

import check_docs  # noqa: E402
import check_files  # noqa: E402
import check_licences  # noqa: E402

SPDX = "// SPDX-License-Identifier: MIT\n"
DESIGN = """
| folder | holds | may include |
|---|---|---|
| base | errors | - |
| io | files | base |
| model | layers | base |
"""


class Tree(unittest.TestCase):
    """A scratch repository."""

    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run_tool(self, *command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(part) for part in command], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env={**os.environ, **environment})

    def assert_fails(self, done: subprocess.CompletedProcess[str], message: str) -> None:
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn(message, done.stdout)

    def assert_passes(self, done: subprocess.CompletedProcess[str]) -> None:
        self.assertEqual(done.returncode, 0, done.stdout)


class LayersTest(Tree):
    def check(self, name: str, include: str) -> subprocess.CompletedProcess[str]:
        self.write("docs/design.md", DESIGN)
        self.write(name, f"{SPDX}#include {include}\n")
        return self.run_tool(sys.executable, TOOLS / "check_layers.py", self.root)

    def test_lower_and_own_folder_pass(self) -> None:
        self.assert_passes(self.check("src/io/a.cc", '"base/status.h"'))
        self.assert_passes(self.check("src/io/a.cc", '"io/a.h"'))
        self.assert_passes(self.check("src/io/a.cc", "<vector>"))

    def test_folder_outside_the_row_fails(self) -> None:
        self.assert_fails(self.check("src/model/a.cc", '"io/json.h"'), '"io/json.h": model may include only base')
        self.assert_fails(self.check("src/base/a.h", '"io/json.h"'), "base may include only nothing")

    def test_include_without_folder_fails(self) -> None:
        self.assert_fails(self.check("src/io/a.cc", '"json.h"'), "does not begin with a folder")

    def test_folder_that_the_table_lacks_fails(self) -> None:
        self.assert_fails(self.check("src/extra/a.cc", "<vector>"), "folder extra is not in the table")

    def test_only_tests_see_test_support(self) -> None:
        self.assert_fails(self.check("src/io/a.cc", '"tests/support/x.h"'), "does not begin with a folder")
        (self.root / "src/io/a.cc").unlink()
        self.assert_passes(self.check("src/io/a_test.cc", '"tests/support/x.h"'))

    def test_third_party_headers_stay_in_their_folder_and_out_of_headers(self) -> None:
        self.assert_fails(self.check("src/model/a.cc", "<xxhash.h>"), "allowed only in io")
        (self.root / "src/model/a.cc").unlink()
        self.assert_fails(self.check("src/io/a.h", "<xxhash.h>"), "stay out of our headers")
        (self.root / "src/io/a.h").unlink()
        self.assert_passes(self.check("src/io/a.cc", "<xxhash.h>"))

    def test_intrinsics_outside_kernels_fail(self) -> None:
        self.assert_fails(self.check("src/model/a.cc", "<immintrin.h>"), "intrinsics belong to")

    def test_design_without_table_fails(self) -> None:
        self.check("src/io/a.cc", "<vector>")
        self.write("docs/design.md", "no table\n")
        self.assert_fails(self.run_tool(sys.executable, TOOLS / "check_layers.py", self.root), "table not found")


class KernelObjectsTest(Tree):
    def check(self, source: str) -> subprocess.CompletedProcess[str]:
        path = self.write("k.cc", source)
        subprocess.run(["g++", "-std=c++20", "-O1", "-c", path, "-o", self.root / "k.o"], check=True)
        return self.run_tool(TOOLS / "check_kernel_objects.sh", self.root / "k.o")

    def test_shared_template_fails(self) -> None:
        done = self.check("template <class T> __attribute__((noinline)) T twice(T x) { return x + x; }\n"
                          "int f(int x) { return twice(x); }\n")
        self.assert_fails(done, "int twice<int>(int)")

    def test_inline_variable_fails(self) -> None:
        self.assert_fails(self.check("inline int shared = 3;\nint* f() { return &shared; }\n"), "shared")

    def test_unnamed_namespace_passes(self) -> None:
        self.assert_passes(self.check(
            "namespace { template <class T> __attribute__((noinline)) T twice(T x) { return x + x; } }\n"
            "int f(int x) { return twice(x); }\n"))

    def test_no_object_fails(self) -> None:
        self.assert_fails(self.run_tool(TOOLS / "check_kernel_objects.sh", self.root / "none.o"), "No such file")
        self.assert_fails(self.run_tool(TOOLS / "check_kernel_objects.sh"), "expected object files")


class FormatTest(Tree):
    def check(self, text: str, *options: str) -> subprocess.CompletedProcess[str]:
        shutil.copy(ROOT / ".clang-format", self.root)
        self.write("src/a.cc", text)
        return self.run_tool(TOOLS / "check_format.sh", *options, self.root)

    def test_wrong_layout_fails_and_fix_repairs_it(self) -> None:
        self.assert_fails(self.check("int  f( ){return 1;}\n"), "clang-format-violations")
        self.assert_passes(self.check("int  f( ){return 1;}\n", "--fix"))
        self.assertEqual((self.root / "src/a.cc").read_text(), "int f() { return 1; }\n")

    def test_no_files_fails(self) -> None:
        (self.root / "src").mkdir()
        self.assert_fails(self.run_tool(TOOLS / "check_format.sh", self.root), "no C++ files")


class FilesTest(Tree):
    def rules(self, name: str, text: str) -> list[str]:
        return [rule for rule, _ in check_files.file_problems(Path(name), text.encode())]

    def test_length_is_checked_at_the_limit(self) -> None:
        for suffix, limit in check_files.MAX_LINES.items():
            for lines, expected in ((limit, []), (limit + 1, ["length"]), (limit * 10, ["length"])):
                self.assertEqual(self.rules(f"src/io/a{suffix}", SPDX + "x\n" * (lines - 1)), expected, lines)

    def test_size_is_checked_at_the_limit(self) -> None:
        for size, expected in ((1_000_000, []), (1_000_001, ["size"]), (10_000_000, ["size"])):
            self.assertEqual(self.rules("a.safetensors", "x" * size), expected)

    def test_missing_licence_line_fails(self) -> None:
        self.assertEqual(self.rules("src/io/a.h", "#pragma once\n"), ["spdx"])
        self.assertEqual(self.rules("tools/a.sh", "#!/bin/bash\n"), ["spdx"])
        self.assertEqual(self.rules("setup", "#!/bin/bash\n# SPDX-License-Identifier: MIT\n"), [])
        self.assertEqual(self.rules("tests/fixtures/a.json", "{}"), [])

    def test_white_space_fails(self) -> None:
        for text in (SPDX + "int a; \n", SPDX + "\tint a;\n", SPDX + "int a;", SPDX + "int a;\r\n", SPDX + "int a;\n\n"):
            self.assertEqual(self.rules("src/io/a.cc", text), ["space"], repr(text))

    def test_paths_of_a_machine_and_registry_hosts_fail(self) -> None:
        for word in ("/wo" + "rk/main", "/ho" + "me/someone", "deb.deb" + "ian.org", "https://pypi" + ".org/simple"):
            self.assertEqual(self.rules("docs/a.md", f"see {word} there\n"), ["word"], word)
            self.assertEqual(self.rules("tests/fixtures/a.json", f'"{word}"'), ["word"], word)
        self.assertEqual(self.rules("docs/a.md", "the network/home page of a framework/library\n"), [])

    def test_allow_list_excuses_only_what_it_names_and_must_be_needed(self) -> None:
        self.write("src/a.h", "#pragma once\n")
        tool = (sys.executable, TOOLS / "check_files.py", self.root)
        self.assert_fails(self.run_tool(*tool), "src/a.h: spdx")
        allow = self.write("tools/check_files_allow.txt", "src/a.h: spdx: an example\n")
        self.assert_passes(self.run_tool(*tool))
        allow.write_text("src/a.h: spdx: an example\nsrc/b.h: spdx: gone\n")
        self.assert_fails(self.run_tool(*tool), "nothing needs 'src/b.h: spdx'")
        allow.write_text("src/a.h: spdx:\n")
        self.assert_fails(self.run_tool(*tool), "expected PATH: RULE: REASON")


class DocsTest(Tree):
    def tool(self, *options: str | Path) -> subprocess.CompletedProcess[str]:
        return self.run_tool(sys.executable, TOOLS / "check_docs.py", "--root", self.root, *options)

    def write_good_tree(self) -> None:
        self.write("docs/architecture.md", "# Page\n\n## 1. First\n\n## 2. Second part\n")
        self.write("src/a.h", "// (architecture.md 1 and 2)\n")
        self.write("tests/a_test.cc", "// architecture.md 1-2\n")
        self.write("README.md", "See [second](docs/architecture.md#2-second-part) and `src/a.h`.\n")

    def test_good_tree_passes(self) -> None:
        self.write_good_tree()
        self.assert_passes(self.tool())

    def test_citations_are_read_as_lists_and_ranges(self) -> None:
        for text, expected in (("architecture.md 4", {4}), ("architecture.md 3, 4 and 6", {3, 4, 6}),
                               ("architecture.md 2-4; design.md 9", {2, 3, 4}), ("architecture.md 3 to 5.", {3, 4, 5}),
                               ("architecture.md, notation", set())):
            self.assertEqual(check_docs.cited_sections(text), expected, text)

    def test_uncited_section_fails(self) -> None:
        self.write_good_tree()
        self.write("tests/a_test.cc", "// architecture.md 1\n")
        self.assert_fails(self.tool(), "section 2 is cited by no test")
        self.write("src/a.h", "// architecture.md 1\n")
        self.assert_fails(self.tool(), "section 2 is cited by no source and no test")

    def test_citation_of_a_section_that_does_not_exist_fails(self) -> None:
        self.write_good_tree()
        self.write("src/b.h", "// architecture.md 12\n")
        self.assert_fails(self.tool(), "section 12 of docs/architecture.md, which does not exist")

    def test_dead_link_fails(self) -> None:
        self.write_good_tree()
        for text, message in (("[x](docs/none.md)", "no such file"), ("[x](docs/architecture.md#9-none)", "no such heading"),
                              ("`src/none.h`", "no such file")):
            self.write("README.md", text + "\n")
            self.assert_fails(self.tool(), message)

    def test_shell_block_that_fails_fails(self) -> None:
        self.write_good_tree()
        build = self.write("out/fathom", "").parent
        self.write("README.md", "```sh test\ntest -e build/release/fathom\ntest -d src\ntouch made-by-block\n```\n")
        done = self.tool("--build", build)
        self.assert_passes(done)
        self.assertIn("1 shell blocks run", done.stdout)
        self.assertFalse((self.root / "made-by-block").exists())
        self.write("README.md", "```sh test\nfalse | cat\necho not reached\n```\n")
        self.assert_fails(self.tool("--build", build), "README.md: block 1: exit status 1")


class HardeningTest(Tree):
    def check(self, *flags: str) -> subprocess.CompletedProcess[str]:
        source = self.write("p.c", "#include <string.h>\nint main(int c, char** v) { char b[64]; strcpy(b, v[0]); return b[c]; }\n")
        subprocess.run(["gcc", *flags, source, "-o", self.root / "p"], check=True)
        return self.run_tool(TOOLS / "check_hardening.sh", self.root / "p")

    def test_each_missing_protection_fails(self) -> None:
        full = ["-fPIE", "-pie", "-fstack-protector-strong", "-Wl,-z,relro,-z,now"]
        self.assert_passes(self.check(*full))
        for flags, message in ((["-no-pie"], "position independent"), (["-Wl,-z,lazy"], "binding at start"),
                               (["-Wl,-z,norelro"], "read-only relocations"), (["-Wl,-z,execstack"], "executable stack"),
                               (["-fno-stack-protector"], "stack protection"), (["-Wl,-rpath,/x"], "library search path")):
            self.assert_fails(self.check(*full, *flags), message)


class LicencesTest(unittest.TestCase):
    DOCUMENT = ("## In the program\n\n| Debian package | licence | shared libraries | CMake |\n|---|---|---|---|\n"
                "| a | {licence} | liba.so.1, liba2.so.1 | Alpha |\n"
                "## In tests only\n\n| Debian package | CMake |\n|---|---|\n| b | Beta |\n")

    def problems(self, libraries: list[str], cmake: str, licence: str = "MIT") -> str:
        with contextlib.redirect_stdout(io.StringIO()):
            return "\n".join(check_licences.check(libraries, cmake, self.DOCUMENT.format(licence=licence)))

    def test_every_locked_crate_is_listed(self) -> None:
        crates = "## Rust crates\n\n| crates | licence | where |\n|---|---|---|\n| one, two | {licence} | in the program |\n"
        lock = '[[package]]\nname = "one"\nsource = "registry"\n\n[[package]]\nname = "{name}"\nsource = "registry"\n'

        def problems(name: str, licence: str = "MIT") -> list[str]:
            tables = self.DOCUMENT.format(licence="MIT") + "\n" + crates.format(licence=licence)
            with contextlib.redirect_stdout(io.StringIO()):
                return check_licences.check([], "", tables, lock.format(name=name))

        self.assertEqual(problems("two"), [])
        self.assertEqual(problems("three"), ["THIRD_PARTY.md: crate three is locked but not listed"])
        self.assertEqual(len(problems("two", "GPL-3.0-only")), 1)

    def test_listed_libraries_pass(self) -> None:
        self.assertEqual(self.problems(["liba.so.1", "liba2.so.1"], "find_package(Alpha REQUIRED) find_package(Beta)"), "")

    def test_unlisted_library_or_package_fails(self) -> None:
        self.assertIn("libreadline.so.8 is linked but not listed", self.problems(["libreadline.so.8"], ""))
        self.assertIn("CMake package Gamma", self.problems([], "find_package(Gamma)"))

    def test_gpl_fails_unless_it_is_lgpl_or_has_an_exception(self) -> None:
        self.assertIn("may not be in the program", self.problems([], "", "GPL-3.0-or-later"))
        self.assertEqual(self.problems([], "", "LGPL-2.1-or-later"), "")
        self.assertEqual(self.problems([], "", "GPL-3.0 with GCC Runtime Library Exception"), "")


class IsaTest(Tree):
    def test_tier_that_the_cpu_lacks_is_skipped_and_counted(self) -> None:
        cpuinfo = self.write("cpuinfo", "processor : 0\nflags\t\t: fpu avx avx2 fma f16c\n")
        tool = TOOLS / "run_with_isa.sh"
        done = self.run_tool(tool, "avx512", "true", FATHOM_TEST_CPUINFO=str(cpuinfo))
        self.assertEqual(done.returncode, 77, done.stdout)
        done = self.run_tool(tool, "avx2", "bash", "-c", "echo tier $FATHOM_ISA", FATHOM_TEST_CPUINFO=str(cpuinfo))
        self.assertEqual((done.returncode, done.stdout), (0, "tier avx2\n"))
        rerun = (tool, "--rerun", "generic,avx2,avx512")
        for tier, status in (("generic", 0), ("avx2", 77), ("avx512", 77)):
            done = self.run_tool(*rerun, tier, "true", FATHOM_TEST_CPUINFO=str(cpuinfo))
            self.assertEqual(done.returncode, status, f"{tier}: {done.stdout}")
        flags = "avx2 fma f16c avx512f avx512bw avx512vl avx512dq avx512vbmi avx512_vnni avx512_bf16"
        for vendor, default in (("AuthenticAMD", "avx512-bf16"), ("GenuineIntel", "avx512")):
            modern = self.write("modern", f"vendor_id\t: {vendor}\nflags : {flags}\n")
            for tier in ("avx2", "avx512", "avx512-bf16"):
                done = self.run_tool(tool, "--rerun", "generic,avx2,avx512,avx512-bf16", tier, "true", FATHOM_TEST_CPUINFO=str(modern))
                self.assertEqual(done.returncode, 77 if tier == default else 0, f"{vendor} {tier}: {done.stdout}")
        done = self.run_tool(tool, "--count", "generic", "avx2", "avx512", FATHOM_TEST_CPUINFO=str(cpuinfo))
        self.assert_passes(done)
        self.assertIn("2 tiers run here: generic avx2; 1 skipped: avx512", done.stdout)

    @unittest.skipUnless(os.uname().machine == "x86_64", "x86-64 only")
    def test_no_simd_tier_at_all_fails(self) -> None:
        cpuinfo = self.write("cpuinfo", "flags : fpu\n")
        self.assert_fails(self.run_tool(TOOLS / "run_with_isa.sh", "--count", "generic", "avx2",
                                        FATHOM_TEST_CPUINFO=str(cpuinfo)), "no SIMD tier")

    def test_unknown_tier_fails(self) -> None:
        self.assert_fails(self.run_tool(TOOLS / "run_with_isa.sh", "mmx", "true"), "unknown tier mmx")


class SetupTest(Tree):
    """./setup with a dpkg-query, apt-get, sudo and id of our own in front of the path."""

    def setup(self, installed: str, user: int, *level: str, sudo: bool = False) -> subprocess.CompletedProcess[str]:
        tools = {"dpkg-query": f"for p in {installed}; do echo installed $p; done",
                 "apt-get": f'echo "$@" >>{self.root}/apt.log',
                 "id": f"echo {user}",
                 "sudo": 'shift; "$@"' if sudo else "exit 1"}
        for name, body in tools.items():
            self.write(f"bin/{name}", f"#!/bin/bash\n{body}\n").chmod(0o755)
        return self.run_tool(ROOT / "setup", *level, PATH=f"{self.root}/bin:{os.environ['PATH']}")

    def packages(self) -> str:
        done = self.setup("", 1000, "test")
        return done.stdout.split("--no-install-recommends ")[1].strip()

    def test_silent_and_without_apt_when_nothing_is_missing(self) -> None:
        done = self.setup(self.packages(), 0, "test")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertFalse((self.root / "apt.log").exists())

    def test_a_user_without_sudo_gets_the_one_line_to_run(self) -> None:
        done = self.setup(self.packages().replace("ninja-build", ""), 1000, "build")
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stdout.endswith("apt-get install -y --no-install-recommends ninja-build\n"), done.stdout)
        self.assertFalse((self.root / "apt.log").exists())

    def test_root_and_sudo_install_only_what_is_missing(self) -> None:
        for user, sudo in ((0, False), (1000, True)):
            (self.root / "apt.log").unlink(missing_ok=True)
            self.assert_passes(self.setup(self.packages().replace("ninja-build", ""), user, "build", sudo=sudo))
            update, install = (self.root / "apt.log").read_text().splitlines()
            self.assertTrue(update.endswith(" update"), update)
            self.assertTrue(install.endswith("install --no-install-recommends ninja-build"), install)

    def test_building_needs_neither_clang_nor_googletest(self) -> None:
        done = self.setup("", 1000, "build")
        self.assertNotRegex(done.stdout, "clang|gtest|gmock|python")

    def test_unknown_level_fails(self) -> None:
        self.assert_fails(self.setup("", 0, "all"), "expected build, test or tidy")


if __name__ == "__main__":
    unittest.main()
