// SPDX-License-Identifier: MIT
#include "text/chat_dialect.h"

#include "base/concat.h"

namespace fathom {
namespace {

// Effort texts A and B of chat.md 4, exact to the byte (the test compares their SHA-256).
constexpr std::string_view kAbsoluteMaximum =
    "Reasoning Effort: Absolute maximum with no shortcuts permitted.\n"
    "You MUST be very thorough in your thinking and comprehensively decompose the problem to resolve the "
    "root cause, "
    "rigorously stress-testing your logic against all potential paths, edge cases, and adversarial "
    "scenarios.\n"
    "Explicitly write out your entire deliberation process, documenting every intermediate step, considered "
    "alternative, and rejected hypothesis to ensure absolutely no assumption is left unchecked.\n\n";
constexpr std::string_view kBeyondMaximum =
    "Reasoning Effort: Beyond maximum \u2014 exhaustive, relentless, and uncompromising.\n"
    "You MUST reason with the utmost depth and rigor, leaving absolutely nothing to chance: exhaustively "
    "decompose the "
    "problem into its most fundamental components, trace every causal chain to its root, and resolve the "
    "underlying "
    "cause rather than any surface symptom.\n"
    "Do not stop reasoning until you have independently verified the solution from multiple angles and are "
    "certain "
    "that no assumption remains unchecked and no error remains undiscovered.\n\n";

struct RequestWord {
  std::string_view word;
  Effort preview;
  Effort official;
};

constexpr RequestWord kRequestWords[] = {
    {"none", Effort::kNone, Effort::kNone}, {"minimal", Effort::kHigh, Effort::kLow},
    {"low", Effort::kHigh, Effort::kLow},   {"medium", Effort::kHigh, Effort::kHigh},
    {"high", Effort::kHigh, Effort::kHigh}, {"xhigh", Effort::kMax, Effort::kHigh},
    {"max", Effort::kMax, Effort::kMax},    {"ultra", Effort::kMax, Effort::kMax},
};

}  // namespace

std::string_view dialect_name(Dialect dialect) noexcept {
  switch (dialect) {
    case Dialect::kPreview: return "preview";
    case Dialect::kOfficial: return "official";
  }
  return {};
}

std::string_view thinking_mode_name(ThinkingMode mode) noexcept {
  switch (mode) {
    case ThinkingMode::kChat: return "chat";
    case ThinkingMode::kThinking: return "thinking";
  }
  return {};
}

std::string_view effort_name(Effort effort) noexcept {
  switch (effort) {
    case Effort::kNone: return "";
    case Effort::kLow: return "low";
    case Effort::kHigh: return "high";
    case Effort::kMax: return "max";
  }
  return {};
}

std::optional<Dialect> dialect_from_name(std::string_view name) noexcept {
  for (const Dialect dialect : {Dialect::kPreview, Dialect::kOfficial}) {
    if (dialect_name(dialect) == name) return dialect;
  }
  return std::nullopt;
}

std::optional<ThinkingMode> thinking_mode_from_name(std::string_view name) noexcept {
  for (const ThinkingMode mode : {ThinkingMode::kChat, ThinkingMode::kThinking}) {
    if (thinking_mode_name(mode) == name) return mode;
  }
  return std::nullopt;
}

Result<Effort> effort_from_name(std::string_view name, Dialect dialect) {
  for (const Effort effort : {Effort::kLow, Effort::kHigh, Effort::kMax}) {
    const bool accepted = effort != Effort::kLow || dialect == Dialect::kOfficial;
    if (accepted && effort_name(effort) == name) return effort;
  }
  return Status(
      StatusCode::kInvalidArgument,
      concat("reasoning_effort: expected ",
             dialect == Dialect::kOfficial ? "low, high or max" : "high or max", ", found \"", name, "\""));
}

Result<Effort> effort_from_request_word(std::string_view word, Dialect dialect) {
  for (const RequestWord& entry : kRequestWords) {
    if (entry.word == word) return dialect == Dialect::kPreview ? entry.preview : entry.official;
  }
  return Status(
      StatusCode::kInvalidArgument,
      concat("reasoning_effort: expected none, minimal, low, medium, high, xhigh, max or ultra, found \"",
             word, "\""));
}

std::string_view effort_text(Effort effort, Dialect dialect) noexcept {
  const bool official = dialect == Dialect::kOfficial;
  switch (effort) {
    case Effort::kNone: return {};
    case Effort::kLow: return {};
    case Effort::kHigh: return official ? kAbsoluteMaximum : std::string_view();
    case Effort::kMax: return official ? kBeyondMaximum : kAbsoluteMaximum;
  }
  return {};
}

Result<Dialect> detect_dialect(const DialectFacts& facts) {
  if (facts.encoding_text.find("<｜System｜>") != std::string_view::npos) {
    return Status(
        StatusCode::kUnsupported,
        "chat format: encoding: expected the format of V4, found that of V4.1 (a <｜System｜> token)");
  }
  const bool official =
      facts.config_has_dspark_key || facts.encoding_text.find("Beyond maximum") != std::string_view::npos;
  return official ? Dialect::kOfficial : Dialect::kPreview;
}

}  // namespace fathom
