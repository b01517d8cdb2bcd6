// SPDX-License-Identifier: MIT
// The files of models/tiny-chat as read-only data: the assembler copies them in, so the compiler never parses
// them.
#include "engine/builtin_model.h"

#define FATHOM_EMBED(symbol, file)                   \
  asm(".section .rodata\n"                           \
      ".balign 64\n"                                 \
      ".hidden " #symbol                             \
      "_begin\n"                                     \
      ".global " #symbol "_begin\n" #symbol          \
      "_begin:\n"                                    \
      ".incbin \"" FATHOM_BUILTIN_MODEL_DIR "/" file \
      "\"\n"                                         \
      ".hidden " #symbol                             \
      "_end\n"                                       \
      ".global " #symbol "_end\n" #symbol            \
      "_end:\n"                                      \
      ".byte 0\n"                                    \
      ".previous\n");                                \
  extern "C" const char symbol##_begin[];            \
  extern "C" const char symbol##_end[]

FATHOM_EMBED(fathom_builtin_config, "config.json");
FATHOM_EMBED(fathom_builtin_tokenizer, "tokenizer.json");
FATHOM_EMBED(fathom_builtin_generation, "generation_config.json");
FATHOM_EMBED(fathom_builtin_weights, "model.safetensors");

namespace fathom {

BuiltinModel builtin_model() noexcept {
  const std::string_view config(fathom_builtin_config_begin,
                                fathom_builtin_config_end - fathom_builtin_config_begin);
  const std::string_view tokenizer(fathom_builtin_tokenizer_begin,
                                   fathom_builtin_tokenizer_end - fathom_builtin_tokenizer_begin);
  const std::string_view generation(fathom_builtin_generation_begin,
                                    fathom_builtin_generation_end - fathom_builtin_generation_begin);
  const std::span<const char> weights(fathom_builtin_weights_begin, fathom_builtin_weights_end);
  return {config, tokenizer, generation, std::as_bytes(weights)};
}

}  // namespace fathom
