# SPDX-License-Identifier: MIT
# The grammar engine of structured output (docs/design.md 16): rust/constraint as a static library, target
# fathom_llguidance. Cargo builds it once for all build folders. Without cargo, or when its packages can be had neither from
# cargo's cache nor from the registry, there is no target and constraints answer kUnsupported.
set(constraint_dir ${CMAKE_SOURCE_DIR}/rust/constraint)
set(FATHOM_CARGO_TARGET_DIR ${CMAKE_SOURCE_DIR}/build/rust CACHE PATH "Where cargo builds")
find_program(FATHOM_CARGO cargo)

function(fathom_find_constraint_packages result)
  set(${result} FALSE PARENT_SCOPE)
  set(version 0)
  if(FATHOM_CARGO)
    execute_process(COMMAND ${FATHOM_CARGO} --version OUTPUT_VARIABLE version ERROR_QUIET)
    string(REGEX MATCH "[0-9]+\\.[0-9]+" version "${version}")
  endif()
  if(version VERSION_LESS 1.87)
    message(STATUS "no cargo of version 1.87 or newer (found: ${FATHOM_CARGO} ${version}): no structured output")
    return()
  endif()
  foreach(mode --offline --quiet)
    execute_process(COMMAND ${CMAKE_COMMAND} -E env CARGO_NET_RETRY=1 CARGO_HTTP_TIMEOUT=10 ${FATHOM_CARGO} fetch --locked ${mode} --manifest-path ${constraint_dir}/Cargo.toml
      RESULT_VARIABLE failed OUTPUT_QUIET ERROR_VARIABLE reason)
    if(NOT failed)
      set(${result} TRUE PARENT_SCOPE)
      return()
    endif()
  endforeach()
  message(WARNING "cargo has not the packages of rust/constraint: no structured output\n${reason}")
endfunction()

fathom_find_constraint_packages(found)
if(found)
  set(archive ${FATHOM_CARGO_TARGET_DIR}/release/libfathom_constraint.a)
  add_custom_command(OUTPUT ${archive}
    COMMAND ${FATHOM_CARGO} build --release --locked --offline --quiet --manifest-path ${constraint_dir}/Cargo.toml
            --target-dir ${FATHOM_CARGO_TARGET_DIR}
    COMMAND ${CMAKE_COMMAND} -E touch ${archive}
    DEPENDS ${constraint_dir}/src/lib.rs ${constraint_dir}/Cargo.toml ${constraint_dir}/Cargo.lock
    COMMENT "Building rust/constraint with cargo" VERBATIM)
  add_custom_target(fathom_llguidance_build DEPENDS ${archive})
  add_library(fathom_llguidance INTERFACE)
  add_dependencies(fathom_llguidance fathom_llguidance_build)
  target_link_libraries(fathom_llguidance INTERFACE ${archive} Threads::Threads ${CMAKE_DL_LIBS})
endif()
