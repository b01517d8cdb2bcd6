// SPDX-License-Identifier: MIT
#include "text/constraint.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/concat.h"
#include "text/chat_markers.h"
#include "text/constraint_grammar.h"
#include "text/constraint_matcher.h"

namespace fathom {
namespace {

using Calls = ConstraintSpec::Calls;
using Format = ConstraintSpec::Format;
using Start = ReplyOptions::Start;

bool requires_content(const ConstraintSpec& spec) {
  return spec.format != Format::kText || spec.calls == Calls::kRequired;
}

bool has_calls(const ConstraintSpec& spec) {
  return spec.calls == Calls::kAllowed || spec.calls == Calls::kRequired;
}

Status check_spec(const ConstraintSpec& spec) {
  const auto invalid = [](std::string message) { return Status(StatusCode::kInvalidArgument, message); };
  if (has_calls(spec) && spec.tools.empty()) return invalid("constraint: expected tools to call, found none");
  const bool json = spec.format == Format::kJsonObject || spec.format == Format::kJsonSchema;
  if (has_calls(spec) && spec.format != Format::kText && !json) {
    return invalid("constraint: expected tools or a grammar, found both");
  }
  return {};
}

}  // namespace

struct ConstraintCompiler::Tables {
  Tables(const Tokenizer& tokenizer, GrammarVocabulary grammar_vocabulary, int32_t eos_id)
      : vocabulary(std::move(grammar_vocabulary)), eos(eos_id), token_count(tokenizer.size()) {
    const MarkerIds markers(tokenizer);
    dsml = markers.id(Marker::kDsml);
    think_close = markers.id(Marker::kThinkClose);
    for (const Marker marker : {Marker::kEos, Marker::kBos, Marker::kUser, Marker::kAssistant}) {
      if (const auto id = markers.id(marker)) ends.push_back(*id);
    }
    for (int32_t id = 0; id < token_count; ++id) {
      ends_with_angle.push_back(!tokenizer.is_added(id) && tokenizer.bytes(id).ends_with('<'));
    }
  }

  GrammarVocabulary vocabulary;
  int32_t eos;
  int32_t token_count;
  std::optional<int32_t> dsml;
  std::optional<int32_t> think_close;
  std::vector<int32_t> ends;          // tokens that end a reply
  std::vector<bool> ends_with_angle;  // by id: the token's text ends in `<`
};

struct ConstraintPlan::Parts {
  std::shared_ptr<const ConstraintCompiler::Tables> tables;
  Start start = Start::kContent;
  bool content_required = false;
  bool calls_forbidden = false;
  std::optional<GrammarMatcher> content;  // where content is constrained from its first token
  std::optional<GrammarMatcher> block;    // from the marker of a block that the model began by itself
};

struct TokenConstraint::State {
  enum class Stage : uint8_t { kReasoning, kFreeContent, kGrammar, kFinished };

  std::shared_ptr<const ConstraintPlan::Parts> parts;
  Stage stage = Stage::kFreeContent;
  bool after_angle = false;
  std::optional<GrammarMatcher> matcher;  // in kGrammar
  Status failure;

  const ConstraintCompiler::Tables& tables() const noexcept { return *parts->tables; }

  void enter_grammar(const GrammarMatcher& grammar) {
    stage = Stage::kGrammar;
    auto copy = grammar.clone();
    if (copy.ok()) {
      matcher = std::move(*copy);
    } else {
      failure = copy.status();
    }
  }

  void enter_content() {
    if (parts->content) return enter_grammar(*parts->content);
    stage = Stage::kFreeContent;
  }

  // Tokens that may not come while the text is free.
  template <typename Ban>
  void for_each_banned(Ban ban) const {
    const bool must_go_on = stage == Stage::kReasoning && parts->content_required;
    if (must_go_on) std::for_each(tables().ends.begin(), tables().ends.end(), ban);
    if ((must_go_on || parts->calls_forbidden) && tables().dsml) ban(*tables().dsml);
  }

  bool is_banned(int32_t id) const {
    bool banned = false;
    for_each_banned([&](int32_t other) { banned = banned || other == id; });
    return banned;
  }

