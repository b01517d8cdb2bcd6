# SPDX-License-Identifier: MIT
# Compiler, hardening and sanitizer flags of every target (docs/design.md 21).
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

# Position independent: the program is a PIE, the libraries can go into a shared one.
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(FATHOM_CCACHE ccache)
if(FATHOM_CCACHE)
  # Paths below the source tree count relative to it, so that clones and worktrees share what was compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${FATHOM_CCACHE})
endif()
find_program(FATHOM_MOLD mold)
if(FATHOM_MOLD AND NOT CMAKE_CROSSCOMPILING)
  add_link_options(-fuse-ld=mold)
endif()

# -ffp-contract=off: a fused multiply-add happens only where it is written (docs/design.md 10).
add_compile_options(
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Wcast-align -Woverloaded-virtual -ffp-contract=off -fstack-protector-strong -D_GLIBCXX_ASSERTIONS)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  add_compile_options(-fcf-protection)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # Clang blames us for what libstdc++ 12 deprecates and uses itself, and for int64 operands in double arithmetic,
  # which GCC's -Wconversion lets pass.
  add_compile_options(-Wno-deprecated-declarations -Wno-implicit-int-float-conversion)
endif()
add_link_options(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)

option(FATHOM_WERROR "Treat warnings as errors" OFF)
if(FATHOM_WERROR)
  add_compile_options(-Werror)
endif()

set(FATHOM_SANITIZE "" CACHE STRING "Sanitizers, as in -fsanitize=")
if(FATHOM_SANITIZE)
  add_compile_options(-fsanitize=${FATHOM_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${FATHOM_SANITIZE})
else()
  # -U first: some compilers come with a lower level set.
  add_compile_options(-U_FORTIFY_SOURCE $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=3>)
endif()

if(FATHOM_BUILD_FUZZERS)
  # Edge counters in all code under test, so that libFuzzer sees where an input went.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
