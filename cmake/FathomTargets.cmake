# SPDX-License-Identifier: MIT
# fathom_library(NAME DEPS...): the static library of src/NAME from its .cc files, and, when it has *_test.cc files, the
# test binary NAME_test. Files are found by pattern, so a new file needs no CMake edit.

function(fathom_library name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cc)
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
    fathom_test(${name}_test unit SOURCES ${tests} LIBS fathom_${name})
  endif()
endfunction()

# ISA flags go to the kernel files of that tier and to nothing else.
function(fathom_kernel_flags)
  set(flags_avx2 -mavx2 -mfma -mf16c)
  set(flags_avx512 -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx2 -mfma -mf16c)
  foreach(tier avx2 avx512)
    file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/kernels/*_${tier}.cc)
    set_source_files_properties(${files} TARGET_DIRECTORY fathom_kernels PROPERTIES
      COMPILE_OPTIONS "${flags_${tier}};-fno-exceptions;-fno-lto" SKIP_PRECOMPILE_HEADERS ON)
  endforeach()
endfunction()

# fathom_test(NAME LABEL [SLOW] SOURCES ... LIBS ...): a GoogleTest binary registered with ctest as one test, labelled
# `fast` or `slow` and with its kind.
function(fathom_test name label)
  cmake_parse_arguments(arg "SLOW" "" "SOURCES;LIBS;ENV" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBS} GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE FATHOM_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                                             FATHOM_BINARY_DIR="${CMAKE_BINARY_DIR}")
  target_compile_options(${name} PRIVATE -Wno-old-style-cast)
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
  if(arg_SLOW)
    set(speed slow)
  else()
    set(speed fast)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${speed};${label}" TIMEOUT 600)
  if(arg_ENV)
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "${arg_ENV}")
  endif()
endfunction()
