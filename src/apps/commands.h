// SPDX-License-Identifier: MIT
// The commands of conformance.md: options as plain structs, one run function each. Parsing is
// command_line.cc's.
//
// A run function writes results to standard output and nothing else there; its error becomes the one line on
// standard error and the exit code. Single-threaded but for the engine's own pool.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"

namespace fathom {

// Options that every computing command has.
struct ComputeOptions {
  int threads = 0;  // 0: physical cores
  std::string isa;  // "": FATHOM_ISA, else the highest tier this CPU can run
};

// What the user said about sampling; what is missing comes from generation_config.json, else from fathom's
// defaults.
struct SamplingOptions {
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<int64_t> top_k;
  std::optional<double> min_p;
  std::optional<double> repetition_penalty;
  std::optional<double> presence_penalty;
  std::optional<double> frequency_penalty;
  std::optional<uint64_t> seed;
};

struct LogitsCommand {
  std::string model;
  std::string tokens_file;
  std::string out_file;
  bool exact = false;
  int64_t chunk = 0;
  bool mtp = false;
  bool trace = false;
  bool reference = false;
  ComputeOptions compute;
};
Status run_logits(const LogitsCommand& command);

struct GradientsCommand {
  std::string model;
  std::string tokens_file;
  std::string out_file;
  std::string loss = "lm";
  bool dense = false;
  std::string qat;  // "fp8", "fp4" or both
  ComputeOptions compute;
};
Status run_gradients(const GradientsCommand& command);

struct TrainCommand {
  std::string recipe;  // TOML
  bool resume = false;
  std::vector<std::string> set;  // "table.key=value"
  ComputeOptions compute;
};
Status run_train(const TrainCommand& command);

struct GenerateCommand {
  std::string model;
  std::optional<std::string> prompt;     // text
  std::optional<std::string> tokens_in;  // "1,2,3"
  int64_t max_tokens = 128;
  std::vector<std::string> stop;
  bool json = false;
  bool special = false;
  SamplingOptions sampling;
  ComputeOptions compute;
};
Status run_generate(const GenerateCommand& command);

struct ChatCommand {
  std::string model;  // empty: the built-in one
  std::string think;  // "none", "high" or "max"; empty: none
  std::string system;
  std::optional<std::string> message;  // one turn, then the end; otherwise interactive
  int64_t max_tokens = 0;              // of one reply; 0: the room left in the context
  SamplingOptions sampling;
  ComputeOptions compute;
};
Status run_chat(const ChatCommand& command);

struct TokenizeCommand {
  std::string model;
  bool special = false;
  bool jsonl = false;
};
Status run_tokenize(const TokenizeCommand& command);

struct TrainTokenizerCommand {
  std::vector<std::string> files;  // text, or .jsonl with a text a line
  int64_t vocab_size = 0;          // added tokens included
  int64_t min_frequency = 2;
  std::string out_file;
};
Status run_train_tokenizer(const TrainTokenizerCommand& command);

struct DetokenizeCommand {
  std::string model;
  bool jsonl = false;
  bool stream = false;
};
Status run_detokenize(const DetokenizeCommand& command);

struct TemplateCommand {
  std::string model;
  std::string dialect;  // "", "preview" or "official"
  bool jsonl = true;    // the only form
};
Status run_template(const TemplateCommand& command);

struct ParseReplyCommand {
  std::string model;
  int64_t units = 0;  // code points at a time; 0: all at once
  bool jsonl = true;  // the only form
  bool events = false;
};
Status run_parse_reply(const ParseReplyCommand& command);

struct InspectCommand {
  std::string model;
  bool json = false;
  bool claims = false;
  bool plan = false;
  int64_t context = 0;  // 0: the model's own
  int64_t sequences = 1;
  std::string memory;  // "24G"; empty: this machine's
};
Status run_inspect(const InspectCommand& command);

struct BenchCommand {
  std::vector<std::string> words;  // groups of figures and MODEL
  std::string preset;              // a synthetic model instead of MODEL
  std::string figure;              // only this one
  std::string against;             // shell command whose last output line is a number
  std::string csv;                 // history to add to
  std::string svg;                 // roofline to write
  bool json = false;
  bool quick = false;
  bool profile = false;
  ComputeOptions compute;
};
Status run_bench_command(const BenchCommand& command);

struct ServeCommand {
  std::string model;        // empty: the built-in one
  std::string config_file;  // TOML
  bool print_config = false;
  // What was said on the command line, by setting (server/server_settings.h).
  std::map<std::string, std::vector<std::string>, std::less<>> settings;
};
Status run_serve(const ServeCommand& command);

}  // namespace fathom
