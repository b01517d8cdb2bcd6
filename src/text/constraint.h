// SPDX-License-Identifier: MIT
// Constraints on a reply: which tokens may come next so that structured output and tool calls hold to their
// schema (api.md 4.6, chat.md 6; reliability.md P-6). The grammar engine behind it is llguidance; where the
// program was built without it, compiling answers kUnsupported.
//
// Invariants: a reply whose every token was allowed by mask() parses and is valid; a constraint depends on
// its own reply only. Owners: one ConstraintCompiler per tokenizer, one plan per request, one constraint per
// choice. Threads: compiler and plan are immutable, any thread; a constraint has one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "text/reply_parser.h"
#include "text/tokenizer.h"

namespace fathom {

// A tool that may be called. `parameters` is the JSON text of its schema; empty when it takes none.
struct ConstraintTool {
  std::string name;
  std::string parameters;
};

// What a reply must look like. The default asks for nothing.
struct ConstraintSpec {
  enum class Format : uint8_t { kText, kJsonObject, kJsonSchema, kRegex, kLark };
  // What to do about keywords that only narrow and that the grammar cannot express.
  enum class Keywords : uint8_t { kIgnoreUnsupported, kRefuseUnsupported };
  enum class Calls : uint8_t {
    kOff,        // no tools in the request: call markup is text
    kForbidden,  // tool_choice none: the DSML token cannot be sampled
    kAllowed,    // tool_choice auto: once a block has begun it holds to `tools`
    kRequired,   // tool_choice required, or a named tool, which is then the only one in `tools`
  };
  enum class CallCount : uint8_t { kMany, kOne };  // kOne: parallel_tool_calls false

  // Whether the prompt ended in <think>; reasoning is never constrained, except that it must be closed when
  // something is required after it.
  ReplyOptions::Start start = ReplyOptions::Start::kContent;
  Format format = Format::kText;
  std::string format_text;  // the JSON text of the schema, the regular expression, or the Lark grammar
  Keywords keywords = Keywords::kIgnoreUnsupported;
  Calls calls = Calls::kOff;
  CallCount call_count = CallCount::kMany;
  std::vector<ConstraintTool> tools;

  // Whether there is nothing to constrain, so that no plan is needed.
  bool is_free() const noexcept { return format == Format::kText && calls == Calls::kOff; }
};

// One reply under constraint: mask, choose, accept, again.
class TokenConstraint {
 public:
  TokenConstraint(TokenConstraint&&) noexcept;
  TokenConstraint& operator=(TokenConstraint&&) noexcept;
  ~TokenConstraint();

  // A copy that goes on by itself from here (drafts, several choices).
  TokenConstraint clone() const;

  // Whether every token is allowed now, so that mask() need not be asked.
  bool is_free() const noexcept;
  // Sets bit id % 32 of bits[id / 32] for the tokens that may come next and clears all others, those beyond
  // the vocabulary included. Requires room for the vocabulary. At least one token is allowed. An error ends
  // the reply: kResourceExhausted when the grammar became too large to follow.
  Status mask(std::span<uint32_t> bits);
  // The next token of the reply. kInvalidArgument for one that mask() does not allow.
  Status accept(int32_t id);
  // Whether the reply may end here, that is, whether EOS is allowed.
  bool may_end();
  // Whether nothing but EOS may follow: the generation should stop.
  bool is_finished() const noexcept;

  struct State;
  explicit TokenConstraint(std::unique_ptr<State> state) noexcept;

 private:
  std::unique_ptr<State> state_;
};

// A compiled spec.
class ConstraintPlan {
 public:
  // The state at the first token of a reply.
  TokenConstraint start() const;

  struct Parts;
  explicit ConstraintPlan(std::shared_ptr<const Parts> parts) noexcept;

 private:
  std::shared_ptr<const Parts> parts_;
};

// Caps of reliability.md 3 and P-6 on what a client may ask to compile.
inline constexpr size_t kMaxSchemaBytes = 256 * 1024;
inline constexpr int kMaxSchemaDepth = 64;
inline constexpr size_t kMaxPatternBytes = 4 * 1024;

class ConstraintCompiler {
 public:
  // Reads the vocabulary once; `tokenizer` need not outlive it.
  static Result<ConstraintCompiler> create(const Tokenizer& tokenizer);

  ConstraintCompiler(ConstraintCompiler&&) noexcept;
  ConstraintCompiler& operator=(ConstraintCompiler&&) noexcept;
  ~ConstraintCompiler();

  // kInvalidArgument for a schema, pattern or grammar that is wrong, contradicts itself or is beyond the
  // caps; kUnsupported for one that has no grammar here. The messages are fit for a 400 reply.
  Result<ConstraintPlan> compile(const ConstraintSpec& spec) const;

  struct Tables;
  explicit ConstraintCompiler(std::shared_ptr<const Tables> tables) noexcept;

 private:
  std::shared_ptr<const Tables> tables_;
};

// Whether the program was built with the grammar engine.
bool constraints_available() noexcept;

}  // namespace fathom
