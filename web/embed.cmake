# SPDX-License-Identifier: MIT
# Writes the C++ file that carries the chat page: cmake -D FILES=folder -D HEADERS=headers.txt -D OUT=file.cc -P embed.cmake
# The assembler copies each file in (as in engine/builtin_model.cc); the table says path, content type, digest and size.
set(type_css "text/css; charset=utf-8")
set(type_html "text/html; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_svg "image/svg+xml")
set(type_txt "text/plain; charset=utf-8")
set(type_woff2 "font/woff2")

file(GLOB_RECURSE paths RELATIVE ${FILES} ${FILES}/*)
list(SORT paths)
set(symbols "")
set(rows "")
set(number 0)
foreach(path ${paths})
  string(REGEX MATCH "[^.]+$" suffix ${path})
  if(NOT DEFINED type_${suffix})
    message(FATAL_ERROR "web/embed.cmake: ${path}: no content type for .${suffix}")
  endif()
  file(SHA256 ${FILES}/${path} digest)
  file(SIZE ${FILES}/${path} size)
  string(SUBSTRING ${digest} 0 32 tag)
  set(route /${path})
  if(path STREQUAL "index.html")
    set(route /)
  endif()
  string(APPEND symbols "FATHOM_WEB_FILE(fathom_web_${number}, \"${FILES}/${path}\");\n")
  string(APPEND rows "    {\"${route}\", \"${type_${suffix}}\", \"\\\"${tag}\\\"\", {fathom_web_${number}, ${size}}},\n")
  math(EXPR number "${number} + 1")
endforeach()

file(STRINGS ${HEADERS} lines)
set(headers "")
foreach(line ${lines})
  string(REGEX MATCH "^([^:]+): (.*)$" found "${line}")
  string(APPEND headers "    {\"${CMAKE_MATCH_1}\",\n     \"${CMAKE_MATCH_2}\"},\n")
endforeach()

file(WRITE ${OUT} "// Made by web/embed.cmake.
#include \"server/web_assets.h\"

#define FATHOM_WEB_FILE(symbol, file) \\
  asm(\".section .rodata\\n\"           \\
      \".hidden \" #symbol \"\\n\"        \\
      \".global \" #symbol \"\\n\"        \\
      #symbol \":\\n\"                  \\
      \".incbin \\\"\" file \"\\\"\\n\"     \\
      \".byte 0\\n\"                    \\
      \".previous\\n\");                \\
  extern \"C\" const char symbol[]

${symbols}
namespace fathom {
namespace {
constexpr WebAsset kAssets[] = {
${rows}};
constexpr WebHeader kHeaders[] = {
${headers}};
}  // namespace

std::span<const WebAsset> web_assets() noexcept { return kAssets; }
std::span<const WebHeader> web_headers() noexcept { return kHeaders; }

}  // namespace fathom
")
