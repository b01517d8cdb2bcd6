// SPDX-License-Identifier: MIT
#include "text/constraint_matcher.h"

#include <array>
#include <string>
#include <vector>

#include "base/concat.h"
#include "text/constraint.h"

#ifdef FATHOM_HAVE_LLGUIDANCE

// rust/constraint/src/lib.rs
extern "C" {
struct FathomText {
  char* data;
  size_t capacity;
  size_t size;
};
void* fathom_vocabulary_new(const uint32_t* lengths, const char* bytes, uint32_t count, uint32_t eos,
                            FathomText* error);
void fathom_vocabulary_free(void* vocabulary);
void* fathom_matcher_new(const void* vocabulary, const char* lark, size_t size, FathomText* error);
void* fathom_matcher_clone(const void* matcher, FathomText* error);
void fathom_matcher_free(void* matcher);
bool fathom_matcher_mask(void* matcher, uint32_t* words, size_t count, FathomText* error);
bool fathom_matcher_accept(void* matcher, uint32_t token, FathomText* error);
bool fathom_matcher_may_end(void* matcher, FathomText* error);
bool fathom_matcher_is_stopped(const void* matcher);
}

namespace fathom {
namespace {

// Room for the reason of a failed call.
class Reason {
 public:
  FathomText* text() noexcept { return &text_; }
  // The first line, without control characters; what follows in later lines is the grammar, as is the place
  // before the reason.
  std::string first_line() const {
    constexpr std::string_view kPlace = "failed to compile JSON schema: ";
    std::string_view text(bytes_.data(), text_.size);
    text = text.substr(0, text.find('\n'));
    if (const size_t place = text.find(kPlace); place != text.npos) text.remove_prefix(place + kPlace.size());
    std::string line;
    for (const char c : text) {
      if (static_cast<uint8_t>(c) >= ' ') line.push_back(c);
    }
    return line.empty() ? "no reason given" : line;
  }

 private:
  std::array<char, 400> bytes_ = {};
  FathomText text_ = {bytes_.data(), bytes_.size(), 0};
};

// The byte that llguidance puts before the text of a special token, so that no text can spell one. No base
// token that begins with it can occur in UTF-8.
constexpr char kSpecialMark = '\xFF';

}  // namespace

bool constraints_available() noexcept { return true; }

void GrammarMatcher::Free::operator()(void* handle) const noexcept { fathom_matcher_free(handle); }
void GrammarVocabulary::Free::operator()(void* handle) const noexcept { fathom_vocabulary_free(handle); }

Result<GrammarMatcher> GrammarMatcher::clone() const {
  Reason reason;
  void* handle = fathom_matcher_clone(handle_.get(), reason.text());
  if (handle == nullptr) return Status(StatusCode::kInternal, concat("constraint: ", reason.first_line()));
  return GrammarMatcher(handle);
}

Status GrammarMatcher::mask(std::span<uint32_t> bits) {
  Reason reason;
  if (fathom_matcher_mask(handle_.get(), bits.data(), bits.size(), reason.text())) return {};
  return {StatusCode::kResourceExhausted, concat("constraint: mask: ", reason.first_line())};
}

Status GrammarMatcher::accept(int32_t id) {
  Reason reason;
  if (fathom_matcher_accept(handle_.get(), static_cast<uint32_t>(id), reason.text())) return {};
  return {StatusCode::kInvalidArgument, concat("constraint: token ", id, ": ", reason.first_line())};
}

bool GrammarMatcher::may_end() {
  Reason reason;
  return fathom_matcher_may_end(handle_.get(), reason.text());
}

bool GrammarMatcher::is_stopped() const noexcept { return fathom_matcher_is_stopped(handle_.get()); }

Result<GrammarVocabulary> GrammarVocabulary::create(const Tokenizer& tokenizer, int32_t eos) {
  std::vector<uint32_t> lengths;
  std::string bytes;
  for (int32_t id = 0; id < tokenizer.size(); ++id) {
    const std::string_view token = tokenizer.bytes(id);
    const size_t before = bytes.size();
    if (tokenizer.is_added(id)) {
      bytes.push_back(kSpecialMark);
      bytes.append(token);
    } else if (!token.starts_with(kSpecialMark)) {
      bytes.append(token);
    }
    lengths.push_back(static_cast<uint32_t>(bytes.size() - before));
  }
  Reason reason;
  void* handle = fathom_vocabulary_new(lengths.data(), bytes.data(), static_cast<uint32_t>(lengths.size()),
                                       static_cast<uint32_t>(eos), reason.text());
  if (handle == nullptr) {
    return Status(StatusCode::kUnsupported, concat("constraint: vocabulary: ", reason.first_line()));
  }
  return GrammarVocabulary(handle);
}

Result<GrammarMatcher> GrammarVocabulary::compile(std::string_view lark) const {
  Reason reason;
  void* handle = fathom_matcher_new(handle_.get(), lark.data(), lark.size(), reason.text());
  if (handle == nullptr)
    return Status(StatusCode::kInvalidArgument, concat("grammar: ", reason.first_line()));
  return GrammarMatcher(handle);
}

}  // namespace fathom

#else

namespace fathom {
namespace {

Status not_built() {
  return {StatusCode::kUnsupported,
          "constraint: this program was built without structured output (cargo was not found)"};
}

}  // namespace

bool constraints_available() noexcept { return false; }

void GrammarMatcher::Free::operator()(void*) const noexcept {}
void GrammarVocabulary::Free::operator()(void*) const noexcept {}
Result<GrammarMatcher> GrammarMatcher::clone() const { return not_built(); }
Status GrammarMatcher::mask(std::span<uint32_t>) { return not_built(); }
Status GrammarMatcher::accept(int32_t) { return not_built(); }
bool GrammarMatcher::may_end() { return true; }
bool GrammarMatcher::is_stopped() const noexcept { return true; }
Result<GrammarVocabulary> GrammarVocabulary::create(const Tokenizer&, int32_t) { return not_built(); }
Result<GrammarMatcher> GrammarVocabulary::compile(std::string_view) const { return not_built(); }

}  // namespace fathom

#endif
