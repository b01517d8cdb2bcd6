// SPDX-License-Identifier: MIT
// The adapter to llguidance: a vocabulary it can search, and matchers that follow one text through one
// grammar (design.md 16). Where the program was built without it, making a vocabulary answers kUnsupported.
//
// Owners: one vocabulary per tokenizer, matchers by plans and replies. Threads: a vocabulary and a matcher
// that is only cloned, any; any other matcher, one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/status.h"
#include "text/tokenizer.h"

namespace fathom {

class GrammarMatcher {
 public:
  Result<GrammarMatcher> clone() const;

  // As TokenConstraint::mask and accept.
  Status mask(std::span<uint32_t> bits);
  Status accept(int32_t id);
  bool may_end();
  // Nothing but EOS may follow.
  bool is_stopped() const noexcept;

 private:
  friend class GrammarVocabulary;
  struct Free {
    void operator()(void* handle) const noexcept;
  };
  explicit GrammarMatcher(void* handle) noexcept : handle_(handle) {}
  std::unique_ptr<void, Free> handle_;
};

class GrammarVocabulary {
 public:
  static Result<GrammarVocabulary> create(const Tokenizer& tokenizer, int32_t eos);

  // A matcher at the start of a grammar in llguidance's Lark dialect; an added token is written `<[ID]>`.
  // kInvalidArgument with the reason.
  Result<GrammarMatcher> compile(std::string_view lark) const;

 private:
  struct Free {
    void operator()(void* handle) const noexcept;
  };
  explicit GrammarVocabulary(void* handle) noexcept : handle_(handle) {}
  std::unique_ptr<void, Free> handle_;
};

}  // namespace fathom
