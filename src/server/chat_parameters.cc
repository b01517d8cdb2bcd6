// SPDX-License-Identifier: MIT
#include "server/chat_parameters.h"

#include <string_view>

namespace fathom {
namespace {

constexpr double kMaxTokens = 2147483647.0;  // 2^31 - 1
constexpr ParameterKinds kTakesText = kTakesString | kTakesArray;

constexpr std::string_view kRoles[] = {"system", "developer", "user",           "assistant",
                                       "tool",   "function",  "latest_reminder"};
constexpr std::string_view kThinkingTypes[] = {"enabled", "adaptive", "disabled"};
constexpr std::string_view kEfforts[] = {"none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra"};
constexpr std::string_view kToolChoices[] = {"none", "auto", "required"};
constexpr std::string_view kFormats[] = {"text", "json_object", "json_schema"};

constexpr Parameter kAnObject{.name = "", .kinds = kTakesObject};
constexpr Parameter kStopString{.name = "", .min_length = 1, .cap = &RequestCaps::stop_bytes};
constexpr Parameter kBias{.name = "", .kinds = kTakesNumber, .min = -100, .max = 100};
constexpr Parameter kTokenId{.name = "", .kinds = kTakesInteger, .min = 0};

constexpr std::array kSampling = {
    Parameter{.name = "temperature", .kinds = kTakesNumber, .summary = "0: greedy", .min = 0, .max = 2},
    Parameter{.name = "top_p", .kinds = kTakesNumber, .min = 0, .max = 1, .above_min = true},
    Parameter{
        .name = "top_k", .kinds = kTakesInteger, .summary = "0 or -1: off", .min = -1, .max = kMaxTokens},
    Parameter{.name = "min_p", .kinds = kTakesNumber, .min = 0, .max = 1},
    Parameter{.name = "repetition_penalty", .kinds = kTakesNumber, .min = 0, .max = 2, .above_min = true},
    Parameter{.name = "frequency_penalty", .kinds = kTakesNumber, .min = -2, .max = 2},
    Parameter{.name = "presence_penalty", .kinds = kTakesNumber, .min = -2, .max = 2},
    Parameter{.name = "seed", .kinds = kTakesInteger, .summary = "Same seed, same reply"},
    Parameter{.name = "logit_bias",
              .kinds = kTakesObject,
              .summary = "Token id to bias; -100 bans",
              .item = &kBias,
              .cap = &RequestCaps::logit_bias},
};

constexpr std::array kThinking = {
    Parameter{.name = "type", .required = true, .words = kThinkingTypes},
    Parameter{.name = "budget_tokens", .kinds = kTakesInteger, .min = 1, .max = kMaxTokens},
};

constexpr std::array kStreamOptions = {Parameter{.name = "include_usage", .kinds = kTakesBool}};

constexpr std::array kSchema = {
    Parameter{.name = "name"},
    Parameter{.name = "schema", .kinds = kTakesObject},
    Parameter{.name = "strict", .kinds = kTakesBool},
};
constexpr std::array kResponseFormat = {
    Parameter{.name = "type", .required = true, .words = kFormats},
    Parameter{.name = "json_schema", .kinds = kTakesObject, .members = kSchema},
};

constexpr std::array kFunction = {
    Parameter{.name = "name", .required = true, .min_length = 1, .max_length = 128},
    Parameter{.name = "description"},
    Parameter{.name = "parameters", .kinds = kTakesObject},
    Parameter{.name = "strict", .kinds = kTakesBool},
};
constexpr std::array kTool = {
    Parameter{.name = "type"},
    Parameter{.name = "function", .kinds = kTakesObject, .members = kFunction},
};
constexpr Parameter kToolItem{.name = "", .kinds = kTakesObject, .members = kTool};

constexpr std::array kChosenFunction = {Parameter{.name = "name", .required = true}};
constexpr std::array kToolChoice = {
    Parameter{.name = "type"},
    Parameter{.name = "function", .kinds = kTakesObject, .required = true, .members = kChosenFunction},
};

constexpr std::array kCalledFunction = {
    Parameter{.name = "name", .required = true},
    Parameter{.name = "arguments", .kinds = kTakesString | kTakesObject},
};
constexpr std::array kCall = {
    Parameter{.name = "id"},
    Parameter{.name = "type"},
    Parameter{.name = "function", .kinds = kTakesObject, .required = true, .members = kCalledFunction},
};
constexpr Parameter kCallItem{.name = "", .kinds = kTakesObject, .members = kCall};

constexpr std::array kMessage = {
    Parameter{.name = "role", .required = true, .words = kRoles},
    Parameter{.name = "content",
              .kinds = kTakesText,
              .summary = "Text, or a list of text parts",
              .item = &kAnObject},
    Parameter{.name = "reasoning_content"},
    Parameter{.name = "reasoning"},
    Parameter{.name = "tool_calls", .kinds = kTakesArray, .item = &kCallItem},
    Parameter{.name = "tool_call_id"},
    Parameter{.name = "prefix", .kinds = kTakesBool, .summary = "The reply goes on from this last message"},
};
constexpr Parameter kMessageItem{.name = "", .kinds = kTakesObject, .members = kMessage};

constexpr std::array kCommon = {
    Parameter{.name = "model"},
    Parameter{.name = "n", .kinds = kTakesInteger, .min = 1, .cap = &RequestCaps::choices},
    Parameter{.name = "stop",
              .kinds = kTakesText,
              .summary = "Texts that end the answer and are not sent",
              .min_length = 1,
              .item = &kStopString,
              .cap = &RequestCaps::stop_strings},
    Parameter{.name = "stream", .kinds = kTakesBool},
    Parameter{.name = "stream_options", .kinds = kTakesObject, .members = kStreamOptions},
    Parameter{.name = "response_format", .kinds = kTakesObject, .members = kResponseFormat},
    Parameter{.name = "user", .max_length = 512},
    Parameter{.name = "user_id", .max_length = 512},
    Parameter{.name = "timings", .kinds = kTakesBool, .summary = "Adds how long each part took"},
};

constexpr std::array kChat = {
    Parameter{.name = "messages",
              .kinds = kTakesArray,
              .required = true,
              .min_items = 1,
              .item = &kMessageItem,
              .cap = &RequestCaps::messages},
    Parameter{.name = "max_completion_tokens", .kinds = kTakesInteger, .min = 1, .max = kMaxTokens},
    Parameter{.name = "max_tokens", .kinds = kTakesInteger, .min = 1, .max = kMaxTokens},
    Parameter{.name = "logprobs", .kinds = kTakesBool},
    Parameter{.name = "top_logprobs", .kinds = kTakesInteger, .min = 0, .cap = &RequestCaps::top_logprobs},
    Parameter{.name = "tools", .kinds = kTakesArray, .item = &kToolItem, .cap = &RequestCaps::tools},
    Parameter{.name = "tool_choice",
              .kinds = kTakesString | kTakesObject,
              .words = kToolChoices,
              .members = kToolChoice},
    Parameter{.name = "parallel_tool_calls", .kinds = kTakesBool},
    Parameter{.name = "thinking", .kinds = kTakesObject, .members = kThinking},
    Parameter{.name = "reasoning_effort", .words = kEfforts},
    Parameter{.name = "chat_template_kwargs", .kinds = kTakesObject},
    Parameter{.name = "functions", .kinds = kTakesArray, .summary = "Use tools"},
};

constexpr std::array kCompletion = {
    Parameter{.name = "prompt",
              .kinds = kTakesText,
              .required = true,
              .summary = "Text, token ids, or a list of these",
              .min_items = 1},
    Parameter{.name = "suffix", .summary = "What comes after the answer (fill in the middle)"},
    Parameter{.name = "echo", .kinds = kTakesBool, .summary = "The prompt before the answer"},
    Parameter{
        .name = "max_tokens", .kinds = kTakesInteger, .summary = "Default 16", .min = 0, .max = kMaxTokens},
    Parameter{.name = "logprobs", .kinds = kTakesInteger, .min = 0, .cap = &RequestCaps::top_logprobs},
    Parameter{.name = "special", .kinds = kTakesBool, .summary = "Read special tokens spelt in the prompt"},
};

constexpr std::array kTokenize = {
    Parameter{.name = "model"},
    Parameter{.name = "text"},
    Parameter{.name = "content"},
    Parameter{.name = "prompt"},
    Parameter{.name = "messages",
              .kinds = kTakesArray,
              .min_items = 1,
              .item = &kMessageItem,
              .cap = &RequestCaps::messages},
    Parameter{.name = "special", .kinds = kTakesBool},
    Parameter{.name = "pieces", .kinds = kTakesBool},
};

constexpr std::array kDetokenize = {
    Parameter{.name = "model"},
    Parameter{.name = "tokens", .kinds = kTakesArray, .required = true, .item = &kTokenId},
};

constexpr auto kWholeChat = join_tables(kChat, kCommon, kSampling);
constexpr auto kWholeCompletion = join_tables(kCompletion, kCommon, kSampling);

}  // namespace

const std::array<Parameter, 9> kSamplingTable = kSampling;
const std::array<Parameter, 2> kThinkingTable = kThinking;

std::span<const Parameter> chat_parameters() noexcept { return kWholeChat; }
std::span<const Parameter> completion_parameters() noexcept { return kWholeCompletion; }
std::span<const Parameter> tokenize_parameters() noexcept { return kTokenize; }
std::span<const Parameter> detokenize_parameters() noexcept { return kDetokenize; }

}  // namespace fathom
