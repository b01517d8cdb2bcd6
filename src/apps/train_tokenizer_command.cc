// SPDX-License-Identifier: MIT
// train-tokenizer: text files to a tokenizer.json of DeepSeek's kind.
#include "apps/commands.h"
#include "apps/standard_streams.h"
#include "base/concat.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "text/tokenizer_writer.h"
#include "text/utf8.h"

namespace fathom {
namespace {

Status add_jsonl(std::string_view lines, BpeTrainer& trainer) {
  int64_t number = 0;
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    FATHOM_ASSIGN_OR_RETURN(const JsonValue value, read_json(line));
    const JsonValue* text = value.find("text");
    if (text == nullptr || !text->is_string()) {
      return Status(StatusCode::kInvalidArgument,
                    concat("line ", number, ": expected an object with a string text, found none"));
    }
    trainer.add(text->as_string());
  }
  return {};
}

Status add_file(const std::string& path, BpeTrainer& trainer) {
  FATHOM_ASSIGN_OR_RETURN(const std::string bytes, read_input(path));
  if (path.ends_with(".jsonl")) return add_jsonl(bytes, trainer).in(path);
  trainer.add(to_well_formed(bytes));
  return {};
}

}  // namespace

Status run_train_tokenizer(const TrainTokenizerCommand& command) {
  BpeTrainer trainer;
  for (const std::string& path : command.files) FATHOM_RETURN_IF_ERROR(add_file(path, trainer));
  FATHOM_ASSIGN_OR_RETURN(const TrainedBpe bpe,
                          trainer.train({.vocab_size = command.vocab_size - added_token_count(),
                                         .min_frequency = command.min_frequency,
                                         .first_id = kLeadingAddedTokens}));
  FATHOM_RETURN_IF_ERROR(write_file_atomically(system_io(), command.out_file, write_tokenizer_json(bpe)));
  const auto ids = static_cast<int64_t>(bpe.tokens.size()) + added_token_count();
  return write_stdout(concat(command.out_file, ": ", ids, " tokens, ", bpe.merges.size(), " merges from ",
                             trainer.piece_count(), " distinct pieces\n"));
}

}  // namespace fathom
