# SPDX-License-Identifier: MIT
# Packages that have no CMake file of their own, through pkg-config (docs/design.md 16).
find_package(PkgConfig REQUIRED)
pkg_check_modules(libxxhash REQUIRED IMPORTED_TARGET libxxhash>=0.8.1)
pkg_check_modules(libzstd REQUIRED IMPORTED_TARGET libzstd>=1.5)
