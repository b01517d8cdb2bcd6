# SPDX-License-Identifier: MIT
# fathom_library(NAME DEPS...): the static library of src/NAME from its .cc files, and, when it has *_test.cc files, the
# test binary NAME_test. Files are found by pattern, so a new file needs no CMake edit.

# Folders whose tests run threads against each other: label `threads`, built and run under ThreadSanitizer.
set(FATHOM_THREAD_FOLDERS base ops model cache engine)
# Instruction set tiers with kernel files (docs/design.md 7); generic needs no flags.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(FATHOM_ISA_TIERS generic neon)
  set(foreign_kernels "_(avx2|avx512|avx512_vnni|avx512_bf16|amx)(_test)?\\.cc$")
else()
  set(FATHOM_ISA_TIERS generic avx2 avx512 avx512-bf16 amx)
  set(foreign_kernels "_neon\\.cc$")
endif()
set(FATHOM_FLAGS_avx2 -mavx2 -mfma -mf16c)
# GCC 12 warns about undefined values inside its own AVX-512 header.
set(FATHOM_FLAGS_avx512 -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx2 -mfma -mf16c -Wno-uninitialized
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)

set(FATHOM_FLAGS_avx512-vnni ${FATHOM_FLAGS_avx512} -mavx512vnni)
set(FATHOM_FLAGS_avx512-bf16 ${FATHOM_FLAGS_avx512} -mavx512vbmi -mavx512bf16)
set(FATHOM_FLAGS_amx ${FATHOM_FLAGS_avx512-bf16} -mamx-tile -mamx-bf16)

function(fathom_library name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cc)
  if(name STREQUAL "kernels")
    list(FILTER sources EXCLUDE REGEX "${foreign_kernels}")
  endif()
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  if(sources)
    add_library(fathom_${name} STATIC ${sources})
    target_include_directories(fathom_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(fathom_${name} PUBLIC ${ARGN})
  else()
    add_library(fathom_${name} INTERFACE)
    target_include_directories(fathom_${name} INTERFACE ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(fathom_${name} INTERFACE ${ARGN})
  endif()
  if(name STREQUAL "kernels" AND sources)
    fathom_kernel_flags()
  endif()
  if(tests AND FATHOM_BUILD_TESTS)
    set(labels unit)
    if(name IN_LIST FATHOM_THREAD_FOLDERS)
      list(APPEND labels threads)
    endif()
    fathom_test(${name}_test "${labels}" SOURCES ${tests} LIBS fathom_${name})
  endif()
endfunction()

# ISA flags go to the kernel files of that tier and to nothing else. -O3, because register tiles are written as loops over
# small arrays, which GCC keeps in memory unless it unrolls them completely.
function(fathom_kernel_flags)
  # avx512-vnni is no tier, only files of avx512 with one more instruction.
  foreach(tier ${FATHOM_ISA_TIERS} avx512-vnni)
    string(REPLACE "-" "_" suffix ${tier})
    file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/kernels/*_${suffix}.cc
         ${CMAKE_SOURCE_DIR}/src/kernels/*_${suffix}_test.cc)
    if(files)
      set_source_files_properties(${files} TARGET_DIRECTORY fathom_kernels PROPERTIES
        COMPILE_OPTIONS "${FATHOM_FLAGS_${tier}};$<$<NOT:$<CONFIG:Debug>>:-O3>;-fno-exceptions;-fno-lto")
    endif()
  endforeach()
endfunction()

# fathom_test(NAME LABELS [SLOW] SOURCES ... LIBS ... [ENV ...]): a GoogleTest binary registered with ctest as one test,
# labelled `fast` or `slow` and with LABELS, a list: unit, golden, threads.
function(fathom_test name labels)
  cmake_parse_arguments(arg "SLOW" "" "SOURCES;LIBS;ENV" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  # What tests share is included as "tests/support/...".
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${arg_LIBS} fathom_test_support GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE FATHOM_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                                             FATHOM_BINARY_DIR="${CMAKE_BINARY_DIR}")
  target_compile_options(${name} PRIVATE -Wno-old-style-cast)
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
  if(arg_SLOW)
    set(speed slow)
  else()
    set(speed fast)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${speed};${labels}" TIMEOUT 600)
  if(arg_ENV)
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "${arg_ENV}")
  endif()
  if("threads" IN_LIST labels)
    # Threads that wait for each other want cores of their own.
    set_tests_properties(${name} PROPERTIES PROCESSORS 2)
    set_property(GLOBAL APPEND PROPERTY FATHOM_THREAD_TESTS ${name})
  endif()
endfunction()

# fathom_isa_reruns(TARGET...): each test binary once more per tier with FATHOM_ISA=TIER, label `isa`. A tier that this CPU
# cannot run, and its highest, which is the default, are reported as skipped. Targets that do not exist are passed over.
function(fathom_isa_reruns)
  list(JOIN FATHOM_ISA_TIERS "," tiers)
  foreach(target ${ARGN})
    if(NOT TARGET ${target})
      continue()
    endif()
    foreach(tier ${FATHOM_ISA_TIERS})
      set(test ${target}.${tier})
      add_test(NAME ${test} COMMAND ${CMAKE_SOURCE_DIR}/tools/run_with_isa.sh --rerun ${tiers} ${tier}
                                    $<TARGET_FILE:${target}> --gtest_brief=1)
      set_tests_properties(${test} PROPERTIES LABELS "fast;isa" SKIP_RETURN_CODE 77 TIMEOUT 600)
    endforeach()
  endforeach()
endfunction()

# fathom_thread_reruns(TARGET...): under ThreadSanitizer, those tests of these binaries that have "Thread" in their name.
function(fathom_thread_reruns)
  if(NOT FATHOM_SANITIZE STREQUAL "thread")
    return()
  endif()
  foreach(target ${ARGN})
    if(TARGET ${target})
      add_test(NAME ${target}.threads COMMAND ${target} --gtest_brief=1 --gtest_filter=*Thread*)
      set_tests_properties(${target}.threads PROPERTIES LABELS "slow;threads" TIMEOUT 600)
      set_property(GLOBAL APPEND PROPERTY FATHOM_THREAD_TESTS ${target})
    endif()
  endforeach()
endfunction()

# thread_tests: builds the tests with label `threads`, which is all that the tsan preset runs.
function(fathom_thread_tests_target)
  get_property(tests GLOBAL PROPERTY FATHOM_THREAD_TESTS)
  add_custom_target(thread_tests DEPENDS ${tests})
endfunction()
