// SPDX-License-Identifier: MIT
// `fathom generate`: raw completion, no chat format (conformance.md).
#include <charconv>
#include <cstdio>

#include "apps/commands.h"
#include "apps/sampling_options.h"
#include "apps/standard_streams.h"
#include "base/concat.h"
#include "engine/compute.h"
#include "engine/generator.h"
#include "engine/loaded_model.h"
#include "engine/stop_text.h"
#include "io/json.h"
#include "text/chat_markers.h"
#include "text/stream_decoder.h"

namespace fathom {
namespace {

// "1,2,3" -> ids; blanks around numbers are allowed.
Result<std::vector<int32_t>> parse_ids(std::string_view text) {
  std::vector<int32_t> ids;
  const char* p = text.data();
  const char* end = text.data() + text.size();
  const auto skip_blanks = [&] {
    while (p != end && *p == ' ') ++p;
  };
  for (;;) {
    skip_blanks();
    int32_t id = 0;
    const auto number = std::from_chars(p, end, id);
    if (number.ec != std::errc()) break;
    ids.push_back(id);
    p = number.ptr;
    skip_blanks();
    if (p == end) return ids;
    if (*p++ != ',') break;
  }
  return Status(StatusCode::kInvalidArgument,
                concat("--tokens-in: expected numbers with commas between them, found \"", text, "\""));
}

// BOS and the text; with --special a BOS that the text spells itself is not doubled (chat.md 8).
Result<std::vector<int32_t>> prompt_of_text(const GenerateCommand& command, const Tokenizer& tokenizer,
                                            int32_t bos) {
  std::vector<int32_t> ids = {bos};
  tokenizer.encode(*command.prompt, command.special ? Tokenizer::Special::kOn : Tokenizer::Special::kOff,
                   ids);
  if (ids.size() > 1 && ids[1] == bos) ids.erase(ids.begin());
  return ids;
}

// Collects the answer and, without --json, prints its text as it comes.
class Answer {
 public:
  Answer(const GenerateCommand& command, const Tokenizer& tokenizer, int32_t eos)
      : json_(command.json), tokenizer_(tokenizer), eos_(eos), stop_(command.stop) {}

  // False once a stop text has come, or nobody reads any more.
  bool add(const GeneratedToken& token) {
    ids_.push_back(JsonValue::integer(token.id));
    logprobs_.push_back(JsonValue::number(token.logprob));
    if (token.id != eos_) emit(stop_.push(decoder_.push(tokenizer_.bytes(token.id))));
    return !stop_.found() && status_.ok();
  }

  Status finish(const GenerationResult& result) {
    std::string rest = stop_.push(decoder_.flush());
    rest += stop_.flush();
    emit(rest);
    FATHOM_RETURN_IF_ERROR(status_);
    return write_stdout(json_ ? write_json(as_json(result)) + "\n" : "\n");
  }

 private:
  void emit(const std::string& text) {
    text_ += text;
    if (!json_ && !text.empty() && status_.ok()) status_ = write_stdout(text);
  }

  JsonValue as_json(const GenerationResult& result) {
    JsonValue usage = JsonValue::object();
    usage.set("prompt_tokens", JsonValue::integer(result.prompt_tokens));
    usage.set("completion_tokens", JsonValue::integer(result.output_tokens));
    usage.set("total_tokens", JsonValue::integer(result.prompt_tokens + result.output_tokens));
    JsonValue out = JsonValue::object();
    out.set("text", JsonValue::string(text_));
    out.set("tokens", JsonValue::array(std::move(ids_)));
    out.set("logprobs", JsonValue::array(std::move(logprobs_)));
    out.set("finish_reason", JsonValue::string(result.end == GenerationEnd::kLength ? "length" : "stop"));
    out.set("usage", std::move(usage));
    return out;
  }

  bool json_;
  const Tokenizer& tokenizer_;
  int32_t eos_;
  StopText stop_;
  StreamDecoder decoder_;
  std::string text_;
  std::vector<JsonValue> ids_;
  std::vector<JsonValue> logprobs_;
  Status status_;
};

}  // namespace

Status run_generate(const GenerateCommand& command) {
  if (command.prompt.has_value() == command.tokens_in.has_value()) {
    return Status(StatusCode::kInvalidArgument, "generate: expected exactly one of --prompt and --tokens-in");
  }
  FATHOM_ASSIGN_OR_RETURN(const Compute compute,
                          configure_compute(command.compute.isa, command.compute.threads));
  FATHOM_ASSIGN_OR_RETURN(const auto loaded, LoadedModel::open(system_io(), command.model));
  FATHOM_ASSIGN_OR_RETURN(const Tokenizer tokenizer, open_tokenizer(system_io(), command.model));
  const ModelConfig& config = loaded->model().config;
  Request request;
  request.max_tokens = command.max_tokens;
  request.stop_tokens = {config.eos_token_id};
  if (command.json) request.top_logprobs = 0;
  FATHOM_ASSIGN_OR_RETURN(request.prompt, command.tokens_in
                                              ? parse_ids(*command.tokens_in)
                                              : prompt_of_text(command, tokenizer, config.bos_token_id));
  FATHOM_ASSIGN_OR_RETURN(request.sampling, sampling_params(command.model, command.sampling));
  FATHOM_ASSIGN_OR_RETURN(auto generator, Generator::create(loaded->model(), {.threads = compute.threads}));
  Answer answer(command, tokenizer, config.eos_token_id);
  FATHOM_ASSIGN_OR_RETURN(
      const GenerationResult result,
      generator->generate(request, [&](const GeneratedToken& token) { return answer.add(token); }, {}));
  return answer.finish(result);
}

}  // namespace fathom