  Status accept_free(int32_t id) {
    if (is_banned(id))
      return {StatusCode::kInvalidArgument, concat("constraint: token ", id, " is not allowed")};
    const auto& ends = tables().ends;
    if (std::find(ends.begin(), ends.end(), id) != ends.end()) {
      stage = Stage::kFinished;
    } else if (stage == Stage::kReasoning && id == tables().think_close) {
      enter_content();
    } else if (after_angle && id == tables().dsml && parts->block) {
      enter_grammar(*parts->block);
    }
    after_angle = tables().ends_with_angle[static_cast<size_t>(id)];
    return failure;
  }
};

TokenConstraint::TokenConstraint(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
TokenConstraint::TokenConstraint(TokenConstraint&&) noexcept = default;
TokenConstraint& TokenConstraint::operator=(TokenConstraint&&) noexcept = default;
TokenConstraint::~TokenConstraint() = default;

TokenConstraint TokenConstraint::clone() const {
  auto copy = std::make_unique<State>();
  copy->parts = state_->parts;
  copy->stage = state_->stage;
  copy->after_angle = state_->after_angle;
  copy->failure = state_->failure;
  if (state_->matcher) copy->enter_grammar(*state_->matcher);
  return TokenConstraint(std::move(copy));
}

bool TokenConstraint::is_free() const noexcept {
  if (state_->stage != State::Stage::kReasoning && state_->stage != State::Stage::kFreeContent) return false;
  bool free = true;
  state_->for_each_banned([&](int32_t) { free = false; });
  return free;
}

Status TokenConstraint::mask(std::span<uint32_t> bits) {
  FATHOM_RETURN_IF_ERROR(state_->failure);
  const ConstraintCompiler::Tables& tables = state_->tables();
  FATHOM_CHECK(bits.size() * 32 >= static_cast<size_t>(tables.token_count));
  if (state_->stage == State::Stage::kGrammar) return state_->matcher->mask(bits);
  std::fill(bits.begin(), bits.end(), 0U);
  const auto word = [&](int32_t id) -> uint32_t& { return bits[static_cast<size_t>(id) / 32]; };
  if (state_->stage == State::Stage::kFinished) {
    word(tables.eos) |= 1U << (tables.eos % 32);
    return {};
  }
  const auto whole = static_cast<std::ptrdiff_t>(tables.token_count / 32);
  std::fill(bits.begin(), bits.begin() + whole, ~0U);
  if (tables.token_count % 32 != 0) word(tables.token_count) = (1U << (tables.token_count % 32)) - 1;
  state_->for_each_banned([&](int32_t id) { word(id) &= ~(1U << (id % 32)); });
  return {};
}

Status TokenConstraint::accept(int32_t id) {
  FATHOM_RETURN_IF_ERROR(state_->failure);
  if (id < 0 || id >= state_->tables().token_count) {
    return {StatusCode::kInvalidArgument, concat("constraint: token ", id, " is outside the vocabulary")};
  }
  switch (state_->stage) {
    case State::Stage::kReasoning:
    case State::Stage::kFreeContent: return state_->accept_free(id);
    case State::Stage::kGrammar: break;
    case State::Stage::kFinished:
      return {StatusCode::kInvalidArgument, concat("constraint: token ", id, " after the end")};
  }
  FATHOM_RETURN_IF_ERROR(state_->matcher->accept(id));
  if (state_->matcher->is_stopped()) state_->stage = State::Stage::kFinished;
  return {};
}

bool TokenConstraint::may_end() {
  if (state_->stage == State::Stage::kGrammar) return state_->matcher && state_->matcher->may_end();
  return !(state_->stage == State::Stage::kReasoning && state_->parts->content_required);
}

bool TokenConstraint::is_finished() const noexcept { return state_->stage == State::Stage::kFinished; }

ConstraintPlan::ConstraintPlan(std::shared_ptr<const Parts> parts) noexcept : parts_(std::move(parts)) {}

TokenConstraint ConstraintPlan::start() const {
  auto state = std::make_unique<TokenConstraint::State>();
  state->parts = parts_;
  if (parts_->start == Start::kReasoning) {
    state->stage = TokenConstraint::State::Stage::kReasoning;
  } else {
    state->enter_content();
  }
  return TokenConstraint(std::move(state));
}

ConstraintCompiler::ConstraintCompiler(std::shared_ptr<const Tables> tables) noexcept
    : tables_(std::move(tables)) {}
ConstraintCompiler::ConstraintCompiler(ConstraintCompiler&&) noexcept = default;
ConstraintCompiler& ConstraintCompiler::operator=(ConstraintCompiler&&) noexcept = default;
ConstraintCompiler::~ConstraintCompiler() = default;

Result<ConstraintCompiler> ConstraintCompiler::create(const Tokenizer& tokenizer) {
  const auto eos = MarkerIds(tokenizer).id(Marker::kEos);
  if (!eos) {
    return Status(StatusCode::kUnsupported, concat("constraint: expected a tokenizer with ",
                                                   marker_text(Marker::kEos), ", found none"));
  }
  FATHOM_ASSIGN_OR_RETURN(auto vocabulary, GrammarVocabulary::create(tokenizer, *eos));
  return ConstraintCompiler(std::make_shared<const Tables>(tokenizer, std::move(vocabulary), *eos));
}

Result<ConstraintPlan> ConstraintCompiler::compile(const ConstraintSpec& spec) const {
  FATHOM_RETURN_IF_ERROR(check_spec(spec));
  if (spec.calls != Calls::kOff && (!tables_->dsml || !tables_->think_close)) {
    return Status(StatusCode::kUnsupported, "constraint: expected a tokenizer with tool markup");
  }
  auto parts = std::make_shared<ConstraintPlan::Parts>();
  parts->tables = tables_;
  parts->start = spec.start;
  parts->content_required = requires_content(spec);
  parts->calls_forbidden = spec.calls == Calls::kForbidden;
  const auto compile_into = [&](std::optional<GrammarMatcher>& matcher,
                                const Result<std::string>& lark) -> Status {
    if (!lark.ok()) return lark.status();
    FATHOM_ASSIGN_OR_RETURN(matcher, tables_->vocabulary.compile(*lark));
    return {};
  };
  if (!has_calls(spec)) {
    if (spec.format != Format::kText) {
      FATHOM_RETURN_IF_ERROR(compile_into(parts->content, content_grammar(spec)));
    }
  } else if (parts->content_required) {
    FATHOM_RETURN_IF_ERROR(
        compile_into(parts->content, calls_grammar(spec, *tables_->dsml, BlockFrom::kLineFeeds)));
  } else {
    FATHOM_RETURN_IF_ERROR(
        compile_into(parts->block, calls_grammar(spec, *tables_->dsml, BlockFrom::kMarker)));
  }
  return ConstraintPlan(std::move(parts));
}

}  // namespace fathom
